//! Statements that are built by chains of calls: `Table::create().table(Users::Table).col(…)`, `Index::create().unique()…`.

use rustc_hash::FxHashMap;

use super::tokens::Tokens;
use crate::sql::{AlterAction, ColumnDef, CreateTable, Ddl, ForeignKeyDef, IndexColumn, IndexDef, SqlValue, Table};

/// The names that the enumerations of a file stand for, where they say other ones than their own.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By enumeration and variant.
    given: FxHashMap<(String, String), String>,
}

/// A call of a chain: its name, and between which places its arguments stand.
type Link<'t> = (&'t str, usize, usize);

/// The variant that stands for the table itself.
const TABLE: &str = "Table";

impl Names {
    /// Those of a file.
    pub fn read(tokens: &Tokens) -> Self {
        let mut names = Self::default();
        for at in 0..tokens.len() {
            let (true, Some(name)) = (tokens.is_word(at, "enum"), tokens.word(at + 1)) else { continue };
            if let Some(given) = attribute_before(tokens, at) {
                names.given.insert((name.to_owned(), TABLE.to_owned()), given);
            }
            if !tokens.is(at + 2, '{') {
                continue;
            }
            for (from, _) in tokens.list(at + 3, tokens.close(at + 2)) {
                let mut place = from;
                let mut given = None;
                while tokens.is(place, '#') {
                    given = given_name(tokens, place).or(given);
                    place = tokens.close(place + 1) + 1;
                }
                if let (Some(variant), Some(given)) = (tokens.word(place), given) {
                    names.given.insert((name.to_owned(), variant.to_owned()), given);
                }
            }
        }
        names
    }

    /// The name that an argument stands for.
    fn of(&self, tokens: &Tokens, from: usize, to: usize) -> Option<String> {
        if let Some(text) = (from..to).find_map(|at| tokens.text(at)) {
            return Some(text.to_owned());
        }
        if tokens.is(from, '(') {
            let (from, to) = *tokens.list(from + 1, tokens.close(from)).first()?;
            return self.of(tokens, from, to);
        }
        let path: Vec<&str> = (from..to).filter_map(|at| tokens.word(at)).filter(|word| *word != "mut").collect();
        let (last, above) = path.split_last()?;
        let above = above.last().copied().unwrap_or_default();
        if let Some(given) = self.given.get(&(above.to_owned(), (*last).to_owned())) {
            return Some(given.clone());
        }
        Some(if *last == TABLE || *last == "Entity" { snake(above) } else { snake(last) })
    }
}

/// The name that an attribute in front of a place gives.
fn attribute_before(tokens: &Tokens, at: usize) -> Option<String> {
    let mut end = at;
    while end > 0 && !tokens.is(end - 1, ']') {
        end -= 1;
        if at - end > 4 {
            return None;
        }
    }
    while end > 0 && tokens.is(end - 1, ']') {
        let open = (0..end).rev().find(|open| tokens.is(*open, '[') && tokens.close(*open) == end - 1)?;
        if let Some(given) = given_name(tokens, open.checked_sub(1)?) {
            return Some(given);
        }
        end = open - 1;
    }
    None
}

/// The name in `#[iden = "x"]` or `#[sea_orm(iden = "x")]`.
fn given_name(tokens: &Tokens, attribute: usize) -> Option<String> {
    let close = tokens.close(attribute + 1);
    let given = (attribute..close).find(|at| tokens.is_word(*at, "iden") && tokens.is(at + 1, '='))?;
    tokens.text(given + 2).map(ToOwned::to_owned)
}

/// `UserProfile` as `user_profile`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before != '_' && !before.is_uppercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = c;
    }
    out
}

