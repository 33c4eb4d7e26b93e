//! What conditions and written columns an operation has: object literals and SQL text, read into one form.

use super::expression::{data_grammar, filter_grammar};
use super::trace::{Bound, Built, Op, OpId, OpSource, Trace};
use super::value::{ArrayItem, Literal, ObjectEntry, Val, ValId};
use crate::library::{DataGrammar, FilterGrammar, Root, Rows, Selector, Verb};
use crate::schema::{ColumnKind, Entity, Schema};
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

    fn read_filter(
        &mut self,
        grammar: &FilterGrammar,
        entity: Option<&Entity>,
        key: ValId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Conditions,
        depth: usize,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            found.opaque = true;
            return;
        };
        let entries = match self.values.get(key).clone() {
            Val::Object(entries) => entries,
            Val::Const(literal) if literal.is_absent() => return,
            Val::Phi(_) | Val::Choice(..) => {
                // What all alternatives ask for is certain; the rest is not known.
                let parts = match self.values.get(key) {
                    Val::Choice(_, yes, no) => vec![*yes, *no],
                    _ => self.values.parts(key),
                };
                let mut common: Option<Vec<Condition>> = None;
                for part in parts {
                    if part == key {
                        continue;
                    }
                    let part = see(self, part);
                    let mut inner = Conditions::default();
                    self.read_filter(grammar, entity, part, see, &mut inner, depth);
                    common = Some(match common {
                        None => inner.all,
                        Some(known) => known.into_iter().filter(|c| inner.all.contains(c)).collect(),
                    });
                }
                found.all.extend(common.unwrap_or_default());
                found.opaque = true;
                return;
            }
            _ => {
                found.opaque = true;
                return;
            }
        };
        for entry in entries {
            let (name, value) = match entry {
                ObjectEntry::Field(name, value) => (name, see(self, value)),
                ObjectEntry::Removed(_) => continue,
                ObjectEntry::Spread(inner) => {
                    let inner = see(self, inner);
                    if matches!(self.values.get(inner), Val::Object(_) | Val::Phi(_) | Val::Choice(..)) {
                        self.read_filter(grammar, entity, inner, see, found, depth);
                    } else {
                        found.opaque = true;
                    }
                    continue;
                }
                ObjectEntry::Computed(_) => {
                    found.opaque = true;
                    continue;
                }
            };
            if matches!(self.values.get(value), Val::Const(Literal::Unset)) {
                // It asks for nothing.
                continue;
            }
            if grammar.and.contains(&name) {
                for item in super::recognise::list_items(&self.values, value) {
                    let item = see(self, item);
                    self.read_filter(grammar, entity, item, see, found, depth);
                }
            } else if grammar.or.contains(&name) {
                let mut arms = Vec::new();
                for item in super::recognise::list_items(&self.values, value) {
                    let item = see(self, item);
                    let mut arm = Conditions::default();
                    self.read_filter(grammar, entity, item, see, &mut arm, depth);
                    arms.push(arm);
                }
                match arms.len() {
                    0 => {}
                    1 => {
                        let only = arms.remove(0);
                        found.all.extend(only.all);
                        found.any.extend(only.any);
                        found.none.extend(only.none);
                        found.opaque |= only.opaque;
                    }
                    _ => found.any.push(arms),
                }
            } else if grammar.not.contains(&name) {
                for item in super::recognise::list_items(&self.values, value) {
                    let item = see(self, item);
                    let mut inner = Conditions::default();
                    self.read_filter(grammar, entity, item, see, &mut inner, depth);
                    found.none.push(inner);
                }
            } else {
                self.read_column(grammar, entity, &name, value, see, found, depth);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one recursive reader")]
    fn read_column(
        &mut self,
        grammar: &FilterGrammar,
        entity: Option<&Entity>,
        name: &str,
        value: ValId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Conditions,
        depth: usize,
    ) {
        let column = entity.and_then(|e| e.column(name));
        let is_list = column.is_some_and(|c| c.list);
        let relation = column.and_then(|c| match &c.kind {
            ColumnKind::Relation(relation) => Some(relation),
            _ => None,
        });
        let mut push = |column: &str, op, value| {
            found.all.push(Condition { through: Vec::new(), column: column.to_owned(), op, value });
        };
        let Val::Object(entries) = self.values.get(value).clone() else {
            match relation {
                // `author: null` asks for the absence of the reference.
                Some(relation) if !relation.fields.is_empty() => push(&relation.fields[0], Compare::Eq, value),
                _ => push(name, Compare::Eq, value),
            }
            return;
        };
        let fields: Vec<(String, ValId)> = entries
            .iter()
            .filter_map(|entry| match entry {
                ObjectEntry::Field(key, value) => Some((key.clone(), *value)),
                _ => None,
            })
            .collect();
        // A compound key stands for its columns.
        let compound = entity.map_or_else(
            || name.contains('_') && !fields.iter().any(|(k, _)| grammar.operators.iter().any(|(o, _)| o == k)),
            |e| e.column(name).is_none() && e.keys.iter().any(|key| key.name == name && key.columns.len() > 1),
        );
        if compound {
            for (column, value) in fields {
                let value = see(self, value);
                found.all.push(Condition { through: Vec::new(), column, op: Compare::Eq, value });
            }
            return;
        }
        if let Some(relation) = relation {
            for (key, inner) in &fields {
                let inner = see(self, *inner);
                let to_one = !is_list;
                if grammar.relation.contains(key) {
                    // Conditions on related rows, kept with the relation they go through.
                    let mut related = Conditions::default();
                    self.read_filter(grammar, None, inner, see, &mut related, depth);
                    found.all.extend(related.all.into_iter().map(|mut c| {
                        c.through.insert(0, name.to_owned());
                        c
                    }));
                    found.opaque |= related.opaque || !related.any.is_empty() || !related.none.is_empty();
                } else if to_one && let Some(at) = relation.references.iter().position(|r| r == key) {
                    // The key of the related row is a column of this one.
                    let column = relation.fields.get(at).cloned().unwrap_or_else(|| key.clone());
                    let through = if relation.fields.is_empty() { vec![name.to_owned()] } else { Vec::new() };
                    found.all.push(Condition { through, column, op: Compare::Eq, value: inner });
                } else {
                    let mut related = Conditions::default();
                    self.read_column(grammar, None, key, inner, see, &mut related, depth);
                    found.all.extend(related.all.into_iter().map(|mut c| {
                        c.through.insert(0, name.to_owned());
                        c
                    }));
                    found.opaque |= related.opaque;
                }
            }
            return;
        }
        let mut understood = false;
        for (key, inner) in &fields {
            let Some((_, meaning)) = grammar.operators.iter().find(|(written, _)| written == key) else { continue };
            understood = true;
            let inner = see(self, *inner);
            let op = match meaning.as_str() {
                "eq" => Compare::Eq,
                "ne" => Compare::Ne,
                "lt" => Compare::Lt,
                "le" => Compare::Le,
                "gt" => Compare::Gt,
                "ge" => Compare::Ge,
                "in" => Compare::In,
                "not-in" => Compare::NotIn,
                _ => Compare::Other,
            };
            if op == Compare::Ne && matches!(self.values.get(inner), Val::Object(_)) {
                found.opaque = true;
                continue;
            }
            found.all.push(Condition { through: Vec::new(), column: name.to_owned(), op, value: inner });
        }
        if !understood {
            found.opaque = true;
        }
    }

    fn read_data(
        &mut self,
        grammar: &DataGrammar,
        entity: Option<&Entity>,
        data: ValId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Writes,
        depth: usize,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            found.opaque = true;
            return;
        };
        let entries = match self.values.get(data).clone() {
            Val::Object(entries) => entries,
            Val::Array(items) => {
                found.many = true;
                if let Some(ArrayItem::Value(first) | ArrayItem::Spread(first)) = items.first() {
                    let first = see(self, *first);
                    self.read_data(grammar, entity, first, see, found, depth);
                }
                return;
            }
            Val::Over(_, _, body) => {
                found.many = true;
                let body = see(self, body);
                self.read_data(grammar, entity, body, see, found, depth);
                return;
            }
            Val::Phi(_) | Val::Choice(..) => {
                let parts = match self.values.get(data) {
                    Val::Choice(_, yes, no) => vec![*yes, *no],
                    _ => self.values.parts(data),
                };
                for part in parts {
                    if part != data {
                        let part = see(self, part);
                        self.read_data(grammar, entity, part, see, found, depth);
                    }
                }
                return;
            }
            Val::Const(Literal::Null | Literal::Unset | Literal::Bool(_)) => return,
            _ => {
                found.opaque = true;
                return;
            }
        };
        for entry in entries {
            match entry {
                ObjectEntry::Field(name, value) => {
                    let value = see(self, value);
                    self.read_write(grammar, entity, &name, value, see, found);
                }
                ObjectEntry::Removed(name) => found.columns.retain(|(column, _)| *column != name),
                ObjectEntry::Spread(inner) => {
                    let inner = see(self, inner);
                    match self.values.get(inner).clone() {
                        Val::Binary(crate::ir::BinaryOp::And, _, guarded) => {
                            self.read_data(grammar, entity, guarded, see, found, depth);
                        }
                        _ => self.read_data(grammar, entity, inner, see, found, depth),
                    }
                }
                ObjectEntry::Computed(_) => found.opaque = true,
            }
        }
    }

    fn read_write(
        &mut self,
        grammar: &DataGrammar,
        entity: Option<&Entity>,
        name: &str,
        value: ValId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Writes,
    ) {
        if matches!(self.values.get(value), Val::Const(Literal::Unset)) {
            return;
        }
        let relation = entity.and_then(|e| e.column(name)).and_then(|c| match &c.kind {
            ColumnKind::Relation(relation) => Some(relation),
            _ => None,
        });
        let Val::Object(entries) = self.values.get(value).clone() else {
            found.columns.push((name.to_owned(), Written::Value(value)));
            return;
        };
        let fields: Vec<(String, ValId)> = entries
            .iter()
            .filter_map(|entry| match entry {
                ObjectEntry::Field(key, value) => Some((key.clone(), *value)),
                _ => None,
            })
            .collect();
        let is_nested = |key: &String| grammar.nested.iter().any(|(written, _)| written == key);
        if relation.is_some()
            || (entity.is_none() && fields.iter().any(|(k, _)| is_nested(k) && !grammar.set.contains(k)))
        {
            for (key, inner) in fields {
                let Some((_, action)) = grammar.nested.iter().find(|(written, _)| *written == key) else { continue };
                let inner = see(self, inner);
                if action == "connect"
                    && let Some(relation) = relation
                    && let Val::Object(target) = self.values.get(inner).clone()
                {
                    // Connecting writes the reference's columns.
                    for entry in target {
                        if let ObjectEntry::Field(column, target) = entry
                            && let Some(at) = relation.references.iter().position(|r| *r == column)
                            && let Some(own) = relation.fields.get(at)
                        {
                            let target = see(self, target);
                            found.columns.push((own.clone(), Written::Value(target)));
                        }
                    }
                }
                found.nested.push(Nested { relation: name.to_owned(), action: action.clone(), value: inner });
            }
            return;
        }
        for (key, inner) in &fields {
            if let Some((_, op)) = grammar.deltas.iter().find(|(written, _)| written == key) {
                let by = see(self, *inner);
                let op = op.chars().next().unwrap_or('+');
                found.columns.push((name.to_owned(), Written::Delta { op, by }));
                return;
            }
            if grammar.append.contains(key) {
                let inner = see(self, *inner);
                found.columns.push((name.to_owned(), Written::Append(inner)));
                return;
            }
            if grammar.set.contains(key) {
                let inner = see(self, *inner);
                found.columns.push((name.to_owned(), Written::Value(inner)));
                return;
            }
        }
        found.columns.push((name.to_owned(), Written::Value(value)));
    }

    /// The conditions that name a row by its primary key.
    fn primary_key(
        &mut self,
        entity: Option<&Entity>,
        built: &Built,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Conditions,
    ) {
        let key = entity.and_then(|entity| entity.keys.iter().find(|key| key.primary));
        let columns = key.map_or_else(|| vec!["id".to_owned()], |key| key.columns.clone());
        for (at, column) in columns.iter().enumerate() {
            let value = match (built.find, built.row) {
                (Some(value), _) => match self.values.get(value).clone() {
                    Val::Array(_) if columns.len() > 1 => self.field(value, &at.to_string()),
                    _ => value,
                },
                (None, Some(row)) => self.field(row, column),
                (None, None) => return,
            };
            let value = see(self, value);
            found.all.push(Condition { through: Vec::new(), column: column.clone(), op: Compare::Eq, value });
        }
    }

    /// Written columns that calls have made: several conditions of the form `column.eq(value)` are one list, and a list of
    /// those is several rows.
    fn read_made(
        &mut self,
        grammar: &DataGrammar,
        entity: Option<&Entity>,
        data: ValId,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
        found: &mut Writes,
        depth: usize,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            found.opaque = true;
            return;
        };
        let items = match self.values.get(data).clone() {
            Val::Array(items) => items,
            Val::Made(_, members) => return self.read_data(grammar, entity, members, see, found, depth),
            Val::Call { args, is_new: true, .. } if args.len() == 1 => {
                return self.read_data(grammar, entity, args[0], see, found, depth);
            }
            _ => return self.read_data(grammar, entity, data, see, found, depth),
        };
        for item in items {
            let (ArrayItem::Value(item) | ArrayItem::Spread(item)) = item;
            let item = see(self, item);
            self.read_made(grammar, entity, item, see, found, depth);
        }
    }

    fn sql_conditions(
        &mut self,
        entity: Option<&Entity>,
        filter: &sql::Filter,
        bound: &Bound,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Conditions {
        let mut found = Conditions { opaque: filter.opaque, ..Conditions::default() };
        for condition in &filter.conditions {
            if let Some(condition) = self.sql_condition(entity, condition, bound, see) {
                found.all.push(condition);
            } else {
                found.opaque = true;
            }
        }
        for group in &filter.any_of {
            let arms = group.arms.iter().map(|arm| {
                let mut inner = Conditions::default();
                for condition in arm {
                    match self.sql_condition(entity, condition, bound, see) {
                        Some(condition) => inner.all.push(condition),
                        None => inner.opaque = true,
                    }
                }
                inner
            });
            let arms = arms.collect();
            found.any.push(arms);
        }
        found
    }

    fn sql_condition(
        &mut self,
        entity: Option<&Entity>,
        condition: &sql::Condition,
        bound: &Bound,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Option<Condition> {
        if condition.column.of.is_some() || condition.through.is_some() {
            return None;
        }
        let value = self.sql_value(&condition.value, bound);
        let value = see(self, value);
        let op = match condition.op {
            sql::Op::Eq | sql::Op::IsNull => Compare::Eq,
            sql::Op::Ne | sql::Op::IsNotNull => Compare::Ne,
            sql::Op::Lt => Compare::Lt,
            sql::Op::Le => Compare::Le,
            sql::Op::Gt => Compare::Gt,
            sql::Op::Ge => Compare::Ge,
            sql::Op::In => Compare::In,
            sql::Op::NotIn => Compare::NotIn,
            sql::Op::Like | sql::Op::Other => Compare::Other,
        };
        let column = field_name(entity, &condition.column.name);
        Some(Condition { through: Vec::new(), column, op, value })
    }

    fn sql_value(&mut self, value: &sql::SqlValue, bound: &Bound) -> ValId {
        let literal = match value {
            sql::SqlValue::Hole(n) => {
                return bound.holes.get(*n).copied().unwrap_or_else(|| self.values.opaque());
            }
            sql::SqlValue::Param(name) => {
                let found = placeholder(bound, name);
                return found.unwrap_or_else(|| self.values.opaque());
            }
            sql::SqlValue::Number(number) => Literal::Number(number.clone()),
            sql::SqlValue::Text(text) => Literal::Text(text.clone()),
            sql::SqlValue::Null => Literal::Null,
            sql::SqlValue::Bool(truth) => Literal::Bool(*truth),
            sql::SqlValue::List(items) => {
                let items = items.iter().map(|item| ArrayItem::Value(self.sql_value(item, bound))).collect();
                return self.values.add(Val::Array(items));
            }
            sql::SqlValue::Opaque(parts) => {
                let parts = parts.iter().map(|part| self.sql_value(part, bound)).collect();
                return self.values.add(Val::Derived(parts));
            }
            sql::SqlValue::Now => return self.values.add(Val::Global("now".to_owned())),
            sql::SqlValue::Column(_) | sql::SqlValue::Fresh | sql::SqlValue::Rows(_) => return self.values.opaque(),
        };
        self.values.add(Val::Const(literal))
    }
}

/// The name by which the code knows a column of the database.
fn field_name(entity: Option<&Entity>, column: &str) -> String {
    let found = entity.and_then(|e| e.columns.iter().find(|c| c.mapped == column));
    found.map_or_else(|| column.to_owned(), |c| c.name.clone())
}

/// The value of a placeholder: `$1` and `?1` count from one, `:name` and `@name` are looked up.
fn placeholder(bound: &Bound, name: &str) -> Option<ValId> {
    let bare = name.trim_start_matches(['$', '?', ':', '@']);
    if let Some((_, value)) = bound.named.iter().find(|(known, _)| known == bare) {
        return Some(*value);
    }
    let at = bare.trim_start_matches(['p', 'P']).parse::<usize>().ok()?.checked_sub(1)?;
    bound.values.get(at).copied()
}
