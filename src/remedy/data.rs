//! Written columns: those computed from their own old value become relative changes.

use super::guard::Fact;
use super::path::Path;
use super::scene::{Scene, Site, Val};
use super::text::{WIDTH, object};
use super::{Holes, inline};
use crate::analysis::window::Link;
use crate::ir::{BinaryOp, Const, ExprKind, Item, SlotId};
use crate::library::Verb;
use crate::schema::ColumnKind;
use crate::text::Span;

/// Written columns, made relative where that is possible.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// Their entries.
    pub entries: Vec<String>,
    /// Whether any became relative.
    pub changed: bool,
    /// Whether some still use the row that was read.
    pub leftover: bool,
    /// The columns that became relative.
    pub relative: Vec<String>,
}

/// Methods of decimal numbers that compute.
const METHODS: [(&str, &str); 9] = [
    ("plus", "+"),
    ("add", "+"),
    ("minus", "-"),
    ("sub", "-"),
    ("times", "*"),
    ("mul", "*"),
    ("dividedBy", "/"),
    ("div", "/"),
    ("subtract", "-"),
];

impl<'a> Scene<'a> {
    /// Whether written columns bring related rows along.
    pub(super) fn writes_relations(&self, data: Val<'a>) -> bool {
        let Some(members) = self.members(data) else { return false };
        members.iter().any(|member| {
            let column = member.key.and_then(|key| self.entity(self.act)?.column(key));
            if let Some(column) = column {
                return matches!(column.kind, ColumnKind::Relation(_));
            }
            let nested = self.members(member.value).unwrap_or_default();
            let is_nested = |key: &str| self.library.data.nested.iter().any(|(name, _)| name == key);
            // `set` alone is a plain value in another dress.
            nested
                .iter()
                .any(|m| m.key.is_some_and(|key| is_nested(key) && !self.library.data.set.iter().any(|s| s == key)))
        })
    }

    /// Written columns with relative changes where a column is computed from itself.
    pub(super) fn rewritten(&self, path: &Path<'a>, data: Val<'a>) -> Option<Rewritten> {
        let mut out = Rewritten::default();
        for member in self.members(data)? {
            if let Some((key, change)) = member.key.and_then(|key| Some((key, self.change(path, key, member.value)?))) {
                out.changed = true;
                out.relative.push(key.to_owned());
                out.entries.push(format!("{key}: {{ {change} }}"));
                continue;
            }
            out.leftover |= self.mentions_row(path, member.value);
            out.entries.push(self.entry(&member)?);
        }
        Some(out)
    }

    /// The relative change that a new value is, as an entry: `increment: n`.
    fn change(&self, path: &Path<'a>, column: &str, value: Val<'a>) -> Option<String> {
        let described = self.entity(self.act).and_then(|entity| entity.column(column));
        let seen = self.seen(path, value);
        let of = |expr| Val { unit: seen.unit, expr };
        if let ExprKind::Array(items) = &seen.expr.kind {
            let list = described.is_some_and(|c| c.list && !matches!(c.kind, ColumnKind::Relation(_)));
            let [Item::Spread(old), new @ ..] = items.as_slice() else { return None };
            if !list || new.is_empty() || self.column(path, of(old)) != Some(column) {
                return None;
            }
            let texts = new.iter().map(|item| match item {
                Item::Value(value) if !self.mentions_row(path, of(value)) => self.text(of(value)),
                _ => None,
            });
            let texts: Vec<String> = texts.collect::<Option<_>>()?;
            let word = self.library.data.append.first()?;
            return Some(match texts.as_slice() {
                [only] => format!("{word}: {only}"),
                several => format!("{word}: [{}]", several.join(", ")),
            });
        }
        let number = |name: &str| matches!(name, "Int" | "BigInt" | "Float" | "Decimal");
        if described.is_some_and(|c| c.list || !matches!(&c.kind, ColumnKind::Scalar(name) if number(name))) {
            return None;
        }
        let optional = described.is_some_and(|c| c.optional);
        let (op, operand) = self.computed(path, column, seen, optional)?;
        let textual =
            matches!(self.seen(path, operand).expr.kind, ExprKind::Const(Const::Text(_)) | ExprKind::Template(_));
        if textual || self.mentions_row(path, operand) {
            return None;
        }
        let word = self.library.data.deltas.iter().find(|(_, means)| means == op).map(|(word, _)| word)?;
        Some(format!("{word}: {}", self.text(operand)?))
    }

