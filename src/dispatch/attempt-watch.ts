/**
 * Watches over an attempt: one timer for its first byte, for saying that it is late, for confirming its lease, and for its
 * ends: silence, an endpoint that cannot be reached or is to be left, the absolute limit.
 */
import { LEAVE_LOOK_MS } from "../routing/core/lease-client/lease-cache-leave.ts";
import { abandonAttempt, nowOf } from "./attempt-end.ts";
import type { Attempt } from "./attempt.ts";
import { reachStep } from "./core/reach-step.ts";
import type { EndState } from "./core/stream-end.ts";

/** A stream that said its last word is held open no longer than this, ms. */
const DONE_LINGER_MS = 1_000;

/** The model has ended: usage and a marker follow at once, other answers of the same request (`n`) within this, ms. */
const FINISHED_LINGER_MS = 5_000;

/** The watch over an attempt looks no more often than this, ms: a shard that cannot be told is told again later. */
export const WATCH_GAP_MS = 25;

/** From the first byte on the attempt may run until its endpoint's limit; its lease is confirmed on the way. */
export function keepRunning(attempt: Attempt): void {
  watch(attempt, attempt.sentAtMs + attempt.way.executionTimeoutMs);
}

/**
 * More of the answer is here; `state`: what its tail says of the end; `pauseMs`: nobody will look
 * for so long, because the client takes nothing.
 */
export function noteBytes(attempt: Attempt, state: EndState = "open", pauseMs = 0): void {
  const { stallTimeoutMs } = attempt.bounds;
  const lingerMs = state === "done" ? DONE_LINGER_MS : state === "finished" ? FINISHED_LINGER_MS : stallTimeoutMs;
  attempt.leaveAtMs = Number.POSITIVE_INFINITY;
  attempt.silentAtMs = nowOf(attempt) + pauseMs + Math.min(lingerMs, stallTimeoutMs);
  if (lingerMs < stallTimeoutMs) keepRunning(attempt);
}

export function watch(attempt: Attempt, deadlineMs: number, onDeadline: () => void = () => timeOut(attempt)): void {
  attempt.cancelTimer?.();
  attempt.cancelTimer = null;
  if (attempt.isEnded) return;
  const dueMs = Math.min(
    attempt.heldLease.confirmDueMs,
    deadlineMs,
    attempt.lateAtMs,
    attempt.silentAtMs,
    attempt.connectAtMs,
    attempt.leaveAtMs,
  );
  const { clock } = attempt.leases.ports;
  attempt.cancelTimer = clock.after(Math.max(WATCH_GAP_MS, dueMs - clock.now()), () => {
    const now = clock.now();
    if (now >= deadlineMs) {
      onDeadline();
      return;
    }
    if (now >= attempt.silentAtMs) {
      attempt.isSilent = true;
      timeOut(attempt);
      return;
    }
    if (now >= attempt.leaveAtMs && hasToLeave(attempt, now)) return;
    if (now >= attempt.connectAtMs && !seekReach(attempt, now)) return;
    if (now >= attempt.lateAtMs) {
      attempt.lateAtMs = attempt.onLate?.(attempt) ?? Number.POSITIVE_INFINITY;
    }
    attempt.leases.keep(attempt.heldLease);
    watch(attempt, deadlineMs, onDeadline);
  });
}

/** True: the attempt was given up for its shard, which knows why, and blames nobody again. */
function hasToLeave(attempt: Attempt, now: number): boolean {
  attempt.leaveAtMs = now + LEAVE_LOOK_MS;
  attempt.left = attempt.leases.hasToLeave(attempt.heldLease, attempt.sentAtMs);
  if (attempt.left === null) return false;
  // Nothing came of what is put back, and nothing speaks against its endpoint.
  abandonAttempt(attempt, attempt.left === "put_back" ? "unused" : "cancelled");
  return true;
}

/** False: the attempt was given up. */
function seekReach(attempt: Attempt, now: number): boolean {
  const { way, sentAtMs, leases, bounds } = attempt;
  const { connectTimeoutMs } = bounds;
  const step = way.reach === null ? Number.POSITIVE_INFINITY : reachStep(way.reach, sentAtMs, connectTimeoutMs, now);
  if (step === "unreachable") {
    attempt.isUnreachable = true;
    attempt.controller.abort();
    return false;
  }
  attempt.connectAtMs = step === "ask" ? now + connectTimeoutMs : step;
  if (step === "ask") leases.ports.spawn(way.askHealth(connectTimeoutMs));
  return true;
}

/** Its time is over: who waits for it, or sees it to its end, hears of it by the abort. */
function timeOut(attempt: Attempt): void {
  attempt.timedOut = true;
  if (attempt.hasBegun && !attempt.isTaken) abandonAttempt(attempt, "cancelled");
  else attempt.controller.abort();
}
