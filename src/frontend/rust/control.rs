//! What decides and repeats: `if`, `match`, loops, labelled blocks, and what leaves them.

use syn::{
    Block, Expr as Source, ExprBlock, ExprBreak, ExprContinue, ExprForLoop, ExprIf, ExprLoop, ExprMatch, ExprWhile,
};
use syn::{Label, Pat};

use super::expression::runs;
use super::fallible::{Side, side};
use super::lower::{Frame, Lower, Want};
use crate::frontend::value::opaque;
use crate::ir::{BlockId, Exit, Expr, ExprKind, SlotId};
use crate::text::Span;

/// Where the ways of an expression with several ways meet.
#[derive(Clone, Copy)]
struct Join {
    block: BlockId,
    /// What takes the value.
    out: SlotId,
}

impl Lower<'_> {
    fn join(&mut self, span: Span) -> Join {
        Join { block: self.body.graph.block(), out: self.temp(span) }
    }

    /// Ends one way of an expression: with the function, if the value is the function's, else where the ways meet.
    fn arrive(&mut self, value: Option<Expr>, want: Want<'_>, join: Join, span: Span) {
        let span = value.as_ref().map_or(span, |value| value.span);
        if want.tail {
            self.finish(value, span);
            return;
        }
        if let (Some(value), false, true) = (value, want.effect, self.body.graph.is_open()) {
            self.set(join.out, value, span);
        }
        self.body.graph.goto(join.block);
    }

    /// What the ways of an expression have met with.
    fn joined(&mut self, join: Join, span: Span) -> Expr {
        self.body.graph.begin(join.block);
        Expr::new(ExprKind::Slot(join.out), span)
    }

    /// `if … { } else { }`, chains of which are taken apart in a loop.
    pub(super) fn if_expression(&mut self, it: &ExprIf, want: Want<'_>, span: Span) -> Expr {
        if let Some(choice) = self.choice(it, want, span) {
            return choice;
        }
        let join = self.join(span);
        let mut it = it;
        loop {
            let (yes, no) = (self.body.graph.block(), self.body.graph.block());
            let outer = self.scopes.open();
            self.condition(&it.cond, yes, no);
            self.body.graph.begin(yes);
            let value = self.block(&it.then_branch, want);
            self.arrive(value, want, join, span);
            self.scopes.current = outer;
            self.body.graph.begin(no);
            match it.else_branch.as_ref().map(|(_, otherwise)| &**otherwise) {
                Some(Source::If(next)) => it = next,
                Some(otherwise) => {
                    let value = self.expr(otherwise, want);
                    self.arrive(Some(value), want, join, span);
                    break;
                }
                None => {
                    self.arrive(None, want, join, span);
                    break;
                }
            }
        }
        self.joined(join, span)
    }

    /// An `if` that only chooses between two values.
    fn choice(&mut self, it: &ExprIf, want: Want<'_>, span: Span) -> Option<Expr> {
        if want.tail || want.effect {
            return None;
        }
        let no = match &*it.else_branch.as_ref()?.1 {
            Source::Block(otherwise) if otherwise.label.is_none() => single(&otherwise.block)?,
            _ => return None,
        };
        let yes = single(&it.then_branch)?;
        if runs(yes) || runs(no) || binds(&it.cond) {
            return None;
        }
        let test = self.value(&it.cond);
        let (yes, no) = (self.value(yes), self.value(no));
        Some(Expr::new(ExprKind::Choice(Box::new(test), Box::new(yes), Box::new(no)), span))
    }

    /// `match value { … }`.
    pub(super) fn match_expression(&mut self, it: &ExprMatch, want: Want<'_>, span: Span) -> Expr {
        let join = self.join(span);
        let is_result = it.arms.iter().any(|arm| side(&arm.pat).is_some());
        let value_span = self.span(&it.expr);
        let failed = is_result.then(|| self.body.graph.block());
        let value = match failed {
            Some(failed) => self.tried(&it.expr, failed),
            None => self.value(&it.expr),
        };
        let value = self.settle_each(value);
        // Every arm has a scope, which holds what its pattern binds, and a block.
        let outer = self.scopes.current;
        let arms: Vec<(Arm<'_>, &Source)> = it
            .arms
            .iter()
            .map(|arm| {
                self.scopes.open();
                self.declare_pattern(&arm.pat, None);
                let scope = std::mem::replace(&mut self.scopes.current, outer);
                let (pattern, guard) = match &arm.pat {
                    Pat::Guard(it) => (&*it.pat, Some(&*it.guard)),
                    pattern => (pattern, None),
                };
                (Arm { pattern, guard, scope, body: self.body.graph.block() }, &*arm.body)
            })
            .collect();
        match failed {
            Some(failed) => {
                self.arms(&of_side(&arms, Side::Value), &value);
                self.body.graph.begin(failed);
                let error = self.caught_error(value_span);
                self.arms(&of_side(&arms, Side::Error), &error);
            }
            None => self.arms(&arms.iter().map(|(arm, _)| *arm).collect::<Vec<_>>(), &value),
        }
        for (arm, body) in &arms {
            self.body.graph.begin(arm.body);
            self.scopes.current = arm.scope;
            let value = self.expr(body, want);
            self.arrive(Some(value), want, join, span);
        }
        self.scopes.current = outer;
        self.joined(join, span)
    }

    /// A value whose parts, if they are known one by one, are not changed by later steps.
    fn settle_each(&mut self, value: Expr) -> Expr {
        match value.kind {
            ExprKind::Array(items) => {
                let items = items
                    .into_iter()
                    .map(|item| match item {
                        crate::ir::Item::Value(item) => crate::ir::Item::Value(self.settle(item)),
                        spread => spread,
                    })
                    .collect();
                Expr::new(ExprKind::Array(items), value.span)
            }
            _ => self.hold(value),
        }
    }

    /// Goes through arms until one matches. The last one does: a `match` has an arm for every value.
    fn arms(&mut self, arms: &[Arm<'_>], value: &Expr) {
        let outer = self.scopes.current;
        for (at, arm) in arms.iter().enumerate() {
            let is_last = at + 1 == arms.len() && arm.guard.is_none();
            self.scopes.current = arm.scope;
            let next = self.body.graph.block();
            let cases: Vec<&Pat> = match arm.pattern {
                Pat::Or(it) if is_last && !super::pattern::binds(arm.pattern) => it.cases.iter().take(1).collect(),
                Pat::Or(it) => it.cases.iter().collect(),
                one => vec![one],
            };
            for (case_at, case) in cases.iter().enumerate() {
                let is_last_case = case_at + 1 == cases.len();
                let otherwise = if is_last_case { next } else { self.body.graph.block() };
                let test = if is_last && is_last_case { None } else { self.test(case, value) };
                let matched = self.body.graph.block();
                match test {
                    Some(test) => self.body.graph.branch(Expr { span: self.piece(case), ..test }, matched, otherwise),
                    None => self.body.graph.goto(matched),
                }
                self.body.graph.begin(matched);
                self.bind(case, value);
                match arm.guard {
                    Some(guard) => self.condition(guard, arm.body, otherwise),
                    None => self.body.graph.goto(arm.body),
                }
                self.body.graph.begin(otherwise);
            }
        }
        self.body.graph.end(Exit::Unreachable, Span::default());
        self.scopes.current = outer;
    }

    /// `{ … }` and `'label: { … }`.
    pub(super) fn block_expression(&mut self, it: &ExprBlock, want: Want<'_>, span: Span) -> Expr {
        let Some(label) = &it.label else {
            return self.block(&it.block, want).unwrap_or_else(|| Self::unit(span));
        };
        let want = Want { tail: false, ..want };
        let join = self.join(span);
        let frame = Frame::Labeled { label: name(label), break_to: join.block, value: Some(join.out) };
        self.body.frames.push(frame);
        let value = self.block(&it.block, want);
        self.body.frames.pop();
        self.arrive(value, want, join, span);
        self.joined(join, span)
    }

    pub(super) fn loop_expression(&mut self, it: &ExprLoop, want: Want<'_>, span: Span) -> Expr {
        let join = self.join(span);
        let header = self.body.graph.block();
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        let value = (!want.effect).then_some(join.out);
        self.loop_body(&it.body, it.label.as_ref(), join.block, header, value);
        self.joined(join, span)
    }

    pub(super) fn while_expression(&mut self, it: &ExprWhile, span: Span) -> Expr {
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        let outer = self.scopes.open();
        self.condition(&it.cond, inside, after);
        self.body.graph.begin(inside);
        self.loop_body(&it.body, it.label.as_ref(), after, header, None);
        self.scopes.current = outer;
        self.body.graph.begin(after);
        Self::unit(span)
    }

    /// `for pattern in source { … }`: the pattern takes an element.
    pub(super) fn for_expression(&mut self, it: &ExprForLoop, span: Span) -> Expr {
        let source = self.value(&it.expr);
        let source = self.hold(source);
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.body.graph.branch(opaque(vec![source.clone()], source.span), inside, after);
        self.body.graph.begin(inside);
        let outer = self.scopes.open();
        self.declare_pattern(&it.pat, None);
        let at = source.span;
        let element = Expr::new(ExprKind::Element(Box::new(source)), at);
        let element = if super::pattern::plain_name(&it.pat).is_some() { element } else { self.hold(element) };
        self.bind(&it.pat, &element);
        self.loop_body(&it.body, it.label.as_ref(), after, header, None);
        self.scopes.current = outer;
        self.body.graph.begin(after);
        Self::unit(span)
    }

    fn loop_body(
        &mut self,
        body: &Block,
        label: Option<&Label>,
        break_to: BlockId,
        continue_to: BlockId,
        value: Option<SlotId>,
    ) {
        self.body.frames.push(Frame::Loop { label: label.map(name), break_to, continue_to, value });
        self.block(body, Want::effect());
        self.body.frames.pop();
        self.body.graph.goto(continue_to);
    }

    /// `break`, `break 'label value`.
    pub(super) fn break_expression(&mut self, it: &ExprBreak, span: Span) -> Expr {
        let label = it.label.as_ref().map(|label| label.ident.to_string());
        let value = it.expr.as_ref().map(|value| self.value(value));
        let target = self.body.frames.iter().enumerate().rev().find_map(|(index, frame)| match frame {
            Frame::Loop { label: own, break_to, value, .. } => {
                (label.is_none() || label == *own).then_some((index, *break_to, *value))
            }
            Frame::Labeled { label: own, break_to, value } => {
                (label.as_ref() == Some(own)).then_some((index, *break_to, *value))
            }
            Frame::Scope { .. } => None,
        });
        let Some((index, target, out)) = target else {
            self.body.graph.end(Exit::Unreachable, span);
            return Self::unit(span);
        };
        if let (Some(value), Some(out)) = (value, out) {
            self.set(out, value, span);
        }
        self.leave_frames(index, span);
        self.body.graph.end(Exit::Goto(target), span);
        Self::unit(span)
    }

    pub(super) fn continue_expression(&mut self, it: &ExprContinue, span: Span) -> Expr {
        let label = it.label.as_ref().map(|label| label.ident.to_string());
        let target = self.body.frames.iter().enumerate().rev().find_map(|(index, frame)| match frame {
            Frame::Loop { label: own, continue_to, .. } => {
                (label.is_none() || label == *own).then_some((index, *continue_to))
            }
            _ => None,
        });
        match target {
            Some((index, target)) => {
                self.leave_frames(index, span);
                self.body.graph.end(Exit::Goto(target), span);
            }
            None => self.body.graph.end(Exit::Unreachable, span),
        }
        Self::unit(span)
    }

    /// Gives up what the blocks inside a frame hold.
    fn leave_frames(&mut self, index: usize, span: Span) {
        let drops: Vec<SlotId> = self.body.frames[index..]
            .iter()
            .flat_map(|frame| match frame {
                Frame::Scope { drops } => drops.as_slice(),
                _ => &[],
            })
            .copied()
            .collect();
        self.drop_all(&drops, span);
    }
}

/// One arm of a `match`.
#[derive(Clone, Copy)]
struct Arm<'a> {
    pattern: &'a Pat,
    guard: Option<&'a Source>,
    scope: crate::frontend::scope::ScopeId,
    body: BlockId,
}

/// The arms that a result of one side can match, with what they ask of that side.
fn of_side<'a>(arms: &[(Arm<'a>, &Source)], wanted: Side) -> Vec<Arm<'a>> {
    let meant = |arm: &Arm<'a>| match side(arm.pattern) {
        Some((side, inner)) => (side == wanted).then_some(Arm { pattern: inner, ..*arm }),
        None => Some(*arm),
    };
    arms.iter().filter_map(|(arm, _)| meant(arm)).collect()
}

fn name(label: &Label) -> String {
    label.name.ident.to_string()
}

/// The only expression of a block.
fn single(block: &Block) -> Option<&Source> {
    match block.stmts.as_slice() {
        [syn::Stmt::Expr(only, None)] => Some(only),
        _ => None,
    }
}

/// Whether a condition binds names.
fn binds(condition: &Source) -> bool {
    match condition {
        Source::Let(_) => true,
        Source::Binary(it) => binds(&it.left) || binds(&it.right),
        Source::Paren(it) => binds(&it.expr),
        Source::Group(it) => binds(&it.expr),
        _ => false,
    }
}
