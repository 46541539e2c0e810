/**
 * `/metrics` as a foreign parser reads it. Of a histogram with labels it keeps one series, so its samples are read as those
 * of metrics without a type.
 */
import parse from "parse-prometheus-text-format";

type Labels = Readonly<Record<string, string>>;
type Sample = ReturnType<typeof parse>[number]["metrics"][number];

export type Metrics = {
  readonly names: readonly string[];
  /** Sums of a counter or a gauge over all series that have these labels, by the values of other ones. */
  sums(name: string, by?: readonly string[], where?: Labels): Readonly<Record<string, number>>;
};

export function readMetrics(text: string): Metrics {
  // A name comes back with each series of a histogram: its samples are in turn.
  const families = new Map<string, Sample[]>();
  for (const { name, metrics } of parse(text.replaceAll(/^# TYPE \w+ histogram\n/gm, ""))) {
    families.set(name, [...(families.get(name) ?? []), ...metrics]);
  }
  return {
    names: [...families.keys()],
    sums(name, by = [], where = {}) {
      const sums: Record<string, number> = {};
      for (const { labels = {}, value = "0" } of families.get(name) ?? []) {
        if (Object.entries(where).some(([label, wanted]) => labels[label] !== wanted)) continue;
        const key = by.map((label) => labels[label] ?? "").join(" ");
        sums[key] = (sums[key] ?? 0) + Number(value);
      }
      return sums;
    },
  };
}
