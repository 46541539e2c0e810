/**
 * What a target of `npm run fuzz` is: inputs made from seeds by mutation, and a promise about every one of them.
 * An input that breaks it is written to `test/fuzz/corpus/{target}/`, and every run begins with what is there.
 */
import type { Rng } from "../../src/lib/rng.ts";

export type FuzzTarget = {
  readonly name: string;
  readonly promise: string;
  /** What mutation begins with: real inputs and the corners of their grammar. */
  readonly seeds: readonly string[];
  /** Of the runs that are asked for: what is dear is tried less often. Default 1. */
  readonly share?: number;
  /** Put in between, as a whole. */
  readonly tokens: readonly string[];
  /** What is wrong with what the code made of this input; null: the promise holds. What is thrown breaks it too. */
  readonly problem: (input: string) => string | null | Promise<string | null>;
};

/** Steps of mutation an input has at most. */
const STEPS_MAX = 6;

/** One input: a seed, spliced with another, with tokens put in, and pieces cut out, doubled and changed. */
export function mutated({ seeds, tokens }: Pick<FuzzTarget, "seeds" | "tokens">, rng: Rng): string {
  let text = pick(seeds, rng);
  for (let step = 1 + Math.floor(rng() * STEPS_MAX); step > 0; step--) text = changed(text, seeds, tokens, rng);
  return text;
}

function changed(text: string, seeds: readonly string[], tokens: readonly string[], rng: Rng): string {
  const at = Math.floor(rng() * (text.length + 1));
  const to = Math.min(text.length, at + Math.floor(rng() * 12));
  switch (Math.floor(rng() * 6)) {
    case 0:
      return text.slice(0, at) + pick(tokens, rng) + text.slice(at);
    case 1:
      return text.slice(0, at) + pick(tokens, rng) + text.slice(to);
    case 2:
      return text.slice(0, at) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(at);
    case 4:
      return text.slice(0, at) + String.fromCharCode(Math.floor(rng() * 256)) + text.slice(to);
    default: {
      const other = pick(seeds, rng);
      return text.slice(0, at) + other.slice(Math.floor(rng() * other.length));
    }
  }
}

function pick(all: readonly string[], rng: Rng): string {
  return all[Math.floor(rng() * all.length)] ?? "";
}
