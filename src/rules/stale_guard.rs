//! A column decides, and only a rival moves it: a function that has itself read what this act writes.

use super::speech::{Speech, entity, quoted, remedy};
use crate::analysis::case::Case;
use crate::analysis::window::Link;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    case.rival.is_some()
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let rival = case.rival.as_ref().map_or("another function", |(name, _)| name.as_str());
    let columns = match &case.link {
        Link::Column(columns) => quoted(columns),
        _ => "the state".to_owned(),
    };
    let checked = format!("`{}`", case.check.entity);
    let written = entity(case);
    let mut remedies = Vec::new();
    if case.database.name == "sqlite" {
        remedies.push(remedy(
            "wrap-in-transaction",
            "run the check and the act in one transaction: on sqlite one writer at a time is let in",
        ));
    } else {
        remedies.push(remedy(
            "lock-parent",
            format!("lock the {checked} row first, in a transaction at read committed, here as well as in `{rival}`"),
        ));
        remedies.push(remedy(
            "raise-isolation",
            "or run both in serializable transactions that are retried when they fail",
        ));
    }
    Speech {
        message: format!(
            "{columns} of {checked} is checked here, and `{rival}` can move it before {written} is written, having read what is written here"
        ),
        check: format!("A reads {columns} here"),
        act: format!("A acts on it after `{rival}` has moved it"),
        notes: Vec::new(),
        remedies,
    }
}
