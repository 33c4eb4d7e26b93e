//! Slips: operations that do less than they seem to. A statement that does not run in the transaction it stands in is one.
//!
//! Windows are pairs of operations; a slip is a single one, and what stands around it.

mod around;
mod conflicts;
mod effects;
mod escapes;
pub(super) mod guards;
pub(super) mod locks;
mod splits;
mod upserts;
mod versions;
mod violations;

use super::case::{Case, Guard};
use super::database::Database;
pub use super::script::Unmet;
use super::window::Search;
use crate::link::Program;
use crate::text::Span;

/// An operation that does less than it seems to, ready to be spoken of.
#[derive(Clone, Debug)]
pub struct Slip {
    /// In what.
    pub kind: SlipKind,
    /// Whether it was met inside of a caller of the function that sees it, where the caller may have mended it.
    pub in_caller: bool,
    /// Where, on which database, how bad; its check is the operation itself.
    pub case: Case,
}

impl Slip {
    /// Whether a caller may mend it, by what stands around the call.
    #[must_use]
    pub fn can_be_mended(&self) -> bool {
        matches!(self.kind, SlipKind::Upsert(_) | SlipKind::Guard(_) | SlipKind::Violation(_) | SlipKind::Conflict(_))
    }

    /// Whether it takes another run of the same code to show.
    #[must_use]
    pub fn needs_two_runs(&self) -> bool {
        matches!(self.kind, SlipKind::Upsert(_) | SlipKind::Guard(_))
    }
}

/// What an operation fails to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlipKind {
    /// It runs beside the transaction that it stands in.
    Escape {
        /// What it amounts to.
        escape: Escape,
        /// Whether the transaction has written or locked rows that it may meet.
        meets: bool,
    },
    /// It looks, and then inserts or updates.
    Upsert(Upsert),
    /// It claims a row, and the claim is lost.
    Guard(Guard),
    /// Its violation is caught inside of the transaction that it breaks.
    Violation(Then),
    /// The transaction may be aborted, and is not run again as it should be.
    Conflict(Retry),
    /// Something is done to the world outside while a transaction is open.
    Effect,
    /// It is half of something, and the other half is a write of its own.
    Split,
    /// It passes over the column that counts versions, or is an example of how that is kept.
    Version(Version),
}

/// What becomes of a transaction that the database has aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nobody runs it again.
    None,
    /// It is run again after an error of a statement, and not after one of the commit.
    StatementsOnly,
    /// It is run again after an error of a call, and not after one of raw SQL.
    CallsOnly,
    /// It is run again, and when the attempts are used up nobody is told.
    Swallowed,
    /// It is a batch of one call, which the database runs at its default, whatever is asked for.
    Unheard,
    /// It is run again, and with it what it does to the world outside.
    Effects,
}

/// A column that counts the versions of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The column.
    pub column: String,
    /// Whether the update compares and counts on.
    pub kept: bool,
}

/// What a transaction does after a violation that was caught inside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It runs a further statement, which fails.
    Statement,
    /// It commits, which rolls everything back without a word.
    Commit,
    /// It reads again, from a snapshot that is older than the row.
    StaleRead,
}

/// An upsert that several statements carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upsert {
    /// The relation that it belongs to, where it is part of another write.
    pub relation: Option<String>,
    /// What keeps it from being one statement.
    pub causes: Vec<Unmet>,
    /// Whether it is one statement that looks before it inserts.
    pub in_one: bool,
}

/// What runs beside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// A write.
    Write,
    /// A write of something that is kept on purpose whatever becomes of the transaction: a log.
    Log,
    /// A transaction of its own.
    Transaction,
    /// A read of what the transaction itself has written.
    ReadOfWritten,
    /// A read that a write of the transaction rests on.
    ReadForWrite,
    /// A write through the transaction's own handle that nobody waits for.
    Unawaited,
    /// The same where nothing is sent before somebody waits.
    NeverSent,
    /// Another read.
    Read,
}

/// All slips of a trace.
pub fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = escapes::find(search, program, database);
    slips.extend(upserts::find(search, program, database));
    slips.extend(guards::find(search, program, database));
    slips.extend(violations::find(search, program, database));
    slips.extend(conflicts::find(search, program, database));
    slips.extend(effects::find(search, program, database));
    slips.extend(splits::find(search, program, database));
    slips.extend(versions::find(search, program, database));
    slips
}

/// Leaves out updates that pass over a column which no update keeps, and those that keep it.
#[must_use]
pub fn versioned(slips: Vec<Slip>) -> Vec<Slip> {
    let kept: Vec<(String, String)> = slips
        .iter()
        .filter_map(|slip| match &slip.kind {
            SlipKind::Version(version) if version.kept => Some((slip.case.entity.clone(), version.column.clone())),
            _ => None,
        })
        .collect();
    let speaks = |slip: &Slip| match &slip.kind {
        SlipKind::Version(it) => !it.kept && kept.contains(&(slip.case.entity.clone(), it.column.clone())),
        _ => true,
    };
    slips.into_iter().filter(speaks).collect()
}

/// One slip for each operation, or for each transaction, whatever the traces it was met in.
#[must_use]
pub fn dedupe(mut slips: Vec<Slip>) -> Vec<Slip> {
    let worse =
        |a: &Slip, b: &Slip| b.case.severity.cmp(&a.case.severity).then(b.case.confidence.cmp(&a.case.confidence));
    slips.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| worse(a, b)));
    slips.dedup_by(|later, earlier| key(later) == key(earlier));
    slips
}

/// What tells slips apart: the kind, and the operation or the transaction that it is about.
fn key(slip: &Slip) -> (u8, &str, Span) {
    let (kind, place) = match slip.kind {
        SlipKind::Escape { .. } => (0, slip.case.transaction.as_ref()),
        SlipKind::Upsert(_) => (1, None),
        SlipKind::Guard(_) => (2, None),
        SlipKind::Violation(_) => (3, None),
        SlipKind::Conflict(_) => (4, None),
        SlipKind::Effect => (5, None),
        SlipKind::Split => (6, None),
        SlipKind::Version(_) => (7, None),
    };
    let place = place.unwrap_or(&slip.case.act);
    (kind, &place.path, place.span)
}
