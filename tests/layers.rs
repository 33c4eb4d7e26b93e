//! The module map of `ARCHITECTURE.md`, held to the source: which module uses which, and which words stay where they
//! belong.
//!
//! A module that needs another direction gets it here, in the table, and with a reason in `ARCHITECTURE.md`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop where its files are not as they should be"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom to the top, each with what it may use: a module, or one item of it.
const LAYERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("suggest", &[]),
    ("glob", &[]),
    ("interleave", &[]),
    ("ir", &["text"]),
    ("sql", &["text"]),
    ("finding", &["text"]),
    ("schema", &["sql", "text"]),
    ("library", &["suggest", "text"]),
    ("frontend", &["ir", "text"]),
    ("link", &["ir", "text"]),
    ("source", &["finding::Problem", "glob", "text"]),
    ("config", &["finding::Confidence", "finding::Severity", "glob", "source::read_text", "suggest", "text"]),
    ("model", &["finding::Confidence", "ir", "library", "link", "schema", "sql", "text"]),
    (
        "analysis",
        &[
            "finding",
            "interleave",
            "ir",
            // Of the libraries the kinds of their rows, which the model's operations carry: no patterns, no registry.
            "library::ErrorKind",
            "library::ErrorRow",
            "library::Missing",
            "library::Place",
            "library::Requirement",
            "library::Root",
            "library::Rows",
            "library::Selector",
            "library::OnConflict",
            "library::StepRow",
            "library::Verb",
            "link",
            "model",
            "schema",
            "sql",
            "text",
        ],
    ),
    (
        "rules",
        &[
            "analysis",
            "config::KnownRule",
            "finding",
            "library::Place",
            "library::Requirement",
            "library::Verb",
            // Constants that a check asks for.
            "model::Literal",
        ],
    ),
    ("suppress", &["finding", "ir", "rules", "source", "suggest", "text"]),
    ("select", &["config", "finding", "source", "suppress"]),
    ("schemas", &["finding::Problem", "link::join", "schema", "source"]),
    ("remedy", &["analysis", "finding", "ir", "library", "link", "model", "schema", "source", "text"]),
    ("report", &["finding", "rules", "source", "text"]),
    (
        "engine",
        &[
            "analysis", "config", "finding", "frontend", "ir", "library", "link", "model", "remedy", "rules", "schema",
            "schemas", "select", "source", "suppress", "text",
        ],
    ),
    ("cli", &["config", "engine", "finding", "report", "rules", "source", "suggest"]),
];

/// Words and paths of the code, and the only places where they may stand.
const HOMES: &[(&[&str], &[&str])] = &[
    // Parser types end at the front end.
    (&["tree_sitter", "tree_sitter_typescript"], &["src/frontend/typescript/"]),
    (&["syn", "proc_macro2", "quote::"], &["src/frontend/rust/"]),
    // The drawing of reports can be exchanged.
    (&["miette"], &["src/report/"]),
    // The disk is read in one place; `--output-file` is written by the command line.
    (&["std::fs", "fs::", "File::open", "walkdir::", "ignore::"], &["src/source/", "src/cli/check.rs"]),
    // The command line looks whether the paths it is given are there.
    (&["canonicalize", "is_file", "is_dir", "read_dir", "metadata"], &["src/source/", "src/cli/project.rs"]),
    // The surroundings of the process are the command line's business.
    (&["std::env", "env::", "clap"], &["src/cli/", "src/main.rs"]),
    // Inner forms are printed, not serialised: what is read and written has structs of its own.
    (&["Serialize", "Deserialize", "serde"], &["src/report/", "src/library/", "src/config/"]),
];

/// What names no library: they know values, operations and windows, whatever the calls that they come from.
const NEUTRAL: &[&str] = &["src/ir", "src/link", "src/model", "src/analysis", "src/interleave", "src/rules"];

const LIBRARIES: &[&str] = &[
    "prisma",
    "drizzle",
    "typeorm",
    "sequelize",
    "knex",
    "kysely",
    "sqlx",
    "diesel",
    "sea_orm",
    "sea-orm",
    "rusqlite",
    "tokio_postgres",
    "dashmap",
    "parking_lot",
];

