//! The pattern language of library files, parsed once when they are loaded.
//!
//! ```text
//! Client.<E>.{findUnique,findFirst}(a)    methods of a member of a Client; the member is remembered as E
//! Client.$transaction(f: fn, o?)          a function argument and one that may be left out
//! Client.$transaction(list: [], o?)       a list argument
//! Client.$queryRaw`sql`                   a tagged template
//! Client.$queryRaw(`sql`)                 a template, as a tag or as the argument
//! _.lock(name)                            a method of anything
//! withLock(name, *rest)                   a free function and all further arguments
//! sqlx::{query,query_scalar}(sql)         free functions by path
//! sqlx::query!(sql, *values)              macros by path
//! ```
//!
//! Names take `*` wildcards where evidence by name is meant ([`TypePattern`]); nothing is counted by position, since a
//! pattern names its parameters and [`Selector`]s use those names.

mod parse;

use std::fmt;

/// Why a pattern or selector could not be read, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Byte offset into the pattern.
    pub at: usize,
    /// What is wrong, for people.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {})", self.message, self.at)
    }
}

/// How a value may come about to count as one of a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypePattern {
    /// `new PrismaClient(o?)`: constructed by a class of that name.
    New(String),
    /// `: Prisma.TransactionClient`: declared with that type.
    Declared(String),
    /// `extends PrismaClient`: an instance of a class that extends that one.
    Extends(String),
    /// `import { prisma } from "@acme/db"`: brought in from a module.
    Imported {
        /// The module, with `*` wildcards.
        module: String,
        /// Which of its names; `default` for the default export, `*` for the whole module.
        name: String,
    },
    /// `named tx`: a variable or member of that name. This is evidence by name only.
    Named(String),
    /// `path orm::Table`: a name that stands for that item of a module or crate.
    Path(String),
    /// `derive Entity`: an instance of a class that is marked with that word.
    Derive(String),
    /// `entity`: a name that stands for an entity of the schema.
    Entity,
}

impl TypePattern {
    /// Reads a pattern. Braces make several: `named {tx,trx}`.
    ///
    /// # Errors
    ///
    /// The first thing that is not a pattern.
    pub fn parse(text: &str) -> Result<Vec<Self>, PatternError> {
        Self::parse_with_params(text).map(|(patterns, _)| patterns)
    }

    /// The same, and the parameters of a constructor (`new PrismaClient(o?)`), which a type's selectors may name.
    pub(super) fn parse_with_params(text: &str) -> Result<(Vec<Self>, Vec<ParamPattern>), PatternError> {
        parse::type_pattern(text)
    }

    /// Whether `name` is the constructor, declared type, superclass or variable that is meant.
    ///
    /// Types compare by their last segments: `TransactionClient` accepts `Prisma.TransactionClient`, and not the other way
    /// round. A pattern with `::` names the crate, too, and compares as [`path_fits`] does. Always false for
    /// [`TypePattern::Imported`] and [`TypePattern::Entity`].
    #[must_use]
    pub fn accepts(&self, name: &str) -> bool {
        match self {
            Self::New(wanted) | Self::Declared(wanted) | Self::Extends(wanted) if wanted.contains("::") => {
                path_fits(wanted, name)
            }
            Self::New(wanted) | Self::Declared(wanted) | Self::Extends(wanted) => ends_with_path(wanted, name),
            Self::Path(wanted) => path_fits(wanted, name),
            Self::Named(wanted) | Self::Derive(wanted) => wildcard(wanted, name),
            Self::Imported { .. } | Self::Entity => false,
        }
    }

    /// Whether importing `name` from `module` is what is meant.
    #[must_use]
    pub fn accepts_import(&self, module: &str, name: &str) -> bool {
        matches!(self, Self::Imported { module: wanted, name: item } if item == name && wildcard(wanted, module))
    }
}

/// What kind of call a pattern fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `f(a)`.
    Plain,
    /// ``f`a` ``, a tagged template.
    Tag,
    /// Both.
    Any,
    /// `f!(a)`, a macro.
    Macro,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A method of a value.
    Method {
        /// The type of the receiver; `_` for any value.
        receiver: String,
        /// The name under which a member between receiver and method is remembered: `E` in `Client.<E>.create(a)`.
        member: Option<String>,
        /// The method's name; several are alternatives.
        methods: Vec<String>,
    },
    /// A free function by its path; several are alternatives.
    Path(Vec<String>),
}

/// Which values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamKind {
    /// `a`: any.
    Any,
    /// `f: fn`: functions.
    Function,
    /// `list: []`: lists.
    List,
    /// `path: text`: literal text.
    Text,
}

