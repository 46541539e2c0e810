/** One question of an operator to one shard: answered, or not in time. Never rejects. */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { stubOf } from "../../dispatch/lease-desk.ts";
import type { Desk } from "../../dispatch/lease-desk.ts";

/** A shard without an answer by then counts as unreachable, ms: longer than its probes may take. */
const ANSWER_TIMEOUT_MS = 3_000;

const UNREACHABLE: Result<never, "unreachable"> = err("unreachable");

export async function askShard<Value>(
  desk: Desk,
  shard: string,
  call: (stub: ReturnType<typeof stubOf>) => Promise<Value>,
): Promise<Result<Value, "unreachable">> {
  const bound = new AbortController();
  const tooLate = scheduler.wait(ANSWER_TIMEOUT_MS, { signal: bound.signal }).then(
    () => UNREACHABLE,
    // Aborted: the race is over.
    () => UNREACHABLE,
  );
  try {
    return await Promise.race([call(stubOf(desk, shard)).then(ok), tooLate]);
  } catch {
    return UNREACHABLE;
  } finally {
    bound.abort();
  }
}
