/**
 * What of a ledger is written down, and what a restart makes of it.
 *
 * Model. One image for all: the windows, the sums of the day and the month, the last entry heard of each isolate, and how
 * far more may have been granted since (`ahead`). They are of one instant, so an entry is either in all of them or in none.
 * Keys lie on pages of KEYS_A_PAGE, and a page of which nothing has changed is not written again: an image of thousands of
 * keys is larger than a row of the storage may be, and most of them rest.
 * A restart takes what may have been granted as granted. What is reserved comes home as it is told closed, or when the
 * longest request is over.
 */
import { createLedger, LOAN_LONG_MS } from "./ledger.ts";
import type { KeyScope, Ledger } from "./ledger.ts";
import type { DayUsage } from "./usage-sum.ts";
import type { Limits, Period } from "./amounts.ts";
import { aheadOf, createScope } from "./scope.ts";
import type { Ahead, Scope } from "./scope.ts";
import { charge } from "./window.ts";

type ScopeImage = {
  readonly limits: Limits;
  readonly requests: readonly (readonly [number, number])[];
  readonly tokens: readonly (readonly [number, number])[];
  readonly period: Period;
  readonly day: Scope["day"];
  readonly month: Scope["month"];
  readonly ahead: Ahead;
};

export type LedgerImage = {
  readonly v: 2;
  readonly tenant: ScopeImage;
  readonly isolates: readonly (readonly [string, number])[];
  readonly holdMs: number;
};

/** By the number of the page. A full minute of a key is 10 KB. */
export type KeyPage = readonly (readonly [key: string, place: number, scope: ScopeImage])[];
const KEYS_A_PAGE = 32;

/** `pages`: those that have changed; one without keys is to be removed. */
export type Written = {
  readonly image: LedgerImage;
  readonly pages: readonly (readonly [number, KeyPage])[];
  readonly usage: readonly DayUsage[];
};

const pageOf = ({ place }: Pick<KeyScope, "place">): number => Math.floor(place / KEYS_A_PAGE);

/** What is to be written in one transaction; the ledger counts it as written once `noteWritten` says so. */
export function imageOf(ledger: Ledger): Written {
  const changed = new Map<number, (readonly [string, number, ScopeImage])[]>(
    [...ledger.droppedPlaces].map((place) => [pageOf({ place }), []]),
  );
  for (const scope of ledger.keys.values()) if (scope.isChanged) changed.set(pageOf(scope), []);
  for (const [key, scope] of ledger.keys) changed.get(pageOf(scope))?.push([key, scope.place, scopeImage(scope)]);
  return {
    image: {
      v: 2,
      tenant: scopeImage(ledger.tenant),
      isolates: [...ledger.isolates].map(([isolate, { seq }]) => [isolate, seq] as const),
      holdMs: ledger.holdMs,
    },
    pages: [...changed],
    usage: [...ledger.usage.values()],
  };
}

/** `written` is on the disk. Nothing may have changed in between. */
export function noteWritten(ledger: Ledger, { image, pages }: Written): void {
  noteScope(ledger.tenant, image.tenant);
  for (const [key, , scope] of pages.flatMap(([, page]) => page)) {
    const known = ledger.keys.get(key);
    if (known !== undefined) noteScope(known, scope);
  }
  ledger.droppedPlaces.clear();
  for (const heard of ledger.isolates.values()) heard.kept = heard.seq;
  ledger.usage = new Map();
  ledger.isWriteDue = false;
}

function noteScope(scope: Scope, { ahead }: ScopeImage): void {
  scope.ahead = ahead;
  scope.since = { requests: 0, tokens: 0 };
  scope.isChanged = false;
}

/** JSON has no Infinity: what is not bounded says so by its limit being absent. */
function scopeImage(scope: Scope): ScopeImage {
  const { limits, requests, tokens, period, day, month } = scope;
  return {
    limits,
    requests: [...requests.buckets],
    tokens: [...tokens.buckets],
    period,
    day: { ...day },
    month: { ...month },
    ahead: aheadOf(scope),
  };
}

export function restoreLedger(
  { image, pages }: { readonly image: LedgerImage; readonly pages: readonly KeyPage[] },
  now: number,
): Ledger {
  const ledger = createLedger(now);
  // Those of before may run for as long as any of them.
  const holdMs = image.holdMs + LOAN_LONG_MS;
  ledger.holdMs = image.holdMs;
  restoreScope(ledger.tenant, image.tenant, now, holdMs);
  for (const [key, place, scope] of pages.flat()) {
    const restored = { ...createScope(scope.limits, scope.period), place };
    restoreScope(restored, scope, now, holdMs);
    ledger.keys.set(key, restored);
    ledger.nextPlace = Math.max(ledger.nextPlace, place + 1);
  }
  for (const [isolate, seq] of image.isolates) ledger.isolates.set(isolate, { seq, kept: seq });
  return ledger;
}

function restoreScope(scope: Scope, image: ScopeImage, now: number, holdMs: number): void {
  scope.limits = image.limits;
  scope.period = image.period;
  scope.day = { ...image.day };
  scope.month = { ...image.month };
  for (const member of ["requests", "tokens"] as const) {
    for (const [bucket, amount] of image[member]) {
      scope[member].buckets.set(bucket, amount);
      scope[member].sum += amount;
    }
    charge(scope[member], image.ahead[member], now + LOAN_LONG_MS);
  }
  scope.ghost = image.ahead.held;
  scope.ghostUntilMs = now + holdMs;
}
