//! PostgreSQL. Manual, chapter 13: 13.2 Transaction Isolation, 13.3 Explicit Locking; the source's README-SSI and
//! predicate.c for SERIALIZABLE.

use super::super::Who;
use super::super::ending::Code;
use super::super::expr::{Expr, RowRef};
use super::super::lang::{Delete, Insert, Level, OnConflict, Read, RowLock, Scope, Update};
use super::super::schema::{Schema, TableId};
use super::super::state::{Handler, Progress, Savepoint, State};
use super::super::store::{Mode, Resource, Rid};
use super::ssi::wrote;
use super::{Committed, DbError, Rows, Rules, Stop, new_row, parent, picked, publish, roll_back};

pub(super) struct Postgres<'a> {
    pub schema: &'a Schema,
    /// Rows are locked in descending order.
    pub reverse: bool,
}

impl Rules for Postgres<'_> {
    fn level(&self, asked: Option<Level>) -> Level {
        match asked {
            Some(level @ (Level::RepeatableRead | Level::Serializable)) => level,
            _ => Level::ReadCommitted,
        }
    }

    /// Manual 13.3.2, table "Conflicting Row-Level Locks".
    fn conflict(&self, held: Mode, asked: Mode) -> bool {
        use Mode::{Exclusive, ForNoKeyUpdate, ForShare, ForUpdate};
        matches!(
            (held, asked),
            (Exclusive | ForUpdate, _)
                | (_, Exclusive | ForUpdate)
                | (ForNoKeyUpdate, ForNoKeyUpdate | ForShare)
                | (ForShare, ForNoKeyUpdate)
        )
    }

    fn deadlock(&self) -> DbError {
        DbError { code: Code::Deadlock, whole: false }
    }

    /// The snapshot is taken when the statement starts, before it waits for anything: at READ COMMITTED by each
    /// statement, else by the first one, which may be the very one that waits for a lock (13.2.1, 13.2.2).
    fn start(&self, st: &mut State, me: Who) -> Result<(), Stop> {
        let (tx, now) = (&st[me].tx, st.store.commits);
        let (id, level) = (tx.id, tx.level);
        if tx.failed {
            return Stop::fail(Code::TransactionFailed);
        }
        if level == Level::Serializable && st.conflicts.begin(id).doomed {
            return Stop::fail(Code::Serialization);
        }
        let tx = &mut st[me].tx;
        if level == Level::ReadCommitted || tx.snapshot.is_none() {
            tx.snapshot = Some(now);
        }
        Ok(())
    }

    fn read(&self, st: &mut State, me: Who, q: &Read, at: &mut Progress) -> Rows {
        let filter = q.filter.bind(&st[me].vars);
        let mode = match q.lock {
            None => {
                self.saw(st, me, at.table, &filter)?;
                return Ok(picked(st, me, at.table, &filter));
            }
            Some(RowLock::Share) => Mode::ForShare,
            Some(RowLock::Update) => Mode::ForUpdate,
        };
        self.locking(st, me, at, &Pick { filter, frozen: None, mode }, |_, _, row| Ok(row.clone()))
    }

    fn update(&self, st: &mut State, me: Who, q: &Update, at: &mut Progress) -> Rows {
        let (table, shape) = (at.table, self.schema.shape(at.table));
        let key_is_set =
            shape.uniques.iter().any(|key| key.columns.iter().any(|column| q.set.iter().any(|(set, _)| set == column)));
        let pick = Pick {
            filter: q.filter.bind(&st[me].vars),
            frozen: q.frozen.as_ref().map(|frozen| frozen.bind(&st[me].vars)),
            mode: if key_is_set { Mode::ForUpdate } else { Mode::ForNoKeyUpdate },
        };
        self.locking(st, me, at, &pick, |st, rid, old| {
            let new = st.after(me, &q.set, old);
            // Keys are checked row by row, at once: two rows cannot swap a unique value in one statement.
            let duplicate = self.duplicate(st, me, table, (rid, &new), false)?.is_some();
            wrote(st, me, table, &[old, &new])?;
            if duplicate {
                return Stop::fail(Code::Unique);
            }
            st.put(me, table, rid, Some(new.clone()));
            Ok(new)
        })
    }

    fn delete(&self, st: &mut State, me: Who, q: &Delete, at: &mut Progress) -> Rows {
        let table = at.table;
        let pick = Pick { filter: q.filter.bind(&st[me].vars), frozen: None, mode: Mode::ForUpdate };
        self.locking(st, me, at, &pick, |st, rid, old| {
            wrote(st, me, table, &[old])?;
            st.put(me, table, rid, None);
            Ok(old.clone())
        })
    }

    fn insert(&self, st: &mut State, me: Who, q: &Insert, at: &mut Progress) -> Rows {
        let table = at.table;
        if !at.inserted {
            if let Some(unless) = q.unless.as_ref().map(|unless| unless.bind(&st[me].vars)) {
                // A sub-select like any other: on the snapshot, and it locks nothing.
                self.saw(st, me, table, &unless)?;
                if !picked(st, me, table, &unless).is_empty() {
                    return Ok(Vec::new());
                }
            }
            let (rid, row) = new_row(st, me, self.schema, q, at);
            if let Some(rival) = self.duplicate(st, me, table, (&rid, &row), true)? {
                if q.on_conflict == OnConflict::Fail {
                    // The row goes into the heap first, where a conflict with a concurrent reader shows; the clauses look
                    // before they insert.
                    wrote(st, me, table, &[&row])?;
                }
                return self.conflicting(st, me, table, q, &rival);
            }
            wrote(st, me, table, &[&row])?;
            st.put(me, table, &rid, Some(row));
            st.store.add_lock(Resource::Row(table, rid), Mode::ForUpdate, me, Scope::Tx);
            at.inserted = true;
        }
        let (_, row) = new_row(st, me, self.schema, q, at);
        if let Some(parent) = parent(self.schema, table, &row) {
            // The foreign key is checked after the row is in, with FOR KEY SHARE on the parent (13.3.2).
            self.lock(st, me, parent, Mode::ForKeyShare)?;
        }
        Ok(vec![row])
    }

    /// COMMIT of a failed transaction rolls it back and reports no error.
    fn commit(&self, st: &mut State, me: Who) -> Result<Committed, Stop> {
        if st[me].tx.failed {
            self.rollback(st, me);
            return Ok(Committed::RolledBack);
        }
        let (id, wrote) = (st[me].tx.id, st[me].tx.writes > 0);
        if !st.conflicts.may_commit(id) {
            return Stop::fail(Code::SerializationAtCommit);
        }
        publish(st, me);
        st.conflicts.committed(id, st.store.commits, wrote);
        let open = |who: Who| st[who].tx.level == Level::Serializable;
        if !Who::BOTH.into_iter().any(open) {
            st.conflicts = super::Conflicts::default();
        }
        Ok(Committed::Kept)
    }

    fn rollback(&self, st: &mut State, me: Who) {
        let id = st[me].tx.id;
        st.conflicts.forget(id);
        roll_back(st, me);
    }

    fn roll_back_to(&self, st: &mut State, me: Who, savepoint: Savepoint) {
        st.store.undo(me, savepoint.writes);
        st[me].tx.failed = false;
    }

    /// An error ends the transaction, or the part since the savepoint, at once: effects and locks go, and until ROLLBACK
    /// (TO) every statement fails.
    fn on_error(&self, st: &mut State, me: Who, _: &DbError) {
        let savepoint = st[me].handlers.iter().rev().find_map(|handler| match handler {
            Handler::Savepoint(savepoint) => Some(savepoint.writes),
            _ => None,
        });
        st.store.undo(me, savepoint.unwrap_or(0));
        if savepoint.is_none() {
            st.store.release_tx(me);
            let id = st[me].tx.id;
            st.conflicts.forget(id);
        }
        st[me].tx.failed = true;
    }
}

