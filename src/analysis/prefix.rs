//! The way to a check: one that control can really take, as far as tests on it are known.
//!
//! A helper that refuses in five ways and agrees in one is joined with its caller before the caller tests its answer. The
//! first way found may come from a refusal and go on as if it had been none; what its values are on such a way is nonsense.

use rustc_hash::FxHashMap;

use super::flow::Flow;
use super::paths::{self, Choices, resolve};
use crate::ir::{BinaryOp, UnaryOp};
use crate::model::{BlockId, Exit, Trace, Val, ValId};

/// How many parts of a test are looked at.
const PARTS: usize = 24;

/// How often a way is mended.
const MENDS: usize = 24;

/// One way from the entry to a block, both ends included, on which no test is known to go the other way.
pub(super) fn way_to(trace: &mut Trace<'_>, flow: &Flow, block: BlockId) -> Vec<BlockId> {
    let mut forced: FxHashMap<BlockId, BlockId> = FxHashMap::default();
    let plain = flow.way_through(block, &forced);
    // Only a test of something that was joined can be known on one way and not on another.
    let looks_at_join = |block: &BlockId| match &trace.block(*block).exit {
        Exit::Branch { test, .. } => trace.values.is_joined(*test),
        _ => false,
    };
    if !plain.iter().any(looks_at_join) {
        return plain;
    }
    let mut way = plain.clone();
    for _ in 0..MENDS {
        let chosen = paths::choices(trace, &way);
        let Some((at, test, truth)) = first_clash(trace, &way, &chosen) else { return way };
        let Some((join, from)) = other_way_in(trace, flow, &way[..=at], test, truth, &chosen, &forced) else { break };
        forced.insert(join, from);
        way = flow.way_through(block, &forced);
    }
    plain
}

/// The first branch of a way that is known to lead elsewhere: its place, its test, and the way's answer.
fn first_clash(trace: &mut Trace<'_>, way: &[BlockId], chosen: &Choices) -> Option<(usize, ValId, bool)> {
    for (at, pair) in way.windows(2).enumerate() {
        let Exit::Branch { test, yes, no, .. } = trace.block(pair[0]).exit else { continue };
        if yes == no || pair[1] != yes && pair[1] != no || !trace.values.is_joined(test) {
            continue;
        }
        for (part, truth) in demands(trace, test, pair[1] == yes) {
            let seen = resolve(trace, part, &mut |phi| chosen.get(&phi).copied());
            if trace.values.truth(seen) == Some(!truth) {
                return Some((at, part, truth));
            }
        }
    }
    None
}

/// The parts of a test that must all be as said for it to be so: both sides of an `or` that is false are false. Each can
/// be mended by itself.
fn demands(trace: &Trace<'_>, test: ValId, truth: bool) -> Vec<(ValId, bool)> {
    let mut parts = Vec::new();
    let mut todo = vec![(test, truth)];
    while let Some((test, truth)) = todo.pop() {
        if parts.len() > PARTS {
            break;
        }
        match trace.values.get(test) {
            Val::Unary(UnaryOp::Not, inner) => todo.push((*inner, !truth)),
            Val::Binary(BinaryOp::Or, a, b) if !truth => todo.extend([(*b, false), (*a, false)]),
            Val::Binary(BinaryOp::And, a, b) if truth => todo.extend([(*b, true), (*a, true)]),
            _ => parts.push((test, truth)),
        }
    }
    parts
}

/// A join that a test looks at, and another way into it with which the test goes the way's way, or may.
fn other_way_in(
    trace: &mut Trace<'_>,
    flow: &Flow,
    way: &[BlockId],
    test: ValId,
    truth: bool,
    chosen: &Choices,
    forced: &FxHashMap<BlockId, BlockId>,
) -> Option<(BlockId, BlockId)> {
    let mut joins = Vec::new();
    trace.values.any_within(test, 40, &mut |value| {
        if let Val::Phi(phi) = trace.values.get(value) {
            joins.push(*phi);
        }
        false
    });
    for phi in joins {
        let join = trace.values.phi(phi).block;
        if forced.contains_key(&join) || !way.contains(&join) {
            continue;
        }
        for (from, value) in trace.values.phi(phi).operands.clone() {
            if chosen.get(&phi) == Some(&value) || !flow.is_forward(from, join) {
                continue;
            }
            let seen =
                resolve(trace, test, &mut |other| if other == phi { Some(value) } else { chosen.get(&other).copied() });
            if trace.values.truth(seen) != Some(!truth) {
                return Some((join, from));
            }
        }
    }
    None
}
