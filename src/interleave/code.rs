//! Flattening of blocks to jumps: a session's place in its program becomes one number, so that states can be compared.

use std::sync::Arc;

use super::ending::{Code, Label};
use super::expr::{Expr, Name};
use super::lang::{Block, Level, Node, Program, Stmt};
use super::schema::{Schema, TableId};

/// One instruction. `Db` and `Commit` are steps of the scheduler; the others run at once.
#[derive(Debug)]
pub(super) enum Op {
    Db(Arc<Stmt>, TableId),
    Commit(Option<u32>),
    Effect(Name, Expr),
    Begin(Option<Level>),
    Savepoint,
    /// Errors with these codes go to the target; with `retries`, as often as that.
    Try {
        codes: Vec<Code>,
        target: usize,
        retries: Option<u8>,
    },
    /// Takes the innermost handler of a kind off, and all that were left standing inside of it.
    Pop(Frame),
    /// Takes off what was left standing inside of the innermost transaction.
    Settle,
    Jump(usize),
    JumpUnless(Expr, usize),
    Result(Label),
    Throw(Code),
    Barrier(Name),
}

/// The kinds of handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Tx,
    Savepoint,
    Try,
}

/// Flattens a program, and adds the tables it mentions to the schema.
pub(super) fn flatten(program: &Program, schema: &mut Schema) -> Vec<Op> {
    let mut flattener = Flattener { ops: Vec::new(), schema, returns: Vec::new(), in_tx: false };
    flattener.block(program);
    let end = flattener.ops.len();
    flattener.land_returns(0, end);
    flattener.ops
}

struct Flattener<'a> {
    ops: Vec<Op>,
    schema: &'a mut Schema,
    /// Jumps of `Ret`s whose target is not known yet.
    returns: Vec<usize>,
    in_tx: bool,
}

impl Flattener<'_> {
    fn emit(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    /// Lets a jump emitted before go to the next instruction.
    fn land(&mut self, jump: usize) {
        let here = self.ops.len();
        match &mut self.ops[jump] {
            Op::Jump(target) | Op::JumpUnless(_, target) | Op::Try { target, .. } => *target = here,
            _ => {}
        }
    }

    /// Lets the returns since the n-th go to an instruction.
    fn land_returns(&mut self, since: usize, end: usize) {
        for jump in self.returns.drain(since..) {
            self.ops[jump] = Op::Jump(end);
        }
    }

    fn block(&mut self, block: &Block) {
        for node in block.nodes() {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Stmt(stmt) => {
                let table = match stmt {
                    Stmt::Read(q) => self.schema.table(&q.table),
                    Stmt::Insert(q) => self.schema.table(&q.table),
                    Stmt::Update(q) => self.schema.table(&q.table),
                    Stmt::Delete(q) => self.schema.table(&q.table),
                    Stmt::Lock(_) | Stmt::Unlock(_) => 0,
                };
                self.emit(Op::Db(Arc::new(stmt.clone()), table));
            }
            Node::Effect { name, key } => {
                self.emit(Op::Effect(name.clone(), key.clone()));
            }
            Node::Tx { body, .. } if self.in_tx => self.block(body),
            Node::Tx { level, body, tag } => self.tx(*level, body, *tag),
            Node::Savepoint(body) if !self.in_tx => self.block(body),
            Node::Savepoint(body) => {
                self.emit(Op::Savepoint);
                self.block(body);
                self.emit(Op::Pop(Frame::Savepoint));
            }
            Node::Catch { codes, body, handler } => {
                let begin = self.emit(Op::Try { codes: codes.clone(), target: 0, retries: None });
                self.block(body);
                self.emit(Op::Pop(Frame::Try));
                let past = self.emit(Op::Jump(0));
                self.land(begin);
                self.block(handler);
                self.land(past);
            }
            Node::Retry { codes, times, body } => {
                let begin = self.emit(Op::Try { codes: codes.clone(), target: 0, retries: Some(*times) });
                self.land(begin);
                self.block(body);
                self.emit(Op::Pop(Frame::Try));
            }
            Node::If { cond, then, otherwise } => {
                let skip = self.emit(Op::JumpUnless(cond.clone(), 0));
                self.block(then);
                let past = self.emit(Op::Jump(0));
                self.land(skip);
                self.block(otherwise);
                self.land(past);
            }
            Node::Ret(label) => {
                self.emit(Op::Result(label.clone()));
                let jump = self.emit(Op::Jump(0));
                self.returns.push(jump);
            }
            Node::Throw(code) => {
                self.emit(Op::Throw(code.clone()));
            }
            Node::Barrier(name) => {
                self.emit(Op::Barrier(name.clone()));
            }
        }
    }

    /// A result inside goes to the commit, and the program goes on after the block.
    fn tx(&mut self, level: Option<Level>, body: &Block, tag: Option<u32>) {
        self.emit(Op::Begin(level));
        let outer = self.returns.len();
        self.in_tx = true;
        self.block(body);
        self.in_tx = false;
        let end = self.emit(Op::Settle);
        self.land_returns(outer, end);
        self.emit(Op::Commit(tag));
        self.emit(Op::Pop(Frame::Tx));
    }
}
