//! One line for each finding and problem: `path:line:column: severity[rule] message`.

use std::io::{self, Write};

use super::{Report, Style, printable, severity};

pub(super) fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let place = report.place(&finding.path, Some(finding.span));
        let message = printable(&finding.message);
        writeln!(out, "{place}: {}[{}] {message}", severity(finding.severity), finding.rule)?;
    }
    for problem in report.problems.iter().filter(|_| !style.quiet) {
        writeln!(out, "{}: problem: {}", report.place(&problem.path, problem.span), printable(&problem.message))?;
    }
    Ok(())
}
