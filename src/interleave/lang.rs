//! The statement language.
//!
//! A **program** is what one session runs: a [`Block`] of nodes. A **statement** is a node that goes to the database, and
//! the only thing that takes time: everything else (branches, results, effects) happens at once after it. Names are the
//! caller's; statements may carry a `tag`, which comes back in the schedule.
//!
//! ```
//! use toctou::interleave::{Level, block, col, declined, did, field, read, ret, tx, update, when};
//!
//! let id = || col("id").eq(1);
//! let claim = block![tx(Level::ReadCommitted, block![
//!     read("task").filter(id()).to("t").tag(1),
//!     when(field("t", "status").ne("open"), block![ret(declined("taken"))]),
//!     update("task").filter(id()).set("status", "done").tag(2),
//!     ret(did("won")),
//! ])];
//! ```

use std::fmt;

use super::ending::{Code, Label};
use super::expr::{Expr, Name};

/// What one session runs.
pub type Program = Block;

/// Nodes that run one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block(Vec<Node>);

impl Block {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a node, or all nodes of a block.
    pub fn push(&mut self, nodes: impl Into<Block>) {
        self.0.extend(nodes.into().0);
    }

    /// The nodes, in order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.0
    }
}

/// A [`Block`] of nodes, statements and other blocks.
#[macro_export]
macro_rules! block {
    ($($node:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "the list may be empty")]
        let mut block = $crate::interleave::Block::new();
        $(block.push($node);)*
        block
    }};
}
pub use block;

/// One node of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A database statement: one step of the scheduler. Outside a transaction its commit is a second one, unless it is a
    /// plain read.
    Stmt(Stmt),
    /// Something done to the world outside of the database (a mail, a payment). It is part of the outcome, no rollback
    /// undoes it, and it takes no step.
    Effect {
        /// What is done.
        name: Name,
        /// To whom or what.
        key: Expr,
    },
    /// A transaction. Inside another one it is part of that.
    Tx {
        /// The isolation level asked for; `None` is the server's default.
        level: Option<Level>,
        /// What runs in it.
        body: Block,
        /// The caller's mark for the commit.
        tag: Option<u32>,
    },
    /// A savepoint around a block: an error rolls back to it. Outside a transaction it does nothing.
    Savepoint(Block),
    /// Runs the handler if the body fails with one of the codes.
    Catch {
        /// The errors handled.
        codes: Vec<Code>,
        /// What may fail.
        body: Block,
        /// What runs then.
        handler: Block,
    },
    /// Runs the body again if it fails with one of the codes.
    Retry {
        /// The errors retried.
        codes: Vec<Code>,
        /// How many more attempts there are after the first.
        times: u8,
        /// What may fail.
        body: Block,
    },
    /// A branch. Anything but TRUE takes the second way.
    If {
        /// The condition, over the session's variables.
        cond: Expr,
        /// Runs if it is true.
        then: Block,
        /// Runs if it is not.
        otherwise: Block,
    },
    /// Ends the innermost transaction (by committing it), or the program, with a result.
    Ret(Label),
    /// Fails, as the program's own error.
    Throw(Code),
    /// Where a test driver holds a session until the other one has come as far, is done or is blocked. Only
    /// [`Judge::barriers`](super::Judge::barriers) takes notice of it.
    Barrier(Name),
}

/// A statement that goes to the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented at its type")]
pub enum Stmt {
    Read(Read),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Lock(Lock),
    Unlock(Unlock),
}

/// `SELECT`. Made by [`read`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    pub(super) tag: Option<u32>,
    pub(super) table: Name,
    pub(super) filter: Expr,
    pub(super) lock: Option<RowLock>,
    pub(super) into: Option<Name>,
}

/// The locking clause of a `SELECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowLock {
    /// `FOR SHARE`
    Share,
    /// `FOR UPDATE`
    Update,
}

/// `INSERT` of one row. Made by [`insert`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Insert {
    pub(super) tag: Option<u32>,
    pub(super) table: Name,
    pub(super) values: Vec<(Name, Expr)>,
    pub(super) on_conflict: OnConflict,
    pub(super) unless: Option<Expr>,
    pub(super) into: Option<Name>,
}

/// What an `INSERT` does about a row that has its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnConflict {
    /// Fail with a unique violation.
    #[default]
    Fail,
    /// Leave that row and insert none.
    Nothing,
    /// Update that row.
    Update(Vec<(Name, Expr)>),
}

/// `UPDATE`. Made by [`update`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    pub(super) tag: Option<u32>,
    pub(super) table: Name,
    pub(super) filter: Expr,
    pub(super) frozen: Option<Expr>,
    pub(super) set: Vec<(Name, Expr)>,
    pub(super) into: Option<Name>,
}

