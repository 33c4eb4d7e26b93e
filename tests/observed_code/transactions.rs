//! What a transaction, a lock or a retry is worth.

use toctou::finding::Finding;

use super::{ALL, MY, PG, Row, SERVERS, SL, compare, findings_with, quiet, told};

/// Checks and acts in a transaction at its default, and at other levels.
const LEVELS: &[Row] = &[
    told(
        "find, create; no key",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const lead = await tx.lead.findFirst({ where: { email } });
           if (lead) return;
           await tx.lead.create({ data: { email } });
         });",
        &["weak-transaction:error"],
    )
    .never(&["FOR UPDATE", "RepeatableRead"]),
    quiet(
        "find, create; no key, one writer at a time",
        SL,
        "await prisma.$transaction(async (tx) => {
           const lead = await tx.lead.findFirst({ where: { email } });
           if (lead) return;
           await tx.lead.create({ data: { email } });
         });",
    ),
    told(
        "the missing row is locked",
        PG,
        "await prisma.$transaction(async (tx) => {
           const leads = await tx.$queryRaw<unknown[]>`SELECT id FROM \"Lead\" WHERE email = ${email} FOR UPDATE`;
           if (leads.length > 0) return;
           await tx.lead.create({ data: { email } });
         });",
        &["weak-transaction:error"],
    ),
    told(
        "check a column, update by key",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const job = await tx.job.findUnique({ where: { id } });
           if (job?.status !== 'pending') return;
           await tx.job.update({ where: { id }, data: { status: 'done', winner: user } });
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
        &["weak-transaction:error"],
    )
    .says(&["updateMany"])
    .never(&["RepeatableRead"]),
    told(
        "the same at repeatable read, where two writers are told apart",
        PG,
        "await prisma.$transaction(async (tx) => {
           const job = await tx.job.findUnique({ where: { id } });
           if (job?.status !== 'pending') return;
           await tx.job.update({ where: { id }, data: { status: 'done', winner: user } });
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'RepeatableRead' });",
        &["unretried-serialization:warning"],
    ),
    told(
        "the same at repeatable read, where they are not",
        MY,
        "await prisma.$transaction(async (tx) => {
           const job = await tx.job.findUnique({ where: { id } });
           if (job?.status !== 'pending') return;
           await tx.job.update({ where: { id }, data: { status: 'done', winner: user } });
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'RepeatableRead' });",
        &["weak-transaction:error"],
    ),
    told(
        "read, write what was computed",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const account = await tx.account.findUniqueOrThrow({ where: { id } });
           await tx.account.update({ where: { id }, data: { balance: account.balance - n } });
         });",
        &["weak-transaction:error"],
    )
    .says(&["decrement"]),
    told(
        "count, create at repeatable read",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'RepeatableRead' });",
        &["weak-transaction:error"],
    )
    .says(&["FOR UPDATE"]),
    told(
        "count, create at serializable, nobody tries again",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'Serializable' });",
        &["unretried-serialization:warning"],
    ),
    told(
        "unset the set ones, then set",
        PG,
        "await prisma.$transaction(async (tx) => {
           await tx.ticket.updateMany({ where: { queueId: n, isServed: true }, data: { isServed: false } });
           await tx.ticket.update({ where: { id }, data: { isServed: true } });
         });",
        &["weak-transaction:error"],
    )
    .says(&["FOR UPDATE"]),
    quiet(
        "the same where gaps are locked",
        MY,
        "await prisma.$transaction(async (tx) => {
           await tx.ticket.updateMany({ where: { queueId: n, isServed: true }, data: { isServed: false } });
           await tx.ticket.update({ where: { id }, data: { isServed: true } });
         });",
    ),
    quiet(
        "unset every row of the group, then set",
        ALL,
        "await prisma.$transaction(async (tx) => {
           await tx.ticket.updateMany({ where: { queueId: n }, data: { isServed: false } });
           await tx.ticket.update({ where: { id }, data: { isServed: true } });
         });",
    ),
    told(
        "unset, then set, without a transaction",
        ALL,
        "await prisma.ticket.updateMany({ where: { queueId: n, isServed: true }, data: { isServed: false } });
         await prisma.ticket.update({ where: { id }, data: { isServed: true } });",
        &["unset-then-set:error"],
    ),
    told(
        "the batch of both",
        PG,
        "await prisma.$transaction([
           prisma.ticket.updateMany({ where: { queueId: n, isServed: true }, data: { isServed: false } }),
           prisma.ticket.update({ where: { id }, data: { isServed: true } }),
         ]);",
        &["weak-transaction:error"],
    ),
    quiet("a pointer on the parent", ALL, "await prisma.queue.update({ where: { id: n }, data: { currentId: id } });"),
];

