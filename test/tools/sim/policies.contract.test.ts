import { describe, expect, test } from "vitest";
import { CREDIT_LIFE_MS } from "../../../src/routing/core/shard/credits.ts";
import { DIGEST_EVERY_MS } from "../../../src/routing/core/shard/shard.ts";
import { WARMTH } from "../../../tools/sim/endpoint-health.ts";
import { metricsOf } from "../../../tools/sim/metrics.ts";
import { policyRouter } from "../../../tools/sim/policy-router.ts";
import type { PolicyFactory } from "../../../tools/sim/policy.ts";
import { ROUTERS } from "../../../tools/sim/policies/registry.ts";
import { ProductionRouter } from "../../../tools/sim/production/router.ts";
import type { Scenario } from "../../../tools/sim/scenario.ts";
import { PROBE_MS } from "../../../tools/sim/recovery.ts";
import { lookAhead } from "../../../tools/sim/bounds/step-bounds.ts";
import { World } from "../../../tools/sim/world.ts";
import { ran, ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

const three = {
  regions: ["us-east", "eu-central"],
  roundTripMs: [
    [10, 92],
    [92, 10],
  ],
  endpoints: [
    { region: "us-east", slots: 4, id: "a" },
    { region: "eu-central", slots: 2, speed: 2, id: "b" },
    { region: "eu-central", slots: 1, speed: 3, id: "c" },
  ],
  demandByRegion: [3, 1],
  demand: { workMs: { kind: "lognormal", mean: 1000, sigma: 1 } },
};

const step = {
  ...three,
  engine: { kind: "step", preset: "default" },
  demand: {
    promptTokens: { kind: "lognormal", mean: 400, sigma: 0.5 },
    outputTokens: { kind: "lognormal", mean: 60, sigma: 0.5 },
    prefixCount: 6,
    prefixTokens: 1_024,
  },
};

/**
 * The shards of the production core probe when traffic comes. What they found is in the next digest, out of every lease
 * cache after a credit's life, and under way for a round trip.
 */
const NEWS_MS = DIGEST_EVERY_MS + CREDIT_LIFE_MS + 92;

/** Has the shard of the production core that owns the endpoint found it down. */
const hasFoundDown = ({ router }: World, id: string): boolean =>
  router instanceof ProductionRouter &&
  router.shards.some((shard) => shard?.state.endpoints.get(id)?.health === "down");

describe.each(ROUTERS.map((entry) => [entry.name, entry] as const))("%s", (_, { factory, policy, ownHealth }) => {
  const run = async (scenario: Scenario, { count = 600, load = 0.6, seed = 1 } = {}): Promise<World> =>
    ranToEnd(scenario, workloadOf(scenario, { count, load, seed }), factory, seed);

  test.each([
    ["unequal endpoints", three],
    ["equal endpoints", { ...three, endpoints: [{ region: "us-east", count: 4, slots: 2 }] }],
    ["one endpoint", { ...three, endpoints: [{ region: "eu-central", slots: 8 }] }],
    ["step engines with prefixes", step],
  ])("serves every request with %s, once", async (_name, fields) => {
    const world = await run(scenarioOf(fields));
    const { served, attempts } = metricsOf(world);
    expect([served, attempts]).toEqual([600, 600]);
    expect([...world.fleet.inFlight].every((one) => one === 0)).toBe(true);
  });

  test.each([
    ["slots", three],
    ["step engines", step],
  ])("is deterministic on %s", async (_name, fields) => {
    const scenario = scenarioOf(fields);
    const hashes = [await run(scenario), await run(scenario)].map(({ hash }) => hash.read());
    expect(hashes[0]).toBe(hashes[1]);
  });

  /** Runs a world, with a look at it after every event. */
  const watched = async (scenario: Scenario, load: number, look: (world: World) => void): Promise<World> => {
    const world = new World({ scenario, workload: workloadOf(scenario, { count: 600, load }), seed: 1 });
    world.observer = () => look(world);
    await world.run(factory);
    return world;
  };

  test("never picks an endpoint that its probes found down", async () => {
    const faults = [{ kind: "outage", endpoints: ["b"], fromMs: 0 }];
    let knownMs = ownHealth ? Infinity : PROBE_MS;
    const { attempts } = await watched(scenarioOf({ ...three, faults }), 0.4, (world) => {
      if (hasFoundDown(world, "b")) knownMs = Math.min(knownMs, world.nowMs + NEWS_MS);
    });
    const late = [...attempts.endpoint.subarray(0, attempts.count)].filter(
      (_endpoint, attempt) => (attempts.dispatchedMs[attempt] ?? 0) >= knownMs,
    );
    expect(late.length).toBeGreaterThan(500);
    expect(late).not.toContain(1);
  });

  const failing = (share: number): Scenario =>
    scenarioOf({ ...three, faults: [{ kind: "fail_fast", endpoints: ["a"], share, fromMs: 0 }] });

  test("never repeats a request at the endpoint that failed it", async () => {
    const world = await run(failing(0.5), { load: 0.3 });
    const seen = new Set<string>();
    for (let attempt = 0; attempt < world.attempts.count; attempt += 1) {
      const key = `${world.attempts.requestOf(attempt)} ${world.attempts.endpointOf(attempt)}`;
      expect(seen.has(key)).toBe(false);
      seen.add(key);
    }
    expect(world.attempts.count).toBeGreaterThan(600);
    expect(metricsOf(world).unfinished).toBe(0);
  });

  // The production core repeats within a budget (`routing/core/shard/budget.ts`): of more failures than
  // that some reach their clients.
  test.each(ownHealth ? [0.05] : [0.05, 0.5])(
    "serves every request when a share of %s of one endpoint's fail",
    async (share) => {
      expect(metricsOf(await run(failing(share), { load: 0.3 }))).toMatchObject({ served: 600 });
    },
  );

  test.each([0.2, 0.4])("sends nobody to a cold endpoint while a warm one can serve, at load %s", async (load) => {
    const endpoints = three.endpoints.map((endpoint) => ({ ...endpoint, startsCold: endpoint.id !== "a" }));
    let looked = 0;
    const coldWhileFree: number[] = [];
    const world = await watched(scenarioOf({ ...three, endpoints }), load, ({ attempts, health, fleet, nowMs }) => {
      // Where nothing else wakes the others, a full endpoint can serve all the same: it queues.
      const canServe = !ownHealth || (fleet.inFlight[0] ?? 0) < 4;
      for (; looked < attempts.count; looked += 1) {
        const isWarm = health.warmth[attempts.endpointOf(looked)] === WARMTH.warm;
        if (!isWarm && canServe) coldWhileFree.push(nowMs);
      }
    });
    expect(coldWhileFree).toEqual([]);
    expect(metricsOf(world)).toMatchObject({ served: 600, attempts: 600 });
  });

  test("lives through everything at once", async () => {
    const faults = [
      { kind: "slow", endpoints: ["a"], fromShare: 0.1, toShare: 0.5 },
      { kind: "black_hole", endpoints: ["b"], fromShare: 0.3, toShare: 0.5 },
      { kind: "outage", regions: ["eu-central"], fromShare: 0.6, toShare: 0.7 },
      { kind: "cold", endpoints: ["c"], fromShare: 0.8, toShare: 1 },
      { kind: "burst", factor: 5, fromShare: 0.2, toShare: 0.22 },
      { kind: "jitter", sigma: 0.5, fromShare: 0, toShare: 1 },
    ];
    const world = await run(scenarioOf({ ...three, faults, firstTokenTimeoutMs: 20_000 }), { load: 0.3 });
    const { served, shed, failed, unfinished } = metricsOf(world);
    expect(served + shed + failed).toBe(600);
    expect(unfinished).toBe(0);
    expect(served).toBeGreaterThan(400);
  });

  // Both only of a policy that is asked for a pick: a router that holds requests chooses among all, and has its own
  // state.
  test.runIf(policy !== null)("picks one of the candidates it is given, retries included", () => {
    const scenario = scenarioOf({ ...three, faults: [{ kind: "fail_fast", endpoints: ["c"], fromMs: 0 }] });
    ran(scenario, workloadOf(scenario), policy === null ? factory : policyRouter(checked(policy)));
  });

  test.runIf(policy !== null)("also works on state that is old", () => {
    const scenario = scenarioOf(three);
    const world = ran(
      scenario,
      workloadOf(scenario, { count: 300 }),
      policy === null ? factory : policyRouter(policy, { staleMs: 500 }),
    );
    expect(metricsOf(world).served).toBe(300);
  });
});

function checked(inner: PolicyFactory): PolicyFactory {
  return (setup) => {
    const policy = inner(setup);
    return {
      ...policy,
      pick: (ask) => {
        const picked = policy.pick(ask);
        expect(ask.candidates).toContain(picked);
        return picked;
      },
    };
  };
}

test("no two policies have the same name", () => {
  expect(new Set(ROUTERS.map(({ name }) => name)).size).toBe(ROUTERS.length);
});

test("the look-ahead bound serves everything on step engines, and no policy's mean is below it by more than a tenth", async () => {
  const scenario = scenarioOf(step);
  const workload = workloadOf(scenario, { count: 600, load: 0.6 });
  const bound = metricsOf(ran(scenario, workload, lookAhead(0))).ttftMs;
  for (const { factory } of ROUTERS) {
    const own = metricsOf(await ranToEnd(scenario, workload, factory)).ttftMs;
    expect(own.mean).toBeGreaterThan(0.9 * bound.mean);
  }
});
