//! Loops and labels.

use super::check;

#[test]
fn while_and_do() {
    check(
        "a.ts",
        r##"
while (await more()) step();
do { i.n += 1; } while (i.n < 5);
while (true) { if (x) break; }
"##,
        r##"
fn#0 module
  b0:
    goto b1
  b1:
    t1 = call ::more() awaited
    if t1 then b2 else b3
  b2:
    t2 = call ::step()
    goto b1
  b3:
    if (::i.n < 5) then b3 else b4
  b4:
    if ::x then b5 else b4
  b5:
    return
"##,
    );
}

#[test]
fn for_loops() {
    check(
        "a.ts",
        r##"
for (let i = 0, n = f(); i < n; i++) { if (i.skip) continue; use(i); }
for (;;) { break; }
"##,
        r##"
fn#0 module
  b0:
    i = 0
    t1 = call ::f()
    n = t1
    goto b1
  b1:
    if (i < n) then b2 else b5
  b2:
    if i.skip then b4 else b3
  b3:
    t2 = call ::use(i)
    goto b4
  b4:
    i = (i + 1)
    goto b1
  b5:
    return
"##,
    );
}

#[test]
fn for_of_takes_elements_and_for_in_takes_keys() {
    check(
        "a.ts",
        r##"
const rows = await list();
for (const { id, at = 1 } of rows) use(id, at);
for (const key in rows) use(key);
for await (const x of stream()) use(x);
let y;
for (y of rows) {}
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::list() awaited
    rows = t1
    goto b1
  b1:
    if opaque(rows) then b2 else b3
  b2:
    t2 = element(rows)
    id = t2.id
    at = (t2.at ?? 1)
    t3 = call ::use(id, at)
    goto b1
  b3:
    if opaque(rows) then b4 else b5
  b4:
    key = opaque(rows)
    t4 = call ::use(key)
    goto b3
  b5:
    t5 = call ::stream() awaited
    goto b6
  b6:
    if opaque(t5) then b7 else b8
  b7:
    x = element(t5)
    t6 = call ::use(x)
    goto b6
  b8:
    y = undefined
    goto b9
  b9:
    if opaque(rows) then b10 else b11
  b10:
    y = element(rows)
    goto b9
  b11:
    return
"##,
    );
}

#[test]
fn labels() {
    check(
        "a.ts",
        r##"
outer: for (const a of xs) {
  for (const b of a.list) {
    if (b.skip) continue outer;
    if (b.stop) break outer;
  }
}
block: { if (a) break block; go(); }
"##,
        r##"
fn#0 module
  b0:
    goto b1
  b1:
    if opaque(::xs) then b2 else b6
  b2:
    a = element(::xs)
    goto b3
  b3:
    if opaque(a.list) then b4 else b1
  b4:
    b = element(a.list)
    if b.skip then b1 else b5
  b5:
    if b.stop then b6 else b3
  b6:
    if ::a then b8 else b7
  b7:
    t1 = call ::go()
    goto b8
  b8:
    return
"##,
    );
}
