//! The code of remedies: a library's template, filled with pieces of the user's text.
//!
//! Rules name an intent; a library has a template for it, per engine; what stands here finds the pieces (the condition,
//! the written columns, what the code does where the check fails) in the representation of the code, and their texts in
//! the sources. It knows no library: how a condition says "at least" and what an increment is called are library data.
//!
//! Nothing is guessed. Where a piece is not there, or uses names that the act cannot see, there is no code, and the
//! remedy's sentence stands alone.

mod bears;
mod data;
mod exit;
mod guard;
mod key;
mod lock;
mod path;
mod scene;
mod sql;
mod text;

use std::collections::BTreeMap;

use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::finding::{Attempt, Sketch};
use crate::ir::{Expr, ExprKind, Item};
use crate::library::{Registry, Rows, Verb};
use crate::link::Program;
use crate::schema::{ColumnKind, Schema};
use crate::source::Sources;
use exit::{Found, Take};
use guard::{Fact, Test};
use path::Path;
use scene::{Scene, Site, Val};
use text::{WIDTH, object};

/// What goes into the holes.
type Holes = BTreeMap<&'static str, String>;

/// What stands before the template, if anything: no hole of it.
const BEFORE: &str = "(before)";

/// What stands behind it.
const AFTER: &str = "(after)";

/// What a unique key is on, in words.
const KEY: &str = "(key)";

/// That the condition is the test which the code makes.
const TESTED: &str = "(tested)";

/// What becomes of an intent for a case.
#[must_use]
pub fn attempt(
    program: &Program,
    sources: &Sources,
    registry: &Registry,
    schemas: &[Schema],
    case: &Case,
    intent: &str,
) -> Attempt {
    let Some(library) = case.library.as_deref().and_then(|id| registry.get(id)) else { return Attempt::Untaught };
    let scene = Scene::new(program, sources, registry, schemas, case);
    let is_key = matches!(intent, "add-unique-key" | "add-partial-key");
    if is_key && scene.as_ref().is_some_and(|scene| !scene.bears_key()) {
        return Attempt::Unfit;
    }
    if library.remedies.is_empty() {
        return Attempt::Untaught;
    }
    scene.and_then(|scene| scene.sketch(intent)).map_or(Attempt::Unfit, Attempt::Written)
}

impl<'a> Scene<'a> {
    /// The code that carries out an intent; `None` where it cannot be written down.
    fn sketch(&self, intent: &str) -> Option<Sketch> {
        let (variant, mut holes) = match intent {
            "merge-into-upsert" => (intent, self.upsert()?),
            "skip-duplicates" => self.skip_duplicates()?,
            "handle-conflict" => (intent, self.handle_conflict()?),
            "guard-where" => (intent, self.guarded_update()?),
            "guard-delete" => (intent, self.guarded_delete()?),
            "atomic-delta" => (intent, self.atomic_delta()?),
            "lock-read" => (intent, self.lock_read()?),
            "lock-parent" => (intent, self.lock_parent()?),
            "lock-name" => (intent, self.lock_name()?),
            "raise-isolation" => (intent, Holes::from([("client", self.outer_client()?)])),
            "wrap-in-transaction" => (intent, self.both_in_one()?),
            "add-unique-key" | "add-partial-key" => self.add_key()?,
            "whole-group-unset" => (intent, self.whole_group_unset()?),
            // A column to count in is not there yet, and its name is not ours to choose.
            _ => return None,
        };
        let batch = matches!(intent, "guard-where" | "guard-delete") && self.is_batch();
        if batch {
            holes.insert("client", "tx".to_owned());
        }
        let mut code = self.filled(variant, &holes)?;
        if batch {
            let whole = Holes::from([("client", self.outer_client()?), ("body", code)]);
            code = self.filled("in-one-transaction", &whole)?;
        }
        Some(Sketch { code, key: holes.get(KEY).cloned(), tested: holes.contains_key(TESTED) })
    }

    /// The library's template for the engine at hand, filled.
    fn filled(&self, intent: &str, holes: &Holes) -> Option<String> {
        let engine = self.case.database.name.as_str();
        let fits = |engines: &[String]| engines.is_empty() || engines.iter().any(|name| name == engine);
        let row = self.library.remedies.iter().find(|row| row.intent == intent && fits(&row.engines))?;
        let code = row.fill(|hole| holes.get(hole).map(String::as_str))?;
        let before = holes.get(BEFORE).map_or("", String::as_str);
        let after = holes.get(AFTER).map_or("", String::as_str);
        Some(format!("{before}{}{after}", code.trim_end()))
    }

