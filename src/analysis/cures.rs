//! Ways out of a broken window, written into its script and judged again. What an interleaving still breaks is no way out
//! for this code on this database, however good it is elsewhere.

use super::database::Database;
use super::judged;
use super::script::{NOT_FOUND, OWN, Script, serialization_codes};
use super::window::{Link, Search, Window};
use crate::interleave::{
    Block, Code, Expr, Initial, Kind, Level, Node, OnConflict, Op, Row, Stmt, Table, block, catch, col, field, null,
    retry, size, throw, tx, when,
};
use crate::library::{Rows, Verb};

/// What the judge makes of a way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// No interleaving breaks it.
    Closes,
    /// The data stays right, and the database may abort one of two runs.
    MayAbort,
    /// Some interleaving still breaks it.
    Breaks,
}

/// The row that a parent's lock is taken on.
const PARENT: &str = "#parent";

/// The ways out of a broken window. What they need is taken down while the trace is at hand; each is written and judged when
/// somebody asks for it, as most windows are never told, and no rule knows a use for all ways out.
#[derive(Clone, Debug, Default)]
pub struct Cures(Option<Notes>);

/// What is needed to write down the ways out of a window.
#[derive(Clone, Debug)]
struct Notes {
    /// The window, without its way.
    window: Window,
    /// Whether the check is for one row.
    one_row: bool,
    /// Whether the act is on a row that the check says nothing of.
    apart: bool,
    /// The columns that the check asks for by equality.
    looked: Vec<String>,
    script: Script,
    /// For an act that makes the row which the check has not found: the script of a run to which it is the same whether
    /// the row was there.
    alike: Option<Script>,
    database: Database,
}

impl Cures {
    /// The ways out of a window.
    pub fn of(search: &mut Search<'_, '_, '_>, window: &Window, database: &Database) -> Self {
        let act = search.trace.op(window.act);
        if act.place().is_some() {
            return Self::default();
        }
        let creates = matches!(act.verb, Verb::Create);
        let one_row = search.trace.op(window.check).rows == Rows::One;
        let apart = search.acts_on_another_key(window);
        let looked = search.looked_columns(window);
        let script = judged::script_of(search, window, database, true);
        let alike = (window.link == Link::Absence && !looked.is_empty() && creates).then(|| {
            let alike = Window { claims: false, ..window.clone() };
            judged::script_of(search, &alike, database, false)
        });
        let window = Window { way: Vec::new(), ..window.clone() };
        Self(Some(Notes { window, one_row, apart, looked, script, alike, database: database.clone() }))
    }

    /// What the judge makes of a way out, by the intent that rules and libraries know it by; `None` where it cannot be
    /// written into the window's script.
    #[must_use]
    pub fn proof(&self, intent: &str) -> Option<Proof> {
        let notes = self.0.as_ref()?;
        Some(proof(&notes.database, &notes.way_out(intent)?))
    }
}

impl Notes {
    /// The script with a way out written into it.
    fn way_out(&self, intent: &str) -> Option<Script> {
        let draft = Draft { window: &self.window, script: &self.script, database: &self.database };
        let keyed = |script| Draft { script, ..draft }.keyed(&self.looked);
        let script = match (intent, &self.window.link) {
            ("wrap-in-transaction", _) => draft.in_transaction(self.database.level(None), &|body| body),
            ("lock-parent", _) => draft.parent(),
            ("raise-isolation", _) => {
                let serializable = draft.in_transaction(Some(Level::Serializable), &|body| body);
                Draft { script: &serializable, ..draft }.again()
            }
            ("lock-read", _) if self.one_row => draft.locked(),
            // A condition on one row decides nothing about another.
            ("guard-where" | "guard-delete" | "atomic-delta", _) if self.apart => self.script.clone(),
            ("guard-where" | "guard-delete", Link::Column(columns)) if self.one_row => draft.guarded(columns)?,
            ("guard-where", Link::Feeds(column)) if self.one_row => draft.guarded(std::slice::from_ref(column))?,
            ("atomic-delta", Link::Feeds(column)) if self.one_row => draft.computed_there(column),
            ("guard-delete", Link::Presence) => draft.guarded(&[])?,
            ("add-unique-key" | "handle-conflict", _) if self.alike.is_some() => {
                Draft { script: &keyed(&self.script), ..draft }.refused()
            }
            ("skip-duplicates", _) if self.alike.is_some() => {
                Draft { script: &keyed(&self.script), ..draft }.unless_there(true)
            }
            // Who finds the row there gets it as who has made it, and the same answer.
            ("merge-into-upsert", _) => {
                let keyed = keyed(self.alike.as_ref()?);
                Draft { script: &keyed, ..draft }.unless_there(false)
            }
            ("whole-group-unset", Link::Exclusive(column)) => draft.whole_group(column),
            ("add-partial-key", Link::Exclusive(column)) => draft.one_of_group(column)?,
            _ => return None,
        };
        Some(script)
    }
}

