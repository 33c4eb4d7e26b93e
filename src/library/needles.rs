//! The words by which files that call a library are found without parsing them.

use std::collections::BTreeSet;

use super::{Library, TypePattern, Verb};

/// Names that libraries share with everything else. A file that holds only these is found by its imports.
const COMMON: &[&str] = &[
    "all",
    "begin",
    "client",
    "commit",
    "connection",
    "count",
    "create",
    "default",
    "delete",
    "exec",
    "execute",
    "find",
    "first",
    "get",
    "insert",
    "join",
    "lock",
    "pool",
    "query",
    "raw",
    "remove",
    "run",
    "save",
    "session",
    "set",
    "sql",
    "transaction",
    "update",
    "values",
    "where",
];

/// SQL that changes or locks rows, as it stands in texts.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO",
    "UPDATE ",
    "DELETE FROM",
    "FOR UPDATE",
    "FOR SHARE",
    "ON CONFLICT",
    "ON DUPLICATE KEY",
    "insert into",
    "delete from",
    "for update",
    "for share",
    "on conflict",
    "on duplicate key",
];

/// The words of some libraries, sorted, each once.
pub(super) fn needles(libraries: &[Library]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for library in libraries {
        found.extend(library.detect.iter().filter_map(|module| distinctive(module)));
        for pattern in library.types.iter().flat_map(|row| &row.patterns) {
            found.extend(match pattern {
                TypePattern::New(name) | TypePattern::Declared(name) | TypePattern::Extends(name) => {
                    name.rsplit(['.', ':']).next().and_then(distinctive)
                }
                TypePattern::Named(name) => distinctive(name),
                TypePattern::Imported { module, .. } => distinctive(module),
                TypePattern::Path(name) => name.rsplit("::").next().and_then(distinctive),
                TypePattern::Derive(name) => distinctive(name),
                TypePattern::Entity => None,
            });
        }
        let calls = library.calls.iter().map(|row| &row.on).chain(library.regions.iter().map(|row| &row.open));
        found.extend(calls.flat_map(|pattern| pattern.names().filter_map(distinctive).collect::<Vec<_>>()));
        if library.calls.iter().any(|row| row.verb == Some(Verb::Sql)) {
            found.extend(SQL.iter().map(|word| (*word).to_owned()));
        }
    }
    found.into_iter().collect()
}

/// The longest literal piece of a name, if it is long enough and no common word.
fn distinctive(name: &str) -> Option<String> {
    let piece = name.split('*').max_by_key(|piece| piece.len())?;
    (piece.len() >= 5 && !COMMON.contains(&piece.to_lowercase().as_str())).then(|| piece.to_owned())
}
