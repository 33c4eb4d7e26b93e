//! Paths: what `a::b::c` names, seen from a file.
//!
//! A module's names are the items it declares, its child modules, what it imports, and what its globs bring in. Names that
//! are private are found as well: code that compiles asks for none that it may not see.

use crate::ir::{Export, ExportTarget, Expr, ExprKind, ImportName, SlotId};
use crate::link::{Exported, FileId, Program, UnitId};

/// How many modules within one file may stand inside one another.
const INNER: usize = 4;

/// How many names are looked at on the way to one: cycles and thickets of globs end here.
const LOOKS: usize = 400;

/// What an import brings in.
pub(in crate::link) fn imported<'p>(
    program: &'p Program,
    unit: UnitId,
    source: &'p str,
    name: &'p ImportName,
) -> Option<Exported<'p>> {
    let file = file_of(program, unit)?;
    Search::new(program).imported(file, source, name)
}

/// What a module has under a name.
pub(in crate::link) fn member<'p>(program: &'p Program, module: FileId, name: &'p str) -> Option<Exported<'p>> {
    Search::new(program).declared(module, &[name]).map(|(found, _)| found)
}

/// What a name means that no scope of a unit declares: the start of a path, or something that a glob brings in.
pub(in crate::link) fn global<'p>(program: &'p Program, unit: UnitId, name: &'p str) -> Option<Exported<'p>> {
    let file = file_of(program, unit)?;
    Search::new(program).first(file, &[name]).map(|(found, _)| found)
}

/// What a path means in a unit.
pub(super) fn path<'p>(program: &'p Program, unit: UnitId, segments: &[&'p str]) -> Option<Exported<'p>> {
    let file = file_of(program, unit)?;
    Search::new(program).path(file, segments)
}

/// The crate outside of the project that a name stands for, where the start of a unit's crate says so
/// (`extern crate a as b`).
pub(super) fn renamed_crate<'p>(program: &'p Program, unit: UnitId, name: &str) -> Option<&'p str> {
    let root = Search::new(program).root(file_of(program, unit)?);
    let home = *program.of_file.get(&root)?;
    let slot = program.rust.import(home, name)?;
    let import = program.unit(home).imports.iter().find(|import| import.slot == slot)?;
    let is_crate = import.name == ImportName::Namespace && !import.source.contains("::");
    is_crate.then_some(import.source.as_str())
}

fn file_of(program: &Program, unit: UnitId) -> Option<FileId> {
    program.modules.file_at(&program.unit(unit).path)
}

/// One search. It remembers what it is looking for, so that cycles end.
struct Search<'p> {
    program: &'p Program,
    looking: Vec<(FileId, String)>,
    looks: usize,
}

impl<'p> Search<'p> {
    fn new(program: &'p Program) -> Self {
        Self { program, looking: Vec::new(), looks: 0 }
    }

