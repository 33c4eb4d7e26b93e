//! A transaction that the database may abort for the sake of another one, and what becomes of it.

use super::speech::{Speech, advice, remedy};
use crate::analysis::slips::{Retry, Slip, SlipKind};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Conflict(_))
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let retry = match slip.kind {
        SlipKind::Conflict(retry) => retry,
        _ => Retry::None,
    };
    let level = slip.case.isolation.as_deref().unwrap_or("this level");
    let message = match retry {
        Retry::None => format!("at {level} the database aborts one of two such transactions, and nobody runs it again"),
        Retry::StatementsOnly => {
            "the retry knows the conflict that a statement reports, and not the one that the commit reports".to_owned()
        }
        Retry::CallsOnly => {
            "the retry knows the conflict that a call reports, and not the one that raw SQL in the transaction reports"
                .to_owned()
        }
        Retry::Swallowed => {
            "when all attempts have failed, the loop ends as if the transaction had gone through".to_owned()
        }
        Retry::Unheard => {
            format!("a batch of one call is sent without a transaction: {level} is not what it runs at")
        }
        Retry::Effects => "what is run again after a conflict sends its messages again".to_owned(),
    };
    let remedies = match retry {
        Retry::None => vec![
            remedy("add-retry", "run the whole transaction again when it is aborted, a few times"),
            advice("or let one statement decide at the default level: a guarded update, an upsert"),
        ],
        Retry::Swallowed => vec![advice("behind the loop, throw the last error")],
        Retry::Unheard => vec![advice("open a transaction with a callback, which runs at the level that is asked for")],
        Retry::StatementsOnly | Retry::CallsOnly => vec![remedy(
            "add-retry",
            "with a driver adapter a conflict has three forms: that of a call, that of raw SQL, and that of the commit; retry all of them",
        )],
        Retry::Effects => vec![advice("send what is to be sent behind the transaction, when it has gone through")],
    };
    Speech { message, check: String::new(), act: "this transaction".to_owned(), notes: Vec::new(), remedies }
}
