//! What the model stage knows of each function before it runs it: block order, loops, how often a variable is assigned,
//! and whether running it can reach the database at all.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{
    BlockId, Call, Entry, Exit, ExportTarget, Expr, ExprKind, Func, FuncId, FuncKind, ImportName, Item, Language,
    SlotId, Step, Unit,
};
use crate::library::{CallPattern, CallRow, Registry};
use crate::link::{Exported, FuncRef, Program, UnitId};

/// Methods that change their receiver.
const MUTATING: [&str; 11] =
    ["push", "unshift", "pop", "shift", "splice", "sort", "reverse", "add", "set", "delete", "fill"];

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
    /// Whether it waits for something.
    pub awaits: bool,
    /// Whether it is small and calls nothing that matters: a predicate, a mapper.
    pub is_small: bool,
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
}

impl<'p> Survey<'p> {
    /// Surveys a program that may call some libraries. Where there are schemas, `members` are the names of their entities,
    /// in lower case.
    #[must_use]
    pub fn new(program: &'p Program, registry: &Registry, members: &FxHashSet<String>) -> Self {
        let methods = &Methods::of(registry);
        let units: Vec<&Unit> = program.units().map(|(_, unit)| unit).collect();
        let survey =
            |unit: &&'p Unit| (unit.functions.iter().map(|func| shape(func, methods)).collect(), define(unit, methods));
        let (mut shapes, definitions): (Vec<Vec<Shape>>, Vec<_>) = units.par_iter().map(survey).unzip();
        let reaching = reaching(program, methods, members);
        for function in reaching {
            shapes[function.unit.0 as usize][function.func.index()].reaches_database = true;
        }
        let only = only(program, &shapes);
        Self { shapes, definitions, only }
    }

    /// The one function that a method name can mean where nothing is known of the receiver: no other function of the
    /// program has it, and it is no everyday word.
    #[must_use]
    pub fn only_function_named(&self, name: &str) -> Option<FuncRef> {
        self.only.get(name).copied()
    }

    /// Whether a method's name may say which function it is: names of one word do not, as objects of all kinds have such
    /// methods.
    #[must_use]
    pub fn is_telling(name: &str) -> bool {
        name.chars().skip(1).any(char::is_uppercase) && name.chars().all(|c| c.is_alphanumeric() || c == '_')
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

/// The names by which libraries are called.
struct Methods<'r> {
    /// The calls that reach a database, by name.
    reaching: FxHashMap<&'r str, Vec<&'r CallPattern>>,
    /// Methods that change what they are called on.
    changing: FxHashSet<&'r str>,
}

impl<'r> Methods<'r> {
    fn of(registry: &'r Registry) -> Self {
        let mut methods = Self { reaching: FxHashMap::default(), changing: FxHashSet::default() };
        for library in registry.libraries() {
            // What only adds to a statement reaches nothing yet.
            let adds = |row: &&CallRow| {
                !row.run && library.types.iter().any(|ty| ty.query && row.gives.as_ref() == Some(&ty.name))
            };
            let calls = library.calls.iter().filter(|row| !adds(row)).map(|row| &row.on);
            for pattern in calls.chain(library.regions.iter().map(|row| &row.open)) {
                for name in pattern.names() {
                    methods.reaching.entry(name).or_default().push(pattern);
                }
            }
            let changing = library.calls.iter().filter(|row| row.in_place);
            methods.changing.extend(changing.flat_map(|row| row.on.names()));
        }
        methods
    }

    /// Whether a call may be one that reaches a database.
    fn may_reach(&self, unit: &Unit, call: &Call, name: &str, members: &FxHashSet<String>) -> bool {
        let Some(patterns) = self.reaching.get(name) else { return false };
        match unit.language {
            Language::TypeScript => may_be_call(unit, &call.callee, name, members),
            // Names are those of many other things, too, and so it is the number of arguments that tells.
            Language::Rust => patterns.iter().any(|pattern| pattern.takes(call.args.len())),
        }
    }
}

/// The functions that reach the database and alone have their name.
fn only<'p>(program: &'p Program, shapes: &[Vec<Shape>]) -> FxHashMap<&'p str, FuncRef> {
    let mut named: FxHashMap<&str, Option<FuncRef>> = FxHashMap::default();
    for (unit_id, unit) in program.units() {
        for (at, func) in unit.functions.iter().enumerate() {
            if !Survey::is_telling(&func.name) || matches!(func.kind, FuncKind::Module | FuncKind::Constructor(_)) {
                continue;
            }
            let here = FuncRef { unit: unit_id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
            named.entry(&func.name).and_modify(|known| *known = None).or_insert(Some(here));
        }
    }
    let reaches = |at: &FuncRef| shapes[at.unit.0 as usize][at.func.index()].reaches_database;
    named.into_iter().filter_map(|(name, at)| Some((name, at.filter(reaches)?))).collect()
}

/// The blocks that control may reach next.
fn successors(func: &Func, block: BlockId) -> impl Iterator<Item = BlockId> {
    let block = &func.blocks[block.index()];
    let (a, b) = match block.exit {
        Exit::Goto(next) => (Some(next), None),
        Exit::Branch { yes, no, .. } => (Some(yes), Some(no)),
        Exit::Return(_) | Exit::Throw(_) | Exit::Unreachable => (None, None),
    };
    // The handler is visited first, so that in reverse post-order it comes behind everything that may raise to it.
    block.handler.into_iter().chain(b).chain(a)
}

