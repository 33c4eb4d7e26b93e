//! Iterators.

use super::check;

#[test]
fn what_runs_nothing_needs_no_loop() {
    check(
        r"
fn f(list: Vec<A>) {
    g(
        list.iter().filter(|x| x.ok).map(|x| x.id).collect::<Vec<_>>(),
        list.iter().any(|x| x.n == 3),
        list.into_iter().next(),
        list.iter().count(),
        list.is_empty(),
    );
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(list: Vec<A>)
  b0:
    t1 = element(list)
    x = t1
    t2 = filter(list, x.ok)
    t3 = element(t2)
    x~2 = t3
    t4 = element(list)
    x~3 = t4
    t5 = call ::g(map(t2, x~2.id), some(list, (x~3.n == 3)), list.0, list.length, (list.length == 0))
    return
export f = f
",
    );
}

#[test]
fn a_function_for_every_element() {
    check(
        r"
async fn f(list: Vec<A>) -> Result<(), E> {
    let made = list.iter().map(|x| make(x)).collect::<Result<Vec<_>, _>>()?;
    list.iter().for_each(|x| go(x));
    let n = list.iter().fold(0, |sum, x| sum + price(x));
    list.iter().find(|x| check(x));
    Ok(())
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(list: Vec<A>) -> Result<(), E>
  b0:
    goto b1
  b1:
    if opaque(list) then b2 else b3
  b2:
    t2 = call fn#2(element(list))
    goto b1
  b3:
    made = map(list, t2)
    goto b4
  b4:
    if opaque(list) then b5 else b6
  b5:
    t4 = call fn#3(element(list))
    goto b4
  b6:
    t5 = 0
    goto b7
  b7:
    if opaque(list) then b8 else b9
  b8:
    t7 = call fn#4(t5, element(list))
    t5 = t7
    goto b7
  b9:
    n = fold(list, t7)
    goto b10
  b10:
    if opaque(list) then b11 else b12
  b11:
    t9 = call fn#5(element(list))
    goto b10
  b12:
    return
fn#2(x) in fn#1
  b0:
    t1 = call ::make(x)
    return t1
fn#3(x~2) in fn#1
  b0:
    t3 = call ::go(x~2)
    return t3
fn#4(sum, x~3) in fn#1
  b0:
    t6 = call ::price(x~3)
    return (sum + t6)
fn#5(x~4) in fn#1
  b0:
    t8 = call ::check(x~4)
    return t8
export f = f
",
    );
}

#[test]
fn for_loops_over_iterators() {
    check(
        r"
fn f(list: Vec<A>) {
    let ids = list.iter().filter(|x| x.ok);
    for x in ids.rev() {
        go(x.id);
    }
    for (k, v) in map.iter() {
        put(k, v);
    }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(list: Vec<A>)
  b0:
    t1 = element(list)
    x = t1
    ids = filter(list, x.ok)
    goto b1
  b1:
    if opaque(ids) then b2 else b3
  b2:
    x~2 = element(ids)
    t2 = call ::go(x~2.id)
    goto b1
  b3:
    if opaque(::map) then b4 else b5
  b4:
    t3 = element(::map)
    k = t3.0
    v = t3.1
    t4 = call ::put(k, v)
    goto b3
  b5:
    return
export f = f
",
    );
}
