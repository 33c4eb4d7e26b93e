//! Destructuring: of parameters, declarations, assignments, loop variables and caught errors.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind};
use crate::frontend::value::{opaque, text, unset};
use crate::ir::{BinaryOp, Expr, ExprKind, Item};
use crate::text::Span;

/// What the names in a pattern are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bind {
    /// Declarations of the innermost scope, which were declared when it was opened.
    Declare,
    /// Variables and members that exist.
    Assign,
}

impl<'t> Lower<'t> {
    /// Declares all names of a pattern in the innermost scope.
    pub(super) fn declare_pattern(&mut self, pattern: Id, ty: Option<String>) {
        let tree = self.tree;
        let mut todo = vec![pattern];
        let mut ty = ty;
        while let Some(id) = todo.pop() {
            match tree.kind(id) {
                Kind::Identifier | Kind::ShorthandPattern => {
                    self.declare(id, ty.take());
                }
                Kind::ObjectPattern | Kind::ArrayPattern | Kind::RestPattern => {
                    ty = None;
                    let from = todo.len();
                    todo.extend(tree.children(id));
                    todo[from..].reverse();
                }
                Kind::PairPattern => todo.extend(tree.get(id, Field::Value)),
                Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => todo.extend(tree.get(id, Field::Left)),
                _ => {}
            }
        }
    }

    /// Gives a value to the names of a pattern.
    pub(super) fn bind(&mut self, pattern: Id, value: Expr, bind: Bind, span: Span) {
        if !self.enter(pattern, 1) {
            return;
        }
        match self.tree.kind(pattern) {
            Kind::Identifier | Kind::ShorthandPattern | Kind::Undefined => {
                if let Some(slot) = self.scopes.resolve(self.tree.text(pattern)) {
                    self.set(slot, value, span);
                }
            }
            Kind::Member | Kind::Subscript => {
                let target = self.place(pattern);
                self.store(target, Some(value), span);
            }
            Kind::Parenthesized | Kind::NonNull | Kind::AsExpression | Kind::Satisfies => {
                if let Some(inner) = self.tree.first(pattern) {
                    self.bind(inner, value, bind, span);
                }
            }
            Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => {
                let (left, right) = (self.tree.get(pattern, Field::Left), self.tree.get(pattern, Field::Right));
                if let Some(left) = left {
                    let value = match right {
                        Some(right) => self.default(value, right, self.binding_name(left)),
                        None => value,
                    };
                    self.bind(left, value, bind, span);
                }
            }
            Kind::ObjectPattern => self.bind_object(pattern, value, bind),
            Kind::ArrayPattern => self.bind_array(pattern, value, bind),
            _ => {}
        }
        self.leave(1);
    }

