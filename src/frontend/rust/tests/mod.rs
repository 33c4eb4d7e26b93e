//! What lowering makes of the forms of the language, as printed IR.

use super::lower;
use crate::ir;

mod calls;
mod classes;
mod fallible;
mod flow;
mod iterators;
mod macros;
mod modules;
mod options;
mod robustness;

/// Lowers a file and compares what it prints as.
#[track_caller]
fn check(source: &str, expected: &str) {
    let printed = ir::print(&lower("a.rs", source.trim()));
    assert!(printed.trim() == expected.trim(), "expected:\n{}\n\nprinted:\n{}", expected.trim(), printed.trim());
}
