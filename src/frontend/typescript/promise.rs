//! Promises: `Promise.all` and its kin hand values on, `.then`, `.catch` and `.finally` run what they are given.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind, is_function};
use crate::frontend::value::{opaque, text, unset};
use crate::ir::{BlockId, Entry, Exit, Expr, ExprKind, Item, Over};
use crate::text::Span;

impl<'t> Lower<'t> {
    /// Lowers a call if it is one of these.
    pub(super) fn promise_call(&mut self, id: Id, function: Id, arguments: Id, want: Want<'t>) -> Option<Expr> {
        let tree = self.tree;
        if tree.kind(function) != Kind::Member {
            return None;
        }
        let object = tree.get(function, Field::Object)?;
        let method = tree.text(tree.get(function, Field::Property)?);
        let args: Vec<Id> = tree.children(arguments).collect();
        if matches!(method, "all" | "allSettled" | "race" | "any" | "resolve" | "reject") {
            if self.is_global(object, "Promise") {
                return self.static_call(id, method, args.first().copied(), want);
            }
            return None;
        }
        let is_chained = matches!(tree.kind(object), Kind::Call | Kind::New);
        let callable = |index: usize| args.get(index).copied().filter(|arg| self.is_callable(*arg));
        match (method, args.len()) {
            ("then", 1) => callable(0).map(|f| self.then(id, function, f, want)),
            ("then", 2) if is_chained => {
                let on_error = callable(1)?;
                Some(self.caught(id, function, callable(0), Some(on_error), want))
            }
            ("catch", 1) if is_chained => callable(0).map(|f| self.caught(id, function, None, Some(f), want)),
            ("finally", 1) if is_chained => callable(0).map(|f| self.finally_call(id, function, f, want)),
            _ => None,
        }
    }

    fn is_callable(&self, id: Id) -> bool {
        let kind = self.tree.kind(id);
        is_function(kind) || matches!(kind, Kind::Identifier | Kind::Member)
    }

    fn static_call(&mut self, id: Id, method: &str, arg: Option<Id>, want: Want<'t>) -> Option<Expr> {
        let tree = self.tree;
        let span = tree.span(id);
        match method {
            "resolve" => Some(arg.map_or_else(|| unset(span), |arg| self.expr(arg, want))),
            "reject" => {
                let error = arg.map_or_else(|| unset(span), |arg| self.value(arg));
                if want.awaited || want.returned {
                    self.body.graph.end(Exit::Throw(error), span);
                    return Some(unset(span));
                }
                Some(opaque(vec![error], span))
            }
            "allSettled" => {
                let arg = arg?;
                if tree.kind(arg) == Kind::Array && !tree.children(arg).any(|item| tree.kind(item) == Kind::Spread) {
                    let items: Vec<Id> = tree.children(arg).collect();
                    let items = items.into_iter().map(|item| Item::Value(self.settled(item))).collect();
                    return Some(Expr::new(ExprKind::Array(items), span));
                }
                let value = self.settled_all(arg);
                Some(match value.kind {
                    ExprKind::Over { how: Over::Map, source, body } => {
                        let status = opaque(vec![(*body).clone()], span);
                        let body = Box::new(settled_object(status, "value", *body, span));
                        Expr::new(ExprKind::Over { how: Over::Map, source, body }, span)
                    }
                    _ => opaque(vec![value], span),
                })
            }
            _ => {
                let value = self.expr(arg?, Want { all: want.awaited || want.returned, ..Want::default() });
                Some(if method == "all" { Expr { span, ..value } } else { opaque(vec![value], span) })
            }
        }
    }

