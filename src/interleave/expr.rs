//! Values, rows and expressions.
//!
//! An expression ranges over the row under test ([`col`]), the session's variables ([`var`], [`field`], [`size`],
//! [`total`]) and constants. It is built with operators, so that a filter reads like one:
//!
//! ```
//! use toctou::interleave::{col, var};
//!
//! let guard = col("id").eq(1) & (col("stock").ge(var("quantity")) | !col("status").is_in(["sold", "gone"]));
//! assert_eq!(guard.to_string(), "id = 1 and (stock >= quantity or not (status in ('sold', 'gone')))");
//! ```
//!
//! **NULL.** `=`, `!=` and `in` compare NULL as a value: this is what `null` means in the filter of an object mapper and
//! in the languages around it. Every other comparison with NULL, and arithmetic with it, gives NULL, and NULL spreads
//! through `and`, `or` and `not` as in SQL. Only TRUE picks a row or takes a branch.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, BitAnd, BitOr, Not, Sub};
use std::sync::Arc;

/// The name of a table, column, variable, lock, effect or result.
pub type Name = Arc<str>;

/// The arguments one session runs with: variable name to value.
pub type Env = Row;

/// Rows are never changed once made, so versions and variables share them.
pub(super) type RowRef = Arc<Row>;

/// What a column or a variable holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Absent or unknown.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Anything else that can be written down: a string, an enum constant, an opaque symbol.
    Text(Name),
    /// A key the store made up. Equal to itself only; which one it is does not matter to the outcome.
    Generated(u32),
}

impl Value {
    /// The truth of a condition: `None` is SQL's UNKNOWN.
    fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Option<bool>> for Value {
    fn from(value: Option<bool>) -> Self {
        value.map_or(Self::Null, Self::Bool)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "'{value}'"),
            Self::Generated(value) => write!(f, "#{value}"),
        }
    }
}

/// Columns and their values. A column that is absent holds NULL, and NULL is stored by leaving the column out, so equal
/// rows are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(BTreeMap<Name, Value>);

static NULL: Value = Value::Null;
static NO_ROW: Row = Row(BTreeMap::new());

impl Row {
    /// A row of NULLs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This row with one more column.
    #[must_use]
    pub fn with(mut self, column: impl Into<Name>, value: impl Into<Value>) -> Self {
        self.set(column.into(), value.into());
        self
    }

    /// The value of a column.
    #[must_use]
    pub fn get(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or(&NULL)
    }

    /// The columns that are not NULL, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.0.iter()
    }

    pub(super) fn set(&mut self, column: Name, value: Value) {
        if value == Value::Null {
            self.0.remove(&column);
        } else {
            self.0.insert(column, value);
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }

    /// The values of several columns: a key.
    pub(super) fn pick(&self, columns: &[Name]) -> Vec<Value> {
        columns.iter().map(|column| self.get(column).clone()).collect()
    }
}

/// What a session's variables hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vars {
    /// The arguments, which never change: all states of a search share them.
    arguments: Option<Arc<Env>>,
    /// The rows that statements read, or wrote as they were after it. A variable of an argument's name hides that.
    rows: BTreeMap<Name, Arc<[RowRef]>>,
}

impl Hash for Vars {
    /// The arguments tell no states of a search apart, and the number of rows is enough for most.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for (name, rows) in &self.rows {
            name.hash(hasher);
            rows.len().hash(hasher);
        }
    }
}

impl Vars {
    pub(super) fn new(arguments: &Env) -> Self {
        Self { arguments: Some(Arc::new(arguments.clone())), rows: BTreeMap::new() }
    }

    pub(super) fn hold(&mut self, name: Name, rows: Vec<RowRef>) {
        self.rows.insert(name, rows.into());
    }

    fn value(&self, name: &str) -> Value {
        match (self.rows.get(name), &self.arguments) {
            (Some(rows), _) => count(rows),
            (None, Some(arguments)) => arguments.get(name).clone(),
            (None, None) => Value::Null,
        }
    }

    pub(super) fn rows(&self, name: &str) -> &[RowRef] {
        self.rows.get(name).map_or(&[], |rows| rows)
    }
}

fn count(rows: &[RowRef]) -> Value {
    Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX))
}

/// An expression. NULL is a value to `=`, `!=` and `in`; every other comparison with it, and arithmetic, gives NULL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expr {
    /// A constant.
    Const(Value),
    /// A column of the row under test.
    Col(Name),
    /// An argument, or the number of rows a statement has read or written.
    Var(Name),
    /// A column of the first row held in a variable, NULL if there is none.
    Field(Name, Name),
    /// The number of rows held in a variable.
    Size(Name),
    /// The sum of a column over the rows held in a variable.
    Total(Name, Name),
    /// Negation.
    Not(Box<Expr>),
    /// Membership.
    In(Box<Expr>, Vec<Expr>),
    /// Everything with two sides.
    Binary(Op, Box<Expr>, Box<Expr>),
}

