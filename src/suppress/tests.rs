use super::{Suppressions, apply, read};
use crate::finding::{Confidence, Finding, Label, Role, Severity};
use crate::ir::Comment;
use crate::source::Source;
use crate::text::Span;

const RULES: [&str; 5] =
    ["find-then-create", "lost-update", "weak-transaction", "unused-suppression", "unexplained-suppression"];

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("small")
}

/// The comments of a text without strings.
fn comments(text: &str) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("//").into_iter().chain(text[at..].find("/*")).min().map(|s| s + at) {
        let line = text[start..].starts_with("//");
        let end = if line { text[start..].find('\n') } else { text[start..].find("*/").map(|end| end + 2) };
        let end = end.map_or(text.len(), |end| start + end);
        let before = text[..start].rsplit('\n').next().unwrap_or("");
        let span = Span::new(offset(start), offset(end));
        found.push(Comment { span, text: text[start..end].to_owned(), own_line: before.trim().is_empty() });
        at = end;
    }
    found
}

fn finding(rule: &'static str, source: &Source, act: &str, check: Option<&str>) -> Finding {
    let at = |word: &str| {
        let start = offset(source.text.find(word).expect("the word is there"));
        Span::new(start, start + offset(word.len()))
    };
    let label = |word| Label { role: Role::Check, path: source.path.clone(), span: at(word), message: String::new() };
    Finding {
        rule,
        also: Vec::new(),
        severity: Severity::Error,
        confidence: Confidence::High,
        message: "two of it".to_owned(),
        path: source.path.clone(),
        span: at(act),
        function: "f".to_owned(),
        entity: None,
        labels: check.map(label).into_iter().collect(),
        act: String::new(),
        schedule: None,
        notes: Vec::new(),
        help: Vec::new(),
        fingerprint: String::new(),
    }
}

/// What is left of the findings, and what is said about the comments: `line:column: rule: message (help)`.
fn outcome(text: &str, findings: impl Fn(&Source) -> Vec<Finding>) -> (usize, Vec<String>) {
    let source = Source::new("a.ts", text);
    let mut files = [read(&source, &comments(text), &RULES)];
    let (kept, about) = apply(findings(&source), &mut files, |_| Some(&source), |rule, _| rule != "weak-transaction");
    let said = about.iter().map(|finding| {
        let at = source.position(finding.span.start);
        let help = &finding.help[0].title;
        format!("{}:{}: {}: {} ({help})", at.line, at.column, finding.rule, finding.message)
    });
    (kept.len(), said.collect())
}

fn silenced(text: &str) -> bool {
    let (kept, said) = outcome(text, |source| vec![finding("find-then-create", source, "create(", Some("find("))]);
    assert_eq!(said, [""; 0], "{text}");
    kept == 0
}

fn said(text: &str) -> String {
    outcome(text, |_| Vec::new()).1.join("\n")
}

#[test]
fn a_comment_speaks_for_the_line_of_the_act_or_the_check() {
    assert!(silenced("find();\n// toctou: allow(find-then-create) -- why\ncreate();\n"));
    assert!(silenced("find();\ncreate(); // toctou: allow(find-then-create) -- why\n"));
    assert!(silenced("// toctou: allow(find-then-create) -- why\nfind();\n\ncreate();\n"));
    assert!(silenced("find();\n/* toctou: allow(find-then-create) -- why */ create();\n"));
    assert!(silenced("find();\n{/* toctou: allow(find-then-create) -- why */}\ncreate();\n"));
    assert!(silenced("find();\n/**\n * Makes one.\n * toctou: allow( find-then-create )-- why\n */\ncreate();\n"));
}

#[test]
fn further_comments_may_stand_between() {
    let text = "find();\n// toctou: allow(find-then-create) -- why\n// And more.\n/* and\n   more */\n\ncreate();\n";
    assert!(silenced(text));
}

#[test]
fn a_comment_for_the_file_speaks_for_all_acts_in_it() {
    assert!(silenced("find();\n\n\ncreate();\n// toctou: allow-file(find-then-create) -- why\n"));
}

#[test]
fn a_comment_elsewhere_is_unused() {
    let text = "find();\ncreate();\n// toctou: allow(find-then-create) -- why\nlater();\n";
    let (kept, said) = outcome(text, |source| vec![finding("find-then-create", source, "create(", Some("find("))]);
    assert_eq!(kept, 1);
    insta::assert_snapshot!(said.join("\n"), @"3:18: unused-suppression: `find-then-create` is allowed here, and there is no such finding (remove the comment, or move it to the line of the check or the act)");
}

#[test]
fn of_several_rules_each_is_judged() {
    let text = "// toctou: allow(lost-update, weak-transaction,find-then-create) -- why\ncreate();\n";
    let (kept, said) = outcome(text, |source| vec![finding("find-then-create", source, "create(", None)]);
    assert_eq!(kept, 0);
    insta::assert_snapshot!(said.join("\n"), @"1:18: unused-suppression: `lost-update` is allowed here, and there is no such finding (remove the comment, or move it to the line of the check or the act)");
}

#[test]
fn a_finding_is_allowed_by_any_of_its_names() {
    let text = "// toctou: allow(find-then-create) -- why\ncreate();\n";
    let (kept, said) = outcome(text, |source| {
        let mut weak = finding("weak-transaction", source, "create(", None);
        weak.also = vec!["find-then-create"];
        vec![weak]
    });
    assert_eq!((kept, said.len()), (0, 0));
}

#[test]
fn a_missing_reason_is_said_and_the_comment_works() {
    for reason in ["", " admins only", " --", " -- !"] {
        let text = format!("// toctou: allow(find-then-create){reason}\ncreate();\n");
        let (kept, said) = outcome(&text, |source| vec![finding("find-then-create", source, "create(", None)]);
        assert_eq!(kept, 0, "{text}");
        assert_eq!(said.len(), 1, "{text}");
        assert!(said[0].contains("unexplained-suppression: this comment allows a finding and gives no reason"));
    }
}

#[test]
fn what_is_not_understood_allows_nothing() {
    let text = "\
// toctou: allow(find-than-create) -- why
// toctou: allow(double-spend, all) -- why
// toctou: allow -- why
// toctou: allow() -- why
// toctou: ignore(find-then-create)
// TOCTOU: allow(find-then-create) -- why
// toctou: allow(unused-suppression) -- why
// toctou: disable-next-line find-then-create
x();
";
    insta::assert_snapshot!(said(text));
    let (kept, _) = outcome(text, |source| vec![finding("find-then-create", source, "x()", None)]);
    assert_eq!(kept, 1);
}

#[test]
fn prose_about_races_is_left_alone() {
    assert_eq!(
        said("// TOCTOU: somebody may come between\n// toctou: see the wiki\n// a toctou: allow() of sorts\n"),
        ""
    );
}

#[test]
fn a_file_without_such_comments_has_none() {
    let source = Source::new("a.ts", "// hello\n");
    assert!(read(&source, &comments(&source.text), &RULES).is_empty());
    assert!(Suppressions::default().is_empty());
}
