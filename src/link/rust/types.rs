//! Types as they are written: which class of the project one names, through references, wrappers, aliases, `Self` and
//! type parameters, and what it is called outside of the project.

use super::paths;
use crate::ir::{ExprKind, FieldDecl, FuncId, Step};
use crate::link::{ClassRef, Exported, FuncRef, Program, UnitId, Written};

/// How many wrappers and aliases are looked through.
const DEPTH: usize = 12;

/// Types whose members are not those of what they hold: collections of many, and ends of channels.
const HOLDERS: [&str; 14] = [
    "Vec",
    "VecDeque",
    "HashSet",
    "BTreeSet",
    "LinkedList",
    "BinaryHeap",
    "PhantomData",
    "Sender",
    "Receiver",
    "UnboundedSender",
    "UnboundedReceiver",
    "SmallVec",
    "IndexSet",
    "Iterator",
];

/// Types of which the first argument is what calls are made on, though there are more.
const FIRST_COUNTS: [&str; 2] = ["Result", "LazyLock"];

/// The class of the project that a type names; of a type from outside, what the project adds to it.
pub(in crate::link) fn class_of_type(program: &Program, ty: Written<'_>) -> Option<ClassRef> {
    let own = walk(program, ty, DEPTH, &mut |found| match found {
        Found::Class(class) => Some(program.home(class)),
        Found::Named(_) => None,
    });
    own.or_else(|| {
        walk(program, ty, DEPTH, &mut |found| match found {
            Found::Named(name) => program.rust.foreign(&name),
            Found::Class(_) => None,
        })
    })
}

/// The class that a type itself names, not one that it wraps.
pub(super) fn declared_class(program: &Program, ty: Written<'_>) -> Option<ClassRef> {
    let (path, _) = split(bare(ty.text))?;
    let segments: Vec<&str> = path.split("::").collect();
    program.class_of_export(paths::path(program, ty.unit, &segments)?)
}

/// The names that a type goes by, from the outermost in.
pub(in crate::link) fn names_of_type(program: &Program, ty: Written<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let _: Option<()> = walk(program, ty, DEPTH, &mut |found| {
        names.push(match found {
            Found::Class(class) => program.class(class).name.clone(),
            Found::Named(name) => name,
        });
        None
    });
    names
}

/// Collections whose elements are of the type that they are given last.
const SEQUENCES: [&str; 8] =
    ["Vec", "VecDeque", "HashSet", "BTreeSet", "LinkedList", "IndexSet", "SmallVec", "Iterator"];

/// The type of one element of a type, where that is a collection, through references and wrappers.
pub(in crate::link) fn element_type(text: &str) -> Option<&str> {
    let mut text = bare(text);
    for _ in 0..DEPTH {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']')?;
            return Some(pieces(inner, ';').first()?.trim());
        }
        let (path, args) = split(text)?;
        let name = path.rsplit("::").next().unwrap_or(path);
        if SEQUENCES.contains(&name) {
            let element = pieces(args, ',').into_iter().find(|arg| !arg.is_empty())?;
            return Some(element.strip_prefix("Item = ").unwrap_or(element));
        }
        text = bare(held(path, args)?);
    }
    None
}

/// The type that an alias of the project stands for; a type that is none as it is.
pub(in crate::link) fn unaliased<'p>(program: &'p Program, ty: Written<'p>) -> Written<'p> {
    let mut ty = ty;
    for _ in 0..DEPTH {
        let Some((path, _)) = split(bare(ty.text)) else { break };
        let segments: Vec<&str> = path.split("::").collect();
        let meant = paths::path(program, ty.unit, &segments);
        let Some(Exported::Value(unit, expr)) = meant.filter(|it| program.class_of_export(*it).is_none()) else {
            break;
        };
        let ExprKind::Slot(slot) = &expr.kind else { break };
        let Some(text) = program.unit(unit).slots[slot.index()].ty.as_deref() else { break };
        ty = Written { unit, text, func: None, class: None };
    }
    ty
}

/// The functions that make the error of what a function returns from other errors.
pub(in crate::link) fn error_conversions(program: &Program, func: FuncRef) -> Vec<FuncRef> {
    let Some(returned) = program.type_returned(func) else { return Vec::new() };
    let result = unaliased(program, returned);
    let args = split(bare(result.text)).map_or_else(Vec::new, |(_, args)| pieces(args, ','));
    let [.., _, error] = args.as_slice() else { return Vec::new() };
    let Some(class) = declared_class(program, Written { text: error, ..result }) else { return Vec::new() };
    let mut classes = vec![program.home(class)];
    let (mut found, mut next) = (Vec::new(), 0);
    while let Some(&class) = classes.get(next) {
        next += 1;
        for from in conversions_to(program, class) {
            found.push(from);
            for held in converted_within(program, class, from) {
                if classes.len() < DEPTH && !classes.contains(&held) {
                    classes.push(held);
                }
            }
        }
    }
    found
}

