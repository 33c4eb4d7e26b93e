//! From paths and flags to a loaded project.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Environment, Failure};
use crate::config::{self, Config, Flags};
use crate::engine::{Workspace, generated_folders, included_sql, missing_manifests};
use crate::finding::Problem;
use crate::rules;
use crate::source::{Note, Paths, Request, Source, config_file, list_beside, load, project_root, read_text, relative};

/// Which settings file is used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Settings<'a> {
    /// The nearest one.
    Nearest,
    /// This one.
    File(&'a Path),
    /// None.
    None,
}

/// A project that has been read.
pub(super) struct Project {
    pub(super) workspace: Workspace,
    pub(super) config: Config,
    pub(super) paths: Paths,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<Note>,
    /// The project root.
    pub(super) root: PathBuf,
    /// The settings file, as it is shown.
    pub(super) settings: Option<String>,
    /// The named paths, relative to the root.
    pub(super) named: Vec<String>,
}

impl Project {
    /// Reads the project that `paths` lie in.
    pub(super) fn open(
        paths: &[PathBuf],
        settings: Settings<'_>,
        flags: &Flags,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let here = environment.working_directory.clone();
        let here = here.map_err(|error| Failure(format!("there is no working directory: {error}")))?;
        let here = here.canonicalize().unwrap_or(here);
        let named = paths.iter().map(|path| existing(path, &here)).collect::<Result<Vec<_>, _>>()?;
        let start = named.first().unwrap_or(&here);
        let root = project_root(start, &here);
        let shown = Paths::new(&root, &here);

        let file = match settings {
            Settings::Nearest => config_file(start),
            Settings::File(file) => Some(existing(file, &here)?),
            Settings::None => None,
        };
        let file = file.map(|file| {
            let name = match (settings, relative(&file, &root)) {
                (Settings::File(name), _) => name.display().to_string(),
                (_, Some(path)) => shown.show(&path),
                (_, None) => file.display().to_string(),
            };
            (file, name)
        });
        let pointed = file.as_ref().map(|(file, name)| (file.as_path(), name.as_str()));
        let config = config::load(pointed, flags, &rules::known()).map_err(|error| Failure(error.to_string()))?;

        let mut named_below = Vec::new();
        for (path, written) in named.iter().zip(paths) {
            let Some(below) = relative(path, &root) else {
                let (written, root) = (written.display(), root.display());
                return Err(Failure(format!(
                    "`{written}` lies outside of the project at `{root}`; check each project in a run of its own"
                )));
            };
            named_below.push(below);
        }
        let mut beside = list_beside(&root);
        beside.read_manifests(&root, &missing_manifests(&beside.manifests));
        let loaded = load(&Request {
            root: root.clone(),
            report_paths: named,
            include: config.include.clone(),
            exclude: config.exclude.clone(),
            include_tests: config.include_tests,
            generated: generated_folders(&beside.prisma),
            ..Request::default()
        });
        beside.read_included(&root, &included_sql(&loaded.sources));
        let mut problems = loaded.problems;
        problems.extend(beside.problems);
        let files = beside.prisma.into_iter().chain(beside.migrations).chain(beside.manifests).collect();
        let further = libraries(&config, &root)?;
        let workspace = Workspace::new(config.clone(), loaded.sources, files)
            .with_libraries(&further)
            .map_err(|problems| faults(problems, &further))?;
        let settings = file.map(|(_, name)| name);
        Ok(Self { workspace, config, paths: shown, problems, notes: loaded.notes, root, settings, named: named_below })
    }

    /// Says aloud which named paths brought in nothing.
    pub(super) fn tell_notes(&self, err: &mut dyn Write) -> std::io::Result<()> {
        let shown = |path: &str| {
            let shown = self.paths.show(path);
            if shown.is_empty() { ".".to_owned() } else { shown.trim_end_matches('/').to_owned() }
        };
        for note in &self.notes {
            match note {
                Note::Skipped(path, why) => writeln!(err, "note: `{}` is left out: {why}", shown(path))?,
                Note::Empty(path) => writeln!(err, "note: no file matched `{}`", shown(path))?,
            }
        }
        Ok(())
    }
}

/// The texts of the libraries that the settings name, which lie relative to the project's root.
fn libraries(config: &Config, root: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = |name: &String| {
        let text = read_text(&root.join(name), name);
        text.map_err(|problem| Failure(format!("{name}: {}", problem.message))).map(|text| (name.clone(), text))
    };
    config.libraries.iter().map(text).collect()
}

/// Faults of library files, each with its place.
fn faults(problems: Vec<Problem>, files: &[(String, String)]) -> Failure {
    let lines = problems.into_iter().map(|problem| {
        let text = files.iter().find(|(name, _)| *name == problem.path).map_or("", |(_, text)| text.as_str());
        let at = Source::new(problem.path.as_str(), text).position(problem.span.map_or(0, |span| span.start));
        format!("{}:{}:{}: {}", problem.path, at.line, at.column, problem.message)
    });
    Failure(lines.collect::<Vec<_>>().join("\n"))
}

/// The path without links, if it is there.
fn existing(path: &Path, here: &Path) -> Result<PathBuf, Failure> {
    here.join(path).canonicalize().map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
            _ => error.to_string(),
        };
        Failure(format!("`{}`: {why}", path.display()))
    })
}
