//! Facts: what a branch taken one way says about values.

use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Missing, Rows, Verb};
use crate::model::{Literal, Op, OpSource, Trace, Val, ValId};

/// A statement about values that is true or false on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// The value is there: a row, a non-empty set, a number above zero.
    Present(ValId),
    /// The value is true.
    True(ValId),
    /// Two values are equal.
    Eq(ValId, ValId),
    /// The first is less than the second.
    Lt(ValId, ValId),
    /// The first is not greater than the second.
    Le(ValId, ValId),
    /// The value is among those of a list.
    Among(ValId, ValId),
}

/// An atom and whether it holds.
pub type Fact = (Atom, bool);

impl Atom {
    /// The values it speaks of.
    #[must_use]
    pub fn values(&self) -> [Option<ValId>; 2] {
        match self {
            Self::Present(v) | Self::True(v) => [Some(*v), None],
            Self::Eq(a, b) | Self::Lt(a, b) | Self::Le(a, b) | Self::Among(a, b) => [Some(*a), Some(*b)],
        }
    }
}

/// How many alternatives a condition may have before it is taken as one opaque test.
const ALTERNATIVES: usize = 6;

/// What holds if a value tests as `truth`: alternatives, each a set of facts.
#[must_use]
pub fn assert(trace: &Trace<'_>, test: ValId, truth: bool) -> Vec<Vec<Fact>> {
    assert_within(trace, test, truth, 24)
}

fn assert_within(trace: &Trace<'_>, test: ValId, truth: bool, depth: usize) -> Vec<Vec<Fact>> {
    let opaque = || vec![vec![(Atom::True(test), truth)]];
    let Some(depth) = depth.checked_sub(1) else { return opaque() };
    let values = &trace.values;
    if let Some(known) = values.truth(test) {
        return if known == truth { vec![Vec::new()] } else { Vec::new() };
    }
    let both = |a: ValId, a_truth: bool, b: ValId, b_truth: bool| {
        let left = assert_within(trace, a, a_truth, depth);
        let right = assert_within(trace, b, b_truth, depth);
        let mut all = Vec::new();
        for l in &left {
            for r in &right {
                let mut facts = l.clone();
                facts.extend(r.iter().cloned());
                all.push(facts);
            }
        }
        all
    };
    let either = |a: ValId, a_truth: bool, b: ValId, b_truth: bool| {
        let mut all = assert_within(trace, a, a_truth, depth);
        all.extend(assert_within(trace, b, b_truth, depth));
        all
    };
    let found = match values.get(test) {
        Val::Unary(UnaryOp::Not, inner) => assert_within(trace, *inner, !truth, depth),
        Val::Binary(BinaryOp::And, a, b) if truth => both(*a, true, *b, true),
        Val::Binary(BinaryOp::And, a, b) => either(*a, false, *b, false),
        Val::Binary(BinaryOp::Or | BinaryOp::Coalesce, a, b) if truth => either(*a, true, *b, true),
        Val::Binary(BinaryOp::Or | BinaryOp::Coalesce, a, b) => both(*a, false, *b, false),
        Val::Binary(BinaryOp::Eq, a, b) => compare(trace, *a, *b, truth),
        Val::Binary(BinaryOp::Ne, a, b) => compare(trace, *a, *b, !truth),
        Val::Binary(BinaryOp::Lt, a, b) => order(trace, *a, *b, true, truth),
        Val::Binary(BinaryOp::Le, a, b) => order(trace, *a, *b, false, truth),
        Val::Binary(BinaryOp::Gt, a, b) => order(trace, *b, *a, true, truth),
        Val::Binary(BinaryOp::Ge, a, b) => order(trace, *b, *a, false, truth),
        Val::Choice(condition, yes, no) => {
            let mut all = both(*condition, true, *yes, truth);
            all.extend(both(*condition, false, *no, truth));
            all
        }
        Val::Call { callee, args, is_new: false, .. } => match (values.get(*callee), args.as_slice()) {
            (Val::Field(list, method), [item]) if method == "includes" => {
                vec![vec![(Atom::Among(*item, *list), truth)]]
            }
            // `Boolean(x)` and the like pass the value's truth on.
            (Val::Global(name), [item]) if name == "Boolean" => assert_within(trace, *item, truth, depth),
            _ => opaque(),
        },
        Val::Over(Over::Find, ..) => vec![vec![(Atom::Present(test), truth)]],
        // Every row has its key: where there is none, there is no row.
        Val::Field(base, name) if name == KEY && is_row(trace, *base) => vec![vec![(Atom::Present(*base), truth)]],
        _ if is_row(trace, test) || is_size(trace, test) => vec![vec![(Atom::Present(test), truth)]],
        _ => opaque(),
    };
    if found.len() > ALTERNATIVES {
        return opaque();
    }
    found
}

