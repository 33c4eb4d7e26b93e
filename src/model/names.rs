//! What imports and written types of a program mean, worked out once for all traces.

use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;

use crate::ir::{FuncId, SlotId};
use crate::link::{ClassRef, Exported, Program, UnitId, Written};

/// What is known so far, by unit.
#[derive(Debug)]
pub struct Names<'p> {
    program: &'p Program,
    units: Vec<Mutex<OfUnit<'p>>>,
}

/// What a type means where it is written: in which function, and in which class.
type InContext = (Option<FuncId>, Option<ClassRef>, Arc<Meant>);

/// What is known of the names in one unit.
#[derive(Debug, Default)]
struct OfUnit<'p> {
    imports: FxHashMap<SlotId, Option<Exported<'p>>>,
    /// Types by their text, and by what their parameters belong to.
    types: FxHashMap<String, Vec<InContext>>,
}

/// What a written type means.
#[derive(Debug)]
pub struct Meant {
    /// The class of the project that it names.
    pub class: Option<ClassRef>,
    /// The names that it goes by, from the outermost in.
    pub names: Vec<String>,
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

    /// What a written type means.
    #[must_use]
    pub fn meant(&self, ty: Written<'_>) -> Arc<Meant> {
        let same =
            |(func, class, _): &&(Option<FuncId>, Option<ClassRef>, Arc<Meant>)| (*func, *class) == (ty.func, ty.class);
        let known = self.known(ty.unit, |known| {
            let readings = known.types.get(ty.text)?;
            readings.iter().find(same).map(|(_, _, meant)| meant.clone())
        });
        if let Some(known) = known {
            return known;
        }
        let meant = Arc::new(Meant { class: self.program.class_of_type(ty), names: self.program.names_of_type(ty) });
        self.known(ty.unit, |known| {
            known.types.entry(ty.text.to_owned()).or_default().push((ty.func, ty.class, meant.clone()));
        });
        meant
    }

    /// Looks at what is known of a unit. Two threads may work out the same; they find the same.
    fn known<R>(&self, unit: UnitId, look: impl FnOnce(&mut OfUnit<'p>) -> R) -> R {
        let mut known = self.units[unit.0 as usize].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut known)
    }
}
