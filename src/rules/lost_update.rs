//! A column feeds its own new value: read, compute, write back. The second write undoes the first.

use super::speech::{Speech, entity, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Feeds(_))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let column = match &case.link {
        Link::Feeds(column) => column.as_str(),
        _ => "value",
    };
    let mut remedies = vec![
        remedy("atomic-delta", format!("let the database compute `{column}` from its current value")),
        remedy("guard-where", format!("or write only if `{column}` is still what was read, and test the count")),
    ];
    if case.database.name != "sqlite" {
        remedies.push(remedy("lock-read", "or lock the row when it is read, in the transaction that changes it"));
    }
    Speech {
        message: format!("two requests can read the same `{column}` of {what}, and the second write undoes the first"),
        check: format!("A and B both read `{column}` here"),
        act: "each writes a value computed from what it read".to_owned(),
        notes: Vec::new(),
        remedies,
    }
}
