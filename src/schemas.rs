//! The schemas of a project, and which file talks to which.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::finding::Problem;
use crate::link::join;
use crate::schema::clues::{self, Clues};
use crate::schema::discover::{self, Candidate, Schemas};
use crate::schema::{Engine, Schema, migrations, prisma, rust};
use crate::source::{Prefilter, Source, Sources};

/// The schemas of a project.
#[derive(Debug, Default)]
pub struct Found {
    /// All schemas.
    pub schemas: Vec<Schema>,
    groups: Schemas,
}

/// How many times more tables the project's schema has than one that is no more than an aside.
const ASIDE: usize = 8;

impl Found {
    /// The schema that a source file talks to.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<usize> {
        let says = |at: &usize| !self.schemas[*at].entities.is_empty() || !self.groups.groups[*at].prisma.is_empty();
        let ranked: Vec<usize> = self.groups.ranked(path).into_iter().filter(says).collect();
        let tables = |at: usize| self.schemas[at].entities.len();
        let most = ranked.iter().map(|at| tables(*at)).max().unwrap_or_default();
        // A few tables that a crate makes for itself do not stand for the database of the whole project.
        let is_aside = |at: usize| self.groups.groups[at].is_spelled_out() && tables(at) * ASIDE < most;
        let best = ranked.iter().find(|at| !is_aside(**at)).or(ranked.first()).copied()?;
        Some(self.among_twins(best, &ranked))
    }

    /// Of the schemas for several servers that lie in one folder, none called `schema.prisma`, the one that is judged by:
    /// PostgreSQL's, where there is one.
    fn among_twins(&self, best: usize, ranked: &[usize]) -> usize {
        let group = |at: usize| &self.groups.groups[at];
        if !group(best).is_one_of_several() {
            return best;
        }
        let is_twin = |at: usize| group(at).is_one_of_several() && group(at).folder == group(best).folder;
        let of_postgres = |at: usize| self.schemas[at].engine == Some(Engine::Postgres);
        ranked.iter().copied().find(|at| is_twin(*at) && of_postgres(*at)).unwrap_or(best)
    }
}

/// Reads what there is of schemas: schema files and migrations among the files `beside` the sources, and what the sources
/// themselves spell out. Models come from schemas, and from migrations the unique keys that models cannot say.
#[must_use]
pub fn read(beside: &Sources, sources: &Sources) -> (Found, Vec<Problem>) {
    let is_prisma = |file: &Source| file.path.ends_with(".prisma");
    let is_other = |file: &Source| is_prisma(file) && !prisma::is_schema(&file.text);
    let candidates: Vec<Candidate<'_>> = beside
        .iter()
        .filter(|file| discover::is_relevant(&file.path) && !is_other(file))
        .map(|file| {
            let is_prisma = is_prisma(file);
            let head = is_prisma && prisma::has_datasource(&file.text);
            let outputs = if is_prisma { outputs(&file.path, &file.text) } else { Vec::new() };
            Candidate { path: &file.path, head, outputs }
        })
        .collect();
    let groups = discover::find(&candidates);
    let pieces = pieces(beside, sources);
    let clues = clues(beside, &pieces);
    let mut found = Found { schemas: Vec::new(), groups };
    for group in &found.groups.groups {
        let text = |path: &String| beside.get(path).map_or("", |file| file.text.as_str());
        let mut schema = Schema::merge(group.prisma.iter().map(|path| prisma::read(path, text(path))));
        let spelled = || group.migrations.iter().find_map(|path| clues::spelled(text(path)));
        schema.engine = schema.engine.or_else(|| engine(&clues, &group.folder, spelled));
        let mut migrated = Schema { engine: schema.engine, ..Schema::default() };
        for path in &group.migrations {
            migrations::read(path, text(path), &mut migrated);
        }
        if group.prisma.is_empty() {
            schema = migrated;
        } else {
            schema.add_keys_from(&migrated);
        }
        found.schemas.push(schema);
    }
    found.add_spelled_out(&pieces, &clues, beside);
    found.add_relied_on(sources);
    let problem = |problem: &crate::schema::Problem| Problem {
        path: problem.path.clone(),
        span: Some(problem.span),
        message: problem.message.clone(),
    };
    let mut problems: Vec<Problem> = found.schemas.iter().flat_map(|schema| &schema.problems).map(problem).collect();
    problems.extend(beside.iter().filter(|file| is_other(file)).map(|file| Problem {
        path: file.path.clone(),
        span: None,
        message: "left out: no Prisma schema, as it has no block such as `model Name {`".to_owned(),
    }));
    (found, problems)
}

/// The folders, relative to the project root, into which the generators of a Prisma schema write.
#[must_use]
pub fn outputs(path: &str, text: &str) -> Vec<String> {
    let mut folders = Vec::new();
    let mut in_generator = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("generator ") {
            in_generator = true;
        } else if line.starts_with('}') {
            in_generator = false;
        }
        let value = line.strip_prefix("output").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
        let value = value.and_then(|rest| rest.trim().strip_prefix('"')).and_then(|rest| rest.split('"').next());
        let folder = value.filter(|_| in_generator).and_then(|output| beside_file(path, output));
        // A folder that holds the schema itself is no folder of generated code alone.
        folders.extend(folder.filter(|folder| !folder.is_empty() && !path.starts_with(&format!("{folder}/"))));
    }
    folders
}

/// The engine of a schema: what the project's files tell, or else its spelling, or else the one server that it can be run
/// with. Who speaks to one engine through the driver of another gives it away by its spelling alone.
fn engine(clues: &Clues, folder: &str, spelled: impl FnOnce() -> Option<Engine>) -> Option<Engine> {
    let spelled = spelled().filter(|engine| clues.allow(*engine));
    match (clues.engine(folder), spelled) {
        (Some(Engine::Postgres) | None, Some(Engine::CockroachDb)) => Some(Engine::CockroachDb),
        (told, spelled) => told.or(spelled).or_else(|| clues.server()),
    }
}

