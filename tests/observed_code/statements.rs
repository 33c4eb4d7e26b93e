//! Which calls are one statement, and what becomes of those that are several.

use super::{ALL, MY, PG, RETURNING, Row, SERVERS, SL, compare, quiet, told};

/// Upserts, by their form.
const UPSERTS: &[Row] = &[
    quiet(
        "one unique field, scalars updated",
        RETURNING,
        "return prisma.user.upsert({ where: { email }, create: { email, n }, update: { n } });",
    ),
    quiet(
        "an increment, a selection of scalars",
        RETURNING,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: { n: { increment: 1 } }, select: { id: true } });",
    ),
    quiet(
        "the unique field set to itself",
        RETURNING,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: { email } });",
    ),
    quiet(
        "a compound key",
        RETURNING,
        "return prisma.user.upsert({ where: { team_slot: { team: user, slot: n } }, create: { email, team: user, slot: n }, update: { name: user } });",
    ),
    quiet(
        "a further condition that is no key",
        RETURNING,
        "return prisma.user.upsert({ where: { email, n: 0 }, create: { email, n: 0 }, update: { name: user } });",
    ),
    quiet(
        "inside a transaction",
        RETURNING,
        "return prisma.$transaction(async (tx) => tx.user.upsert({ where: { email }, create: { email, n }, update: { n } }));",
    ),
    quiet(
        "inside a batch",
        RETURNING,
        "return prisma.$transaction([prisma.user.upsert({ where: { email }, create: { email, n }, update: { n } }), prisma.job.count()]);",
    ),
    told(
        "the forms that are one statement elsewhere",
        MY,
        "return prisma.user.upsert({ where: { email }, create: { email, n }, update: { n } });",
        &["racy-upsert:info"],
    ),
    told(
        "an empty update",
        SERVERS,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: {} });",
        &["racy-upsert:info"],
    ),
    // The second call fails when it comes after the first, too.
    quiet(
        "a value that is not the created one",
        SERVERS,
        "return prisma.user.upsert({ where: { email }, create: { email: 'root@example.org' }, update: { n } });",
    ),
    // The second call fails when it comes after the first, too.
    quiet(
        "by an id that is not created",
        SERVERS,
        "return prisma.user.upsert({ where: { id }, create: { email: 'root@example.org' }, update: { n } });",
    ),
    told(
        "two unique fields",
        SERVERS,
        "return prisma.user.upsert({ where: { email, id }, create: { email, id }, update: { n } });",
        &["racy-upsert:info"],
    ),
    told(
        "an include",
        SERVERS,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: { n }, include: { posts: true } });",
        &["racy-upsert:info"],
    ),
    told(
        "a count of related rows",
        SERVERS,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: { n }, include: { _count: true } });",
        &["racy-upsert:info"],
    ),
    told(
        "a nested create",
        SERVERS,
        "return prisma.user.upsert({ where: { email }, create: { email, posts: { create: { title: user } } }, update: { n } });",
        &["racy-upsert:info"],
    ),
    told(
        "connectOrCreate",
        ALL,
        "return prisma.user.update({ where: { id }, data: { posts: { connectOrCreate: { where: { title: user }, create: { title: user } } } } });",
        &["racy-upsert:info"],
    ),
    told(
        "a nested upsert",
        ALL,
        "return prisma.user.update({ where: { id }, data: { posts: { upsert: { where: { title: user }, create: { title: user }, update: { title: user } } } } });",
        &["racy-upsert:info"],
    ),
    // The row around is updated first, and who comes second waits for it. (With nothing of its own to write, it is read.)
    quiet(
        "a nested upsert under a row that is updated, too",
        PG,
        "return prisma.shelf.update({ where: { id }, data: { n, books: { upsert: { where: { shelfId_place: { shelfId: id, place: n } }, create: { place: n }, update: { title: user } } } } });",
    ),
    told(
        "a nested upsert under a row that is only read",
        SERVERS,
        "return prisma.shelf.update({ where: { id }, data: { books: { upsert: { where: { shelfId_place: { shelfId: id, place: n } }, create: { place: n }, update: { title: user } } } } });",
        &["racy-upsert:info"],
    ),
    // There the row around is read before it is updated, and what hangs on it is seen as it was then.
    told(
        "the same under a row that is updated, too",
        MY,
        "return prisma.shelf.update({ where: { id }, data: { n, books: { upsert: { where: { shelfId_place: { shelfId: id, place: n } }, create: { place: n }, update: { title: user } } } } });",
        &["racy-upsert:info"],
    ),
    quiet(
        "several statements, one writer at a time",
        SL,
        "return prisma.user.upsert({ where: { email }, create: { email }, update: {}, include: { posts: true } });",
    ),
    quiet(
        "createMany that skips duplicates",
        SERVERS,
        "return prisma.user.createMany({ data: [{ email }], skipDuplicates: true });",
    ),
    told(
        "findUnique, then create",
        ALL,
        "return (await prisma.user.findUnique({ where: { email } })) ?? prisma.user.create({ data: { email } });",
        &["find-then-create:warning"],
    ),
    quiet(
        "an upsert in SQL",
        RETURNING,
        "return prisma.$executeRaw`INSERT INTO \"User\" (email, n) VALUES (${email}, 1) ON CONFLICT (email) DO UPDATE SET n = \"User\".n + 1`;",
    ),
];

