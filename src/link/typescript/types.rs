//! What type names, superclasses and members of classes mean.

use crate::ir::ExprKind;
use crate::link::{ClassRef, FuncRef, Program, UnitId, last_name};

/// How many classes may extend one another.
const HEIGHT: usize = 8;

/// The class that a type names.
pub(in crate::link) fn class_of_type(program: &Program, unit: UnitId, ty: &str) -> Option<ClassRef> {
    let name = core_type(ty);
    let it = program.unit(unit);
    let import = it.imports.iter().find(|import| it.slots[import.slot.index()].name == name);
    let imported = import.and_then(|import| program.imported(unit, &import.source, &import.name));
    if let Some(class) = imported.and_then(|imported| program.class_of_export(imported)) {
        return Some(class);
    }
    match (program.classes_named(name), program.classes_below(name)) {
        ([only], _) => Some(*only),
        // An interface, and the one class that implements it.
        ([], [only]) => Some(*only),
        (several, _) => several.iter().find(|class| class.unit == unit).copied(),
    }
}

/// The class of the project that a class extends.
pub(in crate::link) fn superclass(program: &Program, class: ClassRef) -> Option<ClassRef> {
    let unit = program.unit(class.unit);
    let extends = program.class(class).extends.as_ref()?;
    let name = last_name(unit, extends)?;
    let import = unit.imports.iter().find(|import| unit.slots[import.slot.index()].name == name);
    match import {
        Some(import) => program.class_of_export(program.imported(class.unit, &import.source, &import.name)?),
        None => program.classes_named(name).iter().find(|c| c.unit == class.unit && **c != class).copied(),
    }
}

/// A method of a class or of one that it extends; a field that holds a function is one, too. What a class only declares is
/// that of the one class below it that has it.
pub(in crate::link) fn method(program: &Program, class: ClassRef, name: &str) -> Option<FuncRef> {
    let classes = std::iter::successors(Some(class), |class| superclass(program, *class)).take(HEIGHT);
    if let Some(found) = classes.into_iter().find_map(|class| own_method(program, class, name)) {
        return Some(found);
    }
    let below = program.classes_below(&program.class(class).name).iter();
    let mut having = below.filter_map(|class| own_method(program, *class, name));
    let only = having.next()?;
    having.next().is_none().then_some(only)
}

fn own_method(program: &Program, class: ClassRef, name: &str) -> Option<FuncRef> {
    let it = program.class(class);
    if let Some(method) = it.methods.iter().find(|m| m.name == name && !m.is_getter) {
        return Some(FuncRef { unit: class.unit, func: method.func });
    }
    let field = it.fields.iter().find(|f| f.name == name).and_then(|f| f.value.as_ref());
    match field.map(|value| &value.kind) {
        Some(ExprKind::Func(func)) => Some(FuncRef { unit: class.unit, func: *func }),
        _ => None,
    }
}

/// Whether a type is one from outside the project.
pub(in crate::link) fn is_foreign(program: &Program, unit: UnitId, ty: &str) -> bool {
    let name = core_type(ty);
    let it = program.unit(unit);
    let import = it.imports.iter().find(|import| it.slots[import.slot.index()].name == name);
    match import {
        Some(import) => program.module(unit, &import.source).is_none(),
        None => !matches!(name, "any" | "unknown" | "object" | "") && class_of_type(program, unit, ty).is_none(),
    }
}

/// The names that a type goes by: its own, and those that it is another name for.
pub(in crate::link) fn names_of_type(program: &Program, unit: UnitId, ty: &str) -> Vec<String> {
    let mut names = vec![core_type(ty).to_owned()];
    while let Some(aliased) = names.last().and_then(|name| program.alias(unit, name))
        && names.len() < HEIGHT
    {
        names.push(aliased.to_owned());
    }
    names
}

/// The type inside `Promise<…>`, `… | null` and the like, without its arguments.
pub(in crate::link) fn core_type(ty: &str) -> &str {
    let mut ty = ty.trim().trim_start_matches(':').trim();
    for wrapper in ["Promise<", "Awaited<", "Readonly<", "Partial<"] {
        if let Some(inner) = ty.strip_prefix(wrapper) {
            ty = inner.strip_suffix('>').unwrap_or(inner).trim();
        }
    }
    let first = ty.split('|').map(str::trim).find(|part| !matches!(*part, "" | "null" | "undefined"));
    let ty = first.unwrap_or(ty);
    ty.split('<').next().unwrap_or(ty).trim()
}