/// The files of SQL that Rust sources take in, by their paths: to be read beside them.
#[must_use]
pub fn included(sources: &Sources) -> Vec<String> {
    let rust = sources.iter().filter(|file| file.path.ends_with(".rs"));
    let mut paths: Vec<String> =
        rust.flat_map(|file| rust::included(&file.text).filter_map(|name| beside_file(&file.path, name))).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The path of a file that another one names, seen from its own folder.
fn beside_file(file: &str, name: &str) -> Option<String> {
    join(file.rsplit_once('/').map_or("", |(folder, _)| folder), name)
}

/// The files that spell out parts of a schema, by the folder of their package, in the order in which they count.
fn pieces<'s>(beside: &'s Sources, sources: &'s Sources) -> BTreeMap<&'s str, Vec<&'s Source>> {
    let words = Prefilter::new(&rust::WORDS);
    let packages: Vec<&str> = beside
        .iter()
        .filter_map(|file| file.path.strip_suffix("Cargo.toml"))
        .map(|at| at.trim_end_matches('/'))
        .collect();
    let all: Vec<&Source> = beside.iter().chain(sources.iter()).filter(|file| file.path.ends_with(".rs")).collect();
    let hits: Vec<&Source> = all.into_par_iter().filter(|file| words.hits(&file.text)).collect();
    let mut pieces: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for file in hits {
        let holds = |package: &&&str| package.is_empty() || file.path.starts_with(&format!("{package}/"));
        let package = packages.iter().filter(holds).max_by_key(|package| package.len());
        pieces.entry(package.copied().unwrap_or_default()).or_default().push(file);
    }
    for files in pieces.values_mut() {
        files.sort_by(|a, b| discover::natural(&a.path, &b.path));
        files.dedup_by(|a, b| a.path == b.path);
    }
    pieces
}

fn clues(beside: &Sources, pieces: &BTreeMap<&str, Vec<&Source>>) -> Clues {
    let mut clues = Clues::default();
    for file in beside.iter().filter(|file| Clues::is_relevant(&file.path)) {
        clues.add(&file.path, &file.text);
    }
    for file in pieces.values().flatten() {
        clues.add_source(&file.path, &file.text);
    }
    clues
}

impl Found {
    /// Adds what sources spell out: to the schema that has most of the same tables, or else as a schema of its own.
    fn add_spelled_out(&mut self, pieces: &BTreeMap<&str, Vec<&Source>>, clues: &Clues, beside: &Sources) {
        let included = |from: &str, name: &str| {
            let file = beside.get(&beside_file(from, name)?)?;
            Some((file.path.clone(), file.text.as_str()))
        };
        for (package, files) in pieces {
            let spelled = || {
                files.iter().find_map(|file| {
                    let mut taken_in = rust::included(&file.text).filter_map(|name| included(&file.path, name));
                    clues::spelled(&file.text).or_else(|| taken_in.find_map(|(_, text)| clues::spelled(text)))
                })
            };
            let engine = engine(clues, package, spelled);
            let mut migrated = Schema { engine, ..Schema::default() };
            for file in files {
                let taken_in = |name: &str| included(&file.path, name);
                rust::migrate(&file.path, &file.text, &taken_in, engine, &mut migrated);
            }
            if let Some(schema) = self.home_of(package, &migrated) {
                schema.add_missing(migrated);
            }
        }
        // Tables as code knows them find their schema more easily once all migrations are in.
        for (package, files) in pieces {
            let mut tables = Schema::merge(files.iter().map(|file| rust::tables(&file.path, &file.text)));
            tables.engine = engine(clues, package, || None);
            if let Some(schema) = self.home_of(package, &tables) {
                schema.add_tables(tables);
            }
        }
    }

    /// Adds the unique keys that statements in Rust sources rely on, to tables of which more is known.
    fn add_relied_on(&mut self, sources: &Sources) {
        let words = Prefilter::new(&rust::CONFLICTS);
        let hits: Vec<&Source> =
            sources.iter().filter(|file| file.path.ends_with(".rs") && words.hits(&file.text)).collect();
        for file in hits {
            let Some(schema) = self.nearest(&file.path) else { continue };
            for (table, columns) in rust::relied_on(&file.text) {
                self.schemas[schema].add_key(&table, &columns, &file.path);
            }
        }
    }

    /// The schema that a part, spelled out by a package, belongs to; `None` for a part that says nothing.
    fn home_of(&mut self, package: &str, part: &Schema) -> Option<&mut Schema> {
        if part.entities.is_empty() {
            return None;
        }
        let shared = |schema: &Schema| {
            part.entities.iter().filter(|entity| schema.entity_of_table(&entity.table).is_some()).count()
        };
        let is_open = |at: usize| self.groups.groups.get(at).is_some_and(|group| group.prisma.is_empty());
        let counted = self.schemas.iter().enumerate().filter(|(at, _)| is_open(*at));
        let best = counted.map(|(at, schema)| (shared(schema), at)).max_by_key(|(count, at)| (*count, usize::MAX - at));
        let alike = best.filter(|(count, _)| count * 2 >= part.entities.len()).map(|(_, at)| at);
        let own = || (0..self.schemas.len()).find(|at| is_open(*at) && self.groups.groups[*at].folder == package);
        let at = match alike.or_else(own) {
            Some(at) => at,
            None => {
                self.schemas.push(Schema::default());
                self.groups.add(package)
            }
        };
        self.schemas.get_mut(at)
    }
}
