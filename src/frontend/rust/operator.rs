//! Operators: those that compute, those that decide, and those that assign.

use syn::{BinOp, Expr as Source, ExprAssign, ExprBinary};

use super::expression::runs;
use super::lower::{Lower, Want};
use crate::frontend::value::{binary, opaque};
use crate::ir::{BinaryOp, BlockId, Const, Expr, ExprKind, Key, SlotId, Step};
use crate::text::Span;

/// How many operands in a row become a nested value; of a longer chain it is only known what it is made of.
const MAX_CHAIN: usize = 200;

/// Something that can be assigned to.
pub(super) enum Place {
    /// A variable.
    Slot(SlotId),
    /// A member of an object in a variable.
    Member(SlotId, Vec<Key>),
    /// Something whose changes are not followed.
    Elsewhere,
}

impl Lower<'_> {
    /// `a op b`, and chains of it, which are taken apart in a loop since they get long.
    pub(super) fn binary(&mut self, it: &ExprBinary, want: Want<'_>, span: Span) -> Expr {
        if let Some(op) = assigned(&it.op) {
            return self.compound(it, op, span);
        }
        if decides(&it.op) && runs(&it.right) {
            return self.logical(it, want, span);
        }
        let mut spine = vec![it];
        let mut leftmost = &*it.left;
        while let Source::Binary(left) = leftmost
            && assigned(&left.op).is_none()
            && !(decides(&left.op) && runs(&left.right))
        {
            spine.push(left);
            leftmost = &left.left;
        }
        let mut value = self.value(leftmost);
        if spine.len() > MAX_CHAIN {
            let mut operands = vec![value];
            operands.extend(spine.iter().rev().map(|node| self.value(&node.right)));
            return opaque(operands, span);
        }
        for node in spine.iter().rev() {
            let right = self.value(&node.right);
            let whole = Span { start: value.span.start.min(span.start), end: right.span.end.max(span.start) };
            value = combine(operator(&node.op), value, right, whole);
        }
        Expr { span, ..value }
    }

    /// A logical operator whose right side runs something, as a branch around it.
    fn logical(&mut self, it: &ExprBinary, want: Want<'_>, span: Span) -> Expr {
        let (more, done, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let is_and = matches!(it.op, BinOp::And(_));
        let out = self.temp(span);
        let outer = self.scopes.open();
        if is_and {
            self.condition(&it.left, more, done);
        } else {
            self.condition(&it.left, done, more);
        }
        self.body.graph.begin(more);
        let right = self.value(&it.right);
        if !want.effect {
            let at = right.span;
            self.set(out, right, at);
        }
        self.body.graph.goto(join);
        self.scopes.current = outer;
        self.body.graph.begin(done);
        if !want.effect {
            self.set(out, Expr::new(ExprKind::Const(Const::Bool(!is_and)), span), span);
        }
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Leaves the current block by what a condition says. What its patterns bind is declared in the innermost scope.
    pub(super) fn condition(&mut self, expr: &Source, yes: BlockId, no: BlockId) {
        if !self.enter(super::place::first(expr)) {
            let span = self.at(super::place::first(expr));
            self.body.graph.branch(opaque(Vec::new(), span), yes, no);
            return;
        }
        match expr {
            Source::Paren(it) => self.condition(&it.expr, yes, no),
            Source::Group(it) => self.condition(&it.expr, yes, no),
            Source::Unary(it) if matches!(it.op, syn::UnOp::Not(_)) => self.condition(&it.expr, no, yes),
            Source::Let(it) => self.let_condition(&it.pat, None, &it.expr, yes, no),
            Source::Binary(it) if decides(&it.op) && (runs(&it.left) || runs(&it.right)) => {
                let more = self.body.graph.block();
                if matches!(it.op, BinOp::And(_)) {
                    self.condition(&it.left, more, no);
                } else {
                    self.condition(&it.left, yes, more);
                }
                self.body.graph.begin(more);
                self.condition(&it.right, yes, no);
            }
            Source::MethodCall(it)
                if it.args.is_empty()
                    && (it.method == "is_ok" || it.method == "is_err")
                    && self.kept(&it.receiver).is_none() =>
            {
                let failed = self.body.graph.block();
                let value = self.tried(&it.receiver, failed);
                if it.method == "is_ok" {
                    // What was read without an error is there.
                    let test = super::adapter::is_present(&value, self.span(expr));
                    self.body.graph.branch(test, yes, no);
                } else {
                    self.body.graph.goto(no);
                }
                self.body.graph.begin(failed);
                self.body.graph.goto(if it.method == "is_ok" { no } else { yes });
            }
            Source::Macro(it) if it.mac.path.is_ident("matches") => self.match_condition(&it.mac, yes, no),
            _ => {
                let value = self.value(expr);
                let span = self.span(expr);
                self.body.graph.branch(Expr { span, ..value }, yes, no);
            }
        }
        self.leave();
    }

    /// A condition as a value.
    pub(super) fn truth_of(&mut self, span: Span, condition: impl FnOnce(&mut Self, BlockId, BlockId)) -> Expr {
        let (yes, no, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        condition(self, yes, no);
        for (block, truth) in [(yes, true), (no, false)] {
            self.body.graph.begin(block);
            self.set(out, Expr::new(ExprKind::Const(Const::Bool(truth)), span), span);
            self.body.graph.goto(join);
        }
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// `let pattern = value` where it is no condition of its own.
    pub(super) fn let_value(&mut self, it: &syn::ExprLet, span: Span) -> Expr {
        self.truth_of(span, |lower, yes, no| lower.let_condition(&it.pat, None, &it.expr, yes, no))
    }

    /// `place = value`.
    pub(super) fn assignment(&mut self, it: &ExprAssign, span: Span) -> Expr {
        if matches!(&*it.left, Source::Infer(_)) {
            self.ignore(&it.right);
            return Self::unit(span);
        }
        let value = self.value(&it.right);
        match &*it.left {
            Source::Tuple(left) => {
                let value = self.settle(value);
                for (index, part) in left.elems.iter().enumerate() {
                    let member = syn::Member::from(index);
                    let piece = self.member(value.clone(), &member, span);
                    if !matches!(part, Source::Infer(_)) {
                        let place = self.place(part);
                        self.put(place, piece, span);
                    }
                }
            }
            left => {
                let place = self.place(left);
                self.put(place, value, span);
            }
        }
        Self::unit(span)
    }

    /// `place op= value`.
    fn compound(&mut self, it: &ExprBinary, op: BinaryOp, span: Span) -> Expr {
        let right = self.value(&it.right);
        // Its calls run once: what is read and what is written lie behind one and the same guard.
        let old = self.value(&it.left);
        let place = self.place_of(&it.left, &old);
        self.put(place, combine(op, old, right, span), span);
        Self::unit(span)
    }

    /// What an assignment target stands for.
    pub(super) fn place(&mut self, expr: &Source) -> Place {
        let target = self.value(expr);
        self.place_of(expr, &target)
    }

    /// What the assignment target `expr`, lowered to `target`, stands for.
    fn place_of(&mut self, expr: &Source, target: &Expr) -> Place {
        let mut path = Vec::new();
        let mut value = target;
        loop {
            value = match &value.kind {
                ExprKind::Field(base, name) => {
                    path.push(Key::Name(name.clone()));
                    base
                }
                ExprKind::Index(base, index) => {
                    path.push(Key::Computed((**index).clone()));
                    base
                }
                _ => break,
            }
        }
        let root = match &value.kind {
            ExprKind::Slot(slot) => *slot,
            ExprKind::This if !path.is_empty() => self.this_slot(),
            _ => return Place::Elsewhere,
        };
        path.reverse();
        // What is behind a reference changes, and not the variable that holds it.
        let behind = matches!(expr, Source::Unary(it) if matches!(it.op, syn::UnOp::Deref(_)));
        if path.is_empty() && !behind { Place::Slot(root) } else { Place::Member(root, path) }
    }

    pub(super) fn put(&mut self, place: Place, value: Expr, span: Span) {
        match place {
            Place::Slot(slot) => self.set(slot, value, span),
            Place::Member(root, path) => {
                self.body.graph.push(Step::Store { root, path, value: Some(value), span });
            }
            Place::Elsewhere => {}
        }
    }
}

/// The operator that a compound assignment applies.
pub(super) fn assigned(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::AddAssign(_) => BinaryOp::Add,
        BinOp::SubAssign(_) => BinaryOp::Sub,
        BinOp::MulAssign(_) => BinaryOp::Mul,
        BinOp::DivAssign(_) => BinaryOp::Div,
        BinOp::RemAssign(_) => BinaryOp::Rem,
        BinOp::BitXorAssign(_)
        | BinOp::BitAndAssign(_)
        | BinOp::BitOrAssign(_)
        | BinOp::ShlAssign(_)
        | BinOp::ShrAssign(_) => BinaryOp::Other,
        _ => return None,
    })
}

fn decides(op: &BinOp) -> bool {
    matches!(op, BinOp::And(_) | BinOp::Or(_))
}

fn operator(op: &BinOp) -> BinaryOp {
    match op {
        BinOp::Eq(_) => BinaryOp::Eq,
        BinOp::Ne(_) => BinaryOp::Ne,
        BinOp::Lt(_) => BinaryOp::Lt,
        BinOp::Le(_) => BinaryOp::Le,
        BinOp::Gt(_) => BinaryOp::Gt,
        BinOp::Ge(_) => BinaryOp::Ge,
        BinOp::Add(_) => BinaryOp::Add,
        BinOp::Sub(_) => BinaryOp::Sub,
        BinOp::Mul(_) => BinaryOp::Mul,
        BinOp::Div(_) => BinaryOp::Div,
        BinOp::Rem(_) => BinaryOp::Rem,
        BinOp::And(_) => BinaryOp::And,
        BinOp::Or(_) => BinaryOp::Or,
        _ => BinaryOp::Other,
    }
}

/// An operator over two values, computed where both are known texts.
fn combine(op: BinaryOp, left: Expr, right: Expr, span: Span) -> Expr {
    let known = match (op, &left.kind, &right.kind) {
        (BinaryOp::Add, ExprKind::Const(Const::Text(a)), ExprKind::Const(Const::Text(b))) => {
            Some(Const::Text(format!("{a}{b}")))
        }
        _ => None,
    };
    match known {
        Some(known) => Expr::new(ExprKind::Const(known), span),
        None => binary(op, left, right, span),
    }
}
