//! The report for people: labelled source, the schedule as a table, notes, help.
//!
//! The source is drawn by miette, which is used here and nowhere else.

mod excerpt;
mod prose;

use std::fmt;
use std::io::{self, Write};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use self::excerpt::{Excerpt, Limits, Mark};
use self::prose::{Paint, indented, plural, table};
use super::{Report, Style, confidence, printable};
use crate::finding::{Confidence, Finding, Schedule, Severity};

/// The widest that prose gets.
const PROSE: usize = 100;
/// How wide a terminal is taken to be for prose, and how wide a source line may be, where the width is not known.
const UNKNOWN: (usize, usize) = (80, 120);

pub(super) fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let pen = Pen::new(style);
    for finding in &report.findings {
        out.write_all(pen.finding(report, finding).as_bytes())?;
    }
    if style.quiet {
        return Ok(());
    }
    for problem in &report.problems {
        let place = report.place(&problem.path, problem.span);
        let text = format!("{place}: {}", printable(&problem.message));
        let label = pen.paint.strong("problem:");
        writeln!(out, "{label} {}", indented(&text, pen.prose, "problem: ".len(), 2))?;
    }
    if !report.problems.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(report, style))
}

/// How things are drawn.
struct Pen {
    handler: GraphicalReportHandler,
    paint: Paint,
    prose: usize,
    source: usize,
}

impl Pen {
    fn new(style: Style) -> Self {
        let theme = match (style.color, style.unicode) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => GraphicalTheme::ascii(),
            (false, true) => GraphicalTheme::unicode_nocolor(),
            (false, false) => GraphicalTheme::none(),
        };
        let prose = style.columns.unwrap_or(UNKNOWN.0).clamp(40, PROSE);
        let source = style.columns.unwrap_or(UNKNOWN.1).max(40);
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(prose).with_links(false).with_context_lines(1);
        Self { handler, paint: Paint { color: style.color }, prose, source }
    }

    fn finding(&self, report: &Report<'_>, finding: &Finding) -> String {
        let mut out = String::new();
        let shown = self.shown(report, finding);
        // Writing to a string does not fail, and the excerpt answers every question about its own labels.
        if self.handler.render_report(&mut out, &shown).is_err() {
            out = format!("{shown}\n");
        }
        if shown.labels.is_empty() {
            out.push_str(&format!("  at {}\n", report.place(&finding.path, Some(finding.span))));
        }
        if let Some(schedule) = &finding.schedule {
            self.schedule(schedule, &mut out);
        }
        for note in &finding.notes {
            self.remark("note:", note, &mut out);
        }
        if finding.confidence < Confidence::High {
            self.remark("note:", &format!("confidence is {}", confidence(finding.confidence)), &mut out);
        }
        for help in &finding.help {
            self.remark("help:", &help.title, &mut out);
            for line in help.code.iter().flat_map(|code| code.lines()) {
                out.push_str(format!("          {}", printable(line)).trim_end());
                out.push('\n');
            }
        }
        out.push('\n');
        out
    }

    fn shown(&self, report: &Report<'_>, finding: &Finding) -> Shown {
        let act = Mark { path: &finding.path, span: finding.span, message: &finding.act, primary: true };
        let others = finding.labels.iter().map(|label| Mark {
            path: &label.path,
            span: label.span,
            message: &label.message,
            primary: false,
        });
        let marks: Vec<Mark<'_>> = std::iter::once(act).chain(others).collect();
        let limits = Limits { prose: self.prose, source: self.source };
        let (excerpt, labels) = Excerpt::new(&marks, limits, |path| {
            report.source(path).map(|source| (source, printable(&report.paths.show(path))))
        });
        let message = format!("{}: {}", finding.rule, printable(&finding.message));
        Shown { message, severity: finding.severity, excerpt, labels }
    }

    fn schedule(&self, schedule: &Schedule, out: &mut String) {
        let isolation = schedule.isolation.as_deref().unwrap_or("no transaction");
        let assumed = if schedule.assumed { ", assumed" } else { "" };
        let setting = printable(&format!("({}, {isolation}{assumed})", schedule.engine));
        out.push_str(&format!("  {} {setting}\n", self.paint.strong("schedule")));
        let rows: Vec<_> =
            schedule.steps.iter().map(|step| (step.session, printable(&step.op), printable(&step.outcome))).collect();
        out.push_str(&table(&rows, self.prose));
        if let Some(ending) = &schedule.ending {
            out.push_str(&format!("     {}\n", indented(&printable(ending), self.prose, 5, 5)));
        }
    }

    /// `  note: text`, wrapped and indented.
    fn remark(&self, label: &str, text: &str, out: &mut String) {
        let indent = label.len() + 3;
        let text = indented(&printable(text), self.prose, indent, indent);
        out.push_str(&format!("  {} {text}\n", self.paint.strong(label)));
    }
}

/// `3 findings (2 errors, 1 warning) in 41 files; 2 files not analysed`.
fn summary(report: &Report<'_>, style: Style) -> String {
    let stats = &report.stats;
    let found = report.findings.len();
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "info")]
        .into_iter()
        .map(|(severity, name)| (report.count(severity), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| if name == "info" { format!("{count} info") } else { plural(count, name) })
        .collect();
    let mut line = match found {
        0 => "no findings".to_owned(),
        _ => format!("{} ({})", plural(found, "finding"), parts.join(", ")),
    };
    line.push_str(&format!(" in {}", plural(stats.files, "file")));
    if stats.suppressed > 0 {
        line.push_str(&format!("; {} allowed by comments", stats.suppressed));
    }
    if stats.not_analysed > 0 {
        line.push_str(&format!("; {} not analysed", plural(stats.not_analysed, "file")));
    }
    if let Some(elapsed) = style.elapsed {
        let read = plural(stats.project_files, "file");
        let milliseconds = elapsed.as_millis();
        line.push_str(&format!("\n{read} read, {} parsed, {} judged", stats.parsed, plural(stats.windows, "window")));
        line.push_str(&format!(" in {milliseconds} ms"));
        if stats.cut_short > 0 {
            let functions = plural(stats.cut_short, "function");
            line.push_str(&format!("; {functions} too large to be followed to the end"));
        }
    }
    line
}

/// A finding as miette sees it.
#[derive(Debug)]
struct Shown {
    message: String,
    severity: Severity,
    excerpt: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Info => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&self.excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
