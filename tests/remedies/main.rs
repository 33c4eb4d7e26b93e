//! The code that findings show: written by hand, as somebody who knows the database would write it, for fixtures of
//! every rule.

#![allow(clippy::expect_used, reason = "a test may stop where its files are not as they should be")]

mod advice;

use std::fs;
use std::path::Path;

use toctou::config::{Config, Flags};
use toctou::engine::Workspace;
use toctou::finding::Finding;
use toctou::rules;
use toctou::source::{Source, Sources};

/// The findings of a file, together with the schema beside it.
fn findings(file: &str) -> Vec<Finding> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file);
    let text = fs::read_to_string(&path).expect("the fixture is there");
    let schema = fs::read_to_string(path.with_file_name("schema.prisma")).expect("so is its schema");
    of_text(&text, &schema)
}

fn of_text(text: &str, schema: &str) -> Vec<Finding> {
    of_sources([Source::new("a.ts", text)].into_iter().collect(), schema)
}

fn of_sources(sources: Sources, schema: &str) -> Vec<Finding> {
    let config = Config::resolve(None, &Flags::default(), &rules::known()).expect("the default configuration");
    let workspace = Workspace::new(config, sources, vec![("schema.prisma".to_owned(), schema.to_owned())]);
    workspace.check().0
}

/// The code of all remedies for a function, best first.
fn codes(findings: &[Finding], function: &str) -> Vec<String> {
    let own = findings.iter().filter(|finding| finding.function == function);
    own.flat_map(|finding| &finding.help).filter_map(|help| help.code.clone()).collect()
}

/// Asserts that a function is shown a remedy, and what it looks like.
#[track_caller]
fn shows(findings: &[Finding], function: &str, expected: &str) {
    let all = codes(findings, function);
    let wanted = expected.trim();
    assert!(all.iter().any(|code| code == wanted), "{function} is not shown\n{wanted}\nbut\n{}", all.join("\n--\n"));
}

/// Asserts that nothing of the kind is shown.
#[track_caller]
fn hides(findings: &[Finding], function: &str, word: &str) {
    let all = codes(findings, function);
    assert!(!all.iter().any(|code| code.contains(word)), "{function} is shown `{word}`\n{}", all.join("\n--\n"));
}

#[test]
fn the_condition_goes_into_the_update() {
    let found = findings("check-then-update/prisma.bad.ts");
    // A column and a null from the filter of the read.
    shows(
        &found,
        "redeemGiftCard",
        r#"
const { count } = await prisma.giftCard.updateMany({
  where: { id: card.id, redeemedAt: null },
  data: { redeemedAt: new Date(), redeemedBy: userId },
});
if (count === 0) throw new Error("This card is unknown or was used already");
"#,
    );
    // `stock < quantity` turns the request down; the row is wanted afterwards.
    shows(
        &found,
        "takeFromStock",
        r#"
const { count } = await prisma.product.updateMany({
  where: { id: productId, stock: { gte: quantity } },
  data: { stock: { decrement: quantity } },
});
if (count === 0) throw new Error(`Only ${product.stock} of ${product.name} left`);
// the count is all this gives: read the row again where it is needed
"#,
    );
    // A long exit gets lines of its own.
    shows(
        &found,
        "POST",
        r#"
const { count } = await prisma.invitation.updateMany({
  where: { token, status: "pending" },
  data: { status: "accepted", acceptedAt: new Date() },
});
if (count === 0) {
  return NextResponse.json({ error: "This invitation is no longer valid" }, { status: 410 });
}
"#,
    );
    // The guard and its exception are a helper's.
    shows(
        &found,
        "take",
        r#"
const { count } = await this.prisma.shift.updateMany({
  where: { id: shift.id, assigneeId: null },
  data: { assigneeId: userId },
});
if (count === 0) throw new BadRequestException("Somebody else took this shift");
// the count is all this gives: read the row again where it is needed
"#,
    );
    // Of a switch the case that leads to the act, and the exit for what the other request wrote.
    shows(
        &found,
        "handOverParcel",
        r#"
const { count } = await prisma.parcel.updateMany({
  where: { id: parcelId, state: "packed" },
  data: { state: "in_transit", carrierCode },
});
if (count === 0) throw new Error("This parcel has left the house");
"#,
    );
    // The mail goes out before the act: the act has to come first.
    shows(
        &found,
        "sendWelcome",
        r#"
// first of all, before what depends on the check
const { count } = await prisma.member.updateMany({
  where: { id: memberId, welcomeSentAt: null },
  data: { welcomeSentAt: new Date() },
});
if (count === 0) { /* somebody was faster: as where the check fails */ }
"#,
    );
    // A condition prepared in a variable, of two columns, with a list.
    shows(
        &found,
        "grabTicket",
        r#"
const { count } = await prisma.ticket.updateMany({
  where: { id: ticketId, assigneeId: null, state: { in: openStates } },
  data: patch,
});
if (count === 0) { /* somebody was faster: as where the check fails */ }
// the count is all this gives: read the row again where it is needed
"#,
    );
    // What the update asks for already stays.
    shows(
        &found,
        "publishPost",
        r#"
const { count } = await prisma.post.updateMany({
  where: { id: postId, deletedAt: null, status: "draft" },
  data: { status: "published", publishedAt: new Date() },
});
if (count === 0) throw new Error("Only drafts can be published");
"#,
    );
    // The count of a delete says whether the row was still there.
    shows(
        &found,
        "signInByLink",
        r#"
// first of all, before what depends on the check
const { count } = await prisma.loginLink.deleteMany({ where: { id: link.id } });
if (count === 0) return null;
"#,
    );
    // Raw SQL is not rewritten.
    assert_eq!(codes(&found, "holdSeat"), Vec::<String>::new());
}

