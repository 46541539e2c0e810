/**
 * Does a router swing? The share of all in-flight that each endpoint holds, once a second, and what its spectrum says.
 *
 * Model. A router that herds makes a limit cycle: all go here, then all go there. In the share of one endpoint that is
 * a line, or a hump, in the spectrum. Noise is not white here: a request that holds its slot for seconds is in many
 * samples, and a queue remembers for longer. But noise that only forgets, at whatever rates, has a spectrum that falls
 * with frequency, so a cycle is where it rises: the spectrum is compared with its best non-increasing fit. Reported:
 * the variance of the share (mean over endpoints), the largest part of its power that one frequency holds, with that
 * period, and how far the spectrum rises above the fit. Source: discrete Fourier transform; Welch's mean over segments;
 * a sum of decaying exponentials has a falling spectrum. Rejected: the autocorrelation, which a drift of the load also
 * fills; and noise with one memory (a first-order autoregression), above which exact least-in-flight rises ten times
 * without any cycle. Cycles of less than 2 s show at another period than their own.
 */

/** Samples kept: more than an hour; later ones are not looked at. */
const SAMPLES_MAX = 4_096;

/** Samples in each of the segments whose spectra are averaged: periods from 2 s to 64 s. */
export const SEGMENT_SAMPLES = 64;

/** Fewer segments than this say nothing: the mean of a few spectra is as rough as one. */
export const SEGMENTS_MIN = 8;

/** Samples in the spectrum: periods from 2 s to 512 s. */
const SPECTRUM_SAMPLES = 512;

export type Oscillation = {
  /** Variance of the share of in-flight, mean over endpoints. */
  readonly shareVariance: number;
  /** Largest share of the power at one frequency, 0..1, of the endpoint where it is largest; noise gives about 0.02. */
  readonly peakPower: number;
  /** Its period, s; 0 when there is none. */
  readonly peakPeriodS: number;
  /**
   * Largest ratio of the spectrum to its non-increasing fit, of the endpoint where it is largest. Noise of ten minutes
   * gives up to about 2; 0 when a run is too short to say.
   */
  readonly overNoise: number;
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
    let overNoise = 0;
    for (let endpoint = 0; endpoint < this.#endpoints; endpoint += 1) {
      const series = Array.from({ length: samples }, (_, at) => this.#shares[at * this.#endpoints + endpoint] ?? 0);
      variance += varianceOf(series) / this.#endpoints;
      const found = spectrumPeak(series.slice(0, SPECTRUM_SAMPLES));
      if (found.power > peak.power) peak = found;
      overNoise = Math.max(overNoise, riseOverNoise(series));
    }
    return { shareVariance: variance, peakPower: peak.power, peakPeriodS: peak.periodS, overNoise };
  }
}

function varianceOf(series: readonly number[]): number {
  const mean = series.reduce((sum, one) => sum + one, 0) / Math.max(1, series.length);
  return series.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, series.length);
}

/** The strongest frequency of a series of one sample a second, and its share of the power without the mean. */
export function spectrumPeak(series: readonly number[]): { readonly power: number; readonly periodS: number } {
  const powers = spectrumOf(series);
  const total = powers.reduce((sum, one) => sum + one, 0);
  const best = Math.max(0, ...powers);
  const bin = powers.indexOf(best) + 1;
  return total === 0 ? { power: 0, periodS: 0 } : { power: best / total, periodS: (4 * (series.length >> 2)) / bin };
}

/** How far the series' spectrum rises above one that only falls with frequency; 0 when the series is too short. */
export function riseOverNoise(series: readonly number[]): number {
  const segments = Math.floor(series.length / SEGMENT_SAMPLES);
  if (segments < SEGMENTS_MIN) return 0;
  const mean = Array.from({ length: SEGMENT_SAMPLES / 2 }, () => 0);
  for (let segment = 0; segment < segments; segment += 1) {
    const from = segment * SEGMENT_SAMPLES;
    const powers = spectrumOf(series.slice(from, from + SEGMENT_SAMPLES));
    for (const [index, power] of powers.entries()) mean[index] = (mean[index] ?? 0) + power;
  }
  const noise = fallingFit(mean);
  return mean.reduce((most, power, index) => Math.max(most, power === 0 ? 0 : power / (noise[index] ?? power)), 0);
}

/** The non-increasing least-squares fit, by pooling what rises. */
function fallingFit(values: readonly number[]): readonly number[] {
  const blocks: { mean: number; size: number }[] = [];
  for (const value of values) {
    let block = { mean: value, size: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.mean < block.mean; last = blocks.at(-1)) {
      const size = last.size + block.size;
      block = { mean: (last.mean * last.size + block.mean * block.size) / size, size };
      blocks.pop();
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ mean, size }) => Array.from({ length: size }, () => mean));
}

/** Power by frequency, without the mean: the first is one period in the whole series, the last one in two samples. */
function spectrumOf(series: readonly number[]): Float64Array {
  // A quarter of the table must be a whole index: the sine is read from the cosine's.
  const count = series.length - (series.length % 4);
  const mean = series.reduce((sum, one) => sum + one, 0) / Math.max(1, series.length);
  const cosine = Float64Array.from({ length: count }, (_, at) => Math.cos((2 * Math.PI * at) / count));
  return Float64Array.from({ length: count / 2 }, (_, index) => {
    let real = 0;
    let imaginary = 0;
    for (let at = 0; at < count; at += 1) {
      const value = (series[at] ?? 0) - mean;
      const turn = at * (index + 1);
      real += value * (cosine[turn % count] ?? 0);
      imaginary += value * (cosine[(turn + 3 * (count >> 2)) % count] ?? 0);
    }
    return real * real + imaginary * imaginary;
  });
}
