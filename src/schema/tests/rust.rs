//! Schemas that Rust code spells out.

use super::show;
use crate::schema::clues::{Clues, spelled};
use crate::schema::{Engine, Schema, migrations, rust};

fn tables(text: &str) -> Vec<String> {
    show(&rust::tables("schema.rs", text))
}

fn migrated(texts: &[&str]) -> Vec<String> {
    let mut schema = Schema::default();
    for text in texts {
        rust::migrate("m.rs", text, &|_| None, Some(Engine::Postgres), &mut schema);
    }
    show(&schema)
}

#[test]
fn macros_declare_tables() {
    let text = "// table! { no (id) { } }
        diesel::table! {
            use diesel::sql_types::*;
            /// People.
            app.users (id) {
                id -> Int4,
                #[sql_name = \"type\"]
                kind -> Nullable<Array<Varchar>>,
            }
        }
        table! { memberships (user_id, group_id) { user_id -> Int4, group_id -> Int4, } }
        table! { #[sql_name = \"x_y\"] xy { id -> Int4 } }
        diesel::joinable!(memberships -> users (user_id));
        #[cfg(test)]
        mod tests { table! { made_up { id -> Int4, } } }";
    assert_eq!(
        tables(text),
        [
            "users",
            "  id Int4",
            "  kind=type Varchar[]?",
            "  primary id(id) -",
            "memberships",
            "  user_id Int4",
            "  group_id Int4",
            "  primary user_id_group_id(user_id, group_id) -",
            "xy = x_y",
            "  id Int4",
            "  primary id(id) -",
        ]
    );
    let schema = rust::tables("schema.rs", text);
    assert_eq!(schema.entities[1].foreign_keys[0].entity, "users");
}

#[test]
fn structs_stand_for_rows() {
    let text = "#[sea_orm::model]
        #[derive(Clone, Debug, DeriveEntityModel)]
        #[sea_orm(table_name = \"cakes\", schema_name = \"app\")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            #[sea_orm(unique, column_name = \"cakeName\")]
            pub name: String,
            #[sea_orm(unique_key = \"place\")]
            pub shelf: Option<i32>,
            #[sea_orm(unique_key = \"place\", default_value = \"1\")]
            pub slot: i32,
            #[sea_orm(has_many)]
            pub fruits: HasMany<super::fruit::Entity>,
            #[sea_orm(ignore)]
            pub scratch: String,
        }";
    assert_eq!(
        tables(text),
        [
            "cakes",
            "  id i32 = generated",
            "  name=cakeName String",
            "  shelf i32?",
            "  slot i32 = 1",
            "  primary id(id) -",
            "  unique name(name) -",
            "  unique shelf_slot(shelf, slot) -",
        ]
    );
}

