//! Upserts that are a look and an insert, one after the other.

use rustc_hash::FxHashSet;

use super::{Slip, SlipKind, Upsert};
use crate::analysis::case;
use crate::analysis::database::Database;
use crate::analysis::judged::{self, Broken};
use crate::analysis::script::{self, Handling};
use crate::analysis::window::{Link, Search, Window, is_log};
use crate::finding::{Anomaly, Confidence, Severity};
use crate::ir::BinaryOp;
use crate::library::{ErrorKind, Verb};
use crate::link::Program;
use crate::model::{
    ArrayItem, BlockId, Compare, Event, Nested, ObjectEntry, OpId, OpSource, Val, ValId, Writes, entity_of,
};
use crate::schema::{Column, ColumnKind, DefaultValue, Entity, UniqueKey};

/// The upserts of a trace that several statements carry out, with an interleaving that breaks them.
pub(super) fn find(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database) -> Vec<Slip> {
    let mut slips = Vec::new();
    for op in search.all_ops() {
        if !search.is_settled_here(op) {
            continue;
        }
        match search.trace.op(op).verb {
            Verb::Upsert => slips.extend(emulated(search, program, database, op)),
            Verb::Create => slips.extend(unless_there(search, program, database, op)),
            _ => {}
        }
        slips.extend(nested(search, program, database, op));
    }
    slips
}

fn emulated(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    let way = search.way_to(op);
    let causes = search.unmet(op, &way, &database.name);
    if causes.is_empty() {
        return None;
    }
    let asked = search.trace.conditions(search.schemas, op, &mut |_, value| value);
    if asked.all.iter().any(|c| c.op == Compare::Eq && is_settled(search, op, c.value, 6))
        || is_made_anew(search, op, &way)
    {
        return None;
    }
    let confidence = search.trace.op(op).confidence;
    let window = Window { confidence, ..Window::alone(op, Link::Absence, way) };
    let broken = judged::judge(search, window, database)?;
    Some(slip(search, program, database, broken, Upsert { relation: None, causes, in_one: false }))
}

/// Whether no key that an upsert looks by can be the key of the row that it makes: one column of each is left to the
/// database, which makes up a value of its own for every row.
fn is_made_anew(search: &mut Search<'_, '_, '_>, op: OpId, way: &[BlockId]) -> bool {
    let asked = search.conditions(op, way);
    let writes = search.writes(op, true, way);
    let Some(entity) = entity_of(search.schemas, search.trace.op(op)) else { return false };
    let is_asked = |column: &String| asked.on(column).any(|c| c.op == Compare::Eq);
    let mut keys =
        entity.keys.iter().filter(|key| !key.columns.is_empty() && key.columns.iter().all(is_asked)).peekable();
    let is_left = |column: &String| writes.get(column).is_none() && is_generated_by_database(entity, column);
    !writes.opaque && keys.peek().is_some() && keys.all(|key| key.columns.iter().any(is_left))
}

/// Whether the database makes up a value of its own for a column of every new row.
fn is_generated_by_database(entity: &Entity, column: &str) -> bool {
    entity.column(column).is_some_and(|column| column.default == DefaultValue::Generated)
}

/// Whether it is known, on every way, if there is a row to be found by a value: what is made up in this run is nobody else's,
/// and what was read from a row or is a reference to one is there.
fn is_settled(search: &Search<'_, '_, '_>, op: OpId, value: ValId, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let settled = |value: ValId| is_settled(search, op, value, depth);
    match search.trace.values.get(value) {
        Val::Phi(phi) => search.trace.values.phi(*phi).operands.iter().all(|(_, one)| settled(*one)),
        Val::Choice(_, one, other) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, one, other) => {
            settled(*one) && settled(*other)
        }
        Val::Const(literal) => literal.is_absent(),
        Val::Field(row, column) => match search.trace.values.get(*row) {
            Val::Result(read) => is_there(search, *read, column, op),
            _ => script::is_drawn(search.trace, value),
        },
        _ => script::is_drawn(search.trace, value),
    }
}

/// Whether a column of a row that was read tells a row of an operation's entity which is there: the same one, or one that
/// it refers to.
fn is_there(search: &Search<'_, '_, '_>, read: OpId, column: &str, op: OpId) -> bool {
    let (holder, sought) = (search.trace.op(read), search.trace.op(op));
    let refers = |held: &Column| match &held.kind {
        ColumnKind::Relation(to) => {
            to.entity == sought.entity && matches!(to.fields.as_slice(), [only] if only == column)
        }
        _ => false,
    };
    let is_read = matches!(holder.verb, Verb::Read);
    is_read
        && (holder.entity == sought.entity
            || entity_of(search.schemas, holder).is_some_and(|entity| entity.columns.iter().any(refers)))
}

