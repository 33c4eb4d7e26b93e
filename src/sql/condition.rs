//! `WHERE` and `ON`: a conjunction of tests, and what cannot be read as one.

use super::token::TokenKind;
use super::types::{AnyOf, Column, Condition, Exists, Filter, Op, SqlValue};
use super::view::{Notes, Range, View};

/// What one conjunct turned out to be.
enum Atom {
    /// It says nothing (`true`, `1 = 1`).
    Nothing,
    /// These conditions.
    Conditions(Vec<Condition>),
    /// A bracketed condition to take apart.
    Inner(Range),
    /// Not understood.
    Opaque,
}

impl View<'_> {
    /// Reads a condition.
    pub fn filter(&self, range: Range, notes: &mut Notes) -> Filter {
        let mut filter = Filter::default();
        // Ranges that must all hold, the next one last.
        let mut work = vec![range];
        while let Some(range) = work.pop() {
            let range = self.peel(range);
            if range.0 >= range.1 {
                continue;
            }
            let arms = self.split_words(range, "or");
            if arms.len() > 1 {
                self.alternatives(&arms, &mut filter, notes);
                continue;
            }
            let parts = self.split_words(range, "and");
            if parts.len() > 1 {
                work.extend(parts.into_iter().rev());
                continue;
            }
            // A piece of SQL behind a condition is not part of it.
            let end = self.before_fragment(range);
            if end < range.1 {
                work.push((range.0, end));
                continue;
            }
            match self.atom(range, notes) {
                Atom::Nothing => {}
                Atom::Conditions(conditions) => filter.conditions.extend(conditions),
                Atom::Inner(inner) => work.push(inner),
                Atom::Opaque => self.opaque(range, &mut filter),
            }
        }
        filter.mentions.sort();
        filter.mentions.dedup();
        filter
    }

    fn opaque(&self, range: Range, filter: &mut Filter) {
        filter.opaque = true;
        filter.mentions.extend(self.leaves(range).into_iter().filter_map(|leaf| match leaf {
            SqlValue::Column(column) => Some(column),
            _ => None,
        }));
    }

    /// The pieces between a top-level `AND` or `OR`; the `AND` of a `BETWEEN` and those inside `CASE` do not count.
    fn split_words(&self, range: Range, word: &str) -> Vec<Range> {
        let mut pieces = Vec::new();
        let (mut start, mut cases, mut between) = (range.0, 0_u32, false);
        for at in self.top(range) {
            if self.tokens.kind(at) != Some(TokenKind::Word) || self.qualified(at) {
                continue;
            }
            if self.is(at, "case") {
                cases += 1;
            } else if self.is(at, "end") {
                cases = cases.saturating_sub(1);
            } else if cases > 0 {
                continue;
            } else if self.is(at, "between") {
                between = true;
            } else if between && self.is(at, "and") {
                between = false;
            } else if self.is(at, word) {
                pieces.push((start, at));
                start = at + 1;
            }
        }
        pieces.push((start, range.1));
        pieces
    }

    /// An `OR`. Equalities of one column are a list; plain conjunctions are kept as arms; the rest is opaque.
    fn alternatives(&self, arms: &[Range], filter: &mut Filter, notes: &mut Notes) {
        let whole = (arms[0].0, arms[arms.len() - 1].1);
        let mut read = Vec::with_capacity(arms.len());
        for &arm in arms {
            match self.arm(arm, notes) {
                Some(conditions) => read.push(conditions),
                None => return self.opaque(whole, filter),
            }
        }
        // An arm that always holds makes the whole say nothing.
        if read.iter().any(Vec::is_empty) {
            return;
        }
        match one_of(&read) {
            Some(condition) => filter.conditions.push(condition),
            None => filter.any_of.push(AnyOf { arms: read }),
        }
    }

    /// A conjunction without alternatives inside.
    fn arm(&self, range: Range, notes: &mut Notes) -> Option<Vec<Condition>> {
        let mut conditions = Vec::new();
        let mut work = vec![range];
        while let Some(range) = work.pop() {
            let range = self.peel(range);
            if self.split_words(range, "or").len() > 1 {
                return None;
            }
            let parts = self.split_words(range, "and");
            if parts.len() > 1 {
                work.extend(parts.into_iter().rev());
                continue;
            }
            match self.atom(range, notes) {
                Atom::Nothing => {}
                Atom::Conditions(found) => conditions.extend(found),
                Atom::Inner(inner) => work.push(inner),
                Atom::Opaque => return None,
            }
        }
        Some(conditions)
    }

    /// One conjunct.
    fn atom(&self, range: Range, notes: &mut Notes) -> Atom {
        let (start, end) = range;
        let negated = self.is(start, "not");
        let first = start + usize::from(negated);
        if self.is(first, "exists")
            && let Some(slot) = self.slot(first + 1)
        {
            notes.exists.push((slot, if negated { Exists::Negated } else { Exists::Yes }));
            return Atom::Opaque;
        }
        if negated {
            return self.negation(self.peel((first, end)));
        }
        if let Some(comparison) = self.comparison(range) {
            return comparison;
        }
        match self.scalar(range) {
            SqlValue::Bool(true) => Atom::Nothing,
            SqlValue::Column(column) => Atom::Conditions(vec![truth(column, true)]),
            // A cast around a bracketed condition: `(a = b)::boolean`.
            SqlValue::Opaque(_)
                if self.is_open(start)
                    && self.slot(start).is_none()
                    && self.is_symbol(self.tokens.after(start), "::") =>
            {
                Atom::Inner(self.inside(start))
            }
            _ => Atom::Opaque,
        }
    }

    /// `NOT` of a column or of one comparison.
    fn negation(&self, range: Range) -> Atom {
        if let Some(column) = self.column(range) {
            return Atom::Conditions(vec![truth(column, false)]);
        }
        if self.is(range.0, "not") || ["and", "or"].iter().any(|word| self.split_words(range, word).len() > 1) {
            return Atom::Opaque;
        }
        match self.comparison(range) {
            Some(Atom::Conditions(mut conditions)) if conditions.len() == 1 => {
                conditions[0].op = opposite(conditions[0].op);
                Atom::Conditions(conditions)
            }
            _ => Atom::Opaque,
        }
    }

    /// Reads `left operator right`.
    fn comparison(&self, range: Range) -> Option<Atom> {
        let mut at = self.top(range).find(|&at| self.is_comparison(at))?;
        let left = (range.0, at);
        let mut negated = false;
        if self.is(at, "not") {
            if at == range.0 {
                return None;
            }
            negated = true;
            at += 1;
        }
        let raw = self.tokens.raw(at).to_ascii_lowercase();
        let right = (at + 1, range.1);
        Some(match raw.as_str() {
            "is" => self.is_test(left, right),
            "in" => self.in_test(left, right, negated),
            "between" => self.between(left, right, negated),
            "like" | "ilike" | "similar" | "regexp" | "rlike" | "glob" | "match" | "~" | "~*" | "~~" | "~~*" => {
                let op = if negated { Op::Other } else { Op::Like };
                self.one(left, op, self.scalar(right))
            }
            "!~" | "!~*" | "!~~" | "@>" | "<@" | "&&" | "?|" | "?&" => self.one(left, Op::Other, self.scalar(right)),
            symbol => match comparison_of(symbol) {
                Some(op) if !negated => self.compare(left, op, right),
                _ => Atom::Opaque,
            },
        })
    }

    fn is_comparison(&self, at: usize) -> bool {
        const WORDS: [&str; 10] =
            ["is", "in", "between", "like", "ilike", "similar", "regexp", "rlike", "glob", "match"];
        const SYMBOLS: [&str; 9] = ["~", "~*", "~~", "~~*", "!~", "!~*", "!~~", "@>", "<@"];
        match self.tokens.kind(at) {
            Some(TokenKind::Symbol) => {
                let raw = self.tokens.raw(at);
                comparison_of(raw).is_some() || SYMBOLS.contains(&raw) || matches!(raw, "&&" | "?|" | "?&")
            }
            Some(TokenKind::Word) if self.is(at, "not") => self.is_any(at + 1, &WORDS),
            Some(TokenKind::Word) => self.is_any(at, &WORDS) && !self.qualified(at) && !self.is_open_call(at),
            _ => false,
        }
    }

    /// `match(…)`, `glob(…)` and `regexp(…)` may be calls; `in (…)` never is.
    fn is_open_call(&self, at: usize) -> bool {
        self.is_open(at + 1) && self.is_any(at, &["match", "glob", "regexp"])
    }

    /// A condition on the column that an expression is, if it is one.
    fn one(&self, left: Range, op: Op, value: SqlValue) -> Atom {
        match self.operand(left) {
            Some((column, through)) => Atom::Conditions(vec![Condition { column, through, op, value }]),
            None => Atom::Opaque,
        }
    }

    /// A column, bare or inside a function of one column.
    fn operand(&self, range: Range) -> Option<(Column, Option<String>)> {
        if let SqlValue::Column(column) = self.scalar(range) {
            return Some((column, None));
        }
        let (start, end) = self.peel(range);
        if !self.is_open(start + 1) || self.tokens.after(start + 1) != end || self.slot(start + 1).is_some() {
            return None;
        }
        let name = self.tokens.name(start)?.to_ascii_lowercase();
        let mut arguments = self.split_commas(self.inside(start + 1)).into_iter();
        let SqlValue::Column(column) = self.scalar(arguments.next()?) else {
            return None;
        };
        // Further arguments must be constants: `coalesce(n, 0)`, `date_trunc` has them first and is no such function.
        arguments.all(|argument| constant(&self.scalar(argument)).is_some()).then_some((column, Some(name)))
    }

    fn is_test(&self, left: Range, right: Range) -> Atom {
        let negated = self.is(right.0, "not");
        let (at, end) = (right.0 + usize::from(negated), right.1);
        if self.are((at, end), &["distinct", "from"]) {
            return self.compare(left, if negated { Op::Eq } else { Op::Ne }, (at + 2, end));
        }
        match (self.scalar((at, end)), negated) {
            (SqlValue::Null, false) => self.one(left, Op::IsNull, SqlValue::Null),
            (SqlValue::Null, true) => self.one(left, Op::IsNotNull, SqlValue::Null),
            (value @ SqlValue::Bool(_), false) => self.one(left, Op::Eq, value),
            // `IS NOT TRUE` holds for null too.
            (value @ SqlValue::Bool(_), true) => self.one(left, Op::Other, value),
            // SQLite's null-safe comparison.
            (_, _) => self.compare(left, if negated { Op::Ne } else { Op::Eq }, (at, end)),
        }
    }

    fn in_test(&self, left: Range, right: Range, negated: bool) -> Atom {
        let op = if negated { Op::NotIn } else { Op::In };
        let (start, end) = right;
        if let Some(slot) = self.slot(start).filter(|_| self.tokens.after(start) == end) {
            return self.one(left, op, SqlValue::Rows(slot));
        }
        if !self.is_open(start) || self.tokens.after(start) != end {
            return self.one(left, op, self.scalar(right));
        }
        let columns = self.row(left);
        let rows = self.split_commas(self.inside(start));
        if columns.len() < 2 {
            return self.one(left, op, SqlValue::List(self.list(self.inside(start))));
        }
        // `(a, b) IN ((1, 2))` is two equalities; with more rows the columns hang together.
        match rows.as_slice() {
            [row] if !negated => self.rows_equal(&columns, &self.row(*row)),
            _ => Atom::Opaque,
        }
    }

    /// The parts of a bracketed row, or the range itself.
    fn row(&self, range: Range) -> Vec<Range> {
        let range = if self.is(range.0, "row") && self.is_open(range.0 + 1) { (range.0 + 1, range.1) } else { range };
        let inner = self.peel(range);
        if inner == range { vec![range] } else { self.split_commas(inner) }
    }

    fn rows_equal(&self, left: &[Range], right: &[Range]) -> Atom {
        if left.len() != right.len() {
            return Atom::Opaque;
        }
        let mut conditions = Vec::new();
        for (left, right) in left.iter().zip(right) {
            match self.compare_scalars(*left, Op::Eq, *right) {
                Atom::Conditions(found) => conditions.extend(found),
                _ => return Atom::Opaque,
            }
        }
        Atom::Conditions(conditions)
    }

    fn between(&self, left: Range, right: Range, negated: bool) -> Atom {
        let Some(and) = self.find(right, &["and"]).filter(|_| !negated) else {
            return self.one(left, Op::Other, SqlValue::Opaque(self.leaves(right)));
        };
        let Some((column, through)) = self.operand(left) else {
            return Atom::Opaque;
        };
        let (low, high) = (self.scalar((right.0, and)), self.scalar((and + 1, right.1)));
        let low = Condition { column: column.clone(), through: through.clone(), op: Op::Ge, value: low };
        Atom::Conditions(vec![low, Condition { column, through, op: Op::Le, value: high }])
    }

    fn compare(&self, left: Range, op: Op, right: Range) -> Atom {
        let (columns, values) = (self.row(left), self.row(right));
        if columns.len() > 1 && columns.len() == values.len() && op == Op::Eq {
            return self.rows_equal(&columns, &values);
        }
        if self.is_any(right.0, &["any", "some", "all"]) && self.is_open(right.0 + 1) {
            return self.quantified(left, op, right);
        }
        self.compare_scalars(left, op, right)
    }

    /// `= ANY(list)` and `<> ALL(list)` are `IN` and `NOT IN`.
    fn quantified(&self, left: Range, op: Op, right: Range) -> Atom {
        let all = self.is(right.0, "all");
        let op = match (op, all) {
            (Op::Eq, false) => Op::In,
            (Op::Ne, true) => Op::NotIn,
            _ => Op::Other,
        };
        let value = self.slot(right.0 + 1).map_or_else(|| self.value(self.inside(right.0 + 1)), SqlValue::Rows);
        if let (None, SqlValue::Column(column)) = (self.operand(left), &value) {
            // `value = ANY(column)`: the column is the list.
            let condition =
                Condition { column: column.clone(), through: None, op: Op::Other, value: self.scalar(left) };
            return Atom::Conditions(vec![condition]);
        }
        self.one(left, op, value)
    }

    fn compare_scalars(&self, left: Range, op: Op, right: Range) -> Atom {
        let (left_value, right_value) = (self.scalar(left), self.scalar(right));
        if let (Some(a), Some(b)) = (constant(&left_value), constant(&right_value)) {
            return if op == Op::Eq && a == b { Atom::Nothing } else { Atom::Opaque };
        }
        if let Some((column, through)) = self.operand(left) {
            let value = match (&through, self.operand(right)) {
                // A function on both sides compares what goes into it with what is stored, seen through it.
                (Some(name), None) if self.same_call(right, name) => self.argument(right),
                _ => right_value,
            };
            return Atom::Conditions(vec![Condition { column, through, op, value }]);
        }
        if let Some(condition) = self.shifted(left, op, right, right_value) {
            return Atom::Conditions(vec![condition]);
        }
        let Some((column, through)) = self.operand(right) else {
            return Atom::Opaque;
        };
        let value = match &through {
            Some(name) if self.same_call(left, name) => self.argument(left),
            _ => left_value,
        };
        Atom::Conditions(vec![Condition { column, through, op: flip(op), value }])
    }

    fn same_call(&self, range: Range, name: &str) -> bool {
        let (start, end) = self.peel(range);
        self.is(start, name) && self.is_open(start + 1) && self.tokens.after(start + 1) == end
    }

    fn argument(&self, range: Range) -> SqlValue {
        let (start, _) = self.peel(range);
        let arguments = self.split_commas(self.inside(start + 1));
        arguments.first().map_or(SqlValue::Opaque(Vec::new()), |first| self.scalar(*first))
    }

    /// `column + x <= y` and `column - x >= y`: a bound of the column by the two values; `column - x >= 0` by `x` alone.
    fn shifted(&self, left: Range, op: Op, right: Range, bound: SqlValue) -> Option<Condition> {
        let inner = self.peel(left);
        let sign = self.top(inner).find(|&at| at > inner.0 && (self.is_symbol(at, "+") || self.is_symbol(at, "-")));
        let sign = sign?;
        let SqlValue::Column(column) = self.scalar((inner.0, sign)) else {
            return None;
        };
        let by = self.scalar((sign + 1, inner.1));
        let value = if self.is_symbol(sign, "-") && bound == SqlValue::Number("0".to_owned()) && !is_opaque(&by) {
            by
        } else {
            let mut leaves = self.leaves((sign + 1, inner.1));
            leaves.extend(self.leaves(right));
            SqlValue::Opaque(leaves)
        };
        Some(Condition { column, through: None, op, value })
    }
}

