//! The search: every reachable outcome, with its simplest schedule.
//!
//! A uniform-cost search over states: by steps, then by changes of session, then by order of discovery. So the first
//! schedule to reach an outcome is the one to show, and it reads "A looks; B looks, acts, commits; A acts". Interleavings
//! that lead to the same state are followed once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::{FxBuildHasher, FxHashSet};

use super::ending::Ending;
use super::expr::{Name, Row, Value};
use super::scheduler::{Machine, ScheduleStep, StepOutcome};
use super::schema::Schema;
use super::state::{State, Who};

/// What two runs leave behind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// The committed rows with their tables, sorted. Keys that the store made up are left out, and where another column
    /// holds one it is numbered by its first appearance.
    pub rows: Vec<(Name, Row)>,
    /// The external effects, sorted.
    pub effects: Vec<(Name, Value)>,
    /// How each session ended.
    pub endings: [Ending; 2],
}

/// What a search has found.
pub(super) struct Found {
    /// In the order of discovery.
    pub outcomes: Vec<(Outcome, Vec<ScheduleStep>)>,
    pub states: usize,
    /// Sessions whose COMMIT rolled back a failed transaction.
    pub empty_commits: BTreeSet<Who>,
}

/// There are more states than the budget allows.
pub(super) struct BudgetExceeded;

/// A state and its hash, which is worked out once.
#[derive(PartialEq, Eq)]
struct Hashed {
    hash: u64,
    state: State,
}

impl Hashed {
    fn new(state: State) -> Self {
        Self { hash: FxBuildHasher.hash_one(&state), state }
    }
}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

/// A state to be visited: cost (steps, changes of session, order of discovery), and how it was reached.
struct Arrival {
    cost: (usize, usize, usize),
    state: Hashed,
    parent: Option<usize>,
    step: Option<ScheduleStep>,
    last: Who,
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        self.cost == other.cost
    }
}

impl Eq for Arrival {}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.cost.cmp(&other.cost)
    }
}

/// Explores all interleavings, or, with an order, runs only these sessions, one after the other.
pub(super) fn explore(
    machine: &Machine<'_>,
    schema: &Schema,
    mut start: State,
    order: Option<&[Who]>,
    budget: usize,
) -> Result<Found, BudgetExceeded> {
    for who in Who::BOTH {
        if order.is_none_or(|order| order.contains(&who)) {
            machine.advance(&mut start, who);
        } else {
            start[who].done = true;
        }
    }
    let mut trail: Vec<(Option<usize>, Option<ScheduleStep>)> = Vec::new();
    let mut visited = FxHashSet::default();
    let mut ends: Vec<(Outcome, usize)> = Vec::new();
    let mut empty_commits = BTreeSet::new();
    let first = Arrival { cost: (0, 0, 0), state: Hashed::new(start), parent: None, step: None, last: Who::A };
    let mut queue = BinaryHeap::from([Reverse(first)]);
    let mut discovered = 0;
    while let Some(Reverse(Arrival { cost: (steps, turns, _), state, parent, step, last })) = queue.pop() {
        if visited.contains(&state) {
            continue;
        }
        if trail.len() == budget {
            return Err(BudgetExceeded);
        }
        let here = trail.len();
        trail.push((parent, step));
        let moves = machine.moves(&state.state, order);
        if moves.is_empty() {
            let outcome = outcome(&state.state, schema);
            if ends.iter().all(|(known, _)| *known != outcome) {
                ends.push((outcome, here));
            }
        }
        for (who, kind) in moves {
            let (next, step) = machine.step(&state.state, who, kind);
            let next = Hashed::new(next);
            if step.as_ref().is_some_and(|step| step.outcome == StepOutcome::RolledBack) {
                empty_commits.insert(who);
            }
            if visited.contains(&next) {
                continue;
            }
            discovered += 1;
            let cost = (steps + usize::from(step.is_some()), turns + usize::from(who != last), discovered);
            queue.push(Reverse(Arrival { cost, state: next, parent: Some(here), step, last: who }));
        }
        visited.insert(state);
    }
    let schedule = |mut at: usize| {
        let mut steps: Vec<ScheduleStep> = trail[at].1.iter().cloned().collect();
        while let Some(parent) = trail[at].0 {
            at = parent;
            steps.extend(trail[at].1.clone());
        }
        steps.reverse();
        steps
    };
    let outcomes = ends.into_iter().map(|(outcome, end)| (outcome, schedule(end))).collect();
    Ok(Found { outcomes, states: trail.len(), empty_commits })
}

/// The outcome in a state.
pub(super) fn outcome(st: &State, schema: &Schema) -> Outcome {
    let mut rows = Vec::new();
    for (table, shape) in schema.shapes().enumerate() {
        for rid in st.store.rids(table) {
            let Some(row) = st.store.committed(table, rid).and_then(|version| version.row.as_ref()) else { continue };
            let mut row = Row::clone(row);
            if shape.generated {
                row.set(shape.key.clone(), Value::Null);
            }
            rows.push((shape.name.clone(), row));
        }
    }
    let mut outcome =
        Outcome { rows, effects: st.effects.clone(), endings: Who::BOTH.map(|who| st[who].ending.clone()) };
    number_generated(&mut outcome);
    outcome
}

/// Which keys the store made up depends on who came first, and on what failed. So they are numbered by their appearance
/// in the rows, which are sorted with these keys blotted out.
fn number_generated(outcome: &mut Outcome) {
    fn blot(value: &mut Value) {
        if let Value::Generated(number) = value {
            *number = 0;
        }
    }
    outcome.rows.sort_by_cached_key(|(table, row)| {
        let mut blotted = row.clone();
        blotted.values_mut().for_each(blot);
        (table.clone(), blotted, row.clone())
    });
    outcome.effects.sort_by_cached_key(|(name, key)| {
        let mut blotted = key.clone();
        blot(&mut blotted);
        (name.clone(), blotted, key.clone())
    });
    let mut numbers: Vec<u32> = Vec::new();
    let rows = outcome.rows.iter_mut().flat_map(|(_, row)| row.values_mut());
    for value in rows.chain(outcome.effects.iter_mut().map(|(_, key)| key)) {
        if let Value::Generated(number) = value {
            let place = numbers.iter().position(|known| known == number).unwrap_or_else(|| {
                numbers.push(*number);
                numbers.len() - 1
            });
            *number = u32::try_from(place).unwrap_or(u32::MAX);
        }
    }
    outcome.rows.sort();
    outcome.effects.sort();
}
