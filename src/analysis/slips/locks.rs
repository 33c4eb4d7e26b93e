//! Locks that end with their statement, as no transaction holds them.

use crate::analysis::window::{Search, Window};
use crate::model::{Event, OpId, OpSource};
use crate::sql;

impl Search<'_, '_, '_> {
    /// A row lock, or a lock to the end of the transaction, that is taken before a window's act outside of any transaction.
    pub(in crate::analysis) fn lost_lock(&self, window: &Window) -> Option<OpId> {
        for event in window.way.iter().flat_map(|block| &self.trace.block(*block).events) {
            let Event::Op(op) = event else { continue };
            if *op == window.act {
                return None;
            }
            let it = self.trace.op(*op);
            let locks = it.lock.is_some() || self.is_transaction_lock(*op);
            // Only of a client it is certain that it is no transaction.
            if locks && it.region.is_none() && it.client.is_some() {
                return Some(*op);
            }
        }
        None
    }

    /// Whether a statement takes a named lock to the end of its transaction.
    fn is_transaction_lock(&self, op: OpId) -> bool {
        match &self.trace.op(op).source {
            OpSource::Sql(statement, _) => {
                matches!(statement.kind, sql::Kind::AdvisoryLock { scope: sql::Scope::Transaction, .. })
            }
            _ => false,
        }
    }
}