/// The operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    And,
    Or,
}

/// A constant.
pub fn lit(value: impl Into<Value>) -> Expr {
    Expr::Const(value.into())
}

/// NULL.
#[must_use]
pub fn null() -> Expr {
    Expr::Const(Value::Null)
}

/// A column of the row under test.
pub fn col(column: impl Into<Name>) -> Expr {
    Expr::Col(column.into())
}

/// An argument of the session, or the number of rows held in a variable.
pub fn var(name: impl Into<Name>) -> Expr {
    Expr::Var(name.into())
}

/// A column of the first row held in a variable, NULL if there is none.
pub fn field(variable: impl Into<Name>, column: impl Into<Name>) -> Expr {
    Expr::Field(variable.into(), column.into())
}

/// The number of rows held in a variable.
pub fn size(variable: impl Into<Name>) -> Expr {
    Expr::Size(variable.into())
}

/// The sum of a column over the rows held in a variable.
pub fn total(variable: impl Into<Name>, column: impl Into<Name>) -> Expr {
    Expr::Total(variable.into(), column.into())
}

macro_rules! comparisons {
    ($($method:ident $op:ident $sign:literal)*) => {
        impl Expr {
            $(
                #[doc = concat!("`self ", $sign, " other`")]
                #[must_use]
                pub fn $method(self, other: impl Into<Expr>) -> Expr {
                    Expr::Binary(Op::$op, Box::new(self), Box::new(other.into()))
                }
            )*
        }
    };
}

comparisons! { eq Eq "=" ne Ne "!=" lt Lt "<" le Le "<=" gt Gt ">" ge Ge ">=" }

macro_rules! operators {
    ($($operator:ident $method:ident $op:ident)*) => {
        $(
            impl<T: Into<Expr>> $operator<T> for Expr {
                type Output = Expr;
                fn $method(self, other: T) -> Expr {
                    Expr::Binary(Op::$op, Box::new(self), Box::new(other.into()))
                }
            }
        )*
    };
}

operators! { Add add Add  Sub sub Sub  BitAnd bitand And  BitOr bitor Or }

impl Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        Expr::Not(Box::new(self))
    }
}

macro_rules! constants {
    ($($type:ty)*) => {
        $(
            impl From<$type> for Expr {
                fn from(value: $type) -> Self {
                    Self::Const(value.into())
                }
            }
        )*
    };
}

constants! { bool i64 &str Value }

impl Expr {
    /// The filter that every row passes.
    pub const TRUE: Expr = Expr::Const(Value::Bool(true));

