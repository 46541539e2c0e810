/** Order, limits, deadlines, retention, keys: the rules of a queue on a controlled clock. */
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
  sentCount,
  START_MS,
  submit,
  TENANT,
  useQueue,
  viewNow,
} from "./job-queue-support.ts";

useQueue();

const order = (): string[] => sent.map(({ body }) => (JSON.parse(body) as { id: string }).id);

describe("what starts next", () => {
  test("is the highest priority, and the oldest within it", async () => {
    await queue().setLimits({ globalLimit: 1 });
    await queue().pause(true);
    const ids: string[] = [];
    for (const priority of [5, 9, 5, 0]) ids.push((await submit({ policy: { priority } })).id);
    await queue().pause(false);
    await Promise.all(ids.map(ended));
    expect(order()).toEqual([ids[3], ids[0], ids[2], ids[1]]);
  });

  test("is another tenant's when one is at its limit", async () => {
    const answer = latch();
    answerWith(async (call) => held(call, answer));
    await queue().setLimits({ tenantLimit: 1 });
    const [first, second, other] = [await submit(), await submit(), await submit({ tenant: "other" })];
    await sentCount(2);
    expect(order().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await viewNow(second.id)).toMatchObject({ status: "queued", position: 0 });
    answer.isOpen = true;
    expect((await ended(second.id))?.status).toBe("completed");
  });

  test("is never more at once than the global limit", async () => {
    let running = 0;
    let most = 0;
    answerWith(async () => {
      running += 1;
      most = Math.max(most, running);
      await scheduler.wait(5);
      running -= 1;
      return Response.json({ output: 1 });
    });
    await queue().setLimits({ globalLimit: 2 });
    const jobs = await Promise.all(Array.from({ length: 8 }, async () => submit()));
    await Promise.all(jobs.map(async ({ id }) => ended(id)));
    expect(most).toBe(2);
  });
});

describe("a queue that takes no more", () => {
  test("refuses over its depth, and while it drains", async () => {
    await queue().pause(true);
    await queue().setLimits({ depthMax: 1 });
    await submit();
    expect(await queue().submit(request())).toMatchObject({ kind: "limited", limit: "queue_full" });
    await queue().setMode("draining");
    expect((await queue().submit(request())).kind).toBe("paused");
  });

  test("refuses at a limit where the limit says so", async () => {
    answerWith(async (call) => held(call, latch()));
    await queue().setLimits({ globalLimit: 1, onConflict: "reject" });
    await submit();
    await sentCount(1);
    expect(await queue().submit(request())).toMatchObject({ kind: "limited", limit: "global_limit" });
  });
});

describe("a key", () => {
  test("belongs to one body, one tenant, and one job", async () => {
    const first = await submit({ idempotencyKey: "k", bodyHash: "a" });
    const again = await queue().submit(request({ idempotencyKey: "k", bodyHash: "a" }));
    expect(again).toMatchObject({ kind: "accepted", isNew: false, job: { id: first.id } });
    expect((await queue().submit(request({ idempotencyKey: "k", bodyHash: "b" }))).kind).toBe("conflict");
    const other = await queue().submit(request({ idempotencyKey: "k", bodyHash: "b", tenant: "other" }));
    expect(other).toMatchObject({ kind: "accepted", isNew: true });
  });

  test("makes no second job when the first is forgotten", async () => {
    const first = await submit({ idempotencyKey: "k" });
    await ended(first.id);
    await passMs(1_800_000);
    expect(await queue().submit(request({ idempotencyKey: "k" }))).toMatchObject({
      kind: "accepted",
      isNew: false,
      job: { id: first.id, status: "expired" },
    });
    expect(sent).toHaveLength(1);
  });
});

