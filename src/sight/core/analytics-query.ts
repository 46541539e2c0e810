/**
 * Decides what is asked of Workers Analytics Engine for a chart, and what its answer says.
 *
 * Model. One query, a row a span of time. Data points are sampled, so everything is weighted by `_sample_interval`; what was
 * not known is -1 in them, and weighs nothing. A column is found by its name in `data-point.ts`. What no data point has (how
 * the fleet was, what guardrails let through) is not in the answer: the feed's minutes have it.
 * Only functions that the engine documents are used: `sum`, `if`, `quantileExactWeighted`, `intDiv`, `toUnixTimestamp`,
 * `toDateTime`. Numbers and a checked name go into the text, nothing of a client's.
 * Source: docs/reference/sources.md, Analytics Engine.
 */
import { BLOBS, DOUBLES } from "./data-point.ts";
import { FAILED_OUTCOMES, OWN_LIMITS } from "./fault.ts";
import { MICROS } from "./metric-names.ts";
import type { HistoryPoint } from "./history-point.ts";
import type { RequestOutcome } from "./record.ts";

export type AnalyticsAsked = {
  /** Letters, digits and underscores. */
  readonly dataset: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMinutes: number;
};

const blob = (wanted: string): string => `blob${BLOBS.findIndex(([name]) => name === wanted) + 1}`;
const double = (wanted: string): string => `double${DOUBLES.findIndex(([name]) => name === wanted) + 1}`;

const OUTCOMES: Readonly<Record<RequestOutcome, true>> = {
  served: true,
  blocked: true,
  refused: true,
  shed: true,
  no_endpoint: true,
  expired: true,
  cancelled: true,
  upstream_failed: true,
};

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(", ");
/** Requests of which this is true. */
const count = (condition: string): string => `sum(if(${condition}, _sample_interval, 0))`;
/** Sum of a column where it is known. */
const total = (column: string): string => `sum(if(${column} >= 0, ${column} * _sample_interval, 0))`;

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
type Quantile = keyof typeof QUANTILES;

/** How long, ms, and of which requests that is known. */
const TIMES = {
  ttftMs: { value: double("ttft_ms"), isKnown: `${double("ttft_ms")} >= 0` },
  overheadMs: { value: double("overhead_ms"), isKnown: `${double("overhead_ms")} >= 0` },
  queueMs: { value: double("queue_ms"), isKnown: `${double("queue_ms")} >= 0` },
  tpotMs: {
    value: `if(${double("tokens_out")} > 1, (${double("total_ms")} - ${double("ttft_ms")}) / (${double("tokens_out")} - 1), 0)`,
    isKnown: `${double("tokens_out")} > 1 AND ${double("ttft_ms")} >= 0 AND ${blob("outcome")} = 'served'`,
  },
} as const;
type Time = keyof typeof TIMES;

/** Aliases and expressions; each alias is read below. */
const COLUMNS: readonly (readonly [alias: string, expression: string])[] = [
  ...Object.keys(OUTCOMES).map((name) => [`n_${name}`, count(`${blob("outcome")} = '${name}'`)] as const),
  [
    "errors",
    count(`${blob("outcome")} IN (${quoted(FAILED_OUTCOMES)}) AND ${blob("reason")} NOT IN (${quoted(OWN_LIMITS)})`),
  ],
  ["spills", count(`${blob("why")} = 'spill'`)],
  ["cold_starts", count(`${blob("why")} = 'cold_start'`)],
  ["attempts", total(double("attempts"))],
  ["asked", count(`${double("attempts")} > 0`)],
  ["hedges", total(double("hedges"))],
  ["tokens_in", total(double("tokens_in"))],
  ["tokens_cached", total(double("tokens_cached"))],
  ["tokens_out", total(double("tokens_out"))],
  ["cost_micros", total(double("cost_micros"))],
  ["priced", count(`${double("cost_micros")} > 0`)],
  ...(Object.keys(TIMES) as Time[]).flatMap((time) => {
    const { value, isKnown } = TIMES[time];
    const weight = `if(${isKnown}, _sample_interval, 0)`;
    return [
      [`${time}_n`, count(isKnown)] as const,
      ...(Object.keys(QUANTILES) as Quantile[]).map(
        (name) => [`${time}_${name}`, `quantileExactWeighted(${QUANTILES[name]})(${value}, ${weight})`] as const,
      ),
    ];
  }),
];