/// `DELETE`. Made by [`delete`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delete {
    pub(super) tag: Option<u32>,
    pub(super) table: Name,
    pub(super) filter: Expr,
    pub(super) into: Option<Name>,
}

/// Takes an advisory or named lock. Made by [`lock`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    pub(super) tag: Option<u32>,
    pub(super) name: Name,
    pub(super) scope: Scope,
}

/// How long a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To the end of the transaction.
    Tx,
    /// Until it is released, across transactions.
    Session,
}

/// Releases a named lock. Made by [`unlock`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unlock {
    pub(super) tag: Option<u32>,
    pub(super) name: Name,
}

/// Reads rows of a table.
pub fn read(table: impl Into<Name>) -> Read {
    Read { tag: None, table: table.into(), filter: Expr::TRUE, lock: None, into: None }
}

/// Inserts a row.
pub fn insert(table: impl Into<Name>) -> Insert {
    let on_conflict = OnConflict::Fail;
    Insert { tag: None, table: table.into(), values: Vec::new(), on_conflict, unless: None, into: None }
}

/// Updates rows of a table.
pub fn update(table: impl Into<Name>) -> Update {
    Update { tag: None, table: table.into(), filter: Expr::TRUE, frozen: None, set: Vec::new(), into: None }
}

/// Deletes rows of a table.
pub fn delete(table: impl Into<Name>) -> Delete {
    Delete { tag: None, table: table.into(), filter: Expr::TRUE, into: None }
}

/// Takes a named lock, to the end of the transaction.
pub fn lock(name: impl Into<Name>) -> Lock {
    Lock { tag: None, name: name.into(), scope: Scope::Tx }
}

/// Releases a named lock.
pub fn unlock(name: impl Into<Name>) -> Unlock {
    Unlock { tag: None, name: name.into() }
}

/// A transaction; `None` asks for no level.
pub fn tx(level: impl Into<Option<Level>>, body: impl Into<Block>) -> Node {
    Node::Tx { level: level.into(), body: body.into(), tag: None }
}

/// A savepoint.
pub fn savepoint(body: impl Into<Block>) -> Node {
    Node::Savepoint(body.into())
}

/// Handles errors of a block.
pub fn catch(codes: impl Into<Vec<Code>>, body: impl Into<Block>, handler: impl Into<Block>) -> Node {
    Node::Catch { codes: codes.into(), body: body.into(), handler: handler.into() }
}

/// Runs a block again after an error, at most so many times more.
pub fn retry(codes: impl Into<Vec<Code>>, times: u8, body: impl Into<Block>) -> Node {
    Node::Retry { codes: codes.into(), times, body: body.into() }
}

/// Runs a block if a condition is true.
pub fn when(cond: Expr, then: impl Into<Block>) -> Node {
    either(cond, then, Block::new())
}

/// Runs one block or the other.
pub fn either(cond: Expr, then: impl Into<Block>, otherwise: impl Into<Block>) -> Node {
    Node::If { cond, then: then.into(), otherwise: otherwise.into() }
}

/// Ends with a result.
#[must_use]
pub fn ret(label: Label) -> Node {
    Node::Ret(label)
}

/// Fails.
#[must_use]
pub fn throw(code: Code) -> Node {
    Node::Throw(code)
}

/// Does something outside of the database.
pub fn effect(name: impl Into<Name>, key: impl Into<Expr>) -> Node {
    Node::Effect { name: name.into(), key: key.into() }
}

/// A barrier of a test driver.
pub fn barrier(name: impl Into<Name>) -> Node {
    Node::Barrier(name.into())
}

macro_rules! statements {
    ($($kind:ident)*) => {
        $(
            impl $kind {
                /// The caller's mark for this statement; it comes back in the schedule.
                #[must_use]
                pub fn tag(mut self, tag: u32) -> Self {
                    self.tag = Some(tag);
                    self
                }
            }

            impl From<$kind> for Block {
                fn from(statement: $kind) -> Self {
                    Self(vec![Node::Stmt(Stmt::$kind(statement))])
                }
            }
        )*

        impl Stmt {
            /// The caller's mark for this statement.
            #[must_use]
            pub fn tag(&self) -> Option<u32> {
                match self {
                    $(Self::$kind(statement) => statement.tag,)*
                }
            }
        }
    };
}

macro_rules! queries {
    ($($kind:ident)*) => {
        $(
            impl $kind {
                /// The rows meant. Several filters must all hold.
                #[must_use]
                pub fn filter(mut self, filter: Expr) -> Self {
                    self.filter = if self.filter == Expr::TRUE { filter } else { self.filter & filter };
                    self
                }
            }
        )*
    };
}

