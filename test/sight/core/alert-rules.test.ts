import { describe, expect, test } from "vitest";
import { measuresOf } from "../../../src/sight/core/alert-rules.ts";
import type { AlertRules, AlertSight, PoolSight } from "../../../src/sight/core/alert-rules.ts";
import { keepLook, lateFirstTokens, sumsOf, within } from "../../../src/sight/core/alert-window.ts";
import type { Window } from "../../../src/sight/core/alert-window.ts";
import type { AlertKind } from "../../../src/sight/core/alerts.ts";
import { COUNTED } from "../../../src/sight/core/metric-names.ts";
import type { SeriesDelta } from "../../../src/sight/core/report.ts";
import { keyOf } from "../../../src/sight/core/tally.ts";

const NOW = 1_000_000;
const RULES: AlertRules = {
  windowMs: 60_000,
  samplesMin: 10,
  errorShare: 0.1,
  firstTokenMs: 500,
  noEndpointMs: 1_000,
  capacityShare: 0.5,
  budgetMs: 1_000,
  coldStarts: 4,
  refusedRequests: 1,
  queueOlderThanMs: 60_000,
  keyDays: 7,
  spendShare: 0.8,
};
const SPEND = { tenant: "acme", key: null, period: "day" } as const;
const POOL: PoolSight = { pool: "llama", endpoints: 4, admitting: 4, budget: 10, refused: 0, oldestQueuedMs: 0 };

const requests = (outcome: string, count: number, reason = ""): SeriesDelta => [
  keyOf("requests", "llama", "/v1/x", outcome, reason),
  [count],
];
const firstTokens = (counts: Readonly<Record<number, number>>): SeriesDelta => [
  keyOf("firstToken", "llama", "llama", "chat", "us"),
  (COUNTED.firstToken.bucketsS ?? [])
    .concat(0, 0)
    .map((boundS, at, all) => (at < all.length - 1 ? (counts[boundS * 1_000] ?? 0) : 0)),
];
const windowOf = (...series: readonly SeriesDelta[]): Window =>
  keepLook(keepLook([], sumsOf([]), RULES.windowMs, NOW - 1_000), sumsOf(series), RULES.windowMs, NOW);

function levelOf(kind: AlertKind, sight: Partial<AlertSight>, rules: Partial<AlertRules> = {}) {
  const whole = { window: windowOf(), pools: [POOL], keys: [], spends: [], ...sight };
  const found = measuresOf(whole, { ...RULES, ...rules }, NOW).find((measure) => measure.kind === kind);
  return found?.level ?? null;
}
const ofPool = (wish: Partial<PoolSight>) => ({ pools: [{ ...POOL, ...wish }] });
const ofCounts = (...series: readonly SeriesDelta[]) => ({ window: windowOf(...series) });
const DAY = 86_400_000;

