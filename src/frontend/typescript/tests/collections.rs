//! Collection methods.

use super::check;

#[test]
fn collection_methods() {
    check(
        "a.ts",
        r##"
const a = xs.map((x, i) => f(x, i));
const b = xs.filter((x) => x.ok).find((x) => x.id === id);
const c = xs.reduce((sum, x) => sum + x.n, 0);
const d = xs.some((x) => x.bad) || xs.every(function (x) { return x.good; });
xs.forEach(async (x) => { await save(x); });
"##,
        r##"
fn#0 module
  b0:
    goto b1
  b1:
    if opaque(::xs) then b2 else b3
  b2:
    t2 = call fn#1(element(::xs), opaque())
    goto b1
  b3:
    a = map(::xs, t2)
    goto b4
  b4:
    if opaque(::xs) then b5 else b6
  b5:
    t3 = call fn#2(element(::xs), opaque())
    goto b4
  b6:
    t4 = filter(::xs, t3)
    goto b7
  b7:
    if opaque(t4) then b8 else b9
  b8:
    t5 = call fn#3(element(t4), opaque())
    goto b7
  b9:
    b = find(t4, t5)
    t6 = 0
    goto b10
  b10:
    if opaque(::xs) then b11 else b12
  b11:
    t7 = call fn#4(t6, element(::xs), opaque())
    t6 = t7
    goto b10
  b12:
    c = fold(::xs, t7)
    goto b13
  b13:
    if opaque(::xs) then b14 else b15
  b14:
    t9 = call fn#5(element(::xs), opaque())
    goto b13
  b15:
    if some(::xs, t9) then b16 else b17
  b16:
    t8 = some(::xs, t9)
    goto b20
  b17:
    if opaque(::xs) then b18 else b19
  b18:
    t10 = call fn#6(element(::xs), opaque())
    goto b17
  b19:
    t8 = every(::xs, t10)
    goto b20
  b20:
    d = t8
    goto b21
  b21:
    if opaque(::xs) then b22 else b23
  b22:
    t12 = call fn#7(element(::xs), opaque())
    goto b21
  b23:
    return
fn#1(x, i)
  b0:
    t1 = call ::f(x, i)
    return t1
fn#2(x~2)
  b0:
    return x~2.ok
fn#3(x~3)
  b0:
    return (x~3.id == ::id)
fn#4(sum, x~4)
  b0:
    return (sum + x~4.n)
fn#5(x~5)
  b0:
    return x~5.bad
fn#6(x~6)
  b0:
    return x~6.good
fn#7(x~7)
  b0:
    t11 = call ::save(x~7) awaited
    return
"##,
    );
}

#[test]
fn collection_methods_with_names() {
    check(
        "a.ts",
        r##"
const a = xs.map(toRow), b = xs.filter(Boolean), c = xs.map(String);
xs.forEach(save);
"##,
        r##"
fn#0 module
  b0:
    goto b1
  b1:
    if opaque(::xs) then b2 else b3
  b2:
    t1 = call ::toRow(element(::xs))
    goto b1
  b3:
    a = map(::xs, t1)
    b = filter(::xs, element(::xs))
    c = map(::xs, opaque(element(::xs)))
    goto b4
  b4:
    if opaque(::xs) then b5 else b6
  b5:
    t2 = call ::save(element(::xs))
    goto b4
  b6:
    return
"##,
    );
}

#[test]
fn other_calls_keep_their_functions() {
    check(
        "a.ts",
        r##"
import * as E from "fp";
import { Effect } from "effect";
_.map(xs, (x) => x);
E.map((x) => x);
Effect.map((x) => x);
await prisma.$transaction(async (tx) => { await tx.user.findMany(); });
User.find((x) => x);
prisma.user.find({ where: 1 });
new Promise((resolve, reject) => { resolve(1); });
"##,
        r##"
import E = "fp"
import Effect = "effect".Effect
fn#0 module
  b0:
    t1 = call ::_.map(::xs, fn#1)
    t2 = call E.map(fn#2)
    t3 = call Effect.map(fn#3)
    t5 = call ::prisma.$transaction(fn#4) awaited
    t6 = call ::User.find(fn#5)
    t7 = call ::prisma.user.find({where: 1})
    t9 = new ::Promise(fn#6)
    return
fn#1(x)
  b0:
    return x
fn#2(x~2)
  b0:
    return x~2
fn#3(x~3)
  b0:
    return x~3
fn#4(tx)
  b0:
    t4 = call tx.user.findMany() awaited
    return
fn#5(x~4)
  b0:
    return x~4
fn#6(resolve, reject)
  b0:
    t8 = call resolve(1)
    return
"##,
    );
}
