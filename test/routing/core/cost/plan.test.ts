import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointView } from "../../../../src/routing/core/endpoint/endpoint-view.ts";
import { BACKLOG_SHARE, LEAD_FACTOR, PLAN_MAX, planHeld } from "../../../../src/routing/core/cost/plan.ts";
import type { HeldRequest } from "../../../../src/routing/core/cost/plan.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { endpointView, US } from "../shard/shard-fixture.ts";

/** A round trip of 10 ms: a lead of 15 ms, so that 120 ms of waiting may pass on the way. */
const near = (changes: Partial<EndpointView> = {}) =>
  endpointView({ roundTripMs: { here: 10 }, queuesExcess: true, ...changes });

const held = (count: number, excluded: readonly string[] = []): HeldRequest[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `r${index}`,
    request: { client: US, clientKey: "here", inputTokens: 0, excluded, exact: true },
    onlyRegion: null,
  }));

const ids = (views: readonly EndpointView[], requests: readonly HeldRequest[]) =>
  planHeld(requests, views, seededRng(1)).commits.map(({ id, endpointId }) => `${id}>${endpointId}`);

describe("a held request", () => {
  test("leaves for a free slot, and only as many as there are", () => {
    const oneFree = near({ inFlight: 7, capacity: 8, occupancyMs: 8_000 });
    expect(ids([oneFree], held(3))).toEqual(["r0>e1"]);
  });

  test("stays while a slot frees later than the trips take, and it is known for how long", () => {
    const full = near({ inFlight: 8, capacity: 8, occupancyMs: 8_000 });
    const { commits, staysMs } = planHeld(held(2), [full], seededRng(1));
    expect([commits, [...staysMs]]).toEqual([
      [],
      [
        ["r0", 1_000],
        ["r1", 2_000],
      ],
    ]);
  });

  test("leaves for an endpoint whose next slot frees during the trips", () => {
    // One of 64 slots frees every 31 ms.
    expect(ids([near({ inFlight: 64, capacity: 64, occupancyMs: 2_000 })], held(1))).toEqual(["r0>e1"]);
  });

  test("never waits in the queue of an endpoint that has none", () => {
    const refuses = near({ inFlight: 64, capacity: 64, occupancyMs: 2_000, queuesExcess: false });
    expect(ids([refuses], held(1))).toEqual([]);
  });

  test("leaves for a farther endpoint where it is served sooner", () => {
    const full = near({ inFlight: 8, capacity: 8, occupancyMs: 8_000 });
    const far = near({ id: "far", inFlight: 0, roundTripMs: { here: 150 } });
    expect(planHeld(held(1), [full, far], seededRng(1)).commits).toMatchObject([
      { endpointId: "far", reason: "spill" },
    ]);
  });

  test.each([
    { name: "one that it has tried", view: near(), excluded: ["e1"] },
    { name: "one that is ejected", view: near({ standing: "ejected" }), excluded: [] },
    { name: "one that is draining", view: near({ standing: "draining" }), excluded: [] },
    { name: "one that is cold", view: near({ warmth: "cold" }), excluded: [] },
  ])("does not leave for $name", ({ view, excluded }) => {
    expect(ids([view], held(1, excluded))).toEqual([]);
  });

  test("leaves the earlier the more are held: a slot must not idle while its next request travels", () => {
    const busy = near({ inFlight: 8, capacity: 8, occupancyMs: 2_000 });
    expect([1, 40].map((count) => ids([busy], held(count)).length > 0)).toEqual([false, true]);
  });
});

test("no more are planned than PLAN_MAX", () => {
  const vast = near({ inFlight: 0, capacity: 1_000 });
  expect(ids([vast], held(PLAN_MAX + 1))).toHaveLength(PLAN_MAX);
});

