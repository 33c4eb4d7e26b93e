//! Putting parts of a schema together.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Check, Column, ColumnKind, Entity, Relation, Schema, UniqueKey};
use crate::sql::{AnyOf, Condition, Filter, SqlValue};

impl Schema {
    /// Puts the files of one schema together. A name that is defined twice keeps its first definition: some projects
    /// commit both the parts and the whole that is generated from them.
    #[must_use]
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        let mut names: FxHashSet<String> = FxHashSet::default();
        for part in parts {
            whole.engine = whole.engine.or(part.engine);
            whole.emulated_relations |= part.emulated_relations;
            whole.generators.extend(part.generators);
            whole.problems.extend(part.problems);
            whole.entities.extend(part.entities.into_iter().filter(|entity| names.insert(entity.name.clone())));
            whole.composites.extend(part.composites.into_iter().filter(|entity| names.insert(entity.name.clone())));
            whole.enums.extend(part.enums.into_iter().filter(|found| names.insert(found.name.clone())));
        }
        whole.resolve_types();
        whole
    }

    /// Tells relations from enumerations and composite types: a file alone may not define what it names.
    pub(super) fn resolve_types(&mut self) {
        let enums: FxHashSet<&str> = self.enums.iter().map(|found| found.name.as_str()).collect();
        let composites: FxHashSet<String> = self.composites.iter().map(|found| found.name.clone()).collect();
        let columns = self.entities.iter_mut().chain(&mut self.composites).flat_map(|entity| &mut entity.columns);
        for column in columns {
            let ColumnKind::Relation(Relation { entity, .. }) = &column.kind else { continue };
            if enums.contains(entity.as_str()) {
                column.kind = ColumnKind::Enum(entity.clone());
            } else if composites.contains(entity) {
                column.kind = ColumnKind::Composite(entity.clone());
            }
        }
    }

    /// Adds the tables of another part of the same database that are not known yet.
    pub fn add_missing(&mut self, part: Self) {
        self.engine = self.engine.or(part.engine);
        let unknown = |entity: &Entity| self.entity_of_table(&entity.table).is_none();
        let more: Vec<Entity> = part.entities.into_iter().filter(unknown).collect();
        self.entities.extend(more);
    }

    /// Adds a unique key on columns of a table, as SQL names them, unless there is one on the same columns.
    pub fn add_key(&mut self, table: &str, columns: &[String], path: &str) {
        let Some(at) = self.position_by_table(table) else { return };
        let entity = &mut self.entities[at];
        let named = columns.iter().map(|column| Some(entity.column_of_sql(column)?.name.clone()));
        let Some(columns) = named.collect::<Option<Vec<String>>>() else { return };
        let is_same = |key: &UniqueKey| {
            key.columns.len() == columns.len() && columns.iter().all(|column| key.columns.contains(column))
        };
        if !entity.keys.iter().any(is_same) {
            let name = columns.join("_");
            entity.keys.push(UniqueKey { columns, name, path: path.to_owned(), ..UniqueKey::default() });
        }
    }

    /// Adds tables as code knows them. Of a table that migrations made, code says what its columns are called, and the
    /// migrations what the database guarantees.
    pub fn add_tables(&mut self, tables: Self) {
        self.engine = self.engine.or(tables.engine);
        for mut table in tables.entities {
            let Some(at) = self.position_by_table(&table.table) else {
                self.entities.push(table);
                continue;
            };
            let made = &self.entities[at];
            let renames = |column: &Column| column.name != column.mapped;
            if !table.columns.iter().any(renames) && table.name == made.name {
                let known = |column: &Column| made.column_of_sql(&column.mapped).is_some();
                let more: Vec<Column> = table.columns.into_iter().filter(|column| !known(column)).collect();
                let primary = table.keys.into_iter().filter(|key| key.primary && made.primary_key().is_none());
                let primary: Vec<UniqueKey> = primary.collect();
                self.entities[at].columns.extend(more);
                self.entities[at].keys.extend(primary);
                continue;
            }
            for column in &mut table.columns {
                if let Some(stored) = made.column_of_sql(&column.mapped) {
                    column.default = stored.default.clone();
                    column.optional = stored.optional;
                }
            }
            let primary = table.keys.iter().filter(|key| key.primary && made.primary_key().is_none()).cloned();
            table.keys = primary.chain(made.keys.iter().map(|key| in_code(&table, key))).collect();
            table.foreign_keys.clone_from(&made.foreign_keys);
            let checked = |check: &Check| Check { filter: filter_in_code(&table, &check.filter), ..check.clone() };
            table.checks = made.checks.iter().map(checked).collect();
            self.entities[at] = table;
        }
    }

    /// Adds the unique keys and checks that migrations create and the model does not mention. Those are mostly partial
    /// and expression indexes, which model files have no words for. Returns how many keys were added.
    pub fn add_keys_from(&mut self, migrations: &Self) -> usize {
        let mut added = 0;
        let tables: FxHashMap<String, usize> = self
            .entities
            .iter()
            .enumerate()
            .rev()
            .map(|(index, entity)| (entity.table.to_lowercase(), index))
            .collect();
        for table in &migrations.entities {
            let exact = self.entities.iter().position(|entity| entity.table == table.table);
            let Some(index) = exact.or_else(|| tables.get(&table.table.to_lowercase()).copied()) else { continue };
            let entity = &mut self.entities[index];
            for key in &table.keys {
                let key = in_code(entity, key);
                // A column that the model doesn't have: the migrations in sight are not the ones the model is from.
                let known = key.columns.iter().all(|name| entity.column(name).is_some());
                if known && !entity.keys.iter().any(|known| same_key(known, &key)) {
                    entity.keys.push(key);
                    added += 1;
                }
            }
            for check in &table.checks {
                let check = Check { filter: filter_in_code(entity, &check.filter), ..check.clone() };
                if !entity.checks.iter().any(|known| known.filter == check.filter) {
                    entity.checks.push(check);
                }
            }
        }
        added
    }
}

