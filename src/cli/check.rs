//! `toctou check`.

use std::io::Write;
use std::time::Instant;

use super::args::{Check, ConfidenceLevel, FailLevel, ReportFormat};
use super::project::{Project, Settings};
use super::{CLEAN, Environment, FINDINGS, Failure, heard};
use crate::config::{FailOn, Flags};
use crate::finding::{Confidence, Severity};
use crate::report::{Format, Report, Style};
use crate::source::reason;

pub(super) fn run(
    check: &Check,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    let started = Instant::now();
    let settings = match &check.config {
        Some(file) => Settings::File(file),
        None if check.no_config => Settings::None,
        None => Settings::Nearest,
    };
    let mut project = Project::open(&check.paths, settings, &flags(check), environment)?;
    if !check.quiet {
        project.tell_notes(err)?;
    }
    if check.verbose {
        writeln!(err, "project: {}", project.root.display())?;
        writeln!(err, "settings: {}", project.settings.as_deref().unwrap_or("none"))?;
    }
    let (findings, problems, mut stats) = project.workspace.check();
    stats.not_analysed += project.problems.len();
    project.problems.extend(problems);
    project.problems.sort();
    let report = Report {
        findings,
        problems: std::mem::take(&mut project.problems),
        stats,
        sources: project.workspace.sources(),
        beside: project.workspace.beside(),
        paths: project.paths.clone(),
    };

    let to_file = check.output_file.is_some();
    let color = if to_file { false } else { environment.colors(check.color) };
    let style = Style {
        color,
        unicode: color || environment.terminal && !to_file,
        columns: environment.columns,
        quiet: check.quiet,
        elapsed: check.verbose.then(|| started.elapsed()),
    };
    let format = match check.format {
        ReportFormat::Human => Format::Human,
        ReportFormat::Concise => Format::Concise,
        ReportFormat::Json => Format::Json,
    };
    match &check.output_file {
        None => heard(report.write(format, style, out))?,
        Some(file) => {
            let mut text = Vec::new();
            report.write(format, style, &mut text)?;
            let target = environment.working_directory.as_ref().map_or_else(|_| file.clone(), |here| here.join(file));
            std::fs::write(target, text)
                .map_err(|error| Failure(format!("cannot write `{}`: {}", file.display(), reason(&error))))?;
        }
    }
    Ok(exit_code(report.worst(), project.config.fail_on))
}

/// 1 where the worst finding is at or above the limit.
fn exit_code(worst: Option<Severity>, fail_on: FailOn) -> u8 {
    match fail_on {
        FailOn::At(limit) if worst.is_some_and(|worst| worst >= limit) => FINDINGS,
        _ => CLEAN,
    }
}

fn flags(check: &Check) -> Flags {
    Flags {
        strict: check.strict,
        select: check.select.clone(),
        ignore: check.ignore.clone(),
        min_confidence: check.min_confidence.map(|level| match level {
            ConfidenceLevel::Low => Confidence::Low,
            ConfidenceLevel::Medium => Confidence::Medium,
            ConfidenceLevel::High => Confidence::High,
        }),
        fail_on: check.fail_on.map(|level| match level {
            FailLevel::Info => FailOn::At(Severity::Info),
            FailLevel::Warning => FailOn::At(Severity::Warning),
            FailLevel::Error => FailOn::At(Severity::Error),
            FailLevel::Never => FailOn::Never,
        }),
        include_tests: check.include_tests,
        engine: check.engine.clone(),
        isolation: check.isolation.clone(),
        no_ignores: check.no_ignores,
    }
}

#[cfg(test)]
mod tests {
    use super::exit_code;
    use crate::config::FailOn;
    use crate::finding::Severity;

    #[test]
    fn the_worst_finding_decides_the_exit_code() {
        let at = FailOn::At;
        assert_eq!(exit_code(None, at(Severity::Info)), 0);
        assert_eq!(exit_code(Some(Severity::Info), at(Severity::Warning)), 0);
        assert_eq!(exit_code(Some(Severity::Warning), at(Severity::Warning)), 1);
        assert_eq!(exit_code(Some(Severity::Error), at(Severity::Warning)), 1);
        assert_eq!(exit_code(Some(Severity::Error), FailOn::Never), 0);
    }
}
