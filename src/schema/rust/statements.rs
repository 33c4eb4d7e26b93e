//! Changes of a schema in the order in which code writes them: SQL text, and chains of calls that build a statement.

use super::tokens::Tokens;
use super::{Included, builder};
use crate::schema::{Engine, Schema, migrations};
use crate::sql::Dialect;

/// How an SQL text starts that changes a schema.
const STARTS: [&str; 6] =
    ["create table", "create unique index", "create index", "alter table", "drop table", "drop index"];

/// Applies what a file says. What takes a migration back, by the name of its function, is passed over.
pub(super) fn read(path: &str, tokens: &Tokens, included: Included<'_>, engine: Option<Engine>, schema: &mut Schema) {
    let dialect = engine.map_or(Dialect::Generic, Engine::dialect);
    let names = builder::Names::read(tokens);
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = down(tokens, at) {
            at = end;
            continue;
        }
        if let Some(file) = included_file(tokens, at) {
            if let Some((path, text)) = included(file).filter(|(_, text)| text.contains("CREATE TABLE")) {
                migrations::apply(&path, text, dialect, None, schema);
            }
        } else if let Some(text) = tokens.text(at)
            && changes_schema(text)
            && !is_undone(tokens, at)
        {
            migrations::apply(path, text, dialect, Some(tokens.span(at)), schema);
        } else if let Some(ddl) = builder::statement(tokens, at, &names) {
            migrations::apply_one(path, ddl, tokens.span(at), schema);
        }
        at += 1;
    }
}

/// The file of SQL that `include_str!("…")` takes in, of which the name stands at a place.
fn included_file(tokens: &Tokens, at: usize) -> Option<&str> {
    let name = tokens.text(at).filter(|name| name.ends_with(".sql"))?;
    (at >= 3 && tokens.is_word(at - 3, "include_str") && tokens.is(at - 2, '!')).then_some(name)
}

/// Where the body of a function ends that takes a migration back, if one starts here.
fn down(tokens: &Tokens, at: usize) -> Option<usize> {
    if !tokens.is_word(at, "fn") || !tokens.word(at + 1)?.starts_with("down") {
        return None;
    }
    let mut open = at + 2;
    while open < tokens.len() && !tokens.is(open, '{') && !tokens.is(open, ';') {
        open = if tokens.is(open, '(') { tokens.close(open) + 1 } else { open + 1 };
    }
    Some(tokens.close(open).min(tokens.len()).max(at + 1))
}

/// Whether a text is the value of a member that takes a migration back (`down: "…"`, `.down("…")`).
fn is_undone(tokens: &Tokens, at: usize) -> bool {
    at >= 2 && matches!(tokens.word(at - 2), Some("down" | "undo" | "rollback"))
}

/// Whether a text is SQL that changes a schema, and says so without holes.
fn changes_schema(text: &str) -> bool {
    let start = without_comments(text);
    let words = start.split_whitespace().take(3).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let is_sql = STARTS.iter().any(|known| words.starts_with(known));
    is_sql && text.len() > 20 && !text.contains("{}") && !has_hole(text)
}

/// Whether a text is a format with named holes in it.
fn has_hole(text: &str) -> bool {
    text.match_indices('{').any(|(at, _)| {
        let inner = &text[at + 1..];
        let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
        end > 0 && inner[end..].starts_with('}')
    })
}

fn without_comments(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(rest) = text.strip_prefix("--") {
        text = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    text
}