#[test]
fn the_condition_and_the_update_may_lie_in_two_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/check-then-update/split");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("the fixture is there");
    let files = ["src/db.ts", "src/transfers.repository.ts", "src/transfers.service.ts"];
    let found = of_sources(files.iter().map(|name| Source::new(*name, read(name))).collect(), &read("schema.prisma"));
    // The names of the repository, where the write stands; the answer of the service.
    shows(
        &found,
        "approve",
        r#"
const { count } = await prisma.transfer.updateMany({
  where: { id, status: "requested" },
  data: { status },
});
if (count === 0) throw new Error("This transfer was decided already");
"#,
    );
}

#[test]
fn rows_are_locked_by_their_key() {
    let found = findings("check-then-update/prisma.bad.ts");
    shows(
        &found,
        "redeemGiftCard",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all, lock the row
  await tx.$queryRaw`SELECT 1 FROM "GiftCard" WHERE "code" = ${code} FOR UPDATE`;
  // then read it, decide and write, all through `tx`
}, { isolationLevel: "ReadCommitted" });
"#,
    );
    // No key says which job it will be.
    hides(&found, "claimNextJob", "FOR UPDATE");
    let found = findings("check-then-update/mysql/vouchers.ts");
    shows(
        &found,
        "redeemVoucher",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all, lock the row
  await tx.$queryRaw`SELECT 1 FROM Voucher WHERE code = ${code} FOR UPDATE`;
  // then read it, decide and write, all through `tx`
}, { isolationLevel: "ReadCommitted" });
"#,
    );
    shows(
        &found,
        "payOut",
        r#"
const { count } = await prisma.payout.updateMany({
  where: { id: payoutId, state: { not: "paid" } },
  data: { state: "paid" },
});
if (count === 0) return;
"#,
    );
}

#[test]
fn an_upsert_is_for_rows_that_are_wanted_either_way() {
    let found = findings("find-then-create/prisma.bad.ts");
    shows(
        &found,
        "ensureTag",
        r#"
return await prisma.tag.upsert({
  where: { workspaceId_label: { workspaceId, label } },
  create: { workspaceId, label },
  update: { workspaceId },
});
"#,
    );
    // What was an update stays one.
    shows(
        &found,
        "saveNotificationSettings",
        r#"
const saved = await prisma.notificationSetting.upsert({
  where: { userId },
  create: { userId, digest, push },
  update: { digest, push },
});
"#,
    );
    // The row comes in as a callback's parameter.
    shows(
        &found,
        "rememberDevice",
        r#"
return await prisma.device.upsert({
  where: { userId_fingerprint: { userId, fingerprint } },
  create: { userId, fingerprint },
  update: { userId },
});
"#,
    );
    // The missing row arrives as an exception.
    shows(
        &found,
        "loadProfile",
        r#"
return await prisma.memberProfile.upsert({
  where: { userId },
  create: { userId },
  update: { userId },
});
"#,
    );
    // Whoever signs up with a known address must not get its account; a toggle or a free name is no upsert either.
    for function in ["POST", "createProject", "toggleLike", "enroll", "importContacts", "publishArticle", "linkAccount"]
    {
        hides(&found, function, "upsert");
    }
    // No upsert can name a partial index.
    hides(&found, "currentCart", "upsert");
    let found = findings("find-then-create/mysql/subscribers.ts");
    shows(
        &found,
        "subscribe",
        r#"
await prisma.subscriber.createMany({ data: [{ email }], skipDuplicates: true });
return await prisma.subscriber.findUniqueOrThrow({ where: { email } });
"#,
    );
    hides(&found, "subscribe", "upsert");
}

