//! Pieces of the user's text, on one line, with names that the act can see.

use super::scene::{Scene, Val};
use crate::ir::{Call, Entry, Expr, ExprKind, FuncId, Item, SlotId, TemplatePart};
use crate::link::UnitId;
use crate::text::Span;

/// A name within a value.
struct Leaf {
    span: Span,
    slot: SlotId,
    /// Whether it is an entry `{ name }`, name and value at once.
    shorthand: bool,
}

/// An entry of an object, as written.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    /// Its name; `None` for what is spread or computed.
    pub key: Option<&'a str>,
    /// Its value.
    pub value: Val<'a>,
    /// The whole entry.
    pub span: Span,
    /// Whether it is written `{ name }`.
    shorthand: bool,
}

impl<'a> Scene<'a> {
    /// The text of a value where the act stands; `None` if it uses names that are not known there.
    pub(super) fn text(&self, value: Val<'a>) -> Option<String> {
        self.text_of(value.unit, value.expr.span, &[value.expr], 0)
    }

    /// The text of a span that holds the given values.
    pub(super) fn text_of(&self, unit: UnitId, span: Span, values: &[&'a Expr], depth: u32) -> Option<String> {
        let depth = (depth < 4).then_some(depth + 1)?;
        let mut leaves = Vec::new();
        for value in values {
            self.leaves(unit, value, &mut leaves)?;
        }
        leaves.retain(|leaf| span.contains(leaf.span) && !self.visible(unit, leaf.slot));
        leaves.sort_by_key(|leaf| leaf.span);
        leaves.dedup_by_key(|leaf| leaf.span);
        let mut text = String::new();
        let mut done = span.start;
        for leaf in leaves {
            let name = self.program.unit(unit).slots.get(leaf.slot.index()).map_or("", |slot| slot.name.as_str());
            let with = match self.argument(unit, leaf.slot) {
                Some(argument) => self.text_of(argument.unit, argument.expr.span, &[argument.expr], depth)?,
                None => self.settled(unit, leaf.slot, depth)?,
            };
            text.push_str(self.slice(unit, Span::new(done, leaf.span.start.max(done))));
            if leaf.shorthand && with != name {
                text.push_str(&format!("{name}: "));
            }
            text.push_str(&with);
            done = leaf.span.end;
        }
        text.push_str(self.slice(unit, Span::new(done.min(span.end), span.end)));
        let text = flat(&text);
        (!text.is_empty()).then_some(text)
    }

    /// The text of a name that means the same everywhere: what is written down once and for all, and what is imported.
    fn settled(&self, unit: UnitId, slot: SlotId, depth: u32) -> Option<String> {
        let it = self.program.unit(unit);
        if it.imports.iter().any(|import| import.slot == slot) {
            let name = it.slots.get(slot.index())?.name.as_str();
            // Another thing of that name would be meant where the act stands.
            let here = self.program.unit(self.act.unit);
            let imported = |at: usize| here.imports.iter().any(|import| import.slot.index() == at);
            let taken = here.slots.iter().enumerate().any(|(at, slot)| slot.name == name && !imported(at));
            return (unit == self.act.unit || !taken).then(|| name.to_owned());
        }
        let value = self.assigned(unit, slot).filter(|value| is_fixed(value))?;
        self.text_of(unit, value.span, &[value], depth)
    }

    /// What a parameter of a called function stands for, as seen from the call.
    fn argument(&self, unit: UnitId, slot: SlotId) -> Option<Val<'a>> {
        let owner = self.program.unit(unit).slots.get(slot.index())?.owner;
        let at = self.program.unit(unit).functions[owner.index()].params.iter().position(|param| param.slot == slot)?;
        let inside = |func: FuncId| func == owner;
        // The call that leads to a site is the one after it in the list of its callers.
        let chains = [(self.check, &self.check_calls), (self.act, &self.act_calls)];
        chains.iter().find_map(|(site, hops)| {
            let mut below = *site;
            for hop in hops.iter() {
                if below.unit == unit && inside(below.func) {
                    return match hop.call.args.get(at)? {
                        Item::Value(value) => Some(Val { unit: hop.unit, expr: value }),
                        Item::Spread(_) => None,
                    };
                }
                below = *hop;
            }
            None
        })
    }

