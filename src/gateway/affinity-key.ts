/**
 * Decides by what a request may be led to the endpoint that has its prompt in the cache: a session that it
 * names, and how its prompt begins.
 *
 * Model. Only prompts from AFFINITY_TOKENS_MIN on: below it a cached prompt saves less than asking the shard costs, and
 * such a request costs one comparison here. The key is SipHash under a secret of the deployment over the tenant and the
 * text, so nobody else can compute it, and no tenant can meet another's; neither the session's name nor the prompt
 * leaves this isolate. What of the prompt was read before is known by its beginnings (`prompt-chain.ts`); the session
 * says where it was where no text is known. A request that goes on from an answer (`previous_response_id`) has a key however
 * short it is: its endpoint puts all that came before in front of it, and the shard knows how much that is.
 * Source: docs/reference/sources.md, Threats. Measured: about 1 µs for a session, 10 µs and 5 ns a character for a prompt.
 * Rejected: HMAC-SHA-256, which is asynchronous and would delay the call to the shard; the hash of every block of the
 * prompt, as an engine's own cache has it, which a router in front of a load balancer cannot keep right.
 */
import { AFFINITY_TOKENS_MIN } from "../routing/core/shard/affinity.ts";
import type { AffinityKey } from "../routing/core/shard/affinity.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import type { AffinityMode } from "../config/config.ts";
import { promptChain } from "./prompt-chain.ts";
import { goesOn } from "./session-key.ts";

export type KeyedRequest = {
  readonly mode: AffinityMode;
  readonly tenant: string;
  /** Key of the session that it names (`session-key.ts`); null: none. */
  readonly session: string | null;
  /** The parsed body; null when it is not JSON. */
  readonly json: unknown;
  /** Does the body hold a prompt that an engine keeps in its cache. */
  readonly hasPrompt: boolean;
  /** Estimated tokens of the prompt. */
  readonly inputTokens: number;
};

const NEXT = { goesOn: true } as const;

/** The key of a request; null when it has none that is worth anything. */
export function affinityKeyOf(secret: HashKey, request: KeyedRequest): AffinityKey | null {
  const { mode, tenant, session, inputTokens } = request;
  const isNext = session !== null && goesOn(request.json);
  if (mode === "off" || (inputTokens < AFFINITY_TOKENS_MIN && !isNext)) return null;
  const body =
    typeof request.json === "object" && request.json !== null
      ? (request.json as Readonly<Record<string, unknown>>)
      : null;
  const chain =
    mode === "session" || body === null || !request.hasPrompt || isNext
      ? null
      : promptChain(secret, { tenant, body, inputTokens });
  if (session !== null) {
    const own = { key: session, tokens: inputTokens, kind: "session", ...(isNext ? NEXT : {}) } as const;
    return chain === null ? own : { ...own, chain };
  }
  const first = chain?.marks[0];
  return chain === null || first === undefined ? null : { ...first, kind: "prefix", chain };
}
