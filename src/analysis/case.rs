//! A broken window in words and places: all that a rule needs to speak, and nothing of how it was found.

use std::sync::Arc;

use super::cures::Cures;
use super::database::Database;
use super::judged::{self, Broken, Mild};
use super::keys::{self, NearKey};
use super::rivals::{Mover, Reliance};
use super::script;
use super::window::{Checked, Link, Search, Window};
use crate::finding::{Anomaly, Confidence, Schedule, ScheduleStep, Severity};
use crate::interleave::{Act, Code, StepOutcome};
use crate::library::{ErrorKind, Missing, Place as Holder, Rows, Verb};
use crate::link::{FuncRef, Program, UnitId};
use crate::model::{Compare, FrameId, Literal, OpId, OpSource, RegionId, RegionKind, Site, entity_of};
use crate::schema::{Column, ColumnKind};
use crate::text::Span;

/// A broken window, ready to be spoken of.
#[derive(Clone, Debug)]
pub struct Case {
    /// How the check bears on the act.
    pub link: Link,
    /// The entity that is raced for.
    pub entity: String,
    /// What it is, if that is nothing in a database.
    pub place: Option<Holder>,
    /// The function that sees both ends.
    pub function: String,
    /// Where it looked.
    pub check: Place,
    /// Where it acted.
    pub act: Place,
    /// The act as the function sees it: the write itself, or the call that leads to it.
    pub seen_act: Place,
    /// The function that moves what was checked, and where, for a decision that only a rival makes stale.
    pub rival: Option<(String, Place)>,
    /// The guard that the act carries in its own condition, and what becomes of it.
    pub guard: Option<Guard>,
    /// A lock on the way that ends with its statement, as no transaction holds it.
    pub lost_lock: Option<Place>,
    /// Whether that is a lock of a connection, where every statement may run on one of its own.
    pub pooled_lock: bool,
    /// A lock around the window that only this process sees.
    pub mutex: Option<Place>,
    /// Further writes that the check decides.
    pub decided: Vec<Place>,
    /// Calls that change the world outside and that it decides.
    pub effects: Vec<Place>,
    /// The way from the reporting function to the check or the act, where they lie in others.
    pub calls: Vec<Place>,
    /// The transaction around both.
    pub transaction: Option<Place>,
    /// Whether check and act are in one transaction.
    pub in_transaction: bool,
    /// The isolation of the transaction around the act.
    pub isolation: Option<String>,
    /// Whether that is a default.
    pub default_isolation: bool,
    /// Whether the transaction was opened by somebody out of sight.
    pub ambient: bool,
    /// The function that sees both ends, in the program.
    pub seen_by: FuncRef,
    /// The database it was judged on.
    pub database: Database,
    /// How bad it is.
    pub severity: Severity,
    /// Why a failure matters little, where it does.
    pub mild: Option<Mild>,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is left behind.
    pub anomaly: Anomaly,
    /// The proof.
    pub schedule: Schedule,
    /// The ways out that can be tried.
    pub cures: Cures,
    /// Columns that the check asks for by equality.
    pub looked: Vec<String>,
    /// Those of them that it compares with a constant.
    pub constants: Vec<(String, Literal)>,
    /// Whether it asks for nothing else.
    pub looked_all: bool,
    /// Whether the act puts its row among those that the check asks for.
    pub joins: bool,
    /// What was checked of the columns that decide, as far as it can be said in constants.
    pub checked: Vec<Checked>,
    /// Calls that change the world outside between the check and the act, by name.
    pub effects_between: Vec<String>,
    /// Whether the column that feeds its own new value holds a number, or a list that can be added to; `None` where it is
    /// not known.
    pub computes: Option<bool>,
    /// The unique key that stops the second row, as columns.
    pub key: Option<Vec<String>>,
    /// Unique keys that come near it, and do not.
    pub near_keys: Vec<NearKey>,
    /// What the library calls the error of a unique violation.
    pub violation: String,
    /// Whether that error is caught and kept to themselves by those who run the act.
    pub swallowed: bool,
    /// Whether a schema describes the entity.
    pub described: bool,
    /// The library that the calls belong to.
    pub library: Option<String>,
    /// The schema behind them, by its position among the project's.
    pub schema: Option<usize>,
}

