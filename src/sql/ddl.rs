//! `CREATE`, `ALTER` and `DROP`, as far as they say what the database guarantees.

use super::ddl_types::{AlterAction, CheckDef, ColumnDef, CreateTable, Ddl, ForeignKeyDef, IndexColumn, IndexDef};
use super::finish::forget_rows;
use super::token::TokenKind;
use super::types::{Filter, SqlValue};
use super::view::{Notes, Range, View};

/// Words that end a column's type or default.
const AFTER_TYPE: [&str; 20] = [
    "constraint",
    "not",
    "null",
    "default",
    "primary",
    "unique",
    "references",
    "check",
    "generated",
    "auto_increment",
    "autoincrement",
    "collate",
    "comment",
    "identity",
    "on",
    "as",
    "first",
    "after",
    "key",
    "invisible",
];

/// What the definition of a column says beyond the column.
#[derive(Default)]
struct Beside {
    indexes: Vec<IndexDef>,
    foreign_keys: Vec<ForeignKeyDef>,
    checks: Vec<CheckDef>,
}

impl View<'_> {
    /// Whether `DO` starts an anonymous block; MySQL's `DO` evaluates an expression.
    pub fn is_block(&self, (start, end): Range) -> bool {
        self.is(start, "do") && (self.is(start + 1, "language") || (start + 1..end).any(|at| self.dollar_quoted(at)))
    }

    fn dollar_quoted(&self, at: usize) -> bool {
        self.tokens.kind(at) == Some(TokenKind::Text) && self.tokens.raw(at).starts_with('$')
    }

    /// Reads a change of the schema.
    pub fn ddl(&self, range: Range) -> Ddl {
        let (start, end) = range;
        if self.is(start, "do") {
            let body = (start..end).find(|&at| self.tokens.kind(at) == Some(TokenKind::Text));
            return body.and_then(|at| self.tokens.string(at)).map_or(Ddl::Other, Ddl::Block);
        }
        let object = self.top((start + 1, end.min(start + 8))).find(|&at| {
            self.is_any(at, &["table", "index", "tables", "view", "function", "trigger", "type", "policy", "sequence"])
        });
        let Some(object) = object else { return Ddl::Other };
        let body = (object + 1, end);
        match (self.is(start, "create"), self.is(start, "alter"), self.is(start, "drop")) {
            (true, ..) if self.is(object, "table") => {
                let temporary = (start..object).any(|at| self.is_any(at, &["temporary", "temp"]));
                let created = self.create_table(body).map(|created| CreateTable { temporary, ..created });
                created.map_or(Ddl::Other, Ddl::CreateTable)
            }
            (true, ..) if self.is(object, "index") => self.create_index((start, end), object).unwrap_or(Ddl::Other),
            (_, true, _) if self.is(object, "table") => self.alter_table(body).unwrap_or(Ddl::Other),
            (_, true, _) if self.is(object, "index") => self.alter_index(body).unwrap_or(Ddl::Other),
            (.., true) if self.is(object, "table") => Ddl::DropTable(self.names(body)),
            (.., true) if self.is(object, "index") => {
                let on = self.find(body, &["on"]);
                let table = on.and_then(|at| self.table_name((at + 1, end))).map(|(table, _)| table.name);
                Ddl::DropIndex { names: self.names((body.0, on.unwrap_or(end))), table }
            }
            _ if self.is(start, "rename") => self.rename_table(body).unwrap_or(Ddl::Other),
            _ => Ddl::Other,
        }
    }

    /// Skips `CONCURRENTLY`, `IF EXISTS`, `IF NOT EXISTS` and `ONLY`.
    fn skip_options(&self, (start, end): Range) -> usize {
        let words = ["concurrently", "if", "not", "exists", "only"];
        (start..end).find(|&at| !self.is_any(at, &words)).unwrap_or(end)
    }

    fn names(&self, (start, end): Range) -> Vec<String> {
        let start = self.skip_options((start, end));
        let names = self.split_commas((start, end)).into_iter();
        names.filter_map(|item| self.table_name(item)).map(|(table, _)| table.name).collect()
    }

    fn create_table(&self, (start, end): Range) -> Option<CreateTable> {
        let at = self.skip_options((start, end));
        let (table, next) = self.table_name((at, end))?;
        let mut created = CreateTable { table, if_not_exists: at > start, ..CreateTable::default() };
        if next >= end || !self.is_open(next) {
            return Some(created);
        }
        let mut beside = Beside::default();
        for item in self.split_commas(self.inside(next)) {
            if !self.table_constraint(item, &mut beside) {
                created.columns.extend(self.column_def(item, &mut beside));
            }
        }
        created.indexes = beside.indexes;
        created.foreign_keys = beside.foreign_keys;
        created.checks = beside.checks;
        // A primary key refuses null.
        for key in created.indexes.iter().filter(|index| index.primary) {
            for column in &mut created.columns {
                column.not_null |= key.columns.contains(&IndexColumn::Column(column.name.clone()));
            }
        }
        Some(created)
    }

    /// Reads a constraint or index of a table; says whether it was one.
    fn table_constraint(&self, range: Range, beside: &mut Beside) -> bool {
        let (mut at, end) = range;
        let mut name = None;
        if self.is(at, "constraint") {
            let named = !self.is_any(at + 1, &["primary", "unique", "foreign", "check", "exclude"]);
            name = named.then(|| self.tokens.name(at + 1)).flatten();
            at += 1 + usize::from(named);
        }
        let span = self.tokens.span(range.0, range.1);
        if self.are((at, end), &["foreign", "key"]) {
            beside.foreign_keys.extend(self.foreign_key((at + 2, end), name, None, range));
        } else if self.is(at, "check") && self.is_open(at + 1) {
            let filter = self.lone_filter(self.inside(at + 1));
            beside.checks.push(CheckDef { name, filter, span });
        } else if self.starts_index((at, end)) {
            beside.indexes.extend(self.index((at, end), name, range));
        } else {
            return name.is_some() || self.is(at, "like");
        }
        true
    }

    /// Whether `PRIMARY KEY`, `UNIQUE`, `EXCLUDE`, `INDEX` or `KEY` starts a constraint here, and not a column of that name.
    fn starts_index(&self, (at, end): Range) -> bool {
        if self.are((at, end), &["primary", "key"]) {
            return true;
        }
        let kinds = ["unique", "exclude", "index", "key", "fulltext", "spatial"];
        self.is_any(at, &kinds) && self.top((at + 1, end)).any(|at| self.is_open(at) || self.is(at, "using"))
    }

    /// Reads an index or key from the words that say its kind.
    fn index(&self, (start, end): Range, name: Option<String>, whole: Range) -> Option<IndexDef> {
        let mut index = IndexDef { name, span: self.tokens.span(whole.0, whole.1), ..IndexDef::default() };
        index.primary = self.is(start, "primary");
        index.exclusion = self.is(start, "exclude");
        index.unique = index.primary || index.exclusion || self.is(start, "unique");
        if let Some(using) = self.find((start, end), &["using"])
            && self.is(using + 1, "index")
        {
            index.using_index = self.tokens.name(using + 2);
            return Some(index);
        }
        let words = [
            "primary",
            "key",
            "unique",
            "index",
            "exclude",
            "fulltext",
            "spatial",
            "clustered",
            "nonclustered",
            "nulls",
            "not",
            "distinct",
            "using",
            "btree",
            "hash",
            "gist",
            "gin",
            "if",
            "exists",
        ];
        let mut at = start;
        while at < end && !self.is_open(at) {
            if !self.is_any(at, &words) && index.name.is_none() {
                index.name = self.tokens.name(at);
            }
            at += 1;
        }
        if at >= end {
            return None;
        }
        self.index_columns(at, &mut index);
        self.index_tail((start, end), &mut index);
        Some(index)
    }

    fn index_columns(&self, open: usize, index: &mut IndexDef) {
        for item in self.split_commas(self.inside(open)) {
            let end = if index.exclusion { self.find(item, &["with"]).unwrap_or(item.1) } else { item.1 };
            index.columns.push(self.index_column((item.0, end)));
        }
    }

    /// A column with its order and operator class, or an expression.
    fn index_column(&self, range: Range) -> IndexColumn {
        let (start, end) = range;
        let inner = self.peel((start, self.tokens.after(start).min(end)));
        let is_call = self.is_open(inner.0 + 1);
        // MySQL indexes the first characters of a column: `name(20)`.
        let prefix = is_call && {
            let inside = self.inside(inner.0 + 1);
            inside.1 == inside.0 + 1 && self.tokens.kind(inside.0) == Some(TokenKind::Number)
        };
        let lone = inner.1 == inner.0 + 1 && (!is_call || prefix || inner.0 != start);
        if lone && let Some(name) = self.tokens.name(inner.0) {
            return IndexColumn::Column(name);
        }
        let whole = if inner.0 == start { range } else { inner };
        let function = self.is_open(whole.0 + 1).then(|| self.tokens.name(whole.0)).flatten();
        let mut columns = Vec::new();
        for leaf in self.leaves(whole) {
            if let SqlValue::Column(column) = leaf
                && !columns.contains(&column.name)
                && !["asc", "desc", "nulls"].contains(&column.name.to_lowercase().as_str())
            {
                columns.push(column.name);
            }
        }
        IndexColumn::Expression { function: function.map(|name| name.to_lowercase()), columns }
    }

    fn index_tail(&self, range: Range, index: &mut IndexDef) {
        index.nulls_not_distinct = self.top(range).any(|at| self.are((at, range.1), &["nulls", "not", "distinct"]));
        if let Some(at) = self.find(range, &["where"]) {
            index.filter = Some(self.lone_filter((at + 1, range.1)));
        }
    }

    fn create_index(&self, (start, end): Range, object: usize) -> Option<Ddl> {
        let on = self.find((object, end), &["on"])?;
        let named = self.skip_options((object + 1, on));
        let name = self.table_name((named, on)).map(|(table, _)| table.name);
        let at = self.skip_options((on + 1, end));
        let (table, next) = self.table_name((at, end))?;
        let open = (next..end).find(|&at| self.is_open(at))?;
        let unique = self.find((start, object), &["unique"]).is_some();
        let mut index = IndexDef { name, unique, span: self.tokens.span(start, end), ..IndexDef::default() };
        self.index_columns(open, &mut index);
        self.index_tail((self.tokens.after(open), end), &mut index);
        Some(Ddl::CreateIndex { table, index })
    }

    fn alter_index(&self, (start, end): Range) -> Option<Ddl> {
        let at = self.skip_options((start, end));
        let (from, next) = self.table_name((at, end))?;
        let to = self.are((next, end), &["rename", "to"]).then(|| self.tokens.name(next + 2)).flatten()?;
        Some(Ddl::RenameIndex { from: from.name, to })
    }

    fn rename_table(&self, (start, end): Range) -> Option<Ddl> {
        let (from, next) = self.table_name((start, end))?;
        let (to, _) = self.table_name((next + 1, end)).filter(|_| self.is(next, "to"))?;
        Some(Ddl::RenameTable { from: from.name, to: to.name })
    }

    fn foreign_key(
        &self,
        (start, end): Range,
        name: Option<String>,
        column: Option<String>,
        whole: Range,
    ) -> Option<ForeignKeyDef> {
        let references = self.find((start, end), &["references"])?;
        let mut columns: Vec<String> = column.into_iter().collect();
        if let Some(open) = self.top((start, references)).find(|&at| self.is_open(at)) {
            columns = self.column_names(open);
        }
        let (table, next) = self.table_name((references + 1, end))?;
        let list = if next < end && self.is_open(next) { self.column_names(next) } else { Vec::new() };
        let on_delete = self.top((next, end)).find(|&at| self.are((at, end), &["on", "delete"])).map(|at| {
            let words = if self.is_any(at + 2, &["set", "no"]) { 2 } else { 1 };
            let said: Vec<String> =
                (at + 2..at + 2 + words).map(|at| self.tokens.raw(at).to_ascii_lowercase()).collect();
            said.join(" ")
        });
        let span = self.tokens.span(whole.0, whole.1);
        Some(ForeignKeyDef { name, columns, table: table.name, references: list, on_delete, span })
    }

    fn column_names(&self, open: usize) -> Vec<String> {
        self.split_commas(self.inside(open)).into_iter().filter_map(|(start, _)| self.tokens.name(start)).collect()
    }

    /// Reads `name type constraint …`.
    fn column_def(&self, range: Range, beside: &mut Beside) -> Option<ColumnDef> {
        let (start, end) = range;
        let name = self.tokens.name(start)?;
        let span = self.tokens.span(start, end);
        let ends = |at: usize| self.is_any(at, &AFTER_TYPE);
        let type_end = self.top((start + 1, end)).find(|&at| ends(at)).unwrap_or(end);
        let type_name = self.tokens.span(start + 1, type_end).slice(self.tokens.text).to_owned();
        let lower = type_name.to_lowercase();
        let mut column =
            ColumnDef { name, type_name, generated: lower.contains("serial"), span, ..ColumnDef::default() };
        let own = vec![IndexColumn::Column(column.name.clone())];
        let (mut at, mut constraint) = (type_end, None);
        while at < end {
            if self.is(at, "constraint") {
                constraint = self.tokens.name(at + 1);
                at += 2;
                continue;
            }
            if self.are((at, end), &["not", "null"]) {
                column.not_null = true;
                at += 1;
            } else if self.is(at, "default") {
                let next = self.top((at + 2, end)).find(|&at| ends(at)).unwrap_or(end);
                column.default = Some(self.lone_value((at + 1, next)));
                at = next;
                continue;
            } else if self.is_any(at, &["generated", "auto_increment", "autoincrement", "identity"]) {
                column.generated = true;
            } else if self.is(at, "primary") || self.is(at, "unique") {
                let primary = self.is(at, "primary");
                column.not_null |= primary;
                let nulls_not_distinct = self.are((at + 1, end), &["nulls", "not", "distinct"]);
                let index = IndexDef {
                    name: constraint.take(),
                    unique: true,
                    primary,
                    columns: own.clone(),
                    nulls_not_distinct,
                    span,
                    ..IndexDef::default()
                };
                beside.indexes.push(index);
                at += if nulls_not_distinct { 3 } else { 0 };
            } else if self.is(at, "references") {
                let column = Some(column.name.clone());
                beside.foreign_keys.extend(self.foreign_key((at, end), constraint.take(), column, range));
            } else if self.is(at, "check") && self.is_open(at + 1) {
                let filter = self.lone_filter(self.inside(at + 1));
                beside.checks.push(CheckDef { name: constraint.take(), filter, span });
            }
            at = self.tokens.after(at);
        }
        Some(column)
    }

    /// A condition outside a query: a sub-select in it has no place in the result.
    fn lone_filter(&self, range: Range) -> Filter {
        let mut filter = self.filter(range, &mut Notes::default());
        forget_rows(&mut filter);
        filter
    }

    fn lone_value(&self, range: Range) -> SqlValue {
        match self.value(range) {
            SqlValue::Rows(_) => SqlValue::Opaque(Vec::new()),
            SqlValue::Opaque(mut leaves) => {
                leaves.retain(|leaf| !matches!(leaf, SqlValue::Rows(_)));
                SqlValue::Opaque(leaves)
            }
            value => value,
        }
    }

    fn alter_table(&self, (start, end): Range) -> Option<Ddl> {
        let at = self.skip_options((start, end));
        let (table, next) = self.table_name((at, end))?;
        let mut actions = Vec::new();
        for item in self.split_commas((next, end)) {
            self.alter_action(item, &mut actions);
        }
        Some(Ddl::AlterTable { table, actions })
    }

    fn alter_action(&self, range: Range, actions: &mut Vec<AlterAction>) {
        let (start, end) = range;
        match self.tokens.raw(start).to_ascii_lowercase().as_str() {
            "add" => self.add((start + 1, end), range, actions),
            "drop" => actions.extend(self.drop_action((start + 1, end))),
            "rename" => actions.extend(self.rename_action((start + 1, end))),
            "alter" => actions.extend(self.alter_column((start + 1, end))),
            "modify" | "change" => {
                let at = start + 1 + usize::from(self.is(start + 1, "column"));
                let Some(from) = self.tokens.name(at) else { return };
                let at = at + usize::from(self.is(start, "change"));
                let defined = self.column_def((at, end), &mut Beside::default());
                actions.extend(defined.map(|column| AlterAction::Redefine(from, column)));
            }
            _ => {}
        }
    }

    fn add(&self, (start, end): Range, whole: Range, actions: &mut Vec<AlterAction>) {
        let mut beside = Beside::default();
        let column = self.is(start, "column");
        if !column && self.table_constraint((start, end), &mut beside) {
            actions.extend(beside.indexes.into_iter().map(AlterAction::AddIndex));
            actions.extend(beside.foreign_keys.into_iter().map(AlterAction::AddForeignKey));
            actions.extend(beside.checks.into_iter().map(AlterAction::AddCheck));
            return;
        }
        let at = self.skip_options((start + usize::from(column), end));
        // MySQL and Oracle add several columns in brackets.
        let items = if self.is_open(at) { self.split_commas(self.inside(at)) } else { vec![(at, end.max(at))] };
        for item in items {
            let mut beside = Beside::default();
            if let Some(mut column) = self.column_def(item, &mut beside) {
                column.span = self.tokens.span(whole.0, whole.1);
                actions.push(AlterAction::AddColumn(column, beside.indexes, beside.foreign_keys, beside.checks));
            }
        }
    }

    fn drop_action(&self, (start, end): Range) -> Option<AlterAction> {
        if self.are((start, end), &["primary", "key"]) {
            return Some(AlterAction::DropPrimaryKey);
        }
        let kind = self.is_any(start, &["constraint", "index", "key", "check"]);
        if self.are((start, end), &["foreign", "key"]) {
            return self.tokens.name(start + 2).map(AlterAction::DropConstraint);
        }
        let at = start + usize::from(kind || self.is(start, "column"));
        let name = self.tokens.name(self.skip_options((at, end)))?;
        Some(if kind { AlterAction::DropConstraint(name) } else { AlterAction::DropColumn(name) })
    }

    fn rename_action(&self, (start, end): Range) -> Option<AlterAction> {
        if self.is_any(start, &["to", "as"]) {
            return self.table_name((start + 1, end)).map(|(table, _)| AlterAction::RenameTable(table.name));
        }
        let named = self.is_any(start, &["column", "constraint", "index", "key"]);
        let at = start + usize::from(named);
        let (from, to) = (self.tokens.name(at)?, self.tokens.name(at + 2).filter(|_| self.is(at + 1, "to"))?);
        let constraint = named && !self.is(start, "column");
        Some(if constraint {
            AlterAction::RenameConstraint { from, to }
        } else {
            AlterAction::RenameColumn { from, to }
        })
    }

    fn alter_column(&self, (start, end): Range) -> Option<AlterAction> {
        let at = start + usize::from(self.is(start, "column"));
        let name = self.tokens.name(at)?;
        let words = (at + 1, end);
        if self.are(words, &["set", "not", "null"]) {
            return Some(AlterAction::SetNotNull(name, true));
        }
        if self.are(words, &["drop", "not", "null"]) {
            return Some(AlterAction::SetNotNull(name, false));
        }
        if self.are(words, &["set", "default"]) {
            return Some(AlterAction::SetDefault(name, Some(self.lone_value((at + 3, end)))));
        }
        self.are(words, &["drop", "default"]).then_some(AlterAction::SetDefault(name, None))
    }
}

/// Reads a condition that stands alone: the filter of a partial index, a check.
#[must_use]
pub fn read_filter(text: &str, dialect: super::Dialect) -> Filter {
    let view = View::new(super::token::Tokens::new(text, dialect));
    view.lone_filter((0, view.tokens.list.len()))
}

/// Reads a value that stands alone: a default.
#[must_use]
pub fn read_value(text: &str, dialect: super::Dialect) -> SqlValue {
    let view = View::new(super::token::Tokens::new(text, dialect));
    view.lone_value((0, view.tokens.list.len()))
}

/// Reads an expression of an index that stands alone: the function it calls, and its columns.
#[must_use]
pub fn read_expression(text: &str, dialect: super::Dialect) -> (Option<String>, Vec<String>) {
    let view = View::new(super::token::Tokens::new(text, dialect));
    match view.index_column((0, view.tokens.list.len())) {
        IndexColumn::Column(name) => (None, vec![name]),
        IndexColumn::Expression { function, columns } => (function, columns),
    }
}
