//! The programs that are compared: a bounded set of them whole, and as many others as one likes at random.

use toctou::interleave::{Engine, Expr, Level, OnConflict, RowLock, Value, col};

use crate::program::{OnError, Pair, Program, Start};
use crate::sql::{Dialect, Statement};

fn read(table: &'static str, filter: Expr) -> Statement {
    Statement::Read { table, filter, lock: None }
}

fn locking(table: &'static str, filter: Expr, lock: RowLock) -> Statement {
    Statement::Read { table, filter, lock: Some(lock) }
}

fn update(table: &'static str, filter: Expr, column: &'static str, value: impl Into<Expr>) -> Statement {
    Statement::Update { table, filter, set: vec![(column, value.into())] }
}

fn delete(table: &'static str, filter: Expr) -> Statement {
    Statement::Delete { table, filter }
}

fn insert<const N: usize>(table: &'static str, values: [(&'static str, Value); N]) -> Statement {
    Statement::Insert { table, values: values.to_vec(), on_conflict: OnConflict::Fail, unless: None }
}

fn on_conflict(mut insert: Statement, clause: OnConflict) -> Statement {
    if let Statement::Insert { on_conflict, .. } = &mut insert {
        *on_conflict = clause;
    }
    insert
}

fn unless(mut insert: Statement, filter: Expr) -> Statement {
    if let Statement::Insert { unless, .. } = &mut insert {
        *unless = Some(filter);
    }
    insert
}

/// Statements about one table: those that look, and those that act.
struct Theme {
    looks: Vec<Statement>,
    acts: Vec<Statement>,
    starts: &'static [Start],
}

/// All themes of an engine.
fn themes(dialect: Dialect) -> Vec<Theme> {
    let mut themes = vec![items(), people(), entries(), children()];
    if dialect == Dialect::MySql {
        // Elsewhere a plain index changes nothing.
        themes.push(seats());
    }
    for theme in &mut themes {
        theme.looks.retain(|look| dialect != Dialect::Sqlite || !matches!(look, Statement::Read { lock: Some(_), .. }));
    }
    themes
}

/// Rows with a key given by the program.
fn items() -> Theme {
    let one = || col("id").eq(1);
    let zero = || col("n").eq(0);
    Theme {
        looks: vec![
            read("item", one()),
            read("item", zero()),
            locking("item", one(), RowLock::Share),
            locking("item", one(), RowLock::Update),
            locking("item", zero(), RowLock::Update),
            locking("item", col("id").eq(3), RowLock::Update),
        ],
        acts: vec![
            update("item", one(), "n", col("n") + 1),
            update("item", one() & zero(), "n", 1),
            update("item", zero(), "n", 5),
            update("item", Expr::TRUE, "n", col("n") + 1),
            delete("item", one()),
            insert("item", [("id", 3.into()), ("n", 0.into())]),
        ],
        starts: &[Start::Rows],
    }
}

/// Rows with a unique column.
fn people() -> Theme {
    let x = || col("email").eq("x");
    let new = || insert("person", [("email", "x".into()), ("visits", 0.into())]);
    Theme {
        looks: vec![read("person", x()), locking("person", x(), RowLock::Update)],
        acts: vec![
            new(),
            on_conflict(new(), OnConflict::Nothing),
            on_conflict(new(), OnConflict::Update(vec![("visits".into(), col("visits") + 1)])),
            unless(new(), x()),
            update("person", x(), "visits", col("visits") + 1),
            update("person", x(), "email", "y"),
            delete("person", x()),
        ],
        starts: &[Start::Empty, Start::Rows],
    }
}

/// Rows without any key of their own.
fn entries() -> Theme {
    let own = || col("owner").eq(1);
    let new = || insert("entry", [("owner", 1.into())]);
    Theme {
        looks: vec![read("entry", own()), locking("entry", own(), RowLock::Update)],
        acts: vec![new(), unless(new(), own()), delete("entry", own())],
        starts: &[Start::Empty, Start::Rows],
    }
}

/// Rows that point at others.
fn children() -> Theme {
    let one = || col("id").eq(1);
    Theme {
        looks: vec![
            read("child", Expr::TRUE),
            locking("parent", one(), RowLock::Share),
            locking("parent", one(), RowLock::Update),
        ],
        acts: vec![
            insert("child", [("parent", 1.into()), ("n", 0.into())]),
            update("parent", one(), "n", col("n") + 1),
        ],
        starts: &[Start::Empty],
    }
}

