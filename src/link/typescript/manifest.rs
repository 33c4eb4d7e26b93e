//! What a project's `package.json` and `tsconfig.json` files say about module names.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::link::modules::{Fault, folder};
use crate::text::Span;

/// A package of the project: a folder with a `package.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Package {
    /// Its folder, relative to the root, without a slash at the end; empty for the root itself.
    pub folder: String,
    /// The name others import it by.
    pub name: String,
    /// Subpaths it offers (`.`, `./limits`, `./*`) and where each leads, best first. Empty where it names none.
    pub exports: Vec<(String, Vec<String>)>,
    /// Names of its own (`#db`) and where each leads.
    pub imports: Vec<(String, Vec<String>)>,
    /// Where its bare name leads without `exports`, best first.
    pub mains: Vec<String>,
}

/// A `tsconfig.json` or one of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    /// Its path.
    pub path: String,
    /// The configurations it builds on, as written; later ones win.
    pub extends: Vec<String>,
    /// The folder that bare names are looked up in.
    pub base: Option<String>,
    /// Patterns of module names and what each stands for, and the folder that they were written in.
    pub paths: Option<Vec<(String, Vec<String>)>>,
}

/// Reads a `package.json`.
pub(super) fn package(path: &str, text: &str) -> Result<Package, Fault> {
    let mut package = Package { folder: folder(path).to_owned(), ..Package::default() };
    with_object(path, text, |root| {
        package.name = string(root, "name").unwrap_or_default();
        package.mains =
            ["source", "types", "typings", "module", "main"].iter().filter_map(|k| string(root, k)).collect();
        package.exports = root.get("exports").map(|prop| table(&prop.value)).unwrap_or_default();
        package.imports = root.get("imports").map(|prop| table(&prop.value)).unwrap_or_default();
    })?;
    Ok(package)
}

/// Reads a `tsconfig.json`, `jsconfig.json` or a file that one of them extends.
pub(super) fn config(path: &str, text: &str) -> Result<Config, Fault> {
    let mut config = Config { path: path.to_owned(), ..Config::default() };
    with_object(path, text, |root| {
        config.extends = match root.get("extends").map(|prop| &prop.value) {
            Some(Value::StringLit(one)) => vec![one.value.to_string()],
            Some(Value::Array(many)) => many.elements.iter().filter_map(text_of).collect(),
            _ => Vec::new(),
        };
        let Some(options) = root.get_object("compilerOptions") else { return };
        config.base = string(options, "baseUrl");
        config.paths = options.get_object("paths").map(|paths| {
            let entry = |prop: &jsonc_parser::ast::ObjectProp<'_>| {
                let targets = match &prop.value {
                    Value::Array(targets) => targets.elements.iter().filter_map(text_of).collect(),
                    other => text_of(other).into_iter().collect(),
                };
                (prop.name.as_str().to_owned(), targets)
            };
            paths.properties.iter().map(entry).collect()
        });
    })?;
    Ok(config)
}

/// Runs `read` on the object that a text is; a text that is something else says nothing.
fn with_object(path: &str, text: &str, read: impl FnOnce(&Object<'_>)) -> Result<(), Fault> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).map_err(|error| {
        let range = error.range();
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span::new(at(range.start), at(range.end));
        Fault { path: path.to_owned(), span, message: format!("not valid JSON: {}", error.kind()) }
    })?;
    if let Some(Value::Object(root)) = &parsed.value {
        read(root);
    }
    Ok(())
}

/// `exports` or `imports`: subpaths and where they lead. One target without subpaths is that of the package itself.
fn table(value: &Value<'_>) -> Vec<(String, Vec<String>)> {
    let is_subpath = |name: &str| name.starts_with('.') || name.starts_with('#');
    match value {
        Value::Object(entries) if entries.properties.iter().any(|prop| is_subpath(prop.name.as_str())) => {
            let entry = |prop: &jsonc_parser::ast::ObjectProp<'_>| {
                let mut targets = Vec::new();
                collect_targets(&prop.value, &mut targets);
                (prop.name.as_str().to_owned(), targets)
            };
            entries.properties.iter().map(entry).collect()
        }
        other => {
            let mut targets = Vec::new();
            collect_targets(other, &mut targets);
            vec![(".".to_owned(), targets)]
        }
    }
}

/// All files that the conditions of an export may choose, in order.
fn collect_targets(value: &Value<'_>, into: &mut Vec<String>) {
    match value {
        Value::StringLit(target) => into.push(target.value.to_string()),
        Value::Object(conditions) => conditions.properties.iter().for_each(|prop| collect_targets(&prop.value, into)),
        Value::Array(several) => several.elements.iter().for_each(|value| collect_targets(value, into)),
        _ => {}
    }
}

fn string(object: &Object<'_>, name: &str) -> Option<String> {
    object.get_string(name).map(|text| text.value.to_string())
}

fn text_of(value: &Value<'_>) -> Option<String> {
    value.as_string_lit().map(|text| text.value.to_string())
}