/// The functions that make a value of a class from another.
fn conversions_to(program: &Program, class: ClassRef) -> impl Iterator<Item = FuncRef> {
    let methods = program.parts(class).flat_map(|part| program.class(part).methods.iter().map(move |it| (part, it)));
    methods
        .filter(|(_, method)| method.name == "from")
        .map(|(part, method)| FuncRef { unit: part.unit, func: method.func })
}

/// The classes that a conversion makes its argument a value of, before it puts that into a variant of its own class.
fn converted_within(program: &Program, class: ClassRef, from: FuncRef) -> Vec<ClassRef> {
    let func = program.func(from);
    let given = func.params.first().and_then(|param| program.unit(from.unit).slots[param.slot.index()].ty.as_deref());
    let class_of = |unit: UnitId, text: &str| {
        let class = declared_class(program, Written { unit, text, func: None, class: Some(class) })?;
        Some(program.home(class))
    };
    let given = given.and_then(|text| class_of(from.unit, text));
    let variant = |step: &Step| match step {
        Step::Call(call) => match (&call.callee.kind, call.args.len()) {
            (ExprKind::Field(_, name), 1) => program.class(class).fields.iter().find(|field| field.is_payload(name)),
            _ => None,
        },
        _ => None,
    };
    let payload = |field: &FieldDecl| {
        let data = field.ty.as_deref()?.trim().strip_prefix('(')?.strip_suffix(')')?;
        class_of(class.unit, data.trim())
    };
    let steps = func.blocks.iter().flat_map(|block| &block.steps);
    steps.filter_map(variant).filter_map(payload).filter(|held| Some(*held) != given).collect()
}

/// The types that a member has in the variants of a class which have it.
pub(in crate::link) fn payloads<'p>(program: &'p Program, class: ClassRef, name: &str) -> Vec<Written<'p>> {
    let home = program.home(class);
    let of_variant = |data: &'p str| {
        let data = data.trim();
        if let Some(members) = data.strip_prefix('(').and_then(|data| data.strip_suffix(')')) {
            return pieces(members, ',').get(name.parse::<usize>().ok()?).copied();
        }
        let members = data.strip_prefix('{').and_then(|data| data.strip_suffix('}'))?;
        let named = |member: &'p str| member.split_once(':').filter(|(own, _)| own.trim() == name);
        pieces(members, ',').into_iter().find_map(named).map(|(_, ty)| ty)
    };
    let variants = program.class(home).fields.iter().filter(|field| field.is_payload(&field.name));
    let mut found: Vec<&str> = variants.filter_map(|field| of_variant(field.ty.as_deref()?)).map(str::trim).collect();
    found.retain(|ty| !ty.is_empty());
    found.dedup();
    found.into_iter().map(|text| Written { unit: home.unit, text, func: None, class: Some(home) }).collect()
}

/// Whether a type is one from outside the project, with nothing of the project in it.
pub(in crate::link) fn is_foreign(program: &Program, ty: Written<'_>) -> bool {
    !names_of_type(program, ty).is_empty() && class_of_type(program, ty).is_none()
}

/// What a type turned out to name.
enum Found {
    Class(ClassRef),
    /// The full path of something outside the project.
    Named(String),
}

/// Tells `see` what a type names, from the outermost in, until it is content.
fn walk<R>(program: &Program, ty: Written<'_>, depth: usize, see: &mut dyn FnMut(Found) -> Option<R>) -> Option<R> {
    let depth = depth.checked_sub(1)?;
    let text = bare(ty.text);
    let bounds = pieces(text, '+');
    if bounds.len() > 1 {
        return bounds.into_iter().find_map(|bound| walk(program, Written { text: bound, ..ty }, depth, see));
    }
    let (path, args) = split(text)?;
    if path == "Self" {
        return see(Found::Class(ty.class?));
    }
    if let Some(bound) = bound_of(program, ty, path) {
        return walk(program, Written { text: bound, ..ty }, depth, see);
    }
    let segments: Vec<&str> = path.split("::").collect();
    let meant = paths::path(program, ty.unit, &segments);
    let found = match (meant, meant.and_then(|meant| program.class_of_export(meant))) {
        (_, Some(class)) => return see(Found::Class(class)),
        (Some(Exported::Value(unit, expr)), None) => {
            // An alias is a name that is declared with the type it stands for.
            let ExprKind::Slot(slot) = &expr.kind else { return None };
            let aliased = program.unit(unit).slots[slot.index()].ty.as_deref()?;
            walk(program, Written { unit, text: aliased, func: None, class: None }, depth, see)
        }
        _ => see(Found::Named(full_path(program, ty.unit, &segments))),
    };
    found.or_else(|| walk(program, Written { text: held(path, args)?, ..ty }, depth, see))
}

