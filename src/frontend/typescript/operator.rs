//! Operators: those that compute, those that decide, and those that assign.

use super::lower::{Lower, Want};
use super::pattern::{Bind, is_present};
use super::tree::{Field, Id, Kind};
use crate::frontend::graph::truth;
use crate::frontend::value::{opaque, text};
use crate::ir::{BinaryOp, BlockId, Const, Expr, ExprKind, FuncId, Key, SlotId, Step, UnaryOp};
use crate::text::Span;

/// How many operands in a row become a nested value; of a longer chain it is only known what it is made of.
const MAX_CHAIN: usize = 200;

/// Something that can be assigned to.
#[derive(Clone)]
pub(super) enum Place {
    /// A variable.
    Slot(SlotId),
    /// A member of an object in a variable.
    Member(SlotId, Vec<Key>),
    /// Something whose changes are not followed.
    Elsewhere(Expr),
}

impl<'t> Lower<'t> {
    /// `a op b`, and chains of it, which are taken apart in a loop since they get long.
    pub(super) fn binary(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let mut spine = vec![id];
        let mut leftmost = tree.get(id, Field::Left);
        while let Some(left) = leftmost
            && tree.kind(left) == Kind::Binary
            && !self.short_circuits(left)
            && !self.short_circuits(id)
        {
            spine.push(left);
            leftmost = tree.get(left, Field::Left);
        }
        let levels = u32::try_from(spine.len()).unwrap_or(u32::MAX);
        if spine.len() > MAX_CHAIN {
            let mut operands: Vec<Expr> = leftmost.into_iter().map(|left| self.value(left)).collect();
            for node in spine.iter().rev() {
                operands.extend(tree.get(*node, Field::Right).map(|right| self.value(right)));
            }
            return opaque(operands, tree.span(id));
        }
        if !self.enter(id, levels) {
            return opaque(Vec::new(), tree.span(id));
        }
        let value = if self.short_circuits(id) {
            self.logical(id, want)
        } else {
            let mut value = self.operand(leftmost, tree.span(id));
            for node in spine.iter().rev() {
                let right = self.operand(tree.get(*node, Field::Right), tree.span(*node));
                value = combine(self.operator(*node), value, right, tree.span(*node));
            }
            value
        };
        self.leave(levels);
        value
    }

    fn operand(&mut self, id: Option<Id>, around: Span) -> Expr {
        match id {
            Some(id) if self.tree.kind(id) == Kind::PrivateName => text(self.tree.text(id), self.tree.span(id)),
            Some(id) => self.value(id),
            None => opaque(Vec::new(), around),
        }
    }

    fn operator(&self, id: Id) -> BinaryOp {
        match self.tree.get(id, Field::Operator).map_or("", |operator| self.tree.text(operator)) {
            "==" | "===" => BinaryOp::Eq,
            "!=" | "!==" => BinaryOp::Ne,
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Sub,
            "*" => BinaryOp::Mul,
            "/" => BinaryOp::Div,
            "%" => BinaryOp::Rem,
            "&&" => BinaryOp::And,
            "||" => BinaryOp::Or,
            "??" => BinaryOp::Coalesce,
            "in" => BinaryOp::In,
            "instanceof" => BinaryOp::InstanceOf,
            _ => BinaryOp::Other,
        }
    }

    /// Whether a node is a logical operator whose right side runs something.
    fn short_circuits(&self, id: Id) -> bool {
        self.tree.runs(id)
            && self.tree.kind(id) == Kind::Binary
            && matches!(self.operator(id), BinaryOp::And | BinaryOp::Or | BinaryOp::Coalesce)
            && self.tree.get(id, Field::Right).is_some_and(|right| self.tree.runs(right))
    }

