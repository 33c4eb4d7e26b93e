//! The rules: one table. Configuration keys, listings and pages are derived from it.

use crate::config::KnownRule;

/// Whether a rule speaks unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It does.
    Default,
    /// Only when selected.
    Strict,
}

/// A rule, as it is told to people.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, which reads well after "allow".
    pub name: &'static str,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// Whether it speaks unasked.
    pub level: Level,
    /// Its page, in Markdown.
    pub page: &'static str,
}

macro_rules! rules {
    ($($name:literal $level:ident $summary:literal,)*) => {
        /// All rules, in the order of the listing.
        pub const ALL: &[Rule] = &[$(Rule {
            name: $name,
            summary: $summary,
            level: Level::$level,
            page: include_str!(concat!("../../rules/", $name, ".md")),
        },)*];
    };
}

rules! {
    "find-then-create" Default "a row is looked up, not found, and created",
    "count-then-create" Default "rows are counted against a limit, and one is added or removed",
    "max-then-create" Default "the next number is computed from the rows there are, and inserted",
    "check-then-update" Default "a column is tested, and the row is then changed on the strength of it",
    "lost-update" Default "a value is read, computed with, and written back",
    "stale-guard" Default "a write relies on a column that another function changes meanwhile",
    "unset-then-set" Default "an exclusive flag is taken from one row and given to another in two writes",
    "delete-then-create" Default "a set of rows is replaced by deleting and creating it",
    "weak-transaction" Default "a transaction surrounds the check and the act, at an isolation that does not hold them together",
    "unused-suppression" Default "a comment allows a finding that is not there",
    "unexplained-suppression" Default "a comment allows a finding and gives no reason, or cannot be understood",
}

/// The name of the rule about comments that allow nothing.
pub const UNUSED_SUPPRESSION: &str = "unused-suppression";

/// The name of the rule about comments without a reason.
pub const UNEXPLAINED_SUPPRESSION: &str = "unexplained-suppression";

/// The rule of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.name == name)
}

/// All rules, as the configuration needs to know them.
#[must_use]
pub fn known() -> Vec<KnownRule> {
    ALL.iter().map(|rule| KnownRule { name: rule.name, strict: rule.level == Level::Strict }).collect()
}

#[cfg(test)]
mod tests {
    use super::{ALL, UNEXPLAINED_SUPPRESSION, UNUSED_SUPPRESSION, find};

    #[test]
    fn every_page_is_headed_by_its_rule() {
        for rule in ALL {
            assert_eq!(rule.page.lines().next(), Some(format!("# {}", rule.name).as_str()));
        }
        assert!(find(UNUSED_SUPPRESSION).is_some() && find(UNEXPLAINED_SUPPRESSION).is_some());
    }
}
