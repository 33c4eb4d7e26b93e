//! toctou finds check-then-act races in code that talks to a database, shows the interleaving that breaks it, and offers
//! the fix that closes it.
//!
//! ```text
//! bytes --load--> Source --lower--> Unit --link--> Program --model--> Ops, Regions, Schema --solve--> Windows
//!       --judge--> Verdict + Schedule --rules--> Finding + Remedy --render--> Report
//! ```
//!
//! `ARCHITECTURE.md` holds the map of the modules and the rules that keep them apart.

pub mod frontend;
pub mod ir;
pub mod schema;
pub mod sql;
pub mod text;
