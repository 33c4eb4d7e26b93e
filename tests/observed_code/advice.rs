//! What is to be said of each pattern outside of transactions, how loud, and what not.

use super::{ALL, MY, PG, RETURNING, Row, SERVERS, compare, quiet, told};

const ROWS: &[Row] = &[
    told(
        "find, create; no key",
        ALL,
        "const lead = await prisma.lead.findFirst({ where: { email } });
         if (lead) throw new Error('known');
         return prisma.lead.create({ data: { email } });",
        &["find-then-create:error"],
    )
    .says(&["@@unique([email])"])
    .never(&["FOR UPDATE", "in a transaction", "NOT EXISTS"]),
    told(
        "find, create; a key, the violation unhandled",
        RETURNING,
        "const known = await prisma.user.findUnique({ where: { email } });
         if (known) return known;
         return prisma.user.create({ data: { email } });",
        &["find-then-create:warning"],
    )
    .says(&["upsert"]),
    told(
        "the same where no upsert is one statement",
        MY,
        "const known = await prisma.user.findUnique({ where: { email } });
         if (known) return known;
         return prisma.user.create({ data: { email } });",
        &["find-then-create:warning"],
    )
    .says(&["skipDuplicates"]),
    quiet(
        "the same, handled outside of a transaction",
        ALL,
        "const known = await prisma.user.findUnique({ where: { email } });
         if (known) return known;
         try { return await prisma.user.create({ data: { email } }); }
         catch (e: any) { if (e.code === 'P2002') return prisma.user.findUnique({ where: { email } }); throw e; }",
    ),
    told(
        "check a column, update by key",
        ALL,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') throw new Error('taken');
         await prisma.job.update({ where: { id }, data: { status: 'done', winner: user } });
         await prisma.member.create({ data: { teamId: id, name: user } });",
        &["check-then-update:error"],
    )
    .says(&["updateMany", "status: 'pending'", "count === 0"])
    .never(&["RepeatableRead"]),
    told(
        "read, write what was computed",
        ALL,
        "const account = await prisma.account.findUniqueOrThrow({ where: { id } });
         await prisma.account.update({ where: { id }, data: { balance: account.balance + n } });",
        &["lost-update:error"],
    )
    .says(&["increment: n"]),
    quiet(
        "read, write something else",
        ALL,
        "const account = await prisma.account.findUniqueOrThrow({ where: { id } });
         await prisma.account.update({ where: { id: account.id }, data: { balance: n } });",
    ),
    told(
        "count, create",
        SERVERS,
        "const count = await prisma.member.count({ where: { teamId: id } });
         if (count >= 5) throw new Error('full');
         await prisma.member.create({ data: { teamId: id, name: user } });",
        &["count-then-create:error"],
    )
    .says(&["parent row", "FOR UPDATE", "ReadCommitted", "Serializable"])
    .never(&["FROM \"Member\"", "FROM `Member`"]),
    told(
        "an upsert that is several statements",
        PG,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: {} });",
        &["racy-upsert:info"],
    )
    .says(&["email"]),
    quiet(
        "decrement, then throw, outside of a transaction: wrong already when alone",
        SERVERS,
        "const account = await prisma.account.update({ where: { id }, data: { balance: { decrement: n } } });
         if (account.balance < 0) throw new Error('too little');
         await prisma.member.create({ data: { teamId: id, name: user } });",
    ),
];

#[test]
fn advice() {
    compare("advice", ROWS);
}
