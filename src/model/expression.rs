//! Calls of libraries that only make a value: conditions, written columns, lists.
//!
//! Conditions become objects of the form that filters of object literals have, under keys of their own, so that one reader
//! serves both.

use super::elaborate::Elaborator;
use super::value::{ArrayItem, Literal, ObjectEntry, Val, ValId, Values};
use crate::ir::BinaryOp;
use crate::library::{Callee, DataGrammar, ExprRow, FilterGrammar, Library, Meaning, Missing};

/// The key of a condition that must not hold.
pub(super) const NOT: &str = "$not";
/// The key of a number of rows.
pub(super) const COUNT: &str = "$count";
/// The key of another number computed from rows.
pub(super) const AGGREGATE: &str = "$aggregate";

/// The keys of conditions, and what they mean to the reader of filters.
const COMPARISONS: [(&str, &str); 10] = [
    ("$eq", "eq"),
    ("$ne", "ne"),
    ("$lt", "lt"),
    ("$le", "le"),
    ("$gt", "gt"),
    ("$ge", "ge"),
    ("$in", "in"),
    ("$not-in", "not-in"),
    ("$like", "like"),
    ("$other", "other"),
];

/// How conditions that calls made are read.
pub(super) fn filter_grammar() -> FilterGrammar {
    FilterGrammar {
        operators: COMPARISONS.map(|(key, meaning)| (key.to_owned(), meaning.to_owned())).to_vec(),
        and: vec!["$and".to_owned()],
        or: vec!["$or".to_owned()],
        not: vec![NOT.to_owned()],
        relation: Vec::new(),
    }
}

/// How written columns that calls made are read.
pub(super) fn data_grammar() -> DataGrammar {
    let deltas = [("$add", "+"), ("$sub", "-"), ("$mul", "*")];
    DataGrammar {
        deltas: deltas.map(|(key, meaning)| (key.to_owned(), meaning.to_owned())).to_vec(),
        set: vec!["$eq".to_owned()],
        append: Vec::new(),
        nested: Vec::new(),
    }
}

impl Elaborator<'_, '_> {
    /// The value that a call makes.
    pub fn express(&mut self, row: &ExprRow, library: &Library, receiver: ValId, name: &str, args: &[ValId]) -> ValId {
        let is_method = matches!(row.on.callee, Callee::Method { .. });
        let operands: Vec<ValId> = is_method.then_some(receiver).into_iter().chain(args.iter().copied()).collect();
        let first = operands.first().copied().unwrap_or_else(|| self.trace.values.unset());
        let last = operands.last().copied().unwrap_or(first);
        match row.means {
            Meaning::Eq => self.comparison(library, first, "$eq", last),
            Meaning::Ne => self.comparison(library, first, "$ne", last),
            Meaning::Lt => self.comparison(library, first, "$lt", last),
            Meaning::Le => self.comparison(library, first, "$le", last),
            Meaning::Gt => self.comparison(library, first, "$gt", last),
            Meaning::Ge => self.comparison(library, first, "$ge", last),
            Meaning::In => self.comparison(library, first, "$in", last),
            Meaning::NotIn => self.comparison(library, first, "$not-in", last),
            Meaning::Like => self.comparison(library, first, "$like", last),
            Meaning::Other => self.comparison(library, first, "$other", last),
            Meaning::Null | Meaning::NotNull => {
                let null = self.trace.values.add(Val::Const(Literal::Null));
                let key = if row.means == Meaning::Null { "$eq" } else { "$ne" };
                self.comparison(library, first, key, null)
            }
            Meaning::And => self.group("$and", operands),
            Meaning::Or => self.group("$or", operands),
            Meaning::Not => self.group(NOT, operands),
            Meaning::Add => self.trace.binary(BinaryOp::Add, first, last),
            Meaning::Sub => self.trace.binary(BinaryOp::Sub, first, last),
            Meaning::Mul => self.trace.binary(BinaryOp::Mul, first, last),
            Meaning::Value => self.without_table(library, last),
            Meaning::First => first,
            Meaning::Unset => self.trace.values.unset(),
            Meaning::Member => self.field(first, name),
            Meaning::Field => match self.trace.values.literal(last) {
                Some(Literal::Text(column) | Literal::Number(column)) => {
                    let column = column.clone();
                    self.field(first, &column)
                }
                _ => self.trace.values.add(Val::Index(first, last)),
            },
            Meaning::Count => self.group(COUNT, operands),
            Meaning::Aggregate => self.group(AGGREGATE, operands),
            Meaning::Optional => {
                let row = match self.trace.values.get(first) {
                    Val::Field(row, _) => *row,
                    _ => first,
                };
                if let Some(op) = self.row_of(row) {
                    self.trace.ops[op.index()].missing = Missing::Null;
                }
                first
            }
            Meaning::List => {
                let items = operands.into_iter().map(ArrayItem::Value).collect();
                self.trace.values.add(Val::Array(items))
            }
        }
    }

