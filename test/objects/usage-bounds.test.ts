/** What one answer of `/v1/usage` and `/admin/usage` may come to, at its bounds and beyond, from ledgers in their runtime. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { ownUsage, USAGE_RANGE_DAYS_MAX, USAGE_ROWS_MAX, usageForOperators } from "../../src/gateway/usage.ts";
import type { Authenticated } from "../../src/gateway/edge-request.ts";
import { ledgerOf } from "../../src/tenants/ledger-of.ts";
import type { Answer } from "../../src/wire/refusal.ts";

const { TENANT_LEDGER } = env as unknown as { readonly TENANT_LEDGER: unknown };
const NOON = Date.UTC(2026, 10, 30, 12);
const DAY = "2026-11-30";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOON }));
afterEach(() => vi.useRealTimers());

function edgeOf(query: string, tenants: object = {}): Authenticated {
  const config = parseConfig(
    JSON.stringify({
      regions: { us: { lat: 39, lon: -77.5, hint: "enam" } },
      keys: [],
      tenants,
      pools: { main: { endpoints: [{ id: "a", region: "us", backend: "openai", url: "https://a.example.com" }] } },
    }),
  );
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const identity = { tenant: "acme", keyId: "a", scopes: ["infer", "admin"] };
  const edge = { env: { TENANT_LEDGER }, identity, query, startedAtMs: NOON, requestId: "r" };
  return { ...edge, runtime: { config: config.value } } as unknown as Authenticated;
}

async function said(answer: Answer): Promise<{ readonly rows: number } | { readonly param?: string; detail?: string }> {
  if (!(answer instanceof Response)) return answer as { readonly param?: string; detail?: string };
  expect(answer.status).toBe(200);
  return { rows: ((await answer.json()) as { readonly data: readonly unknown[] }).data.length };
}

/** One row for each model. */
async function use(from: number, count: number, seq: number): Promise<void> {
  const sums = { requests: 1, input: 1, cached: 0, output: 1, micros: 1, estimated: 0 };
  const usage = Array.from({ length: count }, (_, at) => ({
    key: "k",
    model: `m${from + at}`,
    outcome: "served",
    ...sums,
  }));
  await ledgerOf({ TENANT_LEDGER }, "acme")?.report({
    isolate: "i",
    from: seq,
    entries: [{ seq, closes: [], dropped: [], usage }],
  });
}

test("as many days as one answer may have are told, and one more is refused with what to do", async () => {
  const ask = async (days: number) => {
    const from = new Date(Date.parse(DAY) - (days - 1) * 86_400_000).toISOString().slice(0, 10);
    return said(await ownUsage(edgeOf(`?from=${from}&to=${DAY}`)));
  };
  expect(await ask(USAGE_RANGE_DAYS_MAX)).toHaveProperty("rows");
  expect(await ask(USAGE_RANGE_DAYS_MAX + 1)).toMatchObject({
    reason: "invalid_request",
    param: "from",
    detail: `At most ${USAGE_RANGE_DAYS_MAX} days can be asked for at once.`,
  });
});

test("as many rows as one answer may have are told, and one more is refused, and nothing of it is lost", async () => {
  const query = `?from=${DAY}&to=${DAY}`;
  const ask = async (more = "") => said(await ownUsage(edgeOf(query + more)));
  await use(0, USAGE_ROWS_MAX, 1);
  expect(await ask()).toEqual({ rows: USAGE_ROWS_MAX });
  await use(USAGE_ROWS_MAX, 1, 2);
  const beyond = { reason: "invalid_request", param: "from", detail: expect.stringContaining("Ask for fewer days") };
  expect(await ask()).toMatchObject(beyond);
  expect(await ask("&format=csv")).toMatchObject(beyond);
  expect(await ask("&key=another")).toEqual({ rows: 0 });
});

test("more tenants than operators may ask of at once are refused, and one of them by its name is told", async () => {
  const tenants = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`t${at}`, {}]));
  expect(await said(await usageForOperators(edgeOf("", tenants)))).toMatchObject({
    reason: "invalid_request",
    param: "tenant",
    detail: "There are more than 1000 tenants. Name one.",
  });
  expect(await said(await usageForOperators(edgeOf("?tenant=t7", tenants)))).toEqual({ rows: 0 });
});