/// Locks, before the check and elsewhere.
const LOCKS: &[Row] = &[
    quiet(
        "the row is locked, and what the lock returns decides",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const [job] = await tx.$queryRaw<Array<{ status: string }>>`SELECT status FROM Job WHERE id = ${id} FOR UPDATE`;
           if (job.status !== 'pending') return;
           await tx.job.update({ where: { id }, data: { status: 'done', winner: user } });
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
    ),
    told(
        "the same outside of a transaction",
        SERVERS,
        "const [job] = await prisma.$queryRaw<Array<{ status: string }>>`SELECT status FROM Job WHERE id = ${id} FOR UPDATE`;
         if (job.status !== 'pending') return;
         await prisma.job.update({ where: { id }, data: { status: 'done', winner: user } });
         await prisma.member.create({ data: { teamId: id, name: user } });",
        &["lock-outside-transaction:error"],
    ),
    quiet(
        "the parent is locked, then the rows are counted",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           await tx.$queryRaw`SELECT id FROM Team WHERE id = ${id} FOR UPDATE`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'ReadCommitted' });",
    ),
    told(
        "the same at repeatable read: the snapshot is older than the lock",
        PG,
        "await prisma.$transaction(async (tx) => {
           await tx.$queryRaw`SELECT id FROM \"Team\" WHERE id = ${id} FOR UPDATE`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'RepeatableRead' });",
        &["weak-transaction:error"],
    ),
    quiet(
        "the same where the snapshot comes with the first plain read",
        MY,
        "await prisma.$transaction(async (tx) => {
           await tx.$queryRaw`SELECT id FROM Team WHERE id = ${id} FOR UPDATE`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         }, { isolationLevel: 'RepeatableRead' });",
    ),
    told(
        "an earlier read has taken the snapshot",
        MY,
        "await prisma.$transaction(async (tx) => {
           const team = await tx.team.findUniqueOrThrow({ where: { id } });
           await tx.$queryRaw`SELECT id FROM Team WHERE id = ${id} FOR UPDATE`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= team.quota) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
        &["weak-transaction:error"],
    ),
    told(
        "the rows are counted before the lock",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const count = await tx.member.count({ where: { teamId: id } });
           await tx.$queryRaw`SELECT id FROM Team WHERE id = ${id} FOR UPDATE`;
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
        &["weak-transaction:error"],
    ),
    told(
        "the counted rows are locked",
        PG,
        "await prisma.$transaction(async (tx) => {
           const rows = await tx.$queryRaw<unknown[]>`SELECT id FROM \"Member\" WHERE \"teamId\" = ${id} FOR UPDATE`;
           if (rows.length >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
        &["weak-transaction:error"],
    ),
    quiet(
        "an advisory lock to the end of the transaction",
        PG,
        "await prisma.$transaction(async (tx) => {
           await tx.$executeRaw`SELECT pg_advisory_xact_lock(${id})`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
    ),
    told(
        "a named lock that is released before the commit",
        MY,
        "await prisma.$transaction(async (tx) => {
           await tx.$queryRaw`SELECT GET_LOCK('team', 5)`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
           await tx.$queryRaw`SELECT RELEASE_LOCK('team')`;
         }, { isolationLevel: 'ReadCommitted' });",
        &["weak-transaction:error"],
    ),
    quiet(
        "a guarded counter on the parent",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const { count } = await tx.team.updateMany({ where: { id, quota: { gt: 0 } }, data: { quota: { decrement: 1 } } });
           if (count === 0) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
    ),
];

