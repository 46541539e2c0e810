/** The reference of what Workers Analytics Engine gets: the list of columns, as the SQL API names them. */
import { BLOB_CHARS_MAX, BLOBS, BLOBS_BYTES_MAX, DOUBLES } from "../../src/sight/core/data-point.ts";
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
    `A point with more than 20 blobs or doubles, ${BLOBS_BYTES_MAX.toLocaleString("en")} bytes of blobs, or 96 bytes of index is refused by the platform: names beyond ${BLOB_CHARS_MAX} characters are cut, so that none ever is.`,
    "## Charts from it",
    "The dashboard's charts are drawn of the data points where the account's SQL API may be asked; what they do not have (in flight, capacity, queues, what guardrails let through) is the feed's. Without it, and when it does not answer, the feed's own minutes serve.",
    table(
      ["variable", "what"],
      [
        [code("ANALYTICS_ACCOUNT_ID"), "the account's 32 hex digits; without it nothing is asked"],
        [code("ANALYTICS_TOKEN"), "a secret: a token with the permission Account Analytics, Read"],
        [code("ANALYTICS_DATASET"), "the dataset's name; default `warmpath_requests`"],
        [code("ANALYTICS_API"), "where the API is; default `https://api.cloudflare.com/client/v4`"],
      ],
    ),
    "The query uses only what the engine documents, and is tried against an API of our own that follows its documentation; ClickHouse itself gives the same figures (by hand, chdb 4.4). Cloudflare's was never asked.",
    "## Ask it yourself",
    "Requests and their time to first token by pool, over the last hour:",
    "```sql\nSELECT blob2 AS pool, blob5 AS outcome, SUM(_sample_interval) AS requests,\n  quantileExactWeighted(0.95)(double2, _sample_interval) AS ttft_ms_p95\nFROM warmpath_requests\nWHERE timestamp > NOW() - INTERVAL '1' HOUR AND double2 >= 0\nGROUP BY pool, outcome\n```",
  );
}
