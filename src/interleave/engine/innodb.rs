//! InnoDB. MySQL manual, chapter 17.7 "InnoDB Locking and Transaction Model": 17.7.1 locking, 17.7.2.1 isolation levels,
//! 17.7.2.3 consistent reads, 17.7.3 locks set by statements, 17.7.5.2 deadlock detection. MariaDB knowledge base,
//! `innodb_snapshot_isolation`.

use std::sync::Arc;

use super::super::Who;
use super::super::ending::Code;
use super::super::expr::{Expr, Name, RowRef, Value};
use super::super::lang::{Delete, Insert, Level, OnConflict, Read, RowLock, Scope, Update};
use super::super::schema::{Schema, TableId};
use super::super::state::{Extent, Progress, Request, Savepoint, State};
use super::super::store::{Entry, Lock, Mode, Resource, Rid, Version};
use super::{DbError, Rows, Rules, Stop, new_row, parent, picked};

pub(super) struct InnoDb<'a> {
    pub schema: &'a Schema,
    /// `innodb_snapshot_isolation`: a locking read of a row that the read view does not see is an error.
    pub snapshot_isolation: bool,
}

impl Rules for InnoDb<'_> {
    fn level(&self, asked: Option<Level>) -> Level {
        match asked {
            Some(level @ (Level::ReadCommitted | Level::Serializable)) => level,
            _ => Level::RepeatableRead,
        }
    }

    fn conflict(&self, held: Mode, asked: Mode) -> bool {
        held == Mode::Exclusive || asked == Mode::Exclusive
    }

    /// Row locks are granted in the order they were asked for: a request also waits for an earlier one that waits, unless
    /// the session has such a lock already. Who has S and asks for X waits even for one that waits for this S: a deadlock.
    fn blocked(&self, st: &State, me: Who, request: &Request) -> bool {
        if self.locked_out(st, me, request) {
            return true;
        }
        let has = |lock: &Lock| {
            lock.by == me && lock.what == request.what && [request.mode, Mode::Exclusive].contains(&lock.mode)
        };
        if !matches!(request.what, Resource::Row(..)) || st.store.locks().any(has) {
            return false;
        }
        let rival = st[me.other()].wants.as_ref();
        let rival = rival.is_some_and(|rival| rival.what == request.what && self.conflict(rival.mode, request.mode));
        let waiting = st[me].wants.as_ref().is_some_and(|mine| mine.what == request.what);
        rival && (!waiting || st[me].late)
    }

    /// The whole transaction is rolled back ("InnoDB Error Handling").
    fn deadlock(&self) -> DbError {
        DbError { code: Code::InnoDeadlock, whole: true }
    }

    /// The smaller transaction, by what it has changed and locked (17.7.5.2).
    fn victims(&self, st: &State) -> Vec<Who> {
        let weight = |who: Who| match st[who].tx.extent {
            Extent::Closed => 0,
            _ => st[who].tx.writes as usize + st.store.locks().filter(|lock| lock.by == who).count(),
        };
        match weight(Who::A).cmp(&weight(Who::B)) {
            std::cmp::Ordering::Less => vec![Who::A],
            std::cmp::Ordering::Greater => vec![Who::B],
            std::cmp::Ordering::Equal => Who::BOTH.to_vec(),
        }
    }

    /// With `innodb_snapshot_isolation`, SERIALIZABLE opens its read view at the first statement.
    fn start(&self, st: &mut State, me: Who) -> Result<(), Stop> {
        let now = st.store.commits;
        let tx = &mut st[me].tx;
        if self.snapshot_isolation && tx.level == Level::Serializable && tx.snapshot.is_none() {
            tx.snapshot = Some(now);
        }
        Ok(())
    }

    /// Row locks outlive the way back. But a savepoint set before the transaction has come to InnoDB is none of its: then
    /// all of it is rolled back there.
    fn roll_back_to(&self, st: &mut State, me: Who, savepoint: Savepoint) {
        st.store.undo(me, savepoint.writes);
        if savepoint.first {
            st.store.release_tx(me);
            st[me].tx.snapshot = None;
            st[me].tx.touched = false;
        }
    }

    fn read(&self, st: &mut State, me: Who, q: &Read, at: &mut Progress) -> Rows {
        let filter = q.filter.bind(&st[me].vars);
        // 17.7.2.1: in a transaction, SERIALIZABLE turns every SELECT into SELECT … FOR SHARE.
        let sharing = st[me].tx.level == Level::Serializable && st[me].tx.extent == Extent::Block;
        let mode = match q.lock {
            Some(RowLock::Update) => Mode::Exclusive,
            Some(RowLock::Share) => Mode::Shared,
            None if sharing => Mode::Shared,
            None => {
                // 17.7.2.3: the read view opens at the first plain SELECT, not before; READ COMMITTED opens one for each.
                let now = st.store.commits;
                let tx = &mut st[me].tx;
                if tx.level == Level::ReadCommitted || tx.snapshot.is_none() {
                    tx.snapshot = Some(now);
                }
                return Ok(picked(st, me, at.table, &filter));
            }
        };
        self.scan(st, me, at, &Scan { filter, mode, semi_consistent: false, first: false }, |_, _, row| Ok(row.clone()))
    }

    fn update(&self, st: &mut State, me: Who, q: &Update, at: &mut Progress) -> Rows {
        let table = at.table;
        let filter = match &q.frozen {
            // The sub-select is a locking read here, so it sees the newest rows, too.
            Some(frozen) => (q.filter.clone() & frozen.clone()).bind(&st[me].vars),
            None => q.filter.bind(&st[me].vars),
        };
        let semi_consistent = st[me].tx.level == Level::ReadCommitted && !self.snapshot_isolation;
        self.scan(st, me, at, &Scan { filter, mode: Mode::Exclusive, semi_consistent, first: false }, |st, rid, old| {
            let new = st.after(me, &q.set, old);
            if new == *old {
                // Nothing changes: the row is locked and counted as matched, but no version is written.
                return Ok(new);
            }
            if self.duplicate(st, me, table, (rid, &new), Mode::Shared, false)?.is_some() {
                return Stop::fail(Code::Unique);
            }
            self.intend(st, me, table, (rid, &new))?;
            st.put(me, table, rid, Some(new.clone()));
            Ok(new)
        })
    }

    fn delete(&self, st: &mut State, me: Who, q: &Delete, at: &mut Progress) -> Rows {
        let (table, filter) = (at.table, q.filter.bind(&st[me].vars));
        self.scan(
            st,
            me,
            at,
            &Scan { filter, mode: Mode::Exclusive, semi_consistent: false, first: false },
            |st, rid, old| {
                st.put(me, table, rid, None);
                Ok(old.clone())
            },
        )
    }

    fn insert(&self, st: &mut State, me: Who, q: &Insert, at: &mut Progress) -> Rows {
        let table = at.table;
        if let Some(unless) = &q.unless
            && at.new.is_none()
            && self.exists(st, me, at, unless.bind(&st[me].vars))?
        {
            return Ok(Vec::new());
        }
        let (rid, row) = new_row(st, me, self.schema, q, at);
        // 17.7.3: on a duplicate key, S on the row that has it, or X with ON DUPLICATE KEY UPDATE.
        let mode = if let OnConflict::Update(_) = q.on_conflict { Mode::Exclusive } else { Mode::Shared };
        if let Some(rival) = self.duplicate(st, me, table, (&rid, &row), mode, true)? {
            let set = match &q.on_conflict {
                OnConflict::Fail => return Stop::fail(Code::Unique),
                OnConflict::Nothing => return Ok(Vec::new()),
                OnConflict::Update(set) => set,
            };
            let Some(old) = st.store.current(table, &rival, me).cloned() else { return Ok(Vec::new()) };
            let new = st.after(me, set, &old);
            if new != old {
                st.put(me, table, &rival, Some(new.clone()));
            }
            return Ok(vec![new]);
        }
        self.intend(st, me, table, (&rid, &row))?;
        if let Some(parent) = parent(self.schema, table, &row) {
            self.lock(st, me, parent.clone(), Mode::Shared)?;
            if let Resource::Row(table, rid) = &parent {
                self.unchanged(st, me, *table, rid)?;
            }
        }
        st.put(me, table, &rid, Some(row.clone()));
        st.store.add_lock(Resource::Row(table, rid), Mode::Exclusive, me, Scope::Tx);
        Ok(vec![row])
    }
}

