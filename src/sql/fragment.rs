//! Holes that stand for a piece of SQL instead of a value.

use super::token::TokenKind;
use super::types::Query;
use super::view::{Clause, Range, View};

/// Words behind which a hole is a value, a name or a list, and no further piece of the statement.
const BEFORE_VALUE: [&str; 34] = [
    "select",
    "distinct",
    "all",
    "between",
    "like",
    "ilike",
    "limit",
    "offset",
    "then",
    "else",
    "case",
    "returning",
    "in",
    "from",
    "into",
    "update",
    "join",
    "table",
    "only",
    "by",
    "values",
    "value",
    "any",
    "some",
    "is",
    "to",
    "interval",
    "escape",
    "top",
    "as",
    "next",
    "first",
    "using",
    "regexp",
];

/// Words behind which a hole is either a value that is compared, or a whole condition.
const BEFORE_CONDITION: [&str; 8] = ["where", "and", "or", "not", "on", "having", "when", "set"];

impl View<'_> {
    /// Whether a hole stands where the statement needs no value.
    pub fn is_fragment(&self, at: usize, start: usize) -> bool {
        if !matches!(self.tokens.kind(at), Some(TokenKind::Hole(_))) || self.is_symbol(at + 1, ".") {
            return false;
        }
        let Some(before) = at.checked_sub(1).filter(|_| at > start) else {
            return !self.is_compared(at);
        };
        match self.tokens.kind(before) {
            Some(TokenKind::Word) if self.is_any(before, &BEFORE_VALUE) => false,
            Some(TokenKind::Word) if self.is(before, "and") && self.is_between(before) => false,
            Some(TokenKind::Word) if self.is_any(before, &BEFORE_CONDITION) => !self.is_compared(at),
            Some(TokenKind::Symbol) => match self.tokens.raw(before) {
                ")" | "]" | ";" => true,
                "(" => self.is_condition_bracket(before) && self.is_symbol(at + 1, ")"),
                _ => false,
            },
            _ => true,
        }
    }

    fn is_compared(&self, at: usize) -> bool {
        let words = ["in", "is", "not", "between", "like", "ilike", "as", "collate"];
        let symbol = self.tokens.kind(at + 1) == Some(TokenKind::Symbol)
            && !matches!(self.tokens.raw(at + 1), ")" | "]" | ";" | "(" | "[" | ",");
        symbol || self.is_any(at + 1, &words)
    }

    /// Whether an `AND` belongs to a `BETWEEN` with a short lower bound.
    fn is_between(&self, and: usize) -> bool {
        (1..=6).any(|back| and.checked_sub(back).is_some_and(|at| self.is(at, "between")))
    }

    fn is_condition_bracket(&self, open: usize) -> bool {
        let before = open.checked_sub(1);
        before.is_some_and(|before| self.is_any(before, &BEFORE_CONDITION) || self.is_open(before))
    }

    /// Where the first such hole at top level of a range stands; the range's end if there is none.
    pub fn before_fragment(&self, range: Range) -> usize {
        self.top(range).find(|&at| at > range.0 && self.is_fragment(at, range.0)).unwrap_or(range.1)
    }

    /// Lists the pieces of SQL among the clauses of a query. One that could add a condition makes the filter opaque.
    pub fn note_fragments(&self, clauses: &[(Clause, Range)], query: &mut Query) {
        let filtered = clauses.iter().any(|(clause, _)| *clause == Clause::Where);
        for &(clause, range) in clauses {
            for at in self.walk(range) {
                if let Some(TokenKind::Hole(number)) = self.tokens.kind(at)
                    && self.is_fragment(at, 0)
                {
                    query.fragments.push(number as usize);
                    query.filter.opaque |= match clause {
                        Clause::Head | Clause::From | Clause::Using | Clause::Where => true,
                        Clause::Set => !filtered,
                        _ => false,
                    };
                }
            }
        }
    }
}
