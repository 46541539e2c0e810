/**
 * `npm run sim -- --soak N`: random worlds with every checker, on all cores, and the command that replays each failure.
 *
 * Model. Seeds go in small batches to threads; a seed's run depends on nothing but the seed, so neither do the verdicts
 * and the hash over all of them depend on the number of threads.
 */
import { parseArgs } from "node:util";
import { replayCommand, type SeedVerdict } from "../production/soak.ts";
import { RULES } from "../production/rules-broken.ts";
import { inThreads } from "./threads.ts";

type SoakArgs = { readonly runs: number; readonly seed: number; readonly simSeconds: number };

/** What a worker thread is told to run. */
export type SoakBatch = { readonly first: number; readonly count: number; readonly simSeconds: number };

const BATCH = 20;

/** Failures that are printed; the rest is counted. */
const PRINTED_MAX = 20;

const EXIT_USAGE = 64;

/** The exit code. */
export async function soak(argv: readonly string[]): Promise<number> {
  const args = readSoakArgs(argv);
  if (args === null) {
    console.error("Usage: npm run sim -- --soak N [--seed S] [--sim-seconds 60]");
    return EXIT_USAGE;
  }
  const startedAtMs = performance.now();
  const verdicts = await runAll(args, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${args.runs} seeds`);
  });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const failed = verdicts.filter(({ violations }) => violations.length > 0);
  for (const { seed, violations } of failed.slice(0, PRINTED_MAX)) {
    const [first] = violations;
    if (first === undefined) continue;
    console.log(`seed ${seed} at ${first.atMs.toFixed(1)} ms: ${RULES[first.rule]} (${first.rule})`);
    console.log(`  ${first.what}\n  ${replayCommand(seed, args.simSeconds)}`);
  }
  const requests = verdicts.reduce((sum, one) => sum + one.requests, 0);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  console.log(
    `${verdicts.length} seeds x ${args.simSeconds} s, ${requests} requests, ${failed.length} failed, ` +
      `${seconds.toFixed(1)} s, trace ${hashOf(verdicts)}`,
  );
  return failed.length === 0 ? 0 : 1;
}

function readSoakArgs(argv: readonly string[]): SoakArgs | null {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ args: [...argv], options: { soak: text, seed: text, "sim-seconds": text } });
    const args = {
      runs: Number(values.soak),
      seed: Number(values.seed ?? 1),
      simSeconds: Number(values["sim-seconds"] ?? 60),
    };
    const isWhole = Number.isInteger(args.runs) && Number.isInteger(args.seed);
    return isWhole && args.runs >= 1 && args.seed >= 0 && args.simSeconds > 0 ? args : null;
  } catch {
    return null;
  }
}

async function runAll(
  { runs, seed, simSeconds }: SoakArgs,
  onProgress: (done: number) => void,
): Promise<readonly SeedVerdict[]> {
  const batches = Array.from({ length: Math.ceil(runs / BATCH) }, (_, index): SoakBatch => {
    const first = seed + index * BATCH;
    return { first, count: Math.min(BATCH, seed + runs - first), simSeconds };
  });
  const worker = new URL("./soak-worker.ts", import.meta.url);
  const verdicts = await inThreads<SoakBatch, readonly SeedVerdict[]>(worker, batches, (done) =>
    onProgress(Math.min(runs, done * BATCH)),
  );
  return verdicts.flat();
}

/** One hash for all runs, in order of their seeds. */
function hashOf(verdicts: readonly SeedVerdict[]): string {
  let hash = 0x811c9dc5;
  for (const one of verdicts) hash = Math.imul(hash ^ Number.parseInt(one.hash, 16), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
