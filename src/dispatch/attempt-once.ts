/**
 * Runs one attempt: sends the request to the leased endpoint and waits, within a deadline, until its answer has begun.
 *
 * "Begun" means the first output (`begin-answer.ts`): a server may send its headers long before, and may die in between.
 * Until then the attempt can be thrown away and repeated elsewhere; from then on it is this answer or an error.
 */
import { noteAnswering } from "../routing/core/lease-client/lease-cache-worker.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { LEAVE_LOOK_MS } from "../routing/core/lease-client/lease-cache-leave.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";
import { abandonAttempt, endAttempt, nowOf } from "./attempt-end.ts";
import { keepRunning, noteBytes, watch } from "./attempt-watch.ts";
import type { Attempt, AttemptResult, BegunAttempt, Lateness } from "./attempt.ts";
import { openAnswer } from "./open-answer.ts";
import { beginAttempt } from "./trail.ts";
import type { Bounds, Heard, Way } from "./upstream.ts";

type LostPart = typeof import("./attempt-lost.ts");

/** What an attempt comes to that began no answer: loaded with the first. */
let lostPart: LostPart | null = null;

const loadLost = async (): Promise<LostPart> => (lostPart ??= await import("./attempt-lost.ts"));

export async function attemptOnce<Reply>(
  leases: LeaseClient,
  heldLease: HeldLease,
  way: Way<Reply>,
  bounds: Bounds,
  lateness: Lateness | null = null,
): Promise<AttemptResult<Reply>> {
  const attempt = attemptAt(leases, heldLease, way, bounds, lateness);
  const nth = bounds.trail === undefined ? 0 : beginAttempt(bounds.trail, attempt);
  const { clientGivesUpAtMs = Number.POSITIVE_INFINITY, firstByteTimeoutMs } = bounds;
  watch(attempt, Math.min(attempt.sentAtMs + firstByteTimeoutMs, clientGivesUpAtMs));
  // A client that resets its connection stops the bytes and tells nobody: a pipe to it waits for ever.
  bounds.clientGone.addEventListener("abort", () => abandonAttempt(attempt, "cancelled"));
  try {
    const heard = await way.ask({
      nth,
      signal: attempt.controller.signal,
      workerId: heldLease.workerId,
      onHeaders: (workerId) => noteHeaders(attempt, workerId),
      onBytes: () => noteBytes(attempt),
    });
    attempt.lateAtMs = Number.POSITIVE_INFINITY;
    attempt.leaveAtMs = Number.POSITIVE_INFINITY;
    if (heard.kind === "begun") return begun(attempt, heard);
    return (await loadLost()).noAnswer(attempt, heard);
  } catch (error) {
    return (await loadLost()).broken(attempt, error);
  }
}

function attemptAt(
  leases: LeaseClient,
  heldLease: HeldLease,
  way: Way<unknown>,
  bounds: Bounds,
  lateness: Lateness | null,
): Attempt {
  const sentAtMs = leases.ports.clock.now();
  leases.sent(heldLease);
  const never = Number.POSITIVE_INFINITY;
  return {
    leases,
    heldLease,
    way,
    bounds,
    sentAtMs,
    controller: new AbortController(),
    cancelTimer: null,
    isEnded: false,
    outcome: null,
    endedAtMs: null,
    status: null,
    bytesOut: null,
    hasBegun: false,
    isTaken: false,
    timedOut: false,
    silentAtMs: never,
    isSilent: false,
    lateAtMs: lateness === null ? never : sentAtMs + lateness.afterMs,
    onLate: lateness?.onLate ?? null,
    connectAtMs: way.reach === null ? never : sentAtMs + bounds.connectTimeoutMs,
    isUnreachable: false,
    leaveAtMs: bounds.mayLeave ? sentAtMs + LEAVE_LOOK_MS : never,
    left: null,
    headersAtMs: null,
    firstByteAtMs: null,
    firstTokenAtMs: null,
    usage: null,
    retryAfterMs: null,
    request: null,
    failure: null,
  };
}

function noteHeaders(attempt: Attempt, workerId: string | null | undefined): void {
  const { leases, heldLease, way } = attempt;
  const now = nowOf(attempt);
  attempt.headersAtMs = now;
  attempt.connectAtMs = Number.POSITIVE_INFINITY;
  if (way.reach !== null) way.reach.answeredAtMs = now;
  if (workerId !== undefined) noteAnswering(leases.memory.leaseCache, heldLease, workerId, now);
}

/** Of a whole answer nothing more comes: it has been served, or is the client's own mistake. */
function begun<Reply>(
  attempt: Attempt,
  { reply, status, isTooLong, isOver, hasToken, usage }: Extract<Heard<Reply>, { kind: "begun" }>,
): BegunAttempt<Reply> {
  attempt.hasBegun = true;
  attempt.status = status;
  attempt.usage = usage;
  if (isOver) {
    endAttempt(attempt, status < 400 ? "served" : "client_fault");
    return { kind: "begun", attempt, reply, status, isTooLong, open: null };
  }
  if (attempt.bounds.stream) attempt.firstByteAtMs = nowOf(attempt);
  // The first output of a known protocol is its first token.
  if (hasToken) {
    attempt.firstTokenAtMs = attempt.firstByteAtMs;
    attempt.leases.begun(attempt.heldLease);
  }
  keepRunning(attempt);
  return { kind: "begun", attempt, reply, status, isTooLong, open: openAnswer(attempt) };
}
