/** One question to one object: answered, or not in time. Never rejects. */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/** An object without an answer by then counts as unreachable, ms: longer than a shard's probes may take. */
const ANSWER_TIMEOUT_MS = 3_000;

const UNREACHABLE: Result<never, "unreachable"> = err("unreachable");

export async function askInTime<Value>(call: () => Promise<Value>): Promise<Result<Value, "unreachable">> {
  const bound = new AbortController();
  const tooLate = scheduler.wait(ANSWER_TIMEOUT_MS, { signal: bound.signal }).then(
    () => UNREACHABLE,
    // Aborted: the race is over.
    () => UNREACHABLE,
  );
  try {
    return await Promise.race([call().then(ok), tooLate]);
  } catch {
    return UNREACHABLE;
  } finally {
    bound.abort();
  }
}
