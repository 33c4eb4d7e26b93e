//! Reports: what a run found, as text for people and for programs. They print and decide nothing; the same input gives
//! the same bytes, in every format (the time it took, which is asked for, aside).

mod concise;
mod human;
mod json;

use std::io::{self, Write};
use std::time::Duration;

use crate::finding::{Anomaly, Confidence, Finding, Problem, Role, Severity, Stats};
use crate::source::{Paths, Source, Sources};
use crate::text::Span;

pub use json::write_rules_json;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The findings, sorted by path, offset, rule.
    pub findings: Vec<Finding>,
    /// What could not be read or used, sorted.
    pub problems: Vec<Problem>,
    /// What the run did.
    pub stats: Stats,
    /// The project's sources.
    pub sources: &'a Sources,
    /// The files beside the project's sources, which labels and problems may point into.
    pub beside: &'a Sources,
    /// How paths are shown.
    pub paths: Paths,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Labelled source, schedule, help.
    Human,
    /// One line for each finding.
    Concise,
    /// JSON, version 1.
    Json,
}

/// How the human report looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether it has colours.
    pub color: bool,
    /// Whether it draws with line characters beyond ASCII.
    pub unicode: bool,
    /// The width of the terminal, where it is known. Prose is never wider than 100 columns.
    pub columns: Option<usize>,
    /// Whether problems and the summary are left out.
    pub quiet: bool,
    /// The time it took, to be told.
    pub elapsed: Option<Duration>,
}

impl<'a> Report<'a> {
    /// Writes the report.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    pub fn write(&self, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Human => human::write(self, style, out),
            Format::Concise => concise::write(self, style, out),
            Format::Json => json::write(self, out),
        }
    }

    /// The worst severity among the findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The text behind a path.
    fn source(&self, path: &str) -> Option<&'a Source> {
        self.sources.get(path).or_else(|| self.beside.get(path))
    }

    /// `path:line:column` of the start of a span, or the path alone where the text is not known.
    fn place(&self, path: &str, span: Option<Span>) -> String {
        let shown = printable(&self.paths.show(path));
        match span.and_then(|span| Some(self.source(path)?.position(span.start))) {
            Some(at) => format!("{shown}:{}:{}", at.line, at.column),
            None => shown,
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Text without characters that could steer a terminal or break a line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Check => "check",
        Role::Guard => "guard",
        Role::Act => "act",
        Role::Transaction => "transaction",
        Role::Call => "call",
    }
}

fn anomaly(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::Duplicate => "duplicate",
        Anomaly::UnhandledViolation => "unique-violation",
        Anomaly::UnhandledAbsence => "not-found",
        Anomaly::DoubleAct => "double-act",
        Anomaly::LostUpdate => "lost-update",
        Anomaly::LimitExceeded => "limit-exceeded",
        Anomaly::TwoSet => "two-set",
        Anomaly::NoneSet => "none-set",
        Anomaly::AbortedWithoutRetry => "aborted-without-retry",
        Anomaly::PartialWrite => "partial-write",
        Anomaly::StaleDecision => "stale-decision",
    }
}

#[cfg(test)]
mod tests;
