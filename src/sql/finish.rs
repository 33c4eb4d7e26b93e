//! The last pass over what was read: qualifiers become tables, sub-selects that only pass on are folded away, and places
//! become final.

use rustc_hash::FxHashMap;

use super::types::{
    Column, Condition, Conflict, Exists, Filter, Join, Kind, Part, Query, Selected, SqlValue, SqlWrite, Statement,
    Table, Verb,
};

/// The most conditions, tables and columns of a sub-select that is folded into the query around it.
const MAX_FOLD: usize = 256;

/// A statement, and the sub-select it is.
pub(super) struct Draft {
    pub statement: Statement,
    pub slot: Option<usize>,
}

/// Finishes the statements. Values refer to sub-selects by slot until here.
pub(super) fn finish(mut drafts: Vec<Draft>, slots: usize) -> Vec<Statement> {
    let mut at_slot: Vec<Option<usize>> = vec![None; slots];
    for (index, draft) in drafts.iter().enumerate() {
        if let Some(slot) = draft.slot {
            at_slot[slot] = Some(index);
        }
    }
    resolve_members(&mut drafts);
    let readers = count_readers(&mut drafts, slots);
    let mut dropped = vec![false; drafts.len()];
    for index in 0..drafts.len() {
        resolve_columns(&mut drafts[index].statement);
        fold(&mut drafts, index, &at_slot, &readers, &mut dropped);
    }
    promote_locks(&mut drafts, &mut dropped);
    // Places in the result, by slot.
    let mut place = vec![None; slots];
    let mut next = 0;
    for (index, draft) in drafts.iter().enumerate() {
        if !dropped[index] {
            if let Some(slot) = draft.slot {
                place[slot] = Some(next);
            }
            next += 1;
        }
    }
    let mut statements = Vec::with_capacity(next);
    for (draft, dropped) in drafts.into_iter().zip(dropped) {
        if !dropped {
            let mut statement = draft.statement;
            place_rows(&mut statement, &place);
            statements.push(statement);
        }
    }
    statements
}

/// Replaces the names of `WITH` members by the statements they are.
fn resolve_members(drafts: &mut [Draft]) {
    let mut start = 0;
    while start < drafts.len() {
        let group = drafts[start].statement.group;
        let length = drafts[start..].iter().take_while(|draft| draft.statement.group == group).count();
        let members: FxHashMap<String, usize> = drafts[start..start + length]
            .iter()
            .filter_map(|draft| match (&draft.statement.part, draft.slot) {
                (Part::Cte(name), Some(slot)) => Some((name.to_lowercase(), slot)),
                _ => None,
            })
            .collect();
        for draft in &mut drafts[start..start + length] {
            if let Kind::Query(query) = &mut draft.statement.kind
                && !members.is_empty()
            {
                use_members(query, &members);
            }
        }
        start += length;
    }
}

fn use_members(query: &mut Query, members: &FxHashMap<String, usize>) {
    let slot_of =
        |table: &Table| table.schema.is_none().then(|| members.get(&table.name.to_lowercase()).copied()).flatten();
    if query.verb == Verb::Select
        && let Some(slot) = query.table.as_ref().and_then(slot_of)
    {
        query.source = query.source.or(Some(slot));
        if let Some(table) = &mut query.table {
            let name = std::mem::take(&mut table.name);
            table.alias.get_or_insert(name);
        }
    }
    // A column of a joined member is what that member returns.
    let joined: FxHashMap<String, usize> = query
        .joins
        .iter()
        .filter_map(|join| {
            let slot = slot_of(&join.table)?;
            let name = join.table.alias.as_ref().unwrap_or(&join.table.name);
            Some((name.to_lowercase(), slot))
        })
        .collect();
    if joined.is_empty() {
        return;
    }
    let slot_of = |column: &Column| joined.get(&column.of.as_ref()?.to_lowercase()).copied();
    each_condition(query, &mut |condition| {
        if slot_of(&condition.column).is_some()
            && let SqlValue::Column(other) = &mut condition.value
            && slot_of(other).is_none()
            && let Some(op) = mirrored(condition.op)
        {
            std::mem::swap(other, &mut condition.column);
            condition.op = op;
        }
    });
    each_value(query, &mut |value| {
        if let SqlValue::Column(column) = value
            && let Some(slot) = slot_of(column)
        {
            *value = SqlValue::Rows(slot);
        }
    });
}

