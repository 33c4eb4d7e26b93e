//! What a module exports, through re-exports.

use crate::ir::{Export, ExportTarget, ImportName};
use crate::link::{Exported, FileId, Program};

/// How many re-exports are followed before a name counts as unknown; cycles end here, too.
const HOPS: usize = 16;

/// What a name exported by a module is.
pub(in crate::link) fn export<'p>(program: &'p Program, module: FileId, name: &'p ImportName) -> Option<Exported<'p>> {
    export_within(program, module, name, HOPS)
}

/// What a module has under the name of a member.
pub(in crate::link) fn member<'p>(program: &'p Program, module: FileId, name: &'p str) -> Option<Exported<'p>> {
    named(program, module, name, HOPS)
}

fn export_within<'p>(program: &'p Program, module: FileId, name: &'p ImportName, hops: usize) -> Option<Exported<'p>> {
    match name {
        ImportName::Namespace => Some(Exported::Module(module)),
        ImportName::Default => named(program, module, "default", hops),
        ImportName::Named(name) => named(program, module, name, hops),
    }
}

fn named<'p>(program: &'p Program, module: FileId, wanted: &'p str, hops: usize) -> Option<Exported<'p>> {
    let hops = hops.checked_sub(1)?;
    let unit = *program.of_file.get(&module)?;
    let exports = &program.unit(unit).exports;
    let own = |e: &&Export| e.name == wanted && !matches!(e.target, ExportTarget::All(_));
    if let Some(export) = exports.iter().find(own) {
        return match &export.target {
            ExportTarget::Value(value) => Some(Exported::Value(unit, value)),
            ExportTarget::From(source, name) => match program.module(unit, source) {
                Some(next) => export_within(program, next, name, hops),
                None => Some(Exported::External),
            },
            ExportTarget::All(source) => program.module(unit, source).map(Exported::Module),
        };
    }
    // A module that is one value answers for its default export.
    if wanted == "default"
        && let Some((unit, whole)) = program.whole(module)
    {
        return Some(Exported::Value(unit, whole));
    }
    let passed_on = exports.iter().filter(|e| e.name.is_empty()).find_map(|e| match &e.target {
        ExportTarget::All(source) => named(program, program.module(unit, source)?, wanted, hops),
        _ => None,
    });
    // A module without a default stands for itself where one is asked for.
    passed_on.or((wanted == "default").then_some(Exported::Module(module)))
}
