/** A thread of the soak: runs the seeds it is dealt and sends back their verdicts. */
import { parentPort } from "node:worker_threads";
import { runSeed } from "../production/soak.ts";
import type { SoakBatch } from "./soak.ts";

parentPort?.on("message", ({ first, count, simSeconds }: SoakBatch) => {
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(seeds.map((seed) => runSeed(seed, simSeconds)));
});
