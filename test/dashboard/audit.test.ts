import { expect, test } from "vitest";
import { changesText, readRecords } from "../../dashboard/audit/audit-api.ts";

const record = (seq: number, more: object = {}) => ({
  seq,
  at: "2026-11-30T21:00:00.000Z",
  keyId: "ops",
  action: "POST /admin/keys",
  outcome: "asked",
  of: null,
  ...more,
});

test("the newest comes first, and of an order that has ended there is one line", () => {
  const data = [record(1), record(2, { outcome: "done", of: 1 }), record(3), { seq: "no number" }, null];
  expect(readRecords({ data }).map(({ seq, outcome }) => [seq, outcome])).toEqual([
    [3, "asked"],
    [2, "done"],
  ]);
  expect(readRecords({})).toEqual([]);
});

test("who asked is named by the token's subject, else by the key, and nobody is not known", () => {
  const data = [record(1, { subject: "ada@example.com" }), record(2), record(3, { keyId: "" })];
  expect(readRecords({ data }).map(({ who }) => who)).toEqual([null, "ops", "ada@example.com"]);
});

test.each([
  ["nothing", null, null, ""],
  ["a new one by its members", null, { tenant: "acme", models: null, pools: [] }, "tenant: acme"],
  ["what is other than before", { tenant: "acme", live: 2 }, { tenant: "acme", live: 0 }, "live: 2 → 0"],
  ["what was not there before", { tenant: "acme" }, { tenant: "acme", end: 5 }, "end: none → 5"],
  ["what is taken away", { note: "x" }, { note: "" }, "note: x → none"],
] as const)("%s is told", (_, before, after, text) => expect(changesText(before, after)).toBe(text));

test("a long change is cut, and says so", () => {
  const text = changesText(null, { note: "x".repeat(500) });
  expect(text).toHaveLength(202);
  expect(text.endsWith(" …")).toBe(true);
  expect(changesText(null, { n: "x".repeat(197) })).toHaveLength(200);
  expect(changesText(null, { n: "x".repeat(198) })).toHaveLength(202);
});
