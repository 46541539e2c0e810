/** Decides what one point of a chart says, from the figures of its span. */
import { costIn, countOf, errorShare, requestsIn, timeQuantile } from "./figures.ts";
import type { Figures } from "./figures.ts";

/** How the fleet was found to be. */
export type Gauges = {
  readonly inFlight: number;
  readonly capacity: number;
  readonly queued: number;
  /** Of jobs; null: none waited, or nobody looked. */
  readonly oldestQueuedMs: number | null;
};

type Quantiles = { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };

export type HistoryPoint = {
  /** When its span began. */
  readonly atMs: number;
  readonly requests: number;
  readonly errors: number;
  /** Null: there were no requests for which the client is not at fault. */
  readonly errorShare: number | null;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly ttftMs: Quantiles;
  readonly overheadMs: Quantiles;
  readonly tpotMs: Quantiles;
  readonly queueMs: Quantiles;
  /** The most that was seen; null: nobody looked. */
  readonly inFlight: number | null;
  readonly capacity: number | null;
  readonly queued: number | null;
  readonly oldestQueuedMs: number | null;
  readonly spills: number;
  readonly retries: number;
  readonly hedges: number;
  readonly coldStarts: number;
  readonly failOpens: number;
  readonly tokens: { readonly in: number; readonly cached: number; readonly out: number };
  /** In the currency of the config's prices; null: nothing had a price. */
  readonly cost: number | null;
};

export function pointOf(atMs: number, figures: Figures, gauges: Gauges | null): HistoryPoint {
  const { all, errors } = requestsIn(figures);
  const quantiles = (time: Parameters<typeof timeQuantile>[1]): Quantiles => ({
    p50: timeQuantile(figures, time, 0.5),
    p95: timeQuantile(figures, time, 0.95),
    p99: timeQuantile(figures, time, 0.99),
  });
  return {
    atMs,
    requests: all,
    errors,
    errorShare: errorShare(figures),
    byOutcome: figures.outcomes,
    ttftMs: quantiles("firstToken"),
    overheadMs: quantiles("overhead"),
    tpotMs: quantiles("outputToken"),
    queueMs: quantiles("queue"),
    inFlight: gauges?.inFlight ?? null,
    capacity: gauges?.capacity ?? null,
    queued: gauges?.queued ?? null,
    oldestQueuedMs: gauges?.oldestQueuedMs ?? null,
    spills: countOf(figures, "spills"),
    retries: countOf(figures, "retries"),
    hedges: countOf(figures, "hedges"),
    coldStarts: countOf(figures, "coldStarts"),
    failOpens: countOf(figures, "failOpens"),
    tokens: {
      in: countOf(figures, "tokensIn"),
      cached: countOf(figures, "tokensCached"),
      out: countOf(figures, "tokensOut"),
    },
    cost: costIn(figures),
  };
}
