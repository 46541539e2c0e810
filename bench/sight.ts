/**
 * `npm run bench:sight`: the CPU that it takes to tell of a request that has ended: its record, what it adds to the counts,
 * and its share of the log.
 *
 * Model. The modules of the router inside raw workerd, twenty thousand requests at a time; the same requests without the
 * telling are measured in turn with it, and what is told is the difference. The kernel's count of the process's CPU, which
 * other work on the machine changes little. Rejected: two whole routers under load, one of which tells of nothing: on a
 * shared machine a router differs from itself by more than what is looked for.
 */
import { build } from "esbuild";
import { startWorkerd } from "../tools/cli/workerd.ts";
import { cpuMsBetween, readCpu } from "./cpu.ts";
import { median, percentile } from "./stats.ts";

const REQUESTS = 20_000;
const ROUNDS = 25;

const { outputFiles } = await build({
  // A Worker is a default export, of which the house has one.
  stdin: {
    contents: `${'import { worker } from "./sight-worker.ts"; export'} default worker;`,
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  write: false,
  format: "esm",
  target: "es2024",
  minify: true,
  external: ["cloudflare:*", "node:*"],
  loader: { ".jsonc": "text" },
});
const workerd = await startWorkerd({ script: outputFiles[0]?.text ?? "", bindings: {} });

async function usEach(query: string): Promise<number> {
  const before = readCpu(workerd.pid);
  await (await fetch(`${workerd.url}/?n=${REQUESTS}${query}`)).text();
  return ((cpuMsBetween(before, readCpu(workerd.pid)) ?? Number.NaN) * 1_000) / REQUESTS;
}

try {
  for (let round = 0; round < 3; round++) await usEach("&tell");
  const told: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = round % 2 === 0 ? ["", "&tell"] : ["&tell", ""];
    const one = await usEach(first ?? "");
    const other = await usEach(second ?? "");
    told.push(first === "" ? other - one : one - other);
  }
  const [low, high] = [percentile(told, 0.25), percentile(told, 0.75)];
  console.log(
    `Telling of a request takes ${median(told).toFixed(1)} µs of CPU (quartiles ${low.toFixed(1)} to ${high.toFixed(1)}; ${ROUNDS} rounds of ${REQUESTS})`,
  );
} finally {
  await workerd.kill();
}
