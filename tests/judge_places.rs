//! The profiles of the judge for places that know no transactions: files by their paths, values that threads share.

use toctou::interleave::{
    Block, Code, Engine, Env, Initial, Kind, OnConflict, Program, Row, Table, Verdict, block, catch, col, declined,
    delete, did, effect, either, field, insert, judge, lock, read, ret, size, throw, tx, update, var, when,
};

const PLACES: [Engine; 2] = [Engine::Files, Engine::Memory];

fn table() -> [Table; 1] {
    [Table::new("place").key("#").generated_key().unique(["key"])]
}

/// The verdict on two runs of a program, with arguments of their own.
fn twins(engine: Engine, program: &Program, initial: &Initial) -> Verdict {
    let env = [1, 2].map(|own| Env::new().with("own", own));
    judge(engine, &table(), [program; 2], initial, [&env[0], &env[1]])
}

fn there(value: i64) -> Initial {
    Initial::new().row("place", Row::new().with("key", "k").with("value", value))
}

fn look() -> toctou::interleave::Read {
    read("place").filter(col("key").eq("k")).to("seen")
}

/// `value` under the key, whether something is there or not.
fn put() -> Block {
    let over = OnConflict::Update(vec![("value".into(), var("own"))]);
    insert("place").set("key", "k").set("value", var("own")).on_conflict(over).into()
}

/// A guard: the lock is given back at the end of the block, however that is left.
fn guarded(body: impl Into<Block>) -> Block {
    tx(None, block![lock("place"), body.into()]).into()
}

fn decline() -> Block {
    ret(declined("there")).into()
}

#[test]
fn what_is_created_after_a_look_may_be_there_by_then() {
    let program =
        block![look(), when(size("seen").gt(0), decline()), insert("place").set("key", "k"), ret(did("created"))];
    for engine in PLACES {
        let verdict = twins(engine, &program, &Initial::new());
        assert_eq!((verdict.kind, &verdict.codes[..]), (Kind::Fails, &[Code::Unique][..]), "{engine:?}");
    }
    let handled = block![catch([Code::Unique], program, decline())];
    assert_eq!(twins(Engine::Files, &handled, &Initial::new()).kind, Kind::Closed);
}

#[test]
fn what_is_removed_after_a_look_may_be_gone_by_then() {
    let remove = |lost: Block| {
        block![
            look(),
            when(size("seen").eq(0), decline()),
            delete("place").filter(col("key").eq("k")).to("gone"),
            when(size("gone").eq(0), lost),
            ret(did("removed")),
        ]
    };
    let missing = remove(throw(Code::own("not found")).into());
    let verdict = twins(Engine::Files, &missing, &there(0));
    assert_eq!((verdict.kind, verdict.codes), (Kind::Fails, vec![Code::own("not found")]));
    assert_eq!(twins(Engine::Files, &remove(decline()), &there(0)).kind, Kind::Closed);
}

#[test]
fn an_update_from_an_old_value_is_lost_unless_one_lock_spans_both() {
    let change = || update("place").filter(col("key").eq("k")).set("value", field("seen", "value") + 1);
    for engine in PLACES {
        assert_eq!(twins(engine, &block![look(), change()], &there(0)).kind, Kind::Open, "{engine:?}");
        assert_eq!(twins(engine, &guarded(block![look(), change()]), &there(0)).kind, Kind::Closed, "{engine:?}");
        let gap = block![guarded(look()), guarded(change())];
        assert_eq!(twins(engine, &gap, &there(0)).kind, Kind::Open, "{engine:?}");
    }
}

#[test]
fn a_statement_that_computes_is_one() {
    let add = block![update("place").filter(col("key").eq("k")).set("value", col("value") + 1)];
    assert_eq!(twins(Engine::Memory, &add, &there(0)).kind, Kind::Closed);
}

#[test]
fn who_looks_again_under_the_second_lock_is_safe() {
    let again = block![
        guarded(look()),
        when(size("seen").gt(0), ret(did("is there"))),
        guarded(block![look(), either(size("seen").gt(0), Block::new(), put())]),
        ret(did("is there")),
    ];
    assert_eq!(twins(Engine::Memory, &again, &Initial::new()).kind, Kind::Closed);
    let blind = |act: Block| {
        block![guarded(look()), when(size("seen").gt(0), ret(did("is there"))), guarded(act), ret(did("is there"))]
    };
    assert_eq!(
        twins(Engine::Memory, &blind(put()), &Initial::new()).kind,
        Kind::Closed,
        "the last one counts, as in turns"
    );
    let handed_out = block![put(), effect("handed out", var("own"))];
    assert_eq!(twins(Engine::Memory, &blind(handed_out), &Initial::new()).kind, Kind::Open, "two have one each");
}

#[test]
fn a_lock_is_given_back_by_who_leaves_in_the_middle() {
    let leaves = catch([Code::own("left")], guarded(throw(Code::own("left"))), decline());
    let verdict = twins(Engine::Memory, &leaves.into(), &there(0));
    assert_eq!((verdict.kind, verdict.codes), (Kind::Closed, vec![]));
}

#[test]
fn two_that_wait_for_each_other_hang() {
    let program = |first: &str, second: &str| block![tx(None, block![lock(first), lock(second), ret(did("both"))])];
    let (ab, ba) = (program("a", "b"), program("b", "a"));
    let env = Env::new();
    let verdict = judge(Engine::Memory, &table(), [&ab, &ba], &there(0), [&env, &env]);
    assert_eq!((verdict.kind, verdict.codes), (Kind::Fails, vec![Code::Timeout]));
}
