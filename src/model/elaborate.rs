//! Runs a function on symbolic values: splices in what it calls, follows handlers, and joins values where ways meet.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::call::Target;
use super::guard::guards_of;
use super::start::{LastResort, Start};
use super::survey::Survey;
use super::trace::{Block, BlockId, Event, Exit, FrameId, RegionId, Site, Trace};
use super::types::Typed;
use super::value::{PhiId, Val, ValId, Values};
use crate::ir::{self, FuncKind, Language, SlotId, Step};
use crate::library::{Library, Registry};
use crate::link::{ClassRef, FuncRef, Program, UnitId};
use crate::schema::Schema;

/// How deep calls are followed. A function literal is as deep as what runs it.
const MAX_DEPTH: usize = 6;
/// How many functions may run inside one another, literals included.
const MAX_NESTING: usize = 14;
/// How many blocks a trace may have.
const MAX_BLOCKS: usize = 3_000;

/// All that the model stage works with.
#[derive(Debug)]
pub struct Model<'a> {
    /// The linked program.
    pub program: &'a Program,
    /// What is known of its functions.
    pub survey: Survey<'a>,
    /// The libraries.
    pub registry: &'a Registry,
    /// Those of them that the project may call, with their positions in the registry.
    pub libraries: Vec<(usize, &'a Library)>,
    /// The schemas of the project.
    pub schemas: &'a [Schema],
    /// Which schema describes the database that a unit talks to.
    pub schema_of: Vec<Option<usize>>,
    /// Further names of clients, from the configuration.
    pub clients: &'a [String],
    /// The crates and modules that files of the project bring names in from, by the first part of their names.
    pub crates: FxHashSet<&'a str>,
}

impl Model<'_> {
    /// The libraries that the project may call from a language, with their positions in the registry.
    pub fn libraries_of<'s>(&'s self, language: Language) -> impl Iterator<Item = (usize, &'s Library)> + use<'s> {
        let libraries = self.libraries.iter().copied();
        libraries.filter(move |(_, library)| library.language == language.name())
    }
}

/// A variable of a run.
pub(super) type Variable = (FrameId, SlotId);
/// Stands for the receiver of a method among the variables of its run, where that is a row: methods change it in place.
pub(super) const RECEIVER: SlotId = SlotId(u32::MAX - 1);
/// The values of the variables that depend on the path.
pub(super) type Env = Rc<FxHashMap<Variable, ValId>>;

/// A way out of a function.
pub(super) struct Leave {
    pub block: BlockId,
    pub env: Env,
    pub value: ValId,
}

/// Where a run stands.
pub(super) struct At {
    pub frame: FrameId,
    pub block: BlockId,
    pub env: Env,
    pub handler: Option<BlockId>,
}

/// A trace in the making.
pub(super) struct Elaborator<'m, 'a> {
    pub model: &'m Model<'a>,
    pub trace: Trace<'m>,
    /// The values of variables that never change once they are set.
    pub fixed: FxHashMap<Variable, ValId>,
    /// The values of variables outside all runs of the trace.
    pub statics: FxHashMap<(UnitId, SlotId), ValId>,
    /// Variables whose value is being worked out, against cycles.
    pub resolving: FxHashSet<(UnitId, SlotId)>,
    /// The regions open at the moment, outermost first.
    pub regions: Vec<RegionId>,
    /// Those of them that guards keep open on the way at hand.
    pub guards: Vec<RegionId>,
    /// The run that opened each transaction which a guard keeps open.
    pub guard_frames: FxHashMap<RegionId, FrameId>,
    /// The library's type of each handle.
    pub handle_types: FxHashMap<RegionId, Typed<'m>>,
    /// Connections that stand in a transaction as a whole, innermost last.
    pub shared: Vec<(ValId, RegionId)>,
    /// Tables that the trace has made for its connection alone.
    pub temporary: FxHashSet<String>,
    /// Transactions opened out of sight, by the value that is their handle.
    pub ambient: FxHashMap<ValId, RegionId>,
    /// What the constructor of the class above has stored, for constructors that store nothing themselves.
    pub inherited: FxHashMap<FrameId, ValId>,
    /// Functions being run, outermost first.
    pub running: Vec<FuncRef>,
    /// Ways into blocks that have not been run yet.
    incoming: FxHashMap<BlockId, Vec<(BlockId, Env)>>,
    /// Joins at the heads of loops, which wait for the ways back.
    open: FxHashMap<BlockId, Vec<(Variable, PhiId)>>,
    /// Classes of values that have been asked for.
    pub classes: RefCell<FxHashMap<ValId, Option<ClassRef>>>,
    /// Library types of values that have been asked for.
    pub types: RefCell<FxHashMap<ValId, Option<Typed<'m>>>>,
    /// The functions that answer one request, where the trace is that of several.
    pub stages: Vec<Target>,
    /// The runs of those that are being run, outermost first.
    pub stage_frames: Vec<FrameId>,
    /// Where errors that nobody catches are answered.
    pub last_resort: Option<BlockId>,
}