/// Rows that are found by a plain index.
fn seats() -> Theme {
    let room = || col("room").eq(1);
    Theme {
        looks: vec![read("seat", room()), locking("seat", room(), RowLock::Update)],
        acts: vec![
            update("seat", room(), "taken", 1),
            update("seat", col("id").eq(1), "room", 2),
            delete("seat", room()),
            insert("seat", [("id", 4.into()), ("room", 1.into()), ("taken", 0.into())]),
        ],
        starts: &[Start::Rows],
    }
}

/// The levels at which the bounded set is run.
pub fn levels(engine: Engine) -> &'static [Level] {
    match engine {
        Engine::Postgres | Engine::MySql => levels_of(Dialect::MySql),
        // Below these, read views bind nobody.
        Engine::MariaDbSnapshot => &[Level::RepeatableRead, Level::Serializable],
        Engine::Sqlite | Engine::SqliteWal => levels_of(Dialect::Sqlite),
        // Nothing of theirs is a transaction.
        Engine::Files | Engine::Memory => &[],
    }
}

fn levels_of(dialect: Dialect) -> &'static [Level] {
    match dialect {
        Dialect::Postgres | Dialect::MySql => &[Level::ReadCommitted, Level::RepeatableRead, Level::Serializable],
        Dialect::Sqlite => &[Level::Deferred, Level::Immediate],
    }
}

fn program(level: Option<Level>, statements: &[&Statement]) -> Program {
    Program { level, on_error: OnError::End, statements: statements.iter().copied().cloned().collect() }
}

/// The bounded set, for one level: of each theme every statement against every other one, and every pair of a look and an
/// act against itself; at the level that is the engine's default also against each single act outside a transaction.
pub fn bounded(engine: Engine, dialect: Dialect, level: Level) -> Vec<Pair> {
    let default = match engine {
        Engine::Postgres => level == Level::ReadCommitted,
        Engine::MySql => level == Level::RepeatableRead,
        Engine::MariaDbSnapshot => false,
        Engine::Sqlite | Engine::SqliteWal | Engine::Files | Engine::Memory => true,
    };
    let mut pairs = Vec::new();
    for Theme { looks, acts, starts } in themes(dialect) {
        for start in starts.iter().copied() {
            let all: Vec<&Statement> = looks.iter().chain(&acts).collect();
            for (place, one) in all.iter().enumerate() {
                for other in &all[place..] {
                    let programs = [one, other].map(|statement| program(Some(level), &[statement]));
                    pairs.push(Pair { programs, start });
                }
            }
            for look in &looks {
                for act in &acts {
                    let both = program(Some(level), &[look, act]);
                    pairs.push(Pair { programs: [both.clone(), both.clone()], start });
                    for rival in acts.iter().filter(|_| default) {
                        pairs.push(Pair { programs: [both.clone(), program(None, &[rival])], start });
                    }
                }
            }
        }
    }
    pairs
}

/// A source of numbers that is the same everywhere: SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % sides as u64).expect("less than the sides")
    }

    fn choose<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.roll(things.len())]
    }
}

/// Two programs of up to three statements, each at a level of its own.
pub fn random(dice: &mut Dice, dialect: Dialect) -> Pair {
    let themes = themes(dialect);
    let first = dice.choose(&themes);
    // Mostly about the same rows; now and then about two tables.
    let second = if dice.roll(4) == 0 { dice.choose(&themes) } else { first };
    let start = *dice.choose(&[Start::Empty, Start::Rows]);
    let mut statements: Vec<&Statement> = [first, second].iter().flat_map(|t| t.looks.iter().chain(&t.acts)).collect();
    let lock = Statement::Lock;
    if dialect == Dialect::Postgres {
        statements.push(&lock);
    }
    let mut one = || {
        let levels = levels_of(dialect);
        let level = if dice.roll(6) == 0 { None } else { Some(*dice.choose(levels)) };
        let on_error = *dice.choose(&[OnError::End, OnError::End, OnError::GoOn, OnError::Savepoint]);
        let length = *dice.choose(&[1, 2, 2, 3]);
        let statements = (0..length).map(|_| Statement::clone(*dice.choose(&statements))).collect();
        Program { level, on_error, statements }
    };
    Pair { programs: [one(), one()], start }
}
