//! SQL migrations, and what they add to a model.

use super::{key, show};
use crate::schema::{DefaultValue, Engine, Schema, migrations, prisma};

fn apply(engine: Option<Engine>, texts: &[&str]) -> Schema {
    let mut schema = Schema { engine, ..Schema::default() };
    for (number, text) in texts.iter().enumerate() {
        migrations::read(&format!("{number}/migration.sql"), text, &mut schema);
    }
    schema
}

fn keys(schema: &Schema) -> Vec<String> {
    let keys = |entity: &crate::schema::Entity| entity.keys.iter().map(key).collect::<Vec<_>>();
    schema.entities.iter().flat_map(keys).collect()
}

#[test]
fn changes_add_up() {
    let schema = apply(
        Some(Engine::Postgres),
        &[
            "-- CreateTable\nCREATE TABLE \"User\" (\"id\" SERIAL NOT NULL, \"email\" TEXT NOT NULL, \"old\" TEXT,\n CONSTRAINT \"User_pkey\" PRIMARY KEY (\"id\"));\nCREATE UNIQUE INDEX \"User_email_key\" ON \"User\"(\"email\");\nCREATE UNIQUE INDEX \"gone\" ON \"User\"(\"old\");",
            "ALTER TABLE \"User\" ADD COLUMN \"slug\" TEXT DEFAULT 'x', DROP COLUMN \"old\";\nALTER TABLE \"User\" RENAME COLUMN \"email\" TO \"mail\";",
            "DROP INDEX \"User_email_key\"; CREATE UNIQUE INDEX CONCURRENTLY mail_lower ON \"User\" (lower(\"mail\")) WHERE slug IS NOT NULL;",
            "ALTER TABLE \"User\" RENAME TO \"Person\"; ALTER TABLE ONLY \"Person\" ADD CONSTRAINT s UNIQUE NULLS NOT DISTINCT (slug), ALTER COLUMN slug SET NOT NULL;",
        ],
    );
    assert_eq!(
        show(&schema),
        [
            "Person",
            "  id SERIAL = generated",
            "  mail TEXT",
            "  slug TEXT = x",
            "  primary id(id) User_pkey",
            "  unique mail(mail) mail_lower where slug IsNotNull Null by lower<mail>",
            "  unique slug(slug) s nulls-equal",
        ]
    );
    assert_eq!(schema.entities[0].keys[1].path, "2/migration.sql");
}

#[test]
fn sqlite_redefines_tables() {
    let schema = apply(
        Some(Engine::Sqlite),
        &[
            "CREATE TABLE \"A\" (\"id\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \"n\" TEXT NOT NULL);",
            "PRAGMA foreign_keys=OFF;\nCREATE TABLE \"new_A\" (\"id\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \"n\" TEXT);\nINSERT INTO \"new_A\" (\"id\", \"n\") SELECT \"id\", \"n\" FROM \"A\";\nDROP TABLE \"A\";\nALTER TABLE \"new_A\" RENAME TO \"A\";\nCREATE UNIQUE INDEX \"A_n_key\" ON \"A\"(\"n\");\nPRAGMA foreign_keys=ON;",
        ],
    );
    assert_eq!(
        show(&schema),
        ["A", "  id INTEGER = generated", "  n TEXT?", "  primary id(id) new_A_pkey", "  unique n(n) A_n_key",]
    );
}

#[test]
fn mysql_spellings() {
    let schema = apply(
        Some(Engine::Mysql),
        &[
            "CREATE TABLE `User` (`id` INTEGER NOT NULL AUTO_INCREMENT, `a` INT, `b` VARCHAR(191) NOT NULL DEFAULT 'it''s', UNIQUE INDEX `k`(`a`), PRIMARY KEY (`id`)) DEFAULT CHARACTER SET utf8mb4;",
            "ALTER TABLE `User` DROP INDEX `k`, ADD UNIQUE INDEX `k2`(`a`, `b`), MODIFY `a` BIGINT NOT NULL, CHANGE `b` `c` TEXT;",
            "ALTER TABLE `User` DROP PRIMARY KEY; ALTER TABLE `User` RENAME INDEX `k2` TO `k3`;",
        ],
    );
    assert_eq!(show(&schema), ["User", "  id INTEGER = generated", "  a BIGINT", "  c TEXT?", "  unique a_c(a, c) k3"]);
}

