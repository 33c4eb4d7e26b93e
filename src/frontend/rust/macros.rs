//! Macro calls.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr as Source, ItemMacro, Macro, Token};

use super::lower::{CallParts, Lower, Want};
use super::place;
use crate::frontend::value::text;
use crate::ir::{CallForm, Expr, ExprKind, Item, TemplatePart};
use crate::text::Span;

impl Lower<'_> {
    /// A macro call as an expression.
    pub(super) fn macro_call(&mut self, mac: &Macro, want: Want<'_>, span: Span) -> Expr {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let args = arguments(mac.tokens.clone());
        match (name.as_str(), args) {
            ("vec", Some(args)) => self.array(args.iter(), span),
            ("format", Some(args)) => self.formatted(&args, span),
            (_, args) => {
                let callee = self.path_value(&mac.path);
                let args = match args {
                    Some(args) => self.arguments(args.iter()).0,
                    None => vec![Item::Value(text(self.tokens_text(mac), span))],
                };
                self.push_call(CallParts { args, form: CallForm::Macro, ..CallParts::of(callee) }, want, span)
            }
        }
    }

    /// A macro call among items.
    pub(super) fn item_macro(&mut self, it: &ItemMacro) {
        if it.ident.is_some() {
            return;
        }
        let span = self.between(place::first_of_path(&it.mac.path), place::last_of_macro(&it.mac));
        self.macro_call(&it.mac, Want::effect(), span);
    }

    /// What stands between the brackets of a macro call.
    fn tokens_text(&self, mac: &Macro) -> String {
        let delimiters = mac.delimiter.span();
        let inner = Span { start: self.at(delimiters.open()).end, end: self.at(delimiters.close()).start };
        inner.slice(self.text).trim().to_owned()
    }

    /// `format!("… {} …", a)`.
    fn formatted(&mut self, args: &[Source], span: Span) -> Expr {
        let mut args = args.iter();
        let mut parts = Vec::new();
        let template = args.next().map(|template| self.value(template));
        let rest: Vec<Expr> = args.map(|arg| self.value(arg)).collect();
        if let Some(template) = template {
            parts.push(TemplatePart::Hole(template));
        }
        parts.extend(rest.into_iter().map(TemplatePart::Hole));
        Expr::new(ExprKind::Template(parts), span)
    }
}

/// The arguments of a macro, if they read as expressions.
fn arguments(tokens: TokenStream) -> Option<Vec<Source>> {
    let list = Punctuated::<Source, Token![,]>::parse_terminated.parse2(tokens).ok()?;
    Some(list.into_iter().collect())
}
