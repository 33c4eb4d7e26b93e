//! Functions, closures and `async` blocks.

use syn::{Block, ExprAsync, ExprClosure, FnArg, GenericParam, Generics, Pat, ReturnType, Signature, WherePredicate};

use super::lower::{Body, Lower, Want};
use super::print;
use crate::ir::{Expr, ExprKind, Func, FuncId, FuncKind, Param, SlotId};
use crate::text::Span;

impl Lower<'_> {
    /// Lowers a function and returns its id. It is not yet the value of anything.
    pub(super) fn function(&mut self, sig: &Signature, body: Option<&Block>, kind: FuncKind, span: Span) -> FuncId {
        let returns = returned(&sig.output);
        let mut bounds = bounds(&sig.generics);
        if matches!(kind, FuncKind::Method(_)) {
            bounds.extend(self.impl_bounds.iter().cloned());
        }
        let name = sig.ident.to_string();
        self.new_function(kind, &name, returns, span, false, |lower| {
            if let Some(func) = lower.unit.functions.get_mut(lower.body.id.index()) {
                func.bounds = bounds;
            }
            lower.parameters(sig.inputs.iter().filter_map(|input| match input {
                FnArg::Typed(typed) => Some((&*typed.pat, Some(&*typed.ty))),
                FnArg::Receiver(_) => None,
            }));
            if let Some(body) = body {
                lower.body_block(body);
            }
        })
    }

    /// A closure.
    pub(super) fn closure(&mut self, it: &ExprClosure, name: &str) -> FuncId {
        let span = self.between(super::place::first(&it.body), super::place::last(&it.body));
        let span = Span { start: self.at(it.inputs_begin.spans[0]).start, ..span };
        self.new_function(FuncKind::Anonymous, name, returned(&it.output), span, true, |lower| {
            lower.parameters(it.inputs.iter().map(|input| match input {
                Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
                other => (other, None),
            }));
            let at = lower.span(&it.body);
            let value = lower.expr(&it.body, Want::tail());
            lower.finish(Some(value), at);
        })
    }

    /// An `async` block, as a function without parameters.
    pub(super) fn async_block(&mut self, it: &ExprAsync, name: &str) -> FuncId {
        let span = self.between(it.async_token.span, super::place::close(&it.block));
        self.new_function(FuncKind::Anonymous, name, None, span, true, |lower| lower.body_block(&it.block))
    }

    /// The body of a function, whose value is what the function returns.
    fn body_block(&mut self, body: &Block) {
        let close = self.at(super::place::close(body));
        let span = body.stmts.last().map_or(close, |last| {
            let (first, last) = super::place::of_statement(last);
            self.between(first, last)
        });
        if let Some(value) = self.statements(body, Want::tail()) {
            self.finish(Some(value), span);
        }
    }

    /// Makes a function whose body is what `work` lowers.
    pub(super) fn new_function(
        &mut self,
        kind: FuncKind,
        name: &str,
        returns: Option<String>,
        span: Span,
        inherits_this: bool,
        work: impl FnOnce(&mut Self),
    ) -> FuncId {
        let func = FuncId(u32::try_from(self.unit.functions.len()).unwrap_or(u32::MAX));
        let returns_option = returns.as_deref().is_some_and(|ty| ty.starts_with("Option<"));
        self.unit.functions.push(Func {
            name: name.to_owned(),
            kind,
            parent: Some(self.body.id),
            params: Vec::new(),
            returns,
            bounds: Vec::new(),
            is_test: self.testing,
            blocks: Vec::new(),
            span,
        });
        let this_owner = if inherits_this { self.body.this_owner } else { func };
        let body = Body { returns_option, ..Body::new(func, this_owner) };
        let outer = std::mem::replace(&mut self.body, body);
        let scope = self.scopes.open();
        work(self);
        self.scopes.current = scope;
        let done = std::mem::replace(&mut self.body, outer);
        if let Some(entry) = self.unit.functions.get_mut(func.index()) {
            entry.blocks = done.graph.finish(span);
        }
        func
    }

    fn parameters<'p>(&mut self, parameters: impl Iterator<Item = (&'p Pat, Option<&'p syn::Type>)>) {
        let mut patterns: Vec<(SlotId, &Pat, Option<String>)> = Vec::new();
        for (pattern, ty) in parameters {
            let ty = ty.map(print::text);
            let slot = match super::pattern::plain_name(pattern) {
                Some(ident) => self.declare(&ident.to_string(), ty, self.at(ident.span())),
                None => {
                    let slot = self.slot("", ty.clone(), self.piece(pattern));
                    patterns.push((slot, pattern, ty));
                    slot
                }
            };
            if let Some(func) = self.unit.functions.get_mut(self.body.id.index()) {
                func.params.push(Param { slot, rest: false });
            }
        }
        for (slot, pattern, ty) in patterns {
            let value = Expr::new(ExprKind::Slot(slot), self.piece(pattern));
            self.declare_pattern(pattern, ty.as_deref());
            self.bind(pattern, &value);
        }
    }
}

fn returned(output: &ReturnType) -> Option<String> {
    match output {
        ReturnType::Type(_, ty) => Some(print::text(ty)),
        ReturnType::Default => None,
    }
}

/// What the type parameters of a function or of an `impl` block must be.
pub(super) fn bounds(generics: &Generics) -> Vec<(String, String)> {
    let inline = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(it) if !it.bounds.is_empty() => Some((it.ident.to_string(), print::text(&it.bounds))),
        _ => None,
    });
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let clauses = predicates.filter_map(|predicate| match predicate {
        WherePredicate::Type(it) => Some((print::text(&it.bounded_ty), print::text(&it.bounds))),
        _ => None,
    });
    inline.chain(clauses).collect()
}
