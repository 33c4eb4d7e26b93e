//! The Rust front end, and the only user of its parser.
//!
//! A file is cut into tokens, refused where it nests too deeply (`parse`), parsed as a whole, and lowered in one walk over
//! the parsed form. Statements and expressions append steps to the graph of the function they are in; what runs nothing
//! is handed back as a value.
//!
//! What Rust writes as values is taken apart here, so that the rest of the program sees what it sees of every language:
//! an `Option` is its value or the absent value, and a `Result` is its value, its error being raised where it is made and
//! caught where it is looked at (`fallible`). References, `await`, and the adapters that only pass a value on leave no
//! trace (`adapter`).
//!
//! Nothing here knows a library but the standard one.

mod adapter;
mod arguments;
mod block;
mod call;
mod carrier;
mod class;
mod control;
mod expand;
mod expression;
mod fallible;
mod format;
mod function;
mod item;
mod iterator;
mod literal;
mod lower;
mod macros;
mod operator;
mod option;
mod parse;
mod pattern;
mod place;
mod print;
mod scan;

#[cfg(test)]
mod tests;

use crate::frontend::comments;
use crate::ir::{FuncId, Language, Problem, Unit};
use crate::text::Span;

/// How large a stack files are read on. Only the part that is used costs memory.
const STACK: usize = 256 << 20;

/// Lowers a file. A file that cannot be parsed is an empty unit with a problem.
#[must_use]
pub fn lower(path: &str, text: &str) -> Unit {
    let unit = std::thread::scope(|scope| {
        let work = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || lower_here(path, text));
        work.ok().and_then(|thread| thread.join().ok())
    });
    unit.unwrap_or_else(|| {
        let message = "this file could not be read; nothing in it is analysed".to_owned();
        empty(path, Problem { span: Span::default(), message })
    })
}

fn empty(path: &str, problem: Problem) -> Unit {
    Unit { path: path.to_owned(), language: Language::Rust, problems: vec![problem], ..Unit::default() }
}

/// Lowers a file on the present stack. The places of tokens are kept by thread: a thread of its own for each file gives
/// them up with the file.
fn lower_here(path: &str, text: &str) -> Unit {
    let parsed = match parse::parse(text) {
        Ok(parsed) => parsed,
        Err(problem) => return empty(path, problem),
    };
    let mut lower = lower::Lower::new(path, text, parsed.offset);
    lower.returns.note(&parsed.file.items);
    lower.items(&parsed.file.items);
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut unit = lower.unit;
    if let Some(module) = unit.functions.get_mut(FuncId(0).index()) {
        module.blocks = lower.body.graph.finish(Span { start: 0, end });
    }
    unit.problems.extend(parsed.problems);
    unit.problems.sort_by_key(|problem| problem.span);
    unit.comments = comments::comments(text, &parsed.comments);
    unit
}
