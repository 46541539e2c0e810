import { failureInWords } from "../../dashboard/fleet/failure-words.ts";
import { geoNaturalEarth1 } from "d3-geo";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALL_ENDPOINTS, heldOrder, orderedKeys } from "../../dashboard/fleet/endpoint-order.ts";
import type { SortBy } from "../../dashboard/fleet/endpoint-order.ts";
import { placeLabels } from "../../dashboard/fleet/map-labels.ts";
import { MAP_CENTRE_Y, MAP_HEIGHT, MAP_WIDTH, project, PROJECTED_WIDTH } from "../../dashboard/fleet/projection.ts";
import { FLOWS_MAX, flowsOf, regionFigures } from "../../dashboard/fleet/region-figures.ts";
import { WORLD_LAND } from "../../dashboard/fleet/world-land.ts";
import { endpointRows } from "../../dashboard/store/endpoint-rows.ts";
import { sampleEndpoint, sampleFrame, sampleRecord } from "./sample-frames.ts";
import type { SampleEndpoint } from "./sample-frames.ts";

const rowsOf = (...endpoints: readonly SampleEndpoint[]) =>
  endpointRows(sampleFrame({}, endpoints), new Map(), () => null);

test("a place is where d3-geo puts it", () => {
  const projection = geoNaturalEarth1()
    .scale(MAP_WIDTH / PROJECTED_WIDTH)
    .translate([MAP_WIDTH / 2, MAP_CENTRE_Y]);
  fc.assert(
    fc.property(fc.integer({ min: -89, max: 89 }), fc.integer({ min: -179, max: 179 }), (lat, lon) => {
      const [x = NaN, y = NaN] = projection([lon, lat]) ?? [];
      expect(project({ lat, lon }).x).toBeCloseTo(x, 6);
      expect(project({ lat, lon }).y).toBeCloseTo(y, 6);
    }),
  );
});

test("the land is one path of moves and lines, and inhabited places are on the map", () => {
  expect(WORLD_LAND).toMatch(/^(?:M\d+,\d+l[\d,\s-]+Z)+$/);
  for (const [lat, lon] of [
    [71, 25.8],
    [-54.8, -68.3],
    [-17.7, 178],
    [64.1, -21.9],
  ] as const) {
    const { x, y } = project({ lat, lon });
    expect(x > 0 && x < MAP_WIDTH && y > 0 && y < MAP_HEIGHT).toBe(true);
  }
});

test("names of regions cover neither marks nor each other, and one that fits nowhere is left out", () => {
  const at = (x: number, y: number, text = "eu-west") => ({ x, y, radius: 10, text });
  const [one, other, third] = placeLabels([at(500, 100), at(530, 100), at(990, 100, "ap-northeast")]);
  expect(one?.anchor).toBe("end");
  expect(other?.anchor).toBe("start");
  expect(third?.anchor).toBe("end");
  const crowd = placeLabels(
    Array.from({ length: 9 }, (_, index) => at(500 + (index % 3) * 22, 200 + Math.floor(index / 3) * 22)),
  );
  expect(crowd[4]).toBeNull();
});