#[test]
fn a_violation_is_answered_as_a_row_that_is_found() {
    let found = findings("find-then-create/prisma.bad.ts");
    shows(
        &found,
        "POST",
        r#"
let user;
try {
  user = await prisma.user.create({ data: { email, passwordHash } });
} catch (error) {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== "P2002") throw error;
  return NextResponse.json({ error: "This address is already registered" }, { status: 409 });
}
"#,
    );
    // The helper's parameter is the caller's argument.
    shows(
        &found,
        "createProject",
        r#"
try {
  return await this.prisma.project.create({ data: { workspaceId, name: input.name, description: input.description } });
} catch (error) {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== "P2002") throw error;
  throw new ConflictException(`There is already a project called ${input.name}`);
}
"#,
    );
    shows(
        &found,
        "currentCart",
        r#"
try {
  cart = await prisma.cart.create({ data: { customerId } });
} catch (error) {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== "P2002") throw error;
  cart = await prisma.cart.findFirst({ where: { customerId, checkedOutAt: null } });
}
"#,
    );
    // PostgreSQL refuses everything after the violation, so it is handled around the transaction, by the outer client.
    let found = findings("weak-transaction/prisma.bad.ts");
    shows(
        &found,
        "wishlistOf",
        r#"
try {
  return await prisma.$transaction(…);
} catch (error) {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== "P2002") throw error;
  return await prisma.wishlist.findFirst({ where: { userId } });
}
"#,
    );
    // Its other write is for new rows only.
    hides(&found, "wishlistOf", "upsert");
}

#[test]
fn keys_are_written_as_the_schema_does() {
    let found = findings("find-then-create/prisma.bad.ts");
    shows(
        &found,
        "ensureTag",
        "model Tag {\n  @@unique([workspaceId, label])\n}\n// its migration: CREATE UNIQUE INDEX \"Tag_workspaceId_label_key\" ON \"Tag\" (\"workspaceId\", \"label\");",
    );
    // Rows that are checked out may be many.
    shows(
        &found,
        "currentCart",
        r#"
CREATE UNIQUE INDEX "Cart_customerId_key" ON "Cart" ("customerId") WHERE "checkedOutAt" IS NULL;
"#,
    );
    hides(&found, "POST", "@@unique");
}

#[test]
fn the_database_computes() {
    let found = findings("lost-update/prisma.bad.ts");
    shows(
        &found,
        "GET",
        "await prisma.article.update({ where: { id: article.id }, data: { views: { increment: 1 } } });",
    );
    shows(
        &found,
        "deposit",
        r#"
return await this.prisma.wallet.update({ where: { ownerId }, data: { balance: { increment: amount } } });
"#,
    );
    shows(
        &found,
        "addToGroup",
        r#"
await prisma.group.update({ where: { id: groupId }, data: { memberIds: { push: userId } } });
"#,
    );
    // Read by a helper.
    shows(
        &found,
        "awardPoints",
        r#"
await prisma.player.update({ where: { id: playerId }, data: { points: { increment: points } } });
"#,
    );
    // An average, a toggle, a document: no relative change says it.
    for function in ["rateRecipe", "toggleTodo", "savePreferences", "putIntoBasket", "vote", "surcharge"] {
        hides(&found, function, ": { increment: ratingCount");
        let all = codes(&found, function);
        assert!(!all.iter().any(|code| code.contains(".update({")), "{function}\n{}", all.join("\n--\n"));
    }
    shows(
        &found,
        "rateRecipe",
        r#"
const { count } = await prisma.recipe.updateMany({
  where: { id: recipeId, rating, ratingCount },
  data: { rating: nextRating, ratingCount: nextCount },
});
if (count === 0) { /* changed meanwhile: read it again and try once more */ }
"#,
    );
    // The value in memory is no longer what was read, the version is.
    shows(
        &found,
        "surcharge",
        r#"
const { count } = await prisma.invoice.updateMany({
  where: { id: invoiceId, version: invoice.version },
  data: { total: invoice.total, version: { increment: 1 } },
});
if (count === 0) { /* changed meanwhile: read it again and try once more */ }
"#,
    );
}

