//! Calls: operations that library rows describe, functions of the project that are run in place, and the rest.

use super::algebra::AFFECTED;
use super::elaborate::{At, Elaborator, RECEIVER, Variable};
use super::recognise::{Called, Recognised};
use super::statement::exists;
use super::survey::{changed_member, mutated};
use super::trace::{Around, BlockId, Effect, Event, Frame, FrameId, OpId, OpSource, Site, names_lock};
use super::value::{ObjectEntry, Val, ValId};
use crate::finding::Confidence;
use crate::ir::{Call, CallForm, ExprKind, FuncKind, Item, Key, Language, Over, Param, UnaryOp};
use crate::library::Rows;
use crate::link::{ClassRef, FuncRef, UnitId};
use crate::sql;

/// How many functions that cannot reach the database are run inside one another: a predicate, and what it asks.
const ASIDE: usize = 3;

/// The function that a call reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub func: FuncRef,
    /// The run it closes over.
    pub lexical: Option<FrameId>,
    /// Its receiver.
    pub this: Option<ValId>,
    /// How sure it is that this one is meant.
    pub confidence: Confidence,
    /// Whether nobody makes use of what it gives.
    pub unused: bool,
}

impl Target {
    pub fn closure(func: FuncRef, lexical: Option<FrameId>) -> Self {
        Self { func, lexical, this: None, confidence: Confidence::High, unused: false }
    }
}

