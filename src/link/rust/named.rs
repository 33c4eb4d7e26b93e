//! The paths that a text writes, found without parsing it.

/// The paths in a text: those of `use` declarations, with their groups taken apart, and those that stand in code.
pub(in crate::link) fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("::") {
        let start = rest[..at].rfind(|c| !is_path(c)).map_or(0, |before| before + char_len(rest, before));
        let first = &rest[start..at];
        let end = at + rest[at..].find(|c| !is_path(c)).unwrap_or(rest.len() - at);
        let path = rest[start..end].trim_end_matches(':');
        let opens = rest[end..].starts_with('{') && rest[start..end].ends_with("::");
        let mut after = end;
        if opens && !first.is_empty() {
            let close = closing(&rest[end..]).map_or(rest.len(), |close| end + close);
            let group = &rest[end..close];
            if group.len() < LONGEST {
                expand(path, group, &mut found);
            }
            after = close;
        } else if first.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') {
            found.push(path.to_owned());
        }
        rest = &rest[after.max(at + 2)..];
    }
    found.sort();
    found.dedup();
    found
}

/// The longest group of a `use` declaration that is taken apart.
const LONGEST: usize = 8_000;

fn is_path(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':'
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Where the brace closes that a text starts with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at + 1)
    })
}

/// Adds what a group stands for: `{b, c::{d}}` behind `a` is `a::b` and `a::c::d`.
fn expand(front: &str, group: &str, found: &mut Vec<String>) {
    let mut todo = vec![(front.to_owned(), group)];
    while let Some((front, group)) = todo.pop() {
        let inner = group.strip_prefix('{').unwrap_or(group);
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        let (mut depth, mut start) = (0_usize, 0);
        let mut pieces = Vec::new();
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    pieces.push(inner[start..at].trim());
                    start = at + 1;
                }
                _ => {}
            }
        }
        pieces.push(inner[start..].trim());
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            match piece.find("::{") {
                Some(at) => todo.push((format!("{front}::{}", &piece[..at]), &piece[at + 2..])),
                None => {
                    let name = piece.split(|c| !is_path(c)).next().unwrap_or_default().trim_end_matches(':');
                    found.push(if name == "self" { front.clone() } else { format!("{front}::{name}") });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn groups_are_taken_apart_and_code_is_read() {
        let text = "pub use crate::a::{self, b as c, d::{e, f::*}};\nuse x::*;\nfn f() { super::g::h(A::<B>::new()); y :: z; }\n::std::mem::drop(é::ü)";
        let wanted = ["A", "crate::a", "crate::a::b", "crate::a::d::e", "crate::a::d::f", "super::g::h", "x", "é::ü"];
        assert_eq!(paths(text), wanted);
        assert_eq!(paths("a::{"), [] as [&str; 0]);
        assert_eq!(paths("{{a::{b}}}::{"), ["a::b"]);
    }
}