    /// The names in a value; `None` if it holds something whose names are not seen.
    fn leaves(&self, unit: UnitId, value: &'a Expr, found: &mut Vec<Leaf>) -> Option<()> {
        if found.len() > 100 {
            return None;
        }
        match &value.kind {
            ExprKind::Slot(slot) => {
                let it = self.program.unit(unit).slots.get(slot.index())?;
                if !it.name.is_empty() {
                    found.push(Leaf { span: value.span, slot: *slot, shorthand: false });
                    return Some(());
                }
                match (self.call_of(unit, *slot), self.assigned(unit, *slot)) {
                    (Some(call), _) => self.leaves_of_call(unit, call, found),
                    (None, Some(value)) => self.leaves(unit, value, found),
                    (None, None) => None,
                }
            }
            ExprKind::Global(_) | ExprKind::Const(_) | ExprKind::Module(_) | ExprKind::Class(_) => Some(()),
            ExprKind::This | ExprKind::Func(_) => (unit == self.act.unit).then_some(()),
            ExprKind::Caught => None,
            ExprKind::Template(parts) => parts.iter().try_for_each(|part| match part {
                TemplatePart::Hole(hole) => self.leaves(unit, hole, found),
                TemplatePart::Text(_) => Some(()),
            }),
            ExprKind::Field(base, _) | ExprKind::Element(base) | ExprKind::Unary(_, base) | ExprKind::Rest(base, _) => {
                self.leaves(unit, base, found)
            }
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => {
                self.leaves(unit, a, found)?;
                self.leaves(unit, b, found)
            }
            ExprKind::Choice(a, b, c) => [a, b, c].into_iter().try_for_each(|v| self.leaves(unit, v, found)),
            ExprKind::Over { source, .. } => self.leaves(unit, source, found),
            ExprKind::Object(entries) => entries.iter().try_for_each(|entry| match entry {
                Entry::Field { key_span, value, .. } => {
                    let before = found.len();
                    self.leaves(unit, value, found)?;
                    if *key_span == value.span && found.len() == before + 1 {
                        found[before].shorthand = true;
                    }
                    Some(())
                }
                Entry::Computed(key, value) => {
                    self.leaves(unit, key, found)?;
                    self.leaves(unit, value, found)
                }
                Entry::Spread(value) => self.leaves(unit, value, found),
            }),
            ExprKind::Array(items) => self.leaves_of_items(unit, items, found),
            ExprKind::Opaque(values) => values.iter().try_for_each(|value| self.leaves(unit, value, found)),
        }
    }

    fn leaves_of_call(&self, unit: UnitId, call: &'a Call, found: &mut Vec<Leaf>) -> Option<()> {
        self.leaves(unit, &call.callee, found)?;
        self.leaves_of_items(unit, &call.args, found)
    }

    fn leaves_of_items(&self, unit: UnitId, items: &'a [Item], found: &mut Vec<Leaf>) -> Option<()> {
        items.iter().try_for_each(|item| {
            let (Item::Value(value) | Item::Spread(value)) = item;
            self.leaves(unit, value, found)
        })
    }

    /// Whether a value uses something for which `wanted` holds, however deep.
    pub(super) fn mentions(&self, value: Val<'a>, wanted: &dyn Fn(UnitId, SlotId) -> bool) -> bool {
        let mut found = Vec::new();
        let complete = self.leaves(value.unit, value.expr, &mut found).is_some();
        !complete || found.iter().any(|leaf| wanted(value.unit, leaf.slot))
    }

