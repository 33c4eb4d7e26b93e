//! Code whose behaviour was observed on real servers, row by row, and what is said of it.
//!
//! `judge_table` holds the model of the servers to what was observed; this holds the whole way from source text to words
//! to it: which client call is one statement on which server, whose case each pattern is, how bad, and which ways out are
//! told, and not told.

#![allow(clippy::expect_used, reason = "a test may stop where its rows are not as they should be")]
#![allow(clippy::print_stdout, reason = "the table is printed for people")]

mod advice;
mod statements;
mod transactions;

use std::fmt::Write;

use toctou::config::{Config, Flags};
use toctou::engine::Workspace;
use toctou::finding::Finding;
use toctou::rules;
use toctou::source::Source;

/// A row: a piece of code, and what is said of it.
struct Row {
    /// What it is called.
    name: &'static str,
    /// The databases it was observed on.
    on: &'static [&'static str],
    /// The code: the body of an async function whose parameters are `id`, `email`, `n` and `user`.
    code: &'static str,
    /// The findings, as `rule:severity`, in the order of the code.
    found: &'static [&'static str],
    /// What the help must say, and what it must not.
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const PG: &[&str] = &["postgresql"];
const MY: &[&str] = &["mysql"];
const SL: &[&str] = &["sqlite"];
const RETURNING: &[&str] = &["postgresql", "sqlite"];
const SERVERS: &[&str] = &["postgresql", "mysql"];
const ALL: &[&str] = &["postgresql", "mysql", "sqlite"];

/// A row about which nothing is said.
const fn quiet(name: &'static str, on: &'static [&'static str], code: &'static str) -> Row {
    Row { name, on, code, found: &[], says: &[], never: &[] }
}

/// A row with findings.
const fn told(
    name: &'static str,
    on: &'static [&'static str],
    code: &'static str,
    found: &'static [&'static str],
) -> Row {
    Row { name, on, code, found, says: &[], never: &[] }
}

impl Row {
    const fn says(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    const fn never(self, never: &'static [&'static str]) -> Self {
        Self { never, ..self }
    }
}

const SCHEMA: &str = r#"
datasource db {
  provider = "ENGINE"
}

model User {
  id    Int    @id @default(autoincrement())
  email String @unique
  name  String?
  n     Int    @default(0)
  team  String @default("")
  slot  Int    @default(0)
  posts Post[]
  @@unique([team, slot])
}

model Post {
  id       Int    @id @default(autoincrement())
  title    String @unique
  authorId Int
  author   User   @relation(fields: [authorId], references: [id])
}

model Lead {
  id    Int    @id @default(autoincrement())
  email String
  n     Int    @default(0)
}

model Job {
  id      Int     @id
  status  String
  winner  String?
  version Int     @default(0)
  hall    Hall?   @relation(fields: [hallId], references: [id])
  hallId  Int?
}

model Hall {
  id   Int   @id
  open Int
  jobs Job[]
}

model Account {
  id      Int @id
  balance Int
}

model Team {
  id      Int      @id
  quota   Int
  members Member[]
}

model Member {
  id     Int    @id @default(autoincrement())
  name   String
  teamId Int
  team   Team   @relation(fields: [teamId], references: [id])
}

model Shelf {
  id    Int    @id
  n     Int    @default(0)
  books Book[]
}

model Book {
  shelfId Int
  place   Int
  title   String @default("")
  shelf   Shelf  @relation(fields: [shelfId], references: [id])
  @@id([shelfId, place])
}

model Queue {
  id        Int      @id
  currentId Int?
  tickets   Ticket[]
}

model Ticket {
  id       Int     @id
  isServed Boolean @default(false)
  queueId  Int
  queue    Queue   @relation(fields: [queueId], references: [id])
}
"#;

const HEAD: &str = r#"import { Prisma, PrismaClient } from "@prisma/client";
const prisma = new PrismaClient();
export async function run(id: number, email: string, n: number, user: string) {
"#;

/// What is found in a piece of code on a database.
fn findings(engine: &str, code: &str) -> Vec<Finding> {
    findings_with(&[], "", engine, code)
}

/// The same with further libraries, and with something in front of the code.
fn findings_with(libraries: &[(String, String)], head: &str, engine: &str, code: &str) -> Vec<Finding> {
    let config = Config::resolve(None, &Flags::default(), &rules::known()).expect("the default configuration");
    let sources = [Source::new("a.ts", format!("{head}{HEAD}{code}\n}}\n"))].into_iter().collect();
    let schema = SCHEMA.replace("ENGINE", engine);
    let workspace = Workspace::new(config, sources, vec![("schema.prisma".to_owned(), schema)]);
    workspace.with_libraries(libraries).expect("libraries that load").check().0
}

/// All that a finding says besides its message, in one text.
fn help(finding: &Finding) -> String {
    let mut text = String::new();
    for help in &finding.help {
        let _ = writeln!(text, "{}\n{}", help.title, help.code.as_deref().unwrap_or_default());
    }
    text
}

/// Compares the rows of a table, on every database that they were observed on.
fn compare(table: &str, rows: &[Row]) {
    let (mut cells, mut wrong) = (0, String::new());
    for row in rows {
        for engine in row.on {
            cells += 1;
            let found = findings(engine, row.code);
            let told: Vec<String> =
                found.iter().map(|it| format!("{}:{:?}", it.rule, it.severity).to_lowercase()).collect();
            if told != row.found {
                let _ = writeln!(wrong, "{} on {engine}: {told:?} instead of {:?}", row.name, row.found);
            }
            let help: String = found.iter().map(help).collect();
            for words in row.says.iter().filter(|words| !help.contains(**words)) {
                let _ = writeln!(wrong, "{} on {engine} does not say `{words}`:\n{help}", row.name);
            }
            for words in row.never.iter().filter(|words| help.contains(**words)) {
                let _ = writeln!(wrong, "{} on {engine} says `{words}`:\n{help}", row.name);
            }
        }
    }
    println!("{table}: {} rows, {cells} cells", rows.len());
    assert!(wrong.is_empty(), "{wrong}");
}
