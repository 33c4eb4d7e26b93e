//! From traces to windows: facts, path classes, and scripts for the judge.

pub mod case;
pub mod cures;
pub mod database;
pub mod facts;
mod flow;
pub mod judged;
pub mod keys;
mod known;
pub mod paths;
mod prefix;
pub mod rivals;
mod script;
pub mod slips;
pub mod window;

pub use flow::Flow;
