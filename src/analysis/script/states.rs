//! The states a script starts from: enough to take every branch.

use std::collections::BTreeMap;

use super::terms::{TableInfo, Terms, UNTESTED};
use crate::interleave::{Initial, Name, Row, Table, Value};

/// How many states are tried.
const STATES: usize = 10;

/// How many more are tried with the rows that only later statements ask for.
const FURTHER_STATES: usize = 5;

/// What a column holds that tells somebody else's row from those of both runs.
const SOMEBODY: i64 = 77_777;

/// A table with rows.
type Rows = Vec<(String, Row)>;

/// All states to start from.
pub(super) fn initials(terms: &Terms, tables: &[Table], bound: bool) -> Vec<Initial> {
    let mut states = states_of(terms, bound, false);
    states.truncate(STATES);
    if terms.info.values().any(|info| !further_rows(terms, info).is_empty()) {
        let mut further = states_of(terms, bound, true);
        further.truncate(FURTHER_STATES);
        states.extend(further);
    }
    states
        .into_iter()
        .map(|rows| kept_apart(terms, tables, rows))
        .map(|rows| rows.into_iter().fold(Initial::new(), |initial, (table, row)| initial.row(table.as_str(), row)))
        .collect()
}

/// Rows that unique keys let be there beside each other: where two have the same key, the later one is given another.
///
/// What no filter asks for, or what a run writes itself, is free to be another.
fn kept_apart(terms: &Terms, tables: &[Table], rows: Rows) -> Rows {
    let mut kept: Rows = Vec::new();
    for (name, mut row) in rows {
        let Some(table) = tables.iter().find(|table| **table.name() == *name) else {
            kept.push((name, row));
            continue;
        };
        let clash = |row: &Row, kept: &Rows| {
            let others = kept.iter().filter(|(other, _)| *other == name);
            others.filter_map(|(_, other)| table.common_key(row, other)).map(<[_]>::to_vec).next()
        };
        // Each change may run into another key.
        for place in 0..4 {
            let Some(key) = clash(&row, &kept) else { break };
            let changed = |column: &&Name| terms.changed.contains(&(name.clone(), column.to_string()));
            let asked = |column: &&Name| {
                let mut templates = terms.info.get(&name).into_iter().flat_map(|info| info.templates.iter().flatten());
                templates.any(|(known, _)| known.as_str() == &***column)
            };
            let free = key.iter().find(changed).or_else(|| key.iter().find(|column| !asked(column))).or(key.last());
            row = match free {
                Some(flag) if *row.get(flag) == Value::Bool(true) => row.with(flag.clone(), false),
                Some(column) => row.with(column.clone(), SOMEBODY + 1_000 + place),
                None => break,
            };
        }
        if clash(&row, &kept).is_none() {
            kept.push((name, row));
        }
    }
    kept
}

/// The states before they are cut; with `further`, tables hold the rows, too, that only later statements ask for.
fn states_of(terms: &Terms, bound: bool, further: bool) -> Vec<Rows> {
    let rows = |terms: &Terms, info: &TableInfo, choice: &[(String, Value)]| {
        let mut found = rows(terms, info, choice);
        if further {
            found.extend(further_rows(terms, info));
        }
        found
    };
    let mut others: Rows = Vec::new();
    for (name, info) in terms.info.iter().filter(|(name, _)| **name != terms.check_table) {
        let first = choices(terms, name, info).into_iter().next().unwrap_or_default();
        for row in rows(terms, info, &first) {
            others.push((name.clone(), row));
        }
    }
    let mut states: Vec<Rows> = vec![others.clone()];
    if let Some(info) = terms.info.get(&terms.check_table) {
        for choice in choices(terms, &terms.check_table, info) {
            let own = rows(terms, info, &choice);
            let with = |rows: &[Row]| {
                let mut state = others.clone();
                state.extend(rows.iter().map(|row| (terms.check_table.clone(), row.clone())));
                state
            };
            if let (Some((column, keys)), [row]) = (&terms.shifted, own.as_slice()) {
                states.extend([1, -1].map(|side| with(&neighbours(row, column, keys, side))));
            }
            states.push(with(&own));
            if own.len() > 1 {
                // Somebody else's row beside those of both runs.
                let mut third = own.clone();
                let mut row = own[0].clone();
                for (column, value) in own[0].iter() {
                    if own[1].get(column) != value {
                        row = row.with(column.clone(), SOMEBODY);
                    }
                }
                third.push(row);
                states.push(with(&third));
            }
            if bound && own.len() == 1 {
                let mut second = own[0].clone();
                for (column, value) in &choice {
                    if let Value::Int(n) = value {
                        second = second.with(column.as_str(), n - 1);
                    }
                }
                states.push(with(&[own[0].clone(), second]));
            }
        }
        // A row outside of the check's condition that shares a part of it.
        if let Some(template) = info.templates.iter().find(|t| t.len() > 1) {
            let mut row = Row::new();
            for (at, (column, value)) in template.iter().enumerate() {
                let value = terms.evaluate(value, 0).unwrap_or_default();
                row = row.with(column.as_str(), if at == 0 { value } else { Value::Int(SOMEBODY) });
            }
            let mut state = others.clone();
            state.push((terms.check_table.clone(), row));
            states.push(state);
        }
    }
    states.dedup();
    states
}