fn compare(trace: &Trace<'_>, a: ValId, b: ValId, truth: bool) -> Vec<Vec<Fact>> {
    let values = &trace.values;
    let (a, b) = if values.literal(a).is_some() { (b, a) } else { (a, b) };
    match values.literal(b) {
        Some(Literal::Null | Literal::Unset) => return vec![vec![(Atom::Present(whole(trace, a)), !truth)]],
        Some(Literal::Bool(wanted)) => return vec![vec![(Atom::True(a), truth == *wanted)]],
        Some(Literal::Number(zero)) if zero == "0" && is_size(trace, a) => {
            return vec![vec![(Atom::Present(a), !truth)]];
        }
        _ => {}
    }
    let (a, b) = if b < a && values.literal(b).is_none() { (b, a) } else { (a, b) };
    vec![vec![(Atom::Eq(a, b), truth)]]
}

/// The column that every row has, and that is never empty.
const KEY: &str = "id";

/// The row of which a value is the key, or the only column that was asked for: where there is no row, there is no value.
fn whole(trace: &Trace<'_>, value: ValId) -> ValId {
    match trace.values.get(value) {
        Val::Field(base, name) if name == KEY && is_row(trace, *base) => *base,
        Val::Field(base, _) => match trace.values.get(*base) {
            Val::Result(op) if trace.op(*op).missing == Missing::Null && is_all_of_row(trace.op(*op)) => *base,
            _ => value,
        },
        _ => value,
    }
}

/// Whether a column is the only one that was asked for.
fn is_all_of_row(op: &Op<'_>) -> bool {
    let only = match &op.source {
        OpSource::Sql(statement, _) => statement.query().is_some_and(|query| query.selected.len() == 1),
        OpSource::Built(built, _) => built.selected.len() == 1,
        _ => false,
    };
    op.scalar || op.rows == Rows::One && only
}

/// `a < b` (strict) or `a <= b`.
fn order(trace: &Trace<'_>, a: ValId, b: ValId, strict: bool, truth: bool) -> Vec<Vec<Fact>> {
    let number = |v: ValId| match trace.values.literal(v) {
        Some(Literal::Number(n)) => Some(n.clone()),
        _ => None,
    };
    // A size compared with zero or one asks for presence.
    match (number(a).as_deref(), number(b).as_deref(), strict) {
        (Some("0"), None, true) | (Some("1"), None, false) if is_size(trace, b) => {
            return vec![vec![(Atom::Present(b), truth)]];
        }
        (None, Some("1"), true) | (None, Some("0"), false) if is_size(trace, a) => {
            return vec![vec![(Atom::Present(a), !truth)]];
        }
        _ => {}
    }
    vec![vec![(if strict { Atom::Lt(a, b) } else { Atom::Le(a, b) }, truth)]]
}

/// Whether a value is a row, or nothing.
#[must_use]
pub fn is_row(trace: &Trace<'_>, value: ValId) -> bool {
    match trace.values.get(value) {
        Val::Result(op) => trace.op(*op).rows == Rows::One,
        Val::Field(base, name) => {
            name.parse::<usize>().is_ok()
                && matches!(trace.values.get(*base), Val::Result(op) if trace.op(*op).rows == Rows::Many)
        }
        Val::Over(Over::Find, ..) => true,
        _ => false,
    }
}

/// Whether a value is a number of rows.
#[must_use]
pub fn is_size(trace: &Trace<'_>, value: ValId) -> bool {
    match trace.values.get(value) {
        Val::Result(op) => {
            let op = trace.op(*op);
            op.rows == Rows::Number && op.verb == Verb::Count
        }
        Val::Field(_, name) if name == "length" || name == "size" || name == "count" => true,
        // `_count.members`, `_count._all`
        Val::Field(base, name) => {
            name == "_count" || matches!(trace.values.get(*base), Val::Field(_, outer) if outer == "_count")
        }
        Val::Call { callee, args, .. } => match (trace.values.get(*callee), args.as_slice()) {
            (Val::Global(name), [only]) if name == "Number" || name == "BigInt" || name == "parseInt" => {
                is_size(trace, *only)
            }
            _ => false,
        },
        Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, inner, _) => is_size(trace, *inner),
        _ => false,
    }
}

/// Whether two sets of facts can hold together, and the union of both.
#[must_use]
pub fn join(known: &[Fact], more: &[Fact]) -> Option<Vec<Fact>> {
    let mut all = known.to_vec();
    for (atom, truth) in more {
        match all.iter().find(|(other, _)| other == atom) {
            Some((_, other)) if other != truth => return None,
            Some(_) => {}
            None => all.push((*atom, *truth)),
        }
    }
    // One value cannot equal two literals.
    for (at, (atom, truth)) in all.iter().enumerate() {
        if let (Atom::Eq(a, b), true) = (atom, truth) {
            let clash = all[at + 1..]
                .iter()
                .any(|(other, other_truth)| matches!(other, Atom::Eq(c, d) if c == a && d != b && *other_truth));
            if clash {
                return None;
            }
        }
    }
    all.sort();
    all.dedup();
    Some(all)
}
