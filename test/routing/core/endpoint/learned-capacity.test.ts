import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endpointView, observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import {
  createLearnedLimit,
  LIMIT_MAX,
  LIMIT_MIN,
  LIMIT_START,
  limitOf,
  observeNoRoom,
  observeResidual,
  observeUntimed,
  WINDOW_MS,
  WINDOW_SAMPLES,
} from "../../../../src/routing/core/endpoint/learned-limit.ts";
import type { LearnedLimit } from "../../../../src/routing/core/endpoint/learned-limit.ts";
import { endpointState, observeAttempt, settlement } from "../shard/shard-fixture.ts";

/** One full window of attempts with this residual at this in-flight; returns the instant of its last sample. */
function window(learned: LearnedLimit, residualMs: number, inFlight: number, now: number): number {
  for (let i = 0; i < WINDOW_SAMPLES; i++) observeResidual(learned, { residualMs, inFlight }, now + WINDOW_MS);
  return now + WINDOW_MS;
}

/** An engine with `slots`: within them a first token comes at once, beyond them after a turn of the queue. */
const queueing = (slots: number, occupancyMs: number) => (inFlight: number) =>
  inFlight < slots ? 0 : ((inFlight - slots + 1) * occupancyMs) / slots;

/** Keeps the endpoint as full as the limit allows, for so many windows; the limits that were reached. */
function saturate(residual: (inFlight: number) => number, windows: number, learned = createLearnedLimit(0)): number[] {
  let now = learned.window.sinceMs;
  return Array.from({ length: windows }, () => {
    const inFlight = limitOf(learned) - 1;
    now = window(learned, residual(inFlight), inFlight, now);
    return limitOf(learned);
  });
}

describe("the learned limit", () => {
  test("begins at LIMIT_START", () => {
    expect(limitOf(createLearnedLimit(0))).toBe(LIMIT_START);
  });

  test("grows to LIMIT_MAX while nothing ever waits, and no further", () => {
    expect(saturate(() => 0, 300).at(-1)).toBe(LIMIT_MAX);
  });

  test.each([
    { slots: 1, occupancyMs: 2_000, most: 2 },
    { slots: 4, occupancyMs: 2_000, most: 6 },
    { slots: 16, occupancyMs: 2_000, most: 20 },
    { slots: 64, occupancyMs: 2_000, most: 76 },
  ])("settles near the $slots requests that an engine serves at once", ({ slots, occupancyMs, most }) => {
    const last = saturate(queueing(slots, occupancyMs), 400).slice(-100);
    const mean = last.reduce((sum, limit) => sum + limit, 0) / last.length;
    expect(Math.max(...last)).toBeLessThanOrEqual(most);
    expect(mean).toBeGreaterThanOrEqual(0.7 * slots);
  });

  test("follows an engine that serves fewer than before within a minute", () => {
    const learned = createLearnedLimit(0);
    saturate(queueing(32, 2_000), 200, learned);
    expect(saturate(queueing(4, 2_000), 60, learned).at(-1)).toBeLessThanOrEqual(8);
  });

  test("does not fall for an engine whose first token is always late by as much", () => {
    expect(saturate(() => 400, 300).at(-1)).toBeGreaterThan(LIMIT_START);
  });

  test.each([0, 10_000])("does not move while it is not half used, whatever the residual (%d ms)", (residualMs) => {
    const learned = createLearnedLimit(0);
    let now = window(learned, 0, 7, 0);
    const before = learned.limit;
    for (let i = 0; i < 50; i++) now = window(learned, residualMs, 1, now);
    expect(learned.limit).toBe(before);
  });

  test("is not lowered by the waits of requests that were sent beyond it, and is raised when they do not wait", () => {
    const learned = createLearnedLimit(0);
    let now = 0;
    for (let i = 0; i < 20; i++) now = window(learned, 5_000, 12, now);
    expect(learned.limit).toBe(LIMIT_START);
    window(learned, 0, 12, now);
    expect(learned.limit).toBeGreaterThan(LIMIT_START);
  });

  test("waits for a window of WINDOW_SAMPLES samples and WINDOW_MS", () => {
    const learned = createLearnedLimit(0);
    for (let i = 0; i < 100; i++) observeResidual(learned, { residualMs: 0, inFlight: 7 }, WINDOW_MS - 1);
    expect(learned.limit).toBe(LIMIT_START);
    observeResidual(learned, { residualMs: 0, inFlight: 7 }, WINDOW_MS);
    expect(learned.limit).toBeGreaterThan(LIMIT_START);
    const before = learned.limit;
    for (let i = 1; i < WINDOW_SAMPLES; i++) observeResidual(learned, { residualMs: 0, inFlight: 7 }, 9 * WINDOW_MS);
    expect(learned.limit).toBe(before);
  });

  test.each([
    { name: "beside as many as the limit", inFlight: LIMIT_START, is: 0.9 * LIMIT_START },
    { name: "beside fewer", inFlight: 1, is: 0.9 * LIMIT_START },
    { name: "beside more, as one that is no longer so full", inFlight: 20, is: LIMIT_START },
    { name: "to a request alone: that is not our doing", inFlight: 0, is: LIMIT_START },
  ])("loses at most a tenth by a capacity answer $name", ({ inFlight, is }) => {
    const learned = createLearnedLimit(0);
    observeNoRoom(learned, inFlight, 0);
    expect(learned.limit).toBeCloseTo(is, 9);
  });

  test("loses no more by a storm of capacity answers than by one a window, and does not grow meanwhile", () => {
    const learned = createLearnedLimit(0);
    for (let now = 0; now < 3 * WINDOW_MS; now += 10) observeNoRoom(learned, 5, now);
    expect(learned.limit).toBeCloseTo(0.9 ** 3 * LIMIT_START, 9);
    const before = learned.limit;
    window(learned, 0, 7, 2 * WINDOW_MS);
    expect(learned.limit).toBe(before);
  });

  test("comes back to its start, and not beyond, by answers that show no first token", () => {
    const learned = createLearnedLimit(0);
    for (let now = 0; now < 30 * WINDOW_MS; now += WINDOW_MS) observeNoRoom(learned, 1, now);
    expect(limitOf(learned)).toBe(LIMIT_MIN);
    for (let now = 30 * WINDOW_MS; now < 90 * WINDOW_MS; now += WINDOW_MS / WINDOW_SAMPLES)
      observeUntimed(learned, now);
    expect(learned.limit).toBe(LIMIT_START);
  });

  test("stays within its bounds, whatever it is told", () => {
    const anyNews = fc.oneof(
      fc.record({ residualMs: fc.double(), inFlight: fc.double(), gapMs: fc.integer({ min: 0, max: 3_000 }) }),
      fc.record({ noRoomAt: fc.double(), gapMs: fc.integer({ min: 0, max: 3_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(anyNews, { maxLength: 400 }), (news) => {
        const learned = createLearnedLimit(0);
        let now = 0;
        for (const one of news) {
          now += one.gapMs;
          observeUntimed(learned, now);
          if ("noRoomAt" in one) observeNoRoom(learned, one.noRoomAt, now);
          else observeResidual(learned, one, now);
          expect(learned.limit).toBeGreaterThanOrEqual(LIMIT_MIN);
          expect(learned.limit).toBeLessThanOrEqual(LIMIT_MAX);
        }
      }),
    );
  });

  test("is never lower for smaller residuals", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 40 }), (residuals) => {
        const [less, more] = [createLearnedLimit(0), createLearnedLimit(0)];
        // The same base for both: what a request alone shows.
        let now = Math.max(window(less, 0, 0, 0), window(more, 0, 0, 0));
        for (const residualMs of residuals) {
          window(less, residualMs / 2, limitOf(less) - 1, now);
          now = window(more, residualMs, limitOf(more) - 1, now);
          expect(less.limit).toBeGreaterThanOrEqual(more.limit - 1e-9);
        }
      }),
    );
  });
});

