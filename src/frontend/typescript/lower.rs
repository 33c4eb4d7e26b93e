//! The state of lowering one file, and what every part of it needs: slots, steps, names.

use rustc_hash::FxHashMap;

use super::tree::{Id, Tree};
use crate::frontend::graph::Graph;
use crate::frontend::scope::{ScopeId, Scopes};
use crate::frontend::value::{fold, is_small};
use crate::ir::{
    BlockId, Call, CallForm, ClassId, Const, Entry, Expr, ExprKind, Func, FuncId, FuncKind, ImportName, Item, Problem,
    Slot, SlotId, Step, Unit,
};
use crate::text::Span;

/// How deeply source may nest before lowering gives up on the inner part. Lowering recurses with the source, and so do
/// later stages with the values that come out.
const MAX_DEPTH: u32 = 600;

/// What the surroundings want of an expression.
#[derive(Clone, Copy, Default)]
pub(super) struct Want<'t> {
    /// The value is awaited right here.
    pub(super) awaited: bool,
    /// The value is a collection whose elements are awaited right here (`Promise.all`).
    pub(super) all: bool,
    /// The value is returned right here.
    pub(super) returned: bool,
    /// Nobody looks at the value.
    pub(super) effect: bool,
    /// The name that holds the value, for a function literal to take.
    pub(super) name: Option<&'t str>,
}

impl<'t> Want<'t> {
    /// The same, but the value is looked at.
    pub(super) fn valued(self) -> Self {
        Self { effect: false, ..self }
    }
}

/// What a jump passes on its way out.
#[derive(Clone)]
pub(super) enum Frame<'t> {
    /// A loop.
    Loop { labels: Vec<&'t str>, break_to: BlockId, continue_to: BlockId },
    /// A `switch`.
    Switch { break_to: BlockId },
    /// Some other statement with a label.
    Labeled { label: &'t str, break_to: BlockId },
    /// A `finally` body, which runs on the way out, in its own scope and under the handler around its `try`.
    Finally { body: Id, scope: ScopeId, handler: Option<BlockId> },
}

/// The function under construction.
pub(super) struct Body<'t> {
    /// Its id.
    pub(super) id: FuncId,
    /// Its blocks.
    pub(super) graph: Graph,
    /// What encloses the present statement, from the outside in.
    pub(super) frames: Vec<Frame<'t>>,
    /// Where an absent link of the optional chain under construction leads.
    pub(super) nil: Option<BlockId>,
    /// The function whose receiver `this` means.
    pub(super) this_owner: FuncId,
}

impl Body<'_> {
    /// An empty body.
    pub(super) fn new(id: FuncId, this_owner: FuncId) -> Self {
        Self { id, graph: Graph::new(), frames: Vec::new(), nil: None, this_owner }
    }
}

/// Lowers one file.
pub(super) struct Lower<'t> {
    pub(super) tree: &'t Tree<'t>,
    pub(super) unit: Unit,
    pub(super) scopes: Scopes<&'t str>,
    pub(super) body: Body<'t>,
    /// The exported members of the namespace under construction.
    pub(super) namespace: Option<Vec<Entry>>,
    /// How many `finally` bodies enclose the present statement. What is declared in them is remembered by its node, so
    /// that every copy of the body means the same variables, functions and classes.
    pub(super) finals: u32,
    /// How much source text has been lowered in copies of `finally` bodies.
    pub(super) copied: u32,
    pub(super) known_slots: FxHashMap<Id, SlotId>,
    pub(super) known_funcs: FxHashMap<Id, FuncId>,
    pub(super) known_classes: FxHashMap<Id, ClassId>,
    /// What the variables that imports declare stand for.
    pub(super) imported: FxHashMap<SlotId, ImportName>,
    this_slots: FxHashMap<FuncId, SlotId>,
    depth: u32,
    too_deep: bool,
}

