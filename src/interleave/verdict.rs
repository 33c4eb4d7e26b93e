//! The judge: is every outcome one that a serial order gives?
//!
//! The **serial references** are the outcomes of the sessions run one after the other, in both orders, and of each alone,
//! on the same engine, at the same level, from the same rows. They are never idealised.

use std::collections::{BTreeMap, BTreeSet};

use super::ending::{Code, Ending, Label};
use super::engine::{Engine, Rules};
use super::expr::{Env, Name, Row};
use super::lang::Program;
use super::scheduler::{Machine, ScheduleStep};
use super::schema::Table;
use super::search::{BudgetExceeded, Found, Outcome, explore};
use super::state::Who;
use super::trial::Trial;

/// The rows there are before anything runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initial(Vec<(Name, Row)>);

impl Initial {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more row.
    #[must_use]
    pub fn row(mut self, table: impl Into<Name>, row: Row) -> Self {
        self.0.push((table.into(), row));
        self
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Name, &Row)> {
        self.0.iter().map(|(table, row)| (table, row))
    }
}

/// What the judge has found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The worst there is.
    pub kind: Kind,
    /// The errors met in outcomes that are right but for a failure.
    pub codes: Vec<Code>,
    /// A session gave up in such an outcome.
    pub gave_up: bool,
    /// The simplest schedule to `outcome`; empty if all is well, or if serial order suffices.
    pub schedule: Vec<ScheduleStep>,
    /// The outcome the verdict rests on; none if all is well.
    pub outcome: Option<Outcome>,
    /// Every outcome there is, the simplest first.
    pub outcomes: Vec<Outcome>,
    /// What else there is to say, whatever the verdict.
    pub events: Vec<Event>,
    /// How many states the search has visited.
    pub states: usize,
}

/// The kinds of verdict, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Every outcome is fine.
    Closed,
    /// Every outcome is fine, but a session that fails leaves some of its writes behind, already in serial order: no
    /// race, a missing transaction.
    Partial,
    /// Every outcome is fine, or would be if the failed sessions had never run.
    Fails,
    /// Some outcome is neither.
    Open,
    /// The search was given up.
    Unknown,
}

/// What no comparison of outcomes shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A session committed a transaction that an error had failed before, and was told nothing.
    CommitOfFailedTransaction(Who),
    /// A session fails with this error already in a serial order.
    ErrorInSerialRun(Who, Code),
}

/// How to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judge {
    /// An outcome is also fine if a session declined, and the other one alone (or nobody) leaves the same behind. Without
    /// this, a session may decline only where a serial order lets it.
    pub declines_are_free: bool,
    /// A statement outside a transaction commits in its own step. The search is smaller and its schedules are plainer; it
    /// misses what happens between a single statement and its commit.
    pub commits_at_once: bool,
    /// Sessions stop at the programs' barriers, as in a test driver that forces one window.
    pub barriers: bool,
    /// The number of states at which a search is given up.
    pub budget: usize,
}

impl Default for Judge {
    fn default() -> Self {
        Self { declines_are_free: true, commits_at_once: false, barriers: false, budget: 10_000 }
    }
}

/// Judges two programs that run at the same time.
#[must_use]
pub fn judge(engine: Engine, tables: &[Table], programs: [&Program; 2], initial: &Initial, env: [&Env; 2]) -> Verdict {
    Judge::default().judge(engine, tables, programs, initial, env)
}

/// Outcomes as they are compared.
type Outcomes = BTreeSet<Outcome>;

/// What the searches of all rules of an engine have found.
#[derive(Default)]
struct Evidence {
    /// All outcomes with their schedules, in the order of discovery.
    concurrent: Vec<(Outcome, Vec<ScheduleStep>)>,
    /// By the sessions that run: the outcomes of every order of them.
    serial: BTreeMap<Vec<Who>, Outcomes>,
    events: BTreeSet<Event>,
    states: usize,
}

impl Judge {
    /// Judges two programs that run at the same time, with their arguments.
    #[must_use]
    pub fn judge(
        &self,
        engine: Engine,
        tables: &[Table],
        programs: [&Program; 2],
        initial: &Initial,
        env: [&Env; 2],
    ) -> Verdict {
        let trial = Trial::new(engine, tables, programs, initial, env);
        let mut evidence = Evidence::default();
        for rules in engine.rules(&trial.schema) {
            if self.gather(&mut evidence, &trial, &*rules).is_err() {
                return evidence.verdict(Kind::Unknown);
            }
        }
        // The simplest first; equally simple ones stay in the order of discovery.
        evidence.concurrent.sort_by_key(|(_, schedule)| schedule.len());
        self.weigh(evidence)
    }

