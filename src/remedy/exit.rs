//! What the code does where the act is not to happen, and what becomes of the act's result.

use rustc_hash::FxHashSet;

use super::guard::Fact;
use super::path::{Path, Turn};
use super::scene::{Scene, Site, Val};
use crate::ir::{Block, Call, Exit, Expr, ExprKind, FuncId, Item, SlotId, Step};
use crate::library::Verb;
use crate::link::UnitId;

/// What happens to a call's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// It is returned.
    Return,
    /// It lands in a variable.
    Name(String, SlotId),
    /// Nothing, or nothing simple.
    Nothing,
}

impl Take {
    /// The start of a statement that does so.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Return => "return ".to_owned(),
            Self::Name(name, _) => format!("const {name} = "),
            Self::Nothing => String::new(),
        }
    }
}

/// What happens where the row that was looked for is there.
#[derive(Clone, Debug)]
pub(super) enum Found<'a> {
    /// The row is used as the created one would be.
    Used,
    /// It is updated instead.
    Updated(Site<'a>),
    /// The request is turned down, by this statement.
    Declined(Option<String>),
    /// Something else.
    Other,
    /// No branch tells whether it is there.
    Unclear,
}

/// Where a stretch of code ends that makes no decision.
enum End<'a> {
    Return(Option<&'a Expr>),
    Throw(&'a Expr),
    /// A call that only throws.
    Refused(&'a Call),
    /// Where the code after the act goes on.
    Join,
    Unclear,
}

struct Stretch<'a> {
    calls: Vec<Site<'a>>,
    /// Variables with names of their own that it assigns.
    named: Vec<SlotId>,
    bound: Path<'a>,
    end: End<'a>,
    /// The block that ends it.
    last: &'a Block,
}

impl<'a> Scene<'a> {
    /// What becomes of a call's result.
    pub(super) fn take(&self, site: Site<'a>) -> Take {
        let unit = self.program.unit(site.unit);
        let mut slots = vec![site.call.out];
        let blocks = || unit.functions[site.func.index()].blocks.iter();
        let mut at = 0;
        while let Some(slot) = slots.get(at).copied() {
            at += 1;
            for block in blocks() {
                for step in &block.steps {
                    let Step::Set { slot: to, value, .. } = step else { continue };
                    if !matches!(value.kind, ExprKind::Slot(from) if from == slot) || slots.contains(to) {
                        continue;
                    }
                    let name = &unit.slots[to.index()].name;
                    if !name.is_empty() {
                        return Take::Name(name.clone(), *to);
                    }
                    slots.push(*to);
                }
                if let Exit::Return(Some(Expr { kind: ExprKind::Slot(from), .. })) = &block.exit
                    && *from == slot
                {
                    return Take::Return;
                }
            }
        }
        Take::Nothing
    }

    /// The statement that ran where the check failed: that of the last branch that tells what is wanted.
    pub(super) fn exit(&self, paths: &[Path<'a>], wanted: &dyn Fn(&Fact<'a>) -> bool) -> Option<String> {
        let path = paths.first()?;
        let turn = path.turns.iter().rev().find(|turn| self.facts(path, turn).iter().any(wanted))?;
        self.statement(path, turn)
    }

    /// The statement that ran where the last branch of this kind went the other way.
    pub(super) fn exit_at(&self, paths: &[Path<'a>], wanted: &dyn Fn(&Path<'a>, &Turn<'a>) -> bool) -> Option<String> {
        let path = paths.first()?;
        let turn = path.turns.iter().rev().find(|turn| wanted(path, turn))?;
        self.statement(path, turn)
    }

    fn statement(&self, path: &Path<'a>, turn: &Turn<'a>) -> Option<String> {
        let stretch = self.stretch(path, turn.unit, turn.func, turn.other);
        self.ending(&stretch, turn.unit, turn.func)
    }

    /// The statement that ends a stretch, if it is all there is.
    fn ending(&self, stretch: &Stretch<'a>, unit: UnitId, func: FuncId) -> Option<String> {
        let span = match stretch.end {
            End::Refused(call) => call.span,
            _ => stretch.last.exit_span,
        };
        if !stretch.named.is_empty() || !stretch.calls.iter().all(|site| span.contains(site.call.span)) {
            return None;
        }
        let here = unit == self.act.unit && func == self.act.func;
        match &stretch.end {
            End::Throw(value) => Some(format!("throw {};", self.text_of(unit, span, &[value], 0)?)),
            End::Refused(call) => Some(format!("{};", self.call_text(unit, call)?)),
            End::Return(None) if here => Some("return;".to_owned()),
            End::Return(Some(value)) if here => {
                let text = self.text_of(unit, span, &[value], 0)?;
                Some(format!("return {text};"))
            }
            _ => None,
        }
    }

    /// Follows code from a block on, up to its end or the next decision.
    fn stretch(&self, path: &Path<'a>, unit: UnitId, func: FuncId, from: usize) -> Stretch<'a> {
        let it = &self.program.unit(unit).functions[func.index()];
        let join = if unit == self.act.unit && func == self.act.func { self.after_act() } else { FxHashSet::default() };
        let mut stretch = Stretch {
            calls: Vec::new(),
            named: Vec::new(),
            bound: path.clone(),
            end: End::Unclear,
            last: &it.blocks[from],
        };
        let mut at = from;
        for _ in 0..16 {
            let block = &it.blocks[at];
            stretch.last = block;
            if join.contains(&at) {
                // The end of a function that is reached either way is an exit as any other.
                if let (Exit::Return(None), true) = (&block.exit, block.steps.is_empty()) {
                    stretch.end = End::Return(None);
                } else {
                    stretch.end = End::Join;
                }
                return stretch;
            }
            for (step, it) in block.steps.iter().enumerate() {
                match it {
                    Step::Call(call) if self.never_returns(unit, call) => {
                        stretch.end = End::Refused(call);
                        return stretch;
                    }
                    Step::Call(call) => stretch.calls.push(Site { unit, func, block: at, step, call }),
                    Step::Set { slot, value, .. } => {
                        if !self.program.unit(unit).slots[slot.index()].name.is_empty() {
                            stretch.named.push(*slot);
                        }
                        stretch.bound.bound.insert((unit, *slot), Val { unit, expr: value });
                    }
                    Step::Store { root, .. } => stretch.named.push(*root),
                    Step::Drop { slot, .. } => stretch.named.push(*slot),
                }
            }
            match &block.exit {
                Exit::Goto(next) => at = next.index(),
                Exit::Return(value) => {
                    stretch.end = End::Return(value.as_ref());
                    return stretch;
                }
                Exit::Throw(value) => {
                    stretch.end = End::Throw(value);
                    return stretch;
                }
                Exit::Branch { .. } | Exit::Unreachable => return stretch,
            }
        }
        stretch
    }

    /// What happens where the row is there that the act would create.
    pub(super) fn found(&self, paths: &[Path<'a>], take: &Take) -> Found<'a> {
        let Some(path) = paths.first() else { return Found::Unclear };
        let turn_with = |wanted: &dyn Fn(&Fact<'a>) -> bool| {
            path.turns.iter().rev().find(|turn| self.facts(path, turn).iter().any(wanted))
        };
        let turn = turn_with(&|fact| matches!(fact, Fact::Row(false)));
        let turn = turn.or_else(|| turn_with(&|fact| matches!(fact, Fact::Unless)));
        let (unit, func, from) = match (turn, path.failed) {
            (Some(turn), _) => (turn.unit, turn.func, turn.other),
            (None, Some(next)) => next,
            (None, None) => return Found::Unclear,
        };
        let stretch = self.stretch(path, unit, func, from);
        if let Some(update) = self.update_instead(&stretch) {
            return Found::Updated(update);
        }
        let foreign = stretch.named.iter().any(|slot| !matches!(take, Take::Name(_, own) if own == slot));
        match stretch.end {
            End::Return(Some(value))
                if self.is_row(&stretch.bound, Val { unit, expr: value }) && stretch.calls.is_empty() =>
            {
                Found::Used
            }
            End::Return(Some(value)) if self.mentions_row(&stretch.bound, Val { unit, expr: value }) => Found::Other,
            End::Return(_) | End::Throw(_) | End::Refused(_) => match self.ending(&stretch, unit, func) {
                Some(text) => Found::Declined(Some(text)),
                None if matches!(stretch.end, End::Throw(_) | End::Refused(_))
                    && stretch.calls.iter().all(|c| self.row(c.call).is_none()) =>
                {
                    Found::Declined(None)
                }
                None => Found::Other,
            },
            End::Join if stretch.calls.is_empty() && !foreign && self.joins_as_row(&stretch.bound, take) => Found::Used,
            _ => Found::Other,
        }
    }

    /// Whether what takes the act's result takes the row on this way.
    fn joins_as_row(&self, path: &Path<'a>, take: &Take) -> bool {
        match take {
            Take::Nothing => true,
            Take::Name(_, slot) => self.follows(path, *slot),
            Take::Return => {
                let blocks = &self.program.unit(self.act.unit).functions[self.act.func.index()].blocks;
                blocks.iter().any(|block| match &block.exit {
                    Exit::Return(Some(value)) => self.is_row(path, Val { unit: self.act.unit, expr: value }),
                    _ => false,
                })
            }
        }
    }

    /// Whether a variable, or what it is made of where the ways meet, holds the row.
    fn follows(&self, path: &Path<'a>, slot: SlotId) -> bool {
        let unit = self.act.unit;
        if path.bound.get(&(unit, slot)).is_some_and(|value| self.is_row(path, *value)) {
            return true;
        }
        let blocks = &self.program.unit(unit).functions[self.act.func.index()].blocks;
        blocks.iter().flat_map(|block| &block.steps).any(|step| match step {
            Step::Set { slot: to, value, .. } if *to == slot => self.is_row(path, Val { unit, expr: value }),
            _ => false,
        })
    }

    /// The update that runs instead of the create, on the row that was looked for.
    fn update_instead(&self, stretch: &Stretch<'a>) -> Option<Site<'a>> {
        let mut updates = stretch.calls.iter().filter(|site| self.row(site.call).is_some());
        let update = *updates.next()?;
        if updates.next().is_some() || self.row(update.call)?.verb != Some(Verb::Update) {
            return None;
        }
        let accessor = |site| self.client(site).map(|(_, accessor)| accessor);
        (accessor(update)? == accessor(self.act)?).then_some(update)
    }

    /// The one argument of a call.
    pub(super) fn only_argument(&self, site: Site<'a>) -> Option<Val<'a>> {
        match site.call.args.as_slice() {
            [Item::Value(expr)] => Some(Val { unit: site.unit, expr }),
            _ => None,
        }
    }
}
