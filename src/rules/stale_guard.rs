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
    if case.link == Link::Set {
        return read_too_early(case, rival, &checked, &written);
    }
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

/// The words where rows were read before the lock under which the other function writes them.
fn read_too_early(case: &Case, rival: &str, read: &str, written: &str) -> Speech {
    let remedies = vec![if case.database.name == "sqlite" {
        remedy("wrap-in-transaction", "read and write in one transaction: on sqlite one writer at a time is let in")
    } else {
        remedy(
            "lock-parent",
            format!(
                "lock the {written} row first, as `{rival}` does, and read {read} behind the lock, in one transaction"
            ),
        )
    }];
    Speech {
        message: format!("{read} is read here, and `{rival}` can change it before {written} is written"),
        check: format!("A reads {read} here, without the lock that `{rival}` takes"),
        act: format!("A acts on it after `{rival}` has written {read}"),
        notes: Vec::new(),
        remedies,
    }
}
