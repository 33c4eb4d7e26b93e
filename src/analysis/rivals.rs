//! Decisions that another function can make stale.
//!
//! A **reliance** is an act that rests on a column which the act itself leaves alone: against its own twin nothing goes
//! wrong. A **mover** is a function that moves that column and has itself read what the act writes. Each then decided on a
//! state that the other one changes; whether some order of their statements shows it is for the judge to find. Both are
//! reduced to what bears on that: the reads, the locks, the move, and the transaction around them.

use std::sync::Arc;

use super::case::{Case, Place};
use super::database::Database;
use super::window::Link;
use crate::finding::{Anomaly, Schedule, ScheduleStep};
use crate::interleave::{
    self as judge, Act, Block, Env, Initial, Judge, Kind, Node, Row, StepOutcome, Table, Verdict, Who, block, col,
    declined, did, effect, field, insert, ret, size, tx, update, when,
};
use crate::library::Verb;
use crate::link::FuncRef;
use crate::text::Span;

/// An act that rests on a column which it does not move.
#[derive(Clone, Debug)]
pub struct Reliance {
    /// The window, as far as it is known without the rival.
    pub case: Case,
    /// The entity whose row was checked.
    pub entity: String,
    /// The columns that decide.
    pub columns: Vec<String>,
    /// The columns that the act writes, where it changes the checked row itself.
    pub written: Vec<String>,
    /// The columns that it writes a constant into, and the constants.
    pub constants: Vec<(String, String)>,
    /// Whether the row is locked before or by the check.
    pub locked: bool,
    /// What the check asks of the columns.
    pub demands: Vec<Demand>,
    /// The entities of which the transaction around both has locked rows before.
    pub locks: Vec<String>,
    /// All functions that take part in it.
    pub runs: Arc<[FuncRef]>,
}

/// What a decision asks of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The column.
    pub column: String,
    /// The value it is compared with; `None` stands for any value that is there, or true.
    pub value: Option<String>,
    /// Whether it must be that value, or must not.
    pub equal: bool,
}

/// A column and what it is moved to, as far as that is a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The column.
    pub column: String,
    /// The new value; the empty text stands for nothing or false.
    pub to: Option<String>,
}

impl Demand {
    /// Whether a move makes the decision wrong.
    fn is_broken_by(&self, moved: &Moved) -> bool {
        if moved.column != self.column {
            return false;
        }
        match (&self.value, &moved.to, self.equal) {
            (Some(wanted), Some(to), equal) => (wanted != to) == equal,
            // Moved to something that is not known: to anything but one value is likely, to just one is not.
            (Some(_), None, equal) => equal,
            (None, Some(to), equal) => to.is_empty() == equal,
            (None, None, equal) => !equal,
        }
    }
}

impl Demand {
    /// Whether no row can meet both.
    fn excludes(&self, other: &Self) -> bool {
        let is_there = |demand: &Self| match (&demand.value, demand.equal) {
            (None, there) => Some(there),
            (Some(value), true) => Some(!value.is_empty()),
            (Some(value), false) => value.is_empty().then_some(true),
        };
        let apart = match (&self.value, &other.value) {
            (Some(one), Some(two)) if self.equal && other.equal => one != two,
            (Some(one), Some(two)) => one == two && self.equal != other.equal,
            _ => false,
        };
        let one_is_gone = is_there(self).zip(is_there(other)).is_some_and(|(one, two)| one != two);
        self.column == other.column && (apart || one_is_gone)
    }
}

/// What a mover does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Locks the row.
    Lock,
    /// Moves the column; `guarded` if it tests its old value in the same statement.
    Move {
        /// Whether the statement tests the old value.
        guarded: bool,
    },
    /// Reads what the other one writes.
    Read,
}

/// A function that moves a column and has read other rows, or other columns, along the way.
#[derive(Clone, Debug)]
pub struct Mover {
    /// The entity it moves a column of.
    pub entity: String,
    /// The columns it moves.
    pub moved: Vec<Moved>,
    /// Whether it has read a set of rows, or their number.
    pub reads_set: bool,
    /// The entity it has read and made use of.
    pub read: String,
    /// The columns it made use of.
    pub read_columns: Vec<String>,
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// Whether it runs in a transaction, and the level that asks for.
    pub transaction: Option<Option<String>>,
    /// Where it moves the column.
    pub place: Place,
    /// Where it reads.
    pub read_place: Place,
    /// What it asks of the rows it reads, as far as that is a column and a constant.
    pub asked: Vec<(String, String)>,
    /// What it asks of the row's columns before it moves it.
    pub demands: Vec<Demand>,
    /// The entities of which its transaction has locked rows before.
    pub locks: Vec<String>,
    /// The function itself.
    pub root: FuncRef,
    /// All functions that take part in it.
    pub runs: Arc<[FuncRef]>,
    /// Its name.
    pub function: String,
}

