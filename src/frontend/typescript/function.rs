//! Functions: parameters, bodies, and the hoisting of what they declare.

use super::lower::{Body, Lower};
use super::pattern::Bind;
use super::tree::{Field, Id, Kind};
use crate::frontend::value::fold;
use crate::ir::{Expr, ExprKind, Func, FuncId, FuncKind, Key, Param, Step};
use crate::text::Span;

impl<'t> Lower<'t> {
    /// Lowers a function and returns its id. It is not yet the value of anything.
    pub(super) fn function(&mut self, id: Id, kind: FuncKind, name: &str) -> FuncId {
        if self.finals > 0
            && let Some(known) = self.known_funcs.get(&id)
        {
            return *known;
        }
        let func = self.function_with(id, kind, name, |_| {});
        if self.finals > 0 {
            self.known_funcs.insert(id, func);
        }
        func
    }

    /// The same, with something to do between the parameters and the body.
    pub(super) fn function_with(
        &mut self,
        id: Id,
        kind: FuncKind,
        name: &str,
        before: impl FnOnce(&mut Self),
    ) -> FuncId {
        let tree = self.tree;
        let own_name = if tree.kind(id) == Kind::MethodDefinition { None } else { tree.get(id, Field::Name) };
        let name = own_name.map_or(name, |own| tree.text(own));
        let returns = tree.get(id, Field::ReturnType).map(|ty| self.type_text(ty));
        let inherits_this = tree.kind(id) == Kind::ArrowFunction;
        self.new_function(kind, name, returns, tree.span(id), inherits_this, |lower, func| {
            if let Some(own) = own_name
                && matches!(tree.kind(id), Kind::FunctionExpression | Kind::GeneratorFunction)
            {
                let slot = lower.declare(own, None);
                lower.set(slot, Expr::new(ExprKind::Func(func), tree.span(id)), tree.span(own));
                lower.scopes.open();
            }
            lower.parameters(id);
            before(lower);
            if let Some(body) = tree.get(id, Field::Body)
                && lower.enter(body, 1)
            {
                lower.function_body(body);
                lower.leave(1);
            }
        })
    }

    fn function_body(&mut self, body: Id) {
        if self.tree.kind(body) == Kind::StatementBlock {
            self.hoist_vars(body);
            self.statements(body);
        } else {
            self.return_value(body);
        }
    }

    /// Makes a function whose body is what `work` lowers.
    pub(super) fn new_function(
        &mut self,
        kind: FuncKind,
        name: &str,
        returns: Option<String>,
        span: Span,
        inherits_this: bool,
        work: impl FnOnce(&mut Self, FuncId),
    ) -> FuncId {
        let func = FuncId(u32::try_from(self.unit.functions.len()).unwrap_or(u32::MAX));
        let parent = Some(self.body.id);
        let name = name.to_owned();
        self.unit.functions.push(Func {
            name,
            kind,
            parent,
            params: Vec::new(),
            returns,
            bounds: Vec::new(),
            is_test: false,
            blocks: Vec::new(),
            span,
        });
        let this_owner = if inherits_this { self.body.this_owner } else { func };
        let outer = std::mem::replace(&mut self.body, Body::new(func, this_owner));
        let scope = self.scopes.open();
        work(self, func);
        self.scopes.current = scope;
        let done = std::mem::replace(&mut self.body, outer);
        if let Some(entry) = self.unit.functions.get_mut(func.index()) {
            entry.blocks = done.graph.finish(span);
        }
        func
    }

    fn parameters(&mut self, function: Id) {
        let tree = self.tree;
        if let Some(single) = tree.get(function, Field::Parameter) {
            let slot = self.declare(single, None);
            self.parameter_slot(Param { slot, rest: false });
            return;
        }
        let Some(list) = tree.get(function, Field::Parameters) else { return };
        let mut rest_of_work = Vec::new();
        for parameter in tree.children(list) {
            if !matches!(tree.kind(parameter), Kind::RequiredParameter | Kind::OptionalParameter) {
                continue;
            }
            let pattern = tree.get(parameter, Field::Pattern).or_else(|| tree.get(parameter, Field::Name));
            let Some(pattern) = pattern else { continue };
            if tree.kind(pattern) == Kind::This {
                continue;
            }
            let ty = tree.get(parameter, Field::Type).map(|ty| self.type_text(ty));
            let rest = tree.kind(pattern) == Kind::RestPattern;
            let Some(target) = (if rest { tree.first(pattern) } else { Some(pattern) }) else { continue };
            let is_name = matches!(tree.kind(target), Kind::Identifier | Kind::Undefined);
            let slot = if is_name {
                self.declare(target, ty)
            } else {
                self.declare_pattern(target, None);
                self.slot("", ty, tree.span(target))
            };
            self.parameter_slot(Param { slot, rest });
            let default = tree.get(parameter, Field::Value);
            if default.is_some() || !is_name {
                rest_of_work.push((slot, target, is_name, default, tree.span(parameter)));
            }
        }
        for (slot, target, is_name, default, span) in rest_of_work {
            let mut value = Expr::new(ExprKind::Slot(slot), tree.span(target));
            if let Some(default) = default {
                value = self.default(value, default, self.binding_name(target));
                if is_name {
                    self.set(slot, value, span);
                    continue;
                }
            }
            self.bind(target, value, Bind::Declare, span);
        }
    }

