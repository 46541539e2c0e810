/**
 * The result as text: one table per scenario and load, one row per policy, the best p99 first, and above them the
 * bracket in which the optimum lies.
 *
 * Beside the p99 stands how much it differs from the first row's, seed by seed, with the spread of that difference; a
 * `~` says that it lies within the spread and is none (`difference.ts`).
 */
import { BOUND } from "../bounds/references.ts";
import type { FaultMetrics } from "../fault-metrics.ts";
import type { RunMetrics } from "../metrics.ts";
import { isUnstable, type Reference, type RouterResult, type ScenarioResult } from "../run.ts";
import { differenceOf, differenceText, relativeTo, spread } from "./difference.ts";

const COLUMNS = ["policy", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "p50 x", "p99 x", "+-"] as const;

/** Only of step engines: what a policy that looks at first tokens alone would starve. */
const STEP_COLUMNS = ["tpot p50", "tpot p99", "e2e p50", "e2e p99"] as const;

const MORE_COLUMNS = ["good %", "goodput/s", "shed %", "failed %", "cold", "away %", "wasted %", "swing", ""] as const;

/** Only where something fails. */
const FAULT_COLUMNS = ["stray %", "cut", "lost", "home %"] as const;

/** What the others are compared with, where it is among them; else the first row. */
export const COMPARED = "warmpath";

export function tableOf(result: ScenarioResult): string {
  const { routers, references, engine } = result;
  const sorted = [...routers].sort((one, other) => byP99(one, other));
  const compared = routers.find(({ name }) => name === COMPARED) ?? sorted[0];
  const fails = routers.some(({ seeds }) => seeds.some(({ faults }) => faults !== null));
  const head = [
    ...COLUMNS,
    `p99 to ${compared?.name ?? "none"}`,
    ...(engine === "step" ? STEP_COLUMNS : []),
    ...MORE_COLUMNS,
    ...(fails ? FAULT_COLUMNS : []),
  ];
  const rows = [
    ...references.map((reference) => referenceRow(reference, result)),
    ...sorted.map((router) => rowOf(router, compared, result)),
  ];
  const { name, load, seeds, requests, seed } = result;
  const title = `${name} at load ${load}: ${seeds} seeds x ${requests} requests from seed ${seed}`;
  return `${title}\n${bracketOf(result)}\n${aligned([head, ...rows])}\n`;
}

function bracketOf({ references, best }: ScenarioResult): string {
  const bound = references.find(({ name }) => name === BOUND);
  const from = ms(bound?.ttftMs.p99 ?? NaN);
  return `p99 of the optimum: ${from} (${BOUND}) to ${ms(best.ttftMs.p99)} ms (${best.name}, the best known clairvoyant; x is to it)`;
}

function byP99(one: RouterResult, other: RouterResult): number {
  return (
    (Number.isNaN(one.ttftMs.p99) ? Infinity : one.ttftMs.p99) -
    (Number.isNaN(other.ttftMs.p99) ? Infinity : other.ttftMs.p99)
  );
}

function referenceRow(reference: Reference, { best, engine }: ScenarioResult): readonly string[] {
  const { name, ttftMs, tpotMs, e2eMs, goodShare } = reference;
  const { p50, p95, p99, p999 } = ttftMs;
  const ratios = [p50 / best.ttftMs.p50, p99 / best.ttftMs.p99].map((ratio) => ratio.toFixed(2));
  const step = [tpotMs.p50, tpotMs.p99, e2eMs.p50, e2eMs.p99].map(ms);
  const label = `${name === BOUND ? "bound" : "clairvoyant"}: ${name}`;
  const cells = [label, ms(p50), ms(p95), ms(p99), ms(p999), ...ratios, "", ""];
  return engine === "slots" ? cells : [...cells, ...step, Number.isNaN(goodShare) ? "-" : percent(goodShare)];
}

function rowOf(router: RouterResult, compared: RouterResult | undefined, result: ScenarioResult): readonly string[] {
  const { ttftMs, tpotMs, e2eMs, ratioToBest, seeds, name } = router;
  const of = (read: (metrics: RunMetrics) => number): number => meanOverSeeds(router, read);
  const share = (read: (metrics: RunMetrics) => number): string => percent(of(read) / result.requests);
  const step = [tpotMs.p50, tpotMs.p99, e2eMs.p50, e2eMs.p99].map(ms);
  return [
    name,
    ms(ttftMs.p50),
    ms(ttftMs.p95),
    ms(ttftMs.p99),
    ms(ttftMs.p999),
    ratioToBest.p50.toFixed(2),
    ratioToBest.p99.toFixed(2),
    spread(seeds.map((seed) => seed.ratioToBest.p99)).toFixed(2),
    router === compared || compared === undefined ? "" : differenceText(p99Difference(router, compared)),
    ...(result.engine === "step" ? step : []),
    percent(of(({ goodShare }) => goodShare)),
    of(({ goodput }) => goodput).toFixed(1),
    share(({ shed }) => shed),
    share(({ failed, unfinished }) => failed + unfinished),
    of(({ coldHits }) => coldHits).toFixed(0),
    percent(of(({ crossRegion }) => crossRegion)),
    percent(of(({ wasted }) => wasted)),
    swingOf(of),
    isUnstable(router, result.best) ? "unstable" : "",
    ...faultCells(router),
  ];
}

/** By how much the p99 of the one is above the other's, seed by seed. */
export function p99Difference(router: RouterResult, other: RouterResult) {
  const p99s = ({ seeds }: RouterResult): readonly number[] => seeds.map(({ metrics }) => metrics.ttftMs.p99);
  return differenceOf(relativeTo(p99s(router), p99s(other)));
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
