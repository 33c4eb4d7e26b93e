//! The statements that an operation runs, under the handlers of their errors.

use super::handlers::{Handling, handling, rejoins};
use super::native::{is_limited, unmet};
use super::{Item, NOT_FOUND, OWN, Writer};
use crate::analysis::slips::locks::is_lock_of_connection;
use crate::interleave::{self as judge, Block, Code, block, catch, col, either, lit, size, throw, tx, var, when};
use crate::library::{ErrorKind, Missing, Rows, StepRow, Verb};
use crate::model::{
    BlockId, Compare, Condition, Conditions, Event, Exit, OpId, OpSource, RegionId, RegionKind, Writes, entity_of,
};
use crate::schema::Entity;
use crate::sql;

/// The lock that a transaction takes which keeps all other writers out.
const WRITERS: &str = "writers";

impl<'m> Writer<'_, '_, 'm> {
    /// Adds the statements of an operation.
    pub(super) fn statement(&mut self, op: OpId, block: BlockId, next: Option<BlockId>, items: &mut Vec<Item>) {
        let it = self.trace.op(op).clone();
        let regions = self.chain(op);
        let mut nodes = Block::new();
        if let OpSource::Sql(statement, _) = &it.source {
            let session_lock = |scope: sql::Scope, lock: judge::Lock| match scope {
                sql::Scope::Session => lock.for_session(),
                sql::Scope::Transaction => lock,
            };
            match &statement.kind {
                // Of a connection that the next statement need not run on.
                _ if it.pooled && is_lock_of_connection(&it) => {}
                kind if it.pooled && (kind.keeps_writers_out() || kind.ends_transaction()) => {}
                kind if kind.keeps_writers_out() => nodes.push(judge::lock(WRITERS).for_session()),
                kind if kind.ends_transaction() => nodes.push(judge::unlock(WRITERS)),
                sql::Kind::AdvisoryLock { scope, .. } => {
                    let tag = self.tag(op);
                    nodes.push(session_lock(*scope, judge::lock("advisory")).tag(tag));
                }
                sql::Kind::AdvisoryUnlock { .. } => {
                    let tag = self.tag(op);
                    nodes.push(judge::unlock("advisory").tag(tag));
                }
                sql::Kind::LockTable(lock) if lock.exclusive => {
                    let tag = self.tag(op);
                    nodes.push(session_lock(lock.scope, judge::lock("table")).tag(tag));
                }
                _ => {}
            }
            if statement.query().is_none() {
                items.push(Item { regions, nodes });
                return;
            }
        }
        self.query(op, &it, next, &mut nodes);
        if op == self.plan.check && self.plan.uses_rows {
            let variable = self.terms.variable(op);
            nodes.push(when(size(variable.as_str()).eq(0), self.leaving(&regions)));
        }
        let handled_here = self.guard_handlers(op, block, next, &regions, nodes);
        items.push(Item { regions, nodes: handled_here });
    }

