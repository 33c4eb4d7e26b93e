//! A trace: one function with everything it runs in place spliced in, and its operations recognised.
//!
//! The root function's blocks, those of the functions it calls, of callbacks that run in place and of handlers make one
//! graph.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::value::{ValId, Values};
use crate::finding::Confidence;
use crate::library::{CallRow, Library, Missing, OnConflict, Place, Rows, Verb};
use crate::link::{ClassRef, FuncRef, UnitId};
use crate::sql;
use crate::text::Span;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the table this id counts.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A block of a trace.
    BlockId
);
id!(
    /// An operation of a trace.
    OpId
);
id!(
    /// A transaction or lock of a trace.
    RegionId
);
id!(
    /// A function's run within a trace.
    FrameId
);

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The file.
    pub unit: UnitId,
    /// The place in it.
    pub span: Span,
}

/// One function and all it runs.
#[derive(Debug)]
pub struct Trace<'a> {
    /// The function it starts from.
    pub root: FuncRef,
    /// The file it starts in.
    pub home: UnitId,
    /// All values.
    pub values: Values,
    /// All blocks; the first is the entry.
    pub blocks: Vec<Block>,
    /// All operations, in the order in which they were met.
    pub ops: Vec<Op<'a>>,
    /// All transactions and locks.
    pub regions: Vec<Region>,
    /// All runs of functions; the first is the root's.
    pub frames: Vec<Frame>,
    /// Functions that ran in place inside the function that holds them, so that they need no trace of their own.
    pub in_place: Vec<FuncRef>,
    /// Rows that an operation reads along, by the member under which it gives them.
    pub related: FxHashMap<(OpId, String), OpId>,
    /// Parameters by which a function is given access to what others have as well, and no data of its own.
    pub shared: FxHashSet<ValId>,
    /// Those of them that are lent by a plain reference: who lends it may be its only owner.
    pub lent: FxHashSet<ValId>,
    /// Whether errors are values here: who does not hand one on has looked at it.
    pub errors_are_values: bool,
    /// Whether something was left out because the trace grew too large.
    pub budget_hit: bool,
    /// Whether functions that were begun have not been followed to their ends.
    pub cut_off: bool,
}

/// A stretch of events without branches.
#[derive(Debug, Default)]
pub struct Block {
    /// What happens, in order.
    pub events: Vec<Event>,
    /// How it ends.
    pub exit: Exit,
    /// Where an error of the last event goes; the state there is the one before that event.
    pub handler: Option<BlockId>,
    /// The run it belongs to.
    pub frame: FrameId,
    /// The transactions and locks open at its start, outermost first.
    pub regions: Vec<RegionId>,
    /// For the first block of a handler: the errors thrown to it by name, with the block they come from.
    pub thrown: Vec<(BlockId, ValId)>,
    /// Whether it is the head of a loop.
    pub is_loop: bool,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// An operation on the database.
    Op(OpId),
    /// A call that is not resolved.
    Call(Effect),
    /// A transaction or lock opens.
    Open(RegionId),
    /// It closes (and a transaction commits).
    Close(RegionId),
    /// A transaction is rolled back.
    Abort(RegionId),
}

/// A call that does something unknown outside the database.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The called name, as far as it is known (`stripe.charges.create`).
    pub name: String,
    /// The arguments.
    pub args: Vec<ValId>,
    /// The receiver, if it is a method call.
    pub receiver: Option<ValId>,
    /// The call.
    pub site: Site,
    /// Whether the result is awaited.
    pub awaited: bool,
    /// Whether a library says that it cannot be taken back.
    pub lasting: bool,
}

/// How a block ends.
#[derive(Debug, Default, Clone)]
pub enum Exit {
    /// On to another block.
    Goto(BlockId),
    /// One of two ways.
    Branch {
        /// The tested value.
        test: ValId,
        /// Where true leads.
        yes: BlockId,
        /// Where false leads.
        no: BlockId,
        /// The tested text.
        site: Site,
    },
    /// The end of the root function.
    Return(ValId, Site),
    /// An error to the handler.
    Raise(BlockId, ValId),
    /// An error that leaves the root function.
    Throw(ValId, Site),
    /// Not reached.
    #[default]
    Unreachable,
}

