//! From text to the parsed file.

use std::ops::Range;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};

use crate::ir::Problem;
use crate::text::Span;

/// How large a file may be.
const MAX_BYTES: usize = 2 << 20;

/// How deeply brackets may nest.
const MAX_BRACKETS: usize = 500;

/// How many tokens may stand in a row, in all brackets that are open, with nothing between them that ends a statement, an
/// item or an operand of a list. Each of them may be an operator that the parser, and the walk over what it made, take a
/// further level for.
const MAX_ROW: usize = 20_000;

/// A parsed file.
pub(super) struct Parsed {
    /// Its items.
    pub(super) file: syn::File,
    /// How many bytes stand before the text that the parser has seen.
    pub(super) offset: u32,
    /// Where its comments are.
    pub(super) comments: Vec<Span>,
    /// The items that could not be read.
    pub(super) problems: Vec<Problem>,
}

/// Parses a file; a problem where that cannot be.
pub(super) fn parse(text: &str) -> Result<Parsed, Problem> {
    let problem = |start: usize, end: usize, message: &str| {
        let at = |at: usize| u32::try_from(at.min(text.len())).unwrap_or(u32::MAX);
        Problem { span: Span { start: at(start), end: at(end) }, message: message.to_owned() }
    };
    if text.len() > MAX_BYTES {
        return Err(problem(0, 0, "this file is too large; nothing in it is analysed"));
    }
    let offset = shebang(text);
    let unread = "this could not be read as Rust; nothing in this file is analysed";
    let tokens: TokenStream = text[offset..].parse().map_err(|error: LexError| {
        let range = error.span().byte_range();
        problem(offset + range.start, offset + range.end, unread)
    })?;
    if let Some(range) = too_deep(&tokens) {
        let message = "this is nested too deeply; nothing in this file is analysed";
        return Err(problem(offset + range.start, offset + range.end, message));
    }
    let at = |error: &syn::Error, message: &str| {
        let range = error.span().byte_range();
        // What is missing at the end of a file has no place of its own.
        let (start, end) = if range.is_empty() { (text.len(), text.len()) } else { (range.start, range.end) };
        problem(offset + start, offset + end, message)
    };
    let mut problems = Vec::new();
    let file = match syn::parse2(tokens.clone()) {
        Ok(file) => file,
        Err(error) => {
            let (items, errors) = item_by_item.parse2(rewritten(tokens)).unwrap_or_default();
            if items.is_empty() {
                return Err(at(&error, unread));
            }
            problems
                .extend(errors.iter().map(|error| at(error, "this item could not be read as Rust; it is left out")));
            syn::File { shebang: None, frontmatter: None, attrs: Vec::new(), items }
        }
    };
    let comments = super::scan::comments(text);
    Ok(Parsed { file, offset: u32::try_from(offset).unwrap_or(u32::MAX), comments, problems })
}

/// The tokens as the macros that stand over items make Rust of them: `pub impl` is read as `impl`.
fn rewritten(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let is_word = |token: Option<&TokenTree>, word: &str| matches!(token, Some(TokenTree::Ident(it)) if it == word);
    for token in tokens {
        if is_word(Some(&token), "impl") {
            if matches!(out.last(), Some(TokenTree::Group(it)) if it.delimiter() == Delimiter::Parenthesis)
                && is_word(out.len().checked_sub(2).and_then(|at| out.get(at)), "pub")
            {
                out.pop();
            }
            if is_word(out.last(), "pub") {
                out.pop();
            }
        }
        out.push(token);
    }
    out.into_iter().collect()
}

/// The items that can be read, and what is wrong with the others: each of them ends with its brackets or its semicolon.
fn item_by_item(input: ParseStream<'_>) -> syn::Result<(Vec<syn::Item>, Vec<syn::Error>)> {
    input.call(syn::Attribute::parse_inner)?;
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        let ahead = input.fork();
        match ahead.parse::<syn::Item>() {
            Ok(item) => {
                input.advance_to(&ahead);
                items.push(item);
            }
            Err(error) => {
                errors.push(error);
                while let Ok(token) = input.parse::<TokenTree>() {
                    match token {
                        TokenTree::Punct(mark) if mark.as_char() == ';' => break,
                        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                        _ => {}
                    }
                }
            }
        }
    }
    Ok((items, errors))
}

/// The length of a first line that is for the shell.
fn shebang(text: &str) -> usize {
    if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        text.find('\n').unwrap_or(text.len())
    } else {
        0
    }
}

/// The first token that is nested more deeply than a file may be.
fn too_deep(tokens: &TokenStream) -> Option<Range<usize>> {
    struct Level {
        tokens: IntoIter,
        row: usize,
        behind_braces: bool,
    }
    let level = |tokens: TokenStream| Level { tokens: tokens.into_iter(), row: 0, behind_braces: false };
    let mut levels = vec![level(tokens.clone())];
    let mut open_rows = 0;
    while let Some(here) = levels.last_mut() {
        let Some(token) = here.tokens.next() else {
            open_rows -= here.row;
            levels.pop();
            continue;
        };
        let ends = match &token {
            TokenTree::Punct(mark) => matches!(mark.as_char(), ',' | ';'),
            // Braces may end a statement or an item; then a word follows.
            TokenTree::Ident(word) => here.behind_braces && word != "else" && word != "as",
            TokenTree::Group(_) | TokenTree::Literal(_) => false,
        };
        if ends {
            open_rows -= here.row;
            here.row = 0;
        }
        here.row += 1;
        open_rows += 1;
        here.behind_braces = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if open_rows > MAX_ROW || levels.len() > MAX_BRACKETS {
            return Some(token.span().byte_range());
        }
        if let TokenTree::Group(group) = token {
            levels.push(level(group.stream()));
        }
    }
    None
}
