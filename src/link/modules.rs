//! Which file of the project a module name means, for each language in its own way: [`super::typescript`] as compilers,
//! bundlers and package managers would say, [`super::rust`] as Cargo and the compiler do.
//!
//! Names of packages that lie outside the project stay unresolved.

use rustc_hash::FxHashMap;

use super::rust::{Crates, named_paths};
use super::typescript::{Packages, named_modules};
use crate::text::Span;

/// A file of the project, by its position among the paths that [`Modules::new`] was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A manifest that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its path.
    pub path: String,
    /// Where.
    pub span: Span,
    /// What, for people.
    pub message: String,
}

/// The files of a project and the names they go by.
#[derive(Debug, Default)]
pub struct Modules {
    files: Files,
    packages: Packages,
    crates: Crates,
}

/// The files of a project, by their paths.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_path: FxHashMap<String, FileId>,
    paths: Vec<String>,
}

impl Files {
    /// The file at a path.
    pub fn at(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// The path of a file.
    pub fn path(&self, file: FileId) -> &str {
        self.paths.get(file.0 as usize).map_or("", String::as_str)
    }

    /// All paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

impl Modules {
    /// The files of a project, in order, and the texts of its manifests. What a manifest that cannot be read would have
    /// said is missing, and nothing else.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p str>, manifests: &[(String, String)]) -> (Self, Vec<Fault>) {
        let mut files = Files::default();
        for (at, path) in paths.into_iter().enumerate() {
            files.by_path.insert(path.to_owned(), FileId(u32::try_from(at).unwrap_or(u32::MAX)));
            files.paths.push(path.to_owned());
        }
        let (packages, mut faults) = Packages::new(manifests);
        let (crates, more) = Crates::new(&files, manifests);
        faults.extend(more);
        (Self { files, packages, crates }, faults)
    }

    /// Files that configurations extend and that are not among `manifests`, relative to the root: to be read as well.
    #[must_use]
    pub fn missing_manifests(manifests: &[(String, String)]) -> Vec<String> {
        Packages::missing_manifests(manifests)
    }

    /// The file at a path.
    #[must_use]
    pub fn file_at(&self, path: &str) -> Option<FileId> {
        self.files.at(path)
    }

    /// The path of a file.
    pub(super) fn path(&self, file: FileId) -> &str {
        self.files.path(file)
    }

    /// The folder of the package that a file belongs to.
    #[must_use]
    pub fn package_of(&self, path: &str) -> Option<&str> {
        if is_rust(path) { self.crates.package_of(path) } else { self.packages.package_of(path) }
    }

    /// The file that a module name means, written in the file `from`; of a path that goes on into a module's items, the
    /// file of the module.
    #[must_use]
    pub fn resolve(&self, from: &str, written: &str) -> Option<FileId> {
        if is_rust(from) {
            self.crates.file_of_path(&self.files, from, written)
        } else {
            self.packages.resolve(&self.files, from, written)
        }
    }

    /// The files that the text of a file names, found without parsing it.
    #[must_use]
    pub fn named(&self, path: &str, text: &str) -> Vec<FileId> {
        let mut files: Vec<FileId> = if is_rust(path) {
            named_paths(text).iter().filter_map(|named| self.resolve(path, named)).collect()
        } else {
            named_modules(text).filter_map(|named| self.resolve(path, named)).collect()
        };
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The crates of the project and its files.
    pub(super) fn crates(&self) -> (&Crates, &Files) {
        (&self.crates, &self.files)
    }
}

/// Whether names in a file are those of Rust.
pub(super) fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// The folder of a path; empty for the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The name of a file without its folder.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A folder and all above it, the root last.
pub(super) fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(up, _)| up))
    })
}

/// Joins a relative path onto a folder; `None` where it leads out of the project.
#[must_use]
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
