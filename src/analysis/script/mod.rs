//! From a way through a trace to a program the judge can run.
//!
//! A **script** holds the statements that matter on one way: the check, what guards it, and every act and effect that
//! depends on it, each in the regions and under the handlers it stands in. Branches on the way become conditions; leaving
//! the way is declining. Values become constants: what the check's own condition fixes is the same in both runs, what it
//! does not fix differs between them.

mod diamonds;
mod handlers;
mod native;
mod statements;
mod states;
mod terms;
mod writes;

use rustc_hash::{FxHashMap, FxHashSet};

pub use handlers::{Handling, handling, recognises, swallows};
pub use native::{Unmet, is_limited, unmet};
pub(super) use statements::serialization_codes;
pub use terms::{Terms, is_drawn, is_setting};

use super::database::Database;
use super::facts;
use super::flow::Flow;
use super::window::Outside;
use crate::interleave::{
    self as judge, Block, Code, Env, Initial, Node, Table, block, catch, declined, did, effect, lit, ret, retry, size,
    throw, tx, when,
};
use crate::library::{ErrorKind, Rows, Verb};
use crate::model::{
    BlockId, Compare, Conditions, Event, Exit, OpId, OpSource, RegionId, RegionKind, Trace, Val, ValId, Writes,
    Written, entity_of,
};
use crate::schema::Schema;

/// What a script is made from.
pub struct Plan<'p> {
    /// The check.
    pub check: OpId,
    /// The act.
    pub act: OpId,
    /// Blocks from the entry to an end.
    pub way: &'p [BlockId],
    /// Writes and effects that the check decides, besides the act.
    pub decided: &'p FxHashSet<OpId>,
    /// Effects outside the database that it decides, by name.
    pub effects: &'p [Outside],
    /// Whether doing it twice is an effect by itself: the act claims something and hands it out.
    pub claims: bool,
    /// The database it is judged on.
    pub database: &'p Database,
    /// Whether the rows a check ranges over are limited, so that a limit is modelled as one.
    pub bound: bool,
    /// Whether the act numbers on from the rows that the check gives.
    pub counts_on: bool,
    /// Whether what is done is done with the rows that the check gave: with none, nothing is.
    pub uses_rows: bool,
    /// Whether both runs act on rows of their own choice, as when each moves a flag.
    pub movers: bool,
    /// Whether the act is an update that moves its row to where the check has found none.
    pub fills: bool,
    /// Whether the act fills a set anew that the check has cleared.
    pub refills: bool,
    /// The column along which the act moves other rows, where it does.
    pub shifts: Option<&'p String>,
    /// Whether both runs were given the same by whatever gave them what the check asks for: one request that comes twice.
    pub alike: bool,
    /// The order of blocks.
    pub flow: &'p Flow,
}

/// A program with all the judge needs to run it.
#[derive(Clone, Debug)]
pub struct Script {
    /// The statements.
    pub program: judge::Program,
    /// The tables they touch.
    pub tables: Vec<Table>,
    /// The arguments of both runs.
    pub envs: [Env; 2],
    /// The states to start from.
    pub initials: Vec<Initial>,
    /// The operation behind each mark of a statement.
    pub tags: Vec<OpId>,
    /// Whether some key that may matter is not known, because no schema describes the entity.
    pub keys_unknown: bool,
    /// Whether some statement writes a set of rows, or decides on one by itself.
    pub sets: bool,
}

/// Something on the way, with the regions around it.
struct Item {
    regions: Vec<RegionId>,
    nodes: Block,
}

/// How many more statements of each kind may take part.
struct Spare {
    earlier_reads: u8,
    earlier_writes: u8,
    later_reads: u8,
    decided: u8,
    collisions: u8,
}

/// The program's own error for a `throw`, which the caller sees as a decline.
pub(super) const OWN: &str = "thrown";

/// The error of a call that has found no row.
pub(super) const NOT_FOUND: &str = "not found";

