//! The machine: what a session does when it is its turn, and whose turn it may be.
//!
//! A **step** is one database statement or one commit. A statement outside a transaction is two, run and commit, with its
//! locks held in between (as one step, a race between two single statements could not be seen); only a plain read is one.
//! Everything between two steps runs with the first of them.

use std::fmt;
use std::sync::Arc;

use super::code::{Frame, Op};
use super::ending::{Code, Ending};
use super::engine::{Committed, DbError, Rules, Stop};
use super::lang::{Read, Stmt};
use super::schema::TableId;
use super::state::{Extent, Handler, Savepoint, State, Tx, Who};

/// One step of a schedule, for people to read and for the caller to map back to source code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleStep {
    /// Whose step it is.
    pub session: Who,
    /// What it ran.
    pub act: Act,
    /// The caller's mark: of the statement, also for its commit outside a transaction; else of the transaction.
    pub tag: Option<u32>,
    /// What came of it.
    pub outcome: StepOutcome,
}

/// What a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A statement.
    Statement(Arc<Stmt>),
    /// The commit of a transaction, or of a statement outside one.
    Commit,
}

/// What comes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It read so many rows.
    Rows(usize),
    /// It inserted, matched or deleted so many.
    Count(usize),
    /// Done.
    Ok,
    /// A commit that rolled back, as the transaction had failed before.
    RolledBack,
    /// It has to wait for the other session.
    Waits,
    /// An error.
    Failed(Code),
    /// It has waited, and is the one to give way.
    Deadlock(Code),
}

impl fmt::Display for ScheduleStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Statement(stmt) => write!(f, "{}  {stmt} -> {}", self.session, self.outcome),
            Act::Commit => write!(f, "{}  commit -> {}", self.session, self.outcome),
        }
    }
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(1) | Self::Count(1) => f.write_str("1 row"),
            Self::Rows(n) | Self::Count(n) => write!(f, "{n} rows"),
            Self::Ok => f.write_str("ok"),
            Self::RolledBack => f.write_str("rolled back"),
            Self::Waits => f.write_str("waits"),
            Self::Failed(code) | Self::Deadlock(code) => write!(f, "{code}"),
        }
    }
}

/// What a session may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Run,
    /// Goes through a barrier that is open.
    Pass,
    /// Is made to fail, so that the other one can go on.
    Deadlock,
    /// Waits for something that nobody will free.
    Hang,
}

/// Two programs on one engine.
pub(super) struct Machine<'a> {
    pub rules: &'a dyn Rules,
    pub code: &'a [Vec<Op>; 2],
    /// Sessions stop at barriers.
    pub barriers: bool,
    /// A statement outside a transaction commits in its own step.
    pub commits_at_once: bool,
}

