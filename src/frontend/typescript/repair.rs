//! Works around what the grammar cannot read, by blanking it out before parsing.
//!
//! The grammar knows no type arguments in front of a template: it takes ``$queryRaw<User>`…` `` for two comparisons, and
//! fails on ``$queryRaw<User[]>`…` ``. Those are the raw queries, of all things. Nor does it know a few newer marks on
//! types. None of this changes what a program does, so it becomes blanks; line breaks stay. Since all text is later read off
//! the original, it does no harm to blank something that merely looks alike inside a string, a template or a comment.

/// The longest type arguments looked for.
const MAX_TYPE: usize = 4096;

/// Blanks type arguments in front of templates; `None` where there are none.
pub(super) fn tag_types(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut blanked: Option<Vec<u8>> = None;
    for (tick, _) in text.match_indices('`') {
        let before = bytes[..tick].iter().rposition(|byte| !byte.is_ascii_whitespace());
        let Some(close) = before.filter(|at| bytes[*at] == b'>') else { continue };
        if let Some(open) = opening(bytes, close) {
            blank(blanked.get_or_insert_with(|| bytes.to_vec()), open, close + 1);
        }
    }
    blanked.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Blanks non-null marks in front of a member (`a !== b!.c`): the grammar takes the mark to end the whole comparison.
/// `None` where there are none.
pub(super) fn non_null_marks(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut blanked: Option<Vec<u8>> = None;
    for (at, _) in text.match_indices("!.").chain(text.match_indices("![")) {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let ends_a_value = before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b')' | b']'));
        // `!.5` is a number behind a negation.
        let is_number = bytes.get(at + 2).is_some_and(u8::is_ascii_digit) && bytes[at + 1] == b'.';
        if ends_a_value && !is_number {
            blank(blanked.get_or_insert_with(|| bytes.to_vec()), at, at + 1);
        }
    }
    blanked.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Where the type arguments that end here begin, if they are some: after a name, and made of what types are made of.
fn opening(bytes: &[u8], close: usize) -> Option<usize> {
    let first = close.saturating_sub(MAX_TYPE);
    let window = without_comments(bytes.get(first..=close)?);
    let mut depth = 0_usize;
    for (at, byte) in window.iter().enumerate().rev() {
        match byte {
            // The arrow of a function type.
            b'>' if depth > 0 && at > 0 && window[at - 1] == b'=' => {}
            b'>' => depth += 1,
            // The end is in a comment itself.
            _ if depth == 0 => return None,
            b'<' => {
                depth -= 1;
                if depth == 0 {
                    let before = *window.get(at.checked_sub(1)?)?;
                    let is_name = before.is_ascii_alphanumeric() || matches!(before, b'_' | b'$' | b')' | b']');
                    return is_name.then_some(first + at);
                }
            }
            b'`' | b'+' | b'*' | b'/' | b'\\' | b'^' | b'%' | b'~' | b'@' | b'#' | b'!' => return None,
            _ => {}
        }
    }
    None
}

/// A stretch of text with its comments blanked. A `//` behind a colon is that of an address.
fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at + 1 < bytes.len() {
        let end: &[u8] = match &bytes[at..at + 2] {
            b"//" if at == 0 || bytes[at - 1] != b':' => b"\n",
            b"/*" => b"*/",
            _ => {
                at += 1;
                continue;
            }
        };
        let rest = &bytes[at + 2..];
        let length =
            rest.windows(end.len()).position(|found| found == end).map_or(rest.len(), |found| found + end.len());
        blank(&mut out, at, at + 2 + length);
        at += 2 + length;
    }
    out
}

/// Hides what the grammar does not know: the variance of type parameters, the `type` of `export type *`, and `import("m")`
/// as a type, which becomes a name. Only worth a try where parsing failed.
pub(super) fn newer_syntax(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut blanked: Option<Vec<u8>> = None;
    let word_end = |from: usize| {
        bytes[from..].iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'$'))
    };
    let skip_space = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'<' | b',') {
            continue;
        }
        let mut start = skip_space(at + 1);
        // `in T`, `out T`, `in out T`.
        for _ in 0..2 {
            let Some(length) = word_end(start) else { break };
            let next = skip_space(start + length);
            let follows = bytes.get(next).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            if !matches!(&bytes[start..start + length], b"in" | b"out") || next == start + length || !follows {
                break;
            }
            blank(blanked.get_or_insert_with(|| bytes.to_vec()), start, start + length);
            start = next;
        }
    }
    for (at, export) in text.match_indices("export type ") {
        let after = skip_space(at + export.len());
        if bytes.get(after) == Some(&b'*') {
            blank(blanked.get_or_insert_with(|| bytes.to_vec()), at + "export ".len(), after);
        }
    }
    for (at, import) in text.match_indices("import(") {
        let before = text.get(..at).unwrap_or_default().trim_end();
        let is_type = before.ends_with([':', '<', '|', '&']) || before.ends_with("typeof") || before.ends_with("keyof");
        let length = bytes[at..].iter().take(MAX_TYPE).position(|byte| *byte == b')');
        if let Some(length) = length.filter(|length| is_type && *length > import.len()) {
            blanked.get_or_insert_with(|| bytes.to_vec())[at..=at + length].fill(b'_');
        }
    }
    blanked.and_then(|bytes| String::from_utf8(bytes).ok())
}

fn blank(bytes: &mut [u8], start: usize, end: usize) {
    for byte in &mut bytes[start..end] {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}
