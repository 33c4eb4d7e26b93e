//! The engine: one [`Workspace`] holds a project and answers every question about it, for the command line and for
//! editors alike.

use crate::config::Config;
use crate::finding::{Finding, Problem, Stats};
use crate::select;
use crate::source::{Source, Sources};

/// A project: its settings, sources and schema.
#[derive(Debug)]
pub struct Workspace {
    config: Config,
    sources: Sources,
    schema: Sources,
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
    /// A project. `schema_files` are Prisma schemas and migrations, in the order in which migrations run.
    #[must_use]
    pub fn new(config: Config, sources: Sources, schema_files: Vec<(String, String)>) -> Self {
        let schema = schema_files.into_iter().map(|(path, text)| Source::new(path, text)).collect();
        Self { config, sources, schema }
    }

    /// The sources.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Prisma schemas and migrations.
    #[must_use]
    pub fn schema(&self) -> &Sources {
        &self.schema
    }

    /// Finds the races.
    #[must_use]
    pub fn check(&self) -> (Vec<Finding>, Vec<Problem>, Stats) {
        let told = select::tell(Vec::new(), Vec::new(), &self.config, &self.sources);
        let stats = Stats {
            files: self.sources.reported(),
            project_files: self.sources.len(),
            suppressed: told.suppressed,
            ..Stats::default()
        };
        (told.findings, Vec::new(), stats)
    }

    /// Prints an inner form of a file; `None` where there is none.
    #[must_use]
    pub fn dump(&self, _what: Dump, _path: &str) -> Option<String> {
        None
    }
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
