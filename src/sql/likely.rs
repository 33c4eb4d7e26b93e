//! Whether a text is SQL at all.

use super::HOLE;

/// How much of a text is looked at.
const LOOK: usize = 4096;

/// Whether a text reads as a query, without reading it: for strings of which nothing else is known.
///
/// Prose begins with the same words ("Select a file from the list", "Update the settings"), so the verb must be all upper
/// or all lower case, its second word must be there, and lower-case text must show a character that prose doesn't have.
#[must_use]
pub fn looks_like_dml(text: &str) -> bool {
    let text = skip_comments(text.trim_start().trim_start_matches('(').trim_start());
    let mut end = text.len().min(LOOK);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let mut words = text
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty());
    let Some(verb) = words.next() else { return false };
    let upper = verb.bytes().all(|byte| byte.is_ascii_uppercase());
    let lower = verb.bytes().all(|byte| byte.is_ascii_lowercase());
    if !(upper || lower) || !text.starts_with(verb) || verb.len() == text.len() {
        return false;
    }
    let mut says = |wanted: &[&str]| words.any(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)));
    let behind = text[verb.len()..].trim_start();
    let shape = match verb.to_ascii_lowercase().as_str() {
        "select" => says(&["from"]) || behind.contains('('),
        "insert" => says(&["into"]) && says(&["values", "value", "select", "default", "set"]),
        "replace" => says(&["into"]) && says(&["values", "value", "select", "set"]),
        "update" => says(&["set"]) && behind.contains('='),
        "delete" => behind.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("from")),
        "merge" => says(&["using"]) && says(&["matched"]),
        "with" => says(&["as"]) && behind.contains('(') && says(&["select", "insert", "update", "delete"]),
        "truncate" => says(&["table"]),
        _ => false,
    };
    let last = text.trim_end().len();
    let sign = text[..last].char_indices().any(|(at, character)| {
        matches!(character, '*' | '(' | '=' | '$' | '"' | '`' | HOLE) || (character == '?' && at + 1 < last)
    });
    shape && (upper || sign)
}

fn skip_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let rest = if text.starts_with("--") {
            text.split_once('\n').map(|(_, rest)| rest)
        } else if text.starts_with("/*") {
            text.split_once("*/").map(|(_, rest)| rest)
        } else {
            return text;
        };
        match rest {
            Some(rest) => text = rest,
            None => return "",
        }
    }
}
