//! Which method a name stands for: the type's own wherever it stands, a trait's default, that of what the type dereferences
//! to; of a trait, that of the one type that implements it.

use crate::link::{ClassRef, FuncRef, Program, UnitId, Written};

/// How many types may stand in front of one another, and how many traits build on one another.
const DEPTH: usize = 6;

/// The method that a name stands for on an instance of a class, or on anything that implements a trait.
pub(in crate::link) fn method(program: &Program, class: ClassRef, name: &str) -> Option<FuncRef> {
    find(program, program.home(class), name, DEPTH)
}

/// The method that a trait which a unit names gives to everything. Where it is written once for each type of error, the first
/// stands for all: what is raised is passed on by either.
pub(in crate::link) fn blanket(program: &Program, unit: UnitId, name: &str) -> Option<FuncRef> {
    let it = program.unit(unit);
    let named = |of: ClassRef| {
        let name = &program.class(of).name;
        of.unit == unit || it.slots.iter().any(|slot| slot.owner.0 == 0 && slot.name == *name) || !it.globs.is_empty()
    };
    let mut given = program.rust.blankets(name).iter().filter(|given| named(given.of));
    let first = given.next()?;
    given.all(|other| other.of == first.of).then_some(first.func)
}

fn find(program: &Program, home: ClassRef, name: &str, depth: usize) -> Option<FuncRef> {
    let depth = depth.checked_sub(1)?;
    if is_trait(program, home) {
        return of_trait(program, home, name, depth);
    }
    if let Some(own) = own(program, home, name) {
        return Some(own);
    }
    let defaults = program.rust.traits(home).iter().filter_map(|of| own(program, *of, name));
    only(defaults).or_else(|| {
        let inner = program.class_of_type(stands_before(program, home)?)?;
        find(program, inner, name, depth)
    })
}

/// A method of a trait: that of the only type that has one of its own, or the default where none has.
fn of_trait(program: &Program, of: ClassRef, name: &str, depth: usize) -> Option<FuncRef> {
    let implementers = program.rust.implementers(of);
    let mut having = implementers.iter().filter_map(|class| own(program, *class, name));
    match (having.next(), having.next(), own(program, of, name)) {
        (Some(only), None, None) => Some(only),
        (Some(only), None, Some(_)) if implementers.len() == 1 => Some(only),
        (None, None, Some(default)) => Some(default),
        (None, None, None) => program.rust.traits(of).iter().find_map(|above| find(program, *above, name, depth)),
        _ => None,
    }
}

/// The methods that several types have of a trait, one of which is meant.
pub(in crate::link) fn alternatives(program: &Program, class: ClassRef, name: &str) -> Vec<FuncRef> {
    let home = program.home(class);
    if !is_trait(program, home) {
        return Vec::new();
    }
    program.rust.implementers(home).iter().filter_map(|class| own(program, *class, name)).collect()
}

fn own(program: &Program, home: ClassRef, name: &str) -> Option<FuncRef> {
    program.parts(home).find_map(|class| {
        let method = program.class(class).methods.iter().find(|method| method.name == name)?;
        Some(FuncRef { unit: class.unit, func: method.func })
    })
}

fn is_trait(program: &Program, class: ClassRef) -> bool {
    program.class(class).decorators.iter().any(|word| word == "trait")
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// The type that a class dereferences to: that of its only field, or of its first.
pub(in crate::link) fn stands_before(program: &Program, class: ClassRef) -> Option<Written<'_>> {
    let mut implemented = program.parts(class).flat_map(|class| &program.class(class).implements);
    if !implemented.any(|of| of.rsplit("::").next() == Some("Deref")) {
        return None;
    }
    let home = program.home(class);
    let field = program.class(home).fields.iter().find(|field| !field.is_static)?;
    Some(Written { unit: home.unit, text: field.ty.as_deref()?, func: None, class: Some(home) })
}

/// Members of wrappers that give what they wrap: guards of locks, the inside of cells and of what requests are taken apart
/// by.
const GIVING: [&str; 16] = [
    "0",
    "lock",
    "try_lock",
    "blocking_lock",
    "read",
    "write",
    "borrow",
    "borrow_mut",
    "get_ref",
    "get_mut",
    "load",
    "load_full",
    "deref",
    "deref_mut",
    "upgrade",
    "into_inner",
];

/// Whether a member that a class has not got is that of a wrapper around it, and gives what is wrapped.
pub(in crate::link) fn gives_itself(program: &Program, class: ClassRef, member: &str) -> bool {
    GIVING.contains(&member) && program.field(class, member).is_none() && method(program, class, member).is_none()
}
