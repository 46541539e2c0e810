/**
 * Where charts come from: Analytics Engine's SQL API, here one that follows its documentation and executes the query, and the
 * feed's own minutes where that fails, and over a crash of the router.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { dataPoint } from "../../src/sight/core/data-point.ts";
import type { HistoryPoint } from "../../src/sight/core/history-point.ts";
import { AnalyticsFake, startAnalyticsApi } from "../support/analytics-fake.ts";
import type { AnalyticsApi } from "../support/analytics-fake.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { requestRecord } from "../support/request-record.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const TOKEN = "a token that may read Account Analytics";
const MINUTE_MS = 60_000;

let fleet: Fleet;
let api: AnalyticsApi;
let stateDir: string;
const analytics = new AnalyticsFake();

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-history-"));
  api = await startAnalyticsApi(analytics, ACCOUNT, TOKEN);
  fleet = await startFleet({
    endpoints: [{ id: "a", region: "us-east" }],
    stateDir,
    bindings: { ANALYTICS_ACCOUNT_ID: ACCOUNT, ANALYTICS_TOKEN: TOKEN, ANALYTICS_API: api.url },
  });
});
afterAll(async () => {
  await fleet.close();
  api.close();
  rmSync(stateDir, { recursive: true, force: true });
});
beforeEach(() => {
  api.status = null;
});

type Told = {
  readonly stepMinutes: number;
  readonly source: string;
  readonly problem?: string;
  readonly minutes: readonly HistoryPoint[];
};

const history = async (query = "minutes=60"): Promise<Told> =>
  (await (await fleet.call(`/dashboard/api/history?${query}`)).json()) as Told;

const requestsIn = ({ minutes }: Told): number => minutes.reduce((sum, { requests }) => sum + requests, 0);

test("charts are drawn of the data points, sampled ones too", async () => {
  const now = Date.now();
  analytics.write(dataPoint(requestRecord({ costMicros: 500 })), now - 10 * MINUTE_MS, 3);
  analytics.write(
    dataPoint(requestRecord({ outcome: "shed", reason: "saturated", attempts: [] })),
    now - 2 * MINUTE_MS,
  );
  const told = await history();
  expect(told).toMatchObject({ stepMinutes: 1, source: "analytics" });
  expect(told.minutes.map(({ requests, errors, cost }) => [requests, errors, cost])).toEqual([
    [3, 0, 0.0015],
    [1, 1, null],
  ]);
  expect(told.minutes[0]?.ttftMs.p95).toBe(104);
  // As far back as the engine keeps points, in as many as an answer has room for.
  expect(await history("minutes=129600")).toMatchObject({ stepMinutes: 180, source: "analytics" });
});

test.each([
  [403, "may not read"],
  [400, "does not know the dataset"],
  [500, "answered 500"],
])("an answer of %i is told, and the feed's own minutes serve", async (status, words) => {
  api.status = status;
  await (await fleet.chat()).text();
  const told = await fleet.until(history, (seen) => requestsIn(seen) > 0);
  expect(told.source).toBe("feed");
  expect(told.problem).toContain(words);
  expect(JSON.stringify(told)).not.toContain(TOKEN);
});

test("the feed's minutes are there after the router was killed", async () => {
  api.status = 500;
  await (await fleet.chat()).text();
  const before = await fleet.until(history, (seen) => requestsIn(seen) > 0);
  await fleet.crash();
  const after = await history();
  expect(after.source).toBe("feed");
  expect(requestsIn(after)).toBeGreaterThanOrEqual(requestsIn(before));
});
