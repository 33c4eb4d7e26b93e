//! What the judge makes of effects, declines, failures and events, and what it hands to the caller.

use toctou::interleave::{
    Act, Block, Code, Ending, Engine, Env, Event, Initial, Judge, Kind, Level, Name, Program, Row, StepOutcome, Table,
    Value, Verdict, Who, block, catch, col, declined, did, effect, either, field, insert, judge, lock, read, ret,
    savepoint, size, throw, tx, update, var, when,
};

const STRICT: Judge = Judge { declines_are_free: false, commits_at_once: false, barriers: false, budget: 10_000 };

fn twins(engine: Engine, tables: &[Table], program: &Program, initial: &Initial) -> Verdict {
    judge(engine, tables, [program; 2], initial, [&Env::new(); 2])
}

fn job() -> Initial {
    Initial::new().row("job", Row::new().with("id", 1).with("status", "pending").with("version", 0))
}

fn id1() -> toctou::interleave::Expr {
    col("id").eq(1)
}

/// Takes the job by a guarded write; `lost` is what it says if somebody else was faster.
fn versioned(lost: impl Into<Block>) -> Program {
    block![
        read("job").filter(id1()).to("j").tag(1),
        update("job")
            .filter(id1() & col("version").eq(field("j", "version")))
            .set("version", col("version") + 1)
            .to("n")
            .tag(2),
        either(var("n").gt(0), ret(did("ok")), lost),
    ]
}

#[test]
fn a_decline_is_fine_if_the_other_one_alone_leaves_the_same() {
    let conflict = versioned(ret(declined("conflict")));
    assert_eq!(twins(Engine::Postgres, &[], &conflict, &job()).kind, Kind::Closed);
    let strict = STRICT.judge(Engine::Postgres, &[], [&conflict; 2], &job(), [&Env::new(); 2]);
    assert_eq!(strict.kind, Kind::Open, "in serial order nobody declines");
}

#[test]
fn all_declines_are_equal() {
    let program = block![
        read("job").filter(id1()).to("j"),
        when(field("j", "status").ne("pending"), ret(declined("not pending"))),
        update("job").filter(id1() & col("status").eq("pending")).set("status", "done").to("n"),
        either(var("n").gt(0), ret(did("won")), ret(declined("too late"))),
    ];
    let strict = STRICT.judge(Engine::Postgres, &[], [&program; 2], &job(), [&Env::new(); 2]);
    assert_eq!(strict.kind, Kind::Closed);
}

#[test]
fn giving_up_is_a_failure_without_a_code() {
    let verdict = twins(Engine::Postgres, &[], &versioned(ret(toctou::interleave::gave_up("stale"))), &job());
    assert_eq!((verdict.kind, verdict.gave_up, verdict.codes), (Kind::Fails, true, vec![]));
}

#[test]
fn a_decline_that_has_already_acted_is_no_decline() {
    let program = versioned(block![effect("mail", 1), ret(declined("conflict"))]);
    assert_eq!(twins(Engine::Postgres, &[], &program, &job()).kind, Kind::Open);
}

#[test]
fn an_effect_done_twice_shows() {
    // Both write the same value, so that the rows tell nothing.
    let program = block![
        read("job").filter(id1()).to("j"),
        when(
            field("j", "status").eq("pending"),
            block![update("job").filter(id1()).set("status", "done"), effect("mail", field("j", "id")),]
        ),
    ];
    let verdict = twins(Engine::Sqlite, &[], &program, &job());
    assert_eq!(verdict.kind, Kind::Open);
    let mail = (Name::from("mail"), Value::Int(1));
    assert_eq!(verdict.outcome.expect("an outcome").effects, [mail.clone(), mail]);
}

#[test]
fn rollback_does_not_undo_an_effect() {
    let program = block![tx(
        None,
        block![update("job").filter(id1()).set("status", "done"), effect("mail", 1), throw(Code::own("no")),]
    )];
    let verdict = twins(Engine::MySql, &[], &program, &job());
    let outcome = &verdict.outcomes[0];
    assert_eq!((outcome.effects.len(), outcome.rows[0].1.get("status")), (2, &Value::from("pending")));
    assert_eq!(verdict.kind, Kind::Partial, "the mail is left behind");
}

#[test]
fn a_failed_run_that_leaves_a_write_behind_is_partial() {
    let program = block![update("job").filter(id1()).set("version", col("version") + 1), throw(Code::own("no"))];
    let verdict = twins(Engine::Postgres, &[], &program, &job());
    assert_eq!(verdict.kind, Kind::Partial);
    assert!(verdict.events.contains(&Event::ErrorInSerialRun(Who::A, Code::own("no"))));
}

