use super::{Config, FailOn, Flags, KnownRule, State};
use crate::finding::{Confidence, Severity};

const RULES: [KnownRule; 4] = [
    KnownRule { name: "find-then-create", strict: false },
    KnownRule { name: "lost-update", strict: false },
    KnownRule { name: "weak-transaction", strict: false },
    KnownRule { name: "split-write", strict: true },
];

fn read(text: &str) -> Config {
    Config::resolve(Some(("toctou.toml", text)), &Flags::default(), &RULES).expect("a good file")
}

fn fault(text: &str) -> String {
    let error = Config::resolve(Some(("toctou.toml", text)), &Flags::default(), &RULES).expect_err("a fault");
    error.to_string()
}

#[test]
fn every_key_is_read() {
    let config = read(
        r#"
select = ["all"]
ignore = ["lost-update"]
min-confidence = "high"
fail-on = "never"
include = ["src/**"]
exclude = ["legacy"]
include-tests = true
engine = "postgres"
isolation = "RepeatableRead"
clients = ["db", "this.database"]
libraries = ["./x.toml"]
allow-inline-ignores = false

[rules]
find-then-create = "info"

[[overrides]]
paths = ["src/billing/**"]
rules = { lost-update = "error", split-write = "off" }
engine = "mysql"
"#,
    );
    assert_eq!(config.state("find-then-create", "a.ts"), State::On(Some(Severity::Info)));
    assert_eq!(config.state("split-write", "a.ts"), State::On(None));
    assert_eq!(config.state("split-write", "src/billing/a.ts"), State::Off);
    assert_eq!(config.state("lost-update", "src/billing/a.ts"), State::Off, "`ignore` wins");
    assert_eq!(config.min_confidence, Confidence::High);
    assert_eq!(config.fail_on, FailOn::Never);
    assert!(config.include.matches("src/a.ts") && config.exclude.matches("x/legacy/a.ts"));
    assert!(config.include_tests);
    assert_eq!(config.engine_of("a.ts"), Some("postgresql"));
    assert_eq!(config.engine_of("src/billing/a.ts"), Some("mysql"));
    assert_eq!(config.isolation.as_deref(), Some("repeatable read"));
    assert_eq!(config.clients, ["db", "this.database"]);
    assert_eq!(config.libraries, ["./x.toml"]);
    assert!(!config.allow_inline_ignores);
}

#[test]
fn flags_override_the_file() {
    let text = "ignore = [\"lost-update\"]\nfail-on = \"error\"\n[rules]\nlost-update = \"info\"\n";
    let flags = Flags {
        select: vec!["lost-update".to_owned(), "strict".to_owned()],
        ignore: vec!["split-write".to_owned()],
        fail_on: Some(FailOn::At(Severity::Info)),
        isolation: Some("serializable".to_owned()),
        ..Flags::default()
    };
    let config = Config::resolve(Some(("toctou.toml", text)), &flags, &RULES).expect("a good file");
    assert_eq!(config.state("lost-update", "a.ts"), State::On(Some(Severity::Info)));
    assert_eq!(config.state("find-then-create", "a.ts"), State::Unselected);
    assert_eq!(config.state("split-write", "a.ts"), State::Off);
    assert_eq!(config.fail_on, FailOn::At(Severity::Info));
    assert_eq!(config.isolation.as_deref(), Some("serializable"));
}

#[test]
fn a_level_brings_in_a_strict_rule() {
    assert_eq!(read("").state("split-write", "a.ts"), State::Unselected);
    let config = read("[rules]\nsplit-write = \"error\"\nlost-update = \"off\"\n");
    assert_eq!(config.state("split-write", "a.ts"), State::On(Some(Severity::Error)));
    assert_eq!(config.state("lost-update", "a.ts"), State::Off);
}

#[test]
fn faults_point_into_the_file() {
    insta::assert_snapshot!(fault("fail-on = \"error\"\nselct = [\"all\"]\n"), @r#"
    toctou.toml:2:1: unknown key `selct`
      |
    2 | selct = ["all"]
      | ^^^^^ did you mean `select`?
    "#);
    insta::assert_snapshot!(fault("select = [\"all\", \"find-than-create\"]\n"), @r#"
    toctou.toml:1:18: unknown rule `find-than-create`
      |
    1 | select = ["all", "find-than-create"]
      |                  ^^^^^^^^^^^^^^^^^^ did you mean `find-then-create`?
    "#);
    insta::assert_snapshot!(fault("[rules]\nlost-updte = \"off\"\n"), @r#"
    toctou.toml:2:1: unknown rule `lost-updte`
      |
    2 | lost-updte = "off"
      | ^^^^^^^^^^ did you mean `lost-update`?
    "#);
    insta::assert_snapshot!(fault("[rules]\nlost-update = \"warn\"\n"), @r#"
    toctou.toml:2:15: unknown level `warn`
      |
    2 | lost-update = "warn"
      |               ^^^^^^ known: off, info, warning, error
    "#);
    insta::assert_snapshot!(fault("[[overrides]]\npaths = [\"é\", \"a[\"]\n"), @r#"
    toctou.toml:2:15: this is no glob: unclosed character class; missing ']'
      |
    2 | paths = ["é", "a["]
      |               ^^^^
    "#);
    insta::assert_snapshot!(fault("include-tests = 3\n"), @r"
    toctou.toml:1:17: invalid type: integer `3`, expected a boolean
      |
    1 | include-tests = 3
      |                 ^
    ");
    insta::assert_snapshot!(fault("include = [\n"), @r"
    toctou.toml:1:12: unclosed array, expected `]`
      |
    1 | include = [
      |            ^
    ");
    insta::assert_snapshot!(fault("[[overrides]]\nrules = {}\n"), @r"
    toctou.toml:1:1: missing field `paths`
      |
    1 | [[overrides]]
      | ^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(fault("engine = \"oracle\"\n"), @r#"
    toctou.toml:1:10: unknown engine `oracle`
      |
    1 | engine = "oracle"
      |          ^^^^^^^^ known: postgresql, mysql, mariadb, sqlite, cockroachdb, sqlserver, mongodb
    "#);
}

#[test]
fn a_fault_in_a_flag_names_the_flag() {
    let flags = Flags { select: vec!["double-spend".to_owned()], ..Flags::default() };
    let error = Config::resolve(None, &flags, &RULES).expect_err("a fault");
    insta::assert_snapshot!(error, @"--select: unknown rule `double-spend` (known: find-then-create, lost-update, weak-transaction, split-write, all, default, strict)");
}
