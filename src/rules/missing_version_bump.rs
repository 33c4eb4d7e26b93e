//! An update that passes over the column by which others notice that a row has changed.

use super::speech::{Speech, advice, entity};
use crate::analysis::slips::{Slip, SlipKind};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Version(_))
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let column = match &slip.kind {
        SlipKind::Version(version) => version.column.as_str(),
        _ => "version",
    };
    let what = entity(&slip.case);
    Speech {
        message: format!(
            "this update of {what} leaves `{column}` as it is: who compares it takes the row for unchanged"
        ),
        check: String::new(),
        act: format!("does not count `{column}` on"),
        notes: vec![format!("other updates of {what} compare `{column}` and count it on")],
        remedies: vec![advice(format!("compare `{column}`, or at least count it on, in every update"))],
    }
}
