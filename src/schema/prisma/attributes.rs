//! Attributes of fields and models.

use super::lex::{Kind, Tokens};
use super::{Column, ColumnKind, DefaultValue, Entity};
use crate::schema::merge::same_key;
use crate::schema::{ForeignKey, Index, KeyExpression, UniqueKey};
use crate::sql::{self, Condition, Dialect, Filter, Op, SqlValue};
use crate::text::Span;

type Range = (usize, usize);

/// An attribute, as the ranges of its arguments.
pub(super) struct Attribute {
    /// Its dotted name, without `@`.
    name: String,
    span: Span,
    arguments: Vec<(Option<String>, Range)>,
}

impl Attribute {
    /// Reads the attribute at a place; returns where it ends.
    pub fn read(tokens: &Tokens<'_>, at: usize, end: usize) -> Option<(Self, usize)> {
        if !tokens.is(at, "@") && !tokens.is(at, "@@") {
            return None;
        }
        let mut name = tokens.ident(at + 1).filter(|_| at + 1 < end)?.to_owned();
        let mut next = at + 2;
        while next + 1 < end && tokens.is(next, ".") {
            name.push('.');
            name += tokens.ident(next + 1)?;
            next += 2;
        }
        let mut arguments = Vec::new();
        if next < end && tokens.is(next, "(") {
            if !tokens.closed(next) {
                return None;
            }
            for (start, end) in tokens.split_commas(tokens.inside(next)) {
                match tokens.ident(start).filter(|_| tokens.is(start + 1, ":")) {
                    Some(named) => arguments.push((Some(named.to_owned()), (start + 2, end))),
                    None => arguments.push((None, (start, end))),
                }
            }
            next = tokens.after(next);
        }
        Some((Self { name, span: tokens.span(at, next), arguments }, next))
    }

    /// The argument of a name.
    fn named(&self, name: &str) -> Option<Range> {
        self.arguments.iter().find(|(found, _)| found.as_deref() == Some(name)).map(|(_, range)| *range)
    }

    /// The argument of a name, or the first without one.
    fn first_or(&self, name: &str) -> Option<Range> {
        let unnamed = || self.arguments.iter().find(|(found, _)| found.is_none()).map(|(_, range)| *range);
        self.named(name).or_else(unnamed)
    }

    fn string(&self, tokens: &Tokens<'_>, name: &str) -> Option<String> {
        self.named(name).and_then(|range| tokens.string(range.0))
    }

    /// Applies what concerns the field itself.
    pub fn apply_to_column(&self, tokens: &Tokens<'_>, column: &mut Column) {
        match self.name.as_str() {
            "map" => {
                if let Some(name) = self.first_or("name").and_then(|range| tokens.string(range.0)) {
                    column.mapped = name;
                }
            }
            "default" => {
                column.default = self.first_or("value").map_or(DefaultValue::Opaque, |range| default(tokens, range))
            }
            "updatedAt" => column.updated_at = true,
            "ignore" => column.ignored = true,
            "relation" => self.relation(tokens, column),
            name => {
                if let Some(native) = name.strip_prefix("db.") {
                    column.native_type = Some(native.to_owned());
                }
            }
        }
    }

    fn relation(&self, tokens: &Tokens<'_>, column: &mut Column) {
        let ColumnKind::Relation(relation) = &mut column.kind else { return };
        let names = |name| self.named(name).map(|range| field_list(tokens, range)).unwrap_or_default();
        relation.fields = names("fields");
        relation.references = names("references");
        relation.name = self.first_or("name").and_then(|range| tokens.string(range.0));
    }

