//! What the reader returns.

use super::Ddl;
use crate::text::Span;

/// One statement, or one part of it that touches a table by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Where it stands in the text that was read.
    pub span: Span,
    /// The position of the `;`-separated statement it belongs to, from 0. Parts of one group run as one statement, on
    /// one snapshot.
    pub group: usize,
    /// Whether it is the whole statement or a part of it.
    pub part: Part,
    /// What it does.
    pub kind: Kind,
}

impl Statement {
    /// The query, where it is one.
    #[must_use]
    pub fn query(&self) -> Option<&Query> {
        match &self.kind {
            Kind::Query(query) => Some(query),
            _ => None,
        }
    }
}

/// How a statement stands to its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The statement itself; the last of its group.
    Whole,
    /// A member of a `WITH`, by its name.
    Cte(String),
    /// A sub-select, or a further arm of a `UNION`.
    Nested,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Reads or writes rows.
    Query(Box<Query>),
    /// Takes a lock that a number or text names.
    AdvisoryLock {
        /// How long it is held.
        scope: Scope,
        /// Which lock.
        key: SqlValue,
        /// Whether it reports failure instead of waiting for ever.
        tries: bool,
        /// Whether other holders of the same kind are let in.
        shared: bool,
    },
    /// Gives back a session's named lock; without a key, all of them.
    AdvisoryUnlock {
        /// Which lock.
        key: Option<SqlValue>,
    },
    /// Locks whole tables.
    LockTable(LockTable),
    /// Opens a transaction.
    Begin {
        /// Its level, where the statement says one.
        isolation: Option<Isolation>,
        /// When it takes its lock (SQLite).
        mode: BeginMode,
    },
    /// Sets the level of this transaction or of the session's transactions.
    SetIsolation {
        /// The level.
        level: Isolation,
        /// For how long.
        scope: Scope,
    },
    /// Ends the transaction and keeps its writes.
    Commit,
    /// Ends the transaction and drops its writes.
    Rollback,
    /// Marks a point to roll back to.
    Savepoint(String),
    /// Goes back to a marked point.
    RollbackTo(String),
    /// Forgets a marked point.
    Release(String),
    /// Changes the schema.
    Ddl(Ddl),
    /// Anything else.
    Other,
}

/// How long a lock or a setting lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Until the transaction ends.
    Transaction,
    /// Until it is undone or the connection ends.
    Session,
}

/// A table lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTable {
    /// The tables.
    pub tables: Vec<String>,
    /// Whether it keeps other lockers of the same kind out: exclusive and write modes.
    pub exclusive: bool,
    /// How long it is held.
    pub scope: Scope,
}

impl Kind {
    /// Whether it keeps all other writers of the database out, until the transaction that it opens ends.
    #[must_use]
    pub fn keeps_writers_out(&self) -> bool {
        matches!(self, Self::Begin { mode: BeginMode::Immediate | BeginMode::Exclusive, .. })
    }

    /// Whether it ends a transaction.
    #[must_use]
    pub fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback)
    }
}

/// When a transaction takes the database's write lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BeginMode {
    /// Nothing said, or `DEFERRED`: at the first write.
    #[default]
    Deferred,
    /// `IMMEDIATE`: at once.
    Immediate,
    /// `EXCLUSIVE`: at once, and against readers too.
    Exclusive,
}

/// An isolation level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Snapshot,
    Serializable,
}

/// What a query does to its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    #[default]
    Select,
    Insert,
    Update,
    Delete,
}

