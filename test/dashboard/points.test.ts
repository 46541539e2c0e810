/** What the charts draw: gaps stay gaps, spikes stay spikes, and there are never more points than a bound. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pointOf, readMinutes } from "../../dashboard/charts/history.ts";
import { columnsOf, joined, type Point, POINTS_MAX, SEEN_MAX, withSeen } from "../../dashboard/charts/points.ts";
import type { Frame } from "../../dashboard/frame.ts";

const point = (atMs: number, values: Partial<Point> = {}): Point => ({
  atMs,
  ttftP50Ms: null,
  ttftP95Ms: null,
  ttftP99Ms: null,
  requestsPerS: null,
  errorsPerS: null,
  inFlight: null,
  capacity: null,
  queued: null,
  oldestQueuedMs: null,
  spillsPerMin: null,
  retriesPerMin: null,
  hedgesPerMin: null,
  ...values,
});

const WEEK_MS = 7 * 24 * 3_600_000;
const week = (value: (minute: number) => Partial<Point>): Point[] =>
  Array.from({ length: WEEK_MS / 60_000 }, (_, minute) => point((minute + 1) * 60_000, value(minute)));

describe("columns", () => {
  test("a point each, where there are few", () => {
    const points = [point(1_000, { queued: 1 }), point(2_000), point(3_000, { queued: 3 })];
    const columns = columnsOf(points, ["queued", "inFlight"], { nowMs: 3_000, rangeMs: 10_000 });
    expect(columns).toEqual({
      xs: [1, 2, 3],
      ys: [
        [1, null, 3],
        [null, null, null],
      ],
    });
  });

  test.each([
    [POINTS_MAX, POINTS_MAX],
    [POINTS_MAX + 1, POINTS_MAX],
  ])("of %d points %d spans are drawn at most, and one that the range cuts", (count, max) => {
    const rangeMs = count * 1_000;
    const points = Array.from({ length: count }, (_, index) => point((index + 1) * 1_000));
    const { xs } = columnsOf(points, ["queued"], { nowMs: rangeMs, rangeMs });
    expect(xs.length).toBeLessThanOrEqual(max + 1);
  });

  test("a week keeps its one bad minute, and rates their mean", () => {
    const points = week((minute) => ({ ttftP99Ms: minute === 5_000 ? 9_000 : 100, requestsPerS: minute % 2 }));
    const { ys } = columnsOf(points, ["ttftP99Ms", "requestsPerS"], { nowMs: WEEK_MS, rangeMs: WEEK_MS });
    expect(Math.max(...(ys[0] ?? []).map(Number))).toBe(9_000);
    // The first and the last span are cut by the range.
    for (const mean of ys[1]?.slice(1, -1) ?? []) expect(mean).toBeCloseTo(0.5, 1);
  });

  test("what is not known for a while stays a gap", () => {
    const points = week((minute) => ({ inFlight: minute > 3_000 && minute < 6_000 ? null : 1 }));
    const { ys } = columnsOf(points, ["inFlight"], { nowMs: WEEK_MS, rangeMs: WEEK_MS });
    expect(ys[0]).toContain(null);
    expect(ys[0]).not.toContain(0);
  });

  test("times rise, whatever the points are", () => {
    const times = fc.array(fc.integer({ min: 0, max: 900_000 }), { maxLength: 1_000 });
    fc.assert(
      fc.property(times, (at) => {
        const points = at.toSorted((one, other) => one - other).map((atMs) => point(atMs));
        const { xs } = columnsOf(points, ["queued"], { nowMs: 900_000, rangeMs: 900_000 });
        expect(xs).toEqual(xs.toSorted((one, other) => one - other));
      }),
      { numRuns: 50 },
    );
  });
});

describe("what the page has seen", () => {
  test("of one second the later point counts, and an older one is dropped", () => {
    const seen = [1_000, 1_500, 1_200, 2_000].reduce<readonly Point[]>(
      (points, atMs) => withSeen(points, point(atMs)),
      [],
    );
    expect(seen.map(({ atMs }) => atMs)).toEqual([1_500, 2_000]);
  });

  test("it is bounded", () => {
    let seen: readonly Point[] = [];
    for (let second = 1; second <= SEEN_MAX; second++) seen = withSeen(seen, point(second * 1_000));
    expect(seen).toHaveLength(SEEN_MAX);
    seen = withSeen(seen, point((SEEN_MAX + 1) * 1_000));
    expect(seen).toHaveLength(SEEN_MAX);
    expect(seen[0]?.atMs).toBe(2_000);
  });

  test("it follows the minutes that were kept, and repeats none", () => {
    const points = joined([point(60_000), point(120_000)], [point(119_000), point(121_000)]);
    expect(points.map(({ atMs }) => atMs)).toEqual([60_000, 120_000, 121_000]);
  });

  test("a span that has not ended is left out: its sums are not whole", () => {
    const points = joined([point(60_000), point(120_000)], [point(61_000), point(80_000)]);
    expect(points.map(({ atMs }) => atMs)).toEqual([60_000, 61_000, 80_000]);
  });
});

test.each([null, 1, "x", {}, { minutes: {} }])("%j is no history", (value) => {
  expect(readMinutes(value)).toBeNull();
});

test.each([null, 1, "x", [], {}, { atMs: "1" }, { atMs: Number.NaN }])("%j is no minute", (value) => {
  expect(readMinutes({ stepMinutes: 1, minutes: [value] })).toEqual([]);
});

test("sums of a span are told by the second or the minute, and what it lacks is not known", () => {
  const span = { atMs: 60_000, requests: 600, spills: 10, ttftMs: { p50: 5, p95: "x" } };
  expect(readMinutes({ stepMinutes: 5, minutes: [span] })).toEqual([
    point(360_000, { requestsPerS: 2, spillsPerMin: 2, ttftP50Ms: 5 }),
  ]);
});

test("a frame of a router that counts nothing is no point", () => {
  const frame: Frame = { v: 1, atMs: 1, fleet: [], rates: null, decisions: [], jobs: [], events: [] };
  expect(pointOf(frame)).toBeNull();
});
