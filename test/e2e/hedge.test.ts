/**
 * A second attempt beside one that is late. Counted at the endpoints and by request id; the only times are the fleet's
 * own: an attempt is late after HEDGE_AFTER_MS, and an endpoint that is made late is so by far more.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { FAILURES_MAX } from "../../src/routing/core/endpoint/breaker.ts";
import { HEDGE_RULE, spentMax } from "../../src/routing/core/shard/budget.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { HEDGE_SAMPLES_MIN } from "../../src/routing/core/endpoint/first-byte.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

const HEDGE_AFTER_MS = 150;
/** So long that it explains nothing that these tests see. */
const TTFB_TIMEOUT_MS = 60_000;
/** A step of the fast engine takes 1 ms, so a first byte then takes this, ms, and at most twice as long. */
const SLOW = 600;

const stream = (fleet: Fleet, place = freshPlace("us-east"), key = "test") =>
  fleet.chat({ stream: true, maxTokens: 1, place, key });

/** A shard pays for as many hedges at once, but not for those of one tenant (`tenant-debts.ts`). */
const TENANTS = Array.from({ length: FAILURES_MAX }, (_, index) => `tenant-${index}`);

/** Until enough first bytes of every endpoint are known, and all is told. */
async function learn(fleet: Fleet): Promise<void> {
  for (let sent = 0; sent < HEDGE_SAMPLES_MIN + 5; sent++) {
    // Seldom the same place: leases in advance, which are given to who comes often, would have to run out first.
    const [north, east] = [Math.floor(sent / 5), sent % 5];
    for (const place of [`${42 + north},${-77 + east}`, `${52 + north},${8 + east}`]) {
      await (await stream(fleet, place)).text();
    }
  }
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
}

const timesDispatched = (fleet: Fleet, response: Response): readonly number[] => {
  const requestId = response.headers.get("x-request-id") ?? "";
  return [...fleet.simulators.values()].map(({ stats }) => stats.dispatchedIds.filter((id) => id === requestId).length);
};

const seen = (response: Response) => ({
  status: response.status,
  endpoint: response.headers.get("x-warmpath-endpoint"),
  reason: response.headers.get("x-warmpath-reason"),
  attempts: response.headers.get("x-warmpath-attempts"),
});

const idle = async (fleet: Fleet): Promise<void> => {
  const active = async () => [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.activeRequests, 0);
  await fleet.until(active, (requests) => requests === 0);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
};

