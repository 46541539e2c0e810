/** Who pays for the retries that an isolate decides alone, while no shard answers: one bucket, of which each tenant has its part. */
import { createBucket, RETRY_RULE } from "../shard/budget.ts";
import { NO_SENDER } from "../shard/fair-shares.ts";
import type { Sender } from "../shard/fair-shares.ts";
import { pay, repay } from "../shard/tenant-debts.ts";
import type { Payer } from "../shard/tenant-debts.ts";
import type { Owner } from "../shard-messages.ts";

export type RetriesAlone = Pick<Payer, "bucket" | "debts">;

/** Of an isolate's memory. */
type Memory = { readonly retriesAlone: RetriesAlone };

export const createRetriesAlone = (): RetriesAlone => ({ bucket: createBucket(RETRY_RULE), debts: new Map() });

/** False: nothing pays for it. */
export const payAlone = ({ retriesAlone }: Memory, { tenant }: Sender = NO_SENDER): boolean =>
  pay({ ...retriesAlone, tenant });

/** A request was served under this lease. */
export function earnAlone({ retriesAlone }: Memory, { of }: { readonly of?: Owner }): void {
  repay({ ...retriesAlone, tenant: (of?.sender ?? NO_SENDER).tenant });
}