fn shape(func: &Func, methods: &Methods<'_>) -> Shape {
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
            }
            slots.sort_unstable();
            slots.dedup();
        }
    }
    let is_small = count <= SMALL;
    let mut steps = func.blocks.iter().flat_map(|block| &block.steps);
    let awaits = steps.any(|step| matches!(step, Step::Call(call) if call.awaited));
    Shape { order, loops, reaches_database: false, awaits, is_small }
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
        Step::Call(call) => mutated(call).or_else(|| changed(call, methods)),
        Step::Drop { .. } => None,
    }
}

/// The variable whose value a call changes in place.
pub(super) fn mutated(call: &Call) -> Option<SlotId> {
    match &call.callee.kind {
        ExprKind::Field(base, name) if MUTATING.contains(&name.as_str()) => match base.kind {
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
                }
                Step::Drop { .. } => {}
            }
        }
    }
    let twice = all.of.iter().filter(|(_, places)| places.len() > 1).map(|(slot, _)| *slot);
    all.varying.extend(twice.collect::<Vec<_>>());
    all
}

/// All functions from which a call by one of the libraries' names can be reached. Calls are followed by bare name, which
/// takes in too much and misses nothing that could be resolved.
fn reaching(program: &Program, methods: &Methods<'_>, members: &FxHashSet<String>) -> Vec<FuncRef> {
    let mut callers: FxHashMap<&str, Vec<FuncRef>> = FxHashMap::default();
    let mut found: FxHashSet<FuncRef> = FxHashSet::default();
    let mut todo: Vec<FuncRef> = Vec::new();
    for (unit_id, unit) in program.units() {
        for (at, func) in unit.functions.iter().enumerate() {
            let here = FuncRef { unit: unit_id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
            for step in func.blocks.iter().flat_map(|block| &block.steps) {
                let Step::Call(call) = step else { continue };
                let Some(name) = called_name(unit, &call.callee) else { continue };
                callers.entry(name).or_default().push(here);
                if methods.may_reach(unit, call, name, members) && found.insert(here) {
                    todo.push(here);
                }
            }
        }
    }
    let aliases = aliases(program);
    while let Some(function) = todo.pop() {
        let func = program.func(function);
        // A function that holds a reaching callback reaches: it may run it.
        if let Some(parent) = func.parent.filter(|p| p.0 != 0) {
            let parent = FuncRef { unit: function.unit, func: parent };
            if found.insert(parent) {
                todo.push(parent);
            }
        }
        if func.name.is_empty() {
            continue;
        }
        let other_names = aliases.get(func.name.as_str()).into_iter().flatten().copied();
        for name in std::iter::once(func.name.as_str()).chain(other_names) {
            for caller in callers.get(name).into_iter().flatten() {
                if found.insert(*caller) {
                    todo.push(*caller);
                }
            }
        }
    }
    let mut found: Vec<FuncRef> = found.into_iter().collect();
    found.sort_unstable();
    found
}

/// Other names that functions go by: in imports, in exports, and as members of objects at the top of a module.
fn aliases(program: &Program) -> FxHashMap<&str, Vec<&str>> {
    let mut found: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for (id, unit) in program.units() {
        for import in &unit.imports {
            let alias = unit.slots[import.slot.index()].name.as_str();
            if let Some(Exported::Value(home, value)) = program.imported(id, &import.source, &import.name) {
                add_alias(&mut found, program.unit(home), value, alias);
            }
        }
        for export in &unit.exports {
            match &export.target {
                ExportTarget::From(_, ImportName::Named(own)) if *own != export.name => {
                    found.entry(own).or_default().push(&export.name);
                }
                ExportTarget::Value(value) => add_alias(&mut found, unit, value, &export.name),
                ExportTarget::From(..) | ExportTarget::All(_) => {}
            }
        }
        let module = unit.functions.first().into_iter().flat_map(|module| &module.blocks);
        for step in module.flat_map(|block| &block.steps) {
            let Step::Set { value: Expr { kind: ExprKind::Object(entries), .. }, .. } = step else { continue };
            for entry in entries {
                if let Entry::Field { key, value, .. } = entry {
                    add_alias(&mut found, unit, value, key);
                }
            }
        }
    }
    found
}

/// Notes that what a value names goes by another name, too.
fn add_alias<'p>(found: &mut FxHashMap<&'p str, Vec<&'p str>>, unit: &'p Unit, value: &'p Expr, alias: &'p str) {
    let own = match &value.kind {
        ExprKind::Slot(slot) => unit.slots[slot.index()].name.as_str(),
        ExprKind::Func(func) => unit.functions[func.index()].name.as_str(),
        _ => return,
    };
    if own != alias && !own.is_empty() && !alias.is_empty() {
        found.entry(own).or_default().push(alias);
    }
}

/// Whether a call by one of the libraries' names may be theirs. Names of one word are those of many other things, too: then
/// it takes a member of something, and one that the schemas know, if there are any.
fn may_be_call(unit: &Unit, callee: &Expr, name: &str, members: &FxHashSet<String>) -> bool {
    if name.chars().any(|c| c.is_uppercase() || c == '$') {
        return true;
    }
    match &callee.kind {
        ExprKind::Field(base, _) => match &base.kind {
            ExprKind::Field(_, member) => members.is_empty() || members.contains(&member.to_lowercase()),
            ExprKind::Slot(slot) => unit.slots[slot.index()].owner.0 == 0 || unit.slots[slot.index()].ty.is_some(),
            ExprKind::Index(..) | ExprKind::This => true,
            _ => false,
        },
        _ => true,
    }
}

/// The last name of what is called.
fn called_name<'u>(unit: &'u Unit, callee: &'u Expr) -> Option<&'u str> {
    match &callee.kind {
        ExprKind::Field(_, name) | ExprKind::Global(name) => Some(name),
        ExprKind::Slot(slot) => Some(unit.slots[slot.index()].name.as_str()).filter(|name| !name.is_empty()),
        _ => None,
    }
}
