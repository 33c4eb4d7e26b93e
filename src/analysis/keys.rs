//! Unique keys that come near what was checked, and what keeps them from covering it.

use crate::schema::{Entity, UniqueKey};

/// How many of them are told.
const TOLD: usize = 2;

/// A unique key that does not stop the second row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearKey {
    /// Its columns, as named in code.
    pub columns: Vec<String>,
    /// What keeps it from covering the check.
    pub miss: Miss,
}

/// What keeps a key from covering a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It covers some rows only, by these columns.
    Partial(Vec<String>),
    /// It is on what a function makes of the columns.
    Computed(Option<String>),
    /// Rows with null in this column collide with none.
    Null(String),
    /// Rows that differ in these columns as well are kept apart.
    Wider(Vec<String>),
}

/// The keys of an entity that have to do with the columns which a check asks for, some of them to be null, and do not keep a
/// second such row out.
#[must_use]
pub fn near(entity: &Entity, looked: &[String], nulls: &[String]) -> Vec<NearKey> {
    let is_looked = |column: &String| looked.contains(column);
    let related = entity.keys.iter().filter(|key| key.columns.iter().any(is_looked));
    let near =
        related.filter_map(|key| Some(NearKey { columns: key.columns.clone(), miss: miss(key, looked, nulls)? }));
    near.take(TOLD).collect()
}

fn miss(key: &UniqueKey, looked: &[String], nulls: &[String]) -> Option<Miss> {
    if let Some(expression) = key.expressions.first() {
        return Some(Miss::Computed(expression.function.clone()));
    }
    let further: Vec<String> = key.columns.iter().filter(|column| !looked.contains(column)).cloned().collect();
    if !further.is_empty() {
        return Some(Miss::Wider(further));
    }
    if let Some(filter) = &key.partial {
        let mut columns: Vec<String> = filter
            .conditions
            .iter()
            .map(|condition| &condition.column)
            .chain(&filter.mentions)
            .map(|it| it.name.clone())
            .collect();
        columns.sort();
        columns.dedup();
        return Some(Miss::Partial(columns));
    }
    let null = key.columns.iter().find(|column| nulls.contains(column));
    null.filter(|_| !key.nulls_not_distinct).cloned().map(Miss::Null)
}
