//! When a call is one statement, and what keeps it from being one.

use crate::ir::BinaryOp;
use crate::library::{Requirement, Selector};
use crate::model::{
    Compare, Conditions, Literal, ObjectEntry, OpId, OpSource, Trace, Val, ValId, Writes, Written, entity_of,
};
use crate::schema::{ColumnKind, DefaultValue, Schema};

/// What keeps a call from being one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The database has no such statement, or the library does not use it there.
    Engine,
    /// Its form.
    Form(Requirement),
}

/// What replaces each value by what it is known to be.
type See<'s> = dyn FnMut(&mut Trace<'_>, ValId) -> ValId + 's;

/// What keeps an operation from being one statement; nothing where it is one.
pub fn unmet(trace: &mut Trace<'_>, schemas: &[Schema], op: OpId, engine: &str, see: &mut See<'_>) -> Vec<Unmet> {
    let OpSource::Call(row, _) = &trace.op(op).source else { return Vec::new() };
    let (Some(native), reads) = (&row.native, &row.reads) else { return Vec::new() };
    if !native.engines.is_empty() && !native.engines.iter().any(|name| name == engine) {
        return vec![Unmet::Engine];
    }
    let mut form = Form { trace, schemas, op, see };
    native.requires.iter().copied().filter(|need| !form.meets(*need, reads)).map(Unmet::Form).collect()
}

/// Whether a write is limited to a number of rows.
pub fn is_limited(trace: &mut Trace<'_>, op: OpId) -> bool {
    let limit = match trace.op(op).source.clone() {
        // What an argument that is not spelt out may hold is not known to be there.
        OpSource::Call(row, _) => {
            row.limit.as_ref().filter(|limit| spells_out(trace, op, limit)).and_then(|limit| trace.pick(op, limit))
        }
        OpSource::Built(built, _) => built.limit,
        _ => None,
    };
    limit.is_some_and(|limit| !trace.values.literal(limit).is_some_and(Literal::is_absent))
}

/// Whether an argument of an operation is a literal that names what a selector picks.
fn spells_out(trace: &Trace<'_>, op: OpId, selector: &Selector) -> bool {
    let named =
        |entry: &ObjectEntry| matches!(entry, ObjectEntry::Field(name, _) if selector.path.last() == Some(name));
    selector.path.is_empty()
        || trace.op(op).args.iter().any(|arg| match trace.values.get(*arg) {
            Val::Object(entries) => entries.iter().any(named),
            _ => false,
        })
}

/// The form of one call.
struct Form<'f, 't, 's> {
    trace: &'f mut Trace<'t>,
    schemas: &'f [Schema],
    op: OpId,
    see: &'f mut See<'s>,
}

impl Form<'_, '_, '_> {
    fn conditions(&mut self) -> Conditions {
        self.trace.conditions(self.schemas, self.op, &mut |trace, value| (self.see)(trace, value))
    }

    fn written(&mut self, creating: bool) -> Writes {
        self.trace.writes(self.schemas, self.op, creating, &mut |trace, value| (self.see)(trace, value))
    }

    fn meets(&mut self, need: Requirement, reads: &[Selector]) -> bool {
        match need {
            Requirement::UpdateNotEmpty => {
                let writes = self.written(false);
                !writes.columns.is_empty() || writes.opaque
            }
            Requirement::KeyInCreate => {
                let conditions = self.conditions();
                let writes = self.written(true);
                let mut asked = conditions.all.iter().filter(|c| c.op == Compare::Eq);
                let entity = entity_of(self.schemas, self.trace.op(self.op));
                let is_left = |column: &str| {
                    let column = entity.and_then(|entity| entity.column(column));
                    column.is_some_and(|column| column.default == DefaultValue::None)
                };
                let created = |column: &str, value: ValId| {
                    let is_it =
                        |created: ValId| created == value || is_alike(self.trace, value, created, is_left(column));
                    writes.opaque || matches!(writes.get(column), Some(Written::Value(v)) if is_it(*v))
                };
                asked.all(|c| created(&c.column, c.value))
            }
            Requirement::SingleKey => {
                let conditions = self.conditions();
                let Some(entity) = entity_of(self.schemas, self.trace.op(self.op)) else { return true };
                let covered = entity.keys.iter().filter(|key| {
                    !key.columns.is_empty()
                        && key.columns.iter().all(|c| conditions.on(c).any(|cond| cond.op == Compare::Eq))
                });
                covered.count() <= 1
            }
            Requirement::NoRelations => reads.iter().all(|selector| !self.reads_relation(selector)),
            Requirement::NoNestedWrites => {
                self.written(true).nested.is_empty() && self.written(false).nested.is_empty()
            }
        }
    }

    fn reads_relation(&mut self, selector: &Selector) -> bool {
        let Some(value) = self.trace.pick(self.op, selector) else { return false };
        let Val::Object(entries) = self.trace.values.get(value) else { return false };
        let entity = entity_of(self.schemas, self.trace.op(self.op));
        entries.iter().any(|entry| match entry {
            ObjectEntry::Field(name, _) => {
                let column = entity.and_then(|e| e.column(name));
                name == "_count"
                    || column.map_or(selector.path.last().is_some_and(|p| p == "include"), |c| {
                        matches!(c.kind, ColumnKind::Relation(_))
                    })
            }
            _ => false,
        })
    }
}

/// Whether what is created is what was looked for wherever it could be in another row's way, though it is written otherwise:
/// the key of a row and the reference to it (`order.user.id`, `order.userId`), or, with another value looked for in its
/// place, what may not be there (`region || ""`, `region`): where it is not, the column is left open and in nobody's way.
fn is_alike(trace: &Trace<'_>, looked: ValId, created: ValId, is_left: bool) -> bool {
    let refers = |key: ValId, reference: ValId| match (trace.values.get(key), trace.values.get(reference)) {
        (Val::Field(row, id), Val::Field(holder, name)) if id == "id" => {
            let row = trace.values.get(*row);
            matches!(row, Val::Field(of, row) if of == holder && name.strip_suffix("Id") == Some(row.as_str()))
        }
        _ => false,
    };
    let instead = match trace.values.get(looked) {
        Val::Binary(BinaryOp::Or | BinaryOp::Coalesce, given, _) => is_left && *given == created,
        _ => false,
    };
    instead || refers(looked, created) || refers(created, looked)
}
