/**
 * What follows an attempt that was lost: whose fault it was, and whether and where the request is sent again.
 *
 * Model. Two kinds of attempts are lost and not yet settled, because whose fault they were is known only when the request
 * ends. Of those that were answered with an error of the endpoint's own (`undecided`) it is the endpoint's, unless two
 * endpoints did so (`disputed`). Of those that were refused for want of room, it is the endpoint's when another one served
 * the request; what nobody serves may be the request's own (`failing.ts`). Each is settled here once it is known, or by its own
 * watch after BLAME_MS. Where it is sent again says `core/attempt-plan.ts`.
 * Loaded with the first request that is not served at once.
 */
import { afterLoss, afterNoLease as comeBack } from "./core/attempt-plan.ts";
import type { Loss, Repeat } from "./core/attempt-plan.ts";
import { fullFor, noteFull } from "./core/full-lately.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { waited } from "../routing/host/clock.ts";
import type { PoisonTold } from "../routing/core/shard/poison.ts";
import { endAttempt, nowOf } from "./attempt-end.ts";
import { hasGivenUp } from "./attempt-lost.ts";
import type { Attempt, LostAttempt } from "./attempt.ts";
import type { BegunOutcome, Course, Losses, Next, Outcome } from "./course.ts";
import { noteEnded, noteRefused } from "./failing.ts";
import { refusalOf, refusalUnleased, triedBy } from "./why-refused.ts";
import type { NoLease } from "./why-refused.ts";

export { refuseFailing } from "./failing.ts";

/** It began no answer. `isPanic`: it was sent although its endpoint did not admit; `withHedge`: two were lost. */
export async function afterLost<Reply>(
  course: Course<Reply>,
  lost: LostAttempt,
  { isPanic, withHedge }: { readonly isPanic: boolean; readonly withHedge: boolean },
): Promise<Next<Reply>> {
  const { why, maybeProcessed, silent, cutOff, undecided, retryAfterMs } = lost;
  addLoss(course.losses, lost, isPanic);
  course.suspect ??= lost.attempt.heldLease.suspect ?? null;
  const loss = { ...lossAt(lost.attempt), why, maybeProcessed, silent, cutOff, undecided, retryAfterMs, withHedge };
  const asks = repeatAfter(course, loss);
  if (asks !== null) return { asks };
  await blameUnanswered(course);
  if (givenUp(course)) return { ends: ended(course, { reason: "client_deadline", headers: triedBy(course.plan) }) };
  return { ends: ended(course, refusalOf(why, course.losses, course.plan, null)) };
}

/** It was answered by an endpoint whose context it does not fit. */
export function afterTooLong<Reply>(course: Course<Reply>, begun: BegunOutcome<Reply>): Next<Reply> {
  course.tooLong ??= begun;
  const asks = repeatAfter(course, { ...lossAt(begun.result.attempt), ...TOO_LONG });
  return asks === null ? { ends: { ...course.tooLong, attempts: course.plan.tried.length } } : { asks };
}

/** No shard gives a lease for it. */
export async function afterNoLease<Reply>(course: Course<Reply>, answer: NoLease): Promise<Next<Reply>> {
  const { dispatch, plan, losses } = course;
  const { last } = losses;
  // Longer than it would wait for a slot it does not wait for one that refused it.
  const mayWait = (plan.roomAfterMs ?? 0) <= dispatch.pool.config.queueWaitMsMax;
  const isOver = dispatch.bounds.upload?.isSpent() === true;
  const asks =
    last !== null && answer.kind !== "over_budget" && mayWait && !isOver ? comeBack(plan, knownFull(course)) : null;
  if (asks === null) {
    await blameUnanswered(course);
    return { ends: ended(course, last === null ? refusalUnleased(answer) : refusalOf(last, losses, plan, answer)) };
  }
  await endRefused(course);
  if (plan.roomAfterMs !== null) await waited(dispatch.leases.ports.clock, plan.roomAfterMs);
  return { asks };
}

/** Endpoints end under it: it is refused. Null: it is sent, and looked out for where it may be such a one. */
export async function refusePoison(
  course: Course<unknown>,
  poison: readonly PoisonTold[],
  heldLease: HeldLease,
): Promise<Outcome<never> | null> {
  const { dispatch } = course;
  const request = course.suspect ?? (await dispatch.upstream.hash(dispatch.tenant));
  const told = poison.find((one) => one.request === request);
  if (told !== undefined) course.suspect = request;
  if (course.suspect !== null) heldLease.suspect = course.suspect;
  if (told === undefined || told.forMs === 0) return null;
  delete heldLease.suspect;
  dispatch.leases.giveBack(heldLease);
  await blameAnswered(course, false);
  return refused({ reason: "request_ends_endpoints" });
}

