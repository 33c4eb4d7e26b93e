//! What was checked, where it can be said in constants: what the check asks for, and what the branches up to the act tell.

use super::*;
use crate::model::Condition;

/// What is known of a column wherever the act is reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// The column.
    pub column: String,
    /// It is one of these, if there are any.
    pub among: Vec<Literal>,
    /// It is none of these.
    pub none_of: Vec<Literal>,
    /// Whether it counts as true, where that was asked.
    pub truth: Option<bool>,
}

impl Checked {
    fn of(column: &str) -> Self {
        Self { column: column.to_owned(), ..Self::default() }
    }

    /// What is known where either holds; `None` if they have nothing in common.
    fn either(self, other: &Self) -> Option<Self> {
        let both = !self.among.is_empty() && !other.among.is_empty();
        let mut among = if both { self.among } else { Vec::new() };
        among.extend(other.among.iter().filter(|_| both).cloned());
        dedup(&mut among);
        let none_of: Vec<Literal> = self.none_of.into_iter().filter(|value| other.none_of.contains(value)).collect();
        let truth = self.truth.filter(|truth| other.truth == Some(*truth));
        let says = !among.is_empty() || !none_of.is_empty() || truth.is_some();
        says.then_some(Self { column: self.column, among, none_of, truth })
    }
}

fn dedup(values: &mut Vec<Literal>) {
    let mut kept: Vec<Literal> = Vec::new();
    values.retain(|value| {
        let new = !kept.contains(value);
        if new {
            kept.push(value.clone());
        }
        new
    });
}

