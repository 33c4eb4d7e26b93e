//! The rules: one table. A rule selects cases and speaks; it walks no code and knows nothing of transactions.
//!
//! Configuration keys, listings and pages are derived from the table.

mod atomic_load_then_store;
mod check_then_update;
mod count_then_create;
mod delete_then_create;
mod effect_in_transaction;
mod find_then_create;
mod fs_check_then_act;
mod lock_gap;
mod lock_outside_transaction;
mod lost_update;
mod max_then_create;
mod missing_version_bump;
mod racy_upsert;
mod speech;
mod split_write;
mod stale_guard;
mod transaction_escape;
mod unchecked_guard;
mod unretried_serialization;
mod unset_then_set;
mod violation_in_transaction;

use crate::analysis::case::Case;
use crate::analysis::slips::Slip;
use crate::config::KnownRule;
use crate::finding::{Anomaly, Attempt, Finding};
use speech::Speech;

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
    "count-then-create" Default "rows are counted against a limit, and one is added",
    "max-then-create" Default "the next number is computed from the rows there are, and inserted",
    "check-then-update" Default "a column is tested, or rows are counted, and a row is then changed or removed",
    "lost-update" Default "a value is read, computed with, and written back",
    "stale-guard" Default "a write relies on a column that another function changes meanwhile",
    "unset-then-set" Default "an exclusive flag is taken from one row and given to another in two writes",
    "delete-then-create" Default "a set of rows is replaced by deleting and creating it",
    "weak-transaction" Default "a transaction surrounds the check and the act, at an isolation that does not hold them together",
    "transaction-escape" Default "inside a transaction, a statement goes through the client around it",
    "lock-outside-transaction" Default "a row is locked with no transaction around it, and written on the strength of it",
    "unretried-serialization" Default "a transaction that the database may abort, and nobody runs it again",
    "unchecked-guard" Default "a write carries its check in its condition, and nobody looks whether it hit a row",
    "violation-in-transaction" Default "a unique violation is caught inside the transaction that it has ended",
    "racy-upsert" Default "an upsert that is carried out as a look and an insert",
    "fs-check-then-act" Default "a file is looked at, and then created, changed or removed on the strength of it",
    "lock-gap" Default "what a lock guards is looked at under one guard and changed under another",
    "atomic-load-then-store" Default "an atomic value is loaded, and stored on the strength of what was loaded",
    "split-write" Strict "two writes that belong together, with no transaction around them",
    "missing-version-bump" Strict "an update passes over the column by which others notice changes",
    "effect-in-transaction" Strict "a request, a mail or a message is sent while a transaction is open",
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

/// A rule about windows: which cases are its own, and its words for them.
struct WindowRule {
    name: &'static str,
    selects: fn(&Case) -> bool,
    speak: fn(&Case) -> Speech,
}

macro_rules! window_rules {
    ($($module:ident $name:literal,)*) => {
        const WINDOW_RULES: &[WindowRule] =
            &[$(WindowRule { name: $name, selects: $module::selects, speak: $module::speak },)*];
    };
}

window_rules! {
    fs_check_then_act "fs-check-then-act",
    lock_gap "lock-gap",
    atomic_load_then_store "atomic-load-then-store",
    stale_guard "stale-guard",
    find_then_create "find-then-create",
    count_then_create "count-then-create",
    max_then_create "max-then-create",
    check_then_update "check-then-update",
    lost_update "lost-update",
    unset_then_set "unset-then-set",
    delete_then_create "delete-then-create",
}

/// A rule about slips: which are its own, and its words for them.
struct SlipRule {
    name: &'static str,
    selects: fn(&Slip) -> bool,
    speak: fn(&Slip) -> Speech,
    /// What is said of further operations that it concerns.
    further: &'static str,
}

macro_rules! slip_rules {
    ($($module:ident $name:literal $further:literal,)*) => {
        const SLIP_RULES: &[SlipRule] = &[$(SlipRule {
            name: $name,
            selects: $module::selects,
            speak: $module::speak,
            further: $further,
        },)*];
    };
}

slip_rules! {
    unchecked_guard "unchecked-guard" "this is done all the same",
    unretried_serialization "unretried-serialization" "this may be refused",
    split_write "split-write" "this belongs to it, too",
    missing_version_bump "missing-version-bump" "this, too",
    effect_in_transaction "effect-in-transaction" "this, too",
    violation_in_transaction "violation-in-transaction" "this goes on in the same transaction",
    racy_upsert "racy-upsert" "this is left half done",
    transaction_escape "transaction-escape" "this runs beside it, too",
}

/// The rule for windows with a lock that no transaction holds; it speaks with the window's own words.
const LOCK_OUTSIDE_TRANSACTION: &str = "lock-outside-transaction";

/// The rule for windows whose act carries a guard that is lost; it has its own words for them.
const UNCHECKED_GUARD: &str = "unchecked-guard";

/// The rule for windows inside a transaction that does not hold them together; it speaks with the window's own words.
const WEAK_TRANSACTION: &str = "weak-transaction";

/// What is said of further writes that a check decides.
const FURTHER: &str = "this depends on it, too";

/// The finding about a case. `code` finds the code of a remedy's intent.
#[must_use]
pub fn speak(case: &Case, code: &dyn Fn(&str) -> Attempt) -> Option<Finding> {
    let rule = WINDOW_RULES.iter().find(|rule| (rule.selects)(case))?;
    if case.rival.is_none() && case.lost_lock.is_some() {
        let words = lock_outside_transaction::words(case, (rule.speak)(case));
        return Some(speech::finding(LOCK_OUTSIDE_TRANSACTION, vec![rule.name], case, words, FURTHER, code));
    }
    // An error that nobody handles is another matter than a guard that nobody looks at.
    let fails = matches!(case.anomaly, Anomaly::UnhandledViolation | Anomaly::UnhandledAbsence);
    if case.rival.is_none()
        && !fails
        && let Some(guard) = case.guard
    {
        let words = unchecked_guard::words(case, guard);
        return Some(speech::finding(UNCHECKED_GUARD, vec![rule.name], case, words, FURTHER, code));
    }
    let mut words = (rule.speak)(case);
    if case.mutex.is_some() {
        words
            .notes
            .insert(0, "the lock around it keeps out others in this process, and nobody in a second one".to_owned());
    }
    if !case.in_transaction {
        return Some(speech::finding(rule.name, Vec::new(), case, words, FURTHER, code));
    }
    let level = case.isolation.as_deref().unwrap_or("its isolation");
    let words_of_default = if case.default_isolation { ", the default," } else { "" };
    words.notes.insert(0, format!("the transaction runs at {level}{words_of_default} and does not keep the other out"));
    if level == "read uncommitted" {
        words.notes.push(dirty_reads(&case.database.name));
    }
    Some(speech::finding(WEAK_TRANSACTION, vec![rule.name], case, words, FURTHER, code))
}

/// What a transaction at read uncommitted may see.
fn dirty_reads(database: &str) -> String {
    match database {
        "postgresql" | "cockroachdb" => format!("{database} takes read uncommitted for read committed"),
        _ => "at read uncommitted the check may even have seen what another transaction takes back".to_owned(),
    }
}

/// The finding about a slip. `code` finds the code of a remedy's intent.
#[must_use]
pub fn speak_of_slip(slip: &Slip, code: &dyn Fn(&str) -> Attempt) -> Option<Finding> {
    let rule = SLIP_RULES.iter().find(|rule| (rule.selects)(slip))?;
    Some(speech::finding(rule.name, Vec::new(), &slip.case, (rule.speak)(slip), rule.further, code))
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
