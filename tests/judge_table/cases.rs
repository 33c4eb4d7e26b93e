//! The observed cases as programs: what each client call became on each database, by the SQL seen on the wire.
//!
//! Two runs of one case meet, with the argument `s` = 1 and 2. Barriers stand where the driver of the observed runs held
//! both sessions until each had come that far.

use toctou::interleave::{
    Block, Code, Engine, Expr, Initial, Insert, Label, Level, Node, OnConflict, Row, Table, Update, barrier, block,
    catch, col, did, either, field, gave_up, insert, lock, read, retry, savepoint, size, throw, tx, unlock, update,
    var, when,
};

/// A database and the way it is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Db {
    pub engine: Engine,
    pub tickets: Tickets,
}

/// What stands on the exclusive flag of the tickets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tickets {
    Bare,
    /// A partial unique index.
    Unique,
    /// A plain index.
    Indexed,
}

impl Db {
    pub fn named(name: &str) -> Self {
        let (engine, tickets) = match name {
            "pg" => (Engine::Postgres, Tickets::Bare),
            "pgidx" => (Engine::Postgres, Tickets::Unique),
            "my" => (Engine::MySql, Tickets::Bare),
            "myidx" => (Engine::MySql, Tickets::Indexed),
            "mysnap" => (Engine::MariaDbSnapshot, Tickets::Bare),
            "sl" => (Engine::Sqlite, Tickets::Bare),
            "slwal" => (Engine::SqliteWal, Tickets::Bare),
            other => panic!("unknown database {other}"),
        };
        Self { engine, tickets }
    }

    fn innodb(self) -> bool {
        matches!(self.engine, Engine::MySql | Engine::MariaDbSnapshot)
    }

    fn postgres(self) -> bool {
        self.engine == Engine::Postgres
    }

    pub fn tables(self) -> Vec<Table> {
        let ticket = Table::new("ticket");
        vec![
            Table::new("dup").generated_key(),
            Table::new("uniq").generated_key().unique(["email"]),
            Table::new("job"),
            Table::new("acct"),
            Table::new("team"),
            Table::new("member").generated_key().index(["teamId"]).belongs_to("teamId", "team"),
            match self.tickets {
                Tickets::Bare => ticket,
                Tickets::Unique => ticket.unique_where(["isServed"], served()),
                Tickets::Indexed => ticket.index(["isServed"]),
            },
        ]
    }
}

/// `None` is a case that opens no transaction.
pub fn level(name: &str) -> Option<Level> {
    match name {
        "none" => None,
        "RC" => Some(Level::ReadCommitted),
        "RR" => Some(Level::RepeatableRead),
        "SER" => Some(Level::Serializable),
        "DEF" => Some(Level::Deferred),
        "IMMEDIATE" => Some(Level::Immediate),
        other => panic!("unknown level {other}"),
    }
}

pub fn initial(case: &str, init: &str) -> Initial {
    let rows = Initial::new();
    let team = || Row::new().with("id", 1).with("quota", 1);
    match &case[..1] {
        "B" | "X" => rows.row("job", Row::new().with("id", 1).with("status", "pending")),
        "C" => rows.row("acct", Row::new().with("id", 1).with("balance", 100).with("version", 0)),
        "D" => rows.row("team", team()),
        "E" => (1..=5).fold(rows.row("team", team()), |rows, id| {
            let served = matches!((init, id), ("three", 3) | ("one", 1));
            rows.row("ticket", Row::new().with("id", id).with("isServed", served))
        }),
        _ => rows,
    }
}

fn id1() -> Expr {
    col("id").eq(1)
}

fn served() -> Expr {
    col("isServed").eq(true)
}

fn ret(label: &str) -> Node {
    let label = label.strip_prefix('!').map_or_else(|| did(label), |name| -> Label { gave_up(name) });
    toctou::interleave::ret(label)
}

