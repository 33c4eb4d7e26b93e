//! Which functions can reach a database, as far as the names of calls tell: what is taken in too much costs time, and
//! nothing that could be resolved is missed.

use rustc_hash::{FxHashMap, FxHashSet};

use super::names::Names;
use crate::ir::{
    BlockId, Call, Class, Entry, ExportTarget, Expr, ExprKind, Func, FuncId, FuncKind, Import, ImportName, Language,
    SlotId, Step, Unit,
};
use crate::library::{CallPattern, CallRow, Callee, Library, Place};
use crate::link::{Exported, FuncRef, Program};

/// The names by which libraries are called.
pub(super) struct Methods<'r> {
    /// The calls that do something, by name, and whether they alone are a reason to look at a function: what a lock holds is
    /// reached through the lock.
    reaching: FxHashMap<&'r str, Vec<(&'r CallPattern, bool)>>,
    /// Methods that change what they are called on.
    pub changing: FxHashSet<&'r str>,
}

impl<'r> Methods<'r> {
    pub fn of(libraries: impl Iterator<Item = &'r Library>) -> Self {
        let mut methods = Self { reaching: FxHashMap::default(), changing: FxHashSet::default() };
        for library in libraries {
            // What only adds to a statement reaches nothing yet.
            let adds = |row: &&CallRow| {
                !row.run && library.types.iter().any(|ty| ty.query && row.gives.as_ref() == Some(&ty.name))
            };
            let calls = library.calls.iter().filter(|row| !adds(row));
            let calls = calls.map(|row| (&row.on, row.place != Some(Place::Held)));
            for (pattern, acts) in calls.chain(library.regions.iter().map(|row| (&row.open, true))) {
                for name in pattern.names() {
                    methods.reaching.entry(name).or_default().push((pattern, acts));
                }
            }
            let changing = library.calls.iter().filter(|row| row.in_place);
            methods.changing.extend(changing.flat_map(|row| row.on.names()));
        }
        methods
    }

    /// What a call may be: `None` if it is none of a library's, else whether it is a reason to look at its function.
    fn reached(&self, unit: &Unit, call: &Call, name: &str, members: &FxHashSet<String>) -> Option<bool> {
        let patterns = self.reaching.get(name)?;
        match unit.language {
            Language::TypeScript => may_be_call(unit, &call.callee, name, members).then_some(true),
            // Names are those of many other things, too, and so it is the form and the number of arguments that tell.
            Language::Rust => {
                let is_path = is_path(unit, &call.callee);
                let fits = |pattern: &CallPattern| {
                    pattern.takes(call.args.len()) && (is_path || matches!(pattern.callee, Callee::Method { .. }))
                };
                patterns.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, acts)| *acts).reduce(|a, b| a || b)
            }
        }
    }
}

/// What a function does that matters here.
struct Calling<'p> {
    /// The functions that call a function by that name, and in which way.
    callers: FxHashMap<&'p str, Vec<(Way<'p>, Caller<'p>)>>,
    /// The functions that call a library themselves.
    direct: Vec<(FuncRef, bool)>,
}

/// Who calls something by a name.
#[derive(Clone, Copy)]
pub(super) struct Caller<'p> {
    pub func: FuncRef,
    pub call: &'p Call,
    pub block: BlockId,
}

/// The way in which a call names what it calls.
#[derive(Clone, Copy)]
pub(super) enum Way<'p> {
    /// Nothing can be told from it.
    Any,
    /// `value.name()`.
    Method,
    /// `name()`.
    Bare,
    /// `Type::name()`, `module::name()`.
    Of(&'p str),
}

/// The calls of a program, by name.
pub(super) struct Reach<'p> {
    pub(super) program: &'p Program,
    calling: Calling<'p>,
    aliases: FxHashMap<&'p str, Vec<&'p str>>,
    /// The names of types of the project that are no traits.
    types: FxHashSet<&'p str>,
}