/// Writes the script of one way.
///
/// With `answers`, how a run ends is part of what is compared; without, only rows and effects are.
pub fn write(trace: &mut Trace<'_>, schemas: &[Schema], plan: &Plan<'_>, answers: bool) -> Script {
    let mut writer = Writer::new(trace, schemas, plan, answers);
    writer.learn();
    writer.terms.fix_predicate(writer.trace, schemas, plan.check, plan.movers.then_some(plan.act));
    if plan.alike {
        writer.terms.agree_on_givers(writer.trace, schemas, [plan.check, plan.act]);
    }
    if writer.trace.op(plan.act).place().is_some() {
        let writes = writer.written(plan.act, false);
        writer.terms.stores(writer.trace, &writes);
    }
    if plan.counts_on {
        writer.terms.count_on(plan.check);
    }
    if let Some(column) = plan.shifts {
        writer.terms.shift(entity_of(schemas, writer.trace.op(plan.check)), column);
    }
    writer.note_moves();
    let items = writer.items();
    let mut body = writer.nest(&items);
    if plan.claims {
        let claimed = effect("claimed", lit(1));
        // Who has found none, or hit none, has claimed nothing.
        let of_many = |op: OpId| writer.terms.variables.get(&op).filter(|_| writer.trace.op(op).rows == Rows::Many);
        let found = [plan.check, plan.act].into_iter().filter_map(of_many).map(|rows| size(rows.as_str()).gt(0));
        match found.reduce(|one, other| one & other) {
            Some(found) => body.push(when(found, claimed)),
            None => body.push(claimed),
        }
    }
    for call in plan.effects {
        body.push(effect(call.name.as_str(), lit(1)));
    }
    body.push(ret(did("done")));
    if !writer.retried.is_empty() {
        body = retry(std::mem::take(&mut writer.retried), 3, body).into();
    }
    // Where only rows and effects are compared, who is told that the row is gone has declined.
    let told: Vec<Code> = if answers { vec![Code::own(OWN)] } else { vec![Code::own(OWN), Code::own(NOT_FOUND)] };
    let program = block![catch(told, body, writer.decline())];
    let keys_unknown = writer.keys_unknown;
    let sets = writer.sets;
    let tags = std::mem::take(&mut writer.tags);
    let terms = writer.terms;
    let tables = terms.tables(trace, schemas);
    let envs = terms.envs();
    let initials = states::initials(&terms, &tables, plan.bound);
    Script { program, tables, envs, initials, tags, keys_unknown, sets }
}

/// Whether an operation asks for rows by something drawn at random, whichever way leads to it: two runs ask for the same by
/// chance only.
pub fn asks_for_drawn(trace: &mut Trace<'_>, schemas: &[Schema], op: OpId, way: &[BlockId]) -> bool {
    let terms = Terms::new(trace, way);
    let asked = trace.conditions(schemas, op, &mut |_, value| value);
    let sought = asked.all.iter().filter(|c| !matches!(c.op, Compare::Ne | Compare::NotIn));
    let values: Vec<ValId> = sought.map(|c| c.value).collect();
    values.into_iter().any(|value| is_drawn(trace, value) || terms.is_drawn_in_loop(trace, value))
}

struct Writer<'w, 't, 'm> {
    trace: &'w mut Trace<'m>,
    schemas: &'w [Schema],
    plan: &'w Plan<'t>,
    terms: Terms,
    tags: Vec<OpId>,
    /// How errors of statements inside a region are handled outside of it.
    around: FxHashMap<RegionId, (ErrorKind, Handling)>,
    keys_unknown: bool,
    answers: bool,
    sets: bool,
    /// Errors after which the whole is tried again.
    retried: Vec<Code>,
}

impl<'w, 't, 'm> Writer<'w, 't, 'm> {
    fn new(trace: &'w mut Trace<'m>, schemas: &'w [Schema], plan: &'w Plan<'t>, answers: bool) -> Self {
        let terms = Terms::new(trace, plan.way);
        Self {
            trace,
            schemas,
            plan,
            terms,
            tags: Vec::new(),
            around: FxHashMap::default(),
            keys_unknown: false,
            answers,
            sets: false,
            retried: Vec::new(),
        }
    }

