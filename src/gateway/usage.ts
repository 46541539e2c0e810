/**
 * What a tenant has used, by day, key, model and outcome: for itself (`GET /v1/usage`) and for operators
 * (`GET /admin/usage?tenant=…`), as JSON or CSV.
 *
 * A part of the bundle. Days are those of UTC; a range is bounded, so that an answer is.
 */
import { callRegistry, hasRegistry } from "../access/registry-stub.ts";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { periodOf } from "../tenants/core/amounts.ts";
import { ledgerOf } from "../tenants/ledger-of.ts";
import type { UsageRow } from "../tenants/object/ledger-calls.ts";
import { csvOf } from "../wire/csv.ts";
import { dress } from "../wire/replies.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import { answerJson } from "./edge-request.ts";
import type { Authenticated } from "./edge-request.ts";

/** Days of one answer: a quarter. */
export const USAGE_RANGE_DAYS_MAX = 92;
/** Rows of one answer; more are refused, and a shorter range asked for. */
export const USAGE_ROWS_MAX = 50_000;
/** Ledgers asked for one answer, and at once. */
const TENANTS_MAX = 1_000;
const ASKED_AT_ONCE = 20;

const DAY_MS = 86_400_000;
const MICROS = 1_000_000;

type Range = { readonly from: string; readonly to: string };

type Row = UsageRow & { readonly tenant: string };

export async function ownUsage(edge: Authenticated): Promise<Answer> {
  return usageOf(edge, [edge.identity.tenant]);
}

/** Without `tenant` all that the config or the registry knows of. */
export async function usageForOperators(edge: Authenticated): Promise<Answer> {
  const tenant = new URLSearchParams(edge.query).get("tenant");
  if (tenant !== null) return usageOf(edge, [tenant]);
  const { keys, tenants, jwt } = edge.runtime.config;
  const elsewhere = hasRegistry(edge.env) ? await callRegistry(edge.env, "tenants", { limit: TENANTS_MAX + 1 }) : null;
  if (elsewhere?.ok === false) return { reason: "keys_unavailable" };
  const named = [keys.map((key) => key.tenant), [...tenants.keys()], jwt.flatMap((issuer) => issuer.tenants ?? [])];
  return usageOf(edge, [...new Set([...named.flat(), ...(elsewhere?.value ?? [])])].toSorted());
}

async function usageOf(edge: Authenticated, tenants: readonly string[]): Promise<Answer> {
  const params = new URLSearchParams(edge.query);
  const range = rangeOf(params, edge.startedAtMs);
  if (!range.ok) return range.error;
  const format = params.get("format") ?? "json";
  if (format !== "json" && format !== "csv") return invalid("format", "format must be json or csv.");
  if (tenants.length > TENANTS_MAX) return invalid("tenant", `There are more than ${TENANTS_MAX} tenants. Name one.`);
  const rows = await rowsOf(edge, tenants, { ...range.value, key: params.get("key") });
  if (rows === null) return { reason: "limits_unavailable" };
  if (rows.length > USAGE_ROWS_MAX)
    return invalid("from", `There are more than ${USAGE_ROWS_MAX} rows. Ask for fewer days.`);
  const { currency } = edge.runtime.config;
  if (format === "csv") return answerCsv(edge, rows, currency);
  return answerJson(edge, { object: "list", currency, ...range.value, data: rows.map(shown) });
}

/** Null: a ledger did not answer. What is not known is not told as nothing. */
async function rowsOf(
  { env }: Authenticated,
  tenants: readonly string[],
  asked: Range & { readonly key: string | null },
): Promise<readonly Row[] | null> {
  const rows: Row[] = [];
  for (let at = 0; at < tenants.length; at += ASKED_AT_ONCE) {
    try {
      const found = await Promise.all(
        tenants.slice(at, at + ASKED_AT_ONCE).map(async (tenant) => {
          const own = (await ledgerOf(env, tenant)?.usage(asked)) ?? [];
          return own.map((row) => ({ ...row, tenant }));
        }),
      );
      rows.push(...found.flat());
    } catch {
      return null;
    }
  }
  return rows;
}

/** Default: this month so far. */
function rangeOf(params: URLSearchParams, now: number): Result<Range, Refusal> {
  const today = periodOf(now);
  const from = params.get("from") ?? `${today.month}-01`;
  const to = params.get("to") ?? today.day;
  for (const [name, day] of Object.entries({ from, to }))
    if (!isDay(day)) return err(invalid(name, `${name} must be a day such as 2026-11-30.`));
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) return err(invalid("to", "to must not be before from."));
  if (days > USAGE_RANGE_DAYS_MAX)
    return err(invalid("from", `At most ${USAGE_RANGE_DAYS_MAX} days can be asked for at once.`));
  return ok({ from, to });
}

const isDay = (text: string): boolean => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(at) && periodOf(at).day === text;
};

const invalid = (param: string, detail: string): Refusal => ({ reason: "invalid_request", detail, param });

const shown = ({ tenant, day, key, model, outcome, requests, input, cached, output, micros, estimated }: Row) => ({
  tenant,
  day,
  key,
  model,
  outcome,
  requests,
  inputTokens: input,
  cachedTokens: cached,
  outputTokens: output,
  /** A decimal number as text: no float has every millionth. */
  cost: moneyText(micros),
  costMicros: micros,
  estimatedRequests: estimated,
});

const moneyText = (micros: number): string =>
  `${Math.floor(micros / MICROS)}.${String(micros % MICROS).padStart(6, "0")}`;

const COLUMNS = [
  "tenant",
  "day",
  "key",
  "model",
  "outcome",
  "requests",
  "inputTokens",
  "cachedTokens",
  "outputTokens",
  "cost",
  "estimatedRequests",
] as const;

function answerCsv({ requestId, runtime }: Authenticated, rows: readonly Row[], currency: string): Response {
  const lines = rows.map((row) => {
    const cells = shown(row);
    return [...COLUMNS.map((name) => cells[name]), currency];
  });
  const text = csvOf([[...COLUMNS, "currency"], ...lines]);
  const headers: HeaderRecord = {
    "content-type": "text/csv; charset=utf-8; header=present",
    "content-disposition": 'attachment; filename="usage.csv"',
    "x-content-type-options": "nosniff",
  };
  dress(headers, requestId, runtime.config);
  return new Response(text, { headers });
}
