//! The Prisma schema language.

use super::show;
use crate::schema::{Engine, Schema, prisma};
use crate::sql::Isolation;

fn read(text: &str) -> Schema {
    prisma::read("schema.prisma", text)
}

fn good(text: &str) -> Schema {
    let schema = read(text);
    assert_eq!(schema.problems, [], "{text}");
    schema
}

#[test]
fn a_usual_schema() {
    let schema = good(
        r#"
// the client
generator client {
  provider        = "prisma-client-js"
  output          = "../generated/client" // where it goes
  previewFeatures = ["partialIndexes", "views"]
}

datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

/// A person.
model User {
  id        Int       @id @default(autoincrement())
  email     String    @unique
  name      String?
  role      Role      @default(MEMBER)
  tags      String[]  @default(["a", "b"])
  balance   Decimal   @default(0) @db.Decimal(10, 2)
  orgId     String    @map("org_id")
  org       Org       @relation(fields: [orgId], references: [id], onDelete: SetNull)
  createdAt DateTime  @default(now())
  updatedAt DateTime  @updatedAt
  legacy    Json?     @ignore

  @@unique([orgId, name])
  @@index([createdAt(sort: Desc)])
  @@map("users")
}

model Org {
  id    String @id @default(cuid())
  users User[]
}

enum Role {
  MEMBER
  ADMIN  @map("admin")

  @@map("roles")
}
"#,
    );
    assert_eq!(schema.engine, Some(Engine::Postgres));
    assert_eq!(schema.generator_outputs().collect::<Vec<_>>(), ["../generated/client"]);
    assert_eq!(schema.generators[0].preview_features, ["partialIndexes", "views"]);
    assert_eq!(
        show(&schema),
        [
            "User = users",
            "  id Int = generated",
            "  email String",
            "  name String?",
            "  role enum Role = MEMBER",
            "  tags String[] = [\"a\", \"b\"]",
            "  balance Decimal = 0",
            "  orgId=org_id String",
            "  org -> Org(orgId:id)",
            "  createdAt DateTime = now",
            "  updatedAt DateTime updated",
            "  legacy Json? ignored",
            "  primary id(id) users_pkey",
            "  unique email(email) users_email_key",
            "  unique orgId_name(orgId, name) users_org_id_name_key",
            "Org",
            "  id String = generated",
            "  users -> User[]",
            "  primary id(id) Org_pkey",
        ]
    );
    assert_eq!(schema.enums[0].values, ["MEMBER", "ADMIN"]);
    let user = schema.entity_of_accessor("user").expect("there is one");
    assert_eq!(user.column("balance").and_then(|column| column.native_type.as_deref()), Some("Decimal"));
    assert_eq!(user.foreign_keys[0].on_delete.as_deref(), Some("set null"));
    assert_eq!(user.indexes[0].columns, ["createdAt"]);
}

#[test]
fn names_are_found() {
    let schema = good(
        "model TruckRequest {\n id String @id\n orgId String @map(\"org_id\")\n org Org @relation(fields: [orgId], references: [id])\n lockVersion Int @default(0)\n @@map(\"truck_requests\")\n}\nmodel Org {\n id String @id\n requests TruckRequest[]\n}\nmodel URLShort {\n id Int @id\n version String\n}",
    );
    let request = schema.entity_of_accessor("truckRequest").expect("by accessor");
    assert_eq!(request.name, "TruckRequest");
    assert!(schema.entity_of_accessor("TruckRequest").is_none());
    assert_eq!(request.accessor(), "truckRequest");
    assert_eq!(schema.entity_of_accessor("uRLShort").map(|entity| entity.name.as_str()), Some("URLShort"));
    assert_eq!(schema.entity_of_table("Truck_Requests").map(|entity| entity.name.as_str()), Some("TruckRequest"));
    assert_eq!(request.column_of_sql("ORG_ID").map(|column| column.name.as_str()), Some("orgId"));
    assert!(request.column_of_sql("org").is_none());
    let relation = request.relation_over("orgId").expect("a relation holds it");
    assert_eq!(schema.target(relation).map(|entity| entity.name.as_str()), Some("Org"));
    assert_eq!(request.version_column().map(|column| column.name.as_str()), Some("lockVersion"));
    let short = schema.entity("URLShort").expect("by name");
    assert!(short.version_column().is_none(), "a text counts nothing");
    assert_eq!(request.primary_key().map(|key| key.columns.clone()), Some(vec!["id".to_owned()]));
}

