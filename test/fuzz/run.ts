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

export function fuzz(
  target: FuzzTarget,
  options: { readonly runs: number; readonly seed: number; readonly corpusDir: string },
): FuzzReport {
  const dir = join(options.corpusDir, target.name);
  const kept = existsSync(dir) ? readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8")) : [];
  const rng = seededRng(options.seed);
  const broken: { input: string; problem: string }[] = [];
  let slowest = { ms: 0, input: "" };
  let inputs = 0;
  const look = (input: string): void => {
    inputs += 1;
    const startedAt = performance.now();
    const problem = problemOf(target, input);
    const ms = performance.now() - startedAt;
    if (ms > slowest.ms) slowest = { ms, input };
    if (problem !== null) broken.push({ input, problem });
  };
  for (const input of [...kept, ...target.seeds]) look(input);
  const runs = Math.ceil(options.runs * (target.share ?? 1));
  while (inputs < runs + kept.length && broken.length < BROKEN_MAX) look(mutated(target, rng));
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

function problemOf(target: FuzzTarget, input: string): string | null {
  try {
    return target.problem(input);
  } catch (error) {
    return `it throws: ${String(error)}`;
  }
}
