//! Changes of the schema, as statements.

use super::types::{Filter, SqlValue, Table};
use crate::text::Span;

/// A statement that changes the schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Ddl {
    /// `CREATE TABLE`.
    CreateTable(CreateTable),
    /// `CREATE INDEX`.
    CreateIndex {
        /// The table.
        table: Table,
        /// The index.
        index: IndexDef,
    },
    /// `ALTER TABLE`.
    AlterTable {
        /// The table.
        table: Table,
        /// What changes, in order.
        actions: Vec<AlterAction>,
    },
    /// `DROP TABLE`.
    DropTable(Vec<String>),
    /// `DROP INDEX`.
    DropIndex {
        /// The indexes.
        names: Vec<String>,
        /// Their table, where the dialect has one.
        table: Option<String>,
    },
    /// `ALTER INDEX … RENAME TO`.
    RenameIndex {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// `RENAME TABLE … TO`.
    RenameTable {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// An anonymous block (`DO $$ … $$`), by its body.
    Block(String),
    /// Any other change.
    Other,
}

/// A table to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub table: Table,
    /// Whether an existing table stays as it is.
    pub if_not_exists: bool,
    /// Whether it is one of the connection's own, which nobody else sees.
    pub temporary: bool,
    /// Its columns.
    pub columns: Vec<ColumnDef>,
    /// Its keys and indexes, with those written at columns.
    pub indexes: Vec<IndexDef>,
    /// Its foreign keys, with those written at columns.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Its checks, with those written at columns.
    pub checks: Vec<CheckDef>,
}

/// A column to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: String,
    /// Its type, as written.
    pub type_name: String,
    /// Whether it refuses null.
    pub not_null: bool,
    /// Its default.
    pub default: Option<SqlValue>,
    /// Whether the database makes up its value: identity, serial, a computed column.
    pub generated: bool,
    /// Where it stands.
    pub span: Span,
}

/// An index, or a constraint that works by one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexDef {
    /// Its name, where it is said.
    pub name: Option<String>,
    /// Whether it keeps rows apart.
    pub unique: bool,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether it keeps rows apart by other operators than equality (`EXCLUDE`).
    pub exclusion: bool,
    /// What is indexed.
    pub columns: Vec<IndexColumn>,
    /// Which rows are in it, where not all are.
    pub filter: Option<Filter>,
    /// Whether two nulls collide.
    pub nulls_not_distinct: bool,
    /// The index it takes over (`UNIQUE USING INDEX`).
    pub using_index: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// One part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexColumn {
    /// A column.
    Column(String),
    /// An expression.
    Expression {
        /// The function, where it is a call of one.
        function: Option<String>,
        /// The columns in it.
        columns: Vec<String>,
    },
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignKeyDef {
    /// Its name.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table it points to.
    pub table: String,
    /// The columns it points to; none: the primary key.
    pub references: Vec<String>,
    /// `ON DELETE`, in lower case (`cascade`, `set null`).
    pub on_delete: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// A check constraint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckDef {
    /// Its name.
    pub name: Option<String>,
    /// What must hold of every row.
    pub filter: Filter,
    /// Where it stands.
    pub span: Span,
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// Adds a column, with the keys, foreign keys and checks written at it.
    AddColumn(ColumnDef, Vec<IndexDef>, Vec<ForeignKeyDef>, Vec<CheckDef>),
    /// Replaces a column's definition; the first name is the old one (MySQL's `CHANGE` and `MODIFY`).
    Redefine(String, ColumnDef),
    /// Removes a column.
    DropColumn(String),
    /// Renames a column.
    RenameColumn {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Adds an index or key.
    AddIndex(IndexDef),
    /// Adds a foreign key.
    AddForeignKey(ForeignKeyDef),
    /// Adds a check.
    AddCheck(CheckDef),
    /// Removes a constraint or index by name.
    DropConstraint(String),
    /// Removes the primary key.
    DropPrimaryKey,
    /// Renames the table.
    RenameTable(String),
    /// Renames a constraint or index.
    RenameConstraint {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Makes a column refuse null, or not.
    SetNotNull(String, bool),
    /// Sets or removes a column's default.
    SetDefault(String, Option<SqlValue>),
}