#[test]
fn a_decrement_that_must_not_pass_a_limit_keeps_its_condition() {
    let schema = "datasource db {\n  provider = \"postgresql\"\n}\n\
                  model Wallet {\n  id Int @id\n  cents Int\n  note String?\n}\n";
    let text = r#"
import { PrismaClient } from "@prisma/client";
const prisma = new PrismaClient();
export async function pay(id: number, amount: number) {
  const wallet = await prisma.wallet.findUniqueOrThrow({ where: { id } });
  if (wallet.cents < amount) throw new Error("Not enough");
  await prisma.wallet.update({ where: { id }, data: { cents: wallet.cents - amount } });
}
"#;
    let found = of_text(text, schema);
    shows(
        &found,
        "pay",
        r#"
const { count } = await prisma.wallet.updateMany({
  where: { id, cents: { gte: amount } },
  data: { cents: { decrement: amount } },
});
if (count === 0) throw new Error("Not enough");
"#,
    );
    hides(&found, "pay", ".update({");
}

#[test]
fn lists_and_nulls_are_compared_as_the_database_does() {
    let schema = "datasource db {\n  provider = \"postgresql\"\n}\n\
                  model Bill {\n  id Int @id\n  state String\n  closedBy String?\n  note String?\n  total Int\n}\n";
    let text = r#"
import { PrismaClient } from "@prisma/client";
const prisma = new PrismaClient();
export async function close(id: number, by: string) {
  const bill = await prisma.bill.findUniqueOrThrow({ where: { id } });
  if (["paid", "closed"].includes(bill.state)) throw new Error("Done already");
  await prisma.bill.update({ where: { id }, data: { state: "closed", closedBy: by } });
}
export async function remark(id: number, text: string) {
  const bill = await prisma.bill.findUniqueOrThrow({ where: { id } });
  if (bill.note !== "draft") throw new Error("Has a note");
  await prisma.bill.update({ where: { id }, data: { note: text } });
}
export async function overwrite(id: number, total: number) {
  const bill = await prisma.bill.findUniqueOrThrow({ where: { id } });
  if (bill.note === "final") throw new Error("Has a note");
  await prisma.bill.update({ where: { id }, data: { note: "final", total } });
}
"#;
    let found = of_text(text, schema);
    shows(
        &found,
        "close",
        r#"
const { count } = await prisma.bill.updateMany({
  where: { id, state: { notIn: ["paid", "closed"] } },
  data: { state: "closed", closedBy: by },
});
if (count === 0) throw new Error("Done already");
"#,
    );
    shows(
        &found,
        "remark",
        r#"
const { count } = await prisma.bill.updateMany({
  where: { id, note: "draft" },
  data: { note: text },
});
if (count === 0) throw new Error("Has a note");
"#,
    );
    // `not: "final"` leaves out rows without a note, which the code lets pass.
    hides(&found, "overwrite", "not:");
}

#[test]
fn sets_are_guarded_by_the_row_they_belong_to() {
    let found = findings("count-then-create/prisma.bad.ts");
    shows(
        &found,
        "POST",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all, lock the one row that all these rows belong to
  await tx.$queryRaw`SELECT 1 FROM "Workspace" WHERE "id" = ${workspaceId} FOR UPDATE`;
  // then look at them and write, all through `tx`
}, { isolationLevel: "ReadCommitted" });
"#,
    );
    shows(
        &found,
        "POST",
        r#"
await prisma.$transaction(async (tx) => {
  // the check and the write, both through `tx`
}, { isolationLevel: "Serializable" });
// run it again on P2034, on P2010 with 40001 or 40P01 (raw SQL), on TransactionWriteConflict (from COMMIT)
"#,
    );
    // Nobody says what all staff belong to.
    hides(&found, "registerStaff", "FOR UPDATE");
    let found = findings("weak-transaction/prisma.bad.ts");
    // The lock is taken by the outer client's transaction, at a level that sees what was waited for.
    shows(
        &found,
        "parkVan",
        r#"
await prisma.$transaction(async (tx) => {
  // first of all, lock the one row that all these rows belong to
  await tx.$queryRaw`SELECT 1 FROM "Depot" WHERE "id" = ${depotId} FOR UPDATE`;
  // then look at them and write, all through `tx`
}, { isolationLevel: "ReadCommitted" });
"#,
    );
}

