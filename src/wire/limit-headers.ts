/**
 * Decides how limits are told to clients: as OpenAI's clients read them, and as the IETF's draft writes them.
 *
 * Source: docs/reference/sources.md, Rate limits. Both are for information: SDKs obey `Retry-After` alone.
 */
import type { Standing, StandingOf } from "../tenants/core/ledger-messages.ts";
import type { HeaderRecord } from "./headers.ts";

const WINDOW_S = 60;

export function addLimitHeaders(headers: HeaderRecord, { requests, tokens }: Standing): void {
  const policies: string[] = [];
  const limits: string[] = [];
  const add = (name: "requests" | "tokens", standing: StandingOf | undefined): void => {
    if (standing === undefined) return;
    const { limit, left, resetMs } = standing;
    headers[`x-ratelimit-limit-${name}`] = String(limit);
    headers[`x-ratelimit-remaining-${name}`] = String(left);
    headers[`x-ratelimit-reset-${name}`] = durationText(resetMs);
    policies.push(`"${name}";q=${limit};w=${WINDOW_S}${name === "tokens" ? ';qu="tokens"' : ""}`);
    limits.push(`"${name}";r=${left};t=${Math.ceil(resetMs / 1_000)}`);
  };
  add("requests", requests);
  add("tokens", tokens);
  if (policies.length === 0) return;
  headers["ratelimit-policy"] = policies.join(", ");
  headers["ratelimit"] = limits.join(", ");
}

/** As OpenAI writes them: `6m0s`, `1s`, `120ms`. */
function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
