//! SQLite: one writer for the whole file. sqlite.org/lockingv3.html (rollback journal), wal.html (write-ahead log),
//! `lang_transaction.html` (DEFERRED, IMMEDIATE), rescode.html (`SQLITE_BUSY`, `SQLITE_BUSY_SNAPSHOT`). The busy handler is
//! taken to be patient: a wait that may end does end.

use super::super::Who;
use super::super::ending::Code;
use super::super::expr::{Expr, RowRef};
use super::super::lang::{Delete, Insert, Level, OnConflict, Read, Scope, Update};
use super::super::schema::Schema;
use super::super::state::{Progress, Request, State};
use super::super::store::{Mode, Resource, Rid};
use super::{Committed, DbError, Rows, Rules, Stop, new_row, picked, publish};

pub(super) struct Sqlite<'a> {
    pub schema: &'a Schema,
    /// Write-ahead log: readers and the writer don't wait for each other.
    pub wal: bool,
}

impl Rules for Sqlite<'_> {
    fn level(&self, asked: Option<Level>) -> Level {
        match asked {
            Some(Level::Immediate) => Level::Immediate,
            _ => Level::Deferred,
        }
    }

    /// lockingv3.html, section 3: PENDING keeps new readers out, RESERVED and PENDING other writers, and EXCLUSIVE has to
    /// wait until the last reader is gone.
    fn conflict(&self, held: Mode, asked: Mode) -> bool {
        use Mode::{Exclusive, FileExclusive, FilePending, FileReserved, FileShared};
        matches!(
            (held, asked),
            (Exclusive, _)
                | (_, Exclusive)
                | (FilePending, FileShared | FileReserved)
                | (FileShared, FileExclusive)
                | (FileReserved, FileReserved)
        )
    }

    fn deadlock(&self) -> DbError {
        DbError { code: Code::Busy, whole: false }
    }

    fn read(&self, st: &mut State, me: Who, q: &Read, at: &mut Progress) -> Rows {
        if st[me].tx.level == Level::Immediate {
            self.reserve(st, me)?;
        }
        if !self.wal && !holds(st, me, Mode::FileShared) {
            // Who has it already reads on, whoever wants to commit.
            self.lock(st, me, Resource::File, Mode::FileShared)?;
        }
        self.look(st, me);
        let filter = q.filter.bind(&st[me].vars);
        Ok(picked(st, me, at.table, &filter))
    }

    fn update(&self, st: &mut State, me: Who, q: &Update, at: &mut Progress) -> Rows {
        let table = at.table;
        let filter = q.frozen.clone().map_or_else(|| q.filter.clone(), |frozen| q.filter.clone() & frozen);
        self.change(st, me, at, &filter, |st, rid, old| {
            let new = st.after(me, &q.set, old);
            if st.store.clash(table, self.schema.shape(table), me, (rid, &new), false).is_some() {
                return Stop::fail(Code::Unique);
            }
            st.put(me, table, rid, Some(new.clone()));
            Ok(new)
        })
    }

    fn delete(&self, st: &mut State, me: Who, q: &Delete, at: &mut Progress) -> Rows {
        let table = at.table;
        self.change(st, me, at, &q.filter, |st, rid, old| {
            st.put(me, table, rid, None);
            Ok(old.clone())
        })
    }

    fn insert(&self, st: &mut State, me: Who, q: &Insert, at: &mut Progress) -> Rows {
        self.reserve(st, me)?;
        let table = at.table;
        if let Some(unless) = q.unless.as_ref().map(|unless| unless.bind(&st[me].vars)) {
            let mut rows = st.store.rids(table).filter_map(|rid| st.store.current(table, rid, me));
            if rows.any(|row| unless.matches(row)) {
                return Ok(Vec::new());
            }
        }
        let (rid, row) = new_row(st, me, self.schema, q, at);
        let Some((rival, _)) = st.store.clash(table, self.schema.shape(table), me, (&rid, &row), true) else {
            st.put(me, table, &rid, Some(row.clone()));
            return Ok(vec![row]);
        };
        match (&q.on_conflict, st.store.current(table, &rival, me).cloned()) {
            (OnConflict::Fail, _) => Stop::fail(Code::Unique),
            (OnConflict::Update(set), Some(old)) => {
                let new = st.after(me, set, &old);
                st.put(me, table, &rival, Some(new.clone()));
                Ok(vec![new])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// With a rollback journal, a commit needs every reader gone, and keeps new ones out until it gets there; also one that
    /// was to write and has found nothing to change.
    fn commit(&self, st: &mut State, me: Who) -> Result<Committed, Stop> {
        if !self.wal && holds(st, me, Mode::FileReserved) {
            st.store.add_lock(Resource::File, Mode::FilePending, me, Scope::Tx);
            let request = Request { what: Resource::File, mode: Mode::FileExclusive };
            if self.blocked(st, me, &request) {
                return Err(Stop::Wait(request));
            }
        }
        publish(st, me);
        Ok(Committed::Kept)
    }
}

impl Sqlite<'_> {
    /// What the next statements see: with a log, the snapshot of the transaction's first look; without, the file.
    fn look(&self, st: &mut State, me: Who) {
        let now = st.store.commits;
        let tx = &mut st[me].tx;
        if !self.wal || tx.snapshot.is_none() {
            tx.snapshot = Some(now);
        }
    }

    /// The write lock. Who has read already may not wait for it: the other one may be waiting for the read to end
    /// (`SQLITE_BUSY`), and with a log the snapshot may be history (`SQLITE_BUSY_SNAPSHOT`).
    fn reserve(&self, st: &mut State, me: Who) -> Result<(), Stop> {
        if holds(st, me, Mode::FileReserved) {
            return Ok(());
        }
        let read = st[me].tx.snapshot;
        let request = Request { what: Resource::File, mode: Mode::FileReserved };
        if self.blocked(st, me, &request) {
            return if read.is_some() { Stop::fail(Code::Busy) } else { Err(Stop::Wait(request)) };
        }
        if self.wal && read.is_some_and(|snapshot| snapshot < st.store.commits) {
            return Stop::fail(Code::BusySnapshot);
        }
        st.store.add_lock(Resource::File, Mode::FileReserved, me, Scope::Tx);
        if !self.wal {
            st.store.add_lock(Resource::File, Mode::FileShared, me, Scope::Tx);
        }
        self.look(st, me);
        Ok(())
    }

    /// UPDATE and DELETE: under the write lock the newest rows are the only ones.
    fn change(
        &self,
        st: &mut State,
        me: Who,
        at: &Progress,
        filter: &Expr,
        mut act: impl FnMut(&mut State, &Rid, &RowRef) -> Result<RowRef, Stop>,
    ) -> Rows {
        self.reserve(st, me)?;
        let filter = filter.bind(&st[me].vars);
        let rids: Vec<Rid> = st.store.rids(at.table).cloned().collect();
        let mut rows = Vec::new();
        for rid in rids {
            let Some(row) = st.store.current(at.table, &rid, me).cloned() else { continue };
            if filter.matches(&row) {
                rows.push(act(st, &rid, &row)?);
            }
        }
        Ok(rows)
    }
}

/// Has the session this lock on the file?
fn holds(st: &State, me: Who, mode: Mode) -> bool {
    st.store.locks().any(|lock| lock.by == me && lock.what == Resource::File && lock.mode == mode)
}
