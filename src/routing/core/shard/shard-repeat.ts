/**
 * Decides, in a shard, whether a request may have a second attempt, and when a first one counts as late.
 *
 * A first attempt is free, and so is a retry while less than 80 % of the pool's slots are taken and nobody waits for one:
 * it takes nothing from anybody. Any other second attempt is paid for when its lease is granted, from the bucket of the
 * shard that grants it (`budget.ts`, for each tenant its part: `tenant-debts.ts`); while that pays for nothing it is refused before it takes a slot or a place in the queue. A grant says
 * after how long its attempt is late, so that the edge asks nobody about requests that are in time.
 */
import { purposeOf } from "./budget.ts";
import { fillOf, fillOfWarm, firstByteP95Ms, HEDGE_FILL_MAX, moveAfterMs } from "../endpoint/first-byte.ts";
import type { HedgeAdvice } from "../endpoint/first-byte.ts";
import { observeLate } from "../endpoint/lateness.ts";
import { speedOf } from "../endpoint/reading.ts";
import type { Weighed } from "../cost/route.ts";
import { allViews } from "./shard.ts";
import type { ShardState } from "./shard-state.ts";
import { canPay, payerFor } from "./tenant-debts.ts";
import type { Payer } from "./tenant-debts.ts";
import type { AcquireRequest, AwaitOutcome } from "../shard-messages.ts";

/** What a Worker that does not know `over_budget` is told, ms: by then some requests were served. */
const OVER_BUDGET_RETRY_MS = 1_000;

/** The refusal of an attempt that nothing here could pay for; null when it is free, or could be paid for now. */
export function overBudget(state: ShardState, request: AcquireRequest, now: number): AwaitOutcome | null {
  const payer = payerOf(state, request, now);
  return payer === null || canPay(payer) ? null : unpaid(request);
}

/** What a request is told whose second attempt nothing pays for. */
export function unpaid({ purpose }: AcquireRequest): AwaitOutcome {
  // A Worker that does not say its purpose is of a version that does not know this outcome.
  return purpose === undefined ? { kind: "shed", retryAfterMs: OVER_BUDGET_RETRY_MS } : { kind: "over_budget" };
}

/** Who pays for it; null: it is free, as a first attempt is, and a retry while the pool has slots to spare. */
export function payerOf(state: ShardState, request: AcquireRequest, now: number): Payer | null {
  const purpose = purposeOf(request);
  if (purpose === "first" || purpose === "shadow" || isMove(request)) return null;
  if (purpose === "retry" && hasSlack(state, request, now)) return null;
  return payerFor(state.budgets, state.debts, purpose, request.sender);
}

/** Is there a free slot elsewhere, in a pool with slots to spare: the hedge's own rule. */
function hasSlack(state: ShardState, { excluded, leaseId }: AcquireRequest, now: number): boolean {
  const others = state.queue.size - (state.queue.has(leaseId) ? 1 : 0);
  if (others > 0) return false;
  const admitting = allViews(state, now, "").filter(({ standing }) => standing === "admitting");
  if (fillOfWarm(admitting) >= HEDGE_FILL_MAX) return false;
  return admitting.some((one) => one.warmth === "warm" && one.inFlight < one.capacity && !excluded.includes(one.id));
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
  weighed: readonly Weighed[],
  now: number,
): HedgeAdvice {
  const { hedgeAfterMsMin = null, endpoints } = state.pool;
  const endpoint = state.endpoints.get(endpointId);
  if (hedgeAfterMsMin === null || endpoints.length < 2 || endpoint === undefined) return NEVER;
  if (purposeOf(request) !== "first") return NEVER;
  const p95Ms = firstByteP95Ms(endpoint.firstByte, now);
  const netMs = weighed.find(({ view }) => view.id === endpointId)?.netMs;
  const prefillTokensPerMs = speedOf(endpoint.reading);
  const move = { moveAfterMs: moveAfterMs(p95Ms) + (netMs ?? 0), prefillTokensPerMs };
  if (p95Ms === null || netMs === undefined || fillOf(weighed) >= HEDGE_FILL_MAX) return { ...NEVER, ...move };
  return { ...move, hedgeAfterMs: Math.max(hedgeAfterMsMin, p95Ms + netMs) };
}

const NEVER: HedgeAdvice = { hedgeAfterMs: null };
