//! Something is sent while a transaction is open.

use super::speech::{Speech, advice};
use crate::analysis::slips::{Slip, SlipKind};

/// Whether the slip is this rule's.
pub(super) fn selects(slip: &Slip) -> bool {
    matches!(slip.kind, SlipKind::Effect)
}

/// The words for it.
pub(super) fn speak(slip: &Slip) -> Speech {
    let call = &slip.case.act.call;
    Speech {
        message: format!("`{call}` is called while a transaction is open"),
        check: String::new(),
        act: "locks are held meanwhile, and no rollback takes it back".to_owned(),
        notes: Vec::new(),
        remedies: vec![advice("call it behind the transaction, or write down inside that it is to be called")],
    }
}
