//! What a value is written as: an option, a result, an iterator. Without types this is read off the forms that make one,
//! the types that are declared in the file, and the names of the standard library's methods.

use rustc_hash::FxHashMap;
use syn::{Expr as Source, ExprMethodCall, ImplItem, Item, ReturnType, Signature, Stmt, TraitItem};

use super::lower::Lower;
use super::print;
use crate::ir::SlotId;

/// What a value is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// An `Option`.
    Option,
    /// A `Result`.
    Result,
    /// Something that gives elements one by one.
    Iterator,
    /// Not known.
    Unknown,
}

/// What the functions of a file return, by their names; names with several answers are unknown.
#[derive(Default)]
pub(super) struct Returns {
    by_name: FxHashMap<String, Carrier>,
}

impl Returns {
    /// Notes the functions among items, those in `impl` blocks, traits and modules included.
    pub(super) fn note(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Fn(it) => self.note_function(&it.sig),
                Item::Impl(it) => it.items.iter().for_each(|item| {
                    if let ImplItem::Fn(method) = item {
                        self.note_function(&method.sig);
                    }
                }),
                Item::Trait(it) => it.items.iter().for_each(|item| {
                    if let TraitItem::Fn(method) = item {
                        self.note_function(&method.sig);
                    }
                }),
                Item::Mod(it) => {
                    if let Some((_, items)) = &it.content {
                        self.note(items);
                    }
                }
                _ => {}
            }
        }
    }

    fn note_function(&mut self, sig: &Signature) {
        let carrier = match &sig.output {
            ReturnType::Type(_, ty) => of_type(&print::text(ty)),
            ReturnType::Default => Carrier::Unknown,
        };
        let known = self.by_name.entry(sig.ident.to_string()).or_insert(carrier);
        if *known != carrier {
            *known = Carrier::Unknown;
        }
    }

    /// Whether some function of the file has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    fn get(&self, name: &str) -> Option<Carrier> {
        self.by_name.get(name).copied()
    }
}

/// What values of a type are written as.
pub(super) fn of_type(ty: &str) -> Carrier {
    let ty = ty.trim_start_matches(['&', ' ']).trim_start_matches("mut ");
    let head = ty.split(['<', ' ']).next().unwrap_or_default();
    let name = head.rsplit("::").next().unwrap_or_default();
    match name {
        "Option" => Carrier::Option,
        "impl" | "dyn" if ty.contains("Iterator") => Carrier::Iterator,
        "Box" if ty.contains("Iterator<") => Carrier::Iterator,
        _ if name.ends_with("Result") => Carrier::Result,
        _ => Carrier::Unknown,
    }
}

