//! Branches that decide nothing: both of their ways meet again before the act, and no later test turns on which was taken.

use rustc_hash::FxHashSet;

use crate::analysis::flow::Flow;
use crate::model::{BlockId, Event, Exit, Trace, Val, ValId};

/// How many blocks of the other side are looked at.
const BLOCKS: usize = 120;

/// Whether the branch at `way[at]`, whose other side starts at `other`, makes no difference to what happens up to
/// `way[last]`.
pub(super) fn rejoins(trace: &Trace<'_>, flow: &Flow, way: &[BlockId], at: usize, other: BlockId, last: usize) -> bool {
    let Some(ahead) = way.get(at + 1..=last) else { return false };
    let mut seen = FxHashSet::default();
    let mut meets = FxHashSet::default();
    let mut todo = vec![other];
    while let Some(block) = todo.pop() {
        if ahead.contains(&block) {
            meets.insert(block);
            continue;
        }
        if !seen.insert(block) {
            continue;
        }
        let it = trace.block(block);
        let acts = it.events.iter().any(|event| !matches!(event, Event::Call(_)));
        if acts || seen.len() > BLOCKS {
            return false;
        }
        match &it.exit {
            Exit::Goto(next) if flow.is_forward(block, *next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => {
                todo.extend([*yes, *no].into_iter().filter(|next| flow.is_forward(block, *next)));
            }
            _ => return false,
        }
    }
    if meets.is_empty() {
        return false;
    }
    // What a join there holds may be tested further on.
    !ahead.iter().any(|block| match &trace.block(*block).exit {
        Exit::Branch { test, .. } => turns_on_join(trace, *test, &meets),
        _ => false,
    })
}

/// Whether a test may turn on what is joined at one of some blocks. An object is there, whatever its members are.
fn turns_on_join(trace: &Trace<'_>, test: ValId, blocks: &FxHashSet<BlockId>) -> bool {
    let mut seen = FxHashSet::default();
    let mut todo = vec![test];
    while let Some(value) = todo.pop() {
        if !seen.insert(value) {
            continue;
        }
        match trace.values.get(value) {
            Val::Phi(phi) if blocks.contains(&trace.values.phi(*phi).block) => return true,
            Val::Object(_) | Val::Array(_) => {}
            _ => todo.extend(trace.values.parts(value)),
        }
    }
    false
}
