//! Which functions a call may mean, where paths and declared types tell more than its name does.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::names::Names;
use super::reach::{is_path, is_trait};
use super::survey::{Definition, Definitions};
use crate::ir::{Call, Expr, ExprKind, FuncId, FuncKind, SlotId};
use crate::link::{ClassRef, Exported, FuncRef, Program, Written};

/// How many steps lead from a receiver back to a declared type.
const DEPTH: usize = 6;

/// What is known of the functions that calls mean.
pub(super) struct Callees<'a, 'p> {
    program: &'p Program,
    names: &'a Names<'p>,
    /// Where the variables of each unit get their values.
    definitions: &'a [Definitions<'p>],
    /// What is known already of an expression.
    known: RefCell<FxHashMap<*const Expr, Meaning<'p>>>,
    /// The functions that classes have under a name.
    methods: RefCell<FxHashMap<(ClassRef, &'p str), Vec<FuncRef>>>,
}

/// What an expression that is called, or handed on, stands for.
#[derive(Clone, Copy)]
enum Meaning<'p> {
    /// What a class has under a name.
    Of(ClassRef, &'p str),
    Func(FuncRef),
    /// What a type from outside the project has.
    OfForeign(Written<'p>),
    /// What a type or a module has that goes by a name which leads to nothing in the project.
    Named(&'p str),
    Outside,
    Unknown,
}

/// What is known of a receiver.
#[derive(Clone, Copy)]
enum Receiver<'p> {
    Class(ClassRef),
    /// Something of a type from outside the project.
    Foreign(Written<'p>),
}

impl<'a, 'p> Callees<'a, 'p> {
    pub fn new(program: &'p Program, names: &'a Names<'p>, definitions: &'a [Definitions<'p>]) -> Self {
        Self { program, names, definitions, known: RefCell::default(), methods: RefCell::default() }
    }

    /// Whether an expression of a function that goes by the name of `at` may stand for that function.
    pub fn may_mean(&self, from: FuncRef, named: &'p Expr, at: FuncRef) -> bool {
        let known = self.known.borrow().get(&std::ptr::from_ref(named)).copied();
        let meaning = known.unwrap_or_else(|| {
            let meaning = self.meaning(from, named);
            self.known.borrow_mut().insert(named, meaning);
            meaning
        });
        let is_called = |class: ClassRef| self.program.class(class).name.as_str();
        let fits = match meaning {
            Meaning::Of(class, name) => self.has(class, name, at),
            Meaning::Func(func) => func == at,
            // The project may add methods to types from outside, and what looks like one may be made by a macro.
            Meaning::OfForeign(ty) => self.class_of(at).is_none_or(|class| {
                let is_named = |it: &String| it.rsplit("::").next() == Some(is_called(class));
                self.program.foreign_name(class).is_some() || self.names.meant(ty).names.iter().any(is_named)
            }),
            Meaning::Named(text) => self.class_of(at).is_some_and(|class| is_called(class) == text),
            Meaning::Outside => false,
            Meaning::Unknown => true,
        };
        fits && (self.is_of_trait(at) || self.program.may_reach(from.unit, at.unit))
    }

    fn meaning(&self, from: FuncRef, named: &'p Expr) -> Meaning<'p> {
        if is_path(self.program.unit(from.unit), named) {
            return match self.path(from, named) {
                Path::Of(class, name) => Meaning::Of(class, name),
                Path::To(Exported::External) | Path::Outside => Meaning::Outside,
                Path::To(found) => self.function(found).map_or(Meaning::Unknown, Meaning::Func),
                Path::Named(text) => Meaning::Named(text),
                Path::Unknown => Meaning::Unknown,
            };
        }
        let ExprKind::Field(base, name) = &named.kind else { return Meaning::Unknown };
        match self.receiver(from, base, DEPTH) {
            Some(Receiver::Class(class)) => Meaning::Of(class, name),
            Some(Receiver::Foreign(ty)) => Meaning::OfForeign(ty),
            None => Meaning::Unknown,
        }
    }

    /// Whether a function may be called by who knows a trait, and not the type that has it.
    fn is_of_trait(&self, at: FuncRef) -> bool {
        let unit = self.program.unit(at.unit);
        match unit.functions[at.func.index()].kind {
            FuncKind::Method(class) => {
                let class = &unit.classes[class.index()];
                is_trait(class) || !class.implements.is_empty()
            }
            _ => false,
        }
    }

    /// The class that a function is a method of.
    fn class_of(&self, at: FuncRef) -> Option<ClassRef> {
        let functions = &self.program.unit(at.unit).functions;
        let around = std::iter::successors(Some(at.func), |func| functions.get(func.index())?.parent);
        around.into_iter().find_map(|func| match functions.get(func.index())?.kind {
            FuncKind::Method(class) | FuncKind::Constructor(class) => {
                Some(self.program.home(ClassRef { unit: at.unit, class }))
            }
            _ => None,
        })
    }

    /// Whether a function may be the one that a class has under a name.
    fn has(&self, class: ClassRef, name: &'p str, at: FuncRef) -> bool {
        // A class may have one name from several traits.
        if self.class_of(at) == Some(self.program.home(class)) {
            return true;
        }
        let mut known = self.methods.borrow_mut();
        let all = known.entry((class, name)).or_insert_with(|| {
            self.program.alternatives(class, name).into_iter().chain(self.own(class, name)).collect()
        });
        all.is_empty() || all.contains(&at)
    }

    /// The function that a class itself has under a name.
    fn own(&self, class: ClassRef, name: &str) -> Option<FuncRef> {
        self.program.method(class, name).or_else(|| self.program.static_method(class, name))
    }

    /// The function that a name stands for.
    fn function(&self, found: Exported<'p>) -> Option<FuncRef> {
        let Exported::Value(unit, expr) = found else { return None };
        let functions = &self.program.unit(unit).functions;
        match &expr.kind {
            ExprKind::Func(func) => Some(FuncRef { unit, func: *func }),
            ExprKind::Slot(slot) => {
                let name = &self.program.unit(unit).slots[slot.index()].name;
                let is_it = |func: &crate::ir::Func| func.kind == FuncKind::Declared && func.name == *name;
                let mut all = functions.iter().enumerate().filter(|(_, func)| is_it(func));
                let (at, _) = all.next()?;
                all.next().is_none().then_some(FuncRef { unit, func: FuncId(u32::try_from(at).ok()?) })
            }
            _ => None,
        }
    }

    /// What a path means.
    fn path(&self, from: FuncRef, expr: &'p Expr) -> Path<'p> {
        let unit = from.unit;
        match &expr.kind {
            ExprKind::Class(_) | ExprKind::Func(_) => Path::To(Exported::Value(unit, expr)),
            ExprKind::Global(name) => self.program.global(unit, name).map_or(Path::Unknown, Path::To),
            ExprKind::Slot(slot) => {
                let Some(import) = self.program.unit(unit).imports.iter().find(|import| import.slot == *slot) else {
                    return Path::To(Exported::Value(unit, expr));
                };
                let first = import.source.split("::").next().unwrap_or_default();
                match self.names.imported(unit, *slot) {
                    Some(found) => Path::To(found),
                    None if self.program.global(unit, first).is_none() => Path::Outside,
                    None => Path::Unknown,
                }
            }
            ExprKind::Field(base, name) => match self.path(from, base) {
                Path::To(Exported::Module(file)) => self.program.member(file, name).map_or(Path::Unknown, Path::To),
                Path::To(Exported::External) | Path::Outside => Path::Outside,
                Path::To(found) => self.program.class_of_export(found).map_or(Path::Unknown, |it| Path::Of(it, name)),
                Path::Unknown => self.beside(from, base, name),
                Path::Named(first) => match &base.kind {
                    ExprKind::Field(_, last) => Path::Named(last),
                    _ => Path::Named(first),
                },
                Path::Of(..) => Path::Unknown,
            },
            _ => Path::Unknown,
        }
    }

    /// What the path of a name that no module declares leads to: a type parameter, `Self`, a crate from outside, or a type
    /// that every file knows.
    fn beside(&self, from: FuncRef, base: &'p Expr, name: &'p str) -> Path<'p> {
        let ExprKind::Global(text) = &base.kind else { return Path::Unknown };
        let ty = Written { unit: from.unit, text, func: Some(from.func), class: self.class_of(from) };
        match self.of_type(ty) {
            Some(Receiver::Class(class)) => Path::Of(class, name),
            Some(Receiver::Foreign(_)) => Path::Named(text),
            None => Path::Unknown,
        }
    }

    /// What is known of what a method is called on.
    fn receiver(&self, from: FuncRef, expr: &'p Expr, depth: usize) -> Option<Receiver<'p>> {
        let depth = depth.checked_sub(1)?;
        match &expr.kind {
            ExprKind::This => self.class_of(from).map(Receiver::Class),
            ExprKind::Slot(slot) if self.program.type_of_slot(from.unit, *slot).is_none() => {
                match self.definition(from, *slot)? {
                    Definition::Set(func, value) => self.receiver(FuncRef { func: *func, ..from }, value, depth),
                    Definition::Call(func, call) => self.result(FuncRef { func: *func, ..from }, call, depth),
                    Definition::Param(..) => None,
                }
            }
            _ => self.of_type(self.declared(from, expr, depth)?),
        }
    }

    /// The type that something is declared with.
    fn declared(&self, from: FuncRef, expr: &'p Expr, depth: usize) -> Option<Written<'p>> {
        let depth = depth.checked_sub(1)?;
        match &expr.kind {
            ExprKind::Slot(slot) => {
                self.program.type_of_slot(from.unit, *slot).or_else(|| match self.definition(from, *slot)? {
                    Definition::Set(func, value) => self.declared(FuncRef { func: *func, ..from }, value, depth),
                    Definition::Call(..) | Definition::Param(..) => None,
                })
            }
            ExprKind::Field(base, name) => {
                let Receiver::Class(class) = self.receiver(from, base, depth)? else { return None };
                let (part, field) = self.program.field(class, name)?;
                let text = field.ty.as_deref()?;
                Some(Written { unit: part.unit, text, func: None, class: Some(class) })
            }
            ExprKind::Element(all) => self.program.element_type(self.declared(from, all, depth)?),
            _ => None,
        }
    }

    /// The one place that gives a variable its value.
    fn definition(&self, from: FuncRef, slot: SlotId) -> Option<&Definition<'p>> {
        let all = self.definitions[from.unit.0 as usize].of.get(&slot)?;
        all.first().filter(|_| all.len() == 1)
    }

    /// What is known of the result of a call.
    fn result(&self, from: FuncRef, call: &'p Call, depth: usize) -> Option<Receiver<'p>> {
        let func = match &call.callee.kind {
            _ if is_path(self.program.unit(from.unit), &call.callee) => match self.path(from, &call.callee) {
                Path::Of(class, name) => self.own(class, name)?,
                Path::To(found) => self.function(found)?,
                Path::Named(_) | Path::Outside | Path::Unknown => return None,
            },
            ExprKind::Field(base, name) => {
                let Receiver::Class(class) = self.receiver(from, base, depth)? else { return None };
                match self.own(class, name) {
                    Some(func) => func,
                    None if self.program.gives_itself(class, name) => return Some(Receiver::Class(class)),
                    None => return None,
                }
            }
            _ => return None,
        };
        self.of_type(self.program.type_returned(func)?)
    }

    fn of_type(&self, ty: Written<'p>) -> Option<Receiver<'p>> {
        match self.names.meant(ty).class {
            Some(class) => Some(Receiver::Class(class)),
            None => self.program.is_foreign(ty).then_some(Receiver::Foreign(ty)),
        }
    }
}

/// What a path means.
enum Path<'p> {
    To(Exported<'p>),
    /// What a class has under a name.
    Of(ClassRef, &'p str),
    /// What a type or a module has that goes by a name which leads to nothing in the project.
    Named(&'p str),
    Outside,
    Unknown,
}
