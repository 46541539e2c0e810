/**
 * GPU workers that pull: each takes a job, works a moment and reports, over every restart of the router. One that is
 * told to dies with its job in hand, and says its result long after another one had it.
 */
import { stockWorker } from "../support/stock-worker.ts";
import type { StockWorker } from "../support/stock-worker.ts";
import type { JobsRun } from "./jobs-run.ts";

/** Work of a job at a worker, ms: long enough that kills find it in hand. */
const WORK_MS = 60;

export async function runWorkers(run: JobsRun): Promise<void> {
  const open = new Set<StockWorker>();
  const loops = Array.from({ length: run.options.workers }, async (_, index) => loop(run, index, open));
  while (!run.over) await new Promise((resolve) => setTimeout(resolve, 20));
  // They wait for jobs that will not come.
  for (const worker of open) worker.vanish();
  await Promise.all(loops);
}

async function loop(run: JobsRun, index: number, open: Set<StockWorker>): Promise<void> {
  let life = 0;
  while (!run.over) {
    await run.away;
    const worker = speak(run, `gpu-${index}-${life}`);
    open.add(worker);
    const job = await worker.take().catch(() => null);
    open.delete(worker);
    if (job === null) continue;
    run.pulled.push(job.id);
    if (run.deadly > 0) {
      run.deadly -= 1;
      life += 1;
      void tooLate(run, worker.id, job.id);
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, WORK_MS));
    await report(run, worker.id, job.id);
  }
}

/** Until somebody answers, as the stock worker does. */
async function report(run: JobsRun, workerId: string, jobId: string): Promise<void> {
  while (Date.now() < run.giveUpAtMs) {
    await run.away;
    const answer = await speak(run, workerId)
      .done(jobId, { output: { by: workerId } })
      .catch(() => null);
    if (answer === null) continue;
    if (answer.status !== 200) run.violations.push(`${jobId}: its worker was answered ${answer.status}`);
    return;
  }
}

/** A result from the dead: its lease has run out, so it is not taken. */
async function tooLate(run: JobsRun, workerId: string, jobId: string): Promise<void> {
  const isEnded = (): boolean => run.ends.some(({ id }) => id === jobId);
  while (!isEnded() && !run.over) await new Promise((resolve) => setTimeout(resolve, 50));
  if (run.over) return;
  const answer = await speak(run, workerId)
    .done(jobId, { output: "from the dead" })
    .catch(() => null);
  if (answer !== null && !answer.text.includes("stale")) {
    run.violations.push(`${jobId}: a late result was taken: ${answer.text}`);
  }
}

const speak = ({ fleet }: JobsRun, id: string): StockWorker =>
  stockWorker({ baseUrl: fleet.router.url, pool: "main", id, key: fleet.keyOf("gpu") });