    /// A logical operator as a branch around its right side.
    fn logical(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let (Some(left), Some(right)) = (tree.get(id, Field::Left), tree.get(id, Field::Right)) else {
            return opaque(Vec::new(), span);
        };
        let op = self.operator(id);
        let (more, join) = (self.body.graph.block(), self.body.graph.block());
        if want.effect && op != BinaryOp::Coalesce {
            if op == BinaryOp::And {
                self.condition(left, more, join);
            } else {
                self.condition(left, join, more);
            }
            self.body.graph.begin(more);
            self.expr(right, want);
            self.body.graph.goto(join);
            self.body.graph.begin(join);
            return opaque(Vec::new(), span);
        }
        let out = self.temp(span);
        let done = self.body.graph.block();
        let value = self.expr(left, want.valued());
        match op {
            BinaryOp::And => self.body.graph.branch(value.clone(), more, done),
            BinaryOp::Or => self.body.graph.branch(value.clone(), done, more),
            _ => self.body.graph.branch(is_present(value.clone()), done, more),
        }
        self.body.graph.begin(done);
        self.set(out, value, tree.span(left));
        self.body.graph.goto(join);
        self.body.graph.begin(more);
        let value = self.expr(right, want);
        self.set(out, value, tree.span(right));
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Leaves the current block by what a condition says.
    pub(super) fn condition(&mut self, id: Id, yes: BlockId, no: BlockId) {
        let tree = self.tree;
        if !self.enter(id, 1) {
            self.body.graph.branch(opaque(Vec::new(), tree.span(id)), yes, no);
            return;
        }
        let part = |field| tree.get(id, field);
        let negated = tree.kind(id) == Kind::Unary && part(Field::Operator).is_some_and(|op| tree.text(op) == "!");
        match tree.kind(id) {
            Kind::Parenthesized if tree.runs(id) && tree.first(id).is_some() => {
                if let Some(inner) = tree.first(id) {
                    self.condition(inner, yes, no);
                }
            }
            Kind::Unary if negated && tree.runs(id) => match part(Field::Argument) {
                Some(inner) => self.condition(inner, no, yes),
                None => self.body.graph.goto(yes),
            },
            Kind::Binary if self.decides(id) => {
                let more = self.body.graph.block();
                let (on_yes, on_no) = if self.operator(id) == BinaryOp::And { (more, no) } else { (yes, more) };
                if let Some(left) = part(Field::Left) {
                    self.condition(left, on_yes, on_no);
                }
                self.body.graph.begin(more);
                if let Some(right) = part(Field::Right) {
                    self.condition(right, yes, no);
                }
            }
            _ => {
                let value = self.value(id);
                let value = Expr { span: tree.span(id), ..value };
                self.body.graph.branch(value, yes, no);
            }
        }
        self.leave(1);
    }

    /// Whether a condition is an `&&` or `||` that needs branches of its own.
    fn decides(&self, id: Id) -> bool {
        let tree = self.tree;
        let mut id = id;
        while let Kind::Parenthesized | Kind::Unary = tree.kind(id) {
            match tree.children(id).last() {
                Some(inner) => id = inner,
                None => return false,
            }
        }
        if tree.kind(id) != Kind::Binary || !tree.runs(id) {
            return false;
        }
        matches!(self.operator(id), BinaryOp::And | BinaryOp::Or)
            && (self.short_circuits(id) || tree.get(id, Field::Left).is_some_and(|left| self.decides(left)))
    }

    /// `test ? yes : no`.
    pub(super) fn ternary(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let part = |field| tree.get(id, field);
        let (Some(test), Some(yes), Some(no)) =
            (part(Field::Condition), part(Field::Consequence), part(Field::Alternative))
        else {
            return opaque(Vec::new(), span);
        };
        if !tree.runs(yes) && !tree.runs(no) {
            let test = self.value(test);
            let (yes, no) = (self.expr(yes, want), self.expr(no, want));
            return match truth(&test) {
                Some(true) => yes,
                Some(false) => no,
                None => Expr::new(ExprKind::Choice(Box::new(test), Box::new(yes), Box::new(no)), span),
            };
        }
        let (on_yes, on_no, join) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        let out = self.temp(span);
        self.condition(test, on_yes, on_no);
        for (block, arm) in [(on_yes, yes), (on_no, no)] {
            self.body.graph.begin(block);
            let value = self.expr(arm, want);
            if !want.effect {
                self.set(out, value, tree.span(arm));
            }
            self.body.graph.goto(join);
        }
        self.body.graph.begin(join);
        Expr::new(ExprKind::Slot(out), span)
    }

    /// `x = e`. Also `using x = e`, which the grammar takes for one.
    pub(super) fn assignment(&mut self, id: Id) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let (Some(left), Some(right)) = (tree.get(id, Field::Left), tree.get(id, Field::Right)) else {
            return opaque(Vec::new(), span);
        };
        let left = self.bare(left);
        let want = Want { name: self.target_name(left), ..Want::default() };
        if matches!(tree.kind(left), Kind::ObjectPattern | Kind::ArrayPattern) {
            let value = self.expr(right, want);
            let value = self.hold(value);
            self.bind(left, value.clone(), Bind::Assign, span);
            return value;
        }
        let place = self.place(left);
        let value = self.expr(right, want);
        if self.body.id == FuncId(0) {
            self.common_js(left, &value);
        }
        self.put(place, value, span)
    }

