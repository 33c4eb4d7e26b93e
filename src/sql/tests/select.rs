//! Reads: filters, tables, aggregates, locks.

use super::{Dialect, all, any, check};

#[test]
fn plain_reads() {
    all("SELECT * FROM users", &["select users"]);
    all("select id from users where email = ?", &["select users where email eq ?1"]);
    all("SELECT id, name FROM users WHERE id = $1 AND org_id = $2;", &["select users where id eq $1 & org_id eq $2"]);
    all("SELECT 1 FROM users WHERE email = :email LIMIT 1", &["select users where email eq :email limit 1"]);
    all("SELECT id FROM users u WHERE u.email = @p1", &["select users[u] where email eq @p1"]);
    all("SELECT u.id FROM app.users AS u WHERE u.email = {0}", &["select users[u] where email eq {0}"]);
    any("SELECT * FROM \"User\" WHERE \"orgId\" = {0}", &["select User where orgId eq {0}"]);
    any("SELECT * FROM \"public\".\"User\" u WHERE u.\"orgId\" = {0}", &["select User[u] where orgId eq {0}"]);
    any("SELECT * FROM `users` WHERE `name` = 'it''s'", &["select users where name eq 'it's'"]);
    check(Dialect::Mysql, r#"SELECT * FROM users WHERE name = "it\"s""#, &[r#"select users where name eq 'it"s'"#]);
    check(
        Dialect::SqlServer,
        "SELECT TOP 1 [id] FROM [dbo].[Users] WHERE [e mail] = @p1",
        &["select Users where e mail eq @p1 limit 1"],
    );
    all("", &[]);
    all(" ; ;; ", &[]);
}

#[test]
fn comments_and_quotes_are_no_text() {
    all("-- find; it\nSELECT id /* the; id */ FROM t WHERE a = 1 -- end", &["select t where a eq 1"]);
    check(Dialect::Postgres, "SELECT /* a /* b */ ; c */ id FROM t", &["select t"]);
    check(Dialect::Mysql, "SELECT id FROM t # where\nWHERE a = 1", &["select t where a eq 1"]);
    check(
        Dialect::Postgres,
        "SELECT id FROM t WHERE a = $tag$x ; ' y$tag$ AND b = E'\\'q'",
        &["select t where a eq 'x ; ' y' & b eq ''q'"],
    );
    any("SELECT id FROM t WHERE a = 'unclosed", &["select t where a eq 'unclosed'"]);
    any("SELECT id FROM t /* unclosed", &["select t"]);
}

#[test]
fn tests_of_columns() {
    all(
        "SELECT 1 FROM t WHERE a <> 1 AND b != 2 AND c < 3 AND d <= 4 AND e > 5 AND f >= -6",
        &["select t where a ne 1 & b ne 2 & c lt 3 & d le 4 & e gt 5 & f ge -6"],
    );
    all(
        "SELECT 1 FROM t WHERE a IS NULL AND b IS NOT NULL AND c IS TRUE AND NOT d AND e",
        &["select t where a isnull & b isnotnull & c eq true & d eq false & e eq true"],
    );
    all(
        "SELECT 1 FROM t WHERE a IN (1, 2) AND b NOT IN ('x') AND c IN (?)",
        &["select t where a in [1 2] & b notin ['x'] & c in [?1]"],
    );
    check(
        Dialect::Postgres,
        "SELECT 1 FROM t WHERE a = ANY($1::int[]) AND b <> ALL($2) AND c = ANY(ARRAY['x','y']::text[])",
        &["select t where a in $1 & b notin $2 & c in ['x' 'y']"],
    );
    all(
        "SELECT 1 FROM t WHERE a BETWEEN 1 AND 5 AND b NOT BETWEEN 1 AND 2 AND c LIKE 'x%' AND d NOT LIKE 'y'",
        &["select t where a ge 1 & a le 5 & b other ~[] & c like 'x%' & d other 'y'"],
    );
    all(
        "SELECT 1 FROM t WHERE a IS DISTINCT FROM $1 AND b IS NOT DISTINCT FROM $2",
        &["select t where a ne $1 & b eq $2"],
    );
    all("SELECT 1 FROM t WHERE $1 = a AND 5 < b AND 1 = 1 AND TRUE", &["select t where a eq $1 & b gt 5"]);
    check(
        Dialect::Postgres,
        "SELECT 1 FROM t WHERE a = $1::uuid AND b = CAST($2 AS text) AND c::text = $3",
        &["select t where a eq $1 & b eq $2 & c eq $3"],
    );
    all(
        "SELECT 1 FROM t WHERE lower(email) = lower($1) AND date(at) = $2 AND upper($3) = upper(code) AND coalesce(gone, false) = false",
        &["select t where lower(email) eq $1 & date(at) eq $2 & upper(code) eq $3 & coalesce(gone) eq false"],
    );
    all(
        "SELECT 1 FROM t WHERE (a, b) = ($1, $2) AND (c, d) IN (($3, $4))",
        &["select t where a eq $1 & b eq $2 & c eq $3 & d eq $4"],
    );
    all(
        "SELECT 1 FROM t WHERE expires_at > NOW() AND created < CURRENT_TIMESTAMP",
        &["select t where expires_at gt now & created lt now"],
    );
    all(
        "SELECT 1 FROM t WHERE used < max_uses AND used + 1 <= cap AND stock - $1 >= 0",
        &["select t where used lt max_uses & used le ~[cap] & stock ge $1"],
    );
    check(
        Dialect::Postgres,
        "SELECT 1 FROM t WHERE tags @> $1 AND data->>'k' = 'v'",
        &["select t where tags other $1 & ?[data]"],
    );
}

#[test]
fn brackets_and_alternatives() {
    all("SELECT 1 FROM t WHERE ((a = 1) AND ((b = 2) AND c = 3))", &["select t where a eq 1 & b eq 2 & c eq 3"]);
    all("SELECT 1 FROM t WHERE a = 1 AND (s = 'x' OR s = 'y')", &["select t where a eq 1 & s in ['x' 'y']"]);
    all(
        "SELECT 1 FROM t WHERE a = 1 AND (locked_until IS NULL OR locked_until < now())",
        &["select t where a eq 1 & (locked_until isnull | locked_until lt now)"],
    );
    all("SELECT 1 FROM t WHERE a = 1 OR (b = 2 AND c = 3)", &["select t where (a eq 1 | b eq 2 & c eq 3)"]);
    all(
        "SELECT 1 FROM t WHERE NOT (a = 1) AND NOT b IN (2, 3) AND NOT (c < 4) AND NOT d = e",
        &["select t where a ne 1 & b notin [2 3] & c ge 4 & d ne e"],
    );
    all(
        "SELECT 1 FROM t WHERE 'x' = ANY(tags) AND NOT ($1 = ANY(tags))",
        &["select t where tags other 'x' & tags other $1"],
    );
    all("SELECT 1 FROM t WHERE NOT (a = 1 AND b = 2)", &["select t where ?[a b]"]);
    all(
        "SELECT 1 FROM t WHERE a = 1 OR EXISTS (SELECT 1 FROM u WHERE u.id = t.id)",
        &["- select u exists where id eq t.id", "select t where ?[a]"],
    );
    all("SELECT 1 FROM t WHERE CASE WHEN a = 1 THEN b ELSE c END = 2 AND d = 3", &["select t where d eq 3 & ?[a b c]"]);
}

#[test]
fn joined_tables() {
    all(
        "SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE o.id = $1 AND u.email = $2",
        &["select orders[o] join users[u] on user_id eq users.id where id eq $1 & users.email eq $2"],
    );
    all(
        "SELECT * FROM a LEFT JOIN b USING (id) CROSS JOIN c, d WHERE a.x = 1",
        &["select a outer join b join c join d where x eq 1"],
    );
    any(
        "SELECT * FROM a LEFT OUTER JOIN LATERAL (SELECT * FROM b WHERE b.a_id = a.id LIMIT 1) q ON true WHERE a.x = 1",
        &["- select b where a_id eq a.id limit 1", "select a outer join [q] where x eq 1"],
    );
    any("SELECT * FROM UNNEST($1::int[]) AS ids(id) JOIN t ON t.id = ids.id", &["select t where ?"]);
}

#[test]
fn aggregates() {
    all("SELECT COUNT(*) FROM t WHERE a = 1", &["select t count(*) where a eq 1"]);
    all("SELECT count(DISTINCT user_id) AS n FROM t", &["select t count(user_id)"]);
    all(
        "SELECT COALESCE(MAX(number), 0) + 1 AS next FROM invoices WHERE org = $1",
        &["select invoices max(number) where org eq $1"],
    );
    all("SELECT SUM(i.qty), MIN(i.at), AVG(i.x) FROM items i", &["select items[i] sum(qty)"]);
    all("SELECT org, count(*) FROM t GROUP BY org HAVING count(*) > 3", &["select t where ? grouped"]);
    all("SELECT count(*) OVER () AS total, id FROM t", &["select t"]);
    all("SELECT count(*) FILTER (WHERE a = 1) FROM t", &["select t count(*) where ?"]);
    all(
        "SELECT COUNT(*) AS n FROM (SELECT 1 FROM t WHERE a = 1 LIMIT 5) x",
        &["select t count(*) where a eq 1 limit 5"],
    );
    all("SELECT (SELECT count(*) FROM t WHERE a = 1) AS n", &["select t count(*) where a eq 1"]);
}

#[test]
fn existence() {
    all("SELECT EXISTS(SELECT 1 FROM users WHERE email = $1)", &["select users exists where email eq $1"]);
    all(
        "SELECT NOT EXISTS (SELECT 1 FROM users WHERE email = $1) AS free",
        &["select users not-exists where email eq $1"],
    );
    any(
        "SELECT EXISTS(SELECT 1 FROM users WHERE email = $1)::int AS \"exists\"",
        &["select users exists where email eq $1"],
    );
    all("SELECT CASE WHEN EXISTS (SELECT 1 FROM t WHERE a = 1) THEN 1 ELSE 0 END", &["select t exists where a eq 1"]);
}

#[test]
fn row_locks() {
    all("SELECT * FROM t WHERE id = $1 FOR UPDATE", &["select t where id eq $1 for update"]);
    all(
        "SELECT * FROM t WHERE id = $1 LIMIT 1 FOR NO KEY UPDATE NOWAIT",
        &["select t where id eq $1 limit 1 for update nowait"],
    );
    all(
        "SELECT * FROM t WHERE s = 'queued' ORDER BY at DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        &["select t where s eq 'queued' order at desc order id limit 1 for update skip"],
    );
    all("SELECT * FROM t FOR SHARE", &["select t for share"]);
    all("SELECT * FROM t FOR KEY SHARE", &["select t for share"]);
    all("SELECT * FROM t WHERE id = 1 LOCK IN SHARE MODE", &["select t where id eq 1 for share"]);
    all(
        "SELECT * FROM a JOIN b ON b.a = a.id FOR UPDATE OF a, b NOWAIT",
        &["select a join b on id eq b.a for update nowait of a of b"],
    );
    all("SELECT * FROM t WITH (UPDLOCK, HOLDLOCK) WHERE id = @p1", &["select t where id eq @p1 for update"]);
}

#[test]
fn limits_and_unions() {
    check(Dialect::Mysql, "SELECT * FROM t LIMIT 10, 5", &["select t limit 5"]);
    all("SELECT * FROM t LIMIT $1 OFFSET $2", &["select t limit $1"]);
    all("SELECT * FROM t ORDER BY a FETCH FIRST 3 ROWS ONLY", &["select t order a limit 3"]);
    all(
        "SELECT id FROM a WHERE x = 1 UNION ALL SELECT id FROM b WHERE y = 2",
        &["- select b where y eq 2", "select a where x eq 1"],
    );
    all("(SELECT id FROM a WHERE x = 1)", &["select a where x eq 1"]);
}

#[test]
fn holes() {
    all("SELECT * FROM {0} WHERE id = {1}", &["select \u{1}0\u{1} where id eq {1}"]);
    all("SELECT * FROM log_{0} WHERE id = '{1}'", &["select log_\u{1}0\u{1} where id eq {1}"]);
    all("SELECT * FROM t WHERE name LIKE '%{0}%'", &["select t where name like ~[{0}]"]);
    all("SELECT * FROM t WHERE id IN ({0})", &["select t where id in [{0}]"]);
    all("SELECT * FROM t {0}", &["select t where ? fragments [0]"]);
    all("SELECT * FROM t WHERE {0}", &["select t where ? fragments [0]"]);
    all("SELECT * FROM t WHERE a = {0} AND {1} AND b = {2}", &["select t where a eq {0} & b eq {2} & ? fragments [1]"]);
    all("SELECT * FROM t WHERE a = {0} {1}", &["select t where a eq {0} & ? fragments [1]"]);
    all(
        "SELECT * FROM t WHERE a = {0} ORDER BY b {1} LIMIT {2}",
        &["select t where a eq {0} order b limit {2} fragments [1]"],
    );
    all("SELECT * FROM t WHERE a BETWEEN {0} AND {1} AND {2} = b", &["select t where a ge {0} & a le {1} & b eq {2}"]);
    check(Dialect::Postgres, "SELECT * FROM t WHERE id = ${0}", &["select t where id eq $\u{1}0\u{1}"]);
}

#[test]
fn members_of_with() {
    all(
        "WITH recent AS (SELECT id FROM t WHERE at > $1) SELECT count(*) FROM recent",
        &["select t count(*) where at gt $1"],
    );
    all(
        "WITH a AS (SELECT id FROM t WHERE x = 1), b AS MATERIALIZED (SELECT id FROM a) SELECT * FROM b JOIN a ON a.id = b.id",
        &["a: select t where x eq 1", "b: select t where x eq 1", "select from #1 join a on id eq #0"],
    );
    all(
        "WITH next AS (SELECT id FROM jobs WHERE s = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE jobs SET s = 'running' FROM next WHERE jobs.id = next.id RETURNING jobs.*",
        &[
            "next: select jobs where s eq 'queued' limit 1 for update skip",
            "update jobs join next set s = 'running' where id eq #0 returning",
        ],
    );
    all(
        "WITH ins AS (INSERT INTO t (k) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id) SELECT id FROM ins UNION ALL SELECT id FROM t WHERE k = $1",
        &["ins: insert t set k = $1 conflict nothing returning", "- select t where k eq $1", "select from #0"],
    );
    all(
        "WITH RECURSIVE tree(id) AS (SELECT id FROM n WHERE id = 1 UNION SELECT n.id FROM n JOIN tree ON n.parent = tree.id) SELECT * FROM tree",
        &["tree: select n where id eq 1", "- select n join tree on parent eq #0", "select from #0"],
    );
}
