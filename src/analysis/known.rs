//! What has been worked out of a trace's values and tests, whatever the check: kept for all checks of a trace.

use std::hash::Hash;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{self, Fact};
use super::paths::{RESOLVED, resolve_within};
use crate::model::{PhiId, Trace, Val, ValId};

/// What some joins stand for, sorted.
pub type Chosen = [(PhiId, ValId)];

/// What has been worked out so far.
#[derive(Debug, Default)]
pub struct Known {
    /// The joins that each value is made from, through other joins, too.
    joins: FxHashMap<ValId, Rc<[PhiId]>>,
    /// What values are where those of their joins that are chosen stand for something.
    resolved: FxHashMap<ValId, FxHashMap<Box<Chosen>, ValId>>,
    /// What a value's parts become while it is resolved: empty in between, and kept for the room that it has.
    parts: FxHashMap<ValId, ValId>,
    /// What holds if a value tests as true or false.
    asserted: FxHashMap<(ValId, bool), Rc<[Vec<Fact>]>>,
}

impl Known {
    /// A value with its joins replaced by what is chosen for them.
    pub fn resolve(&mut self, trace: &mut Trace<'_>, value: ValId, chosen: &Chosen) -> ValId {
        if !trace.values.is_joined(value) {
            return value;
        }
        let joins = self.joins.entry(value).or_insert_with(|| joins_of(trace, value));
        let chosen = among(chosen, joins);
        let resolved = self.resolved.entry(value).or_default();
        if let Some(known) = resolved.get(chosen.as_slice()) {
            return *known;
        }
        self.parts.clear();
        let found = resolve_within(trace, value, &mut |phi| choice(&chosen, phi), &mut self.parts, RESOLVED);
        resolved.insert(chosen.into(), found);
        found
    }

    /// What holds if a value tests as `truth`: see [`facts::assert`].
    pub fn assert(&mut self, trace: &Trace<'_>, test: ValId, truth: bool) -> Rc<[Vec<Fact>]> {
        let asserted = self.asserted.entry((test, truth));
        Rc::clone(asserted.or_insert_with(|| facts::assert(trace, test, truth).into()))
    }
}

/// What a join stands for.
fn choice(chosen: &Chosen, phi: PhiId) -> Option<ValId> {
    chosen.binary_search_by_key(&phi, |(phi, _)| *phi).ok().map(|at| chosen[at].1)
}

/// What is chosen for some joins. Both are sorted.
fn among(chosen: &Chosen, joins: &[PhiId]) -> Vec<(PhiId, ValId)> {
    let mut found = Vec::new();
    let mut rest = joins;
    for (phi, value) in chosen {
        let behind = rest.partition_point(|join| join < phi);
        rest = &rest[behind..];
        match rest.first() {
            Some(first) if first == phi => found.push((*phi, *value)),
            Some(_) => {}
            None => break,
        }
    }
    found
}

/// The joins that a value is made from, sorted.
fn joins_of(trace: &Trace<'_>, value: ValId) -> Rc<[PhiId]> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        if !trace.values.is_joined(value) || !seen.insert(value) {
            continue;
        }
        if let Val::Phi(phi) = trace.values.get(value) {
            found.push(*phi);
        }
        trace.values.each_part(value, &mut |part| todo.push(part));
    }
    found.sort_unstable();
    found.into()
}

/// A list among those that are kept once each: two are equal exactly if their items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId(u32);

impl ListId {
    /// The list without items.
    pub const EMPTY: Self = Self(0);
}

/// Lists of items, each kept once.
#[derive(Debug)]
pub struct Interned<T> {
    lists: Vec<Rc<[T]>>,
    ids: FxHashMap<Rc<[T]>, ListId>,
}

impl<T: Eq + Hash> Default for Interned<T> {
    fn default() -> Self {
        let mut lists = Self { lists: Vec::new(), ids: FxHashMap::default() };
        lists.of(Vec::new());
        lists
    }
}

impl<T: Eq + Hash> Interned<T> {
    /// The one list of these items.
    pub fn of(&mut self, items: Vec<T>) -> ListId {
        if let Some(known) = self.ids.get(items.as_slice()) {
            return *known;
        }
        let id = ListId(u32::try_from(self.lists.len()).unwrap_or(u32::MAX));
        let new: Rc<[T]> = items.into();
        self.lists.push(Rc::clone(&new));
        self.ids.insert(new, id);
        id
    }

    /// The items of a list.
    #[must_use]
    pub fn get(&self, id: ListId) -> &[T] {
        &self.lists[id.0 as usize]
    }
}
