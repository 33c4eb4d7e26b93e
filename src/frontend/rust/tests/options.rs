//! Options.

use super::check;

#[test]
fn presence() {
    check(
        r"
fn f(a: Option<A>) -> bool {
    if a.is_none() {
        return false;
    }
    match a {
        Some(x) if x.ok => x.y,
        Some(_) | None => true,
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>) -> bool
  b0:
    if (a == null) then b1 else b2
  b1:
    return false
  b2:
    if (a != null) then b3 else b5
  b3:
    x = a
    if x.ok then b4 else b5
  b4:
    return x.y
  b5:
    return true
export f = f
",
    );
}

#[test]
fn absence_as_an_error() {
    check(
        r"
async fn f(a: A) -> Result<i64, E> {
    let x = a.get().await?.ok_or(E::Missing)?;
    let y = x.y.ok_or_else(|| E::no(x))?;
    a.z.ok_or(E::Last)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64, E>
  b0:
    t1 = call a.get() awaited
    if (t1 != null) then b2 else b1
  b1:
    throw ::E.Missing
  b2:
    x = t1
    t2 = x.y
    if (t2 != null) then b4 else b3
  b3:
    t4 = call fn#2()
    throw t4
  b4:
    y = t2
    t5 = a.z
    if (t5 != null) then b6 else b5
  b5:
    throw ::E.Last
  b6:
    return t5
fn#2() in fn#1
  b0:
    t3 = call ::E.no(x)
    return t3
export f = f
",
    );
}

#[test]
fn maps() {
    check(
        r"
fn f(a: Option<A>) {
    g(
        a.map(|x| x.id),
        a.as_ref().and_then(|x| x.name.clone()),
        a.map(|x| make(x)),
        a.map(Into::into),
        a.is_some_and(|x| x.n > 1),
    );
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>)
  b0:
    x = a
    x~2 = a
    if (a != null) then b1 else b2
  b1:
    t3 = call fn#2(a)
    t1 = t3
    goto b3
  b2:
    t1 = null
    goto b3
  b3:
    x~4 = a
    t4 = call ::g(x.id, x~2.name, t1, a, ((a != null) && (x~4.n > 1)))
    return
fn#2(x~3) in fn#1
  b0:
    t2 = call ::make(x~3)
    return t2
export f = f
",
    );
}

#[test]
fn defaults() {
    check(
        r"
fn f(a: Option<A>, o: O) {
    g(a.unwrap_or(1), a.map_or(0, |x| x.n), a.unwrap_or_else(|| make()), o.n.unwrap_or_default());
    let t = a.or_else(|| other());
    t
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>, o: O)
  b0:
    if (a != null) then b1 else b2
  b1:
    x = a
    t1 = x.n
    goto b3
  b2:
    t1 = 0
    goto b3
  b3:
    if (a != null) then b4 else b5
  b4:
    t2 = a
    goto b6
  b5:
    t4 = call fn#2()
    t2 = t4
    goto b6
  b6:
    t5 = call ::g((a ?? 1), t1, t2, (o.n ?? opaque()))
    if (a != null) then b7 else b8
  b7:
    t6 = a
    goto b9
  b8:
    t8 = call fn#3()
    t6 = t8
    goto b9
  b9:
    t = t6
    return t
fn#2() in fn#1
  b0:
    t3 = call ::make()
    return t3
fn#3() in fn#1
  b0:
    t7 = call ::other()
    return t7
export f = f
",
    );
}

#[test]
fn a_question_about_an_option() {
    check(
        r"
fn f(a: Option<A>) -> Option<i64> {
    let x = a?;
    Some(x.first()?.id)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>) -> Option<i64>
  b0:
    t1 = a
    if (t1 != null) then b2 else b1
  b1:
    return null
  b2:
    x = t1
    t2 = x.0
    if (t2 != null) then b4 else b3
  b3:
    return null
  b4:
    return t2.id
export f = f
",
    );
}

#[test]
fn taking_leaves_nothing() {
    check(
        r"
fn f(&mut self) {
    let x = self.tx.take();
    (x == 1).then(|| go());
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = this.tx
    store this.tx = null
    x = t1
    if (x == 1) then b1 else b2
  b1:
    t4 = call fn#2()
    t2 = t4
    goto b3
  b2:
    t2 = null
    goto b3
  b3:
    return
fn#2() in fn#1
  b0:
    t3 = call ::go()
    return t3
export f = f
",
    );
}
