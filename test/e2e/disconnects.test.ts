/**
 * Clients that leave. A client that closes its connection cannot be told from one that waits until something is written
 * to it; one that resets it is seen at once. In both cases the endpoint must stop working for nobody, and the lease
 * must end by itself: the leases of these tests live far longer than the tests.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";
import { rawCall } from "../support/raw-client.ts";
import type { RawExchange } from "../support/raw-client.ts";

/** The bound for a connection to the endpoint after its client has left, ms. */
const CLOSED_WITHIN_MS = 1_000;
const TTFB_TIMEOUT_MS = 600;
const TOKEN_MS = 20;

let fleet: Fleet;
beforeAll(async () => {
  const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: TOKEN_MS };
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine }, config: { queuesExcess: false } },
      {
        id: "eu-a",
        region: "eu-west",
        simulator: { engine },
        config: { concurrencyPerWorker: 1, queuesExcess: false },
      },
      { id: "ap-a", region: "ap-northeast", simulator: { engine }, config: { queuesExcess: false } },
    ],
    pool: { patienceMs: 5_000, ttfbTimeoutMs: TTFB_TIMEOUT_MS, leaseTtlMs: 600_000 },
  });
});
afterAll(() => fleet.close());

afterEach(async () => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

const us = () => fleet.simulator("us-a").stats;
const call = (changes: Record<string, unknown>, place = freshPlace("us-east")): RawExchange =>
  rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${fleet.key}`, "content-type": "application/json", "x-warmpath-place": place },
    body: JSON.stringify({ model: fleet.model, messages: [{ role: "user", content: "x" }], ...changes }),
  });
const isActive = async (): Promise<void> => {
  await fleet.until(
    async () => us().activeRequests,
    (active) => active === 1,
  );
};
const isClosed = async (limitMs: number): Promise<void> => {
  await fleet.until(
    async () => us().activeRequests,
    (active) => active === 0,
    limitMs,
  );
};

describe("in the middle of a stream", () => {
  test.each(["close", "reset"] as const)("%s: the endpoint's connection closes within a second", async (how) => {
    const client = call({ stream: true, max_tokens: 20_000 });
    await fleet.until(
      async () => client.received().length,
      (bytes) => bytes > 1_000,
    );
    const aborted = us().aborted;
    client.leave(how);
    await isClosed(CLOSED_WITHIN_MS);
    expect(us().aborted).toBe(aborted + 1);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("reset while the endpoint is silent: closed as soon, although nothing is written", async () => {
    // An endpoint of its own: a step that has begun slowly ends slowly, and whoever came next would wait for it.
    const silent = fleet.simulator("ap-a");
    const client = call({ stream: true, max_tokens: 20_000 }, "ap-northeast");
    await fleet.until(
      async () => client.received().length,
      (bytes) => bytes > 0,
    );
    silent.setFault({ kind: "slow", factor: 10_000 });
    client.leave("reset");
    await fleet.until(
      async () => silent.stats.activeRequests,
      (active) => active === 0,
      CLOSED_WITHIN_MS,
    );
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});

describe("before the headers", () => {
  test.each(["close", "reset"] as const)("%s: the lease is free by the deadline", async (how) => {
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const client = call({ stream: true });
    await isActive();
    expect(await fleet.liveLeases()).toBe(1);
    client.leave(how);
    // A close is noticed when the first byte of the second attempt finds nobody.
    await isClosed(5 * TTFB_TIMEOUT_MS);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("reset: nobody else is asked for an answer that nobody waits for", async () => {
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const { requests } = fleet.simulator("eu-a").stats;
    const client = call({ stream: true });
    await isActive();
    client.leave("reset");
    await isClosed(CLOSED_WITHIN_MS);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    expect(fleet.simulator("eu-a").stats.requests).toBe(requests);
  });

  test("reset: an answer that is not streamed is not computed to its end", async () => {
    const client = call({ max_tokens: 20_000 });
    await isActive();
    client.leave("reset");
    await isClosed(CLOSED_WITHIN_MS);
  });

  test("and the endpoint is not blamed", async () => {
    for (let times = 0; times < 6; times++) {
      const client = call({ max_tokens: 20_000 });
      await isActive();
      client.leave("reset");
      await isClosed(CLOSED_WITHIN_MS);
    }
    const response = await fleet.chat({ place: freshPlace("us-east") });
    expect(response.headers.get("x-warmpath-endpoint")).toBe("us-a");
  });
});

describe("in the queue", () => {
  test("reset: the place is given up, and the slot goes to the next", async () => {
    // Everything is full: one slot in Europe, eight in each of the others.
    const place = freshPlace("eu-west");
    const holders = [call({ stream: true, max_tokens: 20_000 }, place)];
    for (let index = 0; index < 8; index++) holders.push(call({ stream: true, max_tokens: 20_000 }));
    for (let index = 0; index < 8; index++) holders.push(call({ stream: true, max_tokens: 20_000 }, "ap-northeast"));
    await fleet.until(fleet.liveLeases, (leases) => leases === 17);
    const leaver = call({ stream: true, max_tokens: 1 }, place);
    const queued = async () => (await fleet.shards()).reduce((sum, { status }) => sum + (status?.queued ?? 0), 0);
    await fleet.until(queued, (count) => count === 1);
    const next = call({ stream: true, max_tokens: 1 }, place);
    await fleet.until(queued, (count) => count === 2);
    leaver.leave("reset");
    for (const holder of holders) holder.leave("reset");
    expect((await next.answer).status).toBe(200);
  });
});
