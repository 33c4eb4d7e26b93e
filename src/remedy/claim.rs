//! Writes that decide by themselves: the check in the condition, and what is done where they hit nothing.

use super::exit::Take;
use super::guard::{Fact, Test};
use super::path::{Path, Turn};
use super::scene::{Scene, Site, Val, bare_name};
use super::text::{WIDTH, object};
use super::{AFTER, BEFORE, Holes, TESTED, inline};
use crate::analysis::window::Link;
use crate::ir::{ExprKind, Item};
use crate::library::{Rows, Verb};
use crate::text::Span;

impl<'a> Scene<'a> {
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
        match left.as_slice() {
            [] => {}
            [only] => entries.push(format!("/* {only} as it was checked */")),
            several => entries.push(format!("/* {} as they were checked */", several.join(" and "))),
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

    /// The act with the check in its condition.
    pub(super) fn guarded_update(&self) -> Option<Holes> {
        let mut holes = self.through()?;
        if self.verb(self.act)? != Verb::Update {
            return None;
        }
        let ways = self.ways();
        let written = self.written(self.act)?;
        if self.writes_relations(written) {
            return None;
        }
        let (guard, data, exit) = match &self.case.link {
            Link::Column(columns) => {
                let open = self.unpinned(columns);
                // Where the act asks for all of it already, all that is missing is a look at the count.
                if open.is_empty() && self.case.guard.is_none() {
                    return None;
                }
                let rewritten = ways.first().and_then(|way| self.rewritten(way, written));
                let data = match &rewritten {
                    Some(it) if it.changed => object(&it.entries, WIDTH - 10),
                    _ => self.short(written, WIDTH - 10)?,
                };
                let tested = if open.is_empty() { columns } else { &open };
                (self.guards(&ways, &open), data, self.exit_of(&ways, tested))
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

    /// The same for a delete.
    pub(super) fn guarded_delete(&self) -> Option<Holes> {
        let mut holes = self.through()?;
        if self.verb(self.act)? != Verb::Delete {
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

    /// A remark on where the act must stand: before all that depends on the check, and apart from what others do with it.
    fn done_before(&self) -> Option<(&'static str, String)> {
        if self.is_shared() {
            let name = bare_name(self.program, self.act.unit, self.act.func);
            let remark = format!("// for this call only: others that call `{name}` have checked something else\n");
            return Some((BEFORE, remark));
        }
        if self.is_behind_others() {
            return Some((BEFORE, "// first of all, before what depends on the check\n".to_owned()));
        }
        let effect = self.case.effects_between.first()?;
        let claims = matches!(self.case.link, Link::Column(_) | Link::Presence);
        let remark =
            format!("// before `{effect}`: with a value that says it has begun, if the rest is known only then\n");
        claims.then_some((BEFORE, remark))
    }

    /// Whether something else that is done on the strength of the check comes before the act.
    fn is_behind_others(&self) -> bool {
        let mut looks = self.check_calls.iter().chain([&self.check]);
        let Some(from) = looks.find(|site| site.func == self.act.func) else { return false };
        let between = Span::new(from.call.span.end, self.act.call.span.start.max(from.call.span.end));
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
        sites.any(|site| between.contains(site.call.span) && writes(&site) && !feeds(&site))
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
    pub(super) fn exit_of(&self, ways: &[Path<'a>], columns: &[String]) -> String {
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
        let uses = |way: &Path<'a>, turn: &Turn<'a>| {
            let test = Val { unit: turn.unit, expr: turn.test };
            columns.iter().any(|column| self.uses_column(way, test, column))
        };
        let asks = |way: &Path<'a>, turn: &Turn<'a>| self.facts(way, turn).iter().any(on_column) || uses(way, turn);
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
        let name = bare_name(self.program, self.act.unit, self.act.func);
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
    pub(super) fn is_batch(&self) -> bool {
        let Some(place) = &self.case.transaction else { return false };
        let opened = self.calls(place.unit).find(|site| site.call.span == place.span);
        let handed = opened.and_then(|site| match site.call.args.first()? {
            Item::Value(expr) => Some(self.known(Val { unit: site.unit, expr }).expr),
            Item::Spread(_) => None,
        });
        !self.act.call.awaited
            && handed.is_some_and(|handed| matches!(handed.kind, ExprKind::Array(_) | ExprKind::Over { .. }))
    }
}
