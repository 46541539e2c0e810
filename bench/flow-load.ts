/**
 * The users of the flow benchmark: each asks, waits for the answer, thinks for one to two seconds, and asks again.
 *
 * Model. As Locust counts, an answer counts when it came within the window. Nobody begins a question after it, and
 * those under way are waited for, so that what the servers counted can be compared with what was asked.
 */
import type { Rng } from "../src/lib/rng.ts";
import { openClient } from "./flow-client.ts";
import type { ClientOptions } from "./flow-client.ts";
import { beginsAtMs, thinkMs } from "./flow-workload.ts";
import type { Users } from "./flow-workload.ts";

/** Different problems that are kept; the first ones tell the cause. */
const PROBLEMS_MAX = 5;

export type LoadResult = {
  /** Questions asked, all of them answered or failed by now. */
  readonly asked: number;
  /** Of those that were answered well within the window, ms. */
  readonly latenciesMs: readonly number[];
  /** Failed within the window. */
  readonly failures: number;
  /** Answered well, or failed, after the window. */
  readonly late: number;
  readonly lateFailures: number;
  readonly problems: readonly string[];
};

type Tally = { -readonly [Field in keyof LoadResult]: LoadResult[Field] } & {
  readonly latenciesMs: number[];
  readonly problems: string[];
};

export type LoadOptions = {
  readonly users: Users;
  readonly client: ClientOptions;
  readonly rng: Rng;
  /** Called about every `PROGRESS_MS`. */
  readonly onProgress?: (elapsedMs: number, soFar: LoadResult) => void;
};

const PROGRESS_MS = 30_000;

/** Resolves when nothing is under way any more. */
export async function runUsers(options: LoadOptions): Promise<LoadResult> {
  const { users, onProgress } = options;
  const tally: Tally = { asked: 0, latenciesMs: [], failures: 0, late: 0, lateFailures: 0, problems: [] };
  const startedMs = performance.now();
  const timer = setInterval(() => onProgress?.(performance.now() - startedMs, tally), PROGRESS_MS);
  const everyone = Array.from({ length: users.users }, async (_, index) =>
    runUser(options, { startedMs, beginsMs: startedMs + beginsAtMs(index, users) }, tally),
  );
  await Promise.all(everyone);
  clearInterval(timer);
  return tally;
}

async function runUser(
  { users, client: clientOptions, rng }: LoadOptions,
  { startedMs, beginsMs }: { readonly startedMs: number; readonly beginsMs: number },
  tally: Tally,
): Promise<void> {
  const untilMs = startedMs + users.windowMs;
  const client = openClient(clientOptions);
  for (let asksMs = beginsMs; asksMs < untilMs;) {
    await until(asksMs);
    tally.asked += 1;
    const { endMs, latencyMs, problem } = await client.ask();
    const inTime = endMs <= untilMs;
    if (problem === null) {
      if (inTime) tally.latenciesMs.push(latencyMs);
      else tally.late += 1;
    } else {
      if (inTime) tally.failures += 1;
      else tally.lateFailures += 1;
      const isNew = tally.problems.every((known) => alike(known) !== alike(problem));
      if (isNew && tally.problems.length < PROBLEMS_MAX) tally.problems.push(problem);
    }
    asksMs = endMs + thinkMs(rng);
  }
  client.close();
}

/** Each refusal names its own request. */
const alike = (problem: string): string => problem.replace(/req_[0-9a-f-]+/g, "");

function until(instantMs: number): Promise<void> {
  const leftMs = instantMs - performance.now();
  return leftMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, leftMs));
}
