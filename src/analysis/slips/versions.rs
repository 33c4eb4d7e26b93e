//! Columns that count the versions of a row, and updates that pass them over.

use super::{Slip, SlipKind, Version};
use crate::analysis::case::{self, Case};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::window::{Link, Search, Window};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::library::Verb;
use crate::link::Program;
use crate::model::{OpId, entity_of};

/// Names of columns that may count versions, in lower case and without separators.
const NAMES: [&str; 5] = ["version", "lockversion", "rowversion", "revision", "optimisticlock"];

/// The updates of a trace's own function to entities that have such a column.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = Vec::new();
    for op in search.all_ops() {
        if search.trace.op(op).verb == Verb::Update && search.is_in_root(op) && search.is_settled_here(op) {
            slips.extend(update(search, program, database, op));
        }
    }
    slips
}

fn update(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    let entity = entity_of(search.schemas, search.trace.op(op))?;
    let is_version = |name: &str| NAMES.contains(&name.to_lowercase().replace('_', "").as_str());
    let column = entity.columns.iter().find(|column| is_version(&column.name))?.name.clone();
    let way = search.way_to(op);
    let asked = search.conditions(op, &way);
    let written = search.writes(op, false, &way);
    if written.opaque || asked.opaque || written.columns.is_empty() {
        return None;
    }
    let compares = asked.on(&column).next().is_some();
    let changes = written.get(&column).is_some();
    let kept = compares && changes;
    if !kept && (compares || changes) {
        return None;
    }
    let confidence = search.trace.op(op).confidence.min(Confidence::Medium);
    let window = Window { confidence, ..Window::alone(op, Link::Presence, way) };
    let mut broken = judged::unproven(search, window, database, false);
    (broken.severity, broken.anomaly) = (Severity::Warning, Anomaly::LostUpdate);
    let case = Case { guard: None, ..case::case(search, program, &broken, database) };
    Some(Slip { kind: SlipKind::Version(Version { column, kept }), in_caller: false, case })
}
