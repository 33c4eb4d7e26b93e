//! Patterns: what they declare, what they ask of a value, and what they take out of it.

use syn::{Ident, Member, Pat, Path};

use super::lower::Lower;
use crate::frontend::value::{binary, field, null, opaque};
use crate::ir::{BinaryOp, Const, Expr, ExprKind, Item, UnaryOp};
use crate::text::Span;

impl Lower<'_> {
    /// Declares the names that a pattern binds in the innermost scope. `ty` is the declared type of what it is matched with.
    pub(super) fn declare_pattern(&mut self, pattern: &Pat, ty: Option<&str>) {
        match pattern {
            Pat::Ident(it) => {
                if let Some((_, inner)) = &it.subpat {
                    self.declare_pattern(inner, ty);
                }
                if !is_constant(pattern) {
                    self.declare(&it.ident.to_string(), ty.map(ToOwned::to_owned), self.at(it.ident.span()));
                }
            }
            // All alternatives bind the same names.
            Pat::Or(it) => {
                if let Some(first) = it.cases.first() {
                    self.declare_pattern(first, ty);
                }
            }
            Pat::Guard(it) => self.declare_pattern(&it.pat, ty),
            Pat::Paren(it) => self.declare_pattern(&it.pat, ty),
            Pat::Reference(it) => self.declare_pattern(&it.pat, ty),
            Pat::Type(it) => self.declare_pattern(&it.pat, Some(&super::print::text(&it.ty))),
            Pat::Slice(it) => it.elems.iter().for_each(|element| self.declare_pattern(element, None)),
            Pat::Struct(it) => it.fields.iter().for_each(|field| self.declare_pattern(&field.pat, None)),
            Pat::Tuple(it) => it.elems.iter().for_each(|element| self.declare_pattern(element, None)),
            Pat::TupleStruct(it) => {
                let inner = ty.and_then(|ty| wrapped(&it.path, ty)).filter(|_| it.elems.len() == 1);
                it.elems.iter().for_each(|element| self.declare_pattern(element, inner));
            }
            _ => {}
        }
    }

    /// Gives what a pattern binds its values; the pattern matches.
    pub(super) fn bind(&mut self, pattern: &Pat, value: &Expr) {
        match pattern {
            Pat::Ident(it) => {
                if !is_constant(pattern)
                    && let Some(slot) = self.scopes.resolve(&it.ident.to_string())
                {
                    let span = self.at(it.ident.span());
                    self.set(slot, value.clone(), span);
                }
                if let Some((_, inner)) = &it.subpat {
                    self.bind(inner, value);
                }
            }
            Pat::Or(it) => {
                if let Some(first) = it.cases.first() {
                    self.bind(first, value);
                }
            }
            Pat::Guard(it) => self.bind(&it.pat, value),
            Pat::Paren(it) => self.bind(&it.pat, value),
            Pat::Reference(it) => self.bind(&it.pat, value),
            Pat::Type(it) => self.bind(&it.pat, value),
            Pat::Slice(_) | Pat::Struct(_) | Pat::Tuple(_) | Pat::TupleStruct(_) => {
                for (inner, piece) in self.pieces(pattern, value) {
                    self.bind(inner, &piece);
                }
            }
            _ => {}
        }
    }

    /// Whether a pattern matches a value, as a test; `None` where it always does.
    pub(super) fn test(&mut self, pattern: &Pat, value: &Expr) -> Option<Expr> {
        let span = value.span;
        let own = match pattern {
            Pat::Ident(it) if is_constant(pattern) => Some(self.equals(value, &Path::from(it.ident.clone()))),
            Pat::Ident(it) => return it.subpat.as_ref().and_then(|(_, inner)| self.test(inner, value)),
            Pat::Path(it) => Some(self.equals(value, &it.path)),
            Pat::Lit(it) => {
                let literal = self.literal(&it.lit);
                Some(match literal.kind {
                    ExprKind::Const(Const::Bool(true)) => value.clone(),
                    ExprKind::Const(Const::Bool(false)) => {
                        Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value.clone())), span)
                    }
                    _ => binary(BinaryOp::Eq, value.clone(), literal, span),
                })
            }
            Pat::Range(it) => {
                let is_closed = matches!(it.limits, syn::RangeLimits::Closed(_));
                let low = it.start.as_ref().map(|low| {
                    let low = self.value(low);
                    binary(BinaryOp::Ge, value.clone(), low, span)
                });
                let high = it.end.as_ref().map(|high| {
                    let high = self.value(high);
                    binary(if is_closed { BinaryOp::Le } else { BinaryOp::Lt }, value.clone(), high, span)
                });
                both(low, high)
            }
            Pat::Or(it) => {
                let mut tests = Vec::new();
                for case in &it.cases {
                    // An alternative that always matches decides for all.
                    tests.push(self.test(case, value)?);
                }
                return tests.into_iter().reduce(|left, right| binary(BinaryOp::Or, left, right, span));
            }
            Pat::Guard(it) => return self.test(&it.pat, value),
            Pat::Paren(it) => return self.test(&it.pat, value),
            Pat::Reference(it) => return self.test(&it.pat, value),
            Pat::Type(it) => return self.test(&it.pat, value),
            Pat::TupleStruct(it) => self.is_variant(&it.path, value, true),
            Pat::Struct(it) => self.is_variant(&it.path, value, false),
            Pat::Slice(it) => {
                let has_rest = it.elems.iter().any(is_rest);
                let count = it.elems.iter().filter(|element| !is_rest(element)).count();
                if has_rest && count == 0 {
                    return None;
                }
                let length = field(value.clone(), "length", span);
                let count = Expr::new(ExprKind::Const(Const::Number(count.to_string())), span);
                Some(binary(if has_rest { BinaryOp::Ge } else { BinaryOp::Eq }, length, count, span))
            }
            Pat::Const(_) | Pat::Macro(_) | Pat::Verbatim(_) => Some(opaque(vec![value.clone()], span)),
            _ => None,
        };
        let mut test = own;
        for (inner, piece) in self.pieces(pattern, value) {
            let inner = self.test(inner, &piece);
            test = both(test, inner);
        }
        test
    }

    /// Whether a value is the variant that a path names; `None` where the path is that of a type with one form.
    fn is_variant(&mut self, path: &Path, value: &Expr, is_tuple: bool) -> Option<Expr> {
        let span = value.span;
        let name = path.segments.last()?.ident.to_string();
        match name.as_str() {
            "Some" => return Some(binary(BinaryOp::Ne, value.clone(), null(span), span)),
            "Ok" if path.segments.len() == 1 => return None,
            _ => {}
        }
        let parent = path.segments.iter().rev().nth(1).map(|parent| parent.ident.to_string());
        let of_type = parent.is_some_and(|parent| parent.starts_with(char::is_uppercase));
        let is_struct = path.is_ident("Self") || self.class_named(&name).is_some();
        if !of_type && (!is_tuple || is_struct) {
            return None;
        }
        let path = self.path_value(path);
        Some(binary(BinaryOp::InstanceOf, value.clone(), path, span))
    }

    /// Whether a value is the constant that a path names.
    fn equals(&mut self, value: &Expr, path: &Path) -> Expr {
        let constant = self.path_value(path);
        binary(BinaryOp::Eq, value.clone(), constant, value.span)
    }

    /// The parts of a pattern, each with what it is matched with.
    fn pieces<'p>(&self, pattern: &'p Pat, value: &Expr) -> Vec<(&'p Pat, Expr)> {
        let span = value.span;
        match pattern {
            Pat::TupleStruct(it) => {
                let wraps = it.path.segments.last().is_some_and(|last| {
                    matches!(last.ident.to_string().as_str(), "Some" | "Ok") && it.path.segments.len() == 1
                });
                if wraps {
                    return it.elems.iter().map(|element| (element, value.clone())).collect();
                }
                list(it.elems.iter(), value, span)
            }
            Pat::Tuple(it) => list(it.elems.iter(), value, span),
            Pat::Slice(it) => list(it.elems.iter(), value, span),
            Pat::Struct(it) => it
                .fields
                .iter()
                .map(|part| {
                    let name = match &part.member {
                        Member::Named(name) => name.to_string(),
                        Member::Unnamed(index) => index.index.to_string(),
                    };
                    (&*part.pat, field(value.clone(), &name, self.piece(&part.member)))
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The elements of a list pattern with what they are matched with. Behind `..` it is only known what they come from.
fn list<'p>(elements: impl Iterator<Item = &'p Pat>, value: &Expr, span: Span) -> Vec<(&'p Pat, Expr)> {
    let mut behind_rest = false;
    let mut pieces = Vec::new();
    for (index, element) in elements.enumerate() {
        behind_rest |= is_rest(element);
        let piece = match &value.kind {
            _ if behind_rest => opaque(vec![value.clone()], span),
            ExprKind::Array(items) => match items.get(index) {
                Some(Item::Value(item)) => item.clone(),
                _ => field(value.clone(), &index.to_string(), span),
            },
            _ => field(value.clone(), &index.to_string(), span),
        };
        pieces.push((element, piece));
    }
    pieces
}

fn is_rest(pattern: &Pat) -> bool {
    match pattern {
        Pat::Rest(_) => true,
        Pat::Ident(it) => it.subpat.as_ref().is_some_and(|(_, inner)| is_rest(inner)),
        _ => false,
    }
}

fn both(left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    match (left, right) {
        (Some(left), Some(right)) => {
            let span = left.span;
            Some(binary(BinaryOp::And, left, right, span))
        }
        (one, None) | (None, one) => one,
    }
}

/// Whether a pattern binds a name.
pub(super) fn binds(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(_) => !is_constant(pattern),
        Pat::Or(it) => it.cases.iter().any(binds),
        Pat::Guard(it) => binds(&it.pat),
        Pat::Paren(it) => binds(&it.pat),
        Pat::Reference(it) => binds(&it.pat),
        Pat::Type(it) => binds(&it.pat),
        Pat::Slice(it) => it.elems.iter().any(binds),
        Pat::Struct(it) => it.fields.iter().any(|field| binds(&field.pat)),
        Pat::Tuple(it) => it.elems.iter().any(binds),
        Pat::TupleStruct(it) => it.elems.iter().any(binds),
        _ => false,
    }
}

/// The variable that a pattern is, if it is nothing but one.
pub(super) fn plain_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(it) if it.subpat.is_none() && !is_constant(pattern) => Some(&it.ident),
        Pat::Paren(it) => plain_name(&it.pat),
        Pat::Reference(it) => plain_name(&it.pat),
        _ => None,
    }
}

/// Whether a name in a pattern is that of a constant or a variant: by their spelling, which the compiler warns about.
fn is_constant(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(it) => {
            it.by_ref.is_none()
                && it.mutability.is_none()
                && it.subpat.is_none()
                && it.ident.to_string().starts_with(char::is_uppercase)
        }
        _ => false,
    }
}

/// What a wrapper of the path's name holds, by the type it is declared with: `PgPool` for `State` and `State<PgPool>`.
fn wrapped<'t>(path: &Path, ty: &'t str) -> Option<&'t str> {
    let name = path.segments.last()?.ident.to_string();
    let (outer, rest) = ty.split_once('<')?;
    (outer.rsplit("::").next() == Some(name.as_str())).then(|| rest.strip_suffix('>')).flatten()
}
