//! Two writes move an exclusive flag: one takes it away, one gives it. Two runs end with two rows set, or none.

use super::speech::{KEY, Speech, entity, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Exclusive(_))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let column = match &case.link {
        Link::Exclusive(column) => column.as_str(),
        _ => "flag",
    };
    let end = if case.anomaly == Anomaly::NoneSet { "no" } else { "two" };
    let mut remedies = vec![remedy(
        "lock-parent",
        "lock one row that both requests share first, in a transaction at read committed, then take the flag and give it",
    )];
    if case.database.name == "sqlite" {
        remedies = vec![remedy(
            "wrap-in-transaction",
            "run both writes in one transaction: on sqlite one writer at a time is let in",
        )];
    } else {
        remedies.push(remedy("whole-group-unset", "or take the flag from every row of the group without a condition on it, in one transaction with the second write, and retry deadlocks"));
        remedies
            .push(remedy("raise-isolation", "or run both in a serializable transaction that is retried when it fails"));
    }
    if case.anomaly == Anomaly::UnhandledViolation {
        return Speech {
            message: format!(
                "two requests that move `{column}` of {what} collide: one fails with an unhandled {}",
                case.violation
            ),
            check: format!("A and B both take `{column}` away here"),
            act: "each gives it to a row of its own".to_owned(),
            notes: Vec::new(),
            remedies,
        };
    }
    remedies.push(remedy(
        "add-partial-key",
        format!("or let the database refuse a second row with `{column}` (a unique key on {KEY}), and try again then"),
    ));
    Speech {
        message: format!("two requests that move `{column}` can leave {end} {what} with it"),
        check: format!("A and B both take `{column}` away here"),
        act: "each gives it to a row of its own".to_owned(),
        notes: Vec::new(),
        remedies,
    }
}
