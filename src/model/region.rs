//! Transactions and locks that a call opens: around a function that it is given, around a list of operations, or for as
//! long as a value is there.

use super::call::Target;
use super::elaborate::{At, Elaborator};
use super::trace::{Event, OpId, Region, RegionId, RegionKind, Site};
use super::types::Typed;
use super::value::{ArrayItem, Val, ValId};
use crate::finding::Confidence;
use crate::ir::CallForm;
use crate::library::{Library, RegionForm, RegionRow, TypeRow};

impl<'m> Elaborator<'m, '_> {
    /// Runs a transaction or a lock.
    pub fn run_region(
        &mut self,
        at: &mut At,
        by: (&'m RegionRow, &'m Library),
        opened_on: ValId,
        args: &[ValId],
        site: Site,
    ) -> Option<ValId> {
        let (row, library) = by;
        let handle = self.handle_behind(opened_on);
        let kind = self.region_kind(row, handle, opened_on, args);
        let unknown_level = matches!(&kind, RegionKind::Transaction { isolation: None, .. })
            && self.asks_for_unknown_level(row, handle, args);
        let body = row.body.as_ref().and_then(|selector| self.select(selector, Some(handle), args));
        let region = RegionId(u32::try_from(self.trace.regions.len()).unwrap_or(u32::MAX));
        let parent = match (row.form, self.trace.values.get(handle)) {
            (RegionForm::Guard, Val::Handle(outer)) => Some(*outer),
            (RegionForm::Guard, _) => None,
            _ => self.regions.last().copied(),
        };
        self.trace.regions.push(Region {
            kind,
            site,
            ignored_level: None,
            unknown_level,
            on: Some(handle),
            parent,
            handler: at.handler,
            block: at.block,
        });
        self.give_type(region, row, library);
        if row.shared {
            self.shared.push((handle, region));
        }
        match row.form {
            RegionForm::Callback => {
                let body = body?;
                let Val::Closure(func, frame) = self.trace.values.get(body).clone() else {
                    return Some(self.unresolved(body, vec![handle], CallForm::Plain, Some((at.frame, site.span))));
                };
                if !self.may_run(func) {
                    return Some(self.trace.values.opaque());
                }
                self.open(at, region);
                let given = self.trace.values.add(Val::Handle(region));
                let count = self.model.program.func(func).params.len().max(1);
                let inner: Vec<ValId> = (0..count)
                    .map(|index| if Some(index) == row.handle { given } else { self.trace.values.unset() })
                    .collect();
                let value = self.run_function(at, Target::closure(func, frame), &inner, site);
                self.shared.retain(|(_, open)| *open != region);
                self.close(at, region, value.is_some());
                value
            }
            RegionForm::Batch => {
                let list = body?;
                for op in self.lazy_ops(list) {
                    self.trace.ops[op.index()].region = Some(region);
                }
                let is_alone = match self.trace.values.get(list) {
                    Val::Array(items) => matches!(items.as_slice(), [ArrayItem::Value(_)]),
                    _ => false,
                };
                let it = &mut self.trace.regions[region.index()];
                if let RegionKind::Transaction { isolation, .. } = &mut it.kind
                    && row.level_needs_two
                    && is_alone
                {
                    it.ignored_level = isolation.take();
                }
                self.emit(at, Event::Open(region));
                self.emit(at, Event::Close(region));
                Some(list)
            }
            RegionForm::Guard => Some(self.open_guard(at, region)),
        }
    }

    /// Notes which type of the library the handle of a region is of.
    fn give_type(&mut self, region: RegionId, row: &RegionRow, library: &'m Library) {
        let of = |ty: &&TypeRow| match &row.gives {
            Some(name) => ty.name == *name,
            None => ty.transaction,
        };
        if let Some(ty) = library.types.iter().find(of) {
            self.handle_types.insert(region, Typed { library, row: ty, confidence: Confidence::High });
        }
    }

    fn open(&mut self, at: &mut At, region: RegionId) {
        self.emit(at, Event::Open(region));
        self.regions.push(region);
        let next = self.new_block(at.frame);
        self.goto_fresh(at, next);
        at.block = next;
    }

    fn close(&mut self, at: &mut At, region: RegionId, reached: bool) {
        self.regions.retain(|open| *open != region);
        if reached {
            let next = self.new_block(at.frame);
            self.goto_fresh(at, next);
            at.block = next;
            self.emit(at, Event::Close(region));
        }
    }

    /// The operations whose results a list holds.
    fn lazy_ops(&self, list: ValId) -> Vec<OpId> {
        let mut found = Vec::new();
        let mut todo = vec![list];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 400 {
                break;
            }
            match self.trace.values.get(value) {
                Val::Result(op) => found.push(*op),
                Val::Array(_) | Val::Over(..) | Val::Phi(_) | Val::Choice(..) | Val::Derived(_) | Val::Element(_) => {
                    todo.extend(self.trace.values.parts(value));
                }
                _ => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
