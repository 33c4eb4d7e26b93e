//! Where a trace starts: at a function, at what a wrapper made of functions, or at the first of several functions that
//! answer one request in order.

use super::call::Target;
use super::elaborate::{At, Elaborator, Env};
use super::recognise::Called;
use super::survey::Definition;
use super::trace::{BlockId, Exit, Frame, FrameId, Site};
use super::value::{Val, ValId};
use crate::ir::{Call, CallForm, Entry, Expr, ExprKind, FuncId, Item, SlotId, Step};
use crate::library::{ErrorHandlerRow, Library, Registration, Root};
use crate::link::{FuncRef, UnitId};
use crate::text::Span;

/// Where a trace starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Start {
    /// A function that anybody may call, with arguments of which nothing is known.
    Function(FuncRef),
    /// The function that a call gives which was handed functions (`withAuth(handler)`), by the variable of its result.
    Made(UnitId, SlotId),
    /// The functions that a call registers for one request, by the variable of its result.
    Pipeline(UnitId, SlotId),
}

impl Start {
    /// The file it stands in.
    #[must_use]
    pub fn unit(self) -> UnitId {
        match self {
            Self::Function(func) => func.unit,
            Self::Made(unit, _) | Self::Pipeline(unit, _) => unit,
        }
    }
}

/// A function that answers errors which nothing else has caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LastResort {
    /// The function.
    pub func: FuncRef,
    /// Where it is registered.
    pub registered: UnitId,
}

