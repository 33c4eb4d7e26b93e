//! Guards: conditions that a write carries so that only one of several runs hits a row, and writes whose guard is lost.

use rustc_hash::FxHashSet;

use super::{Slip, SlipKind};
use crate::analysis::case::{self, Guard};
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::script::is_limited;
use crate::analysis::window::{Link, Outside, Search, Window, is_comparison, is_log, is_weighty};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::library::{Missing, Rows, Verb};
use crate::link::Program;
use crate::model::{AFFECTED, BlockId, Compare, Condition, Event, Exit, Literal, OpId, Val, ValId, Written, entity_of};

/// The writes of a trace that claim a row, where the claim is lost.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = Vec::new();
    for op in search.all_ops() {
        let it = search.trace.op(op);
        if !matches!(it.verb, Verb::Update | Verb::Delete) || !search.is_settled_here(op) {
            continue;
        }
        slips.extend(claim(search, program, database, op));
    }
    slips
}

/// A write that is its own check: its condition asks for a state, and it ends that state.
fn claim(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    let given = search.way_of_given(op);
    let asked = search.asked_state(op, &given);
    if asked.is_empty() {
        return None;
    }
    let way = search.way_to(op);
    let columns: Vec<String> = asked.iter().map(|c| c.column.clone()).collect();
    let link = if search.trace.op(op).verb == Verb::Delete { Link::Presence } else { Link::Column(columns) };
    let (decided, effects) = behind(search, op, &way);
    let claims = search.claims(op, op, &link, &way);
    let confidence = search.trace.op(op).confidence;
    let window = Window { decided, effects, claims, confidence, ..Window::alone(op, link, way) };
    let guard = search.guard(&window, &database.name)?;
    let broken = match guard {
        // That nobody looks goes wrong already when the second run comes after the first.
        Guard::Ignored => ignored(search, window, database)?,
        Guard::Uncounted | Guard::Limited => {
            let broken = judged::judge(search, window, database)?;
            (broken.severity == Severity::Error).then_some(broken)?
        }
    };
    let case = case::case(search, program, &broken, database);
    Some(Slip { kind: SlipKind::Guard(guard), in_caller: !search.is_in_root(op), case })
}

/// Whether rows of an entity tell what has happened, by its name, beside the logs that say so outright.
pub(in crate::analysis) fn is_journal(entity: &str) -> bool {
    const JOURNALS: [&str; 8] = ["event", "note", "history", "activity", "audit", "journal", "trail", "revocation"];
    let name = entity.trim_end_matches('s').to_lowercase();
    name.starts_with("deleted") || JOURNALS.iter().any(|word| name.ends_with(word))
}

/// A claim whose outcome nobody looks at, while more is done as if it had been had.
fn ignored(search: &mut Search<'_, '_, '_>, window: Window, database: &Database) -> Option<judged::Broken> {
    let op = window.act;
    // What is written to the same rows afterwards is settled there; a further row is none of them.
    let entity = search.trace.op(op).entity.clone();
    let mut behind = window.clone();
    // And other parts of its own statement are given what it has hit.
    let site = search.trace.op(op).site;
    behind.decided.retain(|other| {
        let it = search.trace.op(*other);
        (it.entity != entity || it.verb == Verb::Create) && it.site != site
    });
    let shown = search.shows_behind(&behind)?;
    // Which row is meant has to be fixed by a key: a sweep over a set claims nothing.
    if !search.pins_key(op, &window.way) || !search.comes_first_of_all(op, &window.way) {
        return None;
    }
    let asked = search.asked_state(op, &window.way);
    if search.trace.op(op).verb == Verb::Update && !asked.iter().any(|c| search.is_taken(op, c, &window.way)) {
        return None;
    }
    let in_transaction = search.in_one_transaction(&window);
    let confidence = window.confidence.min(Confidence::Medium).min(shown);
    let mut broken = judged::unproven(search, Window { confidence, ..window }, database, in_transaction);
    broken.severity = Severity::Warning;
    broken.anomaly = Anomaly::DoubleAct;
    Some(broken)
}

