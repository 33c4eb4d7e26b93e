//! What a function does where the row it looked for is there.

use super::*;
use crate::analysis::{facts, script};
use crate::library::ErrorKind;
use crate::model::makes_one;

impl Search<'_, '_, '_> {
    /// Whether a function that is run tells errors of a kind from others.
    #[must_use]
    pub fn is_told_apart(&self, func: FuncRef, kind: ErrorKind) -> bool {
        let of_func = |frame: FrameId| self.trace.frames[frame.index()].func == func;
        self.trace.blocks.iter().filter(|block| of_func(block.frame)).any(|block| match &block.exit {
            Exit::Branch { test, .. } => script::recognises(self.trace, *test, kind).is_some(),
            _ => false,
        })
    }

    /// Whether nothing is known of what a check asks for, so that nobody can say which rows it is about.
    pub fn asks_for_unknown(&mut self, window: &Window) -> bool {
        let asked = self.conditions(window.check, &window.way);
        asked.opaque && asked.all.is_empty() && asked.any.is_empty() && asked.none.is_empty()
    }

    /// Whether a check asks for something that a call of this run, waited for, has just made in the world outside: another run
    /// has made one of its own there.
    pub fn asks_for_made_outside(&mut self, window: &Window) -> bool {
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let before = events.take_while(|event| !matches!(event, Event::Op(op) if *op == window.check));
        let makes = |name: &str| name.rsplit_once('.').is_some_and(|(_, method)| makes_one(method));
        let made: FxHashSet<Vec<ValId>> = before
            .filter_map(|event| match event {
                Event::Call(call) if call.awaited && makes(&call.name) => Some(call.args.clone()),
                _ => None,
            })
            .filter(|args| !args.is_empty() && !args.iter().all(|arg| self.is_constant(*arg, 4)))
            .collect();
        if made.is_empty() {
            return false;
        }
        // On ways on which nothing comes back it asks for nothing.
        let asked = self.trace.conditions(self.schemas, window.check, &mut |_, value| value);
        let equal = asked.all.iter().filter(|c| c.op == Compare::Eq && c.through.is_empty());
        equal.into_iter().any(|c| self.is_answer_of(c.value, &made))
    }

    /// Whether a value is taken from the answer of one of some calls, by way of what else is made of it. Whom a call is made
    /// on does not count: what a client answers is not made with it.
    fn is_answer_of(&self, value: ValId, calls: &FxHashSet<Vec<ValId>>) -> bool {
        let mut seen = FxHashSet::default();
        let mut todo = vec![value];
        while let Some(value) = todo.pop() {
            if seen.len() > 100 || !seen.insert(value) {
                continue;
            }
            match self.trace.values.get(value) {
                Val::Call { args, .. } if calls.contains(args) => return true,
                Val::Call { args, .. } => todo.extend(args),
                Val::Result(_) => {}
                Val::Phi(phi) => todo.extend(self.trace.values.phi(*phi).operands.iter().map(|(_, value)| *value)),
                _ => todo.extend(self.trace.values.parts(value)),
            }
        }
        false
    }

    /// Whether an operation is an insert that leaves out the rows which are there already.
    pub fn skips_conflicts(&mut self, op: OpId, way: &[BlockId]) -> bool {
        let OpSource::Call(row, _) = &self.trace.op(op).source else { return false };
        let Some(selector) = row.skip_conflicts.clone() else { return false };
        let picked = self.trace.pick(op, &selector);
        let value = picked.map(|value| self.see(way, value));
        value.is_some_and(|value| self.trace.values.truth(value) == Some(true))
    }

    /// Whether a look-up asks for a row of the last so many minutes, and is content with one: then a second row is none that
    /// anybody minds, as there is one for every such while anyway.
    pub fn is_cache(&mut self, window: &Window) -> bool {
        if window.link != Link::Absence || self.trace.op(window.check).verb != Verb::Read {
            return false;
        }
        let asked = self.conditions(window.check, &window.way);
        let Some(entity) = entity_of(self.schemas, self.trace.op(window.check)) else { return false };
        let of_time = |c: &crate::model::Condition| {
            matches!(c.op, Compare::Gt | Compare::Ge)
                && entity.column(&c.column).is_some_and(|column| column.default == ColumnDefault::Now)
        };
        asked.all.iter().any(of_time) && !self.declines_when_present(window)
    }

    /// Whether a run that finds the row ends as one does whose write the database refuses: with an error that says nothing but
    /// its text, and nothing done. Then two requests at once are answered as they are one after the other, but for the words.
    pub fn refuses_like_the_database(&mut self, window: &Window) -> bool {
        if window.link != Link::Absence || !self.leaves_nothing(window) {
            return false;
        }
        let check = window.check;
        let paths = self.paths(check);
        let handler = self.trace.block(self.trace.op(window.act).block).handler;
        let is_there = |search: &Self, node: usize| {
            let mut facts = paths.facts(node).iter();
            facts.any(|(atom, holds)| *holds && matches!(search.subject(check, atom), Some(Subject::Existence)))
        };
        let mut todo: Vec<usize> = paths.classes().filter(|node| is_there(self, *node)).collect();
        let mut seen: FxHashSet<usize> = todo.iter().copied().collect();
        let mut refuses = false;
        while let Some(node) = todo.pop() {
            let block = self.trace.block(paths.block(node));
            if block.events.iter().any(|event| matches!(event, Event::Op(_))) {
                return false;
            }
            let is_plain = |value: ValId| self.is_plain_error(value);
            match &block.exit {
                Exit::Throw(value, _) if is_plain(*value) => refuses = true,
                Exit::Raise(outer, value) if is_plain(*value) && handler == Some(*outer) => refuses = true,
                Exit::Goto(_) | Exit::Branch { .. } => {
                    let next = paths.next(node).iter().filter(|next| !paths.is_by_error(**next));
                    todo.extend(next.filter(|next| seen.insert(**next)));
                }
                _ => return false,
            }
        }
        refuses
    }

    /// Whether what a check finds only chooses what the new row is given, as when a name is tried with one number after the
    /// other until it is free: nobody leaves the row out for it.
    pub fn only_chooses(&mut self, window: &Window) -> bool {
        if window.link != Link::Absence {
            return false;
        }
        let check = window.check;
        let [looks, acts] = [check, window.act].map(|op| self.trace.op(op).block);
        let mut found = Vec::new();
        for (block, test) in self.tests_on(check) {
            let Exit::Branch { yes, no, .. } = self.trace.block(block).exit else { continue };
            for (side, truth) in [(yes, true), (no, false)] {
                let classes = facts::assert(self.trace, test, truth);
                let there = classes
                    .iter()
                    .flatten()
                    .any(|(atom, holds)| *holds && matches!(self.subject(check, atom), Some(Subject::Existence)));
                if there {
                    found.push((block, side));
                }
            }
        }
        let stays = |(test, side): &(BlockId, BlockId)| {
            let mut seen: FxHashSet<BlockId> = [looks, acts, *test].into_iter().collect();
            let mut todo = vec![*side];
            while let Some(block) = todo.pop() {
                if !seen.insert(block) {
                    continue;
                }
                match &self.trace.block(block).exit {
                    Exit::Goto(next) => todo.push(*next),
                    Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
                    _ => return false,
                }
            }
            true
        };
        !found.is_empty() && found.iter().all(stays)
    }

    /// Whether all that a check asks for is the same for every run of the program, or it asks whether there is any row at all:
    /// what is made where it finds nothing is made once.
    pub fn makes_the_one_row(&mut self, window: &Window) -> bool {
        if window.link != Link::Absence || self.trace.op(window.act).verb == Verb::Update {
            return false;
        }
        let asked = self.conditions(window.check, &window.way);
        let same = |value: ValId| self.is_constant(value, 4) || self.is_of_surroundings(value);
        let plain = !asked.opaque && asked.any.is_empty() && asked.none.is_empty();
        // Who reads all rows may look for the one among them.
        let told = !asked.all.is_empty() || self.trace.op(window.check).rows != Rows::Many;
        plain && told && asked.all.iter().all(|c| c.is_equality() && c.through.is_empty() && same(c.value))
    }

    /// Whether a value is one of those that the program is started with: `process.env.ROOT_EMAIL`.
    fn is_of_surroundings(&self, value: ValId) -> bool {
        let Val::Field(holder, _) = self.trace.values.get(value) else { return false };
        match self.trace.values.get(*holder) {
            Val::Field(root, env) => {
                env == "env" && matches!(self.trace.values.get(*root), Val::Global(name) if name == "process")
            }
            _ => false,
        }
    }

    /// Whether a value is an error of the language's own class, which handlers cannot tell from others.
    fn is_plain_error(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Call { callee, is_new: true, .. } => {
                matches!(self.trace.values.get(*callee), Val::Global(name) if name == "Error")
            }
            _ => false,
        }
    }

    /// Whether a run whose act fails has left nothing behind it: no write outside of the act's transaction, and nothing in the
    /// world outside.
    fn leaves_nothing(&self, window: &Window) -> bool {
        let region = self.trace.op(window.act).region;
        let events = window.way.iter().flat_map(|block| &self.trace.block(*block).events);
        let mut before = events.take_while(|event| !matches!(event, Event::Op(op) if *op == window.act));
        before.all(|event| match event {
            Event::Op(op) => {
                let it = self.trace.op(*op);
                !it.verb.is_write() || region.is_some() && it.region == region
            }
            Event::Call(call) => !self.is_effect_call(call),
            Event::Open(_) | Event::Close(_) | Event::Abort(_) => true,
        })
    }

    /// Whether the function ends with an error, or an answer that tells nothing of the row, wherever the row that a window's
    /// check asked for is there. Then "it is there already" is an answer of its own, whoever gives it. A function that
    /// takes the row, or goes on as if it had made it, promises more.
    pub fn declines_when_present(&mut self, window: &Window) -> bool {
        let check = window.check;
        let paths = self.paths(check);
        let tells = |search: &Self, node: usize, truth: bool| {
            paths
                .facts(node)
                .iter()
                .any(|(atom, holds)| *holds == truth && matches!(search.subject(check, atom), Some(Subject::Existence)))
        };
        let present: Vec<usize> = paths
            .classes()
            .filter(|node| tells(self, *node, true))
            .filter(|node| paths.parent(*node).is_none_or(|parent| !tells(self, parent, true)))
            .collect();
        let joined = |search: &Self, block: BlockId| paths.at(block).iter().any(|node| tells(search, *node, false));
        let acting = self.trace.op(window.act).block;
        let mut gone_on = Vec::new();
        let mut todo: Vec<(usize, bool)> = present.iter().map(|node| (*node, false)).collect();
        let mut seen = FxHashSet::default();
        while let Some((node, answered)) = todo.pop() {
            if !seen.insert((node, answered)) {
                continue;
            }
            let block = paths.block(node);
            if block == acting {
                // It acts all the same, in another form.
                return false;
            }
            if joined(self, block) {
                if !answered {
                    return false;
                }
                gone_on.push(node);
                continue;
            }
            let mut answered = answered;
            for event in &self.trace.block(block).events {
                match event {
                    Event::Op(_) => return false,
                    Event::Call(call) if call.args.iter().any(|arg| self.made_of(check, *arg, 14)) => return false,
                    Event::Call(_) => answered = true,
                    Event::Open(_) | Event::Close(_) | Event::Abort(_) => {}
                }
            }
            match &self.trace.block(block).exit {
                Exit::Throw(..) | Exit::Raise(..) => {}
                Exit::Return(value, _) => {
                    let says = !self.trace.values.literal(*value).is_some_and(Literal::is_absent);
                    if self.made_of(check, *value, 14) || !answered && !says {
                        return false;
                    }
                }
                Exit::Goto(_) | Exit::Branch { .. } | Exit::Unreachable => {
                    // An error on the way is another matter.
                    let next = paths.next(node).iter().filter(|next| !paths.is_by_error(**next));
                    todo.extend(next.map(|next| (*next, answered)));
                }
            }
        }
        let mut met = FxHashSet::default();
        while let Some(node) = gone_on.pop() {
            if paths.block(node) == acting {
                return false;
            }
            if met.insert(node) {
                gone_on.extend(paths.next(node));
            }
        }
        !present.is_empty()
    }
}
