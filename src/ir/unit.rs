//! One file: its functions, what it imports and exports, and what could not be read.

use super::Expr;
use crate::text::Span;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the table this id counts.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A function of a unit; `FuncId(0)` is the module body.
    FuncId
);
id!(
    /// A variable or temporary of a unit.
    SlotId
);
id!(
    /// A class of a unit.
    ClassId
);
id!(
    /// A block of a function; `BlockId(0)` is the entry.
    BlockId
);

/// The language a file is written in: it says which libraries' calls may stand there, and how type names read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// TypeScript and JavaScript.
    #[default]
    TypeScript,
    /// Rust.
    Rust,
}

impl Language {
    /// What libraries call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Rust => "rust",
        }
    }
}

/// A lowered file.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The path it was read from, relative to the project, with forward slashes.
    pub path: String,
    /// What it is written in.
    pub language: Language,
    /// All functions; the first is the module body.
    pub functions: Vec<Func>,
    /// All variables and temporaries, of every scope.
    pub slots: Vec<Slot>,
    /// All classes.
    pub classes: Vec<Class>,
    /// Types that are names for others, as written, where types have names of their own.
    pub aliases: Vec<(String, String)>,
    /// Names brought in from other modules.
    pub imports: Vec<Import>,
    /// Modules whose names are all brought in without being listed (`use a::b::*`).
    pub globs: Vec<String>,
    /// Modules that are asked for as a whole, somewhere in the code.
    pub required: Vec<String>,
    /// Names offered to other modules.
    pub exports: Vec<Export>,
    /// All comments, in source order: suppressions are read from them.
    pub comments: Vec<Comment>,
    /// What could not be read. The rest of the unit is still good.
    pub problems: Vec<Problem>,
}

impl Unit {
    /// The first parts of the modules that it brings names in from.
    pub fn crates(&self) -> impl Iterator<Item = &str> {
        let sources = self.imports.iter().map(|import| import.source.as_str());
        sources.chain(self.globs.iter().map(String::as_str)).map(|source| source.split("::").next().unwrap_or(source))
    }

    /// The names of the modules it takes values from, as written.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let imported = self.imports.iter().filter(|import| !import.type_only).map(|import| import.source.as_str());
        let passed_on = self.exports.iter().filter_map(|export| match &export.target {
            ExportTarget::From(source, _) | ExportTarget::All(source) => Some(source.as_str()),
            ExportTarget::Value(_) => None,
        });
        imported.chain(passed_on).chain(self.required.iter().map(String::as_str))
    }
}