    /// Adds the key, or the foreign key, that a field's attribute makes.
    pub fn key_of_column(&self, tokens: &Tokens<'_>, path: &str, column: &Column, entity: &mut Entity) {
        match (self.name.as_str(), &column.kind) {
            ("id" | "unique", _) => {
                let mut key = self.key(tokens, path);
                key.columns = vec![column.name.clone()];
                key.primary = self.name == "id";
                entity.keys.push(key);
            }
            ("relation", ColumnKind::Relation(relation)) if !relation.fields.is_empty() => {
                let on_delete = self.named("onDelete").and_then(|range| tokens.ident(range.0)).map(action);
                entity.foreign_keys.push(ForeignKey {
                    columns: relation.fields.clone(),
                    entity: relation.entity.clone(),
                    references: relation.references.clone(),
                    name: self.string(tokens, "map"),
                    on_delete,
                    span: self.span,
                });
            }
            _ => {}
        }
    }

    /// Applies an attribute of a model.
    pub fn apply_to_entity(&self, tokens: &Tokens<'_>, path: &str, entity: &mut Entity) {
        match self.name.as_str() {
            "map" => {
                if let Some(name) = self.first_or("name").and_then(|range| tokens.string(range.0)) {
                    entity.table = name;
                }
            }
            "id" | "unique" => {
                let Some(fields) = self.first_or("fields") else { return };
                let mut key = self.key(tokens, path);
                key.columns = field_list(tokens, fields);
                key.primary = self.name == "id";
                key.name = self.string(tokens, "name").unwrap_or_default();
                entity.keys.push(key);
            }
            "index" => self.index(tokens, path, entity),
            _ => {}
        }
    }

    fn index(&self, tokens: &Tokens<'_>, path: &str, entity: &mut Entity) {
        let name = self.string(tokens, "map").or_else(|| self.string(tokens, "name"));
        let columns = self.first_or("fields").map(|range| field_list(tokens, range)).unwrap_or_default();
        let unique = self.named("unique").is_some_and(|range| tokens.is(range.0, "true"));
        if !unique {
            return entity.indexes.push(Index { columns, name, span: self.span });
        }
        // Later versions write unique expression indexes this way: `@@index(expression: "lower(email)", unique: true)`.
        let mut key = self.key(tokens, path);
        key.constraint = name;
        key.columns = columns;
        if let Some(text) = self.string(tokens, "expression") {
            let expression = expression(&text);
            key.columns.extend(expression.columns.iter().cloned());
            key.expressions.push(expression);
        }
        entity.keys.push(key);
    }

    fn key(&self, tokens: &Tokens<'_>, path: &str) -> UniqueKey {
        UniqueKey {
            constraint: self.string(tokens, "map"),
            partial: self.named("where").map(|range| partial(tokens, range)),
            span: self.span,
            path: path.to_owned(),
            ..UniqueKey::default()
        }
    }
}

impl Tokens<'_> {
    fn text_of(&self, (start, end): Range) -> &str {
        self.span(start, end).slice(self.text)
    }
}

/// Gives keys the names that the client and the database use where the schema doesn't say them. Names in the database
/// rest on table and column names, which the last line of a model may still change. Keys of the same columns, as of a field
/// that is both `@id` and `@unique`, are one.
pub(super) fn name_keys(entity: &mut Entity) {
    let mut keys: Vec<UniqueKey> = Vec::new();
    for key in entity.keys.drain(..) {
        match keys.iter_mut().find(|known| same_key(known, &key)) {
            Some(known) => known.primary |= key.primary,
            None => keys.push(key),
        }
    }
    entity.keys = keys;
    let mapped = |name: &String| {
        let column = entity.columns.iter().find(|column| column.name == *name);
        column.map_or_else(|| name.clone(), |column| column.mapped.clone())
    };
    for key in &mut entity.keys {
        if key.name.is_empty() {
            key.name = key.columns.join("_");
        }
        if key.constraint.is_none() {
            let columns: Vec<String> = key.columns.iter().map(mapped).collect();
            key.constraint = Some(if key.primary {
                format!("{}_pkey", entity.table)
            } else {
                format!("{}_{}_key", entity.table, columns.join("_"))
            });
        }
    }
}

