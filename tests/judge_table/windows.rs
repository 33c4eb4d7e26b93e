//! Five windows as a caller would put them: judged at twelve engines and levels, from every start state that the check
//! tells apart, and with the arguments the window asks for. The worst verdict counts.

use toctou::interleave::{
    Block, Code, Engine, Env, Expr, Initial, Judge, Kind, Level, Node, OnConflict, Read, Row, Table, Verdict, block,
    catch, col, did, field, insert, read, ret, size, total, tx, update, var, when,
};

/// Engines and levels; `none` is without a transaction.
const COLUMNS: [(&str, Engine, Option<Level>); 12] = [
    ("pg:none", Engine::Postgres, None),
    ("pg:RC", Engine::Postgres, Some(Level::ReadCommitted)),
    ("pg:RR", Engine::Postgres, Some(Level::RepeatableRead)),
    ("pg:SER", Engine::Postgres, Some(Level::Serializable)),
    ("my:none", Engine::MySql, None),
    ("my:RC", Engine::MySql, Some(Level::ReadCommitted)),
    ("my:RR", Engine::MySql, Some(Level::RepeatableRead)),
    ("my:SER", Engine::MySql, Some(Level::Serializable)),
    ("snap:RR", Engine::MariaDbSnapshot, Some(Level::RepeatableRead)),
    ("sl:none", Engine::Sqlite, None),
    ("sl:DEF", Engine::Sqlite, Some(Level::Deferred)),
    ("sl:IMMEDIATE", Engine::Sqlite, Some(Level::Immediate)),
];

/// A window: its programs at a level, and what they are judged from.
struct Window<'a> {
    tables: Vec<Table>,
    programs: [&'a dyn Fn(Option<Level>) -> Block; 2],
    initial: Vec<Initial>,
    env: [Env; 2],
}

impl Window<'_> {
    fn at(&self, engine: Engine, level: Option<Level>) -> Verdict {
        let judge = Judge { declines_are_free: false, ..Judge::default() };
        let programs = self.programs.map(|program| program(level));
        let verdict =
            |initial: &Initial| judge.judge(engine, &self.tables, programs.each_ref(), initial, self.env.each_ref());
        let worse = |a: Verdict, b: Verdict| if b.kind > a.kind { b } else { a };
        self.initial.iter().map(verdict).reduce(worse).expect("a start state")
    }

    /// One line for all columns.
    fn line(&self) -> String {
        let cells = COLUMNS.map(|(name, engine, level)| {
            let verdict = self.at(engine, level);
            let codes: Vec<String> = verdict.codes.iter().map(Code::to_string).collect();
            let codes = if codes.is_empty() { String::new() } else { format!("({})", codes.join(",")) };
            format!("{name} {}{codes}", format!("{:?}", verdict.kind).to_lowercase())
        });
        cells.join("; ")
    }

    fn schedule(&self, engine: Engine, level: Option<Level>) -> Vec<String> {
        self.at(engine, level).schedule.iter().map(ToString::to_string).collect()
    }
}

fn at(level: Option<Level>, body: Block) -> Block {
    match level {
        None => body,
        Some(level) => tx(level, body).into(),
    }
}

fn id1() -> Expr {
    col("id").eq(1)
}

fn alike() -> [Env; 2] {
    [Env::new(), Env::new()]
}

/// `FOR UPDATE`, where the engine knows it.
fn locked(read: Read, level: Option<Level>) -> Read {
    if matches!(level, Some(Level::Deferred | Level::Immediate)) { read } else { read.for_update() }
}

mod field_window {
    use super::*;

    /// `if (!['open', 'in_progress'].includes(task.status)) throw; update status`
    fn claim(level: Option<Level>, new: &str, guarded: bool) -> Block {
        let lost = || ret(did("lost"));
        let guard = if guarded { id1() & col("status").is_in(["open", "in_progress"]) } else { id1() };
        let mut body = block![
            read("task").filter(id1()).to("t"),
            when(!field("t", "status").is_in(["open", "in_progress"]), lost()),
            update("task").filter(guard).set("status", new).to("n"),
        ];
        if guarded {
            body.push(when(var("n").eq(0), lost()));
        }
        body.push(ret(did("won")));
        at(level, body)
    }

