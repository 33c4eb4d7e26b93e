//! Optional chains.

use super::check;

#[test]
fn optional_chains_on_locals_guard_the_call() {
    check(
        "a.ts",
        r##"
function f(a, cb) {
  const x = a?.b?.c(1);
  cb?.(x);
  return a?.b.c;
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a, cb)
  b0:
    if (a != undefined) then b1 else b3
  b1:
    if (a.b != undefined) then b2 else b3
  b2:
    t2 = call a.b.c(1)
    t1 = t2
    goto b4
  b3:
    t1 = undefined
    goto b4
  b4:
    x = t1
    if (cb != undefined) then b5 else b6
  b5:
    t4 = call cb(x)
    goto b6
  b6:
    return a.b.c
"##,
    );
}

#[test]
fn optional_chains_on_imports_and_globals_do_not() {
    check(
        "a.ts",
        r##"
import { db } from "./db";
db?.user.find(1);
window?.go();
"##,
        r##"
import db = "./db".db
fn#0 module
  b0:
    t2 = call db.user.find(1)
    t4 = call ::window.go()
    return
"##,
    );
}

#[test]
fn a_chain_is_left_as_a_whole() {
    check(
        "a.ts",
        r##"
function f(a) {
  a?.b().c(d());
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a)
  b0:
    if (a != undefined) then b1 else b2
  b1:
    t2 = call a.b()
    t3 = call ::d()
    t4 = call t2.c(t3)
    goto b2
  b2:
    return
"##,
    );
}
