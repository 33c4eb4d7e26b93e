//! How sure it is that check and act mean the same row.

use super::*;
use crate::model::{Condition, ObjectEntry};

impl Search<'_, '_, '_> {
    /// Whether an update makes its row one that the check looked for.
    pub(super) fn writes_predicate(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let conditions = self.conditions(check, way);
        let writes = self.writes(act, false, way);
        conditions.all.iter().filter(|c| c.through.is_empty()).any(|c| match (c.op, writes.get(&c.column)) {
            (Compare::Eq, Some(Written::Value(value))) => *value == c.value,
            // Where a value from outside lies in an order, nothing says.
            (Compare::Lt | Compare::Le, Some(Written::Value(value))) => {
                let values = &self.trace.values;
                let is_outside = |value| values.literal(value).is_none() && !values.is_now(value);
                is_outside(c.value) && is_outside(*value)
            }
            _ => false,
        })
    }

    /// Columns of the check's own condition, besides its key, that the act changes.
    pub(super) fn filter_columns(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> Vec<String> {
        let conditions = self.conditions(check, way);
        let writes = self.writes(act, false, way);
        // An object with other members beside those it had answers a question about one of them as before.
        let keeps = |search: &Self, value: ValId, column: &str| match search.trace.values.get(value) {
            Val::Object(entries) => entries.iter().any(|entry| match entry {
                ObjectEntry::Spread(old) => search.column_within(check, *old, column, 8),
                _ => false,
            }),
            _ => false,
        };
        let is_given = |value: ValId| match self.trace.values.get(value) {
            Val::Param(..) => true,
            Val::Field(base, _) => matches!(self.trace.values.get(*base), Val::Param(..)),
            _ => false,
        };
        // A row that is found by its name may be given another one: the name is no state that it is in.
        let renames =
            |value: ValId, c: &Condition| is_given(value) && is_given(c.value) && self.is_key(check, &c.column);
        let mut found: Vec<String> = Vec::new();
        conditions.each(&mut |c| {
            if !c.through.is_empty() {
                return;
            }
            match writes.get(&c.column) {
                Some(Written::Value(v)) if *v == c.value && c.op == Compare::Eq => {}
                Some(Written::Value(v)) if keeps(self, *v, &c.column) || renames(*v, c) => {}
                Some(_) => found.push(c.column.clone()),
                None => {}
            }
        });
        found.sort();
        found.dedup();
        found
    }

    /// Whether an act takes whatever rows are older than a time counted from now.
    pub(super) fn takes_aged(&mut self, act: OpId, way: &[BlockId]) -> bool {
        let targeted = self.conditions(act, way);
        let values = &self.trace.values;
        let is_now = |value: ValId| values.is_now(value) || *values.get(value) == Val::Global("now".to_owned());
        let by_age = |c: &Condition| {
            matches!(c.op, Compare::Lt | Compare::Le) && values.any_within(c.value, 6, &mut |part| is_now(part))
        };
        targeted.all.iter().any(by_age)
    }

    /// Whether an act may be one that marks the rows which a look-up has picked.
    pub(super) fn may_take(&self, check: OpId, act: OpId) -> bool {
        let (looked, acted) = (self.trace.op(check), self.trace.op(act));
        looked.rows == Rows::Many && looked.place().is_none() && matches!(acted.verb, Verb::Update | Verb::Delete)
    }

    /// Whether rows that are looked up by their state leave it with the act, and are handed out, or to somebody outside: whoever gets them takes
    /// them for its own.
    pub(super) fn takes_what_it_gives(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        if !self.may_take(check, act) || !self.returns_row(check, act, way) && !self.hands_on(check, way) {
            return false;
        }
        let (looked, targeted) = (self.conditions(check, way), self.conditions(act, way));
        let means_them = self.is_fed(check, act)
            || targeted.all.iter().any(|c| c.op == Compare::Eq && looked.on(&c.column).any(|l| l.value == c.value));
        means_them && !self.filter_columns(check, act, way).is_empty()
    }

    /// Whether an act is done to one row after the other of those that were looked up by their state.
    pub(super) fn marks_each(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        self.may_take(check, act) && self.acts_on_each(check, act, way)
    }

    /// Whether an act is done to one row after the other of those that a check gave: how many there are limits nothing.
    pub(super) fn acts_on_each(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        // On a way, which goes through a loop once, the counter of a loop is what it began with.
        let in_loops = self.trace.conditions(self.schemas, act, &mut |_, value| value);
        let targeted = self.conditions(act, way);
        let is_member = |value: ValId| match self.trace.values.get(value) {
            Val::Field(base, _) => match self.trace.values.get(*base) {
                Val::Element(source) | Val::Index(source, _) => self.is_check_set(check, *source),
                _ => false,
            },
            _ => false,
        };
        targeted.all.iter().chain(&in_loops.all).any(|c| c.op == Compare::Eq && is_member(c.value))
    }

    /// How sure it is that check and act mean the same row; `None` where they cannot.
    pub(super) fn same_row(&mut self, check: OpId, act: OpId, link: &Link, way: &[BlockId]) -> Option<Confidence> {
        if self.trace.op(check).place().is_some() {
            return self.same_place(check, act, way);
        }
        let looked = self.conditions(check, way);
        if looked.all.iter().any(|c| c.op == Compare::Eq && is_made_here(self.trace, self.schemas, c.value)) {
            return None;
        }
        let acted = self.trace.op(act).clone();
        let as_written = matches!(link, Link::Absence | Link::Set | Link::Next(_))
            && matches!(acted.verb, Verb::Create | Verb::Upsert | Verb::Update);
        if as_written && (acted.verb != Verb::Update || matches!(link, Link::Absence)) {
            return self.created_where_looked(act, &looked, acted.verb != Verb::Update, way);
        }
        let targeted = self.conditions(act, way);
        if targeted.all.is_empty() && targeted.any.is_empty() {
            return Some(if targeted.opaque { Confidence::Low } else { Confidence::High });
        }
        let mut best: Option<Confidence> = None;
        // What the rest of the condition has in common makes no row of two that are named apart.
        let mut named_apart = false;
        for condition in targeted.all.iter().filter(|c| c.through.is_empty()) {
            named_apart |= !matches!(link, Link::Set) && self.is_named_apart([check, act], condition, &looked, way);
            let level = match self.trace.values.get(condition.value).clone() {
                Val::Field(base, name) if name == condition.column && self.is_check_row(check, base) => {
                    Some(Confidence::High)
                }
                _ if condition.op == Compare::Eq || condition.op == Compare::In => {
                    let known: Vec<_> = looked.on(&condition.column).cloned().collect();
                    let same = known.iter().any(|c| c.value == condition.value);
                    let apart = known.iter().any(|c| {
                        c.op == Compare::Eq
                            && condition.op == Compare::Eq
                            && c.value != condition.value
                            && self.trace.values.literal(c.value).is_some()
                            && self.trace.values.literal(condition.value).is_some()
                    });
                    if apart && known.iter().all(|c| self.is_key(check, &c.column)) {
                        return None;
                    }
                    if same {
                        Some(Confidence::High)
                    } else if self.mentions_check(check, condition.value) {
                        Some(Confidence::Medium)
                    } else if known.is_empty() && self.is_key(act, &condition.column) {
                        Some(Confidence::Low)
                    } else {
                        None
                    }
                }
                _ => None,
            };
            best = best.max(level);
        }
        if named_apart {
            return Some(Confidence::Low);
        }
        // A set that is looked at and a member that is acted on, chosen by the caller.
        if matches!(link, Link::Set) && best.is_none_or(|b| b == Confidence::Low) {
            return Some(Confidence::Medium);
        }
        Some(best.unwrap_or(Confidence::Low))
    }

    /// Whether an act asks for a column of a key by something that has nothing to do with the check: neither with what it
    /// gave nor with what it asks for in the same place. Where it asks for nothing there, the column has to be a key alone.
    fn is_named_apart(
        &mut self,
        [check, act]: [OpId; 2],
        condition: &Condition,
        looked: &Conditions,
        way: &[BlockId],
    ) -> bool {
        if condition.op != Compare::Eq
            || !self.is_key(act, &condition.column)
            || self.trace.op(check).rows != Rows::One
            || self.is_of_rows_of(act, condition.value)
        {
            return false;
        }
        // What a row that was read by a key is named by is that key.
        let value = self.known_key(condition.value, way).unwrap_or(condition.value);
        let mut known = looked.on(&condition.column).peekable();
        if known.peek().is_none() {
            let by_another_key = looked.all.iter().any(|c| c.op == Compare::Eq && self.is_key_alone(check, &c.column));
            return !looked.opaque && !by_another_key && self.is_key_alone(act, &condition.column);
        }
        known.all(|c| c.op == Compare::Eq && c.value != value && !self.shares_source(c.value, value))
    }

    /// Whether a value is made from rows of the entity that an operation is about.
    fn is_of_rows_of(&self, op: OpId, value: ValId) -> bool {
        let entity = &self.trace.op(op).entity;
        self.trace.values.any_within(value, 10, &mut |part| match self.trace.values.get(part) {
            Val::Result(of) => self.trace.op(*of).entity == *entity,
            _ => false,
        })
    }

    /// Whether a column tells one row of an operation's entity from all others.
    fn is_key_alone(&self, op: OpId, column: &str) -> bool {
        let is_it = |key: &crate::schema::UniqueKey| matches!(key.columns.as_slice(), [only] if only == column);
        entity_of(self.schemas, self.trace.op(op)).is_some_and(|entity| entity.keys.iter().any(is_it))
    }

    /// Whether a column is part of a key of what an operation is about.
    pub(in crate::analysis) fn is_key(&self, op: OpId, column: &str) -> bool {
        match entity_of(self.schemas, self.trace.op(op)) {
            Some(entity) => entity.keys.iter().any(|key| key.columns.iter().any(|c| c == column)),
            None => column == "id",
        }
    }

    /// Whether the act names its row by a whole key that the check neither asks for nor gave: what holds for the check's row
    /// need not hold for that one.
    pub(in crate::analysis) fn acts_on_another_key(&mut self, window: &Window) -> bool {
        let (check, act) = (window.check, window.act);
        let (looked, targeted) = (self.conditions(check, &window.way), self.conditions(act, &window.way));
        let named: Vec<_> = targeted.all.iter().filter(|c| c.is_equality()).collect();
        if targeted.all.iter().any(|c| self.mentions_check(check, c.value)) {
            return false;
        }
        let Some(entity) = entity_of(self.schemas, self.trace.op(act)) else { return false };
        let is_named = |column: &String| named.iter().any(|c| c.column == *column);
        let is_looked = |column: &String| {
            let value = named.iter().find(|c| c.column == *column).map(|c| c.value);
            looked.on(column).any(|c| c.op == Compare::Eq && Some(c.value) == value)
        };
        let mut keys = entity.keys.iter().filter(|key| !key.columns.is_empty() && key.columns.iter().all(is_named));
        keys.clone().next().is_some() && !keys.any(|key| key.columns.iter().all(is_looked))
    }

    pub(super) fn mentions_check(&self, check: OpId, value: ValId) -> bool {
        self.made_of(check, value, 10)
    }

    /// The values that a check asks for by equality, whichever way leads to it.
    pub(super) fn asked_for(&mut self, check: OpId) -> Vec<ValId> {
        let conditions = self.trace.conditions(self.schemas, check, &mut |_, value| value);
        conditions.all.iter().filter(|c| c.op == Compare::Eq).map(|c| c.value).collect()
    }

    /// Whether all there is between the two calls is about rows that this run has created itself, on whichever way it gets
    /// there: no other run can be in its way.
    pub fn is_about_own_rows(&mut self) -> bool {
        let Some([site, _]) = self.ends else { return false };
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        let checks: Vec<OpId> = (0..count).map(OpId).filter(|op| self.trace.op(*op).site == site).collect();
        let own = |search: &mut Self, check: OpId| {
            let way = search.way_before(check);
            let asked = search.conditions(check, &way);
            asked.all.iter().any(|c| c.op == Compare::Eq && is_made_here(search.trace, search.schemas, c.value))
        };
        !checks.is_empty() && checks.into_iter().all(|check| own(self, check))
    }

    /// Whether the created row is one the check would have found.
    pub(super) fn created_where_looked(
        &mut self,
        act: OpId,
        looked: &Conditions,
        creating: bool,
        way: &[BlockId],
    ) -> Option<Confidence> {
        let writes = self.writes(act, creating, way);
        let entity = entity_of(self.schemas, self.trace.op(act)).cloned();
        let mut level = Confidence::High;
        for condition in &looked.all {
            if !condition.through.is_empty() {
                level = level.min(Confidence::Medium);
                continue;
            }
            let column = entity.as_ref().and_then(|e| e.column(&condition.column));
            let is_enum = column.is_some_and(|c| matches!(c.kind, ColumnKind::Enum(_)));
            let literal = |search: &Self, v: ValId| {
                let member = || search.constant_name(v).filter(|name| is_enum && !name.is_empty()).map(Literal::Text);
                search.trace.values.literal(v).cloned().or_else(member)
            };
            match writes.get(&condition.column) {
                Some(Written::Value(value)) => {
                    if *value == condition.value || self.known_key(*value, way) == Some(condition.value) {
                        continue;
                    }
                    match (literal(self, *value), literal(self, condition.value), condition.op) {
                        (Some(a), Some(b), Compare::Eq) if a != b => return None,
                        (Some(a), Some(b), Compare::Ne) if a == b => return None,
                        (Some(a), None, Compare::In) => {
                            if let Val::Array(items) = self.trace.values.get(condition.value) {
                                let among = items.iter().any(|item| match item {
                                    ArrayItem::Value(v) | ArrayItem::Spread(v) => {
                                        literal(self, *v).is_none_or(|l| l == a)
                                    }
                                });
                                if !among {
                                    return None;
                                }
                            }
                        }
                        (_, _, Compare::Eq) => {
                            let shared = self.shares_source(*value, condition.value);
                            level = level.min(if shared { Confidence::Medium } else { Confidence::Low });
                        }
                        _ => level = level.min(Confidence::Medium),
                    }
                }
                Some(_) => level = level.min(Confidence::Medium),
                // What an update leaves alone holds what it held: that this is what was asked for, nothing says.
                None if !creating => {
                    let wanted = literal(self, condition.value);
                    if condition.op == Compare::Eq && wanted.is_some_and(|wanted| !wanted.is_absent()) {
                        level = Confidence::Low;
                    }
                }
                None => match column.map(|c| &c.default) {
                    Some(ColumnDefault::Literal(text)) => {
                        let wanted = literal(self, condition.value);
                        let written = default_literal(text);
                        match (condition.op, wanted) {
                            (Compare::Eq, Some(wanted)) if wanted != written => return None,
                            (Compare::Ne, Some(wanted)) if wanted == written => return None,
                            (Compare::Eq | Compare::Ne, Some(_)) => {}
                            _ => level = level.min(Confidence::Medium),
                        }
                    }
                    Some(ColumnDefault::None) if column.is_some_and(|c| c.optional) && !writes.opaque => {
                        // Left out, so it is null.
                        let wanted = literal(self, condition.value);
                        match (condition.op, wanted) {
                            (Compare::Eq, Some(Literal::Null | Literal::Unset)) => {}
                            (Compare::Eq, _) => return None,
                            (Compare::Ne, Some(Literal::Null | Literal::Unset)) => return None,
                            _ => level = level.min(Confidence::Medium),
                        }
                    }
                    Some(ColumnDefault::Generated | ColumnDefault::Now)
                        if matches!(condition.op, Compare::Eq | Compare::In) && !writes.opaque =>
                    {
                        // Looked up by generated keys: the created row has another one.
                        if column.is_some_and(|_| self.is_key(act, &condition.column)) {
                            return None;
                        }
                    }
                    // A row made now is newer than any time that was asked for.
                    Some(ColumnDefault::Now) if matches!(condition.op, Compare::Gt | Compare::Ge) => {}
                    None if condition.column == "id" && !writes.opaque => return None,
                    _ => level = level.min(Confidence::Medium),
                },
            }
        }
        if !looked.any.is_empty() || looked.opaque && looked.all.is_empty() {
            level = level.min(Confidence::Medium);
        }
        Some(level)
    }

    /// What a column of a row is known to be, because the row was read by it.
    pub(super) fn known_key(&mut self, value: ValId, way: &[BlockId]) -> Option<ValId> {
        let Val::Field(base, name) = self.trace.values.get(value).clone() else { return None };
        let op = match self.trace.values.get(base) {
            Val::Result(op) => *op,
            _ => return None,
        };
        let asked = self.conditions(op, way);
        asked.on(&name).find(|c| c.op == Compare::Eq).map(|c| c.value)
    }

    /// Whether two values are made from a common one.
    pub(super) fn shares_source(&self, a: ValId, b: ValId) -> bool {
        let leaves = |value: ValId| {
            let mut all = FxHashSet::default();
            let mut todo = vec![value];
            while let Some(value) = todo.pop() {
                if all.len() > 200 || !all.insert(value) {
                    continue;
                }
                todo.extend(self.trace.values.parts(value));
            }
            all.retain(|v| {
                !matches!(self.trace.values.get(*v), Val::Const(_) | Val::Global(_) | Val::External(..) | Val::This(_))
            });
            all
        };
        let (a, b) = (leaves(a), leaves(b));
        !a.is_disjoint(&b)
    }
}

pub(super) fn default_literal(text: &str) -> Literal {
    match text {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        _ if text.parse::<f64>().is_ok() => Literal::Number(text.to_owned()),
        _ => Literal::Text(text.trim_matches('"').to_owned()),
    }
}

/// Whether a value is that of a row which this run has created: no other run asks for it.
pub(super) fn is_made_here(trace: &Trace<'_>, schemas: &[Schema], value: ValId) -> bool {
    let Val::Field(row, column) = trace.values.get(value) else { return false };
    let Val::Result(op) = trace.values.get(*row) else { return false };
    let is_generated = entity_of(schemas, trace.op(*op))
        .and_then(|entity| entity.keys.iter().find(|key| key.primary))
        .map_or(column == "id", |key| matches!(key.columns.as_slice(), [only] if only == column));
    is_generated && trace.op(*op).verb == Verb::Create && trace.op(*op).place().is_none()
}
