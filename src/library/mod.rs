//! What calls of libraries do to a database, as data.
//!
//! `rules/libraries/*.toml` holds one file per library; this module reads them into checked rows and knows nothing of
//! source code: the model stage matches rows against values. Everything that names an ORM, a driver or a language's
//! standard library lives in those files.

mod compile;
mod index;
mod load;
mod needles;
mod pattern;
mod remedy;
mod schema;
mod suggest;

use index::Index;
use serde::Deserialize;

pub use index::RowAt;
pub use load::{LoadError, Registry};
pub use pattern::{
    CallPattern, Callee, Form, ParamKind, ParamPattern, PatternError, Root, Selector, TypePattern, path_fits, wildcard,
};

/// Database engines, as rows name them.
pub const ENGINES: &[&str] = &["postgresql", "cockroachdb", "mysql", "mariadb", "sqlite", "sqlserver", "mongodb"];

/// Isolation levels, as rows name them.
pub const LEVELS: &[&str] =
    &["read uncommitted", "read committed", "repeatable read", "snapshot", "serializable", "deferred", "immediate"];

/// What remedies may be for.
pub const INTENTS: &[&str] = &[
    "merge-into-upsert",
    "handle-conflict",
    "skip-duplicates",
    "guard-where",
    "guard-delete",
    "test-affected",
    "atomic-delta",
    "guarded-counter",
    "lock-read",
    "lock-parent",
    "lock-name",
    "in-one-transaction",
    "wrap-in-transaction",
    "raise-isolation",
    "add-retry",
    "use-handle",
    "add-unique-key",
    "add-partial-key",
    "whole-group-unset",
];

/// The holes that code templates may have.
pub const HOLES: &[&str] = &[
    "client",
    "accessor",
    "entity",
    "table",
    "key",
    "data",
    "create",
    "update",
    "guard",
    "exit",
    "column",
    "delta",
    "columns",
    "stored",
    "index",
    "condition",
    "call",
    "take",
    "name",
    "body",
];

/// One library.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its name in reports and configuration.
    pub id: String,
    /// The language it is called from: `typescript`, `rust`.
    pub language: String,
    /// Modules whose import shows that it is in use.
    pub detect: Vec<String>,
    /// Values by how they came about.
    pub types: Vec<TypeRow>,
    /// Calls.
    pub calls: Vec<CallRow>,
    /// Calls that only make a value: conditions, columns, lists.
    pub exprs: Vec<ExprRow>,
    /// Transactions and locks.
    pub regions: Vec<RegionRow>,
    /// What is done to the world outside.
    pub effects: Vec<EffectRow>,
    /// Calls that never come back.
    pub exits: Vec<ExitRow>,
    /// Functions that answer one request in order.
    pub pipelines: Vec<PipelineRow>,
    /// Where errors go that nobody catches.
    pub error_handlers: Vec<ErrorHandlerRow>,
    /// Which tests recognise which error.
    pub errors: Vec<ErrorRow>,
    /// How items stand for entities and columns.
    pub names: NameRules,
    /// How an object literal reads as a condition.
    pub filter: FilterGrammar,
    /// How an object literal reads as written columns.
    pub data: DataGrammar,
    /// Code templates of remedies, by intent.
    pub remedies: Vec<RemedyRow>,
    index: Index,
}

impl Library {
    /// The rows that a call of that name may fit, in the order in which they are tried.
    #[must_use]
    pub fn rows_named(&self, name: &str) -> &[RowAt] {
        self.index.named(name)
    }

    /// The calls of that name, in the order in which they are tried.
    pub fn calls_named(&self, name: &str) -> impl Iterator<Item = &CallRow> {
        self.rows_named(name).iter().filter_map(|row| match row {
            RowAt::Call(at) => self.calls.get(*at),
            RowAt::Region(_) | RowAt::Expr(_) => None,
        })
    }

