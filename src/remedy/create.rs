//! Rows that are looked for and created: one statement that does both, or an answer to the violation.

use super::exit::{Found, Take};
use super::scene::{Scene, Site, Val};
use super::text::{WIDTH, object};
use super::{AFTER, BEFORE, Holes, inline};
use crate::analysis::window::Link;
use crate::library::{Rows, Verb};
use crate::schema::ColumnKind;

impl<'a> Scene<'a> {
    /// One statement that finds the row or creates it.
    pub(super) fn upsert(&self) -> Option<Holes> {
        let mut holes = self.through()?;
        // Other writes that go with the new row would go with the old one as well.
        let alone = self.case.decided.iter().all(|place| *place == self.case.act);
        if self.verb(self.act)? != Verb::Create || self.row(self.act.call)?.rows != Rows::One || !alone {
            return None;
        }
        let take = self.take(self.act);
        let ways = self.ways();
        let found = self.found(&ways, &take);
        if !matches!(found, Found::Used | Found::Updated(_)) {
            return None;
        }
        let data = self.written(self.act)?;
        if self.writes_relations(data) {
            return None;
        }
        let key = self.unique_where(data)?;
        let update = match found {
            Found::Updated(site) => {
                let written = self.written(site)?;
                let rewritten = self.rewritten(ways.first()?, written)?;
                if rewritten.leftover || self.writes_relations(written) {
                    return None;
                }
                object(&rewritten.entries, WIDTH - 12)
            }
            _ => format!("{{ {} }}", key.first),
        };
        let (mut key, mut update) = (key.text, update);
        match (self.further()?, self.is_native()) {
            (None, _) => {}
            // What brings related rows along is read afterwards: with it, an upsert is two statements.
            (Some((_, true)), true) => {
                holes.insert(
                    AFTER,
                    "\n// its related rows are read behind it: with them it is no single statement".to_owned(),
                );
            }
            (Some((text, false)), true) => update = format!("{update},\n{text}"),
            (Some((text, _)), false) => key = format!("{key}, {text}"),
        }
        holes.insert("key", key);
        holes.insert("create", self.short(data, WIDTH - 12)?);
        holes.insert("update", update);
        holes.insert("take", take.text());
        Some(holes)
    }

    /// What the act asks for besides what it writes, and whether that may bring related rows along; `None` where it cannot
    /// be written down.
    fn further(&self) -> Option<Option<(String, bool)>> {
        let row = self.row(self.act.call)?;
        let written = row.set.as_ref().and_then(|set| set.path.last());
        let Some(members) = self.only_argument(self.act).and_then(|argument| self.members(argument)) else {
            return Some(None);
        };
        let others: Vec<_> = members.iter().filter(|member| member.key != written.map(String::as_str)).collect();
        if others.is_empty() {
            return Some(None);
        }
        let texts: Vec<String> = others.iter().map(|member| self.entry(member)).collect::<Option<_>>()?;
        let column = |name: &str| self.entity(self.act).and_then(|entity| entity.column(name));
        let plain = |name: &str| column(name).is_some_and(|column| !matches!(column.kind, ColumnKind::Relation(_)));
        let only_columns = others.iter().all(|member| {
            let asked = self.members(member.value).unwrap_or_default();
            !asked.is_empty() && asked.iter().all(|asked| asked.key.is_some_and(plain))
        });
        Some(Some((texts.join(", "), !only_columns)))
    }

    /// Whether the engine at hand has an upsert in one statement.
    fn is_native(&self) -> bool {
        matches!(self.case.database.name.as_str(), "postgresql" | "cockroachdb" | "sqlite")
    }

