//! Rust projects of a few files, lowered and linked.

use crate::frontend;
use crate::ir::ImportName;
use crate::link::{ClassRef, Exported, FileId, Modules, Program, UnitId, Written};

/// A project: sources and manifests by their paths.
struct Project {
    program: Program,
    files: Vec<String>,
}

fn project(files: &[(&str, &str)]) -> Project {
    let (manifests, sources): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| path.ends_with(".toml"));
    let owned = |(path, text): &&(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let manifests: Vec<(String, String)> = manifests.iter().map(owned).collect();
    let (modules, faults) = Modules::new(sources.iter().map(|(path, _)| *path), &manifests);
    assert_eq!(faults, []);
    let units = sources.iter().filter_map(|(path, text)| frontend::lower(path, text)).collect();
    Project {
        program: Program::new(units, modules),
        files: sources.iter().map(|(path, _)| (*path).to_owned()).collect(),
    }
}

impl Project {
    fn unit(&self, path: &str) -> UnitId {
        let found = self.program.units().find(|(_, unit)| unit.path == path);
        found.map(|(id, _)| id).expect("a unit")
    }

    /// What a path means in a file: a file, `file name` for an item, or `-`.
    fn path(&self, from: &str, path: &str) -> String {
        let (source, name) = path.rsplit_once("::").unwrap_or(("self", path));
        let name = ImportName::Named(name.to_owned());
        let found = super::imported(&self.program, self.unit(from), source, &name);
        found.map_or_else(|| "-".to_owned(), |found| self.show(found))
    }

    fn show(&self, found: Exported<'_>) -> String {
        let name = |unit: UnitId, expr: &crate::ir::Expr| {
            let it = self.program.unit(unit);
            let name = crate::link::last_name(it, expr).unwrap_or_default().to_owned();
            format!("{} {name}", it.path)
        };
        match found {
            Exported::Module(FileId(at)) => self.files[at as usize].clone(),
            Exported::Value(unit, expr) => name(unit, expr),
            Exported::Member(unit, expr, member) => format!("{}::{member}", name(unit, expr)),
            Exported::External => "outside".to_owned(),
        }
    }

    fn class(&self, path: &str, ty: &str) -> Option<ClassRef> {
        let written = Written { unit: self.unit(path), text: ty, func: None, class: None };
        self.program.class_of_type(written)
    }

    /// The class that a type names in a file, and the file it is declared in.
    fn ty(&self, path: &str, ty: &str) -> String {
        let class = self.class(path, ty);
        class.map_or_else(
            || "-".to_owned(),
            |class| format!("{} {}", self.program.unit(class.unit).path, self.program.class(class).name),
        )
    }

    /// The file and line-free name of the method that a call on a value of a type reaches.
    fn method(&self, path: &str, ty: &str, name: &str) -> String {
        let found = self.class(path, ty).and_then(|class| self.program.method(class, name));
        found.map_or_else(|| "-".to_owned(), |func| self.program.unit(func.unit).path.clone())
    }
}

const WORKSPACE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\nacme-db = { path = \"crates/db\" }\n",
    ),
    ("crates/db/Cargo.toml", "[package]\nname = \"acme-db\"\n[lib]\nname = \"acme_store\"\npath = \"source/lib.rs\"\n"),
    (
        "crates/db/source/lib.rs",
        "pub mod users;\npub use users::{find as find_user, *};\nmod deep;\npub use deep::inner;\n",
    ),
    (
        "crates/db/source/users.rs",
        "pub fn find() {}\npub fn create() { super::deep::f(); }\npub enum Status { Paid, Open }\n",
    ),
    ("crates/db/source/deep/mod.rs", "pub mod inner;\npub fn f() {}\nmod own { pub fn hidden() {} }\n"),
    (
        "crates/db/source/deep/inner.rs",
        "use super::f;\nuse crate::users::Status::{self, Paid};\nuse Status::*;\npub fn g() {}\n",
    ),
    (
        "crates/api/Cargo.toml",
        "[package]\nname = \"api\"\n[dependencies]\nacme-db.workspace = true\nstore = { path = \"../db\", package = \"acme-db\" }\n[[bin]]\nname = \"tool\"\npath = \"tools/tool.rs\"\n",
    ),
    ("crates/api/src/main.rs", "mod routes;\nfn main() {}\n"),
    ("crates/api/src/routes.rs", "use acme_store::find_user as fu;\npub fn post() {}\n"),
    ("crates/api/tools/tool.rs", "mod help;\nfn main() {}\n"),
    ("crates/api/tools/help.rs", "pub fn h() {}\n"),
];

#[test]
fn paths_lead_through_the_tree_of_modules() {
    let project = project(WORKSPACE);
    let inner = "crates/db/source/deep/inner.rs";
    assert_eq!(project.path(inner, "crate::users::find"), "crates/db/source/users.rs find");
    assert_eq!(project.path(inner, "super::f"), "crates/db/source/deep/mod.rs f");
    assert_eq!(project.path(inner, "super::super::users"), "crates/db/source/users.rs");
    assert_eq!(project.path(inner, "super::own::hidden"), "crates/db/source/deep/mod.rs hidden");
    assert_eq!(project.path(inner, "crate::find"), "crates/db/source/users.rs find", "by a glob that passes on");
    assert_eq!(project.path(inner, "crate::inner::g"), "crates/db/source/deep/inner.rs g");
    assert_eq!(project.path(inner, "f"), "crates/db/source/deep/mod.rs f", "an import");
    assert_eq!(project.path(inner, "Paid"), "crates/db/source/users.rs Status::Paid");
    assert_eq!(project.path(inner, "Open"), "crates/db/source/users.rs Status::Open", "by a glob over an enum");
    assert_eq!(project.path(inner, "crate::nothing"), "-");
    assert_eq!(project.path("crates/api/tools/tool.rs", "help::h"), "crates/api/tools/help.rs h");
    assert_eq!(project.path("crates/api/tools/help.rs", "super::main"), "crates/api/tools/tool.rs main");
}

