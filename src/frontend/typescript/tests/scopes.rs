//! Names and what they mean.

use super::check;

#[test]
fn shadowing_makes_another_variable() {
    check(
        "a.ts",
        r##"
const x = 1;
{ const x = 2; use(x); }
use(x);
function f(x) { return x; }
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    x = 1
    x~3 = 2
    t1 = call ::use(x~3)
    t2 = call ::use(x)
    return
fn#1 f(x~2)
  b0:
    return x~2
"##,
    );
}

#[test]
fn var_belongs_to_the_function() {
    check(
        "a.ts",
        r##"
function f(a) {
  if (a) { var x = 1; }
  for (var i of a) {}
  return () => x + i;
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a)
  b0:
    if a then b1 else b2
  b1:
    x = 1
    goto b2
  b2:
    if opaque(a) then b3 else b4
  b3:
    i = element(a)
    goto b2
  b4:
    return fn#2
fn#2() in fn#1
  b0:
    return (x + i)
"##,
    );
}

#[test]
fn functions_can_be_called_before_their_declaration() {
    check(
        "a.ts",
        r##"
const r = later(1);
function later(x) { return helper(x); }
const helper = (x) => x;
"##,
        r##"
fn#0 module
  b0:
    later = fn#1
    t2 = call later(1)
    r = t2
    helper = fn#2
    return
fn#1 later(x)
  b0:
    t1 = call helper(x)
    return t1
fn#2 helper(x~2)
  b0:
    return x~2
"##,
    );
}

#[test]
fn closures_mean_the_outer_variable() {
    check(
        "a.ts",
        r##"
function f() {
  let n = 0;
  run(() => { n++; });
  return n;
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    n = 0
    t1 = call ::run(fn#2)
    return n
fn#2() in fn#1
  b0:
    n = (n + 1)
    return
"##,
    );
}

#[test]
fn names_of_nobody_are_global() {
    check(
        "a.ts",
        r##"
console.log(undefined, missing);
count = 1;
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::console.log(undefined, ::missing)
    return
"##,
    );
}

#[test]
fn a_named_function_expression_knows_itself() {
    check(
        "a.ts",
        r##"
const f = function g(n) { return n ? g(n - 1) : 0; };
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 g(n)
  b0:
    g = fn#1
    if n then b1 else b2
  b1:
    t2 = call g((n - 1))
    t1 = t2
    goto b3
  b2:
    t1 = 0
    goto b3
  b3:
    return t1
"##,
    );
}

#[test]
fn parameters_with_types_and_defaults() {
    check(
        "a.ts",
        r##"
async function f(this: Foo, a: string, b?: Map<string,
  number>, c = 1, d = make(), ...rest: string[]): Promise<void> {}
let x: PrismaClient;
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    x = undefined
    return
fn#1 f(a: string, b: Map<string, number>, c, d, ...rest: string[]) -> Promise<void>
  b0:
    c = (c ?? 1)
    if (d != undefined) then b1 else b2
  b1:
    t1 = d
    goto b3
  b2:
    t2 = call ::make()
    t1 = t2
    goto b3
  b3:
    d = t1
    return
"##,
    );
}
