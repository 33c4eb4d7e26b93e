//! `macro_rules!`: what a macro of the file stands for, where it is called.
//!
//! Names that a macro declares are not kept apart from those around its call; the compiler has made sure that this does
//! not change what a correct program means, but for names that are used on both sides.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Ident, Span as Mark, TokenStream, TokenTree};
use quote::ToTokens;
use rustc_hash::FxHashMap;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};

/// How many tokens the macros of one file may be expanded to.
const MAX_TOKENS: usize = 200_000;

/// How deeply calls of macros may stand in each other's expansions.
const MAX_DEPTH: u32 = 24;

/// The macros of a file.
pub(super) struct Rules {
    by_name: FxHashMap<String, Rc<Vec<Rule>>>,
    tokens: usize,
    depth: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { by_name: FxHashMap::default(), tokens: MAX_TOKENS, depth: 0 }
    }
}

/// One arm of a macro.
struct Rule {
    pattern: Vec<Node>,
    body: Vec<Node>,
}

/// A part of a pattern or of a body.
enum Node {
    /// A token that stands for itself.
    Token(TokenTree),
    /// Brackets.
    Group(Delimiter, Vec<Node>),
    /// `$name:kind`; in a body the kind is empty.
    Piece { name: String, kind: String },
    /// `$( … ) separator operator`.
    Repeat { inner: Vec<Node>, separator: Option<TokenTree>, operator: char },
}

/// What a name of a pattern stands for.
enum Bound {
    One(TokenStream),
    Each(Vec<Bound>),
}

type Bindings = FxHashMap<String, Bound>;

impl Rules {
    /// Learns a macro from what stands behind its name.
    pub(super) fn learn(&mut self, name: &Ident, rules: TokenStream) {
        let mut found = Vec::new();
        let mut tokens = rules.into_iter().peekable();
        while let Some(TokenTree::Group(pattern)) = tokens.next() {
            let arrow: String = tokens.by_ref().take(2).map(|token| token.to_string()).collect();
            let Some(TokenTree::Group(body)) = tokens.next() else { break };
            if arrow != "=>" {
                break;
            }
            found.push(Rule { pattern: nodes(pattern.stream()), body: nodes(body.stream()) });
            tokens.next_if(|token| token.to_string() == ";");
        }
        self.by_name.insert(name.to_string(), Rc::new(found));
    }

    /// Whether a macro of this name is known.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// What a call stands for; `None` where no arm takes it, or where this has gone too far. [`Self::done`] has to be said
    /// when the result has been lowered.
    pub(super) fn expand(&mut self, name: &str, args: &TokenStream, at: Mark) -> Option<TokenStream> {
        let rules = Rc::clone(self.by_name.get(name)?);
        if self.depth >= MAX_DEPTH {
            return None;
        }
        for rule in rules.iter() {
            let mut bindings = Bindings::default();
            let whole = |input: ParseStream<'_>| matches(&rule.pattern, input, &mut bindings);
            if whole.parse2(args.clone()).is_err() {
                continue;
            }
            let mut out = TokenStream::new();
            let mut writer = Writer { at, left: self.tokens };
            let fits = writer.write(&rule.body, &bindings, &mut out);
            self.tokens = writer.left;
            fits?;
            self.depth += 1;
            return Some(out);
        }
        None
    }

    /// What a macro stands for in files that cannot see it: for each arm that takes nothing but expressions and closures,
    /// these as parameters, and the body. An arm whose body leaves the function around its call has no such form.
    pub(super) fn functions(&self, name: &Ident) -> Vec<(Vec<Parameter>, TokenStream)> {
        let rules = self.by_name.get(&name.to_string()).into_iter().flat_map(|rules| rules.iter());
        rules.filter_map(|rule| rule.as_function(name.span())).collect()
    }