    /// The end of a run that chose not to act.
    fn decline(&self) -> Node {
        ret(if self.answers { declined("declined") } else { did("done") })
    }

    /// Whether an operation belongs into the script.
    fn matters(&mut self, op: OpId, after_check: bool) -> bool {
        let plan = self.plan;
        if op == plan.check || op == plan.act || plan.decided.contains(&op) {
            return true;
        }
        let it = self.trace.op(op);
        let check = self.trace.op(plan.check);
        if it.place().is_some() != check.place().is_some() || it.place().is_some() && it.entity.is_empty() {
            // Somewhere else, or nothing that tells.
            return false;
        }
        if matches!(&it.source, OpSource::Sql(statement, _) if statement.query().is_none()) || it.lock.is_some() {
            return true;
        }
        if it.copies_what_is_missing() {
            // Nothing is known of the rows but that they are there afterwards.
            return false;
        }
        let act = self.trace.op(plan.act);
        let same_entity = it.entity == check.entity || it.entity == act.entity;
        let is_read = matches!(it.verb, Verb::Read | Verb::Count);
        if is_read {
            // A read behind the check may test again; one before it in the same transaction fixes the snapshot.
            return same_entity && after_check || it.region.is_some() && it.region == act.region;
        }
        // Every earlier write of the region has locked its rows, or has found them gone; a later one may fail and take back
        // what the act has done.
        if it.region.is_some() && it.region == act.region {
            return !after_check || op < plan.act || self.collides(op);
        }
        // What the check's own transaction writes on the strength of it is there when the next one checks.
        if after_check && it.region.is_some() && it.region == check.region && it.entity == check.entity {
            return true;
        }
        // Elsewhere, what may have sent the second run away before it looked.
        !after_check && it.place().is_none() && (self.is_claim(op) || self.collides(op))
    }

    /// Whether an operation ends a state that it asks for, or takes the row away, and a branch on the way turns on whether
    /// it has hit one.
    fn is_claim(&mut self, op: OpId) -> bool {
        let verb = self.trace.op(op).verb;
        if !matches!(verb, Verb::Update | Verb::Delete) {
            return false;
        }
        let asked = self.conditions(op);
        let written = self.written(op, false);
        let ends_it = verb == Verb::Delete || asked.all.iter().any(|c| written.get(&c.column).is_some());
        let on_way = self.plan.way.iter().map(|block| &self.trace.block(*block).exit);
        let mut tests = on_way.filter_map(|exit| match exit {
            Exit::Branch { test, .. } => Some(*test),
            _ => None,
        });
        let given = Val::Result(op);
        ends_it
            && tests
                .any(|test| self.trace.values.any_within(test, 12, &mut |part| *self.trace.values.get(part) == given))
    }

    /// Whether a new row has a unique key that is the same in both runs.
    fn collides(&mut self, op: OpId) -> bool {
        if self.trace.op(op).verb != Verb::Create {
            return false;
        }
        let written = self.written(op, true);
        let Some(entity) = entity_of(self.schemas, self.trace.op(op)) else { return false };
        let keys: Vec<_> = entity.keys.iter().filter(|key| key.is_plain() && !key.columns.is_empty()).collect();
        let agreed = |column: &String| match written.get(column) {
            Some(Written::Value(value)) => self.terms.agrees(self.trace, *value, 24),
            _ => false,
        };
        keys.iter().any(|key| key.columns.iter().all(agreed))
    }

    /// What the branches on the way say of values that no statement gave.
    fn learn(&mut self) {
        for pair in self.plan.way.windows(2) {
            let Exit::Branch { test, yes, no, .. } = self.trace.block(pair[0]).exit.clone() else { continue };
            if yes == no {
                continue;
            }
            let test = self.terms.resolve(self.trace, test);
            if let [facts] = facts::assert(self.trace, test, pair[1] == yes).as_slice() {
                for fact in facts {
                    self.terms.learn(self.trace, self.schemas, self.plan.check, fact);
                }
            }
        }
    }

