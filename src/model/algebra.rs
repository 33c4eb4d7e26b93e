//! Value algebra: members, operators and literals, simplified as far as is certain.

use super::trace::{OpId, OpSource, Trace};
use super::value::{ArrayItem, Literal, ObjectEntry, PhiId, TextPart, Val, ValId, Values};
use crate::ir::{BinaryOp, Over, UnaryOp};
use crate::library::{Missing, Rows, Verb};
use crate::sql::{Exists, SqlValue};

/// The member of a write's result that is the number of rows it has hit, whatever the library calls it.
pub const AFFECTED: &str = "count";

/// How many lists may stand for one another.
const LISTS: usize = 8;

impl Trace<'_> {
    /// A member of a value.
    pub fn field(&mut self, base: ValId, name: &str) -> ValId {
        if let Some(found) = self.given_member(base, name) {
            return found;
        }
        if matches!(self.values.get(base), Val::Object(_)) {
            return self.object_field(base, name);
        }
        match self.values.get(base) {
            Val::Array(items) => match name.parse::<usize>().ok().and_then(|at| items.get(at)) {
                Some(ArrayItem::Value(value)) if items.iter().all(|i| matches!(i, ArrayItem::Value(_))) => *value,
                _ if name == "length" => self.length_of(base),
                _ => self.values.add_field(base, name),
            },
            Val::Over(Over::Map, all, _) if name == "length" => {
                let all = *all;
                self.field(all, name)
            }
            Val::Const(literal) if literal.is_absent() => base,
            Val::Result(_) | Val::Element(_) | Val::Field(..) if self.related_member(base, name).is_some() => {
                match self.related_member(base, name) {
                    Some(op) => self.values.add(Val::Result(op)),
                    None => base,
                }
            }
            Val::External(source, outer) if outer == "*" => {
                let source = source.clone();
                self.values.add(Val::External(source, name.to_owned()))
            }
            Val::Rest(whole, names) => {
                if names.iter().any(|n| n == name) {
                    self.values.unset()
                } else {
                    self.field(*whole, name)
                }
            }
            Val::Phi(_) => match self.handle_within(base, name) {
                Some(handle) => handle,
                None => self.values.add_field(base, name),
            },
            _ => self.values.add_field(base, name),
        }
    }

    /// How many items an array has that takes in other collections: as many as these, and its own. One that takes in none may
    /// be filled by calls that nobody knows.
    fn length_of(&mut self, array: ValId) -> ValId {
        let Val::Array(items) = self.values.get(array).clone() else { return self.values.add_field(array, "length") };
        let own = items.iter().filter(|item| matches!(item, ArrayItem::Value(_))).count();
        let spread = items.iter().filter_map(|item| match item {
            ArrayItem::Spread(all) => Some(*all),
            ArrayItem::Value(_) => None,
        });
        let mut sum = None;
        for all in spread {
            let length = self.field(all, "length");
            sum = Some(match sum {
                Some(sum) => self.binary(BinaryOp::Add, sum, length),
                None => length,
            });
        }
        let Some(sum) = sum else { return self.values.add_field(array, "length") };
        if own == 0 {
            return sum;
        }
        let own = self.values.add(Val::Const(Literal::Number(own.to_string())));
        self.binary(BinaryOp::Add, sum, own)
    }

    /// The handle that a value holds under a name, if it is there at all: whoever uses it has it.
    fn handle_within(&mut self, phi: ValId, name: &str) -> Option<ValId> {
        let mut parts = self.values.parts(phi);
        parts.retain(|part| !matches!(self.values.get(*part), Val::Const(literal) if literal.is_absent()));
        let [only] = parts[..] else { return None };
        if !matches!(self.values.get(only), Val::Array(_) | Val::Object(_)) {
            return None;
        }
        let held = self.field(only, name);
        matches!(self.values.get(held), Val::Handle(_)).then_some(held)
    }

    /// What an operation gives under a name, where the library or the statement's own text says what that is.
    fn given_member(&mut self, base: ValId, name: &str) -> Option<ValId> {
        let op = match self.values.get(base) {
            Val::Result(op) => *op,
            Val::Element(source) => match self.values.get(*source) {
                Val::Result(op) => *op,
                _ => return None,
            },
            _ => return None,
        };
        let it = self.op(op);
        let affected = it.by.and_then(|(row, _)| row.affected.as_ref());
        if affected.is_some_and(|selector| selector.path == [name]) {
            return Some(self.values.add_field(base, AFFECTED));
        }
        if let OpSource::Built(built, _) = &it.source {
            let column = built.selected.get(name.parse::<usize>().ok()?)?.clone()?;
            return Some(self.values.add_field(base, &column));
        }
        let OpSource::Sql(statement, _) = &it.source else { return None };
        let query = statement.query()?;
        let whole = matches!(self.values.get(base), Val::Result(_));
        if query.exists != Exists::No || it.verb == Verb::Count {
            // The answer is one value, by whatever name.
            return (whole && it.rows != Rows::Many && it.by.is_some_and(|(row, _)| row.rows == Rows::One))
                .then_some(base);
        }
        if whole && it.rows == Rows::Many {
            return None;
        }
        let item = match name.parse::<usize>() {
            Ok(at) => query.selected.get(at),
            Err(_) => query.selected.iter().find(|item| item.name.as_deref() == Some(name)),
        };
        match &item?.value {
            SqlValue::Column(column) if column.of.is_none() && column.name != name => {
                let column = column.name.clone();
                Some(self.values.add_field(base, &column))
            }
            _ => None,
        }
    }

    /// The operation that gives a member of rows that another one read along.
    fn related_member(&self, base: ValId, name: &str) -> Option<OpId> {
        if self.related.is_empty() {
            return None;
        }
        let source = |value: ValId| match self.values.get(value) {
            Val::Result(op) => Some(*op),
            Val::Element(inner) => match self.values.get(*inner) {
                Val::Result(op) => Some(*op),
                _ => None,
            },
            // The first of several rows.
            Val::Field(inner, at) if at.parse::<usize>().is_ok() => match self.values.get(*inner) {
                Val::Result(op) => Some(*op),
                _ => None,
            },
            _ => None,
        };
        if let Some(op) = source(base) {
            return self.related.get(&(op, name.to_owned())).copied();
        }
        match self.values.get(base) {
            Val::Field(inner, counted) => self.related.get(&(source(*inner)?, format!("{counted}.{name}"))).copied(),
            _ => None,
        }
    }

    fn object_field(&mut self, base: ValId, name: &str) -> ValId {
        let Val::Object(entries) = self.values.get(base) else { return self.values.add_field(base, name) };
        for entry in entries.iter().rev() {
            match entry {
                ObjectEntry::Field(key, value) if key == name => return *value,
                ObjectEntry::Removed(key) if key == name => return self.values.unset(),
                ObjectEntry::Field(..) | ObjectEntry::Removed(_) => {}
                ObjectEntry::Spread(inner) => {
                    // Nothing behind the spread names it, so it is the spread's, if that is all there is.
                    let alone = entries.len() == 1
                        || !entries.iter().any(|e| matches!(e, ObjectEntry::Field(k, _) if k == name))
                            && entries.iter().filter(|e| matches!(e, ObjectEntry::Spread(_))).count() == 1;
                    let inner = *inner;
                    return if alone { self.field(inner, name) } else { self.values.add_field(base, name) };
                }
                ObjectEntry::Computed(_) => return self.values.add_field(base, name),
            }
        }
        self.values.unset()
    }

    /// A computed member of a value.
    pub fn index(&mut self, base: ValId, key: ValId) -> ValId {
        match self.values.literal(key) {
            Some(Literal::Text(name) | Literal::Number(name)) => {
                let name = name.clone();
                self.field(base, &name)
            }
            _ => self.values.add(Val::Index(base, key)),
        }
    }

    /// An object, with the entries of known spreads taken in.
    pub fn object(&mut self, entries: Vec<ObjectEntry>) -> ValId {
        let mut flat = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                ObjectEntry::Spread(inner) => match self.values.get(inner) {
                    Val::Object(inner) => flat.extend(inner.iter().cloned()),
                    Val::Const(_) => {}
                    _ => flat.push(entry),
                },
                _ => flat.push(entry),
            }
        }
        self.values.add(Val::Object(flat))
    }

    /// Text, with known holes filled.
    pub fn text(&mut self, parts: Vec<TextPart>) -> ValId {
        let mut flat: Vec<TextPart> = Vec::with_capacity(parts.len());
        let push = |flat: &mut Vec<TextPart>, text: &str| match flat.last_mut() {
            Some(TextPart::Text(last)) => last.push_str(text),
            _ => flat.push(TextPart::Text(text.to_owned())),
        };
        for part in parts {
            match part {
                TextPart::Text(text) => push(&mut flat, &text),
                TextPart::Hole(hole) => flat.push(TextPart::Hole(hole)),
            }
        }
        match flat.as_slice() {
            [] => self.values.add(Val::Const(Literal::Text(String::new()))),
            // The text of a value stands for the value.
            [TextPart::Hole(only)] => *only,
            [TextPart::Text(text)] => {
                let text = text.clone();
                self.values.add(Val::Const(Literal::Text(text)))
            }
            _ => self.values.add(Val::Text(flat)),
        }
    }

    /// An operator applied to one value.
    pub fn unary(&mut self, op: UnaryOp, inner: ValId) -> ValId {
        if op == UnaryOp::Not {
            if let Some(truth) = self.values.truth(inner) {
                return self.values.bool(!truth);
            }
            if let Val::Unary(UnaryOp::Not, twice) = self.values.get(inner)
                && matches!(self.values.get(*twice), Val::Unary(UnaryOp::Not, _))
            {
                return *twice;
            }
        }
        self.values.add(Val::Unary(op, inner))
    }

    /// An operator applied to two values.
    pub fn binary(&mut self, op: BinaryOp, a: ValId, b: ValId) -> ValId {
        let found = [a, b].map(|value| self.is_surely_found(value));
        let values = &mut self.values;
        let (a, b) = weighed(values, op, a, b).unwrap_or((a, b));
        match op {
            BinaryOp::Eq | BinaryOp::Ne => {
                if let (Some(x), Some(y)) = (values.literal(a), values.literal(b)) {
                    let equal = x == y || x.is_absent() && y.is_absent();
                    return values.bool(equal == (op == BinaryOp::Eq));
                }
                let absent = |id: ValId| values.literal(id).is_some_and(Literal::is_absent);
                let there = |id: ValId| values.literal(id).is_none() && values.truth(id) == Some(true);
                if absent(a) && (there(b) || found[1]) || absent(b) && (there(a) || found[0]) {
                    return values.bool(op == BinaryOp::Ne);
                }
            }
            BinaryOp::And => match values.truth(a) {
                Some(true) => return b,
                Some(false) => return a,
                None => {}
            },
            BinaryOp::Coalesce | BinaryOp::Or if is_absent(values, b) && values.literal(a).is_none() => return a,
            BinaryOp::Or => match values.truth(a) {
                Some(true) => return a,
                Some(false) => return b,
                None => {}
            },
            BinaryOp::Coalesce => match values.get(a) {
                Val::Const(literal) if literal.is_absent() => return b,
                Val::Const(_) => return a,
                _ if values.truth(a) == Some(true) => return a,
                _ => {}
            },
            BinaryOp::Add => {
                if let (Some(Literal::Text(x)), Some(Literal::Text(y))) = (values.literal(a), values.literal(b)) {
                    let joined = format!("{x}{y}");
                    return values.add(Val::Const(Literal::Text(joined)));
                }
            }
            _ => {}
        }
        values.add(Val::Binary(op, a, b))
    }

    /// Some element of a collection.
    pub fn element(&mut self, source: ValId) -> ValId {
        let mut list = source;
        for _ in 0..LISTS {
            list = match self.values.get(list) {
                // One of those that a list was turned into.
                Val::Over(Over::Map, _, one) => return *one,
                Val::Array(items) => match items[..] {
                    [ArrayItem::Value(only)] => return only,
                    [ArrayItem::Spread(only)] => only,
                    _ => break,
                },
                // Of several lists only one has elements.
                Val::Phi(phi) => match self.filled_by(*phi)[..] {
                    [only] => only,
                    _ => break,
                },
                _ => break,
            };
        }
        self.values.add(Val::Element(list))
    }

    /// The lists that a join may be which have elements: of one that a loop fills what the loop adds to it.
    fn filled_by(&mut self, phi: PhiId) -> Vec<ValId> {
        let it = self.values.phi(phi).clone();
        // What the way back brings to the head of a loop is not known before the loop is done.
        if self.blocks[it.block.index()].is_loop && it.operands.len() < 2 {
            return vec![self.values.add(Val::Phi(phi))];
        }
        let itself = self.values.add(Val::Phi(phi));
        let mut lists: Vec<ValId> = Vec::new();
        for (_, list) in it.operands {
            let list = match self.values.get(list) {
                Val::Array(items) if items.is_empty() => continue,
                Val::Array(items) if items.contains(&ArrayItem::Spread(itself)) => {
                    let added = items.iter().copied().filter(|item| *item != ArrayItem::Spread(itself)).collect();
                    self.values.add(Val::Array(added))
                }
                _ => list,
            };
            lists.push(list);
        }
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    /// A list that a loop fills, as it is where the loop has run.
    pub fn filled_in_loop(&mut self, phi: PhiId) -> Option<ValId> {
        let it = self.values.phi(phi);
        let is_empty = |list: ValId| matches!(self.values.get(list), Val::Array(items) if items.is_empty());
        if !self.blocks[it.block.index()].is_loop || !it.operands.iter().any(|(_, list)| is_empty(*list)) {
            return None;
        }
        match self.filled_by(phi)[..] {
            [only] if matches!(self.values.get(only), Val::Array(_)) => Some(only),
            _ => None,
        }
    }

    /// Whether a value is a row of a look-up that raises an error where there is none.
    fn is_surely_found(&self, value: ValId) -> bool {
        let Val::Result(op) = self.values.get(value) else { return false };
        let it = self.op(*op);
        it.verb == Verb::Read && it.rows == Rows::One && it.missing == Missing::Throws && it.place().is_none()
    }

    /// What a collection method makes of a collection.
    pub fn over(&mut self, how: Over, source: ValId, body: ValId) -> ValId {
        // A map over a literal list of the list's own elements is the list.
        if how == Over::Map && self.values.get(body) == &Val::Element(source) {
            return source;
        }
        // A test of what rows were turned into is one of the rows.
        if let (Over::Some | Over::Every, Val::Over(Over::Map, rows, _)) = (how, self.values.get(source)) {
            let rows = *rows;
            return self.over(how, rows, body);
        }
        self.values.add(Val::Over(how, source, body))
    }

    /// An object without some members.
    pub fn rest(&mut self, base: ValId, names: &[String]) -> ValId {
        if let Val::Object(entries) = self.values.get(base)
            && !entries.iter().any(|e| matches!(e, ObjectEntry::Spread(_) | ObjectEntry::Computed(_)))
        {
            let kept = entries
                .iter()
                .filter(|e| !matches!(e, ObjectEntry::Field(key, _) if names.contains(key)))
                .cloned()
                .collect();
            return self.values.add(Val::Object(kept));
        }
        if let Val::Object(entries) = self.values.get(base).clone()
            && !entries.iter().any(|e| matches!(e, ObjectEntry::Computed(_)))
        {
            let mut kept = Vec::with_capacity(entries.len());
            for entry in entries {
                match entry {
                    ObjectEntry::Field(key, _) if names.contains(&key) => {}
                    ObjectEntry::Spread(inner) => kept.push(ObjectEntry::Spread(self.rest(inner, names))),
                    entry => kept.push(entry),
                }
            }
            return self.object(kept);
        }
        self.values.add(Val::Rest(base, names.to_vec()))
    }

    /// The value with each of its parts replaced, simplified again. Joins are left as they are.
    pub fn map_parts(&mut self, value: ValId, change: &mut dyn FnMut(&mut Self, ValId) -> ValId) -> ValId {
        if matches!(
            self.values.get(value),
            Val::Object(_) | Val::Array(_) | Val::Call { .. } | Val::Derived(_) | Val::Query(_)
        ) {
            return self.map_members(value, change);
        }
        match self.values.get(value) {
            Val::Field(base, _) => {
                let base = *base;
                let new = change(self, base);
                match self.values.get(value) {
                    Val::Field(_, name) if new != base => {
                        let name = name.clone();
                        self.field(new, &name)
                    }
                    _ => value,
                }
            }
            Val::Index(base, key) => {
                let (base, key) = (*base, *key);
                let (base, key) = (change(self, base), change(self, key));
                self.index(base, key)
            }
            Val::Text(parts) => {
                let parts = parts.clone().into_iter().map(|part| match part {
                    TextPart::Hole(hole) => {
                        let new = change(self, hole);
                        match self.values.text(new) {
                            Some(text) => TextPart::Text(text.to_owned()),
                            None => TextPart::Hole(new),
                        }
                    }
                    text @ TextPart::Text(_) => text,
                });
                let parts = parts.collect();
                self.text(parts)
            }
            Val::Unary(op, inner) => {
                let (op, inner) = (*op, *inner);
                let inner = change(self, inner);
                self.unary(op, inner)
            }
            Val::Binary(op, a, b) => {
                let (op, a, b) = (*op, *a, *b);
                let (a, b) = (change(self, a), change(self, b));
                self.binary(op, a, b)
            }
            Val::Choice(test, yes, no) => {
                let (test, yes, no) = (*test, *yes, *no);
                let test = change(self, test);
                match self.values.truth(test) {
                    Some(true) => change(self, yes),
                    Some(false) => change(self, no),
                    None => {
                        let (yes, no) = (change(self, yes), change(self, no));
                        if yes == no { yes } else { self.values.add(Val::Choice(test, yes, no)) }
                    }
                }
            }
            Val::Element(source) => {
                let source = *source;
                let source = change(self, source);
                self.element(source)
            }
            Val::Over(how, source, body) => {
                let (how, source, body) = (*how, *source, *body);
                let (source, body) = (change(self, source), change(self, body));
                self.over(how, source, body)
            }
            Val::Rest(base, names) => {
                let (base, names) = (*base, names.clone());
                let base = change(self, base);
                self.rest(base, &names)
            }
            _ => value,
        }
    }

    /// As [`Self::map_parts`], for values of many parts: those of which no part changes are not made again.
    fn map_members(&mut self, value: ValId, change: &mut dyn FnMut(&mut Self, ValId) -> ValId) -> ValId {
        let old = self.values.parts(value);
        let new: Vec<ValId> = old.iter().map(|part| change(self, *part)).collect();
        if new == old {
            return value;
        }
        let mut new = new.into_iter();
        let mut next = |old: ValId| new.next().unwrap_or(old);
        match self.values.get(value).clone() {
            Val::Object(entries) => {
                let entries = entries.into_iter().map(|entry| match entry {
                    ObjectEntry::Field(key, v) => ObjectEntry::Field(key, next(v)),
                    ObjectEntry::Spread(v) => ObjectEntry::Spread(next(v)),
                    ObjectEntry::Computed(v) => ObjectEntry::Computed(next(v)),
                    removed @ ObjectEntry::Removed(_) => removed,
                });
                let entries = entries.collect();
                self.object(entries)
            }
            Val::Array(items) => {
                let items = items.into_iter().map(|item| match item {
                    ArrayItem::Value(v) => ArrayItem::Value(next(v)),
                    ArrayItem::Spread(v) => ArrayItem::Spread(next(v)),
                });
                let items = items.collect();
                self.values.add(Val::Array(items))
            }
            Val::Call { callee, args, is_new, site } => {
                let callee = next(callee);
                let args = args.into_iter().map(next).collect();
                self.values.add(Val::Call { callee, args, is_new, site })
            }
            Val::Derived(parts) => {
                let parts = parts.into_iter().map(next).collect();
                self.values.add(Val::Derived(parts))
            }
            Val::Query(mut query) => {
                for part in query.steps.iter_mut().flat_map(|step| step.receiver.iter_mut().chain(&mut step.args)) {
                    *part = next(*part);
                }
                self.values.add(Val::Query(query))
            }
            _ => value,
        }
    }
}

/// The two sides of an order that is asked of a difference: `a - b < 0` says `a < b`.
fn weighed(values: &Values, op: BinaryOp, a: ValId, b: ValId) -> Option<(ValId, ValId)> {
    if !matches!(op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge) {
        return None;
    }
    let is_zero = |value: ValId| matches!(values.literal(value), Some(Literal::Number(number)) if number == "0");
    let difference = |value: ValId| match values.get(value) {
        Val::Binary(BinaryOp::Sub, from, taken) => Some((*from, *taken)),
        _ => None,
    };
    match (is_zero(a), is_zero(b)) {
        (false, true) => difference(a),
        (true, false) => difference(b).map(|(from, taken)| (taken, from)),
        _ => None,
    }
}

/// Whether a value stands for nothing.
fn is_absent(values: &Values, value: ValId) -> bool {
    match values.get(value) {
        Val::Const(literal) => literal.is_absent(),
        _ => false,
    }
}