/// Makes the trace of a function, or of functions that run together. `last_resort` gets the errors that leave it.
#[must_use]
pub fn trace<'m>(model: &'m Model<'_>, start: Start, last_resort: Option<LastResort>) -> Trace<'m> {
    let mut elaborator = elaborator(model, start.unit());
    elaborator.run_start(start, last_resort);
    elaborator.note_sharing();
    elaborator.trace
}

/// The functions that answer errors of a whole application.
#[must_use]
pub fn last_resorts(model: &Model<'_>) -> Vec<LastResort> {
    elaborator(model, UnitId(0)).last_resorts()
}

fn elaborator<'m, 'a>(model: &'m Model<'a>, home: UnitId) -> Elaborator<'m, 'a> {
    let trace = Trace {
        root: FuncRef { unit: home, func: ir::FuncId(0) },
        home,
        values: Values::default(),
        blocks: Vec::new(),
        ops: Vec::new(),
        regions: Vec::new(),
        frames: Vec::new(),
        in_place: Vec::new(),
        related: FxHashMap::default(),
        shared: FxHashSet::default(),
        lent: FxHashSet::default(),
        errors_are_values: model.program.language(home) == Some(Language::Rust),
        budget_hit: false,
        cut_off: false,
    };
    Elaborator {
        model,
        trace,
        fixed: FxHashMap::default(),
        statics: FxHashMap::default(),
        resolving: FxHashSet::default(),
        regions: Vec::new(),
        guards: Vec::new(),
        guard_frames: FxHashMap::default(),
        handle_types: FxHashMap::default(),
        shared: Vec::new(),
        temporary: FxHashSet::default(),
        ambient: FxHashMap::default(),
        inherited: FxHashMap::default(),
        running: Vec::new(),
        incoming: FxHashMap::default(),
        open: FxHashMap::default(),
        classes: RefCell::default(),
        types: RefCell::default(),
        stages: Vec::new(),
        stage_frames: Vec::new(),
        last_resort: None,
    }
}

impl<'m, 'a> Elaborator<'m, 'a> {
    pub fn new_block(&mut self, frame: FrameId) -> BlockId {
        let id = BlockId(u32::try_from(self.trace.blocks.len()).unwrap_or(u32::MAX));
        let regions = self.open_regions();
        self.trace.blocks.push(Block { frame, regions, ..Block::default() });
        id
    }

    /// The regions open at the moment, outermost first.
    fn open_regions(&self) -> Vec<RegionId> {
        let mut open = self.regions.clone();
        if !self.guards.is_empty() {
            open.extend(&self.guards);
            open.sort_unstable();
        }
        open
    }

    /// Takes over which transactions guards keep open.
    pub fn follow_guards(&mut self, env: &Env) {
        if !self.guard_frames.is_empty() {
            self.guards = guards_of(env);
        }
    }

    /// How many of the functions that are being run, from the innermost on, cannot reach the database.
    pub fn aside(&self) -> usize {
        self.running.iter().rev().take_while(|func| !self.model.survey.shape(**func).reaches_database).count()
    }

    /// How many named functions are being run.
    fn depth(&self) -> usize {
        self.running.iter().filter(|func| !self.model.program.func(**func).name.is_empty()).count()
    }

    /// Whether a function may be run here.
    pub fn may_run(&mut self, func: FuncRef) -> bool {
        if self.running.contains(&func) {
            return false;
        }
        if self.depth() >= MAX_DEPTH || self.running.len() >= MAX_NESTING || self.trace.blocks.len() >= MAX_BLOCKS {
            self.trace.budget_hit = true;
            return false;
        }
        true
    }

