//! Acts that rest on columns they do not move, and functions that move them.

use super::consequences::is_log;
use super::*;

impl Search<'_, '_, '_> {
    /// Acts on other entities that columns of a checked row decide, and that are tied to that row.
    pub fn reliances(&mut self) -> Vec<Window> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        for check in (0..count).map(OpId) {
            let it = self.trace.op(check);
            if it.entity.is_empty()
                || it.place().is_some()
                || it.verb != Verb::Read
                || self.flow.position(it.block).is_none()
            {
                continue;
            }
            let entity = it.entity.clone();
            let mine = self.chain(check);
            let acts: Vec<OpId> = (0..count)
                .map(OpId)
                .filter(|act| {
                    let it = self.trace.op(*act);
                    matches!(it.verb, Verb::Create | Verb::Update | Verb::Delete)
                        && it.entity != entity
                        && it.place().is_none()
                        && !it.entity.is_empty()
                        && self.seen_first_here(&mine, *act)
                })
                .take(12)
                .collect();
            if acts.is_empty() {
                continue;
            }
            let tests = self.tests_on(check);
            let mut by_column: FxHashMap<ValId, bool> = FxHashMap::default();
            let mut decided = |act: &OpId| {
                let act = self.trace.op(*act).block;
                let mut of_column = |test| *by_column.entry(test).or_insert_with(|| self.is_by_column(check, test));
                tests.iter().any(|(block, test)| self.flow.leads(self.trace, *block, act) && of_column(*test))
            };
            let acts: Vec<OpId> = acts.into_iter().filter(&mut decided).collect();
            if acts.is_empty() {
                continue;
            }
            let paths = self.paths_to(check, &acts);
            let by_column = |act: &OpId| {
                let node = paths.at_op(self.trace, *act).first().copied();
                let of_column = |atom: &Atom| matches!(self.subject(check, atom), Some(Subject::Columns(_)));
                node.is_some_and(|node| paths.facts(node).iter().any(|(atom, _)| of_column(atom)))
            };
            let acts: Vec<OpId> = acts.into_iter().filter(by_column).collect();
            drop(paths);
            if acts.is_empty() {
                continue;
            }
            let paths = self.paths(check);
            for act in acts {
                let Some(node) = paths.at_op(self.trace, act).first().copied() else { continue };
                let mut columns = Vec::new();
                for (atom, _) in self.deciding(&paths, act, node) {
                    if let Some(Subject::Columns(names)) = self.subject(check, &atom) {
                        columns.extend(names);
                    }
                }
                if columns.is_empty() {
                    continue;
                }
                let way = paths.example(self.trace, self.flow, node);
                if !self.is_tied(check, act, &way) {
                    continue;
                }
                columns.sort();
                columns.dedup();
                let confidence = self.trace.op(check).confidence.min(self.trace.op(act).confidence);
                found.push(Window {
                    check,
                    act,
                    link: Link::Column(columns),
                    way: way.to_vec(),
                    decided: FxHashSet::default(),
                    effects: Vec::new(),
                    claims: false,
                    bound: false,
                    confidence,
                });
            }
        }
        let all: Vec<Window> = found.clone();
        found.retain(|window| !self.is_settled_later(window, &all));
        found
    }

    /// Whether what a reliance rests on is settled once more on the way to its act: a later check of the same row decides by
    /// the same column, or a write of the row asks for it in its own condition, and who hits none is told.
    fn is_settled_later(&mut self, window: &Window, all: &[Window]) -> bool {
        let Link::Column(columns) = &window.link else { return false };
        let keys = self.keys_asked(window.check, &window.way);
        let checked_later = all.iter().any(|other| {
            let by_same = matches!(&other.link, Link::Column(others) if others.iter().any(|c| columns.contains(c)));
            other.act == window.act
                && other.check != window.check
                && by_same
                && self.trace.op(other.check).entity == self.trace.op(window.check).entity
                && self.comes_first(window.check, other.check)
                && self.keys_asked(other.check, &other.way).iter().any(|key| keys.contains(key))
        });
        if checked_later {
            return true;
        }
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops = events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None });
        let between = ops.skip_while(|op| *op != window.check).skip(1).take_while(|op| *op != window.act);
        let between: Vec<OpId> = between.collect();
        between.into_iter().any(|op| {
            let it = self.trace.op(op);
            let (verb, missing) = (it.verb, it.missing);
            if it.entity != self.trace.op(window.check).entity {
                return false;
            }
            if verb == Verb::Create {
                // The row is this run's own.
                let writes = self.writes(op, true, &window.way);
                let given = |value: &ValId| {
                    writes.columns.iter().any(|(_, written)| matches!(written, Written::Value(it) if it == value))
                };
                return !keys.is_empty() && keys.iter().all(given);
            }
            let asked = self.conditions(op, &window.way);
            let of_row = |value: ValId| {
                matches!(self.trace.values.get(value), Val::Field(row, column)
                    if self.is_check_row(window.check, *row) && self.is_key(window.check, column))
            };
            if !asked.all.iter().any(|c| keys.contains(&c.value) || of_row(c.value)) {
                return false;
            }
            match verb {
                // Another function that the act lies in may be the one that sees both.
                Verb::Read => self.demands(op, window.act).iter().any(|demand| columns.contains(&demand.column)),
                Verb::Update => {
                    let told = missing == Missing::Throws || self.is_looked_at(op);
                    told && columns.iter().all(|column| asked.on(column).next().is_some())
                }
                _ => false,
            }
        })
    }

    /// The values by which an operation asks for a row's keys.
    fn keys_asked(&mut self, op: OpId, way: &[BlockId]) -> Vec<ValId> {
        let asked = self.conditions(op, way);
        let of_key = asked.all.iter().filter(|c| c.op == Compare::Eq && self.is_key(op, &c.column));
        of_key.map(|c| c.value).collect()
    }

    /// Whether an act names the checked row: by what the check asked for, or by a key of what it gave.
    pub(super) fn is_tied(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let looked = self.conditions(check, way);
        let keys: Vec<ValId> = looked.all.iter().filter(|c| self.is_key(check, &c.column)).map(|c| c.value).collect();
        let targeted = self.conditions(act, way);
        let creating = self.trace.op(act).verb == Verb::Create;
        let writes = self.writes(act, creating, way);
        let mut values: Vec<ValId> = targeted.all.iter().map(|c| c.value).collect();
        values.extend(writes.columns.iter().filter_map(|(_, written)| match written {
            Written::Value(value) => Some(*value),
            _ => None,
        }));
        values.into_iter().any(|value| {
            keys.contains(&value)
                || matches!(self.trace.values.get(value), Val::Field(base, column)
                    if self.is_check_row(check, *base) && self.is_key(check, column))
        })
    }

    /// The columns that a window's act writes.
    #[must_use]
    pub fn written_columns(&mut self, window: &Window) -> Vec<String> {
        let creating = self.trace.op(window.act).verb == Verb::Create;
        let writes = self.writes(window.act, creating, &window.way);
        writes.columns.into_iter().map(|(column, _)| column).collect()
    }

    /// Whether the checked row is locked, in the transaction of the act, before or by the check.
    #[must_use]
    pub fn is_locked(&self, check: OpId, act: OpId) -> bool {
        let looked = self.trace.op(check);
        let Some(region) = self.trace.op(act).region.filter(|r| looked.region == Some(*r)) else { return false };
        self.trace.ops.iter().any(|op| {
            op.region == Some(region)
                && op.entity == looked.entity
                && (op.lock.is_some() || op.verb == Verb::Update)
                && self.flow.position(op.block) <= self.flow.position(looked.block)
        })
    }

    /// The entities of which rows are locked in a transaction before an operation.
    pub(super) fn locked_before(&self, region: Option<RegionId>, until: OpId) -> Vec<String> {
        let Some(region) = region else { return Vec::new() };
        let before = |op: &&crate::model::Op<'_>| {
            op.region == Some(region)
                && op.lock.is_some()
                && !op.entity.is_empty()
                && self.flow.position(op.block) <= self.flow.position(self.trace.op(until).block)
        };
        let mut found: Vec<String> = self.trace.ops.iter().filter(before).map(|op| op.entity.clone()).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The entities of which a window's transaction has locked rows before the check.
    #[must_use]
    pub fn locked_entities(&self, window: &Window) -> Vec<String> {
        let (looked, acted) = (self.trace.op(window.check).region, self.trace.op(window.act).region);
        self.locked_before(looked.filter(|region| acted == Some(*region)), window.check)
    }

    fn comes_first(&self, a: OpId, b: OpId) -> bool {
        let at = |op: OpId| (self.flow.position(self.trace.op(op).block), op);
        at(a) <= at(b)
    }

    /// What the facts behind an act ask of the checked row's columns.
    pub fn demands(&mut self, check: OpId, act: OpId) -> Vec<Demand> {
        let paths = self.paths(check);
        let Some(node) = paths.at_op(self.trace, act).first().copied() else { return Vec::new() };
        let mut found = Vec::new();
        for (atom, truth) in self.deciding(&paths, act, node) {
            let column = |value: ValId| match self.trace.values.get(value) {
                Val::Field(base, name) if self.is_check_row(check, *base) => Some(name.clone()),
                _ => None,
            };
            match atom {
                Atom::Eq(a, b) => {
                    for (value, other) in [(a, b), (b, a)] {
                        if let (Some(column), Some(name)) = (column(value), self.constant_name(other)) {
                            found.push(Demand { column, value: Some(name), equal: truth });
                        }
                    }
                }
                Atom::Present(value) | Atom::True(value) => {
                    if let Some(column) = column(value) {
                        found.push(Demand { column, value: None, equal: truth });
                    }
                }
                Atom::Among(value, list) => {
                    let Some(column) = column(value) else { continue };
                    let Val::Array(items) = self.trace.values.get(list) else { continue };
                    for item in items {
                        if let ArrayItem::Value(item) = item
                            && let Some(name) = self.constant_name(*item)
                            && (!truth || items.len() == 1)
                        {
                            found.push(Demand { column: column.clone(), value: Some(name), equal: truth });
                        }
                    }
                }
                Atom::Lt(..) | Atom::Le(..) => {}
            }
        }
        found
    }

    /// A constant as text: a literal, or the last name of an enumeration's member. Nothing and false are the empty text.
    pub(in crate::analysis) fn constant_name(&self, value: ValId) -> Option<String> {
        match self.trace.values.get(value) {
            Val::Const(Literal::Text(text) | Literal::Number(text)) => Some(text.clone()),
            Val::Const(Literal::Null | Literal::Unset | Literal::Bool(false)) => Some(String::new()),
            Val::Const(Literal::Bool(true)) => Some("true".to_owned()),
            Val::Call { is_new: true, .. } => Some("now".to_owned()),
            Val::Field(base, name) => match self.trace.values.get(*base) {
                Val::External(..) | Val::Global(_) | Val::Module(_) => Some(name.clone()),
                Val::Field(inner, _) if matches!(self.trace.values.get(*inner), Val::External(..) | Val::Global(_)) => {
                    Some(name.clone())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The moves of a trace: a write of columns, and a read of rows that some write makes use of, on one way.
    pub fn moves(&mut self) -> Vec<Move> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        let ids: Vec<OpId> = (0..count).map(OpId).collect();
        // What is only written to a log decides nothing.
        let is_write = |op: &crate::model::Op<'_>| {
            matches!(op.verb, Verb::Update | Verb::Create | Verb::Upsert) && !is_log(&op.entity)
        };
        for write in ids.iter().copied() {
            let it = self.trace.op(write).clone();
            if it.verb != Verb::Update || it.entity.is_empty() || it.place().is_some() {
                continue;
            }
            let writes = self.writes(write, false, &[]);
            let moved: Vec<Moved> = writes
                .columns
                .iter()
                .filter(|(column, _)| !marks_deleted(column))
                .filter_map(|(column, written)| match written {
                    Written::Value(value) => Some(Moved { column: column.clone(), to: self.constant_name(*value) }),
                    _ => None,
                })
                .collect();
            if moved.iter().all(|m| m.to.is_none()) {
                continue;
            }
            let asked = self.conditions(write, &[]);
            let guarded = asked.all.iter().any(|c| moved.iter().any(|m| m.column == c.column));
            let keys: Vec<ValId> = asked.all.iter().map(|c| c.value).collect();
            let mut demands = None;
            for read in ids.iter().copied() {
                let that = self.trace.op(read).clone();
                let reads = matches!(that.verb, Verb::Read | Verb::Count) && that.lock.is_none();
                if !reads || that.entity.is_empty() || that.place().is_some() || !self.on_one_way(read, write) {
                    continue;
                }
                if !self.reads_of_moved(read, &it.entity, &keys) {
                    continue;
                }
                let mut read_columns = Vec::new();
                let mut used = false;
                for other in ids.iter().copied().filter(|other| is_write(self.trace.op(*other))) {
                    for arg in self.trace.op(other).args.clone() {
                        if !self.made_of(read, arg, 14) {
                            continue;
                        }
                        used = true;
                        if let Some(Subject::Columns(names)) = self.columns_of(read, arg) {
                            read_columns.extend(names);
                        }
                    }
                }
                if !used {
                    continue;
                }
                // The function that does both is the one to speak of, and none that calls it.
                if self.trace.reporting_frame(self.seen_in(read, write)) != FrameId(0) {
                    continue;
                }
                let looked = self.conditions(read, &[]);
                let constant = |c: &crate::model::Condition| {
                    let plain = c.is_equality();
                    plain.then(|| Some((c.column.clone(), self.constant_name(c.value)?))).flatten()
                };
                let asked = looked.all.iter().filter_map(constant).collect();
                let steps = self.steps_of(write, read, guarded);
                let locks = self.locked_before(it.region, if self.comes_first(read, write) { read } else { write });
                let demands = demands.get_or_insert_with(|| self.demanded_by(write)).clone();
                let transaction = it.region.and_then(|r| match &self.trace.regions[r.index()].kind {
                    RegionKind::Transaction { isolation, .. } => Some(isolation.clone()),
                    _ => None,
                });
                let ordered = matches!(&that.source, OpSource::Call(row, _) if row.order.is_some());
                let reads_set = that.rows != Rows::One || ordered;
                found.push(Move {
                    write,
                    read,
                    moved: moved.clone(),
                    reads_set,
                    read_columns,
                    asked,
                    demands,
                    steps,
                    locks,
                    transaction,
                });
            }
        }
        found
    }

    /// What is asked of the columns of a row before a write moves it: by tests of it, and by the write itself.
    fn demanded_by(&mut self, write: OpId) -> Vec<Demand> {
        let asked = self.conditions(write, &[]);
        let equal = asked.all.iter().filter(|c| c.is_equality());
        let demand = |c: &crate::model::Condition| {
            let value = self.constant_name(c.value)?;
            Some(Demand { column: c.column.clone(), value: Some(value), equal: true })
        };
        let mut found: Vec<Demand> = equal.filter_map(demand).collect();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        for check in (0..count).map(OpId) {
            let (looked, moved) = (self.trace.op(check), self.trace.op(write));
            let acted = moved.block;
            let of_row = looked.verb == Verb::Read && looked.rows == Rows::One && looked.entity == moved.entity;
            if !of_row || !self.comes_first(check, write) || !self.is_tied(check, write, &[]) {
                continue;
            }
            let tests = self.tests_on(check);
            let leads = |block: BlockId| self.flow.leads(self.trace, block, acted);
            if tests.iter().any(|(block, test)| leads(*block) && self.is_by_column(check, *test)) {
                found.extend(self.demands(check, write));
            }
        }
        found
    }

    /// The constants that a window's act writes, by column.
    #[must_use]
    pub fn written_constants(&mut self, window: &Window) -> Vec<(String, String)> {
        let creating = self.trace.op(window.act).verb == Verb::Create;
        let writes = self.writes(window.act, creating, &window.way);
        let constant = |(column, written): &(String, Written)| match written {
            Written::Value(value) => Some((column.clone(), self.constant_name(*value)?)),
            _ => None,
        };
        writes.columns.iter().filter_map(constant).collect()
    }

    /// Whether some way leads through both operations.
    pub(super) fn on_one_way(&self, a: OpId, b: OpId) -> bool {
        let (a, b) = (self.trace.op(a).block, self.trace.op(b).block);
        let (first, second) = if self.flow.position(a) <= self.flow.position(b) { (a, b) } else { (b, a) };
        let mut seen = FxHashSet::default();
        let mut todo = vec![first];
        while let Some(block) = todo.pop() {
            if block == second {
                return true;
            }
            if seen.insert(block) {
                todo.extend(self.trace.successors(block).filter(|next| self.flow.is_forward(block, *next)));
            }
        }
        false
    }

    /// Whether a read asks for rows of the row that is moved: by its key, or along with it.
    pub(super) fn reads_of_moved(&mut self, read: OpId, moved: &str, keys: &[ValId]) -> bool {
        if let OpSource::Related { of, .. } = self.trace.op(read).source {
            return self.trace.op(of).entity == moved;
        }
        let asked = self.conditions(read, &[]);
        let by_key = asked.all.iter().any(|c| keys.contains(&c.value));
        by_key
            || asked.all.iter().any(|c| match self.trace.values.get(c.value) {
                Val::Field(base, _) => match self.trace.values.get(*base) {
                    Val::Result(op) => self.trace.op(*op).entity == moved,
                    _ => false,
                },
                _ => false,
            })
    }

    /// A mover's lock, move and read, in the order in which they run.
    pub(super) fn steps_of(&self, write: OpId, read: OpId, guarded: bool) -> Vec<Step> {
        let moved = self.trace.op(write);
        let mut steps = vec![
            ((self.flow.position(moved.block), write), Step::Move { guarded }),
            ((self.flow.position(self.trace.op(read).block), read), Step::Read),
        ];
        let lock = self.trace.ops.iter().enumerate().find(|(_, op)| {
            op.region.is_some() && op.region == moved.region && op.entity == moved.entity && op.lock.is_some()
        });
        if let Some((at, op)) = lock
            && let Ok(at) = u32::try_from(at)
        {
            steps.push(((self.flow.position(op.block), OpId(at)), Step::Lock));
        }
        steps.sort_by_key(|(at, _)| *at);
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

/// Whether a column says that a row counts as gone: what is added to such a row is gone with it.
pub(super) fn marks_deleted(column: &str) -> bool {
    let lower = column.to_lowercase();
    lower.starts_with("delet") || lower.starts_with("isdelet") || lower.starts_with("archiv") || lower == "updatedat"
}