    fn window(claim: &dyn Fn(Option<Level>) -> Block) -> Window<'_> {
        // The constants of guard and act, and one other.
        let task = |status: &str| Initial::new().row("task", Row::new().with("id", 1).with("status", status));
        let initial = ["open", "in_progress", "done", "?"].map(task).to_vec();
        Window { tables: vec![Table::new("task")], programs: [claim; 2], initial, env: alike() }
    }

    #[test]
    fn the_write_closes_the_door_too_late() {
        let claim = |level| claim(level, "done", false);
        let window = window(&claim);
        assert_eq!(
            window.line(),
            "pg:none open; pg:RC open; pg:RR fails(40001); pg:SER fails(40001); \
             my:none open; my:RC open; my:RR open; my:SER fails(1213); snap:RR fails(1020); \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
        assert_eq!(
            window.schedule(Engine::Postgres, Some(Level::ReadCommitted)),
            [
                "A  read task where id = 1 -> 1 row",
                "B  read task where id = 1 -> 1 row",
                "B  update task set status := 'done' where id = 1 -> 1 row",
                "B  commit -> ok",
                "A  update task set status := 'done' where id = 1 -> 1 row",
                "A  commit -> ok",
            ]
        );
    }

    /// Written this way, the door stays open in serial order, too.
    #[test]
    fn a_write_that_does_not_close_the_door_is_no_race() {
        let claim = |level| claim(level, "in_progress", false);
        assert_eq!(window(&claim).line(), GUARDED);
    }

    #[test]
    fn a_guarded_write_with_its_count() {
        let claim = |level| claim(level, "done", true);
        assert_eq!(window(&claim).line(), GUARDED);
    }

    const GUARDED: &str = "pg:none closed; pg:RC closed; pg:RR fails(40001); pg:SER fails(40001); \
         my:none closed; my:RC closed; my:RR closed; my:SER fails(1213); snap:RR fails(1020); \
         sl:none closed; sl:DEF fails(BUSY); sl:IMMEDIATE closed";
}

mod absence_window {
    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum Form {
        Bare,
        Caught,
        Ignoring,
    }

    /// `findFirst({email, tenant}) ?? create`
    fn signup(level: Option<Level>, form: Form) -> Block {
        let exists = || ret(did("exists"));
        let find = block![
            read("user").filter(col("email").eq("x") & col("tenant").eq(1)).to("r"),
            when(size("r").gt(0), exists()),
        ];
        let create = insert("user").set("email", "x").set("tenant", 1).to("n");
        match form {
            Form::Bare => at(level, block![find, create, ret(did("created"))]),
            Form::Caught => {
                catch([Code::Unique], at(level, block![find, create, ret(did("created"))]), exists()).into()
            }
            Form::Ignoring => {
                let create = create.on_conflict(OnConflict::Nothing);
                at(level, block![find, create, when(var("n").eq(0), exists()), ret(did("created"))])
            }
        }
    }

    fn line(key: &[&str], form: Form) -> String {
        let table = Table::new("user").generated_key();
        let table = if key.is_empty() { table } else { table.unique(key.iter().copied()) };
        // Nobody, or somebody outside the predicate who shares a key column.
        let other = Row::new().with("id", 1).with("email", "x").with("tenant", 2);
        let initial = vec![Initial::new(), Initial::new().row("user", other)];
        let program = |level| signup(level, form);
        Window { tables: vec![table], programs: [&program; 2], initial, env: alike() }.line()
    }