/// One client (Prisma 7) on one database, at one level.
#[derive(Clone, Copy)]
struct Client {
    db: Db,
    level: Option<Level>,
}

impl Client {
    fn tx(self, body: Block) -> Block {
        match self.level {
            None => body,
            Some(level) => tx(level, body).into(),
        }
    }

    /// A call of several statements opens a transaction of its own when none is open.
    fn several(self, body: Block) -> Block {
        if self.level.is_some() { body } else { tx(None, body).into() }
    }

    fn create(self, row: Insert) -> Block {
        let table = if row == insert_member() { "member" } else { table_of(&row) };
        let row = row.to("n");
        if self.db.innodb() {
            self.several(block![row, read(table).filter(col("id").eq(field("n", "id"))).to("_")])
        } else {
            block![row]
        }
    }

    /// `update({where: key and guard})`: fails if there is no such row. Where the database has no RETURNING, a SELECT
    /// decides that, and the count of the UPDATE is not looked at.
    fn update(self, table: &str, key: Expr, guard: Option<Expr>, set: impl Fn(Update) -> Update) -> Block {
        let filter = guard.map_or_else(|| key.clone(), |guard| key.clone() & guard);
        let change = set(update(table).filter(filter.clone())).to("n");
        let missing = throw(Code::own("P2025"));
        if self.db.innodb() {
            self.several(block![
                read(table).filter(filter).to("u"),
                when(size("u").eq(0), missing),
                change,
                read(table).filter(key).to("after"),
            ])
        } else {
            block![change, when(var("n").eq(0), missing)]
        }
    }

    /// A column of the row that an update call returns.
    fn after(self, column: &str) -> Expr {
        field(if self.db.innodb() { "after" } else { "n" }, column)
    }

    /// `upsert`, in one statement where the client can, else a look and then a write.
    fn upsert(self, filter: &Expr, set: Option<(&str, Expr)>, native: bool) -> Block {
        if native && !self.db.innodb() {
            let set = set.into_iter().map(|(column, value)| (column.into(), value)).collect();
            return block![new_row("uniq").on_conflict(OnConflict::Update(set)).to("n")];
        }
        let again = || read("uniq").filter(filter.clone()).to("_");
        let change = set
            .map_or_else(Block::new, |(column, value)| update("uniq").filter(filter.clone()).set(column, value).into());
        self.several(block![
            read("uniq").filter(filter.clone()).to("u"),
            either(size("u").eq(0), block![new_row("uniq").to("n"), again()], block![change, again()]),
        ])
    }
}

fn new_row(table: &str) -> Insert {
    insert(table).set("email", "x").set("n", 0)
}

fn insert_member() -> Insert {
    insert("member").set("teamId", 1).set("name", var("s"))
}

fn table_of(row: &Insert) -> &'static str {
    if *row == new_row("dup") { "dup" } else { "uniq" }
}

const AT_STATEMENTS: [Code; 3] = [Code::Serialization, Code::InnoDeadlock, Code::Deadlock];
const ANYWHERE: [Code; 4] = [Code::Serialization, Code::SerializationAtCommit, Code::InnoDeadlock, Code::Deadlock];

/// The program of a case; `…_retry` repeats it after an error of a statement, `…_retry_any` also after one at commit.
pub fn program(case: &str, db: Db, level: Option<Level>) -> Block {
    let c = Client { db, level };
    if let Some(case) = case.strip_suffix("_retry_any") {
        return retry(ANYWHERE, 3, program(case, db, level)).into();
    }
    if let Some(case) = case.strip_suffix("_retry") {
        return retry(AT_STATEMENTS, 3, program(case, db, level)).into();
    }
    match &case[..1] {
        "A" => absent(case, c),
        "B" => field_decides(case, c),
        "C" => field_feeds(case, c),
        "D" => bound(case, c),
        "E" => flag(case, c),
        _ => stressed(case, c),
    }
}

fn start() -> Node {
    barrier("start")
}