    /// Runs the function of `at.frame` from `at.block` on, and says how it returns. `Return` exits are left open for the
    /// caller to fill in.
    pub fn run(&mut self, at: At, args: &[ValId]) -> Vec<Leave> {
        let At { frame, block: entry, env, handler } = at;
        let func_ref = self.trace.frames[frame.index()].func;
        let program = self.model.program;
        let func = program.func(func_ref);
        let unit = func_ref.unit;
        self.running.push(func_ref);
        let mut env = env;
        for (index, param) in func.params.iter().enumerate() {
            let value = if param.rest {
                let rest: Vec<ValId> = args.iter().skip(index).copied().collect();
                self.trace.values.add(Val::Derived(rest))
            } else if let Some(arg) = args.get(index) {
                *arg
            } else {
                self.trace.values.unset()
            };
            self.assign(unit, &mut env, (frame, param.slot), value);
        }
        let mut blocks: Vec<Option<BlockId>> = vec![None; func.blocks.len()];
        let mut leaves = Vec::new();
        let shape = self.model.survey.shape(func_ref);
        if let Some(first) = shape.order.first() {
            if shape.loops.contains_key(first) {
                let head = self.block_of(&mut blocks, frame, *first);
                self.goto(entry, head, &env);
            } else {
                blocks[first.index()] = Some(entry);
                self.incoming.entry(entry).or_default().push((entry, env.clone()));
            }
        }
        for source in &shape.order {
            let Some(block) = blocks[source.index()] else { continue };
            let Some(ways) = self.incoming.remove(&block) else { continue };
            if self.trace.blocks.len() >= MAX_BLOCKS {
                (self.trace.budget_hit, self.trace.cut_off) = (true, true);
                continue;
            }
            let looped = shape.loops.get(source);
            let env = self.join(unit, frame, block, &ways, looped.map(Vec::as_slice));
            self.trace.blocks[block.index()].is_loop = looped.is_some();
            self.follow_guards(&env);
            self.trace.blocks[block.index()].regions = self.open_regions();
            let lowered = &func.blocks[source.index()];
            let handler = match lowered.handler {
                Some(own) => Some(self.block_of(&mut blocks, frame, own)),
                None => handler,
            };
            let mut at = At { frame, block, env, handler };
            if self.steps(unit, &mut at, &lowered.steps) {
                self.leave(unit, &mut at, lowered, &mut blocks, &mut leaves);
            }
        }
        self.running.pop();
        leaves
    }

    /// The block of the trace that a lowered block becomes.
    fn block_of(&mut self, blocks: &mut [Option<BlockId>], frame: FrameId, source: ir::BlockId) -> BlockId {
        if let Some(block) = blocks[source.index()] {
            return block;
        }
        let block = self.new_block(frame);
        blocks[source.index()] = Some(block);
        block
    }

    /// Runs steps; `false` if the end is not reached.
    fn steps(&mut self, unit: UnitId, at: &mut At, steps: &[Step]) -> bool {
        for step in steps {
            match step {
                Step::Set { slot, value, .. } => {
                    let value = self.eval(unit, at, value);
                    let value = self.as_declared(unit, *slot, value);
                    if let Some(variable) = self.variable(unit, at.frame, *slot) {
                        self.assign(unit, &mut at.env, variable, value);
                    }
                    self.keep_guard(at, value);
                }
                Step::Store { root, path, value, span } => {
                    let Some(mut variable) = self.variable(unit, at.frame, *root) else { continue };
                    let receiver = self.receiver_behind(variable);
                    let held = at.env.get(&(variable.0, RECEIVER)).copied().filter(|_| receiver.is_some());
                    let old = held.unwrap_or_else(|| self.read(unit, at, *root));
                    let value = value.as_ref().map(|value| self.eval(unit, at, value));
                    if let Some(value) = value {
                        let column = match path.first() {
                            Some(ir::Key::Name(name)) => Some(name.as_str()),
                            _ => None,
                        };
                        let of = receiver.unwrap_or(old);
                        self.store_at_place(at, of, column, value, Site { unit, span: *span });
                    }
                    let new = self.with_member(unit, at, old, path, value);
                    if held.is_some() {
                        variable.1 = RECEIVER;
                        Rc::make_mut(&mut at.env).insert(variable, new);
                    } else {
                        self.assign(unit, &mut at.env, variable, new);
                    }
                }
                Step::Call(call) => {
                    let Some(value) = self.call(unit, at, call) else { return false };
                    let variable = (at.frame, call.out);
                    self.assign(unit, &mut at.env, variable, value);
                    self.lend(unit, at, call);
                }
                Step::Drop { slot, .. } => {
                    let value = self.read(unit, at, *slot);
                    self.drop_value(at, value);
                }
            }
        }
        true
    }

