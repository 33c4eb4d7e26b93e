//! What branches ask of rows, as terms.

use super::*;

impl Terms {
    /// A condition as a fact says it; `None` where it speaks of nothing in the script.
    pub fn fact(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], (atom, truth): &Fact) -> Option<Expr> {
        let positive = match atom {
            Atom::Present(value) => match self.place(trace, *value)? {
                Place::Row(variable, _) | Place::Size(variable) => size(variable.as_str()).gt(0),
                Place::Column(variable, table, column) => {
                    self.note(&table, &column, &null());
                    self.note(&table, &column, &lit(5));
                    field(variable.as_str(), column.as_str()).ne(null())
                }
                Place::Sum(variable, _, column) => total(variable.as_str(), column.as_str()).gt(0),
            },
            Atom::True(value) => return self.truth(trace, schemas, *value, *truth),
            Atom::Eq(a, b) => {
                let (a, b) = (&self.unwrapped(trace, *a), &self.unwrapped(trace, *b));
                if self.contents(trace, *a).is_none() && self.contents(trace, *b).is_none() {
                    // Of several sets that are counted together, it is the one at hand that changes.
                    let limit = |value: ValId| matches!(trace.values.literal(value), Some(Literal::Number(_)));
                    let sum = match (self.size_in(trace, *a, 5), self.size_in(trace, *b, 5)) {
                        (Some((size, false)), None) if limit(*b) => Some((size, *b)),
                        (None, Some((size, false))) if limit(*a) => Some((size, *a)),
                        _ => None,
                    };
                    if let Some((size, limit)) = sum {
                        let equal = size.eq(self.expr(trace, schemas, limit));
                        return Some(if *truth { equal } else { !equal });
                    }
                    return self.truth_of_parts(trace, &[*a, *b], *truth);
                }
                let (left, right) = (self.expr(trace, schemas, *a), self.expr(trace, schemas, *b));
                self.note_place(trace, *a, &right);
                self.note_place(trace, *b, &left);
                left.eq(right)
            }
            Atom::Lt(a, b) | Atom::Le(a, b) => {
                let (left, right) = self.ordered(trace, schemas, *a, *b)?;
                if matches!(atom, Atom::Lt(..)) { left.lt(right) } else { left.le(right) }
            }
            Atom::Among(item, list) => {
                let Some(Place::Column(variable, table, column)) = self.contents(trace, *item) else {
                    return self.truth_of_parts(trace, &[*item, *list], *truth);
                };
                let Val::Array(items) = trace.values.get(*list).clone() else { return None };
                let mut values = Vec::new();
                for item in items {
                    if let ArrayItem::Value(item) = item {
                        let value = self.expr(trace, schemas, item);
                        self.note(&table, &column, &value);
                        values.push(value);
                    }
                }
                field(variable.as_str(), column.as_str()).is_in(values)
            }
        };
        Some(if *truth { positive } else { !positive })
    }

    /// The two sides of an order. A limit on a number of rows is modelled as one.
    pub(super) fn ordered(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        a: ValId,
        b: ValId,
    ) -> Option<(Expr, Expr)> {
        let (a, b) = (self.unwrapped(trace, a), self.unwrapped(trace, b));
        let (left, right) = (self.size_in(trace, a, 5), self.size_in(trace, b, 5));
        match (left, right) {
            (Some((left, false)), None) | (None, Some((left, true))) => return Some((left, lit(1))),
            (None, Some((right, false))) | (Some((right, true)), None) => return Some((lit(1), right)),
            _ => {}
        }
        let (pa, pb) = (self.contents(trace, a), self.contents(trace, b));
        if pa.is_none() && pb.is_none() {
            return None;
        }
        let (left, right) = (self.number(trace, schemas, a), self.number(trace, schemas, b));
        let of_rows = [b, a].map(|value| self.rows_in(trace, value, 6));
        let mut varied = false;
        for ((place, other), of_row) in [(pa, &right), (pb, &left)].into_iter().zip(of_rows) {
            let Some(Place::Column(_, table, column)) = place else { continue };
            let n = match other {
                Expr::Const(Value::Int(n)) => *n,
                // `uses >= max_uses`: of two columns one stays what it is, and the other one comes near it.
                _ if of_row && !varied => UNTESTED,
                _ => continue,
            };
            varied = true;
            for near in [n - 2, n - 1, n, n + 1, 2 * n + 1] {
                self.note(&table, &column, &lit(near));
            }
        }
        Some((left, right))
    }

    /// The size that a number is, with what is added to it left out.
    ///
    /// True where it is taken away from something: what is left grows as the size shrinks.
    pub(super) fn size_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<(Expr, bool)> {
        let depth = depth.checked_sub(1)?;
        if let Some(Place::Size(variable) | Place::Sum(variable, ..)) = self.place(trace, value) {
            return Some((size(variable.as_str()), false));
        }
        match trace.values.get(value) {
            Val::Binary(BinaryOp::Add, a, b) => {
                self.size_in(trace, *a, depth).or_else(|| self.size_in(trace, *b, depth))
            }
            Val::Binary(BinaryOp::Sub, a, b) => self
                .size_in(trace, *a, depth)
                .or_else(|| self.size_in(trace, *b, depth).map(|(size, taken)| (size, !taken))),
            Val::Call { callee, args, .. } => match (trace.values.get(*callee), args.as_slice()) {
                (Val::Global(_), [only]) => self.size_in(trace, *only, depth),
                (Val::Field(receiver, _), []) => self.size_in(trace, *receiver, depth),
                _ => None,
            },
            Val::Over(Over::Fold, source, _) => match trace.values.get(*source) {
                Val::Result(op) => Some((size(self.variables.get(op)?.as_str()), false)),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn truth(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        value: ValId,
        truth: bool,
    ) -> Option<Expr> {
        let positive = match self.place(trace, value) {
            Some(Place::Column(variable, table, column)) => {
                let is_bool = self.is_boolean(schemas, &table, &column);
                let column_value = field(variable.as_str(), column.as_str());
                if is_bool {
                    self.note(&table, &column, &lit(true));
                    self.note(&table, &column, &lit(false));
                    column_value.eq(true)
                } else {
                    self.note(&table, &column, &null());
                    self.note(&table, &column, &lit(5));
                    column_value.ne(null())
                }
            }
            Some(Place::Row(variable, _) | Place::Size(variable)) => size(variable.as_str()).gt(0),
            Some(Place::Sum(variable, _, column)) => total(variable.as_str(), column.as_str()).gt(0),
            None => match trace.values.get(value).clone() {
                Val::Over(Over::Some, source, _) => match trace.values.get(source) {
                    Val::Result(op) if self.variables.contains_key(op) => size(self.variables[op].as_str()).gt(0),
                    _ => return self.truth_of_parts(trace, &[value], truth),
                },
                Val::Unary(UnaryOp::Not, inner) => return self.truth(trace, schemas, inner, !truth),
                _ => return self.truth_of_parts(trace, &[value], truth),
            },
        };
        Some(if truth { positive } else { !positive })
    }

    /// A test that is not understood: some condition on the first column it looks at. One that no run changes passes in both
    /// or in none, and where it does not there is nothing to see.
    pub(super) fn truth_of_parts(&mut self, trace: &mut Trace<'_>, values: &[ValId], truth: bool) -> Option<Expr> {
        let (variable, table, column) = values.iter().find_map(|v| self.column_in(trace, *v, 8))?;
        if !self.may_move(&table, &column) {
            return None;
        }
        self.note(&table, &column, &lit(PASSES));
        self.note(&table, &column, &lit(PASSES - 1));
        // What runs have made from a value that passes does so, too; what they have put in its place does not.
        let [one, other] = OWN_CHANGES;
        let passing = [0, one, other, one + other].map(|change| lit(PASSES + change));
        let positive = field(variable.as_str(), column.as_str()).is_in(passing);
        Some(if truth { positive } else { !positive })
    }

    pub(super) fn is_boolean(&self, schemas: &[Schema], table: &str, column: &str) -> bool {
        let entity = self.info.get(table).and_then(|t| t.schema).map(|(s, e)| &schemas[s].entities[e]);
        match entity.and_then(|e| e.column(column)).map(|c| &c.kind) {
            Some(ColumnKind::Scalar(name)) => name == "Boolean",
            Some(_) => false,
            None => {
                let known = self.info.get(table).and_then(|t| t.columns.get(column));
                known.is_some_and(|values| values.iter().any(|v| matches!(v, Value::Bool(_))))
                    || column.starts_with("is")
                    || column.starts_with("has")
            }
        }
    }

    pub(super) fn note_place(&mut self, trace: &Trace<'_>, value: ValId, other: &Expr) {
        if let Some(Place::Column(_, table, column)) = self.contents(trace, value) {
            self.note(&table, &column, other);
        }
    }
}