/// Violations that are caught.
const VIOLATIONS: &[Row] = &[
    quiet(
        "outside of a transaction",
        ALL,
        "try { return await prisma.user.create({ data: { email } }); }
         catch (e) {
           if (!(e instanceof Prisma.PrismaClientKnownRequestError) || e.code !== 'P2002') throw e;
           return prisma.user.findUnique({ where: { email } });
         }",
    ),
    told(
        "inside, and the transaction goes on",
        PG,
        "return prisma.$transaction(async (tx) => {
           try { return await tx.user.create({ data: { email } }); }
           catch (e) {
             if (!(e instanceof Prisma.PrismaClientKnownRequestError) || e.code !== 'P2002') throw e;
             return tx.user.findUnique({ where: { email } });
           }
         });",
        &["violation-in-transaction:warning"],
    ),
    told(
        "inside, and read again from an older snapshot",
        MY,
        "return prisma.$transaction(async (tx) => {
           const known = await tx.user.findUnique({ where: { email } });
           if (known) return known;
           try { return await tx.user.create({ data: { email } }); }
           catch (e) {
             if (!(e instanceof Prisma.PrismaClientKnownRequestError) || e.code !== 'P2002') throw e;
             return tx.user.findUnique({ where: { email } });
           }
         });",
        &["violation-in-transaction:warning"],
    ),
    quiet(
        "inside, behind a savepoint",
        PG,
        "return prisma.$transaction(async (tx) => {
           try { return await tx.$transaction(async (inner) => inner.user.create({ data: { email } })); }
           catch (e) {
             if (!(e instanceof Prisma.PrismaClientKnownRequestError) || e.code !== 'P2002') throw e;
             return tx.user.findUnique({ where: { email } });
           }
         });",
    ),
];

/// Retries, and what they know.
const RETRIES: &[Row] = &[
    quiet(
        "every form of the conflict",
        PG,
        "for (let attempt = 1; ; attempt++) {
           try {
             return await prisma.$transaction(async (tx) => {
               const count = await tx.member.count({ where: { teamId: id } });
               if (count >= 5) throw new Error('full');
               return tx.member.create({ data: { teamId: id, name: user } });
             }, { isolationLevel: 'Serializable' });
           } catch (error: any) {
             const conflict = error.code === 'P2034' || error.cause?.kind === 'TransactionWriteConflict';
             if (attempt === 5 || !conflict) throw error;
           }
         }",
    ),
    told(
        "that of a statement alone",
        PG,
        "for (let attempt = 1; ; attempt++) {
           try {
             return await prisma.$transaction(async (tx) => {
               const count = await tx.member.count({ where: { teamId: id } });
               if (count >= 5) throw new Error('full');
               return tx.member.create({ data: { teamId: id, name: user } });
             }, { isolationLevel: 'Serializable' });
           } catch (error: any) {
             if (attempt === 5 || error.code !== 'P2034') throw error;
           }
         }",
        &["unretried-serialization:info"],
    )
    .says(&["commit"]),
    told(
        "that of a call, with raw SQL in the transaction",
        PG,
        "for (let attempt = 1; ; attempt++) {
           try {
             return await prisma.$transaction(async (tx) => {
               const rows = await tx.$queryRaw<unknown[]>`SELECT id FROM \"Member\" WHERE \"teamId\" = ${id}`;
               if (rows.length >= 5) throw new Error('full');
               return tx.member.create({ data: { teamId: id, name: user } });
             }, { isolationLevel: 'Serializable' });
           } catch (error: any) {
             const conflict = error.code === 'P2034' || error.cause?.kind === 'TransactionWriteConflict';
             if (attempt === 5 || !conflict) throw error;
           }
         }",
        &["unretried-serialization:warning"],
    ),
    told(
        "repeatable read and a retry do not help a count",
        PG,
        "for (let attempt = 1; ; attempt++) {
           try {
             return await prisma.$transaction(async (tx) => {
               const count = await tx.member.count({ where: { teamId: id } });
               if (count >= 5) throw new Error('full');
               return tx.member.create({ data: { teamId: id, name: user } });
             }, { isolationLevel: 'RepeatableRead' });
           } catch (error: any) {
             const conflict = error.code === 'P2034' || error.cause?.kind === 'TransactionWriteConflict';
             if (attempt === 5 || !conflict) throw error;
           }
         }",
        &["weak-transaction:error"],
    ),
];