/// The place of the primary key among the indexes.
const PRIMARY: usize = 0;

/// A locking scan.
struct Scan {
    filter: Expr,
    mode: Mode,
    /// 17.7.2.1, READ COMMITTED: an UPDATE that walks along the primary key and meets a locked row looks at its last
    /// committed version first, and waits only if that matches.
    semi_consistent: bool,
    /// The first row that matches is enough.
    first: bool,
}

/// The index range a scan covers.
struct Range<'a> {
    index: usize,
    columns: &'a [Name],
    /// The index's columns, if the filter fixes them; else the range is the whole primary key.
    key: Option<Vec<Value>>,
    /// A whole unique key is fixed: at most one row.
    point: bool,
}

impl Range<'_> {
    fn holds(&self, version: &Version) -> bool {
        version.row.as_ref().is_some_and(|row| self.has(row))
    }

    fn has(&self, row: &RowRef) -> bool {
        self.key.as_ref().is_none_or(|key| row.pick(self.columns) == *key)
    }

    /// The entry of a row in this range.
    fn entry(&self, rid: &Rid) -> Entry {
        let mut entry = self.key.clone().unwrap_or_else(|| vec![rid.clone()]);
        entry.push(rid.clone());
        entry
    }
}

impl InnoDb<'_> {
    fn range(&self, table: TableId, filter: &Expr) -> Range<'_> {
        let shape = self.schema.shape(table);
        let (index, key, point) = if let Some((index, key)) = shape.lookup(filter) {
            (index, Some(key), true)
        } else if let Some((index, key)) = shape.range(filter) {
            (index, Some(key), false)
        } else {
            (PRIMARY, None, false)
        };
        Range { index, columns: &shape.indexes[index], key, point }
    }

    /// The entries of an index; those not committed yet, and those deleted but not committed yet, are in it, too.
    fn entries<'s>(&self, st: &'s State, table: TableId, index: usize) -> impl Iterator<Item = Entry> + use<'s, '_> {
        let columns = &self.schema.shape(table).indexes[index];
        st.store.rids(table).flat_map(move |rid| {
            st.store.standing(table, rid).iter().filter_map(move |version| {
                let mut entry = version.row.as_ref()?.pick(columns);
                entry.push(rid.clone());
                Some(entry)
            })
        })
    }

    /// A locking scan ("current read"): in key order, one entry at a time, over the newest rows. Below REPEATABLE READ
    /// only rows that match stay locked; from there on all that were scanned do, and the gaps between them (17.7.2.1).
    fn scan(
        &self,
        st: &mut State,
        me: Who,
        at: &mut Progress,
        Scan { filter, mode, semi_consistent, first }: &Scan,
        mut act: impl FnMut(&mut State, &Rid, &RowRef) -> Result<RowRef, Stop>,
    ) -> Rows {
        let table = at.table;
        let gaps = st[me].tx.level != Level::ReadCommitted;
        let range = self.range(table, filter);
        while let Some(rid) = at.at.take().or_else(|| self.next_entry(st, me, table, &range, at.passed.as_ref())) {
            if st.store.versions(table, &rid).is_empty() {
                // The scan has waited here for an insert that was rolled back.
                at.passed = Some(rid);
                continue;
            }
            let what = Resource::Row(table, rid.clone());
            let request = Request { what: what.clone(), mode: *mode };
            if *semi_consistent && range.index == PRIMARY && !range.point && self.blocked(st, me, &request) {
                let committed = st.store.committed(table, &rid).and_then(|version| version.row.as_ref());
                if !committed.is_some_and(|row| filter.matches(row)) {
                    at.passed = Some(rid);
                    continue;
                }
            }
            if gaps && !range.point {
                // A next-key lock: the gap before the entry is locked even while the entry is waited for.
                let here = range.entry(&rid);
                let after = self.entries(st, table, range.index).filter(|entry| *entry < here).max();
                lock_gap(st, me, table, range.index, after, Some(here));
            }
            let held = st.store.holds(&what, me);
            at.at = Some(rid.clone());
            self.lock(st, me, what.clone(), *mode)?;
            // Read views are a matter of the rows. Another index than the primary key's leads to a row if the entry is still
            // there, and not at all if only its being there is asked for.
            let there = |row: &RowRef| range.has(row) && !first;
            let looks = range.index == PRIMARY || st.store.current(table, &rid, me).is_some_and(there);
            if looks {
                self.unchanged(st, me, table, &rid)?;
            }
            match st.store.current(table, &rid, me).cloned().filter(|row| filter.matches(row)) {
                Some(row) => at.rows.push(act(st, &rid, &row)?),
                None if !gaps && !held => st.store.release(&what, me),
                None => {}
            }
            at.at = None;
            at.passed = Some(rid);
            if *first && !at.rows.is_empty() {
                return Ok(std::mem::take(&mut at.rows));
            }
        }
        if gaps && !(range.point && at.passed.is_some()) {
            // The gap behind the last entry; for a key that is missing, the gap it would fall into.
            let end = range.key.clone().map(|mut key| {
                key.extend(at.passed.clone());
                key
            });
            let within = |entry: &Entry| end.as_ref().is_none_or(|end| entry <= end);
            let after = self.entries(st, table, range.index).filter(|entry| within(entry)).max();
            let before = self.entries(st, table, range.index).filter(|entry| !within(entry)).min();
            lock_gap(st, me, table, range.index, after, before);
        }
        Ok(std::mem::take(&mut at.rows))
    }

    /// With `innodb_snapshot_isolation`, a locked row that was changed after the read view was opened is an error.
    fn unchanged(&self, st: &State, me: Who, table: TableId, rid: &Rid) -> Result<(), Stop> {
        if self.view(st, me).is_some_and(|view| st.store.changed_after(table, rid, view, me)) {
            return Err(Stop::Fail(DbError { code: Code::RecordChanged, whole: true }));
        }
        Ok(())
    }

    /// The read view that locking reads are held to.
    fn view(&self, st: &State, me: Who) -> Option<u32> {
        let tx = &st[me].tx;
        tx.snapshot.filter(|_| self.snapshot_isolation && tx.level != Level::ReadCommitted)
    }

    /// The first entry of the range behind the last one. A row that others have deleted is still there for a read view
    /// that sees it.
    fn next_entry(&self, st: &State, me: Who, table: TableId, range: &Range<'_>, passed: Option<&Rid>) -> Option<Rid> {
        // Entries of other indexes know no read views.
        let view = self.view(st, me).filter(|_| range.index == PRIMARY);
        let seen = |rid: &Rid| {
            let row = view.and_then(|view| st.store.visible(table, rid, me, view));
            row.is_some_and(|row| range.has(row))
        };
        let found = |rid: &&Rid| st.store.standing(table, rid).iter().any(|version| range.holds(version)) || seen(rid);
        st.store.rids_after(table, passed).find(found).cloned()
    }

    /// The condition of `INSERT … SELECT … WHERE NOT EXISTS`: at READ COMMITTED a consistent read, else the rows are
    /// locked as with FOR SHARE (17.7.3).
    fn exists(&self, st: &mut State, me: Who, at: &mut Progress, filter: Expr) -> Result<bool, Stop> {
        if st[me].tx.level == Level::ReadCommitted {
            let now = st.store.commits;
            let mut rows = st.store.rids(at.table).filter_map(|rid| st.store.visible(at.table, rid, me, now));
            return Ok(rows.any(|row| filter.matches(row)));
        }
        let scan = Scan { filter, mode: Mode::Shared, semi_consistent: false, first: true };
        let rows = self.scan(st, me, at, &scan, |_, _, row| Ok(Arc::clone(row)))?;
        Ok(!rows.is_empty())
    }

    /// The row that has the key of a new one. It is locked, which waits until that is decided, and stays locked after an
    /// error (17.7.3).
    fn duplicate(
        &self,
        st: &mut State,
        me: Who,
        table: TableId,
        (rid, row): (&Rid, &RowRef),
        mode: Mode,
        inserted: bool,
    ) -> Result<Option<Rid>, Stop> {
        let Some((rival, _)) = st.store.clash(table, self.schema.shape(table), me, (rid, row), inserted) else {
            return Ok(None);
        };
        self.lock(st, me, Resource::Row(table, rival.clone()), mode)?;
        // A duplicate in another index is told from that index; only who is to update the row goes on to it.
        if rival == *rid || mode == Mode::Exclusive {
            self.unchanged(st, me, table, &rival)?;
        }
        Ok(Some(rival))
    }

    /// Insert intention locks (17.7.1): each new index entry waits for another's lock on the gap around it. An entry the
    /// row had before is still there and is only unmarked.
    fn intend(&self, st: &State, me: Who, table: TableId, (rid, row): (&Rid, &RowRef)) -> Result<(), Stop> {
        let past = st.store.standing(table, rid);
        for (index, columns) in self.schema.shape(table).indexes.iter().enumerate() {
            let mut entry = row.pick(columns);
            let mut had = past.iter().filter_map(|version| version.row.as_ref());
            if entry.contains(&Value::Null) || had.any(|row| row.pick(columns) == entry) {
                continue;
            }
            entry.push(rid.clone());
            let request = Request { what: Resource::Insertion { table, index, entry }, mode: Mode::Exclusive };
            if self.blocked(st, me, &request) {
                return Err(Stop::Wait(request));
            }
        }
        Ok(())
    }
}

/// Gap locks never conflict with each other (17.7.1), so there is nothing to wait for.
fn lock_gap(st: &mut State, me: Who, table: TableId, index: usize, after: Option<Entry>, before: Option<Entry>) {
    st.store.add_lock(Resource::Gap { table, index, after, before }, Mode::Gap, me, Scope::Tx);
}
