//! Values of a trace as terms of the judge's language.

mod asks;
mod conditions;
mod ranges;
mod same;

use self::conditions::likely;

pub use same::{is_drawn, is_setting};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::facts::{Atom, Fact};
use crate::analysis::paths::{self, Choices};
use crate::interleave::{self as judge, Env, Expr, Name, Row, Table, Value, col, field, lit, null, size, total, var};
use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Place as Holder, Rows, Verb};
use crate::model::{
    AFFECTED, ArrayItem, BlockId, CONTENTS, Compare, Condition, Conditions, Literal, ObjectEntry, OpId, OpSource,
    PhiId, Trace, Val, ValId, Writes, Written, entity_of, key_column,
};
use crate::schema::{ColumnKind, DefaultValue as ColumnDefault, Entity, Schema, UniqueKey};
use crate::sql::{self, Op, SqlValue};

/// What a column holds that nothing tests.
pub(super) const UNTESTED: i64 = 5;

/// What is known of a table of the script.
#[derive(Clone, Debug, Default)]
pub struct TableInfo {
    /// Where it is described.
    pub schema: Option<(usize, usize)>,
    /// What it is, if that is no table of a database.
    pub place: Option<Holder>,
    /// Columns and the values that matter for them.
    pub columns: BTreeMap<String, BTreeSet<Value>>,
    /// Columns of unique keys that statements rely on.
    pub proven: BTreeSet<Vec<String>>,
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
    pub(super) variables: FxHashMap<OpId, String>,
    agreed: FxHashSet<ValId>,
    constants: FxHashMap<ValId, i64>,
    arguments: FxHashMap<ValId, usize>,
    /// Tables, by name.
    pub info: BTreeMap<String, TableInfo>,
    /// The table of the check.
    pub check_table: String,
    /// What the check's own condition fixes, for columns that an act leaves open.
    predicate: Vec<(String, Expr)>,
    /// Columns of which it asks for one of a list that is not known.
    listed: BTreeSet<String>,
    /// The bounds that it sets to columns.
    bounds: Vec<ranges::Bound>,
    /// Columns that an update writes: before it, a row holds something else.
    pub changed: BTreeSet<(String, String)>,
    /// Columns that some write on the way may change in rows that a statement gives, and tables that it adds rows to.
    moving: BTreeSet<(String, Option<String>)>,
    /// What branches on the way say of values that no statement gave.
    known: FxHashMap<ValId, Expr>,
    /// The variable whose rows are counted on from.
    counting: Option<String>,
    /// A column along which rows of the check's table are moved, and the columns that tell one row from all others.
    pub shifted: Option<(String, Vec<String>)>,
    /// What the way asks of columns, and the table behind each variable.
    asked: Vec<Expr>,
    /// What filters ask of a table's rows besides equality, and what an update asks of the columns that it changes.
    wanted: Vec<(String, Expr)>,
    /// Values that an act stores at a place.
    stored: FxHashSet<ValId>,
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
            listed: BTreeSet::new(),
            bounds: Vec::new(),
            changed: BTreeSet::new(),
            moving: BTreeSet::new(),
            known: FxHashMap::default(),
            counting: None,
            shifted: None,
            asked: Vec::new(),
            wanted: Vec::new(),
            stored: FxHashSet::default(),
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

    /// Notes what a statement asks of a table's rows for it to find them.
    pub fn want(&mut self, table: &str, condition: Expr) {
        self.wanted.push((table.to_owned(), condition));
    }

    /// How many of the way's conditions a value in a column refuses.
    #[must_use]
    pub fn refusals(&self, table: &str, column: &str, value: &Value) -> usize {
        let given = |side: &Expr| match side {
            Expr::Field(variable, name) => {
                &**name == column && self.tables_of.get(&**variable).is_some_and(|t| t == table)
            }
            _ => false,
        };
        let refused = |expr: &&Expr| holds_for(expr, value, &given) == Some(false);
        self.asked.iter().filter(refused).count() + usize::from(self.is_unwanted(table, column, value))
    }

    /// Whether some statement does not find a row that has a value in a column.
    #[must_use]
    pub fn is_unwanted(&self, table: &str, column: &str, value: &Value) -> bool {
        let found = |side: &Expr| matches!(side, Expr::Col(name) if &**name == column);
        self.wanted.iter().any(|(of, expr)| of == table && holds_for(expr, value, &found) == Some(false))
    }

    /// Notes what an operation on a place stores there.
    pub fn stores(&mut self, trace: &Trace<'_>, writes: &Writes) {
        for (_, written) in &writes.columns {
            if let Written::Value(value) = written {
                let value = self.unwrapped(trace, *value);
                self.stored.insert(value);
            }
        }
    }

