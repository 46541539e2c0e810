import { afterAll, beforeAll, expect, test } from "vitest";
import { FRAME_VERSION } from "../../src/sight/core/frame.ts";
import type { FeedFrame } from "../../src/sight/core/frame.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    keys: [{ id: "caller" }],
    endpoints: [
      { id: "near", region: "us-east" },
      { id: "far", region: "eu-west" },
    ],
  });
});

afterAll(() => fleet.close());

test("a snapshot is a frame: every pool and region with its endpoints, and no figure where none is known", async () => {
  await (await fleet.chat()).text();
  const response = await fleet.call("/dashboard/api/snapshot");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const frame = (await response.json()) as FeedFrame<unknown>;
  expect(frame).toMatchObject({
    v: FRAME_VERSION,
    rates: { ttftMs: { p50: null, p95: null, p99: null }, costPerHour: null },
  });
  const shown = frame.fleet.flatMap(({ pool, region, reachable, endpoints }) =>
    endpoints.map(({ id, standing, lastFailure }) => ({ pool, region, reachable, id, standing, lastFailure })),
  );
  expect(shown).toEqual([
    { pool: "main", region: "us-east", reachable: true, id: "near", standing: "admitting", lastFailure: null },
    { pool: "main", region: "eu-west", reachable: true, id: "far", standing: "admitting", lastFailure: null },
  ]);
});

test("the page's own routes are for keys with the scope admin", async () => {
  const asCaller = { headers: { authorization: `Bearer ${fleet.keyOf("caller")}` } };
  expect((await fleet.call("/dashboard/api/snapshot", asCaller)).status).toBe(403);
  expect((await fetch(`${fleet.router.url}/dashboard/api/snapshot`)).status).toBe(401);
  expect((await fleet.call("/dashboard/api/snapshot", { method: "POST" })).status).toBe(405);
  expect((await fleet.call("/dashboard/api/snapshots")).status).toBe(404);
});
