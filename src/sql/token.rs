//! SQL text to tokens. Everything above reads tokens, never characters.
//!
//! The reader is tolerant: an unclosed quote or comment runs to the end of the text, an unknown character is a symbol of
//! its own, and brackets that do not match are paired with the end of their statement.

use super::{Dialect, HOLE};
use crate::text::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare word: a keyword or a name. May have holes inside (`log_<hole>`).
    Word,
    /// A quoted name.
    Quoted,
    /// A string literal.
    Text,
    /// A number literal.
    Number,
    /// A placeholder; the number counts the bare `?` of the text from 1 and is 0 for all others.
    Param(u32),
    /// A hole that stands alone.
    Hole(u32),
    /// An operator or punctuation.
    Symbol,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
    /// For an opening bracket the index of its closing one, and the other way round; for everything else its own index.
    pub partner: u32,
}

/// The tokens of a text.
pub(crate) struct Tokens<'a> {
    pub text: &'a str,
    pub list: Vec<Token>,
    pub dialect: Dialect,
}

/// Operators of more than one character, longest first among those that share a beginning.
const OPERATORS: [&str; 29] = [
    "<=>", "->>", "#>>", "!~~", "!~*", "~~*", "||/", "<>", "!=", "<=", ">=", "==", "::", "||", "->", "#>", "@>", "<@",
    "?|", "?&", "~~", "~*", "!~", ":=", "=>", "&&", "<<", ">>", "#-",
];

impl<'a> Tokens<'a> {
    /// Splits a text.
    pub fn new(text: &'a str, dialect: Dialect) -> Self {
        let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, dialect, list: Vec::new(), asked: 0 };
        lexer.run();
        let mut list = lexer.list;
        pair_brackets(text, &mut list);
        Self { text, list, dialect }
    }

    /// The raw text of a token; empty behind the end.
    pub fn raw(&self, index: usize) -> &'a str {
        self.list.get(index).map_or("", |token| token.span.slice(self.text))
    }

    /// The kind of a token.
    pub fn kind(&self, index: usize) -> Option<TokenKind> {
        self.list.get(index).map(|token| token.kind)
    }

    /// Whether a token is this bare word, in whatever case.
    pub fn is_word(&self, index: usize, word: &str) -> bool {
        self.kind(index) == Some(TokenKind::Word) && self.raw(index).eq_ignore_ascii_case(word)
    }

    /// Whether a token is this operator or punctuation.
    pub fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.kind(index) == Some(TokenKind::Symbol) && self.raw(index) == symbol
    }

    /// The partner of a bracket.
    pub fn partner(&self, index: usize) -> usize {
        self.list.get(index).map_or(index, |token| token.partner as usize)
    }

    /// The index behind a token, where an opening bracket counts as its whole group.
    pub fn after(&self, index: usize) -> usize {
        self.partner(index).max(index) + 1
    }

    /// The name a token stands for, with quotes taken off.
    pub fn name(&self, index: usize) -> Option<String> {
        let raw = self.raw(index);
        match self.kind(index)? {
            TokenKind::Word => Some(raw.to_owned()),
            TokenKind::Hole(_) => Some(raw.to_owned()),
            TokenKind::Quoted => Some(unquote_name(raw)),
            _ => None,
        }
    }

    /// The content of a string literal, with quotes and escapes taken off.
    pub fn string(&self, index: usize) -> Option<String> {
        (self.kind(index)? == TokenKind::Text).then(|| unquote_text(self.raw(index), self.dialect))
    }

    /// The span from one token up to (not with) another.
    pub fn span(&self, start: usize, end: usize) -> Span {
        match (self.list.get(start), end.checked_sub(1).and_then(|last| self.list.get(last))) {
            (Some(first), Some(last)) if start < end => first.span.cover(last.span),
            (Some(first), _) => Span::new(first.span.start, first.span.start),
            _ => Span::default(),
        }
    }
}

/// Pairs brackets without recursion. A `;` ends every open group: no statement continues over it.
fn pair_brackets(text: &str, list: &mut [Token]) {
    let mut open: Vec<usize> = Vec::new();
    let close_all = |open: &mut Vec<usize>, list: &mut [Token], last: usize| {
        for start in open.drain(..) {
            list[start].partner = small(last);
        }
    };
    for index in 0..list.len() {
        list[index].partner = small(index);
        if list[index].kind != TokenKind::Symbol {
            continue;
        }
        match list[index].span.slice(text) {
            "(" | "[" => open.push(index),
            ")" | "]" => {
                if let Some(start) = open.pop() {
                    list[start].partner = small(index);
                    list[index].partner = small(start);
                }
            }
            ";" => close_all(&mut open, list, index.saturating_sub(1)),
            _ => {}
        }
    }
    let last = list.len().saturating_sub(1);
    close_all(&mut open, list, last);
}