describe("with slots to spare", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    const simulator = { engine: ENGINE_PRESETS.fast };
    fleet = await startFleet({
      endpoints: [
        { id: "us-a", region: "us-east", simulator },
        { id: "eu-a", region: "eu-west", simulator },
      ],
      pool: { patienceMs: 5_000, ttfbTimeoutMs: TTFB_TIMEOUT_MS, hedge: { afterMsMin: HEDGE_AFTER_MS } },
      keys: TENANTS.map((tenant) => ({ id: tenant, tenant, scopes: ["infer"] })),
    });
  });
  afterAll(() => fleet.close());

  afterEach(async () => {
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
    await idle(fleet);
  });

  /** Each test may hedge: the shards start anew, with full budgets, and learn again what is late. */
  const renew = async (): Promise<void> => {
    for (const region of ["us-east", "eu-west"]) {
      await fleet.call(`/admin/shards/main/${region}/restart`, { method: "POST" });
    }
    await learn(fleet);
  };

  test("an endpoint that hangs is overtaken: one dispatch each, the loser's connection is closed, no lease is left", async () => {
    await renew();
    const { aborted } = fleet.simulator("us-a").stats;
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const response = await stream(fleet);
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect(seen(response)).toEqual({ status: 200, endpoint: "eu-a", reason: "hedge", attempts: "2" });
    expect(timesDispatched(fleet, response)).toEqual([1, 1]);
    await idle(fleet);
    expect(fleet.simulator("us-a").stats.aborted).toBe(aborted + 1);
  });

  test("and it is not blamed: as many losses as failures would eject it leave it the first choice", async () => {
    await renew();
    for (const tenant of TENANTS) {
      fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
      const response = await stream(fleet, freshPlace("us-east"), tenant);
      await response.text();
      expect(seen(response)).toMatchObject({ endpoint: "eu-a", reason: "hedge" });
    }
    const next = await stream(fleet);
    await next.text();
    expect(seen(next)).toEqual({ status: 200, endpoint: "us-a", reason: "nearest_warm", attempts: "1" });
  });

  test("one that is only slow is overtaken as well, and works no longer for nobody", async () => {
    await renew();
    const { aborted, answered } = fleet.simulator("us-a").stats;
    fleet.simulator("us-a").setFault({ kind: "slow", factor: SLOW });
    const response = await stream(fleet);
    await response.text();
    expect(seen(response)).toEqual({ status: 200, endpoint: "eu-a", reason: "hedge", attempts: "2" });
    await idle(fleet);
    expect(fleet.simulator("us-a").stats).toMatchObject({ aborted: aborted + 1, answered });
  });

  test("the first attempt may still win: then the second one is closed and settled", async () => {
    await renew();
    const { aborted } = fleet.simulator("eu-a").stats;
    fleet.simulator("us-a").setFault({ kind: "slow", factor: SLOW });
    fleet.simulator("eu-a").setFault({ kind: "hang", times: 1 });
    const response = await stream(fleet);
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect(seen(response)).toEqual({ status: 200, endpoint: "us-a", reason: "nearest_warm", attempts: "2" });
    expect(timesDispatched(fleet, response)).toEqual([1, 1]);
    await idle(fleet);
    expect(fleet.simulator("eu-a").stats.aborted).toBe(aborted + 1);
  });

  test.each<readonly [name: string, fault: FaultInput]>([
    ["resets the connection", { kind: "reset", times: 1 }],
    ["answers 500", { kind: "status", status: 500, times: 1 }],
    ["answers 503", { kind: "status", status: 503, times: 1 }],
    ["refuses the request itself", { kind: "status", status: 404, times: 1 }],
    ["dies after its headers", { kind: "die_after_bytes", bytes: 0, times: 1 }],
  ])("nobody hears of it when the second endpoint %s", async (_, fault) => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "slow", factor: SLOW });
    fleet.simulator("eu-a").setFault(fault);
    const response = await stream(fleet);
    const text = await response.text();
    expect(seen(response)).toEqual({ status: 200, endpoint: "us-a", reason: "nearest_warm", attempts: "2" });
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(text).not.toContain("error");
  });

  test("the first one that fails while the second runs is not repeated again: the second one's answer is waited for", async () => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "status", status: 500, latencyMs: 3 * HEDGE_AFTER_MS, times: 1 });
    fleet.simulator("eu-a").setFault({ kind: "slow", factor: SLOW });
    const response = await stream(fleet);
    await response.text();
    expect(seen(response)).toEqual({ status: 200, endpoint: "eu-a", reason: "hedge", attempts: "2" });
    expect(timesDispatched(fleet, response)).toEqual([1, 1]);
  });

  test("when both fail the client is told once, of the first, and nobody is asked a third time", async () => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "status", status: 500, latencyMs: 3 * HEDGE_AFTER_MS, times: 1 });
    fleet.simulator("eu-a").setFault({ kind: "status", status: 500, times: 1 });
    const response = await stream(fleet);
    const { error } = (await response.json()) as { error: { code: string } };
    expect([response.status, error.code, response.headers.get("x-warmpath-attempts")]).toEqual([
      502,
      "upstream_failed",
      "2",
    ]);
    expect(timesDispatched(fleet, response)).toEqual([1, 1]);
  });

  const post = (path: string) => {
    const body = { model: fleet.model, stream: true, max_tokens: 1, messages: [{ role: "user", content: "x" }] };
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return fleet.call(path, { ...init, place: freshPlace("us-east") });
  };

  test("a POST to /p whose protocol is known is hedged as under /v1", async () => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const response = await post("/p/main/v1/chat/completions");
    await response.text();
    expect(seen(response)).toEqual({ status: 200, endpoint: "eu-a", reason: "hedge", attempts: "2" });
    expect(timesDispatched(fleet, response)).toEqual([1, 1]);
  });

  test("any other POST to /p, which may not be done twice, is not hedged however late it is", async () => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "status", status: 422, latencyMs: 4 * HEDGE_AFTER_MS, times: 1 });
    const response = await post("/p/main/raw");
    await response.text();
    expect(seen(response)).toEqual({ status: 422, endpoint: "us-a", reason: "nearest_warm", attempts: "1" });
    expect(timesDispatched(fleet, response)).toEqual([1, 0]);
  });

  test("a whole answer is not hedged however late it is", async () => {
    await renew();
    fleet.simulator("us-a").setFault({ kind: "slow", factor: SLOW });
    const response = await fleet.chat({ maxTokens: 1, place: freshPlace("us-east") });
    await response.text();
    expect(seen(response)).toEqual({ status: 200, endpoint: "us-a", reason: "nearest_warm", attempts: "1" });
    expect(timesDispatched(fleet, response)).toEqual([1, 0]);
  });
});