/// A function's run.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The function.
    pub func: FuncRef,
    /// The run that the function was written in, whose variables it sees.
    pub lexical: Option<FrameId>,
    /// The run that called it, and where.
    pub caller: Option<(FrameId, Site)>,
    /// Its receiver.
    pub this: Option<ValId>,
    /// Whether it is a callback that ran in place inside the function that holds it: then it is part of that.
    pub in_place: bool,
    /// Whether it was handed the handle of a transaction that its caller has opened.
    pub takes_handle: bool,
    /// How sure it is that the calls on the way to it mean this function.
    pub confidence: Confidence,
    /// Whether it is one of several functions that answer a request in order. The next one runs inside it, and yet is no
    /// part of what it does.
    pub is_stage: bool,
    /// Whether its name says that it takes a lock of its own.
    pub takes_lock: bool,
    /// Whether its name says that it is only run under a lock (`renew_locked`).
    pub runs_locked: bool,
    /// Whether it waits for something, so that other things go on meanwhile.
    pub awaits: bool,
    /// Whether it waits for something, and nobody waits for it: what stands behind the call goes on meanwhile.
    pub detached: bool,
    /// What stands around the call to it.
    pub around: Around,
}

/// What stands around a call and may make a difference to what runs in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Around {
    /// A transaction, a lock, or a handle that is given along: with these, runs may wait for each other.
    pub guard: bool,
    /// A handler of errors: it answers for what fails, and keeps nobody out.
    pub handler: bool,
    /// A row that the caller has made itself is handed in: no other run knows of it yet.
    pub own_row: bool,
}

impl Around {
    /// Whether there is anything that waits for others or answers for what fails.
    pub fn is_any(self) -> bool {
        self.guard || self.handler
    }
}

/// A transaction or a lock.
#[derive(Debug, Clone)]
pub struct Region {
    /// What it is.
    pub kind: RegionKind,
    /// Where it is opened.
    pub site: Site,
    /// The level that was asked for and is not given.
    pub ignored_level: Option<String>,
    /// Whether a level is asked for of which nothing is known.
    pub unknown_level: bool,
    /// The value it is opened on: a client, or the handle of the transaction around it.
    pub on: Option<ValId>,
    /// The region it is opened in.
    pub parent: Option<RegionId>,
    /// Where an error goes that it raises when it opens or commits.
    pub handler: Option<BlockId>,
    /// The block from which it is opened.
    pub block: BlockId,
}

/// What a region is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionKind {
    /// A transaction.
    Transaction {
        /// The level asked for, in words (`read committed`); `None`: the default.
        isolation: Option<String>,
        /// Whether it is a list of calls sent at once.
        batch: bool,
        /// Whether it was opened by somebody out of sight, who handed in the handle.
        ambient: bool,
    },
    /// A transaction inside a transaction.
    Savepoint,
    /// A lock that other processes see, by name, as far as it is known.
    Lock(String),
    /// A lock within the process, around what is done to things that other processes reach as well.
    Mutex,
    /// A guard within the process: what it guards is nobody else's before it is gone.
    Guard(String),
}

