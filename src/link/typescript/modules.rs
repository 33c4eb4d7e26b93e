//! Which file of the project a module name means, as compilers, bundlers and package managers would say: relative names,
//! path aliases, and packages of the same repository.
//!
//! Names of packages that lie outside the project stay unresolved. Where a package names its built files, their sources
//! are meant: nothing that a build writes is read.

use rustc_hash::FxHashMap;

use super::manifest::{self, Config, Package};
use crate::link::modules::{Fault, FileId, Files, ancestors, file_name, folder, join};

/// The packages of a project and the names its files go by.
#[derive(Debug, Default)]
pub(in crate::link) struct Packages {
    packages: FxHashMap<String, Package>,
    /// The folder of each package's manifest, and its name.
    package_folders: FxHashMap<String, String>,
    /// For each folder with configurations, what they say, the folder's main one first.
    aliases: FxHashMap<String, Vec<Aliases>>,
}

/// What a configuration says once everything it extends is taken in.
#[derive(Clone, Debug, Default)]
struct Aliases {
    /// Where bare names are looked up.
    base: Option<String>,
    /// Patterns, and the paths they stand for, relative to the root; longest fixed part first.
    paths: Vec<(String, Vec<String>)>,
}

/// Endings tried where a module name leaves them out.
const ENDINGS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// Folders that a build writes, and where their sources usually lie.
const BUILT: [&str; 5] = ["dist", "build", "lib", "out", "esm"];

/// How many configurations may extend one another.
const EXTENDS: usize = 8;

impl Packages {
    /// What the texts of manifests say: `package.json`, `tsconfig.json`, and others that these extend. What a manifest that
    /// cannot be read would have said is missing, and nothing else.
    pub fn new(manifests: &[(String, String)]) -> (Self, Vec<Fault>) {
        let mut packages = Self::default();
        let mut faults = Vec::new();
        let mut configs = Vec::new();
        for (path, text) in manifests.iter().filter(|(path, _)| is_manifest(path)) {
            let read = if is_package(path) {
                manifest::package(path, text).map(|package| packages.add_package(package))
            } else {
                manifest::config(path, text).map(|config| configs.push(config))
            };
            faults.extend(read.err());
        }
        packages.add_configs(&configs);
        (packages, faults)
    }

    /// Files that configurations extend and that are not among `manifests`, relative to the root: to be read as well.
    pub fn missing_manifests(manifests: &[(String, String)]) -> Vec<String> {
        let (packages, _) = Self::new(manifests);
        let known = |path: &str| manifests.iter().any(|(known, _)| known == path);
        let mut missing = Vec::new();
        for (path, text) in manifests.iter().filter(|(path, _)| is_manifest(path) && !is_package(path)) {
            let Ok(config) = manifest::config(path, text) else { continue };
            for name in &config.extends {
                let candidates = packages.extended(&config.path, name);
                if !candidates.iter().any(|path| known(path)) {
                    missing.extend(candidates);
                }
            }
        }
        missing.sort();
        missing.dedup();
        missing
    }

    fn add_package(&mut self, package: Package) {
        self.package_folders.insert(package.folder.clone(), package.name.clone());
        let known = self.packages.get(&package.name);
        // Of two packages of a name, the one nearer to the root is meant.
        let depth = |folder: &str| folder.split('/').filter(|part| !part.is_empty()).count();
        if known.is_none_or(|known| depth(&package.folder) < depth(&known.folder)) {
            self.packages.insert(package.name.clone(), package);
        }
    }

    fn add_configs(&mut self, configs: &[Config]) {
        let by_path: FxHashMap<&str, &Config> = configs.iter().map(|config| (config.path.as_str(), config)).collect();
        let mut order: Vec<&Config> = configs.iter().collect();
        let main = |config: &Config| matches!(file_name(&config.path), "tsconfig.json" | "jsconfig.json");
        order.sort_by_key(|config| (folder(&config.path), !main(config), &config.path));
        for config in order {
            let aliases = self.effective(config, &by_path, EXTENDS);
            if aliases.base.is_some() || !aliases.paths.is_empty() {
                self.aliases.entry(folder(&config.path).to_owned()).or_default().push(aliases);
            }
        }
    }