/// What becomes of a condition that repeats, in the write itself, what was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nobody looks at the number of rows that the write has hit.
    Ignored,
    /// The call is several statements, and does not look at the number of rows that the write has hit.
    Uncounted,
    /// With a limit the condition stands in a sub-select, which is not looked at again.
    Limited,
}

/// A call and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The unit of the file.
    pub unit: UnitId,
    /// The call.
    pub span: Span,
    /// The called name.
    pub call: String,
    /// The entity.
    pub entity: String,
    /// What the call does.
    pub verb: Option<Verb>,
}

impl Case {
    /// How one of two runs fails where a unique key refuses its row.
    #[must_use]
    pub fn failure(&self) -> String {
        if self.swallowed {
            format!("fails in silence with a {}, which is caught and passed over", self.violation)
        } else {
            format!("fails with an unhandled {}", self.violation)
        }
    }
}

/// Puts a broken window into words and places.
pub fn case(search: &mut Search<'_, '_, '_>, program: &Program, broken: &Broken, database: &Database) -> Case {
    let window = &broken.window;
    let (check, act) = (window.check, window.act);
    let place_of = search.trace.op(act).place();
    let database = &database.of(place_of);
    let looked = search.looked_columns(window);
    let nulls = search.looked_nulls(window);
    let trace = &*search.trace;
    let entity = trace.op(act).entity.clone();
    let described = entity_of(search.schemas, trace.op(act));
    let key = described.and_then(|e| {
        let covers = |key: &&crate::schema::UniqueKey| {
            let collide = key.nulls_not_distinct || !key.columns.iter().any(|c| nulls.contains(c));
            key.is_plain() && collide && !key.columns.is_empty() && key.columns.iter().all(|c| looked.contains(c))
        };
        e.keys.iter().find(covers).map(|key| key.columns.clone())
    });
    let near_keys = described.map(|entity| keys::near(entity, &looked, &nulls)).unwrap_or_default();
    let is_described = described.is_some_and(|entity| !entity.is_barely_known());
    let computes = match &window.link {
        Link::Feeds(column) => described.and_then(|entity| entity.column(column)).map(is_computed),
        _ => None,
    };
    let constants = search.looked_constants(window);
    let looked_all = search.asks_for_columns_only(window);
    let joins = search.joins_looked(window);
    let checked = match &window.link {
        Link::Column(columns) => search.checked(window, columns),
        _ => Vec::new(),
    };
    let effects_between = search.effects_between(window);
    let violation = title(search, act, ErrorKind::UniqueViolation).unwrap_or_else(|| "unique violation".to_owned());
    let trace = &*search.trace;
    let library = [act, check].into_iter().find_map(|op| trace.op(op).by.map(|(_, library)| library.id.clone()));
    let schema = [act, check].into_iter().find_map(|op| trace.op(op).schema).map(|(schema, _)| schema);
    let mut decided: Vec<OpId> = window.decided.iter().copied().collect();
    decided.sort_unstable();
    let of_transaction = |region: &RegionId| {
        matches!(trace.regions[region.index()].kind, RegionKind::Transaction { .. } | RegionKind::Savepoint)
    };
    let region = trace.op(act).region.filter(of_transaction);
    let transaction = region.map(|region| opening(search, program, region));
    let transaction = transaction.filter(|place| !place.span.is_empty());
    let schedule = schedule(search, program, broken, database);
    let guard = search.guard(window, &database.name);
    let lost_lock = search.lost_lock(window);
    let mutex = search.mutex_around(window).map(|region| opening(search, program, region));
    // Where there is one process only, it holds.
    let severity = if mutex.is_some() { broken.severity.min(Severity::Warning) } else { broken.severity };
    let trace = &*search.trace;
    Case {
        link: window.link.clone(),
        entity,
        place: place_of,
        function: function_name(program, trace.frames[search.seen_in(check, act).index()].func),
        ambient: search.is_ambient(window),
        seen_by: trace.frames[search.seen_in(check, act).index()].func,
        rival: None,
        guard,
        lost_lock: lost_lock.map(|(op, _)| place(program, search, op)),
        pooled_lock: lost_lock.is_some_and(|(_, pooled)| pooled),
        mutex,
        check: place(program, search, check),
        act: place(program, search, act),
        seen_act: calls(program, search, &[act], search.seen_in(check, act))
            .into_iter()
            .next()
            .unwrap_or_else(|| place(program, search, act)),
        decided: decided.into_iter().map(|op| place(program, search, op)).collect(),
        effects: window.effects.iter().map(|call| call_at(program, call.site, &call.name)).collect(),
        calls: calls(program, search, &[check, act], search.seen_in(check, act)),
        transaction,
        in_transaction: broken.in_transaction,
        isolation: broken.isolation.clone(),
        default_isolation: broken.default_isolation,
        database: database.clone(),
        severity,
        mild: broken.mild,
        confidence: broken.confidence,
        anomaly: broken.anomaly,
        schedule,
        cures: broken.cures.clone(),
        looked,
        constants,
        looked_all,
        joins,
        checked,
        effects_between,
        computes,
        key,
        near_keys,
        violation,
        swallowed: is_swallowed(search, act),
        described: is_described,
        library,
        schema,
    }
}

