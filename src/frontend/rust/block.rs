//! Blocks and statements: what is declared where, and what is given up at the end.

use syn::{Block, Expr as Source, Local, Pat, Stmt};

use super::carrier::is_looked_at;
use super::fallible::Side;
use super::lower::{Errors, Frame, Lower, Want};
use super::{place, print};
use crate::frontend::value::opaque;
use crate::ir::{Expr, ExprKind, SlotId, Step};
use crate::text::Span;

impl Lower<'_> {
    /// A block inside a function; its value, if it has one.
    pub(super) fn block(&mut self, block: &Block, want: Want<'_>) -> Option<Expr> {
        let outer = self.scopes.open();
        self.body.frames.push(Frame::Scope { drops: Vec::new() });
        let value = self.statements(block, want);
        let drops = match self.body.frames.pop() {
            Some(Frame::Scope { drops }) => drops,
            _ => Vec::new(),
        };
        self.scopes.current = outer;
        // The end of a function gives up everything.
        if drops.is_empty() || want.tail || !self.body.graph.is_open() {
            return value;
        }
        let value = value.map(|value| self.settle(value));
        let end = self.at(place::close(block));
        self.drop_all(&drops, end);
        value
    }

    /// Gives up variables, the last one first.
    pub(super) fn drop_all(&mut self, slots: &[SlotId], span: Span) {
        for slot in slots.iter().rev() {
            self.body.graph.push(Step::Drop { slot: *slot, span });
        }
    }

    /// A value that later steps do not change.
    pub(super) fn settle(&mut self, value: Expr) -> Expr {
        let is_settled = match &value.kind {
            ExprKind::Const(_) | ExprKind::Func(_) | ExprKind::Class(_) => true,
            ExprKind::Slot(slot) => self.unit.slots.get(slot.index()).is_some_and(|slot| slot.name.is_empty()),
            _ => false,
        };
        if is_settled {
            return value;
        }
        let span = value.span;
        let slot = self.temp(span);
        self.set(slot, value, span);
        Expr::new(ExprKind::Slot(slot), span)
    }

    /// The statements of a block in the innermost scope; the value of the last one, if it has one.
    pub(super) fn statements(&mut self, block: &Block, want: Want<'_>) -> Option<Expr> {
        self.statement_list(&block.stmts, want)
    }

    /// The same for statements that no braces stand around.
    pub(super) fn statement_list(&mut self, statements: &[Stmt], want: Want<'_>) -> Option<Expr> {
        self.items(statements.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        }));
        for (at, statement) in statements.iter().enumerate() {
            let is_last = at + 1 == statements.len();
            match statement {
                Stmt::Local(it) => self.local(it, &statements[at + 1..]),
                Stmt::Item(_) => {}
                Stmt::Expr(it, None) if is_last => {
                    let value = self.expr(it, want);
                    return (!want.effect).then_some(value);
                }
                Stmt::Expr(it, _) => {
                    self.expr(it, Want::effect());
                }
                Stmt::Macro(it) => {
                    let span = self.between(place::first_of_path(&it.mac.path), place::last_of_macro(&it.mac));
                    if is_last && it.semi_token.is_none() {
                        let value = self.macro_call(&it.mac, want, span);
                        return (!want.effect).then_some(value);
                    }
                    self.macro_statement(&it.mac, Want::effect(), span);
                }
            }
        }
        None
    }

    /// A `let`, before some statements.
    fn local(&mut self, it: &Local, behind: &[Stmt]) {
        let (pattern, ty) = match &it.pat {
            Pat::Type(typed) => (&*typed.pat, Some(print::text(&typed.ty))),
            other => (other, None),
        };
        let Some(init) = &it.init else {
            self.declare_pattern(pattern, ty.as_deref());
            return;
        };
        if let Some((_, otherwise)) = &init.diverge {
            self.let_else(pattern, ty.as_deref(), &init.expr, otherwise);
            return;
        }
        let ident = super::pattern::plain_name(pattern);
        let name = ident.map(ToString::to_string);
        if matches!(pattern, Pat::Wild(_)) {
            self.ignore(&init.expr);
            return;
        }
        let is_kept = |ident: &syn::Ident| {
            makes_error(&init.expr)
                || comes_from_call(&init.expr)
                    && !matches!(bare(&init.expr), Source::Try(_))
                    && is_looked_at(&ident.to_string(), behind)
        };
        if let Some(ident) = ident.filter(|ident| is_kept(ident)) {
            self.kept_result(ident, ty, &init.expr);
            return;
        }
        let want = Want { name: name.as_deref(), ..Want::default() };
        let is_future = matches!(peeled(&init.expr), Source::Async(_));
        let value = self.expr(&init.expr, want);
        // A name that is declared anew is read before it is hidden.
        let value = if ident.is_some() { value } else { self.taken_apart(value, pattern) };
        self.declare_pattern(pattern, ty.as_deref());
        let (first, last) = (it.let_token.span, it.semi_token.spans[0]);
        match name.and_then(|name| self.scopes.own(&name)) {
            Some(slot) => {
                let span = self.between(first, last);
                self.set(slot, value, span);
                self.note_carrier(slot, &init.expr);
                if is_future {
                    self.futures.insert(slot);
                }
                if comes_from_call(&init.expr) {
                    self.drop_at_end(slot);
                }
            }
            None => self.bind(pattern, &value),
        }
    }

    /// A value that a pattern takes apart. A pattern that names a type says what the value is.
    fn taken_apart(&mut self, value: Expr, pattern: &Pat) -> Expr {
        let Pat::Struct(it) = pattern else { return self.hold(value) };
        let span = value.span;
        let slot = self.slot("", Some(print::text(&it.path)), span);
        self.set(slot, value, span);
        Expr::new(ExprKind::Slot(slot), span)
    }

    /// Notes a variable that the innermost block gives up at its end. At the end of a function all is given up anyway.
    fn drop_at_end(&mut self, slot: SlotId) {
        if let Some(Frame::Scope { drops }) = self.body.frames.last_mut() {
            drops.push(slot);
        }
    }

    /// `let pattern = value else { … };`
    fn let_else(&mut self, pattern: &Pat, ty: Option<&str>, value: &Source, otherwise: &Source) {
        let (yes, no) = (self.body.graph.block(), self.body.graph.block());
        self.let_condition(pattern, ty, value, yes, no);
        self.body.graph.begin(no);
        // What the pattern binds is not bound here; names of the same spelling are hidden without harm, since the other
        // way leaves.
        self.expr(otherwise, Want::effect());
        self.body.graph.end(crate::ir::Exit::Unreachable, Span::default());
        self.body.graph.begin(yes);
    }

    /// `let _ = value;`: a result that nobody looks at, its error included.
    pub(super) fn ignore(&mut self, value: &Source) {
        if !comes_from_call(value) {
            self.expr(value, Want::effect());
            return;
        }
        let done = self.body.graph.block();
        self.expr(value, Want { errors: Errors::To(done), ..Want::effect() });
        self.body.graph.goto(done);
        self.body.graph.begin(done);
    }

    /// Leaves by whether a pattern matches a value; where it does, what it binds is bound.
    pub(super) fn let_condition(
        &mut self,
        pattern: &Pat,
        ty: Option<&str>,
        value: &Source,
        yes: crate::ir::BlockId,
        no: crate::ir::BlockId,
    ) {
        match super::fallible::side(pattern) {
            Some((side, inner)) => {
                let span = self.span(value);
                let failed = self.body.graph.block();
                let value = self.tried(value, failed);
                match side {
                    Side::Value => {
                        self.match_one(inner, None, value, yes, no);
                        self.body.graph.begin(failed);
                        self.body.graph.goto(no);
                    }
                    Side::Error => {
                        self.body.graph.goto(no);
                        self.body.graph.begin(failed);
                        let error = self.caught_error(span);
                        self.match_one(inner, None, error, yes, no);
                    }
                }
            }
            None => {
                let value = self.expr(value, Want::default());
                self.match_one(pattern, ty, value, yes, no);
            }
        }
    }

    fn match_one(
        &mut self,
        pattern: &Pat,
        ty: Option<&str>,
        value: Expr,
        yes: crate::ir::BlockId,
        no: crate::ir::BlockId,
    ) {
        let span = value.span;
        let value = self.hold(value);
        self.declare_pattern(pattern, ty);
        let matched = self.body.graph.block();
        match self.test(pattern, &value) {
            Some(test) => self.body.graph.branch(Expr { span, ..test }, matched, no),
            None => self.body.graph.goto(matched),
        }
        self.body.graph.begin(matched);
        self.bind(pattern, &value);
        self.body.graph.goto(yes);
    }

    /// What a block without a value gives.
    pub(super) fn unit(span: Span) -> Expr {
        opaque(Vec::new(), span)
    }
}

