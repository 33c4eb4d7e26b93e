//! Where a case plays: the calls of the check and of the act, the functions around them, and what their names stand for.

use rustc_hash::FxHashMap;

use crate::analysis::case::{Case, Place};
use crate::ir::{Call, Expr, ExprKind, FuncId, Item, SlotId, Step};
use crate::library::{CallRow, Callee, Library, Registry, Root, Selector};
use crate::link::{Exported, Program, UnitId};
use crate::schema::{Entity, Schema};
use crate::source::Sources;
use crate::text::Span;

/// A value and the unit that wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Val<'a> {
    /// The unit.
    pub unit: UnitId,
    /// The value.
    pub expr: &'a Expr,
}

/// A step that calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// Its unit.
    pub unit: UnitId,
    /// The function that holds it.
    pub func: FuncId,
    /// The block there.
    pub block: usize,
    /// The step there.
    pub step: usize,
    /// The call.
    pub call: &'a Call,
}

/// What the slots of a unit stand for, as far as it does not depend on the way taken.
#[derive(Debug, Default)]
struct Names<'a> {
    /// The one value that is ever assigned; `None` for several.
    set: FxHashMap<SlotId, Option<&'a Expr>>,
    /// The call whose result it takes.
    call: FxHashMap<SlotId, &'a Call>,
    /// Of a parameter of a function literal that is called where it stands: the argument.
    argument: FxHashMap<SlotId, &'a Expr>,
    /// Slots of which a member is assigned.
    stored: Vec<(SlotId, String)>,
}

/// The place of a case.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    /// All units.
    pub program: &'a Program,
    /// Their texts.
    pub sources: &'a Sources,
    /// The case.
    pub case: &'a Case,
    /// The library of its calls.
    pub library: &'a Library,
    /// The schema behind the library's entities.
    pub schema: Option<&'a Schema>,
    /// The call that looked.
    pub check: Site<'a>,
    /// The call that acted.
    pub act: Site<'a>,
    /// From the function of the check to its callers.
    pub check_calls: Vec<Site<'a>>,
    /// From the function of the act to its callers.
    pub act_calls: Vec<Site<'a>>,
    names: FxHashMap<UnitId, Names<'a>>,
}

impl<'a> Scene<'a> {
    /// The scene of a case; `None` where its calls are not found in the program.
    pub(super) fn new(
        program: &'a Program,
        sources: &'a Sources,
        registry: &'a Registry,
        schemas: &'a [Schema],
        case: &'a Case,
    ) -> Option<Self> {
        let library = registry.get(case.library.as_deref()?)?;
        let check = site(program, &case.check)?;
        let act = site(program, &case.act)?;
        let mut scene = Self {
            program,
            sources,
            case,
            library,
            schema: case.schema.and_then(|at| schemas.get(at)),
            check,
            act,
            check_calls: callers(program, case, check),
            act_calls: callers(program, case, act),
            names: FxHashMap::default(),
        };
        let hops = scene.check_calls.iter().chain(&scene.act_calls).map(|hop| hop.unit);
        let units: Vec<UnitId> = hops.chain([check.unit, act.unit]).collect();
        for unit in units {
            scene.names.entry(unit).or_insert_with(|| names(program, unit));
        }
        Some(scene)
    }

