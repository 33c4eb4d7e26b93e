//! Operations inside a transaction that go through the client around it.

use std::cmp::Reverse;

use super::{Escape, Slip, SlipKind};
use crate::analysis::case::{self, Case};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::window::{Link, Search, Window, is_log};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::library::Verb;
use crate::link::Program;
use crate::model::{BlockId, Event, Exit, FrameId, Op, OpId, OpSource, Region, RegionId, RegionKind, ValId, Writes};
use crate::sql;

/// What runs beside the transactions of a trace: one slip for each transaction, about the worst of it.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut found: Vec<Escaped> = Vec::new();
    for op in search.all_ops() {
        if let Some((region, escape)) = unawaited(search, op) {
            found.push(Escaped { op, region, escape, confidence: search.trace.op(op).confidence });
        }
        let Some((region, mut confidence)) = escaped(search, op) else { continue };
        let Some(escape) = escape(search, op, region) else { continue };
        if escape == Escape::Write && is_detached(search, op) && is_last(search, op, region) {
            // Sent off on its own, it stays alone only where the commit fails.
            confidence = Confidence::Low;
        }
        found.push(Escaped { op, region, escape, confidence });
    }
    for inner in 0..search.trace.regions.len() {
        let inner = RegionId(u32::try_from(inner).unwrap_or(u32::MAX));
        let Some((region, confidence)) = opened_beside(search, inner) else { continue };
        // Its first operation stands for it.
        let Some(op) = search.all_ops().find(|op| search.trace.op(*op).region == Some(inner)) else { continue };
        let of_inner = |op: &OpId| search.trace.op(*op).region == Some(inner);
        let mut writes = search.all_ops().filter(of_inner).map(|op| search.trace.op(op).verb);
        // What only reads leaves nothing behind. It takes a connection all the same.
        let only_reads = !writes.any(|verb| verb.is_write());
        if only_reads && only_looks(search, region) {
            continue;
        }
        let escape = if only_reads { Escape::Read } else { Escape::Transaction };
        found.push(Escaped { op, region, escape, confidence });
    }
    // The worst of each transaction first, and of equals the first.
    found.sort_by_key(|it| (it.region, Reverse((weight(it.escape).0, it.confidence)), it.op));
    let of_one = |a: &Escaped, b: &Escaped| a.region == b.region;
    found.chunk_by(of_one).map(|all| slip(search, program, database, all)).collect()
}

/// An operation beside its transaction.
#[derive(Clone, Copy)]
struct Escaped {
    op: OpId,
    region: RegionId,
    escape: Escape,
    confidence: Confidence,
}

/// How bad it is, and what it leaves behind.
fn weight(escape: Escape) -> (Severity, Anomaly) {
    match escape {
        Escape::Write | Escape::Transaction | Escape::Unawaited | Escape::NeverSent => {
            (Severity::Error, Anomaly::PartialWrite)
        }
        Escape::Log => (Severity::Info, Anomaly::PartialWrite),
        Escape::ReadOfWritten | Escape::ReadForWrite => (Severity::Warning, Anomaly::StaleDecision),
        Escape::Read => (Severity::Info, Anomaly::StaleDecision),
    }
}

/// The transaction that a write goes through without anybody waiting for it.
fn unawaited(search: &Search<'_, '_, '_>, op: OpId) -> Option<(RegionId, Escape)> {
    let it = search.trace.op(op);
    search.flow.position(it.block)?;
    let region = it.region.filter(|_| it.verb.is_write())?;
    let opened_in = match search.trace.regions[region.index()] {
        Region { kind: RegionKind::Transaction { batch: false, ambient: true, .. }, .. } => FrameId::default(),
        Region { kind: RegionKind::Transaction { batch: false, .. }, block, .. } => search.trace.block(block).frame,
        _ => return None,
    };
    if it.dropped {
        return Some((region, Escape::NeverSent));
    }
    // Runs inside the one that has opened it.
    let mut frame = it.frame;
    while frame != opened_in {
        let run = &search.trace.frames[frame.index()];
        if run.detached {
            return Some((region, Escape::Unawaited));
        }
        frame = run.caller?.0;
    }
    None
}

/// The transaction that an operation stands in and does not run in, and how sure that is.
fn escaped(search: &Search<'_, '_, '_>, op: OpId) -> Option<(RegionId, Confidence)> {
    let it = search.trace.op(op);
    search.flow.position(it.block)?;
    if it.region.is_some() {
        return None;
    }
    let outer = surrounding(search, it.block)?;
    let opened_on = search.trace.regions[outer.index()].on;
    if opened_on.is_some() && opened_on == it.handle {
        return Some((outer, it.confidence));
    }
    // Another way to name the client, if both talk to one database.
    let same_database = search.all_ops().any(|other| {
        let other = search.trace.op(other);
        other.region == Some(outer) && other.schema.map(|(schema, _)| schema) == it.schema.map(|(schema, _)| schema)
    });
    let client = it.client.filter(|_| same_database && it.schema.is_some())?;
    Some((outer, client.min(it.confidence)))
}

