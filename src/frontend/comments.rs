//! Comments, from which suppressions are read.

use crate::ir::Comment;
use crate::text::{LineIndex, Span};

/// The comments of a file that stand at these places.
pub(super) fn comments(source: &str, places: &[Span]) -> Vec<Comment> {
    let lines = LineIndex::new(source);
    let comment = |span: &Span| {
        let line = Span { start: lines.line_start(lines.line_of(span.start)), end: span.start };
        Comment { span: *span, text: bare(span.slice(source)), own_line: line.slice(source).trim_start().is_empty() }
    };
    places.iter().map(comment).collect()
}

/// The text of a comment without its marks. The stars that line up the lines of a block comment are marks, too.
fn bare(comment: &str) -> String {
    if let Some(line) = comment.strip_prefix("//") {
        return line.trim_start_matches('/').trim().to_owned();
    }
    let Some(block) = comment.strip_prefix("/*") else { return comment.trim().to_owned() };
    let block = block.strip_suffix("*/").unwrap_or(block);
    let mut lines = block.lines().enumerate().map(|(index, line)| {
        let line = line.trim();
        let mark = if index == 0 { line.trim_start_matches('*') } else { line.strip_prefix('*').unwrap_or(line) };
        mark.trim()
    });
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.push('\n');
        text.push_str(line);
    }
    text.trim().to_owned()
}
