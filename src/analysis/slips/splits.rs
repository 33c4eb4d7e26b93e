//! Writes that belong together, with nothing that keeps them together.

use super::{Slip, SlipKind};
use crate::analysis::case::{self, Case};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::window::{Link, Search, Window, is_log};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::library::Verb;
use crate::link::Program;
use crate::model::{BlockId, OpId, Written, entity_of};
use crate::schema::ColumnKind;

/// The pairs of writes of a trace's own function that belong together and do not run in one transaction: for each first
/// write the nearest second.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = Vec::new();
    let writes: Vec<OpId> = search
        .all_ops()
        .filter(|op| {
            let it = search.trace.op(*op);
            let is_write = it.verb.is_write();
            let open = !search.trace.block(it.block).regions.is_empty();
            is_write && it.region.is_none() && !open && !is_log(&it.entity) && search.is_settled_here(*op)
        })
        .filter(|op| search.is_in_root(*op))
        .collect();
    for (at, first) in writes.iter().copied().enumerate() {
        let together = writes[at + 1..].iter().copied().find(|second| {
            let leads = search.flow.leads(search.trace, search.trace.op(first).block, search.trace.op(*second).block);
            leads && !is_optional(search, first, *second) && belong_together(search, first, *second)
        });
        if let Some(second) = together {
            slips.push(slip(search, program, database, first, second));
        }
    }
    slips
}

/// Whether some way leads to the second write past the first, which is then no half of it: a parent that is made where
/// there is none.
fn is_optional(search: &Search<'_, '_, '_>, first: OpId, second: OpId) -> bool {
    let [first, second] = [first, second].map(|op| search.trace.op(op).block);
    let (mut todo, mut seen) = (vec![BlockId(0)], vec![false; search.trace.blocks.len()]);
    while let Some(block) = todo.pop() {
        if block == first || std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        if block == second {
            return true;
        }
        todo.extend(search.trace.successors(block));
    }
    false
}

/// Whether one write without the other is only half of something.
fn belong_together(search: &mut Search<'_, '_, '_>, first: OpId, second: OpId) -> bool {
    let (one, two) = (search.trace.op(first).clone(), search.trace.op(second).clone());
    let way = search.way_to(second);
    let [moved, moved_too] = [first, second].map(|op| changed_by(search, op, &way));
    // Taken here and added there.
    if one.entity == two.entity && matches!((moved, moved_too), (Some('-'), Some('+')) | (Some('+'), Some('-'))) {
        return true;
    }
    if one.entity == two.entity || !are_related(search, first, second) {
        return false;
    }
    // A row and the number of such rows; a row and what belongs to it.
    let counts = |verb: Verb, moved: Option<char>| matches!(verb, Verb::Create | Verb::Delete) && moved.is_some();
    counts(one.verb, moved_too)
        || counts(two.verb, moved)
        || one.verb == Verb::Create && two.verb == Verb::Create && search.is_fed(first, second)
}

/// How a write changes a number relative to what it was.
fn changed_by(search: &mut Search<'_, '_, '_>, op: OpId, way: &[BlockId]) -> Option<char> {
    let writes = search.writes(op, false, way);
    writes.columns.iter().find_map(|(_, written)| match written {
        Written::Delta { op, .. } => Some(*op),
        _ => None,
    })
}

fn are_related(search: &Search<'_, '_, '_>, first: OpId, second: OpId) -> bool {
    let refers = |from: OpId, to: OpId| {
        entity_of(search.schemas, search.trace.op(from)).is_some_and(|entity| {
            entity.columns.iter().any(|column| match &column.kind {
                ColumnKind::Relation(relation) => relation.entity == search.trace.op(to).entity,
                _ => false,
            })
        })
    };
    refers(first, second) || refers(second, first)
}

fn slip(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, first: OpId, second: OpId) -> Slip {
    let way = search.way_to(second);
    let confidence = search.trace.op(first).confidence.min(search.trace.op(second).confidence).min(Confidence::Medium);
    let window = Window { confidence, ..Window::alone(second, Link::Presence, way) };
    let mut broken = judged::unproven(search, window, database, false);
    (broken.severity, broken.anomaly) = (Severity::Warning, Anomaly::PartialWrite);
    let case = case::case(search, program, &broken, database);
    let check = case::place(program, search, first);
    Slip { kind: SlipKind::Split, in_caller: false, case: Case { check, guard: None, ..case } }
}
