/**
 * Equal endpoints of one region, in virtual time, with engines like llama.cpp's server: one slot, a queue of their own,
 * and response headers that come when the slot begins. Nobody has told the router how much they serve at once.
 */
import { describe, expect, test } from "vitest";
import { endpointView } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { Grant, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const TRIP_MS = 1;
const REQUESTS = 600;

type Run = { readonly state: ShardState; readonly served: ReadonlyMap<string, number>; readonly now: number };

/** `clients` that each send their next request when the last one has ended. */
function closedLoop(ids: readonly string[], clients: number, seed: number): Run {
  const rng = seededRng(seed);
  const endpoints = ids.map((id) => endpointSpec({ id, concurrencyPerWorker: null, queuesExcess: true }));
  const state = createShard(poolSpec(endpoints, { queueDepthMax: clients }), "us", 1, 0);
  const freeAtMs = new Map(ids.map((id) => [id, 0]));
  const served = new Map(ids.map((id) => [id, 0]));
  const due: { atMs: number; settled: Settlement[] }[] = [];
  for (let client = 0; client < clients; client++) due.push({ atMs: client, settled: [] });

  const run = ({ leaseId, endpointId, inFlightAtGrant }: Grant, now: number) => {
    served.set(endpointId, (served.get(endpointId) ?? 0) + 1);
    const startsMs = Math.max(now + TRIP_MS / 2, freeAtMs.get(endpointId) ?? 0);
    const endsMs = startsMs + 60 + 80 * rng();
    freeAtMs.set(endpointId, endsMs);
    const headersMs = startsMs - now + TRIP_MS / 2;
    const timing = { headersMs, ttftMs: headersMs + 5, heldMs: endsMs - now + TRIP_MS / 2 };
    const end = settlement({ leaseId, endpointId, inFlightAtGrant, clientKey: "unknown", ...timing });
    due.push({ atMs: endsMs + TRIP_MS / 2, settled: [end] });
  };

  let now = 0;
  for (let sent = 0; sent < REQUESTS; sent++) {
    due.sort((one, other) => one.atMs - other.atMs);
    const next = due.shift();
    if (next === undefined) throw new Error("every client waits");
    now = next.atMs;
    // No place: a server of one's own does not know where its clients are.
    const place = { client: null, clientKey: "unknown" };
    const asked = acquireRequest(`edge-${sent}`, { ...place, carry: { settled: next.settled, held: [] } });
    const { reply, effects } = acquire(state, asked, now, rng);
    for (const effect of effects) {
      // What was held and let go in this very call has its answer in the reply.
      if (effect.kind !== "resolved" || effect.leaseId === asked.leaseId) continue;
      run(granted(state.resolved.get(effect.leaseId)?.outcome), now);
    }
    if (reply.outcome.kind !== "queued") run(granted(reply.outcome), now);
  }
  return { state, served, now };
}

describe.each([1, 2, 3])("with seed %i", (seed) => {
  test.each([1, 4, 12])("each of three gets a fair share from %i clients", (clients) => {
    const { served } = closedLoop(["a", "b", "c"], clients, seed);
    for (const count of served.values()) {
      expect(count / REQUESTS).toBeGreaterThan(0.25);
      expect(count / REQUESTS).toBeLessThan(0.42);
    }
  });

  test.each([1, 3, 8])("each of two gets a fair share from %i clients", (clients) => {
    const { served } = closedLoop(["a", "b"], clients, seed);
    for (const count of served.values()) expect(count / REQUESTS).toBeGreaterThan(0.4);
  });

  test("the engines' queues are no distance", () => {
    const { state, now } = closedLoop(["a", "b", "c"], 12, seed);
    for (const endpoint of state.endpoints.values()) {
      expect(endpointView(endpoint, 0, now).roundTripMs["unknown"]).toBeLessThan(20);
    }
  });
});
