//! Windows: a check and the act that was decided or computed from it.

mod answers;
mod checked;
mod consequences;
mod door;
mod feeds;
mod gates;
mod harmless;
mod pairs;
mod places;
mod reliance;
mod same_row;
mod subjects;
mod upserting;

pub(super) use consequences::{is_log, is_weighty};
pub(super) use feeds::is_comparison;

use std::rc::Rc;

pub use checked::Checked;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::facts::{Atom, Fact, is_size};
use crate::analysis::flow::Flow;
use crate::analysis::known::Known;
use crate::analysis::paths::{Ahead, Choices, Depends, Paths, resolve};
use crate::analysis::prefix;
use crate::analysis::rivals::{Demand, Moved, Step};
use crate::finding::Confidence;
use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Missing, Place, Rows, Verb};
use crate::link::FuncRef;
use crate::model::{
    ArrayItem, BlockId, CONTENTS, Compare, Conditions, Event, Exit, FrameId, Literal, OpId, OpSource, RegionId,
    RegionKind, Site, TextPart, Trace, Val, ValId, Writes, Written, entity_of, key_column,
};
use crate::schema::{ColumnKind, DefaultValue as ColumnDefault, Schema};

/// How a check bears on an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No row was there, and the act adds or takes it.
    Absence,
    /// A row was there, and the act uses it up.
    Presence,
    /// Columns of the row decide.
    Column(Vec<String>),
    /// The number of rows, or a test over all of them, decides.
    Set,
    /// A column of the row feeds the same column's new value.
    Feeds(String),
    /// A column of the row says which rows are moved along that column.
    Shifts(String),
    /// The rows there are feed a new row's column.
    Next(String),
    /// The first write takes an exclusive flag away, the second gives it.
    Exclusive(String),
    /// The first write clears a set, the second fills it again.
    Replace,
}

/// A check, an act, and what lies between them.
#[derive(Clone, Debug)]
pub struct Window {
    /// Where the program looked (or made room, for two writes that belong together).
    pub check: OpId,
    /// Where it acted.
    pub act: OpId,
    /// How the one bears on the other.
    pub link: Link,
    /// Blocks from the entry to an end, through both.
    pub way: Vec<BlockId>,
    /// Other writes that the check decides.
    pub decided: FxHashSet<OpId>,
    /// Calls that change the world outside and that it decides.
    pub effects: Vec<Outside>,
    /// Whether the act claims something for its run and hands it out.
    pub claims: bool,
    /// Whether a limit is tested.
    pub bound: bool,
    /// How sure it is that both mean the same row, and that both are operations.
    pub confidence: Confidence,
}

/// A call that changes the world outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The called name, as far as it is known.
    pub name: String,
    /// The call.
    pub site: Site,
}

impl Window {
    /// Whether another window is the same on another way.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.check == other.check && self.act == other.act && self.link == other.link
    }

    /// A window of a single operation, which is its own check.
    #[must_use]
    pub fn alone(op: OpId, link: Link, way: Vec<BlockId>) -> Self {
        Self {
            check: op,
            act: op,
            link,
            way,
            decided: FxHashSet::default(),
            effects: Vec::new(),
            claims: false,
            bound: false,
            confidence: Confidence::High,
        }
    }
}

/// How many columns a decision may rest on: where it seems to be more, a row was looked at as a whole, out of sight.
const TESTED: usize = 3;

/// What the search for windows works on.
pub struct Search<'s, 't, 'm> {
    /// The trace.
    pub trace: &'t mut Trace<'m>,
    /// The order of its blocks.
    pub flow: &'s Flow,
    /// The project's schemas.
    pub schemas: &'s [Schema],
    /// What joins stand for on the way last asked about.
    last: Option<(Vec<BlockId>, Rc<Choices>)>,
    /// Path classes behind the checks that have been asked about.
    paths: FxHashMap<OpId, Rc<Paths>>,
    /// What has been worked out of values and tests.
    known: Known,
    /// What depends on them.
    depends: FxHashMap<OpId, Depends>,
    /// What its tests and writes look at, once that has been asked for.
    ahead: Option<Rc<Ahead>>,
    /// The blocks that end in a branch, and the values that are tested there.
    tests: Rc<[(BlockId, ValId)]>,
    /// The function whose windows are looked for, where that is not the one the trace starts with.
    inside: Option<FuncRef>,
    /// The calls between which windows are looked for; `None`: all.
    ends: Option<[Site; 2]>,
}

