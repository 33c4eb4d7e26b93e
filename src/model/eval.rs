//! Evaluates pure expressions, and variables that lie outside the trace.

use super::elaborate::{At, Elaborator, RECEIVER};
use super::survey::Definition;
use super::value::{ArrayItem, ObjectEntry, TextPart, Val, ValId};
use crate::ir::{BinaryOp, Entry, Expr, ExprKind, FuncKind, ImportName, Item, Key, SlotId, Step, TemplatePart};
use crate::link::{ClassRef, Exported, FileId, FuncRef, UnitId};

/// Where an expression is evaluated: in a run, or outside of all runs.
#[derive(Clone, Copy)]
enum Scope<'s> {
    Run(&'s At),
    Outside(crate::ir::FuncId),
}

impl Elaborator<'_, '_> {
    /// The value of an expression in a run.
    pub fn eval(&mut self, unit: UnitId, at: &At, expr: &Expr) -> ValId {
        self.eval_in(unit, Scope::Run(at), expr)
    }

    /// The value of an expression of a function, outside of all runs.
    pub fn eval_outside(&mut self, unit: UnitId, func: crate::ir::FuncId, expr: &Expr) -> ValId {
        self.eval_in(unit, Scope::Outside(func), expr)
    }

    /// The value of a variable in a run.
    pub fn read(&mut self, unit: UnitId, at: &At, slot: SlotId) -> ValId {
        let Some(variable) = self.variable(unit, at.frame, slot) else { return self.outside(unit, slot) };
        if let Some(value) = at.env.get(&variable) {
            return *value;
        }
        if let Some(value) = self.fixed.get(&variable) {
            return *value;
        }
        if self.model.survey.definitions(unit).varying.contains(&slot) {
            // Declared, and not assigned on this way.
            self.trace.values.unset()
        } else {
            self.outside(unit, slot)
        }
    }

