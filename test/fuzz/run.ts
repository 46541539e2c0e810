/** Runs one target: first its corpus, then so many mutated inputs; what breaks the promise is kept. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRng } from "../../src/lib/rng.ts";
import { mutated } from "./target.ts";
import type { FuzzTarget } from "./target.ts";

/** An input that takes longer is reported, ms; no promise is broken by a busy machine. */
export const SLOW_MS = 100;

export type FuzzReport = {
  readonly inputs: number;
  readonly fromCorpus: number;
  readonly broken: readonly { readonly input: string; readonly problem: string }[];
  readonly slowest: { readonly ms: number; readonly input: string };
};

/** Broken promises beyond these say nothing new. */
const BROKEN_MAX = 20;

export async function fuzz(
  target: FuzzTarget,
  options: { readonly runs: number; readonly seed: number; readonly corpusDir: string },
): Promise<FuzzReport> {
  const dir = join(options.corpusDir, target.name);
  const kept = existsSync(dir) ? readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8")) : [];
  const rng = seededRng(options.seed);
  const broken: { input: string; problem: string }[] = [];
  let slowest = { ms: 0, input: "" };
  let inputs = 0;
  const look = async (input: string): Promise<void> => {
    inputs += 1;
    const startedAt = performance.now();
    const found = problemOf(target, input);
    // To wait for what is there already costs more than most targets.
    const problem = found instanceof Promise ? await found : found;
    const ms = performance.now() - startedAt;
    if (ms > slowest.ms) slowest = { ms, input };
    if (problem !== null) broken.push({ input, problem });
  };
  for (const input of [...kept, ...target.seeds]) await look(input);
  const runs = Math.ceil(options.runs * (target.share ?? 1));
  while (inputs < runs + kept.length && broken.length < BROKEN_MAX) await look(mutated(target, rng));
  return { inputs, fromCorpus: kept.length, broken, slowest };
}

/** Writes an input into the corpus; returns its path. */
export function keep({ name }: FuzzTarget, input: string, corpusDir: string): string {
  const dir = join(corpusDir, name);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${createHash("sha256").update(input).digest("hex").slice(0, 16)}.txt`);
  writeFileSync(path, input);
  return path;
}

function problemOf(target: FuzzTarget, input: string): string | null | Promise<string | null> {
  const thrown = (error: unknown): string => `it throws: ${String(error)}`;
  try {
    const found = target.problem(input);
    return found instanceof Promise ? found.catch(thrown) : found;
  } catch (error) {
    return thrown(error);
  }
}
