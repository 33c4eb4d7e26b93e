//! From paths to sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use rayon::prelude::*;

use super::read::{read_text, reason};
use super::root::relative;
use super::skip::{self, Skip};
use super::{Source, Sources};
use crate::finding::Problem;
use crate::glob::Globs;

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The project root, absolute and without links.
    pub root: PathBuf,
    /// What the user named: absolute, without links, inside the root. Findings are reported only there; empty: everywhere.
    pub report_paths: Vec<PathBuf>,
    /// If not empty, only files that it matches belong to the project.
    pub include: Globs,
    /// Files that it matches do not belong to the project, not even when they are named.
    pub exclude: Globs,
    /// Whether tests, seeds and migrations belong to the project.
    pub include_tests: bool,
    /// Folders that generators write, relative to the root.
    pub generated: Vec<String>,
    /// Texts that stand in for what is on disk, by path relative to the root: an editor's unsaved buffers.
    pub overlay: BTreeMap<String, String>,
}

/// What was loaded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The project's sources.
    pub sources: Sources,
    /// Files and folders that could not be read, sorted.
    pub problems: Vec<Problem>,
    /// What became of named paths that brought in nothing.
    pub notes: Vec<Note>,
}

/// Why a named path brought in nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A named file was left out.
    Skipped(String, Skip),
    /// No source lies in a named folder.
    Empty(String),
}

impl Request {
    /// Why a file does not belong to the project, if so.
    fn skips(&self, path: &str) -> Option<Skip> {
        skip::file(path, self.include_tests, &self.generated).or_else(|| {
            if self.exclude.matches(path) {
                Some(Skip::Excluded)
            } else if !self.include.is_empty() && !self.include.matches(path) {
                Some(Skip::NotIncluded)
            } else {
                None
            }
        })
    }

    /// Whether a folder is worth entering.
    fn enters(&self, entry: &DirEntry) -> bool {
        if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
            return true;
        }
        relative(entry.path(), &self.root).is_none_or(|path| {
            skip::folder(&path, self.include_tests, &self.generated).is_none()
                && !self.exclude.matches(&path)
                && !skip::is_cache(entry.path())
        })
    }
}

/// Finds and reads the project's sources.
#[must_use]
pub fn load(request: &Request) -> Loaded {
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    let mut files = BTreeMap::new();
    walk(request, &request.root, &mut files, &mut problems);
    for path in request.overlay.keys().filter(|path| request.skips(path).is_none()) {
        files.entry(path.clone()).or_insert_with(|| request.root.join(path));
    }
    let named: Vec<Named> = request.report_paths.iter().filter_map(|path| Named::new(path, request)).collect();
    for name in &named {
        add_named(request, name, &mut files, &mut problems, &mut notes);
    }

    let read: Vec<Read> = files.par_iter().map(|(path, file)| read_source(request, path, file, &named)).collect();
    let mut sources = Vec::new();
    let mut skipped = BTreeMap::new();
    for (path, outcome) in files.keys().zip(read) {
        match outcome {
            Read::Source(source) => sources.push(source),
            Read::Skipped(skip) => _ = skipped.insert(path.as_str(), skip),
            Read::Problem(problem) => problems.push(problem),
        }
    }
    let sources = Sources::new(sources);
    for name in &named {
        note_missing(name, &sources, &skipped, &problems, &mut notes);
    }
    // A file outside of what was named is read for its callers' sake: that it is unreadable matters to them, too.
    problems.sort();
    problems.dedup();
    notes.sort();
    notes.dedup();
    Loaded { sources, problems, notes }
}

/// A path the user named.
struct Named {
    /// Relative to the root, empty for the root itself.
    path: String,
    file: PathBuf,
    is_folder: bool,
}

impl Named {
    fn new(file: &Path, request: &Request) -> Option<Self> {
        let path = relative(file, &request.root)?;
        let is_folder = file.is_dir();
        Some(Self { path, file: file.to_path_buf(), is_folder })
    }

