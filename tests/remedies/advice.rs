//! What advice must not do: hit other rows, name what is not there, forbid what the program does.

use toctou::finding::Finding;

use super::{codes, hides, of_text, shows};

/// The findings of a text, with the models it needs.
fn of(models: &str, text: &str) -> Vec<Finding> {
    let schema = format!("datasource db {{\n  provider = \"postgresql\"\n}}\n{models}");
    let head = "import { PrismaClient, Prisma } from \"@prisma/client\";\nconst prisma = new PrismaClient();\n";
    of_text(&format!("{head}{text}"), &schema)
}

/// The titles of all help for a function.
fn titles(findings: &[Finding], function: &str) -> String {
    let own = findings.iter().filter(|finding| finding.function == function);
    own.flat_map(|finding| &finding.help).map(|help| help.title.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_row_that_the_act_names_stays_the_one() {
    let found = of(
        "model Session {\n  id String @id\n  tenantId String\n  state String\n}\nmodel Change {\n  id Int @id @default(autoincrement())\n  key String\n}\n",
        r#"
export async function revoke(tenantId: string, id: string, current: string) {
  const session = await prisma.session.findFirst({ where: { tenantId, id } });
  if (!session) throw new Error("not found");
  if (current === session.id) throw new Error("cannot delete current");
  await prisma.change.create({ data: { key: id } });
  await prisma.session.deleteMany({ where: { tenantId, id } });
}
export async function end(id: string, current: string) {
  const session = await prisma.session.findUnique({ where: { id } });
  if (!session || session.state === "ended") throw new Error("over");
  if (session.id === current) throw new Error("cannot end current");
  await prisma.session.update({ where: { id }, data: { state: "ended" } });
  await prisma.change.create({ data: { key: id } });
}
"#,
    );
    for function in ["revoke", "end"] {
        hides(&found, function, "id: { not");
        hides(&found, function, "cannot");
    }
    shows(
        &found,
        "end",
        r#"
const { count } = await prisma.session.updateMany({
  where: { id, state: { not: "ended" } },
  data: { state: "ended" },
});
if (count === 0) throw new Error("over");
"#,
    );
}

#[test]
fn what_was_checked_is_said_in_constants() {
    let found = of(
        "enum Stage {\n  OPEN\n  HELD\n  DONE\n}\nmodel Job {\n  id String @id\n  stage Stage\n  label String?\n}\nmodel Note {\n  id Int @id @default(autoincrement())\n  jobId String\n}\n",
        r#"
function refuse(text: string): never {
  throw new Error(text);
}
export async function finish(id: string) {
  const job = await prisma.job.findUniqueOrThrow({ where: { id } });
  const allowed = ["OPEN", "HELD"];
  if (!allowed.includes(job.stage)) throw new Error("no");
  await prisma.job.update({ where: { id }, data: { stage: "DONE" } });
  await prisma.note.create({ data: { jobId: id } });
}
export async function hold(id: string) {
  const job = await prisma.job.findUniqueOrThrow({ where: { id } });
  if (job.stage !== "OPEN") refuse("not open");
  await prisma.job.update({ where: { id }, data: { stage: "HELD" } });
  await prisma.note.create({ data: { jobId: id } });
}
async function checked(id: string) {
  const job = await prisma.job.findUnique({ where: { id } });
  if (!job) throw new Error("not found");
  return { job, at: new Date() };
}
export async function start(id: string) {
  const { job } = await checked(id);
  if (job.stage !== "OPEN") throw new Error("started already");
  await prisma.job.update({ where: { id }, data: { stage: "HELD" } });
  await prisma.note.create({ data: { jobId: id } });
}
export async function name(id: string, label: string) {
  const job = await prisma.job.findUnique({ where: { id } });
  const known = job?.label || null;
  if (known) return known;
  await prisma.job.update({ where: { id }, data: { label } });
  await prisma.note.create({ data: { jobId: id } });
}
"#,
    );
    let all = |function: &str| codes(&found, function).join("\n");
    assert!(all("finish").contains("stage: { in: allowed }"), "{}", all("finish"));
    assert!(all("hold").contains("stage: \"OPEN\""), "{}", all("hold"));
    assert!(all("hold").contains("if (count === 0) refuse(\"not open\");"), "{}", all("hold"));
    assert!(all("start").contains("stage: \"OPEN\""), "{}", all("start"));
    assert!(all("start").contains("started already"), "{}", all("start"));
    assert!(all("name").contains("label: null"), "{}", all("name"));
}

#[test]
fn no_key_is_proposed_that_the_program_would_break() {
    let found = of(
        "enum Stage {\n  WAITING\n  APPROVED\n}\nmodel Order {\n  id String @id\n  tickets Ticket[]\n}\nmodel Ticket {\n  id Int @id @default(autoincrement())\n  orderId String\n  order Order @relation(fields: [orderId], references: [id])\n}\nmodel Person {\n  id Int @id @default(autoincrement())\n  name String\n}\nmodel Queue {\n  id String @id\n  doctorId String\n  stage Stage\n}\n",
        r#"
export async function issue(orderId: string, count: number) {
  const known = await prisma.ticket.findFirst({ where: { orderId } });
  if (known) return;
  for (let i = 0; i < count; i++) {
    await prisma.ticket.create({ data: { orderId } });
  }
}
export async function register(name: string, allowTwice: boolean) {
  if (!allowTwice) {
    const known = await prisma.person.findFirst({ where: { name } });
    if (known) throw new Error("known");
  }
  await prisma.person.create({ data: { name } });
}
export async function invite(name: string | null) {
  if (name) {
    const known = await prisma.person.findFirst({ where: { name } });
    if (known) throw new Error("known");
  }
  await prisma.person.create({ data: { name: name ?? "" } });
}
export async function approve(doctorId: string, id: string) {
  const busy = await prisma.queue.findFirst({ where: { doctorId, stage: "APPROVED" } });
  if (busy) throw new Error("busy");
  await prisma.queue.update({ where: { id }, data: { stage: "APPROVED" } });
}
"#,
    );
    for function in ["issue", "register"] {
        hides(&found, function, "@@unique");
        assert!(!titles(&found, function).contains("with the key"), "{}", titles(&found, function));
        assert!(!codes(&found, function).is_empty(), "{function} is shown no way out");
    }
    shows(
        &found,
        "register",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all: of two that look for the same, one waits here for the other
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`Person ${name}`}))`;
  // then look and write, all through `tx`
}, { isolationLevel: "ReadCommitted" });
"#,
    );
    assert!(codes(&found, "invite").join("\n").contains("@@unique"), "{}", titles(&found, "invite"));
    shows(
        &found,
        "approve",
        "CREATE UNIQUE INDEX \"Queue_doctorId_key\" ON \"Queue\" (\"doctorId\") WHERE \"stage\" = 'APPROVED';",
    );
    assert!(titles(&found, "approve").contains("a unique key on `doctorId` among rows with `stage` APPROVED"));
}

#[test]
fn rows_of_a_list_are_named_one_by_one() {
    let found = of(
        "model View {\n  id String @id\n  tableId String\n  position Int\n  tags String[]\n}\n",
        r#"
export async function shift(tableId: string, by: string[]) {
  const views = await prisma.view.findMany({ where: { tableId } });
  for (const view of views) {
    const tags = view.tags.filter((tag) => !by.includes(tag));
    await prisma.view.update({ where: { id: view.id }, data: { tags } });
  }
}
"#,
    );
    hides(&found, "shift", "views.tags");
    let all = codes(&found, "shift").join("\n");
    assert!(all.contains("tags: { equals: view.tags }"), "{all}");
}

#[test]
fn a_claim_stays_with_its_batch() {
    let found = of(
        "model Coupon {\n  id String @id\n  usedAt DateTime?\n}\nmodel Project {\n  id String @id\n  plan String\n}\n",
        r#"
export async function redeem(id: string, projectId: string) {
  const coupon = await prisma.coupon.findUnique({ where: { id } });
  if (!coupon || coupon.usedAt) throw new Error("used");
  await prisma.$transaction([
    prisma.project.update({ where: { id: projectId }, data: { plan: "paid" } }),
    prisma.coupon.update({ where: { id }, data: { usedAt: new Date() } }),
  ]);
}
"#,
    );
    shows(
        &found,
        "redeem",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all, before what depends on the check
  const { count } = await tx.coupon.updateMany({
    where: { id, usedAt: null },
    data: { usedAt: new Date() },
  });
  if (count === 0) throw new Error("used");
  // then what else was in the batch, through `tx`
});
"#,
    );
}

#[test]
fn what_the_created_row_brings_along_is_not_forgotten() {
    let found = of(
        "model Role {\n  id String @id\n  grants Grant[]\n}\nmodel Grant {\n  id Int @id @default(autoincrement())\n  userId String\n  roleId String\n  role Role @relation(fields: [roleId], references: [id])\n  @@unique([userId, roleId])\n}\n",
        r#"
export async function grant(userId: string, roleId: string) {
  const known = await prisma.grant.findUnique({ where: { userId_roleId: { userId, roleId } }, include: { role: true } });
  if (known) return known;
  return prisma.grant.create({ data: { userId, roleId }, include: { role: true } });
}
"#,
    );
    let all = codes(&found, "grant").join("\n");
    assert!(all.contains("read behind it"), "{all}");
}

#[test]
fn a_condition_on_one_row_is_put_into_no_write_of_another() {
    let found = of(
        "model Wish {\n  id Int @id @default(autoincrement())\n  userId Int\n  clubId Int\n  termId Int\n  rank Int\n  @@unique([userId, clubId])\n  @@unique([userId, termId, rank])\n}\n",
        r#"
export async function swap(userId: number, clubId: number, termId: number, rank: number) {
  const other = await prisma.wish.findFirst({ where: { userId, termId, rank: rank + 1 } });
  if (!other) throw new Error("at the end already");
  await prisma.$transaction(async (tx) => {
    await tx.wish.update({ where: { userId_clubId: { userId, clubId } }, data: { rank: -1 } });
    await tx.wish.update({ where: { id: other.id }, data: { rank } });
    await tx.wish.update({ where: { userId_clubId: { userId, clubId } }, data: { rank: rank + 1 } });
  });
}
"#,
    );
    hides(&found, "swap", "updateMany");
    assert!(!titles(&found, "swap").contains("let the update decide"));
}

#[test]
fn an_error_that_is_put_in_other_words_is_told() {
    let found = of(
        "model User {\n  id Int @id @default(autoincrement())\n  email String @unique\n}\n",
        r#"
class Taken extends Error {}
export async function invite(email: string) {
  if (await prisma.user.findUnique({ where: { email } })) throw new Taken(email);
  return prisma.user.create({ data: { email } }).catch((error) => {
    console.error(error);
    throw new Error("could not be invited");
  });
}
export async function answer(req: any, res: any) {
  const { email } = req.body;
  if (await prisma.user.findUnique({ where: { email } })) return res.status(409).end();
  try {
    await prisma.user.create({ data: { email } });
    res.json({ ok: true });
  } catch (error: any) {
    console.error(error);
    res.status(400).json({ error: error.message });
  }
}
export async function remember(email: string) {
  if (await prisma.user.findUnique({ where: { email } })) throw new Taken(email);
  try {
    await prisma.user.create({ data: { email } });
  } catch {
    return null;
  }
}
"#,
    );
    let message = |function: &str| {
        let own = found.iter().find(|finding| finding.function == function);
        own.map(|finding| finding.message.clone()).unwrap_or_default()
    };
    assert!(message("invite").contains("unhandled"), "{}", message("invite"));
    assert!(!message("answer").contains("in silence"), "{}", message("answer"));
    assert!(message("remember").contains("in silence"), "{}", message("remember"));
}