    /// `x op= e`.
    pub(super) fn augmented(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let (Some(left), Some(right)) = (tree.get(id, Field::Left), tree.get(id, Field::Right)) else {
            return opaque(Vec::new(), span);
        };
        let left = self.bare(left);
        let place = self.place(left);
        let old = self.read(&place, left);
        let operator = tree.get(id, Field::Operator).map_or("", |operator| tree.text(operator));
        let op = match operator {
            "&&=" => BinaryOp::And,
            "||=" => BinaryOp::Or,
            "??=" => BinaryOp::Coalesce,
            "+=" => BinaryOp::Add,
            "-=" => BinaryOp::Sub,
            "*=" => BinaryOp::Mul,
            "/=" => BinaryOp::Div,
            "%=" => BinaryOp::Rem,
            _ => BinaryOp::Other,
        };
        let right_want = Want { name: self.target_name(left), ..Want::default() };
        let decides = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Coalesce);
        if !decides || !tree.runs(right) {
            let right = self.expr(right, right_want);
            return self.put(place, combine(op, old, right, span), span);
        }
        let (more, join) = (self.body.graph.block(), self.body.graph.block());
        match op {
            BinaryOp::And => self.body.graph.branch(old, more, join),
            BinaryOp::Or => self.body.graph.branch(old, join, more),
            _ => self.body.graph.branch(is_present(old), join, more),
        }
        self.body.graph.begin(more);
        let value = self.expr(right, right_want);
        self.put(place.clone(), value, span);
        self.body.graph.goto(join);
        self.body.graph.begin(join);
        if want.effect { opaque(Vec::new(), span) } else { self.read(&place, left) }
    }

    /// `x++` and its kin.
    pub(super) fn update(&mut self, id: Id, want: Want<'t>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let Some(argument) = tree.get(id, Field::Argument) else { return opaque(Vec::new(), span) };
        let argument = self.bare(argument);
        let operator = tree.get(id, Field::Operator);
        let op = match operator.map(|operator| tree.text(operator)) {
            Some("--") => BinaryOp::Sub,
            _ => BinaryOp::Add,
        };
        let is_postfix = operator.is_some_and(|operator| tree.span(operator).start > tree.span(argument).start);
        let place = self.place(argument);
        let old = self.read(&place, argument);
        let kept = (is_postfix && !want.effect).then(|| {
            let slot = self.temp(span);
            self.set(slot, old.clone(), span);
            Expr::new(ExprKind::Slot(slot), span)
        });
        let one = Expr::new(ExprKind::Const(Const::Number("1".to_owned())), span);
        let new = self.put(place, combine(op, old, one, span), span);
        kept.unwrap_or(new)
    }

    /// An assignment target without parentheses and type marks.
    pub(super) fn bare(&self, id: Id) -> Id {
        let mut id = id;
        while let Kind::Parenthesized | Kind::NonNull | Kind::AsExpression | Kind::Satisfies = self.tree.kind(id) {
            match self.tree.first(id) {
                Some(inner) => id = inner,
                None => break,
            }
        }
        id
    }

    /// The name under which an assignment target will hold a function.
    fn target_name(&self, left: Id) -> Option<&'t str> {
        match self.tree.kind(left) {
            Kind::Identifier => Some(self.tree.text(left)),
            Kind::Member if self.tree.text(left) != "module.exports" => {
                self.tree.get(left, Field::Property).map(|property| self.tree.text(property))
            }
            _ => None,
        }
    }

    /// What an assignment target stands for; evaluates the object of a member.
    pub(super) fn place(&mut self, id: Id) -> Place {
        let tree = self.tree;
        let id = self.bare(id);
        match tree.kind(id) {
            Kind::Identifier | Kind::Undefined => {
                let value = self.value(id);
                match value.kind {
                    ExprKind::Slot(slot) => Place::Slot(slot),
                    _ => Place::Elsewhere(value),
                }
            }
            Kind::Member | Kind::Subscript => {
                let member = self.value(id);
                self.path(member)
            }
            _ => Place::Elsewhere(opaque(Vec::new(), tree.span(id))),
        }
    }

    /// A member as a path from a variable.
    fn path(&mut self, member: Expr) -> Place {
        let mut path = Vec::new();
        let mut value = &member;
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
            ExprKind::This => self.this_slot(),
            _ => return Place::Elsewhere(member),
        };
        path.reverse();
        Place::Member(root, path)
    }

    /// The present value of a place.
    fn read(&mut self, place: &Place, id: Id) -> Expr {
        let span = self.tree.span(id);
        match place {
            Place::Slot(slot) => Expr::new(ExprKind::Slot(*slot), span),
            Place::Member(root, path) => {
                let root = if self.unit.slots.get(root.index()).is_some_and(|slot| slot.name == "this") {
                    ExprKind::This
                } else {
                    ExprKind::Slot(*root)
                };
                path.iter().fold(Expr::new(root, span), |base, key| match key {
                    Key::Name(name) => super::pattern::field(base, name, span),
                    Key::Computed(index) => Expr::new(ExprKind::Index(Box::new(base), Box::new(index.clone())), span),
                })
            }
            Place::Elsewhere(value) => value.clone(),
        }
    }

    /// Gives a place a value; the value of the assignment is what the place then holds.
    fn put(&mut self, place: Place, value: Expr, span: Span) -> Expr {
        match place {
            Place::Slot(slot) => {
                self.set(slot, value, span);
                Expr::new(ExprKind::Slot(slot), span)
            }
            Place::Member(..) => {
                let value = self.hold(value);
                self.store(place, Some(value.clone()), span);
                value
            }
            Place::Elsewhere(_) => value,
        }
    }

    /// Gives a member a value, or removes it.
    pub(super) fn store(&mut self, place: Place, value: Option<Expr>, span: Span) {
        match place {
            Place::Member(root, path) => self.body.graph.push(Step::Store { root, path, value, span }),
            Place::Slot(slot) => {
                if let Some(value) = value {
                    self.set(slot, value, span);
                }
            }
            Place::Elsewhere(_) => {}
        }
    }
}