/// A statement outside a transaction commits at once: an order that only shows in the gap between the two reads like one
/// run after the other.
const PLAIN: Judge = Judge { declines_are_free: true, commits_at_once: true, barriers: false, budget: 600 };

/// Marks of the statements.
const LOOK: u32 = 0;
const ACT: u32 = 1;
const LOCK: u32 = 2;
const READ: u32 = 3;
const MOVE: u32 = 4;

impl Mover {
    /// Whether it can make a decision stale: it moves what was asked for, and its reading depends on what is written.
    #[must_use]
    pub fn concerns(&self, reliance: &Reliance) -> bool {
        let breaks = self.moved.iter().any(|moved| reliance.demands.iter().any(|demand| demand.is_broken_by(moved)));
        let overlap = self.read_columns.iter().any(|c| reliance.written.contains(c));
        let reads_it = match reliance.case.act.verb {
            // A row more or less shows only in a set.
            Some(Verb::Create | Verb::Delete) => self.reads_set,
            _ => overlap,
        };
        let itself = self.read == reliance.entity;
        // What it writes back to the same row is a lost update, and no decision.
        let carries = |column: &String| self.moved.iter().any(|moved| moved.column == *column);
        let decides_by_it = self.read_columns.iter().any(|c| reliance.written.contains(c) && !carries(c));
        // What is written where it does not look, it does not miss.
        let apart = self.asked.iter().any(|(column, value)| {
            reliance.constants.iter().any(|(written, constant)| written == column && constant != value)
        });
        // Both lock rows of one entity first: most likely the same one, which both belong to.
        let in_turns = self.locks.iter().any(|entity| reliance.locks.contains(entity));
        // Only one of the two can go through from the state that both find: what comes between takes a third.
        let never_meet = self.demands.iter().any(|demand| reliance.demands.iter().any(|other| demand.excludes(other)));
        // Who runs the other one runs beside itself, and that has been judged.
        let itself_again = self.runs.contains(&reliance.case.seen_by) || reliance.runs.contains(&self.root);
        breaks
            && self.read == reliance.case.act.entity
            && reads_it
            && (!itself || decides_by_it && !reliance.written.iter().any(|c| reliance.columns.contains(c)))
            && self.place != reliance.case.act
            && !apart
            && !never_meet
            && !in_turns
            && !itself_again
    }
}

/// The case that a mover makes of a reliance; `None` if no order of their statements goes wrong.
#[must_use]
pub fn judge(reliance: &Reliance, mover: &Mover, database: &Database) -> Option<Case> {
    let same_row = mover.read == reliance.entity;
    let by_key = || col("id").eq(1);
    let mut look = judge::read("checked").filter(by_key()).to("row").tag(LOOK);
    if reliance.locked {
        look = look.for_update();
    }
    let closed = when(field("row", "state").ne("open"), ret(declined("closed")));
    let act: Block = if same_row {
        update("checked").filter(by_key()).set("other", "new").tag(ACT).into()
    } else {
        match reliance.case.act.verb {
            Some(Verb::Delete) => judge::delete("written").filter(col("of").eq(1)).tag(ACT).into(),
            Some(Verb::Update) => update("written").filter(col("of").eq(1)).set("other", "new").tag(ACT).into(),
            _ => insert("written").set("of", 1).set("other", "new").tag(ACT).into(),
        }
    };
    let relying = if reliance.case.in_transaction {
        let asked = reliance.case.isolation.as_deref().filter(|_| !reliance.case.default_isolation);
        block![in_transaction(asked, database, block![look, closed, act]), ret(did("done"))]
    } else {
        block![look, closed, act, ret(did("done"))]
    };
    let moving = moving(mover, database, same_row);

    let checked = Table::new("checked").key("#").generated_key().unique(["id"]);
    let written = Table::new("written").key("#").generated_key().index(["of"]);
    let row = Row::new().with("id", 1).with("state", "open").with("other", "old");
    let mut initial = Initial::new().row("checked", row);
    if !same_row {
        initial = initial.row("written", Row::new().with("of", 1).with("other", "old"));
    }
    let env = Env::new();
    let tables = [checked, written];
    let verdict = PLAIN.judge(database.engine(), &tables, [&relying, &moving], &initial, [&env, &env]);
    if verdict.kind != Kind::Open {
        return None;
    }
    if reliance.locked {
        // What a lock holds stays as it was seen until the act: it is the mover that has read too early.
        return Some(read_too_early(reliance, mover, &verdict));
    }
    let mut case = reliance.case.clone();
    let moved: Vec<String> =
        reliance.columns.iter().filter(|c| mover.moved.iter().any(|moved| moved.column == **c)).cloned().collect();
    if !moved.is_empty() {
        case.link = Link::Column(moved);
    }
    case.anomaly = Anomaly::StaleDecision;
    case.severity = crate::finding::Severity::Error;
    case.rival = Some((mover.function.clone(), mover.place.clone()));
    let ending = format!("A relies on what B has changed, and B (`{}`) on what A has changed", mover.function);
    case.schedule = schedule(&verdict.schedule, &case, ['A', 'B'], &reliance.case, mover, ending);
    Some(case)
}

