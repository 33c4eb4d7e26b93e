//! From the linked program to broken windows: which functions are run, and what is told of them.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Workspace, callers, idle, starts};
use crate::analysis::Flow;
use crate::analysis::case::{self, Case};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::rivals::{self, Mover, Reliance};
use crate::analysis::slips::{self, Slip};
use crate::analysis::window::{Search, Window};
use crate::finding::Confidence;
use crate::ir::{self, ExprKind, FuncKind, Language, Step, Unit};
use crate::library::Registry;
use crate::link::{FuncRef, Program, UnitId, last_name};
use crate::model::{self, Around, Frame, FrameId, Model, OpId, Site, Start, Survey, Trace};
use crate::schema::{Engine, clues};
use crate::schemas;

/// What one trace gave.
pub(super) struct Found {
    pub(super) start: Start,
    pub(super) cases: Vec<Case>,
    pub(super) slips: Vec<Slip>,
    reliances: Vec<Reliance>,
    movers: Vec<Mover>,
    /// Functions that were run with the handle of a transaction their caller had opened.
    handed: Vec<FuncRef>,
    /// Functions that were run, and whether something around the call may make a difference.
    pub(super) called: Vec<(FuncRef, Around)>,
    pub(super) windows: usize,
    /// Whether something was left out because the trace grew too large or too deep.
    pub(super) cut_short: bool,
    /// Functions that no two runs of it call at a time: it is a script that people run by hand, or a module that calls them
    /// while it is loaded.
    pub(super) once: Vec<FuncRef>,
    in_place: Vec<FuncRef>,
}

/// How often a window between the same two calls is judged within one function.
const REPEATS: usize = 3;

/// How many rivals of one act are tried.
const RIVALS: usize = 8;

impl Found {
    /// Leaves low what is found in some functions.
    pub(super) fn lower(&mut self, functions: &FxHashSet<FuncRef>) {
        let of_slips = self.slips.iter_mut().map(|slip| &mut slip.case);
        let cases = self.cases.iter_mut().chain(of_slips).filter(|case| functions.contains(&case.seen_by));
        cases.for_each(|case| case.confidence = Confidence::Low);
    }
}

impl Workspace {
    pub(super) fn analyse(&self, program: &Program, registry: &Registry, found: &schemas::Found) -> Vec<Found> {
        let entities = found.schemas.iter().flat_map(|schema| &schema.entities);
        let members = entities.map(|entity| entity.name.to_lowercase()).collect();
        let schema_of = program.units().map(|(_, unit)| found.nearest(&unit.path)).collect();
        let texts: Vec<&str> = self.sources.iter().map(|source| source.text.as_str()).collect();
        let all = registry.libraries().par_iter().enumerate();
        let libraries: Vec<_> = all.filter(|(_, library)| library.may_be_used(&texts)).collect();
        let model = Model {
            program,
            survey: Survey::new(program, &libraries, &members),
            registry,
            libraries,
            schemas: &found.schemas,
            schema_of,
            clients: &self.config.clients,
            crates: program.units().flat_map(|(_, unit)| unit.crates()).collect(),
        };
        // Functions that run in place inside another need no run of their own, so outer functions come first.
        let mut by_depth: Vec<Vec<FuncRef>> = Vec::new();
        for (unit_id, unit) in program.units() {
            for at in 0..unit.functions.len() {
                let func = ir::FuncId(u32::try_from(at).unwrap_or(u32::MAX));
                let root = FuncRef { unit: unit_id, func };
                if unit.functions[at].is_test && !self.config.include_tests {
                    continue;
                }
                if !model.survey.shape(root).reaches_database || in_macro(unit, func) {
                    continue;
                }
                let depth = nesting(unit, func);
                if by_depth.len() <= depth {
                    by_depth.resize_with(depth + 1, Vec::new);
                }
                by_depth[depth].push(root);
            }
        }
        let mut in_place: FxHashSet<FuncRef> = FxHashSet::default();
        let mut all = Vec::new();
        for level in by_depth {
            let roots: Vec<FuncRef> = level.into_iter().filter(|root| !in_place.contains(root)).collect();
            let found: Vec<Found> =
                roots.par_iter().with_max_len(1).map(|root| self.trace(&model, Start::Function(*root))).collect();
            for found in &found {
                in_place.extend(found.in_place.iter().copied());
            }
            all.extend(found);
        }
        let further = starts::further(&model, &in_place);
        all.par_extend(further.par_iter().with_max_len(1).map(|start| self.trace(&model, *start)));
        idle::settle(self, &model, &mut all);
        callers::settle(self, &model, &mut all);
        all
    }

