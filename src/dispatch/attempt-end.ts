/** Ends attempts: each settles its lease once, and what is still under way for it is aborted. */
import { FAILURE_CHARS_MAX } from "../routing/core/shard-messages.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import type { Attempt, LostAttempt } from "./attempt.ts";
import { noteEnded } from "./trail.ts";

/** Settles the attempt's lease, once, and stops its timer. */
export function endAttempt(attempt: Attempt, outcome: AttemptOutcome, now: number = nowOf(attempt)): void {
  attempt.cancelTimer?.();
  attempt.cancelTimer = null;
  if (attempt.isEnded) return;
  attempt.isEnded = true;
  attempt.outcome = outcome;
  attempt.endedAtMs ??= now;
  const { sentAtMs, headersAtMs, firstByteAtMs, firstTokenAtMs } = attempt;
  const { answerId, ...usage } = attempt.usage ?? {};
  const { promptTokens, outputTokens = 0 } = usage;
  if (outcome === "served" && promptTokens !== undefined) attempt.way.noteTokens(promptTokens);
  const goesOnAs = outcome === "served" && answerId !== undefined ? attempt.way.keyOfAnswer?.(answerId) : undefined;
  // Headers that came with the first token tell nothing of the network alone.
  const early = headersAtMs !== null && firstTokenAtMs !== null && firstTokenAtMs > headersAtMs;
  attempt.leases.settle(attempt.heldLease, {
    outcome,
    heldMs: now - sentAtMs,
    ttftMs: firstTokenAtMs === null ? null : firstTokenAtMs - sentAtMs,
    headersMs: early ? headersAtMs - sentAtMs : null,
    firstByteMs: firstByteAtMs === null ? null : firstByteAtMs - sentAtMs,
    ...usage,
    ...(goesOnAs === undefined || promptTokens === undefined
      ? {}
      : { answer: { key: goesOnAs, tokens: promptTokens + outputTokens } }),
    ...(attempt.retryAfterMs === null ? {} : { retryAfterMs: attempt.retryAfterMs }),
    ...(attempt.request === null ? {} : { request: attempt.request }),
    ...(attempt.failure === null ? {} : { failure: attempt.failure }),
    ...(attempt.bounds.isHeld === true ? { isHeld: true } : {}),
  });
  if (attempt.bounds.trail !== undefined) noteEnded(attempt.bounds.trail);
}

export const nowOf = ({ leases }: Attempt): number => leases.ports.clock.now();

/** Ends an attempt whose answer nobody wants any more. */
export function abandonAttempt(attempt: Attempt, outcome: AttemptOutcome, now?: number): void {
  endAttempt(attempt, outcome, now);
  attempt.controller.abort();
}

/** A lost attempt whose request nobody repeats: what it looks like is what it was. */
export function endLost({ attempt, undecided, why }: LostAttempt): void {
  if (undecided) endAttempt(attempt, "failed");
  else if (why === "capacity") endAttempt(attempt, "capacity");
}

/** Keeps what a failed attempt showed: the answer's status and the start of its body, or what broke. */
export function noteFailure(attempt: Attempt, status: number | null, shown: string): void {
  attempt.status ??= status;
  // It may be settled later, when it is known whose fault it was.
  attempt.endedAtMs ??= nowOf(attempt);
  const requestId = attempt.bounds.trail?.id;
  const of = requestId === undefined ? {} : { requestId };
  attempt.failure = { status, text: shown.slice(0, FAILURE_CHARS_MAX), ...of };
}
