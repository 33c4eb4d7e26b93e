//! Expressions: the dispatch by kind, names and paths, members.

use syn::{Expr as Source, Member, Path, PathArguments};

use super::block::bare;
use super::lower::{CallParts, Errors, Lower, Want};
use super::{place, print};
use crate::frontend::value::{field, null, opaque};
use crate::ir::{CallForm, Const, Entry, Exit, Expr, ExprKind, Item, UnaryOp};
use crate::text::Span;

impl Lower<'_> {
    /// The value of an expression of which nothing particular is wanted.
    pub(super) fn value(&mut self, expr: &Source) -> Expr {
        self.expr(expr, Want::default())
    }

    /// The value of an expression; the steps that compute it go to the current block.
    pub(super) fn expr(&mut self, expr: &Source, want: Want<'_>) -> Expr {
        if !self.enter(place::first(expr)) {
            return opaque(Vec::new(), self.at(place::first(expr)));
        }
        let value = self.dispatch(expr, want);
        self.leave();
        value
    }

    fn dispatch(&mut self, expr: &Source, want: Want<'_>) -> Expr {
        // What only passes a value on is told what is wanted of the value.
        match expr {
            Source::Paren(it) => return self.expr(&it.expr, want),
            Source::Group(it) => return self.expr(&it.expr, want),
            Source::Reference(it) => return self.expr(&it.expr, want),
            Source::RawAddr(it) => return self.expr(&it.expr, want),
            Source::Cast(it) => return self.expr(&it.expr, Want { effect: false, ..Want::default() }),
            Source::Await(it) => return self.awaited(&it.base, want),
            Source::Try(it) => return self.question(&it.expr, want),
            _ => {}
        }
        let span = self.span(expr);
        match expr {
            Source::Lit(it) => self.literal(&it.lit),
            Source::Path(it) => match &it.qself {
                Some(qself) => self.qualified(qself, &it.path),
                None => {
                    let value = self.path_value(&it.path);
                    self.looked_at(value, want)
                }
            },
            Source::Field(it) => {
                let base = self.value(&it.base);
                self.member(base, &it.member, span)
            }
            Source::Index(it) => {
                let base = self.value(&it.expr);
                let index = self.value(&it.index);
                match &index.kind {
                    ExprKind::Const(Const::Text(name) | Const::Number(name)) => field(base, name, span),
                    _ => Expr::new(ExprKind::Index(Box::new(base), Box::new(index)), span),
                }
            }
            Source::Call(it) => self.call(it, want, span),
            Source::MethodCall(it) => self.method_call(it, want, span),
            Source::Macro(it) => self.macro_call(&it.mac, want, span),
            Source::Struct(it) => self.struct_literal(it, want, span),
            Source::Tuple(it) if it.elems.is_empty() => Self::unit(span),
            Source::Tuple(it) => self.array(it.elems.iter(), span),
            Source::Array(it) => self.array(it.elems.iter(), span),
            Source::Repeat(it) => {
                let (element, count) = (self.value(&it.expr), self.value(&it.len));
                opaque(vec![element, count], span)
            }
            Source::Range(it) => {
                let ends = [&it.start, &it.end].into_iter().flatten();
                let ends = ends.map(|end| self.value(end)).collect();
                opaque(ends, span)
            }
            Source::Binary(it) => self.binary(it, want, span),
            Source::Unary(it) => self.unary(it, span),
            Source::Assign(it) => self.assignment(it, span),
            Source::Let(it) => self.let_value(it, span),
            Source::If(it) => self.if_expression(it, want, span),
            Source::Match(it) => self.match_expression(it, want, span),
            Source::Block(it) => self.block_expression(it, want, span),
            Source::Unsafe(it) => self.block(&it.block, want).unwrap_or_else(|| Self::unit(span)),
            Source::Const(it) => self.block(&it.block, want).unwrap_or_else(|| Self::unit(span)),
            Source::TryBlock(it) => self.block(&it.block, Want::default()).unwrap_or_else(|| Self::unit(span)),
            Source::Loop(it) => self.loop_expression(it, want, span),
            Source::While(it) => self.while_expression(it, span),
            Source::ForLoop(it) => self.for_expression(it, span),
            Source::Break(it) => self.break_expression(it, span),
            Source::Continue(it) => self.continue_expression(it, span),
            Source::Return(it) => self.return_expression(it.expr.as_deref(), span),
            Source::Closure(it) => {
                let func = self.closure(it, want.name.unwrap_or_default());
                Expr::new(ExprKind::Func(func), span)
            }
            Source::Async(it) => self.async_value(it, want, span),
            Source::Yield(it) => {
                let value = it.expr.as_ref().map(|value| self.value(value));
                opaque(value.into_iter().collect(), span)
            }
            _ => opaque(Vec::new(), span),
        }
    }

    /// `value.await`.
    fn awaited(&mut self, base: &Source, want: Want<'_>) -> Expr {
        let want = Want { awaited: true, tail: false, ..want };
        let value = self.expr(base, want);
        match value.kind {
            // An `async` block that was made earlier runs here.
            ExprKind::Slot(slot) if self.futures.contains(&slot) => {
                let span = value.span;
                self.apply(value, Vec::new(), want, span)
            }
            ExprKind::Slot(slot) => {
                self.body.graph.wait_for(slot);
                value
            }
            _ => value,
        }
    }

    /// `value?`.
    pub(super) fn question(&mut self, operand: &Source, want: Want<'_>) -> Expr {
        let want = Want { errors: Errors::Leave, tail: false, effect: false, ..want };
        let value = self.expr(operand, want);
        if !self.body.returns_option {
            return value;
        }
        let value = self.settle(value);
        let span = self.span(operand);
        let (present, absent) = (self.body.graph.block(), self.body.graph.block());
        self.body.graph.branch(super::adapter::is_present(&value, span), present, absent);
        self.body.graph.begin(absent);
        self.body.graph.end(Exit::Return(Some(null(span))), span);
        self.body.graph.begin(present);
        value
    }

    /// An `async` block: run here where its value is wanted here, else a function.
    fn async_value(&mut self, it: &syn::ExprAsync, want: Want<'_>, span: Span) -> Expr {
        if want.tail {
            return self.block(&it.block, want).unwrap_or_else(|| Self::unit(span));
        }
        let func = self.async_block(it, if want.awaited { "" } else { want.name.unwrap_or_default() });
        let value = Expr::new(ExprKind::Func(func), span);
        if want.awaited { self.apply(value, Vec::new(), want, span) } else { value }
    }

    /// What a path means.
    pub(super) fn path_value(&mut self, path: &Path) -> Expr {
        let span = self.between(place::first_of_path(path), place::last_of_path(path));
        let mut names = path.segments.iter().map(|segment| segment.ident.to_string());
        let Some(root) = names.next() else { return opaque(Vec::new(), span) };
        if path.segments.len() == 1 {
            return self.name(&root, span);
        }
        let root_span = path.segments.first().map_or(span, |first| self.at(first.ident.span()));
        // `self::x` and, in a module that stands in this file, `super::x` are names of this file.
        let mut names = names.peekable();
        let own = match root.as_str() {
            "self" => names.peek().is_some_and(|name| self.scopes.resolve(name).is_some()),
            "super" => !self.modules.is_empty() && names.peek().is_some_and(|name| self.scopes.resolve(name).is_some()),
            _ => false,
        };
        let base = match names.next_if(|_| own) {
            Some(name) => self.item_name(&name, root_span),
            None => self.item_name(&root, root_span),
        };
        super::item::member_path(base, names, span)
    }

    /// What the first name of a longer path means: no local variable, whatever that is called.
    fn item_name(&mut self, name: &str, span: Span) -> Expr {
        let meant = self.name(name, span);
        match meant.kind {
            ExprKind::Slot(slot) if !self.items.contains(&slot) => {
                let item = self.scopes.resolve_among(name, |slot| self.items.contains(&slot));
                Expr::new(item.map_or_else(|| ExprKind::Global(name.to_owned()), ExprKind::Slot), span)
            }
            _ => meant,
        }
    }

    /// `<Type>::name` and `<Type as Trait>::name`.
    fn qualified(&mut self, qself: &syn::QSelf, path: &Path) -> Expr {
        let span = self.between(qself.lt_token.spans[0], place::last_of_path(path));
        let base = match &*qself.ty {
            syn::Type::Path(it) => self.path_value(&it.path),
            other => Expr::new(ExprKind::Global(print::text(other)), span),
        };
        let names = path.segments.iter().skip(qself.position).map(|segment| segment.ident.to_string());
        super::item::member_path(base, names, span)
    }

    /// What a name means.
    pub(super) fn name(&mut self, name: &str, span: Span) -> Expr {
        let kind = match (name, self.self_class) {
            ("self", _) => ExprKind::This,
            ("Self", Some(class)) => ExprKind::Class(class),
            ("None", _) => ExprKind::Const(Const::Null),
            _ => match self.scopes.resolve(name) {
                Some(slot) => ExprKind::Slot(slot),
                None => ExprKind::Global(name.to_owned()),
            },
        };
        Expr::new(kind, span)
    }

    /// A member of a value.
    pub(super) fn member(&self, base: Expr, member: &Member, span: Span) -> Expr {
        match member {
            Member::Named(name) => field(base, &name.to_string(), span),
            Member::Unnamed(index) => match &base.kind {
                ExprKind::Array(items) => match items.get(index.index as usize) {
                    Some(Item::Value(item)) => item.clone(),
                    _ => field(base, &index.index.to_string(), span),
                },
                _ => field(base, &index.index.to_string(), span),
            },
        }
    }

    /// A list or a tuple.
    pub(super) fn array<'e>(&mut self, elements: impl Iterator<Item = &'e Source>, span: Span) -> Expr {
        let items = elements.map(|element| Item::Value(self.value(element))).collect();
        Expr::new(ExprKind::Array(items), span)
    }

    /// `T { a, b: x, ..base }`.
    fn struct_literal(&mut self, it: &syn::ExprStruct, want: Want<'_>, span: Span) -> Expr {
        let callee = self.path_value(&it.path);
        let mut entries = Vec::new();
        // The order of effects is that of the text, in which the base stands last.
        for part in &it.fields {
            let key_span = self.piece(&part.member);
            let key = match &part.member {
                Member::Named(name) => name.to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            let value = self.expr(&part.expr, Want { name: Some(&key), ..Want::default() });
            entries.push(Entry::Field { key, key_span, value });
        }
        if let Some(base) = &it.rest {
            let base = self.value(base);
            entries.insert(0, Entry::Spread(base));
        }
        let first = self.at(it.brace_token.span.open());
        let object = Expr::new(ExprKind::Object(entries), Span { start: first.start, end: span.end });
        let args = vec![Item::Value(object)];
        let parts = CallParts { args, form: CallForm::New, ..CallParts::of(callee) };
        self.push_call(parts, Want { errors: Errors::Kept, awaited: false, ..want }, span)
    }

    fn unary(&mut self, it: &syn::ExprUnary, span: Span) -> Expr {
        let operand = self.value(&it.expr);
        match (&it.op, &operand.kind) {
            (syn::UnOp::Deref(_), _) => operand,
            (syn::UnOp::Not(_), ExprKind::Const(Const::Bool(value))) => {
                Expr::new(ExprKind::Const(Const::Bool(!value)), span)
            }
            (syn::UnOp::Neg(_), ExprKind::Const(Const::Number(number))) if !number.starts_with('-') => {
                Expr::new(ExprKind::Const(Const::Number(format!("-{number}"))), span)
            }
            (syn::UnOp::Not(_), _) => Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(operand)), span),
            (syn::UnOp::Neg(_), _) => Expr::new(ExprKind::Unary(UnaryOp::Neg, Box::new(operand)), span),
            _ => Expr::new(ExprKind::Unary(UnaryOp::Other, Box::new(operand)), span),
        }
    }

    /// `return value`.
    pub(super) fn return_expression(&mut self, value: Option<&Source>, span: Span) -> Expr {
        match value {
            Some(value) => {
                let at = self.span(value);
                let value = self.expr(value, Want::tail());
                self.finish(Some(value), at);
            }
            None => self.finish(None, span),
        }
        Self::unit(span)
    }

    /// Ends the function with a value.
    pub(super) fn finish(&mut self, value: Option<Expr>, span: Span) {
        let value = value.filter(|value| !matches!(&value.kind, ExprKind::Opaque(parts) if parts.is_empty()));
        self.body.graph.end(Exit::Return(value), span);
    }
}

/// The types that a path's last name is given.
pub(super) fn type_args(path: &Path) -> Vec<String> {
    let with_types = path.segments.iter().rev().find(|segment| !segment.arguments.is_empty());
    match with_types.map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => arguments.args.iter().map(print::text).collect(),
        _ => Vec::new(),
    }
}

/// Whether evaluating an expression may run something, change something, or bind a name.
pub(super) fn runs(expr: &Source) -> bool {
    match bare(expr) {
        Source::Lit(_) | Source::Path(_) => false,
        Source::Field(it) => runs(&it.base),
        Source::Index(it) => runs(&it.expr) || runs(&it.index),
        Source::Unary(it) => runs(&it.expr),
        Source::Cast(it) => runs(&it.expr),
        Source::Tuple(it) => it.elems.iter().any(runs),
        Source::Array(it) => it.elems.iter().any(runs),
        Source::Range(it) => [&it.start, &it.end].into_iter().flatten().any(|end| runs(end)),
        Source::Binary(it) => super::operator::assigned(&it.op).is_some() || runs(&it.left) || runs(&it.right),
        Source::MethodCall(it) => !super::adapter::is_pure(it) || runs(&it.receiver) || it.args.iter().any(runs),
        _ => true,
    }
}