/// An operator over two values, computed where both are known texts.
fn combine(op: BinaryOp, left: Expr, right: Expr, span: Span) -> Expr {
    let known = match (op, &left.kind, &right.kind) {
        (BinaryOp::Eq, ExprKind::Const(Const::Text(a)), ExprKind::Const(Const::Text(b))) => Some(Const::Bool(a == b)),
        (BinaryOp::Ne, ExprKind::Const(Const::Text(a)), ExprKind::Const(Const::Text(b))) => Some(Const::Bool(a != b)),
        (BinaryOp::Add, ExprKind::Const(Const::Text(a)), ExprKind::Const(Const::Text(b))) => {
            Some(Const::Text(format!("{a}{b}")))
        }
        _ => None,
    };
    if let Some(known) = known {
        return Expr::new(ExprKind::Const(known), span);
    }
    match (op, truth_of_bool(&left)) {
        (BinaryOp::And, Some(true)) | (BinaryOp::Or, Some(false)) => return right,
        (BinaryOp::And, Some(false)) | (BinaryOp::Or, Some(true)) => return left,
        _ => {}
    }
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), span)
}

fn truth_of_bool(value: &Expr) -> Option<bool> {
    match &value.kind {
        ExprKind::Const(Const::Bool(value)) => Some(*value),
        ExprKind::Unary(UnaryOp::Not, inner) => truth_of_bool(inner).map(|value| !value),
        _ => None,
    }
}
