//! Matches a call against the rows of the libraries.

use super::elaborate::{At, Elaborator};
use super::objects::entity_of;
use super::trace::{Event, Op, OpId, OpSource, RegionKind, Site};
use super::value::{ArrayItem, TextPart, Val, ValId};
use crate::finding::Confidence;
use crate::ir::CallForm;
use crate::library::{CallPattern, CallRow, Callee, Form, Library, ParamKind, RegionRow, Root, Rows, Selector, Verb};
use crate::schema::{ColumnKind, Entity, Schema};
use crate::sql;

/// What a call turned out to be.
pub(super) enum Recognised<'m> {
    /// Operations, in order; the last one's result is the call's.
    Ops(Vec<Op<'m>>),
    /// A transaction or lock, with the value it is opened on.
    Region(&'m RegionRow, ValId),
}

impl<'m> Elaborator<'m, '_> {
    /// What a call is, if a library describes it.
    pub fn recognise(
        &mut self,
        at: &At,
        receiver: Option<ValId>,
        name: Option<&str>,
        callee: ValId,
        args: &[ValId],
        form: CallForm,
    ) -> Option<Recognised<'m>> {
        let name = match (receiver, self.trace.values.get(callee)) {
            // A method held in a variable is still that method.
            (None, Val::Field(_, method)) => method.clone(),
            _ => name?.to_owned(),
        };
        let receiver = match (receiver, self.trace.values.get(callee)) {
            (None, Val::Field(base, _)) => *base,
            (receiver, _) => receiver?,
        };
        let registry = self.model.registry;
        for library in registry.libraries() {
            for row in &library.regions {
                if row.open.is_named(&name)
                    && let Some((handle, _)) = self.fits(&row.open, receiver, args, form)
                {
                    return Some(Recognised::Region(row, handle));
                }
            }
            for row in &library.calls {
                if !row.on.is_named(&name) {
                    continue;
                }
                let Some((handle, member)) = self.fits(&row.on, receiver, args, form) else { continue };
                row.verb?;
                return self.operations(at, library, row, handle, member, &name, args);
            }
        }
        None
    }

    /// Whether a call has the form of a pattern; gives the value that is the pattern's receiver and the member's name.
    pub fn fits(
        &self,
        pattern: &CallPattern,
        receiver: ValId,
        args: &[ValId],
        form: CallForm,
    ) -> Option<(ValId, Option<Member>)> {
        let form_fits = match pattern.form {
            Form::Plain => form == CallForm::Plain,
            Form::Tag => form == CallForm::Tag,
            Form::Any => form != CallForm::New,
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
        let Callee::Method { receiver: wanted, member, .. } = &pattern.callee else { return None };
        if member.is_none() {
            if wanted == "_" {
                return Some((receiver, None));
            }
            return self.is_of(receiver, wanted).map(|_| (receiver, None));
        }
        let Val::Field(base, accessor) = self.trace.values.get(receiver) else { return None };
        let (base, accessor) = (*base, accessor.clone());
        let known = self.is_of(base, wanted);
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
    fn is_of(&self, value: ValId, wanted: &str) -> Option<Confidence> {
        let typed = self.typed(value)?;
        (typed.row.name == wanted || typed.row.entity_members).then_some(typed.confidence)
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

    #[expect(clippy::too_many_arguments, reason = "the pieces of one call")]
    fn operations(
        &mut self,
        at: &At,
        library: &'m Library,
        row: &'m CallRow,
        handle: ValId,
        member: Option<Member>,
        name: &str,
        args: &[ValId],
    ) -> Option<Recognised<'m>> {
        let site = Site { unit: self.trace.home, span: crate::text::Span::default() };
        let region = self.region_of(handle, site, at.block);
        let base = Op {
            verb: row.verb?,
            entity: String::new(),
            schema: None,
            rows: row.rows,
            missing: row.missing,
            source: OpSource::Call(row, library),
            lock: None,
            region,
            block: at.block,
            frame: at.frame,
            site,
            name: name.to_owned(),
            confidence: Confidence::High,
            args: args.to_vec(),
            handle: Some(handle),
            client: self.client(handle),
        };
        if row.verb == Some(Verb::Sql) {
            let text = row.sql.as_ref().and_then(|selector| self.select(selector, Some(handle), args))?;
            return Some(Recognised::Ops(self.statements(base, text, args, row)));
        }
        let member = member?;
        let entity = match member.entity {
            Some((schema, entity)) => self.model.schemas[schema].entities[entity].name.clone(),
            None => capitalised(&member.accessor),
        };
        Some(Recognised::Ops(vec![Op { entity, schema: member.entity, confidence: member.confidence, ..base }]))
    }

    /// The operations that SQL text describes.
    fn statements(&mut self, base: Op<'m>, text: ValId, args: &[ValId], row: &CallRow) -> Vec<Op<'m>> {
        let mut holes = Vec::new();
        let mut written = String::new();
        self.spell(text, &mut written, &mut holes, 6);
        if let Some(bind) = &row.bind
            && let Root::Param(first) = bind.root
        {
            // Placeholders count from one; holes are taken, so bound values come behind them.
            let bound: Vec<ValId> = args.iter().skip(first).copied().collect();
            holes.extend(bound);
        }
        let mut ops = Vec::new();
        for statement in sql::read(&written, sql::Dialect::Generic) {
            let (verb, table, lock, rows) = match &statement.kind {
                sql::Kind::Query(query) => {
                    let verb = match query.verb {
                        sql::Verb::Select if query.aggregate.is_some() && !query.grouped => Verb::Count,
                        sql::Verb::Select => Verb::Read,
                        sql::Verb::Insert => Verb::Create,
                        sql::Verb::Update => Verb::Update,
                        sql::Verb::Delete => Verb::Delete,
                    };
                    let table = query.table.as_ref().map(|t| t.name.clone()).unwrap_or_default();
                    let rows = if verb == Verb::Count { Rows::Number } else { Rows::Many };
                    (verb, table, query.lock.clone(), rows)
                }
                sql::Kind::AdvisoryLock { .. } | sql::Kind::AdvisoryUnlock { .. } | sql::Kind::LockTable(_) => {
                    (Verb::Sql, String::new(), None, Rows::Number)
                }
                _ => continue,
            };
            let unit = self.trace.home;
            let schema = self.model.schema_of[unit.0 as usize]
                .and_then(|schema| Some((schema, self.model.schemas[schema].position_by_table(&table)?)));
            let entity = schema.map_or(table, |(s, e)| self.model.schemas[s].entities[e].name.clone());
            let confidence = if schema.is_some() { Confidence::High } else { Confidence::Medium };
            ops.push(Op {
                verb,
                entity,
                schema,
                rows,
                lock,
                confidence,
                source: OpSource::Sql(Box::new(statement), holes.clone()),
                ..base.clone()
            });
        }
        ops
    }

    /// Writes a value that is SQL text, with holes for what is not known. Nested templates are taken in.
    fn spell(&self, value: ValId, out: &mut String, holes: &mut Vec<ValId>, depth: usize) {
        let depth = depth.saturating_sub(1);
        match self.trace.values.get(value) {
            Val::Const(literal) => {
                if let super::value::Literal::Text(text) = literal {
                    out.push_str(text);
                }
            }
            Val::Text(parts) => {
                for part in parts {
                    match part {
                        TextPart::Text(text) => out.push_str(text),
                        TextPart::Hole(hole) if depth > 0 && self.is_sql_fragment(*hole) => {
                            self.spell(*hole, out, holes, depth);
                        }
                        TextPart::Hole(hole) => {
                            out.push_str(&sql::hole(holes.len()));
                            holes.push(*hole);
                        }
                    }
                }
            }
            Val::Call { args, .. } if args.len() == 1 => self.spell(args[0], out, holes, depth),
            _ => {
                out.push_str(&sql::hole(holes.len()));
                holes.push(value);
            }
        }
    }

    /// Whether a value is a piece of SQL made by a tag or a raw marker (`sql`…``, `raw("…")`).
    fn is_sql_fragment(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Call { callee, args, .. } => {
                args.len() == 1
                    && matches!(self.name_of(*callee), Some("sql" | "raw"))
                    && matches!(self.trace.values.get(args[0]), Val::Text(_) | Val::Const(_))
            }
            _ => false,
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
    pub fn region_kind(&mut self, row: &RegionRow, handle: ValId, args: &[ValId]) -> RegionKind {
        if let Some(name) = &row.lock {
            let name = self.select(name, Some(handle), args);
            let name = name.and_then(|name| self.trace.values.text(name).map(ToOwned::to_owned));
            return RegionKind::Lock(name.unwrap_or_default());
        }
        let inside = matches!(self.trace.values.get(handle), Val::Handle(_));
        if inside && row.nested.as_deref() == Some("savepoint") {
            return RegionKind::Savepoint;
        }
        let isolation = row.isolation.as_ref().and_then(|selector| self.select(selector, Some(handle), args));
        let isolation = isolation.and_then(|value| self.level(row, value));
        let isolation = isolation.or_else(|| self.client_isolation(row, handle));
        RegionKind::Transaction { isolation, batch: row.form == crate::library::RegionForm::Batch, ambient: false }
    }

    /// The isolation level that a value names.
    fn level(&self, row: &RegionRow, value: ValId) -> Option<String> {
        let name = match self.trace.values.get(value) {
            Val::Const(super::value::Literal::Text(text)) => text.as_str(),
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
