//! Windows: a check and the act that was decided or computed from it.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::facts::{Atom, Fact, is_size};
use super::flow::Flow;
use super::paths::{Choices, Paths, resolve};
use super::rivals::{Demand, Moved, Step};
use crate::finding::Confidence;
use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Rows, Verb};
use crate::model::{
    ArrayItem, BlockId, Compare, Conditions, Event, FrameId, Literal, OpId, OpSource, RegionKind, TextPart, Trace, Val,
    ValId, Writes, Written, entity_of,
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
    /// Effects outside of the database that it decides.
    pub effects: Vec<String>,
    /// Whether the act claims something for its run and hands it out.
    pub claims: bool,
    /// Whether a limit is tested.
    pub bound: bool,
    /// How sure it is that both mean the same row, and that both are operations.
    pub confidence: Confidence,
}

/// Names of calls that do something to the world outside.
const EFFECTS: [&str; 12] = [
    "send", "email", "mail", "notify", "publish", "emit", "enqueue", "charge", "refund", "capture", "transfer",
    "dispatch",
];

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
}

impl<'s, 't, 'm> Search<'s, 't, 'm> {
    /// A search of one trace.
    pub fn new(trace: &'t mut Trace<'m>, flow: &'s Flow, schemas: &'s [Schema]) -> Self {
        Self { trace, flow, schemas, last: None }
    }
}