    /// Notes what the writes on the way change.
    fn note_moves(&mut self) {
        let events = self.plan.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops: Vec<OpId> =
            events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None }).collect();
        for op in ops {
            let it = self.trace.op(op);
            let table = it.entity.clone();
            match it.verb {
                Verb::Read | Verb::Count | Verb::Delete => {}
                Verb::Update if it.place().is_none() => {
                    for (column, _) in self.written(op, false).columns {
                        self.terms.moves(&table, Some(&column));
                    }
                }
                _ => self.terms.moves(&table, None),
            }
        }
    }

    fn items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut after_check = false;
        let holds_act = |block: &BlockId| {
            let acts = |op: &OpId| *op == self.plan.act || self.plan.decided.contains(op);
            self.trace.block(*block).events.iter().any(|event| matches!(event, Event::Op(op) if acts(op)))
        };
        let last = self.plan.way.iter().rposition(holds_act).unwrap_or(0);
        // The search grows with the product of both runs' statements, so of each kind only the first few take part.
        let mut spare = Spare { earlier_reads: 1, earlier_writes: 2, later_reads: 2, decided: 2, collisions: 1 };
        for (at, block) in self.plan.way.iter().enumerate() {
            let next = self.plan.way.get(at + 1).copied();
            for event in self.trace.block(*block).events.clone() {
                match event {
                    Event::Op(op) if self.trace.op(op).dropped => {}
                    Event::Op(op) => {
                        after_check |= op == self.plan.check;
                        if self.matters(op, after_check) && self.take(&mut spare, op, after_check) {
                            self.statement(op, *block, next, &mut items);
                        }
                    }
                    // What was done in it is undone, and nothing else is told apart.
                    Event::Abort(region) if items.iter().any(|item: &Item| item.regions.contains(&region)) => {
                        items.push(Item { regions: vec![region], nodes: throw(Code::own(OWN)).into() });
                    }
                    Event::Call(_) | Event::Open(_) | Event::Close(_) | Event::Abort(_) => {}
                }
            }
            let exit = self.trace.block(*block).exit.clone();
            if let (Exit::Branch { test, yes, no, .. }, Some(next)) = (exit, next) {
                let truth = next == yes && next != no;
                let other = if truth { no } else { yes };
                let test = self.terms.resolve(self.trace, test);
                // Behind the last act a branch may still make the run fail, unless both ways meet again.
                let last = if at < last { last } else { self.plan.way.len() - 1 };
                // Whether there is a row at all makes a difference to whatever is computed from it.
                if !asks_for_row(self.trace, test)
                    && diamonds::rejoins(self.trace, self.plan.flow, self.plan.way, at, other, last)
                {
                    continue;
                }
                if let Some(cond) = self.condition(test, truth) {
                    let regions = self.trace.block(*block).regions.clone();
                    let leave = self.leaving(&regions);
                    items.push(Item { regions, nodes: when(!cond, leave).into() });
                }
            }
        }
        items
    }

    /// Whether there is room for one more statement of its kind. The ends, and locks, always have it.
    fn take(&mut self, spare: &mut Spare, op: OpId, after_check: bool) -> bool {
        let it = self.trace.op(op);
        let is_lock = it.lock.is_some() || it.verb == Verb::Sql || self.holds_shared_row(op, after_check);
        let it = self.trace.op(op);
        if op == self.plan.check || op == self.plan.act || is_lock {
            return true;
        }
        let is_read = matches!(it.verb, Verb::Read | Verb::Count);
        let decided = op < self.plan.act || self.plan.decided.contains(&op);
        let left = match (is_read, after_check) {
            (true, false) => &mut spare.earlier_reads,
            (false, false) => &mut spare.earlier_writes,
            (true, true) => &mut spare.later_reads,
            (false, true) if decided => &mut spare.decided,
            (false, true) => &mut spare.collisions,
        };
        let room = *left > 0;
        *left = left.saturating_sub(1);
        room
    }

    /// Whether an earlier write of the act's transaction holds a row that both runs mean, until that is over.
    fn holds_shared_row(&mut self, op: OpId, after_check: bool) -> bool {
        let it = self.trace.op(op);
        if after_check
            || it.verb != Verb::Update
            || it.region.is_none()
            || it.region != self.trace.op(self.plan.act).region
        {
            return false;
        }
        let asked = self.conditions(op);
        !asked.all.is_empty() && asked.all.iter().all(|c| c.is_equality() && self.terms.agrees(self.trace, c.value, 24))
    }

    /// What leaving the way does. Inside a transaction it ends that, too, and with it what was done so far: ways that leave
    /// behind a write of their own are not told apart from those that throw.
    pub(super) fn leaving(&self, regions: &[RegionId]) -> Node {
        if regions.is_empty() { self.decline() } else { throw(Code::own(OWN)) }
    }

    /// The condition under which a test goes the way's way, as far as it speaks of what the script holds.
    fn condition(&mut self, test: ValId, truth: bool) -> Option<judge::Expr> {
        let alternatives = facts::assert(self.trace, test, truth);
        // Of a test that asks for more than a limit the limit is what two runs can pass together.
        let is_limit = self.trace.op(self.plan.check).rows != Rows::One;
        let by_check = is_limit && alternatives.iter().any(|facts| self.rests_on_script(facts, Some(self.plan.check)));
        let mut any: Option<judge::Expr> = None;
        for facts in alternatives {
            let mut all: Option<judge::Expr> = None;
            for fact in &facts {
                if let Some(cond) = self.terms.fact(self.trace, self.schemas, fact) {
                    all = Some(match all {
                        None => cond,
                        Some(other) => other & cond,
                    });
                }
            }
            let Some(all) = all else {
                if by_check && !self.rests_on_script(&facts, None) {
                    // What else would have done is not so here: then it is the check that decides.
                    continue;
                }
                // An alternative without a condition of ours always holds, as far as we can tell.
                return None;
            };
            if any.is_none() {
                self.terms.ask(&all);
            }
            any = Some(match any {
                None => all,
                Some(other) => other | all,
            });
        }
        any
    }

    /// Whether some of these facts speak of what an operation gave: a certain one, or any of the script.
    fn rests_on_script(&self, facts: &[facts::Fact], only: Option<OpId>) -> bool {
        let given = |op: OpId| only.map_or_else(|| self.terms.variables.contains_key(&op), |only| only == op);
        let mut values = facts.iter().flat_map(|(atom, _)| atom.values()).flatten();
        values.any(|value| {
            let values = &self.trace.values;
            values.any_within(value, 10, &mut |part| matches!(values.get(part), Val::Result(op) if given(*op)))
        })
    }

    fn tag(&mut self, op: OpId) -> u32 {
        self.tags.push(op);
        u32::try_from(self.tags.len() - 1).unwrap_or(u32::MAX)
    }

    /// The regions whose handle an operation runs through, outermost first.
    fn chain(&self, op: OpId) -> Vec<RegionId> {
        let mut chain = Vec::new();
        let mut next = self.trace.op(op).region;
        while let Some(region) = next {
            if chain.contains(&region) {
                break;
            }
            chain.push(region);
            next = self.trace.regions[region.index()].parent;
        }
        // What another transaction has locked that is still open around it stays locked.
        chain.extend(chain.last().and_then(|outermost| self.open_around(*outermost, self.trace.op(op).block)));
        // Named locks of the surrounding text hold whatever handle is used.
        let block = self.trace.op(op).block;
        let in_process = self.trace.op(op).place().is_some();
        for region in self.trace.block(block).regions.iter().rev() {
            let is_lock = match self.trace.regions[region.index()].kind {
                RegionKind::Lock(_) | RegionKind::Guard(_) => true,
                // Worth something only for what nobody else reaches.
                RegionKind::Mutex => in_process,
                RegionKind::Transaction { .. } | RegionKind::Savepoint => false,
            };
            if is_lock && !chain.contains(region) {
                chain.push(*region);
            }
        }
        chain.reverse();
        if chain.iter().all(|region| matches!(self.trace.regions[region.index()].kind, RegionKind::Guard(_))) {
            // Guards may be gone in any order; they came in this one.
            chain.sort_unstable();
        }
        chain
    }

    /// The outermost of the transactions that were open when another one was opened beside them, and are in a block behind.
    fn open_around(&self, region: RegionId, behind: BlockId) -> Option<RegionId> {
        let is_transaction =
            |kind: &RegionKind| matches!(kind, RegionKind::Transaction { batch: false, ambient: false, .. });
        let it = &self.trace.regions[region.index()];
        let still = &self.trace.block(behind).regions;
        let mut open = self.trace.block(it.block).regions.iter().copied();
        open.find(|other| *other != region && is_transaction(&self.trace.regions[other.index()].kind))
            .filter(|other| is_transaction(&it.kind) && still.contains(other))
    }

    fn conditions(&mut self, op: OpId) -> Conditions {
        let mut see = self.terms.seeing();
        self.trace.conditions(self.schemas, op, &mut |trace, value| see(trace, value))
    }

    fn written(&mut self, op: OpId, creating: bool) -> Writes {
        let mut see = self.terms.seeing();
        self.trace.writes(self.schemas, op, creating, &mut |trace, value| see(trace, value))
    }

    /// Items in their regions, as a block.
    fn nest(&mut self, items: &[Item]) -> Block {
        self.nest_at(items, 0)
    }

    fn nest_at(&mut self, items: &[Item], depth: usize) -> Block {
        let mut out = Block::new();
        let mut at = 0;
        while at < items.len() {
            let Some(region) = items[at].regions.get(depth).copied() else {
                out.push(items[at].nodes.clone());
                at += 1;
                continue;
            };
            // The region's extent: everything up to its last item. Items of other handles in between stand before it.
            let mut last = at;
            for (index, item) in items.iter().enumerate().skip(at) {
                if item.regions.get(depth) == Some(&region) {
                    last = index;
                }
            }
            let mut inside = Vec::new();
            for item in &items[at..=last] {
                if item.regions.get(depth) == Some(&region) {
                    inside.push(Item { regions: item.regions.clone(), nodes: item.nodes.clone() });
                } else {
                    out.push(item.nodes.clone());
                }
            }
            let body = self.nest_at(&inside, depth + 1);
            let kind = self.trace.regions[region.index()].kind.clone();
            let wrapped: Block = match kind {
                RegionKind::Transaction { isolation, .. } => {
                    tx(self.plan.database.level(isolation.as_deref()), body).into()
                }
                RegionKind::Savepoint => judge::savepoint(body).into(),
                // Given back at the end, however that is reached.
                RegionKind::Guard(name) => tx(None, block![judge::lock(name.as_str()), body]).into(),
                RegionKind::Mutex => tx(None, block![judge::lock("mutex"), body]).into(),
                RegionKind::Lock(name) => {
                    let name = if name.is_empty() { "lock".to_owned() } else { name };
                    block![judge::lock(name.as_str()).for_session(), body, judge::unlock(name.as_str())]
                }
            };
            let wrapped = match self.around.get(&region).cloned() {
                Some((kind, handling)) => self.wrap(kind, &handling, wrapped, self.plan.act),
                None => wrapped,
            };
            out.push(wrapped);
            at = last + 1;
        }
        out
    }
}

/// Whether a test asks for a row, or for the number of rows.
fn asks_for_row(trace: &Trace<'_>, test: ValId) -> bool {
    facts::assert(trace, test, true).iter().flatten().any(|(atom, _)| match atom {
        facts::Atom::Present(value) => !matches!(trace.values.get(*value), Val::Field(..)),
        _ => false,
    })
}