    /// One element of `Promise.allSettled([…])`: its error is a value like its result.
    fn settled(&mut self, item: Id) -> Expr {
        let span = self.tree.span(item);
        let out = self.temp(span);
        let (handler, join) = (self.body.graph.block(), self.body.graph.block());
        let outer = self.body.graph.handler.replace(handler);
        self.body.graph.next();
        let value = self.expr(item, Want { awaited: true, ..Want::default() });
        self.set(out, settled_object(text("fulfilled", span), "value", value, span), span);
        self.body.graph.goto(join);
        self.body.graph.handler = outer;
        self.body.graph.begin(handler);
        let reason = Expr::new(ExprKind::Caught, span);
        self.set(out, settled_object(text("rejected", span), "reason", reason, span), span);
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// What stands for all promises in `Promise.allSettled(…)`: an error of one ends none of the others, and nothing behind
    /// them.
    fn settled_all(&mut self, promises: Id) -> Expr {
        let (handler, join) = (self.body.graph.block(), self.body.graph.block());
        let value = self.tried(handler, |lower| lower.expr(promises, Want { all: true, ..Want::default() }));
        self.body.graph.goto(join);
        self.body.graph.begin(handler);
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        value
    }

    /// `X.then(f)`.
    fn then(&mut self, id: Id, member: Id, f: Id, want: Want<'t>) -> Expr {
        let result = self.promise(member);
        self.run_with(f, vec![result], want, self.tree.span(id))
    }

    /// The promise in front of `.then`, which is what waits for it.
    fn promise(&mut self, member: Id) -> Expr {
        let tree = self.tree;
        let want = Want { awaited: true, ..Want::default() };
        let Some(object) = tree.get(member, Field::Object) else { return opaque(Vec::new(), tree.span(member)) };
        let value = match tree.kind(object) {
            Kind::Call | Kind::Member | Kind::Subscript | Kind::NonNull => self.link(object, want),
            _ => self.expr(object, want),
        };
        if tree.find(member, Kind::OptionalChain).is_some() { self.guard(value) } else { value }
    }

    fn run_with(&mut self, f: Id, args: Vec<Expr>, want: Want<'t>, span: Span) -> Expr {
        let callee = self.expr(f, Want { name: want.name, ..Want::default() });
        self.apply(callee, args, want.awaited, span)
    }

    /// `X.catch(g)` and `X.then(f, g)`.
    fn caught(&mut self, id: Id, member: Id, f: Option<Id>, g: Option<Id>, want: Want<'t>) -> Expr {
        let span = self.tree.span(id);
        let (handler, done, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        let value = self.tried(handler, |lower| lower.promise(member));
        self.body.graph.goto(done);
        self.body.graph.begin(done);
        let value = match f {
            Some(f) => self.run_with(f, vec![value], want, span),
            None => value,
        };
        if !want.effect {
            self.set(out, value, span);
        }
        self.body.graph.goto(join);
        self.body.graph.begin(handler);
        let error = self.caught_error(span);
        if let Some(g) = g {
            let value = self.run_with(g, vec![error], want, span);
            if !want.effect {
                self.set(out, value, span);
            }
        }
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// `X.finally(h)`.
    fn finally_call(&mut self, id: Id, member: Id, h: Id, want: Want<'t>) -> Expr {
        let span = self.tree.span(id);
        let (handler, done) = (self.body.graph.block(), self.body.graph.block());
        let value = self.tried(handler, |lower| lower.promise(member));
        self.body.graph.goto(done);
        self.body.graph.begin(handler);
        let error = self.caught_error(span);
        // Both ways run the same function.
        let callee = self.expr(h, Want { name: want.name, ..Want::default() });
        self.apply(callee.clone(), Vec::new(), want.awaited, span);
        self.body.graph.end(Exit::Throw(error), span);
        self.body.graph.begin(done);
        self.apply(callee, Vec::new(), want.awaited, span);
        value
    }

    /// Lowers something with its errors going to a handler.
    pub(super) fn tried<T>(&mut self, handler: BlockId, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.body.graph.handler.replace(handler);
        self.body.graph.next();
        let value = work(self);
        self.body.graph.handler = outer;
        value
    }

    /// The error that arrived in the handler just begun, in a temporary.
    pub(super) fn caught_error(&mut self, span: Span) -> Expr {
        let slot = self.temp(span);
        self.set(slot, Expr::new(ExprKind::Caught, span), span);
        Expr::new(ExprKind::Slot(slot), span)
    }
}

fn settled_object(status: Expr, key: &str, value: Expr, span: Span) -> Expr {
    let entry = |key: &str, value| Entry::Field { key: key.to_owned(), key_span: span, value };
    Expr::new(ExprKind::Object(vec![entry("status", status), entry(key, value)]), span)
}
