//! Transactions, levels and locks that are no part of a query.

use super::token::TokenKind;
use super::types::{BeginMode, Isolation, Kind, LockTable, Scope, SqlValue};
use super::view::{Range, View};

/// Reads a statement that is neither a query nor a change of the schema.
pub(super) fn control(view: &View<'_>, range: Range) -> Kind {
    let (start, end) = range;
    if view.tokens.kind(start) != Some(TokenKind::Word) {
        return Kind::Other;
    }
    match view.tokens.raw(start).to_ascii_lowercase().as_str() {
        "begin" => view.begin((start + 1, end)),
        "start" if view.is(start + 1, "transaction") => view.begin((start + 2, end)),
        "commit" => Kind::Commit,
        "end" if end - start == 1 || view.is_any(start + 1, &["transaction", "work"]) => Kind::Commit,
        "rollback" | "abort" => view.rollback((start + 1, end)),
        "savepoint" => Kind::Savepoint(view.last_name(range)),
        "save" if view.is_any(start + 1, &["transaction", "tran"]) => Kind::Savepoint(view.last_name(range)),
        "release" => Kind::Release(view.last_name(range)),
        "set" => view.set((start + 1, end)),
        "lock" => view.lock_table((start + 1, end)),
        "exec" | "execute" if view.is(start + 1, "sp_getapplock") => view.app_lock((start + 2, end)),
        _ => Kind::Other,
    }
}

impl View<'_> {
    fn begin(&self, range: Range) -> Kind {
        let mode = if self.find(range, &["immediate"]).is_some() {
            BeginMode::Immediate
        } else if self.find(range, &["exclusive"]).is_some() {
            BeginMode::Exclusive
        } else {
            BeginMode::Deferred
        };
        Kind::Begin { isolation: self.level(range), mode }
    }

    fn rollback(&self, range: Range) -> Kind {
        if self.find(range, &["to"]).is_some() {
            return Kind::RollbackTo(self.last_name(range));
        }
        Kind::Rollback
    }

    fn last_name(&self, (start, end): Range) -> String {
        (start + 1..end).next_back().and_then(|at| self.tokens.name(at)).unwrap_or_default()
    }

    /// A level, named anywhere in a range.
    fn level(&self, (start, end): Range) -> Option<Isolation> {
        (start..end).find_map(|at| {
            let text = self.tokens.string(at).unwrap_or_else(|| self.tokens.raw(at).to_owned()).to_ascii_lowercase();
            let next = self.tokens.raw(at + 1).to_ascii_lowercase();
            match (text.replace(['-', '_'], " ").as_str(), next.as_str()) {
                ("serializable", _) => Some(Isolation::Serializable),
                ("snapshot", _) => Some(Isolation::Snapshot),
                ("repeatable", "read") | ("repeatable read", _) => Some(Isolation::RepeatableRead),
                ("read", "committed") | ("read committed", _) => Some(Isolation::ReadCommitted),
                ("read", "uncommitted") | ("read uncommitted", _) => Some(Isolation::ReadUncommitted),
                _ => None,
            }
        })
    }

    fn set(&self, range: Range) -> Kind {
        const VARIABLES: [&str; 6] = [
            "transaction",
            "transaction_isolation",
            "tx_isolation",
            "default_transaction_isolation",
            "@@transaction_isolation",
            "@@tx_isolation",
        ];
        let names_level = (range.0..range.1).any(|at| self.is_any(at, &VARIABLES));
        let Some(level) = self.level(range).filter(|_| names_level) else {
            return Kind::Other;
        };
        let bare =
            self.is(range.0, "transaction") || self.is(range.0, "local") || self.is(range.0, "transaction_isolation");
        Kind::SetIsolation { level, scope: if bare { Scope::Transaction } else { Scope::Session } }
    }

    /// `LOCK TABLE a, b IN EXCLUSIVE MODE` (PostgreSQL) and `LOCK TABLES a WRITE, b READ` (MySQL).
    fn lock_table(&self, (start, end): Range) -> Kind {
        let mysql = self.is(start, "tables");
        let start = start + usize::from(self.is_any(start, &["table", "tables"]));
        let start = start + usize::from(self.is(start, "only"));
        let modes = self.find((start, end), &["in"]).unwrap_or(end);
        let mut tables = Vec::new();
        for item in self.split_commas((start, modes)) {
            tables.extend(self.table_name(item).map(|(table, _)| table.name));
        }
        let exclusive = if mysql {
            self.find((start, end), &["write"]).is_some()
        } else {
            // `ROW SHARE`, `ROW EXCLUSIVE` and `SHARE` do not exclude each other's holders.
            let row = self.find((modes, end), &["row"]).is_some_and(|at| at == modes + 1);
            modes == end || (self.find((modes, end), &["exclusive"]).is_some() && !row)
        };
        let scope = if mysql { Scope::Session } else { Scope::Transaction };
        Kind::LockTable(LockTable { tables, exclusive, scope })
    }

    /// SQL Server's named lock.
    fn app_lock(&self, range: Range) -> Kind {
        let (mut key, mut scope, mut shared) = (SqlValue::Opaque(Vec::new()), Scope::Transaction, false);
        for (index, (start, end)) in self.split_commas(range).into_iter().enumerate() {
            let value = if self.is_symbol(start + 1, "=") { (start + 2, end) } else { (start, end) };
            let named = |name: &str| self.tokens.raw(start).eq_ignore_ascii_case(name);
            let says = |text: &str| self.tokens.string(value.0).is_some_and(|said| said.eq_ignore_ascii_case(text));
            if named("@Resource") || (index == 0 && value.0 == start) {
                key = self.scalar(value);
            } else if says("session") {
                scope = Scope::Session;
            } else if says("shared") {
                shared = true;
            }
        }
        Kind::AdvisoryLock { scope, key, tries: true, shared }
    }

    /// The named locks that a statement takes by calling functions.
    pub fn advisory(&self, (start, end): Range) -> Vec<Kind> {
        (start..end).filter_map(|at| self.advisory_call(at)).collect()
    }

    fn advisory_call(&self, at: usize) -> Option<Kind> {
        if !self.is_open(at + 1) || self.tokens.kind(at) != Some(TokenKind::Word) {
            return None;
        }
        let name = self.tokens.raw(at).to_ascii_lowercase();
        let inside = self.inside(at + 1);
        let key = || {
            let mut parts = self.list(inside);
            if parts.len() == 1 { parts.remove(0) } else { SqlValue::List(parts) }
        };
        let first = || self.list(inside).into_iter().next();
        match name.as_str() {
            "get_lock" => Some(Kind::AdvisoryLock { scope: Scope::Session, key: first()?, tries: true, shared: false }),
            "release_lock" => Some(Kind::AdvisoryUnlock { key: first() }),
            "release_all_locks" | "pg_advisory_unlock_all" => Some(Kind::AdvisoryUnlock { key: None }),
            "pg_advisory_unlock" | "pg_advisory_unlock_shared" => Some(Kind::AdvisoryUnlock { key: Some(key()) }),
            _ => {
                let rest = name.strip_prefix("pg_")?;
                let (tries, rest) = rest.strip_prefix("try_").map_or((false, rest), |rest| (true, rest));
                let rest = rest.strip_prefix("advisory_")?;
                let (scope, rest) =
                    rest.strip_prefix("xact_").map_or((Scope::Session, rest), |rest| (Scope::Transaction, rest));
                let shared = match rest {
                    "lock" => false,
                    "lock_shared" => true,
                    _ => return None,
                };
                Some(Kind::AdvisoryLock { scope, key: key(), tries, shared })
            }
        }
    }
}