    /// The last expansion has been lowered.
    pub(super) fn done(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// What an arm of a macro takes, where it takes single expressions.
pub(super) struct Parameter {
    /// The name that the body calls it by.
    pub(super) name: String,
    /// The name of the closure's own parameter, where a closure is written out.
    pub(super) closure_over: Option<String>,
}

impl Rule {
    /// The arm as a function: its parameters and its body.
    fn as_function(&self, at: Mark) -> Option<(Vec<Parameter>, TokenStream)> {
        let mut params = Vec::new();
        for chunk in self.pattern.split(|node| is_mark(node, ",")) {
            params.push(match chunk {
                [Node::Piece { name, .. }] => Parameter { name: name.clone(), closure_over: None },
                [open, Node::Piece { name: own, .. }, close, Node::Piece { name, .. }]
                    if is_mark(open, "|") && is_mark(close, "|") =>
                {
                    Parameter { name: name.clone(), closure_over: Some(own.clone()) }
                }
                // A comma that may stand at the end.
                [] => continue,
                [Node::Repeat { inner, .. }] if inner.iter().all(|node| is_mark(node, ",")) => continue,
                _ => return None,
            });
        }
        let mut body = TokenStream::new();
        written_over(&self.body, &params, at, &mut body)?;
        Some((params, body))
    }
}

fn is_mark(node: &Node, mark: &str) -> bool {
    matches!(node, Node::Token(token) if token.to_string() == mark)
}

/// Writes a body in which parameters are called by their names.
fn written_over(body: &[Node], params: &[Parameter], at: Mark, out: &mut TokenStream) -> Option<()> {
    let word = |name: &str| TokenTree::Ident(Ident::new(name, at));
    let mut rest = body;
    while let Some((node, behind)) = rest.split_first() {
        rest = behind;
        match (node, rest) {
            // `|$own| $body` is the closure that was handed over.
            (open, [Node::Piece { name: own, .. }, close, Node::Piece { name, .. }, behind @ ..])
                if is_mark(open, "|") && is_mark(close, "|") =>
            {
                let is_closure = |param: &&Parameter| param.name == *name && param.closure_over.as_ref() == Some(own);
                out.extend([word(&params.iter().find(is_closure)?.name)]);
                rest = behind;
            }
            (Node::Piece { name, kind }, _) if kind.is_empty() => {
                let known = params.iter().find(|param| param.name == *name);
                if name != "crate" && known.is_none_or(|param| param.closure_over.is_some()) {
                    return None;
                }
                out.extend([word(name)]);
            }
            (Node::Group(delimiter, inner), _) => {
                let mut tokens = TokenStream::new();
                written_over(inner, params, at, &mut tokens)?;
                let mut group = Group::new(*delimiter, tokens);
                group.set_span(at);
                out.extend([TokenTree::Group(group)]);
            }
            (Node::Token(token), _) => {
                if matches!(token.to_string().as_str(), "return" | "break" | "continue") {
                    return None;
                }
                let mut token = token.clone();
                token.set_span(at);
                out.extend([token]);
            }
            _ => return None,
        }
    }
    Some(())
}

/// Reads a pattern or a body.
fn nodes(tokens: TokenStream) -> Vec<Node> {
    let mut found = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_dollar = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '$');
        match (token, is_dollar) {
            (_, true) => match tokens.next() {
                Some(TokenTree::Ident(name)) => {
                    // Only patterns have kinds; in a body a single colon behind a name is a colon, and a kind never
                    // follows it there, since `$x: i32` of a body reads the same. Bodies look names up by name alone.
                    let mut ahead = tokens.clone();
                    let kind = match (ahead.next(), ahead.next()) {
                        (Some(TokenTree::Punct(colon)), Some(TokenTree::Ident(kind)))
                            if colon.as_char() == ':' && is_kind(&kind) =>
                        {
                            Some(kind.to_string())
                        }
                        _ => None,
                    };
                    if kind.is_some() {
                        tokens = ahead;
                    }
                    found.push(Node::Piece { name: name.to_string(), kind: kind.unwrap_or_default() });
                }
                Some(TokenTree::Group(group)) => {
                    let mut separator = None;
                    let operator = loop {
                        match tokens.next() {
                            Some(TokenTree::Punct(mark)) if matches!(mark.as_char(), '*' | '+' | '?') => {
                                break mark.as_char();
                            }
                            Some(token) if separator.is_none() => separator = Some(token),
                            // A separator of two marks (`=>`).
                            Some(_) => {}
                            None => break '*',
                        }
                    };
                    found.push(Node::Repeat { inner: nodes(group.stream()), separator, operator });
                }
                Some(other) => found.push(Node::Token(other)),
                None => {}
            },
            (TokenTree::Group(group), false) => {
                found.push(Node::Group(group.delimiter(), nodes(group.stream())));
            }
            (token, false) => found.push(Node::Token(token)),
        }
    }
    found
}