/// Offsets and indexes are 32-bit: sources are capped far below 4 GiB when they are read.
fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn unquote_name(raw: &str) -> String {
    let mut chars = raw.chars();
    let (Some(open), Some(close)) = (chars.next(), chars.next_back()) else {
        return raw.to_owned();
    };
    let inner = chars.as_str();
    match open {
        '[' => inner.replace("]]", "]"),
        _ if open == close => inner.replace(&format!("{open}{open}"), &open.to_string()),
        _ => raw[open.len_utf8()..].to_owned(),
    }
}

fn unquote_text(raw: &str, dialect: Dialect) -> String {
    if let Some(rest) = raw.strip_prefix('$') {
        let tag = rest.find('$').map_or(raw.len(), |end| end + 2);
        let inner = &raw[tag..];
        return inner.strip_suffix(&raw[..tag]).unwrap_or(inner).to_owned();
    }
    let Some(start) = raw.find(['\'', '"']) else { return raw.to_owned() };
    let quote = if raw[start..].starts_with('"') { '"' } else { '\'' };
    let inner = &raw[start + 1..];
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    let escapes = dialect == Dialect::Mysql || raw.starts_with(['e', 'E']);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(character) = chars.next() {
        if character == quote && chars.peek() == Some(&quote) {
            chars.next();
            out.push(quote);
        } else if escapes && character == '\\' {
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            }
        } else {
            out.push(character);
        }
    }
    out
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    dialect: Dialect,
    list: Vec<Token>,
    /// How many bare `?` were seen.
    asked: u32,
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    starts_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let span = Span::new(small(start), small(self.at));
        self.list.push(Token { kind, span, partner: 0 });
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            if !self.skip_blank() {
                self.token();
            }
        }
    }

    /// Skips one stretch of white space or one comment.
    fn skip_blank(&mut self) -> bool {
        let byte = self.peek(0);
        if byte.is_ascii_whitespace() {
            self.at += 1;
        } else if (byte == b'-' && self.peek(1) == b'-') || (byte == b'#' && self.dialect == Dialect::Mysql) {
            self.at = self.find_from(self.at, "\n").unwrap_or(self.bytes.len());
        } else if byte == b'/' && self.peek(1) == b'*' {
            self.block_comment();
        } else {
            return false;
        }
        true
    }

    fn find_from(&self, start: usize, needle: &str) -> Option<usize> {
        self.text.get(start..)?.find(needle).map(|at| start + at)
    }

    /// Only PostgreSQL nests comments; elsewhere the first `*/` ends one.
    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') if depth == 0 || self.dialect == Dialect::Postgres => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
    }

    fn token(&mut self) {
        let start = self.at;
        let byte = self.peek(0);
        match byte {
            b'\'' => self.quoted(start, b'\'', self.dialect == Dialect::Mysql, TokenKind::Text),
            b'"' if self.dialect == Dialect::Mysql => self.quoted(start, b'"', true, TokenKind::Text),
            b'"' | b'`' => self.quoted(start, byte, false, TokenKind::Quoted),
            b'[' if self.bracket_name() => self.push(TokenKind::Quoted, start),
            b'$' => self.dollar(start),
            b'?' => self.question(start),
            b':' if starts_word(self.peek(1)) || self.peek(1) == HOLE as u8 => self.named(start, 1),
            b'@' if starts_word(self.peek(1)) || self.peek(1) == HOLE as u8 => self.named(start, 1),
            b'@' if self.peek(1) == b'@' && starts_word(self.peek(2)) => {
                self.at += 2;
                self.word();
                self.push(TokenKind::Word, start);
            }
            _ if byte.is_ascii_digit() || (byte == b'.' && self.peek(1).is_ascii_digit()) => self.number(start),
            _ if byte == HOLE as u8 => self.hole(start),
            _ if starts_word(byte) => self.word_or_prefixed_text(start),
            _ => self.symbol(start),
        }
    }

    /// Length of a hole at an offset, and its number.
    fn hole_at(&self, at: usize) -> Option<(usize, u32)> {
        let rest = self.text.get(at..)?.strip_prefix(HOLE)?;
        let digits = rest.bytes().take(10).take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits)?.parse().ok()?;
        rest[digits..].starts_with(HOLE).then_some((digits + 2, number))
    }

    fn hole(&mut self, start: usize) {
        let Some((length, number)) = self.hole_at(start) else {
            return self.symbol(start);
        };
        self.at += length;
        // `<hole>_users` is one name.
        if starts_word(self.peek(0)) {
            self.word();
            return self.push(TokenKind::Word, start);
        }
        self.push(TokenKind::Hole(number), start);
    }

    fn word(&mut self) {
        loop {
            if continues_word(self.peek(0)) && self.at < self.bytes.len() {
                self.at += 1;
            } else if let Some((length, _)) = self.hole_at(self.at) {
                self.at += length;
            } else {
                return;
            }
        }
    }

    fn word_or_prefixed_text(&mut self, start: usize) {
        // E'..', N'..', B'..', X'..', U&'..'
        let prefix = self.peek(0).to_ascii_lowercase();
        if matches!(prefix, b'e' | b'n' | b'b' | b'x') && self.peek(1) == b'\'' {
            self.at += 1;
            return self.quoted(start, b'\'', prefix == b'e' || self.dialect == Dialect::Mysql, TokenKind::Text);
        }
        if prefix == b'u' && self.peek(1) == b'&' && self.peek(2) == b'\'' {
            self.at += 2;
            return self.quoted(start, b'\'', false, TokenKind::Text);
        }
        self.word();
        self.push(TokenKind::Word, start);
    }

    /// Reads on from an opening quote; a doubled quote stands for itself.
    fn quoted(&mut self, start: usize, quote: u8, backslash: bool, kind: TokenKind) {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            if backslash && byte == b'\\' {
                self.at += 2;
            } else if byte == quote {
                self.at += 1;
                if self.peek(0) != quote || self.at >= self.bytes.len() {
                    return self.push(kind, start);
                }
                self.at += 1;
            } else {
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
        self.push(kind, start);
    }

    /// `[name]` of SQL Server and SQLite, told from array brackets by what stands before and inside.
    fn bracket_name(&mut self) -> bool {
        if matches!(self.dialect, Dialect::Postgres | Dialect::Mysql) || !starts_word(self.peek(1)) {
            return false;
        }
        if let Some(last) = self.list.last() {
            let raw = last.span.slice(self.text);
            let touching = last.span.end as usize == self.at;
            let array = raw.eq_ignore_ascii_case("array");
            if array || (touching && (raw == ")" || raw == "]" || last.kind != TokenKind::Symbol)) {
                return false;
            }
        }
        // A name is short, so that a bracket which never closes costs a bounded look ahead.
        let inside = &self.bytes[self.at + 1..(self.at + 130).min(self.bytes.len())];
        let length = inside.iter().take_while(|byte| continues_word(**byte) || **byte == b' ').count();
        if inside.get(length) != Some(&b']') {
            return false;
        }
        self.at += length + 2;
        true
    }

    fn dollar(&mut self, start: usize) {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return self.push(TokenKind::Param(0), start);
        }
        if let Some((length, _)) = self.hole_at(start + 1) {
            self.at += 1 + length;
            return self.push(TokenKind::Param(0), start);
        }
        let tag = self.bytes[start + 1..].iter().take_while(|byte| continues_word(**byte) && **byte != b'$').count();
        if self.bytes.get(start + 1 + tag) == Some(&b'$') && self.dialect != Dialect::Mysql {
            let opening = &self.text[start..start + tag + 2];
            let body = start + opening.len();
            self.at = self.find_from(body, opening).map_or(self.bytes.len(), |end| end + opening.len());
            return self.push(TokenKind::Text, start);
        }
        if tag > 0 {
            return self.named(start, 1);
        }
        self.symbol(start);
    }

    fn question(&mut self, start: usize) {
        let operator = matches!(self.peek(1), b'|' | b'&') && self.peek(2) != self.peek(1);
        if operator {
            return self.symbol(start);
        }
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return self.push(TokenKind::Param(0), start);
        }
        self.asked += 1;
        self.push(TokenKind::Param(self.asked), start);
    }

    fn named(&mut self, start: usize, sigil: usize) {
        self.at += sigil;
        self.word();
        self.push(TokenKind::Param(0), start);
    }

    fn number(&mut self, start: usize) {
        while self.peek(0).is_ascii_alphanumeric() || matches!(self.peek(0), b'.' | b'_') {
            let exponent = matches!(self.peek(0), b'e' | b'E') && matches!(self.peek(1), b'+' | b'-');
            self.at += if exponent { 2 } else { 1 };
        }
        self.push(TokenKind::Number, start);
    }

    fn symbol(&mut self, start: usize) {
        let rest = &self.text[start..];
        let length = OPERATORS
            .iter()
            .find(|operator| rest.starts_with(**operator))
            .map(|operator| operator.len())
            .or_else(|| rest.chars().next().map(char::len_utf8))
            .unwrap_or(1);
        self.at += length;
        self.push(TokenKind::Symbol, start);
    }
}
