//! What a lock guards is looked at under one guard and changed under another. In between the lock is free.

use super::speech::{Remedy, Speech, advice, entity};
use crate::analysis::case::Case;
use crate::analysis::window::Link;
use crate::library::{Place, Verb};

/// Whether the case is this rule's.
pub(super) fn selects(case: &Case) -> bool {
    matches!(case.place, Some(Place::Shared | Place::Held))
}

/// The words for it.
pub(super) fn speak(case: &Case) -> Speech {
    let what = entity(case);
    let (message, check) = match &case.link {
        Link::Absence => (
            format!(
                "two threads can both find nothing in {what}, as the lock is let go of before one of them puts it there"
            ),
            "A and B both find nothing here",
        ),
        Link::Presence => (
            format!("two threads can both find the entry in {what}, as the lock is let go of before it is taken out"),
            "A and B both find it here",
        ),
        Link::Set => (
            format!(
                "two threads can both pass the test on the size of {what}, as the lock is let go of before it changes"
            ),
            "A and B both see the same size here",
        ),
        Link::Feeds(_) | Link::Next(_) => (
            format!(
                "two threads can both read {what} and write back what they made of it: the second undoes the first"
            ),
            "A and B both read it here",
        ),
        _ => (
            format!("two threads can both pass the test of {what}, as the lock is let go of before it changes"),
            "A and B both read it here, before either has changed it",
        ),
    };
    Speech {
        message,
        check: check.to_owned(),
        act: "both get here, under a guard of their own".to_owned(),
        notes: Vec::new(),
        remedies: remedies(case),
    }
}

fn remedies(case: &Case) -> Vec<Remedy> {
    let mut all = Vec::new();
    if matches!(case.act.verb, Some(Verb::Upsert | Verb::Create)) && matches!(case.link, Link::Absence | Link::Feeds(_))
    {
        all.push(advice("one call under the lock looks and puts, where making the value awaits nothing: `entry(…).or_insert_with(…)`"));
    }
    all.push(advice("hold one guard from the look to the change"));
    all.push(advice("or look again under the second guard, before anything is done"));
    all
}
