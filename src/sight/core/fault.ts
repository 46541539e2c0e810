/**
 * Decides which requests count as failed: those that have no answer though their client did nothing wrong. The share of
 * them is that of failed and served ones together.
 *
 * Model. By the outcome, but for what a tenant's own limits refuse: those are shed to keep them, as they were asked to be,
 * and a tenant at its limit is no fault of the fleet. What a full fleet sheds is one.
 */

export const FAILED_OUTCOMES = ["upstream_failed", "no_endpoint", "expired", "shed"] as const;

/** Reasons of outcomes among these that are the client's own. */
export const OWN_LIMITS = ["rate_limited", "rate_limit_exceeded", "insufficient_quota"] as const;

const FAILED: ReadonlySet<string> = new Set(FAILED_OUTCOMES);
const OWN: ReadonlySet<string> = new Set(OWN_LIMITS);

/** `reason`: empty where there is none. */
export const isFailed = (outcome: string, reason: string): boolean => FAILED.has(outcome) && !OWN.has(reason);
