//! Imports and exports.

use super::check;

#[test]
fn imports() {
    check(
        "a.ts",
        r##"
import a, { b, c as d, type T, default as e } from "./a";
import * as ns from "./ns";
import type { U } from "./u";
import type V from "./v";
import x, * as y from "./x";
import "./side-effect";
use(a, b, d, e, ns, x, y);
"##,
        r##"
import a = "./a".default
import b = "./a".b
import d = "./a".c
import type T = "./a".T
import e = "./a".default
import ns = "./ns"
import type U = "./u".U
import type V = "./v".default
import x = "./x".default
import y = "./x"
fn#0 module
  b0:
    t1 = call ::use(a, b, d, e, ns, x, y)
    return
"##,
    );
}

#[test]
fn exports() {
    check(
        "a.ts",
        r##"
export const a = 1, { b, c: [d] } = o;
export function f() {}
export class C {}
export enum E { A }
const x = 1, y = 2;
export { x, y as z, y as default, y as "quoted name", missing };
"##,
        r##"
class#0 C
fn#0 module
  b0:
    f = fn#1
    a = 1
    b = ::o.b
    d = ::o.c.0
    C = class#0
    E = {A: 0}
    x = 1
    y = 2
    return
fn#1 f()
  b0:
    return
export a = a
export b = b
export d = d
export f = f
export C = C
export E = E
export x = x
export z = y
export default = y
export quoted name = y
"##,
    );
}

#[test]
fn reexports() {
    check(
        "a.ts",
        r##"
export { a, b as c, default as d, e as default } from "./a";
export * from "./b";
export * as ns from "./c";
export type { T } from "./t";
export { default } from "./d";
"##,
        r##"
fn#0 module
  b0:
    return
export a = "./a".a
export c = "./a".b
export d = "./a".default
export default = "./a".e
export * from "./b"
export ns = "./c"
export T = "./t".T
export default = "./d".default
"##,
    );
}

#[test]
fn default_exports() {
    check(
        "a.ts",
        r##"
export default async function ({ id }) { return id; }
"##,
        r##"
fn#0 module
  b0:
    return
fn#1(t1)
  b0:
    id = t1.id
    return id
export default = fn#1
"##,
    );
}

#[test]
fn default_exports_by_name() {
    check(
        "a.ts",
        r##"
export default function handler() {}
"##,
        r##"
fn#0 module
  b0:
    handler = fn#1
    return
fn#1 handler()
  b0:
    return
export default = handler
"##,
    );
}

#[test]
fn default_exports_of_values() {
    check(
        "a.ts",
        r##"
export default withAuth(async (req) => {});
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::withAuth(fn#1)
    return
fn#1(req)
  b0:
    return
export default = t1
"##,
    );
}

#[test]
fn export_assignment() {
    check(
        "a.ts",
        r##"
const x = 1;
export = x;
"##,
        r##"
fn#0 module
  b0:
    x = 1
    return
export * = x
"##,
    );
}

#[test]
fn common_js() {
    check(
        "a.js",
        r##"
const load = () => {};
exports.a = load;
module.exports.b = async () => {};
module.exports = { load, c: 1, run() {}, ...more };
"##,
        r##"
fn#0 module
  b0:
    load = fn#1
    return
fn#1 load()
  b0:
    return
fn#2 b()
  b0:
    return
fn#3 run()
  b0:
    return
export a = load
export b = fn#2
export * = {load: load, c: 1, run: fn#3, ...::more}
export load = load
export c = 1
export run = fn#3
"##,
    );
}

#[test]
fn common_js_single() {
    check(
        "a.js",
        r##"
module.exports = function (app) { app.get("/", () => {}); };
"##,
        r##"
fn#0 module
  b0:
    return
fn#1(app)
  b0:
    t1 = call app.get("/", fn#2)
    return
fn#2 /() in fn#1
  b0:
    return
export * = fn#1
"##,
    );
}

#[test]
fn own_names_are_not_common_js() {
    check(
        "a.js",
        r##"
const module = {};
const exports = {};
module.exports = 1;
exports.a = 2;
"##,
        r##"
fn#0 module
  b0:
    module = {}
    exports = {}
    store module.exports = 1
    store exports.a = 2
    return
"##,
    );
}