/// Locks of a connection.
const CONNECTIONS: &[Row] = &[
    told(
        "a lock of the connection, through the pool",
        SERVERS,
        "await prisma.$queryRaw`SELECT pg_advisory_lock(${id})`;
         const count = await prisma.member.count({ where: { teamId: id } });
         if (count >= 5) throw new Error('full');
         await prisma.member.create({ data: { teamId: id, name: user } });
         await prisma.$queryRaw`SELECT pg_advisory_unlock(${id})`;",
        &["lock-outside-transaction:error"],
    ),
    quiet(
        "a lock of the connection that the transaction has",
        PG,
        "await prisma.$transaction(async (tx) => {
           await tx.$queryRaw`SELECT pg_advisory_lock(${id})`;
           const count = await tx.member.count({ where: { teamId: id } });
           if (count >= 5) throw new Error('full');
           await tx.member.create({ data: { teamId: id, name: user } });
         });",
    ),
];

/// The outer client in a transaction, and batches.
const HANDLES: &[Row] = &[
    told(
        "the outer client writes",
        ALL,
        "await prisma.$transaction(async (tx) => {
           await tx.job.update({ where: { id }, data: { status: 'done' } });
           await prisma.member.create({ data: { teamId: id, name: user } });
         });",
        &["transaction-escape:error"],
    ),
    told(
        "the outer client reads what was written",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           await tx.member.create({ data: { teamId: id, name: user } });
           return prisma.member.count({ where: { teamId: id } });
         });",
        &["transaction-escape:warning"],
    ),
    told(
        "a batch of one, which runs at the default",
        ALL,
        "await prisma.$transaction([prisma.job.update({ where: { id }, data: { status: 'done' } })], { isolationLevel: 'Serializable' });",
        &["unretried-serialization:warning"],
    ),
    quiet(
        "a batch of two",
        ALL,
        "await prisma.$transaction([prisma.member.count(), prisma.team.count()], { isolationLevel: 'Serializable' });",
    ),
    told(
        "a batch whose check stands outside",
        SERVERS,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return;
         await prisma.$transaction([
           prisma.job.update({ where: { id }, data: { status: 'done', winner: user } }),
           prisma.member.create({ data: { teamId: id, name: user } }),
         ]);",
        &["check-then-update:error"],
    ),
];

#[test]
fn levels() {
    compare("levels", LEVELS);
}

#[test]
fn locks() {
    compare("locks", LOCKS);
}

#[test]
fn violations() {
    compare("violations", VIOLATIONS);
}

#[test]
fn retries() {
    compare("retries", RETRIES);
}

#[test]
fn connections() {
    compare("connections", CONNECTIONS);
}

#[test]
fn handles() {
    compare("handles", HANDLES);
}

/// A helper of the project's own that the settings describe, as a function and as a method.
#[test]
fn a_helper_that_the_settings_describe_is_a_lock() {
    let library = "[lib]\nid = \"own\"\nlanguage = \"typescript\"\ndetect = [\"exclusively\"]\n\n[[region]]\nopen = [\"exclusively(name, \
                   work: fn)\", \"_.exclusively(name, work: fn)\"]\nform = \"callback\"\nbody = \"work\"\nlock = \"name\"\n";
    let book = "async () => {
      const count = await prisma.member.count({ where: { teamId: id } });
      if (count >= 5) throw new Error('full');
      await prisma.member.create({ data: { teamId: id, name: user } });
    }";
    for call in ["exclusively('team', ", "locks.exclusively('team', "] {
        let code = format!("await {call}{book});");
        let told = |found: Vec<Finding>| found.iter().map(|it| it.rule).collect::<Vec<_>>();
        let head = "import { exclusively, locks } from './locks';\n";
        let known = findings_with(&[("own.toml".to_owned(), library.to_owned())], head, "postgresql", &code);
        assert_eq!(told(known), Vec::<&str>::new(), "{call}");
        let unknown = findings_with(&[], head, "postgresql", &code);
        assert_eq!(told(unknown), ["count-then-create"], "{call}");
    }
}
