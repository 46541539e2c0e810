import { describe, expect, test } from "vitest";
import { historySql, readHistory, withFeed } from "../../../src/sight/core/analytics-query.ts";
import { dataPoint } from "../../../src/sight/core/data-point.ts";
import { addDeltas, noFigures } from "../../../src/sight/core/figures.ts";
import { fold } from "../../../src/sight/core/fold.ts";
import { pointOf } from "../../../src/sight/core/history-point.ts";
import type { HistoryPoint } from "../../../src/sight/core/history-point.ts";
import type { RequestRecord } from "../../../src/sight/core/record.ts";
import { createTally, deltasOf } from "../../../src/sight/core/tally.ts";
import { AnalyticsFake } from "../../support/analytics-fake.ts";
import { attemptRecord, requestRecord } from "../../support/request-record.ts";

const MINUTE = 60_000;
const START = 1_796_000_040_000;

const RECORDS: readonly RequestRecord[] = [
  requestRecord({ costMicros: 250, why: "spill" }),
  requestRecord({ ms: { overhead: 9, lease: 2, queue: 7, rails: 1, ttft: 900, total: 4_000 }, why: "cold_start" }),
  requestRecord({ stream: false, ms: { overhead: 2, lease: 1, queue: 0, rails: 1, ttft: null, total: 500 } }),
  requestRecord({ attempts: [attemptRecord({ lost: "server_error" }), attemptRecord()], why: "failover" }),
  requestRecord({ attempts: [attemptRecord({ lost: "overtaken" }), attemptRecord({ hedge: true })], why: "hedge" }),
  requestRecord({ tokens: { in: null, cached: null, out: null }, costMicros: null }),
  requestRecord({ outcome: "upstream_failed", reason: "upstream_failed", endpoint: null, region: null, why: null }),
  requestRecord({ outcome: "shed", reason: "saturated", attempts: [], region: null, why: null }),
  requestRecord({ outcome: "shed", reason: "rate_limit_exceeded", attempts: [], region: null, why: null }),
  requestRecord({ outcome: "cancelled", reason: "client_left" }),
  requestRecord({ outcome: "refused", reason: "endpoint_4xx" }),
];

function asked(fake: AnalyticsFake, stepMinutes = 1): readonly HistoryPoint[] {
  const sql = historySql({ dataset: "warmpath_requests", fromMs: START, toMs: START + 10 * MINUTE, stepMinutes });
  const points = readHistory(JSON.parse(JSON.stringify(fake.query(sql))));
  if (points === null) throw new Error("it was not understood");
  return points;
}

function written(records: readonly RequestRecord[], atMs = START, sampled = 1): AnalyticsFake {
  const fake = new AnalyticsFake();
  for (const record of records) fake.write(dataPoint(record), atMs, sampled);
  return fake;
}

describe("a chart of data points", () => {
  test("says what the feed's figures of the same requests say, but for how exact times are", () => {
    const tally = createTally();
    for (const record of RECORDS) fold(tally, record);
    const figures = noFigures();
    addDeltas(figures, deltasOf(tally));
    const { ttftMs, overheadMs, tpotMs, queueMs, ...counts } = pointOf(START, figures, null);
    const [point, ...others] = asked(written(RECORDS));
    expect(others).toEqual([]);
    expect(point).toMatchObject(counts);
    // Exact here, and in the feed by buckets.
    expect(point?.ttftMs).toEqual({ p50: 104, p95: 900, p99: 900 });
    expect([point?.overheadMs.p99, point?.queueMs.p99, point?.tpotMs.p50]).toEqual([9, 7, 100]);
    expect([ttftMs.p50, tpotMs.p50].every((value) => value !== null)).toBe(true);
    expect([overheadMs.p99, queueMs.p99].every((value) => value !== null)).toBe(true);
  });

  test("counts a point that stands for ten as ten", () => {
    const [once] = asked(written(RECORDS));
    const [tenfold] = asked(written(RECORDS, START, 10));
    expect([tenfold?.requests, tenfold?.errors, tenfold?.tokens.out, tenfold?.retries]).toEqual(
      [once?.requests, once?.errors, once?.tokens.out, once?.retries].map((value) => 10 * (value ?? Number.NaN)),
    );
    expect(tenfold?.ttftMs).toEqual(once?.ttftMs);
  });

  test("has a point for each span that had requests, on the feed's own beginnings", () => {
    const fake = written([requestRecord()]);
    fake.write(dataPoint(requestRecord()), START + 3 * MINUTE + 59_000);
    fake.write(dataPoint(requestRecord()), START - 1_000);
    fake.write(dataPoint(requestRecord()), START + 11 * MINUTE);
    expect(asked(fake).map(({ atMs }) => atMs)).toEqual([START, START + 3 * MINUTE]);
    expect(asked(fake, 5).map(({ atMs }) => atMs)).toEqual([
      ...new Set([START, START + 3 * MINUTE].map((at) => at - (at % (5 * MINUTE)))),
    ]);
  });

  test("tells what nobody knows apart from nothing", () => {
    const nothing = { overhead: null, lease: null, queue: null, rails: null, ttft: null, total: 1 };
    const [point] = asked(written([requestRecord({ ms: nothing, costMicros: null })]));
    const none = { p50: null, p95: null, p99: null };
    expect(point).toMatchObject({ ttftMs: none, queueMs: none, overheadMs: none, tpotMs: none, cost: null });
  });

  test.each([
    ["no object", null],
    ["no rows", {}],
    ["a row without a member", { data: [{ at_s: "1" }] }],
  ])("is none of %s", (_, answer) => {
    expect(readHistory(answer)).toBeNull();
  });

  test("takes from the feed what no data point has", () => {
    const points = asked(written([requestRecord()]));
    const seen = {
      ...pointOf(START, noFigures(), { inFlight: 3, capacity: 8, queued: 1, oldestQueuedMs: 5 }),
      failOpens: 2,
    };
    expect(withFeed(points, [seen])).toMatchObject([
      { requests: 1, inFlight: 3, capacity: 8, queued: 1, oldestQueuedMs: 5, failOpens: 2 },
    ]);
    expect(withFeed(points, [])).toEqual(points);
  });
});
