import { describe, expect, test } from "vitest";
import {
  answered,
  answerLine,
  batchObject,
  cancelled,
  createBatch,
  moved,
  validated,
  writtenOffLine,
} from "../../../src/files/core/batch.ts";
import type { Batch } from "../../../src/files/core/batch.ts";
import { readBatchOrder } from "../../../src/files/core/batch-order.ts";
import { EXPIRES_AFTER_S, METADATA } from "../../../src/files/core/bounds.ts";

const ORDER = { input_file_id: "file-1", endpoint: "/v1/embeddings", completion_window: "24h" };
const read = (more: object, isDev = false) => readBatchOrder({ ...ORDER, ...more }, ["/v1/embeddings"], isDev);
const pairs = (count: number, name = "n", value = "v") =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, value]));

describe("an order of a batch", () => {
  test.each<[string, object, string | null]>([
    ["as OpenAI has it", {}, null],
    ["without a file", { input_file_id: undefined }, "input_file_id"],
    ["with a file that is a number", { input_file_id: 7 }, "input_file_id"],
    ["with an endpoint that there is not", { endpoint: "/v1/nonsense" }, "endpoint"],
    ["without a window", { completion_window: undefined }, "completion_window"],
    ["with a window in words", { completion_window: "a day" }, "completion_window"],
    ["with the shortest window", { completion_window: "1h" }, null],
    ["with a shorter window", { completion_window: "59m" }, "completion_window"],
    ["with the longest window", { completion_window: "6d" }, null],
    ["with a longer window", { completion_window: "145h" }, "completion_window"],
    ["with as much metadata as may be", { metadata: pairs(METADATA.pairs) }, null],
    ["with more metadata", { metadata: pairs(METADATA.pairs + 1) }, "metadata"],
    ["with a long name", { metadata: { ["n".repeat(METADATA.nameChars + 1)]: "v" } }, "metadata"],
    ["with a long value", { metadata: { n: "v".repeat(METADATA.valueChars + 1) } }, "metadata"],
    ["with metadata that is a number", { metadata: { n: 7 } }, "metadata"],
    ["with a list as metadata", { metadata: [] }, "metadata"],
    ["without metadata", { metadata: null }, null],
    ["with an expiry", { output_expires_after: { anchor: "created_at", seconds: EXPIRES_AFTER_S.max } }, null],
    [
      "with an expiry that is too late",
      { output_expires_after: { anchor: "created_at", seconds: EXPIRES_AFTER_S.max + 1 } },
      "output_expires_after",
    ],
    ["with an expiry from nowhere", { output_expires_after: { seconds: 3_600 } }, "output_expires_after"],
    ["with an expiry in words", { output_expires_after: "soon" }, "output_expires_after"],
  ])("%s is taken, or the member at fault is named", (_, more, param) => {
    const order = read(more);
    expect(order.ok ? null : order.error.param).toBe(param);
  });

  test("may have a window of seconds in development alone", () => {
    expect(read({ completion_window: "5s" }, true)).toMatchObject({ ok: true, value: { windowMs: 5_000 } });
    expect(read({ completion_window: "5s" }).ok).toBe(false);
  });
});

const order = { id: "batch_1", endpoint: "/v1/x", inputFileId: "file-1", window: "24h", windowMs: 86_400_000 };
const fresh = createBatch({ ...order, metadata: null, outputLifeMs: null, identity: {} }, 1_000);
const running: Batch = validated(fresh, { lines: 2, model: "m", poolId: "p", errors: [] }, 2_000);

test("a batch goes through its states, and each is told with its time", () => {
  const done = moved(moved(running, "finalizing", 3_000), "completed", 4_000);
  expect(batchObject(done)).toMatchObject({
    status: "completed",
    model: "m",
    created_at: 1,
    in_progress_at: 2,
    finalizing_at: 3,
    completed_at: 4,
    cancelled_at: null,
    expires_at: 86_401,
    request_counts: { total: 2, completed: 0, failed: 0 },
  });
});

test("a batch with a mistake has failed, and says which", () => {
  const errors = [{ code: "invalid_json_line", line: 3, message: "x", param: null }];
  const failed = validated(fresh, { lines: 3, model: null, poolId: null, errors }, 2_000);
  expect(batchObject(failed)).toMatchObject({
    status: "failed",
    failed_at: 2,
    errors: { object: "list", data: errors },
    request_counts: { total: 0 },
  });
});

test.each<[Batch["status"], boolean]>([
  ["validating", true],
  ["in_progress", true],
  ["cancelling", true],
  ["finalizing", false],
  ["completed", false],
  ["failed", false],
  ["expired", false],
  ["cancelled", false],
])("a batch that is %s may be cancelled: %s", (status, may) => {
  const outcome = cancelled({ ...running, status }, 5_000);
  expect(outcome?.status ?? null).toBe(may ? "cancelling" : null);
});

test("a validation that ends after a cancellation changes nothing", () => {
  const gone = cancelled(fresh, 1_500);
  expect(gone === null ? null : validated(gone, { lines: 1, model: "m", poolId: "p", errors: [] }, 2_000).status).toBe(
    "cancelling",
  );
});

test("answers are counted, and their tokens", () => {
  const usage = { input: 3, cached: 1, output: 2, reasoning: 1 };
  const counted = answered(answered(running, true, usage), false, null);
  expect(batchObject(counted)).toMatchObject({
    request_counts: { total: 2, completed: 1, failed: 1 },
    usage: {
      input_tokens: 3,
      input_tokens_details: { cached_tokens: 1 },
      output_tokens: 2,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 5,
    },
  });
});

test("an answer is one line of JSON, whatever stands between its members and in its name", () => {
  const named = { lineId: "batch_req_1", customId: 'a "b"\n' };
  const line = answerLine(named, { status: 200, requestId: "job_1", body: '{\r\n  "a": "x\\ny"\n}' });
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({
    id: "batch_req_1",
    custom_id: 'a "b"\n',
    response: { status_code: 200, request_id: "job_1", body: { a: "x\ny" } },
    error: null,
  });
  expect(JSON.parse(writtenOffLine(named, "batch_expired"))).toMatchObject({
    custom_id: 'a "b"\n',
    response: null,
    error: { code: "batch_expired" },
  });
});
