//! Differences that are known and have a reason. The list in `ARCHITECTURE.md` says what they mean for verdicts; each is
//! recognised by what is peculiar to it, so that nothing else hides behind it.

use toctou::interleave::{Code, Engine, Level};

use crate::compare::{Difference, Rest};
use crate::lanes::{Answer, Seen};
use crate::sql::Statement;

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// PostgreSQL, SERIALIZABLE: a look-up by key is remembered with the whole page of the index, which in a small table
    /// is the whole index. The model remembers the key. The server fails more often, with the same error.
    PageLocks,
    /// InnoDB puts a new row into its indexes one after the other, and while it waits for the next it has the locks of those
    /// that it has done with. The model's row is in all of them or in none. The server meets a deadlock more often.
    IndexByIndex,
    /// InnoDB ends a deadlock by rolling back the lighter transaction, by what it counts inside. The model's count is near
    /// it, and takes the other one now and then.
    Victim,
}

impl Known {
    /// The reason for a difference, if it has one.
    pub fn of(engine: Engine, difference: &Difference) -> Option<Self> {
        let failed = |wanted: &[Code]| {
            let seen = difference.server.iter().flatten();
            seen.into_iter().any(|seen| matches!(seen, Seen::Answered(Answer::Failed(code)) if wanted.contains(code)))
        };
        let programs = &difference.pair.programs;
        match engine {
            Engine::Postgres => {
                let serializable = programs.iter().all(|program| program.level == Some(Level::Serializable));
                let aborted = failed(&[Code::Serialization, Code::SerializationAtCommit]);
                (serializable && aborted).then_some(Self::PageLocks)
            }
            Engine::MySql | Engine::MariaDbSnapshot => {
                // The tables with an index that is neither unique nor the primary key.
                let inserts =
                    |statement: &Statement| matches!(statement, Statement::Insert { table: "seat" | "child", .. });
                let inserted = programs.iter().any(|program| program.statements.iter().any(inserts));
                let deadlocked = failed(&[Code::InnoDeadlock]);
                let deadlock = Some(Seen::Answered(Answer::Failed(Code::InnoDeadlock)));
                let other = difference.model.iter().any(|model: &Rest| model.contains(&deadlock));
                match (deadlocked, other, inserted) {
                    (true, true, _) => Some(Self::Victim),
                    (true, false, true) => Some(Self::IndexByIndex),
                    _ => None,
                }
            }
            Engine::Sqlite | Engine::SqliteWal | Engine::Files | Engine::Memory => None,
        }
    }
}
