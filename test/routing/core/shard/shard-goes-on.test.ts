/** A session that is known by its answers alone: each request names the one before it, and is led to where that was. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { AFFINITY_KEYS_MAX } from "../../../../src/routing/core/shard/affinity.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import type { AcquireRequest, Grant, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const EPOCH = 5;
const rng = seededRng(1);
const TWINS = ["a", "b"].map((id) => endpointSpec({ id }));
const twins = (): ShardState => createShard(poolSpec(TWINS), "us", EPOCH, 0);

let last = 0;
const ask = (state: ShardState, changes: Partial<AcquireRequest>): Grant =>
  granted(acquire(state, acquireRequest(`i-${++last}`, changes), 0, rng).reply.outcome);

function end(state: ShardState, { leaseId, endpointId }: Grant, changes: Partial<Settlement>): void {
  const told = settlement({ leaseId, endpointId, epoch: EPOCH, ...changes });
  applyReport(state, { settled: [told], held: [] }, 0, rng);
}

/** 40 tokens that go on from the answer of that key. */
const next = (key: string) => ({
  inputTokens: 40,
  affinity: { key, tokens: 40, kind: "session", goesOn: true } as const,
});

describe("a request that goes on from an answer", () => {
  test("is led to where each one before it was, turn by turn", () => {
    const state = twins();
    const first = ask(state, { inputTokens: 3_000 });
    const home = first.endpointId;
    end(state, first, { inputTokens: 3_000, promptTokens: 3_000, answer: { key: "r 1", tokens: 3_200 } });
    for (let turn = 1; turn < 6; turn++) {
      // Somebody else is there: without the cache the other one would be emptier.
      const beside = ask(state, { inputTokens: 0, excluded: TWINS.map(({ id }) => id).filter((id) => id !== home) });
      const request = next(`r ${turn}`);
      const grant = ask(state, request);
      expect(grant).toMatchObject({ endpointId: home, work: 40 });
      const promptTokens = 3_000 + 240 * turn;
      const answer = { key: `r ${turn + 1}`, tokens: promptTokens + 200 };
      end(state, grant, { ...request, promptTokens, cachedTrue: promptTokens - 40, answer });
      end(state, beside, {});
    }
  });

  test("counts with all that comes before it where that is not", () => {
    const state = twins();
    const first = ask(state, { inputTokens: 3_000 });
    end(state, first, { inputTokens: 3_000, promptTokens: 3_000, answer: { key: "r 1", tokens: 3_200 } });
    const elsewhere = ask(state, { ...next("r 1"), excluded: [first.endpointId] });
    expect(elsewhere.work).toBe(3_240);
    // Its home is as it was.
    expect(ask(state, next("r 1"))).toMatchObject({ endpointId: first.endpointId, work: 40 });
  });

  test("from an answer that nobody knows goes anywhere, as what was sent", () => {
    expect(ask(twins(), next("r 9")).work).toBe(40);
  });

  test(`has its answer forgotten for ${AFFINITY_KEYS_MAX} newer ones, and not for one less`, () => {
    const state = twins();
    const tell = (key: string) => {
      const grant = ask(state, {});
      end(state, grant, { answer: { key, tokens: 3_000 } });
    };
    tell("r 1");
    for (let n = 1; n < AFFINITY_KEYS_MAX; n++) tell(`other ${n}`);
    expect(state.affinity.entries.has("r 1")).toBe(true);
    tell("one more");
    expect(state.affinity.entries.has("r 1")).toBe(false);
    expect(state.affinity.entries.size).toBe(AFFINITY_KEYS_MAX);
  });
});
