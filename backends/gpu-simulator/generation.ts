/**
 * What a model would say, from a seed: words, lengths, vectors. The same seed and the same request bytes give the same
 * answer in whatever order requests arrive, like a model at temperature 0.
 *
 * Rejected: one random stream for the whole server, where a race between two requests changes both answers.
 */
import { seededRng } from "../../src/lib/rng.ts";
import type { Rng } from "../../src/lib/rng.ts";

/** One word is one token. */
const WORDS =
  "the a warm path finds its own way over quiet water and light turns each small stone into a lamp for those who walk by night under open sky".split(
    " ",
  );

/** UTF-8 bytes per token, the usual estimate for English text. */
const BYTES_PER_TOKEN = 4;
export const EMBEDDING_DIMENSIONS_DEFAULT = 64;
/** The largest size that public embedding models have, rounded up. */
export const EMBEDDING_DIMENSIONS_MAX = 8192;

export const countTokens = (text: string): number => Math.max(1, Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN));

/** A generator of its own for one request. */
export const rngFor = (seed: number, content: Buffer | string): Rng => seededRng((seed ^ hash(content)) >>> 0);

/** The next `count` tokens as one text per token; all but an answer's first begin with a space. */
export function drawTokens(rng: Rng, options: { readonly fromIndex: number; readonly count: number }): string[] {
  return Array.from({ length: options.count }, (_, offset) => {
    const word = WORDS[Math.floor(rng() * WORDS.length)] ?? "the";
    return options.fromIndex + offset === 0 ? word : ` ${word}`;
  });
}

/** A length with an exponential spread around the mean, at least 1: short answers are common, long ones happen. */
export const drawOutputTokens = (rng: Rng, mean: number): number => 1 + Math.round(-Math.log(1 - rng()) * (mean - 1));

/** A unit vector. */
export function drawVector(rng: Rng, dimensions: number): number[] {
  const raw = Array.from({ length: dimensions }, () => rng() * 2 - 1);
  const length = Math.hypot(...raw);
  // Rounded to float32, so that the float and the base64 encoding say the same numbers.
  return raw.map((value) => Math.fround(value / length));
}

/** Little-endian float32, as OpenAI encodes `encoding_format: base64`. */
export function encodeVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}

/** FNV-1a, 32 bits: spreads nearby texts, and needs no more. */
function hash(content: Buffer | string): number {
  let state = 0x811c9dc5;
  for (const byte of typeof content === "string" ? Buffer.from(content) : content) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return state >>> 0;
}
