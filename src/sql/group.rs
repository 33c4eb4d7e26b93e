//! A text to statements: where one ends, which verb starts it, and in what order its parts come.

use rustc_hash::FxHashMap;

use super::control::control;
use super::finish::{Draft, finish};
use super::token::{TokenKind, Tokens};
use super::types::{Exists, Kind, Part, Query, Statement};
use super::view::{Notes, Range, View};
use super::{Dialect, modify};

/// Reads all statements of a text.
///
/// Sub-selects come before the statement they are part of. A `SELECT` that only passes on what a sub-select finds
/// (`SELECT EXISTS (…)`, `SELECT count(*) FROM (…)`) is folded into one statement with it.
#[must_use]
pub fn read(text: &str, dialect: Dialect) -> Vec<Statement> {
    let view = View::new(Tokens::new(text, dialect));
    let mut drafts: Vec<Draft> = Vec::new();
    let mut nested = 0;
    let mut by_open: Vec<usize> = (0..view.nested.len()).collect();
    by_open.sort_by_key(|slot| view.nested[*slot].0);
    for (group, range) in split(&view).into_iter().enumerate() {
        let mut slots = Vec::new();
        while let Some(&slot) = by_open.get(nested).filter(|slot| view.nested[**slot].0 < range.1) {
            slots.push(slot);
            nested += 1;
        }
        // Slots count from the innermost outwards.
        slots.sort_unstable();
        read_group(&view, group, range, &slots, &mut drafts);
    }
    finish(drafts, view.nested.len())
}

fn read_group(view: &View<'_>, group: usize, range: Range, slots: &[usize], drafts: &mut Vec<Draft>) {
    let first = drafts.len();
    let mut notes = Notes::default();
    let range = view.peel(range);
    // The bracket around a whole statement is no sub-select.
    let whole_slot = view.slot(range.0).filter(|_| view.tokens.after(range.0) == range.1);
    let range = if whole_slot.is_some() { view.inside(range.0) } else { range };
    for &slot in slots.iter().filter(|slot| Some(**slot) != whole_slot) {
        let inside = view.inside(view.nested[slot].0);
        let kind = statement(view, inside, &mut notes);
        let span = view.tokens.span(inside.0, inside.1);
        drafts.push(Draft { statement: Statement { span, group, part: Part::Nested, kind }, slot: Some(slot) });
    }
    let kind = statement(view, range, &mut notes);
    let span = view.tokens.span(range.0, range.1);
    let extra = |kind: Kind| Draft { statement: Statement { span, group, part: Part::Nested, kind }, slot: None };
    if !matches!(kind, Kind::Ddl(_)) {
        drafts.extend(view.advisory(range).into_iter().map(extra));
    }
    drafts.extend(notes.extras.drain(..).map(|query| extra(Kind::Query(Box::new(query)))));
    drafts.push(Draft { statement: Statement { span, group, part: Part::Whole, kind }, slot: None });
    let mut names: FxHashMap<usize, String> = notes.ctes.into_iter().collect();
    let asked: FxHashMap<usize, Exists> = notes.exists.into_iter().collect();
    for draft in &mut drafts[first..] {
        let Some(slot) = draft.slot else { continue };
        if let Some(name) = names.remove(&slot) {
            draft.statement.part = Part::Cte(name);
        }
        if let (Kind::Query(query), Some(exists)) = (&mut draft.statement.kind, asked.get(&slot)) {
            query.exists = *exists;
        }
    }
}

/// Reads one statement, without the sub-selects in it.
fn statement(view: &View<'_>, range: Range, notes: &mut Notes) -> Kind {
    let mut range = skip_block(view, view.peel(range));
    if view.is(range.0, "with") {
        range.0 = members(view, range, notes);
    }
    let start = range.0;
    let mut query = match view.tokens.kind(start) {
        Some(TokenKind::Word) => match view.tokens.raw(start).to_ascii_lowercase().as_str() {
            "select" | "perform" => select(view, range, notes),
            "insert" | "replace" | "upsert" => view.insert(range, notes),
            "update" => view.update(range, notes),
            "delete" => view.delete(range, notes),
            "truncate" => view.truncate(range),
            "merge" => view.merge(range, notes),
            "create" | "alter" | "drop" | "comment" | "rename" => return Kind::Ddl(view.ddl(range)),
            "do" if view.is_block(range) => return Kind::Ddl(view.ddl(range)),
            _ => return control(view, range),
        },
        // A union that starts with a bracket.
        Some(TokenKind::Symbol) if view.slot(start).is_some() => {
            let mut query = select(view, range, notes);
            query.source = view.slot(start);
            query
        }
        _ => return Kind::Other,
    };
    modify::resolve_excluded(&mut query);
    Kind::Query(Box::new(query))
}

