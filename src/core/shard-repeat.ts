/**
 * Decides, in a shard, whether a request may have a second attempt, and when a first one counts as late.
 *
 * A first attempt is free. A second one is paid for when its lease is granted, from the bucket of the shard that grants it
 * (`budget.ts`); while the bucket is empty it is refused before it takes a slot or a place in the queue. A grant says
 * after how long its attempt is late, so that the edge asks nobody about requests that are in time.
 */
import { affords, bucketFor, purposeOf, spend } from "./budget.ts";
import { fillOf, firstByteP95Ms, HEDGE_FILL_MAX } from "./first-byte.ts";
import type { HedgeAdvice } from "./first-byte.ts";
import { invariant } from "./invariant.ts";
import type { Candidate } from "./route.ts";
import type { ShardState } from "./shard.ts";
import type { AcquireRequest, AwaitOutcome } from "./shard-messages.ts";

/** What a Worker that does not know `over_budget` is told, ms: by then some requests were served. */
export const OVER_BUDGET_RETRY_MS = 1_000;

/** The refusal of an attempt that nothing here could pay for; null when it is free or paid for. */
export function overBudget(state: ShardState, request: AcquireRequest): AwaitOutcome | null {
  const bucket = bucketFor(state.budgets, purposeOf(request));
  if (bucket === null || affords(bucket)) return null;
  // A Worker that does not say its purpose is of a version that does not know this outcome.
  return request.purpose === undefined ? { kind: "shed", retryAfterMs: OVER_BUDGET_RETRY_MS } : { kind: "over_budget" };
}

/** Pays for an attempt whose lease has just been granted; `overBudget` was asked before. */
export function payFor(state: ShardState, request: AcquireRequest): void {
  const bucket = bucketFor(state.budgets, purposeOf(request));
  if (bucket !== null) invariant(spend(bucket), "a second attempt is granted only when it can be paid");
}

/** What a grant for `endpointId` says of hedging; nothing where it may not be, or too little is known. */
export function hedgeAdvice(
  state: ShardState,
  request: AcquireRequest,
  endpointId: string,
  candidates: readonly Candidate[],
  now: number,
): HedgeAdvice {
  const { hedgeAfterMsMin = null, endpoints } = state.pool;
  const endpoint = state.endpoints.get(endpointId);
  if (hedgeAfterMsMin === null || endpoints.length < 2 || endpoint === undefined) return NEVER;
  if (purposeOf(request) !== "first") return NEVER;
  const p95Ms = firstByteP95Ms(endpoint.firstByte, now);
  const netMs = candidates.find((one) => one.endpointId === endpointId)?.terms.net;
  if (p95Ms === null || netMs === undefined || fillOf(candidates) >= HEDGE_FILL_MAX) return NEVER;
  const prefillTokensPerMs = endpoint.prefillTokensPerMs.value;
  return { hedgeAfterMs: Math.max(hedgeAfterMsMin, p95Ms + netMs), prefillTokensPerMs };
}

const NEVER: HedgeAdvice = { hedgeAfterMs: null };
