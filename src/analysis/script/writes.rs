//! What writes set, and what an insert does about rows that are there.

use super::Writer;
use super::terms::LEFT_OPEN;
use crate::interleave::{self as judge, Block, lit, null, var};
use crate::library::{OnConflict, Verb};
use crate::model::{Event, Op, OpId, OpSource, Val, ValId, Writes, Written, entity_of};
use crate::schema::{Column, ColumnKind, DefaultValue, Entity, UniqueKey};
use crate::sql;

impl<'m> Writer<'_, '_, 'm> {
    pub(super) fn insert(&mut self, table: &str, op: OpId, writes: &Writes) -> judge::Insert {
        let mut insert = judge::insert(table);
        let mut set: Vec<String> = Vec::new();
        let drawn = self.drawn_in_loops(op);
        let looked_up = self.looked_up(op);
        for (column, value) in self.terms.assignments(self.trace, self.schemas, table, writes) {
            set.push(column.to_string());
            let value = self.terms.as_looked_for(table, &column, value);
            let value = self.terms.between(table, &column, value);
            let entity = entity_of(self.schemas, self.trace.op(op));
            let is_key = entity.is_some_and(|e| e.keys.iter().any(|key| key.columns.iter().any(|c| **c == *column)));
            let is_number = is_key && entity.is_some_and(|e| is_plain_number(e, &column));
            let generated = match writes.get(&column) {
                Some(Written::Value(v)) if is_key => {
                    drawn.iter().any(|name| **name == *column) || self.terms.is_generated(self.trace, *v)
                }
                _ => false,
            };
            // Both new sets are numbered alike.
            let alike = self.plan.refills && is_number && matches!(value, judge::Expr::Var(_));
            let left_open = value == null() && entity.is_some_and(|e| e.requires(&column));
            let is_unknown = matches!(value, judge::Expr::Var(_) | judge::Expr::Field(..)) || left_open;
            let sought = looked_up.iter().find(|(name, _)| is_unknown && *name == *column);
            insert = insert.set(
                column,
                if generated {
                    var("own")
                } else if alike {
                    lit(1)
                } else if let Some((_, sought)) = sought {
                    sought.clone()
                } else if left_open {
                    lit(LEFT_OPEN)
                } else {
                    value
                },
            );
        }
        // Columns that unique keys need and that the call leaves to defaults.
        let entity = entity_of(self.schemas, self.trace.op(op));
        if let Some(entity) = entity {
            let missing: Vec<String> = entity
                .keys
                .iter()
                .flat_map(|key| key.columns.iter().chain(key.partial.iter().flat_map(covering)))
                .chain(self.terms.info.get(table).into_iter().flat_map(|info| info.columns.keys()))
                .filter(|column| !set.contains(column))
                .cloned()
                .collect();
            for column in missing {
                let is_unknown = writes.opaque || matches!(writes.get(&column), Some(Written::Opaque));
                let sought = looked_up.iter().find(|(name, _)| is_unknown && *name == column);
                let sought = sought.map(|(_, value)| value.clone());
                let value = sought.or_else(|| self.terms.default_of(entity, &column, is_unknown));
                let value = value.or_else(|| self.made_up(op, entity, &column));
                // What schemas of types alone leave out is the primary key's counter.
                let is_primary = || entity.primary_key().is_some_and(|key| key.columns.contains(&column));
                let is_left_open = || !is_unknown && entity.requires(&column) && !is_primary();
                if let Some(value) = value.or_else(|| is_left_open().then(|| lit(LEFT_OPEN))) {
                    insert = insert.set(column.as_str(), value);
                    set.push(column);
                }
            }
        }
        insert
    }

    /// What an upsert looks for by a unique key, for columns that every row is given: what it creates and is not known in
    /// detail is the row that it would find the next time.
    fn looked_up(&mut self, op: OpId) -> Vec<(String, judge::Expr)> {
        if self.trace.op(op).verb != Verb::Upsert {
            return Vec::new();
        }
        let conditions = self.conditions(op);
        let Some(entity) = entity_of(self.schemas, self.trace.op(op)) else { return Vec::new() };
        let equal = conditions.all.iter().filter(|c| c.is_equality());
        let required = equal.filter(|c| entity.requires(&c.column));
        let required: Vec<(String, ValId)> = required.map(|c| (c.column.clone(), c.value)).collect();
        let sought = required.into_iter().map(|(column, value)| {
            let value = self.terms.expr(self.trace, self.schemas, value);
            (column, if value == null() { lit(LEFT_OPEN) } else { value })
        });
        sought.collect()
    }

    /// The columns of a new row whose values are put together in loops out of something random.
    fn drawn_in_loops(&mut self, op: OpId) -> Vec<String> {
        let joined = self.trace.writes(self.schemas, op, true, &mut |_, value| value).columns;
        let mut found = Vec::new();
        for (column, written) in joined {
            if let Written::Value(value) = written
                && self.trace.values.is_joined(value)
                && self.terms.is_drawn_in_loop(self.trace, value)
            {
                found.push(column);
            }
        }
        found
    }

    /// What the database makes up for a column that tells rows apart, where the way goes on with it: each row has its own.
    fn made_up(&self, op: OpId, entity: &Entity, column: &str) -> Option<judge::Expr> {
        let alone = |key: &UniqueKey| key.is_plain() && matches!(key.columns.as_slice(), [only] if only == column);
        let is_made = entity.column(column).is_some_and(|c| c.default == DefaultValue::Generated);
        if !is_made || !entity.keys.iter().any(alone) {
            return None;
        }
        let is_it = |value: ValId| match self.trace.values.get(value) {
            Val::Field(row, name) => name == column && *self.trace.values.get(*row) == Val::Result(op),
            _ => false,
        };
        let events = self.plan.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut args = events.flat_map(|event| match event {
            Event::Op(other) => self.trace.op(*other).args.as_slice(),
            _ => &[],
        });
        let goes_on = args.any(|arg| self.trace.values.any_within(*arg, 8, &mut |part| is_it(part)));
        let place = i64::try_from(self.tags.len()).unwrap_or_default();
        goes_on.then(|| var("own") + lit(1_000 * place))
    }

