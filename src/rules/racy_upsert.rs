//! An upsert that the library carries out as a look and an insert: two runs both find nothing.

use super::speech::{KEY, Speech, advice, entity, near_keys, quoted, remedy};
use crate::analysis::slips::{Slip, SlipKind, Unmet, Upsert};
use crate::finding::Anomaly;
use crate::library::Requirement;

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Upsert(_))
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let none = Upsert { relation: None, causes: Vec::new(), in_one: false };
    let upsert = match &slip.kind {
        SlipKind::Upsert(upsert) => upsert,
        _ => &none,
    };
    let case = &slip.case;
    let what = entity(case);
    let shape = match &upsert.relation {
        None if upsert.in_one => format!("this insert of {what} looks in the same statement whether the row is there"),
        None => format!("this upsert of {what} looks first and inserts then"),
        Some(relation) => format!("`{relation}` is looked for first and created then"),
    };
    let message = match case.anomaly {
        Anomaly::UnhandledViolation => {
            format!("{shape}: of two requests one fails with an unhandled {}", case.violation)
        }
        _ => format!("{shape}: two requests can both create a row"),
    };
    let mut remedies: Vec<_> = upsert.causes.iter().map(|cause| advice(way_out(*cause, &case.looked))).collect();
    remedies.push(match case.anomaly {
        Anomaly::UnhandledViolation => {
            let place = if case.in_transaction { ", around the whole transaction" } else { "" };
            remedy("handle-conflict", format!("take the {} as the sign to try once more{place}", case.violation))
        }
        _ => remedy("add-unique-key", format!("let the database refuse the second row: a unique key on {KEY}")),
    });
    let notes = match case.anomaly {
        Anomaly::UnhandledViolation => vec!["the unique key keeps the data right".to_owned()],
        _ => near_keys(case),
    };
    Speech { message, check: String::new(), act: "both find nothing and insert".to_owned(), notes, remedies }
}

/// What makes it one statement.
fn way_out(cause: Unmet, looked: &[String]) -> String {
    match cause {
        Unmet::Engine => "on this database no form of it is one statement".to_owned(),
        Unmet::Form(Requirement::UpdateNotEmpty) => {
            let itself = if looked.len() > 1 { "themselves" } else { "itself" };
            format!("with something to update it is one statement: set {} to {itself}", quoted(looked))
        }
        Unmet::Form(Requirement::KeyInCreate) => {
            "it is one statement if what is created has the very value that is looked for".to_owned()
        }
        Unmet::Form(Requirement::SingleKey) => "it is one statement if it asks for one unique key only".to_owned(),
        Unmet::Form(Requirement::NoRelations) => {
            "it is one statement if it does not return related rows: read them afterwards".to_owned()
        }
        Unmet::Form(Requirement::NoNestedWrites) => {
            "it is one statement if it writes no related rows: write them afterwards".to_owned()
        }
    }
}
