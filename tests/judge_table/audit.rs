//! Every row of what was observed of patterns and of their fixes, by name, with the verdict of each cell written by hand.
//!
//! The columns are databases and levels. `R`: the invariant is broken in some interleaving. `ok`: never, and nobody gets an
//! error. A code: never, as one of the two gets that error. `-`: nobody has looked. MariaDB under `snap` runs with
//! `innodb_snapshot_isolation`; SQLite runs as two processes.

use super::{STRICT, judge};
use toctou::interleave::{Code, Kind};

/// The columns of a line, as database and level.
const COLUMNS: [(&str, &str); 11] = [
    ("pg", "none"),
    ("pg", "RC"),
    ("pg", "RR"),
    ("pg", "SER"),
    ("my", "none"),
    ("my", "RC"),
    ("my", "RR"),
    ("my", "SER"),
    ("mysnap", "RR"),
    ("sl", "none"),
    ("sl", "DEF"),
];

/// A row by its name, the program that stands for it, the state it starts from, and the cells.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// What becomes of a pattern without, and with, a transaction around it.
#[rustfmt::skip]
const PATTERNS: &[Row] = &[
    //                                                                           | PostgreSQL             | MariaDB             | snap | SQLite
    ("A find, create; no unique key", "A_find_create_nouniq", "none",             "R R R 40001              R R R 1213            R      R BUSY"),
    ("A find, create; unique key", "A_find_create_uniq", "none",                  "unique unique unique 40001  unique unique unique 1213  unique  unique BUSY"),
    ("A lock the missing row, create", "A_x_for_update_missing_nouniq", "none",   "R R R 40001              - R 1213 1213         -      - -"),
    ("B check a column, update by key", "B_check_update", "none",                 "R R 40001 40001          R R R 1213            1020   R BUSY"),
    ("C read, write what was computed", "C_lost_update", "none",                  "R R 40001 40001          R R R 1213            1020   R BUSY"),
    ("C check a balance, decrement", "C_guarded_decrement", "none",               "R R 40001 40001          R R R 1213            1020   R BUSY"),
    ("D count, create", "D_count_create", "none",                                 "R R R 40001              R R R 1213            R      R BUSY"),
    ("D create, count, throw if over", "D_x_create_then_count", "none",           "R R R 40001              - R R 1213            -      - -"),
];

/// A flag is taken from all and given to one: is a transaction enough?
#[rustfmt::skip]
const FLAGS: &[Row] = &[
    ("E unset every row, set", "E_all", "none",                                   "R ok 40001 40001         R ok ok ok            -      R ok"),
    ("E unset every row, set; another has it", "E_all", "three",                  "R ok 40001 40001         R ok ok ok            -      R ok"),
    ("E unset the set ones, set; nobody has it", "E_filter", "none",              "R R R 40001              R R ok ok             -      R ok"),
    ("E unset the set ones, set; another has it", "E_filter", "three",            "R R 40001 40001          R R ok ok             -      R ok"),
    ("E unset the set ones, set; the first has it", "E_filter", "one",            "R R 40001 40001          R ok ok ok            -      - -"),
    ("E unset all others, set", "E_notself", "none",                              "R 40P01 40P01 40P01      R 1213 ok ok          -      R ok"),
    ("E set, then unset all others", "E_set_then_unset", "none",                  "R R R 40001              R R 1213 1213         -      R ok"),
    ("E the batch of both", "E_filter_batch", "none",                             "- R R 40001              - R ok ok             -      - ok"),
];

