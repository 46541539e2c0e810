/**
 * What the config says of limits, as they are counted: money in whole micro-units. Made once of each: the config
 * lives as long as its isolate.
 */
import type { KeyLimits, TenantLimits } from "../config/limits-schema.ts";
import { MICROS } from "./core/amounts.ts";
import type { Limits } from "./core/amounts.ts";

const bounds = new WeakMap<KeyLimits | TenantLimits, Limits>();

export function boundsOf(raw: KeyLimits | TenantLimits): Limits {
  const known = bounds.get(raw);
  if (known !== undefined) return known;
  const { requestsPerMinute, tokensPerMinute, concurrency, tokensPerDay, tokensPerMonth, spendPerDay, spendPerMonth } =
    raw;
  const made = {
    requestsPerMinute,
    tokensPerMinute,
    concurrency,
    tokensPerDay,
    tokensPerMonth,
    microsPerDay: spendPerDay === undefined ? undefined : Math.round(spendPerDay * MICROS),
    microsPerMonth: spendPerMonth === undefined ? undefined : Math.round(spendPerMonth * MICROS),
  };
  bounds.set(raw, made);
  return made;
}
