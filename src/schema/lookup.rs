//! Finding entities and columns by the names that code and SQL use.

use super::{Column, ColumnKind, DefaultValue, Entity, Enum, Schema, UniqueKey};

impl Schema {
    /// The entity of a name, as the schema writes it.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    /// The entity of a table. Case counts only where two tables differ by nothing else: databases fold bare names.
    #[must_use]
    pub fn entity_of_table(&self, table: &str) -> Option<&Entity> {
        self.entities
            .iter()
            .find(|entity| entity.table == table)
            .or_else(|| self.entities.iter().find(|entity| entity.table.eq_ignore_ascii_case(table)))
    }

    /// The entity that a client offers under this member: its name with the first letter in lower case.
    #[must_use]
    pub fn entity_of_accessor(&self, accessor: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| is_accessor(&entity.name, accessor))
    }

    /// The place in [`Schema::entities`] of the entity that a client offers under this member.
    #[must_use]
    pub fn position_by_accessor(&self, accessor: &str) -> Option<usize> {
        self.entities.iter().position(|entity| is_accessor(&entity.name, accessor))
    }

    /// The place in [`Schema::entities`] of the entity of a table.
    #[must_use]
    pub fn position_by_table(&self, table: &str) -> Option<usize> {
        let exact = self.entities.iter().position(|entity| entity.table == table);
        exact.or_else(|| self.entities.iter().position(|entity| entity.table.eq_ignore_ascii_case(table)))
    }

    /// The enumeration of a name.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<&Enum> {
        self.enums.iter().find(|found| found.name == name)
    }

    /// The entity that a relation of another leads to.
    #[must_use]
    pub fn target(&self, column: &Column) -> Option<&Entity> {
        match &column.kind {
            ColumnKind::Relation(relation) => self.entity(&relation.entity),
            _ => None,
        }
    }

    /// Where generated clients are put, as written, relative to the file that declares them.
    pub fn generator_outputs(&self) -> impl Iterator<Item = &str> {
        self.generators.iter().filter_map(|generator| generator.output.as_deref())
    }
}

/// Whether a client's member stands for a model: the names are equal but for the case of the first letter.
fn is_accessor(model: &str, accessor: &str) -> bool {
    let (mut model, mut accessor) = (model.chars(), accessor.chars());
    match (model.next(), accessor.next()) {
        (Some(first), Some(lower)) => first.to_lowercase().eq([lower]) && model.as_str() == accessor.as_str(),
        _ => false,
    }
}

/// Names that a column for optimistic locking goes by.
const VERSIONS: [&str; 8] =
    ["version", "lockversion", "lock_version", "revision", "rowversion", "row_version", "optimisticlock", "_version"];

impl Entity {
    /// Whether there is nothing but its name, and perhaps an index: what tells its rows apart was said where nobody looked.
    #[must_use]
    pub fn is_barely_known(&self) -> bool {
        self.columns.is_empty() && self.keys.is_empty()
    }

    /// The member a client offers the entity under.
    #[must_use]
    pub fn accessor(&self) -> String {
        let mut chars = self.name.chars();
        chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
    }

    /// The column or relation of a name, as code writes it.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether every new row is given a value for a column.
    #[must_use]
    pub fn requires(&self, name: &str) -> bool {
        let given = |column: &Column| !column.optional && column.default == DefaultValue::None && !column.updated_at;
        self.column(name).is_some_and(|column| given(column) && !matches!(column.kind, ColumnKind::Relation(_)))
    }

    /// The column of a name, as SQL writes it. Relations have none.
    #[must_use]
    pub fn column_of_sql(&self, name: &str) -> Option<&Column> {
        let stored = || self.columns.iter().filter(|column| !matches!(column.kind, ColumnKind::Relation(_)));
        stored()
            .find(|column| column.mapped == name)
            .or_else(|| stored().find(|column| column.mapped.eq_ignore_ascii_case(name)))
    }

    /// The primary key.
    #[must_use]
    pub fn primary_key(&self) -> Option<&UniqueKey> {
        self.keys.iter().find(|key| key.primary)
    }

    /// The key that a client's `where` calls by this name (`a_b: { a, b }`).
    #[must_use]
    pub fn key_named(&self, name: &str) -> Option<&UniqueKey> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The relation whose reference a column holds.
    #[must_use]
    pub fn relation_over(&self, column: &str) -> Option<&Column> {
        self.columns.iter().find(|found| match &found.kind {
            ColumnKind::Relation(relation) => relation.fields.iter().any(|field| field == column),
            _ => false,
        })
    }

    /// The column that counts the versions of a row, guessed from its name and type.
    #[must_use]
    pub fn version_column(&self) -> Option<&Column> {
        self.columns.iter().find(|column| {
            let number = matches!(&column.kind, ColumnKind::Scalar(name) if is_whole_number(name));
            number && !column.list && VERSIONS.iter().any(|name| column.name.eq_ignore_ascii_case(name))
        })
    }
}

fn is_whole_number(type_name: &str) -> bool {
    let lower = type_name.to_ascii_lowercase();
    lower.starts_with("int") || lower.starts_with("bigint") || lower.starts_with("smallint")
}
