/** What a request costs whose answer has no tokens: the price of a request, as often as it asks; or nobody knows. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { formOf, sound } from "../support/form-fleet.ts";
import { idOf, LOG_ALL, recordOf } from "../support/records.ts";

let fleet: Fleet;
beforeAll(async () => {
  const prices = { inputPerMTok: 0, outputPerMTok: 0, perRequest: 0.04 };
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [
      { id: "acme", tenant: "acme" },
      { id: "free", tenant: "free" },
    ],
    pool: { prices, patienceMs: 5_000 },
    config: { ...LOG_ALL, tenants: { acme: { limits: { spendPerDay: 0.2 } } } },
  });
});
afterAll(async () => fleet.close());

const draw = async (key: string, n: number): Promise<Response> => {
  const headers = { authorization: `Bearer ${fleet.keyOf(key)}` };
  const body = JSON.stringify({ model: fleet.model, prompt: "a warm path", n });
  const response = await fleet.call("/v1/images/generations", { method: "POST", headers, body });
  await response.arrayBuffer();
  return response;
};

describe("a pool's price of a request", () => {
  test("counts as often as the request asks, with limits and without", async () => {
    for (const key of ["acme", "free"]) {
      const record = await recordOf(fleet, idOf(await draw(key, 3)));
      expect([record.outcome, record.costMicros]).toEqual(["served", 120_000]);
    }
  });

  test("is reserved: what would be beyond the day's money is not sent", async () => {
    const before = fleet.simulator("us-a").stats.requests;
    const refused = await draw("acme", 3);
    expect([refused.status, fleet.simulator("us-a").stats.requests]).toEqual([429, before]);
    expect((await draw("acme", 2)).status).toBe(200);
    expect((await draw("acme", 1)).status).toBe(429);
  });

  test("is not asked for what was not answered", async () => {
    fleet.simulator("us-a").setFault({ kind: "status", status: 422, times: 1 });
    expect((await recordOf(fleet, idOf(await draw("free", 3)))).costMicros).toBe(0);
  });

  test("counts for a form as for JSON", async () => {
    const body = formOf([
      ["file", sound()],
      ["model", fleet.model],
    ]);
    const headers = { authorization: `Bearer ${fleet.keyOf("free")}` };
    const response = await fleet.call("/v1/audio/transcriptions", { method: "POST", headers, body });
    await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect([record.route, record.costMicros]).toEqual(["/v1/audio/transcriptions", 40_000]);
  });
});

test("without one, what tells no tokens has no known cost, with limits and without", async () => {
  const priced = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [
      { id: "acme", tenant: "acme" },
      { id: "free", tenant: "free" },
    ],
    pool: { prices: { inputPerMTok: 1, outputPerMTok: 10 }, patienceMs: 5_000 },
    config: { ...LOG_ALL, tenants: { acme: { limits: {} } } },
  });
  try {
    for (const key of ["acme", "free"]) {
      const headers = { authorization: `Bearer ${priced.keyOf(key)}` };
      const body = JSON.stringify({ model: priced.model, voice: "alloy", input: "warm" });
      const spoken = await priced.call("/v1/audio/speech", { method: "POST", headers, body });
      await spoken.arrayBuffer();
      const record = await recordOf(priced, idOf(spoken));
      // A line has no member for what is not known.
      expect([record.outcome, "costMicros" in record && record.costMicros !== null]).toEqual(["served", false]);
      const drawn = JSON.stringify({ model: priced.model, prompt: "a warm path" });
      const told = await priced.call("/v1/images/generations", { method: "POST", headers, body: drawn });
      await told.arrayBuffer();
      expect((await recordOf(priced, idOf(told))).costMicros).toBeGreaterThan(0);
    }
  } finally {
    await priced.close();
  }
});
