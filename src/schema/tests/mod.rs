//! Schemas in many spellings, in a short form that tests compare.

mod discover;
mod migrations;
mod prisma;
mod rust;

use super::{Column, ColumnKind, DefaultValue, Entity, Schema, UniqueKey};

/// The entities of a schema, one line per column and key.
fn show(schema: &Schema) -> Vec<String> {
    schema.entities.iter().flat_map(entity).collect()
}

fn entity(entity: &Entity) -> Vec<String> {
    let view = if entity.view { "view " } else { "" };
    let table = if entity.table == entity.name { String::new() } else { format!(" = {}", entity.table) };
    let mut lines = vec![format!("{view}{}{table}", entity.name)];
    lines.extend(entity.columns.iter().map(|found| format!("  {}", column(found))));
    lines.extend(entity.keys.iter().map(|found| format!("  {}", key(found))));
    lines
}

fn column(column: &Column) -> String {
    let mut out = column.name.clone();
    if column.mapped != column.name {
        out += &format!("={}", column.mapped);
    }
    out += &match &column.kind {
        ColumnKind::Scalar(name) => format!(" {name}"),
        ColumnKind::Enum(name) => format!(" enum {name}"),
        ColumnKind::Composite(name) => format!(" type {name}"),
        ColumnKind::Relation(relation) => {
            let by = relation.fields.join(",");
            let to = relation.references.join(",");
            format!(" -> {}{}", relation.entity, if by.is_empty() { String::new() } else { format!("({by}:{to})") })
        }
    };
    out += if column.list { "[]" } else { "" };
    out += if column.optional { "?" } else { "" };
    out += &match &column.default {
        DefaultValue::None => String::new(),
        DefaultValue::Literal(text) => format!(" = {text}"),
        other => format!(" = {other:?}").to_lowercase(),
    };
    out += if column.updated_at { " updated" } else { "" };
    out += if column.ignored { " ignored" } else { "" };
    out
}

fn key(key: &UniqueKey) -> String {
    let kind = if key.primary {
        "primary"
    } else if key.exclusion {
        "exclude"
    } else {
        "unique"
    };
    let mut out = format!("{kind} {}({})", key.name, key.columns.join(", "));
    out += &format!(" {}", key.constraint.as_deref().unwrap_or("-"));
    if let Some(filter) = &key.partial {
        let tests: Vec<String> = filter
            .conditions
            .iter()
            .map(|condition| format!("{} {:?} {:?}", condition.column.name, condition.op, condition.value))
            .collect();
        out += &format!(" where {}{}", tests.join(" & "), if filter.opaque { " ?" } else { "" });
    }
    for expression in &key.expressions {
        out += &format!(" by {}<{}>", expression.function.as_deref().unwrap_or(""), expression.columns.join(" "));
    }
    out += if key.nulls_not_distinct { " nulls-equal" } else { "" };
    out
}
