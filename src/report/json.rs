//! JSON, version 1. The structs here are the format; nothing else is serialised. Fields may be added to a version, never
//! changed or taken away.
//!
//! Paths are relative to the working directory, with forward slashes. Lines and columns count from 1, columns in
//! characters; offsets count bytes of the file.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, anomaly, confidence, role, severity};
use crate::finding::{Finding, Schedule};
use crate::rules::{self, Level, Rule};
use crate::text::Span;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    tool: Tool,
    findings: Vec<FindingV1<'a>>,
    problems: Vec<ProblemV1<'a>>,
    stats: StatsV1,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    rule: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: &'a str,
    path: String,
    range: Option<Range>,
    function: &'a str,
    entity: Option<&'a str>,
    labels: Vec<LabelV1<'a>>,
    schedule: Option<ScheduleV1<'a>>,
    notes: &'a [String],
    help: Vec<HelpV1<'a>>,
    fixes: [(); 0],
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct Range {
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
struct LabelV1<'a> {
    role: &'static str,
    path: String,
    range: Option<Range>,
    message: &'a str,
}

#[derive(Serialize)]
struct ScheduleV1<'a> {
    engine: &'a str,
    isolation: Option<&'a str>,
    assumed: bool,
    anomaly: &'static str,
    steps: Vec<StepV1<'a>>,
    ending: Option<&'a str>,
}

#[derive(Serialize)]
struct StepV1<'a> {
    session: char,
    path: Option<String>,
    line: Option<u32>,
    op: &'a str,
    outcome: &'a str,
}

#[derive(Serialize)]
struct HelpV1<'a> {
    title: &'a str,
    code: Option<&'a str>,
}

#[derive(Serialize)]
struct ProblemV1<'a> {
    path: String,
    range: Option<Range>,
    message: &'a str,
}

#[derive(Serialize)]
struct StatsV1 {
    files: usize,
    project_files: usize,
    parsed: usize,
    not_analysed: usize,
    windows: usize,
    findings: usize,
    suppressed: usize,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let stats = &report.stats;
    let document = Document {
        version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        findings: report.findings.iter().map(|finding| self::finding(report, finding)).collect(),
        problems: report
            .problems
            .iter()
            .map(|problem| ProblemV1 {
                path: report.paths.show(&problem.path),
                range: problem.span.and_then(|span| range(report, &problem.path, span)),
                message: &problem.message,
            })
            .collect(),
        stats: StatsV1 {
            files: stats.files,
            project_files: stats.project_files,
            parsed: stats.parsed,
            not_analysed: stats.not_analysed,
            windows: stats.windows,
            findings: report.findings.len(),
            suppressed: stats.suppressed,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn finding<'a>(report: &Report<'_>, finding: &'a Finding) -> FindingV1<'a> {
    let labels = finding.labels.iter().map(|label| LabelV1 {
        role: role(label.role),
        path: report.paths.show(&label.path),
        range: range(report, &label.path, label.span),
        message: &label.message,
    });
    FindingV1 {
        rule: finding.rule,
        severity: severity(finding.severity),
        confidence: confidence(finding.confidence),
        message: &finding.message,
        path: report.paths.show(&finding.path),
        range: range(report, &finding.path, finding.span),
        function: &finding.function,
        entity: finding.entity.as_deref(),
        labels: labels.collect(),
        schedule: finding.schedule.as_ref().map(|schedule| self::schedule(report, schedule)),
        notes: &finding.notes,
        help: finding.help.iter().map(|help| HelpV1 { title: &help.title, code: help.code.as_deref() }).collect(),
        fixes: [],
        fingerprint: &finding.fingerprint,
    }
}

fn schedule<'a>(report: &Report<'_>, schedule: &'a Schedule) -> ScheduleV1<'a> {
    let steps = schedule.steps.iter().map(|step| StepV1 {
        session: step.session,
        path: step.path.as_deref().map(|path| report.paths.show(path)),
        line: step.path.as_deref().and_then(|path| Some(report.source(path)?.position(step.span.start).line)),
        op: &step.op,
        outcome: &step.outcome,
    });
    ScheduleV1 {
        engine: &schedule.engine,
        isolation: schedule.isolation.as_deref(),
        assumed: schedule.assumed,
        anomaly: anomaly(schedule.anomaly),
        steps: steps.collect(),
        ending: schedule.ending.as_deref(),
    }
}

/// `null` where the text behind the path is not known.
fn range(report: &Report<'_>, path: &str, span: Span) -> Option<Range> {
    let source = report.source(path)?;
    let point = |at: u32| {
        let position = source.position(at);
        Point { line: position.line, column: position.column, offset: source.file_offset(at) }
    };
    Some(Range { start: point(span.start), end: point(span.end) })
}

#[derive(Serialize)]
struct RuleV1 {
    name: &'static str,
    level: &'static str,
    summary: &'static str,
}

/// Writes the list of rules as JSON.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_rules_json(out: &mut dyn Write) -> io::Result<()> {
    let rule = |rule: &Rule| RuleV1 {
        name: rule.name,
        level: match rule.level {
            Level::Default => "default",
            Level::Strict => "strict",
        },
        summary: rule.summary,
    };
    serde_json::to_writer_pretty(&mut *out, &rules::ALL.iter().map(rule).collect::<Vec<_>>())?;
    writeln!(out)
}
