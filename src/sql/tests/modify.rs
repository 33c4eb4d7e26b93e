//! Writes.

use super::{Dialect, all, any, check};

#[test]
fn inserts() {
    all("INSERT INTO users (email, name) VALUES ($1, $2)", &["insert users set email = $1, name = $2"]);
    any(
        "INSERT INTO \"User\" (\"id\", \"email\") VALUES (gen_random_uuid(), {0}) RETURNING *",
        &["insert User set id = fresh, email = {0} returning"],
    );
    all("INSERT INTO t VALUES (1, 'x', NULL, now(), DEFAULT)", &["insert t set  = 1,  = 'x',  = null,  = now"]);
    all("INSERT INTO t (a, b) VALUES (1, 2), (3, 4), (5, 6)", &["insert t set a = 1, b = 2 rows 3"]);
    all("INSERT INTO t (a) VALUES {0}", &["insert t rows ?"]);
    check(
        Dialect::SqlServer,
        "INSERT INTO [t] ([a]) OUTPUT INSERTED.[id] VALUES (@p1)",
        &["insert t set a = @p1 returning"],
    );
    all("INSERT INTO t DEFAULT VALUES", &["insert t"]);
    check(Dialect::Mysql, "INSERT INTO t SET a = 1, b = ?", &["insert t set a = 1, b = ?1"]);
    check(Dialect::Mysql, "INSERT t (a) VALUES (1)", &["insert t set a = 1"]);
    all(
        "INSERT INTO t (n) VALUES ((SELECT COALESCE(MAX(n), 0) + 1 FROM t WHERE org = $1))",
        &["- select t max(n) where org eq $1", "insert t set n = #0"],
    );
    all("INSERT INTO t (a, b) VALUES ($1 || 'x', lower($2))", &["insert t set a ~ [$1], b ~ [$2]"]);
}

#[test]
fn inserts_from_a_select() {
    all(
        "INSERT INTO t (a, b) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM t WHERE a = $1)",
        &["- select t not-exists where a eq $1", "insert t set a = $1, b = $2 where ? insert-select if-not-exists"],
    );
    all(
        "INSERT INTO t (a) SELECT id FROM u WHERE x = 1",
        &["- select u where x eq 1", "insert t set a = u.id rows ? insert-select"],
    );
    all(
        "INSERT INTO t (a) SELECT $1 FROM dual WHERE (SELECT count(*) FROM t WHERE o = $2) < 5",
        &["- select t count(*) where o eq $2", "- select dual where ?", "insert t set a = $1 rows ? insert-select"],
    );
}

#[test]
fn inserts_from_functions_and_joins() {
    any(
        "INSERT INTO t (a, b) SELECT {0}, w.id FROM unnest({1}::text[]) AS w(id) ON CONFLICT DO NOTHING",
        &["insert t set a = {0}, b = w.id rows ? insert-select conflict nothing"],
    );
    all(
        "INSERT INTO t (a, b) SELECT x.id, y.id FROM u x JOIN v y ON y.u = x.id",
        &["- select u[x] join v[y] on id eq v.u", "insert t set a = u.id, b = v.id rows ? insert-select"],
    );
}

#[test]
fn conflicts() {
    all(
        "INSERT INTO t (k, n) VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET n = t.n + 1",
        &["insert t set k = $1, n = 1 conflict (k) update n += 1"],
    );
    all(
        "INSERT INTO t (k, n) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n, m = excluded.m RETURNING id",
        &["insert t set k = $1, n = $2 conflict (k) update n = $2, m = excluded.m returning"],
    );
    all("INSERT INTO t (k) VALUES ($1) ON CONFLICT DO NOTHING", &["insert t set k = $1 conflict nothing"]);
    all(
        "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a, b) WHERE deleted_at IS NULL DO NOTHING RETURNING id",
        &["insert t set a = $1, b = $2 conflict (a, b) partial nothing returning"],
    );
    all(
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT ON CONSTRAINT t_a_key DO UPDATE SET a = $1 WHERE t.locked = false",
        &["insert t set a = $1 conflict on t_a_key update a = $1 where locked eq false"],
    );
    all(
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT (lower(a)) DO NOTHING",
        &["insert t set a = $1 conflict expression nothing"],
    );
    all(
        "INSERT INTO t AS x (k, n) VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET n = x.n + excluded.n",
        &["insert t[x] set k = 1, n = 2 conflict (k) update n += 2"],
    );
    all(
        "INSERT INTO t (k, n) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = n + VALUES(n), k = VALUES(k)",
        &["insert t set k = ?1, n = ?2 conflict update n += ?2, k = ?1"],
    );
    all("INSERT IGNORE INTO t (k) VALUES (?)", &["insert t set k = ?1 conflict nothing"]);
    all("INSERT OR IGNORE INTO t (k) VALUES (?)", &["insert t set k = ?1 conflict nothing"]);
    all("INSERT OR REPLACE INTO t (k) VALUES (?)", &["insert t set k = ?1 replace"]);
    all("REPLACE INTO t (k) VALUES (?)", &["insert t set k = ?1 replace"]);
    all("UPSERT INTO t (k) VALUES ($1)", &["insert t set k = $1 conflict update "]);
    all(
        "MERGE INTO t AS a USING s ON a.k = s.k WHEN MATCHED THEN UPDATE SET n = 1 WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k);",
        &["insert t[a] rows ? where k eq s.k & ? merge"],
    );
}