    /// Whether a program with these sources can call it. A crate is reached by its name alone; a value of a module may come
    /// in by any.
    #[must_use]
    pub fn may_be_used(&self, sources: &[&str]) -> bool {
        if self.language != "rust" || self.detect.is_empty() {
            return true;
        }
        let crates: Vec<&str> =
            self.detect.iter().map(|name| name.split("::").next().unwrap_or(name).trim_matches('*')).collect();
        sources.iter().any(|text| crates.iter().any(|name| text.contains(name)))
    }
}

/// A name for values that came about in one way.
#[derive(Clone, Debug)]
pub struct TypeRow {
    /// The name, as patterns use it (`Client`, `Tx`).
    pub name: String,
    /// The ways.
    pub patterns: Vec<TypePattern>,
    /// Whether such a value is a handle that runs inside a transaction.
    pub transaction: bool,
    /// Whether a member of it is an entity of the schema (`client.user`), so that, with a schema at hand, any value with
    /// that member followed by one of the library's methods counts as one.
    pub entity_members: bool,
    /// The isolation level that a constructor call sets for all transactions opened on the value, as a selector on the
    /// parameters of the constructor (`Root::Param`).
    pub isolation: Option<Selector>,
    /// Whether such a value stands for what it holds, and counts as one of that type, too.
    pub holder: bool,
    /// Whether such a value keeps others out as long as it is there, so that who is handed one runs alone.
    pub held: bool,
    /// Whether each statement through such a value may run on a connection of its own.
    pub pool: bool,
    /// Whether such a value is a statement in the making, which calls add to and one call runs.
    pub query: bool,
    /// Whether such a value is a column.
    pub column: bool,
    /// Whether conditions that calls have made are of this type.
    pub condition: bool,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    Read,
    Count,
    Create,
    Update,
    Delete,
    Upsert,
    /// SQL text says what.
    Sql,
}

impl Verb {
    /// Whether it changes rows. Of SQL whose text is not understood nobody knows.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete | Self::Upsert)
    }
}

/// How many rows a call is about, by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Rows {
    One,
    Many,
    /// A number computed from rows.
    Number,
}

/// What a call gives where no row is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The absent value.
    Null,
    /// An error of kind `not-found`.
    Throws,
    /// An empty collection.
    Empty,
    /// Zero.
    Zero,
}

/// What holds what a call is about, where that is no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The files of the machine: one row for each path.
    File,
    /// What it is called on, which several threads may share: a lock, a concurrent collection. One row for each key.
    Shared,
    /// What it is called on, as far as a lock that is held leads to it: a collection behind a mutex. One row for each key.
    Held,
    /// What it is called on: a single value that is read and written in one instruction.
    Atomic,
}

/// What a call on a place gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// What is there, or nothing.
    #[default]
    Row,
    /// What is there, which something always is.
    Value,
    /// Whether nothing is there.
    Absence,
    /// What is there, and nobody else has access to it before what is given is gone.
    Guard,
}

