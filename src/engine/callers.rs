//! What the callers of a function do about its windows. A window is found where both of its ends are first seen together,
//! and yet a caller may close it: by a transaction or a lock, and where all that is wrong is an error, by a handler or a
//! retry, too. So a function whose every caller has something of that kind around the call is judged again, inside each of
//! them, and the worst verdict counts.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::analyse::Found;
use super::{Workspace, conversions};
use crate::analysis::Flow;
use crate::analysis::case::{self, Case};
use crate::analysis::judged;
use crate::analysis::slips::Slip;
use crate::analysis::window::Search;
use crate::finding::{Anomaly, Confidence};
use crate::library;
use crate::link::FuncRef;
use crate::model::{self, Around, LastResort, Model, Site, Start, Trace};

/// How many callers of a function are looked into; those of more are taken to be alike.
const CALLERS: usize = 4;

/// What is run as part of others, by function: the starts of those, each with what stands around the call. Of starts that
/// run each other only the outermost count, as far out as the function is still followed.
type Contexts = FxHashMap<FuncRef, Vec<(Start, Around)>>;

fn contexts(all: &[Found]) -> Contexts {
    let mut run_by: FxHashMap<FuncRef, FxHashSet<Start>> = FxHashMap::default();
    let mut contexts = Contexts::default();
    for found in all {
        for (func, stands) in &found.called {
            contexts.entry(*func).or_default().push((found.start, *stands));
            run_by.entry(*func).or_default().insert(found.start);
        }
    }
    for (func, around) in &mut contexts {
        let starts = &run_by[func];
        around.retain(|(start, _)| match start {
            Start::Function(inner) => {
                let outer = run_by.get(inner).into_iter().flatten();
                !outer.into_iter().any(|outer| outer != start && starts.contains(outer))
            }
            Start::Made(..) | Start::Pipeline(..) => true,
        });
    }
    contexts
}

/// The functions that nobody calls but scripts, and modules while they are loaded, directly or through others of them.
fn run_once(all: &[Found]) -> FxHashSet<FuncRef> {
    let mut once: FxHashSet<FuncRef> = all.iter().flat_map(|found| found.once.iter().copied()).collect();
    let mut callers: FxHashMap<FuncRef, Vec<&Found>> = FxHashMap::default();
    for found in all {
        for (func, _) in found.called.iter().filter(|(func, _)| once.contains(func)) {
            callers.entry(*func).or_default().push(found);
        }
    }
    loop {
        let is_alone = |func: &FuncRef| {
            callers.get(func).into_iter().flatten().all(|found| {
                let Start::Function(caller) = found.start else { return false };
                found.once.contains(func) || once.contains(&caller)
            })
        };
        let others: Vec<FuncRef> = once.iter().copied().filter(|func| !is_alone(func)).collect();
        if others.is_empty() {
            return once;
        }
        for func in others {
            once.remove(&func);
        }
    }
}

/// Leaves low what is found in functions of which no two runs go on at a time, as long as the program is started once.
fn settle_once(all: &mut [Found]) {
    let once = run_once(all);
    all.iter_mut().for_each(|found| found.lower(&once));
}

/// All slips. Where something stands around every call of a function, what its callers make of its slips counts.
pub(super) fn settle_slips(all: &mut [Found]) -> Vec<Slip> {
    let contexts = contexts(all);
    let mut slips: Vec<Slip> = Vec::new();
    for found in all {
        let start = found.start;
        slips.extend(std::mem::take(&mut found.slips).into_iter().filter(|slip| {
            let around = contexts.get(&slip.case.seen_by).map_or(&[][..], Vec::as_slice);
            let guarded = !around.is_empty() && around.iter().all(|(_, stands)| stands.is_any());
            if slip.in_caller {
                around.iter().any(|(entry, _)| guarded && *entry == start)
            } else {
                !guarded || !slip.can_be_mended()
            }
        }));
    }
    slips
}

