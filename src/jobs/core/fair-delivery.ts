/**
 * Decides which webhook goes next, so that one tenant's receivers that hang do not keep another's from being told.
 *
 * Model. A few deliveries are under way at once, whoever's they are. A tenant may begin one more only while it has
 * fewer under way than there are slots left (dynamic thresholds, as switches share their buffer: Choudhury and
 * Hahne, 1998). So one tenant alone gets half of the slots, and there is one for every tenant that has none as long
 * as fewer than all but one of them hang. One receiver gets at most HOST_DELIVERIES_MAX, whosever it is. Among
 * tenants the turn goes round.
 * Rejected: a fixed share for each tenant (idle slots, or none for the last of many), and telling slow receivers apart
 * by their past (a receiver is new to us with its first message, and that is the one that hangs).
 */

/** Deliveries under way: a Worker may wait for six connections' headers, and attempts need theirs. */
export const DELIVERIES_MAX = 4;
/** Of them to one host: a receiver is not stormed when it comes back. */
export const HOST_DELIVERIES_MAX = 2;

/** Where a delivery goes, and for whom. */
export type Bound = { readonly tenant: string; readonly host: string };

/** May one more delivery begin, beside those under way? */
export function mayDeliver(underWay: Iterable<Bound>, { tenant, host }: Bound): boolean {
  let total = 0;
  let ofTenant = 0;
  let atHost = 0;
  for (const one of underWay) {
    total += 1;
    if (one.tenant === tenant) ofTenant += 1;
    if (one.host === host) atHost += 1;
  }
  return ofTenant < DELIVERIES_MAX - total && atHost < HOST_DELIVERIES_MAX;
}

/** The tenants in the order of their turn: those behind `last` first, then round to it. `tenants` is sorted. */
export function turns(tenants: readonly string[], last: string): readonly string[] {
  const at = tenants.findIndex((tenant) => tenant > last);
  return at === -1 ? tenants : [...tenants.slice(at), ...tenants.slice(0, at)];
}