describe("a job's time", () => {
  test("after its end is its retention: then it is unknown, and its row is deleted", async () => {
    const { id } = await submit({ policy: { retentionMs: 60_000 } });
    await ended(id);
    await passMs(59_999);
    expect((await viewNow(id))?.status).toBe("completed");
    await passMs(1);
    expect(await viewNow(id)).toBeNull();
    await passMs(120_000);
    expect(await inQueue((storage) => storage.sql.exec("SELECT id FROM job").toArray())).toEqual([]);
  });

  test("in all is its ttl, also while it runs: the request is aborted and the row deleted", async () => {
    answerWith(async (call) => held(call, latch()));
    const { id } = await submit({ policy: { ttlMs: 10_000 } });
    await sentCount(1);
    await passMs(10_000);
    expect(await viewNow(id)).toBeNull();
    expect(sent[0]?.signal?.aborted).toBe(true);
    expect(await inQueue((storage) => storage.sql.exec("SELECT id FROM job").toArray())).toEqual([]);
  });

  test("while it waits is its ttl too", async () => {
    await queue().pause(true);
    const { id } = await submit({ policy: { ttlMs: 10_000 } });
    await passMs(10_000);
    expect(await viewNow(id)).toBeNull();
    expect(await inQueue((storage) => storage.sql.exec("SELECT id FROM job").toArray())).toEqual([]);
  });

  test("to start is its own deadline", async () => {
    await queue().pause(true);
    const { id } = await submit({ policy: { startWithinMs: 5_000 } });
    await passMs(5_000);
    expect(await viewNow(id)).toMatchObject({ status: "expired", error: "start_deadline" });
  });

  test("begins at the instant it is scheduled for", async () => {
    const { id, status } = await submit({ policy: { notBeforeMs: START_MS + 60_000 } });
    expect(status).toBe("retrying");
    await passMs(59_999);
    expect(sent).toEqual([]);
    await passMs(1);
    expect((await ended(id))?.status).toBe("completed");
  });

  test("can be set anew by its owner", async () => {
    const { id } = await submit();
    await ended(id);
    expect(await queue().keepFor(TENANT, id, 1_000)).toBe(true);
    vi.setSystemTime(START_MS + 1_000);
    expect(await viewNow(id)).toBeNull();
    expect(await queue().keepFor(TENANT, id, 1_000)).toBe(false);
  });
});

describe("many jobs", () => {
  test("are listed, counted and purged by tenant", async () => {
    await queue().pause(true);
    const mine = [await submit(), await submit(), await submit()];
    await submit({ tenant: "other" });
    const page = await queue().list(TENANT, { offset: 1, limit: 5, status: null });
    expect(page.map(({ id }) => id)).toEqual(mine.slice(1).map(({ id }) => id));
    expect((await queue().health(TENANT)).jobs).toMatchObject({ inQueue: 3, inProgress: 0 });
    expect(await queue().purge(TENANT)).toBe(3);
    expect((await queue().health("other")).jobs.inQueue).toBe(1);
    expect(await viewNow(mine[0]?.id ?? "")).toBeNull();
  });

  test("of a batch wait for its end as a draft, and add up", async () => {
    expect(await queue().createBatch(TENANT, "b-1")).toMatchObject({ status: "DRAFT", requestTotal: 0 });
    const requests = Array.from({ length: 5 }, () => request({ batchId: "b-1" }));
    expect(await queue().addToBatch(TENANT, "b-1", requests)).toMatchObject({ status: "DRAFT", requestTotal: 5 });
    expect(sent).toEqual([]);
    expect(await queue().finalizeBatch(TENANT, "b-1")).toMatchObject({ status: "FINALIZED", requestTotal: 5 });
    await Promise.all(requests.map(async ({ jobId }) => ended(jobId)));
    expect(await queue().batch(TENANT, "b-1")).toMatchObject({ requestCompleted: 5, requestFailed: 0 });
    expect(await queue().addToBatch(TENANT, "b-1", requests)).toBe("closed");
    expect(await queue().batch("other", "b-1")).toBeNull();
  });
});
