import { expect, test } from "vitest";
import {
  BLOB_CHARS_MAX,
  BLOBS,
  BLOBS_BYTES_MAX,
  dataPoint,
  DOUBLES,
  INDEX_CHARS_MAX,
} from "../../../src/sight/core/data-point.ts";
import { requestRecord } from "../../support/request-record.ts";

test("a data point has a column for everything, and keeps to what the engine takes", () => {
  expect([BLOBS.length <= 20, DOUBLES.length <= 20]).toEqual([true, true]);
  const { indexes, blobs, doubles } = dataPoint(requestRecord());
  expect(indexes).toEqual(["acme"]);
  expect(blobs.slice(0, 5)).toEqual(["acme", "llama", "meta/llama", "/v1/chat/completions", "served"]);
  expect(doubles.slice(0, 3)).toEqual([1_004, 104, 4]);
});

test("what is not known is told apart from nothing", () => {
  const nothing = { overhead: null, lease: null, queue: 0, rails: null, ttft: null, total: 0 };
  const { blobs, doubles } = dataPoint(requestRecord({ reason: null, ms: nothing }));
  expect([blobs[5], doubles[0], doubles[1], doubles[4]]).toEqual(["", 0, -1, 0]);
});

test.each([INDEX_CHARS_MAX, INDEX_CHARS_MAX + 1])("a tenant of %i characters is an index", (length) => {
  expect(dataPoint(requestRecord({ tenant: "t".repeat(length) })).indexes[0]?.length).toBe(INDEX_CHARS_MAX);
});

test.each([BLOB_CHARS_MAX, BLOB_CHARS_MAX + 1])(
  "names of %i characters fit, in every column there may ever be",
  (length) => {
    const name = "\u{20AC}".repeat(length);
    const { blobs } = dataPoint(requestRecord({ pool: name, model: name, endpoint: name }));
    expect(blobs.slice(1, 3)).toEqual([name.slice(0, BLOB_CHARS_MAX), name.slice(0, BLOB_CHARS_MAX)]);
    expect(Buffer.byteLength(blobs[1] ?? "") * 20).toBeLessThanOrEqual(BLOBS_BYTES_MAX);
  },
);
