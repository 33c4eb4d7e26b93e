//! Path classes: the different sets of facts under which an operation is reached from a check.
//!
//! From a check onwards every way through the trace is followed, but ways that agree on all facts about the check, and on
//! the choices that later tests look at, are one. Each class keeps one way as its example.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{self, Atom, Fact};
use super::flow::Flow;
use crate::library::{Missing, Verb};
use crate::model::{BlockId, Event, Exit, OpId, PhiId, Trace, Val, ValId};

/// How many classes a block may have; further ones are dropped.
const CLASSES: usize = 24;

/// One class at the start of a block.
#[derive(Clone, Debug)]
pub struct Node {
    /// The block.
    pub block: BlockId,
    /// The class it was reached from.
    pub parent: Option<usize>,
    /// What holds of the check.
    pub facts: Rc<[Fact]>,
    /// What joins stand for, where a later test looks at them.
    choices: Rc<[(PhiId, ValId)]>,
    /// Whether an error led here.
    pub by_error: bool,
}

/// All classes behind a check.
#[derive(Debug)]
pub struct Paths {
    /// The check.
    pub check: OpId,
    /// All classes.
    pub nodes: Vec<Node>,
    /// The classes at each block.
    at: FxHashMap<BlockId, Vec<usize>>,
    /// The classes that follow from a class.
    next: FxHashMap<usize, Vec<usize>>,
    /// Values that depend on the check.
    depends: Depends,
}

/// Which values depend on an operation's result.
#[derive(Debug, Default)]
pub struct Depends {
    memo: FxHashMap<ValId, bool>,
}

impl Depends {
    /// Whether a value is made from what `op` gave.
    pub fn on(&mut self, trace: &Trace<'_>, op: OpId, value: ValId) -> bool {
        if let Some(known) = self.memo.get(&value) {
            return *known;
        }
        // A cycle through a loop's join adds nothing.
        self.memo.insert(value, false);
        let found = match trace.values.get(value) {
            Val::Result(other) => *other == op,
            _ => trace.values.parts(value).into_iter().any(|part| self.on(trace, op, part)),
        };
        self.memo.insert(value, found);
        found
    }
}

impl Paths {
    /// Follows all ways from a check.
    #[must_use]
    pub fn new(trace: &mut Trace<'_>, flow: &Flow, check: OpId) -> Self {
        let start = trace.op(check).block;
        let mut paths = Self {
            check,
            nodes: Vec::new(),
            at: FxHashMap::default(),
            next: FxHashMap::default(),
            depends: Depends::default(),
        };
        let tracked = Self::tracked(trace, flow, start);
        let first = Node { block: start, parent: None, facts: Rc::new([]), choices: Rc::new([]), by_error: false };
        paths.nodes.push(first);
        paths.at.insert(start, vec![0]);
        let Some(from) = flow.position(start) else { return paths };
        for at in from as usize..flow.order.len() {
            let block = flow.order[at];
            for node in paths.at.get(&block).cloned().unwrap_or_default() {
                paths.step(trace, flow, node, &tracked);
            }
        }
        paths
    }

    /// The joins that tests look at, directly or through other joins.
    fn tracked(trace: &Trace<'_>, flow: &Flow, start: BlockId) -> Tracked {
        let mut found = Tracked::default();
        let mut seen = FxHashSet::default();
        let from = flow.position(start).unwrap_or(0) as usize;
        for block in &flow.order[from.min(flow.order.len())..] {
            let Exit::Branch { test, .. } = &trace.block(*block).exit else { continue };
            let mut todo = vec![*test];
            while let Some(value) = todo.pop() {
                if !seen.insert(value) {
                    continue;
                }
                if let Val::Phi(phi) = trace.values.get(value) {
                    let it = trace.values.phi(*phi);
                    if it.operands.len() <= 12 && !trace.block(it.block).is_loop {
                        found.entry(it.block).or_default().push(*phi);
                    }
                }
                todo.extend(trace.values.parts(value));
            }
        }
        found
    }

