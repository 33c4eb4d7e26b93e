//! How a run ends: with an answer of its own or with an error.

use std::fmt;

use super::expr::Name;

/// How one session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It came to its end without naming a result, or did not run at all.
    #[default]
    Quiet,
    /// It named a result.
    Answered(Label),
    /// An error that it did not handle.
    Failed(Code),
}

impl Ending {
    /// Did it fail, or give up?
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Answered(Label::GaveUp(_)))
    }

    /// Did it choose to do nothing?
    #[must_use]
    pub fn declined(&self) -> bool {
        matches!(self, Self::Answered(Label::Declined(_)))
    }

    /// What is left of the ending when outcomes are compared.
    pub(super) fn compared(&self) -> Self {
        match self {
            Self::Answered(label) => Self::Answered(label.compared()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet => Ok(()),
            Self::Answered(label) => f.write_str(label.shown()),
            Self::Failed(code) => write!(f, "ERR {code}"),
        }
    }
}

/// What can go wrong. Shown as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A unique violation.
    Unique,
    /// PostgreSQL 40001, reported by a statement.
    Serialization,
    /// PostgreSQL 40001, reported by COMMIT; clients report it in another shape, which retries may miss.
    SerializationAtCommit,
    /// PostgreSQL 40P01: deadlock detected.
    Deadlock,
    /// PostgreSQL 25P02: the transaction has failed before.
    TransactionFailed,
    /// InnoDB 1213: deadlock found.
    InnoDeadlock,
    /// InnoDB 1020: record has changed since last read.
    RecordChanged,
    /// `SQLITE_BUSY`
    Busy,
    /// `SQLITE_BUSY_SNAPSHOT`
    BusySnapshot,
    /// A wait that nobody ends: the lock's session is over.
    Timeout,
    /// The program's own error.
    Own(Name),
}

impl Code {
    /// The program's own error.
    pub fn own(code: impl Into<Name>) -> Self {
        Self::Own(code.into())
    }

    /// Whether the database has aborted a transaction because of another one, and it may go well the next time.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Serialization
                | Self::SerializationAtCommit
                | Self::Deadlock
                | Self::InnoDeadlock
                | Self::RecordChanged
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique",
            Self::Serialization => "40001",
            Self::SerializationAtCommit => "40001@commit",
            Self::Deadlock => "40P01",
            Self::TransactionFailed => "25P02",
            Self::InnoDeadlock => "1213",
            Self::RecordChanged => "1020",
            Self::Busy => "BUSY",
            Self::BusySnapshot => "BUSY_SNAPSHOT",
            Self::Timeout => "timeout",
            Self::Own(code) => code,
        })
    }
}

/// How a run ended, in the program's own words. What stands behind a `~` is shown but not compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// It did what it is for. Compared by name.
    Did(Name),
    /// It chose not to. All declines are equal.
    Declined(Name),
    /// It lost to somebody else and did nothing about it: judged like an error.
    GaveUp(Name),
}

/// It did what it is for.
pub fn did(name: impl Into<Name>) -> Label {
    Label::Did(name.into())
}

/// It chose not to.
pub fn declined(name: impl Into<Name>) -> Label {
    Label::Declined(name.into())
}

/// It lost to somebody else and did nothing about it.
pub fn gave_up(name: impl Into<Name>) -> Label {
    Label::GaveUp(name.into())
}

impl Label {
    /// The text to show.
    #[must_use]
    pub fn shown(&self) -> &str {
        let (Self::Did(name) | Self::Declined(name) | Self::GaveUp(name)) = self;
        name.rsplit('~').next().unwrap_or(name)
    }

    /// What is left of the label when outcomes are compared.
    pub(super) fn compared(&self) -> Self {
        let core = |name: &Name| name.split_once('~').map_or_else(|| name.clone(), |(core, _)| core.into());
        match self {
            Self::Did(name) => Self::Did(core(name)),
            Self::Declined(_) => Self::Declined("".into()),
            Self::GaveUp(name) => Self::GaveUp(core(name)),
        }
    }
}
