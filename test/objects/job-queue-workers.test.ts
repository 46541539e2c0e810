/** GPU workers that pull: jobs taken, told of, streamed, stopped and lost. */
import { beforeEach, describe, expect, test } from "vitest";
import { JOB_LEASE_MS } from "../../src/jobs/core/policy.ts";
import {
  ended,
  isIn,
  latch,
  passMs,
  queue,
  statuses,
  submit,
  TENANT,
  useQueue,
  viewNow,
  answerWith,
  held,
} from "./job-queue-support.ts";

useQueue();

/** Endpoints take nothing: what runs, runs at a worker. */
beforeEach(() => answerWith(() => new Response("full", { status: 429 })));

const DONE = { output: '{"ok":true}', error: null, isProgress: false } as const;
async function taken(workerId: string): Promise<string> {
  // A waiting worker is served before any endpoint is asked.
  const taking = queue().take(workerId, 1, 10_000);
  const { id } = await submit();
  expect((await taking).map((job) => job.id)).toEqual([id]);
  return id;
}

describe("a worker that takes a job", () => {
  test("is woken by its submission, reports progress, and completes it", async () => {
    const id = await taken("w-1");
    expect(await viewNow(id)).toMatchObject({ status: "running", workerId: "w-1" });
    expect(await queue().done("w-1", id, { output: '"half"', error: null, isProgress: true })).toBe("ok");
    expect((await viewNow(id))?.output).toBe('"half"');
    expect(await queue().done("w-1", id, DONE)).toBe("ok");
    expect(await ended(id)).toMatchObject({ status: "completed", output: DONE.output });
    expect(await queue().done("w-1", id, DONE)).toBe("ok");
    expect(await queue().done("w-2", id, DONE)).toBe("stale");
  });

  test("streams chunks that survive a restart of the object", async () => {
    const id = await taken("w-1");
    expect(await queue().chunk("w-1", id, '"a"')).toBe("ok");
    await queue()
      .restart()
      .catch(() => undefined);
    expect(await queue().chunk("w-1", id, '"b"')).toBe("ok");
    await queue().done("w-1", id, { output: null, error: null, isProgress: false });
    const page = await queue().stream(TENANT, id, 0, 0);
    expect(page?.chunks.map(({ data }) => data)).toEqual(['"a"', '"b"']);
    expect(page?.isEnd).toBe(true);
  });

  test("hears that it is to stop a cancelled one, and its result is refused", async () => {
    const id = await taken("w-1");
    const stopping = queue().stops("w-1", 10_000);
    await queue().cancel(TENANT, id);
    expect(await stopping).toEqual([id]);
    expect(await queue().done("w-1", id, DONE)).toBe("stale");
    expect((await viewNow(id))?.status).toBe("cancelled");
  });

  test("keeps it while it pings, and loses it after three missed beats; it runs again once, under a new token", async () => {
    const id = await taken("w-1");
    await passMs(JOB_LEASE_MS - 1);
    await queue().ping("w-1", [id]);
    await passMs(JOB_LEASE_MS - 1);
    expect((await viewNow(id))?.status).toBe("running");
    await passMs(1);
    expect((await viewNow(id))?.status).toBe("retrying");
    const again = queue().take("w-2", 1, 10_000);
    await passMs(1_000);
    expect(await again).toMatchObject([{ id, token: 2 }]);
    expect(await queue().done("w-1", id, DONE)).toBe("stale");
    expect(await queue().done("w-2", id, DONE)).toBe("ok");
    expect(await viewNow(id)).toMatchObject({ status: "completed", attempts: 2, workerId: "w-2" });
  });

  test("and was restarted says so with its next call: what it held is another's at once, and its old call gets nothing", async () => {
    const id = await taken("w-1");
    const stale = queue().take("w-1", 1, 10_000);
    const anew = queue().take("w-1", 1, 10_000, true);
    expect(await stale).toEqual([]);
    await passMs(1_000);
    expect((await anew).map((job) => job.id)).toEqual([id]);
    expect(statuses(await viewNow(id))).toEqual(["queued", "running", "retrying", "queued", "running"]);
  });

  test("keeps what it holds when it asks for more and says nothing of a restart", async () => {
    const id = await taken("w-1");
    expect(await queue().take("w-1", 1, 0)).toEqual([]);
    expect((await viewNow(id))?.status).toBe("running");
  });

  test("gives back what it could not start, and it is no attempt", async () => {
    const id = await taken("w-1");
    const other = queue().take("w-2", 1, 10_000);
    await queue().giveBack("w-1", [id]);
    expect(await other).toMatchObject([{ id }]);
    expect((await viewNow(id))?.attempts).toBe(1);
  });

  test("gets no more than the limit of a worker", async () => {
    await queue().pause(true);
    for (let count = 0; count < 3; count++) await submit();
    await queue().setLimits({ workerLimit: 2, globalLimit: 3 });
    const takes = [queue().take("w-1", 3, 10_000)];
    await queue().pause(false);
    expect(await takes[0]).toHaveLength(2);
    expect(await queue().take("w-1", 1, 0)).toEqual([]);
  });
});