/// Whether a database can make the new value of a column from the old one by itself.
fn is_computed(column: &Column) -> bool {
    let whole = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["string", "text", "char", "bool", "date", "time", "json", "byte", "uuid", "blob"]
            .iter()
            .any(|kind| name.contains(kind))
    };
    match &column.kind {
        ColumnKind::Scalar(name) => column.list || !whole(name),
        ColumnKind::Enum(_) | ColumnKind::Relation(_) | ColumnKind::Composite(_) => false,
    }
}

/// The window of an act that rests on a column which it does not move: all of a case but the proof.
pub fn reliance(
    search: &mut Search<'_, '_, '_>,
    program: &Program,
    window: Window,
    database: &Database,
) -> Option<Reliance> {
    let Link::Column(columns) = window.link.clone() else { return None };
    let (check, act) = (window.check, window.act);
    let entity = search.trace.op(check).entity.clone();
    let written = search.written_columns(&window);
    let constants = search.written_constants(&window);
    let demands = search.demands(check, act);
    if demands.is_empty() {
        return None;
    }
    let locked = search.is_locked(check, act);
    let locks = search.locked_entities(&window);
    let runs = search.trace.frames.iter().map(|frame| frame.func).collect();
    let in_transaction = search.in_one_transaction(&window);
    let broken = judged::unproven(search, window, database, in_transaction);
    let case = case(search, program, &broken, database);
    Some(Reliance { case, entity, columns, written, constants, locked, demands, locks, runs })
}

/// The movers of a trace: for each write, every other read that is made use of.
pub fn movers(search: &mut Search<'_, '_, '_>, program: &Program) -> Vec<Mover> {
    let root = search.trace.root;
    let name = function_name(program, root);
    let runs: Arc<[FuncRef]> = search.trace.frames.iter().map(|frame| frame.func).collect();
    search
        .moves()
        .into_iter()
        .map(|found| Mover {
            asked: found.asked,
            demands: found.demands,
            locks: found.locks,
            root,
            runs: Arc::clone(&runs),
            entity: search.trace.op(found.write).entity.clone(),
            moved: found.moved,
            reads_set: found.reads_set,
            read: search.trace.op(found.read).entity.clone(),
            read_columns: found.read_columns,
            steps: found.steps,
            transaction: found.transaction,
            place: place(program, search, found.write),
            read_place: place(program, search, found.read),
            function: name.clone(),
        })
        .collect()
}

pub(super) fn function_name(program: &Program, func: FuncRef) -> String {
    let mut at = Some(func.func);
    while let Some(id) = at {
        let it = &program.unit(func.unit).functions[id.index()];
        // A route's path names the handler for people, and is no name of a function.
        if !it.name.is_empty() && id.0 != 0 {
            return it.name.clone();
        }
        at = it.parent;
    }
    String::new()
}

pub(super) fn place(program: &Program, search: &Search<'_, '_, '_>, op: OpId) -> Place {
    let it = search.trace.op(op);
    Place {
        path: program.unit(it.site.unit).path.clone(),
        unit: it.site.unit,
        span: it.site.span,
        call: it.name.clone(),
        entity: it.entity.clone(),
        verb: Some(it.verb),
    }
}

/// Where a transaction is opened.
pub(super) fn opening(search: &Search<'_, '_, '_>, program: &Program, region: RegionId) -> Place {
    call_at(program, search.trace.regions[region.index()].site, "transaction")
}