impl<'t> Lower<'t> {
    /// A unit with an empty module body.
    pub(super) fn new(path: &str, tree: &'t Tree<'t>) -> Self {
        let module = Func {
            name: String::new(),
            kind: FuncKind::Module,
            parent: None,
            params: Vec::new(),
            returns: None,
            bounds: Vec::new(),
            is_test: false,
            blocks: Vec::new(),
            span: tree.span(tree.root()),
        };
        Self {
            tree,
            unit: Unit { path: path.to_owned(), functions: vec![module], ..Unit::default() },
            scopes: Scopes::new(),
            body: Body::new(FuncId(0), FuncId(0)),
            namespace: None,
            finals: 0,
            copied: 0,
            known_slots: FxHashMap::default(),
            known_funcs: FxHashMap::default(),
            known_classes: FxHashMap::default(),
            imported: FxHashMap::default(),
            this_slots: FxHashMap::default(),
            depth: 0,
            too_deep: false,
        }
    }

    /// Goes `levels` deeper; false where that is too deep, and then nothing is to be undone.
    pub(super) fn enter(&mut self, id: Id, levels: u32) -> bool {
        if self.depth.saturating_add(levels) <= MAX_DEPTH {
            self.depth += levels;
            return true;
        }
        if !self.too_deep {
            self.too_deep = true;
            let message = "this is nested too deeply; what the inner part does is not analysed";
            self.problem(self.tree.span(id), message);
        }
        false
    }

    /// Comes back from [`Self::enter`].
    pub(super) fn leave(&mut self, levels: u32) {
        self.depth -= levels;
    }

    /// Records something that could not be read.
    pub(super) fn problem(&mut self, span: Span, message: &str) {
        self.unit.problems.push(Problem { span, message: message.to_owned() });
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

    /// Declares the variable that an identifier names in the innermost scope. A second declaration in one scope means the
    /// first.
    pub(super) fn declare(&mut self, id: Id, ty: Option<String>) -> SlotId {
        let name = self.tree.text(id);
        if let Some(slot) = self.scopes.own(name) {
            if let Some(slot) = self.unit.slots.get_mut(slot.index())
                && slot.ty.is_none()
            {
                slot.ty = ty;
            }
            return slot;
        }
        let known = if self.finals > 0 { self.known_slots.get(&id).copied() } else { None };
        let slot = known.unwrap_or_else(|| self.slot(name, ty, self.tree.span(id)));
        if self.finals > 0 {
            self.known_slots.insert(id, slot);
        }
        self.scopes.declare(name, slot);
        slot
    }

    /// The variable that stands for `this` where its members are assigned.
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

    /// The value of a name.
    pub(super) fn name(&self, name: &str, span: Span) -> Expr {
        let kind = match self.scopes.resolve(name) {
            Some(slot) => ExprKind::Slot(slot),
            None if name == "undefined" => ExprKind::Const(Const::Unset),
            None => ExprKind::Global(name.to_owned()),
        };
        Expr::new(kind, span)
    }

    /// Whether an expression is this undeclared name.
    pub(super) fn is_global(&self, id: Id, name: &str) -> bool {
        self.tree.text(id) == name && self.scopes.resolve(name).is_none()
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

    /// Calls something; the value is the result.
    pub(super) fn call(&mut self, callee: Expr, args: Vec<Item>, form: CallForm, awaited: bool, span: Span) -> Expr {
        let out = self.temp(span);
        self.body.graph.push(Step::Call(Box::new(Call {
            out,
            callee,
            args,
            type_args: Vec::new(),
            mutates: Vec::new(),
            form,
            awaited,
            span,
        })));
        Expr::new(ExprKind::Slot(out), span)
    }

    /// Calls a value with plain arguments.
    pub(super) fn apply(&mut self, callee: Expr, args: Vec<Expr>, awaited: bool, span: Span) -> Expr {
        self.call(callee, args.into_iter().map(Item::Value).collect(), CallForm::Plain, awaited, span)
    }

    /// The source text of a node with white space folded.
    pub(super) fn folded(&self, id: Id) -> String {
        fold(self.tree.text(id))
    }
}
