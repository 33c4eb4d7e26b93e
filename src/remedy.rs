//! The code of remedies: a library's template, filled with pieces of the user's text.

use crate::analysis::case::Case;
use crate::library::Registry;
use crate::link::Program;
use crate::source::Sources;

/// The code that carries out an intent for a case; `None` where it cannot be written down.
#[must_use]
pub fn code(
    _program: &Program,
    _sources: &Sources,
    _registry: &Registry,
    _case: &Case,
    _intent: &str,
) -> Option<String> {
    None
}
