//! Transactions that a value keeps open: from the call that gives the value to the one that commits it, or to where it is
//! gone. And what runs under a lock that somebody else takes.
//!
//! Which of them are open depends on the way, so it is kept with the variables: a transaction that not every way has open is
//! taken to be closed where ways meet, unless the ways leave a function and its guard goes along with what is returned.

use super::call::Target;
use super::elaborate::{At, Elaborator, Env, Leave, Variable};
use super::recognise::{Called, Recognised};
use super::trace::{BlockId, Event, FrameId, Region, RegionId, RegionKind, Site};
use super::value::{Literal, Val, ValId};
use crate::ir::SlotId;
use crate::library::{Library, RegionRow};
use crate::link::FuncRef;

/// The variable, of no function, that says of a transaction that it is open.
fn opened(region: RegionId) -> Variable {
    (FrameId(region.0), SlotId(u32::MAX))
}

impl<'m> Elaborator<'m, '_> {
    /// Notes that a guard opens a transaction here.
    pub fn open_guard(&mut self, at: &mut At, region: RegionId) -> ValId {
        let handle = self.trace.values.add(Val::Handle(region));
        self.guard_frames.insert(region, at.frame);
        self.emit(at, Event::Open(region));
        std::rc::Rc::make_mut(&mut at.env).insert(opened(region), handle);
        self.enter_guards(at);
        handle
    }

    /// Notes that a variable holds a guard of what it guards, so that it lives on; one that has no name ends with its
    /// statement.
    pub fn keep_guard(&mut self, at: &mut At, value: ValId) {
        let Some(region) = self.guard_region(value) else { return };
        if at.env.contains_key(&opened(region)) {
            return;
        }
        self.guard_frames.insert(region, at.frame);
        std::rc::Rc::make_mut(&mut at.env).insert(opened(region), value);
        self.enter_guards(at);
    }

    /// A function that is handed the guard of a lock runs alone: whoever calls it holds the lock until it is done.
    pub fn enter_held(&mut self, func: FuncRef, site: Site) -> Option<RegionId> {
        let program = self.model.program;
        let mut types =
            program.func(func).params.iter().filter_map(|param| program.type_of_slot(func.unit, param.slot));
        if !types.any(|ty| self.is_guard(ty)) {
            return None;
        }
        let region = RegionId(u32::try_from(self.trace.regions.len()).unwrap_or(u32::MAX));
        self.trace.regions.push(Region {
            kind: RegionKind::Mutex,
            site,
            ignored_level: None,
            unknown_level: false,
            on: None,
            parent: None,
            handler: None,
            block: BlockId::default(),
        });
        self.regions.push(region);
        Some(region)
    }

    /// Runs the function literals that a function which takes a lock was given and has not been seen to run: by way of a
    /// queue, or once it is told that the lock is free. They run inside of it all the same.
    pub fn run_under_lock(&mut self, at: &mut At, lock: FrameId, args: &[ValId], site: Site) -> Option<ValId> {
        let mut given = None;
        for arg in args {
            let Val::Closure(func, Some(holder)) = *self.trace.values.get(*arg) else { continue };
            let has_run = self.trace.frames[lock.index()..].iter().any(|frame| frame.func == func);
            if has_run || !self.model.survey.shape(func).reaches_database || !self.may_run(func) {
                continue;
            }
            let params = self.model.program.func(func).params.len();
            let unknown: Vec<ValId> = (0..params).map(|_| self.trace.values.opaque()).collect();
            let outer = std::mem::replace(&mut at.frame, lock);
            given = self.run_function(at, Target::closure(func, Some(holder)), &unknown, site);
            at.frame = outer;
        }
        given
    }

    /// Opens the guards that a call's values are reached through and that end with its statement; they are given back, to be
    /// let go of.
    pub fn hold_guards(&mut self, at: &mut At, values: impl Iterator<Item = ValId>, call: Site) -> Vec<RegionId> {
        let mut held = Vec::new();
        for value in values {
            let Some(guard) = self.trace.guard_of(value).map(|op| self.trace.op(op)) else { continue };
            let is_here = guard.site.unit == call.unit && call.span.contains(guard.site.span);
            let Some(region) = guard.region.filter(|_| is_here) else { continue };
            if !at.env.contains_key(&opened(region)) {
                self.guard_frames.insert(region, at.frame);
                std::rc::Rc::make_mut(&mut at.env).insert(opened(region), value);
                held.push(region);
            }
        }
        if !held.is_empty() {
            self.enter_guards(at);
        }
        held
    }

    /// Lets go of guards at the end of their statement.
    pub fn let_go(&mut self, at: &mut At, held: Vec<RegionId>) {
        for region in held {
            self.close_guard(at, region, true);
        }
    }

    /// The region of what a guard guards, if a value is one.
    fn guard_region(&self, value: ValId) -> Option<RegionId> {
        match self.trace.values.get(value) {
            Val::Result(op) => self.trace.op(*op).gives_guard().then_some(self.trace.op(*op).region?),
            _ => None,
        }
    }

    /// Ends a transaction that a guard keeps open; nothing if it has ended.
    pub fn close_guard(&mut self, at: &mut At, region: RegionId, keeps: bool) {
        if !at.env.contains_key(&opened(region)) {
            return;
        }
        let forget = |at: &mut At| std::rc::Rc::make_mut(&mut at.env).remove(&opened(region));
        if self.trace.errors_are_values {
            // What takes the transaction has it gone, whether it goes well or not.
            forget(at);
        }
        if !matches!(self.trace.regions[region.index()].kind, RegionKind::Guard(_)) {
            let event = if keeps { Event::Close(region) } else { Event::Abort(region) };
            self.emit(at, event);
        }
        forget(at);
        self.enter_guards(at);
    }

    /// Goes on in a block of its own, which stands in the transactions that are open now.
    fn enter_guards(&mut self, at: &mut At) {
        self.guards = guards_of(&at.env);
        let next = self.new_block(at.frame);
        self.trace.blocks[at.block.index()].exit = super::trace::Exit::Goto(next);
        at.block = next;
    }

    /// The transactions whose guards go when a run of a function is left with a value.
    pub fn drop_guards(&mut self, at: &mut At, value: Option<ValId>) {
        for region in guards_of(&at.env) {
            let own = self.guard_frames.get(&region) == Some(&at.frame);
            if own && !value.is_some_and(|value| self.carries(value, region)) {
                self.close_guard(at, region, false);
            }
        }
    }

    /// Whether the guard of a transaction is a piece of a value, and not merely what the value was asked through.
    fn holds(&self, value: ValId, region: RegionId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Handle(held) => *held == region,
            Val::Array(_) | Val::Object(_) | Val::Choice(..) | Val::Phi(_) | Val::Made(..) => {
                self.trace.values.parts(value).into_iter().any(|part| self.holds(part, region, depth))
            }
            Val::Call { args, .. } if self.variant_made(value).is_some() => {
                args.iter().any(|part| self.holds(*part, region, depth))
            }
            _ => self.guard_region(value) == Some(region),
        }
    }

    /// The transaction whose guard a value wraps, or was asked of: what is run through the one runs in the other. A value
    /// that may as well have been made without it is none.
    pub fn region_within(&self, value: ValId) -> Option<RegionId> {
        match self.handles_within(value, WRAPPERS, &mut { WRAPPED })[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn handles_within(&self, value: ValId, depth: usize, left: &mut usize) -> Vec<RegionId> {
        let (Some(depth), Some(fewer)) = (depth.checked_sub(1), left.checked_sub(1)) else { return Vec::new() };
        *left = fewer;
        let values = &self.trace.values;
        let mut found: Vec<RegionId> = match values.get(value) {
            Val::Handle(region) => vec![*region],
            Val::Field(..) | Val::Made(..) | Val::Object(_) | Val::Array(_) | Val::Call { .. } | Val::Derived(_) => {
                values.parts(value).into_iter().flat_map(|part| self.handles_within(part, depth, left)).collect()
            }
            Val::Phi(_) | Val::Choice(..) => {
                let is_there = |part: &ValId| !values.literal(*part).is_some_and(Literal::is_absent);
                let parts = match values.get(value) {
                    Val::Choice(_, a, b) => vec![*a, *b],
                    _ => values.parts(value),
                };
                let each: Vec<_> = parts
                    .iter()
                    .filter(|part| is_there(part))
                    .map(|part| self.handles_within(*part, depth, left))
                    .collect();
                if each.iter().any(Vec::is_empty) {
                    return Vec::new();
                }
                each.into_iter().flatten().collect()
            }
            Val::Result(op) if self.trace.op(*op).gives_guard() => {
                let on = self.trace.op(*op).handle;
                on.map(|on| self.handles_within(on, depth, left)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a value may have to do with the guard of a transaction.
    fn carries(&self, value: ValId, region: RegionId) -> bool {
        let handle = Val::Handle(region);
        let is_handle = |v: ValId| *self.trace.values.get(v) == handle || self.guard_region(v) == Some(region);
        self.trace.values.any_within(value, WRAPPERS, &mut |v| is_handle(v))
    }

    /// The guards that some ways out of a function take along with what they return: `None` or `Some((tx, row))`.
    pub fn carried_guards(&self, leaves: &[Leave]) -> Vec<(RegionId, ValId)> {
        let mut carried = Vec::new();
        for leave in leaves {
            for region in guards_of(&leave.env) {
                if let Some(guard) = leave.env.get(&opened(region)).filter(|_| self.holds(leave.value, region, 4)) {
                    carried.push((region, *guard));
                }
            }
        }
        carried
    }

    /// Keeps guards open that came along: what is done with them is done where they are.
    pub fn keep_carried(&self, at: &mut At, carried: Vec<(RegionId, ValId)>) {
        for (region, guard) in carried {
            std::rc::Rc::make_mut(&mut at.env).entry(opened(region)).or_insert(guard);
        }
    }

    /// What a variable held is gone.
    pub fn drop_value(&mut self, at: &mut At, value: ValId) {
        if let Some(region) = self.guard_region(value) {
            self.close_guard(at, region, true);
            return;
        }
        if let Val::Handle(region) = self.trace.values.get(value) {
            let region = *region;
            self.close_guard(at, region, false);
        }
    }

    /// Values that are handed over to something unknown: it commits, as far as anyone can tell.
    pub fn hand_over(&mut self, at: &mut At, args: &[ValId]) {
        for arg in args {
            if let Val::Handle(region) = self.trace.values.get(*arg) {
                let region = *region;
                self.close_guard(at, region, true);
            }
        }
    }

    /// Whether a value wraps the guard of a library's transaction and has no method of a name of its own.
    fn wraps(&self, value: ValId, name: &str, library: &Library) -> bool {
        let of_library =
            |region| self.handle_types.get(&region).is_some_and(|typed| std::ptr::eq(typed.library, library));
        let own = self.class_of(value).and_then(|class| self.model.program.method(class, name));
        own.is_none() && self.region_within(value).is_some_and(of_library)
    }

    /// Whether a call ends a transaction that such a row opens.
    pub fn closes(&self, row: &RegionRow, library: &Library, name: &str, called: Called<'_>) -> Option<Recognised<'m>> {
        for (patterns, keeps) in [(&row.commit, true), (&row.abort, false)] {
            for pattern in patterns.iter().filter(|pattern| pattern.is_named(name)) {
                let handle = match self.fits(pattern, library, called) {
                    // A parameter, as in `drop(tx)`, or the receiver.
                    Some((handle, _)) => {
                        called.args.first().copied().filter(|_| called.receiver.is_none()).unwrap_or(handle)
                    }
                    None => match called.receiver.filter(|_| pattern.takes(called.args.len())) {
                        Some(wrapper) if self.wraps(wrapper, name, library) => wrapper,
                        _ => continue,
                    },
                };
                if let Some(region) = self.region_within(handle) {
                    return Some(Recognised::Closed(region, keeps));
                }
            }
        }
        None
    }
}

/// How deep the guard of a transaction may lie in what wraps it: a type's members, what they share it by, and so on.
const WRAPPERS: usize = 10;

/// How many values are looked at on the way to it.
const WRAPPED: usize = 300;

/// The transactions that guards keep open, outermost first.
pub(super) fn guards_of(env: &Env) -> Vec<RegionId> {
    let mut open: Vec<RegionId> =
        env.keys().filter(|(_, slot)| *slot == SlotId(u32::MAX)).map(|(region, _)| RegionId(region.0)).collect();
    open.sort_unstable();
    open
}
