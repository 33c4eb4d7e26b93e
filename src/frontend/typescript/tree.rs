//! The syntax tree in the form that lowering reads: one flat table, built in a single walk over the parser's tree.
//!
//! The parser's own nodes answer "give me child i" and "give me the child in field f" by searching, and know kinds as
//! strings. Here kinds and fields are small enums, siblings are chained, punctuation and types are left out, and each node
//! knows whether evaluating it runs anything. Everything is iterative, so that the depth of the source does not matter.

use std::sync::OnceLock;

use tree_sitter::Language;

pub(super) use super::kind::{Field, Kind, is_function};
use super::kind::{is_effect, is_opaque};
use crate::text::Span;

/// Marks the absence of a node in the chains.
const NONE: u32 = u32::MAX;

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

#[derive(Clone, Copy)]
struct Node {
    kind: Kind,
    field: Field,
    runs: bool,
    has_var: bool,
    span: Span,
    first: u32,
    next: u32,
}

/// A syntax tree with its text.
pub(super) struct Tree<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    /// All comments, in source order.
    pub(super) comments: Vec<Span>,
    /// Stretches that the grammar could not make sense of.
    pub(super) errors: Vec<Span>,
}

impl<'t> Tree<'t> {
    /// Flattens a parsed tree. The names are taken from `text`, which may differ from the parsed text within tokens.
    pub(super) fn new(text: &'t str, tree: &tree_sitter::Tree, names: &Names) -> Self {
        let mut flat =
            Self { text, nodes: Vec::with_capacity(text.len() / 6), comments: Vec::new(), errors: Vec::new() };
        let broken = tree.root_node().has_error();
        let mut cursor = tree.walk();
        let mut open: Vec<Open> = Vec::new();
        let mut silent = 0_usize;
        loop {
            let node = cursor.node();
            let span = Span::new(offset(node.start_byte()), offset(node.end_byte()));
            let mut kind = names.kind(node.kind_id());
            let mut index = NONE;
            if broken && (kind == Kind::Error || node.is_missing()) && !flat.is_harmless(span, open.last()) {
                flat.error(span);
            }
            match kind {
                Kind::Comment => flat.comments.push(span),
                Kind::Punctuation => {}
                _ if silent > 0 => {}
                _ => {
                    if open.is_empty() {
                        kind = Kind::Program;
                    }
                    let field = if open.is_empty() { Field::None } else { names.field(cursor.field_id()) };
                    index = flat.push(kind, field, span, open.last_mut());
                }
            }
            let opaque = is_opaque(kind);
            let descend = match kind {
                Kind::Comment | Kind::Punctuation | Kind::Token => false,
                _ if opaque => broken || has_comment(span.slice(text)),
                _ => true,
            };
            if descend && cursor.goto_first_child() {
                silent += usize::from(opaque || silent > 0);
                open.push(Open { index, last: NONE });
                continue;
            }
            loop {
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    return flat;
                }
                silent = silent.saturating_sub(1);
                if let Some(done) = open.pop()
                    && let Some(parent) = open.last()
                {
                    flat.hand_up(done.index, parent.index);
                }
            }
        }
    }

    fn push(&mut self, kind: Kind, field: Field, span: Span, parent: Option<&mut Open>) -> u32 {
        let index = offset(self.nodes.len());
        let runs = is_effect(kind);
        self.nodes.push(Node { kind, field, runs, has_var: false, span, first: NONE, next: NONE });
        let Some(parent) = parent else { return index };
        if parent.index == NONE {
            return index;
        }
        if parent.last == NONE {
            self.nodes[parent.index as usize].first = index;
        } else {
            self.nodes[parent.last as usize].next = index;
        }
        parent.last = index;
        if kind == Kind::Token {
            let parent = parent.index as usize;
            match span.slice(self.text) {
                "var" => self.nodes[parent].has_var = true,
                "delete" => self.nodes[parent].runs = true,
                _ => {}
            }
        }
        index
    }

    /// Whether an error says nothing about the code: in a string, which is decoded from its text, and at a bare `&` among
    /// the words of an element, which the grammar takes for the start of an entity.
    fn is_harmless(&self, error: Span, parent: Option<&Open>) -> bool {
        let parent = parent.and_then(|parent| self.nodes.get(parent.index as usize)).map(|parent| parent.kind);
        match parent {
            Some(Kind::String) => true,
            Some(Kind::JsxElement | Kind::JsxAttribute | Kind::JsxOpening) => {
                let text = error.slice(self.text);
                text.starts_with('&') && !text.contains(['{', '<'])
            }
            _ => false,
        }
    }

    /// Notes a stretch that could not be read, unless it lies in the one noted last.
    fn error(&mut self, span: Span) {
        if self.errors.last().is_none_or(|last| !last.contains(span)) {
            self.errors.push(span);
        }
    }

    /// Passes on to a parent what its child does when it is evaluated.
    fn hand_up(&mut self, child: u32, parent: u32) {
        if child == NONE || parent == NONE {
            return;
        }
        let child = self.nodes[child as usize];
        if !is_function(child.kind) {
            let parent = &mut self.nodes[parent as usize];
            parent.runs |= child.runs;
            parent.has_var |= child.has_var;
        }
    }

    /// The root.
    pub(super) fn root(&self) -> Id {
        Id(0)
    }

    /// What a node is.
    pub(super) fn kind(&self, id: Id) -> Kind {
        self.nodes[id.0 as usize].kind
    }

    /// Where a node stands.
    pub(super) fn span(&self, id: Id) -> Span {
        self.nodes[id.0 as usize].span
    }

    /// The source text of a node.
    pub(super) fn text(&self, id: Id) -> &'t str {
        self.span(id).slice(self.text)
    }

    /// The whole source text.
    pub(super) fn source(&self) -> &'t str {
        self.text
    }

    /// Whether evaluating a node calls or changes something. Function literals do neither.
    pub(super) fn runs(&self, id: Id) -> bool {
        let node = &self.nodes[id.0 as usize];
        node.runs && !is_function(node.kind)
    }

    /// Whether a `var` is declared somewhere inside, other than in a nested function.
    pub(super) fn has_var(&self, id: Id) -> bool {
        let node = &self.nodes[id.0 as usize];
        node.has_var && !is_function(node.kind)
    }

    /// All children but punctuation and comments.
    pub(super) fn all(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let mut next = self.nodes[id.0 as usize].first;
        std::iter::from_fn(move || {
            let node = self.nodes.get(next as usize)?;
            let id = Id(next);
            next = node.next;
            Some(id)
        })
    }

    /// The children that are no bare tokens.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.all(id).filter(|child| self.kind(*child) != Kind::Token)
    }

    /// The first child that is no bare token.
    pub(super) fn first(&self, id: Id) -> Option<Id> {
        self.children(id).next()
    }

    /// The first child in a field.
    pub(super) fn get(&self, id: Id, field: Field) -> Option<Id> {
        self.all(id).find(|child| self.nodes[child.0 as usize].field == field)
    }

    /// All children in a field.
    pub(super) fn get_all(&self, id: Id, field: Field) -> impl Iterator<Item = Id> + '_ {
        self.all(id).filter(move |child| self.nodes[child.0 as usize].field == field)
    }

    /// The first child of a kind.
    pub(super) fn find(&self, id: Id, kind: Kind) -> Option<Id> {
        self.all(id).find(|child| self.kind(*child) == kind)
    }

    /// Whether a bare token with this text is among the children.
    pub(super) fn has_token(&self, id: Id, token: &str) -> bool {
        self.all(id).any(|child| self.kind(child) == Kind::Token && self.text(child) == token)
    }
}