/// A call that is no operation.
fn call_at(program: &Program, site: Site, name: &str) -> Place {
    Place {
        path: program.unit(site.unit).path.clone(),
        unit: site.unit,
        span: site.span,
        call: name.to_owned(),
        entity: String::new(),
        verb: None,
    }
}

/// The calls that lead from one run to another inside of it.
pub(super) fn calls_to(program: &Program, search: &Search<'_, '_, '_>, inner: FrameId, from: FrameId) -> Vec<Place> {
    let mut hops = Vec::new();
    let mut next = Some(search.trace.reporting_frame(inner));
    while let Some(frame) = next.filter(|frame| *frame != from && *frame != FrameId(0)) {
        let it = &search.trace.frames[frame.index()];
        let Some((caller, site)) = it.caller else { break };
        hops.push(hop(program, it.func, site));
        next = Some(search.trace.reporting_frame(caller));
    }
    hops.reverse();
    hops
}

/// The calls that lead from the root to operations inside other functions.
pub(super) fn calls(program: &Program, search: &Search<'_, '_, '_>, ops: &[OpId], from: FrameId) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    for op in ops {
        for hop in calls_to(program, search, search.trace.op(*op).frame, from) {
            if !found.contains(&hop) {
                found.push(hop);
            }
        }
    }
    found
}

fn hop(program: &Program, callee: FuncRef, site: Site) -> Place {
    Place {
        path: program.unit(site.unit).path.clone(),
        unit: site.unit,
        span: site.span,
        call: function_name(program, callee),
        entity: String::new(),
        verb: None,
    }
}

/// What a library calls an error.
fn title(search: &Search<'_, '_, '_>, op: OpId, kind: ErrorKind) -> Option<String> {
    let it = search.trace.op(op);
    let (_, library) = it.by.filter(|_| !matches!(it.source, OpSource::Related { .. }))?;
    library.errors.iter().find(|row| row.kind == kind).map(|row| row.title.clone())
}

/// An operation in a few words: `findUnique User{email}`.
fn in_words(search: &mut Search<'_, '_, '_>, op: OpId, looked: &[String]) -> String {
    let it = search.trace.op(op).clone();
    let mut columns: Vec<String> = Vec::new();
    let conditions = search.trace.conditions(search.schemas, op, &mut |_, value| value);
    conditions.each(&mut |c| {
        let name = match c.op {
            Compare::Eq | Compare::In => c.column.clone(),
            _ => format!("{}…", c.column),
        };
        if c.through.is_empty() && !columns.contains(&name) {
            columns.push(name);
        }
    });
    if it.verb == Verb::Create {
        let writes = search.trace.writes(search.schemas, op, true, &mut |_, value| value);
        columns = writes.columns.iter().map(|(c, _)| c.clone()).filter(|c| looked.contains(c)).collect();
        columns.dedup();
    }
    columns.truncate(3);
    if let Some(place) = it.place() {
        // Of a file the call says enough; of a value, which one it is.
        return match place {
            Holder::File => it.name,
            Holder::Shared | Holder::Held | Holder::Atomic => format!("{} {}", it.name, it.entity),
        };
    }
    let verb = match (&it.source, it.verb) {
        (OpSource::Sql(..), Verb::Sql) => return "lock".to_owned(),
        (OpSource::Sql(..), Verb::Read | Verb::Count) => match &it.lock {
            Some(_) => "SELECT … FOR UPDATE".to_owned(),
            None => "SELECT".to_owned(),
        },
        (OpSource::Sql(..), Verb::Create | Verb::Upsert) => "INSERT".to_owned(),
        (OpSource::Sql(..), Verb::Update) => "UPDATE".to_owned(),
        (OpSource::Sql(..), Verb::Delete) => "DELETE".to_owned(),
        _ => it.name.clone(),
    };
    if columns.is_empty() {
        format!("{verb} {}", it.entity)
    } else {
        format!("{verb} {}{{{}}}", it.entity, columns.join(", "))
    }
}

/// What is said of a violation that ends a run.
const UNHANDLED: &str = ", nobody handles it";

/// What is said of one that ends it in silence.
const SWALLOWED: &str = ", and nobody is told";