    /// The receiver of a method, where a variable stands for it.
    fn receiver_behind(&self, (frame, slot): Variable) -> Option<ValId> {
        let it = &self.trace.frames[frame.index()];
        let is_method = matches!(self.model.program.func(it.func).kind, FuncKind::Method(_));
        let is_this = self.model.program.unit(it.func.unit).slots[slot.index()].name == "this";
        it.this.filter(|_| is_method && is_this)
    }

    fn leave(
        &mut self,
        unit: UnitId,
        at: &mut At,
        lowered: &ir::Block,
        blocks: &mut [Option<BlockId>],
        leaves: &mut Vec<Leave>,
    ) {
        let site = Site { unit, span: lowered.exit_span };
        match &lowered.exit {
            ir::Exit::Goto(next) => {
                let next = self.block_of(blocks, at.frame, *next);
                self.goto(at.block, next, &at.env);
            }
            ir::Exit::Branch { test, yes, no } => {
                let test = self.eval(unit, at, test);
                let known = self.trace.values.truth(test);
                let yes = (known != Some(false)).then(|| self.block_of(blocks, at.frame, *yes));
                let no = (known != Some(true)).then(|| self.block_of(blocks, at.frame, *no));
                match (yes, no) {
                    (Some(yes), Some(no)) if yes != no => {
                        self.trace.blocks[at.block.index()].exit = Exit::Branch { test, yes, no, site };
                        self.enter(at.block, yes, &at.env);
                        self.enter(at.block, no, &at.env);
                    }
                    (Some(only), _) | (None, Some(only)) => self.goto(at.block, only, &at.env),
                    (None, None) => {}
                }
            }
            ir::Exit::Return(value) => {
                let value = match value {
                    Some(value) => self.eval(unit, at, value),
                    None => self.trace.values.unset(),
                };
                self.drop_guards(at, Some(value));
                if self.trace.frames[at.frame.index()].caller.is_none() {
                    self.trace.blocks[at.block.index()].exit = Exit::Return(value, site);
                }
                leaves.push(Leave { block: at.block, env: at.env.clone(), value });
            }
            ir::Exit::Throw(value) => {
                let value = self.eval(unit, at, value);
                if at.handler.is_none() {
                    self.drop_guards(at, None);
                }
                self.throw(at, value, site);
            }
            ir::Exit::Unreachable => {}
        }
    }

    /// Ends a block with an error.
    pub fn throw(&mut self, at: &At, value: ValId, site: Site) {
        match at.handler {
            Some(handler) => {
                self.trace.blocks[at.block.index()].exit = Exit::Raise(handler, value);
                self.trace.blocks[handler.index()].thrown.push((at.block, value));
                self.enter(at.block, handler, &at.env);
            }
            None => self.trace.blocks[at.block.index()].exit = Exit::Throw(value, site),
        }
    }

    /// Ends a block by going on to another.
    pub fn goto(&mut self, from: BlockId, to: BlockId, env: &Env) {
        self.trace.blocks[from.index()].exit = Exit::Goto(to);
        self.enter(from, to, env);
    }

    /// Notes a way into a block; a way back to a loop's head completes its joins.
    fn enter(&mut self, from: BlockId, to: BlockId, env: &Env) {
        if let Some(joins) = self.open.get(&to) {
            for (variable, phi) in joins.clone() {
                if let Some(value) = env.get(&variable) {
                    self.trace.values.add_operand(phi, from, *value);
                }
            }
        } else {
            self.incoming.entry(to).or_default().push((from, env.clone()));
        }
    }

    /// Adds an event. If an error of it has a handler, the block ends behind it.
    pub fn emit(&mut self, at: &mut At, event: Event) {
        self.trace.blocks[at.block.index()].events.push(event);
        self.settle(at);
    }

    /// Ends the block if an error of its last event has a handler.
    pub fn settle(&mut self, at: &mut At) {
        if let Some(handler) = at.handler {
            self.trace.blocks[at.block.index()].handler = Some(handler);
            self.enter(at.block, handler, &at.env);
            let next = self.new_block(at.frame);
            self.trace.blocks[at.block.index()].exit = Exit::Goto(next);
            at.block = next;
        }
    }

