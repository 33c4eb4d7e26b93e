//! The engines: how PostgreSQL, InnoDB and SQLite let statements of concurrent transactions meet, and how places that know no
//! transactions do.
//!
//! An engine answers for statements and for the end of transactions. A statement may succeed, fail ([`Stop::Fail`]) or
//! have to wait ([`Stop::Wait`]); one that waits keeps the locks and writes it has made and its place, and is run again
//! from there once its request is free, as in a real server. Every rule names its reason; none names a pattern of use.

mod direct;
mod innodb;
mod postgres;
mod sqlite;
mod ssi;

use std::sync::Arc;

pub(super) use self::ssi::Conflicts;
use super::Who;
use super::ending::Code;
use super::expr::{Expr, Name, Row, RowRef, Value};
use super::lang::{Delete, Insert, Level, Lock, Read, Scope, Stmt, Update};
use super::schema::{Schema, TableId};
use super::state::{Progress, Request, Savepoint, State};
use super::store::{Mode, Resource, Rid};

/// The databases, and other places with a state of their own, that can be judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// InnoDB: MySQL, and MariaDB as it is by default up to 11.6.1.
    MySql,
    /// MariaDB with `innodb_snapshot_isolation=ON`, the default since 11.6.2.
    MariaDbSnapshot,
    /// SQLite with a rollback journal, each session with a connection of its own.
    Sqlite,
    /// SQLite with a write-ahead log, each session with a connection of its own.
    SqliteWal,
    /// The files of a machine, by path. Anybody may create or remove one: another process, another run, an attacker.
    Files,
    /// The values of a process that its threads share.
    Memory,
}

impl Engine {
    /// The rules to judge by. Several sets of rules are all possible: an outcome counts if one of them allows it.
    pub(super) fn rules(self, schema: &Schema) -> Vec<Box<dyn Rules + '_>> {
        match self {
            // The order in which rows lie in the heap, and are locked, is arbitrary.
            Self::Postgres => vec![
                Box::new(postgres::Postgres { schema, reverse: false }),
                Box::new(postgres::Postgres { schema, reverse: true }),
            ],
            Self::MySql => vec![Box::new(innodb::InnoDb { schema, snapshot_isolation: false })],
            Self::MariaDbSnapshot => vec![Box::new(innodb::InnoDb { schema, snapshot_isolation: true })],
            Self::Sqlite => vec![Box::new(sqlite::Sqlite { schema, wal: false })],
            Self::SqliteWal => vec![Box::new(sqlite::Sqlite { schema, wal: true })],
            Self::Files | Self::Memory => vec![Box::new(direct::Direct { schema })],
        }
    }
}

/// Why a statement did not come to its end.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    Wait(Request),
    Fail(DbError),
}

/// An error of the database.
#[derive(Clone, Debug)]
pub(super) struct DbError {
    pub code: Code,
    /// The server has rolled back the whole transaction, not only the statement.
    pub whole: bool,
}

impl Stop {
    fn wait<T>(what: Resource, mode: Mode) -> Result<T, Self> {
        Err(Self::Wait(Request { what, mode }))
    }

    fn fail<T>(code: Code) -> Result<T, Self> {
        Err(Self::Fail(DbError { code, whole: false }))
    }
}

/// The rows a statement read, or wrote as it left them.
pub(super) type Rows = Result<Vec<RowRef>, Stop>;

/// What COMMIT did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Committed {
    Kept,
    /// It answered ROLLBACK: the transaction had failed before.
    RolledBack,
}

/// One engine's rules.
pub(super) trait Rules {
    /// The level a transaction gets that asks for this one.
    fn level(&self, asked: Option<Level>) -> Level;

    /// Does a lock that is held keep another session from getting one on the same resource?
    fn conflict(&self, held: Mode, asked: Mode) -> bool;

    /// Must the session wait for its request?
    fn blocked(&self, st: &State, me: Who, request: &Request) -> bool {
        self.locked_out(st, me, request)
    }

    /// The error that resolves a deadlock.
    fn deadlock(&self) -> DbError;

    /// The sessions that may get it.
    fn victims(&self, _: &State) -> Vec<Who> {
        Who::BOTH.to_vec()
    }

    /// What happens before the first row of a statement is looked at.
    fn start(&self, _: &mut State, _: Who) -> Result<(), Stop> {
        Ok(())
    }

    fn read(&self, st: &mut State, me: Who, q: &Read, at: &mut Progress) -> Rows;
    fn insert(&self, st: &mut State, me: Who, q: &Insert, at: &mut Progress) -> Rows;
    fn update(&self, st: &mut State, me: Who, q: &Update, at: &mut Progress) -> Rows;
    fn delete(&self, st: &mut State, me: Who, q: &Delete, at: &mut Progress) -> Rows;

    fn commit(&self, st: &mut State, me: Who) -> Result<Committed, Stop> {
        publish(st, me);
        Ok(Committed::Kept)
    }

