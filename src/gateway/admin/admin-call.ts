/** One question of an operator to one shard: answered, or not in time. Never rejects. */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { ShardCalls } from "../../dispatch/shard-port.ts";

/** A shard without an answer by then counts as unreachable, ms: longer than its probes may take. */
const ANSWER_TIMEOUT_MS = 3_000;

const UNREACHABLE: Result<never, "unreachable"> = err("unreachable");

export async function askShard<Value>(
  shard: ShardCalls,
  call: (stub: ShardCalls) => Promise<Value>,
): Promise<Result<Value, "unreachable">> {
  const bound = new AbortController();
  const tooLate = scheduler.wait(ANSWER_TIMEOUT_MS, { signal: bound.signal }).then(
    () => UNREACHABLE,
    // Aborted: the race is over.
    () => UNREACHABLE,
  );
  try {
    return await Promise.race([call(shard).then(ok), tooLate]);
  } catch {
    return UNREACHABLE;
  } finally {
    bound.abort();
  }
}