/// Lines that name a library all the same. Each has to go; one that is gone must be taken out here.
const NAMED_ALL_THE_SAME: &[(&str, &str)] = &[
    // Two examples in comments.
    ("src/ir/print.rs", "t1 = call ::prisma.user.findUnique({where: {email: email}}) awaited"),
    ("src/model/trace.rs", "/// The handle, as a value (`prisma`, `tx`)."),
];

/// A file of the source.
struct File {
    /// Its path from the repository, with forward slashes.
    path: String,
    text: String,
}

impl File {
    /// The modules it stands in, outermost first.
    fn modules(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")).expect("a source file");
        path.split('/').filter(|name| !["mod", "lib", "main"].contains(name)).collect()
    }

    /// Whether it holds tests only.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut todo = vec![root.join("src")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let shown = path.strip_prefix(root).expect("below the repository").to_string_lossy().replace('\\', "/");
                files.push(File { path: shown, text: fs::read_to_string(&path).expect("a source is text") });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The code of a file: without comments, the contents of literals, and tests.
fn code(text: &str) -> String {
    let bare = without_comments_and_literals(text);
    let Some((code, tests)) = bare.split_once("#[cfg(test)]\nmod tests") else { return bare };
    let rest = match tests.split_once(['{', ';']) {
        Some((between, rest)) if tests[between.len()..].starts_with('{') => behind_braces(rest),
        Some((_, rest)) => rest,
        None => "",
    };
    format!("{code}{rest}")
}

/// What follows the block whose opening brace has been read.
fn behind_braces(text: &str) -> &str {
    let mut depth = 1;
    for (at, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let raw = rest.trim_start_matches(['b', 'r']).trim_start_matches('#');
        let starts_word = !code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if starts_word
            && rest.starts_with(['r', 'b'])
            && rest[1..].starts_with(['r', '#', '"'])
            && raw.starts_with('"')
        {
            let opening = &rest[..rest.len() - raw.len() + 1];
            if opening.contains('r') {
                let closing = format!("\"{}", "#".repeat(opening.matches('#').count()));
                opening.len() + raw[1..].find(&closing).map_or(0, |end| end + closing.len())
            } else {
                opening.len() - 1 + text_literal(raw)
            }
        } else if char == '"' {
            text_literal(rest)
        } else if char == '\'' {
            character_literal(rest)
        } else {
            0
        };
        if taken == 0 {
            code.push(char);
            rest = &rest[char.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[taken..];
        }
    }
    code
}

/// The length of a text literal.
fn text_literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character_literal(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, char))) => {
            text[at + char.len_utf8()..].find('\'').map_or(0, |end| at + char.len_utf8() + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// What code names of the crate: `module`, or `module::item`. `depth` is how many modules it stands in.
fn named(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let root = "crate::".to_owned();
    let above = "super::".repeat(depth);
    for start in [root, above].iter().filter(|start| !start.is_empty()) {
        for (at, _) in code.match_indices(start.as_str()) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':')) {
                found.extend(targets(&code[at + start.len()..]));
            }
        }
    }
    // Further up there is nothing: `super::super::…` of the right length was read above.
    found.retain(|name| !name.starts_with("super"));
    found
}

/// The first two names of each path that a use tree stands for.
fn targets(tree: &str) -> Vec<String> {
    let tree = tree.trim_start();
    if tree.starts_with('{') {
        return branches(tree).into_iter().flat_map(targets).collect();
    }
    let (module, rest) = word(tree);
    let Some(rest) = rest.strip_prefix("::") else { return vec![module.to_owned()] };
    let items = if rest.trim_start().starts_with('{') { branches(rest.trim_start()) } else { vec![rest] };
    items
        .into_iter()
        .map(|item| match word(item.trim_start()).0 {
            "self" => module.to_owned(),
            "" => format!("{module}::*"),
            item => format!("{module}::{item}"),
        })
        .collect()
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.split_at(end)
}