/// Whether two keys keep the same rows apart.
pub(super) fn same_key(a: &UniqueKey, b: &UniqueKey) -> bool {
    let same_columns = a.columns.len() == b.columns.len() && a.columns.iter().all(|column| b.columns.contains(column));
    let by_name = a.constraint.is_some() && a.constraint == b.constraint && a.partial.is_some() == b.partial.is_some();
    same_columns && a.expressions == b.expressions && a.exclusion == b.exclusion && (by_name || a.partial == b.partial)
}

/// A key of the database with its columns named as in code.
fn in_code(entity: &Entity, key: &UniqueKey) -> UniqueKey {
    let mut key = key.clone();
    let rename = |name: &mut String| {
        if let Some(column) = entity.column_of_sql(name) {
            name.clone_from(&column.name);
        }
    };
    key.columns.iter_mut().for_each(rename);
    key.expressions.iter_mut().flat_map(|expression| &mut expression.columns).for_each(rename);
    key.name = key.columns.join("_");
    key.partial = key.partial.map(|filter| filter_in_code(entity, &filter));
    key
}

/// A filter of the database with its columns named as in code.
pub(super) fn filter_in_code(entity: &Entity, filter: &Filter) -> Filter {
    let rename = |name: &mut String| {
        if let Some(column) = entity.column_of_sql(name) {
            name.clone_from(&column.name);
        }
    };
    let condition = |condition: &Condition| {
        let mut condition = condition.clone();
        rename(&mut condition.column.name);
        if let SqlValue::Column(column) = &mut condition.value {
            rename(&mut column.name);
        }
        condition
    };
    let mut mentions = filter.mentions.clone();
    mentions.iter_mut().for_each(|column| rename(&mut column.name));
    Filter {
        conditions: filter.conditions.iter().map(condition).collect(),
        any_of: filter
            .any_of
            .iter()
            .map(|group| AnyOf { arms: group.arms.iter().map(|arm| arm.iter().map(condition).collect()).collect() })
            .collect(),
        opaque: filter.opaque,
        mentions,
    }
}
