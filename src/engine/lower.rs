//! Which files are parsed: those that may hold a part of a window.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::Workspace;
use crate::frontend;
use crate::ir::{Language, Unit};
use crate::library::Registry;
use crate::link::{FileId, Modules};
use crate::model::Survey;
use crate::source::{Prefilter, Source};

/// Where further files are looked for, from those that are known.
#[derive(Clone, Copy)]
enum Wave {
    /// Among those that import one of them.
    Importing,
    /// Among those that one of them imports.
    Imported,
}

/// A function that acts is called by a service, which a controller calls; and what they call may read.
const WAVES: [Wave; 4] = [Wave::Importing, Wave::Importing, Wave::Imported, Wave::Imported];

impl Workspace {
    /// Lowers the files that may matter: those that hold a library's words, those that import one of them, and what these
    /// import. A part of a window may lie in any of them.
    pub(super) fn lower(&self, registry: &Registry, modules: &Modules) -> Vec<Unit> {
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
        let named = naming(&sources, &units);
        for wave in WAVES {
            let wanted: BTreeSet<usize> = match wave {
                Wave::Importing => {
                    importing(&sources, &units, modules).into_iter().chain(named.iter().copied()).collect()
                }
                Wave::Imported => imported(&sources, &units, modules).into_iter().collect(),
            };
            let more: Vec<(usize, Option<Unit>)> = wanted.into_par_iter().map(|at| (at, lower(at))).collect();
            for (at, unit) in more {
                units[at] = unit;
            }
        }
        units.into_iter().flatten().collect()
    }
}

/// The places in `sources` of files that lowered units import and that are not lowered yet.
fn imported(sources: &[&Source], units: &[Option<Unit>], modules: &Modules) -> Vec<usize> {
    let imports = |(at, unit): (usize, &Option<Unit>)| {
        let named: Vec<FileId> = match unit.as_ref().map(|unit| unit.language) {
            None => Vec::new(),
            Some(Language::TypeScript) => {
                let names = unit.iter().flat_map(Unit::modules);
                names.filter_map(|name| modules.resolve(&sources[at].path, name)).collect()
            }
            // A path may stand anywhere in the code.
            Some(Language::Rust) => modules.named(&sources[at].path, &sources[at].text),
        };
        named.into_iter().map(|FileId(file)| file as usize).filter(|file| units[*file].is_none())
    };
    let mut wanted: Vec<usize> = units.par_iter().enumerate().flat_map_iter(imports).collect();
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
            if units[at].is_some() || runs_in_browsers(source) {
                return Vec::new();
            }
            modules.named(&source.path, &source.text).into_iter().map(|FileId(file)| file as usize).collect()
        })
        .collect();
    let mut wanted: Vec<bool> = units.iter().map(Option::is_some).collect();
    let hits = |wanted: &[bool], at: usize| imports[at].iter().any(|file| wanted[*file]);
    for _ in 0..BARRELS {
        let passing: Vec<usize> =
            (0..sources.len()).filter(|at| !wanted[*at] && passes_on(sources[*at]) && hits(&wanted, *at)).collect();
        for at in passing {
            wanted[at] = true;
        }
    }
    (0..sources.len()).filter(|at| units[*at].is_none() && (wanted[*at] || hits(&wanted, *at))).collect()
}

/// The places in `sources` of files that are not lowered yet and call a method by a name that one function of the lowered
/// ones has, and only one: they may reach it without importing anything.
fn naming(sources: &[&Source], units: &[Option<Unit>]) -> Vec<usize> {
    let mut named: FxHashMap<&str, usize> = FxHashMap::default();
    for func in units.iter().flatten().flat_map(|unit| &unit.functions) {
        if Survey::is_telling(&func.name) {
            *named.entry(&func.name).or_default() += 1;
        }
    }
    let mut needles: Vec<String> =
        named.into_iter().filter(|(_, count)| *count == 1).map(|(name, _)| format!(".{name}(")).collect();
    needles.sort();
    if needles.is_empty() {
        return Vec::new();
    }
    let calls = Prefilter::new(&needles.iter().map(String::as_str).collect::<Vec<_>>());
    let may = |at: usize| units[at].is_none() && calls.hits(&sources[at].text) && !runs_in_browsers(sources[at]);
    (0..sources.len()).into_par_iter().filter(|at| may(*at)).collect()
}

/// How many files that pass names on may stand behind one another.
const BARRELS: usize = 3;

/// Whether a file draws a part of a page and does nothing else: it says in its first lines that it is for browsers, or has
/// markup and none of the functions that frameworks run on a server.
fn runs_in_browsers(source: &Source) -> bool {
    let text = source.text.as_str();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let says_so =
        lines.next().is_some_and(|line| line.starts_with("\"use client\"") || line.starts_with("'use client'"));
    let has_markup = source.path.ends_with(".tsx") || source.path.ends_with(".jsx");
    says_so || has_markup && !SERVED.iter().any(|word| text.contains(word))
}

/// Words of files with markup that hold functions which run on a server.
const SERVED: [&str; 7] = [
    "use server",
    "async function",
    "getServerSideProps",
    "getStaticProps",
    "ActionFunction",
    "LoaderFunction",
    "async (",
];

/// Whether a file passes names of other files on, and of TypeScript does little else.
fn passes_on(source: &Source) -> bool {
    let text = source.text.as_str();
    if source.path.ends_with(".rs") {
        return text.contains("pub use ");
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let (mut passing, mut all) = (0, 0);
    for line in lines.by_ref().take(40) {
        all += 1;
        passing += usize::from(line.starts_with("export") && line.contains(" from "));
    }
    passing > 0 && passing * 2 >= all
}