    fn eval_in(&mut self, unit: UnitId, scope: Scope<'_>, expr: &Expr) -> ValId {
        let value = match &expr.kind {
            ExprKind::Slot(slot) => {
                return match scope {
                    Scope::Run(at) => self.read(unit, at, *slot),
                    Scope::Outside(_) => self.outside(unit, *slot),
                };
            }
            ExprKind::Global(name) => match self.model.program.global(unit, name) {
                Some(exported) => return self.exported(exported).unwrap_or_else(|| self.global(name)),
                None => match scope {
                    Scope::Run(at) => match self.type_argument(at, name) {
                        Some(class) => Val::Class(class),
                        None => Val::Global(name.clone()),
                    },
                    Scope::Outside(_) => Val::Global(name.clone()),
                },
            },
            ExprKind::This => return self.this(unit, scope),
            ExprKind::Const(literal) => Val::Const(literal.into()),
            ExprKind::Template(parts) => {
                let parts = parts.iter().map(|part| match part {
                    TemplatePart::Text(text) => TextPart::Text(text.clone()),
                    TemplatePart::Hole(hole) => TextPart::Hole(self.eval_in(unit, scope, hole)),
                });
                let parts: Vec<TextPart> = parts.collect();
                return self.trace.text(parts);
            }
            ExprKind::Field(base, name) => {
                let base = self.eval_in(unit, scope, base);
                return self.field(base, name);
            }
            ExprKind::Index(base, key) => {
                let base = self.eval_in(unit, scope, base);
                let key = self.eval_in(unit, scope, key);
                return self.index(base, key);
            }
            ExprKind::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| match entry {
                        Entry::Field { key, value, .. } => {
                            ObjectEntry::Field(key.clone(), self.eval_in(unit, scope, value))
                        }
                        Entry::Computed(key, value) => {
                            let key = self.eval_in(unit, scope, key);
                            let value = self.eval_in(unit, scope, value);
                            match self.trace.values.text(key) {
                                Some(key) => ObjectEntry::Field(key.to_owned(), value),
                                None => ObjectEntry::Computed(value),
                            }
                        }
                        Entry::Spread(value) => ObjectEntry::Spread(self.eval_in(unit, scope, value)),
                    })
                    .collect();
                return self.trace.object(entries);
            }
            ExprKind::Array(items) => Val::Array(
                items
                    .iter()
                    .map(|item| match item {
                        Item::Value(value) => ArrayItem::Value(self.eval_in(unit, scope, value)),
                        Item::Spread(value) => ArrayItem::Spread(self.eval_in(unit, scope, value)),
                    })
                    .collect(),
            ),
            ExprKind::Func(func) => {
                let frame = match scope {
                    Scope::Run(at) => Some(at.frame),
                    Scope::Outside(_) => None,
                };
                Val::Closure(FuncRef { unit, func: *func }, frame)
            }
            ExprKind::Class(class) => Val::Class(self.model.program.home(ClassRef { unit, class: *class })),
            ExprKind::Module(source) => match self.model.program.module(unit, source) {
                Some(module) => return self.module(module),
                None => Val::External(source.clone(), "*".to_owned()),
            },
            ExprKind::Unary(op, inner) => {
                let inner = self.eval_in(unit, scope, inner);
                return self.trace.unary(*op, inner);
            }
            ExprKind::Binary(op, a, b) => {
                let a = self.eval_in(unit, scope, a);
                let b = self.eval_in(unit, scope, b);
                if *op == BinaryOp::InstanceOf
                    && let Some(is) = self.is_variant(a, b)
                {
                    return self.trace.values.bool(is);
                }
                return self.trace.binary(*op, a, b);
            }
            ExprKind::Choice(test, yes, no) => {
                let test = self.eval_in(unit, scope, test);
                let yes = self.eval_in(unit, scope, yes);
                let no = self.eval_in(unit, scope, no);
                match self.trace.values.truth(test) {
                    Some(true) => return yes,
                    Some(false) => return no,
                    None if yes == no => return yes,
                    None => Val::Choice(test, yes, no),
                }
            }
            ExprKind::Element(source) => {
                let source = self.eval_in(unit, scope, source);
                return self.trace.element(source);
            }
            ExprKind::Over { how, source, body } => {
                let source = self.eval_in(unit, scope, source);
                let body = self.eval_in(unit, scope, body);
                return self.trace.over(*how, source, body);
            }
            ExprKind::Rest(base, names) => {
                let base = self.eval_in(unit, scope, base);
                return self.trace.rest(base, names);
            }
            ExprKind::Caught => match scope {
                Scope::Run(at) => Val::Caught(at.block),
                Scope::Outside(_) => return self.trace.values.opaque(),
            },
            ExprKind::Opaque(parts) => {
                let parts: Vec<ValId> = parts.iter().map(|part| self.eval_in(unit, scope, part)).collect();
                if parts.is_empty() {
                    return self.trace.values.opaque();
                }
                Val::Derived(parts)
            }
        };
        self.trace.values.add(value)
    }

    fn this(&mut self, unit: UnitId, scope: Scope<'_>) -> ValId {
        let mut func = match scope {
            Scope::Outside(func) => func,
            Scope::Run(at) => {
                let mut next = Some(at.frame);
                while let Some(frame) = next {
                    let it = &self.trace.frames[frame.index()];
                    if let Some(this) = it.this {
                        return at.env.get(&(frame, RECEIVER)).copied().unwrap_or(this);
                    }
                    if it.lexical.is_none() {
                        break;
                    }
                    next = it.lexical;
                }
                next.map_or(self.trace.frames[at.frame.index()].func.func, |f| self.trace.frames[f.index()].func.func)
            }
        };
        loop {
            let it = &self.model.program.unit(unit).functions[func.index()];
            match it.kind {
                FuncKind::Method(class) | FuncKind::Constructor(class) => {
                    let class = self.model.program.home(ClassRef { unit, class });
                    return self.trace.values.add(Val::This(class));
                }
                _ => match it.parent {
                    Some(parent) => func = parent,
                    None => return self.field_initialiser_class(unit, scope),
                },
            }
        }
    }

    /// A function literal in a field's initial value has the class's instance as its receiver.
    fn field_initialiser_class(&mut self, unit: UnitId, scope: Scope<'_>) -> ValId {
        let func = match scope {
            Scope::Outside(func) => func,
            Scope::Run(at) => self.trace.frames[at.frame.index()].func.func,
        };
        let it = self.model.program.unit(unit);
        let span = it.functions[func.index()].span;
        let class = it.classes.iter().position(|class| class.span.contains(span));
        match class.and_then(|at| u32::try_from(at).ok()) {
            Some(class) => self.trace.values.add(Val::This(ClassRef { unit, class: crate::ir::ClassId(class) })),
            None => self.trace.values.opaque(),
        }
    }

    /// The value of a variable outside all runs: a module's constant, an import, something a closure caught.
    pub fn outside(&mut self, unit: UnitId, slot: SlotId) -> ValId {
        if let Some(value) = self.statics.get(&(unit, slot)) {
            return *value;
        }
        if !self.resolving.insert((unit, slot)) {
            return self.trace.values.opaque();
        }
        let value = self.outside_value(unit, slot);
        self.resolving.remove(&(unit, slot));
        self.statics.insert((unit, slot), value);
        value
    }

    fn outside_value(&mut self, unit: UnitId, slot: SlotId) -> ValId {
        let program = self.model.program;
        let import = program.unit(unit).imports.iter().find(|import| import.slot == slot);
        if let Some(import) = import {
            let found = self.model.survey.names().imported(unit, slot);
            let value = found.and_then(|found| self.exported(found));
            let value = value.unwrap_or_else(|| match self.model.survey.names().passed_on(unit, slot) {
                Some(path) => self.outer(&path),
                None => self.external(&import.source, &import.name),
            });
            return self.as_named(unit, slot, value);
        }
        let places = self.model.survey.definitions(unit).of.get(&slot).map_or(&[][..], Vec::as_slice);
        let mut value = None;
        for place in places.iter().take(4) {
            let next = match place {
                Definition::Param(func, index) => {
                    self.trace.values.add(Val::Param(FuncRef { unit, func: *func }, *index))
                }
                Definition::Set(func, expr) => self.eval_in(unit, Scope::Outside(*func), expr),
                Definition::Call(func, call) => {
                    let callee = self.eval_in(unit, Scope::Outside(*func), &call.callee);
                    let args: Vec<ValId> = call
                        .args
                        .iter()
                        .map(|arg| match arg {
                            Item::Value(arg) | Item::Spread(arg) => self.eval_in(unit, Scope::Outside(*func), arg),
                        })
                        .collect();
                    self.made_outside(callee, &args, call)
                }
            };
            value = Some(match value {
                None => next,
                Some(first) => {
                    let either = self.trace.values.opaque();
                    self.trace.values.add(Val::Choice(either, first, next))
                }
            });
        }
        let value = value.unwrap_or_else(|| self.trace.values.opaque());
        let value = self.as_declared(unit, slot, value);
        self.as_named(unit, slot, value)
    }

    /// What a name that leads to another module stands for; `None` where that lies outside the project.
    fn exported(&mut self, exported: Exported<'_>) -> Option<ValId> {
        match exported {
            Exported::Value(unit, expr) => Some(self.eval_in(unit, Scope::Outside(crate::ir::FuncId(0)), expr)),
            Exported::Member(unit, expr, name) => {
                let base = self.eval_in(unit, Scope::Outside(crate::ir::FuncId(0)), expr);
                Some(self.field(base, name))
            }
            Exported::Module(module) => Some(self.module(module)),
            Exported::External => None,
        }
    }

    fn global(&mut self, name: &str) -> ValId {
        self.trace.values.add(Val::Global(name.to_owned()))
    }

    /// A whole module: the value that it is replaced by, or an object of what it exports.
    fn module(&mut self, module: FileId) -> ValId {
        match self.model.program.whole(module) {
            Some((unit, whole)) => self.eval_in(unit, Scope::Outside(crate::ir::FuncId(0)), whole),
            None => self.trace.values.add(Val::Module(module)),
        }
    }

    /// An item of another crate by its path.
    fn outer(&mut self, path: &str) -> ValId {
        let (source, name) = path.rsplit_once("::").unwrap_or((path, "*"));
        self.trace.values.add(Val::External(source.to_owned(), name.to_owned()))
    }

    fn external(&mut self, source: &str, name: &ImportName) -> ValId {
        let name = match name {
            ImportName::Default => "default",
            ImportName::Namespace => "*",
            ImportName::Named(name) => name,
        };
        self.trace.values.add(Val::External(source.to_owned(), name.to_owned()))
    }

    /// A member of a value.
    pub fn field(&mut self, base: ValId, name: &str) -> ValId {
        match self.trace.values.get(base) {
            Val::Module(module) => {
                let found = self.model.program.member(*module, name);
                let found = found.and_then(|found| self.exported(found));
                found.unwrap_or_else(|| self.trace.values.add(Val::Field(base, name.to_owned())))
            }
            Val::Class(class) => {
                let class = *class;
                self.static_member(base, class, name)
            }
            Val::Call { is_new, .. } if let Some((_, data)) = self.variant_made(base) => {
                let member = match data {
                    [members] if *is_new => Some(*members),
                    data => name.parse::<usize>().ok().and_then(|at| data.get(at)).copied(),
                };
                match member {
                    Some(members) if *is_new => self.trace.field(members, name),
                    Some(member) => member,
                    None => self.trace.field(base, name),
                }
            }
            Val::Made(class, members) => {
                let (class, members) = (*class, *members);
                let held = self.trace.field(members, name);
                // What the instance was given may say less than the member's declaration.
                let value = self.trace.values.get(held);
                let is_plain = match value {
                    Val::Const(literal) => literal.is_absent(),
                    value => matches!(value, Val::Opaque(_)),
                };
                let is_vague = matches!(value, Val::Param(..) | Val::Call { .. } | Val::Field(..));
                let speaks = |it: &Self, value| it.typed(value).is_some() || it.class_of(value).is_some();
                if !is_plain && (!is_vague || speaks(self, held)) {
                    return held;
                }
                let declared = self.trace.field(base, name);
                if self.model.program.is_made_of_members(class) && !speaks(self, declared) { held } else { declared }
            }
            Val::Instance(class) | Val::This(class) => {
                let class = *class;
                self.initial(class, name).unwrap_or_else(|| self.trace.field(base, name))
            }
            _ => self.trace.field(base, name),
        }
    }

    /// What a field is made with and keeps, where it is declared without a type as another name for something of the
    /// module's: `class Access { client = shared }`.
    fn initial(&mut self, class: ClassRef, name: &str) -> Option<ValId> {
        let program = self.model.program;
        let owners = std::iter::successors(Some(class), |class| program.superclass(*class)).take(8);
        let (owner, field) = owners.into_iter().find_map(|class| program.field(class, name))?;
        let value = field.value.as_ref().filter(|_| field.ty.is_none() && !field.is_static)?;
        let ExprKind::Slot(slot) = &value.kind else { return None };
        let blocks = program.unit(owner.unit).functions.iter().flat_map(|func| &func.blocks);
        let stores = |step: &Step| match step {
            Step::Store { path, .. } => matches!(path.first(), Some(Key::Name(stored)) if stored == name),
            _ => false,
        };
        if blocks.flat_map(|block| &block.steps).any(stores) {
            return None;
        }
        let held = self.outside(owner.unit, *slot);
        (self.typed(held).is_some() || self.class_of(held).is_some()).then_some(held)
    }

    /// Whether a value that is spelt out is the variant that it is asked to be.
    fn is_variant(&self, value: ValId, variant: ValId) -> Option<bool> {
        let (class, _) = self.variant_made(value)?;
        let Val::Call { callee, .. } = self.trace.values.get(value) else { return None };
        let Val::Field(of, _) = self.trace.values.get(variant) else { return None };
        (*self.trace.values.get(*of) == Val::Class(class)).then_some(*callee == variant)
    }

    fn index(&mut self, base: ValId, key: ValId) -> ValId {
        match self.trace.values.text(key) {
            Some(name) => {
                let name = name.to_owned();
                self.field(base, &name)
            }
            None => self.trace.index(base, key),
        }
    }

    /// A static member of a class.
    fn static_member(&mut self, base: ValId, class: ClassRef, name: &str) -> ValId {
        let program = self.model.program;
        let mut next = Some(class);
        for _ in 0..8 {
            let Some(class) = next else { break };
            if let Some(func) = program.static_method(class, name) {
                return self.trace.values.add(Val::Closure(func, None));
            }
            if let Some((unit, value)) = program.static_value(class, name) {
                return self.eval_in(unit, Scope::Outside(crate::ir::FuncId(0)), value);
            }
            next = program.superclass(class);
        }
        self.trace.values.add(Val::Field(base, name.to_owned()))
    }

    /// The object `old` after a member of it has changed.
    pub(super) fn with_member(
        &mut self,
        unit: UnitId,
        at: &At,
        old: ValId,
        path: &[Key],
        value: Option<ValId>,
    ) -> ValId {
        let Some((first, rest)) = path.split_first() else {
            return value.unwrap_or_else(|| self.trace.values.unset());
        };
        let name = match first {
            Key::Name(name) => Some(name.clone()),
            Key::Computed(key) => {
                let key = self.eval(unit, at, key);
                self.trace.values.text(key).map(ToOwned::to_owned)
            }
        };
        let Some(name) = name else {
            let new = value.unwrap_or(old);
            return self.trace.object(vec![ObjectEntry::Spread(old), ObjectEntry::Computed(new)]);
        };
        let entry = if rest.is_empty() {
            match value {
                Some(value) => ObjectEntry::Field(name, value),
                None => ObjectEntry::Removed(name),
            }
        } else {
            let inner = self.field(old, &name);
            let inner = self.with_member(unit, at, inner, rest, value);
            ObjectEntry::Field(name, inner)
        };
        self.trace.object(vec![ObjectEntry::Spread(old), entry])
    }
}