macro_rules! results {
    ($($kind:ident)*) => {
        $(
            impl $kind {
                /// The variable that holds the rows afterwards: those read, inserted, updated (as they are then) or
                /// deleted. Their number is the affected-row count, which counts rows that *matched*.
                #[must_use]
                pub fn to(mut self, variable: impl Into<Name>) -> Self {
                    self.into = Some(variable.into());
                    self
                }
            }
        )*
    };
}

statements! { Read Insert Update Delete Lock Unlock }
queries! { Read Update Delete }
results! { Read Insert Update Delete }

impl From<Node> for Block {
    fn from(node: Node) -> Self {
        Self(vec![node])
    }
}

impl FromIterator<Node> for Block {
    fn from_iter<T: IntoIterator<Item = Node>>(nodes: T) -> Self {
        Self(nodes.into_iter().collect())
    }
}

impl Node {
    /// The caller's mark for the commit of a transaction.
    #[must_use]
    pub fn commit_tag(mut self, mark: u32) -> Self {
        if let Self::Tx { tag, .. } = &mut self {
            *tag = Some(mark);
        }
        self
    }
}

impl Read {
    /// `FOR UPDATE`
    #[must_use]
    pub fn for_update(mut self) -> Self {
        self.lock = Some(RowLock::Update);
        self
    }

    /// `FOR SHARE`
    #[must_use]
    pub fn for_share(mut self) -> Self {
        self.lock = Some(RowLock::Share);
        self
    }
}

impl Insert {
    /// The value of a column.
    #[must_use]
    pub fn set(mut self, column: impl Into<Name>, value: impl Into<Expr>) -> Self {
        self.values.push((column.into(), value.into()));
        self
    }

    /// What to do about a row that has the key.
    #[must_use]
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// `INSERT … SELECT … WHERE NOT EXISTS (…)`: the condition is part of the statement.
    #[must_use]
    pub fn unless(mut self, filter: Expr) -> Self {
        self.unless = Some(filter);
        self
    }
}

impl Update {
    /// The new value of a column, computed from the row as it is.
    #[must_use]
    pub fn set(mut self, column: impl Into<Name>, value: impl Into<Expr>) -> Self {
        self.set.push((column.into(), value.into()));
        self
    }

    /// A condition inside a sub-select (`WHERE id IN (SELECT …)`): engines that test the filter again on a newer row do
    /// not test this again.
    #[must_use]
    pub fn frozen(mut self, filter: Expr) -> Self {
        self.frozen = Some(filter);
        self
    }
}

impl Lock {
    /// Holds the lock until it is released, across transactions.
    #[must_use]
    pub fn for_session(mut self) -> Self {
        self.scope = Scope::Session;
        self
    }
}

/// Isolation levels. Each engine takes the ones it has and reads the others as its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// READ COMMITTED
    #[default]
    ReadCommitted,
    /// REPEATABLE READ
    RepeatableRead,
    /// SERIALIZABLE
    Serializable,
    /// SQLite: `BEGIN`
    Deferred,
    /// SQLite: `BEGIN IMMEDIATE`
    Immediate,
}

impl fmt::Display for Stmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter = |f: &mut fmt::Formatter<'_>, filter: &Expr| {
            if *filter == Expr::TRUE { Ok(()) } else { write!(f, " where {filter}") }
        };
        match self {
            Self::Read(q) => {
                write!(f, "read {}", q.table)?;
                filter(f, &q.filter)?;
                f.write_str(match q.lock {
                    None => "",
                    Some(RowLock::Share) => " for share",
                    Some(RowLock::Update) => " for update",
                })
            }
            Self::Insert(q) => {
                write!(f, "insert {}", q.table)?;
                f.write_str(match q.on_conflict {
                    OnConflict::Fail => "",
                    OnConflict::Nothing => " on conflict nothing",
                    OnConflict::Update(_) => " on conflict update",
                })?;
                q.unless.as_ref().map_or(Ok(()), |unless| write!(f, " unless {unless}"))
            }
            Self::Update(q) => {
                write!(f, "update {}", q.table)?;
                for (i, (column, value)) in q.set.iter().enumerate() {
                    write!(f, "{} {column} := {value}", if i == 0 { " set" } else { "," })?;
                }
                filter(f, &q.filter)
            }
            Self::Delete(q) => {
                write!(f, "delete {}", q.table)?;
                filter(f, &q.filter)
            }
            Self::Lock(q) => write!(f, "lock {}", q.name),
            Self::Unlock(q) => write!(f, "unlock {}", q.name),
        }
    }
}
