/**
 * Decides, in a shard, whether a request may have a second attempt, and when a first one counts as late.
 *
 * A first attempt is free. A second one is paid for when its lease is granted, from the bucket of the shard that grants it
 * (`budget.ts`); while the bucket is empty it is refused before it takes a slot or a place in the queue. A grant says
 * after how long its attempt is late, so that the edge asks nobody about requests that are in time.
 */
import { affords, bucketFor, purposeOf, spend } from "./budget.ts";
import { fillOf, firstByteP95Ms, HEDGE_FILL_MAX, moveAfterMs } from "./first-byte.ts";
import type { HedgeAdvice } from "./first-byte.ts";
import { observeLate } from "./lateness.ts";
import { invariant } from "./invariant.ts";
import type { Candidate } from "./route.ts";
import type { ShardState } from "./shard.ts";
import type { AcquireRequest, AwaitOutcome } from "./shard-messages.ts";

/** What a Worker that does not know `over_budget` is told, ms: by then some requests were served. */
export const OVER_BUDGET_RETRY_MS = 1_000;

/** The refusal of an attempt that nothing here could pay for; null when it is free or paid for. */
export function overBudget(state: ShardState, request: AcquireRequest): AwaitOutcome | null {
  const bucket = isMove(request) ? null : bucketFor(state.budgets, purposeOf(request));
  if (bucket === null || affords(bucket)) return null;
  // A Worker that does not say its purpose is of a version that does not know this outcome.
  return request.purpose === undefined ? { kind: "shed", retryAfterMs: OVER_BUDGET_RETRY_MS } : { kind: "over_budget" };
}

/** Pays for an attempt whose lease has just been granted; `overBudget` was asked before. */
export function payFor(state: ShardState, request: AcquireRequest): void {
  const bucket = isMove(request) ? null : bucketFor(state.budgets, purposeOf(request));
  if (bucket !== null) invariant(spend(bucket), "a second attempt is granted only when it can be paid");
}

/** A place beside an attempt that is late takes only what is to spare, and nothing is paid for it. */
const isMove = ({ lateForMs }: AcquireRequest): boolean => lateForMs !== undefined;

/** An attempt waits in vain at the endpoint that is excluded: whoever comes next hears of it at once. */
export function noteLate(state: ShardState, { excluded, lateForMs }: AcquireRequest, now: number): void {
  if (lateForMs === undefined) return;
  for (const endpointId of excluded) {
    const endpoint = state.endpoints.get(endpointId);
    if (endpoint !== undefined) endpoint.late = observeLate(endpoint.late, lateForMs, now);
  }
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
  const prefillTokensPerMs = endpoint.prefillTokensPerMs.value;
  const move = { moveAfterMs: moveAfterMs(p95Ms) + (netMs ?? 0), prefillTokensPerMs };
  if (p95Ms === null || netMs === undefined || fillOf(candidates) >= HEDGE_FILL_MAX) return { ...NEVER, ...move };
  return { ...move, hedgeAfterMs: Math.max(hedgeAfterMsMin, p95Ms + netMs) };
}

const NEVER: HedgeAdvice = { hedgeAfterMs: null };
