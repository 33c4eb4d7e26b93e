//! `toctou rules` and `toctou explain`.

use std::io::Write;

use super::args::ListFormat;
use super::{CLEAN, Failure, heard};
use crate::report::write_rules_json;
use crate::rules::{self, Level};
use crate::suggest::closest;

/// A table of all rules.
pub(super) fn list(format: ListFormat, out: &mut dyn Write) -> Result<u8, Failure> {
    if matches!(format, ListFormat::Json) {
        heard(write_rules_json(out))?;
        return Ok(CLEAN);
    }
    let width = rules::ALL.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules::ALL {
        let level = match rule.level {
            Level::Default => "default",
            Level::Strict => "strict",
        };
        heard(writeln!(out, "{:width$}  {level:7}  {}", rule.name, rule.summary))?;
    }
    Ok(CLEAN)
}

/// A rule's page.
pub(super) fn explain(name: &str, out: &mut dyn Write) -> Result<u8, Failure> {
    let Some(rule) = rules::find(name) else {
        let help = match closest(name, rules::ALL.iter().map(|rule| rule.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`toctou rules` lists them".to_owned(),
        };
        return Err(Failure(format!("there is no rule `{name}`; {help}")));
    };
    heard(writeln!(out, "{}", rule.page.trim_end()))?;
    Ok(CLEAN)
}
