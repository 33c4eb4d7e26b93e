//! The example of a path class: one way that leads to it, and on to an end.

use std::cmp::Reverse;
use std::rc::Rc;

use super::Paths;
use crate::analysis::flow::Flow;
use crate::model::{BlockId, Exit, Trace};

/// What a loop's way back counts: more than a throw, as what comes behind the loop is not on the way then.
const WAY_BACK: u8 = 4;

/// What an error counts: a loop's next pass is plainer than one that fails, and leaves the loop by the handler around it.
const ERROR: u8 = 5;

/// How a class goes on to an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Onward {
    /// How much there is on the way that a plain run does not meet: errors, writes that hit nothing, a loop's way back.
    errors: u8,
    /// How many rows are made and how much is done to the world outside: what shows if it is done twice.
    shows: u16,
    /// The class that comes next.
    next: Option<usize>,
}

impl Paths {
    /// An example of how a class comes about and goes on to the end with as few errors as can be: all blocks from the entry.
    #[must_use]
    pub fn example(&self, trace: &Trace<'_>, flow: &Flow, node: usize) -> Rc<[BlockId]> {
        if let Some(known) = self.examples.borrow().get(&node) {
            return Rc::clone(known);
        }
        let found = self.way(node, &self.onward(trace, flow, false));
        self.examples.borrow_mut().insert(node, Rc::clone(&found));
        found
    }

    /// An example with no more errors on which more is done that shows if it is done twice, where there is one.
    #[must_use]
    pub fn telling_example(&self, trace: &Trace<'_>, flow: &Flow, node: usize) -> Option<Rc<[BlockId]>> {
        let (plain, telling) = (self.onward(trace, flow, false), self.onward(trace, flow, true));
        (telling[node].shows > plain[node].shows).then(|| self.way(node, &telling))
    }

    /// The way from the entry to a class and on from it.
    fn way(&self, node: usize, onward: &[Onward]) -> Rc<[BlockId]> {
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
        let mut next = onward[node].next;
        while let Some(at) = next {
            way.push(self.nodes[at].block);
            next = onward[at].next;
        }
        way.into()
    }

    /// How each class goes on: to a return, with the fewest errors; of equal ways to go by the first, or, `telling`, by the
    /// one on which most is done that shows if it is done twice.
    fn onward(&self, trace: &Trace<'_>, flow: &Flow, telling: bool) -> Rc<[Onward]> {
        if let Some(known) = &self.onward.borrow()[usize::from(telling)] {
            return Rc::clone(known);
        }
        let end = Onward { errors: u8::MAX, shows: 0, next: None };
        let mut onward = vec![end; self.nodes.len()];
        // All classes that follow from one lie further on in the order of blocks.
        for block in flow.order.iter().rev() {
            let shows = self.ahead.shows(*block);
            for at in self.at(*block).iter().copied() {
                let mut best = Onward {
                    errors: match &trace.block(*block).exit {
                        Exit::Return(..) => 0,
                        Exit::Throw(..) => 2,
                        // What comes next was not followed, and may well be plain.
                        _ if self.cut.contains(&at) => 0,
                        // A loop's way back.
                        _ if self.next(at).is_empty() => WAY_BACK,
                        _ => u8::MAX,
                    },
                    ..end
                };
                for child in self.next(at).iter().copied() {
                    let by_error = if self.nodes[child].by_error { ERROR } else { 0 };
                    let mut errors = onward[child].errors.saturating_add(by_error);
                    if let Exit::Branch { yes, .. } = &trace.block(*block).exit {
                        let truth = *yes == self.nodes[child].block;
                        if self.ahead.loses(*block, truth) {
                            errors = errors.saturating_add(8);
                        }
                    }
                    let way = Onward { errors, shows: onward[child].shows, next: Some(child) };
                    let rank = |way: &Onward| (way.errors, Reverse(if telling { way.shows } else { 0 }));
                    if rank(&way) < rank(&best) || best.next.is_none() && best.errors == u8::MAX {
                        best = way;
                    }
                }
                best.shows = best.shows.saturating_add(shows);
                onward[at] = best;
            }
        }
        let onward: Rc<[Onward]> = onward.into();
        self.onward.borrow_mut()[usize::from(telling)] = Some(Rc::clone(&onward));
        onward
    }
}