#[test]
fn keys_in_all_spellings() {
    let schema = good(
        r#"
model A {
  a Int
  b Int @unique(map: "b_is_unique", sort: Desc)
  c String @db.VarChar(200)
  d String
  e Address
  @@id([a, b(sort: Desc)], name: "pk", map: "a_pk")
  @@unique([c(length: 100), d], name: "cd", map: "a_cd")
  @@unique(fields: [d, a])
  @@unique(
    [
      a,
      c, // with a comment
    ],
    map: "wrapped"
  )
  @@unique([e.street, d])
  @@fulltext([c])
  @@schema("base")
  @@unknown.attribute(with: { some: [1, 2] })
}
type Address {
  street String
  number Int?
}
"#,
    );
    assert_eq!(
        show(&schema)[6..],
        [
            "  unique b(b) b_is_unique",
            "  primary pk(a, b) a_pk",
            "  unique cd(c, d) a_cd",
            "  unique d_a(d, a) A_d_a_key",
            "  unique a_c(a, c) wrapped",
            "  unique e.street_d(e.street, d) A_e.street_d_key",
        ]
    );
    assert_eq!(show(&schema)[5], "  e type Address");
    assert_eq!(
        schema.entities[0].key_named("cd").map(|key| key.columns.clone()),
        Some(vec!["c".to_owned(), "d".to_owned()])
    );
}

#[test]
fn partial_keys() {
    let schema = good(
        r#"
model A {
  id Int @id
  email String @unique(where: { deletedAt: null })
  slug String
  live Boolean
  kind Kind
  deletedAt DateTime? @map("deleted_at")
  @@unique([slug], where: raw("deleted_at IS NULL AND \"live\" = true"), map: "raw_one")
  @@unique([slug, live], where: { live: { not: false }, kind: MAIN, slug: "x" })
  @@unique([live], where: "status <> 'x'")
  @@unique([id, live], where: { slug: { startsWith: "a" } })
  @@index([slug], where: raw("live"))
  @@index(expression: "lower(slug)", unique: true, name: "by_lower")
}
enum Kind { 
  MAIN
}
"#,
    );
    assert_eq!(
        show(&schema)[7..],
        [
            "  primary id(id) A_pkey",
            "  unique email(email) A_email_key where deletedAt IsNull Null",
            "  unique slug(slug) raw_one where deletedAt IsNull Null & live Eq Bool(true)",
            "  unique slug_live(slug, live) A_slug_live_key where live Ne Bool(false) & kind Eq Text(\"MAIN\") & slug Eq Text(\"x\")",
            "  unique live(live) A_live_key where status Ne Text(\"x\")",
            "  unique id_live(id, live) A_id_live_key where  ?",
            "  unique slug(slug) by_lower by lower<slug>",
        ]
    );
    assert!(!schema.entities[0].keys[1].is_plain() && schema.entities[0].keys[0].is_plain());
}

#[test]
fn defaults() {
    let schema = good(
        r#"
model A {
  a String @id @default(uuid(7))
  b String @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  c DateTime @default(dbgenerated("CURRENT_TIMESTAMP"))
  d String @default(dbgenerated("concat('x', a)"))
  e String @default("with \"quotes\" and // no comment")
  f Float @default(-1.5)
  g Boolean @default(true)
  h String @default(nanoid())
  i Unsupported("circle")?
  j Int @default(value: 3)
}
"#,
    );
    assert_eq!(
        show(&schema)[1..11],
        [
            "  a String = generated",
            "  b String = generated",
            "  c DateTime = now",
            "  d String = opaque",
            "  e String = with \"quotes\" and // no comment",
            "  f Float = -1.5",
            "  g Boolean = true",
            "  h String = generated",
            "  i Unsupported?",
            "  j Int = 3",
        ]
    );
}