/// The case of a mover that has read what a decision writes before the decision's lock let it go on.
fn read_too_early(reliance: &Reliance, mover: &Mover, verdict: &Verdict) -> Case {
    let relying = &reliance.case;
    let mut case = relying.clone();
    case.link = Link::Set;
    case.entity.clone_from(&mover.entity);
    case.function.clone_from(&mover.function);
    (case.check, case.act, case.seen_act) = (mover.read_place.clone(), mover.place.clone(), mover.place.clone());
    case.rival = Some((relying.function.clone(), relying.act.clone()));
    (case.decided, case.calls, case.looked) = (Vec::new(), Vec::new(), Vec::new());
    (case.transaction, case.in_transaction, case.isolation) = (None, false, None);
    (case.ambient, case.seen_by) = (false, mover.root);
    (case.anomaly, case.severity) = (Anomaly::StaleDecision, crate::finding::Severity::Error);
    let ending = format!(
        "A has not seen what B (`{}`) has written, and B could not see what A was about to do",
        relying.function
    );
    case.schedule = schedule(&verdict.schedule, &case, ['B', 'A'], relying, mover, ending);
    case
}

fn in_transaction(asked: Option<&str>, database: &Database, body: Block) -> Node {
    tx(database.level(asked), body)
}

fn moving(mover: &Mover, database: &Database, same_row: bool) -> Block {
    let by_key = || col("id").eq(1);
    let table = if same_row { "checked" } else { "written" };
    let mut body = Block::new();
    for step in &mover.steps {
        match step {
            Step::Lock => {
                body.push(judge::read("checked").filter(by_key()).for_update().to("locked").tag(LOCK));
                body.push(when(field("locked", "state").ne("open"), ret(declined("closed"))));
            }
            Step::Move { guarded } => {
                let filter = if *guarded { by_key() & col("state").eq("open") } else { by_key() };
                body.push(update("checked").filter(filter).set("state", "closed").to("moved").tag(MOVE));
                if *guarded {
                    body.push(when(size("moved").eq(0), ret(declined("closed"))));
                }
            }
            Step::Read => {
                let filter = if same_row { by_key() } else { col("of").eq(1) };
                body.push(judge::read(table).filter(filter).to("seen").tag(READ));
            }
        }
    }
    let body = match &mover.transaction {
        Some(asked) => block![in_transaction(asked.as_deref(), database, body)],
        None => body,
    };
    // What it makes of the rows it has read is part of what it does, once it has gone through.
    let made_of_it = block![effect("number of rows", size("seen")), effect("what they held", field("seen", "other"))];
    block![body, made_of_it, ret(did("moved"))]
}

/// The schedule of a case, in words. The relying run and the mover are called by `names`.
fn schedule(
    steps: &[judge::ScheduleStep],
    case: &Case,
    names: [char; 2],
    relying: &Case,
    mover: &Mover,
    ending: String,
) -> Schedule {
    let mut words = Vec::new();
    for step in steps {
        let session = names[usize::from(step.session != Who::A)];
        if matches!(step.act, Act::Commit) {
            if step.tag.is_none() {
                let outcome = match &step.outcome {
                    StepOutcome::Failed(code) | StepOutcome::Deadlock(code) => format!("error {code}"),
                    _ => "ok".to_owned(),
                };
                let op = "commit".to_owned();
                words.push(ScheduleStep { session, path: None, span: Span::default(), op, outcome });
            }
            continue;
        }
        let (place, op) = match step.tag {
            Some(LOOK) => (&relying.check, format!("{} {}", relying.check.call, relying.check.entity)),
            Some(ACT) => (&relying.act, format!("{} {}", relying.act.call, relying.act.entity)),
            Some(READ) => (&mover.read_place, format!("{} {}", mover.read_place.call, mover.read)),
            Some(LOCK) => (&mover.place, format!("lock {}", mover.entity)),
            _ => (&mover.place, format!("{} {}", mover.place.call, mover.entity)),
        };
        let outcome = match &step.outcome {
            StepOutcome::Rows(0) => "none".to_owned(),
            StepOutcome::Rows(_) => "read".to_owned(),
            StepOutcome::Waits => format!("waits for {}", if session == 'A' { 'B' } else { 'A' }),
            StepOutcome::Failed(code) | StepOutcome::Deadlock(code) => format!("error {code}"),
            _ => "ok".to_owned(),
        };
        words.push(ScheduleStep { session, path: Some(place.path.clone()), span: place.span, op, outcome });
    }
    Schedule {
        engine: case.database.name.clone(),
        isolation: case.isolation.clone(),
        assumed: case.database.assumed,
        anomaly: Anomaly::StaleDecision,
        steps: words,
        ending: Some(ending),
    }
}
