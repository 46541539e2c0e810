/**
 * The production router whose requests say which session or prefix they belong to, where the workload knows.
 *
 * Model. Keys are put on from the outside, at the two calls between a request and its edge, so that the router itself is
 * the one that the soak runs. Workloads without shared prompts have no keys, and run as without this, event by event.
 */
import type { AffinityKey } from "../../../src/routing/core/shard/affinity.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { RouterFactory } from "../router.ts";
import { CORE } from "./core-calls.ts";
import { PATIENT_QUEUE } from "./options.ts";
import { promptKey } from "./prompt-key.ts";
import { ProductionRouter } from "./router.ts";

export const keyedProduction: RouterFactory = (world) => {
  const router = new ProductionRouter(world, { options: PATIENT_QUEUE, core: CORE, watch: null });
  if (world.requests.blocks.length > 0) giveKeys(router);
  return router;
};

function giveKeys({ edges, world }: ProductionRouter): void {
  const keys = new WeakMap<HeldLease, AffinityKey>();
  for (const edge of edges.flat()) {
    const lease = edge.lease.bind(edge);
    const settle = edge.settle.bind(edge);
    edge.lease = (request, leaseRequest, done) => {
      const affinityKey = promptKey(world.requests, request);
      lease(request, { ...leaseRequest, affinityKey }, (answer) => {
        if (answer.kind === "leased" && affinityKey !== null) keys.set(answer.heldLease, affinityKey);
        done(answer);
      });
    };
    edge.settle = (heldLease, end) => {
      const affinity = keys.get(heldLease) ?? null;
      const told = { ...end, affinity, cachedTokens: heldLease.cachedTokens };
      settle(heldLease, told);
    };
  }
}
