/** Where the limits of a minute stand, with what is lent to whoever tells it. */
import type { Standing, StandingOf } from "./ledger-messages.ts";

const NONE: Standing = {};

export function standingWith({ requests, tokens }: Standing, moreRequests: number, moreTokens: number): Standing {
  if (requests === undefined && tokens === undefined) return NONE;
  const told: { requests?: StandingOf; tokens?: StandingOf } = {};
  if (requests !== undefined) told.requests = withMore(requests, moreRequests);
  if (tokens !== undefined) told.tokens = withMore(tokens, moreTokens);
  return told;
}

const withMore = ({ limit, left, resetMs }: StandingOf, more: number): StandingOf => ({
  limit,
  left: Math.min(limit, left + more),
  resetMs,
});
