/**
 * The endpoint of the jobs benchmark, in the process that also submits the jobs: one clock tells when
 * a job was submitted and when it began. It runs a job for as long as the job's prompt says, and
 * answers from bytes made beforehand.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** When a job was at the endpoint, ms of `performance.now()`. */
type Run = { readonly jobId: string; readonly startMs: number; endMs: number };

export type JobsEndpoint = {
  readonly url: string;
  /** In the order of their starts. */
  readonly runs: readonly Run[];
  /** Resolves when so many have ended. */
  ended(count: number): Promise<void>;
  clear(): void;
  close(): void;
};

const ANSWER = Buffer.from(
  JSON.stringify({
    id: "cmpl-1",
    object: "text_completion",
    choices: [{ index: 0, text: "done", finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }),
);

export async function startJobsEndpoint(runMs: () => number): Promise<JobsEndpoint> {
  const runs: Run[] = [];
  let endedCount = 0;
  let waiting: { readonly count: number; readonly resolve: () => void } | null = null;
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-length": "0" }).end();
      return;
    }
    // The first byte of the request is the start: what comes after it is the job's own.
    const run: Run = { jobId: String(request.headers["x-request-id"]), startMs: performance.now(), endMs: Number.NaN };
    runs.push(run);
    request.resume();
    request.on("end", () => {
      setTimeout(() => {
        response.writeHead(200, { "content-type": "application/json", "content-length": ANSWER.length });
        run.endMs = performance.now();
        response.end(ANSWER);
        endedCount += 1;
        if (waiting !== null && endedCount >= waiting.count) waiting.resolve();
      }, runMs());
    });
  });
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runs,
    async ended(count) {
      if (endedCount >= count) return;
      await new Promise<void>((resolve) => {
        waiting = { count, resolve };
      });
      waiting = null;
    },
    clear() {
      runs.length = 0;
      endedCount = 0;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