/// Replaces qualifiers: none for the query's own table, the table's name for a joined one.
fn resolve_columns(statement: &mut Statement) {
    let Kind::Query(query) = &mut statement.kind else { return };
    // What each qualifier stands for; the query's own table stands for nothing to be said.
    let mut tables: FxHashMap<String, Option<String>> = FxHashMap::default();
    let qualifier = |table: &Table| table.alias.as_ref().unwrap_or(&table.name).to_lowercase();
    for join in &query.joins {
        if !join.table.name.is_empty() {
            tables.insert(qualifier(&join.table), Some(join.table.name.clone()));
        }
    }
    if let Some(own) = &query.table {
        tables.insert(qualifier(own), None);
    }
    let resolve = |column: &mut Column| {
        if let Some(of) = column.of.as_ref().and_then(|of| tables.get(&of.to_lowercase())) {
            column.of.clone_from(of);
        }
    };
    each_column(query, &mut |column| resolve(column));
    // A condition speaks of the query's own column where it can.
    each_condition(query, &mut |condition| {
        let foreign = condition.column.of.is_some() && condition.through.is_none();
        if foreign
            && let SqlValue::Column(other) = &mut condition.value
            && other.of.is_none()
            && let Some(op) = mirrored(condition.op)
        {
            std::mem::swap(other, &mut condition.column);
            condition.op = op;
        }
    });
    // A table that only carries the alias of a sub-select is none.
    if query.table.as_ref().is_some_and(|table| table.name.is_empty()) {
        query.table = None;
    }
}

fn mirrored(op: super::Op) -> Option<super::Op> {
    use super::Op;
    Some(match op {
        Op::Eq | Op::Ne => op,
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        _ => return None,
    })
}

/// Folds a sub-select into the query that only passes its answer on.
fn fold(drafts: &mut [Draft], index: usize, at_slot: &[Option<usize>], readers: &[u32], dropped: &mut [bool]) {
    let Some(outer) = drafts[index].statement.query() else { return };
    if outer.verb != Verb::Select || outer.table.is_some() || !outer.joins.is_empty() {
        return;
    }
    let sub_selects = |value: &SqlValue| match value {
        SqlValue::Rows(slot) => Some(*slot),
        SqlValue::Opaque(leaves) => match leaves.as_slice() {
            [SqlValue::Rows(slot)] => Some(*slot),
            _ => None,
        },
        _ => None,
    };
    let passed = match (outer.source, outer.selected.as_slice()) {
        (Some(slot), _) => Some((slot, false)),
        (None, [only]) if outer.aggregate.is_none() => sub_selects(&only.value).map(|slot| (slot, true)),
        _ => None,
    };
    let Some((slot, scalar)) = passed else { return };
    let Some(inner_at) = at_slot.get(slot).copied().flatten().filter(|at| *at < index) else { return };
    let Some(inner) = drafts[inner_at].statement.query() else { return };
    let plain = inner.verb == Verb::Select && inner.table.is_some() && !inner.union && !outer.union;
    // Folding copies, so that a long chain of sub-selects is folded only while it is small.
    if !plain || size(inner) > MAX_FOLD || (!scalar && (inner.aggregate.is_some() || inner.grouped || outer.grouped)) {
        return;
    }
    let folded = if scalar { take_answer(outer, inner) } else { take_source(outer, inner) };
    // A member of a `WITH` may be read again elsewhere; a sub-select in place is read here only.
    dropped[inner_at] |= readers[slot] < 2;
    drafts[index].statement.kind = Kind::Query(Box::new(folded));
}

fn size(query: &Query) -> usize {
    let of_filter = |filter: &Filter| {
        let arms: usize = filter.any_of.iter().flat_map(|group| &group.arms).map(Vec::len).sum();
        filter.conditions.len() + arms + filter.mentions.len()
    };
    let joins: usize = query.joins.iter().map(|join| 1 + of_filter(&join.on)).sum();
    of_filter(&query.filter) + joins + query.selected.len() + query.order_by.len() + query.fragments.len()
}

/// `SELECT EXISTS (…)`, `SELECT (SELECT count(*) …)`: the inner query under the outer name.
fn take_answer(outer: &Query, inner: &Query) -> Query {
    let mut folded = inner.clone();
    let name = outer.selected.first().and_then(|item| item.name.clone());
    if let [only] = folded.selected.as_mut_slice()
        && inner.exists == Exists::No
    {
        only.name = name.or_else(|| only.name.take());
    } else {
        folded.selected = vec![Selected { name, value: SqlValue::Opaque(Vec::new()), aggregate: None }];
    }
    folded
}

/// `SELECT … FROM (SELECT …)`: the inner rows under the outer list.
fn take_source(outer: &Query, inner: &Query) -> Query {
    let mut folded = outer.clone();
    folded.source = None;
    folded.table.clone_from(&inner.table);
    folded.joins.clone_from(&inner.joins);
    folded.filter.conditions.extend(inner.filter.conditions.iter().cloned());
    folded.filter.any_of.extend(inner.filter.any_of.iter().cloned());
    folded.filter.mentions.extend(inner.filter.mentions.iter().cloned());
    folded.filter.opaque |= inner.filter.opaque;
    folded.fragments.extend(&inner.fragments);
    folded.lock = folded.lock.or_else(|| inner.lock.clone());
    folded.limit = folded.limit.or_else(|| inner.limit.clone());
    if folded.order_by.is_empty() {
        folded.order_by.clone_from(&inner.order_by);
    }
    let all = folded.selected.len() == 1 && folded.selected[0].name.as_deref() == Some("*");
    if all {
        folded.selected.clone_from(&inner.selected);
    }
    folded
}

