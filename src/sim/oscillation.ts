/**
 * Does a router swing? The share of all in-flight that each endpoint holds, once a second, and what its spectrum says.
 *
 * Model. A router that herds makes a limit cycle: all go here, then all go there. In the share of one endpoint that is a
 * line in the spectrum; noise is spread. Reported: the variance of the share (mean over endpoints), and the largest part
 * of its power that one frequency holds, with that period. Source: issue's goal "no limit cycle"; discrete Fourier
 * transform over the first SPECTRUM_SAMPLES samples. Rejected: the autocorrelation, which a drift of the load also fills.
 */

/** Samples kept: more than an hour; later ones are not looked at. */
export const SAMPLES_MAX = 4_096;

/** Samples in the spectrum: periods from 2 s to 512 s. */
export const SPECTRUM_SAMPLES = 512;

export type Oscillation = {
  /** Variance of the share of in-flight, mean over endpoints. */
  readonly shareVariance: number;
  /** Largest share of the power at one frequency, 0..1, of the endpoint where it is largest; noise gives about 0.02. */
  readonly peakPower: number;
  /** Its period, s; 0 when there is none. */
  readonly peakPeriodS: number;
};

export class ShareSampler {
  readonly #endpoints: number;
  readonly #shares: number[] = [];

  constructor(endpoints: number) {
    this.#endpoints = endpoints;
  }

  sample(inFlight: Float64Array): void {
    if (this.#shares.length >= SAMPLES_MAX * this.#endpoints) return;
    let total = 0;
    for (const one of inFlight) total += one;
    // An idle second has no shares: it repeats what would be fair.
    for (const one of inFlight) this.#shares.push(total === 0 ? 1 / this.#endpoints : one / total);
  }

  read(): Oscillation {
    const samples = this.#shares.length / this.#endpoints;
    let variance = 0;
    let peak = { power: 0, periodS: 0 };
    for (let endpoint = 0; endpoint < this.#endpoints; endpoint += 1) {
      const series = Array.from({ length: samples }, (_, at) => this.#shares[at * this.#endpoints + endpoint] ?? 0);
      variance += varianceOf(series) / this.#endpoints;
      const found = spectrumPeak(series.slice(0, SPECTRUM_SAMPLES));
      if (found.power > peak.power) peak = found;
    }
    return { shareVariance: variance, peakPower: peak.power, peakPeriodS: peak.periodS };
  }
}

function varianceOf(series: readonly number[]): number {
  const mean = series.reduce((sum, one) => sum + one, 0) / Math.max(1, series.length);
  return series.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, series.length);
}

/** The strongest frequency of a series of one sample a second, and its share of the power without the mean. */
export function spectrumPeak(series: readonly number[]): { readonly power: number; readonly periodS: number } {
  // A quarter of the table must be a whole index: the sine is read from the cosine's.
  const count = series.length - (series.length % 4);
  const mean = series.reduce((sum, one) => sum + one, 0) / Math.max(1, series.length);
  const cosine = Float64Array.from({ length: count }, (_, at) => Math.cos((2 * Math.PI * at) / count));
  let total = 0;
  let best = 0;
  let bestBin = 0;
  for (let bin = 1; bin <= count / 2; bin += 1) {
    let real = 0;
    let imaginary = 0;
    for (let at = 0; at < count; at += 1) {
      const value = (series[at] ?? 0) - mean;
      real += value * (cosine[(at * bin) % count] ?? 0);
      imaginary += value * (cosine[(at * bin + 3 * (count >> 2)) % count] ?? 0);
    }
    const power = real * real + imaginary * imaginary;
    total += power;
    if (power > best) [best, bestBin] = [power, bin];
  }
  return total === 0 ? { power: 0, periodS: 0 } : { power: best / total, periodS: count / bestBin };
}
