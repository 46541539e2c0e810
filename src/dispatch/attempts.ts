/**
 * Sends a request under its lease, and again elsewhere if that is lost before the first byte (`dispatch/core/attempt-plan.ts`
 * decides where, and how often); hedges where that helps.
 * Ends with an answer that has begun or with a refusal, and says nothing to the client itself: the rails may have the
 * last word.
 */
import { part } from "./part.ts";
import { createAttemptPlan } from "./core/attempt-plan.ts";
import { lateTimes } from "../routing/core/endpoint/first-byte.ts";
import type { Leased } from "../routing/core/lease-client/edge-lease.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { poisonHeard } from "../routing/core/lease-client/lease-cache-leave.ts";
import { attemptOnce } from "./attempt-once.ts";
import { noteServed } from "./core/failing-requests.ts";
import type { BegunOutcome, Course, Dispatch, Hedged, Next, Outcome } from "./course.ts";
import { attemptHedged } from "./hedge.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import type { Way } from "./upstream.ts";
import { giveBack, wayOf } from "./way-of.ts";

/**
 * What follows when a request was not served at once: loaded with the first of them. Whoever runs this on a clock of his own
 * loads it before: then nothing here waits for a module.
 */
const loadLosses = part(async () => import("./losses.ts"));

/** Never rejects but for a bug. */
export async function runAttempts<Reply>(
  dispatch: Dispatch<Reply>,
  leasing: Promise<LeaseAnswer>,
): Promise<Outcome<Reply>> {
  const { leases, pool, leaseRequest } = dispatch;
  const refusal = pool.failing.entries.size === 0 ? null : await (await loadLosses()).refuseFailing(dispatch);
  if (refusal !== null) {
    giveBack(leases, leasing);
    return { kind: "refused", refusal };
  }
  const losses = { last: null, undecided: [], refusals: [], credentialRefused: true, poolDown: false };
  const course: Course<Reply> = { dispatch, plan: createAttemptPlan(), losses, tooLong: null, suspect: null };
  for (let answer = await leasing; ;) {
    const next =
      answer.kind === "leased"
        ? await onLease(course, answer)
        : await (await loadLosses()).afterNoLease(course, answer);
    if ("ends" in next) return next.ends;
    const excluded = [...leaseRequest.excluded, ...next.asks.excluded];
    answer = await leases.take({ ...leaseRequest, ...next.asks, excluded, again: true }, pool.config.patienceMs);
  }
}

async function onLease<Reply>(course: Course<Reply>, leased: Leased): Promise<Next<Reply>> {
  const { dispatch, plan } = course;
  const { leases, upstream, bounds, leaseRequest } = dispatch;
  // What the shards have said came with this lease, if not before.
  const poison = poisonHeard(leases.memory.leaseCache, leaseRequest.pool.id, leases.ports.clock.now());
  if (poison.length > 0 || course.suspect !== null) {
    const ends = await (await loadLosses()).refusePoison(course, poison, leased.heldLease);
    if (ends !== null) return { ends };
  }
  const way = wayOf(leases, leased.heldLease, upstream.to, bounds.clientGone);
  if (way === null) return (await loadLosses()).afterNoWay(course);
  const triedBefore = plan.tried.length;
  if (bounds.trail !== undefined) {
    bounds.trail.reason ??= leased.reason;
    bounds.trail.lease = leased;
  }
  const { result, isHedge } = await attemptLeased(course, leased.heldLease, way);
  if (result.kind === "lost") {
    const withHedge = plan.tried.length > triedBefore + 1;
    return (await loadLosses()).afterLost(course, result, { isPanic: leased.reason === "panic", withHedge });
  }
  const reason = isHedge ? "hedge" : triedBefore === 0 ? leased.reason : "failover";
  return onBegun(course, { kind: "begun", result, reason, attempts: plan.tried.length, lease: leased });
}

async function attemptLeased<Reply>(
  { dispatch, plan: { tried } }: Course<Reply>,
  heldLease: HeldLease,
  way: Way<Reply>,
): Promise<Hedged<Reply>> {
  const { leases, pool, leaseRequest, upstream, bounds } = dispatch;
  const late = tried.length === 0 && mayHedge(dispatch) ? lateTimes(heldLease.grant, leaseRequest.inputTokens) : null;
  tried.push(way.endpointId);
  if (late === null) return { result: await attemptOnce(leases, heldLease, way, bounds), isHedge: false };
  return attemptHedged(leases, heldLease, way, bounds, { late, pool, leaseRequest, upstream, tried });
}

/** The first byte of a whole answer is its end: it does not tell a slow endpoint from a long answer. */
const mayHedge = ({ bounds, repeatable, pool }: Dispatch<unknown>): boolean =>
  bounds.stream && bounds.upload === undefined && repeatable && pool.config.attemptsMax > 1;

async function onBegun<Reply>(course: Course<Reply>, begun: BegunOutcome<Reply>): Promise<Next<Reply>> {
  const { dispatch, losses } = course;
  const { status, isTooLong } = begun.result;
  if (status < 400)
    noteServed(dispatch.pool.failing, begun.result.attempt.way.endpointId, dispatch.leases.ports.clock.now());
  if (losses.last !== null) await (await loadLosses()).blameAnswered(course, status < 400);
  return isTooLong ? (await loadLosses()).afterTooLong(course, begun) : { ends: begun };
}
