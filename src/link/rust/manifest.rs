//! What a `Cargo.toml` says about the crates of a project and the names they go by.

use toml::{Table, Value};

use crate::link::modules::{Fault, folder, join};
use crate::text::Span;

/// A manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Its folder, relative to the root, without a slash at the end; empty for the root itself.
    pub folder: String,
    /// The package's name; none for a workspace that is no package.
    pub name: Option<String>,
    /// Whether it is of the first edition, in which paths start at the root of the crate.
    pub first_edition: bool,
    /// The name of its library in code, where it says one.
    pub lib_name: Option<String>,
    /// Where its library starts, where it says so.
    pub lib_path: Option<String>,
    /// Where its programs, tests, examples and the like start, where it says so.
    pub other_roots: Vec<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// What members of its workspace may refer to.
    pub workspace: Vec<Dependency>,
}

/// A crate that another one names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The name it goes by in the manifest.
    pub key: String,
    /// Its package, where that has another name.
    pub package: Option<String>,
    /// Its folder, relative to the root, where it is of the project.
    pub folder: Option<String>,
    /// Whether the workspace says the rest.
    pub inherited: bool,
}

/// Reads a `Cargo.toml`.
pub(super) fn read(path: &str, text: &str) -> Result<Manifest, Fault> {
    let root: Table = text.parse().map_err(|error: toml::de::Error| {
        let range = error.span().unwrap_or(0..0);
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span::new(at(range.start), at(range.end));
        Fault { path: path.to_owned(), span, message: format!("not valid TOML: {}", error.message()) }
    })?;
    let here = folder(path);
    let table = |name: &str| root.get(name).and_then(Value::as_table);
    let string = |table: Option<&Table>, key: &str| table?.get(key)?.as_str().map(ToOwned::to_owned);
    let mut manifest = Manifest {
        folder: here.to_owned(),
        name: string(table("package"), "name"),
        first_edition: table("package")
            .is_some_and(|package| package.get("edition").is_none_or(|said| said.as_str() == Some("2015"))),
        lib_name: string(table("lib"), "name"),
        lib_path: string(table("lib"), "path").and_then(|path| join(here, &path)),
        ..Manifest::default()
    };
    for kind in ["bin", "test", "example", "bench"] {
        let targets = root.get(kind).and_then(Value::as_array).into_iter().flatten();
        let paths = targets.filter_map(|target| join(here, target.get("path")?.as_str()?));
        manifest.other_roots.extend(paths);
    }
    manifest.other_roots.extend(string(table("package"), "build").and_then(|path| join(here, &path)));
    dependencies(&root, here, &mut manifest.dependencies);
    let targets = table("target").into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table));
    targets.for_each(|target| dependencies(target, here, &mut manifest.dependencies));
    if let Some(workspace) = table("workspace") {
        dependencies(workspace, here, &mut manifest.workspace);
    }
    Ok(manifest)
}

/// The tables of dependencies within a table.
fn dependencies(of: &Table, here: &str, into: &mut Vec<Dependency>) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (key, value) in of.get(kind).and_then(Value::as_table).into_iter().flatten() {
            let text = |name: &str| value.get(name).and_then(Value::as_str);
            into.push(Dependency {
                key: key.clone(),
                package: text("package").map(ToOwned::to_owned),
                folder: text("path").and_then(|path| join(here, path)),
                inherited: value.get("workspace").and_then(Value::as_bool) == Some(true),
            });
        }
    }
}
