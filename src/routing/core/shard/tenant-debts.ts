/**
 * Decides whose second attempts a bucket pays for (`budget.ts`), so that the failures of one tenant leave the others'
 * retries and hedges to them.
 *
 * Model. What a bucket paid for a tenant the tenant owes, and what the tenant's own served requests earn is taken off
 * that. A bucket pays for whoever owes no more than would be left: one tenant that fails takes half of a full bucket, the
 * next half of the rest, and whoever owes nothing is paid for to the last token. So over any time a tenant is paid at
 * most `tokensMax` and its own share of what it was served (`spentMax`), whatever others have earned. Bounded: whoever
 * was paid for longest ago is forgotten first, and then owes nothing.
 * A shard has two such buckets, and an isolate one, for what it decides alone.
 * Source: the dynamic threshold of shared buffers in switches (Choudhury and Hahne, 1998), with a factor of one.
 * Rejected: a bucket for each tenant, of which a thousand together flood a fleet that fails; and a fixed share, which
 * two tenants use up, or which leaves most of the bucket unused where there is one.
 */
import { remember } from "../../../lib/recent.ts";
import { affords, earn, MILLI, spend } from "./budget.ts";
import type { AttemptPurpose, Bucket, Budgets } from "./budget.ts";
import { NO_SENDER } from "./fair-shares.ts";
import type { Sender } from "./fair-shares.ts";

/** Thousandths of a token that each tenant owes; who owes nothing is not in it. Written in place. */
export type Debts = Map<string, number>;

export type DebtsBy = { readonly retry: Debts; readonly hedge: Debts };

/** Tenants that owe something; a deployment has a few hundred, of which few fail at once. */
export const DEBTORS_MAX = 1_024;

/** Who pays for a second attempt, and for whom. */
export type Payer = { readonly bucket: Bucket; readonly debts: Debts; readonly tenant: string };

export const createDebts = (): DebtsBy => ({ retry: new Map(), hedge: new Map() });

export function payerFor(
  budgets: Budgets,
  debts: DebtsBy,
  purpose: Exclude<AttemptPurpose, "first" | "shadow">,
  sender: Sender = NO_SENDER,
): Payer {
  return { bucket: budgets[purpose], debts: debts[purpose], tenant: sender.tenant };
}

export function canPay({ bucket, debts, tenant }: Payer): boolean {
  return affords(bucket) && (debts.get(tenant) ?? 0) <= bucket.milli - MILLI;
}

/** False, and nothing is paid, where `canPay` says so. */
export function pay(payer: Payer): boolean {
  const { bucket, debts, tenant } = payer;
  if (!canPay(payer) || !spend(bucket)) return false;
  remember(debts, tenant, (debts.get(tenant) ?? 0) + MILLI, DEBTORS_MAX);
  return true;
}

/** What could be paid for the tenant that owes most, in tokens, fractions too; below one it is paid for nothing. */
export function tokensLeft(bucket: Bucket, debts: Debts): number {
  return Math.max(0, bucket.milli - Math.max(0, ...debts.values())) / MILLI;
}

/** A request of this tenant was served. */
export function earnFor(budgets: Budgets, debts: DebtsBy, sender: Sender | undefined): void {
  for (const purpose of ["retry", "hedge"] as const) repay(payerFor(budgets, debts, purpose, sender));
}

/** The same, of one bucket. */
export function repay({ bucket, debts, tenant }: Payer): void {
  earn(bucket);
  const owed = debts.get(tenant);
  if (owed === undefined) return;
  const left = owed - bucket.rule.milliPerServed;
  if (left > 0) debts.set(tenant, left);
  else debts.delete(tenant);
}
