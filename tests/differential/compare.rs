//! One pair of programs, in every order of their statements, in the model and on a server at the same time.
//!
//! A **schedule** is a list of sessions: whose statement is sent next. A session that waits is passed over until it has
//! been answered. After each statement both sides come to rest, and everything there is to see must be the same: who waits,
//! what was read, how many rows were hit, which error came; and at last the rows.
//!
//! Where the model leaves something open (who gives way in a deadlock, in which order rows are locked), whatever it allows
//! is right; the model then goes on as the server did.

use std::fmt;

use toctou::interleave::{Act, Engine, Env, Level, Run, ScheduleStep, StepOutcome, Trial, Who};

use crate::lanes::{Answer, Command, Seen, Server};
use crate::program::{OnError, Pair};
use crate::sql::{Dialect, variable};
use crate::tables::{self, Shape};

/// Where model and server part.
#[derive(Debug)]
pub struct Difference {
    pub pair: Pair,
    /// What was sent, and what was seen of it.
    transcript: Vec<String>,
    /// What the model has instead of the last line.
    expected: Vec<String>,
    /// What the last statement came to on the server.
    pub server: Rest,
    /// What it may come to in the model.
    pub model: Vec<Rest>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.pair)?;
        for line in &self.transcript {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  but the model says {}", self.expected.join(", or "))
    }
}

/// What the comparison of a pair has come to.
#[derive(Debug, Default)]
pub struct Compared {
    pub schedules: usize,
    pub differences: Vec<Difference>,
}

/// Runs every schedule of a pair.
pub fn compare(engine: Engine, server: &mut dyn Server, pair: &Pair) -> Compared {
    let blocks = pair.programs.each_ref().map(|program| program.block());
    let [a, b] = &blocks;
    let trial = Trial::new(engine, &tables::model(), [a, b], &pair.initial(), [&Env::new(), &Env::new()]);
    let mut compared = Compared::default();
    for schedule in schedules(pair, &trial) {
        compared.schedules += 1;
        let result = Replay::new(pair, server, &trial).follow(&schedule);
        compared.differences.extend(result.err().map(|difference| *difference));
    }
    compared
}

/// Everything that can be seen of each session once nothing moves.
pub type Rest = [Option<Seen>; 2];

/// The model at one point of a schedule.
#[derive(Clone)]
struct Candidate<'a> {
    pair: &'a Pair,
    run: Run<'a>,
    /// A statement outside a transaction has run, and its commit waits: a server has not answered yet.
    unanswered: [Option<Answer>; 2],
}

impl<'a> Candidate<'a> {
    fn all(pair: &'a Pair, trial: &'a Trial) -> Vec<Self> {
        trial.runs().into_iter().map(|run| Self { pair, run, unanswered: [None, None] }).collect()
    }

    /// The states in which the model may come to rest after a session's turn, with what there is to see.
    fn after(mut self, who: Who, mut seen: Rest, found: &mut Vec<(Self, Rest)>) {
        let Some(step) = self.run.take(who) else { return };
        let slot = who.index();
        seen[slot] = Some(match self.answer(&step) {
            None => Seen::Waits,
            Some(answer) => Seen::Answered(self.unanswered[slot].take().unwrap_or(answer)),
        });
        let commits = matches!(self.run.next(who), Some((Act::Commit, _))) && step.act != Act::Commit;
        match &seen[slot] {
            Some(Seen::Answered(answer)) if commits && self.pair.programs[slot].level.is_none() => {
                self.unanswered[slot] = Some(answer.clone());
                return self.after(who, seen, found);
            }
            _ => {}
        }
        let turns = self.run.turns();
        if self.run.is_deadlocked() {
            for victim in turns {
                self.clone().after(victim, seen.clone(), found);
            }
        } else if let Some(woken) = turns.into_iter().find(|who| self.run.waits(*who)) {
            self.after(woken, seen, found);
        } else {
            found.push((self, seen));
        }
    }

