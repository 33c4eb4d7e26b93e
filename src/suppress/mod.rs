//! Comments that allow a finding.
//!
//! ```text
//! // toctou: allow(find-then-create) -- admins only, one user
//! // toctou: allow(find-then-create, lost-update) -- both run under the nightly lock
//! // toctou: allow-file(lost-update) -- counters here are approximate
//! ```
//!
//! A comment that stands alone on its line speaks for the next line with code; one behind code speaks for its own line.
//! It allows a finding whose **act** starts on that line, and one whose **check** does (or a further act: any label of
//! these two roles), as either end may be the natural place for the remark. `allow-file` speaks for every finding whose
//! act lies in the file. A finding that counts under several rules is allowed by any of their names.
//!
//! The reason behind `--` is asked for: without it the comment still works and is itself a finding. A comment that
//! cannot be understood allows nothing and is a finding; so is one that allows what is not there, if its rule ran.

mod parse;

use crate::finding::{Confidence, Finding, Help, Role, Severity};
use crate::rules::{UNEXPLAINED_SUPPRESSION, UNUSED_SUPPRESSION};
use crate::source::Source;
use crate::text::Span;

pub use parse::read;

/// The comments of one file that allow something, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    path: String,
    allows: Vec<Allow>,
    faults: Vec<Fault>,
}

/// One rule allowed by one comment.
#[derive(Clone, Debug)]
struct Allow {
    rule: &'static str,
    scope: Scope,
    /// The rule's name in the comment.
    span: Span,
    used: bool,
}

/// What a comment speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    File,
    /// One line (from 0), or two where code follows the comment on its own line.
    Lines(u32, u32),
}

/// A comment that is not as it should be.
#[derive(Clone, Debug)]
struct Fault {
    span: Span,
    message: String,
    help: String,
}

impl Suppressions {
    /// Whether the file has no such comment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allows.is_empty() && self.faults.is_empty()
    }

    /// Whether a comment here allows a finding of one of `names` at a line (`None`: anywhere in the file). It counts as
    /// used then.
    fn allows(&mut self, finding: &Finding, line: Option<u32>) -> bool {
        let mut allowed = false;
        for allow in &mut self.allows {
            let covers = match (allow.scope, line) {
                (Scope::File, None) => true,
                (Scope::Lines(first, last), Some(line)) => (first..=last).contains(&line),
                _ => false,
            };
            if covers && finding.names().any(|name| name == allow.rule) {
                allow.used = true;
                allowed = true;
            }
        }
        allowed
    }

    /// The findings about the comments themselves. `ran` tells whether a rule spoke in this file.
    fn findings(&self, ran: impl Fn(&str) -> bool) -> Vec<Finding> {
        let faults = self.faults.iter().map(|fault| {
            let help = Help { title: fault.help.clone(), code: None };
            self.finding(UNEXPLAINED_SUPPRESSION, fault.span, &fault.message, "this comment", help)
        });
        let unused = self.allows.iter().filter(|allow| !allow.used && ran(allow.rule)).map(|allow| {
            let place = if allow.scope == Scope::File { "in this file" } else { "here" };
            let message = format!("`{}` is allowed {place}, and there is no such finding", allow.rule);
            let title = "remove the comment, or move it to the line of the check or the act".to_owned();
            let help = Help { title, code: None };
            self.finding(UNUSED_SUPPRESSION, allow.span, &message, "nothing to allow", help)
        });
        faults.chain(unused).collect()
    }

    fn finding(&self, rule: &'static str, span: Span, message: &str, act: &str, help: Help) -> Finding {
        Finding {
            rule,
            also: Vec::new(),
            severity: Severity::Warning,
            confidence: Confidence::High,
            message: message.to_owned(),
            path: self.path.clone(),
            span,
            function: String::new(),
            entity: None,
            labels: Vec::new(),
            act: act.to_owned(),
            schedule: None,
            notes: Vec::new(),
            help: vec![help],
            fingerprint: fingerprint(&[rule, &self.path, message]),
        }
    }
}

/// Takes the allowed findings out. Returns the others, and the findings about the comments.
///
/// All findings of the project must be given, as well those that will not be told (too little confidence, another file):
/// a comment that allows one of them is in use.
pub fn apply<'a>(
    findings: Vec<Finding>,
    files: &mut [Suppressions],
    source: impl Fn(&str) -> Option<&'a Source>,
    ran: impl Fn(&str, &str) -> bool,
) -> (Vec<Finding>, Vec<Finding>) {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let line_of = |path: &str, at: u32| source(path).map(|source| source.lines().line_of(at));
    let mut allowed = |finding: &Finding| {
        let labels = finding.labels.iter().filter(|label| matches!(label.role, Role::Check | Role::Act));
        let mut places: Vec<_> = labels.map(|label| (label.path.as_str(), Some(label.span.start))).collect();
        places.extend([(finding.path.as_str(), Some(finding.span.start)), (finding.path.as_str(), None)]);
        let mut allowed = false;
        for (path, at) in places {
            let Ok(index) = files.binary_search_by(|file| file.path.as_str().cmp(path)) else { continue };
            let line = at.and_then(|at| line_of(path, at));
            if at.is_none() || line.is_some() {
                // Every comment that fits is in use, so that two for one finding do not depend on their order.
                allowed |= files[index].allows(finding, line);
            }
        }
        allowed
    };
    let kept: Vec<Finding> = findings.into_iter().filter(|finding| !allowed(finding)).collect();
    let about = files.iter().flat_map(|file| file.findings(|rule| ran(rule, &file.path))).collect();
    (kept, about)
}

/// A hash of what a finding is about (64-bit FNV-1a), stable across runs and machines.
fn fingerprint(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
