/** Prints a run as tables in Markdown, with the published figures of others beside it. */
import type { Score, Seen, Verdict } from "./failover-score.ts";
import type { Scenario } from "./failover-scenarios.ts";

export type Cell = Score & { readonly scenario: Scenario; readonly seen: Seen };
export type Row =
  | { readonly client: string; readonly cells: readonly Cell[]; readonly tookMs: number }
  | { readonly client: string; readonly skipped: string };

const VERDICTS: readonly Verdict[] = ["pass", "partial", "safe", "fail"];

/** What each scored on 2026-09-12: results/full/SCORECARD.md at failoverbench 2948563. */
const PUBLISHED = [
  ["Portkey gateway", 11, 2, 0, 3],
  ["Bifrost 2.1.1", 9, 3, 3, 1],
  ["LiteLLM proxy", 9, 3, 4, 0],
  ["LangChain with fallbacks", 9, 3, 4, 0],
  ["the benchmark's own reference client", 16, 0, 0, 0],
  ["openai for Python, no gateway", 6, 0, 10, 0],
] as const;

const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;

export function scorecard(rows: readonly Row[]): string {
  const ran = rows.filter((row) => "cells" in row);
  const scenarios = ran[0]?.cells.map(({ scenario }) => scenario) ?? [];
  const lines = [
    line(["scenario", ...ran.map(({ client }) => client)]),
    line(["---", ...ran.map(() => "---")]),
    ...scenarios.map((scenario, at) => {
      const cells = ran.map((row) => row.cells[at]);
      return line([
        `${scenario.id} ${scenario.title}`,
        ...cells.map((cell) => (cell === undefined ? "" : cellText(cell))),
      ]);
    }),
  ];
  for (const row of rows) if ("skipped" in row) lines.push("", `${row.client}: skipped, ${row.skipped}`);
  return lines.join("\n");
}

function cellText({ verdict, missed, seen }: Cell): string {
  const first = seen.attempts.filter(({ endpoint }) => endpoint === "first");
  const gap = first.length > 1 ? [`gap ${((first[1]?.atS ?? 0) - (first[0]?.atS ?? 0)).toFixed(1)} s`] : [];
  const elapsedMs = Math.max(...seen.sent.map((one) => one.elapsedMs));
  const said = missed.length === 0 ? [] : [`not: ${missed.join(", ")}`];
  const counts = `${first.length}+${seen.attempts.length - first.length}`;
  return [`**${verdict}** ${counts}`, ...gap, `${(elapsedMs / 1_000).toFixed(1)} s`, ...said].join(" · ");
}

export function totals(rows: readonly Row[], ran: number): string {
  const counted = rows.flatMap((row) => {
    if (!("cells" in row)) return [];
    const counts = VERDICTS.map((verdict) => row.cells.filter((cell) => cell.verdict === verdict).length);
    return [line([`**Warmpath**, ${row.client}`, ...counts, `${Math.round(row.tookMs / 1_000)} s`])];
  });
  return [
    line([`${ran} scenarios`, ...VERDICTS, "took"]),
    line(["---", ...VERDICTS.map(() => "---"), "---"]),
    ...counted,
    ...PUBLISHED.map(([name, ...counts]) => line([`${name} (published 2026-09-12, all 16)`, ...counts, ""])),
  ].join("\n");
}

/** Of each cell that is no pass: the error that its caller saw, and what the endpoints did. */
export function details(rows: readonly Row[]): string {
  return rows
    .flatMap((row) => ("cells" in row ? row.cells.map((cell) => ({ client: row.client, cell })) : []))
    .filter(({ cell }) => cell.verdict !== "pass")
    .map(({ client, cell: { scenario, verdict, seen } }) => {
      const error = seen.sent.find((one) => one.error !== null)?.error ?? "none";
      const did = seen.attempts.map(({ endpoint, atS, did: what }) => `${atS.toFixed(2)} s ${endpoint} ${what}`);
      const shown = [...did.slice(0, 8), ...(did.length > 8 ? [`${did.length - 8} more`] : [])];
      return `${scenario.id} ${verdict}, ${client}\n  error: ${error}\n  attempts: ${shown.join("; ")}`;
    })
    .join("\n");
}
