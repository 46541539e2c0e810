/** What operators are told of a pool: at the limit and not before, once, and again only after it was well. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isWell, lookAtPool, POOL_WELL, YOUNG_AGAIN } from "../../../src/jobs/core/pool-events.ts";
import type { PoolEvent, PoolEventState, PoolSight } from "../../../src/jobs/core/pool-events.ts";

const RULES = { noHealthyEndpointMs: 60_000, queueOlderThanMs: 30_000 };
const WELL: PoolSight = { isHealthy: true, oldestDueMs: null };
const T = 1_000_000;

type Look = readonly [atMs: number, sight: Partial<PoolSight>];

function told(looks: readonly Look[], rules: { noHealthyEndpointMs: number; queueOlderThanMs: number | null } = RULES) {
  let state: PoolEventState = POOL_WELL;
  const events: (PoolEvent & { readonly atMs: number })[] = [];
  for (const [atMs, sight] of looks) {
    const look = lookAtPool(state, rules, { ...WELL, ...sight }, atMs);
    state = look.state;
    events.push(...look.events.map((event) => ({ ...event, atMs })));
  }
  return events.map(({ type, atMs }) => `${type}@${atMs - T}`);
}

describe("no healthy endpoint", () => {
  const none = { isHealthy: false };
  test.each<[name: string, looks: Look[], expected: string[]]>([
    [
      "a ms before its time is not told",
      [
        [T, none],
        [T + 59_999, none],
      ],
      [],
    ],
    [
      "at its time is told",
      [
        [T, none],
        [T + 60_000, none],
      ],
      ["pool.no_healthy_endpoint@60000"],
    ],
    [
      "is told once, however long it lasts",
      [
        [T, none],
        [T + 60_000, none],
        [T + 61_000, none],
        [T + 900_000, none],
      ],
      ["pool.no_healthy_endpoint@60000"],
    ],
    [
      "one healthy endpoint in between starts the time anew",
      [
        [T, none],
        [T + 59_000, WELL],
        [T + 60_000, none],
        [T + 119_999, none],
      ],
      [],
    ],
    [
      "is told again when it happens again",
      [
        [T, none],
        [T + 60_000, none],
        [T + 70_000, WELL],
        [T + 80_000, none],
        [T + 140_000, none],
      ],
      ["pool.no_healthy_endpoint@60000", "pool.no_healthy_endpoint@140000"],
    ],
    [
      "not knowing neither ends it nor tells it",
      [
        [T, none],
        [T + 60_000, { isHealthy: null }],
        [T + 61_000, none],
      ],
      ["pool.no_healthy_endpoint@61000"],
    ],
    [
      "not knowing from the start is no occurrence",
      [
        [T, { isHealthy: null }],
        [T + 90_000, { isHealthy: null }],
      ],
      [],
    ],
  ])("%s", (_, looks, expected) => {
    expect(told(looks)).toEqual(expected);
  });
});

describe("an old queue", () => {
  const oldest = (ageMs: number, atMs: number): Look => [atMs, { oldestDueMs: atMs - ageMs }];
  test.each<[name: string, looks: Look[], expected: string[]]>([
    ["a ms before its time is not told", [oldest(29_999, T)], []],
    ["at its time is told, and once", [oldest(30_000, T), oldest(31_000, T + 1_000)], ["pool.queue_old@0"]],
    [
      "that moves on about its limit is one occurrence",
      [oldest(30_000, T), oldest(29_000, T + 1_000), oldest(30_500, T + 2_000)],
      ["pool.queue_old@0"],
    ],
    [
      "that was young again is told again",
      [oldest(30_000, T), oldest(30_000 * YOUNG_AGAIN - 1, T + 1_000), oldest(30_000, T + 20_000)],
      ["pool.queue_old@0", "pool.queue_old@20000"],
    ],
    [
      "that was empty is told again",
      [oldest(30_000, T), [T + 1, WELL], oldest(30_000, T + 2)],
      ["pool.queue_old@0", "pool.queue_old@2"],
    ],
  ])("%s", (_, looks, expected) => {
    expect(told(looks)).toEqual(expected);
  });

  test("is nobody's business where no limit is configured", () => {
    expect(told([[T, { oldestDueMs: 0 }]], { ...RULES, queueOlderThanMs: null })).toEqual([]);
  });
});

test("the next look is asked for when the first of both would be due, and for none when all is told", () => {
  const look = lookAtPool(POOL_WELL, RULES, { isHealthy: false, oldestDueMs: T - 10_000 }, T);
  expect(look.nextMs).toBe(T + 20_000);
  expect(isWell(look.state)).toBe(false);
  const late = lookAtPool(look.state, RULES, { isHealthy: false, oldestDueMs: T - 10_000 }, T + 60_000);
  expect(late.nextMs).toBe(null);
  expect(late.events).toHaveLength(2);
});

test("whatever is seen, an occurrence is told once, never before its time, and a well pool is at rest", () => {
  const sight = fc.record({
    passMs: fc.integer({ min: 0, max: 50_000 }),
    isHealthy: fc.constantFrom(true, false, null),
    ageMs: fc.option(fc.integer({ min: 0, max: 90_000 })),
  });
  fc.assert(
    fc.property(fc.array(sight, { maxLength: 60 }), (sights) => {
      let state: PoolEventState = POOL_WELL;
      let now = T;
      let isOpen = true;
      for (const { passMs, isHealthy, ageMs } of sights) {
        now += passMs;
        const look = lookAtPool(state, RULES, { isHealthy, oldestDueMs: ageMs === null ? null : now - ageMs }, now);
        if (isHealthy === true) isOpen = true;
        for (const event of look.events) {
          if (event.type === "pool.queue_old") {
            expect(state.isOldTold).toBe(false);
            expect(now - event.oldestDueMs).toBeGreaterThanOrEqual(RULES.queueOlderThanMs);
            continue;
          }
          expect(isOpen).toBe(true);
          isOpen = false;
          expect(now - event.sinceMs).toBeGreaterThanOrEqual(RULES.noHealthyEndpointMs);
        }
        if (look.nextMs !== null) expect(look.nextMs).toBeGreaterThan(now);
        state = look.state;
        if (isHealthy === true && ageMs === null) expect(isWell(state)).toBe(true);
      }
    }),
  );
});
