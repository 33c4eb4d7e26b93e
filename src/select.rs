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
        let told_of = |finding: &&Finding| finding.confidence >= config.min_confidence && reported(&finding.path);
        let count = |findings: &[Finding]| findings.iter().filter(told_of).count();
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

#[cfg(test)]
mod tests {
    use super::tell;
    use crate::config::{Config, Flags};
    use crate::finding::{Confidence, Finding, Severity};
    use crate::rules;
    use crate::source::{Source, Sources};
    use crate::text::Span;

    fn finding(rule: &'static str, also: &[&'static str]) -> Finding {
        Finding {
            rule,
            also: also.to_vec(),
            severity: Severity::Error,
            confidence: Confidence::High,
            message: String::new(),
            path: "a.ts".to_owned(),
            span: Span::default(),
            function: String::new(),
            entity: None,
            labels: Vec::new(),
            act: String::new(),
            schedule: None,
            notes: Vec::new(),
            help: Vec::new(),
            fingerprint: String::new(),
        }
    }

    fn told(config: &str, flags: &Flags, findings: &[Finding]) -> Vec<Finding> {
        let config = Config::resolve(Some(("toctou.toml", config)), flags, &rules::known()).expect("good settings");
        let mut other = Source::new("b.ts", "");
        other.reported = false;
        let sources = Sources::new(vec![Source::new("a.ts", ""), other]);
        tell(findings.to_vec(), Vec::new(), &config, &sources).findings
    }

    fn rules_told(config: &str, findings: &[Finding]) -> Vec<&'static str> {
        told(config, &Flags::default(), findings).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_finding_is_selected_and_ignored_under_each_of_its_names() {
        let weak = [finding("weak-transaction", &["lost-update"])];
        assert_eq!(rules_told("", &weak).len(), 1);
        assert_eq!(rules_told("select = [\"lost-update\"]", &weak).len(), 1);
        assert_eq!(rules_told("select = [\"weak-transaction\"]", &weak).len(), 1);
        assert_eq!(rules_told("select = [\"find-then-create\"]", &weak).len(), 0);
        assert_eq!(rules_told("ignore = [\"lost-update\"]", &weak).len(), 0);
        assert_eq!(rules_told("[rules]\nlost-update = \"off\"", &weak).len(), 0);
    }

    #[test]
    fn the_level_of_a_rule_is_the_severity_of_its_findings() {
        let text = "[rules]\nlost-update = \"info\"\n[[overrides]]\npaths = [\"a.ts\"]\nrules = { weak-transaction = \"warning\" }\n";
        let severities = |findings: &[Finding]| {
            told(text, &Flags::default(), findings).iter().map(|f| f.severity).collect::<Vec<_>>()
        };
        assert_eq!(severities(&[finding("lost-update", &[])]), [Severity::Info]);
        assert_eq!(severities(&[finding("weak-transaction", &["lost-update"])]), [Severity::Warning]);
        assert_eq!(severities(&[finding("find-then-create", &["lost-update"])]), [Severity::Info]);
        assert_eq!(severities(&[finding("find-then-create", &[])]), [Severity::Error]);
    }

    #[test]
    fn confidence_and_files_asked_for_decide_last() {
        let mut low = finding("lost-update", &[]);
        low.confidence = Confidence::Low;
        let mut elsewhere = finding("lost-update", &[]);
        elsewhere.path = "b.ts".to_owned();
        let findings = [low, elsewhere, finding("find-then-create", &[])];
        assert_eq!(rules_told("", &findings), ["find-then-create"]);
        assert_eq!(rules_told("min-confidence = \"low\"", &findings), ["find-then-create", "lost-update"]);
    }
}