/// A select, with `PERFORM` (which throws the rows away) read as one.
fn select(view: &View<'_>, range: Range, notes: &mut Notes) -> Query {
    let (mut query, source) = view.select(range, notes);
    if let (None, Some((_, alias))) = (&query.table, source) {
        // The alias of the sub-select qualifies columns as a table's would.
        query.table = alias.map(|alias| super::Table { alias: Some(alias), ..super::Table::default() });
    }
    query
}

/// Notes the members of a `WITH` and returns where the statement itself starts.
fn members(view: &View<'_>, (start, end): Range, notes: &mut Notes) -> usize {
    let mut at = start + 1 + usize::from(view.is(start + 1, "recursive"));
    while at < end {
        // A hole may stand for whole members.
        if view.is_symbol(at + 1, ",") {
            at += 2;
            continue;
        }
        let name = view.tokens.name(at).unwrap_or_default();
        let Some(open) = view.top((at + 1, end)).find(|&at| view.slot(at).is_some()) else {
            return at;
        };
        if let Some(slot) = view.slot(open) {
            notes.ctes.push((slot, name));
        }
        at = view.tokens.after(open);
        if !view.is_symbol(at, ",") {
            return at;
        }
        at += 1;
    }
    end
}

/// Takes off what a procedural block puts before a statement: `BEGIN`, `IF … THEN`, `ELSE`, `LOOP`.
fn skip_block(view: &View<'_>, range: Range) -> Range {
    const BLOCK: [&str; 9] = ["begin", "if", "elsif", "elseif", "else", "declare", "exception", "for", "while"];
    const VERBS: [&str; 14] = [
        "select", "insert", "update", "delete", "create", "alter", "drop", "perform", "with", "replace", "merge", "if",
        "declare", "truncate",
    ];
    if !view.is_any(range.0, &BLOCK) || (view.is(range.0, "begin") && !view.is_any(range.0 + 1, &VERBS)) {
        return range;
    }
    let opens = |at: usize| {
        view.is_any(at, &["begin", "then", "else", "loop", "do"]) && view.is_any(at + 1, &VERBS) && at + 1 < range.1
    };
    view.top(range).filter(|&at| opens(at)).last().map_or(range, |at| (at + 1, range.1))
}

/// Cuts a text at its `;`. The body of a trigger or routine belongs to the statement that creates it.
fn split(view: &View<'_>) -> Vec<Range> {
    let tokens = &view.tokens;
    let mut ranges = Vec::new();
    let (mut start, mut routine, mut depth) = (0, false, 0_u32);
    for at in 0..tokens.list.len() {
        if tokens.is_symbol(at, ";") && depth == 0 {
            ranges.push((start, at));
            (start, routine) = (at + 1, false);
        } else if tokens.kind(at) != Some(TokenKind::Word) {
            continue;
        } else if at <= start + 8
            && view.is(start, "create")
            && view.is_any(at, &["trigger", "function", "procedure", "event"])
        {
            routine = true;
        } else if routine && view.is_any(at, &["begin", "case"]) {
            // `END CASE` was counted down at its `END`.
            depth += u32::from(!view.is(at.saturating_sub(1), "end"));
        } else if routine && view.is(at, "end") && !view.is_any(at + 1, &["if", "loop", "while", "repeat", "for"]) {
            depth = depth.saturating_sub(1);
        }
    }
    ranges.push((start, tokens.list.len()));
    ranges.retain(|(start, end)| start < end);
    ranges
}
