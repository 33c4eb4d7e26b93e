//! Macros.

use super::{check, lower};

#[test]
fn texts() {
    check(
        r#"
fn f(a: A, n: i64) {
    g(
        format!("{}", a),
        format!("a {n:>3} {} {x} {{}} {0}", a.b, x = 1),
        concat!("a", "b"),
        vec![1, n],
        vec![0; 3],
    );
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A, n: i64)
  b0:
    t1 = call ::g(a, `a ${n} ${a.b} ${1} {} ${a.b}`, "ab", [1, n], opaque(0, 3))
    return
export f = f
"#,
    );
}

#[test]
fn what_only_speaks() {
    check(
        r#"
fn f(a: A) {
    println!("{} {:?}", a.x(), a);
    tracing::info!(user = %a.id, ?a, count = a.n(), "done");
    debug_assert!(a.ok());
}
"#,
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A)
  b0:
    t1 = call a.x()
    t2 = call a.n()
    if opaque(a) then b2 else b1
  b1, errors to b3:
    throw opaque(a)
  b2:
    t3 = a
    goto b4
  b3:
    t4 = caught
    t3 = null
    goto b4
  b4:
    return
export f = f
",
    );
}

#[test]
fn assertions() {
    check(
        r#"
fn f(a: A) -> Result<()> {
    assert!(a.ok && check(), "bad {}", a);
    ensure!(a.n > 1, E::Small);
    assert_eq!(a.x, 1);
    if a.y {
        bail!("no");
    }
    let e = anyhow!("e {}", a.n);
    if a.z {
        unreachable!()
    }
    Err(e)
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<()>
  b0:
    if a.ok then b1 else b2
  b1:
    t1 = call ::check()
    if t1 then b3 else b2
  b2:
    throw `bad ${a}`
  b3:
    if (a.n > 1) then b5 else b4
  b4:
    throw ::E.Small
  b5:
    if (a.x == 1) then b7 else b6
  b6:
    throw ""
  b7:
    if a.y then b8 else b9
  b8:
    throw "no"
  b9:
    e = `e ${a.n}`
    if a.z then b10 else b11
  b10:
    throw ""
  b11:
    throw e
export f = f
"#,
    );
}

#[test]
fn a_test_of_a_pattern() {
    check(
        r"
fn f(a: A) -> bool {
    let r = matches!(a.kind, Kind::X | Kind::Y(1..=3)) && matches!(a.v, Some(n) if n > 2);
    r
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> bool
  b0:
    if ((a.kind == ::Kind.X) || ((a.kind instanceof ::Kind.Y) && ((a.kind.0 >= 1) && (a.kind.0 <= 3)))) then b1 else b6
  b1:
    if (a.v != null) then b2 else b4
  b2:
    n = a.v
    if (n > 2) then b3 else b4
  b3:
    t2 = true
    goto b5
  b4:
    t2 = false
    goto b5
  b5:
    t1 = t2
    goto b7
  b6:
    t1 = false
    goto b7
  b7:
    r = t1
    return r
export f = f
",
    );
}

#[test]
fn others_are_calls() {
    check(
        r#"
fn f(a: A) {
    q::query!("SELECT $1", *a.v, x = 1).one();
    json!({ "a": a.x(), "b": [1, { "c": null }] });
    let s = stringify!(a + b);
}
table! { users (id) { id -> Int4, } }
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    t5 = macro ::table("users (id) { id -> Int4, }")
    return
fn#1 f(a: A)
  b0:
    t1 = macro ::q.query("SELECT $1", a.v, 1)
    t2 = call t1.one()
    t3 = call a.x()
    t4 = macro ::json({a: t3, b: [1, {c: null}]})
    s = "a + b"
    return
export f = f
"#,
    );
}

#[test]
fn rules_of_the_file() {
    check(
        r"
macro_rules! find { ($db:expr, $($name:ident = $value:expr),+ $(,)?) => {{ let mut q = $db.query(); $( q.bind(stringify!($name), $value); )+ q.run() }}; ($db:expr) => { find!($db, all = true) }; }
fn f(db: Db) {
    let a = find!(db, id = 1, name = db.name());
    let b = find!(db);
}
",
        r#"
fn#0 module
  b0:
    f = fn#2
    return
fn#1 macro find(db)
  b0:
    t1 = call db.query()
    q = t1
    t2 = call q.bind("all", true)
    t3 = call q.run()
    return t3
fn#2 f(db~2: Db)
  b0:
    t4 = call db~2.query()
    q~2 = t4
    t5 = call q~2.bind("id", 1)
    t6 = call db~2.name()
    t7 = call q~2.bind("name", t6)
    t8 = call q~2.run()
    drop q~2
    a = t8
    t9 = call db~2.query()
    q~3 = t9
    t10 = call q~3.bind("all", true)
    t11 = call q~3.run()
    drop q~3
    b = t11
    return
export f = f
"#,
    );
}

#[test]
fn rules_for_other_files_take_closures() {
    check(
        r"
macro_rules! within { ($db:expr, |$c:ident| $work:expr) => {{ let mut held = $db.lock(); held.run(|$c| $work) }}; ($db:expr) => { return $db.lock() }; }
",
        r"
fn#0 module
  b0:
    return
fn#1 macro within(db, work: impl Fn)
  b0:
    t1 = call db.lock()
    held = t1
    t2 = call held.run(work)
    return t2
",
    );
}

#[test]
fn an_item_that_cannot_be_read_takes_no_other_with_it() {
    let unit = lower(
        "a.rs",
        "#[ext(X)] pub impl A { fn one(&self) { b() } }\nfn two() { c() }\nstruct ! D { e }\nfn three() {}",
    );
    let names: Vec<&str> = unit.functions.iter().map(|func| func.name.as_str()).collect();
    assert_eq!(names, ["", "one", "two", "three"]);
    assert_eq!(unit.problems.len(), 1);
}

#[test]
fn rules_that_make_items() {
    check(
        r"
macro_rules! getters { ($($name:ident: $ty:ty),*) => { $( pub fn $name(&self) -> $ty { load(self) } )* }; }
getters! { one: i64, two: Option<String> }
lazy_static! {
    static ref POOL: Pool = connect();
}
",
        r"
fn#0 module
  b0:
    one = fn#1
    two = fn#2
    t3 = call ::connect()
    POOL = t3
    return
fn#1 one() -> i64
  b0:
    t1 = call ::load(this)
    return t1
fn#2 two() -> Option<String>
  b0:
    t2 = call ::load(this)
    return t2
export one = one
export two = two
export POOL = POOL
",
    );
}

#[test]
fn whichever_is_ready() {
    check(
        r"
async fn f() {
    tokio::select! { biased; Some(x) = rx.recv() => { go(x); } _ = stop.wait(), if !done => return, else => last(), }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    if opaque() then b1 else b2
  b1:
    t2 = call ::rx.recv() awaited
    x = t2
    t3 = call ::go(x)
    t1 = opaque()
    goto b5
  b2:
    if opaque() then b3 else b4
  b3:
    t4 = call ::stop.wait() awaited
    return
  b4:
    t5 = call ::last()
    t1 = t5
    goto b5
  b5:
    return t1
export f = f
",
    );
}
