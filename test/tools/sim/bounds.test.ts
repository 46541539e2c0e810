import { describe, expect, test } from "vitest";
import { centralQueue, earliest, noQueue } from "../../../tools/sim/bounds/slots-bounds.ts";
import { quantilesOf } from "../../../tools/sim/metrics.ts";
import { ROUTERS } from "../../../tools/sim/policies/registry.ts";
import { loadScenario } from "../../../tools/sim/report/files.ts";
import { arrivingAt, ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

/** Mean wait of M/M/k in units of the mean service. */
function erlangWait(servers: number, load: number): number {
  const offered = servers * load;
  let blocking = 1;
  for (let server = 1; server <= servers; server += 1) blocking = (offered * blocking) / (server + offered * blocking);
  return blocking / (1 - load * (1 - blocking)) / (servers * (1 - load));
}

const shipped = (name: string) => {
  const scenario = loadScenario(name);
  if (!scenario.ok) throw new Error(scenario.error);
  return scenario.value;
};

describe("the central queue is M/M/k", () => {
  test.each([
    ["A", 48],
    ["B", 6],
  ])("in scenario %s", (name, servers) => {
    const scenario = shipped(name);
    const { requests } = workloadOf(scenario, { count: 200_000, load: 0.8 });
    const { mean } = quantilesOf(centralQueue(scenario, requests));
    const waitMs = mean - 10 - 100;
    expect(waitMs / 2_000 / erlangWait(servers, 0.8)).toBeCloseTo(1, 0);
    expect(Math.abs(waitMs / 2_000 - erlangWait(servers, 0.8))).toBeLessThan(0.03);
  });

  test("for which the published waits hold", () => {
    expect(erlangWait(48, 0.8)).toBeCloseTo(0.0097, 3);
    expect(erlangWait(6, 0.95)).toBeCloseTo(2.89, 1);
  });
});

describe("clairvoyant earliest completion", () => {
  const scenario = scenarioOf({
    regions: ["here", "there"],
    roundTripMs: [
      [10, 400],
      [400, 10],
    ],
    endpoints: ["here", "there"].map((region) => ({ region, slots: 1 })),
    demandByRegion: [1, 0],
  });

  test("puts each request where its first token is back first", () => {
    const { requests } = arrivingAt(scenario, [0, 0, 700]);
    // Here: 60. There beats waiting for 1000 here. The third finds here free at 1005 and there at 1200.
    expect([...earliest(scenario, requests)]).toEqual([60, 450, 1_005 - 700 + 50 + 5]);
  });

  test("is the central queue where all endpoints are alike and near", () => {
    const alike = scenarioOf({ roundTripMs: [[0]], endpoints: [{ region: "here", count: 4, slots: 2 }] });
    const { requests } = workloadOf(alike, { count: 2_000, load: 0.9 });
    const [one, other] = [earliest(alike, requests), centralQueue(alike, requests)];
    for (const [request, ttftMs] of one.entries()) expect(ttftMs).toBeCloseTo(other[request] ?? NaN, 6);
  });
});

test.each(["A", "B", "C", "D"])("no request of any policy is below the no-queue bound in scenario %s", async (name) => {
  const scenario = shipped(name);
  const workload = workloadOf(scenario, { count: 2_000, load: 0.8 });
  const bound = noQueue(scenario, workload.requests);
  for (const { factory } of ROUTERS) {
    const { ttftMs } = (await ranToEnd(scenario, workload, factory)).outcomes;
    expect(ttftMs.every((ms, request) => ms >= (bound[request] ?? 0) - 1e-6)).toBe(true);
  }
});
