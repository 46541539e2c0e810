/** Turns among tenants, played without a clock of its own: slots, jobs of given lengths, and who got how much. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beginsAtMs, hadMs, mayFill, withRun } from "../../../src/jobs/core/fair-lanes.ts";

type Player = { settledMs: number; running: number; claimedSumMs: number; readonly jobMs: number; servedMs: number };

/** Tenants that always have jobs waiting, on `slots` slots, for `forMs`: the time of slots that each had. */
function play(jobsMs: readonly number[], slots: number, forMs: number): readonly number[] {
  const players = jobsMs.map((jobMs): Player => ({ settledMs: 0, running: 0, claimedSumMs: 0, jobMs, servedMs: 0 }));
  let meanMs: number | null = null;
  let running: { player: Player; claimedMs: number }[] = [];
  for (let now = 0; now < forMs; now++) {
    for (const { player, claimedMs } of running.filter((one) => now - one.claimedMs >= one.player.jobMs)) {
      player.running -= 1;
      player.claimedSumMs -= claimedMs;
      player.settledMs += now - claimedMs;
      meanMs = withRun(meanMs, now - claimedMs);
    }
    running = running.filter((one) => now - one.claimedMs < one.player.jobMs);
    while (running.length < slots) {
      const next = players.reduce((best, one) =>
        hadMs(one, meanMs ?? 0, now) < hadMs(best, meanMs ?? 0, now) ? one : best,
      );
      next.running += 1;
      next.claimedSumMs += now;
      running.push({ player: next, claimedMs: now });
    }
    for (const { player } of running) player.servedMs += 1;
  }
  return players.map(({ servedMs }) => servedMs);
}

describe("turns", () => {
  test.each([
    ["of jobs of one length", [10, 10], 1],
    ["of long ones beside short ones, on one slot", [100, 5], 1],
    ["of long ones beside short ones, on many", [400, 5], 8],
    ["of four tenants", [50, 20, 10, 5], 6],
  ])("%s give each tenant the same time", (_, jobsMs, slots) => {
    const had = play(jobsMs, slots, 20_000);
    const fair = (20_000 * slots) / jobsMs.length;
    for (const one of had) expect(Math.abs(one - fair) / fair).toBeLessThan(0.1);
  });

  test("leave nobody behind by more than a few jobs, whatever their lengths", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 4 }), (jobsMs, slots) => {
        const had = play(jobsMs, slots, 6_000);
        const longest = Math.max(...jobsMs);
        expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(3 * longest * slots);
      }),
      { numRuns: 60 },
    );
  });
});

describe("who begins to wait", () => {
  const had = (settledMs: number) => ({ settledMs, running: 0, claimedSumMs: 0 });
  test("begins at the least of those that are there: neither before nor behind them", () => {
    expect(beginsAtMs([had(900), had(400)], 0, 10, 1_000)).toBe(400);
  });

  test("begins where the last one did, when nobody is there", () => {
    expect(beginsAtMs([], 700, 10, 1_000)).toBe(700);
  });
});

test("one alone fills nine tenths, at it and one beyond, and many leave room for the next", () => {
  expect([mayFill(89, 89, 99), mayFill(90, 90, 100), mayFill(0, 90, 100), mayFill(0, 100, 100)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  const own = [0, 0, 0];
  for (let n = 0; n < 10_000; n++) {
    const used = own.reduce((sum, one) => sum + one, 0);
    const at = n % 3;
    if (mayFill(own[at] ?? 0, used, 1_000)) own[at] = (own[at] ?? 0) + 1;
  }
  expect(own.reduce((sum, one) => sum + one, 0)).toBeLessThan(1_000);
  expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
});
