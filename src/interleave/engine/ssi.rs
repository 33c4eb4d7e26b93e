//! Serializable snapshot isolation: what PostgreSQL remembers of SERIALIZABLE transactions, and when it gives one up.
//!
//! An **rw-conflict** R→W says that R read what W overwrote, so R comes before W in any serial order. A **dangerous
//! structure** is T0→T1→T2 among concurrent transactions with T2 the first to commit; SSI breaks each by failing one of
//! the three (README-SSI, "Serializable Isolation Implementation Strategies"). A transaction that is to fail but is not
//! running right now is **doomed**: it fails at its next statement or at its commit.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Who;
use super::super::ending::Code;
use super::super::expr::{Expr, RowRef};
use super::super::lang::Level;
use super::super::schema::TableId;
use super::super::state::State;
use super::super::store::{Stage, TxId};
use super::Stop;
use super::postgres::Postgres;

/// The SERIALIZABLE transactions that are open, or were while one that still is was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Conflicts(BTreeMap<TxId, Tracked>);

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tracked {
    /// Predicate locks: the filters it has read by.
    reads: BTreeSet<(TableId, Expr)>,
    /// Who overwrote what it read.
    out: BTreeSet<TxId>,
    /// Who read what it overwrote.
    inn: BTreeSet<TxId>,
    commit: Option<Moment>,
    pub doomed: bool,
}

impl Tracked {
    fn active(&self) -> bool {
        self.commit.is_none() && !self.doomed
    }
}

/// When a transaction committed: its commit number, or, if it wrote nothing, just after the latest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Moment {
    number: u32,
    read_only: bool,
}

impl Conflicts {
    /// Starts to track a transaction, unless it is tracked already.
    pub(super) fn begin(&mut self, tx: TxId) -> &Tracked {
        self.0.entry(tx).or_default()
    }

    pub(super) fn forget(&mut self, tx: TxId) {
        self.0.remove(&tx);
        for tracked in self.0.values_mut() {
            tracked.out.remove(&tx);
            tracked.inn.remove(&tx);
        }
    }

    /// `PreCommit_CheckForSerializationFailure`: may it commit? If so, it will be the first of any structure it ends.
    pub(super) fn may_commit(&mut self, tx: TxId) -> bool {
        let Some(tracked) = self.0.get(&tx) else { return true };
        if tracked.doomed {
            return false;
        }
        let active = |tx: &TxId| self.0.get(tx).is_some_and(Tracked::active);
        let pivots: Vec<TxId> = tracked.inn.iter().copied().filter(active).collect();
        for pivot in pivots {
            let active = |tx: &TxId| self.0.get(tx).is_some_and(Tracked::active);
            if self.0.get(&pivot).is_some_and(|pivot| pivot.inn.iter().any(|first| *first == tx || active(first))) {
                self.doom(pivot);
            }
        }
        true
    }

    pub(super) fn committed(&mut self, tx: TxId, number: u32, wrote: bool) {
        if let Some(tracked) = self.0.get_mut(&tx) {
            tracked.commit = Some(Moment { number, read_only: !wrote });
        }
    }

    fn doom(&mut self, tx: TxId) {
        if let Some(tracked) = self.0.get_mut(&tx) {
            tracked.doomed = true;
        }
    }

    fn commit_of(&self, tx: TxId) -> Option<Moment> {
        self.0.get(&tx)?.commit
    }

    /// `OnConflict_CheckForSerializationFailure`: adds the conflict reader→writer, unless it completes a dangerous structure.
    fn add(&mut self, reader: TxId, writer: TxId, running: TxId) -> Result<(), Stop> {
        let (Some(r), Some(w)) = (self.0.get(&reader), self.0.get(&writer)) else { return Ok(()) };
        let written = w.commit;
        // R→W→T2, and T2 committed before the others.
        let pivot = w.out.iter().filter_map(|t2| self.commit_of(*t2)).any(|t2| {
            let before_writer = written.is_none_or(|written| t2 <= written);
            written.is_some_and(|written| t2 < written) || before_writer && r.commit.is_none_or(|read| t2 <= read)
        });
        // T0→R→W, and W committed before the others.
        let last = written.is_some_and(|written| {
            let later = |t0: &Tracked| !t0.doomed && t0.commit.is_none_or(|t0| t0 >= written);
            r.inn.iter().filter_map(|t0| self.0.get(t0)).any(later)
        });
        if pivot || last {
            if running == writer || written.is_some() {
                return Stop::fail(Code::Serialization);
            }
            self.doom(writer);
        }
        if let Some(r) = self.0.get_mut(&reader) {
            r.out.insert(writer);
        }
        if let Some(w) = self.0.get_mut(&writer) {
            w.inn.insert(reader);
        }
        Ok(())
    }
}

impl Postgres<'_> {
    /// The session has read by this filter: it is remembered, and the writers of versions that the snapshot does not see
    /// come after the session. A lookup by a whole unique key locks that key, anything else the table, as a sequential
    /// scan does.
    pub(super) fn saw(&self, st: &mut State, me: Who, table: TableId, filter: &Expr) -> Result<(), Stop> {
        if st[me].tx.level != Level::Serializable {
            return Ok(());
        }
        let (id, snapshot) = (st[me].tx.id, st.snapshot(me));
        let by_key = self.schema.shape(table).lookup(filter).is_some();
        let seen = if by_key { filter.clone() } else { Expr::TRUE };
        let mut writers = Vec::new();
        for rid in st.store.rids(table) {
            let mut before = None;
            for version in st.store.versions(table, rid) {
                let unseen = match version.stage {
                    Stage::Open { by, .. } => by != me,
                    Stage::Committed(number) => number > snapshot,
                };
                let touches = [version.row.as_ref(), before].into_iter().flatten().any(|row| seen.matches(row));
                if unseen && touches {
                    writers.extend(version.writer);
                }
                before = version.row.as_ref();
            }
        }
        if let Some(tracked) = st.conflicts.0.get_mut(&id) {
            tracked.reads.insert((table, seen));
        }
        writers.into_iter().try_for_each(|writer| st.conflicts.add(id, writer, id))
    }
}

/// The session is writing: old and new row. Concurrent transactions that read by a filter of either come before it.
pub(super) fn wrote(st: &mut State, me: Who, table: TableId, rows: &[&RowRef]) -> Result<(), Stop> {
    if st[me].tx.level != Level::Serializable {
        return Ok(());
    }
    let (id, snapshot) = (st[me].tx.id, Moment { number: st.snapshot(me), read_only: false });
    let readers: Vec<TxId> = (st.conflicts.0.iter())
        .filter(|(reader, tracked)| **reader != id && tracked.commit.is_none_or(|commit| commit > snapshot))
        .filter(|(_, tracked)| {
            let hit = |(t, seen): &(TableId, Expr)| *t == table && rows.iter().any(|row| seen.matches(row));
            tracked.reads.iter().any(hit)
        })
        .map(|(reader, _)| *reader)
        .collect();
    readers.into_iter().try_for_each(|reader| st.conflicts.add(reader, id, id))
}
