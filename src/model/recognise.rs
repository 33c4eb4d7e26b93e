//! Matches a call against the rows of the libraries.

use super::elaborate::{At, Elaborator};
use super::expression::is_condition;
use super::objects::entity_of;
use super::trace::{Bound, Event, Op, OpId, OpSource, RegionId, RegionKind, Site};
use super::value::{ArrayItem, Val, ValId};
use crate::finding::Confidence;
use crate::ir::CallForm;
use crate::library::{
    CallPattern, CallRow, Callee, Form, Library, ParamKind, RegionRow, Root, RowAt, Rows, Selector, Verb,
};
use crate::link::UnitId;
use crate::schema::{ColumnKind, Entity, Schema};

/// What a call turned out to be.
pub(super) enum Recognised<'m> {
    /// Operations, in order; the last one's result is the call's.
    Ops(Vec<Op<'m>>),
    /// A transaction or lock, with the value it is opened on.
    Region(&'m RegionRow, &'m Library, ValId),
    /// The end of a transaction, and whether what was done in it is kept.
    Closed(RegionId, bool),
    /// Nothing but a value; of a call that changes its receiver, the receiver's new value, too.
    Value(ValId, Option<ValId>),
}

/// A call, as rows of libraries see it.
#[derive(Clone, Copy)]
pub(super) struct Called<'c> {
    /// The file that holds it.
    pub unit: UnitId,
    /// What a method is called on.
    pub receiver: Option<ValId>,
    /// What is called.
    pub callee: ValId,
    /// With what.
    pub args: &'c [ValId],
    /// How.
    pub form: CallForm,
    /// The types that it is given.
    pub types: &'c [String],
}

