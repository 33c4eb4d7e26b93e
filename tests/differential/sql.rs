//! Statements of the comparison, written for the judge and for the servers.

use std::fmt::Write as _;

use toctou::interleave::{self as model, Block, Expr, Name, OnConflict, Op, RowLock, Value};

use crate::tables::Shape;

/// How a server's SQL is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    Read {
        table: &'static str,
        filter: Expr,
        lock: Option<RowLock>,
    },
    Insert {
        table: &'static str,
        values: Vec<(&'static str, Value)>,
        on_conflict: OnConflict,
        unless: Option<Expr>,
    },
    Update {
        table: &'static str,
        filter: Expr,
        set: Vec<(&'static str, Expr)>,
    },
    Delete {
        table: &'static str,
        filter: Expr,
    },
    /// An advisory lock to the end of the transaction.
    Lock,
}

impl Statement {
    /// The table it is about.
    pub fn table(&self) -> Option<&'static str> {
        match self {
            Self::Read { table, .. }
            | Self::Insert { table, .. }
            | Self::Update { table, .. }
            | Self::Delete { table, .. } => Some(table),
            Self::Lock => None,
        }
    }

    /// For the judge: with a mark, and a variable that holds its rows.
    pub fn node(&self, mark: u32) -> Block {
        let rows = variable(mark);
        match self.clone() {
            Self::Read { table, filter, lock } => {
                let read = model::read(table).filter(filter).to(rows).tag(mark);
                match lock {
                    None => read.into(),
                    Some(RowLock::Share) => read.for_share().into(),
                    Some(RowLock::Update) => read.for_update().into(),
                }
            }
            Self::Insert { table, values, on_conflict, unless } => {
                let mut insert = model::insert(table).on_conflict(on_conflict).to(rows).tag(mark);
                for (column, value) in values {
                    insert = insert.set(column, value);
                }
                match unless {
                    None => insert.into(),
                    Some(unless) => insert.unless(unless).into(),
                }
            }
            Self::Update { table, filter, set } => {
                let update = model::update(table).filter(filter).to(rows).tag(mark);
                set.into_iter().fold(update, |update, (column, value)| update.set(column, value)).into()
            }
            Self::Delete { table, filter } => model::delete(table).filter(filter).to(rows).tag(mark).into(),
            Self::Lock => model::lock("lock").tag(mark).into(),
        }
    }

    /// For a server.
    pub fn sql(&self, dialect: Dialect) -> String {
        match self {
            Self::Read { table, filter, lock } => {
                let lock = match (lock, dialect) {
                    (None, _) => "",
                    (Some(RowLock::Update), _) => " for update",
                    (Some(RowLock::Share), Dialect::MySql) => " lock in share mode",
                    (Some(RowLock::Share), _) => " for share",
                };
                format!("select {} from {table}{}{lock}", Shape::named(table).columns.join(", "), clause(filter))
            }
            Self::Insert { table, values, on_conflict, unless } => {
                insert(dialect, table, values, on_conflict, unless.as_ref())
            }
            Self::Update { table, filter, set } => {
                format!("update {table} set {}{}", assignments(set.iter().map(|(c, v)| (*c, v))), clause(filter))
            }
            Self::Delete { table, filter } => format!("delete from {table}{}", clause(filter)),
            Self::Lock => "select pg_advisory_xact_lock(1)".to_owned(),
        }
    }
}

/// The variable that holds the rows of the statement with a mark.
pub fn variable(mark: u32) -> String {
    format!("rows {mark}")
}

fn insert(
    dialect: Dialect,
    table: &str,
    values: &[(&'static str, Value)],
    on_conflict: &OnConflict,
    unless: Option<&Expr>,
) -> String {
    let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
    let values: Vec<String> = values.iter().map(|(_, value)| value.to_string()).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let ignore = if dialect == Dialect::MySql && *on_conflict == OnConflict::Nothing { " ignore" } else { "" };
    let mut sql = format!("insert{ignore} into {table} ({columns})");
    match unless {
        None => sql += &format!(" values ({values})"),
        Some(unless) => {
            let dual = if dialect == Dialect::MySql { " from dual" } else { "" };
            sql += &format!(" select {values}{dual} where not exists (select 1 from {table}{})", clause(unless));
        }
    }
    match (on_conflict, dialect) {
        (OnConflict::Nothing, Dialect::Postgres | Dialect::Sqlite) => sql += " on conflict do nothing",
        (OnConflict::Update(set), _) => {
            let head = match dialect {
                Dialect::MySql => " on duplicate key update ",
                Dialect::Postgres | Dialect::Sqlite => " on conflict (email) do update set ",
            };
            sql += head;
            for (column, value) in set {
                // The row that is there is meant, and not the one that would have been inserted.
                let value = expression(value, &|column: &Name| format!("{table}.{column}"));
                let _ = write!(sql, "{column} = {value}");
            }
        }
        (OnConflict::Fail, _) | (OnConflict::Nothing, Dialect::MySql) => {}
    }
    sql
}

fn assignments<'a>(set: impl Iterator<Item = (&'static str, &'a Expr)>) -> String {
    let plain = |column: &Name| column.to_string();
    set.map(|(column, value)| format!("{column} = {}", expression(value, &plain))).collect::<Vec<_>>().join(", ")
}

fn clause(filter: &Expr) -> String {
    if *filter == Expr::TRUE {
        return String::new();
    }
    format!(" where {}", expression(filter, &|column: &Name| column.to_string()))
}

/// An expression without variables. None of the columns can hold NULL, so that comparisons mean the same on both sides.
fn expression(expr: &Expr, column: &dyn Fn(&Name) -> String) -> String {
    match expr {
        Expr::Const(value) => value.to_string(),
        Expr::Col(name) => column(name),
        Expr::Not(inner) => format!("not ({})", expression(inner, column)),
        Expr::In(item, list) => {
            let list: Vec<String> = list.iter().map(|item| expression(item, column)).collect();
            format!("{} in ({})", expression(item, column), list.join(", "))
        }
        Expr::Binary(op, left, right) => {
            let op = match op {
                Op::Eq => "=",
                Op::Ne => "<>",
                Op::Lt => "<",
                Op::Le => "<=",
                Op::Gt => ">",
                Op::Ge => ">=",
                Op::Add => "+",
                Op::Sub => "-",
                Op::And => "and",
                Op::Or => "or",
            };
            let (left, right) = (expression(left, column), expression(right, column));
            if matches!(op, "and" | "or") { format!("({left} {op} {right})") } else { format!("{left} {op} {right}") }
        }
        Expr::Var(_) | Expr::Field(..) | Expr::Size(_) | Expr::Total(..) => {
            unreachable!("the programs of the comparison have no variables in their statements")
        }
    }
}
