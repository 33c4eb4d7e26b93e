//! SQL migrations: the schema as the sum of the changes that made it.
//!
//! Migrations are read in the order in which they are applied. Each table becomes an entity whose name is the table's.

use super::{
    Check, Column, ColumnKind, DefaultValue, Engine, Entity, ForeignKey, Index, KeyExpression, Schema, UniqueKey,
};
use crate::sql::{
    self, AlterAction, CheckDef, ColumnDef, CreateTable, Ddl, Dialect, ForeignKeyDef, IndexColumn, IndexDef, Kind,
};
use crate::text::Span;

/// Lines that start the part of a migration which takes it back.
const DOWN_MARKS: [&str; 5] =
    ["-- +goose down", "-- migrate:down", "-- +migrate down", "-- down migration", "-- !downgrade"];

/// Applies a migration to a schema; start with an empty one, or one that has only an engine.
pub fn read(path: &str, text: &str, schema: &mut Schema) {
    let dialect = schema.engine.map_or(Dialect::Generic, Engine::dialect);
    let text = up_part(text);
    apply(path, text, dialect, None, schema);
}

/// Applies one change that stands at a place.
pub(super) fn apply_one(path: &str, ddl: Ddl, place: Span, schema: &mut Schema) {
    Migration { path, place: Some(place), schema }.ddl(ddl);
}

/// Applies the statements of a text. Those of a block that stands in it are given the block's place.
pub(super) fn apply(path: &str, text: &str, dialect: Dialect, place: Option<Span>, schema: &mut Schema) {
    let mut blocks = Vec::new();
    for statement in sql::read(text, dialect) {
        if let Kind::Ddl(ddl) = statement.kind {
            if let Ddl::Block(body) = ddl {
                blocks.push((body, statement.span));
            } else {
                Migration { path, place, schema }.ddl(ddl);
            }
        }
    }
    // A block in a block is a text in a text and nothing that migrations do.
    if place.is_none() {
        for (body, span) in blocks {
            apply(path, &body, dialect, Some(span), schema);
        }
    }
}

/// The part of a migration that is applied.
fn up_part(text: &str) -> &str {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.trim().to_lowercase();
        if DOWN_MARKS.iter().any(|mark| lower.starts_with(mark)) {
            return &text[..offset];
        }
        offset += line.len();
    }
    text
}

struct Migration<'a> {
    path: &'a str,
    place: Option<Span>,
    schema: &'a mut Schema,
}

