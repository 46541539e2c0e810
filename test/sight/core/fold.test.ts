import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fold, SHAPES_MAX } from "../../../src/sight/core/fold.ts";
import type { RailSaid, RequestRecord } from "../../../src/sight/core/record.ts";
import {
  COUNTER_SERIES_MAX,
  createTally,
  deltasOf,
  keyOf,
  merge,
  OTHER,
  readKey,
} from "../../../src/sight/core/tally.ts";
import { COUNTED } from "../../../src/sight/core/metric-names.ts";
import type { CountedId } from "../../../src/sight/core/metric-names.ts";
import { attemptRecord as attempt, requestRecord as record } from "../../support/request-record.ts";

const rail = (wish: Partial<RailSaid> = {}): RailSaid => ({
  rail: "secrets",
  stage: "input",
  status: "done",
  action: "allow",
  shadow: false,
  ms: 1,
  rules: [],
  ...wish,
});

function counted(...records: readonly RequestRecord[]): ReadonlyMap<string, readonly number[]> {
  const tally = createTally();
  for (const one of records) fold(tally, one);
  return new Map(deltasOf(tally));
}

const only = (all: ReadonlyMap<string, readonly number[]>, id: CountedId) =>
  [...all].flatMap(([key, values]) => (readKey(key)?.id === id ? [[readKey(key)?.labels, values]] : []));

