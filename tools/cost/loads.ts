/** The arrivals that a cost is asked for: of a rate, over the hours of a day in which there are any, or of a trace. */
import { drawExponential, drawLognormal, stream } from "../sim/chance.ts";
import type { TraceRow } from "../sim/trace.ts";
import type { Load } from "./fleet-cost.ts";

export type Traffic = {
  readonly perHour: number;
  /** Mean time that a request holds its slot, s. */
  readonly seconds: number;
  /** What is looked at, h. */
  readonly hours: number;
  /** Of each day, from its beginning, in which requests come, h: 24 for all of it. */
  readonly hoursActive: number;
};

/** Spread of service times: the long tail of answers, as the simulator has it. */
const SERVICE_SIGMA = 0.5;
const HOUR_MS = 3_600_000;
const HOURS_PER_DAY = 24;

/** Poisson arrivals. */
export function loadOfTraffic({ perHour, seconds, hours, hoursActive }: Traffic, seed: number): Load {
  const gaps = stream(seed, "arrivals");
  const services = stream(seed, "services");
  const arrivals: number[] = [];
  const horizonMs = hours * HOUR_MS;
  // Time runs only in active hours, and is laid over the days afterwards.
  const activeMs = hoursActive * HOUR_MS;
  for (let atMs = (drawExponential(gaps) / perHour) * HOUR_MS; ; atMs += (drawExponential(gaps) / perHour) * HOUR_MS) {
    const day = Math.floor(atMs / activeMs);
    const realMs = day * HOURS_PER_DAY * HOUR_MS + (atMs - day * activeMs);
    if (realMs >= horizonMs) break;
    arrivals.push(realMs);
  }
  const serviceMs = Float64Array.from(arrivals, () => seconds * 1_000 * drawLognormal(services, SERVICE_SIGMA));
  return { arrivalMs: Float64Array.from(arrivals), serviceMs, horizonMs };
}

/** `tokensPerS`: how fast one request's answer is written. */
export function loadOfTrace(rows: readonly TraceRow[], tokensPerS: number): Load {
  const arrivalMs = Float64Array.from(rows, ({ atMs }) => atMs);
  const serviceMs = Float64Array.from(rows, ({ outputTokens }) => (outputTokens / tokensPerS) * 1_000);
  const last = rows.reduce((latest, { atMs }, index) => Math.max(latest, atMs + (serviceMs[index] ?? 0)), 0);
  return { arrivalMs, serviceMs, horizonMs: last };
}
