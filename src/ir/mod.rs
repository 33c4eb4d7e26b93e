//! The intermediate representation: what a source file says, with the language taken off.
//!
//! A [`Unit`] is one file. Its functions are graphs of [`Block`]s; a block runs its [`Step`]s in order and leaves by one
//! [`Exit`]. Values are pure [`Expr`] trees over [`SlotId`]s (variables and temporaries): **a call is never part of an
//! expression**, it is a step of its own whose result lands in a slot, so that the order of effects is the order of steps.
//!
//! The representation knows no library. Whether a call reads a database, opens a transaction or runs its callback is
//! decided later, by the model stage, from the values that reach the callee. Nothing here borrows from a parser: a unit
//! owns its strings and may cross threads.

mod expr;
mod print;
mod unit;

pub use expr::{BinaryOp, Const, Entry, Expr, ExprKind, Item, Over, TemplatePart, UnaryOp};
pub use print::{print, print_places};
pub use unit::{
    Block, BlockId, Call, CallForm, Class, ClassId, Comment, Exit, Export, ExportTarget, FieldDecl, Func, FuncId,
    FuncKind, Import, ImportName, Key, Language, MethodDecl, Param, Problem, Slot, SlotId, Step, Unit,
};