test("whatever the fleet: each leaves at most once, for an open endpoint, and no wait is longer than allowed", () => {
  const view = fc
    .record({
      inFlight: fc.integer({ min: 0, max: 40 }),
      capacity: fc.integer({ min: 1, max: 16 }),
      occupancyMs: fc.integer({ min: 10, max: 20_000 }),
      roundTripMs: fc.integer({ min: 1, max: 300 }).map((here) => ({ here })),
      standing: fc.constantFrom("admitting", "ejected", "draining", "down"),
      warmth: fc.constantFrom("warm", "cold", "warming"),
      queuesExcess: fc.boolean(),
    } as const)
    .map((changes) => endpointView(changes as Partial<EndpointView>));
  const fleet = fc
    .array(view, { minLength: 1, maxLength: 5 })
    .map((views) => views.map((one, index) => ({ ...one, id: `e${index}` })));
  fc.assert(
    fc.property(fleet, fc.integer({ min: 1, max: 20 }), fc.integer(), (views, count, seed) => {
      const { commits } = planHeld(held(count), views, seededRng(seed));
      expect(new Set(commits.map(({ id }) => id)).size).toBe(commits.length);
      const open = views.filter(({ standing, warmth }) => standing === "admitting" && warmth === "warm");
      const perMs = open.reduce((sum, { capacity, occupancyMs }) => sum + capacity / occupancyMs, 0);
      for (const one of open) {
        const { inFlight, capacity, occupancyMs, roundTripMs, queuesExcess } = one;
        const given = commits.filter(({ endpointId }) => endpointId === one.id).length;
        const allowedMs = LEAD_FACTOR * 1.5 * (roundTripMs["here"] ?? 0) + (BACKLOG_SHARE * count) / perMs;
        const excess = queuesExcess ? Math.floor((allowedMs * capacity) / occupancyMs + 1e-6) : 0;
        if (given > 0) expect(inFlight + given).toBeLessThanOrEqual(Math.max(capacity, capacity + excess));
      }
      expect(commits.every(({ endpointId }) => open.some(({ id }) => id === endpointId))).toBe(true);
    }),
  );
});

describe("prompts", () => {
  const prompts = (count: number, inputTokens: number): HeldRequest[] =>
    held(count).map((one) => ({ ...one, request: { ...one.request, inputTokens } }));

  test("that are held are planned each behind the prompts before it", () => {
    const near8 = { capacity: 64, prefillTokensPerMs: 10 };
    const views = [near({ ...near8 }), near({ ...near8, id: "e2", roundTripMs: { here: 30 } })];
    // 1,000 tokens take 100 ms, which outweighs the 20 ms that the second one is farther.
    expect(ids(views, prompts(4, 1_000))).toEqual(["r0>e1", "r1>e2", "r2>e1", "r3>e2"]);
  });

  test("that are bound within a time leave for a full endpoint, up to that wait and no later", () => {
    const full = near({ inFlight: 8, capacity: 8, occupancyMs: 8_000 });
    const leave = (boundWithinMs: number) =>
      planHeld(held(3), [full], seededRng(1), { boundWithinMs }).commits.map(({ id }) => id);
    expect(leave(0)).toEqual([]);
    expect(leave(1_000)).toEqual(["r0"]);
    expect(leave(2_999)).toEqual(["r0", "r1"]);
    const refuses = near({ inFlight: 8, capacity: 8, occupancyMs: 8_000, queuesExcess: false });
    expect(planHeld(held(1), [refuses], seededRng(1), { boundWithinMs: 1e6 }).commits).toEqual([]);
  });

  test("take their commit's place in line with them", () => {
    const line = near({ workTokens: 3_000, prefillTokensPerMs: 10, kvMax: 1_000, kvUsed: 900, outputTokens: 0 });
    expect(planHeld(prompts(1, 200), [line], seededRng(1)).commits).toMatchObject([
      { prompt: { work: 200, netMs: 10, aheadMs: 295, isBlocked: true } },
    ]);
  });
});
