//! Windows over places: which rows they mean, who else may be there, and what a run calls its own.

use super::*;

impl Search<'_, '_, '_> {
    /// Whether a value is all that a check found at a place.
    pub(super) fn is_contents(&self, check: OpId, value: ValId) -> bool {
        *self.trace.values.get(value) == Val::Result(check) && self.trace.op(check).place().is_some()
    }

    /// How sure it is that check and act mean the same row of a place: that with the same key. A key that is made from
    /// the checked one may be the same; a path that is made from another is not.
    pub(super) fn same_place(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> Option<Confidence> {
        let (looked, acted) = (self.conditions(check, way), self.conditions(act, way));
        let (Some(looked), Some(acted)) = (looked.all.first(), acted.all.first()) else {
            // One of both is about all rows.
            return Some(Confidence::High);
        };
        let (looked, acted) = (looked.value, acted.value);
        if looked == acted {
            return Some(Confidence::High);
        }
        let by_path = self.trace.op(check).place() == Some(Place::File);
        let constant = self.is_constant(looked, 4) || self.is_constant(acted, 4);
        let made_from = self.trace.values.any_within(acted, 6, &mut |value| value == looked);
        (made_from && !by_path && !constant).then_some(Confidence::Medium)
    }

    /// Whether others may well be at the same files at the same time: the window stands in code that waits for several
    /// things at once. A program that does one thing after the other meets only another run of itself.
    #[must_use]
    pub fn meets_others(&self, window: &Window) -> bool {
        let own = self.trace.op(window.check).frame;
        std::iter::once(own).chain(self.callers_of(own)).any(|frame| self.trace.frames[frame.index()].awaits)
    }

    /// Whether a file is looked at in a transaction that has changed or locked a row named by its key before: which file is
    /// meant hangs on that row, perhaps, and nobody else gets past it.
    #[must_use]
    pub fn stands_in_held_row(&mut self, window: &Window) -> bool {
        if self.trace.op(window.check).place() != Some(Place::File) {
            return false;
        }
        let open = |op: OpId| self.trace.block(self.trace.op(op).block).regions.clone();
        let (looks, acts) = (open(window.check), open(window.act));
        let around: Vec<RegionId> = looks.into_iter().filter(|region| acts.contains(region)).collect();
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops = events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None });
        let before: Vec<OpId> = ops.take_while(|op| *op != window.check).collect();
        before.into_iter().any(|op| {
            let it = self.trace.op(op);
            let holds = it.verb == Verb::Update || it.lock.is_some();
            let is_around = it.region.is_some_and(|region| around.contains(&region));
            holds
                && is_around
                && self.conditions(op, &window.way).all.iter().any(|c| c.is_equality() && self.is_key(op, &c.column))
        })
    }

    /// Whether what is put where nothing was found is what a database has, and nothing of the run's own: who comes second
    /// has read the same, or what is newer.
    #[must_use]
    pub fn keeps_what_was_read(&mut self, window: &Window) -> bool {
        let (check, act) = (window.check, window.act);
        let place = self.trace.op(act).place();
        if !matches!(place, Some(Place::Shared | Place::Held)) || window.link != Link::Absence || window.claims {
            return false;
        }
        let writes = self.writes(act, true, &window.way);
        let key = place.map_or("", key_column);
        let is_read = |value: ValId| match self.trace.values.get(value) {
            Val::Result(op) => self.trace.op(*op).place().is_none() && self.trace.op(*op).verb == Verb::Read,
            _ => false,
        };
        let put = writes.columns.iter().filter(|(column, _)| column != key).map(|(_, written)| written);
        let read = put.map(|written| match written {
            Written::Value(value) => self.trace.values.any_within(*value, 12, &mut |part| is_read(part)),
            _ => false,
        });
        let read: Vec<bool> = read.collect();
        let beside = window.decided.iter().any(|op| self.trace.op(*op).place().is_none());
        !read.is_empty() && read.into_iter().all(|it| it) && !beside && !self.puts_its_own(check, act, &window.way)
    }

    /// Whether something between the look at a shared place and the act may have sent a second run away: an answer about the
    /// same key that was waited for and is tested, or rows that a write has hit.
    #[must_use]
    pub fn is_settled_between(&mut self, window: &Window) -> bool {
        if !matches!(self.trace.op(window.check).place(), Some(Place::Shared | Place::Held)) {
            return false;
        }
        let mut keys = FxHashSet::default();
        for op in [window.check, window.act] {
            self.conditions(op, &window.way).each(&mut |c| {
                keys.insert(c.value);
            });
        }
        let mut behind = false;
        for (at, block) in window.way.iter().enumerate() {
            for event in self.trace.block(*block).events.clone() {
                match event {
                    Event::Op(op) if op == window.check => behind = true,
                    Event::Op(op) if op == window.act => return false,
                    Event::Op(op) if behind && self.trace.op(op).place().is_none() => {
                        let tests = self.tests_on(op);
                        if self.trace.op(op).verb.is_write() && self.decides(op, window.act, &tests) {
                            return true;
                        }
                    }
                    Event::Call(call) if behind && call.awaited => {
                        let is_about = call.args.iter().any(|arg| {
                            let arg = self.see(&window.way, *arg);
                            self.contains_any(arg, &keys, 4)
                        });
                        if is_about && self.is_answer_tested(&call, &window.way[at..]) {
                            return true;
                        }
                    }
                    _ => {}
                }
            }
        }
        false
    }

    /// Whether a number that is changed without a lock belongs to what the caller has lent, and not to the object at hand or
    /// to the program: who lends it may be its only owner.
    #[must_use]
    pub fn is_of_lent(&self, window: &Window) -> bool {
        let act = self.trace.op(window.act);
        let Some(mut owner) = act.handle.filter(|_| act.place() == Some(Place::Atomic)) else { return false };
        loop {
            owner = match self.trace.values.get(owner) {
                Val::Field(base, _) => *base,
                Val::Call { callee, args, .. } if args.is_empty() => *callee,
                Val::Param(..) => return self.trace.lent.contains(&owner),
                _ => return false,
            };
        }
    }

    /// Whether an act looks once more at what it changes, under its own guard, and is decided by that.
    #[must_use]
    pub fn looks_again(&mut self, window: &Window) -> bool {
        let act = self.trace.op(window.act);
        if !matches!(act.place(), Some(Place::Shared | Place::Held)) {
            return false;
        }
        let is_part = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let (entity, guards) = (act.entity.clone(), self.trace.block(act.block).regions.clone());
        let looks: Vec<OpId> = window
            .way
            .iter()
            .flat_map(|block| &self.trace.block(*block).events)
            .filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None })
            .skip_while(|op| *op != window.check)
            .skip(1)
            .take_while(|op| *op != window.act)
            .filter(|op| {
                let it = self.trace.op(*op);
                let held = self.trace.block(it.block).regions.iter().any(|region| guards.contains(region));
                let of_same = is_part(&it.entity, &entity) || is_part(&entity, &it.entity);
                held && of_same && !it.gives_guard() && matches!(it.verb, Verb::Read | Verb::Count)
            })
            .collect();
        looks.into_iter().any(|look| {
            let tests = self.tests_on(look);
            self.decides(look, window.act, &tests)
        })
    }

    /// Whether a caller says which file is meant. A path that the program knows by itself is that of one thing which it
    /// does by itself.
    pub fn is_named_by_caller(&mut self, window: &Window) -> bool {
        let asked = self.conditions(window.check, &window.way);
        let shared = &self.trace.shared;
        let is_told = |value: ValId| match self.trace.values.get(value) {
            Val::Param(..) => !shared.contains(&value),
            // What a type wraps and is nothing besides is data, even behind a reference.
            Val::Field(base, member) if member == "0" => matches!(self.trace.values.get(*base), Val::Param(..)),
            _ => false,
        };
        asked.all.iter().any(|c| self.trace.values.any_within(c.value, 24, &mut |part| is_told(part)))
    }

    /// Whether every run that the check turns away ends with an error: that of the act tells its caller no less.
    pub fn turns_away_with_error(&mut self, window: &Window) -> bool {
        let act = self.trace.op(window.act).block;
        let mut turned_away = false;
        for (block, _) in self.tests_on(window.check) {
            let Exit::Branch { yes, no, .. } = self.trace.block(block).exit else { continue };
            for next in [yes, no].into_iter().filter(|next| *next != act && !self.flow.leads(self.trace, *next, act)) {
                turned_away = true;
                if self.may_return(next) {
                    return false;
                }
            }
        }
        turned_away
    }

    /// Whether the trace may end without an error from a block on.
    pub(super) fn may_return(&self, from: BlockId) -> bool {
        let mut seen: FxHashSet<BlockId> = FxHashSet::default();
        let mut todo = vec![from];
        while let Some(block) = todo.pop() {
            if !seen.insert(block) {
                continue;
            }
            match &self.trace.block(block).exit {
                Exit::Return(..) => return true,
                Exit::Goto(next) | Exit::Raise(next, _) => todo.push(*next),
                Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
                _ => {}
            }
        }
        false
    }

    /// Whether a call only finds out what is then put at a place: to ask twice does no harm.
    pub(super) fn is_asked_for(&self, call: &crate::model::Effect, act: OpId) -> bool {
        let act = self.trace.op(act);
        let is_call = |value: ValId| match self.trace.values.get(value) {
            Val::Call { callee, args, .. } => {
                let on = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                on == call.receiver && *args == call.args
            }
            _ => false,
        };
        act.place().is_some()
            && act.args.iter().any(|arg| self.trace.values.any_within(*arg, 12, &mut |value| is_call(value)))
    }

    /// Whether what is put at a place is this run's own, so that it matters whose it is: something that the caller brought, or
    /// that is made from it and handed back as well. What depends on the key alone is the same in both runs.
    pub(super) fn puts_its_own(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        if self.trace.op(act).place() == Some(Place::Atomic) {
            // A number is nobody's own.
            return false;
        }
        let mut same = FxHashSet::default();
        self.conditions(check, way).each(&mut |c| {
            same.insert(c.value);
        });
        self.conditions(act, way).each(&mut |c| {
            same.insert(c.value);
        });
        let writes = self.writes(act, true, way);
        let key = self.trace.op(act).place().map_or("", key_column);
        let whole = self.trace.op(act).verb == Verb::Upsert;
        writes.columns.iter().filter(|(column, _)| *column != key).any(|(_, written)| {
            let Written::Value(put) = *written else { return false };
            if whole && self.is_brought(put, &same, false, 8) {
                return true;
            }
            let handed_out = self.returned(way).is_some_and(|value| {
                let value = self.see(way, value);
                self.contains_any(value, &FxHashSet::from_iter([put]), 8)
            });
            handed_out && self.is_brought(put, &same, true, 8)
        })
    }

    /// Whether a call of that name with these arguments was waited for.
    pub(super) fn is_fetched(&self, callee: ValId, args: &[ValId]) -> bool {
        let name = match self.trace.values.get(callee) {
            Val::Field(_, name) | Val::Global(name) | Val::External(_, name) => Some(name.as_str()),
            _ => None,
        };
        let is_it = |call: &crate::model::Effect| {
            let named = match name {
                Some(name) => call.name.rsplit(['.', ':']).next() == Some(name),
                None => call.receiver.is_none(),
            };
            call.awaited && named && call.args == args
        };
        let mut events = self.trace.blocks.iter().flat_map(|block| &block.events);
        events.any(|event| matches!(event, Event::Call(call) if is_it(call)))
    }

    /// Whether a value holds something that the caller brought; with `made`, also whether it is made from that by a call.
    fn is_brought(&self, value: ValId, same: &FxHashSet<ValId>, made: bool, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if same.contains(&value) || self.trace.shared.contains(&value) {
            return false;
        }
        match self.trace.values.get(value) {
            Val::Param(..) => true,
            // What was waited for comes from elsewhere, and whoever asks next gets it anew.
            Val::Call { callee, args, is_new: false, .. } if self.is_fetched(*callee, args) => false,
            Val::Field(base, _) => self.is_brought(*base, same, made, depth),
            // Another form of the same: `to_path_buf()`.
            Val::Call { callee, args, is_new: false, .. } if args.is_empty() => {
                self.is_brought(*callee, same, made, depth)
            }
            Val::Object(_) | Val::Array(_) | Val::Text(_) | Val::Choice(..) | Val::Binary(..) | Val::Made(..) => {
                let parts = self.trace.values.parts(value);
                parts.into_iter().any(|part| self.is_brought(part, same, made, depth))
            }
            Val::Call { args, .. } if made => args.iter().any(|arg| self.is_brought(*arg, same, made, depth)),
            // `Type { … }`: its members.
            Val::Call { args, is_new: true, .. } => args.iter().any(|arg| self.is_brought(*arg, same, made, depth)),
            _ => false,
        }
    }
}