impl<'m> Elaborator<'m, '_> {
    /// The libraries that the project may call from the language of the trace, with their positions in the registry.
    pub fn libraries(&self) -> impl Iterator<Item = (usize, &'m Library)> + use<'m> {
        self.model.libraries_of(self.model.program.unit(self.trace.home).language)
    }

    /// What a call is, if a library describes it.
    pub fn recognise(&mut self, at: &At, name: Option<&str>, called: Called<'_>) -> Option<Recognised<'m>> {
        let (name, receiver) = match (called.receiver, self.trace.values.get(called.callee)) {
            // A method held in a variable is still that method.
            (None, Val::Field(base, method)) => (method.clone(), Some(*base)),
            (None, Val::External(_, item)) => (item.clone(), None),
            (receiver, _) => (name?.to_owned(), receiver),
        };
        let called = Called { receiver, ..called };
        for (position, library) in self.libraries() {
            for at_row in library.rows_named(&name) {
                match *at_row {
                    RowAt::Region(row) => {
                        let row = &library.regions[row];
                        if row.open.is_named(&name)
                            && let Some((handle, _)) = self.fits(&row.open, library, called)
                        {
                            return Some(Recognised::Region(row, library, handle));
                        }
                        if let Some(closed) = self.closes(row, library, &name, called) {
                            return Some(closed);
                        }
                    }
                    RowAt::Call(row_at) => {
                        let row = &library.calls[row_at];
                        let Some((handle, member)) = self.fits(&row.on, library, called) else { continue };
                        let by = (row, library);
                        if row.run {
                            let mut query = self.query_of(handle, position);
                            query.steps.push(self.step(row_at, handle, called));
                            return Some(Recognised::Ops(self.run_query(at, query, by, &name)));
                        }
                        if self.is_query_type(library, row.gives.as_deref()) {
                            let extended = self.extend(position, row_at, handle, called);
                            return Some(Recognised::Value(extended, row.in_place.then_some(extended)));
                        }
                        row.verb?;
                        let is_guess = member.as_ref().is_some_and(|it| it.confidence < Confidence::High);
                        if is_guess && !self.speaks_of(row, called.args) {
                            continue;
                        }
                        if row.place.is_some() {
                            match self.on_place(at, by, called.receiver.map(|_| handle), &name, called.args) {
                                None => continue,
                                found => return found,
                            }
                        }
                        return self.operations(at, by, handle, member, &name, called.args).map(Recognised::Ops);
                    }
                    RowAt::Expr(row) => {
                        let row = &library.exprs[row];
                        if let Some((receiver, _)) = self.fits(&row.on, library, called) {
                            let value = self.express(row, library, receiver, &name, called.args);
                            return Some(Recognised::Value(value, None));
                        }
                    }
                }
            }
        }
        None
    }

    /// Whether an object that a call is given has some member of those that a row knows: an object of quite other members
    /// is for a method of somebody else's that has the name by chance.
    fn speaks_of(&self, row: &CallRow, args: &[ValId]) -> bool {
        let selectors = [&row.key, &row.set, &row.create, &row.order, &row.limit, &row.skip];
        let aggregates = row.aggregates.iter().map(|(_, selector)| selector);
        let known = selectors.into_iter().flatten().chain(&row.reads).chain(aggregates);
        let known: Vec<&str> = known
            .filter(|selector| selector.root == Root::Param(0))
            .filter_map(|selector| selector.path.first().map(String::as_str))
            .collect();
        let Some(Val::Object(entries)) = args.first().map(|arg| self.trace.values.get(*arg)) else { return true };
        let is_known = |entry: &super::value::ObjectEntry| match entry {
            super::value::ObjectEntry::Field(name, _) => known.contains(&name.as_str()),
            _ => true,
        };
        known.is_empty() || entries.is_empty() || entries.iter().any(is_known)
    }

    /// Whether a call has the form of a pattern; gives the value that is the pattern's receiver and the member's name.
    pub fn fits(
        &self,
        pattern: &CallPattern,
        library: &Library,
        called: Called<'_>,
    ) -> Option<(ValId, Option<Member>)> {
        let Called { args, form, .. } = called;
        let form_fits = match pattern.form {
            Form::Plain => form == CallForm::Plain,
            Form::Tag => form == CallForm::Tag,
            Form::Any => matches!(form, CallForm::Plain | CallForm::Tag),
            Form::Macro => form == CallForm::Macro,
        };
        if !form_fits || !pattern.takes(args.len()) {
            return None;
        }
        for (param, arg) in pattern.params.iter().zip(args) {
            let fits = match param.kind {
                ParamKind::Any => true,
                ParamKind::Function => !self.is_list(*arg),
                ParamKind::List => self.is_list(*arg),
                ParamKind::Text => self.trace.values.text(*arg).is_some(),
            };
            if !fits {
                return None;
            }
        }
        let (wanted, member) = match &pattern.callee {
            Callee::Path(paths) => {
                let fits = paths.iter().any(|path| self.names_item(called.unit, called.callee, path));
                return fits.then_some((called.callee, None));
            }
            Callee::Method { receiver, member, .. } => (receiver, member),
        };
        let receiver = called.receiver?;
        if member.is_none() {
            if wanted == "_" {
                // A method that the project gives to its own type is that method.
                let own = self.class_of(receiver).zip(self.name_of(called.callee));
                let is_own = own.is_some_and(|(class, name)| self.model.program.method(class, name).is_some());
                return (!is_own).then_some((receiver, None));
            }
            let fits = self.is_of(receiver, library, wanted).is_some() || self.is_itself(receiver, library, wanted);
            return fits.then_some((receiver, None));
        }
        let Val::Field(base, accessor) = self.trace.values.get(receiver) else { return None };
        let (base, accessor) = (*base, accessor.clone());
        let known = self.is_of(base, library, wanted);
        let unit = self.trace.home;
        let entity = self.model.schema_of[unit.0 as usize]
            .and_then(|schema| Some((schema, self.model.schemas[schema].position_by_accessor(&accessor)?)));
        let confidence = match (known, entity) {
            (Some(Confidence::High | Confidence::Medium), Some(_)) => Confidence::High,
            (_, Some(_)) if distinctive(pattern) => Confidence::High,
            // Another object may well have a member and a method of those names.
            (_, Some(_)) if looks_like_call(self, args) => Confidence::Medium,
            (Some(Confidence::High), None) => Confidence::High,
            (Some(Confidence::Medium), None) if self.model.schema_of[unit.0 as usize].is_none() => Confidence::Medium,
            _ => return None,
        };
        Some((base, Some(Member { accessor, entity, confidence })))
    }

    /// Whether a value is of a library's type, or of the transaction type that stands in for it.
    pub fn is_of(&self, value: ValId, library: &Library, wanted: &str) -> Option<Confidence> {
        if library.types.iter().any(|row| row.condition && row.name == wanted)
            && is_condition(&self.trace.values, value)
        {
            return Some(Confidence::High);
        }
        let typed = self.typed(value)?;
        let fits = typed.row.name == wanted || typed.row.entity_members;
        (fits && std::ptr::eq(typed.library, library)).then_some(typed.confidence)
    }

    fn is_list(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Array(_) => true,
            Val::Over(..) => true,
            Val::Phi(phi) => self
                .trace
                .values
                .phi(*phi)
                .operands
                .iter()
                .any(|(_, v)| matches!(self.trace.values.get(*v), Val::Array(_) | Val::Over(..) | Val::Derived(_))),
            Val::Derived(_) => true,
            _ => false,
        }
    }

    /// The value a selector picks from a call.
    pub fn select(&mut self, selector: &Selector, receiver: Option<ValId>, args: &[ValId]) -> Option<ValId> {
        let mut value = match selector.root {
            Root::Param(index) => *args.get(index)?,
            Root::Receiver => receiver?,
            Root::Result => return None,
        };
        for name in &selector.path {
            value = self.field(value, name);
        }
        Some(value)
    }

    /// The operations of a call that does it in one go.
    fn operations(
        &mut self,
        at: &At,
        by: (&'m CallRow, &'m Library),
        handle: ValId,
        member: Option<Member>,
        name: &str,
        args: &[ValId],
    ) -> Option<Vec<Op<'m>>> {
        let (row, library) = by;
        let through = row.handle.as_ref().and_then(|selector| self.select(selector, Some(handle), args));
        let base = self.op_in(at, by, row.verb?, through.unwrap_or(handle), name, args);
        if row.verb == Some(Verb::Sql) {
            let text = row.sql.as_ref().and_then(|selector| self.select(selector, Some(handle), args))?;
            let mut bound = Bound::default();
            self.bind(row, Some(handle), args, &mut bound);
            return Some(self.statements(base, &[text], bound));
        }
        if let Some(entity) = &row.entity {
            let entity = self.select(entity, Some(handle), args).and_then(|value| self.entity_named(library, value))?;
            return Some(vec![Op {
                entity: entity.name,
                schema: entity.schema,
                confidence: entity.confidence,
                ..base
            }]);
        }
        let member = member?;
        let entity = match member.entity {
            Some((schema, entity)) => self.model.schemas[schema].entities[entity].name.clone(),
            None => capitalised(&member.accessor),
        };
        Some(vec![Op { entity, schema: member.entity, confidence: member.confidence, ..base }])
    }

    /// An operation of which only the call is known.
    pub fn op_in(
        &mut self,
        at: &At,
        by: (&'m CallRow, &'m Library),
        verb: Verb,
        handle: ValId,
        name: &str,
        args: &[ValId],
    ) -> Op<'m> {
        let (row, library) = by;
        let site = Site { unit: self.trace.home, span: crate::text::Span::default() };
        Op {
            verb,
            entity: String::new(),
            schema: None,
            rows: row.rows,
            missing: row.missing,
            source: OpSource::Call(row, library),
            lock: None,
            region: self.region_of(handle, site, at.block),
            block: at.block,
            frame: at.frame,
            site,
            name: name.to_owned(),
            confidence: Confidence::High,
            args: args.to_vec(),
            handle: Some(handle),
            client: self.client(handle),
            pooled: self.client(handle).is_some() && self.typed(handle).is_some_and(|typed| typed.row.pool),
            by: Some(by),
            scalar: row.scalar,
            dropped: false,
            row: None,
        }
    }

    /// Adds an operation to the trace at a place.
    pub fn add_op(&mut self, at: &mut At, mut op: Op<'m>, site: Site) -> OpId {
        op.site = site;
        op.block = at.block;
        op.confidence = op.confidence.min(self.trace.frames[at.frame.index()].confidence);
        let id = OpId(u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX));
        self.trace.ops.push(op);
        self.trace.blocks[at.block.index()].events.push(Event::Op(id));
        self.add_related(at, id);
        self.settle(at);
        id
    }

    /// Adds the reads of rows that an operation brings along.
    fn add_related(&mut self, at: &At, of: OpId) {
        let OpSource::Call(row, library) = self.trace.op(of).source.clone() else { return };
        if row.verb != Some(Verb::Read) {
            return;
        }
        for selector in &row.reads {
            if let Some(members) = self.trace.pick(of, selector) {
                self.add_members(at, of, members, (row, library), 3);
            }
        }
    }

    fn add_members(&mut self, at: &At, of: OpId, members: ValId, by: (&'m CallRow, &'m Library), depth: usize) {
        let (row, library) = by;
        let last = |selector: &'m Selector| selector.path.last().map_or("", String::as_str);
        let readers: Vec<&'m str> = row.reads.iter().map(last).collect();
        let aggregates = library.calls.iter().flat_map(|row| &row.aggregates);
        let count = aggregates.filter(|(kind, _)| kind == "count").map(|(_, selector)| last(selector)).next();
        let Some(depth) = depth.checked_sub(1) else { return };
        let Val::Object(entries) = self.trace.values.get(members).clone() else { return };
        let Some(entity) = entity_of(self.model.schemas, self.trace.op(of)) else { return };
        let schema_at = self.trace.op(of).schema.map_or(0, |(schema, _)| schema);
        let schema = &self.model.schemas[schema_at];
        for entry in entries {
            let super::value::ObjectEntry::Field(name, argument) = entry else { continue };
            if matches!(self.trace.values.truth(argument), Some(false)) {
                continue;
            }
            let found = Related { entity, schema, schema_at, row, library };
            if Some(name.as_str()) == count {
                for reader in &readers {
                    let chosen = self.trace.field(argument, reader);
                    let Val::Object(counted) = self.trace.values.get(chosen).clone() else { continue };
                    for entry in counted {
                        if let super::value::ObjectEntry::Field(relation, argument) = entry {
                            self.add_relation(at, of, &relation, argument, &found, Some(&name));
                        }
                    }
                }
                continue;
            }
            let Some(inner) = self.add_relation(at, of, &name, argument, &found, None) else { continue };
            for reader in &readers {
                let deeper = self.trace.field(argument, reader);
                self.add_members(at, inner, deeper, by, depth);
            }
        }
    }

    fn add_relation(
        &mut self,
        at: &At,
        of: OpId,
        name: &str,
        argument: ValId,
        found: &Related<'_, 'm>,
        counted: Option<&str>,
    ) -> Option<OpId> {
        let column = found.entity.column(name)?;
        let ColumnKind::Relation(relation) = &column.kind else { return None };
        let target_at = found.schema.entities.iter().position(|e| e.name == relation.entity)?;
        let target = &found.schema.entities[target_at];
        let ties: Vec<(String, String)> = if relation.fields.is_empty() {
            // The reference is held over there.
            let back = target.columns.iter().find_map(|c| match &c.kind {
                ColumnKind::Relation(back)
                    if back.entity == found.entity.name && back.name == relation.name && !back.fields.is_empty() =>
                {
                    Some(back)
                }
                _ => None,
            })?;
            back.fields.iter().cloned().zip(back.references.iter().cloned()).collect()
        } else {
            relation.references.iter().cloned().zip(relation.fields.iter().cloned()).collect()
        };
        let parent = self.trace.op(of).clone();
        let id = OpId(u32::try_from(self.trace.ops.len()).unwrap_or(u32::MAX));
        let (verb, rows, missing) = match (counted.is_some(), column.list) {
            (true, _) => (Verb::Count, Rows::Number, crate::library::Missing::Zero),
            (false, true) => (Verb::Read, Rows::Many, crate::library::Missing::Empty),
            (false, false) => (Verb::Read, Rows::One, crate::library::Missing::Null),
        };
        let filter = found.row.key.as_ref().and_then(|selector| selector.path.last());
        let key = match (self.trace.values.get(argument), filter) {
            (Val::Object(_), Some(filter)) => Some(self.trace.field(argument, filter)),
            _ => None,
        };
        self.trace.ops.push(Op {
            verb,
            entity: target.name.clone(),
            schema: Some((found.schema_at, target_at)),
            rows,
            missing,
            source: OpSource::Related { of, ties, key, library: found.library },
            block: at.block,
            lock: None,
            ..parent
        });
        self.trace.blocks[at.block.index()].events.push(Event::Op(id));
        let member = counted.map_or_else(|| name.to_owned(), |count| format!("{count}.{name}"));
        self.trace.related.insert((of, member), id);
        Some(id)
    }

    /// What kind of region a row opens.
    pub fn region_kind(&mut self, row: &RegionRow, handle: ValId, opened_on: ValId, args: &[ValId]) -> RegionKind {
        if let Some(name) = &row.lock {
            let name = self.select(name, Some(handle), args);
            let name = name.and_then(|name| self.trace.values.text(name).map(ToOwned::to_owned));
            return if row.in_process { RegionKind::Mutex } else { RegionKind::Lock(name.unwrap_or_default()) };
        }
        // What is open on a connection that everybody shares is around all that is opened on it.
        let shares = self.shared.iter().any(|(connection, _)| *connection == handle);
        let inside = shares || matches!(self.trace.values.get(handle), Val::Handle(_));
        if inside && row.nested.as_deref() == Some("savepoint") {
            return RegionKind::Savepoint;
        }
        let isolation = row.isolation.as_ref().and_then(|selector| self.select(selector, Some(handle), args));
        let isolation = isolation.and_then(|value| self.level(row, value));
        let isolation = isolation.or_else(|| self.asked_level(row, opened_on)).or_else(|| row.level.clone());
        let isolation = isolation.or_else(|| self.client_isolation(row, handle));
        RegionKind::Transaction { isolation, batch: row.form == crate::library::RegionForm::Batch, ambient: false }
    }

    /// Whether the level of what a row opens is asked for by a value of which nothing is known.
    pub fn asks_for_unknown_level(&mut self, row: &RegionRow, handle: ValId, args: &[ValId]) -> bool {
        let asked = row.isolation.as_ref().and_then(|selector| self.select(selector, Some(handle), args));
        asked.is_some_and(|value| {
            let is_absent = self.trace.values.literal(value).is_some_and(super::value::Literal::is_absent);
            !is_absent && self.level(row, value).is_none()
        })
    }

    /// The isolation level that a value names.
    pub fn level(&self, row: &RegionRow, value: ValId) -> Option<String> {
        let name = match self.trace.values.get(value) {
            // A variant of an enum of the project's goes by the names of both.
            Val::Const(super::value::Literal::Text(text)) => text.rsplit("::").next().unwrap_or(text),
            _ => self.name_of(value)?,
        };
        let found = row.levels.iter().find(|(written, _)| written.eq_ignore_ascii_case(name));
        found.map(|(_, meaning)| meaning.clone())
    }

    /// The level that a client was made with.
    fn client_isolation(&mut self, row: &RegionRow, handle: ValId) -> Option<String> {
        let (args, selector) = self.construction(handle, 8)?;
        let value = self.select(&selector, None, &args)?;
        self.level(row, value)
    }

    /// The arguments of the constructor call that a client goes back to, and where its isolation level stands there.
    fn construction(&self, value: ValId, depth: usize) -> Option<(Vec<ValId>, Selector)> {
        let depth = depth.checked_sub(1)?;
        match self.trace.values.get(value) {
            Val::Call { args, is_new: true, .. } => {
                let selector = self.typed(value)?.row.isolation.clone()?;
                Some((args.clone(), selector))
            }
            Val::Call { callee, .. } | Val::Field(callee, _) => self.construction(*callee, depth),
            Val::Binary(_, a, b) | Val::Choice(_, a, b) => {
                self.construction(*a, depth).or_else(|| self.construction(*b, depth))
            }
            Val::Phi(phi) => {
                self.trace.values.phi(*phi).operands.iter().find_map(|(_, v)| self.construction(*v, depth))
            }
            _ => None,
        }
    }
}

