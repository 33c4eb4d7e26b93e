//! Slips: operations that do less than they seem to. A statement that does not run in the transaction it stands in is one.
//!
//! Windows are pairs of operations; a slip is a single one, and what stands around it.

mod around;
mod escapes;
mod guards;
mod upserts;
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
        !matches!(self.kind, SlipKind::Escape(_))
    }
}

/// What an operation fails to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlipKind {
    /// It runs beside the transaction that it stands in.
    Escape(Escape),
    /// It looks, and then inserts or updates.
    Upsert(Upsert),
    /// It claims a row, and the claim is lost.
    Guard(Guard),
    /// Its violation is caught inside of the transaction that it breaks.
    Violation(Then),
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
    /// Another read.
    Read,
}

/// All slips of a trace.
pub fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = escapes::find(search, program, database);
    slips.extend(upserts::find(search, program, database));
    slips.extend(guards::find(search, program, database));
    slips.extend(violations::find(search, program, database));
    slips
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
        SlipKind::Escape(_) => (0, slip.case.transaction.as_ref()),
        SlipKind::Upsert(_) => (1, None),
        SlipKind::Guard(_) => (2, None),
        SlipKind::Violation(_) => (3, None),
    };
    let place = place.unwrap_or(&slip.case.act);
    (kind, &place.path, place.span)
}
