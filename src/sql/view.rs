//! A read-only view of the tokens of a text, and the small steps that every clause is read with.
//!
//! "Top level" always means: outside the brackets that lie inside the range. Walking a range at top level jumps over
//! groups, so that each token is at top level of one range only and the whole read stays linear.

use super::token::{TokenKind, Tokens};
use super::types::{Exists, Query, Table};

/// The mark of a bracket that opens no sub-select.
const NO_SLOT: u32 = u32::MAX;

/// A range of token indexes.
pub(super) type Range = (usize, usize);

/// The tokens, and which brackets open a sub-select.
pub(super) struct View<'a> {
    pub tokens: Tokens<'a>,
    slots: Vec<u32>,
    /// The sub-selects as (opening bracket, closing bracket), innermost first.
    pub nested: Vec<(usize, usize)>,
}

/// What reading one part of a statement says about others.
#[derive(Default)]
pub(super) struct Notes {
    /// Sub-selects, by slot, of which only the existence of rows is asked.
    pub exists: Vec<(usize, Exists)>,
    /// Names of sub-selects that are members of a `WITH`.
    pub ctes: Vec<(usize, String)>,
    /// Reads that are no sub-select but belong to the statement: arms of a union, the select of an insert.
    pub extras: Vec<Query>,
}

impl<'a> View<'a> {
    /// Finds the sub-selects among the tokens.
    pub fn new(tokens: Tokens<'a>) -> Self {
        let mut nested: Vec<(usize, usize)> = Vec::new();
        for open in 0..tokens.list.len() {
            if tokens.is_symbol(open, "(") && opens_query(&tokens, open) {
                nested.push((open, tokens.partner(open)));
            }
        }
        nested.sort_by_key(|&(open, close)| (close, std::cmp::Reverse(open)));
        let mut slots = vec![NO_SLOT; tokens.list.len()];
        for (slot, &(open, _)) in nested.iter().enumerate() {
            slots[open] = u32::try_from(slot).unwrap_or(NO_SLOT);
        }
        Self { tokens, slots, nested }
    }

    /// The sub-select that a bracket opens.
    pub fn slot(&self, index: usize) -> Option<usize> {
        self.slots.get(index).filter(|slot| **slot != NO_SLOT).map(|slot| *slot as usize)
    }

    /// Whether a token is this bare word.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.tokens.is_word(index, word)
    }

    /// Whether a token is one of these bare words.
    pub fn is_any(&self, index: usize, words: &[&str]) -> bool {
        self.tokens.kind(index) == Some(TokenKind::Word)
            && words.iter().any(|word| self.tokens.raw(index).eq_ignore_ascii_case(word))
    }

    /// Whether these bare words stand at a place, one after the other, before the end.
    pub fn are(&self, (at, end): Range, words: &[&str]) -> bool {
        at + words.len() <= end && words.iter().enumerate().all(|(ahead, word)| self.is(at + ahead, word))
    }

    /// Whether a token is this symbol.
    pub fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.tokens.is_symbol(index, symbol)
    }

    /// Whether a token opens a round bracket.
    pub fn is_open(&self, index: usize) -> bool {
        self.is_symbol(index, "(")
    }

    /// The range inside a bracket.
    pub fn inside(&self, open: usize) -> Range {
        let close = self.tokens.partner(open);
        let closed = close > open && self.tokens.partner(close) == open;
        (open + 1, if closed { close } else { close + 1 })
    }

    /// The top-level indexes of a range.
    pub fn top(&self, (start, end): Range) -> impl Iterator<Item = usize> + '_ {
        let mut at = start;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let here = at;
                at = self.tokens.after(at);
                here
            })
        })
    }

    /// All indexes of a range but those inside sub-selects, of which only the opening bracket is given.
    pub fn walk(&self, (start, end): Range) -> impl Iterator<Item = usize> + '_ {
        let mut at = start;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let here = at;
                at = if self.slot(at).is_some() { self.tokens.after(at) } else { at + 1 };
                here
            })
        })
    }

    /// The first top-level place of one of these bare words.
    pub fn find(&self, range: Range, words: &[&str]) -> Option<usize> {
        self.top(range).find(|&at| self.is_any(at, words) && !self.qualified(at))
    }

    /// Whether a word is the last part of a dotted name, and so no keyword.
    pub fn qualified(&self, index: usize) -> bool {
        index > 0 && self.is_symbol(index - 1, ".")
    }

    /// The pieces between top-level commas.
    pub fn split_commas(&self, range: Range) -> Vec<Range> {
        let mut pieces = Vec::new();
        let mut start = range.0;
        for at in self.top(range) {
            if self.is_symbol(at, ",") {
                pieces.push((start, at));
                start = at + 1;
            }
        }
        if start < range.1 {
            pieces.push((start, range.1));
        }
        pieces
    }

    /// Takes away round brackets that enclose the whole range and are no sub-select.
    pub fn peel(&self, mut range: Range) -> Range {
        while range.0 < range.1
            && self.is_open(range.0)
            && self.tokens.after(range.0) == range.1
            && self.slot(range.0).is_none()
        {
            range = self.inside(range.0);
        }
        range
    }

    /// A dotted name; the last part is the name, the one before it the schema.
    pub fn table_name(&self, (at, end): Range) -> Option<(Table, usize)> {
        let mut name = self.tokens.name(at).filter(|_| at < end)?;
        let mut schema = None;
        let mut next = at + 1;
        while next + 1 < end && self.is_symbol(next, ".") {
            schema = Some(name);
            // SQL Server leaves out the schema between two dots.
            next += if self.is_symbol(next + 1, ".") { 2 } else { 1 };
            name = self.tokens.name(next)?;
            next += 1;
        }
        Some((Table { name, schema, alias: None }, next))
    }

    /// Whether a token can be a name that is not one of the words that go on with a statement.
    pub fn is_alias(&self, index: usize) -> bool {
        match self.tokens.kind(index) {
            Some(TokenKind::Quoted) => true,
            Some(TokenKind::Word) => !self.is_any(index, &NO_ALIAS),
            _ => false,
        }
    }
}

