/**
 * Decides what of all counts a chart shows: a few figures of a span of time, over all pools, which add up span by span.
 *
 * Model. Each delta of a report adds to at most one figure. Histograms keep the buckets that isolates count in
 * (`metric-names.ts`), so a quantile of any sum of spans is that of all its samples, as exact as one bucket is wide;
 * inside a bucket it is taken to lie on a line, as Prometheus' `histogram_quantile` does. Past the last bound nothing is
 * known but that it is longer: then the answer is that bound.
 * Rejected: quantiles of quantiles, which mean nothing.
 */
import { isFailed } from "./fault.ts";
import { COUNTED } from "./metric-names.ts";
import type { CountedId, Metric } from "./metric-names.ts";
import type { SeriesDelta } from "./report.ts";
import { readKey } from "./tally.ts";

/** Rules of rails that one span tells apart; those that are met most. */
export const RAIL_TRIPS_MAX = 50;

/** In no name of the config, and in no code. */
const BREAK = "\n";

const TIMES = ["firstToken", "outputToken", "overhead", "queue"] as const satisfies readonly CountedId[];
type Time = (typeof TIMES)[number];

/** Written in place; plain JSON. What is absent is 0. */
export type Figures = {
  outcomes: Record<string, number>;
  /** Samples in each bucket; the last one has what is longer than every bound. */
  times: Partial<Record<Time, number[]>>;
  /** By rail, rule and action, with line breaks between them. */
  trips: Record<string, number>;
  counts: Partial<Record<Count, number>>;
};

type Count =
  | "failed"
  | "spills"
  | "retries"
  | "hedges"
  | "coldStarts"
  | "failOpens"
  | "tokensIn"
  | "tokensCached"
  | "tokensOut"
  | "cost";

export const noFigures = (): Figures => ({ outcomes: {}, times: {}, trips: {}, counts: {} });

/** What a report brings. What is not this version's is left out. */
export function addDeltas(figures: Figures, deltas: readonly SeriesDelta[]): void {
  for (const [key, values] of deltas) {
    const name = readKey(key);
    if (name !== null) addOne(figures, name.id, name.labels, values);
  }
}

function addOne(figures: Figures, id: string, labels: readonly string[], values: readonly number[]): void {
  const [by = 0] = values;
  const count = (what: Count): void => void (figures.counts[what] = (figures.counts[what] ?? 0) + by);
  switch (id) {
    case "requests":
      plus(figures.outcomes, labels[2] ?? "", by);
      return isFailed(labels[2] ?? "", labels[3] ?? "") ? count("failed") : undefined;
    case "firstToken":
    case "outputToken":
    case "overhead":
    case "queue":
      return addBuckets(figures, id, values.slice(0, -1));
    case "decisions":
      return labels[2] === "spill" ? count("spills") : undefined;
    case "retries":
    case "hedges":
    case "coldStarts":
    case "failOpens":
    case "cost":
      return count(id);
    case "tokens":
      if (labels[2] === "input") return count("tokensIn");
      if (labels[2] === "cached") return count("tokensCached");
      return labels[2] === "output" ? count("tokensOut") : undefined;
    case "railRules":
      return plus(figures.trips, labels.join(BREAK), by);
    default:
      return undefined;
  }
}

export function addFigures(to: Figures, from: Figures): void {
  for (const [name, by] of Object.entries(from.outcomes)) plus(to.outcomes, name, by);
  for (const time of TIMES) addBuckets(to, time, from.times[time] ?? []);
  for (const [name, by] of Object.entries(from.trips)) plus(to.trips, name, by);
  for (const [name, by] of Object.entries(from.counts)) plus(to.counts as Record<string, number>, name, by);
}

/** The rules that are met most; the others would make a row of the history as long as a config. */
export function withFewTrips(figures: Figures): Figures {
  return { ...figures, trips: Object.fromEntries(topTrips(figures)) };
}

const topTrips = ({ trips }: Figures): readonly (readonly [name: string, count: number])[] =>
  Object.entries(trips)
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, RAIL_TRIPS_MAX);

function plus(counts: Record<string, number>, name: string, by: number): void {
  counts[name] = (Object.hasOwn(counts, name) ? (counts[name] ?? 0) : 0) + by;
}

function addBuckets(figures: Figures, time: Time, values: readonly number[]): void {
  if (values.length === 0) return;
  const buckets = (figures.times[time] ??= []);
  for (let at = 0; at < values.length; at += 1) buckets[at] = (buckets[at] ?? 0) + (values[at] ?? 0);
}

export function requestsIn({ outcomes, counts }: Figures): {
  readonly all: number;
  /** The client did nothing wrong and has no answer. */
  readonly errors: number;
  readonly served: number;
} {
  const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return { all, errors: counts.failed ?? 0, served: outcomes["served"] ?? 0 };
}

/** Of the requests for which the client is not at fault; null: there were none. */
export function errorShare(figures: Figures): number | null {
  const { errors, served } = requestsIn(figures);
  return errors + served === 0 ? null : errors / (errors + served);
}

export const countOf = ({ counts }: Figures, what: Count): number => counts[what] ?? 0;

/** In the currency of the prices; null: no request had one. */
export const costIn = ({ counts: { cost } }: Figures): number | null =>
  cost === undefined ? null : cost / COUNTED.cost.perUnit;

/** The q-quantile, ms; null: nothing was counted. */
export function timeQuantile({ times }: Figures, time: Time, q: number): number | null {
  const buckets = times[time] ?? [];
  const boundsS: readonly number[] = (COUNTED[time] as Metric).bucketsS ?? [];
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    if (count === 0 || below + count < rank) {
      below += count;
      continue;
    }
    const upper = boundsS[index];
    const lower = index === 0 ? 0 : (boundsS[index - 1] ?? 0);
    if (upper === undefined) return lower * 1_000;
    return tenths((lower + (upper - lower) * Math.max(0, (rank - below) / count)) * 1_000);
  }
  return tenths((boundsS.at(-1) ?? 0) * 1_000);
}

export type RailTrip = {
  readonly rail: string;
  readonly rule: string;
  readonly action: string;
  readonly count: number;
};

export function railTrips(figures: Figures): readonly RailTrip[] {
  return topTrips(figures).map(([name, count]) => {
    const [rail = "", rule = "", action = ""] = name.split(BREAK);
    return { rail, rule, action, count };
  });
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
