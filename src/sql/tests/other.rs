//! Transactions, locks by name, several statements, odd input.

use super::{Dialect, all, any, check, statements, with_holes};
use crate::sql::{BeginMode, Isolation, Kind, LockTable, Scope, hole, hole_in, looks_like_dml, read};

#[test]
fn named_locks() {
    all("SELECT pg_advisory_xact_lock($1)", &["lock Transaction $1"]);
    all("SELECT pg_advisory_lock(1, {0})", &["lock Session [1 {0}]"]);
    all("SELECT pg_try_advisory_lock(hashtext($1)) AS got", &["lock Session ~[$1] tries"]);
    all("SELECT pg_try_advisory_xact_lock_shared(7)", &["lock Transaction 7 tries shared"]);
    all("select pg_advisory_unlock($1)", &["unlock $1"]);
    all("SELECT pg_advisory_unlock_all()", &["unlock all"]);
    all("SELECT GET_LOCK('x', 10)", &["lock Session 'x' tries"]);
    all("SELECT RELEASE_LOCK(?)", &["unlock ?1"]);
    check(Dialect::Mysql, "DO GET_LOCK('x', 10)", &["lock Session 'x' tries"]);
    all("SELECT id, pg_advisory_lock(id) FROM t WHERE a = 1", &["- lock Session id", "select t where a eq 1"]);
    all(
        "WITH l AS (SELECT pg_advisory_xact_lock(5)) UPDATE t SET a = 1 FROM l",
        &["l: select", "- lock Transaction 5", "update t join l set a = 1"],
    );
    check(
        Dialect::SqlServer,
        "EXEC sp_getapplock @Resource = 'r', @LockMode = 'Exclusive', @LockOwner = 'Session'",
        &["lock Session 'r' tries"],
    );
}

fn kind(text: &str) -> Kind {
    let mut read = statements(text, Dialect::Generic);
    assert_eq!(read.len(), 1, "{text}");
    read.remove(0).kind
}

