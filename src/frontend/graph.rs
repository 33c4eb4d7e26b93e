//! Builds the blocks of one function.

use crate::ir::{Block, BlockId, Const, Exit, Expr, ExprKind, SlotId, Step};
use crate::text::Span;

/// A function body under construction.
pub(super) struct Graph {
    blocks: Vec<Draft>,
    /// The blocks in the order in which they were begun, which is about that of the source.
    order: Vec<BlockId>,
    current: BlockId,
    /// Where errors raised in blocks begun from now on go.
    pub(super) handler: Option<BlockId>,
}

struct Draft {
    steps: Vec<Step>,
    exit: Option<(Exit, Span)>,
    handler: Option<BlockId>,
    /// Whether a step or the exit can raise an error.
    raises: bool,
}

impl Graph {
    /// A body with an empty entry block, which is the current one.
    pub(super) fn new() -> Self {
        let mut graph = Self { blocks: Vec::new(), order: Vec::new(), current: BlockId(0), handler: None };
        let entry = graph.block();
        graph.begin(entry);
        graph
    }

    /// A new block, to be begun later.
    pub(super) fn block(&mut self) -> BlockId {
        let id = BlockId(u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        self.blocks.push(Draft { steps: Vec::new(), exit: None, handler: None, raises: false });
        id
    }

    /// Makes a block the current one; errors in it go to the present handler.
    pub(super) fn begin(&mut self, block: BlockId) {
        self.current = block;
        self.order.push(block);
        self.blocks[block.index()].handler = self.handler;
    }

    /// Goes on to a new block, and makes it the current one.
    pub(super) fn next(&mut self) {
        let next = self.block();
        self.goto(next);
        self.begin(next);
    }

    /// Adds a step to the current block. Behind a return or a throw that is a block which nothing leads to.
    pub(super) fn push(&mut self, step: Step) {
        if self.blocks[self.current.index()].exit.is_some() {
            let dead = self.block();
            self.begin(dead);
        }
        let is_call = matches!(step, Step::Call(_));
        self.blocks[self.current.index()].steps.push(step);
        if is_call {
            self.raise();
        }
    }

    /// Notes that the last thing done in the current block can raise an error.
    pub(super) fn raise(&mut self) {
        let draft = &mut self.blocks[self.current.index()];
        if draft.handler.is_some() && draft.exit.is_none() {
            draft.raises = true;
            self.next();
        }
    }

    /// Notes that what a variable was given by a call, once, is waited for.
    pub(super) fn wait_for(&mut self, variable: SlotId) {
        let mut given = self.blocks.iter().flat_map(|block| &block.steps).filter_map(|step| match step {
            Step::Set { slot, value, .. } if *slot == variable => Some(&value.kind),
            _ => None,
        });
        let (Some(ExprKind::Slot(result)), None) = (given.next(), given.next()) else { return };
        let result = *result;
        for step in self.blocks.iter_mut().flat_map(|block| &mut block.steps) {
            if let Step::Call(call) = step
                && call.out == result
            {
                call.awaited = true;
            }
        }
    }

    /// Whether the current block goes on.
    pub(super) fn is_open(&self) -> bool {
        self.blocks[self.current.index()].exit.is_none()
    }

    /// Ends the current block, unless it has ended already.
    pub(super) fn end(&mut self, exit: Exit, span: Span) {
        let draft = &mut self.blocks[self.current.index()];
        if draft.exit.is_none() {
            draft.raises |= matches!(exit, Exit::Throw(_));
            draft.exit = Some((exit, span));
        }
    }

    /// Ends the current block with a jump.
    pub(super) fn goto(&mut self, target: BlockId) {
        self.end(Exit::Goto(target), Span::default());
    }

    /// Ends the current block with a branch; a known test is no branch.
    pub(super) fn branch(&mut self, test: Expr, yes: BlockId, no: BlockId) {
        let span = test.span;
        match truth(&test) {
            Some(true) => self.end(Exit::Goto(yes), span),
            Some(false) => self.end(Exit::Goto(no), span),
            None => self.end(Exit::Branch { test, yes, no }, span),
        }
    }

    /// The finished blocks, without those that cannot be reached and without detours.
    pub(super) fn finish(mut self, end: Span) -> Vec<Block> {
        self.end(Exit::Return(None), Span { start: end.end, end: end.end });
        for draft in &mut self.blocks {
            if !draft.raises {
                draft.handler = None;
            }
        }
        self.skip_empty();
        self.join();
        self.number()
    }

    /// Leads every edge past blocks that do nothing.
    fn skip_empty(&mut self) {
        let mut target: Vec<BlockId> = Vec::with_capacity(self.blocks.len());
        for (index, draft) in self.blocks.iter().enumerate() {
            let own = BlockId(u32::try_from(index).unwrap_or(u32::MAX));
            target.push(match &draft.exit {
                Some((Exit::Goto(next), _)) if draft.steps.is_empty() && !draft.raises => *next,
                _ => own,
            });
        }
        // An endless empty loop has no end to lead to: the number of hops is bounded, and halves with each round.
        for _ in 0..32 {
            let mut moved = false;
            for index in 0..target.len() {
                let further = target[target[index].index()];
                moved |= further != target[index];
                target[index] = further;
            }
            if !moved {
                break;
            }
        }
        for draft in &mut self.blocks {
            if let Some(handler) = &mut draft.handler {
                *handler = target[handler.index()];
            }
            draft.each_target(|next| *next = target[next.index()]);
        }
    }

    /// Joins a block with the one that follows if nothing else leads there.
    fn join(&mut self) {
        let reached = self.reached();
        let mut uses = vec![0_u32; self.blocks.len()];
        uses[0] += 1;
        for (draft, reached) in self.blocks.iter_mut().zip(&reached) {
            if !*reached {
                continue;
            }
            draft.each_target(|next| uses[next.index()] += 1);
            if let Some(handler) = draft.handler {
                uses[handler.index()] += 1;
            }
        }
        for index in (0..self.blocks.len()).filter(|index| reached[*index]) {
            while let Some((Exit::Goto(next), _)) = &self.blocks[index].exit {
                let next = next.index();
                let here = &self.blocks[index];
                if next == index || uses[next] != 1 || here.handler.is_some() {
                    break;
                }
                // A block with a handler may begin with anything but a call, since that is its last step.
                let handler = self.blocks[next].handler;
                if handler.is_some() && here.steps.iter().any(|step| matches!(step, Step::Call(_))) {
                    break;
                }
                self.blocks[index].handler = handler;
                self.blocks[index].raises |= self.blocks[next].raises;
                let tail = std::mem::take(&mut self.blocks[next].steps);
                let exit = self.blocks[next].exit.replace((Exit::Unreachable, Span::default()));
                uses[next] = 0;
                self.blocks[index].steps.extend(tail);
                self.blocks[index].exit = exit;
            }
        }
    }

    fn reached(&mut self) -> Vec<bool> {
        let mut reached = vec![false; self.blocks.len()];
        let mut todo = vec![BlockId(0)];
        while let Some(block) = todo.pop() {
            if std::mem::replace(&mut reached[block.index()], true) {
                continue;
            }
            let draft = &mut self.blocks[block.index()];
            todo.extend(draft.handler);
            draft.each_target(|next| todo.push(*next));
        }
        reached
    }

    /// Drops what cannot be reached and numbers the rest.
    fn number(mut self) -> Vec<Block> {
        let reached = self.reached();
        let mut numbers: Vec<Option<BlockId>> = vec![None; self.blocks.len()];
        let mut drafts: Vec<Option<Draft>> = std::mem::take(&mut self.blocks).into_iter().map(Some).collect();
        let all = (0..drafts.len()).map(|index| BlockId(u32::try_from(index).unwrap_or(u32::MAX)));
        let mut kept = Vec::new();
        // A block that was never begun is one that a jump out of broken code leads to.
        for block in self.order.into_iter().chain(all) {
            if reached[block.index()] && numbers[block.index()].is_none() {
                numbers[block.index()] = Some(BlockId(u32::try_from(kept.len()).unwrap_or(u32::MAX)));
                kept.extend(drafts[block.index()].take());
            }
        }
        let number = |block: BlockId| numbers[block.index()].unwrap_or(block);
        kept.into_iter()
            .map(|mut draft| {
                draft.each_target(|next| *next = number(*next));
                let (exit, exit_span) = draft.exit.unwrap_or((Exit::Unreachable, Span::default()));
                Block { steps: draft.steps, exit, exit_span, handler: draft.handler.map(number) }
            })
            .collect()
    }
}

impl Draft {
    fn each_target(&mut self, mut visit: impl FnMut(&mut BlockId)) {
        match &mut self.exit {
            Some((Exit::Goto(next), _)) => visit(next),
            Some((Exit::Branch { yes, no, .. }, _)) => {
                visit(yes);
                visit(no);
            }
            _ => {}
        }
    }
}

/// Whether a value is known to count as true or as false.
pub(super) fn truth(value: &Expr) -> Option<bool> {
    match &value.kind {
        ExprKind::Const(Const::Null | Const::Unset) => Some(false),
        ExprKind::Const(Const::Bool(value)) => Some(*value),
        ExprKind::Const(Const::Text(text)) => Some(!text.is_empty()),
        ExprKind::Const(Const::Number(number)) => Some(number != "0"),
        ExprKind::Func(_) | ExprKind::Class(_) | ExprKind::Object(_) | ExprKind::Array(_) => Some(true),
        _ => None,
    }
}
