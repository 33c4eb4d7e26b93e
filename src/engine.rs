//! The engine: one [`Workspace`] holds a project and answers every question about it, for the command line and for
//! editors alike.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::Flow;
use crate::analysis::case::{self, Case};
use crate::analysis::judged::{self, Database};
use crate::analysis::rivals::{self, Mover, Reliance};
use crate::analysis::window::{Link, Search};
use crate::config::Config;
use crate::finding::{Confidence, Finding, Problem, Stats};
use crate::ir::{self, Unit};
use crate::library::{LoadError, Registry};
use crate::link::{Fault, FileId, FuncRef, Modules, Program, UnitId};
use crate::model::{self, Model, Site, Survey};
use crate::schema::Engine;
use crate::source::{Prefilter, Source, Sources};
use crate::text::Span;
use crate::{frontend, remedy, rules, schemas, select, suppress};

/// A project: its settings, sources and schema.
#[derive(Debug)]
pub struct Workspace {
    config: Config,
    sources: Sources,
    beside: Sources,
    registry: Registry,
}

/// An inner form that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// What a file says, with the language taken off.
    Ir,
    /// The windows whose act lies in a file.
    Windows,
    /// What the schema guarantees.
    Schema,
}

/// How large the stacks of worker threads are: deeply nested code is read by recursion, up to a limit.
const STACK: usize = 64 << 20;

/// What one function gave.
#[derive(Default)]
struct Found {
    cases: Vec<Case>,
    reliances: Vec<Reliance>,
    movers: Vec<Mover>,
    /// Functions that were run with the handle of a transaction their caller had opened.
    handed: Vec<FuncRef>,
    windows: usize,
    in_place: Vec<FuncRef>,
}

impl Workspace {
    /// A project. `beside` are the files beside its sources: Prisma schemas, migrations in the order in which they run, and
    /// the manifests that say what module names mean.
    #[must_use]
    pub fn new(config: Config, sources: Sources, beside: Vec<(String, String)>) -> Self {
        let beside = beside.into_iter().map(|(path, text)| Source::new(path, text)).collect();
        Self { config, sources, beside, registry: Registry::builtin() }
    }

    /// The project with further libraries: their paths and texts.
    ///
    /// # Errors
    ///
    /// Everything in them that cannot be used.
    pub fn with_libraries(self, files: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let registry = Registry::with(files).map_err(|errors| {
            let problem =
                |error: LoadError| Problem { path: error.path, span: Some(error.span), message: error.message };
            errors.into_iter().map(problem).collect::<Vec<_>>()
        })?;
        Ok(Self { registry, ..self })
    }

    /// The sources.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The files beside the sources.
    #[must_use]
    pub fn beside(&self) -> &Sources {
        &self.beside
    }

    /// What module names mean in this project, and the manifests that could not be read.
    fn modules(&self) -> (Modules, Vec<Problem>) {
        let manifests: Vec<(String, String)> = self
            .beside
            .iter()
            .filter(|file| file.path.ends_with(".json"))
            .map(|file| (file.path.clone(), file.text.clone()))
            .collect();
        let (modules, faults) = Modules::new(self.sources.iter().map(|source| source.path.as_str()), &manifests);
        let problem = |fault: Fault| Problem { path: fault.path, span: Some(fault.span), message: fault.message };
        (modules, faults.into_iter().map(problem).collect())
    }

