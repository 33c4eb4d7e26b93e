//! Windows that are open and do no harm: what is done twice in them leaves what is done once.

use super::reliance::marks_deleted;
use super::*;
use crate::analysis::script;
use crate::analysis::slips::guards::is_journal;

impl Search<'_, '_, '_> {
    /// Whether all that a check of a column decides puts its row, and those that hang on it, into a state that is spelt out, or
    /// takes them away, and tells nobody: done again, it leaves what it has left before.
    #[must_use]
    pub fn only_settles(&mut self, window: &Window) -> bool {
        self.settles(window, &window.decided.iter().copied().collect::<Vec<_>>())
    }

    /// The same, but for what is noted down of it in an audit.
    #[must_use]
    pub fn only_notes_down(&mut self, window: &Window) -> bool {
        const AUDITS: [&str; 4] = ["audit", "history", "journal", "trail"];
        let is_note = |search: &Self, op: OpId| {
            let it = search.trace.op(op);
            let name = it.entity.trim_end_matches('s').to_lowercase();
            it.verb == Verb::Create && AUDITS.iter().any(|word| name.ends_with(word))
        };
        let beside: Vec<OpId> = window.decided.iter().copied().filter(|op| !is_note(self, *op)).collect();
        beside.len() < window.decided.len() && self.settles(window, &beside)
    }

    fn settles(&mut self, window: &Window, beside: &[OpId]) -> bool {
        let by_column = matches!(window.link, Link::Column(_)) && window.check != window.act;
        if !by_column
            || window.claims
            || !window.effects.is_empty()
            || !beside.iter().all(|op| self.hangs_on(window, *op))
        {
            return false;
        }
        let ends = beside.iter().copied().chain([window.act]).all(|op| match self.trace.op(op).verb {
            Verb::Delete => true,
            Verb::Update => self.is_spelt_out(op, &window.way),
            _ => false,
        });
        ends && (!self.returns_row(window.check, window.act, &window.way) || self.gives_row_anyway(window))
    }

    /// Whether a run that finds the row in the other state answers with it, too: to have it is nobody's gain.
    fn gives_row_anyway(&mut self, window: &Window) -> bool {
        let check = window.check;
        let paths = self.paths(check);
        let mut opposite: Vec<Fact> = Vec::new();
        for node in paths.at_op(self.trace, window.act) {
            for (atom, truth) in self.deciding(&paths, window.act, node) {
                if matches!(self.subject(check, &atom), Some(Subject::Columns(_))) {
                    opposite.push((atom, !truth));
                }
            }
        }
        let ends: Vec<usize> =
            paths.classes().filter(|node| paths.facts(*node).iter().any(|fact| opposite.contains(fact))).collect();
        ends.into_iter().any(|node| {
            let Exit::Return(value, _) = self.trace.block(paths.block(node)).exit else { return false };
            let way = paths.example(self.trace, self.flow, node);
            let value = self.see(&way, value);
            self.made_of(check, value, 14)
        })
    }

    /// Whether an act that a column decides only clears away what the run then turns down: no way leads from it to an answer
    /// other than an error.
    #[must_use]
    pub fn only_refuses(&mut self, window: &Window) -> bool {
        matches!(window.link, Link::Column(_) | Link::Presence)
            && window.check != window.act
            && self.trace.op(window.act).verb == Verb::Delete
            && window.decided.is_empty()
            && !self.may_return(self.trace.op(window.act).block)
    }

    /// Whether all that a second removal of the same row does is to tell of it, or to remove the same once more: the row is
    /// marked as gone by both, or taken away by one of them.
    #[must_use]
    pub fn only_tells_of_removal(&mut self, window: &Window) -> bool {
        let marks = match &window.link {
            Link::Column(columns) => {
                columns.iter().all(|column| marks_deleted(column) || column.to_lowercase().starts_with("deactivat"))
            }
            _ => false,
        };
        let takes = self.trace.op(window.act).verb == Verb::Delete
            && matches!(window.link, Link::Column(_) | Link::Presence)
            && window.effects.is_empty()
            && !window.decided.is_empty();
        if window.check == window.act || window.claims || !(marks || takes) {
            return false;
        }
        let beside: Vec<OpId> = window.decided.iter().copied().collect();
        beside.into_iter().all(|op| match self.trace.op(op).verb {
            Verb::Create => is_journal(&self.trace.op(op).entity),
            // A sweep leaves nothing to a second one.
            Verb::Delete if takes && self.trace.op(op).rows != Rows::One => true,
            _ => self.settles_along(window, op),
        })
    }

    /// Whether a write takes away rows that hang on the check's, or puts them into a state that is spelt out.
    fn settles_along(&mut self, window: &Window, op: OpId) -> bool {
        let settles = match self.trace.op(op).verb {
            Verb::Delete => true,
            Verb::Update => self.is_spelt_out(op, &window.way),
            _ => false,
        };
        settles && self.hangs_on(window, op)
    }

    /// Whether a write puts its row into a state that is spelt out: constants, the time, and the next version.
    fn is_spelt_out(&mut self, op: OpId, way: &[BlockId]) -> bool {
        let writes = self.writes(op, false, way);
        let is_constant = |(column, written): &(String, Written)| match written {
            Written::Value(value) => self.constant(*value).is_some() || self.trace.values.is_now(*value),
            Written::Delta { .. } => column.to_lowercase().ends_with("version"),
            _ => false,
        };
        !writes.opaque && writes.nested.is_empty() && writes.columns.iter().all(is_constant)
    }

    /// Whether an update only fills in what is known from its row, and nothing else is done but to put rows into states that
    /// are spelt out: whoever does it writes the same.
    #[must_use]
    pub fn only_fills_in(&mut self, window: &Window) -> bool {
        let (check, act) = (window.check, window.act);
        if !matches!(window.link, Link::Column(_))
            || check == act
            || window.claims
            || !window.effects.is_empty()
            || self.trace.op(act).verb != Verb::Update
        {
            return false;
        }
        let writes = self.writes(act, false, &window.way);
        let known = |search: &Self, written: &Written| match written {
            Written::Value(value) => search.trace.values.is_now(*value) || search.is_known_from(check, *value, 12),
            _ => false,
        };
        let beside: Vec<OpId> = window.decided.iter().copied().collect();
        !writes.opaque
            && writes.nested.is_empty()
            && writes.columns.iter().all(|(_, written)| known(self, written))
            && beside.into_iter().all(|op| self.settles_along(window, op))
    }

    /// Whether an act that a number of rows decides only adds those that are still missing of what other look-ups have found,
    /// and passes over the rest: the number is no limit, and whoever does it adds the same.
    #[must_use]
    pub fn only_fills_up(&mut self, window: &Window) -> bool {
        if window.link != Link::Set || !window.effects.is_empty() || window.check == window.act {
            return false;
        }
        let mut asked: FxHashSet<ValId> = FxHashSet::default();
        self.conditions(window.check, &window.way).each(&mut |c| {
            asked.insert(c.value);
        });
        let ops: Vec<OpId> = window.decided.iter().copied().chain([window.act]).collect();
        ops.into_iter().all(|op| {
            let writes = self.writes(op, true, &window.way);
            let keys = entity_of(self.schemas, self.trace.op(op)).map_or(&[][..], |entity| &entity.keys);
            let is_given = |column: &String| writes.get(column).is_some();
            let keyed =
                keys.iter().any(|key| key.is_plain() && !key.columns.is_empty() && key.columns.iter().all(is_given));
            let is_found = |(_, written): &(String, Written)| match written {
                Written::Value(value) => self.is_found(*value, &asked, 16),
                _ => false,
            };
            keyed
                && self.trace.op(op).verb == Verb::Create
                && !writes.opaque
                && writes.columns.iter().all(is_found)
                && self.skips_conflicts(op, &window.way)
        })
    }

    /// Whether a value is made of constants, of some that are known, and of what look-ups gave.
    fn is_found(&self, value: ValId, known: &FxHashSet<ValId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if known.contains(&value) {
            return true;
        }
        match self.trace.values.get(value) {
            Val::Const(_) => true,
            Val::Result(op) => self.trace.op(*op).verb == Verb::Read,
            Val::Over(_, source, _) => self.is_found(*source, known, depth),
            Val::Field(..) | Val::Element(_) => {
                self.trace.values.parts(value).into_iter().all(|part| self.is_found(part, known, depth))
            }
            _ => false,
        }
    }

    /// Whether a value is made of constants and of what a check gave alone, by calls that nobody waits for and that draw
    /// nothing.
    fn is_known_from(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Const(_) | Val::Global(_) | Val::External(..) | Val::Module(_) | Val::Class(_) => true,
            Val::Result(op) => *op == check,
            Val::Call { callee, args, .. } => {
                let receiver = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                let known = |part: ValId| self.is_known_from(check, part, depth);
                !args.is_empty()
                    && !self.is_fetched(*callee, args)
                    && !script::is_drawn(self.trace, value)
                    && args.iter().all(|arg| known(*arg))
                    && receiver.is_none_or(|on| self.trace.shared.contains(&on) || known(on))
            }
            _ => {
                let parts = self.trace.values.parts(value);
                !parts.is_empty() && parts.into_iter().all(|part| self.is_known_from(check, part, depth))
            }
        }
    }

    /// Whether what is lost is a mark of how far somebody has come, by its name: whoever falls back does a part again.
    #[must_use]
    pub fn marks_progress(&self, window: &Window) -> bool {
        const MARKS: [&str; 6] = ["cursor", "checkpoint", "watermark", "lastprocessed", "lastsynced", "lastindexed"];
        const REACHED: [&str; 6] = ["block", "timestamp", "height", "offset", "sequence", "slot"];
        let Link::Feeds(column) = &window.link else { return false };
        [column, &self.trace.op(window.act).entity].into_iter().any(|name| {
            let name = name.replace('_', "").to_lowercase();
            let last = name.starts_with("last") && REACHED.iter().any(|mark| name.contains(mark));
            last || MARKS.iter().any(|mark| name.contains(mark))
        })
    }

    /// Whether an operation means rows by nothing but what tells the check's row from others.
    fn hangs_on(&mut self, window: &Window, op: OpId) -> bool {
        let asked: Vec<ValId> = self.conditions(window.check, &window.way).all.iter().map(|c| c.value).collect();
        let named = self.conditions(op, &window.way);
        let is_known = |search: &Self, value: ValId| {
            let is_literal = search.trace.values.literal(value).is_some();
            is_literal || asked.contains(&value) || search.made_of(window.check, value, 10)
        };
        !named.opaque && !named.all.is_empty() && named.all.iter().all(|c| is_known(self, c.value))
    }
}