    /// The text of a span.
    pub(super) fn slice(&self, unit: UnitId, span: Span) -> &'a str {
        self.sources.get(&self.program.unit(unit).path).map_or("", |source| span.slice(&source.text))
    }

    /// The library's row for a call, by the called name and, where the row has one, the member in between.
    pub(super) fn row(&self, call: &Call) -> Option<&'a CallRow> {
        let ExprKind::Field(base, name) = &call.callee.kind else { return None };
        self.library.calls.iter().find(|row| {
            let member = match &row.on.callee {
                Callee::Method { member, .. } => member.is_some(),
                Callee::Path(_) => false,
            };
            row.verb.is_some()
                && row.on.names().any(|n| n == name)
                && (!member || matches!(base.kind, ExprKind::Field(..)))
        })
    }

    /// Client and accessor of a call through an entity's member: `prisma` and `user` of `prisma.user.create()`.
    pub(super) fn client(&self, site: Site<'a>) -> Option<(&'a Expr, &'a str)> {
        let ExprKind::Field(base, _) = &site.call.callee.kind else { return None };
        let row = self.row(site.call)?;
        match (&row.on.callee, &base.kind) {
            (Callee::Method { member: Some(_), .. }, ExprKind::Field(client, accessor)) => Some((client, accessor)),
            _ => None,
        }
    }

    /// The value that a selector picks from a call's arguments, with the argument itself taken from a variable if need be.
    pub(super) fn pick(&self, site: Site<'a>, selector: Option<&Selector>) -> Option<Val<'a>> {
        let selector = selector?;
        let Root::Param(index) = selector.root else { return None };
        let Some(Item::Value(argument)) = site.call.args.get(index) else { return None };
        let mut value = Val { unit: site.unit, expr: argument };
        for name in &selector.path {
            let ExprKind::Object(entries) = &self.known(value).expr.kind else { return None };
            let found = entries.iter().rev().find_map(|entry| match entry {
                crate::ir::Entry::Field { key, value, .. } if key == name => Some(Some(value)),
                // What is spread after it may replace it.
                crate::ir::Entry::Spread(_) | crate::ir::Entry::Computed(..) => Some(None),
                crate::ir::Entry::Field { .. } => None,
            });
            value = Val { unit: value.unit, expr: found?? };
        }
        Some(value)
    }

    /// What a value is, followed through variables that have only one.
    pub(super) fn known(&self, mut value: Val<'a>) -> Val<'a> {
        for _ in 0..16 {
            let ExprKind::Slot(slot) = value.expr.kind else { break };
            let Some(next) = self.assigned(value.unit, slot) else { break };
            value = Val { unit: value.unit, expr: next };
        }
        value
    }

    /// The one value that a slot ever has.
    pub(super) fn assigned(&self, unit: UnitId, slot: SlotId) -> Option<&'a Expr> {
        let names = self.names.get(&unit)?;
        match names.set.get(&slot) {
            Some(value) => *value,
            None => names.argument.get(&slot).copied(),
        }
    }

    /// Whether a name is brought in from another file.
    pub(super) fn is_imported(&self, unit: UnitId, slot: SlotId) -> bool {
        self.program.unit(unit).imports.iter().any(|import| import.slot == slot)
    }

    /// What such a name stands for where it comes from, if that is a file of the project and says it once.
    pub(super) fn imported(&self, unit: UnitId, slot: SlotId) -> Option<Val<'a>> {
        let import = self.program.unit(unit).imports.iter().find(|import| import.slot == slot)?;
        let exported = self.program.imported(unit, &import.source, &import.name)?;
        let Exported::Value(unit, expr) = exported else { return None };
        let ExprKind::Slot(slot) = expr.kind else { return Some(Val { unit, expr }) };
        let body = self.program.unit(unit).functions.first()?;
        let mut set = body.blocks.iter().flat_map(|block| &block.steps).filter_map(|step| match step {
            Step::Set { slot: to, value, .. } if *to == slot => Some(value),
            _ => None,
        });
        let only = set.next().filter(|_| set.next().is_none())?;
        Some(Val { unit, expr: only })
    }

    /// The call whose result a slot takes.
    pub(super) fn call_of(&self, unit: UnitId, slot: SlotId) -> Option<&'a Call> {
        self.names.get(&unit)?.call.get(&slot).copied()
    }

    /// Whether a member of the object in a slot is assigned somewhere.
    pub(super) fn stored(&self, unit: UnitId, slot: SlotId, member: &str) -> bool {
        self.names.get(&unit).is_some_and(|n| n.stored.iter().any(|(s, m)| *s == slot && (m == member || m.is_empty())))
    }

    /// Whether the act can use a name as it is.
    pub(super) fn visible(&self, unit: UnitId, slot: SlotId) -> bool {
        let owner = self.program.unit(unit).slots.get(slot.index()).map(|slot| slot.owner);
        unit == self.act.unit && owner.is_some_and(|owner| encloses(self.program, unit, owner, self.act.func))
    }

    /// The entity of a call, as the schema describes it.
    pub(super) fn entity(&self, site: Site<'a>) -> Option<&'a Entity> {
        let (_, accessor) = self.client(site)?;
        self.schema?.entity_of_accessor(accessor)
    }

    /// The steps of a function in which `wanted` calls.
    pub(super) fn find_call(&self, unit: UnitId, func: FuncId, wanted: impl Fn(&Call) -> bool) -> Option<Site<'a>> {
        calls(self.program, unit).find(|site| site.func == func && wanted(site.call))
    }

    /// All calls of a unit.
    pub(super) fn calls(&self, unit: UnitId) -> impl Iterator<Item = Site<'a>> + use<'a> {
        calls(self.program, unit)
    }
}

