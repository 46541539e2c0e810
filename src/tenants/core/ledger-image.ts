/**
 * What of a ledger is written down, and what a restart makes of it.
 *
 * Model. One image for all: the windows, the sums of the day and the month, the last entry heard of each isolate, and how
 * far more may have been granted since (`ahead`). They are of one instant, so an entry is either in all of them or in none.
 * A restart takes what may have been granted as granted. What is reserved comes home as it is told closed, or when the
 * longest request is over.
 */
import { createLedger, LOAN_MS } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
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
  readonly v: 1;
  readonly tenant: ScopeImage;
  readonly keys: readonly (readonly [string, ScopeImage])[];
  readonly isolates: readonly (readonly [string, number])[];
};

export type Written = { readonly image: LedgerImage; readonly usage: readonly DayUsage[] };

/** What is to be written in one transaction; the ledger counts it as written once `noteWritten` says so. */
export function imageOf(ledger: Ledger): Written {
  return {
    image: {
      v: 1,
      tenant: scopeImage(ledger.tenant),
      keys: [...ledger.keys].map(([key, scope]) => [key, scopeImage(scope)] as const),
      isolates: [...ledger.isolates].map(([isolate, { seq }]) => [isolate, seq] as const),
    },
    usage: [...ledger.usage.values()],
  };
}

/** `written` is on the disk. Nothing may have changed in between. */
export function noteWritten(ledger: Ledger, { image }: Written): void {
  noteScope(ledger.tenant, image.tenant);
  for (const [key, scope] of image.keys) {
    const known = ledger.keys.get(key);
    if (known !== undefined) noteScope(known, scope);
  }
  for (const heard of ledger.isolates.values()) heard.kept = heard.seq;
  ledger.usage = new Map();
  ledger.isWriteDue = false;
}

function noteScope(scope: Scope, { ahead }: ScopeImage): void {
  scope.ahead = ahead;
  scope.since = { requests: 0, tokens: 0 };
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

/** `holdMs`: the longest that a request of before may still run. */
export function restoreLedger(image: LedgerImage, now: number, holdMs: number): Ledger {
  const ledger = createLedger(now);
  restoreScope(ledger.tenant, image.tenant, now, holdMs);
  for (const [key, scope] of image.keys) {
    const restored = createScope(scope.limits, scope.period);
    restoreScope(restored, scope, now, holdMs);
    ledger.keys.set(key, restored);
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
    charge(scope[member], image.ahead[member], now + LOAN_MS);
  }
  scope.ghost = image.ahead.held;
  scope.ghostUntilMs = now + holdMs;
}