impl<'p> Reach<'p> {
    pub fn new(program: &'p Program, names: &Names<'p>, methods: &Methods<'_>, members: &FxHashSet<String>) -> Self {
        let mut calling = Calling { callers: FxHashMap::default(), direct: Vec::new() };
        let mut types = FxHashSet::default();
        for (unit_id, unit) in program.units() {
            types.extend(unit.classes.iter().filter(|class| !is_trait(class)).map(|class| class.name.as_str()));
            let is_renamed = |import: &&Import| match &import.name {
                ImportName::Named(name) => *name != unit.slots[import.slot.index()].name,
                _ => false,
            };
            let renamed = unit.imports.iter().filter(is_renamed).map(|import| import.slot).collect();
            for (at, func) in unit.functions.iter().enumerate() {
                let here = FuncRef { unit: unit_id, func: FuncId(u32::try_from(at).unwrap_or(u32::MAX)) };
                let mut reached = None;
                let steps =
                    func.blocks.iter().enumerate().flat_map(|(at, block)| block.steps.iter().map(move |it| (at, it)));
                for (block, step) in steps {
                    let Step::Call(call) = step else { continue };
                    let Some(name) = called_name(unit, &call.callee) else { continue };
                    let block = BlockId(u32::try_from(block).unwrap_or(u32::MAX));
                    let caller = Caller { func: here, call, block };
                    calling.callers.entry(name).or_default().push((way(unit, &call.callee, &renamed), caller));
                    if reached != Some(true)
                        && let Some(acts) = methods.reached(unit, call, name, members)
                    {
                        reached = Some(acts);
                    }
                }
                calling.direct.extend(reached.map(|acts| (here, acts)));
            }
        }
        Self { program, calling, aliases: aliases(program, names), types }
    }

    /// All functions from which a call of a library can be reached: any call, or only one that acts by itself.
    pub fn functions(&self, any: bool) -> Vec<FuncRef> {
        let mut todo: Vec<FuncRef> =
            self.calling.direct.iter().filter(|(_, acts)| any || *acts).map(|(func, _)| *func).collect();
        let mut found: FxHashSet<FuncRef> = todo.iter().copied().collect();
        while let Some(function) = todo.pop() {
            let func = self.program.func(function);
            // A function that holds a reaching callback reaches: it may run it.
            if let Some(parent) = func.parent.filter(|p| p.0 != 0) {
                let parent = FuncRef { unit: function.unit, func: parent };
                if found.insert(parent) {
                    todo.push(parent);
                }
            }
            for caller in self.callers(function) {
                if found.insert(caller.func) {
                    todo.push(caller.func);
                }
            }
        }
        let mut found: Vec<FuncRef> = found.into_iter().collect();
        found.sort_unstable();
        found
    }

    /// The functions that may call a function, by any of its names.
    pub(super) fn callers(&self, at: FuncRef) -> impl Iterator<Item = Caller<'p>> + '_ {
        let func = self.program.func(at);
        let names = self.names_of(func).filter(|(name, _)| !name.is_empty());
        names.filter(|_| !func.name.is_empty()).flat_map(move |(name, is_alias)| {
            let all = self.calling.callers.get(name).into_iter().flatten();
            all.filter(move |(way, _)| is_alias || self.may_mean(*way, at, func)).map(|(_, caller)| *caller)
        })
    }

    /// The names that a function goes by, each with whether it is another than its own.
    pub(super) fn names_of(&self, func: &'p Func) -> impl Iterator<Item = (&'p str, bool)> + '_ {
        let others = self.aliases.get(func.name.as_str()).into_iter().flatten();
        std::iter::once((func.name.as_str(), false)).chain(others.map(|name| (*name, true)))
    }

    /// Whether a call of a function's name may mean that function.
    fn may_mean(&self, way: Way<'_>, at: FuncRef, func: &Func) -> bool {
        let unit = self.program.unit(at.unit);
        let class = match func.kind {
            FuncKind::Method(class) => Some(&unit.classes[class.index()]),
            _ => None,
        };
        match (way, class) {
            (Way::Any, _) => true,
            _ if unit.language == Language::TypeScript || func.kind == FuncKind::Anonymous => true,
            (Way::Method, Some(class)) => {
                class.methods.iter().any(|method| method.func == at.func && !method.is_static)
            }
            (Way::Method, None) | (Way::Bare, Some(_)) => false,
            (Way::Bare, None) => true,
            // An alias, a type parameter, a trait, a type of another crate may stand for any type.
            (Way::Of(of), Some(class)) => of == class.name || is_trait(class) || !self.types.contains(of),
            (Way::Of(of), None) => !self.types.contains(of),
        }
    }
}

pub(super) fn is_trait(class: &Class) -> bool {
    class.decorators.iter().any(|word| word == "trait")
}

