/** What a crash must not take, bookkeeping that was only in memory when the object died; and a disk that fills up. */
import { describe, expect, test, vi } from "vitest";
import { STORAGE_BYTES_MAX } from "../../src/jobs/bounds.ts";
import { ended, inQueue, passMs, queue, request, submit, TENANT, useQueue } from "./job-queue-support.ts";

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
