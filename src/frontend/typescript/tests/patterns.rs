//! Destructuring.

use super::check;

#[test]
fn objects() {
    check(
        "a.ts",
        r##"
const { a, b: { c, "d-e": d }, [key]: e, f = 1, g: { h = 2 } = {}, ...rest } = await load();
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::load() awaited
    a = t1.a
    c = t1.b.c
    d = t1.b["d-e"]
    e = t1[::key]
    f = (t1.f ?? 1)
    t2 = (t1.g ?? {})
    h = (t2.h ?? 2)
    rest = rest(t1 -a -b -f -g)
    return
"##,
    );
}

#[test]
fn arrays() {
    check(
        "a.ts",
        r##"
const [a, , [b], c = 1, ...rest] = load();
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::load()
    a = t1.0
    b = t1.2.0
    c = (t1.3 ?? 1)
    rest = opaque(t1)
    return
"##,
    );
}

#[test]
fn arrays_of_known_elements() {
    check(
        "a.ts",
        r##"
const [a, b] = await Promise.all([one(), two()]);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::one() awaited
    t2 = call ::two() awaited
    a = t1
    b = t2
    return
"##,
    );
}

#[test]
fn a_swap_reads_before_it_writes() {
    check(
        "a.ts",
        r##"
let a = 1, b = 2;
[a, b] = [b, a];
"##,
        r##"
fn#0 module
  b0:
    a = 1
    b = 2
    t1 = [b, a]
    a = t1.0
    b = t1.1
    return
"##,
    );
}

#[test]
fn assignments_to_members_and_variables() {
    check(
        "a.ts",
        r##"
let a, o = {};
({ a, b: o.b, c: o["c"] = 1, d: o[k] } = load());
"##,
        r##"
fn#0 module
  b0:
    a = undefined
    o = {}
    t1 = call ::load()
    a = t1.a
    store o.b = t1.b
    store o.c = (t1.c ?? 1)
    store o[::k] = t1.d
    return
"##,
    );
}

#[test]
fn defaults_that_run_something_are_branches() {
    check(
        "a.ts",
        r##"
const { a = make() } = o;
"##,
        r##"
fn#0 module
  b0:
    if (::o.a != undefined) then b1 else b2
  b1:
    t1 = ::o.a
    goto b3
  b2:
    t2 = call ::make()
    t1 = t2
    goto b3
  b3:
    a = t1
    return
"##,
    );
}

#[test]
fn parameters() {
    check(
        "a.ts",
        r##"
const f = ({ a, b: [c] }: Props, [d] = [1]) => a + c + d;
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(t1: Props, t2)
  b0:
    a = t1.a
    c = t1.b.0
    t3 = (t2 ?? [1])
    d = t3.0
    return ((a + c) + d)
"##,
    );
}

#[test]
fn a_type_on_a_pattern_is_that_of_the_whole() {
    check(
        "a.ts",
        r##"
const { db }: Context = make();
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::make()
    t2 = t1
    db = t2.db
    return
"##,
    );
}