test("when every endpoint is slow, hedges end with the budget", async () => {
  const simulator = { engine: ENGINE_PRESETS.fast };
  const config = { concurrencyPerWorker: 64 };
  const fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator, config },
      { id: "eu-a", region: "eu-west", simulator, config },
    ],
    pool: { patienceMs: 5_000, hedge: { afterMsMin: HEDGE_AFTER_MS } },
  });
  try {
    await learn(fleet);
    const upstream = () => [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);
    const before = upstream();
    for (const slow of fleet.simulators.values()) slow.setFault({ kind: "slow", factor: SLOW });
    const sent = 40;
    const answers = await Promise.all(Array.from({ length: sent }, () => stream(fleet)));
    await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await idle(fleet);
    const hedges = upstream() - before - sent;
    expect(hedges).toBeGreaterThan(0);
    expect(hedges).toBeLessThanOrEqual(2 * spentMax(HEDGE_RULE, sent));
    const attempts = answers.reduce((sum, { headers }) => sum + Number(headers.get("x-warmpath-attempts")), 0);
    expect(attempts).toBe(upstream() - before);
  } finally {
    await fleet.close();
  }
});

describe("in a pool of ten slots", () => {
  let fleet: Fleet;
  const SLOTS = 5;
  const ids = ["us-a", "us-b"] as const;
  const active = async () => ids.reduce((sum, id) => sum + fleet.simulator(id).stats.activeRequests, 0);
  const aborted = async () => ids.reduce((sum, id) => sum + fleet.simulator(id).stats.aborted, 0);
  const both = (fault: FaultInput): void => ids.forEach((id) => fleet.simulator(id).setFault(fault));

  beforeAll(async () => {
    const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10 };
    fleet = await startFleet({
      // One region, so that one shard knows every slot exactly.
      endpoints: ids.map((id) => ({
        id,
        region: "us-east" as const,
        simulator: { engine },
        config: { concurrencyPerWorker: SLOTS },
      })),
      pool: { patienceMs: 5_000, ttfbTimeoutMs: 1_500, hedge: { afterMsMin: HEDGE_AFTER_MS } },
    });
    for (let round = 0; round < 4; round++) await learn(fleet);
  });
  afterAll(() => fleet.close());

  /** Whichever endpoint comes first hangs; whichever comes second does not. */
  const overtake = async (holders: number) => {
    const leaving = new AbortController();
    const { signal } = leaving;
    for (let held = 0; held < holders; held++) {
      await fleet.chat({ stream: true, maxTokens: 30_000, place: freshPlace("us-east"), signal });
    }
    both({ kind: "hang" });
    const left = await aborted();
    const answering = stream(fleet);
    await fleet.until(active, (requests) => requests === holders + 1);
    both({ kind: "none" });
    // The first attempt is given up, overtaken or late; the holders leave, so that a retry finds a slot in any case.
    await fleet.until(aborted, (requests) => requests > left);
    leaving.abort();
    const response = await answering;
    await response.text();
    await idle(fleet);
    return { reason: response.headers.get("x-warmpath-reason"), attempts: response.headers.get("x-warmpath-attempts") };
  };

  test.each([
    { taken: 6, reason: "hedge", why: "the request itself takes the seventh" },
    { taken: 7, reason: "failover", why: "the request itself takes the eighth" },
    { taken: 8, reason: "failover", why: "too busy when the first lease was granted" },
  ])("with $taken taken, a request that hangs ends as $reason: $why", async ({ taken, reason }) => {
    expect(await overtake(taken)).toEqual({ reason, attempts: "2" });
  });
});
