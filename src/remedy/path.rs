//! The ways from the check to the act: what was tested on each, and what its variables hold.

use std::cell::Cell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::scene::{Scene, Site, Val, encloses};
use crate::ir::{Block, Call, Entry, Exit, Expr, ExprKind, Func, FuncId, Item, SlotId, Step, TemplatePart};
use crate::library::{Missing, Rows};
use crate::link::UnitId;

/// A branch that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    /// The unit.
    pub unit: UnitId,
    /// The function.
    pub func: FuncId,
    /// The tested value.
    pub test: &'a Expr,
    /// What came out.
    pub truth: bool,
    /// Where the other side leads.
    pub other: usize,
}

/// One way.
#[derive(Clone, Debug, Default)]
pub(super) struct Path<'a> {
    /// The branches, in order.
    pub turns: Vec<Turn<'a>>,
    /// What variables hold.
    pub bound: FxHashMap<(UnitId, SlotId), Val<'a>>,
    /// What the last leg returned.
    returned: Option<Val<'a>>,
    /// Where an error of the check itself led the way, the block that would have been next otherwise.
    pub failed: Option<(UnitId, FuncId, usize)>,
}

/// How many ways are followed.
const MOST: usize = 32;

/// How many values are looked at within one.
const EFFORT: u32 = 500;

/// How many blocks are entered.
const STEPS: usize = 2000;

#[derive(Clone, Copy)]
enum Goal {
    Step(usize, usize),
    Return,
}

