//! What imports and written types of a program mean, worked out once for all traces.

use std::sync::{Arc, Mutex, OnceLock};

use rustc_hash::FxHashMap;

use crate::ir::{FuncId, SlotId};
use crate::link::{ClassRef, Exported, Program, UnitId, Written};

/// What is known so far, by unit.
#[derive(Debug)]
pub struct Names<'p> {
    program: &'p Program,
    units: Vec<Mutex<OfUnit<'p>>>,
}

/// What is known of the names in one unit.
#[derive(Debug, Default)]
struct OfUnit<'p> {
    imports: FxHashMap<SlotId, Option<Exported<'p>>>,
    /// Types by their text, and by what their parameters belong to.
    types: FxHashMap<String, Vec<Reading>>,
    /// Paths outside of the project, of imports and of names that no import brings in alone.
    passed_on: FxHashMap<SlotId, Option<String>>,
    beyond: FxHashMap<String, Arc<[String]>>,
}

/// What a type means where its parameters belong to a function and a class.
#[derive(Debug)]
struct Reading {
    func: Option<FuncId>,
    class: Option<ClassRef>,
    meant: Arc<Meant>,
}

/// What a written type means.
#[derive(Debug)]
pub struct Meant {
    /// The class of the project that it names.
    pub class: Option<ClassRef>,
    /// The names that it goes by, from the outermost in.
    pub names: Vec<String>,
    /// What libraries know of it, once somebody has asked.
    pub in_libraries: OnceLock<InLibraries>,
}

/// What libraries know of a written type.
#[derive(Clone, Copy, Debug)]
pub struct InLibraries {
    /// The type that it names: the positions of the library, and of the type in it.
    pub named: Option<(usize, usize)>,
    /// Whether it is the guard of a lock.
    pub is_guard: bool,
}

impl<'p> Names<'p> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(program: &'p Program) -> Self {
        Self { program, units: program.units().map(|_| Mutex::default()).collect() }
    }

    /// What the import that a variable holds brings in; `None` for what lies outside the project, and for other variables.
    #[must_use]
    pub fn imported(&self, unit: UnitId, slot: SlotId) -> Option<Exported<'p>> {
        if let Some(known) = self.known(unit, |known| known.imports.get(&slot).copied()) {
            return known;
        }
        let import = self.program.unit(unit).imports.iter().find(|import| import.slot == slot);
        let found = import.and_then(|import| self.program.imported(unit, &import.source, &import.name));
        self.known(unit, |known| known.imports.insert(slot, found));
        found
    }

    /// The path, outside of the project, of what the import that a variable holds brings in by way of other modules of it.
    #[must_use]
    pub fn passed_on(&self, unit: UnitId, slot: SlotId) -> Option<String> {
        if let Some(known) = self.known(unit, |known| known.passed_on.get(&slot).cloned()) {
            return known;
        }
        let import = self.program.unit(unit).imports.iter().find(|import| import.slot == slot);
        let found = import.and_then(|import| self.program.passed_on(unit, &import.source, &import.name));
        self.known(unit, |known| known.passed_on.insert(slot, found.clone()));
        found
    }

    /// The paths, outside of the project, that a name may stand for which the unit brings in with all others of a module.
    #[must_use]
    pub fn beyond(&self, unit: UnitId, name: &str) -> Arc<[String]> {
        if let Some(known) = self.known(unit, |known| known.beyond.get(name).cloned()) {
            return known;
        }
        let found: Arc<[String]> = self.program.beyond(unit, name).into();
        self.known(unit, |known| known.beyond.insert(name.to_owned(), found.clone()));
        found
    }

    /// What a written type means.
    #[must_use]
    pub fn meant(&self, ty: Written<'_>) -> Arc<Meant> {
        let known = self.known(ty.unit, |known| {
            let mut readings = known.types.get(ty.text)?.iter();
            let same = |reading: &&Reading| (reading.func, reading.class) == (ty.func, ty.class);
            readings.find(same).map(|reading| reading.meant.clone())
        });
        if let Some(known) = known {
            return known;
        }
        let (class, names) = (self.program.class_of_type(ty), self.program.names_of_type(ty));
        let meant = Arc::new(Meant { class, names, in_libraries: OnceLock::new() });
        self.known(ty.unit, |known| {
            let reading = Reading { func: ty.func, class: ty.class, meant: meant.clone() };
            known.types.entry(ty.text.to_owned()).or_default().push(reading);
        });
        meant
    }

    /// Looks at what is known of a unit. Two threads may work out the same; they find the same.
    fn known<R>(&self, unit: UnitId, look: impl FnOnce(&mut OfUnit<'p>) -> R) -> R {
        let mut known = self.units[unit.0 as usize].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut known)
    }
}
