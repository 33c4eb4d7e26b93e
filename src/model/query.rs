//! Statements in the making: values that calls add to, and that one call runs.

use std::rc::Rc;

use super::elaborate::{At, Elaborator};
use super::trace::{Bound, Built, Op, OpSource};
use super::value::{Literal, Query, QueryStep, TextPart, Val, ValId};
use crate::finding::Confidence;
use crate::library::{CallRow, Library, OnConflict, RowLock, TypePattern, Verb};
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
    pub fn step(&self, row: usize, receiver: ValId, args: &[ValId]) -> QueryStep {
        let starts = self.joined_query(receiver, 4).is_none();
        QueryStep { row, receiver: starts.then_some(receiver), args: args.to_vec() }
    }

    /// The statement with one more call.
    pub fn extend(&mut self, library: usize, row: usize, receiver: ValId, args: &[ValId]) -> ValId {
        let step = self.step(row, receiver, args);
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
        let verb = said.verb.or(row.verb).unwrap_or(Verb::Read);
        let given: Vec<ValId> = query.steps.iter().flat_map(|step| step.args.iter().copied()).collect();
        let mut base = self.op_in(at, by, verb, handle, name, &given);
        base.scalar |= said.scalar;
        if !said.pieces.is_empty() {
            if query.vague {
                base.confidence = Confidence::Medium;
            }
            return self.statements(base, &said.pieces, said.bound);
        }
        let named = said.entity.and_then(|value| self.entity_named(library, value));
        let Some(entity) = named else { return Vec::new() };
        let verb = match (verb, said.built.conflict) {
            (Verb::Create, Some(OnConflict::Update)) => Verb::Upsert,
            _ => verb,
        };
        let built = Built { vague: query.vague, ..said.built };
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
        said.handle = pick(&row.handle).or(said.handle);
        said.entity = pick(&row.entity).or(said.entity);
        said.pieces.extend(pick(&row.sql));
        let hole = pick(&row.hole);
        said.built.keys.extend(pick(&row.key));
        said.built.limit = pick(&row.limit).or(said.built.limit);
        said.built.order.extend(pick(&row.order));
        said.built.create.extend(pick(&row.create));
        let set = pick(&row.set);
        said.verb = row.verb.filter(|_| !row.run).or(said.verb);
        said.built.conflict = row.conflict.or(said.built.conflict);
        let inserts = said.verb == Some(Verb::Create) && said.built.conflict != Some(OnConflict::Update);
        if inserts { &mut said.built.create } else { &mut said.built.set }.extend(set);
        said.scalar |= row.scalar;
        if let Some(hole) = hole {
            // A text that is nothing but the value.
            said.pieces
                .push(self.trace.values.add(Val::Text(vec![TextPart::Text(String::new()), TextPart::Hole(hole)])));
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

    /// The level that the calls behind a value ask for, for the transaction that is opened on it.
    pub fn asked_level(&self, value: ValId) -> Option<String> {
        let query = self.joined_query(value, 4)?;
        let library = &self.model.registry.libraries()[query.library];
        let rows = query.steps.iter().rev().filter_map(|step| library.calls.get(step.row));
        rows.filter_map(|row| row.isolation.clone()).next()
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
        if let Some(text) = self.trace.values.literal(value).and_then(|literal| match literal {
            Literal::Text(text) => Some(text.clone()),
            _ => None,
        }) {
            return Some(text);
        }
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
