//! Collection methods that call a function for every element: they are loops.

use super::lower::{Lower, Want};
use super::tree::{Field, Id, Kind, is_function};
use crate::frontend::value::opaque;
use crate::ir::{Expr, ExprKind, ImportName, Over};

impl<'t> Lower<'t> {
    /// Lowers a call if it is one of these.
    pub(super) fn collection_call(&mut self, id: Id, function: Id, arguments: Id, want: Want<'t>) -> Option<Expr> {
        let tree = self.tree;
        if tree.kind(function) != Kind::Member {
            return None;
        }
        let method = tree.text(tree.get(function, Field::Property)?);
        let how = match method {
            "map" | "flatMap" => Over::Map,
            "filter" => Over::Filter,
            "find" | "findLast" | "findIndex" | "findLastIndex" => Over::Find,
            "some" => Over::Some,
            "every" => Over::Every,
            "reduce" | "reduceRight" | "forEach" => Over::Fold,
            _ => return None,
        };
        let callback = tree.first(arguments)?;
        let takes_names = matches!(method, "map" | "flatMap" | "forEach" | "filter");
        let is_name = takes_names && tree.kind(callback) == Kind::Identifier && tree.children(arguments).count() == 1;
        if !is_name && !is_function(tree.kind(callback)) {
            return None;
        }
        let object = tree.get(function, Field::Object)?;
        if self.is_namespace(object) {
            return None;
        }
        let span = tree.span(id);
        let source = self.receiver(function);
        let source = self.hold(source);
        let element = Expr::new(ExprKind::Element(Box::new(source.clone())), source.span);
        let over = |body: Expr, how| {
            Expr::new(ExprKind::Over { how, source: Box::new(source.clone()), body: Box::new(body) }, span)
        };
        // Conversions run nothing worth a loop.
        if is_name && ["Boolean", "String", "Number"].into_iter().any(|name| self.is_global(callback, name)) {
            let body = if tree.text(callback) == "Boolean" { element } else { opaque(vec![element], span) };
            return Some(over(body, how));
        }
        let callee = self.expr(callback, Want::default());
        let initial = tree.children(arguments).nth(1).filter(|_| method.starts_with("reduce"));
        let initial = initial.map(|initial| self.value(initial));
        let accumulator = method.starts_with("reduce").then(|| self.temp(span));
        if let Some(slot) = accumulator {
            let start = initial.unwrap_or_else(|| element.clone());
            self.set(slot, start, span);
        }
        let (header, inside, after) = (self.body.graph.block(), self.body.graph.block(), self.body.graph.block());
        self.body.graph.goto(header);
        self.body.graph.begin(header);
        self.body.graph.branch(opaque(vec![source.clone()], source.span), inside, after);
        self.body.graph.begin(inside);
        let index = opaque(Vec::new(), tree.span(callback));
        let mut args: Vec<Expr> = accumulator.map(|slot| Expr::new(ExprKind::Slot(slot), span)).into_iter().collect();
        args.push(element);
        if !is_name {
            args.push(index);
        }
        let awaited = want.all || (want.awaited && tree.has_token(callback, "async"));
        let result = self.apply(callee, args, awaited, span);
        if let Some(slot) = accumulator {
            self.set(slot, result.clone(), span);
        }
        self.body.graph.goto(header);
        self.body.graph.begin(after);
        let value = over(result, how);
        Some(if method.ends_with("Index") { opaque(vec![value], span) } else { value })
    }

    /// Whether something is a library's namespace or class rather than a collection (`_.map`, `E.filter`, `Model.find`): a
    /// namespace import, or a name in Pascal case.
    fn is_namespace(&self, object: Id) -> bool {
        let tree = self.tree;
        if tree.kind(object) != Kind::Identifier {
            return false;
        }
        let name = tree.text(object);
        let mut letters = name.chars();
        let is_pascal =
            letters.next().is_some_and(char::is_uppercase) && (name.len() == 1 || letters.any(char::is_lowercase));
        let imported = self.scopes.resolve(name).and_then(|slot| self.imported.get(&slot));
        is_pascal || matches!(name, "_" | "$") || imported == Some(&ImportName::Namespace)
    }
}