    /// What a server would answer; `None` while the session waits.
    fn answer(&self, step: &ScheduleStep) -> Option<Answer> {
        Some(match &step.outcome {
            StepOutcome::Waits => return None,
            StepOutcome::Rows(_) => {
                let mark = step.tag.unwrap_or_default();
                let rows = self.run.rows(step.session, &variable(mark));
                let statement = &self.pair.programs[step.session.index()].statements[mark as usize];
                let shape = statement.table().map(Shape::named).expect("what reads rows has a table");
                Answer::Rows(shape.written(&rows))
            }
            StepOutcome::Count(count) => Answer::Count(*count),
            StepOutcome::Ok => Answer::Done,
            StepOutcome::RolledBack => Answer::RolledBack,
            StepOutcome::Failed(code) | StepOutcome::Deadlock(code) => Answer::Failed(code.clone()),
        })
    }
}

/// All schedules of a pair, as the model has them. A deadlock leaves nothing to choose, whoever gives way.
fn schedules(pair: &Pair, trial: &Trial) -> Vec<Vec<Who>> {
    let first = Candidate::all(pair, trial).swap_remove(0);
    let (mut all, mut todo) = (Vec::new(), vec![(Vec::new(), first)]);
    while let Some((schedule, candidate)) = todo.pop() {
        let turns = candidate.run.turns();
        if turns.is_empty() {
            all.push(schedule);
            continue;
        }
        for who in turns.into_iter().rev() {
            let mut next = Vec::new();
            candidate.clone().after(who, [None, None], &mut next);
            let longer: Vec<Who> = schedule.iter().copied().chain([who]).collect();
            todo.extend(next.into_iter().take(1).map(|(candidate, _)| (longer.clone(), candidate)));
        }
    }
    all
}

/// One schedule on its way, on both sides.
struct Replay<'a> {
    pair: &'a Pair,
    server: &'a mut dyn Server,
    candidates: Vec<Candidate<'a>>,
    begun: [bool; 2],
    waits: [bool; 2],
    transcript: Vec<String>,
}

impl<'a> Replay<'a> {
    fn new(pair: &'a Pair, server: &'a mut dyn Server, trial: &'a Trial) -> Self {
        server.reset(&pair.tables(), &pair.inserts());
        let candidates = Candidate::all(pair, trial);
        Self { pair, server, candidates, begun: [false; 2], waits: [false; 2], transcript: Vec::new() }
    }

    fn follow(mut self, schedule: &[Who]) -> Result<(), Box<Difference>> {
        let result = self.steps(schedule);
        if result.is_err() {
            self.clean_up();
        }
        result
    }

    fn steps(&mut self, schedule: &[Who]) -> Result<(), Box<Difference>> {
        let mut schedule = schedule.iter().copied();
        loop {
            let turns = self.candidates[0].run.turns();
            let wish = schedule.next();
            let Some(who) = wish.filter(|who| turns.contains(who)).or(turns.first().copied()) else { break };
            self.step(who)?;
        }
        for table in self.pair.tables() {
            self.compare_rows(table)?;
        }
        Ok(())
    }

    /// A session's next statement, on both sides.
    fn step(&mut self, who: Who) -> Result<(), Box<Difference>> {
        let command = self.command(who);
        let sql = command.sql.clone();
        self.server.start(who, command);
        let rest = self.server.settle();
        self.transcript.push(format!("{who}  {sql} -> {}", shown(&rest)));
        self.waits = rest.each_ref().map(|seen| *seen == Some(Seen::Waits));
        let (mut next, mut others) = (Vec::new(), Vec::new());
        for candidate in &self.candidates {
            // Who still waits is still seen to wait.
            let before = Who::BOTH.map(|who| candidate.run.waits(who).then_some(Seen::Waits));
            let mut found = Vec::new();
            candidate.clone().after(who, before, &mut found);
            for (candidate, model) in found {
                if agree(&model, &rest) {
                    next.push(candidate);
                } else {
                    others.push(model);
                }
            }
        }
        if next.is_empty() {
            let expected = others.iter().map(shown).collect();
            return Err(self.difference(expected, rest, others));
        }
        self.candidates = next;
        Ok(())
    }

