//! Absence decides a create: a row is looked up, not found, and created. Two runs both find nothing.

use super::speech::{KEY, NO_KEY, Remedy, Speech, entity, near_keys, quoted, remedy, why_mild};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;
use crate::library::Verb;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.link, Link::Absence) && matches!(case.act.verb, Some(Verb::Create | Verb::Upsert))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let violated = case.anomaly == Anomaly::UnhandledViolation;
    let once = case.anomaly == Anomaly::DoubleAct;
    let message = if violated && !case.described {
        format!("two requests can both find no {what}; both create it, or one fails where a unique key allows one only")
    } else if violated {
        format!("two requests can both find no {what}; both create it, and one {}", case.failure())
    } else if once {
        format!("two requests can both find no {what}; one row is kept, and both go on with what belongs to it")
    } else {
        format!("two requests can both find no {what} and both create one")
    };
    let mut notes = Vec::new();
    notes.extend(why_mild(case));
    if !violated && !once && case.described && case.looked_all && !case.looked.is_empty() {
        notes.push(format!("{NO_KEY}{} of {what} stops the second row", quoted(&case.looked)));
        notes.extend(near_keys(case));
    }
    Speech {
        message,
        check: "A and B both look here and find nothing".to_owned(),
        act: "both get here".to_owned(),
        notes,
        remedies: remedies(case, violated || once),
    }
}

fn remedies(case: &Case, violated: bool) -> Vec<Remedy> {
    // Where it fails with a violation, the key is there; elsewhere all else rests on making one.
    let keyed = |remedy: Remedy| if violated { remedy } else { remedy.after("add-unique-key") };
    let with = if violated { "" } else { "with the key, " };
    let mut all = Vec::new();
    if !violated {
        let title = format!("let the database refuse the second row: a unique key on {KEY}");
        all.push(remedy("add-unique-key", title));
    }
    let native = matches!(case.database.name.as_str(), "postgresql" | "cockroachdb" | "sqlite");
    all.push(keyed(if native {
        let title = format!("{with}one statement decides: an upsert (its `update` must not be empty)");
        remedy("merge-into-upsert", title)
    } else {
        remedy("skip-duplicates", format!("{with}create with `skipDuplicates`, then read the row"))
    }));
    let place = if case.transaction.is_some() { ", outside of the transaction" } else { "" };
    let title = format!("or {with}create first, and take the {} as the answer{place}", case.violation);
    all.push(keyed(remedy("handle-conflict", title)));
    all
}