/// An operation on the database.
#[derive(Debug, Clone)]
pub struct Op<'a> {
    /// What it does.
    pub verb: Verb,
    /// The entity; empty where it is not known.
    pub entity: String,
    /// The schema that describes the entity, and its position there.
    pub schema: Option<(usize, usize)>,
    /// How many rows it is about, by its form.
    pub rows: Rows,
    /// What it gives where no row is there.
    pub missing: Missing,
    /// Where its conditions and written columns come from.
    pub source: OpSource<'a>,
    /// The row lock it takes.
    pub lock: Option<sql::Lock>,
    /// The region whose handle it runs through; `None`: no transaction.
    pub region: Option<RegionId>,
    /// The block that holds it.
    pub block: BlockId,
    /// The run that holds it.
    pub frame: FrameId,
    /// The call.
    pub site: Site,
    /// The called name (`findUnique`).
    pub name: String,
    /// How sure it is that this is an operation on that entity.
    pub confidence: Confidence,
    /// Values of the call, by argument.
    pub args: Vec<ValId>,
    /// The handle, as a value (`prisma`, `tx`).
    pub handle: Option<ValId>,
    /// How sure it is that the handle is a client, which opens connections of its own; `None` where it is a transaction's, or
    /// where nothing says what it is.
    pub client: Option<Confidence>,
    /// Whether it may run on a connection that the statement before it has not run on.
    pub pooled: bool,
    /// The library whose call it is, and the row that describes the call that runs it.
    pub by: Option<(&'a CallRow, &'a Library)>,
    /// Whether it gives one column of its row instead of the row.
    pub scalar: bool,
    /// Whether it runs only when somebody waits for it, and nobody does.
    pub dropped: bool,
    /// The class of the project that its rows are made to.
    pub row: Option<ClassRef>,
}

impl Op<'_> {
    /// Whether it is an insert that takes its rows from another table, and leaves alone those that are there: done twice, it
    /// leaves what it leaves when it is done once.
    #[must_use]
    pub fn copies_what_is_missing(&self) -> bool {
        let OpSource::Sql(statement, _) = &self.source else { return false };
        statement.query().is_some_and(|q| q.insert_select && matches!(q.conflict, Some(sql::Conflict::Nothing(_))))
    }
}

/// Where an operation's conditions and written columns come from.
#[derive(Debug, Clone)]
pub enum OpSource<'a> {
    /// A call that a library row describes.
    Call(&'a CallRow, &'a Library),
    /// Rows that another operation reads along: the columns that tie them to its row, and their own condition.
    Related {
        /// The operation that reads them.
        of: OpId,
        /// Column here, column there.
        ties: Vec<(String, String)>,
        /// The argument that selects them.
        key: Option<ValId>,
        /// The library whose grammar the argument is written in.
        library: &'a Library,
    },
    /// A statement in SQL text, with the values of its holes and placeholders.
    Sql(Box<sql::Statement>, Rc<Bound>),
    /// A statement that several calls have put together.
    Built(Rc<Built>, &'a Library),
    /// An assignment to what is reached through the row of a place.
    Stored {
        /// The operation that gave the row.
        of: OpId,
        /// The place.
        place: Place,
        /// Columns and their new values.
        columns: Vec<(String, ValId)>,
    },
}

/// The values that go into SQL text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What stood in the text itself.
    pub holes: Vec<ValId>,
    /// What is bound to placeholders, from the first on.
    pub values: Vec<ValId>,
    /// What is bound to placeholders by name.
    pub named: Vec<(String, ValId)>,
}

/// A statement that several calls have put together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Built {
    /// Conditions; all must hold.
    pub keys: Vec<ValId>,
    /// The value of the primary key.
    pub find: Option<ValId>,
    /// The row that is meant.
    pub row: Option<ValId>,
    /// The columns that are read, where they are listed.
    pub selected: Vec<Option<String>>,
    /// Written columns; of an upsert those of the update.
    pub set: Vec<ValId>,
    /// The columns of a created row.
    pub create: Vec<ValId>,
    /// What an insert does about a row that is there already.
    pub conflict: Option<OnConflict>,
    /// How many rows at most.
    pub limit: Option<ValId>,
    /// The order of rows.
    pub order: Vec<ValId>,
    /// Whether it asks that there be no row.
    pub negated: bool,
    /// Whether there may be more to it.
    pub vague: bool,
}

