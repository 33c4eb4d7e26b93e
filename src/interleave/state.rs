//! The whole state of a search: the store and both sessions. States are compared and hashed as a whole, so everything
//! that may influence what comes next is in here, and nothing else should be.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::ending::Ending;
use super::engine::Conflicts;
use super::expr::{Env, Expr, Name, Row, RowRef, Value, Vars};
use super::lang::Level;
use super::schema::TableId;
use super::store::{Mode, Resource, Rid, Stage, Store, TxId, Version};

/// One of the two sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The first.
    #[default]
    A,
    /// The second.
    B,
}

impl Who {
    /// Both.
    pub const BOTH: [Who; 2] = [Who::A, Who::B];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Its place in an array of two.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// The store, both sessions, and what they have done to the world. A step changes little of it, and the states before and
/// after it share the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub store: Store,
    pub conflicts: Conflicts,
    /// A multiset, kept sorted.
    pub effects: Vec<(Name, Value)>,
    sessions: [Arc<Session>; 2],
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub vars: Vars,
    /// The place in its code.
    pub pc: usize,
    pub done: bool,
    pub ending: Ending,
    pub tx: Tx,
    /// How many transactions it has begun.
    pub begun: u32,
    /// What stands ready for an error, the innermost last.
    pub handlers: Vec<Handler>,
    /// How often a retry has started over.
    pub attempts: u8,
    /// The statement that waits, or is about to fail, as far as it has come.
    pub progress: Option<Progress>,
    /// The statement outside of a transaction has run, its commit has not.
    pub ran: bool,
    pub wants: Option<Request>,
    /// It came to wait while the other one was waiting already.
    pub late: bool,
    /// The barriers it has reached.
    pub barriers: BTreeSet<Name>,
}

/// A session's transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tx {
    pub id: TxId,
    pub extent: Extent,
    pub level: Level,
    /// The snapshot, once one is taken.
    pub snapshot: Option<u32>,
    /// An error has ended it, its end has not come yet (PostgreSQL).
    pub failed: bool,
    /// How many versions it has written.
    pub writes: u32,
    /// A statement of it has gone to a table.
    pub touched: bool,
}

/// What a transaction spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Extent {
    /// There is none.
    #[default]
    Closed,
    /// One statement (autocommit).
    Statement,
    /// A block.
    Block,
}

/// What an error meets on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Handler {
    Tx,
    Savepoint(Savepoint),
    /// The `Try` at this place in the code; for a retry, with the attempts left.
    Try {
        at: usize,
        left: Option<u8>,
    },
}

/// Where a transaction can go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Savepoint {
    /// The number of writes when it was set.
    pub writes: u32,
    /// No statement had gone to a table before it.
    pub first: bool,
}

/// How far a statement has come. It resumes here when what it waits for is free.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    pub table: TableId,
    /// The transaction's writes before the statement: what its failure goes back to.
    pub mark: u32,
    /// The rows it has dealt with, as it leaves them.
    pub rows: Vec<RowRef>,
    /// The rows it has picked and not dealt with yet, the next one last (PostgreSQL).
    pub picked: Option<Vec<Rid>>,
    /// The last entry a scan is done with (InnoDB).
    pub passed: Option<Rid>,
    /// The entry a scan stands at (InnoDB).
    pub at: Option<Rid>,
    /// The row to be inserted.
    pub new: Option<(Rid, RowRef)>,
    /// It is in; what remains is the parent's lock (PostgreSQL).
    pub inserted: bool,
}

impl Progress {
    pub(super) fn new(table: TableId, mark: u32) -> Self {
        let rows = Vec::new();
        Self { table, mark, rows, picked: None, passed: None, at: None, new: None, inserted: false }
    }
}

/// A lock asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub what: Resource,
    pub mode: Mode,
}

impl State {
    pub(super) fn new(store: Store, env: [&Env; 2]) -> Self {
        let session = |arguments: &Env| Session {
            vars: Vars::new(arguments),
            pc: 0,
            done: false,
            ending: Ending::Quiet,
            tx: Tx::default(),
            begun: 0,
            handlers: Vec::new(),
            attempts: 0,
            progress: None,
            ran: false,
            wants: None,
            late: false,
            barriers: BTreeSet::new(),
        };
        let sessions = env.map(|arguments| Arc::new(session(arguments)));
        Self { store, conflicts: Conflicts::default(), effects: Vec::new(), sessions }
    }

    /// The snapshot a session's statement reads by.
    pub(super) fn snapshot(&self, me: Who) -> u32 {
        self[me].tx.snapshot.unwrap_or(self.store.commits)
    }

    pub(super) fn begin(&mut self, me: Who, level: Level, extent: Extent) {
        let session = &mut self[me];
        session.begun += 1;
        let id = TxId { session: me, number: session.begun };
        session.tx = Tx { id, extent, level, ..Tx::default() };
    }

    /// Writes a version of a row; `None` deletes it.
    pub(super) fn put(&mut self, me: Who, table: TableId, rid: &Rid, row: Option<RowRef>) {
        let tx = &mut self[me].tx;
        tx.writes += 1;
        let (stage, writer) = (Stage::Open { by: me, mark: tx.writes }, Some(tx.id));
        self.store.put(table, rid.clone(), Version { row, stage, writer });
    }

    /// A row after `SET`, with each value computed from the old one.
    pub(super) fn after(&self, me: Who, set: &[(Name, Expr)], old: &RowRef) -> RowRef {
        let mut new = Row::clone(old);
        for (column, value) in set {
            new.set(column.clone(), value.eval_on(&self[me].vars, old));
        }
        Arc::new(new)
    }

    /// The transaction is over, one way or the other.
    pub(super) fn close(&mut self, me: Who) {
        self.store.release_tx(me);
        let session = &mut self[me];
        session.tx = Tx::default();
        session.progress = None;
        session.wants = None;
    }

    /// Is a transaction neither over nor failed?
    pub(super) fn is_live(&self, tx: TxId) -> bool {
        let session = &self[tx.session].tx;
        session.id == tx && session.extent != Extent::Closed && !session.failed
    }

    pub(super) fn do_effect(&mut self, name: Name, key: Value) {
        let effect = (name, key);
        let place = self.effects.partition_point(|other| *other <= effect);
        self.effects.insert(place, effect);
    }
}

impl Index<Who> for State {
    type Output = Session;
    fn index(&self, who: Who) -> &Session {
        &self.sessions[who.index()]
    }
}

impl IndexMut<Who> for State {
    fn index_mut(&mut self, who: Who) -> &mut Session {
        Arc::make_mut(&mut self.sessions[who.index()])
    }
}
