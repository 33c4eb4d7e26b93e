//! What decides and what leaves.

use super::check;

#[test]
fn a_call_a_test_and_two_ends() {
    check(
        r"
pub async fn f(pool: &PgPool, id: i64) -> Result<User, Error> {
    let user = find(pool, id).await?;
    if user.is_none() {
        return Err(Error::Missing);
    }
    Ok(user)
}
",
        r"
fn#0 module
  b0:
    f = fn#1
    return
fn#1 f(pool: &PgPool, id: i64) -> Result<User, Error>
  b0:
    t1 = call ::find(pool, id) awaited
    user = t1
    if (user == null) then b1 else b2
  b1:
    throw ::Error.Missing
  b2:
    return user
export f = f
",
    );
}
