//! A look at a file decides what is done to it. Between the two somebody else creates, changes or removes it.

use super::speech::{Remedy, Speech, advice};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::Anomaly;
use crate::library::{Place, Verb};

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    case.place == Some(Place::File)
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let act = &case.act.call;
    let message = match (case.anomaly, &case.link) {
        (Anomaly::UnhandledAbsence, _) => {
            format!("the file can be gone between the look and `{act}`, which fails with an error that nobody handles")
        }
        (Anomaly::UnhandledViolation, _) => format!(
            "somebody else can create the file between the look and `{act}`, which fails with an unhandled {}",
            case.violation
        ),
        (_, Link::Feeds(_)) => {
            "two runs can read the same file, and what the second one writes undoes the change of the first".to_owned()
        }
        _ => format!("the file can change between the look and `{act}`, and two runs both act on what they saw"),
    };
    let check = match case.link {
        Link::Absence => "A and B both look here and find nothing",
        Link::Feeds(_) => "A and B both read it here",
        _ => "A and B both find it here",
    };
    Speech {
        message,
        check: check.to_owned(),
        act: "both get here".to_owned(),
        notes: vec!["another process, or another user of the folder, may come in between just as well".to_owned()],
        remedies: remedies(case),
    }
}

fn remedies(case: &Case) -> Vec<Remedy> {
    match (&case.link, case.act.verb) {
        (Link::Feeds(_), _) => vec![
            advice("hold an advisory lock on the file from the read to the write"),
            advice("write a new file beside it and rename that over the old one, so that no half of it is ever seen"),
        ],
        (_, Some(Verb::Delete)) => {
            vec![advice("remove it without looking, and take `ErrorKind::NotFound` for an answer: it is gone already")]
        }
        (_, Some(Verb::Create)) => vec![
            advice("create it without looking, and take `ErrorKind::AlreadyExists` for an answer: it is there already"),
            advice("for a folder, `create_dir_all` does so by itself"),
        ],
        _ => vec![
            advice("open it with `create_new(true)`: one call looks and creates"),
            advice("or write a file of another name and `rename` it into place"),
        ],
    }
}
