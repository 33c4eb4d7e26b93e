//! Path classes: the different sets of facts under which an operation is reached from a check.
//!
//! From a check onwards every way through the trace is followed, but ways that agree on all facts about the check, and on
//! the choices that later tests look at, are one. Each class keeps one way as its example.

mod ahead;
mod example;
mod meet;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

pub use self::ahead::Ahead;

use self::example::Onward;
use super::facts::{self, Atom, Fact};
use super::flow::Flow;
use super::known::{Interned, Known, ListId};
use crate::library::{Missing, Verb};
use crate::model::{BlockId, Event, Exit, OpId, PhiId, Trace, Val, ValId};

/// How many classes a block may have; further ones are dropped.
const CLASSES: usize = 24;

/// One class at the start of a block. There are very many of them, so that lists are known by number.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The block.
    block: BlockId,
    /// The class it was reached from.
    parent: Option<usize>,
    /// What holds of the check.
    facts: ListId,
    /// What holds on some of its ways and not on others, and was forgotten.
    forgotten: ListId,
    /// What joins stand for, where a later test looks at them.
    choices: ListId,
    /// Whether an error led here.
    by_error: bool,
    /// Whether all its ways have passed an error, so that what a look-up without one has found is not sure to be there.
    astray: bool,
}

/// How a class goes on to the next block.
struct Step {
    to: BlockId,
    facts: ListId,
    by_error: bool,
}