/// The transaction around a transaction that is opened on a client, and not on the handle of the one around it.
fn opened_beside(search: &Search<'_, '_, '_>, inner: RegionId) -> Option<(RegionId, Confidence)> {
    let it = &search.trace.regions[inner.index()];
    if !matches!(it.kind, RegionKind::Transaction { ambient: false, .. }) {
        return None;
    }
    search.flow.position(it.block)?;
    let outer = surrounding(search, it.block).filter(|outer| *outer != inner)?;
    let opened_on = search.trace.regions[outer.index()].on;
    (opened_on.is_some() && opened_on == it.on).then_some((outer, Confidence::High))
}

/// The outermost transaction that is open in a block.
fn surrounding(search: &Search<'_, '_, '_>, block: BlockId) -> Option<RegionId> {
    let open = &search.trace.block(block).regions;
    open.iter().copied().find(|region| is_transaction(&search.trace.regions[region.index()]))
}

fn is_transaction(region: &Region) -> bool {
    matches!(region.kind, RegionKind::Transaction { batch: false, ambient: false, .. })
}

/// What an operation beside its transaction amounts to; `None` where it does no harm or is meant that way.
fn escape(search: &mut Search<'_, '_, '_>, op: OpId, region: RegionId) -> Option<Escape> {
    let it = search.trace.op(op).clone();
    let inside: Vec<OpId> = search.all_ops().filter(|other| search.trace.op(*other).region == Some(region)).collect();
    if it.verb.is_write() {
        if !reaches_close(search, it.block, region) || only_ensures_row(search, op) {
            // Who fails on purpose afterwards wants it kept.
            return None;
        }
        let kept = is_log(&it.entity) || it.entity.to_lowercase().contains("audit");
        return Some(if kept { Escape::Log } else { Escape::Write });
    }
    if it.verb == Verb::Sql {
        return None;
    }
    let before = |other: &OpId| search.flow.leads(search.trace, search.trace.op(*other).block, it.block) && *other < op;
    let reads_written = inside.iter().any(|other| {
        let other_op = search.trace.op(*other);
        other_op.verb.is_write() && other_op.entity == it.entity && before(other)
    });
    if reads_written {
        return Some(Escape::ReadOfWritten);
    }
    let isolated = match &search.trace.regions[region.index()].kind {
        RegionKind::Transaction { isolation: Some(level), .. } => {
            matches!(level.as_str(), "serializable" | "repeatable read")
        }
        _ => false,
    };
    let tests = search.tests_on(op);
    let holds = inside.iter().any(|other| {
        let held = search.trace.op(*other);
        held.entity == it.entity && (held.verb.is_write() || held.lock.is_some())
    });
    let rests = inside.into_iter().any(|write| {
        let written = search.trace.op(write);
        let behind = search.flow.leads(search.trace, it.block, written.block) && write > op;
        if !behind || !written.verb.is_write() {
            return false;
        }
        // What the transaction holds rows of, or would have kept from changing.
        holds && search.is_fed(op, write) || (holds || isolated) && search.decides(op, write, &tests)
    });
    if !rests && only_looks(search, region) {
        return None;
    }
    Some(if rests { Escape::ReadForWrite } else { Escape::Read })
}

/// Whether an operation does nothing but see to it that the one row of a constant key is there: whoever comes next would make
/// it just so.
fn only_ensures_row(search: &mut Search<'_, '_, '_>, op: OpId) -> bool {
    if search.trace.op(op).verb != Verb::Upsert {
        return false;
    }
    let writes = search.writes(op, false, &[]);
    let asked = search.conditions(op, &[]);
    let constant = |value: ValId| search.trace.values.literal(value).is_some();
    writes == Writes::default()
        && !asked.opaque
        && !asked.all.is_empty()
        && asked.all.iter().all(|c| c.is_equality() && constant(c.value))
}

