//! The linked program: all units, and what a name of one means in another.
//!
//! Linking never fails. What does not resolve stays unknown, and unknown is never evidence.

mod manifest;
mod modules;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

pub use manifest::Fault;
pub use modules::{FileId, Modules, join};

use crate::ir::{ClassId, Export, ExportTarget, ExprKind, FuncId, ImportName, Unit};

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
    resolved: Vec<FxHashMap<String, Option<UnitId>>>,
    /// The unit of each file that was lowered.
    of_file: FxHashMap<FileId, UnitId>,
    classes: FxHashMap<String, Vec<ClassRef>>,
    /// The classes that name another as what they extend or implement.
    below: FxHashMap<String, Vec<ClassRef>>,
}

/// What an exported name turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Exported<'p> {
    /// A value of a unit's module body.
    Value(UnitId, &'p crate::ir::Expr),
    /// A whole module.
    Module(UnitId),
    /// A name of a module outside the project.
    External,
}

/// How many re-exports are followed before a name counts as unknown; cycles end here, too.
const HOPS: usize = 16;

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
            unit.modules().map(meant).collect()
        });
        program.resolved = resolved.collect();
        program.units = units;
        program
    }

    /// All units, in order.
    pub fn units(&self) -> impl Iterator<Item = (UnitId, &Unit)> {
        self.units.iter().enumerate().map(|(at, unit)| (UnitId(u32::try_from(at).unwrap_or(u32::MAX)), unit))
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

    /// A class.
    #[must_use]
    pub fn class(&self, at: ClassRef) -> &crate::ir::Class {
        &self.unit(at.unit).classes[at.class.index()]
    }

    /// The classes of a name, anywhere in the program.
    #[must_use]
    pub fn classes_named(&self, name: &str) -> &[ClassRef] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }

    /// The folder of the package that a unit belongs to.
    #[must_use]
    pub fn package_of(&self, unit: UnitId) -> Option<&str> {
        self.modules.package_of(&self.unit(unit).path)
    }

    /// The classes that extend or implement what goes by a name.
    #[must_use]
    pub fn classes_below(&self, name: &str) -> &[ClassRef] {
        self.below.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value that a module is as a whole (`module.exports = x`), if it is one.
    #[must_use]
    pub fn whole(&self, unit: UnitId) -> Option<&crate::ir::Expr> {
        let whole = |export: &&Export| export.name.is_empty();
        self.unit(unit).exports.iter().filter(whole).find_map(|export| match &export.target {
            ExportTarget::Value(value) => Some(value),
            ExportTarget::From(..) | ExportTarget::All(_) => None,
        })
    }

    /// The unit that `source`, written in `from`, names.
    #[must_use]
    pub fn resolve_module(&self, from: UnitId, source: &str) -> Option<UnitId> {
        match self.resolved[from.0 as usize].get(source) {
            Some(known) => *known,
            None => self.look_up(self.unit(from), source),
        }
    }

    fn look_up(&self, from: &Unit, source: &str) -> Option<UnitId> {
        let file = self.modules.resolve(&from.path, source)?;
        self.of_file.get(&file).copied()
    }

    /// What a name exported by a unit is.
    #[must_use]
    pub fn export(&self, unit: UnitId, name: &ImportName) -> Option<Exported<'_>> {
        self.export_within(unit, name, HOPS)
    }

    fn export_within(&self, unit: UnitId, name: &ImportName, hops: usize) -> Option<Exported<'_>> {
        let hops = hops.checked_sub(1)?;
        let wanted = match name {
            ImportName::Namespace => return Some(Exported::Module(unit)),
            ImportName::Default => "default",
            ImportName::Named(name) => name.as_str(),
        };
        let exports = &self.unit(unit).exports;
        let named = |e: &&Export| e.name == wanted && !matches!(e.target, ExportTarget::All(_));
        if let Some(export) = exports.iter().find(named) {
            return match &export.target {
                ExportTarget::Value(value) => Some(Exported::Value(unit, value)),
                ExportTarget::From(source, name) => match self.resolve_module(unit, source) {
                    Some(next) => self.export_within(next, name, hops),
                    None => Some(Exported::External),
                },
                ExportTarget::All(source) => self.resolve_module(unit, source).map(Exported::Module),
            };
        }
        // A module that is one value answers for its default export.
        if wanted == "default"
            && let Some(whole) = self.whole(unit)
        {
            return Some(Exported::Value(unit, whole));
        }
        let passed_on = exports.iter().filter(|e| e.name.is_empty()).find_map(|e| match &e.target {
            ExportTarget::All(source) => self.export_within(self.resolve_module(unit, source)?, name, hops),
            _ => None,
        });
        // A module without a default stands for itself where one is asked for.
        passed_on.or((wanted == "default").then_some(Exported::Module(unit)))
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
