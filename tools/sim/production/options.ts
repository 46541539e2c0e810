/**
 * What a production run of the simulator sets beside its scenario: the pool's configuration and the platform's habits.
 */
import type { LeaseRequest } from "../../../src/routing/core/lease-client/edge-lease.ts";

export type Speaker = Pick<LeaseRequest, "sender" | "priority">;

export type ProductionOptions = {
  /** Isolates of the Worker in each client region, >= 1; requests are spread over them at random. */
  readonly edgesPerRegion: number;
  /** How long an edge waits for a shard beyond the round trip that is asked for, ms. */
  readonly patienceMs: number;
  /** The guardrails take so long, in parallel with the lease, ms. */
  readonly railsMs: number;
  readonly attemptsMax: number;
  /** Without headers for so long, an endpoint is asked whether it is there, ms. */
  readonly connectTimeoutMs: number;
  readonly queueDepthMax: number;
  readonly queueWaitMsMax: number;
  readonly coldWaitMsMax: number;
  readonly leaseTtlMs: number;
  /** Longest life of an attempt, ms. */
  readonly executionTimeoutMs: number;
  /** Null: no hedging. */
  readonly hedgeAfterMsMin: number | null;
  /** Share of messages to a shard that arrive twice, the second time up to DOUBLED_MS later, 0..1. */
  readonly doubledShare: number;
  /** Share of clients that leave before the end, after a time of mean `leaveMs`. */
  readonly leaveShare: number;
  readonly leaveMs: number;
  /** By client region: who its requests say that they are, in turn. Absent or empty: nobody. */
  readonly says: readonly (readonly Speaker[])[];
  /** The last request is not one: it marks the end, after which everything must come to rest (`drain.ts`). */
  readonly drains: boolean;
};

/** The defaults of `warmpath.jsonc`. Rejected: hedging by default, which costs a comparison its meaning. */
export const CONFIG_DEFAULTS: ProductionOptions = {
  edgesPerRegion: 2,
  patienceMs: 50,
  railsMs: 0,
  attemptsMax: 2,
  connectTimeoutMs: 5_000,
  queueDepthMax: 100,
  queueWaitMsMax: 10_000,
  coldWaitMsMax: 10_000,
  leaseTtlMs: 30_000,
  executionTimeoutMs: 300_000,
  hedgeAfterMsMin: null,
  doubledShare: 0,
  leaveShare: 0,
  leaveMs: 1_000,
  says: [],
  drains: false,
};

/**
 * For the tables: the largest queue that a configuration may ask for, because the baselines refuse nobody either and a
 * refused request would leave the tail that is compared.
 */
export const PATIENT_QUEUE: ProductionOptions = {
  ...CONFIG_DEFAULTS,
  queueDepthMax: 10_000,
  queueWaitMsMax: 120_000,
  leaseTtlMs: 30_000,
};

/** A message that is doubled arrives again within this, ms. */
export const DOUBLED_MS = 2_000;
