//! What kind of object a value is: of which class of the project, or of which type of a library.

use super::elaborate::{At, Elaborator};
use super::names::InLibraries;
use super::trace::RegionId;
use super::value::{ArrayItem, ObjectEntry, Val, ValId};
use crate::finding::Confidence;
use crate::ir::{BinaryOp, Class, SlotId};
use crate::library::{CallPattern, Callee, Library, Rows, TypePattern, TypeRow};
use crate::link::{ClassRef, FuncRef, UnitId, Written, last_name};

/// How deep in what a type holds is looked for something that calls can be followed on.
const HELD: usize = 3;

/// A value recognised as one of a library's types.
#[derive(Clone, Copy)]
pub(super) struct Typed<'m> {
    pub library: &'m Library,
    pub row: &'m TypeRow,
    pub confidence: Confidence,
}

impl<'m> Elaborator<'m, '_> {
    /// The class of the project that a value is an instance of.
    pub fn class_of(&self, value: ValId) -> Option<ClassRef> {
        if let Some(known) = self.classes.borrow().get(&value) {
            return *known;
        }
        // A value that is made from itself, through a loop, adds nothing.
        self.classes.borrow_mut().insert(value, None);
        let found = self.find_class(value);
        self.classes.borrow_mut().insert(value, found);
        found
    }

    fn find_class(&self, value: ValId) -> Option<ClassRef> {
        if let Some(class) = self.class_of_row(value) {
            return Some(class);
        }
        match self.trace.values.get(value) {
            Val::This(class) | Val::Instance(class) | Val::Made(class, _) => Some(*class),
            // What the constructor of a type without named fields gives.
            Val::Call { callee, is_new: false, .. } if matches!(self.trace.values.get(*callee), Val::Class(_)) => {
                match self.trace.values.get(*callee) {
                    Val::Class(class) => Some(*class),
                    _ => None,
                }
            }
            Val::Call { .. } if let Some((class, _)) = self.variant_made(value) => Some(class),
            Val::Param(..)
            | Val::Declared(..)
            | Val::Field(..)
            | Val::Call { .. }
            | Val::Element(_)
            | Val::Result(_) => {
                let declared = self.declared_type(value).and_then(|ty| self.model.survey.names().meant(ty).class);
                declared.or_else(|| self.class_within(value))
            }
            // What the project adds to the library's own type.
            Val::Handle(region) => {
                let typed = self.handle_types.get(region)?;
                let patterns = typed.row.patterns.iter().filter(|p| matches!(p, TypePattern::Declared(_)));
                self.model.program.foreign_class(|name| patterns.clone().any(|p| p.accepts(name)))
            }
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().find_map(|(_, v)| self.class_of(*v)),
            Val::Choice(_, a, b) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, b) => {
                self.class_of(*a).or_else(|| self.class_of(*b))
            }
            _ => None,
        }
    }

    /// The class that a row was made to; one that was changed is of it still.
    fn class_of_row(&self, value: ValId) -> Option<ClassRef> {
        let op = match self.trace.values.get(value) {
            Val::Object(_) => self.row_of(self.changed_row(value)?)?,
            Val::Result(op) if self.trace.op(*op).rows == Rows::Many => return None,
            _ => self.row_of(value)?,
        };
        self.trace.op(op).row
    }

    /// Notes what rows are made to, where a variable or a function says so.
    fn note_row(&mut self, value: ValId, ty: Option<Written<'m>>) {
        let (Some(op), Some(ty)) = (self.row_of(value), ty) else { return };
        let program = self.model.program;
        if self.trace.op(op).row.is_some() || self.trace.op(op).place().is_some() {
            return;
        }
        let class = program.class_of_type(program.element_type(ty).unwrap_or(ty));
        if class.is_some() {
            self.trace.ops[op.index()].row = class;
            self.classes.borrow_mut().clear();
        }
    }

    /// The class and the data of a value that is spelt out as one of the class's variants.
    pub fn variant_made(&self, value: ValId) -> Option<(ClassRef, &[ValId])> {
        let Val::Call { callee, args, .. } = self.trace.values.get(value) else { return None };
        let Val::Field(class, variant) = self.trace.values.get(*callee) else { return None };
        let Val::Class(class) = self.trace.values.get(*class) else { return None };
        self.model.program.is_variant(*class, variant).then_some((*class, args))
    }

    /// The class of what a wrapper gives out: a guard of a lock, the inside of a cell.
    fn class_within(&self, value: ValId) -> Option<ClassRef> {
        let (wrapper, member) = match self.trace.values.get(value) {
            Val::Field(wrapper, member) => (*wrapper, member),
            Val::Call { callee, args, is_new: false, .. } if args.is_empty() => match self.trace.values.get(*callee) {
                Val::Field(wrapper, member) => (*wrapper, member),
                _ => return None,
            },
            _ => return None,
        };
        let class = self.class_of(wrapper)?;
        self.model.program.gives_itself(class, member).then_some(class)
    }

    /// The type a value is declared with, where that is written.
    fn declared_type(&self, value: ValId) -> Option<Written<'m>> {
        let program = self.model.program;
        match self.trace.values.get(value) {
            Val::Declared(unit, slot) => program.type_of_slot(*unit, *slot),
            Val::Param(func, index) => {
                let param = program.func(*func).params.get(*index as usize)?;
                program.type_of_slot(func.unit, param.slot)
            }
            Val::Field(base, name) => {
                let mut class = match self.trace.values.get(*base) {
                    // A static member.
                    Val::Class(class) => *class,
                    _ => self.class_of(*base)?,
                };
                if let [only] = program.payloads(class, name)[..] {
                    return Some(only);
                }
                for _ in 0..8 {
                    if let Some((part, field)) = program.field(class, name) {
                        let text = field.ty.as_deref()?;
                        return Some(Written { unit: part.unit, text, func: None, class: Some(class) });
                    }
                    class = program.superclass(class)?;
                }
                None
            }
            // What a lock or a collection holds.
            Val::Result(op) if self.trace.op(*op).place().is_some() => {
                let held = program.unaliased(self.declared_type(self.trace.op(*op).handle?)?);
                Some(Written { text: last_argument(held.text)?, ..held })
            }
            Val::Element(all) => program.element_type(self.declared_type(*all)?),
            Val::Call { callee, is_new: false, .. } => match self.trace.values.get(*callee) {
                Val::Closure(func, _) => program.type_returned(*func),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a variable: what its declaration says, where that is a type that calls can be followed by and the
    /// value itself is of none.
    pub fn as_declared(&mut self, unit: UnitId, slot: SlotId, value: ValId) -> ValId {
        self.note_row(value, self.model.program.type_of_slot(unit, slot));
        if !self.is_vague(value) || self.model.program.unit(unit).slots[slot.index()].ty.is_none() {
            return value;
        }
        if self.typed(value).is_some() || self.class_of(value).is_some() || self.is_made_of_rows(value) {
            return value;
        }
        let declared = self.trace.values.add(Val::Declared(unit, slot));
        // What is taken apart at once, and has no name, is taken apart for what it holds.
        let is_taken_apart = self.model.program.unit(unit).slots[slot.index()].name.is_empty();
        let holds = |class| is_taken_apart && self.holds_what_reaches(class, HELD);
        if self.follows(declared) || self.class_of(declared).is_some_and(holds) { declared } else { value }
    }

    /// What a function has given: what it says it returns, where that is a type that calls can be followed by and the value
    /// itself is of none.
    pub fn as_returned(&mut self, func: FuncRef, this: Option<ValId>, args: &[ValId], value: ValId) -> ValId {
        self.note_row(value, self.model.program.type_returned(func));
        if !self.is_vague(value) || self.model.program.func(func).returns.is_none() {
            return value;
        }
        if self.typed(value).is_some() || self.class_of(value).is_some() {
            return value;
        }
        let callee = self.trace.values.add(Val::Closure(func, None));
        let mut args: Vec<ValId> = this.into_iter().chain(args.iter().copied()).collect();
        if self.is_made_of_rows(value) {
            args.push(value);
        }
        let declared = self.trace.values.add(Val::Call { callee, args, is_new: false, site: None });
        if self.follows(declared) { declared } else { value }
    }

    /// Whether a value is made of what operations gave: that says more of it than its type does.
    fn is_made_of_rows(&self, value: ValId) -> bool {
        let values = &self.trace.values;
        values.any_within(value, 8, &mut |part| matches!(values.get(part), Val::Result(_)))
    }

    /// The same, where none of them is about a place: what is there changes for everybody.
    pub fn is_made_of_read_rows(&self, value: ValId) -> bool {
        let values = &self.trace.values;
        let at_place =
            |part: ValId| matches!(values.get(part), Val::Result(op) if self.trace.op(*op).place().is_some());
        self.is_made_of_rows(value) && !values.any_within(value, 8, &mut |part| at_place(part))
    }

    /// Whether the form of a value says little of what it is.
    fn is_vague(&self, value: ValId) -> bool {
        matches!(
            self.trace.values.get(value),
            Val::Call { .. }
                | Val::Field(..)
                | Val::Index(..)
                | Val::Opaque(_)
                | Val::Derived(_)
                | Val::Binary(..)
                | Val::Choice(..)
        )
    }

    /// Whether calls on a value can be followed: of a library, or into functions that reach the database.
    fn follows(&self, value: ValId) -> bool {
        self.typed(value).is_some() || self.class_of(value).is_some_and(|class| self.reaches_database(class))
    }

    /// Whether a member of a class is declared to be something that calls can be followed on.
    fn holds_what_reaches(&self, class: ClassRef, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let fields = &self.model.program.class(class).fields;
        let types = fields.iter().filter(|field| !field.is_static).filter_map(|field| field.ty.as_deref());
        types.map(|text| Written { unit: class.unit, text, func: None, class: Some(class) }).any(|ty| {
            let reaches = |held| self.reaches_database(held) || self.holds_what_reaches(held, depth);
            self.declared_as(ty).is_some() || self.model.program.class_of_type(ty).is_some_and(reaches)
        })
    }

    /// The value of a variable at the top of a module, or of an import: where the value comes from a call that cannot be
    /// seen through, the name speaks, as it would for a module outside of the project.
    pub fn as_named(&mut self, unit: UnitId, slot: SlotId, value: ValId) -> ValId {
        let made = matches!(
            self.trace.values.get(value),
            Val::Call { .. } | Val::Opaque(_) | Val::Binary(..) | Val::Choice(..)
        );
        let name = &self.model.program.unit(unit).slots[slot.index()].name;
        if !made || self.typed(value).is_some() || self.class_of(value).is_some() || self.by_name(name).is_none() {
            return value;
        }
        self.trace.values.add(Val::Declared(unit, slot))
    }

    /// Whether a method of a class reaches the database.
    fn reaches_database(&self, class: ClassRef) -> bool {
        self.model.program.class(class).methods.iter().any(|method| {
            let shape = self.model.survey.shape(FuncRef { unit: class.unit, func: method.func });
            shape.reaches_database || shape.reaches_held
        })
    }

    /// Whether a value is declared to be of a type from outside the project, or comes from there: no method of it is one of
    /// the project's.
    pub fn is_foreign(&self, value: ValId) -> bool {
        if let Some(ty) = self.declared_type(value) {
            return self.model.program.is_foreign(ty);
        }
        match self.trace.values.get(value) {
            Val::External(..) | Val::Global(_) | Val::Const(_) | Val::Text(_) | Val::Array(_) | Val::Result(_) => true,
            Val::Field(base, _) | Val::Index(base, _) | Val::Element(base) => self.is_foreign(*base),
            Val::Call { callee, .. } => self.is_foreign(*callee),
            _ => false,
        }
    }

    /// Whether instances of a class are errors: those keep their arguments, for tests of what was thrown.
    pub fn is_error_class(&self, class: ClassRef) -> bool {
        let program = self.model.program;
        let it = program.class(class);
        it.extends
            .as_ref()
            .and_then(|e| last_name(program.unit(class.unit), e))
            .is_some_and(|n| n.contains("Error") || n.contains("Exception"))
    }

    /// The type of a library that a value is of.
    pub fn typed(&self, value: ValId) -> Option<Typed<'m>> {
        if let Some(known) = self.types.borrow().get(&value) {
            return *known;
        }
        self.types.borrow_mut().insert(value, None);
        let found = self.find_typed(value);
        self.types.borrow_mut().insert(value, found);
        found
    }

    fn find_typed(&self, value: ValId) -> Option<Typed<'m>> {
        let values = &self.trace.values;
        match values.get(value) {
            Val::Handle(region) => self.handle_types.get(region).copied(),
            Val::Query(query) => self.type_named(query.library, &query.ty),
            Val::Result(op) if self.trace.op(*op).is_held_type() => {
                self.declared_type(value).and_then(|ty| self.declared_as(ty))
            }
            Val::Result(op) => {
                // Rows that are read have a type of their own only where the library says so.
                let (row, library) = self.trace.op(*op).by?;
                let name = row.gives.as_deref()?;
                let row = library.types.iter().find(|row| row.name == name)?;
                Some(Typed { library, row, confidence: Confidence::High })
            }
            // A row that was changed is one still.
            Val::Object(_) => self.changed_row(value).and_then(|row| self.typed(row)),
            Val::Element(inner) => self.typed(*inner).filter(|_| matches!(values.get(*inner), Val::Result(_))),
            Val::Call { callee, is_new: true, .. } => {
                let name = match values.get(*callee) {
                    // The class that a module is made for goes by the module's name.
                    Val::External(module, name) if name == "default" => class_of_module(module),
                    _ => self.name_of(*callee)?.to_owned(),
                };
                self.find_type(Confidence::High, |_, p| matches!(p, TypePattern::New(_)) && p.accepts(&name))
            }
            Val::Call { callee, .. } => {
                if let Some(given) = self.given(*callee) {
                    return Some(given);
                }
                self.declared_type(value)
                    .and_then(|ty| self.declared_as(ty))
                    .or_else(|| self.by_class(value))
                    .or_else(|| self.by_name(self.name_of(*callee)?.strip_prefix("get")?))
            }
            Val::Phi(phi) => {
                let operands: Vec<ValId> = values.phi(*phi).operands.iter().map(|(_, v)| *v).collect();
                self.typed_among(&operands)
            }
            Val::Choice(_, a, b) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, b) => self.typed_among(&[*a, *b]),
            Val::External(..) | Val::Global(_) | Val::Field(..) | Val::Class(_) if self.by_path(value).is_some() => {
                self.by_path(value)
            }
            Val::External(module, name) => {
                let by_import = self.find_type(Confidence::High, |_, p| p.accepts_import(module, name));
                by_import.or_else(|| {
                    let name = if name == "default" || name == "*" {
                        module.rsplit('/').next().unwrap_or(module)
                    } else {
                        name
                    };
                    self.by_name(name)
                })
            }
            Val::Param(..) | Val::Declared(..) | Val::Field(..) | Val::This(_) | Val::Instance(_) | Val::Made(..) => {
                let declared = self.declared_type(value);
                if let Some(typed) = declared.and_then(|ty| self.declared_as(ty)) {
                    return Some(typed);
                }
                if let Some(typed) = self.by_class(value).or_else(|| self.typed_member(value)) {
                    return Some(typed);
                }
                if let Some(typed) = self.typed_payload(value) {
                    return Some(typed);
                }
                match values.get(value) {
                    Val::Made(class, _) => {
                        let name = &self.model.program.class(*class).name;
                        self.find_type(Confidence::High, |_, p| matches!(p, TypePattern::New(_)) && p.accepts(name))
                    }
                    Val::Declared(unit, slot) => self.by_name(&self.model.program.unit(*unit).slots[slot.index()].name),
                    Val::Field(_, name) => self.by_name(name),
                    Val::Param(func, index) => {
                        let unit = self.model.program.unit(func.unit);
                        let param = unit.functions[func.func.index()].params.get(*index as usize)?;
                        self.by_name(&unit.slots[param.slot.index()].name)
                    }
                    _ => None,
                }
            }
            Val::Global(name) => self.by_name(name),
            _ => None,
        }
    }

    /// The type of a member of what is one of several objects: what is absent in one of them says nothing.
    fn typed_member(&self, value: ValId) -> Option<Typed<'m>> {
        let values = &self.trace.values;
        let Val::Field(base, name) = values.get(value) else { return None };
        let mut found = Vec::new();
        let mut todo = vec![(*base, 4)];
        while let Some((base, depth)) = todo.pop() {
            match values.get(base) {
                Val::Choice(_, a, b) if depth > 0 => todo.extend([(*b, depth - 1), (*a, depth - 1)]),
                Val::Phi(phi) if depth > 0 => {
                    todo.extend(values.phi(*phi).operands.iter().rev().map(|(_, v)| (*v, depth - 1)));
                }
                Val::Object(entries) => found.extend(entries.iter().rev().find_map(|entry| match entry {
                    ObjectEntry::Field(key, member) if key == name => Some(*member),
                    _ => None,
                })),
                Val::Array(items) => found.extend(match name.parse::<usize>().ok().and_then(|at| items.get(at)) {
                    Some(ArrayItem::Value(member)) => Some(*member),
                    _ => None,
                }),
                _ => {}
            }
        }
        self.typed_among(&found)
    }

    /// The type of what variants hold, which differs between them.
    fn typed_payload(&self, value: ValId) -> Option<Typed<'m>> {
        let Val::Field(base, name) = self.trace.values.get(value) else { return None };
        let payloads = self.model.program.payloads(self.class_of(*base)?, name);
        self.sure_among(payloads.into_iter().map(|ty| self.declared_as(ty)))
    }

    /// The type of a library that what a lock or a collection holds is of.
    pub fn typed_inside(&self, holder: ValId) -> Option<Typed<'m>> {
        let held = self.model.program.unaliased(self.declared_type(holder)?);
        self.declared_as(Written { text: last_argument(held.text)?, ..held })
    }

    /// The class that a type parameter of a run stands for: the argument in the type of the receiver.
    pub fn type_argument(&self, at: &At, name: &str) -> Option<ClassRef> {
        let mut next = Some(at.frame);
        while let Some(frame) = next {
            let it = &self.trace.frames[frame.index()];
            let is_parameter = self.model.program.func(it.func).bounds.iter().any(|(known, _)| known == name);
            if let Some(this) = it.this.filter(|_| is_parameter) {
                let ty = self.declared_type(this)?;
                return self.model.program.class_of_type(Written { text: last_argument(ty.text)?, ..ty });
            }
            next = it.lexical;
        }
        None
    }

    /// Whether a value is declared to be of a library's type itself, and not only of one that stands for what it holds.
    pub fn is_itself(&self, value: ValId, library: &Library, wanted: &str) -> bool {
        let Some(ty) = self.declared_type(value) else { return false };
        let meant = self.model.survey.names().meant(ty);
        let own = meant.names.iter().find(|name| !POINTERS.contains(&name.rsplit("::").next().unwrap_or(name)));
        let accepts =
            |p: &TypePattern| matches!(p, TypePattern::Declared(_)) && own.is_some_and(|name| p.accepts(name));
        library.types.iter().any(|row| row.name == wanted && row.patterns.iter().any(accepts))
    }

    /// The type of a value that may be one of several: of a client and a transaction, the client, since what runs
    /// outside of a transaction on one way is not protected by it.
    fn typed_among(&self, values: &[ValId]) -> Option<Typed<'m>> {
        self.sure_among(values.iter().map(|value| self.typed(*value)))
    }

    fn sure_among(&self, types: impl Iterator<Item = Option<Typed<'m>>>) -> Option<Typed<'m>> {
        let mut found: Option<Typed<'m>> = None;
        for next in types.flatten() {
            found = Some(match found {
                Some(first) if first.row.transaction && !next.row.transaction => next,
                Some(first) => first,
                None => next,
            });
        }
        found
    }

    fn by_class(&self, value: ValId) -> Option<Typed<'m>> {
        let mut class = self.class_of(value)?;
        if let Some(name) = self.model.program.foreign_name(class) {
            // What the project adds methods to is what it is.
            return self.find_type(Confidence::High, |row, p| {
                !row.holder && matches!(p, TypePattern::Declared(_)) && p.accepts(name)
            });
        }
        for _ in 0..8 {
            let it = self.model.program.class(class);
            let derived = |p: &TypePattern| match p {
                TypePattern::Derive(_) => derives(it).any(|name| p.accepts(name)),
                _ => false,
            };
            if let Some(typed) = self.find_type(Confidence::High, |_, p| derived(p)) {
                return Some(typed);
            }
            if let Some(extends) = &it.extends
                && let Some(name) = last_name(self.model.program.unit(class.unit), extends)
                && let Some(typed) =
                    self.find_type(Confidence::High, |_, p| matches!(p, TypePattern::Extends(_)) && p.accepts(name))
            {
                return Some(typed);
            }
            if let Some(inner) = self.model.program.stands_before(class)
                && let Some(typed) = self.declared_as(inner)
            {
                return Some(typed);
            }
            class = self.model.program.superclass(class)?;
        }
        None
    }

    /// The library's type that a type names.
    fn declared_as(&self, ty: Written<'_>) -> Option<Typed<'m>> {
        let (library, row) = self.in_libraries(ty).named?;
        let library = self.model.registry.libraries().get(library)?;
        Some(Typed { library, row: library.types.get(row)?, confidence: Confidence::High })
    }

    /// Whether a type is the guard of a lock.
    pub fn is_guard(&self, ty: Written<'_>) -> bool {
        self.in_libraries(ty).is_guard
    }

    /// What libraries know of a type. A name that the file does not explain may come from any crate whose names it brings
    /// in all at once.
    fn in_libraries(&self, ty: Written<'_>) -> InLibraries {
        let known = self.model.survey.names();
        let meant = known.meant(ty);
        *meant.in_libraries.get_or_init(|| {
            let language = self.model.program.unit(ty.unit).language;
            let rows = || {
                let libraries = self.model.libraries_of(language);
                libraries
                    .flat_map(|(at, library)| library.types.iter().enumerate().map(move |(row, ty)| ((at, row), ty)))
            };
            let named = meant.names.iter().find_map(|name| {
                let beyond = (!name.contains("::")).then(|| known.beyond(ty.unit, name));
                let names = || std::iter::once(name).chain(beyond.iter().flat_map(|paths| paths.iter()));
                let accepts =
                    |p: &TypePattern| matches!(p, TypePattern::Declared(_)) && names().any(|name| p.accepts(name));
                rows().find(|(_, row)| !row.holder && row.patterns.iter().any(accepts)).map(|(at, _)| at)
            });
            let is_guard = |p: &TypePattern| meant.names.iter().any(|name| p.accepts(name));
            let is_guard = rows().any(|(_, row)| row.held && row.patterns.iter().any(is_guard));
            InLibraries { named, is_guard }
        })
    }

    /// The library's type that the item of a path is of. What the schema knows comes first, then the pattern that says
    /// most; libraries that the project does not use have no say.
    fn by_path(&self, value: ValId) -> Option<Typed<'m>> {
        let paths = |p: &&TypePattern| matches!(p, TypePattern::Path(_) | TypePattern::Entity);
        let mut best: Option<(usize, Typed<'m>)> = None;
        for (_, library) in self.libraries() {
            let mut patterns = library.types.iter().flat_map(|row| &row.patterns);
            if !patterns.any(|p| paths(&p))
                || !library.detect.iter().any(|name| self.model.crates.contains(name.as_str()))
            {
                continue;
            }
            let path = self.path_of(value)?;
            for row in &library.types {
                for pattern in row.patterns.iter().filter(paths) {
                    let weight = match pattern {
                        TypePattern::Path(wanted) if pattern.accepts(&path) => wanted.len(),
                        TypePattern::Entity if self.names_entity(library, value) => usize::MAX,
                        _ => continue,
                    };
                    if best.is_none_or(|(known, _)| known < weight) {
                        best = Some((weight, Typed { library, row, confidence: Confidence::High }));
                    }
                }
            }
        }
        best.map(|(_, typed)| typed)
    }

    /// The type that a row says a call gives.
    fn given(&self, callee: ValId) -> Option<Typed<'m>> {
        let unit = self.trace.home;
        if let Val::Field(base, method) = self.trace.values.get(callee)
            && let Some(base) = self.typed(*base)
        {
            let of = |pattern: &CallPattern| match &pattern.callee {
                Callee::Method { receiver, .. } => receiver == "_" || *receiver == base.row.name,
                Callee::Path(_) => false,
            };
            let named = base.library.calls_named(method).filter(|row| of(&row.on));
            let gives = named.filter_map(|row| row.gives.as_deref()).next();
            if let Some(row) = gives.and_then(|gives| base.library.types.iter().find(|row| row.name == gives)) {
                return Some(Typed { row, ..base });
            }
        }
        let name = self.name_of(callee)?;
        self.libraries().find_map(|(_, library)| {
            let row = library.calls_named(name).find(|row| {
                row.gives.is_some()
                    && matches!(&row.on.callee, Callee::Path(paths)
                        if paths.iter().any(|path| self.names_item(unit, callee, path)))
            })?;
            let row = library.types.iter().find(|ty| Some(&ty.name) == row.gives.as_ref())?;
            Some(Typed { library, row, confidence: Confidence::High })
        })
    }

    /// A type of a library by its name.
    fn type_named(&self, library: usize, name: &str) -> Option<Typed<'m>> {
        let library = self.model.registry.libraries().get(library)?;
        let row = library.types.iter().find(|row| row.name == name)?;
        Some(Typed { library, row, confidence: Confidence::High })
    }

    fn by_name(&self, name: &str) -> Option<Typed<'m>> {
        let named = self.find_type(Confidence::Medium, |_, p| matches!(p, TypePattern::Named(_)) && p.accepts(name));
        named.or_else(|| {
            let configured = self.model.clients.iter().any(|c| c == name || c.rsplit('.').next() == Some(name));
            if configured { self.find_type(Confidence::Medium, |row, _| !row.transaction) } else { None }
        })
    }

    fn find_type(&self, confidence: Confidence, fits: impl Fn(&TypeRow, &TypePattern) -> bool) -> Option<Typed<'m>> {
        self.libraries().find_map(|(_, library)| {
            let row = library.types.iter().find(|row| row.patterns.iter().any(|pattern| fits(row, pattern)))?;
            Some(Typed { library, row, confidence })
        })
    }

    /// The last name of a value that is a name.
    pub fn name_of(&self, value: ValId) -> Option<&str> {
        match self.trace.values.get(value) {
            Val::Global(name) | Val::Field(_, name) => Some(name),
            Val::External(module, name) if name == "default" || name == "*" => module.rsplit('/').next(),
            Val::External(_, name) => Some(name),
            Val::Class(class) => Some(&self.model.program.class(*class).name),
            Val::Closure(func, _) => Some(&self.model.program.func(*func).name),
            _ => None,
        }
    }

    /// The transaction that a handle belongs to: one of the trace, or one that somebody out of sight opened.
    pub fn region_of(
        &mut self,
        handle: ValId,
        site: super::trace::Site,
        block: super::trace::BlockId,
    ) -> Option<RegionId> {
        if let Val::Handle(region) = self.trace.values.get(handle) {
            return Some(*region);
        }
        if let Some((_, region)) = self.shared.iter().rev().find(|(connection, _)| *connection == handle) {
            return Some(*region);
        }
        if let Some(region) = self.region_within(handle) {
            return Some(region);
        }
        if !self.is_transaction(handle) {
            return None;
        }
        if let Some(region) = self.ambient.get(&handle) {
            return Some(*region);
        }
        let region = RegionId(u32::try_from(self.trace.regions.len()).unwrap_or(u32::MAX));
        self.trace.regions.push(super::trace::Region {
            kind: super::trace::RegionKind::Transaction { isolation: None, batch: false, ambient: true },
            site,
            ignored_level: None,
            unknown_level: false,
            on: None,
            parent: None,
            handler: None,
            block,
        });
        self.ambient.insert(handle, region);
        Some(region)
    }

    /// Whether a value is a transaction by its type, whoever has opened it.
    pub fn is_transaction(&self, value: ValId) -> bool {
        match self.typed(value) {
            Some(typed) => typed.row.transaction,
            None => self.wraps_transaction(value),
        }
    }

    /// Whether a value is of a type of the project's that holds a transaction, and nothing else of a library's.
    fn wraps_transaction(&self, value: ValId) -> bool {
        let Some(class) = self.class_of(value) else { return false };
        let fields = &self.model.program.class(class).fields;
        let types = fields.iter().filter_map(|field| field.ty.as_deref());
        let held = types
            .filter_map(|text| self.declared_as(Written { unit: class.unit, text, func: None, class: Some(class) }));
        let mut held = held.peekable();
        held.peek().is_some() && held.all(|typed| typed.row.transaction)
    }

    /// How sure it is that a value is a client and nothing else: one that is handed in, or that may as well be the handle of
    /// a transaction, is none.
    pub fn client(&self, value: ValId) -> Option<Confidence> {
        let unsure = |part: ValId| {
            matches!(self.trace.values.get(part), Val::Handle(_) | Val::Opaque(_) | Val::Phi(_) | Val::Derived(_))
        };
        let handed_in = matches!(self.trace.values.get(value), Val::Param(..) | Val::Index(..) | Val::Element(_));
        if handed_in || self.trace.values.any_within(value, 6, &mut |part| unsure(part)) {
            return None;
        }
        self.typed(value).filter(|typed| !typed.row.transaction).map(|typed| typed.confidence)
    }

    /// Whether a value is a member of a client, so that a method named like a collection's is an operation.
    pub fn is_client_member(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Field(base, _) => self.typed(*base).is_some_and(|t| t.row.entity_members),
            _ => false,
        }
    }
}
/// The name of the class that a module called `some-thing` is made for: `SomeThing`.
fn class_of_module(module: &str) -> String {
    let last = module.rsplit('/').next().unwrap_or(module);
    let words = last.split(|c: char| !c.is_alphanumeric());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(char::to_uppercase).into_iter().flatten();
            first.chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

/// The words that a class is marked with: the names in its `derive(…)`.
fn derives(class: &Class) -> impl Iterator<Item = &str> {
    let lists = class.decorators.iter().filter_map(|mark| mark.trim().strip_prefix("derive("));
    let names = lists.flat_map(|list| list.trim_end_matches(')').split(','));
    names.map(|name| name.rsplit("::").next().unwrap_or(name).trim())
}

/// Types that only point at what they hold, whoever shares it.
const POINTERS: [&str; 10] =
    ["Arc", "Rc", "Box", "Option", "Lazy", "LazyLock", "OnceCell", "OnceLock", "Pin", "CachePadded"];

/// The last argument of a generic type behind references and pointers: what a lock or a collection holds.
fn last_argument(ty: &str) -> Option<&str> {
    let mut ty = ty;
    for _ in 0..8 {
        let (name, arguments) = ty.split_once('<')?;
        let arguments = arguments.trim_end().strip_suffix('>')?;
        let mut depth = 0;
        let start = arguments.char_indices().rev().find_map(|(at, c)| {
            match c {
                '>' | ')' | ']' => depth += 1,
                '<' | '(' | '[' => depth -= 1,
                ',' if depth == 0 => return Some(at + 1),
                _ => {}
            }
            None
        });
        ty = arguments[start.unwrap_or(0)..].trim();
        let name = name.rsplit([':', '&', ' ']).next().unwrap_or(name);
        if !POINTERS.contains(&name.trim()) {
            return Some(ty);
        }
    }
    None
}