/// A call and what it does.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// Which call.
    pub on: CallPattern,
    /// What it does; `None` for a call that only gives a value of a type.
    pub verb: Option<Verb>,
    /// What it is about, if that is no entity of a database. Then the key and what is written are plain values.
    pub place: Option<Place>,
    /// What a call on a place gives.
    pub result: Given,
    /// How many rows.
    pub rows: Rows,
    /// What it gives for no row.
    pub missing: Missing,
    /// The condition.
    pub key: Option<Selector>,
    /// Written columns; of an upsert those of the update.
    pub set: Option<Selector>,
    /// Of an upsert, the columns of the created row.
    pub create: Option<Selector>,
    /// Where this is true, a row that collides with a unique key is skipped.
    pub skip_conflicts: Option<Selector>,
    /// How many rows at most.
    pub limit: Option<Selector>,
    /// How many rows are passed over.
    pub skip: Option<Selector>,
    /// The order of rows.
    pub order: Option<Selector>,
    /// Related rows that are read along.
    pub reads: Vec<Selector>,
    /// Aggregated columns, by function (`max` -> `a._max`).
    pub aggregates: Vec<(String, Selector)>,
    /// The number of rows that were hit, as a selector on the result.
    pub affected: Option<Selector>,
    /// The SQL text.
    pub sql: Option<Selector>,
    /// Values bound to the SQL text's placeholders: one, or all that a rest parameter takes.
    pub bind: Option<Selector>,
    /// A list of values bound to them.
    pub binds: Option<Selector>,
    /// Whether it gives one column of a row instead of the row.
    pub scalar: bool,
    /// The type of value it gives (`Client.$extends()` gives a `Client`).
    pub gives: Option<String>,
    /// Whether it runs the statement that the receiver is, and what this row adds to it.
    pub run: bool,
    /// What it runs through; by default what the statement was made from, or the receiver.
    pub handle: Option<Selector>,
    /// What names the entity.
    pub entity: Option<Selector>,
    /// The value of the primary key.
    pub find: Option<Selector>,
    /// A statement, or a row, whose rows are meant.
    pub from: Option<Selector>,
    /// A row whose related rows are meant: those that refer to it, or that it refers to.
    pub related: Option<Selector>,
    /// What it does with a row that is given no primary key.
    pub keyless: Option<Verb>,
    /// What is read of each row.
    pub select: Option<Selector>,
    /// Whether it only tells if there are rows.
    pub exists: bool,
    /// A function that makes the result of a row.
    pub map: Option<Selector>,
    /// The column that takes what is set, where that is a value alone.
    pub column: Option<Selector>,
    /// A value that takes a place in the SQL text, behind what is there already.
    pub hole: Option<Selector>,
    /// Whether the receiver itself is changed, too.
    pub in_place: bool,
    /// The lock on the rows that are read.
    pub lock: Option<RowLock>,
    /// What an insert does about a row that is there already.
    pub conflict: Option<OnConflict>,
    /// The level of the transaction that is opened on what the call gives.
    pub isolation: Option<String>,
    /// The parameter that says it, in the words of the region.
    pub isolation_by: Option<Selector>,
    /// Whether nothing runs before the result is awaited or handed to a batch.
    pub lazy: bool,
    /// Databases and forms for which the call is one statement; `None`: it always is.
    pub native: Option<Native>,
    /// What the call runs where it is not native.
    pub steps: Vec<StepRow>,
}

/// A lock on rows, as rows of libraries name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowLock {
    /// `FOR UPDATE`.
    Update,
    /// `FOR SHARE`.
    Share,
    /// What is locked is left out.
    SkipLocked,
    /// What is locked is an error.
    Nowait,
}

/// What an insert does about a row that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// It leaves the row alone.
    Nothing,
    /// It updates the row.
    Update,
}

/// A call that makes a value and does nothing.
#[derive(Clone, Debug)]
pub struct ExprRow {
    /// Which call. What it is called on, if the pattern names a type, and its arguments are the operands.
    pub on: CallPattern,
    /// What it makes of them.
    pub means: Meaning,
}

/// What a call makes of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// A condition: the first operand, a column, compared with the second.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// A pattern match.
    Like,
    /// A test of the column that is not understood.
    Other,
    /// The column is null.
    Null,
    /// The column is not null.
    NotNull,
    /// All operands hold.
    And,
    /// One of the operands holds.
    Or,
    /// The operand does not hold.
    Not,
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// The last operand.
    Value,
    /// The first operand.
    First,
    /// No value: the column is not written.
    Unset,
    /// The member of the first operand that has the method's name.
    Member,
    /// The member of the first operand that the second one names.
    Field,
    /// The list of the operands.
    List,
    /// A number of rows.
    Count,
    /// Another number computed from rows.
    Aggregate,
    /// The first operand, an operation's result, which is nothing where it would have been an error.
    Optional,
}

/// When a call is a single statement.
#[derive(Clone, Debug)]
pub struct Native {
    /// The engines; empty for all.
    pub engines: Vec<String>,
    /// Conditions on its form, all of them needed.
    pub requires: Vec<Requirement>,
}

