//! The TypeScript and JavaScript front end, and the only user of the parser.
//!
//! A file is parsed (`parse`, after `repair` where the grammar falls short), flattened into a table of its own
//! (`tree`), and lowered in one walk. Statements and expressions append steps to the `graph` of the function they are
//! in; an expression that runs nothing is handed back as a value and leaves no step. Names are resolved on the way
//! (`scope`): every block declares what it holds before its first statement is lowered.
//!
//! Nothing here knows a library. What is decided here is what the language itself says: what runs in which order, which
//! name means which variable, and that promises and collection methods run what they are given.

mod call;
mod class;
mod collection;
mod expression;
mod function;
mod jump;
mod kind;
mod literal;
mod lower;
mod module;
mod operator;
mod parse;
mod pattern;
mod promise;
mod repair;
mod statement;
mod tree;

#[cfg(test)]
mod tests;

use crate::frontend::comments;
use crate::ir::{FuncId, Problem, Unit};
use crate::text::Span;

/// How many broken stretches of one file are reported.
const MAX_PROBLEMS: usize = 3;

/// Lowers a file. What cannot be read is reported as a problem of the unit; the rest is still lowered.
#[must_use]
pub fn lower(path: &str, text: &str) -> Unit {
    let Some(tree) = parse::parse(path, text) else {
        let problem = Problem {
            span: Span::default(),
            message: "this file could not be parsed; nothing in it is analysed".to_owned(),
        };
        return Unit { path: path.to_owned(), problems: vec![problem], ..Unit::default() };
    };
    let mut lower = lower::Lower::new(path, &tree);
    for span in tree.errors.iter().take(MAX_PROBLEMS) {
        lower.problem(*span, "this part could not be read as TypeScript; what it does is not analysed");
    }
    let root = tree.root();
    lower.hoist_vars(root);
    lower.statements(root);
    let span = tree.span(root);
    let mut unit = lower.unit;
    if let Some(module) = unit.functions.get_mut(FuncId(0).index()) {
        module.blocks = lower.body.graph.finish(span);
    }
    unit.problems.sort_by_key(|problem| problem.span);
    unit.comments = comments::comments(tree.source(), &tree.comments);
    unit
}