    fn step(&mut self, trace: &mut Trace<'_>, flow: &Flow, node: usize, tracked: &Tracked) {
        let block = self.nodes[node].block;
        let handler = trace.block(block).handler;
        if let Some(handler) = handler
            && flow.is_forward(block, handler)
        {
            let mut facts = Rc::clone(&self.nodes[node].facts);
            let op = trace.op(self.check);
            if node == 0 && op.missing == Missing::Throws && matches!(op.verb, Verb::Read | Verb::Count) {
                // What led here is that the row is missing.
                let row = trace.values.add(Val::Result(self.check));
                facts = facts.iter().cloned().chain([(Atom::Present(row), false)]).collect();
            }
            self.enter(trace, node, handler, facts, tracked, true);
        }
        match trace.block(block).exit.clone() {
            Exit::Goto(next) => {
                let facts = Rc::clone(&self.nodes[node].facts);
                if flow.is_forward(block, next) {
                    self.enter(trace, node, next, facts, tracked, false);
                } else if let Some(behind) = behind_loop(trace, flow, block, next) {
                    // Once through the loop, and on behind it.
                    let seen = self.at.get(&behind).map_or(0, Vec::len);
                    self.enter(trace, node, behind, facts, tracked, false);
                    if self.at.get(&behind).map_or(0, Vec::len) == seen
                        && let Some(last) = self.next.get(&node).and_then(|all| all.last()).copied()
                    {
                        // The example of what follows is one that has run the loop's body.
                        self.nodes[last].parent = Some(node);
                    }
                }
            }
            Exit::Raise(next, _) => {
                let facts = Rc::clone(&self.nodes[node].facts);
                if flow.is_forward(block, next) {
                    self.enter(trace, node, next, facts, tracked, true);
                }
            }
            Exit::Branch { test, yes, no, .. } => {
                let choices = Rc::clone(&self.nodes[node].choices);
                let test = resolve(trace, test, &mut |phi| {
                    choices.iter().find(|(known, _)| *known == phi).map(|(_, value)| *value)
                });
                let depends = self.depends.on(trace, self.check, test);
                for (truth, next) in [(true, yes), (false, no)] {
                    if !flow.is_forward(block, next) {
                        continue;
                    }
                    let known = Rc::clone(&self.nodes[node].facts);
                    if !depends {
                        if trace.values.truth(test).is_none_or(|t| t == truth) {
                            self.enter(trace, node, next, known, tracked, false);
                        }
                        continue;
                    }
                    for more in facts::assert(trace, test, truth) {
                        let more: Vec<Fact> = more
                            .into_iter()
                            .filter(|(atom, _)| {
                                atom.values().into_iter().flatten().any(|v| self.depends.on(trace, self.check, v))
                            })
                            .collect();
                        if let Some(all) = facts::join(&known, &more) {
                            self.enter(trace, node, next, all.into(), tracked, false);
                        }
                    }
                }
            }
            Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }

    fn enter(
        &mut self,
        trace: &mut Trace<'_>,
        from: usize,
        block: BlockId,
        facts: Rc<[Fact]>,
        tracked: &Tracked,
        by_error: bool,
    ) {
        let previous = self.nodes[from].block;
        let mut choices = Rc::clone(&self.nodes[from].choices);
        if let Some(joins) = tracked.get(&block) {
            let mut changed = choices.to_vec();
            for phi in joins.iter().copied() {
                // As long as nothing is known of the check, only joins that hold something of it matter.
                let join = trace.values.add(Val::Phi(phi));
                if facts.is_empty() && !self.depends.on(trace, self.check, join) {
                    continue;
                }
                let operand = trace.values.phi(phi).operands.iter().find(|(way, _)| *way == previous).map(|(_, v)| *v);
                if let Some(value) = operand {
                    let value = resolve(trace, value, &mut |inner| {
                        changed.iter().find(|(known, _)| *known == inner).map(|(_, value)| *value)
                    });
                    changed.retain(|(known, _)| *known != phi);
                    changed.push((phi, value));
                }
            }
            changed.sort_unstable();
            choices = changed.into();
        }
        let known = self.at.entry(block).or_default();
        let nodes = &self.nodes;
        let same = known.iter().find(|at| {
            let node = &nodes[**at];
            node.facts == facts && node.choices == choices && node.by_error == by_error
        });
        if let Some(same) = same {
            self.next.entry(from).or_default().push(*same);
            return;
        }
        if known.len() >= CLASSES {
            return;
        }
        known.push(self.nodes.len());
        self.next.entry(from).or_default().push(self.nodes.len());
        self.nodes.push(Node { block, parent: Some(from), facts, choices, by_error });
    }

    /// The classes at a block.
    #[must_use]
    pub fn at(&self, block: BlockId) -> &[usize] {
        self.at.get(&block).map_or(&[], Vec::as_slice)
    }

    /// The classes that follow from a class.
    #[must_use]
    pub fn next(&self, node: usize) -> &[usize] {
        self.next.get(&node).map_or(&[], Vec::as_slice)
    }

    /// The classes at an operation behind the check.
    #[must_use]
    pub fn at_op(&self, trace: &Trace<'_>, op: OpId) -> Vec<usize> {
        let block = trace.op(op).block;
        if block == trace.op(self.check).block {
            let order = |wanted: OpId| {
                trace.block(block).events.iter().position(|e| matches!(e, Event::Op(id) if *id == wanted))
            };
            return if order(op) > order(self.check) { vec![0] } else { Vec::new() };
        }
        self.at(block).to_vec()
    }

    /// An example of how a class comes about and goes on to the end: all blocks from the entry.
    #[must_use]
    pub fn example(&self, trace: &Trace<'_>, flow: &Flow, node: usize) -> Vec<BlockId> {
        let mut tail = Vec::new();
        let mut next = Some(node);
        while let Some(at) = next {
            tail.push(self.nodes[at].block);
            next = self.nodes[at].parent;
        }
        tail.reverse();
        let mut way = flow.way_to(tail[0]);
        way.pop();
        way.extend(tail);
        // On to a return, through classes that follow from this one; the end with the fewest errors is taken. `walked`
        // holds all steps, each with the one before it; of equal ones the newest is looked at first.
        let children = &self.next;
        let mut walked: Vec<(usize, usize)> = vec![(node, 0)];
        let mut best: Option<(u8, usize)> = None;
        let mut reached: FxHashSet<usize> = FxHashSet::default();
        let mut todo = BinaryHeap::from([(Reverse(0_u8), 0)]);
        while let Some((Reverse(errors), step)) = todo.pop() {
            if best.is_some_and(|(least, _)| least <= errors) {
                break;
            }
            let at = walked[step].0;
            if !reached.insert(at) {
                continue;
            }
            let cost = match &trace.block(self.nodes[at].block).exit {
                Exit::Return(..) => Some(errors),
                Exit::Throw(..) => Some(errors.saturating_add(2)),
                // A loop's way back, or more classes than were followed.
                _ if !children.contains_key(&at) => Some(errors.saturating_add(4)),
                _ => None,
            };
            if let Some(cost) = cost
                && best.is_none_or(|(least, _)| cost < least)
            {
                best = Some((cost, step));
            }
            for child in children.get(&at).into_iter().flatten().rev() {
                let mut errors = errors.saturating_add(u8::from(self.nodes[*child].by_error));
                if let Exit::Branch { test, yes, .. } = &trace.block(self.nodes[at].block).exit
                    && loses(trace, *test, *yes == self.nodes[*child].block)
                {
                    errors = errors.saturating_add(8);
                }
                walked.push((*child, step));
                todo.push((Reverse(errors), walked.len() - 1));
            }
        }
        let mut rest = Vec::new();
        let mut step = best.map_or(0, |(_, step)| step);
        while step != 0 {
            let (node, before) = walked[step];
            rest.push(self.nodes[node].block);
            step = before;
        }
        way.extend(rest.into_iter().rev());
        way
    }
}

/// Where control goes on when the loop with this head is left, seen from the end of its body.
fn behind_loop(trace: &Trace<'_>, flow: &Flow, end: BlockId, head: BlockId) -> Option<BlockId> {
    match &trace.block(head).exit {
        Exit::Branch { yes, no, .. } => [*no, *yes].into_iter().find(|next| flow.is_forward(end, *next)),
        _ => None,
    }
}

/// Whether a branch is the one for a write that hit nothing.
fn loses(trace: &Trace<'_>, test: ValId, truth: bool) -> bool {
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

/// What joins stand for on a way.
pub type Choices = FxHashMap<PhiId, ValId>;

/// What the joins of a way's blocks stand for.
#[must_use]
pub fn choices(trace: &Trace<'_>, way: &[BlockId]) -> Choices {
    let came_from: FxHashMap<BlockId, BlockId> = way.windows(2).map(|pair| (pair[1], pair[0])).collect();
    let mut found = Choices::default();
    for (at, phi) in trace.values.phis().iter().enumerate() {
        let Some(from) = came_from.get(&phi.block) else { continue };
        let operand = phi.operands.iter().find(|(way, _)| way == from);
        if let (Some((_, value)), Ok(at)) = (operand, u32::try_from(at)) {
            found.insert(PhiId(at), *value);
        }
    }
    found
}

/// The joins that tests look at, by block.
type Tracked = FxHashMap<BlockId, Vec<PhiId>>;

/// A value with its joins replaced by what `choose` knows of them.
pub fn resolve(trace: &mut Trace<'_>, value: ValId, choose: &mut dyn FnMut(PhiId) -> Option<ValId>) -> ValId {
    let mut memo = FxHashMap::default();
    resolve_within(trace, value, choose, &mut memo, 40)
}

fn resolve_within(
    trace: &mut Trace<'_>,
    value: ValId,
    choose: &mut dyn FnMut(PhiId) -> Option<ValId>,
    memo: &mut FxHashMap<ValId, ValId>,
    depth: usize,
) -> ValId {
    if !trace.values.is_joined(value) {
        return value;
    }
    let Some(depth) = depth.checked_sub(1) else { return value };
    if let Some(known) = memo.get(&value) {
        return *known;
    }
    memo.insert(value, value);
    let found = match trace.values.get(value) {
        Val::Phi(phi) => {
            let phi = *phi;
            match choose(phi) {
                Some(chosen) if chosen != value => resolve_within(trace, chosen, choose, memo, depth),
                _ => value,
            }
        }
        _ => trace.map_parts(value, &mut |trace, part| resolve_within(trace, part, choose, memo, depth)),
    };
    memo.insert(value, found);
    found
}
