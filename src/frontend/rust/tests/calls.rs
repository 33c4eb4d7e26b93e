//! Calls of functions and methods, and what leaves no trace.

use super::check;

#[test]
fn functions_methods_and_types() {
    check(
        r#"
fn f(a: A) {
    g(1, "x");
    a.b.c::<T>(2)(3);
    x::y::<T, U>(&a);
    Vec::<u8>::make();
    <A as Trait>::go(a);
}
"#,
        r#"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A)
  b0:
    t1 = call ::g(1, "x")
    t2 = call a.b.c::<T>(2)
    t3 = call t2(3)
    t4 = call ::x.y::<T, U>(a)
    t5 = call ::Vec.make::<u8>()
    t6 = call ::A.go(a)
    return
export f = f
"#,
    );
}

#[test]
fn adapters_leave_no_trace() {
    check(
        r"
fn f(a: &str) {
    g(
        a.to_string(),
        a.clone().as_ref(),
        Some(Box::new(*a)),
        String::from(a),
        (a as i64),
        a.into_iter().collect::<Vec<_>>(),
    );
    a.clone_from(b);
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: &str)
  b0:
    t1 = call ::g(a, a, a, a, a, a)
    t2 = call a.clone_from(::b)
    return
export f = f
",
    );
}

#[test]
fn what_is_given_to_be_changed() {
    check(
        r"
fn f(map: &mut HashMap<A, B>) {
    let mut v = Vec::new();
    fill(&mut v, &mut map.x, 1);
    v.push(1);
    map.insert(1, 2);
    let mut repo = repo();
    repo.insert(3);
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(map: &mut HashMap<A, B>)
  b0:
    v = []
    t1 = call ::fill(v, map.x, 1) changes v
    t2 = call v.push(1) changes v
    t3 = call map.insert(1, 2) changes map
    t4 = call ::repo()
    repo = t4
    t5 = call repo.insert(3)
    return
export f = f
",
    );
}

#[test]
fn awaits() {
    check(
        r"
async fn f() {
    let later = g();
    a.b(1).c().await;
    later.await;
    tokio::join!(a(), b());
    let (x, y) = tokio::try_join!(a(), b())?;
    x.z(y)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = call ::g() awaited
    later = t1
    t2 = call ::a.b(1)
    t3 = call t2.c() awaited
    t4 = call ::a() awaited
    t5 = call ::b() awaited
    t6 = call ::a() awaited
    t7 = call ::b() awaited
    t8 = [t6, t7]
    x = t8.0
    y = t8.1
    t9 = call x.z(y)
    return t9
export f = f
",
    );
}

#[test]
fn async_blocks_run_where_they_are_wanted() {
    check(
        r"
async fn f(&self) {
    async { a().await }.await;
    let later = async move { b().await };
    later.await;
    spawn(async move {
        c().await;
    });
    self.run(|tx| async move { d(tx).await }.scope_boxed()).await;
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t2 = call fn#2() awaited
    later = fn#3
    t4 = call later() awaited
    t6 = call ::spawn(fn#4)
    t8 = call this.run(fn#5) awaited
    return
fn#2() in fn#1
  b0:
    t1 = call ::a() awaited
    return t1
fn#3 later() in fn#1
  b0:
    t3 = call ::b() awaited
    return t3
fn#4() in fn#1
  b0:
    t5 = call ::c() awaited
    return
fn#5(tx) in fn#1
  b0:
    t7 = call ::d(tx) awaited
    return t7
export f = f
",
    );
}

#[test]
fn an_async_block_as_a_body() {
    check(
        r"
fn f<'a>(x: &'a X) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        x.go().await?;
        Ok(())
    })
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(x: &'a X) -> BoxFuture<'a, Result<()>>
  b0:
    t1 = call x.go() awaited
    return
export f = f
",
    );
}

#[test]
fn struct_literals() {
    check(
        r"
fn f(a: A) -> T {
    let b = 1;
    m::T { a, b, c: g(), ..Default::default() }
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(a: A) -> T
  b0:
    b = 1
    t1 = call ::g()
    t2 = call ::Default.default()
    t3 = new ::m.T({...t2, a: a, b: b, c: t1})
    return t3
export f = f
",
    );
}

#[test]
fn given_up() {
    check(
        r"
async fn f() {
    let a = lock();
    {
        let g = m.lock().await;
        let n = 1;
        if n > x {
            return;
        }
        work(&g);
    }
    for i in 0..3 {
        let g = m.lock().unwrap();
        if i == 1 {
            continue;
        }
        go(i);
    }
    drop(a);
    std::mem::drop(b());
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f()
  b0:
    t1 = call ::lock()
    a = t1
    t2 = call ::m.lock() awaited
    g = t2
    n = 1
    if (n > ::x) then b1 else b2
  b1:
    return
  b2:
    t4 = call ::work(g)
    drop g
    t5 = opaque(0, 3)
    goto b3
  b3:
    if opaque(t5) then b4 else b7
  b4:
    i = element(t5)
    t6 = call ::m.lock()
    g~2 = t6
    if (i == 1) then b5 else b6
  b5:
    drop g~2
    goto b3
  b6:
    t8 = call ::go(i)
    drop g~2
    goto b3
  b7:
    drop a
    t9 = call ::b()
    drop t9
    return
export f = f
",
    );
}

#[test]
fn methods_of_others_by_names_of_the_standard_library() {
    check(
        r"
impl List {
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    async fn f(&self, db: &Db) -> bool {
        users::table.filter(users::id.eq(1).or(users::age.lt(2))).first(db).await;
        User::find().all(db).await;
        db.len().await;
        self.is_empty()
    }
}
",
        r"
class#0 List
  method is_empty = fn#1
  method f = fn#2
fn#0 module
  b0:
    return
fn#1 class#0.is_empty() -> bool
  b0:
    return (this.length == 0)
fn#2 class#0.f(db: &Db) -> bool
  b0:
    t1 = call ::users.id.eq(1)
    t2 = call ::users.age.lt(2)
    t3 = call t1.or(t2)
    t4 = call ::users.table.filter(t3)
    t5 = call t4.first(db) awaited
    t6 = call ::User.find()
    t7 = call t6.all(db) awaited
    t8 = call db.len() awaited
    t9 = call this.is_empty()
    return t9
export impl List = class#0
",
    );
}
