//! What conditions and written columns an operation has: object literals and SQL text, read into one form.

mod data;
mod filter;
mod statement;

use super::expression::{data_grammar, filter_grammar};
use super::trace::{Op, OpId, OpSource, Trace};
use super::value::{Val, ValId};
use crate::library::{Root, Rows, Selector, Verb};
use crate::schema::{Entity, Schema};
use crate::sql;

/// A condition on the rows of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The relations to go through; empty for a column of the entity itself.
    pub through: Vec<String>,
    /// The column.
    pub column: String,
    /// The comparison.
    pub op: Compare,
    /// What it is compared with; a list for [`Compare::In`] and [`Compare::NotIn`].
    pub value: ValId,
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    /// A test whose meaning is not modelled.
    Other,
}

/// All conditions of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Those that must all hold.
    pub all: Vec<Condition>,
    /// Of each of these groups, one arm must hold.
    pub any: Vec<Vec<Conditions>>,
    /// Negated groups.
    pub none: Vec<Conditions>,
    /// Whether there may be more that is not known.
    pub opaque: bool,
}

impl Condition {
    /// Whether it asks a column of the entity itself to equal a value.
    #[must_use]
    pub fn is_equality(&self) -> bool {
        self.op == Compare::Eq && self.through.is_empty()
    }
}

impl Conditions {
    /// The conditions on a column of the entity itself.
    pub fn on<'c>(&'c self, column: &'c str) -> impl Iterator<Item = &'c Condition> {
        self.all.iter().filter(move |c| c.through.is_empty() && c.column == column)
    }

    /// Every condition, wherever it stands.
    pub fn each(&self, visit: &mut impl FnMut(&Condition)) {
        self.all.iter().for_each(&mut *visit);
        for inner in self.any.iter().flatten().chain(&self.none) {
            inner.each(visit);
        }
    }
}

/// What is written to a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// A value.
    Value(ValId),
    /// The old value, changed by the database.
    Delta {
        /// `+`, `-`, `*` or `/`.
        op: char,
        /// By how much.
        by: ValId,
    },
    /// The old list with values added by the database.
    Append(ValId),
    /// Computed by the database.
    Opaque,
}

/// All columns an operation writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Writes {
    /// Columns and what they take.
    pub columns: Vec<(String, Written)>,
    /// Related rows that are written along.
    pub nested: Vec<Nested>,
    /// Whether more columns may be written.
    pub opaque: bool,
    /// Whether the call writes several rows.
    pub many: bool,
}

impl Writes {
    /// What a column takes.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Written> {
        self.columns.iter().rev().find(|(name, _)| name == column).map(|(_, written)| written)
    }
}

/// Related rows written along.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    /// The relation.
    pub relation: String,
    /// What happens: `create`, `connect`, `connect-or-create` …
    pub action: String,
    /// Its argument.
    pub value: ValId,
}

/// The description of an operation's entity, where a schema has one.
#[must_use]
pub fn entity_of<'s>(schemas: &'s [Schema], op: &Op<'_>) -> Option<&'s Entity> {
    let (schema, entity) = op.schema?;
    schemas.get(schema)?.entities.get(entity)
}

