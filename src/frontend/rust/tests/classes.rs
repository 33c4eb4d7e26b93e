//! Types, their fields and methods.

use super::check;

#[test]
fn structs_and_their_methods() {
    check(
        r#"
#[derive(Clone)]
#[table(name = "users")]
pub struct Repo {
    #[id]
    pub pool: Arc<dyn Pool + Send>,
    n: Option<i64>,
}
struct P(i64, String);
impl Repo {
    const MAX: i64 = 3;
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
    async fn get(&mut self, id: i64) -> Option<User> {
        self.n = Some(id);
        Self::check(id);
        self.pool.get(id, Self::MAX).await
    }
    fn check(id: i64) {}
}
"#,
        r#"
class#0 Repo @derive(Clone) @table(name = "users")
  field pool: Arc<dyn Pool + Send> @id
  field n: Option<i64>
  static field MAX: i64 = 3
  static method new = fn#1
  method get = fn#2
  static method check = fn#3
class#1 P
  field 0: i64
  field 1: String
fn#0 module
  b0:
    Repo = class#0
    P = class#1
    return
fn#1 class#0.new(pool: Pool) -> Self
  b0:
    t1 = new class#0({pool: pool})
    return t1
fn#2 class#0.get(id: i64) -> Option<User>
  b0:
    store this.n = id
    t2 = call class#0.check(id)
    t3 = call this.pool.get(id, class#0.MAX) awaited
    return t3
fn#3 class#0.check(id~2: i64)
  b0:
    return
export Repo = Repo
export P = P
"#,
    );
}

#[test]
fn enums_have_values_that_differ() {
    check(
        r"
enum E {
    A,
    B(i64),
    C { x: i64 },
}
fn f(e: E) -> bool {
    e == E::A || e == E::B(1)
}
",
        r#"
class#0 E
  static field A = "E::A"
  static field B: (i64)
  static field C: {x: i64}
fn#0 module
  b0:
    E = class#0
    f = fn#1
    return
fn#1 f(e: E) -> bool
  b0:
    if (e == E.A) then b2 else b1
  b1:
    t2 = call E.B(1)
    t1 = (e == t2)
    goto b3
  b2:
    t1 = true
    goto b3
  b3:
    return t1
export E = E
export f = f
"#,
    );
}

#[test]
fn traits_and_implementations() {
    check(
        r"
pub trait Find: Send {
    fn find(&self, id: i64) -> Option<A>;
    fn all(&self) -> Vec<A> {
        self.find(1);
        Self::none()
    }
}
impl<T: Clone> Find for &Other<T> {
    fn find(&self, id: i64) -> Option<A> {
        inner(self, id)
    }
}
impl Other<i64> {
    fn x() {}
}
",
        r"
class#0 Find implements Send @trait
  method all = fn#1
class#1 Other implements Find
  method find = fn#2
  static method x = fn#3
fn#0 module
  b0:
    Find = class#0
    return
fn#1 class#0.all() -> Vec<A>
  b0:
    t1 = call this.find(1)
    t2 = call class#0.none()
    return t2
fn#2 class#1.find(id: i64) -> Option<A> where T: Clone
  b0:
    t3 = call ::inner(this, id)
    return t3
fn#3 class#1.x()
  b0:
    return
export Find = Find
export impl Other = class#1
",
    );
}

#[test]
fn bounds_of_type_parameters() {
    check(
        r"
async fn f<'e, E: Executor<'e, Database = Postgres> + Copy, T>(
    e: E,
    t: impl Fn(&T) -> T,
    x: [u8; 4],
    y: *const T,
) -> Result<(), Box<dyn Error + 'static>>
where
    T: From<i64>,
{
    e.go()
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(e: E, t: impl Fn(&T) -> T, x: [u8; 4], y: *const T) -> Result<(), Box<dyn Error + 'static>> where E: Executor<'e, Database = Postgres> + Copy, T: From<i64>
  b0:
    t1 = call e.go()
    return t1
export f = f
",
    );
}

#[test]
fn parameters_that_are_patterns() {
    check(
        r"
async fn f(
    State(pool): State<PgPool>,
    Path((id, name)): Path<(i64, String)>,
    mut n: i64,
    Form { a, b: c }: Form,
    _: X,
) {
    g(pool, id, name, n, a, c)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(t1: State<PgPool>, t2: Path<(i64, String)>, n: i64, t3: Form, t4: X)
  b0:
    pool = t1.0
    id = t2.0.0
    name = t2.0.1
    a = t3.a
    c = t3.b
    t5 = call ::g(pool, id, name, n, a, c)
    return t5
export f = f
",
    );
}

#[test]
fn tests_are_marked() {
    check(
        r#"
#[tokio::test]
async fn t() {
    g(|| 1);
}
#[cfg(test)]
mod tests {
    use super::*;
    fn helper() {
        g();
    }
}
#[cfg(any(test, feature = "x"))]
fn other() {}
fn g() {}
"#,
        r#"
import * = "self"
fn#0 module
  b0:
    t = fn#1
    helper = fn#3
    tests = {helper: helper}
    other = fn#4
    g = fn#5
    return
fn#1 t() test
  b0:
    t1 = call g(fn#2)
    return
fn#2() in fn#1 test
  b0:
    return 1
fn#3 helper() test
  b0:
    t2 = call g()
    return
fn#4 other()
  b0:
    return
fn#5 g()
  b0:
    return
export t = t
export tests::helper = helper
export tests = tests
export other = other
export g = g
"#,
    );
}
