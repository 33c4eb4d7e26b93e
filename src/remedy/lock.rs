//! Locks: the row that is read, or the row that a set of rows belongs to; and the set that is changed as a whole.

use super::scene::{Scene, Site, Val};
use super::text::{Member, WIDTH, flat, object};
use super::{Holes, sql};
use crate::analysis::window::Link;
use crate::ir::{Const, ExprKind};
use crate::library::Rows;
use crate::schema::{Column, ColumnKind, Entity};

impl<'a> Scene<'a> {
    /// The lock of the row that the check reads, by its key.
    pub(super) fn lock_read(&self) -> Option<Holes> {
        if matches!(self.case.link, Link::Absence) {
            // What is not there cannot be locked.
            return None;
        }
        let entity = self.entity(self.check)?;
        let members = self.plain_members(self.check, self.condition(self.check)?)?;
        self.lock(entity, &self.by_key(self.check, entity, &members)?)
    }

    /// The lock of the one row that the rows of the set belong to.
    pub(super) fn lock_parent(&self) -> Option<Holes> {
        let schema = self.schema?;
        let entity = self.entity(self.check)?;
        let members = self.plain_members(self.check, self.condition(self.check)?)?;
        // A row that is read together with its set is the parent itself.
        if self.entity(self.act).is_some_and(|acted| acted.name != entity.name)
            && let Some(key) = self.by_key(self.check, entity, &members)
        {
            return self.lock(entity, &key);
        }
        let equal: Vec<&Member<'a>> = members.iter().filter(|member| self.is_equality(self.check, member)).collect();
        let value = |name: &str| equal.iter().find(|m| m.key == Some(name)).map(|member| member.value);
        for member in &equal {
            let Some(column) = member.key.and_then(|key| entity.relation_over(key)) else { continue };
            let ColumnKind::Relation(relation) = &column.kind else { continue };
            let Some(parent) = schema.entity(&relation.entity) else { continue };
            let pairs: Option<Vec<(&Column, Val<'a>)>> = relation
                .fields
                .iter()
                .zip(&relation.references)
                .map(|(field, referred)| Some((parent.column(referred)?, value(field)?)))
                .collect();
            if let Some(pairs) = pairs.filter(|pairs| !pairs.is_empty()) {
                return self.lock(parent, &pairs);
            }
        }
        None
    }

    /// The columns of a unique key with the values that a condition compares them with.
    fn by_key(&self, site: Site<'a>, entity: &'a Entity, members: &[Member<'a>]) -> Option<Vec<(&'a Column, Val<'a>)>> {
        let value = |name: &str| {
            let member = members.iter().find(|member| member.key == Some(name))?;
            self.is_equality(site, member).then_some(member.value)
        };
        entity.keys.iter().filter(|key| key.is_plain() && !key.columns.is_empty()).find_map(|key| {
            let pairs = key.columns.iter().map(|name| Some((entity.column(name)?, value(name)?)));
            pairs.collect::<Option<Vec<_>>>()
        })
    }

    fn lock(&self, entity: &Entity, by: &[(&Column, Val<'a>)]) -> Option<Holes> {
        let engine = self.case.database.name.as_str();
        let conditions = by.iter().map(|(column, value)| {
            let name = sql::name(engine, &column.mapped)?;
            Some(match &self.known(*value).expr.kind {
                ExprKind::Const(Const::Null | Const::Unset) => return None,
                ExprKind::Const(Const::Text(text)) => format!("{name} = {}", sql::literal(text)?),
                ExprKind::Const(Const::Number(number)) => format!("{name} = {number}"),
                ExprKind::Const(Const::Bool(truth)) => format!("{name} = {truth}"),
                _ => {
                    let text = self.text_at_check(*value)?;
                    let postgres = matches!(engine, "postgresql" | "cockroachdb");
                    let uuid = column.native_type.as_deref().is_some_and(|native| native.contains("Uuid"));
                    match &column.kind {
                        // A parameter is text, and neither of these compares with text.
                        ColumnKind::Enum(_) if postgres => return None,
                        _ if postgres && uuid => format!("{name} = ${{{text}}}::uuid"),
                        _ => format!("{name} = ${{{text}}}"),
                    }
                }
            })
        });
        let condition = conditions.collect::<Option<Vec<_>>>()?.join(" AND ");
        Some(Holes::from([
            ("client", self.outer_client()?),
            ("table", sql::name(engine, &entity.table)?),
            ("condition", condition),
        ]))
    }

    /// The lock of the name of what is looked for.
    pub(super) fn lock_name(&self) -> Option<Holes> {
        let asked = self.condition(self.check).and_then(|asked| self.plain_members(self.check, asked));
        let varies = |member: &Member<'a>| !matches!(self.known(member.value).expr.kind, ExprKind::Const(_));
        let equal = |member: &&Member<'a>| self.is_equality(self.check, member) && varies(member);
        let values: Vec<String> = asked
            .unwrap_or_default()
            .iter()
            .filter(equal)
            .map(|member| self.text_at_check(member.value).filter(|text| !text.contains(['`', '$', '{'])))
            .collect::<Option<_>>()?;
        let entity = &self.case.check.entity;
        let name = match values.as_slice() {
            [] => sql::literal(entity)?,
            values => {
                let holes: Vec<String> = values.iter().map(|value| format!("${{{value}}}")).collect();
                format!("${{`{entity} {}`}}", holes.join(" "))
            }
        };
        Some(Holes::from([("client", self.outer_client()?), ("name", name)]))
    }

    /// The text of a value where the check stands, which a lock comes before.
    fn text_at_check(&self, value: Val<'a>) -> Option<String> {
        let written = || Some(flat(self.slice(value.unit, value.expr.span))).filter(|text| !text.is_empty());
        self.text(value).or_else(written)
    }

    /// Both writes, one after the other, through the transaction.
    pub(super) fn both_in_one(&self) -> Option<Holes> {
        let ways = self.ways();
        let straight = ways.first().is_some_and(|way| way.turns.is_empty()) && ways.len() == 1;
        let once = !self.after_act().contains(&self.act.block) && self.check.func == self.act.func;
        if !straight || !once || self.check.unit != self.act.unit {
            return None;
        }
        let through = |site: Site<'a>| {
            let (client, _) = self.client(site)?;
            let client = self.text(Val { unit: site.unit, expr: client })?;
            Some(format!("tx{}", self.call_text(site.unit, site.call)?.strip_prefix(&client)?))
        };
        let call = format!("{};\nawait {}", through(self.check)?, through(self.act)?);
        Some(Holes::from([("client", self.outer_client()?), ("call", call)]))
    }

    /// The flag taken from every row of the group, and then given to one.
    pub(super) fn whole_group_unset(&self) -> Option<Holes> {
        let Link::Exclusive(flag) = &self.case.link else { return None };
        // Of a column with more values than two, rows with another one would lose it.
        let column = self.entity(self.act)?.column(flag)?;
        if !column.optional && !matches!(&column.kind, ColumnKind::Scalar(name) if name == "Boolean") {
            return None;
        }
        let many = |site: Site<'a>| self.row(site.call).map(|row| row.rows == Rows::Many);
        let (unset, set) = match (many(self.check)?, many(self.act)?) {
            (true, false) => (self.check, self.act),
            (false, true) => (self.act, self.check),
            _ => return None,
        };
        // A new row is in no group that could be locked.
        if self.verb(set)? != crate::library::Verb::Update || unset.unit != set.unit || unset.func != set.func {
            return None;
        }
        let primary = self.entity(unset).and_then(|entity| entity.primary_key());
        let is_primary = |key: &str| primary.is_some_and(|primary| primary.columns.iter().any(|c| c == key));
        let mut group = Vec::new();
        if let Some(condition) = self.condition(unset) {
            for member in self.members(condition)? {
                if member.key == Some(flag) || member.key.is_some_and(is_primary) && self.is_exclusion(&member) {
                    continue;
                }
                if !self.is_equality(unset, &member) {
                    return None;
                }
                group.push(self.entry(&member)?);
            }
        }
        let (client, accessor) = self.client(unset)?;
        let (setter, _) = self.client(set)?;
        let setter = self.text(Val { unit: set.unit, expr: setter })?;
        self.text(Val { unit: unset.unit, expr: client })?;
        let call = self.call_text(set.unit, set.call)?;
        Some(Holes::from([
            ("client", self.outer_client()?),
            ("accessor", accessor.to_owned()),
            ("key", object(&group, WIDTH)),
            ("data", self.text(self.written(unset)?)?),
            ("call", format!("tx{}", call.strip_prefix(&setter)?)),
        ]))
    }
}
