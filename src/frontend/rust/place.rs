//! Where parsed pieces stand. The parser can tell only by printing a piece, which would make lowering quadratic: here the
//! first and the last token are looked up instead.

use proc_macro2::Span as Mark;
use syn::spanned::Spanned;
use syn::{Block, Expr, Macro, Member, Path, PathArguments, Stmt};

/// The first token of an expression.
pub(super) fn first(expr: &Expr) -> Mark {
    match expr {
        Expr::Array(it) => it.bracket_token.span.open(),
        Expr::Assign(it) => first(&it.left),
        Expr::Async(it) => it.async_token.span,
        Expr::Await(it) => first(&it.base),
        Expr::Binary(it) => first(&it.left),
        Expr::Block(it) => it.label.as_ref().map_or_else(|| open(&it.block), |label| label.name.apostrophe),
        Expr::Break(it) => it.break_token.span,
        Expr::Call(it) => first(&it.func),
        Expr::Cast(it) => first(&it.expr),
        Expr::Closure(it) => match (&it.asyncness, &it.capture) {
            (Some(token), _) => token.span,
            (None, Some(token)) => token.span,
            (None, None) => it.inputs_begin.spans[0],
        },
        Expr::Const(it) => it.const_token.span,
        Expr::Continue(it) => it.continue_token.span,
        Expr::Field(it) => first(&it.base),
        Expr::ForLoop(it) => it.label.as_ref().map_or(it.for_token.span, |label| label.name.apostrophe),
        Expr::Group(it) => first(&it.expr),
        Expr::If(it) => it.if_token.span,
        Expr::Index(it) => first(&it.expr),
        Expr::Infer(it) => it.underscore_token.spans[0],
        Expr::Let(it) => it.let_token.span,
        Expr::Lit(it) => it.lit.span(),
        Expr::Loop(it) => it.label.as_ref().map_or(it.loop_token.span, |label| label.name.apostrophe),
        Expr::Macro(it) => first_of_path(&it.mac.path),
        Expr::Match(it) => it.match_token.span,
        Expr::MethodCall(it) => first(&it.receiver),
        Expr::Paren(it) => it.paren_token.span.open(),
        Expr::Path(it) => it.qself.as_ref().map_or_else(|| first_of_path(&it.path), |qself| qself.lt_token.spans[0]),
        Expr::Range(it) => match (&it.start, &it.limits) {
            (Some(start), _) => first(start),
            (None, syn::RangeLimits::HalfOpen(token)) => token.spans[0],
            (None, syn::RangeLimits::Closed(token)) => token.spans[0],
        },
        Expr::RawAddr(it) => it.and_token.spans[0],
        Expr::Reference(it) => it.and_token.spans[0],
        Expr::Repeat(it) => it.bracket_token.span.open(),
        Expr::Return(it) => it.return_token.span,
        Expr::Struct(it) => it.qself.as_ref().map_or_else(|| first_of_path(&it.path), |qself| qself.lt_token.spans[0]),
        Expr::Try(it) => first(&it.expr),
        Expr::TryBlock(it) => it.try_token.span,
        Expr::Tuple(it) => it.paren_token.span.open(),
        Expr::Unary(it) => match &it.op {
            syn::UnOp::Deref(token) => token.spans[0],
            syn::UnOp::Not(token) => token.spans[0],
            syn::UnOp::Neg(token) => token.spans[0],
            _ => first(&it.expr),
        },
        Expr::Unsafe(it) => it.unsafe_token.span,
        Expr::While(it) => it.label.as_ref().map_or(it.while_token.span, |label| label.name.apostrophe),
        Expr::Yield(it) => it.yield_token.span,
        other => other.span(),
    }
}