    /// The parts that all have to hold.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&Expr> {
        match self {
            Self::Binary(Op::And, a, b) => [a.conjuncts(), b.conjuncts()].concat(),
            other => vec![other],
        }
    }

    /// Whether it speaks of a column of the row under test.
    #[must_use]
    pub fn names(&self, column: &str) -> bool {
        match self {
            Self::Col(name) => **name == *column,
            Self::Const(_) | Self::Var(_) | Self::Field(..) | Self::Size(_) | Self::Total(..) => false,
            Self::Not(inner) => inner.names(column),
            Self::In(side, list) => side.names(column) || list.iter().any(|item| item.names(column)),
            Self::Binary(_, a, b) => a.names(column) || b.names(column),
        }
    }

    /// Whether it shuts out rows by a column of theirs.
    #[must_use]
    pub fn excludes(&self, column: &str) -> bool {
        let is_column = |side: &Expr| matches!(side, Self::Col(name) if **name == *column);
        match self {
            Self::Binary(Op::Ne, a, b) => is_column(a) || is_column(b),
            Self::Not(inner) => matches!(inner.as_ref(), Self::In(side, _) if is_column(side)),
            _ => false,
        }
    }

    /// Is the value one of these?
    #[must_use]
    pub fn is_in<T: Into<Expr>>(self, list: impl IntoIterator<Item = T>) -> Expr {
        Expr::In(Box::new(self), list.into_iter().map(Into::into).collect())
    }

    /// The value in a session, with no row under test.
    pub(super) fn eval(&self, vars: &Vars) -> Value {
        self.eval_on(vars, &NO_ROW)
    }

    /// The value for one row.
    pub(super) fn eval_on(&self, vars: &Vars, row: &Row) -> Value {
        match self {
            Self::Const(value) => value.clone(),
            Self::Col(column) => row.get(column).clone(),
            Self::Var(name) => vars.value(name),
            Self::Field(name, column) => vars.rows(name).first().map_or(Value::Null, |row| row.get(column).clone()),
            Self::Size(name) => count(vars.rows(name)),
            Self::Total(name, column) => {
                vars.rows(name).iter().fold(Value::Int(0), |sum, row| apply(Op::Add, &sum, row.get(column)))
            }
            Self::Not(inner) => inner.eval_on(vars, row).truth().map(|truth| !truth).into(),
            Self::In(item, list) => {
                let item = item.eval_on(vars, row);
                list.iter().any(|other| other.eval_on(vars, row) == item).into()
            }
            Self::Binary(op, left, right) => apply(*op, &left.eval_on(vars, row), &right.eval_on(vars, row)),
        }
    }

    /// Is the condition true in a session?
    pub(super) fn holds(&self, vars: &Vars) -> bool {
        self.eval(vars) == Value::Bool(true)
    }

    /// Does a bound filter pick the row?
    pub(super) fn matches(&self, row: &Row) -> bool {
        static NO_VARS: Vars = Vars { arguments: None, rows: BTreeMap::new() };
        self.eval_on(&NO_VARS, row) == Value::Bool(true)
    }

    /// The filter with the session's variables replaced by their values: what the server gets to see, and what a
    /// predicate lock remembers.
    pub(super) fn bind(&self, vars: &Vars) -> Expr {
        match self {
            Self::Const(_) | Self::Col(_) => self.clone(),
            Self::Var(_) | Self::Field(..) | Self::Size(_) | Self::Total(..) => Self::Const(self.eval(vars)),
            Self::Not(inner) => Self::Not(Box::new(inner.bind(vars))),
            Self::In(item, list) => {
                Self::In(Box::new(item.bind(vars)), list.iter().map(|item| item.bind(vars)).collect())
            }
            Self::Binary(op, left, right) => Self::Binary(*op, Box::new(left.bind(vars)), Box::new(right.bind(vars))),
        }
    }

    /// The value to which a bound filter fixes a column by equality: this decides which index range a scan covers.
    fn pinned(&self, column: &str) -> Option<&Value> {
        match self {
            Self::Binary(Op::And, left, right) => right.pinned(column).or_else(|| left.pinned(column)),
            Self::Binary(Op::Eq, left, right) => match (&**left, &**right) {
                (Self::Col(name), Self::Const(value)) | (Self::Const(value), Self::Col(name)) if **name == *column => {
                    Some(value)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The key a bound filter fixes, if it fixes all of its columns.
    pub(super) fn pinned_key(&self, columns: &[Name]) -> Option<Vec<Value>> {
        columns.iter().map(|column| self.pinned(column).cloned()).collect()
    }
}

fn apply(op: Op, left: &Value, right: &Value) -> Value {
    match op {
        Op::Eq => (left == right).into(),
        Op::Ne => (left != right).into(),
        Op::And => match (left.truth(), right.truth()) {
            (Some(false), _) | (_, Some(false)) => Value::Bool(false),
            (Some(true), Some(true)) => Value::Bool(true),
            _ => Value::Null,
        },
        Op::Or => match (left.truth(), right.truth()) {
            (Some(true), _) | (_, Some(true)) => Value::Bool(true),
            (Some(false), Some(false)) => Value::Bool(false),
            _ => Value::Null,
        },
        Op::Lt | Op::Le | Op::Gt | Op::Ge => compare(left, right)
            .map(|order| match op {
                Op::Lt => order.is_lt(),
                Op::Le => order.is_le(),
                Op::Gt => order.is_gt(),
                _ => order.is_ge(),
            })
            .into(),
        Op::Add | Op::Sub => match (left, right) {
            (Value::Int(left), Value::Int(right)) => {
                let sum = if op == Op::Add { left.checked_add(*right) } else { left.checked_sub(*right) };
                sum.map_or(Value::Null, Value::Int)
            }
            _ => Value::Null,
        },
    }
}

/// The order of two values of one type; there is none across types.
fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Generated(left), Value::Generated(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(value) => write!(f, "{value}"),
            Self::Col(name) | Self::Var(name) => f.write_str(name),
            Self::Field(name, column) => write!(f, "{name}.{column}"),
            Self::Size(name) => write!(f, "#{name}"),
            Self::Total(name, column) => write!(f, "sum({name}.{column})"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::In(item, list) => {
                write!(f, "{item} in (")?;
                for (i, item) in list.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Binary(op, left, right) => {
                let side = |f: &mut fmt::Formatter<'_>, side: &Expr| match side {
                    Self::Binary(inner @ (Op::And | Op::Or), ..) if inner != op => write!(f, "({side})"),
                    _ => write!(f, "{side}"),
                };
                side(f, left)?;
                write!(f, " {} ", op.sign())?;
                side(f, right)
            }
        }
    }
}

impl Op {
    fn sign(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}
