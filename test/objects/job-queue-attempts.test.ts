/** What becomes of a running job: cancelled, timed out, retried elsewhere, lost with its object. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShardEnv } from "../../src/routing/object/pool-shard.ts";
import {
  answerWith,
  ended,
  held,
  inQueue,
  isIn,
  latch,
  passMs,
  queue,
  sent,
  sentCount,
  START_MS,
  statuses,
  submit,
  TENANT,
  until,
  useQueue,
  viewNow,
} from "./job-queue-support.ts";

useQueue();

const { POOL_SHARD } = env as unknown as ShardEnv;
const leases = async (): Promise<number> => {
  const shards = ["us-east", "eu-west"].map((region) => POOL_SHARD.getByName(`pool:llama-test:${region}`));
  const counts = await Promise.all(shards.map(async (shard) => (await shard.status(false))?.liveLeases ?? 0));
  return counts.reduce((all, count) => all + count, 0);
};

describe("a job that is cancelled", () => {
  test("while it runs: its request is aborted at once, its lease settled, and what the endpoint says later is nothing", async () => {
    const answer = latch();
    answerWith(async (call) => held(call, answer));
    const { id } = await submit();
    await sentCount(1);
    expect((await viewNow(id))?.status).toBe("running");
    expect((await queue().cancel(TENANT, id))?.status).toBe("cancelled");
    expect(sent[0]?.signal?.aborted).toBe(true);
    answer.isOpen = true;
    await until(async () => (await leases()) === 0);
    expect(await viewNow(id)).toMatchObject({ status: "cancelled", output: null });
  });

  test("while it waits: it never starts", async () => {
    await queue().pause(true);
    const { id } = await submit();
    expect((await queue().cancel(TENANT, id))?.status).toBe("cancelled");
    await queue().pause(false);
    await ended((await submit()).id);
    expect(sent).toHaveLength(1);
  });
});

describe("a job that runs too long", () => {
  test("is aborted at its execution timeout and is timed out", async () => {
    answerWith(async (call) => held(call, latch()));
    const { id } = await submit({ policy: { executionTimeoutMs: 5_000 } });
    await sentCount(1);
    await passMs(4_999);
    expect((await viewNow(id))?.status).toBe("running");
    await passMs(1);
    expect(await viewNow(id)).toMatchObject({ status: "timed_out", error: "run_deadline" });
    expect(sent[0]?.signal?.aborted).toBe(true);
    await until(async () => (await leases()) === 0);
  });
});

describe("a failure that another endpoint may not have", () => {
  test("is retried elsewhere after its backoff", async () => {
    const failing = (): string => new URL(sent[0]?.url ?? "").host;
    answerWith(({ url }) => {
      const isFirst = new URL(url).host === failing();
      return isFirst ? new Response("broken", { status: 500 }) : Response.json({ output: 1 });
    });
    const { id } = await submit();
    await isIn(id, "retrying");
    await passMs(1_000);
    const view = await ended(id);
    expect(view).toMatchObject({ status: "completed", attempts: 2 });
    expect(sent.map(({ url }) => new URL(url).host)).toEqual([failing(), expect.not.stringMatching(failing())]);
    expect(statuses(view)).toEqual(["queued", "running", "retrying", "queued", "running", "completed"]);
  });

  test("fails the job when its attempts are used up, and a retry by hand runs it again", async () => {
    answerWith(() => new Response("broken", { status: 500 }));
    const { id } = await submit({ policy: { attemptsMax: 1 } });
    expect(await ended(id)).toMatchObject({ status: "failed", attempts: 1 });
    answerWith(() => Response.json({ output: "now" }));
    expect(await queue().retry(TENANT, id)).toMatchObject({ id, output: null });
    expect(await ended(id)).toMatchObject({ status: "completed", output: '"now"' });
    expect(await queue().retry(TENANT, id)).toBe("not_retryable");
  });

  test("of a client's own making is final, and its answer is kept", async () => {
    answerWith(() => Response.json({ error: { message: "bad" } }, { status: 422 }));
    const { id } = await submit({ work: { kind: "http", path: "/v1/x", body: "{}" } });
    expect(await ended(id)).toMatchObject({
      status: "failed",
      answer: { status: 422 },
      output: '{"error":{"message":"bad"}}',
    });
    expect(sent).toHaveLength(1);
  });
});

describe("an object that restarts", () => {
  test("has every job that waited, and starts it", async () => {
    await queue().pause(true);
    const { id } = await submit();
    await queue()
      .restart()
      .catch(() => undefined);
    await queue().pause(false);
    expect((await ended(id))?.status).toBe("completed");
  });

  test("puts what it ran back in the queue once, under a new token; the old attempt has no say", async () => {
    const first = latch();
    answerWith(async (call) => held(call, first));
    const { id } = await submit();
    await sentCount(1);
    await queue()
      .restart()
      .catch(() => undefined);
    answerWith(() => Response.json({ output: "second" }));
    await passMs(0);
    expect((await viewNow(id))?.status).toBe("retrying");
    await passMs(1_000);
    const view = await ended(id);
    // The attempt that the restart ended is not counted.
    expect(view).toMatchObject({ status: "completed", output: '"second"', attempts: 1 });
    expect(statuses(view)).toEqual(["queued", "running", "retrying", "queued", "running", "completed"]);
    first.isOpen = true;
    await passMs(1_000);
    expect((await viewNow(id))?.output).toBe('"second"');
  });

  test("has an alarm set while a job waits or runs, so that it comes back without a call", async () => {
    await queue().pause(true);
    await submit();
    const alarmMs = await inQueue(async (storage) => storage.getAlarm());
    expect(alarmMs).not.toBeNull();
    expect((alarmMs ?? 0) - START_MS).toBeLessThanOrEqual(10_000);
  });
});

describe("doubled and early alarms", () => {
  test("change nothing", async () => {
    const answer = latch();
    answerWith(async (call) => held(call, answer));
    const { id } = await submit();
    await sentCount(1);
    for (let times = 0; times < 3; times++) await inQueue(async (_, object) => object.alarm());
    answer.isOpen = true;
    expect(statuses(await ended(id))).toEqual(["queued", "running", "completed"]);
    expect(sent).toHaveLength(1);
  });
});
