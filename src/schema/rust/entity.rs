//! Structs that stand for rows: `#[derive(DeriveEntityModel)] #[sea_orm(table_name = "…")] struct Model { … }`.

use super::tokens::Tokens;
use crate::schema::{Column, ColumnKind, DefaultValue, Entity, Schema, UniqueKey};
use crate::text::Span;

/// Types of fields that stand for other entities' rows.
const RELATIONS: [&str; 3] = ["HasOne", "HasMany", "BelongsTo"];

/// Adds the entities that a file declares.
pub(super) fn read(path: &str, tokens: &Tokens, schema: &mut Schema) {
    let mut at = 0;
    while at < tokens.len() {
        if tokens.is_word(at, "derive") && tokens.is(at + 1, '(') {
            let close = tokens.close(at + 1);
            let derives = |(from, to): &(usize, usize)| tokens.show(*from, *to).ends_with("DeriveEntityModel");
            if tokens.list(at + 2, close).iter().any(derives) {
                schema.entities.extend(entity(path, tokens, at));
            }
            at = close;
        }
        at += 1;
    }
}

/// The entity whose struct stands behind the attribute at `derive`.
fn entity(path: &str, tokens: &Tokens, derive: usize) -> Option<Entity> {
    // The attributes may stand on both sides of the derive.
    let mut first = derive.checked_sub(2)?;
    while first > 0 && tokens.is(first - 1, ']') {
        first = (0..first).rev().find(|at| tokens.is(*at, '[') && tokens.close(*at) == first - 1)?.checked_sub(1)?;
    }
    let (attributes, at) = attributes(tokens, first);
    let table = attributes.iter().find_map(|attribute| attribute.text("table_name"))?;
    let at = (at..at + 4).find(|at| tokens.is_word(*at, "struct"))?;
    let open = (at..at + 8).find(|at| tokens.is(*at, '{'))?;
    let close = tokens.close(open);
    let span = tokens.span(at).cover(tokens.span(close));
    let mut found = Entity { name: table.clone(), table, span, path: path.to_owned(), ..Entity::default() };
    let mut primary = Vec::new();
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for (from, to) in tokens.list(open + 1, close) {
        let Some((column, marks)) = field(tokens, from, to) else { continue };
        let name = column.name.clone();
        let has = |word: &str| marks.iter().any(|attribute| attribute.has(word));
        if has("primary_key") {
            primary.push(name.clone());
        }
        if has("unique") {
            found.keys.push(key(vec![name.clone()], column.span, path));
        }
        for group in marks.iter().filter_map(|attribute| attribute.text("unique_key")) {
            match named.iter_mut().find(|(known, _)| *known == group) {
                Some((_, columns)) => columns.push(name.clone()),
                None => named.push((group, vec![name.clone()])),
            }
        }
        found.columns.push(column);
    }
    if !primary.is_empty() {
        found.keys.insert(0, UniqueKey { primary: true, ..key(primary, span, path) });
    }
    found.keys.extend(named.into_iter().map(|(_, columns)| key(columns, span, path)));
    Some(found)
}

fn key(columns: Vec<String>, span: Span, path: &str) -> UniqueKey {
    UniqueKey { name: columns.join("_"), columns, span, path: path.to_owned(), ..UniqueKey::default() }
}

/// A field as a column, and its attributes.
fn field(tokens: &Tokens, from: usize, to: usize) -> Option<(Column, Vec<Attribute>)> {
    let (attributes, mut at) = attributes(tokens, from);
    if tokens.is_word(at, "pub") {
        at += 1;
        if tokens.is(at, '(') {
            at = tokens.close(at) + 1;
        }
    }
    let name = tokens.word(at).filter(|_| tokens.is(at + 1, ':'))?.to_owned();
    let written = tokens.show(at + 2, to);
    let outer = written.split('<').next().unwrap_or_default().rsplit("::").next().unwrap_or_default();
    let ignored = attributes.iter().any(|attribute| attribute.has("ignore"));
    if ignored || RELATIONS.contains(&outer) {
        return None;
    }
    let inner = written.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')).map(ToOwned::to_owned);
    let generated = attributes.iter().any(|attribute| attribute.has("primary_key"))
        && !attributes.iter().any(|attribute| attribute.word("auto_increment").as_deref() == Some("false"));
    let default = attributes.iter().find_map(|attribute| attribute.text("default_value"));
    let computed = attributes.iter().any(|attribute| attribute.has("default_expr"));
    let column = Column {
        mapped: attributes.iter().find_map(|attribute| attribute.text("column_name")).unwrap_or_else(|| name.clone()),
        name,
        optional: inner.is_some() || attributes.iter().any(|attribute| attribute.has("nullable")),
        kind: ColumnKind::Scalar(inner.unwrap_or(written)),
        default: match default {
            Some(value) => DefaultValue::Literal(value),
            None if generated => DefaultValue::Generated,
            None if computed => DefaultValue::Opaque,
            None => DefaultValue::None,
        },
        span: tokens.span(at),
        ..Column::default()
    };
    Some((column, attributes))
}

/// One entry of `#[sea_orm(…)]`: a word, or a word and what it is given.
struct Attribute {
    name: String,
    text: Option<String>,
    word: Option<String>,
}

impl Attribute {
    fn has(&self, name: &str) -> bool {
        self.name == name
    }

    fn text(&self, name: &str) -> Option<String> {
        self.text.clone().filter(|_| self.name == name)
    }

    fn word(&self, name: &str) -> Option<String> {
        self.word.clone().filter(|_| self.name == name)
    }
}

/// The entries of the attributes that start at a place, and what stands behind them.
fn attributes(tokens: &Tokens, from: usize) -> (Vec<Attribute>, usize) {
    let mut found = Vec::new();
    let mut at = from;
    while tokens.is(at, '#') && tokens.is(at + 1, '[') {
        let close = tokens.close(at + 1);
        if tokens.is_word(at + 2, "sea_orm") && tokens.is(at + 3, '(') {
            for (from, _) in tokens.list(at + 4, tokens.close(at + 3)) {
                let Some(name) = tokens.word(from) else { continue };
                let given = from + 2;
                let is_given = tokens.is(from + 1, '=');
                found.push(Attribute {
                    name: name.to_owned(),
                    text: tokens.text(given).filter(|_| is_given).map(ToOwned::to_owned),
                    word: tokens.word(given).filter(|_| is_given).map(ToOwned::to_owned),
                });
            }
        }
        at = close + 1;
    }
    (found, at)
}