/// Writes whose condition is to elect one of two.
const CLAIMS: &[Row] = &[
    quiet(
        "updateMany with the old value, and the count",
        ALL,
        "const { count } = await prisma.job.updateMany({ where: { id, status: 'pending' }, data: { status: 'done', winner: user } });
         if (count === 0) return null;
         return prisma.member.create({ data: { teamId: id, name: user } });",
    ),
    told(
        "the same without the count",
        ALL,
        "await prisma.job.updateMany({ where: { id, status: 'pending' }, data: { status: 'done', winner: user } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["unchecked-guard:warning"],
    ),
    quiet(
        "update with a further condition",
        RETURNING,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         await prisma.job.update({ where: { id, status: 'pending' }, data: { status: 'done', winner: user } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
    ),
    told(
        "the same where it is several statements",
        MY,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         await prisma.job.update({ where: { id, status: 'pending' }, data: { status: 'done', winner: user } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["unchecked-guard:error"],
    )
    .says(&["number of rows", "updateMany"]),
    quiet(
        "delete with a further condition",
        PG,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         await prisma.job.delete({ where: { id, status: 'pending' } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
    ),
    told(
        "delete with a further condition, in two statements",
        MY,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         await prisma.job.delete({ where: { id, status: 'pending' } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["unchecked-guard:error"],
    ),
    told(
        "delete with an include",
        PG,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         await prisma.job.delete({ where: { id, status: 'pending' }, include: { hall: true } });
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["unchecked-guard:error"],
    ),
    quiet(
        "deleteMany, and the count",
        ALL,
        "const { count } = await prisma.job.deleteMany({ where: { id, status: 'pending' } });
         if (count === 0) return null;
         return prisma.member.create({ data: { teamId: id, name: user } });",
    ),
    told(
        "updateMany with a limit",
        PG,
        "const { count } = await prisma.job.updateMany({ where: { id, status: 'pending' }, data: { status: 'done', winner: user }, limit: 1 });
         if (count === 0) return null;
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["unchecked-guard:error"],
    ),
    quiet(
        "updateManyAndReturn, and its length",
        PG,
        "const jobs = await prisma.job.updateManyAndReturn({ where: { id, status: 'pending' }, data: { status: 'done', winner: user } });
         if (jobs.length === 0) return null;
         return prisma.member.create({ data: { teamId: id, name: user } });",
    ),
    told(
        "a guard on another table elects nobody",
        PG,
        "const job = await prisma.job.findUnique({ where: { id } });
         if (job?.status !== 'pending') return null;
         const { count } = await prisma.job.updateMany({ where: { id, hall: { open: 1 } }, data: { status: 'done', winner: user } });
         if (count === 0) return null;
         return prisma.member.create({ data: { teamId: id, name: user } });",
        &["check-then-update:error"],
    ),
    quiet(
        "a version column",
        ALL,
        "const job = await prisma.job.findUniqueOrThrow({ where: { id } });
         const { count } = await prisma.job.updateMany({ where: { id, version: job.version }, data: { status: user, version: { increment: 1 } } });
         if (count === 0) throw new Error('changed meanwhile');",
    ),
    quiet("an increment", ALL, "await prisma.account.update({ where: { id }, data: { balance: { increment: n } } });"),
    told(
        "an increment behind a guard",
        ALL,
        "const account = await prisma.account.findUniqueOrThrow({ where: { id } });
         if (account.balance < n) throw new Error('too little');
         await prisma.account.update({ where: { id }, data: { balance: { decrement: n } } });",
        &["check-then-update:error"],
    )
    .says(&["gte"]),
    quiet(
        "a guarded decrement, and the count",
        ALL,
        "const { count } = await prisma.account.updateMany({ where: { id, balance: { gte: n } }, data: { balance: { decrement: n } } });
         if (count === 0) throw new Error('too little');",
    ),
    quiet(
        "decrement, then throw, in a transaction",
        SERVERS,
        "await prisma.$transaction(async (tx) => {
           const account = await tx.account.update({ where: { id }, data: { balance: { decrement: n } } });
           if (account.balance < 0) throw new Error('too little');
         });",
    ),
    told(
        "an insert where not exists",
        PG,
        "await prisma.$executeRaw`INSERT INTO \"Lead\" (email) SELECT ${email} WHERE NOT EXISTS (SELECT 1 FROM \"Lead\" WHERE email = ${email})`;",
        &["racy-upsert:error"],
    ),
    quiet(
        "an insert where not exists, where its look locks",
        MY,
        "await prisma.$executeRaw`INSERT INTO Lead (email) SELECT ${email} FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM Lead WHERE email = ${email})`;",
    ),
];

#[test]
fn upserts() {
    compare("upserts", UPSERTS);
}

#[test]
fn claims() {
    compare("claims", CLAIMS);
}

#[test]
fn sqlite_takes_one_level() {
    // The others are refused at run time, so that none is proposed.
    compare(
        "levels",
        &[told(
            "count, create",
            SL,
            "const count = await prisma.member.count({ where: { teamId: id } });
             if (count >= 5) throw new Error('full');
             await prisma.member.create({ data: { teamId: id, name: user } });",
            &["count-then-create:error"],
        )
        .never(&["ReadCommitted", "RepeatableRead"])],
    );
}
