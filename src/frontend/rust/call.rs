//! Calls of functions and methods.

use syn::{Expr as Source, ExprCall, ExprMethodCall};

use super::adapter;
use super::expression::type_args;
use super::lower::{CallParts, Errors, Lower, Want};
use super::print;
use crate::frontend::value::{binary, field, null};
use crate::ir::{BinaryOp, Const, Expr, ExprKind, Item, SlotId, Step};
use crate::text::Span;

impl Lower<'_> {
    /// `f(a, b)`.
    pub(super) fn call(&mut self, it: &ExprCall, want: Want<'_>, span: Span) -> Expr {
        if adapter::makes_empty_list(it) {
            return Expr::new(ExprKind::Array(Vec::new()), span);
        }
        if let (Some(argument), 1) = (it.args.first(), it.args.len()) {
            if adapter::wraps(&it.func) {
                // What is wrapped is the value, but an error in it is not the wrapper's.
                return self.expr(argument, Want { errors: Errors::Kept, ..want });
            }
            if let Source::Path(path) = &*it.func {
                if path.path.is_ident("Err") {
                    let error = self.value(argument);
                    return self.raise(error, want, span);
                }
                let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                let is_drop = matches!(names.last().map(String::as_str), Some("drop"))
                    && (names.len() == 1 && self.scopes.resolve("drop").is_none()
                        || names.iter().rev().nth(1).is_some_and(|of| of == "mem"));
                if is_drop {
                    let value = self.value(argument);
                    if let ExprKind::Slot(slot) = value.kind {
                        self.body.graph.push(Step::Drop { slot, span });
                    }
                    return Self::unit(span);
                }
            }
        }
        let types = match &*it.func {
            Source::Path(path) => type_args(&path.path),
            _ => Vec::new(),
        };
        let callee = self.value(&it.func);
        let (args, mutates) = self.arguments(it.args.iter());
        self.push_call(CallParts { args, type_args: types, mutates, ..CallParts::of(callee) }, want, span)
    }

    /// The values of arguments, and the variables that they are references to change.
    pub(super) fn arguments<'e>(&mut self, args: impl Iterator<Item = &'e Source>) -> (Vec<Item>, Vec<SlotId>) {
        let mut items = Vec::new();
        let mut mutates = Vec::new();
        for arg in args {
            let value = self.value(arg);
            if let (Source::Reference(reference), ExprKind::Slot(slot)) = (arg, &value.kind)
                && reference.mutability.is_some()
            {
                mutates.push(*slot);
            }
            items.push(Item::Value(value));
        }
        (items, mutates)
    }

    /// `value.method(a, b)`.
    pub(super) fn method_call(&mut self, it: &ExprMethodCall, want: Want<'_>, span: Span) -> Expr {
        let name = it.method.to_string();
        if let Some(value) = self.standard_method(it, &name, want, span) {
            return value;
        }
        let receiver = self.value(&it.receiver);
        let callee_span = Span { start: receiver.span.start.min(span.start), end: self.at(it.method.span()).end };
        let callee = field(receiver, &name, callee_span);
        let types = it.turbofish.as_ref().map(|turbofish| turbofish.args.iter().map(print::text).collect());
        let (args, mut mutates) = self.arguments(it.args.iter());
        if let ExprKind::Field(receiver, name) = &callee.kind
            && let ExprKind::Slot(slot) = receiver.kind
            && adapter::changes(name)
            && self.is_collection(slot)
        {
            mutates.push(slot);
        }
        let parts = CallParts { args, type_args: types.unwrap_or_default(), mutates, ..CallParts::of(callee) };
        self.push_call(parts, want, span)
    }

    /// A method of the standard library whose meaning is in the values; `None` for any other.
    fn standard_method(&mut self, it: &ExprMethodCall, name: &str, want: Want<'_>, span: Span) -> Option<Expr> {
        let receiver = &*it.receiver;
        // A type of this file has its own methods by these names, too; and what is awaited is none of the library's, but
        // for what hands a future on.
        let is_own = matches!(receiver, Source::Path(path) if path.path.is_ident("self")) && self.returns.has(name);
        if is_own || want.awaited && asks(name) {
            return None;
        }
        let args: Vec<&Source> = it.args.iter().collect();
        match (name, args.as_slice()) {
            ("unwrap", []) | ("expect", [_]) => {
                Some(self.expr(receiver, Want { errors: Errors::Leave, effect: false, ..want }))
            }
            (name, []) if adapter::passes_on(name) => Some(self.expr(receiver, Want { effect: false, ..want })),
            ("is_some" | "is_none", []) => {
                let value = self.value(receiver);
                let test = if name == "is_some" { adapter::is_present } else { adapter::is_absent };
                Some(test(&value, span))
            }
            ("len", []) => Some(field(self.value(receiver), "length", span)),
            ("is_empty", []) => {
                let length = field(self.value(receiver), "length", span);
                let zero = Expr::new(ExprKind::Const(Const::Number("0".to_owned())), span);
                Some(binary(BinaryOp::Eq, length, zero, span))
            }
            // `Option::take` leaves nothing behind.
            ("take", []) => {
                let value = self.value(receiver);
                let value = self.settle(value);
                let place = self.place(receiver);
                self.put(place, null(span), span);
                Some(value)
            }
            _ => self.iteration(it, want, span).or_else(|| self.combinator(it, want, span)),
        }
    }
}

/// Whether a method of the standard library gives a plain value, never one to be awaited.
fn asks(name: &str) -> bool {
    matches!(
        name,
        "all"
            | "any"
            | "count"
            | "err"
            | "first"
            | "is_empty"
            | "is_err"
            | "is_none"
            | "is_ok"
            | "is_some"
            | "len"
            | "next"
            | "ok"
            | "position"
            | "take"
    )
}
