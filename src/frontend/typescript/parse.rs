//! From text to a syntax tree.

use super::repair;
use super::tree::{Grammar, Tree};

/// Parses a file with the grammar that its name asks for. JavaScript is read as TypeScript with JSX, of which it is a part
/// but for a few forms that nobody writes.
pub(super) fn parse<'t>(path: &str, text: &'t str) -> Option<Tree<'t>> {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let grammar = Grammar::get(!matches!(extension, "ts" | "mts" | "cts"));
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&grammar.language).ok()?;
    // The repairs leave every byte offset as it is, and all text is read off the original.
    let mut best: Option<Tree<'t>> = None;
    let marked = repair::non_null_marks(text);
    let marked = marked.as_deref().unwrap_or(text);
    for repaired in [repair::tag_types(marked), None] {
        let parsed = parser.parse(repaired.as_deref().unwrap_or(marked), None)?;
        let tree = Tree::new(text, &parsed, &grammar.names);
        let is_done = tree.errors.is_empty();
        if best.as_ref().is_none_or(|best| damage(&tree) < damage(best)) {
            best = Some(tree);
        }
        if is_done || repaired.is_none() {
            break;
        }
    }
    if best.as_ref().is_some_and(|best| !best.errors.is_empty())
        && let Some(repaired) = repair::newer_syntax(text)
    {
        let parsed = parser.parse(&repaired, None)?;
        let tree = Tree::new(text, &parsed, &grammar.names);
        if best.as_ref().is_none_or(|best| damage(&tree) < damage(best)) {
            best = Some(tree);
        }
    }
    best
}

/// How much of a file could not be read: bytes, and places.
fn damage(tree: &Tree<'_>) -> (u64, usize) {
    (tree.errors.iter().map(|span| u64::from(span.len())).sum(), tree.errors.len())
}
