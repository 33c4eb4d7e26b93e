//! Acts that make a row or change the one that is there, by a key of their own.

use super::*;
use crate::analysis::script;

/// How deep values are followed to what they are made of.
const DEPTH: usize = 12;

impl Search<'_, '_, '_> {
    /// Whether an act that was decided by absence makes one row, whoever comes: it changes what is there, by a key that
    /// all have in common who have looked for the same. A key that the caller has given, beside what was looked for, is not.
    pub fn makes_one_row(&mut self, window: &Window) -> bool {
        let act = self.trace.op(window.act);
        if window.link != Link::Absence
            || act.verb != Verb::Upsert
            || act.place().is_some()
            || window.check == window.act
        {
            return false;
        }
        let changed = self.writes(window.act, false, &window.way);
        if changed.columns.is_empty() && !changed.opaque {
            return false;
        }
        let looked = self.conditions(window.check, &window.way);
        let looked: Vec<ValId> = looked.all.iter().map(|c| c.value).collect();
        // Of what is asked for its digest, all is meant.
        let whole = looked.iter().filter_map(|value| self.answers_for(*value));
        let known: FxHashSet<ValId> = looked.iter().copied().chain(whole).collect();
        let keys = self.keys_made(window);
        keys.into_iter().any(|key| key.into_iter().all(|value| self.is_in_common(value, &known, DEPTH)))
    }

    /// What the act of a window writes into the columns of unique keys, for each that it fills: of the one that it names, if
    /// it names one.
    fn keys_made(&mut self, window: &Window) -> Vec<Vec<ValId>> {
        let asked = self.conditions(window.act, &window.way);
        if !asked.opaque && !asked.all.is_empty() {
            return vec![asked.all.iter().map(|c| c.value).collect()];
        }
        let made = self.writes(window.act, true, &window.way);
        let Some(entity) = entity_of(self.schemas, self.trace.op(window.act)) else { return Vec::new() };
        let keys = entity.keys.iter().filter(|key| key.is_plain() && !key.columns.is_empty());
        let value = |column: &String| match made.get(column) {
            Some(Written::Value(value)) => Some(*value),
            _ => None,
        };
        keys.filter_map(|key| key.columns.iter().map(value).collect()).collect()
    }

    /// The parameter whose own method gave a value.
    fn answers_for(&self, value: ValId) -> Option<ValId> {
        let Val::Call { callee, args, is_new: false, .. } = self.trace.values.get(value) else { return None };
        let Val::Field(of, _) = self.trace.values.get(*callee) else { return None };
        (args.is_empty() && matches!(self.trace.values.get(*of), Val::Param(..))).then_some(*of)
    }

    /// Whether a value is made of known ones, of constants and of what the program is set up with.
    fn is_in_common(&self, value: ValId, known: &FxHashSet<ValId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if known.contains(&value) || script::is_setting(self.trace, value) {
            return true;
        }
        if script::is_drawn(self.trace, value) {
            return false;
        }
        let is_one = |value: ValId| self.is_in_common(value, known, depth);
        match self.trace.values.get(value) {
            Val::Const(_) => true,
            Val::Field(base, _) => is_one(*base),
            Val::Call { callee, args, .. } if args.is_empty() => match self.trace.values.get(*callee) {
                Val::Field(of, _) => is_one(*of),
                _ => false,
            },
            Val::Call { args, .. } => args.iter().all(|arg| is_one(*arg)),
            Val::Choice(_, one, other) => is_one(*one) && is_one(*other),
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().all(|(_, one)| is_one(*one)),
            Val::Text(_) | Val::Binary(..) | Val::Unary(..) => self.trace.values.parts(value).into_iter().all(is_one),
            _ => false,
        }
    }
}