describe("an endpoint whose concurrency is not configured", () => {
  const learning = () => endpointState({ concurrencyPerWorker: null });

  test("has LIMIT_START slots for each warm GPU worker at first", () => {
    const state = learning();
    expect(endpointView(state, 0, 0).capacity).toBe(LIMIT_START);
    observeProbe(state, { kind: "ready", warmWorkers: 3 }, 0);
    expect(endpointView(state, 0, 0).capacity).toBe(3 * LIMIT_START);
  });

  test("gets more while its first tokens stay early, and fewer when they come late", () => {
    const state = learning();
    let now = 0;
    const serve = (ttftMs: number, windows: number) => {
      for (let sample = 0; sample < windows * WINDOW_SAMPLES; sample++) {
        now += WINDOW_MS / WINDOW_SAMPLES + 1;
        const inFlightAtGrant = endpointView(state, 0, now).capacity - 1;
        observeAttempt(state, settlement({ ttftMs, headersMs: 40, inFlightAtGrant }), now);
      }
      return endpointView(state, 0, now).capacity;
    };
    const grown = serve(45, 20);
    expect(grown).toBeGreaterThan(2 * LIMIT_START);
    expect(serve(3_000, 20)).toBeLessThan(grown / 4);
  });

  test("is taught nothing higher by answers that show no first token", () => {
    const state = learning();
    for (let i = 0; i < 100; i++) observeAttempt(state, settlement({ ttftMs: null, inFlightAtGrant: 7 }), i * 1_000);
    expect(endpointView(state, 0, 200_000).capacity).toBe(LIMIT_START);
  });

  test("lowers what it learned at a capacity answer, beyond the moment of the cut", () => {
    const state = learning();
    observeAttempt(state, settlement({ outcome: "capacity", inFlightAtGrant: 5 }), 0);
    expect(endpointView(state, 0, 0).capacity).toBe(5);
    expect(endpointView(state, 0, 1e6).capacity).toBe(7);
  });
});
