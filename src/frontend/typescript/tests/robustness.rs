//! Broken, huge and deeply nested sources.

use crate::frontend::typescript::lower;
use crate::ir::{ExprKind, Step, Unit};
use crate::text::Span;

/// Lowers on a stack of the size that worker threads have.
fn lower_deep(text: String) -> Unit {
    let work = move || lower("deep.ts", &text);
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(work).expect("a thread starts");
    thread.join().expect("lowering does not panic")
}

fn names(unit: &Unit) -> Vec<&str> {
    unit.functions.iter().map(|func| func.name.as_str()).collect()
}

fn calls(unit: &Unit) -> Vec<Span> {
    let steps = unit.functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps);
    steps
        .filter_map(|step| match step {
            Step::Call(call) => Some(call.span),
            _ => None,
        })
        .collect()
}

#[test]
fn one_broken_function_does_not_hide_the_others() {
    let source = "function a() { one(); }\nfunction b() { const = ; }\nfunction c() { await prisma.user. }\nfunction d() { two(); }";
    let unit = lower("a.ts", source);
    assert_eq!(names(&unit), ["", "a", "b", "c", "d"]);
    assert!(calls(&unit).iter().any(|span| span.slice(source) == "two()"));
    assert!(!unit.problems.is_empty() && unit.problems.len() <= 3);
    assert!(unit.problems.iter().all(|problem| problem.message.contains("could not be read")));
}

#[test]
fn an_unclosed_function_does_not_hide_what_precedes_it() {
    let source = "export function a() { one(); }\nclass A { m() { two(); } }\nfunction b() { if (x) {";
    let unit = lower("a.ts", source);
    let found: Vec<&str> = calls(&unit).iter().map(|span| span.slice(source)).collect();
    assert_eq!(found, ["one()", "two()"]);
    assert_eq!(unit.problems.len(), 1);
}

#[test]
fn a_file_of_noise_reports_a_few_problems_only() {
    let unit = lower("a.ts", &"let 5 = }; function (\n".repeat(50));
    assert!(!unit.problems.is_empty() && unit.problems.len() <= 3);
}

#[test]
fn an_empty_file_has_a_module_body() {
    for source in ["", "\n", "// nothing", "#!/usr/bin/env node\n", "\u{feff}x();"] {
        let unit = lower("a.ts", source);
        assert_eq!(unit.functions.len(), 1);
        assert_eq!(unit.functions[0].blocks.len(), 1);
        assert!(unit.problems.is_empty(), "{:?}", unit.problems);
    }
}

#[test]
fn bare_ampersands_among_the_words_of_an_element_are_no_problem() {
    let unit = lower("a.tsx", "const a = <a href=\"/?a=1&b=2\">Terms & conditions {f()}</a>;");
    assert!(unit.problems.is_empty(), "{:?}", unit.problems);
    assert_eq!(calls(&unit).len(), 1);
}

#[test]
fn newer_marks_on_types_are_no_problem() {
    let sources = [
        "interface A<in out T, out U> { a: T }\nf();",
        "export type * from \"./a\";\nf();",
        "let a: import(\"./a\").A[] = [];\nf();",
    ];
    for source in sources {
        let unit = lower("a.ts", source);
        assert!(unit.problems.is_empty(), "{source}: {:?}", unit.problems);
        assert_eq!(calls(&unit).len(), 1, "{source}");
    }
}

#[test]
fn deep_nesting_is_cut_off() {
    let nested = |open: &str, close: &str| format!("const x = {}1{}; after();", open.repeat(5000), close.repeat(5000));
    let sources = [
        nested("(", ")"),
        nested("[", "]"),
        nested("{ a: ", "}"),
        nested("f(", ")"),
        nested("`${", "}`"),
        nested("a ? b() : ", ""),
        nested("f() && ", ""),
        nested("(a) => ", ""),
        format!("x{}; after();", ".then(a)".repeat(3000)),
        format!("{}{}; after();", "{".repeat(5000), "}".repeat(5000)),
        format!("{}{} after();", "function f() {".repeat(5000), "}".repeat(5000)),
        format!("{}{} after();", "class A { static x = class {".repeat(2000), "} }".repeat(2000)),
        format!("{}{} after();", "try { a() } finally { ".repeat(1000), "}".repeat(1000)),
    ];
    for source in sources {
        let start: String = source.chars().take(40).collect();
        let after = source.len() - "after();".len();
        let unit = lower_deep(source);
        assert!(!unit.problems.is_empty(), "{start}");
        assert!(calls(&unit).iter().any(|span| span.start as usize == after), "{start}");
    }
}

#[test]
fn long_chains_are_not_deep() {
    let unit = lower_deep(format!("const x = {}1;", "a + ".repeat(10_000)));
    assert!(unit.problems.is_empty());
    let Some(Step::Set { value, .. }) = unit.functions[0].blocks[0].steps.first() else { panic!("x is set") };
    assert!(matches!(&value.kind, ExprKind::Opaque(parts) if parts.len() == 10_001));
    let unit = lower_deep(format!("if (a) b();{}", " else if (c) d();".repeat(10_000)));
    assert!(unit.problems.is_empty());
    assert_eq!(calls(&unit).len(), 10_001);
}

#[test]
fn many_ways_through_a_finally_are_cut_off() {
    let exits = "if (a) return; ".repeat(300);
    let source = format!(
        "function f() {{ try {{ {exits} }} finally {{ try {{ {exits} }} finally {{ try {{ {exits} }} finally {{ g(); }} }} }} }}"
    );
    let unit = lower_deep(source);
    assert!(unit.problems.iter().any(|problem| problem.message.contains("finally")));
}

#[test]
fn a_file_cut_off_anywhere_is_lowered() {
    let source = include_str!("sample.tsx");
    assert!(lower("sample.tsx", source).problems.is_empty());
    for end in (0..source.len()).step_by(50).filter(|end| source.is_char_boundary(*end)) {
        for path in ["sample.tsx", "sample.ts"] {
            let unit = lower(path, &source[..end]);
            let printed = crate::ir::print(&unit);
            assert!(printed.contains("fn#0 module"));
        }
    }
}

#[test]
fn a_block_with_a_handler_ends_with_its_only_call() {
    let unit = lower("sample.tsx", include_str!("sample.tsx"));
    let blocks = unit.functions.iter().flat_map(|func| &func.blocks).filter(|block| block.handler.is_some());
    let mut count = 0;
    for block in blocks {
        count += 1;
        let calls = block.steps.iter().filter(|step| matches!(step, Step::Call(_))).count();
        assert!(calls == 0 || (calls == 1 && matches!(block.steps.last(), Some(Step::Call(_)))));
    }
    assert!(count > 5);
}