    /// The entries of an object literal, also of one held in a variable; `None` for anything else.
    pub(super) fn members(&self, value: Val<'a>) -> Option<Vec<Member<'a>>> {
        let value = self.known(value);
        let ExprKind::Object(entries) = &value.expr.kind else { return None };
        let unit = value.unit;
        let starts: Vec<u32> = entries
            .iter()
            .map(|entry| match entry {
                Entry::Field { key_span, .. } => key_span.start,
                Entry::Computed(key, _) => before(self.slice(unit, value.expr.span), value.expr.span, key.span, "["),
                Entry::Spread(it) => before(self.slice(unit, value.expr.span), value.expr.span, it.span, "..."),
            })
            .collect();
        let ends = starts.iter().skip(1).copied().chain([value.expr.span.end.saturating_sub(1)]);
        let found = entries.iter().zip(starts.iter().zip(ends)).map(|(entry, (start, end))| {
            let whole = Span { start: *start, end };
            let text = self.slice(unit, whole).trim_end().trim_end_matches(',').trim_end();
            // A comment behind the entry may hold anything.
            let known = match entry {
                Entry::Field { value, .. } | Entry::Computed(_, value) | Entry::Spread(value) => value.span,
            };
            let length = u32::try_from(text.len()).unwrap_or(0);
            let span = if text.contains("//") || text.contains("/*") {
                Span { start: *start, end: known.end }
            } else {
                Span { start: *start, end: start + length }
            };
            match entry {
                Entry::Field { key, key_span, value } => Member {
                    key: Some(key),
                    value: Val { unit, expr: value },
                    span,
                    shorthand: *key_span == value.span,
                },
                Entry::Computed(_, value) | Entry::Spread(value) => {
                    Member { key: None, value: Val { unit, expr: value }, span, shorthand: false }
                }
            }
        });
        Some(found.collect())
    }

    /// The text of an entry where the act stands.
    pub(super) fn entry(&self, member: &Member<'a>) -> Option<String> {
        let value = member.value;
        if member.shorthand {
            let text = self.text(value)?;
            let key = member.key?;
            return Some(if text == key { text } else { format!("{key}: {text}") });
        }
        self.text_of(value.unit, member.span, &[value.expr], 0)
    }

    /// The text of a call, its objects shortened where it is long.
    pub(super) fn call_text(&self, unit: UnitId, call: &'a Call) -> Option<String> {
        let mut values: Vec<&'a Expr> = vec![&call.callee];
        values.extend(call.args.iter().map(|item| {
            let (Item::Value(value) | Item::Spread(value)) = item;
            value
        }));
        let whole = self.text_of(unit, call.span, &values, 0)?;
        if whole.chars().count() <= WIDTH {
            return Some(whole);
        }
        let [Item::Value(only)] = call.args.as_slice() else { return Some(whole) };
        let callee = self.text(Val { unit, expr: &call.callee })?;
        let room = WIDTH.saturating_sub(callee.chars().count() + 2);
        Some(format!("{callee}({})", self.short(Val { unit, expr: only }, room)?))
    }

    /// The text of a value; of objects within it only the outer entries where it is longer than `room`.
    pub(super) fn short(&self, value: Val<'a>, room: usize) -> Option<String> {
        let whole = self.text(value)?;
        if whole.chars().count() <= room {
            return Some(whole);
        }
        if !matches!(value.expr.kind, ExprKind::Object(_)) {
            return Some(whole);
        }
        let members = self.members(value)?;
        let texts: Option<Vec<String>> = members.iter().map(|member| self.entry(member)).collect();
        let mut texts = texts?;
        let over = whole.chars().count() - room;
        // An object within an object gives way first: it is the data, and the rest says which row.
        let longest = (0..texts.len()).max_by_key(|at| texts[*at].len())?;
        let long = texts[longest].chars().count();
        if let (Some(key), ExprKind::Object(_)) = (members[longest].key, &members[longest].value.expr.kind) {
            let room = long.saturating_sub(over + key.len() + 2).max(16);
            texts[longest] = format!("{key}: {}", self.short(members[longest].value, room)?);
        }
        Some(object(&texts, room))
    }
}

/// Whether a value is written out: literals, members of what is named, and lists of these.
fn is_fixed(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Const(_) => true,
        ExprKind::Field(base, _) => matches!(base.kind, ExprKind::Slot(_) | ExprKind::Global(_)),
        ExprKind::Array(items) => items.iter().all(|item| matches!(item, Item::Value(value) if is_fixed(value))),
        _ => false,
    }
}

