//! SQLite, in this process: two connections to one file.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, ffi};
use tempfile::TempDir;
use toctou::interleave::{Code, Who};

use super::Absent;
use crate::lanes::{Answer, Client, Command, Lanes, Seen, Server};
use crate::sql::Dialect;
use crate::tables::{ALL, Shape};

/// The file and its connections.
pub struct Sqlite {
    lanes: Lanes,
    /// A session has asked its busy handler what to do.
    busy: Receiver<Who>,
    /// Whether to try again, for each session.
    again: [Sender<bool>; 2],
    waiting: [bool; 2],
    monitor: Connection,
    _folder: TempDir,
}

/// How a session's busy handler talks to the test. SQLite calls it in the session's thread.
struct Gate {
    who: Who,
    busy: Sender<Who>,
    again: Receiver<bool>,
}

thread_local! {
    static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// A connection, and the gate until its thread takes it.
struct Session(Connection, Option<Gate>);

impl Sqlite {
    pub fn start(wal: bool) -> Result<Self, Absent> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(folder.path().join("database"))?;
            connection.execute_batch("pragma synchronous = off; pragma foreign_keys = on")?;
            Ok(connection)
        };
        let build = || -> rusqlite::Result<(Connection, [Connection; 2])> {
            let monitor = open()?;
            // A table that others point at is emptied, too.
            monitor.execute_batch("pragma foreign_keys = off")?;
            let mode = if wal { "wal" } else { "delete" };
            monitor.pragma_update(None, "journal_mode", mode)?;
            for shape in &ALL {
                monitor.execute_batch(&shape.create(Dialect::Sqlite))?;
            }
            Ok((monitor, [open()?, open()?]))
        };
        let (monitor, connections) = build().map_err(|error| error.to_string())?;
        let (asks, busy) = channel();
        let mut again = Vec::new();
        let mut who = Who::BOTH.into_iter();
        let sessions = connections.map(|connection| {
            let (answer, answers) = channel();
            again.push(answer);
            let who = who.next().expect("as many sessions as connections");
            Session(connection, Some(Gate { who, busy: asks.clone(), again: answers }))
        });
        let again = again.try_into().map_err(|_| "two sessions")?;
        Ok(Self { lanes: Lanes::new(sessions), busy, again, waiting: [false; 2], monitor, _folder: folder })
    }

    /// What a session that runs, or may try again, comes to.
    fn look(&mut self, who: Who) -> Seen {
        loop {
            if let Some((_, answer)) = self.lanes.answer(Duration::from_micros(50)) {
                self.waiting[who.index()] = false;
                return Seen::Answered(answer);
            }
            if self.busy.try_recv().is_ok() {
                self.waiting[who.index()] = true;
                return Seen::Waits;
            }
        }
    }

    /// Lets a session that waits try again, or give up.
    fn retry(&mut self, who: Who, again: bool) -> Seen {
        self.again[who.index()].send(again).expect("a session that waits for this");
        self.look(who)
    }
}

impl Server for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn reset(&mut self, tables: &[&str], inserts: &[String]) {
        let deletes = tables.iter().map(|table| format!("delete from {table}"));
        let all: Vec<String> = deletes.chain(inserts.iter().cloned()).collect();
        self.monitor.execute_batch(&format!("begin; {}; commit", all.join("; "))).expect("nobody else is there");
    }

    fn start(&mut self, who: Who, command: Command) {
        self.lanes.start(who, command);
    }

    /// Only one session moves at a time: the one that was told something, and whoever waits after it has.
    fn settle(&mut self) -> [Option<Seen>; 2] {
        let mut seen = [None, None];
        for who in Who::BOTH {
            if self.lanes.is_running(who) && !self.waiting[who.index()] {
                seen[who.index()] = Some(self.look(who));
            }
        }
        loop {
            let mut moved = false;
            for who in Who::BOTH {
                if self.waiting[who.index()] {
                    let now = self.retry(who, true);
                    moved |= now != Seen::Waits;
                    seen[who.index()] = Some(now);
                }
            }
            if self.waiting == [true, true] {
                // Each waits for the other: the patience of one has to end.
                seen[1] = Some(self.retry(Who::B, false));
            } else if !moved {
                return seen;
            }
        }
    }

    fn rows(&mut self, table: &str) -> Vec<Vec<String>> {
        let columns = Shape::named(table).columns.join(", ");
        let mut rows = query(&self.monitor, &format!("select {columns} from {table}")).expect("nobody else is there");
        rows.sort();
        rows
    }
}

fn query(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let value = |value: ValueRef<'_>| match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(value) | ValueRef::Blob(value) => String::from_utf8_lossy(value).into_owned(),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|column| Ok(value(row.get_ref(column)?))).collect())?;
    rows.collect()
}

/// SQLite asks what to do about a lock: wait until the test says to try again.
fn ask(_: i32) -> bool {
    GATE.with_borrow(|gate| {
        let Some(gate) = gate else { return false };
        gate.busy.send(gate.who).is_ok() && gate.again.recv().unwrap_or(false)
    })
}

impl Client for Session {
    fn run(&mut self, sql: &str) -> Answer {
        if let Some(gate) = self.1.take() {
            GATE.set(Some(gate));
            self.0.busy_handler(Some(ask)).expect("a busy handler can be set");
        }
        let result = if sql.starts_with("select") {
            query(&self.0, sql).map(Answer::Rows)
        } else {
            self.0.execute(sql, []).map(Answer::Count)
        };
        result.unwrap_or_else(|error| Answer::Failed(code(&error)))
    }
}

fn code(error: &rusqlite::Error) -> Code {
    match error.sqlite_error() {
        Some(ffi::Error { code: ErrorCode::DatabaseBusy, extended_code: ffi::SQLITE_BUSY_SNAPSHOT }) => {
            Code::BusySnapshot
        }
        Some(ffi::Error { code: ErrorCode::DatabaseBusy, .. }) => Code::Busy,
        Some(ffi::Error {
            extended_code: ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ..
        }) => Code::Unique,
        _ => Code::own(error.to_string()),
    }
}
