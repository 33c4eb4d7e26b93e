//! Unique keys: the one that there is, or the one that the check asks for.

use super::exit::Found;
use super::scene::{Scene, Site, Val};
use super::text::Member;
use super::{Holes, KEY, sql};
use crate::analysis::window::Link;
use crate::ir::{Const, Expr, ExprKind, Item};
use crate::schema::ColumnKind;

/// A key that would stop the second row.
#[derive(Debug, Default)]
pub(super) struct Proposed {
    /// The columns that vary.
    pub columns: Vec<String>,
    /// Columns that the check compares with one fixed value: only rows with it need to differ.
    pub fixed: Vec<(String, Const)>,
}

/// A condition by a unique key.
#[derive(Debug)]
pub(super) struct UniqueWhere {
    /// The object.
    pub text: String,
    /// The entry of its first column alone.
    pub first: String,
}

impl<'a> Scene<'a> {
    /// The entries of a condition, with those of a compound key on their own.
    pub(super) fn plain_members(&self, site: Site<'a>, condition: Val<'a>) -> Option<Vec<Member<'a>>> {
        let mut plain = Vec::new();
        for member in self.members(condition)? {
            match member.key.filter(|key| self.is_compound(site, key, member.value)) {
                Some(_) => plain.extend(self.members(member.value)?),
                None => plain.push(member),
            }
        }
        Some(plain)
    }

    fn is_compound(&self, site: Site<'a>, key: &str, value: Val<'a>) -> bool {
        let Some(parts) = self.members(value) else { return false };
        let names: Vec<&str> = parts.iter().filter_map(|part| part.key).collect();
        match self.entity(site) {
            Some(entity) => entity.column(key).is_none() && entity.key_named(key).is_some_and(|k| k.columns.len() > 1),
            None => names.len() > 1 && names.join("_") == key,
        }
    }

    /// Whether an entry compares a column for equality.
    pub(super) fn is_equality(&self, site: Site<'a>, member: &Member<'a>) -> bool {
        let Some(key) = member.key else { return false };
        let object = matches!(self.known(member.value).expr.kind, ExprKind::Object(_));
        let column = self.entity(site).and_then(|entity| entity.column(key));
        let grammar = &self.library.filter;
        let word = |words: &[String]| words.iter().any(|word| word == key);
        let combines = word(&grammar.and) || word(&grammar.or) || word(&grammar.not);
        let relation = column.is_some_and(|column| matches!(column.kind, ColumnKind::Relation(_)));
        !object && !combines && !relation
    }

    /// Whether an entry shuts out rows by a column of theirs.
    pub(super) fn is_exclusion(&self, member: &Member<'a>) -> bool {
        let operators = &self.library.filter.operators;
        let shuts_out =
            |key: &str| operators.iter().any(|(word, op)| word == key && matches!(op.as_str(), "ne" | "not-in"));
        let asked = self.members(member.value);
        asked.is_some_and(|asked| !asked.is_empty() && asked.iter().all(|it| it.key.is_some_and(shuts_out)))
    }

    /// Whether the check's call is about other rows, which bring those of the act along.
    fn is_read_along(&self) -> bool {
        let accessor = |site| self.client(site).map(|(_, accessor)| accessor);
        accessor(self.check).is_some_and(|check| accessor(self.act).is_some_and(|act| act != check))
    }

    /// The key that would stop the second row; `None` where equality of columns is not what is asked for.
    pub(super) fn proposed_key(&self) -> Option<Proposed> {
        let mut proposed = Proposed::default();
        if let Some(key) = self.case.key.clone().filter(|_| !matches!(self.case.link, Link::Next(_))) {
            proposed.columns = key;
            return Some(proposed);
        }
        // Rows that are read along with others have no condition of their own.
        let along = self.is_read_along();
        let Some(condition) = self.condition(self.check).filter(|_| !along) else {
            if !along && self.row(self.check.call).is_some_and(|row| row.key.is_some()) {
                // No condition at all: any row counts.
                return None;
            }
            // In the order in which the new row names them.
            let created = self.written(self.act).and_then(|data| self.members(data)).unwrap_or_default();
            proposed.columns = self.case.looked.clone();
            proposed.columns.sort_by_key(|column| created.iter().position(|m| m.key == Some(column.as_str())));
            return (!proposed.columns.is_empty()).then_some(proposed);
        };
        let primary = self.entity(self.check).and_then(|entity| entity.primary_key());
        for member in self.plain_members(self.check, condition)? {
            let key = member.key?;
            if !self.is_equality(self.check, &member) {
                // Another row than this one.
                let excludes = self.members(member.value).is_some_and(|inner| {
                    inner.iter().all(|inner| inner.key.is_some() && inner.key == self.operator("ne"))
                });
                if excludes && primary.is_some_and(|primary| primary.columns.iter().any(|c| c == key)) {
                    continue;
                }
                return None;
            }
            match self.constant(key, member.value)? {
                Some(fixed) => proposed.fixed.push((key.to_owned(), fixed)),
                None => proposed.columns.push(key.to_owned()),
            }
        }
        (!proposed.columns.is_empty()).then_some(proposed)
    }

    /// The constant that a column is compared with, if it is one: a literal, or a value of an enumeration; `None` where what
    /// another file calls it does not say.
    fn constant(&self, column: &str, value: Val<'a>) -> Option<Option<Const>> {
        let value = self.known(value);
        match &value.expr.kind {
            ExprKind::Const(fixed) => Some(Some(fixed.clone())),
            ExprKind::Field(base, name) => {
                let described = self.entity(self.check).and_then(|entity| entity.column(column));
                let values = described.and_then(|column| match &column.kind {
                    ColumnKind::Enum(wanted) => self.schema?.enums.iter().find(|it| it.name == *wanted),
                    _ => None,
                });
                let named = matches!(base.kind, ExprKind::Slot(_) | ExprKind::Global(_) | ExprKind::Field(..));
                let is_value = named && values.is_some_and(|it| it.values.contains(name));
                Some(is_value.then(|| Const::Text(name.clone())))
            }
            ExprKind::Slot(slot) if self.is_imported(value.unit, *slot) => match self.imported(value.unit, *slot)?.expr
            {
                Expr { kind: ExprKind::Const(fixed), .. } => Some(Some(fixed.clone())),
                _ => None,
            },
            _ => Some(None),
        }
    }

    /// The condition by the key that covers the check, with the values that the created row will have.
    pub(super) fn unique_where(&self, data: Val<'a>) -> Option<UniqueWhere> {
        let proposed = self.proposed_key()?;
        if !proposed.fixed.is_empty() {
            return None;
        }
        let columns = proposed.columns;
        let created = self.members(data).unwrap_or_default();
        let asked = self
            .condition(self.check)
            .filter(|_| !self.is_read_along())
            .and_then(|asked| self.plain_members(self.check, asked))
            .unwrap_or_default();
        let complete = created.iter().all(|member| member.key.is_some());
        let entries = columns.iter().map(|column| {
            let named = |m: &&Member<'a>| m.key == Some(column.as_str());
            let own = created.iter().find(named);
            // Data that is not spelled out may hold the key: the check's value stands for it.
            let other = if complete && !created.is_empty() { None } else { asked.iter().find(named) };
            self.entry(own.or(other)?)
        });
        let entries: Vec<String> = entries.collect::<Option<_>>()?;
        let first = entries.first()?.clone();
        let text = match entries.as_slice() {
            [only] => format!("{{ {only} }}"),
            several => {
                let known = self.entity(self.act).and_then(|e| e.keys.iter().find(|k| k.columns == columns));
                let name = known.map_or_else(|| columns.join("_"), |key| key.name.clone());
                format!("{{ {name}: {{ {} }} }}", several.join(", "))
            }
        };
        Some(UniqueWhere { text, first })
    }

    /// The key as the schema writes it, or as a migration does where it covers some rows only.
    pub(super) fn add_key(&self) -> Option<(&'static str, Holes)> {
        let entity = self.entity(self.act)?;
        let engine = self.case.database.name.as_str();
        let mut proposed = match &self.case.link {
            Link::Next(column) => {
                // With no condition, the numbers are those of all rows.
                let unasked = self.condition(self.check).is_none() && self.case.looked.is_empty();
                let mut proposed = if unasked { Proposed::default() } else { self.proposed_key()? };
                if !proposed.columns.contains(column) {
                    proposed.columns.push(column.clone());
                }
                proposed
            }
            Link::Exclusive(flag) => self.key_of_group(flag)?,
            _ if matches!(self.found(&self.ways(), &self.take(self.act)), Found::Unclear) => return None,
            _ => self.proposed_key()?,
        };
        proposed.columns.retain(|name| entity.column(name).is_some());
        if proposed.columns.is_empty() {
            return None;
        }
        let stored = |name: &str| entity.column(name).map(|column| column.mapped.clone());
        let columns: Vec<String> = proposed.columns.iter().map(|c| stored(c)).collect::<Option<_>>()?;
        // A statement of its own, and no part of a template literal.
        let bare = |name: &str| sql::name(engine, name).map(|name| name.replace('\\', ""));
        let quoted: Vec<String> = columns.iter().map(|name| bare(name)).collect::<Option<_>>()?;
        let words = in_words(&proposed);
        if proposed.fixed.is_empty() {
            let index = format!("{}_{}_key", entity.table, columns.join("_"));
            let holes = [
                ("entity", entity.name.clone()),
                ("columns", proposed.columns.join(", ")),
                ("index", bare(&index)?),
                ("table", bare(&entity.table)?),
                ("stored", quoted.join(", ")),
                (KEY, words),
            ];
            return Some(("add-unique-key", Holes::from(holes)));
        }
        let mut conditions = Vec::new();
        for (column, value) in &proposed.fixed {
            let name = sql::name(engine, &stored(column)?)?;
            conditions.push(match value {
                Const::Null | Const::Unset => format!("{name} IS NULL"),
                Const::Bool(true) => name,
                Const::Bool(false) => format!("NOT {name}"),
                Const::Number(number) => format!("{name} = {number}"),
                Const::Text(text) => format!("{name} = {}", sql::literal(text)?),
            });
        }
        let holes = [
            ("column", columns.join("_")),
            ("columns", quoted.join(", ")),
            ("entity", entity.table.clone()),
            ("table", sql::name(engine, &entity.table)?),
            ("condition", conditions.join(" AND ")),
            (KEY, words),
        ];
        Some(("add-partial-key", Holes::from(holes)))
    }

    /// The key by which only one row of a group may have a flag.
    fn key_of_group(&self, flag: &str) -> Option<Proposed> {
        let mut proposed = self.proposed_key()?;
        proposed.columns.retain(|column| column != flag);
        proposed.fixed.retain(|(column, _)| column != flag);
        let column = self.entity(self.act)?.column(flag)?;
        let fixed = match &column.kind {
            ColumnKind::Scalar(name) if name == "Boolean" => Const::Bool(true),
            _ => {
                let written = self.written(self.act).and_then(|data| self.members(data))?;
                let given = written.iter().find(|member| member.key == Some(flag))?;
                self.constant(flag, given.value)??
            }
        };
        proposed.fixed.push((flag.to_owned(), fixed));
        Some(proposed)
    }

    /// The callee and the arguments of a call.
    pub(super) fn values_of(&self, site: Site<'a>) -> Vec<&'a Expr> {
        let mut values = vec![&site.call.callee];
        values.extend(site.call.args.iter().map(|item| {
            let (Item::Value(value) | Item::Spread(value)) = item;
            value
        }));
        values
    }
}

/// A key in words: its columns, and the rows it is for.
fn in_words(proposed: &Proposed) -> String {
    let columns: Vec<String> = proposed.columns.iter().map(|column| format!("`{column}`")).collect();
    let rows: Vec<String> = proposed
        .fixed
        .iter()
        .map(|(column, value)| match value {
            Const::Null | Const::Unset => format!("without `{column}`"),
            Const::Bool(true) => format!("with `{column}`"),
            Const::Bool(false) => format!("with `{column}` false"),
            Const::Number(text) | Const::Text(text) => format!("with `{column}` {text}"),
        })
        .collect();
    let columns = match columns.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        _ => columns.join(""),
    };
    if rows.is_empty() { columns } else { format!("{columns} among rows {}", rows.join(" and ")) }
}