/// An expression without what only passes its value on.
pub(super) fn peeled(expr: &Source) -> &Source {
    match bare(expr) {
        Source::Await(it) => peeled(&it.base),
        Source::Try(it) => peeled(&it.expr),
        other => other,
    }
}

/// An expression without parentheses and references.
pub(super) fn bare(expr: &Source) -> &Source {
    match expr {
        Source::Paren(it) => bare(&it.expr),
        Source::Group(it) => bare(&it.expr),
        Source::Reference(it) => bare(&it.expr),
        other => other,
    }
}

/// Whether a value is what some call gave.
fn comes_from_call(expr: &Source) -> bool {
    matches!(peeled(expr), Source::Call(_) | Source::MethodCall(_) | Source::Macro(_))
}

/// Whether an expression has a way that ends with an error as its value.
fn makes_error(expr: &Source) -> bool {
    let last = |block: &Block| match block.stmts.last() {
        Some(Stmt::Expr(last, None)) => makes_error(last),
        _ => false,
    };
    match bare(expr) {
        Source::Call(it) => matches!(&*it.func, Source::Path(path) if path.path.is_ident("Err")),
        Source::If(it) => last(&it.then_branch) || it.else_branch.as_ref().is_some_and(|(_, other)| makes_error(other)),
        Source::Match(it) => it.arms.iter().any(|arm| makes_error(&arm.body)),
        Source::Block(it) => last(&it.block),
        _ => false,
    }
}
