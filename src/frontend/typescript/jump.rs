//! Loops, and what leaves them and everything else: `break`, `continue`, `return`, `try`.

use super::lower::{Frame, Lower, Want};
use super::pattern::Bind;
use super::tree::{Field, Id, Kind};
use crate::frontend::value::opaque;
use crate::ir::{BlockId, Exit, Expr, ExprKind};

/// How deeply `finally` bodies may stand in each other. Each is copied for every way through it, so that the number of
/// copies multiplies with each level.
const MAX_FINALS: u32 = 4;

/// How much source text may be lowered in copies of `finally` bodies.
pub(super) const MAX_COPIED: u32 = 2_000_000;

impl<'t> Lower<'t> {
    /// The body of a loop, which `break` leaves to one block and `continue` to another.
    fn loop_body(&mut self, id: Id, labels: Vec<&'t str>, break_to: BlockId, continue_to: BlockId) {
        self.body.frames.push(Frame::Loop { labels, break_to, continue_to });
        if let Some(body) = self.tree.get(id, Field::Body) {
            self.statement(body);
        }
        self.body.frames.pop();
        self.body.graph.goto(continue_to);
    }

    fn loop_condition(&mut self, id: Id, yes: BlockId, no: BlockId) {
        match self.tree.get(id, Field::Condition).filter(|condition| self.tree.kind(*condition) != Kind::Empty) {
            Some(condition) => self.condition(self.unwrapped(condition), yes, no),
            None => self.body.graph.goto(yes),
        }
    }

    pub(super) fn while_statement(&mut self, id: Id, labels: Vec<&'t str>) {
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.loop_condition(id, inside, after);
        self.body.graph.begin(inside);
        self.loop_body(id, labels, after, header);
        self.body.graph.begin(after);
    }