/// All classes behind a check.
#[derive(Debug)]
pub struct Paths {
    /// The check.
    pub check: OpId,
    /// That it has found a row, where finding none is an error that somebody handles.
    raising: Option<Fact>,
    /// A way from the entry to the check's block.
    prefix: Rc<[BlockId]>,
    /// All classes, with those that became one with another where ways met.
    nodes: Vec<Node>,
    /// The classes at each block.
    at: Vec<Vec<usize>>,
    /// The classes that follow from each class, one class behind the other.
    next: Vec<usize>,
    /// Where in `next` those of a class are.
    next_of: Vec<Range<usize>>,
    /// Values that depend on the check.
    depends: Depends,
    /// What is looked at further on.
    ahead: Rc<Ahead>,
    /// The position of the first block whose classes have not been followed on.
    reached: usize,
    /// The sets of facts, of atoms that were forgotten, and of choices.
    facts: Interned<Fact>,
    forgotten: Interned<Atom>,
    choices: Interned<(PhiId, ValId)>,
    /// What choices become on the way from one block to another; where nothing is known of the check, fewer joins matter.
    chosen: FxHashMap<(BlockId, BlockId, ListId, bool), ListId>,
    /// What facts become where a value tests as true or false: alternatives.
    joined: FxHashMap<(ListId, ValId, bool), Rc<[ListId]>>,
    /// The classes that lead on to one for which there was no room.
    cut: FxHashSet<usize>,
    /// Classes that became one with another, and which that is, where `next` still names them.
    gone: FxHashMap<usize, usize>,
    /// Examples that have been asked for.
    examples: RefCell<FxHashMap<usize, Rc<[BlockId]>>>,
    /// How each class goes on to an end, plainly and tellingly, once an example has been asked for.
    onward: RefCell<[Option<Rc<[Onward]>>; 2]>,
}

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
    /// The class at a check, to be followed on, and a way from the entry to it.
    #[must_use]
    pub fn new(trace: &mut Trace<'_>, flow: &Flow, ahead: &Rc<Ahead>, check: OpId, prefix: Vec<BlockId>) -> Self {
        let start = trace.op(check).block;
        let nothing = ListId::EMPTY;
        let first = Node {
            block: start,
            parent: None,
            facts: nothing,
            forgotten: nothing,
            choices: nothing,
            by_error: false,
            astray: false,
        };
        let mut at = vec![Vec::new(); trace.blocks.len()];
        at[start.index()].push(0);
        let raising = raises(trace, check).then(|| (Atom::Present(trace.values.add(Val::Result(check))), true));
        Self {
            check,
            raising,
            prefix: prefix.into(),
            nodes: vec![first],
            at,
            next: Vec::new(),
            next_of: vec![Range::default()],
            depends: Depends::default(),
            ahead: Rc::clone(ahead),
            reached: flow.position(start).map_or(flow.order.len(), |from| from as usize),
            facts: Interned::default(),
            forgotten: Interned::default(),
            choices: Interned::default(),
            chosen: FxHashMap::default(),
            joined: FxHashMap::default(),
            cut: FxHashSet::default(),
            gone: FxHashMap::default(),
            examples: RefCell::default(),
            onward: RefCell::default(),
        }
    }

    /// Follows all ways as far as the blocks before a position of the order, so that the classes at that position are
    /// complete.
    pub fn follow(&mut self, trace: &mut Trace<'_>, flow: &Flow, known: &mut Known, until: usize) {
        while self.reached < until.min(flow.order.len()) {
            let block = flow.order[self.reached];
            self.reached += 1;
            self.meet(trace, flow, block);
            for at in 0..self.at[block.index()].len() {
                let node = self.at[block.index()][at];
                let from = self.next.len();
                self.step(trace, flow, known, node);
                self.next_of[node] = from..self.next.len();
            }
        }
        if !self.gone.is_empty() {
            for next in &mut self.next {
                *next = self.gone.get(next).copied().unwrap_or(*next);
            }
            self.gone.clear();
        }
    }

    fn step(&mut self, trace: &mut Trace<'_>, flow: &Flow, known: &mut Known, node: usize) {
        let from = self.next.len();
        let block = self.nodes[node].block;
        let handler = trace.block(block).handler;
        if let Some(handler) = handler
            && flow.is_forward(block, handler)
        {
            let mut facts = self.nodes[node].facts;
            if node == 0
                && let Some((found, _)) = self.raising
            {
                // What led here is that the row is missing.
                let known = self.facts.get(facts).iter().copied();
                facts = self.facts.of(known.chain([(found, false)]).collect());
            }
            self.enter(trace, flow, known, node, Step { to: handler, facts, by_error: true });
        }
        match trace.block(block).exit.clone() {
            Exit::Goto(next) => {
                let facts = self.nodes[node].facts;
                if flow.is_forward(block, next) {
                    self.enter(trace, flow, known, node, Step { to: next, facts, by_error: false });
                } else if let Some(behind) = flow.behind_loop(trace, block, next) {
                    // Once through the loop, and on behind it.
                    let seen = self.at(behind).len();
                    self.enter(trace, flow, known, node, Step { to: behind, facts, by_error: false });
                    if self.at(behind).len() == seen
                        && let Some(last) = self.next[from..].last().copied()
                    {
                        // The example of what follows is one that has run the loop's body.
                        self.nodes[last].parent = Some(node);
                    }
                }
            }
            Exit::Raise(next, _) => {
                let facts = self.nodes[node].facts;
                if flow.is_forward(block, next) {
                    self.enter(trace, flow, known, node, Step { to: next, facts, by_error: true });
                }
            }
            Exit::Branch { test, yes, no, .. } => {
                let test = known.resolve(trace, test, self.choices.get(self.nodes[node].choices));
                let depends = self.depends.on(trace, self.check, test);
                for (truth, next) in [(true, yes), (false, no)] {
                    if !flow.is_forward(block, next) {
                        continue;
                    }
                    let facts = self.nodes[node].facts;
                    if !depends {
                        if trace.values.truth(test).is_none_or(|t| t == truth) {
                            self.enter(trace, flow, known, node, Step { to: next, facts, by_error: false });
                        }
                        continue;
                    }
                    for facts in self.join(trace, known, facts, test, truth).iter().copied() {
                        self.enter(trace, flow, known, node, Step { to: next, facts, by_error: false });
                    }
                }
            }
            Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }

    /// The facts about the check where some are known and a value tests as `truth`.
    fn join(&mut self, trace: &Trace<'_>, known: &mut Known, facts: ListId, test: ValId, truth: bool) -> Rc<[ListId]> {
        let key = (facts, test, truth);
        if let Some(joined) = self.joined.get(&key) {
            return Rc::clone(joined);
        }
        let mut joined = Vec::new();
        for more in known.assert(trace, test, truth).iter() {
            let mut more = more.clone();
            more.retain(|(atom, _)| atom.values().into_iter().flatten().any(|v| self.depends.on(trace, self.check, v)));
            joined.extend(facts::join(self.facts.get(facts), &more).map(|all| self.facts.of(all)));
        }
        let joined: Rc<[ListId]> = joined.into();
        self.joined.insert(key, Rc::clone(&joined));
        joined
    }

    /// What joins stand for in a block that is entered from another, as far as that is looked at from there on.
    fn choose(
        &mut self,
        trace: &mut Trace<'_>,
        flow: &Flow,
        known: &mut Known,
        ends: [BlockId; 2],
        choices: ListId,
        nothing_known: bool,
    ) -> ListId {
        let [previous, block] = ends;
        let ahead = Rc::clone(&self.ahead);
        let joins = ahead.joins(block);
        if joins.is_empty() && (choices == ListId::EMPTY || !flow.is_meeting(block)) {
            return choices;
        }
        let key = (previous, block, choices, nothing_known);
        if let Some(chosen) = self.chosen.get(&key) {
            return *chosen;
        }
        let mut changed = self.choices.get(choices).to_vec();
        for (phi, by_test) in joins.iter().copied() {
            // As long as nothing is known of the check, only joins that hold something of it matter; to a write no others do.
            let join = trace.values.add(Val::Phi(phi));
            if (nothing_known || !by_test) && !self.depends.on(trace, self.check, join) {
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
        changed.retain(|(phi, _)| ahead.looks_at(*phi, flow.position(block)));
        let chosen = self.choices.of(changed);
        self.chosen.insert(key, chosen);
        chosen
    }

    fn enter(&mut self, trace: &mut Trace<'_>, flow: &Flow, known: &mut Known, from: usize, step: Step) {
        let Step { to: block, facts, by_error } = step;
        let Node { block: previous, choices, forgotten, astray, .. } = self.nodes[from];
        let astray = astray || by_error;
        let nothing_known = facts == ListId::EMPTY && self.raising.is_none();
        let choices = self.choose(trace, flow, known, [previous, block], choices, nothing_known);
        let node = Node { block, parent: Some(from), facts, forgotten, choices, by_error, astray };
        if let Some(same) = self.same_as(&node) {
            self.take_in(same, &node);
            self.next.push(same);
            return;
        }
        if self.at(block).len() >= CLASSES {
            self.cut.insert(from);
            return;
        }
        let new = self.nodes.len();
        self.at[block.index()].push(new);
        self.next.push(new);
        self.next_of.push(Range::default());
        self.nodes.push(node);
    }

    /// The class at a block that agrees with another.
    fn same_as(&self, node: &Node) -> Option<usize> {
        self.at(node.block).iter().copied().find(|at| agree(&self.nodes[*at], node))
    }

    /// Notes the ways of a class that another one becomes one with.
    fn take_in(&mut self, node: usize, other: &Node) {
        self.nodes[node].astray &= other.astray;
        self.forget_too(node, other.forgotten);
    }

    /// Notes what else has been forgotten on the ways of a class.
    fn forget_too(&mut self, node: usize, forgotten: ListId) {
        let known = self.nodes[node].forgotten;
        if forgotten == ListId::EMPTY || forgotten == known {
            return;
        }
        let mut all = self.forgotten.get(known).to_vec();
        let more = self.forgotten.get(forgotten).iter().filter(|atom| !self.forgotten.get(known).contains(atom));
        all.extend(more);
        self.nodes[node].forgotten = self.forgotten.of(all);
    }

    /// Whether a fact may hold in a class, as far as is remembered.
    #[must_use]
    pub fn may_hold(&self, node: usize, fact: &Fact) -> bool {
        let it = &self.nodes[node];
        let facts = self.facts.get(it.facts);
        // The row is there unless a way has come by the error of finding none, or by that of something else behind it.
        let is_there = self.raising == Some(*fact) && !it.astray && !facts.contains(&(fact.0, false));
        facts.contains(fact) || self.forgotten.get(it.forgotten).contains(&fact.0) || is_there
    }

    /// What holds of the check in a class.
    #[must_use]
    pub fn facts(&self, node: usize) -> &[Fact] {
        self.facts.get(self.nodes[node].facts)
    }

    /// The block of a class.
    #[must_use]
    pub fn block(&self, node: usize) -> BlockId {
        self.nodes[node].block
    }

    /// The class that a class was reached from first.
    #[must_use]
    pub fn parent(&self, node: usize) -> Option<usize> {
        self.nodes[node].parent
    }

    /// Whether an error led to a class.
    #[must_use]
    pub fn is_by_error(&self, node: usize) -> bool {
        self.nodes[node].by_error
    }

    /// All classes.
    pub fn classes(&self) -> impl Iterator<Item = usize> {
        self.at.iter().flatten().copied()
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
}

/// Whether a look-up that finds nothing is an error which somebody handles.
fn raises(trace: &Trace<'_>, check: OpId) -> bool {
    let op = trace.op(check);
    let is_handled = trace.block(op.block).handler.is_some();
    is_handled && op.missing == Missing::Throws && matches!(op.verb, Verb::Read | Verb::Count)
}

/// Whether two classes of a block are one.
fn agree(a: &Node, b: &Node) -> bool {
    (a.facts, a.choices, a.by_error) == (b.facts, b.choices, b.by_error)
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

/// A value with its joins replaced by what `choose` knows of them.
pub fn resolve(trace: &mut Trace<'_>, value: ValId, choose: &mut dyn FnMut(PhiId) -> Option<ValId>) -> ValId {
    resolve_within(trace, value, choose, &mut FxHashMap::default(), RESOLVED)
}

/// How deep joins are looked for in a value.
pub(super) const RESOLVED: usize = 40;

/// As [`resolve`]; what has been worked out already is in `memo`.
pub(super) fn resolve_within(
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
            // Where a list is empty nothing is done with it: what counts is what a loop puts there.
            match choose(phi).map(|chosen| trace.filled_in_loop(phi).unwrap_or(chosen)) {
                Some(chosen) if chosen != value => resolve_within(trace, chosen, choose, memo, depth),
                _ => value,
            }
        }
        _ => trace.map_parts(value, &mut |trace, part| resolve_within(trace, part, choose, memo, depth)),
    };
    memo.insert(value, found);
    found
}
