//! Transcripts of the command line: the built program, run in folders of their own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A project with these files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(file, text).expect("a file");
    }
    dir
}

fn output(here: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toctou"));
    command.args(arguments).current_dir(here);
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.output().expect("the program runs")
}

/// What a run says: exit code, standard output, standard error.
fn run(here: &Path, arguments: &[&str]) -> String {
    let output = output(here, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*here.to_string_lossy(), "[here]");
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    let mut said = format!("exit: {code}\n");
    for (name, bytes) in [("out", &output.stdout), ("err", &output.stderr)] {
        for line in text(bytes).lines() {
            said.push_str(&format!("{name}: {line}\n"));
        }
    }
    said
}

#[test]
fn a_project_without_races_is_clean() {
    let dir = project(&[("toctou.toml", ""), ("src/a.ts", "export const a = 1;\n"), ("src/b.js", "")]);
    insta::assert_snapshot!(run(dir.path(), &["check"]), @r"
    exit: 0
    out: no findings in 2 files
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--quiet"]), @"exit: 0");
    insta::assert_snapshot!(run(&dir.path().join("src"), &["check", "a.ts"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--format", "concise"]), @"exit: 0");
}

#[test]
fn a_verdict_by_documentation_says_so() {
    let tour = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tour");
    let said = |engine: &str| {
        let text = run(&tour, &["check", "--engine", engine, "--format", "json"]);
        text.matches(&format!("{engine} is judged by the rules of postgresql, by documentation: https://")).count()
    };
    assert_eq!(said("postgresql"), 0);
    for engine in ["cockroachdb", "sqlserver", "mongodb"] {
        assert!(said(engine) > 0, "{engine}");
    }
}

#[test]
fn a_missing_path_is_a_fault() {
    let dir = project(&[("toctou.toml", "")]);
    insta::assert_snapshot!(run(dir.path(), &["check", "src", "other.ts"]), @r"
    exit: 2
    err: error: `src`: no such file or folder
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--config", "other.toml"]), @r"
    exit: 2
    err: error: `other.toml`: no such file or folder
    ");
}

#[test]
fn filters_that_leave_nothing_are_told() {
    let dir = project(&[
        ("toctou.toml", "exclude = [\"legacy\"]\n"),
        ("legacy/a.ts", ""),
        ("src/a.test.ts", ""),
        ("src/b.ts", ""),
        ("src/client.ts", "// @generated\n"),
        ("dist/a.js", ""),
        ("docs/a.md", ""),
    ]);
    insta::assert_snapshot!(
        run(dir.path(), &["check", "legacy/a.ts", "src/a.test.ts", "src/client.ts", "dist/a.js", "docs", "docs/a.md"]),
        @r"
    exit: 0
    out: no findings in 0 files
    err: note: `dist/a.js` is left out: it lies in a folder of dependencies or build output
    err: note: `docs/a.md` is left out: it is no TypeScript, JavaScript or Rust file
    err: note: `legacy/a.ts` is left out: `exclude` in the configuration matches it
    err: note: `src/a.test.ts` is left out: tests, seeds and migrations run alone (--include-tests brings them in)
    err: note: `src/client.ts` is left out: it is generated
    err: note: no file matched `docs`
    "
    );
    insta::assert_snapshot!(run(dir.path(), &["check", "--include-tests", "src/a.test.ts"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
    let empty = project(&[]);
    insta::assert_snapshot!(run(empty.path(), &["check"]), @r"
    exit: 0
    out: no findings in 0 files
    err: note: no file matched `.`
    ");
}

#[test]
fn what_cannot_be_read_is_a_problem() {
    let dir = project(&[("toctou.toml", ""), ("a.ts", ""), ("prisma/schema.prisma", "")]);
    fs::write(dir.path().join("bad.ts"), b"const a = '\xff';\n").expect("a file");
    fs::write(dir.path().join("large.ts"), vec![b' '; 4 * 1024 * 1024 + 1]).expect("a file");
    fs::write(dir.path().join("prisma/bad.prisma"), b"\xff").expect("a file");
    insta::assert_snapshot!(run(dir.path(), &["check"]), @r"
    exit: 0
    out: problem: bad.ts: not valid UTF-8 (at byte 11), so it was not read
    out: problem: large.ts: larger than 4 MiB (5 MiB), so it was not read
    out: problem: prisma/bad.prisma: not valid UTF-8 (at byte 0), so it was not read
    out: 
    out: no findings in 1 file; 3 files not analysed
    ");
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_a_problem() {
    use std::os::unix::fs::PermissionsExt;

    let dir = project(&[("toctou.toml", ""), ("a.ts", ""), ("secret.ts", ""), ("closed/b.ts", "")]);
    let forbid = |path: &str, mode| {
        fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(mode)).expect("permissions");
    };
    forbid("secret.ts", 0o000);
    forbid("closed", 0o000);
    let readable = fs::read(dir.path().join("secret.ts")).is_ok();
    let said = run(dir.path(), &["check"]);
    forbid("closed", 0o755);
    // Somebody who may read everything has no such problem.
    if !readable {
        insta::assert_snapshot!(said, @r"
        exit: 0
        out: problem: closed: cannot be read: permission denied
        out: problem: secret.ts: cannot be read: permission denied
        out: 
        out: no findings in 1 file; 2 files not analysed
        ");
    }
}

#[cfg(unix)]
#[test]
fn link_loops_are_harmless() {
    use std::os::unix::fs::symlink;

    let dir = project(&[("toctou.toml", ""), ("src/a.ts", "")]);
    symlink(dir.path(), dir.path().join("src/loop")).expect("a link");
    symlink("nowhere.ts", dir.path().join("src/broken.ts")).expect("a link");
    symlink("a.ts", dir.path().join("src/same.ts")).expect("a link");
    insta::assert_snapshot!(run(dir.path(), &["check"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "src/broken.ts"]), @r"
    exit: 2
    err: error: `src/broken.ts`: no such file or folder
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "src/same.ts"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
}

#[test]
fn ignore_files_hold_without_a_repository() {
    let dir = project(&[
        ("toctou.toml", ""),
        (".gitignore", "ignored.ts\n"),
        ("ignored.ts", ""),
        (".hidden/a.ts", ""),
        ("a.ts", ""),
    ]);
    insta::assert_snapshot!(run(dir.path(), &["check"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "ignored.ts", ".hidden"]), @r"
    exit: 0
    out: no findings in 2 files
    ");
}

#[test]
fn faults_in_the_settings_are_pointed_at() {
    let dir =
        project(&[("toctou.toml", "[rules]\nlost-updates = \"error\"\n"), ("src/a.ts", ""), ("other.toml", "=\n")]);
    insta::assert_snapshot!(run(&dir.path().join("src"), &["check"]), @r#"
    exit: 2
    err: error: ../toctou.toml:2:1: unknown rule `lost-updates`
    err:   |
    err: 2 | lost-updates = "error"
    err:   | ^^^^^^^^^^^^ did you mean `lost-update`?
    "#);
    insta::assert_snapshot!(run(dir.path(), &["check", "--config", "other.toml"]), @r"
    exit: 2
    err: error: other.toml:1:1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
    err:   |
    err: 1 | =
    err:   | ^
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--no-config"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--no-config", "--select", "lost-updates"]), @r"
    exit: 2
    err: error: --select: unknown rule `lost-updates` (did you mean `lost-update`?)
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "--no-config", "--isolation", "strong"]), @r"
    exit: 2
    err: error: --isolation: unknown isolation level `strong` (known: read uncommitted, read committed, repeatable read, snapshot, serializable, deferred, immediate)
    ");
}

#[test]
fn the_report_goes_to_a_file() {
    let dir = project(&[("toctou.toml", ""), ("a.ts", "")]);
    insta::assert_snapshot!(run(dir.path(), &["check", "--output-file", "report.txt", "--color", "always"]), @"exit: 0");
    let report = fs::read_to_string(dir.path().join("report.txt")).expect("the report");
    assert_eq!(report, "no findings in 1 file\n");
    insta::assert_snapshot!(run(dir.path(), &["check", "-o", "none/report.txt"]), @r"
    exit: 2
    err: error: cannot write `none/report.txt`: no such file or directory
    ");
}

#[test]
fn json_is_told_in_full() {
    let dir = project(&[("toctou.toml", ""), ("a.ts", "")]);
    let said = run(dir.path(), &["check", "--format", "json"]);
    insta::assert_snapshot!(said.replace(env!("CARGO_PKG_VERSION"), "[version]"), @r#"
    exit: 0
    out: {
    out:   "version": 1,
    out:   "tool": {
    out:     "name": "toctou",
    out:     "version": "[version]"
    out:   },
    out:   "findings": [],
    out:   "problems": [],
    out:   "stats": {
    out:     "files": 1,
    out:     "project_files": 1,
    out:     "parsed": 0,
    out:     "not_analysed": 0,
    out:     "windows": 0,
    out:     "findings": 0,
    out:     "suppressed": 0
    out:   }
    out: }
    "#);
}

#[test]
fn verbose_tells_project_and_settings() {
    let dir = project(&[("toctou.toml", ""), ("src/a.ts", "")]);
    let root = dir.path().canonicalize().expect("a path");
    let output = output(&root.join("src"), &["check", "--verbose"]);
    let err = String::from_utf8_lossy(&output.stderr).replace(&*root.to_string_lossy(), "[root]");
    assert_eq!(err, "project: [root]\nsettings: ../toctou.toml\n");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 file read, 0 parsed, 0 windows judged in "));
}

#[test]
fn projects_are_checked_one_at_a_time() {
    let dir = project(&[("one/toctou.toml", ""), ("one/a.ts", ""), ("two/a.ts", "")]);
    insta::assert_snapshot!(run(dir.path(), &["check", "one", "two"]), @r"
    exit: 2
    err: error: `two` lies outside of the project at `[here]/one`; check each project in a run of its own
    ");
    insta::assert_snapshot!(run(dir.path(), &["check", "one"]), @r"
    exit: 0
    out: no findings in 1 file
    ");
}

#[test]
fn rules_are_listed_and_explained() {
    let dir = project(&[]);
    let list = run(dir.path(), &["rules"]);
    assert!(list.contains("out: lost-update               default  a value is read, computed with,"), "{list}");
    assert!(run(dir.path(), &["rules", "--format", "json"]).contains("\"name\": \"lost-update\""));
    assert!(run(dir.path(), &["explain", "lost-update"]).starts_with("exit: 0\nout: # lost-update\n"));
    insta::assert_snapshot!(run(dir.path(), &["explain", "lost-updates"]), @r"
    exit: 2
    err: error: there is no rule `lost-updates`; did you mean `lost-update`?
    ");
    insta::assert_snapshot!(run(dir.path(), &["explain", "double-spend"]), @r"
    exit: 2
    err: error: there is no rule `double-spend`; `toctou rules` lists them
    ");
}

#[test]
fn usage_faults_exit_with_two() {
    let dir = project(&[]);
    assert_eq!(output(dir.path(), &[]).status.code(), Some(2));
    assert_eq!(output(dir.path(), &["check", "--fromat", "json"]).status.code(), Some(2));
    assert_eq!(output(dir.path(), &["--version"]).status.code(), Some(0));
    insta::assert_snapshot!(run(dir.path(), &["check", "--help"]));
}
