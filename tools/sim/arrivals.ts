/**
 * When requests arrive and from which region.
 *
 * Model. A process of unit-mean gaps (exponential, or gamma for a chosen burstiness), divided by a rate that may follow
 * the time of day of each region, a two-state Markov chain of bursts, or a `burst` fault of some regions or all.
 * Regions are drawn with the weights of that moment.
 * Rejected: thinning for the varying rates, exact where a gap spans a change of rate; here a gap keeps the rate at its
 * start, which differs only by one gap per change.
 */
import { drawExponential, drawGamma, drawIndex, stream } from "./chance.ts";
import type { FaultWindow } from "./fault-windows.ts";
import type { Scenario } from "./scenario.ts";

export type ArrivalPlan = { readonly arrivalMs: Float64Array; readonly region: Uint8Array };

/** `perMs`: mean rate; `count` requests from time 0. */
export function planArrivals(
  scenario: Scenario,
  { perMs, count, seed, faults }: { perMs: number; count: number; seed: number; faults: readonly FaultWindow[] },
): ArrivalPlan {
  const arrivalMs = new Float64Array(count);
  const region = new Uint8Array(count);
  const gaps = stream(seed, "arrivals");
  const places = stream(seed, "regions");
  const { arrivals, demandByRegion } = scenario;
  const total = demandByRegion.reduce((sum, share) => sum + share, 0);
  const bursts = arrivals.kind === "bursts" ? burstPhases(arrivals, stream(seed, "bursts")) : null;
  const surges = faults.filter(({ fault }) => fault.kind === "burst");
  let now = 0;
  for (let index = 0; index < count; index += 1) {
    const weights = weightsAt(scenario, surges, now);
    const weight = weights.reduce((sum, one) => sum + one, 0);
    const factor = (bursts === null ? 1 : bursts(now)) * (weight / total);
    const gap = arrivals.kind === "gamma" ? drawGamma(gaps, arrivals.cv) : drawExponential(gaps);
    // A rate near 0 (the night of a single region) must not make one gap of a thousand days.
    now += gap / (perMs * Math.max(0.01, factor));
    arrivalMs[index] = now;
    region[index] = drawIndex(weights, places);
  }
  return { arrivalMs, region };
}

/** Each region's rate at `now`, in the unit of `demandByRegion`. */
function weightsAt(
  { arrivals, demandByRegion, regions }: Scenario,
  surges: readonly FaultWindow[],
  now: number,
): readonly number[] {
  const open = surges.filter(({ fromMs, toMs }) => now >= fromMs && now < toMs);
  if (arrivals.kind !== "diurnal" && open.length === 0) return demandByRegion;
  return demandByRegion.map((share, region) => {
    const phase = arrivals.kind === "diurnal" ? now / arrivals.periodMs + (regions[region]?.lon ?? 0) / 360 : 0;
    const day = arrivals.kind === "diurnal" ? 1 + arrivals.amplitude * Math.cos(2 * Math.PI * phase) : 1;
    const hits = open.filter(({ fault }) => fault.regions.length === 0 || fault.regions.includes(region));
    return hits.reduce((weight, { fault }) => weight * fault.factor, share * Math.max(0, day));
  });
}

type Bursts = { readonly factor: number; readonly share: number; readonly burstMs: number };

/** The rate's factor over time, mean 1: asked in order of time. */
function burstPhases({ factor, share, burstMs }: Bursts, rng: () => number): (now: number) => number {
  const calm = (1 - factor * share) / (1 - share);
  const calmMs = (burstMs * (1 - share)) / share;
  let inBurst = false;
  let untilMs = calmMs * drawExponential(rng);
  return (now) => {
    while (now >= untilMs) {
      inBurst = !inBurst;
      untilMs += (inBurst ? burstMs : calmMs) * drawExponential(rng);
    }
    return inBurst ? factor : calm;
  };
}
