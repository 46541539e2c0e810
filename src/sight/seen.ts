/** What is kept of a request while it runs, and how it ended (`see.ts`). */
import type { EdgeEnv, EdgePool, Runtime, Waiting } from "../dispatch/runtime.ts";
import type { AnswerUsage } from "../dispatch/core/answer-usage.ts";
import type { Fell } from "../dispatch/core/fallback.ts";
import type { Trace } from "../dispatch/outgoing.ts";
import type { Trail } from "../dispatch/trail.ts";
import type { RailRecord } from "../rails/core/engine.ts";
import type { LeaseWaits } from "../routing/core/lease-client/lease-waits.ts";
import type { FailureReason } from "../jobs/core/reasons.ts";
import type { ErrorReason } from "../wire/errors.ts";

/** What keeps count of it, where its tenant has limits (`tenants/meter.ts`). */
type SeenMeter = {
  /** Gives what it cost, micro-units. */
  readonly settle: (end: {
    readonly outcome: string;
    readonly isAnswered: boolean;
    readonly usage: AnswerUsage | null;
    readonly bytesOut: number | null;
    readonly isEvents: boolean;
  }) => number;
  /** Another pool serves it: nothing of it counts. */
  readonly release: () => void;
};

export type SeenHost = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: Waiting };

/** Written in place, by whoever knows. */
export type Seen = {
  readonly id: string;
  readonly startedAtMs: number;
  readonly method: string;
  readonly trail: Trail;
  readonly waits: LeaseWaits;
  /** Of the target, as far as it could be read; `job`: an attempt of one. */
  path: string;
  /** Of a job's attempt: the path at its endpoint. */
  jobPath: string | null;
  /** Whose key it came with; null: none that is good. */
  identity: { readonly tenant: string; readonly keyId: string | null } | null;
  pool: EdgePool | null;
  model: string | null;
  /** Answers that it asks for, of a pool where each has a price; else 1. */
  answersAsked: number;
  stream: boolean;
  priority: string | null;
  colo: string | null;
  /** Null: in none. */
  trace: Trace | null;
  bytesIn: number | null;
  bytesOut: number | null;
  rails: readonly RailRecord[];
  railsMs: number | null;
  /** What the output rails have found by now; null: none looked. */
  outputRails: (() => readonly RailRecord[]) | null;
  /** They have not seen the end of a stream yet. */
  isRailing: boolean;
  /** Why they ended it; null: they did not. */
  stoppedBy: ErrorReason | null;
  /** Null: nothing limits it. */
  meter: SeenMeter | null;
  /** Pools that did not serve it, and by which split it came to its own; absent: neither. */
  way?: SeenWay;
  /** Its record is to tell what its decision was made of. */
  tellsCandidates: boolean;
  end: SeenEnd | null;
  isTold: boolean;
};

type SeenWay = {
  /** Model and pool of the split; null: in none. */
  readonly split: { readonly model: string; readonly pool: string } | null;
  readonly fell: readonly Fell[];
};

export type SeenEnd = {
  readonly host: SeenHost;
  /** Why it was refused, or its job's attempt failed. */
  readonly refused: ErrorReason | null;
  readonly failed: FailureReason | null;
  /** What the client is told; 0: nothing. */
  readonly status: number;
  /** Nobody takes it. */
  readonly clientLeft: boolean;
  readonly atMs: number;
};
