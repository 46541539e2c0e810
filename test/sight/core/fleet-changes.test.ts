import { expect, test } from "vitest";
import { changesBetween } from "../../../src/sight/core/fleet-changes.ts";
import type { FeedFrame } from "../../../src/sight/core/frame.ts";

type Fleet = FeedFrame<never>["fleet"];
type Endpoint = Fleet[number]["endpoints"][number];

const near: Endpoint = {
  id: "near",
  region: "us",
  place: { lat: 0, lon: 0 },
  warmth: "warm",
  coldMs: 0,
  standing: "admitting",
  inFlight: 0,
  capacity: 8,
  occupancyMs: 0,
  prefillTokensPerMs: 1,
  failureProbability: 0,
  lastFailure: null,
};
const fleet = (endpoint: Partial<Endpoint> | null, reachable = true): Fleet => [
  {
    pool: "main",
    region: "us",
    reachable,
    liveLeases: 0,
    queued: 0,
    endpoints: endpoint === null ? [] : [{ ...near, ...endpoint }],
  },
];
const failure = { kind: "connection_failed", status: null, text: "connection refused", ageMs: 5 };

test("a standing that changes is told with why where it became worse", () => {
  expect(changesBetween(fleet({}), fleet({ standing: "down", lastFailure: failure }))).toEqual([
    { kind: "endpoint_standing", text: "near: admitting → down: connection refused" },
  ]);
  // Who said nothing has failed in a way that has a name.
  expect(changesBetween(fleet({}), fleet({ standing: "down", lastFailure: { ...failure, text: "" } }))).toEqual([
    { kind: "endpoint_standing", text: "near: admitting → down: connection failed" },
  ]);
  expect(changesBetween(fleet({ standing: "down" }), fleet({ lastFailure: failure }))).toEqual([
    { kind: "endpoint_standing", text: "near: down → admitting" },
  ]);
  expect(changesBetween(fleet({ warmth: "cold" }), fleet({ warmth: "warming" }))).toEqual([
    { kind: "endpoint_warmth", text: "near: cold → warming" },
  ]);
  expect(changesBetween(fleet({ inFlight: 1 }), fleet({ inFlight: 5 }))).toEqual([]);
});

test("a shard that does not answer is told of, and nothing is said of its endpoints", () => {
  expect(changesBetween(fleet({}), fleet(null, false))).toEqual([
    { kind: "shard_reachable", text: "The shard of main in us does not answer." },
  ]);
  expect(changesBetween(fleet(null, false), fleet({ standing: "down" }))).toEqual([
    { kind: "shard_reachable", text: "The shard of main in us answers again." },
  ]);
  expect(changesBetween([], fleet({ standing: "down" }))).toEqual([]);
});