    fn imported(&mut self, file: FileId, source: &'p str, name: &'p ImportName) -> Option<Exported<'p>> {
        let mut segments: Vec<&'p str> = source.split("::").collect();
        if let ImportName::Named(name) = name {
            segments.push(name);
        }
        if source.starts_with('.') {
            // A module in a file that an attribute names.
            let (_, files) = self.program.modules.crates();
            return self.program.modules.resolve(files.path(file), source).map(Exported::Module);
        }
        self.path(file, &segments)
    }

    /// What a path means in a file.
    fn path(&mut self, file: FileId, segments: &[&'p str]) -> Option<Exported<'p>> {
        let (mut found, mut used) = self.first(file, segments)?;
        while used < segments.len() {
            let rest = &segments[used..];
            let (next, more) = self.below(found, rest)?;
            found = next;
            used += more;
        }
        Some(found)
    }

    /// What follows what the start of a path means, and how many segments that takes.
    fn below(&mut self, found: Exported<'p>, rest: &[&'p str]) -> Option<(Exported<'p>, usize)> {
        let name = *rest.first()?;
        match found {
            Exported::Module(file) if name == "super" => Some((Exported::Module(self.parent(file)?), 1)),
            Exported::Module(file) => self.declared(file, rest),
            Exported::Value(unit, expr) => Some((Exported::Member(unit, expr, name), 1)),
            Exported::External => Some((Exported::External, 1)),
            Exported::Member(..) => None,
        }
    }

    fn parent(&self, file: FileId) -> Option<FileId> {
        parent(self.program, file)
    }

    fn root(&self, file: FileId) -> FileId {
        around(self.program, file).last().unwrap_or(file)
    }

    /// What the first segments of a path mean in a file, and how many of them that takes.
    fn first(&mut self, file: FileId, segments: &[&'p str]) -> Option<(Exported<'p>, usize)> {
        let module = |file: FileId| Some((Exported::Module(file), 1));
        match *segments.first()? {
            "crate" | "$crate" => module(self.root(file)),
            "self" => module(file),
            "super" => module(self.parent(file)?),
            name => self.declared(file, segments).or_else(|| {
                let (crates, files) = self.program.modules.crates();
                let library = crates.library(files, file, name).and_then(module);
                library.or_else(|| {
                    let root = self.root(file);
                    (root != file && crates.paths_start_at_root(files, file)).then(|| self.declared(root, segments))?
                })
            }),
        }
    }

    /// What the first segments mean among the names of a module, and how many of them that takes.
    fn declared(&mut self, file: FileId, segments: &[&'p str]) -> Option<(Exported<'p>, usize)> {
        let name = *segments.first()?;
        self.looks += 1;
        if self.looks > LOOKS || self.looking.iter().any(|(at, wanted)| *at == file && wanted == name) {
            return None;
        }
        self.looking.push((file, name.to_owned()));
        let found = self.declared_here(file, segments);
        self.looking.pop();
        found
    }

    fn declared_here(&mut self, file: FileId, segments: &[&'p str]) -> Option<(Exported<'p>, usize)> {
        let name = *segments.first()?;
        let (crates, _) = self.program.modules.crates();
        let child = || crates.child(file, name).map(|child| (Exported::Module(child), 1));
        // A module and a function may share a name; more of the path can only be in the module.
        if segments.len() > 1
            && let Some(found) = child()
        {
            return Some(found);
        }
        let Some(unit) = self.program.of_file.get(&file).copied() else { return child() };
        for count in (1..=segments.len().min(INNER)).rev() {
            let joined = segments[..count].join("::");
            if let Some(export) = self.program.rust.export(self.program, unit, &joined)
                && let Some(found) = self.exported(file, unit, export)
            {
                return Some((found, count));
            }
        }
        if let Some(slot) = self.program.rust.import(unit, name)
            && let Some(found) = self.held(file, unit, slot)
        {
            return Some((found, 1));
        }
        let found = child().or_else(|| self.through_globs(file, unit, segments));
        found.or_else(|| {
            let derived = self.program.rust.export(self.program, unit, &Export::of_derived(name))?;
            Some((self.exported(file, unit, derived)?, 1))
        })
    }

    fn exported(&mut self, file: FileId, unit: UnitId, export: &'p Export) -> Option<Exported<'p>> {
        match &export.target {
            ExportTarget::Value(value) => match &value.kind {
                ExprKind::Slot(slot) if self.program.rust.is_import(unit, *slot) => self.held(file, unit, *slot),
                _ => Some(Exported::Value(unit, value)),
            },
            ExportTarget::From(source, name) => self.imported(file, source, name).or(Some(Exported::External)),
            ExportTarget::All(_) => None,
        }
    }

    /// What the import that a variable holds brings in.
    fn held(&mut self, file: FileId, unit: UnitId, slot: SlotId) -> Option<Exported<'p>> {
        let import = self.program.unit(unit).imports.iter().find(|import| import.slot == slot)?;
        if import.name == ImportName::Namespace
            && let Some(inner) = import.source.strip_prefix("self::")
        {
            // `mod x;`, here or in a module of this file.
            let (crates, _) = self.program.modules.crates();
            return crates.child(file, &inner.replace("::", "/")).map(Exported::Module);
        }
        self.imported(file, &import.source, &import.name)
    }

    /// What `use a::*` brings in under a name: of a module its names, of an enumeration its variants.
    fn through_globs(&mut self, file: FileId, unit: UnitId, segments: &[&'p str]) -> Option<(Exported<'p>, usize)> {
        let name = *segments.first()?;
        let program = self.program;
        program.unit(unit).globs.iter().find_map(|glob| {
            let path: Vec<&'p str> = glob.split("::").collect();
            match self.path(file, &path)? {
                Exported::Module(module) => self.declared(module, segments),
                Exported::Value(home, expr) => {
                    let class = program.class_of_export(Exported::Value(home, expr));
                    match class {
                        Some(class) => {
                            let fields = &program.class(class).fields;
                            let has = fields.iter().any(|field| field.is_static && field.name == name);
                            has.then_some((Exported::Member(home, expr, name), 1))
                        }
                        None => member_of_object(expr, home, program, name),
                    }
                }
                Exported::Member(..) | Exported::External => None,
            }
        })
    }
}

/// A member of a module that stands in a file: there it is an object.
fn member_of_object<'p>(
    expr: &'p Expr,
    unit: UnitId,
    program: &'p Program,
    name: &'p str,
) -> Option<(Exported<'p>, usize)> {
    let ExprKind::Slot(slot) = &expr.kind else { return None };
    let inner = format!("{}::{name}", program.unit(unit).slots[slot.index()].name);
    let export = program.rust.export(program, unit, &inner)?;
    match &export.target {
        ExportTarget::Value(value) => Some((Exported::Value(unit, value), 1)),
        ExportTarget::From(..) | ExportTarget::All(_) => None,
    }
}

fn parent(program: &Program, file: FileId) -> Option<FileId> {
    if let Some(parent) = program.rust.parent(file) {
        return Some(parent);
    }
    let (crates, files) = program.modules.crates();
    crates.parent(files, file)
}

/// A module and those around it, from the inside.
pub(super) fn around(program: &Program, file: FileId) -> impl Iterator<Item = FileId> + '_ {
    std::iter::successors(Some(file), |file| parent(program, *file)).take(64)
}
