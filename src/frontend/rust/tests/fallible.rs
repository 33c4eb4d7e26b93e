//! Results.

use super::check;

#[test]
fn errors_leave() {
    check(
        r"
async fn f(a: A) -> Result<i64, E> {
    let x = a.get().await?;
    if x.bad {
        return Err(E::Bad(x));
    }
    if x.worse {
        Err(E::Worse)?
    }
    a.last().await
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
    x = t1
    if x.bad then b1 else b2
  b1:
    t3 = call ::E.Bad(x)
    throw t3
  b2:
    if x.worse then b3 else b4
  b3:
    throw ::E.Worse
  b4:
    t5 = call a.last() awaited
    return t5
export f = f
",
    );
}

#[test]
fn a_match_catches() {
    check(
        r#"
async fn f(a: A) -> Result<Option<U>, E> {
    match a.insert(1).await {
        Ok(Some(u)) if u.ok => Ok(Some(u)),
        Ok(_) => Ok(None),
        Err(Db::Unique(c)) if c == "k" => Err(E::Taken),
        Err(e) => Err(e.into()),
    }
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<Option<U>, E>
  b0, errors to b3:
    t2 = call a.insert(1) awaited
    goto b1
  b1:
    if (t2 != null) then b2 else b7
  b2:
    u = t2
    if u.ok then b6 else b7
  b3:
    t3 = caught
    if (t3 instanceof ::Db.Unique) then b4 else b5
  b4:
    c = t3.0
    if (c == "k") then b8 else b5
  b5:
    e = t3
    throw e
  b6:
    return u
  b7:
    return null
  b8:
    throw ::E.Taken
export f = f
"#,
    );
}

#[test]
fn only_the_outer_call_is_caught() {
    check(
        r"
async fn f(a: A) {
    match a.one(b()?).await?.two().await {
        Ok(x) => go(x),
        Err(_) => {}
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A)
  b0:
    t2 = call ::b()
    t3 = call a.one(t2) awaited
    goto b1
  b1, errors to b3:
    t4 = call t3.two() awaited
    goto b2
  b2:
    x = t4
    t6 = call ::go(x)
    return t6
  b3:
    t5 = caught
    return
export f = f
",
    );
}

#[test]
fn if_let_and_let_else() {
    check(
        r"
fn f(a: A) -> i64 {
    if let Err(e) = a.go() {
        log(e);
    }
    if let Ok(n) = a.parse() {
        return n;
    }
    let Ok(m) = a.parse() else { return 0 };
    m
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> i64
  b0, errors to b1:
    t2 = call a.go()
    goto b2
  b1:
    t3 = caught
    e = t3
    t4 = call ::log(e)
    goto b2
  b2, errors to b4:
    t6 = call a.parse()
    goto b3
  b3:
    n = t6
    return n
  b4, errors to b6:
    t7 = call a.parse()
    goto b5
  b5:
    m = t7
    return m
  b6:
    return 0
export f = f
",
    );
}

#[test]
fn results_that_are_looked_at_later() {
    check(
        r"
async fn f(a: A) -> Result<i64, E> {
    let r = a.insert().await;
    after();
    if let Err(Db::Unique) = &r {
        return Ok(0);
    }
    if r.is_err() {
        stop();
    }
    let n = r.map_err(E::from)?;
    Ok(n)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64, E>
  b0, errors to b2:
    t3 = call a.insert() awaited
    goto b1
  b1:
    r = t3
    t1 = true
    goto b3
  b2:
    t2 = caught
    r = null
    t1 = false
    goto b3
  b3:
    t4 = call ::after()
    if t1 then b7 else b4
  b4, errors to b5:
    throw t2
  b5:
    t6 = caught
    if (t6 == ::Db.Unique) then b6 else b7
  b6:
    return 0
  b7:
    if !t1 then b8 else b9
  b8:
    t8 = call ::stop()
    goto b9
  b9:
    if t1 then b11 else b10
  b10, errors to b12:
    throw t2
  b11:
    t9 = r
    n = t9
    return n
  b12:
    t10 = caught
    t11 = call ::E.from(t10)
    throw t11
export f = f
",
    );
}

#[test]
fn results_that_are_passed_on() {
    check(
        r"
async fn f(a: A) -> Result<i64, E> {
    let r = a.insert().await;
    after();
    r
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64, E>
  b0:
    t1 = call a.insert() awaited
    r = t1
    t2 = call ::after()
    return r
export f = f
",
    );
}

#[test]
fn methods_of_results() {
    check(
        r"
async fn f(a: A) -> Result<i64, E> {
    let x = a.one().await.ok();
    let y = a.two().await.unwrap_or(1);
    let z = a.three().await.unwrap_or_else(|e| fix(e));
    let ok = a.four().await.is_ok();
    let _ = a.five().await;
    a.six().await.map(|n| n + 1).map_err(|e| {
        log(&e);
        E::Six(e)
    })
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64, E>
  b0, errors to b2:
    t2 = call a.one() awaited
    goto b1
  b1:
    t1 = t2
    goto b3
  b2:
    t3 = caught
    t1 = null
    goto b3
  b3, errors to b5:
    x = t1
    t4 = 1
    t6 = call a.two() awaited
    goto b4
  b4:
    t5 = t6
    goto b6
  b5:
    t7 = caught
    t5 = t4
    goto b6
  b6, errors to b8:
    y = t5
    t9 = call a.three() awaited
    goto b7
  b7:
    t8 = t9
    goto b9
  b8:
    t10 = caught
    t12 = call fn#2(t10)
    t8 = t12
    goto b9
  b9, errors to b11:
    z = t8
    t14 = call a.four() awaited
    goto b10
  b10:
    t13 = (t14 != null)
    goto b12
  b11:
    t15 = caught
    t13 = false
    goto b12
  b12, errors to b13:
    ok = t13
    t16 = call a.five() awaited
    goto b13
  b13, errors to b15:
    t18 = call a.six() awaited
    goto b14
  b14:
    n = t18
    return (n + 1)
  b15:
    t19 = caught
    t22 = call fn#3(t19)
    throw t22
fn#2(e) in fn#1
  b0:
    t11 = call ::fix(e)
    return t11
fn#3(e~2) in fn#1
  b0:
    t20 = call ::log(e~2)
    t21 = call ::E.Six(e~2)
    return t21
export f = f
",
    );
}

#[test]
fn words_added_to_errors() {
    check(
        r#"
async fn f(a: A) -> Result<i64> {
    let x = a.one().await.context("one")?;
    let y = a.two().await?.context("two")?;
    a.three().await.with_context(|| format!("{x} {y}"))?;
    bail!("never {}", x)
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64>
  b0:
    t1 = call a.one() awaited
    x = t1
    t2 = call a.two() awaited
    if (t2 != null) then b2 else b1
  b1:
    throw "two"
  b2:
    y = t2
    t3 = call a.three() awaited
    throw `never ${x}`
export f = f
"#,
    );
}

#[test]
fn results_that_come_from_elsewhere() {
    check(
        r"
fn f(r: Result<A, E>, list: Vec<R>) {
    match r {
        Ok(a) => go(a),
        Err(e) => log(e),
    }
    for r in list {
        if r.is_err() {
            stop();
        }
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(r: Result<A, E>, list: Vec<R>)
  b0:
    if opaque(r) then b2 else b1
  b1, errors to b3:
    throw opaque(r)
  b2:
    a = r
    t3 = call ::go(a)
    goto b4
  b3:
    t2 = caught
    e = t2
    t4 = call ::log(e)
    goto b4
  b4:
    if opaque(list) then b5 else b8
  b5:
    r~2 = element(list)
    if opaque(r~2) then b4 else b6
  b6, errors to b7:
    throw opaque(r~2)
  b7:
    t6 = call ::stop()
    goto b4
  b8:
    return
export f = f
",
    );
}

#[test]
fn results_that_are_made_on_several_ways() {
    check(
        r"
fn f(a: A) -> Result<i64, E> {
    let r = if a.ok { Ok(1) } else { Err(E::No) };
    let n = r?;
    go(n)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Result<i64, E>
  b0:
    if a.ok then b1 else b2
  b1:
    t3 = 1
    r = t3
    t1 = true
    goto b4
  b2, errors to b3:
    throw ::E.No
  b3:
    t2 = caught
    r = null
    t1 = false
    goto b4
  b4:
    if t1 then b6 else b5
  b5:
    throw t2
  b6:
    n = r
    t4 = call ::go(n)
    return t4
export f = f
",
    );
}
