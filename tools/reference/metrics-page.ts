/** The reference of metrics: the names' file, as Prometheus gets them. */
import { COUNTED, NOW, OWN } from "../../src/sight/core/metric-names.ts";
import type { Metric } from "../../src/sight/core/metric-names.ts";
import { COUNTER_SERIES_MAX, HISTOGRAM_SERIES_MAX } from "../../src/sight/core/tally.ts";
import { code, generatedFrom, page, table } from "./page.ts";

export const metricsPage = {
  path: "docs/reference/metrics.md",
  source: "the file of metrics' names",
  text: metricsReference,
};

function metricsReference(): string {
  const histograms = Object.values<Metric>(COUNTED).filter(({ bucketsS }) => bucketsS !== undefined);
  return page(
    "# Metrics",
    generatedFrom("`src/sight/core/metric-names.ts`"),
    "`GET /metrics`, with a key that has the scope `admin`: Prometheus' text format 0.0.4, or OpenMetrics 1.0 where `Accept` asks for it first. Times are in seconds. A label without a value is left out. [How to scrape it](../how-to/prometheus-and-grafana.md); [why it is counted this way](../decisions/0022-one-object-adds-up.md).",
    "## Counted over all isolates",
    `Sums since the feed was made, over restarts of anything. Every request that has ended is in one series of \`warmpath_requests_total\` and in one of \`warmpath_tenant_requests_total\`. A counter has at most ${COUNTER_SERIES_MAX.toLocaleString("en")} series and a histogram ${HISTOGRAM_SERIES_MAX}; what is beyond is added to the series whose labels are all \`other\`, and counted in \`warmpath_feed_series_overflow_total\`. Absent where the deployment binds no \`FLEET_FEED\`.`,
    rows(COUNTED),
    "## Buckets",
    table(
      ["histogram", "upper bounds, s"],
      histograms.map(({ name, bucketsS = [] }) => [code(name), bucketsS.join(", ")]),
    ),
    "## The feed itself",
    rows(OWN),
    "## Asked for at each scrape",
    "Of every shard and every job queue, each of which has three seconds to answer.",
    rows(NOW),
  );
}

const rows = (metrics: Readonly<Record<string, Metric>>): string =>
  table(
    ["metric", "type", "labels", "meaning"],
    Object.values(metrics).map(({ name, kind, labels, help }) => [
      code(name),
      kind,
      labels.map(code).join(", "),
      `${help}.`,
    ]),
  );
