//! The condition under which the code goes on to act, read off the branches between check and act.

use super::path::{Path, Turn};
use super::scene::{Scene, Val};
use crate::ir::{BinaryOp, Const, Expr, ExprKind, Item, UnaryOp};
use crate::model::Literal;
use crate::schema::ColumnKind;

/// What a branch tells.
#[derive(Clone, Debug)]
pub(super) enum Fact<'a> {
    /// Whether the row was there.
    Row(bool),
    /// The row may be absent, or something else holds.
    Unless,
    /// A column compared.
    Column(&'a str, Test<'a>),
    /// Anything else.
    Other,
}

/// How a column was compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test<'a> {
    /// With a value, by an operator as libraries name them (`eq`, `ge`).
    Than(&'static str, Val<'a>),
    /// Whether it is null.
    Null(bool),
    /// Whether it counts as true.
    True(bool),
}

const ORDER: [(BinaryOp, &str, &str, &str); 6] = [
    // The operator, its name, its opposite, and its name seen from the other side.
    (BinaryOp::Eq, "eq", "ne", "eq"),
    (BinaryOp::Ne, "ne", "eq", "ne"),
    (BinaryOp::Lt, "lt", "ge", "gt"),
    (BinaryOp::Le, "le", "gt", "ge"),
    (BinaryOp::Gt, "gt", "le", "lt"),
    (BinaryOp::Ge, "ge", "lt", "le"),
];

/// Methods of decimal numbers that compare.
const METHODS: [(&str, BinaryOp); 12] = [
    ("lt", BinaryOp::Lt),
    ("lessThan", BinaryOp::Lt),
    ("lte", BinaryOp::Le),
    ("lessThanOrEqualTo", BinaryOp::Le),
    ("gt", BinaryOp::Gt),
    ("greaterThan", BinaryOp::Gt),
    ("gte", BinaryOp::Ge),
    ("greaterThanOrEqualTo", BinaryOp::Ge),
    ("eq", BinaryOp::Eq),
    ("equals", BinaryOp::Eq),
    ("isEqualTo", BinaryOp::Eq),
    ("isLessThan", BinaryOp::Lt),
];