    /// Goes on behind several ways out of a function: one block, one value.
    pub fn gather(&mut self, at: &mut At, leaves: Vec<Leave>) -> Option<ValId> {
        match leaves.len() {
            0 => return None,
            1 => {}
            _ => {
                let next = self.new_block(at.frame);
                let mut ways = Vec::new();
                let mut operands = Vec::new();
                let carried = self.carried_guards(&leaves);
                for leave in leaves {
                    self.trace.blocks[leave.block.index()].exit = Exit::Goto(next);
                    ways.push((leave.block, leave.env));
                    operands.push((leave.block, leave.value));
                }
                at.block = next;
                at.env = self.merge(next, &ways);
                self.keep_carried(at, carried);
                self.follow_guards(&at.env);
                self.trace.blocks[next.index()].regions = self.open_regions();
                let first = operands[0].1;
                if operands.iter().all(|(_, value)| *value == first) {
                    return Some(first);
                }
                return Some(self.trace.values.new_phi(next, operands).1);
            }
        }
        let only = leaves.into_iter().next()?;
        self.follow_guards(&only.env);
        let next = self.new_block(at.frame);
        self.trace.blocks[only.block.index()].exit = Exit::Goto(next);
        at.block = next;
        at.env = only.env;
        Some(only.value)
    }

    /// The values at the start of a block.
    fn join(
        &mut self,
        unit: UnitId,
        frame: FrameId,
        block: BlockId,
        ways: &[(BlockId, Env)],
        looped: Option<&[SlotId]>,
    ) -> Env {
        let mut env = self.merge(block, ways);
        let Some(looped) = looped else { return env };
        let mut joins = Vec::new();
        let values = Rc::make_mut(&mut env);
        for slot in looped {
            let Some(variable) = self.variable(unit, frame, *slot) else { continue };
            let Some(value) = values.get(&variable).copied() else { continue };
            let operands = ways.iter().map(|(from, _)| (*from, value)).collect();
            let (phi, joined) = self.trace.values.new_phi(block, operands);
            values.insert(variable, joined);
            joins.push((variable, phi));
        }
        self.open.insert(block, joins);
        env
    }

    fn merge(&mut self, block: BlockId, ways: &[(BlockId, Env)]) -> Env {
        let Some(((_, first), others)) = ways.split_first() else { return Env::default() };
        if others.iter().all(|(_, env)| Rc::ptr_eq(env, first)) {
            return first.clone();
        }
        let mut merged = FxHashMap::default();
        let mut variables: Vec<Variable> = first.keys().copied().collect();
        // What only some ways have changed was fixed before.
        let changed = others.iter().flat_map(|(_, env)| env.keys());
        variables.extend(changed.filter(|known| !first.contains_key(known) && self.fixed.contains_key(known)));
        variables.sort_unstable();
        variables.dedup();
        for variable in variables {
            let operands: Option<Vec<(BlockId, ValId)>> = ways
                .iter()
                .map(|(from, env)| Some((*from, *env.get(&variable).or(self.fixed.get(&variable))?)))
                .collect();
            let Some(operands) = operands else { continue };
            let value = operands[0].1;
            let value = if operands.iter().all(|(_, other)| *other == value) {
                value
            } else {
                self.trace.values.new_phi(block, operands).1
            };
            merged.insert(variable, value);
        }
        Rc::new(merged)
    }

    /// The run whose variable a slot is, seen from a run; `None` where it lies outside the trace.
    pub fn variable(&self, unit: UnitId, frame: FrameId, slot: SlotId) -> Option<Variable> {
        let owner = self.model.program.unit(unit).slots[slot.index()].owner;
        let mut next = Some(frame);
        while let Some(frame) = next {
            let it = &self.trace.frames[frame.index()];
            if it.func.unit == unit && it.func.func == owner {
                return Some((frame, slot));
            }
            next = it.lexical;
        }
        None
    }

    /// Gives a variable a value.
    pub fn assign(&mut self, unit: UnitId, env: &mut Env, variable: Variable, value: ValId) {
        if self.model.survey.definitions(unit).varying.contains(&variable.1) {
            Rc::make_mut(env).insert(variable, value);
        } else {
            self.fixed.insert(variable, value);
        }
    }

    /// Gives a variable of the run a value, for calls that change their receiver in place.
    pub fn rebind(&mut self, unit: UnitId, at: &mut At, slot: SlotId, value: ValId) {
        if let Some(variable) = self.variable(unit, at.frame, slot) {
            self.assign(unit, &mut at.env, variable, value);
        }
    }
}
