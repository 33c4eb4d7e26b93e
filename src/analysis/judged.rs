//! Windows before the judge: is there an interleaving that breaks them, and what does it leave behind?

use rayon::prelude::*;

use super::case::Guard;
use super::cures::Cures;
use super::database::Database;
use super::script::{self, Plan, Script};
use super::window::{Link, Search, Window};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::interleave::{self, Code, Ending, Engine, Judge, Kind, ScheduleStep, StepOutcome, Table, Verdict, Who};
use crate::library::{Place, Rows, Verb};
use crate::model::{OpId, RegionKind};

/// A window that an interleaving breaks.
#[derive(Debug)]
pub struct Broken {
    /// The window.
    pub window: Window,
    /// How bad it is.
    pub severity: Severity,
    /// Why a failure matters little, where it does.
    pub mild: Option<Mild>,
    /// What is left behind.
    pub anomaly: Anomaly,
    /// How sure it is.
    pub confidence: Confidence,
    /// The interleaving.
    pub schedule: Vec<ScheduleStep>,
    /// How both runs end in it, where the verdict rests on an outcome.
    pub endings: Option<[Ending; 2]>,
    /// The operation behind each mark in the schedule.
    pub tags: Vec<OpId>,
    /// The ways out that can be tried.
    pub cures: Cures,
    /// The isolation level of the transaction around it, in words; `None` where there is none.
    pub isolation: Option<String>,
    /// Whether that level is the transaction's own or the database's default.
    pub default_isolation: bool,
    /// Whether check and act are in one transaction.
    pub in_transaction: bool,
}

/// Why it matters little that one of two runs fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mild {
    /// One after the other the second one fails as well, in other words.
    OnlyWords,
    /// What is made is one row of a constant key: once it is there, nobody makes it again.
    OnceForAll,
}

impl Broken {
    /// Whether the run goes on after the failure of a step.
    #[must_use]
    pub fn is_handled(&self, step: &ScheduleStep) -> bool {
        let session = if step.session == Who::A { 0 } else { 1 };
        self.endings.as_ref().is_some_and(|endings| !matches!(endings[session], Ending::Failed(_)))
    }
}

/// Judges a window; `None` if nothing breaks it.
pub fn judge(search: &mut Search<'_, '_, '_>, mut window: Window, database: &Database) -> Option<Broken> {
    let place = search.trace.op(window.act).place();
    let database = &database.of(place);
    let in_transaction = search.in_one_transaction(&window);
    if !search.moves_what_decides(&window)
        || search.only_settles(&window)
        || search.only_refuses(&window)
        || search.compares_first(&window)
        || search.keeps_what_was_read(&window)
        || script::asks_for_drawn(search.trace, search.schemas, window.check, &window.way)
    {
        return None;
    }
    if search.asks_for_unknown(&window)
        || search.asks_for_made_outside(&window)
        || search.is_cache(&window)
        || search.is_gated(&window)
        || search.is_locked_elsewhere(&window)
        || search.is_at_unknown_level(&window)
        || search.may_be_held(&window)
        || search.stands_in_held_row(&window)
        || search.is_locked_by_stranger(&window)
        || search.is_settled_between(&window)
        || search.looks_again(&window)
        || search.is_of_lent(&window)
        || search.only_tells_of_removal(&window)
        || search.only_fills_in(&window)
        || search.only_notes_down(&window)
        || search.only_fills_up(&window)
        || search.makes_one_row(&window)
        || search.counts_again(&window)
        || search.marks_progress(&window)
        || search.takes_back(&window)
        || place == Some(Place::File) && !(search.meets_others(&window) && search.is_named_by_caller(&window))
    {
        window.confidence = Confidence::Low;
    }
    if search.trace.cut_off {
        // What was cut off may close it.
        window.confidence = window.confidence.min(Confidence::Medium);
    }
    let strict = script_of(search, &window, database, true);
    let engine = database.engine();
    let mut verdict = worst(engine, &strict)?;
    if place == Some(Place::File) && verdict.kind == Kind::Fails && search.turns_away_with_error(&window) {
        return None;
    }
    if strict.keys_unknown && matches!(window.link, Link::Absence | Link::Next(_)) {
        // No schema describes the entity: judged with a key on what was checked, too, and the weaker counts.
        let mut keyed = strict;
        let entity = search.trace.op(window.act).entity.clone();
        keyed.tables = vec![keyed_table(search, &window, &entity)];
        if let Some(other) = worst(engine, &keyed) {
            if other.kind < verdict.kind {
                verdict = other;
            }
        } else {
            return None;
        }
        return finish(search, window, database, verdict, keyed.tags, in_transaction);
    }
    if verdict.kind == Kind::Open {
        // Rows and effects right, only the answers differ?
        let lenient = script_of(search, &window, database, false);
        let rows = worst(engine, &lenient);
        // Doing it twice leaves what doing it once does: no race, whatever each run was told.
        verdict = rows?;
        let mut tags = lenient.tags;
        match when_alike(search, &window, database) {
            Alike::Refused(other, of) => (verdict, tags) = (*other, of),
            // Its insert passes over what is there. Only two requests that agree on what was looked for, and on nothing else,
            // are in each other's way.
            Alike::Closed if search.skips_conflicts(window.act, &window.way) => window.confidence = Confidence::Low,
            Alike::Closed | Alike::Open => {}
        }
        return finish(search, window, database, verdict, tags, in_transaction);
    }
    finish(search, window, database, verdict, strict.tags, in_transaction)
}

