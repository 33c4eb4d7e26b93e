//! Which files are no sources of the project: what nobody wrote by hand, and what runs alone.

use std::fmt;
use std::path::Path;

use super::EXTENSIONS;

/// Why a file is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Another kind of file.
    NotASource,
    /// Dependencies and build output.
    Output,
    /// Types only.
    Declaration,
    /// Minified.
    Minified,
    /// Written by a generator.
    Generated,
    /// A test, a seed or a migration: it runs alone.
    Test,
    /// `exclude` matches it.
    Excluded,
    /// `include` does not match it.
    NotIncluded,
}

impl fmt::Display for Skip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotASource => "it is no TypeScript, JavaScript or Rust file",
            Self::Output => "it lies in a folder of dependencies or build output",
            Self::Declaration => "it holds declarations only",
            Self::Minified => "it is minified",
            Self::Generated => "it is generated",
            Self::Test => "tests, seeds and migrations run alone (--include-tests brings them in)",
            Self::Excluded => "`exclude` in the configuration matches it",
            Self::NotIncluded => "`include` in the configuration does not match it",
        })
    }
}

const OUTPUT_FOLDERS: [&str; 11] = [
    "node_modules",
    ".git",
    "dist",
    "build",
    "out",
    ".next",
    ".nuxt",
    ".output",
    "coverage",
    ".turbo",
    "bower_components",
];

const TEST_FOLDERS: [&str; 13] = [
    "__tests__",
    "__mocks__",
    "test",
    "tests",
    "testing",
    "e2e",
    "playwright",
    "cypress",
    "seed",
    "seeds",
    "seeder",
    "seeders",
    "migrations",
];

/// Folders beside a `Cargo.toml` whose files are programs of their own, for those who develop it.
const RUST_TEST_FOLDERS: [&str; 2] = ["benches", "examples"];

/// What helps tests along, where its name begins with the word: `test_utils.rs`, `order-test-fixtures`.
const TEST_HELPERS: [&str; 13] = [
    "common",
    "data",
    "factories",
    "factory",
    "fakes",
    "fixtures",
    "harness",
    "helper",
    "helpers",
    "kit",
    "support",
    "util",
    "utils",
];

const TEST_MARKS: [&str; 7] = [".test.", ".spec.", ".e2e.", ".e2e-spec.", ".stories.", ".mock.", ".seed."];

/// Whether a folder says of itself that a tool keeps its output there, as Cargo's `target` does.
pub(super) fn is_cache(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").is_file()
}

/// Why the folder `path` (relative to the project root) need not be entered, if so.
pub(super) fn folder(path: &str, include_tests: bool, generated: &[String]) -> Option<Skip> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if OUTPUT_FOLDERS.contains(&name) {
        return Some(Skip::Output);
    }
    let ends_in = |tail: &str| path.strip_suffix(tail).is_some_and(|front| front.is_empty() || front.ends_with('/'));
    if name == "__generated__"
        || ends_in("generated/prisma")
        || ends_in("@prisma/client")
        || generated.iter().any(|folder| folder == path)
    {
        return Some(Skip::Generated);
    }
    (!include_tests && (TEST_FOLDERS.contains(&name) || helps_tests(name))).then_some(Skip::Test)
}

/// Whether a name, of a folder or of a file without its extension, is that of helpers for tests.
fn helps_tests(name: &str) -> bool {
    let mut spaced = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            spaced.push('-');
        }
        spaced.push(letter.to_ascii_lowercase());
    }
    let mut words = spaced.rsplit(['-', '_']);
    let last = words.next().unwrap_or_default();
    let joined = last.strip_prefix("test").is_some_and(|helper| TEST_HELPERS.contains(&helper));
    joined || TEST_HELPERS.contains(&last) && matches!(words.next(), Some("test" | "testing"))
}

/// Why the file `path` (relative to the project root) is no source, if so. Its folders are judged with it.
pub(super) fn file(path: &str, include_tests: bool, generated: &[String]) -> Option<Skip> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if !EXTENSIONS.contains(&extension) {
        return Some(Skip::NotASource);
    }
    if stem.ends_with(".d") {
        return Some(Skip::Declaration);
    }
    if stem.ends_with(".min") {
        return Some(Skip::Minified);
    }
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    if let Some(skip) = folders.filter_map(|path| folder(path, include_tests, generated)).min() {
        return Some(skip);
    }
    let is_test = TEST_MARKS.iter().any(|mark| name.contains(mark))
        || name.starts_with("e2e.")
        || matches!(stem, "seed" | "seeds" | "seeder")
        || path.split('/').skip_while(|part| *part != "prisma").skip(1).any(|part| part.starts_with("seed"));
    let is_test = is_test || helps_tests(stem) || extension == "rs" && is_rust_test(path, stem);
    (!include_tests && is_test).then_some(Skip::Test)
}

/// Whether a Rust file runs alone: a module of tests, a benchmark, an example, the program that a build starts with.
fn is_rust_test(path: &str, stem: &str) -> bool {
    let named = matches!(stem, "test" | "tests") || stem.ends_with("_test") || stem.ends_with("_tests");
    let above = || path.split('/').take_while(|part| *part != "src");
    let is_build = above().last() == Some("build.rs");
    named || is_build || above().any(|folder| RUST_TEST_FOLDERS.contains(&folder))
}

/// Why a file is no source by what it says, if so.
pub(super) fn text(path: &str, text: &str) -> Option<Skip> {
    if is_generated(text) {
        return Some(Skip::Generated);
    }
    (!path.ends_with(".rs") && is_minified(text)).then_some(Skip::Minified)
}

