//! Classes.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind, is_function};
use crate::ir::{CallForm, Item, Param};
use crate::ir::{Class, ClassId, Expr, ExprKind, FieldDecl, FuncId, FuncKind, Key, MethodDecl, Step};

impl<'t> Lower<'t> {
    /// A class declaration: its variable takes the class.
    pub(super) fn class_declaration(&mut self, id: Id, decorators: &[Id]) {
        let tree = self.tree;
        let class = self.class(id, None, decorators);
        if let Some(name) = tree.get(id, Field::Name) {
            let slot = self.declare(name, None);
            self.set(slot, Expr::new(ExprKind::Class(class), tree.span(name)), tree.span(id));
        }
    }

    /// Lowers a class. What its static members run is run here; what its fields run is run by its constructor.
    pub(super) fn class(&mut self, id: Id, holder: Option<&str>, decorators: &[Id]) -> ClassId {
        if self.finals > 0
            && let Some(known) = self.known_classes.get(&id)
        {
            return *known;
        }
        let tree = self.tree;
        let class = ClassId(u32::try_from(self.unit.classes.len()).unwrap_or(u32::MAX));
        let own_name = tree.get(id, Field::Name);
        let name = own_name.map_or(holder.unwrap_or_default(), |name| tree.text(name));
        let own_decorators: Vec<Id> = tree.get_all(id, Field::Decorator).collect();
        let decorators: Vec<Id> = decorators.iter().copied().chain(own_decorators).collect();
        self.unit.classes.push(Class {
            name: name.to_owned(),
            extends: None,
            implements: Vec::new(),
            fields: Vec::new(),
            methods: Vec::new(),
            constructor: None,
            decorators: decorators.iter().map(|id| self.decorator_name(*id)).collect(),
            span: tree.span(id),
        });
        let extends = self.heritage(id, class);
        let outer = self.scopes.open();
        if let Some(own) = own_name.filter(|_| tree.kind(id) == Kind::Class) {
            let slot = self.declare(own, None);
            self.set(slot, Expr::new(ExprKind::Class(class), tree.span(own)), tree.span(own));
        }
        if let Some(body) = tree.get(id, Field::Body) {
            self.class_body(body, class, extends);
        }
        self.scopes.current = outer;
        self.run_decorators(&decorators);
        if self.finals > 0 {
            self.known_classes.insert(id, class);
        }
        class
    }

    /// What decorators of a class are called with may name further classes, so that their calls are steps like others.
    fn run_decorators(&mut self, decorators: &[Id]) {
        for decorator in decorators {
            if let Some(call) = self.tree.find(*decorator, Kind::Call) {
                self.value(call);
            }
        }
    }

    fn decorator_name(&self, decorator: Id) -> String {
        let tree = self.tree;
        let mut name = tree.first(decorator);
        while let Some(inner) = name {
            match tree.kind(inner) {
                Kind::Call => name = tree.get(inner, Field::Function),
                Kind::Parenthesized => name = tree.first(inner),
                _ => return self.folded(inner),
            }
        }
        String::new()
    }

    /// What a class extends and implements; tells whether it extends something.
    fn heritage(&mut self, id: Id, class: ClassId) -> bool {
        let tree = self.tree;
        let Some(heritage) = tree.find(id, Kind::ClassHeritage) else { return false };
        let mut extends = None;
        let mut implements = Vec::new();
        for clause in tree.children(heritage) {
            match tree.kind(clause) {
                Kind::ExtendsClause => {
                    if let Some(value) = tree.get(clause, Field::Value) {
                        extends = Some(self.value(value));
                    }
                }
                Kind::ImplementsClause => implements.extend(tree.children(clause).map(|ty| self.folded(ty))),
                // Plain JavaScript has the expression itself here.
                _ => extends = Some(self.value(clause)),
            }
        }
        let is_derived = extends.is_some();
        if let Some(entry) = self.unit.classes.get_mut(class.index()) {
            entry.extends = extends;
            entry.implements = implements;
        }
        is_derived
    }

