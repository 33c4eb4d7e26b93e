//! What the database guarantees: entities, their columns, and the unique keys that keep rows apart.
//!
//! Readers turn files into a [`Schema`]: [`prisma::read`] a `schema.prisma`, [`migrations::read`] SQL migrations,
//! [`rust::tables`] and [`rust::migrate`] what Rust code spells out.
//! Several files of one schema are put together with [`Schema::merge`]; keys that only migrations know (partial and
//! expression indexes) are added with [`Schema::add_keys_from`]. Which files belong together, and which schema a source
//! file uses, is decided by [`discover`] from paths alone. Nothing here touches the disk, and no reader fails: what it
//! cannot read becomes a [`Problem`].

pub mod clues;
pub mod discover;
mod engine;
mod lookup;
mod merge;
pub mod migrations;
pub mod prisma;
pub mod rust;

#[cfg(test)]
mod tests;

pub use engine::Engine;

use crate::sql::{Filter, SqlValue};
use crate::text::Span;

/// A database schema, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// The database engine, where the schema names one.
    pub engine: Option<Engine>,
    /// Tables, models, collections, in the order of their definition.
    pub entities: Vec<Entity>,
    /// Enumerations.
    pub enums: Vec<Enum>,
    /// Types that are embedded in a row and have none of their own.
    pub composites: Vec<Entity>,
    /// The client generators.
    pub generators: Vec<Generator>,
    /// Whether relations are kept by the client instead of foreign keys in the database.
    pub emulated_relations: bool,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A generator of client code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generator {
    /// Its name.
    pub name: String,
    /// What generates.
    pub provider: Option<String>,
    /// Where the code goes, as written.
    pub output: Option<String>,
    /// Features that are switched on before they are general.
    pub preview_features: Vec<String>,
    /// The path of the file that declares it; outputs are relative to its folder.
    pub path: String,
}

/// Something in a schema file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

/// A kind of row: a table, a model, a collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entity {
    /// Its name in code.
    pub name: String,
    /// The name of its table.
    pub table: String,
    /// Whether it is a view: read only, without guarantees.
    pub view: bool,
    /// Its columns and relations, in order.
    pub columns: Vec<Column>,
    /// What keeps its rows apart.
    pub keys: Vec<UniqueKey>,
    /// Indexes that only make reading fast.
    pub indexes: Vec<Index>,
    /// References to other entities.
    pub foreign_keys: Vec<ForeignKey>,
    /// What holds of every row.
    pub checks: Vec<Check>,
    /// Where it is defined.
    pub span: Span,
    /// The file that defines it.
    pub path: String,
}

/// A column, or a relation to another entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its name in code.
    pub name: String,
    /// Its name in the database.
    pub mapped: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be null, or a relation without a partner.
    pub optional: bool,
    /// Whether it holds many values.
    pub list: bool,
    /// What it holds if nothing is given.
    pub default: DefaultValue,
    /// Whether every update sets it to the current time.
    pub updated_at: bool,
    /// Whether it is left out of the generated client.
    pub ignored: bool,
    /// Its database type, where the schema names one (`db.Text`, `varchar(20)`).
    pub native_type: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnKind {
    /// A plain value of the named type.
    Scalar(String),
    /// A value of the named enumeration.
    Enum(String),
    /// Another entity's row or rows. No column of its own.
    Relation(Relation),
    /// An embedded value of the named composite type.
    Composite(String),
}

impl Default for ColumnKind {
    fn default() -> Self {
        Self::Scalar(String::new())
    }
}

/// A relation between entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// The other entity's name.
    pub entity: String,
    /// The relation's name, where several lead to the same entity.
    pub name: Option<String>,
    /// The columns here that hold the reference; empty on the side that is referred to.
    pub fields: Vec<String>,
    /// The columns there.
    pub references: Vec<String>,
}

/// What a column holds if nothing is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DefaultValue {
    /// Null, or an error where null is refused.
    #[default]
    None,
    /// This value, as written, without quotes.
    Literal(String),
    /// A value made up anew for each row: a counter, a random id.
    Generated,
    /// The time of the insert.
    Now,
    /// An expression of the database.
    Opaque,
}

/// What keeps rows apart: a primary key, a unique constraint or a unique index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UniqueKey {
    /// The names of its columns in code, in order. Of an expression key, the columns that its expressions mention.
    pub columns: Vec<String>,
    /// What the client calls it in a `where`: the column's name, `a_b` for several, or the name that was given.
    pub name: String,
    /// The name of the constraint or index in the database.
    pub constraint: Option<String>,
    /// Whether it is the primary key.
    pub primary: bool,
    /// The rows it covers, where not all are. Columns are named as in code.
    pub partial: Option<Filter>,
    /// The expressions in it, where it is not on columns alone; by the functions they call, `None` for others.
    pub expressions: Vec<KeyExpression>,
    /// Whether two nulls collide; normally any number of rows may have null.
    pub nulls_not_distinct: bool,
    /// Whether it keeps rows apart by other operators than equality (`EXCLUDE`).
    pub exclusion: bool,
    /// Where it is defined.
    pub span: Span,
    /// The file that defines it.
    pub path: String,
}

/// An expression in a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyExpression {
    /// The function, in lower case, where it is a call.
    pub function: Option<String>,
    /// The columns in it.
    pub columns: Vec<String>,
}

/// An index that does not keep rows apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Its columns.
    pub columns: Vec<String>,
    /// Its name in the database.
    pub name: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// A reference to another entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns here.
    pub columns: Vec<String>,
    /// The other entity; its table, where a migration says it.
    pub entity: String,
    /// The columns there; empty: the primary key.
    pub references: Vec<String>,
    /// Its name in the database.
    pub name: Option<String>,
    /// What happens to the row when the other is deleted, in lower case (`cascade`, `set null`).
    pub on_delete: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// A condition that the database holds every row to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    /// The condition.
    pub filter: Filter,
    /// Its name in the database.
    pub name: Option<String>,
    /// Where it is defined.
    pub span: Span,
    /// The file that defines it.
    pub path: String,
}

/// An enumeration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enum {
    /// Its name.
    pub name: String,
    /// Its values, as named in code.
    pub values: Vec<String>,
    /// Where it is defined.
    pub span: Span,
    /// The file that defines it.
    pub path: String,
}

impl DefaultValue {
    /// What a column with this default expression holds.
    pub(crate) fn of(value: SqlValue) -> Self {
        match value {
            SqlValue::Null => Self::None,
            SqlValue::Number(text) | SqlValue::Text(text) => Self::Literal(text),
            SqlValue::Bool(holds) => Self::Literal(holds.to_string()),
            SqlValue::Now => Self::Now,
            SqlValue::Fresh => Self::Generated,
            _ => Self::Opaque,
        }
    }
}

impl UniqueKey {
    /// Whether the key is on columns alone, of every row: what a plain unique constraint is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.partial.is_none() && self.expressions.is_empty() && !self.exclusion
    }
}
