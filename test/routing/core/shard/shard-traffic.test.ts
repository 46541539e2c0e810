/** A shard and its edges under random traffic: what must hold whatever the network does. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drive, loadOf } from "./shard-traffic.ts";
import type { Network, Traffic } from "./shard-traffic.ts";

const RUNS = { numRuns: 12 };

const trafficOver = (network: fc.Arbitrary<Network>): fc.Arbitrary<Traffic> =>
  fc.record({
    seed: fc.nat(),
    edges: fc.integer({ min: 1, max: 4 }),
    requests: fc.constant(150),
    gapMsMax: fc.constantFrom(2, 20, 60),
    holdMsMax: fc.constantFrom(30, 500, 4_000),
    network,
  });

const share = fc.constantFrom(0, 0.1, 0.4);
const anyNetwork = fc.record({ loss: share, doubling: share, delayMsMax: fc.constantFrom(0, 15, 150) });
const faithful = fc.record({
  loss: fc.constant(0),
  doubling: share,
  delayMsMax: fc.constantFrom(0, 15, 90),
});

/**
 * What is promised is about grants: whoever gets a lease finds a slot. Slots may become fewer than there are leases,
 * when the endpoint fails and is tried with one request, but never does that end a lease, or let one more be given.
 */
function neverOverAdmitted(traffic: Traffic) {
  const known = new Set<string>();
  return drive(traffic, (state, _, now) => {
    const hasNew = new Set<string>();
    for (const { id, endpointId } of state.leases.live.values()) {
      if (!known.has(id)) hasNew.add(endpointId);
      known.add(id);
    }
    for (const { id, live, capacity, slots } of loadOf(state, now)) {
      if (live > (hasNew.has(id) ? capacity : slots)) {
        throw new Error(`${id} has ${live} live leases for ${capacity} of its ${slots} slots at ${now}`);
      }
    }
  });
}

describe("whatever is lost, doubled or reordered", () => {
  test("nobody gets a lease where no slot is free, and after everything has settled none has any", () => {
    fc.assert(
      fc.property(trafficOver(anyNetwork), (traffic) => {
        const { state, leaseCaches } = neverOverAdmitted(traffic);
        expect(state.leases.live.size + state.queue.size + state.resolved.size).toBe(0);
        for (const { heldLeases, outboxes } of leaseCaches) {
          expect(heldLeases.size + [...outboxes.values()].flat().length).toBe(0);
        }
      }),
      RUNS,
    );
  });
});

describe("when every message arrives in the end", () => {
  test("nothing runs without a live lease, so no endpoint ever runs more than it has slots", () => {
    fc.assert(
      fc.property(trafficOver(faithful), (traffic) => {
        const run = drive(traffic, (state, running) => {
          for (const { leaseId } of running) {
            if (!state.leases.live.has(leaseId)) throw new Error(`${leaseId} runs without a lease`);
          }
        });
        expect(run.granted + run.shed).toBe(traffic.requests);
        expect(run.state.leases.live.size).toBe(0);
      }),
      RUNS,
    );
  });

  test("a busy edge is served by credits in the main", () => {
    const network = { loss: 0, doubling: 0, delayMsMax: 10 };
    const run = neverOverAdmitted({ seed: 7, edges: 1, requests: 400, gapMsMax: 8, holdMsMax: 30, network });
    expect(run.granted).toBe(400);
    expect(run.fromCredits).toBeGreaterThan(200);
  });
});
