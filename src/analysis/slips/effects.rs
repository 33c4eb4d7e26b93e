//! Calls to the world outside that are made while a transaction is open.

use super::{Slip, SlipKind};
use crate::analysis::case::{self, Case, Place};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::window::{Link, Search, Window};
use crate::finding::{Anomaly, Severity};
use crate::link::Program;
use crate::model::{Effect, Event, FrameId, RegionId, RegionKind};

/// The effects of a trace inside its transactions: the first of each.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut found: Vec<(RegionId, FrameId, Effect)> = Vec::new();
    for block in &search.flow.order {
        let it = search.trace.block(*block);
        let open = it.regions.iter().copied().find(|region| {
            let kind = &search.trace.regions[region.index()].kind;
            matches!(kind, RegionKind::Transaction { batch: false, ambient: false, .. })
        });
        let Some(region) = open.filter(|region| found.iter().all(|(known, ..)| known != region)) else { continue };
        let effect = it.events.iter().find_map(|event| match event {
            Event::Call(call) if call.awaited && search.is_effect_call(call) => Some(call.clone()),
            _ => None,
        });
        found.extend(effect.map(|effect| (region, it.frame, effect)));
    }
    found.iter().filter_map(|(region, run, effect)| slip(search, program, database, (*region, *run), effect)).collect()
}

fn slip(
    search: &mut Search<'_, '_, '_>,
    program: &Program,
    database: &Database,
    (region, run): (RegionId, FrameId),
    effect: &Effect,
) -> Option<Slip> {
    // A transaction without statements holds nothing.
    let op = search.all_ops().find(|op| search.trace.op(*op).region == Some(region))?;
    let way = search.way_to(op);
    let confidence = search.trace.op(op).confidence;
    let window = Window { confidence, ..Window::alone(op, Link::Presence, way) };
    let mut broken = judged::unproven(search, window, database, true);
    (broken.severity, broken.anomaly) = (Severity::Warning, Anomaly::PartialWrite);
    let case = case::case(search, program, &broken, database);
    let act = Place {
        path: program.unit(effect.site.unit).path.clone(),
        unit: effect.site.unit,
        span: effect.site.span,
        call: effect.name.clone(),
        entity: String::new(),
        verb: None,
    };
    let transaction = Some(case::opening(search, program, region));
    // Told where the transaction's own function calls what leads to it.
    let opened_in = search.trace.reporting_frame(search.trace.block(search.trace.regions[region.index()].block).frame);
    let calls = case::calls_to(program, search, run, opened_in);
    let seen_act = calls.first().cloned().unwrap_or_else(|| act.clone());
    let case = Case { seen_act, check: act.clone(), act, calls, transaction, guard: None, ..case };
    Some(Slip { kind: SlipKind::Effect, in_caller: false, case })
}
