//! SQL text that calls hand over, read into operations.

use super::elaborate::Elaborator;
use super::trace::{Bound, Op, OpSource, RegionKind};
use super::value::{ArrayItem, Literal, TextPart, Val, ValId};
use crate::finding::Confidence;
use crate::ir::Language;
use crate::library::{CallRow, Missing, ParamPattern, Root, Rows, Selector, Verb};
use crate::link::UnitId;
use crate::sql;
use std::rc::Rc;

/// How much text a statement may have; what stands behind is left out.
const MAX_TEXT: usize = 64 * 1024;

impl<'m> Elaborator<'m, '_> {
    /// The operations that the pieces of an SQL text describe.
    pub fn statements(&mut self, base: Op<'m>, pieces: &[ValId], mut bound: Bound) -> Vec<Op<'m>> {
        let mut written = String::new();
        let pieces: Vec<ValId> = pieces.iter().flat_map(|piece| self.pieces_of(*piece)).collect();
        let mut behind_value = false;
        for piece in &pieces {
            let before = written.len();
            self.spell(*piece, &mut written, &mut bound.holes, 6);
            let added = &written[before..];
            // Values that are pushed one behind the other are a list.
            let is_next = added.starts_with(|c: char| c == sql::HOLE || c.is_alphanumeric() || c == '"');
            let is_value = added.starts_with(sql::HOLE);
            if behind_value && is_next {
                written.insert_str(before, ", ");
            }
            behind_value = is_value;
        }
        self.statements_of(base, &written, bound)
    }

    /// The text that a list of texts is put together to: `[a, b].join(", ")`, `[a, b].concat()`, and the list that lists
    /// are; a list of placeholders that is repeated is one.
    pub fn joined_text(&mut self, list: ValId, name: &str, args: &[ValId]) -> Option<ValId> {
        if name == "repeat" && args.len() == 1 {
            // How often does not matter to what stands in a list of placeholders.
            let text = self.trace.values.text(list)?;
            return text.trim_end().ends_with(',').then_some(list);
        }
        let between = match (name, args) {
            ("join", [between]) => self.trace.values.text(*between)?.to_owned(),
            ("concat", []) => String::new(),
            _ => return None,
        };
        let Val::Array(items) = self.trace.values.get(list).clone() else { return None };
        let is_list = |item: &ArrayItem| matches!(item, ArrayItem::Value(item) if matches!(self.trace.values.get(*item), Val::Array(_) | Val::Over(..)));
        if name == "concat" && items.iter().any(is_list) {
            let items = items.into_iter().flat_map(|item| match item {
                ArrayItem::Value(inner) => match self.trace.values.get(inner) {
                    Val::Array(inner) => inner.clone(),
                    _ => vec![ArrayItem::Spread(inner)],
                },
                spread @ ArrayItem::Spread(_) => vec![spread],
            });
            let items = items.collect();
            return Some(self.trace.values.add(Val::Array(items)));
        }
        let mut parts: Vec<TextPart> = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let ArrayItem::Value(item) = item else { return None };
            if at > 0 {
                parts.push(TextPart::Text(between.clone()));
            }
            match self.trace.values.get(item) {
                Val::Const(Literal::Text(text)) => parts.push(TextPart::Text(text.clone())),
                Val::Text(inner) => parts.extend(inner.iter().cloned()),
                Val::Array(_) => return None,
                _ => parts.push(TextPart::Hole(item)),
            }
        }
        Some(self.trace.text(parts))
    }

    /// The operations that an SQL text describes.
    pub fn statements_of(&mut self, base: Op<'m>, written: &str, bound: Bound) -> Vec<Op<'m>> {
        let bound = Rc::new(bound);
        let mut ops: Vec<Op<'m>> = Vec::new();
        for statement in sql::read(written, sql::Dialect::Generic) {
            let op = match &statement.kind {
                sql::Kind::Query(query) => {
                    // `SELECT EXISTS (SELECT …)` is the read inside.
                    let asked = |op: &Op<'_>| exists(op).is_some_and(|exists| exists != sql::Exists::No);
                    if query.table.is_none() && query.verb == sql::Verb::Select && ops.last().is_some_and(asked) {
                        continue;
                    }
                    if query.table.as_ref().is_some_and(|table| self.temporary.contains(&table.name.to_lowercase())) {
                        // Nobody else sees these rows.
                        continue;
                    }
                    self.queried(&base, query)
                }
                sql::Kind::Ddl(sql::Ddl::CreateTable(created)) if created.temporary => {
                    self.temporary.insert(created.table.name.to_lowercase());
                    continue;
                }
                sql::Kind::SetIsolation { level, .. } => {
                    self.set_level(&base, *level);
                    continue;
                }
                sql::Kind::AdvisoryLock { .. }
                | sql::Kind::AdvisoryUnlock { .. }
                | sql::Kind::LockTable(_)
                | sql::Kind::Savepoint(_)
                | sql::Kind::RollbackTo(_)
                | sql::Kind::Release(_) => {
                    Op { verb: Verb::Sql, rows: Rows::Number, confidence: Confidence::Medium, ..base.clone() }
                }
                // A transaction that is written out: what it locks at once is held to where one ends.
                kind if kind.keeps_writers_out() || kind.ends_transaction() && self.keeps_writers_out() => {
                    Op { verb: Verb::Sql, rows: Rows::Number, confidence: Confidence::Medium, ..base.clone() }
                }
                _ => continue,
            };
            let confidence = op.confidence.min(base.confidence);
            ops.push(Op { confidence, source: OpSource::Sql(Box::new(statement), Rc::clone(&bound)), ..op });
        }
        ops
    }

    /// Whether a statement of the trace has locked the database for its writers.
    fn keeps_writers_out(&self) -> bool {
        let mut statements = self.trace.ops.iter().filter_map(|op| match &op.source {
            OpSource::Sql(statement, _) => Some(&statement.kind),
            _ => None,
        });
        statements.any(sql::Kind::keeps_writers_out)
    }

    fn queried(&self, base: &Op<'m>, query: &sql::Query) -> Op<'m> {
        let verb = match query.verb {
            sql::Verb::Select if query.aggregate.is_some() && !query.grouped => Verb::Count,
            sql::Verb::Select => Verb::Read,
            sql::Verb::Insert if query.settles() => Verb::Upsert,
            sql::Verb::Insert => Verb::Create,
            sql::Verb::Update => Verb::Update,
            sql::Verb::Delete => Verb::Delete,
        };
        let (rows, missing) = match query.exists {
            _ if verb == Verb::Count => (Rows::Number, Missing::Zero),
            // The number that comes back is that of the rows it has hit.
            sql::Exists::No if base.rows == Rows::Number => (Rows::Many, base.missing),
            sql::Exists::No => (base.rows, base.missing),
            sql::Exists::Yes | sql::Exists::Negated => (Rows::One, Missing::Null),
        };
        let table = query.table.as_ref().map(|table| table.name.clone()).unwrap_or_default();
        // What is not in the schema of whoever starts may be in that of the package which has the statement.
        let described = |unit: UnitId| {
            let schema = self.model.schema_of[unit.0 as usize]?;
            Some((schema, self.model.schemas[schema].position_by_table(&table)?))
        };
        let schema = described(self.trace.home).or_else(|| described(self.trace.frames[base.frame.index()].func.unit));
        let entity = schema.map_or(table, |(s, e)| self.model.schemas[s].entities[e].name.clone());
        let confidence = if schema.is_some() { Confidence::High } else { Confidence::Medium };
        Op { verb, entity, schema, rows, missing, lock: query.lock.clone(), confidence, ..base.clone() }
    }

    /// `SET TRANSACTION ISOLATION LEVEL …`, run inside the transaction.
    fn set_level(&mut self, base: &Op<'m>, level: sql::Isolation) {
        let Some(region) = base.region else { return };
        if let RegionKind::Transaction { isolation, .. } = &mut self.trace.regions[region.index()].kind {
            let name = match level {
                sql::Isolation::ReadUncommitted => "read uncommitted",
                sql::Isolation::ReadCommitted => "read committed",
                sql::Isolation::RepeatableRead => "repeatable read",
                sql::Isolation::Snapshot => "snapshot",
                sql::Isolation::Serializable => "serializable",
            };
            *isolation = Some(name.to_owned());
        }
    }

    /// Adds the values that a call binds to placeholders.
    pub fn bind(&mut self, row: &CallRow, receiver: Option<ValId>, args: &[ValId], bound: &mut Bound) {
        if let Some(selector) = &row.bind {
            bound.values.extend(self.select_all(selector, &row.on.params, receiver, args));
        }
        let Some(list) = row.binds.as_ref().and_then(|selector| self.select(selector, receiver, args)) else { return };
        let Val::Array(items) = self.trace.values.get(list).clone() else { return };
        for item in items {
            let (ArrayItem::Value(item) | ArrayItem::Spread(item)) = item;
            match self.named_value(item) {
                Some(named) => bound.named.push(named),
                None => bound.values.push(item),
            }
        }
    }

    /// A pair of a placeholder's name and its value: `(":id", id)`.
    fn named_value(&self, item: ValId) -> Option<(String, ValId)> {
        let Val::Array(pair) = self.trace.values.get(item) else { return None };
        let [ArrayItem::Value(name), ArrayItem::Value(value)] = pair.as_slice() else { return None };
        let name = self.trace.values.text(*name)?.strip_prefix([':', '@', '$'])?;
        Some((name.to_owned(), *value))
    }

    /// The values that a selector picks: several for a parameter that takes the rest.
    fn select_all(
        &mut self,
        selector: &Selector,
        params: &[ParamPattern],
        receiver: Option<ValId>,
        args: &[ValId],
    ) -> Vec<ValId> {
        match selector.root {
            Root::Param(first) if params.get(first).is_some_and(|param| param.rest) => {
                args[first.min(args.len())..].to_vec()
            }
            _ => self.select(selector, receiver, args).into_iter().collect(),
        }
    }

    /// Writes a value that is SQL text, with holes for what is not known. Nested templates are taken in.
    fn spell(&self, value: ValId, out: &mut String, holes: &mut Vec<ValId>, depth: usize) {
        let depth = depth.saturating_sub(1);
        if out.len() > MAX_TEXT {
            return;
        }
        match self.trace.values.get(value) {
            Val::Const(literal) => {
                if let Literal::Text(text) = literal {
                    push_capped(out, text);
                }
            }
            Val::Text(parts) => {
                // A text that is put together has its pieces as they are; of one that starts with nothing, and of a tagged
                // one, they are values.
                let by_pieces = self.model.program.unit(self.trace.home).language == Language::Rust
                    && !matches!(parts.first(), Some(TextPart::Text(text)) if text.is_empty());
                for part in parts {
                    match part {
                        TextPart::Text(text) => push_capped(out, text),
                        TextPart::Hole(hole) if by_pieces && self.trace.values.text(*hole).is_some() => {
                            push_capped(out, self.trace.values.text(*hole).unwrap_or_default());
                        }
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
}

/// Adds text up to the limit.
fn push_capped(out: &mut String, text: &str) {
    let room = MAX_TEXT.saturating_sub(out.len()).min(text.len());
    out.push_str(&text[..text.floor_char_boundary(room)]);
}

/// Whether an operation only asks if there are rows.
pub(super) fn exists(op: &Op<'_>) -> Option<sql::Exists> {
    match &op.source {
        OpSource::Sql(statement, _) => Some(statement.query()?.exists),
        _ => None,
    }
}
