import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AFFINITY_KEYS_MAX,
  countAffinity,
  createAffinity,
  dropHolder,
  holderOf,
  HOLDERS_MAX,
  matchAffinity,
  noteHolder,
  SHARE_PRIOR,
  SHARE_TAU_MS,
} from "../../../../src/routing/core/shard/affinity.ts";
import type { AffinityKey, AffinityTable, StillCached } from "../../../../src/routing/core/shard/affinity.ts";

const KEY: AffinityKey = { key: "k", tokens: 1_000, kind: "session" };
const keyed = (key: string, tokens = 1_000): AffinityKey => ({ key, tokens, kind: "session" });

const note = (table: AffinityTable, endpointId: string, written = 0, key = KEY, workerId: string | null = null): void =>
  noteHolder(table, key, { endpointId, workerId, wasCached: null, written });

const match = (table: AffinityTable, { key = KEY, endpoints = 3, now = 0, isCached = () => true }: Asked = {}) =>
  matchAffinity(table, key, { endpoints, isCached }, now);

type Asked = { key?: AffinityKey; endpoints?: number; now?: number; isCached?: StillCached };

const ask = (table: AffinityTable, times: number, key = KEY, now = 0): void => {
  for (let i = 0; i < times; i++) countAffinity(table, key, now);
};

const tokensOf = (table: AffinityTable, asked: Asked = {}) =>
  Object.fromEntries(match(table, asked)?.tokensByEndpoint ?? []);

describe("a key", () => {
  test("that nobody holds is worth nothing", () => {
    const table = createAffinity();
    ask(table, 3);
    expect(match(table)).toBeNull();
  });

  test("is worth its tokens where its requests went, and no more than both prompts share", () => {
    const table = createAffinity();
    note(table, "e1", 0, keyed("k", 4_000));
    note(table, "e2", 0, keyed("k", 500));
    expect(tokensOf(table, { key: keyed("k", 2_000) })).toEqual({ e1: 2_000, e2: 500 });
  });

  test("is worth nothing where it is cached no longer, and is remembered there all the same", () => {
    const table = createAffinity();
    note(table, "e1", 100);
    note(table, "e2", 900);
    const isCached: StillCached = (_endpointId, written) => written > 500;
    expect(tokensOf(table, { isCached })).toEqual({ e2: 1_000 });
    expect(match(table, { isCached: () => false })).toBeNull();
    expect(holderOf(table, KEY, "e1")?.written).toBe(100);
  });

  test("is no longer held where an attempt with it failed", () => {
    const table = createAffinity();
    note(table, "e1");
    note(table, "e2");
    dropHolder(table, KEY, "e1");
    dropHolder(table, keyed("other"), "e1");
    expect(tokensOf(table)).toEqual({ e2: 1_000 });
  });

  test("keeps the GPU worker that answered until another one does", () => {
    const table = createAffinity();
    const worker = () => holderOf(table, KEY, "e1")?.workerId;
    note(table, "e1", 0, KEY, "w1");
    note(table, "e1");
    expect(worker()).toBe("w1");
    note(table, "e1", 0, KEY, "w2");
    expect(worker()).toBe("w2");
  });
});

test("a discount that is not borne out shrinks, and is won back", () => {
  const table = createAffinity();
  const after = (wasCached: boolean | null) => {
    noteHolder(table, KEY, { endpointId: "e1", workerId: null, wasCached, written: 0 });
    return tokensOf(table)["e1"] ?? 0;
  };
  expect([null, false, false, null].map(after)).toEqual([1_000, 800, 640, 640]);
  for (let i = 0; i < 50; i++) after(false);
  expect(after(false)).toBeLessThan(1);
  for (let i = 0; i < 50; i++) after(true);
  expect(after(true)).toBeGreaterThan(999);
  expect(after(true)).toBeLessThanOrEqual(1_000);
});

describe("heat", () => {
  const heatOf = (table: AffinityTable, endpoints: number, now = 0) => match(table, { endpoints, now })?.heat ?? 0;

  test("is 1 for a lone session, however few others there are", () => {
    const table = createAffinity();
    note(table, "e1");
    ask(table, 1);
    expect(heatOf(table, 3)).toBe(1);
  });

  test("is the key's share of the requests times the endpoints, by worked numbers", () => {
    const table = createAffinity();
    note(table, "e1");
    ask(table, 32);
    ask(table, 24, keyed("other"));
    expect(heatOf(table, 6)).toBeCloseTo((32 / (56 + SHARE_PRIOR)) * 6, 9);
    note(table, "e2");
    expect(heatOf(table, 6), "two holders share it").toBeCloseTo(((32 / 64) * 6) / 2, 9);
  });

  test("is over some time after the burst", () => {
    const table = createAffinity();
    note(table, "e1");
    ask(table, 1_000);
    expect(heatOf(table, 4)).toBeGreaterThan(3.9);
    expect(heatOf(table, 4, 10 * SHARE_TAU_MS)).toBe(1);
  });

  test("is at least 1 and at most the endpoints by holder", () => {
    const anyStep = fc.record({
      key: fc.constantFrom("k", "l", "m"),
      endpointId: fc.option(fc.constantFrom("e1", "e2", "e3")),
      gapMs: fc.integer({ min: -1_000, max: 60_000 }),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.integer({ min: 1, max: 64 }), (steps, endpoints) => {
        const table = createAffinity();
        let now = 0;
        for (const { key, endpointId, gapMs } of steps) {
          now = Math.max(0, now + gapMs);
          countAffinity(table, keyed(key), now);
          if (endpointId !== null) note(table, endpointId, now, keyed(key));
          const found = match(table, { endpoints, now });
          if (found === null) continue;
          expect(found.heat).toBeGreaterThanOrEqual(1);
          expect(found.heat).toBeLessThanOrEqual(Math.max(1, endpoints / found.tokensByEndpoint.size));
          for (const tokens of found.tokensByEndpoint.values()) expect(tokens).toBeLessThanOrEqual(KEY.tokens);
        }
      }),
    );
  });
});