impl Trace<'_> {
    /// The value a selector picks from an operation's call.
    pub fn pick(&mut self, op: OpId, selector: &Selector) -> Option<ValId> {
        let mut value = match selector.root {
            Root::Param(index) => *self.op(op).args.get(index)?,
            Root::Result => self.values.add(Val::Result(op)),
            Root::Receiver => self.op(op).handle?,
        };
        for name in &selector.path {
            value = self.field(value, name);
        }
        Some(value)
    }

    /// The conditions on an operation's rows. `see` replaces each value by what it is known to be.
    pub fn conditions(
        &mut self,
        schemas: &[Schema],
        op: OpId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Conditions {
        let it = self.op(op);
        let entity = entity_of(schemas, it);
        match it.source.clone() {
            OpSource::Call(row, library) => {
                if let Some(place) = row.place {
                    return self.place_conditions(op, row, place, see);
                }
                let Some(selector) = &row.key else { return Conditions::default() };
                let Some(key) = self.pick(op, selector) else { return Conditions::default() };
                let key = see(self, key);
                let mut found = Conditions::default();
                self.read_filter(&library.filter, entity, key, see, &mut found, 6);
                found
            }
            OpSource::Related { of, ties, key, library } => {
                let mut found = Conditions::default();
                if let Some(key) = key {
                    let condition = see(self, key);
                    self.read_filter(&library.filter, entity, condition, see, &mut found, 6);
                }
                let mut parent = self.values.add(Val::Result(of));
                if self.op(of).rows == Rows::Many {
                    parent = self.values.add(Val::Element(parent));
                }
                let looked = self.conditions(schemas, of, see);
                for (here, there) in ties {
                    // What the parent was asked for by is known before it is read.
                    let known = looked.on(&there).find(|c| c.op == Compare::Eq).map(|c| c.value);
                    let value = known.unwrap_or_else(|| self.field(parent, &there));
                    found.all.push(Condition { through: Vec::new(), column: here, op: Compare::Eq, value });
                }
                found
            }
            OpSource::Stored { of, .. } => self.conditions(schemas, of, see),
            OpSource::Sql(statement, bound) => match &statement.kind {
                sql::Kind::Query(query) if query.settles() => self.settled_by(entity, query, &bound, see),
                sql::Kind::Query(query) => self.sql_conditions(entity, &query.filter, &bound, see),
                _ => Conditions::default(),
            },
            OpSource::Built(built, _) => {
                let grammar = filter_grammar();
                let mut found = Conditions { opaque: built.vague, ..Conditions::default() };
                for key in &built.keys {
                    let key = see(self, *key);
                    self.read_filter(&grammar, entity, key, see, &mut found, 6);
                }
                self.primary_key(entity, &built, see, &mut found);
                found
            }
        }
    }

    /// What an operation writes. For an upsert, `creating` chooses between its two halves.
    pub fn writes(
        &mut self,
        schemas: &[Schema],
        op: OpId,
        creating: bool,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Writes {
        let it = self.op(op);
        let entity = entity_of(schemas, it);
        let verb = it.verb;
        match it.source.clone() {
            OpSource::Call(row, library) => {
                if let Some(place) = row.place {
                    return self.place_writes(op, row, place, creating, see);
                }
                let selector = if creating && verb == Verb::Upsert { &row.create } else { &row.set };
                let Some(selector) = selector else { return Writes::default() };
                let Some(data) = self.pick(op, selector) else { return Writes::default() };
                let data = see(self, data);
                let mut found = Writes::default();
                self.read_data(&library.data, entity, data, see, &mut found, 4);
                found
            }
            OpSource::Stored { of, columns, .. } => self.stored_writes(schemas, of, &columns, creating, see),
            OpSource::Related { .. } => Writes::default(),
            OpSource::Built(built, _) => {
                let grammar = data_grammar();
                let mut found = Writes { opaque: built.vague, ..Writes::default() };
                let creates = creating && matches!(verb, Verb::Create | Verb::Upsert);
                for data in if creates { &built.create } else { &built.set } {
                    let data = see(self, *data);
                    self.read_made(&grammar, entity, data, see, &mut found, 6);
                }
                found
            }
            OpSource::Sql(statement, bound) => match &statement.kind {
                sql::Kind::Query(query) => {
                    let sets = match (&query.conflict, creating) {
                        (Some(sql::Conflict::Update { sets, .. }), false) => sets,
                        _ => &query.writes,
                    };
                    let mut found = Writes::default();
                    for set in sets {
                        let column = field_name(entity, &set.column);
                        let written = match &set.write {
                            sql::SqlWrite::Value(value) => {
                                let value = self.sql_value(value, &bound);
                                Written::Value(see(self, value))
                            }
                            sql::SqlWrite::Delta { plus, value } => {
                                let by = self.sql_value(value, &bound);
                                Written::Delta { op: if *plus { '+' } else { '-' }, by: see(self, by) }
                            }
                            sql::SqlWrite::Opaque(_) => Written::Opaque,
                        };
                        found.columns.push((column, written));
                    }
                    found.many = query.row_count != sql::RowCount::One;
                    found
                }
                _ => Writes::default(),
            },
        }
    }
}

/// The name by which the code knows a column of the database.
fn field_name(entity: Option<&Entity>, column: &str) -> String {
    let found = entity.and_then(|e| e.columns.iter().find(|c| c.mapped == column));
    found.map_or_else(|| column.to_owned(), |c| c.name.clone())
}