    /// A value, or a default where it is absent.
    pub(super) fn default(&mut self, value: Expr, default: Id, name: Option<&'t str>) -> Expr {
        let span = value.span;
        let want = Want { name, ..Want::default() };
        if !self.tree.runs(default) {
            let default = self.expr(default, want);
            return Expr::new(ExprKind::Binary(BinaryOp::Coalesce, Box::new(value), Box::new(default)), span);
        }
        let value = self.hold(value);
        let (absent, present, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        self.body.graph.branch(is_present(value.clone()), present, absent);
        self.body.graph.begin(present);
        self.set(out, value, span);
        self.body.graph.goto(join);
        self.body.graph.begin(absent);
        let default_span = self.tree.span(default);
        let default = self.expr(default, want);
        self.set(out, default, default_span);
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    fn bind_object(&mut self, pattern: Id, value: Expr, bind: Bind) {
        let tree = self.tree;
        let base = self.hold(value);
        let mut taken = Vec::new();
        for entry in tree.children(pattern) {
            let span = tree.span(entry);
            match tree.kind(entry) {
                Kind::ShorthandPattern => {
                    let name = tree.text(entry);
                    taken.push(name.to_owned());
                    self.bind(entry, field(base.clone(), name, span), bind, span);
                }
                Kind::ObjectAssignmentPattern => {
                    let Some(left) = tree.get(entry, Field::Left) else { continue };
                    let name = tree.text(left);
                    taken.push(name.to_owned());
                    self.bind(entry, field(base.clone(), name, tree.span(left)), bind, span);
                }
                Kind::PairPattern => {
                    let (Some(key), Some(target)) = (tree.get(entry, Field::Key), tree.get(entry, Field::Value)) else {
                        continue;
                    };
                    let value = if let Some(name) = self.known_key(key) {
                        let value = field(base.clone(), &name, tree.span(key));
                        taken.push(name);
                        value
                    } else {
                        let index = self.computed_key(key);
                        Expr::new(ExprKind::Index(Box::new(base.clone()), Box::new(index)), tree.span(key))
                    };
                    self.bind(target, value, bind, span);
                }
                Kind::RestPattern => {
                    let Some(target) = tree.first(entry) else { continue };
                    let rest = ExprKind::Rest(Box::new(base.clone()), taken.clone());
                    self.bind(target, Expr::new(rest, span), bind, span);
                }
                _ => {}
            }
        }
    }

    fn bind_array(&mut self, pattern: Id, value: Expr, bind: Bind) {
        let tree = self.tree;
        // The elements of an array literal are known one by one. What an assignment changes may be read by a later element,
        // so there the array is made first.
        let known = match (bind, value.kind) {
            (Bind::Declare, ExprKind::Array(items)) if !items.iter().any(|item| matches!(item, Item::Spread(_))) => {
                Ok(items)
            }
            (_, kind) => Err(Expr::new(kind, value.span)),
        };
        let mut known = match known {
            Ok(items) => Ok(items.into_iter().map(|item| match item {
                Item::Value(value) | Item::Spread(value) => value,
            })),
            Err(value) => Err(self.hold(value)),
        };
        for (index, element) in self.elements(pattern).into_iter().enumerate() {
            let span = element.map_or(tree.span(pattern), |element| tree.span(element));
            let is_rest = element.is_some_and(|element| tree.kind(element) == Kind::RestPattern);
            let value = match &mut known {
                Ok(items) if is_rest => Expr::new(ExprKind::Array(items.map(Item::Value).collect()), span),
                Ok(items) => items.next().unwrap_or_else(|| unset(span)),
                Err(base) if is_rest => opaque(vec![base.clone()], span),
                Err(base) => field(base.clone(), &index.to_string(), span),
            };
            let target = if is_rest { element.and_then(|rest| tree.first(rest)) } else { element };
            if let Some(target) = target {
                self.bind(target, value, bind, span);
            }
        }
    }

    /// The elements of an array pattern, holes among them (`[, second]`): those leave no node, only commas.
    fn elements(&self, pattern: Id) -> Vec<Option<Id>> {
        let mut elements = Vec::new();
        let mut at = self.tree.span(pattern).start + 1;
        for element in self.tree.children(pattern) {
            let span = self.tree.span(element);
            let gap = Span { start: at.min(span.start), end: span.start }.slice(self.tree.source());
            let commas = gap.bytes().filter(|byte| *byte == b',').count();
            let holes = if elements.is_empty() { commas } else { commas.saturating_sub(1) };
            elements.extend(std::iter::repeat_n(None, holes));
            elements.push(Some(element));
            at = span.end;
        }
        elements
    }

    /// The name of the variable that a pattern declares, if it is just one.
    pub(super) fn binding_name(&self, pattern: Id) -> Option<&'t str> {
        matches!(self.tree.kind(pattern), Kind::Identifier | Kind::ShorthandPattern).then(|| self.tree.text(pattern))
    }
}

/// The test whether a value is present.
pub(super) fn is_present(value: Expr) -> Expr {
    let span = value.span;
    let absent = unset(span);
    Expr::new(ExprKind::Binary(BinaryOp::Ne, Box::new(value), Box::new(absent)), span)
}

/// A named member.
pub(super) fn field(base: Expr, name: &str, span: Span) -> Expr {
    if name == "NODE_ENV"
        && let ExprKind::Field(process, env) = &base.kind
        && env == "env"
        && process.kind == ExprKind::Global("process".to_owned())
    {
        // What runs in development only is no concern: it isn't run by many at once.
        return text("production", span);
    }
    Expr::new(ExprKind::Field(Box::new(base), name.to_owned()), span)
}
