//! Lookups in maps and sets that were made of a list: the same as a search through the list.

use super::elaborate::Elaborator;
use super::value::{ArrayItem, Val, ValId};
use crate::ir::{BinaryOp, Over};

impl Elaborator<'_, '_> {
    /// What `get` and `has` give on `new Map(rows.map((row) => [row.id, row]))` and `new Set(rows.map((row) => row.id))`.
    pub(super) fn looked_up(&mut self, receiver: ValId, name: &str, args: &[ValId]) -> Option<ValId> {
        let [wanted] = args else { return None };
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
            "get" if is_map => {
                let found = self.trace.over(Over::Find, rows, is_wanted);
                let element = self.trace.values.add(Val::Element(rows));
                match self.trace.values.get(held).clone() {
                    _ if held == element => Some(found),
                    Val::Field(base, member) if base == element => Some(self.trace.field(found, &member)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
