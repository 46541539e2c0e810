import { expect, test } from "vitest";
import { promptChain } from "../../../../src/gateway/prompt-chain.ts";
import { hashKeyOf } from "../../../../src/lib/keyed-hash.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import type { AffinityKey } from "../../../../src/routing/core/shard/affinity.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import { acquireRequest, endpointSpec, granted, poolSpec } from "./shard-fixture.ts";

const SECRET = hashKeyOf("pepper of at least thirty-two characters");
const TOKENS = 4_000;
const long = (text: string): string => text.repeat(1_000).slice(0, 12_000);

/** A request without a session's name: all that is known of it is its text. */
function keyOf(...contents: readonly string[]): AffinityKey {
  const messages = contents.map((content) => ({ role: "user", content }));
  const chain = promptChain(SECRET, { tenant: "t", body: { messages }, inputTokens: TOKENS });
  const [first] = chain?.marks ?? [];
  if (chain === null || first === undefined) throw new Error("the text is too short");
  return { ...first, kind: "prefix", chain };
}

test("siblings of a burst find what the first of them is still having read, before any of them has answered", () => {
  const spec = { concurrencyPerWorker: 64 };
  const state = createShard(poolSpec([endpointSpec(spec), endpointSpec({ id: "e2", ...spec })]), "us", 1, 0);
  const rng = seededRng(1);
  const ask = (id: string, affinity: AffinityKey) =>
    granted(acquire(state, acquireRequest(id, { inputTokens: TOKENS, affinity }), 0, rng).reply.outcome);
  // Both endpoints are reading a long prompt.
  const other = ask("i-0", keyOf(long("another text "), "one"));
  const first = ask("i-1", keyOf(long("what they share "), "one"));
  expect(first.endpointId).not.toBe(other.endpointId);
  const sibling = ask("i-2", keyOf(long("what they share "), "two"));
  expect(sibling.endpointId).toBe(first.endpointId);
  expect(sibling.cachedTokens).toBeGreaterThan(0.6 * TOKENS);
  expect(ask("i-3", keyOf(long("another text "), "two")).endpointId).toBe(other.endpointId);
});
