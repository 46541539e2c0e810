/**
 * Decides how metrics are written for a scraper: Prometheus' text format 0.0.4, and OpenMetrics 1.0 for who asks for it.
 *
 * Model. A family is a metric and its series; families come in the order of the names' file, series in that of their
 * labels, so that two scrapes can be compared line by line. A counter without a series is told by its words alone: what
 * was never counted is absent, not 0. Buckets are added up here, and ms become seconds.
 */
import type { Metric } from "./metric-names.ts";

/** `values`: one, or a histogram's as in `tally.ts`. */
export type Series = { readonly labels: readonly string[]; readonly values: readonly number[] };

export type Family = { readonly metric: Metric; readonly series: readonly Series[] };

export type Format = "text" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** What the scraper asks for; Prometheus names both, the one it would rather have first. */
export function formatFor(accept: string | null): Format {
  const first = (accept ?? "").split(",")[0] ?? "";
  return first.trim().startsWith("application/openmetrics-text") ? "openmetrics" : "text";
}

export function expose(families: readonly Family[], format: Format): string {
  const end = format === "openmetrics" ? "# EOF\n" : "";
  return families.map((family) => familyText(family, format)).join("") + end;
}

function familyText({ metric, series }: Family, format: Format): string {
  const { name, kind, help } = metric;
  // OpenMetrics names the family of a counter without what each of its samples ends in.
  const told = format === "openmetrics" && kind === "counter" ? name.replace(/_total$/, "") : name;
  const lines = series.flatMap((one) =>
    kind === "histogram" ? histogramLines(metric, one, format) : [line(metric, one)],
  );
  return `# HELP ${told} ${help}.\n# TYPE ${told} ${kind}\n${lines.toSorted().join("")}`;
}

const line = (metric: Metric, { labels, values }: Series): string =>
  `${metric.name}${labelText(metric, labels)} ${(values[0] ?? 0) / (metric.perUnit ?? 1)}\n`;

/** One text for all lines of a series, because their order is part of the format. */
function histogramLines(metric: Metric, { labels, values }: Series, format: Format): readonly string[] {
  const { name, bucketsS = [] } = metric;
  const counts = values.slice(0, -1);
  const sumMs = values.at(-1) ?? 0;
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    const bound = bucketsS[index];
    const le = bound === undefined ? "+Inf" : boundText(bound, format);
    return `${name}_bucket${labelText(metric, labels, le)} ${below}\n`;
  });
  const own = labelText(metric, labels);
  return [`${buckets.join("")}${name}_sum${own} ${sumMs / 1_000}\n${name}_count${own} ${below}\n`];
}

/** OpenMetrics writes every bound as a fraction. */
const boundText = (bound: number, format: Format): string =>
  format === "openmetrics" && Number.isInteger(bound) ? `${bound}.0` : String(bound);

function labelText({ labels: names, fixed = {} }: Metric, values: readonly string[], le?: string): string {
  const pairs = names.map((name, index) => [name, values[index] ?? ""] as const);
  const told = [...pairs, ...Object.entries(fixed), ...(le === undefined ? [] : [["le", le] as const])];
  // A label without a value is the same to a scraper as none.
  const all = told.filter(([, value]) => value !== "");
  if (all.length === 0) return "";
  return `{${all.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

const escaped = (value: string): string => value.replaceAll(/[\\"\n]/g, (character) => ESCAPES[character] ?? "");