/// An insert that looks, in the same statement, whether the row is there.
fn unless_there(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    let OpSource::Sql(statement, _) = &search.trace.op(op).source else { return None };
    let query = statement.query().filter(|query| query.insert_select_not_exists)?;
    let entity = entity_of(search.schemas, search.trace.op(op));
    let keys = entity.into_iter().flat_map(|entity| &entity.keys).map(|key| key.columns.as_slice());
    if query.catches_what_it_looks_for(keys) {
        return None;
    }
    let way = search.way_to(op);
    let confidence = search.trace.op(op).confidence;
    let window = Window { confidence, ..Window::alone(op, Link::Absence, way) };
    let mut broken = judged::judge(search, window, database)?;
    // What it asks for stands in the statement, which is all there is to be sure of.
    broken.confidence = confidence;
    let upsert = Upsert { relation: None, causes: Vec::new(), in_one: true };
    Some(slip(search, program, database, broken, upsert))
}

/// A related row that is found or created along with another write. That is never one statement.
fn nested(search: &mut Search<'_, '_, '_>, program: &Program, database: &Database, op: OpId) -> Option<Slip> {
    if !matches!(search.trace.op(op).verb, Verb::Create | Verb::Update | Verb::Upsert) {
        return None;
    }
    let given = search.way_of_given(op);
    let writes = [true, false].map(|creating| search.writes(op, creating, &given));
    let around = turn_taken(search, op, &writes[1], &database.name);
    // A row that is looked up by something made up in this run is nobody else's.
    let looks = |it: &&Nested| {
        matches!(it.action.as_str(), "connect-or-create" | "upsert")
            && !key_of(search, it).is_some_and(|key| script::is_drawn(search.trace, key))
    };
    let it = search.trace.op(op);
    let entity = entity_of(search.schemas, it)?;
    let (schema, _) = it.schema?;
    let collides = |nested: &Nested, around: Turn| {
        let ColumnKind::Relation(to) = &entity.column(&nested.relation)?.kind else { return None };
        let related = search.schemas[schema].entities.iter().find(|related| related.name == to.entity)?;
        can_collide(search, nested, (entity, around), related).then(|| (nested.relation.clone(), to.entity.clone()))
    };
    let looked = || writes.iter().flat_map(|writes| &writes.nested).filter(looks);
    let (relation, to) = looked().find_map(|nested| collides(nested, around))?;
    // Where it is not known whether the row around is written, it mostly is.
    let may_wait = around == Turn::Unknown && !looked().any(|nested| collides(nested, Turn::Taken).is_some());
    let block = it.block;
    let handled =
        search.trace.block(block).handler.and_then(|handler| {
            script::handling(search.trace, search.flow, block, handler, ErrorKind::UniqueViolation)
        });
    if let Some((Handling::Declines { .. } | Handling::GoesOn | Handling::Retries, _)) = handled {
        return None;
    }
    let confidence = if may_wait { Confidence::Low } else { it.confidence };
    let way = search.way_to(op);
    let window = Window { confidence, ..Window::alone(op, Link::Absence, way) };
    let in_transaction = search.in_one_transaction(&window);
    let mut broken = judged::unproven(search, window, database, in_transaction);
    broken.anomaly = Anomaly::UnhandledViolation;
    let mut slip =
        slip(search, program, database, broken, Upsert { relation: Some(relation), causes: Vec::new(), in_one: false });
    slip.case.entity = to;
    Some(slip)
}

/// Whether two runs that write related rows under one row take turns there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The row around is updated first, and is held from then on.
    Taken,
    /// Nothing of it is written, so that it is only read.
    None,
    /// It is not known whether anything of it is written.
    Unknown,
}

/// Whether the row around is updated, in one statement, before what hangs on it is looked for. (Where it is read first, what
/// hangs on it may be looked for as it was at that time.)
fn turn_taken(search: &mut Search<'_, '_, '_>, op: OpId, written: &Writes, engine: &str) -> Turn {
    if search.trace.op(op).verb != Verb::Update || !search.unmet(op, &[], engine).is_empty() {
        return Turn::None;
    }
    match (written.columns.is_empty(), written.opaque) {
        (false, _) => Turn::Taken,
        (true, true) => Turn::Unknown,
        (true, false) => Turn::None,
    }
}

