//! Transactions that the database may abort, and what becomes of those that it does.

use super::{Retry, Slip, SlipKind};
use crate::analysis::case::{self, Case};
use crate::analysis::database::Database;
use crate::analysis::judged::{self, Broken};
use crate::analysis::script::{self, Handling};
use crate::analysis::window::{Link, Search, Window, is_comparison};
use crate::finding::{Anomaly, Severity};
use crate::interleave::Engine;
use crate::library::{ErrorKind, Verb};
use crate::link::{FuncRef, Program};
use crate::model::{BlockId, Event, Exit, FrameId, Literal, OpId, OpSource, RegionId, RegionKind, Trace, Val, ValId};

/// How many writes of a transaction are tried for a conflict.
const TRIES: usize = 4;

/// The transactions of a trace that may be aborted with nobody to run them again.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let regions = 0..u32::try_from(search.trace.regions.len()).unwrap_or(u32::MAX);
    regions.filter_map(|region| unretried(search, program, database, RegionId(region))).collect()
}

fn unretried(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, id: RegionId) -> Option<Slip> {
    let region = search.trace.regions[id.index()].clone();
    if region.ignored_level.is_some() {
        return unheard(search, program, database, id);
    }
    let RegionKind::Transaction { isolation: Some(level), ambient: false, .. } = &region.kind else { return None };
    let conflicts = matches!(
        (level.as_str(), database.engine()),
        ("serializable", Engine::Postgres | Engine::MySql | Engine::MariaDbSnapshot)
            | ("repeatable read" | "snapshot", Engine::Postgres | Engine::MariaDbSnapshot)
    );
    if !conflicts || search.flow.position(region.block).is_none() {
        return None;
    }
    let opened_in = search.trace.block(region.block).frame;
    let raw =
        search.all_ops().find(|op| search.trace.op(*op).region == Some(id) && reports_in_its_own_form(search, *op));
    let writes: Vec<OpId> = search
        .all_ops()
        .filter(|op| {
            let it = search.trace.op(*op);
            let is_write = it.verb.is_write();
            it.region == Some(id) && is_write && search.flow.position(it.block).is_some()
        })
        .take(TRIES)
        .collect();
    let first = writes.first().copied()?;
    let seen = search.seen_with(first, opened_in);
    let own = seen == FrameId::default();
    if !own && !search.trace.frames[seen.index()].around.is_any() || retried_by_name(search, opened_in) {
        return None;
    }
    let answered = |kind: ErrorKind| {
        let block = region.block;
        region.handler.and_then(|handler| script::handling(search.trace, search.flow, block, handler, kind))
    };
    let retry = match answered(ErrorKind::Serialization) {
        // What it asks of an error may be out of sight.
        None if runs_in_retry(search, program, opened_in) => return None,
        None => Retry::None,
        // A retry that knows the error of a statement may not know that of the commit.
        Some((Handling::Retries, _)) if answered(ErrorKind::SerializationAtCommit).is_none() => Retry::StatementsOnly,
        Some((Handling::Retries, _)) if raw.is_some() && answered(ErrorKind::SerializationInSql).is_none() => {
            Retry::CallsOnly
        }
        Some((Handling::Retries, _)) if effect_inside(search, id).is_some() => Retry::Effects,
        Some((Handling::Retries, _)) if is_swallowed(search, id) => Retry::Swallowed,
        Some(_) => return None,
    };
    let broken = match retry {
        Retry::None => writes.iter().find_map(|write| aborted(search, database, *write))?,
        // Who comes second is told by the statement that waits for the row.
        Retry::StatementsOnly if is_about_one_row(search, id) => return None,
        Retry::StatementsOnly => told(search, database, first, Severity::Info),
        Retry::CallsOnly | Retry::Swallowed | Retry::Effects | Retry::Unheard => {
            told(search, database, first, Severity::Warning)
        }
    };
    Some(slip(search, program, database, id, &broken, retry, seen))
}

/// A batch of one call that asks for a level.
fn unheard(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, id: RegionId) -> Option<Slip> {
    let op = search.all_ops().find(|op| search.trace.op(*op).region == Some(id))?;
    let opened_in = search.trace.block(search.trace.regions[id.index()].block).frame;
    let seen = search.seen_with(op, opened_in);
    let mut broken = told(search, database, op, Severity::Warning);
    broken.isolation.clone_from(&search.trace.regions[id.index()].ignored_level);
    (seen == FrameId::default()).then(|| slip(search, program, database, id, &broken, Retry::Unheard, seen))
}

