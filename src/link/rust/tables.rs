//! What is worked out of all Rust units once: where names stand, and which pieces of code make up one type.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{ClassId, Export, ExportTarget, Expr, ExprKind, ImportName, Language, SlotId, Step, Unit};
use crate::link::{ClassRef, FileId, FuncRef, Program, UnitId, Written};

/// The tables.
#[derive(Debug, Default)]
pub(in crate::link) struct Tables {
    names: Names,
    kin: Kin,
}

/// Where names stand.
#[derive(Debug, Default)]
struct Names {
    /// The exports of each unit by their names, as positions.
    exports: Vec<FxHashMap<String, usize>>,
    /// The variables of each unit that hold imports, by their names: those at the top of the file before others.
    imports: Vec<FxHashMap<String, SlotId>>,
    /// All of them.
    import_slots: Vec<FxHashSet<SlotId>>,
    /// The files that declare others by paths of their own choice.
    parents: FxHashMap<FileId, FileId>,
    /// The classes that are declared where they stand, and not only given methods there.
    declared: FxHashSet<ClassRef>,
}

/// What belongs to one type.
#[derive(Debug, Default)]
struct Kin {
    /// Where the classes are declared of which units only have methods.
    homes: FxHashMap<ClassRef, ClassRef>,
    /// Where else methods are added to a class.
    additions: FxHashMap<ClassRef, Vec<ClassRef>>,
    /// The traits that a class implements.
    traits: FxHashMap<ClassRef, Vec<ClassRef>>,
    /// The classes that implement a trait, those of tests aside.
    implementers: FxHashMap<ClassRef, Vec<ClassRef>>,
    /// What the project adds to types from outside, by their full names.
    foreign: FxHashMap<String, ClassRef>,
    /// Those names, by what is added.
    names: FxHashMap<ClassRef, String>,
    /// By the names of methods, what traits give to everything that they fit: their implementations for a type parameter.
    blanket: FxHashMap<String, Vec<Blanket>>,
}

/// A method that a trait gives to everything of a kind.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Blanket {
    /// The trait.
    pub of: ClassRef,
    /// The method.
    pub func: FuncRef,
}

impl Tables {
    /// Fills the tables of a program that has all else by now: first those that names are looked up in, then those that
    /// take looking up.
    pub fn fill(program: &mut Program) {
        program.rust.names = Names::new(program);
        program.rust.kin = Kin::join(program);
        let (traits, implementers) = traits(program);
        program.rust.kin.traits = traits;
        program.rust.kin.implementers = implementers;
        program.rust.kin.blanket = blankets(program);
    }

    /// An export of a unit.
    pub fn export<'p>(&self, program: &'p Program, unit: UnitId, name: &str) -> Option<&'p Export> {
        let at = self.names.exports.get(unit.0 as usize)?.get(name)?;
        program.unit(unit).exports.get(*at)
    }

    /// The variable that an import of a name is held in.
    pub fn import(&self, unit: UnitId, name: &str) -> Option<SlotId> {
        self.names.imports.get(unit.0 as usize)?.get(name).copied()
    }

    /// Whether a variable holds an import.
    pub fn is_import(&self, unit: UnitId, slot: SlotId) -> bool {
        self.names.import_slots.get(unit.0 as usize).is_some_and(|slots| slots.contains(&slot))
    }

    /// The file that declares another, where its place does not tell.
    pub fn parent(&self, file: FileId) -> Option<FileId> {
        self.names.parents.get(&file).copied()
    }

    /// Where a class is declared.
    pub fn home(&self, class: ClassRef) -> ClassRef {
        self.kin.homes.get(&class).copied().unwrap_or(class)
    }

    /// Where methods are added to a class besides its home.
    pub fn additions(&self, home: ClassRef) -> &[ClassRef] {
        self.kin.additions.get(&home).map_or(&[], Vec::as_slice)
    }

    /// The traits that a class implements.
    pub fn traits(&self, home: ClassRef) -> &[ClassRef] {
        self.kin.traits.get(&home).map_or(&[], Vec::as_slice)
    }

    /// What the project adds to a type from outside, by its full name or, where no other has it, by its last.
    pub fn foreign(&self, name: &str) -> Option<ClassRef> {
        let last = |name: &str| name.rsplit("::").next().map(ToOwned::to_owned);
        let named = || self.foreign_named(|known| last(known) == last(name));
        self.kin.foreign.get(name).copied().or_else(named)
    }

    /// What the project adds to the one type from outside whose full name is accepted.
    pub fn foreign_named(&self, accepts: impl Fn(&str) -> bool) -> Option<ClassRef> {
        let mut named = self.kin.foreign.iter().filter(|(name, _)| accepts(name));
        let (_, only) = named.next()?;
        named.next().is_none().then_some(*only)
    }

    /// The full name of a type from outside that the project adds to.
    pub fn foreign_name(&self, home: ClassRef) -> Option<&str> {
        self.kin.names.get(&home).map(String::as_str)
    }

    /// The methods of a name that traits give to everything that they fit.
    pub fn blankets(&self, name: &str) -> &[Blanket] {
        self.kin.blanket.get(name).map_or(&[], Vec::as_slice)
    }

    /// The classes that implement a trait.
    pub fn implementers(&self, home: ClassRef) -> &[ClassRef] {
        self.kin.implementers.get(&home).map_or(&[], Vec::as_slice)
    }
}

