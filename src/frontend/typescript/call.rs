//! Calls: plain, `new`, tagged, optional; and the calls that only hand a value on.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind};
use crate::frontend::value::{opaque, unset};
use crate::ir::{CallForm, Expr, ExprKind, Item};

impl<'t> Lower<'t> {
    /// A call, with the optional chain that it may be part of.
    pub(super) fn call_expression(&mut self, id: Id, want: Want<'t>) -> Expr {
        if self.body.nil.is_some() || !self.is_optional(id) {
            return self.call_link(id, want);
        }
        let span = self.tree.span(id);
        let (nil, join) = (self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        self.body.nil = Some(nil);
        let value = self.call_link(id, want);
        self.body.nil = None;
        if !want.effect {
            self.set(out, value, span);
        }
        self.body.graph.goto(join);
        self.body.graph.begin(nil);
        if !want.effect {
            self.set(out, unset(span), span);
        }
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Whether some link of the chain that ends in this call is optional.
    fn is_optional(&self, id: Id) -> bool {
        let tree = self.tree;
        let mut id = id;
        loop {
            let next = match tree.kind(id) {
                Kind::Call => tree.get(id, Field::Function),
                Kind::Member | Kind::Subscript => tree.get(id, Field::Object),
                Kind::NonNull => tree.first(id),
                _ => return false,
            };
            if tree.find(id, Kind::OptionalChain).is_some() || tree.has_token(id, "?.") {
                return true;
            }
            match next {
                Some(next) => id = next,
                None => return false,
            }
        }
    }

    fn call_link(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let Some(function) = tree.get(id, Field::Function) else { return opaque(Vec::new(), span) };
        let Some(arguments) = tree.get(id, Field::Arguments) else { return opaque(Vec::new(), span) };
        if tree.kind(arguments) == Kind::Template {
            let callee = self.callee(id, function);
            let template = self.template(arguments, true);
            return self.call(callee, vec![Item::Value(template)], CallForm::Tag, want.awaited, span);
        }
        if let Some(value) = self.module_call(id, function, arguments) {
            return value;
        }
        if let Some(value) = self.promise_call(id, function, arguments, want) {
            return value;
        }
        if let Some(value) = self.collection_call(id, function, arguments, want) {
            return value;
        }
        let callee = self.callee(id, function);
        let args = self.arguments(arguments, want);
        self.call(callee, args, CallForm::Plain, want.awaited, span)
    }

    /// What is called.
    fn callee(&mut self, id: Id, function: Id) -> Expr {
        let tree = self.tree;
        let callee = match tree.kind(function) {
            Kind::Call | Kind::Member | Kind::Subscript | Kind::NonNull => self.link(function, Want::default()),
            _ => self.expr(function, Want::default()),
        };
        let is_optional = tree.has_token(id, "?.") || tree.find(id, Kind::OptionalChain).is_some();
        if is_optional { self.guard(callee) } else { callee }
    }

    /// The arguments of a call. Function literals among them take the name that holds the call's result; where the result
    /// is awaited they just run inside, and where nothing holds it a text in front may name them (a route's path).
    pub(super) fn arguments(&mut self, arguments: Id, want: Want<'t>) -> Vec<Item> {
        let tree = self.tree;
        let leading = || {
            let first = tree.first(arguments).filter(|first| tree.kind(*first) == Kind::String)?;
            self.key_name(first)
        };
        let name = if want.awaited { None } else { want.name.or_else(leading) };
        self.items(arguments, Want { name, ..Want::default() }, false)
    }

    /// `new F(a)`.
    pub(super) fn new_expression(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let callee = match tree.get(id, Field::Constructor) {
            Some(constructor) => self.value(constructor),
            None => opaque(Vec::new(), span),
        };
        let args = tree.get(id, Field::Arguments).map(|arguments| self.arguments(arguments, want));
        self.call(callee, args.unwrap_or_default(), CallForm::New, want.awaited, span)
    }

    /// `require("x")` and `import("x")`.
    fn module_call(&mut self, id: Id, function: Id, arguments: Id) -> Option<Expr> {
        let tree = self.tree;
        let is_import = tree.kind(function) == Kind::Import;
        if !is_import && !self.is_global(function, "require") {
            return None;
        }
        let source = tree.first(arguments)?;
        if !matches!(tree.kind(source), Kind::String | Kind::Template) || tree.runs(source) {
            return None;
        }
        match self.value(source).kind {
            ExprKind::Const(crate::ir::Const::Text(source)) => {
                self.unit.required.push(source.clone());
                Some(Expr::new(ExprKind::Module(source), tree.span(id)))
            }
            _ => None,
        }
    }
}