/// What becomes of one request that comes twice.
enum Alike {
    /// Both make a row, too.
    Open,
    /// A unique key refuses the second row.
    Refused(Box<Verdict>, Vec<OpId>),
    /// Nothing is wrong.
    Closed,
}

/// Judges one request that comes twice, all of whose values are the same: that two requests agree on what was looked for,
/// and on nothing else, is the rarer thing.
fn when_alike(search: &mut Search<'_, '_, '_>, window: &Window, database: &Database) -> Alike {
    if window.link != Link::Absence || search.trace.op(window.act).verb != Verb::Create {
        return Alike::Open;
    }
    let script = script_as(search, window, database, false, true);
    match worst(database.engine(), &script) {
        None => Alike::Closed,
        Some(verdict) if verdict.kind == Kind::Fails && verdict.codes.contains(&Code::Unique) => {
            Alike::Refused(Box::new(verdict), script.tags)
        }
        Some(_) => Alike::Open,
    }
}

/// Judges whether the database may abort one of two runs of a window, with everything else right.
pub fn aborted(search: &mut Search<'_, '_, '_>, window: Window, database: &Database) -> Option<Broken> {
    let script = script_of(search, &window, database, true);
    let verdict = worst(database.engine(), &script)?;
    if verdict.kind != Kind::Fails || !verdict.codes.iter().any(Code::is_conflict) {
        return None;
    }
    let mut broken = unproven(search, window, database, true);
    (broken.severity, broken.anomaly) = (Severity::Warning, Anomaly::AbortedWithoutRetry);
    (broken.schedule, broken.tags) = (verdict.schedule, script.tags);
    Some(broken)
}

/// A window that has not been judged: rivals decide.
pub fn unproven(search: &mut Search<'_, '_, '_>, window: Window, database: &Database, in_transaction: bool) -> Broken {
    let (isolation, default_isolation) = isolation_around(search, &window, database);
    let locked = search.is_locked_elsewhere(&window);
    Broken {
        severity: Severity::Error,
        mild: None,
        anomaly: Anomaly::StaleDecision,
        confidence: if locked { Confidence::Low } else { window.confidence },
        schedule: Vec::new(),
        endings: None,
        tags: Vec::new(),
        cures: Cures::default(),
        isolation,
        default_isolation,
        in_transaction,
        window,
    }
}

/// The isolation that the act of a window runs at, and whether it is a default.
fn isolation_around(search: &Search<'_, '_, '_>, window: &Window, database: &Database) -> (Option<String>, bool) {
    let region = search.trace.op(window.act).region;
    match region.map(|r| search.trace.regions[r.index()].kind.clone()) {
        Some(RegionKind::Transaction { isolation: Some(level), .. }) => (Some(level), false),
        Some(RegionKind::Transaction { .. } | RegionKind::Savepoint) => {
            (Some(database.default_isolation().to_owned()), true)
        }
        _ => (None, false),
    }
}

/// The script of a window. With `strict`, how a run ends is part of what is compared.
pub(super) fn script_of(search: &mut Search<'_, '_, '_>, window: &Window, database: &Database, strict: bool) -> Script {
    script_as(search, window, database, strict, false)
}

