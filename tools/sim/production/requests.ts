/**
 * What the router remembers of a request and of each of its attempts, and how an attempt's end is told.
 */
import type { AttemptPlan, Loss } from "../../../src/dispatch/core/attempt-plan.ts";
import type { LeaseRequest } from "../../../src/routing/core/lease-client/edge-lease.ts";
import type { HedgeRace, Side } from "../../../src/dispatch/core/hedge-race.ts";
import type { AttemptEnd, AttemptOutcome } from "../../../src/routing/core/shard-messages.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { SimEdge } from "./sim-edge.ts";

/** Written in place. */
export type RequestLife = {
  readonly request: number;
  readonly edge: SimEdge;
  readonly leaseRequest: LeaseRequest;
  /** What it may still try. */
  readonly plan: AttemptPlan;
  /** The attempt that was lost last; null: none. */
  loss: Loss | null;
  readonly attempts: AttemptLife[];
  /** Present once the first attempt was late. */
  race: HedgeRace | null;
  /** Nothing more is done for it. */
  closed: boolean;
};

/** Written in place. */
export type AttemptLife = {
  readonly of: RequestLife;
  readonly attempt: number;
  readonly side: Side;
  readonly heldLease: HeldLease;
  readonly sentAtMs: number;
  /** The first byte, later the end, must be here by then, ms. */
  deadlineMs: number;
  firstTokenAtMs: number | null;
  ended: boolean;
};

/** As `endAttempt` of `src/dispatch/attempt-end.ts`. `atMs`: when the headers came, from the dispatch, if before the first token. */
export function endOf(life: AttemptLife, outcome: AttemptOutcome, now: number, atMs: number): AttemptEnd {
  const { sentAtMs, firstTokenAtMs } = life;
  const ttftMs = firstTokenAtMs === null ? null : firstTokenAtMs - sentAtMs;
  return {
    outcome,
    heldMs: now - sentAtMs,
    ttftMs,
    headersMs: ttftMs !== null && ttftMs > atMs ? atMs : null,
    firstByteMs: ttftMs,
  };
}
