import { describe, expect, test } from "vitest";
import {
  ENDPOINT_STATES,
  endpointRows,
  isSameRow,
  medianOf,
  noteTtft,
  stateOf,
  SUSPECT_PROBABILITY,
  TTFT_SAMPLES_MAX,
} from "../../dashboard/store/endpoint-rows.ts";
import type { EndpointState } from "../../dashboard/store/endpoint-rows.ts";
import type { EndpointRow } from "../../dashboard/store/endpoint-rows.ts";
import { CHANGES_TOLD_MAX, stateChanges } from "../../dashboard/store/state-changes.ts";
import type { ShownRequest } from "../../dashboard/record.ts";
import { sampleEndpoint, sampleFrame, sampleRecord } from "./sample-frames.ts";
import type { SampleEndpoint } from "./sample-frames.ts";

const unknownTtft = () => null;
const rowsOf = (...endpoints: readonly SampleEndpoint[]) =>
  endpointRows(sampleFrame({}, endpoints), new Map(), unknownTtft);
const byKey = (rows: readonly EndpointRow[]) => new Map(rows.map((row) => [row.key, row]));

test.each<readonly [Partial<SampleEndpoint>, EndpointState]>([
  [{}, "up"],
  [{ standing: "down", warmth: "cold" }, "down"],
  [{ standing: "ejected", failureProbability: 0.9 }, "ejected"],
  [{ standing: "draining" }, "draining"],
  [{ failureProbability: SUSPECT_PROBABILITY }, "suspect"],
  [{ failureProbability: SUSPECT_PROBABILITY - 0.001 }, "up"],
  [{ warmth: "cold" }, "cold"],
  [{ warmth: "warming" }, "warming"],
  [{ refusesForMs: 400 }, "full"],
])("an endpoint with %j is %s", (changes, state) => expect(stateOf(sampleEndpoint(changes))).toBe(state));

test("every state has a place in the order, and unknown is the last", () => {
  expect(new Set(ENDPOINT_STATES).size).toBe(ENDPOINT_STATES.length);
  expect(ENDPOINT_STATES.at(-1)).toBe("unknown");
});

describe("a shard that does not answer", () => {
  const silent = sampleFrame({
    fleet: [{ pool: "chat", region: "eu-west", reachable: false, liveLeases: null, queued: null, endpoints: [] }],
  });

  test("leaves its endpoints in sight, as unknown", () => {
    const [row] = endpointRows(silent, byKey(rowsOf(sampleEndpoint())), unknownTtft);
    expect(row).toMatchObject({ id: "gpu-1", state: "unknown", stateNote: "its shard does not answer" });
  });

  test("an endpoint that its shard no longer has is gone", () => {
    const frame = sampleFrame({}, [sampleEndpoint({ id: "gpu-2" })]);
    expect(endpointRows(frame, byKey(rowsOf(sampleEndpoint())), unknownTtft).map(({ id }) => id)).toEqual(["gpu-2"]);
  });
});

test("work in line that is not told is null, not 0", () => {
  const { workTokens: _, ...untold } = sampleEndpoint();
  expect(rowsOf(untold)[0]?.workTokens).toBeNull();
  expect(rowsOf(sampleEndpoint({ workTokens: 0 }))[0]?.workTokens).toBe(0);
});

test("a failure is an instant, so its row stays the same while it ages", () => {
  const failed = (ageMs: number) =>
    sampleEndpoint({ lastFailure: { kind: "server_error", status: 500, text: "out of memory", ageMs } });
  const [before] = rowsOf(failed(1_000));
  const [after] = endpointRows(sampleFrame({ atMs: 11_000 }, [failed(2_000)]), new Map(), unknownTtft);
  expect(before?.failureAtMs).toBe(9_000);
  expect(before !== undefined && after !== undefined && isSameRow(before, after)).toBe(true);
  const [other] = rowsOf({ ...failed(1_000), inFlight: 4 });
  expect(before !== undefined && other !== undefined && isSameRow(before, other)).toBe(false);
});

test("the first-token time is the median of the last answers that were served", () => {
  const samples = new Map<string, number[]>();
  const ended = (ttft: number | null, outcome: ShownRequest["outcome"] = "served") =>
    sampleRecord({ outcome, ms: { ...sampleRecord().ms, ttft } });
  noteTtft(samples, [ended(10), ended(null), ended(9_000, "cancelled"), ended(30), ended(20)]);
  expect(medianOf(samples.get("gpu-1"))).toBe(20);
  expect(medianOf(samples.get("gpu-2"))).toBeNull();
  noteTtft(
    samples,
    Array.from({ length: TTFT_SAMPLES_MAX }, () => ended(50)),
  );
  expect(samples.get("gpu-1")).toEqual(Array.from({ length: TTFT_SAMPLES_MAX }, () => 50));
});

describe("changes of state are told", () => {
  const up = sampleEndpoint();
  const fails = { kind: "connection_failed", status: null, text: "connection refused", ageMs: 0 };

  test("with the failure in words", () => {
    const down = rowsOf({ ...up, standing: "down", lastFailure: fails });
    expect(stateChanges(byKey(rowsOf(up)), down)).toEqual(["gpu-1 is down: connection refused"]);
  });

  test("but not the coming and going of room, nor what is seen for the first time", () => {
    expect(stateChanges(byKey(rowsOf(up)), rowsOf({ ...up, refusesForMs: 10, inFlight: 8 }))).toEqual([]);
    expect(stateChanges(byKey(rowsOf(up)), rowsOf({ ...up, warmth: "warming" }))).toEqual([]);
    expect(stateChanges(new Map(), rowsOf({ ...up, standing: "down" }))).toEqual([]);
  });

  test.each([CHANGES_TOLD_MAX, CHANGES_TOLD_MAX + 1])("of %d at once those beyond the bound are counted", (count) => {
    const many = Array.from({ length: count }, (_, at) => sampleEndpoint({ id: `gpu-${at}` }));
    const told = stateChanges(
      byKey(rowsOf(...many)),
      rowsOf(...many.map((one) => ({ ...one, standing: "down" as const }))),
    );
    expect(told).toHaveLength(count === CHANGES_TOLD_MAX ? count : CHANGES_TOLD_MAX + 1);
    expect(told.at(-1)).toBe(count === CHANGES_TOLD_MAX ? `gpu-${count - 1} is down` : "and 1 more changed");
  });
});
