/**
 * What `npm run eval:rails` prints: a table of the figures, and on request what the rails got wrong.
 *
 * Model. Figures have three decimals, because the aims are like 0.99, and their 95 % intervals behind them, because 80
 * rows cannot show an aim of 0.99. Texts are cut around the mistake, with every invisible character written as its
 * number: a text of an attack must not reach the terminal as it is.
 */
import type { EvalResult, Mistake, TypeRates } from "./eval-judge.ts";
import type { Interval, RateIntervals, Rates } from "./eval-rates.ts";

/** UTF-16 units of a text that are shown: two lines of a terminal. */
export const EXCERPT_CHARS_MAX = 200;

/** The same of one span. */
export const SPAN_CHARS_MAX = 80;

/** Spans of one row that are listed. */
export const SPANS_SHOWN_MAX = 10;

/** Rows of one set that are listed: more are read in the set itself. */
export const MISTAKES_SHOWN_MAX = 1000;

const HEAD = ["rail.set", "rows", "to find", "precision", "recall", "F1", "false positives"] as const;

export function tableOf(results: readonly EvalResult[]): string {
  const rows = [HEAD, ...results.flatMap(rowsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return `${lines.map((line) => `${line.trimEnd()}\n`).join("")}
Intervals: Wilson, 95 %. "to find": texts, or spans where types are listed; a span counts if its range and type are the same,
in the row "by overlap" if the ranges share a character. False positives: share of the texts without anything to find.
`;
}

type Row = readonly string[];

function rowsOf(result: EvalResult): Row[] {
  const { rail, set, n, positives, intervals, byType, overlap, fpr, wrongPer100Kb } = result;
  const counts = [String(n), String(positives)];
  // A set of harmless texts: what counts is how much of them would be cut out.
  const wrong = positives > 0 || wrongPer100Kb === null ? "" : `; ${wrongPer100Kb.toFixed(3)} per 100 KB`;
  const falsePositives = `${withInterval(fpr, intervals.fpr)}${wrong}`;
  const rows: Row[] = [[`${rail}.${set}`, ...counts, ...rates(result, intervals), falsePositives]];
  for (const [type, typeRates] of Object.entries(byType ?? {})) rows.push(typeRow(type, typeRates));
  if (overlap !== undefined && positives > 0) rows.push(["  by overlap", "", "", ...rates(overlap, overlap.intervals)]);
  return rows;
}

function typeRow(type: string, { n, precision, recall, f1 }: TypeRates): Row {
  return [`  ${visible(type)}`, "", String(n), ...[precision, recall, f1].map((rate) => withInterval(rate, null))];
}

function rates({ precision, recall, f1 }: Rates, intervals: RateIntervals): string[] {
  return [
    withInterval(precision, intervals.precision),
    withInterval(recall, intervals.recall),
    withInterval(f1, intervals.f1),
  ];
}

function withInterval(rate: number | null, interval: Interval | null): string {
  if (rate === null) return "-";
  return interval === null
    ? rate.toFixed(3)
    : `${rate.toFixed(3)} (${interval[0].toFixed(3)}-${interval[1].toFixed(3)})`;
}

/** What a rail got wrong in one file. */
export function mistakesOf(file: string, mistakes: readonly Mistake[]): string {
  const shown = mistakes.slice(0, MISTAKES_SHOWN_MAX);
  const rest = mistakes.length - shown.length;
  return [
    ...shown.map((mistake) => mistakeOf(file, mistake)),
    ...(rest > 0 ? [`${file}: ${rest} more rows\n`] : []),
  ].join("");
}

function mistakeOf(file: string, { line, text, missed, wrong, verdict }: Mistake): string {
  const first = Math.min(...[...missed, ...wrong].map(({ start }) => start));
  const expected = listOf(text, missed) || (verdict?.isPositive === true ? "something" : "nothing");
  const reasons = verdict?.reasons.join(" ") ?? "";
  const found = [reasons, listOf(text, wrong)].filter((part) => part !== "").join(" ") || "nothing";
  const excerpt = excerptOf(text, Number.isFinite(first) ? first : 0);
  const more = verdict === null ? " more" : "";
  return `${file}:${line}: ${excerpt}\n  expected${more}: ${expected}\n  found${more}: ${found}\n`;
}

type Place = { readonly start: number; readonly end: number; readonly type: string };

function listOf(text: string, spans: readonly Place[]): string {
  const shown = spans.slice(0, SPANS_SHOWN_MAX).map(({ start, end, type }) => {
    const written = text.slice(start, Math.min(end, start + SPAN_CHARS_MAX));
    return `${visible(type)} ${start}-${end} "${visible(written)}${end - start > SPAN_CHARS_MAX ? "…" : ""}"`;
  });
  const rest = spans.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(", ");
}

/** At most EXCERPT_CHARS_MAX units of the text, a quarter of them before `at`. */
function excerptOf(text: string, at: number): string {
  const latest = Math.max(0, text.length - EXCERPT_CHARS_MAX);
  const from = Math.min(latest, Math.max(0, at - EXCERPT_CHARS_MAX / 4));
  const to = Math.min(text.length, from + EXCERPT_CHARS_MAX);
  return `${from > 0 ? "…" : ""}${visible(text.slice(from, to))}${to < text.length ? "…" : ""}`;
}

/** Controls, invisible characters, halves of a pair and unusual spaces as `\u{…}`. */
function visible(text: string): string {
  return text.replace(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu, (char) => {
    if (char === " ") return char;
    return char === "\n" ? "\\n" : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