#[test]
fn crates_of_the_workspace_are_known_by_the_names_of_their_libraries() {
    let project = project(WORKSPACE);
    let routes = "crates/api/src/routes.rs";
    assert_eq!(project.path(routes, "acme_store::find_user"), "crates/db/source/users.rs find");
    assert_eq!(project.path(routes, "store::users::create"), "crates/db/source/users.rs create", "renamed");
    assert_eq!(project.path(routes, "fu"), "crates/db/source/users.rs find");
    assert_eq!(project.path(routes, "acme_db::find_user"), "-");
    assert_eq!(project.path(routes, "crate::main"), "crates/api/src/main.rs main");
    assert_eq!(project.path("crates/db/source/users.rs", "store::users"), "-", "what the manifest does not name");
}

const SERVICE: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"app\"\n[dependencies]\nstore = \"0.8\"\n"),
    ("src/lib.rs", "pub mod repo;\npub mod service;\npub mod more;\npub mod db;\n"),
    (
        "src/db.rs",
        "use store::{PgPool, Pool, Postgres};\nuse std::ops::Deref;\npub type Db = Pool<Postgres>;\npub struct Conn(PgPool);\nimpl Deref for Conn { type Target = PgPool; }\npub struct Guarded { inner: crate::repo::Users }\nimpl Deref for Guarded {}\n",
    ),
    (
        "src/repo.rs",
        "use crate::db::Db;\npub trait UserRepo: Send { fn find(&self); fn both(&self) {} }\npub struct Users { db: Db }\nimpl UserRepo for Users { fn find(&self) {} }\npub trait Two { fn two(&self); }\nimpl Two for Users { fn two(&self) {} }\npub struct Other;\nimpl Two for Other { fn two(&self) {} }\n",
    ),
    (
        "src/more.rs",
        "use crate::repo::Users;\nimpl Users { pub fn create(&self) {} pub fn new() -> Self { Users {} } }\n",
    ),
    (
        "src/service.rs",
        "use std::sync::{Arc, Mutex};\nuse crate::repo::{self, UserRepo, Users as U};\nuse crate::db::{Db, Guarded};\npub struct Service<R> { repo: R }\nimpl<R> Service<R> where R: UserRepo { fn run<E: repo::Two + Send>(&self, e: E) {} }\n",
    ),
];

#[test]
fn types_are_read_through_references_wrappers_and_aliases() {
    let project = project(SERVICE);
    let at = "src/service.rs";
    for ty in ["U", "&'a mut U", "Arc<Mutex<repo::Users>>", "Result<Option<U>, Error>", "impl Into<U> + Send"] {
        assert_eq!(project.ty(at, ty), "src/repo.rs Users", "{ty}");
    }
    assert_eq!(project.ty(at, "Arc<dyn UserRepo + Send + Sync>"), "src/repo.rs UserRepo");
    assert_eq!(project.ty(at, "Vec<U>"), "-");
    assert_eq!(project.ty(at, "HashMap<U, U>"), "-");
    assert_eq!(project.ty(at, "Nothing"), "-");
    let names = |path: &str, text: &str| {
        let written = Written { unit: project.unit(path), text, func: None, class: None };
        project.program.names_of_type(written)
    };
    assert_eq!(names("src/db.rs", "&PgPool"), ["store::PgPool"]);
    assert_eq!(names(at, "&Db"), ["store::Pool", "store::Postgres"], "an alias of another file");
    assert_eq!(names(at, "Arc<store::PgPool>"), ["std::sync::Arc", "store::PgPool"]);
}

#[test]
fn elements_are_those_of_collections() {
    let element = super::element_type;
    assert_eq!(element("&mut Vec<Arc<Users>>"), Some("Arc<Users>"));
    assert_eq!(element("Result<Option<Vec<U>>, Error>"), Some("U"));
    assert_eq!(element("&[U]"), Some("U"));
    assert_eq!(element("[U; 4]"), Some("U"));
    assert_eq!(element("impl Iterator<Item = U>"), Some("U"));
    assert_eq!(element("U"), None);
    assert_eq!(element("Vec"), None);
}

#[test]
fn methods_are_found_wherever_they_are_added() {
    let project = project(SERVICE);
    let at = "src/service.rs";
    assert_eq!(project.method(at, "U", "find"), "src/repo.rs");
    assert_eq!(project.method(at, "U", "create"), "src/more.rs", "another file's `impl`");
    assert_eq!(project.method(at, "dyn UserRepo", "find"), "src/repo.rs", "the only type that implements it");
    assert_eq!(project.method(at, "U", "both"), "src/repo.rs", "a trait's default");
    assert_eq!(project.method(at, "dyn repo::Two", "two"), "-", "several do");
    assert_eq!(project.method(at, "Guarded", "create"), "src/more.rs", "what it dereferences to");
}
