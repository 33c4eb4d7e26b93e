//! A set is replaced by deleting and creating it. Two runs leave both new sets, or half of one.

use super::speech::{NAMED, Speech, advice, entity, quoted, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Replace)
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let violated = case.anomaly == Anomaly::UnhandledViolation;
    let message = if violated {
        format!("two requests that replace the same {what} rows collide: one {}", case.failure())
    } else {
        format!("two requests that replace the same {what} rows can leave both new sets behind")
    };
    let mut remedies = Vec::new();
    if let Some(key) = &case.key {
        let columns = quoted(key);
        remedies.push(advice(format!("the unique key on {columns} holds one such row: one upsert replaces it")));
    }
    if case.database.name == "sqlite" {
        remedies.push(remedy(
            "wrap-in-transaction",
            "run both writes in one transaction: on sqlite one writer at a time is let in",
        ));
    } else {
        remedies.push(remedy(
            "lock-parent",
            "lock the parent row first in a transaction at read committed, then delete and create",
        ));
        remedies.push(remedy("lock-name", NAMED));
        remedies
            .push(remedy("raise-isolation", "or run both in a serializable transaction that is retried when it fails"));
    }
    remedies.push(advice("or compare old and new rows, and write only the difference by their keys"));
    Speech {
        message,
        check: "A and B both clear the set here".to_owned(),
        act: "each fills it again".to_owned(),
        notes: Vec::new(),
        remedies,
    }
}
