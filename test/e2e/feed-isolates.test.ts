/** Three isolates with one feed, and three without any: what the feed is for is bounded over all of them, and nothing else needs it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SIGN_IN_ATTEMPTS_MAX } from "../../src/sight/core/attempts.ts";
import { postKey, signIn } from "../support/dashboard-client.ts";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startIsolates } from "../support/isolates.ts";
import type { Isolates } from "../support/isolates.ts";
import { readMetrics } from "../support/metrics-text.ts";

let fleet: Fleet;
let isolates: Isolates;
let stateDir: string;

async function start(without: readonly string[], config: object = {}): Promise<void> {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-feed-"));
  fleet = await startFleet({
    endpoints: [{ id: "a", region: "us-east" }],
    pool: { patienceMs: 5_000 },
    config: { ...config },
    runtime: async (bindings) => (isolates = await startIsolates(BUNDLE, bindings, stateDir, without)),
  });
}
afterEach(async () => {
  await fleet.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const urlOf = (nth: number): string => isolates.urls[nth % isolates.urls.length] ?? "";

test("so many attempts to sign in may be made at all isolates together, and one more at none", async () => {
  await start([]);
  for (let nth = 0; nth < SIGN_IN_ATTEMPTS_MAX; nth++)
    expect((await postKey(urlOf(nth), "wp_nobody")).status).toBe(401);
  for (const url of isolates.urls) {
    const refused = await postKey(url, "wp_nobody");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  // Who has another key is not locked out.
  expect((await postKey(urlOf(1), fleet.key)).status).toBe(200);
});

test("without a feed everything is served, and what it would have told says that it is not there", async () => {
  await start(["FLEET_FEED"], { alerts: { url: "http://127.0.0.1:9/" } });
  const chats = await Promise.all(Array.from({ length: 20 }, async () => fleet.chat({ stream: true })));
  for (const chat of chats)
    expect([chat.status, (await chat.text()).endsWith("data: [DONE]\n\n")]).toEqual([200, true]);
  expect((await fleet.chat({ content: "x".repeat(10) })).status).toBe(200);

  const metrics = readMetrics(await (await fleet.call("/metrics")).text());
  expect(metrics.sums("warmpath_feed_up")).toEqual({ "": 0 });
  expect(metrics.sums("warmpath_endpoint_admitting", ["endpoint"])).toEqual({ a: 1 });
  expect(metrics.names.filter((name) => name.startsWith("warmpath_requests"))).toEqual([]);

  const operator = await signIn(fleet);
  const snapshot = (await (await operator.call("/dashboard/api/snapshot")).json()) as {
    rates: unknown;
    fleet: unknown[];
  };
  expect([snapshot.rates, snapshot.fleet.length]).toEqual([null, 1]);
  const history = await operator.call("/dashboard/api/history");
  expect([history.status, await history.text()]).toEqual([404, expect.stringContaining("FLEET_FEED")]);
  for (let nth = 0; nth < SIGN_IN_ATTEMPTS_MAX; nth++) await postKey(urlOf(0), "wp_nobody");
  // Each isolate counts by itself.
  expect((await postKey(urlOf(0), "wp_nobody")).status).toBe(429);
  expect((await postKey(urlOf(1), "wp_nobody")).status).toBe(401);
  expect(isolates.output()).not.toMatch(/error|Error/);
});
