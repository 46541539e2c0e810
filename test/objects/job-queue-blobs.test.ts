/** Inputs and outputs that are larger than a row, where there is no R2. */
import { describe, expect, test } from "vitest";
import { BLOB_BYTES_MAX, OUTPUT_ROW_BYTES_MAX } from "../../src/jobs/object/bounds.ts";
import {
  answerWith,
  ended,
  inQueue,
  passMs,
  queue,
  request,
  sent,
  submit,
  TENANT,
  useQueue,
  viewNow,
} from "./job-queue-support.ts";

useQueue();

/** A JSON text of exactly so many bytes, with characters of two and three bytes so that parts end inside some. */
function jsonOf(bytes: number): string {
  const rest = bytes - new TextEncoder().encode(`{"output":"é€"}`).byteLength;
  const filler = "€".repeat(Math.floor(rest / 3)) + "x".repeat(rest % 3);
  return `{"output":"é${filler}€"}`;
}

const parts = async () => inQueue(({ sql }) => sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM blob").one().n);

describe.each([
  ["an HTTP request", "http"],
  ["a job in Runpod's form", "runpod"],
] as const)("the output of %s", (_, kind) => {
  test("over a row's size is kept, given back whole, and goes with its job", async () => {
    const text = jsonOf(3 * 1024 * 1024 + 1);
    answerWith(() => new Response(text, { headers: { "content-type": "application/json" } }));
    const { id } = await submit({ policy: { retentionMs: 60_000 }, work: { kind } });
    const view = await ended(id);
    expect(view?.status).toBe("completed");
    const { output } = JSON.parse(text) as { output: string };
    expect(view?.output).toBe(kind === "http" ? text : JSON.stringify(output));
    expect(await parts()).toBeGreaterThan(1);
    for (let minute = 0; minute < 3; minute++) await passMs(60_000);
    expect(await viewNow(id)).toBeNull();
    expect(await parts()).toBe(0);
  });
});

test.each([
  ["as large as a row takes", OUTPUT_ROW_BYTES_MAX, "completed", 0],
  ["one byte larger than that", OUTPUT_ROW_BYTES_MAX + 1, "completed", 1],
  ["as large as is kept", BLOB_BYTES_MAX, "completed", 20],
  ["one byte larger than that", BLOB_BYTES_MAX + 1, "failed", 0],
])("an output %s", async (_, bytes, status, rows) => {
  const text = jsonOf(bytes);
  answerWith(() => new Response(text, { headers: { "content-type": "application/json" } }));
  const { id } = await submit({ work: { kind: "http" }, policy: { attemptsMax: 1 } });
  const view = await ended(id);
  expect(view?.status).toBe(status);
  expect(await parts()).toBe(rows);
  if (status === "completed") expect(view?.output === text).toBe(true);
});

describe("an input", () => {
  test("over a row's size reaches the endpoint unchanged", async () => {
    const body = jsonOf(2 * 1024 * 1024);
    const { id } = await submit({ work: { kind: "http", body } });
    expect((await ended(id))?.status).toBe("completed");
    expect(sent.at(-1)?.body === body).toBe(true);
  });

  test("that comes again under its idempotency key leaves nothing behind", async () => {
    await queue().pause(true);
    const body = jsonOf(1024 * 1024);
    const wish = { idempotencyKey: "once", work: { kind: "http" as const, body } };
    const first = await submit(wish);
    const before = await parts();
    expect((await submit(wish)).id).toBe(first.id);
    expect(await parts()).toBe(before);
    expect((await queue().view(TENANT, first.id, 0))?.status).toBe("queued");
  });

  test("one byte too large is refused with the limit", async () => {
    const outcome = await queue().submit({
      ...request({ work: { body: jsonOf(BLOB_BYTES_MAX + 1) } }),
    });
    expect(outcome).toEqual({ kind: "too_large", bytesMax: BLOB_BYTES_MAX });
  });
});