fn slip(
    search: &mut Search<'_, '_, '_>,
    program: &Program,
    database: &Database,
    id: RegionId,
    broken: &Broken,
    retry: Retry,
    seen: FrameId,
) -> Slip {
    let opened_in = search.trace.block(search.trace.regions[id.index()].block).frame;
    let case = case::case(search, program, broken, database);
    let act = case::opening(search, program, id);
    let calls = case::calls_to(program, search, opened_in, seen);
    let func = search.trace.frames[seen.index()].func;
    let case = Case {
        seen_act: calls.first().cloned().unwrap_or_else(|| act.clone()),
        check: act.clone(),
        act,
        calls,
        function: case::function_name(program, func),
        seen_by: func,
        transaction: None,
        guard: None,
        ..case
    };
    Slip { kind: SlipKind::Conflict(retry), in_caller: seen != FrameId::default(), case }
}

/// Whether a transaction reads and writes the one row of a key, and nothing else.
fn is_about_one_row(search: &mut Search<'_, '_, '_>, region: RegionId) -> bool {
    let inside: Vec<OpId> = search.all_ops().filter(|op| search.trace.op(*op).region == Some(region)).collect();
    let named = |search: &mut Search<'_, '_, '_>, op: OpId| -> Vec<(String, ValId)> {
        let way = search.way_to(op);
        let asked = search.conditions(op, &way);
        let of_key = asked.all.into_iter().filter(|c| c.is_equality() && search.is_key(op, &c.column));
        of_key.map(|c| (c.column, c.value)).collect()
    };
    let mut ops = inside.into_iter();
    let Some(first) = ops.next() else { return false };
    let entity = search.trace.op(first).entity.clone();
    let mut keys = named(search, first);
    for op in ops {
        let others = named(search, op);
        keys.retain(|key| others.contains(key));
        if search.trace.op(op).entity != entity || search.trace.op(op).verb == Verb::Create {
            return false;
        }
    }
    !keys.is_empty()
}

/// Whether an operation is a statement of SQL text, and its library reports conflicts of those in a form of their own.
fn reports_in_its_own_form(search: &Search<'_, '_, '_>, op: OpId) -> bool {
    let it = search.trace.op(op);
    let by =
        it.by.is_some_and(|(_, library)| library.errors.iter().any(|row| row.kind == ErrorKind::SerializationInSql));
    by && matches!(it.source, OpSource::Sql(..))
}