    /// A configuration with everything that it extends.
    fn effective(&self, config: &Config, all: &FxHashMap<&str, &Config>, depth: usize) -> Aliases {
        let mut aliases = Aliases::default();
        let Some(depth) = depth.checked_sub(1) else { return aliases };
        for name in &config.extends {
            let base = self.extended(&config.path, name).into_iter().find_map(|path| all.get(path.as_str()));
            let Some(base) = base else { continue };
            let base = self.effective(base, all, depth);
            aliases.base = base.base.or(aliases.base);
            aliases.paths = if base.paths.is_empty() { aliases.paths } else { base.paths };
        }
        let here = folder(&config.path);
        let own_base = config.base.as_ref().and_then(|base| join(here, &here_meant(base)));
        if own_base.is_some() {
            aliases.base = own_base;
        }
        if let Some(paths) = &config.paths {
            let from = aliases.base.clone().unwrap_or_else(|| here.to_owned());
            let targets = |targets: &[String]| {
                targets.iter().filter_map(|target| join(&from, &here_meant(target))).collect::<Vec<_>>()
            };
            aliases.paths = paths.iter().map(|(pattern, to)| (pattern.clone(), targets(to))).collect();
            let fixed = |pattern: &str| pattern.split('*').next().map_or(0, str::len);
            aliases.paths.sort_by_key(|(pattern, _)| std::cmp::Reverse((!pattern.contains('*'), fixed(pattern))));
        }
        aliases
    }

    /// The files that an `extends` may mean.
    fn extended(&self, from: &str, written: &str) -> Vec<String> {
        let path = if written.starts_with('.') {
            join(folder(from), written)
        } else {
            let (package, rest) = split_package(written);
            let rest = if rest.is_empty() { "tsconfig.json" } else { rest };
            self.packages.get(package).and_then(|package| join(&package.folder, rest))
        };
        let Some(path) = path else { return Vec::new() };
        if path.ends_with(".json") { vec![path] } else { vec![format!("{path}.json"), format!("{path}/tsconfig.json")] }
    }

    /// The folder of the package that a file belongs to.
    pub fn package_of(&self, path: &str) -> Option<&str> {
        ancestors(folder(path))
            .find_map(|folder| self.package_folders.get_key_value(folder))
            .map(|(key, _)| key.as_str())
    }

    /// The file among `files` that a module name means, written in the file `from`.
    pub fn resolve(&self, files: &Files, from: &str, written: &str) -> Option<FileId> {
        let here = folder(from);
        if written.starts_with('.') {
            return files.module(&join(here, written)?);
        }
        if let Some(path) = written.strip_prefix('/') {
            return files.module(path);
        }
        let own = ancestors(here).find_map(|folder| self.package_folders.get_key_value(folder));
        if written.starts_with('#')
            && let Some((folder, name)) = own
            && let Some(package) = self.packages.get(name).filter(|package| &package.folder == folder)
            && let Some(found) = Self::among(files, package, &package.imports, written)
        {
            return Some(found);
        }
        let configured = ancestors(here).filter_map(|folder| self.aliases.get(folder)).flatten();
        for aliases in configured {
            let by_path = aliases.paths.iter().find_map(|(pattern, targets)| {
                let star = matched(pattern, written)?;
                targets.iter().find_map(|target| files.module(&target.replacen('*', star, 1)))
            });
            let found = by_path.or_else(|| files.module(&join(aliases.base.as_ref()?, written)?));
            if found.is_some() {
                return found;
            }
        }
        let (package, rest) = split_package(written);
        if let Some(package) = self.packages.get(package) {
            return self.in_package(files, package, rest);
        }
        // What bundlers are commonly told, in a form that is not read here.
        let rest = written.strip_prefix("@/").or_else(|| written.strip_prefix("~/"));
        let folders = ancestors(here).filter(|folder| self.package_folders.contains_key(*folder)).take(1);
        folders.flat_map(|folder| ["src", "", "app"].map(|inner| join(folder, inner))).flatten().find_map(|folder| {
            match (rest, written.strip_prefix("$lib/")) {
                (Some(rest), _) => files.module(&join(&folder, rest)?),
                (None, Some(rest)) => files.module(&join(&folder, &format!("lib/{rest}"))?),
                (None, None) => None,
            }
        })
    }

    /// What a subpath of a package means.
    fn in_package(&self, files: &Files, package: &Package, rest: &str) -> Option<FileId> {
        let subpath = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
        if let Some(found) = Self::among(files, package, &package.exports, &subpath) {
            return Some(found);
        }
        if rest.is_empty() {
            let main = package.mains.iter().find_map(|main| Self::built(files, package, main));
            return main.or_else(|| ["src", ""].iter().find_map(|inner| files.module(&join(&package.folder, inner)?)));
        }
        Self::built(files, package, rest).or_else(|| files.module(&join(&package.folder, &format!("src/{rest}"))?))
    }

