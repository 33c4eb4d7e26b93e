//! Rust text as tokens: enough to find the macros, attributes, chains of calls and texts that make a schema.
//!
//! What only tests have is left out: tables that a test makes for itself are no part of the schema.

use crate::text::Span;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a word of the language or a number.
    Word(String),
    /// The contents of a string literal.
    Text(String),
    /// A mark.
    Mark(char),
}

/// Tokens and where they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    all: Vec<(Token, Span)>,
    /// For each opening bracket, its closing one.
    closing: Vec<usize>,
}

impl Tokens {
    /// The tokens of a file.
    pub fn read(text: &str) -> Self {
        let mut tokens = Self { all: without_tests(cut(text)), closing: Vec::new() };
        tokens.match_brackets();
        tokens
    }

    fn match_brackets(&mut self) {
        self.closing = vec![self.all.len(); self.all.len()];
        let mut open = Vec::new();
        for (at, (token, _)) in self.all.iter().enumerate() {
            match token {
                Token::Mark('(' | '[' | '{') => open.push(at),
                Token::Mark(')' | ']' | '}') => {
                    if let Some(start) = open.pop() {
                        self.closing[start] = at;
                    }
                }
                _ => {}
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The token at a place.
    pub fn at(&self, at: usize) -> Option<&Token> {
        self.all.get(at).map(|(token, _)| token)
    }

    /// Where a token stands.
    pub fn span(&self, at: usize) -> Span {
        self.all.get(at).map_or_else(Span::default, |(_, span)| *span)
    }

    /// The word at a place.
    pub fn word(&self, at: usize) -> Option<&str> {
        match self.at(at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// The contents of the string literal at a place.
    pub fn text(&self, at: usize) -> Option<&str> {
        match self.at(at) {
            Some(Token::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a mark stands at a place.
    pub fn is(&self, at: usize, mark: char) -> bool {
        self.at(at) == Some(&Token::Mark(mark))
    }

    /// Whether a word stands at a place.
    pub fn is_word(&self, at: usize, word: &str) -> bool {
        self.word(at) == Some(word)
    }

    /// The place of the bracket that closes the one at a place; the end, where none does.
    pub fn close(&self, open: usize) -> usize {
        self.closing.get(open).copied().unwrap_or(self.all.len())
    }

    /// The pieces between commas of what stands between two places, brackets being kept whole; as places.
    pub fn list(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut pieces = Vec::new();
        let (mut start, mut at, mut angles) = (from, from, 0_usize);
        while at < to.min(self.len()) {
            match self.at(at) {
                Some(Token::Mark('(' | '[' | '{')) => at = self.close(at),
                Some(Token::Mark('<')) => angles += 1,
                Some(Token::Mark('>')) if !(at > 0 && self.is(at - 1, '-')) => angles = angles.saturating_sub(1),
                Some(Token::Mark(',')) if angles == 0 => {
                    pieces.push((start, at));
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        pieces.push((start, to.min(self.len())));
        pieces.retain(|(from, to)| from < to);
        pieces
    }

    /// The tokens between two places as text, without blanks.
    pub fn show(&self, from: usize, to: usize) -> String {
        let tokens = self.all.get(from..to.min(self.len())).unwrap_or_default();
        tokens
            .iter()
            .map(|(token, _)| match token {
                Token::Word(text) | Token::Text(text) => text.clone(),
                Token::Mark(mark) => mark.to_string(),
            })
            .collect()
    }
}

/// Leaves out what stands behind `#[cfg(test)]` and `#[test]`.
fn without_tests(tokens: Vec<(Token, Span)>) -> Vec<(Token, Span)> {
    let word = |at: usize, wanted: &str| matches!(tokens.get(at), Some((Token::Word(word), _)) if word == wanted);
    let mark = |at: usize, wanted: char| matches!(tokens.get(at), Some((Token::Mark(mark), _)) if *mark == wanted);
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let is_attribute = mark(at, '#') && mark(at + 1, '[');
        let tests = word(at + 2, "test") && mark(at + 3, ']')
            || word(at + 2, "cfg") && mark(at + 3, '(') && word(at + 4, "test") && mark(at + 5, ')');
        if !(is_attribute && tests) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        // Behind the attribute: up to the end of the item's block, or to its semicolon.
        let mut depth = 0_usize;
        at += 2;
        let mut in_attribute = true;
        while at < tokens.len() {
            match tokens[at].0 {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(close @ (')' | ']' | '}')) => {
                    if in_attribute && depth == 0 {
                        in_attribute = false;
                    } else {
                        depth = depth.saturating_sub(1);
                        if depth == 0 && close == '}' {
                            at += 1;
                            break;
                        }
                    }
                }
                Token::Mark(';') if depth == 0 => {
                    at += 1;
                    break;
                }
                _ => {}
            }
            at += 1;
        }
    }
    kept
}

/// Cuts a text into tokens; comments leave none.
fn cut(text: &str) -> Vec<(Token, Span)> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += comment(rest);
        } else if let Some((content, length)) = literal(rest) {
            at += length;
            tokens.push((Token::Text(content), span(start, at)));
        } else if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            at += rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push((Token::Word(text[start..at].to_owned()), span(start, at)));
        } else if let Some(length) = character(rest) {
            at += length;
        } else {
            let mark = rest.chars().next().unwrap_or(' ');
            at += mark.len_utf8();
            if !mark.is_whitespace() {
                tokens.push((Token::Mark(mark), span(start, at)));
            }
        }
    }
    tokens
}

fn span(start: usize, end: usize) -> Span {
    Span::new(u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}

/// The length of a block comment, which may hold others.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// The contents and the length of a string literal at the start of a text.
fn literal(text: &str) -> Option<(String, usize)> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.starts_with('"') || prefix.ends_with('r') && rest.trim_start_matches('#').starts_with('"')
        })
    })?;
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let inner = rest[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inner.find(&end).unwrap_or(inner.len());
        let all = prefix.len() + hashes + 1 + length + end.len();
        return Some((inner[..length].to_owned(), all.min(text.len())));
    }
    let inner = rest.strip_prefix('"')?;
    let mut content = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((content, prefix.len() + at + 2)),
            '\\' => match chars.next() {
                Some((_, 'n')) => content.push('\n'),
                Some((_, 't')) => content.push('\t'),
                // The end of a line, and the blanks at the start of the next.
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, other)) => content.push(other),
                None => {}
            },
            c => content.push(c),
        }
    }
    Some((content, text.len()))
}

/// The length of a character literal at the start of a text; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if let Some(escaped) = inner.strip_prefix('\\') {
        let end = escaped.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0;
        return Some(end + 3);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..].starts_with('\'').then_some(c.len_utf8() + 2)
}