/// A condition on the form of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// The update writes something.
    UpdateNotEmpty,
    /// The key's value is also the created row's.
    KeyInCreate,
    /// The condition names one unique key and only one.
    SingleKey,
    /// No related rows are read along.
    NoRelations,
    /// No related rows are written along.
    NoNestedWrites,
}

/// One statement of a call that runs several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepRow {
    /// Reads the rows of the condition; if none is there, the call ends as its `missing` says.
    Read,
    /// Reads the rows of the condition and only decides between insert and update.
    Probe,
    /// Inserts if the probe found nothing.
    Insert,
    /// Updates (of a probe: if it found something); the count of rows is looked at.
    Update,
    /// Updates; the count of rows is ignored.
    UpdateUncounted,
    /// Deletes; the count of rows is ignored.
    DeleteUncounted,
    /// Reads the written row by its primary key.
    ReadBack,
}

/// How a transaction or lock is opened.
#[derive(Clone, Debug)]
pub struct RegionRow {
    /// Which call.
    pub open: CallPattern,
    /// How its extent is given.
    pub form: RegionForm,
    /// The callback, or the batch's list.
    pub body: Option<Selector>,
    /// Which parameter of the callback is the handle.
    pub handle: Option<usize>,
    /// The isolation level asked for.
    pub isolation: Option<Selector>,
    /// Names of levels, as written, and what they mean (`ReadCommitted` -> `read committed`).
    pub levels: Vec<(String, String)>,
    /// `Some` for a lock: its name.
    pub lock: Option<Selector>,
    /// Whether only this process sees the lock.
    pub in_process: bool,
    /// Whether a list of a single call runs at the default level, whatever is asked for.
    pub level_needs_two: bool,
    /// What opening it inside such a region does: `savepoint` or `same`.
    pub nested: Option<String>,
    /// The level where none is asked for.
    pub level: Option<String>,
    /// The type of the handle.
    pub gives: Option<String>,
    /// Whether what runs through the value it is opened on is inside meanwhile.
    pub shared: bool,
    /// Calls that close it and keep what was done.
    pub commit: Vec<CallPattern>,
    /// Calls that close it and undo what was done.
    pub abort: Vec<CallPattern>,
}

/// How a region's extent is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionForm {
    /// A callback runs inside.
    Callback,
    /// A value opens it and closes it when it is gone.
    Guard,
    /// A list of lazy calls runs inside, in order.
    Batch,
}

/// A call that does something to the world outside which cannot be taken back: a mail, another program that runs.
#[derive(Clone, Debug)]
pub struct EffectRow {
    /// Which call.
    pub on: CallPattern,
}

/// A call that never comes back: it answers the request by an error that it throws.
#[derive(Clone, Debug)]
pub struct ExitRow {
    /// Which call.
    pub on: CallPattern,
    /// The modules that the called function comes from.
    pub from: Vec<String>,
}

/// A call that registers functions which run one after the other for the same request.
#[derive(Clone, Debug)]
pub struct PipelineRow {
    /// Which call.
    pub on: CallPattern,
    /// The functions. Each but the last is given, as its last parameter, a function that runs the next.
    pub stages: Selector,
}

/// A function that answers errors which nothing else has caught, for a whole application.
#[derive(Clone, Debug)]
pub struct ErrorHandlerRow {
    /// How it is registered.
    pub by: Registration,
    /// The function, or the object or class that has it as `method`.
    pub handler: Selector,
    /// The method.
    pub method: Option<String>,
    /// Only a function with so many parameters is one.
    pub params: Option<usize>,
}

/// How something is made known to a framework.
#[derive(Clone, Debug)]
pub enum Registration {
    /// By a call.
    Call(CallPattern),
    /// By an object with a member that is a name.
    Object {
        /// The member.
        member: String,
        /// The name.
        name: String,
        /// The member that is the handler, or has it.
        handler: String,
    },
}