describe("a stop that a worker has not heard", () => {
  /** Its stop is on a list in memory, which a restart loses. */
  async function cancelledUnheard(): Promise<string> {
    const id = await taken("w-1");
    await queue().cancel(TENANT, id);
    await queue()
      .restart()
      .catch(() => undefined);
    expect(await queue().stops("w-1", 0)).toEqual([]);
    return id;
  }

  test("is repeated when it pings with the job", async () => {
    const id = await cancelledUnheard();
    await queue().ping("w-1", [id]);
    expect(await queue().stops("w-1", 0)).toEqual([id]);
    expect(await queue().stops("w-1", 0)).toEqual([]);
    await queue().ping("w-1", [id, "never-existed"]);
    expect(await queue().stops("w-1", 0)).toEqual([id, "never-existed"]);
  });

  test("is repeated when it streams a chunk of the job", async () => {
    const id = await cancelledUnheard();
    const stopping = queue().stops("w-1", 10_000);
    expect(await queue().chunk("w-1", id, '"late"')).toBe("stale");
    expect(await stopping).toEqual([id]);
  });

  test("reaches the worker that lost the job, and not the one that has it now", async () => {
    const id = await taken("w-1");
    await passMs(JOB_LEASE_MS);
    const again = queue().take("w-2", 1, 10_000);
    await passMs(1_000);
    expect(await again).toMatchObject([{ id }]);
    await queue().stops("w-1", 0);
    await queue().ping("w-1", [id]);
    await queue().ping("w-2", [id]);
    expect([await queue().stops("w-1", 0), await queue().stops("w-2", 0)]).toEqual([[id], []]);
  });

  test("is not for a job that it has ended itself, nor for one that it lost and was given anew", async () => {
    const over = await taken("w-1");
    await queue().done("w-1", over, DONE);
    const failed = await taken("w-1");
    await queue().done("w-1", failed, { output: null, error: "boom", isProgress: false });
    const lost = await taken("w-1");
    await passMs(JOB_LEASE_MS);
    const again = queue().take("w-1", 1, 10_000);
    await passMs(1_000);
    expect(await again).toMatchObject([{ id: lost }]);
    await queue().ping("w-1", [over, failed, lost]);
    expect(await queue().stops("w-1", 0)).toEqual([]);
  });
});

describe("a worker that asks in vain", () => {
  test("is answered nothing when its time is up", async () => {
    expect(await queue().take("w-1", 1, 5)).toEqual([]);
    expect(await queue().stops("w-1", 5)).toEqual([]);
    expect((await queue().health(TENANT)).workers.idle).toBeGreaterThan(0);
  });
});

describe("an endpoint that is cancelled while it runs", () => {
  test("is no worker's to stop", async () => {
    answerWith(async (call) => held(call, latch()));
    const { id } = await submit();
    await isIn(id, "running");
    await queue().cancel(TENANT, id);
    expect(await queue().stops("w-1", 0)).toEqual([]);
  });
});
