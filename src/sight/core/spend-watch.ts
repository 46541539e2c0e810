/**
 * Decides which tenants' ledgers a look for alerts asks, and remembers what they said.
 *
 * Model. Spending rises with what the feed counts as cost, and falls only where a day or a month begins. So a ledger is
 * asked when its tenant's cost has changed since it was asked, and once more at the look after that, since a ledger hears of
 * the last requests a second after the feed may have; and at every look while an alert of its tenant is raised. Who is
 * told of goes first, then who was not asked for longest; so many a look.
 * What is known of a tenant whose ledger is silent becomes unknown, and is not forgotten.
 * Rejected: asking every ledger at each look, which would keep all of them awake.
 */
import type { SpendSight } from "./alert-rules.ts";

/** In one look; the others have their turn in the next ones. */
export const LEDGERS_ASKED_MAX = 100;

/** What a ledger says: of each cap how much is used. */
export type SpendShare = {
  readonly key: string | null;
  readonly period: SpendSight["period"];
  readonly share: number | null;
};

type Known = {
  /** When it was asked last. */
  readonly cost: number | null;
  /** It was the same at two answers. */
  readonly isSettled: boolean;
  readonly shares: readonly SpendShare[];
  readonly askedAtMs: number;
};

/** By tenant. */
export type SpendBook = Map<string, Known>;

/** `costs`: of all tenants that ever cost something; `raised`: tenants that are told of. */
export function ledgersToAsk(
  book: SpendBook,
  costs: ReadonlyMap<string, number>,
  raised: ReadonlySet<string>,
): readonly string[] {
  const isDue = (tenant: string): boolean => {
    const known = book.get(tenant);
    return known === undefined || !known.isSettled || known.cost !== costs.get(tenant);
  };
  const rank = (tenant: string): number => (raised.has(tenant) ? -1 : (book.get(tenant)?.askedAtMs ?? 0));
  return [...new Set([...raised, ...costs.keys()])]
    .filter((tenant) => raised.has(tenant) || isDue(tenant))
    .toSorted((one, other) => rank(one) - rank(other))
    .slice(0, LEDGERS_ASKED_MAX);
}

/** `shares` null: its ledger did not answer. `cost`: as it was before it was asked. */
export function noteShares(
  book: SpendBook,
  tenant: string,
  { cost, shares }: { readonly cost: number | undefined; readonly shares: readonly SpendShare[] | null },
  now: number,
): void {
  const known = book.get(tenant);
  if (shares === null) {
    const before = known?.shares ?? [{ key: null, period: "day" as const, share: null }];
    const unknown = before.map((one) => ({ ...one, share: null }));
    book.set(tenant, { cost: null, isSettled: false, shares: unknown, askedAtMs: now });
    return;
  }
  book.set(tenant, { cost: cost ?? 0, isSettled: known?.cost === (cost ?? 0), shares, askedAtMs: now });
}

/** `subjects`: that are told of, as `[tenant, key]`. Of those who were not asked yet nothing is known. */
export function spendSights(
  book: SpendBook,
  subjects: readonly (readonly [tenant: string, key: string | null])[],
): readonly SpendSight[] {
  const known = [...book].flatMap(([tenant, { shares }]) => shares.map((share) => ({ tenant, ...share })));
  const unknown = subjects
    .filter(([tenant]) => !book.has(tenant))
    .map(([tenant, key]) => ({ tenant, key, period: "day" as const, share: null }));
  return [...known, ...unknown];
}
