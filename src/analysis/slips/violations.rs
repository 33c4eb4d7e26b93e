//! Unique violations that are caught inside the transaction which they have ended.

use super::{Slip, SlipKind, Then};
use crate::analysis::case;
use crate::analysis::database::Database;
use crate::analysis::judged;
use crate::analysis::script;
use crate::analysis::window::{Link, Search, Window};
use crate::finding::{Anomaly, Severity};
use crate::interleave::Engine;
use crate::library::{ErrorKind, Verb};
use crate::link::Program;
use crate::model::{BlockId, Compare, Event, Exit, OpId, OpSource, RegionId, RegionKind, ValId, Written, entity_of};
use crate::sql;

/// The writes of a trace whose violation is caught where it helps nobody.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = Vec::new();
    for op in search.all_ops() {
        if search.is_settled_here(op) {
            slips.extend(caught_inside(search, program, database, op));
        }
    }
    slips
}

fn caught_inside(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    let it = search.trace.op(op).clone();
    if !matches!(it.verb, Verb::Create | Verb::Update | Verb::Upsert) {
        return None;
    }
    let region = it.region.filter(|region| !is_batch(search, *region))?;
    let handler = search.trace.block(it.block).handler?;
    let (_, at) = script::handling(search.trace, search.flow, it.block, handler, ErrorKind::UniqueViolation)?;
    // Handled outside: the transaction, or the part of it behind a savepoint, has been rolled back by then.
    if !search.trace.block(at).regions.contains(&region) {
        return None;
    }
    let way = search.way_to(op);
    if search.leaves_what_is_there(op) || !can_collide(search, op, &way, &database.name) {
        return None;
    }
    let (then, next) = goes_on(search, at, region)?;
    let then = match database.engine() {
        // Those that others share its rules with go on after an error.
        Engine::Postgres if matches!(database.name.as_str(), "postgresql" | "cockroachdb") => then,
        Engine::MySql | Engine::MariaDbSnapshot => stale(search, database, op, region, next?)?,
        _ => return None,
    };
    let loses = |search: &Search<'_, '_, '_>| {
        search.all_ops().any(|other| {
            let written = search.trace.op(other);
            let before = search.flow.leads(search.trace, written.block, it.block);
            other < op && before && written.region == Some(region) && written.verb.is_write()
        })
    };
    // Where nothing had been written before, a silent rollback takes nothing away.
    if then == Then::Commit && !loses(search) {
        return None;
    }
    let decided = next.into_iter().collect();
    let window = Window { confidence: it.confidence, decided, ..Window::alone(op, Link::Absence, way) };
    let mut broken = judged::unproven(search, window, database, true);
    (broken.severity, broken.anomaly) = match then {
        Then::Commit => (Severity::Error, Anomaly::PartialWrite),
        Then::Statement | Then::StaleRead => (Severity::Warning, Anomaly::UnhandledViolation),
    };
    let case = case::case(search, program, &broken, database);
    Some(Slip { kind: SlipKind::Violation(then), in_caller: !search.is_in_root(op), case })
}

fn is_batch(search: &Search<'_, '_, '_>, region: RegionId) -> bool {
    matches!(search.trace.regions[region.index()].kind, RegionKind::Transaction { batch: true, .. })
}

/// Whether the written row can collide with another: some unique key has only columns that the call writes.
fn can_collide(search: &mut Search<'_, '_, '_>, op: OpId, way: &[BlockId], engine: &str) -> bool {
    // One statement settles a collision with the key that it looks by.
    let settled: Vec<String> = if search.trace.op(op).verb == Verb::Upsert && search.unmet(op, way, engine).is_empty() {
        search.conditions(op, way).all.iter().map(|condition| condition.column.clone()).collect()
    } else {
        Vec::new()
    };
    let writes = search.writes(op, search.trace.op(op).verb != Verb::Update, way);
    // What an update asks for it leaves as it is.
    let asked = if search.trace.op(op).verb == Verb::Update { search.conditions(op, way).all } else { Vec::new() };
    let stays = |column: &String| {
        let is =
            |value: ValId| asked.iter().any(|it| it.column == *column && it.op == Compare::Eq && it.value == value);
        matches!(writes.get(column), Some(Written::Value(value)) if is(*value))
    };
    let Some(entity) = entity_of(search.schemas, search.trace.op(op)) else {
        // Which columns a change would have to touch is not known; a new row touches them all.
        return search.trace.op(op).verb != Verb::Update;
    };
    let is_new = search.trace.op(op).verb != Verb::Update;
    let written = |column: &String| is_new && writes.opaque || writes.get(column).is_some();
    let with_related = |column: &String| {
        entity.columns.iter().any(|c| match &c.kind {
            crate::schema::ColumnKind::Relation(relation) => {
                relation.fields.contains(column) && writes.nested.iter().any(|nested| nested.relation == c.name)
            }
            _ => false,
        })
    };
    let is_settled = |key: &crate::schema::UniqueKey| key.columns.iter().all(|column| settled.contains(column));
    let mut keys = entity.keys.iter().filter(|key| !key.columns.is_empty() && (settled.is_empty() || !is_settled(key)));
    keys.any(|key| key.columns.iter().all(|c| written(c) || with_related(c)) && !key.columns.iter().all(stays))
}

