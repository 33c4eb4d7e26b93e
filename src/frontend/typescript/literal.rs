//! Literals: numbers, text, templates, objects and arrays.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind};
use crate::frontend::value::{opaque, text};
use crate::ir::{Const, Entry, Expr, ExprKind, FuncKind, Item, TemplatePart};
use crate::text::Span;

impl<'t> Lower<'t> {
    /// A template; one without holes is plain text, unless it is the argument of a tag.
    pub(super) fn template(&mut self, id: Id, tagged: bool) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let mut parts = Vec::new();
        let mut at = span.start + 1;
        let piece = |parts: &mut Vec<TemplatePart>, start: u32, end: u32| {
            let raw = Span { start: start.min(end), end }.slice(tree.source());
            if !raw.is_empty() {
                parts.push(TemplatePart::Text(unescape(raw)));
            }
        };
        for hole in tree.children(id).filter(|child| tree.kind(*child) == Kind::TemplateSubstitution) {
            let hole_span = tree.span(hole);
            piece(&mut parts, at, hole_span.start);
            at = hole_span.end;
            let value = match tree.first(hole) {
                Some(inner) => self.value(inner),
                None => opaque(Vec::new(), hole_span),
            };
            parts.push(TemplatePart::Hole(value));
        }
        let closed = tree.text(id).len() > 1 && tree.text(id).ends_with('`');
        piece(&mut parts, at, if closed { span.end - 1 } else { span.end });
        if tagged {
            return Expr::new(ExprKind::Template(parts), span);
        }
        match parts.as_slice() {
            [] => text("", span),
            [TemplatePart::Text(only)] => text(only.clone(), span),
            _ => Expr::new(ExprKind::Template(parts), span),
        }
    }

    /// An object literal.
    pub(super) fn object(&mut self, id: Id) -> Expr {
        let tree = self.tree;
        let mut entries = Vec::new();
        for child in tree.children(id) {
            match tree.kind(child) {
                Kind::Pair => {
                    let (Some(key), Some(value)) = (tree.get(child, Field::Key), tree.get(child, Field::Value)) else {
                        continue;
                    };
                    if let Some(name) = self.known_key(key) {
                        let want = Want { name: self.key_name(key), ..Want::default() };
                        let value = self.expr(value, want);
                        entries.push(Entry::Field { key: name, key_span: tree.span(key), value });
                    } else {
                        let key = self.computed_key(key);
                        let value = self.value(value);
                        entries.push(Entry::Computed(key, value));
                    }
                }
                Kind::Shorthand => {
                    let value = self.value(child);
                    let key = tree.text(child).to_owned();
                    entries.push(Entry::Field { key, key_span: tree.span(child), value });
                }
                Kind::Spread => {
                    if let Some(inner) = tree.first(child) {
                        let value = self.value(inner);
                        entries.push(Entry::Spread(value));
                    }
                }
                Kind::MethodDefinition => entries.extend(self.object_method(child)),
                _ => {}
            }
        }
        Expr::new(ExprKind::Object(entries), tree.span(id))
    }

    /// A method, getter or setter of an object literal. A getter's value is something made by its function; a setter has
    /// none.
    fn object_method(&mut self, id: Id) -> Option<Entry> {
        let tree = self.tree;
        let span = tree.span(id);
        let key = tree.get(id, Field::Name)?;
        let name = self.known_key(key);
        let computed = if name.is_none() { Some(self.computed_key(key)) } else { None };
        let func = self.function(id, FuncKind::Anonymous, name.as_deref().unwrap_or_default());
        let value = Expr::new(ExprKind::Func(func), span);
        let value = match self.accessor(id) {
            Some("set") => return None,
            Some(_) => opaque(vec![value], span),
            None => value,
        };
        Some(match (name, computed) {
            (Some(key_text), _) => Entry::Field { key: key_text, key_span: tree.span(key), value },
            (None, Some(computed)) => Entry::Computed(computed, value),
            (None, None) => return None,
        })
    }

    /// `get` or `set`, if a method is one.
    pub(super) fn accessor(&self, method: Id) -> Option<&'t str> {
        let tree = self.tree;
        let mut tokens = tree.all(method).filter(|child| tree.kind(*child) == Kind::Token);
        tokens.find_map(|token| Some(tree.text(token)).filter(|text| matches!(*text, "get" | "set")))
    }

    /// An array literal.
    pub(super) fn array(&mut self, id: Id, want: Want<'t>) -> Expr {
        let element = Want { awaited: want.all, name: want.name, ..Want::default() };
        let items = self.items(id, element, want.all);
        Expr::new(ExprKind::Array(items), self.tree.span(id))
    }

    /// The elements of an array literal or an argument list.
    pub(super) fn items(&mut self, id: Id, want: Want<'t>, all: bool) -> Vec<Item> {
        let tree = self.tree;
        let mut items = Vec::new();
        for child in tree.children(id) {
            match tree.kind(child) {
                Kind::Spread => {
                    if let Some(inner) = tree.first(child) {
                        let value = self.expr(inner, Want { all, ..Want::default() });
                        items.push(Item::Spread(value));
                    }
                }
                Kind::Error => {}
                _ => {
                    let value = self.expr(child, want);
                    items.push(Item::Value(value));
                }
            }
        }
        items
    }

    /// The name of a property, if it is known.
    pub(super) fn known_key(&self, key: Id) -> Option<String> {
        let tree = self.tree;
        match tree.kind(key) {
            Kind::String => Some(string(tree.text(key))),
            Kind::Number => match number(tree.text(key), tree.span(key)).kind {
                ExprKind::Const(Const::Number(number)) => Some(number),
                _ => None,
            },
            Kind::ComputedName => {
                let inner = tree.first(key)?;
                matches!(tree.kind(inner), Kind::String | Kind::Number).then(|| self.known_key(inner))?
            }
            _ => Some(tree.text(key).to_owned()),
        }
    }

    /// The name of a property as a function takes it.
    pub(super) fn key_name(&self, key: Id) -> Option<&'t str> {
        let text = self.tree.text(key);
        match self.tree.kind(key) {
            Kind::ComputedName => None,
            Kind::String => text.get(1..text.len().saturating_sub(1)),
            _ => Some(text),
        }
    }

    /// The value of a computed property name.
    pub(super) fn computed_key(&mut self, key: Id) -> Expr {
        match self.tree.first(key) {
            Some(inner) => self.value(inner),
            None => opaque(Vec::new(), self.tree.span(key)),
        }
    }
}

