/**
 * What an attempt comes to that began no answer. Loaded with the first.
 *
 * Model. A refusal for want of room, and an error of the endpoint's own, keep their lease for a moment: whose fault it was is
 * known to whoever repeats the request (`losses.ts`). Everything else is settled here.
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { brokenWords } from "../wire/broken-words.ts";
import { withoutQuotes } from "../wire/without-quotes.ts";
import { endAttempt, noteFailure, nowOf } from "./attempt-end.ts";
import { watch } from "./attempt-watch.ts";
import type { Attempt, LostAttempt } from "./attempt.ts";
import type { Bounds, Heard } from "./upstream.ts";

/**
 * An attempt that its endpoint answered with an error holds its lease this long at most until somebody knows whose fault
 * it was, ms: a request that fails everywhere fails at once, and an endpoint that is broken is to be left soon.
 */
export const BLAME_MS = 1_000;

type NoAnswer = Exclude<Heard<unknown>, { kind: "begun" }>;

/** The endpoint answered, and it was none. */
export function noAnswer(attempt: Attempt, heard: NoAnswer): LostAttempt {
  noteFailure(attempt, heard.status, withoutQuotes(heard.shown, heard.sent ?? null));
  return heard.kind === "no_room" ? refused(attempt, heard) : faulted(attempt, heard.status);
}

const lostAttempt = (attempt: Attempt, why: LostAttempt["why"]): LostAttempt => ({
  kind: "lost",
  attempt,
  why,
  maybeProcessed: true,
  silent: false,
  cutOff: false,
  status: null,
  retryAfterMs: null,
  undecided: false,
});

function refused(
  attempt: Attempt,
  { status, retryAfterMs, isNobodys }: Extract<Heard<unknown>, { kind: "no_room" }>,
): LostAttempt {
  attempt.retryAfterMs = retryAfterMs;
  // Who asks again and again for what is never served must not leave an endpoint without slots for others.
  if (isNobodys) endAttempt(attempt, "cancelled");
  else watch(attempt, nowOf(attempt) + BLAME_MS, () => endAttempt(attempt, "capacity"));
  return { ...lostAttempt(attempt, "capacity"), maybeProcessed: false, status, retryAfterMs };
}

function faulted(attempt: Attempt, status: number): LostAttempt {
  // What we did wrong ourselves, as with a credential, is nobody else's fault.
  const undecided = status >= 500;
  if (undecided) watch(attempt, nowOf(attempt) + BLAME_MS, () => endAttempt(attempt, "failed"));
  else endAttempt(attempt, "failed");
  return { ...lostAttempt(attempt, "failed"), status, undecided };
}

/** The connection broke under the request: should the endpoint be found gone, the request may be why (`poison.ts`). */
export async function noteBroken({ isEnded, timedOut, isUnreachable, way, heldLease }: Attempt): Promise<void> {
  if (isEnded || timedOut || isUnreachable || way.suspect === undefined) return;
  heldLease.suspect ??= await way.suspect();
}

/** Refused, reset, aborted by the deadline, or dead before the first byte: the endpoint did not answer. */
export async function broken(attempt: Attempt, error: unknown): Promise<LostAttempt> {
  // It was told already.
  if (attempt.left !== null) return lostAttempt(attempt, attempt.left === "put_back" ? "put_back" : "left");
  const { timedOut, isUnreachable, sentAtMs, bounds } = attempt;
  const late = `no first byte within ${nowOf(attempt) - sentAtMs} ms`;
  const gone = isUnreachable ? "it does not answer its health path either" : brokenWords(error);
  noteFailure(attempt, null, timedOut ? late : gone);
  await noteBroken(attempt);
  // That its client is impatient, or sends slowly, is not the endpoint's fault.
  const isClients = hasGivenUp(bounds, nowOf(attempt)) || bounds.upload?.waitsForClient() === true;
  if (timedOut && isClients) endAttempt(attempt, "cancelled");
  else endAttempt(attempt, timedOut && bounds.stream ? lateNow(attempt) : "failed");
  const silent = attempt.headersAtMs === null;
  return { ...lostAttempt(attempt, timedOut ? "timeout" : "failed"), silent, cutOff: true };
}

/** Its client said that it waits no longer. */
export const hasGivenUp = ({ clientGivesUpAtMs = Number.POSITIVE_INFINITY }: Bounds, now: number): boolean =>
  now >= clientGivesUpAtMs;

/** Late is not failed: probes say whether the endpoint is well. */
function lateNow(attempt: Attempt): AttemptOutcome {
  attempt.firstByteAtMs = nowOf(attempt);
  return "late";
}
