/** More requests than slots: they wait in order of arrival, and beyond the bound they are told when to come back. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";
import { engine, lineOf, SLOTS, startQueueFleet } from "../support/queue-fleet.ts";

const QUEUE_DEPTH_MAX = 4;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startQueueFleet(QUEUE_DEPTH_MAX);
});
afterAll(() => fleet.close());

const shard = () => lineOf(fleet);

/** Takes every slot with streams that go on until they are released. */
async function fill(): Promise<{ release: () => void }> {
  const holders = Array.from({ length: SLOTS }, () => new AbortController());
  for (const { signal } of holders) await fleet.chat({ stream: true, maxTokens: 30_000, signal });
  await fleet.until(shard, ({ live }) => live === SLOTS);
  return { release: () => holders.forEach((holder) => holder.abort()) };
}

/** Requests one after the other, each in the queue before the next one is sent. */
async function enqueue(count: number): Promise<Promise<Response>[]> {
  const waiting: Promise<Response>[] = [];
  for (let index = 0; index < count; index++) {
    waiting.push(fleet.chat({ maxTokens: 2, content: `request ${index}` }));
    await fleet.until(shard, ({ queued }) => queued === index + 1);
  }
  return waiting;
}

const idle = () => fleet.until(shard, ({ live, queued }) => live === 0 && queued === 0);

describe("when every slot is taken", () => {
  test("requests wait, and are served in order of arrival as slots free", async () => {
    const slots = await fill();
    const before = fleet.simulator("us-a").stats.dispatchedIds.length;
    const waiting = await enqueue(QUEUE_DEPTH_MAX);
    expect(fleet.simulator("us-a").stats.dispatchedIds).toHaveLength(before);
    slots.release();
    const answers = await Promise.all(waiting);
    expect(answers.map(({ status }) => status)).toEqual(waiting.map(() => 200));
    const ids = answers.map(({ headers }) => headers.get("x-request-id"));
    // Slots free in pairs and a pair is dispatched at once, so inside a pair the connections race.
    const dispatched = fleet.simulator("us-a").stats.dispatchedIds.slice(before);
    for (let at = 0; at < ids.length; at += SLOTS) {
      expect(dispatched.slice(at, at + SLOTS).sort()).toEqual(ids.slice(at, at + SLOTS).sort());
    }
    await idle();
  });

  test("one more than may wait is refused at once, and told when to come back", async () => {
    const slots = await fill();
    const waiting = await enqueue(QUEUE_DEPTH_MAX);
    const refused = await fleet.chat();
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    expect([refused.status, error.code]).toEqual([429, "saturated"]);
    expect(error.message).toMatch(/Wait for the time in Retry-After/);
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(Number(refused.headers.get("retry-after-ms"))).toBeGreaterThan(0);
    expect(refused.headers.get("x-should-retry")).toBeNull();
    slots.release();
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
    await idle();
  });

  test("a burst is never more at the endpoint than it has slots", async () => {
    const { stats } = fleet.simulator("us-a");
    let most = 0;
    const call = async (): Promise<number> => {
      const response = await fleet.chat({ stream: true, maxTokens: 3 });
      most = Math.max(most, stats.activeRequests);
      await response.text();
      return response.status;
    };
    const statuses = await Promise.all(Array.from({ length: 40 }, call));
    expect(most).toBeLessThanOrEqual(SLOTS);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(SLOTS + QUEUE_DEPTH_MAX);
    await idle();
  });
});

test("who has waited as long as the pool allows is refused with 429, and the openai package raises it", async () => {
  const impatient = await startFleet({
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine },
        config: { concurrencyPerWorker: 1, queuesExcess: false },
      },
    ],
    // The first guess of an answer's length is 2 s: less would be refused without waiting.
    pool: { patienceMs: 10_000, queueWaitMsMax: 2_500 },
  });
  try {
    const holder = new AbortController();
    await impatient.chat({ stream: true, maxTokens: 30_000, signal: holder.signal });
    const request = { model: impatient.model, messages: [{ role: "user" as const, content: "x" }] };
    const call = openaiOf(impatient).chat.completions.create(request);
    await expect(call).rejects.toMatchObject({ status: 429, code: "saturated", type: "overloaded_error" });
    expect(impatient.simulator("us-a").stats.requests).toBe(1);
    holder.abort();
    await impatient.until(impatient.liveLeases, (leases) => leases === 0);
  } finally {
    await impatient.close();
  }
});
