//! Orders in filters, and where among them a new row comes to lie.

use super::*;
use crate::model::Condition;

/// A bound that the check's filter sets to a column.
#[derive(Debug)]
pub(super) struct Bound {
    column: String,
    op: Compare,
    at: i64,
    /// Whether it is the time of the run itself.
    is_now: bool,
}

impl Terms {
    /// A bound of a filter as a number. Bounds are all the same small number, except that there is room between the lower
    /// and the upper one of a column.
    pub(super) fn bound(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        among: &Conditions,
        condition: &Condition,
    ) -> Expr {
        let value = self.number(trace, schemas, condition.value);
        let is_number = matches!(trace.values.literal(condition.value), Some(Literal::Number(_)));
        if !is_upper(condition.op) || is_number || !matches!(value, Expr::Const(_)) {
            return value;
        }
        let lower: Vec<ValId> = among.on(&condition.column).filter(|c| is_lower(c.op)).map(|c| c.value).collect();
        let lowest = lower.into_iter().find_map(|below| match self.number(trace, schemas, below) {
            Expr::Const(Value::Int(below)) => Some(below),
            _ => None,
        });
        lowest.map_or(value, |below| lit(below + 2))
    }

    /// Takes in the bounds of the check's filter; of alternatives, those of the first.
    pub(super) fn bounded_by(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], conditions: &Conditions) {
        for condition in conditions.all.iter().filter(|c| c.through.is_empty()) {
            if !is_upper(condition.op) && !is_lower(condition.op) {
                continue;
            }
            if let Expr::Const(Value::Int(at)) = self.bound(trace, schemas, conditions, condition) {
                let is_now = trace.values.is_now(condition.value);
                self.bounds.push(Bound { column: condition.column.clone(), op: condition.op, at, is_now });
            }
        }
        for first in conditions.any.iter().filter_map(|arms| arms.first()) {
            self.bounded_by(trace, schemas, first);
        }
    }

    /// What an insert writes to a column that the check has looked at between bounds. Where a value that comes from outside
    /// lies in the order, nothing says: it may lie between them. Only what is compared with the time of the run is taken to
    /// lie ahead of it: work is looked for when it is due, and is put down for later.
    #[must_use]
    pub fn between(&self, table: &str, column: &str, value: Expr) -> Expr {
        let is_open = match &value {
            Expr::Var(_) => true,
            Expr::Const(Value::Int(number)) => *number >= FIRST_CONSTANT,
            _ => false,
        };
        let bounds = || self.bounds.iter().filter(|bound| bound.column == column);
        if !is_open || table != self.check_table || bounds().any(|bound| bound.is_now && is_upper(bound.op)) {
            return value;
        }
        let highest = bounds().filter(|b| is_upper(b.op)).map(|b| b.at - i64::from(b.op == Compare::Lt)).min();
        let lowest = bounds().filter(|b| is_lower(b.op)).map(|b| b.at + i64::from(b.op == Compare::Gt)).max();
        match highest {
            Some(highest) if lowest.is_none_or(|lowest| lowest <= highest) => lit(highest),
            // Without an upper bound, values from outside lie above all bounds as they are.
            _ => value,
        }
    }
}

pub(super) fn is_lower(op: Compare) -> bool {
    matches!(op, Compare::Gt | Compare::Ge)
}

pub(super) fn is_upper(op: Compare) -> bool {
    matches!(op, Compare::Lt | Compare::Le)
}
