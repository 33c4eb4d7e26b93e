//! Database engines.

use crate::sql::{Dialect, Isolation};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Engine {
    Postgres,
    CockroachDb,
    Mysql,
    MariaDb,
    Sqlite,
    SqlServer,
    MongoDb,
}

impl Engine {
    /// The engine a schema or a connection string calls by this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "postgresql" | "postgres" | "pg" => Self::Postgres,
            "cockroachdb" | "cockroach" => Self::CockroachDb,
            "mysql" => Self::Mysql,
            "mariadb" => Self::MariaDb,
            "sqlite" | "file" | "libsql" => Self::Sqlite,
            "sqlserver" | "mssql" => Self::SqlServer,
            "mongodb" | "mongodb+srv" | "mongo" => Self::MongoDb,
            _ => return None,
        })
    }

    /// The name reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::CockroachDb => "cockroachdb",
            Self::Mysql => "mysql",
            Self::MariaDb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::SqlServer => "sqlserver",
            Self::MongoDb => "mongodb",
        }
    }

    /// How its SQL is spelt.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Postgres | Self::CockroachDb => Dialect::Postgres,
            Self::Mysql | Self::MariaDb => Dialect::Mysql,
            Self::Sqlite => Dialect::Sqlite,
            Self::SqlServer => Dialect::SqlServer,
            Self::MongoDb => Dialect::Generic,
        }
    }

    /// The level a transaction has if nobody says one.
    #[must_use]
    pub fn default_isolation(self) -> Isolation {
        match self {
            Self::Postgres | Self::SqlServer => Isolation::ReadCommitted,
            Self::Mysql | Self::MariaDb => Isolation::RepeatableRead,
            Self::MongoDb => Isolation::Snapshot,
            Self::CockroachDb | Self::Sqlite => Isolation::Serializable,
        }
    }
}