    /// The column of a pair of a table and a column; any other value as it is.
    fn without_table(&self, library: &Library, value: ValId) -> ValId {
        let Val::Array(items) = self.trace.values.get(value) else { return value };
        match items.as_slice() {
            [ArrayItem::Value(_), ArrayItem::Value(column)] if self.column_name(library, *column).is_some() => *column,
            _ => value,
        }
    }

    /// A column that takes a value.
    pub fn assignment(&mut self, library: &Library, column: ValId, value: ValId) -> ValId {
        self.comparison(library, column, "$eq", value)
    }

    fn comparison(&mut self, library: &Library, column: ValId, key: &str, value: ValId) -> ValId {
        let Some(name) = self.column_name(library, column) else {
            let parts = vec![column, value];
            return self.trace.values.add(Val::Derived(parts));
        };
        let entry = self.written(library, &name, key, value);
        let name = match self.column_owner(library, column) {
            Some(owner) => format!("{owner}::{name}"),
            None => name,
        };
        self.trace.object(vec![ObjectEntry::Field(name, entry)])
    }

    /// What stands under a column's name. A sum of the column itself is a relative change.
    fn written(&mut self, library: &Library, name: &str, key: &str, value: ValId) -> ValId {
        if key == "$eq"
            && let Val::Binary(op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul), of, by) =
                self.trace.values.get(value).clone()
            && self.column_name(library, of).as_deref() == Some(name)
        {
            let key = match op {
                BinaryOp::Add => "$add",
                BinaryOp::Sub => "$sub",
                _ => "$mul",
            };
            return self.trace.object(vec![ObjectEntry::Field(key.to_owned(), by)]);
        }
        // Another column of the row has a value that is not known.
        let value = match self.column_name(library, value) {
            Some(_) => self.trace.values.opaque(),
            None => value,
        };
        self.trace.object(vec![ObjectEntry::Field(key.to_owned(), value)])
    }

    fn group(&mut self, key: &str, operands: Vec<ValId>) -> ValId {
        let items = operands.into_iter().map(ArrayItem::Value).collect();
        let list = self.trace.values.add(Val::Array(items));
        self.trace.object(vec![ObjectEntry::Field(key.to_owned(), list)])
    }

    /// The table of the schema whose column a value is by its path.
    fn column_owner(&self, library: &Library, column: ValId) -> Option<String> {
        let path = self.path_of(column)?;
        let (module, _) = path.rsplit_once("::")?;
        let mut segments = module.rsplit("::").filter(|segment| !library.names.skip.iter().any(|skip| skip == segment));
        let owner = library.names.entity.convert(segments.next()?);
        self.schema_position(&owner).is_some().then_some(owner)
    }

    /// The column that a value stands for.
    pub fn column_name(&self, library: &Library, value: ValId) -> Option<String> {
        let typed = self.typed(value)?;
        if !typed.row.column || !std::ptr::eq(typed.library, library) {
            return None;
        }
        let path = self.path_of(value)?;
        let last = path.rsplit("::").next()?;
        Some(library.names.column.convert(last))
    }
}

/// Whether a value is a condition that calls have made.
pub(super) fn is_condition(values: &Values, value: ValId) -> bool {
    let is_key = |key: &String| key.starts_with('$');
    let Val::Object(entries) = values.get(value) else { return false };
    let Some(ObjectEntry::Field(key, inner)) = entries.first() else { return false };
    is_key(key)
        || matches!(values.get(*inner), Val::Object(inner)
            if matches!(inner.first(), Some(ObjectEntry::Field(key, _)) if is_key(key)))
}
