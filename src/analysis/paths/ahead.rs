//! What lies ahead: the joins and values that something further on looks at.
//!
//! What joins stand for tells ways apart that agree on all facts, as long as a test is still to come that looks at it, or a
//! write that it is given to; and what a branch has said is worth keeping where ways meet again only if a test asks for it
//! once more.

use rustc_hash::FxHashSet;

use crate::analysis::facts::{self, Atom};
use crate::analysis::flow::Flow;
use crate::ir::{BinaryOp, UnaryOp};
use crate::library::Verb;
use crate::model::{Block, BlockId, Event, Exit, Literal, ObjectEntry, Op, PhiId, Trace, Val, ValId, names_effect};

/// Joins of more ways than these are not followed.
const WAYS: usize = 12;

/// What the tests and writes of a trace look at.
#[derive(Debug)]
pub struct Ahead {
    /// By block, the joins that it has, and whether a test looks at them or only a write.
    joins: Vec<Vec<(PhiId, bool)>>,
    /// By join, the position of the last block that looks at it.
    last_of_join: Vec<Option<u32>>,
    /// By value, the position of the last test that looks at it.
    last: Vec<Option<u32>>,
    /// By block, how much of what it does shows if it is done twice.
    shows: Vec<u16>,
    /// By block, whether the ways that it branches to, `no` and `yes`, are for writes that hit nothing.
    loses: Vec<[bool; 2]>,
}

/// What of a value a test looks at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part<'t> {
    /// Whether it is there: an object is, whatever its members are.
    Truth,
    /// One member.
    Member(&'t str),
    /// All that it is made from.
    Whole,
}

impl Ahead {
    /// What the tests and writes of a trace look at.
    #[must_use]
    pub fn of(trace: &Trace<'_>, flow: &Flow) -> Self {
        let mut found = Self {
            joins: vec![Vec::new(); trace.blocks.len()],
            last_of_join: vec![None; trace.values.phis().len()],
            last: vec![None; trace.values.len()],
            shows: trace.blocks.iter().map(|block| shows(trace, block)).collect(),
            loses: trace.blocks.iter().map(|block| loses(trace, block)).collect(),
        };
        found.add_tests(trace, flow);
        found.add_writes(trace, flow);
        found
    }

    fn add_tests(&mut self, trace: &Trace<'_>, flow: &Flow) {
        let mut seen = FxHashSet::default();
        let mut todo = Vec::new();
        // From the end, so that what is seen first is seen at its last test.
        for block in flow.order.iter().rev().copied() {
            let Exit::Branch { test, .. } = &trace.block(block).exit else { continue };
            let Some(position) = flow.position(block) else { continue };
            todo.push((*test, Part::Truth));
            while let Some((value, part)) = todo.pop() {
                if !seen.insert((value, part)) {
                    continue;
                }
                self.last[value.0 as usize].get_or_insert(position);
                if let Val::Phi(phi) = trace.values.get(value) {
                    self.note(trace, *phi, position, true);
                }
                look_into(trace, value, part, &mut todo);
            }
        }
    }

    fn add_writes(&mut self, trace: &Trace<'_>, flow: &Flow) {
        let mut seen = FxHashSet::default();
        let mut writes: Vec<(u32, &Op)> = trace
            .ops
            .iter()
            .filter(|op| !matches!(op.verb, Verb::Read | Verb::Count))
            .filter_map(|op| Some((flow.position(op.block)?, op)))
            .collect();
        writes.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        for (position, op) in writes {
            let mut todo = op.args.clone();
            while let Some(value) = todo.pop() {
                if !trace.values.is_joined(value) || !seen.insert(value) {
                    continue;
                }
                if let Val::Phi(phi) = trace.values.get(value) {
                    self.note(trace, *phi, position, false);
                }
                trace.values.each_part(value, &mut |part| todo.push(part));
            }
        }
    }

    fn note(&mut self, trace: &Trace<'_>, phi: PhiId, position: u32, by_test: bool) {
        let it = trace.values.phi(phi);
        if it.operands.len() > WAYS || trace.block(it.block).is_loop {
            return;
        }
        let last = &mut self.last_of_join[phi.0 as usize];
        *last = (*last).max(Some(position));
        let joins = &mut self.joins[it.block.index()];
        if !joins.iter().any(|(known, _)| *known == phi) {
            joins.push((phi, by_test));
        }
    }

    /// The joins of a block that something looks at, and whether that is a test.
    pub(super) fn joins(&self, block: BlockId) -> &[(PhiId, bool)] {
        &self.joins[block.index()]
    }

