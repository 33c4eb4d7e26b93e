//! Values that every front end makes.

use crate::ir::{BinaryOp, Const, Expr, ExprKind};
use crate::text::Span;

/// Something not understood.
pub(super) fn opaque(parts: Vec<Expr>, span: Span) -> Expr {
    Expr::new(ExprKind::Opaque(parts), span)
}

/// The absent value.
pub(super) fn null(span: Span) -> Expr {
    Expr::new(ExprKind::Const(Const::Null), span)
}

/// The value of what is not there.
pub(super) fn unset(span: Span) -> Expr {
    Expr::new(ExprKind::Const(Const::Unset), span)
}

/// A text.
pub(super) fn text(value: impl Into<String>, span: Span) -> Expr {
    Expr::new(ExprKind::Const(Const::Text(value.into())), span)
}

/// A named member.
pub(super) fn field(base: Expr, name: &str, span: Span) -> Expr {
    Expr::new(ExprKind::Field(Box::new(base), name.to_owned()), span)
}

/// An operator over two values.
pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), span)
}

/// Whether a value is a short path, cheap to write down more than once.
pub(super) fn is_small(value: &Expr) -> bool {
    let mut value = value;
    for _ in 0..8 {
        match &value.kind {
            ExprKind::Field(base, _) => value = base,
            ExprKind::Const(Const::Text(text)) => return text.len() < 64,
            ExprKind::Slot(_)
            | ExprKind::Global(_)
            | ExprKind::This
            | ExprKind::Const(_)
            | ExprKind::Func(_)
            | ExprKind::Class(_)
            | ExprKind::Module(_) => return true,
            _ => return false,
        }
    }
    false
}

/// Folds every run of white space to one blank.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
