//! Items of crates and modules by their paths.

use super::elaborate::Elaborator;
use super::value::{Val, ValId};
use crate::library::path_fits;
use crate::link::UnitId;

impl Elaborator<'_, '_> {
    /// The path of the item that a value is: `orders::find`. `None` for values that are no names.
    pub fn path_of(&self, value: ValId) -> Option<String> {
        match self.trace.values.get(value) {
            Val::Global(name) => Some(name.clone()),
            Val::External(source, name) if name == "*" => Some(source.clone()),
            Val::External(source, name) => Some(format!("{source}::{name}")),
            // A member that an instance was given is a value, and no item of its type.
            Val::Field(base, _) if self.is_filled(*base) => None,
            Val::Field(base, name) => {
                let base = self.path_of(*base)?;
                Some(format!("{base}::{name}"))
            }
            Val::Module(module) => Some(module_path(self.model.program.path_of(*module))),
            Val::Class(class) | Val::Made(class, _) => {
                let name = &self.model.program.class(*class).name;
                Some(format!("{}::{name}", module_path(&self.model.program.unit(class.unit).path)))
            }
            _ => None,
        }
    }

    /// Whether a value is an instance that was made of members.
    fn is_filled(&self, value: ValId) -> bool {
        let Val::Made(_, members) = self.trace.values.get(value) else { return false };
        matches!(self.trace.values.get(*members), Val::Object(entries) if !entries.is_empty())
    }

    /// Whether a value is the item of a path, be it by a name that came in with all others of a module.
    pub fn names_item(&self, unit: UnitId, value: ValId, wanted: &str) -> bool {
        let Some(path) = self.path_of(value) else { return false };
        if path_fits(wanted, &path) {
            return true;
        }
        let is_bare = !path.contains("::");
        is_bare && self.model.survey.names().beyond(unit, &path).iter().any(|path| path_fits(wanted, path))
    }
}

/// The path of the module in a file, as far as its own name.
fn module_path(file: &str) -> String {
    let mut parts = file.rsplit('/');
    let stem = parts.next().and_then(|name| name.split('.').next()).unwrap_or_default();
    let name = if stem == "mod" { parts.next().unwrap_or_default() } else { stem };
    format!("crate::{name}")
}
