//! A statement inside a transaction that goes through the client around it: it runs beside the transaction.

use super::speech::{Speech, advice, entity, remedy};
use crate::analysis::slips::{Escape, Slip, SlipKind};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Escape { .. })
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let (escape, meets) = match &slip.kind {
        SlipKind::Escape { escape, meets } => (*escape, *meets),
        _ => (Escape::Write, false),
    };
    let case = &slip.case;
    let what = entity(case);
    let (message, act) = match escape {
        Escape::Write | Escape::Log => (
            format!("{what} is written beside the transaction that surrounds it, and stays when that is rolled back"),
            "goes through the outer client, on a connection of its own",
        ),
        Escape::Transaction => (
            "a transaction is opened on the outer client inside another one, and stays when that is rolled back".into(),
            "opened on the client, on a connection of its own",
        ),
        Escape::Unawaited => (
            format!(
                "nobody waits for the write of {what}: the transaction commits without it, and refuses it afterwards"
            ),
            "runs on while the transaction goes on to its end",
        ),
        Escape::NeverSent => (
            format!("nobody waits for the write of {what}, and so it is never sent"),
            "a query is sent when it is awaited",
        ),
        Escape::ReadOfWritten => (
            format!(
                "{what} is read beside the transaction that surrounds it, and what that has written is not there yet"
            ),
            "goes through the outer client, and sees committed rows only",
        ),
        Escape::ReadForWrite => (
            format!("{what} is read beside the transaction that surrounds it, which then writes on the strength of it"),
            "goes through the outer client, out of reach of the transaction's isolation and locks",
        ),
        Escape::Read => (
            format!("{what} is read beside the transaction that surrounds it"),
            "goes through the outer client, on a second connection",
        ),
    };
    if matches!(escape, Escape::Unawaited | Escape::NeverSent) {
        let remedies =
            vec![advice("await it, or everything that is started in the callback, before the callback ends")];
        return Speech { message, check: String::new(), act: act.to_owned(), notes: Vec::new(), remedies };
    }
    let mut notes = Vec::new();
    match escape {
        Escape::Write | Escape::Transaction if meets => {
            notes.push(
                "where it meets a row that the transaction holds, it waits for the transaction that waits for it"
                    .into(),
            );
        }
        _ => {}
    }
    notes.push(
        "it takes a second connection while the transaction holds one: when all are taken, every request waits until it times out"
            .to_owned(),
    );
    Speech {
        message,
        check: String::new(),
        act: act.to_owned(),
        notes,
        remedies: vec![remedy(
            "use-handle",
            "send it through the transaction's own handle; a function that is called gets the handle as a parameter",
        )],
    }
}