fn truth(column: Column, holds: bool) -> Condition {
    Condition { column, through: None, op: Op::Eq, value: SqlValue::Bool(holds) }
}

fn is_opaque(value: &SqlValue) -> bool {
    matches!(value, SqlValue::Opaque(_))
}

fn constant(value: &SqlValue) -> Option<&str> {
    match value {
        SqlValue::Number(text) | SqlValue::Text(text) => Some(text),
        SqlValue::Bool(true) => Some("true"),
        SqlValue::Bool(false) => Some("false"),
        _ => None,
    }
}

fn comparison_of(symbol: &str) -> Option<Op> {
    Some(match symbol {
        "=" | "==" | "<=>" => Op::Eq,
        "<>" | "!=" => Op::Ne,
        "<" => Op::Lt,
        "<=" => Op::Le,
        ">" => Op::Gt,
        ">=" => Op::Ge,
        _ => return None,
    })
}

/// The operator that holds where this one doesn't; neither holds of null.
fn opposite(op: Op) -> Op {
    match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Lt => Op::Ge,
        Op::Le => Op::Gt,
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
        Op::In => Op::NotIn,
        Op::NotIn => Op::In,
        Op::IsNull => Op::IsNotNull,
        Op::IsNotNull => Op::IsNull,
        Op::Like | Op::Other => Op::Other,
    }
}

/// The operator with its sides exchanged.
fn flip(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}

/// Arms that each compare the same column with one value are a list of values.
fn one_of(arms: &[Vec<Condition>]) -> Option<Condition> {
    let mut values = Vec::with_capacity(arms.len());
    let first = arms.first()?.first()?;
    for arm in arms {
        let [condition] = arm.as_slice() else { return None };
        if condition.op != Op::Eq || condition.column != first.column || condition.through != first.through {
            return None;
        }
        values.push(condition.value.clone());
    }
    Some(Condition {
        column: first.column.clone(),
        through: first.through.clone(),
        op: Op::In,
        value: SqlValue::List(values),
    })
}