/// What a statement that locks rows looks for.
struct Pick {
    filter: Expr,
    /// A condition that is never tested again.
    frozen: Option<Expr>,
    mode: Mode,
}

impl Postgres<'_> {
    /// UPDATE, DELETE and SELECT FOR …: rows are chosen by the snapshot, then locked one by one, then looked at again.
    fn locking(
        &self,
        st: &mut State,
        me: Who,
        at: &mut Progress,
        pick: &Pick,
        mut act: impl FnMut(&mut State, &Rid, &RowRef) -> Result<RowRef, Stop>,
    ) -> Rows {
        let (table, snapshot) = (at.table, st.snapshot(me));
        if at.picked.is_none() {
            let hit = |row: &RowRef| {
                pick.filter.matches(row) && pick.frozen.as_ref().is_none_or(|frozen| frozen.matches(row))
            };
            let hits = st.store.rids(table).filter(|rid| st.store.visible(table, rid, me, snapshot).is_some_and(hit));
            // The next row is taken from the end.
            at.picked = Some(if self.reverse { hits.cloned().collect() } else { hits.rev().cloned().collect() });
            self.saw(st, me, table, &pick.filter)?;
        }
        while let Some(rid) = at.picked.as_ref().and_then(|picked| picked.last()).cloned() {
            self.lock(st, me, Resource::Row(table, rid.clone()), pick.mode)?;
            let row = st.store.current(table, &rid, me).cloned();
            let changed = st.store.changed_after(table, &rid, snapshot, me);
            if changed && st[me].tx.level != Level::ReadCommitted {
                // "could not serialize access due to concurrent update" (13.2.2): the first updater wins.
                return Stop::fail(Code::Serialization);
            }
            // READ COMMITTED tests the filter again on the newest version (13.2.1); the row stays locked either way.
            if let Some(row) = row.filter(|row| !changed || pick.filter.matches(row)) {
                let row = act(st, &rid, &row)?;
                at.rows.push(row);
            }
            at.picked.as_mut().and_then(Vec::pop);
        }
        Ok(std::mem::take(&mut at.rows))
    }

    /// The row that has the key of a new one. While that is not decided, its transaction's end is waited for.
    fn duplicate(
        &self,
        st: &mut State,
        me: Who,
        table: TableId,
        (rid, row): (&Rid, &RowRef),
        inserted: bool,
    ) -> Result<Option<Rid>, Stop> {
        match st.store.clash(table, self.schema.shape(table), me, (rid, row), inserted) {
            None => Ok(None),
            Some((_, Some(owner))) => Stop::wait(Resource::End(st[owner].tx.id), Mode::Exclusive),
            Some((rival, None)) => Ok(Some(rival)),
        }
    }

    /// INSERT of a row whose key is taken: the ON CONFLICT clause, else a violation.
    fn conflicting(&self, st: &mut State, me: Who, table: TableId, q: &Insert, rival: &Rid) -> Rows {
        let set = match &q.on_conflict {
            OnConflict::Fail => return Stop::fail(Code::Unique),
            OnConflict::Nothing => None,
            OnConflict::Update(set) => Some(set),
        };
        if set.is_some() {
            self.lock(st, me, Resource::Row(table, rival.clone()), Mode::ForNoKeyUpdate)?;
        }
        let unseen = st.store.changed_after(table, rival, st.snapshot(me), me);
        if unseen && st[me].tx.level != Level::ReadCommitted {
            // 13.2.2: neither arm may act on a row the snapshot does not see.
            return Stop::fail(Code::Serialization);
        }
        let (Some(set), Some(old)) = (set, st.store.current(table, rival, me).cloned()) else { return Ok(Vec::new()) };
        let new = st.after(me, set, &old);
        wrote(st, me, table, &[&old, &new])?;
        st.put(me, table, rival, Some(new.clone()));
        Ok(vec![new])
    }
}
