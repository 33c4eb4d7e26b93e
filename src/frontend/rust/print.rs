//! Tokens as text, spaced as they are commonly written: types, attributes, what macros are given.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// A parsed piece as text.
pub(super) fn text(piece: &impl ToTokens) -> String {
    let mut out = String::new();
    tokens(piece.to_token_stream(), &mut out);
    out
}

/// Puts a blank behind what has been written, unless there is one or it stands at an opening mark.
fn blank(out: &mut String) {
    if !out.is_empty() && !out.ends_with([' ', '(', '[', '{', '<']) {
        out.push(' ');
    }
}

fn tokens(stream: TokenStream, out: &mut String) {
    let mut after_word = false;
    let mut joint = false;
    for token in stream {
        let glued = std::mem::take(&mut joint);
        let was_word = std::mem::take(&mut after_word);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                tokens(group.stream(), out);
                out.push_str(close);
            }
            TokenTree::Ident(word) => {
                if was_word || out.ends_with(['>', ')', ']', '}']) && !out.ends_with("->") {
                    blank(out);
                }
                out.push_str(&word.to_string());
                after_word = true;
            }
            TokenTree::Literal(literal) => {
                if was_word {
                    blank(out);
                }
                out.push_str(&literal.to_string());
                after_word = true;
            }
            TokenTree::Punct(mark) => {
                let char = mark.as_char();
                joint = mark.spacing() == Spacing::Joint;
                match char {
                    '\'' if was_word => {
                        blank(out);
                        out.push(char);
                    }
                    // `->`, `=>` and `==` are one mark; `=` and `+` stand between blanks.
                    '-' | '=' | '+' if !glued => {
                        blank(out);
                        out.push(char);
                        if !joint {
                            out.push(' ');
                        }
                    }
                    '>' if glued && out.ends_with(['-', '=']) => out.push_str("> "),
                    '=' if glued => out.push_str("= "),
                    ',' | ';' => {
                        out.truncate(out.trim_end().len());
                        out.push(char);
                        out.push(' ');
                    }
                    ':' => {
                        out.push(char);
                        if !joint && !glued {
                            out.push(' ');
                        }
                    }
                    _ => out.push(char),
                }
            }
        }
    }
    out.truncate(out.trim_end().len());
}
