/**
 * What tenants cost, by `/metrics` and by their ledgers: the same to the last millionth, over three isolates that share one
 * feed and one ledger, with answers that nobody counted, streams whose client left, failures and refusals among them; and
 * of a tenant without limits, whom no ledger knows.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startIsolates } from "../support/isolates.ts";
import type { Isolates } from "../support/isolates.ts";
import { readMetrics } from "../support/metrics-text.ts";

const PRICES = { inputPerMTok: 1.5, cachedInputPerMTok: 0.5, outputPerMTok: 10 };
const EACH = 40;

let fleet: Fleet;
let isolates: Isolates;
let stateDir: string;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-cost-"));
  const simulator = { engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 2 } };
  fleet = await startFleet({
    endpoints: [{ id: "a", region: "us-east", simulator, config: { concurrencyPerWorker: 256 } }],
    keys: ["acme", "globex", "free"].map((tenant) => ({ id: tenant, tenant })),
    // Without streamUsage nobody counts the tokens of a stream.
    pool: { prices: PRICES, patienceMs: 5_000 },
    config: {
      tenants: { acme: { limits: { maxTokensMax: 50_000 } }, globex: { limits: { tokensPerMinute: 1_000_000 } } },
    },
    runtime: async (bindings) => (isolates = await startIsolates(BUNDLE, bindings, stateDir)),
  });
});
afterAll(async () => {
  await fleet.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function ask(tenant: string, nth: number): Promise<void> {
  const kind = ["whole", "stream", "leaves", "refused", "failed"][nth % 5];
  if (kind === "failed") fleet.simulator("a").setFault({ kind: "status", status: 422, times: 1 });
  const stream = kind === "stream" || kind === "leaves";
  const url = isolates.urls[nth % isolates.urls.length] ?? "";
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${fleet.keyOf(tenant)}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: fleet.model,
      stream,
      max_tokens: kind === "refused" ? 1e9 : kind === "leaves" ? 20_000 : 3 + (nth % 7),
      messages: [{ role: "user", content: `hello ${"word ".repeat(nth)}` }],
    }),
  });
  if (kind !== "leaves") return void (await answer.text());
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
}

type Row = { readonly tenant: string; readonly requests: number; readonly costMicros: number };

async function ledgers(): Promise<Readonly<Record<string, { requests: number; micros: number }>>> {
  const { data } = (await (await fleet.call("/admin/usage")).json()) as { data: readonly Row[] };
  const sums: Record<string, { requests: number; micros: number }> = {};
  for (const { tenant, requests, costMicros } of data) {
    const sum = (sums[tenant] ??= { requests: 0, micros: 0 });
    sum.requests += requests;
    sum.micros += costMicros;
  }
  return sums;
}

const metricsNow = async () => readMetrics(await (await fleet.call("/metrics")).text());

test("costs by tenant are those of the ledgers; without a ledger those of the tokens that were told", async () => {
  for (let nth = 0; nth < EACH; nth++) await Promise.all(["acme", "globex"].map(async (tenant) => ask(tenant, nth)));
  for (let nth = 0; nth < EACH; nth += 5) await ask("free", nth);
  // Refusals of a wrong request reach no ledger.
  const asked = (EACH / 5) * 4;
  const billed = await fleet.until(
    ledgers,
    ({ acme, globex }) => (acme?.requests ?? 0) >= asked && (globex?.requests ?? 0) >= asked,
    30_000,
  );
  const requests = async () => (await metricsNow()).sums("warmpath_tenant_requests_total", ["tenant"]);
  await fleet.until(
    requests,
    (sums) => sums["acme"] === EACH && sums["globex"] === EACH && sums["free"] === EACH / 5,
    30_000,
  );

  const metrics = await metricsNow();
  const costs = metrics.sums("warmpath_cost_total", ["tenant"]);
  const micros = (tenant: string) => Math.round((costs[tenant] ?? 0) * 1e6);
  expect(billed["acme"]?.micros).toBeGreaterThan(0);
  expect({ acme: micros("acme"), globex: micros("globex") }).toEqual({
    acme: billed["acme"]?.micros,
    globex: billed["globex"]?.micros,
  });
  expect(billed["free"]).toBeUndefined();
  const tokens = metrics.sums("warmpath_tokens_total", ["type"], { tenant: "free" });
  const exact = (tokens["input"] ?? 0) * 1.5 - (tokens["cached"] ?? 0) + (tokens["output"] ?? 0) * 10;
  // Each request is rounded up to a millionth.
  expect(micros("free") - exact).toBeGreaterThanOrEqual(0);
  expect(micros("free") - exact).toBeLessThan(EACH / 5);
}, 120_000);
