//! What decides, repeats and leaves.

use super::check;

#[test]
fn if_and_else() {
    check(
        r"
fn f(a: A) -> i64 {
    if a.x {
        one();
    } else if a.y() {
        two();
    }
    let n = if a.z { 1 } else { 2 };
    let m = if a.z { g() } else { 2 };
    if !(a.p && (a.q || h())) { n } else { m }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> i64
  b0:
    if a.x then b1 else b2
  b1:
    t2 = call ::one()
    goto b4
  b2:
    t3 = call a.y()
    if t3 then b3 else b4
  b3:
    t4 = call ::two()
    goto b4
  b4:
    n = (a.z ? 1 : 2)
    if a.z then b5 else b6
  b5:
    t6 = call ::g()
    t5 = t6
    goto b7
  b6:
    t5 = 2
    goto b7
  b7:
    m = t5
    if a.p then b8 else b10
  b8:
    if a.q then b11 else b9
  b9:
    t8 = call ::h()
    if t8 then b11 else b10
  b10:
    return n
  b11:
    return m
export f = f
",
    );
}

#[test]
fn every_tail_has_its_own_end() {
    check(
        r"
fn f(a: A) -> Option<i64> {
    if a.x {
        Some(1)
    } else {
        match a.y {
            1 => None,
            _ => {
                go();
                Some(g(a))
            }
        }
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> Option<i64>
  b0:
    if a.x then b1 else b2
  b1:
    return 1
  b2:
    if (a.y == 1) then b3 else b4
  b3:
    return null
  b4:
    t3 = call ::go()
    t4 = call ::g(a)
    return t4
export f = f
",
    );
}

#[test]
fn if_let_and_chains() {
    check(
        r"
fn f(a: Option<A>) {
    if let Some(x) = a
        && x.ok
        && let Some(A { id, .. }) = g(x)
    {
        use_it(id);
    }
    while let Some(n) = a.next() {
        go(n);
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>)
  b0:
    if (a != null) then b1 else b4
  b1:
    x = a
    if x.ok then b2 else b4
  b2:
    t2 = call ::g(x)
    if (t2 != null) then b3 else b4
  b3:
    id = t2.id
    t3 = call ::use_it(id)
    goto b4
  b4:
    t4 = call a.next()
    if (t4 != null) then b5 else b6
  b5:
    n = t4
    t5 = call ::go(n)
    goto b4
  b6:
    return
export f = f
",
    );
}

#[test]
fn let_else() {
    check(
        r#"
fn f(a: Option<A>) -> i64 {
    let Some(a) = a else {
        return 0;
    };
    let (Some(x), 3) = pair(a) else { panic!("no {a}") };
    x
}
"#,
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: Option<A>) -> i64
  b0:
    if (a != null) then b1 else b2
  b1:
    a~2 = a
    t1 = call ::pair(a~2)
    if ((t1.0 != null) && (t1.1 == 3)) then b3 else b4
  b2:
    return 0
  b3:
    x = t1.0
    return x
  b4:
    throw `no ${a~2}`
export f = f
",
    );
}

#[test]
fn loops() {
    check(
        r"
fn f() -> i64 {
    let v = 'a: loop {
        for (i, x) in list.iter().enumerate() {
            if x > 1 {
                break 'a x;
            } else if i == 2 {
                continue 'a;
            }
        }
        while go() {
            if stop() {
                break;
            }
        }
    };
    let b = 'b: {
        if v == 1 {
            break 'b 2;
        }
        g()
    };
    b + v
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f() -> i64
  b0:
    goto b1
  b1:
    t2 = map(::list, [opaque(), element(::list)])
    goto b2
  b2:
    if opaque(t2) then b3 else b6
  b3:
    t3 = element(t2)
    i = t3.0
    x = t3.1
    if (x > 1) then b4 else b5
  b4:
    t1 = x
    v = t1
    if (v == 1) then b8 else b9
  b5:
    if (i == 2) then b1 else b2
  b6:
    t5 = call ::go()
    if t5 then b7 else b1
  b7:
    t7 = call ::stop()
    if t7 then b1 else b6
  b8:
    t8 = 2
    goto b10
  b9:
    t10 = call ::g()
    t8 = t10
    goto b10
  b10:
    b = t8
    return (b + v)
export f = f
",
    );
}

#[test]
fn shadowing_makes_another_variable() {
    check(
        r"
fn f(x: i64) -> i64 {
    let x = x + 1;
    {
        let x = g(x);
        h(x);
    }
    x
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(x: i64) -> i64
  b0:
    x~2 = (x + 1)
    t1 = call ::g(x~2)
    x~3 = t1
    t2 = call ::h(x~3)
    drop x~3
    return x~2
export f = f
",
    );
}

#[test]
fn assignments() {
    check(
        r"
fn f(&mut self, mut a: A, i: usize) {
    self.n += 1;
    a.b.c = g();
    a.list[i] = 2;
    a = make();
    (a.x, _) = pair();
    *a -= 1;
    _ = fails();
    let y;
    y = 3;
    self.z = y;
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A, i: usize)
  b0:
    store this.n = (this.n + 1)
    t1 = call ::g()
    store a.b.c = t1
    store a.list[i] = 2
    t2 = call ::make()
    a = t2
    t3 = call ::pair()
    store a.x = t3.0
    store a = (a - 1)
    goto b1
  b1, errors to b2:
    t4 = call ::fails()
    goto b2
  b2:
    y = 3
    store this.z = y
    return
export f = f
",
    );
}

#[test]
fn operators() {
    check(
        r#"
fn f(a: i64, b: &str) -> bool {
    let n = -a * 2 + 3 % 4;
    let s = "x".to_owned() + "y";
    let t = a & 1;
    let u = a < 1 && b != "q" || g() && !h();
    n >= 2 || u
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: i64, b: &str) -> bool
  b0:
    n = ((-a * 2) + (3 % 4))
    s = "xy"
    t = (a other 1)
    if ((a < 1) && (b != "q")) then b5 else b1
  b1:
    t3 = call ::g()
    if t3 then b2 else b3
  b2:
    t4 = call ::h()
    t2 = !t4
    goto b4
  b3:
    t2 = false
    goto b4
  b4:
    t1 = t2
    goto b6
  b5:
    t1 = true
    goto b6
  b6:
    u = t1
    return ((n >= 2) || u)
export f = f
"#,
    );
}
