//! What lowering makes of the forms of the language, as printed IR.

mod calls;
mod chains;
mod classes;
mod collections;
mod comments;
mod errors;
mod flow;
mod loops;
mod modules;
mod patterns;
mod promises;
mod robustness;
mod scopes;
mod switches;
mod tags;
mod values;

use super::lower;
use crate::ir;

/// Lowers a file and compares what it prints as.
#[track_caller]
fn check(path: &str, source: &str, expected: &str) {
    compare(&ir::print(&lower(path, source.trim())), expected);
}

/// The same with the places of calls.
#[track_caller]
fn check_places(path: &str, source: &str, expected: &str) {
    compare(&ir::print_places(&lower(path, source.trim()), source.trim()), expected);
}

#[track_caller]
fn compare(printed: &str, expected: &str) {
    assert!(printed.trim() == expected.trim(), "expected:\n{}\n\nprinted:\n{}", expected.trim(), printed.trim());
}
