//! Path classes: the different sets of facts under which an operation is reached from a check.
//!
//! From a check onwards every way through the trace is followed, but ways that agree on all facts about the check, and on
//! the choices that later tests look at, are one. Each class keeps one way as its example.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{self, Atom, Fact};
use super::flow::Flow;
use super::known::{Chosen, Interned, Known};
use crate::library::{Missing, Verb};
use crate::model::{BlockId, Event, Exit, OpId, PhiId, Trace, Val, ValId};

/// How many classes a block may have; further ones are dropped.
const CLASSES: usize = 16;

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
    choices: Rc<Chosen>,
    /// Whether an error led here.
    pub by_error: bool,
}

/// All classes behind a check.
#[derive(Debug)]
pub struct Paths {
    /// The check.
    pub check: OpId,
    /// A way from the entry to the check's block.
    prefix: Rc<[BlockId]>,
    /// All classes.
    pub nodes: Vec<Node>,
    /// The classes at each block.
    at: Vec<Vec<usize>>,
    /// The classes that follow from each class, one class behind the other.
    next: Vec<usize>,
    /// Where in `next` those of a class are.
    next_of: Vec<Range<usize>>,
    /// Values that depend on the check.
    depends: Depends,
    /// The joins that tests look at.
    tracked: Tracked,
    /// The position of the first block whose classes have not been followed on.
    reached: usize,
    /// The sets of facts, and of choices.
    facts: Interned<Fact>,
    choices: Interned<(PhiId, ValId)>,
    /// What choices become on the way from one block to another, by the choices' address; where nothing is known of the
    /// check, fewer joins matter.
    chosen: FxHashMap<(BlockId, BlockId, usize, bool), Rc<Chosen>>,
    /// What facts become where a value tests as true or false, by the facts' address.
    joined: FxHashMap<(usize, ValId, bool), Joined>,
    /// Examples that have been asked for.
    examples: RefCell<FxHashMap<usize, Rc<[BlockId]>>>,
}

/// Alternatives, each a set of facts.
type Joined = Rc<[Rc<[Fact]>]>;

/// Which values depend on an operation's result.
#[derive(Debug, Default)]
pub struct Depends {
    /// By value, what is known.
    memo: Vec<Option<bool>>,
}

impl Depends {
    /// Whether a value is made from what `op` gave.
    pub fn on(&mut self, trace: &Trace<'_>, op: OpId, value: ValId) -> bool {
        let at = value.0 as usize;
        if self.memo.len() <= at {
            self.memo.resize(trace.values.len(), None);
        }
        if let Some(known) = self.memo[at] {
            return known;
        }
        // A cycle through a loop's join adds nothing.
        self.memo[at] = Some(false);
        let found = match trace.values.get(value) {
            Val::Result(other) => *other == op,
            _ => trace.values.any_part(value, &mut |part| self.on(trace, op, part)),
        };
        self.memo[at] = Some(found);
        found
    }
}

impl Paths {
    /// The class at a check, to be followed on.
    #[must_use]
    pub fn new(trace: &mut Trace<'_>, flow: &Flow, check: OpId) -> Self {
        let start = trace.op(check).block;
        let mut facts = Interned::default();
        let mut choices = Interned::default();
        let first = Node {
            block: start,
            parent: None,
            facts: facts.of(Vec::new()),
            choices: choices.of(Vec::new()),
            by_error: false,
        };
        let mut at = vec![Vec::new(); trace.blocks.len()];
        at[start.index()].push(0);
        Self {
            check,
            prefix: super::prefix::way_to(trace, flow, start).into(),
            nodes: vec![first],
            at,
            next: Vec::new(),
            next_of: vec![Range::default()],
            depends: Depends::default(),
            tracked: Self::tracked(trace, flow, start),
            reached: flow.position(start).map_or(flow.order.len(), |from| from as usize),
            facts,
            choices,
            chosen: FxHashMap::default(),
            joined: FxHashMap::default(),
            examples: RefCell::default(),
        }
    }

