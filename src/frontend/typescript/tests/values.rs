//! Expressions and declarations of values.

use super::check;

#[test]
fn literals() {
    check(
        "a.ts",
        r##"
use(null, undefined, true, 1_000, 0x10, 1.50, 1e3, 10n, .5, -1, "a\n\u0041\u{1F600}\x42\'", 'b"', /re/g);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::use(null, undefined, true, 1000, 16, 1.5, 1000, 10, 0.5, -1, "a\nA😀B'", "b\"", opaque())
    return
"##,
    );
}

#[test]
fn templates() {
    check(
        "a.ts",
        r##"
const a = `plain`, b = `a${x}b\n${f()}`, c = ``;
"##,
        r##"
fn#0 module
  b0:
    a = "plain"
    t1 = call ::f()
    b = `a${::x}b\n${t1}`
    c = ""
    return
"##,
    );
}

#[test]
fn objects() {
    check(
        "a.ts",
        r##"
const o = { a, b: 1, "c-d": 2, 3: 4, [k]: 5, ["lit"]: 6, ...rest, ...(a && { b }), ...(a ? b : c), m() { return this.a; }, get g() { return 1; }, set s(v) { store(v); }, async *[gen]() {} };
"##,
        r##"
fn#0 module
  b0:
    o = {a: ::a, b: 1, "c-d": 2, 3: 4, [::k]: 5, lit: 6, ...::rest, ...(::a && {b: ::b}), ...(::a ? ::b : ::c), m: fn#1, g: opaque(fn#2), [::gen]: fn#4}
    return
fn#1 m()
  b0:
    return this.a
fn#2 g()
  b0:
    return 1
fn#3 s(v)
  b0:
    t1 = call ::store(v)
    return
fn#4()
  b0:
    return
"##,
    );
}

#[test]
fn arrays() {
    check(
        "a.ts",
        r##"
const a = [1, ...xs, f()];
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::f()
    a = [1, ...::xs, t1]
    return
"##,
    );
}

#[test]
fn type_marks_leave_no_trace() {
    check(
        "a.ts",
        r##"
const x = (a as unknown as B)!.c satisfies D, y = <T>z, w = f<number>;
"##,
        r##"
fn#0 module
  b0:
    x = ::a.c
    y = ::z
    w = ::f
    return
"##,
    );
}

#[test]
fn operators() {
    check(
        "a.ts",
        r##"
use(a == b, a !== b, a < b, a >= b, a + b - c * d / e % f, a in b, a instanceof B, a | b, ~a, +a, !a);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::use((::a == ::b), (::a != ::b), (::a < ::b), (::a >= ::b), ((::a + ::b) - (((::c * ::d) / ::e) % ::f)), (::a in ::b), (::a instanceof ::B), (::a other ::b), other(::a), other(::a), !::a)
    return
"##,
    );
}

#[test]
fn members() {
    check(
        "a.ts",
        r##"
use(a.b, a["b"], a[0], a[i], a.#p, import.meta.env.X, new.target);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::use(::a.b, ::a.b, ::a.0, ::a[::i], ::a.#p, ::import.meta.env.X, ::new.target)
    return
"##,
    );
}

#[test]
fn assignments_are_values() {
    check(
        "a.ts",
        r##"
let a, b, i = 0;
a = b = f();
const old = i++, now = ++i;
xs[i--] = a += 2;
o.n++;
o[k].x -= 1;
delete o.a[k];
"##,
        r##"
fn#0 module
  b0:
    a = undefined
    b = undefined
    i = 0
    t1 = call ::f()
    b = t1
    a = b
    t2 = i
    i = (i + 1)
    old = t2
    i = (i + 1)
    now = i
    t3 = i
    i = (i - 1)
    a = (a + 2)
    return
"##,
    );
}

#[test]
fn a_call_result_can_be_stored_to() {
    check(
        "a.ts",
        r##"
(await load()).x = 1;
find(1).y++;
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::load() awaited
    store t1.x = 1
    t2 = call ::find(1)
    t3 = (t2.y + 1)
    store t2.y = t3
    return
"##,
    );
}

#[test]
fn known_texts_are_joined() {
    check(
        "a.ts",
        r##"
const q = "SELECT " + "1" + x;
"##,
        r##"
fn#0 module
  b0:
    q = ("SELECT 1" + ::x)
    return
"##,
    );
}

#[test]
fn enums() {
    check(
        "a.ts",
        r##"
enum A { X, Y = 5, Z, W = f() }
const enum B { A = "a", "b-c" = "b" }
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::f()
    A = {X: 0, Y: 5, Z: 6, W: t1}
    B = {A: "a", "b-c": "b"}
    return
"##,
    );
}

#[test]
fn namespaces() {
    check(
        "a.ts",
        r##"
namespace N { export const k = 1; const hidden = 2; export function f() { return hidden; } export namespace M { export const deep = 3; } }
use(N.k);
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    k = 1
    hidden = 2
    deep = 3
    M = {deep: deep}
    N = {k: k, f: f, M: M}
    t1 = call ::use(N.k)
    return
fn#1 f()
  b0:
    return hidden
"##,
    );
}

#[test]
fn jsx() {
    check(
        "a.tsx",
        r##"
const view = <Page title={t("x")} onSubmit={async (e) => { await save(e); }} {...props()}>Drag & drop <b>{rows.map((r) => <Row key={r.id} row={r} />)}</b></Page>;
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::t("x")
    t3 = call ::props()
    goto b1
  b1:
    if opaque(::rows) then b2 else b3
  b2:
    t4 = call fn#2(element(::rows), opaque())
    goto b1
  b3:
    view = opaque(t1, fn#1, opaque(t3), map(::rows, t4))
    return
fn#1 onSubmit(e)
  b0:
    t2 = call ::save(e) awaited
    return
fn#2(r)
  b0:
    return opaque(r.id, r)
"##,
    );
}

#[test]
fn declarations_without_code() {
    check(
        "a.ts",
        r##"
declare const a: string;
declare module "x" { export function f(): void; }
interface I { run(): void }
type T = { a: string };
function over(a: string): void;
function over(a: any) { return a; }
export type { T };
abstract class C { abstract m(): void; p?: string }
"##,
        r##"
class#0 C
  field p: string
fn#0 module
  b0:
    over = fn#1
    C = class#0
    return
fn#1 over(a: any)
  b0:
    return a
"##,
    );
}
