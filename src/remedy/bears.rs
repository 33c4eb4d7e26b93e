//! Whether the program bears a unique key on what its check asks for: run alone, it must work as it did before.

use rustc_hash::FxHashSet;

use super::path::next_of;
use super::scene::{Scene, Site, Val, encloses};
use crate::ir::{Exit, Expr, ExprKind, Func, FuncId, Item};
use crate::library::Rows;
use crate::link::UnitId;

/// Methods that run a function for each element.
const ITERATIONS: [&str; 6] = ["map", "forEach", "flatMap", "reduce", "each", "mapSeries"];

impl<'a> Scene<'a> {
    /// Whether each row that the act makes has been looked for: the act is not repeated behind one look, and there is no way
    /// to it around the look.
    pub(super) fn bears_key(&self) -> bool {
        let many = self.row(self.act.call).is_some_and(|row| row.rows == Rows::Many);
        let one = self.row(self.check.call).is_some_and(|row| row.rows == Rows::One);
        if many && one || self.is_repeated() {
            return false;
        }
        self.always_looks()
    }

    /// Whether the act runs several times behind one check.
    fn is_repeated(&self) -> bool {
        let checks: Vec<Site<'a>> = std::iter::once(self.check).chain(self.check_calls.iter().copied()).collect();
        let mut at = Some(self.act);
        let mut hops = self.act_calls.iter();
        while let Some(site) = at {
            let here = |check: &&Site<'a>| check.unit == site.unit && check.func == site.func;
            let looks: Vec<usize> = checks.iter().filter(here).map(|check| check.block).collect();
            if self.comes_again(site, &looks) {
                return true;
            }
            let around =
                |check: &Site<'a>| check.unit == site.unit && encloses(self.program, site.unit, site.func, check.func);
            if checks.iter().any(around) {
                return false;
            }
            at = match self.user_of(site.unit, site.func) {
                Some(user) => {
                    let name = match &user.call.callee.kind {
                        ExprKind::Field(_, name) => name.as_str(),
                        _ => "",
                    };
                    if ITERATIONS.contains(&name) {
                        return true;
                    }
                    Some(user)
                }
                None => hops.next().copied(),
            };
        }
        false
    }

    /// Whether a call's block is reached again from itself without one of these on the way.
    fn comes_again(&self, site: Site<'a>, looks: &[usize]) -> bool {
        let it = &self.program.unit(site.unit).functions[site.func.index()];
        let from = next_of(&it.blocks[site.block]);
        !looks.contains(&site.block) && reached(it, from, looks).contains(&site.block)
    }

    /// Whether no way leads around the check to the act, but where what it asks for is not there.
    fn always_looks(&self) -> bool {
        let asked = self.asked_names();
        let mut at = Some(self.check);
        let mut hops = self.check_calls.iter();
        while let Some(site) = at {
            let acts = std::iter::once(&self.act).chain(&self.act_calls);
            let inside =
                |act: &&Site<'a>| act.unit == site.unit && encloses(self.program, site.unit, site.func, act.func);
            let act = acts.into_iter().find(inside);
            // An act in a literal runs where that is handed on.
            let goal = act.map(|act| self.holder(*act, site.func));
            if !self.is_passed(site, goal, &asked) {
                return false;
            }
            if act.is_some() {
                return true;
            }
            at = self.user_of(site.unit, site.func).or_else(|| hops.next().copied());
        }
        true
    }

    /// The block of a function in which a call stands, or the literal that holds it is handed on.
    fn holder(&self, site: Site<'a>, func: FuncId) -> usize {
        let mut at = site;
        while at.func != func {
            match self.user_of(at.unit, at.func) {
                Some(user) => at = user,
                None => break,
            }
        }
        at.block
    }

    /// Whether every way through the function of a check to the goal, or to its end, leads through the check.
    fn is_passed(&self, site: Site<'a>, goal: Option<usize>, asked: &[&str]) -> bool {
        let it = &self.program.unit(site.unit).functions[site.func.index()];
        let ends: Vec<usize> = match goal {
            Some(goal) => vec![goal],
            None => (0..it.blocks.len()).filter(|at| matches!(it.blocks[*at].exit, Exit::Return(_))).collect(),
        };
        let around = reached(it, vec![0], &[site.block]);
        if !ends.iter().any(|end| around.contains(end)) {
            return true;
        }
        // Where one side of a branch leads to the check, and the other one past it.
        let meets = |from: usize, goal: usize, without: &[usize]| {
            from == goal || reached(it, vec![from], without).contains(&goal)
        };
        around.iter().all(|at| {
            let Exit::Branch { test, yes, no } = &it.blocks[*at].exit else { return true };
            let leads = |side: usize| meets(side, site.block, &[]);
            let passes = |side: usize| side != site.block && ends.iter().any(|end| meets(side, *end, &[site.block]));
            let (yes, no) = (yes.index(), no.index());
            let splits = leads(yes) && passes(no) && !leads(no) || leads(no) && passes(yes) && !leads(yes);
            !splits || self.is_about(site.unit, test, asked)
        })
    }

    /// What the check's condition is made of, as written.
    fn asked_names(&self) -> Vec<&'a str> {
        let members = self.condition(self.check).and_then(|asked| self.plain_members(self.check, asked));
        let mut names = Vec::new();
        for member in members.unwrap_or_default() {
            self.chains(member.value.unit, member.value.expr, &mut names);
            let known = self.known(member.value);
            self.chains(known.unit, known.expr, &mut names);
        }
        names
    }

    /// Whether a test speaks of one of these.
    fn is_about(&self, unit: UnitId, test: &'a Expr, asked: &[&str]) -> bool {
        let mut names = Vec::new();
        self.chains(unit, test, &mut names);
        let known = self.known(Val { unit, expr: test });
        self.chains(known.unit, known.expr, &mut names);
        // The function of the check may have names of its own for them.
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        names.iter().any(|name| asked.iter().any(|asked| asked == name || last(asked) == last(name)))
    }

    /// The variables in a value, each with the members taken of it, as written.
    fn chains(&self, unit: UnitId, value: &'a Expr, names: &mut Vec<&'a str>) {
        match &value.kind {
            ExprKind::Slot(slot) => match self.call_of(unit, *slot) {
                Some(call) => {
                    self.chains(unit, &call.callee, names);
                    for item in &call.args {
                        let (Item::Value(value) | Item::Spread(value)) = item;
                        self.chains(unit, value, names);
                    }
                }
                None => names.push(self.slice(unit, value.span)),
            },
            ExprKind::Field(base, _) if is_chain(base) => names.push(self.slice(unit, value.span)),
            ExprKind::Field(base, _) | ExprKind::Unary(_, base) | ExprKind::Element(base) => {
                self.chains(unit, base, names);
            }
            ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
                self.chains(unit, a, names);
                self.chains(unit, b, names);
            }
            ExprKind::Choice(a, b, c) => [a, b, c].into_iter().for_each(|part| self.chains(unit, part, names)),
            _ => {}
        }
    }
}

/// Whether a value is a variable, or a member of one.
fn is_chain(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Slot(_) | ExprKind::This => true,
        ExprKind::Field(base, _) => is_chain(base),
        _ => false,
    }
}

/// The blocks that are reached from some, these among them, and none through `without`.
fn reached(it: &Func, from: Vec<usize>, without: &[usize]) -> FxHashSet<usize> {
    let mut seen = FxHashSet::default();
    let mut todo = from;
    while let Some(at) = todo.pop() {
        if !without.contains(&at) && seen.insert(at) {
            todo.extend(it.blocks.get(at).map(next_of).unwrap_or_default());
        }
    }
    seen
}
