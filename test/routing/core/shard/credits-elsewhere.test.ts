/** A credit is spent without a choice: there are none where the next request would be chosen elsewhere. */
import { expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { observeLoad } from "../../../../src/routing/core/cost/terms/load.ts";
import { acquireRequest, endpointSpec, granted, poolSpec } from "./shard-fixture.ts";

/** What a request beside another one waits for its first token at each engine. */
function creditsAt(ids: readonly string[], besideMs: number): number {
  const specs = ids.map((id) => endpointSpec({ id, concurrencyPerWorker: 8 }));
  const state = createShard(poolSpec(specs), "us", 1, 0);
  for (const { load } of state.endpoints.values()) {
    for (let sample = 0; sample < 20; sample++) observeLoad(load, 1, besideMs, 0);
  }
  const { reply } = acquire(state, acquireRequest("i-1", { recentPerSecond: 1_000 }), 0, seededRng(1));
  return granted(reply.outcome).credits;
}

test("an engine that makes the second request wait gets none while another one may be idle", () => {
  expect(creditsAt(["a", "b"], 100)).toBe(0);
});

test("an engine that does not feel it, and one that has no equal, get as many as ever", () => {
  expect(creditsAt(["a", "b"], 0)).toBe(3);
  expect(creditsAt(["a"], 100)).toBe(3);
});
