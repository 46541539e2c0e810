/**
 * What one request has sent, in order: for whoever tells of it once it has ended (`sight/seen.ts`). The attempts themselves
 * are kept, and not what is to be told of them: as a rule nobody wants to know more than their ends.
 */
import type { LeaseReason } from "../routing/core/lease-client/edge-lease.ts";
import type { Attempt } from "./attempt.ts";

/** Written in place, by the modules of an attempt's life. */
export type Trail = {
  readonly attempts: Attempt[];
  /** Attempts that have not ended. */
  open: number;
  /** Why the first endpoint was chosen; null: none was. */
  reason: LeaseReason | null;
  /** Whose answer was taken; null: nobody's. */
  answeredBy: Attempt | null;
  /** Called at the end of each attempt. */
  readonly onEnded: () => void;
};

export function beginAttempt(trail: Trail, attempt: Attempt): void {
  trail.attempts.push(attempt);
  trail.open += 1;
}

export function noteEnded(trail: Trail): void {
  trail.open -= 1;
  trail.onEnded();
}
