/**
 * Reads charts from Workers Analytics Engine, by the SQL API of the account: where `ANALYTICS_ACCOUNT_ID` and the secret
 * `ANALYTICS_TOKEN` are bound. A part of the bundle that only the dashboard loads.
 */
import { callService } from "../../backends/egress.ts";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { secretIn } from "../wire/secrets.ts";
import { historySql, readHistory } from "./core/analytics-query.ts";
import type { AnalyticsAsked } from "./core/analytics-query.ts";
import type { HistoryPoint } from "./core/history-point.ts";

type Vars = Readonly<Record<string, unknown>>;
type Span = Omit<AnalyticsAsked, "dataset">;

/** Whoever waits for a chart waits no longer, ms. */
const ANSWER_TIMEOUT_MS = 8_000;
/** A thousand rows of some 1.5 KB. */
export const ANSWER_CHARS_MAX = 4_000_000;

const API = "https://api.cloudflare.com/client/v4";
const ACCOUNT = /^[0-9a-f]{32}$/;
const DATASET = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

/** Is it to be asked at all. */
export const hasAnalytics = (vars: Vars): boolean => textIn(vars, "ANALYTICS_ACCOUNT_ID") !== null;

/** The error says what to do. Never rejects. */
export async function analyticsHistory(vars: Vars, span: Span): Promise<Result<readonly HistoryPoint[], string>> {
  const account = textIn(vars, "ANALYTICS_ACCOUNT_ID") ?? "";
  const dataset = textIn(vars, "ANALYTICS_DATASET") ?? "warmpath_requests";
  const token = secretIn(vars, "ANALYTICS_TOKEN");
  if (!ACCOUNT.test(account)) return err("ANALYTICS_ACCOUNT_ID is not the 32 hex digits of an account");
  if (!DATASET.test(dataset)) return err("ANALYTICS_DATASET is no name of a dataset: letters, digits and underscores");
  if (token === null) {
    return err("the secret ANALYTICS_TOKEN is not set: a token of the account that may read Account Analytics");
  }
  const url = `${textIn(vars, "ANALYTICS_API") ?? API}/accounts/${account}/analytics_engine/sql`;
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const body = historySql({ dataset, ...span });
    const answer = await callService(url, token, { method: "POST", headers: {}, body, signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return err(`Analytics Engine answered ${answer.status}${HINTS[answer.status] ?? ""}`);
    }
    const text = await answer.text();
    const points = text.length > ANSWER_CHARS_MAX ? null : pointsIn(text);
    return points === null ? err("Analytics Engine's answer has another shape than was asked for") : ok(points);
  } catch {
    return err(`Analytics Engine gave no answer within ${ANSWER_TIMEOUT_MS} ms`);
  }
}

function pointsIn(text: string): readonly HistoryPoint[] | null {
  try {
    return readHistory(JSON.parse(text));
  } catch {
    return null;
  }
}

const HINTS: Readonly<Record<number, string>> = {
  400: ": it does not know the dataset until a first data point was written, or not the query",
  401: ": ANALYTICS_TOKEN is not good",
  403: ": ANALYTICS_TOKEN may not read Account Analytics of this account",
};

function textIn(vars: Vars, name: string): string | null {
  const value = vars[name];
  return typeof value === "string" && value !== "" ? value : null;
}