impl Machine<'_> {
    fn op(&self, st: &State, me: Who) -> Option<&Op> {
        self.code[me.index()].get(st[me].pc)
    }

    /// Runs what touches no shared state, up to the next step.
    pub(super) fn advance(&self, st: &mut State, me: Who) {
        loop {
            let Some(op) = self.op(st, me) else {
                st[me].done = true;
                return;
            };
            match op {
                Op::Db(..) | Op::Commit(_) => return,
                Op::Barrier(name) => {
                    // The driver's barriers hold first attempts only.
                    if self.barriers && st[me].attempts == 0 {
                        st[me].barriers.insert(name.clone());
                        return;
                    }
                }
                Op::Begin(level) => {
                    st.begin(me, self.rules.level(*level), Extent::Block);
                    st[me].handlers.push(Handler::Tx);
                }
                Op::Savepoint => {
                    let Tx { writes, touched, .. } = st[me].tx;
                    st[me].handlers.push(Handler::Savepoint(Savepoint { writes, first: !touched }));
                }
                Op::Try { retries, .. } => {
                    let at = st[me].pc;
                    st[me].handlers.push(Handler::Try { at, left: *retries });
                }
                Op::Pop(frame) => {
                    let handlers = &mut st[me].handlers;
                    while handlers.pop().is_some_and(|handler| handler.frame() != *frame) {}
                }
                Op::Settle => {
                    let handlers = &mut st[me].handlers;
                    while handlers.last().is_some_and(|handler| handler.frame() != Frame::Tx) {
                        handlers.pop();
                    }
                }
                Op::Jump(target) => {
                    st[me].pc = *target;
                    continue;
                }
                Op::JumpUnless(cond, target) => {
                    if !cond.holds(&st[me].vars) {
                        st[me].pc = *target;
                        continue;
                    }
                }
                Op::Result(label) => st[me].ending = Ending::Answered(label.clone()),
                Op::Effect(name, key) => {
                    let key = key.eval(&st[me].vars);
                    st.do_effect(name.clone(), key);
                }
                Op::Throw(code) => {
                    self.unwind(st, me, code);
                    continue;
                }
            }
            st[me].pc += 1;
        }
    }

    /// Takes an error to its handler, or ends the session with it.
    fn unwind(&self, st: &mut State, me: Who, code: &Code) {
        let session = &mut st[me];
        session.progress = None;
        session.wants = None;
        session.ran = false;
        session.ending = Ending::Quiet;
        first_in_queue(st);
        while let Some(handler) = st[me].handlers.pop() {
            let (at, left) = match handler {
                Handler::Tx => {
                    self.rules.rollback(st, me);
                    continue;
                }
                Handler::Savepoint(savepoint) => {
                    self.rules.roll_back_to(st, me, savepoint);
                    continue;
                }
                Handler::Try { at, left } => (at, left),
            };
            let Some(Op::Try { codes, target, .. }) = self.code[me.index()].get(at) else { continue };
            if !codes.contains(code) || left == Some(0) {
                continue;
            }
            let session = &mut st[me];
            session.pc = *target;
            if let Some(left) = left {
                session.handlers.push(Handler::Try { at, left: Some(left - 1) });
                session.attempts = session.attempts.saturating_add(1);
            }
            return;
        }
        let session = &mut st[me];
        session.ending = Ending::Failed(code.clone());
        session.done = true;
        session.pc = self.code[me.index()].len();
    }

    /// An error of the database. The rollback that follows is part of the step.
    fn fail(&self, st: &mut State, me: Who, error: &DbError) {
        let autocommit = st[me].tx.extent == Extent::Statement;
        self.rules.on_error(st, me, error);
        if autocommit {
            self.rules.rollback(st, me);
        }
        self.unwind(st, me, &error.code);
    }

    /// The state after a move, and what to tell of it.
    pub(super) fn step(&self, before: &State, me: Who, kind: Move) -> (State, Option<ScheduleStep>) {
        let mut st = before.clone();
        if kind == Move::Pass {
            st[me].pc += 1;
            self.advance(&mut st, me);
            return (st, None);
        }
        let (act, tag) = self.act(&st, me);
        let outcome = match kind {
            Move::Deadlock => {
                let error = self.rules.deadlock();
                self.fail(&mut st, me, &error);
                StepOutcome::Deadlock(error.code)
            }
            Move::Hang => {
                self.fail(&mut st, me, &DbError { code: Code::Timeout, whole: false });
                StepOutcome::Failed(Code::Timeout)
            }
            Move::Run | Move::Pass => match self.run(&mut st, me) {
                Ok(outcome) => {
                    st[me].wants = None;
                    first_in_queue(&mut st);
                    outcome
                }
                Err(Stop::Wait(request)) => {
                    if st[me].wants.as_ref() != Some(&request) {
                        st[me].late = st[me.other()].wants.is_some();
                        st[me].wants = Some(request);
                    }
                    return (st, Some(ScheduleStep { session: me, act, tag, outcome: StepOutcome::Waits }));
                }
                Err(Stop::Fail(error)) => {
                    self.fail(&mut st, me, &error);
                    StepOutcome::Failed(error.code)
                }
            },
        };
        if !st[me].ran {
            self.advance(&mut st, me);
        }
        (st, Some(ScheduleStep { session: me, act, tag, outcome }))
    }

    /// What a session is about to run.
    pub(super) fn act(&self, st: &State, me: Who) -> (Act, Option<u32>) {
        match self.op(st, me) {
            Some(Op::Db(stmt, _)) if st[me].ran => (Act::Commit, stmt.tag()),
            Some(Op::Db(stmt, _)) => (Act::Statement(stmt.clone()), stmt.tag()),
            Some(Op::Commit(tag)) => (Act::Commit, *tag),
            _ => (Act::Commit, None),
        }
    }

    fn run(&self, st: &mut State, me: Who) -> Result<StepOutcome, Stop> {
        match self.op(st, me) {
            Some(Op::Db(stmt, table)) if !st[me].ran => self.statement(st, me, stmt, *table),
            _ => {
                // An error may have rolled the transaction back and been handled inside of it: nothing is left to commit.
                let open = st[me].tx.extent != Extent::Closed;
                let committed = if open { self.rules.commit(st, me)? } else { Committed::Kept };
                st[me].ran = false;
                st[me].pc += 1;
                Ok(match committed {
                    Committed::Kept => StepOutcome::Ok,
                    Committed::RolledBack => StepOutcome::RolledBack,
                })
            }
        }
    }

    fn statement(&self, st: &mut State, me: Who, stmt: &Stmt, table: TableId) -> Result<StepOutcome, Stop> {
        if st[me].tx.extent == Extent::Closed {
            st.begin(me, self.rules.level(None), Extent::Statement);
        }
        let rows = self.rules.run(st, me, stmt, table)?;
        let (outcome, into) = match stmt {
            Stmt::Read(q) => (StepOutcome::Rows(rows.len()), q.into.as_ref()),
            Stmt::Insert(q) => (StepOutcome::Count(rows.len()), q.into.as_ref()),
            Stmt::Update(q) => (StepOutcome::Count(rows.len()), q.into.as_ref()),
            Stmt::Delete(q) => (StepOutcome::Count(rows.len()), q.into.as_ref()),
            Stmt::Lock(_) | Stmt::Unlock(_) => (StepOutcome::Ok, None),
        };
        if let Some(into) = into {
            st[me].vars.hold(into.clone(), rows);
        }
        let autocommit = st[me].tx.extent == Extent::Statement;
        if autocommit && !matches!(stmt, Stmt::Read(Read { lock: None, .. })) {
            let committed = self.commits_at_once && {
                // A commit that would have to wait stays a step of its own.
                let mut ahead = st.clone();
                let done = self.rules.commit(&mut ahead, me).is_ok();
                if done {
                    *st = ahead;
                }
                done
            };
            if !committed {
                st[me].ran = true;
                return Ok(outcome);
            }
            st[me].pc += 1;
            return Ok(outcome);
        }
        if autocommit {
            self.rules.commit(st, me)?;
        }
        st[me].pc += 1;
        Ok(outcome)
    }

    /// Must the session wait for what it has asked for?
    fn stuck(&self, st: &State, me: Who) -> bool {
        st[me].wants.as_ref().is_some_and(|wants| self.rules.blocked(st, me, wants))
    }

    /// All moves there are. With an order, only the first session in it that is not done has any.
    pub(super) fn moves(&self, st: &State, order: Option<&[Who]>) -> Vec<(Who, Move)> {
        let turn = order.map(|order| order.iter().find(|who| !st[**who].done));
        let (mut stuck, mut moves) = (Vec::new(), Vec::new());
        for me in Who::BOTH {
            let (session, other) = (&st[me], &st[me.other()]);
            if session.done || turn.is_some_and(|turn| turn != Some(&me)) {
                continue;
            }
            if self.stuck(st, me) {
                stuck.push(me);
                continue;
            }
            let other_waits = other.wants.is_some();
            let other_stuck = self.stuck(st, me.other());
            if session.attempts > 0 && other_waits && !other_stuck {
                // A retry backs off: the one it made way for goes first. Without this, some schedule exhausts any retry.
                continue;
            }
            match self.op(st, me) {
                Some(Op::Barrier(name)) => {
                    if other.barriers.contains(name) || other.done || other_stuck {
                        moves.push((me, Move::Pass));
                    }
                }
                _ => moves.push((me, Move::Run)),
            }
        }
        match (moves.is_empty(), &stuck[..]) {
            (true, [one]) => vec![(*one, Move::Hang)],
            (true, [_, _]) => self.rules.victims(st).into_iter().map(|who| (who, Move::Deadlock)).collect(),
            _ => moves,
        }
    }
}

impl Handler {
    fn frame(self) -> Frame {
        match self {
            Self::Tx => Frame::Tx,
            Self::Savepoint(_) => Frame::Savepoint,
            Self::Try { .. } => Frame::Try,
        }
    }
}

/// Something has moved: whoever waits now is the first in its queue.
fn first_in_queue(st: &mut State) {
    for who in Who::BOTH {
        if st[who].late {
            st[who].late = false;
        }
    }
}
