//! `INSERT`, `UPDATE`, `DELETE` and their relatives.

use rustc_hash::FxHashMap;

use super::finish::each_value;
use super::token::TokenKind;
use super::types::{
    Assignment, Conflict, ConflictTarget, Exists, Filter, Query, RowCount, SqlValue, SqlWrite, Table, Verb,
};
use super::view::{Clause, Notes, Range, View};

impl View<'_> {
    /// Reads an `INSERT`, `REPLACE` or `UPSERT`.
    pub fn insert(&self, range: Range, notes: &mut Notes) -> Query {
        let (start, end) = range;
        let conflict_at = self.top(range).find(|&at| {
            self.is(at, "on")
                && (self.is(at + 1, "conflict") || (self.is(at + 1, "duplicate") && self.is(at + 2, "key")))
        });
        let returning_at = self.find(range, &["returning"]);
        let body_end = conflict_at.or(returning_at).unwrap_or(end);
        let clauses = self.clauses((start, body_end));
        let mut query = Query { verb: Verb::Insert, conflict: self.leading_conflict((start, end)), ..Query::default() };
        self.insert_head(&clauses, &mut query);
        let columns: Vec<String> = query.writes.drain(..).map(|write| write.column).collect();
        self.insert_body(&clauses, (start, body_end), &columns, &mut query, notes);
        if let Some(at) = conflict_at {
            let until = returning_at.filter(|returning| *returning > at).unwrap_or(end);
            let clause = self.conflict((at, until), notes);
            query.conflict = Some(clause);
            self.note_fragments(&[(Clause::Returning, (at, until))], &mut query);
        }
        if let Some((_, body)) = clauses.iter().find(|(clause, _)| *clause == Clause::Output) {
            query.returning = true;
            query.selected = self.selected(*body, notes);
        }
        if let Some(at) = returning_at {
            query.returning = true;
            query.selected = self.selected((at + 1, end), notes);
        }
        query
    }

    /// `INSERT IGNORE`, `INSERT OR …`, `REPLACE` and `UPSERT`.
    fn leading_conflict(&self, (start, _): Range) -> Option<Conflict> {
        let any = ConflictTarget::default();
        let word = if self.is(start + 1, "or") { start + 2 } else { start + 1 };
        if self.is(start, "replace") || self.is(word, "replace") {
            Some(Conflict::Replace)
        } else if self.is(word, "ignore") {
            Some(Conflict::Nothing(any))
        } else if self.is(start, "upsert") {
            Some(Conflict::Update { target: any, sets: Vec::new(), filter: Filter::default() })
        } else {
            None
        }
    }

    /// The table and the column list; the columns are left as empty writes.
    fn insert_head(&self, clauses: &[(Clause, Range)], query: &mut Query) {
        let body = clauses.iter().find(|(clause, _)| *clause == Clause::Into).map(|(_, body)| *body);
        // Without `INTO` the table follows the verb and its modifiers.
        let body = body.or_else(|| {
            let (start, end) = clauses.first()?.1;
            let skip = ["insert", "replace", "upsert", "ignore", "or", "low_priority", "delayed", "high_priority"];
            (start..end).find(|&at| !self.is_any(at, &skip)).map(|at| (at, end))
        });
        let Some(range) = body else { return };
        let Some((mut table, next)) = self.table_name(range) else { return };
        let mut at = next;
        if !self.is_open(at) {
            // Brackets behind an alias are the column list here.
            at += usize::from(self.is(at, "as"));
            if at < range.1 && self.is_alias(at) {
                table.alias = self.tokens.name(at);
                at += 1;
            }
        }
        query.table = Some(table);
        if at < range.1 && self.is_open(at) && self.slot(at).is_none() {
            for (start, _) in self.split_commas(self.inside(at)) {
                let column = self.tokens.name(start).unwrap_or_default();
                query.writes.push(Assignment { column, write: SqlWrite::Opaque(Vec::new()) });
            }
        }
    }

    fn insert_body(
        &self,
        clauses: &[(Clause, Range)],
        range: Range,
        columns: &[String],
        query: &mut Query,
        notes: &mut Notes,
    ) {
        let name = |index: usize| columns.get(index).cloned().unwrap_or_default();
        let find = |wanted| clauses.iter().find(|(clause, _)| *clause == wanted).map(|(_, body)| *body);
        if let Some(body) = find(Clause::Values) {
            let rows: Vec<usize> = self.top(body).filter(|&at| self.is_open(at)).collect();
            query.row_count = match rows.len() {
                1 => RowCount::One,
                0 => RowCount::Unknown,
                many => RowCount::Many(u32::try_from(many).unwrap_or(u32::MAX)),
            };
            if self.top(body).any(|at| matches!(self.tokens.kind(at), Some(TokenKind::Hole(_)))) {
                query.row_count = RowCount::Unknown;
            }
            if let Some(&first) = rows.first() {
                for (index, value) in self.split_commas(self.inside(first)).into_iter().enumerate() {
                    self.push_write(name(index), value, query);
                }
            }
        } else if let Some(body) = find(Clause::Set) {
            query.writes = self.assignments(body);
        } else if let Some(at) = self.top(range).find(|&at| self.is(at, "select")) {
            self.insert_select((at, range.1), &name, query, notes);
        } else if self.top(range).any(|at| self.slot(at).is_some()) {
            query.insert_select = true;
            query.row_count = RowCount::Unknown;
            let opaque = |column: &String| Assignment { column: column.clone(), write: SqlWrite::Opaque(Vec::new()) };
            query.writes = columns.iter().map(opaque).collect();
        }
    }

    /// `DEFAULT` leaves the column out.
    fn push_write(&self, column: String, value: Range, query: &mut Query) {
        if value.1 == value.0 + 1 && self.is(value.0, "default") {
            return;
        }
        let write = self.write("", value);
        query.writes.push(Assignment { column, write });
    }

    fn insert_select(&self, range: Range, name: &dyn Fn(usize) -> String, query: &mut Query, notes: &mut Notes) {
        query.insert_select = true;
        query.row_count = RowCount::Unknown;
        let seen = notes.exists.len();
        let (inner, source) = self.select(range, notes);
        let looks = notes.exists[seen..].iter().filter(|(_, exists)| *exists == Exists::Negated);
        let looks: Vec<usize> =
            looks.map(|(slot, _)| *slot).filter(|slot| self.looks_at_own(*slot, query, notes)).collect();
        query.insert_select_not_exists = !looks.is_empty();
        query.looked_for = looks.into_iter().flat_map(|slot| self.names_asked(slot)).collect();
        let list = self.clauses(range).into_iter().find(|(clause, _)| *clause == Clause::Select);
        if let Some((_, body)) = list {
            for (index, value) in self.split_commas(body).into_iter().enumerate() {
                let value = (value.0, self.find(value, &["as"]).unwrap_or(value.1));
                self.push_write(name(index), value, query);
            }
        }
        of_source(query, &inner);
        if inner.table.is_some() || source.is_some() {
            notes.extras.push(inner);
        } else {
            // Without a table it brings one row or none.
            let from = self.clauses(range).iter().any(|(clause, _)| *clause == Clause::From);
            query.row_count = if from { RowCount::Unknown } else { RowCount::One };
            query.filter = inner.filter;
        }
    }

    /// Whether a sub-select of an insert looks at the table that is inserted into, or at what a part of the statement has
    /// written there.
    fn looks_at_own(&self, slot: usize, query: &Query, notes: &Notes) -> bool {
        let Some(own) = &query.table else { return false };
        let inside = self.inside(self.nested[slot].0);
        let is_own = |name: &str| {
            name.eq_ignore_ascii_case(&own.name) || notes.ctes.iter().any(|(_, cte)| cte.eq_ignore_ascii_case(name))
        };
        let mut from = self.clauses(inside).into_iter().filter(|(clause, _)| *clause == Clause::From);
        from.any(|(_, body)| self.walk(body).filter_map(|at| self.tokens.name(at)).any(|name| is_own(&name)))
    }

    /// The names that the condition of a sub-select has in it.
    fn names_asked(&self, slot: usize) -> Vec<String> {
        let inside = self.inside(self.nested[slot].0);
        let conditions = self.clauses(inside).into_iter().filter(|(clause, _)| *clause == Clause::Where);
        conditions.flat_map(|(_, body)| self.walk(body)).filter_map(|at| self.tokens.name(at)).collect()
    }

    /// Reads `a = 1, b = b + 1, (c, d) = (2, 3)`.
    pub fn assignments(&self, range: Range) -> Vec<Assignment> {
        let mut writes = Vec::new();
        for (start, end) in self.split_commas(range) {
            let end = self.before_fragment((start, end));
            let Some(equals) = self.top((start, end)).find(|&at| self.is_symbol(at, "=") || self.is_symbol(at, ":="))
            else {
                continue;
            };
            let right = (equals + 1, end);
            if self.is_open(start) && self.slot(start).is_none() {
                self.assign_row(self.inside(start), right, &mut writes);
                continue;
            }
            let Some((table, _)) = self.table_name((start, equals)) else { continue };
            let write = self.write(&table.name, right);
            writes.push(Assignment { column: table.name, write });
        }
        writes
    }

    fn assign_row(&self, columns: Range, right: Range, writes: &mut Vec<Assignment>) {
        let columns = self.split_commas(columns);
        let inner = self.peel(right);
        let values = if inner == right { Vec::new() } else { self.split_commas(inner) };
        for (index, column) in columns.iter().enumerate() {
            let name = self.tokens.name(column.0).unwrap_or_default();
            let write = match values.get(index) {
                Some(value) if values.len() == columns.len() => self.write(&name, *value),
                _ => SqlWrite::Opaque(self.leaves(right)),
            };
            writes.push(Assignment { column: name, write });
        }
    }

    /// Reads `ON CONFLICT …` and `ON DUPLICATE KEY UPDATE …`.
    fn conflict(&self, (start, end): Range, notes: &mut Notes) -> Conflict {
        if self.is(start + 1, "duplicate") {
            let sets = self.assignments((start + 4, end));
            return Conflict::Update { target: ConflictTarget::default(), sets, filter: Filter::default() };
        }
        let mut target = ConflictTarget::default();
        let mut at = start + 2;
        if self.is_open(at) {
            for (first, last) in self.split_commas(self.inside(at)) {
                let words = ["collate", "asc", "desc"];
                let last = self.find((first, last), &words).unwrap_or(last);
                match self.column((first, last)) {
                    Some(column) => target.columns.push(column.name),
                    None => target.expression = true,
                }
            }
            at = self.tokens.after(at);
            target.partial = self.is(at, "where");
        } else if self.are((at, end), &["on", "constraint"]) {
            target.constraint = self.tokens.name(at + 2);
        }
        let action = self.top((at, end)).find(|&at| self.is(at, "do")).unwrap_or(end);
        if !self.is(action + 1, "update") {
            return Conflict::Nothing(target);
        }
        let clauses = self.clauses((action + 2, end));
        let (mut sets, mut filter) = (Vec::new(), Filter::default());
        for (clause, body) in clauses {
            match clause {
                Clause::Set => sets = self.assignments(body),
                Clause::Where => filter = self.filter(body, notes),
                _ => {}
            }
        }
        Conflict::Update { target, sets, filter }
    }

    /// Reads an `UPDATE`.
    pub fn update(&self, range: Range, notes: &mut Notes) -> Query {
        let clauses = self.clauses(range);
        let mut query = Query { verb: Verb::Update, ..Query::default() };
        for &(clause, body) in &clauses {
            match clause {
                Clause::Head => {
                    let skip =
                        ["update", "only", "low_priority", "ignore", "or", "rollback", "abort", "fail", "replace"];
                    let start = (body.0..body.1).find(|&at| !self.is_any(at, &skip)).unwrap_or(body.1);
                    self.target((start, body.1), &mut query, notes);
                }
                Clause::Set => query.writes = self.assignments(body),
                Clause::From => self.further(body, &mut query, notes),
                _ => self.tail(clause, body, &mut query, notes),
            }
        }
        // SQL Server updates an alias that `FROM` declares.
        retarget(&mut query);
        self.note_fragments(&clauses, &mut query);
        query
    }

    /// Reads a `DELETE`.
    pub fn delete(&self, range: Range, notes: &mut Notes) -> Query {
        let clauses = self.clauses(range);
        let mut query = Query { verb: Verb::Delete, ..Query::default() };
        for &(clause, body) in &clauses {
            match clause {
                // MySQL and SQL Server may name what is deleted before `FROM`.
                Clause::Head => {
                    let skip = ["delete", "low_priority", "quick", "ignore"];
                    let start = (body.0..body.1).find(|&at| !self.is_any(at, &skip)).unwrap_or(body.1);
                    query.table = self.table_name((start, body.1)).map(|(table, _)| table);
                }
                Clause::From if query.table.is_some() => self.further(body, &mut query, notes),
                Clause::From => self.target(body, &mut query, notes),
                Clause::Using => self.further(body, &mut query, notes),
                _ => self.tail(clause, body, &mut query, notes),
            }
        }
        retarget(&mut query);
        self.note_fragments(&clauses, &mut query);
        query
    }

    /// Reads a `TRUNCATE`: a delete of every row.
    pub fn truncate(&self, (start, end): Range) -> Query {
        let at = (start + 1..end).find(|&at| !self.is_any(at, &["table", "only"])).unwrap_or(end);
        let table = self.table_name((at, end)).map(|(table, _)| table);
        Query { verb: Verb::Delete, table, ..Query::default() }
    }

    /// Reads a `MERGE`, of which only the table and the match are taken.
    pub fn merge(&self, range: Range, notes: &mut Notes) -> Query {
        let mut query = Query {
            verb: Verb::Insert,
            conflict: Some(Conflict::Merge),
            row_count: RowCount::Unknown,
            ..Query::default()
        };
        let start = (range.0 + 1..range.1).find(|&at| !self.is(at, "into")).unwrap_or(range.1);
        let using = self.find((start, range.1), &["using"]).unwrap_or(range.1);
        self.target((start, using), &mut query, notes);
        if let Some(on) = self.find((using, range.1), &["on"]) {
            let when = self.find((on, range.1), &["when"]).unwrap_or(range.1);
            query.filter = self.filter((on + 1, when), notes);
        }
        query.filter.opaque = true;
        query
    }

    fn target(&self, range: Range, query: &mut Query, notes: &mut Notes) {
        let from = self.from(range, notes);
        query.table = from.table;
        query.joins.extend(from.joins);
        query.lock = query.lock.take().or(from.lock);
    }

    fn further(&self, range: Range, query: &mut Query, notes: &mut Notes) {
        let from = self.from(range, notes);
        let first = from.table.map(|table| super::Join { table, ..super::Join::default() });
        query.joins.extend(first.into_iter().chain(from.joins));
        if let Some((slot, alias)) = from.source {
            query.source = query.source.or(Some(slot));
            let table = Table { alias, ..Table::default() };
            query.joins.push(super::Join { table, ..super::Join::default() });
        }
    }

    fn tail(&self, clause: Clause, body: Range, query: &mut Query, notes: &mut Notes) {
        match clause {
            Clause::Where => query.filter = self.filter(body, notes),
            Clause::Order => query.order_by = self.order_by(body),
            Clause::Limit => query.limit = self.limit(body),
            Clause::Returning | Clause::Output => {
                query.returning = true;
                query.selected = self.selected(body, notes);
            }
            _ => {}
        }
    }
}