fn swallowed_violation(create: impl Into<Block>) -> Program {
    block![tx(
        None,
        block![catch([Code::Unique], create, Block::new()), insert("log").set("text", "created"), ret(did("ok")),]
    )]
}

#[test]
fn commit_of_a_failed_transaction_is_an_event() {
    let tables = [Table::new("user").generated_key().unique(["email"]), Table::new("log").generated_key()];
    let taken = Initial::new().row("user", Row::new().with("id", 1).with("email", "x"));
    let create = || insert("user").set("email", "x");
    let swallowed = || block![tx(None, block![catch([Code::Unique], create(), Block::new()), ret(did("ok"))])];
    let verdict = twins(Engine::Postgres, &tables, &swallowed(), &taken);
    assert_eq!(verdict.kind, Kind::Closed, "it fails in serial order, too");
    assert_eq!(verdict.events, [Event::CommitOfFailedTransaction(Who::A), Event::CommitOfFailedTransaction(Who::B),]);
    assert_eq!(twins(Engine::MySql, &tables, &swallowed(), &taken).events, []);
    // Going on in it fails; going on after a savepoint does not.
    let failed = Event::ErrorInSerialRun(Who::A, Code::TransactionFailed);
    assert!(twins(Engine::Postgres, &tables, &swallowed_violation(create()), &taken).events.contains(&failed));
    assert_eq!(twins(Engine::Postgres, &tables, &swallowed_violation(savepoint(create())), &taken).events, []);
}

#[test]
fn a_given_key_collides() {
    let program = block![
        read("user").filter(id1()).to("u"),
        when(size("u").gt(0), ret(declined("exists"))),
        insert("user").set("id", 1).set("name", "x"),
        ret(did("created")),
    ];
    for engine in [Engine::Postgres, Engine::MySql, Engine::MariaDbSnapshot, Engine::Sqlite, Engine::SqliteWal] {
        let verdict = twins(engine, &[], &program, &Initial::new());
        assert_eq!((verdict.kind, &verdict.codes[..]), (Kind::Fails, &[Code::Unique][..]), "{engine:?}");
    }
}

#[test]
fn a_made_up_key_is_known_by_its_place_only() {
    let tables = [Table::new("order").generated_key(), Table::new("item").generated_key()];
    let program = block![insert("order").set("by", var("by")).to("o"), insert("item").set("order", field("o", "id")),];
    let env = ["ann", "bob"].map(|by| Env::new().with("by", by));
    let verdict = judge(Engine::Postgres, &tables, [&program; 2], &Initial::new(), [&env[0], &env[1]]);
    assert_eq!(verdict.kind, Kind::Closed);
    assert_eq!(verdict.outcomes.len(), 1, "whose order got which number is no part of the outcome");
}

#[test]
fn steps_lead_back_to_the_caller() {
    let program = block![
        read("job").filter(id1()).to("j").tag(1),
        tx(Level::ReadCommitted, block![update("job").filter(id1()).set("version", field("j", "version") + 1).tag(2),])
            .commit_tag(3),
    ];
    let verdict = twins(Engine::Postgres, &[], &program, &job());
    let steps: Vec<_> = verdict.schedule.iter().map(|step| (step.session, step.tag, step.outcome.clone())).collect();
    let (one, ok) = (|| StepOutcome::Count(1), || StepOutcome::Ok);
    assert_eq!(
        steps,
        [
            (Who::A, Some(1), StepOutcome::Rows(1)),
            (Who::B, Some(1), StepOutcome::Rows(1)),
            (Who::B, Some(2), one()),
            (Who::B, Some(3), ok()),
            (Who::A, Some(2), one()),
            (Who::A, Some(3), ok()),
        ]
    );
    let acts = verdict.schedule.iter().map(|step| step.act == Act::Commit);
    assert_eq!(acts.collect::<Vec<_>>(), [false, false, false, true, false, true]);
    let outcome = verdict.outcome.expect("an outcome");
    assert_eq!(outcome.rows[0].1.get("version"), &Value::Int(1));
    assert_eq!(outcome.endings, [Ending::Quiet, Ending::Quiet]);
}

#[test]
fn a_lock_that_nobody_releases_times_out() {
    let program = block![lock("l").for_session(), read("job"), ret(did("ok"))];
    let verdict = twins(Engine::MySql, &[], &program, &job());
    assert!(verdict.events.contains(&Event::ErrorInSerialRun(Who::B, Code::Timeout)));
}

#[test]
fn a_search_too_large_is_given_up() {
    let judge = Judge { budget: 3, ..Judge::default() };
    let program = versioned(Block::new());
    let verdict = judge.judge(Engine::Postgres, &[], [&program; 2], &job(), [&Env::new(); 2]);
    assert_eq!((verdict.kind, verdict.outcome), (Kind::Unknown, None));
}