/// Whether a function's name says that it takes a lock of its own, out of the database's sight (`acquireLock`, `withLock`,
/// `runExclusive`), or runs what it is given under one.
#[must_use]
pub fn names_lock(name: &str) -> bool {
    let name = name.to_lowercase();
    let takes =
        name.ends_with("lock") && !["unlock", "block", "clock", "releaselock"].iter().any(|end| name.ends_with(end));
    takes || name.contains("withlock") || name.contains("runexclusive")
}

/// Whether a function's name says that it is only run under a lock (`renew_locked`), and does not merely ask for one
/// (`is_locked`).
#[must_use]
pub fn names_held_lock(name: &str) -> bool {
    const ASKS: [&str; 7] = ["is", "has", "if", "check", "ensure", "assert", "require"];
    let name = name.to_lowercase();
    let ends = ["_locked", "_under_lock", "_with_lock_held"].iter().any(|end| name.ends_with(end));
    ends && !name.split('_').any(|word| ASKS.contains(&word) || word == "not")
}

/// Whether a call's name, with what it is called on, says that it takes one of a number of permits: who has the only one
/// there is runs alone.
#[must_use]
pub fn names_permit(name: &str) -> bool {
    let (receiver, last) = name.rsplit_once('.').unwrap_or(("", name));
    let receiver = receiver.to_lowercase();
    let counts = ["semaphore", "permit", "slot"].iter().any(|word| receiver.contains(word));
    last == "acquire_owned" || counts && last.to_lowercase().starts_with("acquire")
}

/// Whether a call says by its name that it makes one more of something elsewhere: `addTicket`, `events.insert`. What is only
/// made ready to be asked (`createClient`) is none.
#[must_use]
pub fn makes_one(name: &str) -> bool {
    const MAKES: [&str; 4] = ["add", "create", "insert", "post"];
    const READY: [&str; 9] =
        ["client", "context", "caller", "connection", "server", "provider", "instance", "transport", "hash"];
    let starts = |verb: &str| {
        name.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_uppercase))
    };
    let lower = name.to_lowercase();
    MAKES.iter().any(|verb| starts(verb)) && !READY.iter().any(|ready| lower.ends_with(ready))
}

/// Names of calls that do something to the world outside.
const EFFECTS: [&str; 10] =
    ["send", "email", "mail", "notify", "publish", "enqueue", "charge", "refund", "transfer", "dispatch"];

/// Whether a call's name, with what it is called on, says that it does something to the world outside: sends a mail, takes
/// money, hands a job to a queue.
#[must_use]
pub fn names_effect(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    EFFECTS.iter().any(|effect| last.starts_with(effect)) || names_queue(name)
}

/// Whether a call's name says that it hands a job to a queue (`reportQueue.add`).
#[must_use]
pub fn names_queue(name: &str) -> bool {
    let Some((receiver, last)) = name.rsplit_once('.') else { return false };
    receiver.to_lowercase().ends_with("queue") && matches!(last, "add" | "addBulk")
}

impl<'m> Trace<'m> {
    /// An operation.
    #[must_use]
    pub fn op(&self, id: OpId) -> &Op<'m> {
        &self.ops[id.index()]
    }

    /// A block.
    #[must_use]
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// The run that stands for a run in reports: that of the function which holds it, for a callback run in place.
    #[must_use]
    pub fn reporting_frame(&self, mut frame: FrameId) -> FrameId {
        while self.frames[frame.index()].in_place {
            let Some(lexical) = self.frames[frame.index()].lexical else { break };
            frame = lexical;
        }
        frame
    }

    /// The blocks that control may reach next, the handler's first.
    pub fn successors(&self, id: BlockId) -> impl Iterator<Item = BlockId> + '_ {
        let block = self.block(id);
        let (a, b) = match &block.exit {
            Exit::Goto(next) | Exit::Raise(next, _) => (Some(*next), None),
            Exit::Branch { yes, no, .. } => (Some(*yes), Some(*no)),
            Exit::Return(..) | Exit::Throw(..) | Exit::Unreachable => (None, None),
        };
        block.handler.into_iter().chain(a).chain(b)
    }
}
