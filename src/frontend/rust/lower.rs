//! The state of lowering one file, and what every part of it needs: slots, steps, names, places.

use proc_macro2::Span as Mark;
use rustc_hash::{FxHashMap, FxHashSet};
use syn::Expr as Source;

use super::carrier::{Carrier, Returns};
use super::expand::Rules;
use super::fallible::Kept;
use super::place;
use crate::frontend::graph::Graph;
use crate::frontend::scope::Scopes;
use crate::frontend::value::is_small;
use crate::ir::{
    BlockId, Call, CallForm, ClassId, Expr, ExprKind, Func, FuncId, FuncKind, Item, Language, Problem, Slot, SlotId,
    Step, Unit,
};
use crate::text::Span;

/// How deeply source may nest before lowering gives up on the inner part. Later stages recurse with the values that come
/// out.
const MAX_DEPTH: u32 = 600;

/// What becomes of an error that a value may be.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Errors {
    /// The value is passed on, whatever it is.
    #[default]
    Kept,
    /// The error leaves the function.
    Leave,
    /// The error is caught by this block.
    To(BlockId),
}

/// What the surroundings want of an expression.
#[derive(Clone, Copy, Default)]
pub(super) struct Want<'n> {
    /// The value is awaited right here.
    pub(super) awaited: bool,
    /// The value is what the function, or the `async` block, results in.
    pub(super) tail: bool,
    /// What becomes of the error that the value may be.
    pub(super) errors: Errors,
    /// Nobody looks at the value.
    pub(super) effect: bool,
    /// The name that holds the value, for a function literal to take.
    pub(super) name: Option<&'n str>,
}

impl Want<'_> {
    /// Nothing is wanted but the effect.
    pub(super) fn effect() -> Self {
        Self { effect: true, ..Self::default() }
    }

    /// The value of a function or an `async` block.
    pub(super) fn tail() -> Self {
        Self { tail: true, errors: Errors::Leave, ..Self::default() }
    }

    /// A value whose error is not passed on with it.
    pub(super) fn raising(errors: Errors) -> Self {
        Self { errors, ..Self::default() }
    }
}

/// What a jump passes on its way out.
pub(super) enum Frame {
    /// A loop.
    Loop { label: Option<String>, break_to: BlockId, continue_to: BlockId, value: Option<SlotId> },
    /// A block with a label.
    Labeled { label: String, break_to: BlockId, value: Option<SlotId> },
    /// A block, and the variables to give up at its end.
    Scope { drops: Vec<SlotId> },
}

/// The function under construction.
pub(super) struct Body {
    /// Its id.
    pub(super) id: FuncId,
    /// Its blocks.
    pub(super) graph: Graph,
    /// What encloses the present statement, from the outside in.
    pub(super) frames: Vec<Frame>,
    /// The function whose receiver `self` means.
    pub(super) this_owner: FuncId,
    /// The blocks that catch some error.
    pub(super) raised: FxHashSet<BlockId>,
    /// Whether it returns an `Option`: `?` then means to return an absent value.
    pub(super) returns_option: bool,
}

impl Body {
    /// An empty body.
    pub(super) fn new(id: FuncId, this_owner: FuncId) -> Self {
        Self {
            id,
            graph: Graph::new(),
            frames: Vec::new(),
            this_owner,
            raised: FxHashSet::default(),
            returns_option: false,
        }
    }
}

/// Lowers one file.
pub(super) struct Lower<'t> {
    pub(super) text: &'t str,
    /// How many bytes of the text the parser has not seen.
    offset: u32,
    pub(super) unit: Unit,
    pub(super) scopes: Scopes<String>,
    pub(super) body: Body,
    /// The names of the inline modules around the present item.
    pub(super) modules: Vec<String>,
    /// Whether the present item is a test or stands in one.
    pub(super) testing: bool,
    /// The class that `Self` means.
    pub(super) self_class: Option<ClassId>,
    /// What the type parameters of the present `impl` block must be.
    pub(super) impl_bounds: Vec<(String, String)>,
    /// The classes of this file by the variables that hold them.
    pub(super) classes: FxHashMap<SlotId, ClassId>,
    /// Classes whose types are declared elsewhere, by their names.
    pub(super) foreign_classes: FxHashMap<String, ClassId>,
    /// Variables that hold an `async` block which has not run yet.
    pub(super) futures: FxHashSet<SlotId>,
    /// Variables that hold a result which is looked at.
    pub(super) results: FxHashMap<SlotId, Kept>,
    /// What the values of variables are written as, where that is known.
    pub(super) carriers: FxHashMap<SlotId, Carrier>,
    /// Variables that hold a collection, a map or a text of their own.
    pub(super) collections: FxHashSet<SlotId>,
    /// What was declared as an item or an import, and is no local variable.
    pub(super) items: FxHashSet<SlotId>,
    /// What the functions of this file return.
    pub(super) returns: Returns,
    /// The macros of this file, and how much they may still be expanded.
    pub(super) rules: Rules,
    this_slots: FxHashMap<FuncId, SlotId>,
    depth: u32,
    too_deep: bool,
}

