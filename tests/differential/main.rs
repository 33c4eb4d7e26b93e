//! Holds the judge to real servers: the same programs, in every order of their statements, in the model and on
//! PostgreSQL, MariaDB and SQLite.
//!
//! The servers are those of the machine, started by the tests and stopped again. Where one is not installed, its tests say
//! so and pass; with `TOCTOU_DIFFERENTIAL=required` they fail.

#![allow(clippy::print_stdout, reason = "the figures are printed for people")]

mod compare;
mod generate;
mod known;
mod lanes;
mod program;
mod servers;
mod sql;
mod tables;
mod wire;

use std::collections::BTreeMap;

use toctou::interleave::Engine;

use compare::{Difference, compare};
use generate::{Dice, bounded, levels, random};
use known::Known;
use lanes::Server;
use program::Pair;
use servers::Absent;
use servers::mariadb::MariaDb;
use servers::postgres::Postgres;
use servers::sqlite::Sqlite;

fn start(engine: Engine) -> Result<Box<dyn Server>, Absent> {
    Ok(match engine {
        Engine::Postgres => Box::new(Postgres::start()?),
        Engine::MySql => Box::new(MariaDb::start(false)?),
        Engine::MariaDbSnapshot => Box::new(MariaDb::start(true)?),
        Engine::Sqlite => Box::new(Sqlite::start(false)?),
        Engine::SqliteWal => Box::new(Sqlite::start(true)?),
        Engine::Files | Engine::Memory => return Err("no server stands behind it".to_owned()),
    })
}

/// The server of an engine, or word that it is not there.
fn server(engine: Engine) -> Option<Box<dyn Server>> {
    match start(engine) {
        Ok(server) => Some(server),
        Err(absent) if std::env::var_os("TOCTOU_DIFFERENTIAL").is_some_and(|word| word == "required") => {
            panic!("{engine:?} has to be compared with: {absent}")
        }
        Err(absent) => {
            println!("SKIPPED, {engine:?} is not compared with: {absent}");
            None
        }
    }
}

/// What was compared, and what came of it.
#[derive(Default)]
struct Figures {
    pairs: usize,
    schedules: usize,
    known: BTreeMap<Known, usize>,
    differences: Vec<Difference>,
}

impl Figures {
    /// Compares pairs of programs, and tells how many there were.
    fn gather(&mut self, engine: Engine, server: &mut dyn Server, what: &str, pairs: impl IntoIterator<Item = Pair>) {
        let mut figures = Figures::default();
        for pair in pairs {
            let compared = compare(engine, server, &pair);
            figures.pairs += 1;
            figures.schedules += compared.schedules;
            for difference in compared.differences {
                match Known::of(engine, &difference) {
                    Some(known) => *figures.known.entry(known).or_default() += 1,
                    None => figures.differences.push(difference),
                }
            }
        }
        let Figures { pairs, schedules, known, differences } = figures;
        let different = differences.len();
        println!("{engine:?}, {what}: {pairs} pairs, {schedules} schedules, {known:?} known, {different} different");
        self.differences.extend(differences);
    }

    fn assert_none_differs(&self) {
        // The first of each pair is enough.
        let mut shown: Vec<&Difference> = self.differences.iter().collect();
        shown.dedup_by(|later, first| later.pair == first.pair);
        for difference in shown.into_iter().take(SHOWN) {
            println!("\n{difference}");
        }
        let count = self.differences.len();
        assert!(count == 0, "{count} schedules run otherwise on the server than in the model");
    }
}

/// More pairs than these tell nothing new.
const SHOWN: usize = 12;

/// The bounded set at each level, and a few programs at random.
fn bounded_set(engine: Engine) {
    let Some(mut server) = server(engine) else { return };
    let (dialect, mut figures) = (server.dialect(), Figures::default());
    for level in levels(engine) {
        figures.gather(engine, &mut *server, &format!("{level:?}"), bounded(engine, dialect, *level));
    }
    let mut dice = Dice(1);
    figures.gather(engine, &mut *server, "random", (0..SAMPLE).map(|_| random(&mut dice, dialect)));
    figures.assert_none_differs();
}

/// How many random programs accompany the bounded set.
const SAMPLE: usize = 60;

/// As many random programs as `TOCTOU_PROGRAMS` says, from the seed `TOCTOU_SEED`.
fn random_set(engine: Engine) {
    let Some(mut server) = server(engine) else { return };
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
    };
    let (seed, count) = (number("TOCTOU_SEED", 1), number("TOCTOU_PROGRAMS", 500));
    let (dialect, mut dice, mut figures) = (server.dialect(), Dice(seed), Figures::default());
    let pairs = (0..count).map(|_| random(&mut dice, dialect));
    figures.gather(engine, &mut *server, &format!("seed {seed}"), pairs);
    figures.assert_none_differs();
}

macro_rules! engines {
    ($($name:ident $engine:ident)*) => {
        $(
            mod $name {
                #[test]
                fn runs_the_bounded_set_as_the_model_does() {
                    super::bounded_set(super::Engine::$engine);
                }

                #[test]
                #[ignore = "takes as long as one likes"]
                fn runs_random_programs_as_the_model_does() {
                    super::random_set(super::Engine::$engine);
                }
            }
        )*
    };
}

engines! { postgres Postgres  mariadb MySql  mariadb_snapshot MariaDbSnapshot  sqlite Sqlite  sqlite_wal SqliteWal }
