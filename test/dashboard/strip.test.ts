import { expect, test } from "vitest";
import { standingOf, stripTiles } from "../../dashboard/strip/strip-figures.ts";
import { endpointRows } from "../../dashboard/store/endpoint-rows.ts";
import type { Frame } from "../../dashboard/frame.ts";
import { sampleEndpoint, sampleFrame } from "./sample-frames.ts";

const rates: NonNullable<Frame["rates"]> = {
  windowS: 10,
  requestsPerS: 48.2,
  byOutcome: { served: 480, upstream_failed: 2 },
  errorShare: 0.004,
  ttftMs: { p50: 84, p95: 310, p99: null },
  overheadMs: { p50: 0.4, p99: 3.1 },
  tpotMs: { p50: 12, p95: 20 },
  queueMs: { p50: 0, p95: 0 },
  inFlight: 3,
  capacity: 8,
  queued: 0,
  spills: 0,
  retries: 0,
  hedges: 0,
  coldStarts: 0,
  failOpens: 0,
  railTrips: [],
  tokens: { in: 0, cached: 0, out: 0 },
  costPerHour: null,
};
const rowsIn = (frame: Frame) => endpointRows(frame, new Map(), () => null);
const tilesOf = (frame: Frame | null) => {
  const tiles = stripTiles(frame, frame === null ? [] : rowsIn(frame));
  return Object.fromEntries(
    tiles.map(({ name, values, alarm }) => [name, [...values.map((value) => value.join(" ").trim()), alarm]]),
  );
};

test("before the first frame nothing is known, and nothing is 0", () => {
  expect(tilesOf(null)).toEqual({
    Endpoints: ["healthy –", "degraded –", "down –", null],
    "Requests / s": ["–", null],
    Errors: ["–", null],
    "Time to first token": ["p50 –", "p95 –", "p99 –", null],
    "Router overhead": ["p50 –", "p99 –", null],
    "In flight": ["–", "of –", null],
    Queue: ["–", null],
  });
});

test("a deployment that counts nothing still shows what its shards say", () => {
  expect(tilesOf(sampleFrame())).toMatchObject({
    Endpoints: ["healthy 1", "degraded 0", "down 0", null],
    Errors: ["–", null],
    "In flight": ["3", "of 8", null],
    Queue: ["0", null],
  });
});

test("rates are written with their units, and one that was not counted is a dash", () => {
  expect(tilesOf(sampleFrame({ rates }))).toMatchObject({
    "Requests / s": ["48", null],
    Errors: ["0.4 %", null],
    "Time to first token": ["p50 84 ms", "p95 310 ms", "p99 –", null],
    "Router overhead": ["p50 0.4 ms", "p99 3.1 ms", null],
  });
});

test("what is wrong is said in a word", () => {
  const frame = sampleFrame({ rates: { ...rates, errorShare: 0.01 } }, [
    sampleEndpoint({ standing: "down", inFlight: 8 }),
  ]);
  const shard = frame.fleet.map((one) => ({ ...one, queued: 2 }));
  expect(tilesOf({ ...frame, fleet: shard })).toMatchObject({
    Endpoints: ["healthy 0", "degraded 0", "down 1", "down"],
    Errors: ["1 %", "high"],
    "In flight": ["8", "of 8", "full"],
    Queue: ["2", "waiting"],
  });
  expect(tilesOf(sampleFrame({ rates: { ...rates, errorShare: 0.0099 } }))).toMatchObject({ Errors: ["0.99 %", null] });
});

test("when no shard answers, what runs there is not known", () => {
  const frame = sampleFrame({}, [sampleEndpoint()]);
  const before = new Map(rowsIn(frame).map((row) => [row.key, row]));
  const silent = {
    ...frame,
    fleet: [{ pool: "chat", region: "eu-west", reachable: false, liveLeases: null, queued: null, endpoints: [] }],
  };
  const rows = endpointRows(silent, before, () => null);
  expect(standingOf(rows)).toEqual({ healthy: 0, degraded: 0, down: 0, unknown: 1 });
  const tiles = stripTiles(silent, rows);
  expect(tiles.find(({ name }) => name === "In flight")?.values).toEqual([
    ["", "–"],
    ["of", "–"],
  ]);
  expect(tiles.find(({ name }) => name === "Queue")?.values).toEqual([["", "–"]]);
});
