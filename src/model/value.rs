//! Values, as far as they can be known without running anything.
//!
//! Values are hash-consed: two [`ValId`]s are equal exactly if the values are, structurally, after copies have been
//! followed. That is what makes `existing.id` of a row read by `{id: X}` *be* `X`.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::trace::{BlockId, FrameId, OpId, RegionId};
use crate::ir::{BinaryOp, Const, Over, SlotId, UnaryOp};
use crate::link::{ClassRef, FileId, FuncRef, UnitId};
use crate::text::Span;

/// A value of one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValId(pub u32);

/// The forms of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Val {
    /// A literal.
    Const(Literal),
    /// Text with holes.
    Text(Vec<TextPart>),
    /// A parameter of a function that nobody in sight calls.
    Param(FuncRef, u32),
    /// The receiver of a method whose object is not known any closer.
    This(ClassRef),
    /// An instance made by `new`, or a value declared to be one.
    Instance(ClassRef),
    /// An instance of a class, with the members that its constructor gave it.
    Made(ClassRef, ValId),
    /// What a variable is declared to hold, where its value says less.
    Declared(UnitId, SlotId),
    /// A name that nothing in the project declares.
    Global(String),
    /// A name of a module outside the project.
    External(String, String),
    /// A module of the project as an object.
    Module(FileId),
    /// A class of the project.
    Class(ClassRef),
    /// A function of the project and the frame it closes over.
    Closure(FuncRef, Option<FrameId>),
    /// A named member.
    Field(ValId, String),
    /// A computed member.
    Index(ValId, ValId),
    /// An object literal.
    Object(Vec<ObjectEntry>),
    /// An array literal.
    Array(Vec<ArrayItem>),
    /// An operator with one operand.
    Unary(UnaryOp, ValId),
    /// An operator with two operands.
    Binary(BinaryOp, ValId, ValId),
    /// `test ? yes : no`.
    Choice(ValId, ValId, ValId),
    /// Some element of a collection.
    Element(ValId),
    /// What a collection method makes of a collection.
    Over(Over, ValId, ValId),
    /// An object without some members.
    Rest(ValId, Vec<String>),
    /// The error a handler caught.
    Caught(BlockId),
    /// What an operation gave.
    Result(OpId),
    /// The handle of a transaction.
    Handle(RegionId),
    /// What an unresolved call gave: a function of its receiver and arguments. `site` tells calls apart that have
    /// neither, since those may give something new each time.
    Call {
        /// What is called.
        callee: ValId,
        /// The arguments.
        args: Vec<ValId>,
        /// Whether `new` made it.
        is_new: bool,
        /// The place, for calls without arguments.
        site: Option<(FrameId, Span)>,
    },
    /// A statement in the making: what calls of a library have said of it so far.
    Query(Box<Query>),
    /// What runs the function at this place among those that answer one request.
    Next(u32),
    /// One of several values, depending on the way that led to a block.
    Phi(PhiId),
    /// Made from other values in a way that is not understood.
    Derived(Vec<ValId>),
    /// Not known.
    Opaque(u32),
}

/// A statement in the making. It holds the calls that made it, and what each says is read off when it is run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The library, by its position in the registry.
    pub library: usize,
    /// The library's type that it is of.
    pub ty: String,
    /// The calls, in order.
    pub steps: Vec<QueryStep>,
    /// Whether something was added that is not known.
    pub vague: bool,
}

/// A call that says something of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueryStep {
    /// The row that describes it, by its position in the library.
    pub row: usize,
    /// What it was called on, if that was no statement yet.
    pub receiver: Option<ValId>,
    /// Its arguments.
    pub args: Vec<ValId>,
    /// The class of the project that rows are made to.
    pub class: Option<ClassRef>,
}

/// A literal, comparable and hashable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Literal {
    /// The absent value.
    Null,
    /// Not even that: the value of a member that is not there.
    Unset,
    /// A truth value.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// Text.
    Text(String),
}

impl From<&Const> for Literal {
    fn from(value: &Const) -> Self {
        match value {
            Const::Null => Self::Null,
            Const::Unset => Self::Unset,
            Const::Bool(b) => Self::Bool(*b),
            Const::Number(n) => Self::Number(n.clone()),
            Const::Text(t) => Self::Text(t.clone()),
        }
    }
}

impl Literal {
    /// Whether it stands for nothing.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Null | Self::Unset)
    }

    /// Whether a branch on it goes the `yes` way.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null | Self::Unset => false,
            Self::Bool(b) => *b,
            Self::Number(n) => n.parse::<f64>().is_ok_and(|n| n != 0.0),
            Self::Text(t) => !t.is_empty(),
        }
    }
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextPart {
    /// Literal.
    Text(String),
    /// A hole.
    Hole(ValId),
}

/// One entry of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectEntry {
    /// A named member and its value.
    Field(String, ValId),
    /// All members of another object.
    Spread(ValId),
    /// A member whose name is not known.
    Computed(ValId),
    /// A member that was removed.
    Removed(String),
}

