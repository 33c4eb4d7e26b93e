//! A column, an absence or the number of rows decides an update, upsert or delete. Two runs both see the state that only
//! one may act on.

use super::speech::{KEY, Remedy, Speech, entity, near_keys, quoted, remedy, why_mild};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;
use crate::library::Verb;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    match case.link {
        Link::Column(_) | Link::Presence => true,
        Link::Set => matches!(case.act.verb, Some(Verb::Update | Verb::Delete)) && !case.joins,
        Link::Absence => !matches!(case.act.verb, Some(Verb::Create | Verb::Upsert)),
        _ => false,
    }
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    if matches!(case.link, Link::Set) {
        return super::count_then_create::speak(case);
    }
    let what = entity(case);
    let verb = if case.act.verb == Some(Verb::Delete) { "delete" } else { "update" };
    let (message, check) = match &case.link {
        Link::Column(columns) => {
            let columns = quoted(columns);
            let ending = match case.anomaly {
                Anomaly::UnhandledViolation => format!(", and one {}", case.failure()),
                _ => match case.effects.as_slice() {
                    [effect, ..] if case.decided.is_empty() => {
                        format!(", and both {verb} it and call `{}`", effect.call)
                    }
                    _ => format!(" and both {verb} it"),
                },
            };
            (
                format!("two requests can both pass the check of {columns} on one {what}{ending}"),
                format!("A and B both read {columns} here, before either has changed it"),
            )
        }
        Link::Absence if case.anomaly == Anomaly::UnhandledViolation => (
            format!("two requests can both find no other {what}; both take its place, and one {}", case.failure()),
            "A and B both look here and find nothing".to_owned(),
        ),
        Link::Absence => (
            format!("two requests can both find no other {what} and both take its place"),
            "A and B both look here and find nothing".to_owned(),
        ),
        _ if case.act.verb == Some(Verb::Delete) => (
            format!("two requests can both find the {what} and both go on, though only one can delete it"),
            "A and B both find the row here".to_owned(),
        ),
        _ => (
            format!("two requests can both find the {what} and both use it"),
            "A and B both find the row here".to_owned(),
        ),
    };
    let remedies = remedies(case);
    let taken = matches!(case.link, Link::Absence) && case.anomaly != Anomaly::UnhandledViolation;
    let mut notes = if taken { near_keys(case) } else { Vec::new() };
    notes.extend(why_mild(case));
    Speech { message, check, act: "both get here".to_owned(), notes, remedies }
}

fn remedies(case: &Case) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let violated = case.anomaly == Anomaly::UnhandledViolation;
    if matches!(case.link, Link::Absence) {
        // Where it fails with a violation, the key is there.
        let answer = format!("answer the {}", case.violation);
        if violated {
            remedies.push(remedy("handle-conflict", answer));
        } else {
            let title = format!("let the database refuse the second row: a unique key on {KEY}");
            remedies.push(remedy("add-unique-key", title));
            remedies.push(remedy("handle-conflict", format!("with the key, {answer}")).after("add-unique-key"));
        }
        return remedies;
    }
    let first = match case.effects_between.as_slice() {
        [] => String::new(),
        [effect, ..] => format!(", before `{effect}`"),
    };
    let (intent, verb) = match case.act.verb {
        Some(Verb::Delete) => ("guard-delete", "delete"),
        _ => ("guard-where", "update"),
    };
    remedies.push(remedy(
        intent,
        format!("let the {verb} decide{first}: put the condition into its `where` and test the count"),
    ));
    if case.database.name != "sqlite" {
        remedies.push(remedy("lock-read", "or lock the row when it is read, in the transaction that changes it"));
    }
    remedies
}