impl<'m> Elaborator<'m, '_> {
    /// Runs what a trace starts at, with what answers its errors at last.
    pub(super) fn run_start(&mut self, start: Start, last_resort: Option<LastResort>) {
        let nowhere = FuncRef { unit: start.unit(), func: FuncId(0) };
        // The first run and the first block are those of the start, whatever has to be run to find it.
        self.trace.frames.push(Frame::of(nowhere));
        let entry = self.new_block(FrameId(0));
        let first = match start {
            Start::Function(func) => Some(Target::closure(func, None)),
            Start::Made(unit, slot) => self.made(unit, slot),
            Start::Pipeline(unit, slot) => self.pipeline(unit, slot),
        };
        let Some(first) = first else { return };
        self.trace.root = first.func;
        self.trace.frames[0] = Frame { lexical: first.lexical, this: first.this, ..Frame::of(first.func) };
        let count = self.model.program.func(first.func).params.len();
        let mut args: Vec<ValId> = (0..count)
            .map(|at| self.trace.values.add(Val::Param(first.func, u32::try_from(at).unwrap_or(u32::MAX))))
            .collect();
        if self.stages.len() > 1
            && let Some(last) = args.last_mut()
        {
            *last = self.trace.values.add(Val::Next(1));
            self.stage_frames.push(FrameId(0));
            self.trace.frames[0].is_stage = true;
        }
        self.enter_held(first.func, self.end_of(first.func));
        let handler = last_resort.map(|_| self.new_block(FrameId(0)));
        self.last_resort = handler;
        let leaves = self.run(At { frame: FrameId(0), block: entry, env: Env::default(), handler }, &args);
        let site = self.end_of(first.func);
        self.return_from(leaves.into_iter().map(|leave| (leave.block, leave.value)), site);
        if let (Some(last_resort), Some(block)) = (last_resort, handler) {
            self.run_last_resort(last_resort.func, block);
        }
    }

    fn return_from(&mut self, ends: impl Iterator<Item = (BlockId, ValId)>, site: Site) {
        for (block, value) in ends {
            let block = &mut self.trace.blocks[block.index()];
            if matches!(block.exit, Exit::Unreachable) {
                block.exit = Exit::Return(value, site);
            }
        }
    }

    fn end_of(&self, func: FuncRef) -> Site {
        let span = self.model.program.func(func).span;
        Site { unit: func.unit, span: Span::new(span.end.max(1) - 1, span.end) }
    }

    /// Runs the function that answers errors, from the block that they lead to.
    fn run_last_resort(&mut self, func: FuncRef, block: BlockId) {
        let frame = FrameId(u32::try_from(self.trace.frames.len()).unwrap_or(u32::MAX));
        self.trace.frames.push(Frame::of(func));
        self.trace.blocks[block.index()].frame = frame;
        let caught = self.trace.values.add(Val::Caught(block));
        let count = self.model.program.func(func).params.len();
        let mut args = vec![caught];
        args.extend((1..count).map(|at| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            self.trace.values.add(Val::Param(func, at))
        }));
        let leaves = self.run(At { frame, block, env: Env::default(), handler: None }, &args);
        let site = self.end_of(func);
        self.return_from(leaves.into_iter().map(|leave| (leave.block, leave.value)), site);
    }

    /// Whether a call hands an error that was caught to whoever called the function that answers a request, and so to what
    /// answers errors at last (`next(error)`).
    pub(super) fn hands_over(&self, callee: ValId, args: &[ValId]) -> Option<BlockId> {
        let passes = matches!(self.trace.values.get(callee), Val::Param(..) | Val::Next(_));
        let [error] = args else { return None };
        self.last_resort.filter(|_| passes && matches!(self.trace.values.get(*error), Val::Caught(_)))
    }

    /// The function that a call outside of all runs gave.
    fn made(&mut self, unit: UnitId, slot: SlotId) -> Option<Target> {
        let value = self.outside(unit, slot);
        match self.trace.values.get(value) {
            Val::Closure(func, lexical) => Some(Target::closure(*func, *lexical)),
            _ => None,
        }
    }

    /// The first of the functions that a call registers; the others are kept. Nothing if only one of them can reach the
    /// database: then no window lies across them.
    fn pipeline(&mut self, unit: UnitId, slot: SlotId) -> Option<Target> {
        let (holder, call) = self.call_into(unit, slot)?;
        let (receiver, args) = self.evaluated(unit, holder, call)?;
        let name = called_name(call)?;
        let libraries = self.model.registry.libraries().iter();
        let rows = libraries.flat_map(|library| library.pipelines.iter().map(move |row| (library, row)));
        let fitting = rows.filter(|(_, row)| row.on.is_named(name));
        let callee = self.trace.values.add_field(receiver, name);
        let called =
            Called { unit, receiver: Some(receiver), callee, args: &args, form: call.form, types: &call.type_args };
        let (_, row) = fitting.into_iter().find(|(library, row)| self.fits(&row.on, library, called).is_some())?;
        let Root::Param(first) = row.stages.root else { return None };
        let mut values = Vec::new();
        for value in args.iter().skip(first) {
            values.extend(super::recognise::list_items(&self.trace.values, *value));
        }
        let stages: Vec<Target> = values.into_iter().filter_map(|value| self.callable(value, 4)).collect();
        let reaching = stages.iter().filter(|stage| self.model.survey.shape(stage.func).reaches_database).count();
        if reaching < 2 {
            return None;
        }
        self.stages = stages;
        self.stages.first().copied()
    }

    /// The call that gives a variable its value, and the function it stands in.
    fn call_into(&self, unit: UnitId, slot: SlotId) -> Option<(FuncId, &'m Call)> {
        let places = self.model.survey.definitions(unit).of.get(&slot)?;
        places.iter().find_map(|place| match place {
            Definition::Call(func, call) => Some((*func, *call)),
            _ => None,
        })
    }

    /// The receiver and the arguments of a call outside of all runs.
    fn evaluated(&mut self, unit: UnitId, holder: FuncId, call: &Call) -> Option<(ValId, Vec<ValId>)> {
        let ExprKind::Field(base, _) = &call.callee.kind else { return None };
        let receiver = self.eval_outside(unit, holder, base);
        let args = call.args.iter().map(|arg| match arg {
            Item::Value(arg) | Item::Spread(arg) => self.eval_outside(unit, holder, arg),
        });
        Some((receiver, args.collect()))
    }

    /// The function that is run when a value is called: a function, a method taken off its object or bound to it, or what
    /// an unknown wrapper makes of one.
    pub(super) fn callable(&mut self, value: ValId, depth: usize) -> Option<Target> {
        let depth = depth.checked_sub(1)?;
        match self.trace.values.get(value).clone() {
            Val::Closure(func, lexical) => Some(Target::closure(func, lexical)),
            Val::Field(base, name) => {
                let class = self.class_of(base)?;
                let func = self.model.program.method(class, &name)?;
                Some(Target { this: Some(base), ..Target::closure(func, None) })
            }
            Val::Call { callee, args, is_new: false, .. } => {
                if let Val::Field(inner, name) = self.trace.values.get(callee).clone()
                    && name == "bind"
                {
                    let target = self.callable(inner, depth)?;
                    return Some(Target { this: target.this.or(args.first().copied()), ..target });
                }
                let mut found = args.into_iter().filter_map(|arg| self.callable(arg, depth)).collect::<Vec<_>>();
                if found.len() == 1 { found.pop() } else { None }
            }
            _ => None,
        }
    }

    /// Runs the next of the functions that answer a request: with the values that the parameters of the one before it
    /// have by now. Errors of it are no errors of that one.
    pub(super) fn run_next(&mut self, at: &mut At, index: u32, site: Site) -> Option<ValId> {
        let stage = self.stages.get(index as usize).copied();
        let Some(stage) = stage.filter(|stage| self.may_run(stage.func)) else {
            return Some(self.trace.values.opaque());
        };
        let mut args = Vec::new();
        if let Some(frame) = self.stage_frames.last().copied() {
            let func = self.trace.frames[frame.index()].func;
            for param in &self.model.program.func(func).params {
                let variable = (frame, param.slot);
                let value = at.env.get(&variable).or_else(|| self.fixed.get(&variable)).copied();
                args.push(value.unwrap_or_else(|| self.trace.values.opaque()));
            }
        }
        let count = self.model.program.func(stage.func).params.len();
        if index as usize + 1 < self.stages.len() && count > 0 {
            args.truncate(count);
            if let Some(last) = args.last_mut() {
                *last = self.trace.values.add(Val::Next(index + 1));
            }
        }
        let frame = FrameId(u32::try_from(self.trace.frames.len()).unwrap_or(u32::MAX));
        self.stage_frames.push(frame);
        let handler = std::mem::take(&mut at.handler);
        let value = self.run_function(at, stage, &args, site);
        at.handler = handler;
        self.stage_frames.pop();
        if let Some(stage) = self.trace.frames.get_mut(frame.index()) {
            stage.is_stage = true;
        }
        value
    }

    /// The functions that answer errors of a whole application.
    pub(super) fn last_resorts(&mut self) -> Vec<LastResort> {
        let program = self.model.program;
        let libraries = self.model.registry.libraries().iter();
        let rows: Vec<(&'m Library, &'m ErrorHandlerRow)> =
            libraries.flat_map(|library| library.error_handlers.iter().map(move |row| (library, row))).collect();
        let mut found = Vec::new();
        for (unit, it) in program.units() {
            for (at, func) in it.functions.iter().enumerate() {
                let holder = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
                for step in func.blocks.iter().flat_map(|block| &block.steps) {
                    let Step::Call(call) = step else { continue };
                    let name = called_name(call);
                    for (library, row) in &rows {
                        let value = match &row.by {
                            Registration::Call(on) => {
                                if !name.is_some_and(|name| on.is_named(name)) {
                                    continue;
                                }
                                let Some((receiver, args)) = self.evaluated(unit, holder, call) else { continue };
                                let callee = self.trace.values.add_field(receiver, name.unwrap_or_default());
                                let form = call.form;
                                let called =
                                    Called { unit, receiver: Some(receiver), callee, args: &args, form, types: &[] };
                                if self.fits(on, library, called).is_none() {
                                    continue;
                                }
                                let Root::Param(index) = row.handler.root else { continue };
                                args.get(index).copied()
                            }
                            Registration::Object { .. } => self.registered_by_object(unit, holder, call, &row.by),
                        };
                        let Some(value) = value else { continue };
                        let func = self.error_handler(value, row);
                        found.extend(func.map(|func| LastResort { func, registered: unit }));
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What a registering object among a call's arguments names, seen through lists and other objects.
    fn registered_by_object(&mut self, unit: UnitId, holder: FuncId, call: &Call, by: &Registration) -> Option<ValId> {
        let Registration::Object { member, name, handler } = by else { return None };
        let mut todo: Vec<ValId> = Vec::new();
        for arg in &call.args {
            if let Item::Value(arg) = arg
                && mentions(arg, member)
            {
                todo.push(self.eval_outside(unit, holder, arg));
            }
        }
        while let Some(value) = todo.pop() {
            if let Val::Object(_) = self.trace.values.get(value) {
                let named = self.field(value, member);
                if self.name_of(named) == Some(name) {
                    return Some(self.field(value, handler));
                }
            }
            if matches!(self.trace.values.get(value), Val::Object(_) | Val::Array(_)) {
                todo.extend(self.trace.values.parts(value));
            }
        }
        None
    }

    /// The function that a registered value handles errors with.
    fn error_handler(&mut self, value: ValId, row: &ErrorHandlerRow) -> Option<FuncRef> {
        let func = match &row.method {
            None => self.callable(value, 3)?.func,
            Some(method) => {
                let class = match self.trace.values.get(value) {
                    Val::Class(class) => *class,
                    _ => self.class_of(value)?,
                };
                self.model.program.method(class, method)?
            }
        };
        let count = self.model.program.func(func).params.len();
        row.params.is_none_or(|wanted| wanted == count).then_some(func)
    }
}

/// Whether an object literal somewhere in an expression has a member of that name.
fn mentions(expr: &Expr, member: &str) -> bool {
    match &expr.kind {
        ExprKind::Object(entries) => entries.iter().any(|entry| match entry {
            Entry::Field { key, value, .. } => key == member || mentions(value, member),
            Entry::Computed(..) | Entry::Spread(_) => false,
        }),
        ExprKind::Array(items) => items.iter().any(|item| match item {
            Item::Value(value) | Item::Spread(value) => mentions(value, member),
        }),
        _ => false,
    }
}

/// The last name of what a call calls.
fn called_name(call: &Call) -> Option<&str> {
    match &call.callee.kind {
        ExprKind::Field(_, name) if call.form == CallForm::Plain => Some(name),
        _ => None,
    }
}
