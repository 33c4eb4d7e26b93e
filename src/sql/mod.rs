//! SQL text to statements: what a statement reads, tests, writes and locks.
//!
//! [`read`] takes text in which interpolated values have been replaced by placeholders (`?`, `$1`, `:name`, `@p1`) or by
//! [`hole`]s, and returns flat statements. It works on tokens, without a grammar of expressions: what it understands it
//! reports exactly, and what it doesn't it marks as opaque, never guesses. It cannot fail, does not recurse, and takes
//! time linear in the text.
//!
//! Sub-selects and the members of a `WITH` become statements of their own that come before the statement they are part
//! of; [`Statement::group`] says which parts ran as one.

mod condition;
mod control;
mod ddl;
mod ddl_types;
mod finish;
mod fragment;
mod from;
mod group;
mod likely;
mod modify;
mod select;
mod token;
mod types;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub use ddl::{read_expression, read_filter, read_value};
pub use ddl_types::{AlterAction, CheckDef, ColumnDef, CreateTable, Ddl, ForeignKeyDef, IndexColumn, IndexDef};
pub use group::read;
pub use likely::looks_like_dml;
pub use types::{
    Aggregate, AggregateKind, AnyOf, Assignment, BeginMode, Column, Condition, Conflict, ConflictTarget, Exists,
    Filter, Isolation, Join, Kind, Lock, LockStrength, LockTable, Op, OrderBy, Part, Query, RowCount, Scope, Selected,
    SqlValue, SqlWrite, Statement, Table, Verb,
};

/// The character that encloses the number of a hole. It has no meaning in any SQL dialect.
pub(crate) const HOLE: char = '\u{1}';

/// The text that stands for the `n`-th interpolated value.
///
/// A hole that stands where a value may comes back as [`SqlValue::Hole`]; one that stands for a name is kept in that name,
/// where [`hole_in`] finds it; one that stands for a piece of SQL is listed in [`Query::fragments`].
#[must_use]
pub fn hole(n: usize) -> String {
    format!("{HOLE}{n}{HOLE}")
}

/// The number of the first hole in a name or a text.
#[must_use]
pub fn hole_in(text: &str) -> Option<usize> {
    let rest = &text[text.find(HOLE)? + HOLE.len_utf8()..];
    rest[..rest.find(HOLE)?].parse().ok()
}

/// Whose rules of spelling apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Not known: what the dialects share, with every dialect's way to quote a name.
    #[default]
    Generic,
    /// PostgreSQL and CockroachDB: comments nest, `[` is an array.
    Postgres,
    /// MySQL and MariaDB: `"` quotes text, `\` escapes, `#` starts a comment.
    Mysql,
    /// SQLite.
    Sqlite,
    /// SQL Server.
    SqlServer,
}
