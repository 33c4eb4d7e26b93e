//! The linked program: all units, and what a name of one means in another.
//!
//! The two languages find names in their own ways, `typescript` and `rust`; [`Program`] has the one form in which the rest
//! of the program asks for them. Linking never fails. What does not resolve stays unknown, and unknown is never evidence.

mod classes;
mod modules;
mod rust;
mod typescript;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

pub use classes::Written;
pub use modules::{Fault, FileId, Modules, join};

use crate::ir::{ClassId, Export, ExportTarget, ExprKind, FuncId, ImportName, Language, Unit};

/// A unit of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub u32);

/// A function of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncRef {
    /// Its unit.
    pub unit: UnitId,
    /// The function there.
    pub func: FuncId,
}

/// A class of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassRef {
    /// Its unit.
    pub unit: UnitId,
    /// The class there.
    pub class: ClassId,
}

/// All units and the way between them.
#[derive(Debug, Default)]
pub struct Program {
    units: Vec<Unit>,
    modules: Modules,
    /// What the module names of each unit mean.
    resolved: Vec<FxHashMap<String, Option<FileId>>>,
    /// The unit of each file that was lowered.
    of_file: FxHashMap<FileId, UnitId>,
    classes: FxHashMap<String, Vec<ClassRef>>,
    /// What names for types stand for: `None` for a name that stands for several.
    aliases: FxHashMap<String, Option<String>>,
    /// The classes that name another as what they extend or implement.
    below: FxHashMap<String, Vec<ClassRef>>,
    /// What only Rust needs to know of its units.
    rust: rust::Tables,
}

/// What a name that leads to another module turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Exported<'p> {
    /// A value of a unit's module body.
    Value(UnitId, &'p crate::ir::Expr),
    /// A member of such a value: a variant of an enumeration, a function of a class.
    Member(UnitId, &'p crate::ir::Expr, &'p str),
    /// A whole module.
    Module(FileId),
    /// A name of a module outside the project.
    External,
}

impl Program {
    /// Links units. `modules` knows the files of the project, whether they are among the units or not.
    #[must_use]
    pub fn new(units: Vec<Unit>, modules: Modules) -> Self {
        let mut program = Self { modules, ..Self::default() };
        for (at, unit) in units.iter().enumerate() {
            let id = UnitId(u32::try_from(at).unwrap_or(u32::MAX));
            if let Some(file) = program.modules.file_at(&unit.path) {
                program.of_file.insert(file, id);
            }
            for (name, ty) in &unit.aliases {
                let known = program.aliases.entry(name.clone()).or_insert_with(|| Some(ty.clone()));
                if known.as_ref() != Some(ty) {
                    *known = None;
                }
            }
            for (index, class) in unit.classes.iter().enumerate() {
                let class_ref = ClassRef { unit: id, class: ClassId(u32::try_from(index).unwrap_or(u32::MAX)) };
                program.classes.entry(class.name.clone()).or_default().push(class_ref);
                let extends = class.extends.as_ref().and_then(|extends| last_name(unit, extends));
                for above in class.implements.iter().map(|ty| bare_type(ty)).chain(extends) {
                    program.below.entry(above.to_owned()).or_default().push(class_ref);
                }
            }
        }
        let resolved = units.par_iter().map(|unit| {
            let meant = |name: &str| (name.to_owned(), program.look_up(unit, name));
            unit.modules().filter(|_| unit.language == Language::TypeScript).map(meant).collect()
        });
        program.resolved = resolved.collect();
        program.units = units;
        rust::Tables::fill(&mut program);
        program
    }

    /// All units, in order.
    pub fn units(&self) -> impl Iterator<Item = (UnitId, &Unit)> {
        self.units.iter().enumerate().map(|(at, unit)| (UnitId(u32::try_from(at).unwrap_or(u32::MAX)), unit))
    }

    /// What a unit is written in; `None` where there is no such unit, as in a program without files.
    #[must_use]
    pub fn language(&self, id: UnitId) -> Option<Language> {
        self.units.get(id.0 as usize).map(|unit| unit.language)
    }