    /// The operator and the other operand, where one operand is the column.
    fn computed(
        &self,
        path: &Path<'a>,
        column: &str,
        value: Val<'a>,
        optional: bool,
    ) -> Option<(&'static str, Val<'a>)> {
        let of = |expr| Val { unit: value.unit, expr };
        let is_old = |value: Val<'a>| self.is_old(path, column, value, optional);
        match &value.expr.kind {
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (of(a), of(b));
                match op {
                    BinaryOp::Add if is_old(a) => Some(("+", b)),
                    BinaryOp::Add if is_old(b) => Some(("+", a)),
                    BinaryOp::Sub if is_old(a) => Some(("-", b)),
                    BinaryOp::Mul if is_old(a) => Some(("*", b)),
                    BinaryOp::Mul if is_old(b) => Some(("*", a)),
                    BinaryOp::Div if is_old(a) => Some(("/", b)),
                    _ => None,
                }
            }
            ExprKind::Slot(slot) => {
                let call = self.call_of(value.unit, *slot)?;
                let ExprKind::Field(base, method) = &call.callee.kind else { return None };
                let [Item::Value(operand)] = call.args.as_slice() else { return None };
                let (_, op) = METHODS.iter().find(|(name, _)| name == method)?;
                is_old(of(base)).then_some((*op, of(operand)))
            }
            _ => None,
        }
    }

    /// Whether a value is what was read of the column; of one that cannot be null also with a stand-in for null.
    fn is_old(&self, path: &Path<'a>, column: &str, value: Val<'a>, optional: bool) -> bool {
        if self.column(path, value) == Some(column) {
            return true;
        }
        let seen = self.seen(path, value);
        match &seen.expr.kind {
            ExprKind::Binary(BinaryOp::Coalesce, inner, other) if !optional => {
                matches!(other.kind, ExprKind::Const(_))
                    && self.column(path, Val { unit: seen.unit, expr: inner }) == Some(column)
            }
            _ => false,
        }
    }

    /// Whether a branch on some way looks at the column.
    fn is_tested(&self, ways: &[Path<'a>], column: &str) -> bool {
        ways.iter().any(|way| {
            way.turns.iter().any(|turn| {
                let facts = self.facts(way, turn);
                let compared = facts.iter().any(|fact| matches!(fact, Fact::Column(name, _) if *name == column));
                compared || self.uses_column(way, Val { unit: turn.unit, expr: turn.test }, column)
            })
        })
    }

    /// The act with the column changed by the database.
    pub(super) fn atomic_delta(&self) -> Option<Holes> {
        let Link::Feeds(column) = &self.case.link else { return None };
        let ways = self.ways();
        // What only one decrement may pass needs a condition as well.
        if self.verb(self.act)? != Verb::Update || self.is_tested(&ways, column) {
            return None;
        }
        let written = self.written(self.act)?;
        let rewritten = self.rewritten(ways.first()?, written)?;
        if rewritten.leftover || !rewritten.relative.contains(column) || self.is_stored(column) {
            return None;
        }
        let call = self.with(self.act, written, &object(&rewritten.entries, WIDTH))?;
        Some(Holes::from([("take", self.take(self.act).text()), ("call", call)]))
    }

    /// A call as it is, but for one value within it.
    pub(super) fn with(&self, site: Site<'a>, value: Val<'a>, text: &str) -> Option<String> {
        let (whole, span) = (site.call.span, value.expr.span);
        if value.unit != site.unit || !whole.contains(span) {
            return None;
        }
        let values = self.values_of(site);
        let head = self.text_of(site.unit, Span::new(whole.start, span.start), &values, 0)?;
        let tail = self.text_of(site.unit, Span::new(span.end, whole.end), &values, 0)?;
        let tail = tail.trim_start();
        let gap = if tail.starts_with('}') { " " } else { "" };
        Some(format!("{head} {text}{gap}{tail}"))
    }

    /// The entry of a condition that a column still is what was read of it; `None` for what cannot be compared as a whole.
    fn as_read(&self, way: &Path<'a>, column: &str) -> Option<String> {
        let described = self.entity(self.act).and_then(|entity| entity.column(column));
        if described.is_some_and(|c| matches!(&c.kind, ColumnKind::Scalar(name) if name == "Json")) {
            return None;
        }
        let old = self.name_of(way, column)?;
        // Only of a plain column the value may stand alone.
        Some(match described {
            Some(it) if !it.list && old == column => old,
            Some(it) if !it.list => format!("{column}: {old}"),
            _ => format!("{column}: {{ {}: {old} }}", self.operator("eq")?),
        })
    }

    /// The condition that nothing has changed, the data that goes with it, what is done where something has, and whether the
    /// condition is a test that the code makes.
    pub(super) fn unchanged(
        &self,
        ways: &[Path<'a>],
        column: &str,
        written: Val<'a>,
    ) -> Option<(Vec<String>, String, String, bool)> {
        let way = ways.first()?;
        if self.is_tested(ways, column) {
            // A test and a change: the test becomes the condition, and the change relative.
            let rewritten = self.rewritten(way, written)?;
            if rewritten.relative.iter().any(|name| name == column)
                && !rewritten.leftover
                && let Some(guard) = self.guard(ways, column)
            {
                let columns = [column.to_owned()];
                let data = object(&rewritten.entries, WIDTH - 10);
                return Some((vec![guard], data, self.exit_of(ways, &columns), true));
            }
        }
        let remark = "changed meanwhile: read it again and try once more";
        let entity = self.entity(self.act);
        if !self.is_stored(column)
            && let Some(entry) = self.as_read(way, column)
        {
            let mut entries = vec![entry];
            // Others that are computed from themselves in the same write may have changed alone.
            for member in self.members(written)? {
                let other = member.key.filter(|key| *key != column && self.mentions_row(way, member.value));
                entries.extend(other.and_then(|key| self.as_read(way, key)));
            }
            return Some((entries, self.short(written, WIDTH - 10)?, inline(None, remark), false));
        }
        // The whole value cannot be compared; a column that counts versions can.
        let version = entity?.version_column()?;
        let old = self.name_of(way, &version.name)?;
        let more = self.library.data.deltas.iter().find(|(_, means)| means == "+").map(|(word, _)| word)?;
        let mut entries: Vec<String> = Vec::new();
        for member in self.members(written)? {
            if member.key == Some(version.name.as_str()) {
                return None;
            }
            entries.push(self.entry(&member)?);
        }
        entries.push(format!("{}: {{ {more}: 1 }}", version.name));
        let guard = vec![format!("{}: {old}", version.name)];
        Some((guard, object(&entries, WIDTH - 10), inline(None, remark), false))
    }

    /// Whether the column of the row in memory is assigned, so that it no longer is what was read.
    fn is_stored(&self, column: &str) -> bool {
        let slots = self.program.unit(self.act.unit).slots.iter().enumerate();
        slots.into_iter().any(|(at, _)| {
            let slot = SlotId(u32::try_from(at).unwrap_or(u32::MAX));
            let holds = self
                .assigned(self.act.unit, slot)
                .is_some_and(|expr| self.is_row(&Path::default(), Val { unit: self.act.unit, expr }));
            holds && self.stored(self.act.unit, slot, column)
        })
    }

    /// How the act can name what was read of a column.
    fn name_of(&self, path: &Path<'a>, column: &str) -> Option<String> {
        let unit = self.act.unit;
        let slots = || {
            self.program.unit(unit).slots.iter().enumerate().filter_map(|(at, slot)| {
                let id = SlotId(u32::try_from(at).unwrap_or(u32::MAX));
                (!slot.name.is_empty() && self.visible(unit, id)).then_some((slot, id))
            })
        };
        let value = |id| {
            let value = path.bound.get(&(unit, id)).copied();
            value.or_else(|| Some(Val { unit, expr: self.assigned(unit, id)? }))
        };
        let holds = |id| value(id).is_some_and(|value| self.is_old(path, column, value, false));
        if let Some((slot, _)) = slots().find(|(_, id)| holds(*id)) {
            return Some(slot.name.clone());
        }
        // The row's member, unless the read leaves it out.
        let selected = self.only_argument(self.check).and_then(|argument| self.members(argument)).and_then(|members| {
            let select = members.iter().find(|member| member.key == Some("select"))?;
            self.members(select.value)
        });
        if selected.is_some_and(|members| !members.iter().any(|member| member.key == Some(column))) {
            return None;
        }
        let row = slots().find(|(_, id)| value(*id).is_some_and(|value| self.is_one(path, value)));
        row.map(|(slot, _)| format!("{}.{column}", slot.name))
    }
}