    fn gather(&self, evidence: &mut Evidence, trial: &Trial, rules: &dyn Rules) -> Result<(), BudgetExceeded> {
        let Trial { schema, code, start, .. } = trial;
        let free = Machine { rules, code, barriers: false, commits_at_once: self.commits_at_once };
        let orders: [&[Who]; 5] = [&[Who::A, Who::B], &[Who::B, Who::A], &[Who::A], &[Who::B], &[]];
        for order in orders {
            let found = explore(&free, schema, start.clone(), Some(order), self.budget)?;
            let mut sessions = order.to_vec();
            sessions.sort_unstable();
            for (outcome, _) in &found.outcomes {
                for (who, ending) in Who::BOTH.into_iter().zip(&outcome.endings) {
                    if let Ending::Failed(code) = ending {
                        evidence.events.insert(Event::ErrorInSerialRun(who, code.clone()));
                    }
                }
                evidence.serial.entry(sessions.clone()).or_default().insert(compared(outcome));
            }
            evidence.note(&found);
        }
        if self.commits_at_once && Who::BOTH.iter().all(|who| evidence.is_idle(*who)) {
            // Neither changes anything by itself, so neither can change what the other does.
            return Ok(());
        }
        let machine = Machine { barriers: self.barriers, ..free };
        let found = explore(&machine, schema, start.clone(), None, self.budget)?;
        evidence.note(&found);
        evidence.states += found.states;
        for (outcome, schedule) in found.outcomes {
            match evidence.concurrent.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, shortest)) if schedule.len() < shortest.len() => *shortest = schedule,
                Some(_) => {}
                None => evidence.concurrent.push((outcome, schedule)),
            }
        }
        Ok(())
    }

    fn weigh(&self, evidence: Evidence) -> Verdict {
        let mut codes = BTreeSet::new();
        let mut gave_up = false;
        let (mut failing, mut open, mut aborted) = (None, None, None);
        for (place, (outcome, _)) in evidence.concurrent.iter().enumerate() {
            let whole = compared(outcome);
            if evidence.serial_has(&Who::BOTH, &whole) {
                continue;
            }
            let ending = |who: Who| &outcome.endings[who.index()];
            if self.runs_that_count(outcome).iter().any(|runs| evidence.serial_has(runs, &whole)) {
                for who in Who::BOTH {
                    match ending(who) {
                        Ending::Failed(code) => codes.extend([code.clone()]),
                        Ending::Answered(Label::GaveUp(_)) => gave_up = true,
                        _ => continue,
                    }
                    failing = failing.or(Some(place));
                }
            } else if Who::BOTH.iter().any(|who| matches!(ending(*who), Ending::Failed(code) if code.is_conflict())) {
                aborted = aborted.or(Some(place));
            } else {
                open = open.or(Some(place));
            }
        }
        // What nobody was told of says more than what a session left behind that the database has aborted.
        let mut verdict = if let Some(place) = open.or(aborted) {
            evidence.verdict_at(Kind::Open, place)
        } else if let Some(place) = failing {
            evidence.verdict_at(Kind::Fails, place)
        } else if let Some(outcome) = evidence.leftover() {
            Verdict { outcome: Some(outcome), ..evidence.verdict(Kind::Partial) }
        } else {
            evidence.verdict(Kind::Closed)
        };
        verdict.codes = codes.into_iter().collect();
        verdict.gave_up = gave_up;
        verdict
    }

    /// The sets of sessions that may have gone through while the others did nothing: those that failed have not, those
    /// that declined may not have.
    fn runs_that_count(&self, outcome: &Outcome) -> Vec<Vec<Who>> {
        let mut sets = vec![Vec::new()];
        for (who, ending) in Who::BOTH.into_iter().zip(&outcome.endings) {
            if ending.failed() {
                continue;
            }
            let with = sets.iter().cloned().map(|mut set: Vec<Who>| {
                set.push(who);
                set
            });
            let with: Vec<_> = with.collect();
            if self.declines_are_free && ending.declined() {
                sets.extend(with);
            } else {
                sets = with;
            }
        }
        sets
    }
}

impl Evidence {
    fn note(&mut self, found: &Found) {
        self.events.extend(found.empty_commits.iter().map(|who| Event::CommitOfFailedTransaction(*who)));
    }

    /// Does a session, run alone, leave everything as it is, without an error?
    fn is_idle(&self, who: Who) -> bool {
        let alone = self.serial.get(&vec![who]);
        let nobody = self.serial.get(&Vec::new());
        alone.into_iter().flatten().all(|outcome| {
            let same = |before: &Outcome| before.rows == outcome.rows && before.effects == outcome.effects;
            !outcome.endings[who.index()].failed() && nobody.into_iter().flatten().any(same)
        })
    }

    /// Do these sessions, run alone in some order, leave the same behind and end the same way?
    fn serial_has(&self, runs: &[Who], outcome: &Outcome) -> bool {
        let outcome = only(runs, outcome);
        self.serial.get(runs).is_some_and(|serial| serial.iter().any(|other| only(runs, other) == outcome))
    }

    /// A serial outcome in which a failed session has left something behind.
    fn leftover(&self) -> Option<Outcome> {
        let spoilt = |outcome: &&Outcome| {
            let through: Vec<Who> =
                Who::BOTH.into_iter().filter(|who| !outcome.endings[who.index()].failed()).collect();
            through.len() < 2 && !self.serial_has(&through, outcome)
        };
        self.serial.get(&Who::BOTH[..])?.iter().find(spoilt).cloned()
    }

    fn verdict_at(self, kind: Kind, place: usize) -> Verdict {
        let (outcome, schedule) = self.concurrent[place].clone();
        Verdict { outcome: Some(outcome), schedule, ..self.verdict(kind) }
    }

    fn verdict(self, kind: Kind) -> Verdict {
        Verdict {
            kind,
            codes: Vec::new(),
            gave_up: false,
            schedule: Vec::new(),
            outcome: None,
            outcomes: self.concurrent.into_iter().map(|(outcome, _)| outcome).collect(),
            events: self.events.into_iter().collect(),
            states: self.states,
        }
    }
}

/// An outcome without what is shown and not compared.
fn compared(outcome: &Outcome) -> Outcome {
    Outcome { endings: outcome.endings.each_ref().map(Ending::compared), ..outcome.clone() }
}

/// An outcome as far as it concerns the rows, the effects and these sessions.
fn only(runs: &[Who], outcome: &Outcome) -> Outcome {
    let ending = |who: Who| if runs.contains(&who) { outcome.endings[who.index()].clone() } else { Ending::Quiet };
    Outcome { endings: Who::BOTH.map(ending), ..outcome.clone() }
}
