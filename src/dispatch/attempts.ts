/**
 * Sends a request under its lease, and again elsewhere if that is lost before the first byte (`dispatch/core/attempt-plan.ts`
 * decides where, and how often); hedges where that helps.
 * Ends with an answer that has begun or with a refusal, and says nothing to the client itself: the rails may have the
 * last word.
 */
import { afterLoss, afterNoLease, comeBackMs, createAttemptPlan } from "./core/attempt-plan.ts";
import type { AttemptPlan, Loss, Repeat } from "./core/attempt-plan.ts";
import { lateTimes } from "../routing/core/endpoint/first-byte.ts";
import type { Leased, LeaseReason, LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { attemptOnce, endAttempt } from "./dispatch.ts";
import type { AttemptResult, LostAttempt } from "./attempt.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Refusal } from "../wire/refusal.ts";
import { noteServed } from "./core/failing-requests.ts";
import { attemptHedged } from "./hedge.ts";
import type { Hedged } from "./hedge.ts";
import { lease, returnLease } from "./lease-desk.ts";
import type { Desk, LeaseAnswer } from "./lease-desk.ts";
import type { EdgeEndpoint, EdgePool } from "./runtime.ts";

/** One request as the endpoints get it. */
export type Dispatch = {
  readonly desk: Desk;
  readonly pool: EdgePool;
  readonly leaseRequest: LeaseRequest;
  readonly outgoing: Outgoing;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
  /** Whose request it is. */
  readonly tenant: string;
};

type BegunAttempt = Extract<AttemptResult, { readonly kind: "begun" }>;

export type Outcome =
  | {
      readonly kind: "begun";
      readonly result: BegunAttempt;
      readonly reason: LeaseReason | "failover" | "hedge";
      readonly attempts: number;
      readonly lease: Leased;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

type BegunOutcome = Extract<Outcome, { readonly kind: "begun" }>;

/** Never rejects but for a bug. */
export async function runAttempts(dispatch: Dispatch, leasing: Promise<LeaseAnswer>): Promise<Outcome> {
  const { desk, pool, leaseRequest } = dispatch;
  // Loaded when the first request has failed.
  const refusal = pool.failing.entries.size === 0 ? null : (await import("./failing.ts")).refuseFailing(dispatch);
  if (refusal !== null) {
    desk.ctx.waitUntil(leasing.then((answer) => giveBack(desk, answer)));
    return refused(refusal);
  }
  const plan = createAttemptPlan();
  const rule = { attemptsMax: pool.config.attemptsMax, repeatable: dispatch.repeatable };
  /** Endpoints answered with errors of their own: whose fault it was is known when the request ends. */
  const undecided: LostAttempt[] = [];
  const blame = (outcome: "failed" | "disputed"): void => {
    for (const { attempt } of undecided) endAttempt(attempt, outcome);
  };
  /** Attempts that were refused for want of room: whether that is their endpoint's is known by whoever is asked next. */
  const refusals: LostAttempt[] = [];
  let answer = await leasing;
  let lost: LostAttempt | null = null;
  const all: Losses = { credentialRefused: true, poolDown: false };
  /** The first endpoint that said it, in its own words: they are the client's when nobody has a longer context. */
  let tooLong: BegunOutcome | null = null;
  for (;;) {
    if (answer.kind !== "leased") {
      await endRefused(dispatch, plan, refusals);
      // Longer than it would wait for a slot it does not wait for one that refused it.
      const mayWait = (plan.roomAfterMs ?? 0) <= pool.config.queueWaitMsMax;
      const mayComeBack = lost !== null && answer.kind !== "over_budget" && mayWait;
      const back: Repeat | null = mayComeBack ? afterNoLease(plan) : null;
      if (back === null) {
        blame("failed");
        await endedUnanswered(dispatch, plan);
        return ended(lost === null ? noLease(answer) : failed(lost, plan, all, answer), tooLong, plan);
      }
      if (plan.roomAfterMs !== null) await scheduler.wait(plan.roomAfterMs);
      answer = await lease(desk, pool, { ...leaseRequest, ...back, again: true });
      continue;
    }
    const sending = sendable(dispatch, answer);
    if ("reason" in sending) {
      blame("failed");
      await endRefused(dispatch, plan, refusals);
      return refused(sending);
    }
    const dispatchedBefore = plan.tried.length;
    const isFirst = dispatchedBefore === 0;
    const { result, isHedge }: Hedged = await attemptLeased(dispatch, answer.heldLease, sending, plan, isFirst);
    if (result.kind === "begun") {
      blame("failed");
      if (result.response.status < 400) {
        noteServed(pool.failing, Date.now());
        // It serves elsewhere: the refusals were not the request's.
        for (const { attempt } of refusals) {
          attempt.request = null;
          endAttempt(attempt, "capacity");
        }
      } else await endRefused(dispatch, plan, refusals);
      const why = isHedge ? "hedge" : isFirst ? answer.reason : "failover";
      const begun: BegunOutcome = { kind: "begun", result, reason: why, attempts: plan.tried.length, lease: answer };
      if (!result.isTooLong) return begun;
      endAttempt(result.attempt, "client_fault");
      tooLong ??= begun;
      const longer = afterLoss(plan, lossOf({ ...TOO_LONG, attempt: result.attempt }, false), rule);
      if (longer === null || dispatch.outgoing.clientGone.aborted) return { ...tooLong, attempts: plan.tried.length };
      answer = await lease(desk, pool, { ...leaseRequest, ...longer, again: true });
      continue;
    }
    lost = result;
    all.credentialRefused &&= result.status === 401 || result.status === 403;
    all.poolDown = answer.reason === "panic" && result.silent;
    if (result.undecided) undecided.push(result);
    if (result.why === "capacity") {
      result.attempt.request = REFUSED;
      refusals.push(result);
    }
    const next = afterLoss(plan, lossOf(result, plan.tried.length > dispatchedBefore + 1), rule);
    if (next === null || dispatch.outgoing.clientGone.aborted) {
      blame(plan.disputed ? "disputed" : "failed");
      await endRefused(dispatch, plan, refusals);
      await endedUnanswered(dispatch, plan);
      return ended(failed(lost, plan, all, null), tooLong, plan);
    }
    answer = await lease(desk, pool, { ...leaseRequest, ...next, again: true });
  }
}

async function endedUnanswered(dispatch: Dispatch, plan: AttemptPlan): Promise<void> {
  const { noteEnded } = await import("./failing.ts");
  noteEnded(dispatch, plan);
}

/** Nobody served what they refused. */
async function endRefused(dispatch: Dispatch, plan: AttemptPlan, refusals: readonly LostAttempt[]): Promise<void> {
  if (refusals.length > 0) (await import("./failing.ts")).noteRefused(dispatch, plan, refusals);
}

/** Stands for every refused request until it is known better: they may be wrong alike, however much they differ. */
const REFUSED = "refused";

/** The endpoint of a lease; or why nothing can be sent there, and the lease has gone home. */
function sendable({ desk, pool, outgoing }: Dispatch, answer: Leased): EdgeEndpoint | Refusal {
  // A shard of another version may name an endpoint that this version does not know.
  const endpoint = pool.endpoints.get(answer.heldLease.grant.endpointId);
  if (endpoint !== undefined && !outgoing.clientGone.aborted) return endpoint;
  giveBack(desk, answer);
  return { reason: endpoint === undefined ? "no_endpoint" : "internal" };
}

async function attemptLeased(
  dispatch: Dispatch,
  heldLease: HeldLease,
  endpoint: EdgeEndpoint,
  { tried }: AttemptPlan,
  isFirst: boolean,
): Promise<Hedged> {
  const { desk, pool, leaseRequest, outgoing } = dispatch;
  tried.push(endpoint.config.id);
  const late = isFirst && mayHedge(dispatch) ? lateTimes(heldLease.grant, leaseRequest.inputTokens) : null;
  if (late !== null) return attemptHedged(desk, heldLease, endpoint, outgoing, { late, pool, leaseRequest, tried });
  return { result: await attemptOnce(desk, heldLease, endpoint, outgoing), isHedge: false };
}

/** Nothing of it was processed, and nobody is to blame. */
const TOO_LONG = {
  why: "too_long",
  maybeProcessed: false,
  silent: false,
  undecided: false,
  retryAfterMs: null,
} as const;

/** What is too long for one endpoint, and was answered by no other: only want of room is worth coming back for. */
function ended(refusal: Refusal, tooLong: BegunOutcome | null, { tried }: AttemptPlan): Outcome {
  const mayFit = refusal.reason === "saturated" || refusal.reason === "warming_up";
  return tooLong === null || mayFit ? refused(refusal) : { ...tooLong, attempts: tried.length };
}

type Lost = Pick<LostAttempt, "attempt"> & Pick<Loss, "why" | keyof typeof TOO_LONG>;

function lossOf({ attempt, why, maybeProcessed, silent, undecided, retryAfterMs }: Lost, withHedge: boolean): Loss {
  const { endpointId, region, inFlightAtGrant } = attempt.heldLease.grant;
  return {
    why,
    maybeProcessed,
    silent,
    undecided,
    retryAfterMs,
    endpointId,
    region,
    wasIdle: inFlightAtGrant === 0,
    heldMs: Date.now() - attempt.sentAtMs,
    withHedge,
  };
}

/** Gives a lease back under which nothing was sent. */
export function giveBack(desk: Desk, answer: LeaseAnswer): void {
  if (answer.kind === "leased") returnLease(desk, answer.heldLease);
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

/** What the attempts of one request that were lost have in common. Written in place. */
type Losses = {
  /** Each endpoint that was asked refused our own credential: asking again is in vain. */
  credentialRefused: boolean;
  /** The last was sent although nobody admits, and nobody was there. */
  poolDown: boolean;
};

function failed(
  { why }: LostAttempt,
  plan: AttemptPlan,
  { credentialRefused, poolDown }: Losses,
  answer: LeaseAnswer | null,
): Refusal {
  const headers = [["x-warmpath-attempts", String(plan.tried.length)]] as const;
  switch (why) {
    case "capacity": {
      const waitMs = comeBackMs(plan, answer?.kind === "shed" ? answer.retryAfterMs : null);
      return { reason: "saturated", headers, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
    }
    case "timeout":
      return { reason: "upstream_timeout", headers };
    case "failed":
    case "left":
      if (credentialRefused) return { reason: "credential_refused", headers };
      if (poolDown && why === "failed") return { reason: "pool_down", headers };
      return { reason: "upstream_failed", headers, ...(plan.disputed ? { detail: DISPUTED } : {}) };
  }
}

const DISPUTED =
  "Two GPU endpoints answered this request with errors of their own, so it is probably the request. Check it before you send it again.";
