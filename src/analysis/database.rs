//! The databases that windows are judged on: by whose rules, and what that rests on.

use crate::interleave::{Engine, Level};
use crate::library::Place;

/// What the files of a machine are called where a database would be named.
const FILES: &str = "files";
/// The same for the values that threads share.
const MEMORY: &str = "memory";

/// The database that a window is judged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name (`postgresql`).
    pub name: String,
    /// Whether nothing in the project names it.
    pub assumed: bool,
    /// The isolation level of transactions that ask for none, where the project sets another than the engine's.
    pub isolation: Option<String>,
}

/// How a database is judged.
struct Row {
    name: &'static str,
    rules: Engine,
    /// The level of a transaction that asks for none.
    isolation: &'static str,
    basis: Basis,
}

/// What the rules of a database rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// They were compared with a server, schedule by schedule.
    Compared,
    /// There is nothing to compare: each operation takes effect at once.
    Immediate,
    /// No server was compared with: they are those of another database, as far as its manual says the same.
    Documented {
        /// The other database.
        like: &'static str,
        /// The page of the manual.
        page: &'static str,
    },
}

/// All databases. One that is not here is judged as the first.
const ROWS: [Row; 9] = [
    Row { name: "postgresql", rules: Engine::Postgres, isolation: READ_COMMITTED, basis: Basis::Compared },
    // MySQL and MariaDB share InnoDB; the server compared with is MariaDB's.
    Row { name: "mysql", rules: Engine::MySql, isolation: REPEATABLE_READ, basis: Basis::Compared },
    Row { name: "mariadb", rules: Engine::MySql, isolation: REPEATABLE_READ, basis: Basis::Compared },
    Row { name: "sqlite", rules: Engine::Sqlite, isolation: SERIALIZABLE, basis: Basis::Compared },
    Row {
        // Write conflicts wait or abort as in PostgreSQL. A transaction that asks for nothing is serializable; read
        // committed is as there, but for single statements, in which nothing comes in between.
        name: "cockroachdb",
        rules: Engine::Postgres,
        isolation: SERIALIZABLE,
        basis: Basis::Documented {
            like: "postgresql",
            page: "https://www.cockroachlabs.com/docs/stable/read-committed",
        },
    },
    Row {
        // Readers wait for writers and the other way round, which changes who waits, and not what a check is worth: at
        // read committed the locks of a read end with the row or the statement, at repeatable read they stay, and two who
        // hold them cannot both write; only serializable locks the range, so that new rows come in below it.
        name: "sqlserver",
        rules: Engine::Postgres,
        isolation: READ_COMMITTED,
        basis: Basis::Documented {
            like: "postgresql",
            page: "https://learn.microsoft.com/en-us/sql/t-sql/statements/set-transaction-isolation-level-transact-sql",
        },
    },
    Row {
        // A transaction reads from one snapshot, and is aborted if it writes what another has written meanwhile; a write
        // outside of one waits for it.
        name: "mongodb",
        rules: Engine::Postgres,
        isolation: "snapshot",
        basis: Basis::Documented {
            like: "postgresql",
            page: "https://www.mongodb.com/docs/manual/core/transactions-production-consideration/#in-progress-transactions-and-write-conflicts",
        },
    },
    Row { name: FILES, rules: Engine::Files, isolation: READ_COMMITTED, basis: Basis::Immediate },
    Row { name: MEMORY, rules: Engine::Memory, isolation: READ_COMMITTED, basis: Basis::Immediate },
];

const READ_COMMITTED: &str = "read committed";
const REPEATABLE_READ: &str = "repeatable read";
const SERIALIZABLE: &str = "serializable";

impl Database {
    /// What an operation runs on: this database, or what holds the place that it is about.
    #[must_use]
    pub fn of(&self, place: Option<Place>) -> Self {
        let name = match place {
            None => return self.clone(),
            Some(Place::File) => FILES,
            Some(Place::Shared | Place::Held | Place::Atomic) => MEMORY,
        };
        Self { name: name.to_owned(), assumed: false, isolation: None }
    }

    fn row(&self) -> &'static Row {
        let rows: &'static [Row] = const { &ROWS };
        rows.iter().find(|row| row.name == self.name).unwrap_or(&rows[0])
    }

    /// The rules it is judged by.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.row().rules
    }

    /// What these rules rest on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.row().basis
    }

    /// The level of a transaction that asks for none.
    #[must_use]
    pub fn default_isolation(&self) -> &str {
        self.isolation.as_deref().unwrap_or(self.row().isolation)
    }

    /// The level that a transaction gets which asks for this one.
    fn upgraded<'l>(&self, asked: &'l str) -> &'l str {
        // It has two levels, unless a setting of the cluster adds a third.
        let stronger = self.name == "cockroachdb" && matches!(asked, "repeatable read" | "snapshot");
        if stronger { SERIALIZABLE } else { asked }
    }

    /// The judge's level of a transaction that asks for this one, or for none.
    #[must_use]
    pub fn level(&self, asked: Option<&str>) -> Option<Level> {
        if self.engine() == Engine::Sqlite {
            // It has one level; what differs is when the write lock is taken.
            return (asked == Some("immediate")).then_some(Level::Immediate);
        }
        match self.upgraded(asked.unwrap_or(self.default_isolation())) {
            "read committed" | "read uncommitted" => Some(Level::ReadCommitted),
            "repeatable read" | "snapshot" => Some(Level::RepeatableRead),
            "serializable" => Some(Level::Serializable),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Database {
        Database { name: name.to_owned(), assumed: false, isolation: None }
    }

    #[test]
    fn every_engine_of_a_schema_has_a_row() {
        use crate::schema::Engine::{CockroachDb, MariaDb, MongoDb, Mysql, Postgres, SqlServer, Sqlite};
        for engine in [Postgres, CockroachDb, Mysql, MariaDb, Sqlite, SqlServer, MongoDb] {
            assert_eq!(named(engine.name()).row().name, engine.name());
        }
    }

    #[test]
    fn what_was_not_compared_names_a_page_and_a_database_that_was() {
        for row in &ROWS {
            if let Basis::Documented { like, page } = row.basis {
                let other = named(like);
                assert_eq!((other.basis(), other.engine()), (Basis::Compared, row.rules), "{}", row.name);
                assert!(page.starts_with("https://"), "{page}");
            }
        }
    }

    #[test]
    fn a_setting_goes_before_the_default() {
        let database = Database { isolation: Some("serializable".to_owned()), ..named("mysql") };
        assert_eq!((database.level(None), database.default_isolation()), (Some(Level::Serializable), "serializable"));
        assert_eq!(named("mongodb").level(None), Some(Level::RepeatableRead));
        assert_eq!(named("cockroachdb").level(Some("repeatable read")), Some(Level::Serializable));
        assert_eq!(named("sqlite").level(Some("serializable")), None);
    }
}
