//! The schemas of a project, and which file talks to which.

use crate::finding::Problem;
use crate::schema::{self, Schema};
use crate::source::Sources;

/// The schemas of a project.
#[derive(Debug, Default)]
pub struct Found {
    /// All schemas.
    pub schemas: Vec<Schema>,
    /// The folder of each.
    folders: Vec<String>,
}

impl Found {
    /// The schema that a source file talks to: the one whose package lies nearest above it.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<usize> {
        let shared = |folder: &str| {
            let a = folder.split('/').filter(|p| !p.is_empty());
            let b = path.split('/');
            a.zip(b).take_while(|(a, b)| a == b).count()
        };
        (0..self.schemas.len()).max_by_key(|at| (shared(&self.folders[*at]), std::cmp::Reverse(*at)))
    }
}

/// Reads schema files.
#[must_use]
pub fn read(files: &Sources) -> (Found, Vec<Problem>) {
    let mut found = Found::default();
    let prisma: Vec<_> = files.iter().filter(|f| f.path.ends_with(".prisma")).collect();
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(f, _)| f.to_owned());
    for head in prisma.iter().filter(|f| schema::prisma::has_datasource(&f.text)) {
        let home = folder(&head.path);
        let parts = prisma.iter().filter(|f| {
            f.path == head.path || folder(&f.path).starts_with(&home) && !schema::prisma::has_datasource(&f.text)
        });
        let merged = Schema::merge(parts.map(|f| schema::prisma::read(&f.path, &f.text)));
        found.schemas.push(merged);
        found.folders.push(home);
    }
    (found, Vec::new())
}
