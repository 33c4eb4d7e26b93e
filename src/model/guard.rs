//! Transactions that a value keeps open: from the call that gives the value to the one that commits it, or to where it is
//! gone.
//!
//! Which of them are open depends on the way, so it is kept with the variables: a transaction that not every way has open is
//! taken to be closed where ways meet, unless the ways leave a function and its guard goes along with what is returned.

use super::elaborate::{At, Elaborator, Env, Leave, Variable};
use super::recognise::{Called, Recognised};
use super::trace::{Event, FrameId, RegionId, RegionKind};
use super::value::{Val, ValId};
use crate::ir::SlotId;
use crate::library::{Library, RegionRow};

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
        if !matches!(self.trace.regions[region.index()].kind, RegionKind::Guard(_)) {
            let event = if keeps { Event::Close(region) } else { Event::Abort(region) };
            self.emit(at, event);
        }
        std::rc::Rc::make_mut(&mut at.env).remove(&opened(region));
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
            Val::Array(_) | Val::Object(_) | Val::Choice(..) | Val::Phi(_) => {
                self.trace.values.parts(value).into_iter().any(|part| self.holds(part, region, depth))
            }
            _ => self.guard_region(value) == Some(region),
        }
    }

    /// Whether a value may have to do with the guard of a transaction.
    fn carries(&self, value: ValId, region: RegionId) -> bool {
        let handle = Val::Handle(region);
        let is_handle = |v: ValId| *self.trace.values.get(v) == handle || self.guard_region(v) == Some(region);
        self.trace.values.any_within(value, 4, &mut |v| is_handle(v))
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

    /// Whether a call ends a transaction that such a row opens.
    pub fn closes(&self, row: &RegionRow, library: &Library, name: &str, called: Called<'_>) -> Option<Recognised<'m>> {
        for (patterns, keeps) in [(&row.commit, true), (&row.abort, false)] {
            for pattern in patterns.iter().filter(|pattern| pattern.is_named(name)) {
                let Some((handle, _)) = self.fits(pattern, library, called) else { continue };
                // A parameter, as in `drop(tx)`, or the receiver.
                let handle = called.args.first().copied().filter(|_| called.receiver.is_none()).unwrap_or(handle);
                if let Val::Handle(region) = self.trace.values.get(handle) {
                    return Some(Recognised::Closed(*region, keeps));
                }
            }
        }
        None
    }
}

/// The transactions that guards keep open, outermost first.
pub(super) fn guards_of(env: &Env) -> Vec<RegionId> {
    let mut open: Vec<RegionId> =
        env.keys().filter(|(_, slot)| *slot == SlotId(u32::MAX)).map(|(region, _)| RegionId(region.0)).collect();
    open.sort_unstable();
    open
}