/// A variable or temporary. One slot per declaration; shadowing makes another.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The name, empty for a temporary.
    pub name: String,
    /// The function whose scope declares it.
    pub owner: FuncId,
    /// Its declared type, as written, with white space folded.
    pub ty: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// How a function was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncKind {
    /// The module body.
    Module,
    /// A declared function.
    Declared,
    /// A function literal.
    Anonymous,
    /// A method of a class.
    Method(ClassId),
    /// A constructor of a class.
    Constructor(ClassId),
    /// What calls of a macro stand for in other files, with what they hand over as parameters. One that takes a function
    /// has a declared type.
    Macro,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Func {
    /// Its name; an anonymous function takes the nearest that holds it (binding, export, property key, route path). Empty
    /// where there is none.
    pub name: String,
    /// How it was written.
    pub kind: FuncKind,
    /// The function whose scope encloses it.
    pub parent: Option<FuncId>,
    /// Its parameters. A destructured parameter is a temporary that the entry block takes apart; a default is a branch
    /// there.
    pub params: Vec<Param>,
    /// Its declared return type, as written.
    pub returns: Option<String>,
    /// What its type parameters must be, by their names: `E` and `Executor<'a> + Copy`.
    pub bounds: Vec<(String, String)>,
    /// Whether it is a test or a part of one, and runs alone.
    pub is_test: bool,
    /// The body; the first block is the entry.
    pub blocks: Vec<Block>,
    /// The whole function.
    pub span: Span,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct Param {
    /// Where the argument lands.
    pub slot: SlotId,
    /// Whether it takes all remaining arguments.
    pub rest: bool,
}

/// A stretch of steps without branches.
#[derive(Clone, Debug)]
pub struct Block {
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// How it ends.
    pub exit: Exit,
    /// The exit's text: the tested condition, the returned or thrown expression.
    pub exit_span: Span,
    /// Where an error goes that a step or the exit raises; `None`: to the caller. A block with a handler holds at most one
    /// call, as its last step, so that the state in which the error leaves is the state before that call.
    pub handler: Option<BlockId>,
}

/// One effect.
#[derive(Clone, Debug)]
pub enum Step {
    /// A variable takes a value.
    Set {
        /// The variable.
        slot: SlotId,
        /// Its new value.
        value: Expr,
        /// The whole assignment.
        span: Span,
    },
    /// A member of the object held in a variable takes a value (`data.status = x`), or is removed.
    Store {
        /// The variable at the root of the path.
        root: SlotId,
        /// The path from there.
        path: Vec<Key>,
        /// The new value, `None` where the member is deleted.
        value: Option<Expr>,
        /// The whole assignment.
        span: Span,
    },
    /// A call.
    Call(Box<Call>),
    /// A variable is given up before its function ends: what it holds is released.
    Drop {
        /// The variable.
        slot: SlotId,
        /// The end of its block, or what gave it up.
        span: Span,
    },
}

impl Block {
    /// Whether a variable is read in it.
    #[must_use]
    pub fn uses(&self, slot: SlotId) -> bool {
        let is_root = |step: &Step| matches!(step, Step::Store { root, .. } if *root == slot);
        self.steps.iter().any(is_root) || self.values().any(|(value, _)| value.uses(slot))
    }

    /// The values that it reads, each with whether it is what a call calls.
    pub fn values(&self) -> impl Iterator<Item = (&Expr, bool)> {
        self.steps.iter().flat_map(Step::values).chain(self.exit.value().map(|value| (value, false)))
    }
}

impl Step {
    /// The values that it reads, each with whether it is what a call calls.
    fn values(&self) -> impl Iterator<Item = (&Expr, bool)> {
        let (mut read, mut called): (Vec<&Expr>, Option<&Expr>) = (Vec::new(), None);
        match self {
            Self::Set { value, .. } => read.push(value),
            Self::Store { path, value, .. } => {
                read.extend(path.iter().filter_map(|key| match key {
                    Key::Computed(key) => Some(key),
                    Key::Name(_) => None,
                }));
                read.extend(value);
            }
            Self::Call(call) => {
                called = Some(&call.callee);
                read.extend(call.args.iter().map(|item| match item {
                    super::Item::Value(arg) | super::Item::Spread(arg) => arg,
                }));
            }
            Self::Drop { .. } => {}
        }
        read.into_iter().map(|value| (value, false)).chain(called.map(|value| (value, true)))
    }
}

/// One hop of a path into an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A known name.
    Name(String),
    /// A computed one.
    Computed(Expr),
}

/// How a call was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallForm {
    /// `f(a)`.
    Plain,
    /// `new F(a)`.
    New,
    /// A tagged template: the only argument is the template.
    Tag,
    /// A macro that is not understood: its arguments are those of its expressions that can be read, or its text.
    Macro,
}