/// Words that end a table or an expression and therefore name nothing.
const NO_ALIAS: [&str; 58] = [
    "where",
    "set",
    "on",
    "using",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "outer",
    "natural",
    "lateral",
    "order",
    "group",
    "having",
    "limit",
    "offset",
    "fetch",
    "for",
    "lock",
    "union",
    "intersect",
    "except",
    "minus",
    "returning",
    "output",
    "values",
    "value",
    "select",
    "from",
    "into",
    "default",
    "window",
    "with",
    "when",
    "then",
    "else",
    "end",
    "as",
    "and",
    "or",
    "not",
    "is",
    "in",
    "like",
    "ilike",
    "between",
    "asc",
    "desc",
    "nulls",
    "do",
    "force",
    "use",
    "ignore",
    "partition",
    "tablesample",
    "straight_join",
];

/// Whether a bracket holds a query of its own.
fn opens_query(tokens: &Tokens<'_>, open: usize) -> bool {
    let next = open + 1;
    if tokens.is_word(next, "select") || (tokens.is_word(next, "with") && !tokens.is_symbol(next + 1, "(")) {
        return true;
    }
    // A write stands in brackets only as a member of a `WITH`; `replace(` and `insert(` are functions.
    let member = open > 0 && (tokens.is_word(open - 1, "as") || tokens.is_word(open - 1, "materialized"));
    let writes = ["insert", "update", "delete", "merge", "replace"];
    member && writes.iter().any(|word| tokens.is_word(next, word))
}

/// A clause of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    Head,
    Select,
    From,
    Using,
    Where,
    Group,
    Having,
    Window,
    Order,
    Limit,
    Offset,
    Fetch,
    Lock,
    Union,
    Set,
    Values,
    DefaultValues,
    Into,
    Returning,
    Output,
}

impl View<'_> {
    /// Cuts a range at the top-level words that start clauses. The ranges hold what stands behind those words; what stands
    /// before the first is the head.
    pub fn clauses(&self, range: Range) -> Vec<(Clause, Range)> {
        let mut found: Vec<(Clause, Range)> = Vec::new();
        let mut current = (Clause::Head, range.0);
        let mut skip_to = range.0;
        for at in self.top(range) {
            if at < skip_to {
                continue;
            }
            if let Some((clause, body)) = self.clause_at(at, range.1) {
                found.push((current.0, (current.1, at)));
                current = (clause, body);
                skip_to = body;
            }
        }
        found.push((current.0, (current.1.min(range.1), range.1)));
        found
    }

    /// The clause that starts at a word, and where its body starts.
    fn clause_at(&self, at: usize, end: usize) -> Option<(Clause, usize)> {
        if self.tokens.kind(at) != Some(TokenKind::Word)
            || self.qualified(at)
            || self.is_symbol(at + 1, ".")
            || (at > 0 && self.is(at - 1, "as"))
        {
            return None;
        }
        let by = |clause| self.is(at + 1, "by").then_some((clause, at + 2));
        let lower = self.tokens.raw(at).to_ascii_lowercase();
        match lower.as_str() {
            "select" => Some((Clause::Select, at + 1)),
            // `IS DISTINCT FROM` compares.
            "from" if at > 1 && self.is(at - 1, "distinct") && self.is_any(at - 2, &["is", "not"]) => None,
            "from" => Some((Clause::From, at + 1)),
            "using" if !self.is_open(at + 1) => Some((Clause::Using, at + 1)),
            "where" => Some((Clause::Where, at + 1)),
            "group" => by(Clause::Group),
            "order" => by(Clause::Order),
            "having" => Some((Clause::Having, at + 1)),
            "window" => self.is(at + 2, "as").then_some((Clause::Window, at + 1)),
            "limit" => Some((Clause::Limit, at + 1)),
            "offset" => Some((Clause::Offset, at + 1)),
            "fetch" => self.is_any(at + 1, &["first", "next"]).then_some((Clause::Fetch, at + 2)),
            "for" => self.is_any(at + 1, &["update", "share", "no", "key"]).then_some((Clause::Lock, at + 1)),
            "lock" => self.are((at, end), &["lock", "in", "share", "mode"]).then_some((Clause::Lock, at + 2)),
            "union" | "intersect" | "except" | "minus" => {
                let words = usize::from(self.is_any(at + 1, &["all", "distinct"]));
                Some((Clause::Union, at + 1 + words))
            }
            "set" => Some((Clause::Set, at + 1)),
            "values" | "value" if self.starts_values(at) => Some((Clause::Values, at + 1)),
            "default" => self.is(at + 1, "values").then_some((Clause::DefaultValues, at + 2)),
            "into" => Some((Clause::Into, at + 1)),
            "returning" => Some((Clause::Returning, at + 1)),
            "output" => Some((Clause::Output, at + 1)),
            _ => None,
        }
    }

    /// Tells the clause from the function `VALUES(column)` and from a column of that name: the clause stands behind a
    /// table or its column list.
    fn starts_values(&self, at: usize) -> bool {
        let rows = self.is_open(at + 1)
            || self.is(at + 1, "row")
            || matches!(self.tokens.kind(at + 1), Some(TokenKind::Hole(_) | TokenKind::Param(_)));
        let operator = at > 0 && self.tokens.kind(at - 1) == Some(TokenKind::Symbol) && !self.is_symbol(at - 1, ")");
        rows && !operator
    }
}
