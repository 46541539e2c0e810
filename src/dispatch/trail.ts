/**
 * What one request has sent, in order: for whoever tells of it once it has ended (`sight/seen.ts`). The attempts themselves
 * are kept, as far as anybody outside may see them: as a rule nobody wants to know more than their ends.
 */
import type { Leased, LeaseReason } from "../routing/core/lease-client/edge-lease.ts";
import type { AttemptFailure, AttemptOutcome, Grant } from "../routing/core/shard-messages.ts";
import type { Departure } from "../routing/host/lease-client.ts";
import type { LeasePorts } from "../routing/host/lease-ports.ts";
import type { AnswerUsage } from "./core/answer-usage.ts";

/** Written in place, by the modules of an attempt's life. */
export type Trail = {
  /** Of the request. */
  readonly id: string;
  readonly attempts: Tried[];
  /** Attempts that have not ended. */
  open: number;
  /** Why the first endpoint was chosen; null: none was. */
  reason: LeaseReason | null;
  /** The last one that it had, with what its decision was made of where that was asked for; null: none. */
  lease: Leased | null;
  /** Whose answer was taken; null: nobody's. */
  answeredBy: Tried | null;
  /** Of an answer that more than one endpoint has given; absent: one has. */
  joined?: Joined;
  /** Called at the end of each attempt. */
  readonly onEnded: () => void;
};

/** Nothing was tried yet. `onEnded`: an attempt of it has ended. */
export const createTrail = (id: string, onEnded: () => void): Trail => ({
  id,
  attempts: [],
  open: 0,
  reason: null,
  lease: null,
  answeredBy: null,
  onEnded,
});

/** What they come to together. Its tokens are in `usage`; null: nobody has told them. */
type Joined = {
  /** The one that began it. */
  readonly first: Tried;
  readonly continued: number;
  readonly usage: AnswerUsage | null;
  readonly bytesOut: number;
};

/** What may be seen of an attempt (`attempt.ts`). */
export type Tried = {
  readonly heldLease: { readonly grant: Pick<Grant, "endpointId" | "region"> };
  readonly leases: { readonly ports: Pick<LeasePorts, "clock" | "spawn"> };
  readonly bounds: { readonly isHedge?: boolean };
  readonly sentAtMs: number;
  readonly headersAtMs: number | null;
  readonly firstByteAtMs: number | null;
  readonly firstTokenAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly status: number | null;
  readonly left: Departure | null;
  readonly isUnreachable: boolean;
  readonly timedOut: boolean;
  readonly isSilent: boolean;
  readonly usage: AnswerUsage | null;
  readonly failure: AttemptFailure | null;
  readonly bytesOut: number | null;
};

/** The how many-th it is, from 0. */
export function beginAttempt(trail: Trail, attempt: Tried): number {
  trail.open += 1;
  return trail.attempts.push(attempt) - 1;
}

export function noteEnded(trail: Trail): void {
  trail.open -= 1;
  trail.onEnded();
}