/// The statement that a chain starting at a place builds.
pub(super) fn statement(tokens: &Tokens, at: usize, names: &Names) -> Option<Ddl> {
    let what = tokens.word(at).filter(|word| matches!(*word, "Table" | "Index" | "ForeignKey"))?;
    if !(tokens.is(at + 1, ':') && tokens.is(at + 2, ':') && tokens.is(at + 4, '(')) {
        return None;
    }
    let verb = tokens.word(at + 3)?;
    let links = links(tokens, tokens.close(at + 4) + 1);
    let reader = Reader { tokens, names };
    match (what, verb) {
        ("Table", "create") => reader.create(&links),
        ("Table", "alter") => reader.alter(&links),
        ("Table", "drop") => Some(Ddl::DropTable(vec![reader.named(&links, "table")?])),
        ("Table", "rename") => {
            let (_, from, to) = *links.iter().find(|(name, ..)| *name == "table")?;
            let parts = tokens.list(from, to);
            let [(a, b), (c, d)] = parts[..] else { return None };
            Some(Ddl::RenameTable { from: names.of(tokens, a, b)?, to: names.of(tokens, c, d)? })
        }
        ("Index", "create") => {
            let table = Table { name: reader.named(&links, "table")?, ..Table::default() };
            Some(Ddl::CreateIndex { table, index: reader.index(&links) })
        }
        ("Index", "drop") => {
            Some(Ddl::DropIndex { names: vec![reader.named(&links, "name")?], table: reader.named(&links, "table") })
        }
        _ => None,
    }
}

/// The calls of a chain, from the dot at a place on.
fn links(tokens: &Tokens, mut at: usize) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    while tokens.is(at, '.') {
        let Some(name) = tokens.word(at + 1) else { break };
        if !tokens.is(at + 2, '(') {
            break;
        }
        let close = tokens.close(at + 2);
        links.push((name, at + 3, close));
        at = close + 1;
    }
    links
}

struct Reader<'t> {
    tokens: &'t Tokens,
    names: &'t Names,
}

