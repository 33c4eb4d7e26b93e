//! The engine: one [`Workspace`] holds a project and answers every question about it, for the command line and for
//! editors alike.

mod analyse;
mod callers;
mod conversions;
mod idle;
mod lower;
mod starts;

use rayon::prelude::*;

use crate::analysis::case::Case;
use crate::analysis::slips::{self, Slip, SlipKind};
use crate::analysis::window::Link;
use crate::config::Config;
use crate::finding::{Finding, Problem, Stats};
use crate::ir::{self, Unit};
use crate::library::{LoadError, Registry};
use crate::link::{Fault, Modules, Program};
use crate::source::{Source, Sources};
use crate::text::Span;
use crate::{frontend, remedy, rules, schemas, select, suppress};
use analyse::{dedupe, proven};

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
            .filter(|file| file.path.ends_with(".json") || file.path.ends_with("Cargo.toml"))
            .map(|file| (file.path.clone(), file.text.clone()))
            .collect();
        let (modules, faults) = Modules::new(self.sources.iter().map(|source| source.path.as_str()), &manifests);
        let problem = |fault: Fault| Problem { path: fault.path, span: Some(fault.span), message: fault.message };
        (modules, faults.into_iter().map(problem).collect())
    }

    /// Finds the races.
    #[must_use]
    pub fn check(&self) -> (Vec<Finding>, Vec<Problem>, Stats) {
        on_deep_stacks(|| self.check_here())
    }

    fn check_here(&self) -> (Vec<Finding>, Vec<Problem>, Stats) {
        let registry = &self.registry;
        let (modules, mut problems) = self.modules();
        let units = self.lower(registry, &modules);
        problems.extend(units.iter().flat_map(problems_of));
        let (found_schemas, schema_problems) = schemas::read(&self.beside, &self.sources);
        problems.extend(schema_problems);
        let parsed = units.len();
        let program = Program::new(units, modules);
        let mut all = self.analyse(&program, registry, &found_schemas);

        let slips = slips::versioned(slips::dedupe(callers::settle_slips(&mut all)));
        let windows = all.iter().map(|found| found.windows).sum();
        let cut_short = all.iter().filter(|found| found.cut_short).count();
        let mut findings: Vec<Finding> = Vec::new();
        let code = |case: &Case, intent: &str| {
            remedy::attempt(&program, &self.sources, registry, &found_schemas.schemas, case, intent)
        };
        let cases = dedupe(proven(all));
        // A write that is the act of a window is spoken of there.
        let told_as = |slip: &Slip, case: &Case| match slip.kind {
            SlipKind::Guard(_) => true,
            // Of an insert that fails it is told once.
            SlipKind::Upsert(_) => {
                case.entity == slip.case.entity
                    && case.anomaly == slip.case.anomaly
                    && case.confidence >= slip.case.confidence
            }
            _ => false,
        };
        let is_act = |slip: &Slip| cases.iter().any(|case| case.act == slip.case.act && told_as(slip, case));
        let slips: Vec<Slip> = slips.into_iter().filter(|slip| !is_act(slip)).collect();
        // Ways out are judged only now that it is known what is spoken of.
        let spoken = cases.par_iter().map(|case| rules::speak(case, &|intent| code(case, intent)));
        findings.extend(spoken.collect::<Vec<_>>().into_iter().flatten());
        for slip in slips {
            findings.extend(rules::speak_of_slip(&slip, &|intent| code(&slip.case, intent)));
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
            cut_short,
            suppressed: told.suppressed,
        };
        (told.findings, problems, stats)
    }

    /// Prints an inner form of a file; `None` where there is none.
    #[must_use]
    pub fn dump(&self, what: Dump, path: &str) -> Option<String> {
        on_deep_stacks(|| self.dump_here(what, path))
    }

    fn dump_here(&self, what: Dump, path: &str) -> Option<String> {
        match what {
            Dump::Ir => {
                let source = self.sources.get(path)?;
                frontend::lower(&source.path, &source.text).map(|unit| ir::print(&unit))
            }
            Dump::Schema => {
                let (found, _) = schemas::read(&self.beside, &self.sources);
                let at = found.nearest(path)?;
                Some(format!("{:#?}\n", found.schemas[at]))
            }
            Dump::Windows => {
                let registry = &self.registry;
                let (modules, _) = self.modules();
                let units = self.lower(registry, &modules);
                let (found, _) = schemas::read(&self.beside, &self.sources);
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

/// Runs what reads files on a pool of its own, for the size of its stacks; without one the calling thread does the work.
fn on_deep_stacks<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().stack_size(frontend::STACK).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
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
        Link::Shifts(column) => format!("shifts {column}"),
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

/// Manifests that others extend and that are not among `manifests`, by their paths: to be read as well.
#[must_use]
pub fn missing_manifests(manifests: &[(String, String)]) -> Vec<String> {
    Modules::missing_manifests(manifests)
}

/// Files of SQL that sources take in, by their paths: to be read beside them.
#[must_use]
pub fn included_sql(sources: &Sources) -> Vec<String> {
    schemas::included(sources)
}

/// The folders, relative to the project root, into which the generators of Prisma schemas write.
#[must_use]
pub fn generated_folders(files: &[(String, String)]) -> Vec<String> {
    let mut folders: Vec<String> = files.iter().flat_map(|(path, text)| schemas::outputs(path, text)).collect();
    folders.sort();
    folders.dedup();
    folders
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
