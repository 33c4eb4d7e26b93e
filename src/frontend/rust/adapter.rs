//! Methods of the standard library that only pass a value on, or only ask whether one is there.

use syn::{Expr as Source, ExprMethodCall};

use crate::frontend::value::{binary, null};
use crate::ir::{BinaryOp, Expr};
use crate::text::Span;

/// Methods without arguments whose result is taken for the value itself: copies, references, conversions, iterators over it.
const PASSING: [&str; 42] = [
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
    "into_inner",
    "into_iter",
    "into_owned",
    "into_string",
    "iter",
    "iter_mut",
    "par_iter",
    "into_par_iter",
    "peekable",
    "rev",
    "to_owned",
    "to_string",
    "to_vec",
    "transpose",
    "try_into",
    "unwrap",
    "unwrap_unchecked",
    "into_future",
    "to_bytes",
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
        Some("Option") => name == "Some",
        Some("Result") => name == "Ok",
        _ => false,
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
