/** The result as text: one table per scenario and load, one row per policy, the best p99 first. */
import type { FaultMetrics } from "../fault-metrics.ts";
import { isUnstable, type RouterResult, type ScenarioResult } from "../run.ts";
import type { RunMetrics } from "../metrics.ts";

const COLUMNS = [
  "policy",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "p99.9 ms",
  "p50 x",
  "p99 x",
  "+-",
  "goodput/s",
  "good %",
  "shed %",
  "failed %",
  "cold",
  "away %",
  "wasted %",
  "swing",
  "",
] as const;

/** Only where something fails. */
const FAULT_COLUMNS = ["stray %", "cut", "lost", "home %"] as const;

export function tableOf(result: ScenarioResult): string {
  const ect = result.bounds.get("ect");
  const rows = [...result.routers].sort((one, other) => byP99(one, other)).map((router) => rowOf(router, result));
  const bounds = [...result.bounds].map(([name, { p50, p95, p99, p999 }]) => {
    const ratios = ect === undefined ? ["", ""] : [(p50 / ect.p50).toFixed(2), (p99 / ect.p99).toFixed(2)];
    return [`bound: ${name}`, ms(p50), ms(p95), ms(p99), ms(p999), ...ratios];
  });
  const fails = result.routers.some(({ seeds }) => seeds.some(({ faults }) => faults !== null));
  const head = `${result.name} at load ${result.load}: ${result.seeds} seeds x ${result.requests} requests from seed ${result.seed}`;
  return `${head}\n${aligned([[...COLUMNS, ...(fails ? FAULT_COLUMNS : [])], ...bounds, ...rows])}\n`;
}

function byP99(one: RouterResult, other: RouterResult): number {
  return (
    (Number.isNaN(one.ttftMs.p99) ? Infinity : one.ttftMs.p99) -
    (Number.isNaN(other.ttftMs.p99) ? Infinity : other.ttftMs.p99)
  );
}

function rowOf(router: RouterResult, result: ScenarioResult): readonly string[] {
  const { ttftMs, ratioToBound, seeds, name } = router;
  const ect = result.bounds.get("ect");
  const of = (read: (metrics: RunMetrics) => number): number => meanOverSeeds(router, read);
  const share = (read: (metrics: RunMetrics) => number): string => percent(of(read) / result.requests);
  return [
    name,
    ms(ttftMs.p50),
    ms(ttftMs.p95),
    ms(ttftMs.p99),
    ms(ttftMs.p999),
    ratioToBound.p50.toFixed(2),
    ratioToBound.p99.toFixed(2),
    spread(seeds.map((seed) => seed.ratioToBound.p99)).toFixed(2),
    of(({ goodput }) => goodput).toFixed(1),
    percent(of(({ goodShare }) => goodShare)),
    share(({ shed }) => shed),
    share(({ failed, unfinished }) => failed + unfinished),
    of(({ coldHits }) => coldHits).toFixed(0),
    percent(of(({ crossRegion }) => crossRegion)),
    percent(of(({ wasted }) => wasted)),
    swingOf(of),
    ect !== undefined && isUnstable(router, ect) ? "unstable" : "",
    ...faultCells(router),
  ];
}

/** Of all seeds together. */
export function faultsOf({ seeds }: RouterResult): FaultMetrics | null {
  const all = seeds.flatMap(({ faults }) => (faults === null ? [] : [faults]));
  if (all.length === 0) return null;
  const sum = (read: (one: FaultMetrics) => number): number => all.reduce((total, one) => total + read(one), 0);
  const mean = (read: (one: FaultMetrics) => number): number => {
    const known = all.map(read).filter((value) => !Number.isNaN(value));
    return known.reduce((total, value) => total + value, 0) / known.length;
  };
  return {
    strayShare: mean(({ strayShare }) => strayShare),
    cutStreams: sum(({ cutStreams }) => cutStreams),
    lostRequests: sum(({ lostRequests }) => lostRequests),
    homeBefore: mean(({ homeBefore }) => homeBefore),
    homeAfter: mean(({ homeAfter }) => homeAfter),
  };
}

function faultCells(router: RouterResult): readonly string[] {
  const faults = faultsOf(router);
  if (faults === null) return [];
  const { strayShare, cutStreams, lostRequests, homeBefore, homeAfter } = faults;
  return [
    (100 * strayShare).toFixed(2),
    String(cutStreams),
    String(lostRequests),
    `${percent(homeBefore)} > ${percent(homeAfter)}`,
  ];
}

/** Variance of an endpoint's share of in-flight, its largest part at one frequency, and its rise above noise. */
function swingOf(of: (read: (metrics: RunMetrics) => number) => number): string {
  const [variance, peak, rise] = [
    of(({ oscillation }) => oscillation.shareVariance),
    of(({ oscillation }) => oscillation.peakPower),
    of(({ oscillation }) => oscillation.overNoise),
  ];
  return `${variance.toExponential(1)} ${peak.toFixed(2)} ${rise.toFixed(1)}`;
}

export function meanOverSeeds({ seeds }: RouterResult, read: (metrics: RunMetrics) => number): number {
  return seeds.reduce((sum, { metrics }) => sum + read(metrics), 0) / seeds.length;
}

/** Standard deviation between seeds; 0 of a single one. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function ms(value: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(0);
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** First column to the left, the others to the right. The first row has them all. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