/// Kinds of database errors that programs recognise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ErrorKind {
    UniqueViolation,
    Serialization,
    SerializationAtCommit,
    /// A serialization failure in the form in which a statement of raw SQL reports it.
    SerializationInSql,
    NotFound,
    ForeignKey,
}

/// A test that recognises an error.
#[derive(Clone, Debug)]
pub struct ErrorRow {
    /// The error.
    pub kind: ErrorKind,
    /// Values of the error's code that mean it (`P2002`, `23505`), compared with any member named in `members`.
    pub codes: Vec<String>,
    /// The members that carry the code (`code`, `errorCode`).
    pub members: Vec<String>,
    /// The members that it is read from inside of, one of them; empty where that does not matter.
    pub within: Vec<String>,
    /// Pieces of its message that mean it.
    pub messages: Vec<String>,
    /// Classes that mean it; also variants and constants of that name.
    pub classes: Vec<String>,
    /// Names of calls that are true for it.
    pub tests: Vec<String>,
    /// Members that name the constraint which is violated; to ask for one that is no other kind's is to recognise it.
    pub constraints: Vec<String>,
    /// How people know it, for schedules (`unique violation (P2002)`).
    pub title: String,
}

/// How the names of items stand for entities and columns.
#[derive(Clone, Debug, Default)]
pub struct NameRules {
    /// From an item to an entity.
    pub entity: NameForm,
    /// From an item to a column.
    pub column: NameForm,
    /// Items for which the module that they stand in has the name: `table` of `users::table`.
    pub skip: Vec<String>,
    /// The attribute of a struct that names the entity whose rows it stands for.
    pub attribute: Option<String>,
    /// Items that stand for no value at all.
    pub absent: Vec<String>,
}

/// How a name in code becomes one in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameForm {
    /// It is the same.
    #[default]
    Same,
    /// `OrderLine` is `order_line`.
    Snake,
}

impl NameForm {
    /// The name in the database.
    #[must_use]
    pub fn convert(self, name: &str) -> String {
        match self {
            Self::Same => name.to_owned(),
            Self::Snake => snake(name),
        }
    }
}

fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.strip_prefix("r#").unwrap_or(name).chars() {
        if c.is_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// How an object literal reads as a condition on rows.
#[derive(Clone, Debug, Default)]
pub struct FilterGrammar {
    /// Operators under a column's name: `gte` -> `ge`. Values: `eq ne lt le gt ge in not-in like other`.
    pub operators: Vec<(String, String)>,
    /// Keys that hold several conditions, all of them needed.
    pub and: Vec<String>,
    /// Keys that hold alternatives.
    pub or: Vec<String>,
    /// Keys that hold a negated condition.
    pub not: Vec<String>,
    /// Keys under a relation that hold conditions on the related rows: `some`, `is`.
    pub relation: Vec<String>,
}

/// How an object literal reads as written columns.
#[derive(Clone, Debug, Default)]
pub struct DataGrammar {
    /// Keys under a column's name that change it relatively: `increment` -> `+`. Values: `+ - * /`.
    pub deltas: Vec<(String, String)>,
    /// Keys under a column's name that just set it.
    pub set: Vec<String>,
    /// Keys under a column's name that append to a list.
    pub append: Vec<String>,
    /// Keys under a relation that write related rows: `create` -> `create`. Values: `create create-many connect
    /// connect-or-create upsert update update-many delete delete-many disconnect set`.
    pub nested: Vec<(String, String)>,
}

/// The code of a remedy.
#[derive(Clone, Debug)]
pub struct RemedyRow {
    /// The intent (`merge-into-upsert`, `guard-where`, …).
    pub intent: String,
    /// Engines it holds for; empty for all.
    pub engines: Vec<String>,
    /// The code, with `{holes}`.
    pub code: String,
}

impl RemedyRow {
    /// The code with its holes filled; `None` where `value` has nothing for one of them.
    #[must_use]
    pub fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        remedy::fill(&self.code, value)
    }
}
