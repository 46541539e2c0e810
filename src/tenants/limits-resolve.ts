/**
 * What the config says of limits and prices, as they are counted: money in whole micro-units. Made once of each: the config
 * lives as long as its isolate.
 */
import type { KeyLimits, PoolPrices, TenantLimits } from "../config/limits-schema.ts";
import type { Limits, Prices } from "./core/amounts.ts";

const MICROS = 1_000_000;

const bounds = new WeakMap<KeyLimits | TenantLimits, Limits>();
const prices = new WeakMap<PoolPrices, Prices>();

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

export function pricesOf(raw: PoolPrices | undefined): Prices | null {
  if (raw === undefined) return null;
  const known = prices.get(raw);
  if (known !== undefined) return known;
  const micros = (each: number): number => Math.round(each * MICROS);
  const { inputPerMTok, cachedInputPerMTok = inputPerMTok, outputPerMTok } = raw;
  const made = { input: micros(inputPerMTok), cachedInput: micros(cachedInputPerMTok), output: micros(outputPerMTok) };
  prices.set(raw, made);
  return made;
}
