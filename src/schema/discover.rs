//! Which schema files there are, which belong together, and which of them a source file uses. Decided from paths alone.
//!
//! **Grouping.** A `.prisma` file with a `datasource` is the head of a schema. A `.prisma` file without one belongs to the
//! nearest head above it: one in its own folder or the closest ancestor folder that has one (to all of them, where a
//! folder holds several, as projects with one head per engine do). Files with no head above them form one group per
//! folder.
//!
//! **Migrations** are the SQL files under `migrations` beside the head, or beside the head's folder. SQL migrations that
//! are beside no head form groups of their own: any folder `migrations`, `db_migrations` or `drizzle`, and `schema.sql` or
//! `structure.sql`.
//!
//! **Nearest.** For a source file, the groups are ranked. Those with a Prisma schema go before those with migrations only.
//! Then come those of other packages that generate their client into the source's own package, then the groups of the source's own package (the closest folder above it that has a `package.json` or
//! `Cargo.toml`), then those of packages around it, then all others; among these the ones that are part of another
//! application go last, since applications rarely use each other's schemas. Ties go to the longest common path, then to
//! the folder nearer to the root.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a folder holds migrations, by its name.
#[must_use]
pub fn holds_migrations(folder: &str) -> bool {
    folder == "drizzle" || folder == "migration" || folder.ends_with("migrations")
}

/// A file that may be part of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its path, relative to the project, with forward slashes.
    pub path: &'a str,
    /// Whether it is a Prisma schema with a `datasource` ([`super::prisma::has_datasource`]).
    pub head: bool,
    /// The folders that code is generated into from it.
    pub outputs: Vec<String>,
}

/// The files of one schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The folder of its head.
    pub folder: String,
    /// The root of the package it belongs to.
    pub package: String,
    /// Its Prisma files, the head first.
    pub prisma: Vec<String>,
    /// Its SQL migrations, in the order in which they are applied.
    pub migrations: Vec<String>,
    /// The packages that code is generated into from it.
    pub users: Vec<String>,
}

/// All schemas of a project, and where its packages are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemas {
    /// The schemas, in the order of their folders.
    pub groups: Vec<Group>,
    packages: BTreeSet<String>,
}

/// Whether a path is of interest to [`find`].
#[must_use]
pub fn is_relevant(path: &str) -> bool {
    let name = file_name(path);
    !path.split('/').any(|part| part == "node_modules" || part == "target")
        && (has_extension(name, "prisma") || is_package(name) || is_sql(path))
}

