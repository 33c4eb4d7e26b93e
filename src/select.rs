//! From all findings to those that are told: rules that speak, comments that allow, confidence, files asked for.

use crate::config::{Config, State};
use crate::finding::Finding;
use crate::source::Sources;
use crate::suppress::{Suppressions, apply};

/// What is told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The findings, sorted by path, offset, rule.
    pub findings: Vec<Finding>,
    /// How many a comment in the code allows.
    pub suppressed: usize,
}

/// Selects what is told. `findings` are all of the project's; `comments` are those of the files whose findings were all
/// found, as an unused comment is judged only there.
#[must_use]
pub fn tell(findings: Vec<Finding>, mut comments: Vec<Suppressions>, config: &Config, sources: &Sources) -> Told {
    let reported = |path: &str| sources.get(path).is_none_or(|source| source.reported);
    let speaking: Vec<Finding> = findings.into_iter().filter_map(|finding| admit(finding, config)).collect();
    let (mut told, mut suppressed) = (speaking, 0);
    if config.allow_inline_ignores {
        let ran = |rule: &str, path: &str| matches!(config.state(rule, path), State::On(_));
        let count = |findings: &[Finding]| findings.iter().filter(|finding| reported(&finding.path)).count();
        let before = count(&told);
        let (kept, about) = apply(told, &mut comments, |path| sources.get(path), ran);
        suppressed = before - count(&kept);
        told = kept;
        told.extend(about.into_iter().filter_map(|finding| admit(finding, config)));
    }
    told.retain(|finding| finding.confidence >= config.min_confidence && reported(&finding.path));
    Finding::sort(&mut told);
    told.dedup();
    Told { findings: told, suppressed }
}

/// The finding at the severity that its rule speaks with, if it speaks.
fn admit(mut finding: Finding, config: &Config) -> Option<Finding> {
    let states: Vec<State> = finding.names().map(|name| config.state(name, &finding.path)).collect();
    if states.contains(&State::Off) {
        return None;
    }
    let mut on = states.iter().filter_map(|state| match state {
        State::On(severity) => Some(*severity),
        _ => None,
    });
    let first = on.next()?;
    if let Some(severity) = first.or_else(|| on.flatten().next()) {
        finding.severity = severity;
    }
    Some(finding)
}
