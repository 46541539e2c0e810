/** The reference of what Workers Analytics Engine gets: the list of columns, as the SQL API names them. */
import { BLOBS, DOUBLES } from "../../src/sight/core/data-point.ts";
import { code, generatedFrom, page, table } from "./page.ts";

export const analyticsPage = {
  path: "docs/reference/analytics.md",
  source: "the list of a data point's columns",
  text: analyticsReference,
};

function analyticsReference(): string {
  const rows = (kind: string, columns: readonly (readonly [name: string, meaning: string, ...unknown[]])[]) =>
    columns.map(([name, meaning], index) => [code(`${kind}${index + 1}`), name, `${meaning}.`]);
  return page(
    "# Data points in Analytics Engine",
    generatedFrom("`src/sight/core/data-point.ts`"),
    "Where a dataset is bound as `ANALYTICS` in `wrangler.toml`, each request that has ended is one data point. The platform samples them: count with `SUM(_sample_interval)`. What is not known is an empty text or -1. `index1` is the tenant. Never a prompt, an answer or a key.",
    '```toml\n[[analytics_engine_datasets]]\nbinding = "ANALYTICS"\ndataset = "warmpath_requests"\n```',
    table(["column", "name", "meaning"], [...rows("blob", BLOBS), ...rows("double", DOUBLES)]),
    "Requests and their time to first token by pool, over the last hour:",
    "```sql\nSELECT blob2 AS pool, blob5 AS outcome, SUM(_sample_interval) AS requests,\n  quantileExactWeighted(0.95)(double2, _sample_interval) AS ttft_ms_p95\nFROM warmpath_requests\nWHERE timestamp > NOW() - INTERVAL '1' HOUR AND double2 >= 0\nGROUP BY pool, outcome\n```",
  );
}
