//! What a file takes from other modules and offers to them, and namespaces.

use super::lower::Lower;
use super::tree::{Field, Id, Kind};
use crate::ir::{Entry, Export, ExportTarget, Expr, ExprKind, FuncId, Import, ImportName};

impl<'t> Lower<'t> {
    /// Declares the names of an `import` statement.
    pub(super) fn import(&mut self, id: Id) {
        let tree = self.tree;
        if let Some(require) = tree.find(id, Kind::ImportRequireClause) {
            if let Some(name) = tree.find(require, Kind::Identifier) {
                self.declare(name, None);
            }
            return;
        }
        let (Some(clause), Some(source)) = (tree.find(id, Kind::ImportClause), tree.get(id, Field::Source)) else {
            return;
        };
        let source = super::literal::string(tree.text(source));
        let type_only = is_type_only(self, id);
        for part in tree.children(clause) {
            match tree.kind(part) {
                Kind::Identifier => self.add_import(part, &source, ImportName::Default, type_only, id),
                Kind::NamespaceImport => {
                    if let Some(name) = tree.first(part) {
                        self.add_import(name, &source, ImportName::Namespace, type_only, id);
                    }
                }
                Kind::NamedImports => {
                    for specifier in tree.children(part) {
                        let Some(name) = tree.get(specifier, Field::Name) else { continue };
                        let local = tree.get(specifier, Field::Alias).unwrap_or(name);
                        let type_only = type_only || is_type_only(self, specifier);
                        let name = self.export_name(name);
                        self.add_import(local, &source, import_name(name), type_only, id);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_import(&mut self, local: Id, source: &str, name: ImportName, type_only: bool, import: Id) {
        let slot = self.declare(local, None);
        self.imported.insert(slot, name.clone());
        let span = self.tree.span(import);
        self.unit.imports.push(Import { slot, source: source.to_owned(), name, type_only, span });
    }

    /// `import x = require("m")`.
    pub(super) fn import_require(&mut self, id: Id) {
        let tree = self.tree;
        let Some(clause) = tree.find(id, Kind::ImportRequireClause) else { return };
        let (Some(name), Some(source)) = (tree.find(clause, Kind::Identifier), tree.get(clause, Field::Source)) else {
            return;
        };
        let slot = self.declare(name, None);
        let module = super::literal::string(tree.text(source));
        self.unit.required.push(module.clone());
        self.set(slot, Expr::new(ExprKind::Module(module), tree.span(clause)), tree.span(id));
    }

    /// `import A = B.C`.
    pub(super) fn import_alias(&mut self, id: Id) {
        let tree = self.tree;
        let parts: Vec<Id> = tree.children(id).collect();
        let [name, target] = parts.as_slice() else { return };
        let span = tree.span(*target);
        let mut path = tree.text(*target).split('.').map(str::trim);
        let root = self.name(path.next().unwrap_or_default(), span);
        let value = path.fold(root, |base, name| super::pattern::field(base, name, span));
        let slot = self.declare(*name, None);
        self.set(slot, value, tree.span(id));
    }

    /// An `export` statement.
    pub(super) fn export(&mut self, id: Id) {
        let tree = self.tree;
        let is_default = tree.has_token(id, "default");
        if let Some(declaration) = tree.get(id, Field::Declaration) {
            let decorators: Vec<Id> = tree.get_all(id, Field::Decorator).collect();
            match tree.kind(declaration) {
                Kind::ClassDeclaration | Kind::AbstractClassDeclaration => {
                    self.class_declaration(declaration, &decorators);
                }
                _ => self.statement(declaration),
            }
            self.export_declaration(declaration, is_default);
            return;
        }
        let source = tree.get(id, Field::Source).map(|source| super::literal::string(tree.text(source)));
        if let Some(clause) = tree.find(id, Kind::ExportClause) {
            self.export_list(clause, source.as_deref());
        } else if let Some(namespace) = tree.find(id, Kind::NamespaceExport) {
            if let (Some(name), Some(source)) = (tree.first(namespace), source) {
                let name = self.export_name(name);
                self.add_export(name, ExportTarget::From(source, ImportName::Namespace));
            }
        } else if let Some(source) = source {
            self.add_export(String::new(), ExportTarget::All(source));
        } else if let Some(value) = tree.get(id, Field::Value) {
            // An anonymous function here stays without a name: the file's own name says more than "default".
            let value = self.value(value);
            self.add_export("default".to_owned(), ExportTarget::Value(value));
        } else if tree.has_token(id, "=")
            && let Some(value) = tree.first(id)
        {
            let value = self.value(value);
            self.add_export(String::new(), ExportTarget::Value(value));
        }
    }

    fn export_declaration(&mut self, declaration: Id, is_default: bool) {
        let tree = self.tree;
        let mut names = Vec::new();
        match tree.kind(declaration) {
            Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                for declarator in tree.children(declaration) {
                    if let Some(name) = tree.get(declarator, Field::Name) {
                        self.pattern_names(name, &mut names);
                    }
                }
            }
            Kind::ImportAlias => names.extend(tree.find(declaration, Kind::Identifier)),
            Kind::InterfaceDeclaration | Kind::TypeAlias | Kind::FunctionSignature | Kind::AmbientDeclaration => {}
            _ => names.extend(tree.get(declaration, Field::Name)),
        }
        for name in names {
            let Some(slot) = self.scopes.resolve(tree.text(name)) else { continue };
            let exported = if is_default { "default" } else { tree.text(name) };
            let value = Expr::new(ExprKind::Slot(slot), tree.span(name));
            self.add_export(exported.to_owned(), ExportTarget::Value(value));
        }
    }

    /// `type Handle = Prisma.TransactionClient`: another name for one type. (What is put together is no other's name.)
    pub(super) fn type_alias(&mut self, id: Id) {
        let Some((name, aliased)) = self.tree.text(id).split_once('=') else { return };
        let Some(name) = name.trim().strip_prefix("type").map(str::trim) else { return };
        let aliased = aliased.trim().trim_end_matches(';').trim_end();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        if name.chars().chain(aliased.chars()).all(is_name) {
            self.unit.aliases.push((name.to_owned(), aliased.to_owned()));
        }
    }

    fn pattern_names(&self, pattern: Id, names: &mut Vec<Id>) {
        let tree = self.tree;
        let mut todo = vec![pattern];
        while let Some(id) = todo.pop() {
            match tree.kind(id) {
                Kind::Identifier | Kind::ShorthandPattern => names.push(id),
                Kind::ObjectPattern | Kind::ArrayPattern | Kind::RestPattern => {
                    let from = todo.len();
                    todo.extend(tree.children(id));
                    todo[from..].reverse();
                }
                Kind::PairPattern => todo.extend(tree.get(id, Field::Value)),
                Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => todo.extend(tree.get(id, Field::Left)),
                _ => {}
            }
        }
    }

    fn export_list(&mut self, clause: Id, source: Option<&str>) {
        let tree = self.tree;
        for specifier in tree.children(clause) {
            let Some(name) = tree.get(specifier, Field::Name) else { continue };
            let exported = self.export_name(tree.get(specifier, Field::Alias).unwrap_or(name));
            if let Some(source) = source {
                let name = import_name(self.export_name(name));
                self.add_export(exported, ExportTarget::From(source.to_owned(), name));
            } else if let Some(slot) = self.scopes.resolve(tree.text(name)) {
                let value = Expr::new(ExprKind::Slot(slot), tree.span(name));
                self.add_export(exported, ExportTarget::Value(value));
            }
        }
    }

    /// A name in an import or export list, which may be quoted.
    fn export_name(&self, id: Id) -> String {
        match self.tree.kind(id) {
            Kind::String => super::literal::string(self.tree.text(id)),
            _ => self.tree.text(id).to_owned(),
        }
    }

    fn add_export(&mut self, name: String, target: ExportTarget) {
        if let Some(members) = &mut self.namespace {
            if let ExportTarget::Value(value) = target {
                members.push(Entry::Field { key: name, key_span: value.span, value });
            }
        } else if self.body.id == FuncId(0) {
            self.unit.exports.push(Export { name, target });
        }
    }

    /// `namespace X { … }`: its body runs here, and X is an object of what it exports.
    pub(super) fn namespace(&mut self, id: Id) {
        let tree = self.tree;
        let (Some(name), Some(body)) = (tree.get(id, Field::Name), tree.get(id, Field::Body)) else { return };
        let outer = self.namespace.replace(Vec::new());
        self.block(body);
        let members = std::mem::replace(&mut self.namespace, outer).unwrap_or_default();
        if tree.kind(name) == Kind::Identifier && !members.is_empty() {
            let slot = self.declare(name, None);
            self.set(slot, Expr::new(ExprKind::Object(members), tree.span(body)), tree.span(id));
        }
    }

    /// `module.exports = …`, `module.exports.a = …`, `exports.a = …`.
    pub(super) fn common_js(&mut self, left: Id, value: &Expr) {
        let tree = self.tree;
        if tree.kind(left) != Kind::Member {
            return;
        }
        let (Some(object), Some(property)) = (tree.get(left, Field::Object), tree.get(left, Field::Property)) else {
            return;
        };
        let is_module = self.scopes.resolve("module").is_none();
        let is_exports = self.is_global(object, "exports");
        let mut export = |name: &str, value: &Expr| {
            let target = ExportTarget::Value(value.clone());
            self.unit.exports.push(Export { name: name.to_owned(), target });
        };
        if is_module && tree.text(left) == "module.exports" {
            export("", value);
            if let ExprKind::Object(entries) = &value.kind {
                for entry in entries {
                    if let Entry::Field { key, value, .. } = entry {
                        export(key, value);
                    }
                }
            }
        } else if (is_module && tree.text(object) == "module.exports") || is_exports {
            export(tree.text(property), value);
        }
    }
}

fn is_type_only(lower: &Lower<'_>, id: Id) -> bool {
    lower.tree.has_token(id, "type") || lower.tree.has_token(id, "typeof")
}

fn import_name(name: String) -> ImportName {
    if name == "default" { ImportName::Default } else { ImportName::Named(name) }
}
