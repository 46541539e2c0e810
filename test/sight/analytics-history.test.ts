import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { analyticsHistory, ANSWER_CHARS_MAX, hasAnalytics } from "../../src/sight/analytics-history.ts";
import { dataPoint } from "../../src/sight/core/data-point.ts";
import { AnalyticsFake, startAnalyticsApi } from "../support/analytics-fake.ts";
import type { AnalyticsApi } from "../support/analytics-fake.ts";
import { requestRecord } from "../support/request-record.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const SPAN = { fromMs: 0, toMs: 3_600_000, stepMinutes: 1 };

let api: AnalyticsApi;
const fake = new AnalyticsFake();
beforeAll(async () => {
  fake.write(dataPoint(requestRecord()), 60_000);
  api = await startAnalyticsApi(fake, ACCOUNT, "token");
});
afterAll(() => api.close());
beforeEach(() => {
  api.body = null;
});

const vars = (wish: Readonly<Record<string, unknown>> = {}) => ({
  ANALYTICS_ACCOUNT_ID: ACCOUNT,
  ANALYTICS_TOKEN: "token",
  ANALYTICS_API: api.url,
  ...wish,
});

test("it is asked where an account is named, and only there", () => {
  expect([hasAnalytics(vars()), hasAnalytics({}), hasAnalytics({ ANALYTICS_ACCOUNT_ID: "" })]).toEqual([
    true,
    false,
    false,
  ]);
});

test.each([
  ["an account that is none", { ANALYTICS_ACCOUNT_ID: "../../evil" }, "32 hex digits"],
  ["a dataset that is no name", { ANALYTICS_DATASET: "x; SHOW TABLES" }, "no name of a dataset"],
  ["no token", { ANALYTICS_TOKEN: undefined }, "ANALYTICS_TOKEN is not set"],
  ["another's token", { ANALYTICS_TOKEN: "stolen" }, "may not read"],
  ["nobody there", { ANALYTICS_API: "http://127.0.0.1:9" }, "gave no answer"],
])("with %s it says what to do", async (_, wish, words) => {
  const read = await analyticsHistory(vars(wish), SPAN);
  expect(read.ok ? "" : read.error).toContain(words);
});

test.each([
  ["what is no JSON", () => "<html>", false],
  ["an answer of the most characters", () => padded(ANSWER_CHARS_MAX), true],
  ["an answer of one more", () => padded(ANSWER_CHARS_MAX + 1), false],
])("%s is taken or not", async (_, body, isTaken) => {
  api.body = body();
  expect((await analyticsHistory(vars(), SPAN)).ok).toBe(isTaken);
});

const padded = (chars: number): string => '{"data":[]}'.padEnd(chars, " ");
