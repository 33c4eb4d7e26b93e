//! Items: what a file, a module or a block declares.

use quote::ToTokens;
use syn::{Attribute, Ident, Item, ItemMod, ItemType, Type, UseTree};

use super::lower::{Lower, Want};
use super::print;
use crate::frontend::value::{field, fold};
use crate::ir::{Entry, Export, ExportTarget, Expr, ExprKind, FuncKind, Import, ImportName, SlotId};
use crate::text::Span;

impl Lower<'_> {
    /// The items of the file, of a module or of a block. All are declared before the first is lowered.
    pub(super) fn items<'i>(&mut self, items: impl IntoIterator<Item = &'i Item> + Clone) {
        // What macros stand for takes their place.
        let expanded: Vec<Option<Vec<Item>>> = items
            .clone()
            .into_iter()
            .map(|item| match item {
                Item::Macro(it) => self.macro_items(it),
                _ => None,
            })
            .collect();
        let items: Vec<&Item> = items
            .into_iter()
            .zip(&expanded)
            .flat_map(|(item, expanded)| match expanded {
                Some(items) => items.iter().collect(),
                None => vec![item],
            })
            .collect();
        for item in &items {
            self.declare_item(item);
        }
        for item in items {
            let outer = self.testing;
            self.testing |= attributes(item).iter().any(is_test);
            self.item(item);
            self.testing = outer;
        }
    }

    /// Declares the name of an item, and what it brings in.
    fn declare_item(&mut self, item: &Item) {
        match item {
            Item::Use(it) => self.import(&it.tree, it),
            Item::ExternCrate(it) if it.ident != "self" => {
                let name = it.rename.as_ref().map_or(&it.ident, |(_, name)| name);
                self.add_import(name, it.ident.to_string(), ImportName::Namespace, self.piece(it));
            }
            Item::Mod(it) => {
                if it.content.is_none() {
                    let placed = it.attrs.iter().find_map(path_attribute).map(|path| format!("./{path}"));
                    let source = placed.unwrap_or_else(|| self.below(&it.ident.to_string()));
                    self.add_import(&it.ident, source, ImportName::Namespace, self.piece(it));
                } else {
                    self.declare_name(&it.ident, None);
                }
            }
            Item::Fn(it) => {
                self.declare_name(&it.sig.ident, None);
            }
            Item::Const(it) => {
                self.declare_name(&it.ident, Some(print::text(&it.ty)));
            }
            Item::Static(it) => {
                self.declare_name(&it.ident, Some(print::text(&it.ty)));
            }
            Item::Struct(it) => self.declare_struct(it),
            Item::Enum(it) => self.declare_enum(it),
            Item::Union(it) => {
                self.declare_class(&it.ident, &it.attrs, Span::default());
            }
            Item::Trait(it) => self.declare_trait(it),
            Item::Type(it) => {
                self.declare_name(&it.ident, Some(print::text(&it.ty)));
            }
            _ => {}
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(it) => {
                let name = it.sig.ident.to_string();
                let func = self.function(&it.sig, Some(&it.block), FuncKind::Declared, self.piece(it));
                if let Some(slot) = self.scopes.resolve(&name) {
                    let span = self.at(it.sig.ident.span());
                    self.set(slot, Expr::new(ExprKind::Func(func), span), self.piece(it));
                    self.export(&name, slot, span);
                }
            }
            Item::Const(it) => self.constant(&it.ident, &it.expr),
            Item::Static(it) => self.constant(&it.ident, &it.expr),
            Item::Struct(it) => self.offer_class(&it.ident),
            Item::Enum(it) => self.offer_class(&it.ident),
            Item::Union(it) => self.offer_class(&it.ident),
            Item::Trait(it) => self.lower_trait(it),
            Item::Type(it) => self.alias(it),
            Item::Impl(it) => self.implementation(it),
            Item::Mod(it) => self.inline_module(it),
            Item::Macro(it) => self.item_macro(it),
            _ => {}
        }
    }

    fn constant(&mut self, ident: &Ident, value: &syn::Expr) {
        let name = ident.to_string();
        let span = self.at(ident.span());
        let value_span = self.span(value);
        let value = self.expr(value, Want { name: Some(&name), ..Want::default() });
        if let Some(slot) = self.scopes.resolve(&name) {
            self.set(slot, value, value_span);
            self.export(&name, slot, span);
        }
    }

    /// `type A = B`: `A` is declared with the type that it stands for, and stands for `B` in paths.
    fn alias(&mut self, it: &ItemType) {
        if let (Type::Path(aliased), Some(slot)) = (&*it.ty, self.scopes.own(&it.ident.to_string())) {
            let value = self.path_value(&aliased.path);
            self.set(slot, value, self.piece(it));
        }
        self.offer(&it.ident);
    }

    /// `mod x { … }`: its items stand in a scope of their own, and `x` is an object of them.
    fn inline_module(&mut self, it: &ItemMod) {
        let Some((_, items)) = &it.content else {
            self.offer(&it.ident);
            return;
        };
        let name = it.ident.to_string();
        let outer = self.scopes.open();
        self.modules.push(name.clone());
        let from = self.unit.exports.len();
        self.items(items);
        self.modules.pop();
        self.scopes.current = outer;
        let prefix = self.exported(&name) + "::";
        let members: Vec<Entry> = self.unit.exports[from..]
            .iter()
            .filter_map(|export| match &export.target {
                ExportTarget::Value(value) => {
                    let key = export.name.strip_prefix(&prefix).filter(|key| !key.contains("::"))?;
                    Some(Entry::Field { key: key.to_owned(), key_span: value.span, value: value.clone() })
                }
                _ => None,
            })
            .collect();
        let span = self.piece(it);
        if let Some(slot) = self.scopes.resolve(&name) {
            self.set(slot, Expr::new(ExprKind::Object(members), span), span);
            self.export(&name, slot, self.at(it.ident.span()));
        }
    }

    /// Declares a name in the innermost scope, once.
    pub(super) fn declare_name(&mut self, ident: &Ident, ty: Option<String>) -> SlotId {
        let name = ident.to_string();
        let slot = match self.scopes.own(&name) {
            Some(slot) => slot,
            None => self.declare(&name, ty, self.at(ident.span())),
        };
        self.items.insert(slot);
        slot
    }

    /// Offers a declared name to other modules.
    pub(super) fn offer(&mut self, ident: &Ident) {
        let name = ident.to_string();
        if let Some(slot) = self.scopes.own(&name) {
            self.export(&name, slot, self.at(ident.span()));
        }
    }

    fn export(&mut self, name: &str, slot: SlotId, span: Span) {
        if self.body.id.0 != 0 {
            return;
        }
        let name = self.exported(name);
        self.unit.exports.push(Export { name, target: ExportTarget::Value(Expr::new(ExprKind::Slot(slot), span)) });
    }

    /// The name under which an item of the present module is exported from the file.
    pub(super) fn exported(&self, name: &str) -> String {
        self.modules.iter().rev().fold(name.to_owned(), |name, module| format!("{module}::{name}"))
    }

    /// A module that is declared in the present one, as a source of imports.
    fn below(&self, name: &str) -> String {
        format!("self::{}", self.exported(name))
    }

    /// A path that is written in a module within this file, as the file itself would write it.
    fn seen_from_file(&self, path: String) -> String {
        let mut modules = self.modules.as_slice();
        let mut segments = path.split("::").peekable();
        if modules.is_empty() || segments.next_if(|first| *first == "self").is_none() && !path.starts_with("super") {
            return path;
        }
        while let Some((_, outer)) = modules.split_last()
            && segments.next_if(|first| *first == "super").is_some()
        {
            modules = outer;
        }
        let own = modules.iter().map(String::as_str);
        let start = if segments.peek() == Some(&"super") { None } else { Some("self") };
        start.into_iter().chain(own).chain(segments).collect::<Vec<_>>().join("::")
    }

    fn import(&mut self, tree: &UseTree, item: &syn::ItemUse) {
        let span = self.piece(item);
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        let mut todo = vec![(String::new(), tree)];
        while let Some((path, tree)) = todo.pop() {
            match tree {
                UseTree::Path(it) => todo.push((joined(&path, &it.ident.to_string()), &it.tree)),
                UseTree::Group(it) => todo.extend(it.items.iter().rev().map(|tree| (path.clone(), tree))),
                UseTree::Glob(_) => {
                    let path = self.seen_from_file(path);
                    self.unit.globs.push(path.clone());
                    if is_public && self.body.id.0 == 0 {
                        self.unit.exports.push(Export { name: String::new(), target: ExportTarget::All(path) });
                    }
                }
                UseTree::Name(it) => self.import_name(path, &it.ident, &it.ident, is_public, span),
                UseTree::Rename(it) => self.import_name(path, &it.ident, &it.rename, is_public, span),
            }
        }
    }

    fn import_name(&mut self, path: String, from: &Ident, to: &Ident, is_public: bool, span: Span) {
        let mut own = from.to_string();
        let mut path = path;
        let mut local = to.clone();
        if own == "self" && !path.is_empty() {
            // `use a::b::{self}` is `use a::b`.
            let (above, name) = path.rsplit_once("::").unwrap_or(("", &path));
            if to == "self" {
                local = match name.strip_prefix("r#") {
                    Some(raw) => Ident::new_raw(raw, to.span()),
                    None => Ident::new(name, to.span()),
                };
            }
            own = name.to_owned();
            path = above.to_owned();
        }
        let (source, name) = if path.is_empty() {
            (own, ImportName::Namespace)
        } else {
            (self.seen_from_file(path), ImportName::Named(own))
        };
        if is_public && self.body.id.0 == 0 && local != "_" {
            let exported = self.exported(&local.to_string());
            self.unit.exports.push(Export { name: exported, target: ExportTarget::From(source.clone(), name.clone()) });
        }
        if local != "_" {
            self.add_import(&local, source, name, span);
        }
    }

    fn add_import(&mut self, local: &Ident, source: String, name: ImportName, span: Span) {
        let slot = self.declare(&local.to_string(), None, self.at(local.span()));
        self.items.insert(slot);
        self.unit.imports.push(Import { slot, source, name, type_only: false, span });
    }

    /// The place of an item.
    pub(super) fn piece(&self, item: &impl ToTokens) -> Span {
        let mut tokens = item.to_token_stream().into_iter();
        let first = tokens.next();
        let last = tokens.last().or_else(|| first.clone());
        match (first, last) {
            (Some(first), Some(last)) => self.between(first.span(), last.span()),
            _ => Span::default(),
        }
    }

    /// The attributes of an item as written, without documentation.
    pub(super) fn attributes(&self, attributes: &[Attribute]) -> Vec<String> {
        let is_documentation = |attribute: &&Attribute| attribute.path().is_ident("doc");
        attributes.iter().filter(|it| !is_documentation(it)).map(|it| fold(&print::text(&it.meta))).collect()
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
}

/// Whether an attribute marks a test, or what only tests have.
pub(super) fn is_test(attribute: &Attribute) -> bool {
    let path = attribute.path();
    if path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("test")) {
        return true;
    }
    let syn::Meta::List(list) = &attribute.meta else { return false };
    if !path.is_ident("cfg") {
        return false;
    }
    let condition = print::text(&list.tokens);
    let mut words = condition.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| word == "test") && !condition.starts_with("not") && !condition.starts_with("any")
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let syn::Meta::NameValue(given) = &attribute.meta else { return None };
    match &given.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) if given.path.is_ident("path") => {
            Some(path.value())
        }
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        _ => &[],
    }
}

/// A path from a value.
pub(super) fn member_path(root: Expr, names: impl Iterator<Item = String>, span: Span) -> Expr {
    names.fold(root, |base, name| field(base, &name, span))
}
