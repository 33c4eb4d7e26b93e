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

/// One way from the entry to a block, both ends included, on which no test is known to go the other way, and on which none
/// of the values that are `asked` for is the run's `own`, where there is such a way.
pub(super) fn way_to(
    trace: &mut Trace<'_>,
    flow: &Flow,
    block: BlockId,
    asked: &[ValId],
    own: &dyn Fn(&Trace<'_>, ValId) -> bool,
) -> Vec<BlockId> {
    let mut forced: FxHashMap<BlockId, BlockId> = FxHashMap::default();
    let plain = flow.way_through(block, &forced);
    // Only what was joined can be one thing on one way and another on the next.
    let looks_at_join = |block: &BlockId| match &trace.block(*block).exit {
        Exit::Branch { test, .. } => trace.values.is_joined(*test),
        _ => false,
    };
    let asked: Vec<ValId> = asked.iter().copied().filter(|value| trace.values.is_joined(*value)).collect();
    if asked.is_empty() && !plain.iter().any(looks_at_join) {
        return plain;
    }
    let mut way = plain.clone();
    let mut sound = None;
    for _ in 0..MENDS {
        let chosen = paths::choices(trace, &way);
        let mended = if let Some((at, test, truth)) = first_clash(trace, &way, &chosen) {
            let fits = |trace: &Trace<'_>, seen: ValId| trace.values.truth(seen) != Some(!truth);
            other_way_in(trace, flow, &way[..=at], test, &fits, &chosen, &forced)
        } else {
            // Control can take it; another may tell more.
            let asks_for_own = asked.iter().copied().find(|value| {
                let seen = resolve(trace, *value, &mut |phi| chosen.get(&phi).copied());
                own(trace, seen)
            });
            let Some(value) = asks_for_own else { return way };
            let fits = |trace: &Trace<'_>, seen: ValId| !own(trace, seen);
            let mended = other_way_in(trace, flow, &way, value, &fits, &chosen, &forced);
            sound.get_or_insert(way);
            mended
        };
        let Some((join, from)) = mended else { break };
        forced.insert(join, from);
        way = flow.way_through(block, &forced);
    }
    sound.unwrap_or(plain)
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

/// A join that a value is made of, and another way into it with which the value fits.
fn other_way_in(
    trace: &mut Trace<'_>,
    flow: &Flow,
    way: &[BlockId],
    looked_at: ValId,
    fits: &dyn Fn(&Trace<'_>, ValId) -> bool,
    chosen: &Choices,
    forced: &FxHashMap<BlockId, BlockId>,
) -> Option<(BlockId, BlockId)> {
    let mut joins = Vec::new();
    trace.values.any_within(looked_at, 40, &mut |value| {
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
            let other = |other| if other == phi { Some(value) } else { chosen.get(&other).copied() };
            let seen = resolve(trace, looked_at, &mut { other });
            if fits(trace, seen) {
                return Some((join, from));
            }
        }
    }
    None
}
