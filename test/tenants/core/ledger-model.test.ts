import fc from "fast-check";
import { expect, test } from "vitest";
import type { Limits } from "../../../src/tenants/core/amounts.ts";
import { LOAN_MAX, LOAN_MS } from "../../../src/tenants/core/ledger.ts";
import { WINDOW_MS } from "../../../src/tenants/core/window.ts";
import type { Admitted } from "./ledger-world.ts";
import { World } from "./ledger-world.ts";

const RUNS = Number(process.env["LEDGER_RUNS"] ?? 300);

type Step =
  | {
      readonly kind: "want";
      readonly isolate: number;
      readonly key: number;
      readonly tokens: number;
      readonly count: number;
    }
  | { readonly kind: "end"; readonly index: number; readonly share: number; readonly count: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "flush"; readonly isolate: number }
  | { readonly kind: "write" }
  | { readonly kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("want" as const),
      isolate: fc.nat(2),
      key: fc.nat(1),
      tokens: fc.integer({ min: 1, max: 60 }),
      count: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      index: fc.nat(50),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      count: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 20_000, max: 61_000 })),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("flush" as const), isolate: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "write" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

const bounds = {
  tenant: fc.constantFrom<Limits>(
    { requestsPerMinute: 40, tokensPerMinute: 1_000, concurrency: 12, microsPerDay: 3_000 },
    { requestsPerMinute: 25 },
    { tokensPerMinute: 700 },
    { concurrency: 7 },
    { microsPerMonth: 2_000, tokensPerDay: 2_500 },
  ),
  key: fc.constantFrom<Limits>(
    {},
    { requestsPerMinute: 15, concurrency: 5 },
    { microsPerDay: 900, tokensPerMinute: 400 },
  ),
};

/** A network from a seed: about one message in ten is lost, as many are doubled. */
function netOf(seed: number, isBad: boolean, delayMsMax = 110) {
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return () => ({
    delayMs: Math.floor(next() * delayMsMax),
    isLost: isBad && next() < 0.1,
    isDoubled: isBad && next() < 0.1,
  });
}

function run(world: World, steps: readonly Step[]): void {
  for (const one of steps) {
    switch (one.kind) {
      case "want":
        for (let count = 0; count < one.count; count += 1)
          world.want({ isolate: one.isolate, key: `k${one.key}`, tokens: one.tokens, micros: one.tokens * 2 });
        break;
      case "end":
        for (let count = 0; count < one.count; count += 1) world.end(one.index, one.share);
        break;
      case "pass":
        world.pass(one.ms);
        break;
      case "flush":
        world.flush(one.isolate);
        break;
      case "write":
        world.write();
        break;
      case "restart":
        world.restart();
        break;
    }
  }
}

/** The most of any minute, at the beginnings of which it can be. */
function mostInAMinute(admitted: readonly Admitted[], of: (one: Admitted) => number): number {
  let most = 0;
  for (const { atMs } of admitted) {
    const within = admitted.filter((other) => other.atMs >= atMs && other.atMs < atMs + WINDOW_MS);
    most = Math.max(
      most,
      within.reduce((sum, one) => sum + of(one), 0),
    );
  }
  return most;
}

function mostAtOnce(admitted: readonly Admitted[]): number {
  let most = 0;
  for (const { atMs } of admitted)
    most = Math.max(
      most,
      admitted.filter((one) => one.atMs <= atMs && (one.endMs === null || one.endMs > atMs)).length,
    );
  return most;
}

function expectWithin(admitted: readonly Admitted[], limits: Limits): void {
  const total = (of: (one: Admitted) => number) => admitted.reduce((sum, one) => sum + of(one), 0);
  const { requestsPerMinute, tokensPerMinute, concurrency, tokensPerDay, microsPerDay, microsPerMonth } = limits;
  expect(mostInAMinute(admitted, () => 1)).toBeLessThanOrEqual(requestsPerMinute ?? Infinity);
  expect(mostInAMinute(admitted, ({ tokens }) => tokens)).toBeLessThanOrEqual(tokensPerMinute ?? Infinity);
  expect(mostAtOnce(admitted)).toBeLessThanOrEqual(concurrency ?? Infinity);
  // All within one day: the sum is the day's.
  expect(total(({ tokens }) => tokens)).toBeLessThanOrEqual(tokensPerDay ?? Infinity);
  expect(total(({ micros }) => micros)).toBeLessThanOrEqual(
    Math.min(microsPerDay ?? Infinity, microsPerMonth ?? Infinity),
  );
}

test.each([
  ["that works", false],
  ["that loses and doubles", true],
])("no limit is exceeded in any minute, at any time, by any isolates, restarts, or a network %s", (_, isBad) => {
  fc.assert(
    fc.property(
      fc.record(bounds),
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.nat(),
      fc.boolean(),
      (limits, steps, seed, waits) => {
        const world = new World({ isolates: 3, bounds: limits, net: netOf(seed, isBad), queueMax: waits ? 5 : 0 });
        run(world, steps);
        expectWithin(world.admitted, limits.tenant);
        for (const key of ["k0", "k1"])
          expectWithin(
            world.admitted.filter((one) => one.key === key),
            limits.key,
          );
      },
    ),
    { numRuns: RUNS },
  );
});