    pub(super) fn do_statement(&mut self, id: Id, labels: Vec<&'t str>) {
        let (inside, test, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(inside);
        self.body.graph.begin(inside);
        self.loop_body(id, labels, after, test);
        self.body.graph.begin(test);
        self.loop_condition(id, inside, after);
        self.body.graph.begin(after);
    }

    pub(super) fn for_statement(&mut self, id: Id, labels: Vec<&'t str>) {
        let tree = self.tree;
        let outer = self.scopes.open();
        if let Some(initializer) = tree.get(id, Field::Initializer) {
            match tree.kind(initializer) {
                Kind::LexicalDeclaration => {
                    self.declare_variables(initializer);
                    self.statement(initializer);
                }
                Kind::VariableDeclaration | Kind::Empty | Kind::ExpressionStatement => self.statement(initializer),
                _ => {
                    self.expr(initializer, Want { effect: true, ..Want::default() });
                }
            }
        }
        let (header, inside) = (self.body.graph.block(), self.body.graph.block());
        let (step, after) = (self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.loop_condition(id, inside, after);
        self.body.graph.begin(inside);
        self.loop_body(id, labels, after, step);
        self.body.graph.begin(step);
        if let Some(increment) = tree.get(id, Field::Increment) {
            self.expr(increment, Want { effect: true, ..Want::default() });
        }
        self.body.graph.goto(header);
        self.scopes.current = outer;
        self.body.graph.begin(after);
    }

    /// `for … of`, where the variable is an element, and `for … in`, where it is a key.
    pub(super) fn for_in(&mut self, id: Id, labels: Vec<&'t str>) {
        let tree = self.tree;
        let (Some(left), Some(right)) = (tree.get(id, Field::Left), tree.get(id, Field::Right)) else { return };
        let is_of = tree.get(id, Field::Operator).is_some_and(|operator| tree.text(operator) == "of");
        let is_await = tree.has_token(id, "await");
        let source = self.expr(right, Want { awaited: is_await, all: is_await, ..Want::default() });
        let source = self.hold(source);
        let outer = self.scopes.open();
        let declares = tree.get(id, Field::Kind).is_some();
        if declares && !tree.has_token(id, "var") {
            self.declare_pattern(left, None);
        }
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.body.graph.branch(opaque(vec![source.clone()], source.span), inside, after);
        self.body.graph.begin(inside);
        let span = tree.span(left);
        let element = if is_of {
            Expr::new(ExprKind::Element(Box::new(source)), tree.span(right))
        } else {
            opaque(vec![source], tree.span(right))
        };
        self.bind(left, element, if declares { Bind::Declare } else { Bind::Assign }, span);
        self.loop_body(id, labels, after, header);
        self.scopes.current = outer;
        self.body.graph.begin(after);
    }

    pub(super) fn labeled(&mut self, id: Id) {
        let tree = self.tree;
        let mut labels = Vec::new();
        let mut statement = Some(id);
        while let Some(inner) = statement.filter(|inner| tree.kind(*inner) == Kind::Labeled) {
            labels.extend(tree.get(inner, Field::Label).map(|label| tree.text(label)));
            statement = tree.get(inner, Field::Body);
        }
        let Some(statement) = statement else { return };
        match tree.kind(statement) {
            Kind::For => self.for_statement(statement, labels),
            Kind::ForIn => self.for_in(statement, labels),
            Kind::While => self.while_statement(statement, labels),
            Kind::Do => self.do_statement(statement, labels),
            _ => {
                let after = self.body.graph.block();
                let depth = self.body.frames.len();
                self.body.frames.extend(labels.into_iter().map(|label| Frame::Labeled { label, break_to: after }));
                self.statement(statement);
                self.body.frames.truncate(depth);
                self.body.graph.goto(after);
                self.body.graph.begin(after);
            }
        }
    }

    /// `break` and `continue`.
    pub(super) fn jump(&mut self, id: Id) {
        let tree = self.tree;
        let label = tree.get(id, Field::Label).map(|label| tree.text(label));
        let is_break = tree.kind(id) == Kind::Break;
        let target = self.body.frames.iter().enumerate().rev().find_map(|(index, frame)| {
            let target = match frame {
                Frame::Loop { labels, break_to, continue_to } => {
                    let meant = label.is_none_or(|label| labels.contains(&label));
                    meant.then_some(if is_break { *break_to } else { *continue_to })
                }
                Frame::Switch { break_to } => (is_break && label.is_none()).then_some(*break_to),
                Frame::Labeled { label: own, break_to } => (is_break && label == Some(*own)).then_some(*break_to),
                Frame::Finally { .. } => None,
            };
            target.map(|target| (index, target))
        });
        match target {
            Some((index, target)) => {
                self.unwind(index);
                self.body.graph.end(Exit::Goto(target), tree.span(id));
            }
            None => self.body.graph.end(Exit::Unreachable, tree.span(id)),
        }
    }

    pub(super) fn return_statement(&mut self, id: Id) {
        let tree = self.tree;
        let operand = tree.first(id);
        let unwinds = self.body.frames.iter().any(|frame| matches!(frame, Frame::Finally { .. }));
        if let Some(operand) = operand.filter(|_| !unwinds) {
            self.return_value(operand);
            return;
        }
        let span = operand.map_or(tree.span(id), |operand| tree.span(operand));
        let mut value = operand.map(|operand| self.expr(operand, Want { returned: true, ..Want::default() }));
        if unwinds {
            // The value is settled before the `finally` body runs.
            value = value.map(|value| {
                if self.is_settled(&value) {
                    return value;
                }
                let slot = self.temp(span);
                self.set(slot, value, span);
                Expr::new(ExprKind::Slot(slot), span)
            });
            self.unwind(0);
        }
        self.body.graph.end(Exit::Return(value), span);
    }

    /// Ends the function with a value. Where a test chooses between answers of different kinds, as in
    /// `return count === 1 ? task : null`, each has its own end, so that a caller's test of the answer is one of the test.
    pub(super) fn return_value(&mut self, operand: Id) {
        let tree = self.tree;
        let bare = self.bare(operand);
        let arms =
            (tree.get(bare, Field::Condition), tree.get(bare, Field::Consequence), tree.get(bare, Field::Alternative));
        if let (Kind::Ternary, (Some(test), Some(yes), Some(no))) = (tree.kind(bare), arms)
            && (self.is_answer(yes) || self.is_answer(no))
        {
            let (on_yes, on_no) = (self.body.graph.block(), self.body.graph.block());
            self.condition(test, on_yes, on_no);
            for (block, arm) in [(on_yes, yes), (on_no, no)] {
                self.body.graph.begin(block);
                self.return_value(arm);
            }
            return;
        }
        let value = self.expr(operand, Want { returned: true, ..Want::default() });
        self.body.graph.end(Exit::Return(Some(value)), tree.span(operand));
    }

    /// Whether an expression is of a kind that callers tell apart: an object, a list, a truth value, or nothing.
    fn is_answer(&self, id: Id) -> bool {
        let kind = self.tree.kind(self.bare(id));
        matches!(kind, Kind::Object | Kind::Array | Kind::True | Kind::False | Kind::Null | Kind::Undefined)
    }

    /// Whether nothing can change a value any more.
    fn is_settled(&self, value: &Expr) -> bool {
        match &value.kind {
            ExprKind::Const(_) | ExprKind::Func(_) | ExprKind::Class(_) => true,
            ExprKind::Slot(slot) => self.unit.slots.get(slot.index()).is_some_and(|slot| slot.name.is_empty()),
            _ => false,
        }
    }

    /// Runs the `finally` bodies from the innermost frame down to one with this index.
    fn unwind(&mut self, index: usize) {
        for at in (index..self.body.frames.len()).rev() {
            let Some(Frame::Finally { body, scope, handler }) = self.body.frames.get(at).cloned() else { continue };
            let inner = self.body.frames.split_off(at);
            let scope = std::mem::replace(&mut self.scopes.current, scope);
            let handler = std::mem::replace(&mut self.body.graph.handler, handler);
            self.body.graph.next();
            self.final_body(body);
            self.scopes.current = scope;
            self.body.graph.handler = handler;
            self.body.frames.extend(inner);
        }
    }

    /// One copy of a `finally` body.
    fn final_body(&mut self, body: Id) {
        let span = self.tree.span(body);
        if self.finals >= MAX_FINALS || self.copied.saturating_add(span.len()) > MAX_COPIED {
            let message = "too many ways lead through this `finally`; what it does is not analysed on all of them";
            if !self.unit.problems.iter().any(|problem| problem.span == span) {
                self.problem(span, message);
            }
            return;
        }
        self.copied += span.len();
        self.finals += 1;
        self.block(body);
        self.finals -= 1;
    }

    pub(super) fn try_statement(&mut self, id: Id) {
        let tree = self.tree;
        let outer_handler = self.body.graph.handler;
        let finalizer = tree.get(id, Field::Finalizer).and_then(|finalizer| tree.get(finalizer, Field::Body));
        let catch = tree.get(id, Field::Handler);
        let failed = finalizer.map(|body| {
            let frame = Frame::Finally { body, scope: self.scopes.current, handler: outer_handler };
            self.body.frames.push(frame);
            self.body.graph.block()
        });
        let around = failed.or(outer_handler);
        let caught = catch.map(|catch| (catch, self.body.graph.block()));
        let done = self.body.graph.block();
        self.body.graph.handler = caught.map(|(_, block)| block).or(around);
        self.body.graph.next();
        if let Some(body) = tree.get(id, Field::Body) {
            self.block(body);
        }
        self.body.graph.goto(done);
        self.body.graph.handler = around;
        if let Some((catch, block)) = caught {
            self.body.graph.begin(block);
            self.catch_clause(catch);
            self.body.graph.goto(done);
        }
        self.body.graph.handler = outer_handler;
        if let (Some(body), Some(failed)) = (finalizer, failed) {
            self.body.frames.pop();
            self.body.graph.begin(failed);
            let error = self.caught_error(tree.span(body));
            self.final_body(body);
            self.body.graph.end(Exit::Throw(error), tree.span(body));
        }
        self.body.graph.begin(done);
        if let Some(body) = finalizer {
            self.final_body(body);
        }
    }

    fn catch_clause(&mut self, catch: Id) {
        let tree = self.tree;
        let outer = self.scopes.open();
        if let Some(parameter) = tree.get(catch, Field::Parameter) {
            let ty = tree.get(catch, Field::Type).map(|ty| self.type_text(ty));
            self.declare_pattern(parameter, ty);
            let span = tree.span(parameter);
            self.bind(parameter, Expr::new(ExprKind::Caught, span), Bind::Declare, span);
        }
        if let Some(body) = tree.get(catch, Field::Body) {
            self.block(body);
        }
        self.scopes.current = outer;
    }
}