describe("a rule finds", () => {
  test.each([
    ["too few requests: not known", "error_share", ofCounts(requests("upstream_failed", 9)), "unknown"],
    ["as many as it needs", "error_share", ofCounts(requests("upstream_failed", 10)), "bad"],
    ["the share at its threshold", "error_share", ofCounts(requests("served", 90), requests("shed", 10)), "bad"],
    ["a share that is neither", "error_share", ofCounts(requests("served", 93), requests("expired", 7)), "between"],
    ["half of it", "error_share", ofCounts(requests("served", 95), requests("no_endpoint", 5)), "well"],
    [
      "what clients did themselves: nothing",
      "error_share",
      ofCounts(requests("refused", 50), requests("blocked", 50), requests("cancelled", 50)),
      "unknown",
    ],
    [
      "tenants at their own limits: nothing",
      "error_share",
      ofCounts(requests("shed", 50, "rate_limit_exceeded"), requests("shed", 50, "insufficient_quota")),
      "unknown",
    ],
    ["a window that has only begun", "error_share", { window: [] }, "unknown"],
    ["late first tokens", "first_token_late", ofCounts(firstTokens({ 100: 94, 750: 6 })), "bad"],
    ["first tokens around the objective: in time", "first_token_late", ofCounts(firstTokens({ 500: 100 })), "well"],
    ["four cold starts", "cold_start_storm", ofCounts([keyOf("coldStarts", "llama", "us"), [4]]), "bad"],
    ["a request under which endpoints ended", "request_refused", ofPool({ refused: 1 }), "bad"],
    ["none any more", "request_refused", ofPool({ refused: 0 }), "well"],
    ["a silent shard, of those", "request_refused", ofPool({ refused: null }), "unknown"],
    ["three", "cold_start_storm", ofCounts([keyOf("coldStarts", "llama", "us"), [3]]), "between"],
    ["no endpoint", "no_endpoint", ofPool({ admitting: 0 }), "bad"],
    ["one endpoint", "no_endpoint", ofPool({ admitting: 1 }), "well"],
    ["a shard that is silent: not known", "no_endpoint", ofPool({ admitting: null }), "unknown"],
    ["half of the endpoints: enough", "capacity_lost", ofPool({ admitting: 2 }), "well"],
    ["less than half", "capacity_lost", ofPool({ admitting: 1 }), "bad"],
    ["a pool whose endpoints are all drained", "capacity_lost", ofPool({ endpoints: 0, admitting: 0 }), "unknown"],
    ["a budget of nearly one", "budget_exhausted", ofPool({ budget: 0.99 }), "bad"],
    ["a budget of one", "budget_exhausted", ofPool({ budget: 1 }), "well"],
    ["an older shard's budget", "budget_exhausted", ofPool({ budget: null }), "unknown"],
    ["an old queue", "queue_old", ofPool({ oldestQueuedMs: 60_000 }), "bad"],
    ["an empty queue", "queue_old", ofPool({ oldestQueuedMs: 0 }), "well"],
    ["a queue that is silent", "queue_old", ofPool({ oldestQueuedMs: null }), "unknown"],
    ["a key with a week left", "key_expiring", { keys: [{ id: "ops", expiresAtMs: NOW + 7 * DAY }] }, "bad"],
    ["a key with more", "key_expiring", { keys: [{ id: "ops", expiresAtMs: NOW + 7 * DAY + 1 }] }, "well"],
    ["a key that has expired", "key_expiring", { keys: [{ id: "ops", expiresAtMs: NOW - 1 }] }, "bad"],
    ["a key whose registry is silent", "key_expiring", { keys: [{ id: "ops", expiresAtMs: null }] }, "unknown"],
    ["spending at its share", "spend_near_cap", { spends: [{ ...SPEND, share: 0.8 }] }, "bad"],
    ["spending below", "spend_near_cap", { spends: [{ ...SPEND, share: 0.79 }] }, "well"],
    ["spending that is not known", "spend_near_cap", { spends: [{ ...SPEND, share: null }] }, "unknown"],
  ] as const)("%s", (_, kind, sight, level) => {
    expect(levelOf(kind, sight)).toBe(level);
  });

  test.each([
    ["error_share", { errorShare: null }],
    ["first_token_late", { firstTokenMs: null }],
    ["no_endpoint", { noEndpointMs: null }],
    ["capacity_lost", { capacityShare: null }],
    ["budget_exhausted", { budgetMs: null }],
    ["cold_start_storm", { coldStarts: null }],
    ["request_refused", { refusedRequests: null }],
    ["queue_old", { queueOlderThanMs: null }],
  ] as const)("nothing for %s where it is null", (kind, rules) => {
    expect(levelOf(kind, {}, rules)).toBeNull();
  });
});

describe("a window", () => {
  const sums = (count: number) => sumsOf([requests("served", count)]);

  test("has what was counted since its first look, and forgets what is older", () => {
    let window: Window = [];
    for (const [atMs, count] of [
      [0, 5],
      [50, 8],
      [101, 20],
    ] as const)
      window = keepLook(window, sums(count), 100, atMs);
    expect(window.map(({ atMs }) => atMs)).toEqual([50, 101]);
    expect(within(window, "llama")).toMatchObject({ asked: 12, failed: 0 });
  });

  test("of sums that fell has nothing rather than less than nothing", () => {
    const window = keepLook(keepLook([], sums(9), 100, 0), sums(2), 100, 50);
    expect(within(window, "llama")).toMatchObject({ asked: 0 });
  });

  test("of a pool that nobody asked has zeros", () => {
    const window = keepLook(keepLook([], sums(9), 100, 0), sums(9), 100, 50);
    expect(within(window, "other")).toMatchObject({ asked: 0, coldStarts: 0 });
  });
});

test("first tokens count as late only where they are for certain", () => {
  const sums = sumsOf([firstTokens({ 250: 1, 500: 2, 750: 3, 1_000: 4 })]).get("llama");
  expect(sums === undefined ? null : lateFirstTokens(sums, 600)).toEqual({ share: 0.4, samples: 10 });
  expect(sums === undefined ? null : lateFirstTokens(sums, 500)).toEqual({ share: 0.7, samples: 10 });
});