/// Groups the schema files of a project. Paths that are no part of a schema are ignored.
#[must_use]
pub fn find(files: &[Candidate<'_>]) -> Schemas {
    let relevant = || files.iter().filter(|file| is_relevant(file.path));
    let packages: BTreeSet<String> =
        relevant().filter(|file| is_package(file_name(file.path))).map(|file| folder(file.path).to_owned()).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut heads: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut prisma: Vec<&Candidate<'_>> =
        relevant().filter(|file| has_extension(file_name(file.path), "prisma")).collect();
    prisma.sort_by_key(|file| (folder(file.path), file_name(file.path) != "schema.prisma", file.path));
    for file in prisma.iter().filter(|file| file.head) {
        let folder = folder(file.path);
        heads.entry(folder).or_default().push(groups.len());
        groups.push(Group { folder: folder.to_owned(), prisma: vec![file.path.to_owned()], ..Group::default() });
    }
    let mut headless: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in prisma.iter().filter(|file| !file.head) {
        match ancestors(folder(file.path)).find_map(|above| heads.get(above)) {
            Some(owners) => owners.iter().for_each(|owner| groups[*owner].prisma.push(file.path.to_owned())),
            None => headless.entry(folder(file.path)).or_default().push(file.path.to_owned()),
        }
    }
    for (folder, prisma) in headless {
        groups.push(Group { folder: folder.to_owned(), prisma, ..Group::default() });
    }
    let mut sql: Vec<&str> = relevant().map(|file| file.path).filter(|path| is_sql(path)).collect();
    sql.sort_by(|a, b| natural(a, b));
    for path in sql {
        place_migration(path, &mut groups);
    }
    let package_of = |path: &str| ancestors(path).find(|above| packages.contains(*above)).unwrap_or("").to_owned();
    for group in &mut groups {
        group.package = package_of(&group.folder);
        let own = prisma.iter().filter(|file| group.prisma.iter().any(|path| path == file.path));
        group.users = own.flat_map(|file| &file.outputs).map(|output| package_of(output)).collect();
    }
    groups.sort_by(|a, b| (&a.folder, &a.prisma).cmp(&(&b.folder, &b.prisma)));
    Schemas { groups, packages }
}

/// Gives a migration to the schemas it stands beside, or to a group of its own.
fn place_migration(path: &str, groups: &mut Vec<Group>) {
    let home = migrations_home(path);
    let beside = |group: &Group| !group.prisma.is_empty() && (group.folder == home || folder(&group.folder) == home);
    let mut placed = false;
    for group in groups.iter_mut().filter(|group| beside(group)) {
        group.migrations.push(path.to_owned());
        placed = true;
    }
    if placed {
        return;
    }
    match groups.iter_mut().find(|group| group.prisma.is_empty() && group.folder == home) {
        Some(group) => group.migrations.push(path.to_owned()),
        None => groups.push(Group { folder: home.to_owned(), migrations: vec![path.to_owned()], ..Group::default() }),
    }
}

impl Group {
    /// Whether its name tells it from others that may lie beside it: its head is not called `schema.prisma`.
    #[must_use]
    pub fn is_one_of_several(&self) -> bool {
        self.prisma.first().is_some_and(|head| file_name(head) != "schema.prisma")
    }

    /// Whether it has no files of its own: code spells it out.
    #[must_use]
    pub fn is_spelled_out(&self) -> bool {
        self.prisma.is_empty() && self.migrations.is_empty()
    }
}

impl Schemas {
    /// Adds the schema of a package that has no files of its own for it, and returns its place.
    pub fn add(&mut self, package: &str) -> usize {
        let group = Group { folder: package.to_owned(), package: package.to_owned(), ..Group::default() };
        self.groups.push(group);
        self.groups.len() - 1
    }

    /// The schema that a source file most likely uses.
    #[must_use]
    pub fn nearest(&self, source: &str) -> Option<&Group> {
        self.ranked(source).first().and_then(|index| self.groups.get(*index))
    }

    /// All schemas, by their places in `groups`, the most likely for a source file first.
    #[must_use]
    pub fn ranked(&self, source: &str) -> Vec<usize> {
        let source_folder = folder(source);
        let own = ancestors(source_folder).find(|above| self.packages.contains(*above));
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|index| {
            let group = &self.groups[*index];
            let common = common_depth(source_folder, &group.folder);
            // A schema in the source's own package, or in one around it, needs no import to be used.
            let around = own.is_some() && is_within(source_folder, &group.package) && !group.package.is_empty();
            let same = own.is_some_and(|own| own == group.package);
            // Its client is generated for this package: any other schema that lies here is a sample, or a copy.
            let meant = own.is_some_and(|own| group.package != own && group.users.iter().any(|user| user == own));
            let kind = match (meant, same, around) {
                (true, ..) => 0,
                (_, true, _) => 1,
                (_, _, true) => 2,
                _ => 3,
            };
            (
                group.prisma.is_empty(),
                kind,
                kind == 3 && common < 2 && holds_applications(&group.folder),
                usize::MAX - common,
                group.folder.split('/').count(),
                group.prisma.first().is_none_or(|head| file_name(head) != "schema.prisma"),
                *index,
            )
        });
        order
    }
}

/// Whether a schema is inside an application, and so rarely meant for others.
fn holds_applications(folder: &str) -> bool {
    let applications = ["apps", "services", "examples", "references", "e2e", "test", "tests", "fixtures", "demo"];
    folder.split('/').any(|part| applications.contains(&part))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path; empty for the project's own.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A folder and all above it, the project's own last.
fn ancestors(start: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(start), |path| (!path.is_empty()).then(|| folder(path)))
}

fn is_within(path: &str, above: &str) -> bool {
    above.is_empty() || path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

fn common_depth(a: &str, b: &str) -> usize {
    a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count()
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

fn is_package(name: &str) -> bool {
    matches!(name, "package.json" | "Cargo.toml")
}

/// Whether a path is a migration that is applied, or a dump of the schema.
fn is_sql(path: &str) -> bool {
    let name = file_name(path);
    if !has_extension(name, "sql") {
        return false;
    }
    let undoes = matches!(name, "down.sql") || name.ends_with(".down.sql") || name.contains("rollback");
    let dump = matches!(name, "schema.sql" | "structure.sql");
    (folder(path).split('/').any(holds_migrations) && !undoes) || dump
}

/// The order of paths in which numbers count as numbers: `V2` before `V10`.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (leading_number(left), leading_number(right));
        if !x.is_empty() && !y.is_empty() {
            let (m, n) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            let order = m.len().cmp(&n.len()).then_with(|| m.cmp(n));
            if order.is_ne() {
                return order;
            }
            (left, right) = (&left[x.len()..], &right[y.len()..]);
            continue;
        }
        match (left.chars().next(), right.chars().next()) {
            (Some(x), Some(y)) if x == y => (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]),
            (None, None) => return a.cmp(b),
            (x, y) => return x.cmp(&y),
        }
    }
}

fn leading_number(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    &text[..end]
}

/// The folder that holds `migrations`; for a dump, its own.
fn migrations_home(path: &str) -> &str {
    let mut home = folder(path);
    for above in ancestors(folder(path)) {
        if holds_migrations(file_name(above)) {
            home = folder(above);
        }
    }
    home
}
