//! The short form of a statement that tests compare.

use crate::sql::{
    Aggregate, Column, Condition, Conflict, ConflictTarget, Ddl, Exists, Filter, Kind, LockStrength, Part, Query,
    RowCount, SqlValue, SqlWrite, Statement, Table, Verb,
};

pub(super) fn statement(statement: &Statement) -> String {
    let part = match &statement.part {
        Part::Whole => String::new(),
        Part::Cte(name) => format!("{name}: "),
        Part::Nested => "- ".to_owned(),
    };
    part + &match &statement.kind {
        Kind::Query(read) => query(read),
        Kind::Ddl(Ddl::Block(body)) => format!("block {}", body.trim()),
        Kind::AdvisoryLock { scope, key, tries, shared } => {
            format!("lock {scope:?} {}{}{}", value(key), flag(*tries, " tries"), flag(*shared, " shared"))
        }
        Kind::AdvisoryUnlock { key } => format!("unlock {}", key.as_ref().map_or("all".to_owned(), value)),
        other => format!("{other:?}"),
    }
}

fn flag(holds: bool, text: &str) -> &str {
    if holds { text } else { "" }
}

fn query(query: &Query) -> String {
    let mut out = match query.verb {
        Verb::Select => "select",
        Verb::Insert => "insert",
        Verb::Update => "update",
        Verb::Delete => "delete",
    }
    .to_owned();
    if let Some(found) = &query.table {
        out += &format!(" {}", table(found));
    }
    if let Some(source) = query.source {
        out += &format!(" from #{source}");
    }
    for join in &query.joins {
        out += &format!(" {}join {}", flag(join.outer, "outer "), table(&join.table));
        if join.on != Filter::default() {
            out += &format!(" on {}", filter(&join.on));
        }
    }
    match query.exists {
        Exists::No => {}
        Exists::Yes => out += " exists",
        Exists::Negated => out += " not-exists",
    }
    if let Some(found) = &query.aggregate {
        out += &format!(" {}", aggregate(found));
    }
    if !query.writes.is_empty() {
        out += &format!(" set {}", writes(&query.writes));
    }
    match query.row_count {
        RowCount::One => {}
        RowCount::Many(count) => out += &format!(" rows {count}"),
        RowCount::Unknown => out += " rows ?",
    }
    if query.filter != Filter::default() {
        out += &format!(" where {}", filter(&query.filter));
    }
    out += flag(query.insert_select, " insert-select");
    out += flag(query.insert_select_not_exists, " if-not-exists");
    match &query.conflict {
        None => {}
        Some(Conflict::Nothing(found)) => out += &format!(" conflict{} nothing", target(found)),
        Some(Conflict::Update { target: found, sets, filter: guard }) => {
            out += &format!(" conflict{} update {}", target(found), writes(sets));
            if *guard != Filter::default() {
                out += &format!(" where {}", filter(guard));
            }
        }
        Some(Conflict::Replace) => out += " replace",
        Some(Conflict::Merge) => out += " merge",
    }
    out += flag(query.grouped, " grouped");
    for order in &query.order_by {
        let name = order.column.as_ref().map_or("?".to_owned(), column);
        out += &format!(" order {name}{}", flag(order.descending, " desc"));
    }
    if let Some(limit) = &query.limit {
        out += &format!(" limit {}", value(limit));
    }
    if let Some(lock) = &query.lock {
        out += if lock.strength == LockStrength::ForUpdate { " for update" } else { " for share" };
        out += flag(lock.nowait, " nowait");
        out += flag(lock.skip_locked, " skip");
        for of in &lock.of {
            out += &format!(" of {of}");
        }
    }
    out += flag(query.returning, " returning");
    if !query.fragments.is_empty() {
        out += &format!(" fragments {:?}", query.fragments);
    }
    out
}

fn table(table: &Table) -> String {
    table.alias.as_ref().map_or_else(|| table.name.clone(), |alias| format!("{}[{alias}]", table.name))
}

fn target(target: &ConflictTarget) -> String {
    let name = target.constraint.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    let columns = if target.columns.is_empty() { String::new() } else { format!(" ({})", target.columns.join(", ")) };
    format!("{columns}{name}{}{}", flag(target.expression, " expression"), flag(target.partial, " partial"))
}

fn aggregate(aggregate: &Aggregate) -> String {
    let of = aggregate.column.as_ref().map_or("*".to_owned(), column);
    format!("{:?}({of})", aggregate.kind).to_lowercase()
}

fn writes(writes: &[crate::sql::Assignment]) -> String {
    let shown: Vec<String> = writes
        .iter()
        .map(|write| {
            let written = match &write.write {
                SqlWrite::Value(written) => format!("= {}", value(written)),
                SqlWrite::Delta { plus, value: by } => format!("{}= {}", if *plus { "+" } else { "-" }, value(by)),
                SqlWrite::Opaque(leaves) => format!("~ {}", list(leaves)),
            };
            format!("{} {written}", write.column)
        })
        .collect();
    shown.join(", ")
}

pub(super) fn filter(filter: &Filter) -> String {
    let mut parts: Vec<String> = filter.conditions.iter().map(condition).collect();
    for group in &filter.any_of {
        let arms: Vec<String> =
            group.arms.iter().map(|arm| arm.iter().map(condition).collect::<Vec<_>>().join(" & ")).collect();
        parts.push(format!("({})", arms.join(" | ")));
    }
    if filter.opaque {
        let mentions: Vec<String> = filter.mentions.iter().map(column).collect();
        parts.push(format!(
            "?{}",
            if mentions.is_empty() { String::new() } else { format!("[{}]", mentions.join(" ")) }
        ));
    }
    parts.join(" & ")
}

fn condition(condition: &Condition) -> String {
    let name = column(&condition.column);
    let name = condition.through.as_ref().map_or_else(|| name.clone(), |through| format!("{through}({name})"));
    let op = format!("{:?}", condition.op).to_lowercase();
    if condition.value == SqlValue::Null {
        format!("{name} {op}")
    } else {
        format!("{name} {op} {}", value(&condition.value))
    }
}

fn column(column: &Column) -> String {
    column.of.as_ref().map_or_else(|| column.name.clone(), |of| format!("{of}.{}", column.name))
}

fn list(values: &[SqlValue]) -> String {
    format!("[{}]", values.iter().map(value).collect::<Vec<_>>().join(" "))
}

pub(super) fn value(value: &SqlValue) -> String {
    match value {
        SqlValue::Hole(number) => format!("{{{number}}}"),
        SqlValue::Param(name) => name.clone(),
        SqlValue::Number(number) => number.clone(),
        SqlValue::Text(text) => format!("'{text}'"),
        SqlValue::Null => "null".to_owned(),
        SqlValue::Bool(holds) => holds.to_string(),
        SqlValue::Column(found) => column(found),
        SqlValue::Now => "now".to_owned(),
        SqlValue::Fresh => "fresh".to_owned(),
        SqlValue::List(parts) => list(parts),
        SqlValue::Rows(place) => format!("#{place}"),
        SqlValue::Opaque(leaves) => format!("~{}", list(leaves)),
    }
}