/// A row of a list, and the two next to it on one side.
fn neighbours(row: &Row, column: &str, keys: &[String], side: i64) -> Vec<Row> {
    let place = match row.get(column) {
        Value::Int(place) => *place,
        _ => UNTESTED,
    };
    let at = |steps: i64| {
        let keyed = keys.iter().fold(row.clone(), |row, key| row.with(key.as_str(), SOMEBODY + steps));
        keyed.with(column, place + steps)
    };
    vec![row.clone().with(column, place), at(side), at(2 * side)]
}

/// Values for the columns that no filter fixes: those that let a run go on, then each column varied by itself.
fn choices(terms: &Terms, name: &str, info: &TableInfo) -> Vec<Vec<(String, Value)>> {
    let changed = |column: &String| terms.changed.contains(&(name.to_owned(), column.clone()));
    let fixed = |column: &String| {
        info.templates.iter().any(|t| t.iter().any(|(c, _)| c == column))
            && info.columns[column].len() <= 1
            && !changed(column)
    };
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    for (column, values) in info.columns.iter().filter(|(column, _)| !fixed(column)) {
        let mut values: Vec<Value> = values.iter().cloned().collect();
        if values.is_empty() {
            // Nothing tests it.
            values.push(Value::Int(UNTESTED));
        }
        if values.len() == 1 && changed(column) && !info.columns[column].is_empty() {
            values.insert(0, other_than(&values[0]));
        }
        if values.iter().all(|v| matches!(v, Value::Text(_))) {
            values.push(Value::from("?"));
        }
        if values.iter().all(|value| terms.is_unwanted(name, column, value)) {
            values.push(other_than(&values[0]));
        }
        // What lets the run go on comes first.
        values.sort_by_key(|value| terms.refusals(name, column, value));
        values.truncate(5);
        columns.push((column.clone(), values));
    }
    let first: Vec<(String, Value)> =
        columns.iter().map(|(column, values)| (column.clone(), values[0].clone())).collect();
    let mut all = vec![first.clone()];
    for (at, (column, values)) in columns.iter().enumerate() {
        for value in &values[1..] {
            let mut varied = first.clone();
            varied[at] = (column.clone(), value.clone());
            all.push(varied);
        }
    }
    all
}

/// Some other value of the same kind.
fn other_than(value: &Value) -> Value {
    match value {
        Value::Bool(truth) => Value::Bool(!truth),
        Value::Text(_) => Value::from("?"),
        Value::Int(n) => Value::Int(n + 7_777),
        Value::Null => Value::Int(5),
        Value::Generated(_) => Value::Null,
    }
}

/// The rows that the script's filters ask for: one if both runs mean the same.
fn rows(terms: &Terms, info: &TableInfo, choice: &[(String, Value)]) -> Vec<Row> {
    let mut found: Vec<Row> = Vec::new();
    for session in 0..2 {
        let mut row = Row::new();
        let mut filled: Vec<&str> = Vec::new();
        for (column, value) in info.templates.iter().flatten() {
            if filled.contains(&column.as_str()) {
                continue;
            }
            // What a column of another row asks for is what untested columns hold.
            let of_row = matches!(value, crate::interleave::Expr::Field(..)).then_some(Value::Int(UNTESTED));
            if let Some(value) = terms.evaluate(value, session).or(of_row) {
                row = row.with(column.as_str(), value);
                filled.push(column);
            }
        }
        for (column, value) in choice {
            let by_run = info
                .templates
                .iter()
                .flatten()
                .any(|(c, v)| c == column && matches!(v, crate::interleave::Expr::Var(_)));
            if !by_run {
                row = row.with(column.as_str(), value.clone());
            }
        }
        if !found.contains(&row) {
            found.push(row);
        }
    }
    found
}

/// The rows of filters that ask another value of a column than the first filter on it does: they find rows of their own.
fn further_rows(terms: &Terms, info: &TableInfo) -> Vec<Row> {
    let mut found: Vec<Row> = Vec::new();
    for session in 0..2 {
        let mut first: BTreeMap<&str, Value> = BTreeMap::new();
        for template in &info.templates {
            let values = template.iter().filter_map(|(c, v)| Some((c.as_str(), terms.evaluate(v, session)?)));
            let values: Vec<(&str, Value)> = values.collect();
            if values.iter().any(|(column, value)| first.get(column).is_some_and(|known| known != value)) {
                let row = Row::new();
                let row = values.iter().fold(row, |row, (column, value)| row.with(*column, value.clone()));
                if !found.contains(&row) {
                    found.push(row);
                }
            }
            for (column, value) in values {
                first.entry(column).or_insert(value);
            }
        }
    }
    found
}