    /// Where a table of subpaths leads.
    fn among(files: &Files, package: &Package, table: &[(String, Vec<String>)], subpath: &str) -> Option<FileId> {
        let mut fitting: Vec<(&str, &String, &Vec<String>)> = table
            .iter()
            .filter_map(|(pattern, targets)| Some((matched(pattern, subpath)?, pattern, targets)))
            .collect();
        fitting.sort_by_key(|(star, _, _)| star.len());
        fitting.into_iter().find_map(|(star, _, targets)| {
            targets.iter().find_map(|target| Self::built(files, package, &target.replacen('*', star, 1)))
        })
    }

    /// A file that a manifest names, or the source that it is built from.
    fn built(files: &Files, package: &Package, target: &str) -> Option<FileId> {
        let path = target.trim_start_matches("./");
        if let Some(found) = files.module(&join(&package.folder, path)?) {
            return Some(found);
        }
        let (first, rest) = path.split_once('/')?;
        if !BUILT.contains(&first) {
            return None;
        }
        // Several kinds of output may lie side by side: dist/esm/index.js.
        let inner = rest.split_once('/').map(|(_, inner)| inner);
        let rests = std::iter::once(rest).chain(inner);
        rests.flat_map(|rest| [format!("src/{rest}"), rest.to_owned()]).find_map(|path| {
            let path = path.strip_suffix(".d.ts").map_or(path.clone(), |stem| format!("{stem}.ts"));
            files.module(&join(&package.folder, &path)?)
        })
    }
}

impl Files {
    /// The file at a path whose ending may be left out, or be that of what a compiler will write.
    fn module(&self, path: &str) -> Option<FileId> {
        if let Some(found) = self.at(path) {
            return Some(found);
        }
        let stem = ["js", "jsx", "mjs", "cjs"].iter().find_map(|e| path.strip_suffix(&format!(".{e}")));
        let with = |front: &str| ENDINGS.iter().find_map(|e| self.at(&format!("{front}.{e}")));
        let index = if path.is_empty() { "index".to_owned() } else { format!("{path}/index") };
        stem.and_then(with).or_else(|| with(path)).or_else(|| with(&index))
    }
}

/// Whether a file beside the sources is a manifest that says something about module names.
fn is_manifest(path: &str) -> bool {
    path.ends_with(".json")
}

/// Whether a manifest is that of a package.
fn is_package(path: &str) -> bool {
    file_name(path) == "package.json"
}

/// The package of a bare module name, and the rest.
fn split_package(written: &str) -> (&str, &str) {
    let slashes = if written.starts_with('@') { 2 } else { 1 };
    match written.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => (&written[..at], &written[at + 1..]),
        None => (written, ""),
    }
}

/// What the star of a pattern stands for; empty where the pattern has none and is the name itself.
fn matched<'w>(pattern: &str, written: &'w str) -> Option<&'w str> {
    match pattern.split_once('*') {
        Some((front, back)) => written.strip_prefix(front)?.strip_suffix(back),
        None => (pattern == written).then_some(""),
    }
}

/// A path of a configuration, which may name the folder of the configuration itself.
fn here_meant(path: &str) -> String {
    path.replacen("${configDir}", ".", 1)
}

#[cfg(test)]
mod tests {
    use crate::link::modules::{FileId, Modules};

    const FILES: [&str; 16] = [
        "apps/web/src/app/route.ts",
        "apps/web/src/lib/db.ts",
        "apps/web/src/lib/index.tsx",
        "packages/core/src/index.ts",
        "packages/core/src/limits/index.ts",
        "packages/core/src/users.ts",
        "packages/plain/index.js",
        "packages/plain/lib/tool.js",
        "common/money.ts",
        "legacy/a.js",
        "legacy/src/b.js",
        "apps/web/generated/client.mts",
        "packages/esm/src/deep/file.ts",
        "packages/esm/src/main.mts",
        "index.ts",
        "packages/core/internal/clock.ts",
    ];