/// How long a shown line may be.
pub(super) const WIDTH: usize = 104;

/// An object of these entries; long ones lose entries from their middle.
pub(super) fn object(entries: &[String], room: usize) -> String {
    let length = |entries: &[String]| entries.iter().map(|e| e.chars().count() + 2).sum::<usize>() + 2;
    if entries.is_empty() {
        return "{}".to_owned();
    }
    let mut kept = entries.to_vec();
    if length(&kept) > room {
        for entry in &mut kept {
            let (key, value) = entry.split_once(": ").filter(|(key, _)| is_name(key)).unwrap_or(("", entry));
            // Objects have been shortened before, and say more than nothing.
            let most = if value.starts_with('{') { room } else { room / 2 };
            if value.chars().count() > most {
                *entry = if key.is_empty() { "…".to_owned() } else { format!("{key}: …") };
            }
        }
    }
    let before = kept.len();
    while kept.len() > 2 && length(&kept) + 3 > room {
        kept.remove(kept.len() - 2);
    }
    if kept.len() < before {
        kept.insert(kept.len() - 1, "…".to_owned());
    }
    format!("{{ {} }}", kept.join(", "))
}

/// Whether a text is a plain name.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
}

/// Where the mark stands that comes before an inner span.
fn before(text: &str, outer: Span, inner: Span, mark: &str) -> u32 {
    let at = inner.start.saturating_sub(outer.start) as usize;
    let found = text.get(..at).and_then(|text| text.rfind(mark));
    found.and_then(|at| u32::try_from(at).ok()).map_or(inner.start, |at| outer.start + at)
}

/// Text on one line, with the blanks of a line between its pieces.
pub(super) fn flat(text: &str) -> String {
    let mut flat = String::new();
    for line in text.lines() {
        let code = match line.trim_start().starts_with("//") {
            true => "",
            false => line.split_once(" //").map_or(line, |(code, _)| code).trim(),
        };
        if code.is_empty() {
            continue;
        }
        if flat.is_empty() {
            flat.push_str(code);
            continue;
        }
        let closes = code.starts_with([')', ']', '}']);
        if closes && flat.ends_with(',') {
            flat.pop();
        }
        let tight = code.starts_with([')', ']', '.']) || code.starts_with("?.") || flat.ends_with(['(', '[']);
        if !tight {
            flat.push(' ');
        }
        flat.push_str(code);
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::{flat, object};

    #[test]
    fn lines_become_one() {
        let text = "prisma.user\n  .create({\n    data: {\n      email, // lower case\n      name,\n    },\n  })";
        assert_eq!(flat(text), "prisma.user.create({ data: { email, name } })");
        assert_eq!(flat("f(\n  a,\n  [\n    1,\n  ],\n)"), "f(a, [1])");
        assert_eq!(flat("\"http://x\""), "\"http://x\"");
    }

    #[test]
    fn long_objects_are_cut_in_their_middle() {
        let entries: Vec<String> = ["alpha", "beta", "gamma", "delta"].map(str::to_owned).into();
        assert_eq!(object(&entries, 80), "{ alpha, beta, gamma, delta }");
        assert_eq!(object(&entries, 25), "{ alpha, beta, …, delta }");
        assert_eq!(object(&[], 80), "{}");
    }
}
