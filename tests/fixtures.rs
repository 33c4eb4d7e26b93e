//! Every fixture project says by hand-written markers what must be found, and nothing else may be.
//!
//! `//~ rule` at the end of a line: the act of a finding of that rule starts there; `//~ rule:warning` says how bad it is,
//! too. `fixtures/<rule>/<library>.<kind>.ts` is
//! a project of its own, together with the schema beside it; a folder below `fixtures/<rule>` is one, too.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop where its files are not as they should be"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toctou::config::{Config, Flags};
use toctou::engine::Workspace;
use toctou::finding::Severity;
use toctou::frontend::lower;
use toctou::rules;
use toctou::source::{Source, Sources};

/// A set of files that are analysed together.
struct Project {
    name: String,
    sources: Vec<(String, String)>,
    beside: Vec<(String, String)>,
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).expect("a fixture folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a fixture is text")
}

fn is_beside(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "prisma" || e == "sql" || e == "json" || e == "toml")
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["ts", "tsx", "js", "cjs", "mjs", "rs"].iter().any(|known| e == *known))
}

fn folder_project(folder: &Path, root: &Path) -> Option<Project> {
    let files = files_below(folder);
    let named = |keep: fn(&Path) -> bool| {
        let kept = files.iter().filter(|path| keep(path));
        kept.map(|path| (path.strip_prefix(folder).unwrap().display().to_string(), text(path))).collect::<Vec<_>>()
    };
    let sources = named(is_source);
    let name = folder.strip_prefix(root).unwrap().display().to_string();
    (!sources.is_empty()).then(|| Project { name, sources, beside: named(is_beside) })
}

fn projects() -> Vec<Project> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    let mut rules: Vec<PathBuf> = fs::read_dir(&root).expect("there are fixtures").map(|e| e.unwrap().path()).collect();
    rules.sort();
    for rule in rules.iter().filter(|path| path.is_dir()) {
        let name = rule.file_name().unwrap().to_string_lossy().into_owned();
        match name.as_str() {
            "tour" => found.extend(folder_project(rule, &root)),
            "scenarios" => {
                for scenario in sorted(rule) {
                    found.extend(sorted(&scenario).iter().filter_map(|variant| folder_project(variant, &root)));
                }
            }
            _ => {
                let entries = sorted(rule);
                let beside: Vec<(String, String)> = entries
                    .iter()
                    .filter(|path| path.is_file() && is_beside(path))
                    .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), text(path)))
                    .collect();
                for entry in &entries {
                    if entry.is_dir() {
                        found.extend(folder_project(entry, &root));
                    } else if is_source(entry) {
                        let file = entry.file_name().unwrap().to_string_lossy().into_owned();
                        let sources = vec![(file.clone(), text(entry))];
                        found.push(Project { name: format!("{name}/{file}"), sources, beside: beside.clone() });
                    }
                }
            }
        }
    }
    found
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|e| e.unwrap().path()).collect();
    entries.sort();
    entries
}

/// What the markers ask for: file, line, rule, and its severity where the marker names one.
fn wanted(project: &Project) -> BTreeSet<(String, u32, String)> {
    let mut all = BTreeSet::new();
    for (path, text) in &project.sources {
        for (at, line) in text.lines().enumerate() {
            let Some((_, marker)) = line.split_once("//~") else { continue };
            for marker in marker.split_whitespace() {
                let rule = marker.split(':').next().unwrap();
                assert!(rules::find(rule).is_some(), "{}/{path}:{}: no rule `{rule}`", project.name, at + 1);
                all.insert((path.clone(), u32::try_from(at + 1).unwrap(), marker.to_owned()));
            }
        }
    }
    all
}

/// Whether what is shown can be read as code where it is any; what it leaves out counts as a name.
fn reads(code: &str) -> bool {
    let is_schema = code.starts_with("model ") || code.starts_with("CREATE ");
    let text = format!("export async function shown() {{\n{}\n}}\n", code.replace('…', "left_out"));
    is_schema || lower("shown.ts", &text).is_some_and(|unit| unit.problems.is_empty())
}

/// What is found, in the form in which the markers ask for it.
fn found(project: &Project, wanted: &BTreeSet<(String, u32, String)>) -> BTreeSet<(String, u32, String)> {
    // A strict rule speaks in its own fixtures only.
    let rule = project.name.split('/').next().and_then(rules::find).filter(|rule| rule.level == rules::Level::Strict);
    let select = rule.map(|rule| vec!["default".to_owned(), rule.name.to_owned()]).unwrap_or_default();
    let flags = Flags { select, ..Flags::default() };
    let config = Config::resolve(None, &flags, &rules::known()).expect("the default configuration");
    let sources = project.sources.iter().map(|(path, text)| {
        let mut source = Source::new(path.clone(), text.clone());
        source.reported = true;
        source
    });
    let sources: Sources = sources.collect();
    let workspace = Workspace::new(config, sources, project.beside.clone());
    let (findings, problems, _) = workspace.check();
    assert!(problems.is_empty(), "{}: {problems:?}", project.name);
    for code in findings.iter().flat_map(|finding| &finding.help).filter_map(|help| help.code.as_deref()) {
        assert!(reads(code), "{}: this is no code\n{code}", project.name);
    }
    findings
        .into_iter()
        .filter(|finding| finding.severity > Severity::Info)
        .map(|finding| {
            let source = workspace.sources().get(&finding.path).expect("a finding lies in a source");
            let (path, line) = (finding.path.clone(), source.position(finding.span.start).line);
            let plain = finding.rule.to_owned();
            let asked = |marker: &&(String, u32, String)| {
                marker.0 == path && marker.1 == line && marker.2.starts_with(&format!("{plain}:"))
            };
            let by_severity = wanted.iter().any(|marker| asked(&marker));
            let severity = format!("{:?}", finding.severity).to_lowercase();
            (path, line, if by_severity { format!("{plain}:{severity}") } else { plain })
        })
        .collect()
}

#[test]
fn findings_are_where_the_markers_are() {
    let only = std::env::var("FIXTURE").ok();
    let mut wrong = String::new();
    let (mut right, mut missed, mut surplus) = (0, 0, 0);
    for project in projects() {
        if only.as_ref().is_some_and(|only| !project.name.contains(only.as_str())) {
            continue;
        }
        let wanted = wanted(&project);
        let found = found(&project, &wanted);
        right += wanted.intersection(&found).count();
        for (path, line, rule) in wanted.difference(&found) {
            missed += 1;
            wrong.push_str(&format!("missed   {} {path}:{line} {rule}\n", project.name));
        }
        for (path, line, rule) in found.difference(&wanted) {
            surplus += 1;
            wrong.push_str(&format!("surplus  {} {path}:{line} {rule}\n", project.name));
        }
    }
    assert!(wrong.is_empty(), "{right} right, {missed} missed, {surplus} surplus\n{wrong}");
}
