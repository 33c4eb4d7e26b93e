//! What the model stage knows of each function before it runs it: block order, loops, how often a variable is assigned,
//! and whether running it can reach the database at all.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::callees::Callees;
use super::names::Names;
use super::once;
use super::reach::{Methods, Reach};
use crate::ir::{BlockId, Call, Exit, Expr, ExprKind, Func, FuncId, FuncKind, Item, Key, SlotId, Step, Unit};
use crate::library::Library;
use crate::link::{FuncRef, Program, UnitId};

/// Methods that change their receiver: of lists, sets and maps, of texts, and of dates.
const MUTATING: [&str; 31] = [
    "push",
    "unshift",
    "pop",
    "shift",
    "splice",
    "sort",
    "reverse",
    "add",
    "set",
    "delete",
    "fill",
    "push_str",
    "extend_from_slice",
    "retain",
    "swap_remove",
    "truncate",
    "push_back",
    "setTime",
    "setMilliseconds",
    "setSeconds",
    "setMinutes",
    "setHours",
    "setDate",
    "setMonth",
    "setFullYear",
    "setUTCMilliseconds",
    "setUTCSeconds",
    "setUTCMinutes",
    "setUTCHours",
    "setUTCDate",
    "setUTCMonth",
];

/// Methods that change a collection or a text which is a member of something.
const FILLING: [&str; 14] = [
    "push",
    "push_back",
    "push_str",
    "extend",
    "extend_from_slice",
    "append",
    "insert",
    "remove",
    "swap_remove",
    "retain",
    "clear",
    "truncate",
    "splice",
    "unshift",
];

/// How many blocks a function may have that is run although it cannot reach the database: a predicate, a mapper.
const SMALL: usize = 16;

/// What is known of one function.
#[derive(Debug, Default)]
pub struct Shape {
    /// The blocks in reverse post-order, entry first.
    pub order: Vec<BlockId>,
    /// The variables assigned inside each loop, by its head.
    pub loops: FxHashMap<BlockId, Vec<SlotId>>,
    /// Whether running it can reach the database, as far as names tell.
    pub reaches_database: bool,
    /// The same, and what locks hold: calls that matter inside a run and give no reason for one.
    pub reaches_held: bool,
    /// Whether it waits for something.
    pub awaits: bool,
    /// Whether it is small and calls nothing that matters: a predicate, a mapper.
    pub is_small: bool,
    /// Whether it calls what it was given, or what a function around it was given: part of a wrapper.
    pub runs_given: bool,
}

/// Where a variable gets its value.
#[derive(Clone, Copy, Debug)]
pub enum Definition<'p> {
    /// A parameter.
    Param(FuncId, u32),
    /// An assignment.
    Set(FuncId, &'p Expr),
    /// The result of a call.
    Call(FuncId, &'p Call),
}

/// The definitions of a unit's variables.
#[derive(Debug, Default)]
pub struct Definitions<'p> {
    /// All places that give a variable a value, in order.
    pub of: FxHashMap<SlotId, Vec<Definition<'p>>>,
    /// Variables whose value depends on the path: assigned twice or more, changed in place, or assigned by a function
    /// other than their own.
    pub varying: FxHashSet<SlotId>,
}

/// What is known of the whole program.
#[derive(Debug)]
pub struct Survey<'p> {
    shapes: Vec<Vec<Shape>>,
    definitions: Vec<Definitions<'p>>,
    /// Functions that reach the database and whose name no other function of the program has.
    only: FxHashMap<&'p str, FuncRef>,
    /// What calls of macros stand for, by name.
    macros: FxHashMap<&'p str, Vec<FuncRef>>,
    /// Functions that only the program itself runs, one run at a time.
    once: FxHashSet<FuncRef>,
    /// Who may call a function that can reach the database, once for each call, where those are few.
    callers: FxHashMap<FuncRef, Vec<FuncRef>>,
    names: Names<'p>,
}