describe("what a request adds to the counts", () => {
  test("every key that is spelled is one of the names' file, with as many labels and numbers", () => {
    const everything = record({
      why: "cold_start",
      continued: 1,
      attempts: [attempt({ lost: "connection_failed" }), attempt(), attempt({ hedge: true, lost: "overtaken" })],
      rails: [rail({ action: "flag", rules: ["secrets:openai_key"] }), rail({ status: "timeout", action: null })],
    });
    const all = counted(
      everything,
      record({ tokens: { in: null, cached: null, out: null }, operation: null, costMicros: 3 }),
      record({
        way: { split: { model: "chat", pool: "canary" }, fell: [{ from: "canary", reason: "down", to: "llama" }] },
      }),
    );
    const ids = new Set([...all.keys()].map((key) => readKey(key)?.id));
    expect(ids).not.toContain(undefined);
    // Copies are no requests, and are counted beside them (`sight/shadow-counts.ts`).
    expect(ids).toEqual(new Set(Object.keys(COUNTED).filter((id) => !id.startsWith("shadow"))));
    expect(only(all, "fallbacks")).toEqual([[["canary", "down", "llama"], [1]]]);
    expect(only(all, "splits")).toEqual([[["chat", "canary"], [1]]]);
  });

  test("one in the requests by outcome, and one in those by tenant", () => {
    const all = counted(
      record(),
      record({ outcome: "shed", reason: "saturated", attempts: [], region: null, why: null }),
      record({ tenant: null, pool: null, outcome: "refused", reason: "unauthorized", attempts: [] }),
    );
    expect(only(all, "requests")).toEqual([
      [["llama", "/v1/chat/completions", "served", ""], [1]],
      [["llama", "/v1/chat/completions", "shed", "saturated"], [1]],
      [["", "/v1/chat/completions", "refused", "unauthorized"], [1]],
    ]);
    expect(only(all, "tenantRequests").map(([labels]) => labels)).toEqual([
      ["acme", "llama", "served"],
      ["acme", "llama", "shed"],
      ["", "", "refused"],
    ]);
    // At the door nothing has a time.
    expect(only(all, "duration").length).toBe(2);
  });

  test.each([
    ["at a bound", 20, 3],
    ["just above it", 20.5, 4],
    ["at nothing", 0, 0],
    ["before nothing, by another machine's clock", -3, 0],
    ["beyond all bounds", 9_999_999, 22],
  ])("a time %s is in its bucket", (_, ttft, bucket) => {
    const all = counted(record({ ms: { overhead: 4, lease: 2, queue: 0, rails: 1, ttft, total: 10_000_000 } }));
    const values = all.get(keyOf("firstToken", "llama", "meta/llama", "chat", "us-east")) ?? [];
    expect(values.indexOf(1)).toBe(bucket);
    expect(values.at(-1)).toBe(Math.max(0, ttft));
  });

  test("what it cost is counted in whole millionths; where nobody knows it nothing is", () => {
    const costs = [record({ costMicros: 40 }), record({ costMicros: 2 }), record({ costMicros: 0 }), record()];
    expect(only(counted(...costs), "cost")).toEqual([[["acme", "llama"], [42]]]);
    expect(only(counted(record({ costMicros: 0 }), record()), "cost")).toEqual([]);
  });

  test("an operation is OpenTelemetry's word, and its word for none where it is none", () => {
    const operationsOf = (operation: RequestRecord["operation"]) =>
      only(counted(record({ route: "/p/{pool}", operation })), "duration").map(([labels]) => labels?.[2]);
    expect([operationsOf("embeddings"), operationsOf(null)]).toEqual([["embeddings"], ["_OTHER"]]);
  });

  test("time per token is over the tokens after the first", () => {
    const values = counted(record()).get(keyOf("outputToken", "llama", "meta/llama", "chat", "us-east"));
    expect(values?.at(-1)).toBe(100);
    const short = counted(record({ tokens: { in: 1, cached: null, out: 1 } }));
    expect(only(short, "outputToken")).toEqual([]);
  });

  test("a repeated attempt is a retry; a hedge and what was put back are not", () => {
    const retried = counted(record({ attempts: [attempt({ lost: "server_error" }), attempt()] }));
    expect(only(retried, "retries")).toEqual([[["llama"], [1]]]);
    expect(only(retried, "attempts").map(([labels]) => labels?.at(-1))).toEqual(["server_error", "answered"]);
    const hedged = counted(record({ attempts: [attempt({ lost: "overtaken" }), attempt({ hedge: true })] }));
    expect([only(hedged, "retries"), only(hedged, "hedges")]).toEqual([[], [[["llama", "won"], [1]]]]);
    expect(only(counted(record({ attempts: [attempt({ lost: "put_back" }), attempt()] })), "retries")).toEqual([]);
  });

  test("what went on unread is a fail-open; what was blocked for it is none", () => {
    const unread = rail({ status: "timeout", action: null });
    expect(only(counted(record({ rails: [unread] })), "failOpens")).toEqual([
      [["llama", "secrets", "input", "timeout"], [1]],
    ]);
    const blocked = record({ rails: [unread], outcome: "blocked", reason: "guardrail_unavailable" });
    expect(only(counted(blocked), "failOpens")).toEqual([]);
  });

  test("a rule that is no code, such as one that names a member of an answer, is told as other", () => {
    const rails = [rail({ rail: "schema", action: "flag", rules: ["schema:/patient/name type", "schema:json"] })];
    expect(only(counted(record({ rails })), "railRules").map(([labels]) => labels)).toEqual([
      ["schema", "other", "flag"],
      ["schema", "schema:json", "flag"],
    ]);
  });
});

