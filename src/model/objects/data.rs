//! Written columns that are given as object literals.

use super::filter::own_column;
use super::{Nested, Writes, Written, entity_of};
use crate::library::DataGrammar;
use crate::model::trace::{OpId, OpSource, Trace};
use crate::model::value::{ArrayItem, Literal, ObjectEntry, Val, ValId};
use crate::schema::{ColumnKind, Entity, Schema};

impl Trace<'_> {
    pub(super) fn read_data(
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
                    let Some(name) = own_column(entity, &name) else {
                        found.opaque = true;
                        continue;
                    };
                    let value = see(self, value);
                    self.read_write(grammar, entity, name, value, see, found);
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

    /// The related rows that an operation makes along with its own, by the place of their entity among the schemas: what
    /// the call gives them, and the columns by which they refer to the operation's row.
    pub fn rows_along(
        &mut self,
        schemas: &[Schema],
        op: OpId,
        writes: &Writes,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Vec<((usize, usize), Writes)> {
        let it = self.op(op);
        let OpSource::Call(_, library) = it.source else { return Vec::new() };
        let (Some((schema, _)), Some(entity)) = (it.schema, entity_of(schemas, it)) else { return Vec::new() };
        let mut rows = Vec::new();
        for nested in writes.nested.iter().filter(|nested| nested.action == "create") {
            let Some(ColumnKind::Relation(relation)) = entity.column(&nested.relation).map(|c| &c.kind) else {
                continue;
            };
            let is_target = |other: &Entity| other.name == relation.entity;
            let Some(at) = schemas[schema].entities.iter().position(is_target) else { continue };
            if !matches!(self.values.get(nested.value), Val::Object(_)) {
                continue;
            }
            let target = &schemas[schema].entities[at];
            let mut row = Writes::default();
            self.read_data(&library.data, Some(target), nested.value, see, &mut row, 4);
            let back = target.columns.iter().find_map(|column| match &column.kind {
                ColumnKind::Relation(back) if back.entity == entity.name && back.name == relation.name => Some(back),
                _ => None,
            });
            for (own, referred) in back.into_iter().flat_map(|back| back.fields.iter().zip(&back.references)) {
                if let Some(written) = writes.get(referred) {
                    row.columns.push((own.clone(), written.clone()));
                }
            }
            rows.push(((schema, at), row));
        }
        rows
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
        if let Val::Choice(_, one, other) = *self.values.get(value) {
            // Written in one case only: what is done there is done by the database.
            let unset = |value: ValId| matches!(self.values.get(value), Val::Const(Literal::Unset));
            let written = if unset(one) { other } else { one };
            if unset(one) != unset(other) && matches!(self.values.get(written), Val::Object(_)) {
                return self.read_write(grammar, entity, name, written, see, found);
            }
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

    /// Written columns that calls have made: several conditions of the form `column.eq(value)` are one list, and a list of
    /// those is several rows.
    pub(super) fn read_made(
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
}