/// Whether control comes from one block to another without an error.
fn goes_on_to(trace: &Trace<'_>, from: BlockId, to: BlockId) -> bool {
    let (mut todo, mut seen) = (vec![from], Vec::new());
    while let Some(block) = todo.pop() {
        if block == to {
            return true;
        }
        if seen.contains(&block) {
            continue;
        }
        seen.push(block);
        match &trace.block(block).exit {
            Exit::Goto(next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
            Exit::Raise(..) | Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }
    false
}

/// Whether the loop around a transaction, when its attempts are used up, ends as if all had gone well: it is left through
/// its head, to an end that answers nothing, and whoever gets through leaves it elsewhere.
fn is_swallowed(search: &Search<'_, '_, '_>, region: RegionId) -> bool {
    let trace = &*search.trace;
    let opened = trace.regions[region.index()].block;
    let closes = |block: &BlockId| {
        trace.block(*block).events.iter().any(|event| matches!(event, Event::Close(closed) if *closed == region))
    };
    let Some(closed) = search.flow.order.iter().copied().find(closes) else { return false };
    let leads = |from, to| search.flow.leads(trace, from, to);
    // Whether a loop's way back lies behind a block.
    let comes_back = |from: BlockId, head: BlockId| {
        let ends = search.flow.order.iter().copied().filter(|end| trace.successors(*end).any(|next| next == head));
        ends.filter(|end| !search.flow.is_forward(*end, head)).any(|end| leads(from, end))
    };
    let is_around = |head: &BlockId| trace.block(*head).is_loop && leads(*head, opened) && comes_back(opened, *head);
    // Of several loops around it the innermost.
    let Some(head) = search.flow.order.iter().copied().rev().find(is_around) else { return false };
    if goes_on_to(trace, closed, head) {
        return false;
    }
    let Exit::Branch { test, yes, no, .. } = trace.block(head).exit else { return false };
    if counts_by_itself(search, head, test) {
        return false;
    }
    let Some(after) = [yes, no].into_iter().find(|next| !leads(*next, opened)) else { return false };
    let (mut todo, mut seen, mut silent) = (vec![after], Vec::new(), false);
    while let Some(block) = todo.pop() {
        if seen.contains(&block) {
            continue;
        }
        seen.push(block);
        if block == closed || seen.len() > 40 {
            return false;
        }
        match &trace.block(block).exit {
            Exit::Goto(next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
            Exit::Return(value, _) => {
                let is_nothing = trace.values.literal(*value).is_some_and(Literal::is_absent);
                if !is_nothing {
                    return false;
                }
                silent = true;
            }
            Exit::Raise(..) | Exit::Throw(..) => return false,
            Exit::Unreachable => {}
        }
    }
    silent
}

/// Whether the attempts are counted inside of the loop, too: a branch in it compares what its head looks at, so that the
/// last attempt need not come back to it.
fn counts_by_itself(search: &Search<'_, '_, '_>, head: BlockId, test: ValId) -> bool {
    let values = &search.trace.values;
    let counter = |part: ValId| match values.get(part) {
        Val::Phi(phi) => values.phi(*phi).block == head,
        _ => false,
    };
    let mut counters = Vec::new();
    values.any_within(test, 6, &mut |part| {
        if counter(part) {
            counters.push(part);
        }
        false
    });
    let compares = |part: ValId| match values.get(part) {
        Val::Binary(op, a, b) if is_comparison(*op) => {
            [*a, *b].into_iter().any(|side| values.any_within(side, 3, &mut |it| counters.contains(&it)))
        }
        _ => false,
    };
    search.flow.order.iter().copied().filter(|block| *block != head).any(|block| {
        search.flow.leads(search.trace, head, block)
            && matches!(&search.trace.block(block).exit, Exit::Branch { test, .. }
                if values.any_within(*test, 8, &mut |part| compares(part)))
    })
}

/// A write of a transaction that an interleaving with its twin aborts.
fn aborted(search: &mut Search<'_, '_, '_>, database: &Database, write: OpId) -> Option<Broken> {
    let way = search.way_to(write);
    let confidence = search.trace.op(write).confidence;
    let window = Window { confidence, ..Window::alone(write, Link::Presence, way) };
    judged::aborted(search, window, database)
}

fn told(search: &mut Search<'_, '_, '_>, database: &Database, write: OpId, severity: Severity) -> Broken {
    let way = search.way_to(write);
    let confidence = search.trace.op(write).confidence;
    let window = Window { confidence, ..Window::alone(write, Link::Presence, way) };
    let mut broken = judged::unproven(search, window, database, true);
    (broken.severity, broken.anomaly) = (severity, Anomaly::AbortedWithoutRetry);
    broken
}

/// Whether a transaction does something to the world outside, which a second attempt does once more.
fn effect_inside(search: &Search<'_, '_, '_>, region: RegionId) -> Option<BlockId> {
    let is_effect = |event: &Event| matches!(event, Event::Call(call) if search.is_effect_call(call));
    search.flow.order.iter().copied().find(|block| {
        let it = search.trace.block(*block);
        it.regions.contains(&region) && it.events.iter().any(is_effect)
    })
}

/// Whether a transaction is opened inside a function of the project's that says by its name that it tries again, and does so
/// in a loop.
fn runs_in_retry(search: &Search<'_, '_, '_>, program: &Program, opened_in: FrameId) -> bool {
    let trace = &*search.trace;
    let named = |frame: &FrameId| program.func(trace.frames[frame.index()].func).name.to_lowercase().contains("retr");
    let loops = |frame: FrameId| trace.blocks.iter().any(|block| block.is_loop && block.frame == frame);
    let caller = |frame: &FrameId| trace.frames[frame.index()].caller.map(|(caller, _)| caller);
    std::iter::successors(Some(opened_in), caller).any(|frame| named(&frame) && loops(frame))
}

/// Whether the function that opens a transaction is handed to a call out of sight whose name says that it tries again.
fn retried_by_name(search: &Search<'_, '_, '_>, opened_in: FrameId) -> bool {
    let mut around: Vec<FuncRef> = Vec::new();
    let mut next = Some(opened_in);
    while let Some(frame) = next {
        let it = &search.trace.frames[frame.index()];
        around.push(it.func);
        next = it.caller.map(|(caller, _)| caller);
    }
    let runs = |value| matches!(search.trace.values.get(value), Val::Closure(func, _) if around.contains(func));
    search.trace.blocks.iter().flat_map(|block| &block.events).any(|event| match event {
        Event::Call(call) => call.name.to_lowercase().contains("retr") && call.args.iter().any(|arg| runs(*arg)),
        _ => false,
    })
}
