//! Functions that nobody calls. A function is taken for one only where others of its file are called from elsewhere: a file
//! of which nothing is called may be all there is of a program, or wait for a framework to find it.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Workspace;
use super::analyse::Found;
use crate::ir::{FuncKind, Language};
use crate::link::{FuncRef, Program, UnitId};
use crate::model::{Model, Survey};
use crate::source::Source;

/// How many calls lie between a function and one that nobody calls.
const DEPTH: usize = 3;

/// What may stand in front of a function and hands it to nobody.
const PLAIN: [&str; 9] =
    ["allow", "expect", "must_use", "inline", "cfg", "deprecated", "doc", "instrument", "tracing::instrument"];

/// Leaves low what is found in functions that nobody calls, directly or by way of others of them.
pub(super) fn settle(workspace: &Workspace, model: &Model<'_>, all: &mut [Found]) {
    let seen = all.iter().flat_map(|found| {
        let of_slips = found.slips.iter().map(|slip| &slip.case);
        found.cases.iter().chain(of_slips).map(|case| case.seen_by)
    });
    let seen: FxHashSet<FuncRef> = seen.collect();
    let idle = Idle::among(workspace, model, &seen);
    all.iter_mut().for_each(|found| found.lower(&idle));
}

struct Idle<'a, 'p> {
    workspace: &'a Workspace,
    model: &'a Model<'p>,
    /// How often each file speaks of the functions in question, once that is known.
    mentions: Option<FxHashMap<&'a str, FxHashMap<&'a str, usize>>>,
    /// The units in which Rust programs start.
    programs: Vec<UnitId>,
}

impl<'a, 'p> Idle<'a, 'p> {
    /// Those of some functions that nobody calls.
    fn among(workspace: &'a Workspace, model: &'a Model<'p>, functions: &FxHashSet<FuncRef>) -> FxHashSet<FuncRef> {
        let mut idle = Self { workspace, model, mentions: None, programs: programs(model.program) };
        let mut found: FxHashSet<FuncRef> = functions.iter().copied().filter(|it| idle.is_idle(*it, DEPTH)).collect();
        if !found.is_empty() {
            idle.mentions = Some(idle.mentions_of(&found));
            found.retain(|it| idle.is_idle(*it, DEPTH));
        }
        found
    }

    /// How often each file speaks of some functions and of those that call them.
    fn mentions_of(&self, functions: &FxHashSet<FuncRef>) -> FxHashMap<&'a str, FxHashMap<&'a str, usize>> {
        let survey = &self.model.survey;
        let mut names: FxHashSet<&str> = FxHashSet::default();
        let mut chain: Vec<FuncRef> = functions.iter().copied().collect();
        for _ in 0..DEPTH {
            names.extend(chain.iter().map(|func| self.model.program.func(*func).name.as_str()));
            chain = chain.iter().flat_map(|func| survey.callers(*func).unwrap_or_default()).copied().collect();
        }
        let sources: Vec<&Source> = self.workspace.sources.iter().collect();
        let spoken = sources.par_iter().flat_map_iter(|source| {
            let words = source.text.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.filter_map(|word| Some((*names.get(word)?, source.path.as_str())))
        });
        let mut mentions: FxHashMap<&str, FxHashMap<&str, usize>> = FxHashMap::default();
        for (name, path) in spoken.collect::<Vec<_>>() {
            *mentions.entry(name).or_default().entry(path).or_default() += 1;
        }
        mentions
    }

    fn is_idle(&self, at: FuncRef, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let (unit, func) = (self.model.program.unit(at.unit), self.model.program.func(at));
        let is_plain = match func.kind {
            FuncKind::Declared => true,
            // The methods of what is extended or implemented are called by who knows that.
            FuncKind::Method(class) => {
                let class = &unit.classes[class.index()];
                class.implements.is_empty() && class.extends.is_none()
            }
            _ => false,
        };
        let callers = self.model.survey.callers(at);
        let (Some(callers), true) = (callers, is_plain && Survey::is_telling(&func.name)) else { return false };
        // Its own name, and those of calls by functions that nobody calls themselves.
        let own_calls = callers.iter().filter(|caller| caller.unit == at.unit).count();
        let from: Vec<&str> = callers.iter().map(|caller| self.model.program.unit(caller.unit).path.as_str()).collect();
        let is_unsaid = self.mentions.as_ref().is_none_or(|mentions| {
            let mut files = mentions.get(func.name.as_str()).into_iter().flatten();
            files.all(|(path, count)| match *path == unit.path {
                true => *count == 1 + own_calls,
                false => from.contains(path),
            })
        });
        is_unsaid
            && callers.iter().all(|caller| self.is_idle(*caller, depth))
            && (!callers.is_empty() || self.is_among_called(at))
            && !self.is_marked(at)
    }

    /// Whether others of its file are called from elsewhere, and, of a library, by a program.
    fn is_among_called(&self, at: FuncRef) -> bool {
        let is_called = |func: FuncRef| {
            let name = &self.model.program.func(func).name;
            let callers = self.model.survey.callers(func).unwrap_or_default();
            Survey::is_telling(name) && callers.iter().any(|caller| caller.unit != at.unit)
        };
        let is_of_program = match self.model.program.unit(at.unit).language {
            Language::TypeScript => true,
            Language::Rust => self.programs.iter().any(|main| self.model.program.may_reach(*main, at.unit)),
        };
        is_of_program && self.model.program.functions(at.unit).any(is_called)
    }

    /// Whether something stands in front of it that may hand it to somebody: a decorator, an attribute.
    fn is_marked(&self, at: FuncRef) -> bool {
        let path = &self.model.program.unit(at.unit).path;
        let start = self.model.program.func(at).span.start as usize;
        let Some(before) = self.workspace.sources.get(path).and_then(|source| source.text.get(..start)) else {
            return true;
        };
        // What is left of the line it starts in are its modifiers.
        let above = before.rsplit_once('\n').map_or("", |(above, _)| above);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_comment = |line: &str| ["//", "/*", "*"].iter().any(|start| line.starts_with(start));
        let mut lines = above.lines().rev().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
        let last = lines.find(|line| {
            let attribute =
                line.strip_prefix("#[").map(|inner| inner.split(['(', ']', ' ']).next().unwrap_or_default());
            attribute.is_none_or(|name| !PLAIN.contains(&name))
        });
        line.contains('@') || last.is_some_and(|line| line.starts_with(['@', '#']) || line.ends_with([')', ']']))
    }
}

/// The units in which Rust programs start.
fn programs(program: &Program) -> Vec<UnitId> {
    let is_main = |unit: UnitId| {
        program.functions(unit).any(|at| {
            let func = program.func(at);
            func.name == "main" && func.kind == FuncKind::Declared
        })
    };
    let is_shown = |path: &str| path.split('/').any(|part| matches!(part, "examples" | "benches" | "tests"));
    let rust = program.units().filter(|(_, unit)| unit.language == Language::Rust && !is_shown(&unit.path));
    rust.map(|(id, _)| id).filter(|id| is_main(*id)).collect()
}
