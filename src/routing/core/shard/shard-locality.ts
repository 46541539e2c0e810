/**
 * Decides what a shard makes of a request's session or prefix, and of what is known of single GPU workers: which
 * endpoints get a discount for it, which GPU worker the grant asks for, and what the attempt's end teaches.
 *
 * A key is noted when its request is granted, so that the next one of a burst finds it, and again when the attempt ends,
 * with the GPU worker that answered; a failure takes it back. Requests on credits are known by their ends alone.
 */
import { countAffinity, dropHolder, holderOf, matchAffinity, noteHolder, noteMark } from "./affinity.ts";
import type { AffinityMatch, StillCached } from "./affinity.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { concurrencyOf, slotsOf } from "../endpoint/endpoint.ts";
import type { EndpointState } from "../endpoint/endpoint-state.ts";
import { foundCached } from "../endpoint/endpoint-learn.ts";
import type { LineSeen } from "../endpoint/endpoint-learn.ts";
import type { LeasePrompt } from "../endpoint/prompt-line.ts";
import { pickWorker } from "../endpoint/gpu-workers.ts";
import { inFlightAtWorker, placeLease } from "./leases.ts";
import { learnReuse } from "./shard-line.ts";
import type { ShardState } from "./shard-state.ts";
import type { AcquireRequest, LeaseConfirmation, Settlement } from "../shard-messages.ts";

/** Whose prompts have no more in common than this share of what they promise says nothing of a cache's size. */
const TRUSTED = 0.5;

/** What is remembered of the request's key, among `views`; null: nothing, or it has none. */
export function affinityFor(
  state: ShardState,
  { affinity }: AcquireRequest,
  views: readonly EndpointView[],
  now: number,
): AffinityMatch | null {
  if (affinity === undefined || affinity === null) return null;
  let able = 0;
  for (const { warmth, standing } of views) if (warmth === "warm" && standing === "admitting") able += 1;
  const isCached: StillCached = (endpointId, written) => {
    const own = state.endpoints.get(endpointId)?.cache;
    if (own !== undefined) return own.written - written < own.keeps;
    const { cacheWritten, cacheKeeps } = views.find(({ id }) => id === endpointId) ?? NOT_TOLD;
    return cacheWritten === undefined || cacheKeeps === undefined || cacheWritten - written < cacheKeeps;
  };
  return matchAffinity(state.affinity, affinity, { endpoints: Math.max(1, able), isCached }, now);
}

const NOT_TOLD: Pick<EndpointView, "cacheWritten" | "cacheKeeps"> = {};

/** A request with a key is to be routed. */
export function countKey(state: ShardState, { affinity }: AcquireRequest, now: number): void {
  if (affinity !== undefined && affinity !== null) countAffinity(state.affinity, affinity, now);
}

/** Where a key's request was sent to be granted by another shard. */
export function noteSpill(state: ShardState, { affinity }: AcquireRequest, endpointId: string, written: number): void {
  if (affinity === undefined || affinity === null) return;
  noteHolder(state.affinity, affinity, { endpointId, workerId: null, wasCached: null, written });
}

export type Locality = { readonly workerId: string | null; readonly cachedTokens: number };

/** What the grant of the lease `request.leaseId` at `endpoint` says of its place, which is noted. */
export function placeGrant(state: ShardState, request: AcquireRequest, endpoint: EndpointState, now: number): Locality {
  const { affinity, leaseId } = request;
  const endpointId = endpoint.spec.id;
  const isKeyed = affinity !== undefined && affinity !== null;
  const holder = isKeyed ? holderOf(state.affinity, affinity, endpointId) : null;
  const workerId = workerFor(state, endpoint, holder?.workerId ?? null, now);
  if (workerId !== null) placeLease(state.leases, leaseId, workerId);
  const { written } = endpoint.cache;
  if (isKeyed) noteHolder(state.affinity, affinity, { endpointId, workerId, wasCached: null, written });
  return { workerId, cachedTokens: holder?.tokens ?? 0 };
}

/** The holder of a live lease says which GPU worker serves it. */
export function placeHeld(state: ShardState, { leaseId, workerId }: LeaseConfirmation): void {
  if (workerId !== undefined && workerId !== null) placeLease(state.leases, leaseId, workerId);
}

/** What the end of an attempt says of its key; to be asked before the attempt teaches anything else. */
export function settleKey(
  state: ShardState,
  endpoint: EndpointState,
  settlement: Settlement,
  { prompt, line }: { readonly prompt: LeasePrompt | null; readonly line: LineSeen | null },
  now: number,
): void {
  const { affinity, endpointId, outcome, workerId = null, answer } = settlement;
  const { written } = endpoint.cache;
  if (answer !== undefined) noteMark(state.affinity, answer, { endpointId, workerId, wasCached: null, written });
  if (affinity === undefined || affinity === null) return;
  switch (outcome) {
    case "served":
    case "cancelled": {
      const expected = prompt?.reuse?.tokens ?? settlement.cachedTokens ?? 0;
      const seen = { expected, line, slots: slotsOf(endpoint) };
      const wasCached = outcome === "served" ? foundCached(endpoint, settlement, seen, now) : null;
      const trusted = holderOf(state.affinity, affinity, endpointId)?.confidence ?? 1;
      if (wasCached !== null && prompt !== null) learnReuse(endpoint, prompt, wasCached, trusted >= TRUSTED);
      noteHolder(state.affinity, affinity, { endpointId, workerId, wasCached, written });
      break;
    }
    case "failed":
    case "capacity":
    case "cut":
      dropHolder(state.affinity, affinity, endpointId);
      break;
    case "late":
    case "client_fault":
    case "disputed":
    case "unused":
      break;
  }
}

function workerFor(state: ShardState, endpoint: EndpointState, home: string | null, now: number): string | null {
  const { workers, spec, warmWorkers } = endpoint;
  if (workers.size === 0) return null;
  const inFlightOf = (workerId: string): number => inFlightAtWorker(state.leases, spec.id, workerId);
  const { idleTimeoutMs } = spec;
  return pickWorker(
    workers,
    { home, warmWorkers, concurrency: concurrencyOf(endpoint), idleTimeoutMs, inFlightOf },
    now,
  );
}