/// The last token of an expression.
pub(super) fn last(expr: &Expr) -> Mark {
    match expr {
        Expr::Array(it) => it.bracket_token.span.close(),
        Expr::Assign(it) => last(&it.right),
        Expr::Async(it) => close(&it.block),
        Expr::Await(it) => it.await_token.span,
        Expr::Binary(it) => last(&it.right),
        Expr::Block(it) => close(&it.block),
        Expr::Break(it) => match (&it.expr, &it.label) {
            (Some(value), _) => last(value),
            (None, Some(label)) => label.ident.span(),
            (None, None) => it.break_token.span,
        },
        Expr::Call(it) => it.paren_token.span.close(),
        Expr::Closure(it) => last(&it.body),
        Expr::Const(it) => close(&it.block),
        Expr::Continue(it) => it.label.as_ref().map_or(it.continue_token.span, |label| label.ident.span()),
        Expr::Field(it) => match &it.member {
            Member::Named(name) => name.span(),
            Member::Unnamed(index) => index.span,
        },
        Expr::ForLoop(it) => close(&it.body),
        Expr::Group(it) => last(&it.expr),
        Expr::If(it) => it.else_branch.as_ref().map_or_else(|| close(&it.then_branch), |(_, other)| last(other)),
        Expr::Index(it) => it.bracket_token.span.close(),
        Expr::Let(it) => last(&it.expr),
        Expr::Loop(it) => close(&it.body),
        Expr::Macro(it) => last_of_macro(&it.mac),
        Expr::Match(it) => it.brace_token.span.close(),
        Expr::MethodCall(it) => it.paren_token.span.close(),
        Expr::Paren(it) => it.paren_token.span.close(),
        Expr::Path(it) => last_of_path(&it.path),
        Expr::Range(it) => match (&it.end, &it.limits) {
            (Some(end), _) => last(end),
            (None, syn::RangeLimits::HalfOpen(token)) => token.spans[1],
            (None, syn::RangeLimits::Closed(token)) => token.spans[2],
        },
        Expr::RawAddr(it) => last(&it.expr),
        Expr::Reference(it) => last(&it.expr),
        Expr::Repeat(it) => it.bracket_token.span.close(),
        Expr::Return(it) => it.expr.as_ref().map_or(it.return_token.span, |value| last(value)),
        Expr::Struct(it) => it.brace_token.span.close(),
        Expr::Try(it) => it.question_token.spans[0],
        Expr::TryBlock(it) => close(&it.block),
        Expr::Tuple(it) => it.paren_token.span.close(),
        Expr::Unary(it) => last(&it.expr),
        Expr::Unsafe(it) => close(&it.block),
        Expr::While(it) => close(&it.body),
        Expr::Yield(it) => it.expr.as_ref().map_or(it.yield_token.span, |value| last(value)),
        other => other.span(),
    }
}

/// The first token of a path.
pub(super) fn first_of_path(path: &Path) -> Mark {
    match (&path.leading_colon, path.segments.first()) {
        (Some(colon), _) => colon.spans[0],
        (None, Some(segment)) => segment.ident.span(),
        (None, None) => Mark::call_site(),
    }
}

/// The last token of a path.
pub(super) fn last_of_path(path: &Path) -> Mark {
    match path.segments.last() {
        Some(segment) => match &segment.arguments {
            PathArguments::None => segment.ident.span(),
            PathArguments::AngleBracketed(arguments) => arguments.gt_token.spans[0],
            PathArguments::Parenthesized(_) => segment.span(),
        },
        None => Mark::call_site(),
    }
}

/// The last token of a macro call.
pub(super) fn last_of_macro(mac: &Macro) -> Mark {
    mac.delimiter.span().close()
}

/// The opening brace of a block.
pub(super) fn open(block: &Block) -> Mark {
    block.brace_token.span.open()
}

/// The closing brace of a block.
pub(super) fn close(block: &Block) -> Mark {
    block.brace_token.span.close()
}

/// The first and the last token of a statement.
pub(super) fn of_statement(statement: &Stmt) -> (Mark, Mark) {
    match statement {
        Stmt::Local(it) => (it.let_token.span, it.semi_token.spans[0]),
        Stmt::Expr(it, Some(semi)) => (first(it), semi.spans[0]),
        Stmt::Expr(it, None) => (first(it), last(it)),
        Stmt::Macro(it) => (first_of_path(&it.mac.path), last_of_macro(&it.mac)),
        Stmt::Item(it) => (it.span(), it.span()),
    }
}