    /// The inserts of related rows that a create makes along with its own row, where they have a unique key that both runs
    /// give them.
    pub(super) fn rows_along(&mut self, op: OpId, writes: &Writes, tag: u32) -> Option<Block> {
        let schemas = self.schemas;
        let mut see = self.terms.seeing();
        let rows = self.trace.rows_along(schemas, op, writes, &mut |trace, value| see(trace, value));
        let mut inserts: Option<Block> = None;
        for (at, row) in rows {
            let entity = &schemas[at.0].entities[at.1];
            let generated = |writer: &Self, column: &str| match row.get(column) {
                Some(Written::Value(value)) => writer.terms.is_generated(writer.trace, *value),
                _ => false,
            };
            let given = |column: &String| match row.get(column) {
                Some(Written::Value(value)) => self.terms.agrees(self.trace, *value, 24) && !generated(self, column),
                _ => false,
            };
            let full = |key: &&UniqueKey| key.is_plain() && !key.columns.is_empty();
            if !entity.keys.iter().filter(full).any(|key| key.columns.iter().all(given)) {
                continue;
            }
            let table = entity.name.clone();
            self.terms.touch(&table);
            self.terms.describe(&table, Some(at));
            let mut insert = judge::insert(table.as_str()).tag(tag);
            for (column, value) in self.terms.assignments(self.trace, schemas, &table, &row) {
                let value = if generated(self, &column) { var("own") } else { value };
                insert = insert.set(column, value);
            }
            inserts.get_or_insert_with(Block::new).push(insert);
        }
        inserts
    }

    /// The primary key that the database makes up for a row which is found by what both runs ask for.
    pub(super) fn made_key(&mut self, op: OpId, writes: &Writes) -> Option<String> {
        let conditions = self.conditions(op);
        let agreed =
            !conditions.all.is_empty() && conditions.all.iter().all(|c| self.terms.agrees(self.trace, c.value, 24));
        let entity = entity_of(self.schemas, self.trace.op(op))?;
        let key = entity.keys.iter().find(|key| key.primary)?;
        let [column] = key.columns.as_slice() else { return None };
        (agreed && writes.get(column).is_none()).then(|| column.clone())
    }

    pub(super) fn sets(&mut self, table: &str, op: OpId, mut update: judge::Update, writes: &Writes) -> judge::Update {
        let fills = self.plan.fills && op == self.plan.act;
        for (column, value) in self.terms.assignments(self.trace, self.schemas, table, writes) {
            let value = if fills { self.terms.between(table, &column, value) } else { value };
            self.terms.changed.insert((table.to_owned(), column.to_string()));
            update = update.set(column, value);
        }
        update
    }

    /// What an insert does about a row that has its key.
    pub(super) fn conflict(&mut self, op: OpId, it: &Op<'m>) -> Option<judge::OnConflict> {
        match &it.source {
            OpSource::Call(row, _) => {
                let selector = row.skip_conflicts.as_ref()?;
                let value = self.trace.pick(op, selector)?;
                let value = self.terms.resolve(self.trace, value);
                (self.trace.values.truth(value) == Some(true)).then_some(judge::OnConflict::Nothing)
            }
            OpSource::Sql(statement, _) => match statement.query()?.conflict.as_ref()? {
                sql::Conflict::Nothing(_) => Some(judge::OnConflict::Nothing),
                sql::Conflict::Update { .. } => {
                    let updates = self.written(op, false);
                    let sets = self.terms.assignments(self.trace, self.schemas, &it.entity, &updates);
                    Some(judge::OnConflict::Update(sets))
                }
                sql::Conflict::Replace => Some(judge::OnConflict::Update(Vec::new())),
                sql::Conflict::Merge => None,
            },
            OpSource::Built(built, _) => match built.conflict? {
                OnConflict::Nothing => Some(judge::OnConflict::Nothing),
                OnConflict::Update => None,
            },
            OpSource::Related { .. } | OpSource::Stored { .. } => None,
        }
    }

    pub(super) fn inserts_unless_exists(&self, it: &Op<'m>) -> bool {
        match &it.source {
            OpSource::Sql(statement, _) => statement.query().is_some_and(|q| q.insert_select_not_exists),
            OpSource::Call(..) | OpSource::Built(..) | OpSource::Related { .. } | OpSource::Stored { .. } => false,
        }
    }
}

/// The columns that say which rows a partial key covers.
fn covering(partial: &sql::Filter) -> impl Iterator<Item = &String> {
    let arms = partial.any_of.iter().flat_map(|group| group.arms.iter().flatten());
    partial.conditions.iter().chain(arms).map(|condition| &condition.column.name)
}

/// Whether a column holds numbers that refer to no other row.
fn is_plain_number(entity: &Entity, column: &str) -> bool {
    let refers = entity.columns.iter().any(|c| match &c.kind {
        ColumnKind::Relation(relation) => relation.fields.iter().any(|f| f == column),
        _ => false,
    });
    let number = |c: &Column| matches!(&c.kind, ColumnKind::Scalar(name) if name == "Int");
    !refers && entity.column(column).is_some_and(number)
}
