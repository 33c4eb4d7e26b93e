//! From traces to windows: facts, path classes, and scripts for the judge.

pub mod facts;
mod flow;
pub mod paths;
pub mod rivals;
mod script;
pub mod window;
pub mod case;
pub mod judged;

pub use flow::Flow;