fn is_kind(word: &Ident) -> bool {
    let kinds = [
        "block",
        "expr",
        "expr_2021",
        "ident",
        "item",
        "lifetime",
        "literal",
        "meta",
        "pat",
        "pat_param",
        "path",
        "stmt",
        "tt",
        "ty",
        "vis",
    ];
    kinds.iter().any(|kind| word == kind)
}

/// Takes what a pattern matches from the input.
fn matches(pattern: &[Node], input: ParseStream<'_>, bindings: &mut Bindings) -> syn::Result<()> {
    for (index, node) in pattern.iter().enumerate() {
        match node {
            Node::Token(wanted) => {
                let token: TokenTree = input.parse()?;
                if token.to_string() != wanted.to_string() {
                    return Err(input.error("another token"));
                }
            }
            Node::Group(delimiter, inner) => {
                let token: TokenTree = input.parse()?;
                let TokenTree::Group(group) = token else { return Err(input.error("no brackets")) };
                if group.delimiter() != *delimiter {
                    return Err(input.error("other brackets"));
                }
                let whole = |input: ParseStream<'_>| matches(inner, input, bindings);
                whole.parse2(group.stream())?;
            }
            Node::Piece { name, kind } => {
                let piece = piece(kind, input)?;
                bindings.insert(name.clone(), Bound::One(piece));
            }
            Node::Repeat { inner, separator, operator } => {
                let follows = pattern.get(index + 1);
                repeated(inner, separator.as_ref(), *operator, follows, input, bindings)?;
            }
        }
    }
    Ok(())
}

fn repeated(
    inner: &[Node],
    separator: Option<&TokenTree>,
    operator: char,
    follows: Option<&Node>,
    input: ParseStream<'_>,
    bindings: &mut Bindings,
) -> syn::Result<()> {
    let mut names = Vec::new();
    pieces_of(inner, &mut names);
    let mut each: FxHashMap<&str, Vec<Bound>> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    let mut count = 0;
    while !input.is_empty() {
        let ahead = input.fork();
        if count > 0
            && let Some(separator) = separator
        {
            let token: TokenTree = ahead.parse()?;
            if token.to_string() != separator.to_string() {
                break;
            }
        }
        // What stands behind the repetition ends it.
        if let (None, Some(Node::Token(next))) = (separator, follows)
            && ahead.fork().parse::<TokenTree>().is_ok_and(|token| token.to_string() == next.to_string())
        {
            break;
        }
        let mut own = Bindings::default();
        let before = ahead.cursor();
        if matches(inner, &ahead, &mut own).is_err() || ahead.cursor() == before {
            break;
        }
        input.advance_to(&ahead);
        for (name, bound) in own {
            if let Some(all) = each.get_mut(name.as_str()) {
                all.push(bound);
            }
        }
        count += 1;
        if operator == '?' {
            break;
        }
    }
    if operator == '+' && count == 0 {
        return Err(input.error("nothing repeated"));
    }
    bindings.extend(each.into_iter().map(|(name, all)| (name.to_owned(), Bound::Each(all))));
    Ok(())
}

fn pieces_of(nodes: &[Node], names: &mut Vec<String>) {
    for node in nodes {
        match node {
            Node::Token(_) => {}
            Node::Group(_, inner) | Node::Repeat { inner, .. } => pieces_of(inner, names),
            Node::Piece { name, .. } => names.push(name.clone()),
        }
    }
}

