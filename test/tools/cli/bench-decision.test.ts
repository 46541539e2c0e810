/** What the benchmark of a decision measures is what it says; how fast it is, no test asks. */
import { describe, expect, test } from "vitest";
import { contendersFor, SIZES } from "../../../bench/decision.ts";
import { createTraffic, LIVE } from "../../../bench/decision-traffic.ts";
import { PLAN_MAX } from "../../../src/routing/core/cost/plan.ts";
import { seededRng } from "../../../src/lib/rng.ts";

describe.each(SIZES)("with %i endpoints", (endpoints) => {
  test("the asked shard grants every request and settles one for it, so its load stays", () => {
    const traffic = createTraffic(endpoints, seededRng(1));
    const before = traffic.ownInFlight();
    for (let time = 0; time < 500; time += 1) expect(traffic.decide().kind).toBe("granted");
    expect(traffic.ownInFlight()).toBe(before);
    expect(before).toBe(LIVE * Math.ceil(endpoints / 3));
  });

  test("the shard knows its clients' round trips, its engines' load and its peers' in-flight", () => {
    const traffic = createTraffic(endpoints, seededRng(1));
    const views = traffic.views();
    expect(views).toHaveLength(endpoints);
    for (const { region, inFlight, roundTripMs, loadCurveMs } of views) {
      expect(inFlight).toBeGreaterThan(0);
      expect(loadCurveMs.at(-1)).toBeGreaterThan(0);
      if (region === "us-east") for (const { key } of traffic.clients) expect(roundTripMs[key]).toBeGreaterThan(0);
    }
  });

  test("the pure choice finds an endpoint for every client", () => {
    const { route } = contendersFor(endpoints);
    for (let time = 0; time < 20; time += 1) expect(route()).toMatchObject({ outcome: { kind: "chosen" } });
  });

  test("while everything is full, the plan lets nobody go", () => {
    const { plan } = contendersFor(endpoints);
    expect(plan()).toMatchObject({ commits: [], staysMs: { size: PLAN_MAX } });
  });

  test("the floor spreads over all endpoints alike", () => {
    const { floor } = contendersFor(endpoints);
    const picked = Array.from({ length: 3 * LIVE * endpoints }, () => floor());
    expect(new Set(picked).size).toBe(endpoints);
  });
});
