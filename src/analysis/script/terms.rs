//! Values of a trace as terms of the judge's language.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::facts::{Atom, Fact};
use crate::analysis::paths::{self, Choices};
use crate::interleave::{self as judge, Env, Expr, Name, Row, Table, Value, col, field, lit, null, size, total, var};
use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Rows, Verb};
use crate::model::{
    ArrayItem, BlockId, Compare, Conditions, Literal, OpId, OpSource, Trace, Val, ValId, Writes, Written,
};
use crate::schema::{ColumnKind, DefaultValue as ColumnDefault, Entity, Schema};
use crate::sql::{Op, SqlValue};

/// What is known of a table of the script.
#[derive(Clone, Debug, Default)]
pub struct TableInfo {
    /// Where it is described.
    pub schema: Option<(usize, usize)>,
    /// Columns and the values that matter for them.
    pub columns: BTreeMap<String, BTreeSet<Value>>,
    /// What filters ask of a row, by equality.
    pub templates: Vec<Vec<(String, Expr)>>,
}

/// A value that a statement of the script gave.
enum Place {
    /// The first row of a variable.
    Row(String, String),
    /// A column of that row.
    Column(String, String, String),
    /// How many rows a variable holds.
    Size(String),
    /// The sum of a column.
    Sum(String, String, String),
}

/// The terms of one script.
pub struct Terms {
    choices: Rc<Choices>,
    variables: FxHashMap<OpId, String>,
    agreed: FxHashSet<ValId>,
    constants: FxHashMap<ValId, i64>,
    arguments: FxHashMap<ValId, usize>,
    /// Tables, by name.
    pub info: BTreeMap<String, TableInfo>,
    /// The table of the check.
    pub check_table: String,
    /// What the check's own condition fixes, for columns that an act leaves open.
    predicate: Vec<(String, Expr)>,
    /// Columns that an update writes: before it, a row holds something else.
    pub changed: BTreeSet<(String, String)>,
    /// What branches on the way say of values that no statement gave.
    known: FxHashMap<ValId, Expr>,
    /// The variable whose rows are counted on from.
    counting: Option<String>,
    /// What the way asks of columns, and the table behind each variable.
    asked: Vec<Expr>,
    tables_of: FxHashMap<String, String>,
}

impl Terms {
    /// Terms for one way.
    #[must_use]
    pub fn new(trace: &Trace<'_>, way: &[BlockId]) -> Self {
        Self {
            choices: Rc::new(paths::choices(trace, way)),
            variables: FxHashMap::default(),
            agreed: FxHashSet::default(),
            constants: FxHashMap::default(),
            arguments: FxHashMap::default(),
            info: BTreeMap::new(),
            check_table: String::new(),
            predicate: Vec::new(),
            changed: BTreeSet::new(),
            known: FxHashMap::default(),
            counting: None,
            asked: Vec::new(),
            tables_of: FxHashMap::default(),
        }
    }

    /// A value on this way.
    pub fn resolve(&self, trace: &mut Trace<'_>, value: ValId) -> ValId {
        paths::resolve(trace, value, &mut |phi| self.choices.get(&phi).copied())
    }

    /// The same as a function, for readers of conditions.
    pub fn seeing(&self) -> impl FnMut(&mut Trace<'_>, ValId) -> ValId + use<> {
        let choices = Rc::clone(&self.choices);
        move |trace, value| paths::resolve(trace, value, &mut |phi| choices.get(&phi).copied())
    }

