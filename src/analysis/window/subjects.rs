//! What facts and values say of a check: its row, its columns, its set.

use super::*;

impl Search<'_, '_, '_> {
    /// What an atom says of the check.
    pub(super) fn subject(&self, check: OpId, atom: &Atom) -> Option<Subject> {
        let trace = &*self.trace;
        match atom {
            Atom::Present(value) => {
                if self.is_check_row(check, *value) || self.is_check_size(check, *value) {
                    return Some(Subject::Existence);
                }
                self.columns_of(check, *value)
            }
            Atom::True(value) => match trace.values.get(*value) {
                Val::Over(Over::Some | Over::Find, source, body) if self.is_check_set(check, *source) => {
                    // A test for one value asks for a row; any other test is one over the whole set.
                    Some(if self.is_equality(*body) { Subject::Existence } else { Subject::Set })
                }
                Val::Over(Over::Every, source, _) if self.is_check_set(check, *source) => Some(Subject::Set),
                // That a loop over a list goes on says nothing of what is in it.
                Val::Derived(parts) if matches!(parts.as_slice(), [only] if self.is_list(*only)) => None,
                _ => self.columns_of(check, *value),
            },
            Atom::Eq(a, b) | Atom::Lt(a, b) | Atom::Le(a, b) | Atom::Among(a, b) => {
                if self.size_in(check, *a, 5) || self.size_in(check, *b, 5) {
                    return Some(Subject::Size);
                }
                let (left, right) = (self.columns_of(check, *a), self.columns_of(check, *b));
                match (left, right) {
                    (Some(Subject::Columns(mut left)), Some(Subject::Columns(right))) => {
                        left.extend(right);
                        Some(Subject::Columns(left))
                    }
                    (left, right) => left.or(right),
                }
            }
        }
    }

    pub(super) fn is_check_row(&self, check: OpId, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Result(op) => *op == check && self.trace.op(check).rows == Rows::One,
            Val::Field(base, name) => name.parse::<usize>().is_ok() && self.is_check_set(check, *base),
            Val::Over(Over::Find, source, _) => self.is_check_set(check, *source),
            Val::Element(source) => self.is_check_set(check, *source),
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.is_check_row(check, *a),
            _ => false,
        }
    }

    pub(super) fn is_check_set(&self, check: OpId, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Result(op) => *op == check && self.trace.op(check).rows == Rows::Many,
            Val::Over(Over::Filter | Over::Map, source, _) => self.is_check_set(check, *source),
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.is_check_set(check, *a),
            // Collections put together.
            Val::Array(items) => {
                items.iter().any(|item| matches!(item, ArrayItem::Spread(all) if self.is_check_set(check, *all)))
            }
            _ => false,
        }
    }

    /// Whether a value is a list that was made here: from other lists, or item by item.
    fn is_list(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Over(Over::Map | Over::Filter, ..) | Val::Array(_) => true,
            Val::Phi(phi) => {
                let operands = &self.trace.values.phi(*phi).operands;
                operands.iter().any(|(_, list)| matches!(self.trace.values.get(*list), Val::Array(_)))
            }
            _ => false,
        }
    }

    pub(super) fn is_check_size(&self, check: OpId, value: ValId) -> bool {
        if !is_size(self.trace, value) {
            return false;
        }
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 12 {
                return false;
            }
            match self.trace.values.get(value) {
                Val::Result(op) if *op == check => return true,
                Val::Field(..) | Val::Binary(..) | Val::Call { .. } | Val::Over(..) => {
                    todo.extend(self.trace.values.parts(value));
                }
                _ => {}
            }
        }
        false
    }

    pub(super) fn size_in(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if self.is_check_size(check, value) {
            // A relation's list that was read along is a set of other rows.
            return true;
        }
        match self.trace.values.get(value) {
            Val::Binary(BinaryOp::Add | BinaryOp::Sub, a, b) => {
                self.size_in(check, *a, depth) || self.size_in(check, *b, depth)
            }
            Val::Field(base, _) => match self.trace.values.get(*base) {
                // Sums and other aggregates of the whole set.
                Val::Field(inner, _) => {
                    matches!(self.trace.values.get(*inner), Val::Result(op) if *op == check)
                        && self.trace.op(check).rows == Rows::Number
                }
                _ => false,
            },
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.size_in(check, *a, depth),
            Val::Call { callee, args, .. } => match (self.trace.values.get(*callee), args.as_slice()) {
                (Val::Global(_), [only]) => self.size_in(check, *only, depth),
                (Val::Field(receiver, _), []) => self.size_in(check, *receiver, depth),
                _ => false,
            },
            Val::Over(Over::Fold, source, _) => self.is_check_set(check, *source),
            _ => false,
        }
    }

    /// The columns of the check's row that a value is made from; columns of rows read along are none of its own.
    pub(super) fn columns_of(&self, check: OpId, value: ValId) -> Option<Subject> {
        let mut names = Vec::new();
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 200 {
                break;
            }
            if self.is_contents(check, value) {
                names.push(CONTENTS.to_owned());
                continue;
            }
            if let Val::Field(base, name) = self.trace.values.get(value)
                && self.is_check_row(check, *base)
            {
                if !self.is_relation(check, name) {
                    names.push(name.clone());
                }
                continue;
            }
            todo.extend(self.trace.values.parts(value));
        }
        names.sort();
        names.dedup();
        (!names.is_empty()).then_some(Subject::Columns(names))
    }

    pub(super) fn is_relation(&self, op: OpId, column: &str) -> bool {
        let entity = entity_of(self.schemas, self.trace.op(op));
        let found = entity.and_then(|e| e.column(column)).map(|c| &c.kind);
        matches!(found, Some(ColumnKind::Relation(_))) || column == "_count"
    }

    /// Whether a test compares members for equality and does nothing else.
    pub(super) fn is_equality(&self, test: ValId) -> bool {
        match self.trace.values.get(test) {
            Val::Binary(BinaryOp::Eq, ..) => true,
            Val::Binary(BinaryOp::And, a, b) => self.is_equality(*a) && self.is_equality(*b),
            _ => false,
        }
    }
}
