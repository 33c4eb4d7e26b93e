//! Functions that only the program itself runs, one run at a time: what `main` calls on its way up, the commands of a tool,
//! a job that is started once. Another run of them takes another run of the whole program.
//!
//! Where types and paths do not tell what a call means, its name does, so that this errs on one side: what a name may also
//! mean is taken to be called from there.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::callees::Callees;
use super::reach::{Caller, Reach, called_name, is_path};
use super::survey::Shape;
use crate::ir::{BlockId, Expr, ExprKind, Func, FuncId, FuncKind, Language, Unit};
use crate::link::{FuncRef, Program, UnitId};

/// Traits of the language's own library. Their methods are called by who holds the value; those of other foreign traits by
/// a library, and nobody knows how often.
const OWN_TRAITS: [&str; 22] = [
    "AsRef",
    "Clone",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Drop",
    "Eq",
    "Error",
    "Extend",
    "From",
    "FromStr",
    "Hash",
    "Into",
    "Iterator",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "TryFrom",
    "Send",
    "Sync",
];

/// The functions of which no two runs go on at a time, as long as the program is started once.
pub(super) fn functions<'p>(reach: &Reach<'p>, callees: &Callees<'_, 'p>, shapes: &[Vec<Shape>]) -> FxHashSet<FuncRef> {
    let calls = Calls::of(reach, callees, shapes);
    let again = calls.follow(calls.again.clone());
    let mut several = calls.follow(calls.anybody.clone());
    // What is begun again may go on beside the one before.
    several.extend(calls.begun.iter().filter(|(holder, _)| again.contains(holder)).map(|(_, begun)| *begun));
    // What several runs call is run by several.
    several.extend(calls.abreast.iter().copied());
    let several = calls.follow(several.into_iter().collect());
    let mut once = calls.follow(calls.programs.clone());
    once.retain(|func| !several.contains(func));
    once
}

/// Who calls whom.
#[derive(Default)]
struct Calls {
    /// The functions that a function calls, or holds.
    to: FxHashMap<FuncRef, Vec<FuncRef>>,
    /// The program's own functions.
    programs: Vec<FuncRef>,
    /// Functions that are called out of sight, or handed to somebody who calls them.
    anybody: Vec<FuncRef>,
    /// Functions of which one call does not wait for the one before.
    abreast: Vec<FuncRef>,
    /// Functions that are called in a loop.
    again: Vec<FuncRef>,
    /// Blocks that are run beside the function that holds them.
    begun: Vec<(FuncRef, FuncRef)>,
}

impl Calls {
    fn of<'p>(reach: &Reach<'p>, callees: &Callees<'_, 'p>, shapes: &[Vec<Shape>]) -> Self {
        let program = reach.program;
        let mut calls = Self::default();
        let mut loops: FxHashMap<FuncRef, FxHashSet<BlockId>> = FxHashMap::default();
        let mut in_loop = |at: FuncRef, block: BlockId| {
            loops.entry(at).or_insert_with(|| looped(program, shapes, at)).contains(&block)
        };
        let handed: FxHashMap<UnitId, Handed<'_>> =
            rust(program).map(|(id, unit)| (id, Handed::of(id, unit))).collect();
        let mut named: FxHashMap<&str, Vec<(FuncRef, &Expr)>> = FxHashMap::default();
        for (name, holder, value) in handed.values().flat_map(|it| &it.named) {
            named.entry(name).or_default().push((*holder, value));
        }
        for (id, unit) in rust(program) {
            for (at, func) in unit.functions.iter().enumerate() {
                let here = FuncRef { unit: id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
                // What does nothing to any data is of no interest.
                if func.is_test || func.kind == FuncKind::Module || !shapes[id.0 as usize][at].reaches_held {
                    continue;
                }
                if func.kind == FuncKind::Anonymous {
                    let Some((holder, block)) = handed[&id].literals.get(&here.func) else { continue };
                    let holder = FuncRef { unit: id, func: *holder };
                    calls.to.entry(holder).or_default().push(here);
                    calls.begun.push((holder, here));
                    // What takes something is called by who has it; what takes nothing is a block that is run beside.
                    if !func.params.is_empty() || in_loop(holder, *block) {
                        calls.abreast.push(here);
                    }
                    continue;
                }
                if func.kind == FuncKind::Declared && func.name == "main" {
                    calls.programs.push(here);
                    continue;
                }
                let waits = shapes[id.0 as usize][at].awaits;
                let mut is_called = false;
                for Caller { func: caller, call, block } in reach.callers(here) {
                    if caller == here || program.func(caller).is_test || !callees.may_mean(caller, &call.callee, here) {
                        continue;
                    }
                    is_called = true;
                    calls.to.entry(caller).or_default().push(here);
                    if in_loop(caller, block) {
                        calls.again.push(here);
                        if waits && !call.awaited {
                            calls.abreast.push(here);
                        }
                    }
                }
                let mut values = reach.names_of(func).flat_map(|(name, _)| named.get(name).into_iter().flatten());
                let is_handed = values.any(|(holder, value)| {
                    // A method is named with its type.
                    let is_bare = !matches!(value.kind, ExprKind::Field(..));
                    let fits = !is_bare || !matches!(func.kind, FuncKind::Method(_));
                    fits && callees.may_mean(*holder, value, here)
                });
                if !is_called || is_handed || is_called_by_library(program, unit, func) {
                    calls.anybody.push(here);
                }
            }
        }
        calls
    }

    /// Some functions, and all that they run.
    fn follow(&self, from: Vec<FuncRef>) -> FxHashSet<FuncRef> {
        let mut found: FxHashSet<FuncRef> = from.iter().copied().collect();
        let mut todo: VecDeque<FuncRef> = from.into();
        while let Some(func) = todo.pop_front() {
            for next in self.to.get(&func).into_iter().flatten() {
                if found.insert(*next) {
                    todo.push_back(*next);
                }
            }
        }
        found
    }
}