    fn resolve(from: &str, written: &str) -> Option<&'static str> {
        let manifests = [
            ("apps/web/package.json", r#"{"name": "web"}"#),
            (
                "apps/web/tsconfig.json",
                "{ // the app\n \"extends\": [\"@acme/tsconfig/base.json\", \"./tsconfig.paths\"],\n \"compilerOptions\": {\"strict\": true,}, }",
            ),
            (
                "apps/web/tsconfig.paths.json",
                r#"{"compilerOptions": {"baseUrl": "src", "paths": {"@/*": ["./*"], "~gen": ["../generated/client.mts"]}}}"#,
            ),
            ("packages/tsconfig/package.json", r#"{"name": "@acme/tsconfig"}"#),
            ("packages/tsconfig/base.json", r#"{"compilerOptions": {"paths": {"common/*": ["../../common/*"]}}}"#),
            (
                "packages/core/package.json",
                r##"{"name": "@acme/core", "main": "./dist/index.js",
                    "exports": {".": {"types": "./dist/index.d.ts", "import": "./dist/index.mjs"}, "./limits": "./dist/limits/index.js", "./x/*": "./src/*.ts"},
                    "imports": {"#clock": "./internal/clock.ts"}}"##,
            ),
            ("packages/plain/package.json", r#"{"name": "plain"}"#),
            ("packages/plain/tsconfig.json", r#"{"extends": "@acme/tsconfig/base.json"}"#),
            ("packages/esm/package.json", r#"{"name": "esm", "module": "dist/esm/main.mjs"}"#),
            ("legacy/package.json", r#"{"name": "legacy"}"#),
        ];
        let manifests: Vec<(String, String)> =
            manifests.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        let (modules, faults) = Modules::new(FILES, &manifests);
        assert_eq!(faults, []);
        modules.resolve(from, written).map(|FileId(at)| FILES[at as usize])
    }

    #[test]
    fn relative_names_may_leave_out_endings_and_name_what_is_built() {
        let from = "apps/web/src/app/route.ts";
        assert_eq!(resolve(from, "../lib/db"), Some("apps/web/src/lib/db.ts"));
        assert_eq!(resolve(from, "../lib/db.js"), Some("apps/web/src/lib/db.ts"));
        assert_eq!(resolve(from, "../lib"), Some("apps/web/src/lib/index.tsx"));
        assert_eq!(resolve(from, "../../../../../../x"), None);
        assert_eq!(resolve("a.ts", "."), Some("index.ts"));
    }

    #[test]
    fn path_aliases_come_through_extends_and_count_from_where_they_are_written() {
        let from = "apps/web/src/app/route.ts";
        assert_eq!(resolve(from, "@/lib/db"), Some("apps/web/src/lib/db.ts"));
        assert_eq!(resolve(from, "~gen"), Some("apps/web/generated/client.mts"));
        assert_eq!(resolve(from, "lib/db"), Some("apps/web/src/lib/db.ts"), "by baseUrl");
        assert_eq!(resolve("packages/plain/index.js", "@/lib/db"), None);
        assert_eq!(resolve("packages/plain/index.js", "common/money"), Some("common/money.ts"));
        assert_eq!(resolve(from, "common/money"), None, "own patterns replace those of the base");
    }

    #[test]
    fn packages_of_the_repository_lead_to_their_sources() {
        let from = "apps/web/src/app/route.ts";
        assert_eq!(resolve(from, "@acme/core"), Some("packages/core/src/index.ts"));
        assert_eq!(resolve(from, "@acme/core/limits"), Some("packages/core/src/limits/index.ts"));
        assert_eq!(resolve(from, "@acme/core/x/users"), Some("packages/core/src/users.ts"));
        assert_eq!(resolve(from, "plain"), Some("packages/plain/index.js"));
        assert_eq!(resolve(from, "plain/lib/tool"), Some("packages/plain/lib/tool.js"));
        assert_eq!(resolve(from, "esm"), Some("packages/esm/src/main.mts"));
        assert_eq!(resolve(from, "react"), None);
        assert_eq!(resolve("packages/core/src/users.ts", "#clock"), Some("packages/core/internal/clock.ts"));
        assert_eq!(resolve(from, "#clock"), None);
    }

    #[test]
    fn what_bundlers_are_commonly_told_is_tried_last() {
        assert_eq!(resolve("legacy/a.js", "@/b"), Some("legacy/src/b.js"));
        assert_eq!(resolve("legacy/src/b.js", "~/a"), Some("legacy/a.js"));
    }

    #[test]
    fn bases_with_other_names_are_asked_for() {
        let manifest = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let known = [
            manifest("a/tsconfig.json", r#"{"extends": "conf/next"}"#),
            manifest("conf/package.json", r#"{"name": "conf"}"#),
        ];
        assert_eq!(Modules::missing_manifests(&known), ["conf/next.json", "conf/next/tsconfig.json"]);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_a_fault_with_its_place() {
        let broken = [("tsconfig.json".to_owned(), "{\"compilerOptions\": ".to_owned())];
        let (_, faults) = Modules::new(["a.ts"], &broken);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "tsconfig.json");
        assert!(faults[0].message.starts_with("not valid JSON"), "{}", faults[0].message);
    }
}
