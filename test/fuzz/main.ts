/**
 * `npm run fuzz` (`-- --help`): every reader of what strangers send, with mutated inputs. Bounded; a table; exits 1 when
 * a promise was broken. What breaks one is kept in `test/fuzz/corpus` and replayed by every later run.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzz, keep, SLOW_MS } from "./run.ts";
import { READER_TARGETS } from "./targets.ts";
import { TEXT_TARGETS } from "./targets-texts.ts";

const TARGETS = [...READER_TARGETS, ...TEXT_TARGETS];
const RUNS_MAX = 10_000_000;
const USAGE = `npm run fuzz -- [options]
  --only <names>  targets to run (default: all): ${TARGETS.map(({ name }) => name).join(", ")}
  --runs <n>      inputs of each, at most ${RUNS_MAX} (default 50000)
  --seed <n>      plays a run again (default: another one each time)
  --help          this text
Request heads and targets over real sockets: npm run test:fuzz; texts against the guardrails: npm run test:fuzz:rails.`;

const { values: given } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string", default: "50000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

const [runs, seed] = [given.runs, given.seed].map(Number) as [number, number];
if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX)
  refuse(`--runs must be 1 to ${RUNS_MAX}, found ${given.runs}`);
if (!Number.isInteger(seed)) refuse(`--seed must be a whole number, found ${given.seed}`);
const wanted = given.only?.split(",") ?? null;
const unknown = wanted?.find((name) => TARGETS.every((target) => target.name !== name));
if (unknown !== undefined) refuse(`there is no target ${unknown}`);
if (given.help) console.log(USAGE);
else await runAll();

async function runAll(): Promise<void> {
  const corpusDir = join(import.meta.dirname, "corpus");
  console.log(`seed ${seed}`);
  for (const target of TARGETS) {
    if (wanted !== null && !wanted.includes(target.name)) continue;
    const startedAt = performance.now();
    const { inputs, fromCorpus, broken, slowest } = await fuzz(target, { runs, seed, corpusDir });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(
      `${broken.length === 0 ? "ok  " : "MISS"} ${target.name.padEnd(16)} ${inputs} inputs (${fromCorpus} kept ones), ${seconds} s, slowest ${slowest.ms.toFixed(1)} ms\n     ${target.promise}`,
    );
    if (slowest.ms > SLOW_MS) console.log(`     slow: ${JSON.stringify(slowest.input.slice(0, 300))}`);
    for (const { input, problem } of broken) {
      console.log(
        `     MISS ${problem}\n          ${JSON.stringify(input.slice(0, 300))}\n          kept as ${keep(target, input, corpusDir)}\n          play it again: npm run fuzz -- --only ${target.name} --runs ${runs} --seed ${seed}`,
      );
      process.exitCode = 1;
    }
  }
}