/// What is given for a cure, and whether it is one.
#[rustfmt::skip]
const FIXES: &[Row] = &[
    ("the old value in the condition, and the count", "B_fix_updateMany_count", "none",   "ok ok 40001 40001        ok ok ok 1213         -      ok BUSY"),
    ("the same without the count", "B_updateMany_nocount", "none",                        "R R - -                  R R R -               -      R -"),
    ("an update with a further condition, P2025 caught", "B_fix_update_extwhere", "none", "ok ok 40001 40001        R R R -               -      ok BUSY"),
    ("a delete with a further condition", "X_delete_guarded", "none",                     "ok - - -                 R - - -               -      - -"),
    ("the same with an include", "X_delete_include", "none",                              "R - - -                  R - - -               -      - -"),
    ("a conditional delete of many, and the count", "X_deleteMany_count", "none",         "ok - - -                 ok - - -              -      - -"),
    ("a conditional update of many with a limit", "X_limit_1", "none",                    "R - - -                  ok - - -              -      - -"),
    ("an increment for a computed value", "C_fix_increment", "none",                      "ok ok - -                ok ok ok -            -      ok -"),
    ("an increment behind a guard", "C_guarded_decrement", "none",                        "R R - -                  R R R -               -      R -"),
    ("a guarded decrement, and the count", "C_fix_guarded_where", "none",                 "ok ok - -                ok ok ok -            -      ok -"),
    ("decrement, then throw below zero", "C_x_decrement_then_check", "none",              "R ok - -                 R ok ok -             -      - -"),
    ("a version column, and the count", "C_fix_version", "none",                          "ok ok - -                ok ok ok -            -      ok -"),
    ("lock the row, decide on what the lock returns", "B_fix_for_update", "none",         "R ok 40001 40001         R ok ok ok            -      - -"),
    ("lock the row, decide on a later read", "B_for_update_then_plain_read", "none",      "- ok - -                 - ok R ok             -      - -"),
    ("lock the parent, count, create", "D_fix_parent_for_update", "none",                 "R ok R 40001             R ok ok ok            -      - -"),
    ("the same behind an earlier read", "D_parent_for_update_after_read", "none",         "- ok R 40001             - ok R -              -      - -"),
    ("count, then lock the parent", "D_x_count_then_lock", "none",                        "- R R 40001              - R R -               -      - -"),
    ("write the parent first, as the client's update", "D_fix_parent_touch_update", "none", "- ok 40001 40001       - ok R -              -      - ok"),
    ("write the parent first, as one statement", "D_x_parent_touch_updateMany", "none",   "- ok 40001 40001         - ok ok -             -      - ok"),
    ("a guarded counter on the parent", "D_x_guarded_counter_create", "none",             "- ok - -                 - ok ok -             -      - -"),
    ("lock the counted rows", "D_for_update_on_counted_rows", "none",                     "- R - -                  - R 1213 -            -      - -"),
    ("an advisory lock first", "D_fix_advisory", "none",                                  "- ok R 40001             - R R -               -      - -"),
    ("a named lock around the transaction", "D_fix_getlock_outside", "none",              "- - - -                  - ok ok ok            -      - -"),
    ("insert where not exists", "X_insert_where_not_exists", "none",                      "R - - -                  ok - - -              -      - -"),
    ("unique key and native upsert", "A_fix_upsert_native", "none",                       "ok ok 40001 40001        unique unique unique -  -    ok -"),
    ("an upsert with an empty update", "A_x_upsert_update_empty", "none",                 "unique - - -             unique - - -          -      - -"),
    ("the same, a column set to what it is", "A_x_upsert_self_assign", "none",            "ok ok 40001 40001        unique - - -          -      ok -"),
    ("insert and skip what exists", "A_fix_createMany_skipDup", "none",                   "ok ok 40001 40001        ok ok ok -            -      - -"),
    ("catch the violation, then read; in a transaction or not", "A_fix_catchP2002_then_read", "none", "ok 25P02 - -  ok ok R -             -      ok BUSY"),
    ("the same behind a savepoint", "A_x_nested_tx_catch", "none",                        "- ok R -                 - ok R -              -      - -"),
    ("serializable and a retry: absence", "A_find_create_nouniq_retry_any", "none",       "- - - ok                 - - - ok              -      - -"),
    ("serializable and a retry: a column", "B_check_update_retry_any", "none",            "- - ok ok                - - R ok              -      - -"),
    ("serializable and a retry: a computed value", "C_lost_update_retry_any", "none",     "- - ok ok                - - R ok              -      - -"),
    ("serializable and a retry: a limit", "D_count_create_retry_any", "none",             "- - R ok                 - - R ok              -      - -"),
    ("repeatable read and a retry: absence", "A_find_create_nouniq_retry_any", "none",    "- - R -                  - - R -               R      - -"),
    ("repeatable read and a retry: a flag", "E_filter_retry_any", "none",                 "- - R ok                 - - ok ok             -      - -"),
    ("repeatable read and a retry of statements only", "D_count_create_retry", "none",    "- - - 40001@commit       - - - ok              -      - -"),
    ("a retry that does not know 1020", "B_check_update_retry_any", "none",               "- - - -                  - - - -               1020   - -"),
    ("a pointer on the parent instead of flags", "E_fix_pointer", "none",                 "ok ok - -                ok ok ok -            -      - -"),
    ("lock the parent, then unset and set", "E_fix_lock_first_filter", "none",            "- ok R 40001             - ok ok -             -      - -"),
    ("an advisory lock, then unset and set", "E_fix_advisory_filter", "none",             "- ok R 40001             - - - -               -      - -"),
    ("write the parent, then unset and set", "E_fix_parent_update_first", "none",         "- ok 40001 40001         - ok - -              -      - -"),
    ("one statement over the whole group", "E_fix_single_stmt", "none",                   "ok ok - -                ok ok ok -            -      - -"),
    ("one statement over a part of it", "E_single_stmt_narrow", "none",                   "R R - -                  ok - - -              -      - -"),
];

