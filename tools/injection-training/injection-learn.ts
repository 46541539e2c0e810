/**
 * Decides the weights of the injection model.
 *
 * Model. Logistic regression over hashed features, by
 * FTRL-Proximal. A text is as suspicious as its worst window, in training
 * as in use: a step takes the window that has the highest score at that moment and moves only its features. So a long
 * attack may have harmless windows, and a harmless text none that looks like an attack. A feature has no weight until
 * it has pulled one way for a while, which keeps names and topics of the training texts out and the table small. Same
 * examples, same order, same weights.
 * Source: McMahan et al. 2013 (FTRL-Proximal); multiple-instance learning by the maximum, Andrews et al. 2003.
 * Rejected: training on whole texts, whose weights then mean little in a window.
 */
import { FEATURES, scanText } from "../../src/rails/detectors/injection/injection-scan.ts";
import { CHUNK_ODDS_MIN, WINDOW_CHUNKS } from "../../src/rails/detectors/injection/injection-model.ts";
import type { Rng } from "../../src/lib/rng.ts";
import { shuffle } from "./injection-synthesis.ts";
import type { Example } from "./injection-synthesis.ts";

export type Learned = { readonly weights: Float64Array; readonly bias: number };

export type LearnOptions = {
  readonly rng: Rng;
  readonly epochs: number;
  /** Step before anything was seen. */
  readonly rate: number;
  /** Pull that a feature needs before it has a weight at all (L1), and the pull of every weight to zero (L2). */
  readonly sparsity: number;
  readonly decay: number;
  /** How much more a step counts, by the example's set, and for a set that is not named. */
  readonly setWeights: Readonly<Record<string, number>>;
  readonly setWeightOtherwise: number;
  /** Harmless texts count this much more: a false alarm costs more than a miss. */
  readonly benignWeight: number;
};

export type Chunks = readonly Uint32Array[];

export function chunksOf(text: string): Chunks {
  const chunks: Uint32Array[] = [];
  scanText(text, (buffer, count) => {
    chunks.push(buffer.slice(0, count));
  });
  return chunks;
}

/** The highest log odds of the text's windows, and where that window begins and ends. */
export function worstWindow(chunks: Chunks, learned: Learned): { odds: number; from: number; to: number } {
  const sums = chunks.map((chunk) => Math.max(CHUNK_ODDS_MIN, sumOf(chunk, learned)));
  let worst = { odds: learned.bias, from: 0, to: 0 };
  let odds = learned.bias;
  for (const [at, sum] of sums.entries()) {
    odds += sum - (sums[at - WINDOW_CHUNKS] ?? 0);
    if (at === 0 || odds > worst.odds) worst = { odds, from: Math.max(0, at + 1 - WINDOW_CHUNKS), to: at + 1 };
  }
  return worst;
}

function sumOf(chunk: Uint32Array, { weights }: Learned): number {
  let sum = 0;
  for (const feature of chunk) sum += weights[feature] ?? 0;
  return sum;
}

export function learn(examples: readonly Example[], options: LearnOptions): Learned {
  const items = examples.map((example) => ({ ...example, chunks: chunksOf(example.text) }));
  const weights = new Float64Array(FEATURES);
  const pulls = new Float64Array(FEATURES);
  const squares = new Float64Array(FEATURES);
  const learned = { weights, bias: 0 };
  let biasSquares = 1;
  for (let epoch = 0; epoch < options.epochs; epoch += 1) {
    for (const { chunks, label, set } of shuffle(items, options.rng)) {
      const { odds, from, to } = worstWindow(chunks, learned);
      const cost = (options.setWeights[set] ?? options.setWeightOtherwise) * (label === 0 ? options.benignWeight : 1);
      const gradient = cost * (1 / (1 + Math.exp(-odds)) - label);
      if (Math.abs(gradient) < 1e-3) continue;
      for (const chunk of chunks.slice(from, to)) {
        // A chunk at its bound would not change the score by going further down.
        if (gradient > 0 && sumOf(chunk, learned) < CHUNK_ODDS_MIN) continue;
        for (const feature of chunk) {
          const before = squares[feature] ?? 0;
          const after = before + gradient * gradient;
          const sigma = (Math.sqrt(after) - Math.sqrt(before)) / options.rate;
          const pull = (pulls[feature] ?? 0) + gradient - sigma * (weights[feature] ?? 0);
          squares[feature] = after;
          pulls[feature] = pull;
          const excess = Math.abs(pull) - options.sparsity;
          weights[feature] =
            excess <= 0 ? 0 : (-Math.sign(pull) * excess) / ((1 + Math.sqrt(after)) / options.rate + options.decay);
        }
      }
      biasSquares += gradient * gradient;
      learned.bias -= (options.rate * gradient) / Math.sqrt(biasSquares);
    }
  }
  return learned;
}
