/** One tenant's flood leaves another its share: of slots, of the queue's room, of its storage, of its webhooks. */
import { describe, expect, test, vi } from "vitest";
import {
  answerWith,
  ended,
  held,
  inQueue,
  latch,
  passMs,
  queue,
  request,
  sent,
  submit,
  until,
  useQueue,
} from "./job-queue-support.ts";
import type { Call } from "./job-queue-support.ts";

useQueue();

/** Jobs of the flood. */
const FLOOD = 5_000;
const input = (tenant: string, n: number) => ({ tenant, work: { body: JSON.stringify({ tenant, n }) } });
const tenantOf = ({ body }: Call): string => (JSON.parse(body) as { input: { tenant: string } }).input.tenant;

/** That many rows of the same tenant, copies of one that waits. */
async function flood(id: string, count: number): Promise<void> {
  await inQueue(({ sql }) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO job (id, tenant, state, order_key, wake_ms, ttl_ms, delete_ms, batch, job, extra, spec, output)
       SELECT 'copy-' || i, tenant, state, order_key || i, wake_ms, ttl_ms, delete_ms, batch,
              REPLACE(job, ?, 'copy-' || i), extra, spec, output FROM n, job WHERE id = ?`,
      count - 1,
      id,
      id,
    );
  });
  await queue()
    .restart()
    .catch(() => undefined);
}

describe("a flood of 5,000 jobs that waits", () => {
  test.each([[1], [4]])(
    "on %i slots another tenant's ten jobs, which come later, get every other start",
    async (slots) => {
      await queue().pause(true);
      await flood((await submit(input("flood", 0))).id, FLOOD);
      await queue().setLimits({ globalLimit: slots });
      answerWith(async (call) => {
        vi.setSystemTime(Date.now() + 20);
        await scheduler.wait(0);
        return Response.json({ output: tenantOf(call) });
      });
      for (let n = 0; n < 10; n++) await submit(input("other", n));
      await queue().pause(false);
      const starts = (): string[] => sent.map(tenantOf);
      const others = (): number => starts().filter((tenant) => tenant === "other").length;
      await until(() => others() === 10 || starts().length > 100);
      expect(others()).toBe(10);
      await queue().pause(true);
      // Nobody's turn is kept by the thousands before: of the first starts, half are its own.
      const last = starts().lastIndexOf("other");
      expect(last).toBeLessThanOrEqual(2 * 10 + 2 * slots);
    },
  );

  test("fills nine tenths of the queue, and is told so; another tenant is taken in", async () => {
    await queue().pause(true);
    await queue().setLimits({ depthMax: 100 });
    for (let n = 0; n < 90; n++) await submit(input("flood", n));
    expect(await queue().submit(request(input("flood", 90)))).toMatchObject({
      kind: "limited",
      limit: "tenant_queue_full",
    });
    await submit(input("other", 0));
    await queue().setLimits({ tenantDepthMax: 1 });
    expect(await queue().submit(request(input("other", 1)))).toMatchObject({ limit: "tenant_queue_full" });
    await submit(input("third", 0));
  });
});

describe("what is kept of a tenant", () => {
  const KIB = 1024;
  const body = (bytes: number) => ({ work: { body: JSON.stringify("x".repeat(bytes - 2)) } });

  test("is bounded by its limit: inputs that wait, and outputs until they go", async () => {
    await queue().setLimits({ tenantBytesMax: 8 * KIB });
    answerWith(() => Response.json({ output: "y".repeat(4 * KIB) }));
    const first = await submit({ ...body(2 * KIB), policy: { retentionMs: 60_000 } });
    await ended(first.id);
    // 2 KiB and some more than 4 are there; 1 KiB is below what is left, 2 are beyond.
    expect(await queue().submit(request(body(2 * KIB)))).toMatchObject({ kind: "limited", limit: "tenant_storage" });
    await queue().pause(true);
    await submit(body(KIB));
    expect(await queue().submit(request({ ...body(2 * KIB), tenant: "other" }))).toMatchObject({ kind: "accepted" });
    for (let minute = 0; minute < 3; minute++) await passMs(60_000);
    await submit(body(4 * KIB));
  });

  test("is known after a restart that took what was not written", async () => {
    await queue().pause(true);
    for (let n = 0; n < 3; n++) await submit(body(2 * KIB));
    await inQueue((storage) => storage.sql.exec(`DELETE FROM meta WHERE name = 'stored'`));
    await queue()
      .restart()
      .catch(() => undefined);
    await queue().setLimits({ tenantBytesMax: 7 * KIB });
    for (let second = 0; second < 3; second++) await passMs(1_000);
    expect(await queue().submit(request(body(2 * KIB)))).toMatchObject({ kind: "limited", limit: "tenant_storage" });
    await queue().setLimits({ tenantBytesMax: 8 * KIB });
    await submit(body(2 * KIB));
  });
});

describe("webhooks that wait", () => {
  const URL_OF = (tenant: string, n: number): string => `https://r${n % 50}.${tenant}.example.com/`;

  test("10,000 of one tenant, whose receivers all hang, hold another's back by no place", async () => {
    await queue().pause(true);
    const slow = latch();
    answerWith(async (call) =>
      call.url.includes(".slow.") ? held(call, slow, () => new Response("")) : Response.json({ output: 1 }),
    );
    await inQueue(({ sql }) => {
      const delivery = (id: string) =>
        JSON.stringify({ webhookId: id, form: "standard", state: "pending", failures: 0, nextAtMs: Date.now() });
      for (let n = 0; n < 10_000; n++) {
        const id = `slow-${n}`;
        const statement = `INSERT INTO outbox VALUES (?, 'j', 'slow', ?, '{}', ?, ?, NULL)`;
        sql.exec(statement, id, URL_OF("slow", n), delivery(id), Date.now());
      }
    });
    await queue()
      .restart()
      .catch(() => undefined);
    await queue().pause(false);
    await until(() => sent.filter(({ url }) => url.includes(".slow.")).length === 2);
    const webhook = { url: "https://other.example.com/", form: "standard", events: ["job.completed"] } as const;
    for (let n = 0; n < 5; n++) await submit({ tenant: "other", webhook });
    await until(() => sent.filter(({ url }) => url.includes("//other.")).length === 5);
    expect(sent.filter(({ url }) => url.includes(".slow."))).toHaveLength(2);
    slow.isOpen = true;
  });
});