/// Whether one function is another or holds it.
pub(super) fn encloses(program: &Program, unit: UnitId, outer: FuncId, inner: FuncId) -> bool {
    let mut next = Some(inner);
    while let Some(func) = next {
        if func == outer {
            return true;
        }
        next = program.unit(unit).functions[func.index()].parent;
    }
    false
}

/// All calls of a unit.
fn calls(program: &Program, unit: UnitId) -> impl Iterator<Item = Site<'_>> {
    program.unit(unit).functions.iter().enumerate().flat_map(move |(func, it)| {
        let func = FuncId(u32::try_from(func).unwrap_or(u32::MAX));
        it.blocks.iter().enumerate().flat_map(move |(block, it)| {
            it.steps.iter().enumerate().filter_map(move |(step, it)| match it {
                Step::Call(call) => Some(Site { unit, func, block, step, call }),
                _ => None,
            })
        })
    })
}

/// The call at a place, or the smallest around it.
fn site<'a>(program: &'a Program, place: &Place) -> Option<Site<'a>> {
    calls(program, place.unit)
        .filter(|site| site.call.span.contains(place.span))
        .min_by_key(|site| (site.call.span.len(), !is_named(site.call, &place.call)))
}

fn is_named(call: &Call, name: &str) -> bool {
    matches!(&call.callee.kind, ExprKind::Field(_, method) if method == name)
}

/// The calls that lead to a site from outside of its function, innermost first.
fn callers<'a>(program: &'a Program, case: &Case, site: Site<'a>) -> Vec<Site<'a>> {
    let mut found: Vec<Site<'a>> = Vec::new();
    let mut at = site;
    while found.len() < 4 {
        let name = bare_name(program, at.unit, at.func);
        let leads_here = |place: &&Place| !name.is_empty() && place.call == name;
        let call = case.calls.iter().filter(leads_here).find_map(|place| self::site(program, place));
        let Some(call) = call.filter(|call| !found.iter().any(|known| known.call.span == call.call.span)) else {
            break;
        };
        found.push(call);
        at = call;
    }
    found
}

/// The name by which a case calls a function: that of the nearest that has one.
pub(super) fn bare_name(program: &Program, unit: UnitId, func: FuncId) -> &str {
    let mut at = Some(func);
    while let Some(id) = at {
        let it = &program.unit(unit).functions[id.index()];
        if !it.name.is_empty() && id.0 != 0 {
            return &it.name;
        }
        at = it.parent;
    }
    ""
}

fn names(program: &Program, unit: UnitId) -> Names<'_> {
    let mut names = Names::default();
    let functions = &program.unit(unit).functions;
    for step in functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps) {
        match step {
            Step::Set { slot, value, .. } => {
                names.set.entry(*slot).and_modify(|known| *known = None).or_insert(Some(value));
            }
            Step::Store { root, path, .. } => {
                let member = match path.first() {
                    Some(crate::ir::Key::Name(name)) => name.clone(),
                    _ => String::new(),
                };
                names.stored.push((*root, member));
            }
            Step::Drop { .. } => {}
            Step::Call(call) => {
                names.call.insert(call.out, call);
                if let ExprKind::Func(func) = call.callee.kind {
                    for (param, argument) in functions[func.index()].params.iter().zip(&call.args) {
                        if let (false, Item::Value(argument)) = (param.rest, argument) {
                            names.argument.insert(param.slot, argument);
                        }
                    }
                }
            }
        }
    }
    names
}
