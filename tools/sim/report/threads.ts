/**
 * Work in threads: jobs are dealt one by one to threads as they become free, and the answers come in the order of the
 * jobs.
 *
 * Model. A job depends on nothing but itself, so the answers do not depend on the number of threads.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** Beyond this a machine is shared with somebody. */
const THREADS_MAX = 8;

/** `worker`: a module that answers every message with one of its own. `onDone` is told of each answer as it comes. */
export async function inThreads<Job, Answer>(
  worker: URL,
  jobs: readonly Job[],
  onDone: (done: number) => void,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  let done = 0;
  const runOne = async (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(worker);
      let dealt = 0;
      const deal = (): void => {
        if (next >= jobs.length) {
          void thread.terminate().then(() => resolve());
          return;
        }
        dealt = next;
        next += 1;
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        thread.postMessage(jobs[dealt]);
      };
      thread.on("message", (answer: Answer) => {
        answers[dealt] = answer;
        done += 1;
        onDone(done);
        deal();
      });
      thread.on("error", reject);
      deal();
    });
  const threads = Math.min(THREADS_MAX, availableParallelism(), jobs.length);
  await Promise.all(Array.from({ length: threads }, runOne));
  return answers;
}
