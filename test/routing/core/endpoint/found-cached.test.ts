import { describe, expect, test } from "vitest";
import type { EndpointState } from "../../../../src/routing/core/endpoint/endpoint-state.ts";
import { AHEAD_MS_MAX, foundCached, NOTHING_AHEAD } from "../../../../src/routing/core/endpoint/endpoint-learn.ts";
import { observeLoad } from "../../../../src/routing/core/cost/terms/load.ts";
import { endpointState, observeAttempt, settlement } from "../shard/shard-fixture.ts";

const SLOTS = 4;
/** At 10 tokens a ms the whole prompt takes 200 ms, what is not cached 20 ms. */
const PROMPT = { inputTokens: 2_000, cachedTokens: 1_800 };
const EXPECTED = { expected: PROMPT.cachedTokens, line: NOTHING_AHEAD, slots: SLOTS };

/** An endpoint 2 ms away. */
function near(): EndpointState {
  const state = endpointState({ prefillTokensPerMs: 10, concurrencyPerWorker: SLOTS });
  for (let i = 0; i < 3; i++) observeAttempt(state, settlement({ headersMs: 2, ttftMs: 10 }), 0);
  return state;
}

describe("a prompt that was expected in the cache", () => {
  test.each([
    { name: "was there if it was read fast", seen: { headersMs: 2, ttftMs: 25 }, is: true },
    {
      name: "was not there if an idle engine took as long as for all of it",
      seen: { headersMs: 2, ttftMs: 210 },
      is: false,
    },
    {
      name: "was there if its headers waited for a slot, and its token came soon after them",
      seen: { headersMs: 400, ttftMs: 425, inFlightAtGrant: 3 },
      is: true,
    },
    {
      name: "was not there if it was slow after its slot began",
      seen: { headersMs: 400, ttftMs: 610, inFlightAtGrant: 3 },
      is: false,
    },
    {
      name: "says nothing if it is late and the attempt may have stood in line",
      seen: { headersMs: 2, ttftMs: 425, inFlightAtGrant: SLOTS },
      is: null,
    },
    {
      name: "was there even so if it came in time",
      seen: { headersMs: 2, ttftMs: 25, inFlightAtGrant: SLOTS },
      is: true,
    },
    { name: "says nothing without a first token", seen: { headersMs: 2, ttftMs: null }, is: null },
  ])("$name", ({ seen, is }) => {
    expect(foundCached(near(), settlement({ ...PROMPT, ...seen }), EXPECTED, 0)).toBe(is);
  });

  test("was there if it is as late as everything is at this load", () => {
    const state = near();
    for (let i = 0; i < 50; i++) observeLoad(state.load, 3, 300, 0);
    const seen = settlement({ ...PROMPT, headersMs: 2, ttftMs: 240, inFlightAtGrant: 3 });
    expect(foundCached(state, seen, EXPECTED, 0)).toBe(true);
    expect(foundCached(state, { ...seen, inFlightAtGrant: 0 }, EXPECTED, 0)).toBe(false);
  });

  test("is not a question where none was", () => {
    const seen = settlement({ inputTokens: 2_000, headersMs: 2, ttftMs: 25 });
    expect(foundCached(near(), seen, { ...EXPECTED, expected: 0 }, 0)).toBeNull();
  });

  test("is not a question behind a line of prompts: its token is late for theirs, with slots free", () => {
    const seen = settlement({ ...PROMPT, headersMs: 2, ttftMs: 425, inFlightAtGrant: 1 });
    const behind = (aheadMs: number) =>
      foundCached(near(), seen, { ...EXPECTED, line: { aheadMs, cachedTokens: 1_800 } }, 0);
    expect([behind(0), behind(AHEAD_MS_MAX), behind(400)]).toEqual([false, null, null]);
    expect(foundCached(near(), seen, { ...EXPECTED, line: null }, 0), "nor where nobody knows").toBeNull();
  });

  test.each([
    { cachedTrue: 1_792, is: true },
    { cachedTrue: 900, is: true },
    { cachedTrue: 899, is: false },
    { cachedTrue: 0, is: false },
    { cachedTrue: 450, promptTokens: 1_000, is: true },
  ])("is what the engine says, however late the token: $cachedTrue of it were", ({ is, ...told }) => {
    const seen = settlement({ ...PROMPT, ...told, headersMs: 2, ttftMs: 9_000 });
    expect(foundCached(near(), seen, { ...EXPECTED, line: null }, 0)).toBe(is);
  });
});