    /// Notes that a write on the way changes a column of a table's rows, or, without one, that it adds rows.
    pub fn moves(&mut self, table: &str, column: Option<&str>) {
        self.moving.insert((table.to_owned(), column.map(ToOwned::to_owned)));
    }

    /// Whether what a statement gives for a column may be something else after the other run.
    fn may_move(&self, table: &str, column: &str) -> bool {
        let moves = |column: Option<&str>| self.moving.contains(&(table.to_owned(), column.map(ToOwned::to_owned)));
        moves(None) || moves(Some(column))
    }

    /// Takes what an operation gives for rows that new ones are numbered on from.
    pub fn count_on(&mut self, op: OpId) {
        self.counting = Some(self.variable(op));
    }

    /// Takes it that rows of the check's table are moved along a column.
    pub fn shift(&mut self, entity: Option<&Entity>, column: &str) {
        let keys = entity.into_iter().flat_map(|e| &e.keys).filter(|key| key.columns.len() == 1);
        let mut names: Vec<String> = keys.flat_map(|key| key.columns.iter().cloned()).collect();
        if names.is_empty() {
            names.push("id".to_owned());
        }
        self.shifted = Some((column.to_owned(), names));
    }

    /// Makes sure that a table is part of the script.
    pub fn touch(&mut self, table: &str) {
        self.info.entry(table.to_owned()).or_default();
    }

    /// Notes where a table is described.
    pub fn describe(&mut self, table: &str, schema: Option<(usize, usize)>) {
        self.info.entry(table.to_owned()).or_default().schema = schema;
    }

    /// Notes that a table has a unique key, as a statement relies on it. What a schema says of the table goes before.
    pub fn prove_key(&mut self, table: &str, columns: &[String]) {
        let info = self.info.entry(table.to_owned()).or_default();
        if info.schema.is_none() && !columns.is_empty() {
            info.proven.insert(columns.to_vec());
        }
    }

