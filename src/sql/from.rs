//! The tables of a statement: `FROM`, joins, and the table of a write.

use super::token::TokenKind;
use super::types::{Join, Lock, LockStrength, SqlValue, Table};
use super::view::{Notes, Range, View};

/// What a list of tables says.
#[derive(Default)]
pub(super) struct From {
    /// The first real table.
    pub table: Option<Table>,
    /// The others.
    pub joins: Vec<Join>,
    /// A sub-select that stands first, and its alias.
    pub source: Option<(usize, Option<String>)>,
    /// A lock by table hint (SQL Server).
    pub lock: Option<Lock>,
    /// Whether there is an `ON` that belongs to no table listed.
    pub opaque: bool,
}

const JOIN_WORDS: [&str; 10] =
    ["join", "inner", "left", "right", "full", "cross", "outer", "natural", "straight_join", "apply"];

impl View<'_> {
    /// Reads `a AS x JOIN b ON … , c`.
    pub fn from(&self, range: Range, notes: &mut Notes) -> From {
        let mut from = From::default();
        let mut at = range.0;
        let mut outer = false;
        let mut first = true;
        while at < range.1 {
            if self.is_symbol(at, ",") {
                (outer, at) = (false, at + 1);
            } else if self.is_any(at, &JOIN_WORDS) {
                outer |= self.is_any(at, &["left", "right", "full", "outer"]);
                at += 1;
            } else if self.is_any(at, &["only", "lateral"]) || self.is_fragment(at, 0) {
                at += 1;
            } else if self.is(at, "on") {
                let end = self.join_end((at + 1, range.1));
                let on = self.filter((at + 1, end), notes);
                match from.joins.last_mut() {
                    Some(join) => join.on = on,
                    None => from.opaque = true,
                }
                at = end;
            } else if self.is(at, "using") && self.is_open(at + 1) {
                at = self.tokens.after(at + 1);
            } else {
                at = self.table_item((at, range.1), outer, &mut from, &mut first);
                outer = false;
            }
        }
        from
    }

    /// Where the next table of the list starts.
    fn join_end(&self, range: Range) -> usize {
        self.top(range)
            .find(|&at| self.is_symbol(at, ",") || (self.is_any(at, &JOIN_WORDS) && !self.is_open(at + 1)))
            .unwrap_or(range.1)
    }

    /// Reads one table, sub-select or function; always moves on.
    fn table_item(&self, (at, end): Range, outer: bool, from: &mut From, first: &mut bool) -> usize {
        let is_first = std::mem::take(first);
        if self.is_open(at) {
            let (alias, next) = self.alias((self.tokens.after(at), end));
            match self.slot(at) {
                Some(slot) if is_first => from.source = Some((slot, alias)),
                Some(_) => from.joins.push(derived(alias, outer)),
                // Brackets around a join, or a list of values: the tables inside count, the nesting doesn't.
                None => {
                    let inside = self.inside(at);
                    if let Some((table, _)) = self.table_name(inside).filter(|_| !self.is(inside.0, "values")) {
                        *first = is_first;
                        self.place(table, outer, from, first);
                    }
                }
            }
            return next;
        }
        let Some((mut table, next)) = self.table_name((at, end)) else {
            return self.tokens.after(at);
        };
        // A function in place of a table.
        if self.is_open(next) && !self.is_hint(next) {
            let (alias, next) = self.alias((self.tokens.after(next), end));
            if !is_first {
                from.joins.push(derived(alias, outer));
            }
            return next;
        }
        let (alias, next) = self.alias((next, end));
        table.alias = alias;
        *first = is_first;
        self.place(table, outer, from, first);
        self.hints((next, end), from)
    }

    fn place(&self, table: Table, outer: bool, from: &mut From, first: &mut bool) {
        if *first || (from.table.is_none() && from.source.is_none()) {
            from.table = Some(table);
        } else {
            from.joins.push(Join { table, outer, ..Join::default() });
        }
        *first = false;
    }

    /// Reads `AS alias (columns)`.
    pub fn alias(&self, (mut at, end): Range) -> (Option<String>, usize) {
        if at < end && self.is(at, "as") {
            at += 1;
        }
        if at >= end || !self.is_alias(at) {
            return (None, at.min(end));
        }
        let alias = self.tokens.name(at);
        at += 1;
        if at < end && self.is_open(at) && !self.is_hint(at) {
            at = self.tokens.after(at);
        }
        (alias, at.min(end))
    }

    fn is_hint(&self, open: usize) -> bool {
        const HINTS: [&str; 9] =
            ["updlock", "xlock", "holdlock", "serializable", "readpast", "nolock", "rowlock", "tablockx", "tablock"];
        self.is_any(open + 1, &HINTS)
    }

    /// Reads `WITH (UPDLOCK, HOLDLOCK)`, `USE INDEX (…)` and the like behind a table.
    fn hints(&self, (mut at, end): Range, from: &mut From) -> usize {
        loop {
            let with = usize::from(self.is(at, "with"));
            if at + with < end && self.is_open(at + with) && self.is_hint(at + with) {
                self.lock_hints(self.inside(at + with), from);
                at = self.tokens.after(at + with);
            } else if at < end && self.is_any(at, &["use", "force", "ignore"]) && self.is_any(at + 1, &["index", "key"])
            {
                at += 2;
                while at < end && !self.is_open(at) {
                    at += 1;
                }
                at = self.tokens.after(at).min(end);
            } else {
                return at;
            }
        }
    }

    fn lock_hints(&self, (start, end): Range, from: &mut From) {
        let has = |words: &[&str]| (start..end).any(|at| self.is_any(at, words));
        let strength = if has(&["updlock", "xlock", "tablockx"]) {
            LockStrength::ForUpdate
        } else if has(&["holdlock", "serializable"]) {
            LockStrength::ForShare
        } else {
            return;
        };
        let lock = Lock { strength, nowait: has(&["nowait"]), skip_locked: has(&["readpast"]), of: Vec::new() };
        from.lock.get_or_insert(lock);
    }

    /// Reads what stands behind `FOR` or `LOCK IN`: the strength, the tables, and what to do about locked rows.
    pub fn row_lock(&self, (start, end): Range) -> Lock {
        let shared = self.is(start, "share") || self.is(start, "key") || self.is(start + 1, "share");
        let mut lock =
            Lock { strength: if shared { LockStrength::ForShare } else { LockStrength::ForUpdate }, ..Lock::default() };
        let mut at = start;
        while at < end {
            if self.is(at, "nowait") {
                lock.nowait = true;
            } else if self.are((at, end), &["skip", "locked"]) {
                lock.skip_locked = true;
            } else if self.is(at, "of") {
                while let Some((table, next)) = self.table_name((at + 1, end)) {
                    lock.of.push(table.name);
                    at = next - 1;
                    if !self.is_symbol(next, ",") {
                        break;
                    }
                    at = next;
                }
            }
            at += 1;
        }
        lock
    }

    /// The limit behind `LIMIT`; MySQL writes `LIMIT offset, count`.
    pub fn limit(&self, range: Range) -> Option<SqlValue> {
        let range = self.split_commas(range).last().copied()?;
        // Anything behind the first value is another piece of SQL.
        let bracket = self.is_open(range.0);
        let end = if bracket { self.tokens.after(range.0) } else { range.0 + 1 };
        let end = if self.is_symbol(end, "::") { end + 2 } else { end }.min(range.1);
        if self.tokens.kind(range.0) == Some(TokenKind::Word) && self.is(range.0, "all") {
            return None;
        }
        Some(self.scalar((range.0, end)))
    }
}

fn derived(alias: Option<String>, outer: bool) -> Join {
    Join { table: Table { alias, ..Table::default() }, outer, ..Join::default() }
}
