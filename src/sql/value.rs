//! Values: what stands on the right of a comparison or an assignment.

use super::token::TokenKind;
use super::types::{Column, SqlValue, SqlWrite};
use super::view::{Range, View};
use super::{HOLE, hole_in};

/// Words and functions that stand for the current time.
const NOW: [&str; 17] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "utc_timestamp",
    "getdate",
    "getutcdate",
    "sysdate",
    "sysdatetime",
    "sysutcdatetime",
    "unixepoch",
    "curdate",
];

/// Functions that give another value each time.
const FRESH: [&str; 11] = [
    "gen_random_uuid",
    "uuid_generate_v4",
    "uuid_generate_v1",
    "uuidv7",
    "uuidv4",
    "uuid",
    "newid",
    "random",
    "rand",
    "randomblob",
    "nextval",
];

/// Words that are no column where they stand bare in an expression. Words that a column may be named stay out.
const NO_COLUMN: [&str; 31] = [
    "and", "or", "not", "null", "true", "false", "case", "when", "then", "else", "end", "as", "is", "in", "like",
    "ilike", "similar", "between", "distinct", "from", "interval", "any", "all", "some", "exists", "array", "collate",
    "escape", "default", "cast", "isnull",
];

impl View<'_> {
    /// The value of an expression.
    pub fn value(&self, range: Range) -> SqlValue {
        let bare = self.bare(range);
        let pieces = if bare == range { Vec::new() } else { self.split_commas(bare) };
        if pieces.len() > 1 {
            return SqlValue::List(pieces.into_iter().map(|piece| self.scalar(piece)).collect());
        }
        if self.is(bare.0, "array") && self.is_symbol(bare.0 + 1, "[") && self.tokens.after(bare.0 + 1) == bare.1 {
            return SqlValue::List(self.list(self.inside(bare.0 + 1)));
        }
        self.scalar(bare)
    }

    /// Takes brackets and casts off, from the outside in.
    fn bare(&self, mut range: Range) -> Range {
        loop {
            let inner = self.uncast(self.peel(range));
            if inner == range {
                return range;
            }
            range = inner;
        }
    }

    /// The values between commas.
    pub fn list(&self, range: Range) -> Vec<SqlValue> {
        self.split_commas(range).into_iter().map(|piece| self.scalar(piece)).collect()
    }

    /// A value that is no list.
    pub fn scalar(&self, range: Range) -> SqlValue {
        let range = self.bare(range);
        let (start, end) = range;
        if start >= end {
            return SqlValue::Opaque(Vec::new());
        }
        if let Some(slot) = self.slot(start)
            && self.tokens.after(start) == end
        {
            return SqlValue::Rows(slot);
        }
        if end - start == 1 {
            return self.single(start);
        }
        if end - start == 2
            && self.tokens.kind(start + 1) == Some(TokenKind::Number)
            && (self.is_symbol(start, "-") || self.is_symbol(start, "+"))
        {
            let sign = if self.is_symbol(start, "-") { "-" } else { "" };
            return SqlValue::Number(format!("{sign}{}", self.tokens.raw(start + 1)));
        }
        if let Some(column) = self.column(range) {
            return SqlValue::Column(column);
        }
        if self.is_open(start + 1)
            && self.tokens.after(start + 1) == end
            && let Some(value) = self.known_call(start)
        {
            return value;
        }
        SqlValue::Opaque(self.leaves(range))
    }

    /// A value of one token.
    fn single(&self, at: usize) -> SqlValue {
        let raw = self.tokens.raw(at);
        match self.tokens.kind(at) {
            Some(TokenKind::Hole(n)) => SqlValue::Hole(n as usize),
            Some(TokenKind::Param(0)) => SqlValue::Param(raw.to_owned()),
            Some(TokenKind::Param(n)) => SqlValue::Param(format!("?{n}")),
            Some(TokenKind::Number) => SqlValue::Number(raw.to_owned()),
            Some(TokenKind::Text) => text_value(self.tokens.string(at).unwrap_or_default()),
            Some(TokenKind::Quoted) => {
                SqlValue::Column(Column { of: None, name: self.tokens.name(at).unwrap_or_default() })
            }
            Some(TokenKind::Word) if is_one_of(raw, &NOW) => SqlValue::Now,
            Some(TokenKind::Word) => match raw.to_ascii_lowercase().as_str() {
                "null" => SqlValue::Null,
                "true" => SqlValue::Bool(true),
                "false" => SqlValue::Bool(false),
                lower if NO_COLUMN.contains(&lower) => SqlValue::Opaque(Vec::new()),
                _ => SqlValue::Column(Column { of: None, name: raw.to_owned() }),
            },
            _ => SqlValue::Opaque(Vec::new()),
        }
    }

    /// A call whose value is known by its name.
    fn known_call(&self, at: usize) -> Option<SqlValue> {
        let name = self.tokens.raw(at);
        let inside = self.inside(at + 1);
        if is_one_of(name, &FRESH) {
            return Some(SqlValue::Fresh);
        }
        let of_now = || self.tokens.string(inside.0).is_some_and(|text| text.eq_ignore_ascii_case("now"));
        let bare_date = ["datetime", "date", "strftime", "julianday"];
        if is_one_of(name, &NOW) || (is_one_of(name, &bare_date) && of_now()) {
            return Some(SqlValue::Now);
        }
        // MySQL's name for the row that an upsert meant to insert.
        if name.eq_ignore_ascii_case("values") && inside.1 - inside.0 == 1 {
            return Some(SqlValue::Column(Column {
                of: Some("excluded".to_owned()),
                name: self.tokens.name(inside.0)?,
            }));
        }
        None
    }

    /// Takes off `CAST(… AS type)` and `…::type`, which do not change what a value stands for.
    fn uncast(&self, range: Range) -> Range {
        let (start, end) = range;
        if self.is(start, "cast") && self.is_open(start + 1) && self.tokens.after(start + 1) == end {
            let inside = self.inside(start + 1);
            let type_at = self.find(inside, &["as"]).unwrap_or(inside.1);
            return (inside.0, type_at);
        }
        let mut cast_at = None;
        for at in self.top(range) {
            if self.tokens.kind(at) != Some(TokenKind::Symbol) {
                continue;
            }
            match self.tokens.raw(at) {
                "::" => cast_at = cast_at.or(Some(at)),
                "." | "(" | "[" => {}
                _ => return range,
            }
        }
        cast_at.map_or(range, |at| (start, at))
    }

    /// A column, where the whole range is its name.
    pub fn column(&self, range: Range) -> Option<Column> {
        let (start, end) = range;
        let last = end.checked_sub(1).filter(|last| *last >= start)?;
        let bare = end - start == 1;
        let dotted = (end - start) % 2 == 1 && (start + 1..end).step_by(2).all(|at| self.is_symbol(at, "."));
        if !dotted || (bare && matches!(self.tokens.kind(start), Some(TokenKind::Hole(_)))) {
            return None;
        }
        let (table, next) = self.table_name(range)?;
        if next != end || (bare && self.tokens.kind(last) == Some(TokenKind::Word) && self.no_column(last)) {
            return None;
        }
        Some(Column { of: table.schema, name: table.name })
    }

    fn no_column(&self, at: usize) -> bool {
        // `AT TIME ZONE`
        let zone = (self.is(at, "at") && self.is(at + 1, "time"))
            || (self.is(at, "time") && self.is(at + 1, "zone"))
            || (self.is(at, "zone") && at > 0 && self.is(at - 1, "time"));
        zone || self.is_any(at, &NO_COLUMN) || self.is_any(at, &NOW)
    }

    /// The placeholders, columns and sub-selects that an expression is made of.
    pub fn leaves(&self, (start, end): Range) -> Vec<SqlValue> {
        let mut leaves = Vec::new();
        let mut at = start;
        while at < end {
            if let Some(slot) = self.slot(at) {
                leaves.push(SqlValue::Rows(slot));
                at = self.tokens.after(at);
                continue;
            }
            match self.tokens.kind(at) {
                Some(TokenKind::Hole(_) | TokenKind::Param(_)) => leaves.push(self.single(at)),
                Some(TokenKind::Text) => match self.single(at) {
                    SqlValue::Opaque(holes) => leaves.extend(holes),
                    SqlValue::Text(_) => {}
                    hole => leaves.push(hole),
                },
                Some(TokenKind::Word | TokenKind::Quoted) => at = self.leaf_name(at, end, &mut leaves),
                // The type behind a cast is no column.
                Some(TokenKind::Symbol) if self.is_symbol(at, "::") => {
                    at += 1;
                    while at + 1 < end
                        && self.is_any(at + 1, &["varying", "precision", "with", "without", "time", "zone"])
                    {
                        at += 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        leaves
    }

    /// Reads a name among the leaves; returns the index of its last token.
    fn leaf_name(&self, at: usize, end: usize, leaves: &mut Vec<SqlValue>) -> usize {
        let mut last = at;
        while last + 2 < end && self.is_symbol(last + 1, ".") && self.tokens.name(last + 2).is_some() {
            last += 2;
        }
        if self.is_open(last + 1) {
            if let Some(known) = self.known_call(last) {
                leaves.push(known);
                return self.tokens.after(last + 1) - 1;
            }
        } else if let Some(column) = self.column((at, last + 1)) {
            leaves.push(SqlValue::Column(column));
        } else if self.is_any(at, &NOW) {
            leaves.push(SqlValue::Now);
        }
        last
    }

    /// What an assignment of an expression to a column writes.
    pub fn write(&self, column: &str, range: Range) -> SqlWrite {
        let range = self.peel(range);
        if let Some(delta) = self.delta(column, range) {
            return delta;
        }
        match self.value(range) {
            SqlValue::Opaque(leaves) => SqlWrite::Opaque(leaves),
            value => SqlWrite::Value(value),
        }
    }

    fn delta(&self, column: &str, range: Range) -> Option<SqlWrite> {
        let mut signs = self.top(range).filter(|&at| {
            at > range.0
                && self.tokens.kind(at) == Some(TokenKind::Symbol)
                && !matches!(self.tokens.raw(at), "." | "::" | "(" | "[")
        });
        let sign = signs.next()?;
        let plus = self.is_symbol(sign, "+");
        if signs.next().is_some() || !(plus || self.is_symbol(sign, "-")) {
            return None;
        }
        let (left, right) = ((range.0, sign), (sign + 1, range.1));
        let by = if self.is_own(column, left) {
            right
        } else if plus && self.is_own(column, right) {
            left
        } else {
            return None;
        };
        match self.scalar(by) {
            SqlValue::Opaque(_) | SqlValue::Rows(_) => None,
            value => Some(SqlWrite::Delta { plus, value }),
        }
    }

    /// Whether an expression is the column itself, or the column with a stand-in for null.
    fn is_own(&self, column: &str, range: Range) -> bool {
        let mut range = self.peel(self.uncast(self.peel(range)));
        if self.is_any(range.0, &["coalesce", "ifnull", "isnull", "nvl"])
            && self.is_open(range.0 + 1)
            && self.tokens.after(range.0 + 1) == range.1
        {
            let arguments = self.split_commas(self.inside(range.0 + 1));
            range = arguments.first().copied().unwrap_or(range);
        }
        let own = |of: &Option<String>| of.as_deref().is_none_or(|of| !of.eq_ignore_ascii_case("excluded"));
        self.column(range).is_some_and(|found| own(&found.of) && found.name.eq_ignore_ascii_case(column))
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A text that is a hole as a whole is that hole; one with holes inside is made from them.
fn text_value(text: String) -> SqlValue {
    let mut holes = Vec::new();
    let mut rest = text.as_str();
    while let Some(number) = hole_in(rest) {
        holes.push(SqlValue::Hole(number));
        let start = rest.find(HOLE).unwrap_or(rest.len());
        let length = HOLE.len_utf8() * 2 + number.to_string().len();
        if start == 0 && length == text.len() {
            return SqlValue::Hole(number);
        }
        rest = rest.get(start + length..).unwrap_or("");
    }
    if holes.is_empty() { SqlValue::Text(text) } else { SqlValue::Opaque(holes) }
}
