//! Changes of the schema.

use super::{Dialect, show, statements};
use crate::sql::{AlterAction, CreateTable, Ddl, IndexColumn, IndexDef, Kind, read_filter};

fn ddl_of(text: &str, dialect: Dialect) -> Ddl {
    let mut read = statements(text, dialect);
    assert_eq!(read.len(), 1, "{text}");
    match read.remove(0).kind {
        Kind::Ddl(ddl) => ddl,
        other => panic!("{other:?} from {text}"),
    }
}

fn ddl(text: &str) -> Ddl {
    ddl_of(text, Dialect::Generic)
}

fn table(text: &str, dialect: Dialect) -> CreateTable {
    match ddl_of(text, dialect) {
        Ddl::CreateTable(created) => created,
        other => panic!("{other:?} from {text}"),
    }
}

fn index(index: &IndexDef) -> String {
    let mut out = index.name.clone().unwrap_or_default();
    for (holds, word) in [
        (index.unique, " unique"),
        (index.primary, " primary"),
        (index.exclusion, " exclude"),
        (index.nulls_not_distinct, " nulls-equal"),
    ] {
        out += if holds { word } else { "" };
    }
    let columns: Vec<String> = index
        .columns
        .iter()
        .map(|column| match column {
            IndexColumn::Column(name) => name.clone(),
            IndexColumn::Expression { function, columns } => {
                format!("{}<{}>", function.clone().unwrap_or_default(), columns.join(" "))
            }
        })
        .collect();
    out += &format!(" ({})", columns.join(", "));
    if let Some(filter) = &index.filter {
        out += &format!(" where {}", show::filter(filter));
    }
    out
}

fn indexes(created: &CreateTable) -> Vec<String> {
    created.indexes.iter().map(index).collect()
}

fn created_index(text: &str) -> String {
    match ddl(text) {
        Ddl::CreateIndex { table, index: created } => format!("{} {}", table.name, index(&created)),
        other => panic!("{other:?} from {text}"),
    }
}

#[test]
fn tables() {
    let users = table(
        "CREATE TABLE IF NOT EXISTS app.\"User\" (
            id SERIAL PRIMARY KEY,
            email varchar(255) NOT NULL UNIQUE,
            name TEXT DEFAULT 'x' NOT NULL,
            created timestamptz(3) DEFAULT now(),
            token uuid DEFAULT gen_random_uuid(),
            balance int CONSTRAINT positive CHECK (balance >= 0),
            org_id int REFERENCES orgs (id) ON DELETE CASCADE,
            n integer GENERATED ALWAYS AS IDENTITY,
            CONSTRAINT u_org_name UNIQUE (org_id, name),
            FOREIGN KEY (org_id, n) REFERENCES other (a, b) ON DELETE SET NULL
        )",
        Dialect::Postgres,
    );
    assert_eq!(users.table.name, "User");
    assert!(users.if_not_exists);
    let names: Vec<&str> = users.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "email", "name", "created", "token", "balance", "org_id", "n"]);
    let defaults: Vec<String> =
        users.columns.iter().filter_map(|column| column.default.as_ref()).map(show::value).collect();
    assert_eq!(defaults, ["'x'", "now", "fresh"]);
    let refusing: Vec<bool> = users.columns.iter().map(|column| column.not_null).collect();
    assert_eq!(refusing, [true, true, true, false, false, false, false, false]);
    assert_eq!(users.columns[1].type_name, "varchar(255)");
    assert!(users.columns[0].generated && users.columns[7].generated);
    assert_eq!(indexes(&users), [" unique primary (id)", " unique (email)", "u_org_name unique (org_id, name)"]);
    assert_eq!(users.checks.len(), 1);
    assert_eq!(users.checks[0].name.as_deref(), Some("positive"));
    assert_eq!(show::filter(&users.checks[0].filter), "balance ge 0");
    let keys: Vec<_> = users.foreign_keys.iter().map(|key| (key.table.as_str(), key.columns.join(" "))).collect();
    assert_eq!(keys, [("orgs", "org_id".to_owned()), ("other", "org_id n".to_owned())]);
    let actions: Vec<_> = users.foreign_keys.iter().filter_map(|key| key.on_delete.clone()).collect();
    assert_eq!(actions, ["cascade", "set null"]);
}