fn bar() -> Node {
    barrier("r")
}

/// A: a row is looked up, not found and created.
fn absent(case: &str, c: Client) -> Block {
    let x = || col("email").eq("x");
    let exists = || when(size("r").gt(0), ret("exists"));
    let find = |table: &str| block![read(table).filter(x()).to("r"), bar(), exists()];
    let caught = || {
        block![read("uniq").filter(x()).to("y"), either(size("y").gt(0), ret("exists~caught+read"), ret("caught+NULL")),]
    };
    c.tx(match case {
        "A_find_create_nouniq" => block![find("dup"), c.create(new_row("dup")), ret("created")],
        "A_find_create_uniq" => block![find("uniq"), c.create(new_row("uniq")), ret("created")],
        "A_fix_catchP2002_then_read" => {
            block![find("uniq"), catch([Code::Unique], c.create(new_row("uniq")), caught()), ret("created")]
        }
        "A_x_nested_tx_catch" => {
            let create = new_row("uniq").to("n");
            let nested = if c.level.is_some() { savepoint(create) } else { tx(Level::ReadCommitted, create) };
            block![find("uniq"), catch([Code::Unique], nested, caught()), ret("created")]
        }
        "A_fix_upsert_native" => {
            let more = ("n", col("n") + 1);
            block![read("uniq").filter(x()).to("r"), bar(), c.upsert(&x(), Some(more), true), ret("ok")]
        }
        "A_x_upsert_self_assign" => {
            let same = ("email", "x".into());
            block![read("dup").to("r"), bar(), c.upsert(&x(), Some(same), true), ret("ok")]
        }
        "A_x_upsert_update_empty" => block![read("dup").to("r"), bar(), c.upsert(&x(), None, false), ret("ok")],
        "A_fix_createMany_skipDup" => block![
            read("uniq").filter(x()).to("r"),
            bar(),
            new_row("uniq").on_conflict(OnConflict::Nothing).to("n"),
            either(var("n").eq(1), ret("count1"), ret("count0")),
        ],
        "A_x_for_update_missing_nouniq" => block![
            read("dup").filter(x()).for_update().to("r"),
            bar(),
            exists(),
            c.create(new_row("dup")),
            ret("created"),
        ],
        other => panic!("unknown case {other}"),
    })
}

/// B: a job is taken if it is pending.
fn field_decides(case: &str, c: Client) -> Block {
    let job = || block![read("job").filter(id1()).to("j"), bar()];
    let locked = || read("job").filter(id1()).for_update().to("j");
    let lost = || when(field("j", "status").ne("pending"), ret("lost"));
    let pending = || col("status").eq("pending");
    let done = |update: Update| update.set("status", "done").set("winner", var("s"));
    let take = || c.update("job", id1(), None, done);
    let guarded = || done(update("job").filter(id1() & pending())).to("n");
    let won = || ret("won");
    c.tx(match case {
        "B_check_update" => block![job(), lost(), take(), won()],
        "B_fix_updateMany_count" => {
            block![job(), lost(), guarded(), either(var("n").gt(0), won(), ret("lost"))]
        }
        "B_updateMany_nocount" => block![job(), lost(), guarded(), won()],
        "B_fix_update_extwhere" => {
            let take = c.update("job", id1(), Some(pending()), done);
            block![job(), lost(), catch([Code::own("P2025")], take, ret("lost~lostP2025")), won()]
        }
        "B_fix_for_update" => block![start(), locked(), bar(), lost(), take(), won()],
        "B_read_then_for_update_fresh" => block![job(), locked(), lost(), take(), won()],
        "B_for_update_then_plain_read" => {
            block![read("acct").to("r"), start(), locked(), read("job").filter(id1()).to("j"), lost(), take(), won(),]
        }
        other => panic!("unknown case {other}"),
    })
}

