//! Comments.

use crate::frontend::typescript::lower;

#[test]
fn comments_come_in_order_wherever_they_stand() {
    let source = "// one\nf(/* two */ a); // three\n/**\n * four\n * five\n */\ntype T = { a: string /* six */ };\n\
                  const u = \"// none\", v = `/* none */`;\n  /// seven";
    let unit = lower("a.ts", source);
    let found: Vec<(&str, bool)> = unit.comments.iter().map(|c| (c.text.as_str(), c.own_line)).collect();
    let expected =
        [("one", true), ("two", false), ("three", false), ("four\nfive", true), ("six", false), ("seven", true)];
    assert_eq!(found, expected);
    assert_eq!(unit.comments[1].span.slice(source), "/* two */");
}

#[test]
fn comments_inside_elements_and_classes() {
    let source = "const x = <p>{/* one */}</p>;\nclass A {\n  // two\n  m() {}\n}";
    let unit = lower("a.tsx", source);
    let found: Vec<&str> = unit.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(found, ["one", "two"]);
}
