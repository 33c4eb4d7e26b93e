//! Filters: conditions on rows as terms.

use super::*;

impl Terms {
    /// A filter on rows. Conditions that cannot be said are left out: they are the same for both runs.
    pub fn filter(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], table: &str, conditions: &Conditions) -> Expr {
        let template = self.template(trace, schemas, table, conditions);
        if !template.is_empty() {
            let templates = &mut self.info.entry(table.to_owned()).or_default().templates;
            if !templates.contains(&template) {
                templates.push(template);
            }
        }
        for inner in conditions.all.iter().filter(|c| c.op != Compare::Eq) {
            let alone = Conditions { all: vec![inner.clone()], ..Conditions::default() };
            if let Some(wanted) = self.condition(trace, schemas, table, &alone) {
                self.want(table, wanted);
            }
        }
        self.condition(trace, schemas, table, conditions).unwrap_or(Expr::TRUE)
    }

    pub(super) fn template(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        table: &str,
        conditions: &Conditions,
    ) -> Vec<(String, Expr)> {
        let mut fixed = Vec::new();
        for condition in &conditions.all {
            if !condition.through.is_empty() {
                continue;
            }
            match condition.op {
                Compare::Eq => {
                    let value = self.expr(trace, schemas, condition.value);
                    // A key read from another row is no value of its own to start from.
                    if !mentions_rows(&value) {
                        fixed.push((condition.column.clone(), value));
                    }
                }
                Compare::In => {
                    let first = match trace.values.get(condition.value) {
                        Val::Array(items) => items.first().copied(),
                        _ => None,
                    };
                    if let Some(ArrayItem::Value(first)) = first {
                        let value = self.expr(trace, schemas, first);
                        self.note(table, &condition.column, &value);
                    }
                }
                _ => {}
            }
        }
        // Of alternatives, a row that takes one is enough.
        for arms in &conditions.any {
            if let Some(arm) = likely(schemas, table, arms) {
                let inner = self.template(trace, schemas, table, arm);
                fixed.extend(inner.into_iter().filter(|(c, _)| !conditions.on(c).any(|_| true)));
            }
        }
        fixed
    }

    pub(super) fn condition(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        table: &str,
        conditions: &Conditions,
    ) -> Option<Expr> {
        let mut parts: Vec<Expr> = Vec::new();
        for condition in &conditions.all {
            if !condition.through.is_empty() {
                continue;
            }
            let column = condition.column.as_str();
            let part = match condition.op {
                Compare::In | Compare::NotIn => {
                    let Val::Array(items) = trace.values.get(condition.value).clone() else { continue };
                    let is_several = |item: &ArrayItem| match item {
                        ArrayItem::Spread(_) => true,
                        ArrayItem::Value(item) => is_of_many(trace, *item),
                    };
                    if items.iter().any(is_several) {
                        continue;
                    }
                    let mut list = Vec::new();
                    for item in items {
                        if let ArrayItem::Value(item) = item {
                            let value = self.expr(trace, schemas, item);
                            self.note(table, column, &value);
                            list.push(value);
                        }
                    }
                    let found = col(column).is_in(list);
                    if condition.op == Compare::In { found } else { !found }
                }
                Compare::Other => continue,
                op => {
                    let ordered = ranges::is_lower(op) || ranges::is_upper(op);
                    let value = if ordered {
                        self.bound(trace, schemas, conditions, condition)
                    } else {
                        self.expr(trace, schemas, condition.value)
                    };
                    self.note(table, column, &value);
                    if let (true, Expr::Const(Value::Int(limit))) = (ordered, &value) {
                        self.note(table, column, &lit(limit - 1));
                        self.note(table, column, &lit(limit + 1));
                    }
                    let left = col(column);
                    match op {
                        Compare::Eq => left.eq(value),
                        Compare::Ne => left.ne(value),
                        Compare::Lt => left.lt(value),
                        Compare::Le => left.le(value),
                        Compare::Gt => left.gt(value),
                        _ => left.ge(value),
                    }
                }
            };
            parts.push(part);
        }
        for arms in &conditions.any {
            let mut any: Option<Expr> = None;
            let mut whole = true;
            for arm in arms {
                match self.condition(trace, schemas, table, arm) {
                    Some(part) => any = Some(any.map_or(part.clone(), |other| other | part)),
                    None => whole = false,
                }
            }
            if whole && let Some(any) = any {
                parts.push(any);
            }
        }
        for inner in &conditions.none {
            if inner.opaque || inner.all.iter().any(|c| !c.through.is_empty() || c.op == Compare::Other) {
                continue;
            }
            if let Some(part) = self.condition(trace, schemas, table, inner) {
                parts.push(!part);
            }
        }
        parts.into_iter().reduce(|all, part| all & part)
    }
}

/// Whether a value that takes one place in a list stands for many: it is put together from rows.
fn is_of_many(trace: &Trace<'_>, value: ValId) -> bool {
    let values = &trace.values;
    let is_made = matches!(
        values.get(value),
        Val::Over(Over::Map | Over::Filter, ..) | Val::Phi(_) | Val::Array(_) | Val::Derived(_) | Val::Call { .. }
    );
    let many = |part: ValId| matches!(values.get(part), Val::Result(op) if trace.op(*op).rows == Rows::Many);
    is_made && values.any_within(value, 12, &mut |part| many(part))
}

/// Of alternatives one by which a row is looked for that may have been made by others: nobody makes one by its primary key.
pub(super) fn likely<'c>(schemas: &[Schema], table: &str, arms: &'c [Conditions]) -> Option<&'c Conditions> {
    let entity = schemas.iter().find_map(|schema| schema.entities.iter().find(|entity| entity.name == table));
    let is_primary = |column: &str| {
        let mut keys = entity.into_iter().flat_map(|entity| &entity.keys).filter(|key| key.primary);
        keys.any(|key| matches!(key.columns.as_slice(), [only] if only == column))
    };
    let by_others = |arm: &&Conditions| !arm.all.iter().any(|condition| is_primary(&condition.column));
    arms.iter().find(by_others).or(arms.first())
}
