//! Lists that calls add to, and lookups in lists, and in maps and sets that were made of one: the same as a search through
//! the list.

use super::elaborate::{At, Elaborator};
use super::value::{ArrayItem, ObjectEntry, Val, ValId};
use crate::ir::{BinaryOp, Call, Over, UnaryOp};
use crate::library::Rows;
use crate::link::UnitId;

impl Elaborator<'_, '_> {
    /// What `get` and `has` give on `new Map(rows.map((row) => [row.id, row]))` and `new Set(rows.map((row) => row.id))`.
    pub(super) fn looked_up(&mut self, receiver: ValId, name: &str, args: &[ValId]) -> Option<ValId> {
        let [wanted] = args else { return None };
        let receiver = self.before_loop(receiver);
        if matches!(name, "contains" | "includes") && self.is_list_of_rows(receiver, 6) {
            let element = self.trace.element(receiver);
            let is_wanted = self.trace.binary(BinaryOp::Eq, element, *wanted);
            return Some(self.trace.over(Over::Some, receiver, is_wanted));
        }
        if name == "insert" && self.is_list_of_rows(receiver, 6) {
            // A set says whether the value is new to it.
            let has = self.looked_up(receiver, "contains", args)?;
            return Some(self.trace.unary(UnaryOp::Not, has));
        }
        if let Some((rows, key, held)) = self.pairs_of_rows(receiver)
            && self.trace.values.literal(*wanted).is_none()
        {
            let is_wanted = self.trace.binary(BinaryOp::Eq, key, *wanted);
            match name {
                "contains_key" => return Some(self.trace.over(Over::Some, rows, is_wanted)),
                "get" | "get_mut" | "remove" => return self.found(rows, is_wanted, held),
                _ => {}
            }
        }
        let Val::Call { callee, args: made_of, is_new: true, .. } = self.trace.values.get(receiver) else {
            return None;
        };
        let Val::Global(kind) = self.trace.values.get(*callee) else { return None };
        let is_map = match kind.as_str() {
            "Map" => true,
            "Set" => false,
            _ => return None,
        };
        let list = *made_of.first()?;
        let (rows, entry) = match self.trace.values.get(list) {
            Val::Over(Over::Map, rows, entry) => (*rows, *entry),
            _ if is_map => return None,
            _ => (list, self.trace.values.add(Val::Element(list))),
        };
        let (key, held) = match self.trace.values.get(entry) {
            Val::Array(items) if is_map => match items.as_slice() {
                [ArrayItem::Value(key), ArrayItem::Value(held)] => (*key, *held),
                _ => return None,
            },
            _ if is_map => return None,
            _ => (entry, entry),
        };
        let is_wanted = self.trace.binary(BinaryOp::Eq, key, *wanted);
        match name {
            "has" => Some(self.trace.over(Over::Some, rows, is_wanted)),
            "get" if is_map => self.found(rows, is_wanted, held),
            _ => None,
        }
    }

    /// The list of rows that a list in a loop has started as.
    fn before_loop(&self, list: ValId) -> ValId {
        let Val::Phi(phi) = self.trace.values.get(list) else { return list };
        let mut operands = self.trace.values.phi(*phi).operands.iter().map(|(_, operand)| *operand);
        match operands.next() {
            Some(first) if self.is_list_of_rows(first, 6) && operands.all(|other| other == first) => first,
            _ => list,
        }
    }

    /// What a map holds for the row that is wanted.
    fn found(&mut self, rows: ValId, is_wanted: ValId, held: ValId) -> Option<ValId> {
        let found = self.trace.over(Over::Find, rows, is_wanted);
        let element = self.trace.values.add(Val::Element(rows));
        match self.trace.values.get(held).clone() {
            _ if held == element => Some(found),
            Val::Field(base, member) if base == element => Some(self.trace.field(found, &member)),
            _ => None,
        }
    }

    /// A list of pairs that was made of rows, as a map is collected from: the rows, and the pair's key and value.
    fn pairs_of_rows(&self, value: ValId) -> Option<(ValId, ValId, ValId)> {
        let Val::Over(Over::Map, rows, entry) = self.trace.values.get(value) else { return None };
        match self.trace.values.get(*entry) {
            Val::Array(items) if self.is_list_of_rows(*rows, 6) => match items.as_slice() {
                [ArrayItem::Value(key), ArrayItem::Value(held)] => Some((*rows, *key, *held)),
                _ => None,
            },
            _ => None,
        }
    }

    /// A value that a call has changed in place. What is added to a list is remembered, and order is not known; any other
    /// change makes a new, dependent value. Of text the start tells enough.
    pub(super) fn changed_list(&mut self, old: ValId, name: Option<&str>, args: &[ValId]) -> ValId {
        let added = match name.unwrap_or_default() {
            "push" | "push_back" | "push_front" => args.iter().map(|arg| ArrayItem::Value(*arg)).collect(),
            "extend" | "extend_from_slice" | "append" => args.iter().map(|arg| ArrayItem::Spread(*arg)).collect(),
            "sort_by" | "sort_by_key" | "sort_unstable" | "dedup" | "swap" => return old,
            _ => Vec::new(),
        };
        let value = match self.trace.values.get(old).clone() {
            Val::Text(_) | Val::Const(_) => return old,
            _ if added.is_empty() => Val::Derived(std::iter::once(old).chain(args.iter().copied()).collect()),
            Val::Array(items) => Val::Array(items.into_iter().chain(added).collect()),
            _ => Val::Array(std::iter::once(ArrayItem::Spread(old)).chain(added).collect()),
        };
        self.trace.values.add(value)
    }

    /// Objects that a call was lent to be changed: there may be more to them than was put there.
    pub(super) fn lend(&mut self, unit: UnitId, at: &mut At, call: &Call) {
        for slot in &call.mutates {
            let old = self.read(unit, at, *slot);
            let new = self.with_more(old);
            if new != old {
                self.rebind(unit, at, *slot, new);
            }
        }
    }

    fn with_more(&mut self, value: ValId) -> ValId {
        match self.trace.values.get(value).clone() {
            Val::Made(class, members) => {
                let members = self.with_more(members);
                self.trace.values.add(Val::Made(class, members))
            }
            Val::Object(entries) if !entries.iter().any(|entry| matches!(entry, ObjectEntry::Computed(_))) => {
                let unknown = self.trace.values.opaque();
                let entries = std::iter::once(ObjectEntry::Computed(unknown)).chain(entries).collect();
                self.trace.object(entries)
            }
            Val::Array(items) => {
                let items = items.into_iter().map(|item| match item {
                    ArrayItem::Value(value) => ArrayItem::Value(self.with_more(value)),
                    spread @ ArrayItem::Spread(_) => spread,
                });
                let items = items.collect();
                self.trace.values.add(Val::Array(items))
            }
            _ => value,
        }
    }

    /// Whether a value is the list of rows that an operation gave, or made of their columns.
    fn is_list_of_rows(&self, value: ValId, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.trace.values.get(value) {
            Val::Result(op) => {
                let op = self.trace.op(*op);
                op.rows == Rows::Many && op.place().is_none()
            }
            Val::Over(Over::Map | Over::Filter, all, _) => self.is_list_of_rows(*all, depth),
            Val::Array(items) => items.iter().any(|item| match item {
                ArrayItem::Spread(all) => self.is_list_of_rows(*all, depth),
                ArrayItem::Value(_) => false,
            }),
            _ => false,
        }
    }
}
