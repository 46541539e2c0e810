/**
 * Decides how limits are told to clients: as OpenAI's clients read them, and as the IETF's draft writes them.
 *
 * Source: docs/reference/sources.md, Rate limits. Both are for information: SDKs obey `Retry-After` alone.
 */
import type { Standing } from "../tenants/core/ledger-messages.ts";
import type { HeaderRecord } from "./headers.ts";

const WINDOW_S = 60;

export function addLimitHeaders(headers: HeaderRecord, { requests, tokens }: Standing): void {
  if (requests === undefined && tokens === undefined) return;
  let left = "";
  if (requests !== undefined) {
    headers["x-ratelimit-limit-requests"] = String(requests.limit);
    headers["x-ratelimit-remaining-requests"] = String(requests.left);
    headers["x-ratelimit-reset-requests"] = durationText(requests.resetMs);
    left = `"requests";r=${requests.left};t=${Math.ceil(requests.resetMs / 1_000)}`;
  }
  if (tokens !== undefined) {
    headers["x-ratelimit-limit-tokens"] = String(tokens.limit);
    headers["x-ratelimit-remaining-tokens"] = String(tokens.left);
    headers["x-ratelimit-reset-tokens"] = durationText(tokens.resetMs);
    left += `${left === "" ? "" : ", "}"tokens";r=${tokens.left};t=${Math.ceil(tokens.resetMs / 1_000)}`;
  }
  headers["ratelimit-policy"] = policyText(requests?.limit ?? null, tokens?.limit ?? null);
  headers["ratelimit"] = left;
}

/** Limits change with the config or a key, so the last text is nearly always the next one. */
let lastPolicy: { readonly requests: number | null; readonly tokens: number | null; readonly text: string } | null =
  null;

function policyText(requests: number | null, tokens: number | null): string {
  if (lastPolicy?.requests === requests && lastPolicy.tokens === tokens) return lastPolicy.text;
  const named = [
    ...(requests === null ? [] : [`"requests";q=${requests};w=${WINDOW_S}`]),
    ...(tokens === null ? [] : [`"tokens";q=${tokens};w=${WINDOW_S};qu="tokens"`]),
  ];
  lastPolicy = { requests, tokens, text: named.join(", ") };
  return lastPolicy.text;
}

/** As OpenAI writes them: `6m0s`, `1s`, `120ms`. */
function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
