//! Unique keys that inserts name in passing: `ON CONFLICT (a, b)` is an error where there is none on these columns.

use super::CONFLICTS;
use super::tokens::Tokens;
use crate::sql::{self, Dialect, Kind};

/// The keys that the SQL texts of a file name: the table, and the columns.
pub(super) fn read(tokens: &Tokens) -> Vec<(String, Vec<String>)> {
    let texts = (0..tokens.len()).filter_map(|at| tokens.text(at));
    let hits = texts.filter(|text| CONFLICTS.iter().any(|word| text.contains(word)));
    hits.flat_map(keys).collect()
}

fn keys(text: &str) -> Vec<(String, Vec<String>)> {
    let statements = sql::read(text, Dialect::Generic);
    let queries = statements.iter().filter_map(|statement| match &statement.kind {
        Kind::Query(query) => Some(query),
        _ => None,
    });
    let named = queries
        .filter_map(|query| Some((query.table.as_ref()?.name.clone(), query.conflict_target()?.columns.clone())));
    named.collect()
}
