//! Tagged templates.

use super::check;

#[test]
fn tagged_templates() {
    check(
        "a.ts",
        r##"
await sql`SELECT ${id}`;
await prisma.$queryRaw`SELECT 1`;
await db.execute(sql`SELECT ${Prisma.sql`x = ${y}`}`);
new Sql()`x`;
f(a)`b``c`;
"##,
        r##"
fn#0 module
  b0:
    t1 = tag ::sql(`SELECT ${::id}`) awaited
    t2 = tag ::prisma.$queryRaw(`SELECT 1`) awaited
    t3 = tag ::Prisma.sql(`x = ${::y}`)
    t4 = tag ::sql(`SELECT ${t3}`)
    t5 = call ::db.execute(t4) awaited
    t6 = new ::Sql()
    t7 = tag t6(`x`)
    t8 = call ::f(::a)
    t9 = tag t8(`b`)
    t10 = tag t9(`c`)
    return
"##,
    );
}

#[test]
fn with_types() {
    check(
        "a.ts",
        r##"
const a = await prisma.$queryRaw<User>`SELECT 1`;
const b = await prisma.$queryRaw<User[]>`SELECT ${id}`;
const c = await prisma.$queryRaw<{ id: string; n: number }[]>`SELECT 2`;
const d = await this.db.$queryRaw<Array<Pick<User, "id" | 'n'>>>`SELECT 3`;
const e = await prisma.$queryRaw<
  { total: bigint }[]
>`
  SELECT count(*)
`;
const f = sql<(a: string) => void> `x`;
const g = get<A>()<B>`x`;
const h = await prisma.$queryRaw<
  {
    at: any; // Decimal, isn't it? <b>
    /* a `count` */ n: number;
  }[]
>`SELECT 4`;
"##,
        r##"
fn#0 module
  b0:
    t1 = tag ::prisma.$queryRaw(`SELECT 1`) awaited
    a = t1
    t2 = tag ::prisma.$queryRaw(`SELECT ${::id}`) awaited
    b = t2
    t3 = tag ::prisma.$queryRaw(`SELECT 2`) awaited
    c = t3
    t4 = tag this.db.$queryRaw(`SELECT 3`) awaited
    d = t4
    t5 = tag ::prisma.$queryRaw(`\n  SELECT count(*)\n`) awaited
    e = t5
    t6 = tag ::sql(`x`)
    f = t6
    t7 = call ::get()
    t8 = tag t7(`x`)
    g = t8
    t9 = tag ::prisma.$queryRaw(`SELECT 4`) awaited
    h = t9
    return
"##,
    );
}

#[test]
fn look_alikes_keep_their_text() {
    check(
        "a.ts",
        r##"
// a<b>`c`
const a = "x<y>`z`", b = `Array<string>`, c = '<T>`';
/* $queryRaw<User>`…` */
const d = tag`a<b>${x}<c>`;
const e = `${f<string>`inner`}`;
if (a < b || c > d) use(`x`);
"##,
        r##"
fn#0 module
  b0:
    a = "x<y>`z`"
    b = "Array<string>"
    c = "<T>`"
    t1 = tag ::tag(`a<b>${::x}<c>`)
    d = t1
    t2 = tag ::f(`inner`)
    e = `${t2}`
    if ((a < b) || (c > d)) then b1 else b2
  b1:
    t3 = call ::use("x")
    goto b2
  b2:
    return
"##,
    );
}

#[test]
fn in_jsx() {
    check(
        "a.tsx",
        r##"
const x = <p>generic a&lt;b&gt; {sql<User>`SELECT 1`} <code>`x`</code></p>;
"##,
        r##"
fn#0 module
  b0:
    t1 = tag ::sql(`SELECT 1`)
    x = opaque(t1)
    return
"##,
    );
}