    /// Wraps statements into the handler of their errors, or notes it at the region that it lies outside of.
    fn guard_handlers(
        &mut self,
        op: OpId,
        block: BlockId,
        next: Option<BlockId>,
        regions: &[RegionId],
        nodes: Block,
    ) -> Block {
        let it = self.trace.op(op);
        let kind = match it.verb {
            Verb::Create | Verb::Upsert => ErrorKind::UniqueViolation,
            Verb::Update if it.missing == Missing::Throws => ErrorKind::NotFound,
            Verb::Delete if it.missing == Missing::Throws => ErrorKind::NotFound,
            _ => ErrorKind::Serialization,
        };
        let on_way = |block: BlockId| self.plan.way.iter().position(|at| *at == block);
        let before_act = on_way(block) < on_way(self.trace.op(self.plan.act).block);
        if before_act
            && next.is_some()
            && self.trace.block(block).handler == next
            && !matches!(it.verb, Verb::Read | Verb::Count)
        {
            // The way to the act leads through the handler: it has failed. A run in which it has not is on another way.
            let codes = [ErrorKind::UniqueViolation, ErrorKind::NotFound, ErrorKind::Serialization].map(codes).concat();
            return catch(codes, block![nodes, self.decline()], Block::new()).into();
        }
        let mut wrapped = nodes;
        let (block, handler) = self.where_it_fails(op, block);
        for kind in [kind, ErrorKind::UniqueViolation, ErrorKind::Serialization] {
            let Some(handler) = handler else { continue };
            if self.leads_on_to(block, handler) {
                // The way that goes well leads there, too: nobody asks how it went.
                let stops = self.passes_over(op, block, &[handler]);
                let handling = if stops { Handling::Declines { reads: None } } else { Handling::GoesOn };
                wrapped = self.wrap(kind, &handling, wrapped, op);
                continue;
            }
            let Some((mut handling, at)) = handling(self.trace, self.plan.flow, block, handler, kind) else { continue };
            if handling == Handling::GoesOn
                && let Some(joins) = rejoins(self.trace, block, handler)
                && self.passes_over(op, block, &joins)
            {
                handling = Handling::Declines { reads: None };
            }
            // The outermost transaction that the handler lies outside of; a list is one, too.
            let depth = self.trace.block(at).regions.len();
            let around = &self.trace.block(block).regions;
            let list = self.trace.op(op).region.filter(|_| depth == around.len() && self.is_in_list(op));
            if let Some(outermost) = around.get(depth).copied().or(list) {
                let entry = self.around.entry(outermost).or_insert((kind, handling.clone()));
                if kind == ErrorKind::UniqueViolation {
                    *entry = (kind, handling);
                }
            } else if kind != ErrorKind::Serialization || regions.is_empty() {
                wrapped = self.wrap(kind, &handling, wrapped, op);
            }
        }
        wrapped
    }

    /// Whether an error of an operation leads past further writes on the way, to where the run goes on without them.
    fn passes_over(&self, op: OpId, failed: BlockId, joins: &[BlockId]) -> bool {
        let behind =
            self.plan.way.iter().skip_while(|block| **block != failed).take_while(|block| !joins.contains(block));
        behind.flat_map(|block| &self.trace.block(*block).events).any(|event| match event {
            Event::Op(other) => *other > op && self.trace.op(*other).verb.is_write(),
            _ => false,
        })
    }

    /// The block in which an operation's error comes up, and where that goes: what is sent in a list with others fails where
    /// the list is sent.
    fn where_it_fails(&self, op: OpId, block: BlockId) -> (BlockId, Option<BlockId>) {
        match self.trace.op(op).region.map(|region| &self.trace.regions[region.index()]) {
            Some(region) if self.is_in_list(op) => (region.block, region.handler),
            _ => (block, self.trace.block(block).handler),
        }
    }

    /// Whether an operation is sent in a list with others.
    fn is_in_list(&self, op: OpId) -> bool {
        let sent = self.trace.op(op).region.map(|region| &self.trace.regions[region.index()].kind);
        matches!(sent, Some(RegionKind::Transaction { batch: true, .. }))
    }

    /// Whether the way leads from a block on to a handler, and not by an error of what is run in between.
    fn leads_on_to(&self, block: BlockId, handler: BlockId) -> bool {
        let well = |from: BlockId| {
            let it = self.trace.block(from);
            let goes_on =
                |next: BlockId| next == handler || self.plan.flow.behind_loop(self.trace, from, next) == Some(handler);
            it.handler != Some(handler) || matches!(it.exit, Exit::Goto(next) if goes_on(next))
        };
        let steps = self.plan.way.windows(2).skip_while(|step| step[0] != block);
        steps.filter(|step| step[1] == handler).any(|step| well(step[0]))
    }

    pub(super) fn wrap(&mut self, kind: ErrorKind, handling: &Handling, body: Block, op: OpId) -> Block {
        let codes = codes(kind);
        match handling {
            Handling::Declines { reads } => {
                let mut handler = Block::new();
                if let Some(read) = reads {
                    handler.push(self.read_again(*read, op));
                }
                handler.push(self.decline());
                catch(codes, body, handler).into()
            }
            Handling::GoesOn => catch(codes, body, Block::new()).into(),
            Handling::Retries => {
                // From the head of a loop, which lies before the check.
                self.retried.extend(codes);
                body
            }
        }
    }

    /// A read in a handler: in a transaction that has failed it is an error of its own.
    fn read_again(&mut self, read: OpId, failed: OpId) -> Block {
        if self.trace.op(read).region != self.trace.op(failed).region {
            return Block::new();
        }
        let table = self.trace.op(failed).entity.clone();
        self.terms.touch(&table);
        judge::read(table.as_str()).to("again").into()
    }