/// A read or a write of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What it does.
    pub verb: Verb,
    /// The table it is about; none for a `SELECT` without one, or from a function.
    pub table: Option<Table>,
    /// Further tables that take part.
    pub joins: Vec<Join>,
    /// Which rows.
    pub filter: Filter,
    /// What an insert or update writes. An insert without a column list has empty column names, in the table's order.
    pub writes: Vec<Assignment>,
    /// How many rows an insert brings.
    pub row_count: RowCount,
    /// What an insert does about a row that is there already.
    pub conflict: Option<Conflict>,
    /// The lock it takes on the rows it reads.
    pub lock: Option<Lock>,
    /// The select list, or the `RETURNING` list of a write.
    pub selected: Vec<Selected>,
    /// Whether a write returns rows.
    pub returning: bool,
    /// The aggregate that makes up the answer, where the answer is one number.
    pub aggregate: Option<Aggregate>,
    /// Whether rows are folded into groups.
    pub grouped: bool,
    /// Whether it is the first arm of a `UNION` (or `INTERSECT`, `EXCEPT`); the others are statements of the same group.
    pub union: bool,
    /// Whether only the existence of rows is asked for.
    pub exists: Exists,
    /// The most rows it returns or touches.
    pub limit: Option<SqlValue>,
    /// The order of its rows.
    pub order_by: Vec<OrderBy>,
    /// Whether it is `INSERT … SELECT`.
    pub insert_select: bool,
    /// Whether it is `INSERT … SELECT … WHERE NOT EXISTS (…)` with a look at the same table. The inner read is a statement
    /// of its own.
    pub insert_select_not_exists: bool,
    /// The names in the condition of that inner read.
    pub looked_for: Vec<String>,
    /// Whether rows come from a sub-select in `FROM`, by its place in the result; it has been folded in where it is plain.
    pub source: Option<usize>,
    /// Holes that stand for a piece of SQL. Any such hole makes the filter opaque.
    pub fragments: Vec<usize>,
}

/// A table and what the query calls it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name, without quotes and schema.
    pub name: String,
    /// The schema or database in front of the name.
    pub schema: Option<String>,
    /// Its alias.
    pub alias: Option<String>,
}

/// A joined table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Join {
    /// The table.
    pub table: Table,
    /// Whether rows without a partner stay.
    pub outer: bool,
    /// Its `ON` condition.
    pub on: Filter,
}

/// A column of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column {
    /// The joined table it was written to belong to. None for the query's own table, and for a name without qualifier.
    pub of: Option<String>,
    /// Its name, without quotes.
    pub name: String,
}

/// A condition on rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Conditions that all must hold.
    pub conditions: Vec<Condition>,
    /// Of each of these groups, one arm must hold.
    pub any_of: Vec<AnyOf>,
    /// Whether there are conditions beyond those listed.
    pub opaque: bool,
    /// Columns that stand in the unlisted conditions, sorted.
    pub mentions: Vec<Column>,
}

/// An `OR` of plain conjunctions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnyOf {
    /// The arms; within one, all conditions must hold.
    pub arms: Vec<Vec<Condition>>,
}

/// A test of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: Column,
    /// The function it goes through first (`lower(email) = …`), in lower case.
    pub through: Option<String>,
    /// The test.
    pub op: Op,
    /// What it is tested against; [`SqlValue::Null`] for the null tests. Where the same function stands on both sides,
    /// the value is what goes into it.
    pub value: SqlValue,
}

/// A test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// The value is a list, or a placeholder that stands for one. A list of one hole may stand for many values too.
    In,
    NotIn,
    IsNull,
    IsNotNull,
    /// Any pattern match.
    Like,
    /// Another test of the column.
    Other,
}

/// A value in a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// An interpolated value.
    Hole(usize),
    /// A placeholder, as written; bare `?`s are numbered in order: `?1`, `?2`.
    Param(String),
    /// A number, as written.
    Number(String),
    /// A text.
    Text(String),
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A column's value. `of` is `excluded` for the row that an upsert meant to insert, if that row's value isn't known.
    Column(Column),
    /// The current time.
    Now,
    /// A value that is new in each run: a random id, the next of a sequence.
    Fresh,
    /// Several values, of `IN` or of a key with parts.
    List(Vec<SqlValue>),
    /// What another statement of the result returns, by its place in it.
    Rows(usize),
    /// Something computed from these values, which are never opaque themselves.
    Opaque(Vec<SqlValue>),
}

/// A column and what is written to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column; empty in an insert without a column list.
    pub column: String,
    /// What is written.
    pub write: SqlWrite,
}

/// What is written to a column.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlWrite {
    /// A value; never an opaque one.
    Value(SqlValue),
    /// The column's own value, changed by the database (`n = n + 1`).
    Delta {
        /// Added rather than taken away.
        plus: bool,
        /// By how much.
        value: SqlValue,
    },
    /// Computed by the database from these values; the column itself may be among them.
    Opaque(Vec<SqlValue>),
}