/// The fields of `[a, b(sort: Desc), c.d]`, or of a single field.
fn field_list(tokens: &Tokens<'_>, range: Range) -> Vec<String> {
    let range = if tokens.is(range.0, "[") && tokens.closed(range.0) { tokens.inside(range.0) } else { range };
    let field = |(start, end): Range| {
        let mut name = tokens.ident(start)?.to_owned();
        let mut at = start + 1;
        while at + 1 < end && tokens.is(at, ".") {
            name.push('.');
            name += tokens.ident(at + 1)?;
            at += 2;
        }
        Some(name)
    };
    tokens.split_commas(range).into_iter().filter_map(field).collect()
}

fn default(tokens: &Tokens<'_>, (start, end): Range) -> DefaultValue {
    if let Some(text) = tokens.string(start) {
        return DefaultValue::Literal(text);
    }
    let called = tokens.is(start + 1, "(");
    match tokens.kind(start) {
        Some(Kind::Number) => DefaultValue::Literal(tokens.raw(start).to_owned()),
        Some(Kind::Ident) if !called => DefaultValue::Literal(tokens.raw(start).to_owned()),
        Some(Kind::Ident) => match tokens.raw(start) {
            "now" => DefaultValue::Now,
            "dbgenerated" => tokens
                .string(start + 2)
                .map_or(DefaultValue::Generated, |text| DefaultValue::of(sql::read_value(&text, Dialect::Postgres))),
            "autoincrement" | "cuid" | "uuid" | "ulid" | "nanoid" | "auto" | "sequence" => DefaultValue::Generated,
            _ => DefaultValue::Opaque,
        },
        // A list.
        _ => DefaultValue::Literal(tokens.text_of((start, end)).to_owned()),
    }
}

/// `SetNull` to `set null`.
fn action(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(character.to_lowercase());
    }
    out
}

/// The condition of a partial index: `raw("…")`, a string, or `{ field: value, field: { not: value } }`.
fn partial(tokens: &Tokens<'_>, (start, _): Range) -> Filter {
    let text = if tokens.is(start, "raw") { tokens.string(start + 2) } else { tokens.string(start) };
    if let Some(text) = text {
        return sql::read_filter(&text, Dialect::Generic);
    }
    let opaque = Filter { opaque: true, ..Filter::default() };
    if !tokens.is(start, "{") || !tokens.closed(start) {
        return opaque;
    }
    let mut filter = Filter::default();
    for (at, end) in tokens.split_commas(tokens.inside(start)) {
        let (Some(field), true) = (tokens.ident(at), tokens.is(at + 1, ":")) else { return opaque };
        let negated = tokens.is(at + 2, "{") && tokens.is(at + 3, "not") && tokens.is(at + 4, ":");
        let at = if negated { at + 5 } else { at + 2 };
        let Some(value) = literal(tokens, at).filter(|_| at < end) else { return opaque };
        let op = match (&value, negated) {
            (SqlValue::Null, false) => Op::IsNull,
            (SqlValue::Null, true) => Op::IsNotNull,
            (_, false) => Op::Eq,
            (_, true) => Op::Ne,
        };
        let column = sql::Column { of: None, name: field.to_owned() };
        filter.conditions.push(Condition { column, through: None, op, value });
    }
    filter
}

fn literal(tokens: &Tokens<'_>, at: usize) -> Option<SqlValue> {
    Some(match (tokens.kind(at)?, tokens.raw(at)) {
        (Kind::Text, _) => SqlValue::Text(tokens.string(at)?),
        (Kind::Number, raw) => SqlValue::Number(raw.to_owned()),
        (Kind::Ident, "null") => SqlValue::Null,
        (Kind::Ident, "true") => SqlValue::Bool(true),
        (Kind::Ident, "false") => SqlValue::Bool(false),
        // A value of an enumeration.
        (Kind::Ident, raw) => SqlValue::Text(raw.to_owned()),
        _ => return None,
    })
}

fn expression(text: &str) -> KeyExpression {
    let (function, columns) = sql::read_expression(text, Dialect::Generic);
    KeyExpression { function, columns }
}