    /// Adds what a query runs.
    pub(super) fn query(&mut self, op: OpId, it: &crate::model::Op<'m>, next: Option<BlockId>, nodes: &mut Block) {
        let table = it.entity.clone();
        self.terms.touch(&table);
        if let Some(place) = it.place() {
            self.terms.describe_place(&table, place);
        } else if entity_of(self.schemas, it).is_none_or(Entity::is_barely_known) {
            self.keys_unknown |= matches!(it.verb, Verb::Create | Verb::Upsert);
        } else {
            self.terms.describe(&table, it.schema);
        }
        if let OpSource::Sql(statement, _) = &it.source
            && let Some(target) = statement.query().and_then(sql::Query::conflict_target)
        {
            self.terms.prove_key(&table, &target.columns);
        }
        let variable = self.terms.variable(op);
        self.terms.holds(&variable, &table);
        let conditions = self.conditions(op);
        let filter = self.terms.filter(self.trace, self.schemas, &table, &conditions);
        let missing = |nodes: &mut Block, code: &str| {
            nodes.push(when(size(variable.as_str()).eq(0), throw(Code::own(code))));
        };
        let in_tx = it.region.is_some();
        self.sets |=
            it.rows == Rows::Many && matches!(it.verb, Verb::Update | Verb::Delete) || self.inserts_unless_exists(it);
        match it.verb {
            Verb::Read | Verb::Count => {
                let tag = self.tag(op);
                let mut read = judge::read(table.as_str()).filter(filter).to(variable.as_str()).tag(tag);
                if let Some(lock) = &it.lock {
                    read = match lock.strength {
                        sql::LockStrength::ForUpdate => read.for_update(),
                        sql::LockStrength::ForShare => read.for_share(),
                    };
                }
                nodes.push(read);
                if it.missing == Missing::Throws {
                    let to_handler = next.is_some() && self.trace.block(it.block).handler == next;
                    if to_handler {
                        // The way goes through the handler: somebody found the row after all.
                        nodes.push(when(size(variable.as_str()).gt(0), throw(Code::own(OWN))));
                    } else {
                        missing(nodes, OWN);
                    }
                }
            }
            Verb::Create => {
                let writes = self.written(op, true);
                let mut insert = self.insert(&table, op, &writes).to(variable.as_str());
                let tag = self.tag(op);
                insert = insert.tag(tag);
                match self.conflict(op, it) {
                    Some(judge::OnConflict::Fail) | None => {}
                    Some(clause) => insert = insert.on_conflict(clause),
                }
                if self.inserts_unless_exists(it) {
                    insert = insert.unless(judge::Expr::TRUE);
                }
                match self.rows_along(op, &writes, tag) {
                    None => nodes.push(insert),
                    Some(along) if in_tx => nodes.push(block![along, insert]),
                    Some(along) => nodes.push(tx(None, block![along, insert])),
                }
            }
            Verb::Update => {
                let writes = self.written(op, false);
                self.want_claimed(&table, &conditions, &writes);
                let steps = self.emulation(op);
                let mut update = judge::update(table.as_str()).to(variable.as_str());
                if is_limited(self.trace, op) {
                    update = update.filter(judge::Expr::TRUE).frozen(filter.clone());
                } else {
                    update = update.filter(filter.clone());
                }
                let tag = self.tag(op);
                update = self.sets(&table, op, update, &writes).tag(tag);
                for column in self.stamps(op, &conditions, &writes) {
                    update = update.set(column.as_str(), var("own"));
                }
                if steps.contains(&StepRow::UpdateUncounted) {
                    let probe = format!("{variable}-probe");
                    let read = judge::read(table.as_str()).filter(filter).to(probe.as_str()).tag(tag);
                    let gone = when(size(probe.as_str()).eq(0), throw(Code::own(NOT_FOUND)));
                    let several = block![read, gone, update];
                    nodes.push(if in_tx { several } else { tx(None, several).into() });
                } else {
                    nodes.push(update);
                    if it.missing == Missing::Throws {
                        missing(nodes, NOT_FOUND);
                    }
                }
            }
            Verb::Delete => {
                let steps = self.emulation(op);
                let tag = self.tag(op);
                let delete = judge::delete(table.as_str()).filter(filter.clone()).to(variable.as_str()).tag(tag);
                if steps.contains(&StepRow::DeleteUncounted) {
                    let probe = format!("{variable}-probe");
                    let read = judge::read(table.as_str()).filter(filter).to(probe.as_str()).tag(tag);
                    let gone = when(size(probe.as_str()).eq(0), throw(Code::own(NOT_FOUND)));
                    let several = block![read, gone, delete];
                    nodes.push(if in_tx { several } else { tx(None, several).into() });
                } else {
                    nodes.push(delete);
                    if it.missing == Missing::Throws {
                        missing(nodes, NOT_FOUND);
                    }
                }
            }
            Verb::Upsert => {
                let creates = self.written(op, true);
                let updates = self.written(op, false);
                let tag = self.tag(op);
                let mut insert = self.insert(&table, op, &creates).to(variable.as_str()).tag(tag);
                // The row that both runs may have made is one and the same.
                if let Some(key) = self.made_key(op, &creates) {
                    insert = insert.set(key, lit(1));
                }
                let steps = self.emulation(op);
                if steps.is_empty() {
                    let sets = self.terms.assignments(self.trace, self.schemas, &table, &updates);
                    nodes.push(insert.on_conflict(judge::OnConflict::Update(sets)));
                } else {
                    let empty = updates.columns.is_empty();
                    // Where nothing is updated, what was read is the row.
                    let probe = if empty { variable.clone() } else { format!("{variable}-probe") };
                    let read = judge::read(table.as_str()).filter(filter.clone()).to(probe.as_str()).tag(tag);
                    let update = judge::update(table.as_str()).filter(filter).to(variable.as_str());
                    let update = self.sets(&table, op, update, &updates).tag(tag);
                    let other = if empty { Block::new() } else { update.into() };
                    let several = block![read, either(size(probe.as_str()).eq(0), insert, other)];
                    nodes.push(if in_tx { several } else { tx(None, several).into() });
                }
            }
            Verb::Sql => {}
        }
    }