impl Migration<'_> {
    fn ddl(&mut self, ddl: Ddl) {
        match ddl {
            Ddl::CreateTable(created) if created.temporary => {}
            Ddl::CreateTable(created) => self.create(created),
            Ddl::CreateIndex { table, index } => {
                let (path, place) = (self.path, self.place);
                if let Some(entity) = self.table_or_new(&table.name) {
                    add_index(entity, index, path, place);
                }
            }
            Ddl::AlterTable { table, actions } => {
                let mut name = table.name;
                for action in actions {
                    self.alter(&mut name, action);
                }
            }
            Ddl::DropTable(names) => {
                self.schema.entities.retain(|entity| !names.iter().any(|name| same(&entity.table, name)));
            }
            Ddl::DropIndex { names, .. } => {
                for entity in &mut self.schema.entities {
                    names.iter().for_each(|name| drop_constraint(entity, name));
                }
            }
            Ddl::RenameIndex { from, to } => {
                for entity in &mut self.schema.entities {
                    rename_constraint(entity, &from, &to);
                }
            }
            Ddl::RenameTable { from, to } => self.rename(&from, &to),
            Ddl::Block(_) | Ddl::Other => {}
        }
    }

    fn table(&mut self, name: &str) -> Option<&mut Entity> {
        let at = self.schema.entities.iter().position(|entity| entity.table == name);
        let at = at.or_else(|| self.schema.entities.iter().position(|entity| same(&entity.table, name)))?;
        self.schema.entities.get_mut(at)
    }

    /// A table that no migration creates may still be given keys: it was there before the first migration.
    fn table_or_new(&mut self, name: &str) -> Option<&mut Entity> {
        if self.table(name).is_none() {
            let path = self.path.to_owned();
            let entity = Entity { name: name.to_owned(), table: name.to_owned(), path, ..Entity::default() };
            self.schema.entities.push(entity);
        }
        self.table(name)
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(entity) = self.table(from) {
            to.clone_into(&mut entity.name);
            to.clone_into(&mut entity.table);
        }
        for key in self.schema.entities.iter_mut().flat_map(|entity| &mut entity.foreign_keys) {
            if same(&key.entity, from) {
                to.clone_into(&mut key.entity);
            }
        }
    }

    fn create(&mut self, created: CreateTable) {
        let mut known = Entity::default();
        if let Some(at) = self.schema.entities.iter().position(|entity| entity.table == created.table.name) {
            if self.schema.entities[at].columns.is_empty() {
                // All that is known of it are keys that were read before it.
                known = self.schema.entities.remove(at);
            } else if created.if_not_exists {
                return;
            }
            // Created anew after a drop that was not understood.
            self.schema.entities.retain(|entity| entity.table != created.table.name);
        }
        let name = created.table.name;
        let mut entity = Entity { name: name.clone(), table: name, path: self.path.to_owned(), ..Entity::default() };
        entity.columns = created.columns.into_iter().map(|definition| column(definition, self.place)).collect();
        (entity.keys, entity.indexes) = (known.keys, known.indexes);
        for index in created.indexes {
            add_index(&mut entity, index, self.path, self.place);
        }
        entity.foreign_keys.extend(created.foreign_keys.into_iter().map(|key| foreign_key(key, self.place)));
        entity.checks.extend(created.checks.into_iter().map(|found| check(found, self.path, self.place)));
        if let (Some(first), Some(last)) = (entity.columns.first(), entity.columns.last()) {
            entity.span = first.span.cover(last.span);
        }
        self.schema.entities.push(entity);
    }

    fn alter(&mut self, table: &mut String, action: AlterAction) {
        let (path, place) = (self.path, self.place);
        if let AlterAction::RenameTable(to) = action {
            self.rename(table, &to);
            *table = to;
            return;
        }
        let entity =
            if matches!(action, AlterAction::AddIndex(_)) { self.table_or_new(table) } else { self.table(table) };
        let Some(entity) = entity else { return };
        match action {
            AlterAction::AddColumn(definition, indexes, foreign_keys, checks) => {
                if entity.column(&definition.name).is_none() {
                    entity.columns.push(column(definition, place));
                    indexes.into_iter().for_each(|index| add_index(entity, index, path, place));
                    entity.foreign_keys.extend(foreign_keys.into_iter().map(|key| foreign_key(key, place)));
                    entity.checks.extend(checks.into_iter().map(|found| check(found, path, place)));
                }
            }
            AlterAction::Redefine(from, definition) => {
                rename_column(entity, &from, &definition.name);
                let defined = column(definition, place);
                if let Some(known) = entity.columns.iter_mut().find(|known| known.name == defined.name) {
                    *known = defined;
                }
            }
            AlterAction::DropColumn(name) => drop_column(entity, &name),
            AlterAction::RenameColumn { from, to } => rename_column(entity, &from, &to),
            AlterAction::AddIndex(index) => add_index(entity, index, path, place),
            AlterAction::AddForeignKey(key) => entity.foreign_keys.push(foreign_key(key, place)),
            AlterAction::AddCheck(found) => entity.checks.push(check(found, path, place)),
            AlterAction::DropConstraint(name) => drop_constraint(entity, &name),
            AlterAction::DropPrimaryKey => entity.keys.retain(|key| !key.primary),
            AlterAction::RenameConstraint { from, to } => rename_constraint(entity, &from, &to),
            AlterAction::SetNotNull(name, refuses) => {
                if let Some(known) = entity.columns.iter_mut().find(|known| same(&known.name, &name)) {
                    known.optional = !refuses;
                }
            }
            AlterAction::SetDefault(name, value) => {
                if let Some(known) = entity.columns.iter_mut().find(|known| same(&known.name, &name)) {
                    known.default = value.map_or(DefaultValue::None, DefaultValue::of);
                }
            }
            AlterAction::RenameTable(_) => {}
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn column(definition: ColumnDef, place: Option<Span>) -> Column {
    let list = definition.type_name.trim_end().ends_with("[]");
    let default = if definition.generated {
        DefaultValue::Generated
    } else {
        definition.default.map_or(DefaultValue::None, DefaultValue::of)
    };
    Column {
        mapped: definition.name.clone(),
        name: definition.name,
        kind: ColumnKind::Scalar(definition.type_name.clone()),
        optional: !definition.not_null,
        list,
        default,
        native_type: Some(definition.type_name),
        span: place.unwrap_or(definition.span),
        ..Column::default()
    }
}

fn foreign_key(key: ForeignKeyDef, place: Option<Span>) -> ForeignKey {
    ForeignKey {
        columns: key.columns,
        entity: key.table,
        references: key.references,
        name: key.name,
        on_delete: key.on_delete,
        span: place.unwrap_or(key.span),
    }
}

fn check(found: CheckDef, path: &str, place: Option<Span>) -> Check {
    Check { filter: found.filter, name: found.name, span: place.unwrap_or(found.span), path: path.to_owned() }
}

fn add_index(entity: &mut Entity, index: IndexDef, path: &str, place: Option<Span>) {
    let span = place.unwrap_or(index.span);
    // `UNIQUE USING INDEX` makes a constraint of a key that is there.
    if let Some(using) = &index.using_index {
        if let Some(key) = entity.keys.iter_mut().find(|key| key.constraint.as_deref() == Some(using)) {
            key.constraint = index.name.or_else(|| key.constraint.take());
            key.primary |= index.primary;
        }
        return;
    }
    let (mut columns, mut expressions): (Vec<String>, _) = (Vec::new(), Vec::new());
    for part in index.columns {
        match part {
            IndexColumn::Column(name) => columns.push(as_defined(entity, name)),
            IndexColumn::Expression { function, columns: within } => {
                let within: Vec<String> = within.into_iter().map(|name| as_defined(entity, name)).collect();
                columns.extend(within.iter().filter(|name| !columns.contains(name)).cloned().collect::<Vec<_>>());
                expressions.push(KeyExpression { function, columns: within });
            }
        }
    }
    let known = |name: &Option<String>| name.is_some() && *name == index.name;
    if !index.unique {
        if !entity.indexes.iter().any(|found| known(&found.name)) {
            entity.indexes.push(Index { columns, name: index.name, span });
        }
        return;
    }
    if entity.keys.iter().any(|key| known(&key.constraint)) {
        return;
    }
    if index.primary {
        for column in entity.columns.iter_mut().filter(|column| columns.contains(&column.name)) {
            column.optional = false;
        }
    }
    entity.keys.push(UniqueKey {
        name: columns.join("_"),
        constraint: index.name.or_else(|| Some(default_name(&entity.table, &columns, index.primary))),
        columns,
        primary: index.primary,
        partial: index.filter,
        expressions,
        nulls_not_distinct: index.nulls_not_distinct,
        exclusion: index.exclusion,
        span,
        path: path.to_owned(),
    });
}

/// The name PostgreSQL gives a constraint that has none.
fn default_name(table: &str, columns: &[String], primary: bool) -> String {
    if primary { format!("{table}_pkey") } else { format!("{table}_{}_key", columns.join("_")) }
}

/// A column's name as its definition spells it: bare names may differ in case.
fn as_defined(entity: &Entity, name: String) -> String {
    entity.column_of_sql(&name).map_or(name, |column| column.name.clone())
}

fn drop_constraint(entity: &mut Entity, name: &str) {
    let named = |found: &Option<String>| found.as_deref().is_some_and(|found| same(found, name));
    entity.keys.retain(|key| !named(&key.constraint));
    entity.indexes.retain(|index| !named(&index.name));
    entity.foreign_keys.retain(|key| !named(&key.name));
    entity.checks.retain(|check| !named(&check.name));
}

fn rename_constraint(entity: &mut Entity, from: &str, to: &str) {
    let keys = entity.keys.iter_mut().map(|key| &mut key.constraint);
    let indexes = entity.indexes.iter_mut().map(|index| &mut index.name);
    let foreign_keys = entity.foreign_keys.iter_mut().map(|key| &mut key.name);
    for name in keys.chain(indexes).chain(foreign_keys).flatten() {
        if same(name, from) {
            to.clone_into(name);
        }
    }
}

/// With a column go the keys and indexes that it is part of.
fn drop_column(entity: &mut Entity, name: &str) {
    let has = |columns: &[String]| columns.iter().any(|column| same(column, name));
    entity.columns.retain(|column| !same(&column.name, name));
    entity.keys.retain(|key| !has(&key.columns) && !key.partial.as_ref().is_some_and(|filter| mentions(filter, name)));
    entity.indexes.retain(|index| !has(&index.columns));
    entity.foreign_keys.retain(|key| !has(&key.columns));
}

fn mentions(filter: &sql::Filter, name: &str) -> bool {
    let arms = filter.any_of.iter().flat_map(|group| group.arms.iter().flatten());
    let tested = filter.conditions.iter().chain(arms).map(|condition| &condition.column);
    tested.chain(&filter.mentions).any(|column| same(&column.name, name))
}

fn rename_column(entity: &mut Entity, from: &str, to: &str) {
    let rename = |name: &mut String| {
        if same(name, from) {
            to.clone_into(name);
        }
    };
    for column in &mut entity.columns {
        rename(&mut column.name);
        rename(&mut column.mapped);
    }
    for key in &mut entity.keys {
        key.columns.iter_mut().for_each(rename);
        key.expressions.iter_mut().flat_map(|expression| &mut expression.columns).for_each(rename);
        if let Some(filter) = &mut key.partial {
            let arms = filter.any_of.iter_mut().flat_map(|group| group.arms.iter_mut().flatten());
            filter.conditions.iter_mut().chain(arms).for_each(|condition| rename(&mut condition.column.name));
        }
        key.name = key.columns.join("_");
    }
    entity.indexes.iter_mut().flat_map(|index| &mut index.columns).for_each(rename);
    entity.foreign_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(rename);
}