/// The same; with `alike`, both runs were given the same by whatever gave them what the check asks for.
fn script_as(
    search: &mut Search<'_, '_, '_>,
    window: &Window,
    database: &Database,
    strict: bool,
    alike: bool,
) -> Script {
    let plan = Plan {
        check: window.check,
        act: window.act,
        way: &window.way,
        decided: &window.decided,
        effects: &window.effects,
        claims: window.claims,
        database,
        bound: window.bound,
        counts_on: matches!(window.link, Link::Next(_)),
        uses_rows: matches!(window.link, Link::Column(_)) && search.trace.op(window.check).rows == Rows::Many,
        movers: matches!(window.link, Link::Exclusive(_)),
        fills: matches!(window.link, Link::Absence) && search.trace.op(window.act).verb == Verb::Update,
        refills: matches!(window.link, Link::Replace),
        shifts: match &window.link {
            Link::Shifts(column) => Some(column),
            _ => None,
        },
        alike,
        flow: search.flow,
    };
    script::write(search.trace, search.schemas, &plan, strict)
}

/// The key that a program would rely on: on the columns that the check asks for.
fn keyed_table(search: &mut Search<'_, '_, '_>, window: &Window, entity: &str) -> Table {
    let columns: Vec<String> = search.looked_columns(window);
    let table = Table::new(entity).key("#").generated_key();
    if columns.is_empty() { table } else { table.unique(columns.iter().map(String::as_str)) }
}

/// The search of one script is given up beyond this many states: what a window needs takes some hundred.
const JUDGE: Judge = Judge { declines_are_free: true, commits_at_once: true, barriers: false, budget: 600 };

/// The worst verdict over all states to start from; `None` if all is well.
///
/// Plain schedules are looked for first: those in which every statement outside a transaction commits at once. The gap
/// between a statement and its commit matters only to statements over sets.
pub(super) fn worst(engine: Engine, script: &Script) -> Option<Verdict> {
    let plain = worst_by(JUDGE, engine, script);
    if !script.sets || plain.as_ref().is_some_and(|verdict| verdict.kind == Kind::Open) {
        return plain;
    }
    let close = worst_by(Judge { commits_at_once: false, ..JUDGE }, engine, script);
    match (plain, close) {
        (Some(plain), Some(close)) if close.kind > plain.kind => Some(close),
        (Some(plain), _) => Some(plain),
        (None, close) => close,
    }
}

fn worst_by(judge: Judge, engine: Engine, script: &Script) -> Option<Verdict> {
    let envs = [&script.envs[0], &script.envs[1]];
    let mut worst: Option<Verdict> = None;
    // A few at a time: the first that is open ends the search, and which that is does not depend on the threads.
    for some in script.initials.chunks(3) {
        let verdicts: Vec<Verdict> = some
            .par_iter()
            .map(|initial| judge.judge(engine, &script.tables, [&script.program; 2], initial, envs))
            .collect();
        for verdict in verdicts {
            let matters = matches!(verdict.kind, Kind::Fails | Kind::Open);
            let rank = |v: &Verdict| (v.kind, std::cmp::Reverse(v.schedule.len()));
            if matters && worst.as_ref().is_none_or(|known| rank(known) < rank(&verdict)) {
                worst = Some(verdict);
            }
        }
        if worst.as_ref().is_some_and(|known| known.kind == Kind::Open) {
            break;
        }
    }
    worst
}

