/** What jobs cost in rows: written over a life, read for a claim, however many wait. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { HEAD_SQL } from "../../src/jobs/object/job-sql.ts";
import { JobStore } from "../../src/jobs/object/job-store.ts";
import { PLAIN } from "../../src/jobs/object/sealer.ts";
import {
  answerWith,
  ended,
  held,
  inQueue,
  latch,
  passMs,
  queue,
  submit,
  TENANT,
  until,
  useQueue,
} from "./job-queue-support.ts";

useQueue();

/**
 * Jobs that wait in the largest queue of these tests; the plan is the same for a million, and the reads are shown to
 * be.
 */
const MANY = 100_000;

type Cursor = { readonly rowsRead: number; readonly rowsWritten: number };
let cursors: { readonly sql: string; readonly cursor: Cursor }[] = [];
const sum = (member: keyof Cursor): number => cursors.reduce((all, { cursor }) => all + cursor[member], 0);

beforeEach(() => {
  cursors = [];
});

/** Counts every statement of the object from now on. */
async function watch(): Promise<void> {
  await inQueue(({ sql }) => {
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, "exec").mockImplementation(((text: string, ...bindings: SqlStorageValue[]) => {
      const cursor = exec(text, ...bindings);
      cursors.push({ sql: text, cursor });
      return cursor;
    }) as typeof sql.exec);
  });
}

describe("a job", () => {
  test("writes six rows in its whole life", async () => {
    await queue().pause(false);
    await passMs(0);
    await watch();
    const { id } = await submit({ policy: { retentionMs: 60_000 } });
    expect((await ended(id))?.status).toBe("completed");
    for (let minute = 0; minute < 3; minute++) await passMs(60_000);
    const ofJob = cursors.filter(({ sql }) => /\bjob\b/.test(sql) && !sql.trim().startsWith("SELECT"));
    expect(ofJob.reduce((all, { cursor }) => all + cursor.rowsWritten, 0)).toBe(6);
    expect(await inQueue((storage) => storage.sql.exec("SELECT id FROM job").toArray())).toEqual([]);
  });

  test("costs one more row at the end of the next minute, shared with all that end in it", async () => {
    await queue().pause(false);
    await passMs(0);
    await watch();
    const jobs = await Promise.all(Array.from({ length: 20 }, async () => submit({ policy: { retentionMs: 60_000 } })));
    await Promise.all(jobs.map(async ({ id }) => ended(id)));
    for (let minute = 0; minute < 4; minute++) await passMs(60_000);
    expect(await inQueue((storage) => storage.sql.exec("SELECT id FROM job").toArray())).toEqual([]);
    // Six for each, and a few for the list of ended ones and the totals.
    expect(sum("rowsWritten")).toBeLessThanOrEqual(20 * 6 + 20);
  });
});

describe("a claim", () => {
  test("is a search in the index of waiting jobs, without a sort", async () => {
    await queue().pause(false);
    const plan = await inQueue(({ sql }) =>
      sql.exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${HEAD_SQL}`, TENANT).toArray(),
    );
    expect(plan.map(({ detail }) => detail)).toEqual(["SEARCH job USING COVERING INDEX waiting (tenant=?)"]);
  });

  test.each([[10], [1_000], [MANY]])("reads as many rows with %i jobs waiting as with ten", async (waiting) => {
    await queue().pause(true);
    const { id } = await submit();
    await inQueue((storage) => copyJob(storage, id, waiting));
    await queue()
      .restart()
      .catch(() => undefined);
    const answer = latch();
    answerWith(async (call) => held(call, answer));
    await queue().setLimits({ globalLimit: 1 });
    // What a new object looks over is not the claim's.
    for (let swept = 0; swept < 3; swept++) await passMs(1_000);
    await watch();
    await queue().pause(false);
    await until(() => cursors.some(({ sql }) => sql.startsWith("UPDATE job SET state")));
    const claiming = cursors.filter(
      ({ sql }) => /^(SELECT|UPDATE)/.test(sql.trim()) && !/\bMIN\(|meta|outbox|ended/.test(sql),
    );
    expect(claiming.reduce((all, { cursor }) => all + cursor.rowsRead, 0)).toBeLessThanOrEqual(8);
    expect((await queue().health(TENANT)).jobs).toMatchObject({ inProgress: 1, inQueue: waiting - 1 });
    answer.isOpen = true;
  });
});

describe("the schema", () => {
  test("is made once, and found again", async () => {
    await queue().pause(true);
    await submit();
    await inQueue((storage) => {
      const again = new JobStore(storage, PLAIN);
      expect(again.lanes()).toEqual([{ tenant: TENANT, waiting: 1 }]);
    });
  });
});

/** `count` waiting jobs in all, copies of this one. */
function copyJob({ sql }: DurableObjectStorage, id: string, count: number): void {
  sql.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO job (id, tenant, state, order_key, wake_ms, ttl_ms, delete_ms, batch, job, extra, spec, output)
     SELECT 'copy-' || i, tenant, state, order_key || i, wake_ms, ttl_ms, delete_ms, batch,
            REPLACE(job, ?, 'copy-' || i), extra, spec, output FROM n, job WHERE id = ?`,
    count - 1,
    id,
    id,
  );
}