/// The columns that an `INSERT … SELECT` writes from are those of the tables it selects from.
fn of_source(query: &mut Query, inner: &Query) {
    let tables = inner.table.iter().chain(inner.joins.iter().map(|join| &join.table));
    let named: FxHashMap<String, &str> = tables
        .map(|table| (table.alias.as_ref().unwrap_or(&table.name).to_lowercase(), table.name.as_str()))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    let only = inner.table.as_ref().filter(|_| inner.joins.is_empty());
    each_value(query, &mut |value| {
        let SqlValue::Column(column) = value else { return };
        column.of = match &column.of {
            Some(of) => Some(named.get(&of.to_lowercase()).map_or_else(|| of.clone(), |name| (*name).to_owned())),
            None => only.map(|table| table.name.clone()),
        };
    });
}

/// Where a write names an alias, the table behind that alias is meant.
fn retarget(query: &mut Query) {
    let Some(target) = &query.table else { return };
    let is_target = |table: &Table| {
        table.alias.as_deref() == Some(&target.name) || (table.alias.is_none() && table.name == target.name)
    };
    if target.alias.is_none()
        && let Some(index) = query.joins.iter().position(|join| is_target(&join.table))
    {
        let join = query.joins.remove(index);
        query.table = Some(join.table);
    }
}

/// Puts the value that was to be inserted where an upsert refers to it as `excluded` (or by the row's alias `new`).
pub(super) fn resolve_excluded(query: &mut Query) {
    let inserted: FxHashMap<String, SqlValue> = query
        .writes
        .iter()
        .filter_map(|write| match &write.write {
            SqlWrite::Value(value) => Some((write.column.to_lowercase(), value.clone())),
            _ => None,
        })
        .collect();
    let Some(Conflict::Update { sets, .. }) = &mut query.conflict else { return };
    let replace = |value: &mut SqlValue| {
        let SqlValue::Column(column) = value else { return };
        let of_insert = column
            .of
            .as_deref()
            .is_some_and(|of| of.eq_ignore_ascii_case("excluded") || of.eq_ignore_ascii_case("new"));
        if !of_insert {
            return;
        }
        match inserted.get(&column.name.to_lowercase()) {
            Some(known) => *value = known.clone(),
            None => column.of = Some("excluded".to_owned()),
        }
    };
    for set in sets {
        match &mut set.write {
            SqlWrite::Value(value) | SqlWrite::Delta { value, .. } => replace(value),
            SqlWrite::Opaque(leaves) => leaves.iter_mut().for_each(replace),
        }
    }
}