describe("regions", () => {
  const down = { standing: "down" as const };

  test("count their endpoints by state, the worst first", () => {
    const rows = rowsOf(
      sampleEndpoint(),
      sampleEndpoint({ id: "gpu-2", ...down }),
      sampleEndpoint({ id: "gpu-3", region: "us-east" }),
    );
    expect(regionFigures(rows, sampleFrame().fleet)).toMatchObject([
      {
        region: "eu-west",
        states: [
          ["down", 1],
          ["up", 1],
        ],
        mark: "suspect",
        inFlight: 6,
        capacity: 16,
        queued: 0,
      },
      { region: "us-east", states: [["up", 1]], mark: "up", queued: null },
    ]);
  });

  test("one without a single endpoint in traffic is marked as what they are", () => {
    expect(regionFigures(rowsOf(sampleEndpoint(down)), [])[0]?.mark).toBe("down");
  });

  test("one whose shard has never answered is told, and stands nowhere on the map", () => {
    const shard = { pool: "chat", region: "sa-east", reachable: false, liveLeases: null, queued: null, endpoints: [] };
    expect(regionFigures([], [shard])).toMatchObject([
      { region: "sa-east", place: null, silent: ["chat"], endpoints: 0, inFlight: null, queued: null, mark: "unknown" },
    ]);
  });

  test("flows are what another region answered, the most first, and bounded", () => {
    const sent = (from: string, to: string | null) => sampleRecord({ clientRegion: from, region: to });
    expect(flowsOf([sent("a", "b"), sent("a", "a"), sent("a", null), sent("c", "b"), sent("a", "b")])).toEqual([
      { from: "a", to: "b", count: 2 },
      { from: "c", to: "b", count: 1 },
    ]);
    const many = Array.from({ length: FLOWS_MAX + 1 }, (_, at) => sent(`r${at}`, "b"));
    expect(flowsOf(many)).toHaveLength(FLOWS_MAX);
    expect(flowsOf(many.slice(1))).toHaveLength(FLOWS_MAX);
  });
});

describe("the table of endpoints", () => {
  const rows = rowsOf(
    sampleEndpoint({ id: "gpu-10", inFlight: 1 }),
    sampleEndpoint({ id: "gpu-2", inFlight: 8, workTokens: 500 }),
    sampleEndpoint({
      id: "gpu-3",
      standing: "down",
      lastFailure: { kind: "connection_failed", status: null, text: "Connection refused", ageMs: 100 },
    }),
  );
  const ordered = (changes: Partial<typeof ALL_ENDPOINTS>) =>
    orderedKeys(rows, { ...ALL_ENDPOINTS, ...changes }).map((key) => key.replace("chat/gpu-", ""));

  test("has the worst first, and numbers in names in their order", () => {
    expect(ordered({})).toEqual(["3", "2", "10"]);
    expect(ordered({ descending: true })).toEqual(["2", "10", "3"]);
  });

  test.each<readonly [SortBy, boolean, readonly string[]]>([
    ["endpoint", false, ["2", "3", "10"]],
    ["inFlight", true, ["2", "3", "10"]],
    ["work", true, ["2", "3", "10"]],
    ["failure", true, ["3", "2", "10"]],
  ])("sorts by %s", (sortBy, descending, wanted) => expect(ordered({ sortBy, descending })).toEqual(wanted));

  test.each([
    ["probe", 503, "health check 503"],
    ["probe", null, "health check"],
    ["failed", 500, "request failed 500"],
    ["new_kind", null, "new kind"],
    [null, null, "request failed"],
  ] as const)("a failure of kind %s with status %s is told as %s", (failureKind, failureStatus, words) =>
    expect(failureInWords({ failureKind, failureStatus })).toBe(words),
  );

  test("finds by state, region, pool and the words of a failure", () => {
    expect(ordered({ state: "down" })).toEqual(["3"]);
    expect(ordered({ text: "REFUSED" })).toEqual(["3"]);
    expect(ordered({ text: "connection failed" })).toEqual(["3"]);
    expect(ordered({ text: "connection_failed" })).toEqual(["3"]);
    expect(ordered({ region: "us-east" })).toEqual([]);
    expect(ordered({ pool: "chat" })).toHaveLength(3);
  });

  test("stands still while somebody is in it: what went is gone, what came is last", () => {
    expect(heldOrder(["a", "b", "c"], ["d", "c", "a"], true)).toEqual(["a", "c", "d"]);
    expect(heldOrder(["a", "b", "c"], ["d", "c", "a"], false)).toEqual(["d", "c", "a"]);
    const same = ["a", "b"];
    expect(heldOrder(same, ["a", "b"], false)).toBe(same);
  });
});
