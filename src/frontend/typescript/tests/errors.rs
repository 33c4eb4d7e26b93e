//! Errors and what runs in spite of them.

use super::check;

#[test]
fn try_catch() {
    check(
        "a.ts",
        r##"
try {
  const x = await load();
  use(x);
} catch (e) {
  report(e);
}
"##,
        r##"
fn#0 module
  b0, errors to b2:
    t1 = call ::load() awaited
    goto b1
  b1, errors to b2:
    x = t1
    t2 = call ::use(x)
    goto b3
  b2:
    e = caught
    t3 = call ::report(e)
    goto b3
  b3:
    return
"##,
    );
}

#[test]
fn throw_goes_to_the_handler() {
    check(
        "a.ts",
        r##"
try { if (a) throw new Error("x"); go(); } catch { handle(); }
"##,
        r##"
fn#0 module
  b0:
    if ::a then b1 else b3
  b1, errors to b4:
    t1 = new ::Error("x")
    goto b2
  b2, errors to b4:
    throw t1
  b3, errors to b4:
    t2 = call ::go()
    goto b5
  b4:
    t3 = call ::handle()
    goto b5
  b5:
    return
"##,
    );
}

#[test]
fn catch_may_take_the_error_apart_or_ignore_it() {
    check(
        "a.ts",
        r##"
try { a(); } catch ({ code }) { use(code); }
try { b(); } catch {}
done();
"##,
        r##"
fn#0 module
  b0, errors to b1:
    t1 = call ::a()
    goto b2
  b1:
    t2 = caught
    code = t2.code
    t3 = call ::use(code)
    goto b2
  b2, errors to b3:
    t4 = call ::b()
    goto b3
  b3:
    t5 = call ::done()
    return
"##,
    );
}

#[test]
fn finally_is_copied_for_every_way_out() {
    check(
        "a.ts",
        r##"
async function f(xs) {
  for (const x of xs) {
    try {
      if (x.skip) continue;
      if (x.stop) break;
      if (x.done) return await finish(x);
      await use(x);
    } finally {
      await release(x);
    }
  }
}
"##,
        r##"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(xs)
  b0:
    goto b1
  b1:
    if opaque(xs) then b2 else b12
  b2:
    x = element(xs)
    if x.skip then b3 else b4
  b3:
    t1 = call ::release(x) awaited
    goto b1
  b4:
    if x.stop then b5 else b6
  b5:
    t2 = call ::release(x) awaited
    goto b12
  b6:
    if x.done then b7 else b9
  b7, errors to b10:
    t3 = call ::finish(x) awaited
    goto b8
  b8:
    t4 = call ::release(x) awaited
    return t3
  b9, errors to b10:
    t5 = call ::use(x) awaited
    goto b11
  b10:
    t6 = caught
    t7 = call ::release(x) awaited
    throw t6
  b11:
    t8 = call ::release(x) awaited
    goto b1
  b12:
    return
"##,
    );
}

#[test]
fn finally_around_catch() {
    check(
        "a.ts",
        r##"
try { a(); } catch (e) { b(e); } finally { c(); }
"##,
        r##"
fn#0 module
  b0, errors to b1:
    t1 = call ::a()
    goto b3
  b1, errors to b2:
    e = caught
    t2 = call ::b(e)
    goto b3
  b2:
    t3 = caught
    t4 = call ::c()
    throw t3
  b3:
    t5 = call ::c()
    return
"##,
    );
}

#[test]
fn a_copied_finally_means_the_same_variables() {
    check(
        "a.ts",
        r##"
function f(a) {
  try { if (a) return 1; } finally { const done = () => a; done(); }
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
    done = fn#2
    t1 = call done()
    return 1
  b2:
    done = fn#2
    t4 = call done()
    return
fn#2 done() in fn#1
  b0:
    return a
"##,
    );
}

#[test]
fn an_error_that_a_promise_brings_later() {
    check(
        "a.ts",
        r##"
const p = start();
try { await p; } catch (e) { report(e); }
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::start()
    p = t1
    goto b1
  b1, errors to b2:
    goto b3
  b2:
    e = caught
    t2 = call ::report(e)
    goto b3
  b3:
    return
"##,
    );
}