/// Whether all that is seen of a transaction are looks: beside it another look sees what is committed, as it would anywhere.
fn only_looks(search: &Search<'_, '_, '_>, region: RegionId) -> bool {
    let mut inside = search.trace.ops.iter().filter(|op| op.region == Some(region)).peekable();
    let handles: Vec<ValId> = inside.clone().filter_map(|op| op.handle).collect();
    // What is done with it out of sight may be anything.
    let is_handed_on = search.trace.blocks.iter().flat_map(|block| &block.events).any(|event| match event {
        Event::Call(call) => call.args.iter().any(|arg| handles.contains(arg)),
        _ => false,
    });
    let looks = |op: &Op<'_>| match (op.verb, &op.source) {
        (Verb::Sql, OpSource::Sql(statement, _)) => matches!(statement.kind, sql::Kind::SetIsolation { .. }),
        (verb, _) => matches!(verb, Verb::Read | Verb::Count) && op.lock.is_none(),
    };
    inside.peek().is_some() && !is_handed_on && inside.all(looks)
}

/// Whether a transaction writes or locks anything.
fn holds_anything(search: &Search<'_, '_, '_>, region: RegionId) -> bool {
    search.trace.ops.iter().any(|op| op.region == Some(region) && (op.verb.is_write() || op.lock.is_some()))
}

/// Whether control can come from a block to the end of a transaction without an error.
fn reaches_close(search: &Search<'_, '_, '_>, from: BlockId, region: RegionId) -> bool {
    let mut seen = vec![false; search.trace.blocks.len()];
    let mut todo = vec![from];
    while let Some(block) = todo.pop() {
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        let it = search.trace.block(block);
        if it.events.iter().any(|event| matches!(event, Event::Close(closed) if *closed == region)) {
            return true;
        }
        match &it.exit {
            Exit::Goto(next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
            Exit::Raise(..) | Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }
    false
}

/// Whether an operation is done by a run of a function that nobody waits for.
fn is_detached(search: &Search<'_, '_, '_>, op: OpId) -> bool {
    search.runs_around(search.trace.op(op).frame).iter().any(|frame| search.trace.frames[frame.index()].detached)
}

/// Whether nothing that may fail comes between an operation and the end of a transaction.
fn is_last(search: &Search<'_, '_, '_>, op: OpId, region: RegionId) -> bool {
    let block = search.trace.op(op).block;
    let is_op = |event: &Event| matches!(event, Event::Op(other) if *other == op);
    let own = &search.trace.block(block).events;
    let behind = own.iter().position(is_op).map_or(own.len(), |at| at + 1);
    let mut seen = vec![false; search.trace.blocks.len()];
    let mut todo = vec![(block, behind)];
    while let Some((block, from)) = todo.pop() {
        let it = search.trace.block(block);
        let mut open = true;
        for event in &it.events[from..] {
            match event {
                Event::Close(closed) if *closed == region => {
                    open = false;
                    break;
                }
                Event::Op(_) | Event::Abort(_) => return false,
                Event::Call(call) if call.awaited => return false,
                Event::Call(_) | Event::Open(_) | Event::Close(_) => {}
            }
        }
        if !open {
            continue;
        }
        let next = match &it.exit {
            Exit::Goto(next) => vec![*next],
            Exit::Branch { yes, no, .. } => vec![*yes, *no],
            Exit::Raise(..) | Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => return false,
        };
        todo.extend(
            next.into_iter().filter(|next| !std::mem::replace(&mut seen[next.index()], true)).map(|next| (next, 0)),
        );
    }
    true
}

fn slip(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, all: &[Escaped]) -> Slip {
    let Escaped { op, region, escape, confidence } = all[0];
    let way = search.way_to(op);
    let decided = all[1..].iter().map(|other| other.op).collect();
    let window = Window { confidence, decided, ..Window::alone(op, Link::Presence, way) };
    let mut broken = judged::unproven(search, window, database, false);
    (broken.severity, broken.anomaly) = weight(escape);
    let case = case::case(search, program, &broken, database);
    let opened = search.trace.regions[region.index()].clone();
    // Seen by whoever sees the transaction opened as well as the operation.
    let frame = search.seen_with(op, search.trace.block(opened.block).frame);
    let calls = case::calls(program, search, &[op], frame);
    let act = match (escape, search.trace.op(op).region) {
        (Escape::Transaction, Some(inner)) => case::opening(search, program, inner),
        _ => case.act.clone(),
    };
    let func = search.trace.frames[frame.index()].func;
    let case = Case {
        seen_act: calls.first().cloned().unwrap_or_else(|| act.clone()),
        check: act.clone(),
        act,
        calls,
        function: case::function_name(program, func),
        seen_by: func,
        transaction: Some(case::opening(search, program, region)).filter(|place| !place.span.is_empty()),
        isolation: None,
        ..case
    };
    let meets = holds_anything(search, region);
    Slip { kind: SlipKind::Escape { escape, meets }, in_caller: false, case }
}
