//! The set decides: rows are counted or tested as a whole, and one is added. Two runs both pass the test.

use super::speech::{NAMED, Speech, advice, entity, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::library::Verb;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    let adds = case.joins || !matches!(case.act.verb, Some(Verb::Update | Verb::Delete));
    matches!(case.link, Link::Set) && adds
}

/// The words for a set that decides, whether a row is added, changed or removed.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let removes = case.act.verb == Some(Verb::Delete);
    let message = if removes {
        format!("two requests can both pass the test on the rows of {what} and both remove one")
    } else {
        format!("two requests can both pass the test on the rows of {what} and both go on to write")
    };
    let mut remedies = Vec::new();
    // Rows that are counted all together belong to no row that could have the number.
    if !case.looked.is_empty() {
        remedies.push(remedy(
            "guarded-counter",
            "keep the number in a column of the parent row, and take one place by a guarded update",
        ));
    }
    remedies.extend([
        remedy("lock-parent", "or lock the parent row first in a transaction at read committed, then count"),
        remedy("lock-name", NAMED),
        remedy("raise-isolation", "or run both in a serializable transaction that is retried when it fails"),
    ]);
    if case.in_transaction {
        remedies.push(advice("a lock on the counted rows does not help: a row that is not there yet cannot be locked"));
    }
    Speech {
        message,
        check: "A and B both count the same rows here".to_owned(),
        act: if removes { "both remove a row".to_owned() } else { "both get here".to_owned() },
        notes: Vec::new(),
        remedies,
    }
}