    /// Notes that a table is a place, whose rows are told apart by their keys.
    pub fn describe_place(&mut self, table: &str, place: Holder) {
        self.info.entry(table.to_owned()).or_default().place = Some(place);
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
                Written::Value(value) if self.stored.contains(&self.unwrapped(trace, *value)) => {
                    let value = self.unwrapped(trace, *value);
                    self.expr(trace, schemas, value)
                }
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

    /// What an insert writes to a column that the check asked for: a value made from what was asked for, or from the row
    /// that was found by it, is that value, as normalising it twice changes nothing.
    #[must_use]
    pub fn as_looked_for(&self, table: &str, column: &str, value: Expr) -> Expr {
        let made_from_it =
            matches!(&value, Expr::Const(Value::Int(n)) if *n >= FIRST_CONSTANT) || mentions_rows(&value);
        match self.predicate.iter().find(|(c, _)| c == column) {
            Some((_, looked)) if made_from_it && table == self.check_table => looked.clone(),
            // Who looks through the same list writes the same one of it.
            None if table == self.check_table && self.listed.contains(column) && matches!(value, Expr::Var(_)) => {
                lit(LISTED)
            }
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
            // Orders compare times as the number two; a row made now is newer than what they ask.
            ColumnDefault::Now => Some(lit(3)),
            _ => None,
        }
    }

    /// The first column of a row that a value is made from.
    fn column_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<(String, String, String)> {
        trace.values.find_within(value, depth, &mut |value| match self.place(trace, value) {
            Some(Place::Column(variable, table, column) | Place::Sum(variable, table, column)) => {
                Some((variable, table, column))
            }
            _ => None,
        })
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
                    let is_affected = name == AFFECTED && it.by.is_some_and(|(row, _)| row.affected.is_some());
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
                // Of the rows that are counted all are of the kind that counts.
                if let (Val::Over(Over::Filter, all, _), "length") = (trace.values.get(*base), name.as_str())
                    && let Val::Result(op) = trace.values.get(*all)
                {
                    return Some(Place::Size(self.variables.get(op)?.clone()));
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

    /// The same, with what is at a place as a column of its row.
    fn contents(&self, trace: &Trace<'_>, value: ValId) -> Option<Place> {
        match self.place(trace, value)? {
            Place::Row(variable, table) if self.info.get(&table).is_some_and(|info| info.place.is_some()) => {
                Some(Place::Column(variable, table, CONTENTS.to_owned()))
            }
            other => Some(other),
        }
    }

    /// What a type with one member wraps: it compares as that member does.
    fn unwrapped(&self, trace: &Trace<'_>, mut value: ValId) -> ValId {
        for _ in 0..4 {
            value = match trace.values.get(value) {
                Val::Call { callee, args, is_new: false, .. }
                    if args.len() == 1 && matches!(trace.values.get(*callee), Val::Class(_)) =>
                {
                    args[0]
                }
                Val::Field(base, member) if member == "0" && self.contents(trace, value).is_none() => *base,
                _ => return value,
            };
        }
        value
    }

    /// A value as a number: leaves become one small number, the same in both runs, so that orders can be decided.
    fn number(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId) -> Expr {
        if self.stored.contains(&value) {
            // What is compared with the old value takes its place: each run's own number.
            return self.expr(trace, schemas, value);
        }
        match self.expr(trace, schemas, value) {
            Expr::Var(_) => lit(2),
            Expr::Const(Value::Int(n)) if n >= FIRST_CONSTANT => lit(2),
            Expr::Const(Value::Text(_)) => lit(2),
            other => other,
        }
    }

    /// A value.
    pub fn expr(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId) -> Expr {
        match self.contents(trace, value) {
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
            Val::Const(literal) if literal.is_absent() => return null(),
            Val::Const(Literal::Bool(truth)) => return lit(truth),
            Val::Const(Literal::Number(number)) => {
                return number.parse::<i64>().map_or_else(|_| lit(Value::from(number.as_str())), lit);
            }
            Val::Const(Literal::Text(text)) => return lit(Value::from(text.as_str())),
            // A constant of an enumeration outside of sight is its last name.
            Val::Field(base, name) if is_enumeration(trace, base) => return lit(Value::from(name.as_str())),
            Val::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), a, b)
                if self.rows_in(trace, a, 8) || self.rows_in(trace, b, 8) =>
            {
                let (left, right) = (self.number(trace, schemas, a), self.number(trace, schemas, b));
                return if op == BinaryOp::Add { left + right } else { left - right };
            }
            // A number that may be given, and is counted on where it is not, or is the first of all.
            Val::Binary(BinaryOp::Or | BinaryOp::Coalesce, given, counted)
                if self.counting.is_some()
                    && !self.rows_in(trace, given, 8)
                    && matches!(trace.values.literal(counted), Some(Literal::Number(_))) =>
            {
                return self.expr(trace, schemas, counted);
            }
            _ => {}
        }
        if let Some(replaced) = self.with_members_replaced(trace, value) {
            return replaced;
        }
        // Made from a row in a way that is not understood: the old value, changed by something of the run's own.
        if let Some((variable, table, column)) = self.column_in(trace, value, 8) {
            // A member of what nobody changes is what it was.
            let is_member = matches!(trace.values.get(value), Val::Field(..));
            if is_member && !self.may_move(&table, &column) && self.agrees(trace, value, 24) {
                return self.leaf(trace, value);
            }
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

    /// An object column's new value that is the old one with some members replaced by what has nothing to do with it: who
    /// comes last wins, whatever order that is. A constant that replaces a member may be what a test asks for; with members
    /// of the run's own the object stays as good as it was.
    fn with_members_replaced(&mut self, trace: &Trace<'_>, value: ValId) -> Option<Expr> {
        let Val::Object(entries) = trace.values.get(value) else { return None };
        let mut column = None;
        let (mut constant, mut own) = (false, false);
        for entry in entries {
            match entry {
                ObjectEntry::Spread(old) if column.is_none() => match self.place(trace, *old)? {
                    Place::Column(_, table, name) => column = Some((table, name)),
                    _ => return None,
                },
                ObjectEntry::Field(_, new) if self.column_in(trace, *new, 8).is_none() => {
                    let is_constant = self.is_literal(trace, *new);
                    (constant, own) = (constant | is_constant, own | !is_constant);
                }
                _ => return None,
            }
        }
        let (table, column) = column.filter(|_| constant || own)?;
        self.fill(&table, &column);
        let base = lit(if constant { REPLACED } else { PASSES });
        Some(if own { base + var("own") } else { base })
    }

    fn size_anywhere(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> Option<Expr> {
        trace.values.find_within(value, depth, &mut |value| match self.place(trace, value) {
            Some(Place::Size(variable)) => Some(size(variable.as_str())),
            _ => None,
        })
    }

    fn rows_in(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        trace.values.any_within(value, depth, &mut |value| self.place(trace, value).is_some())
    }

    /// The arguments of both runs.
    #[must_use]
    pub fn envs(&self) -> [Env; 2] {
        [0_i64, 1].map(|session| {
            let mut env = Row::new().with("own", OWN_CHANGES[usize::from(session == 1)]);
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
                if let Some(place) = info.place {
                    return table.unique([key_column(place)]);
                }
                for columns in &info.proven {
                    table = table.unique(columns.iter().map(String::as_str));
                }
                let entity = info.schema.map(|(schema, entity)| &schemas[schema].entities[entity]);
                for key in entity.into_iter().flat_map(|e| &e.keys) {
                    // Of expressions, too: what is equal is so in whatever a function makes of it. And what lies in the same
                    // place of the same order excludes each other.
                    if key.columns.is_empty() {
                        continue;
                    }
                    let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
                    table = match key.partial.as_ref().map(partial_filter) {
                        None => table.unique(columns),
                        Some(Some(only)) => table.unique_where(columns, only),
                        Some(None) => continue,
                    };
                    // A single primary key may be made up by the database, where the schema does not say so.
                    let is_given = !(key.primary && key.columns.len() == 1)
                        && entity.is_some_and(|entity| key.columns.iter().all(|name| entity.requires(name)));
                    if key.nulls_not_distinct || is_given {
                        table = table.equal_nulls();
                    }
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

/// By what each run changes a value in a way that is not understood.
const OWN_CHANGES: [i64; 2] = [10, 11];
/// What a column holds that passes a test which is not understood.
const PASSES: i64 = 300_000;
/// What a column holds that is never null and that a run leaves open: a value all the same, and of two runs that are given
/// the same it is one.
pub(in crate::analysis::script) const LEFT_OPEN: i64 = 302_000;
/// What it holds of a list that is not known.
const LISTED: i64 = 303_000;
/// What it holds after members of it have been replaced by constants.
const REPLACED: i64 = 301_000;

fn argument(at: usize) -> String {
    format!("arg{at}")
}

/// Whether a condition on one column of a row holds for a value; `None` where it speaks of something else.
fn holds_for(expr: &Expr, value: &Value, is_it: &dyn Fn(&Expr) -> bool) -> Option<bool> {
    match expr {
        Expr::Not(inner) => holds_for(inner, value, is_it).map(|holds| !holds),
        Expr::In(side, list) if is_it(side) => {
            Some(list.iter().any(|item| matches!(item, Expr::Const(known) if known == value)))
        }
        Expr::Binary(judge::Op::And, a, b) => match (holds_for(a, value, is_it), holds_for(b, value, is_it)) {
            (Some(a), Some(b)) => Some(a && b),
            (a, b) => a.or(b),
        },
        Expr::Binary(judge::Op::Or, a, b) => match (holds_for(a, value, is_it), holds_for(b, value, is_it)) {
            (Some(a), Some(b)) => Some(a || b),
            _ => None,
        },
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
        OpSource::Sql(..) | OpSource::Related { .. } | OpSource::Built(..) | OpSource::Stored { .. } => None,
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
fn partial_filter(partial: &sql::Filter) -> Option<Expr> {
    if partial.opaque {
        return None;
    }
    let all_of = |conditions: &[sql::Condition]| {
        let parts: Option<Vec<Expr>> = conditions.iter().map(partial_condition).collect();
        parts?.into_iter().reduce(|one, other| one & other)
    };
    let any_of = |group: &sql::AnyOf| {
        let arms: Option<Vec<Expr>> = group.arms.iter().map(|arm| all_of(arm)).collect();
        arms?.into_iter().reduce(|one, other| one | other)
    };
    let groups: Option<Vec<Expr>> = partial.any_of.iter().map(any_of).collect();
    let plain = if partial.conditions.is_empty() { None } else { Some(all_of(&partial.conditions)?) };
    plain.into_iter().chain(groups?).reduce(|one, other| one & other)
}

/// One condition on the rows that a partial key covers.
fn partial_condition(condition: &sql::Condition) -> Option<Expr> {
    if condition.through.is_some() {
        return None;
    }
    let literal = |value: &SqlValue| match value {
        SqlValue::Null => Some(null()),
        SqlValue::Bool(truth) => Some(lit(*truth)),
        SqlValue::Text(text) => Some(lit(Value::from(text.as_str()))),
        SqlValue::Number(number) => Some(literal_value(number)),
        _ => None,
    };
    let column = col(condition.column.name.as_str());
    match (condition.op, &condition.value) {
        (Op::Eq | Op::IsNull, value) => Some(column.eq(literal(value)?)),
        (Op::Ne | Op::IsNotNull, value) => Some(column.ne(literal(value)?)),
        (Op::In, SqlValue::List(items)) => {
            let items: Option<Vec<Expr>> = items.iter().map(literal).collect();
            Some(column.is_in(items?))
        }
        _ => None,
    }
}
