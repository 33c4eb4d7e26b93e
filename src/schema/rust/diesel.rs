//! `table! { … }`: a table with its columns and primary key.

use super::tokens::Tokens;
use crate::schema::{Column, ColumnKind, Entity, ForeignKey, Schema, UniqueKey};

/// Adds the tables that a file declares.
pub(super) fn read(path: &str, tokens: &Tokens, schema: &mut Schema) {
    let mut at = 0;
    while at < tokens.len() {
        let opens = tokens.is(at + 1, '!') && (tokens.is(at + 2, '{') || tokens.is(at + 2, '('));
        match tokens.word(at) {
            Some("table") if opens => {
                let close = tokens.close(at + 2);
                schema.entities.extend(table(path, tokens, at + 3, close));
                at = close;
            }
            Some("joinable") if opens => {
                joinable(tokens, at + 3, schema);
                at += 3;
            }
            _ => at += 1,
        }
    }
}

/// The table that the body of a macro declares.
fn table(path: &str, tokens: &Tokens, from: usize, to: usize) -> Option<Entity> {
    let mut at = from;
    let mut sql_name = None;
    while at < to {
        if tokens.is(at, '#') {
            sql_name = named(tokens, at, "sql_name").or(sql_name);
            at = tokens.close(at + 1) + 1;
        } else if tokens.is_word(at, "use") {
            while at < to && !tokens.is(at, ';') {
                at += 1;
            }
            at += 1;
        } else {
            break;
        }
    }
    let start = at;
    // A schema may stand in front of the name.
    while tokens.is(at + 1, '.') {
        at += 2;
    }
    let name = tokens.word(at)?.to_owned();
    at += 1;
    let mut primary = vec!["id".to_owned()];
    if tokens.is(at, '(') {
        let close = tokens.close(at);
        primary =
            tokens.list(at + 1, close).iter().filter_map(|(from, _)| tokens.word(*from)).map(Into::into).collect();
        at = close + 1;
    }
    if !tokens.is(at, '{') {
        return None;
    }
    let close = tokens.close(at);
    let span = tokens.span(start).cover(tokens.span(close.min(to)));
    let columns: Vec<Column> =
        tokens.list(at + 1, close).iter().filter_map(|(from, to)| column(tokens, *from, *to)).collect();
    let key = UniqueKey {
        name: primary.join("_"),
        columns: primary,
        primary: true,
        span,
        path: path.to_owned(),
        ..UniqueKey::default()
    };
    let table = sql_name.unwrap_or_else(|| name.clone());
    Some(Entity { name, table, columns, keys: vec![key], span, path: path.to_owned(), ..Entity::default() })
}

/// `name -> Type`, with attributes in front.
fn column(tokens: &Tokens, from: usize, to: usize) -> Option<Column> {
    let mut at = from;
    let mut sql_name = None;
    while tokens.is(at, '#') {
        sql_name = named(tokens, at, "sql_name").or(sql_name);
        at = tokens.close(at + 1) + 1;
    }
    let name = tokens.word(at)?.to_owned();
    if !(tokens.is(at + 1, '-') && tokens.is(at + 2, '>')) {
        return None;
    }
    let written = tokens.show(at + 3, to);
    let inner = |ty: &str, of: &str| ty.strip_prefix(of).and_then(|rest| rest.strip_suffix('>')).map(ToOwned::to_owned);
    let bare = inner(&written, "Nullable<");
    let optional = bare.is_some();
    let bare = bare.unwrap_or(written);
    let element = inner(&bare, "Array<");
    let list = element.is_some();
    Some(Column {
        mapped: sql_name.unwrap_or_else(|| name.clone()),
        name,
        kind: ColumnKind::Scalar(element.unwrap_or(bare)),
        optional,
        list,
        span: tokens.span(at),
        ..Column::default()
    })
}

/// The text that an attribute gives to a name: `#[sql_name = "x"]`.
fn named(tokens: &Tokens, attribute: usize, name: &str) -> Option<String> {
    let is = tokens.is_word(attribute + 2, name) && tokens.is(attribute + 3, '=');
    is.then(|| tokens.text(attribute + 4)).flatten().map(ToOwned::to_owned)
}

/// `joinable!(children -> parents (column))`.
fn joinable(tokens: &Tokens, at: usize, schema: &mut Schema) {
    let (Some(child), Some(parent)) = (tokens.word(at), tokens.word(at + 3)) else { return };
    let (Some(column), true) = (tokens.word(at + 5), tokens.is(at + 4, '(')) else { return };
    if let Some(entity) = schema.entities.iter_mut().find(|entity| entity.name == child) {
        entity.foreign_keys.push(ForeignKey {
            columns: vec![column.to_owned()],
            entity: parent.to_owned(),
            span: tokens.span(at),
            ..ForeignKey::default()
        });
    }
}
