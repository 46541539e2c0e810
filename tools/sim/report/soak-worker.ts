/** A thread of the soak: runs the seeds it is dealt and sends back their verdicts. */
import { parentPort } from "node:worker_threads";
import { runSeed, type SeedVerdict } from "../production/soak.ts";
import type { SoakBatch } from "./soak.ts";

parentPort?.on("message", (batch: SoakBatch) => void runBatch(batch));

async function runBatch({ first, count, simSeconds }: SoakBatch): Promise<void> {
  const verdicts: SeedVerdict[] = [];
  for (let seed = first; seed < first + count; seed += 1) verdicts.push(await runSeed(seed, simSeconds));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(verdicts);
}