    /// The ways from the check to the act that are possible.
    fn ways(&self) -> Vec<Path<'a>> {
        self.possible(self.paths())
    }

    fn verb(&self, site: Site<'a>) -> Option<Verb> {
        self.row(site.call)?.verb
    }

    /// The condition of a call.
    fn condition(&self, site: Site<'a>) -> Option<Val<'a>> {
        self.pick(site, self.row(site.call)?.key.as_ref())
    }

    /// The written columns of a call.
    fn written(&self, site: Site<'a>) -> Option<Val<'a>> {
        self.pick(site, self.row(site.call)?.set.as_ref())
    }

    /// Client and accessor of the act, as holes.
    fn through(&self) -> Option<Holes> {
        let (client, accessor) = self.client(self.act)?;
        let client = self.text(Val { unit: self.act.unit, expr: client })?;
        Some(Holes::from([("client", client), ("accessor", accessor.to_owned())]))
    }

    fn upsert(&self) -> Option<Holes> {
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
    fn skip_duplicates(&self) -> Option<(&'static str, Holes)> {
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

    fn handle_conflict(&self) -> Option<Holes> {
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

    /// The columns that decide, as entries of a condition; a column whose test is not understood is left to the reader.
    fn guards(&self, ways: &[Path<'a>], columns: &[String]) -> Vec<String> {
        let filter = self.condition(self.check).and_then(|filter| self.members(filter)).unwrap_or_default();
        let mut entries = Vec::new();
        let mut left = Vec::new();
        for column in columns {
            let filtered = || filter.iter().find(|m| m.key == Some(column)).and_then(|member| self.entry(member));
            let entry = if ways.is_empty() { None } else { self.guard(ways, column) };
            match entry.or_else(|| self.known_guard(column)).or_else(filtered) {
                Some(entry) => entries.push(entry),
                None => left.push(format!("`{column}`")),
            }
        }
        if !left.is_empty() {
            entries.push(format!("/* {} as it was checked */", left.join(" and ")));
        }
        entries
    }

    /// The columns that the act does not name already: what it asks to be equal stays as it is, so that it never hits
    /// another row.
    fn unpinned(&self, columns: &[String]) -> Vec<String> {
        let own = self.condition(self.act).and_then(|own| self.plain_members(self.act, own)).unwrap_or_default();
        let pinned =
            |column: &String| own.iter().any(|member| member.key == Some(column) && self.is_equality(self.act, member));
        columns.iter().filter(|column| !pinned(column)).cloned().collect()
    }

    fn guarded_update(&self) -> Option<Holes> {
        let mut holes = self.through()?;
        if self.verb(self.act)? != Verb::Update || self.is_shared() {
            return None;
        }
        let ways = self.ways();
        let written = self.written(self.act)?;
        if self.writes_relations(written) {
            return None;
        }
        let (guard, data, exit) = match &self.case.link {
            Link::Column(columns) => {
                let columns = &self.unpinned(columns);
                if columns.is_empty() {
                    return None;
                }
                let rewritten = ways.first().and_then(|way| self.rewritten(way, written));
                let data = match &rewritten {
                    Some(it) if it.changed => object(&it.entries, WIDTH - 10),
                    _ => self.short(written, WIDTH - 10)?,
                };
                (self.guards(&ways, columns), data, self.exit_of(&ways, columns))
            }
            Link::Feeds(column) => {
                let (guard, data, exit, tested) = self.unchanged(&ways, column, written)?;
                if tested {
                    holes.insert(TESTED, String::new());
                }
                (guard, data, exit)
            }
            _ => return None,
        };
        self.guarded(&mut holes, &guard)?;
        holes.insert("data", data);
        holes.insert("exit", exit);
        if self.take(self.act) != Take::Nothing && self.row(self.act.call)?.rows == Rows::One {
            holes.insert(AFTER, "\n// the count is all this gives: read the row again where it is needed".to_owned());
        }
        holes.extend(self.done_before());
        Some(holes)
    }

    fn guarded_delete(&self) -> Option<Holes> {
        let mut holes = self.through()?;
        if self.verb(self.act)? != Verb::Delete || self.is_shared() {
            return None;
        }
        let ways = self.ways();
        let (guard, exit) = match &self.case.link {
            Link::Column(columns) => {
                let columns = &self.unpinned(columns);
                (self.guards(&ways, columns), self.exit_of(&ways, columns))
            }
            // That the row is still there is what the count says.
            Link::Presence => (Vec::new(), self.exit_of(&ways, &[])),
            _ => return None,
        };
        self.guarded(&mut holes, &guard)?;
        holes.insert("exit", exit);
        holes.extend(self.done_before());
        Some(holes)
    }

    /// A remark where something that depends on the check is done before the act: the act must come first.
    fn done_before(&self) -> Option<(&'static str, String)> {
        let from = self.check_calls.iter().chain([&self.check]).find(|site| site.func == self.act.func)?;
        let between = crate::text::Span::new(from.call.span.end, self.act.call.span.start.max(from.call.span.end));
        let arguments = self.values_of(self.act);
        let feeds = |site: &Site<'a>| {
            let named = match self.take(*site) {
                Take::Name(_, slot) => Some(slot),
                _ => None,
            };
            let is = |_, slot| slot == site.call.out || Some(slot) == named;
            arguments.iter().any(|expr| self.mentions(Val { unit: site.unit, expr }, &is))
        };
        let writes = |site: &Site<'a>| match self.verb(*site) {
            Some(verb) => !matches!(verb, Verb::Read | Verb::Count | Verb::Sql),
            None => site.call.awaited,
        };
        let mut sites = self.calls(self.act.unit).filter(|site| site.func == self.act.func);
        let earlier = sites.any(|site| between.contains(site.call.span) && writes(&site) && !feeds(&site));
        earlier.then(|| (BEFORE, "// first of all, before what depends on the check\n".to_owned()))
    }

    /// Puts the condition into the holes: the act's own, and what is to guard it.
    fn guarded(&self, holes: &mut Holes, guard: &[String]) -> Option<()> {
        let own = self.condition(self.act)?;
        let name = |entry: &str| entry.split(':').next().unwrap_or_default().trim().to_owned();
        let members = self.plain_members(self.act, own);
        let own_entry = |name: &str| {
            let member = members.iter().flatten().find(|member| member.key == Some(name))?;
            self.entry(member)
        };
        let mut guards = Vec::new();
        let mut beside = Vec::new();
        for entry in guard {
            match own_entry(&name(entry)) {
                Some(same) if same == *entry => {}
                // Asked for in another way: both have to hold.
                Some(_) => beside.push(format!("{{ {entry} }}")),
                None => guards.push(entry.clone()),
            }
        }
        if !beside.is_empty() {
            guards.push(format!("{}: [{}]", self.library.filter.and.first()?, beside.join(", ")));
        }
        let key = match members {
            Some(members) => {
                let texts: Option<Vec<String>> = members.iter().map(|member| self.entry(member)).collect();
                object(&texts?, usize::MAX)
            }
            None => self.text(own)?,
        };
        holes.insert("key", key);
        holes.insert("guard", guards.join(", "));
        Some(())
    }

    /// What is done where the count is zero: as where the check of these columns failed.
    fn exit_of(&self, ways: &[Path<'a>], columns: &[String]) -> String {
        let on_column = |fact: &Fact<'a>| matches!(fact, Fact::Column(name, _) if columns.iter().any(|c| c == name));
        let on_row = |fact: &Fact<'a>| matches!(fact, Fact::Row(true));
        // Of several tests the one that another run will have made fail: it looks for what the act writes.
        let written = self.written(self.act).and_then(|written| self.members(written)).unwrap_or_default();
        let written = |column: &str| written.iter().find(|m| m.key == Some(column)).and_then(|m| self.text(m.value));
        let on_written = |fact: &Fact<'a>| match fact {
            Fact::Column(name, Test::Than("ne", value)) => {
                columns.iter().any(|c| c == name) && self.text(*value).is_some_and(|text| Some(text) == written(name))
            }
            _ => false,
        };
        let exit = self.exit(ways, &on_written).or_else(|| self.exit(ways, &on_column));
        // A test of the column that is not understood is a test of it all the same.
        let uses = |way: &Path<'a>, turn: &path::Turn<'a>| {
            let test = Val { unit: turn.unit, expr: turn.test };
            columns.iter().any(|column| self.uses_column(way, test, column))
        };
        let asks =
            |way: &Path<'a>, turn: &path::Turn<'a>| self.facts(way, turn).iter().any(on_column) || uses(way, turn);
        let tested = ways.first().is_some_and(|way| way.turns.iter().any(|turn| asks(way, turn)));
        let exit = match exit {
            None if tested => self.exit_at(ways, &uses),
            None => self.exit(ways, &on_row),
            exit => exit,
        };
        inline(exit, "somebody was faster: as where the check fails")
    }

    /// Whether the act stands in a function that others call as well, for something else.
    fn is_shared(&self) -> bool {
        if self.act_calls.is_empty() {
            return false;
        }
        let name = scene::bare_name(self.program, self.act.unit, self.act.func);
        let named = |site: &Site<'a>| match &site.call.callee.kind {
            ExprKind::Field(_, method) => method == name,
            ExprKind::Slot(slot) => {
                let slots = &self.program.unit(site.unit).slots;
                slots.get(slot.index()).is_some_and(|slot| slot.name == name)
            }
            ExprKind::Func(func) => self.program.unit(site.unit).functions[func.index()].name == name,
            _ => false,
        };
        let units = self.program.units().map(|(unit, _)| unit);
        units.flat_map(|unit| self.calls(unit)).filter(named).take(2).count() > 1
    }

    /// Whether the act is one of a list of statements that are handed to a transaction.
    fn is_batch(&self) -> bool {
        let Some(place) = &self.case.transaction else { return false };
        let opened = self.calls(place.unit).find(|site| site.call.span == place.span);
        let handed = opened.and_then(|site| match site.call.args.first()? {
            Item::Value(expr) => Some(self.known(Val { unit: site.unit, expr }).expr),
            Item::Spread(_) => None,
        });
        !self.act.call.awaited
            && handed.is_some_and(|handed| matches!(handed.kind, ExprKind::Array(_) | ExprKind::Over { .. }))
    }

    /// The transaction's call: the one that holds the act, or that runs a function that does.
    fn transaction(&self) -> Option<Site<'a>> {
        let place = self.case.transaction.as_ref()?;
        let holds = |site: &Site<'a>| place.unit == self.act.unit && site.call.span == place.span;
        let direct = self.calls(self.act.unit).find(holds);
        if let Some(direct) = direct.filter(|site| site.call.span.contains(self.act.call.span)) {
            return Some(direct);
        }
        // A wrapper of the project: the call that a literal around the act is handed to.
        let user = self.user_of(self.act.unit, self.act.func)?;
        user.call
            .args
            .iter()
            .any(|item| matches!(item, Item::Value(Expr { kind: ExprKind::Func(_), .. })))
            .then_some(user)
    }

    /// The client outside of any transaction.
    fn outer_client(&self) -> Option<String> {
        let base = |site: Site<'a>| match &site.call.callee.kind {
            ExprKind::Field(base, _) => Some(Val { unit: site.unit, expr: base }),
            _ => None,
        };
        let Some(place) = &self.case.transaction else {
            if self.case.in_transaction {
                return None;
            }
            let client = match self.client(self.act) {
                Some((client, _)) => Val { unit: self.act.unit, expr: client },
                None => self.row(self.act.call).and_then(|_| base(self.act))?,
            };
            return self.text(client).filter(|text| self.opens(client) && !text.contains('('));
        };
        let opened = self.calls(place.unit).find(|site| site.call.span == place.span)?;
        self.text(base(opened)?)
    }

    /// Whether transactions can be opened on a client: not on what is one's handle already, or a part of a client.
    fn opens(&self, client: Val<'a>) -> bool {
        let ExprKind::Slot(slot) = client.expr.kind else { return true };
        let declared = self.program.unit(client.unit).slots.get(slot.index()).and_then(|slot| slot.ty.as_deref());
        let handles = || self.library.types.iter().filter(|row| row.transaction).flat_map(|row| &row.patterns);
        declared.is_none_or(|ty| {
            let part = ty.starts_with("Pick<") || ty.starts_with("Omit<") || ty.contains('|');
            !part && !handles().any(|pattern| pattern.accepts(ty))
        })
    }
}

/// A statement after a test on the same line, or a remark in its place.
fn inline(statement: Option<String>, remark: &str) -> String {
    match statement {
        Some(text) if text.chars().count() + 28 > WIDTH => format!("{{\n  {text}\n}}"),
        Some(text) => text,
        None => format!("{{ /* {remark} */ }}"),
    }
}
