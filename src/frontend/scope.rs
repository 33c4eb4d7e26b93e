//! Which declaration a name means.

use std::borrow::Borrow;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::ir::SlotId;

/// A scope of a [`Scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeId(u32);

struct Scope<N> {
    parent: Option<ScopeId>,
    names: FxHashMap<N, SlotId>,
}

/// All scopes of a file, with names of whatever form the front end has them in. A scope stays where it is when it ends, so that a `finally` body can be lowered again, in its own
/// scope, at every place that leaves through it.
pub(super) struct Scopes<N> {
    all: Vec<Scope<N>>,
    /// The innermost scope.
    pub(super) current: ScopeId,
}

impl<N: Borrow<str> + Eq + Hash> Scopes<N> {
    /// The scope of the module body alone.
    pub(super) fn new() -> Self {
        Self { all: vec![Scope { parent: None, names: FxHashMap::default() }], current: ScopeId(0) }
    }

    /// Opens a scope inside the present one; the present one is returned, to go back to.
    pub(super) fn open(&mut self) -> ScopeId {
        let outer = self.current;
        self.current = ScopeId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Scope { parent: Some(outer), names: FxHashMap::default() });
        outer
    }

    /// What a name means here.
    pub(super) fn resolve(&self, name: &str) -> Option<SlotId> {
        self.resolve_among(name, |_| true)
    }

    /// What a name means here among declarations of one kind: what hides it is of another.
    pub(super) fn resolve_among(&self, name: &str, is_one: impl Fn(SlotId) -> bool) -> Option<SlotId> {
        let mut scope = self.all.get(self.current.0 as usize);
        while let Some(here) = scope {
            if let Some(slot) = here.names.get(name).copied().filter(|slot| is_one(*slot)) {
                return Some(slot);
            }
            scope = here.parent.and_then(|parent| self.all.get(parent.0 as usize));
        }
        None
    }

    /// What a name means if the innermost scope itself declares it.
    pub(super) fn own(&self, name: &str) -> Option<SlotId> {
        self.all.get(self.current.0 as usize).and_then(|scope| scope.names.get(name).copied())
    }

    /// Declares a name in the innermost scope.
    pub(super) fn declare(&mut self, name: N, slot: SlotId) {
        if let Some(scope) = self.all.get_mut(self.current.0 as usize) {
            scope.names.insert(name, slot);
        }
    }
}
