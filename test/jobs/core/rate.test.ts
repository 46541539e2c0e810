import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createRateWindow,
  DEFAULT_RATES,
  type RateCall,
  type RateLimit,
  SLOT_MS,
  SLOTS,
  takeRate,
} from "../../../src/jobs/core/rate.ts";

const WINDOW_MS = SLOTS * SLOT_MS;
const limitOf = (callsPer10s: number, concurrentMax: number | null = null): RateLimit => ({
  callsPer10s,
  concurrentMax,
  perWorkerPer10s: 0,
});
const callOf = (limit: RateLimit): RateCall => ({ limit, runningWorkers: 0, concurrent: 0 });

test.each([
  ["run", 1_000, 200],
  ["runsync", 2_000, 400],
  ["status", 2_000, 400],
  ["stream", 2_000, 400],
  ["cancel", 100, 20],
  ["purge-queue", 2, null],
  ["openai", 2_000, 400],
  ["requests", 10, 2],
] as const)("%s: %i calls in 10 s, %s at once", (operation, calls, concurrentMax) => {
  const limit = DEFAULT_RATES[operation];
  const window = createRateWindow();
  for (let at = 0; at < calls; at += 1) expect(takeRate(window, callOf(limit), 5_000).kind).toBe("admitted");
  expect(takeRate(window, callOf(limit), 5_000)).toMatchObject({ kind: "refused", reason: "rate" });
  if (concurrentMax === null) return;
  const busy = (concurrent: number): string => takeRate(createRateWindow(), { ...callOf(limit), concurrent }, 0).kind;
  expect([busy(concurrentMax - 1), busy(concurrentMax)]).toEqual(["admitted", "refused"]);
});

test("no 10 s anywhere hold more than the limit, and Retry-After is true", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 20, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 8 }), (gapsMs, callsMax) => {
      const window = createRateWindow();
      const admitted: number[] = [];
      let now = 1_000_000;
      for (const gapMs of gapsMs) {
        now += gapMs;
        let answer = takeRate(window, callOf(limitOf(callsMax)), now);
        if (answer.kind === "refused") {
          expect(takeRate(window, callOf(limitOf(callsMax)), now + answer.retryAfterMs - 1).kind).toBe("refused");
          now += answer.retryAfterMs;
          answer = takeRate(window, callOf(limitOf(callsMax)), now);
        }
        expect(answer.kind).toBe("admitted");
        admitted.push(now);
        expect(admitted.filter((atMs) => atMs > now - WINDOW_MS).length).toBeLessThanOrEqual(callsMax);
      }
    }),
    { numRuns: 200 },
  );
});

test("a refused call costs nothing, and a long rest empties the window", () => {
  const window = createRateWindow();
  const call = callOf(limitOf(2));
  const kinds = [0, 0, 1, 2, 3, WINDOW_MS * 50].map((now) => takeRate(window, call, now).kind);
  expect(kinds).toEqual(["admitted", "admitted", "refused", "refused", "refused", "admitted"]);
  expect(window.total).toBe(1);
});

test("a clock that steps back gives no second allowance", () => {
  const window = createRateWindow();
  const kinds = [20_000, 5_000, 20_000].map((now) => takeRate(window, callOf(limitOf(1)), now).kind);
  expect(kinds).toEqual(["admitted", "refused", "refused"]);
});

test("running GPU workers raise a limit and never lower it", () => {
  const limit = { ...limitOf(10), perWorkerPer10s: 3 };
  const admitted = (runningWorkers: number): number => {
    const window = createRateWindow();
    const calls = Array.from({ length: 20 }, () => takeRate(window, { ...callOf(limit), runningWorkers }, 0).kind);
    return calls.filter((kind) => kind === "admitted").length;
  };
  expect([0, 3, 4].map(admitted)).toEqual([10, 10, 12]);
});