impl<'p> Survey<'p> {
    /// Surveys a program that may call some libraries. Where there are schemas, `members` are the names of their entities,
    /// in lower case.
    #[must_use]
    pub fn new(program: &'p Program, libraries: &[(usize, &Library)], members: &FxHashSet<String>) -> Self {
        let methods = &Methods::of(libraries.iter().map(|(_, library)| *library));
        let units: Vec<&Unit> = program.units().map(|(_, unit)| unit).collect();
        let survey = |unit: &&'p Unit| {
            let params = unit.functions.iter().flat_map(|func| &func.params).map(|param| param.slot).collect();
            (unit.functions.iter().map(|func| shape(unit, func, methods, &params)).collect(), define(unit, methods))
        };
        let (mut shapes, definitions): (Vec<Vec<Shape>>, Vec<_>) = units.par_iter().map(survey).unzip();
        let names = Names::new(program);
        let reach = Reach::new(program, &names, methods, members);
        for function in reach.functions(false) {
            shapes[function.unit.0 as usize][function.func.index()].reaches_database = true;
        }
        let mut callers = FxHashMap::default();
        for function in reach.functions(true) {
            let all = reach.callers(function).map(|caller| caller.func);
            let all = all.filter(|it| *it != function && !program.func(*it).is_test);
            let all: Vec<FuncRef> = all.take(FEW + 1).collect();
            if all.len() <= FEW {
                callers.insert(function, all);
            }
            shapes[function.unit.0 as usize][function.func.index()].reaches_held = true;
        }
        let only = only(program, &shapes);
        let callees = Callees::new(program, &names, &definitions);
        let once = once::functions(&reach, &callees, &shapes);
        drop(reach);
        let macros = macros(program);
        Self { shapes, definitions, only, macros, once, callers, names }
    }

    /// What imports and types mean.
    #[must_use]
    pub fn names(&self) -> &Names<'p> {
        &self.names
    }

    /// The one function that a method name can mean where nothing is known of the receiver: no other function of the
    /// program has it, and it is no everyday word.
    #[must_use]
    pub fn only_function_named(&self, name: &str) -> Option<FuncRef> {
        self.only.get(name).copied()
    }

    /// What calls of a macro may stand for, one for each of its forms.
    pub fn macros_named(&self, name: &str) -> &[FuncRef] {
        self.macros.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a function is one that only the program itself runs, one run at a time: on its way up, as a command, as a job
    /// that is started once.
    #[must_use]
    pub fn runs_once(&self, at: FuncRef) -> bool {
        self.once.contains(&at)
    }

    /// Who may call a function that can reach the database, as far as names tell: once for each call. Nothing, where those
    /// are many.
    #[must_use]
    pub fn callers(&self, at: FuncRef) -> Option<&[FuncRef]> {
        self.callers.get(&at).map(Vec::as_slice)
    }

    /// Whether a method's name may say which function it is: names of one word do not, as objects of all kinds have such
    /// methods.
    #[must_use]
    pub fn is_telling(name: &str) -> bool {
        let is_several_words = name.chars().skip(1).any(char::is_uppercase) || name.trim_matches('_').contains('_');
        is_several_words && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    }

    /// What is known of a function.
    #[must_use]
    pub fn shape(&self, at: FuncRef) -> &Shape {
        &self.shapes[at.unit.0 as usize][at.func.index()]
    }

    /// Where a unit's variables get their values.
    #[must_use]
    pub fn definitions(&self, unit: UnitId) -> &Definitions<'p> {
        &self.definitions[unit.0 as usize]
    }
}

/// The functions that reach the database and alone have their name.
fn only<'p>(program: &'p Program, shapes: &[Vec<Shape>]) -> FxHashMap<&'p str, FuncRef> {
    let mut named: FxHashMap<&str, Option<FuncRef>> = FxHashMap::default();
    for (unit_id, unit) in program.units() {
        for (at, func) in unit.functions.iter().enumerate() {
            if !Survey::is_telling(&func.name)
                || matches!(func.kind, FuncKind::Module | FuncKind::Constructor(_) | FuncKind::Macro)
            {
                continue;
            }
            let here = FuncRef { unit: unit_id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
            named.entry(&func.name).and_modify(|known| *known = None).or_insert(Some(here));
        }
    }
    let reaches = |at: &FuncRef| shapes[at.unit.0 as usize][at.func.index()].reaches_database;
    named.into_iter().filter_map(|(name, at)| Some((name, at.filter(reaches)?))).collect()
}

/// How many callers of a function are few.
const FEW: usize = 4;

/// How deep function literals are looked into for what they change around them.
const LITERALS: usize = 4;

