//! A unique violation that is caught inside the transaction which it has ended.

use super::speech::{Speech, advice, entity, remedy};
use crate::analysis::slips::{Slip, SlipKind, Then};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Violation(_))
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let then = match slip.kind {
        SlipKind::Violation(then) => then,
        _ => Then::Statement,
    };
    let case = &slip.case;
    let (what, violation) = (entity(case), &case.violation);
    let caught = format!("the {violation} of {what} is caught inside the transaction");
    let (message, note) = match then {
        Then::Statement => (
            format!("{caught}, which it has ended: the next statement fails"),
            "after an error PostgreSQL refuses every statement until the rollback (25P02)",
        ),
        Then::Commit => (
            format!("{caught}, which it has ended: the commit undoes everything and reports success"),
            "PostgreSQL answers COMMIT of a failed transaction with a rollback, and with no error",
        ),
        Then::StaleRead => (
            format!("{caught}, and the row that was in the way is looked for in an older snapshot: it is not there"),
            "at repeatable read a transaction sees what was there at its first read",
        ),
    };
    let mut remedies = vec![remedy(
        "handle-conflict",
        format!("catch the {violation} around the whole transaction, and look again there"),
    )];
    if then != Then::StaleRead {
        remedies.push(advice(
            "or let only this statement fail: behind a savepoint, or with an insert that leaves out what is there",
        ));
    }
    Speech {
        message,
        check: String::new(),
        act: "its violation ends the transaction".to_owned(),
        notes: vec![note.to_owned()],
        remedies,
    }
}