/// One piece of the input, by its kind.
fn piece(kind: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let whole = |tokens: TokenStream| TokenTree::Group(Group::new(Delimiter::None, tokens)).into();
    Ok(match kind {
        "ident" => input.call(Ident::parse_any)?.into_token_stream(),
        "expr" | "expr_2021" => whole(input.parse::<syn::Expr>()?.into_token_stream()),
        "ty" => whole(input.parse::<syn::Type>()?.into_token_stream()),
        "path" => input.parse::<syn::Path>()?.into_token_stream(),
        "pat" => input.call(syn::Pat::parse_multi_with_leading_vert)?.into_token_stream(),
        "pat_param" => input.call(syn::Pat::parse_single)?.into_token_stream(),
        "stmt" => input.parse::<syn::Stmt>()?.into_token_stream(),
        "block" => input.parse::<syn::Block>()?.into_token_stream(),
        "item" => input.parse::<syn::Item>()?.into_token_stream(),
        "vis" => input.parse::<syn::Visibility>()?.into_token_stream(),
        "meta" => input.parse::<syn::Meta>()?.into_token_stream(),
        "lifetime" => input.parse::<syn::Lifetime>()?.into_token_stream(),
        "literal" => {
            let minus: Option<syn::Token![-]> = input.parse()?;
            let literal: syn::Lit = input.parse()?;
            let mut tokens = minus.into_token_stream();
            literal.to_tokens(&mut tokens);
            tokens
        }
        _ => input.parse::<TokenTree>()?.into(),
    })
}

/// Writes bodies; what they say themselves stands at the macro's call.
struct Writer {
    at: Mark,
    left: usize,
}

impl Writer {
    fn write(&mut self, body: &[Node], bindings: &Bindings, out: &mut TokenStream) -> Option<()> {
        let scope: FxHashMap<&str, &Bound> = bindings.iter().map(|(name, bound)| (name.as_str(), bound)).collect();
        self.write_in(body, &scope, out)
    }

    fn write_in(&mut self, body: &[Node], scope: &FxHashMap<&str, &Bound>, out: &mut TokenStream) -> Option<()> {
        for node in body {
            self.left = self.left.checked_sub(1)?;
            match node {
                Node::Token(token) => {
                    let mut token = token.clone();
                    token.set_span(self.at);
                    out.extend([token]);
                }
                Node::Group(delimiter, inner) => {
                    let mut tokens = TokenStream::new();
                    self.write_in(inner, scope, &mut tokens)?;
                    let mut group = Group::new(*delimiter, tokens);
                    group.set_span(self.at);
                    out.extend([TokenTree::Group(group)]);
                }
                Node::Piece { name, kind } => {
                    match scope.get(name.as_str()) {
                        Some(Bound::One(tokens)) => out.extend(tokens.clone()),
                        // `$crate`, or a name of an inner macro's own.
                        _ => out.extend([TokenTree::Ident(Ident::new(name, self.at))]),
                    }
                    if !kind.is_empty() {
                        // A type annotation whose type has the name of a kind.
                        let mut colon = proc_macro2::Punct::new(':', proc_macro2::Spacing::Alone);
                        colon.set_span(self.at);
                        out.extend([TokenTree::Punct(colon), TokenTree::Ident(Ident::new(kind, self.at))]);
                    }
                }
                Node::Repeat { inner, separator, .. } => {
                    let mut names = Vec::new();
                    pieces_of(inner, &mut names);
                    let counts = names.iter().filter_map(|name| match scope.get(name.as_str()) {
                        Some(Bound::Each(all)) => Some(all.len()),
                        _ => None,
                    });
                    for index in 0..counts.min().unwrap_or(0) {
                        if let (true, Some(separator)) = (index > 0, separator) {
                            out.extend([separator.clone()]);
                        }
                        let own = scope.iter().filter_map(|(name, bound)| match bound {
                            Bound::Each(all) if names.iter().any(|used| used == name) => Some((*name, all.get(index)?)),
                            other => Some((*name, *other)),
                        });
                        self.write_in(inner, &own.collect(), out)?;
                    }
                }
            }
        }
        Some(())
    }
}