    fn covers(&self, path: &str) -> bool {
        self.path.is_empty()
            || path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Adds what was named although an ignore file hides it. `exclude` and the skip lists still hold: tools that pass on every
/// changed file rely on that.
fn add_named(
    request: &Request,
    named: &Named,
    files: &mut BTreeMap<String, PathBuf>,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<Note>,
) {
    if files.range(named.path.clone()..).next().is_some_and(|(path, _)| named.covers(path)) {
        return;
    }
    if named.is_folder {
        walk(request, &named.file, files, problems);
    } else if let Some(skip) = request.skips(&named.path) {
        notes.push(Note::Skipped(named.path.clone(), skip));
    } else {
        files.insert(named.path.clone(), named.file.clone());
    }
}

/// Says that a named path brought in nothing, unless that has been said.
fn note_missing(
    named: &Named,
    sources: &Sources,
    skipped: &BTreeMap<&str, Skip>,
    problems: &[Problem],
    notes: &mut Vec<Note>,
) {
    let found = sources.iter().any(|source| named.covers(&source.path));
    if found || problems.iter().any(|problem| named.covers(&problem.path)) {
        return;
    }
    if named.is_folder {
        notes.push(Note::Empty(named.path.clone()));
    } else if let Some(skip) = skipped.get(named.path.as_str()) {
        notes.push(Note::Skipped(named.path.clone(), *skip));
    }
}

/// Collects the source files below `start`.
fn walk(request: &Request, start: &Path, files: &mut BTreeMap<String, PathBuf>, problems: &mut Vec<Problem>) {
    let in_repository = start.ancestors().any(|folder| folder.join(".git").exists());
    let filter = request.clone_filters();
    let entries = WalkBuilder::new(start)
        .require_git(false)
        .git_global(false)
        .parents(in_repository)
        .filter_entry(move |entry| filter.enters(entry))
        .build();
    for entry in entries {
        match entry {
            Ok(entry) => {
                let Some(path) = relative(entry.path(), &request.root) else { continue };
                if entry.file_type().is_some_and(|kind| kind.is_file()) && request.skips(&path).is_none() {
                    files.insert(path, entry.into_path());
                }
            }
            Err(error) => problems.extend(walk_problem(&error, &request.root)),
        }
    }
}

impl Request {
    /// The part that the walk's filter owns.
    fn clone_filters(&self) -> Self {
        Self { overlay: BTreeMap::new(), report_paths: Vec::new(), ..self.clone() }
    }
}

/// A file or folder that the walk could not enter. Errors without a path are about ignore files and harmless.
fn walk_problem(error: &ignore::Error, root: &Path) -> Option<Problem> {
    let mut inner = error;
    let mut file: Option<&Path> = None;
    loop {
        match inner {
            ignore::Error::WithPath { path, err } => {
                file = Some(path);
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
            ignore::Error::Io(error) => {
                let path = relative(file?, root)?;
                return Some(Problem { path, span: None, message: format!("cannot be read: {}", reason(error)) });
            }
            _ => return None,
        }
    }
}

/// What became of a file.
enum Read {
    Source(Source),
    /// Its text says that nobody wrote it by hand.
    Skipped(Skip),
    Problem(Problem),
}

fn read_source(request: &Request, path: &str, file: &Path, named: &[Named]) -> Read {
    let text = match request.overlay.get(path).cloned().map_or_else(|| read_text(file, path), Ok) {
        Ok(text) => text,
        Err(problem) => return Read::Problem(problem),
    };
    let mut source = Source::new(path, text);
    if let Some(skip) = skip::text(path, &source.text) {
        return Read::Skipped(skip);
    }
    source.reported = named.is_empty() || named.iter().any(|name| name.covers(path));
    Read::Source(source)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    use super::{Loaded, Note, Request, load};
    use crate::glob::Globs;
    use crate::source::{Skip, list_beside};

    struct Project {
        _dir: tempfile::TempDir,
        request: Request,
    }

    fn project(files: &[(&str, &str)]) -> Project {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("a path");
        for (path, text) in files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
            fs::write(file, text).expect("a file");
        }
        Project { _dir: dir, request: Request { root, ..Request::default() } }
    }

    impl Project {
        fn name(mut self, paths: &[&str]) -> Self {
            self.request.report_paths = paths.iter().map(|path| self.request.root.join(path)).collect::<Vec<PathBuf>>();
            self
        }
    }

    /// The paths read; those that are only read, not reported, in parentheses.
    fn paths(loaded: &Loaded) -> Vec<String> {
        let show = |path: &str, reported| if reported { path.to_owned() } else { format!("({path})") };
        loaded.sources.iter().map(|source| show(&source.path, source.reported)).collect()
    }

    #[test]
    fn the_project_is_read_and_what_is_named_is_reported() {
        let project = project(&[("a.ts", ""), ("src/b.tsx", ""), ("src2/c.ts", ""), ("lib/d.mjs", "")]);
        assert_eq!(paths(&load(&project.request)), ["a.ts", "lib/d.mjs", "src/b.tsx", "src2/c.ts"]);
        let project = project.name(&["src", "a.ts"]);
        assert_eq!(paths(&load(&project.request)), ["a.ts", "(lib/d.mjs)", "src/b.tsx", "(src2/c.ts)"]);
    }

    #[test]
    fn exclude_wins_over_names_and_include_bounds_the_project() {
        let project =
            project(&[("a.ts", ""), ("src/b.ts", ""), ("src/old/c.ts", "")]).name(&["a.ts", "src/old/c.ts", "src"]);
        let mut request = project.request.clone();
        request.include = Globs::new(&["src"]).expect("globs");
        request.exclude = Globs::new(&["src/old"]).expect("globs");
        let loaded = load(&request);
        assert_eq!(paths(&loaded), ["src/b.ts"]);
        let skipped = |path: &str, why| Note::Skipped(path.to_owned(), why);
        assert_eq!(loaded.notes, [skipped("a.ts", Skip::NotIncluded), skipped("src/old/c.ts", Skip::Excluded)]);
    }

    #[test]
    fn an_editor_replaces_and_adds_texts() {
        let project = project(&[("a.ts", "old"), ("b.ts", "b")]);
        let mut request = project.request.clone();
        let texts = [("a.ts", "new"), ("src/unsaved.ts", "c"), ("notes.md", "")];
        request.overlay =
            texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into_iter().collect::<BTreeMap<_, _>>();
        let loaded = load(&request);
        assert_eq!(paths(&loaded), ["a.ts", "b.ts", "src/unsaved.ts"]);
        assert_eq!(loaded.sources.get("a.ts").map(|source| source.text.as_str()), Some("new"));
    }

    #[test]
    fn ignore_files_do_not_hide_schemas() {
        let project = project(&[
            (".gitignore", "*.prisma\n/db\n"),
            ("prisma/schema.prisma", "model A {}"),
            ("prisma/migrations/2_b/migration.sql", "two"),
            ("prisma/migrations/1_a/migration.sql", "one"),
            ("db/migrations/deep/3.sql", "three"),
            ("db/query.sql", ""),
            ("node_modules/x/schema.prisma", ""),
            ("src/generated/prisma/schema.prisma", ""),
        ]);
        let schema = list_beside(&project.request.root);
        let names = |files: &[(String, String)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&schema.prisma), ["prisma/schema.prisma"]);
        let migrations =
            ["db/migrations/deep/3.sql", "prisma/migrations/1_a/migration.sql", "prisma/migrations/2_b/migration.sql"];
        assert_eq!(names(&schema.migrations), migrations);
    }
}
