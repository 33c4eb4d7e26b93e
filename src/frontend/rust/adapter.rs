//! Methods of the standard library that only pass a value on, or only ask whether one is there.

use syn::{Expr as Source, ExprCall, ExprMethodCall};

use crate::frontend::value::{binary, null};
use crate::ir::{BinaryOp, Expr};
use crate::text::Span;

/// Methods without arguments whose result is taken for the value itself: copies, references, conversions, iterators over it.
const PASSING: [&str; 45] = [
    "as_bytes",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_mut_slice",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "boxed",
    "boxed_local",
    "by_ref",
    "clone",
    "cloned",
    "collect",
    "copied",
    "deref",
    "deref_mut",
    "fuse",
    "into",
    "into_boxed_slice",
    "into_boxed_str",
    "into_bytes",
    "into_future",
    "into_inner",
    "into_iter",
    "into_owned",
    "into_par_iter",
    "into_string",
    "iter",
    "iter_mut",
    "par_iter",
    "peekable",
    "rev",
    "scope_boxed",
    "scope_boxed_local",
    "to_bytes",
    "to_owned",
    "to_string",
    "to_vec",
    "transpose",
    "try_into",
    "unwrap",
    "unwrap_unchecked",
];

/// Whether a method call leaves no trace: it passes its receiver on, or asks something of it that is a value.
pub(super) fn is_pure(call: &ExprMethodCall) -> bool {
    let name = call.method.to_string();
    match call.args.len() {
        0 => passes_on(&name) || matches!(name.as_str(), "is_some" | "is_none" | "is_empty" | "len"),
        1 => name == "expect",
        _ => false,
    }
}

/// Whether a method without arguments passes its receiver on.
pub(super) fn passes_on(name: &str) -> bool {
    PASSING.contains(&name)
}

/// Whether a method of a collection, a map or a text changes it in place.
pub(super) fn changes(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "clear"
            | "dedup"
            | "drain"
            | "extend"
            | "extend_from_slice"
            | "insert"
            | "insert_str"
            | "pop"
            | "pop_back"
            | "pop_front"
            | "push"
            | "push_back"
            | "push_front"
            | "push_str"
            | "remove"
            | "resize"
            | "retain"
            | "reverse"
            | "sort"
            | "sort_by"
            | "sort_by_key"
            | "sort_unstable"
            | "swap"
            | "swap_remove"
            | "truncate"
    )
}

/// Whether a type, as written, is a collection, a map or a text of the standard library.
pub(super) fn is_collection(ty: &str) -> bool {
    let head =
        ty.trim_start_matches(['&', ' ']).trim_start_matches("mut ").split(['<', ' ']).next().unwrap_or_default();
    let name = head.rsplit("::").next().unwrap_or_default();
    matches!(name, "Vec" | "VecDeque" | "HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" | "BinaryHeap" | "String")
}

/// Whether an expression makes a collection: by a function of its type, a macro, or from an iterator.
pub(super) fn makes_collection(expr: &Source) -> bool {
    match super::block::bare(expr) {
        Source::Call(it) => match &*it.func {
            Source::Path(path) => {
                let of = path.path.segments.iter().rev().nth(1).map(|of| of.ident.to_string());
                of.is_some_and(|of| is_collection(&of))
            }
            _ => false,
        },
        Source::Macro(it) => it.mac.path.is_ident("vec") || it.mac.path.is_ident("format"),
        Source::MethodCall(it) => matches!(it.method.to_string().as_str(), "collect" | "to_vec" | "to_string"),
        _ => false,
    }
}

/// Whether a call makes a list that is empty yet.
pub(super) fn makes_empty_list(it: &ExprCall) -> bool {
    let Source::Path(path) = &*it.func else { return false };
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (Some(name), Some(of)) = (names.next(), names.next()) else { return false };
    let is_empty = matches!((name.as_str(), it.args.len()), ("new", 0) | ("with_capacity", 1));
    is_empty && matches!(of.as_str(), "Vec" | "VecDeque")
}

/// Whether a path names a function that passes its only argument on.
pub(super) fn wraps(function: &Source) -> bool {
    let Source::Path(path) = function else { return false };
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (Some(name), of) = (names.next(), names.next()) else { return false };
    match of.as_deref() {
        None => matches!(name.as_str(), "Some" | "Ok"),
        Some("Box" | "Arc" | "Rc" | "Pin") => matches!(name.as_str(), "new" | "pin" | "clone" | "from"),
        Some("Cow") => matches!(name.as_str(), "Borrowed" | "Owned" | "from"),
        Some("String" | "Into" | "From") => matches!(name.as_str(), "from" | "into"),
        // A number of another width is the same number; what fails where it has no room is no way of the program's.
        Some(of) if is_number(of) => matches!(name.as_str(), "from" | "try_from"),
        Some("Option") => name == "Some",
        Some("Result") => name == "Ok",
        _ => false,
    }
}

/// Whether a name is that of a type of numbers.
fn is_number(name: &str) -> bool {
    let width = name.strip_prefix(['i', 'u', 'f']).unwrap_or_default();
    matches!(width, "8" | "16" | "32" | "64" | "128" | "size")
}

/// Whether a path names a conversion that is a method of its argument's type (`ToString::to_string`, `String::as_str`).
pub(super) fn is_conversion(function: &Source) -> bool {
    let Source::Path(path) = function else { return false };
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (name, of) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    name == "identity" || of.starts_with(char::is_uppercase) && passes_on(&name)
}

/// An expression without the adapters that only pass it on.
pub(super) fn through(expr: &Source) -> &Source {
    match super::block::bare(expr) {
        Source::MethodCall(it) if it.args.is_empty() && passes_on(&it.method.to_string()) => through(&it.receiver),
        other => other,
    }
}

/// The test whether a value is there.
pub(super) fn is_present(value: &Expr, span: Span) -> Expr {
    binary(BinaryOp::Ne, value.clone(), null(span), span)
}

/// The test whether a value is absent.
pub(super) fn is_absent(value: &Expr, span: Span) -> Expr {
    binary(BinaryOp::Eq, value.clone(), null(span), span)
}
