//! Programs made of programs: the same one, with some statements replaced, or with something around it.

use super::expr::{Expr, Name};
use super::lang::{Block, Node, Read, Stmt, Update};

impl Block {
    /// All statements, in the order in which they are written.
    #[must_use]
    pub fn statements(&self) -> Vec<&Stmt> {
        let mut found = Vec::new();
        for node in self.nodes() {
            let inner: [Option<&Block>; 2] = match node {
                Node::Stmt(statement) => {
                    found.push(statement);
                    [None, None]
                }
                Node::Tx { body, .. } | Node::Savepoint(body) | Node::Retry { body, .. } => [Some(body), None],
                Node::Catch { body, handler, .. } => [Some(body), Some(handler)],
                Node::If { then, otherwise, .. } => [Some(then), Some(otherwise)],
                Node::Effect { .. } | Node::Ret(_) | Node::Throw(_) | Node::Barrier(_) => [None, None],
            };
            found.extend(inner.into_iter().flatten().flat_map(Block::statements));
        }
        found
    }

    /// The same program, with something else in place of the outermost transaction around what is asked for; `None` where
    /// there is no such transaction.
    #[must_use]
    pub fn with_transaction(&self, holds: &dyn Fn(&Block) -> bool, make: &dyn Fn(&Block) -> Block) -> Option<Block> {
        let within = |inner: &Block| inner.with_transaction(holds, make);
        let replaced = |node: &Node| -> Option<Block> {
            Some(match node {
                Node::Tx { body, .. } if holds(body) => make(body),
                Node::Tx { level, body, tag } => Node::Tx { level: *level, body: within(body)?, tag: *tag }.into(),
                Node::Savepoint(body) => Node::Savepoint(within(body)?).into(),
                Node::Catch { codes, body, handler } => {
                    Node::Catch { codes: codes.clone(), body: within(body)?, handler: handler.clone() }.into()
                }
                Node::Retry { codes, times, body } => {
                    Node::Retry { codes: codes.clone(), times: *times, body: within(body)? }.into()
                }
                Node::If { cond, then, otherwise } => match within(then) {
                    Some(then) => Node::If { cond: cond.clone(), then, otherwise: otherwise.clone() }.into(),
                    None => Node::If { cond: cond.clone(), then: then.clone(), otherwise: within(otherwise)? }.into(),
                },
                Node::Stmt(_) | Node::Effect { .. } | Node::Ret(_) | Node::Throw(_) | Node::Barrier(_) => return None,
            })
        };
        let (at, made) = self.nodes().iter().enumerate().find_map(|(at, node)| Some((at, replaced(node)?)))?;
        let mut all = Block::from_iter(self.nodes()[..at].iter().cloned());
        all.push(made);
        all.push(Block::from_iter(self.nodes()[at + 1..].iter().cloned()));
        Some(all)
    }

    /// The same program, with statements replaced by what a function makes of them; where it makes nothing, they stay.
    #[must_use]
    pub fn rewritten(&self, with: &mut dyn FnMut(&Stmt) -> Option<Block>) -> Block {
        let mut made = Block::new();
        for node in self.nodes() {
            let node = match node {
                Node::Stmt(statement) => match with(statement) {
                    Some(replaced) => {
                        made.push(replaced);
                        continue;
                    }
                    None => node.clone(),
                },
                Node::Tx { level, body, tag } => Node::Tx { level: *level, body: body.rewritten(with), tag: *tag },
                Node::Savepoint(body) => Node::Savepoint(body.rewritten(with)),
                Node::Catch { codes, body, handler } => {
                    Node::Catch { codes: codes.clone(), body: body.rewritten(with), handler: handler.rewritten(with) }
                }
                Node::Retry { codes, times, body } => {
                    Node::Retry { codes: codes.clone(), times: *times, body: body.rewritten(with) }
                }
                Node::If { cond, then, otherwise } => {
                    Node::If { cond: cond.clone(), then: then.rewritten(with), otherwise: otherwise.rewritten(with) }
                }
                Node::Effect { .. } | Node::Ret(_) | Node::Throw(_) | Node::Barrier(_) => node.clone(),
            };
            made.push(node);
        }
        made
    }
}

impl Stmt {
    /// The table that it reads or writes.
    #[must_use]
    pub fn table(&self) -> Option<&Name> {
        match self {
            Self::Read(it) => Some(&it.table),
            Self::Insert(it) => Some(&it.table),
            Self::Update(it) => Some(&it.table),
            Self::Delete(it) => Some(&it.table),
            Self::Lock(_) | Self::Unlock(_) => None,
        }
    }

    /// The variable that holds its rows.
    #[must_use]
    pub fn variable(&self) -> Option<&Name> {
        match self {
            Self::Read(it) => it.into.as_ref(),
            Self::Insert(it) => it.into.as_ref(),
            Self::Update(it) => it.into.as_ref(),
            Self::Delete(it) => it.into.as_ref(),
            Self::Lock(_) | Self::Unlock(_) => None,
        }
    }
}

impl Read {
    /// What it asks of rows.
    #[must_use]
    pub fn asked(&self) -> &Expr {
        &self.filter
    }
}

impl Update {
    /// What it asks of rows.
    #[must_use]
    pub fn asked(&self) -> &Expr {
        &self.filter
    }

    /// Another value for a column that it writes.
    #[must_use]
    pub fn with(mut self, column: &str, value: &Expr) -> Self {
        for (_, old) in self.set.iter_mut().filter(|(name, _)| **name == *column) {
            *old = value.clone();
        }
        self
    }

    /// The same for all rows for which the parts of its filter hold that are not dropped.
    #[must_use]
    pub fn regardless_of(mut self, dropped: impl Fn(&Expr) -> bool) -> Self {
        let kept = self.filter.conjuncts().into_iter().filter(|part| !dropped(part));
        self.filter = kept.cloned().reduce(|all, part| all & part).unwrap_or(Expr::TRUE);
        self
    }
}
