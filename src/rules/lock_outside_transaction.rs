//! A lock that is given back at once, as no transaction holds it, and an act that relies on it.

use super::speech::{Remedy, Speech};
use crate::analysis::case::Case;

/// The words for a case with such a lock: those of its window, with the lock in front.
pub(super) fn words(case: &Case, window: Speech) -> Speech {
    let mut notes = window.notes;
    let place = case.lost_lock.as_ref().map_or("the row", |lock| lock.entity.as_str());
    let locked = if place.is_empty() { "the lock".to_owned() } else { format!("the lock on `{place}`") };
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
