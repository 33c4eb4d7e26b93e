//! What macros are given, read from its tokens.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr as Source, Pat, Token};

/// An arm of `select!`: what is waited for, unless it is the one for the case that nothing is left.
pub(super) struct SelectArm {
    pub(super) asked: Option<(Pat, Source)>,
    pub(super) body: Source,
}

/// Macros that take code for what it says, and do not run it.
pub(super) const QUOTING: [&str; 4] = ["quote", "quote_spanned", "parse_quote", "macro_rules"];

/// The blocks of code among what a macro is given: `with { db: { … } }`.
pub(super) fn blocks(tokens: TokenStream) -> Vec<SelectArm> {
    let groups = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && calls(&group.stream()) => Some(group),
        _ => None,
    });
    let blocks = groups.map(|group| syn::parse2::<syn::ExprBlock>(TokenTree::Group(group).into()));
    let arms: syn::Result<Vec<SelectArm>> =
        blocks.map(|block| Ok(SelectArm { asked: None, body: Source::Block(block?) })).collect();
    arms.unwrap_or_default()
}

/// Whether something is called among tokens.
fn calls(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis || calls(&group.stream()),
        _ => false,
    })
}

pub(super) fn select_arms(input: ParseStream<'_>) -> syn::Result<Vec<SelectArm>> {
    let mut arms = Vec::new();
    if input.peek(syn::Ident) && input.peek2(Token![;]) {
        input.parse::<syn::Ident>()?;
        input.parse::<Token![;]>()?;
    }
    while !input.is_empty() {
        let asked = if input.parse::<Option<Token![else]>>()?.is_some() {
            None
        } else {
            let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
            input.parse::<Token![=]>()?;
            let future = input.parse::<Source>()?;
            if input.parse::<Option<Token![,]>>()?.is_some() {
                input.parse::<Token![if]>()?;
                input.parse::<Source>()?;
            }
            Some((pattern, future))
        };
        input.parse::<Token![=>]>()?;
        let body = if input.peek(syn::token::Brace) {
            Source::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block: input.parse()? })
        } else {
            input.parse()?
        };
        input.parse::<Option<Token![,]>>()?;
        arms.push(SelectArm { asked, body });
    }
    Ok(arms)
}

/// `matches!(value, pattern if guard)`.
pub(super) fn asked(input: ParseStream<'_>) -> syn::Result<(Source, Pat)> {
    let value = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    let pattern = match input.parse::<Option<Token![if]>>()? {
        Some(if_token) => Pat::Guard(syn::PatGuard {
            attrs: Vec::new(),
            pat: Box::new(pattern),
            if_token,
            guard: Box::new(input.parse()?),
        }),
        None => pattern,
    };
    input.parse::<Option<Token![,]>>()?;
    Ok((value, pattern))
}

/// `element; count`.
pub(super) fn repeated(input: ParseStream<'_>) -> syn::Result<(Source, Source)> {
    let element = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok((element, input.parse()?))
}

/// The arguments of a macro, if they read as expressions.
pub(super) fn arguments(tokens: TokenStream) -> Option<Vec<Source>> {
    let list = Punctuated::<Source, Token![,]>::parse_terminated.parse2(tokens).ok()?;
    Some(list.into_iter().collect())
}

/// Whether a macro only says something, on a terminal or in a log.
pub(super) fn speaks(name: &str) -> bool {
    matches!(
        name,
        "print"
            | "println"
            | "eprint"
            | "eprintln"
            | "write"
            | "writeln"
            | "trace"
            | "debug"
            | "info"
            | "warn"
            | "error"
            | "log"
            | "event"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
            | "compile_error"
    )
}

/// A value as data is commonly written in macros: `{ "key": value }`, `[value]`, `null`, or any expression.
pub(super) enum Written {
    Value(Source),
    Null,
    List(Vec<Written>),
    Record(Vec<(String, Written)>),
}

/// Reads such a value.
pub(super) fn written(tokens: TokenStream) -> Option<Written> {
    let mut ahead = tokens.clone().into_iter();
    match (ahead.next(), ahead.next()) {
        (Some(TokenTree::Ident(word)), None) if word == "null" => return Some(Written::Null),
        (Some(TokenTree::Group(group)), None) => {
            let parts = || chunks(group.stream()).into_iter().filter(|chunk| !chunk.is_empty());
            match group.delimiter() {
                Delimiter::Bracket => return Some(Written::List(parts().map(written).collect::<Option<_>>()?)),
                Delimiter::Brace => return Some(Written::Record(parts().map(entry).collect::<Option<_>>()?)),
                Delimiter::Parenthesis | Delimiter::None => {}
            }
        }
        _ => {}
    }
    syn::parse2(tokens).ok().map(Written::Value)
}

/// Reads `"key": value`.
fn entry(tokens: TokenStream) -> Option<(String, Written)> {
    let mut tokens = tokens.into_iter();
    let key = match tokens.next()? {
        TokenTree::Literal(key) => match syn::Lit::new(key) {
            syn::Lit::Str(key) => key.value(),
            _ => return None,
        },
        TokenTree::Ident(key) => key.to_string(),
        _ => return None,
    };
    match tokens.next()? {
        TokenTree::Punct(colon) if colon.as_char() == ':' => Some((key, written(tokens.collect())?)),
        _ => None,
    }
}

/// The value of an argument that may have a name.
pub(super) fn unnamed(arg: &Source) -> &Source {
    match arg {
        Source::Assign(it) if matches!(&*it.left, Source::Path(_)) => &it.right,
        other => other,
    }
}

/// The tokens between the commas of a macro call.
pub(super) fn chunks(tokens: TokenStream) -> Vec<TokenStream> {
    let mut found = vec![TokenStream::new()];
    for token in tokens {
        if matches!(&token, TokenTree::Punct(mark) if mark.as_char() == ',') {
            found.push(TokenStream::new());
        } else if let Some(last) = found.last_mut() {
            last.extend([token]);
        }
    }
    found
}

/// The value in an argument of a log macro: `%value`, `?value`, `name = %value`.
pub(super) fn spoken(chunk: TokenStream) -> Option<Source> {
    if let Ok(value) = syn::parse2(chunk.clone()) {
        return Some(value);
    }
    let tokens: Vec<TokenTree> = chunk.into_iter().collect();
    let is = |token: &TokenTree, wanted: char| matches!(token, TokenTree::Punct(mark) if mark.as_char() == wanted);
    let behind = tokens.iter().position(|token| is(token, '=')).map_or(0, |at| at + 1);
    let value = tokens[behind..].iter().skip_while(|token| is(token, '%') || is(token, '?'));
    syn::parse2(value.cloned().collect()).ok()
}

/// Tokens without the `ref` of `static ref`, which one way of writing lazy statics has.
pub(super) fn without_ref(tokens: TokenStream) -> TokenStream {
    let mut after_static = false;
    let keeps = |token: &TokenTree| {
        let is_word = |wanted: &str| matches!(token, TokenTree::Ident(word) if word == wanted);
        let drops = after_static && is_word("ref");
        after_static = is_word("static");
        !drops
    };
    tokens.into_iter().filter(keeps).collect()
}
