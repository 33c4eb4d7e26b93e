//! Types: structs and enums as classes, traits as classes of their default bodies, and the methods of `impl` blocks.

use syn::{Attribute, Fields, Ident, ImplItem, ItemEnum, ItemImpl, ItemStruct, ItemTrait, TraitItem, Type};

use super::item::is_test;
use super::lower::{Lower, Want};
use super::print;
use crate::frontend::value::text;
use crate::ir::{Class, ClassId, Export, ExportTarget, Expr, ExprKind, FieldDecl, FuncKind, MethodDecl};
use crate::text::Span;

/// Whether a type is a name alone.
fn is_bare(ty: &Type) -> bool {
    matches!(ty, Type::Path(it) if it.qself.is_none() && it.path.segments.len() == 1)
}

impl Lower<'_> {
    /// Declares a class, and gives the variable of its name to it.
    pub(super) fn declare_class(&mut self, ident: &Ident, attributes: &[Attribute], span: Span) -> ClassId {
        let slot = self.declare_name(ident, None);
        let class = self.add_class(ident.to_string(), self.attributes(attributes), span);
        self.classes.insert(slot, class);
        class
    }

    fn add_class(&mut self, name: String, decorators: Vec<String>, span: Span) -> ClassId {
        let class = ClassId(u32::try_from(self.unit.classes.len()).unwrap_or(u32::MAX));
        self.unit.classes.push(Class {
            name,
            extends: None,
            implements: Vec::new(),
            fields: Vec::new(),
            methods: Vec::new(),
            constructor: None,
            decorators,
            span,
        });
        class
    }

    /// Gives the variable of a class its value.
    pub(super) fn offer_class(&mut self, ident: &Ident) {
        let span = self.at(ident.span());
        if let Some(slot) = self.scopes.own(&ident.to_string())
            && let Some(class) = self.classes.get(&slot)
        {
            self.set(slot, Expr::new(ExprKind::Class(*class), span), span);
        }
        self.offer(ident);
    }

    pub(super) fn declare_struct(&mut self, it: &ItemStruct) {
        let span = self.piece(it);
        let class = self.declare_class(&it.ident, &it.attrs, span);
        self.add_fields(class, &it.fields);
    }

    fn add_fields(&mut self, class: ClassId, fields: &Fields) {
        for (index, declared) in fields.iter().enumerate() {
            let name = declared.ident.as_ref().map_or_else(|| index.to_string(), Ident::to_string);
            let (ty, attributes) = (Some(print::text(&declared.ty)), self.attributes(&declared.attrs));
            self.add_field(class, FieldDecl { name, ty, value: None, is_static: false, attributes });
        }
    }

    fn add_field(&mut self, class: ClassId, field: FieldDecl) {
        if let Some(class) = self.unit.classes.get_mut(class.index()) {
            class.fields.push(field);
        }
    }

    /// An enum: a variant without data is a value of its own, different from every other.
    pub(super) fn declare_enum(&mut self, it: &ItemEnum) {
        let span = self.piece(it);
        let class = self.declare_class(&it.ident, &it.attrs, span);
        for variant in &it.variants {
            let name = variant.ident.to_string();
            let value = match variant.fields {
                Fields::Unit => Some(text(format!("{}::{name}", it.ident), self.at(variant.ident.span()))),
                Fields::Named(_) | Fields::Unnamed(_) => None,
            };
            let ty = match &variant.fields {
                Fields::Unit => None,
                fields => Some(print::text(fields)),
            };
            let attributes = self.attributes(&variant.attrs);
            self.add_field(class, FieldDecl { name, ty, value, is_static: true, attributes });
        }
    }

    pub(super) fn declare_trait(&mut self, it: &ItemTrait) {
        let span = self.piece(it);
        let class = self.declare_class(&it.ident, &it.attrs, span);
        if let Some(class) = self.unit.classes.get_mut(class.index()) {
            class.decorators.push("trait".to_owned());
            class.implements.extend(it.supertraits.iter().map(print::text));
        }
    }

    pub(super) fn lower_trait(&mut self, it: &ItemTrait) {
        self.offer_class(&it.ident);
        let Some(class) = self.class_named(&it.ident.to_string()) else { return };
        let outer = self.self_class.replace(class);
        for item in &it.items {
            if let TraitItem::Fn(method) = item
                && let Some(body) = &method.default
            {
                self.method(class, &method.sig, body, &method.attrs, self.piece(method));
            }
        }
        self.self_class = outer;
    }

    /// An `impl` block, of a type of this file or of another.
    pub(super) fn implementation(&mut self, it: &ItemImpl) {
        let Some(name) = type_name(&it.self_ty) else { return };
        let class = self.class_named(&name).or_else(|| self.foreign_classes.get(&name).copied());
        let class = class.unwrap_or_else(|| {
            let class = self.add_class(name.clone(), Vec::new(), self.piece(&it.self_ty));
            self.foreign_classes.insert(name.clone(), class);
            class
        });
        if it.trait_.is_none() && self.foreign_classes.contains_key(&name) && is_bare(&it.self_ty) {
            self.offer_derived(&name, class, self.piece(&it.self_ty));
        }
        if let Some((path, _)) = &it.trait_
            && let Some(class) = self.unit.classes.get_mut(class.index())
        {
            class.implements.push(print::text(path));
        }
        let outer = self.self_class.replace(class);
        self.impl_bounds = super::function::bounds(&it.generics);
        for item in &it.items {
            match item {
                ImplItem::Fn(method) => {
                    self.method(class, &method.sig, &method.block, &method.attrs, self.piece(method));
                }
                ImplItem::Const(constant) => {
                    let name = constant.ident.to_string();
                    let value = self.expr(&constant.expr, Want { name: Some(&name), ..Want::default() });
                    let (ty, attributes) = (Some(print::text(&constant.ty)), self.attributes(&constant.attrs));
                    self.add_field(class, FieldDecl { name, ty, value: Some(value), is_static: true, attributes });
                }
                _ => {}
            }
        }
        self.impl_bounds.clear();
        self.self_class = outer;
    }

    /// Exports a type that has methods of its own here and is not declared in sight: what a `derive` has made of another one
    /// is a type of this module. A path finds it where the name means nothing else.
    fn offer_derived(&mut self, name: &str, class: ClassId, span: Span) {
        let name = self.exported(&Export::of_derived(name));
        if !self.unit.exports.iter().any(|export| export.name == name) {
            let target = ExportTarget::Value(Expr::new(ExprKind::Class(class), span));
            self.unit.exports.push(Export { name, target });
        }
    }

    fn method(&mut self, class: ClassId, sig: &syn::Signature, body: &syn::Block, attrs: &[Attribute], span: Span) {
        let outer = self.testing;
        self.testing |= attrs.iter().any(is_test);
        let func = self.function(sig, Some(body), FuncKind::Method(class), span);
        self.testing = outer;
        let is_static = sig.receiver().is_none();
        let method = MethodDecl { name: sig.ident.to_string(), func, is_static, is_getter: false };
        if let Some(class) = self.unit.classes.get_mut(class.index()) {
            class.methods.push(method);
        }
    }

    /// The class that a name means here, if it is one of this file.
    pub(super) fn class_named(&self, name: &str) -> Option<ClassId> {
        self.scopes.resolve(name).and_then(|slot| self.classes.get(&slot).copied())
    }
}

/// The last name of a type's path, through references.
pub(super) fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(it) => it.path.segments.last().map(|last| last.ident.to_string()),
        Type::Reference(it) => type_name(&it.elem),
        Type::Paren(it) => type_name(&it.elem),
        Type::Group(it) => type_name(&it.elem),
        Type::TraitObject(it) => it.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        }),
        _ => None,
    }
}
