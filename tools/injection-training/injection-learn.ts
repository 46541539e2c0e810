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

/** A text that is learned from, as its chunks. `taught`: the chunks that are part of the attack; absent: all. */
export type Item = {
  readonly chunks: Chunks;
  readonly label: 0 | 1;
  readonly set: string;
  readonly taught?: readonly boolean[];
};

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
  /** Log odds from which a harmless text of the pool is worth learning from. */
  readonly hardOdds: number;
  /** Texts of the pool that are learned from at a time; the worst. */
  readonly hardMax: number;
};

export type Chunks = readonly Uint32Array[];

export function itemOf({ text, label, set, attack }: Example): Item {
  const taught: boolean[] = [];
  const chunks: Uint32Array[] = [];
  scanText(text, (buffer, count, start, end) => {
    chunks.push(buffer.slice(0, count));
    if (attack !== undefined) taught.push(start < attack.end && end > attack.start);
  });
  return attack === undefined ? { chunks, label, set } : { chunks, label, set, taught };
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

/**
 * `pool`: harmless texts, far more than can be learned from. Before each epoch those are looked for that the model is
 * still wrong about, or nearly, and only they are learned from. `base`: what is known already; learned is then what has
 * to differ, and features that need not keep their weights.
 */
export function learn(items: readonly Item[], pool: readonly Item[], options: LearnOptions, base?: Learned): Learned {
  const learned = { weights: base?.weights.slice() ?? new Float64Array(FEATURES), bias: base?.bias ?? 0 };
  const state: State = {
    base: base?.weights ?? new Float64Array(FEATURES),
    pulls: new Float64Array(FEATURES),
    squares: new Float64Array(FEATURES),
    biasSquares: 1,
  };
  for (let epoch = 0; epoch < options.epochs; epoch += 1) {
    const hard = hardOf(pool, learned, options);
    for (const item of shuffle([...items, ...hard], options.rng)) step(item, { learned, state, options });
  }
  return learned;
}

function hardOf(spare: readonly Item[], learned: Learned, { hardOdds, hardMax }: LearnOptions): Item[] {
  const judged = spare.map((item) => ({ item, odds: worstWindow(item.chunks, learned).odds }));
  const hard = judged.filter(({ odds }) => odds >= hardOdds).sort((one, other) => other.odds - one.odds);
  return hard.slice(0, hardMax).map(({ item }) => item);
}

type State = { readonly [name in "base" | "pulls" | "squares"]: Float64Array } & { biasSquares: number };

type Learning = {
  readonly learned: { readonly weights: Float64Array; bias: number };
  readonly state: State;
  readonly options: LearnOptions;
};

function step({ chunks, label, set, taught }: Item, { learned, state, options }: Learning): void {
  const { odds, from, to } = worstWindow(chunks, learned);
  const cost = (options.setWeights[set] ?? options.setWeightOtherwise) * (label === 0 ? options.benignWeight : 1);
  const gradient = cost * (1 / (1 + Math.exp(-odds)) - label);
  if (Math.abs(gradient) < 1e-3) return;
  const { base, pulls, squares } = state;
  const { weights } = learned;
  for (const [index, chunk] of chunks.slice(from, to).entries()) {
    if (taught?.[from + index] === false) continue;
    // A chunk at its bound would not change the score by going further down.
    if (gradient > 0 && sumOf(chunk, learned) < CHUNK_ODDS_MIN) continue;
    for (const feature of chunk) {
      const before = squares[feature] ?? 0;
      const after = before + gradient * gradient;
      const sigma = (Math.sqrt(after) - Math.sqrt(before)) / options.rate;
      const known = base[feature] ?? 0;
      const pull = (pulls[feature] ?? 0) + gradient - sigma * ((weights[feature] ?? 0) - known);
      squares[feature] = after;
      pulls[feature] = pull;
      const excess = Math.abs(pull) - options.sparsity;
      const slope = (1 + Math.sqrt(after)) / options.rate + options.decay;
      weights[feature] = excess <= 0 ? known : known - (Math.sign(pull) * excess) / slope;
    }
  }
  state.biasSquares += gradient * gradient;
  learned.bias -= (options.rate * gradient) / Math.sqrt(state.biasSquares);
}
