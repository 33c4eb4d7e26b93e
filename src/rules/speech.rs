//! What a rule says about a case, and how that becomes a finding.

use crate::analysis::case::{Case, Place};
use crate::analysis::cures::Proof;
use crate::analysis::database::Basis;
use crate::analysis::keys::{Miss, NearKey};
use crate::analysis::window::Link;
use crate::finding::{Confidence, Finding, Help, Label, Role};

/// Intents that fit only some code: where their code cannot be written, they do not fit.
const NEEDS_CODE: [&str; 6] =
    ["merge-into-upsert", "skip-duplicates", "add-unique-key", "add-partial-key", "lock-read", "lock-parent"];

/// The words of a rule for one case.
pub(super) struct Speech {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What happens at the check.
    pub check: String,
    /// What happens at the act.
    pub act: String,
    /// Facts that the verdict rests on.
    pub notes: Vec<String>,
    /// Ways out, best first.
    pub remedies: Vec<Remedy>,
}

/// A way out, as an intent; the code comes from the library that the calls belong to.
pub(super) struct Remedy {
    /// What to do.
    pub title: String,
    /// The intent, as libraries name it.
    pub intent: Option<&'static str>,
}

/// A remedy with code.
pub(super) fn remedy(intent: &'static str, title: impl Into<String>) -> Remedy {
    Remedy { title: title.into(), intent: Some(intent) }
}

/// A remedy in words alone.
pub(super) fn advice(title: impl Into<String>) -> Remedy {
    Remedy { title: title.into(), intent: None }
}

/// The finding that a rule's words make. `further` is what is said of the writes that go with the act, `code` finds the code of an intent.
pub(super) fn finding(
    rule: &'static str,
    also: Vec<&'static str>,
    case: &Case,
    speech: Speech,
    further: &str,
    code: &dyn Fn(&str) -> Option<String>,
) -> Finding {
    let mut labels = Vec::new();
    if case.check != case.act {
        labels.push(label(Role::Check, &case.check, speech.check));
    }
    if let Some(transaction) = &case.transaction {
        let words = match &case.isolation {
            Some(level) if case.default_isolation => format!("a transaction at {level}, the default"),
            Some(level) => format!("a transaction at {level}"),
            None => "the transaction".to_owned(),
        };
        labels.push(label(Role::Transaction, transaction, words));
    }
    if case.seen_act != case.act {
        labels.push(label(Role::Act, &case.act, speech.act.clone()));
    }
    for call in case.calls.iter().filter(|call| **call != case.seen_act) {
        let words =
            if call.call.is_empty() { "by way of this call".to_owned() } else { format!("by way of `{}`", call.call) };
        labels.push(label(Role::Call, call, words));
    }
    if let Some((name, place)) = &case.rival {
        let verb = if case.link == Link::Set { "writes" } else { "moves" };
        labels.push(label(Role::Guard, place, format!("`{name}` {verb} it here")));
    }
    for place in case.decided.iter().filter(|place| **place != case.check).take(3) {
        labels.push(label(Role::Act, place, further.to_owned()));
    }
    labels.dedup();
    let judged = |remedy: Remedy| (remedy.intent.and_then(|intent| case.cures.proof(intent)), remedy);
    let judged = speech.remedies.into_iter().map(judged);
    let mut remedies: Vec<(Proof, Remedy)> =
        judged.map(|(proof, remedy)| (proof.unwrap_or(Proof::Closes), remedy)).collect();
    // What the judge has broken is no way out, and what may abort comes behind what may not.
    remedies.retain(|(proof, _)| *proof != Proof::Breaks);
    remedies.sort_by_key(|(proof, _)| *proof);
    let mut help: Vec<Help> = remedies
        .into_iter()
        .map(|(_, remedy)| (remedy.intent, Help { title: remedy.title, code: remedy.intent.and_then(code) }))
        // Advice that cannot be written down for this code is no advice.
        .filter(|(intent, help)| help.code.is_some() || !intent.is_some_and(|intent| NEEDS_CODE.contains(&intent)))
        .map(|(_, help)| help)
        .collect();
    // What is left as the first is no alternative to anything.
    if let Some(first) = help.first_mut()
        && let Some(alone) = first.title.strip_prefix("or ")
    {
        first.title = alone.to_owned();
    }
    let mut notes = speech.notes;
    if case.database.assumed {
        notes.push(format!("no schema names the database; {} is assumed", case.database.name));
    }
    if let Basis::Documented { like, page } = case.database.basis() {
        notes.push(format!("{} is judged by the rules of {like}, by documentation: {page}", case.database.name));
    }
    let fingerprint = fingerprint(rule, case);
    Finding {
        rule,
        also,
        severity: case.severity,
        confidence: case.confidence.max(Confidence::Low),
        message: speech.message,
        path: case.seen_act.path.clone(),
        span: case.seen_act.span,
        function: case.function.clone(),
        entity: Some(case.entity.clone()),
        labels,
        act: speech.act,
        schedule: Some(&case.schedule).filter(|schedule| !schedule.steps.is_empty()).cloned(),
        notes,
        help,
        fingerprint,
    }
}

fn label(role: Role, place: &Place, message: String) -> Label {
    Label { role, path: place.path.clone(), span: place.span, message }
}

/// Rests on the rule, the entity, the function and the shape of the calls, so that it outlives moved lines.
fn fingerprint(rule: &str, case: &Case) -> String {
    // FNV-1a: short, stable across platforms and versions, and no secret.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let parts = [rule, &case.act.path, &case.function, &case.entity, &case.check.call, &case.act.call];
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// Column names for a sentence: `` `a` and `b` ``.
pub(super) fn quoted(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|c| format!("`{c}`")).collect();
    match quoted.as_slice() {
        [] => "the same values".to_owned(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// What there is to say of unique keys that come near what was checked.
pub(super) fn near_keys(case: &Case) -> Vec<String> {
    let words = |near: &NearKey| {
        let key = quoted(&near.columns);
        match &near.miss {
            Miss::Partial(columns) if columns.is_empty() => format!("the unique key on {key} covers some rows only"),
            Miss::Partial(columns) => format!("the unique key on {key} covers some rows only, by {}", quoted(columns)),
            Miss::Computed(Some(function)) => format!("the unique key on {key} is on what `{function}` makes of it"),
            Miss::Computed(None) => format!("the unique key on {key} is on what an expression makes of it"),
            Miss::Null(column) => {
                format!("the unique key on {key} keeps no two rows apart in which `{column}` is null")
            }
            Miss::Wider(columns) => {
                format!("the unique key on {key} lets in rows that differ in {}", quoted(columns))
            }
        }
    };
    case.near_keys.iter().map(words).collect()
}

/// "two requests" with the verb's object.
pub(super) fn entity(case: &Case) -> String {
    format!("`{}`", case.entity)
}