    fn parameter_slot(&mut self, param: Param) {
        if let Some(func) = self.unit.functions.get_mut(self.body.id.index()) {
            func.params.push(param);
        }
    }

    /// Stores the parameters that are properties (`constructor(private db: Db)`).
    pub(super) fn store_parameter_properties(&mut self, constructor: Id) {
        for (parameter, name) in self.parameter_properties(constructor) {
            let span = self.tree.span(parameter);
            let value = self.name(name, span);
            let root = self.this_slot();
            let path = vec![Key::Name(name.to_owned())];
            self.body.graph.push(Step::Store { root, path, value: Some(value), span });
        }
    }

    /// The parameters of a constructor that are properties, with their names.
    pub(super) fn parameter_properties(&self, constructor: Id) -> Vec<(Id, &'t str)> {
        let tree = self.tree;
        let Some(list) = tree.get(constructor, Field::Parameters) else { return Vec::new() };
        let is_property = |parameter: &Id| {
            tree.find(*parameter, Kind::AccessibilityModifier).is_some()
                || tree.find(*parameter, Kind::OverrideModifier).is_some()
                || tree.has_token(*parameter, "readonly")
        };
        let named = |parameter: Id| {
            let pattern = tree.get(parameter, Field::Pattern).or_else(|| tree.get(parameter, Field::Name))?;
            Some((parameter, self.binding_name(pattern)?))
        };
        tree.children(list).filter(is_property).filter_map(named).collect()
    }

    /// A type annotation as written, without its colon.
    pub(super) fn type_text(&self, annotation: Id) -> String {
        let text = self.tree.text(annotation);
        fold(text.strip_prefix(':').unwrap_or(text))
    }

    /// Declares the `var`s of a function body in the scope of the function.
    pub(super) fn hoist_vars(&mut self, body: Id) {
        let tree = self.tree;
        let mut todo = vec![body];
        while let Some(id) = todo.pop() {
            if !tree.has_var(id) {
                continue;
            }
            match tree.kind(id) {
                Kind::VariableDeclaration => self.declare_variables(id),
                Kind::ForIn if tree.has_token(id, "var") => {
                    if let Some(left) = tree.get(id, Field::Left) {
                        self.declare_pattern(left, None);
                    }
                }
                _ => {}
            }
            let from = todo.len();
            todo.extend(tree.children(id));
            todo[from..].reverse();
        }
    }

    /// Declares the names of a `var`, `let` or `const` statement in the innermost scope.
    pub(super) fn declare_variables(&mut self, declaration: Id) {
        let tree = self.tree;
        for declarator in tree.children(declaration) {
            if let Some(name) = tree.get(declarator, Field::Name) {
                let ty = tree.get(declarator, Field::Type).map(|ty| self.type_text(ty));
                self.declare_pattern(name, ty);
            }
        }
    }

    /// Declares what a list of statements declares, and makes its functions: they can be called before they are declared.
    pub(super) fn hoist(&mut self, list: Id) {
        let tree = self.tree;
        let mut functions = Vec::new();
        for statement in tree.children(list) {
            self.hoist_statement(statement, &mut functions);
        }
        for function in functions {
            let Some(name) = tree.get(function, Field::Name) else { continue };
            let Some(slot) = self.scopes.own(tree.text(name)) else { continue };
            let func = self.function(function, FuncKind::Declared, "");
            self.set(slot, Expr::new(ExprKind::Func(func), tree.span(name)), tree.span(function));
        }
    }

    fn hoist_statement(&mut self, statement: Id, functions: &mut Vec<Id>) {
        let tree = self.tree;
        match tree.kind(statement) {
            Kind::LexicalDeclaration => self.declare_variables(statement),
            Kind::FunctionDeclaration | Kind::GeneratorDeclaration => {
                if let Some(name) = tree.get(statement, Field::Name) {
                    self.declare(name, None);
                    functions.push(statement);
                }
            }
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration | Kind::EnumDeclaration => {
                if let Some(name) = tree.get(statement, Field::Name) {
                    self.declare(name, None);
                }
            }
            Kind::InternalModule | Kind::Module => {
                if let Some(name) = tree.get(statement, Field::Name).filter(|name| tree.kind(*name) == Kind::Identifier)
                {
                    self.declare(name, None);
                }
            }
            Kind::ExportStatement => {
                if let Some(inner) = tree.get(statement, Field::Declaration) {
                    self.hoist_statement(inner, functions);
                }
            }
            Kind::ImportStatement => self.import(statement),
            Kind::ImportAlias => {
                if let Some(name) = tree.find(statement, Kind::Identifier) {
                    self.declare(name, None);
                }
            }
            Kind::ExpressionStatement | Kind::Await => {
                if let Some(inner) = tree.first(statement) {
                    match tree.kind(inner) {
                        Kind::InternalModule | Kind::Await => self.hoist_statement(inner, functions),
                        Kind::AssignmentExpression if tree.has_token(inner, "using") => {
                            if let Some(name) = tree.get(inner, Field::Left) {
                                self.declare_pattern(name, None);
                            }
                        }
                        _ => {}
                    }
                }
            }
            // What stands in a part that could not be read as a whole may still be whole itself.
            Kind::Error => {
                for inner in tree.children(statement) {
                    if tree.kind(inner) != Kind::Error {
                        self.hoist_statement(inner, functions);
                    }
                }
            }
            _ => {}
        }
    }
}
