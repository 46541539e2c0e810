/** Puts a limit that is reached into words: which one, whose, and when to come again. */
import { addLimitHeaders } from "../wire/limit-headers.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { LimitName } from "./core/amounts.ts";
import type { Refused } from "./core/ledger-messages.ts";

const MICROS = 1_000_000;

/** Options as the config has them. */
const OPTIONS: Readonly<Record<LimitName, string>> = {
  requestsPerMinute: "requestsPerMinute",
  tokensPerMinute: "tokensPerMinute",
  concurrency: "concurrency",
  tokensPerDay: "tokensPerDay",
  tokensPerMonth: "tokensPerMonth",
  microsPerDay: "spendPerDay",
  microsPerMonth: "spendPerMonth",
};

/** A day's and a month's end: asking again before is in vain. */
const QUOTAS: ReadonlySet<LimitName> = new Set<LimitName>([
  "tokensPerDay",
  "tokensPerMonth",
  "microsPerDay",
  "microsPerMonth",
]);

export function limitRefusal(refused: Refused): Refusal {
  const { limit, whose, most, retryAfterMs, waiting, isReserved, standing } = refused;
  const written: HeaderRecord = {};
  addLimitHeaders(written, standing);
  const headers = Object.entries(written);
  const whom = whose === "key" ? "This key" : "This key's tenant";
  const figure = limit.startsWith("micros") ? most / MICROS : most;
  const named = `${OPTIONS[limit]} (${figure})`;
  if (retryAfterMs === null) {
    const detail = `${whom} may never come to as much as this one request may: ${named}. Ask for fewer tokens.`;
    return { reason: "request_beyond_limit", detail, headers };
  }
  if (QUOTAS.has(limit) && isReserved === true) {
    const detail = `What ${whom.toLowerCase()} may still use (${named}) is reserved by its requests that run. Wait for the time in Retry-After.`;
    return { reason: "rate_limit_exceeded", detail, retryAfterMs, headers };
  }
  if (QUOTAS.has(limit)) {
    const period = limit.endsWith("Day") ? "day" : "month";
    const detail = `${whom} has used what it may in this ${period} of UTC: ${named}. It begins anew with the next ${period}.`;
    return { reason: "insufficient_quota", detail, headers };
  }
  const line = waiting === undefined ? "" : ` ${waiting} of its requests wait already.`;
  const detail = `${whom} sends more than its limit ${named}.${line} Wait for the time in Retry-After.`;
  return { reason: "rate_limit_exceeded", detail, retryAfterMs, headers };
}
