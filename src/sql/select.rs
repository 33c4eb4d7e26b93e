//! `SELECT`.

use super::token::TokenKind;
use super::types::{Aggregate, AggregateKind, Column, Exists, OrderBy, Query, Selected, SqlValue, Verb};
use super::view::{Clause, Notes, Range, View};

/// What a read of a sub-select in `FROM` is called by the query around it.
pub(super) type Source = Option<(usize, Option<String>)>;

impl View<'_> {
    /// Reads a `SELECT`; further arms of a union become extras.
    pub fn select(&self, range: Range, notes: &mut Notes) -> (Query, Source) {
        let clauses = self.clauses(range);
        let mut arms = clauses.split(|(clause, _)| *clause == Clause::Union);
        let first = arms.next().unwrap_or_default();
        let mut read = self.select_arm(first, notes);
        read.0.union = arms.next().is_some();
        for (index, arm) in clauses.iter().enumerate().filter(|(_, (clause, _))| *clause == Clause::Union) {
            let rest = &clauses[index + 1..];
            let length = rest.iter().position(|(clause, _)| *clause == Clause::Union).unwrap_or(rest.len());
            // An arm in brackets is a sub-select and has been read as one.
            if self.slot(arm.1.0).is_none() && length > 0 {
                let (query, _) = self.select_arm(&rest[..length], notes);
                notes.extras.push(query);
            }
        }
        read
    }

    fn select_arm(&self, clauses: &[(Clause, Range)], notes: &mut Notes) -> (Query, Source) {
        let mut query = Query { verb: Verb::Select, ..Query::default() };
        let (mut source, mut opaque) = (None, false);
        for &(clause, body) in clauses {
            match clause {
                Clause::Select => opaque |= self.select_list(body, &mut query, notes),
                Clause::From => {
                    let from = self.from(body, notes);
                    query.table = from.table;
                    query.joins = from.joins;
                    query.lock = query.lock.take().or(from.lock);
                    source = from.source;
                    opaque |= from.opaque;
                }
                Clause::Where => query.filter = self.filter(body, notes),
                // What holds of groups does not hold of rows.
                Clause::Having => opaque = true,
                Clause::Group => query.grouped = true,
                Clause::Order => query.order_by = self.order_by(body),
                Clause::Limit | Clause::Fetch => query.limit = self.limit(body),
                Clause::Lock => {
                    query.lock.get_or_insert(self.row_lock(body));
                }
                _ => {}
            }
        }
        query.filter.opaque |= opaque;
        if !query.grouped {
            query.aggregate = query.selected.iter().find_map(|item| item.aggregate.clone());
        }
        query.source = source.as_ref().map(|(slot, _)| *slot);
        self.note_fragments(clauses, &mut query);
        (query, source)
    }

    /// Says whether an aggregate leaves rows out.
    fn select_list(&self, range: Range, query: &mut Query, notes: &mut Notes) -> bool {
        let (mut start, end) = range;
        loop {
            if self.is(start, "distinct") && self.is(start + 1, "on") && self.is_open(start + 2) {
                start = self.tokens.after(start + 2);
            } else if self.is_any(start, &["distinct", "all", "straight_join", "sql_calc_found_rows"]) {
                start += 1;
            } else if self.is(start, "top") && !self.is_symbol(start + 1, ",") {
                query.limit = Some(self.scalar((start + 1, self.tokens.after(start + 1))));
                start = self.tokens.after(start + 1);
            } else {
                break;
            }
        }
        query.selected = self.selected((start.min(end), end), notes);
        let filtered = self.walk((start, end)).any(|at| self.is(at, "filter") && self.is_open(at + 1));
        // `count(*) FILTER (WHERE …)` counts fewer rows than the filter says.
        filtered && query.selected.iter().any(|item| item.aggregate.is_some())
    }

    /// Reads a select or returning list.
    pub fn selected(&self, range: Range, notes: &mut Notes) -> Vec<Selected> {
        self.split_commas(range).into_iter().map(|item| self.item(item, notes)).collect()
    }

    fn item(&self, range: Range, notes: &mut Notes) -> Selected {
        let (body, alias) = self.item_alias(range);
        let (start, end) = body;
        if end > start && self.is_symbol(end - 1, "*") && (end - start == 1 || self.is_symbol(end - 2, ".")) {
            return Selected { name: Some("*".to_owned()), value: SqlValue::Opaque(Vec::new()), aggregate: None };
        }
        self.note_exists(body, notes);
        let value = self.value(body);
        let aggregate = self.aggregate(body);
        let name = alias.or_else(|| match (&value, &aggregate) {
            (SqlValue::Column(column), _) => Some(column.name.clone()),
            (_, Some(aggregate)) => Some(aggregate_name(aggregate.kind).to_owned()),
            _ => None,
        });
        Selected { name, value, aggregate }
    }

    /// Tells an item from its alias.
    fn item_alias(&self, range: Range) -> (Range, Option<String>) {
        let (start, end) = range;
        if let Some(at) = self.top(range).filter(|&at| self.is(at, "as")).last()
            && at + 1 < end
        {
            return ((start, at), self.tokens.name(at + 1).or_else(|| self.tokens.string(at + 1)));
        }
        let Some(last) = end.checked_sub(1).filter(|last| *last > start && self.is_alias(*last)) else {
            return (range, None);
        };
        let before = last - 1;
        let ends_value = match self.tokens.kind(before) {
            Some(TokenKind::Symbol) => self.is_symbol(before, ")") || self.is_symbol(before, "]"),
            Some(TokenKind::Word) => self.is(before, "end") || self.is_alias(before),
            Some(_) => true,
            None => false,
        };
        if ends_value { ((start, last), self.tokens.name(last)) } else { (range, None) }
    }

    /// Notes the sub-selects of which an expression asks only whether they have rows.
    fn note_exists(&self, range: Range, notes: &mut Notes) {
        for at in self.walk(range) {
            if self.is(at, "exists")
                && let Some(slot) = self.slot(at + 1)
            {
                let negated = at > range.0 && self.is(at - 1, "not");
                notes.exists.push((slot, if negated { Exists::Negated } else { Exists::Yes }));
            }
        }
    }

    /// The first aggregate in an expression; one over a window is none.
    fn aggregate(&self, range: Range) -> Option<Aggregate> {
        self.walk(range).find_map(|at| {
            let kind = self.aggregate_kind(at).filter(|_| self.is_open(at + 1))?;
            let behind = self.tokens.after(at + 1);
            let windowed = self.is(behind, "over")
                || (self.is(behind, "filter") && self.is(self.tokens.after(behind + 1), "over"));
            (!windowed).then(|| Aggregate { kind, column: self.aggregate_column(self.inside(at + 1)) })
        })
    }

    fn aggregate_kind(&self, at: usize) -> Option<AggregateKind> {
        if self.tokens.kind(at) != Some(TokenKind::Word) {
            return None;
        }
        Some(match self.tokens.raw(at).to_ascii_lowercase().as_str() {
            "count" | "count_big" => AggregateKind::Count,
            "max" => AggregateKind::Max,
            "min" => AggregateKind::Min,
            "sum" | "total" => AggregateKind::Sum,
            "avg" => AggregateKind::Avg,
            _ => return None,
        })
    }

    fn aggregate_column(&self, (start, end): Range) -> Option<Column> {
        let start = start + usize::from(self.is(start, "distinct"));
        match self.scalar((start, end)) {
            SqlValue::Column(column) => Some(column),
            SqlValue::Opaque(leaves) => match leaves.as_slice() {
                [SqlValue::Column(column)] => Some(column.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reads an order.
    pub fn order_by(&self, range: Range) -> Vec<OrderBy> {
        let read = |(start, end): Range| {
            let end = self.before_fragment((start, end));
            let words =
                self.top((start, end)).find(|&at| at > start && self.is_any(at, &["asc", "desc", "nulls", "collate"]));
            let descending = self.find((start, end), &["desc"]).is_some();
            let column = match self.scalar((start, words.unwrap_or(end))) {
                SqlValue::Column(column) => Some(column),
                _ => None,
            };
            OrderBy { column, descending }
        };
        self.split_commas(range).into_iter().map(read).collect()
    }
}

fn aggregate_name(kind: AggregateKind) -> &'static str {
    match kind {
        AggregateKind::Count => "count",
        AggregateKind::Max => "max",
        AggregateKind::Min => "min",
        AggregateKind::Sum => "sum",
        AggregateKind::Avg => "avg",
    }
}