    fn rollback(&self, st: &mut State, me: Who) {
        roll_back(st, me);
    }

    fn roll_back_to(&self, st: &mut State, me: Who, savepoint: Savepoint) {
        st.store.undo(me, savepoint.writes);
    }

    /// What an error does to the transaction, before the program hears of it. Here: a failed statement leaves the
    /// transaction open, and its locks with it.
    fn on_error(&self, st: &mut State, me: Who, error: &DbError) {
        if error.whole {
            self.rollback(st, me);
        } else if let Some(mark) = st[me].progress.as_ref().map(|progress| progress.mark) {
            st.store.undo(me, mark);
        }
    }

    // ---- what the engines share ----

    /// Does a lock somebody else holds stand against the request?
    fn locked_out(&self, st: &State, me: Who, Request { what, mode }: &Request) -> bool {
        let mut others = st.store.locks().filter(|lock| lock.by != me);
        match what {
            Resource::End(tx) => st.is_live(*tx),
            Resource::Insertion { table, index, entry } => others.any(|lock| match &lock.what {
                Resource::Gap { table: t, index: i, after, before } => {
                    let above = after.as_ref().is_none_or(|after| after < entry);
                    let below = before.as_ref().is_none_or(|before| entry < before);
                    t == table && i == index && above && below
                }
                _ => false,
            }),
            _ => others.any(|lock| lock.what == *what && self.conflict(lock.mode, *mode)),
        }
    }

    /// Gets a lock to the end of the transaction, or waits for it.
    fn lock(&self, st: &mut State, me: Who, what: Resource, mode: Mode) -> Result<(), Stop> {
        let request = Request { what, mode };
        if self.blocked(st, me, &request) {
            return Err(Stop::Wait(request));
        }
        st.store.add_lock(request.what, mode, me, Scope::Tx);
        Ok(())
    }

    fn named_lock(&self, st: &mut State, me: Who, q: &Lock) -> Result<(), Stop> {
        let request = Request { what: Resource::Name(q.name.clone()), mode: Mode::Exclusive };
        if self.blocked(st, me, &request) {
            return Err(Stop::Wait(request));
        }
        st.store.add_lock(request.what, request.mode, me, q.scope);
        Ok(())
    }

    /// Runs a statement, or goes on with it.
    fn run(&self, st: &mut State, me: Who, stmt: &Stmt, table: TableId) -> Rows {
        let resumed = st[me].progress.take();
        let fresh = resumed.is_none();
        let mut at = resumed.unwrap_or_else(|| Progress::new(table, st[me].tx.writes));
        let started = if fresh { self.start(st, me) } else { Ok(()) };
        st[me].tx.touched |= !matches!(stmt, Stmt::Lock(_) | Stmt::Unlock(_));
        let result = started.and_then(|()| match stmt {
            Stmt::Read(q) => self.read(st, me, q, &mut at),
            Stmt::Insert(q) => self.insert(st, me, q, &mut at),
            Stmt::Update(q) => self.update(st, me, q, &mut at),
            Stmt::Delete(q) => self.delete(st, me, q, &mut at),
            Stmt::Lock(q) => self.named_lock(st, me, q).map(|()| Vec::new()),
            Stmt::Unlock(q) => {
                st.store.release(&Resource::Name(q.name.clone()), me);
                Ok(Vec::new())
            }
        });
        if result.is_err() {
            st[me].progress = Some(at);
        }
        result
    }
}

/// Commits what a session has written. A transaction that wrote nothing makes no commit number.
fn publish(st: &mut State, me: Who) {
    if st[me].tx.writes > 0 {
        st.store.publish(me);
    }
    st.close(me);
}

fn roll_back(st: &mut State, me: Who) {
    st.store.undo(me, 0);
    st.close(me);
}

/// The rows a filter picks from the session's snapshot.
fn picked(st: &State, me: Who, table: TableId, filter: &Expr) -> Vec<RowRef> {
    let snapshot = st.snapshot(me);
    let rows = st.store.rids(table).filter_map(|rid| st.store.visible(table, rid, me, snapshot));
    rows.filter(|row| filter.matches(row)).cloned().collect()
}

/// The row an `INSERT` names; made, and given its identity, once.
fn new_row(st: &mut State, me: Who, schema: &Schema, q: &Insert, at: &mut Progress) -> (Rid, RowRef) {
    if let Some(new) = &at.new {
        return new.clone();
    }
    let mut row = Row::new();
    for (column, value) in &q.values {
        row.set(Name::clone(column), value.eval(&st[me].vars));
    }
    let (rid, row) = st.store.new_row(schema.shape(at.table), row);
    at.new.insert((rid, Arc::new(row))).clone()
}

/// The row that a foreign key points to.
fn parent(schema: &Schema, table: TableId, row: &RowRef) -> Option<Resource> {
    let (column, parent) = schema.shape(table).parent.as_ref()?;
    let key = row.get(column);
    (*key != Value::Null).then(|| Resource::Row(*parent, key.clone()))
}