impl Reader<'_> {
    /// The name that the call of this name is given.
    fn named(&self, links: &[Link<'_>], name: &str) -> Option<String> {
        let (_, from, to) = links.iter().find(|(found, ..)| *found == name)?;
        self.names.of(self.tokens, *from, *to)
    }

    fn create(&self, links: &[Link<'_>]) -> Option<Ddl> {
        let mut created = CreateTable {
            table: Table { name: self.named(links, "table")?, ..Table::default() },
            if_not_exists: links.iter().any(|(name, ..)| *name == "if_not_exists"),
            ..CreateTable::default()
        };
        for (name, from, to) in links {
            match *name {
                "col" => {
                    if let Some((column, indexes)) = self.column(*from, *to) {
                        created.columns.push(column);
                        created.indexes.extend(indexes);
                    }
                }
                "primary_key" | "index" => {
                    if let Some(mut index) = self.inner_index(*from, *to) {
                        index.primary = *name == "primary_key";
                        index.unique |= index.primary;
                        created.indexes.push(index);
                    }
                }
                "foreign_key" => created.foreign_keys.extend(self.foreign_key(*from, *to)),
                _ => {}
            }
        }
        Some(Ddl::CreateTable(created))
    }

    fn alter(&self, links: &[Link<'_>]) -> Option<Ddl> {
        let table = Table { name: self.named(links, "table")?, ..Table::default() };
        let mut actions = Vec::new();
        for (name, from, to) in links {
            match *name {
                "add_column" | "add_column_if_not_exists" => {
                    if let Some((column, indexes)) = self.column(*from, *to) {
                        actions.push(AlterAction::AddColumn(column, indexes, Vec::new(), Vec::new()));
                    }
                }
                "modify_column" => {
                    if let Some((column, _)) = self.column(*from, *to) {
                        actions.push(AlterAction::Redefine(column.name.clone(), column));
                    }
                }
                "drop_column" => actions.extend(self.names.of(self.tokens, *from, *to).map(AlterAction::DropColumn)),
                "rename_column" => {
                    let parts = self.tokens.list(*from, *to);
                    if let [(a, b), (c, d)] = parts[..]
                        && let (Some(from), Some(to)) =
                            (self.names.of(self.tokens, a, b), self.names.of(self.tokens, c, d))
                    {
                        actions.push(AlterAction::RenameColumn { from, to });
                    }
                }
                _ => {}
            }
        }
        Some(Ddl::AlterTable { table, actions })
    }

    /// `ColumnDef::new(name).string().not_null()`, or a helper that stands for it: `string_uniq(name)`.
    fn column(&self, from: usize, to: usize) -> Option<(ColumnDef, Vec<IndexDef>)> {
        let open = (from..to).find(|at| self.tokens.is(*at, '('))?;
        let maker = self.tokens.word(open.checked_sub(1)?)?;
        let close = self.tokens.close(open);
        let (first, last) = *self.tokens.list(open + 1, close).first()?;
        let links = links(self.tokens, close + 1);
        let has = |wanted: &str| links.iter().any(|(name, ..)| *name == wanted);
        let is_helper = maker != "new" && maker != "new_with_type";
        let name = self.names.of(self.tokens, first, last)?;
        let span = self.tokens.span(first);
        let primary = has("primary_key") || is_helper && maker.starts_with("pk_");
        let unique = has("unique_key") || is_helper && maker.ends_with("_uniq");
        let ty = if is_helper { Some(maker) } else { links.first().map(|(name, ..)| *name) };
        let default = links.iter().find(|(name, ..)| *name == "default").map(|(_, from, to)| self.value(*from, *to));
        let column = ColumnDef {
            name: name.clone(),
            type_name: ty.unwrap_or_default().to_owned(),
            not_null: has("not_null") || primary || is_helper && !maker.ends_with("_null"),
            default,
            generated: has("auto_increment") || maker == "pk_auto",
            span,
        };
        let index = |primary| IndexDef {
            unique: true,
            primary,
            columns: vec![IndexColumn::Column(name.clone())],
            span,
            ..IndexDef::default()
        };
        let indexes = [(primary, true), (unique, false)].into_iter().filter(|(is, _)| *is);
        Some((column, indexes.map(|(_, primary)| index(primary)).collect()))
    }

    fn value(&self, from: usize, to: usize) -> SqlValue {
        if let Some(text) = self.tokens.text(from) {
            return SqlValue::Text(text.to_owned());
        }
        match self.tokens.word(from) {
            Some("true") => SqlValue::Bool(true),
            Some("false") => SqlValue::Bool(false),
            Some(word) if word.chars().all(|c| c.is_ascii_digit()) => SqlValue::Number(word.to_owned()),
            _ if self.tokens.show(from, to).contains("current_timestamp") => SqlValue::Now,
            _ => SqlValue::Opaque(Vec::new()),
        }
    }

    /// `Index::create().unique().col(a).col(b)` as an argument.
    fn inner_index(&self, from: usize, to: usize) -> Option<IndexDef> {
        let at = (from..to).find(|at| self.tokens.is_word(*at, "create") && self.tokens.is(at + 1, '('))?;
        Some(self.index(&links(self.tokens, self.tokens.close(at + 1) + 1)))
    }

    fn index(&self, links: &[Link<'_>]) -> IndexDef {
        let has = |wanted: &str| links.iter().any(|(name, ..)| *name == wanted);
        let columns = links.iter().filter(|(name, ..)| *name == "col");
        let columns = columns.filter_map(|(_, from, to)| self.names.of(self.tokens, *from, *to));
        let is_partial = has("and_where") || has("cond_where");
        IndexDef {
            name: self.named(links, "name"),
            // An index over some rows only keeps those apart, and which they are is not read.
            unique: has("unique") && !is_partial,
            columns: columns.map(IndexColumn::Column).collect(),
            nulls_not_distinct: has("nulls_not_distinct"),
            span: links.first().map_or_else(Default::default, |(_, from, _)| self.tokens.span(*from)),
            ..IndexDef::default()
        }
    }

    /// `ForeignKey::create().from(A::Table, A::B).to(C::Table, C::Id)` as an argument.
    fn foreign_key(&self, from: usize, to: usize) -> Option<ForeignKeyDef> {
        let at = (from..to).find(|at| self.tokens.is_word(*at, "create") && self.tokens.is(at + 1, '('))?;
        let links = links(self.tokens, self.tokens.close(at + 1) + 1);
        let end = |wanted: &str| {
            let (_, from, to) = links.iter().find(|(name, ..)| *name == wanted)?;
            let parts = self.tokens.list(*from, *to);
            let [(a, b), (c, d)] = parts[..] else { return None };
            Some((self.names.of(self.tokens, a, b)?, self.names.of(self.tokens, c, d)?))
        };
        let ((_, column), (table, reference)) = (end("from")?, end("to")?);
        Some(ForeignKeyDef {
            name: self.named(&links, "name"),
            columns: vec![column],
            table,
            references: vec![reference],
            on_delete: self.named(&links, "on_delete").map(|action| action.replace('_', " ")),
            span: self.tokens.span(at),
        })
    }
}
