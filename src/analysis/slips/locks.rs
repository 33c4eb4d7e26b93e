//! Locks that nobody holds when it matters: those that end with their statement, as no transaction holds them, and those
//! of a connection that the next statement need not get.

use crate::analysis::window::{Search, Window};
use crate::model::{Event, Op, OpId, OpSource, RegionId, RegionKind};
use crate::sql;

impl Search<'_, '_, '_> {
    /// A lock that is taken before a window's act outside of any transaction, and whether it is the connection's.
    pub(in crate::analysis) fn lost_lock(&self, window: &Window) -> Option<(OpId, bool)> {
        for event in window.way.iter().flat_map(|block| &self.trace.block(*block).events) {
            let Event::Op(op) = event else { continue };
            if *op == window.act {
                return None;
            }
            let it = self.trace.op(*op);
            let of_connection = it.pooled && is_lock_of_connection(it);
            let locks = of_connection || it.lock.is_some() || self.is_transaction_lock(*op);
            // Only of a client it is certain that it is no transaction.
            if locks && it.region.is_none() && it.client.is_some() {
                return Some((*op, of_connection));
            }
        }
        None
    }

    /// A lock around both ends of a window that only this process sees.
    pub(in crate::analysis) fn mutex_around(&self, window: &Window) -> Option<RegionId> {
        let open = |op: OpId| &self.trace.block(self.trace.op(op).block).regions;
        let is_mutex = |region: &&RegionId| self.trace.regions[region.index()].kind == RegionKind::Mutex;
        open(window.check).iter().filter(is_mutex).find(|region| open(window.act).contains(region)).copied()
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

/// Whether a statement takes or gives back a lock that belongs to the connection it runs on.
pub(in crate::analysis) fn is_lock_of_connection(op: &Op<'_>) -> bool {
    match &op.source {
        OpSource::Sql(statement, _) => matches!(
            statement.kind,
            sql::Kind::AdvisoryLock { scope: sql::Scope::Session, .. } | sql::Kind::AdvisoryUnlock { .. }
        ),
        _ => false,
    }
}