/// One item of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArrayItem {
    /// One value.
    Value(ValId),
    /// All items of another collection.
    Spread(ValId),
}

/// A join of values at a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhiId(pub u32);

/// What meets at a [`PhiId`].
#[derive(Clone, Debug, Default)]
pub struct Phi {
    /// The block at whose start they meet.
    pub block: BlockId,
    /// The value each way brings.
    pub operands: Vec<(BlockId, ValId)>,
}

/// All values of a trace.
#[derive(Debug, Default)]
pub struct Values {
    table: Vec<Val>,
    /// For each value, whether it is a join or made from one.
    joined: Vec<bool>,
    /// For each hash, the last value that has it.
    ids: FxHashMap<u64, ValId>,
    /// For each value, the one before it that has the same hash.
    twins: Vec<Option<ValId>>,
    phis: Vec<Phi>,
    opaque: u32,
}

impl Values {
    /// The id of a value.
    pub fn add(&mut self, value: Val) -> ValId {
        let hash = match &value {
            Val::Field(base, name) => field_hash(*base, name),
            _ => FxBuildHasher.hash_one(&value),
        };
        self.find(hash, |known| *known == value).unwrap_or_else(|| self.add_new(hash, value))
    }

    /// The id of a named member.
    pub fn add_field(&mut self, base: ValId, name: &str) -> ValId {
        let hash = field_hash(base, name);
        let is = |known: &Val| matches!(known, Val::Field(of, member) if *of == base && member == name);
        self.find(hash, is).unwrap_or_else(|| self.add_new(hash, Val::Field(base, name.to_owned())))
    }

    /// The value with a hash that is as asked for.
    fn find(&self, hash: u64, is: impl Fn(&Val) -> bool) -> Option<ValId> {
        let mut twin = self.ids.get(&hash).copied();
        while let Some(id) = twin {
            if is(self.get(id)) {
                return twin;
            }
            twin = self.twins[id.0 as usize];
        }
        None
    }

    fn add_new(&mut self, hash: u64, value: Val) -> ValId {
        let id = ValId(u32::try_from(self.table.len()).unwrap_or(u32::MAX));
        let is_phi = matches!(value, Val::Phi(_));
        self.table.push(value);
        let joined = is_phi || self.any_part(id, &mut |part| self.joined[part.0 as usize]);
        self.joined.push(joined);
        let twin = self.ids.insert(hash, id);
        self.twins.push(twin);
        id
    }

    /// A value nothing is known of.
    pub fn opaque(&mut self) -> ValId {
        self.opaque += 1;
        self.add(Val::Opaque(self.opaque))
    }

    /// The value of what is not there.
    pub fn unset(&mut self) -> ValId {
        self.add(Val::Const(Literal::Unset))
    }

    /// A truth value.
    pub fn bool(&mut self, value: bool) -> ValId {
        self.add(Val::Const(Literal::Bool(value)))
    }

    /// The form of a value.
    #[must_use]
    pub fn get(&self, id: ValId) -> &Val {
        &self.table[id.0 as usize]
    }

    /// All values.
    pub fn all(&self) -> impl Iterator<Item = &Val> {
        self.table.iter()
    }

