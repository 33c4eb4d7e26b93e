//! Statements in the making: values that calls add to, and that one call runs.

use std::rc::Rc;

use super::elaborate::{At, Elaborator};
use super::expression::{AGGREGATE, COUNT, NOT};
use super::recognise::Called;
use super::trace::{Bound, Built, Op, OpId, OpSource};
use super::value::{ArrayItem, Literal, ObjectEntry, Query, QueryStep, TextPart, Val, ValId};
use crate::finding::Confidence;
use crate::library::{CallRow, Library, Missing, OnConflict, RegionRow, RowLock, Rows, TypePattern, Verb};
use crate::link::Written;
use crate::sql;

/// How many calls a statement may be made of; further ones leave it vague.
const MAX_STEPS: usize = 200;

/// An entity that a value names.
pub(super) struct Named {
    /// Its name.
    pub name: String,
    /// The schema that describes it, and its position there.
    pub schema: Option<(usize, usize)>,
    /// How sure it is that this is one.
    pub confidence: Confidence,
}

/// All that the calls of a statement say.
#[derive(Default)]
struct Said {
    verb: Option<Verb>,
    entity: Option<ValId>,
    handle: Option<ValId>,
    pieces: Vec<ValId>,
    bound: Bound,
    lock: Option<sql::Lock>,
    scalar: bool,
    selected: Option<ValId>,
    /// The entity of a row that is meant.
    of: Option<Named>,
    exists: bool,
    negated: bool,
    /// The row that those which are meant are related to.
    related: Option<ValId>,
    built: Built,
}

