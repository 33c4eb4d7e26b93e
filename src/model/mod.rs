//! The model stage: runs functions on symbolic values and recognises what they do to the database.
//!
//! It is the only user of the libraries and of SQL text. Its result is a [`Trace`] per function.

mod algebra;
mod call;
mod callees;
mod collections;
mod construct;
mod elaborate;
mod eval;
mod expression;
mod guard;
mod names;
mod objects;
mod once;
mod path;
mod places;
mod query;
mod reach;
mod recognise;
mod region;
mod related;
mod start;
mod statement;
mod survey;
mod trace;
mod types;
mod value;

pub use algebra::AFFECTED;
pub use elaborate::{Model, last_resorts, trace};
pub use objects::{Compare, Condition, Conditions, Nested, Writes, Written, entity_of};
pub use places::{CONTENTS, key_column};
pub use start::{LastResort, Start};
pub use survey::{Definition, Survey};
pub use trace::{
    Around, Block, BlockId, Bound, Built, Effect, Event, Exit, Frame, FrameId, Op, OpId, OpSource, Region, RegionId,
    RegionKind, Site, Trace, makes_one, names_effect, names_lock, names_permit, names_queue,
};
pub use value::{ArrayItem, Literal, ObjectEntry, Phi, PhiId, TextPart, Val, ValId, Values};
