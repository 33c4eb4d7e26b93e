//! The methods of options and results: branches on whether a value is there, and on whether it is an error.

use syn::{Expr as Source, ExprMethodCall};

use super::adapter;
use super::carrier::Carrier;
use super::expression::runs;
use super::lower::{Errors, Lower, Want};
use crate::frontend::value::{binary, null, opaque};
use crate::ir::{BinaryOp, Const, Expr, ExprKind, UnaryOp};
use crate::text::Span;

/// Where a method call stands.
#[derive(Clone, Copy)]
struct At {
    span: Span,
    /// Whether its value is the function's: each way then has an end of its own, so that a caller's test of the answer is
    /// one of what decided it.
    tail: bool,
}

impl Lower<'_> {
    /// Lowers a method call if it is one of these.
    pub(super) fn combinator(&mut self, it: &ExprMethodCall, want: Want<'_>, span: Span) -> Option<Expr> {
        let name = it.method.to_string();
        let receiver = &*it.receiver;
        let args: Vec<&Source> = it.args.iter().collect();
        // What is wanted of the receiver where its error is passed on with the value.
        let inner = Want { errors: want.errors, awaited: want.awaited, ..Want::default() };
        let carrier = || self.carrier(receiver);
        let at = At { span, tail: want.tail };
        Some(match (name.as_str(), args.as_slice()) {
            // Conditions of query builders have methods by these names, which take no functions.
            ("map" | "and_then" | "inspect" | "filter", [f]) if !matches!(f, Source::Closure(_) | Source::Path(_)) => {
                return None;
            }
            ("filter", [f]) if !matches!(f, Source::Closure(_)) => return None,
            ("or", [_]) if carrier() == Carrier::Unknown => return None,
            ("map", [f]) => match carrier() {
                Carrier::Result => {
                    let value = self.expr(receiver, inner);
                    self.run(f, vec![value], Want::default(), span)
                }
                _ => self.map(receiver, f, inner, Want::default(), at),
            },
            ("and_then", [f]) => match carrier() {
                Carrier::Result => {
                    let value = self.expr(receiver, inner);
                    self.run(f, vec![value], inner, span)
                }
                _ => self.map(receiver, f, inner, inner, at),
            },
            ("inspect", [f]) => {
                let value = self.expr(receiver, inner);
                let value = self.settle(value);
                self.run(f, vec![value.clone()], Want::effect(), span);
                value
            }
            ("filter", [f]) => {
                let value = self.expr(receiver, inner);
                self.present(value, at, |lower, value| {
                    let test = lower.run(f, vec![value.clone()], Want::default(), span);
                    Expr::new(ExprKind::Choice(Box::new(test), Box::new(value), Box::new(null(span))), span)
                })
            }
            ("map_err", [f]) => self.failing(
                receiver,
                at,
                |_, value| value,
                |lower, error| {
                    let error = lower.run(f, vec![error], Want::default(), span);
                    lower.raise(error, want, span)
                },
            ),
            ("inspect_err", [f]) => self.failing(
                receiver,
                at,
                |_, value| value,
                |lower, error| {
                    lower.run(f, vec![error.clone()], Want::effect(), span);
                    lower.raise(error, want, span)
                },
            ),
            // The parameter is the error; an option has none to give.
            ("or_else", [f]) if takes(f) == Some(0) || takes(f).is_none() && carrier() == Carrier::Option => {
                let value = self.expr(receiver, inner);
                self.otherwise(value, at, |lower| lower.run(f, Vec::new(), inner, span))
            }
            ("or_else", [f]) => {
                self.failing(receiver, at, |_, value| value, |lower, error| lower.run(f, vec![error], inner, span))
            }
            ("or", [other]) => {
                let value = self.expr(receiver, inner);
                self.otherwise(value, at, |lower| lower.expr(other, inner))
            }
            ("ok_or", [error]) => self.required(receiver, want, at, |lower| lower.value(error)),
            ("ok_or_else", [f]) => {
                self.required(receiver, want, at, |lower| lower.run(f, Vec::new(), Want::default(), span))
            }
            // Words added to an error do not change what it is; of an option they make an error.
            ("context" | "wrap_err", [error]) if carrier() == Carrier::Option => {
                self.required(receiver, want, at, |lower| lower.value(error))
            }
            ("with_context" | "wrap_err_with", [f]) if carrier() == Carrier::Option => {
                self.required(receiver, want, at, |lower| lower.run(f, Vec::new(), Want::default(), span))
            }
            ("context" | "wrap_err" | "with_context" | "wrap_err_with" | "change_context", [_]) => {
                self.expr(receiver, inner)
            }
            // What else is said with it, where that is surely words.
            ("attach" | "attach_printable" | "attach_with", [words]) if is_said(words) => self.expr(receiver, inner),
            ("ok", []) => self.failing(receiver, at, |_, value| value, |_, _| null(span)),
            ("err", []) => self.failing(receiver, at, |_, _| null(span), |_, error| error),
            ("is_ok" | "is_err", []) if self.kept(receiver).is_some() => {
                let fine = self.kept(receiver).map_or_else(|| truth(true, span), |fine| Expr { span, ..fine });
                if name == "is_ok" { fine } else { Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(fine)), span) }
            }
            // What was read without an error is there.
            ("is_ok", []) => {
                self.failing(receiver, at, |_, value| adapter::is_present(&value, span), |_, _| truth(false, span))
            }
            ("is_err", []) => self.failing(receiver, at, |_, _| truth(false, span), |_, _| truth(true, span)),
            ("is_ok_and", [f]) => {
                let test = |lower: &mut Self, value| lower.run(f, vec![value], Want::default(), span);
                self.failing(receiver, at, test, |_, _| truth(false, span))
            }
            ("is_some_and", [f]) => self.asked(receiver, f, false, at),
            ("is_none_or", [f]) => self.asked(receiver, f, true, at),
            ("unwrap_or", [default]) => self.or_default(receiver, at, |lower| lower.value(default)),
            ("unwrap_or_default", []) => self.or_default(receiver, at, |_| opaque(Vec::new(), span)),
            ("unwrap_or_else", [f]) => match takes(f) {
                Some(0) => {
                    let value = self.value(receiver);
                    self.otherwise(value, at, |lower| lower.run(f, Vec::new(), Want::default(), span))
                }
                Some(_) => self.failing(
                    receiver,
                    at,
                    |_, value| value,
                    |lower, error| lower.run(f, vec![error], Want::default(), span),
                ),
                None if carrier() == Carrier::Option => {
                    let value = self.value(receiver);
                    self.otherwise(value, at, |lower| lower.run(f, Vec::new(), Want::default(), span))
                }
                None => self.failing(
                    receiver,
                    at,
                    |_, value| value,
                    |lower, error| lower.run(f, vec![error], Want::default(), span),
                ),
            },
            ("map_or", [default, f]) => match carrier() {
                Carrier::Result => {
                    let some = |lower: &mut Self, value| lower.run(f, vec![value], Want::default(), span);
                    self.failing(receiver, at, some, |lower, _| lower.value(default))
                }
                _ => {
                    let value = self.value(receiver);
                    let some = |lower: &mut Self, value| lower.run(f, vec![value], Want::default(), span);
                    self.ways(value, at, some, |lower| lower.value(default))
                }
            },
            ("map_or_else", [default, f]) => {
                let some = |lower: &mut Self, value| lower.run(f, vec![value], Want::default(), span);
                if takes(default) == Some(1) {
                    let none = |lower: &mut Self, error| lower.run(default, vec![error], Want::default(), span);
                    self.failing(receiver, at, some, none)
                } else {
                    let value = self.value(receiver);
                    self.ways(value, at, some, |lower| lower.run(default, Vec::new(), Want::default(), span))
                }
            }
            ("then", [f]) if takes(f) == Some(0) => {
                self.chosen(receiver, at, |lower| lower.run(f, Vec::new(), Want::default(), span))
            }
            ("then_some", [value]) => self.chosen(receiver, at, |lower| lower.value(value)),
            _ => return None,
        })
    }

    /// What a function makes of a value that is there.
    fn map(&mut self, receiver: &Source, f: &Source, want: Want<'_>, inside: Want<'_>, at: At) -> Expr {
        let At { span, .. } = at;
        let value = self.expr(receiver, want);
        if is_member(f) {
            // A member of what is absent is absent.
            return self.run(f, vec![value], Want::default(), span);
        }
        self.present(value, at, |lower, value| lower.run(f, vec![value], inside, span))
    }

    fn present(&mut self, value: Expr, at: At, some: impl FnOnce(&mut Self, Expr) -> Expr) -> Expr {
        let At { span, .. } = at;
        self.ways(value, at, some, |_| null(span))
    }

    /// A value, or what stands in for it where it is absent.
    fn otherwise(&mut self, value: Expr, at: At, none: impl FnOnce(&mut Self) -> Expr) -> Expr {
        self.ways(value, at, |_, value| value, none)
    }

    /// Two ways, for a value that is there and for one that is not.
    fn ways(
        &mut self,
        value: Expr,
        at: At,
        some: impl FnOnce(&mut Self, Expr) -> Expr,
        none: impl FnOnce(&mut Self) -> Expr,
    ) -> Expr {
        let At { span, .. } = at;
        let value = self.hold(value);
        let (yes, no, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        self.body.graph.branch(adapter::is_present(&value, value.span), yes, no);
        self.body.graph.begin(yes);
        let there = some(self, value);
        self.meet(out, there, join, at);
        self.body.graph.begin(no);
        let absent = none(self);
        self.meet(out, absent, join, at);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Two ways, for the value of a result and for its error.
    fn failing(
        &mut self,
        receiver: &Source,
        at: At,
        fine: impl FnOnce(&mut Self, Expr) -> Expr,
        failed: impl FnOnce(&mut Self, Expr) -> Expr,
    ) -> Expr {
        self.maybe_failing(receiver, true, at, fine, failed)
    }

    /// The same where it may not be certain that there is a result.
    fn maybe_failing(
        &mut self,
        receiver: &Source,
        is_certain: bool,
        at: At,
        fine: impl FnOnce(&mut Self, Expr) -> Expr,
        failed: impl FnOnce(&mut Self, Expr) -> Expr,
    ) -> Expr {
        let At { span, .. } = at;
        let (handler, join) = (self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        let value = if is_certain {
            self.tried(receiver, handler)
        } else {
            self.expr(receiver, Want::raising(Errors::To(handler)))
        };
        let value = fine(self, value);
        self.meet(out, value, join, at);
        self.body.graph.begin(handler);
        let error = self.caught_error(span);
        let value = failed(self, error);
        self.meet(out, value, join, at);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    fn meet(&mut self, out: crate::ir::SlotId, value: Expr, join: crate::ir::BlockId, at: At) {
        let At { span, tail } = at;
        if tail {
            self.finish(Some(value), span);
        } else if self.body.graph.is_open() {
            self.set(out, value, span);
            self.body.graph.goto(join);
        }
    }

    /// `ok_or`: an absent value is an error.
    fn required(&mut self, receiver: &Source, want: Want<'_>, at: At, error: impl FnOnce(&mut Self) -> Expr) -> Expr {
        let At { span, .. } = at;
        let value = self.value(receiver);
        let value = self.settle(value);
        if want.errors == Errors::Kept {
            return self.otherwise(value, at, |lower| {
                let error = error(lower);
                lower.raise(error, want, span)
            });
        }
        let (present, absent) = (self.body.graph.block(), self.body.graph.block());
        self.body.graph.branch(adapter::is_present(&value, value.span), present, absent);
        self.body.graph.begin(absent);
        let error = error(self);
        self.raise(error, want, span);
        self.body.graph.begin(present);
        value
    }

    /// `is_some_and`, `is_none_or`: a test of a value that is there.
    fn asked(&mut self, receiver: &Source, f: &Source, absent: bool, at: At) -> Expr {
        let At { span, .. } = at;
        let value = self.value(receiver);
        let value = self.hold(value);
        if let Some(test) = self.run_here(f, std::slice::from_ref(&value)) {
            let (op, first) = if absent {
                (BinaryOp::Or, adapter::is_absent(&value, span))
            } else {
                (BinaryOp::And, adapter::is_present(&value, span))
            };
            return binary(op, first, test, span);
        }
        let some = |lower: &mut Self, value| lower.run(f, vec![value], Want::default(), span);
        self.ways(value, at, some, |_| truth(absent, span))
    }

    /// `unwrap_or` and its kin: what stands in for a value that is absent or an error.
    fn or_default(&mut self, receiver: &Source, at: At, default: impl FnOnce(&mut Self) -> Expr) -> Expr {
        let At { span, .. } = at;
        if self.carrier(receiver) == Carrier::Option {
            let value = self.value(receiver);
            let value = self.hold(value);
            let default = default(self);
            return binary(BinaryOp::Coalesce, value, default, span);
        }
        let is_result = self.carrier(receiver) == Carrier::Result;
        let standin = self.temp(span);
        let default = default(self);
        self.set(standin, default, span);
        let default = Expr::new(ExprKind::Slot(standin), span);
        let other = default.clone();
        self.maybe_failing(
            receiver,
            is_result,
            at,
            |_, value| if is_result { value } else { binary(BinaryOp::Coalesce, value, default, span) },
            |_, _| other,
        )
    }

    /// `then`: a value if a test is true.
    fn chosen(&mut self, test: &Source, at: At, value: impl FnOnce(&mut Self) -> Expr) -> Expr {
        let At { span, .. } = at;
        let (yes, no, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        self.condition(test, yes, no);
        self.body.graph.begin(yes);
        let value = value(self);
        self.meet(out, value, join, at);
        self.body.graph.begin(no);
        self.meet(out, null(span), join, at);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Runs a function that is given to a method, right here.
    pub(super) fn run(&mut self, f: &Source, args: Vec<Expr>, want: Want<'_>, span: Span) -> Expr {
        if let Some(value) = self.run_here(f, &args) {
            return value;
        }
        match (f, args.first()) {
            (_, Some(arg)) if adapter::wraps(f) || adapter::is_conversion(f) => arg.clone(),
            (Source::Path(path), Some(error)) if path.path.is_ident("Err") => self.raise(error.clone(), want, span),
            (Source::Closure(closure), _) => {
                let args = args.into_iter().take(closure.inputs.len()).collect();
                let callee = Expr::new(ExprKind::Func(self.closure(closure, "")), self.span(f));
                self.apply(callee, args, Want { effect: false, tail: false, name: None, ..want }, span)
            }
            _ => {
                let callee = self.value(f);
                self.apply(callee, args, Want { effect: false, tail: false, name: None, ..want }, span)
            }
        }
    }

    /// What a closure that runs nothing makes of its arguments.
    pub(super) fn run_here(&mut self, f: &Source, args: &[Expr]) -> Option<Expr> {
        let Source::Closure(closure) = f else { return None };
        if closure.asyncness.is_some() || runs(&closure.body) {
            return None;
        }
        let outer = self.scopes.open();
        for (pattern, arg) in closure.inputs.iter().zip(args) {
            let arg = self.hold(arg.clone());
            self.declare_pattern(pattern, None);
            self.bind(pattern, &arg);
        }
        let value = self.value(&closure.body);
        self.scopes.current = outer;
        Some(value)
    }
}

/// How many parameters a closure has.
fn takes(f: &Source) -> Option<usize> {
    match f {
        Source::Closure(closure) => Some(closure.inputs.len()),
        _ => None,
    }
}

/// Whether a closure only takes a member of its parameter.
fn is_member(f: &Source) -> bool {
    fn path(expr: &Source) -> bool {
        match super::block::bare(expr) {
            Source::Path(_) => true,
            Source::Field(it) => path(&it.base),
            Source::MethodCall(it) => {
                it.args.is_empty() && adapter::passes_on(&it.method.to_string()) && path(&it.receiver)
            }
            _ => false,
        }
    }
    match f {
        Source::Closure(closure) => closure.inputs.len() == 1 && path(&closure.body),
        other => adapter::wraps(other) || adapter::is_conversion(other),
    }
}

/// Whether an argument is surely words: a text, one that is put together, or a closure that makes one.
fn is_said(words: &Source) -> bool {
    match words {
        Source::Lit(it) => matches!(it.lit, syn::Lit::Str(_)),
        Source::Macro(it) => it.mac.path.is_ident("format"),
        Source::Closure(it) => is_said(&it.body),
        _ => false,
    }
}

fn truth(value: bool, span: Span) -> Expr {
    Expr::new(ExprKind::Const(Const::Bool(value)), span)
}
