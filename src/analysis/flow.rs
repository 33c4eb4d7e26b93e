//! The order of a trace's blocks and the ways between them.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use crate::model::{BlockId, Exit, Trace};

/// Blocks in an order in which every edge but a loop's way back leads forward.
#[derive(Debug)]
pub struct Flow {
    /// The blocks that can be reached, entry first.
    pub order: Vec<BlockId>,
    /// The position of each block in `order`; `None` for those that cannot be reached.
    position: Vec<Option<u32>>,
    /// Forward ways into each block. Ways that only an error takes come last.
    predecessors: Vec<Vec<BlockId>>,
    /// The blocks behind each block, worked out when they are first asked for.
    behind: OnceCell<Behind>,
}

/// For each block, a set of bits: those that some way leads to.
#[derive(Debug)]
struct Behind {
    words: usize,
    bits: Vec<u64>,
}

impl Flow {
    /// Orders a trace.
    #[must_use]
    pub fn new(trace: &Trace<'_>) -> Self {
        let count = trace.blocks.len();
        let mut seen = vec![false; count];
        let mut order = Vec::with_capacity(count);
        if count > 0 {
            let entry = BlockId(0);
            seen[0] = true;
            // Handlers are visited first, so that they come behind all that may raise to them.
            let mut stack = vec![(entry, trace.successors(entry).collect::<Vec<_>>().into_iter())];
            while let Some((block, rest)) = stack.last_mut() {
                match rest.next() {
                    Some(next) if !seen[next.index()] => {
                        seen[next.index()] = true;
                        stack.push((next, trace.successors(next).collect::<Vec<_>>().into_iter()));
                    }
                    Some(_) => {}
                    None => {
                        order.push(*block);
                        stack.pop();
                    }
                }
            }
        }
        order.reverse();
        let mut position = vec![None; count];
        for (at, block) in order.iter().enumerate() {
            position[block.index()] = u32::try_from(at).ok();
        }
        let mut flow = Self { order, position, predecessors: vec![Vec::new(); count], behind: OnceCell::new() };
        for at in 0..flow.order.len() {
            let block = flow.order[at];
            let handler = trace.block(block).handler;
            for next in trace.successors(block) {
                if flow.is_forward(block, next) && Some(next) != handler {
                    flow.predecessors[next.index()].push(block);
                }
            }
        }
        for at in 0..flow.order.len() {
            let block = flow.order[at];
            if let Some(handler) = trace.block(block).handler
                && flow.is_forward(block, handler)
            {
                flow.predecessors[handler.index()].push(block);
            }
        }
        flow
    }

    /// Where a block stands in the order.
    #[must_use]
    pub fn position(&self, block: BlockId) -> Option<u32> {
        self.position[block.index()]
    }

    /// Whether an edge is no loop's way back.
    #[must_use]
    pub fn is_forward(&self, from: BlockId, to: BlockId) -> bool {
        match (self.position(from), self.position(to)) {
            (Some(from), Some(to)) => from < to,
            _ => false,
        }
    }

    /// Whether several ways lead into a block.
    #[must_use]
    pub fn is_meeting(&self, block: BlockId) -> bool {
        self.predecessors[block.index()].len() > 1
    }

    /// Where control goes on when the loop with this head is left, seen from the end of its body.
    #[must_use]
    pub fn behind_loop(&self, trace: &Trace<'_>, end: BlockId, head: BlockId) -> Option<BlockId> {
        match &trace.block(head).exit {
            Exit::Branch { yes, no, .. } => [*no, *yes].into_iter().find(|next| self.is_forward(end, *next)),
            _ => None,
        }
    }

    /// Whether every way from the entry to a block leads through another.
    #[must_use]
    pub fn passes(&self, through: BlockId, to: BlockId) -> bool {
        let mut seen = vec![false; self.position.len()];
        let mut todo = vec![to];
        while let Some(block) = todo.pop() {
            if block == through || std::mem::replace(&mut seen[block.index()], true) {
                continue;
            }
            if self.order.first() == Some(&block) {
                return false;
            }
            todo.extend(&self.predecessors[block.index()]);
        }
        true
    }

    /// Whether some way leads from one block to another, through each loop at most once; a block leads to itself.
    #[must_use]
    pub fn leads(&self, trace: &Trace<'_>, from: BlockId, to: BlockId) -> bool {
        let behind = self.behind.get_or_init(|| self.find_behind(trace));
        behind.bits[from.index() * behind.words + to.index() / 64] >> (to.index() % 64) & 1 == 1
    }

    fn find_behind(&self, trace: &Trace<'_>) -> Behind {
        let words = trace.blocks.len().div_ceil(64);
        let mut bits = vec![0; trace.blocks.len() * words];
        for block in self.order.iter().rev().copied() {
            let row = block.index() * words;
            bits[row + block.index() / 64] |= 1 << (block.index() % 64);
            for next in trace.successors(block) {
                let next = if self.is_forward(block, next) { Some(next) } else { self.behind_loop(trace, block, next) };
                let Some(next) = next.map(|next| next.index() * words) else { continue };
                for word in 0..words {
                    bits[row + word] |= bits[next + word];
                }
            }
        }
        Behind { words, bits }
    }

    /// One way from the entry to a block, both ends included, into some blocks by the ways that `forced` names. Ways without
    /// errors are preferred.
    #[must_use]
    pub fn way_through(&self, block: BlockId, forced: &FxHashMap<BlockId, BlockId>) -> Vec<BlockId> {
        let mut way = vec![block];
        let mut at = block;
        while let Some(previous) = forced.get(&at).or_else(|| self.predecessors[at.index()].first()) {
            way.push(*previous);
            at = *previous;
        }
        way.reverse();
        way
    }
}
