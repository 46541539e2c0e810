/** More requests than can wait: the lowest class goes first, each with the time after which it may come back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { PRIORITIES, rankOf } from "../../../../src/routing/core/shard/priority.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

const DEPTH = 4;
const SLOTS = 4;
const rng = seededRng(1);

/** A shard whose slots are all taken, and that lets DEPTH wait, however long. */
function full() {
  const state = createShard(poolSpec([endpointSpec()], { queueDepthMax: DEPTH, queueWaitMsMax: 120_000 }), "us", 1, 0);
  for (let slot = 0; slot < SLOTS; slot++)
    acquire(state, acquireRequest(`holder-${slot}`, { priority: "low" }), 0, rng);
  return state;
}

test("whoever is refused for want of room in line, nobody of a lower class is left waiting, and each is told a time", () => {
  const arrival = fc.record({ priority: fc.constantFrom(...PRIORITIES), tenant: fc.constantFrom("a", "b", "c") });
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
      const state = full();
      const ranks = new Map<string, number>();
      for (const [index, { priority, tenant }] of arrivals.entries()) {
        const leaseId = `i-${index}`;
        ranks.set(leaseId, rankOf(priority));
        const before = new Set(state.queue.keys());
        const { outcome } = acquire(state, acquireRequest(leaseId, { priority, sender: { tenant } }), 0, rng).reply;
        const gone = [...before].filter((id) => !state.queue.has(id));
        const refused = outcome.kind === "shed" ? [...gone, leaseId] : gone;
        const lowestLeft = Math.max(...[...state.queue.keys()].map((id) => ranks.get(id) ?? 0));
        for (const id of refused) {
          expect(ranks.get(id)).toBeGreaterThanOrEqual(lowestLeft);
          const said = id === leaseId ? outcome : state.resolved.get(id)?.outcome;
          expect(said?.kind === "shed" && said.retryAfterMs > 0 && Number.isFinite(said.retryAfterMs)).toBe(true);
        }
        expect(state.queue.size).toBeLessThanOrEqual(DEPTH);
        expect(state.queue.size, "nobody is refused while there is room in line").toBe(Math.min(DEPTH, index + 1));
      }
    }),
    { numRuns: 300 },
  );
});

test("who comes back after the time that it was told finds a slot, where as many end as were expected to", () => {
  const state = full();
  for (let waits = 0; waits < DEPTH; waits++) acquire(state, acquireRequest(`waits-${waits}`), 0, rng);
  const { outcome } = acquire(state, acquireRequest("too-many"), 0, rng).reply;
  expect(outcome.kind).toBe("shed");
  const retryAfterMs = outcome.kind === "shed" ? outcome.retryAfterMs : 0;
  // Slots end one after the other, as often as their mean time says.
  const perSlotMs = (state.endpoints.get("e1")?.occupancyMs.value ?? 0) / SLOTS;
  const live = (): string[] => [...state.leases.live.keys()];
  for (let now = perSlotMs; now <= retryAfterMs; now += perSlotMs) {
    const [leaseId = ""] = live();
    applyReport(state, { settled: [settlement({ leaseId, epoch: 1 })], held: [] }, now, rng);
  }
  const again = acquire(state, acquireRequest("again"), retryAfterMs, rng).reply.outcome;
  expect(again.kind).toBe("granted");
  expect(state.queue.size, "and nobody waits any more").toBe(0);
});