    /// Whether a value depends on the way taken, because it is a join or made from one.
    #[must_use]
    pub fn is_joined(&self, id: ValId) -> bool {
        self.joined[id.0 as usize]
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether a value is the time of the run, in whatever form: a clock's answer to no question.
    #[must_use]
    pub fn is_now(&self, value: ValId) -> bool {
        match self.get(value) {
            Val::Call { callee, args, is_new, .. } if args.is_empty() => match self.get(*callee) {
                Val::Field(_, name) if name == "now" => true,
                Val::Field(receiver, _) => !is_new && self.is_now(*receiver),
                Val::Global(_) | Val::External(..) => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// The literal a value is.
    #[must_use]
    pub fn literal(&self, id: ValId) -> Option<&Literal> {
        match self.get(id) {
            Val::Const(literal) => Some(literal),
            _ => None,
        }
    }

    /// The text a value is.
    #[must_use]
    pub fn text(&self, id: ValId) -> Option<&str> {
        match self.literal(id) {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a branch on the value always goes one way.
    #[must_use]
    pub fn truth(&self, id: ValId) -> Option<bool> {
        match self.get(id) {
            Val::Const(literal) => Some(literal.is_truthy()),
            Val::Object(_)
            | Val::Array(_)
            | Val::Closure(..)
            | Val::Class(_)
            | Val::Instance(_)
            | Val::Made(..)
            | Val::Query(_)
            | Val::Handle(_) => Some(true),
            Val::Unary(UnaryOp::Not, inner) => self.truth(*inner).map(|t| !t),
            // One side may say enough.
            Val::Binary(BinaryOp::Or, a, b) => match (self.truth(*a), self.truth(*b)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Val::Binary(BinaryOp::And, a, b) => match (self.truth(*a), self.truth(*b)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            _ => None,
        }
    }

    /// A new join at a block.
    pub fn new_phi(&mut self, block: BlockId, operands: Vec<(BlockId, ValId)>) -> (PhiId, ValId) {
        let phi = PhiId(u32::try_from(self.phis.len()).unwrap_or(u32::MAX));
        self.phis.push(Phi { block, operands });
        (phi, self.add(Val::Phi(phi)))
    }

    /// What meets at a join.
    #[must_use]
    pub fn phi(&self, id: PhiId) -> &Phi {
        &self.phis[id.0 as usize]
    }

    /// One more way into a join.
    pub fn add_operand(&mut self, id: PhiId, from: BlockId, value: ValId) {
        self.phis[id.0 as usize].operands.push((from, value));
    }

    /// All joins, in order.
    #[must_use]
    pub fn phis(&self) -> &[Phi] {
        &self.phis
    }

    /// The values a value is made from, joins included.
    #[must_use]
    pub fn parts(&self, id: ValId) -> Vec<ValId> {
        let mut parts = Vec::new();
        self.each_part(id, &mut |part| parts.push(part));
        parts
    }

    /// Visits the values a value is made from, joins included.
    pub fn each_part(&self, id: ValId, visit: &mut impl FnMut(ValId)) {
        self.any_part(id, &mut |part| {
            visit(part);
            false
        });
    }

    /// Whether one of the values a value is made from, joins included, is as asked for.
    pub fn any_part(&self, id: ValId, is: &mut impl FnMut(ValId) -> bool) -> bool {
        match self.get(id) {
            Val::Const(_)
            | Val::Param(..)
            | Val::This(_)
            | Val::Instance(_)
            | Val::Declared(..)
            | Val::Global(_)
            | Val::External(..)
            | Val::Module(_)
            | Val::Class(_)
            | Val::Closure(..)
            | Val::Caught(_)
            | Val::Result(_)
            | Val::Handle(_)
            | Val::Next(_)
            | Val::Opaque(_) => false,
            Val::Text(parts) => parts.iter().any(|part| match part {
                TextPart::Hole(hole) => is(*hole),
                TextPart::Text(_) => false,
            }),
            Val::Field(base, _)
            | Val::Element(base)
            | Val::Rest(base, _)
            | Val::Unary(_, base)
            | Val::Made(_, base) => is(*base),
            Val::Index(a, b) | Val::Binary(_, a, b) | Val::Over(_, a, b) => is(*a) || is(*b),
            Val::Choice(test, yes, no) => is(*test) || is(*yes) || is(*no),
            Val::Object(entries) => entries.iter().any(|entry| match entry {
                ObjectEntry::Field(_, v) | ObjectEntry::Spread(v) | ObjectEntry::Computed(v) => is(*v),
                ObjectEntry::Removed(_) => false,
            }),
            Val::Array(items) => items.iter().any(|item| match item {
                ArrayItem::Value(v) | ArrayItem::Spread(v) => is(*v),
            }),
            Val::Call { callee, args, .. } => is(*callee) || args.iter().any(|arg| is(*arg)),
            Val::Query(query) => {
                query.steps.iter().any(|step| step.receiver.iter().chain(&step.args).any(|part| is(*part)))
            }
            Val::Phi(phi) => self.phi(*phi).operands.iter().any(|(_, v)| is(*v)),
            Val::Derived(parts) => parts.iter().any(|part| is(*part)),
        }
    }

    /// What `find` says of the first value that it says something of: the value itself, or one of those that it is made
    /// from, at most `depth` steps away. Values share parts, so that each is asked only as often as it comes nearer.
    pub fn find_within<T>(&self, value: ValId, depth: usize, find: &mut dyn FnMut(ValId) -> Option<T>) -> Option<T> {
        let mut asked: FxHashMap<ValId, usize> = FxHashMap::default();
        let mut todo = vec![(value, depth)];
        while let Some((value, depth)) = todo.pop() {
            if depth == 0 || asked.get(&value).is_some_and(|known| *known >= depth) {
                continue;
            }
            if let Some(found) = find(value) {
                return Some(found);
            }
            let behind = todo.len();
            self.each_part(value, &mut |part| todo.push((part, depth - 1)));
            // One that is made from nothing leads nowhere, however often it is met.
            if todo.len() > behind {
                asked.insert(value, depth);
                todo[behind..].reverse();
            }
        }
        None
    }

    /// Whether a value, or one that it is made from, at most `depth` steps away, is as asked for.
    pub fn any_within(&self, value: ValId, depth: usize, is: &mut dyn FnMut(ValId) -> bool) -> bool {
        self.find_within(value, depth, &mut |value| is(value).then_some(())).is_some()
    }
}

fn field_hash(base: ValId, name: &str) -> u64 {
    FxBuildHasher.hash_one((base, name))
}
