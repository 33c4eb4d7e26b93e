//! Calls, and the names of functions.

use super::{check, check_places};

#[test]
fn forms_and_order() {
    check_places(
        "a.ts",
        r##"
const x = f(a(), b.c(d()), ...e(), new G(h()), new I);
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::a() @1:13
    t2 = call ::d() @1:22
    t3 = call ::b.c(t2) @1:18
    t4 = call ::e() @1:31
    t5 = call ::h() @1:42
    t6 = new ::G(t5) @1:36
    t7 = new ::I() @1:48
    t8 = call ::f(t1, t3, ...t4, t6, t7) @1:11
    x = t8
    return
"##,
    );
}

#[test]
fn awaited_is_the_call_that_is_awaited() {
    check(
        "a.ts",
        r##"
const a = await f(g());
const b = await (c ? f() : g());
const d = await (x ?? f());
const p = f();
await p;
await (f() as Promise<X>);
const r = (await f()).g();
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::g()
    t2 = call ::f(t1) awaited
    a = t2
    if ::c then b1 else b2
  b1:
    t4 = call ::f() awaited
    t3 = t4
    goto b3
  b2:
    t5 = call ::g() awaited
    t3 = t5
    goto b3
  b3:
    b = t3
    if (::x != undefined) then b4 else b5
  b4:
    t6 = ::x
    goto b6
  b5:
    t7 = call ::f() awaited
    t6 = t7
    goto b6
  b6:
    d = t6
    t8 = call ::f()
    p = t8
    t9 = call ::f() awaited
    t10 = call ::f() awaited
    t11 = call t10.g()
    r = t11
    return
"##,
    );
}

#[test]
fn places() {
    check_places(
        "a.ts",
        r##"
async function f() {
  return (
    await prisma.user
      .create({ data })
  );
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = call ::prisma.user.create({data: ::data}) awaited @3:11
    return t1
"##,
    );
}

#[test]
fn immediate_functions() {
    check(
        "a.ts",
        r##"
(async () => { await f(); })();
"##,
        r##"
fn#0 module
  b0:
    t2 = call fn#1()
    return
fn#1()
  b0:
    t1 = call ::f() awaited
    return
"##,
    );
}

#[test]
fn names_of_functions() {
    check(
        "a.ts",
        r##"
export const POST = withAuth(async (req) => {});
app.post("/join", auth, wrap(async (req, res) => {}));
const router = t.router({ create: proc.input(schema).mutation(async ({ ctx }) => {}), nested: { list: () => {} } });
handler = () => {};
exports.remove = async () => {};
const user = await prisma.$transaction(async (tx) => {});
run(() => {});
const useX = (dep) => () => {};
const pick = cond ? () => 1 : function own() {};
const { x = () => {} } = o;
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::withAuth(fn#1)
    POST = t1
    t2 = call ::wrap(fn#2)
    t3 = call ::app.post("/join", ::auth, t2)
    t4 = call ::proc.input(::schema)
    t6 = call t4.mutation(fn#3)
    t7 = call ::t.router({create: t6, nested: {list: fn#4}})
    router = t7
    t8 = call ::prisma.$transaction(fn#7) awaited
    user = t8
    t9 = call ::run(fn#8)
    useX = fn#9
    pick = (::cond ? fn#11 : fn#12)
    x = (::o.x ?? fn#13)
    return
fn#1 POST(req)
  b0:
    return
fn#2 /join(req~2, res)
  b0:
    return
fn#3 create(t5)
  b0:
    ctx = t5.ctx
    return
fn#4 list()
  b0:
    return
fn#5 handler()
  b0:
    return
fn#6 remove()
  b0:
    return
fn#7(tx)
  b0:
    return
fn#8()
  b0:
    return
fn#9 useX(dep)
  b0:
    return fn#10
fn#10() in fn#9
  b0:
    return
fn#11 pick()
  b0:
    return 1
fn#12 own()
  b0:
    own = fn#12
    return
fn#13 x()
  b0:
    return
export POST = POST
export remove = fn#6
"##,
    );
}

#[test]
fn modules_on_demand() {
    check(
        "a.ts",
        r##"
const fs = require("fs"), { join } = require("path");
const dyn = await import("./dyn");
require("./x").run();
import("./y").then((m) => m.go());
require(name);
import help = require("./help");
import Alias = A.B.C;
"##,
        r##"
fn#0 module
  b0:
    fs = module("fs")
    join = module("path").join
    dyn = module("./dyn")
    t1 = call module("./x").run()
    t3 = call fn#1(module("./y"))
    t4 = call ::require(::name)
    help = module("./help")
    Alias = ::A.B.C
    return
fn#1(m)
  b0:
    t2 = call m.go()
    return t2
"##,
    );
}
