//! The judge: tries every interleaving of two sessions on a small model of a database.
//!
//! This module knows nothing of programming languages or libraries. It has a small statement language ([`Program`]), a
//! small multi-version store with locks, and the rules of a few engines ([`Engine`]). [`judge`] runs two programs in every
//! order their statements can take and compares what comes out with what comes out if they take turns.
//!
//! **Vocabulary**, used with one meaning throughout:
//!
//! | word | meaning |
//! |---|---|
//! | session | one of the two runs, A and B ([`Who`]), with its program, variables and transaction |
//! | statement | what goes to the database: a read, insert, update, delete, lock |
//! | step | a statement or a commit: what the scheduler interleaves |
//! | schedule | the steps of both sessions in one order |
//! | outcome | the final rows, the external effects, and how each session ended ([`Outcome`]) |
//! | ending | did, declined, gave up, failed ([`Ending`]) |
//! | serial | of sessions that run one after the other |
//! | version, snapshot | one committed or uncommitted state of a row; what a statement reads by |
//! | request | a lock that is asked for; a session whose request is not free waits |
//!
//! ```
//! use toctou::interleave::*;
//!
//! let users = Table::new("user").generated_key();
//! let find_then_create = block![
//!     read("user").filter(col("email").eq("x")).to("found"),
//!     when(size("found").gt(0), ret(declined("exists"))),
//!     insert("user").set("email", "x"),
//!     ret(did("created")),
//! ];
//! let run = |tables: &[Table]| {
//!     judge(Engine::Postgres, tables, [&find_then_create; 2], &Initial::new(), [&Env::new(); 2])
//! };
//! assert_eq!(run(&[users.clone()]).kind, Kind::Open);
//! assert_eq!(run(&[users.unique(["email"])]).codes, [Code::Unique]);
//! ```
//!
//! **Parts**: `expr`, `lang`, `ending` and `schema` are the language; `rewrite` makes programs of programs; `code` flattens them; `store` and `state` hold what a
//! search forks; `engine` has the rules; `scheduler` takes one step, `search` takes them all, `verdict` compares;
//! `trial` lets a caller take the turns.
//!
//! **Not modelled**: lock timeouts, `SKIP LOCKED` and `NOWAIT`, deferred constraints, triggers, READ UNCOMMITTED, the
//! read-only optimisations and page-level locks of PostgreSQL's SERIALIZABLE, more than two sessions. A multi-row statement
//! is interrupted only where it waits, so two of them that start together may deadlock where the model sees none.

mod code;
mod ending;
mod engine;
mod expr;
mod lang;
mod rewrite;
mod scheduler;
mod schema;
mod search;
mod state;
mod store;
mod trial;
mod verdict;

pub use self::ending::{Code, Ending, Label, declined, did, gave_up};
pub use self::engine::Engine;
pub use self::expr::{Env, Expr, Name, Op, Row, Value, col, field, lit, null, size, total, var};
pub use self::lang::{
    Block, Delete, Insert, Level, Lock, Node, OnConflict, Program, Read, RowLock, Scope, Stmt, Unlock, Update, barrier,
    block, catch, delete, effect, either, insert, lock, read, ret, retry, savepoint, throw, tx, unlock, update, when,
};
pub use self::scheduler::{Act, ScheduleStep, StepOutcome};
pub use self::schema::Table;
pub use self::search::Outcome;
pub use self::state::Who;
pub use self::trial::{Run, Trial};
pub use self::verdict::{Event, Initial, Judge, Kind, Verdict, judge};