    /// Makes the values of the check's condition the same in both runs.
    ///
    /// With `mover`, the rows that this operation picks are each run's own.
    pub fn fix_predicate(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], check: OpId, mover: Option<OpId>) {
        let mut see = self.seeing();
        let conditions = trace.conditions(schemas, check, &mut |trace, value| see(trace, value));
        let mut values = Vec::new();
        match mover {
            None => conditions.each(&mut |c| values.push(c.value)),
            Some(mover) => {
                let others = trace.conditions(schemas, mover, &mut |trace, value| see(trace, value));
                // Both runs share the group; the row that one picks out of it is its own.
                let (group, single) =
                    if trace.op(check).rows == Rows::Many { (&conditions, &others) } else { (&others, &conditions) };
                let picked: Vec<ValId> = single.all.iter().map(|c| c.value).collect();
                let shared = group.all.iter().filter(|c| c.op == Compare::Eq && !picked.contains(&c.value));
                values.extend(shared.map(|c| c.value));
            }
        }
        for value in values {
            if let Val::Array(items) = trace.values.get(value) {
                for item in items {
                    let (ArrayItem::Value(v) | ArrayItem::Spread(v)) = item;
                    self.agreed.insert(*v);
                }
            }
            self.agreed.insert(value);
        }
        // A row read by agreed keys is the same for both.
        let before: Vec<OpId> = (0..check.0).map(OpId).filter(|op| trace.op(*op).verb == Verb::Read).collect();
        for op in before {
            let asked = trace.conditions(schemas, op, &mut |trace, value| see(trace, value));
            let keyed = trace.op(op).rows == Rows::One && !asked.all.is_empty() && !asked.opaque;
            if keyed && asked.all.iter().all(|c| self.agrees(trace, c.value, 16)) {
                let row = trace.values.add(Val::Result(op));
                self.agreed.insert(row);
            }
        }
        self.check_table.clone_from(&trace.op(check).entity);
        for condition in &conditions.all {
            if condition.op == Compare::Eq && condition.through.is_empty() {
                let value = self.expr(trace, schemas, condition.value);
                self.predicate.push((condition.column.clone(), value));
            }
        }
    }

    /// Takes in what a branch on the way says of a value that no statement gave.
    pub fn learn(&mut self, trace: &Trace<'_>, (atom, truth): &Fact) {
        let is_leaf = |value: ValId| {
            matches!(trace.values.get(value), Val::Param(..) | Val::Field(..) | Val::Opaque(_) | Val::Call { .. })
        };
        match atom {
            Atom::True(value) if is_leaf(*value) => {
                self.known.insert(*value, lit(*truth));
            }
            // A column that must equal it makes it the same in every run that gets here.
            Atom::Eq(a, b) if *truth => {
                for (value, other) in [(*a, *b), (*b, *a)] {
                    if is_leaf(value) && self.is_from_rows(trace, other, 10) && !self.is_from_rows(trace, value, 10) {
                        self.agreed.insert(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a value is made from what some operation gave.
    fn is_from_rows(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        matches!(trace.values.get(value), Val::Result(_))
            || trace.values.parts(value).into_iter().any(|part| self.is_from_rows(trace, part, depth))
    }

    /// The variable that holds what an operation gave.
    pub fn variable(&mut self, op: OpId) -> String {
        let count = self.variables.len();
        self.variables.entry(op).or_insert_with(|| format!("v{count}")).clone()
    }

    /// Notes a condition that the way asks for, and the table that a variable holds rows of.
    pub fn ask(&mut self, condition: &Expr) {
        self.asked.push(condition.clone());
    }

    /// Notes which table a variable holds rows of.
    pub fn holds(&mut self, variable: &str, table: &str) {
        self.tables_of.insert(variable.to_owned(), table.to_owned());
    }

    /// How many of the way's conditions a value in a column refuses.
    #[must_use]
    pub fn refusals(&self, table: &str, column: &str, value: &Value) -> usize {
        let of_table = |variable: &str| self.tables_of.get(variable).is_some_and(|t| t == table);
        self.asked.iter().filter(|expr| holds_for(expr, column, value, &of_table) == Some(false)).count()
    }

    /// Takes what an operation gives for rows that new ones are numbered on from.
    pub fn count_on(&mut self, op: OpId) {
        self.counting = Some(self.variable(op));
    }

    /// Makes sure that a table is part of the script.
    pub fn touch(&mut self, table: &str) {
        self.info.entry(table.to_owned()).or_default();
    }

    /// Notes where a table is described.
    pub fn describe(&mut self, table: &str, schema: Option<(usize, usize)>) {
        self.info.entry(table.to_owned()).or_default().schema = schema;
    }

    fn note(&mut self, table: &str, column: &str, value: &Expr) {
        let columns = &mut self.info.entry(table.to_owned()).or_default().columns;
        let known = columns.entry(column.to_owned()).or_default();
        if let Expr::Const(value) = value {
            known.insert(value.clone());
        }
    }

    /// Makes sure that rows have a column, whatever is in it.
    fn fill(&mut self, table: &str, column: &str) {
        self.info.entry(table.to_owned()).or_default().columns.entry(column.to_owned()).or_default();
    }

    /// A filter on rows. Conditions that cannot be said are left out: they are the same for both runs.
    pub fn filter(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], table: &str, conditions: &Conditions) -> Expr {
        let template = self.template(trace, schemas, table, conditions);
        if !template.is_empty() {
            let templates = &mut self.info.entry(table.to_owned()).or_default().templates;
            if !templates.contains(&template) {
                templates.push(template);
            }
        }
        self.condition(trace, schemas, table, conditions).unwrap_or(Expr::TRUE)
    }

    fn template(
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
        // Of alternatives, a row that takes the first is enough.
        for arms in &conditions.any {
            if let Some(first) = arms.first() {
                let inner = self.template(trace, schemas, table, first);
                fixed.extend(inner.into_iter().filter(|(c, _)| !conditions.on(c).any(|_| true)));
            }
        }
        fixed
    }

    fn condition(
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
                    let ordered = matches!(op, Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
                    let value = if ordered {
                        self.number(trace, schemas, condition.value)
                    } else {
                        self.expr(trace, schemas, condition.value)
                    };
                    self.note(table, column, &value);
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

    /// The filter that stays when a condition moves into a sub-select.
    #[must_use]
    pub fn identity(&self, _filter: &Expr) -> Expr {
        Expr::TRUE
    }

    /// What an insert or update writes.
    pub fn assignments(
        &mut self,
        trace: &mut Trace<'_>,
        schemas: &[Schema],
        table: &str,
        writes: &Writes,
    ) -> Vec<(Name, Expr)> {
        let mut all: Vec<(Name, Expr)> = Vec::new();
        for (column, written) in &writes.columns {
            let value = match written {
                Written::Value(value) => match self.known.get(value) {
                    // A flag from the caller that a branch on the way has asked for.
                    Some(known) if self.is_boolean(schemas, table, column) => known.clone(),
                    _ => self.expr(trace, schemas, *value),
                },
                Written::Delta { op, by } => {
                    let by = self.number(trace, schemas, *by);
                    self.fill(table, column);
                    if *op == '-' { col(column.as_str()) - by } else { col(column.as_str()) + by }
                }
                Written::Append(_) => {
                    self.note(table, column, &lit(5));
                    col(column.as_str()) + var("own")
                }
                Written::Opaque => continue,
            };
            if matches!(value, Expr::Const(Value::Bool(_))) {
                self.note(table, column, &value);
            } else {
                self.fill(table, column);
            }
            all.retain(|(known, _)| &**known != column.as_str());
            all.push((column.as_str().into(), value));
        }
        all
    }

    /// What an insert writes to a column that the check asked for: a value made from what was asked for is that value, as
    /// normalising it twice changes nothing.
    #[must_use]
    pub fn as_looked_for(&self, table: &str, column: &str, value: Expr) -> Expr {
        let made_from_it = matches!(&value, Expr::Const(Value::Int(n)) if *n >= FIRST_CONSTANT);
        match self.predicate.iter().find(|(c, _)| c == column) {
            Some((_, looked)) if made_from_it && table == self.check_table => looked.clone(),
            _ => value,
        }
    }

    /// What a unique key's column holds that an insert leaves out; `None`: nothing that collides.
    pub fn default_of(&mut self, entity: &Entity, column: &str, opaque: bool) -> Option<Expr> {
        if let Some((_, value)) = self.predicate.iter().find(|(c, _)| c == column)
            && opaque
            && entity.name == self.check_table
        {
            return Some(value.clone());
        }
        let found = entity.column(column)?;
        match &found.default {
            ColumnDefault::Literal(text) => Some(literal_value(text)),
            ColumnDefault::None if opaque => Some(var("own")),
            // Orders compare times as the number two; a row made now is as new as they ask.
            ColumnDefault::Now => Some(lit(2)),
            _ => None,
        }
    }

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
                if self.place(trace, *a).is_none() && self.place(trace, *b).is_none() {
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
                let Some(Place::Column(variable, table, column)) = self.place(trace, *item) else {
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
    fn ordered(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], a: ValId, b: ValId) -> Option<(Expr, Expr)> {
        let (left, right) = (self.size_in(trace, a, 5), self.size_in(trace, b, 5));
        match (left, right) {
            (Some((left, false)), None) | (None, Some((left, true))) => return Some((left, lit(1))),
            (None, Some((right, false))) | (Some((right, true)), None) => return Some((lit(1), right)),
            _ => {}
        }
        let (pa, pb) = (self.place(trace, a), self.place(trace, b));
        if pa.is_none() && pb.is_none() {
            return None;
        }
        let (left, right) = (self.number(trace, schemas, a), self.number(trace, schemas, b));
        for (place, other) in [(pa, &right), (pb, &left)] {
            if let (Some(Place::Column(_, table, column)), Expr::Const(Value::Int(n))) = (place, other) {
                for near in [n - 1, *n, n + 1, 2 * n + 1] {
                    self.note(&table, &column, &lit(near));
                }
            }
        }
        Some((left, right))
    }

    /// The size that a number is, with what is added to it left out.
    ///
    /// True where it is taken away from something: what is left grows as the size shrinks.
    fn size_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<(Expr, bool)> {
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

    fn truth(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId, truth: bool) -> Option<Expr> {
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

    /// A test that is not understood: some condition on the first column it looks at.
    fn truth_of_parts(&mut self, trace: &mut Trace<'_>, values: &[ValId], truth: bool) -> Option<Expr> {
        let (variable, table, column) = values.iter().find_map(|v| self.column_in(trace, *v, 8))?;
        let token = lit(Value::from("passes"));
        self.note(&table, &column, &token);
        self.note(&table, &column, &lit(Value::from("?")));
        let positive = field(variable.as_str(), column.as_str()).eq(token);
        Some(if truth { positive } else { !positive })
    }

    /// The first column of a row that a value is made from.
    fn column_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<(String, String, String)> {
        let depth = depth.checked_sub(1)?;
        if let Some(Place::Column(variable, table, column) | Place::Sum(variable, table, column)) =
            self.place(trace, value)
        {
            return Some((variable, table, column));
        }
        trace.values.parts(value).into_iter().find_map(|part| self.column_in(trace, part, depth))
    }

    fn is_boolean(&self, schemas: &[Schema], table: &str, column: &str) -> bool {
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

    fn note_place(&mut self, trace: &Trace<'_>, value: ValId, other: &Expr) {
        if let Some(Place::Column(_, table, column)) = self.place(trace, value) {
            self.note(&table, &column, other);
        }
    }

    /// Where in the script a value comes from.
    fn place(&self, trace: &Trace<'_>, value: ValId) -> Option<Place> {
        match trace.values.get(value) {
            Val::Result(op) => {
                let variable = self.variables.get(op)?.clone();
                let it = trace.op(*op);
                match it.rows {
                    Rows::One => Some(Place::Row(variable, it.entity.clone())),
                    Rows::Number if it.verb == Verb::Count => Some(Place::Size(variable)),
                    Rows::Number | Rows::Many => None,
                }
            }
            Val::Field(base, name) => {
                if let Val::Result(op) = trace.values.get(*base)
                    && let Some(variable) = self.variables.get(op)
                {
                    let it = trace.op(*op);
                    let is_affected = match &it.source {
                        OpSource::Call(row, _) => row.affected.as_ref().is_some_and(|s| s.path == [name.clone()]),
                        OpSource::Sql(..) | OpSource::Related { .. } => false,
                    };
                    if is_affected || it.rows == Rows::Many && name == "length" {
                        return Some(Place::Size(variable.clone()));
                    }
                    if it.rows == Rows::Many && name.parse::<usize>().is_ok() {
                        return Some(Place::Row(variable.clone(), it.entity.clone()));
                    }
                    if aggregate(trace, *op, name) == Some("count") {
                        return Some(Place::Size(variable.clone()));
                    }
                }
                if let Val::Field(inner, kind) = trace.values.get(*base)
                    && let Val::Result(op) = trace.values.get(*inner)
                    && let Some(variable) = self.variables.get(op)
                {
                    match aggregate(trace, *op, kind) {
                        Some("count") => return Some(Place::Size(variable.clone())),
                        Some("sum") => {
                            return Some(Place::Sum(variable.clone(), trace.op(*op).entity.clone(), name.clone()));
                        }
                        Some(_) => {
                            return Some(Place::Column(variable.clone(), trace.op(*op).entity.clone(), name.clone()));
                        }
                        None => {}
                    }
                }
                match self.place(trace, *base)? {
                    Place::Row(variable, table) => Some(Place::Column(variable, table, name.clone())),
                    _ => None,
                }
            }
            Val::Element(source) => match trace.values.get(*source) {
                Val::Result(op) => Some(Place::Row(self.variables.get(op)?.clone(), trace.op(*op).entity.clone())),
                Val::Over(Over::Filter, source, _) => match trace.values.get(*source) {
                    Val::Result(op) => Some(Place::Row(self.variables.get(op)?.clone(), trace.op(*op).entity.clone())),
                    _ => None,
                },
                _ => None,
            },
            Val::Over(Over::Find, source, _) => match trace.values.get(*source) {
                Val::Result(op) => Some(Place::Row(self.variables.get(op)?.clone(), trace.op(*op).entity.clone())),
                _ => None,
            },
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, inner, _) => self.place(trace, *inner),
            Val::Call { callee, args, is_new: false, .. } => match (trace.values.get(*callee), args.as_slice()) {
                (Val::Global(name), [only]) if matches!(name.as_str(), "Number" | "parseInt" | "BigInt" | "String") => {
                    self.place(trace, *only)
                }
                (Val::Field(receiver, name), []) if name == "toNumber" || name == "toString" || name == "getTime" => {
                    self.place(trace, *receiver)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A value as a number: leaves become one small number, the same in both runs, so that orders can be decided.
    fn number(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId) -> Expr {
        match self.expr(trace, schemas, value) {
            Expr::Var(_) => lit(2),
            Expr::Const(Value::Int(n)) if n >= FIRST_CONSTANT => lit(2),
            Expr::Const(Value::Text(_)) => lit(2),
            other => other,
        }
    }

    /// A value.
    pub fn expr(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId) -> Expr {
        match self.place(trace, value) {
            Some(Place::Row(variable, _)) => return field(variable.as_str(), "id"),
            Some(Place::Column(variable, table, column)) => {
                if self.counting.as_ref() == Some(&variable) {
                    // The largest or last of the rows there are, which are numbered from one.
                    self.note(&table, &column, &lit(1));
                    return size(variable.as_str());
                }
                self.fill(&table, &column);
                return field(variable.as_str(), column.as_str());
            }
            Some(Place::Size(variable)) => return size(variable.as_str()),
            Some(Place::Sum(variable, table, column)) => {
                self.fill(&table, &column);
                return total(variable.as_str(), column.as_str());
            }
            None => {}
        }
        match trace.values.get(value).clone() {
            Val::Const(Literal::Null) => return null(),
            Val::Const(Literal::Bool(truth)) => return lit(truth),
            Val::Const(Literal::Number(number)) => {
                return number.parse::<i64>().map_or_else(|_| lit(Value::from(number.as_str())), lit);
            }
            Val::Const(Literal::Text(text)) => return lit(Value::from(text.as_str())),
            Val::Global(name) if name == "undefined" => return null(),
            // A constant of an enumeration outside of sight is its last name.
            Val::Field(base, name) if is_enumeration(trace, base) => return lit(Value::from(name.as_str())),
            Val::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), a, b)
                if self.rows_in(trace, a, 8) || self.rows_in(trace, b, 8) =>
            {
                let (left, right) = (self.number(trace, schemas, a), self.number(trace, schemas, b));
                return if op == BinaryOp::Add { left + right } else { left - right };
            }
            _ => {}
        }
        // Made from a row in a way that is not understood: the old value, changed by something of the run's own.
        if let Some((variable, table, column)) = self.column_in(trace, value, 8) {
            if self.counting.as_ref() == Some(&variable) {
                self.note(&table, &column, &lit(1));
                return size(variable.as_str()) + lit(1);
            }
            self.note(&table, &column, &lit(5));
            return field(variable.as_str(), column.as_str()) + var("own");
        }
        if let Some(size) = self.size_anywhere(trace, value, 6) {
            // What counts on from the rows there are is the same for both; anything else is the run's own.
            return if self.counting.is_some() { size + lit(1) } else { size + var("own") };
        }
        self.leaf(trace, value)
    }

    fn size_anywhere(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<Expr> {
        let depth = depth.checked_sub(1)?;
        if let Some(Place::Size(variable)) = self.place(trace, value) {
            return Some(size(variable.as_str()));
        }
        trace.values.parts(value).into_iter().find_map(|part| self.size_anywhere(trace, part, depth))
    }

    fn rows_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        self.place(trace, value).is_some()
            || trace.values.parts(value).into_iter().any(|part| self.rows_in(trace, part, depth))
    }

    /// A value that no statement gave: the same in both runs if the check's condition fixes it, else the run's own.
    fn leaf(&mut self, trace: &Trace<'_>, value: ValId) -> Expr {
        if self.agrees(trace, value, 24) {
            let count = i64::try_from(self.constants.len()).unwrap_or(i64::MAX);
            return lit(*self.constants.entry(value).or_insert(FIRST_CONSTANT + count));
        }
        let count = self.arguments.len();
        let at = *self.arguments.entry(value).or_insert(count);
        var(argument(at).as_str())
    }

    /// Whether a value is the same in two runs that agree on the check's condition.
    #[must_use]
    pub fn agrees(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if self.agreed.contains(&value) {
            return true;
        }
        match trace.values.get(value) {
            Val::Const(_) | Val::Global(_) | Val::External(..) | Val::Module(_) | Val::Class(_) | Val::Closure(..) => {
                true
            }
            Val::This(_) | Val::Instance(_) | Val::Handle(_) => true,
            Val::Param(..) | Val::Opaque(_) | Val::Element(_) | Val::Caught(_) | Val::Phi(_) => false,
            // What a read by agreed keys gave.
            Val::Result(_) => false,
            // Time and generated values count as one constant.
            Val::Call { callee, args, .. } => {
                let all = args.iter().all(|arg| self.agrees(trace, *arg, depth));
                let receiver = match trace.values.get(*callee) {
                    Val::Field(receiver, _) => self.agrees(trace, *receiver, depth),
                    _ => true,
                };
                all && receiver
            }
            _ => {
                let parts = trace.values.parts(value);
                !parts.is_empty() && parts.into_iter().all(|part| self.agrees(trace, part, depth))
            }
        }
    }

    /// Whether a value is made up for the run: by calls that take nothing from what the check asked for. Such a value never
    /// collides with another run's, though it counts as one constant when outcomes are compared.
    #[must_use]
    pub fn is_generated(&self, trace: &Trace<'_>, value: ValId) -> bool {
        let (mut calls, mut taken, mut steps) = (false, false, 0);
        let mut todo = vec![value];
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 200 {
                break;
            }
            taken |= self.agreed.contains(&value) || self.place(trace, value).is_some();
            match trace.values.get(value) {
                Val::Call { callee, args, .. } => {
                    // A call on nothing, or on constants alone: where its answer comes from is out of sight.
                    calls |= args.iter().all(|arg| self.is_literal(trace, *arg)) && is_source(trace, *callee);
                    todo.extend(args);
                    if let Val::Field(receiver, _) = trace.values.get(*callee) {
                        todo.push(*receiver);
                    }
                }
                Val::Param(..) => taken = true,
                _ => todo.extend(trace.values.parts(value)),
            }
        }
        calls && !taken
    }

    fn is_literal(&self, trace: &Trace<'_>, value: ValId) -> bool {
        match trace.values.get(value) {
            Val::Const(_) | Val::Global(_) | Val::External(..) => true,
            Val::Object(_) | Val::Array(_) | Val::Text(_) => {
                trace.values.parts(value).into_iter().all(|part| self.is_literal(trace, part))
            }
            _ => false,
        }
    }

    /// The arguments of both runs.
    #[must_use]
    pub fn envs(&self) -> [Env; 2] {
        [0_i64, 1].map(|session| {
            let mut env = Row::new().with("own", 10 + session);
            for at in 0..self.arguments.len() {
                let at_number = i64::try_from(at).unwrap_or(0);
                env = env.with(argument(at).as_str(), FIRST_ARGUMENT + 2 * at_number + session);
            }
            env
        })
    }

    /// The tables with their unique keys.
    #[must_use]
    pub fn tables(&self, trace: &mut Trace<'_>, schemas: &[Schema]) -> Vec<Table> {
        let _ = trace;
        self.info
            .iter()
            .map(|(name, info)| {
                let mut table = Table::new(name.as_str()).key("#").generated_key();
                let entity = info.schema.map(|(schema, entity)| &schemas[schema].entities[entity]);
                for key in entity.into_iter().flat_map(|e| &e.keys) {
                    if !key.expressions.is_empty() || key.exclusion || key.columns.is_empty() {
                        continue;
                    }
                    let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
                    table = match &key.partial {
                        None => table.unique(columns),
                        Some(partial) => match partial_filter(partial) {
                            Some(only) => table.unique_where(columns, only),
                            None => table,
                        },
                    };
                }
                table
            })
            .collect()
    }

    /// A value as one run has it.
    #[must_use]
    pub fn evaluate(&self, value: &Expr, session: usize) -> Option<Value> {
        match value {
            Expr::Const(value) => Some(value.clone()),
            Expr::Var(name) => Some(self.envs()[session].get(name).clone()),
            _ => None,
        }
    }
}

/// Constants for values that both runs share start here, well above literals that programs compare with.
const FIRST_CONSTANT: i64 = 100_000;
/// Values of a run's own arguments start here.
const FIRST_ARGUMENT: i64 = 200_000;

fn argument(at: usize) -> String {
    format!("arg{at}")
}

/// Whether a called value may make something up: not a conversion, not a method of a value at hand, not the clock.
fn is_source(trace: &Trace<'_>, callee: ValId) -> bool {
    match trace.values.get(callee) {
        Val::Global(name) => !matches!(name.as_str(), "String" | "Number" | "Boolean" | "BigInt" | "parseInt" | "Date"),
        Val::Field(receiver, _) => match trace.values.get(*receiver) {
            Val::Global(name) => !matches!(name.as_str(), "Date" | "JSON" | "Object" | "String" | "Number"),
            Val::External(..) | Val::Module(_) => true,
            _ => false,
        },
        Val::External(..) | Val::Closure(..) => true,
        _ => false,
    }
}

/// Whether a condition on one column of a row holds for a value; `None` where it speaks of something else.
fn holds_for(expr: &Expr, column: &str, value: &Value, of_table: &dyn Fn(&str) -> bool) -> Option<bool> {
    let is_it = |side: &Expr| matches!(side, Expr::Field(variable, name) if &**name == column && of_table(variable));
    match expr {
        Expr::Not(inner) => holds_for(inner, column, value, of_table).map(|holds| !holds),
        Expr::In(side, list) if is_it(side) => {
            Some(list.iter().any(|item| matches!(item, Expr::Const(known) if known == value)))
        }
        Expr::Binary(judge::Op::And, a, b) => {
            match (holds_for(a, column, value, of_table), holds_for(b, column, value, of_table)) {
                (Some(a), Some(b)) => Some(a && b),
                (a, b) => a.or(b),
            }
        }
        Expr::Binary(judge::Op::Or, a, b) => {
            match (holds_for(a, column, value, of_table), holds_for(b, column, value, of_table)) {
                (Some(a), Some(b)) => Some(a || b),
                _ => None,
            }
        }
        Expr::Binary(op, a, b) => {
            let (left, right) = match (&**a, &**b) {
                (side, Expr::Const(other)) if is_it(side) => (value, other),
                (Expr::Const(other), side) if is_it(side) => (other, value),
                _ => return None,
            };
            let ordered = *left != Value::Null && *right != Value::Null;
            Some(match op {
                judge::Op::Eq => left == right,
                judge::Op::Ne => left != right,
                judge::Op::Lt => ordered && left < right,
                judge::Op::Le => ordered && left <= right,
                judge::Op::Gt => ordered && left > right,
                judge::Op::Ge => ordered && left >= right,
                _ => return None,
            })
        }
        _ => None,
    }
}

fn mentions_rows(value: &Expr) -> bool {
    match value {
        Expr::Field(..) | Expr::Size(_) | Expr::Total(..) => true,
        Expr::Not(inner) => mentions_rows(inner),
        Expr::Binary(_, a, b) => mentions_rows(a) || mentions_rows(b),
        _ => false,
    }
}

fn is_enumeration(trace: &Trace<'_>, base: ValId) -> bool {
    match trace.values.get(base) {
        Val::External(..) | Val::Global(_) => true,
        Val::Field(base, _) => is_enumeration(trace, *base),
        _ => false,
    }
}

/// What kind of aggregate a member of an operation's result is.
fn aggregate<'t>(trace: &'t Trace<'_>, op: OpId, name: &str) -> Option<&'t str> {
    match &trace.op(op).source {
        OpSource::Call(row, _) => {
            let found = row.aggregates.iter().find(|(_, s)| s.path.last().is_some_and(|last| last == name));
            found.map(|(kind, _)| kind.as_str())
        }
        OpSource::Sql(..) | OpSource::Related { .. } => None,
    }
}

fn literal_value(text: &str) -> Expr {
    match text {
        "true" => lit(true),
        "false" => lit(false),
        "null" => null(),
        _ => text.parse::<i64>().map_or_else(|_| lit(Value::from(text.trim_matches('"'))), lit),
    }
}

/// The rows that a partial key covers; `None` where that cannot be said.
fn partial_filter(partial: &crate::sql::Filter) -> Option<Expr> {
    if partial.opaque || !partial.any_of.is_empty() {
        return None;
    }
    let mut all: Option<Expr> = None;
    for condition in &partial.conditions {
        if condition.through.is_some() {
            return None;
        }
        let column = col(condition.column.name.as_str());
        let value = match &condition.value {
            SqlValue::Null => null(),
            SqlValue::Bool(truth) => lit(*truth),
            SqlValue::Text(text) => lit(Value::from(text.as_str())),
            SqlValue::Number(number) => literal_value(number),
            _ => return None,
        };
        let part = match condition.op {
            Op::Eq | Op::IsNull => column.eq(value),
            Op::Ne | Op::IsNotNull => column.ne(value),
            _ => return None,
        };
        all = Some(match all {
            None => part,
            Some(other) => other & part,
        });
    }
    all
}
