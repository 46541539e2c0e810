/**
 * What a request costs, and what a tenant or a key may spend: the words that all of the limits are told in.
 *
 * Model. Whole numbers everywhere. Money is in micro-units of the config's currency (a millionth of a dollar), because
 * sums of floats drift and a bill may not. A limit that is absent is none.
 */

/** What is counted: requests, tokens (of the prompt and the answer), and money. */
export type Amount = { readonly requests: number; readonly tokens: number; readonly micros: number };

/** Bounds of one tenant, or of one key. Days and months are those of UTC. */
export type Limits = {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  /** Requests at once. */
  readonly concurrency?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly tokensPerMonth?: number | undefined;
  readonly microsPerDay?: number | undefined;
  readonly microsPerMonth?: number | undefined;
};

export type LimitName = keyof Limits;

/** Money per million tokens, and per answer that is asked for, in micro-units. */
export type Prices = {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly request?: number;
};

/** Tokens of one request. `cached` of `input` were in an endpoint's cache. */
export type Tokens = {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** Answers that it asks for, where each has a price. */
  readonly requests?: number;
};

/** As an operator writes them: units of the currency per million tokens. */
export type WrittenPrices = {
  readonly inputPerMTok: number;
  readonly cachedInputPerMTok?: number | undefined;
  readonly outputPerMTok: number;
  readonly perRequest?: number | undefined;
};

/** Micro-units in one unit of the currency. */
export const MICROS = 1_000_000;
const MILLION = 1_000_000;

const made = new WeakMap<WrittenPrices, Prices>();

/** Made once of each: the config lives as long as its isolate. */
export function pricesOf(written: WrittenPrices | undefined): Prices | null {
  if (written === undefined) return null;
  const known = made.get(written);
  if (known !== undefined) return known;
  const micros = (each: number): number => Math.round(each * MICROS);
  const { inputPerMTok, cachedInputPerMTok = inputPerMTok, outputPerMTok, perRequest } = written;
  const prices: Prices = {
    input: micros(inputPerMTok),
    cachedInput: micros(cachedInputPerMTok),
    output: micros(outputPerMTok),
    ...(perRequest === undefined ? {} : { request: micros(perRequest) }),
  };
  made.set(written, prices);
  return prices;
}

/** What tokens and answers cost, micro-units, rounded up once. Exact: no product here comes near 2^53 (prices are bounded). */
export function costOf({ input, cached, output, requests = 0 }: Tokens, prices: Prices | null): number {
  if (prices === null) return 0;
  const [fresh, known] = [Math.max(0, input - cached), Math.min(input, cached)];
  const whole = wholeOf(fresh, prices.input) + wholeOf(known, prices.cachedInput) + wholeOf(output, prices.output);
  const rest = restOf(fresh, prices.input) + restOf(known, prices.cachedInput) + restOf(output, prices.output);
  return requests * (prices.request ?? 0) + whole + Math.ceil(rest / MILLION);
}

const wholeOf = (tokens: number, price: number): number => Math.floor(tokens / MILLION) * price;
const restOf = (tokens: number, price: number): number => (tokens % MILLION) * price;

/** A day and a month of UTC, as an ISO date writes them. */
export type Period = { readonly day: string; readonly month: string };

const DAY_MS = 86_400_000;

/** By the civil calendar (Howard Hinnant's days_from_civil, backwards): no clock and no time zone is asked. */
export function periodOf(now: number): Period {
  const days = Math.floor(now / DAY_MS) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const inMonth = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`;
  return { month: inMonth, day: `${inMonth}-${String(day).padStart(2, "0")}` };
}

/** Until the next day of UTC begins, ms. */
export const msToNextDay = (now: number): number => DAY_MS - (now % DAY_MS);

/** Until the next month of UTC begins, ms. */
export function msToNextMonth(now: number): number {
  const { month } = periodOf(now);
  let at = now + msToNextDay(now);
  while (periodOf(at).month === month) at += DAY_MS;
  return at - now;
}