/// What a type parameter must be, where a name is one.
fn bound_of<'p>(program: &'p Program, ty: Written<'_>, name: &str) -> Option<&'p str> {
    let unit = program.unit(ty.unit);
    let of_func = |func: FuncId| unit.functions[func.index()].bounds.iter().find(|(bound, _)| bound == name);
    let around = std::iter::successors(ty.func, |func| unit.functions[func.index()].parent);
    if let Some((_, bound)) = around.into_iter().find_map(of_func) {
        return Some(bound);
    }
    // A parameter of the type itself: its methods say what it must be.
    ty.class.into_iter().flat_map(|class| program.parts(class)).find_map(|class| {
        let methods = program.class(class).methods.iter();
        let funcs = methods.map(|method| &program.unit(class.unit).functions[method.func.index()]);
        let bounds = funcs.flat_map(|func| &func.bounds);
        bounds.filter(|(bound, _)| bound == name).map(|(_, must_be)| must_be.as_str()).next()
    })
}

/// A path that leads out of the project, from the crate it leads to.
fn full_path(program: &Program, unit: UnitId, segments: &[&str]) -> String {
    let (first, rest) = segments.split_first().unwrap_or((&"", &[]));
    let slot = program.rust.import(unit, first);
    let it = program.unit(unit);
    let import = slot.and_then(|slot| it.imports.iter().find(|import| import.slot == slot));
    let mut path = match import {
        Some(import) => match &import.name {
            crate::ir::ImportName::Named(name) => format!("{}::{name}", import.source),
            _ => import.source.clone(),
        },
        None => (*first).to_owned(),
    };
    for segment in rest {
        path.push_str("::");
        path.push_str(segment);
    }
    match path.split_once("::") {
        // A crate that goes by another name here.
        Some((first, rest)) => paths::renamed_crate(program, unit, first).map(|own| format!("{own}::{rest}")),
        None => None,
    }
    .unwrap_or(path)
}

/// The type that a wrapper from outside the project holds.
fn held<'t>(path: &str, args: &'t str) -> Option<&'t str> {
    let name = path.rsplit("::").next().unwrap_or(path);
    if HOLDERS.contains(&name) {
        return None;
    }
    let is_type = |arg: &&str| !arg.starts_with('\'') && !arg.is_empty() && !arg.contains('=') && *arg != "_";
    let args: Vec<&str> = pieces(args, ',').into_iter().filter(is_type).collect();
    match args.as_slice() {
        [only] => Some(only),
        [first, ..] if FIRST_COUNTS.contains(&name) => Some(first),
        _ => None,
    }
}

/// A type without references, lifetimes and the words in front of it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text;
        text = text.trim_start_matches(['&', '*', '?']).trim_start();
        if text.starts_with('\'') {
            text = text.split_once(' ').map_or("", |(_, rest)| rest);
        }
        if let Some(rest) = text.strip_prefix("for<") {
            text = rest.split_once('>').map_or("", |(_, rest)| rest);
        }
        for word in ["mut ", "const ", "dyn ", "impl "] {
            text = text.strip_prefix(word).unwrap_or(text);
        }
        if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
            && pieces(inner, ',').len() == 1
        {
            text = inner;
        }
        text = text.trim();
        if text == before {
            return text;
        }
    }
}

/// The path of a type and the text of its arguments; `None` for what is no path.
fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '#'))).unwrap_or(text.len());
    let path = text[..end].trim_end_matches(':').trim_start_matches("::");
    let args = text[end..].strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    (!path.is_empty()).then_some((path, args))
}

/// The pieces of a text between marks that stand in no brackets.
fn pieces(text: &str, mark: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start, mut last) = (0_usize, 0, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            // The end of an arrow closes nothing.
            '>' if last == '-' => {}
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            c if c == mark && depth == 0 => {
                pieces.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
        last = c;
    }
    pieces.push(text[start..].trim());
    pieces
}
