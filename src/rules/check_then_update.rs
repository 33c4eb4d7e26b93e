//! A column, or an absence, decides an update, upsert or delete. Two runs both see the state that only one may act on.

use super::speech::{Speech, entity, near_keys, quoted, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;
use crate::library::Verb;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    match case.link {
        Link::Column(_) | Link::Presence => true,
        Link::Absence => !matches!(case.act.verb, Some(Verb::Create | Verb::Upsert)),
        _ => false,
    }
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let verb = if case.act.verb == Some(Verb::Delete) { "delete" } else { "update" };
    let (message, check) = match &case.link {
        Link::Column(columns) => {
            let columns = quoted(columns);
            let ending = match case.anomaly {
                Anomaly::UnhandledViolation => format!(", and one fails with an unhandled {}", case.violation),
                _ => format!(" and both {verb} it"),
            };
            (
                format!("two requests can both pass the check of {columns} on one {what}{ending}"),
                format!("A and B both read {columns} here, before either has changed it"),
            )
        }
        Link::Absence if case.anomaly == Anomaly::UnhandledViolation => (
            format!(
                "two requests can both find no other {what}; both take its place, and one fails with an unhandled {}",
                case.violation
            ),
            "A and B both look here and find nothing".to_owned(),
        ),
        Link::Absence => (
            format!("two requests can both find no other {what} and both take its place"),
            "A and B both look here and find nothing".to_owned(),
        ),
        _ => (
            format!("two requests can both find the {what} and both use it"),
            "A and B both find the row here".to_owned(),
        ),
    };
    let mut remedies = Vec::new();
    if matches!(case.link, Link::Absence) {
        // Where it fails with a violation, the key is there.
        let violated = case.anomaly == Anomaly::UnhandledViolation;
        if !violated {
            let columns = quoted(&case.looked);
            remedies.push(remedy(
                "add-unique-key",
                format!("let the database refuse the second row: a unique key on {columns}"),
            ));
        }
        let and = if violated { "" } else { "with the key, " };
        remedies.push(remedy("handle-conflict", format!("{and}answer the {}", case.violation)));
    } else if case.act.verb == Some(Verb::Delete) {
        remedies.push(remedy(
            "guard-delete",
            "let the delete decide: put the condition into its `where` and test the count",
        ));
    } else {
        remedies.push(remedy(
            "guard-where",
            "let the update decide: put the condition into its `where` and test the count",
        ));
    }
    if case.database.name != "sqlite" {
        remedies.push(remedy("lock-read", "or lock the row when it is read, in the transaction that changes it"));
    }
    let taken = matches!(case.link, Link::Absence) && case.anomaly != Anomaly::UnhandledViolation;
    let notes = if taken { near_keys(case) } else { Vec::new() };
    Speech { message, check, act: "both get here".to_owned(), notes, remedies }
}
