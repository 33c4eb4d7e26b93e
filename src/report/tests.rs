use super::{Format, Report, Style};
use crate::finding::{
    Anomaly, Confidence, Finding, Help, Label, Problem, Role, Schedule, ScheduleStep, Severity, Stats,
};
use crate::source::{Paths, Source, Sources};
use crate::text::Span;

const SIGNUP: &str = "\
export async function signUp(email: string) {
  const user = await prisma.user.findUnique({ where: { email } });
  if (user) return user;
  return prisma.user.create({
    data: { email },
  });
}
";

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("small")
}

fn at(text: &str, words: &str) -> Span {
    let start = offset(text.find(words).expect("the words are there"));
    Span::new(start, start + offset(words.len()))
}

fn label(role: Role, path: &str, span: Span, message: &str) -> Label {
    Label { role, path: path.to_owned(), span, message: message.to_owned() }
}

fn step(session: char, path: &str, span: Span, op: &str, outcome: &str) -> ScheduleStep {
    ScheduleStep { session, path: Some(path.to_owned()), span, op: op.to_owned(), outcome: outcome.to_owned() }
}

/// The finding of the first example, with check and act at the given places.
fn finding(path: &str, act: Span, check_path: &str, check: Span) -> Finding {
    Finding {
        rule: "find-then-create",
        also: Vec::new(),
        severity: Severity::Warning,
        confidence: Confidence::Medium,
        message: "two requests can both find no `User` and both create one".to_owned(),
        path: path.to_owned(),
        span: act,
        function: "signUp".to_owned(),
        entity: Some("User".to_owned()),
        labels: vec![label(Role::Check, check_path, check, "A and B both look here and find nothing")],
        act: "both get here".to_owned(),
        schedule: Some(Schedule {
            engine: "postgresql".to_owned(),
            isolation: None,
            assumed: true,
            anomaly: Anomaly::UnhandledViolation,
            steps: vec![
                step('A', check_path, check, "findUnique User{email}", "none"),
                step('B', check_path, check, "findUnique User{email}", "none"),
                step('A', path, act, "create User{email}", "ok"),
                step(
                    'B',
                    path,
                    act,
                    "create User{email}",
                    "unique violation (P2002), nobody handles it, and the request ends with an error",
                ),
            ],
            ending: None,
        }),
        notes: vec!["`email` is unique (`@unique` in prisma/schema.prisma), so the second row is refused".to_owned()],
        help: vec![Help {
            title: "one statement decides: an upsert. `email` is unique, and the upsert is native in this form"
                .to_owned(),
            code: Some("prisma.user.upsert({\n  where: { email },\n  update: {},\n  create: { email },\n})".to_owned()),
        }],
        fingerprint: "0011223344556677".to_owned(),
    }
}

fn simple() -> Finding {
    finding(
        "src/auth/signup.ts",
        at(SIGNUP, "prisma.user.create({\n    data: { email },\n  })"),
        "src/auth/signup.ts",
        at(SIGNUP, "prisma.user.findUnique({ where: { email } })"),
    )
}

fn report<'a>(findings: Vec<Finding>, sources: &'a Sources, beside: &'a Sources) -> Report<'a> {
    Report {
        findings,
        problems: Vec::new(),
        stats: Stats { files: 2, ..Stats::default() },
        sources,
        beside,
        paths: Paths::default(),
    }
}

