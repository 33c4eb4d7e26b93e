//! Names of Rust: crates of a workspace, the tree of their modules, paths through it, and what types are called.

mod beyond;
mod crates;
mod manifest;
mod methods;
mod named;
mod paths;
mod tables;
mod types;

#[cfg(test)]
mod tests;

pub(super) use beyond::{beyond, passed_on};
pub(super) use crates::Crates;
pub(super) use methods::{alternatives, blanket, gives_itself, method, stands_before};
pub(super) use named::paths as named_paths;
pub(super) use paths::{global, imported, member};
pub(super) use tables::Tables;
pub(super) use types::{
    class_of_type, element_type, error_conversions, is_foreign, names_of_type, payloads, unaliased,
};
