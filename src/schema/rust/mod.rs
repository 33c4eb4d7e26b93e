//! Schemas that Rust code spells out: tables of macros, structs that stand for rows, migrations as chains of calls, and
//! the SQL text that code executes.
//!
//! The text is read as tokens, without a parser: what these notations look like is fixed by the libraries whose they are.

mod builder;
mod conflicts;
mod diesel;
mod entity;
mod statements;
mod tokens;

use super::{Engine, Schema};
use tokens::Tokens;

/// Words of which one stands in every file that says something about a schema.
pub const WORDS: [&str; 10] = [
    "table!",
    "DeriveEntityModel",
    "Table::create",
    "Table::alter",
    "Index::create",
    "CREATE TABLE",
    "CREATE UNIQUE",
    "create table",
    "ALTER TABLE",
    ".sql\")",
];

/// What a file says of the tables as code knows them.
#[must_use]
pub fn tables(path: &str, text: &str) -> Schema {
    let tokens = Tokens::read(text);
    let mut schema = Schema::default();
    diesel::read(path, &tokens, &mut schema);
    entity::read(path, &tokens, &mut schema);
    schema
}

/// The path and the text of a file that another one takes in by a name.
pub type Included<'f> = &'f dyn Fn(&str) -> Option<(String, &'f str)>;

/// Applies the changes to a schema that a file makes, in the order in which they are written.
pub fn migrate(path: &str, text: &str, included: Included<'_>, engine: Option<Engine>, schema: &mut Schema) {
    let tokens = Tokens::read(text);
    statements::read(path, &tokens, included, engine, schema);
}

/// The words of files that may name keys in passing.
pub const CONFLICTS: [&str; 2] = ["ON CONFLICT", "on conflict"];

/// The unique keys that statements in a file rely on: the table, and the columns.
#[must_use]
pub fn relied_on(text: &str) -> Vec<(String, Vec<String>)> {
    conflicts::read(&Tokens::read(text))
}

/// The files of SQL that a text takes in, by the names it writes.
pub fn included(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("include_str!(").filter_map(|(at, word)| {
        let name = text[at + word.len()..].trim_start().strip_prefix('"')?.split('"').next()?;
        name.ends_with(".sql").then_some(name)
    })
}
