//! toctou finds check-then-act races in code that talks to a database, shows the interleaving that breaks it, and offers
//! the fix that closes it.
//!
//! ```text
//! bytes --load--> Source --lower--> Unit --link--> Program --model--> Ops, Regions, Schema --solve--> Windows
//!       --judge--> Verdict + Schedule --rules--> Finding + Remedy --render--> Report
//! ```
//!
//! `ARCHITECTURE.md` holds the map of the modules and the rules that keep them apart.

pub mod analysis;
pub mod cli;
pub mod config;
pub mod engine;
pub mod finding;
pub mod frontend;
pub mod glob;
pub mod interleave;
pub mod ir;
pub mod library;
pub mod link;
pub mod model;
pub mod remedy;
pub mod report;
pub mod rules;
pub mod schema;
pub mod schemas;
pub mod select;
pub mod source;
pub mod sql;
pub mod suggest;
pub mod suppress;
pub mod text;
