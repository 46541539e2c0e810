/** Over random fleets: user traffic goes to a cold endpoint only where no warm one, waiting included, is faster. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EndpointView } from "../../../../src/routing/core/endpoint/endpoint-view.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { route } from "../../../../src/routing/core/cost/route.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { acquireRequest, endpointSpec, endpointView, EU, poolSpec, US } from "./shard-fixture.ts";

const anyView = fc.record({
  warmth: fc.constantFrom("cold", "warming", "warm" as const),
  standing: fc.constantFrom("admitting", "admitting", "admitting", "ejected", "draining", "down" as const),
  inFlight: fc.nat(12),
  capacity: fc.integer({ min: 1, max: 8 }),
  net: fc.integer({ min: 0, max: 400 }),
  coldMs: fc.integer({ min: 0, max: 60_000 }),
  occupancyMs: fc.integer({ min: 1, max: 20_000 }),
  prefillTokensPerMs: fc.integer({ min: 1, max: 64 }),
  failureProbability: fc.double({ min: 0, max: 0.9, noNaN: true }),
  cachedTokens: fc.nat(20_000),
});

test("a cold endpoint is chosen only when every warm one that admits would answer later", () => {
  let chosenCold = 0;
  fc.assert(
    fc.property(
      fc.array(anyView, { minLength: 1, maxLength: 8 }),
      fc.nat(20_000),
      fc.boolean(),
      fc.nat(),
      (changes, inputTokens, exact, seed) => {
        const views = changes.map(({ net, cachedTokens: _tokens, ...change }, index): EndpointView => {
          const id = `v${index}`;
          return endpointView({ id, region: id, roundTripMs: { here: net }, ...change } as Partial<EndpointView>);
        });
        const tokensByEndpoint = new Map(changes.map(({ cachedTokens }, index) => [`v${index}`, cachedTokens]));
        const request = { client: null, clientKey: "here", inputTokens, excluded: [], exact };
        const { outcome, candidates } = route(
          views,
          { ...request, affinity: { heat: 1, tokensByEndpoint } },
          seededRng(seed),
        );
        if (outcome.kind !== "chosen") return;
        const chosen = candidates.find(({ endpointId }) => endpointId === outcome.endpointId);
        if (chosen === undefined || chosen.warmth === "warm") return;
        chosenCold += 1;
        const warm = candidates.filter(({ warmth, excluded }) => warmth === "warm" && excluded === null);
        for (const one of warm) {
          expect(one.inFlight, "no warm one has a slot").toBeGreaterThanOrEqual(one.capacity);
          expect(one.totalMs).toBeGreaterThanOrEqual(chosen.totalMs);
        }
      },
    ),
    { numRuns: 2_000 },
  );
  expect(chosenCold, "the property was put to the test").toBeGreaterThan(50);
});

test("of several shards that need the same cold endpoint, only its owner wakes it, and once", () => {
  const specs = [
    endpointSpec({ id: "us", concurrencyPerWorker: 1 }),
    endpointSpec({ id: "eu", region: "eu", place: EU, workersMin: 0 }),
  ];
  const shards = { us: createShard(poolSpec(specs), "us", 1, 0), eu: createShard(poolSpec(specs), "eu", 1, 0) };
  const wakes: string[] = [];
  const ask = (region: "us" | "eu", leaseId: string, hop: 0 | 1, now: number): void => {
    const client = region === "us" ? US : EU;
    const acquired = acquire(shards[region], acquireRequest(leaseId, { client, hop }), now, seededRng(1));
    for (const effect of acquired.effects)
      if (effect.kind === "wake") wakes.push(`${region} wakes ${effect.endpointId}`);
    const { outcome } = acquired.reply;
    if (outcome.kind === "spill" && hop === 0) ask(outcome.region as "us" | "eu", `${leaseId}x`, 1, now);
  };
  for (let index = 0; index < 200; index++) ask(index % 2 === 0 ? "us" : "eu", `i-${index}`, 0, index * 10);
  expect(wakes).toEqual(["eu wakes eu"]);
});