    /// Finds the races.
    #[must_use]
    pub fn check(&self) -> (Vec<Finding>, Vec<Problem>, Stats) {
        // A pool of our own, for the size of its stacks; without one the calling thread does the work.
        match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
            Ok(pool) => pool.install(|| self.check_here()),
            Err(_) => self.check_here(),
        }
    }

    fn check_here(&self) -> (Vec<Finding>, Vec<Problem>, Stats) {
        let registry = &self.registry;
        let (modules, mut problems) = self.modules();
        let units = self.lower(registry, &modules);
        problems.extend(units.iter().flat_map(problems_of));
        let (found_schemas, schema_problems) = schemas::read(&self.beside);
        problems.extend(schema_problems);
        let parsed = units.len();
        let program = Program::new(units, modules);
        let all = self.analyse(&program, registry, &found_schemas);

        let windows = all.iter().map(|found| found.windows).sum();
        let mut findings: Vec<Finding> = Vec::new();
        for case in dedupe(proven(all)) {
            let code =
                |intent: &str| remedy::code(&program, &self.sources, registry, &found_schemas.schemas, &case, intent);
            findings.extend(rules::speak(&case, &code));
        }
        let names: Vec<&str> = rules::ALL.iter().map(|rule| rule.name).collect();
        let comments = program
            .units()
            .filter(|(_, unit)| unit.problems.is_empty())
            .filter_map(|(_, unit)| {
                let source = self.sources.get(&unit.path)?;
                let found = suppress::read(source, &unit.comments, &names);
                (!found.is_empty()).then_some(found)
            })
            .collect();
        let told = select::tell(findings, comments, &self.config, &self.sources);
        problems.sort();
        let stats = Stats {
            files: self.sources.reported(),
            project_files: self.sources.len(),
            parsed,
            not_analysed: 0,
            windows,
            suppressed: told.suppressed,
        };
        (told.findings, problems, stats)
    }

    /// Lowers the files that may matter: those that hold a library's words, those that import one of them, and what these
    /// import. A part of a window may lie in any of them.
    fn lower(&self, registry: &Registry, modules: &Modules) -> Vec<Unit> {
        let needles = registry.needles();
        let mut needles: Vec<&str> = needles.iter().map(String::as_str).collect();
        needles.push("toctou:");
        let prefilter = Prefilter::new(&needles);
        let sources: Vec<&Source> = self.sources.iter().collect();
        let lower = |at: usize| frontend::lower(&sources[at].path, &sources[at].text);
        let mut units: Vec<Option<Unit>> = (0..sources.len())
            .into_par_iter()
            .map(|at| if prefilter.hits(&sources[at].text) { lower(at) } else { None })
            .collect();
        for wave in 0..3 {
            let wanted =
                if wave == 0 { importing(&sources, &units, modules) } else { imported(&sources, &units, modules) };
            let more: Vec<(usize, Option<Unit>)> = wanted.into_par_iter().map(|at| (at, lower(at))).collect();
            for (at, unit) in more {
                units[at] = unit;
            }
        }
        units.into_iter().flatten().collect()
    }

    fn analyse(&self, program: &Program, registry: &Registry, found: &schemas::Found) -> Vec<Found> {
        let names: Vec<String> = registry
            .libraries()
            .iter()
            .flat_map(|library| {
                let calls = library.calls.iter().flat_map(|row| row.on.names());
                let regions = library.regions.iter().flat_map(|row| row.open.names());
                calls.chain(regions).map(ToOwned::to_owned)
            })
            .collect();
        let methods: FxHashSet<&str> = names.iter().map(String::as_str).collect();
        let schema_of = program.units().map(|(_, unit)| found.nearest(&unit.path)).collect();
        let model = Model {
            program,
            survey: Survey::new(program, &methods),
            registry,
            schemas: &found.schemas,
            schema_of,
            clients: &self.config.clients,
        };
        // Functions that run in place inside another need no run of their own, so outer functions come first.
        let mut by_depth: Vec<Vec<FuncRef>> = Vec::new();
        for (unit_id, unit) in program.units() {
            for at in 0..unit.functions.len() {
                let func = ir::FuncId(u32::try_from(at).unwrap_or(u32::MAX));
                let root = FuncRef { unit: unit_id, func };
                if !model.survey.shape(root).reaches_database {
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
            let found: Vec<Found> = roots.par_iter().map(|root| self.function(&model, *root)).collect();
            for found in &found {
                in_place.extend(found.in_place.iter().copied());
            }
            all.extend(found);
        }
        all
    }

    /// All broken windows of one function.
    fn function(&self, model: &Model<'_>, root: FuncRef) -> Found {
        let mut trace = model::trace(model, root);
        let in_place = std::mem::take(&mut trace.in_place);
        let flow = Flow::new(&trace);
        let database = self.database(model, root.unit);
        let mut search = Search::new(&mut trace, &flow, model.schemas);
        let windows = search.windows();
        let count = windows.len();
        let mut cases = Vec::new();
        let mut rests = search.reliances();
        let mut tries: FxHashMap<(Site, Site), usize> = FxHashMap::default();
        for window in windows {
            // A helper that is called from several places brings the same window along each time.
            let ends = (search.trace.op(window.check).site, search.trace.op(window.act).site);
            let tried = tries.entry(ends).or_default();
            *tried += 1;
            if *tried > REPEATS {
                continue;
            }
            let unbroken = matches!(window.link, Link::Column(_)).then(|| window.clone());
            match judged::judge(&mut search, window, &database) {
                Some(broken) => cases.push(case::case(&mut search, model.program, &broken, &database)),
                // Against its twin nothing goes wrong; a rival may still move what it rests on.
                None => rests.extend(unbroken),
            }
        }
        let reliances =
            rests.into_iter().filter_map(|w| case::reliance(&mut search, model.program, w, &database)).collect();
        let by_hand = is_script(&model.program.unit(root.unit).path);
        if by_hand {
            // Nobody runs it twice at a time.
            cases.iter_mut().for_each(|case: &mut Case| case.confidence = Confidence::Low);
        }
        let movers = if by_hand { Vec::new() } else { case::movers(&mut search, model.program) };
        let handed = search.trace.frames.iter().filter(|frame| frame.takes_handle).map(|frame| frame.func).collect();
        Found { cases, reliances, movers, handed, windows: count, in_place }
    }

    /// The database that a unit talks to.
    fn database(&self, model: &Model<'_>, unit: UnitId) -> Database {
        let path = &model.program.unit(unit).path;
        let configured = self.config.engine_of(path).map(ToOwned::to_owned);
        let declared = model.schema_of[unit.0 as usize]
            .and_then(|schema| model.schemas[schema].engine)
            .map(|engine| engine.name().to_owned());
        let assumed = configured.is_none() && declared.is_none();
        let name = configured.or(declared).unwrap_or_else(|| Engine::Postgres.name().to_owned());
        Database { name, assumed, isolation: self.config.isolation.clone() }
    }

    /// Prints an inner form of a file; `None` where there is none.
    #[must_use]
    pub fn dump(&self, what: Dump, path: &str) -> Option<String> {
        match what {
            Dump::Ir => {
                let source = self.sources.get(path)?;
                frontend::lower(&source.path, &source.text).map(|unit| ir::print(&unit))
            }
            Dump::Schema => {
                let (found, _) = schemas::read(&self.beside);
                let at = found.nearest(path)?;
                Some(format!("{:#?}\n", found.schemas[at]))
            }
            Dump::Windows => {
                let registry = &self.registry;
                let (modules, _) = self.modules();
                let units = self.lower(registry, &modules);
                let (found, _) = schemas::read(&self.beside);
                let program = Program::new(units, modules);
                let all = self.analyse(&program, registry, &found);
                let mut text = String::new();
                for case in proven(all).iter().filter(|case| case.act.path == path) {
                    self.describe(case, &mut text);
                }
                Some(text)
            }
        }
    }

    /// A broken window in a few lines.
    fn describe(&self, case: &Case, text: &mut String) {
        let place = |path: &str, span: Span| match self.sources.get(path) {
            Some(source) => {
                let at = source.position(span.start);
                format!("{path}:{}:{}", at.line, at.column)
            }
            None => path.to_owned(),
        };
        let level = case.isolation.as_deref().unwrap_or("no transaction");
        let lines = [
            format!("{} of {} in {}", link_words(&case.link), case.entity, case.function),
            format!("  check {} at {}", case.check.call, place(&case.check.path, case.check.span)),
            format!("  act   {} at {}", case.act.call, place(&case.act.path, case.act.span)),
            format!(
                "  on    {}, {level}: {:?}, {:?}, {:?} confidence",
                case.database.name, case.anomaly, case.severity, case.confidence
            ),
        ];
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        for step in &case.schedule.steps {
            text.push_str(&format!("        {}  {} -> {}\n", step.session, step.op, step.outcome));
        }
    }
}

/// How a check bears on an act, in a word or two.
fn link_words(link: &Link) -> String {
    match link {
        Link::Absence => "absence".to_owned(),
        Link::Presence => "presence".to_owned(),
        Link::Column(columns) => format!("column {}", columns.join(", ")),
        Link::Set => "set".to_owned(),
        Link::Feeds(column) => format!("feeds {column}"),
        Link::Next(column) => format!("next {column}"),
        Link::Exclusive(column) => format!("exclusive {column}"),
        Link::Replace => "replace".to_owned(),
    }
}

/// What a unit could not read.
fn problems_of(unit: &Unit) -> impl Iterator<Item = Problem> + '_ {
    unit.problems.iter().map(|problem| Problem {
        path: unit.path.clone(),
        span: Some(problem.span),
        message: problem.message.clone(),
    })
}