test("what was used is counted once, over restarts and a network that loses and doubles", () => {
  fc.assert(
    fc.property(fc.record(bounds), fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), (limits, steps, seed) => {
      const world = new World({ isolates: 3, bounds: limits, net: netOf(seed, true) });
      run(world, steps);
      world.settleAll();
      const used = world.admitted.reduce(
        (sum, { tokens, micros }) => ({
          requests: sum.requests + 1,
          tokens: sum.tokens + tokens,
          micros: sum.micros + micros,
        }),
        { requests: 0, tokens: 0, micros: 0 },
      );
      expect(world.kept).toEqual(used);
      expect(world.ledger.tenant.live).toEqual({ requests: 0, tokens: 0, micros: 0 });
    }),
    { numRuns: RUNS },
  );
});

test("three isolates and a restart get what the limit allows, within 1 %", () => {
  const limit = 600;
  const world = new World({
    isolates: 3,
    bounds: { tenant: { requestsPerMinute: limit }, key: {} },
    net: netOf(7, false),
  });
  const startMs = world.now;
  const minutes = 5;
  for (let tick = 0; tick < minutes * 600; tick += 1) {
    for (let count = 0; count < 6; count += 1) world.want({ isolate: tick + count, key: "k", tokens: 1, micros: 0 });
    while (world.running.length > 20) world.end(0, 1);
    for (const isolate of [0, 1, 2]) world.flush(isolate);
    if (tick % 10 === 0) world.write();
    if (tick === 1_450) world.restart();
    world.pass(100);
  }
  const within = world.admitted.filter(({ atMs }) => atMs < startMs + minutes * WINDOW_MS).length;
  expect(within / (limit * minutes)).toBeGreaterThan(0.99);
  expect(mostInAMinute(world.admitted.slice(-1_500), () => 1)).toBeLessThanOrEqual(limit);
});

test("while there is slack, few requests ask", () => {
  const world = new World({
    isolates: 3,
    bounds: { tenant: { requestsPerMinute: 60_000, microsPerDay: 1e12 }, key: {} },
    net: netOf(7, false, 20),
  });
  for (let tick = 0; tick < 2_000; tick += 1) {
    for (let count = 0; count < 3; count += 1) world.want({ isolate: count, key: "k", tokens: 10, micros: 10 });
    while (world.running.length > 20) world.end(0, 1);
    if (tick % 50 === 0) for (const isolate of [0, 1, 2]) world.flush(isolate);
    world.pass(5);
  }
  world.pass(1_000);
  expect(world.admitted.length).toBe(6_000);
  expect(world.asks / world.admitted.length).toBeLessThan(0.12);
});

test("far from any limit an isolate with few requests asks for a part of them", () => {
  const world = new World({
    isolates: 3,
    bounds: { tenant: { requestsPerMinute: 1e6, microsPerDay: 1e12 }, key: { concurrency: 1e5 } },
    net: netOf(7, false, 20),
  });
  for (let tick = 0; tick < 300; tick += 1) {
    for (const isolate of [0, 1, 2]) world.want({ isolate, key: "k", tokens: 10, micros: 10 });
    while (world.running.length > 3) world.end(0, 1);
    if (tick % 5 === 0) for (const isolate of [0, 1, 2]) world.flush(isolate);
    world.pass(200);
  }
  expect(world.admitted.length).toBe(900);
  expect(world.asks / world.admitted.length).toBeLessThan(0.3);
});

test("who serves more than is ever lent at once, far from any limit, is not near one: what ends is told together", () => {
  const world = new World({
    isolates: 1,
    bounds: { tenant: { requestsPerMinute: 1e9, concurrency: 1e6 }, key: {} },
    net: netOf(7, false, 2),
  });
  let tight = 0;
  for (let tick = 0; tick < 300; tick += 1) {
    for (let count = 0; count < 30; count += 1) world.want({ isolate: 0, key: "k", tokens: 10, micros: 10 });
    while (world.running.length > 20) world.end(0, 1);
    if (tick % 50 === 0) world.flush(0);
    world.pass(5);
    if (world.isolates[0]?.isTight === true) tight += 1;
  }
  // Thirty a tick of 5 ms.
  expect(30 * (LOAN_MS / 5)).toBeGreaterThan(LOAN_MAX);
  expect(world.admitted.length).toBe(9_000);
  expect(tight).toBe(0);
  expect(world.asks / world.admitted.length).toBeLessThan(0.02);
});

test.each(["tenant", "key"] as const)(
  "what a %s has used of its day stays used after its requests have ended",
  (whose) => {
    const capped = { microsPerDay: 100 };
    const capOf = { tenant: whose === "tenant" ? capped : {}, key: whose === "key" ? capped : {} };
    const world = new World({ isolates: 3, bounds: capOf, net: netOf(7, false) });
    for (let turn = 0; turn < 60; turn += 1) {
      world.want({ isolate: turn, key: "k", tokens: 1, micros: 10 });
      world.pass(500);
      world.end(0, 1);
      world.flush(turn);
      world.pass(500);
    }
    expect(world.admitted.reduce((sum, { micros }) => sum + micros, 0)).toBe(100);
    expect(world.refused.at(-1)).toMatchObject({ kind: "refused", limit: "microsPerDay", whose });
  },
);

test("a request that ends twice is used once", () => {
  const world = new World({ isolates: 1, bounds: { tenant: { microsPerDay: 100 }, key: {} }, net: netOf(7, false) });
  world.want({ isolate: 0, key: "k", tokens: 1, micros: 10 });
  world.pass(500);
  const [running] = world.running;
  if (running === undefined) throw new Error("nothing runs");
  world.end(0, 1);
  world.running.push(running);
  world.settleAll();
  expect(world.kept).toEqual({ requests: 1, tokens: 1, micros: 10 });
});
