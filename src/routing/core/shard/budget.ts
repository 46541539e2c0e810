/**
 * Decides whether one more attempt of the same request may be paid for: a retry after a failure, or a hedge beside an
 * attempt that is late.
 *
 * Model. Two token buckets a shard. A request that was served earns 0.1 of a retry and 0.02 of a hedge; a second
 * attempt costs one, and there is none while less than one is left. So over any time a shard grants at most
 * `tokensMax + share × served` (`spentMax`), whatever fails: when everything does, retries stop after the first ten.
 *
 * Fleet-wide. A bucket belongs to the shard that owns the endpoints, and is charged when that shard grants the second
 * lease; the settlement that refills it reaches the same shard, once. Over a pool's R regions, retries are at most
 * 10·R + 0.1 × served requests, and hedges at most 5·R + 0.02 × served. No shard has to ask another, and none can spend
 * what another earned: the endpoints of one region are never flooded with the failures of the next. A shard that
 * restarts begins with full buckets again. Whose second attempts a shard pays for: `tenant-debts.ts`. While no shard answers, an isolate keeps to a retry bucket of its own.
 * A second lease that was granted and then not needed is not paid back: the bound would need one more message to hold.
 *
 * Source: docs/explanation/routing.md; gRPC's retry throttling (proposal A6: 10 tokens, ratio 0.1), with one token a retry
 * instead of one a failure. Thousandths are counted, as gRPC does: ten times 0.1 is less than 1 in floating point.
 * Rejected: a share of what is under way now (Envoy's 20 %, at least 3), under which a total failure still gets 1.2
 * attempts a request for ever; and a budget per isolate, of which nobody knows how many there are.
 */

/** What an attempt is for. `shadow`: a copy that nobody waits for, on a slot that nobody needs. */
export type AttemptPurpose = "first" | "retry" | "hedge" | "shadow";

/** Only for a slot that is to spare: nothing else is waited for, and nobody is woken. */
export const needsSpare = (purpose: AttemptPurpose): boolean => purpose === "hedge" || purpose === "shadow";

type Purposeful = { readonly purpose?: AttemptPurpose; readonly excluded: readonly string[] };

/** What is not said is told by the endpoints that were tried already. */
export function purposeOf({ purpose, excluded }: Purposeful): AttemptPurpose {
  return purpose ?? (excluded.length > 0 ? "retry" : "first");
}

export type BudgetRule = {
  /** Tokens in a full bucket, and in a new one. */
  readonly tokensMax: number;
  /** Thousandths of a token that one served request earns. */
  readonly milliPerServed: number;
};

/** gRPC's own example: what a restarting endpoint loses at once is repeated, a failing fleet is not. */
export const RETRY_RULE: BudgetRule = { tokensMax: 10, milliPerServed: 100 };

/**
 * 2 % is what hedging at the 95th percentile costs in "The Tail at Scale"; five at once cover one stalled GPU worker.
 */
export const HEDGE_RULE: BudgetRule = { tokensMax: 5, milliPerServed: 20 };

/** Written in place. */
export type Bucket = {
  readonly rule: BudgetRule;
  /** Thousandths of a token, 0..1000 × tokensMax, always whole. */
  milli: number;
  /** Second attempts paid since it was made. */
  spent: number;
};

export type Budgets = { readonly retry: Bucket; readonly hedge: Bucket };

/** Thousandths in a token. */
export const MILLI = 1_000;

export function createBucket(rule: BudgetRule): Bucket {
  return { rule, milli: rule.tokensMax * MILLI, spent: 0 };
}

export function createBudgets(): Budgets {
  return { retry: createBucket(RETRY_RULE), hedge: createBucket(HEDGE_RULE) };
}

/** A request was served. */
export function earn(bucket: Bucket): void {
  bucket.milli = Math.min(bucket.rule.tokensMax * MILLI, bucket.milli + bucket.rule.milliPerServed);
}

export function affords(bucket: Bucket): boolean {
  return bucket.milli >= MILLI;
}

/** Pays for one second attempt; false, and nothing is paid, when less than a token is left. */
export function spend(bucket: Bucket): boolean {
  if (!affords(bucket)) return false;
  bucket.milli -= MILLI;
  bucket.spent += 1;
  return true;
}

/** Second attempts that a bucket can have paid when `served` requests were served since it was made. */
export function spentMax({ tokensMax, milliPerServed }: BudgetRule, served: number): number {
  return tokensMax + Math.floor((milliPerServed * served) / MILLI);
}
