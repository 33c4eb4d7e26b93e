//! What a rule says about a case, and how that becomes a finding.

use std::collections::BTreeMap;

use crate::analysis::case::{Case, Place};
use crate::analysis::cures::Proof;
use crate::analysis::database::Basis;
use crate::analysis::judged::Mild;
use crate::analysis::keys::{Miss, NearKey};
use crate::analysis::window::Link;
use crate::finding::{Attempt, Confidence, Finding, Help, Label, Role, Sketch};
use crate::model::Literal;

/// Intents that fit only some code: where their code cannot be written, they do not fit.
const NEEDS_CODE: [&str; 9] = [
    "merge-into-upsert",
    "skip-duplicates",
    "add-unique-key",
    "add-partial-key",
    "atomic-delta",
    "lock-read",
    "lock-parent",
    "lock-name",
    "whole-group-unset",
];

/// Those of them that words alone say well enough, where nobody has taught how to write them.
const SAYS_ENOUGH: [&str; 5] = ["add-unique-key", "add-partial-key", "atomic-delta", "lock-read", "lock-name"];

/// What a lock by name is.
pub(super) const NAMED: &str = "or lock the name of what both look for first (an advisory lock), in a transaction at read committed, then look and act";

/// The start of a note that matters only where a key is a way out.
pub(super) const NO_KEY: &str = "no unique key on ";

/// The hole in a title for the columns of a unique key.
pub(super) const KEY: &str = "{key}";

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
    /// What to do where the condition is a test that the code makes.
    pub tested: Option<String>,
    /// The intent without which this one is nothing.
    pub after: Option<&'static str>,
    /// Whether it is a way out only where its code can be written.
    pub if_written: bool,
}

impl Remedy {
    /// The same where the condition is a test that the code makes.
    pub(super) fn or_tested(self, title: impl Into<String>) -> Self {
        Self { tested: Some(title.into()), ..self }
    }

    /// The same, for where its code can be written.
    pub(super) fn if_written(self) -> Self {
        Self { if_written: true, ..self }
    }

    /// The same, for where another way out is there already.
    pub(super) fn after(self, intent: &'static str) -> Self {
        Self { after: Some(intent), ..self }
    }
}

/// A remedy with code.
pub(super) fn remedy(intent: &'static str, title: impl Into<String>) -> Remedy {
    Remedy { title: title.into(), intent: Some(intent), tested: None, after: None, if_written: false }
}

/// A remedy in words alone.
pub(super) fn advice(title: impl Into<String>) -> Remedy {
    Remedy { title: title.into(), intent: None, tested: None, after: None, if_written: false }
}

