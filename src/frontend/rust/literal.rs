//! Literals.

use syn::Lit;

use super::lower::Lower;
use crate::frontend::value::{opaque, text};
use crate::ir::{Const, Expr, ExprKind};

impl Lower<'_> {
    /// A literal.
    pub(super) fn literal(&self, literal: &Lit) -> Expr {
        let span = self.at(literal.span());
        let number = |digits: &str| Expr::new(ExprKind::Const(Const::Number(digits.to_owned())), span);
        match literal {
            Lit::Str(it) => text(it.value(), span),
            Lit::Char(it) => text(it.value().to_string(), span),
            Lit::ByteStr(it) => text(String::from_utf8_lossy(&it.value()), span),
            Lit::Byte(it) => number(&it.value().to_string()),
            Lit::Int(it) => number(it.base10_digits()),
            Lit::Float(it) => number(plain(it.base10_digits())),
            Lit::Bool(it) => Expr::new(ExprKind::Const(Const::Bool(it.value)), span),
            _ => opaque(Vec::new(), span),
        }
    }
}

/// Digits without a fraction that says nothing: `1.0` is `1`.
fn plain(digits: &str) -> &str {
    match digits.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') && !whole.is_empty() => whole,
        _ => digits,
    }
}