impl Search<'_, '_, '_> {
    /// What a window's check and the branches behind it say of the columns that decide.
    pub fn checked(&mut self, window: &Window, columns: &[String]) -> Vec<Checked> {
        let conditions = self.conditions(window.check, &window.way);
        let paths = self.paths(window.check);
        let nodes = paths.at_op(self.trace, window.act);
        let mut found = Vec::new();
        for column in columns {
            let mut asked = Checked::of(column);
            for condition in conditions.on(column) {
                let values = self.constants(condition.value);
                match condition.op {
                    Compare::Eq | Compare::In => asked.among.extend(values),
                    Compare::Ne | Compare::NotIn => asked.none_of.extend(values),
                    _ => {}
                }
            }
            let told = nodes.iter().map(|node| self.told(window.check, paths.facts(*node), asked.clone()));
            let told: Vec<Checked> = told.collect();
            let mut told = told.into_iter();
            let all = match told.next() {
                Some(first) => told.try_fold(first, |all, next| all.either(&next)),
                None => Some(asked),
            };
            let says = |it: &Checked| !it.among.is_empty() || !it.none_of.is_empty() || it.truth.is_some();
            found.extend(all.filter(says));
        }
        found
    }

    /// What facts add to what is known of a column.
    fn told(&self, check: OpId, facts: &[Fact], mut known: Checked) -> Checked {
        let is_column = |value: ValId| match self.trace.values.get(value) {
            Val::Field(base, name) => *name == known.column && self.is_check_row(check, *base),
            _ => false,
        };
        // With something that stands in for null, which none of the constants that it is found among may be.
        let stands_in = |value: ValId, among: &[Literal]| match self.trace.values.get(value) {
            Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, inner, other) => {
                is_column(*inner) && self.constant(*other).is_some_and(|other| !among.contains(&other))
            }
            _ => false,
        };
        let (mut among, mut none_of, mut truth) = (Vec::new(), Vec::new(), None);
        for (atom, holds) in facts {
            let side = if *holds { &mut among } else { &mut none_of };
            match atom {
                Atom::Eq(a, b) => {
                    for (value, other) in [(a, b), (b, a)] {
                        if is_column(*value) {
                            side.extend(self.constant(*other));
                        }
                    }
                }
                Atom::Among(value, list) if is_column(*value) => side.extend(self.constants(*list)),
                Atom::Among(value, list) if *holds => {
                    let list = self.constants(*list);
                    side.extend(list.iter().filter(|_| stands_in(*value, &list)).cloned());
                }
                Atom::Present(value) if is_column(*value) => {
                    if *holds { &mut none_of } else { &mut among }.push(Literal::Null);
                }
                Atom::True(value) if is_column(*value) => truth = Some(*holds),
                _ => {}
            }
        }
        // The narrower is what holds: a test of what the check has asked for already.
        if !among.is_empty() {
            let both: Vec<Literal> = known.among.iter().filter(|value| among.contains(value)).cloned().collect();
            known.among = if both.is_empty() { among } else { both };
        }
        known.none_of.extend(none_of);
        known.truth = truth.or(known.truth);
        dedup(&mut known.among);
        dedup(&mut known.none_of);
        known
    }

    /// A constant, or the name of an enumeration's member.
    pub(super) fn constant(&self, value: ValId) -> Option<Literal> {
        match self.trace.values.get(value) {
            Val::Const(Literal::Unset) => Some(Literal::Null),
            Val::Const(literal) => Some(literal.clone()),
            Val::Field(..) => self.constant_name(value).filter(|name| !name.is_empty()).map(Literal::Text),
            _ => None,
        }
    }

    /// The constants of a list, or the one that there is; nothing where some are none.
    fn constants(&self, value: ValId) -> Vec<Literal> {
        match self.trace.values.get(value) {
            Val::Array(items) => {
                let all = items.iter().map(|item| match item {
                    ArrayItem::Value(item) => self.constant(*item),
                    ArrayItem::Spread(_) => None,
                });
                all.collect::<Option<Vec<Literal>>>().unwrap_or_default()
            }
            _ => self.constant(value).into_iter().collect(),
        }
    }

    /// Whether a check counts rows that have been counted before, with a branch on what came of it: then it is the earlier one
    /// that decides, and what it rules out this one does not find.
    pub fn counts_again(&mut self, window: &Window) -> bool {
        let check = window.check;
        if window.link != Link::Set || self.trace.op(check).verb != Verb::Count {
            return false;
        }
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let ops = events.filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None });
        let before: Vec<OpId> = ops.take_while(|op| *op != check).collect();
        let entity = self.trace.op(check).entity.clone();
        let of_entity = |search: &Self, op: OpId| search.trace.op(op).entity == entity;
        let asked = self.conditions(check, &window.way);
        let since = before.iter().rposition(|op| of_entity(self, *op) && self.trace.op(*op).verb.is_write());
        let since = since.map_or(0, |at| at + 1);
        before[since..].iter().copied().any(|op| {
            of_entity(self, op)
                && self.trace.op(op).verb == Verb::Count
                && self.conditions(op, &window.way) == asked
                && self.tests_on(op).iter().any(|(block, _)| {
                    window.way.contains(block) && self.flow.passes(*block, self.trace.op(check).block)
                })
        })
    }

    /// Those of the columns which the check asks for by equality that it compares with a constant.
    pub fn looked_constants(&mut self, window: &Window) -> Vec<(String, Literal)> {
        let conditions = self.conditions(window.check, &window.way);
        let of_row = conditions.all.iter().filter(|c| c.is_equality());
        let mut found: Vec<(String, Literal)> =
            of_row.filter_map(|c| Some((c.column.clone(), self.constant(c.value)?))).collect();
        found.dedup();
        found
    }

    /// Whether an act puts its row among those that the check asks for: it writes what was asked for.
    pub fn joins_looked(&mut self, window: &Window) -> bool {
        let asked = self.conditions(window.check, &window.way);
        let writes = self.writes(window.act, false, &window.way);
        asked.all.iter().filter(|c| c.is_equality()).any(|c| match writes.get(&c.column) {
            Some(Written::Value(value)) => {
                let (written, wanted) = (self.constant(*value), self.constant(c.value));
                *value == c.value || written.is_some() && written == wanted
            }
            _ => false,
        })
    }

    /// Whether the check asks for equality of columns, and for nothing else.
    pub fn asks_for_columns_only(&mut self, window: &Window) -> bool {
        let conditions = self.conditions(window.check, &window.way);
        !conditions.opaque
            && conditions.any.is_empty()
            && conditions.none.is_empty()
            && conditions.all.iter().all(Condition::is_equality)
    }

    /// Calls that change the world outside, on the way from the check to the act, by name.
    pub fn effects_between(&self, window: &Window) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut open = false;
        for event in window.way.iter().flat_map(|block| &self.trace.block(*block).events) {
            match event {
                Event::Op(op) if *op == window.check => open = true,
                Event::Op(op) if *op == window.act => break,
                Event::Call(call) if open && self.is_effect_call(call) && !names.contains(&call.name) => {
                    names.push(call.name.clone());
                }
                _ => {}
            }
        }
        names
    }
}