/** Nothing can be sent under its lease. */
export async function afterNoWay(course: Course<unknown>): Promise<Next<never>> {
  await blameAnswered(course, false);
  return { ends: refused({ reason: course.dispatch.bounds.clientGone.aborted ? "internal" : "no_endpoint" }) };
}

/** Nobody else will say more of it. */
export async function blameAnswered(course: Course<unknown>, isServed: boolean): Promise<void> {
  const { losses } = course;
  endAll(losses.undecided, "failed");
  if (!isServed) return endRefused(course);
  // It serves elsewhere: the refusals were not the request's.
  for (const { attempt } of losses.refusals) attempt.request = null;
  return endAll(losses.refusals, "capacity");
}

async function blameUnanswered(course: Course<unknown>): Promise<void> {
  const { dispatch, plan, losses } = course;
  endAll(losses.undecided, plan.disputed ? "disputed" : "failed");
  await endRefused(course);
  await noteEnded(dispatch, plan);
}

/** What was refused so far, nobody served. */
async function endRefused({ dispatch, plan, losses }: Course<unknown>): Promise<void> {
  if (losses.refusals.length > 0) await noteRefused(dispatch, plan, losses.refusals);
}

function endAll(lost: readonly LostAttempt[], outcome: "failed" | "disputed" | "capacity"): void {
  for (const { attempt } of lost) endAttempt(attempt, outcome);
}

function addLoss(losses: Losses, lost: LostAttempt, isPanic: boolean): void {
  losses.last = lost.why;
  losses.credentialRefused &&= lost.status === 401 || lost.status === 403;
  losses.poolDown = isPanic && lost.silent;
  if (lost.undecided) losses.undecided.push(lost);
  if (lost.why !== "capacity") return;
  lost.attempt.request = REFUSED;
  losses.refusals.push(lost);
}

/** Stands for every refused request until it is known better: they may be wrong alike, however much they differ. */
const REFUSED = "refused";

/** Null: nothing more is asked for. */
function repeatAfter(course: Course<unknown>, loss: Loss): Repeat | null {
  const { dispatch, plan } = course;
  const { pool, repeatable, bounds, leases, tenant } = dispatch;
  if (loss.why === "capacity" && loss.wasIdle)
    noteFull(pool.failing.full, loss.endpointId, tenant, leases.ports.clock.now());
  const rule = { attemptsMax: pool.config.attemptsMax, repeatable };
  const next = afterLoss(plan, loss, rule, knownFull(course));
  const isSpent = bounds.upload?.isSpent() === true;
  return bounds.clientGone.aborted || isSpent || givenUp(course) ? null : next;
}

const givenUp = ({ dispatch: { bounds, leases } }: Course<unknown>): boolean =>
  hasGivenUp(bounds, leases.ports.clock.now());

const knownFull = ({ dispatch: { pool, leases, tenant } }: Course<unknown>): readonly string[] =>
  fullFor(pool.failing.full, tenant, leases.ports.clock.now());

/** Nothing of it was processed, and nobody is to blame. */
const TOO_LONG = {
  why: "too_long",
  maybeProcessed: false,
  silent: false,
  cutOff: false,
  undecided: false,
  retryAfterMs: null,
  withHedge: false,
} as const;

function lossAt(attempt: Attempt) {
  const { heldLease, sentAtMs } = attempt;
  const { endpointId, region, inFlightAtGrant } = heldLease.grant;
  return { endpointId, region, wasIdle: inFlightAtGrant === 0, heldMs: nowOf(attempt) - sentAtMs };
}

/** What is too long for one endpoint, and was answered by no other: only want of room is worth coming back for. */
function ended<Reply>({ tooLong, plan }: Course<Reply>, refusal: Refusal): Outcome<Reply> {
  const mayFit = refusal.reason === "saturated" || refusal.reason === "warming_up";
  return tooLong === null || mayFit ? refused(refusal) : { ...tooLong, attempts: plan.tried.length };
}

const refused = (refusal: Refusal): Outcome<never> => ({ kind: "refused", refusal });
