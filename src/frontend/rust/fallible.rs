//! Results: their errors are raised where they are made, and caught where they are looked at.

use syn::Pat;

use super::lower::{Errors, Lower, Want};
use crate::frontend::value::opaque;
use crate::ir::{Exit, Expr, ExprKind};
use crate::text::Span;

/// A side of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `Ok(_)`.
    Value,
    /// `Err(_)`.
    Error,
}

/// Which side of a result a pattern asks for, and what it asks of it.
pub(super) fn side(pattern: &Pat) -> Option<(Side, &Pat)> {
    match pattern {
        Pat::TupleStruct(it) if it.elems.len() == 1 => {
            let inner = it.elems.first()?;
            if it.path.is_ident("Ok") {
                Some((Side::Value, inner))
            } else if it.path.is_ident("Err") {
                Some((Side::Error, inner))
            } else {
                None
            }
        }
        Pat::Paren(it) => side(&it.pat),
        Pat::Reference(it) => side(&it.pat),
        Pat::Guard(it) => side(&it.pat),
        _ => None,
    }
}

impl Lower<'_> {
    /// The error that the present block, which a handler leads to, has caught.
    pub(super) fn caught_error(&mut self, span: Span) -> Expr {
        let slot = self.temp(span);
        self.set(slot, Expr::new(ExprKind::Caught, span), span);
        Expr::new(ExprKind::Slot(slot), span)
    }

    /// `Err(error)`, where it is made.
    pub(super) fn raise(&mut self, error: Expr, want: Want<'_>, span: Span) -> Expr {
        match want.errors {
            Errors::Kept => return opaque(vec![error], span),
            Errors::Leave => {}
            Errors::To(handler) => {
                self.body.graph.handler = Some(handler);
                self.body.graph.next();
            }
        }
        self.body.graph.end(Exit::Throw(error), span);
        self.body.graph.handler = None;
        opaque(Vec::new(), span)
    }
}
