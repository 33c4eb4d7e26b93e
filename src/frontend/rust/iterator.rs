//! Iterators: methods that run a function for every element are loops.

use syn::{Expr as Source, ExprMethodCall};

use super::carrier::Carrier;
use super::lower::{Errors, Lower, Want};
use crate::frontend::value::{field, opaque};
use crate::ir::{Expr, ExprKind, Item, Over};
use crate::text::Span;

impl Lower<'_> {
    /// Lowers a method call if it is one of these.
    pub(super) fn iteration(&mut self, it: &ExprMethodCall, want: Want<'_>, span: Span) -> Option<Expr> {
        let name = it.method.to_string();
        let args: Vec<&Source> = it.args.iter().collect();
        let is_iterator = self.carrier(&it.receiver) == Carrier::Iterator;
        let how = match (name.as_str(), args.as_slice()) {
            ("map" | "filter_map" | "flat_map" | "map_while", [_]) if is_iterator => Over::Map,
            ("filter" | "take_while" | "skip_while", [_]) if is_iterator => Over::Filter,
            ("find", [Source::Closure(_)]) => Over::Find,
            ("find_map" | "position", [_]) if is_iterator => Over::Find,
            ("any", [f]) if is_iterator || is_function(f) => Over::Some,
            ("all", [f]) if is_iterator || is_function(f) => Over::Every,
            ("for_each" | "try_for_each", [_]) => Over::Fold,
            ("fold" | "try_fold", [initial, f]) => return Some(self.fold(it, initial, f, want, span)),
            // What only changes which elements come when.
            ("enumerate", []) if is_iterator => {
                let source = self.value(&it.receiver);
                let source = self.hold(source);
                let items = vec![Item::Value(opaque(Vec::new(), span)), Item::Value(element(&source))];
                let pair = Expr::new(ExprKind::Array(items), span);
                return Some(over(Over::Map, source, pair, span));
            }
            // All elements of both.
            ("chain", [other]) if is_iterator || self.carrier(other) == Carrier::Iterator => {
                let source = self.value(&it.receiver);
                let source = self.hold(source);
                let items = vec![Item::Spread(source), Item::Spread(self.value(other))];
                return Some(Expr::new(ExprKind::Array(items), span));
            }
            // One part after the other of the same list.
            ("chunks" | "chunks_exact" | "into_chunks", [_]) => {
                let source = self.value(&it.receiver);
                let source = self.hold(source);
                let part = over(Over::Filter, source, opaque(Vec::new(), span), span);
                return Some(Expr::new(ExprKind::Array(vec![Item::Value(part)]), span));
            }
            ("next", []) if is_iterator => return Some(field(self.value(&it.receiver), "0", span)),
            ("first", []) => return Some(field(self.value(&it.receiver), "0", span)),
            ("count", []) if is_iterator => return Some(field(self.value(&it.receiver), "length", span)),
            _ => return None,
        };
        let f = args.first()?;
        let source = self.value(&it.receiver);
        let source = self.hold(source);
        let errors = if name.starts_with("try_") { want.errors } else { Errors::Kept };
        // What runs nothing needs no loop.
        let body = match self.run_here(f, &[element(&source)]) {
            Some(body) => body,
            None => self
                .each(&source, |lower, element| lower.run(f, vec![element], Want { errors, ..Want::default() }, span)),
        };
        let value = over(how, source, body, span);
        Some(if name == "position" { opaque(vec![value], span) } else { value })
    }

    fn fold(&mut self, it: &ExprMethodCall, initial: &Source, f: &Source, want: Want<'_>, span: Span) -> Expr {
        let source = self.value(&it.receiver);
        let source = self.hold(source);
        let sum = self.temp(span);
        let initial = self.value(initial);
        self.set(sum, initial, span);
        let body = self.each(&source, |lower, element| {
            let so_far = Expr::new(ExprKind::Slot(sum), span);
            let next = lower.run(f, vec![so_far, element], Want { errors: want.errors, ..Want::default() }, span);
            lower.set(sum, next.clone(), span);
            next
        });
        over(Over::Fold, source, body, span)
    }

    /// Runs something for every element of a collection.
    fn each(&mut self, source: &Expr, work: impl FnOnce(&mut Self, Expr) -> Expr) -> Expr {
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.body.graph.branch(opaque(vec![source.clone()], source.span), inside, after);
        self.body.graph.begin(inside);
        let result = work(self, element(source));
        self.body.graph.goto(header);
        self.body.graph.begin(after);
        result
    }
}

/// Whether an expression is a closure, or names a function of a type.
fn is_function(f: &Source) -> bool {
    match f {
        Source::Closure(_) => true,
        Source::Path(path) => path.path.segments.len() > 1,
        _ => false,
    }
}

fn element(source: &Expr) -> Expr {
    Expr::new(ExprKind::Element(Box::new(source.clone())), source.span)
}

fn over(how: Over, source: Expr, body: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Over { how, source: Box::new(source), body: Box::new(body) }, span)
}
