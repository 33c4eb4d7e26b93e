//! Conditions that are written as object literals.

use super::{Compare, Condition, Conditions};
use crate::library::FilterGrammar;
use crate::model::recognise::list_items;
use crate::model::trace::{Built, Trace};
use crate::model::value::{Literal, ObjectEntry, Val, ValId};
use crate::schema::{Column, ColumnKind, Entity};

impl Trace<'_> {
    pub(super) fn read_filter(
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
        let named = |entry: &ObjectEntry| match entry {
            ObjectEntry::Field(name, _) => Some(name.clone()),
            _ => None,
        };
        let given: Vec<String> = entries.iter().filter_map(named).collect();
        for entry in entries {
            let (name, value) = match entry {
                ObjectEntry::Field(name, value) => (name, see(self, value)),
                ObjectEntry::Removed(_) => continue,
                ObjectEntry::Spread(inner) => {
                    let inner = see(self, inner);
                    if matches!(self.values.get(inner), Val::Object(_) | Val::Phi(_) | Val::Choice(..)) {
                        self.read_filter(grammar, entity, inner, see, found, depth);
                    } else {
                        self.read_row(entity, inner, &given, found);
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
                for item in list_items(&self.values, value) {
                    let item = see(self, item);
                    self.read_filter(grammar, entity, item, see, found, depth);
                }
            } else if grammar.or.contains(&name) {
                let mut arms = Vec::new();
                for item in list_items(&self.values, value) {
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
                for item in list_items(&self.values, value) {
                    let item = see(self, item);
                    let mut inner = Conditions::default();
                    self.read_filter(grammar, entity, item, see, &mut inner, depth);
                    found.none.push(inner);
                }
            } else {
                match own_column(entity, &name) {
                    Some(name) => self.read_column(grammar, entity, name, value, see, found, depth),
                    // Of a table that is joined.
                    None => found.opaque = true,
                }
            }
        }
    }

    /// Reads a whole row that is asked for, as it was read: each of its plain columns but those that are named beside it.
    fn read_row(&mut self, entity: Option<&Entity>, row: ValId, named: &[String], found: &mut Conditions) {
        let (Some(entity), Val::Result(read)) = (entity, self.values.get(row)) else { return };
        if self.op(*read).entity != entity.name {
            return;
        }
        let is_plain =
            |column: &&Column| !column.list && matches!(column.kind, ColumnKind::Scalar(_) | ColumnKind::Enum(_));
        let columns = entity.columns.iter().filter(is_plain).filter(|column| !named.contains(&column.name));
        for column in columns {
            let value = self.field(row, &column.name);
            found.all.push(Condition { through: Vec::new(), column: column.name.clone(), op: Compare::Eq, value });
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

    /// The conditions that name a row by its primary key.
    pub(super) fn primary_key(
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
}

/// The name of a column that may have its entity's in front, as in `orders::state`; `None` if it is another entity's.
pub(super) fn own_column<'n>(entity: Option<&Entity>, name: &'n str) -> Option<&'n str> {
    match (name.split_once("::"), entity) {
        (Some((of, column)), Some(entity)) => (entity.table == of || entity.name == of).then_some(column),
        (Some((_, column)), None) => Some(column),
        (None, _) => Some(name),
    }
}
