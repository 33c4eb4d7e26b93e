//! Names that modules of the project pass on from crates outside of it: what `use super::*` brings in where the module above
//! says `use orm::*`.

use super::paths;
use crate::ir::{Export, ExportTarget, ImportName};
use crate::link::{Exported, Program, UnitId};

/// How many modules a name is looked for in.
const MODULES: usize = 40;

/// The paths that a name may have outside of the project, where a unit brings it in with all others of a module.
pub(in crate::link) fn beyond(program: &Program, unit: UnitId, name: &str) -> Vec<String> {
    beyond_of(program, unit, unit, name)
}

/// The same for what a module offers to a unit.
fn beyond_of(program: &Program, unit: UnitId, module: UnitId, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = vec![module];
    let mut at = 0;
    while let Some(module) = seen.get(at).copied().filter(|_| at < MODULES) {
        at += 1;
        if at > 1
            && let Some(path) = imported(program, module, name)
        {
            found.push(path);
        }
        for glob in program.unit(module).globs.iter().filter(|glob| sees(program, unit, module, glob)) {
            let segments: Vec<&str> = glob.split("::").collect();
            match paths::path(program, module, &segments) {
                Some(Exported::Module(file)) => {
                    let next = program.of_file.get(&file).copied();
                    seen.extend(next.filter(|next| !seen.contains(next)));
                }
                Some(_) => {}
                None => found.push(format!("{glob}::{name}")),
            }
        }
    }
    found
}

/// The path outside of the project of what an import brings in by way of a module of the project.
pub(in crate::link) fn passed_on<'p>(
    program: &'p Program,
    unit: UnitId,
    source: &'p str,
    name: &ImportName,
) -> Option<String> {
    let ImportName::Named(name) = name else { return None };
    let segments: Vec<&str> = source.split("::").collect();
    let Some(Exported::Module(module)) = paths::path(program, unit, &segments) else { return None };
    let module = *program.of_file.get(&module)?;
    imported(program, module, name).or_else(|| beyond_of(program, unit, module, name).into_iter().next())
}

/// Whether a unit sees what another brings in with all others of a module: its own, that of a module around it, and what is
/// passed on to everybody.
fn sees(program: &Program, unit: UnitId, other: UnitId, glob: &str) -> bool {
    let file = program.modules.file_at(&program.unit(unit).path);
    if file.is_some_and(|file| paths::around(program, file).any(|it| program.of_file.get(&it) == Some(&other))) {
        return true;
    }
    let passes = |export: &Export| matches!(&export.target, ExportTarget::All(source) if source == glob);
    program.unit(other).exports.iter().any(passes)
}

/// The path outside of the project of what a unit imports under a name.
fn imported(program: &Program, unit: UnitId, name: &str) -> Option<String> {
    let slot = program.rust.import(unit, name)?;
    let import = program.unit(unit).imports.iter().find(|import| import.slot == slot)?;
    if program.imported(unit, &import.source, &import.name).is_some_and(|found| !matches!(found, Exported::External)) {
        return None;
    }
    match &import.name {
        ImportName::Named(own) => Some(format!("{}::{own}", import.source)),
        ImportName::Namespace => Some(import.source.clone()),
        ImportName::Default => None,
    }
}
