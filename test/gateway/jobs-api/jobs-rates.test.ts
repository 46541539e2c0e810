/** The job API's own counts: at once and in a window, per tenant, pool and operation, in bounded memory. */
import { expect, test } from "vitest";
import { CONCURRENCY_RETRY_MS, DEFAULT_RATES } from "../../../src/jobs/core/rate.ts";
import type { Operation } from "../../../src/jobs/core/rate.ts";
import { admitCall, COUNTERS_MAX } from "../../../src/gateway/jobs-api/rates.ts";
import type { RatedPool } from "../../../src/gateway/jobs-api/rates.ts";
import { RATED_OPERATIONS } from "../../../src/config/jobs-schema.ts";

const NOW = 1_000_000;
const requests = (tenant: string, poolId = "main") =>
  admitCall({ tenant, pool: { id: poolId }, operation: "requests" }, NOW);

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
  const purge = (tenant: string) => admitCall({ tenant, pool: { id: "main" }, operation: "purge-queue" }, NOW);
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

test("what the pool's config says of an operation is its limit, and the rest stays as it is", () => {
  const pool: RatedPool = { id: "rated", jobs: { rates: { run: { callsPer10s: 2 }, runsync: { concurrentMax: 1 } } } };
  const kinds = (operation: Operation, count: number) =>
    Array.from({ length: count }, () => admitCall({ tenant: "a", pool, operation }, NOW).kind);
  expect(kinds("run", 3)).toEqual(["admitted", "admitted", "refused"]);
  expect(kinds("runsync", 2)).toEqual(["admitted", "refused"]);
  expect(kinds("purge-queue", 3)).toEqual(["admitted", "admitted", "refused"]);
});

test("the operations that the config may rate are those that are counted", () => {
  expect([...RATED_OPERATIONS].sort()).toEqual(Object.keys(DEFAULT_RATES).sort());
});