#[test]
fn several_relations_to_one_entity() {
    let schema = good(
        r#"
model Message {
  id Int @id
  fromId Int
  toId   Int?
  from User @relation("sent", fields: [fromId], references: [id], onDelete: Cascade, onUpdate: NoAction, map: "fk_from")
  to   User? @relation(name: "received", fields: [toId], references: [id])
}
model User {
  id Int @id
  sent Message[] @relation("sent")
  received Message[] @relation("received")
  managerId Int? @unique
  manager User? @relation("m", fields: [managerId], references: [id])
  reports User? @relation("m")
}
"#,
    );
    assert_eq!(
        show(&schema)[1..6],
        ["  id Int", "  fromId Int", "  toId Int?", "  from -> User(fromId:id)", "  to -> User(toId:id)?",]
    );
    let message = &schema.entities[0];
    assert_eq!(message.foreign_keys.len(), 2);
    assert_eq!(message.foreign_keys[0].name.as_deref(), Some("fk_from"));
    assert_eq!(message.foreign_keys[0].on_delete.as_deref(), Some("cascade"));
}

#[test]
fn views_and_comments() {
    let schema = good(
        "/* one\n   model Not { }\n*/\nview Stats {\n  userId Int @unique // of the user\n  /// posts\n  n Int\n}\n\n// model AlsoNot {\nmodel A { // here\n  id Int @id\n}\n",
    );
    assert_eq!(
        show(&schema),
        [
            "view Stats",
            "  userId Int",
            "  n Int",
            "  unique userId(userId) Stats_userId_key",
            "A",
            "  id Int",
            "  primary id(id) A_pkey",
        ]
    );
}

#[test]
fn engines() {
    let engine = |text: &str| good(&format!("datasource db {{\n{text}\n}}")).engine;
    assert_eq!(engine("provider = \"mysql\""), Some(Engine::Mysql));
    assert_eq!(engine("provider = \"postgres\"\n url = env(\"X\")"), Some(Engine::Postgres));
    assert_eq!(engine("provider = \"cockroachdb\""), Some(Engine::CockroachDb));
    assert_eq!(engine("provider = \"sqlserver\""), Some(Engine::SqlServer));
    assert_eq!(engine("provider = \"mongodb\""), Some(Engine::MongoDb));
    assert_eq!(engine("provider = [\"sqlite\", \"postgresql\"]\n url = env(\"X\")"), Some(Engine::Sqlite));
    assert_eq!(engine("provider = env(\"PROVIDER\")"), None);
    assert_eq!(engine("url = \"file:./dev.db\""), Some(Engine::Sqlite));
    assert!(good("datasource db {\n provider = \"mysql\"\n relationMode = \"prisma\"\n}").emulated_relations);
    assert_eq!(Engine::Mysql.default_isolation(), Isolation::RepeatableRead);
    assert_eq!(Engine::from_name(Engine::MariaDb.name()), Some(Engine::MariaDb));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark() {
    let schema =
        good("\u{feff}model A {\r\n  id Int @id\r\n  s  String? @map(\"ess\")\r\n\r\n  @@map(\"as\")\r\n}\r\n");
    assert_eq!(show(&schema), ["A = as", "  id Int", "  s=ess String?", "  primary id(id) as_pkey"]);
}

#[test]
fn names_that_are_keywords_elsewhere() {
    let schema = good(
        "model model {\n  id Int @id\n  enum String\n  type type\n  datasource Int\n  view view[]\n}\ntype type {\n  a Int\n}\nmodel view {\n  id Int @id\n}",
    );
    assert_eq!(
        show(&schema)[..6],
        ["model", "  id Int", "  enum String", "  type type type", "  datasource Int", "  view -> view[]"]
    );
}

#[test]
fn a_broken_line_costs_one_line() {
    let schema = read(
        "model A {\n  id Int @id\n  broken\n  = nonsense\n  bad String @default(\n  ok String @unique\n  odd Int what\n}\nnonsense here\nmodel B {\n  id Int @id\nmodel C {\n  id Int @id\n}\nthing D {\n x Int\n}\n",
    );
    let messages: Vec<&str> = schema.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "field `broken` has no type",
            "expected a field or `@@` attribute",
            "expected an attribute, found `@`",
            "expected an attribute, found `what`",
            "expected a block such as `model Name {`",
            "this block is not closed",
            "unknown block `thing`",
        ]
    );
    let names: Vec<&str> = schema.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert!(schema.entities[0].column("ok").is_some());
}