    /// Follows all ways as far as the blocks before a position of the order, so that the classes at that position are
    /// complete.
    pub fn follow(&mut self, trace: &mut Trace<'_>, flow: &Flow, known: &mut Known, until: usize) {
        while self.reached < until.min(flow.order.len()) {
            let block = flow.order[self.reached];
            self.reached += 1;
            for at in 0..self.at[block.index()].len() {
                let node = self.at[block.index()][at];
                let from = self.next.len();
                self.step(trace, flow, known, node);
                self.next_of[node] = from..self.next.len();
            }
        }
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
                if !trace.values.is_joined(value) || !seen.insert(value) {
                    continue;
                }
                if let Val::Phi(phi) = trace.values.get(value) {
                    let it = trace.values.phi(*phi);
                    if it.operands.len() <= 12 && !trace.block(it.block).is_loop {
                        found.entry(it.block).or_default().push(*phi);
                    }
                }
                trace.values.each_part(value, &mut |part| todo.push(part));
            }
        }
        found
    }

    fn step(&mut self, trace: &mut Trace<'_>, flow: &Flow, known: &mut Known, node: usize) {
        let from = self.next.len();
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
                facts = self.facts.of(facts.iter().cloned().chain([(Atom::Present(row), false)]).collect());
            }
            self.enter(trace, known, node, handler, facts, true);
        }
        match trace.block(block).exit.clone() {
            Exit::Goto(next) => {
                let facts = Rc::clone(&self.nodes[node].facts);
                if flow.is_forward(block, next) {
                    self.enter(trace, known, node, next, facts, false);
                } else if let Some(behind) = flow.behind_loop(trace, block, next) {
                    // Once through the loop, and on behind it.
                    let seen = self.at(behind).len();
                    self.enter(trace, known, node, behind, facts, false);
                    if self.at(behind).len() == seen
                        && let Some(last) = self.next[from..].last().copied()
                    {
                        // The example of what follows is one that has run the loop's body.
                        self.nodes[last].parent = Some(node);
                    }
                }
            }
            Exit::Raise(next, _) => {
                let facts = Rc::clone(&self.nodes[node].facts);
                if flow.is_forward(block, next) {
                    self.enter(trace, known, node, next, facts, true);
                }
            }
            Exit::Branch { test, yes, no, .. } => {
                let choices = Rc::clone(&self.nodes[node].choices);
                let test = known.resolve(trace, test, &choices);
                let depends = self.depends.on(trace, self.check, test);
                for (truth, next) in [(true, yes), (false, no)] {
                    if !flow.is_forward(block, next) {
                        continue;
                    }
                    let facts = Rc::clone(&self.nodes[node].facts);
                    if !depends {
                        if trace.values.truth(test).is_none_or(|t| t == truth) {
                            self.enter(trace, known, node, next, facts, false);
                        }
                        continue;
                    }
                    for facts in self.join(trace, known, &facts, test, truth).iter() {
                        self.enter(trace, known, node, next, Rc::clone(facts), false);
                    }
                }
            }
            Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }

    /// The facts about the check where some are known and a value tests as `truth`.
    fn join(&mut self, trace: &Trace<'_>, known: &mut Known, facts: &Rc<[Fact]>, test: ValId, truth: bool) -> Joined {
        let key = (Rc::as_ptr(facts).addr(), test, truth);
        if let Some(joined) = self.joined.get(&key) {
            return Rc::clone(joined);
        }
        let mut joined = Vec::new();
        for more in known.assert(trace, test, truth).iter() {
            let mut more = more.clone();
            more.retain(|(atom, _)| atom.values().into_iter().flatten().any(|v| self.depends.on(trace, self.check, v)));
            joined.extend(facts::join(facts, &more).map(|all| self.facts.of(all)));
        }
        let joined: Joined = joined.into();
        self.joined.insert(key, Rc::clone(&joined));
        joined
    }

    /// What joins stand for in a block that is entered from another.
    fn choose(
        &mut self,
        trace: &mut Trace<'_>,
        known: &mut Known,
        ends: [BlockId; 2],
        choices: &Rc<Chosen>,
        nothing_known: bool,
    ) -> Rc<Chosen> {
        let [previous, block] = ends;
        let Some(joins) = self.tracked.get(&block) else { return Rc::clone(choices) };
        let key = (previous, block, Rc::as_ptr(choices).addr(), nothing_known);
        if let Some(chosen) = self.chosen.get(&key) {
            return Rc::clone(chosen);
        }
        let mut changed = choices.to_vec();
        for phi in joins.iter().copied() {
            // As long as nothing is known of the check, only joins that hold something of it matter.
            let join = trace.values.add(Val::Phi(phi));
            if nothing_known && !self.depends.on(trace, self.check, join) {
                continue;
            }
            let operand = trace.values.phi(phi).operands.iter().find(|(way, _)| *way == previous).map(|(_, v)| *v);
            if let Some(value) = operand {
                let value = known.resolve(trace, value, &changed);
                match changed.binary_search_by_key(&phi, |(phi, _)| *phi) {
                    Ok(at) => changed[at].1 = value,
                    Err(at) => changed.insert(at, (phi, value)),
                }
            }
        }
        let chosen = self.choices.of(changed);
        self.chosen.insert(key, Rc::clone(&chosen));
        chosen
    }

    fn enter(
        &mut self,
        trace: &mut Trace<'_>,
        known: &mut Known,
        from: usize,
        block: BlockId,
        facts: Rc<[Fact]>,
        by_error: bool,
    ) {
        let previous = self.nodes[from].block;
        let choices = Rc::clone(&self.nodes[from].choices);
        let choices = self.choose(trace, known, [previous, block], &choices, facts.is_empty());
        let nodes = &self.nodes;
        let here = &mut self.at[block.index()];
        let same = here.iter().copied().find(|at| {
            let node = &nodes[*at];
            Rc::ptr_eq(&node.facts, &facts) && Rc::ptr_eq(&node.choices, &choices) && node.by_error == by_error
        });
        if let Some(same) = same {
            self.next.push(same);
            return;
        }
        if here.len() >= CLASSES {
            return;
        }
        here.push(self.nodes.len());
        self.next.push(self.nodes.len());
        self.next_of.push(Range::default());
        self.nodes.push(Node { block, parent: Some(from), facts, choices, by_error });
    }

    /// The classes at a block.
    #[must_use]
    pub fn at(&self, block: BlockId) -> &[usize] {
        &self.at[block.index()]
    }

    /// The classes that follow from a class.
    #[must_use]
    pub fn next(&self, node: usize) -> &[usize] {
        &self.next[self.next_of[node].clone()]
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
    pub fn example(&self, trace: &Trace<'_>, node: usize) -> Rc<[BlockId]> {
        if let Some(known) = self.examples.borrow().get(&node) {
            return Rc::clone(known);
        }
        let found: Rc<[BlockId]> = self.find_example(trace, node).into();
        self.examples.borrow_mut().insert(node, Rc::clone(&found));
        found
    }

    fn find_example(&self, trace: &Trace<'_>, node: usize) -> Vec<BlockId> {
        let mut tail = Vec::new();
        let mut next = Some(node);
        while let Some(at) = next {
            tail.push(self.nodes[at].block);
            next = self.nodes[at].parent;
        }
        tail.reverse();
        let mut way = self.prefix.to_vec();
        way.pop();
        way.extend(tail);
        // On to a return, through classes that follow from this one; the end with the fewest errors is taken. `walked`
        // holds all steps, each with the one before it; of equal ones the newest is looked at first.
        let mut lost: FxHashMap<(BlockId, bool), bool> = FxHashMap::default();
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
                _ if self.next(at).is_empty() => Some(errors.saturating_add(4)),
                _ => None,
            };
            if let Some(cost) = cost
                && best.is_none_or(|(least, _)| cost < least)
            {
                best = Some((cost, step));
            }
            for child in self.next(at).iter().rev() {
                let mut errors = errors.saturating_add(u8::from(self.nodes[*child].by_error));
                let block = self.nodes[at].block;
                if let Exit::Branch { test, yes, .. } = &trace.block(block).exit {
                    let truth = *yes == self.nodes[*child].block;
                    if *lost.entry((block, truth)).or_insert_with(|| loses(trace, *test, truth)) {
                        errors = errors.saturating_add(8);
                    }
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
