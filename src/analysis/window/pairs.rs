//! Two writes that belong together: a flag moved, a set replaced.

use super::*;

impl Search<'_, '_, '_> {
    /// The acts that may belong together with a write, by their form.
    pub(super) fn pairable(&self, first: OpId, mut acts: Vec<OpId>) -> Vec<OpId> {
        let one = self.trace.op(first);
        acts.retain(|act| {
            let two = self.trace.op(*act);
            match (one.verb, one.rows) {
                (Verb::Update, Rows::Many) => matches!(two.verb, Verb::Update | Verb::Create),
                (Verb::Update, Rows::One) => two.verb == Verb::Update && two.rows == Rows::Many,
                (Verb::Delete, Rows::Many) => two.verb == Verb::Create,
                _ => false,
            }
        });
        acts
    }

    /// Two writes that belong together: a flag moved, a set replaced.
    pub(super) fn paired(&mut self, paths: &Paths, first: OpId, second: OpId, found: &mut Vec<Window>) {
        let (one, two) = (self.trace.op(first).clone(), self.trace.op(second).clone());
        if one.entity != two.entity || one.rows != Rows::Many && two.rows != Rows::Many {
            return;
        }
        let Some(node) = paths.at_op(self.trace, second).first().copied() else { return };
        let way = paths.example(self.trace, self.flow, node);
        let link = match (one.verb, two.verb) {
            (Verb::Update, Verb::Update | Verb::Create) if one.rows == Rows::Many => {
                self.moved_flag(first, second, &way)
            }
            // The other way round: given first, then taken from all others.
            (Verb::Update | Verb::Create, Verb::Update) if one.rows == Rows::One => {
                self.moved_flag(second, first, &way)
            }
            (Verb::Delete, Verb::Create) if one.rows == Rows::Many => self.replaced(first, second, &way),
            _ => None,
        };
        let Some(link) = link else { return };
        let confidence = one.confidence.min(two.confidence);
        found.push(Window {
            check: first,
            act: second,
            link,
            way: way.to_vec(),
            decided: FxHashSet::default(),
            effects: Vec::new(),
            claims: false,
            bound: false,
            confidence,
        });
    }

    pub(super) fn moved_flag(&mut self, first: OpId, second: OpId, way: &[BlockId]) -> Option<Link> {
        let creating = self.trace.op(second).verb == Verb::Create;
        let asked = self.conditions(first, way);
        let taken = self.writes(first, false, way);
        let given = self.writes(second, creating, way);
        for (column, written) in &taken.columns {
            let (Written::Value(old), Some(Written::Value(new))) = (written, given.get(column)) else { continue };
            let Some(old) = self.trace.values.literal(*old).cloned() else { continue };
            let cleared = matches!(old, Literal::Bool(false) | Literal::Null);
            let moved = match self.trace.values.literal(*new) {
                Some(new) if *new == old || new.is_absent() => false,
                Some(_) if cleared => true,
                // Rows in the given state leave it, and another row takes it.
                Some(_) => asked.on(column).any(|c| c.op == Compare::Eq && c.value == *new),
                // A flag from the caller, where a branch on the way to the two writes has asked for it.
                None => cleared && self.is_tested(*new, self.way_to_both(first, second, way)),
            };
            if moved {
                return Some(Link::Exclusive(column.clone()));
            }
        }
        None
    }

    /// A way up to the later of two operations.
    fn way_to_both<'w>(&self, one: OpId, other: OpId, way: &'w [BlockId]) -> &'w [BlockId] {
        let blocks = [one, other].map(|op| self.trace.op(op).block);
        let last = way.iter().rposition(|block| blocks.contains(block));
        &way[..last.map_or(way.len(), |last| last + 1)]
    }

    /// Whether a branch on the way asks for a value to be true.
    pub(super) fn is_tested(&self, value: ValId, way: &[BlockId]) -> bool {
        way.windows(2).any(|pair| match &self.trace.block(pair[0]).exit {
            Exit::Branch { test, yes, no, .. } if yes != no => {
                let facts = crate::analysis::facts::assert(self.trace, *test, pair[1] == *yes);
                matches!(facts.as_slice(), [facts] if facts.contains(&(Atom::True(value), true)))
            }
            _ => false,
        })
    }

    pub(super) fn replaced(&mut self, first: OpId, second: OpId, way: &[BlockId]) -> Option<Link> {
        let cleared = self.conditions(first, way);
        let filled = self.writes(second, true, way);
        let by = &cleared.all;
        let plain = by.iter().all(|c| c.through.is_empty() && matches!(c.op, Compare::Eq | Compare::In));
        if !by.iter().any(|c| c.op == Compare::Eq)
            || !plain
            // Nobody else fills the set of a row that this run has made.
            || by.iter().any(|c| c.op == Compare::Eq && same_row::is_made_here(self.trace, self.schemas, c.value))
            || cleared.opaque
            || !cleared.any.is_empty()
            || !cleared.none.is_empty()
        {
            return None;
        }
        let all = by.iter().all(|c| match filled.get(&c.column) {
            Some(Written::Value(value)) if c.op == Compare::In => self.is_among(*value, c.value),
            Some(Written::Value(value)) => *value == c.value,
            _ => false,
        });
        all.then_some(Link::Replace)
    }

    /// Whether a value is surely one of those that a list holds.
    fn is_among(&self, value: ValId, list: ValId) -> bool {
        let Val::Array(items) = self.trace.values.get(list) else { return false };
        items.iter().any(|item| matches!(item, ArrayItem::Value(item) if *item == value))
    }
}
