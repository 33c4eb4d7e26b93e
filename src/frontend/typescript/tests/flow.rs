//! Branches, and what is left out.

use super::check;

#[test]
fn early_returns_and_throws() {
    check(
        "a.ts",
        r##"
function f(a) {
  if (!a) return null;
  if (a.bad) throw new Error("bad");
  return a;
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a)
  b0:
    if !a then b1 else b2
  b1:
    return null
  b2:
    if a.bad then b3 else b4
  b3:
    t1 = new ::Error("bad")
    throw t1
  b4:
    return a
"##,
    );
}

#[test]
fn else_if_chains() {
    check(
        "a.ts",
        r##"
if (a) one();
else if (b) two();
else three();
"##,
        r##"
fn#0 module
  b0:
    if ::a then b1 else b2
  b1:
    t1 = call ::one()
    goto b5
  b2:
    if ::b then b3 else b4
  b3:
    t2 = call ::two()
    goto b5
  b4:
    t3 = call ::three()
    goto b5
  b5:
    return
"##,
    );
}

#[test]
fn impure_conditions_branch_where_they_short_circuit() {
    check(
        "a.ts",
        r##"
if (a && (await ok(a)) || !(b || check())) go();
"##,
        r##"
fn#0 module
  b0:
    if ::a then b1 else b2
  b1:
    t1 = call ::ok(::a) awaited
    if t1 then b4 else b2
  b2:
    if ::b then b5 else b3
  b3:
    t2 = call ::check()
    if t2 then b5 else b4
  b4:
    t3 = call ::go()
    goto b5
  b5:
    return
"##,
    );
}

#[test]
fn pure_conditions_stay_one_test() {
    check(
        "a.ts",
        r##"
if (a && !b.c || d === 1) go();
"##,
        r##"
fn#0 module
  b0:
    if ((::a && !::b.c) || (::d == 1)) then b1 else b2
  b1:
    t1 = call ::go()
    goto b2
  b2:
    return
"##,
    );
}

#[test]
fn values_that_run_nothing_stay_values() {
    check(
        "a.ts",
        r##"
const x = a ?? b.c, y = a && b || c, z = a ? b : c;
"##,
        r##"
fn#0 module
  b0:
    x = (::a ?? ::b.c)
    y = ((::a && ::b) || ::c)
    z = (::a ? ::b : ::c)
    return
"##,
    );
}

#[test]
fn values_that_run_something_are_branches() {
    check(
        "a.ts",
        r##"
const x = a ?? (await make());
const y = a && f();
const z = a || f();
const w = a ? f() : 2;
"##,
        r##"
fn#0 module
  b0:
    if (::a != undefined) then b1 else b2
  b1:
    t1 = ::a
    goto b3
  b2:
    t2 = call ::make() awaited
    t1 = t2
    goto b3
  b3:
    x = t1
    if ::a then b5 else b4
  b4:
    t3 = ::a
    goto b6
  b5:
    t4 = call ::f()
    t3 = t4
    goto b6
  b6:
    y = t3
    if ::a then b7 else b8
  b7:
    t5 = ::a
    goto b9
  b8:
    t6 = call ::f()
    t5 = t6
    goto b9
  b9:
    z = t5
    if ::a then b10 else b11
  b10:
    t8 = call ::f()
    t7 = t8
    goto b12
  b11:
    t7 = 2
    goto b12
  b12:
    w = t7
    return
"##,
    );
}

#[test]
fn effects_need_no_value() {
    check(
        "a.ts",
        r##"
a && f();
a || g();
a ? f() : g();
"##,
        r##"
fn#0 module
  b0:
    if ::a then b1 else b2
  b1:
    t1 = call ::f()
    goto b2
  b2:
    if ::a then b4 else b3
  b3:
    t2 = call ::g()
    goto b4
  b4:
    if ::a then b5 else b6
  b5:
    t4 = call ::f()
    goto b7
  b6:
    t5 = call ::g()
    goto b7
  b7:
    return
"##,
    );
}

#[test]
fn logical_assignment() {
    check(
        "a.ts",
        r##"
let a, o = {};
a ??= 1;
a ||= f();
a &&= b;
o.x ??= await make();
"##,
        r##"
fn#0 module
  b0:
    a = undefined
    o = {}
    a = (a ?? 1)
    if a then b2 else b1
  b1:
    t1 = call ::f()
    a = t1
    goto b2
  b2:
    a = (a && ::b)
    if (o.x != undefined) then b4 else b3
  b3:
    t2 = call ::make() awaited
    store o.x = t2
    goto b4
  b4:
    return
"##,
    );
}

#[test]
fn production_is_assumed() {
    check(
        "a.ts",
        r##"
const g = globalThis;
export const db = g.db ?? new Db();
if (process.env.NODE_ENV !== "production") g.db = db;
const debug = process.env.NODE_ENV === "development" ? a() : b();
"##,
        r##"
fn#0 module
  b0:
    g = ::globalThis
    if (g.db != undefined) then b1 else b2
  b1:
    t1 = g.db
    goto b3
  b2:
    t2 = new ::Db()
    t1 = t2
    goto b3
  b3:
    db = t1
    t5 = call ::b()
    t3 = t5
    debug = t3
    return
export db = db
"##,
    );
}

#[test]
fn code_behind_a_return_is_gone_but_its_functions_are_not() {
    check(
        "a.ts",
        r##"
function f() {
  return g();
  function g() { return 1; }
  never();
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    g = fn#2
    t1 = call g()
    return t1
fn#2 g() in fn#1
  b0:
    return 1
"##,
    );
}

#[test]
fn comma_and_void_and_typeof() {
    check(
        "a.ts",
        r##"
const x = (a(), b), y = void 0, z = typeof x;
a(), b();
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::a()
    x = ::b
    y = other(0)
    z = other(x)
    t2 = call ::a()
    t3 = call ::b()
    return
"##,
    );
}

#[test]
fn generators() {
    check(
        "a.ts",
        r##"
function* f() { const x = yield g(); yield* h(x); }
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = call ::g()
    x = opaque(t1)
    t2 = call ::h(x)
    return
"##,
    );
}

#[test]
fn using() {
    check(
        "a.ts",
        r##"
{ using file = open("x"); await using db = connect(); read(file, db); }
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::open("x")
    file = t1
    t2 = call ::connect()
    db = t2
    t3 = call ::read(file, db)
    return
"##,
    );
}

#[test]
fn with_and_debugger_and_empty() {
    check(
        "a.js",
        r##"
with (a()) { b(); }
debugger;
;
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::a()
    t2 = call ::b()
    return
"##,
    );
}