/// A member of a client, as an entity.
pub(super) struct Member {
    accessor: String,
    entity: Option<(usize, usize)>,
    confidence: Confidence,
}

/// Where rows that are read along are described.
struct Related<'s, 'm> {
    entity: &'s Entity,
    schema: &'s Schema,
    schema_at: usize,
    row: &'m CallRow,
    library: &'m Library,
}

/// Whether a pattern's methods are names that hardly anything else has.
fn distinctive(pattern: &CallPattern) -> bool {
    pattern.names().all(|name| name.chars().filter(|c| c.is_uppercase()).count() > 0)
}

/// Whether the first argument is an object, as these calls take it.
fn looks_like_call(elaborator: &Elaborator<'_, '_>, args: &[ValId]) -> bool {
    args.first().is_none_or(|arg| {
        matches!(
            elaborator.trace.values.get(*arg),
            Val::Object(_) | Val::Phi(_) | Val::Derived(_) | Val::Param(..) | Val::Choice(..) | Val::Call { .. }
        )
    })
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The items of a list literal.
#[must_use]
pub fn list_items(values: &super::value::Values, list: ValId) -> Vec<ValId> {
    match values.get(list) {
        Val::Array(items) => items
            .iter()
            .map(|item| match item {
                ArrayItem::Value(v) | ArrayItem::Spread(v) => *v,
            })
            .collect(),
        _ => vec![list],
    }
}