#[test]
fn anything_is_survived() {
    let text = "model A {\n id Int @id @default(autoincrement())\n b B? @relation(fields: [x.y], references: [\"é\"])\n @@unique([a, b], where: { a: { not: null } })\n}\nenum E { A }\n/* x */ datasource db { provider = [\"a\" }";
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        for start in [0, end / 3, end / 2].into_iter().filter(|start| text.is_char_boundary(*start)) {
            let _ = read(&text[start..end]);
        }
    }
    let depth = 20_000;
    for piece in ["(", "[", "{", "model A {\n", "@@unique([", "\"", "/*", "a Int @x(", "@"] {
        let _ = read(&piece.repeat(depth));
        let _ = read(&format!("model A {{\n a Int {}", piece.repeat(depth)));
    }
}

#[test]
fn files_of_one_schema() {
    let parts = [
        prisma::read(
            "schema/main.prisma",
            "generator client {\n output = \"./c\"\n}\ndatasource db {\n provider = \"sqlite\"\n}",
        ),
        prisma::read("schema/a.prisma", "model A {\n id Int @id\n mood Mood\n place Place\n b B[]\n}"),
        prisma::read(
            "schema/b.prisma",
            "enum Mood {\n OK\n}\ntype Place {\n x Int\n}\nmodel B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [id])\n}\nmodel A {\n other Int @id\n}",
        ),
    ];
    let schema = Schema::merge(parts);
    assert_eq!(schema.engine, Some(Engine::Sqlite));
    assert_eq!(
        show(&schema),
        [
            "A",
            "  id Int",
            "  mood enum Mood",
            "  place type Place",
            "  b -> B[]",
            "  primary id(id) A_pkey",
            "B",
            "  id Int",
            "  aId Int",
            "  a -> A(aId:id)",
            "  primary id(id) B_pkey",
        ]
    );
    assert_eq!(schema.entities[0].path, "schema/a.prisma");
    assert_eq!(schema.problems, []);
}

#[test]
fn spans_point_into_the_file() {
    let text = "model A {\n  id Int @id\n  b Int?  @unique(map: \"x\")\n}\n\nmodel B {\n}\n";
    let schema = good(text);
    let a = &schema.entities[0];
    assert_eq!(a.span.slice(text), "model A {\n  id Int @id\n  b Int?  @unique(map: \"x\")\n}");
    assert_eq!(a.columns[1].span.slice(text), "b Int?  @unique(map: \"x\")");
    assert_eq!(a.keys[1].span.slice(text), "@unique(map: \"x\")");
    assert_eq!(schema.entities[1].span.slice(text), "model B {\n}");
}

#[test]
fn heads_are_told_without_reading() {
    assert!(prisma::has_datasource("generator c {\n}\n  datasource db {\n"));
    assert!(!prisma::has_datasource("// datasource db {\nmodel datasource {\n}"));
}

#[test]
fn keys_of_the_same_columns_are_one() {
    let schema =
        good("model A {\n  id String @id @unique\n  a Int\n  b Int\n  @@unique([a, b])\n  @@unique([b, a])\n}\n");
    let lines = show(&schema);
    let keys: Vec<&str> = lines.iter().filter(|line| line.contains('(')).map(|line| line.trim()).collect();
    assert_eq!(keys, ["primary id(id) A_pkey", "unique a_b(a, b) A_a_b_key"]);
}

#[test]
fn files_that_are_only_called_like_a_schema_are_told() {
    assert!(prisma::is_schema(""));
    assert!(prisma::is_schema("// words\nmodel A {\n}"));
    assert!(prisma::is_schema("enum A{\n}"));
    assert!(!prisma::is_schema("FROM node:18-alpine AS model\nRUN npx prisma generate\n"));
}
