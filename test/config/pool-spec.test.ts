import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { poolSpec } from "../../src/config/pool-spec.ts";
import { configText } from "./config-sample.ts";

test("the core sees numbers and places, and neither URLs nor secrets", () => {
  const result = parseConfig(configText("pools.llama.endpoints.1.executionTimeoutMs", 400_000));
  if (!result.ok) throw new Error("the sample is valid");
  const spec = poolSpec(result.value, "llama");
  expect(spec).toEqual({
    id: "llama",
    endpoints: [
      {
        id: "a",
        region: "us",
        place: { lat: 39, lon: -77.5 },
        workersMin: 1,
        workersMax: 1,
        concurrencyPerWorker: null,
        scalerValue: 4,
        idleTimeoutMs: 60_000,
        coldStartMs: 30_000,
        queuesExcess: true,
        prefillTokensPerMs: 16,
      },
      expect.objectContaining({ id: "b", place: { lat: 50.1, lon: 8.7 } }),
    ],
    leaseTtlMs: 30_000,
    // The longest execution time, and one renewal for the settlement.
    leaseCapMs: 430_000,
    queueDepthMax: 100,
    queueWaitMsMax: 10_000,
    coldWaitMsMax: 10_000,
    hedgeAfterMsMin: 100,
  });
  expect(JSON.stringify(spec)).not.toContain("http");
});

test.each([
  [{}, 100],
  [{ afterMsMin: 25 }, 25],
  [{ enabled: false, afterMsMin: 25 }, null],
])("hedging configured as %j begins after %j ms", (hedge, hedgeAfterMsMin) => {
  const result = parseConfig(configText("pools.llama.hedge", hedge));
  if (!result.ok) throw new Error("the sample is valid");
  expect(poolSpec(result.value, "llama")).toMatchObject({ hedgeAfterMsMin });
});

test("a lease outlives the longest wait for a first byte too, where that is longer than any attempt may run", () => {
  const result = parseConfig(configText("pools.llama.ttfbTimeoutMs", 600_000));
  if (!result.ok) throw new Error("the sample is valid");
  const { leaseCapMs, leaseTtlMs } = poolSpec(result.value, "llama");
  expect(leaseCapMs).toBe(600_000 + leaseTtlMs);
});
