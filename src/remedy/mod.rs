//! The code of remedies: a library's template, filled with pieces of the user's text.
//!
//! Rules name an intent; a library has a template for it, per engine; what stands here finds the pieces (the condition,
//! the written columns, what the code does where the check fails) in the representation of the code, and their texts in
//! the sources. It knows no library: how a condition says "at least" and what an increment is called are library data.
//!
//! Nothing is guessed. Where a piece is not there, or uses names that the act cannot see, there is no code, and the
//! remedy's sentence stands alone.

mod bears;
mod claim;
mod create;
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
use crate::finding::{Attempt, Sketch};
use crate::ir::{Expr, ExprKind, Item};
use crate::library::{Registry, Verb};
use crate::link::Program;
use crate::schema::Schema;
use crate::source::Sources;
use path::Path;
use scene::{Scene, Site, Val};
use text::WIDTH;

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