fn rendered(report: &Report<'_>, format: Format, style: Style) -> String {
    let mut out = Vec::new();
    report.write(format, style, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("text")
}

fn human(findings: Vec<Finding>, sources: Vec<Source>) -> String {
    let text = wide(findings, sources);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    text
}

fn wide(findings: Vec<Finding>, sources: Vec<Source>) -> String {
    let style = Style { columns: Some(80), ..Style::default() };
    let sources = Sources::new(sources);
    let text = rendered(&report(findings, &sources, &Sources::default()), Format::Human, style);
    assert!(!text.contains('\u{1b}'), "colour");
    text
}

#[test]
fn human_draws_check_act_schedule_and_help() {
    insta::assert_snapshot!(human(vec![simple()], vec![Source::new("src/auth/signup.ts", SIGNUP)]));
}

#[test]
fn human_with_colour_and_line_characters() {
    let sources = Sources::new(vec![Source::new("src/auth/signup.ts", SIGNUP)]);
    let schema = Sources::default();
    let report = report(vec![simple()], &sources, &schema);
    let unicode = Style { unicode: true, ..Style::default() };
    insta::assert_snapshot!("human_unicode", rendered(&report, Format::Human, unicode));
    let color = Style { color: true, unicode: true, ..Style::default() };
    let text = rendered(&report, Format::Human, color);
    assert!(text.contains("\u{1b}[36mschedule\u{1b}[0m"));
}

#[test]
fn check_and_act_far_apart_are_two_short_blocks() {
    let text = format!("{}{}{SIGNUP}", SIGNUP.replace("create", "update"), "// filler\n".repeat(300));
    let act = Span::new(offset(text.rfind("prisma.user.create").expect("there")), offset(text.len() - 3));
    let found = finding("a.ts", act, "a.ts", at(&text, "prisma.user.findUnique({ where: { email } })"));
    let shown = human(vec![found], vec![Source::new("a.ts", text)]);
    assert!(shown.lines().count() < 40, "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn other_files_are_blocks_of_their_own() {
    let repository = "export const find = (email: string) =>\n  prisma.user.findUnique({ where: { email } });\n";
    let mut found = simple();
    found.labels = vec![
        label(Role::Check, "src/repository.ts", at(repository, "prisma.user.findUnique({ where: { email } })"), "look"),
        label(Role::Call, "src/auth/signup.ts", at(SIGNUP, "prisma.user.findUnique("), "through this call"),
        label(Role::Check, "src/gone.ts", Span::new(5, 9), "in a file that is not known"),
    ];
    let sources = vec![Source::new("src/auth/signup.ts", SIGNUP), Source::new("src/repository.ts", repository)];
    insta::assert_snapshot!(human(vec![found], sources));
}

#[test]
fn overlapping_places_and_long_lines_stay_readable() {
    let text = format!(
        "const names = {{ {} }}; await prisma.$transaction(async (tx) => {{ if (!(await tx.user.findUnique({{ where }}))) \
         await tx.user.create({{ data: {{ name: \"{}\" }} }}) }});\n\tx\u{1b}[31m;\n",
        "é: 1, ".repeat(40),
        "x".repeat(300)
    );
    let mut found =
        finding("a.ts", at(&text, "tx.user.create({ data"), "a.ts", at(&text, "tx.user.findUnique({ where })"));
    let whole = at(&text, "prisma.$transaction(async (tx) => {");
    found.labels.push(label(
        Role::Transaction,
        "a.ts",
        Span::new(whole.start, offset(text.len() - 2)),
        "the transaction",
    ));
    insta::assert_snapshot!(wide(vec![found], vec![Source::new("a.ts", text)]));
}

#[test]
fn a_finding_in_an_unknown_file_keeps_its_words() {
    let mut found = simple();
    found.labels.clear();
    found.schedule = None;
    found.help.clear();
    insta::assert_snapshot!(human(vec![found], Vec::new()));
}

#[test]
fn problems_and_the_summary_come_last() {
    let sources = Sources::new(vec![Source::new("b.ts", "x\ny(\n")]);
    let schema = Sources::default();
    let mut report = report(vec![simple()], &sources, &schema);
    report.findings[0].severity = Severity::Error;
    report.stats.not_analysed = 1;
    report.stats.suppressed = 3;
    report.problems = vec![
        Problem { path: "a.ts".to_owned(), span: None, message: "is not valid UTF-8, so it was not read".to_owned() },
        Problem { path: "b.ts".to_owned(), span: Some(Span::new(3, 4)), message: "this is not understood".to_owned() },
    ];
    let human = rendered(&report, Format::Human, Style::default());
    let tail: Vec<&str> = human.lines().rev().take(4).collect();
    insta::assert_snapshot!(tail.into_iter().rev().collect::<Vec<_>>().join("\n"), @r"
    problem: a.ts: is not valid UTF-8, so it was not read
    problem: b.ts:2:2: this is not understood

    1 finding (1 error) in 2 files; 3 allowed by comments; 1 file not analysed
    ");
    insta::assert_snapshot!(rendered(&report, Format::Concise, Style::default()), @r"
    src/auth/signup.ts: error[find-then-create] two requests can both find no `User` and both create one
    a.ts: problem: is not valid UTF-8, so it was not read
    b.ts:2:2: problem: this is not understood
    ");
    let quiet = Style { quiet: true, ..Style::default() };
    assert!(!rendered(&report, Format::Human, quiet).contains("problem"));
}

#[test]
fn json_counts_lines_from_one_columns_in_characters_and_offsets_in_bytes() {
    let text = SIGNUP.replace("const user", "/* é😀 */ const user");
    let source = Source::new("src/auth/signup.ts", format!("\u{feff}{text}"));
    let found = finding(
        "src/auth/signup.ts",
        at(&text, "prisma.user.create({\n    data: { email },\n  })"),
        "src/auth/signup.ts",
        at(&text, "prisma.user.findUnique({ where: { email } })"),
    );
    let sources = Sources::new(vec![source]);
    let schema = Sources::default();
    let mut report = report(vec![found], &sources, &schema);
    report.problems = vec![Problem { path: "a.ts".to_owned(), span: None, message: "is not valid UTF-8".to_owned() }];
    let json = rendered(&report, Format::Json, Style::default());
    assert_eq!(json, rendered(&report, Format::Json, Style::default()));
    let json = json.replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(json);
}

#[test]
fn concise_is_one_line_each() {
    let mut found = simple();
    found.message = "two\nlines".to_owned();
    let sources = Sources::new(vec![Source::new("src/auth/signup.ts", SIGNUP)]);
    let schema = Sources::default();
    let text = rendered(&report(vec![found], &sources, &schema), Format::Concise, Style::default());
    assert_eq!(text, "src/auth/signup.ts:4:10: warning[find-then-create] two lines\n");
}