/// Judges the cases of functions again where their callers may make a difference.
pub(super) fn settle(workspace: &Workspace, model: &Model<'_>, all: &mut [Found]) {
    settle_once(all);
    let contexts = contexts(all);
    let last_resorts = model::last_resorts(model);
    let applicable = |start: Start| {
        let package = |unit| model.program.package_of(unit);
        last_resorts.iter().copied().find(|it| package(it.registered) == package(start.unit()))
    };
    all.par_iter_mut().for_each(|found| {
        let start = found.start;
        let mut traces = Traces::default();
        let settled = std::mem::take(&mut found.cases).into_iter().filter_map(|case| {
            let own = Start::Function(case.seen_by) == start;
            let around = contexts.get(&case.seen_by).filter(|_| own).map_or(&[][..], Vec::as_slice);
            // Which file is meant, and who else can be there, may be known to callers alone.
            let of_file = case.place == Some(library::Place::File);
            let guarded = !around.is_empty() && around.iter().all(|(_, it)| it.is_any() || of_file);
            let owned = !around.is_empty() && around.iter().all(|(_, it)| it.own_row);
            // A handler makes good what fails. It keeps nobody from writing wrong data.
            let closable = case.anomaly.is_failure() || around.iter().all(|(_, it)| it.guard || it.own_row);
            let mut entries: Vec<Start> = around.iter().map(|(entry, _)| *entry).collect();
            entries.dedup();
            entries.truncate(CALLERS);
            if entries.is_empty() {
                entries.push(start);
            }
            let violated = matches!(case.anomaly, Anomaly::UnhandledViolation | Anomaly::UnhandledAbsence);
            let answered = violated && entries.iter().all(|entry| applicable(*entry).is_some());
            if case.anomaly == Anomaly::UnhandledViolation
                && conversions::answer(workspace, model, &mut traces, start, &case)
            {
                return None;
            }
            if !guarded && !owned && !answered {
                return Some(case);
            }
            // The worst over all callers, and of those that leave it open the one where it is surest.
            let mut open: Option<Case> = None;
            for entry in entries {
                let mut verdict = Verdict::Open(None);
                if guarded || owned {
                    verdict = judge_again(workspace, model, &mut traces, (entry, None), &case);
                }
                // What a caller without anything around the call makes of it is no better known than what the function does,
                // unless it says whose the rows are.
                let tells = match &verdict {
                    Verdict::Own => true,
                    Verdict::Open(worse) => owned && worse.as_ref().is_some_and(|it| it.confidence == Confidence::Low),
                    Verdict::Closed => false,
                };
                if !guarded && !tells {
                    verdict = Verdict::Open(None);
                }
                if let (Verdict::Open(_), true, Some(last_resort)) = (&verdict, answered, applicable(entry)) {
                    verdict = judge_again(workspace, model, &mut traces, (entry, Some(last_resort)), &case);
                }
                match verdict {
                    Verdict::Open(worse) => {
                        let worse = worse.map_or_else(|| case.clone(), |worse| *worse);
                        if worse.confidence >= case.confidence {
                            return Some(worse);
                        }
                        if open.as_ref().is_none_or(|open| open.confidence < worse.confidence) {
                            open = Some(worse);
                        }
                    }
                    Verdict::Closed if !closable => return Some(case),
                    Verdict::Closed | Verdict::Own => {}
                }
            }
            open
        });
        found.cases = settled.collect();
    });
}

pub(super) enum Verdict {
    /// Nothing breaks it.
    Closed,
    /// It is about rows that the caller has made itself.
    Own,
    /// It is broken there, too, or was not met.
    Open(Option<Box<Case>>),
}

/// Where a run starts, and what gets the errors that leave it.
pub(super) type Entry = (Start, Option<LastResort>);

/// The traces of callers, for several cases of one function.
pub(super) type Traces<'m> = FxHashMap<Entry, (Trace<'m>, Flow)>;

/// The trace of an entry, which is made when it is first asked for.
pub(super) fn traced<'t, 'm>(
    model: &'m Model<'_>,
    traces: &'t mut Traces<'m>,
    entry: Entry,
) -> &'t mut (Trace<'m>, Flow) {
    traces.entry(entry).or_insert_with(|| {
        let trace = model::trace(model, entry.0, entry.1);
        let flow = Flow::new(&trace);
        (trace, flow)
    })
}

/// The verdict on a window inside of what runs from `entry`.
pub(super) fn judge_again<'m>(
    workspace: &Workspace,
    model: &'m Model<'_>,
    traces: &mut Traces<'m>,
    entry: Entry,
    case: &Case,
) -> Verdict {
    let (start, last_resort) = entry;
    let (trace, flow) = traced(model, traces, entry);
    let database = workspace.database(model, start.unit());
    let ends = [&case.check, &case.act].map(|place| Site { unit: place.unit, span: place.span });
    let mut search = Search::within(trace, flow, model.schemas, case.seen_by, ends);
    let mut met = false;
    for window in search.windows() {
        met = true;
        // Who answers "that is there already" by an error may leave the answer to whoever handles errors last; who goes on
        // with what is there may not.
        let leaves_it = last_resort.is_none() || search.declines_when_present(&window);
        if let Some(broken) = judged::judge(&mut search, window, &database) {
            let mut broken = case::case(&mut search, model.program, &broken, &database);
            // What made the function's own case a weak one holds here, too.
            broken.confidence = broken.confidence.min(case.confidence);
            if case.mild.is_some() && broken.anomaly == case.anomaly {
                (broken.mild, broken.severity) = (case.mild, broken.severity.min(case.severity));
            }
            return Verdict::Open(Some(Box::new(broken)));
        }
        if !leaves_it {
            return Verdict::Open(None);
        }
    }
    match met {
        true => Verdict::Closed,
        false if search.is_about_own_rows() => Verdict::Own,
        false => Verdict::Open(None),
    }
}