/// The places in `sources` of files that lowered units import and that are not lowered yet.
fn imported(sources: &[&Source], units: &[Option<Unit>], modules: &Modules) -> Vec<usize> {
    let mut wanted: Vec<usize> = Vec::new();
    for (at, unit) in units.iter().enumerate() {
        let Some(unit) = unit else { continue };
        let names = unit.modules().filter_map(|name| modules.resolve(&sources[at].path, name));
        wanted.extend(names.map(|FileId(file)| file as usize).filter(|file| units[*file].is_none()));
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// The places in `sources` of files that are not lowered yet and import one that is, directly or through files that only
/// pass names on. Code that runs in browsers makes requests, and no windows.
fn importing(sources: &[&Source], units: &[Option<Unit>], modules: &Modules) -> Vec<usize> {
    let imports: Vec<Vec<usize>> = (0..sources.len())
        .into_par_iter()
        .map(|at| {
            let source = sources[at];
            if units[at].is_some() || runs_in_browsers(&source.text) {
                return Vec::new();
            }
            let names = quoted_modules(&source.text).filter_map(|name| modules.resolve(&source.path, name));
            names.map(|FileId(file)| file as usize).collect()
        })
        .collect();
    let mut wanted: Vec<bool> = units.iter().map(Option::is_some).collect();
    let hits = |wanted: &[bool], at: usize| imports[at].iter().any(|file| wanted[*file]);
    for _ in 0..BARRELS {
        let passing: Vec<usize> = (0..sources.len())
            .filter(|at| !wanted[*at] && passes_on(&sources[*at].text) && hits(&wanted, *at))
            .collect();
        for at in passing {
            wanted[at] = true;
        }
    }
    (0..sources.len()).filter(|at| units[*at].is_none() && (wanted[*at] || hits(&wanted, *at))).collect()
}

/// How many files that pass names on may stand behind one another.
const BARRELS: usize = 3;

/// Whether a file says in its first lines that it is for browsers.
fn runs_in_browsers(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.next().is_some_and(|line| line.starts_with("\"use client\"") || line.starts_with("'use client'"))
}

/// Whether a file does little else than pass names of other files on.
fn passes_on(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let (mut passing, mut all) = (0, 0);
    for line in lines.by_ref().take(40) {
        all += 1;
        passing += usize::from(line.starts_with("export") && line.contains(" from "));
    }
    passing > 0 && passing * 2 >= all
}

/// The module names that a text quotes behind `from`, in `require(…)` or in `import(…)`, without parsing it.
fn quoted_modules(text: &str) -> impl Iterator<Item = &str> {
    let behind = |word: &'static str| text.match_indices(word).map(move |(at, word)| &text[at + word.len()..]);
    let pieces = behind("from ").chain(behind("require(")).chain(behind("import("));
    pieces.filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inner = &rest[1..];
        Some(&inner[..inner.find(quote)?])
    })
}

