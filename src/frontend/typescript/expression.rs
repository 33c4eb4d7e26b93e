//! Expressions: the dispatch by kind, names, members, and JSX.

use super::lower::{Lower, Want};
use super::pattern::field;
use super::tree::{Field, Id, Kind, is_function};
use crate::frontend::value::{null, opaque, text};
use crate::ir::{Const, Expr, ExprKind, FuncKind, UnaryOp};
use crate::text::Span;

impl<'t> Lower<'t> {
    /// The value of an expression of which nothing particular is wanted.
    pub(super) fn value(&mut self, id: Id) -> Expr {
        self.expr(id, Want::default())
    }

    /// The value of an expression; the steps that compute it go to the current block.
    pub(super) fn expr(&mut self, id: Id, want: Want<'t>) -> Expr {
        let nil = self.body.nil.take();
        let value = self.link(id, want);
        self.body.nil = nil;
        value
    }

    /// The same for a link of an optional chain, which leaves the whole chain where it is absent.
    pub(super) fn link(&mut self, id: Id, want: Want<'t>) -> Expr {
        if !self.enter(id, 1) {
            return opaque(Vec::new(), self.tree.span(id));
        }
        let value = self.dispatch(id, want);
        self.leave(1);
        value
    }

    fn dispatch(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let kind = tree.kind(id);
        match kind {
            Kind::Identifier | Kind::Shorthand | Kind::Undefined | Kind::ShorthandPattern => {
                self.name(tree.text(id), span)
            }
            Kind::This => Expr::new(ExprKind::This, span),
            Kind::Super | Kind::MetaProperty | Kind::Import => {
                Expr::new(ExprKind::Global(tree.text(id).to_owned()), span)
            }
            Kind::Null => null(span),
            Kind::True | Kind::False => Expr::new(ExprKind::Const(Const::Bool(kind == Kind::True)), span),
            Kind::Number => super::literal::number(tree.text(id), span),
            Kind::String => text(super::literal::string(tree.text(id)), span),
            Kind::Template => self.template(id, false),
            Kind::Parenthesized
            | Kind::AsExpression
            | Kind::Satisfies
            | Kind::Instantiation
            | Kind::ComputedName
            | Kind::JsxExpression => match tree.first(id) {
                Some(inner) => self.expr(inner, want),
                None => opaque(Vec::new(), span),
            },
            Kind::NonNull => match tree.first(id) {
                Some(inner) => self.link(inner, want),
                None => opaque(Vec::new(), span),
            },
            Kind::TypeAssertion => match tree.children(id).last() {
                Some(inner) => self.expr(inner, want),
                None => opaque(Vec::new(), span),
            },
            Kind::Await => self.awaited(id, want),
            Kind::Member | Kind::Subscript => self.member(id),
            Kind::Call => self.call_expression(id, want),
            Kind::New => self.new_expression(id, want),
            Kind::Binary => self.binary(id, want),
            Kind::Ternary => self.ternary(id, want),
            Kind::Unary => self.unary(id),
            Kind::Update => self.update(id, want),
            Kind::AssignmentExpression => self.assignment(id),
            Kind::AugmentedAssignment => self.augmented(id, want),
            Kind::Sequence => {
                let parts: Vec<Id> = tree.children(id).collect();
                let Some((last, before)) = parts.split_last() else { return opaque(Vec::new(), span) };
                for part in before {
                    self.expr(*part, Want { effect: true, ..Want::default() });
                }
                self.expr(*last, want)
            }
            Kind::Yield | Kind::Spread => {
                let operand = tree.first(id).map(|operand| self.value(operand));
                opaque(operand.into_iter().collect(), span)
            }
            Kind::Object => self.object(id),
            Kind::Array => self.array(id, want),
            Kind::Class => {
                let class = self.class(id, want.name, &[]);
                Expr::new(ExprKind::Class(class), span)
            }
            Kind::JsxElement | Kind::JsxSelfClosing => {
                let mut parts = Vec::new();
                self.jsx(id, &mut parts);
                opaque(parts, span)
            }
            _ if is_function(kind) => {
                let func = self.function(id, FuncKind::Anonymous, want.name.unwrap_or_default());
                Expr::new(ExprKind::Func(func), span)
            }
            _ => opaque(Vec::new(), span),
        }
    }

    fn awaited(&mut self, id: Id, want: Want<'t>) -> Expr {
        let Some(inner) = self.tree.first(id) else { return opaque(Vec::new(), self.tree.span(id)) };
        let value = self.expr(inner, Want { awaited: true, effect: want.effect, ..Want::default() });
        if !self.tree.runs(inner) {
            // What was begun earlier may fail here.
            self.body.graph.raise();
        }
        value
    }