/// Whether two related rows that are made along with rows of an entity can collide: some unique key has only columns that
/// the call gives, or that refer to what is given or to the row around it. A key that is made up for each row keeps no two
/// apart, and who waits for the row around finds what the other one has made under it.
fn can_collide(
    search: &Search<'_, '_, '_>,
    nested: &Nested,
    (around, turn): (&Entity, Turn),
    related: &Entity,
) -> bool {
    let fields = |value: ValId| match search.trace.values.get(value) {
        Val::Object(entries) => Some(entries),
        _ => None,
    };
    let member = |value: ValId, wanted: &str| {
        fields(value)?.iter().find_map(|entry| match entry {
            ObjectEntry::Field(name, value) if name == wanted => Some(*value),
            _ => None,
        })
    };
    let back = related.columns.iter().find_map(|c| match &c.kind {
        ColumnKind::Relation(to) if to.entity == around.name && !to.fields.is_empty() => Some(&to.fields),
        _ => None,
    });
    let in_turn = |key: &UniqueKey| {
        turn == Turn::Taken && back.is_some_and(|fields| fields.iter().all(|field| key.columns.contains(field)))
    };
    let keys: Vec<_> = related.keys.iter().filter(|key| !key.columns.is_empty() && !in_turn(key)).collect();
    let can = |one: ValId| {
        // What is out of sight may give anything.
        let Some(given) = member(one, "create").and_then(fields) else { return !keys.is_empty() };
        let gives = |column: &str| {
            given.iter().any(|entry| match entry {
                ObjectEntry::Field(name, _) => name == column,
                // What is taken over from somewhere mostly leaves to the database what it makes up.
                ObjectEntry::Spread(_) => !is_generated_by_database(related, column),
                ObjectEntry::Computed(_) | ObjectEntry::Removed(_) => false,
            })
        };
        let is_given = |column: &String| {
            let by_reference = related.columns.iter().any(|c| match &c.kind {
                ColumnKind::Relation(to) => to.fields.contains(column) && (to.entity == around.name || gives(&c.name)),
                _ => false,
            });
            gives(column) || by_reference
        };
        keys.iter().any(|key| key.columns.iter().all(is_given))
    };
    each_of(search, nested.value).into_iter().any(can)
}

/// The single ones of what is given for related rows: one, a list of them, or what each element of a list becomes.
fn each_of(search: &Search<'_, '_, '_>, value: ValId) -> Vec<ValId> {
    match search.trace.values.get(value) {
        Val::Array(items) => items
            .iter()
            .map(|item| {
                let (ArrayItem::Value(one) | ArrayItem::Spread(one)) = item;
                *one
            })
            .collect(),
        Val::Over(_, _, body) => vec![*body],
        _ => vec![value],
    }
}

/// What a related row is looked up by.
fn key_of(search: &Search<'_, '_, '_>, nested: &Nested) -> Option<ValId> {
    let Val::Object(entries) = search.trace.values.get(nested.value) else { return None };
    entries.iter().find_map(|entry| match entry {
        ObjectEntry::Field(name, value) if name == "where" => Some(*value),
        _ => None,
    })
}

fn slip(
    search: &mut Search<'_, '_, '_>,
    program: &Program,
    database: &Database,
    mut broken: Broken,
    upsert: Upsert,
) -> Slip {
    if broken.anomaly == Anomaly::UnhandledViolation {
        let (writes, effects) = left_half_done(search, broken.window.act, &broken.window.way);
        let followed = effects || !writes.is_empty();
        broken.severity = if followed { Severity::Warning } else { Severity::Info };
        broken.window.decided = writes;
    }
    let case = case::case(search, program, &broken, database);
    Slip { kind: SlipKind::Upsert(upsert), in_caller: !search.is_in_root(broken.window.act), case }
}

/// What else is done on the way that an error of the operation leaves half done: writes outside of its transaction, and
/// whether the world outside is changed.
fn left_half_done(search: &Search<'_, '_, '_>, op: OpId, way: &[BlockId]) -> (FxHashSet<OpId>, bool) {
    let region = search.trace.op(op).region;
    let (mut writes, mut effects) = (FxHashSet::default(), false);
    for event in way.iter().flat_map(|block| &search.trace.block(*block).events) {
        match event {
            Event::Op(other) if *other != op => {
                let it = search.trace.op(*other);
                let is_write = it.verb.is_write();
                if is_write && !is_log(&it.entity) && (region.is_none() || it.region != region) {
                    writes.insert(*other);
                }
            }
            Event::Call(call) => effects |= search.is_effect_call(call),
            _ => {}
        }
    }
    (writes, effects)
}
