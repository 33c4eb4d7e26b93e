//! What is made before the trace starts, or beside it: instances of classes, and what factories at the top of a module give.
//!
//! Such code runs in blocks that no way of the trace leads to. Its values remain; what it does to the database, if
//! anything, is done once, when a program starts.

use super::elaborate::{At, Elaborator, Env};
use super::trace::{Around, Frame, FrameId};
use super::value::{ObjectEntry, Val, ValId};
use crate::ir::{Call, CallForm, FuncKind, SlotId};
use crate::link::{ClassRef, FuncRef};

/// How many blocks a function may have that is run beside the trace: a factory is short, what starts a whole server is not.
const FACTORY: usize = 60;

impl Elaborator<'_, '_> {
    /// What a call at the top of a module gives.
    pub(super) fn made_outside(&mut self, callee: ValId, args: &[ValId], call: &Call) -> ValId {
        if call.form == CallForm::New
            && let Val::Class(class) = self.trace.values.get(callee)
            && !self.is_error_class(*class)
        {
            let class = *class;
            return self.construct(class, args);
        }
        if let Some(target) = self.stood_in_for(callee, args, call) {
            return target;
        }
        if call.form == CallForm::Plain
            && let Val::Closure(func, lexical) = self.trace.values.get(callee)
        {
            let (func, lexical) = (*func, *lexical);
            let made = self.run_beside(func, lexical, None, args).map(|(value, _)| value);
            let speaks = |value: &ValId| match self.trace.values.get(*value) {
                Val::Object(_) | Val::Closure(..) | Val::Made(..) | Val::Class(_) | Val::Array(_) => true,
                _ => self.typed(*value).is_some() || self.class_of(*value).is_some(),
            };
            if let Some(made) = made.filter(speaks) {
                return made;
            }
        }
        self.unresolved(callee, args.to_vec(), call.form, Some((FrameId(u32::MAX), call.span)))
    }

    /// What a proxy stands in for.
    pub(super) fn stood_in_for(&self, callee: ValId, args: &[ValId], call: &Call) -> Option<ValId> {
        let is_proxy = call.form == CallForm::New && *self.trace.values.get(callee) == Val::Global("Proxy".to_owned());
        let target = args.first().filter(|_| is_proxy)?;
        // A proxy of an empty object makes up everything itself.
        (!matches!(self.trace.values.get(*target), Val::Object(_))).then_some(*target)
    }

    /// An instance of a class: its members are those that the constructors store, or that a literal lists.
    pub(super) fn construct(&mut self, class: ClassRef, args: &[ValId]) -> ValId {
        if let [members] = args
            && self.model.program.is_made_of_members(class)
            && matches!(self.trace.values.get(*members), Val::Object(_))
        {
            return self.trace.values.add(Val::Made(class, *members));
        }
        let bare = self.trace.values.add(Val::Instance(class));
        match self.stored_members(class, bare, args) {
            Some(members) => self.trace.values.add(Val::Made(class, members)),
            None => bare,
        }
    }

    /// The members that the constructor of a class, or else of the class above it, stores; `None` where it has none.
    fn stored_members(&mut self, class: ClassRef, this: ValId, args: &[ValId]) -> Option<ValId> {
        let mut owner = class;
        for _ in 0..8 {
            if let Some(func) = self.model.program.class(owner).constructor {
                let func = FuncRef { unit: owner.unit, func };
                let (_, members) = self.run_beside(func, None, Some(this), args)?;
                return members;
            }
            owner = self.model.program.superclass(owner)?;
        }
        None
    }

    /// `super(…)`: the members that the class above stores become those of the object in the making.
    pub(super) fn construct_super(&mut self, at: &mut At, args: &[ValId]) {
        let func = self.trace.frames[at.frame.index()].func;
        let FuncKind::Constructor(class) = self.model.program.func(func).kind else { return };
        let Some(above) = self.model.program.superclass(ClassRef { unit: func.unit, class }) else { return };
        let this = self.trace.frames[at.frame.index()].this;
        let this = this.unwrap_or_else(|| self.trace.values.add(Val::Instance(above)));
        let Some(members) = self.stored_members(above, this, args) else { return };
        let Some(slot) = self.this_slot(func) else {
            // The constructor stores nothing itself: what is above is all there is.
            self.inherited.insert(at.frame, members);
            return;
        };
        let own = at.env.get(&(at.frame, slot)).copied();
        let entries = std::iter::once(members).chain(own).map(ObjectEntry::Spread).collect();
        let merged = self.trace.object(entries);
        self.rebind(func.unit, at, slot, merged);
    }

    /// The variable in which a constructor gathers what it stores.
    fn this_slot(&self, func: FuncRef) -> Option<SlotId> {
        let slots = &self.model.program.unit(func.unit).slots;
        let at = slots.iter().position(|slot| slot.owner == func.func && slot.name == "this")?;
        u32::try_from(at).ok().map(SlotId)
    }

    /// Runs a function beside the trace: what it returns, and what it has stored in its receiver.
    fn run_beside(
        &mut self,
        func: FuncRef,
        lexical: Option<FrameId>,
        this: Option<ValId>,
        args: &[ValId],
    ) -> Option<(ValId, Option<ValId>)> {
        let short = self.model.program.func(func).blocks.len() <= FACTORY;
        if !short || !self.may_run(func) {
            return None;
        }
        let frame = FrameId(u32::try_from(self.trace.frames.len()).unwrap_or(u32::MAX));
        self.trace.frames.push(Frame { this, lexical, ..Frame::of(func) });
        let (regions, guards) = (std::mem::take(&mut self.regions), std::mem::take(&mut self.guards));
        let block = self.new_block(frame);
        let at = At { frame, block, env: Env::default(), handler: None };
        let leaves = self.run(at, args);
        let mut at = At { frame, block, env: Env::default(), handler: None };
        let value = self.gather(&mut at, leaves);
        (self.regions, self.guards) = (regions, guards);
        let value = value?;
        // Functions that were made in there keep seeing its variables.
        for (variable, held) in at.env.iter() {
            self.fixed.entry(*variable).or_insert(*held);
        }
        let stored = self.this_slot(func).and_then(|slot| at.env.get(&(frame, slot)).copied());
        let stored = stored.or_else(|| self.inherited.remove(&frame));
        Some((value, stored))
    }
}

impl Frame {
    /// The run of a function that nobody in sight calls.
    pub(super) fn of(func: FuncRef) -> Self {
        Self {
            func,
            lexical: None,
            caller: None,
            this: None,
            in_place: false,
            takes_handle: false,
            confidence: crate::finding::Confidence::High,
            is_stage: false,
            takes_lock: false,
            runs_locked: false,
            awaits: false,
            detached: false,
            around: Around::default(),
        }
    }
}
