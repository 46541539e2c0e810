/**
 * Decides what happened in the last minutes of each pool, from sums that only rise.
 *
 * Model. A look keeps the sums of that instant; the window is the difference between now and the oldest look that is not
 * older than it. After a start there is no older look, so the window begins there: what it has is few, and the rules want a
 * minimum of samples. Sums that fall (the feed was made anew) begin a window of their own.
 * A share of late first tokens counts only buckets that begin at the objective or above: what lies in the bucket around
 * it may have been in time, and is taken to be.
 */
import { isFailed } from "./fault.ts";
import { COUNTED } from "./metric-names.ts";
import type { SeriesDelta } from "./report.ts";
import { readKey } from "./tally.ts";

export type PoolSums = {
  /** Requests that the client is not at fault for. */
  readonly asked: number;
  /** Of those: not served. */
  readonly failed: number;
  readonly coldStarts: number;
  /** First tokens by bucket, the last one open. */
  readonly firstTokens: readonly number[];
};

export type Sums = ReadonlyMap<string, PoolSums>;

type Kept = { readonly atMs: number; readonly sums: Sums };

/** The oldest first. */
export type Window = readonly Kept[];

const FIRST_TOKEN_S: readonly number[] = COUNTED.firstToken.bucketsS ?? [];
const NOTHING: PoolSums = { asked: 0, failed: 0, coldStarts: 0, firstTokens: [] };

/** `series`: all that was ever counted. */
export function sumsOf(series: Iterable<SeriesDelta>): Sums {
  const sums = new Map<string, { -readonly [Name in keyof PoolSums]: PoolSums[Name] }>();
  const of = (pool: string) => {
    const known = sums.get(pool) ?? { ...NOTHING };
    sums.set(pool, known);
    return known;
  };
  for (const [key, values] of series) {
    const name = readKey(key);
    const [pool = "", , outcome = "", reason = ""] = name?.labels ?? [];
    const [value = 0] = values;
    if (name === null || pool === "") continue;
    if (name.id === "requests") {
      const hasFailed = isFailed(outcome, reason);
      if (hasFailed) of(pool).failed += value;
      if (hasFailed || outcome === "served") of(pool).asked += value;
    } else if (name.id === "coldStarts") of(pool).coldStarts += value;
    else if (name.id === "firstToken") {
      const known = of(pool);
      known.firstTokens = FIRST_TOKEN_S.concat(0).map((_, at) => (known.firstTokens[at] ?? 0) + (values[at] ?? 0));
    }
  }
  return sums;
}

/** With the sums of now, and without what is older than the window needs. */
export function keepLook(window: Window, sums: Sums, windowMs: number, now: number): Window {
  const inTime = window.filter(({ atMs }) => atMs >= now - windowMs && atMs <= now);
  return [...inTime, { atMs: now, sums }];
}

/** What was counted within the window; null: there is no look to compare with. */
export function within(window: Window, pool: string): PoolSums | null {
  const first = window[0];
  const last = window.at(-1);
  if (first === undefined || last === undefined || first === last) return null;
  const before = first.sums.get(pool) ?? NOTHING;
  const after = last.sums.get(pool) ?? NOTHING;
  const since = (one: number, other: number): number => Math.max(0, one - other);
  return {
    asked: since(after.asked, before.asked),
    failed: since(after.failed, before.failed),
    coldStarts: since(after.coldStarts, before.coldStarts),
    firstTokens: after.firstTokens.map((count, at) => since(count, before.firstTokens[at] ?? 0)),
  };
}

/** Share of first tokens that came after `objectiveMs` for certain, and how many there were. */
export function lateFirstTokens({ firstTokens }: PoolSums, objectiveMs: number): { share: number; samples: number } {
  const samples = firstTokens.reduce((sum, count) => sum + count, 0);
  const late = firstTokens.reduce((sum, count, at) => {
    const fromMs = at === 0 ? 0 : (FIRST_TOKEN_S[at - 1] ?? 0) * 1_000;
    return fromMs >= objectiveMs ? sum + count : sum;
  }, 0);
  return { share: samples === 0 ? 0 : late / samples, samples };
}
