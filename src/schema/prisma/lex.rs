//! The tokens of the Prisma schema language.

use crate::text::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    /// A string literal, with its quotes.
    Text,
    Number,
    /// Punctuation; `@@` is one.
    Symbol,
    /// The end of a line.
    Newline,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
    /// The closing bracket of an opening one; otherwise the token's own index.
    pub partner: u32,
}

/// The tokens of a file.
pub(super) struct Tokens<'a> {
    pub text: &'a str,
    pub list: Vec<Token>,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, list: Vec::new() };
        lexer.run();
        let mut tokens = Self { text, list: lexer.list };
        tokens.pair();
        tokens
    }

    /// Pairs round and square brackets, and braces inside brackets. Blocks are paired by their reader, which knows that a
    /// line with `model` starts a new one even if the last was not closed.
    fn pair(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for index in 0..self.list.len() {
            self.list[index].partner = small(index);
            match self.raw(index) {
                "(" | "[" => open.push(index),
                "{" if !open.is_empty() => open.push(index),
                ")" | "]" | "}" if !open.is_empty() => {
                    let fits = |start: &usize| {
                        matches!((self.raw(*start), self.raw(index)), ("(", ")") | ("[", "]") | ("{", "}"))
                    };
                    if open.last().is_some_and(fits) {
                        if let Some(start) = open.pop() {
                            self.list[start].partner = small(index);
                        }
                    } else {
                        // A bracket that was never closed must not swallow the rest of the file.
                        open.clear();
                    }
                }
                _ => {}
            }
        }
    }

    pub fn raw(&self, index: usize) -> &'a str {
        self.list.get(index).filter(|token| token.kind != Kind::Newline).map_or("", |token| token.span.slice(self.text))
    }

    pub fn kind(&self, index: usize) -> Option<Kind> {
        self.list.get(index).map(|token| token.kind)
    }

    pub fn is(&self, index: usize, raw: &str) -> bool {
        self.raw(index) == raw && self.kind(index) != Some(Kind::Text)
    }

    /// The name at a place.
    pub fn ident(&self, index: usize) -> Option<&'a str> {
        (self.kind(index)? == Kind::Ident).then(|| self.raw(index))
    }

    /// The content of a string literal.
    pub fn string(&self, index: usize) -> Option<String> {
        if self.kind(index)? != Kind::Text {
            return None;
        }
        let raw = self.raw(index);
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(character) = chars.next() {
            match character {
                '\\' => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some(other) => out.push(other),
                    None => {}
                },
                other => out.push(other),
            }
        }
        Some(out)
    }

    /// The index behind a token; an opening bracket counts as its whole group.
    pub fn after(&self, index: usize) -> usize {
        self.list.get(index).map_or(index, |token| token.partner as usize).max(index) + 1
    }

    /// Whether an opening bracket has its closing one.
    pub fn closed(&self, index: usize) -> bool {
        self.after(index) > index + 1
    }

    /// The range inside a closed bracket.
    pub fn inside(&self, open: usize) -> (usize, usize) {
        (open + 1, self.after(open) - 1)
    }

    /// The span from one token up to (not with) another.
    pub fn span(&self, start: usize, end: usize) -> Span {
        match (self.list.get(start), end.checked_sub(1).and_then(|last| self.list.get(last))) {
            (Some(first), Some(last)) if start < end => first.span.cover(last.span),
            (Some(first), _) => first.span,
            _ => Span::default(),
        }
    }

    /// The top-level pieces between commas, without line ends at their edges.
    pub fn split_commas(&self, (start, end): (usize, usize)) -> Vec<(usize, usize)> {
        let mut pieces = Vec::new();
        let (mut from, mut at) = (start, start);
        while at < end {
            if self.is(at, ",") {
                pieces.push((from, at));
                from = at + 1;
            }
            at = self.after(at);
        }
        pieces.push((from, end));
        let trim = |(mut start, mut end): (usize, usize)| {
            while start < end && self.kind(start) == Some(Kind::Newline) {
                start += 1;
            }
            while start < end && self.kind(end - 1) == Some(Kind::Newline) {
                end -= 1;
            }
            (start, end)
        };
        pieces.into_iter().map(trim).filter(|(start, end)| start < end).collect()
    }
}

/// Offsets and indexes are 32-bit: sources are capped far below 4 GiB when they are read.
fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    list: Vec<Token>,
}

fn in_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && test(self.peek(0)) {
            self.at += 1;
        }
    }

    fn run(&mut self) {
        // A byte order mark is no name.
        self.at = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        while self.at < self.bytes.len() {
            let start = self.at;
            let byte = self.peek(0);
            let kind = match byte {
                b'\n' => {
                    self.at += 1;
                    Kind::Newline
                }
                b' ' | b'\t' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.peek(1) == b'/' => {
                    self.skip_while(|byte| byte != b'\n');
                    continue;
                }
                b'/' if self.peek(1) == b'*' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                    continue;
                }
                b'"' => {
                    self.string();
                    Kind::Text
                }
                b'-' | b'0'..=b'9' => {
                    self.at += 1;
                    self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
                    Kind::Number
                }
                _ if in_ident(byte) => {
                    self.skip_while(|byte| in_ident(byte) || byte == b'-');
                    Kind::Ident
                }
                _ => {
                    self.at += if byte == b'@' && self.peek(1) == b'@' { 2 } else { 1 };
                    Kind::Symbol
                }
            };
            self.list.push(Token { kind, span: Span::new(small(start), small(self.at)), partner: 0 });
        }
    }

    /// A string ends with its line at the latest, so that a missing quote costs one line.
    fn string(&mut self) {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\n' => return,
                b'\\' if self.peek(1) != b'\n' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
    }
}