    /// The times of the last change that an update asks for, and that it moves without being told to.
    fn stamps(&self, op: OpId, conditions: &Conditions, writes: &Writes) -> Vec<String> {
        let entity = entity_of(self.schemas, self.trace.op(op));
        let columns = entity.into_iter().flat_map(|entity| &entity.columns).filter(|column| column.updated_at);
        let names = columns.map(|column| column.name.clone());
        names.filter(|name| writes.get(name).is_none() && conditions.on(name).any(|c| c.op == Compare::Eq)).collect()
    }

    /// Notes what an update asks of the columns that it changes: before it, they hold that.
    fn want_claimed(&mut self, table: &str, conditions: &Conditions, writes: &Writes) {
        let claimed = |c: &&Condition| c.is_equality() && writes.get(&c.column).is_some();
        for condition in conditions.all.iter().filter(claimed) {
            let value = self.terms.expr(self.trace, self.schemas, condition.value);
            self.terms.want(table, col(condition.column.as_str()).eq(value));
        }
    }

    /// The statements a call runs where it is not one statement; empty where it is.
    pub(super) fn emulation(&mut self, op: OpId) -> Vec<StepRow> {
        let mut see = self.terms.seeing();
        let causes =
            unmet(self.trace, self.schemas, op, &self.plan.database.name, &mut |trace, value| see(trace, value));
        match &self.trace.op(op).source {
            OpSource::Call(row, _) if !causes.is_empty() => row.steps.clone(),
            _ => Vec::new(),
        }
    }
}

fn codes(kind: ErrorKind) -> Vec<Code> {
    match kind {
        ErrorKind::UniqueViolation => vec![Code::Unique],
        ErrorKind::Serialization | ErrorKind::SerializationAtCommit | ErrorKind::SerializationInSql => {
            serialization_codes()
        }
        ErrorKind::NotFound => vec![Code::own(NOT_FOUND)],
        ErrorKind::ForeignKey => Vec::new(),
    }
}

/// Errors that say "try again".
pub(in crate::analysis) fn serialization_codes() -> Vec<Code> {
    vec![
        Code::Serialization,
        Code::SerializationAtCommit,
        Code::Deadlock,
        Code::InnoDeadlock,
        Code::RecordChanged,
        Code::Busy,
        Code::BusySnapshot,
    ]
}