    fn class_body(&mut self, body: Id, class: ClassId, is_derived: bool) {
        let tree = self.tree;
        let mut members = Vec::new();
        for member in tree.children(body) {
            match tree.kind(member) {
                Kind::Error => members.extend(tree.children(member)),
                _ => members.push(member),
            }
        }
        let is_static = |member: Id| tree.has_token(member, "static");
        let is_constructor = |member: Id| {
            tree.kind(member) == Kind::MethodDefinition
                && !is_static(member)
                && tree.get(member, Field::Name).is_some_and(|name| tree.text(name) == "constructor")
        };
        let of_constructor = |member: Id| {
            tree.kind(member) == Kind::FieldDefinition
                && !is_static(member)
                && tree.get(member, Field::Value).is_some_and(|value| self.needs_constructor(value))
        };
        let made: Vec<Id> = members.iter().copied().filter(|member| of_constructor(*member)).collect();
        let constructor = members.iter().copied().find(|member| is_constructor(*member));
        if constructor.is_some() || !made.is_empty() {
            self.constructor(body, class, constructor, &made, is_derived);
        }
        for member in members {
            match tree.kind(member) {
                Kind::MethodDefinition if !is_constructor(member) => self.method(member, class),
                Kind::FieldDefinition if !made.contains(&member) => {
                    let name = tree.get(member, Field::Name).and_then(|name| self.key_name(name));
                    let want = Want { name, ..Want::default() };
                    let value = tree.get(member, Field::Value).map(|value| self.expr(value, want));
                    self.field_declaration(member, class, value);
                }
                Kind::ClassStaticBlock => {
                    if let Some(block) = tree.get(member, Field::Body) {
                        self.block(block);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a field's initial value runs something, or makes functions, whose `this` is that of the constructor.
    fn needs_constructor(&self, value: Id) -> bool {
        let tree = self.tree;
        if tree.runs(value) {
            return true;
        }
        let mut todo = vec![value];
        while let Some(id) = todo.pop() {
            if is_function(tree.kind(id)) {
                return true;
            }
            todo.extend(tree.children(id));
        }
        false
    }

    fn constructor(&mut self, body: Id, class: ClassId, written: Option<Id>, fields: &[Id], is_derived: bool) {
        let tree = self.tree;
        let kind = FuncKind::Constructor(class);
        let scope = self.scopes.current;
        let initialise = |lower: &mut Self| {
            // Initial values stand outside the constructor: its parameters mean nothing to them.
            let inner = std::mem::replace(&mut lower.scopes.current, scope);
            for field in fields {
                lower.field_in_constructor(*field, class);
            }
            lower.scopes.current = inner;
        };
        let func = if let Some(id) = written {
            for (parameter, name) in self.parameter_properties(id) {
                let ty = tree.get(parameter, Field::Type).map(|ty| self.type_text(ty));
                self.add_field(
                    class,
                    FieldDecl { name: name.to_owned(), ty, value: None, is_static: false, attributes: Vec::new() },
                );
            }
            self.function_with(id, kind, "constructor", |lower| {
                lower.store_parameter_properties(id);
                initialise(lower);
            })
        } else {
            let span = tree.span(body);
            self.new_function(kind, "constructor", None, span, false, |lower, func| {
                if is_derived {
                    let slot = lower.slot("args", None, span);
                    if let Some(entry) = lower.unit.functions.get_mut(func.index()) {
                        entry.params.push(Param { slot, rest: true });
                    }
                    let callee = Expr::new(ExprKind::Global("super".to_owned()), span);
                    let args = vec![Item::Spread(Expr::new(ExprKind::Slot(slot), span))];
                    lower.call(callee, args, CallForm::Plain, false, span);
                }
                initialise(lower);
            })
        };
        if let Some(entry) = self.unit.classes.get_mut(class.index()) {
            entry.constructor = Some(func);
        }
    }

    /// A field whose initial value is computed by the constructor.
    fn field_in_constructor(&mut self, field: Id, class: ClassId) {
        let tree = self.tree;
        let (Some(name), Some(value)) = (tree.get(field, Field::Name), tree.get(field, Field::Value)) else { return };
        let want = Want { name: self.key_name(name), ..Want::default() };
        let runs = tree.runs(value);
        let value = self.expr(value, want);
        if !runs {
            self.field_declaration(field, class, Some(value));
            return;
        }
        let root = self.this_slot();
        let key = match self.known_key(name) {
            Some(name) => Key::Name(name),
            None => Key::Computed(self.computed_key(name)),
        };
        self.body.graph.push(Step::Store { root, path: vec![key], value: Some(value), span: tree.span(field) });
        self.field_declaration(field, class, None);
    }

    fn field_declaration(&mut self, field: Id, class: ClassId, value: Option<Expr>) {
        let tree = self.tree;
        let Some(name) = tree.get(field, Field::Name).and_then(|name| self.known_key(name)) else { return };
        let ty = tree.get(field, Field::Type).map(|ty| self.type_text(ty));
        let is_static = tree.has_token(field, "static");
        self.add_field(class, FieldDecl { name, ty, value, is_static, attributes: Vec::new() });
    }

    fn add_field(&mut self, class: ClassId, field: FieldDecl) {
        if let Some(entry) = self.unit.classes.get_mut(class.index()) {
            entry.fields.push(field);
        }
    }

    fn method(&mut self, id: Id, class: ClassId) {
        let tree = self.tree;
        let Some(key) = tree.get(id, Field::Name) else { return };
        let name = self.known_key(key).unwrap_or_else(|| self.folded(key));
        let func: FuncId = self.function(id, FuncKind::Method(class), &name);
        let is_getter = self.accessor(id) == Some("get");
        let is_static = tree.has_token(id, "static");
        if let Some(entry) = self.unit.classes.get_mut(class.index()) {
            entry.methods.push(MethodDecl { name, func, is_static, is_getter });
        }
    }
}
