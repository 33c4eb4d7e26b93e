//! Promises.

use super::check;

#[test]
fn promise_all() {
    check(
        "a.ts",
        r##"
const a = await Promise.all([f(), c ? g() : null, ...xs.map((x) => h(x))]);
const b = await Promise.all(xs.map(async (x) => h(x)));
const c1 = Promise.all([f()]);
await Promise.all(later);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::f() awaited
    if ::c then b1 else b2
  b1:
    t3 = call ::g() awaited
    t2 = t3
    goto b3
  b2:
    t2 = null
    goto b3
  b3:
    if opaque(::xs) then b4 else b5
  b4:
    t5 = call fn#1(element(::xs), opaque()) awaited
    goto b3
  b5:
    a = [t1, t2, ...map(::xs, t5)]
    goto b6
  b6:
    if opaque(::xs) then b7 else b8
  b7:
    t7 = call fn#2(element(::xs), opaque()) awaited
    goto b6
  b8:
    b = map(::xs, t7)
    t8 = call ::f()
    c1 = [t8]
    return
fn#1(x)
  b0:
    t4 = call ::h(x)
    return t4
fn#2(x~2)
  b0:
    t6 = call ::h(x~2)
    return t6
"##,
    );
}

#[test]
fn promise_all_settled() {
    check(
        "a.ts",
        r##"
const [a] = await Promise.allSettled([f()]);
const r = await Promise.allSettled(xs.map((x) => g(x)));
"##,
        r##"
fn#0 module
  b0, errors to b2:
    t2 = call ::f() awaited
    goto b1
  b1:
    t1 = {status: "fulfilled", value: t2}
    goto b3
  b2:
    t1 = {status: "rejected", reason: caught}
    goto b3
  b3:
    a = t1
    goto b4
  b4:
    if opaque(::xs) then b5 else b6
  b5, errors to b6:
    t4 = call fn#1(element(::xs), opaque()) awaited
    goto b4
  b6:
    r = map(::xs, {status: opaque(t4), value: t4})
    return
fn#1(x)
  b0:
    t3 = call ::g(x)
    return t3
"##,
    );
}

#[test]
fn promise_race_resolve_reject() {
    check(
        "a.ts",
        r##"
async function f(a) {
  const first = await Promise.race([one(), two()]);
  const v = await Promise.resolve(a);
  if (v) return Promise.reject(new Error("x"));
  const p = Promise.reject(1);
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a)
  b0:
    t1 = call ::one() awaited
    t2 = call ::two() awaited
    first = opaque([t1, t2])
    v = a
    if v then b1 else b2
  b1:
    t3 = new ::Error("x")
    throw t3
  b2:
    p = opaque(1)
    return
"##,
    );
}

#[test]
fn then() {
    check(
        "a.ts",
        r##"
const a = await load().then((x) => x.id);
load().then(use);
p.then((x) => x);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::load() awaited
    t2 = call fn#1(t1) awaited
    a = t2
    t3 = call ::load() awaited
    t4 = call ::use(t3)
    t5 = call fn#2(::p)
    return
fn#1(x)
  b0:
    return x.id
fn#2(x~2)
  b0:
    return x~2
"##,
    );
}

#[test]
fn then_with_two_functions_and_catch_and_finally() {
    check(
        "a.ts",
        r##"
const a = await load().then((x) => x, (e) => null);
const b = await load().then(use).catch(report);
await load().finally(() => close());
z.string().catch("");
"##,
        r##"
fn#0 module
  b0, errors to b2:
    t2 = call ::load() awaited
    goto b1
  b1:
    t3 = call fn#1(t2) awaited
    t1 = t3
    goto b3
  b2:
    t4 = caught
    t5 = call fn#2(t4) awaited
    t1 = t5
    goto b3
  b3, errors to b6:
    a = t1
    t7 = call ::load() awaited
    goto b4
  b4, errors to b6:
    t8 = call ::use(t7) awaited
    goto b5
  b5:
    t6 = t8
    goto b7
  b6:
    t9 = caught
    t10 = call ::report(t9) awaited
    t6 = t10
    goto b7
  b7, errors to b8:
    b = t6
    t11 = call ::load() awaited
    goto b9
  b8:
    t12 = caught
    t14 = call fn#3() awaited
    throw t12
  b9:
    t15 = call fn#3() awaited
    t16 = call ::z.string()
    t17 = call t16.catch("")
    return
fn#1(x)
  b0:
    return x
fn#2(e)
  b0:
    return null
fn#3()
  b0:
    t13 = call ::close()
    return t13
"##,
    );
}
