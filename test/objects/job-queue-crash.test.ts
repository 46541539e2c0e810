/** What a crash must not take, bookkeeping that was only in memory when the object died; and a disk that fills up. */
import { describe, expect, test, vi } from "vitest";
import { isStorageFull } from "../../src/jobs/core/storage-full.ts";
import { STORAGE_BYTES_MAX } from "../../src/jobs/object/bounds.ts";
import { ended, inQueue, passMs, queue, request, submit, TENANT, useQueue, viewNow } from "./job-queue-support.ts";

useQueue();

const die = async (): Promise<void> =>
  queue()
    .restart()
    .catch(() => undefined);
const listed = async (): Promise<readonly string[]> =>
  (await queue().list(TENANT, { offset: 0, limit: 100, status: null })).map(({ id }) => id);
const rows = async (table: string): Promise<number> =>
  inQueue(({ sql }) => sql.exec<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`).one().count);

describe("a job that ended just before the object died", () => {
  test("is still listed, and is deleted at its time", async () => {
    const { id } = await submit({ policy: { retentionMs: 600_000 } });
    await ended(id);
    await die();
    expect(await listed()).toEqual([id]);
    for (let minute = 0; minute < 12; minute++) await passMs(60_000);
    expect([await rows("job"), await rows("ended")]).toEqual([0, 0]);
  });

  test("is listed once, however often the object dies", async () => {
    const { id } = await submit();
    await ended(id);
    for (let death = 0; death < 3; death++) {
      await die();
      await passMs(1_000);
      await passMs(1_000);
    }
    expect(await listed()).toEqual([id]);
    expect(await rows("ended")).toBe(1);
  });
});

describe("a queue whose disk is full", () => {
  /** Nothing can be written any more, as SQLite says it. */
  const fill = async (): Promise<void> =>
    inQueue(({ sql }) => {
      // Of all objects: the one that comes after a restart has another.
      const all = Object.getPrototypeOf(sql) as SqlStorage;
      const { exec } = all;
      vi.spyOn(all, "exec").mockImplementation(function (this: SqlStorage, text: string, ...bindings: unknown[]) {
        if (/^\s*(INSERT|UPDATE|DELETE)/.test(text)) throw new Error("database or disk is full: SQLITE_FULL");
        return exec.call(this, text, ...bindings);
      } as typeof exec);
    });

  test("reads what it has, refuses what would write, and goes on when there is room", async () => {
    const { id } = await submit();
    await ended(id);
    await queue().pause(true);
    const waiting = await submit();
    await fill();
    await die();
    expect(await viewNow(id)).toMatchObject({ status: "completed", output: '"done"' });
    expect((await viewNow(waiting.id))?.status).toBe("queued");
    expect(await listed()).toContain(waiting.id);
    expect((await queue().health(TENANT)).jobs.inQueue).toBe(1);
    const refused = await inQueue(async (_, object) =>
      Promise.allSettled([object.submit(request()), object.cancel(TENANT, waiting.id)]),
    );
    expect(refused.map((one) => one.status === "rejected" && isStorageFull(one.reason))).toEqual([true, true]);
    vi.restoreAllMocks();
    expect((await queue().cancel(TENANT, waiting.id))?.status).toBe("cancelled");
  });
});

describe("a queue whose storage is nearly full", () => {
  test.each([
    [STORAGE_BYTES_MAX - 1, "accepted"],
    [STORAGE_BYTES_MAX, "limited"],
  ])("with %i bytes stored answers a submission: %s", async (bytes, kind) => {
    await queue().pause(true);
    await inQueue(({ sql }) => {
      vi.spyOn(sql, "databaseSize", "get").mockReturnValue(bytes);
    });
    expect(await queue().submit(request())).toMatchObject({ kind });
  });

  test("still knows what it has taken", async () => {
    await queue().pause(true);
    const first = request({ idempotencyKey: "k" });
    await queue().submit(first);
    await inQueue(({ sql }) => {
      vi.spyOn(sql, "databaseSize", "get").mockReturnValue(STORAGE_BYTES_MAX);
    });
    expect(await queue().submit(first)).toMatchObject({ kind: "accepted", isNew: false });
  });
});