/// A call and where its pieces stand.
#[derive(Clone, Debug)]
pub struct Call {
    /// The temporary that takes the result.
    pub out: SlotId,
    /// What is called; a method call has a [`super::ExprKind::Field`] here.
    pub callee: Expr,
    /// The arguments.
    pub args: Vec<super::Item>,
    /// The types it is given (`query_as::<_, User>`), as written.
    pub type_args: Vec<String>,
    /// The variables that it is given to change (`&mut x`), and may.
    pub mutates: Vec<SlotId>,
    /// How it was written.
    pub form: CallForm,
    /// Whether the result is awaited right here (or handed to something that awaits it right here).
    pub awaited: bool,
    /// The whole call expression.
    pub span: Span,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Exit {
    /// On to another block.
    Goto(BlockId),
    /// One of two ways. The test is a value; whether it means "absent", "failed" or a comparison is read off it later.
    Branch {
        /// The tested value.
        test: Expr,
        /// Where a true (or present) value leads.
        yes: BlockId,
        /// Where a false (or absent) value leads.
        no: BlockId,
    },
    /// Back to the caller.
    Return(Option<Expr>),
    /// An error, to the block's handler or the caller.
    Throw(Expr),
    /// Not reached.
    Unreachable,
}

impl Exit {
    /// The value that it looks at, or hands over.
    fn value(&self) -> Option<&Expr> {
        match self {
            Self::Branch { test: value, .. } | Self::Return(Some(value)) | Self::Throw(value) => Some(value),
            Self::Goto(_) | Self::Return(None) | Self::Unreachable => None,
        }
    }
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name, empty for an anonymous one.
    pub name: String,
    /// The class it extends.
    pub extends: Option<Expr>,
    /// Interfaces it implements, as written.
    pub implements: Vec<String>,
    /// Its fields, constructor parameter properties among them.
    pub fields: Vec<FieldDecl>,
    /// Its methods, accessors among them.
    pub methods: Vec<MethodDecl>,
    /// Its constructor.
    pub constructor: Option<FuncId>,
    /// Its decorators: of TypeScript the names, of Rust all attributes as written, and `trait` for a trait.
    pub decorators: Vec<String>,
    /// The whole class.
    pub span: Span,
}

/// A field of a class.
#[derive(Clone, Debug)]
pub struct FieldDecl {
    /// Its name.
    pub name: String,
    /// Its declared type, as written.
    pub ty: Option<String>,
    /// Its initial value, if that runs nothing; a field that a function literal initialises is a method for callers.
    pub value: Option<Expr>,
    /// Whether it belongs to the class itself.
    pub is_static: bool,
    /// What stands in front of it to be read by macros, as written.
    pub attributes: Vec<String>,
}

impl FieldDecl {
    /// Whether it stands for a variant of that name which has data, of the type that is written.
    #[must_use]
    pub fn is_payload(&self, name: &str) -> bool {
        self.is_static && self.value.is_none() && self.ty.is_some() && self.name == name
    }
}

/// A method of a class.
#[derive(Clone, Debug)]
pub struct MethodDecl {
    /// Its name.
    pub name: String,
    /// Its body.
    pub func: FuncId,
    /// Whether it belongs to the class itself.
    pub is_static: bool,
    /// Whether it is read like a field (`get x()`).
    pub is_getter: bool,
}

/// A name brought in from another module.
#[derive(Clone, Debug)]
pub struct Import {
    /// The variable of the module body that holds it.
    pub slot: SlotId,
    /// The module, as written.
    pub source: String,
    /// Which of its names.
    pub name: ImportName,
    /// Whether only its type is used.
    pub type_only: bool,
    /// The whole import.
    pub span: Span,
}

/// Which name of a module an import brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportName {
    /// The default export.
    Default,
    /// All of it, as one object.
    Namespace,
    /// A named export.
    Named(String),
}

/// A name offered to other modules.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name, `default` for the default export; empty for [`ExportTarget::All`] without a name, and for a module that
    /// is replaced by one value (`module.exports = x`, `export = x`).
    pub name: String,
    /// What it names.
    pub target: ExportTarget,
}

impl Export {
    /// The name under which a type is exported that has methods where it is not declared in sight: no item has it.
    #[must_use]
    pub fn of_derived(name: &str) -> String {
        format!("impl {name}")
    }
}

/// What an export names.
#[derive(Clone, Debug)]
pub enum ExportTarget {
    /// A value of the module body.
    Value(Expr),
    /// A name of another module, passed on.
    From(String, ImportName),
    /// Every name of another module.
    All(String),
}

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The whole comment, with its marks.
    pub span: Span,
    /// Its text, without the marks, trimmed.
    pub text: String,
    /// Whether nothing but white space stands before it on its line.
    pub own_line: bool,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What, for people.
    pub message: String,
}
