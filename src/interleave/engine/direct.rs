//! Places without transactions: files of a folder, values of a process. Every statement takes effect as a whole and at once
//! (one system call, one call under a lock, one atomic instruction), everybody sees it from then on, and nothing is ever
//! taken back. What holds several statements together is a named lock, if anything.

use super::super::Who;
use super::super::ending::Code;
use super::super::expr::{Expr, RowRef};
use super::super::lang::{Delete, Insert, Level, OnConflict, Read, Update};
use super::super::schema::Schema;
use super::super::state::{Progress, State};
use super::super::store::{Mode, Rid};
use super::{DbError, Rows, Rules, Stop, new_row, picked};

pub(super) struct Direct<'a> {
    pub schema: &'a Schema,
}

impl Rules for Direct<'_> {
    fn level(&self, _: Option<Level>) -> Level {
        Level::default()
    }

    /// Named locks, all of them exclusive.
    fn conflict(&self, _: Mode, _: Mode) -> bool {
        true
    }

    /// Two that wait for each other wait for ever.
    fn deadlock(&self) -> DbError {
        DbError { code: Code::Timeout, whole: false }
    }

    fn read(&self, st: &mut State, me: Who, q: &Read, at: &mut Progress) -> Rows {
        let filter = q.filter.bind(&st[me].vars);
        Ok(picked(st, me, at.table, &filter))
    }

    fn insert(&self, st: &mut State, me: Who, q: &Insert, at: &mut Progress) -> Rows {
        let table = at.table;
        if let Some(unless) = q.unless.as_ref().map(|unless| unless.bind(&st[me].vars))
            && !picked(st, me, table, &unless).is_empty()
        {
            return Ok(Vec::new());
        }
        let (rid, row) = new_row(st, me, self.schema, q, at);
        let Some((there, _)) = st.store.clash(table, self.schema.shape(table), me, (&rid, &row), true) else {
            st.put(me, table, &rid, Some(row.clone()));
            return Ok(done(st, me, vec![row]));
        };
        match (&q.on_conflict, st.store.current(table, &there, me).cloned()) {
            (OnConflict::Fail, _) => Stop::fail(Code::Unique),
            (OnConflict::Update(set), Some(old)) => {
                let new = st.after(me, set, &old);
                st.put(me, table, &there, Some(new.clone()));
                Ok(done(st, me, vec![new]))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn update(&self, st: &mut State, me: Who, q: &Update, at: &mut Progress) -> Rows {
        let filter = q.frozen.clone().map_or_else(|| q.filter.clone(), |frozen| q.filter.clone() & frozen);
        let table = at.table;
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
}

impl Direct<'_> {
    fn change(
        &self,
        st: &mut State,
        me: Who,
        at: &Progress,
        filter: &Expr,
        mut act: impl FnMut(&mut State, &Rid, &RowRef) -> Result<RowRef, Stop>,
    ) -> Rows {
        let filter = filter.bind(&st[me].vars);
        let rids: Vec<Rid> = st.store.rids(at.table).cloned().collect();
        let mut rows = Vec::new();
        for rid in rids {
            let Some(row) = st.store.current(at.table, &rid, me).cloned() else { continue };
            if filter.matches(&row) {
                rows.push(act(st, &rid, &row)?);
            }
        }
        Ok(done(st, me, rows))
    }
}

/// The statement is through, and what it has written is there for all.
fn done(st: &mut State, me: Who, rows: Vec<RowRef>) -> Vec<RowRef> {
    if st[me].tx.writes > 0 {
        st.store.publish(me);
        st[me].tx.writes = 0;
    }
    rows
}