impl<'a> Scene<'a> {
    /// The ways from the check to the act.
    pub(super) fn paths(&self) -> Vec<Path<'a>> {
        let Some((checks, acts)) = self.meeting() else { return Vec::new() };
        let mut paths = vec![Path::default()];
        let mut from = self.check;
        for hop in checks {
            paths = self.leg(paths, from, Goal::Return);
            bind(&mut paths, *hop);
            from = *hop;
        }
        let to = acts.last().copied().unwrap_or(self.act);
        // Out of literals into the function around them, or into them.
        while from.func != to.func && !encloses(self.program, from.unit, from.func, to.func) {
            let Some(next) = self.user_of(from.unit, from.func) else { return Vec::new() };
            paths = self.leg(paths, from, Goal::Return);
            bind(&mut paths, next);
            from = next;
        }
        let mut inwards = Vec::new();
        let mut target = to;
        while target.func != from.func {
            let Some(user) = self.user_of(target.unit, target.func) else { return Vec::new() };
            inwards.push(target);
            target = user;
        }
        paths = self.leg(paths, from, Goal::Step(target.block, target.step));
        for site in inwards.into_iter().rev() {
            paths = self.run(paths, site.unit, site.func, (0, 0), Goal::Step(site.block, site.step));
        }
        paths
    }

    /// The calls that lead from the check and from the act to the first function that holds both.
    fn meeting(&self) -> Option<(&[Site<'a>], &[Site<'a>])> {
        let checks = std::iter::once(self.check).chain(self.check_calls.iter().copied());
        for (i, check) in checks.enumerate() {
            let acts = std::iter::once(self.act).chain(self.act_calls.iter().copied());
            for (j, act) in acts.enumerate() {
                let related = |a: FuncId, b: FuncId| a.0 != 0 && encloses(self.program, check.unit, a, b);
                if check.unit == act.unit && (related(check.func, act.func) || related(act.func, check.func)) {
                    return Some((self.check_calls.get(..i)?, self.act_calls.get(..j)?));
                }
            }
        }
        None
    }

    /// The call that a function literal is handed to, or that calls it.
    pub(super) fn user_of(&self, unit: UnitId, func: FuncId) -> Option<Site<'a>> {
        let parent = self.program.unit(unit).functions[func.index()].parent?;
        let is = |value: &Expr| matches!(value.kind, ExprKind::Func(id) if id == func);
        let uses = |call: &Call| {
            is(&call.callee) || call.args.iter().any(|item| matches!(item, Item::Value(value) if is(value)))
        };
        self.find_call(unit, parent, uses)
    }

    fn leg(&self, paths: Vec<Path<'a>>, from: Site<'a>, goal: Goal) -> Vec<Path<'a>> {
        self.run(paths, from.unit, from.func, (from.block, from.step + 1), goal)
    }

    fn run(&self, paths: Vec<Path<'a>>, unit: UnitId, func: FuncId, from: (usize, usize), goal: Goal) -> Vec<Path<'a>> {
        let it = self.program.unit(unit).functions.get(func.index());
        let Some(it) = it.filter(|it| it.blocks.len() > from.0) else { return Vec::new() };
        let throws = self.row(self.check.call).is_some_and(|row| row.missing == Missing::Throws);
        let mut found = Vec::new();
        let ends = |call: &'a Call| self.never_returns(unit, call);
        let mut walk = Walk { unit, func, it, goal, left: STEPS, found: &mut found, ends: &ends };
        for path in paths {
            let at_check = throws && unit == self.check.unit && func == self.check.func && from.0 == self.check.block;
            if let (true, Some(handler)) = (at_check && from.1 > self.check.step, it.blocks[from.0].handler) {
                let mut failed = path.clone();
                if let Exit::Goto(next) = it.blocks[from.0].exit {
                    failed.failed = Some((unit, func, next.index()));
                }
                walk.enter(failed, handler.index(), 0, &mut FxHashSet::default());
            }
            walk.enter(path, from.0, from.1, &mut FxHashSet::default());
        }
        found.truncate(MOST);
        found
    }

    /// Whether a call is of a function of the project that only throws.
    pub(super) fn never_returns(&self, unit: UnitId, call: &'a Call) -> bool {
        let callee = Val { unit, expr: &call.callee };
        let called = match call.callee.kind {
            ExprKind::Slot(slot) if self.is_imported(unit, slot) => self.imported(unit, slot),
            _ => Some(self.known(callee)),
        };
        let Some(Val { unit, expr: value }) = called else { return false };
        let ExprKind::Func(func) = value.kind else { return false };
        let it = &self.program.unit(unit).functions[func.index()];
        if it.returns.as_deref().is_some_and(|returns| matches!(returns, "never" | "Promise<never>")) {
            return true;
        }
        let mut seen = FxHashSet::default();
        let mut todo = vec![0];
        let mut throws = false;
        while let Some(at) = todo.pop() {
            let Some(block) = it.blocks.get(at).filter(|_| seen.insert(at)) else { continue };
            match block.exit {
                Exit::Return(_) => return false,
                Exit::Throw(_) => throws = true,
                _ => {}
            }
            todo.extend(next_of(block));
        }
        throws
    }

    /// What a value is on a way.
    pub(super) fn seen(&self, path: &Path<'a>, mut value: Val<'a>) -> Val<'a> {
        for _ in 0..16 {
            // What a helper has put together is taken apart again.
            if let ExprKind::Field(base, name) = &value.expr.kind
                && let ExprKind::Slot(_) = base.kind
            {
                let whole = self.seen(path, Val { unit: value.unit, expr: base });
                let Some(part) = member(whole, name) else { break };
                value = part;
                continue;
            }
            let ExprKind::Slot(slot) = value.expr.kind else { break };
            let next = path.bound.get(&(value.unit, slot)).copied();
            let next = next.or_else(|| Some(Val { unit: value.unit, expr: self.assigned(value.unit, slot)? }));
            let Some(next) = next else { break };
            value = next;
        }
        value
    }

    /// Whether a value is the row that the check found.
    pub(super) fn is_row(&self, path: &Path<'a>, value: Val<'a>) -> bool {
        let value = self.seen(path, value);
        let of = |expr: &'a Expr| Val { unit: value.unit, expr };
        match &value.expr.kind {
            ExprKind::Slot(slot) => value.unit == self.check.unit && *slot == self.check.call.out,
            ExprKind::Field(base, name) => name == "0" && self.is_row(path, of(base)),
            ExprKind::Index(base, _) | ExprKind::Element(base) => self.is_row(path, of(base)),
            _ => false,
        }
    }

    /// Whether a value is one row of those that the check found, and not all of them.
    pub(super) fn is_one(&self, path: &Path<'a>, value: Val<'a>) -> bool {
        let many = self.row(self.check.call).is_some_and(|row| row.rows == Rows::Many);
        let seen = self.seen(path, value);
        let picked = match &seen.expr.kind {
            ExprKind::Index(..) | ExprKind::Element(_) => true,
            ExprKind::Field(_, name) => name == "0",
            _ => false,
        };
        (picked || !many) && self.is_row(path, value)
    }

    /// The column that a value is, of the row that the check found.
    pub(super) fn column(&self, path: &Path<'a>, value: Val<'a>) -> Option<&'a str> {
        let value = self.seen(path, value);
        let ExprKind::Field(base, name) = &value.expr.kind else { return None };
        let whole = self.is_row(path, value);
        (!whole && self.is_row(path, Val { unit: value.unit, expr: base })).then_some(name.as_str())
    }

    /// Whether a value comes from the row that the check found.
    pub(super) fn mentions_row(&self, path: &Path<'a>, value: Val<'a>) -> bool {
        self.within(path, value, &Cell::new(EFFORT), &|value| self.is_row(path, value))
    }

    /// Whether a value comes from a column of that row.
    pub(super) fn uses_column(&self, path: &Path<'a>, value: Val<'a>, column: &str) -> bool {
        self.within(path, value, &Cell::new(EFFORT), &|value| self.column(path, value) == Some(column))
    }

    /// Whether something holds of a value or of anything it is made of; of one that is too large, it may.
    fn within(&self, path: &Path<'a>, value: Val<'a>, left: &Cell<u32>, wanted: &dyn Fn(Val<'a>) -> bool) -> bool {
        left.set(left.get().saturating_sub(1));
        if left.get() == 0 || wanted(value) {
            return true;
        }
        let value = self.seen(path, value);
        let inner = |expr: &'a Expr| self.within(path, Val { unit: value.unit, expr }, left, wanted);
        let items = |items: &'a [Item]| {
            items.iter().any(|item| {
                let (Item::Value(value) | Item::Spread(value)) = item;
                inner(value)
            })
        };
        match &value.expr.kind {
            ExprKind::Slot(slot) => {
                let call = self.call_of(value.unit, *slot).filter(|call| call.out != self.check.call.out);
                call.is_some_and(|call| inner(&call.callee) || items(&call.args))
            }
            ExprKind::Field(a, _) | ExprKind::Unary(_, a) | ExprKind::Element(a) | ExprKind::Rest(a, _) => inner(a),
            ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => inner(a) || inner(b),
            ExprKind::Choice(a, b, c) => inner(a) || inner(b) || inner(c),
            ExprKind::Over { source, body, .. } => inner(source) || inner(body),
            ExprKind::Opaque(values) => values.iter().any(inner),
            ExprKind::Array(values) => items(values),
            ExprKind::Template(parts) => parts.iter().any(|part| match part {
                TemplatePart::Hole(hole) => inner(hole),
                TemplatePart::Text(_) => false,
            }),
            ExprKind::Object(entries) => entries.iter().any(|entry| match entry {
                Entry::Field { value, .. } | Entry::Spread(value) => inner(value),
                Entry::Computed(key, value) => inner(key) || inner(value),
            }),
            _ => false,
        }
    }

    /// The blocks that may run after the act in its function, up to the next check.
    pub(super) fn after_act(&self) -> FxHashSet<usize> {
        let blocks = &self.program.unit(self.act.unit).functions[self.act.func.index()].blocks;
        let checks = self.check_calls.iter().chain([&self.check]);
        let again: Vec<usize> = checks
            .filter(|site| site.unit == self.act.unit && site.func == self.act.func)
            .map(|site| site.block)
            .collect();
        let mut seen = FxHashSet::default();
        let mut todo = next_of(&blocks[self.act.block]);
        while let Some(at) = todo.pop() {
            if seen.insert(at) && !again.contains(&at) {
                todo.extend(next_of(&blocks[at]));
            }
        }
        seen
    }
}

