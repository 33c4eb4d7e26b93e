//! The crates of a project, and where their modules lie: the tree that `mod` declarations span, as the layout of the files
//! tells it.
//!
//! A file is the module that its path says (`a/b.rs` and `a/b/mod.rs` are `b` in `a`), below the nearest file that starts a
//! crate. A crate starts where Cargo looks for one, or where its manifest says.

use rustc_hash::{FxHashMap, FxHashSet};

use super::manifest::{self, Dependency, Manifest};
use crate::link::modules::{Fault, FileId, Files, ancestors, file_name, folder, join};

/// The crates of a project and the files that start them.
#[derive(Debug, Default)]
pub(in crate::link) struct Crates {
    /// By the folder of their manifests.
    by_folder: FxHashMap<String, Crate>,
    /// Every file that is the root of a module tree.
    roots: FxHashSet<FileId>,
    /// The files below which modules named by their own folders lie, by that folder.
    owners: FxHashMap<String, FileId>,
    /// The packages whose libraries code of a package may reach, its own among them, by their folders.
    reachable: FxHashMap<String, FxHashSet<String>>,
    /// The modules by the folders they lie in.
    modules: FxHashMap<String, FxHashMap<String, FileId>>,
    /// The folder of each file's own modules, by the file's position.
    homes: Vec<String>,
}

/// A package: its library, and what it may name.
#[derive(Debug, Default)]
struct Crate {
    /// The file its library starts in.
    lib: Option<FileId>,
    /// The name of the library in code.
    name: String,
    /// Whether paths of its code start at the root.
    paths_start_at_root: bool,
    /// The libraries of the project it may name, by the names they go by.
    dependencies: FxHashMap<String, String>,
}

/// Folders in which every file is a crate of its own, and every folder with a `main.rs`.
const TARGETS: [&str; 4] = ["src/bin", "tests", "examples", "benches"];