fn rust(program: &Program) -> impl Iterator<Item = (UnitId, &Unit)> {
    program.units().filter(|(_, unit)| unit.language == Language::Rust)
}

/// The functions that a file speaks of without calling them.
struct Handed<'u> {
    /// Function literals, with the function and the block that hold them.
    literals: FxHashMap<FuncId, (FuncId, BlockId)>,
    /// Others: the name, the function that speaks of it, and how it does.
    named: Vec<(&'u str, FuncRef, &'u Expr)>,
}

impl<'u> Handed<'u> {
    fn of(id: UnitId, unit: &'u Unit) -> Self {
        let mut handed = Self { literals: FxHashMap::default(), named: Vec::new() };
        for (at, func) in unit.functions.iter().enumerate().filter(|(_, func)| !func.is_test) {
            let holder = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
            for (index, block) in func.blocks.iter().enumerate() {
                let here = (holder, BlockId(u32::try_from(index).unwrap_or(u32::MAX)));
                // A module only declares.
                let values = block.values().filter(|_| func.kind != FuncKind::Module);
                for (value, is_callee) in values {
                    value.any(&mut |part| {
                        let is_called = is_callee && std::ptr::eq(part, value);
                        handed.note(id, unit, part, is_called, here);
                        false
                    });
                }
            }
        }
        handed
    }

    fn note(&mut self, id: UnitId, unit: &'u Unit, part: &'u Expr, is_called: bool, here: (FuncId, BlockId)) {
        let holder = FuncRef { unit: id, func: here.0 };
        match &part.kind {
            ExprKind::Func(func) if unit.functions[func.index()].kind == FuncKind::Anonymous => {
                self.literals.entry(*func).or_insert(here);
            }
            ExprKind::Func(func) if !is_called => {
                self.named.push((&unit.functions[func.index()].name, holder, part));
            }
            ExprKind::Field(..) | ExprKind::Global(_) | ExprKind::Slot(_) if !is_called && is_path(unit, part) => {
                self.named.extend(called_name(unit, part).map(|name| (name, holder, part)));
            }
            _ => {}
        }
    }
}

/// The blocks of a function that may be run several times.
fn looped(program: &Program, shapes: &[Vec<Shape>], at: FuncRef) -> FxHashSet<BlockId> {
    let func = program.func(at);
    let order = &shapes[at.unit.0 as usize][at.func.index()].order;
    let position: FxHashMap<BlockId, usize> = order.iter().enumerate().map(|(at, block)| (*block, at)).collect();
    let mut found = FxHashSet::default();
    for (last, block) in order.iter().enumerate() {
        let heads = super::survey::successors(func, *block).filter_map(|next| position.get(&next).copied());
        for head in heads.filter(|head| *head <= last) {
            found.extend(order[head..=last].iter().copied());
        }
    }
    found
}

/// Whether a method may belong to a trait that a library calls.
fn is_called_by_library(program: &Program, unit: &Unit, func: &Func) -> bool {
    let FuncKind::Method(class) = func.kind else { return false };
    let name = |written: &str| {
        let path = written.split('<').next().unwrap_or_default().trim();
        path.rsplit("::").next().unwrap_or_default().to_owned()
    };
    unit.classes[class.index()]
        .implements
        .iter()
        .map(|it| name(it))
        .any(|it| !OWN_TRAITS.contains(&it.as_str()) && program.classes_named(&it).is_empty())
}