fn finish(
    search: &mut Search<'_, '_, '_>,
    window: Window,
    database: &Database,
    verdict: Verdict,
    tags: Vec<OpId>,
    in_transaction: bool,
) -> Option<Broken> {
    let act = search.trace.op(window.act);
    let missing = verdict.codes.contains(&Code::own(script::NOT_FOUND));
    let violation = match verdict.kind {
        Kind::Fails => verdict.codes.contains(&Code::Unique),
        _ => verdict.outcome.as_ref().is_some_and(|o| o.endings.contains(&Ending::Failed(Code::Unique))),
    };
    let entity = act.entity.as_str();
    let aborted = |ending: &Ending| matches!(ending, Ending::Failed(code) if code.is_conflict());
    if verdict.outcome.as_ref().is_some_and(|outcome| outcome.endings.iter().any(aborted)) {
        // What is left is what had been committed before: a missing transaction, whatever the check has seen.
        return None;
    }
    // Both wrote one row, as they would have in turns, or one of them none.
    let alone = verdict.kind == Kind::Open
        && verdict.outcome.as_ref().is_some_and(|o| o.rows.iter().filter(|(table, _)| **table == *entity).count() < 2);
    if violation && act.verb == Verb::Upsert && act.place().is_some() {
        // What fails is another call.
        return None;
    }
    let anomaly = match verdict.kind {
        // Who comes second finds the row gone: what may fail besides is another write, behind it, in a race of its own.
        Kind::Fails if violation && act.verb == Verb::Delete && !collides(&verdict) => return None,
        Kind::Fails if violation => Anomaly::UnhandledViolation,
        Kind::Fails if missing && act.place().is_some() => Anomaly::UnhandledAbsence,
        // Aborted by the database, data intact: another rule's business.
        Kind::Fails => return None,
        _ => match &window.link {
            // What the one that failed had written elsewhere before stays.
            Link::Absence | Link::Next(_) | Link::Replace if violation && alone => Anomaly::UnhandledViolation,
            Link::Absence if act.place().is_some() => Anomaly::LostUpdate,
            // Whoever comes second has taken the other one's row away before it makes its own.
            Link::Absence if alone && search.clears_before(&window) => return None,
            // One row is kept, whoever made it, and what goes with it is done twice.
            Link::Absence if alone && search.trace.op(window.act).verb == Verb::Create => Anomaly::DoubleAct,
            Link::Absence | Link::Next(_) | Link::Replace => Anomaly::Duplicate,
            Link::Presence | Link::Column(_) => Anomaly::DoubleAct,
            Link::Set => Anomaly::LimitExceeded,
            Link::Feeds(_) | Link::Shifts(_) => Anomaly::LostUpdate,
            Link::Exclusive(column) => flags(&verdict, column),
        },
    };
    if matches!(window.link, Link::Absence) && act.verb == Verb::Upsert && act.place().is_none() && alone && !violation
    {
        return None;
    }
    let mild = match (anomaly, verdict.kind) {
        (Anomaly::UnhandledViolation, Kind::Fails) if search.refuses_like_the_database(&window) => {
            Some(Mild::OnlyWords)
        }
        (Anomaly::UnhandledViolation, Kind::Fails) if search.makes_the_one_row(&window) => Some(Mild::OnceForAll),
        _ => None,
    };
    let severity = match anomaly {
        _ if mild.is_some() => Severity::Info,
        Anomaly::UnhandledViolation | Anomaly::UnhandledAbsence => Severity::Warning,
        Anomaly::Duplicate if matches!(window.link, Link::Next(_)) => Severity::Info,
        _ => Severity::Error,
    };
    let mut window = window;
    if mild.is_some() || anomaly == Anomaly::Duplicate && search.only_chooses(&window) {
        window.confidence = Confidence::Low;
    }
    if search.guard(&window, &database.name) == Some(Guard::Ignored) {
        // What the first one has left is all that the second one leaves, or it is not the guard that lets both through.
        let shown = search.shows_behind(&window).filter(|_| hits(&verdict, &tags, window.act))?;
        window.confidence = window.confidence.min(shown);
    }
    let (isolation, default_isolation) = isolation_around(search, &window, database);
    let cures = Cures::of(search, &window, database);
    Some(Broken {
        severity,
        mild,
        anomaly,
        confidence: window.confidence,
        schedule: verdict.schedule,
        endings: verdict.outcome.map(|outcome| outcome.endings),
        tags,
        cures,
        isolation,
        default_isolation,
        in_transaction,
        window,
    })
}

/// Whether a unique key refuses a row in a verdict's schedule.
fn collides(verdict: &Verdict) -> bool {
    verdict.schedule.iter().any(|step| matches!(step.outcome, StepOutcome::Failed(Code::Unique)))
}

/// Whether an operation hits a row anywhere in a verdict's schedule.
fn hits(verdict: &Verdict, tags: &[OpId], op: OpId) -> bool {
    let is_op = |step: &ScheduleStep| {
        let tag = step.tag.and_then(|tag| tags.get(usize::try_from(tag).ok()?));
        tag == Some(&op)
    };
    verdict.schedule.iter().any(|step| is_op(step) && matches!(step.outcome, StepOutcome::Count(1..)))
}

/// Whether two rows or none carry the flag at the end.
fn flags(verdict: &Verdict, column: &str) -> Anomaly {
    let Some(outcome) = &verdict.outcome else { return Anomaly::TwoSet };
    let set = outcome
        .rows
        .iter()
        .filter(|(_, row)| !matches!(row.get(column), interleave::Value::Null | interleave::Value::Bool(false)));
    if set.count() == 0 { Anomaly::NoneSet } else { Anomaly::TwoSet }
}