impl<'m> Elaborator<'m, '_> {
    /// Whether a call that gives a type gives a statement in the making.
    pub fn is_query_type(&self, library: &Library, gives: Option<&str>) -> bool {
        gives.is_some_and(|name| library.types.iter().any(|row| row.query && row.name == name))
    }

    /// Whether a value is a statement in the making.
    pub fn is_query(&self, value: ValId) -> bool {
        matches!(self.trace.values.get(value), Val::Query(_))
    }

    /// A call as a step of a statement. What it is called on is part of it, unless that is the statement.
    pub fn step(&self, row: usize, receiver: ValId, called: Called<'_>) -> QueryStep {
        let starts = self.joined_query(receiver, 4).is_none();
        let class = |ty: &String| {
            let ty = Written { unit: called.unit, text: ty, func: None, class: None };
            self.model.program.class_of_type(ty)
        };
        let of_argument = |arg: &ValId| match self.trace.values.get(*arg) {
            Val::Class(class) => Some(*class),
            _ => None,
        };
        let class = called.types.last().and_then(class).or_else(|| called.args.first().and_then(of_argument));
        QueryStep { row, receiver: starts.then_some(receiver), args: called.args.to_vec(), class }
    }

    /// The statement with one more call.
    pub fn extend(&mut self, library: usize, row: usize, receiver: ValId, called: Called<'_>) -> ValId {
        let step = self.step(row, receiver, called);
        let mut query = self.query_of(receiver, library);
        if let Some(gives) = &self.model.registry.libraries()[library].calls[row].gives {
            query.ty.clone_from(gives);
        }
        if query.steps.len() < MAX_STEPS {
            query.steps.push(step);
        } else {
            query.vague = true;
        }
        self.trace.values.add(Val::Query(Box::new(query)))
    }

    /// The statement after a call that no row describes: it may say more.
    pub fn extended_vaguely(&mut self, receiver: ValId) -> Option<ValId> {
        let mut query = self.joined_query(receiver, 4)?;
        query.vague = true;
        Some(self.trace.values.add(Val::Query(Box::new(query))))
    }

    /// The statement that a value is; a new one if it is none.
    pub fn query_of(&self, value: ValId, library: usize) -> Query {
        self.joined_query(value, 4).unwrap_or(Query { library, ty: String::new(), steps: Vec::new(), vague: false })
    }

    /// The statement that a value is. Of several, what all of them say is certain.
    fn joined_query(&self, value: ValId, depth: usize) -> Option<Query> {
        let depth = depth.checked_sub(1)?;
        let several = match self.trace.values.get(value) {
            Val::Query(query) => return Some((**query).clone()),
            Val::Choice(_, yes, no) => vec![*yes, *no],
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().map(|(_, operand)| *operand).collect(),
            _ => return None,
        };
        let mut joined: Option<Query> = None;
        for next in several.into_iter().filter(|next| *next != value) {
            let next = self.joined_query(next, depth)?;
            joined = Some(match joined {
                None => next,
                Some(mut first) => {
                    let same = first.steps == next.steps;
                    first.steps.retain(|step| next.steps.contains(step));
                    first.vague |= next.vague || !same;
                    first
                }
            });
        }
        joined
    }

    /// The operations of a statement that is run by a call, which is its last step.
    pub fn run_query(&mut self, at: &At, query: Query, by: (&'m CallRow, &'m Library), name: &str) -> Vec<Op<'m>> {
        let (row, library) = by;
        let said = self.said(&query);
        let handle = said.handle.or_else(|| query.steps.first().and_then(|step| step.receiver));
        let handle = handle.unwrap_or_else(|| self.trace.values.unset());
        let verb = match said.verb.or(row.verb).unwrap_or(Verb::Read) {
            Verb::Read if row.rows == Rows::Number => Verb::Count,
            verb => verb,
        };
        let given: Vec<ValId> = query.steps.iter().flat_map(|step| step.args.iter().copied()).collect();
        let mut base = self.op_in(at, by, verb, handle, name, &given);
        base.scalar |= said.scalar;
        base.row = query.steps.iter().rev().find_map(|step| step.class);
        if !said.pieces.is_empty() {
            if query.vague {
                base.confidence = Confidence::Medium;
            }
            return self.statements(base, &said.pieces, said.bound);
        }
        let named = said.of.or_else(|| said.entity.and_then(|value| self.entity_named(library, value)));
        let Some(entity) = named else { return Vec::new() };
        let verb = match (verb, said.built.conflict) {
            (Verb::Create, Some(OnConflict::Update)) => Verb::Upsert,
            _ => verb,
        };
        let mut built = Built { vague: query.vague, ..said.built };
        if let Some(to) = said.related {
            match self.tie(&entity, to) {
                Some(condition) => built.keys.push(condition),
                None => built.vague = true,
            }
        }
        let verb = self.verb_of_row(by, verb, &entity, &mut built);
        if verb == Verb::Create {
            base.missing = Missing::Null;
        }
        let selected = said.selected.filter(|_| verb == Verb::Read);
        let verb = match selected {
            Some(value) if self.is_aggregate(value) => Verb::Count,
            Some(value) => {
                base.scalar |= !matches!(self.trace.values.get(value), Val::Array(_));
                built.selected = self.columns_in(library, value);
                base.scalar &= built.selected.len() == 1 && built.selected[0].is_some();
                verb
            }
            None => verb,
        };
        if verb == Verb::Count {
            (base.rows, base.missing) = (Rows::Number, Missing::Zero);
        } else if said.exists {
            (base.rows, base.missing, base.scalar) = (Rows::One, Missing::Null, false);
            built.negated = said.negated;
        }
        vec![Op {
            verb,
            entity: entity.name,
            schema: entity.schema,
            lock: said.lock,
            confidence: if query.vague { Confidence::Medium } else { entity.confidence },
            source: OpSource::Built(Rc::new(built), library),
            ..base
        }]
    }

    /// All that the calls of a statement say.
    fn said(&mut self, query: &Query) -> Said {
        let library = &self.model.registry.libraries()[query.library];
        let mut said = Said::default();
        for step in &query.steps {
            let Some(row) = library.calls.get(step.row) else { continue };
            self.add_step(row, step, &mut said);
        }
        if said.entity.is_none() {
            said.entity = query.steps.first().and_then(|step| step.receiver);
        }
        said
    }

    fn add_step(&mut self, row: &CallRow, step: &QueryStep, said: &mut Said) {
        let receiver = step.receiver;
        let mut pick = |selector: &Option<crate::library::Selector>| {
            selector.as_ref().and_then(|selector| self.select(selector, receiver, &step.args))
        };
        let from = pick(&row.from);
        said.handle = pick(&row.handle).or(said.handle);
        said.entity = pick(&row.entity).or(said.entity);
        said.pieces.extend(pick(&row.sql));
        let hole = pick(&row.hole);
        said.built.keys.extend(pick(&row.key));
        said.built.find = pick(&row.find).or(said.built.find);
        said.related = pick(&row.related).or(said.related);
        said.selected = pick(&row.select).or(said.selected);
        said.exists |= row.exists;
        said.built.limit = pick(&row.limit).or(said.built.limit);
        said.built.order.extend(pick(&row.order));
        said.built.create.extend(pick(&row.create));
        let (set, column) = (pick(&row.set), pick(&row.column));
        let set = match (set, column) {
            (Some(value), Some(column)) => {
                let library = self.library_of(row);
                Some(library.map_or(value, |library| self.assignment(library, column, value)))
            }
            (set, _) => set.map(|value| self.changes_of(value)),
        };
        said.verb = row.verb.filter(|_| !row.run).or(said.verb);
        said.built.conflict = row.conflict.or(said.built.conflict);
        // What runs at once says itself what it does.
        let verb = said.verb.or(row.verb);
        let inserts = verb == Some(Verb::Create) && said.built.conflict != Some(OnConflict::Update);
        if inserts { &mut said.built.create } else { &mut said.built.set }.extend(set);
        said.scalar |= row.scalar;
        if let Some(hole) = hole {
            // A text that is nothing but the value.
            said.pieces
                .push(self.trace.values.add(Val::Text(vec![TextPart::Text(String::new()), TextPart::Hole(hole)])));
        }
        if let Some(from) = from {
            self.mean(from, said);
        }
        self.bind(row, receiver, &step.args, &mut said.bound);
        if let Some(lock) = row.lock {
            let known = said.lock.get_or_insert_default();
            match lock {
                RowLock::Update => known.strength = sql::LockStrength::ForUpdate,
                RowLock::Share => known.strength = sql::LockStrength::ForShare,
                RowLock::SkipLocked => known.skip_locked = true,
                RowLock::Nowait => known.nowait = true,
            }
        }
    }

    /// The pieces of SQL text that a value stands for: those of a statement, or itself.
    pub fn pieces_of(&mut self, value: ValId) -> Vec<ValId> {
        match self.joined_query(value, 4) {
            Some(query) => self.said(&query).pieces,
            None => vec![value],
        }
    }

    /// Takes over which rows a value means: those of a statement, the row it is, all of an entity.
    fn mean(&mut self, value: ValId, said: &mut Said) {
        if let Some(query) = self.joined_query(value, 4) {
            let inner = self.said(&query);
            said.entity = inner.entity.or(said.entity);
            said.of = inner.of.or(said.of.take());
            said.built.keys.extend(inner.built.keys);
            said.built.find = inner.built.find.or(said.built.find);
            said.built.row = inner.built.row.or(said.built.row);
            said.built.limit = inner.built.limit.or(said.built.limit);
            said.built.conflict = inner.built.conflict.or(said.built.conflict);
            said.related = inner.related.or(said.related);
            said.built.vague |= query.vague;
            return;
        }
        match self.trace.values.get(value).clone() {
            Val::Object(entries) => {
                if let [ObjectEntry::Field(key, list)] = entries.as_slice()
                    && key == NOT
                    && let Val::Array(items) = self.trace.values.get(*list)
                    && let [ArrayItem::Value(inner)] = items.as_slice()
                {
                    let inner = *inner;
                    said.negated = !said.negated;
                    self.mean(inner, said);
                } else if let Some(row) = self.changed_row(value) {
                    self.mean(row, said);
                }
            }
            // A literal of a row: its own members say which one is meant.
            Val::Call { callee, args, is_new: true, .. } => {
                said.entity = Some(callee);
                said.built.row = args.first().copied();
            }
            Val::Made(_, members) => {
                said.entity = Some(value);
                said.built.row = Some(members);
            }
            _ => match self.row_of(value) {
                Some(op) => {
                    let op = self.trace.op(op);
                    said.of = Some(Named { name: op.entity.clone(), schema: op.schema, confidence: op.confidence });
                    said.built.row = Some(value);
                }
                None => said.entity = Some(value),
            },
        }
    }

    /// The row that an object was made of by changing members.
    pub fn changed_row(&self, value: ValId) -> Option<ValId> {
        let Val::Object(entries) = self.trace.values.get(value) else { return None };
        entries.iter().find_map(|entry| match entry {
            ObjectEntry::Spread(row) => self.row_of(*row).map(|_| *row),
            _ => None,
        })
    }

    /// Of a row that was changed, the members that were; of a literal of a row, those that it lists.
    fn changes_of(&mut self, value: ValId) -> ValId {
        let object = match self.trace.values.get(value) {
            Val::Call { args, is_new: true, .. } if args.len() == 1 => args[0],
            Val::Made(_, members) => *members,
            _ => value,
        };
        let Val::Object(entries) = self.trace.values.get(object).clone() else { return value };
        let is_base = |entry: &ObjectEntry| match entry {
            ObjectEntry::Spread(base) => self.is_default(*base) || self.row_of(*base).is_some(),
            _ => false,
        };
        let kept = entries.iter().filter(|entry| !is_base(entry)).cloned().collect();
        self.trace.object(kept)
    }

    /// Whether a value is what its type starts with.
    pub(super) fn is_default(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Call { callee, .. } => self.name_of(*callee) == Some("default"),
            _ => false,
        }
    }

    /// The library that a row stands in.
    fn library_of(&self, row: &CallRow) -> Option<&'m Library> {
        let mut libraries = self.model.registry.libraries().iter();
        libraries.find(|library| library.calls.iter().any(|own| std::ptr::eq(own, row)))
    }

    /// The operation that gave a row.
    pub fn row_of(&self, value: ValId) -> Option<OpId> {
        match self.trace.values.get(value) {
            Val::Result(op) => Some(*op),
            Val::Element(rows) => self.row_of(*rows),
            Val::Field(rows, at) if at.parse::<usize>().is_ok() => self.row_of(*rows),
            Val::Phi(phi) => self.trace.values.phi(*phi).operands.iter().find_map(|(_, operand)| {
                matches!(self.trace.values.get(*operand), Val::Result(_)).then(|| self.row_of(*operand))?
            }),
            _ => None,
        }
    }

    fn is_aggregate(&self, value: ValId) -> bool {
        match self.trace.values.get(value) {
            Val::Object(entries) => {
                matches!(entries.as_slice(), [ObjectEntry::Field(key, _)] if key == COUNT || key == AGGREGATE)
            }
            Val::Array(items) => {
                matches!(items.as_slice(), [ArrayItem::Value(only)] if self.is_aggregate(*only))
            }
            _ => false,
        }
    }

    /// The names of listed columns.
    fn columns_in(&self, library: &Library, value: ValId) -> Vec<Option<String>> {
        match self.trace.values.get(value) {
            Val::Array(items) => {
                let values = items.iter().map(|item| match item {
                    ArrayItem::Value(item) | ArrayItem::Spread(item) => *item,
                });
                values.map(|item| self.column_name(library, item)).collect()
            }
            _ => vec![self.column_name(library, value)],
        }
    }

    /// The level that the calls behind a value ask for, for the transaction that is opened on it.
    pub fn asked_level(&mut self, region: &RegionRow, value: ValId) -> Option<String> {
        let query = self.joined_query(value, 4)?;
        let library = &self.model.registry.libraries()[query.library];
        query.steps.iter().rev().find_map(|step| {
            let row = library.calls.get(step.row)?;
            let said = row.isolation_by.as_ref().and_then(|selector| self.select(selector, None, &step.args));
            said.and_then(|said| self.level(region, said)).or_else(|| row.isolation.clone())
        })
    }

    /// What a value goes through: the handle that the calls behind it name, or itself.
    pub fn handle_behind(&mut self, value: ValId) -> ValId {
        match self.joined_query(value, 4) {
            Some(query) => self.said(&query).handle.unwrap_or(value),
            None => value,
        }
    }

    /// The entity that a value names: by its own name, or by that of the statement it is.
    pub fn entity_named(&mut self, library: &Library, value: ValId) -> Option<Named> {
        if let Some(query) = self.joined_query(value, 4) {
            let entity = self.said(&query).entity?;
            if self.joined_query(entity, 4).is_some() {
                return None;
            }
            return self.entity_named(library, entity);
        }
        let name = self.entity_name(library, value)?;
        let schema = self.schema_position(&name);
        let known = schema.map(|(schema, entity)| self.model.schemas[schema].entities[entity].name.clone());
        let confidence = if schema.is_some() { Confidence::High } else { Confidence::Medium };
        Some(Named { name: known.unwrap_or(name), schema, confidence })
    }

    /// Where the schema describes the entity of a name.
    pub fn schema_position(&self, name: &str) -> Option<(usize, usize)> {
        let schema = self.model.schema_of[self.trace.home.0 as usize]?;
        Some((schema, self.model.schemas[schema].position_by_table(name)?))
    }

    /// The name of the entity that a value stands for, as far as the library's names tell.
    fn entity_name(&self, library: &Library, value: ValId) -> Option<String> {
        if let Val::Class(class) | Val::Made(class, _) = self.trace.values.get(value)
            && let Some(name) = self.entity_of_struct(library, *class)
        {
            return Some(name);
        }
        if let Some(text) = self.trace.values.literal(value).and_then(|literal| match literal {
            Literal::Text(text) => Some(text.clone()),
            _ => None,
        }) {
            return Some(text);
        }
        let value = match self.trace.values.get(value) {
            Val::Call { callee, is_new: true, .. } => *callee,
            _ => value,
        };
        let path = self.path_of(value)?;
        let mut segments: Vec<&str> = path.split("::").collect();
        // `orders::table`, `order::Entity`: the module in front has the name.
        while segments.len() > 1 && segments.last().is_some_and(|last| library.names.skip.iter().any(|s| s == last)) {
            segments.pop();
        }
        let last = segments.last()?;
        Some(library.names.entity.convert(last))
    }

    /// Whether a value names an entity of the schema.
    pub fn names_entity(&self, library: &Library, value: ValId) -> bool {
        let is_name = matches!(self.trace.values.get(value), Val::Global(_) | Val::External(..) | Val::Field(..));
        is_name
            && library.types.iter().flat_map(|row| &row.patterns).any(|pattern| *pattern == TypePattern::Entity)
            && self.entity_name(library, value).is_some_and(|name| self.schema_position(&name).is_some())
    }
}
