//! Broken, huge and deeply nested sources.

use super::lower;
use crate::frontend::STACK;
use crate::ir::{Language, Step, Unit};

const SAMPLE: &str = include_str!("sample.rs.txt");

/// Lowers on a stack of the size that worker threads have.
fn lower_deep(text: String) -> Unit {
    let work = move || lower("a.rs", &text);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread starts");
    thread.join().expect("lowering does not panic")
}

fn calls(unit: &Unit) -> usize {
    let steps = unit.functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps);
    steps.filter(|step| matches!(step, Step::Call(_))).count()
}

#[test]
fn a_file_cut_off_anywhere_is_lowered_or_a_problem() {
    let whole = lower("a.rs", SAMPLE);
    assert!(whole.problems.is_empty() && calls(&whole) > 20, "{:?}", whole.problems);
    for (at, _) in SAMPLE.char_indices() {
        let cut = &SAMPLE[..at];
        let unit = lower("a.rs", cut);
        assert_eq!(unit.language, Language::Rust);
        assert!(unit.problems.len() == 1 || !unit.functions.is_empty());
        assert!(unit.problems.iter().all(|problem| problem.span.end as usize <= cut.len()), "{at}");
    }
}

#[test]
fn a_block_with_a_handler_ends_with_its_only_call() {
    let unit = lower("a.rs", SAMPLE);
    let mut handled = 0;
    for block in unit.functions.iter().flat_map(|func| &func.blocks).filter(|block| block.handler.is_some()) {
        let calls = block.steps.iter().filter(|step| matches!(step, Step::Call(_))).count();
        assert!(calls == 0 || calls == 1 && matches!(block.steps.last(), Some(Step::Call(_))));
        handled += 1;
    }
    assert!(handled > 0);
}

#[test]
fn a_broken_file_is_a_problem_with_its_place() {
    let unit = lower("a.rs", "fn f() {}\nfn g( { }\n");
    assert!(unit.functions.is_empty());
    assert_eq!(unit.problems.len(), 1);
    assert!(unit.problems[0].message.contains("could not be read as Rust"));
    assert!(unit.problems[0].span.start >= 10, "{:?}", unit.problems);
}

#[test]
fn an_empty_file_has_a_module_body() {
    for source in ["", "\n", "// nothing", "#!/usr/bin/env run\n", "#![allow(dead_code)]\n"] {
        let unit = lower("a.rs", source);
        assert_eq!(unit.functions.len(), 1, "{source}");
        assert!(unit.problems.is_empty(), "{:?}", unit.problems);
    }
}

#[test]
fn what_nests_deeply_is_a_problem() {
    let inside = |open: &str, inner: &str, close: &str, times: usize| {
        format!("fn f() {{ let x = {}{inner}{}; }}", open.repeat(times), close.repeat(times))
    };
    let sources = [
        inside("(", "1", ")", 10_000),
        inside("[", "1", "]", 400),
        inside("!", "a", "", 30_000),
        inside("!", "a", "", 5_000),
        inside("&", "a", "", 5_000),
        inside("|| ", "a", "", 5_000),
        inside("", "a", ".b()", 10_000),
        inside("", "a", ".b()", 3_000),
        inside("if a {} else ", "if b {}", "", 3_000),
        inside("m!(", "1", ")", 450),
        format!("fn f(a: {}u8) {{}}", "&".repeat(5_000)),
    ];
    for source in sources {
        let start = source[..40].to_owned();
        let unit = lower_deep(source);
        let told = |word: &str| unit.problems.iter().any(|problem| problem.message.contains(word));
        assert!(told("too deeply") || unit.problems.is_empty(), "{start}: {:?}", unit.problems);
    }
}

#[test]
fn long_rows_are_no_problem() {
    let many = |one: &str| format!("fn f() {{ {} }}", one.repeat(20_000));
    for source in [many("a();"), many("if a { b() }"), format!("fn f() {{ let x = [{}]; }}", "1, ".repeat(50_000))] {
        let unit = lower_deep(source);
        assert!(unit.problems.is_empty(), "{:?}", unit.problems);
    }
    let sum = format!("fn f() {{ let x = {}; }}", vec!["a"; 5_000].join(" + "));
    assert!(lower_deep(sum).functions.len() == 2);
}

#[test]
fn a_file_that_is_too_large_is_a_problem() {
    let unit = lower("a.rs", &"// comment\n".repeat(300_000));
    assert!(unit.problems[0].message.contains("too large"));
}

#[test]
fn macros_that_never_end_are_given_up() {
    let unit = lower("a.rs", "macro_rules! m { ($($x:tt)*) => { m!(a $($x)* b $($x)*) }; } fn f() { m!(c); g(); }");
    assert_eq!(calls(&unit), 2);
}

#[test]
fn places_are_those_of_the_file() {
    let source = "#!/bin/run\nfn é() { é_ü(1); }\n// toctou: here\n";
    let unit = lower("a.rs", source);
    let steps = unit.functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps);
    let call = steps.into_iter().find_map(|step| match step {
        Step::Call(call) => Some(call.span.slice(source)),
        _ => None,
    });
    assert_eq!(call, Some("é_ü(1)"));
    assert_eq!(unit.comments.len(), 2 - 1);
    assert_eq!(unit.comments[0].text, "toctou: here");
}