    /// Whether something at a position or behind it looks at a join.
    pub(super) fn looks_at(&self, phi: PhiId, from: Option<u32>) -> bool {
        self.last_of_join[phi.0 as usize] >= from
    }

    /// How much of what a block does shows if it is done twice.
    pub(super) fn shows(&self, block: BlockId) -> u16 {
        self.shows[block.index()]
    }

    /// Whether the way that a block takes where its test is `truth` is one for a write that hit nothing.
    pub(super) fn loses(&self, block: BlockId, truth: bool) -> bool {
        self.loses[block.index()][usize::from(truth)]
    }

    /// Whether a test at a position or behind it may ask for a fact again.
    pub(super) fn asks_for(&self, trace: &Trace<'_>, atom: &Atom, from: Option<u32>) -> bool {
        let variable = |value: &ValId| trace.values.literal(*value).is_none();
        // Values that were made since are looked at by no test.
        let last = |value: ValId| self.last.get(value.0 as usize).copied().flatten();
        atom.values().into_iter().flatten().filter(variable).all(|value| last(value) >= from)
    }
}

/// Adds what a part of a value is taken from.
fn look_into<'t>(trace: &'t Trace<'_>, value: ValId, part: Part<'t>, todo: &mut Vec<(ValId, Part<'t>)>) {
    let is_absent = |value: ValId| trace.values.literal(value).is_some_and(Literal::is_absent);
    match (trace.values.get(value), part) {
        (Val::Phi(phi), _) => todo.extend(trace.values.phi(*phi).operands.iter().map(|(_, operand)| (*operand, part))),
        (Val::Choice(test, yes, no), _) => todo.extend([(*test, Part::Truth), (*yes, part), (*no, part)]),
        (Val::Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Coalesce, a, b), _) => {
            todo.extend([(*a, part), (*b, part)]);
        }
        (Val::Unary(UnaryOp::Not, inner), _) => todo.push((*inner, Part::Truth)),
        (Val::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b), _) if is_absent(*b) => todo.push((*a, Part::Truth)),
        (Val::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b), _) if is_absent(*a) => todo.push((*b, Part::Truth)),
        (Val::Field(base, name), _) => todo.push((*base, Part::Member(name))),
        (Val::Object(_) | Val::Array(_), Part::Truth) => {}
        (Val::Object(entries), Part::Member(wanted)) => todo.extend(entries.iter().filter_map(|entry| match entry {
            ObjectEntry::Field(name, member) => (name == wanted).then_some((*member, Part::Whole)),
            ObjectEntry::Spread(other) => Some((*other, part)),
            ObjectEntry::Computed(member) => Some((*member, Part::Whole)),
            ObjectEntry::Removed(_) => None,
        })),
        _ => trace.values.each_part(value, &mut |inner| todo.push((inner, Part::Whole))),
    }
}

/// How much of what a block does shows if it is done twice.
fn shows(trace: &Trace<'_>, block: &Block) -> u16 {
    let shows = |event: &&Event| match event {
        Event::Op(op) => trace.op(*op).verb == Verb::Create,
        Event::Call(call) => names_effect(&call.name),
        _ => false,
    };
    u16::try_from(block.events.iter().filter(shows).count()).unwrap_or(u16::MAX)
}

/// Whether the ways that a block branches to, `no` and `yes`, are for writes that hit nothing.
fn loses(trace: &Trace<'_>, block: &Block) -> [bool; 2] {
    match block.exit {
        Exit::Branch { test, .. } => [false, true].map(|truth| is_loss(trace, test, truth)),
        _ => [false, false],
    }
}

/// Whether a test that comes out as `truth` says that a write hit nothing.
fn is_loss(trace: &Trace<'_>, test: ValId, truth: bool) -> bool {
    let of_write = |value: ValId| {
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 12 {
                return false;
            }
            match trace.values.get(value) {
                Val::Result(op) => return !matches!(trace.op(*op).verb, Verb::Read | Verb::Count),
                Val::Field(base, _) => todo.push(*base),
                _ => {}
            }
        }
        false
    };
    facts::assert(trace, test, truth).iter().flatten().any(|(atom, holds)| match atom {
        Atom::Present(v) | Atom::True(v) => !holds && of_write(*v),
        Atom::Eq(a, b) => !holds && (of_write(*a) || of_write(*b)),
        Atom::Lt(a, _) | Atom::Le(a, _) => *holds && of_write(*a),
        Atom::Among(..) => false,
    })
}