impl<'t> Lower<'t> {
    /// A unit with an empty module body.
    pub(super) fn new(path: &str, text: &'t str, offset: u32) -> Self {
        let module = Func {
            name: String::new(),
            kind: FuncKind::Module,
            parent: None,
            params: Vec::new(),
            returns: None,
            bounds: Vec::new(),
            is_test: false,
            blocks: Vec::new(),
            span: Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) },
        };
        let unit = Unit { path: path.to_owned(), language: Language::Rust, functions: vec![module], ..Unit::default() };
        Self {
            text,
            offset,
            unit,
            scopes: Scopes::new(),
            body: Body::new(FuncId(0), FuncId(0)),
            modules: Vec::new(),
            testing: false,
            self_class: None,
            impl_bounds: Vec::new(),
            classes: FxHashMap::default(),
            foreign_classes: FxHashMap::default(),
            futures: FxHashSet::default(),
            results: FxHashMap::default(),
            carriers: FxHashMap::default(),
            collections: FxHashSet::default(),
            items: FxHashSet::default(),
            returns: Returns::default(),
            rules: Rules::default(),
            this_slots: FxHashMap::default(),
            depth: 0,
            too_deep: false,
        }
    }

    /// Goes a level deeper; false where that is too deep, and then nothing is to be undone.
    pub(super) fn enter(&mut self, at: Mark) -> bool {
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            return true;
        }
        if !self.too_deep {
            self.too_deep = true;
            let span = self.at(at);
            self.problem(span, "this is nested too deeply; what the inner part does is not analysed");
        }
        false
    }

    /// Comes back from [`Self::enter`].
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Records something that could not be read.
    pub(super) fn problem(&mut self, span: Span, message: &str) {
        self.unit.problems.push(Problem { span, message: message.to_owned() });
    }

    /// The place of a token.
    pub(super) fn at(&self, mark: Mark) -> Span {
        let range = mark.byte_range();
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.offset);
        Span { start: position(range.start), end: position(range.end) }
    }

    /// The place from one token to another.
    pub(super) fn between(&self, first: Mark, last: Mark) -> Span {
        let (first, last) = (self.at(first), self.at(last));
        // The tokens of an expanded macro come from several places.
        Span { start: first.start.min(last.start), end: first.end.max(last.end) }
    }

    /// The place of an expression.
    pub(super) fn span(&self, expr: &Source) -> Span {
        self.between(place::first(expr), place::last(expr))
    }

    /// A new slot of the function under construction.
    pub(super) fn slot(&mut self, name: &str, ty: Option<String>, span: Span) -> SlotId {
        let id = SlotId(u32::try_from(self.unit.slots.len()).unwrap_or(u32::MAX));
        self.unit.slots.push(Slot { name: name.to_owned(), owner: self.body.id, ty, span });
        id
    }

    /// A new temporary.
    pub(super) fn temp(&mut self, span: Span) -> SlotId {
        self.slot("", None, span)
    }

    /// Declares a variable in the innermost scope. One of the same name is hidden from now on.
    pub(super) fn declare(&mut self, name: &str, ty: Option<String>, span: Span) -> SlotId {
        let slot = self.slot(name, ty, span);
        self.scopes.declare(name.to_owned(), slot);
        slot
    }

    /// The variable that stands for `self` where its members are assigned.
    pub(super) fn this_slot(&mut self) -> SlotId {
        let owner = self.body.this_owner;
        if let Some(slot) = self.this_slots.get(&owner) {
            return *slot;
        }
        let span = self.unit.functions.get(owner.index()).map_or(Span::default(), |func| func.span);
        let slot = self.slot("this", None, Span { start: span.start, end: span.start });
        if let Some(entry) = self.unit.slots.get_mut(slot.index()) {
            entry.owner = owner;
        }
        self.this_slots.insert(owner, slot);
        slot
    }

    /// A variable takes a value.
    pub(super) fn set(&mut self, slot: SlotId, value: Expr, span: Span) {
        self.body.graph.push(Step::Set { slot, value, span });
    }

    /// A value that may be written down more than once: itself if it is small, else a temporary that takes it.
    pub(super) fn hold(&mut self, value: Expr) -> Expr {
        if is_small(&value) {
            return value;
        }
        let span = value.span;
        let slot = self.temp(span);
        self.set(slot, value, span);
        Expr::new(ExprKind::Slot(slot), span)
    }

    /// Adds a call; the value is the result. Only a call whose error is caught stands under a handler.
    pub(super) fn push_call(&mut self, call: CallParts, want: Want<'_>, span: Span) -> Expr {
        if let Errors::To(handler) = want.errors {
            self.body.raised.insert(handler);
            self.body.graph.handler = Some(handler);
            self.body.graph.next();
        }
        let out = self.temp(span);
        let CallParts { callee, args, type_args, mutates, form } = call;
        let awaited = want.awaited;
        self.body.graph.push(Step::Call(Box::new(Call { out, callee, args, type_args, mutates, form, awaited, span })));
        if self.body.graph.handler.take().is_some() {
            self.body.graph.next();
        }
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Calls a value with plain arguments.
    pub(super) fn apply(&mut self, callee: Expr, args: Vec<Expr>, want: Want<'_>, span: Span) -> Expr {
        let args = args.into_iter().map(Item::Value).collect();
        self.push_call(CallParts { args, ..CallParts::of(callee) }, want, span)
    }
}

/// What a call is made of.
pub(super) struct CallParts {
    /// What is called.
    pub(super) callee: Expr,
    /// Its arguments.
    pub(super) args: Vec<Item>,
    /// The types it is given.
    pub(super) type_args: Vec<String>,
    /// The variables it may change.
    pub(super) mutates: Vec<SlotId>,
    /// How it is written.
    pub(super) form: CallForm,
}

impl CallParts {
    /// A plain call without arguments.
    pub(super) fn of(callee: Expr) -> Self {
        let (args, type_args, mutates) = (Vec::new(), Vec::new(), Vec::new());
        Self { callee, args, type_args, mutates, form: CallForm::Plain }
    }
}