/// C: a balance is read, and the new one computed from it.
fn field_feeds(case: &str, c: Client) -> Block {
    let acct = || block![read("acct").filter(id1()).to("a"), bar()];
    let balance = || field("a", "balance");
    let less = |n: i64| move |update: Update| update.set("balance", col("balance") - n);
    let ok = || ret("ok");
    c.tx(match case {
        "C_lost_update" => {
            block![acct(), c.update("acct", id1(), None, |update| update.set("balance", balance() - 10)), ok()]
        }
        "C_fix_increment" => block![acct(), c.update("acct", id1(), None, less(10)), ok()],
        "C_fix_version" => block![
            acct(),
            update("acct")
                .filter(id1() & col("version").eq(field("a", "version")))
                .set("balance", balance() - 10)
                .set("version", col("version") + 1)
                .to("n"),
            either(var("n").gt(0), ok(), ret("!stale")),
        ],
        "C_guarded_decrement" => {
            block![acct(), when(balance().lt(70), ret("refused")), c.update("acct", id1(), None, less(70)), ok(),]
        }
        "C_fix_guarded_where" => block![
            acct(),
            less(70)(update("acct").filter(id1() & col("balance").ge(70))).to("n"),
            either(var("n").gt(0), ok(), ret("refused")),
        ],
        "C_x_decrement_then_check" => block![
            read("acct").filter(col("id").eq(999)).to("r"),
            bar(),
            c.update("acct", id1(), None, less(70)),
            when(c.after("balance").lt(0), throw(Code::own("INSUFFICIENT"))),
            ok(),
        ],
        other => panic!("unknown case {other}"),
    })
}

/// D: a member joins if the team is not full.
fn bound(case: &str, c: Client) -> Block {
    let count = || read("member").filter(col("teamId").eq(1)).to("m");
    let full = || when(size("m").ge(1), ret("full"));
    let join = || block![c.create(insert_member()), ret("created")];
    let parent = || read("team").filter(id1()).for_update().to("t");
    let checked = || block![count(), bar(), full(), join()];
    let held = |name: &str| lock(name).for_session();
    match case {
        "D_fix_advisory" if !c.db.postgres() => {
            return c.tx(block![
                start(),
                held("q42"),
                count(),
                bar(),
                when(size("m").lt(1), c.create(insert_member())),
                unlock("q42"),
                when(size("m").lt(1), ret("created")),
                ret("full"),
            ]);
        }
        "D_fix_getlock_outside" => return block![start(), held("q43"), c.tx(checked()), unlock("q43")],
        _ => {}
    }
    c.tx(match case {
        "D_count_create" => checked(),
        "D_fix_parent_for_update" => block![start(), parent(), checked()],
        "D_parent_for_update_after_read" => block![read("acct").to("r"), start(), parent(), checked()],
        "D_fix_parent_touch_update" => {
            let touch = c.update("team", id1(), None, |update| update.set("quota", col("quota") + 0));
            block![start(), touch, checked()]
        }
        "D_x_parent_touch_updateMany" => {
            let touch = update("team").filter(id1()).set("quota", col("quota") + 1).to("n");
            block![start(), touch, checked()]
        }
        "D_fix_advisory" => block![start(), lock("q42"), checked()],
        "D_for_update_on_counted_rows" => block![start(), count().for_update(), bar(), full(), join()],
        "D_x_count_then_lock" => block![count(), bar(), parent(), full(), join()],
        "D_x_create_then_count" => block![
            c.create(insert_member()),
            bar(),
            count(),
            when(size("m").gt(1), throw(Code::own("OVER"))),
            ret("created"),
        ],
        "D_x_guarded_counter_create" => block![
            count().to("r"),
            start(),
            update("team").filter(id1() & col("quota").gt(0)).set("quota", col("quota") - 1).to("n"),
            bar(),
            when(var("n").eq(0), ret("full")),
            join(),
        ],
        other => panic!("unknown case {other}"),
    })
}