#[test]
fn flags_are_taken_from_the_whole_group() {
    let found = findings("unset-then-set/prisma.bad.ts");
    shows(
        &found,
        "setDefaultAddress",
        r#"
await prisma.$transaction(async (tx) => {
  await tx.address.updateMany({ where: { customerId }, data: { isDefault: false } }); // every row, set or not
  await tx.address.update({ where: { id: Number(req.params.id) }, data: { isDefault: true } });
});
"#,
    );
    // A new row is in no group that could be locked.
    hides(&found, "addBaseCurrency", "every row");
    let found = findings("unset-then-set/sqlite/scenes.ts");
    shows(
        &found,
        "activateScene",
        r#"
await db.$transaction(async (tx) => {
  await tx.scene.updateMany({ where: { active: true }, data: { active: false } });
  await tx.scene.update({ where: { id }, data: { active: true } });
});
"#,
    );
    let all = codes(&found, "activateScene");
    assert!(!all.iter().any(|code| code.contains("FOR UPDATE") || code.contains("isolationLevel")));
}

#[test]
fn nothing_shown_is_longer_than_a_dozen_lines() {
    for rule in ["check-then-update", "find-then-create", "lost-update", "unset-then-set", "weak-transaction"] {
        for finding in findings(&format!("{rule}/prisma.bad.ts")) {
            for code in finding.help.iter().filter_map(|help| help.code.as_deref()) {
                assert!(code.lines().count() <= 12, "{code}");
                assert!(!code.contains("{}") || code.contains("where: {}"), "{code}");
                assert!(!code.contains("  }  }") && !code.contains(", }"), "{code}");
            }
        }
    }
}

#[test]
fn what_the_judge_breaks_is_not_shown() {
    // A row that is not there cannot be locked.
    let found = findings("check-then-update/prisma.bad.ts");
    hides(&found, "changeHandle", "FOR UPDATE");
    // The key keeps one row, and what goes with it would still be done twice by those who only leave out the insert.
    let found = findings("scenarios/same-inputs/racy/members.ts");
    hides(&found, "furnish", "upsert");
    // A column that is computed from another one as well is no increment.
    let found = findings("lost-update/prisma.bad.ts");
    hides(&found, "rateRecipe", "increment");
}

#[test]
fn keys_that_come_near_are_told_for_what_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/find-then-create/near-keys");
    let read = |file: &str| fs::read_to_string(folder.join(file)).expect("the fixture is there");
    let config = Config::resolve(None, &Flags::default(), &rules::known()).expect("the default configuration");
    let sources = [Source::new("src/members.ts", read("src/members.ts"))].into_iter().collect();
    let migration = "prisma/migrations/20240312080000_keys/migration.sql";
    let beside = ["prisma/schema.prisma", migration].map(|file| (file.to_owned(), read(file))).to_vec();
    let found = Workspace::new(config, sources, beside).check().0;
    let notes = |function: &str| {
        let own = found.iter().filter(|finding| finding.function == function);
        own.flat_map(|finding| finding.notes.clone()).collect::<Vec<_>>().join("\n")
    };
    assert!(notes("importFormer").contains("`clubId` and `email` covers some rows only, by `leftAt`"));
    assert!(notes("houseOf").contains("keeps no two rows apart in which `unit` is null"));
    assert!(notes("claimName").contains("is on what `lower` makes of it"));
    // The schema has its own names, and the migration those of the database.
    shows(
        &found,
        "claimName",
        "model Alias {\n  @@unique([name])\n}\n// its migration: CREATE UNIQUE INDEX \"aliases_alias_name_key\" ON \"aliases\" (\"alias_name\");",
    );
    shows(
        &found,
        "houseOf",
        "CREATE UNIQUE INDEX \"Address_userId_street_key\" ON \"Address\" (\"userId\", \"street\") WHERE \"unit\" IS NULL;",
    );
}