describe("what many requests add", () => {
  const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
  const ms = orNull(fc.integer({ min: 0, max: 5_000 }));
  const anyAttempt = fc
    .record({
      region: fc.constantFrom("us-east", "null"),
      lost: fc.constantFrom(null, "late" as const, "put_back" as const),
      hedge: fc.boolean(),
      endedMs: fc.integer({ min: 4, max: 900 }),
    })
    .map(attempt);
  const anyRail = fc
    .record({
      status: fc.constantFrom("done", "timeout"),
      action: fc.constantFrom(null, "flag"),
      rules: fc.constantFrom([], ["secrets:openai_key"]),
    })
    .map(rail);
  const anyRecord = fc
    .record({
      // Names that look like nothing, and nothing itself.
      pool: fc.constantFrom(null, "null", "llama"),
      tenant: fc.constantFrom(null, "null", "acme"),
      model: fc.constantFrom(null, "null"),
      operation: fc.constantFrom(null, "chat" as const),
      outcome: fc.constantFrom("served" as const, "shed" as const),
      reason: fc.constantFrom(null, "saturated"),
      why: fc.constantFrom(null, "cold_start", "spill"),
      attempts: fc.array(anyAttempt, { maxLength: 5 }),
      rails: fc.array(anyRail, { maxLength: 2 }),
      ms: fc.record({
        overhead: ms,
        lease: ms,
        queue: ms,
        rails: ms,
        ttft: ms,
        total: fc.integer({ min: 0, max: 9_000 }),
      }),
      tokens: fc.record({ in: ms, cached: ms, out: orNull(fc.integer({ min: 0, max: 3 })) }),
      bytes: fc.record({ in: ms, out: ms }),
      costMicros: ms,
    })
    .map(record);

  /** With a rule among its rails a record is spelled anew: what is remembered of others plays no part. */
  const MARKED = rail({ rail: "marker", rules: ["marker:found"] });
  const byItself = (one: RequestRecord) =>
    [...counted({ ...one, rails: [...one.rails, MARKED] })].filter(([key]) => !key.includes("marker"));

  test("is the sum of what each adds by itself, however alike they are", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), (records) => {
        const apart = createTally();
        for (const one of records) merge(apart, byItself(one));
        expect(counted(...records)).toEqual(new Map(deltasOf(apart)));
      }),
    );
  });

  const base = record({ costMicros: 4 });
  const numbered: readonly (readonly [name: string, of: (value: number | null) => RequestRecord])[] = [
    ...(["overhead", "lease", "queue", "rails", "ttft"] as const).map(
      (name) => [`ms.${name}`, (value: number | null) => ({ ...base, ms: { ...base.ms, [name]: value } })] as const,
    ),
    ...(["in", "cached", "out"] as const).map(
      (name) =>
        [`tokens.${name}`, (value: number | null) => ({ ...base, tokens: { ...base.tokens, [name]: value } })] as const,
    ),
    ...(["in", "out"] as const).map(
      (name) =>
        [`bytes.${name}`, (value: number | null) => ({ ...base, bytes: { ...base.bytes, [name]: value } })] as const,
    ),
    ["tokens.in alone", (value) => ({ ...base, tokens: { in: value, cached: null, out: null } })],
    ["costMicros", (costMicros) => ({ ...base, costMicros })],
  ];
  test.each(numbered)("is right by %s where another like it has more, less or nothing of that", (_, of) => {
    for (const value of [2, 1, 0, null, 0, 1, 2]) {
      expect(counted(of(value))).toEqual(new Map(byItself(of(value))));
    }
  });

  test.each(["pool", "tenant", "model", "reason", "region", "why", "operation"] as const)(
    "is told apart where a %s is not known and where it has a name that says so",
    (member) => {
      const hasNull = (value: string | null) =>
        [...counted(record({ [member]: value, outcome: "shed" })).keys()].some((key) =>
          key.split("\u001F").includes("null"),
        );
      // One after the other: shapes are remembered.
      expect([hasNull(null), hasNull("null"), hasNull(null)]).toEqual([false, true, false]);
    },
  );

  test("is counted where there are more shapes than are remembered", () => {
    const count = 2 * SHAPES_MAX + 1;
    const all = counted(...Array.from({ length: 2 * count }, (_, nth) => record({ tenant: `t${nth % count}` })));
    expect(only(all, "tenantRequests").map(([, values]) => values)).toEqual(Array.from({ length: count }, () => [2]));
  });

  test("goes to the series named other where a metric has no room, as one by one", () => {
    const tenants = COUNTER_SERIES_MAX + 2;
    const all = counted(
      ...Array.from({ length: tenants }, (_, nth) => record({ tenant: `t${nth}`, bytes: { in: 2, out: 1 } })),
    );
    expect(all.get(keyOf("tenantRequests", OTHER, OTHER, OTHER))).toEqual([2]);
    expect(all.get(keyOf("requestBytes", "llama"))).toEqual([2 * tenants]);
  });
});
