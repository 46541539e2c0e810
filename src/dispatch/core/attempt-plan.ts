/**
 * Decides what a request does after an attempt that began no answer: ask for another endpoint, come back to one, or
 * end.
 *
 * Model. Each kind of loss has a bound of its own.
 * - A *refusal* for want of room left the request unprocessed. Each other endpoint is asked once, free of charge, but for
 *   those that have just refused such requests (`full-lately.ts`).
 * - A *failure* may have been processed. It is repeated only where that is allowed; at most `attemptsMax` attempts may
 *   fail, and the shard says whether one more is paid for (`budget.ts`).
 * - A *break* is a failure within STALE_MS without one byte: nothing listens, or it hangs up. It costs the client
 *   milliseconds. Where anything is repeated at all, the first BREAKS_FREE are not counted among the failures: two
 *   nodes that go together are met by one request in ten before anybody knows.
 * - A request that is *too long* for one endpoint's context goes to one other, free, and never again to the same.
 * - One that is *put back* for a higher class asks for the same endpoints again, at most PUT_BACKS_MAX times.
 * Whoever was cut off keeps the next attempt out of its region, headers or none: a region that goes dark takes both.
 * When no other endpoint can serve, two kinds are asked once more. Those that refused: their shard holds the request
 * until they have room. And those whose connection broke before anything can have come of it, at once: an idle
 * connection that the server has just closed looks like that. If two endpoints answer one request with errors of their
 * own, it is most likely the request, and it ends (`blame`).
 * Rejected: one count for everything, by which a fleet that is full for a moment uses up what failures need; and a rule
 * in the gateway's loop, which the simulator cannot run.
 */
import type { AttemptPurpose } from "../../routing/core/shard/budget.ts";

/** An attempt that began no answer, as far as the plan goes. */
export type Loss = {
  readonly endpointId: string;
  readonly region: string;
  /**
   * `left`: its endpoint became down or ejected while it waited there; `put_back`: its place is for a request of a
   * higher class (`lease-cache-leave.ts`).
   */
  readonly why: "capacity" | "failed" | "timeout" | "too_long" | "left" | "put_back";
  readonly maybeProcessed: boolean;
  /** Not one byte came back: nothing can have come of it. */
  readonly silent: boolean;
  /** It broke off, or was too late, before an answer had begun: its whole region may be gone. */
  readonly cutOff: boolean;
  /** It was answered with an error that may be the request's fault. */
  readonly undecided: boolean;
  /** When an endpoint without room wants to be asked again, ms; null: it did not say. */
  readonly retryAfterMs: number | null;
  /** From its dispatch to its loss, ms. */
  readonly heldMs: number;
  /** Nothing else ran at the endpoint when it was granted. */
  readonly wasIdle: boolean;
  /** A hedge ran beside it, and was lost too. */
  readonly withHedge: boolean;
};

/** Written in place. */
export type AttemptPlan = {
  /** Endpoints dispatched to, in order; one that was asked again is in it twice. */
  readonly tried: string[];
  failures: number;
  /** Breaks that were not counted among the failures. */
  breaks: number;
  refusals: number;
  /** Endpoints whose context it does not fit. */
  tooLong: number;
  /** Times it was put back. */
  putBacks: number;
  /** Endpoints that refused it for want of room, and were idle. */
  idleRefusals: number;
  /** Endpoints that were not asked, because they would have. */
  spared: number;
  /** An endpoint answered with an error of its own. */
  faulted: boolean;
  /** Two did. */
  disputed: boolean;
  /** Those to come back to when nobody else can serve. */
  readonly comeBackTo: string[];
  hasComeBack: boolean;
  /** The longest wait that an endpoint without room asked for, ms; null: none did. */
  retryAfterMs: number | null;
  /** How soon the first of them may have room again, ms; null: none refused. */
  roomAfterMs: number | null;
  last: Loss["why"] | null;
};

export type AttemptRule = {
  /** Attempts that may fail, >= 1. */
  readonly attemptsMax: number;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
};

/** What to ask the shard for. */
export type Repeat = {
  readonly excluded: readonly string[];
  readonly avoidRegion: string | null;
  readonly purpose: AttemptPurpose;
  /** Of one that was put back: it waits however long, from when it was dispatched. */
  readonly patient?: boolean;
  readonly waitedMs?: number;
  /** False: it was put back so often as may be. Absent: as it asked before. */
  readonly mayPutBack?: false;
};

/** Times one request may be put back: the third attempt runs, whoever waits. */
export const PUT_BACKS_MAX = 2;

/** Endpoints that may refuse one request; the ninth would be asked when the client has long given up. */
export const REFUSALS_MAX = 8;

/**
 * An endpoint that refused and did not say for how long is asked again after this, ms. Its shard holds a request only
 * once it believes the refusal (`room-doubt.ts`).
 */
export const COME_BACK_MS = 250;

/**
 * Endpoints whose context one request may exceed: the second one's word is final. It costs a whole tokenisation each
 * time, and most pools have one length.
 */
export const TOO_LONG_MAX = 2;

/**
 * A connection that broke within this of the dispatch broke before the endpoint began to work, ms: it is asked once
 * more. Later it may be the request that brought it down.
 */
export const STALE_MS = 1_000;

