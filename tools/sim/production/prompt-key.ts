/**
 * What the edge would send of a simulated prompt, as `src/gateway/affinity-key.ts` does of a real one.
 *
 * Model. A prompt's blocks say what it has in common with others. Where they cover all of it (a recorded trace) the
 * second one tells conversations apart, because its id covers the text before it and the first is the system prompt:
 * that is the session, as a client that names its session would send it. Where they cover only a shared beginning,
 * there is no session, and that beginning is the key, of which the edge looks at 256 tokens.
 */
import type { AffinityKey } from "../../../src/routing/core/shard/affinity.ts";
import { sessionOf, type Requests } from "../workload.ts";

/** As in `src/gateway/affinity-key.ts`, each with its reason there. */
const TOKENS_MIN = 512;
const PREFIX_TOKENS = 256;

/** Null: the prompt is short, or nothing is known of it. */
export function promptKey(requests: Requests, request: number): AffinityKey | null {
  const { promptTokens, blockStart, blocks } = requests;
  const tokens = promptTokens[request] ?? 0;
  const from = blockStart[request] ?? 0;
  const count = (blockStart[request + 1] ?? from) - from;
  if (tokens < TOKENS_MIN || count === 0) return null;
  const session = sessionOf(requests, request);
  if (session !== null) return { key: `s ${session}`, tokens, kind: "session" };
  return { key: `p ${blocks[from]}`, tokens: PREFIX_TOKENS, kind: "prefix" };
}
