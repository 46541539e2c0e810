/** `/metrics` as a foreign parser reads it. */
import parse from "parse-prometheus-text-format";

export type Labels = Readonly<Record<string, string>>;

export type Metrics = {
  readonly names: readonly string[];
  /** Sums of a counter or a gauge over all series that have these labels, by the values of other ones. */
  sums(name: string, by?: readonly string[], where?: Labels): Readonly<Record<string, number>>;
  /** Samples of a histogram, over all its series. */
  count(name: string): number;
};

export function readMetrics(text: string): Metrics {
  const families = new Map(parse(text).map((family) => [family.name, family]));
  return {
    names: [...families.keys()],
    sums(name, by = [], where = {}) {
      const sums: Record<string, number> = {};
      for (const { labels = {}, value = "0" } of families.get(name)?.metrics ?? []) {
        if (Object.entries(where).some(([label, wanted]) => labels[label] !== wanted)) continue;
        const key = by.map((label) => labels[label] ?? "").join(" ");
        sums[key] = (sums[key] ?? 0) + Number(value);
      }
      return sums;
    },
    count: (name) => (families.get(name)?.metrics ?? []).reduce((sum, { count = "0" }) => sum + Number(count), 0),
  };
}
