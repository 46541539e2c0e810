/**
 * Sends a request under its lease, and once more elsewhere if that fails before the first byte; hedges where that helps.
 * Ends with an answer that has begun or with a refusal, and says nothing to the client itself: the rails may have the
 * last word.
 */
import { lateTimes } from "../core/first-byte.ts";
import type { LateTimes } from "../core/first-byte.ts";
import type { Leased, LeaseReason, LeaseWish } from "../core/edge-lease.ts";
import { attemptOnce, endAttempt } from "./dispatch.ts";
import type { AttemptResult, Outgoing } from "./dispatch.ts";
import type { Refusal } from "./edge-request.ts";
import { attemptHedged } from "./hedge.ts";
import type { Hedged } from "./hedge.ts";
import { lease, returnLease } from "./lease-desk.ts";
import type { Desk, LeaseAnswer } from "./lease-desk.ts";
import type { EdgePool } from "./runtime.ts";

/** One request as the endpoints get it. */
export type Dispatch = {
  readonly desk: Desk;
  readonly pool: EdgePool;
  readonly wish: LeaseWish;
  readonly outgoing: Outgoing;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
};

export type BegunAttempt = Extract<AttemptResult, { readonly kind: "begun" }>;

export type Outcome =
  | {
      readonly kind: "begun";
      readonly result: BegunAttempt;
      readonly reason: LeaseReason | "failover" | "hedge";
      readonly attempts: number;
      readonly lease: Leased;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Never rejects but for a bug. */
export async function runAttempts(dispatch: Dispatch, leasing: Promise<LeaseAnswer>): Promise<Outcome> {
  const { desk, pool, wish, outgoing, repeatable } = dispatch;
  const tried: string[] = [];
  let answer = await leasing;
  let lost: Extract<AttemptResult, { kind: "lost" }> | null = null;
  for (;;) {
    if (answer.kind !== "leased") return refused(lost === null ? noLease(answer) : failed(lost, tried));
    const { holding, reason } = answer;
    if (outgoing.clientGone.aborted) {
      giveBack(desk, answer);
      return refused({ reason: "internal" });
    }
    const endpoint = pool.endpoints.get(holding.grant.endpointId);
    // A shard of another version may name an endpoint that this version does not know.
    if (endpoint === undefined) {
      giveBack(desk, answer);
      return refused({ reason: "no_endpoint" });
    }
    tried.push(endpoint.config.id);
    const late: LateTimes | null =
      lost === null && mayHedge(dispatch) ? lateTimes(holding.grant, wish.inputTokens) : null;
    const { result, isHedge }: Hedged =
      late === null
        ? { result: await attemptOnce(desk, holding, endpoint, outgoing), isHedge: false }
        : await attemptHedged(desk, holding, endpoint, outgoing, { late, pool, wish, tried });
    if (result.kind === "begun") {
      const why = isHedge ? "hedge" : lost === null ? reason : "failover";
      return { kind: "begun", result, reason: why, attempts: tried.length, lease: answer };
    }
    lost = result;
    if (result.undecided) endAttempt(result.attempt, "failed");
    const mayRepeat = (repeatable || !result.maybeProcessed) && !outgoing.clientGone.aborted;
    if (!mayRepeat || tried.length >= pool.config.attemptsMax) return refused(failed(lost, tried));
    const avoidRegion = lost.silent ? holding.grant.region : null;
    answer = await lease(desk, pool, { ...wish, excluded: tried, avoidRegion });
  }
}

/** Gives a lease back under which nothing was sent. */
export function giveBack(desk: Desk, answer: LeaseAnswer): void {
  if (answer.kind === "leased") returnLease(desk, answer.holding);
}

const refused = (refusal: Refusal): Outcome => ({ kind: "refused", refusal });

/** The first byte of a whole answer is its end: it does not tell a slow endpoint from a long answer. */
const mayHedge = ({ outgoing, repeatable, pool }: Dispatch): boolean =>
  outgoing.stream && repeatable && pool.config.attemptsMax > 1;

function noLease(answer: Exclude<LeaseAnswer, { kind: "leased" }>): Refusal {
  switch (answer.kind) {
    case "shed":
      return { reason: "saturated", retryAfterMs: answer.retryAfterMs };
    // Never of a first attempt, which is free.
    case "over_budget":
      return { reason: "saturated" };
    case "warming_up":
      return { reason: "warming_up", retryAfterMs: answer.retryAfterMs };
    case "no_endpoint":
      return { reason: "no_endpoint" };
  }
}

function failed({ why }: Extract<AttemptResult, { kind: "lost" }>, tried: readonly string[]): Refusal {
  const headers = [["x-warmpath-attempts", String(tried.length)]] as const;
  switch (why) {
    case "capacity":
      return { reason: "saturated", headers };
    case "timeout":
      return { reason: "upstream_timeout", headers };
    case "failed":
      return { reason: "upstream_failed", headers };
  }
}
