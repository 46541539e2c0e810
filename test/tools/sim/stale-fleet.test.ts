/** What a router with old news of other regions sees: its own region, what was true there, and what it sent. */
import { describe, expect, test } from "vitest";
import { policyRouter } from "../../../tools/sim/policy-router.ts";
import { arrivingAt, ran, scenarioOf } from "./worlds.ts";

const STALE_MS = 100;

/** Two regions with an endpoint each, a round trip of 40 ms between them, work that outlasts the test. */
const scenario = scenarioOf({
  regions: ["here", "there"],
  roundTripMs: [
    [0, 40],
    [40, 0],
  ],
  endpoints: ["here", "there"].map((region) => ({ region, slots: 8 })),
  demand: { workMs: { kind: "fixed", mean: 60_000 } },
  demandByRegion: [1, 1],
});

/** In flight at the endpoint that all are sent to, as the region of each request sees it when the request comes. */
function seenOf(endpoint: number, arrivals: readonly (readonly [atMs: number, region: number])[]): number[] {
  const workload = arrivingAt(
    scenario,
    arrivals.map(([atMs]) => atMs),
  );
  workload.requests.region.set(arrivals.map(([, region]) => region));
  const seen: number[] = [];
  const pick = ({ fleet }: { readonly fleet: { readonly inFlight: Float64Array } }): number => {
    seen.push(fleet.inFlight[endpoint] ?? 0);
    return endpoint;
  };
  ran(
    scenario,
    workload,
    policyRouter(() => ({ pick }), { staleMs: STALE_MS }),
  );
  return seen;
}

const [HERE, THERE] = [0, 1];

describe("a region with old news of the others", () => {
  test("sees its own endpoints exactly, whoever sends there", () => {
    const arrivals = [
      [0, HERE],
      [1, THERE],
      [2, HERE],
      [3, HERE],
    ] as const;
    expect(seenOf(HERE, arrivals)).toEqual([0, 0, 2, 3]);
  });

  test("sees what others sent to a third place when it is old enough", () => {
    const arrivals = [
      [0, THERE],
      [50, HERE],
      [STALE_MS - 1, HERE],
      [STALE_MS, HERE],
    ] as const;
    // Its own of 50 and 99 are counted from the start; the other region's of 0 from 100 on.
    expect(seenOf(THERE, arrivals)).toEqual([0, 0, 1, 3]);
  });

  test("counts what it sent there once, before and after the old state has it", () => {
    const arrivals = [
      [0, HERE],
      [10, HERE],
      [STALE_MS, HERE],
      [STALE_MS + 10, HERE],
      [3 * STALE_MS, HERE],
    ] as const;
    expect(seenOf(THERE, arrivals)).toEqual([0, 1, 2, 3, 4]);
  });

  test("does not see what a neighbour sends there before its time", () => {
    const arrivals = [
      [0, HERE],
      [10, HERE],
      [20, THERE],
      [30, THERE],
    ] as const;
    // There, its own endpoint is exact; the two of the other region are at its edge's count already.
    expect(seenOf(THERE, arrivals)).toEqual([0, 1, 2, 3]);
    expect(seenOf(HERE, arrivals)).toEqual([0, 1, 0, 1]);
  });
});
