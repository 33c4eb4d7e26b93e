//! A column feeds its own new value: read, compute, write back. The second write undoes the first. Or it says which rows move
//! up: the second run goes by a place that the first has changed.

use super::speech::{Speech, entity, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Feeds(_) | Link::Shifts(_))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    if let Link::Shifts(column) = &case.link {
        return speak_of_shift(case, column);
    }
    let what = entity(case);
    let column = match &case.link {
        Link::Feeds(column) => column.as_str(),
        _ => "value",
    };
    let mut remedies = Vec::new();
    if case.computes != Some(false) {
        remedies.push(remedy("atomic-delta", format!("let the database compute `{column}` from its current value")));
    }
    let unchanged = format!("or write only if `{column}` is still what was read, and test the count");
    let tested = format!(
        "or put the test of `{column}` into the `where`, let the database compute from its current value, and test the count"
    );
    let guarded = remedy("guard-where", unchanged).or_tested(tested);
    // A document is not compared as a whole; a column that counts versions is.
    remedies.push(if case.computes == Some(false) { guarded.if_written() } else { guarded });
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

/// The words for rows that are moved up or down by a place that was read.
fn speak_of_shift(case: &Case, column: &str) -> Speech {
    let what = entity(case);
    let mut remedies = Vec::new();
    if case.database.name != "sqlite" {
        remedies.push(remedy(
            "lock-parent",
            "lock the row that the list belongs to first, in a transaction, then read the place and move the others",
        ));
    }
    remedies.push(remedy("raise-isolation", "or read, move and write in one serializable transaction, with a retry"));
    Speech {
        message: format!("two requests can go by the same `{column}` of {what}, and both move the rows next to it"),
        check: format!("A and B both read `{column}` here"),
        act: format!("each moves the rows next to a `{column}` that the other one has changed"),
        notes: Vec::new(),
        remedies,
    }
}