impl<'s, 't, 'm> Search<'s, 't, 'm> {
    /// A search of one trace.
    pub fn new(trace: &'t mut Trace<'m>, flow: &'s Flow, schemas: &'s [Schema]) -> Self {
        let tests = flow.order.iter().filter_map(|block| match &trace.block(*block).exit {
            Exit::Branch { test, .. } => Some((*block, *test)),
            _ => None,
        });
        let tests = tests.collect();
        let (paths, depends) = (FxHashMap::default(), FxHashMap::default());
        let known = Known::default();
        Self { trace, flow, schemas, last: None, paths, known, depends, ahead: None, tests, inside: None, ends: None }
    }

    /// A search for the windows of a function that runs inside the trace, between two of its calls.
    pub fn within(
        trace: &'t mut Trace<'m>,
        flow: &'s Flow,
        schemas: &'s [Schema],
        inside: FuncRef,
        ends: [Site; 2],
    ) -> Self {
        Self { inside: Some(inside), ends: Some(ends), ..Self::new(trace, flow, schemas) }
    }
}

impl Search<'_, '_, '_> {
    /// All windows whose ends are first seen together by the root function.
    pub fn windows(&mut self) -> Vec<Window> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        let writes: Vec<OpId> = (0..count).map(OpId).filter(|op| self.writes_rows(*op)).collect();
        if writes.is_empty() {
            return found;
        }
        for check in (0..count).map(OpId) {
            let it = self.trace.op(check);
            if it.entity.is_empty() || it.dropped || self.flow.position(it.block).is_none() {
                continue;
            }
            let is_read = matches!(it.verb, Verb::Read | Verb::Count);
            let is_clearing = it.verb == Verb::Delete || it.verb == Verb::Update;
            if !is_read && !is_clearing {
                continue;
            }
            let [check_site, act_site] = self.ends.map_or([None, None], |ends| ends.map(Some));
            if check_site.is_some_and(|site| site != it.site) {
                continue;
            }
            let entity = it.entity.clone();
            let mine = self.chain(check);
            let acts: Vec<OpId> = writes
                .iter()
                .copied()
                .filter(|act| act_site.is_none_or(|site| site == self.trace.op(*act).site))
                .filter(|act| {
                    *act != check
                        && self.trace.op(*act).entity == entity
                        && self.seen_first_here(&mine, *act)
                        && !self.called_again(check, *act)
                })
                .collect();
            if acts.is_empty() {
                continue;
            }
            if it.place().is_some() && !is_read {
                continue;
            }
            let (looked, paired) = if is_read {
                (self.linkable(check, acts), Vec::new())
            } else {
                (self.created_for_none(check, &acts), self.pairable(check, acts))
            };
            if looked.is_empty() && paired.is_empty() {
                continue;
            }
            let paths = self.paths(check);
            for act in looked {
                self.decided_or_fed(&paths, check, act, &writes, &mut found);
            }
            for act in paired {
                self.paired(&paths, check, act, &mut found);
            }
        }
        found
    }

    /// Whether an operation changes rows: a call that nobody waits for, where that is what sends it, never does.
    fn writes_rows(&self, op: OpId) -> bool {
        let it = self.trace.op(op);
        it.verb.is_write() && !it.dropped
    }

    /// The acts that a read may bear on: what it gave feeds them, or facts about it hold there.
    fn linkable(&mut self, check: OpId, mut acts: Vec<OpId>) -> Vec<OpId> {
        let fed: FxHashSet<OpId> = acts.iter().copied().filter(|act| self.is_fed(check, *act)).collect();
        let tests = self.tests_on(check);
        let taken = |search: &Self, act: OpId| search.may_take(check, act);
        acts.retain(|act| fed.contains(act) || self.decides(check, *act, &tests) || taken(self, *act));
        if acts.iter().all(|act| fed.contains(act)) {
            return acts;
        }
        let paths = self.paths_to(check, &acts);
        let speaks = |node: usize| paths.facts(node).iter().any(|(atom, _)| self.subject(check, atom).is_some());
        let speaks = |act: OpId| paths.at_op(self.trace, act).into_iter().any(speaks);
        acts.retain(|act| fed.contains(act) || speaks(*act) || self.may_take(check, *act));
        acts
    }

    /// The acts that make a row where a write has found none: it is a look-up, too, of which the number of rows is told.
    fn created_for_none(&mut self, check: OpId, acts: &[OpId]) -> Vec<OpId> {
        let it = self.trace.op(check);
        if it.by.is_none_or(|(row, _)| row.affected.is_none()) && it.missing != Missing::Throws {
            return Vec::new();
        }
        let creates = |op: &OpId| matches!(self.trace.op(*op).verb, Verb::Create | Verb::Upsert);
        let acts: Vec<OpId> = acts.iter().copied().filter(creates).collect();
        if acts.is_empty() { acts } else { self.linkable(check, acts) }
    }

    /// Whether an act is given something that is made from what a check gave.
    pub(in crate::analysis) fn is_fed(&mut self, check: OpId, act: OpId) -> bool {
        self.trace.op(act).args.clone().into_iter().any(|arg| self.depends_on(check, arg))
    }

    /// The path classes behind a check.
    pub(in crate::analysis) fn paths(&mut self, check: OpId) -> Rc<Paths> {
        self.followed(check, usize::MAX)
    }

    /// The path classes behind a check, as far as some operations: no example may be asked for.
    fn paths_to(&mut self, check: OpId, ops: &[OpId]) -> Rc<Paths> {
        let last = ops.iter().filter_map(|op| self.flow.position(self.trace.op(*op).block)).max();
        self.followed(check, last.map_or(0, |last| last as usize))
    }

    fn followed(&mut self, check: OpId, until: usize) -> Rc<Paths> {
        if !self.paths.contains_key(&check) {
            let prefix = self.way_before(check);
            let ahead = self.ahead.get_or_insert_with(|| Rc::new(Ahead::of(self.trace, self.flow)));
            self.paths.insert(check, Rc::new(Paths::new(self.trace, self.flow, ahead, check, prefix)));
        }
        let Some(paths) = self.paths.get_mut(&check) else { unreachable!("it has just been put there") };
        // Nobody holds on to classes that have not been followed to the end.
        if let Some(paths) = Rc::get_mut(paths) {
            paths.follow(self.trace, self.flow, &mut self.known, until);
        }
        Rc::clone(paths)
    }

    /// One way from the entry to a check: where it can be, one on which it asks for rows that others may have made, too.
    pub(super) fn way_before(&mut self, check: OpId) -> Vec<BlockId> {
        let asked = self.asked_for(check);
        let schemas = self.schemas;
        let own = |trace: &Trace<'_>, value: ValId| same_row::is_made_here(trace, schemas, value);
        prefix::way_to(self.trace, self.flow, self.trace.op(check).block, &asked, &own)
    }

    /// Whether a value is made from what a check gave.
    pub(in crate::analysis) fn depends_on(&mut self, check: OpId, value: ValId) -> bool {
        self.depends.entry(check).or_default().on(self.trace, check, value)
    }

    /// The blocks behind a check in which a branch may turn on what it gave.
    pub(in crate::analysis) fn tests_on(&mut self, check: OpId) -> Vec<(BlockId, ValId)> {
        let start = self.trace.op(check).block;
        let tests = Rc::clone(&self.tests);
        let on_check = |(block, test): &&(BlockId, ValId)| {
            self.flow.leads(self.trace, start, *block) && self.depends_on(check, *test)
        };
        tests.iter().filter(on_check).copied().collect()
    }

    /// Whether some of these branches, or whether the check gave anything, may decide if an act is reached.
    pub(in crate::analysis) fn decides(&self, check: OpId, act: OpId, tests: &[(BlockId, ValId)]) -> bool {
        let it = self.trace.op(check);
        let act = self.trace.op(act).block;
        let leads = |block: BlockId| self.flow.leads(self.trace, block, act);
        let raises = it.missing == Missing::Throws && self.trace.block(it.block).handler.is_some_and(leads);
        raises || tests.iter().any(|(block, _)| leads(*block))
    }

    /// Whether a test may turn on a column of the row that a check gave.
    fn is_by_column(&self, check: OpId, test: ValId) -> bool {
        self.trace.values.any_within(test, 40, &mut |value| match self.trace.values.get(value) {
            Val::Field(base, name) => self.is_check_row(check, *base) && !self.is_relation(check, name),
            _ => false,
        })
    }

    /// The runs around an operation, innermost first.
    pub(in crate::analysis) fn chain(&self, op: OpId) -> Vec<FrameId> {
        self.runs_around(self.trace.op(op).frame)
    }

    /// A run as reports see it and those that called it, innermost first.
    pub(in crate::analysis) fn runs_around(&self, frame: FrameId) -> Vec<FrameId> {
        let mut chain = Vec::new();
        let mut next = Some(frame);
        while let Some(frame) = next {
            let reporting = self.trace.reporting_frame(frame);
            chain.push(reporting);
            next = self.trace.frames[reporting.index()].caller.map(|(caller, _)| caller);
        }
        chain
    }

    /// Whether the function whose windows are looked for is the innermost one that sees both.
    fn seen_first_here(&self, mine: &[FrameId], other: OpId) -> bool {
        let other = self.chain(other);
        let Some(common) = mine.iter().position(|frame| other.contains(frame)) else { return self.inside.is_none() };
        let frame = &self.trace.frames[mine[common].index()];
        if let Some(inside) = self.inside {
            return frame.func == inside;
        }
        // Of functions that answer a request in order none sees what the next one does, and the next one is none that it
        // calls: what lies across two of them is first seen by the trace.
        let is_stage = |frame: &FrameId| self.trace.frames[frame.index()].is_stage;
        let across = frame.is_stage
            && (mine[..common].iter().any(is_stage) || other.iter().take_while(|f| **f != mine[common]).any(is_stage));
        let first = mine[common] == FrameId(0) && !frame.is_stage;
        // A function that was handed the transaction is settled by its callers.
        first || across || frame.takes_handle
    }

    /// Whether check and act lie in two runs of one function, neither inside the other: what the second run does, it
    /// decides by what it has read itself.
    fn called_again(&self, check: OpId, act: OpId) -> bool {
        let (one, two) = (self.trace.op(check).frame, self.trace.op(act).frame);
        let func = |frame: FrameId| self.trace.frames[frame.index()].func;
        one != two && func(one) == func(two) && !self.chain(check).contains(&two) && !self.chain(act).contains(&one)
    }

    /// The innermost run that sees both ends of a window.
    #[must_use]
    pub fn seen_in(&self, check: OpId, act: OpId) -> FrameId {
        let (mine, other) = (self.chain(check), self.chain(act));
        mine.into_iter().find(|frame| other.contains(frame)).unwrap_or_default()
    }

    /// Whether the ends of a window run in a transaction that somebody out of sight has opened.
    #[must_use]
    pub fn is_ambient(&self, window: &Window) -> bool {
        let ambient = |op: OpId| {
            self.trace.op(op).region.is_some_and(|r| {
                matches!(self.trace.regions[r.index()].kind, RegionKind::Transaction { ambient: true, .. })
            })
        };
        ambient(window.act) || ambient(window.check)
    }

    /// What joins stand for on a way; the last way's are kept, as questions about one way come together.
    pub(in crate::analysis) fn choices(&mut self, way: &[BlockId]) -> Rc<Choices> {
        if let Some((known, choices)) = &self.last
            && known == way
        {
            return Rc::clone(choices);
        }
        let choices = Rc::new(crate::analysis::paths::choices(self.trace, way));
        self.last = Some((way.to_vec(), Rc::clone(&choices)));
        choices
    }

    pub(in crate::analysis) fn see(&mut self, way: &[BlockId], value: ValId) -> ValId {
        if !self.trace.values.is_joined(value) {
            return value;
        }
        let phis = self.choices(way);
        resolve(self.trace, value, &mut |phi| phis.get(&phi).copied())
    }

    pub(in crate::analysis) fn conditions(&mut self, op: OpId, way: &[BlockId]) -> Conditions {
        let phis = self.choices(way);
        self.trace
            .conditions(self.schemas, op, &mut |trace, value| resolve(trace, value, &mut |phi| phis.get(&phi).copied()))
    }

    pub(in crate::analysis) fn writes(&mut self, op: OpId, creating: bool, way: &[BlockId]) -> Writes {
        let phis = self.choices(way);
        self.trace.writes(self.schemas, op, creating, &mut |trace, value| {
            resolve(trace, value, &mut |phi| phis.get(&phi).copied())
        })
    }

    /// Adds the windows between a read and an act. Each comes with the plainest way through it, and, right behind that, with
    /// one on which more would show, where there is one.
    fn decided_or_fed(&mut self, paths: &Paths, check: OpId, act: OpId, writes: &[OpId], found: &mut Vec<Window>) {
        let nodes = paths.at_op(self.trace, act);
        let mut seen: Vec<&[Fact]> = Vec::new();
        for node in nodes.into_iter().take(8) {
            if seen.contains(&paths.facts(node)) {
                continue;
            }
            seen.push(paths.facts(node));
            let facts = self.deciding(paths, act, node);
            let way = paths.example(self.trace, self.flow, node);
            let Some(plain) = self.window_on(paths, [check, act], &facts, &way, writes) else { continue };
            if found.iter().any(|known| known.is_like(&plain)) {
                continue;
            }
            let telling = paths.telling_example(self.trace, self.flow, node);
            let telling = telling.and_then(|way| self.window_on(paths, [check, act], &facts, &way, writes));
            let telling = telling.filter(|telling| telling.is_like(&plain));
            if [Some(&plain), telling.as_ref()]
                .into_iter()
                .flatten()
                .all(|on| self.only_spares(paths, on, &facts, writes))
            {
                continue;
            }
            found.push(plain);
            found.extend(telling);
        }
    }

    /// The window between a read and an act on a way that some facts decide.
    fn window_on(
        &mut self,
        paths: &Paths,
        [check, act]: [OpId; 2],
        facts: &[Fact],
        way: &[BlockId],
        writes: &[OpId],
    ) -> Option<Window> {
        let (link, bound) = self.link(check, act, facts, way)?;
        let confidence = self.same_row(check, act, &link, way)?;
        let (mut decided, effects) = if facts.is_empty() && matches!(link, Link::Column(_)) {
            self.done_with_each(check, act, way)
        } else {
            let telling = self.telling(paths, [check, act], &link, facts, way);
            self.consequences(paths, &telling, act, way, writes)
        };
        let apart: Vec<OpId> =
            decided.iter().copied().filter(|op| self.asks_for_itself([check, act], *op, way)).collect();
        decided.retain(|op| !apart.contains(op));
        if let Link::Shifts(column) = &link {
            decided.extend(self.moved_along(act, column, way, writes));
        }
        let claims = self.claims(check, act, &link, way);
        let ops = self.trace.op(check).confidence.min(self.trace.op(act).confidence);
        let mut confidence = confidence.min(ops);
        if matches!(link, Link::Column(_)) && !self.may_close(check, act, facts, way, &decided) {
            confidence = Confidence::Low;
        }
        if matches!(&link, Link::Column(columns) if columns.len() > TESTED) {
            confidence = Confidence::Low;
        }
        if let Link::Feeds(column) = &link
            && self.only_switches(check, act, column, way)
            && !decided.iter().any(|op| matches!(self.trace.op(*op).verb, Verb::Update | Verb::Delete))
        {
            confidence = Confidence::Low;
        }
        let way = way.to_vec();
        Some(Window { check, act, link, way, decided, effects, claims, bound, confidence })
    }

    /// The facts that a link rests on, of those that decide and of what else is known of the row's columns where the act is
    /// reached. What a run does for a row that is there, whatever is in it, is not decided by its columns.
    fn telling(
        &mut self,
        paths: &Paths,
        [check, act]: [OpId; 2],
        link: &Link,
        facts: &[Fact],
        way: &[BlockId],
    ) -> Vec<Fact> {
        let Link::Column(columns) = link else { return facts.to_vec() };
        let asked = self.conditions(check, way);
        if self.trace.op(check).place().is_some() || columns.iter().any(|column| asked.on(column).next().is_some()) {
            return facts.to_vec();
        }
        let of_row = |(atom, _): &&Fact| !matches!(self.subject(check, atom), Some(Subject::Existence));
        let of_columns = |(atom, _): &&Fact| matches!(self.subject(check, atom), Some(Subject::Columns(_)));
        let elsewhere = paths.at_op(self.trace, act);
        let elsewhere = elsewhere.iter().flat_map(|node| paths.facts(*node)).filter(of_columns);
        facts.iter().filter(of_row).chain(elsewhere).copied().collect()
    }

    /// The facts of a class without which the act is not reached, or not in the same form.
    fn deciding(&mut self, paths: &Paths, act: OpId, node: usize) -> Vec<Fact> {
        let facts = paths.facts(node);
        if facts.is_empty() {
            return Vec::new();
        }
        let others = paths.at_op(self.trace, act);
        let own = self.args_at(paths, act, node);
        let is_update = self.trace.op(act).verb == Verb::Update;
        let mut given: FxHashMap<usize, bool> = FxHashMap::default();
        let mut kept = Vec::new();
        for (atom, truth) in facts {
            let opposite = (*atom, !*truth);
            let mut decides = true;
            for other in others.iter().copied().filter(|other| *other != node) {
                if !paths.may_hold(other, &opposite) {
                    continue;
                }
                // An update that is reached either way is decided by neither, though its columns may be.
                if is_update || *given.entry(other).or_insert_with(|| self.args_at(paths, act, other) == own) {
                    decides = false;
                    break;
                }
            }
            if decides && self.done_either_way(paths, act, &opposite, &own) {
                decides = false;
            }
            if decides {
                kept.push((*atom, *truth));
            }
        }
        kept
    }

    /// What an operation is given where it is reached in a class.
    fn args_at(&mut self, paths: &Paths, op: OpId, node: usize) -> Vec<ValId> {
        let args = self.trace.op(op).args.clone();
        if !args.iter().any(|arg| self.trace.values.is_joined(*arg)) {
            return args;
        }
        let way = paths.example(self.trace, self.flow, node);
        args.into_iter().map(|arg| self.see(&way, arg)).collect()
    }

    /// Whether another call does the same where a fact is the other way round.
    fn done_either_way(&mut self, paths: &Paths, act: OpId, opposite: &Fact, own: &[ValId]) -> bool {
        let it = self.trace.op(act).clone();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        for other in (0..count).map(OpId) {
            let that = self.trace.op(other);
            if other == act || that.verb != it.verb || that.entity != it.entity || that.args.len() != it.args.len() {
                continue;
            }
            // What is run may be none of the arguments of the call that runs it.
            let apart = match (&that.source, &it.source) {
                (OpSource::Built(one, _), OpSource::Built(two, _)) => one != two,
                (OpSource::Sql(one, bound), OpSource::Sql(two, other)) => one != two || bound != other,
                _ => false,
            };
            if apart {
                continue;
            }
            for node in paths.at_op(self.trace, other) {
                if !paths.may_hold(node, opposite) {
                    continue;
                }
                if self.args_at(paths, other, node) == own {
                    return true;
                }
            }
        }
        false
    }

    fn link(&mut self, check: OpId, act: OpId, facts: &[Fact], way: &[BlockId]) -> Option<(Link, bool)> {
        let checked = self.trace.op(check).clone();
        let acted = self.trace.op(act).clone();
        let same_entity = checked.entity == acted.entity;
        if acted.verb == Verb::Delete && self.takes_aged(act, way) {
            // Whoever comes second finds nothing left to tidy up.
            return None;
        }
        let mut absent = false;
        let mut present = false;
        let mut set = false;
        let mut bound = false;
        let mut columns: Vec<String> = Vec::new();
        for (atom, truth) in facts {
            match self.subject(check, atom) {
                Some(Subject::Existence) if *truth => present = true,
                Some(Subject::Existence) => absent = true,
                Some(Subject::Size) => {
                    set = true;
                    bound = true;
                }
                Some(Subject::Set) => set = true,
                Some(Subject::Columns(names)) => columns.extend(names),
                None => {}
            }
        }
        columns.sort();
        columns.dedup();
        if !columns.is_empty() {
            // What the look-up itself asks for is known: a test of it is one of what was asked for.
            let asked = self.conditions(check, way);
            let pinned = |column: &String| asked.on(column).any(|c| c.op == Compare::Eq);
            // And a place in what several rows were put together to is no column.
            columns.retain(|column| !pinned(column) && column.parse::<usize>().is_err());
        }
        // Who counts against a limit exceeds it, whatever numbers the rows get.
        if same_entity
            && acted.verb == Verb::Create
            && !bound
            && let Some(column) = self.next_column(check, act)
        {
            return Some((Link::Next(column), false));
        }
        if same_entity && absent {
            let fits = match acted.verb {
                Verb::Create | Verb::Upsert => true,
                Verb::Update => self.writes_predicate(check, act, way),
                _ => false,
            };
            if fits {
                // Absence among many rows, asked by number, is a set of none.
                let link = if set && acted.verb != Verb::Create { Link::Set } else { Link::Absence };
                return Some((link, bound));
            }
        }
        if same_entity && let Some(link) = self.feeds(check, act, way) {
            if let Link::Feeds(column) = &link
                && self.only_mends(check, act, column, facts, way)
            {
                return None;
            }
            let bound = false;
            return Some((link, bound));
        }
        if same_entity && set && !self.acts_on_each(check, act, way) {
            return Some((Link::Set, bound));
        }
        if same_entity && !columns.is_empty() && acted.verb != Verb::Create {
            // Columns that the act moves decide against its twin; the others wait for a rival that moves them.
            let writes = self.writes(act, false, way);
            let moved: Vec<String> =
                columns.iter().filter(|c| acted.verb == Verb::Delete || writes.get(c).is_some()).cloned().collect();
            if !moved.is_empty() {
                return Some((Link::Column(moved), bound));
            }
            // Rows that are asked for by a state which the act ends are taken, whatever else is tested of them, if what is
            // made of them adds up.
            let left = self.state_left([check, act], present, way).filter(|_| self.passes_on(check, way));
            let left = left.filter(|left| !left.is_empty());
            return Some((Link::Column(left.unwrap_or(columns)), bound));
        }
        if same_entity
            && acted.verb != Verb::Create
            && let Some(left) = self.state_left([check, act], present, way)
        {
            if !left.is_empty() {
                return Some((Link::Column(left), bound));
            }
            if acted.verb == Verb::Delete {
                return Some((Link::Presence, bound));
            }
        }
        None
    }

    /// The columns that a check asks for and its act changes, where the act takes the rows that were found; `None` where it
    /// takes none.
    fn state_left(&mut self, [check, act]: [OpId; 2], present: bool, way: &[BlockId]) -> Option<Vec<String>> {
        let taken = present || self.takes_what_it_gives(check, act, way);
        if !taken && !self.marks_each(check, act, way) {
            return None;
        }
        let mut left = self.filter_columns(check, act, way);
        if !taken {
            // What the caller names is no state that the rows are in.
            let asked = self.conditions(check, way);
            let is_state = |c: &crate::model::Condition| c.op != Compare::Eq || self.constant_name(c.value).is_some();
            left.retain(|column| asked.on(column).any(is_state));
        }
        Some(left)
    }

    /// The columns of the entity itself that the check asks for by equality.
    #[must_use]
    pub fn looked_columns(&mut self, window: &Window) -> Vec<String> {
        let conditions = self.conditions(window.check, &window.way);
        let mut columns: Vec<String> =
            conditions.all.iter().filter(|c| c.is_equality()).map(|c| c.column.clone()).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Those of the columns that the check asks for by equality which it asks to be null.
    pub fn looked_nulls(&mut self, window: &Window) -> Vec<String> {
        let conditions = self.conditions(window.check, &window.way);
        let is_null = |c: &&crate::model::Condition| {
            let value = self.trace.values.literal(c.value);
            c.is_equality() && value.is_some_and(Literal::is_absent)
        };
        conditions.all.iter().filter(is_null).map(|c| c.column.clone()).collect()
    }

    /// Whether check and act run in the same transaction.
    #[must_use]
    pub fn in_one_transaction(&self, window: &Window) -> bool {
        let region = self.trace.op(window.check).region;
        let of_transaction = |r: RegionId| {
            matches!(self.trace.regions[r.index()].kind, RegionKind::Transaction { .. } | RegionKind::Savepoint)
        };
        region.is_some_and(of_transaction) && region == self.trace.op(window.act).region
    }
}

/// A write that moves columns, and a read that its function makes use of.
pub struct Move {
    /// The write.
    pub write: OpId,
    /// The read.
    pub read: OpId,
    /// The moved columns.
    pub moved: Vec<Moved>,
    /// Whether the read is of a set of rows, or of their number.
    pub reads_set: bool,
    /// The columns made use of.
    pub read_columns: Vec<String>,
    /// What the read asks for, as far as that is a column and a constant.
    pub asked: Vec<(String, String)>,
    /// What is asked of the row's columns before it is moved.
    pub demands: Vec<Demand>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The entities of which it has locked rows before any of it.
    pub locks: Vec<String>,
    /// Whether it runs in a transaction, and the level that asks for.
    pub transaction: Option<Option<String>>,
}

/// What an atom speaks of.
enum Subject {
    Existence,
    Size,
    Set,
    Columns(Vec<String>),
}