/// E: of all tickets, one is served.
fn flag(case: &str, c: Client) -> Block {
    let own = || col("id").eq(var("s"));
    let ok = || ret("ok");
    let clear = |filter: Expr| update("ticket").filter(filter).set("isServed", false).to("n");
    let set_own = |c: Client| c.update("ticket", own(), None, |update| update.set("isServed", true));
    let swap = |filter: Expr| update("ticket").filter(filter).set("isServed", own()).to("n");
    let unset_set = || block![clear(served()), bar(), set_own(c), ok()];
    if let Some(filter) = match case {
        "E_all_batch" => Some(Expr::TRUE),
        "E_filter_batch" => Some(served()),
        _ => None,
    } {
        // A batch is a transaction, at the default level if none is asked for.
        let default = match c.db.engine {
            Engine::Postgres => Level::ReadCommitted,
            Engine::MySql | Engine::MariaDbSnapshot => Level::RepeatableRead,
            Engine::Sqlite | Engine::SqliteWal => Level::Deferred,
            // There are no batches of files and values.
            Engine::Files | Engine::Memory => Level::default(),
        };
        let batch = Client { level: c.level.or(Some(default)), ..c };
        return block![start(), batch.tx(block![clear(filter), set_own(batch), ok()])];
    }
    c.tx(match case {
        "E_all" => block![clear(Expr::TRUE), bar(), set_own(c), ok()],
        "E_filter" => unset_set(),
        "E_notself" => block![clear(col("id").ne(var("s"))), bar(), set_own(c), ok()],
        "E_set_then_unset" => {
            block![set_own(c), bar(), clear(served() & col("id").ne(var("s"))), ok()]
        }
        "E_fix_single_stmt" => block![start(), swap(Expr::TRUE), bar(), ok()],
        "E_single_stmt_narrow" => block![start(), swap(served() | own()), bar(), ok()],
        "E_fix_lock_first_filter" => {
            block![start(), read("team").filter(id1()).for_update().to("t"), unset_set()]
        }
        "E_fix_advisory_filter" => block![start(), lock("q77"), unset_set()],
        "E_fix_lock_all_rows_filter" => block![start(), read("ticket").for_update().to("k"), unset_set()],
        "E_fix_parent_update_first" => {
            let touch = c.update("team", id1(), None, |update| update.set("quota", col("quota") + 1));
            block![start(), touch, unset_set()]
        }
        "E_fix_pointer" => {
            let point = c.update("team", id1(), None, |update| update.set("quota", var("s")));
            block![start(), point, bar(), ok()]
        }
        other => panic!("unknown case {other}"),
    })
}

/// X: forms that were only run under load, without barriers.
fn stressed(case: &str, c: Client) -> Block {
    let pending = || id1() & col("status").eq("pending");
    let done = |update: Update| update.set("status", "done").set("winner", var("s"));
    let missing = || throw(Code::own("P2025"));
    let delete = || toctou::interleave::delete("job").filter(pending());
    let won_or = |n: Expr| either(n.gt(0), ret("won"), ret("lost"));
    let read_first =
        || c.several(block![read("job").filter(pending()).to("d"), when(size("d").eq(0), missing()), delete()]);
    let caught = |body: Block| block![catch([Code::own("P2025")], body, ret("lost")), ret("won")];
    c.tx(match case {
        "X_limit_1" => block![done(update("job").filter(id1())).frozen(pending()).to("n"), won_or(var("n"))],
        "X_delete_guarded" if c.db.innodb() => caught(read_first()),
        "X_delete_guarded" => caught(block![delete().to("n"), when(var("n").eq(0), missing())]),
        "X_delete_include" => caught(read_first()),
        "X_deleteMany_count" => block![delete().to("n"), won_or(var("n"))],
        "X_insert_where_not_exists" => {
            block![new_row("dup").unless(col("email").eq("x")).to("n"), ret("ok")]
        }
        other => panic!("unknown case {other}"),
    })
}