/// Whether most of a text is code in lines longer than anybody writes. Data in one line is not code: it has hardly a
/// parenthesis or semicolon.
fn is_minified(text: &str) -> bool {
    const LONG_LINE: usize = 1000;
    const BYTES_PER_MARK: usize = 100;
    let is_code = |line: &&str| {
        let marks = line.bytes().filter(|byte| matches!(byte, b'(' | b';')).count();
        line.len() > LONG_LINE && marks * BYTES_PER_MARK > line.len()
    };
    let dense: usize = text.lines().filter(is_code).map(str::len).sum();
    dense * 2 > text.len()
}

/// Whether the comments at the head of a file say that a generator wrote it.
fn is_generated(text: &str) -> bool {
    let head = comments_at_head(text);
    let generated = head.contains("generated");
    head.contains("@generated")
        || generated && (head.contains("eslint-disable") || head.contains("tslint:disable"))
        || generated && (head.contains("do not edit") || head.contains("do not modify"))
}

/// The comments in the first 2 KiB before any code, in lower case.
fn comments_at_head(text: &str) -> String {
    let mut end = text.len().min(2048);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut inside = false;
    let is_comment = |line: &&str| {
        let line = line.trim();
        let opens = line.starts_with("/*");
        let comment = inside || opens || line.is_empty() || line.starts_with("//") || line.starts_with("#!");
        inside = (inside || opens) && !line.contains("*/");
        comment
    };
    text[..end].lines().take_while(is_comment).collect::<Vec<_>>().join("\n").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Skip, file, is_generated, text};

    #[test]
    fn names_tell_what_runs_alone() {
        for path in [
            "a.test.ts",
            "src/a.spec.tsx",
            "src/__tests__/a.ts",
            "test/a.ts",
            "src/e2e/a.ts",
            "prisma/seed.ts",
            "prisma/seed-users.ts",
            "api/prisma/seed-staging/users.ts",
            "db/seeds/a.ts",
            "src/migrations/1.ts",
            "a.stories.tsx",
            "a.mock.ts",
            "app.e2e-spec.ts",
            "src/routes/e2e.router.ts",
            "src/database/test_utils.rs",
            "crates/docs_test_fakes/src/a.rs",
            "src/test-helpers/a.ts",
            "src/lib/testUtils.ts",
            "src/testutils/a.rs",
            "packages/testing/src/users.ts",
        ] {
            assert_eq!(file(path, false, &[]), Some(Skip::Test), "{path}");
            assert_eq!(file(path, true, &[]), None, "{path}");
        }
        for path in
            ["src/a/tests.rs", "src/a_test.rs", "api/examples/a.rs", "benches/a.rs", "tests/a.rs", "api/build.rs"]
        {
            assert_eq!(file(path, false, &[]), Some(Skip::Test), "{path}");
            assert_eq!(file(path, true, &[]), None, "{path}");
        }
        for path in [
            "src/examples/a.rs",
            "src/build.rs",
            "src/contest.rs",
            "src/fixtures/a.ts",
            "src/contest.ts",
            "src/latest/a.ts",
            "src/seeding.ts",
            "spec.ts",
            "src/test-results/a.ts",
            "src/test_order.rs",
        ] {
            assert_eq!(file(path, false, &[]), None, "{path}");
        }
    }

    #[test]
    fn what_nobody_wrote_is_no_source() {
        let generated = ["src/db/client".to_owned()];
        for (path, why) in [
            ("a.css", Skip::NotASource),
            ("Makefile", Skip::NotASource),
            ("a.d.ts", Skip::Declaration),
            ("a.min.js", Skip::Minified),
            ("node_modules/x/tests/a.js", Skip::Output),
            ("apps/web/.next/a.js", Skip::Output),
            ("src/generated/prisma/a.ts", Skip::Generated),
            ("src/__generated__/a.ts", Skip::Generated),
            ("src/db/client/a.ts", Skip::Generated),
        ] {
            assert_eq!(file(path, true, &generated), Some(why), "{path}");
        }
        assert_eq!(file("src/db/clients/a.ts", false, &generated), None);
        assert_eq!(file("src/generated/a.ts", false, &generated), None);
    }

    #[test]
    fn only_comments_at_the_head_make_a_file_generated() {
        assert!(is_generated("// @generated by protoc\nexport {}"));
        assert!(is_generated("/* eslint-disable */\n/**\n * This file was GENERATED by x.\n */\n"));
        assert!(is_generated("#!/usr/bin/env node\n\n// Code generated by x. DO NOT EDIT.\n"));
        assert!(!is_generated("import x from 'y';\n// @generated"));
        assert!(!is_generated("/* eslint-disable no-console */\nconst generated = 1;"));
        assert!(!is_generated("// keeps the generated password\n"));
    }

    #[test]
    fn code_in_endless_lines_is_minified() {
        let code = "function a(b){return c(b.d);}".repeat(60);
        let bundle = format!("/*! a licence */\n{code}\n");
        assert_eq!(text("a.js", &bundle), Some(Skip::Minified));
        assert_eq!(text("a.rs", &bundle), None, "nobody minifies Rust");
        assert_eq!(text("a.js", &code[..900]), None, "a long line, but one that is written");
        let image = "iVBORw0KGgo".repeat(900);
        assert_eq!(text("a.ts", &format!("export const logo = '{image}';\n")), None, "data, not code");
        let mostly_written = "prisma.user.create({ data });\n".repeat(100);
        assert_eq!(text("a.ts", &format!("{mostly_written}{code}")), None);
    }
}