/// Whether what an operation fails with is caught by somebody who says nothing of it.
fn is_swallowed(search: &Search<'_, '_, '_>, op: OpId) -> bool {
    let handler = search.trace.block(search.trace.op(op).block).handler;
    handler.is_some_and(|handler| script::swallows(search.trace, handler))
}

fn schedule(search: &mut Search<'_, '_, '_>, program: &Program, broken: &Broken, database: &Database) -> Schedule {
    let looked = search.looked_columns(&broken.window);
    let mut steps = Vec::new();
    let raw = broken.schedule.clone();
    // At a place, what ends is the life of a guard: the other one goes on, which says it.
    let is_place = search.trace.op(broken.window.act).place().is_some();
    for (at, step) in raw.iter().enumerate() {
        let session = if step.session == crate::interleave::Who::A { 'A' } else { 'B' };
        let op = step.tag.and_then(|tag| broken.tags.get(tag as usize)).copied();
        if matches!(step.act, Act::Commit) {
            match (op, &step.outcome) {
                // The commit of a single statement goes without saying.
                (Some(_), StepOutcome::Ok) => {}
                (None, StepOutcome::Ok) if is_place || broken.isolation.is_none() => {}
                (_, outcome) => steps.push(ScheduleStep {
                    session,
                    path: None,
                    span: Span::default(),
                    op: "commit".to_owned(),
                    outcome: outcome_words(search, broken.window.act, outcome, true, session),
                }),
            }
            continue;
        }
        let Some(op) = op else { continue };
        let it = search.trace.op(op);
        let (site, one) = (it.site, it.rows == Rows::One);
        let handled = broken.is_handled(step);
        // Who has looked for the row before it writes has nobody tell it that it is gone by then.
        let has_looked = raw[..at].iter().any(|before| before.session == step.session && before.tag == step.tag);
        let outcome = match outcome_words(search, op, &step.outcome, one, session) {
            _ if has_looked && matches!(step.outcome, StepOutcome::Count(0)) => "0 rows".to_owned(),
            words if handled => words.trim_end_matches(UNHANDLED).to_owned(),
            words if is_swallowed(search, op) => words.replace(UNHANDLED, SWALLOWED),
            words => words,
        };
        let words = in_words(search, op, &looked);
        steps.push(ScheduleStep {
            session,
            path: Some(program.unit(site.unit).path.clone()),
            span: site.span,
            op: words,
            outcome,
        });
    }
    steps.dedup_by(|later, earlier| {
        later.session == earlier.session && later.op == earlier.op && later.outcome == earlier.outcome
    });
    let assumed = database.assumed;
    Schedule {
        engine: database.name.clone(),
        isolation: broken.isolation.clone(),
        assumed,
        anomaly: broken.anomaly,
        steps,
        ending: None,
    }
}

fn outcome_words(search: &Search<'_, '_, '_>, op: OpId, outcome: &StepOutcome, one: bool, session: char) -> String {
    let other = if session == 'A' { 'B' } else { 'A' };
    let it = search.trace.op(op);
    match outcome {
        StepOutcome::Rows(0) | StepOutcome::Count(0) if it.missing == Missing::Throws => {
            title(search, op, ErrorKind::NotFound).unwrap_or_else(|| "not found".to_owned())
        }
        StepOutcome::Rows(0) => "none".to_owned(),
        StepOutcome::Rows(1) if one => "found".to_owned(),
        StepOutcome::Count(_) if it.verb == Verb::Create => "ok".to_owned(),
        StepOutcome::Rows(1) | StepOutcome::Count(1) => "1 row".to_owned(),
        StepOutcome::Rows(n) | StepOutcome::Count(n) => format!("{n} rows"),
        StepOutcome::Ok => "ok".to_owned(),
        StepOutcome::RolledBack => "rolled back".to_owned(),
        StepOutcome::Waits => format!("waits for {other}"),
        StepOutcome::Failed(code) | StepOutcome::Deadlock(code) => match code {
            Code::Unique => {
                let title = title(search, op, ErrorKind::UniqueViolation);
                format!("{}{UNHANDLED}", title.unwrap_or_else(|| "unique violation".to_owned()))
            }
            Code::TransactionFailed => "the transaction has failed before".to_owned(),
            Code::Own(what) => what.to_string(),
            other => format!("error {other}"),
        },
    }
}
