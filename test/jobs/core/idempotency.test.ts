import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decideSubmission,
  isIdempotencyKey,
  KEY_CHARS_MAX,
  KEY_RETENTION_MS,
  scopedKey,
} from "../../../src/jobs/core/idempotency.ts";

const wish = { jobId: "j2", bodyHash: "h" };
const known = { jobId: "j1", bodyHash: "h", expiresAtMs: KEY_RETENTION_MS };

test.each([
  { name: "an unknown key makes a job", record: null, now: 0, kind: "new" },
  { name: "the same body is the same job", record: known, now: KEY_RETENTION_MS - 1, kind: "same" },
  { name: "another body is a conflict", record: { ...known, bodyHash: "x" }, now: 0, kind: "conflict" },
  { name: "a key is free again after its retention", record: known, now: KEY_RETENTION_MS, kind: "new" },
])("$name", ({ record, now, kind }) => {
  expect(decideSubmission(record, wish, now).kind).toBe(kind);
});

test("a new key is kept for a day from its first submission, and names its job", () => {
  expect(decideSubmission(null, wish, 5)).toEqual({
    kind: "new",
    record: { ...wish, expiresAtMs: 5 + KEY_RETENTION_MS },
  });
  expect(decideSubmission(known, wish, 5)).toEqual({ kind: "same", jobId: "j1" });
});

test.each([
  ["k".repeat(KEY_CHARS_MAX), true],
  ["k".repeat(KEY_CHARS_MAX + 1), false],
  ["", false],
  ["with space", false],
  ["ctrl\n", false],
  ["é", false],
])("key %j: %s", (key, good) => {
  expect(isIdempotencyKey(key)).toBe(good);
});

test("no two pairs of tenant and key share a name", () => {
  // So few letters that the same key comes up under two tenants, and one pair run together reads as another.
  const tenant = fc.stringMatching(/^[a1:]{0,3}$/);
  const key = fc.stringMatching(/^[a1:]{1,3}$/);
  fc.assert(
    fc.property(tenant, key, tenant, key, (t1, k1, t2, k2) => {
      expect(scopedKey(t1, k1) === scopedKey(t2, k2)).toBe(t1 === t2 && k1 === k2);
    }),
  );
});
