//! Names of TypeScript and JavaScript: module names are resolved to files, and a module's exports are what it says they are.

mod exports;
mod manifest;
mod modules;
mod named;
mod types;

pub(super) use exports::{export, member};
pub(super) use modules::Packages;
pub(super) use named::modules as named_modules;
pub(super) use types::{class_of_type, is_foreign, method, names_of_type, superclass};