    #[test]
    fn no_key() {
        assert_eq!(
            line(&[], Form::Bare),
            "pg:none open; pg:RC open; pg:RR open; pg:SER fails(40001,40001@commit); \
             my:none open; my:RC open; my:RR open; my:SER fails(1213); snap:RR open; \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    #[test]
    fn a_key_that_fits() {
        assert_eq!(
            line(&["tenant", "email"], Form::Bare),
            "pg:none fails(unique); pg:RC fails(unique); pg:RR fails(unique); pg:SER fails(40001); \
             my:none fails(unique); my:RC fails(unique); my:RR fails(unique); my:SER fails(1213); \
             snap:RR fails(unique); sl:none fails(unique); sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    #[test]
    fn the_violation_caught_outside_the_transaction() {
        assert_eq!(
            line(&["tenant", "email"], Form::Caught),
            "pg:none closed; pg:RC closed; pg:RR closed; pg:SER fails(40001); \
             my:none closed; my:RC closed; my:RR closed; my:SER fails(1213); snap:RR closed; \
             sl:none closed; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    #[test]
    fn on_conflict_do_nothing() {
        assert_eq!(
            line(&["tenant", "email"], Form::Ignoring),
            "pg:none closed; pg:RC closed; pg:RR fails(40001); pg:SER fails(40001); \
             my:none closed; my:RC closed; my:RR closed; my:SER fails(1213); snap:RR closed; \
             sl:none closed; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }
}

mod bound_window {
    use super::*;

    /// `if (count(members) < limit) create`, with a limit of one.
    fn join(level: Option<Level>, lock_parent: bool) -> Block {
        let mut body = Block::new();
        if lock_parent {
            body.push(locked(read("team").filter(id1()), level));
        }
        body.push(block![
            read("member").filter(col("team").eq(1)).to("m"),
            when(size("m").ge(1), ret(did("full"))),
            insert("member").set("team", 1),
            ret(did("joined")),
        ]);
        at(level, body)
    }

    fn window(join: &dyn Fn(Option<Level>) -> Block) -> Window<'_> {
        let member = Table::new("member").generated_key().index(["team"]).belongs_to("team", "team");
        let initial = vec![Initial::new().row("team", Row::new().with("id", 1))];
        Window { tables: vec![member, Table::new("team")], programs: [join; 2], initial, env: alike() }
    }

    #[test]
    fn count_then_create() {
        let join = |level| join(level, false);
        assert_eq!(
            window(&join).line(),
            "pg:none open; pg:RC open; pg:RR open; pg:SER fails(40001,40001@commit); \
             my:none open; my:RC open; my:RR open; my:SER fails(1213); snap:RR open; \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    /// The lock closes it, but not where the snapshot is older than the lock.
    #[test]
    fn parent_row_locked_first() {
        let join = |level| join(level, true);
        let window = window(&join);
        assert_eq!(
            window.line(),
            "pg:none open; pg:RC closed; pg:RR open; pg:SER fails(40001); \
             my:none open; my:RC closed; my:RR closed; my:SER closed; snap:RR closed; \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
        assert_eq!(
            window.schedule(Engine::Postgres, Some(Level::RepeatableRead)),
            [
                "A  read team where id = 1 for update -> 1 row",
                "A  read member where team = 1 -> 0 rows",
                "A  insert member -> 1 row",
                "B  read team where id = 1 for update -> waits",
                "A  commit -> ok",
                "B  read team where id = 1 for update -> 1 row",
                "B  read member where team = 1 -> 0 rows",
                "B  insert member -> 1 row",
                "B  commit -> ok",
            ]
        );
    }
}

mod flag_window {
    use super::*;

    /// `updateMany({served: true}, false); update(id, true)`
    fn serve(level: Option<Level>, every: bool) -> Block {
        let filter = if every { Expr::TRUE } else { col("served").eq(true) };
        at(
            level,
            block![
                update("ticket").filter(filter).set("served", false),
                update("ticket").filter(col("id").eq(var("s"))).set("served", true),
                ret(did("ok")),
            ],
        )
    }

    fn window(serve: &dyn Fn(Option<Level>) -> Block) -> Window<'_> {
        let ticket = |id: i64, served: i64| Row::new().with("id", id).with("served", id == served);
        let tickets = |served: i64| (1..=3).fold(Initial::new(), |rows, id| rows.row("ticket", ticket(id, served)));
        let env = [1, 2].map(|s| Env::new().with("s", s));
        Window {
            tables: vec![Table::new("ticket")],
            programs: [serve; 2],
            initial: [0, 1, 3].map(tickets).to_vec(),
            env,
        }
    }

    #[test]
    fn unset_filtered_by_the_flag() {
        let serve = |level| serve(level, false);
        assert_eq!(
            window(&serve).line(),
            "pg:none open; pg:RC open; pg:RR open; pg:SER fails(40001,40001@commit); \
             my:none open; my:RC open; my:RR closed; my:SER closed; snap:RR closed; \
             sl:none open; sl:DEF closed; sl:IMMEDIATE closed"
        );
    }

    #[test]
    fn unset_every_row() {
        let serve = |level| serve(level, true);
        assert_eq!(
            window(&serve).line(),
            "pg:none open; pg:RC closed; pg:RR fails(40001); pg:SER fails(40001); \
             my:none open; my:RC closed; my:RR closed; my:SER closed; snap:RR closed; \
             sl:none open; sl:DEF closed; sl:IMMEDIATE closed"
        );
    }
}

mod rival_window {
    use super::*;

    fn order(level: Option<Level>, lock: bool) -> Block {
        let read = read("order").filter(id1()).to("o");
        let read = if lock { locked(read, level) } else { read };
        block![read, when(field("o", "status").ne("open"), ret(did("lost")))]
    }

    /// Charges the sum of the items it has read.
    fn pay(level: Option<Level>, lock: bool) -> Block {
        let paid = update("order").filter(id1()).set("status", "paid").set("charged", total("i", "price"));
        let items = read("item").filter(col("order").eq(1)).to("i");
        at(level, block![order(level, lock), items, paid, ret(did("paid"))])
    }

    /// Adds an item while the order is open, or so it has read.
    fn add(level: Option<Level>, lock: bool, check: bool) -> Block {
        let item: Node = ret(did("added"));
        let item = block![insert("item").set("order", 1).set("price", 5), item];
        at(level, if check { block![order(level, lock), item] } else { item })
    }

    fn line(pay: &dyn Fn(Option<Level>) -> Block, add: &dyn Fn(Option<Level>) -> Block) -> String {
        let item = Table::new("item").generated_key().index(["order"]).belongs_to("order", "order");
        let initial = Initial::new()
            .row("order", Row::new().with("id", 1).with("status", "open").with("charged", 0))
            .row("item", Row::new().with("id", 1).with("order", 1).with("price", 3));
        let tables = vec![Table::new("order"), item];
        Window { tables, programs: [pay, add], initial: vec![initial], env: alike() }.line()
    }

    #[test]
    fn each_writes_what_the_other_read() {
        assert_eq!(
            line(&|level| pay(level, false), &|level| add(level, false, true)),
            "pg:none open; pg:RC open; pg:RR open; pg:SER fails(40001,40001@commit); \
             my:none open; my:RC open; my:RR open; my:SER fails(1213); snap:RR open(1020); \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    #[test]
    fn both_lock_the_order_first() {
        assert_eq!(
            line(&|level| pay(level, true), &|level| add(level, true, true)),
            "pg:none open; pg:RC closed; pg:RR open(40001); pg:SER fails(40001); \
             my:none open; my:RC closed; my:RR closed; my:SER closed; snap:RR closed; \
             sl:none open; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }

    /// Then every interleaving equals "pay, then add".
    #[test]
    fn who_reads_nothing_cannot_be_misled() {
        assert_eq!(
            line(&|level| pay(level, false), &|level| add(level, false, false)),
            "pg:none closed; pg:RC closed; pg:RR closed; pg:SER closed; \
             my:none closed; my:RC closed; my:RR closed; my:SER closed; snap:RR closed; \
             sl:none closed; sl:DEF fails(BUSY); sl:IMMEDIATE closed"
        );
    }
}

#[test]
fn kinds_are_ordered_from_good_to_bad() {
    assert!(Kind::Closed < Kind::Partial && Kind::Partial < Kind::Fails && Kind::Fails < Kind::Open);
}