/// Whether a file is a script that people run by hand.
fn is_script(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "scripts" | "script" | "bin" | "migration"))
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

/// How often a window between the same two calls is judged within one function.
const REPEATS: usize = 3;

/// How many rivals of one act are tried.
const RIVALS: usize = 8;

/// All broken windows: those of single functions, and those that a rival breaks.
fn proven(all: Vec<Found>) -> Vec<Case> {
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

/// One case for each act and each check: where several windows share an end, the strongest speaks.
fn dedupe(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by(|a, b| {
        let key = |c: &Case| {
            (
                c.act.path.clone(),
                c.act.span,
                std::cmp::Reverse((c.confidence, c.severity)),
                std::cmp::Reverse(c.check.span),
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.check.path.cmp(&b.check.path))
    });
    let mut kept: Vec<Case> = Vec::new();
    for case in cases {
        let same_act = |k: &Case| k.act == case.act && k.entity == case.entity;
        let same_check = |k: &Case| {
            k.check == case.check
                && k.function == case.function
                && std::mem::discriminant(&k.link) == std::mem::discriminant(&case.link)
        };
        if !kept.iter().rev().take(64).any(|k| same_act(k) || same_check(k)) {
            kept.push(case);
        }
    }
    kept
}

/// Manifests that others extend and that are not among `manifests`, by their paths: to be read as well.
#[must_use]
pub fn missing_manifests(manifests: &[(String, String)]) -> Vec<String> {
    Modules::missing_manifests(manifests)
}

/// The folders, relative to the project root, into which the generators of Prisma schemas write.
#[must_use]
pub fn generated_folders(schemas: &[(String, String)]) -> Vec<String> {
    let mut folders = Vec::new();
    for (path, text) in schemas {
        let mut in_generator = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("generator ") {
                in_generator = true;
            } else if line.starts_with('}') {
                in_generator = false;
            }
            let value = line.strip_prefix("output").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
            let value = value.and_then(|rest| rest.trim().strip_prefix('"')).and_then(|rest| rest.split('"').next());
            let folder = value.filter(|_| in_generator).and_then(|output| joined(path, output));
            // A folder that holds the schema itself is no folder of generated code alone.
            folders.extend(folder.filter(|folder| !path.starts_with(&format!("{folder}/"))));
        }
    }
    folders.sort();
    folders.dedup();
    folders
}

/// `relative`, seen from the folder of `file`; `None` where it leads out of the project or to its root.
fn joined(file: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::generated_folders;

    #[test]
    fn generators_name_their_folders() {
        let schema = "generator client {\n  provider = \"prisma-client\"\n  output   = \"../src/db/client\"\n}\n\
                      generator erd {\n  output = \"..\"\n}\nmodel A {\n  output String\n}\n";
        let folders = generated_folders(&[("prisma/schema.prisma".to_owned(), schema.to_owned())]);
        assert_eq!(folders, ["src/db/client"]);
    }
}
