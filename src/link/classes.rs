//! Classes of the program: what type names mean, and which method a name stands for on an instance.

use super::{ClassRef, Exported, FuncRef, Program, UnitId, rust, typescript};
use crate::ir::{ClassId, Expr, ExprKind, FieldDecl, FuncId, FuncKind, Language, SlotId};

/// A type as it is written, and where, so that its names can be read.
#[derive(Clone, Copy, Debug)]
pub struct Written<'p> {
    /// The unit it stands in.
    pub unit: UnitId,
    /// Its text.
    pub text: &'p str,
    /// The function whose type parameters it may name.
    pub func: Option<FuncId>,
    /// The class it stands in: what `Self` means.
    pub class: Option<ClassRef>,
}

impl Program {
    /// The classes of a name, anywhere in the program.
    #[must_use]
    pub fn classes_named(&self, name: &str) -> &[ClassRef] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }

    /// The classes that extend or implement what goes by a name.
    #[must_use]
    pub fn classes_below(&self, name: &str) -> &[ClassRef] {
        self.below.get(name).map_or(&[], Vec::as_slice)
    }

    /// Where a class is declared, for one of which only methods stand in a unit.
    #[must_use]
    pub fn home(&self, class: ClassRef) -> ClassRef {
        self.rust.home(class)
    }

    /// The places that make up a class: where it is declared, and where else methods are added to it.
    pub fn parts(&self, class: ClassRef) -> impl Iterator<Item = ClassRef> {
        let home = self.home(class);
        std::iter::once(home).chain(self.rust.additions(home).iter().copied())
    }

    /// What a name for a type stands for: in a unit, or else wherever in the project it is declared.
    #[must_use]
    pub fn alias(&self, unit: UnitId, name: &str) -> Option<&str> {
        let own = self.unit(unit).aliases.iter().find(|(alias, _)| alias == name).map(|(_, ty)| ty);
        own.or_else(|| self.aliases.get(name)?.as_ref()).map(String::as_str)
    }

    /// The type that a variable is declared with.
    #[must_use]
    pub fn type_of_slot(&self, unit: UnitId, slot: SlotId) -> Option<Written<'_>> {
        let slot = &self.unit(unit).slots[slot.index()];
        Some(self.written(unit, slot.owner, slot.ty.as_deref()?))
    }

    /// The type that a function is declared to return.
    #[must_use]
    pub fn type_returned(&self, func: FuncRef) -> Option<Written<'_>> {
        Some(self.written(func.unit, func.func, self.func(func).returns.as_deref()?))
    }

    fn written<'p>(&'p self, unit: UnitId, func: FuncId, text: &'p str) -> Written<'p> {
        let functions = &self.unit(unit).functions;
        let around = std::iter::successors(Some(func), |func| functions.get(func.index())?.parent);
        let class = around.into_iter().find_map(|func| match functions.get(func.index())?.kind {
            FuncKind::Method(class) | FuncKind::Constructor(class) => Some(self.home(ClassRef { unit, class })),
            _ => None,
        });
        Written { unit, text, func: Some(func), class }
    }

    /// The functions that make the errors of a function from other errors, where these leave it.
    #[must_use]
    pub fn error_conversions(&self, func: FuncRef) -> Vec<FuncRef> {
        match self.unit(func.unit).language {
            Language::TypeScript => Vec::new(),
            Language::Rust => rust::error_conversions(self, func),
        }
    }

    /// The class that a type names.
    #[must_use]
    pub fn class_of_type(&self, ty: Written<'_>) -> Option<ClassRef> {
        match self.unit(ty.unit).language {
            Language::TypeScript => typescript::class_of_type(self, ty.unit, ty.text),
            Language::Rust => rust::class_of_type(self, ty),
        }
    }

    /// The type of one element of what a type is a collection of.
    #[must_use]
    pub fn element_type<'p>(&self, ty: Written<'p>) -> Option<Written<'p>> {
        match self.unit(ty.unit).language {
            Language::TypeScript => None,
            Language::Rust => Some(Written { text: rust::element_type(ty.text)?, ..ty }),
        }
    }

    /// The names that a type goes by outside of the project, from the outermost in: what a wrapper holds comes behind it.
    #[must_use]
    pub fn names_of_type(&self, ty: Written<'_>) -> Vec<String> {
        match self.unit(ty.unit).language {
            Language::TypeScript => typescript::names_of_type(self, ty.unit, ty.text),
            Language::Rust => rust::names_of_type(self, ty),
        }
    }

    /// Whether a type is one from outside the project.
    #[must_use]
    pub fn is_foreign(&self, ty: Written<'_>) -> bool {
        match self.unit(ty.unit).language {
            Language::TypeScript => typescript::is_foreign(self, ty.unit, ty.text),
            Language::Rust => rust::is_foreign(self, ty),
        }
    }

    /// The class that a name stands for.
    #[must_use]
    pub fn class_of_export(&self, exported: Exported<'_>) -> Option<ClassRef> {
        match exported {
            Exported::Value(unit, expr) => self.class_of_expr(unit, expr),
            Exported::Member(..) | Exported::Module(_) | Exported::External => None,
        }
    }

    /// The class that a plain expression at the top of a unit stands for.
    fn class_of_expr(&self, unit: UnitId, expr: &Expr) -> Option<ClassRef> {
        match &expr.kind {
            ExprKind::Class(class) => Some(ClassRef { unit, class: *class }),
            ExprKind::Slot(slot) => {
                let name = &self.unit(unit).slots[slot.index()].name;
                let at = self.unit(unit).classes.iter().position(|class| &class.name == name)?;
                Some(ClassRef { unit, class: ClassId(u32::try_from(at).ok()?) })
            }
            _ => None,
        }
    }

    /// The class of the project that a class extends.
    #[must_use]
    pub fn superclass(&self, class: ClassRef) -> Option<ClassRef> {
        typescript::superclass(self, class)
    }

    /// The method that a name stands for on an instance of a class.
    #[must_use]
    pub fn method(&self, class: ClassRef, name: &str) -> Option<FuncRef> {
        match self.unit(class.unit).language {
            Language::TypeScript => typescript::method(self, class, name),
            Language::Rust => rust::method(self, class, name),
        }
    }

    /// The methods that types have under a name, where a class is a trait that several of them implement.
    #[must_use]
    pub fn alternatives(&self, class: ClassRef, name: &str) -> Vec<FuncRef> {
        match self.unit(class.unit).language {
            Language::TypeScript => Vec::new(),
            Language::Rust => rust::alternatives(self, class, name),
        }
    }

    /// The method of a name that a trait gives to everything it fits, where a unit names that trait.
    #[must_use]
    pub fn blanket_method(&self, unit: UnitId, name: &str) -> Option<FuncRef> {
        match self.unit(unit).language {
            Language::TypeScript => None,
            Language::Rust => rust::blanket(self, unit, name),
        }
    }

    /// The full name of a type from outside that the project adds to.
    #[must_use]
    pub fn foreign_name(&self, class: ClassRef) -> Option<&str> {
        self.rust.foreign_name(self.home(class))
    }

    /// What the project adds to the one type from outside whose full name is accepted.
    #[must_use]
    pub fn foreign_class(&self, accepts: impl Fn(&str) -> bool) -> Option<ClassRef> {
        self.rust.foreign_named(accepts)
    }

    /// A function that belongs to a class itself.
    #[must_use]
    pub fn static_method(&self, class: ClassRef, name: &str) -> Option<FuncRef> {
        self.parts(class).find_map(|class| {
            let method = self.class(class).methods.iter().find(|m| m.is_static && m.name == name)?;
            Some(FuncRef { unit: class.unit, func: method.func })
        })
    }

    /// The value of a field that belongs to a class itself, and the unit whose names it uses.
    #[must_use]
    pub fn static_value(&self, class: ClassRef, name: &str) -> Option<(UnitId, &Expr)> {
        self.parts(class).find_map(|class| {
            let field = self.class(class).fields.iter().find(|field| field.is_static && field.name == name)?;
            Some((class.unit, field.value.as_ref()?))
        })
    }

    /// A declared field of a class, and the part of the class that declares it.
    #[must_use]
    pub fn field(&self, class: ClassRef, name: &str) -> Option<(ClassRef, &FieldDecl)> {
        self.parts(class).find_map(|class| {
            let field = self.class(class).fields.iter().find(|field| field.name == name)?;
            Some((class, field))
        })
    }

    /// The type that an alias stands for; a type that is none as it is.
    #[must_use]
    pub fn unaliased<'p>(&'p self, ty: Written<'p>) -> Written<'p> {
        match self.unit(ty.unit).language {
            Language::TypeScript => ty,
            Language::Rust => rust::unaliased(self, ty),
        }
    }

    /// The types of a member that only some of a type's variants have.
    #[must_use]
    pub fn payloads(&self, class: ClassRef, name: &str) -> Vec<Written<'_>> {
        match self.unit(class.unit).language {
            Language::TypeScript => Vec::new(),
            Language::Rust => rust::payloads(self, class, name),
        }
    }

    /// Whether a name is that of a variant which has data.
    #[must_use]
    pub fn is_variant(&self, class: ClassRef, name: &str) -> bool {
        let home = self.home(class);
        self.is_made_of_members(home) && self.class(home).fields.iter().any(|field| field.is_payload(name))
    }

    /// Whether instances of a class are made by listing their members, with no constructor in between.
    #[must_use]
    pub fn is_made_of_members(&self, class: ClassRef) -> bool {
        self.unit(class.unit).language == Language::Rust
    }

    /// Whether a member that a class has not got is that of a wrapper around it, and gives what is wrapped.
    #[must_use]
    pub fn gives_itself(&self, class: ClassRef, member: &str) -> bool {
        match self.unit(class.unit).language {
            Language::TypeScript => false,
            Language::Rust => rust::gives_itself(self, class, member),
        }
    }

    /// What a class stands in front of: the type whose methods are its own, too.
    #[must_use]
    pub fn stands_before(&self, class: ClassRef) -> Option<Written<'_>> {
        match self.unit(class.unit).language {
            Language::TypeScript => None,
            Language::Rust => rust::stands_before(self, class),
        }
    }
}