    /// All broken windows of one trace.
    fn trace(&self, model: &Model<'_>, start: Start) -> Found {
        let mut trace = model::trace(model, start, None);
        let in_place = std::mem::take(&mut trace.in_place);
        let flow = Flow::new(&trace);
        let database = self.database(model, start.unit());
        let mut search = Search::new(&mut trace, &flow, model.schemas);
        let windows = search.windows();
        let count = windows.len();
        let mut cases = Vec::new();
        let mut rests = search.reliances();
        let mut tries: FxHashMap<(Site, Site), usize> = FxHashMap::default();
        let mut previous: Option<(Window, bool)> = None;
        for window in windows {
            // The same window on another way counts if it was not broken on the first.
            let again = previous.take().filter(|(other, _)| other.is_like(&window));
            if again.as_ref().is_some_and(|(_, is_broken)| *is_broken) {
                continue;
            }
            // A helper that is called from several places brings the same window along each time.
            let ends = (search.trace.op(window.check).site, search.trace.op(window.act).site);
            let tried = tries.entry(ends).or_default();
            *tried += usize::from(again.is_none());
            if *tried > REPEATS {
                continue;
            }
            let judged = judged::judge(&mut search, window.clone(), &database);
            previous = Some((window.clone(), judged.is_some()));
            match judged {
                Some(broken) => {
                    let mut case = case::case(&mut search, model.program, &broken, &database);
                    if is_done_on_load(model, search.trace, [broken.window.check, broken.window.act]) {
                        case.confidence = Confidence::Low;
                    }
                    cases.push(case);
                }
                // Against its twin nothing goes wrong; a rival may still move what it rests on.
                None if again.is_none() && !search.asks_again(&window) && !search.is_moved_beside(&window) => {
                    rests.push(window);
                }
                None => {}
            }
        }
        let reliances =
            rests.into_iter().filter_map(|w| case::reliance(&mut search, model.program, w, &database)).collect();
        let mut slips = slips::find(&mut search, model.program, &database);
        // What only the program itself runs, one run at a time, meets another run only where the program is started twice.
        let of_runs = slips.iter_mut().filter(|slip| slip.needs_two_runs()).map(|slip| &mut slip.case);
        let kept_out = |case: &&mut Case| model.survey.runs_once(case.seen_by) || has_permit(model, case.seen_by);
        let alone = cases.iter_mut().chain(of_runs).filter(kept_out);
        alone.for_each(|case: &mut Case| case.confidence = Confidence::Low);
        let path = &model.program.unit(start.unit()).path;
        let text = self.sources.get(path).map_or("", |source| source.text.as_str());
        let by_hand = is_script(path, text) || is_program(model, start);
        if by_hand {
            // Nobody runs it twice at a time.
            let of_slips = slips.iter_mut().map(|slip| &mut slip.case);
            cases.iter_mut().chain(of_slips).for_each(|case: &mut Case| case.confidence = Confidence::Low);
        }
        let movers = if by_hand { Vec::new() } else { case::movers(&mut search, model.program) };
        let handed = search.trace.frames.iter().filter(|frame| frame.takes_handle).map(|frame| frame.func).collect();
        let called = called(search.trace);
        let cut_short = search.trace.budget_hit;
        let once = called_once(model, search.trace, start, is_script(path, text));
        Found { start, cases, slips, reliances, movers, handed, called, windows: count, cut_short, once, in_place }
    }