impl Crates {
    /// The crates that the manifests among the texts describe.
    pub fn new(files: &Files, manifests: &[(String, String)]) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut read: Vec<Manifest> = Vec::new();
        for (path, text) in manifests.iter().filter(|(path, _)| file_name(path) == "Cargo.toml") {
            match manifest::read(path, text) {
                Ok(manifest) => read.push(manifest),
                Err(fault) => faults.push(fault),
            }
        }
        let mut crates = Self::default();
        for manifest in read.iter().filter(|manifest| manifest.name.is_some()) {
            crates.add(manifest, files);
        }
        for manifest in &read {
            let dependencies = crates.named(manifest, &read);
            if let Some(it) = crates.by_folder.get_mut(&manifest.folder) {
                it.dependencies = dependencies;
            }
        }
        crates.reachable =
            crates.by_folder.keys().map(|folder| (folder.clone(), crates.reached_from(folder))).collect();
        crates.add_conventional_roots(files);
        crates.own(files);
        (crates, faults)
    }

    fn add(&mut self, manifest: &Manifest, files: &Files) {
        let lib = manifest.lib_path.clone().or_else(|| join(&manifest.folder, "src/lib.rs"));
        let lib = lib.and_then(|path| files.at(&path));
        let name = manifest.lib_name.as_deref().or(manifest.name.as_deref()).unwrap_or_default();
        self.roots.extend(lib);
        self.roots.extend(manifest.other_roots.iter().filter_map(|path| files.at(path)));
        let it = Crate {
            lib,
            name: in_code(name),
            paths_start_at_root: manifest.first_edition,
            dependencies: FxHashMap::default(),
        };
        self.by_folder.insert(manifest.folder.clone(), it);
    }

    /// The folders of the crates that a manifest's dependencies lead to, by the names that code uses.
    fn named(&self, manifest: &Manifest, all: &[Manifest]) -> FxHashMap<String, String> {
        let workspace = ancestors(&manifest.folder)
            .find_map(|folder| all.iter().find(|it| it.folder == folder && !it.workspace.is_empty()));
        let by_package = |name: &str| all.iter().find(|it| it.name.as_deref() == Some(name)).map(|it| &it.folder);
        let lead = |dependency: &Dependency| {
            let shared = workspace.into_iter().flat_map(|workspace| &workspace.workspace);
            let inherited = shared.filter(|_| dependency.inherited).find(|it| it.key == dependency.key);
            let said = inherited.unwrap_or(dependency);
            let package = said.package.as_deref().unwrap_or(&said.key);
            let folder = said.folder.as_ref().or_else(|| by_package(package))?;
            let it = self.by_folder.get(folder)?;
            // A library that goes by another name than its package keeps it, unless the manifest renames the package.
            let renamed = said.package.is_some() && said.package.as_deref() != Some(said.key.as_str());
            let name = if renamed { in_code(&dependency.key) } else { it.name.clone() };
            Some((name, folder.clone()))
        };
        manifest.dependencies.iter().filter_map(lead).collect()
    }

    fn reached_from(&self, folder: &str) -> FxHashSet<String> {
        let mut found = FxHashSet::from_iter([folder.to_owned()]);
        let mut todo = vec![folder.to_owned()];
        while let Some(package) = todo.pop().and_then(|folder| self.by_folder.get(&folder)) {
            for next in package.dependencies.values() {
                if found.insert(next.clone()) {
                    todo.push(next.clone());
                }
            }
        }
        found
    }

    /// Whether code in a file may call what another declares, directly or by way of what others pass on.
    pub fn may_reach(&self, files: &Files, from: FileId, at: FileId) -> bool {
        let folder = |file: FileId| self.package_of(files.path(file));
        let (Some(own), Some(other)) = (folder(from), folder(at)) else { return true };
        // Nobody depends on a program.
        let is_of_library = || self.by_folder.get(other).is_some_and(|it| it.lib == Some(self.root(files, at)));
        own == other || is_of_library() && self.reachable.get(own).is_some_and(|all| all.contains(other))
    }

    /// Files that Cargo takes for the start of a crate by their places.
    fn add_conventional_roots(&mut self, files: &Files) {
        for (at, path) in files.paths().enumerate().filter(|(_, path)| path.ends_with(".rs")) {
            let Some(package) = self.package_of(path) else { continue };
            let inner = path.strip_prefix(package).unwrap_or(path).trim_start_matches('/');
            let target = TARGETS.iter().find_map(|target| inner.strip_prefix(target)?.strip_prefix('/'));
            let alone = target.is_some_and(|rest| match rest.split_once('/') {
                None => true,
                Some((_, rest)) => rest == "main.rs",
            });
            if alone || matches!(inner, "src/lib.rs" | "src/main.rs" | "build.rs") {
                self.roots.insert(FileId(u32::try_from(at).unwrap_or(u32::MAX)));
            }
        }
    }

    /// Notes below which file each folder's modules lie. Where a library and a program start in one folder, the library
    /// has the modules.
    fn own(&mut self, files: &Files) {
        let libs: FxHashSet<FileId> = self.by_folder.values().filter_map(|it| it.lib).collect();
        for (at, path) in files.paths().enumerate().filter(|(_, path)| path.ends_with(".rs")) {
            let file = FileId(u32::try_from(at).unwrap_or(u32::MAX));
            let home = self.home(file, path);
            let known = self.owners.get(&home);
            if known.is_none_or(|known| !libs.contains(known) && libs.contains(&file)) {
                self.owners.insert(home, file);
            }
            let (lies, name) = match path.strip_suffix("/mod.rs") {
                Some(module) => (folder(module), file_name(module)),
                None => (folder(path), file_name(path).trim_end_matches(".rs")),
            };
            let modules = self.modules.entry(lies.to_owned()).or_default();
            if file_name(path) == "mod.rs" {
                modules.entry(name.to_owned()).or_insert(file);
            } else {
                modules.insert(name.to_owned(), file);
            }
        }
        self.homes = files
            .paths()
            .enumerate()
            .map(|(at, path)| self.home(FileId(u32::try_from(at).unwrap_or(u32::MAX)), path))
            .collect();
    }

    /// The folder in which the modules lie that a file declares.
    fn home(&self, file: FileId, path: &str) -> String {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        if self.roots.contains(&file) || file_name(path) == "mod.rs" {
            folder(path).to_owned()
        } else {
            stem.to_owned()
        }
    }

    /// The folder of the package that a file belongs to.
    pub fn package_of(&self, path: &str) -> Option<&str> {
        ancestors(folder(path))
            .find_map(|folder| self.by_folder.get_key_value(folder))
            .map(|(folder, _)| folder.as_str())
    }

    /// The file that a module declared in a file lies in.
    pub fn child(&self, file: FileId, name: &str) -> Option<FileId> {
        let home = self.homes.get(file.0 as usize)?;
        let name = name.strip_prefix("r#").unwrap_or(name);
        let found = match name.rsplit_once('/') {
            None => self.modules.get(home)?.get(name),
            // In a module within the file.
            Some((inner, name)) => self.modules.get(&join(home, inner)?)?.get(name),
        };
        found.copied().filter(|child| !self.roots.contains(child))
    }

    /// The file that declares the module that a file is; none for the start of a crate.
    pub fn parent(&self, files: &Files, file: FileId) -> Option<FileId> {
        if self.roots.contains(&file) {
            return None;
        }
        let path = files.path(file);
        let home = if file_name(path) == "mod.rs" { folder(folder(path)) } else { folder(path) };
        self.owners.get(home).copied().filter(|parent| *parent != file)
    }

    /// The file in which the crate starts that a file belongs to: itself, where nothing else does.
    pub fn root(&self, files: &Files, file: FileId) -> FileId {
        let mut at = file;
        for _ in 0..64 {
            let Some(next) = self.parent(files, at) else { break };
            at = next;
        }
        at
    }

    /// The file in which a library starts that code in a file may name: another crate of the project, or its own.
    pub fn library(&self, files: &Files, file: FileId, name: &str) -> Option<FileId> {
        let package = self.by_folder.get(self.package_of(files.path(file))?)?;
        let other = package.dependencies.get(name).and_then(|folder| self.by_folder.get(folder));
        let own = || Some(package).filter(|it| it.name == name);
        other.or_else(own)?.lib
    }

    /// Whether paths in a file may start with a name at the root of its crate, as they did before the edition of 2018.
    pub fn paths_start_at_root(&self, files: &Files, file: FileId) -> bool {
        let package = self.package_of(files.path(file)).and_then(|folder| self.by_folder.get(folder));
        package.is_some_and(|package| package.paths_start_at_root)
    }

    /// The file that holds what a path written in the file `from` names: the deepest module along it.
    pub fn file_of_path(&self, files: &Files, from: &str, path: &str) -> Option<FileId> {
        let from = files.at(from)?;
        if path.starts_with('.') {
            return files.at(&join(folder(files.path(from)), path)?);
        }
        let mut segments = path.split("::").peekable();
        let mut at = match *segments.peek()? {
            "crate" => self.root(files, from),
            "self" | "super" => from,
            name => {
                let near = self.child(from, name).or_else(|| self.library(files, from, name));
                let at_root = || self.child(self.root(files, from), name);
                near.or_else(|| self.paths_start_at_root(files, from).then(at_root)?)?
            }
        };
        if segments.next()? == "super" {
            at = self.parent(files, at)?;
        }
        for segment in segments {
            match segment {
                "super" => at = self.parent(files, at)?,
                name => match self.child(at, name) {
                    Some(child) => at = child,
                    None => break,
                },
            }
        }
        Some(at)
    }
}

/// A package's name as code writes it.
fn in_code(name: &str) -> String {
    name.replace('-', "_")
}