#[test]
fn transactions() {
    let begin = |isolation, mode| Kind::Begin { isolation, mode };
    assert_eq!(kind("BEGIN"), begin(None, BeginMode::Deferred));
    assert_eq!(kind("begin transaction"), begin(None, BeginMode::Deferred));
    assert_eq!(kind("BEGIN IMMEDIATE"), begin(None, BeginMode::Immediate));
    assert_eq!(kind("BEGIN EXCLUSIVE TRANSACTION"), begin(None, BeginMode::Exclusive));
    assert_eq!(
        kind("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"),
        begin(Some(Isolation::RepeatableRead), BeginMode::Deferred)
    );
    let set = |level, scope| Kind::SetIsolation { level, scope };
    let serializable = Isolation::Serializable;
    assert_eq!(kind("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), set(serializable, Scope::Transaction));
    assert_eq!(
        kind("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        set(Isolation::ReadCommitted, Scope::Session)
    );
    assert_eq!(kind("SET default_transaction_isolation = 'serializable'"), set(serializable, Scope::Session));
    assert_eq!(kind("SET SESSION tx_isolation = 'READ-UNCOMMITTED'"), set(Isolation::ReadUncommitted, Scope::Session));
    assert_eq!(kind("SET search_path = app"), Kind::Other);
    assert_eq!(kind("COMMIT"), Kind::Commit);
    assert_eq!(kind("END"), Kind::Commit);
    assert_eq!(kind("ROLLBACK"), Kind::Rollback);
    assert_eq!(kind("ROLLBACK TO SAVEPOINT a1"), Kind::RollbackTo("a1".to_owned()));
    assert_eq!(kind("SAVEPOINT a1"), Kind::Savepoint("a1".to_owned()));
    assert_eq!(kind("RELEASE SAVEPOINT a1"), Kind::Release("a1".to_owned()));
}

#[test]
fn table_locks() {
    let lock = |tables: &[&str], exclusive, scope| {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        Kind::LockTable(LockTable { tables, exclusive, scope })
    };
    assert_eq!(kind("LOCK TABLE t IN EXCLUSIVE MODE"), lock(&["t"], true, Scope::Transaction));
    assert_eq!(kind("LOCK t, \"U\""), lock(&["t", "U"], true, Scope::Transaction));
    assert_eq!(kind("LOCK TABLE t IN ROW EXCLUSIVE MODE"), lock(&["t"], false, Scope::Transaction));
    assert_eq!(kind("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE"), lock(&["t"], true, Scope::Transaction));
    assert_eq!(kind("LOCK TABLES t WRITE, u READ"), lock(&["t", "u"], true, Scope::Session));
}

#[test]
fn several_statements() {
    any(
        "BEGIN; UPDATE t SET a = 1 WHERE id = 1; COMMIT;",
        &["Begin { isolation: None, mode: Deferred }", "update t set a = 1 where id eq 1", "Commit"],
    );
    let groups: Vec<usize> =
        statements("SELECT 1 FROM a WHERE x IN (SELECT y FROM b); DELETE FROM c", Dialect::Generic)
            .iter()
            .map(|statement| statement.group)
            .collect();
    assert_eq!(groups, [0, 0, 1]);
    all("SELECT a FROM t WHERE (x = 1; SELECT b FROM u", &["select t where x eq 1", "select u"]);
}

#[test]
fn spans_point_into_the_text() {
    let text = "SELECT 1 FROM a; UPDATE t SET x = (SELECT 2 FROM b) WHERE id = 1;";
    let shown: Vec<&str> = read(text, Dialect::Generic).iter().map(|statement| statement.span.slice(text)).collect();
    assert_eq!(shown, ["SELECT 1 FROM a", "SELECT 2 FROM b", "UPDATE t SET x = (SELECT 2 FROM b) WHERE id = 1"]);
}

#[test]
fn holes_have_numbers() {
    assert_eq!(hole_in(&hole(12)), Some(12));
    assert_eq!(hole_in(&format!("log_{}", hole(3))), Some(3));
    assert_eq!(hole_in("plain"), None);
}

#[test]
fn sql_is_told_from_prose() {
    for text in [
        "SELECT * FROM users",
        "select id from users where a = ?",
        "  -- find\n SELECT id FROM users",
        "(SELECT 1 FROM a) UNION (SELECT 2 FROM b)",
        "INSERT INTO t (a) VALUES (1)",
        "insert into t values (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "delete from t where id = $1",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "SELECT pg_advisory_xact_lock(1)",
        "REPLACE INTO t (a) VALUES (1)",
    ] {
        assert!(looks_like_dml(text), "{text}");
    }
    for text in [
        "Select a file from the list (or drop one here)",
        "select a file from the list",
        "Update the settings",
        "update your profile to set a name",
        "Delete from cart",
        "delete this",
        "With best regards",
        "Insert coin",
        "SELECT",
        "selected = true",
        "",
        "CREATE TABLE t (a int)",
        "replace into nothing?",
    ] {
        assert!(!looks_like_dml(text), "{text}");
    }
}

#[test]
fn odd_input_is_survived() {
    let pieces = [
        "SELECT",
        "FROM",
        "WHERE",
        "(",
        ")",
        ",",
        "INSERT INTO",
        "VALUES",
        "'",
        "\"",
        "`",
        "$$",
        "$1",
        "?",
        "::",
        ".",
        "{0}",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BETWEEN",
        "SET",
        "UPDATE",
        "WITH x AS (",
        "CASE",
        "END",
        ";",
        "ON CONFLICT",
        "é",
        "--",
        "/*",
        "[",
        "]",
        "=",
        "DELETE",
        "MERGE",
        "LOCK TABLE",
        "EXISTS (SELECT",
        "CREATE TABLE t (",
        "ALTER TABLE",
        "DROP INDEX",
        "FOR UPDATE",
        "a",
        "JOIN",
        "ON",
        "CAST(",
        "@",
        ":x",
        "1e-",
        "\u{1}",
        "DO $$",
        "CREATE UNIQUE INDEX",
        "DEFAULT",
        "EXCLUDE",
        "LIMIT",
        "ORDER BY",
        "AS",
        "DISTINCT ON",
        "-",
        "ARRAY[",
    ];
    // A small generator with a fixed seed: the same texts in every run.
    let mut state = 7_u32;
    for _ in 0..4000 {
        let mut text = String::new();
        for _ in 0..(state >> 16) % 14 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += pieces[(state >> 16) as usize % pieces.len()];
            if state & 0x0004_0000 == 0 {
                text.push(' ');
            }
        }
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let text = with_holes(&text);
        for dialect in [Dialect::Generic, Dialect::Postgres, Dialect::Mysql, Dialect::SqlServer] {
            let statements = read(&text, dialect);
            for statement in statements {
                assert!(text.is_char_boundary(statement.span.end as usize), "{text}");
            }
        }
        let _ = looks_like_dml(&text);
    }
}

#[test]
fn deep_input_is_read_to_its_end() {
    let depth = 20_000;
    let nested = |open: &str, close: &str| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    for text in [
        format!("SELECT 1 FROM t WHERE {} = 1", nested("(", ")")),
        format!("SELECT 1 FROM t WHERE {}", nested("(a = 1 AND ", ")")),
        format!("SELECT 1 FROM t WHERE {}", nested("(a = 1 OR ", ")")),
        format!("SELECT 1 FROM t WHERE {}", nested("a IN (SELECT b FROM u WHERE ", ")")),
        format!("SELECT {}", nested("(SELECT ", ")")),
        format!("SELECT {}", nested("f(", ")")),
        format!("SELECT * FROM {}", nested("(SELECT * FROM t WHERE a = 1 AND b IN ", ")")),
        format!("SELECT 1 FROM t WHERE {}", nested("NOT EXISTS (SELECT 1 FROM t WHERE ", ")")),
        format!("UPDATE t SET a = {}", nested("coalesce(a + ", ", 1)")),
        "(".repeat(depth),
        "SELECT (".repeat(depth),
        "SELECT 1 UNION ".repeat(depth),
        "$a$ ".repeat(depth),
        "/* ".repeat(depth),
        "[a ".repeat(depth),
        "WITH x AS (SELECT 1 FROM x) ".repeat(depth),
    ] {
        // An overflow of the stack would end the whole process.
        let _ = (read(&text, Dialect::Postgres), read(&text, Dialect::Generic));
    }
}