    /// A unit.
    #[must_use]
    pub fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id.0 as usize]
    }

    /// A function.
    #[must_use]
    pub fn func(&self, at: FuncRef) -> &crate::ir::Func {
        &self.unit(at.unit).functions[at.func.index()]
    }

    /// The functions of a unit.
    pub fn functions(&self, unit: UnitId) -> impl Iterator<Item = FuncRef> {
        let count = u32::try_from(self.unit(unit).functions.len()).unwrap_or(u32::MAX);
        (0..count).map(move |at| FuncRef { unit, func: FuncId(at) })
    }

    /// A class.
    #[must_use]
    pub fn class(&self, at: ClassRef) -> &crate::ir::Class {
        &self.unit(at.unit).classes[at.class.index()]
    }

    /// The folder of the package that a unit belongs to.
    #[must_use]
    pub fn package_of(&self, unit: UnitId) -> Option<&str> {
        self.modules.package_of(&self.unit(unit).path)
    }

    /// Whether code of a unit may call what another declares, as far as packages say which others they use.
    #[must_use]
    pub fn may_reach(&self, from: UnitId, at: UnitId) -> bool {
        let file = |unit: UnitId| self.modules.file_at(&self.unit(unit).path);
        match (self.unit(at).language, file(from), file(at)) {
            (Language::Rust, Some(from), Some(at)) => {
                let (crates, files) = self.modules.crates();
                crates.may_reach(files, from, at)
            }
            _ => true,
        }
    }

    /// The path of a module's file.
    #[must_use]
    pub fn path_of(&self, module: FileId) -> &str {
        self.modules.path(module)
    }

    /// The value that a module is as a whole (`module.exports = x`), if it is one.
    #[must_use]
    pub fn whole(&self, module: FileId) -> Option<(UnitId, &crate::ir::Expr)> {
        let unit = *self.of_file.get(&module)?;
        let whole = |export: &&Export| export.name.is_empty();
        self.unit(unit).exports.iter().filter(whole).find_map(|export| match &export.target {
            ExportTarget::Value(value) => Some((unit, value)),
            ExportTarget::From(..) | ExportTarget::All(_) => None,
        })
    }

    /// The module that `source`, written in `from`, names.
    #[must_use]
    pub fn module(&self, from: UnitId, source: &str) -> Option<FileId> {
        match self.resolved[from.0 as usize].get(source) {
            Some(known) => *known,
            None => self.look_up(self.unit(from), source),
        }
    }

    fn look_up(&self, from: &Unit, source: &str) -> Option<FileId> {
        self.modules.resolve(&from.path, source).filter(|file| self.of_file.contains_key(file))
    }

    /// What an import brings in; `None` for what lies outside the project or is not there.
    #[must_use]
    pub fn imported<'p>(&'p self, unit: UnitId, source: &'p str, name: &'p ImportName) -> Option<Exported<'p>> {
        match self.unit(unit).language {
            Language::TypeScript => typescript::export(self, self.module(unit, source)?, name),
            Language::Rust => rust::imported(self, unit, source, name),
        }
    }

    /// The paths, outside of the project, that a name may have which a unit brings in with all others of a module.
    #[must_use]
    pub fn beyond(&self, unit: UnitId, name: &str) -> Vec<String> {
        match self.unit(unit).language {
            Language::TypeScript => Vec::new(),
            Language::Rust => rust::beyond(self, unit, name),
        }
    }

    /// The path, outside of the project, of what an import brings in by way of a module of the project.
    #[must_use]
    pub fn passed_on<'p>(&'p self, unit: UnitId, source: &'p str, name: &ImportName) -> Option<String> {
        match self.unit(unit).language {
            Language::TypeScript => None,
            Language::Rust => rust::passed_on(self, unit, source, name),
        }
    }

    /// What a module offers under a name.
    #[must_use]
    pub fn member<'p>(&'p self, module: FileId, name: &'p str) -> Option<Exported<'p>> {
        if modules::is_rust(self.modules.path(module)) {
            rust::member(self, module, name)
        } else {
            typescript::member(self, module, name)
        }
    }

    /// What a name means that no scope of the unit declares.
    #[must_use]
    pub fn global<'p>(&'p self, unit: UnitId, name: &'p str) -> Option<Exported<'p>> {
        match self.unit(unit).language {
            Language::TypeScript => None,
            Language::Rust => rust::global(self, unit, name),
        }
    }
}

/// The last name of a plain expression, in the words of the unit that wrote it.
#[must_use]
pub fn last_name<'u>(unit: &'u Unit, expr: &'u crate::ir::Expr) -> Option<&'u str> {
    match &expr.kind {
        ExprKind::Field(_, name) | ExprKind::Global(name) => Some(name),
        ExprKind::Slot(slot) => {
            // An import keeps the name of the exporting module, which is the class's own.
            let import = unit.imports.iter().find(|import| import.slot == *slot);
            match import.map(|import| &import.name) {
                Some(ImportName::Named(name)) => Some(name),
                _ => Some(&unit.slots[slot.index()].name),
            }
        }
        ExprKind::Class(class) => Some(&unit.classes[class.index()].name),
        _ => None,
    }
}

/// The name of a type, without its arguments.
fn bare_type(ty: &str) -> &str {
    ty.split('<').next().unwrap_or(ty).trim()
}