/// The finding that a rule's words make. `further` is what is said of the writes that go with the act, `code` finds the code of an intent.
pub(super) fn finding(
    rule: &'static str,
    also: Vec<&'static str>,
    case: &Case,
    speech: Speech,
    further: &str,
    code: &dyn Fn(&str) -> Attempt,
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
    // What both do in the world outside is part of what is wrong; where one of them fails, it is not known to come so far.
    if !case.anomaly.is_failure() {
        for place in case.effects.iter().take(2) {
            labels.push(label(Role::Act, place, further.to_owned()));
        }
    }
    labels.dedup();
    let mut help = helps(case, speech.remedies, code);
    if help.is_empty() && case.place.is_none() && case.check != case.act {
        help = helps(case, last_resort(case), code);
    }
    // What is left as the first is no alternative to anything.
    if let Some(first) = help.first_mut()
        && let Some(alone) = first.title.strip_prefix("or ")
    {
        first.title = alone.to_owned();
    }
    let mut notes = speech.notes;
    notes.retain(|note| !note.starts_with(NO_KEY) || !is_unfit(case, code));
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

/// A way out that is shown: what the judge makes of it, and its code where there is any.
type Shown = (Proof, Option<Sketch>);

/// The ways out that are shown: none that the judge has broken, none that does not fit.
fn helps(case: &Case, remedies: Vec<Remedy>, code: &dyn Fn(&str) -> Attempt) -> Vec<Help> {
    let mut tried: BTreeMap<&'static str, Option<Shown>> = BTreeMap::new();
    let mut attempt = |intent: &'static str| tried.entry(intent).or_insert_with(|| attempt(case, intent, code)).clone();
    let mut shown: Vec<(Proof, Help)> = Vec::new();
    for remedy in remedies {
        // A name is locked where there is no row to lock.
        if remedy.intent == Some("lock-name") && attempt("lock-parent").is_some() {
            continue;
        }
        let fits = remedy.intent.map_or(Some((Proof::Closes, None)), &mut attempt);
        let Some((proof, sketch)) = fits else { continue };
        let unwritten = remedy.if_written && sketch.is_none();
        if unwritten || remedy.after.is_some_and(|first| attempt(first).is_none()) {
            continue;
        }
        let tested = sketch.as_ref().is_some_and(|sketch| sketch.tested);
        let title = remedy.tested.filter(|_| tested).unwrap_or(remedy.title);
        let key = sketch.as_ref().and_then(|sketch| sketch.key.clone()).unwrap_or_else(|| key_in_words(case));
        shown.push((proof, Help { title: title.replace(KEY, &key), code: sketch.map(|sketch| sketch.code) }));
    }
    // What may abort comes behind what may not.
    shown.sort_by_key(|(proof, _)| *proof);
    shown.into_iter().map(|(_, help)| help).collect()
}

/// Tries a way out on a case; `None` where it is none.
fn attempt(case: &Case, intent: &'static str, code: &dyn Fn(&str) -> Attempt) -> Option<Shown> {
    if intent == "lock-name" && case.database.name != "postgresql" {
        return None;
    }
    let sketch = match code(intent) {
        Attempt::Written(sketch) => Some(sketch),
        Attempt::Unfit if NEEDS_CODE.contains(&intent) => return None,
        Attempt::Untaught if is_key(intent) && !case.looked_all => return None,
        Attempt::Untaught if NEEDS_CODE.contains(&intent) && !SAYS_ENOUGH.contains(&intent) => return None,
        Attempt::Unfit | Attempt::Untaught => None,
    };
    // A lock by name holds as a parent's does.
    let judged = if intent == "lock-name" { "lock-parent" } else { intent };
    let proof = case.cures.proof(judged).unwrap_or(Proof::Closes);
    (proof != Proof::Breaks).then_some((proof, sketch))
}

/// Whether a unique key would forbid what the program does.
fn is_unfit(case: &Case, code: &dyn Fn(&str) -> Attempt) -> bool {
    code("add-unique-key") == Attempt::Unfit && !case.looked.is_empty()
}

fn is_key(intent: &str) -> bool {
    matches!(intent, "add-unique-key" | "add-partial-key")
}

/// The key that a check asks for: the columns that vary, among the rows with the constants that it names.
fn key_in_words(case: &Case) -> String {
    let constant = |column: &String| case.constants.iter().find(|(name, _)| name == column).map(|(_, value)| value);
    let varying: Vec<String> = case.looked.iter().filter(|column| constant(column).is_none()).cloned().collect();
    if varying.is_empty() {
        return quoted(&case.looked);
    }
    let fixed = case.looked.iter().filter_map(|column| Some((column.as_str(), constant(column)?)));
    let rows: Vec<String> = fixed.map(|(column, value)| row_in_words(column, value)).collect();
    if rows.is_empty() { quoted(&varying) } else { format!("{} among rows {}", quoted(&varying), rows.join(" and ")) }
}

/// The rows with a value in a column.
fn row_in_words(column: &str, value: &Literal) -> String {
    match value {
        Literal::Null | Literal::Unset => format!("without `{column}`"),
        Literal::Bool(true) => format!("with `{column}`"),
        Literal::Bool(false) => format!("with `{column}` false"),
        Literal::Number(text) | Literal::Text(text) => format!("with `{column}` {text}"),
    }
}

/// What holds where nothing else does: one of two is made to wait, or is run again.
fn last_resort(case: &Case) -> Vec<Remedy> {
    if case.database.name == "sqlite" {
        return vec![remedy(
            "wrap-in-transaction",
            "run the check and the act in one transaction: on sqlite one writer at a time is let in",
        )];
    }
    vec![
        remedy(
            "lock-parent",
            "lock the row they belong to first in a transaction at read committed, then look and act",
        ),
        remedy("lock-name", NAMED),
        remedy("raise-isolation", "or run the look and the act in one serializable transaction, with a retry"),
    ]
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

/// What there is to say of a failure that matters little.
pub(super) fn why_mild(case: &Case) -> Option<String> {
    let note = match case.mild? {
        Mild::OnlyWords => {
            "one after the other the second one fails as well, by an error of its own: only its words differ"
        }
        Mild::OnceForAll => "it is always the same row, and once it is there nobody makes it again",
    };
    Some(note.to_owned())
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
