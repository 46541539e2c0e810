/** What is told of a fault is what happened. */
import { describe, expect, test } from "vitest";
import { BACK_MS, faultMetrics, NOTICE_MS } from "../../../tools/sim/fault-metrics.ts";
import { loadScenario } from "../../../tools/sim/report/files.ts";
import { production } from "../../../tools/sim/production/router.ts";
import type { Router } from "../../../tools/sim/router.ts";
import { createWorkload } from "../../../tools/sim/workload.ts";
import type { World } from "../../../tools/sim/world.ts";
import { arrivingAt, ran, ranToEnd, routerNamed, scenarioOf } from "./worlds.ts";

const FROM_MS = 20_000;
const TO_MS = 40_000;

/** One endpoint in each of two regions; the first region's is away from FROM_MS to TO_MS. */
const outage = scenarioOf({
  regions: ["here", "there"],
  roundTripMs: [
    [10, 100],
    [100, 10],
  ],
  endpoints: [
    { region: "here", slots: 4 },
    { region: "there", slots: 4 },
  ],
  faults: [{ kind: "outage", regions: ["here"], fromMs: FROM_MS, toMs: TO_MS }],
});

/** Sends everything to one endpoint, and tries nothing again. */
const stubborn =
  (endpoint: number) =>
  (world: World): Router => ({
    arrive: (request) => world.dispatch(request, endpoint),
    onFailure: (attempt, reason) => {
      if (reason !== "broken") world.fail(world.attempts.requestOf(attempt));
    },
  });

const toldOf = (timesMs: readonly number[], endpoint: number) =>
  faultMetrics(ran(outage, arrivingAt(outage, timesMs), stubborn(endpoint)));

describe("what is told of a fault", () => {
  test("is nothing where there is none", () => {
    const scenario = scenarioOf();
    expect(faultMetrics(ran(scenario, arrivingAt(scenario, [0]), stubborn(0)))).toBeNull();
  });

  test("counts streams that broke apart from requests that never began", () => {
    // Work of 1 s with its first token after 50 ms: the first one runs when the region goes, the second comes later.
    expect(toldOf([FROM_MS - 500, FROM_MS + 500], 0)).toMatchObject({ cutStreams: 1, lostRequests: 1 });
    expect(toldOf([FROM_MS - 500, FROM_MS + 500], 1)).toMatchObject({ cutStreams: 0, lostRequests: 0 });
  });

  test.each([
    ["the router may still notice", FROM_MS + NOTICE_MS - 1, NaN],
    ["it should have noticed", FROM_MS + NOTICE_MS, 1],
    ["the fault is nearly over", TO_MS - 1, 1],
    ["the fault is over", TO_MS, NaN],
  ])("counts what is still sent there: %s", (_, atMs, strayShare) => {
    expect(toldOf([atMs], 0)).toMatchObject({ strayShare });
  });

  test("sees who stayed at home before it, and who is back after it", () => {
    const before = FROM_MS - BACK_MS + NOTICE_MS;
    const after = TO_MS + NOTICE_MS;
    expect(toldOf([before, after], 0)).toMatchObject({ homeBefore: 1, homeAfter: 1 });
    expect(toldOf([before, after], 1)).toMatchObject({ homeBefore: 0, homeAfter: 0 });
    expect(toldOf([before - 1, after - 1, TO_MS + BACK_MS], 0)).toMatchObject({ homeBefore: NaN, homeAfter: NaN });
  });
});

describe("the production core", () => {
  const run = async (name: string, seed: number, factory = production()) => {
    const scenario = loadScenario(name);
    if (!scenario.ok) throw new Error(scenario.error);
    const load = scenario.value.loads[0] ?? 0.5;
    const workload = createWorkload(scenario.value, { load, seed, count: 8_000, trace: null });
    return faultMetrics(await ranToEnd(scenario.value, workload, factory, seed));
  };

  test.each([1, 2])("sends a sinkhole at most 2 %% of the dispatches once it was noticed, seed %i", async (seed) => {
    expect((await run("sinkhole", seed))?.strayShare).toBeLessThan(0.02);
    // The same world draws a router without a breaker in.
    expect((await run("sinkhole", seed, routerNamed("least-outstanding-k")?.factory))?.strayShare).toBeGreaterThan(0.3);
  });

  test("loses no request that another region could have served, and brings clients home", async () => {
    const told = [await run("outage", 1), await run("outage", 2), await run("outage", 3)];
    for (const one of told) expect(one).toMatchObject({ lostRequests: 0, strayShare: 0 });
    // Of all seeds together: each has some twenty clients in those five seconds, and at any time one in 25 is served sooner
    // elsewhere.
    const home = told.map((one) => one?.homeAfter ?? 0);
    expect(home.reduce((sum, share) => sum + share) / home.length).toBeGreaterThan(0.9);
  });
});