/// How many rows an insert brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowCount {
    /// One, or the statement is no insert.
    #[default]
    One,
    /// So many; `writes` are those of the first.
    Many(u32),
    /// As many as a select or an interpolated list gives.
    Unknown,
}

impl Query {
    /// Whether it is an insert that takes the row which is there already for its own, in one step and whatever it holds.
    #[must_use]
    pub fn settles(&self) -> bool {
        self.verb == Verb::Insert
            && match &self.conflict {
                Some(Conflict::Update { filter, .. }) => *filter == Filter::default(),
                Some(Conflict::Replace) => true,
                Some(Conflict::Nothing(_) | Conflict::Merge) | None => false,
            }
    }
}

/// What an insert does about a row that is there already.
#[derive(Clone, Debug, PartialEq)]
pub enum Conflict {
    /// It leaves the row alone.
    Nothing(ConflictTarget),
    /// It updates the row.
    Update {
        /// Which key.
        target: ConflictTarget,
        /// What is written to the row that is there.
        sets: Vec<Assignment>,
        /// The condition on that row.
        filter: Filter,
    },
    /// It replaces the row (`REPLACE INTO`, `INSERT OR REPLACE`).
    Replace,
    /// It is a `MERGE`: matched first and then inserted or updated, which is not one atomic step.
    Merge,
}

impl Query {
    /// The key that the conflict clause of an insert names by its columns: without such a key it would be an error.
    #[must_use]
    pub fn conflict_target(&self) -> Option<&ConflictTarget> {
        let (Conflict::Nothing(target) | Conflict::Update { target, .. }) = self.conflict.as_ref()? else {
            return None;
        };
        let is_plain = !target.columns.is_empty() && !target.expression && !target.partial;
        is_plain.then_some(target)
    }

    /// Whether an insert leaves out the rows that collide on some columns, all of which it has looked for itself: what the
    /// look misses, the key then catches. Where it names no key, `keys` are those of the table.
    #[must_use]
    pub fn catches_what_it_looks_for<'k>(&self, mut keys: impl Iterator<Item = &'k [String]>) -> bool {
        let asked = |column: &String| self.looked_for.iter().any(|name| name.eq_ignore_ascii_case(column));
        match (&self.conflict, self.conflict_target()) {
            (Some(Conflict::Nothing(_)), Some(target)) => target.columns.iter().all(asked),
            (Some(Conflict::Nothing(target)), None) if target.constraint.is_none() && target.columns.is_empty() => {
                keys.any(|key| key.iter().all(asked))
            }
            _ => false,
        }
    }
}

/// The key an insert's conflict clause speaks of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConflictTarget {
    /// Its columns. Empty, and no constraint named: any key.
    pub columns: Vec<String>,
    /// The constraint's name.
    pub constraint: Option<String>,
    /// Whether an expression is part of it.
    pub expression: bool,
    /// Whether it names a partial index.
    pub partial: bool,
}

/// A row lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// How strong.
    pub strength: LockStrength,
    /// `NOWAIT`: a locked row is an error.
    pub nowait: bool,
    /// `SKIP LOCKED`: a locked row is left out.
    pub skip_locked: bool,
    /// The tables it is limited to.
    pub of: Vec<String>,
}

/// How strong a row lock is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// Excludes other writers and lockers.
    #[default]
    ForUpdate,
    /// Excludes writers only.
    ForShare,
}

/// One item of a select or returning list.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// The name of the result's column: its alias, else the column's own. `*` for all columns.
    pub name: Option<String>,
    /// What it is.
    pub value: SqlValue,
    /// The aggregate it is.
    pub aggregate: Option<Aggregate>,
}

/// An aggregate over the rows of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Which.
    pub kind: AggregateKind,
    /// Over which column; none for `count(*)`.
    pub column: Option<Column>,
}

/// The kinds of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AggregateKind {
    Count,
    Max,
    Min,
    Sum,
    Avg,
}

/// Whether a query asks only if there are rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exists {
    /// It does not.
    #[default]
    No,
    /// `EXISTS (…)`.
    Yes,
    /// `NOT EXISTS (…)`.
    Negated,
}

/// One column of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// The column; none for an expression.
    pub column: Option<Column>,
    /// From the greatest down.
    pub descending: bool,
}