/// A parameter of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParamPattern {
    /// Its name for selectors; `_` for one that is never named.
    pub name: String,
    /// Whether the argument may be left out.
    pub optional: bool,
    /// Whether it stands for all remaining arguments.
    pub rest: bool,
    /// Which values it takes.
    pub kind: ParamKind,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallPattern {
    /// What is called.
    pub callee: Callee,
    /// With what.
    pub params: Vec<ParamPattern>,
    /// How.
    pub form: Form,
}

impl CallPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The first thing that is not a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        parse::call_pattern(text)
    }

    /// The last names of what is called: its methods, or the last segments of its paths.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = match &self.callee {
            Callee::Method { methods, .. } => methods,
            Callee::Path(paths) => paths,
        };
        all.iter().map(|path| path.rsplit("::").next().unwrap_or(path))
    }

    /// Whether a name is one of [`Self::names`].
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        match &self.callee {
            Callee::Method { methods, .. } => methods.iter().any(|method| method == name),
            Callee::Path(_) => self.names().any(|known| known == name),
        }
    }

    /// Whether a call with so many arguments fits.
    #[must_use]
    pub fn takes(&self, arguments: usize) -> bool {
        let needed = self.params.iter().filter(|param| !param.optional && !param.rest).count();
        let endless = self.params.iter().any(|param| param.rest);
        needed <= arguments && (endless || arguments <= self.params.len())
    }

    /// Whether every call that `later` fits fits this pattern, too.
    #[must_use]
    pub fn covers(&self, later: &Self) -> bool {
        self.covers_callee(&later.callee)
            && (self.form == later.form || self.form == Form::Any)
            && (0..=self.params.len().max(later.params.len()) + 1).all(|count| {
                !later.takes(count)
                    || self.takes(count)
                        && (0..count).all(|at| {
                            let (mine, theirs) = (self.kind_at(at), later.kind_at(at));
                            mine == ParamKind::Any || mine == theirs
                        })
            })
    }

    fn covers_callee(&self, later: &Callee) -> bool {
        match (&self.callee, later) {
            (Callee::Path(mine), Callee::Path(theirs)) => theirs.iter().all(|path| mine.contains(path)),
            (
                Callee::Method { receiver, member, methods },
                Callee::Method { receiver: other_receiver, member: other_member, methods: other_methods },
            ) => {
                (receiver == "_" || receiver == other_receiver)
                    && member.is_some() == other_member.is_some()
                    && other_methods.iter().all(|method| methods.contains(method))
            }
            _ => false,
        }
    }

    /// Which values the argument at a position may be; the last parameter goes on where it is a rest.
    fn kind_at(&self, at: usize) -> ParamKind {
        self.params.get(at).or(self.params.last()).map_or(ParamKind::Any, |param| param.kind)
    }
}

/// Where a selector starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A parameter of the pattern, by its position. A rest parameter stands for the list of its arguments.
    Param(usize),
    /// `result`: what the call gives.
    Result,
    /// `self`: what the method is called on.
    Receiver,
}

/// A value, as seen from a call: `a.where`, `result.count`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    /// Where it starts.
    pub root: Root,
    /// The members from there.
    pub path: Vec<String>,
}

impl Selector {
    /// Reads a selector against the parameters of its row's pattern.
    ///
    /// # Errors
    ///
    /// A bad character, or a name that is no parameter.
    pub fn parse(text: &str, params: &[ParamPattern]) -> Result<Self, PatternError> {
        parse::selector(text, params)
    }
}

/// Whether a path means the wanted item: it goes through the same crate, and the last segments are the same. What stands
/// between may differ, since crates offer their items by several ways.
#[must_use]
pub fn path_fits(wanted: &str, path: &str) -> bool {
    let Some((root, rest)) = wanted.split_once("::") else { return ends_with_path(wanted, path) };
    let mut behind = path;
    while let Some((segment, further)) = behind.split_once("::") {
        if wildcard(root, segment) && ends_with_path(rest, further) {
            return true;
        }
        behind = further;
    }
    false
}

/// Whether the last segments of the path `name` are those of `wanted`. Segments end at `.` or `::` and may hold wildcards.
fn ends_with_path(wanted: &str, name: &str) -> bool {
    let mut names = name.rsplit(['.', ':']).filter(|segment| !segment.is_empty());
    wanted
        .rsplit(['.', ':'])
        .filter(|segment| !segment.is_empty())
        .all(|segment| names.next().is_some_and(|name| wildcard(segment, name.trim())))
}

/// Whether `text` is `pattern`, in which `*` stands for anything.
#[must_use]
pub fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| wildcard(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
