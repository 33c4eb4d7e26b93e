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

/// Lowers a file. A file that cannot be parsed is an empty unit with a problem.
///
/// The most deeply nested file that is not refused takes [`super::STACK`].
#[must_use]
pub fn lower(path: &str, text: &str) -> Unit {
    let unit = std::panic::catch_unwind(|| lower_here(path, text)).unwrap_or_else(|_| {
        let message = "this file could not be read; nothing in it is analysed".to_owned();
        empty(path, Problem { span: Span::default(), message })
    });
    // The places of tokens are kept by thread, and nothing of the file needs them any more.
    proc_macro2::extra::invalidate_current_thread_spans();
    unit
}

fn empty(path: &str, problem: Problem) -> Unit {
    Unit { path: path.to_owned(), language: Language::Rust, problems: vec![problem], ..Unit::default() }
}

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