#[test]
fn updates() {
    all("UPDATE t SET a = $1, b = 'x' WHERE id = $2", &["update t set a = $1, b = 'x' where id eq $2"]);
    all(
        "UPDATE t SET n = n + 1, m = t.m - $1, k = 2 + k WHERE id = 1",
        &["update t set n += 1, m -= $1, k += 2 where id eq 1"],
    );
    all(
        "UPDATE t SET n = COALESCE(n, 0) + 1, m = GREATEST(m - 1, 0), s = s || 'x'",
        &["update t set n += 1, m ~ [m], s ~ [s]"],
    );
    any(
        "UPDATE \"Stock\" SET \"qty\" = \"qty\" - {0}::int WHERE \"id\" = {1} AND \"qty\" >= {0}",
        &["update Stock set qty -= {0} where id eq {1} & qty ge {0}"],
    );
    all(
        "UPDATE t SET at = now(), used = NOT used, n = -1 WHERE token = $1 AND used_at IS NULL RETURNING id",
        &["update t set at = now, used ~ [used], n = -1 where token eq $1 & used_at isnull returning"],
    );
    all("UPDATE t SET (a, b) = ($1, $2) WHERE id = 3", &["update t set a = $1, b = $2 where id eq 3"]);
    all("UPDATE t x SET a = 1 WHERE x.id = 3", &["update t[x] set a = 1 where id eq 3"]);
    all(
        "UPDATE jobs SET s = 'run' WHERE id = (SELECT id FROM jobs WHERE s = 'new' ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        &[
            "- select jobs where s eq 'new' order at limit 1 for update skip",
            "update jobs set s = 'run' where id eq #0 returning",
        ],
    );
    all(
        "UPDATE a JOIN b ON b.id = a.b_id SET a.x = 1 WHERE b.y = 2",
        &["update a join b on b_id eq b.id set x = 1 where b.y eq 2"],
    );
    all("UPDATE x SET n = 1 FROM t x WHERE x.id = 2", &["update t[x] set n = 1 where id eq 2"]);
    all(
        "UPDATE t SET a = 1 WHERE s = 'q' ORDER BY at LIMIT 1",
        &["update t set a = 1 where s eq 'q' order at limit 1"],
    );
    all("UPDATE t SET {0} WHERE id = {1}", &["update t where id eq {1} fragments [0]"]);
    all("UPDATE t SET a = {0} {1}", &["update t set a = {0} where ? fragments [1]"]);
    all(
        "UPDATE t SET is_served = (id = $1) WHERE queue_id = $2",
        &["update t set is_served ~ [id $1] where queue_id eq $2"],
    );
    all(
        "UPDATE t SET total = (SELECT sum(x) FROM u WHERE u.t_id = t.id) WHERE id = 1",
        &["- select u sum(x) where t_id eq t.id", "update t set total = #0 where id eq 1"],
    );
}

#[test]
fn deletes() {
    all("DELETE FROM t WHERE id = $1", &["delete t where id eq $1"]);
    all("DELETE FROM t", &["delete t"]);
    all(
        "DELETE FROM t x USING u WHERE x.u_id = u.id AND u.a = 1 RETURNING x.id",
        &["delete t[x] join u where u_id eq u.id & u.a eq 1 returning"],
    );
    check(
        Dialect::Mysql,
        "DELETE a FROM t a JOIN u ON u.id = a.u_id WHERE u.x = 1",
        &["delete t[a] join u on u_id eq u.id where u.x eq 1"],
    );
    all(
        "DELETE FROM t WHERE id IN (SELECT id FROM t WHERE a = 1 LIMIT 5)",
        &["- select t where a eq 1 limit 5", "delete t where id in #0"],
    );
    all("TRUNCATE TABLE t", &["delete t"]);
}