/// The member of an object that is written out.
fn member<'a>(whole: Val<'a>, name: &str) -> Option<Val<'a>> {
    let ExprKind::Object(entries) = &whole.expr.kind else { return None };
    match entries.iter().rev().find(|entry| !matches!(entry, Entry::Field { key, .. } if key != name))? {
        Entry::Field { value, .. } => Some(Val { unit: whole.unit, expr: value }),
        Entry::Computed(..) | Entry::Spread(_) => None,
    }
}

/// The blocks that follow.
pub(super) fn next_of(block: &Block) -> Vec<usize> {
    match &block.exit {
        Exit::Goto(next) => vec![next.index()],
        Exit::Branch { yes, no, .. } => vec![yes.index(), no.index()],
        _ => Vec::new(),
    }
}

/// What a call gave is what its function returned.
fn bind<'a>(paths: &mut [Path<'a>], call: Site<'a>) {
    for path in paths {
        if let Some(value) = path.returned.take() {
            path.bound.insert((call.unit, call.call.out), value);
        }
    }
}

struct Walk<'w, 'a> {
    unit: UnitId,
    func: FuncId,
    it: &'a Func,
    goal: Goal,
    left: usize,
    found: &'w mut Vec<Path<'a>>,
    /// Whether a call ends the way.
    ends: &'w dyn Fn(&'a Call) -> bool,
}

impl<'a> Walk<'_, 'a> {
    fn enter(&mut self, mut path: Path<'a>, at: usize, from: usize, seen: &mut FxHashSet<usize>) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || self.found.len() >= MOST {
            return;
        }
        let block = &self.it.blocks[at];
        for (index, step) in block.steps.iter().enumerate().skip(from) {
            match step {
                Step::Call(_) if matches!(self.goal, Goal::Step(b, s) if (b, s) == (at, index)) => {
                    self.found.push(path);
                    return;
                }
                Step::Call(call) if (self.ends)(call) => return,
                Step::Set { slot, value, .. } => {
                    path.bound.insert((self.unit, *slot), Val { unit: self.unit, expr: value });
                }
                _ => {}
            }
        }
        match &block.exit {
            Exit::Goto(next) => self.follow(path, next.index(), seen),
            Exit::Branch { test, yes, no } => {
                for (truth, next, other) in [(true, yes, no), (false, no, yes)] {
                    let mut path = path.clone();
                    let turn = Turn { unit: self.unit, func: self.func, test, truth, other: other.index() };
                    path.turns.push(turn);
                    self.follow(path, next.index(), seen);
                }
            }
            Exit::Return(value) if matches!(self.goal, Goal::Return) => {
                path.returned = value.as_ref().map(|expr| Val { unit: self.unit, expr });
                self.found.push(path);
            }
            _ => {}
        }
    }

    fn follow(&mut self, path: Path<'a>, next: usize, seen: &mut FxHashSet<usize>) {
        if seen.insert(next) {
            self.enter(path, next, 0, seen);
            seen.remove(&next);
        }
    }
}
