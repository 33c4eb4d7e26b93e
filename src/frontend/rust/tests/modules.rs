//! Names of other files and of this one.

use super::check;

#[test]
fn imports() {
    check(
        r"
pub use super::y::{Z, w as v};
use crate::x;
use a::b::{
    self, C as D,
    e::*,
    f::{H, g},
};
pub use k::*;
use only;
extern crate old as new;
mod m;
pub mod n;
fn f() {
    b::go(D::new(), x, m::q(), only::r());
}
",
        r#"
import Z = "super::y".Z
import v = "super::y".w
import x = "crate".x
import b = "a".b
import D = "a::b".C
import H = "a::b::f".H
import g = "a::b::f".g
import only = "only"
import new = "old"
import m = "self::m"
import n = "self::n"
import * = "a::b::e"
import * = "k"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = call D.new()
    t2 = call m.q()
    t3 = call only.r()
    t4 = call b.go(t1, x, t2, t3)
    return
export Z = "super::y".Z
export v = "super::y".w
export * from "k"
export m = m
export n = n
export f = f
"#,
    );
}

#[test]
fn modules_of_this_file() {
    check(
        r"
mod inner {
    pub const A: i64 = 1;
    pub fn f() -> i64 {
        super::g(A)
    }
    pub mod deep {
        pub fn h() {}
    }
}
fn g(n: i64) -> i64 {
    inner::f();
    self::inner::deep::h();
    n
}
",
        r"
fn#0 module
  b0:
    A = 1
    f = fn#1
    h = fn#2
    deep = {h: h}
    inner = {A: A, f: f, deep: deep}
    g = fn#3
    return
fn#1 f() -> i64
  b0:
    t1 = call g(A)
    return t1
fn#2 h()
  b0:
    return
fn#3 g(n: i64) -> i64
  b0:
    t2 = call inner.f()
    t3 = call inner.deep.h()
    return n
export inner::A = A
export inner::f = f
export inner::deep::h = h
export inner::deep = deep
export inner = inner
export g = g
",
    );
}

#[test]
fn items_of_functions() {
    check(
        r"
fn f() {
    use a::B;
    const N: i64 = 2;
    fn helper(n: i64) -> i64 {
        n + N
    }
    B::go(helper(1));
}
",
        r#"
import B = "a".B
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    N = 2
    helper = fn#2
    t1 = call helper(1)
    t2 = call B.go(t1)
    return
fn#2 helper(n: i64) -> i64 in fn#1
  b0:
    return (n + N)
export f = f
"#,
    );
}

#[test]
fn constants() {
    check(
        r#"
pub const A: &str = "x";
static B: Lazy<Pool> = Lazy::new(|| Pool::new(A));
fn f() {
    g(A, &B, i64::MAX, 0x10, 1_000u64, 2.50, 3.0, 'c', b"d", true, ());
}
"#,
        r#"
fn#0 module
  b0:
    A = "x"
    t2 = call ::Lazy.new(fn#1)
    B = t2
    f = fn#2
    return
fn#1()
  b0:
    t1 = call ::Pool.new(A)
    return t1
fn#2 f()
  b0:
    t3 = call ::g(A, B, ::i64.MAX, 16, 1000, 2.50, 3, "c", "d", true, opaque())
    return
export A = A
export B = B
export f = f
"#,
    );
}
