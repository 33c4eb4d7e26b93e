//! Pure values, as written.

use super::{ClassId, FuncId, SlotId};
use crate::text::Span;

/// A pure expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The text it was lowered from.
    pub span: Span,
}

impl Expr {
    /// An expression at a place.
    #[must_use]
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// Whether a variable is part of it.
    #[must_use]
    pub fn uses(&self, slot: SlotId) -> bool {
        self.any(&mut |part| part.kind == ExprKind::Slot(slot))
    }

    /// Whether something holds of it or of a part of it.
    pub fn any<'e>(&'e self, holds: &mut dyn FnMut(&'e Self) -> bool) -> bool {
        if holds(self) {
            return true;
        }
        match &self.kind {
            ExprKind::Field(a, _) | ExprKind::Unary(_, a) | ExprKind::Element(a) | ExprKind::Rest(a, _) => a.any(holds),
            ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => a.any(holds) || b.any(holds),
            ExprKind::Over { source, body, .. } => source.any(holds) || body.any(holds),
            ExprKind::Choice(a, b, c) => a.any(holds) || b.any(holds) || c.any(holds),
            ExprKind::Opaque(values) => values.iter().any(|value| value.any(holds)),
            ExprKind::Array(items) => items.iter().any(|item| match item {
                Item::Value(value) | Item::Spread(value) => value.any(holds),
            }),
            ExprKind::Template(parts) => parts.iter().any(|part| match part {
                TemplatePart::Hole(hole) => hole.any(holds),
                TemplatePart::Text(_) => false,
            }),
            ExprKind::Object(entries) => entries.iter().any(|entry| match entry {
                Entry::Field { value, .. } | Entry::Spread(value) => value.any(holds),
                Entry::Computed(key, value) => key.any(holds) || value.any(holds),
            }),
            ExprKind::Slot(_)
            | ExprKind::Global(_)
            | ExprKind::This
            | ExprKind::Const(_)
            | ExprKind::Func(_)
            | ExprKind::Class(_)
            | ExprKind::Module(_)
            | ExprKind::Caught => false,
        }
    }
}

/// The forms of a pure expression.
///
/// Type assertions, parentheses, `await` and non-null marks leave no trace: they do not change the value.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// The present value of a variable or temporary.
    Slot(SlotId),
    /// A name that no scope of the file declares.
    Global(String),
    /// The receiver of the enclosing method. Anonymous functions that inherit it refer to the method's.
    This,
    /// A literal.
    Const(Const),
    /// Text with holes.
    Template(Vec<TemplatePart>),
    /// A named member. Of an absent base it is absent, whether or not the access was written as optional.
    Field(Box<Expr>, String),
    /// A member whose name is computed.
    Index(Box<Expr>, Box<Expr>),
    /// An object literal; later entries win.
    Object(Vec<Entry>),
    /// An array or tuple literal.
    Array(Vec<Item>),
    /// A function literal, or a reference to a declared function.
    Func(FuncId),
    /// A class.
    Class(ClassId),
    /// A whole other module, by the name it was asked for (`require("x")`, `await import("x")`).
    Module(String),
    /// An operator with one operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator with two operands. `And`, `Or` and `Coalesce` appear here only where the right side runs nothing;
    /// otherwise they are branches.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `test ? yes : no` where neither side runs anything; otherwise it is a branch.
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Some element of a collection: the variable of a loop over it.
    Element(Box<Expr>),
    /// What a collection method makes of a collection, element by element. `body` is what its callback returned for
    /// [`ExprKind::Element`] of `source`.
    Over {
        /// Which method.
        how: Over,
        /// The collection.
        source: Box<Expr>,
        /// The callback's result for one element.
        body: Box<Expr>,
    },
    /// An object without the named members (`const { a, b, ...rest } = source`).
    Rest(Box<Expr>, Vec<String>),
    /// The error that a handler caught; stands only at the start of a handler's block.
    Caught,
    /// Something not understood, and the values it was made from.
    Opaque(Vec<Expr>),
}

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// The absent value: `null`, `None`.
    Null,
    /// Not even that: `undefined`, what a member has that is not there. A test takes it for the absent value; as a column's
    /// value it says nothing of the column.
    Unset,
    /// A truth value.
    Bool(bool),
    /// A number, as a normalised decimal where it is one.
    Number(String),
    /// Text, with escapes resolved.
    Text(String),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Literal text, with escapes resolved.
    Text(String),
    /// A hole.
    Hole(Expr),
}

/// One entry of an object literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// `key: value`.
    Field {
        /// The member's name.
        key: String,
        /// Where the name stands; for the shorthand `{ a }` the same as the value's span.
        key_span: Span,
        /// Its value.
        value: Expr,
    },
    /// `[key]: value` with a name that is not known.
    Computed(Expr, Expr),
    /// `...value`; also a conditional spread, whose value is then a [`ExprKind::Choice`] or a [`BinaryOp::And`].
    Spread(Expr),
}

/// One item of an array literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A single value.
    Value(Expr),
    /// `...values`.
    Spread(Expr),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Logical negation.
    Not,
    /// Arithmetic negation.
    Neg,
    /// Anything else (`typeof`, `~`, `+`): a function of its operand.
    Other,
}

/// Operators with two operands. Loose and strict comparison are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    And,
    Or,
    /// The left side unless it is absent (`??`).
    Coalesce,
    /// `key in object`.
    In,
    /// `value instanceof Type`.
    InstanceOf,
    /// Anything else: a function of its operands.
    Other,
}

/// What a collection method makes of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// The results (`map`, `flatMap`).
    Map,
    /// The elements whose result is true.
    Filter,
    /// The first element whose result is true, or the absent value.
    Find,
    /// Whether some result is true.
    Some,
    /// Whether every result is true.
    Every,
    /// One value made of all results (`reduce`), or nothing (`forEach`).
    Fold,
}
