//! What a check feeds into an act: a column's new value, the next number.

use super::*;

impl Search<'_, '_, '_> {
    /// What the check's row or rows feed into the act.
    pub(super) fn feeds(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> Option<Link> {
        let creating = self.trace.op(act).verb == Verb::Create;
        let writes = self.writes(act, creating, way);
        let mut switched = None;
        for (column, written) in &writes.columns {
            let Written::Value(value) = written else { continue };
            if !self.depends_on(check, *value) {
                continue;
            }
            if creating {
                let test = match self.trace.values.get(*value) {
                    Val::Choice(test, ..) => Some(*test),
                    Val::Binary(op, ..) if is_comparison(*op) => Some(*value),
                    Val::Unary(UnaryOp::Not, _) => Some(*value),
                    _ => None,
                };
                if test.is_some_and(|test| self.test_on_size(check, test)) {
                    return Some(Link::Set);
                }
                continue;
            }
            if self.is_computed_from(check, *value, column) || self.is_changed_in_loop(check, act, column) {
                if !self.only_switches(check, act, column, way) {
                    return Some(Link::Feeds(column.clone()));
                }
                switched.get_or_insert_with(|| Link::Feeds(column.clone()));
            }
        }
        if switched.is_some() {
            return switched;
        }
        self.shifted_column(check, act, way, &writes).map(Link::Shifts)
    }

    /// Whether a column's new value is one that a loop has made from its old value, turn by turn: a way goes through a loop
    /// once, and knows what it began with.
    fn is_changed_in_loop(&mut self, check: OpId, act: OpId, column: &str) -> bool {
        let writes = self.writes(act, false, &[]);
        let Some(Written::Value(value)) = writes.get(column) else { return false };
        let Val::Phi(phi) = self.trace.values.get(*value) else { return false };
        let phi = self.trace.values.phi(*phi);
        let by_turns = phi.operands.iter().filter(|(from, _)| !self.flow.is_forward(*from, phi.block));
        by_turns.into_iter().any(|(_, value)| self.is_computed_from(check, *value, column))
    }

    /// Whether an act writes what a call has made of a column only where that is something else than what is there: made of
    /// what the other run has written, it would be the same once more.
    pub(super) fn only_mends(&mut self, check: OpId, act: OpId, column: &str, facts: &[Fact], way: &[BlockId]) -> bool {
        let writes = self.writes(act, false, way);
        let Some(Written::Value(new)) = writes.get(column) else { return false };
        let is_old = |value: ValId| match self.trace.values.get(value) {
            Val::Field(base, name) => name == column && self.is_check_row(check, *base),
            _ => false,
        };
        let differs = |(atom, holds): &Fact| match atom {
            Atom::Eq(a, b) => !holds && (*a == *new && is_old(*b) || *b == *new && is_old(*a)),
            _ => false,
        };
        matches!(self.trace.values.get(*new), Val::Call { is_new: false, .. }) && facts.iter().any(differs)
    }

    /// Whether a column's new value is only chosen by the old one, among values that do not depend on it: switched to the
    /// other state, or to one that a test of it names. Two who switch at once mean the same state, and get it; run one after
    /// the other, the second would switch back.
    pub(super) fn only_switches(&mut self, check: OpId, act: OpId, column: &str, way: &[BlockId]) -> bool {
        let writes = self.writes(act, false, way);
        match writes.get(column) {
            Some(Written::Value(value)) => {
                self.is_chosen(check, *value, column, 8) && !self.is_changed_in_loop(check, act, column)
            }
            _ => false,
        }
    }

    fn is_chosen(&self, check: OpId, value: ValId, column: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let chosen = |value: ValId| self.is_chosen(check, value, column, depth);
        match self.trace.values.get(value) {
            Val::Unary(UnaryOp::Not, _) => true,
            Val::Binary(op, ..) if is_comparison(*op) => true,
            Val::Choice(_, a, b) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or | BinaryOp::And, a, b) => {
                chosen(*a) && chosen(*b)
            }
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().all(|(_, operand)| chosen(*operand)),
            // A copy, or something else altogether.
            Val::Field(base, _) if self.is_check_row(check, *base) => true,
            _ => !self.column_within(check, value, column, 12),
        }
    }

    /// Whether an act that is decided by columns only spares itself writing what is there already: each of them gets the very
    /// value that it was found to differ from, nothing of the run's own is written beside it, nothing else depends on that,
    /// and it is nobody's claim.
    pub(super) fn only_spares(&mut self, paths: &Paths, window: &Window, facts: &[Fact], writes: &[OpId]) -> bool {
        let Link::Column(columns) = &window.link else { return false };
        let (check, act) = (window.check, window.act);
        let written = self.writes(act, false, &window.way);
        let of_column = |column: &String| {
            let Some(Written::Value(new)) = written.get(column) else { return None };
            let is_old = |value: ValId| match self.trace.values.get(value) {
                Val::Field(base, name) => name == column && self.is_check_row(check, *base),
                _ => false,
            };
            let differs = |(atom, holds): &&Fact| match atom {
                Atom::Eq(a, b) => !holds && (*a == *new && is_old(*b) || *b == *new && is_old(*a)),
                _ => false,
            };
            facts.iter().find(differs).copied()
        };
        let differ: Option<Vec<Fact>> = columns.iter().map(of_column).collect();
        let nothing_else = written.columns.iter().all(|(column, written)| match written {
            Written::Value(value) => columns.contains(column) || self.constant_name(*value).is_some(),
            _ => false,
        });
        !window.claims
            && nothing_else
            && differ.is_some_and(|differ| {
                let (decided, effects) = self.consequences(paths, &differ, act, &window.way, writes);
                decided.is_empty() && effects.is_empty()
            })
    }

    /// The column along which an act moves all rows that lie before or behind the checked one.
    fn shifted_column(&mut self, check: OpId, act: OpId, way: &[BlockId], writes: &Writes) -> Option<String> {
        let it = self.trace.op(act);
        if it.verb != Verb::Update || it.rows != Rows::Many {
            return None;
        }
        let asked = self.conditions(act, way);
        let moved = writes.columns.iter().find(|(column, written)| {
            let by_place = |c: &crate::model::Condition| {
                matches!(c.op, Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge)
                    && self.column_within(check, c.value, column, 8)
            };
            matches!(written, Written::Delta { .. }) && asked.on(column).any(by_place)
        });
        moved.map(|(column, _)| column.clone())
    }

    /// The writes on a way that move further rows along a column, or take them away: only with them the rows are in order.
    pub(super) fn moved_along(&mut self, act: OpId, column: &str, way: &[BlockId], writes: &[OpId]) -> Vec<OpId> {
        let entity = self.trace.op(act).entity.clone();
        let of_entity = |op: &&OpId| **op != act && self.trace.op(**op).entity == entity;
        let on_way = |op: &&OpId| way.contains(&self.trace.op(**op).block);
        let others: Vec<OpId> = writes.iter().filter(of_entity).filter(on_way).copied().collect();
        let moves = |op: &OpId| match self.trace.op(*op).verb {
            Verb::Delete => true,
            Verb::Update => self.writes(*op, false, way).get(column).is_some(),
            _ => false,
        };
        others.into_iter().filter(moves).collect()
    }

    /// The column of a new row that counts on from the rows there are, on whatever way.
    pub(super) fn next_column(&mut self, check: OpId, act: OpId) -> Option<String> {
        let writes = self.writes(act, true, &[]);
        let fed = writes.columns.iter().find(|(_, written)| match written {
            Written::Value(value) => self.depends_on(check, *value) && self.is_next(check, *value),
            _ => false,
        });
        fed.map(|(column, _)| column.clone())
    }

    pub(super) fn test_on_size(&self, check: OpId, test: ValId) -> bool {
        match self.trace.values.get(test) {
            Val::Binary(_, a, b) => self.size_in(check, *a, 4) || self.size_in(check, *b, 4),
            Val::Unary(UnaryOp::Not, inner) => self.test_on_size(check, *inner),
            _ => self.is_check_size(check, test),
        }
    }

    /// Whether a value counts on from the rows there are: their number, their largest, their last, plus something.
    pub(super) fn is_next(&self, check: OpId, value: ValId) -> bool {
        let source = self.trace.op(check);
        let ordered = match &source.source {
            OpSource::Call(row, _) => row.order.as_ref().is_some_and(|order| {
                // Only a written order says "the last one".
                let arg = match order.root {
                    crate::library::Root::Param(at) => source.args.get(at),
                    _ => None,
                };
                arg.is_some_and(|arg| self.has_member(*arg, order.path.last().map_or("", String::as_str)))
            }),
            OpSource::Sql(statement, _) => {
                statement.query().is_some_and(|q| !q.order_by.is_empty() || q.aggregate.is_some())
            }
            OpSource::Built(built, _) => !built.order.is_empty(),
            OpSource::Related { .. } => true,
            OpSource::Stored { .. } => false,
        };
        let extreme = ordered || source.rows != Rows::One;
        // The database may have done the sum itself.
        let summed = matches!(&source.source, OpSource::Sql(..)) && source.verb == Verb::Count;
        extreme && (self.adds_to(check, value, 10) || summed && self.made_of(check, value, 6))
    }

    pub(super) fn has_member(&self, value: ValId, name: &str) -> bool {
        match self.trace.values.get(value) {
            Val::Object(entries) => {
                entries.iter().any(|e| matches!(e, crate::model::ObjectEntry::Field(key, _) if key == name))
            }
            _ => false,
        }
    }

    /// Whether something is added to a number or column that the check gave.
    pub(super) fn adds_to(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Binary(BinaryOp::Add, a, b) => self.flows_from(check, *a, 8) || self.flows_from(check, *b, 8),
            Val::Text(parts) => parts.iter().any(|part| match part {
                TextPart::Hole(hole) => self.adds_to(check, *hole, depth),
                TextPart::Text(_) => false,
            }),
            // A bare count is the next number where counting starts from zero.
            Val::Result(op) => *op == check && self.trace.op(check).verb == Verb::Count,
            Val::Field(base, name) if name == "length" => self.is_check_set(check, *base),
            Val::Choice(_, a, b) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, b) => {
                self.adds_to(check, *a, depth) || self.adds_to(check, *b, depth)
            }
            Val::Call { callee, args, .. } => {
                let receiver = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                args.iter().copied().chain(receiver).any(|part| self.adds_to(check, part, depth))
            }
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().any(|(_, v)| self.adds_to(check, *v, depth)),
            _ => false,
        }
    }

    /// Whether what a check gave becomes part of a value. What only chooses among other values does not.
    fn flows_from(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let parts = match self.trace.values.get(value) {
            Val::Result(op) => return *op == check,
            Val::Over(Over::Filter | Over::Find, source, _) => vec![*source],
            Val::Choice(_, a, b) => vec![*a, *b],
            _ => self.trace.values.parts(value),
        };
        parts.into_iter().any(|part| self.flows_from(check, part, depth))
    }

    pub(super) fn made_of(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let given = Val::Result(check);
        self.trace.values.any_within(value, depth, &mut |value| *self.trace.values.get(value) == given)
    }

    /// Whether a value is computed from a column's old value: not a copy of it, and not something else.
    pub(super) fn is_computed_from(&self, check: OpId, value: ValId, column: &str) -> bool {
        match self.trace.values.get(value) {
            Val::Field(..) | Val::Result(_) | Val::Const(_) => false,
            Val::Choice(test, a, b) => {
                self.is_computed_from(check, *a, column)
                    || self.is_computed_from(check, *b, column)
                    || self.column_within(check, *test, column, 8)
            }
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or | BinaryOp::And, a, b) => {
                self.is_computed_from(check, *a, column) || self.is_computed_from(check, *b, column)
            }
            Val::Phi(phi) => {
                let operands = &self.trace.values.phi(*phi).operands;
                operands.iter().any(|(_, v)| {
                    *v != value
                        && !matches!(self.trace.values.get(*v), Val::Phi(_))
                        && self.is_computed_from(check, *v, column)
                })
            }
            Val::Object(entries) => {
                let keeps = entries.iter().any(|e| match e {
                    crate::model::ObjectEntry::Spread(v) | crate::model::ObjectEntry::Field(_, v) => {
                        self.column_within(check, *v, column, 8)
                    }
                    _ => false,
                });
                // Two runs write the same members, and leave the others as they are: the last one wins, as it would in
                // turns. Members that are computed, or whose names come from elsewhere, are another matter.
                let varies = entries.iter().any(|e| match e {
                    crate::model::ObjectEntry::Field(_, v) => {
                        !self.is_constant(*v, 8) && self.column_within(check, *v, column, 8)
                    }
                    crate::model::ObjectEntry::Computed(_) => true,
                    crate::model::ObjectEntry::Spread(v) => !self.column_within(check, *v, column, 8),
                    crate::model::ObjectEntry::Removed(_) => false,
                });
                keeps && varies
            }
            Val::Array(items) => items.iter().any(|item| match item {
                ArrayItem::Spread(v) => self.column_within(check, *v, column, 8),
                ArrayItem::Value(_) => false,
            }),
            // A text form of it.
            Val::Call { callee, args, .. } if self.writes_json(*callee) => {
                args.first().is_some_and(|arg| self.is_computed_from(check, *arg, column))
            }
            _ => self.column_within(check, value, column, 10),
        }
    }

    fn writes_json(&self, callee: ValId) -> bool {
        match self.trace.values.get(callee) {
            Val::Field(base, name) => {
                name == "stringify" && matches!(self.trace.values.get(*base), Val::Global(name) if name == "JSON")
            }
            _ => false,
        }
    }

    pub(in crate::analysis) fn is_constant(&self, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Const(_) => true,
            Val::Object(_) | Val::Array(_) => {
                self.trace.values.parts(value).into_iter().all(|part| self.is_constant(part, depth))
            }
            _ => false,
        }
    }

    pub(in crate::analysis) fn column_within(&self, check: OpId, value: ValId, column: &str, depth: usize) -> bool {
        self.trace.values.any_within(value, depth, &mut |value| match self.trace.values.get(value) {
            Val::Field(base, name) => name == column && self.is_check_row(check, *base),
            _ => column == CONTENTS && self.is_contents(check, value),
        })
    }
}

/// Whether an operator compares two values.
pub(in crate::analysis) fn is_comparison(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
}
