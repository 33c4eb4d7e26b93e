//! Programs of the comparison: a few statements in a row, in a transaction or not.

use std::fmt;

use toctou::interleave::{Block, Code, Initial, Level, Row, catch, savepoint, tx};

use crate::sql::{Dialect, Statement};
use crate::tables::Shape;

/// What one session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The level of the transaction around it; `None`: there is none.
    pub level: Option<Level>,
    pub on_error: OnError,
    pub statements: Vec<Statement>,
}

/// What a program does about an error of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Rolls back and ends.
    End,
    /// Takes no notice.
    GoOn,
    /// Goes back to a savepoint before the statement, and on from there.
    Savepoint,
}

/// All that a statement may fail with.
const CODES: [Code; 8] = [
    Code::Unique,
    Code::Serialization,
    Code::Deadlock,
    Code::TransactionFailed,
    Code::InnoDeadlock,
    Code::RecordChanged,
    Code::Busy,
    Code::BusySnapshot,
];

impl Program {
    /// Its marks are the places of its statements, from 0.
    pub fn block(&self) -> Block {
        let mut block = Block::new();
        for (mark, statement) in (0..).zip(&self.statements) {
            let node = statement.node(mark);
            match self.on_error {
                OnError::End => block.push(node),
                OnError::GoOn => block.push(catch(CODES, node, Block::new())),
                OnError::Savepoint => block.push(catch(CODES, savepoint(node), Block::new())),
            }
        }
        if let Some(level) = self.level { tx(level, block).into() } else { block }
    }
}

/// Two programs and where they start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub programs: [Program; 2],
    pub start: Start,
}

/// The rows that a table has before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Only those with a key given by the program.
    Empty,
    /// All there may be.
    Rows,
}

impl Start {
    /// The rows of a table.
    fn rows(self, table: &str) -> Vec<Row> {
        let rows = match table {
            "item" | "parent" => vec![Row::new().with("id", 1).with("n", 0), Row::new().with("id", 2).with("n", 1)],
            "person" => vec![Row::new().with("email", "x").with("visits", 0)],
            "entry" => vec![Row::new().with("owner", 1)],
            "child" => vec![Row::new().with("parent", 1).with("n", 0)],
            _ => vec![seat(1, 1), seat(2, 1), seat(3, 2)],
        };
        if self == Self::Empty && !matches!(table, "item" | "parent") { Vec::new() } else { rows }
    }
}

fn seat(id: i64, room: i64) -> Row {
    Row::new().with("id", id).with("room", room).with("taken", 0)
}

impl Pair {
    /// The tables that the programs touch; those that others point at come first.
    pub fn tables(&self) -> Vec<&'static str> {
        let statements = self.programs.iter().flat_map(|program| &program.statements);
        let own = |table| [Some(table), Shape::named(table).parent].into_iter().flatten();
        let mut tables: Vec<&str> = statements.filter_map(Statement::table).flat_map(own).collect();
        tables.sort_by_key(|table| (Shape::named(table).parent.is_some(), *table));
        tables.dedup();
        tables
    }

    /// For the judge.
    pub fn initial(&self) -> Initial {
        let tables = self.tables();
        let rows = tables.iter().flat_map(|table| self.start.rows(table).into_iter().map(move |row| (*table, row)));
        rows.fold(Initial::new(), |initial, (table, row)| initial.row(table, row))
    }

    /// `INSERT`s for a server.
    pub fn inserts(&self) -> Vec<String> {
        let values = |shape: &Shape, row: &Row| -> String {
            let values: Vec<String> = shape.columns.iter().map(|column| row.get(column).to_string()).collect();
            format!("({})", values.join(", "))
        };
        let insert = |table: &&str| {
            let shape = Shape::named(table);
            let rows: Vec<String> = self.start.rows(table).iter().map(|row| values(shape, row)).collect();
            let columns = shape.columns.join(", ");
            (!rows.is_empty()).then(|| format!("insert into {table} ({columns}) values {}", rows.join(", ")))
        };
        self.tables().iter().filter_map(insert).collect()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, program) in ['A', 'B'].into_iter().zip(&self.programs) {
            let level = program.level.map_or("no transaction".to_owned(), |level| format!("{level:?}"));
            let statements: Vec<String> =
                program.statements.iter().map(|statement| statement.sql(Dialect::Postgres)).collect();
            writeln!(f, "{who} ({level}, {:?}): {}", program.on_error, statements.join("; "))?;
        }
        write!(f, "starts {:?}", self.start)
    }
}