impl Search<'_, '_, '_> {
    /// All windows whose ends are first seen together by the root function.
    pub fn windows(&mut self) -> Vec<Window> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        let writes: Vec<OpId> = (0..count)
            .map(OpId)
            .filter(|op| matches!(self.trace.op(*op).verb, Verb::Create | Verb::Update | Verb::Delete | Verb::Upsert))
            .collect();
        if writes.is_empty() {
            return found;
        }
        for check in (0..count).map(OpId) {
            let it = self.trace.op(check);
            if it.entity.is_empty() || self.flow.position(it.block).is_none() {
                continue;
            }
            let is_read = matches!(it.verb, Verb::Read | Verb::Count);
            let is_clearing = it.verb == Verb::Delete || it.verb == Verb::Update;
            if !is_read && !is_clearing {
                continue;
            }
            let entity = it.entity.clone();
            let mine = self.chain(check);
            let acts: Vec<OpId> = writes
                .iter()
                .copied()
                .filter(|act| {
                    *act != check && self.trace.op(*act).entity == entity && self.seen_first_here(&mine, *act)
                })
                .collect();
            if acts.is_empty() {
                continue;
            }
            let mut paths = Paths::new(self.trace, self.flow, check);
            for act in &acts {
                if is_read {
                    self.decided_or_fed(&mut paths, check, *act, &writes, &mut found);
                } else {
                    self.paired(&paths, check, *act, &mut found);
                }
            }
        }
        found
    }

    /// Acts on other entities that columns of a checked row decide, and that are tied to that row.
    pub fn reliances(&mut self) -> Vec<Window> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        for check in (0..count).map(OpId) {
            let it = self.trace.op(check);
            if it.entity.is_empty() || it.verb != Verb::Read || self.flow.position(it.block).is_none() {
                continue;
            }
            let entity = it.entity.clone();
            let mine = self.chain(check);
            let acts: Vec<OpId> = (0..count)
                .map(OpId)
                .filter(|act| {
                    let it = self.trace.op(*act);
                    matches!(it.verb, Verb::Create | Verb::Update | Verb::Delete)
                        && it.entity != entity
                        && !it.entity.is_empty()
                        && self.seen_first_here(&mine, *act)
                })
                .take(12)
                .collect();
            if acts.is_empty() {
                continue;
            }
            let paths = Paths::new(self.trace, self.flow, check);
            for act in acts {
                let Some(node) = paths.at_op(self.trace, act).first().copied() else { continue };
                let facts = paths.nodes[node].facts.clone();
                let mut columns = Vec::new();
                for (atom, _) in self.deciding(&paths, act, node, &facts) {
                    if let Some(Subject::Columns(names)) = self.subject(check, &atom) {
                        columns.extend(names);
                    }
                }
                if columns.is_empty() {
                    continue;
                }
                let way = paths.example(self.trace, self.flow, node);
                if !self.is_tied(check, act, &way) {
                    continue;
                }
                columns.sort();
                columns.dedup();
                let confidence = self.trace.op(check).confidence.min(self.trace.op(act).confidence);
                found.push(Window {
                    check,
                    act,
                    link: Link::Column(columns),
                    way,
                    decided: FxHashSet::default(),
                    effects: Vec::new(),
                    claims: false,
                    bound: false,
                    confidence,
                });
            }
        }
        found
    }

    /// Whether an act names the checked row: by what the check asked for, or by what it gave.
    fn is_tied(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let looked = self.conditions(check, way);
        let keys: Vec<ValId> = looked.all.iter().filter(|c| self.is_key(check, &c.column)).map(|c| c.value).collect();
        let targeted = self.conditions(act, way);
        let creating = self.trace.op(act).verb == Verb::Create;
        let writes = self.writes(act, creating, way);
        let mut values: Vec<ValId> = targeted.all.iter().map(|c| c.value).collect();
        values.extend(writes.columns.iter().filter_map(|(_, written)| match written {
            Written::Value(value) => Some(*value),
            _ => None,
        }));
        values.into_iter().any(|value| {
            keys.contains(&value)
                || matches!(self.trace.values.get(value), Val::Field(base, _) if self.is_check_row(check, *base))
        })
    }

    /// The columns that a window's act writes.
    #[must_use]
    pub fn written_columns(&mut self, window: &Window) -> Vec<String> {
        let creating = self.trace.op(window.act).verb == Verb::Create;
        let writes = self.writes(window.act, creating, &window.way);
        writes.columns.into_iter().map(|(column, _)| column).collect()
    }

    /// Whether the act, or a write that is decided with it, moves a column that decides. If none does, a twin cannot get in
    /// its way, whatever else both do.
    #[must_use]
    pub fn moves_what_decides(&mut self, window: &Window) -> bool {
        let Link::Column(columns) = &window.link else { return true };
        let entity = self.trace.op(window.check).entity.clone();
        let mut acts: Vec<OpId> = window.decided.iter().copied().collect();
        acts.push(window.act);
        acts.sort_unstable();
        acts.into_iter().any(|act| {
            let it = self.trace.op(act);
            if it.entity != entity {
                return false;
            }
            let is_delete = it.verb == Verb::Delete;
            let writes = self.writes(act, false, &window.way);
            is_delete || writes.opaque || columns.iter().any(|c| writes.get(c).is_some())
        })
    }

    /// Whether the checked row is locked, in the transaction of the act, before or by the check.
    #[must_use]
    pub fn is_locked(&self, check: OpId, act: OpId) -> bool {
        let looked = self.trace.op(check);
        let Some(region) = self.trace.op(act).region.filter(|r| looked.region == Some(*r)) else { return false };
        self.trace.ops.iter().any(|op| {
            op.region == Some(region)
                && op.entity == looked.entity
                && (op.lock.is_some() || op.verb == Verb::Update)
                && self.flow.position(op.block) <= self.flow.position(looked.block)
        })
    }

    /// What the facts behind a window's act ask of the checked row's columns.
    pub fn demands(&mut self, window: &Window) -> Vec<Demand> {
        let paths = Paths::new(self.trace, self.flow, window.check);
        let Some(node) = paths.at_op(self.trace, window.act).first().copied() else { return Vec::new() };
        let facts = paths.nodes[node].facts.clone();
        let mut found = Vec::new();
        for (atom, truth) in self.deciding(&paths, window.act, node, &facts) {
            let column = |value: ValId| match self.trace.values.get(value) {
                Val::Field(base, name) if self.is_check_row(window.check, *base) => Some(name.clone()),
                _ => None,
            };
            match atom {
                Atom::Eq(a, b) => {
                    for (value, other) in [(a, b), (b, a)] {
                        if let (Some(column), Some(name)) = (column(value), self.constant_name(other)) {
                            found.push(Demand { column, value: Some(name), equal: truth });
                        }
                    }
                }
                Atom::Present(value) | Atom::True(value) => {
                    if let Some(column) = column(value) {
                        found.push(Demand { column, value: None, equal: truth });
                    }
                }
                Atom::Among(value, list) => {
                    let Some(column) = column(value) else { continue };
                    let Val::Array(items) = self.trace.values.get(list) else { continue };
                    for item in items {
                        if let ArrayItem::Value(item) = item
                            && let Some(name) = self.constant_name(*item)
                            && (!truth || items.len() == 1)
                        {
                            found.push(Demand { column: column.clone(), value: Some(name), equal: truth });
                        }
                    }
                }
                Atom::Lt(..) | Atom::Le(..) => {}
            }
        }
        found
    }

    /// A constant as text: a literal, or the last name of an enumeration's member. Nothing and false are the empty text.
    fn constant_name(&self, value: ValId) -> Option<String> {
        match self.trace.values.get(value) {
            Val::Const(Literal::Text(text) | Literal::Number(text)) => Some(text.clone()),
            Val::Const(Literal::Null | Literal::Bool(false)) => Some(String::new()),
            Val::Const(Literal::Bool(true)) => Some("true".to_owned()),
            Val::Call { is_new: true, .. } => Some("now".to_owned()),
            Val::Field(base, name) => match self.trace.values.get(*base) {
                Val::External(..) | Val::Global(_) | Val::Module(_) => Some(name.clone()),
                Val::Field(inner, _) if matches!(self.trace.values.get(*inner), Val::External(..) | Val::Global(_)) => {
                    Some(name.clone())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The moves of a trace: a write of columns, and a read of rows that some write makes use of, on one way.
    pub fn moves(&mut self) -> Vec<Move> {
        let mut found = Vec::new();
        let count = u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX);
        let ids: Vec<OpId> = (0..count).map(OpId).collect();
        let is_write = |op: &crate::model::Op<'_>| matches!(op.verb, Verb::Update | Verb::Create | Verb::Upsert);
        for write in ids.iter().copied() {
            let it = self.trace.op(write).clone();
            if it.verb != Verb::Update || it.entity.is_empty() {
                continue;
            }
            let writes = self.writes(write, false, &[]);
            let moved: Vec<Moved> = writes
                .columns
                .iter()
                .filter(|(column, _)| !marks_deleted(column))
                .filter_map(|(column, written)| match written {
                    Written::Value(value) => Some(Moved { column: column.clone(), to: self.constant_name(*value) }),
                    _ => None,
                })
                .collect();
            if moved.iter().all(|m| m.to.is_none()) {
                continue;
            }
            let asked = self.conditions(write, &[]);
            let guarded = asked.all.iter().any(|c| moved.iter().any(|m| m.column == c.column));
            let keys: Vec<ValId> = asked.all.iter().map(|c| c.value).collect();
            for read in ids.iter().copied() {
                let that = self.trace.op(read).clone();
                let reads = matches!(that.verb, Verb::Read | Verb::Count) && that.lock.is_none();
                if !reads || that.entity.is_empty() || !self.on_one_way(read, write) {
                    continue;
                }
                if !self.reads_of_moved(read, &it.entity, &keys) {
                    continue;
                }
                let mut read_columns = Vec::new();
                let mut used = false;
                for other in ids.iter().copied().filter(|other| is_write(self.trace.op(*other))) {
                    for arg in self.trace.op(other).args.clone() {
                        if !self.made_of(read, arg, 14) {
                            continue;
                        }
                        used = true;
                        if let Some(Subject::Columns(names)) = self.columns_of(read, arg) {
                            read_columns.extend(names);
                        }
                    }
                }
                if !used {
                    continue;
                }
                let steps = self.steps_of(write, read, guarded);
                let transaction = it.region.and_then(|r| match &self.trace.regions[r.index()].kind {
                    RegionKind::Transaction { isolation, .. } => Some(isolation.clone()),
                    _ => None,
                });
                let ordered = matches!(&that.source, OpSource::Call(row, _) if row.order.is_some());
                let reads_set = that.rows != Rows::One || ordered;
                found.push(Move { write, read, moved: moved.clone(), reads_set, read_columns, steps, transaction });
            }
        }
        found
    }

    /// Whether some way leads through both operations.
    fn on_one_way(&self, a: OpId, b: OpId) -> bool {
        let (a, b) = (self.trace.op(a).block, self.trace.op(b).block);
        let (first, second) = if self.flow.position(a) <= self.flow.position(b) { (a, b) } else { (b, a) };
        let mut seen = FxHashSet::default();
        let mut todo = vec![first];
        while let Some(block) = todo.pop() {
            if block == second {
                return true;
            }
            if seen.insert(block) {
                todo.extend(self.trace.successors(block).filter(|next| self.flow.is_forward(block, *next)));
            }
        }
        false
    }

    /// Whether a read asks for rows of the row that is moved: by its key, or along with it.
    fn reads_of_moved(&mut self, read: OpId, moved: &str, keys: &[ValId]) -> bool {
        if let OpSource::Related { of, .. } = self.trace.op(read).source {
            return self.trace.op(of).entity == moved;
        }
        let asked = self.conditions(read, &[]);
        let by_key = asked.all.iter().any(|c| keys.contains(&c.value));
        by_key
            || asked.all.iter().any(|c| match self.trace.values.get(c.value) {
                Val::Field(base, _) => match self.trace.values.get(*base) {
                    Val::Result(op) => self.trace.op(*op).entity == moved,
                    _ => false,
                },
                _ => false,
            })
    }

    /// A mover's lock, move and read, in the order in which they run.
    fn steps_of(&self, write: OpId, read: OpId, guarded: bool) -> Vec<Step> {
        let moved = self.trace.op(write);
        let mut steps = vec![
            ((self.flow.position(moved.block), write), Step::Move { guarded }),
            ((self.flow.position(self.trace.op(read).block), read), Step::Read),
        ];
        let lock = self.trace.ops.iter().enumerate().find(|(_, op)| {
            op.region.is_some() && op.region == moved.region && op.entity == moved.entity && op.lock.is_some()
        });
        if let Some((at, op)) = lock
            && let Ok(at) = u32::try_from(at)
        {
            steps.push(((self.flow.position(op.block), OpId(at)), Step::Lock));
        }
        steps.sort_by_key(|(at, _)| *at);
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// The runs around an operation, innermost first.
    fn chain(&self, op: OpId) -> Vec<FrameId> {
        let mut chain = Vec::new();
        let mut next = Some(self.trace.op(op).frame);
        while let Some(frame) = next {
            let reporting = self.trace.reporting_frame(frame);
            chain.push(reporting);
            next = self.trace.frames[reporting.index()].caller.map(|(caller, _)| caller);
        }
        chain
    }

    /// Whether the root is the innermost function that sees both.
    fn seen_first_here(&self, mine: &[FrameId], other: OpId) -> bool {
        let other = self.chain(other);
        let common = mine.iter().find(|frame| other.contains(frame));
        // A function that was handed the transaction is settled by its callers.
        common.is_none_or(|frame| *frame == FrameId(0) || self.trace.frames[frame.index()].takes_handle)
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
    fn choices(&mut self, way: &[BlockId]) -> Rc<Choices> {
        if let Some((known, choices)) = &self.last
            && known == way
        {
            return Rc::clone(choices);
        }
        let choices = Rc::new(super::paths::choices(self.trace, way));
        self.last = Some((way.to_vec(), Rc::clone(&choices)));
        choices
    }

    fn see(&mut self, way: &[BlockId], value: ValId) -> ValId {
        let phis = self.choices(way);
        resolve(self.trace, value, &mut |phi| phis.get(&phi).copied())
    }

    fn conditions(&mut self, op: OpId, way: &[BlockId]) -> Conditions {
        let phis = self.choices(way);
        self.trace
            .conditions(self.schemas, op, &mut |trace, value| resolve(trace, value, &mut |phi| phis.get(&phi).copied()))
    }

    fn writes(&mut self, op: OpId, creating: bool, way: &[BlockId]) -> Writes {
        let phis = self.choices(way);
        self.trace.writes(self.schemas, op, creating, &mut |trace, value| {
            resolve(trace, value, &mut |phi| phis.get(&phi).copied())
        })
    }

    fn decided_or_fed(&mut self, paths: &mut Paths, check: OpId, act: OpId, writes: &[OpId], found: &mut Vec<Window>) {
        let nodes = paths.at_op(self.trace, act);
        let mut seen: Vec<Vec<Fact>> = Vec::new();
        for node in nodes.into_iter().take(8) {
            let facts = paths.nodes[node].facts.clone();
            if seen.contains(&facts) {
                continue;
            }
            seen.push(facts.clone());
            let way = paths.example(self.trace, self.flow, node);
            let facts = self.deciding(paths, act, node, &facts);
            let Some((link, bound)) = self.link(check, act, &facts, &way, paths) else { continue };
            let Some(confidence) = self.same_row(check, act, &link, &way) else { continue };
            if found.iter().any(|w| w.check == check && w.act == act && w.link == link) {
                continue;
            }
            let (decided, effects) = self.consequences(paths, &facts, act, &way, writes);
            let claims = self.claims(check, act, &link, &way);
            let ops = self.trace.op(check).confidence.min(self.trace.op(act).confidence);
            let confidence = confidence.min(ops);
            found.push(Window { check, act, link, way, decided, effects, claims, bound, confidence });
        }
    }

    /// The facts of a class without which the act is not reached, or not in the same form.
    fn deciding(&mut self, paths: &Paths, act: OpId, node: usize, facts: &[Fact]) -> Vec<Fact> {
        let others = paths.at_op(self.trace, act);
        let way = paths.example(self.trace, self.flow, node);
        let own: Vec<ValId> = self.trace.op(act).args.clone().into_iter().map(|arg| self.see(&way, arg)).collect();
        let mut kept = Vec::new();
        for (atom, truth) in facts {
            let mut decides = true;
            for other in &others {
                if *other == node {
                    continue;
                }
                let theirs = &paths.nodes[*other].facts;
                if theirs.contains(&(atom.clone(), !*truth)) {
                    let way = paths.example(self.trace, self.flow, *other);
                    let args: Vec<ValId> =
                        self.trace.op(act).args.clone().into_iter().map(|arg| self.see(&way, arg)).collect();
                    if args == own {
                        decides = false;
                        break;
                    }
                }
            }
            if decides && self.done_either_way(paths, act, &(atom.clone(), !*truth), &own) {
                decides = false;
            }
            if decides {
                kept.push((atom.clone(), *truth));
            }
        }
        kept
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
            let args = that.args.clone();
            for node in paths.at_op(self.trace, other) {
                if !paths.nodes[node].facts.contains(opposite) {
                    continue;
                }
                let way = paths.example(self.trace, self.flow, node);
                let args: Vec<ValId> = args.iter().map(|arg| self.see(&way, *arg)).collect();
                if args == own {
                    return true;
                }
            }
        }
        false
    }

    fn link(
        &mut self,
        check: OpId,
        act: OpId,
        facts: &[Fact],
        way: &[BlockId],
        paths: &mut Paths,
    ) -> Option<(Link, bool)> {
        let checked = self.trace.op(check).clone();
        let acted = self.trace.op(act).clone();
        let same_entity = checked.entity == acted.entity;
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
        if same_entity
            && acted.verb == Verb::Create
            && let Some(column) = self.next_column(check, act, paths)
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
        if same_entity && let Some(link) = self.feeds(check, act, way, paths) {
            let bound = false;
            return Some((link, bound));
        }
        if same_entity && set {
            return Some((Link::Set, bound));
        }
        if same_entity && !columns.is_empty() && acted.verb != Verb::Create {
            // Columns that the act moves decide against its twin; the others wait for a rival that moves them.
            let writes = self.writes(act, false, way);
            let moved: Vec<String> =
                columns.iter().filter(|c| acted.verb == Verb::Delete || writes.get(c).is_some()).cloned().collect();
            return Some((Link::Column(if moved.is_empty() { columns } else { moved }), bound));
        }
        if same_entity && present {
            let filtered = self.filter_columns(check, act, way);
            if !filtered.is_empty() {
                return Some((Link::Column(filtered), bound));
            }
            if acted.verb == Verb::Delete {
                return Some((Link::Presence, bound));
            }
        }
        None
    }

    /// What an atom says of the check.
    fn subject(&self, check: OpId, atom: &Atom) -> Option<Subject> {
        let trace = &*self.trace;
        match atom {
            Atom::Present(value) => {
                if self.is_check_row(check, *value) || self.is_check_size(check, *value) {
                    return Some(Subject::Existence);
                }
                self.columns_of(check, *value)
            }
            Atom::True(value) => match trace.values.get(*value) {
                Val::Over(Over::Some | Over::Find, source, body) if self.is_check_set(check, *source) => {
                    // A test for one value asks for a row; any other test is one over the whole set.
                    Some(if self.is_equality(*body) { Subject::Existence } else { Subject::Set })
                }
                Val::Over(Over::Every, source, _) if self.is_check_set(check, *source) => Some(Subject::Set),
                _ => self.columns_of(check, *value),
            },
            Atom::Eq(a, b) | Atom::Lt(a, b) | Atom::Le(a, b) | Atom::Among(a, b) => {
                if self.size_in(check, *a, 5) || self.size_in(check, *b, 5) {
                    return Some(Subject::Size);
                }
                let (left, right) = (self.columns_of(check, *a), self.columns_of(check, *b));
                match (left, right) {
                    (Some(Subject::Columns(mut left)), Some(Subject::Columns(right))) => {
                        left.extend(right);
                        Some(Subject::Columns(left))
                    }
                    (left, right) => left.or(right),
                }
            }
        }
    }

    fn is_check_row(&self, check: OpId, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Result(op) => *op == check && self.trace.op(check).rows == Rows::One,
            Val::Field(base, name) => name.parse::<usize>().is_ok() && self.is_check_set(check, *base),
            Val::Over(Over::Find, source, _) => self.is_check_set(check, *source),
            Val::Element(source) => self.is_check_set(check, *source),
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.is_check_row(check, *a),
            _ => false,
        }
    }

    fn is_check_set(&self, check: OpId, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Result(op) => *op == check && self.trace.op(check).rows == Rows::Many,
            Val::Over(Over::Filter | Over::Map, source, _) => self.is_check_set(check, *source),
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.is_check_set(check, *a),
            _ => false,
        }
    }

    fn is_check_size(&self, check: OpId, value: ValId) -> bool {
        if !is_size(self.trace, value) {
            return false;
        }
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 12 {
                return false;
            }
            match self.trace.values.get(value) {
                Val::Result(op) if *op == check => return true,
                Val::Field(..) | Val::Binary(..) | Val::Call { .. } | Val::Over(..) => {
                    todo.extend(self.trace.values.parts(value));
                }
                _ => {}
            }
        }
        false
    }

    fn size_in(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if self.is_check_size(check, value) {
            // A relation's list that was read along is a set of other rows.
            return true;
        }
        match self.trace.values.get(value) {
            Val::Binary(BinaryOp::Add | BinaryOp::Sub, a, b) => {
                self.size_in(check, *a, depth) || self.size_in(check, *b, depth)
            }
            Val::Field(base, _) => match self.trace.values.get(*base) {
                // Sums and other aggregates of the whole set.
                Val::Field(inner, _) => {
                    matches!(self.trace.values.get(*inner), Val::Result(op) if *op == check)
                        && self.trace.op(check).rows == Rows::Number
                }
                _ => false,
            },
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, _) => self.size_in(check, *a, depth),
            Val::Call { callee, args, .. } => match (self.trace.values.get(*callee), args.as_slice()) {
                (Val::Global(_), [only]) => self.size_in(check, *only, depth),
                (Val::Field(receiver, _), []) => self.size_in(check, *receiver, depth),
                _ => false,
            },
            Val::Over(Over::Fold, source, _) => self.is_check_set(check, *source),
            _ => false,
        }
    }

    /// The columns of the check's row that a value is made from; columns of rows read along are none of its own.
    fn columns_of(&self, check: OpId, value: ValId) -> Option<Subject> {
        let mut names = Vec::new();
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 200 {
                break;
            }
            if let Val::Field(base, name) = self.trace.values.get(value)
                && self.is_check_row(check, *base)
            {
                if !self.is_relation(check, name) {
                    names.push(name.clone());
                }
                continue;
            }
            todo.extend(self.trace.values.parts(value));
        }
        names.sort();
        names.dedup();
        (!names.is_empty()).then_some(Subject::Columns(names))
    }

    fn is_relation(&self, op: OpId, column: &str) -> bool {
        let entity = entity_of(self.schemas, self.trace.op(op));
        let found = entity.and_then(|e| e.column(column)).map(|c| &c.kind);
        matches!(found, Some(ColumnKind::Relation(_))) || column == "_count"
    }

    /// Whether an update makes its row one that the check looked for.
    fn writes_predicate(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let conditions = self.conditions(check, way);
        let writes = self.writes(act, false, way);
        conditions
            .all
            .iter()
            .any(|c| c.op == Compare::Eq && matches!(writes.get(&c.column), Some(Written::Value(v)) if *v == c.value))
    }

    /// Columns of the check's own condition, besides its key, that the act changes.
    fn filter_columns(&mut self, check: OpId, act: OpId, way: &[BlockId]) -> Vec<String> {
        let conditions = self.conditions(check, way);
        let writes = self.writes(act, false, way);
        let mut found: Vec<String> = Vec::new();
        conditions.each(&mut |c| {
            if !c.through.is_empty() {
                return;
            }
            match writes.get(&c.column) {
                Some(Written::Value(v)) if *v == c.value && c.op == Compare::Eq => {}
                Some(_) => found.push(c.column.clone()),
                None => {}
            }
        });
        found.sort();
        found.dedup();
        found
    }

    /// Whether a test compares members for equality and does nothing else.
    fn is_equality(&self, test: ValId) -> bool {
        match self.trace.values.get(test) {
            Val::Binary(BinaryOp::Eq, ..) => true,
            Val::Binary(BinaryOp::And, a, b) => self.is_equality(*a) && self.is_equality(*b),
            _ => false,
        }
    }

    /// What the check's row or rows feed into the act.
    fn feeds(&mut self, check: OpId, act: OpId, way: &[BlockId], paths: &mut Paths) -> Option<Link> {
        let verb = self.trace.op(act).verb;
        let creating = verb == Verb::Create;
        let writes = self.writes(act, creating, way);
        for (column, written) in &writes.columns {
            let Written::Value(value) = written else { continue };
            if !paths.depends.on(self.trace, check, *value) {
                continue;
            }
            if creating {
                let test = match self.trace.values.get(*value) {
                    Val::Choice(test, ..) => Some(*test),
                    Val::Binary(op, ..) if is_comparison(*op) => Some(*value),
                    Val::Unary(UnaryOp::Not, _) => Some(*value),
                    _ => None,
                };
                if test.is_some_and(|test| self.test_on_size(check, test)) {
                    return Some(Link::Set);
                }
                continue;
            }
            if self.is_computed_from(check, *value, column) {
                return Some(Link::Feeds(column.clone()));
            }
        }
        None
    }

    /// The column of a new row that counts on from the rows there are, on whatever way.
    fn next_column(&mut self, check: OpId, act: OpId, paths: &mut Paths) -> Option<String> {
        let writes = self.writes(act, true, &[]);
        let fed = writes.columns.iter().find(|(_, written)| match written {
            Written::Value(value) => paths.depends.on(self.trace, check, *value) && self.is_next(check, *value),
            _ => false,
        });
        fed.map(|(column, _)| column.clone())
    }

    fn test_on_size(&self, check: OpId, test: ValId) -> bool {
        match self.trace.values.get(test) {
            Val::Binary(_, a, b) => self.size_in(check, *a, 4) || self.size_in(check, *b, 4),
            Val::Unary(UnaryOp::Not, inner) => self.test_on_size(check, *inner),
            _ => self.is_check_size(check, test),
        }
    }

    /// Whether a value counts on from the rows there are: their number, their largest, their last, plus something.
    fn is_next(&self, check: OpId, value: ValId) -> bool {
        let source = self.trace.op(check);
        let ordered = match &source.source {
            OpSource::Call(row, _) => row.order.as_ref().is_some_and(|order| {
                // Only a written order says "the last one".
                let arg = match order.root {
                    crate::library::Root::Param(at) => source.args.get(at),
                    _ => None,
                };
                arg.is_some_and(|arg| self.has_member(*arg, order.path.last().map_or("", String::as_str)))
            }),
            OpSource::Sql(statement, _) => {
                statement.query().is_some_and(|q| !q.order_by.is_empty() || q.aggregate.is_some())
            }
            OpSource::Related { .. } => true,
        };
        let extreme = ordered || source.rows != Rows::One;
        // The database may have done the sum itself.
        let summed = matches!(&source.source, OpSource::Sql(..)) && source.verb == Verb::Count;
        extreme && (self.adds_to(check, value, 10) || summed && self.made_of(check, value, 6))
    }

    fn has_member(&self, value: ValId, name: &str) -> bool {
        match self.trace.values.get(value) {
            Val::Object(entries) => {
                entries.iter().any(|e| matches!(e, crate::model::ObjectEntry::Field(key, _) if key == name))
            }
            _ => false,
        }
    }

    /// Whether something is added to a number or column that the check gave.
    fn adds_to(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Binary(BinaryOp::Add, a, b) => self.made_of(check, *a, 8) || self.made_of(check, *b, 8),
            Val::Text(parts) => parts.iter().any(|part| match part {
                TextPart::Hole(hole) => self.adds_to(check, *hole, depth),
                TextPart::Text(_) => false,
            }),
            // A bare count is the next number where counting starts from zero.
            Val::Result(op) => *op == check && self.trace.op(check).verb == Verb::Count,
            Val::Field(base, name) if name == "length" => self.is_check_set(check, *base),
            Val::Choice(_, a, b) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, a, b) => {
                self.adds_to(check, *a, depth) || self.adds_to(check, *b, depth)
            }
            Val::Call { callee, args, .. } => {
                let receiver = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                args.iter().copied().chain(receiver).any(|part| self.adds_to(check, part, depth))
            }
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().any(|(_, v)| self.adds_to(check, *v, depth)),
            _ => false,
        }
    }

    fn made_of(&self, check: OpId, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Result(op) => *op == check,
            _ => self.trace.values.parts(value).into_iter().any(|part| self.made_of(check, part, depth)),
        }
    }

    /// Whether a value is computed from a column's old value: not a copy of it, and not something else.
    fn is_computed_from(&self, check: OpId, value: ValId, column: &str) -> bool {
        match self.trace.values.get(value) {
            Val::Field(..) | Val::Result(_) | Val::Const(_) => false,
            Val::Choice(test, a, b) => {
                self.is_computed_from(check, *a, column)
                    || self.is_computed_from(check, *b, column)
                    || self.column_within(check, *test, column, 8)
            }
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or | BinaryOp::And, a, b) => {
                self.is_computed_from(check, *a, column) || self.is_computed_from(check, *b, column)
            }
            Val::Phi(phi) => {
                let operands = &self.trace.values.phi(*phi).operands;
                operands.iter().any(|(_, v)| {
                    *v != value
                        && !matches!(self.trace.values.get(*v), Val::Phi(_))
                        && self.is_computed_from(check, *v, column)
                })
            }
            Val::Object(entries) => {
                let keeps = entries.iter().any(|e| match e {
                    crate::model::ObjectEntry::Spread(v) | crate::model::ObjectEntry::Field(_, v) => {
                        self.column_within(check, *v, column, 8)
                    }
                    _ => false,
                });
                // Constant members at constant keys: two runs write the same.
                let varies = entries.iter().any(|e| match e {
                    crate::model::ObjectEntry::Field(_, v) => !self.is_constant(*v, 8),
                    crate::model::ObjectEntry::Computed(_) => true,
                    crate::model::ObjectEntry::Spread(v) => !self.column_within(check, *v, column, 8),
                    crate::model::ObjectEntry::Removed(_) => false,
                });
                keeps && varies
            }
            Val::Array(items) => items.iter().any(|item| match item {
                ArrayItem::Spread(v) => self.column_within(check, *v, column, 8),
                ArrayItem::Value(_) => false,
            }),
            _ => self.column_within(check, value, column, 10),
        }
    }

    fn is_constant(&self, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Const(_) => true,
            Val::Object(_) | Val::Array(_) => {
                self.trace.values.parts(value).into_iter().all(|part| self.is_constant(part, depth))
            }
            _ => false,
        }
    }

    fn column_within(&self, check: OpId, value: ValId, column: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if let Val::Field(base, name) = self.trace.values.get(value)
            && name == column
            && self.is_check_row(check, *base)
        {
            return true;
        }
        self.trace.values.parts(value).into_iter().any(|part| self.column_within(check, part, column, depth))
    }

    /// How sure it is that check and act mean the same row; `None` where they cannot.
    fn same_row(&mut self, check: OpId, act: OpId, link: &Link, way: &[BlockId]) -> Option<Confidence> {
        let looked = self.conditions(check, way);
        let acted = self.trace.op(act).clone();
        let as_written = matches!(link, Link::Absence | Link::Set | Link::Next(_))
            && matches!(acted.verb, Verb::Create | Verb::Upsert | Verb::Update);
        if as_written && (acted.verb != Verb::Update || matches!(link, Link::Absence)) {
            return self.created_where_looked(act, &looked, acted.verb != Verb::Update, way);
        }
        let targeted = self.conditions(act, way);
        if targeted.all.is_empty() && targeted.any.is_empty() {
            return Some(if targeted.opaque { Confidence::Low } else { Confidence::High });
        }
        let mut best: Option<Confidence> = None;
        for condition in targeted.all.iter().filter(|c| c.through.is_empty()) {
            let level = match self.trace.values.get(condition.value).clone() {
                Val::Field(base, name) if name == condition.column && self.is_check_row(check, base) => {
                    Some(Confidence::High)
                }
                _ if condition.op == Compare::Eq || condition.op == Compare::In => {
                    let known: Vec<_> = looked.on(&condition.column).cloned().collect();
                    let same = known.iter().any(|c| c.value == condition.value);
                    let apart = known.iter().any(|c| {
                        c.op == Compare::Eq
                            && condition.op == Compare::Eq
                            && c.value != condition.value
                            && self.trace.values.literal(c.value).is_some()
                            && self.trace.values.literal(condition.value).is_some()
                    });
                    if apart && known.iter().all(|c| self.is_key(check, &c.column)) {
                        return None;
                    }
                    if same {
                        Some(Confidence::High)
                    } else if self.mentions_check(check, condition.value) {
                        Some(Confidence::Medium)
                    } else if known.is_empty() && self.is_key(act, &condition.column) {
                        Some(Confidence::Low)
                    } else {
                        None
                    }
                }
                _ => None,
            };
            best = best.max(level);
        }
        // A set that is looked at and a member that is acted on, chosen by the caller.
        if matches!(link, Link::Set) && best.is_none_or(|b| b == Confidence::Low) {
            return Some(Confidence::Medium);
        }
        Some(best.unwrap_or(Confidence::Low))
    }

    fn is_key(&self, op: OpId, column: &str) -> bool {
        match entity_of(self.schemas, self.trace.op(op)) {
            Some(entity) => entity.keys.iter().any(|key| key.columns.iter().any(|c| c == column)),
            None => column == "id",
        }
    }

    fn mentions_check(&self, check: OpId, value: ValId) -> bool {
        self.made_of(check, value, 10)
    }

    /// Whether the created row is one the check would have found.
    fn created_where_looked(
        &mut self,
        act: OpId,
        looked: &Conditions,
        creating: bool,
        way: &[BlockId],
    ) -> Option<Confidence> {
        let writes = self.writes(act, creating, way);
        let entity = entity_of(self.schemas, self.trace.op(act)).cloned();
        let mut level = Confidence::High;
        for condition in &looked.all {
            if !condition.through.is_empty() {
                level = level.min(Confidence::Medium);
                continue;
            }
            let column = entity.as_ref().and_then(|e| e.column(&condition.column));
            let literal = |trace: &Trace<'_>, v: ValId| trace.values.literal(v).cloned();
            match writes.get(&condition.column) {
                Some(Written::Value(value)) => {
                    if *value == condition.value || self.known_key(*value, way) == Some(condition.value) {
                        continue;
                    }
                    match (literal(self.trace, *value), literal(self.trace, condition.value), condition.op) {
                        (Some(a), Some(b), Compare::Eq) if a != b => return None,
                        (Some(a), Some(b), Compare::Ne) if a == b => return None,
                        (Some(a), None, Compare::In) => {
                            if let Val::Array(items) = self.trace.values.get(condition.value) {
                                let among = items.iter().any(|item| match item {
                                    ArrayItem::Value(v) | ArrayItem::Spread(v) => {
                                        literal(self.trace, *v).is_none_or(|l| l == a)
                                    }
                                });
                                if !among {
                                    return None;
                                }
                            }
                        }
                        (_, _, Compare::Eq) => {
                            let shared = self.shares_source(*value, condition.value);
                            level = level.min(if shared { Confidence::Medium } else { Confidence::Low });
                        }
                        _ => level = level.min(Confidence::Medium),
                    }
                }
                Some(_) => level = level.min(Confidence::Medium),
                None if !creating => {}
                None => match column.map(|c| &c.default) {
                    Some(ColumnDefault::Literal(text)) => {
                        let wanted = literal(self.trace, condition.value);
                        let written = default_literal(text);
                        match (condition.op, wanted) {
                            (Compare::Eq, Some(wanted)) if wanted != written => return None,
                            (Compare::Ne, Some(wanted)) if wanted == written => return None,
                            (Compare::Eq | Compare::Ne, Some(_)) => {}
                            _ => level = level.min(Confidence::Medium),
                        }
                    }
                    Some(ColumnDefault::None) if column.is_some_and(|c| c.optional) && !writes.opaque => {
                        // Left out, so it is null.
                        let wanted = literal(self.trace, condition.value);
                        match (condition.op, wanted) {
                            (Compare::Eq, Some(Literal::Null)) => {}
                            (Compare::Eq, _) => return None,
                            (Compare::Ne, Some(Literal::Null)) => return None,
                            _ => level = level.min(Confidence::Medium),
                        }
                    }
                    Some(ColumnDefault::Generated | ColumnDefault::Now)
                        if condition.op == Compare::Eq && !writes.opaque =>
                    {
                        // Looked up by a generated key: the created row has another one.
                        if column.is_some_and(|_| self.is_key(act, &condition.column)) {
                            return None;
                        }
                    }
                    None if condition.column == "id" && !writes.opaque => return None,
                    _ => level = level.min(Confidence::Medium),
                },
            }
        }
        if !looked.any.is_empty() || looked.opaque && looked.all.is_empty() {
            level = level.min(Confidence::Medium);
        }
        Some(level)
    }

    /// What a column of a row is known to be, because the row was read by it.
    fn known_key(&mut self, value: ValId, way: &[BlockId]) -> Option<ValId> {
        let Val::Field(base, name) = self.trace.values.get(value).clone() else { return None };
        let op = match self.trace.values.get(base) {
            Val::Result(op) => *op,
            _ => return None,
        };
        let asked = self.conditions(op, way);
        asked.on(&name).find(|c| c.op == Compare::Eq).map(|c| c.value)
    }

    /// Whether two values are made from a common one.
    fn shares_source(&self, a: ValId, b: ValId) -> bool {
        let leaves = |value: ValId| {
            let mut all = FxHashSet::default();
            let mut todo = vec![value];
            while let Some(value) = todo.pop() {
                if all.len() > 200 || !all.insert(value) {
                    continue;
                }
                todo.extend(self.trace.values.parts(value));
            }
            all.retain(|v| {
                !matches!(self.trace.values.get(*v), Val::Const(_) | Val::Global(_) | Val::External(..) | Val::This(_))
            });
            all
        };
        let (a, b) = (leaves(a), leaves(b));
        !a.is_disjoint(&b)
    }

    /// Writes and effects behind the check that one of its facts decides.
    fn consequences(
        &self,
        paths: &Paths,
        facts: &[Fact],
        act: OpId,
        way: &[BlockId],
        writes: &[OpId],
    ) -> (FxHashSet<OpId>, Vec<String>) {
        let mut decided = FxHashSet::default();
        let mut effects: Vec<String> = Vec::new();
        if facts.is_empty() {
            return (decided, effects);
        }
        let depends = |block: BlockId| {
            let nodes = paths.at(block);
            !nodes.is_empty()
                && nodes.iter().all(|node| paths.nodes[*node].facts.iter().any(|fact| facts.contains(fact)))
        };
        for block in way {
            if !depends(*block) {
                continue;
            }
            for event in &self.trace.block(*block).events {
                match event {
                    Event::Op(op) if *op != act && writes.contains(op) => {
                        decided.insert(*op);
                    }
                    Event::Call(call) => {
                        let last = call.name.rsplit('.').next().unwrap_or("");
                        if (is_effect(last) || self.is_request(call)) && !effects.contains(&call.name) {
                            effects.push(call.name.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
        (decided, effects)
    }

    /// Whether a call sends a request that changes something elsewhere.
    fn is_request(&self, call: &crate::model::Effect) -> bool {
        call.name == "fetch"
            && call.args.get(1).is_some_and(|options| match self.trace.values.get(*options) {
                Val::Object(entries) => entries.iter().any(|e| match e {
                    crate::model::ObjectEntry::Field(key, value) if key == "method" => {
                        self.trace.values.text(*value).is_some_and(|m| !matches!(m, "GET" | "HEAD" | "OPTIONS"))
                    }
                    _ => false,
                }),
                _ => false,
            })
    }

    /// Whether the act takes something that only one run may have, and says so to its caller.
    fn claims(&mut self, check: OpId, act: OpId, link: &Link, way: &[BlockId]) -> bool {
        let Link::Column(columns) = link else { return false };
        let writes = self.writes(act, false, way);
        let moves = columns.iter().any(|c| writes.get(c).is_some());
        if !moves {
            return false;
        }
        // A row picked from a set by its state and handed out.
        let looked = self.conditions(check, way);
        let picked = !looked.all.is_empty() && looked.all.iter().all(|c| !self.is_key(check, &c.column));
        let by_state = looked.all.iter().any(|c| columns.contains(&c.column));
        if picked && by_state && self.trace.op(check).rows == Rows::One && self.returns_row(check, act, way) {
            return true;
        }
        // Something made up for this run is stored and handed out: an identity.
        let made: FxHashSet<ValId> = writes
            .columns
            .iter()
            .filter_map(|(_, written)| match written {
                Written::Value(value) => Some(*value),
                _ => None,
            })
            .flat_map(|value| self.made_up_in(value))
            .collect();
        if !made.is_empty() && self.returned(way).is_some_and(|value| self.contains_any(value, &made, 16)) {
            return true;
        }
        // Who did it is written down.
        let mut fixed: FxHashSet<ValId> = FxHashSet::default();
        looked.each(&mut |c| {
            fixed.insert(c.value);
        });
        writes.columns.iter().any(|(_, written)| match written {
            Written::Value(value) => self.is_own(*value, &fixed, 16),
            _ => false,
        })
    }

    /// Calls within a value that are made on nothing, or on constants alone, and not of the clock.
    fn made_up_in(&self, value: ValId) -> Vec<ValId> {
        let mut found = Vec::new();
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 100 {
                break;
            }
            if let Val::Call { callee, args, is_new: false, .. } = self.trace.values.get(value) {
                let receiver = match self.trace.values.get(*callee) {
                    Val::Field(receiver, _) => Some(*receiver),
                    _ => None,
                };
                let named = |name: &str| matches!(name, "Date" | "JSON" | "Object" | "String" | "Number");
                let of_clock = [Some(*callee), receiver]
                    .into_iter()
                    .flatten()
                    .any(|part| matches!(self.trace.values.get(part), Val::Global(name) if named(name)));
                let of_value = receiver.is_some_and(|r| {
                    !matches!(self.trace.values.get(r), Val::Global(_) | Val::External(..) | Val::Module(_))
                });
                if args.iter().all(|arg| self.is_constant(*arg, 4)) && !of_clock && !of_value {
                    found.push(value);
                }
            }
            todo.extend(self.trace.values.parts(value));
        }
        found
    }

    fn contains_any(&self, value: ValId, wanted: &FxHashSet<ValId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        wanted.contains(&value)
            || self.trace.values.parts(value).into_iter().any(|part| self.contains_any(part, wanted, depth))
    }

    /// What the root function returns at the end of a way.
    fn returned(&self, way: &[BlockId]) -> Option<ValId> {
        match &self.trace.block(*way.last()?).exit {
            crate::model::Exit::Return(value, _) => Some(*value),
            _ => None,
        }
    }

    fn returns_row(&self, check: OpId, act: OpId, way: &[BlockId]) -> bool {
        let Some(last) = way.last() else { return false };
        match &self.trace.block(*last).exit {
            crate::model::Exit::Return(value, _) => self.made_of(check, *value, 14) || self.made_of(act, *value, 14),
            _ => false,
        }
    }

    fn is_own(&self, value: ValId, fixed: &FxHashSet<ValId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if fixed.contains(&value) {
            return false;
        }
        match self.trace.values.get(value) {
            Val::Param(..) | Val::Opaque(_) => true,
            Val::Field(base, _) => self.is_own(*base, fixed, depth),
            Val::Call { args, .. } => args.iter().any(|arg| self.is_own(*arg, fixed, depth)),
            Val::Binary(_, a, b) => self.is_own(*a, fixed, depth) || self.is_own(*b, fixed, depth),
            Val::Choice(_, a, b) => self.is_own(*a, fixed, depth) || self.is_own(*b, fixed, depth),
            _ => false,
        }
    }

    /// Two writes that belong together: a flag moved, a set replaced.
    fn paired(&mut self, paths: &Paths, first: OpId, second: OpId, found: &mut Vec<Window>) {
        let (one, two) = (self.trace.op(first).clone(), self.trace.op(second).clone());
        if one.entity != two.entity || one.rows != Rows::Many && two.rows != Rows::Many {
            return;
        }
        let Some(node) = paths.at_op(self.trace, second).first().copied() else { return };
        let way = paths.example(self.trace, self.flow, node);
        let link = match (one.verb, two.verb) {
            (Verb::Update, Verb::Update | Verb::Create) if one.rows == Rows::Many => {
                self.moved_flag(first, second, &way)
            }
            // The other way round: given first, then taken from all others.
            (Verb::Update | Verb::Create, Verb::Update) if one.rows == Rows::One => {
                self.moved_flag(second, first, &way)
            }
            (Verb::Delete, Verb::Create) if one.rows == Rows::Many => self.replaced(first, second, &way),
            _ => None,
        };
        let Some(link) = link else { return };
        let confidence = one.confidence.min(two.confidence);
        found.push(Window {
            check: first,
            act: second,
            link,
            way,
            decided: FxHashSet::default(),
            effects: Vec::new(),
            claims: false,
            bound: false,
            confidence,
        });
    }

    fn moved_flag(&mut self, first: OpId, second: OpId, way: &[BlockId]) -> Option<Link> {
        let creating = self.trace.op(second).verb == Verb::Create;
        let asked = self.conditions(first, way);
        let taken = self.writes(first, false, way);
        let given = self.writes(second, creating, way);
        for (column, written) in &taken.columns {
            let (Written::Value(old), Some(Written::Value(new))) = (written, given.get(column)) else { continue };
            let Some(old) = self.trace.values.literal(*old).cloned() else { continue };
            let cleared = matches!(old, Literal::Bool(false) | Literal::Null);
            let moved = match self.trace.values.literal(*new) {
                Some(new) if *new == old || *new == Literal::Null => false,
                Some(_) if cleared => true,
                // Rows in the given state leave it, and another row takes it.
                Some(_) => asked.on(column).any(|c| c.op == Compare::Eq && c.value == *new),
                // A flag from the caller, where a branch on the way has asked for it.
                None => cleared && self.is_tested(*new, way),
            };
            if moved {
                return Some(Link::Exclusive(column.clone()));
            }
        }
        None
    }

    /// Whether a branch on the way asks for a value to be true.
    fn is_tested(&self, value: ValId, way: &[BlockId]) -> bool {
        way.windows(2).any(|pair| match &self.trace.block(pair[0]).exit {
            crate::model::Exit::Branch { test, yes, no, .. } if yes != no => {
                let facts = super::facts::assert(self.trace, *test, pair[1] == *yes);
                matches!(facts.as_slice(), [facts] if facts.contains(&(Atom::True(value), true)))
            }
            _ => false,
        })
    }

    fn replaced(&mut self, first: OpId, second: OpId, way: &[BlockId]) -> Option<Link> {
        let cleared = self.conditions(first, way);
        let filled = self.writes(second, true, way);
        let by = &cleared.all;
        let plain = by.iter().all(|c| c.through.is_empty() && c.op == Compare::Eq);
        if by.is_empty() || !plain || cleared.opaque || !cleared.any.is_empty() || !cleared.none.is_empty() {
            return None;
        }
        let all = by.iter().all(|c| match filled.get(&c.column) {
            Some(Written::Value(value)) => *value == c.value,
            _ => false,
        });
        all.then_some(Link::Replace)
    }

    /// The columns of the entity itself that the check asks for by equality.
    #[must_use]
    pub fn looked_columns(&mut self, window: &Window) -> Vec<String> {
        let conditions = self.conditions(window.check, &window.way);
        let mut columns: Vec<String> = conditions
            .all
            .iter()
            .filter(|c| c.op == Compare::Eq && c.through.is_empty())
            .map(|c| c.column.clone())
            .collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Whether check and act run in the same transaction.
    #[must_use]
    pub fn in_one_transaction(&self, window: &Window) -> bool {
        let region = self.trace.op(window.check).region;
        let of_transaction = |r: crate::model::RegionId| {
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
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Whether it runs in a transaction, and the level that asks for.
    pub transaction: Option<Option<String>>,
}

/// Whether a column says that a row counts as gone: what is added to such a row is gone with it.
fn marks_deleted(column: &str) -> bool {
    let lower = column.to_lowercase();
    lower.starts_with("delet") || lower.starts_with("isdelet") || lower.starts_with("archiv") || lower == "updatedat"
}

/// What an atom speaks of.
enum Subject {
    Existence,
    Size,
    Set,
    Columns(Vec<String>),
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
}

fn is_effect(name: &str) -> bool {
    let lower = name.to_lowercase();
    EFFECTS.iter().any(|effect| lower.starts_with(effect))
}

fn default_literal(text: &str) -> Literal {
    match text {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        _ if text.parse::<f64>().is_ok() => Literal::Number(text.to_owned()),
        _ => Literal::Text(text.trim_matches('"').to_owned()),
    }
}