impl<'a> Scene<'a> {
    /// What a branch that was taken tells of the row.
    pub(super) fn facts(&self, path: &Path<'a>, turn: &Turn<'a>) -> Vec<Fact<'a>> {
        let mut facts = Vec::new();
        self.read(path, Val { unit: turn.unit, expr: turn.test }, turn.truth, &mut facts, 0);
        facts
    }

    fn read(&self, path: &Path<'a>, value: Val<'a>, truth: bool, facts: &mut Vec<Fact<'a>>, depth: u32) {
        if depth > 12 {
            facts.push(Fact::Other);
            return;
        }
        if self.is_row(path, value) {
            facts.push(Fact::Row(truth));
            return;
        }
        if let Some(column) = self.column(path, value) {
            facts.push(match self.is_size(column) {
                true => Fact::Row(truth),
                false => Fact::Column(column, Test::True(truth)),
            });
            return;
        }
        let value = self.seen(path, value);
        let of = |expr: &'a Expr| Val { unit: value.unit, expr };
        match &value.expr.kind {
            ExprKind::Unary(UnaryOp::Not, inner) => self.read(path, of(inner), !truth, facts, depth + 1),
            // What stands in for an absent value is as untrue as that.
            ExprKind::Binary(BinaryOp::Or | BinaryOp::Coalesce, a, b) if is_untrue(self.seen(path, of(b)).expr) => {
                self.read(path, of(a), truth, facts, depth + 1);
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                if (*op == BinaryOp::And) == truth {
                    self.read(path, of(a), truth, facts, depth + 1);
                    self.read(path, of(b), truth, facts, depth + 1);
                    return;
                }
                // One of both. That the row is there is no choice where the act needs it.
                let mut first = Vec::new();
                self.read(path, of(a), truth, &mut first, depth + 1);
                match first.as_slice() {
                    [Fact::Row(false)] if *op == BinaryOp::And => {
                        facts.push(Fact::Unless);
                        self.read(path, of(b), truth, facts, depth + 1);
                    }
                    _ => facts.push(Fact::Other),
                }
            }
            ExprKind::Binary(op, a, b) => facts.push(self.compared(path, *op, of(a), of(b), truth)),
            ExprKind::Slot(slot) => {
                let call = self.call_of(value.unit, *slot);
                facts.push(call.and_then(|call| self.called(path, value, call, truth)).unwrap_or(Fact::Other));
            }
            _ => facts.push(Fact::Other),
        }
    }

    fn compared(&self, path: &Path<'a>, op: BinaryOp, a: Val<'a>, b: Val<'a>, truth: bool) -> Fact<'a> {
        let Some((_, name, opposite, _)) = ORDER.iter().find(|row| row.0 == op) else { return Fact::Other };
        let name = if truth { *name } else { *opposite };
        let mirrored = ORDER.iter().find(|row| row.1 == name).map_or(name, |row| row.3);
        for (column, value, name) in [(a, b, name), (b, a, mirrored)] {
            let seen = self.seen(path, value);
            let is_null = matches!(seen.expr.kind, ExprKind::Const(Const::Null | Const::Unset));
            let equality = matches!(name, "eq" | "ne");
            if is_null && equality && self.is_row(path, column) {
                return Fact::Row(name == "ne");
            }
            if self.is_row(path, column) || self.column(path, column).is_some_and(|column| self.is_size(column)) {
                return match (name, &seen.expr.kind) {
                    ("gt" | "ne", ExprKind::Const(Const::Number(n))) if n == "0" => Fact::Row(true),
                    ("ge", ExprKind::Const(Const::Number(n))) if n == "1" => Fact::Row(true),
                    ("eq" | "le", ExprKind::Const(Const::Number(n))) if n == "0" => Fact::Row(false),
                    ("lt", ExprKind::Const(Const::Number(n))) if n == "1" => Fact::Row(false),
                    _ => Fact::Other,
                };
            }
            let Some(column) = self.compared_column(path, column, equality.then_some(seen)) else { continue };
            return match is_null && equality {
                true => Fact::Column(column, Test::Null(name == "eq")),
                // A column compared with another of the same row.
                false if self.mentions_row(path, value) => Fact::Other,
                false => Fact::Column(column, Test::Than(name, value)),
            };
        }
        self.difference(path, a, b, name).unwrap_or(Fact::Other)
    }

    /// Whether a member is how many rows there are, and no column.
    fn is_size(&self, member: &str) -> bool {
        member == "length" && self.entity(self.check).is_none_or(|entity| entity.column(member).is_none())
    }

    /// A column, also one with something that stands in for null: a number where an order is asked for, and where it is
    /// compared for equality whatever is none of what it is compared `with`.
    fn compared_column(&self, path: &Path<'a>, value: Val<'a>, with: Option<Val<'a>>) -> Option<&'a str> {
        if let Some(column) = self.column(path, value) {
            return Some(column);
        }
        let seen = self.seen(path, value);
        let ExprKind::Binary(op @ (BinaryOp::Coalesce | BinaryOp::Or), inner, other) = &seen.expr.kind else {
            return None;
        };
        let ExprKind::Const(stand_in) = &self.seen(path, Val { unit: seen.unit, expr: other }).expr.kind else {
            return None;
        };
        let apart = |value: &Expr| matches!(&value.kind, ExprKind::Const(known) if known != stand_in);
        let fits = match with.map(|with| with.expr) {
            None => *op == BinaryOp::Coalesce && matches!(stand_in, Const::Number(_)),
            Some(Expr { kind: ExprKind::Array(items), .. }) => items.iter().all(|item| match item {
                Item::Value(value) => apart(value),
                Item::Spread(_) => false,
            }),
            Some(value) => apart(value) || *stand_in == Const::Null && matches!(value.kind, ExprKind::Field(..)),
        };
        fits.then(|| self.column(path, Val { unit: seen.unit, expr: inner })).flatten()
    }

    /// `column - x < 0`.
    fn difference(&self, path: &Path<'a>, a: Val<'a>, b: Val<'a>, name: &'static str) -> Option<Fact<'a>> {
        let zero = matches!(&self.seen(path, b).expr.kind, ExprKind::Const(Const::Number(n)) if n == "0");
        let seen = self.seen(path, a);
        match &seen.expr.kind {
            ExprKind::Binary(BinaryOp::Sub, column, less) if zero => {
                let column = self.column(path, Val { unit: seen.unit, expr: column })?;
                let less = Val { unit: seen.unit, expr: less };
                (!self.mentions_row(path, less)).then_some(Fact::Column(column, Test::Than(name, less)))
            }
            _ => None,
        }
    }

    /// `list.includes(column)`, and comparisons that are methods.
    fn called(&self, path: &Path<'a>, at: Val<'a>, call: &'a crate::ir::Call, truth: bool) -> Option<Fact<'a>> {
        let ExprKind::Field(base, method) = &call.callee.kind else { return None };
        let [Item::Value(argument)] = call.args.as_slice() else { return None };
        let (base, argument) = (Val { unit: at.unit, expr: base }, Val { unit: at.unit, expr: argument });
        if method == "includes" {
            let list = self.seen(path, base);
            let column = self.compared_column(path, argument, Some(list))?;
            let is_list = matches!(list.expr.kind, ExprKind::Array(_));
            return is_list.then_some(Fact::Column(column, Test::Than(if truth { "in" } else { "not-in" }, base)));
        }
        let (_, op) = METHODS.iter().find(|(name, _)| name == method)?;
        Some(self.compared(path, *op, base, argument, truth))
    }

    /// What a way tells of one column.
    fn tests(&self, path: &Path<'a>, column: &str) -> Vec<Test<'a>> {
        let facts = path.turns.iter().flat_map(|turn| self.facts(path, turn));
        facts
            .filter_map(|fact| match fact {
                Fact::Column(name, test) if name == column => Some(test),
                _ => None,
            })
            .collect()
    }

    /// The entry of a condition that repeats what the ways tell of a column; `None` if they do not say it simply.
    pub(super) fn guard(&self, paths: &[Path<'a>], column: &str) -> Option<String> {
        let mut entries: Vec<String> = Vec::new();
        let mut equal: Vec<String> = Vec::new();
        for path in paths {
            let tests = self.tests(path, column);
            if let Some(value) = tests.iter().find_map(|test| match test {
                Test::Than("eq", value) => self.text(*value),
                _ => None,
            }) {
                if !equal.contains(&value) {
                    equal.push(value);
                }
                continue;
            }
            let entry = self.combined(column, &tests)?;
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        match (entries.as_slice(), equal.as_slice()) {
            ([only], []) => Some(only.clone()),
            ([], [value]) => Some(if value == column { value.clone() } else { format!("{column}: {value}") }),
            ([], [_, ..]) => Some(format!("{column}: {{ {}: [{}] }}", self.operator("in")?, equal.join(", "))),
            _ => None,
        }
    }

    /// The entry of a condition that says in constants what is known of a column wherever the act is reached.
    pub(super) fn known_guard(&self, column: &str) -> Option<String> {
        let known = self.case.checked.iter().find(|checked| checked.column == column)?;
        let optional = self.entity(self.act).and_then(|e| e.column(column)).is_some_and(|column| column.optional);
        let texts = |values: &[Literal]| values.iter().map(literal).collect::<Vec<String>>();
        match known.among.as_slice() {
            [] => {}
            [only] => return Some(format!("{column}: {}", literal(only))),
            several if several.contains(&Literal::Null) => return None,
            several => {
                return Some(format!("{column}: {{ {}: [{}] }}", self.operator("in")?, texts(several).join(", ")));
            }
        }
        if let Some(truth) = known.truth {
            return self.truth(column, truth);
        }
        match known.none_of.as_slice() {
            [Literal::Null] => Some(format!("{column}: {{ {}: null }}", self.operator("ne")?)),
            // For the database null is neither equal nor unequal to anything.
            [] => None,
            several if optional || several.contains(&Literal::Null) => None,
            [only] => Some(format!("{column}: {{ {}: {} }}", self.operator("ne")?, literal(only))),
            several => Some(format!("{column}: {{ {}: [{}] }}", self.operator("not-in")?, texts(several).join(", "))),
        }
    }

    /// One condition from the tests of one way, none of which asks for equality.
    fn combined(&self, column: &str, tests: &[Test<'a>]) -> Option<String> {
        let mut parts: Vec<(String, String)> = Vec::new();
        let mut unequal: Vec<String> = Vec::new();
        let optional = self.entity(self.act).and_then(|e| e.column(column)).is_some_and(|column| column.optional);
        for test in tests {
            match test {
                Test::Null(true) => return Some(format!("{column}: null")),
                Test::Null(false) => unequal.push("null".to_owned()),
                Test::True(truth) => return self.truth(column, *truth),
                // For the database null is neither equal nor unequal to anything.
                Test::Than("ne" | "not-in", _) if optional => return None,
                Test::Than("ne", value) => unequal.push(self.text(*value)?),
                Test::Than(op, value) => parts.push((self.operator(op)?.to_owned(), self.text(*value)?)),
            }
        }
        unequal.dedup();
        match unequal.as_slice() {
            [] => {}
            [only] => parts.push((self.operator("ne")?.to_owned(), only.clone())),
            several if several.iter().any(|value| value == "null") => return None,
            several => parts.push((self.operator("not-in")?.to_owned(), format!("[{}]", several.join(", ")))),
        }
        parts.dedup();
        let parts: Vec<String> = parts.into_iter().map(|(op, value)| format!("{op}: {value}")).collect();
        (!parts.is_empty()).then(|| format!("{column}: {{ {} }}", parts.join(", ")))
    }

    /// A column that was tested for being true, whatever its type takes for true.
    fn truth(&self, column: &str, truth: bool) -> Option<String> {
        let described = self.entity(self.act).and_then(|entity| entity.column(column));
        let not = self.operator("ne")?;
        match described {
            Some(it) if matches!(&it.kind, ColumnKind::Scalar(name) if name == "Boolean") => {
                Some(format!("{column}: {truth}"))
            }
            Some(it) if it.optional && !it.list => match truth {
                false => Some(format!("{column}: null")),
                true => Some(format!("{column}: {{ {not}: null }}")),
            },
            Some(it) => match &it.kind {
                ColumnKind::Scalar(name) if matches!(name.as_str(), "Int" | "BigInt" | "Float") && !it.list => {
                    Some(if truth { format!("{column}: {{ {not}: 0 }}") } else { format!("{column}: 0") })
                }
                _ => None,
            },
            None => None,
        }
    }

    /// The library's word for an operator of conditions.
    pub(super) fn operator(&self, meaning: &str) -> Option<&'a str> {
        self.library.filter.operators.iter().find(|(_, means)| means == meaning).map(|(word, _)| word.as_str())
    }

    /// The ways that do not contradict themselves.
    pub(super) fn possible(&self, paths: Vec<Path<'a>>) -> Vec<Path<'a>> {
        let contradicts = |path: &Path<'a>| {
            let facts: Vec<Fact<'a>> = path.turns.iter().flat_map(|turn| self.facts(path, turn)).collect();
            let has = |wanted: bool| facts.iter().any(|fact| matches!(fact, Fact::Row(there) if *there == wanted));
            has(true) && has(false)
        };
        paths.into_iter().filter(|path| !contradicts(path)).collect()
    }
}

/// Whether a value never counts as true.
fn is_untrue(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Const(Const::Null | Const::Unset | Const::Bool(false)) => true,
        ExprKind::Const(Const::Text(text)) => text.is_empty(),
        ExprKind::Const(Const::Number(number)) => number == "0",
        _ => false,
    }
}

/// A constant, as code.
fn literal(value: &Literal) -> String {
    match value {
        Literal::Null | Literal::Unset => "null".to_owned(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Number(number) => number.clone(),
        Literal::Text(text) => format!("{text:?}"),
    }
}