/** Breaks of one request that are no failure: with one more it would be a fleet that is down, and its budget's matter. */
export const BREAKS_FREE = 1;

export function createAttemptPlan(): AttemptPlan {
  return {
    tried: [],
    failures: 0,
    breaks: 0,
    refusals: 0,
    tooLong: 0,
    putBacks: 0,
    idleRefusals: 0,
    spared: 0,
    faulted: false,
    disputed: false,
    comeBackTo: [],
    hasComeBack: false,
    retryAfterMs: null,
    roomAfterMs: null,
    last: null,
  };
}

/** What follows a loss; null: nothing, the request has failed. `full`: endpoints that would refuse it too. */
export function afterLoss(
  plan: AttemptPlan,
  loss: Loss,
  { attemptsMax, repeatable }: AttemptRule,
  full: readonly string[] = [],
): Repeat | null {
  plan.last = loss.why;
  if (loss.why === "capacity") {
    plan.refusals += 1;
    if (loss.wasIdle && !plan.hasComeBack) plan.idleRefusals += 1;
    plan.comeBackTo.push(loss.endpointId);
    plan.roomAfterMs = Math.min(plan.roomAfterMs ?? Number.POSITIVE_INFINITY, loss.retryAfterMs ?? COME_BACK_MS);
    if (loss.retryAfterMs !== null) plan.retryAfterMs = Math.max(plan.retryAfterMs ?? 0, loss.retryAfterMs);
    plan.spared = full.filter((endpointId) => !plan.tried.includes(endpointId)).length;
    return plan.refusals >= REFUSALS_MAX ? null : repeat(plan, [...plan.tried, ...full], null);
  }
  if (loss.why === "too_long") {
    plan.tooLong += 1;
    return plan.tooLong >= TOO_LONG_MAX ? null : repeat(plan, plan.tried, null);
  }
  // Neither its fault nor a failure of its own. Bounded by the endpoints: each is left once.
  if (loss.why === "left") return repeat(plan, plan.tried, null);
  if (loss.why === "put_back") {
    plan.putBacks += 1;
    // Nothing came of it, and nothing speaks against the endpoint.
    plan.tried.splice(plan.tried.lastIndexOf(loss.endpointId), 1);
    return { ...repeat(plan, plan.tried, null), patient: true, waitedMs: loss.heldMs };
  }
  const isBreak = loss.silent && loss.why === "failed" && loss.heldMs <= STALE_MS;
  if (isBreak && !loss.withHedge && attemptsMax > 1 && plan.breaks < BREAKS_FREE) plan.breaks += 1;
  else plan.failures += loss.withHedge ? 2 : 1;
  plan.disputed = loss.undecided && plan.faulted;
  plan.faulted ||= loss.undecided;
  if (plan.disputed || plan.failures >= attemptsMax || (loss.maybeProcessed && !repeatable)) return null;
  if (isBreak) plan.comeBackTo.push(loss.endpointId);
  return repeat(plan, plan.tried, loss.cutOff ? loss.region : null);
}

/** No other endpoint can serve it; null: then nobody can. `full` as for `afterLoss`. */
export function afterNoLease(plan: AttemptPlan, full: readonly string[] = []): Repeat | null {
  const to = plan.comeBackTo.filter((endpointId) => !full.includes(endpointId));
  if (plan.hasComeBack || to.length === 0) return null;
  plan.hasComeBack = true;
  const others = plan.tried.filter((endpointId) => !to.includes(endpointId));
  return repeat(plan, [...others, ...full], null);
}

/** Does what refused it say that it is the request's fault: two idle endpoints do, or one beside others that would. */
export const isRefusedAnywhere = ({ idleRefusals, spared }: AttemptPlan): boolean =>
  idleRefusals > 0 && idleRefusals + spared > 1;

/** How long the endpoints that refused it though they were idle asked it to stay away; null: not all were, or did. */
export function askedOfIt(plan: AttemptPlan): number | null {
  const { last, refusals, idleRefusals, hasComeBack, roomAfterMs } = plan;
  if (last !== "capacity" || !(hasComeBack || idleRefusals === refusals)) return null;
  return roomAfterMs !== null && roomAfterMs > COME_BACK_MS ? roomAfterMs : null;
}

/**
 * When a client that found no room should come back, ms: the longest of what was said of it; undefined: nothing was.
 */
export function comeBackMs({ retryAfterMs }: AttemptPlan, shedMs: number | null): number | undefined {
  if (retryAfterMs === null && shedMs === null) return undefined;
  return Math.max(retryAfterMs ?? 0, shedMs ?? 0);
}

function repeat(plan: AttemptPlan, excluded: readonly string[], avoidRegion: string | null): Repeat {
  // What was refused unprocessed, or taken away, is still a first attempt, to whoever pays.
  const isFirst =
    plan.last === "capacity" || plan.last === "too_long" || plan.last === "left" || plan.last === "put_back";
  const again = { excluded: [...new Set(excluded)], avoidRegion, purpose: isFirst ? "first" : "retry" } as const;
  // Whatever it is lost by in between, it is put back no more often.
  const mayPutBack = plan.putBacks < PUT_BACKS_MAX;
  return mayPutBack ? again : { ...again, mayPutBack };
}
