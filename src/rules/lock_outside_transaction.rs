//! A lock that is given back at once, as no transaction holds it, and an act that relies on it.

use super::speech::{Remedy, Speech, advice};
use crate::analysis::case::Case;

/// The words for a case with such a lock: those of its window, with the lock in front.
pub(super) fn words(case: &Case, window: Speech) -> Speech {
    let mut notes = window.notes;
    let place = case.lost_lock.as_ref().map_or("the row", |lock| lock.entity.as_str());
    let locked = if place.is_empty() { "the lock".to_owned() } else { format!("the lock on `{place}`") };
    if case.pooled_lock {
        return pooled(case, Speech { notes, ..window });
    }
    notes.insert(
        0,
        format!("{locked} ends with its statement: outside of a transaction every statement is one of its own"),
    );
    // A lock is there already; what is missing is the transaction.
    let locks = |remedy: &Remedy| matches!(remedy.intent, Some("lock-read" | "lock-parent"));
    let (first, others): (Vec<Remedy>, Vec<Remedy>) = window.remedies.into_iter().partition(locks);
    let title = "take the lock in the transaction that reads and writes, through its handle";
    let first = first.into_iter().map(|remedy| Remedy { title: title.to_owned(), ..remedy });
    Speech {
        message: format!("{locked} is gone before the write: {}", window.message),
        notes,
        remedies: first.chain(others).collect(),
        ..window
    }
}

/// The words for a lock of a connection, where every statement may get another one.
fn pooled(case: &Case, window: Speech) -> Speech {
    let mut notes = window.notes;
    notes.insert(
        0,
        "the lock belongs to a connection of the pool: two requests on one connection both get it, and it is given back only if the release happens to run on the same one"
            .to_owned(),
    );
    let level = if case.database.name == "postgresql" { ": `pg_advisory_xact_lock`" } else { "" };
    let first =
        advice(format!("take a lock to the end of the transaction, in the transaction that reads and writes{level}"));
    Speech {
        message: format!("the lock is held by a connection, and not by this request: {}", window.message),
        notes,
        remedies: std::iter::once(first).chain(window.remedies).collect(),
        ..window
    }
}
