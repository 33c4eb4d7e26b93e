//! What is known of rows by their keys: which ones another row is related to, and whether one is new.

use super::elaborate::Elaborator;
use super::query::Named;
use super::trace::{Built, makes_one};
use super::value::{ObjectEntry, Val, ValId};
use crate::library::{CallRow, Library, Rows, Verb};
use crate::link::ClassRef;
use crate::schema::{Entity, ForeignKey};

impl<'m> Elaborator<'m, '_> {
    /// Whether a value is, or has in it, a row that an insert of the trace has given, or a column of one, or what a call has
    /// made in the world outside.
    pub fn holds_own_row(&self, value: ValId) -> bool {
        self.trace.values.any_within(value, 6, &mut |part| match self.trace.values.get(part) {
            Val::Result(op) => self.trace.op(*op).verb == Verb::Create,
            Val::Call { callee, args, is_new: false, .. } => {
                !args.is_empty() && matches!(self.trace.values.get(*callee), Val::Field(_, name) if makes_one(name))
            }
            _ => false,
        })
    }

    /// The condition that ties the rows of an entity to a row of another, by the foreign key between the two.
    pub(super) fn tie(&mut self, entity: &Named, to: ValId) -> Option<ValId> {
        let here = self.entity_at(entity.schema?);
        let there = self.entity_behind(to)?;
        let ties = match reference(here, there) {
            Some(key) => pairs(key, there),
            None => pairs(reference(there, here)?, here).into_iter().map(|(one, other)| (other, one)).collect(),
        };
        let tie = |(column, member): (String, String)| ObjectEntry::Field(column, self.trace.field(to, &member));
        let entries = ties.into_iter().map(tie).collect();
        Some(self.trace.object(entries))
    }

    /// Whether a value is one row of an entity that has a column of this name.
    pub(super) fn has_column(&self, row: ValId, name: &str) -> bool {
        let entity = self.row_of(row).and_then(|_| self.entity_behind(row));
        entity.is_some_and(|entity| entity.column(name).is_some())
    }

    fn entity_at(&self, (schema, entity): (usize, usize)) -> &'m Entity {
        &self.model.schemas[schema].entities[entity]
    }

    /// The entity that a row is of: that of the operation which gave it, or that of its struct.
    fn entity_behind(&self, row: ValId) -> Option<&'m Entity> {
        let position = match self.row_of(row) {
            Some(op)
                if self.trace.op(op).rows == Rows::Many && matches!(self.trace.values.get(row), Val::Result(_)) =>
            {
                return None;
            }
            Some(op) => self.trace.op(op).schema?,
            None => self.position_of_class(self.class_of(row)?)?,
        };
        Some(self.entity_at(position))
    }

    fn position_of_class(&self, class: ClassRef) -> Option<(usize, usize)> {
        let named = self.model.libraries.iter().find_map(|(_, library)| self.entity_of_struct(library, class));
        let name = snake(&self.model.program.class(class).name);
        let names = named.into_iter().chain([name.clone(), format!("{name}s")]);
        names.into_iter().find_map(|name| self.schema_position(&name))
    }

    /// The entity that an attribute of a struct names.
    pub(super) fn entity_of_struct(&self, library: &Library, class: ClassRef) -> Option<String> {
        let attribute = library.names.attribute.as_deref()?;
        let mut marks = self.model.program.class(class).decorators.iter();
        marks.find_map(|mark| {
            let (_, rest) = mark.split_once(attribute)?;
            let value = rest.trim_start().strip_prefix('=')?.trim_start();
            let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
            let path = value.trim_start_matches('"').split(|c| !is_of_path(c)).next()?;
            let last = path.rsplit([':', '.']).next()?;
            (!last.is_empty()).then(|| last.to_owned())
        })
    }

    /// What a call does with a row: what it does with a new one, where the row is given no primary key.
    pub(super) fn verb_of_row(
        &mut self,
        (row, library): (&CallRow, &Library),
        verb: Verb,
        entity: &Named,
        built: &mut Built,
    ) -> Verb {
        let (Some(keyless), Some(members)) = (row.keyless, built.row) else { return verb };
        if !self.is_keyless(library, entity, members) {
            return verb;
        }
        built.row = None;
        built.create.append(&mut built.set);
        keyless
    }

    /// Whether a row that is spelt out has no primary key.
    fn is_keyless(&mut self, library: &Library, entity: &Named, row: ValId) -> bool {
        let key = entity.schema.and_then(|at| self.entity_at(at).primary_key());
        let key = key.and_then(|key| key.columns.first().cloned()).unwrap_or_else(|| "id".to_owned());
        let Val::Object(entries) = self.trace.values.get(row).clone() else { return false };
        let given = entries.iter().rev().find_map(|entry| match entry {
            ObjectEntry::Field(name, value) if *name == key => Some(Some(*value)),
            ObjectEntry::Field(..) | ObjectEntry::Removed(_) => None,
            // What a type's default leaves open, it leaves without a key.
            ObjectEntry::Spread(base) if self.is_default(*base) => None,
            ObjectEntry::Spread(_) | ObjectEntry::Computed(_) => Some(None),
        });
        match given {
            None => true,
            Some(None) => false,
            Some(Some(value)) => {
                let is_absent = self.trace.values.literal(value).is_some_and(|literal| literal.is_absent());
                is_absent || self.path_of(value).is_some_and(|path| names_any(&path, &library.names.absent))
            }
        }
    }
}

/// The foreign key by which the rows of one entity refer to those of another.
fn reference<'e>(from: &'e Entity, to: &Entity) -> Option<&'e ForeignKey> {
    from.foreign_keys.iter().find(|key| key.entity == to.table || key.entity == to.name)
}

/// The columns of a foreign key, each with the one it refers to.
fn pairs(key: &ForeignKey, to: &Entity) -> Vec<(String, String)> {
    let there = if key.references.is_empty() {
        to.primary_key().map_or_else(|| vec!["id".to_owned()], |key| key.columns.clone())
    } else {
        key.references.clone()
    };
    key.columns.iter().cloned().zip(there).collect()
}

fn names_any(path: &str, names: &[String]) -> bool {
    let last = path.rsplit("::").next().unwrap_or(path);
    names.iter().any(|name| name == last)
}

/// A name in snake case: `TeamMember` is `team_member`.
fn snake(name: &str) -> String {
    crate::library::NameForm::Snake.convert(name)
}