/// The parts of a group in braces.
fn branches(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 1, Vec::new());
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            parts.push(&group[start..at]);
            break;
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Whether code has this word or path, not as a part of a longer word.
fn says(code: &str, wanted: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(wanted).any(|(at, _)| {
        let behind = &code[at + wanted.len()..];
        !part(code[..at].chars().next_back()) && (wanted.ends_with(':') || !part(behind.chars().next()))
    })
}

fn allowed(module: &str) -> &'static [&'static str] {
    LAYERS.iter().find(|(name, _)| *name == module).map_or(&[], |(_, allowed)| allowed)
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let modules = file.modules();
        let Some(module) = modules.first() else { continue };
        for used in named(&code(&file.text), modules.len()) {
            let other = used.split(':').next().unwrap_or_default();
            if other != *module && !allowed(module).iter().any(|name| *name == other || *name == used) {
                wrong.push(format!("{}: `{module}` may not use `{used}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_binary_knows_the_command_line_only() {
    let files = sources();
    let main = files.iter().find(|file| file.path == "src/main.rs").expect("there is a binary");
    let code = code(&main.text);
    let paths: Vec<String> = code.split("toctou::").skip(1).map(|rest| word(rest).0.to_owned()).collect();
    assert!(!paths.is_empty() && paths.iter().all(|module| module == "cli"), "{paths:?}");
}

#[test]
fn the_table_has_every_module_and_no_cycle() {
    let files = sources();
    let modules: BTreeSet<&str> = files.iter().filter_map(|file| file.modules().first().copied()).collect();
    let table: BTreeSet<&str> = LAYERS.iter().map(|(module, _)| *module).collect();
    assert_eq!(modules, table);
    for (at, (module, allowed)) in LAYERS.iter().enumerate() {
        for used in *allowed {
            let below = LAYERS[..at].iter().any(|(below, _)| Some(*below) == used.split(':').next());
            assert!(below, "`{module}` stands above `{used}` in the table");
        }
    }
}

#[test]
fn words_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let code = code(&file.text);
        for (words, homes) in HOMES {
            if homes.iter().any(|home| file.path.starts_with(home)) {
                continue;
            }
            let strangers = words.iter().filter(|word| says(&code, word));
            wrong.extend(strangers.map(|word| format!("{}: `{word}` belongs into {}", file.path, homes.join(", "))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_library_is_named_where_none_is_known() {
    let mut wrong = Vec::new();
    let mut needed = BTreeSet::new();
    for place in NEUTRAL {
        assert!(sources().iter().any(|file| file.path.starts_with(place)), "nothing lies in {place}");
    }
    for file in sources().iter().filter(|file| NEUTRAL.iter().any(|place| file.path.starts_with(place))) {
        for (at, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let Some(library) = LIBRARIES.iter().find(|library| lower.contains(*library)) else { continue };
            match NAMED_ALL_THE_SAME.iter().position(|(path, text)| *path == file.path && line.contains(text)) {
                Some(exception) => _ = needed.insert(exception),
                None => wrong.push(format!("{}:{}: `{library}`", file.path, at + 1)),
            }
        }
    }
    for (at, (path, text)) in NAMED_ALL_THE_SAME.iter().enumerate() {
        if !needed.contains(&at) {
            wrong.push(format!("{path} no longer says `{text}`: take the exception out"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_are_read_in_every_spelling() {
    let text = "use crate::text::{LineIndex, Span};\nuse crate::{ir::{self, Unit}, sql, remedy::code as fill};\n\
                fn f<'a>(a: &'a str, c: char) { crate::link::join(a, c == '\"', \"crate::no\"); }\n\
                // crate::no\nconst RAW: &str = r#\"crate::no \"\"#;\nuse super::super::glob::*;\nuse super::near::It;\n\
                #[cfg(test)]\nmod tests {\n    use crate::no;\n    fn g() {}\n}\nuse crate::suggest;\n";
    let found = named(&code(text), 2);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    let wanted =
        ["glob::*", "ir", "ir::Unit", "link::join", "remedy::code", "sql", "suggest", "text::LineIndex", "text::Span"];
    assert_eq!(found, wanted);
}