describe("a prompt", () => {
  const mark = (key: string, tokens: number) => ({ key, tokens });
  const prompt = (marks: readonly string[], ends: readonly string[], tokens = 4_000): AffinityKey => ({
    ...mark(marks[0] ?? "", 1_000),
    kind: "prefix",
    chain: {
      marks: marks.map((key, at) => mark(key, (at + 1) * 1_000)),
      ends: ends.map((key, at) => mark(key, tokens - 10 * (ends.length - 1 - at))),
    },
  });

  test("is worth the longest beginning that was read there", () => {
    const table = createAffinity();
    note(table, "e1", 0, prompt(["system", "tools", "mine"], ["turn 1"]));
    note(table, "e2", 0, prompt(["system", "other"], ["other turn"]));
    const next = prompt(["system", "tools", "mine", "longer"], ["turn 1", "turn 2"], 5_000);
    expect(tokensOf(table, { key: next })).toEqual({ e1: 4_000, e2: 1_000 });
    expect(holderOf(table, next, "e1")?.tokens).toBe(4_000);
    expect(holderOf(table, next, "e2")?.tokens).toBe(1_000);
    expect(holderOf(table, next, "e3")).toBeNull();
  });

  test("is remembered by its marks and its own end, and not by the ends of its earlier messages", () => {
    const table = createAffinity();
    note(table, "e1", 0, prompt(["a", "b"], ["before", "own"]));
    expect([...table.entries.keys()]).toEqual(["a", "b", "own"]);
  });

  test("of a session is known by its text where any of it is held, and else by the session's name", () => {
    const table = createAffinity();
    const ofSession = (marks: readonly string[], end: string): AffinityKey => {
      const { chain } = prompt(marks, [end]);
      return { ...keyed("s", 4_000), ...(chain === undefined ? {} : { chain }) };
    };
    const turn = ofSession(["system", "mine"], "own");
    note(table, "e1", 0, turn);
    expect(tokensOf(table, { key: ofSession(["system", "sub-agent"], "own 2") })).toEqual({ e1: 1_000 });
    expect(tokensOf(table, { key: ofSession(["now it is 12:01"], "own 3") })).toEqual({ e1: 4_000 });
    expect(tokensOf(table, { key: keyed("s", 3_000) }), "a pool that reads no text").toEqual({ e1: 3_000 });
    dropHolder(table, turn, "e1");
    expect(tokensOf(table, { key: keyed("s", 3_000) })).toEqual({});
  });

  test("has the heat of the longest beginning that is held: what all begin with spreads, conversations stay", () => {
    const table = createAffinity();
    const turn = (name: string) => prompt(["system", name], [`${name} end`]);
    note(table, "e1", 0, turn("mine"));
    for (let i = 0; i < 100; i++) ask(table, 1, turn(`c${i}`));
    expect(match(table, { key: turn("new") })?.heat).toBeGreaterThan(2.5);
    expect(match(table, { key: turn("mine") })?.heat).toBe(1);
  });
});

describe("bounds", () => {
  test("the least recently used key makes room for one more than AFFINITY_KEYS_MAX", () => {
    const table = createAffinity();
    for (let i = 0; i < AFFINITY_KEYS_MAX; i++) note(table, "e1", 0, keyed(`k${i}`));
    countAffinity(table, keyed("k0"), 1);
    note(table, "e1", 1, keyed("new"));
    expect(table.entries.size).toBe(AFFINITY_KEYS_MAX);
    expect(["k0", "k1", "k2", "new"].map((key) => table.entries.has(key))).toEqual([true, false, true, true]);
  });

  test("the endpoint used least recently makes room for one more than HOLDERS_MAX", () => {
    const table = createAffinity();
    for (let i = 0; i <= HOLDERS_MAX; i++) note(table, `e${i}`, i);
    const held = Object.keys(tokensOf(table));
    expect(held).toHaveLength(HOLDERS_MAX);
    expect(held).not.toContain("e0");
  });
});
