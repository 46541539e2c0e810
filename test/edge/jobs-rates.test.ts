/** The job API's own counts: at once and in a window, per tenant, pool and operation, in bounded memory. */
import { expect, test } from "vitest";
import { CONCURRENCY_RETRY_MS, DEFAULT_RATES } from "../../src/core/jobs/rate.ts";
import { admitCall, COUNTERS_MAX } from "../../src/edge/jobs/rates.ts";

const NOW = 1_000_000;
const requests = (tenant: string, poolId = "main") => admitCall({ tenant, poolId, operation: "requests" }, NOW);

test("as many calls as may be under way are admitted, one more waits for one to end", () => {
  const { concurrentMax } = DEFAULT_RATES.requests;
  const admitted = Array.from({ length: concurrentMax ?? 0 }, () => requests("a"));
  expect(admitted.map(({ kind }) => kind)).toEqual(admitted.map(() => "admitted"));
  expect(requests("a")).toEqual({ kind: "refused", retryAfterMs: CONCURRENCY_RETRY_MS });
  // Another tenant, and the same one at another pool, have counts of their own.
  expect([requests("b").kind, requests("a", "other").kind]).toEqual(["admitted", "admitted"]);
  const [first] = admitted;
  if (first?.kind === "admitted") first.release();
  expect(requests("a").kind).toBe("admitted");
});

test("beyond the bound the oldest count is forgotten, but none with a call under way", () => {
  const purge = (tenant: string) => admitCall({ tenant, poolId: "main", operation: "purge-queue" }, NOW);
  const { callsPer10s } = DEFAULT_RATES["purge-queue"];
  const spend = (tenant: string, isOver: boolean) => {
    for (let count = 0; count < callsPer10s; count++) {
      const ticket = purge(tenant);
      if (ticket.kind === "admitted" && isOver) ticket.release();
    }
  };
  spend("over", true);
  spend("under way", false);
  expect([purge("over").kind, purge("under way").kind]).toEqual(["refused", "refused"]);
  for (let count = 0; count < COUNTERS_MAX + 1; count++) {
    const ticket = requests(`tenant ${count}`);
    if (ticket.kind === "admitted") ticket.release();
  }
  expect([purge("over").kind, purge("under way").kind]).toEqual(["admitted", "refused"]);
});