impl<'m> Elaborator<'m, '_> {
    /// Runs a call; `None` if it never returns.
    pub fn call(&mut self, unit: UnitId, at: &mut At, call: &Call) -> Option<ValId> {
        let (receiver, name) = match &call.callee.kind {
            ExprKind::Field(base, name) => (Some(self.eval(unit, at, base)), Some(name.as_str())),
            ExprKind::Global(name) => (None, Some(name.as_str())),
            ExprKind::Slot(slot) => (None, Some(self.model.program.unit(unit).slots[slot.index()].name.as_str())),
            _ => (None, None),
        };
        let callee = match (receiver, name) {
            (Some(receiver), Some(name)) => self.field(receiver, name),
            _ => self.eval(unit, at, &call.callee),
        };
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(match arg {
                Item::Value(arg) => self.eval(unit, at, arg),
                Item::Spread(arg) => {
                    let all = self.eval(unit, at, arg);
                    self.trace.values.add(Val::Derived(vec![all]))
                }
            });
        }
        let site = Site { unit, span: call.span };
        if receiver.is_none() && name == Some("super") {
            self.construct_super(at, &args);
            return Some(self.trace.values.unset());
        }
        if let Some(last_resort) = self.hands_over(callee, &args) {
            let outer = At { handler: Some(last_resort), env: at.env.clone(), ..*at };
            self.throw(&outer, args[0], site);
            return None;
        }
        if let Val::Next(index) = self.trace.values.get(callee)
            && args.is_empty()
        {
            let index = *index;
            return self.run_next(at, index, site);
        }
        if let Some(target) = self.stood_in_for(callee, &args, call) {
            return Some(target);
        }
        if let Some(value) = self.known(unit, at, call, receiver, name, &args) {
            return Some(value);
        }
        if let (Some(receiver), Some(name)) = (receiver, name)
            && let Some(found) = self.looked_up(receiver, name, &args)
        {
            return Some(found);
        }
        let called = Called { unit, receiver, callee, args: &args, form: call.form, types: &call.type_args };
        match self.recognise(at, name, called) {
            Some(Recognised::Ops(mut ops)) => {
                if ops.iter().any(|op| op.by.is_some_and(|(row, _)| row.lazy)) && self.is_unused(at, call) {
                    ops.iter_mut().for_each(|op| op.dropped = true);
                }
                let map = ops.last().and_then(|op| op.by?.0.map.as_ref());
                let map = map.and_then(|selector| self.select(selector, receiver, &args));
                let given = self.run_ops(at, ops, site);
                return Some(match map {
                    Some(map) => self.mapped(at, given, map, site),
                    None => given,
                });
            }
            Some(Recognised::Region(row, library, handle)) => {
                return self.run_region(at, (row, library), handle, &args, site);
            }
            Some(Recognised::Closed(region, keeps)) => {
                self.close_guard(at, region, keeps);
                return Some(self.trace.values.unset());
            }
            Some(Recognised::Value(value, None)) => return Some(value),
            Some(Recognised::Value(value, Some(new))) => {
                if let Some(old) = receiver {
                    self.replace(at, old, new);
                }
                return Some(value);
            }
            None => {}
        }
        if call.form == CallForm::Macro
            && let Some(func) = name.and_then(|name| self.macro_for(name, &args))
            && self.may_run(func)
        {
            return self.run_function(at, Target::closure(func, None), &args, site);
        }
        if let Some((target, args)) = self.by_type(receiver, name, &args)
            && self.worth_running(target, args)
            && self.may_run(target.func)
        {
            return self.run_function(at, target, args, site);
        }
        if let Some(target) = self.target(at, receiver, name, callee)
            && call.form != CallForm::New
            && self.worth_running(target, &args)
            && self.may_run(target.func)
        {
            let awaits = self.model.survey.shape(target.func).awaits;
            let target = Target { unused: awaits && self.is_unused(at, call), ..target };
            let frame = self.next_frame();
            // A guard that has no name lives as long as the statement.
            let held = self.hold_guards(at, target.this.iter().chain(&args).copied(), site);
            let value = self.run_function(at, target, &args, site);
            self.let_go(at, held);
            self.take_back(unit, at, call, frame);
            return value;
        }
        if call.form == CallForm::New
            && let Val::Class(class) = self.trace.values.get(callee)
            && !self.is_error_class(*class)
        {
            let class = *class;
            return Some(self.construct(class, &args));
        }
        if let Some(query) = receiver.and_then(|receiver| self.extended_vaguely(receiver)) {
            return Some(query);
        }
        if let (Some(row), Some(name), []) = (receiver, name, args.as_slice())
            && self.has_column(row, name)
        {
            // A method by the name of a column gives that.
            return Some(self.field(row, name));
        }
        self.run_unknown(unit, at, call, receiver, callee, args, site)
    }

    /// Whether a call is not waited for, and nothing is made of what it gives.
    fn is_unused(&self, at: &At, call: &Call) -> bool {
        let func = self.model.program.func(self.trace.frames[at.frame.index()].func);
        !call.awaited && !func.blocks.iter().any(|block| block.uses(call.out))
    }

    /// A value that has changed in place: all variables that hold it hold the new one.
    fn replace(&mut self, at: &mut At, old: ValId, new: ValId) {
        for held in std::rc::Rc::make_mut(&mut at.env).values_mut().filter(|held| **held == old) {
            *held = new;
        }
    }

    /// Calls whose meaning every program shares: changing a collection in place, testing membership.
    fn known(
        &mut self,
        unit: UnitId,
        at: &mut At,
        call: &Call,
        receiver: Option<ValId>,
        name: Option<&str>,
        args: &[ValId],
    ) -> Option<ValId> {
        if call.form == CallForm::Plain
            && let (Some(receiver), Some("assign")) = (receiver, name)
            && self.trace.values.get(receiver) == &Val::Global("Object".to_owned())
        {
            let merged = self.trace.object(args.iter().map(|arg| ObjectEntry::Spread(*arg)).collect());
            if let Some(slot) = mutated(call) {
                self.rebind(unit, at, slot, merged);
            }
            return Some(merged);
        }
        if let (Some(receiver), Some(name)) = (receiver, name)
            && let Some(text) = self.joined_text(receiver, name, args)
        {
            return Some(text);
        }
        if self.is_own_method(receiver, name) {
            return None;
        }
        if let (Some((root, path)), Some(receiver)) = (changed_member(call), receiver)
            && let Some(variable) = self.variable(unit, at.frame, root)
            && self.is_made_of_read_rows(receiver)
        {
            let (old, new) = (self.read(unit, at, root), self.changed_list(receiver, name, args));
            let new = self.with_member(unit, at, old, &path, Some(new));
            self.assign(unit, &mut at.env, variable, new);
        }
        if let (Some(slot), Some(receiver)) = (mutated(call), receiver)
            && !self.is_query(receiver)
            && !self.is_run_for_rows(receiver, name)
        {
            let new = self.changed_list(receiver, name, args);
            let is_model_call = self.is_client_member(receiver);
            if !is_model_call {
                self.rebind(unit, at, slot, new);
            }
        }
        None
    }

    /// What a call of a macro of another file stands for: the one of its forms that takes such arguments.
    fn macro_for(&self, name: &str, args: &[ValId]) -> Option<FuncRef> {
        let is_function = |value: ValId| matches!(self.trace.values.get(value), Val::Closure(..));
        let takes = |func: &&FuncRef| {
            let params = &self.model.program.func(**func).params;
            let slots = &self.model.program.unit(func.unit).slots;
            let fits = |(param, arg): (&Param, &ValId)| slots[param.slot.index()].ty.is_none() || is_function(*arg);
            params.len() == args.len() && params.iter().zip(args).all(fits)
        };
        let mut fitting = self.model.survey.macros_named(name).iter().filter(takes);
        let only = fitting.next().copied().filter(|_| fitting.next().is_none())?;
        let shape = self.model.survey.shape(only);
        (shape.reaches_database || shape.reaches_held).then_some(only)
    }

    /// `Type::method(value, …)`: the method that is meant, and its arguments behind the receiver.
    fn by_type<'a>(&self, ty: Option<ValId>, name: Option<&str>, args: &'a [ValId]) -> Option<(Target, &'a [ValId])> {
        let Val::Class(class) = *self.trace.values.get(ty?) else { return None };
        let (program, name) = (self.model.program, name?);
        let (this, args) = args.split_first()?;
        if !program.is_made_of_members(class) || program.static_method(class, name).is_some() {
            return None;
        }
        let func = program.method(class, name)?;
        Some((Target { this: Some(*this), ..Target::closure(func, None) }, args))
    }

    /// The function that a call reaches.
    fn target(&mut self, at: &At, receiver: Option<ValId>, name: Option<&str>, callee: ValId) -> Option<Target> {
        if let Val::Closure(func, frame) = self.trace.values.get(callee) {
            return Some(Target::closure(*func, *frame));
        }
        let (receiver, name) = (receiver?, name?);
        if self.trace.values.get(receiver) == &Val::Global("super".to_owned()) {
            let (class, this) = self.method_around(at)?;
            let func = self.model.program.method(self.model.program.superclass(class)?, name)?;
            return Some(Target { this, ..Target::closure(func, None) });
        }
        if let Some(class) = self.class_of(receiver)
            && let Some(func) = self.model.program.method(class, name)
        {
            return Some(Target { this: Some(receiver), ..Target::closure(func, None) });
        }
        if let Some(class) = self.class_of(receiver) {
            // Of several types that do it, one that reaches the database stands for all: one that waits for an answer, if
            // there is one.
            let mut all = self.model.program.alternatives(class, name);
            all.retain(|func| self.model.survey.shape(*func).reaches_database);
            let waits = |func: &&FuncRef| self.model.survey.shape(**func).awaits;
            if let Some(func) = all.iter().find(waits).or(all.first()).copied() {
                let target = Target::closure(func, None);
                return Some(Target { confidence: Confidence::Medium, this: Some(receiver), ..target });
            }
        }
        let unit = self.trace.frames[at.frame.index()].func.unit;
        if let Some(func) = self.model.program.blanket_method(unit, name) {
            // The type may have a method of that name itself.
            return Some(Target {
                confidence: Confidence::Medium,
                this: Some(receiver),
                ..Target::closure(func, None)
            });
        }
        if self.class_of(receiver).is_some() {
            return None;
        }
        let func = self.model.survey.only_function_named(name)?;
        if self.typed(receiver).is_some() || self.is_foreign(receiver) {
            return None;
        }
        Some(Target { confidence: Confidence::Medium, this: None, ..Target::closure(func, None) })
    }

    /// The class whose method or constructor a run belongs to, and its receiver.
    fn method_around(&self, at: &At) -> Option<(ClassRef, Option<ValId>)> {
        let mut next = Some(at.frame);
        while let Some(frame) = next {
            let it = &self.trace.frames[frame.index()];
            if let FuncKind::Method(class) | FuncKind::Constructor(class) = self.model.program.func(it.func).kind {
                return Some((ClassRef { unit: it.func.unit, class }, it.this));
            }
            next = it.lexical;
        }
        None
    }

    /// Whether running a function may tell something: it reaches the database, it works on what a lock holds, or it is
    /// small.
    fn worth_running(&self, target: Target, args: &[ValId]) -> bool {
        let shape = self.model.survey.shape(target.func);
        let given = || target.this.into_iter().chain(args.iter().copied());
        shape.reaches_database
            || shape.is_small && self.aside() < ASIDE
            || shape.reaches_held && given().any(|value| self.is_held(value))
    }

    /// Whether a value is reached through a lock that the trace has taken.
    fn is_held(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Result(op) => self.trace.op(*op).gives_guard(),
            Val::Field(base, _) | Val::Index(base, _) | Val::Element(base) => self.is_held(*base),
            _ => false,
        }
    }

    /// Runs a function of the project in place.
    pub fn run_function(&mut self, at: &mut At, target: Target, args: &[ValId], site: Site) -> Option<ValId> {
        let Target { func, lexical, this, confidence, unused } = target;
        let in_place = lexical.is_some_and(|holder| self.encloses(holder, at.frame)) && !self.is_named_function(func);
        if lexical.is_some() {
            self.trace.in_place.push(func);
        }
        let frame = self.next_frame();
        let takes_handle = !in_place && args.iter().any(|arg| self.region_within(*arg).is_some());
        let confidence = confidence.min(self.trace.frames[at.frame.index()].confidence);
        let caller = Some((at.frame, site));
        let takes_lock = names_lock(&self.model.program.func(func).name);
        let outer = self.trace.frames[at.frame.index()].around;
        let around = Around {
            guard: outer.guard
                || takes_handle
                || args.iter().any(|arg| self.is_transaction(*arg))
                || takes_lock
                || !self.regions.is_empty()
                || !self.guards.is_empty()
                || self.locks_session(),
            handler: outer.handler || at.handler.is_some(),
            own_row: outer.own_row || args.iter().any(|arg| self.holds_own_row(*arg)),
        };
        let frame_of = Frame {
            lexical,
            caller,
            this,
            in_place,
            takes_handle,
            confidence,
            takes_lock,
            detached: unused && self.model.survey.shape(func).awaits,
            around,
            ..Frame::of(func)
        };
        self.trace.frames.push(frame_of);
        let held = self.enter_held(func, site);
        let entry = self.new_block(frame);
        self.goto_fresh(at, entry);
        let mut inner = At { frame, block: entry, env: at.env.clone(), handler: at.handler };
        if let Some(row) = this.filter(|this| self.is_made_of_read_rows(*this)) {
            std::rc::Rc::make_mut(&mut inner.env).insert((frame, RECEIVER), row);
        }
        let leaves = self.run(inner, args);
        self.regions.retain(|open| Some(*open) != held);
        let mut value = self.gather(at, leaves)?;
        if takes_lock && let Some(given) = self.run_under_lock(at, frame, args, site) {
            value = given;
        }
        Some(self.as_returned(func, this, args, value))
    }

    /// The run that starts next.
    fn next_frame(&self) -> FrameId {
        FrameId(u32::try_from(self.trace.frames.len()).unwrap_or(u32::MAX))
    }

    /// Behind a method that has changed the row it was called on: whatever held that row holds the changed one.
    fn take_back(&mut self, unit: UnitId, at: &mut At, call: &Call, frame: FrameId) {
        let Some(row) = at.env.get(&(frame, RECEIVER)).copied() else { return };
        let ExprKind::Field(base, _) = &call.callee.kind else { return };
        if self.trace.frames[frame.index()].this == Some(row) {
            return;
        }
        let (mut path, mut root) = (Vec::new(), base);
        while let ExprKind::Field(base, name) = &root.kind {
            path.push(Key::Name(name.clone()));
            root = base;
        }
        path.reverse();
        let holder = match root.kind {
            ExprKind::Slot(slot) => self.variable(unit, at.frame, slot),
            ExprKind::This => self.receiver_of(at),
            _ => None,
        };
        let Some(holder) = holder else { return };
        let old = self.eval(unit, at, root);
        let new = self.with_member(unit, at, old, &path, Some(row));
        std::rc::Rc::make_mut(&mut at.env).insert(holder, new);
    }

    /// The receiver of the method around, where that is a row.
    fn receiver_of(&self, at: &At) -> Option<Variable> {
        let mut next = Some(at.frame);
        while let Some(frame) = next {
            if at.env.contains_key(&(frame, RECEIVER)) {
                return Some((frame, RECEIVER));
            }
            next = self.trace.frames[frame.index()].lexical;
        }
        None
    }

    /// Whether the rows of a call are changed by a method that the project gives their type.
    fn is_own_method(&self, receiver: Option<ValId>, name: Option<&str>) -> bool {
        let (Some(receiver), Some(name)) = (receiver, name) else { return false };
        let class = self.class_of(receiver).filter(|_| self.is_made_of_read_rows(receiver));
        class.is_some_and(|class| self.model.program.method(class, name).is_some())
    }

    /// Whether a call is of a method of the project's that reaches a database: whatever its name, it adds to no list.
    fn is_run_for_rows(&self, receiver: ValId, name: Option<&str>) -> bool {
        let (Some(class), Some(name)) = (self.class_of(receiver), name) else { return false };
        let program = self.model.program;
        let mut methods = program.method(class, name).into_iter().chain(program.alternatives(class, name));
        methods.any(|func| self.model.survey.shape(func).reaches_database)
    }

    /// Whether a lock has been asked for that belongs to a connection, whatever runs through others meanwhile.
    fn locks_session(&self) -> bool {
        self.trace.ops.iter().any(|op| match &op.source {
            OpSource::Sql(statement, _) => {
                let kind = &statement.kind;
                let is_held = matches!(kind, sql::Kind::AdvisoryLock { scope: sql::Scope::Session, .. });
                (is_held || kind.keeps_writers_out()) && !op.pooled
            }
            _ => false,
        })
    }

    /// Whether the run `holder` is that of `frame` or one that called it.
    fn encloses(&self, holder: FrameId, frame: FrameId) -> bool {
        let mut next = Some(frame);
        while let Some(frame) = next {
            if frame == holder {
                return true;
            }
            next = self.trace.frames[frame.index()].caller.map(|(caller, _)| caller);
        }
        false
    }

    /// Whether a function stands for itself in reports: declared, or a literal bound to a name and called by it.
    fn is_named_function(&self, func: FuncRef) -> bool {
        matches!(self.model.program.func(func).kind, FuncKind::Declared)
    }

    /// Goes on in a new block that has no other way in.
    pub fn goto_fresh(&mut self, at: &At, to: BlockId) {
        self.trace.blocks[at.block.index()].exit = super::trace::Exit::Goto(to);
    }

    /// A call that nothing describes. A function literal handed to it is run on the spot, once: that is what wrappers do.
    #[expect(clippy::too_many_arguments, reason = "the pieces of one call")]
    fn run_unknown(
        &mut self,
        unit: UnitId,
        at: &mut At,
        call: &Call,
        receiver: Option<ValId>,
        callee: ValId,
        args: Vec<ValId>,
        site: Site,
    ) -> Option<ValId> {
        if self.is_exit(Called { unit, receiver, callee, args: &args, form: call.form, types: &call.type_args }) {
            let value = self.unresolved(callee, args, call.form, None);
            self.throw(at, value, site);
            return None;
        }
        let callbacks: Vec<(FuncRef, FrameId)> = args
            .iter()
            .filter_map(|arg| match self.trace.values.get(*arg) {
                Val::Closure(func, Some(frame)) => Some((*func, *frame)),
                _ => None,
            })
            .collect();
        let inside = self.trace.frames[at.frame.index()].func.func.0 != 0;
        let name = self.called(unit, call, receiver);
        if names_lock(name.rsplit('.').next().unwrap_or_default()) {
            // What it runs comes behind it.
            let effect = Effect {
                name: name.clone(),
                args: args.clone(),
                receiver,
                site,
                awaited: call.awaited,
                lasting: false,
            };
            self.emit(at, Event::Call(effect));
        }
        let moved: Vec<ValId> =
            call.args.iter().zip(&args).filter(|(arg, _)| !lends(call, arg)).map(|(_, v)| *v).collect();
        if call.awaited || !self.wraps_what_it_takes(callee) {
            self.hand_over(at, &moved);
        }
        let lasting =
            self.is_lasting(Called { unit, receiver, callee, args: &args, form: call.form, types: &call.type_args });
        let mut given = None;
        for (func, frame) in callbacks {
            if inside && self.runs_at_once(unit, call, &name, func) && self.may_run(func) {
                let count = self.model.program.func(func).params.len();
                let inner: Vec<ValId> = (0..count).map(|_| self.trace.values.opaque()).collect();
                given = Some(self.run_function(at, Target::closure(func, Some(frame)), &inner, site)?);
            }
        }
        let value = self.unresolved(callee, args.clone(), call.form, Some((at.frame, call.span)));
        let effect = Effect { name, args, receiver, site, awaited: call.awaited, lasting };
        match given {
            // What a wrapper raises is what the function raises that it runs.
            Some(given) => {
                self.trace.blocks[at.block.index()].events.push(Event::Call(effect));
                Some(given)
            }
            None => {
                self.emit(at, Event::Call(effect));
                Some(value)
            }
        }
    }

    /// Whether what is called belongs to a type itself, as what makes a value of the type does: `Mutex::new`, `Arc::from`.
    fn wraps_what_it_takes(&self, callee: ValId) -> bool {
        let Val::Field(ty, _) = self.trace.values.get(callee) else { return false };
        let is_item = matches!(self.trace.values.get(*ty), Val::External(..) | Val::Global(_) | Val::Field(..));
        is_item
            && self.trace.errors_are_values
            && self.name_of(*ty).is_some_and(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
    }

    /// Whether a call that nothing describes runs a function literal it is given where it stands, and that may tell something.
    fn runs_at_once(&self, unit: UnitId, call: &Call, name: &str, func: FuncRef) -> bool {
        let shape = self.model.survey.shape(func);
        let tells = shape.reaches_database || shape.runs_given && shape.is_small && self.aside() < ASIDE;
        let waits = match self.model.program.unit(unit).language {
            Language::TypeScript => call.awaited || names_lock(name.rsplit('.').next().unwrap_or_default()),
            // What is to run later, or beside what follows, is spawned.
            Language::Rust => call.awaited || !name.rsplit('.').next().unwrap_or_default().starts_with("spawn"),
        };
        waits && tells
    }

    /// The value of a call that is not resolved.
    pub fn unresolved(
        &mut self,
        callee: ValId,
        args: Vec<ValId>,
        form: CallForm,
        site: Option<(FrameId, crate::text::Span)>,
    ) -> ValId {
        let is_new = form == CallForm::New;
        if is_new && let Val::Class(class) = self.trace.values.get(callee) {
            let class = *class;
            if !self.is_error_class(class) {
                return self.trace.values.add(Val::Instance(class));
            }
        }
        let pure = !args.is_empty() || matches!(self.trace.values.get(callee), Val::Field(..));
        let site = if pure { None } else { site };
        self.trace.values.add(Val::Call { callee, args, is_new, site })
    }

    /// What is called, in words.
    fn called(&self, unit: UnitId, call: &Call, receiver: Option<ValId>) -> String {
        let mut parts = Vec::new();
        let mut next = &call.callee;
        while let ExprKind::Field(base, name) = &next.kind {
            parts.push(name.clone());
            next = base;
        }
        match &next.kind {
            ExprKind::Global(name) => parts.push(name.clone()),
            ExprKind::Slot(slot) => parts.push(self.model.program.unit(unit).slots[slot.index()].name.clone()),
            ExprKind::This => parts.push("this".to_owned()),
            _ if receiver.is_some() => {}
            _ => {}
        }
        parts.reverse();
        parts.retain(|part| !part.is_empty());
        parts.join(".")
    }

    /// Adds operations to the trace and runs them.
    fn run_ops(&mut self, at: &mut At, ops: Vec<super::trace::Op<'m>>, site: Site) -> ValId {
        let mut last = None;
        for op in ops {
            last = Some(self.add_op(at, op, site));
        }
        match last {
            Some(id) => self.given_by(id),
            None => self.trace.values.opaque(),
        }
    }

    /// What a function makes of the row that an operation gave: one of its columns, or something made of several, which
    /// goes on as the row.
    fn mapped(&mut self, at: &mut At, given: ValId, map: ValId, site: Site) -> ValId {
        let (Val::Result(op), Val::Closure(func, frame)) =
            (self.trace.values.get(given).clone(), self.trace.values.get(map).clone())
        else {
            return given;
        };
        if self.trace.op(op).rows == Rows::Many || !self.may_run(func) {
            return given;
        }
        match self.run_function(at, Target::closure(func, frame), &[given], site) {
            Some(made) if matches!(self.trace.values.get(made), Val::Field(base, _) if *base == given) => {
                self.trace.ops[op.index()].scalar = true;
                made
            }
            _ => given,
        }
    }

    /// What an operation gives to the program.
    fn given_by(&mut self, id: OpId) -> ValId {
        let value = self.trace.values.add(Val::Result(id));
        let op = self.trace.op(id);
        if op.place().is_some() {
            return self.given_at_place(id, value);
        }
        let is_count = op.by.is_some_and(|(row, _)| row.affected.as_ref().is_some_and(|s| s.path.is_empty()));
        let (scalar, many, exists) = (op.scalar, op.rows == Rows::Many, exists(op));
        if is_count {
            return self.trace.values.add_field(value, AFFECTED);
        }
        let negated = matches!(&op.source, OpSource::Built(built, _) if built.negated);
        if negated || exists == Some(sql::Exists::Negated) {
            return self.trace.unary(UnaryOp::Not, value);
        }
        if scalar && many {
            let row = self.trace.values.add(Val::Element(value));
            let column = self.trace.field(row, "0");
            return self.trace.over(Over::Map, value, column);
        }
        if scalar { self.trace.field(value, "0") } else { value }
    }
}

/// Whether an argument is only lent to a call, which may change it, and stays with the caller.
fn lends(call: &Call, arg: &Item) -> bool {
    match arg {
        Item::Value(arg) | Item::Spread(arg) => {
            matches!(&arg.kind, ExprKind::Slot(slot) if call.mutates.contains(slot))
        }
    }
}