impl Names {
    fn new(program: &Program) -> Self {
        let mut names = Self::default();
        for (id, unit) in program.units() {
            let is_rust = unit.language == Language::Rust;
            let mut exports = FxHashMap::default();
            let mut imports: FxHashMap<String, SlotId> = FxHashMap::default();
            let mut slots = FxHashSet::default();
            if is_rust {
                for (at, export) in unit.exports.iter().enumerate().filter(|(_, export)| !export.name.is_empty()) {
                    // What a file defines goes before what it passes on under the same name.
                    if matches!(export.target, ExportTarget::Value(_)) {
                        exports.insert(export.name.clone(), at);
                    } else {
                        exports.entry(export.name.clone()).or_insert(at);
                    }
                }
                for import in &unit.imports {
                    let slot = &unit.slots[import.slot.index()];
                    slots.insert(import.slot);
                    if slot.owner.0 == 0 {
                        imports.insert(slot.name.clone(), import.slot);
                    } else {
                        imports.entry(slot.name.clone()).or_insert(import.slot);
                    }
                }
                names.note_parents(program, unit);
                names.declared.extend(declared(unit).map(|class| ClassRef { unit: id, class }));
            }
            names.exports.push(exports);
            names.imports.push(imports);
            names.import_slots.push(slots);
        }
        names
    }

    /// Notes which files a unit declares, where their places do not tell.
    fn note_parents(&mut self, program: &Program, unit: &Unit) {
        let Some(file) = program.modules.file_at(&unit.path) else { return };
        let declares = |source: &str, name: &ImportName| *name == ImportName::Namespace && source.starts_with('.');
        for import in unit.imports.iter().filter(|import| declares(&import.source, &import.name)) {
            if let Some(child) = program.modules.resolve(&unit.path, &import.source) {
                self.parents.insert(child, file);
            }
        }
    }
}

impl Kin {
    /// Finds where the classes are declared to which units only add methods.
    fn join(program: &Program) -> Self {
        let mut kin = Self::default();
        for class in classes(program) {
            let name = &program.class(class).name;
            if program.rust.names.declared.contains(&class) || is_parameter(program, class) {
                continue;
            }
            let written = Written { unit: class.unit, text: name, func: None, class: None };
            let home = super::types::declared_class(program, written).unwrap_or_else(|| {
                // A type from outside: its additions are one class, wherever in the project they stand.
                let name = super::types::names_of_type(program, written).into_iter().next().unwrap_or_default();
                let home = *kin.foreign.entry(name.clone()).or_insert(class);
                kin.names.insert(home, name);
                home
            });
            if home != class {
                kin.homes.insert(class, home);
                kin.additions.entry(home).or_default().push(class);
            }
        }
        kin
    }
}

/// The classes of a unit that are declared there, and not only given methods.
fn declared(unit: &Unit) -> impl Iterator<Item = ClassId> {
    let steps = unit.functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps);
    steps.filter_map(|step| match step {
        Step::Set { value: Expr { kind: ExprKind::Class(class), .. }, .. } => Some(*class),
        _ => None,
    })
}

/// Whether what methods are added to is a type parameter: their bounds say what it must be.
fn is_parameter(program: &Program, class: ClassRef) -> bool {
    let it = program.class(class);
    let mut funcs = it.methods.iter().map(|method| program.func(FuncRef { unit: class.unit, func: method.func }));
    funcs.any(|func| func.bounds.iter().any(|(name, _)| *name == it.name))
}

/// Whether a type from outside carries a value or an error: here such a value is plain, of whatever type it is.
fn is_carrier(name: &str) -> bool {
    name == "Option" || name.ends_with("Result")
}

/// The methods that traits give to everything that they fit, by name.
fn blankets(program: &Program) -> FxHashMap<String, Vec<Blanket>> {
    let mut found: FxHashMap<String, Vec<Blanket>> = FxHashMap::default();
    for class in classes(program) {
        let is_whole = !program.rust.names.declared.contains(&class)
            && (is_parameter(program, class) || is_carrier(&program.class(class).name));
        for of in program.rust.traits(class).iter().copied().filter(|_| is_whole) {
            for method in &program.class(class).methods {
                let func = FuncRef { unit: class.unit, func: method.func };
                found.entry(method.name.clone()).or_default().push(Blanket { of, func });
            }
        }
    }
    found
}

/// All classes of Rust units.
fn classes(program: &Program) -> impl Iterator<Item = ClassRef> {
    let rust = program.units().filter(|(_, unit)| unit.language == Language::Rust);
    rust.flat_map(|(id, unit)| {
        (0..unit.classes.len())
            .map(move |at| ClassRef { unit: id, class: ClassId(u32::try_from(at).unwrap_or(u32::MAX)) })
    })
}

type Relations = FxHashMap<ClassRef, Vec<ClassRef>>;

/// Which traits each class implements, and which classes each trait is implemented by.
fn traits(program: &Program) -> (Relations, Relations) {
    let (mut traits, mut implementers) = (Relations::default(), Relations::default());
    for class in classes(program) {
        let it = program.class(class);
        let home = program.home(class);
        let in_tests = !it.methods.is_empty()
            && it.methods.iter().all(|m| program.func(FuncRef { unit: class.unit, func: m.func }).is_test);
        for implemented in &it.implements {
            let written = Written { unit: class.unit, text: implemented, func: None, class: None };
            let Some(of) = super::types::declared_class(program, written) else { continue };
            add(&mut traits, home, of);
            if !in_tests {
                add(&mut implementers, of, home);
            }
        }
    }
    (traits, implementers)
}

fn add(to: &mut Relations, key: ClassRef, value: ClassRef) {
    let known = to.entry(key).or_default();
    if !known.contains(&value) {
        known.push(value);
    }
}
