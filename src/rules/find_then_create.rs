//! Absence decides a create: a row is looked up, not found, and created. Two runs both find nothing.

use super::speech::{Remedy, Speech, advice, entity, near_keys, quoted, remedy};
use crate::analysis::case::Case;
use crate::analysis::cures::Proof;
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
    let message = if violated {
        format!(
            "two requests can both find no {what}; both create it, and one fails with an unhandled {}",
            case.violation
        )
    } else if once {
        format!("two requests can both find no {what}; one row is kept, and both go on with what belongs to it")
    } else {
        format!("two requests can both find no {what} and both create one")
    };
    let mut notes = Vec::new();
    if !violated && !once && case.described && !case.looked.is_empty() {
        notes.push(format!("no unique key on {} of {what} stops the second row", quoted(&case.looked)));
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
    let mut all = Vec::new();
    if !violated {
        let columns = quoted(&case.looked);
        all.push(remedy(
            "add-unique-key",
            format!("let the database refuse the second row: a unique key on {columns}"),
        ));
    }
    let native = matches!(case.database.name.as_str(), "postgresql" | "cockroachdb" | "sqlite");
    let refuted = case.cures.proof("add-unique-key") == Some(Proof::Breaks);
    let keyed = if violated {
        ""
    } else if case.looked.is_empty() || refuted {
        "with a unique key on what both rows share, "
    } else {
        "with the key, "
    };
    if native {
        all.push(remedy(
            "merge-into-upsert",
            format!("{keyed}one statement decides: an upsert (its `update` must not be empty)"),
        ));
    } else {
        all.push(remedy("skip-duplicates", format!("{keyed}create with `skipDuplicates`, then read the row")));
    }
    let place = if case.transaction.is_some() { ", outside of the transaction" } else { "" };
    all.push(remedy(
        "handle-conflict",
        format!("or {keyed}create first, and take the {} as the answer{place}", case.violation),
    ));
    if !violated && case.looked.is_empty() {
        all.push(advice("the check names no columns by equality; a key needs some column that both rows share"));
    }
    all
}