/// What the macros of a program stand for, by name.
fn macros(program: &Program) -> FxHashMap<&str, Vec<FuncRef>> {
    let mut found: FxHashMap<&str, Vec<FuncRef>> = FxHashMap::default();
    for (unit_id, unit) in program.units() {
        for (at, func) in unit.functions.iter().enumerate().filter(|(_, func)| func.kind == FuncKind::Macro) {
            let here = FuncRef { unit: unit_id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
            found.entry(&func.name).or_default().push(here);
        }
    }
    found
}

/// The blocks that control may reach next.
pub(super) fn successors(func: &Func, block: BlockId) -> impl Iterator<Item = BlockId> {
    let block = &func.blocks[block.index()];
    let (a, b) = match block.exit {
        Exit::Goto(next) => (Some(next), None),
        Exit::Branch { yes, no, .. } => (Some(yes), Some(no)),
        Exit::Return(_) | Exit::Throw(_) | Exit::Unreachable => (None, None),
    };
    // The handler is visited first, so that in reverse post-order it comes behind everything that may raise to it.
    block.handler.into_iter().chain(b).chain(a)
}

fn shape(unit: &Unit, func: &Func, methods: &Methods<'_>, params: &FxHashSet<SlotId>) -> Shape {
    let count = func.blocks.len();
    let mut order = Vec::with_capacity(count);
    let mut state = vec![0_u8; count];
    let mut back_edges: Vec<(BlockId, BlockId)> = Vec::new();
    if count > 0 {
        let mut stack: Vec<(BlockId, Vec<BlockId>)> = vec![(BlockId(0), successors(func, BlockId(0)).collect())];
        state[0] = 1;
        // `pop` takes successors from the end, so they are reversed to be visited in order.
        stack[0].1.reverse();
        while let Some((block, todo)) = stack.last_mut() {
            let block = *block;
            let Some(next) = todo.pop() else {
                state[block.index()] = 2;
                order.push(block);
                stack.pop();
                continue;
            };
            match state[next.index()] {
                0 => {
                    state[next.index()] = 1;
                    let mut todo: Vec<BlockId> = successors(func, next).collect();
                    todo.reverse();
                    stack.push((next, todo));
                }
                1 => back_edges.push((block, next)),
                _ => {}
            }
        }
    }
    order.reverse();
    let mut loops: FxHashMap<BlockId, Vec<SlotId>> = FxHashMap::default();
    if !back_edges.is_empty() {
        let mut predecessors: Vec<Vec<BlockId>> = vec![Vec::new(); count];
        for block in &order {
            for next in successors(func, *block) {
                predecessors[next.index()].push(*block);
            }
        }
        for (from, head) in back_edges {
            let body = loop_body(&predecessors, from, head);
            let slots = loops.entry(head).or_default();
            for block in body {
                let steps = &func.blocks[block.index()].steps;
                slots.extend(steps.iter().filter_map(|step| assigned(step, methods)));
                for step in steps {
                    assigned_within(unit, step, methods, slots, LITERALS);
                }
            }
            slots.sort_unstable();
            slots.dedup();
        }
    }
    let is_small = count <= SMALL;
    let mut steps = func.blocks.iter().flat_map(|block| &block.steps);
    let awaits = steps.any(|step| matches!(step, Step::Call(call) if call.awaited));
    let mut steps = func.blocks.iter().flat_map(|block| &block.steps);
    let runs_given = steps.any(|step| match step {
        Step::Call(call) => matches!(&call.callee.kind, ExprKind::Slot(slot) if params.contains(slot)),
        _ => false,
    });
    Shape { order, loops, reaches_database: false, reaches_held: false, awaits, is_small, runs_given }
}

/// The blocks of the natural loop of a back edge.
fn loop_body(predecessors: &[Vec<BlockId>], from: BlockId, head: BlockId) -> FxHashSet<BlockId> {
    let mut body = FxHashSet::default();
    body.insert(head);
    let mut todo = vec![from];
    while let Some(block) = todo.pop() {
        if body.insert(block) {
            todo.extend(predecessors[block.index()].iter().copied());
        }
    }
    body
}

/// The variable a step changes, its own result aside.
fn assigned(step: &Step, methods: &Methods<'_>) -> Option<SlotId> {
    match step {
        Step::Set { slot, .. } => Some(*slot),
        Step::Store { root, .. } => Some(*root),
        Step::Call(call) => {
            let member = || changed_member(call).map(|(root, _)| root);
            mutated(call).or_else(|| changed(call, methods)).or_else(member)
        }
        Step::Drop { .. } => None,
    }
}

/// The variables of others that function literals change which a step runs, or hands to a call.
fn assigned_within(unit: &Unit, step: &Step, methods: &Methods<'_>, found: &mut Vec<SlotId>, depth: usize) {
    let (Step::Call(call), Some(depth)) = (step, depth.checked_sub(1)) else { return };
    let args = call.args.iter().map(|arg| match arg {
        Item::Value(arg) | Item::Spread(arg) => arg,
    });
    for expr in args.chain([&call.callee]) {
        let ExprKind::Func(literal) = expr.kind else { continue };
        let Some(func) = unit.functions.get(literal.index()) else { continue };
        for step in func.blocks.iter().flat_map(|block| &block.steps) {
            let outer = |slot: &SlotId| unit.slots[slot.index()].owner != literal;
            found.extend(assigned(step, methods).filter(outer));
            assigned_within(unit, step, methods, found, depth);
        }
    }
}

/// The variable whose value a call changes in place.
pub(super) fn mutated(call: &Call) -> Option<SlotId> {
    match &call.callee.kind {
        ExprKind::Field(base, name) if MUTATING.contains(&name.as_str()) || is_lent(call, base) => match base.kind {
            ExprKind::Slot(slot) => Some(slot),
            _ => None,
        },
        ExprKind::Field(base, name) if name == "assign" => match (&base.kind, call.args.first()) {
            (ExprKind::Global(global), Some(Item::Value(Expr { kind: ExprKind::Slot(slot), .. })))
                if global == "Object" =>
            {
                Some(*slot)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The variable of which a call may change a member in place, and the names that lead to it.
pub(super) fn changed_member(call: &Call) -> Option<(SlotId, Vec<Key>)> {
    let ExprKind::Field(base, method) = &call.callee.kind else { return None };
    if !FILLING.contains(&method.as_str()) {
        return None;
    }
    let (mut path, mut next) = (Vec::new(), base);
    while let ExprKind::Field(base, name) = &next.kind {
        path.push(Key::Name(name.clone()));
        next = base;
    }
    let ExprKind::Slot(root) = next.kind else { return None };
    path.reverse();
    (!path.is_empty()).then_some((root, path))
}

/// Whether a value is a variable that a call is known to change.
fn is_lent(call: &Call, value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Slot(slot) if call.mutates.contains(&slot))
}

/// The variable whose value a call of a library changes in place.
fn changed(call: &Call, methods: &Methods<'_>) -> Option<SlotId> {
    match &call.callee.kind {
        ExprKind::Field(base, name) if methods.changing.contains(name.as_str()) => match base.kind {
            ExprKind::Slot(slot) => Some(slot),
            _ => None,
        },
        _ => None,
    }
}

fn define<'u>(unit: &'u Unit, methods: &Methods<'_>) -> Definitions<'u> {
    let mut all = Definitions::default();
    for (at, func) in unit.functions.iter().enumerate() {
        let id = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
        for (index, param) in func.params.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            all.of.entry(param.slot).or_default().push(Definition::Param(id, index));
        }
        for step in func.blocks.iter().flat_map(|block| &block.steps) {
            match step {
                Step::Set { slot, value, .. } => {
                    all.of.entry(*slot).or_default().push(Definition::Set(id, value));
                    if unit.slots[slot.index()].owner != id {
                        all.varying.insert(*slot);
                    }
                }
                Step::Store { root, .. } => {
                    all.varying.insert(*root);
                }
                Step::Call(call) => {
                    all.of.entry(call.out).or_default().push(Definition::Call(id, call));
                    all.varying.extend(mutated(call));
                    all.varying.extend(changed(call, methods));
                    all.varying.extend(changed_member(call).map(|(root, _)| root));
                }
                Step::Drop { .. } => {}
            }
        }
    }
    let twice = all.of.iter().filter(|(_, places)| places.len() > 1).map(|(slot, _)| *slot);
    all.varying.extend(twice.collect::<Vec<_>>());
    all
}