#[test]
fn tables_of_mysql_and_sql_server() {
    let created = table(
        "CREATE TABLE `User` (`id` INTEGER NOT NULL AUTO_INCREMENT, `name` VARCHAR(191) NOT NULL, `key` INT,
            UNIQUE INDEX `User_name_key`(`name`), INDEX `i`(`key`), UNIQUE KEY (`name`(20), `key`), PRIMARY KEY (`id`)
        ) DEFAULT CHARACTER SET utf8mb4",
        Dialect::Mysql,
    );
    assert_eq!(
        indexes(&created),
        ["User_name_key unique (name)", "i (key)", " unique (name, key)", " unique primary (id)"]
    );
    assert!(created.columns[0].generated);
    let created = table(
        "CREATE TABLE [dbo].[User] ([id] INT NOT NULL IDENTITY(1,1), [email] NVARCHAR(1000) NOT NULL,
            CONSTRAINT [User_pkey] PRIMARY KEY CLUSTERED ([id]), CONSTRAINT [User_email_key] UNIQUE NONCLUSTERED ([email]))",
        Dialect::SqlServer,
    );
    assert_eq!(indexes(&created), ["User_pkey unique primary (id)", "User_email_key unique (email)"]);
}

#[test]
fn columns_may_have_the_names_of_constraints() {
    let created = table(
        "CREATE TABLE t (key text NOT NULL, unique_id int, index int, PRIMARY KEY (key, index))",
        Dialect::Generic,
    );
    assert_eq!(created.columns.len(), 3);
    assert_eq!(indexes(&created), [" unique primary (key, index)"]);
}

#[test]
fn created_indexes() {
    for (text, expected) in [
        ("CREATE UNIQUE INDEX t_a ON t (a, b)", "t t_a unique (a, b)"),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"x\" ON ONLY \"public\".\"T\" USING btree (\"a\" text_ops DESC NULLS LAST)",
            "T x unique (a)",
        ),
        ("CREATE INDEX ON t (a)", "t  (a)"),
        ("CREATE UNIQUE INDEX x ON t (lower(email))", "t x unique (lower<email>)"),
        ("CREATE UNIQUE INDEX x ON t ((lower(email)), org)", "t x unique (lower<email>, org)"),
        ("CREATE UNIQUE INDEX x ON t (COALESCE(org, '0'), (data->>'k'))", "t x unique (coalesce<org>, <data>)"),
        ("CREATE UNIQUE INDEX x ON t (a) WHERE deleted_at IS NULL", "t x unique (a) where deleted_at isnull"),
        (
            "CREATE UNIQUE INDEX x ON t (a) NULLS NOT DISTINCT WHERE (\"active\" = true)",
            "t x unique nulls-equal (a) where active eq true",
        ),
        ("CREATE UNIQUE INDEX x ON t(a) INCLUDE (b) WHERE s IN ('p', 'q')", "t x unique (a) where s in ['p' 'q']"),
        ("CREATE UNIQUE INDEX x ON t (a) WHERE f(b) OR c", "t x unique (a) where ?[b c]"),
    ] {
        assert_eq!(created_index(text), expected);
    }
}

