//! What else a check decides, and whether doing it twice shows.

use super::reliance::marks_deleted;
use super::*;
use crate::model::{ObjectEntry, names_effect, names_lock, names_permit, names_queue};

impl Search<'_, '_, '_> {
    /// Whether the act moves a column that decides. If it does not, a twin cannot get in its way; and where a write that is
    /// decided with it does, that one is an act of its own.
    #[must_use]
    pub fn moves_what_decides(&mut self, window: &Window) -> bool {
        self.moves_one_of(window, window.act)
    }

    /// Whether another write that the check decides moves a column that decides, and so is an act of its own.
    #[must_use]
    pub fn is_moved_beside(&mut self, window: &Window) -> bool {
        window.decided.iter().any(|op| self.moves_one_of(window, *op))
    }

    /// Whether a check locks its row through a connection that was handed in: such a lock is of use in a transaction only, and
    /// whoever has handed the connection in may have opened one.
    #[must_use]
    pub fn is_locked_by_stranger(&self, window: &Window) -> bool {
        let it = self.trace.op(window.check);
        it.lock.is_some() && it.region.is_none() && it.client.is_none()
    }

    fn moves_one_of(&mut self, window: &Window, op: OpId) -> bool {
        let Link::Column(columns) = &window.link else { return true };
        let (it, looked) = (self.trace.op(op), self.trace.op(window.check));
        if it.entity != looked.entity {
            return false;
        }
        let is_delete = it.verb == Verb::Delete;
        let writes = self.writes(op, false, &window.way);
        is_delete || writes.opaque || columns.iter().any(|c| writes.get(c).is_some())
    }

    /// Whether a lock that the database knows nothing of is taken before the check: by a function whose name says so, on the
    /// way or around it. What it locks is not known, nor whether other processes see it.
    #[must_use]
    pub fn is_locked_elsewhere(&self, window: &Window) -> bool {
        let of_database = |frame: FrameId| {
            self.trace.ops.iter().any(|op| op.frame == frame && (op.lock.is_some() || op.verb == Verb::Sql))
        };
        let locks = |frame: FrameId| self.trace.frames[frame.index()].takes_lock && !of_database(frame);
        let sees = self.seen_in(window.check, window.act);
        let mut around = std::iter::once(sees).chain(self.callers_of(sees));
        if around.any(|frame| self.trace.frames[frame.index()].runs_locked) {
            return true;
        }
        let looks = self.trace.op(window.check).block;
        // What only some ways take is no lock: a connection that is lent out where there is no pool.
        let always = |block: BlockId| self.flow.passes(block, looks);
        // One that is given back before another run looks at the rows has kept nobody from them.
        let in_process = self.trace.op(window.check).place().is_some();
        let mut behind = false;
        for (at, block) in window.way.iter().enumerate() {
            let it = self.trace.block(*block);
            let in_lock = locks(it.frame);
            if !behind && in_lock {
                return true;
            }
            for event in &it.events {
                match event {
                    Event::Op(op) if *op == window.check => {
                        if self.callers_of(it.frame).any(locks) {
                            return true;
                        }
                        behind = true;
                    }
                    Event::Op(op) if *op == window.act => return false,
                    // Behind the check only a lock that may be refused keeps the second one out, as long as it is held.
                    Event::Call(call)
                        if (in_lock
                            || names_lock(call.name.rsplit('.').next().unwrap_or(""))
                            || names_permit(&call.name) && (!behind || in_process))
                            && (if behind {
                                self.is_answer_tested(call, &window.way[at..])
                            } else {
                                always(*block)
                            }) =>
                    {
                        return true;
                    }
                    _ => {}
                }
            }
        }
        false
    }

    /// Whether the act of a window runs in a transaction that was asked for at a level which nothing tells.
    #[must_use]
    pub fn is_at_unknown_level(&self, window: &Window) -> bool {
        self.trace.op(window.act).region.is_some_and(|region| self.trace.regions[region.index()].unknown_level)
    }

    /// Whether the transaction around a window has been handed, before the check, to a call out of sight whose name says that
    /// it changes or locks a row: that of the parent, perhaps, which is held from then on.
    #[must_use]
    pub fn may_be_held(&self, window: &Window) -> bool {
        let region = self.trace.op(window.check).region;
        if region.is_none() || region != self.trace.op(window.act).region {
            return false;
        }
        let handles: FxHashSet<ValId> =
            self.trace.ops.iter().filter(|op| op.region == region).filter_map(|op| op.handle).collect();
        let holds = |call: &crate::model::Effect| {
            let last = call.name.rsplit('.').next().unwrap_or("").to_lowercase();
            let writes = ["save", "update", "upsert", "lock"].iter().any(|word| last.starts_with(word));
            writes && call.args.iter().any(|arg| self.contains_any(*arg, &handles, 3))
        };
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut before = events.take_while(|event| !matches!(event, Event::Op(op) if *op == window.check));
        before.any(|event| matches!(event, Event::Call(call) if holds(call)))
    }

    /// Whether a branch on a way looks at what a call gave.
    pub(super) fn is_answer_tested(&self, call: &crate::model::Effect, way: &[BlockId]) -> bool {
        way.iter().any(|block| match &self.trace.block(*block).exit {
            Exit::Branch { test, .. } => self.comes_from_call(*test, call, 8),
            _ => false,
        })
    }

    /// The runs around a run, innermost first.
    pub(super) fn callers_of(&self, frame: FrameId) -> impl Iterator<Item = FrameId> + '_ {
        let caller = |frame: FrameId| self.trace.frames[frame.index()].caller.map(|(caller, _)| caller);
        std::iter::successors(caller(frame), move |frame| caller(*frame))
    }

    pub(super) fn comes_from_call(&self, value: ValId, call: &crate::model::Effect, depth: usize) -> bool {
        self.trace.values.any_within(
            value,
            depth,
            &mut |value| matches!(self.trace.values.get(value), Val::Call { args, .. } if *args == call.args),
        )
    }

    /// Writes and effects behind the check that one of its facts decides.
    pub(super) fn consequences(
        &self,
        paths: &Paths,
        facts: &[Fact],
        act: OpId,
        way: &[BlockId],
        writes: &[OpId],
    ) -> (FxHashSet<OpId>, Vec<Outside>) {
        let mut decided = FxHashSet::default();
        let mut effects: Vec<Outside> = Vec::new();
        if facts.is_empty() {
            return (decided, effects);
        }
        let depends = |block: BlockId| {
            let nodes = paths.at(block);
            !nodes.is_empty() && nodes.iter().all(|node| paths.facts(*node).iter().any(|fact| facts.contains(fact)))
        };
        for block in way {
            if !depends(*block) {
                continue;
            }
            for event in &self.trace.block(*block).events {
                match event {
                    Event::Op(op)
                        if *op != act
                            && writes.contains(op)
                            && !is_log(&self.trace.op(*op).entity)
                            && !self.trace.op(*op).copies_what_is_missing()
                            && self.trace.op(*op).place() == self.trace.op(act).place() =>
                    {
                        decided.insert(*op);
                    }
                    Event::Call(call)
                        if self.is_effect_call(call)
                            && !effects.iter().any(|known| known.name == call.name)
                            && !self.is_asked_for(call, act) =>
                    {
                        effects.push(Outside { name: call.name.clone(), site: call.site });
                    }
                    _ => {}
                }
            }
        }
        (decided, effects)
    }

    /// Writes and effects on a way that are made from what a check gave: where it gave nothing, they are not done.
    pub(super) fn done_with_each(
        &mut self,
        check: OpId,
        act: OpId,
        way: &[BlockId],
    ) -> (FxHashSet<OpId>, Vec<Outside>) {
        let mut decided = FxHashSet::default();
        let mut effects: Vec<Outside> = Vec::new();
        let events: Vec<Event> = way.iter().flat_map(|block| self.trace.block(*block).events.clone()).collect();
        for event in events {
            match event {
                Event::Op(op) if op > check && op != act && self.is_fed(check, op) => {
                    let it = self.trace.op(op);
                    let writes = it.verb.is_write();
                    let counts = writes && !is_log(&it.entity) && !it.copies_what_is_missing();
                    if counts && it.place() == self.trace.op(act).place() {
                        decided.insert(op);
                    }
                }
                Event::Call(call)
                    if self.is_effect_call(&call)
                        && !effects.iter().any(|known| known.name == call.name)
                        && call.args.iter().any(|arg| self.depends_on(check, *arg))
                        && !self.is_asked_for(&call, act) =>
                {
                    effects.push(Outside { name: call.name.clone(), site: call.site });
                }
                _ => {}
            }
        }
        (decided, effects)
    }

    /// Whether a call changes something in the world outside.
    pub(in crate::analysis) fn is_effect_call(&self, call: &crate::model::Effect) -> bool {
        if self.is_done_once(call) {
            return false;
        }
        if names_queue(&call.name) {
            let is_task = |arg: &ValId| matches!(self.trace.values.get(*arg), Val::Closure(..));
            return !call.args.iter().any(is_task);
        }
        // Who is handed nothing but a function may be told something later on.
        let is_function = |arg: &ValId| matches!(self.trace.values.get(*arg), Val::Closure(..));
        let names = names_effect(&call.name) && !tells_of_removal(&call.name);
        call.lasting || names && (call.args.is_empty() || !call.args.iter().all(is_function)) || self.is_request(call)
    }

    /// Whether a call carries an identity that every run of it gives, so that whoever gets it takes it once: the id of a job
    /// for a queue, the idempotency key of a request.
    fn is_done_once(&self, call: &crate::model::Effect) -> bool {
        let tells = |key: &str| {
            let plain: String =
                key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            plain == "idempotencykey"
                || plain.ends_with("deduplicationid")
                || plain == "jobid" && names_queue(&call.name)
        };
        let mut objects = call.args.clone();
        while let Some(object) = objects.pop() {
            let entries = match self.trace.values.get(object) {
                Val::Object(entries) => entries,
                // Options that are there where they are given.
                Val::Choice(_, yes, no) => {
                    objects.extend([*yes, *no]);
                    continue;
                }
                Val::Phi(phi) if objects.len() < 8 => {
                    let operands = self.trace.values.phi(*phi).operands.iter().map(|(_, value)| *value);
                    let plain = |value: &ValId| !matches!(self.trace.values.get(*value), Val::Phi(_));
                    objects.extend(operands.filter(plain));
                    continue;
                }
                _ => continue,
            };
            for entry in entries {
                match entry {
                    ObjectEntry::Field(key, id) if tells(key) => {
                        return !self.is_made_up(*id, 8);
                    }
                    ObjectEntry::Field(key, inner) if key.eq_ignore_ascii_case("headers") => objects.push(*inner),
                    _ => {}
                }
            }
        }
        false
    }

    /// Whether something in a value is made on nothing. A client that a method is called on is no part of what it answers.
    fn is_made_up(&self, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let made_up = |part: ValId| self.is_made_up(part, depth);
        match self.trace.values.get(value) {
            Val::Call { args, .. } if args.is_empty() => true,
            Val::Call { args, .. } => args.iter().any(|arg| made_up(*arg)),
            _ => self.trace.values.parts(value).into_iter().any(made_up),
        }
    }

    /// Whether a call sends a request that changes something elsewhere.
    pub(super) fn is_request(&self, call: &crate::model::Effect) -> bool {
        call.name == "fetch"
            && call.args.get(1).is_some_and(|options| match self.trace.values.get(*options) {
                Val::Object(entries) => entries.iter().any(|e| match e {
                    ObjectEntry::Field(key, value) if key == "method" => {
                        self.trace.values.text(*value).is_some_and(|m| !matches!(m, "GET" | "HEAD" | "OPTIONS"))
                    }
                    _ => false,
                }),
                _ => false,
            })
    }

    /// Whether the act takes something that only one run may have, and says so to its caller.
    pub(in crate::analysis) fn claims(&mut self, check: OpId, act: OpId, link: &Link, way: &[BlockId]) -> bool {
        if self.trace.op(check).place().is_some() {
            return matches!(link, Link::Absence | Link::Column(_)) && self.puts_its_own(check, act, way);
        }
        let Link::Column(columns) = link else { return false };
        let writes = self.writes(act, false, way);
        let moves = columns.iter().any(|c| writes.get(c).is_some());
        // Whoever finds it gone already has what he wants: that the last one is named is nobody's gain.
        if !moves || columns.iter().all(|column| marks_deleted(column)) {
            return false;
        }
        // What has grown old is made anew of nothing that was there: whoever does it, the last one is as good.
        let fed = writes.columns.iter().any(|(_, written)| match written {
            Written::Value(value) => self.depends_on(check, *value),
            _ => true,
        });
        if !fed && self.goes_by_age(check, columns) {
            return false;
        }
        // A row picked from a set by its state and handed out.
        let looked = self.conditions(check, way);
        let picked = !looked.all.is_empty() && looked.all.iter().all(|c| !self.is_key(check, &c.column));
        let mut by_state = false;
        looked.each(&mut |c| by_state |= columns.contains(&c.column));
        let rows = self.trace.op(check).rows;
        if picked && by_state && rows != Rows::Number && self.returns_row(check, act, way) {
            return true;
        }
        // Something made up for this run is stored and handed out: an identity.
        let made: FxHashSet<ValId> = writes
            .columns
            .iter()
            .filter_map(|(_, written)| match written {
                Written::Value(value) => Some(*value),
                _ => None,
            })
            .flat_map(|value| self.made_up_in(value))
            .collect();
        if !made.is_empty() && self.returned(way).is_some_and(|value| self.contains_any(value, &made, 16)) {
            return true;
        }
        // Who did it is written down, or what one of them has made of it.
        let mut fixed: FxHashSet<ValId> = FxHashSet::default();
        looked.each(&mut |c| {
            fixed.insert(c.value);
        });
        writes.columns.iter().any(|(column, written)| match written {
            Written::Value(value) => {
                let decides = columns.contains(column);
                (decides || self.names_somebody(act, column, *value)) && self.is_own(*value, &fixed, 16)
                    // Which of the things it was given to that each run has made.
                    || decides && is_identity(column) && self.is_given_name(act, column, *value, way)
            }
            _ => false,
        })
    }

    /// Whether something that was made up in a value names another thing, or the row itself for whoever is told: a name of its
    /// own that is given to no other call and not answered is no more than another one than before.
    fn is_given_name(&self, act: OpId, column: &str, value: ValId, way: &[BlockId]) -> bool {
        let made: FxHashSet<ValId> = self.made_up_in(value).into_iter().collect();
        if made.is_empty() || !self.is_key(act, column) {
            return !made.is_empty();
        }
        let holds = |value: &ValId| self.contains_any(*value, &made, 16);
        let events = way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut given = events.flat_map(|event| match event {
            Event::Op(op) if *op != act => self.trace.op(*op).args.as_slice(),
            Event::Call(call) => call.args.as_slice(),
            _ => &[],
        });
        given.any(holds) || self.returned(way).is_some_and(|value| holds(&value))
    }

    /// Whether branches compare each of some columns of a checked row with the time at which they are asked.
    fn goes_by_age(&mut self, check: OpId, columns: &[String]) -> bool {
        let tests = self.tests_on(check);
        let is_now = |search: &Self, value: ValId| {
            search.trace.values.any_within(value, 6, &mut |part| match search.trace.values.get(part) {
                Val::Global(name) => name == "Date" || name == "now",
                _ => false,
            })
        };
        columns.iter().all(|column| {
            tests.iter().any(|(_, test)| {
                self.trace.values.any_within(*test, 12, &mut |part| match self.trace.values.get(part) {
                    Val::Binary(BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, a, b) => {
                        [(*a, *b), (*b, *a)].into_iter().any(|(old, now)| {
                            self.column_within(check, old, column, 8)
                                && !self.column_within(check, now, column, 8)
                                && is_now(self, now)
                        })
                    }
                    _ => false,
                })
            })
        })
    }

    /// Whether what is written says who or which: the column refers to another row, or its name, or that of the value, says
    /// so. A remark or a time may be anybody's: the last one stays, as it would of one run.
    pub(in crate::analysis) fn names_somebody(&self, op: OpId, column: &str, value: ValId) -> bool {
        let refers = entity_of(self.schemas, self.trace.op(op)).is_some_and(|entity| {
            entity.columns.iter().any(|c| match &c.kind {
                ColumnKind::Relation(relation) => c.name == column || relation.fields.iter().any(|f| f == column),
                _ => false,
            })
        });
        let by_value = matches!(self.trace.values.get(value), Val::Field(_, name) if is_identity(name));
        refers || is_identity(column) || by_value
    }

    /// Calls within a value that are made on nothing, or on constants alone, and not of the clock.
    pub(super) fn made_up_in(&self, value: ValId) -> Vec<ValId> {
        let mut found = Vec::new();
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 100 {
                break;
            }
            if let Val::Call { callee, args, is_new: false, .. } = self.trace.values.get(value) {
                let receiver = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                let named = |name: &str| matches!(name, "Date" | "JSON" | "Object" | "String" | "Number");
                let of_clock = [Some(*callee), receiver]
                    .into_iter()
                    .flatten()
                    .any(|part| matches!(self.trace.values.get(part), Val::Global(name) if named(name)));
                let of_value = receiver.is_some_and(|r| {
                    !matches!(self.trace.values.get(r), Val::Global(_) | Val::External(..) | Val::Module(_))
                });
                if args.iter().all(|arg| self.is_constant(*arg, 4)) && !of_clock && !of_value {
                    found.push(value);
                }
            }
            todo.extend(self.trace.values.parts(value));
        }
        found
    }

    pub(super) fn contains_any(&self, value: ValId, wanted: &FxHashSet<ValId>, depth: usize) -> bool {
        self.trace.values.any_within(value, depth, &mut |value| wanted.contains(&value))
    }

    /// What the root function returns at the end of a way.
    pub(super) fn returned(&self, way: &[BlockId]) -> Option<ValId> {
        match &self.trace.block(*way.last()?).exit {
            Exit::Return(value, _) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn returns_row(&self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let Some(last) = way.last() else { return false };
        match &self.trace.block(*last).exit {
            Exit::Return(value, _) => self.made_of(check, *value, 14) || self.made_of(act, *value, 14),
            _ => false,
        }
    }

    /// Whether what a check gave goes into an effect on a way.
    pub(super) fn hands_on(&self, check: OpId, way: &[BlockId]) -> bool {
        let events = way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut effects = events.filter_map(|event| match event {
            Event::Call(call) if self.is_effect_call(call) => Some(call),
            _ => None,
        });
        effects.any(|call| call.args.iter().any(|arg| self.made_of(check, *arg, 14)))
    }

    /// Whether what a check gave becomes something on a way that adds up: a further row, or what is told to people.
    pub(super) fn passes_on(&mut self, check: OpId, way: &[BlockId]) -> bool {
        let events: Vec<Event> = way.iter().flat_map(|block| self.trace.block(*block).events.clone()).collect();
        let entity = self.trace.op(check).entity.clone();
        events.into_iter().any(|event| match event {
            Event::Op(op) => {
                let it = self.trace.op(op);
                let is_further = it.verb == Verb::Create && it.place().is_none() && it.entity != entity;
                is_further && !is_log(&it.entity) && self.is_fed(check, op)
            }
            Event::Call(call) => {
                is_weighty(&call.name)
                    && self.is_effect_call(&call)
                    && call.args.iter().any(|arg| self.made_of(check, *arg, 14))
            }
            _ => false,
        })
    }

    pub(super) fn is_own(&self, value: ValId, fixed: &FxHashSet<ValId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if fixed.contains(&value) {
            return false;
        }
        match self.trace.values.get(value) {
            Val::Param(..) | Val::Opaque(_) => true,
            Val::Field(base, _) => self.is_own(*base, fixed, depth),
            Val::Call { args, .. } => args.iter().any(|arg| self.is_own(*arg, fixed, depth)),
            Val::Binary(_, a, b) => self.is_own(*a, fixed, depth) || self.is_own(*b, fixed, depth),
            Val::Choice(_, a, b) => self.is_own(*a, fixed, depth) || self.is_own(*b, fixed, depth),
            _ => false,
        }
    }
}

/// Names of those who have something for themselves.
const SOMEBODY: [&str; 6] = ["owner", "worker", "holder", "assignee", "claimant", "assigned_to"];

/// Whether a call tells others that something is gone (`publish_deleted`): they may be told twice.
fn tells_of_removal(name: &str) -> bool {
    const TOLD: [&str; 3] = ["publish", "notify", "dispatch"];
    const GONE: [&str; 5] = ["delete", "remove", "invalidate", "evict", "revoke"];
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    TOLD.iter().any(|told| last.starts_with(told)) && GONE.iter().any(|gone| last.contains(gone))
}

/// Whether an effect is none that tells others of what is gone, which may be told twice: it reaches people, or moves money.
pub(in crate::analysis) fn is_weighty(name: &str) -> bool {
    const WEIGHTY: [&str; 9] = ["mail", "sms", "receipt", "invit", "charge", "refund", "transfer", "payout", "enqueue"];
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    WEIGHTY.iter().any(|word| last.contains(word))
}

/// Whether a name is that of an identity: `id`, `userId`, `approved_by`, `worker`.
fn is_identity(name: &str) -> bool {
    let tail = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
    let hump = |end: &str| name.strip_suffix(end).is_some_and(|rest| !rest.is_empty());
    tail("id") || tail("by") || hump("Id") || hump("By") || SOMEBODY.iter().any(|word| tail(word))
}

/// Whether an entity is a log by its name: what is written there says what has happened, and is no result of it.
pub(in crate::analysis) fn is_log(entity: &str) -> bool {
    let name = entity.trim_end_matches('s');
    let of_words = name.ends_with("Log") || name.ends_with("_log") || name.ends_with("LOG");
    // `Audit`, `AuditEvent`, `audit_trail`, and not `Auditor`.
    let audits = name.to_ascii_lowercase().strip_prefix("audit").is_some_and(|rest| {
        rest.is_empty()
            || ["event", "trail", "entry", "entrie", "record", "log"].contains(&rest.trim_start_matches('_'))
    });
    of_words || audits || name.eq_ignore_ascii_case("log")
}
