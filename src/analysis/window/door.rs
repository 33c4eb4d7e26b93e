//! Whether an act closes the door behind it: whether whoever comes after it would see that somebody was there.

use super::*;

impl Search<'_, '_, '_> {
    /// Whether a run that has made a row looks again behind it, and takes its row away where there are too many by then.
    #[must_use]
    pub fn takes_back(&mut self, window: &Window) -> bool {
        let act = window.act;
        if window.link != Link::Set || self.trace.op(act).verb != Verb::Create {
            return false;
        }
        let all = (0..u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX)).map(OpId);
        let behind: Vec<OpId> = all.filter(|op| self.comes_behind(act, *op)).collect();
        let entity = &self.trace.op(act).entity;
        let (deletes, looks): (Vec<OpId>, Vec<OpId>) = behind
            .into_iter()
            .filter(|op| match self.trace.op(*op).verb {
                Verb::Delete => self.trace.op(*op).entity == *entity,
                verb => matches!(verb, Verb::Read | Verb::Count),
            })
            .partition(|op| self.trace.op(*op).verb == Verb::Delete);
        deletes.into_iter().any(|delete| {
            let way = self.way_before(delete);
            let meant = self.conditions(delete, &way);
            let is_made = |value: ValId| match self.trace.values.get(value) {
                Val::Field(row, _) => *self.trace.values.get(*row) == Val::Result(act),
                _ => false,
            };
            meant.all.iter().any(|c| c.op == Compare::Eq && is_made(c.value))
                && looks.iter().any(|look| {
                    let tests = self.tests_on(*look);
                    self.comes_behind(*look, delete) && self.decides(*look, delete, &tests)
                })
        })
    }

    /// Whether a transaction clears rows of the act's entity away before the act makes one.
    #[must_use]
    pub fn clears_before(&self, window: &Window) -> bool {
        let act = self.trace.op(window.act);
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut before = events.take_while(|event| !matches!(event, Event::Op(op) if *op == window.act));
        before.any(|event| match event {
            Event::Op(op) => {
                let it = self.trace.op(*op);
                it.verb == Verb::Delete
                    && it.entity == act.entity
                    && it.rows == Rows::Many
                    && it.region.is_some()
                    && it.region == act.region
            }
            _ => false,
        })
    }

    /// Whether an operation may run behind another.
    fn comes_behind(&self, first: OpId, then: OpId) -> bool {
        let [one, two] = [first, then].map(|op| self.trace.op(op).block);
        first < then && (one == two || self.flow.leads(self.trace, one, two))
    }

    /// Whether what an act writes, or a write that is decided with it, may make a fact about the checked row wrong.
    ///
    /// An act that writes nothing of what decides has no door to close: others may.
    pub(super) fn may_close(
        &mut self,
        check: OpId,
        act: OpId,
        facts: &[Fact],
        way: &[BlockId],
        decided: &FxHashSet<OpId>,
    ) -> bool {
        let entity = self.trace.op(check).entity.clone();
        let mut acts: Vec<OpId> = decided.iter().copied().filter(|op| *op != act).collect();
        acts.sort_unstable();
        acts.push(act);
        let (mut moved, mut unknown) = (false, false);
        for op in acts {
            let it = self.trace.op(op);
            if it.entity != entity {
                continue;
            }
            if it.verb == Verb::Delete && (op == act || it.rows == Rows::One) {
                return true;
            }
            let writes = self.writes(op, false, way);
            unknown |= writes.opaque;
            for (column, written) in &writes.columns {
                for (atom, truth) in facts {
                    let speaks =
                        matches!(self.subject(check, atom), Some(Subject::Columns(names)) if names.contains(column));
                    if !speaks {
                        continue;
                    }
                    moved = true;
                    let closes = match written {
                        Written::Value(value) => self.makes_wrong(check, atom, *truth, column, *value),
                        _ => true,
                    };
                    if closes {
                        return true;
                    }
                }
            }
        }
        !moved && !unknown
    }

    /// Whether a column's new value may make a fact about it wrong.
    fn makes_wrong(&self, check: OpId, atom: &Atom, truth: bool, column: &str, written: ValId) -> bool {
        let is_column = |value: ValId| match self.trace.values.get(value) {
            Val::Field(base, name) => name == column && self.is_check_row(check, *base),
            _ => false,
        };
        if is_column(written) {
            return false;
        }
        let constant = self.constant_name(written);
        let compared = |other: ValId| match (self.constant_name(other), &constant) {
            (Some(asked), Some(written)) => (asked == *written) != truth,
            // What was asked for is written again.
            _ => other != written || !truth,
        };
        match atom {
            // Whoever asks for something, and puts something else there, leaves the door open.
            Atom::Present(value) | Atom::True(value) if is_column(*value) => match &constant {
                Some(written) => written.is_empty() == truth,
                None => !truth,
            },
            Atom::Eq(a, b) if is_column(*a) => compared(*b),
            Atom::Eq(a, b) if is_column(*b) => compared(*a),
            Atom::Among(item, list) if is_column(*item) => {
                let (Val::Array(items), Some(written)) = (self.trace.values.get(*list), &constant) else { return true };
                let name = |item: &ArrayItem| match item {
                    ArrayItem::Value(value) => self.constant_name(*value),
                    ArrayItem::Spread(_) => None,
                };
                let names: Option<Vec<String>> = items.iter().map(name).collect();
                names.is_none_or(|names| names.contains(written) != truth)
            }
            Atom::Lt(..) | Atom::Le(..) => true,
            // A test that is not understood: only of a constant is it likely that it is written for the test.
            _ => constant.is_some(),
        }
    }
}
