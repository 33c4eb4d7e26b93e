//! What is asked about single operations.

use crate::analysis::paths::resolve;
use crate::analysis::script::{self, Unmet};
use crate::analysis::window::Search;
use crate::model::{BlockId, FrameId, OpId, OpSource, Trace, ValId};

impl Search<'_, '_, '_> {
    /// The innermost run that sees both an operation and another run.
    #[must_use]
    pub(super) fn seen_with(&self, op: OpId, run: FrameId) -> FrameId {
        let others = self.runs_around(run);
        self.chain(op).into_iter().find(|frame| others.contains(frame)).unwrap_or_default()
    }

    /// All operations on databases, in the order in which they were met. Files and locks know no transactions.
    pub(super) fn all_ops(&self) -> impl Iterator<Item = OpId> + use<> {
        let all = (0..u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX)).map(OpId);
        let found: Vec<OpId> = all.filter(|op| self.trace.op(*op).place().is_none()).collect();
        found.into_iter()
    }

    /// Whether the function that holds an operation is the one the trace starts with.
    pub(super) fn is_in_root(&self, op: OpId) -> bool {
        self.chain(op).first() == Some(&FrameId(0))
    }

    /// Whether what is to be said of a single operation can be settled in this trace: its function's own, or that of a
    /// caller that has something around the call.
    pub(super) fn is_settled_here(&self, op: OpId) -> bool {
        let it = self.trace.op(op);
        let first = self.chain(op).first().copied().unwrap_or_default();
        self.flow.position(it.block).is_some()
            && (self.is_in_root(op) || self.trace.frames[first.index()].around.is_any())
    }

    /// What keeps an operation from being one statement; nothing where it is one.
    pub(super) fn unmet(&mut self, op: OpId, way: &[BlockId], engine: &str) -> Vec<Unmet> {
        let phis = self.choices(way);
        script::unmet(self.trace, self.schemas, op, engine, &mut |trace, value| {
            resolve(trace, value, &mut |phi| phis.get(&phi).copied())
        })
    }

    /// Whether an insert leaves out rows that are there already.
    pub(in crate::analysis) fn leaves_what_is_there(&mut self, op: OpId) -> bool {
        match self.trace.op(op).source.clone() {
            OpSource::Call(row, _) => {
                let skips = row.skip_conflicts.as_ref().and_then(|selector| self.trace.pick(op, selector));
                skips.is_some_and(|value| self.trace.values.truth(value) == Some(true))
            }
            OpSource::Sql(statement, _) => statement.query().is_some_and(|query| query.conflict.is_some()),
            OpSource::Built(built, _) => built.conflict.is_some(),
            OpSource::Related { .. } | OpSource::Stored { .. } => false,
        }
    }

    /// The blocks on the way to an operation, as far as they matter to what it asks for and writes: none where nothing that
    /// it is given was joined. To follow all ways from an operation costs far more than to read it.
    pub(super) fn way_of_given(&mut self, op: OpId) -> Vec<BlockId> {
        let mut joined = false;
        let mut note = |trace: &mut Trace<'_>, value: ValId| {
            joined |= trace.values.is_joined(value);
            value
        };
        self.trace.conditions(self.schemas, op, &mut note);
        for creating in [true, false] {
            self.trace.writes(self.schemas, op, creating, &mut note);
        }
        if joined { self.way_to(op) } else { Vec::new() }
    }

    /// A way through an operation, from the entry to an end.
    pub(super) fn way_to(&mut self, op: OpId) -> Vec<BlockId> {
        let paths = self.paths(op);
        paths.example(self.trace, self.flow, 0).to_vec()
    }
}