impl Lower<'_> {
    /// What the value of an expression is written as.
    pub(super) fn carrier(&self, expr: &Source) -> Carrier {
        match expr {
            Source::Paren(it) => self.carrier(&it.expr),
            Source::Group(it) => self.carrier(&it.expr),
            Source::Reference(it) => self.carrier(&it.expr),
            Source::Range(_) => Carrier::Iterator,
            // What was wrapped twice is an option inside of a result.
            Source::Try(_) | Source::Field(_) | Source::Index(_) => Carrier::Option,
            Source::Await(it) => match self.carrier(&it.base) {
                Carrier::Unknown => Carrier::Result,
                known => known,
            },
            Source::Call(it) => {
                let Source::Path(path) = &*it.func else { return Carrier::Unknown };
                match path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default().as_str() {
                    "Some" => Carrier::Option,
                    "Ok" | "Err" => Carrier::Result,
                    name => self.returns.get(name).unwrap_or(Carrier::Unknown),
                }
            }
            Source::MethodCall(it) => self.carrier_of_call(it),
            Source::Path(it) if it.path.is_ident("None") => Carrier::Option,
            Source::Path(it) => match it.path.get_ident().and_then(|name| self.scopes.resolve(&name.to_string())) {
                Some(slot) => self.carrier_of_slot(slot),
                None => Carrier::Unknown,
            },
            _ => Carrier::Unknown,
        }
    }

    fn carrier_of_slot(&self, slot: SlotId) -> Carrier {
        let declared = self.unit.slots.get(slot.index()).and_then(|slot| slot.ty.as_deref());
        match declared {
            Some(ty) => of_type(ty),
            None => self.carriers.get(&slot).copied().unwrap_or(Carrier::Unknown),
        }
    }

    fn carrier_of_call(&self, it: &ExprMethodCall) -> Carrier {
        let name = it.method.to_string();
        if let Some(known) = self.returns.get(&name) {
            return known;
        }
        match name.as_str() {
            "iter" | "into_iter" | "iter_mut" | "par_iter" | "into_par_iter" | "chars" | "bytes" | "lines"
            | "split" | "split_whitespace" | "split_terminator" | "keys" | "values" | "values_mut" | "into_keys"
            | "into_values" | "drain" | "windows" | "chunks" | "enumerate" | "filter_map" | "flat_map" | "zip"
            | "chain" | "skip" | "step_by" | "take_while" | "skip_while" | "char_indices" | "rev" => Carrier::Iterator,
            "take" if it.args.len() == 1 => Carrier::Iterator,
            // Of a collection these take no arguments.
            "first" | "last" | "pop" if !it.args.is_empty() => Carrier::Unknown,
            "get" | "get_mut" | "first" | "last" | "pop" | "next" | "next_back" | "nth" | "find" | "find_map"
            | "position" | "ok" | "err" | "checked_add" | "checked_sub" | "checked_mul" | "checked_div"
            | "strip_prefix" | "strip_suffix" | "split_once" | "rsplit_once" | "parent" | "file_name" | "extension"
            | "to_str" | "max" | "min" | "max_by_key" | "min_by_key" | "recv" | "peek" | "upgrade" | "take"
            | "is_some_and" => Carrier::Option,
            "ok_or" | "ok_or_else" | "map_err" | "parse" | "try_into" | "lock" | "try_lock" | "send" | "or_else"
            | "transpose" => Carrier::Result,
            "map" | "and_then" | "filter" | "or" | "inspect" | "flatten" | "copied" | "cloned" | "as_ref"
            | "as_mut" | "as_deref" | "as_deref_mut" | "clone" | "peekable" | "fuse" | "by_ref" | "inspect_err" => {
                self.carrier(&it.receiver)
            }
            _ => Carrier::Unknown,
        }
    }

    /// Whether a variable holds a collection, a map or a text of its own.
    pub(super) fn is_collection(&self, slot: SlotId) -> bool {
        let declared = self.unit.slots.get(slot.index()).and_then(|slot| slot.ty.as_deref());
        declared.is_some_and(super::adapter::is_collection) || self.collections.contains(&slot)
    }

    /// Notes what the value that a variable takes is written as.
    pub(super) fn note_carrier(&mut self, slot: SlotId, value: &Source) {
        if super::adapter::makes_collection(value) {
            self.collections.insert(slot);
        }
        let carrier = self.carrier(value);
        if carrier != Carrier::Unknown {
            self.carriers.insert(slot, carrier);
        }
    }
}

/// Whether statements look at a variable as a result: at the error it may be, besides passing it on.
pub(super) fn is_looked_at(name: &str, statements: &[Stmt]) -> bool {
    struct Looks<'n> {
        name: &'n str,
        found: bool,
    }
    impl Looks<'_> {
        fn is_it(&self, expr: &Source) -> bool {
            matches!(super::block::bare(expr), Source::Path(path) if path.path.is_ident(self.name))
        }
    }
    impl<'ast> syn::visit::Visit<'ast> for Looks<'_> {
        fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
            self.found |= self.is_it(&it.expr) && it.arms.iter().any(|arm| super::fallible::side(&arm.pat).is_some());
            syn::visit::visit_expr_match(self, it);
        }

        fn visit_expr_let(&mut self, it: &'ast syn::ExprLet) {
            self.found |= self.is_it(&it.expr) && super::fallible::side(&it.pat).is_some();
            syn::visit::visit_expr_let(self, it);
        }

        fn visit_local(&mut self, it: &'ast syn::Local) {
            let init = it.init.as_ref().filter(|_| super::fallible::side(&it.pat).is_some());
            self.found |= init.is_some_and(|init| self.is_it(&init.expr));
            syn::visit::visit_local(self, it);
        }

        fn visit_expr_method_call(&mut self, it: &'ast ExprMethodCall) {
            let name = it.method.to_string();
            let looks = matches!(
                name.as_str(),
                "is_ok"
                    | "is_err"
                    | "map_err"
                    | "ok"
                    | "err"
                    | "unwrap_err"
                    | "expect_err"
                    | "inspect_err"
                    | "is_ok_and"
            );
            self.found |= looks && self.is_it(super::adapter::through(&it.receiver));
            syn::visit::visit_expr_method_call(self, it);
        }
    }
    let mut looks = Looks { name, found: false };
    for statement in statements {
        syn::visit::Visit::visit_stmt(&mut looks, statement);
        if looks.found {
            return true;
        }
    }
    false
}