/// What becomes of a script.
fn proof(database: &Database, script: &Script) -> Proof {
    let aborts = |code: &Code| serialization_codes().contains(code);
    match judged::worst(database.engine(), script) {
        None => Proof::Closes,
        Some(verdict) if verdict.kind == Kind::Fails && verdict.codes.iter().all(aborts) && !verdict.gave_up => {
            Proof::MayAbort
        }
        Some(_) => Proof::Breaks,
    }
}

/// A script to be changed.
#[derive(Clone, Copy)]
struct Draft<'d> {
    window: &'d Window,
    script: &'d Script,
    database: &'d Database,
}

impl Draft<'_> {
    /// The script with something around all that it runs, inside of the handler of what it throws itself.
    fn around(&self, with: impl FnOnce(Block) -> Block) -> Script {
        let program = match self.script.program.nodes() {
            [Node::Catch { codes, body, handler }] => catch(codes.clone(), with(body.clone()), handler.clone()).into(),
            _ => with(self.script.program.clone()),
        };
        Script { program, ..self.script.clone() }
    }

    /// The script with check and act in one transaction of this level: the one they are in, or a new one around everything.
    fn in_transaction(&self, level: Option<Level>, with: &dyn Fn(Block) -> Block) -> Script {
        let ends = [self.window.check, self.window.act];
        let holds = |body: &Block| {
            let statements = body.statements();
            ends.iter().all(|op| statements.iter().any(|it| self.is(it, *op)))
        };
        let make = |body: &Block| tx(level, with(body.clone())).into();
        match self.script.program.with_transaction(&holds, &make) {
            Some(program) => Script { program, ..self.script.clone() },
            None => self.around(|body| make(&body)),
        }
    }

    /// The same, at the level at which a lock is worth what it says.
    fn at_read_committed(&self, with: &dyn Fn(Block) -> Block) -> Script {
        self.in_transaction(self.database.level(Some("read committed")), with)
    }

    /// Everything is run again when the database aborts it.
    fn again(&self) -> Script {
        self.around(|body| retry(serialization_codes(), 3, body).into())
    }

    /// The statements of an operation.
    fn is(&self, statement: &Stmt, op: crate::model::OpId) -> bool {
        statement.tag().and_then(|tag| self.script.tags.get(tag as usize)) == Some(&op)
    }

    /// The checked row is locked before it is read.
    fn locked(&self) -> Script {
        self.at_read_committed(&|body| {
            let mut first = true;
            body.rewritten(&mut |statement| match statement {
                Stmt::Read(read) if self.is(statement, self.window.check) && std::mem::take(&mut first) => {
                    Some(block![read.clone().for_update().to("#locked"), read.clone()])
                }
                _ => None,
            })
        })
    }

    /// A row that both runs share is locked first of all.
    fn parent(&self) -> Script {
        let lock = || crate::interleave::read(PARENT).for_update().to("#locked");
        let mut script = self.at_read_committed(&|body| block![lock(), body]);
        script.tables.push(Table::new(PARENT));
        let with_parent = |initial: &Initial| initial.clone().row(PARENT, Row::new().with("id", 1));
        script.initials = script.initials.iter().map(with_parent).collect();
        script
    }

    /// The act asks for what was read, and its count is looked at.
    fn guarded(&self, columns: &[String]) -> Option<Script> {
        let statements = self.script.program.statements();
        let is_check = |it: &&&Stmt| self.is(it, self.window.check) && matches!(it, Stmt::Read(_));
        let read = statements.iter().find(is_check).copied();
        let variable = read.and_then(Stmt::variable).cloned();
        if !columns.is_empty() && variable.is_none() {
            return None;
        }
        let as_read = |column: &String| {
            let variable = variable.clone().unwrap_or_default();
            col(column.as_str()).eq(field(variable, column.as_str()))
        };
        let guard = columns.iter().map(as_read).reduce(|all, part| all & part).unwrap_or(Expr::TRUE);
        let act = statements.into_iter().find(|it| self.is(it, self.window.act) && !matches!(it, Stmt::Read(_)))?;
        if read.is_some_and(|read| read.table() != act.table()) {
            return None;
        }
        let hits = act.variable().cloned().unwrap_or_else(|| "#hit".into());
        let lost = when(size(hits.clone()).eq(0), throw(Code::own(OWN)));
        let guarded: Block = match act {
            Stmt::Update(update) => block![update.clone().filter(guard).to(hits), lost],
            Stmt::Delete(delete) => block![delete.clone().filter(guard).to(hits), lost],
            _ => return None,
        };
        // What depends on the check comes behind the write that settles it.
        let mut guarded = Some(guarded);
        let program = self.script.program.rewritten(&mut |statement| {
            let is_act = statement == act;
            if !is_act && !self.window.decided.iter().any(|op| self.is(statement, *op)) {
                return None;
            }
            let mut made = guarded.take().unwrap_or_default();
            if !is_act {
                made.push(Block::from_iter([Node::Stmt(statement.clone())]));
            }
            Some(made)
        });
        // The form that gives a count does not fail where there is no row.
        let program = match program.nodes() {
            [Node::Catch { codes, body, handler }] => {
                let codes: Vec<Code> = codes.iter().cloned().chain([Code::own(NOT_FOUND)]).collect();
                catch(codes, body.clone(), handler.clone()).into()
            }
            _ => program,
        };
        Some(Script { program, ..self.script.clone() })
    }

    /// The database computes the new value from the one there is.
    fn computed_there(&self, column: &str) -> Script {
        let more = col(column) + 1;
        let program = self.script.program.rewritten(&mut |statement| match statement {
            Stmt::Update(update) if self.is(statement, self.window.act) => {
                Some(update.clone().with(column, &more).into())
            }
            _ => None,
        });
        Script { program, ..self.script.clone() }
    }

    /// A unique key covers what was looked for.
    fn keyed(&self, looked: &[String]) -> Script {
        let mut script = self.script.clone();
        let statements = self.script.program.statements();
        let table = statements.into_iter().find(|it| self.is(it, self.window.act)).and_then(Stmt::table);
        let filter = |statement: &&Stmt| match statement {
            Stmt::Read(read) if self.is(statement, self.window.check) => Some(read.asked().clone()),
            _ => None,
        };
        let asked = self.script.program.statements().iter().find_map(filter).unwrap_or(Expr::TRUE);
        // Rows with a NULL collide with none, so that a key covers those with a condition of its own.
        let is_null = |column: &&String| asked.conjuncts().contains(&&col(column.as_str()).eq(null()));
        let (absent, columns): (Vec<&String>, Vec<&String>) = looked.iter().partition(is_null);
        let only = absent.into_iter().map(|column| col(column.as_str()).eq(null())).reduce(|all, part| all & part);
        let columns = columns.into_iter().map(String::as_str);
        for known in &mut script.tables {
            if table == Some(known.name()) {
                *known = match &only {
                    None => known.clone().unique(columns.clone()),
                    Some(only) => known.clone().unique_where(columns.clone(), only.clone()),
                };
            }
        }
        script
    }

    /// The violation is taken for an answer, outside of any transaction.
    fn refused(&self) -> Script {
        match self.script.program.nodes() {
            [Node::Catch { codes, body, handler }] => {
                let inner = catch([Code::Unique], body.clone(), handler.clone());
                let program = catch(codes.clone(), inner, handler.clone()).into();
                Script { program, ..self.script.clone() }
            }
            _ => self.script.clone(),
        }
    }

    /// The new row is left out where there is one, and that is an answer, or nobody asks.
    fn unless_there(&self, answers: bool) -> Script {
        let program = self.script.program.rewritten(&mut |statement| match statement {
            Stmt::Insert(insert) if self.is(statement, self.window.act) => {
                let made = statement.variable().cloned().unwrap_or_else(|| "#made".into());
                let insert = insert.clone().on_conflict(OnConflict::Nothing).to(made.clone());
                let there = || when(size(made).eq(0), throw(Code::own(OWN)));
                Some(if answers { block![insert, there()] } else { insert.into() })
            }
            _ => None,
        });
        Script { program, ..self.script.clone() }
    }

    /// The flag is taken from every row of the group, in one transaction with the write that gives it.
    fn whole_group(&self, flag: &str) -> Script {
        // Rows that are named one by one stay named: without their names it would be another group.
        let dropped = |part: &Expr| part.names(flag) || part.excludes("id");
        let script = self.in_transaction(self.database.level(None), &|body| {
            body.rewritten(&mut |statement| match statement {
                Stmt::Update(update) if self.is(statement, self.window.check) => {
                    Some(update.clone().regardless_of(dropped).into())
                }
                _ => None,
            })
        });
        Draft { script: &script, ..*self }.again()
    }

    /// No two rows of the group may have the flag, and who is refused tries again, in one transaction.
    fn one_of_group(&self, flag: &str) -> Option<Script> {
        let statements = self.script.program.statements();
        let unset = statements.into_iter().find(|it| self.is(it, self.window.check))?;
        let Stmt::Update(update) = unset else { return None };
        let is_flag = |part: &&&Expr| part.names(flag);
        let asked = update.asked().conjuncts();
        let given = asked.iter().find(is_flag).copied().cloned().unwrap_or_else(|| col(flag).eq(true));
        let group = asked.iter().filter_map(|part| match part {
            Expr::Binary(Op::Eq, column, _) => match column.as_ref() {
                Expr::Col(name) if **name != *flag => Some(name.to_string()),
                _ => None,
            },
            _ => None,
        });
        let mut group: Vec<String> = group.collect();
        if group.is_empty() {
            group.push(flag.to_owned());
        }
        let mut script = self.in_transaction(self.database.level(None), &|body| body);
        for known in script.tables.iter_mut().filter(|table| Some(table.name()) == unset.table()) {
            *known = known.clone().unique_where(group.iter().map(String::as_str), given.clone());
        }
        let codes: Vec<Code> = serialization_codes().into_iter().chain([Code::Unique]).collect();
        Some(Draft { script: &script, ..*self }.around(|body| retry(codes, 3, body).into()))
    }
}
