//! The store: row versions and locks. What every engine shares; how they differ is in [`engine`](super::engine).
//!
//! A row keeps all of its **versions**, oldest first. A version is open while its transaction is, then committed with the
//! next **commit number**; a **snapshot** is a commit number, and sees what was committed up to it. A **lock** is on a
//! resource, in a mode whose meaning is the engine's.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use super::Who;
use super::expr::{Name, Row, RowRef, Value};
use super::lang::Scope;
use super::schema::{Shape, TableId};

/// What identifies a row within its table: its primary key at birth, or a number that is never given back.
pub(super) type Rid = Value;

/// One transaction: whose, and that session's how many-th.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TxId {
    pub session: Who,
    pub number: u32,
}

/// One version of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// `None`: deleted.
    pub row: Option<RowRef>,
    pub stage: Stage,
    /// The transaction that wrote it; `None` for the rows there were before.
    pub writer: Option<TxId>,
}

/// How far a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Uncommitted. The mark is its place among the writes of its transaction.
    Open { by: Who, mark: u32 },
    /// Committed with this number.
    Committed(u32),
}

impl Hash for Version {
    /// Who wrote it and when nearly always tells what; the hash of the row itself would cost more than it is worth.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.stage, self.writer).hash(hasher);
    }
}

impl Version {
    fn visible(&self, me: Who, snapshot: u32) -> bool {
        match self.stage {
            Stage::Open { by, .. } => by == me,
            Stage::Committed(number) => number <= snapshot,
        }
    }

    /// The session whose transaction is still to decide about this version.
    pub(super) fn owner(&self) -> Option<Who> {
        match self.stage {
            Stage::Open { by, .. } => Some(by),
            Stage::Committed(_) => None,
        }
    }

    pub(super) fn is_open_by(&self, me: Who) -> bool {
        self.owner() == Some(me)
    }
}

/// A lock that is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lock {
    pub what: Resource,
    pub mode: Mode,
    pub by: Who,
    pub scope: Scope,
}

/// What can be locked or waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Resource {
    Row(TableId, Rid),
    /// The open interval between two entries of an index; `None` is an end of the index.
    Gap {
        table: TableId,
        index: usize,
        after: Option<Entry>,
        before: Option<Entry>,
    },
    /// The place of a new entry in an index: asked for, never held.
    Insertion {
        table: TableId,
        index: usize,
        entry: Entry,
    },
    /// An advisory lock.
    Name(Name),
    /// The whole database.
    File,
    /// The end of a transaction: waited for, never held.
    End(TxId),
}

/// An index entry: the index's columns, then the row. A shorter one stands before all entries that begin with it.
pub(super) type Entry = Vec<Value>;

/// Lock modes of all engines; each uses its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mode {
    /// Advisory locks everywhere; rows of InnoDB (S and X).
    Shared,
    Exclusive,
    /// InnoDB, on gaps. They conflict with insertions only.
    Gap,
    /// PostgreSQL's four row locks.
    ForKeyShare,
    ForShare,
    ForNoKeyUpdate,
    ForUpdate,
    /// SQLite's locks on the file.
    FileShared,
    FileReserved,
    FilePending,
    FileExclusive,
}

/// The rows of a table, each with its versions, oldest first.
type Rows = BTreeMap<Rid, Arc<Vec<Version>>>;

/// Versions and locks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Store {
    tables: Vec<Arc<Rows>>,
    locks: BTreeSet<Lock>,
    /// The number of the latest commit.
    pub commits: u32,
    generated: u32,
}

impl Store {
    pub(super) fn new(tables: usize) -> Self {
        Self { tables: vec![Arc::default(); tables], locks: BTreeSet::new(), commits: 0, generated: 0 }
    }

    /// A row that was there before anything ran.
    pub(super) fn seed(&mut self, table: TableId, shape: &Shape, row: &Row) {
        let (rid, row) = self.new_row(shape, row.clone());
        let version = Version { row: Some(Arc::new(row)), stage: Stage::Committed(0), writer: None };
        Arc::make_mut(&mut self.tables[table]).insert(rid, Arc::new(vec![version]));
    }

    /// The identity of a row to be inserted, and the row with its key filled in.
    pub(super) fn new_row(&mut self, shape: &Shape, mut row: Row) -> (Rid, Row) {
        let given = row.get(&shape.key).clone();
        if given != Value::Null && !shape.generated {
            return (given, row);
        }
        let rid = if given == Value::Null {
            self.generated += 1;
            Value::Generated(self.generated)
        } else {
            given
        };
        row.set(shape.key.clone(), rid.clone());
        (rid, row)
    }

    // ---- versions ----

    pub(super) fn rids(&self, table: TableId) -> impl DoubleEndedIterator<Item = &Rid> {
        self.tables[table].keys()
    }

    pub(super) fn rids_after(&self, table: TableId, position: Option<&Rid>) -> impl Iterator<Item = &Rid> {
        let start = position.map_or(Bound::Unbounded, Bound::Excluded);
        self.tables[table].range((start, Bound::Unbounded)).map(|(rid, _)| rid)
    }

    /// All versions of a row, oldest first; none if there is no such row.
    pub(super) fn versions(&self, table: TableId, rid: &Rid) -> &[Version] {
        self.tables[table].get(rid).map_or(&[], |versions| versions)
    }

