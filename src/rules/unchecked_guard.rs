//! A write that carries its check in its condition, so that only one of two runs can hit the row; and nobody notices which.

use super::speech::{Remedy, Speech, advice, entity, quoted, remedy};
use crate::analysis::case::{Case, Guard};
use crate::analysis::slips::{Slip, SlipKind};
use crate::analysis::window::Link;
use crate::library::Verb;

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Guard(_))
}

/// The words for a slip.
pub(super) fn speak(slip: &Slip) -> Speech {
    match slip.kind {
        SlipKind::Guard(guard) => words(&slip.case, guard),
        _ => words(&slip.case, Guard::Ignored),
    }
}

/// The words for a case whose act carries a guard that is lost.
pub(super) fn words(case: &Case, guard: Guard) -> Speech {
    let what = entity(case);
    let removes = case.act.verb == Some(Verb::Delete);
    let verb = if removes { "delete" } else { "update" };
    let guarded = match &case.link {
        Link::Column(columns) => {
            format!("the {verb} of {what} repeats the check of {} in its condition", quoted(columns))
        }
        Link::Feeds(column) => format!("the {verb} of {what} repeats the check of `{column}` in its condition"),
        _ => format!("the {verb} of {what} decides who was first"),
    };
    let message = match guard {
        Guard::Ignored => format!("{guarded}, and nobody looks whether it has hit a row"),
        Guard::Uncounted => {
            format!("{guarded}, but as several statements on {}: two requests can both succeed", case.database.name)
        }
        Guard::Limited => {
            format!("{guarded}, but in a sub-select, because of its limit: two requests can both succeed")
        }
    };
    let act = match guard {
        Guard::Ignored => "the second one hits no row, and goes on",
        Guard::Uncounted => "both succeed, though only one changes the row",
        Guard::Limited => "both succeed",
    };
    Speech {
        message,
        check: "A and B both look here".to_owned(),
        act: act.to_owned(),
        notes: Vec::new(),
        remedies: remedies(case, guard, removes),
    }
}

fn remedies(case: &Case, guard: Guard, removes: bool) -> Vec<Remedy> {
    let intent = if removes { "guard-delete" } else { "guard-where" };
    let mut remedies = vec![match guard {
        Guard::Ignored => {
            remedy(intent, "test the count, before anything that depends on it, and go no further where it is zero")
        }
        Guard::Uncounted => remedy(intent, "use the form that gives the number of rows, and test it"),
        Guard::Limited => advice(
            "leave the limit out and name the row by its key, so that the condition stands in the write itself; then test the count",
        ),
    }];
    if case.check != case.act && case.database.name != "sqlite" {
        remedies.push(remedy("lock-read", "or lock the row when it is read, in the transaction that changes it"));
    }
    remedies
}
