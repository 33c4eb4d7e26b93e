//! An atomic value is loaded, and then stored on the strength of what was loaded. Each is atomic, both together are not.

use super::speech::{Speech, advice, entity};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::library::Place;

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    case.place == Some(Place::Atomic)
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let feeds = matches!(case.link, Link::Feeds(_));
    let message = if feeds {
        format!("two threads can load the same value of {what}, and the second store undoes the first")
    } else {
        format!("two threads can both pass the test of {what} before either has stored")
    };
    let remedies = if feeds {
        vec![
            advice("one instruction computes: `fetch_add`, `fetch_sub`, `fetch_max`, `fetch_or` …"),
            advice("or `fetch_update` with the computation"),
        ]
    } else {
        vec![
            advice("let the store decide: `compare_exchange` (or `swap` for a flag), and go on only if it succeeds"),
            advice("or `fetch_max`, `fetch_min` where the larger or smaller value is to stay"),
        ]
    };
    Speech {
        message,
        check: "A and B both load here".to_owned(),
        act: "both get here".to_owned(),
        notes: Vec::new(),
        remedies,
    }
}
