//! Where the comments of a text are. The parser leaves them out.

use crate::text::Span;

/// The places of all comments, in order.
pub(super) fn comments(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [b'/', b'/', ..] => line(rest),
            [b'/', b'*', ..] => block(rest),
            [b'"', ..] => {
                at += quoted(rest);
                continue;
            }
            [b'r' | b'b' | b'c', ..] => {
                at += prefixed(rest).unwrap_or_else(|| word(rest));
                continue;
            }
            [b'\'', ..] => {
                at += character(rest);
                continue;
            }
            [byte, ..] if is_word(*byte) => {
                at += word(rest);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        found.push(Span { start: position(at), end: position(at + length) });
        at += length;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn word(rest: &[u8]) -> usize {
    rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len())
}

/// The length of a comment to the end of its line.
fn line(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    if rest[..end].ends_with(b"\r") { end - 1 } else { end }
}

/// The length of a block comment, in which others may stand.
fn block(rest: &[u8]) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a text literal.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a literal with a prefix (`b"…"`, `r#"…"#`, `b'x'`); `None` where a word begins like one.
fn prefixed(rest: &[u8]) -> Option<usize> {
    let letters = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    let is_raw = rest[..letters].contains(&b'r');
    let marks = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
    let opening = letters + marks;
    match rest.get(opening)? {
        b'"' if is_raw => {
            let closes = |at: &usize| {
                let marked = &rest[at + 1..];
                rest[*at] == b'"' && marked.len() >= marks && marked[..marks].iter().all(|byte| *byte == b'#')
            };
            let end = (opening + 1..rest.len()).find(closes);
            Some(end.map_or(rest.len(), |end| end + 1 + marks))
        }
        b'"' if marks == 0 => Some(letters + quoted(&rest[letters..])),
        b'\'' if marks == 0 && rest[0] == b'b' => Some(letters + character(&rest[letters..])),
        _ => None,
    }
}

/// The length of a character literal, or of the mark in front of a lifetime.
fn character(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => {
            let end = rest.iter().skip(3).position(|byte| *byte == b'\'').map(|end| end + 4);
            end.unwrap_or(rest.len())
        }
        Some(_) => {
            let one = rest[1..].iter().skip(1).position(|byte| byte & 0xC0 != 0x80).map_or(rest.len(), |end| end + 2);
            if rest.get(one) == Some(&b'\'') { one + 1 } else { 1 }
        }
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::comments;

    #[test]
    fn comments_are_found_and_nothing_else() {
        let text = "a(\"// no\"); // one\r\n/* two /* inner */ */ let r = r#\"/* no \" */\"#; '\"'; b'\\''; 'a: loop {} //three\nr#type /// four\nb\"//\" '/' '\\u{1F600}' /* open";
        let found: Vec<&str> = comments(text).iter().map(|span| span.slice(text)).collect();
        assert_eq!(found, ["// one", "/* two /* inner */ */", "//three", "/// four", "/* open"]);
    }

    #[test]
    fn ends_in_the_middle_are_ends() {
        for text in ["\"", "'", "r#\"", "b'", "r", "b", "/", "/*", "'\\", "\"\\", "é'é", "'é"] {
            assert!(comments(text).len() <= 1);
        }
    }
}