/// The way in which a call names what it calls.
fn way<'u>(unit: &'u Unit, callee: &'u Expr, renamed: &FxHashSet<SlotId>) -> Way<'u> {
    if unit.language == Language::TypeScript {
        return Way::Any;
    }
    match &callee.kind {
        ExprKind::Field(base, _) if is_path(unit, callee) => match &base.kind {
            ExprKind::Field(_, name) | ExprKind::Global(name) if name != "Self" => Way::Of(name),
            ExprKind::Class(class) => Way::Of(&unit.classes[class.index()].name),
            ExprKind::Slot(slot) if !renamed.contains(slot) => Way::Of(&unit.slots[slot.index()].name),
            _ => Way::Any,
        },
        ExprKind::Field(..) => Way::Method,
        ExprKind::Global(_) => Way::Bare,
        _ => Way::Any,
    }
}

/// Whether what is called may be named by a path of items, and is no member of a value.
pub(super) fn is_path(unit: &Unit, callee: &Expr) -> bool {
    match &callee.kind {
        ExprKind::Field(base, _) => is_path(unit, base),
        ExprKind::Global(_) | ExprKind::Class(_) => true,
        ExprKind::Slot(slot) => unit.slots[slot.index()].owner.0 == 0,
        _ => false,
    }
}

/// Other names that functions go by: in imports, in exports, and as members of objects at the top of a module.
fn aliases<'p>(program: &'p Program, names: &Names<'p>) -> FxHashMap<&'p str, Vec<&'p str>> {
    let mut found: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for (id, unit) in program.units() {
        for import in &unit.imports {
            let alias = unit.slots[import.slot.index()].name.as_str();
            if let Some(Exported::Value(home, value)) = names.imported(id, import.slot) {
                add_alias(&mut found, program.unit(home), value, alias);
            }
        }
        for export in &unit.exports {
            match &export.target {
                ExportTarget::From(_, ImportName::Named(own)) if *own != export.name => {
                    found.entry(own).or_default().push(&export.name);
                }
                ExportTarget::Value(value) => add_alias(&mut found, unit, value, &export.name),
                ExportTarget::From(..) | ExportTarget::All(_) => {}
            }
        }
        let module = unit.functions.first().into_iter().flat_map(|module| &module.blocks);
        for step in module.flat_map(|block| &block.steps) {
            let Step::Set { value: Expr { kind: ExprKind::Object(entries), .. }, .. } = step else { continue };
            for entry in entries {
                if let Entry::Field { key, value, .. } = entry {
                    add_alias(&mut found, unit, value, key);
                }
            }
        }
    }
    found
}

/// Notes that what a value names goes by another name, too.
fn add_alias<'p>(found: &mut FxHashMap<&'p str, Vec<&'p str>>, unit: &'p Unit, value: &'p Expr, alias: &'p str) {
    let own = match &value.kind {
        ExprKind::Slot(slot) => unit.slots[slot.index()].name.as_str(),
        ExprKind::Func(func) => unit.functions[func.index()].name.as_str(),
        _ => return,
    };
    if own != alias && !own.is_empty() && !alias.is_empty() {
        found.entry(own).or_default().push(alias);
    }
}

/// Whether a call by one of the libraries' names may be theirs. Names of one word are those of many other things, too: then
/// it takes a member of something, and one that the schemas know, if there are any.
fn may_be_call(unit: &Unit, callee: &Expr, name: &str, members: &FxHashSet<String>) -> bool {
    if name.chars().any(|c| c.is_uppercase() || c == '$') {
        return true;
    }
    match &callee.kind {
        ExprKind::Field(base, _) => match &base.kind {
            ExprKind::Field(_, member) => members.is_empty() || members.contains(&member.to_lowercase()),
            ExprKind::Slot(slot) => unit.slots[slot.index()].owner.0 == 0 || unit.slots[slot.index()].ty.is_some(),
            ExprKind::Index(..) | ExprKind::This => true,
            _ => false,
        },
        _ => true,
    }
}

/// The last name of what is called.
pub(super) fn called_name<'u>(unit: &'u Unit, callee: &'u Expr) -> Option<&'u str> {
    match &callee.kind {
        ExprKind::Field(_, name) | ExprKind::Global(name) => Some(name),
        ExprKind::Slot(slot) => Some(unit.slots[slot.index()].name.as_str()).filter(|name| !name.is_empty()),
        _ => None,
    }
}