/// How often each sub-select is referred to.
fn count_readers(drafts: &mut [Draft], slots: usize) -> Vec<u32> {
    let mut readers = vec![0; slots];
    for draft in drafts {
        let Kind::Query(query) = &mut draft.statement.kind else { continue };
        if let Some(slot) = query.source {
            readers[slot] += 1;
        }
        each_value(query, &mut |value| {
            if let SqlValue::Rows(slot) = value {
                readers[*slot] += 1;
            }
        });
    }
    readers
}

/// A statement that only takes a named lock is that lock.
fn promote_locks(drafts: &mut [Draft], dropped: &mut [bool]) {
    for (index, dropped) in dropped.iter_mut().enumerate().skip(1) {
        let (before, rest) = drafts.split_at_mut(index);
        let (Some(lock), Some(whole)) = (before.last_mut(), rest.first_mut()) else { continue };
        let takes = matches!(lock.statement.kind, Kind::AdvisoryLock { .. } | Kind::AdvisoryUnlock { .. });
        let bare = match &whole.statement.kind {
            Kind::Query(query) => query.verb == Verb::Select && query.table.is_none() && query.source.is_none(),
            Kind::Other => true,
            _ => false,
        };
        if takes && bare && whole.statement.part == Part::Whole && lock.statement.group == whole.statement.group {
            lock.statement.part = Part::Whole;
            *dropped = true;
        }
    }
}

/// Replaces slots by places in the result; a sub-select that was folded away leaves an opaque value.
fn place_rows(statement: &mut Statement, place: &[Option<usize>]) {
    let replace = |value: &mut SqlValue| {
        if let SqlValue::Rows(slot) = value {
            *value = place.get(*slot).copied().flatten().map_or(SqlValue::Opaque(Vec::new()), SqlValue::Rows);
        }
    };
    match &mut statement.kind {
        Kind::Query(query) => {
            query.source = query.source.and_then(|slot| place.get(slot).copied().flatten());
            each_value(query, &mut |value| replace(value));
        }
        Kind::AdvisoryLock { key, .. } | Kind::AdvisoryUnlock { key: Some(key) } => {
            deep(key, &mut |value| replace(value))
        }
        _ => {}
    }
}

/// Makes the sub-selects in a condition that is no part of a query opaque.
pub(super) fn forget_rows(filter: &mut Filter) {
    in_filter(filter, &mut |condition| {
        deep(&mut condition.value, &mut |value| {
            if matches!(value, SqlValue::Rows(_)) {
                *value = SqlValue::Opaque(Vec::new());
            }
        });
    });
}

/// Visits a value and what it is made of. Values nest two levels at most.
fn deep(value: &mut SqlValue, visit: &mut dyn FnMut(&mut SqlValue)) {
    let mut work = vec![value];
    while let Some(value) = work.pop() {
        match value {
            SqlValue::List(parts) | SqlValue::Opaque(parts) => work.extend(parts),
            _ => visit(value),
        }
    }
}

fn in_filter(filter: &mut Filter, visit: &mut dyn FnMut(&mut Condition)) {
    filter.conditions.iter_mut().for_each(&mut *visit);
    filter.any_of.iter_mut().flat_map(|group| group.arms.iter_mut().flatten()).for_each(visit);
}

/// Visits every condition of a query.
fn each_condition(query: &mut Query, visit: &mut dyn FnMut(&mut Condition)) {
    in_filter(&mut query.filter, visit);
    for Join { on, .. } in &mut query.joins {
        in_filter(on, visit);
    }
    if let Some(Conflict::Update { filter, .. }) = &mut query.conflict {
        in_filter(filter, visit);
    }
}

/// Visits every value of a query.
pub(super) fn each_value(query: &mut Query, visit: &mut dyn FnMut(&mut SqlValue)) {
    each_condition(query, &mut |condition| deep(&mut condition.value, visit));
    let sets = match &mut query.conflict {
        Some(Conflict::Update { sets, .. }) => sets.as_mut_slice(),
        _ => &mut [],
    };
    for assignment in query.writes.iter_mut().chain(sets) {
        match &mut assignment.write {
            SqlWrite::Value(value) | SqlWrite::Delta { value, .. } => deep(value, visit),
            SqlWrite::Opaque(leaves) => leaves.iter_mut().for_each(|leaf| deep(leaf, visit)),
        }
    }
    for item in &mut query.selected {
        deep(&mut item.value, visit);
    }
    if let Some(limit) = &mut query.limit {
        deep(limit, visit);
    }
}

/// Visits every column of a query.
fn each_column(query: &mut Query, visit: &mut dyn FnMut(&mut Column)) {
    each_value(query, &mut |value| {
        if let SqlValue::Column(column) = value {
            visit(column);
        }
    });
    each_condition(query, &mut |condition| visit(&mut condition.column));
    query.filter.mentions.iter_mut().for_each(&mut *visit);
    query.joins.iter_mut().flat_map(|join| &mut join.on.mentions).for_each(&mut *visit);
    query.order_by.iter_mut().filter_map(|order| order.column.as_mut()).for_each(&mut *visit);
    query
        .selected
        .iter_mut()
        .filter_map(|item| item.aggregate.as_mut()?.column.as_mut())
        .chain(query.aggregate.iter_mut().filter_map(|aggregate| aggregate.column.as_mut()))
        .for_each(visit);
}