struct Open {
    index: u32,
    last: u32,
}

/// The kind and field numbers of one grammar, translated.
pub(super) struct Names {
    kinds: Vec<Kind>,
    fields: Vec<Field>,
}

impl Names {
    fn new(language: &Language) -> Self {
        let kinds = (0..language.node_kind_count())
            .map(|id| {
                let id = u16::try_from(id).unwrap_or(u16::MAX);
                let name = language.node_kind_for_id(id).unwrap_or_default();
                if language.node_kind_is_named(id) {
                    Kind::named(name)
                } else if matches!(
                    name,
                    "(" | ")" | "{" | "}" | "[" | "]" | "," | ";" | ":" | "." | "\"" | "'" | "`" | "${" | "=>" | "..."
                ) {
                    Kind::Punctuation
                } else {
                    Kind::Token
                }
            })
            .collect();
        let fields = (0..=language.field_count())
            .map(|id| {
                let name = u16::try_from(id).ok().and_then(|id| language.field_name_for_id(id));
                name.map_or(Field::None, Field::named)
            })
            .collect();
        Self { kinds, fields }
    }

    fn kind(&self, id: u16) -> Kind {
        // The error node has a number outside the grammar's table.
        self.kinds.get(usize::from(id)).copied().unwrap_or(Kind::Error)
    }

    fn field(&self, id: Option<std::num::NonZeroU16>) -> Field {
        id.and_then(|id| self.fields.get(usize::from(id.get())).copied()).unwrap_or(Field::None)
    }
}

/// A grammar with its names.
pub(super) struct Grammar {
    /// The parser's tables.
    pub(super) language: Language,
    /// Their names, translated.
    pub(super) names: Names,
}

impl Grammar {
    /// The grammar with JSX, or the one with `<T>x` assertions.
    pub(super) fn get(jsx: bool) -> &'static Self {
        static WITH_JSX: OnceLock<Grammar> = OnceLock::new();
        static WITHOUT_JSX: OnceLock<Grammar> = OnceLock::new();
        let load = |language: Language| Self { names: Names::new(&language), language };
        if jsx {
            WITH_JSX.get_or_init(|| load(tree_sitter_typescript::LANGUAGE_TSX.into()))
        } else {
            WITHOUT_JSX.get_or_init(|| load(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()))
        }
    }
}

fn has_comment(text: &str) -> bool {
    text.contains("//") || text.contains("/*")
}

/// Offsets are 32-bit: sources are capped far below 4 GiB when they are read.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
