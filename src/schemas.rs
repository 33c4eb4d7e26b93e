//! The schemas of a project, and which file talks to which.

use crate::finding::Problem;
use crate::schema::discover::{self, Candidate, Schemas};
use crate::schema::{Schema, migrations, prisma};
use crate::source::Sources;

/// The schemas of a project.
#[derive(Debug, Default)]
pub struct Found {
    /// All schemas.
    pub schemas: Vec<Schema>,
    groups: Schemas,
}

impl Found {
    /// The schema that a source file talks to.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<usize> {
        self.groups.ranked(path).first().copied()
    }
}

/// Reads the schema files among `files`: models from schemas, and from migrations the unique keys that models cannot say.
#[must_use]
pub fn read(files: &Sources) -> (Found, Vec<Problem>) {
    let candidates: Vec<Candidate<'_>> = files
        .iter()
        .filter(|file| file.path.ends_with(".prisma") || file.path.ends_with(".sql"))
        .map(|file| Candidate {
            path: &file.path,
            head: file.path.ends_with(".prisma") && prisma::has_datasource(&file.text),
        })
        .collect();
    let groups = discover::find(&candidates);
    let mut problems = Vec::new();
    let mut schemas = Vec::new();
    for group in &groups.groups {
        let text = |path: &String| files.get(path).map_or("", |file| file.text.as_str());
        let mut schema = Schema::merge(group.prisma.iter().map(|path| prisma::read(path, text(path))));
        let mut migrated = Schema { engine: schema.engine, ..Schema::default() };
        for path in &group.migrations {
            migrations::read(path, text(path), &mut migrated);
        }
        if group.prisma.is_empty() {
            schema = migrated;
        } else {
            schema.add_keys_from(&migrated);
        }
        problems.extend(schema.problems.iter().map(|problem| Problem {
            path: problem.path.clone(),
            span: Some(problem.span),
            message: problem.message.clone(),
        }));
        schemas.push(schema);
    }
    (Found { schemas, groups }, problems)
}
