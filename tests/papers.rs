//! The papers of the repository, held to what is there: pages and fixtures of rules, the module map, links, examples.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop where its files are not as they should be"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toctou::config::{Config, Flags};
use toctou::rules;

/// The headings of a rule's page, in their order.
const HEADINGS: [&str; 6] =
    ["What it finds", "Why it breaks", "Example", "Use instead", "When it stays silent", "Fix safety"];

/// Rules without a fixture folder: they are about comments, and `src/suppress/tests.rs` has their cases.
const ABOUT_COMMENTS: [&str; 2] = [rules::UNUSED_SUPPRESSION, rules::UNEXPLAINED_SUPPRESSION];

/// Folders of fixtures that belong to no rule.
const SHARED_FIXTURES: [&str; 2] = ["scenarios", "tour"];

const PAPERS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "rules/libraries/README.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// The names of the files in a folder that end like this, without the ending.
fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    entries(folder).iter().filter(|path| path.extension().is_some_and(|e| e == ending)).map(|path| stem(path)).collect()
}

fn names() -> BTreeSet<String> {
    rules::ALL.iter().map(|rule| rule.name.to_owned()).collect()
}

#[test]
fn every_rule_has_its_page_with_the_same_headings() {
    assert_eq!(stems("rules", "md"), names());
    for rule in rules::ALL {
        let headings: Vec<&str> = rule.page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "rules/{}.md", rule.name);
    }
}

#[test]
fn every_rule_has_its_fixtures() {
    let folders: BTreeSet<String> =
        entries("fixtures").iter().filter(|path| path.is_dir()).map(|path| stem(path)).collect();
    let mut wanted = names();
    wanted.retain(|name| !ABOUT_COMMENTS.contains(&name.as_str()));
    for name in &wanted {
        let folder = format!("fixtures/{name}");
        assert!(folders.contains(name), "`{name}` has no folder {folder}");
        let kinds: Vec<(String, String)> = entries(&folder)
            .iter()
            .filter(|path| path.is_file())
            .filter_map(|path| {
                let kind = stem(path).rsplit_once('.')?.1.to_owned();
                Some((kind, fs::read_to_string(path).expect("a fixture is text")))
            })
            .collect();
        let marked =
            |text: &str| text.lines().any(|line| line.split_once("//~").is_some_and(|(_, m)| m.contains(name)));
        assert!(kinds.iter().any(|(kind, text)| kind == "bad" && marked(text)), "{folder} shows nothing that is found");
        assert!(kinds.iter().any(|(kind, _)| kind == "good"), "{folder} shows nothing to be silent about");
        for (kind, text) in kinds.iter().filter(|(kind, _)| kind == "good" || kind == "fixed") {
            assert!(!text.contains("//~"), "{folder}: a file of kind `{kind}` has a marker");
        }
    }
    wanted.extend(SHARED_FIXTURES.map(str::to_owned));
    assert_eq!(folders, wanted);
}

#[test]
fn every_file_of_a_rule_is_named_after_it() {
    for module in stems("src/rules", "rs") {
        let known = ["mod", "speech"].contains(&module.as_str()) || names().contains(&module.replace('_', "-"));
        assert!(known, "src/rules/{module}.rs belongs to no rule");
    }
}

#[test]
fn the_readme_lists_the_rules() {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once('`'));
    let rows: Vec<(&str, &str)> = rows.collect();
    for (name, rest) in &rows {
        assert!(rest.starts_with(&format!("](rules/{name}.md) |")), "the link of `{name}`");
    }
    let listed: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = rules::ALL.iter().map(|rule| rule.name).collect();
    assert_eq!(listed, known);
}

/// The fenced blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn the_settings_of_the_readme_are_good_ones() {
    let readme = read("README.md");
    let examples = blocks(&readme, "toml");
    assert!(!examples.is_empty());
    for text in examples {
        if let Err(error) = Config::resolve(Some(("README.md", text)), &Flags::default(), &rules::known()) {
            panic!("{error}");
        }
    }
}

#[test]
fn the_architecture_maps_every_module() {
    let paper = read("ARCHITECTURE.md");
    for path in entries("src") {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let shown = if path.is_dir() { format!("| `{name}/` |") } else { format!("| `{name}` |") };
        assert!(paper.contains(&shown), "ARCHITECTURE.md does not map src/{name}");
    }
}

/// What stands in backquotes outside of fenced blocks.
fn quoted(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn links_and_paths_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut tests = 0;
    for paper in PAPERS {
        let text = read(paper);
        let folder = Path::new(paper).parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !root().join(folder).join(file).exists() {
                wrong.push(format!("{paper}: a link to {link}"));
            }
        }
        for word in quoted(&text) {
            let place = ["src/", "tests/", "rules/", "fixtures/", ".ci/"].iter().any(|start| word.starts_with(start));
            if !place || word.contains(['<', '{', '*', ' ', '…']) {
                continue;
            }
            let (file, test) = word.split_once("::").unwrap_or((&word, ""));
            if !root().join(file).exists() {
                wrong.push(format!("{paper}: no {file}"));
            } else if !test.is_empty() {
                tests += 1;
                if !read(file).contains(&format!("fn {test}(")) {
                    wrong.push(format!("{paper}: no test {word}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tests > 0, "the invariants name their tests");
}

#[test]
fn the_commands_of_the_papers_are_those_that_are_run() {
    let readme = read("README.md");
    let run = read(".ci/run");
    for command in ["cargo run --release -- check fixtures/tour", "cargo test"] {
        assert!(readme.contains(command), "README.md does not say `{command}`");
    }
    for command in ["cargo run --release --locked -- check fixtures/tour", "cargo test --locked"] {
        assert!(run.contains(command), ".ci/run does not run `{command}`");
    }
    assert!(read("CONTRIBUTING.md").contains("`.ci/run`"));
}
