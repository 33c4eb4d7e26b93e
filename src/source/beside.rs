//! The files beside the sources: Prisma schemas and migrations, which say what the database guarantees, and the manifests
//! that say what module names mean. Ignore files do not hide them, as projects often keep them out of sight of other tools.

use std::path::Path;

use walkdir::WalkDir;

use super::read::read_text;
use super::root::relative;
use super::skip::{self, Skip};
use crate::finding::Problem;

/// The files beside a project's sources, each kind sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// `*.prisma`: path and text.
    pub prisma: Vec<(String, String)>,
    /// What makes a schema: `*.sql` and `*.rs` anywhere below a folder of migrations, and dumps. Path and text; their order is
    /// that in which they run.
    pub migrations: Vec<(String, String)>,
    /// `package.json`, `tsconfig*.json`, `jsconfig*.json`, `Cargo.toml`, and examples of the environment: path and text.
    pub manifests: Vec<(String, String)>,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
}

/// Finds and reads the files beside the sources below `root`.
#[must_use]
pub fn list_beside(root: &Path) -> Beside {
    let mut found = Beside::default();
    let entered = |entry: &walkdir::DirEntry| {
        let is_folder = entry.depth() > 0 && entry.file_type().is_dir();
        let skip = relative(entry.path(), root).and_then(|path| skip::folder(&path, true, &[]));
        !is_folder || !matches!(skip, Some(Skip::Output | Skip::Generated)) && !skip::is_cache(entry.path())
    };
    let entries = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(entered);
    // A folder that cannot be read is a problem of the walk over the sources, which meets it as well.
    for entry in entries.flatten() {
        let Some(path) = relative(entry.path(), root).filter(|_| entry.file_type().is_file()) else { continue };
        let into = if has_extension(&path, "prisma") {
            &mut found.prisma
        } else if is_migration(&path) {
            &mut found.migrations
        } else if is_manifest(&path) {
            &mut found.manifests
        } else {
            continue;
        };
        match read_text(entry.path(), &path) {
            Ok(text) => into.push((path, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
            Err(problem) => found.problems.push(problem),
        }
    }
    found.prisma.sort();
    found.migrations.sort();
    found.manifests.sort();
    found
}

impl Beside {
    /// Reads further manifests, by their paths below `root`. Those that are not there are left out.
    pub fn read_manifests(&mut self, root: &Path, paths: &[String]) {
        read_further(root, paths, &mut self.manifests, &mut self.problems);
    }

    /// Reads files of SQL that sources take in, by their paths below `root`. Those that are not there are left out.
    pub fn read_included(&mut self, root: &Path, paths: &[String]) {
        let known = |path: &&String| !self.migrations.iter().any(|(known, _)| known == *path);
        let further: Vec<String> = paths.iter().filter(known).cloned().collect();
        read_further(root, &further, &mut self.migrations, &mut self.problems);
    }
}

fn read_further(root: &Path, paths: &[String], into: &mut Vec<(String, String)>, problems: &mut Vec<Problem>) {
    for path in paths {
        let file = root.join(path);
        if !file.is_file() {
            continue;
        }
        match read_text(&file, path) {
            Ok(text) => into.push((path.clone(), text)),
            Err(problem) => problems.push(problem),
        }
    }
    into.sort();
}

/// Whether a file makes a schema: it lies below a folder of migrations, or is a dump.
fn is_migration(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let code = has_extension(path, "sql") || has_extension(path, "rs");
    matches!(name, "schema.sql" | "structure.sql")
        || code && parts.any(|folder| folder == "migration" || folder.ends_with("migrations"))
}

fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let configures = name.starts_with("tsconfig") || name.starts_with("jsconfig");
    let environment = matches!(name, ".env.example" | ".env.sample" | ".env.template" | ".env.dist");
    matches!(name, "package.json" | "Cargo.toml") || environment || configures && has_extension(name, "json")
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
}
