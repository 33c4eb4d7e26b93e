//! Two writes that belong together, with nothing that keeps them together.

use super::speech::{Speech, advice};
use crate::analysis::slips::{Slip, SlipKind};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Split)
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let (first, second) = (&slip.case.check.entity, &slip.case.act.entity);
    Speech {
        message: format!(
            "`{first}` and `{second}` are written one after the other: a failure in between leaves half of it"
        ),
        check: "this is kept".to_owned(),
        act: "when this is not reached".to_owned(),
        notes: Vec::new(),
        remedies: vec![advice("write both in one transaction, or in one statement")],
    }
}