#[test]
fn altered_tables() {
    let Ddl::AlterTable { table, actions } = ddl(
        "ALTER TABLE IF EXISTS ONLY \"T\" ADD CONSTRAINT k UNIQUE (a, b), ADD COLUMN IF NOT EXISTS c int NOT NULL UNIQUE,
            DROP CONSTRAINT IF EXISTS old, DROP COLUMN d, RENAME COLUMN e TO f, ALTER COLUMN g SET NOT NULL,
            ALTER h DROP NOT NULL, ALTER COLUMN i SET DEFAULT 5, ALTER COLUMN i DROP DEFAULT, ADD CHECK (c > 0),
            ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES u (id), DROP INDEX z, DROP PRIMARY KEY,
            ADD UNIQUE INDEX y (c), ADD CONSTRAINT taken UNIQUE USING INDEX y2, RENAME TO t2,
            ADD CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (NOT cancelled)",
    ) else {
        panic!("no alter table");
    };
    assert_eq!(table.name, "T");
    let shown: Vec<String> = actions
        .iter()
        .map(|action| match action {
            AlterAction::AddColumn(column, keys, _, _) => format!("column {} {}", column.name, keys.len()),
            AlterAction::AddIndex(added) => match &added.using_index {
                Some(using) => format!("{} using {using}", added.name.clone().unwrap_or_default()),
                None => index(added),
            },
            AlterAction::DropConstraint(name) => format!("drop {name}"),
            AlterAction::DropColumn(name) => format!("drop column {name}"),
            AlterAction::RenameColumn { from, to } => format!("{from} to {to}"),
            AlterAction::SetNotNull(name, refuses) => format!("{name} not null {refuses}"),
            AlterAction::SetDefault(name, value) => {
                format!("{name} default {}", value.as_ref().map_or("none".to_owned(), show::value))
            }
            AlterAction::AddCheck(check) => format!("check {}", show::filter(&check.filter)),
            AlterAction::AddForeignKey(key) => format!("to {}", key.table),
            AlterAction::RenameTable(to) => format!("table {to}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "k unique (a, b)",
            "column c 1",
            "drop old",
            "drop column d",
            "e to f",
            "g not null true",
            "h not null false",
            "i default 5",
            "i default none",
            "check c gt 0",
            "to u",
            "drop z",
            "DropPrimaryKey",
            "y unique (c)",
            "taken using y2",
            "table t2",
            "no_overlap unique exclude (room, during) where cancelled eq false",
        ]
    );
}

#[test]
fn drops_and_renames() {
    assert_eq!(ddl("DROP TABLE IF EXISTS a, \"B\" CASCADE"), Ddl::DropTable(vec!["a".to_owned(), "B".to_owned()]));
    assert_eq!(
        ddl("DROP INDEX CONCURRENTLY IF EXISTS \"x\""),
        Ddl::DropIndex { names: vec!["x".to_owned()], table: None }
    );
    assert_eq!(
        ddl("DROP INDEX `x` ON `t`"),
        Ddl::DropIndex { names: vec!["x".to_owned()], table: Some("t".to_owned()) }
    );
    assert_eq!(ddl("ALTER INDEX a RENAME TO b"), Ddl::RenameIndex { from: "a".to_owned(), to: "b".to_owned() });
    assert_eq!(ddl("RENAME TABLE a TO b"), Ddl::RenameTable { from: "a".to_owned(), to: "b".to_owned() });
    assert_eq!(ddl("CREATE TYPE mood AS ENUM ('sad', 'ok')"), Ddl::Other);
}

#[test]
fn bodies_stay_whole() {
    let text = "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE u SET n = n + 1; DELETE FROM v; END; SELECT 1 FROM t";
    let shown: Vec<String> = statements(text, Dialect::Sqlite).iter().map(show::statement).collect();
    assert_eq!(shown, ["Ddl(Other)", "select t"]);
    let text = "CREATE FUNCTION f() RETURNS int AS $$ BEGIN DELETE FROM t; END $$ LANGUAGE plpgsql; SELECT 1 FROM t";
    let shown: Vec<String> = statements(text, Dialect::Postgres).iter().map(show::statement).collect();
    assert_eq!(shown, ["Ddl(Other)", "select t"]);
    let text = "DO $$ BEGIN ALTER TABLE t ADD COLUMN a int; END $$;";
    let shown: Vec<String> = statements(text, Dialect::Postgres).iter().map(show::statement).collect();
    assert_eq!(shown, ["block BEGIN ALTER TABLE t ADD COLUMN a int; END"]);
    let text = "BEGIN IF NOT EXISTS (SELECT 1 FROM pg_class WHERE a = 1) THEN DROP TABLE t; END IF; EXCEPTION WHEN x THEN NULL; END";
    let shown: Vec<Kind> = statements(text, Dialect::Postgres).into_iter().map(|statement| statement.kind).collect();
    assert!(shown.contains(&Kind::Ddl(Ddl::DropTable(vec!["t".to_owned()]))), "{shown:?}");
}

#[test]
fn lone_conditions() {
    let read = |text| show::filter(&read_filter(text, Dialect::Postgres));
    assert_eq!(read("status = 'active' AND \"deletedAt\" IS NULL"), "status eq 'active' & deletedAt isnull");
    assert_eq!(
        read("((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
        "status in ['a' 'b']"
    );
    assert_eq!(read(""), "");
}
