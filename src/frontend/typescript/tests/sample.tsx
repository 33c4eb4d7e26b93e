"use server";
/* A file with a bit of everything: tests cut it off at many places. */
import React, { useState, type FC } from "react";
import * as z from "zod";
import { prisma as db, Prisma } from "@/lib/prisma";
import type { Order, User } from "@prisma/client";

export const runtime = "nodejs", dynamic = `force-${"dynamic"}`;
const globalForDb = globalThis as unknown as { db?: typeof db };
if (process.env.NODE_ENV !== "production") globalForDb.db = db;

export enum Status { Open = "open", Paid = "paid", Closed = 3 }
namespace Limits { export const max = 10; export function over(n: number) { return n > max; } }

const schema = z.object({ id: z.string().uuid().optional(), items: z.array(z.object({ sku: z.string(), qty: z.number() })) });
type Input = z.infer<typeof schema>;

export class OrderError extends Error {
  static readonly kinds: Record<string, number> = { missing: 404, full: 409 };
  #hidden = new Map<string, Order>();
  constructor(private readonly code: keyof typeof OrderError.kinds, public cause?: unknown) {
    super(`order: ${code}`);
    this.#hidden.set(code, null!);
  }
  get status(): number { return OrderError.kinds[this.code] ?? 500; }
  retry = async (times = 3) => { while (times-- > 0) { try { return await this.run(); } catch (e) { if (!times) throw e; } } };
  async run() { return db.order.count({ where: { status: Status.Open } }); }
}

export async function createOrder({ id, items: [first, ...others] }: Input, user?: User | null): Promise<Order> {
  if (!user?.id) throw new OrderError("missing");
  const existing = await db.order.findFirst({ where: { userId: user.id, status: { not: "closed" } } });
  if (existing && (await db.order.count()) > Limits.max) return existing;
  const total = [first, ...others].filter(Boolean).reduce((sum, { qty = 1 }) => sum + qty, 0);
  const rows = await db.$queryRaw<{ n: bigint }[]>`
    SELECT count(*) AS n FROM orders WHERE user_id = ${user.id} ${id ? Prisma.sql`AND id = ${id}` : Prisma.empty}
  `;
  outer: for (const row of rows) {
    for (let i = 0; i < total; i++) {
      switch (row.n) {
        case 0n: continue outer;
        case 1n: { break outer; }
        default: await audit?.(row, i);
      }
    }
  }
  try {
    const [order, log] = await Promise.all([
      db.$transaction(async (tx) => {
        const locked = await tx.order.findUnique({ where: { id }, select: { id: true } });
        locked ?? (await tx.order.create({ data: { userId: user.id, total } }));
        return tx.order.update({ where: { id }, data: { total: { increment: total } } });
      }),
      db.log.create({ data: { at: new Date(), ...(id && { id }) } }).catch(() => null),
    ]);
    return order || log;
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002") {
      return db.order.findFirstOrThrow({ where: { id } });
    }
    throw error;
  } finally {
    for (const { sku } of others) { if (!sku) continue; await notify(sku).then((r) => r.ok, (e) => { console.error(e); }); }
  }
}

export const OrderList: FC<{ orders: Order[] }> = ({ orders }) => {
  const [open, setOpen] = useState<string | null>(null);
  let shown = orders;
  shown &&= orders.slice(0, 5);
  return (
    <ul className="a & b" onClick={() => setOpen(null)}>
      {shown.map((order) => (
        <li key={order.id} onClick={async (e) => { e.preventDefault(); await createOrder({ id: order.id, items: [] }); }}>
          {open === order.id ? <b>{order.total}</b> : "Orders & more"}
        </li>
      ))}
    </ul>
  );
};

export default OrderList;
export * from "./other";
export { Limits, type Input as OrderInput };
