//! Where a project starts, and how its paths are shown.

use std::path::{Component, Path, PathBuf};

/// The name of the configuration file.
const CONFIG_FILE: &str = "toctou.toml";

/// What marks a project that has neither configuration nor repository.
const WEAK_MARKS: [&str; 5] = ["package.json", "tsconfig.json", "Cargo.toml", "schema.prisma", "prisma"];

/// The configuration file that governs `start`: the nearest one above it, inside its repository.
#[must_use]
pub fn config_file(start: &Path) -> Option<PathBuf> {
    for folder in folders(start) {
        let file = folder.join(CONFIG_FILE);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

/// The root of the project that `start` lies in: the folder of its configuration file, else of its repository, else of its
/// workspace of packages or crates, else the nearest folder (not above the working directory) with a `package.json`,
/// `tsconfig.json`, `Cargo.toml` or Prisma schema, else the working directory, else, for a path outside of it, the path's
/// own folder. Both paths must be absolute.
#[must_use]
pub fn project_root(start: &Path, working_directory: &Path) -> PathBuf {
    if let Some(folder) = config_file(start).and_then(|file| file.parent().map(Path::to_path_buf)) {
        return folder;
    }
    if let Some(folder) = folders(start).find(|folder| folder.join(".git").exists()) {
        return folder.to_path_buf();
    }
    let inside = start.starts_with(working_directory);
    let reachable = || folders(start).take_while(|folder| !inside || folder.starts_with(working_directory));
    let marked = reachable().find(|folder| WEAK_MARKS.iter().any(|mark| folder.join(mark).exists()));
    match reachable().find(|folder| is_workspace(folder)).or(marked) {
        Some(folder) => folder.to_path_buf(),
        None if inside => working_directory.to_path_buf(),
        None => folders(start).next().unwrap_or(start).to_path_buf(),
    }
}

/// Whether a folder holds the manifest of a workspace, whose members are one project.
fn is_workspace(folder: &Path) -> bool {
    let says = |name: &str, is_mark: fn(&str) -> bool| {
        std::fs::read_to_string(folder.join(name)).is_ok_and(|text| text.lines().any(|line| is_mark(line.trim())))
    };
    folder.join("pnpm-workspace.yaml").is_file()
        || says("Cargo.toml", |line| line == "[workspace]")
        || says("package.json", |line| line.contains("\"workspaces\""))
}

/// `start`, if it is a folder, and all folders above it.
fn folders(start: &Path) -> impl Iterator<Item = &Path> {
    start.ancestors().skip(usize::from(!start.is_dir()))
}

/// The path of `file` below `root`, with forward slashes; empty for the root itself, `None` for what lies elsewhere.
#[must_use]
pub fn relative(file: &Path, root: &Path) -> Option<String> {
    let rest = file.strip_prefix(root).ok()?;
    Some(rest.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
}

/// How project-relative paths are shown: relative to the working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Folders of the project above the working directory, which a shown path need not repeat.
    below: Vec<String>,
    /// What leads from the working directory to the project root, where the root is not above it.
    prefix: String,
}

impl Paths {
    /// From the project root and the working directory, both absolute.
    #[must_use]
    pub fn new(root: &Path, working_directory: &Path) -> Self {
        if let Ok(below) = working_directory.strip_prefix(root) {
            return Self { below: names(below), prefix: String::new() };
        }
        let here = names(working_directory);
        let there = names(root);
        let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
        let mut prefix = "../".repeat(here.len() - shared);
        for name in &there[shared..] {
            prefix.push_str(name);
            prefix.push('/');
        }
        Self { below: Vec::new(), prefix }
    }

    /// The path as it is shown.
    #[must_use]
    pub fn show(&self, path: &str) -> String {
        let mut rest = path;
        let mut shared = 0;
        for name in &self.below {
            let Some(inner) = rest.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/')) else { break };
            rest = inner;
            shared += 1;
        }
        format!("{}{}{rest}", "../".repeat(self.below.len() - shared), self.prefix)
    }
}

fn names(path: &Path) -> Vec<String> {
    let normal = path.components().filter(|part| matches!(part, Component::Normal(_)));
    normal.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Paths, project_root, relative};
    use std::fs;
    use std::path::Path;

    #[test]
    fn paths_are_shown_from_the_working_directory() {
        let show = |root: &str, here: &str, path: &str| Paths::new(Path::new(root), Path::new(here)).show(path);
        assert_eq!(show("/p", "/p", "src/a.ts"), "src/a.ts");
        assert_eq!(show("/p", "/p/src", "src/a.ts"), "a.ts");
        assert_eq!(show("/p", "/p/apps/api", "apps/web/a.ts"), "../web/a.ts");
        assert_eq!(show("/p", "/p/apps/api", "a.ts"), "../../a.ts");
        assert_eq!(show("/w/p", "/w", "a.ts"), "p/a.ts");
        assert_eq!(show("/w/p", "/w/q", "a.ts"), "../p/a.ts");
    }

    #[test]
    fn the_nearest_mark_is_the_root() {
        let dir = tempfile::tempdir().expect("a folder");
        let top = dir.path().canonicalize().expect("a path");
        let app = top.join("app");
        fs::create_dir_all(app.join("src")).expect("folders");
        assert_eq!(project_root(&app.join("src"), &top), top);
        fs::write(app.join("package.json"), "{}").expect("a file");
        assert_eq!(project_root(&app.join("src"), &top), app);
        assert_eq!(project_root(&app.join("src"), &app.join("src")), app.join("src"));
        fs::write(top.join("Cargo.toml"), "[workspace]\nmembers = [\"app\"]\n").expect("a file");
        assert_eq!(project_root(&app.join("src"), &top), top);
        for (name, text) in
            [("pnpm-workspace.yaml", "packages:\n  - app\n"), ("package.json", "{\n  \"workspaces\": [\"app\"]\n}")]
        {
            fs::remove_file(top.join("Cargo.toml"))
                .or_else(|_| fs::remove_file(top.join("pnpm-workspace.yaml")))
                .expect("a file");
            assert_eq!(project_root(&app.join("src"), &top), app);
            fs::write(top.join(name), text).expect("a file");
            assert_eq!(project_root(&app.join("src"), &top), top);
        }
        fs::create_dir(top.join(".git")).expect("a folder");
        assert_eq!(project_root(&app.join("src"), &top), top);
        fs::write(app.join("toctou.toml"), "").expect("a file");
        assert_eq!(project_root(&app.join("src"), &top), app);
        assert_eq!(relative(&app.join("src/a.ts"), &app).as_deref(), Some("src/a.ts"));
    }
}