#[test]
fn migrations_are_built_by_calls() {
    let first = "impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                manager.create_table(Table::create().table(UserProfile::Table).if_not_exists()
                    .col(ColumnDef::new(UserProfile::Id).integer().not_null().auto_increment().primary_key())
                    .col(&mut ColumnDef::new(UserProfile::Mail).string().not_null().unique_key())
                    .col(string_null(UserProfile::OrgId))
                    .col(ColumnDef::new(Alias::new(\"created\")).timestamp().not_null().default(Expr::current_timestamp()))
                    .foreign_key(ForeignKey::create().name(\"fk\").from(UserProfile::Table, UserProfile::OrgId).to(Orgs::Table, Orgs::Id))
                    .index(Index::create().unique().name(\"u\").col(UserProfile::OrgId).col(UserProfile::Mail))
                    .to_owned()).await?;
                manager.create_index(Index::create().name(\"later\").table(UserProfile::Table).col(UserProfile::OrgId).unique().to_owned()).await
            }
            async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                manager.drop_table(Table::drop().table(UserProfile::Table).to_owned()).await
            }
        }
        #[derive(DeriveIden)]
        enum UserProfile { Table, Id, #[sea_orm(iden = \"email\")] Mail, OrgId }";
    let second = "fn up() { x(Table::alter().table(UserProfile::Table).add_column(string(UserProfile::Slug)).drop_column(Alias::new(\"created\")));
        m.execute_unprepared(\"CREATE UNIQUE INDEX slugs ON user_profile (lower(slug)) WHERE org_id IS NULL\");
        m.execute_unprepared(&format!(\"CREATE UNIQUE INDEX {name} ON user_profile (slug)\")); }";
    assert_eq!(
        migrated(&[first, second]),
        [
            "user_profile",
            "  id integer = generated",
            "  email string",
            "  org_id string_null?",
            "  slug string",
            "  primary id(id) user_profile_pkey",
            "  unique email(email) user_profile_email_key",
            "  unique org_id_email(org_id, email) u",
            "  unique org_id(org_id) later",
            "  unique slug(slug) slugs where org_id IsNull Null by lower<slug>",
        ]
    );
}

#[test]
fn text_that_code_executes_is_read_where_it_stands() {
    let text = "const UP: &str = r#\"-- first
            CREATE TABLE jobs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);\"#;
        struct M { up: &'static str } // \"DROP TABLE jobs this is no statement\"
        const M: M = M { up: \"ALTER TABLE jobs \\
            ADD COLUMN state TEXT\", down: \"DROP TABLE jobs WITH EVERYTHING\" };
        #[test]
        fn t() { run(\"CREATE TABLE temporary_thing (id INTEGER)\"); }";
    let lines = [
        "jobs",
        "  id INTEGER",
        "  name TEXT",
        "  state TEXT?",
        "  primary id(id) jobs_pkey",
        "  unique name(name) jobs_name_key",
    ];
    assert_eq!(migrated(&[text]), lines);
    let mut schema = Schema::default();
    rust::migrate("m.rs", text, &|_| None, None, &mut schema);
    let at = schema.entities[0].keys[1].span;
    assert!(text[at.start as usize..].starts_with("r#\"-- first"));
}

#[test]
fn files_that_code_takes_in_are_read() {
    let text = "fn up() { run(include_str!(\"../sql/init.sql\")); run(include_str!(\"wipe.sql\")); }";
    assert_eq!(rust::included(text).collect::<Vec<_>>(), ["../sql/init.sql", "wipe.sql"]);
    let sql = "CREATE TABLE a (id INT PRIMARY KEY);";
    let mut schema = Schema::default();
    let file = |name: &str| (name == "../sql/init.sql").then(|| ("sql/init.sql".to_owned(), sql));
    rust::migrate("src/m.rs", text, &file, None, &mut schema);
    assert_eq!(show(&schema), ["a", "  id INT", "  primary id(id) a_pkey"]);
    assert_eq!(schema.entities[0].path, "sql/init.sql");
}

#[test]
fn a_key_may_stand_before_its_table() {
    let text = "const A: &str = \"CREATE UNIQUE INDEX one ON jobs (name)\";
        const B: &str = \"CREATE TABLE IF NOT EXISTS jobs (id INT PRIMARY KEY, name TEXT)\";";
    assert_eq!(
        migrated(&[text]),
        ["jobs", "  id INT", "  name TEXT?", "  unique name(name) one", "  primary id(id) jobs_pkey"]
    );
}

#[test]
fn code_names_columns_and_migrations_say_what_keeps_rows_apart() {
    let mut schema = Schema::default();
    let sql = "CREATE TABLE users (id SERIAL PRIMARY KEY, \"type\" TEXT NOT NULL DEFAULT 'a', UNIQUE (\"type\"));
        CREATE TABLE only_sql (id INT);";
    migrations::read("1.sql", sql, &mut schema);
    let code =
        "table! { users { id -> Int4, #[sql_name = \"type\"] kind -> Text, } } table! { only_code { id -> Int4, } }";
    schema.add_tables(rust::tables("schema.rs", code));
    assert_eq!(
        show(&schema),
        [
            "users",
            "  id Int4 = generated",
            "  kind=type Text = a",
            "  primary id(id) users_pkey",
            "  unique kind(kind) users_type_key",
            "only_sql",
            "  id INT?",
            "only_code",
            "  id Int4",
            "  primary id(id) -",
        ]
    );
}

#[test]
fn drivers_and_spellings_tell_the_engine() {
    let mut clues = Clues::default();
    clues.add(
        "api/Cargo.toml",
        "[dependencies]\nsqlx = { version = \"0.8\", features = [\"runtime-tokio\", \"postgres\"] }\n",
    );
    clues.add("agent/Cargo.toml", "[dependencies]\nrusqlite = \"0.31\"\n");
    clues.add(
        "both/Cargo.toml",
        "[dependencies]\nsea-orm = { version = \"1\", features = [\"sqlx-mysql\", \"sqlx-sqlite\"] }\n",
    );
    clues.add(".env.example", "# no\nDATABASE_URL=\"mysql://localhost/x\"\n");
    assert_eq!(clues.engine("api/src"), Some(Engine::Postgres));
    assert_eq!(clues.engine("agent"), Some(Engine::Sqlite));
    assert_eq!(clues.engine("elsewhere"), Some(Engine::Mysql), "by the connection string");
    assert_eq!(clues.engine("both"), Some(Engine::Mysql), "by the connection string");
    assert_eq!(spelled("CREATE TABLE a (x INT AUTO_INCREMENT)"), Some(Engine::Mysql));
    assert_eq!(spelled("CREATE TABLE a (x INT)"), None);
    assert_eq!(spelled("#[sea_orm(primary_key, auto_increment = false)]"), None, "a setting of the code");
    assert_eq!(spelled("ColumnDef::new(Id).auto_increment ()"), None, "a call of the code");
}

#[test]
fn of_a_server_and_a_file_the_server_counts() {
    let manifest = |features: &str| {
        let mut clues = Clues::default();
        clues.add("Cargo.toml", &format!("[dependencies]\nsea-orm = {{ version = \"1\", features = [{features}] }}\n"));
        clues
    };
    let both = manifest("\"sqlx-postgres\", \"sqlx-sqlite\"");
    assert_eq!(both.engine(""), None);
    assert_eq!(both.server(), Some(Engine::Postgres));
    assert!(both.allow(Engine::CockroachDb) && both.allow(Engine::Sqlite) && !both.allow(Engine::Mysql));
    let two_servers = manifest("\"sqlx-postgres\", \"sqlx-mysql\"");
    assert_eq!(two_servers.server(), None);
    assert!(Clues::default().allow(Engine::Mysql), "nothing is known");
}