/// What the judge says, in the words of the table.
fn cell(case: &str, db: &str, level: &str, init: &str) -> String {
    let verdict = judge(STRICT, case, db, level, init);
    match verdict.kind {
        Kind::Closed => "ok".to_owned(),
        Kind::Open | Kind::Partial => "R".to_owned(),
        Kind::Unknown => "unknown".to_owned(),
        // Who loses by the program's own word gets no error of the database's.
        Kind::Fails if verdict.codes.is_empty() => "ok".to_owned(),
        Kind::Fails => verdict.codes.iter().map(Code::to_string).collect::<Vec<_>>().join("/"),
    }
}

/// The cells of rows that differ from what was observed, and how many there are at all.
fn compare(rows: &[Row]) -> (usize, Vec<String>) {
    let (mut cells, mut wrong) = (0, Vec::new());
    for (name, case, init, line) in rows {
        let observed: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(observed.len(), COLUMNS.len(), "{name}");
        for ((db, level), observed) in COLUMNS.iter().zip(observed).filter(|(_, observed)| *observed != "-") {
            cells += 1;
            let model = cell(case, db, level, init);
            // One of several errors may be all that twenty runs have met, and the statement and the commit share a code.
            let agrees =
                model.split('/').any(|code| code == observed || code.strip_suffix("@commit") == Some(observed));
            if !agrees {
                wrong.push(format!("{name} [{init}] {db}:{level}: observed {observed}, the model has {model}"));
            }
        }
    }
    (cells, wrong)
}

#[test]
fn every_row_has_the_observed_verdict() {
    for (name, rows) in [("patterns", PATTERNS), ("flags", FLAGS), ("fixes", FIXES)] {
        let (cells, wrong) = compare(rows);
        println!("{name}: {} rows, {cells} cells", rows.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn under_a_partial_key_the_flag_cannot_be_held_twice() {
    // Unset, then set: one of the two is refused. Set, then unset: refused always.
    assert_eq!(cell("E_filter", "pgidx", "RC", "none"), "unique");
    let always = judge(STRICT, "E_set_then_unset", "pgidx", "RC", "three");
    assert!(!always.events.is_empty(), "the serial run is refused, too");
}