    /// The database that a unit talks to.
    pub(super) fn database(&self, model: &Model<'_>, unit: UnitId) -> Database {
        let path = &model.program.unit(unit).path;
        let configured = self.config.engine_of(path).map(ToOwned::to_owned);
        let declared = model.schema_of[unit.0 as usize].and_then(|schema| model.schemas[schema].engine);
        let text = self.sources.get(path).filter(|_| path.ends_with(".rs")).map_or("", |source| source.text.as_str());
        let declared = clues::of_file(text, declared).or(declared).map(|engine| engine.name().to_owned());
        let assumed = configured.is_none() && declared.is_none();
        let name = configured.or(declared).unwrap_or_else(|| Engine::Postgres.name().to_owned());
        Database { name, assumed, isolation: self.config.isolation.clone() }
    }
}

/// The functions that were run by others, each with what stands around the call.
fn called(trace: &Trace<'_>) -> Vec<(FuncRef, Around)> {
    let first = FrameId(0);
    let runs = trace.frames.iter().skip(1).filter(|frame| !frame.in_place && !frame.is_stage);
    // What ran beside the trace, to make a value, says nothing about those who call it.
    let inside = |frame: &Frame| {
        let mut next = frame.caller;
        while let Some((caller, _)) = next {
            if caller == first {
                return true;
            }
            next = trace.frames[caller.index()].caller;
        }
        false
    };
    let mut found: Vec<(FuncRef, Around)> =
        runs.filter(|frame| inside(frame)).map(|frame| (frame.func, frame.around)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The functions that a script calls, or that a module calls while it is loaded; what it hands on to be called is called by
/// others. What a program's `main` calls is known from the survey.
fn called_once(model: &Model<'_>, trace: &Trace<'_>, start: Start, is_script: bool) -> Vec<FuncRef> {
    let Start::Function(root) = start else { return Vec::new() };
    let unit = model.program.unit(root.unit);
    // What lies there may be a server.
    let is_script = is_script && !unit.path.split('/').any(|part| part == "bin");
    if unit.language != Language::TypeScript || !(is_script || model.program.func(root).kind == FuncKind::Module) {
        return Vec::new();
    }
    let is_direct = |frame: &Frame| {
        let mut frame = frame;
        while let Some((caller, site)) = frame.caller {
            let caller = &trace.frames[caller.index()];
            if !is_script && frame.in_place && !calls_by_name(model, caller.func, site, frame.func) {
                return false;
            }
            frame = caller;
        }
        true
    };
    trace.frames.iter().skip(1).filter(|frame| is_direct(frame)).map(|frame| frame.func).collect()
}

/// Whether a function literal is called where it stands, or by the name of the variable that holds it, and not handed to
/// who calls it.
fn calls_by_name(model: &Model<'_>, caller: FuncRef, site: Site, literal: FuncRef) -> bool {
    let name = &model.program.func(literal).name;
    let mut steps = model.program.func(caller).blocks.iter().flat_map(|block| &block.steps);
    steps.any(|step| match step {
        Step::Call(call) if call.span == site.span => match &call.callee.kind {
            ExprKind::Func(func) => *func == literal.func,
            _ => last_name(model.program.unit(caller.unit), &call.callee) == Some(name),
        },
        _ => false,
    })
}

/// Whether a file is a script that people run by hand, or that runs once: by the folders it lies in, or because it ends
/// the program when it is done.
fn is_script(path: &str, text: &str) -> bool {
    let folders = path.split('/').any(|part| {
        matches!(part, "scripts" | "script" | "bin" | "migration" | "cutover")
            || part.to_lowercase().ends_with("migrations")
    });
    folders || text.contains(".$disconnect(") && text.lines().any(runs_something)
}

/// Whether operations stand in the body of a module itself: what is done there is done once, when the program is started.
fn is_done_on_load(model: &Model<'_>, trace: &Trace<'_>, ops: [OpId; 2]) -> bool {
    let is_module = |frame: FrameId| model.program.func(trace.frames[frame.index()].func).kind == FuncKind::Module;
    ops.iter().all(|op| is_module(trace.op(*op).frame))
}

/// Whether a trace is that of a whole program, which runs once.
fn is_program(model: &Model<'_>, start: Start) -> bool {
    let Start::Function(root) = start else { return false };
    let func = model.program.func(root);
    model.program.unit(root.unit).language == Language::Rust && func.name == "main" && func.kind == FuncKind::Declared
}

/// Whether a function is let in by something it is handed whose type says that it keeps others out: a permit, a lease. What
/// it keeps them out of is not known.
fn has_permit(model: &Model<'_>, at: FuncRef) -> bool {
    let unit = model.program.unit(at.unit);
    let types = model.program.func(at).params.iter().filter_map(|param| unit.slots[param.slot.index()].ty.as_deref());
    let mut words = types.flat_map(|ty| ty.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.any(|word| ["Permit", "Lease"].iter().any(|end| word.ends_with(end)))
}

/// Whether a line at the top of a module calls a function of it, for its own sake: `main();`, `populate().catch(fail)`.
fn runs_something(line: &str) -> bool {
    let name = line.split("()").next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether a function is a macro's, which is run where the macro is called.
fn in_macro(unit: &Unit, func: ir::FuncId) -> bool {
    let around = std::iter::successors(Some(func), |func| unit.functions[func.index()].parent);
    around.into_iter().any(|func| unit.functions[func.index()].kind == FuncKind::Macro)
}

fn nesting(unit: &Unit, func: ir::FuncId) -> usize {
    let mut depth = 0;
    let mut next = unit.functions[func.index()].parent;
    while let Some(parent) = next {
        depth += 1;
        next = unit.functions[parent.index()].parent;
    }
    depth
}

/// All broken windows: those of single functions, and those that a rival breaks.
pub(super) fn proven(all: Vec<Found>) -> Vec<Case> {
    let mut movers: FxHashMap<String, Vec<Mover>> = FxHashMap::default();
    let mut reliances = Vec::new();
    let mut cases = Vec::new();
    let handed: FxHashSet<FuncRef> = all.iter().flat_map(|found| found.handed.iter().copied()).collect();
    for found in all {
        for mover in found.movers {
            movers.entry(mover.entity.clone()).or_default().push(mover);
        }
        reliances.extend(found.reliances);
        cases.extend(found.cases);
    }
    let more: Vec<Case> = reliances
        .par_iter()
        .filter_map(|reliance| {
            let fits = |mover: &&Mover| mover.concerns(reliance);
            let mut rivals = movers.get(&reliance.entity)?.iter().filter(fits).take(RIVALS);
            rivals.find_map(|mover| rivals::judge(reliance, mover, &reliance.case.database))
        })
        .collect();
    cases.extend(more);
    // What a function does in a transaction that it was handed is settled where the transaction is opened.
    cases.retain(|case| !(case.ambient && handed.contains(&case.seen_by)));
    cases
}

/// One case for each act of a function, and for each check: where several windows share an end, the strongest speaks.
pub(super) fn dedupe(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by(|a, b| {
        let key = |c: &Case| {
            (
                std::cmp::Reverse((c.confidence, c.severity)),
                c.act.path.clone(),
                c.act.span,
                std::cmp::Reverse(c.check.span),
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.check.path.cmp(&b.check.path))
    });
    let (mut acts, mut seen_acts, mut checks) = (FxHashSet::default(), FxHashSet::default(), FxHashSet::default());
    cases.retain(|case| {
        let act = (case.seen_by, case.entity.clone(), case.act.clone());
        let seen_act = (case.seen_by, case.entity.clone(), case.seen_act.clone());
        let check = (case.seen_by, case.check.clone(), std::mem::discriminant(&case.link));
        if acts.contains(&act) || seen_acts.contains(&seen_act) || checks.contains(&check) {
            return false;
        }
        acts.insert(act);
        seen_acts.insert(seen_act);
        checks.insert(check)
    });
    cases
}
