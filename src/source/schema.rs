//! The files that say what the database guarantees: Prisma schemas and migrations. Ignore files do not hide them, as
//! projects often keep them out of sight of other tools.

use std::path::Path;

use walkdir::WalkDir;

use super::read::read_text;
use super::root::relative;
use super::skip::{self, Skip};
use crate::finding::Problem;

/// The schema files of a project, each kind sorted by path.
#[derive(Clone, Debug, Default)]
pub struct SchemaFiles {
    /// `*.prisma`: path and text.
    pub prisma: Vec<(String, String)>,
    /// `*.sql` anywhere below a folder `migrations`: path and text. Their order is that in which they run.
    pub migrations: Vec<(String, String)>,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
}

/// Finds and reads the schema files below `root`.
#[must_use]
pub fn list_schema(root: &Path) -> SchemaFiles {
    let mut found = SchemaFiles::default();
    let entered = |entry: &walkdir::DirEntry| {
        let is_folder = entry.depth() > 0 && entry.file_type().is_dir();
        let skip = relative(entry.path(), root).and_then(|path| skip::folder(&path, true, &[]));
        !is_folder || !matches!(skip, Some(Skip::Output | Skip::Generated))
    };
    let entries = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(entered);
    // A folder that cannot be read is a problem of the walk over the sources, which meets it as well.
    for entry in entries.flatten() {
        let Some(path) = relative(entry.path(), root).filter(|_| entry.file_type().is_file()) else { continue };
        let into = if has_extension(&path, "prisma") {
            &mut found.prisma
        } else if has_extension(&path, "sql") && path.rsplit('/').skip(1).any(|folder| folder == "migrations") {
            &mut found.migrations
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
    found
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
}
