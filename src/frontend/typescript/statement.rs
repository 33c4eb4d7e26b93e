//! Statements, apart from loops and jumps.

use super::lower::{Frame, Lower, Want};
use super::pattern::Bind;
use super::tree::{Field, Id, Kind};
use crate::frontend::value::{opaque, unset};
use crate::ir::{BinaryOp, BlockId, Const, Entry, Exit, Expr, ExprKind};

impl<'t> Lower<'t> {
    /// The statements of a list, in the innermost scope.
    pub(super) fn statements(&mut self, list: Id) {
        let tree = self.tree;
        self.hoist(list);
        for statement in tree.children(list) {
            self.statement(statement);
        }
    }

    /// A block with a scope of its own.
    pub(super) fn block(&mut self, block: Id) {
        let outer = self.scopes.open();
        self.statements(block);
        self.scopes.current = outer;
    }

    /// One statement.
    pub(super) fn statement(&mut self, id: Id) {
        if !self.enter(id, 1) {
            return;
        }
        self.dispatch_statement(id);
        self.leave(1);
    }

    fn dispatch_statement(&mut self, id: Id) {
        let tree = self.tree;
        match tree.kind(id) {
            Kind::ExpressionStatement => {
                if let Some(inner) = tree.first(id) {
                    if tree.kind(inner) == Kind::InternalModule {
                        self.namespace(inner);
                    } else {
                        self.expr(inner, Want { effect: true, ..Want::default() });
                    }
                }
            }
            Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                let is_let = tree.has_token(id, "let");
                for declarator in tree.children(id) {
                    self.declarator(declarator, is_let);
                }
            }
            Kind::StatementBlock => self.block(id),
            Kind::If => self.if_statement(id),
            Kind::Switch => self.switch(id),
            Kind::For => self.for_statement(id, Vec::new()),
            Kind::ForIn => self.for_in(id, Vec::new()),
            Kind::While => self.while_statement(id, Vec::new()),
            Kind::Do => self.do_statement(id, Vec::new()),
            Kind::Labeled => self.labeled(id),
            Kind::Return => self.return_statement(id),
            Kind::Throw => {
                let span = tree.first(id).map_or(tree.span(id), |value| tree.span(value));
                let value = tree.first(id).map(|value| self.value(value));
                self.body.graph.end(Exit::Throw(value.unwrap_or_else(|| unset(span))), span);
            }
            Kind::Break | Kind::Continue => self.jump(id),
            Kind::Try => self.try_statement(id),
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration => self.class_declaration(id, &[]),
            Kind::EnumDeclaration => self.enumeration(id),
            Kind::InternalModule | Kind::Module => self.namespace(id),
            Kind::ExportStatement => self.export(id),
            Kind::ImportAlias => self.import_alias(id),
            Kind::TypeAlias => self.type_alias(id),
            Kind::ImportStatement => self.import_require(id),
            Kind::With => {
                if let Some(object) = tree.get(id, Field::Object) {
                    self.value(object);
                }
                if let Some(body) = tree.get(id, Field::Body) {
                    self.statement(body);
                }
            }
            Kind::Error => {
                for inner in tree.children(id) {
                    if tree.kind(inner) != Kind::Error {
                        self.statement(inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// One variable of a declaration. A `let` without a value makes it absent; a `var` leaves it as it is.
    fn declarator(&mut self, id: Id, is_let: bool) {
        let tree = self.tree;
        let Some(name) = tree.get(id, Field::Name) else { return };
        let Some(value) = tree.get(id, Field::Value) else {
            if is_let && !tree.has_token(id, "!") {
                self.bind(name, unset(tree.span(id)), Bind::Declare, tree.span(id));
            }
            return;
        };
        let binding = self.binding_name(name);
        let mut value = self.expr(value, Want { name: binding, ..Want::default() });
        if let Some(ty) = tree.get(id, Field::Type).filter(|_| binding.is_none()) {
            // A type on a pattern is that of what is taken apart.
            let ty = self.type_text(ty);
            let slot = self.slot("", Some(ty), value.span);
            let span = value.span;
            self.set(slot, value, span);
            value = Expr::new(ExprKind::Slot(slot), span);
        }
        self.bind(name, value, Bind::Declare, tree.span(id));
    }

    /// `if … else if … else`, in a loop since such chains get long.
    fn if_statement(&mut self, id: Id) {
        let tree = self.tree;
        let after = self.body.graph.block();
        let mut next = Some(id);
        while let Some(id) = next.take() {
            let (yes, no) = (self.body.graph.block(), self.body.graph.block());
            match tree.get(id, Field::Condition) {
                Some(condition) => self.condition(self.unwrapped(condition), yes, no),
                None => self.body.graph.branch(opaque(Vec::new(), tree.span(id)), yes, no),
            }
            self.body.graph.begin(yes);
            if let Some(consequence) = tree.get(id, Field::Consequence) {
                self.statement(consequence);
            }
            self.body.graph.goto(after);
            self.body.graph.begin(no);
            let alternative = tree.get(id, Field::Alternative).and_then(|alternative| tree.first(alternative));
            match alternative {
                Some(inner) if tree.kind(inner) == Kind::If => next = Some(inner),
                Some(inner) => self.statement(inner),
                None => {}
            }
        }
        self.body.graph.goto(after);
        self.body.graph.begin(after);
    }

    /// The expression inside the parentheses of a condition.
    pub(super) fn unwrapped(&self, condition: Id) -> Id {
        match self.tree.kind(condition) {
            Kind::Parenthesized => self.tree.first(condition).unwrap_or(condition),
            _ => condition,
        }
    }

    fn switch(&mut self, id: Id) {
        let tree = self.tree;
        let subject = tree.get(id, Field::Value).map(|value| self.unwrapped(value));
        let subject = subject.map(|value| self.value(value));
        let subject = subject.map(|value| self.hold(value)).unwrap_or_else(|| unset(tree.span(id)));
        let Some(body) = tree.get(id, Field::Body) else { return };
        let cases: Vec<(Id, BlockId)> = tree
            .children(body)
            .filter(|case| matches!(tree.kind(*case), Kind::SwitchCase | Kind::SwitchDefault))
            .map(|case| (case, self.body.graph.block()))
            .collect();
        let after = self.body.graph.block();
        let outer = self.scopes.open();
        let mut default = after;
        for (case, block) in &cases {
            let Some(value) = tree.get(*case, Field::Value) else {
                default = *block;
                continue;
            };
            let next = self.body.graph.block();
            if subject.kind == ExprKind::Const(Const::Bool(true)) {
                self.condition(value, *block, next);
            } else {
                let span = tree.span(value);
                let value = self.value(value);
                let test = ExprKind::Binary(BinaryOp::Eq, Box::new(subject.clone()), Box::new(value));
                self.body.graph.branch(Expr::new(test, span), *block, next);
            }
            self.body.graph.begin(next);
        }
        self.body.graph.goto(default);
        self.body.frames.push(Frame::Switch { break_to: after });
        for (index, (case, block)) in cases.iter().enumerate() {
            self.body.graph.begin(*block);
            self.hoist(*case);
            for statement in tree.get_all(*case, Field::Body) {
                self.statement(statement);
            }
            let next = cases.get(index + 1).map_or(after, |(_, next)| *next);
            self.body.graph.goto(next);
        }
        self.body.frames.pop();
        self.scopes.current = outer;
        self.body.graph.begin(after);
    }

    fn enumeration(&mut self, id: Id) {
        let tree = self.tree;
        let (Some(name), Some(body)) = (tree.get(id, Field::Name), tree.get(id, Field::Body)) else { return };
        let mut entries = Vec::new();
        let mut next = Some(0_u32);
        for member in tree.children(body) {
            let span = tree.span(member);
            let (key, value) = if tree.kind(member) == Kind::EnumAssignment {
                let (Some(key), Some(value)) = (tree.get(member, Field::Name), tree.get(member, Field::Value)) else {
                    continue;
                };
                let value = self.value(value);
                next = match &value.kind {
                    ExprKind::Const(Const::Number(number)) => number.parse::<u32>().ok().map(|number| number + 1),
                    _ => None,
                };
                (key, value)
            } else {
                let value = match next {
                    Some(number) => Expr::new(ExprKind::Const(Const::Number(number.to_string())), span),
                    None => opaque(Vec::new(), span),
                };
                next = next.map(|number| number + 1);
                (member, value)
            };
            if let Some(key_text) = self.known_key(key) {
                entries.push(Entry::Field { key: key_text, key_span: tree.span(key), value });
            }
        }
        let slot = self.declare(name, None);
        self.set(slot, Expr::new(ExprKind::Object(entries), tree.span(body)), tree.span(id));
    }
}
