//! What the database guarantees about its tables: keys, indexes, references.

use super::expr::{Expr, Name, Row, Value};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    name: Name,
    key: Name,
    generated: bool,
    uniques: Vec<Unique>,
    indexes: Vec<Vec<Name>>,
    parent: Option<(Name, Name)>,
}

/// A unique key. Rows with a NULL in it collide with none, unless its nulls are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unique {
    pub columns: Vec<Name>,
    /// A partial key covers only the rows that pass this.
    pub only: Option<Expr>,
    /// Whether two NULLs are equal in it.
    pub equal_nulls: bool,
}

impl Unique {
    fn new<N: Into<Name>>(columns: impl IntoIterator<Item = N>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), only: None, equal_nulls: false }
    }

    pub(super) fn covers(&self, row: &Row) -> bool {
        self.only.as_ref().is_none_or(|only| only.matches(row))
    }

    /// What a row has in it, if that can collide with another row's.
    pub(super) fn entry(&self, row: &Row) -> Option<Vec<Value>> {
        let entry = row.pick(&self.columns);
        (self.covers(row) && (self.equal_nulls || !entry.contains(&Value::Null))).then_some(entry)
    }
}

fn names<N: Into<Name>>(columns: impl IntoIterator<Item = N>) -> Vec<Name> {
    columns.into_iter().map(Into::into).collect()
}

impl Table {
    /// A table with the primary key `id`, given by the program.
    pub fn new(name: impl Into<Name>) -> Self {
        let (uniques, indexes) = (Vec::new(), Vec::new());
        Self { name: name.into(), key: "id".into(), generated: false, uniques, indexes, parent: None }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Names the column of the primary key.
    #[must_use]
    pub fn key(mut self, column: impl Into<Name>) -> Self {
        self.key = column.into();
        self
    }

    /// The store makes up the primary key; it is no part of the outcome.
    #[must_use]
    pub fn generated_key(mut self) -> Self {
        self.generated = true;
        self
    }

    /// A unique key besides the primary one.
    #[must_use]
    pub fn unique<N: Into<Name>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.uniques.push(Unique::new(columns));
        self
    }

    /// A partial unique key: it covers the rows that pass the filter.
    #[must_use]
    pub fn unique_where<N: Into<Name>>(mut self, columns: impl IntoIterator<Item = N>, only: Expr) -> Self {
        self.uniques.push(Unique { only: Some(only), ..Unique::new(columns) });
        self
    }

    /// In the unique key declared last, two NULLs are equal.
    #[must_use]
    pub fn equal_nulls(mut self) -> Self {
        if let Some(key) = self.uniques.last_mut() {
            key.equal_nulls = true;
        }
        self
    }

    /// The columns of a unique key that keeps two rows from being there at once, if one does.
    #[must_use]
    pub fn common_key(&self, one: &Row, other: &Row) -> Option<&[Name]> {
        let clash = |key: &&Unique| key.entry(one).is_some_and(|entry| key.entry(other) == Some(entry));
        self.uniques.iter().find(clash).map(|key| key.columns.as_slice())
    }

    /// A plain index: it narrows what a locking scan of InnoDB locks.
    #[must_use]
    pub fn index<N: Into<Name>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.indexes.push(names(columns));
        self
    }

    /// A foreign key: the column names a row of the parent table, and inserting locks that row.
    #[must_use]
    pub fn belongs_to(mut self, column: impl Into<Name>, parent: impl Into<Name>) -> Self {
        self.parent = Some((column.into(), parent.into()));
        self
    }
}

/// A table's place in the [`Schema`].
pub(super) type TableId = usize;

/// All tables of a judgement, with what the engines ask for worked out.
#[derive(Debug, Default)]
pub(super) struct Schema {
    shapes: Vec<Shape>,
}

/// A table as the engines see it.
#[derive(Debug)]
pub(super) struct Shape {
    pub name: Name,
    pub key: Name,
    pub generated: bool,
    /// All unique keys, the primary one first.
    pub uniques: Vec<Unique>,
    /// The columns of all indexes: those of the unique keys in their order, then the plain ones.
    pub indexes: Vec<Vec<Name>>,
    /// The column of the foreign key and the table it points to.
    pub parent: Option<(Name, TableId)>,
}

impl Schema {
    pub(super) fn new(tables: &[Table]) -> Self {
        let mut schema = Self::default();
        for table in tables {
            schema.declare(table);
        }
        // Foreign keys last: a parent that nobody declared must not take the place of one declared later.
        for table in tables {
            if let Some((column, parent)) = &table.parent {
                let (child, parent) = (schema.table(&table.name), schema.table(parent));
                schema.shapes[child].parent = Some((column.clone(), parent));
            }
        }
        schema
    }

    /// The place of a table. One that was not declared has a primary key and nothing else.
    pub(super) fn table(&mut self, name: &Name) -> TableId {
        let known = self.shapes.iter().position(|shape| shape.name == *name);
        known.unwrap_or_else(|| self.declare(&Table::new(name.clone())))
    }

    fn declare(&mut self, table: &Table) -> TableId {
        let primary = Unique::new([table.key.clone()]);
        let uniques: Vec<_> = std::iter::once(primary).chain(table.uniques.iter().cloned()).collect();
        let indexes = uniques.iter().map(|key| key.columns.clone()).chain(table.indexes.iter().cloned()).collect();
        let (name, key) = (table.name.clone(), table.key.clone());
        self.shapes.push(Shape { name, key, generated: table.generated, uniques, indexes, parent: None });
        self.shapes.len() - 1
    }

    pub(super) fn shape(&self, table: TableId) -> &Shape {
        &self.shapes[table]
    }

    pub(super) fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.shapes.iter()
    }
}

impl Shape {
    /// The unique key, by its place among the indexes, that a bound filter fixes as a whole, with its values.
    pub(super) fn lookup(&self, filter: &Expr) -> Option<(usize, Vec<Value>)> {
        let mut whole = self.uniques.iter().enumerate().filter(|(_, key)| key.only.is_none());
        whole.find_map(|(index, key)| Some((index, filter.pinned_key(&key.columns)?)))
    }

    /// The same for the plain indexes, which lead to a range of entries.
    pub(super) fn range(&self, filter: &Expr) -> Option<(usize, Vec<Value>)> {
        let mut plain = self.indexes.iter().enumerate().skip(self.uniques.len());
        plain.find_map(|(index, columns)| Some((index, filter.pinned_key(columns)?)))
    }
}