/// How a transaction goes on from a handler inside of it that knows a violation; `None` where an error leaves it.
fn goes_on(search: &mut Search<'_, '_, '_>, handler: BlockId, region: RegionId) -> Option<(Then, Option<OpId>)> {
    let mut seen = vec![false; search.trace.blocks.len()];
    // Each block with the way that leads to it: what was noted of the error decides which branches are taken later.
    let mut todo = vec![vec![handler]];
    let mut commits = false;
    while let Some(way) = todo.pop() {
        let Some(block) = way.last().copied() else { continue };
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        let on = |next: BlockId| way.iter().copied().chain([next]).collect::<Vec<BlockId>>();
        let it = search.trace.block(block);
        let mut left = false;
        for event in &it.events {
            match event {
                Event::Op(op) if rolls_back(search, *op) => left = true,
                Event::Op(op) if !left && search.trace.op(*op).region == Some(region) => {
                    return Some((Then::Statement, Some(*op)));
                }
                Event::Abort(ended) if *ended == region => left = true,
                Event::Close(closed) if *closed == region => {
                    commits = true;
                    left = true;
                }
                _ => {}
            }
        }
        if left {
            continue;
        }
        match &it.exit {
            Exit::Goto(next) | Exit::Raise(next, _) if search.trace.block(*next).regions.contains(&region) => {
                todo.push(on(*next));
            }
            // The end of the callback, and the commit behind it.
            Exit::Goto(next) => todo.push(on(*next)),
            Exit::Branch { test, yes, no, .. } => {
                let (test, yes, no) = (*test, on(*yes), on(*no));
                let answer = script::recognises(search.trace, test, ErrorKind::UniqueViolation);
                match answer.or_else(|| known_on(search, &way, test)) {
                    Some(true) => todo.push(yes),
                    Some(false) => todo.push(no),
                    None => todo.extend([no, yes]),
                }
            }
            Exit::Raise(..) | Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }
    commits.then_some((Then::Commit, None))
}

/// What a test of something that was joined amounts to on a way.
fn known_on(search: &mut Search<'_, '_, '_>, way: &[BlockId], test: ValId) -> Option<bool> {
    let seen = search.see(way, test);
    search.trace.values.truth(seen)
}

/// Whether an operation is the way back to a savepoint.
fn rolls_back(search: &Search<'_, '_, '_>, op: OpId) -> bool {
    match &search.trace.op(op).source {
        OpSource::Sql(statement, _) => matches!(statement.kind, sql::Kind::RollbackTo(_)),
        _ => false,
    }
}

/// Whether the row that was in the way is looked for in a snapshot taken before it was there.
fn stale(search: &Search<'_, '_, '_>, database: &Database, op: OpId, region: RegionId, next: OpId) -> Option<Then> {
    let level = match &search.trace.regions[region.index()].kind {
        RegionKind::Transaction { isolation: Some(level), .. } => level.as_str(),
        _ => database.default_isolation(),
    };
    let plain_read = |other: OpId| {
        let it = search.trace.op(other);
        it.region == Some(region) && matches!(it.verb, Verb::Read | Verb::Count) && it.lock.is_none()
    };
    let again = plain_read(next) && search.trace.op(next).entity == search.trace.op(op).entity;
    let read_before = search.all_ops().any(|other| other < op && plain_read(other));
    (level == "repeatable read" && again && read_before).then_some(Then::StaleRead)
}
