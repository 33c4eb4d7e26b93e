//! Results: their errors are raised where they are made, and caught where they are looked at.

use syn::{Expr as Source, Ident, Pat};

use super::lower::{Errors, Lower, Want};
use crate::frontend::value::{null, opaque};
use crate::ir::{BlockId, Const, Exit, Expr, ExprKind, SlotId};
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

/// What is known of a variable that holds a result.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The variable that tells whether it is a value.
    fine: SlotId,
    /// The variable that holds its error.
    error: SlotId,
}

impl Lower<'_> {
    /// The error that the present block, which a handler leads to, has caught.
    pub(super) fn caught_error(&mut self, span: Span) -> Expr {
        let slot = self.temp(span);
        self.set(slot, Expr::new(ExprKind::Caught, span), span);
        Expr::new(ExprKind::Slot(slot), span)
    }

    /// `let name = value;` where the value is a result that is looked at later: a variable for the value, one for whether it
    /// is one, and one for the error.
    pub(super) fn kept_result(&mut self, name: &Ident, ty: Option<String>, value: &Source) {
        let span = self.span(value);
        let (failed, join) = (self.body.graph.block(), self.body.graph.block());
        let (fine, error) = (self.temp(span), self.temp(span));
        let value = self.expr(value, Want::raising(Errors::To(failed)));
        let slot = self.declare(&name.to_string(), ty, self.at(name.span()));
        let truth = |value| Expr::new(ExprKind::Const(Const::Bool(value)), span);
        self.set(slot, value, span);
        self.set(fine, truth(true), span);
        self.body.graph.goto(join);
        self.body.graph.begin(failed);
        self.set(error, Expr::new(ExprKind::Caught, span), span);
        self.set(slot, null(span), span);
        self.set(fine, truth(false), span);
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        self.results.insert(slot, Kept { fine, error });
    }

    /// Whether a variable that holds a result holds a value, as a test; `None` for anything else.
    pub(super) fn kept(&self, expr: &Source) -> Option<Expr> {
        let Source::Path(path) = super::adapter::through(expr) else { return None };
        let slot = self.scopes.resolve(&path.path.get_ident()?.to_string())?;
        let span = self.span(expr);
        self.results.get(&slot).map(|kept| Expr::new(ExprKind::Slot(kept.fine), span))
    }

    /// The value of a variable; if that was a result, its error goes where errors go here.
    pub(super) fn looked_at(&mut self, value: Expr, want: Want<'_>) -> Expr {
        let ExprKind::Slot(slot) = value.kind else { return value };
        let Some(Kept { fine, error }) = self.results.get(&slot).copied() else { return value };
        if want.errors == Errors::Kept {
            return value;
        }
        let span = value.span;
        let (yes, no) = (self.body.graph.block(), self.body.graph.block());
        self.body.graph.branch(Expr::new(ExprKind::Slot(fine), span), yes, no);
        self.body.graph.begin(no);
        self.raise(Expr::new(ExprKind::Slot(error), span), want, span);
        self.body.graph.begin(yes);
        value
    }

    /// The value of an expression that is looked at as a result: its error is caught by a block. Of what comes from elsewhere
    /// it is not known whether it is one.
    pub(super) fn tried(&mut self, expr: &Source, failed: BlockId) -> Expr {
        let value = self.expr(expr, Want::raising(Errors::To(failed)));
        if self.body.raised.contains(&failed) {
            return value;
        }
        let span = self.span(expr);
        let value = self.hold(value);
        let (fine, error) = (self.body.graph.block(), self.body.graph.block());
        self.body.graph.branch(opaque(vec![value.clone()], span), fine, error);
        self.body.graph.begin(error);
        self.raise(opaque(vec![value.clone()], span), Want::raising(Errors::To(failed)), span);
        self.body.graph.begin(fine);
        value
    }

    /// `Err(error)`, where it is made.
    pub(super) fn raise(&mut self, error: Expr, want: Want<'_>, span: Span) -> Expr {
        match want.errors {
            Errors::Kept => return opaque(vec![error], span),
            Errors::Leave => {}
            Errors::To(handler) => {
                self.body.raised.insert(handler);
                self.body.graph.handler = Some(handler);
                self.body.graph.next();
            }
        }
        self.body.graph.end(Exit::Throw(error), span);
        self.body.graph.handler = None;
        opaque(Vec::new(), span)
    }
}
