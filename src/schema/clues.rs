//! Which engine a project talks to, where no schema says so: the drivers that its crates are built with, the connection
//! strings in examples of its environment, the types its code names, and the spelling of its migrations.

use toml::{Table, Value};

use super::Engine;

/// What the files of a project tell of its engine.
#[derive(Clone, Debug, Default)]
pub struct Clues {
    /// The engines that a folder's files speak of, by folder.
    by_folder: Vec<(String, Vec<Engine>)>,
    /// Those that connection strings name.
    urls: Vec<Engine>,
}

/// Names of types, each of which works with one engine.
const TYPES: [(&str, Engine); 12] = [
    ("PgPool", Engine::Postgres),
    ("PgConnection", Engine::Postgres),
    ("Pool<Postgres>", Engine::Postgres),
    ("MySqlPool", Engine::Mysql),
    ("MysqlConnection", Engine::Mysql),
    ("SqlitePool", Engine::Sqlite),
    ("SqliteConnection", Engine::Sqlite),
    ("rusqlite::", Engine::Sqlite),
    ("Pool<MySql>", Engine::Mysql),
    ("Pool<Sqlite>", Engine::Sqlite),
    ("Transaction<'_, Sqlite>", Engine::Sqlite),
    ("Transaction<'_, MySql>", Engine::Mysql),
];

/// Spellings that one engine alone knows.
const SPELLINGS: [(&str, Engine); 10] = [
    ("crdb_internal", Engine::CockroachDb),
    (" storing (", Engine::CockroachDb),
    ("timestamptz", Engine::Postgres),
    ("jsonb", Engine::Postgres),
    ("bigserial", Engine::Postgres),
    (" serial ", Engine::Postgres),
    ("plpgsql", Engine::Postgres),
    ("engine=innodb", Engine::Mysql),
    ("auto_increment", Engine::Mysql),
    ("autoincrement", Engine::Sqlite),
];

fn named(text: &str) -> impl Iterator<Item = Engine> {
    TYPES.iter().filter(|(name, _)| text.contains(name)).map(|(_, engine)| *engine)
}

/// The engine whose types a Rust source names, where it names those of one engine only: whatever the project around it talks
/// to, this file talks to that one. An engine with the same driver as one that is declared is no other.
#[must_use]
pub fn of_file(text: &str, declared: Option<Engine>) -> Option<Engine> {
    let first = named(text).next()?;
    let is_declared = declared.map(spoken_to_as) == Some(first);
    (!is_declared && named(text).all(|engine| engine == first)).then_some(first)
}

/// The engine whose drivers, and so whose types, an engine is spoken to with.
fn spoken_to_as(engine: Engine) -> Engine {
    match engine {
        Engine::CockroachDb => Engine::Postgres,
        Engine::MariaDb => Engine::Mysql,
        other => other,
    }
}

impl Clues {
    /// Whether a file is of interest to [`Clues::add`].
    #[must_use]
    pub fn is_relevant(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == "Cargo.toml" || name.starts_with(".env")
    }

    /// Takes in what a manifest, or an example of the environment, says.
    pub fn add(&mut self, path: &str, text: &str) {
        if !path.ends_with("Cargo.toml") {
            self.urls.extend(text.lines().filter_map(url));
            return;
        }
        let Ok(manifest) = text.parse::<Table>() else { return };
        let mut engines = Vec::new();
        drivers(&manifest, &mut engines);
        if let Some(workspace) = manifest.get("workspace").and_then(Value::as_table) {
            drivers(workspace, &mut engines);
        }
        self.note(path, engines);
    }

    /// Takes in which types a source names, where its crate leaves the engine open.
    pub fn add_source(&mut self, path: &str, text: &str) {
        self.note(path, named(text).collect());
    }

    fn note(&mut self, path: &str, mut engines: Vec<Engine>) {
        engines.sort_unstable();
        engines.dedup();
        if !engines.is_empty() {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.by_folder.push((folder.to_owned(), engines));
        }
    }

    /// The engine of a folder: what the nearest files above it agree on, then those below it, then all of the project.
    #[must_use]
    pub fn engine(&self, folder: &str) -> Option<Engine> {
        let mut above = Some(folder);
        while let Some(here) = above {
            if let Some(engine) = agreed(self.by_folder.iter().filter(|(at, _)| at == here)) {
                return Some(engine);
            }
            above = (!here.is_empty()).then(|| here.rsplit_once('/').map_or("", |(up, _)| up));
        }
        let is_below =
            |at: &str| folder.is_empty() || at.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        agreed(self.by_folder.iter().filter(|(at, _)| is_below(at)))
            .or_else(|| self.urls.first().copied().filter(|first| self.urls.iter().all(|url| url == first)))
            .or_else(|| agreed(self.by_folder.iter()))
    }

    /// Whether the project may talk to an engine: its files speak of it, or of one whose drivers it answers to, or of none.
    #[must_use]
    pub fn allow(&self, engine: Engine) -> bool {
        self.by_folder.is_empty() || self.named().any(|named| named == engine || named == spoken_to_as(engine))
    }

    /// The one server among the engines that a project can be run with. A file beside the program is what it is tried out
    /// with.
    #[must_use]
    pub fn server(&self) -> Option<Engine> {
        let mut servers = self.named().filter(|engine| *engine != Engine::Sqlite);
        let first = servers.next()?;
        servers.all(|engine| engine == first).then_some(first)
    }

    fn named(&self) -> impl Iterator<Item = Engine> {
        self.by_folder.iter().flat_map(|(_, engines)| engines).copied()
    }
}

/// The engine that all of several files speak of.
fn agreed<'c>(clues: impl Iterator<Item = &'c (String, Vec<Engine>)>) -> Option<Engine> {
    let mut engines = clues.flat_map(|(_, engines)| engines);
    let first = *engines.next()?;
    engines.all(|engine| *engine == first).then_some(first)
}

/// The engines of the drivers among the dependencies of a table: their names and features tell.
fn drivers(table: &Table, into: &mut Vec<Engine>) {
    for (name, value) in table.get("dependencies").and_then(Value::as_table).into_iter().flatten() {
        let features = value.get("features").and_then(Value::as_array).into_iter().flatten();
        let words = features.filter_map(Value::as_str).chain([name.as_str()]);
        into.extend(words.filter_map(driver));
    }
}

fn driver(word: &str) -> Option<Engine> {
    [("postgres", Engine::Postgres), ("mysql", Engine::Mysql), ("sqlite", Engine::Sqlite)]
        .into_iter()
        .find_map(|(name, engine)| word.contains(name).then_some(engine))
}

/// The engine of a connection string in a line of an environment.
fn url(line: &str) -> Option<Engine> {
    let line = line.trim();
    let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    let scheme = value.trim().trim_start_matches(['"', '\'']).split(':').next()?;
    name.to_ascii_uppercase().contains("DATABASE").then(|| Engine::from_name(scheme)).flatten()
}

/// The engine that a text of SQL can only be meant for.
#[must_use]
pub fn spelled(text: &str) -> Option<Engine> {
    let lower = text.to_lowercase();
    // A call or a setting of that name is the code's word, and no word of SQL.
    let is_sql = |spelling: &str, at: usize| {
        spelling.ends_with('(') || !lower[at + spelling.len()..].trim_start().starts_with(['(', '='])
    };
    SPELLINGS
        .iter()
        .find(|(spelling, _)| lower.match_indices(spelling).any(|(at, _)| is_sql(spelling, at)))
        .map(|(_, engine)| *engine)
}
