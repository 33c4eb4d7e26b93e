//! Text with holes: `format!` and what takes the same arguments.

use syn::{Expr as Source, Ident, Lit};

use super::lower::Lower;
use crate::frontend::value::{opaque, text};
use crate::ir::{Expr, ExprKind, TemplatePart};
use crate::text::Span;

/// A piece of a format text.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The next argument, one by its place, or one by its name.
    Next,
    Place(usize),
    Name(String),
}

impl Lower<'_> {
    /// `format!("… {} …", a, b = c)`: all arguments are evaluated, in their order, and stand where the text wants them.
    pub(super) fn formatted(&mut self, args: &[Source], span: Span) -> Expr {
        let Some((template, args)) = args.split_first() else { return text("", span) };
        let mut values: Vec<(Option<String>, Expr)> = Vec::new();
        for arg in args {
            let (name, value) = match arg {
                Source::Assign(it) => match &*it.left {
                    Source::Path(path) => (path.path.get_ident().map(Ident::to_string), &*it.right),
                    _ => (None, &*it.right),
                },
                other => (None, other),
            };
            let value = self.value(value);
            values.push((name, value));
        }
        let template_span = self.span(template);
        let template = self.value(template);
        let ExprKind::Const(crate::ir::Const::Text(template)) = template.kind else {
            let parts = std::iter::once(template).chain(values.into_iter().map(|(_, value)| value));
            return opaque(parts.collect(), span);
        };
        let mut next = 0;
        let mut parts = Vec::new();
        for piece in pieces(&template) {
            let value = match piece {
                Piece::Text(text) => {
                    parts.push(TemplatePart::Text(text));
                    continue;
                }
                Piece::Next => {
                    next += 1;
                    values.get(next - 1).map(|(_, value)| value.clone())
                }
                Piece::Place(at) => values.get(at).map(|(_, value)| value.clone()),
                Piece::Name(name) => {
                    let given = values.iter().find(|(own, _)| own.as_deref() == Some(&name));
                    Some(match given {
                        Some((_, value)) => value.clone(),
                        None => self.name(&name, template_span),
                    })
                }
            };
            parts.push(TemplatePart::Hole(value.unwrap_or_else(|| opaque(Vec::new(), span))));
        }
        match parts.as_slice() {
            [] => text("", span),
            [TemplatePart::Text(only)] => text(only.clone(), span),
            // What only turns a value into text leaves no trace.
            [TemplatePart::Hole(only)] => Expr { span, ..only.clone() },
            _ => Expr::new(ExprKind::Template(parts), span),
        }
    }

    /// `concat!("a", "b")`.
    pub(super) fn concatenated(&mut self, args: &[Source], span: Span) -> Expr {
        let mut whole = String::new();
        for arg in args {
            match arg {
                Source::Lit(syn::ExprLit { lit: Lit::Str(part), .. }) => whole.push_str(&part.value()),
                _ => return opaque(Vec::new(), span),
            }
        }
        text(whole, span)
    }
}

/// The pieces of a format text.
fn pieces(template: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let mark = &rest[at..=at];
        let behind = &rest[at + 1..];
        if behind.starts_with(mark) {
            plain.push_str(mark);
            rest = &behind[1..];
            continue;
        }
        let Some(end) = behind.find('}').filter(|_| mark == "{") else {
            plain.push_str(mark);
            rest = behind;
            continue;
        };
        if !plain.is_empty() {
            found.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let name = behind[..end].split(':').next().unwrap_or_default().trim();
        found.push(match name.parse() {
            _ if name.is_empty() => Piece::Next,
            Ok(place) => Piece::Place(place),
            Err(_) => Piece::Name(name.to_owned()),
        });
        rest = &behind[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        found.push(Piece::Text(plain));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn holes_are_told_from_text() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let name = Piece::Name("id".to_owned());
        assert_eq!(pieces("a {} {{b}} {id:?}{1}"), [text("a "), Piece::Next, text(" {b} "), name, Piece::Place(1)]);
        assert_eq!(pieces("{"), [text("{")]);
        assert_eq!(pieces("}"), [text("}")]);
        assert_eq!(pieces(""), []);
    }
}