    fn command(&mut self, who: Who) -> Command {
        let dialect = self.server.dialect();
        let program = &self.pair.programs[who.index()];
        let mut command = Command::default();
        match self.candidates[0].run.next(who) {
            Some((Act::Statement(_), Some(mark))) => {
                command.sql = program.statements[mark as usize].sql(dialect);
            }
            _ => {
                command.sql = "commit".to_owned();
                return command;
            }
        }
        let Some(level) = program.level else { return command };
        if !std::mem::replace(&mut self.begun[who.index()], true) {
            command.before = begin(dialect, level);
        }
        match program.on_error {
            OnError::End => command.after_error = Some("rollback"),
            OnError::GoOn => {}
            OnError::Savepoint => {
                command.before.push("savepoint here".to_owned());
                command.after = Some("release savepoint here");
                command.after_error = Some("rollback to savepoint here");
            }
        }
        command
    }

    fn compare_rows(&mut self, table: &str) -> Result<(), Box<Difference>> {
        let rows = self.server.rows(table);
        let shape = Shape::named(table);
        let model = |candidate: &Candidate<'_>| {
            let outcome = candidate.run.outcome();
            shape.written(outcome.rows.iter().filter(|(name, _)| **name == *table).map(|(_, row)| row))
        };
        let models: Vec<_> = self.candidates.iter().map(model).collect();
        if models.contains(&rows) {
            return Ok(());
        }
        self.transcript.push(format!("at last {table} holds {rows:?}"));
        Err(self.difference(models.iter().map(|rows| format!("{rows:?}")).collect(), [None, None], Vec::new()))
    }

    fn difference(&mut self, expected: Vec<String>, server: Rest, model: Vec<Rest>) -> Box<Difference> {
        Box::new(Difference { pair: self.pair.clone(), transcript: self.transcript.clone(), expected, server, model })
    }

    /// Ends what a difference has left open; who does not wait goes first, and with it what the other one waits for.
    fn clean_up(&mut self) {
        let mut order = Who::BOTH;
        order.sort_by_key(|who| self.waits[who.index()]);
        for who in order {
            assert!(!self.waits[who.index()], "{who} waits for nobody:\n{}", self.transcript.join("\n"));
            self.server.start(who, Command { sql: "rollback".to_owned(), ..Command::default() });
            self.waits = self.server.settle().map(|seen| seen == Some(Seen::Waits));
        }
    }
}

fn begin(dialect: Dialect, level: Level) -> Vec<String> {
    let name = match level {
        Level::ReadCommitted => "read committed",
        Level::RepeatableRead => "repeatable read",
        Level::Serializable => "serializable",
        Level::Deferred => "deferred",
        Level::Immediate => "immediate",
    };
    match dialect {
        Dialect::Postgres => vec![format!("begin isolation level {name}")],
        Dialect::MySql => vec![format!("set transaction isolation level {name}"), "begin".to_owned()],
        Dialect::Sqlite => vec![format!("begin {name}")],
    }
}

fn agree(model: &Rest, server: &Rest) -> bool {
    model.iter().zip(server).all(|pair| match pair {
        // What a server says of a lock or a commit that is fine does not matter.
        (Some(Seen::Answered(Answer::Done)), Some(Seen::Answered(answer))) => {
            !matches!(answer, Answer::Failed(_) | Answer::RolledBack)
        }
        (model, server) => model == server,
    })
}

fn shown(rest: &Rest) -> String {
    let one = |(who, seen): (Who, &Option<Seen>)| {
        Some(match seen.as_ref()? {
            Seen::Waits => format!("{who} waits"),
            Seen::Answered(Answer::Failed(code)) => format!("{who} fails: {code}"),
            Seen::Answered(answer) => format!("{who} {answer:?}"),
        })
    };
    Who::BOTH.into_iter().zip(rest).filter_map(one).collect::<Vec<_>>().join(", ")
}
