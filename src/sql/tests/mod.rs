//! Spellings of statements. Each case gives a text and, in a short form of its own, what was read from it.

mod ddl;
mod modify;
mod other;
mod select;
mod show;

use super::{Dialect, Statement, hole, read};

/// Writes the holes of `{0}`, `{1}` and so on into a text.
fn with_holes(text: &str) -> String {
    let mut out = text.to_owned();
    for number in 0..10 {
        out = out.replace(&format!("{{{number}}}"), &hole(number));
    }
    out
}

fn statements(text: &str, dialect: Dialect) -> Vec<Statement> {
    read(&with_holes(text), dialect)
}

fn check(dialect: Dialect, text: &str, expected: &[&str]) {
    let shown: Vec<String> = statements(text, dialect).iter().map(show::statement).collect();
    assert_eq!(shown, expected, "\nread from: {text}");
}

/// Checks the same reading in every dialect.
fn all(text: &str, expected: &[&str]) {
    for dialect in [Dialect::Generic, Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite, Dialect::SqlServer] {
        check(dialect, text, expected);
    }
}

fn any(text: &str, expected: &[&str]) {
    check(Dialect::Generic, text, expected);
}
