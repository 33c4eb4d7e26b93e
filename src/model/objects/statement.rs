//! Conditions and values in the text of SQL.

use super::{Compare, Condition, Conditions, field_name};
use crate::model::trace::{Bound, Trace};
use crate::model::value::{ArrayItem, Literal, Val, ValId};
use crate::schema::Entity;
use crate::sql;

impl Trace<'_> {
    /// The row that an insert settles on where it is there already: the one that has the same key.
    pub(super) fn settled_by(
        &mut self,
        entity: Option<&Entity>,
        query: &sql::Query,
        bound: &Bound,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Conditions {
        let written = |column: &str| {
            query.writes.iter().find_map(|set| match &set.write {
                sql::SqlWrite::Value(value) if set.column == column => Some(value),
                _ => None,
            })
        };
        let named: &[String] = match &query.conflict {
            Some(sql::Conflict::Update { target, .. }) => &target.columns,
            _ => &[],
        };
        let mut key = named.to_vec();
        if key.is_empty() {
            let mapped = |name: &String| {
                let column = entity.and_then(|entity| entity.column(name));
                column.map_or_else(|| name.clone(), |column| column.mapped.clone())
            };
            let keys = entity.into_iter().flat_map(|entity| &entity.keys);
            let mut keys = keys.map(|key| key.columns.iter().map(mapped).collect::<Vec<_>>());
            key = keys.find(|key| key.iter().all(|column| written(column).is_some())).unwrap_or_default();
        }
        let mut found = Conditions { opaque: key.is_empty(), ..Conditions::default() };
        for column in key {
            let Some(value) = written(&column) else {
                found.opaque = true;
                continue;
            };
            let value = self.sql_value(value, bound);
            let value = see(self, value);
            let column = field_name(entity, &column);
            found.all.push(Condition { through: Vec::new(), column, op: Compare::Eq, value });
        }
        found
    }

    pub(super) fn sql_conditions(
        &mut self,
        entity: Option<&Entity>,
        filter: &sql::Filter,
        bound: &Bound,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Conditions {
        let mut found = Conditions { opaque: filter.opaque, ..Conditions::default() };
        for condition in &filter.conditions {
            if let Some(condition) = self.sql_condition(entity, condition, bound, see) {
                found.all.push(condition);
            } else {
                found.opaque = true;
            }
        }
        for group in &filter.any_of {
            let arms = group.arms.iter().map(|arm| {
                let mut inner = Conditions::default();
                for condition in arm {
                    match self.sql_condition(entity, condition, bound, see) {
                        Some(condition) => inner.all.push(condition),
                        None => inner.opaque = true,
                    }
                }
                inner
            });
            let arms = arms.collect();
            found.any.push(arms);
        }
        found
    }

    fn sql_condition(
        &mut self,
        entity: Option<&Entity>,
        condition: &sql::Condition,
        bound: &Bound,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Option<Condition> {
        if condition.column.of.is_some() || condition.through.is_some() {
            return None;
        }
        let value = self.sql_value(&condition.value, bound);
        let value = see(self, value);
        let op = match condition.op {
            sql::Op::Eq | sql::Op::IsNull => Compare::Eq,
            sql::Op::Ne | sql::Op::IsNotNull => Compare::Ne,
            sql::Op::Lt => Compare::Lt,
            sql::Op::Le => Compare::Le,
            sql::Op::Gt => Compare::Gt,
            sql::Op::Ge => Compare::Ge,
            sql::Op::In => Compare::In,
            sql::Op::NotIn => Compare::NotIn,
            sql::Op::Like | sql::Op::Other => Compare::Other,
        };
        let column = field_name(entity, &condition.column.name);
        Some(Condition { through: Vec::new(), column, op, value })
    }

    pub(super) fn sql_value(&mut self, value: &sql::SqlValue, bound: &Bound) -> ValId {
        let literal = match value {
            sql::SqlValue::Hole(n) => {
                return bound.holes.get(*n).copied().unwrap_or_else(|| self.values.opaque());
            }
            sql::SqlValue::Param(name) => {
                let found = placeholder(bound, name);
                return found.unwrap_or_else(|| self.values.opaque());
            }
            sql::SqlValue::Number(number) => Literal::Number(number.clone()),
            sql::SqlValue::Text(text) => Literal::Text(text.clone()),
            sql::SqlValue::Null => Literal::Null,
            sql::SqlValue::Bool(truth) => Literal::Bool(*truth),
            sql::SqlValue::List(items) => {
                let items = items.iter().map(|item| ArrayItem::Value(self.sql_value(item, bound))).collect();
                return self.values.add(Val::Array(items));
            }
            sql::SqlValue::Opaque(parts) => {
                let parts = parts.iter().map(|part| self.sql_value(part, bound)).collect();
                return self.values.add(Val::Derived(parts));
            }
            sql::SqlValue::Now => return self.values.add(Val::Global("now".to_owned())),
            sql::SqlValue::Column(_) | sql::SqlValue::Fresh | sql::SqlValue::Rows(_) => return self.values.opaque(),
        };
        self.values.add(Val::Const(literal))
    }
}

/// The value of a placeholder: `$1` and `?1` count from one, `:name` and `@name` are looked up.
fn placeholder(bound: &Bound, name: &str) -> Option<ValId> {
    let bare = name.trim_start_matches(['$', '?', ':', '@']);
    if let Some((_, value)) = bound.named.iter().find(|(known, _)| known == bare) {
        return Some(*value);
    }
    let at = bare.trim_start_matches(['p', 'P']).parse::<usize>().ok()?.checked_sub(1)?;
    bound.values.get(at).copied()
}
