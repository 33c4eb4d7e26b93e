//! One run at a time: the caller takes the turns and sees what comes of each. What the search does for all schedules at
//! once, and what a test needs that takes the same turns on a real server.

use std::rc::Rc;

use super::code::{Op, flatten};
use super::engine::{Engine, Rules};
use super::expr::{Env, Row};
use super::lang::Program;
use super::scheduler::{Act, Machine, Move, ScheduleStep};
use super::schema::{Schema, Table};
use super::search::{Outcome, outcome};
use super::state::{State, Who};
use super::store::Store;
use super::verdict::Initial;

/// Two programs and the rows they start from.
#[derive(Debug)]
pub struct Trial {
    pub(super) engine: Engine,
    pub(super) schema: Schema,
    pub(super) code: [Vec<Op>; 2],
    pub(super) start: State,
}

impl Trial {
    /// Two programs that run at the same time, with their arguments.
    #[must_use]
    pub fn new(engine: Engine, tables: &[Table], programs: [&Program; 2], initial: &Initial, env: [&Env; 2]) -> Self {
        let mut schema = Schema::new(tables);
        let code = programs.map(|program| flatten(program, &mut schema));
        let rows: Vec<_> = initial.rows().map(|(table, row)| (schema.table(table), row)).collect();
        let mut store = Store::new(schema.shapes().count());
        for (table, row) in rows {
            store.seed(table, schema.shape(table), row);
        }
        Self { engine, schema, code, start: State::new(store, env) }
    }

    /// The trial before its first step, once for each set of rules that the engine may go by: an engine that is free to
    /// lock rows in any order has several.
    #[must_use]
    pub fn runs(&self) -> Vec<Run<'_>> {
        self.engine.rules(&self.schema).into_iter().map(|rules| self.begin(rules)).collect()
    }

    fn begin<'a>(&'a self, rules: Box<dyn Rules + 'a>) -> Run<'a> {
        let mut state = self.start.clone();
        let machine = Machine { rules: &*rules, code: &self.code, barriers: false, commits_at_once: true };
        for who in Who::BOTH {
            machine.advance(&mut state, who);
        }
        Run { trial: self, rules: rules.into(), state }
    }
}

/// A trial on its way. Statements outside a transaction commit at once, and a session whose lock has come free goes on
/// before anybody else does, as on a server.
#[derive(Clone)]
pub struct Run<'a> {
    trial: &'a Trial,
    rules: Rc<dyn Rules + 'a>,
    state: State,
}

impl Run<'_> {
    fn machine(&self) -> Machine<'_> {
        Machine { rules: &*self.rules, code: &self.trial.code, barriers: false, commits_at_once: true }
    }

    fn moves(&self) -> Vec<(Who, Move)> {
        let moves = self.machine().moves(&self.state, None);
        let woken = moves.iter().copied().find(|(who, kind)| *kind == Move::Run && self.waits(*who));
        woken.map_or(moves, |woken| vec![woken])
    }

    /// The sessions whose turn it may be; none if both are done.
    #[must_use]
    pub fn turns(&self) -> Vec<Who> {
        self.moves().into_iter().map(|(who, _)| who).collect()
    }

    /// Do both wait for each other? Then who takes a turn is the one to fail.
    #[must_use]
    pub fn is_deadlocked(&self) -> bool {
        self.moves().iter().any(|(_, kind)| *kind == Move::Deadlock)
    }

    /// Has a session asked for something that it has not got yet?
    #[must_use]
    pub fn waits(&self, who: Who) -> bool {
        self.state[who].wants.is_some()
    }

    /// What a session runs next; `None` if it is done.
    #[must_use]
    pub fn next(&self, who: Who) -> Option<(Act, Option<u32>)> {
        (!self.state[who].done).then(|| self.machine().act(&self.state, who))
    }

    /// A session takes its turn; `None` if it is not its turn.
    pub fn take(&mut self, who: Who) -> Option<ScheduleStep> {
        let (_, kind) = self.moves().into_iter().find(|(turn, _)| *turn == who)?;
        let (state, step) = self.machine().step(&self.state, who, kind);
        self.state = state;
        step
    }

    /// The rows that a session's variable holds.
    #[must_use]
    pub fn rows(&self, who: Who, variable: &str) -> Vec<Row> {
        self.state[who].vars.rows(variable).iter().map(|row| Row::clone(row)).collect()
    }

    /// What there is to see now.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        outcome(&self.state, &self.trial.schema)
    }
}
