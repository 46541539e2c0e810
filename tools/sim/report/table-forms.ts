/**
 * The tables of docs/explanation/routing.md as Markdown: one row a scenario and load, one column a policy.
 *
 * A `~` before a figure says that its p99 is no real difference from warmpath's (`difference.ts`).
 */
import { BOUND } from "../bounds/references.ts";
import type { RunMetrics } from "../metrics.ts";
import { isUnstable, type RouterResult, type ScenarioResult } from "../run.ts";
import { ablationRows, WHOLE } from "./ablation-table.ts";
import { differenceText, spread } from "./difference.ts";
import { COMPARED, meanOverSeeds, p99Difference } from "./table.ts";

/** p50 / p99 as ratios to the best known clairvoyant, ± between seeds, and the bracket of the p99. */
export function firstTokenForm(results: readonly ScenarioResult[]): string {
  const note =
    "TTFT: p50 / p99 to the best known clairvoyant, ± between seeds; `~`: p99 no real difference from warmpath's.";
  const bracket = ({ references, best }: ScenarioResult): string => {
    const bound = references.find(({ name }) => name === BOUND);
    return `${ms(bound?.ttftMs.p99)} – ${ms(best.ttftMs.p99)} (${best.name})`;
  };
  const cell = (router: RouterResult, result: ScenarioResult): string => {
    if (isUnstable(router, result.best)) return "unstable";
    const { p50, p99 } = router.ratioToBest;
    const deviation = spread(router.seeds.map((seed) => seed.ratioToBest.p99));
    return `${markOf(router, result)}${p50.toFixed(2)} / ${p99.toFixed(2)} ±${deviation.toFixed(2)}`;
  };
  return `${note}\n\n${markdown(results, cell, ["p99 of the optimum, ms", bracket])}`;
}

/** The p99 beside that of the best of the others, and who of them is better. */
export function againstForm(results: readonly ScenarioResult[]): string {
  const note =
    "TTFT: p50 / p99 to the best known clairvoyant; warmpath's p99 to that of the best other; all whose p99 is better.";
  const figures = ({ name, ratioToBest: { p50, p99 } }: RouterResult): string =>
    `${name} ${p50.toFixed(2)} / ${p99.toFixed(2)}`;
  const rows = results.map((result) => {
    const own = result.routers.find(({ name }) => name === COMPARED);
    const [best, ...others] = result.routers
      .filter((router) => router !== own)
      .toSorted((one, other) => one.ttftMs.p99 - other.ttftMs.p99);
    const scenario = `${result.name} ${result.load}`;
    if (own === undefined || best === undefined) return [scenario, "", "", "", ""];
    const better = [best, ...others].filter((other) => {
      const { isReal, mean } = p99Difference(own, other);
      return isReal && mean > 0;
    });
    const names = better.map(({ name }) => name).join(", ");
    const to = differenceText(p99Difference(own, best));
    return [scenario, figures(own), figures(best), to, names === "" ? "none" : names];
  });
  return `${note}\n\n${rowsOf([["scenario, load", "warmpath", "best other", "warmpath to it", "better"], ...rows])}`;
}

/** What comes after the first token. */
export function servedForm(results: readonly ScenarioResult[]): string {
  const note =
    "Good %: TTFT and time between tokens within the objective; then time between tokens p50, time to the last p50, ms.";
  const best = ({ best: { goodShare, tpotMs, e2eMs } }: ScenarioResult): string =>
    `${percent(goodShare)}; ${ms(tpotMs.p50)}, ${ms(e2eMs.p50)}`;
  const cell = (router: RouterResult): string =>
    `${percent(meanOverSeeds(router, (one) => one.goodShare))}; ${ms(router.tpotMs.p50)}, ${ms(router.e2eMs.p50)}`;
  return `${note}\n\n${markdown(results, cell, ["best known clairvoyant", best])}`;
}

/** One row a part, one column a scenario: p50 / p99 as ratios to the whole core. */
export function ablationForm(results: readonly ScenarioResult[]): string {
  const note = "p50 / p99 as ratios to the whole core; above 1 the part earns its place. `~`: p99 no real difference.";
  const tables = results.map((result) => ablationRows(result));
  const parts = (tables[0] ?? []).map(({ without }) => without).filter((name) => name !== WHOLE);
  const rows = parts.map((part) => [
    part,
    ...tables.map((table) => {
      const row = table.find(({ without }) => without === part);
      if (row === undefined) return "";
      const isSame = row.ratio.p50 === 1 && row.ratio.p99 === 1;
      const mark = row.difference.isReal ? "" : "~";
      return isSame ? "" : `${mark}${row.ratio.p50.toFixed(2)} / ${row.ratio.p99.toFixed(2)}`;
    }),
  ]);
  return `${note}\n\n${rowsOf([["without", ...results.map(({ name, load }) => `${name} ${load}`)], ...rows])}`;
}

/** Variance of an endpoint's share of in-flight, and how far its spectrum rises above noise. */
export function swingForm(results: readonly ScenarioResult[]): string {
  const cell = (router: RouterResult): string => {
    const of = (read: (metrics: RunMetrics) => number): number => meanOverSeeds(router, read);
    const variance = of(({ oscillation }) => oscillation.shareVariance);
    return `${variance.toPrecision(2)} / ${of(({ oscillation }) => oscillation.overNoise).toFixed(1)}`;
  };
  return `Variance of the share of in-flight / rise of its spectrum over noise.\n\n${markdown(results, cell)}`;
}

function markOf(router: RouterResult, { routers }: ScenarioResult): string {
  const compared = routers.find(({ name }) => name === COMPARED);
  if (compared === undefined || compared === router) return "";
  return p99Difference(router, compared).isReal ? "" : "~";
}

type Cell = (router: RouterResult, result: ScenarioResult) => string;

function markdown(
  results: readonly ScenarioResult[],
  cell: Cell,
  extra?: readonly [string, (result: ScenarioResult) => string],
): string {
  const names = (results[0]?.routers ?? []).map(({ name }) => name);
  const head = ["scenario, load", ...(extra === undefined ? [] : [extra[0]]), ...names];
  const rows = results.map((result) => [
    `${result.name} ${result.load}`,
    ...(extra === undefined ? [] : [extra[1](result)]),
    ...result.routers.map((router) => cell(router, result)),
  ]);
  return rowsOf([head, ...rows]);
}

function rowsOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function ms(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(0);
}

function percent(share: number): string {
  return Number.isNaN(share) ? "–" : (100 * share).toFixed(1);
}