/// Writes and effects behind an operation on a way that leads there without further tests.
fn behind(search: &Search<'_, '_, '_>, op: OpId, way: &[BlockId]) -> (FxHashSet<OpId>, Vec<Outside>) {
    let (mut decided, mut effects) = (FxHashSet::default(), Vec::<Outside>::new());
    let mut met = false;
    for event in way.iter().flat_map(|block| &search.trace.block(*block).events) {
        match event {
            Event::Op(other) if *other == op => met = true,
            Event::Op(other) if met => {
                let it = search.trace.op(*other);
                let writes = it.verb.is_write();
                if writes && !is_log(&it.entity) {
                    decided.insert(*other);
                }
            }
            Event::Call(call)
                if met && search.is_effect_call(call) && !effects.iter().any(|known| known.name == call.name) =>
            {
                effects.push(Outside { name: call.name.clone(), site: call.site });
            }
            _ => {}
        }
    }
    (decided, effects)
}

impl Search<'_, '_, '_> {
    /// What becomes of the guard that a window's act carries; `None` where it carries none, or where it is looked at.
    pub(in crate::analysis) fn guard(&mut self, window: &Window, engine: &str) -> Option<Guard> {
        let (check, act) = (window.check, window.act);
        let it = self.trace.op(act).clone();
        if !matches!(it.verb, Verb::Update | Verb::Delete) {
            return None;
        }
        let asked = self.conditions(act, &window.way).all;
        let guards = |search: &mut Self, c: &Condition| match &window.link {
            Link::Column(columns) => columns.contains(&c.column),
            Link::Feeds(column) => {
                *column == c.column || !search.is_key(act, &c.column) && search.depends_on(check, c.value)
            }
            Link::Presence => it.verb == Verb::Delete,
            _ => false,
        };
        if !asked.iter().any(|c| c.through.is_empty() && guards(self, c)) {
            return None;
        }
        if is_limited(self.trace, act) {
            return Some(Guard::Limited);
        }
        if it.rows == Rows::One {
            let unmet = self.unmet(act, &window.way, engine);
            return (!unmet.is_empty()).then_some(Guard::Uncounted);
        }
        (!self.is_looked_at(act)).then_some(Guard::Ignored)
    }

    /// How sure it is that a second run shows which goes on behind a lost guard; `None` where all that it does leaves what
    /// the first has left. Who finds a row gone may say so twice, and clear away twice what belonged to it; a journal that
    /// tells of it twice is no great harm.
    pub(in crate::analysis) fn shows_behind(&mut self, window: &Window) -> Option<Confidence> {
        let removes = self.trace.op(window.act).verb == Verb::Delete && !self.takes_next(window);
        if removes && self.is_put_back(window) {
            return Some(Confidence::Low);
        }
        if window.effects.iter().any(|call| !removes || is_weighty(&call.name)) {
            return Some(Confidence::High);
        }
        let mut decided: Vec<OpId> = window.decided.iter().copied().collect();
        decided.sort_unstable();
        decided.retain(|op| self.adds_up(*op, &window.way));
        let tells = |op: &OpId| removes && is_journal(&self.trace.op(*op).entity);
        if decided.is_empty() {
            None
        } else if decided.iter().all(tells) {
            Some(Confidence::Low)
        } else {
            Some(Confidence::High)
        }
    }

    /// Whether a row that a window's act removes is put there anew behind it, or where it is by then: whether it was there
    /// makes no difference.
    fn is_put_back(&self, window: &Window) -> bool {
        let entity = &self.trace.op(window.act).entity;
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops = events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None });
        ops.skip_while(|op| *op != window.act).skip(1).any(|op| {
            let it = self.trace.op(op);
            it.verb == Verb::Upsert && it.entity == *entity
        })
    }

    /// Whether a window's check picks a row by a state alone: what is removed then was taken to be worked on.
    fn takes_next(&mut self, window: &Window) -> bool {
        let looked = self.conditions(window.check, &window.way);
        window.check != window.act
            && !looked.all.is_empty()
            && looked.all.iter().all(|c| self.constant_name(c.value).is_some())
    }

    /// Whether a write that is done twice leaves something else than one that is done once: a further row, a sum, a value
    /// of the run's own.
    fn adds_up(&mut self, op: OpId, way: &[BlockId]) -> bool {
        let verb = self.trace.op(op).verb;
        match verb {
            Verb::Create => !self.leaves_what_is_there(op),
            Verb::Update | Verb::Upsert => {
                let writes = self.writes(op, false, way);
                let same = |search: &Self, written: &Written| match written {
                    Written::Value(value) => search.constant_name(*value).is_some() || search.is_clock(*value),
                    Written::Delta { .. } | Written::Append(_) | Written::Opaque => false,
                };
                writes.opaque
                    || !writes.nested.is_empty()
                    || !writes.columns.iter().all(|(_, written)| same(self, written))
            }
            _ => false,
        }
    }

    /// Whether no column of a checked row decides a window's act alone: there is none, or the act asks for all of them once
    /// more in its own condition, and who hits no row by then is told.
    #[must_use]
    pub fn asks_again(&mut self, window: &Window) -> bool {
        let Link::Column(columns) = &window.link else { return true };
        let asked = self.conditions(window.act, &window.way).all;
        let asks_for = |column: &String| asked.iter().any(|c| c.through.is_empty() && c.column == *column);
        let told = self.trace.op(window.act).missing == Missing::Throws || self.is_looked_at(window.act);
        told && columns.iter().all(asks_for)
    }

    /// Whether an update beside the act is a decision of its own: it asks once more for all that it changes, and nothing
    /// turns on whether it hits a row. What becomes of it is as well with the act as without.
    pub(in crate::analysis) fn asks_for_itself(&mut self, [check, act]: [OpId; 2], op: OpId, way: &[BlockId]) -> bool {
        let it = self.trace.op(op);
        if it.verb != Verb::Update || it.entity != self.trace.op(act).entity || it.missing == Missing::Throws {
            return false;
        }
        let asked = self.conditions(op, way);
        let written = self.writes(op, false, way);
        let acted = self.writes(act, false, way);
        let asks = |column: &String| asked.on(column).any(|c| c.op == Compare::Eq);
        let apart = |column: &String| acted.get(column).is_none();
        !written.opaque
            && !written.columns.is_empty()
            && written.columns.iter().all(|(column, _)| asks(column) && apart(column))
            && !self.is_fed(check, op)
            && self.tests_on(op).is_empty()
    }

    /// Whether anything is made of what an operation gives: a test, an answer, an argument.
    pub(in crate::analysis) fn is_looked_at(&mut self, op: OpId) -> bool {
        let mut used = Vec::new();
        for block in &self.trace.blocks {
            match &block.exit {
                Exit::Branch { test, .. } => used.push(*test),
                Exit::Return(value, _) | Exit::Raise(_, value) | Exit::Throw(value, _) => used.push(*value),
                Exit::Goto(_) | Exit::Unreachable => {}
            }
            for event in &block.events {
                match event {
                    Event::Op(other) if *other != op => used.extend(&self.trace.op(*other).args),
                    Event::Call(call) => used.extend(call.args.iter().chain(&call.receiver)),
                    _ => {}
                }
            }
        }
        used.into_iter().any(|value| self.depends_on(op, value)) || self.is_count_compared(op)
    }

    /// Whether the number of rows that a write has hit is compared with something: what comes of it is its caller's answer.
    fn is_count_compared(&self, op: OpId) -> bool {
        let is_count = |value: ValId| match self.trace.values.get(value) {
            Val::Field(base, name) => name == AFFECTED && *self.trace.values.get(*base) == Val::Result(op),
            value => *value == Val::Result(op),
        };
        self.trace.values.all().any(|value| match value {
            Val::Binary(op, a, b) => is_comparison(*op) && (is_count(*a) || is_count(*b)),
            _ => false,
        })
    }

    /// The conditions of a write that ask for a state which the write ends.
    fn asked_state(&mut self, op: OpId, way: &[BlockId]) -> Vec<Condition> {
        let asked = self.conditions(op, way);
        let written = self.writes(op, false, way);
        let is_delete = self.trace.op(op).verb == Verb::Delete;
        let is_range = |c: &Condition| matches!(c.op, Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
        if is_delete && asked.all.iter().any(is_range) {
            // What has expired is swept, by whomever.
            return Vec::new();
        }
        let ends = |search: &Self, c: &Condition| match written.get(&c.column) {
            _ if is_delete => !search.is_key(op, &c.column),
            Some(Written::Value(value)) => {
                let both = (search.trace.values.literal(*value), search.trace.values.literal(c.value));
                match c.op {
                    Compare::Eq => *value != c.value && !matches!(both, (Some(a), Some(b)) if a == b),
                    Compare::In | Compare::NotIn | Compare::Ne => true,
                    Compare::Lt | Compare::Gt => search.is_its_bound(c, *value),
                    _ => false,
                }
            }
            Some(Written::Delta { .. }) => c.op == Compare::Eq,
            _ => false,
        };
        asked.all.iter().filter(|c| c.through.is_empty() && ends(self, c)).cloned().collect()
    }

    /// Whether a value is the bound that a condition keeps a column from, so that the condition no longer holds where it has
    /// been written: `expires_at > now()`, set to `now()`.
    fn is_its_bound(&self, asked: &Condition, written: ValId) -> bool {
        written == asked.value || self.is_clock(written) && self.is_clock(asked.value)
    }

    /// Whether an update asks for the very value that its new one is computed from, and what becomes of it is looked at: who
    /// comes second hits no row, and knows.
    #[must_use]
    pub fn compares_first(&mut self, window: &Window) -> bool {
        let Link::Feeds(column) = &window.link else { return false };
        let (check, act) = (window.check, window.act);
        if self.trace.op(act).verb != Verb::Update {
            return false;
        }
        let asked = self.conditions(act, &window.way);
        let compares = asked.on(column).any(|c| c.op == Compare::Eq && self.column_within(check, c.value, column, 4));
        compares && self.is_looked_at(act)
    }

    /// Whether nothing is written on a way before an operation: what claims a row comes before the work.
    fn comes_first_of_all(&self, op: OpId, way: &[BlockId]) -> bool {
        let events = way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops = events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None });
        ops.take_while(|other| *other != op).all(|other| {
            let it = self.trace.op(other);
            !it.verb.is_write() || is_log(&it.entity)
        })
    }

    /// Whether an update takes a row for its run: it asks for a state, and says from now on what became of the row, when or
    /// through whom. Who clears a column gives something back, who fills one in has something to say of the row, and who
    /// asks for any state but one keeps out of the way of another.
    fn is_taken(&mut self, op: OpId, asked: &Condition, way: &[BlockId]) -> bool {
        let writes = self.writes(op, false, way);
        let says = |search: &Self, column: &str, value: ValId| match search.constant_name(value) {
            Some(name) => !name.is_empty() || search.trace.values.literal(value) == Some(&Literal::Bool(false)),
            None => search.is_clock(value) || search.names_somebody(op, column, value),
        };
        // Who asks for one particular thing puts another in its place, and a second time there is nothing left to move.
        let is_state = self.constant_name(asked.value).is_some()
            || self.is_constant(asked.value, 4)
            || !self.names_somebody(op, &asked.column, asked.value);
        let written = writes.get(&asked.column);
        let asks_for_one = match (asked.op, written) {
            (Compare::Eq | Compare::In, _) => true,
            (Compare::Lt | Compare::Gt, Some(Written::Value(value))) => self.is_its_bound(asked, *value),
            _ => false,
        };
        is_state
            && asks_for_one
            && !self.is_given_elsewhere(op, &asked.column, way)
            && match written {
                Some(Written::Value(value)) => says(self, &asked.column, *value),
                Some(Written::Delta { .. }) => true,
                _ => false,
            }
    }

    /// Whether another write on a way gives a column to some other row of the same kind.
    fn is_given_elsewhere(&mut self, op: OpId, column: &str, way: &[BlockId]) -> bool {
        let entity = self.trace.op(op).entity.clone();
        let others: Vec<OpId> = self.all_ops().filter(|other| *other != op).collect();
        others.into_iter().any(|other| {
            let it = self.trace.op(other);
            it.verb == Verb::Update
                && it.entity == entity
                && way.contains(&it.block)
                && self.writes(other, false, way).get(column).is_some()
        })
    }

    /// Whether a value is the time at which it is asked for.
    fn is_clock(&self, value: ValId) -> bool {
        self.trace.values.any_within(value, 4, &mut |part| {
            let (Val::Global(name) | Val::External(_, name) | Val::Field(_, name)) = self.trace.values.get(part) else {
                return false;
            };
            name.eq_ignore_ascii_case("now")
        })
    }

    /// Whether an operation asks for all columns of some unique key by equality.
    fn pins_key(&mut self, op: OpId, way: &[BlockId]) -> bool {
        let asked = self.conditions(op, way);
        let Some(entity) = entity_of(self.schemas, self.trace.op(op)) else { return false };
        let equal = |column: &String| asked.on(column).any(|c| c.op == Compare::Eq);
        entity.keys.iter().any(|key| key.is_plain() && !key.columns.is_empty() && key.columns.iter().all(equal))
    }
}
