/**
 * What each part of the production core is worth: the core without it, as a ratio to the whole core.
 *
 * Model. All variants of a seed meet the same requests, so ratios are paired: beside the ratio of the pooled p99 stands
 * how much the seeds' own differ, with their spread: a part is worth something where that is above 0 and no `~` before
 * it.
 */
import type { RouterResult, ScenarioResult } from "../run.ts";
import { differenceText, type Difference } from "./difference.ts";
import { aligned, meanOverSeeds, p99Difference } from "./table.ts";

/** The name of the whole core among the routers of an ablation. */
export const WHOLE = "whole core";

const COLUMNS = [
  "without",
  "p50 x",
  "p99 x",
  "p99 to whole",
  "p50 ms",
  "p99 ms",
  "failed %",
  "shed %",
  "away %",
] as const;

export type AblationRow = {
  readonly without: string;
  readonly ttftMs: { readonly p50: number; readonly p99: number };
  /** To the whole core. */
  readonly ratio: { readonly p50: number; readonly p99: number };
  /** Standard deviation of the seeds' p99 ratios; null of a single one. */
  readonly spread: number | null;
  /** Of the p99 to the whole core's, seed by seed. */
  readonly difference: Difference;
  /** Shares of all requests, 0..1. */
  readonly failed: number;
  readonly shed: number;
  /** Share of the served ones, 0..1. */
  readonly crossRegion: number;
};

/** One row a variant, the whole core first; the result must hold a router named WHOLE. */
export function ablationRows(result: ScenarioResult): readonly AblationRow[] {
  const whole = result.routers.find(({ name }) => name === WHOLE);
  return whole === undefined ? [] : result.routers.map((router) => rowOf(router, whole, result.requests));
}

function rowOf(router: RouterResult, whole: RouterResult, requests: number): AblationRow {
  const { p50, p99 } = router.ttftMs;
  const difference = p99Difference(router, whole);
  return {
    without: router.name,
    ttftMs: { p50, p99 },
    ratio: { p50: p50 / whole.ttftMs.p50, p99: p99 / whole.ttftMs.p99 },
    spread: Number.isNaN(difference.spread) ? null : difference.spread,
    difference,
    failed: meanOverSeeds(router, (one) => one.failed + one.unfinished) / requests,
    shed: meanOverSeeds(router, (one) => one.shed) / requests,
    crossRegion: meanOverSeeds(router, (one) => one.crossRegion),
  };
}

export function ablationTable(result: ScenarioResult): string {
  const rows = ablationRows(result).map((row) => [
    row.without,
    row.ratio.p50.toFixed(2),
    row.ratio.p99.toFixed(2),
    row.without === WHOLE ? "" : differenceText(row.difference),
    row.ttftMs.p50.toFixed(0),
    row.ttftMs.p99.toFixed(0),
    percent(row.failed),
    percent(row.shed),
    percent(row.crossRegion),
  ]);
  const head = `${result.name} at load ${result.load}: ${result.seeds} seeds x ${result.requests} requests from seed ${result.seed}`;
  return `${head}\n${aligned([[...COLUMNS], ...rows])}\n`;
}

export function ablationJson(results: readonly ScenarioResult[]): string {
  const ablation = results.map((result) => {
    const { name, load, seeds, seed, requests } = result;
    return { name, load, seeds, seed, requests, rows: ablationRows(result) };
  });
  return `${JSON.stringify({ ablation }, null, 2)}\n`;
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}
