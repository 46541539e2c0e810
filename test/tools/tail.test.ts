import { expect, test } from "vitest";
import type { RequestRecord } from "../../src/sight/core/record.ts";
import { isWanted, lineOf } from "../../tools/cli/tail.ts";

const lost = { endpoint: "us-a", lost: "server_error", said: "CUDA out of memory" };
const record = {
  id: "req_1",
  atMs: Date.UTC(2026, 0, 1, 12, 30),
  route: "/v1/chat/completions",
  tenant: "acme",
  outcome: "served",
  reason: null,
  status: 200,
  endpoint: "eu-a",
  why: "failover",
  attempts: [lost, { endpoint: "eu-a", lost: null, said: null }],
  ms: { ttft: 41, total: 300 },
} as unknown as RequestRecord;
const none = { outcome: [], endpoint: [], tenant: [] };

test("a request is one line, and one more for each attempt that was lost", () => {
  expect(lineOf(record).split("\n")).toEqual([
    "12:30:00.000 200 served /v1/chat/completions acme eu-a failover 300 ms, first token 41 ms",
    "  us-a server_error: CUDA out of memory",
  ]);
});

test.each([
  ["nothing is asked for", none, true],
  ["its outcome is", { ...none, outcome: ["shed", "served"] }, true],
  ["another outcome is", { ...none, outcome: ["shed"] }, false],
  ["an endpoint is that it was lost at", { ...none, endpoint: ["us-a"] }, true],
  ["another tenant is", { ...none, tenant: ["other"] }, false],
  ["only one of two holds", { ...none, outcome: ["served"], tenant: ["other"] }, false],
])("it is shown or not where %s", (_, wanted, shown) => {
  expect(isWanted(record, wanted)).toBe(shown);
});
