//! Front ends: one per language, from text to the IR. Parser types end here.

pub mod typescript;

use crate::ir::Unit;

/// Lowers a file with the front end that its name asks for; `None` where no front end reads such files.
#[must_use]
pub fn lower(path: &str, text: &str) -> Option<Unit> {
    let (_, extension) = path.rsplit_once('.')?;
    match extension {
        "ts" | "mts" | "cts" | "tsx" | "js" | "mjs" | "cjs" | "jsx" => Some(typescript::lower(path, text)),
        _ => None,
    }
}
