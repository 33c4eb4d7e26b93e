//! What is wrong with the settings, and where.

use std::fmt;
use std::ops::Range;

use super::Wrong;
use crate::text::LineIndex;

/// A fault in the configuration file or in a flag. Its display is the whole message: place, source line, caret, help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// `toctou.toml:3:1`, a flag, or the file alone.
    place: String,
    message: String,
    help: Option<String>,
    /// Line number, the line's text, and the columns (from 0) that are marked.
    excerpt: Option<(u32, String, Range<usize>)>,
}

impl ConfigError {
    /// A fault in a flag's value.
    pub(super) fn in_flag(flag: &str, message: String, help: Option<String>) -> Self {
        Self { place: flag.to_owned(), message, help, excerpt: None }
    }

    /// A fault of the file as a whole.
    pub(super) fn whole_file(path: &str, message: String) -> Self {
        Self { place: path.to_owned(), message, help: None, excerpt: None }
    }

    /// A fault at a place in the file.
    pub(super) fn at(path: &str, text: &str, span: Range<usize>, wrong: Wrong) -> Self {
        let lines = LineIndex::new(text);
        let start = u32::try_from(span.start).unwrap_or(u32::MAX);
        let position = lines.position(text, start);
        let line_start = lines.line_start(position.line - 1) as usize;
        let line = text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
        let first = position.column as usize - 1;
        let marked = text.get(span).unwrap_or("").lines().next().unwrap_or("").chars().count().max(1);
        Self {
            place: format!("{path}:{}:{}", position.line, position.column),
            message: wrong.message,
            help: wrong.help,
            excerpt: Some((position.line, line.replace('\t', " "), first..first + marked)),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)?;
        if let Some((number, line, marked)) = &self.excerpt {
            let gutter = " ".repeat(number.to_string().len());
            let (before, carets) = (" ".repeat(marked.start), "^".repeat(marked.len()));
            write!(out, "\n{gutter} |\n{number} | {line}\n{gutter} | {before}{carets}")?;
            if let Some(help) = &self.help {
                write!(out, " {help}")?;
            }
        } else if let Some(help) = &self.help {
            write!(out, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
