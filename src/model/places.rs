//! Places other than databases: files by their paths, what locks hold, values that threads share.
//!
//! A place is an entity like any other, whose rows the calls of a library read and write. What it is called says which one it
//! is: two runs of a function mean the same place if both get at it by the same members of something they share.

use super::elaborate::{At, Elaborator};
use super::objects::{Compare, Condition, Conditions, Writes, Written};
use super::recognise::{Called, Recognised};
use super::trace::{Op, OpId, OpSource, Region, RegionId, RegionKind, Site, Trace, names_held_lock};
use super::value::{Literal, Val, ValId};
use crate::finding::Confidence;
use crate::library::{CallRow, Callee, Given, Library, Place, Rows, Verb};
use crate::schema::Schema;

/// The entity that all files are rows of.
const FILE: &str = "file";

/// The column that holds what is at a place.
pub const CONTENTS: &str = "contents";

/// The column by which the rows of a place are told apart.
#[must_use]
pub fn key_column(place: Place) -> &'static str {
    match place {
        Place::File => "path",
        Place::Shared | Place::Held | Place::Atomic => "key",
    }
}

/// How many members lead to a place at most.
const DEPTH: usize = 8;

impl<'m> Elaborator<'m, '_> {
    /// The operation of a call on a place; `None` if the place is not one that anybody else can get at.
    pub fn on_place(
        &mut self,
        at: &At,
        by: (&'m CallRow, &'m Library),
        receiver: Option<ValId>,
        name: &str,
        args: &[ValId],
    ) -> Option<Recognised<'m>> {
        let (row, library) = by;
        let verb = row.verb?;
        let mut region = None;
        let (entity, confidence) = match row.place? {
            Place::File => {
                let path = row.key.as_ref().and_then(|key| self.select(key, receiver, args))?;
                if self.is_private(path) {
                    return None;
                }
                (FILE.to_owned(), Confidence::High)
            }
            Place::Shared | Place::Atomic => (self.shared_name(receiver?, DEPTH)?, Confidence::High),
            Place::Held => {
                let guard = self.trace.guard_of(receiver?)?;
                region = self.trace.op(guard).region;
                (self.shared_name(receiver?, DEPTH)?, Confidence::High)
            }
        };
        if row.result == Given::Guard {
            let id = RegionId(u32::try_from(self.trace.regions.len()).unwrap_or(u32::MAX));
            let site = Site { unit: self.trace.home, span: crate::text::Span::default() };
            let kind = RegionKind::Guard(entity.clone());
            self.trace.regions.push(Region {
                kind,
                site,
                ignored_level: None,
                unknown_level: false,
                parent: None,
                handler: at.handler,
                block: at.block,
                on: receiver,
            });
            region = Some(id);
        }
        // Of a collection behind a lock its own calls tell; the lock itself gives all there is.
        let is_collection = row.result == Given::Guard && receiver.is_some_and(|lock| self.holds_collection(lock));
        Some(Recognised::Ops(vec![Op {
            verb,
            entity,
            schema: None,
            rows: if is_collection { Rows::Many } else { row.rows },
            missing: row.missing,
            source: OpSource::Call(row, library),
            lock: None,
            region,
            block: at.block,
            frame: at.frame,
            site: Site { unit: self.trace.home, span: crate::text::Span::default() },
            name: name.to_owned(),
            confidence,
            args: args.to_vec(),
            handle: receiver,
            client: None,
            by: Some(by),
            scalar: false,
            dropped: false,
            pooled: false,
            row: None,
        }]))
    }

    /// What a call on a place gives.
    pub fn given_at_place(&mut self, op: OpId, result: ValId) -> ValId {
        let OpSource::Call(row, _) = &self.trace.op(op).source else { return result };
        if row.place.is_none() {
            return result;
        }
        match row.result {
            Given::Row | Given::Guard => result,
            Given::Value => self.trace.values.add_field(result, CONTENTS),
            Given::Absence => self.trace.unary(crate::ir::UnaryOp::Not, result),
        }
    }

    /// An assignment to what is reached through a row of a place: a write of that row.
    pub fn store_at_place(&mut self, at: &mut At, base: ValId, column: Option<&str>, value: ValId, site: Site) {
        let Some((of, first)) = self.trace.row_behind(base) else { return };
        let row = self.trace.op(of).clone();
        let Some(place) = row.place() else { return };
        let column = first.or_else(|| column.map(ToOwned::to_owned)).unwrap_or_else(|| CONTENTS.to_owned());
        // The whole contents are set whether something is there or not.
        let verb = if column == CONTENTS { Verb::Upsert } else { Verb::Update };
        let op = Op {
            verb,
            rows: Rows::One,
            source: OpSource::Stored { of, place, columns: vec![(column, value)] },
            name: "=".to_owned(),
            args: vec![value],
            block: at.block,
            frame: at.frame,
            ..row
        };
        self.add_op(at, op, site);
    }

    /// Whether a library says of a call that what it does to the world outside cannot be taken back.
    pub fn is_lasting(&self, called: Called<'_>) -> bool {
        let Some(name) = self.name_of(called.callee) else { return false };
        self.libraries().any(|(_, library)| {
            let rows = library.effects.iter().filter(|row| row.on.is_named(name));
            rows.map(|row| &row.on).any(|on| self.fits(on, library, called).is_some())
        })
    }

    /// Whether a call is one that never comes back, by a function that comes from a module.
    pub fn is_exit(&self, called: Called<'_>) -> bool {
        let Val::External(module, name) = self.trace.values.get(called.callee) else { return false };
        self.libraries().any(|(_, library)| {
            library.exits.iter().any(|row| {
                row.from.contains(module) && row.on.is_named(name) && self.fits(&row.on, library, called).is_some()
            })
        })
    }

    /// Whether what a lock holds is a collection that a library describes.
    fn holds_collection(&self, lock: ValId) -> bool {
        let Some(typed) = self.typed_inside(lock) else { return false };
        let of_type =
            |row: &&CallRow| matches!(&row.on.callee, Callee::Method { receiver, .. } if *receiver == typed.row.name);
        typed.library.calls.iter().filter(of_type).any(|row| row.place == Some(Place::Held))
    }

    /// The name of a place that several runs can share: by the members that lead to it from something that lies outside of
    /// them. What a run has made itself, nobody else gets at.
    fn shared_name(&self, value: ValId, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let program = self.model.program;
        let slot = |unit, slot: crate::ir::SlotId| program.unit(unit).slots[slot.index()].name.clone();
        match self.trace.values.get(value) {
            Val::This(class) => Some(program.class(*class).name.clone()),
            Val::Param(func, index) => {
                let param = program.func(*func).params.get(*index as usize)?;
                Some(slot(func.unit, param.slot)).filter(|name| !name.is_empty())
            }
            Val::Declared(unit, declared) if program.unit(*unit).slots[declared.index()].owner.0 == 0 => {
                Some(slot(*unit, *declared))
            }
            Val::External(_, name) | Val::Global(name) => Some(name.clone()),
            Val::Field(base, name) => Some(format!("{}.{name}", self.shared_name(*base, depth)?)),
            Val::Result(op) => match &self.trace.regions[self.trace.op(*op).region?.index()].kind {
                RegionKind::Guard(name) => Some(name.clone()),
                _ => None,
            },
            Val::Call { callee, args, is_new: false, .. } if args.is_empty() => match self.trace.values.get(*callee) {
                Val::Field(base, name) => Some(format!("{}.{name}", self.shared_name(*base, depth)?)),
                Val::Closure(func, _) => Some(program.func(*func).name.clone()).filter(|name| !name.is_empty()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Notes, for a trace that is whole, which runs wait for something, and which parameters only give access to what others
    /// have as well.
    pub fn note_sharing(&mut self) {
        for frame in &mut self.trace.frames {
            frame.awaits = self.model.survey.shape(frame.func).awaits;
            frame.runs_locked = names_held_lock(&self.model.program.func(frame.func).name);
        }
        for at in 0..self.trace.values.len() {
            let value = ValId(u32::try_from(at).unwrap_or(u32::MAX));
            let Val::Param(func, index) = self.trace.values.get(value) else { continue };
            let program = self.model.program;
            let param = program.func(*func).params.get(*index as usize);
            let ty = param.and_then(|param| program.unit(func.unit).slots[param.slot.index()].ty.as_deref());
            let Some(ty) = ty.filter(|ty| gives_access(ty)) else { continue };
            self.trace.shared.insert(value);
            if ty.starts_with('&') && !["'static", "Arc<", "Rc<"].iter().any(|sharing| ty.contains(sharing)) {
                self.trace.lent.insert(value);
            }
        }
    }

    /// Whether a path leads to what this run has made up for itself: nobody else knows it.
    fn is_private(&self, path: ValId) -> bool {
        self.trace.values.any_within(path, 6, &mut |value| match self.trace.values.get(value) {
            Val::Call { args, .. } if args.is_empty() => true,
            Val::Opaque(_) => true,
            _ => false,
        })
    }
}

/// Whether a parameter of a type gives access to something and brings no data: a reference to anything but text and
/// bytes, a shared pointer.
fn gives_access(ty: &str) -> bool {
    let ty = ty.trim();
    let Some(inner) = ty.strip_prefix('&') else {
        return ["Arc<", "Rc<", "Weak<"]
            .iter()
            .any(|pointer| ty.trim_start_matches("std::sync::").starts_with(pointer));
    };
    // A lifetime may stand between.
    let inner = inner.trim_start();
    let inner = if inner.starts_with('\'') { inner.split_once(' ').map_or("", |(_, ty)| ty) } else { inner };
    !matches!(inner.trim(), "str" | "[u8]" | "String" | "Path" | "PathBuf" | "OsStr" | "Utf8Path")
}

impl Trace<'_> {
    /// The operation that gave the guard through which a value is reached.
    #[must_use]
    pub fn guard_of(&self, value: ValId) -> Option<OpId> {
        let (op, _) = self.row_behind(value)?;
        let OpSource::Call(row, _) = &self.op(op).source else { return None };
        match row.result {
            Given::Guard => Some(op),
            // A row of a collection behind a lock.
            _ if row.place == Some(Place::Held) => self.op(op).handle.and_then(|handle| self.guard_of(handle)),
            _ => None,
        }
    }

    /// The operation whose row a value is or is a part of, and the row's column on the way to it.
    fn row_behind(&self, value: ValId) -> Option<(OpId, Option<String>)> {
        let (mut value, mut column) = (value, None);
        for _ in 0..DEPTH {
            match self.values.get(value) {
                Val::Result(op) => return Some((*op, column)),
                Val::Field(base, name) => {
                    column = Some(name.clone());
                    value = *base;
                }
                Val::Call { callee, args, is_new: false, .. } if args.is_empty() => match self.values.get(*callee) {
                    Val::Field(base, _) => value = *base,
                    _ => return None,
                },
                _ => return None,
            }
        }
        None
    }

    /// The conditions of a call on a place: its key.
    pub(super) fn place_conditions(
        &mut self,
        op: OpId,
        row: &CallRow,
        place: Place,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Conditions {
        let mut found = Conditions::default();
        let key = match &row.key {
            Some(selector) => self.pick(op, selector),
            // A single value is the only row of its place.
            None if self.op(op).rows == Rows::One => Some(self.values.add(Val::Const(Literal::Bool(true)))),
            None => None,
        };
        let Some(key) = key else { return found };
        let value = see(self, key);
        let column = key_column(place).to_owned();
        found.all.push(Condition { through: Vec::new(), column, op: Compare::Eq, value });
        found
    }

    /// What a call on a place writes: the key of what it adds, and the new contents.
    pub(super) fn place_writes(
        &mut self,
        op: OpId,
        row: &CallRow,
        place: Place,
        creating: bool,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Writes {
        let mut found = Writes::default();
        if creating {
            let keys = self.place_conditions(op, row, place, see).all;
            found.columns.extend(keys.into_iter().map(|key| (key.column, Written::Value(key.value))));
        }
        if let Some(value) = row.set.as_ref().and_then(|selector| self.pick(op, selector)) {
            found.columns.push((CONTENTS.to_owned(), Written::Value(see(self, value))));
        }
        found
    }

    /// What an assignment writes.
    pub(super) fn stored_writes(
        &mut self,
        schemas: &[Schema],
        of: OpId,
        columns: &[(String, ValId)],
        creating: bool,
        see: &mut dyn FnMut(&mut Self, ValId) -> ValId,
    ) -> Writes {
        let mut found = Writes::default();
        if creating {
            let keys = self.conditions(schemas, of, see).all;
            found.columns.extend(keys.into_iter().map(|key| (key.column, Written::Value(key.value))));
        }
        found.columns.extend(columns.iter().map(|(column, value)| (column.clone(), Written::Value(see(self, *value)))));
        found
    }
}

impl Op<'_> {
    /// Whether what it gives is of the type that the place holds, and of none that the library names.
    pub(super) fn is_held_type(&self) -> bool {
        self.place().is_some() && self.by.is_none_or(|(row, _)| row.gives.is_none())
    }

    /// Whether what it gives keeps others away from what it is about.
    #[must_use]
    pub fn gives_guard(&self) -> bool {
        matches!(&self.source, OpSource::Call(row, _) if row.result == Given::Guard)
    }

    /// What the operation is about, if that is no database.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match &self.source {
            OpSource::Call(row, _) => row.place,
            OpSource::Stored { place, .. } => Some(*place),
            OpSource::Related { .. } | OpSource::Sql(..) | OpSource::Built(..) => None,
        }
    }
}