    /// A member, by name or by index.
    fn member(&mut self, id: Id) -> Expr {
        let span = self.tree.span(id);
        let base = self.receiver(id);
        self.member_of(base, id, span)
    }

    /// The object of a member expression. If the access is optional and an absent object leaves the chain under
    /// construction, then there is a branch here.
    pub(super) fn receiver(&mut self, member: Id) -> Expr {
        let tree = self.tree;
        let Some(object) = tree.get(member, Field::Object) else { return opaque(Vec::new(), tree.span(member)) };
        let base = match tree.kind(object) {
            Kind::Call | Kind::Member | Kind::Subscript | Kind::NonNull => self.link(object, Want::default()),
            _ => self.expr(object, Want::default()),
        };
        if tree.find(member, Kind::OptionalChain).is_some() { self.guard(base) } else { base }
    }

    /// Leaves the optional chain under construction if a value is absent. What comes from elsewhere is taken to be there.
    pub(super) fn guard(&mut self, value: Expr) -> Expr {
        let Some(nil) = self.body.nil else { return value };
        if self.is_foreign(&value) {
            return value;
        }
        let value = self.hold(value);
        let present = self.body.graph.block();
        self.body.graph.branch(super::pattern::is_present(value.clone()), present, nil);
        self.body.graph.begin(present);
        value
    }

    /// Whether a value is a path into an import or an undeclared name.
    fn is_foreign(&self, value: &Expr) -> bool {
        let mut value = value;
        while let ExprKind::Field(base, _) = &value.kind {
            value = base;
        }
        match &value.kind {
            ExprKind::Global(_) | ExprKind::Module(_) => true,
            ExprKind::Slot(slot) => self.imported.contains_key(slot),
            _ => false,
        }
    }

    /// The member that a member expression names, of this object.
    pub(super) fn member_of(&mut self, base: Expr, member: Id, span: Span) -> Expr {
        if let Some(property) = self.tree.get(member, Field::Property) {
            return field(base, self.tree.text(property), span);
        }
        let Some(index) = self.tree.get(member, Field::Index) else { return opaque(vec![base], span) };
        let index = self.value(index);
        match &index.kind {
            ExprKind::Const(Const::Text(name) | Const::Number(name)) => field(base, name, span),
            _ => Expr::new(ExprKind::Index(Box::new(base), Box::new(index)), span),
        }
    }

    fn unary(&mut self, id: Id) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let Some(argument) = tree.get(id, Field::Argument) else { return opaque(Vec::new(), span) };
        let operator = tree.get(id, Field::Operator).map_or("", |operator| tree.text(operator));
        if operator == "delete" {
            let target = self.place(argument);
            self.store(target, None, span);
            return Expr::new(ExprKind::Const(Const::Bool(true)), span);
        }
        let operand = self.value(argument);
        let op = match operator {
            "!" => UnaryOp::Not,
            "-" => UnaryOp::Neg,
            _ => UnaryOp::Other,
        };
        match (op, &operand.kind) {
            (UnaryOp::Not, ExprKind::Const(Const::Bool(value))) => {
                Expr::new(ExprKind::Const(Const::Bool(!value)), span)
            }
            (UnaryOp::Neg, ExprKind::Const(Const::Number(number))) => {
                let number = match number.strip_prefix('-') {
                    Some(positive) => positive.to_owned(),
                    None if number == "0" => number.clone(),
                    None => format!("-{number}"),
                };
                Expr::new(ExprKind::Const(Const::Number(number)), span)
            }
            _ => Expr::new(ExprKind::Unary(op, Box::new(operand)), span),
        }
    }

    /// Lowers what an element is made of. Its event handlers are function literals that nobody here calls.
    fn jsx(&mut self, id: Id, parts: &mut Vec<Expr>) {
        let tree = self.tree;
        if !self.enter(id, 1) {
            return;
        }
        for child in tree.children(id) {
            match tree.kind(child) {
                Kind::JsxElement | Kind::JsxSelfClosing | Kind::JsxOpening => self.jsx(child, parts),
                Kind::JsxExpression => parts.extend(tree.first(child).map(|inner| self.value(inner))),
                Kind::JsxAttribute => {
                    let name = tree.first(child).map(|name| tree.text(name));
                    for value in tree.children(child).skip(1) {
                        match tree.kind(value) {
                            Kind::JsxExpression | Kind::JsxElement | Kind::JsxSelfClosing => {
                                parts.push(self.expr(value, Want { name, ..Want::default() }));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        self.leave(1);
    }
}
