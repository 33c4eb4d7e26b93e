//! The set feeds a new row: the next number is computed from the largest, the last or the count. Two runs compute the same.

use super::speech::{KEY, NAMED, Speech, entity, near_keys, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Next(_))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let column = match &case.link {
        Link::Next(column) => column.as_str(),
        _ => "number",
    };
    let violated = case.anomaly == Anomaly::UnhandledViolation;
    let message = if violated {
        format!("two requests can compute the same next `{column}` of {what}; one {}", case.failure())
    } else {
        format!("two requests can compute the same next `{column}` of {what} and both insert it")
    };
    let mut remedies = Vec::new();
    if violated {
        remedies.push(remedy(
            "handle-conflict",
            format!("take the {} as the sign to read again and try the next number", case.violation),
        ));
    }
    remedies.push(remedy(
        "guarded-counter",
        "keep the last number in a column of the parent row, and let one update increment and return it",
    ));
    remedies.push(remedy(
        "lock-parent",
        "or lock the parent row first in a transaction at read committed, then read the last number",
    ));
    remedies.push(remedy("lock-name", NAMED));
    if !violated {
        remedies.push(remedy(
            "add-unique-key",
            format!("a unique key on {KEY} turns a repeated number into an error that can be retried"),
        ));
    }
    Speech {
        message,
        check: "A and B both read the same last value here".to_owned(),
        act: format!("both write the same next `{column}`"),
        notes: if violated { Vec::new() } else { near_keys(case) },
        remedies,
    }
}
