//! Macro calls: those of the standard library by what they mean, those of the file by what they stand for, any other as a
//! call of its own form.

use syn::parse::Parser;
use syn::{Block, Expr as Source, Ident, Item, ItemMacro, Macro, Pat};

use super::arguments::{
    QUOTING, SelectArm, Written, arguments, asked, blocks, chunks, repeated, select_arms, speaks, spoken, unnamed,
    without_ref, written,
};
use super::lower::{CallParts, Errors, Lower, Want};
use super::{place, print};
use crate::frontend::value::{binary, null, opaque, text};
use crate::ir::{BinaryOp, BlockId, CallForm, Entry, Exit, Expr, ExprKind, FuncKind, Item as Argument, Param};
use crate::text::Span;

impl Lower<'_> {
    /// A macro call as an expression.
    pub(super) fn macro_call(&mut self, mac: &Macro, want: Want<'_>, span: Span) -> Expr {
        let outer = self.scopes.open();
        let value = self.macro_statement(mac, want, span);
        self.scopes.current = outer;
        value
    }

    /// A macro call as a statement: what its expansion declares is declared in the block it stands in.
    pub(super) fn macro_statement(&mut self, mac: &Macro, want: Want<'_>, span: Span) -> Expr {
        if !self.enter(place::first_of_path(&mac.path)) {
            return opaque(Vec::new(), span);
        }
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let value = match self.expanded(mac, &name, want, span) {
            Some(value) => value,
            None => self.known_macro(mac, &name, want, span),
        };
        self.leave();
        value
    }

    /// A macro of this file, replaced by what it stands for.
    fn expanded(&mut self, mac: &Macro, name: &str, want: Want<'_>, span: Span) -> Option<Expr> {
        if !self.rules.knows(name) {
            return None;
        }
        let tokens = self.rules.expand(name, &mac.tokens, place::first_of_path(&mac.path))?;
        let value = Block::parse_within.parse2(tokens).ok().map(|statements| self.statement_list(&statements, want));
        self.rules.done();
        value.map(|value| value.unwrap_or_else(|| Self::unit(span)))
    }

    fn known_macro(&mut self, mac: &Macro, name: &str, want: Want<'_>, span: Span) -> Expr {
        let args = if name == "matches" { None } else { arguments(mac.tokens.clone()) };
        let Some(args) = args else {
            return self.irregular_macro(mac, name, want, span);
        };
        match (name, args.as_slice()) {
            ("vec", args) => self.array(args.iter(), span),
            ("format" | "format_args", args) => self.formatted(args, span),
            ("concat", args) => self.concatenated(args, span),
            ("stringify", _) => text(print::text(&mac.tokens), span),
            ("dbg", [only]) => self.expr(only, want),
            ("try", [only]) => self.question(only, want),
            ("anyhow" | "eyre" | "format_err", args) => self.message(args, span),
            (name, args) if raises(name) && !args.is_empty() => {
                let error = self.message(args, span);
                self.raise(error, Want::raising(Errors::Leave), span)
            }
            ("panic" | "todo" | "unimplemented" | "unreachable", args) => {
                let error = self.message(args, span);
                self.raise(error, Want::raising(Errors::Leave), span)
            }
            ("assert" | "ensure", [condition, args @ ..]) => {
                let (fine, failed) = (self.body.graph.block(), self.body.graph.block());
                self.condition(condition, fine, failed);
                self.refuse(args, failed, fine, span)
            }
            ("assert_eq" | "assert_ne" | "ensure_eq", [left, right, args @ ..]) => {
                let (fine, failed) = (self.body.graph.block(), self.body.graph.block());
                let (left, right) = (self.value(left), self.value(right));
                let op = if name == "assert_ne" { BinaryOp::Ne } else { BinaryOp::Eq };
                self.body.graph.branch(binary(op, left, right, span), fine, failed);
                self.refuse(args, failed, fine, span)
            }
            ("join" | "try_join", args) => {
                let errors = if name == "try_join" { Errors::Leave } else { Errors::Kept };
                let items = args
                    .iter()
                    .map(|arg| Argument::Value(self.expr(arg, Want { awaited: true, errors, ..Want::default() })));
                let items = items.collect();
                Expr::new(ExprKind::Array(items), span)
            }
            (name, args) if speaks(name) => {
                for arg in args {
                    self.expr(unnamed(arg), Want::effect());
                }
                Self::unit(span)
            }
            (_, args) => {
                let args = args.iter().map(|arg| Argument::Value(self.value(unnamed(arg)))).collect();
                self.unknown_macro(mac, args, want, span)
            }
        }
    }

    /// `matches!(value, pattern if guard)` as a condition.
    pub(super) fn match_condition(&mut self, mac: &Macro, yes: BlockId, no: BlockId) {
        let Ok((value, pattern)) = asked.parse2(mac.tokens.clone()) else {
            let span = self.at(place::first_of_path(&mac.path));
            self.body.graph.branch(opaque(Vec::new(), span), yes, no);
            return;
        };
        let Pat::Guard(it) = &pattern else {
            self.let_condition(&pattern, None, &value, yes, no);
            return;
        };
        let matched = self.body.graph.block();
        self.let_condition(&it.pat, None, &value, matched, no);
        self.body.graph.begin(matched);
        self.condition(&it.guard, yes, no);
    }

    /// A macro whose arguments do not all read as expressions.
    fn irregular_macro(&mut self, mac: &Macro, name: &str, want: Want<'_>, span: Span) -> Expr {
        match name {
            "matches" => {
                return self.truth_of(span, |lower, yes, no| lower.match_condition(mac, yes, no));
            }
            "vec" => {
                if let Ok((element, count)) = repeated.parse2(mac.tokens.clone()) {
                    let (element, count) = (self.value(&element), self.value(&count));
                    return opaque(vec![element, count], span);
                }
            }
            "select" => {
                if let Ok(arms) = select_arms.parse2(mac.tokens.clone()) {
                    return self.select(&arms, want, span);
                }
            }
            name if speaks(name) => {
                for chunk in chunks(mac.tokens.clone()) {
                    if let Some(value) = spoken(chunk) {
                        self.expr(&value, Want::effect());
                    }
                }
                return Self::unit(span);
            }
            name if !QUOTING.contains(&name) => {
                // Of blocks that a macro is handed it runs one, as far as anyone can tell.
                let blocks = blocks(mac.tokens.clone());
                if !blocks.is_empty() {
                    return self.select(&blocks, want, span);
                }
            }
            _ => {}
        }
        let written: Option<Vec<Written>> = chunks(mac.tokens.clone()).into_iter().map(written).collect();
        let args = match written {
            Some(args) => args.iter().map(|arg| Argument::Value(self.written(arg, span))).collect(),
            None => vec![Argument::Value(text(self.tokens_text(mac), span))],
        };
        self.unknown_macro(mac, args, want, span)
    }

    /// A value as data is commonly written in macros.
    fn written(&mut self, value: &Written, span: Span) -> Expr {
        match value {
            Written::Value(value) => self.value(value),
            Written::Null => null(span),
            Written::List(items) => {
                let items = items.iter().map(|item| Argument::Value(self.written(item, span))).collect();
                Expr::new(ExprKind::Array(items), span)
            }
            Written::Record(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| {
                        let value = self.written(value, span);
                        Entry::Field { key: key.clone(), key_span: value.span, value }
                    })
                    .collect();
                Expr::new(ExprKind::Object(entries), span)
            }
        }
    }

    fn unknown_macro(&mut self, mac: &Macro, args: Vec<Argument>, want: Want<'_>, span: Span) -> Expr {
        let callee = self.path_value(&mac.path);
        self.push_call(CallParts { args, form: CallForm::Macro, ..CallParts::of(callee) }, want, span)
    }

    /// The error that a message makes.
    fn message(&mut self, args: &[Source], span: Span) -> Expr {
        match args {
            [] => text("", span),
            [Source::Lit(_), ..] => self.formatted(args, span),
            [only] => self.value(only),
            _ => {
                let parts = args.iter().map(|arg| self.value(arg)).collect();
                opaque(parts, span)
            }
        }
    }

    /// The way of a failed assertion, and on with the other.
    fn refuse(&mut self, message: &[Source], failed: BlockId, fine: BlockId, span: Span) -> Expr {
        self.body.graph.begin(failed);
        let error = self.message(message, span);
        self.body.graph.end(Exit::Throw(error), span);
        self.body.graph.begin(fine);
        Self::unit(span)
    }

    /// `select! { … }`: whichever is ready first.
    fn select(&mut self, arms: &[SelectArm], want: Want<'_>, span: Span) -> Expr {
        let want = Want { tail: false, ..want };
        let join = self.body.graph.block();
        let out = self.temp(span);
        for (at, arm) in arms.iter().enumerate() {
            let (ready, next) = (self.body.graph.block(), self.body.graph.block());
            if at + 1 == arms.len() {
                self.body.graph.goto(ready);
            } else {
                self.body.graph.branch(opaque(Vec::new(), span), ready, next);
            }
            self.body.graph.begin(ready);
            let outer = self.scopes.open();
            if let Some((pattern, future)) = &arm.asked {
                let value = match super::fallible::side(pattern) {
                    // A result that does not match waits for the others.
                    Some((_, inner)) => {
                        let value = self.expr(future, Want { awaited: true, ..Want::default() });
                        (inner, value)
                    }
                    None => (pattern, self.expr(future, Want { awaited: true, ..Want::default() })),
                };
                let held = self.hold(value.1);
                self.declare_pattern(value.0, None);
                self.bind(value.0, &held);
            }
            let value = self.expr(&arm.body, want);
            if !want.effect && self.body.graph.is_open() {
                self.set(out, value, span);
            }
            self.body.graph.goto(join);
            self.scopes.current = outer;
            self.body.graph.begin(next);
        }
        self.body.graph.end(Exit::Unreachable, span);
        self.body.graph.begin(join);
        if want.effect { null(span) } else { Expr::new(ExprKind::Slot(out), span) }
    }

    /// The items that a macro call among items stands for.
    pub(super) fn macro_items(&mut self, it: &ItemMacro) -> Option<Vec<Item>> {
        let name = it.mac.path.segments.last()?.ident.to_string();
        if let Some(own) = &it.ident {
            if name == "macro_rules" {
                self.rules.learn(own, it.mac.tokens.clone());
                // What it stands for elsewhere is lowered in its place.
                return None;
            }
            return Some(Vec::new());
        }
        if self.rules.knows(&name) {
            let tokens = self.rules.expand(&name, &it.mac.tokens, place::first_of_path(&it.mac.path))?;
            let file = syn::parse2::<syn::File>(tokens).ok();
            self.rules.done();
            return file.map(|file| file.items);
        }
        // A macro around items mostly adds something to them.
        let file = syn::parse2::<syn::File>(without_ref(it.mac.tokens.clone())).ok()?;
        (!file.items.is_empty()).then_some(file.items)
    }

    /// What a macro stands for in files that cannot see it, as functions.
    fn offer_macro(&mut self, name: &Ident) {
        if self.body.id.index() != 0 {
            return;
        }
        let span = self.at(name.span());
        for (params, body) in self.rules.functions(name) {
            let Ok(statements) = Block::parse_within.parse2(body) else { continue };
            self.new_function(FuncKind::Macro, &name.to_string(), None, span, false, |lower| {
                for param in params {
                    let ty = param.closure_over.map(|_| "impl Fn".to_owned());
                    let slot = lower.declare(&param.name, ty, span);
                    if let Some(func) = lower.unit.functions.get_mut(lower.body.id.index()) {
                        func.params.push(Param { slot, rest: false });
                    }
                }
                if let Some(value) = lower.statement_list(&statements, Want::tail()) {
                    lower.finish(Some(value), span);
                }
            });
        }
    }

    /// A macro call among items that stands for no items.
    pub(super) fn item_macro(&mut self, it: &ItemMacro) {
        if let Some(own) = &it.ident {
            return self.offer_macro(own);
        }
        let span = self.between(place::first_of_path(&it.mac.path), place::last_of_macro(&it.mac));
        self.macro_call(&it.mac, Want::effect(), span);
    }

    /// What stands between the brackets of a macro call.
    fn tokens_text(&self, mac: &Macro) -> String {
        let delimiters = mac.delimiter.span();
        let inner = Span { start: self.at(delimiters.open()).end, end: self.at(delimiters.close()).start };
        match self.text.get(inner.start as usize..inner.end as usize) {
            Some(inner) if !inner.is_empty() => inner.trim().to_owned(),
            _ => print::text(&mac.tokens),
        }
    }
}

/// Whether a macro from elsewhere leaves the function with an error, by its name.
fn raises(name: &str) -> bool {
    let word = name.split('_').next().unwrap_or_default();
    matches!(word, "bail" | "err" | "throw" | "die" | "fail" | "abort")
}
