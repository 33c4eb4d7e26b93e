//! Calls that let only some of several runs in.

use super::*;

impl Search<'_, '_, '_> {
    /// Whether the way leads through a gate that lets one run in for the same values: a limiter asked with what the check
    /// asks for, whose answer a branch looks at. How many it lets in is not known.
    #[must_use]
    pub fn is_gated(&mut self, window: &Window) -> bool {
        let (check, way) = (window.check, window.way.as_slice());
        let looked = self.conditions(check, way);
        let mut asked = Vec::new();
        looked.each(&mut |c| asked.push(c.value));
        // A row that was looked up before stands for what it was looked up by.
        let rows: FxHashSet<OpId> = asked.iter().filter_map(|value| self.row_behind(*value)).collect();
        for row in rows {
            self.conditions(row, way).each(&mut |c| asked.push(c.value));
        }
        let leaves: FxHashSet<ValId> = asked.iter().flat_map(|value| self.leaves_of(*value)).collect();
        let tests: Vec<ValId> = way
            .iter()
            .filter_map(|block| match &self.trace.block(*block).exit {
                Exit::Branch { test, .. } => Some(*test),
                _ => None,
            })
            .collect();
        for block in way {
            for event in self.trace.block(*block).events.clone() {
                match event {
                    Event::Op(op) if op == check => return false,
                    Event::Call(call) if is_gate(&call.name) => {
                        let about = call.args.iter().any(|arg| {
                            let arg = self.see(way, *arg);
                            self.leaves_of(arg).iter().any(|leaf| leaves.contains(leaf))
                        });
                        let answer = |value: ValId| self.comes_from_call(value, &call, 8);
                        if about && tests.iter().any(|test| answer(*test)) {
                            return true;
                        }
                    }
                    _ => {}
                }
            }
        }
        false
    }

    /// The look-up whose row a value is a column of.
    fn row_behind(&self, value: ValId) -> Option<OpId> {
        let Val::Field(row, _) = self.trace.values.get(value) else { return None };
        match self.trace.values.get(*row) {
            Val::Result(op) if self.trace.op(*op).verb == Verb::Read => Some(*op),
            _ => None,
        }
    }

    /// The values at the ends of what a value is made from, constants aside.
    fn leaves_of(&self, value: ValId) -> Vec<ValId> {
        let mut found = Vec::new();
        let mut todo = vec![value];
        // Values share parts, and what a loop makes leads back to itself.
        let mut seen = FxHashSet::default();
        while let Some(value) = todo.pop() {
            if !seen.insert(value) {
                continue;
            }
            let parts = match self.trace.values.get(value) {
                // A member of a parameter is what tells values apart, not the parameter.
                Val::Field(..) => Vec::new(),
                _ => self.trace.values.parts(value),
            };
            let names_nothing = matches!(
                self.trace.values.get(value),
                Val::Const(_) | Val::Global(_) | Val::External(..) | Val::This(_) | Val::Module(_)
            );
            if parts.is_empty() && !names_nothing {
                found.push(value);
            }
            if found.len() > 50 {
                break;
            }
            todo.extend(parts);
        }
        found
    }
}

/// Whether a call lets only some of several runs in, by its name, or tells each which one it is (`incr`, `incrWithExpire`).
fn is_gate(name: &str) -> bool {
    const GATES: [&str; 2] = ["limit", "consume"];
    let last = name.rsplit('.').next().unwrap_or_default();
    let counts = last.strip_prefix("incr").is_some_and(|rest| !rest.starts_with(char::is_lowercase));
    GATES.contains(&last) || counts
}