    pub(super) fn newest(&self, table: TableId, rid: &Rid) -> Option<&Version> {
        self.versions(table, rid).last()
    }

    /// The newest committed version.
    pub(super) fn committed(&self, table: TableId, rid: &Rid) -> Option<&Version> {
        self.versions(table, rid).iter().rev().find(|version| version.owner().is_none())
    }

    /// The versions that are there in the indexes: the newest committed one, and those that are open, dropped again or not.
    pub(super) fn standing(&self, table: TableId, rid: &Rid) -> &[Version] {
        let versions = self.versions(table, rid);
        let committed = versions.iter().rposition(|version| version.owner().is_none());
        &versions[committed.unwrap_or(0)..]
    }

    /// The row as a snapshot sees it, with the session's own changes.
    pub(super) fn visible(&self, table: TableId, rid: &Rid, me: Who, snapshot: u32) -> Option<&RowRef> {
        let mut versions = self.versions(table, rid).iter().rev();
        versions.find(|version| version.visible(me, snapshot))?.row.as_ref()
    }

    /// The newest version that is committed or the session's own.
    pub(super) fn current(&self, table: TableId, rid: &Rid, me: Who) -> Option<&RowRef> {
        self.visible(table, rid, me, u32::MAX)
    }

    /// Was the row changed by somebody else, and committed, after the snapshot?
    pub(super) fn changed_after(&self, table: TableId, rid: &Rid, snapshot: u32, me: Who) -> bool {
        let own = self.newest(table, rid).is_some_and(|version| version.is_open_by(me));
        let committed = self.committed(table, rid).map(|version| version.stage);
        !own && matches!(committed, Some(Stage::Committed(number)) if number > snapshot)
    }

    pub(super) fn put(&mut self, table: TableId, rid: Rid, version: Version) {
        Arc::make_mut(Arc::make_mut(&mut self.tables[table]).entry(rid).or_default()).push(version);
    }

    /// Drops a session's open versions after a mark.
    pub(super) fn undo(&mut self, me: Who, after: u32) {
        let undone = |version: &Version| matches!(version.stage, Stage::Open { by, mark } if by == me && mark > after);
        for table in self.tables.iter_mut().filter(|table| table.values().any(|versions| versions.iter().any(undone))) {
            Arc::make_mut(table).retain(|_, versions| {
                if versions.iter().any(undone) {
                    Arc::make_mut(versions).retain(|version| !undone(version));
                }
                !versions.is_empty()
            });
        }
    }

    /// Commits a session's open versions.
    pub(super) fn publish(&mut self, me: Who) {
        self.commits += 1;
        let is_open = |versions: &Arc<Vec<Version>>| versions.last().is_some_and(|version| version.is_open_by(me));
        let touched = self.tables.iter_mut().filter(|table| table.values().any(is_open));
        for versions in touched.flat_map(|table| Arc::make_mut(table).values_mut()) {
            let Some(last) = versions.last().filter(|version| version.is_open_by(me)).cloned() else { continue };
            let versions = Arc::make_mut(versions);
            versions.retain(|version| version.owner().is_none());
            versions.push(Version { stage: Stage::Committed(self.commits), ..last });
        }
    }

    /// A row under another identity that has, or may come to have, a unique key of `row`: the session to wait for is
    /// given if that is not decided yet. An `inserted` row also collides with the row of its own identity.
    pub(super) fn clash(
        &self,
        table: TableId,
        shape: &Shape,
        me: Who,
        (rid, row): (&Rid, &Row),
        inserted: bool,
    ) -> Option<(Rid, Option<Who>)> {
        for unique in &shape.uniques {
            let Some(entry) = unique.entry(row) else { continue };
            let same = |version: &Version| {
                version.row.as_deref().is_some_and(|row| unique.entry(row).as_ref() == Some(&entry))
            };
            for other in self.rids(table).filter(|&other| inserted || other != rid) {
                let Some(newest) = self.newest(table, other) else { continue };
                match newest.owner().filter(|&owner| owner != me) {
                    // Uncommitted: the key may appear, or come back, or has been there for a while.
                    Some(owner) if self.standing(table, other).iter().any(same) => {
                        return Some((other.clone(), Some(owner)));
                    }
                    None if same(newest) => return Some((other.clone(), None)),
                    _ => {}
                }
            }
        }
        None
    }

    // ---- locks ----

    pub(super) fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.locks.iter()
    }

    pub(super) fn holds(&self, what: &Resource, me: Who) -> bool {
        self.locks.iter().any(|lock| lock.by == me && lock.what == *what)
    }

    pub(super) fn add_lock(&mut self, what: Resource, mode: Mode, by: Who, scope: Scope) {
        self.locks.insert(Lock { what, mode, by, scope });
    }

    pub(super) fn release(&mut self, what: &Resource, me: Who) {
        self.locks.retain(|lock| lock.by != me || lock.what != *what);
    }

    /// Drops the locks that end with the transaction.
    pub(super) fn release_tx(&mut self, me: Who) {
        self.locks.retain(|lock| lock.by != me || lock.scope != Scope::Tx);
    }
}