#[test]
fn inline_constraints_and_checks() {
    let schema = apply(
        None,
        &[
            "CREATE TABLE IF NOT EXISTS accounts (\n id uuid PRIMARY KEY DEFAULT gen_random_uuid(),\n email citext UNIQUE,\n balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),\n created timestamptz DEFAULT now(),\n org int REFERENCES orgs ON DELETE CASCADE,\n room int, during tsrange,\n EXCLUDE USING gist (room WITH =, during WITH &&)\n);",
            "CREATE TABLE IF NOT EXISTS accounts (other int);",
            "ALTER TABLE accounts ADD COLUMN code text UNIQUE;",
        ],
    );
    assert_eq!(
        keys(&schema),
        [
            "primary id(id) accounts_pkey",
            "unique email(email) accounts_email_key",
            "exclude room_during(room, during) accounts_room_during_key",
            "unique code(code) accounts_code_key",
        ]
    );
    let accounts = &schema.entities[0];
    assert_eq!(accounts.checks.len(), 1);
    assert_eq!(accounts.checks[0].filter.conditions[0].column.name, "balance");
    assert_eq!(accounts.foreign_keys[0].on_delete.as_deref(), Some("cascade"));
    assert_eq!(accounts.column("created").map(|column| column.default.clone()), Some(DefaultValue::Now));
}

#[test]
fn blocks_and_down_parts() {
    let schema = apply(
        Some(Engine::Postgres),
        &[
            "CREATE TABLE t (a int, b int);\nDO $$ BEGIN\n ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);\nEXCEPTION WHEN duplicate_object THEN null;\nEND $$;",
            "DO $do$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_indexes WHERE indexname = 'i') THEN CREATE UNIQUE INDEX i ON t (b) WHERE a > 0; END IF; END $do$;",
            "-- +goose Up\nALTER TABLE t ADD c int UNIQUE;\n-- +goose Down\nDROP TABLE t;",
            "CREATE UNIQUE INDEX lone ON never_created (x);",
        ],
    );
    assert_eq!(
        keys(&schema),
        ["unique a(a) u", "unique b(b) i where a Gt Number(\"0\")", "unique c(c) t_c_key", "unique x(x) lone",]
    );
}

#[test]
fn constraints_by_index_and_drops() {
    let schema = apply(
        Some(Engine::Postgres),
        &[
            "CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i;",
            "CREATE UNIQUE INDEX j ON t (b); ALTER INDEX j RENAME TO j2; ALTER TABLE t RENAME CONSTRAINT k TO k2;",
            "CREATE TABLE u (a int PRIMARY KEY); DROP TABLE u; CREATE INDEX slow ON t (a, b);",
        ],
    );
    assert_eq!(keys(&schema), ["unique a(a) k2", "unique b(b) j2"]);
    assert_eq!(schema.entities[0].indexes.len(), 1);
    let schema = apply(
        Some(Engine::Postgres),
        &[
            "CREATE TABLE t (a int, b int, UNIQUE (a)); ALTER TABLE t DROP CONSTRAINT t_a_key; CREATE UNIQUE INDEX p ON t (a) WHERE b IS NULL; ALTER TABLE t DROP COLUMN b;",
        ],
    );
    assert_eq!(keys(&schema), [""; 0]);
}

#[test]
fn a_model_gains_what_only_migrations_know() {
    let mut schema = prisma::read(
        "schema.prisma",
        "datasource db {\n provider = \"postgresql\"\n}\nmodel View {\n id Int @id\n projectId String @map(\"project_id\")\n userId String? @map(\"user_id\")\n name String\n email String @unique\n n Int\n\n @@unique([projectId, name])\n @@map(\"views\")\n}",
    );
    let migrated = apply(
        schema.engine,
        &[
            "CREATE TABLE \"views\" (id int PRIMARY KEY, project_id text, user_id text, name text, email text, n int CHECK (n <= 5), dropped int UNIQUE);",
            "CREATE UNIQUE INDEX \"views_email_key\" ON views (email); CREATE UNIQUE INDEX views_project_id_name_key ON views (project_id, name);",
            "CREATE UNIQUE INDEX only_shared ON views (project_id, name) WHERE user_id IS NULL; CREATE UNIQUE INDEX low ON views (lower(email));",
            "CREATE TABLE other (id int PRIMARY KEY);",
        ],
    );
    assert_eq!(schema.add_keys_from(&migrated), 2);
    assert_eq!(schema.add_keys_from(&migrated), 0, "twice adds nothing");
    assert_eq!(
        keys(&schema),
        [
            "primary id(id) views_pkey",
            "unique email(email) views_email_key",
            "unique projectId_name(projectId, name) views_project_id_name_key",
            "unique projectId_name(projectId, name) only_shared where userId IsNull Null",
            "unique email(email) low by lower<email>",
        ]
    );
    assert_eq!(schema.entities[0].checks.len(), 1);
    assert_eq!(schema.entities.len(), 1);
}