export function historySql({ dataset, fromMs, toMs, stepMinutes }: AnalyticsAsked): string {
  const stepS = stepMinutes * 60;
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  return [
    `SELECT intDiv(toUnixTimestamp(timestamp), ${stepS}) * ${stepS} AS at_s,`,
    COLUMNS.map(([alias, expression]) => `${expression} AS ${alias}`).join(",\n"),
    `FROM ${dataset}`,
    `WHERE timestamp >= toDateTime(${seconds(fromMs)}) AND timestamp <= toDateTime(${seconds(toMs)})`,
    "GROUP BY at_s",
    "ORDER BY at_s",
    "FORMAT JSON",
  ].join("\n");
}

/** Null: not of the shape that was asked for. Whole numbers of 64 bits come as texts. */
export function readHistory(answer: unknown): readonly HistoryPoint[] | null {
  const data = typeof answer === "object" && answer !== null ? (answer as { data?: unknown }).data : undefined;
  if (!Array.isArray(data)) return null;
  const points = data.map(pointIn);
  return points.includes(null) ? null : (points as HistoryPoint[]);
}

function pointIn(row: unknown): HistoryPoint | null {
  if (typeof row !== "object" || row === null) return null;
  const values = row as Readonly<Record<string, unknown>>;
  const read = (name: string): number => {
    const value = values[name];
    return typeof value === "string" && value !== "" ? Number(value) : typeof value === "number" ? value : Number.NaN;
  };
  const names = ["at_s", ...COLUMNS.map(([alias]) => alias)];
  // A quantile of nothing may be no number.
  if (names.some((name) => !/_p\d+$/.test(name) && !Number.isFinite(read(name)))) return null;
  const quantile = (time: Time, name: Quantile): number | null => {
    const found = read(`${time}_${name}`);
    return read(`${time}_n`) > 0 && Number.isFinite(found) ? found : null;
  };
  const quantiles = (time: Time) => ({
    p50: quantile(time, "p50"),
    p95: quantile(time, "p95"),
    p99: quantile(time, "p99"),
  });
  const byOutcome = Object.fromEntries(
    Object.keys(OUTCOMES).flatMap((name) => (read(`n_${name}`) > 0 ? [[name, read(`n_${name}`)] as const] : [])),
  );
  const [errors, served] = [read("errors"), read("n_served")];
  return {
    atMs: read("at_s") * 1_000,
    requests: Object.values(byOutcome).reduce((sum, value) => sum + value, 0),
    errors,
    errorShare: errors + served === 0 ? null : errors / (errors + served),
    byOutcome,
    ttftMs: quantiles("ttftMs"),
    overheadMs: quantiles("overheadMs"),
    tpotMs: quantiles("tpotMs"),
    queueMs: quantiles("queueMs"),
    inFlight: null,
    capacity: null,
    queued: null,
    oldestQueuedMs: null,
    spills: read("spills"),
    // Every attempt but the first of its request, and hedges, which are told by themselves.
    retries: Math.max(0, read("attempts") - read("asked") - read("hedges")),
    hedges: read("hedges"),
    coldStarts: read("cold_starts"),
    failOpens: 0,
    tokens: { in: read("tokens_in"), cached: read("tokens_cached"), out: read("tokens_out") },
    cost: read("priced") > 0 ? read("cost_micros") / MICROS : null,
  };
}

/** What only the feed knows of the same spans. */
export function withFeed(points: readonly HistoryPoint[], minutes: readonly HistoryPoint[]): readonly HistoryPoint[] {
  const byAt = new Map(minutes.map((point) => [point.atMs, point]));
  return points.map((point) => {
    const known = byAt.get(point.atMs);
    if (known === undefined) return point;
    const { inFlight, capacity, queued, oldestQueuedMs, failOpens } = known;
    return { ...point, inFlight, capacity, queued, oldestQueuedMs, failOpens };
  });
}
