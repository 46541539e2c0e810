import { describe, expect, test } from "vitest";
import { fold } from "../../../src/sight/core/fold.ts";
import type { RailSaid, RequestRecord } from "../../../src/sight/core/record.ts";
import { createTally, deltasOf, keyOf, readKey } from "../../../src/sight/core/tally.ts";
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
      attempts: [attempt({ lost: "connection_failed" }), attempt(), attempt({ hedge: true, lost: "overtaken" })],
      rails: [rail({ action: "flag", rules: ["secrets:openai_key"] }), rail({ status: "timeout", action: null })],
    });
    const all = counted(
      everything,
      record({ tokens: { in: null, cached: null, out: null }, operation: null, costMicros: 3 }),
    );
    const ids = new Set([...all.keys()].map((key) => readKey(key)?.id));
    expect(ids).not.toContain(undefined);
    expect(ids).toEqual(new Set(Object.keys(COUNTED)));
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