    /// An insert that leaves out what exists; where the row is wanted, as the remedy that finds or creates.
    pub(super) fn skip_duplicates(&self) -> Option<(&'static str, Holes)> {
        let take = self.take(self.act);
        let found = self.found(&self.ways(), &take);
        if let (Found::Used | Found::Updated(_), false) = (&found, take == Take::Nothing) {
            return matches!(found, Found::Used).then(|| Some(("merge-into-upsert", self.upsert()?))).flatten();
        }
        let mut holes = self.through()?;
        let data = self.written(self.act)?;
        let row = self.row(self.act.call)?;
        if row.verb != Some(Verb::Create) || row.rows != Rows::One || self.writes_relations(data) {
            return None;
        }
        self.proposed_key()?;
        let exit = match found {
            Found::Declined(exit) => exit,
            Found::Unclear => return None,
            _ => None,
        };
        holes.insert("data", self.short(data, WIDTH - 48)?);
        holes.insert("exit", inline(exit, "the row is there already"));
        Some(("skip-duplicates", holes))
    }

    /// The violation caught, and what is done where the row is there.
    pub(super) fn handle_conflict(&self) -> Option<Holes> {
        let assigned = |take: &Take| match take {
            Take::Name(name, _) => format!("{name} = "),
            other => other.text(),
        };
        let row = self.row(self.act.call)?;
        if self.pick(self.act, row.skip_conflicts.as_ref()).is_some() {
            return None;
        }
        let mut take = self.take(self.act);
        let ways = self.ways();
        let mut found = self.found(&ways, &take);
        let is_next = matches!(self.case.link, Link::Next(_));
        if !is_next && (matches!(found, Found::Unclear) || self.case.looked.is_empty()) {
            return None;
        }
        let mut call = self.call_text(self.act.unit, self.act.call);
        let mut client = None;
        if self.case.transaction.is_some() || self.case.in_transaction {
            let around = self.transaction()?;
            take = self.take(around);
            let callee = self.text(Val { unit: around.unit, expr: &around.call.callee })?;
            call = Some(format!("{callee}(…)"));
            client = Some(self.outer_client()?);
            // What the callback returns goes to the transaction's caller first.
            if matches!(&found, Found::Declined(Some(text)) if text.starts_with("return")) {
                found = Found::Other;
            }
        }
        let again = |site: Site<'a>| {
            let row = ways.first();
            let uses_row = |value: Val<'a>| row.is_some_and(|way| self.mentions_row(way, value));
            let condition = self.condition(site)?;
            // Where the row that was read names the row, the key does it now.
            let text = match uses_row(condition) {
                true => self.with(site, condition, &self.unique_where(self.written(self.act)?)?.text)?,
                false => self.call_text(site.unit, site.call)?,
            };
            if self.written(site).is_some_and(uses_row) {
                return None;
            }
            let text = match &client {
                Some(outer) => {
                    let (inner, _) = self.client(site)?;
                    let inner = self.text(Val { unit: site.unit, expr: inner })?;
                    format!("{outer}{}", text.strip_prefix(&inner)?)
                }
                None => text,
            };
            Some(format!("{}await {text};", assigned(&take)))
        };
        let exit = match (&self.case.link, found) {
            (Link::Next(_), _) => "// the number is taken: read the last one again, and try the next".to_owned(),
            (_, Found::Declined(Some(text))) => text,
            (_, Found::Used) if take != Take::Nothing => {
                again(self.check).unwrap_or_else(|| "// the row is there by now: read it again".to_owned())
            }
            (_, Found::Used) => "// the row is there, and that is all that was wanted".to_owned(),
            (_, Found::Updated(site)) => {
                again(site).unwrap_or_else(|| "// the row is there by now: update it".to_owned())
            }
            (_, Found::Declined(None)) => "// the row is there by now: turn the request down as above".to_owned(),
            (_, Found::Other | Found::Unclear) => "// the row is there by now: go on as where it is found".to_owned(),
        };
        let declared = match &take {
            Take::Name(name, slot) if self.assigned(self.act.unit, *slot).is_some() => format!("let {name};\n"),
            _ => String::new(),
        };
        Some(Holes::from([(BEFORE, declared), ("take", assigned(&take)), ("call", call?), ("exit", exit)]))
    }
}