/// A number literal as a decimal.
pub(super) fn number(literal: &str, span: Span) -> Expr {
    let plain: String = literal.chars().filter(|c| *c != '_').collect();
    let plain = plain.strip_suffix('n').unwrap_or(&plain);
    let lower = plain.to_ascii_lowercase();
    let radix =
        |prefix: &str, radix| lower.strip_prefix(prefix).and_then(|digits| u128::from_str_radix(digits, radix).ok());
    let whole = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2)).map(|value| value.to_string());
    let decimal = whole.or_else(|| {
        if plain.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits = plain.trim_start_matches('0');
            return Some(if digits.is_empty() { "0" } else { digits }.to_owned());
        }
        plain.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| value.to_string())
    });
    let kind = Const::Number(decimal.unwrap_or_else(|| literal.to_owned()));
    Expr::new(ExprKind::Const(kind), span)
}

/// The text of a string literal.
pub(super) fn string(literal: &str) -> String {
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else { return unescape(literal) };
    let inner = literal.get(1..).unwrap_or_default();
    unescape(inner.strip_suffix(quote).unwrap_or(inner))
}

/// Resolves the escapes of string literals and templates.
fn unescape(raw: &str) -> String {
    if !raw.contains(['\\', '\r']) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    let mut high: Option<u32> = None;
    while let Some(c) = rest.next() {
        let unit = match c {
            '\\' => match rest.next() {
                Some('n') => Some(0x0a),
                Some('t') => Some(0x09),
                Some('r') => Some(0x0d),
                Some('b') => Some(0x08),
                Some('f') => Some(0x0c),
                Some('v') => Some(0x0b),
                Some('0') => Some(0),
                Some('\n') | None => None,
                Some('\r') => {
                    if rest.as_str().starts_with('\n') {
                        rest.next();
                    }
                    None
                }
                Some('x') => hex(&mut rest, 2),
                Some('u') => unicode(&mut rest),
                Some(other) => Some(u32::from(other)),
            },
            // Line ends in a template count as one character, however the file writes them.
            '\r' => {
                if rest.as_str().starts_with('\n') {
                    rest.next();
                }
                Some(0x0a)
            }
            c => Some(u32::from(c)),
        };
        let Some(unit) = unit else { continue };
        match (high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                out.extend(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00)));
            }
            (_, 0xd800..=0xdbff) => high = Some(unit),
            _ => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
    out
}

fn hex(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<u32> {
    let text = rest.as_str().get(..digits)?;
    let value = u32::from_str_radix(text, 16).ok()?;
    for _ in 0..digits {
        rest.next();
    }
    Some(value)
}

fn unicode(rest: &mut std::str::Chars<'_>) -> Option<u32> {
    let Some(braced) = rest.as_str().strip_prefix('{') else { return hex(rest, 4) };
    let digits = braced.find('}')?;
    let value = u32::from_str_radix(braced.get(..digits)?, 16).ok()?;
    *rest = braced.get(digits + 1..)?.chars();
    Some(value)
}
