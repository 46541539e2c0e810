/** The stock worker protocol, call by call: encodings, holds, and what a worker is told. */
import { describe, expect, test } from "vitest";
import { CHUNK_BODY_BYTES_MAX, RESULT_BODY_BYTES_MAX, TAKE_COUNT_MAX } from "../../../src/jobs/wire/jobs-runpod.ts";
import { surface } from "./jobs-surface.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded", charset: "utf-8" };

/** A form of so many bytes. */
const formOf = (bytes: number): string => `{"output":"${"x".repeat(bytes - '{"output":""}'.length)}"}`;

async function taken() {
  const made = surface();
  await made.call("/v2/main/run", { body: { input: { a: 1 }, webhook: "https://example.com/h" } });
  const { json } = await made.call("/v2/main/job-take/w1?gpu=x&job_in_progress=0", { method: "GET" });
  return { ...made, id: String(json["id"]) };
}

describe("job-take", () => {
  test("is 204 without a body when there is nothing", async () => {
    const answer = await surface().call("/v2/main/job-take/w1?&job_in_progress=0", { method: "GET" });
    expect([answer.status, answer.json]).toEqual([204, {}]);
  });

  test("gives one job as an object, and a batch as a list of at most what was asked", async () => {
    const { call, queue } = surface();
    for (const input of [1, 2, 3]) await call("/v2/main/run", { body: { input } });
    const one = await call("/v2/main/job-take/w1?&job_in_progress=0", { method: "GET" });
    expect(one.json).toEqual({ id: expect.any(String), input: 1 });
    const more = await call("/v2/main/job-take-batch/w1?&batch_size=5&job_in_progress=1", { method: "GET" });
    expect(more.json).toMatchObject([{ input: 2 }, { input: 3 }]);
    await call(`/v2/main/job-take-batch/w1?&batch_size=${TAKE_COUNT_MAX + 1}`, { method: "GET" });
    expect(queue.calls.at(-1)).toEqual(["take", "w1", TAKE_COUNT_MAX, 60_000]);
    expect((await call("/v2/main/job-take-batch/w1?&batch_size=0", { method: "GET" })).status).toBe(400);
  });
});

describe("job-done", () => {
  test.each([
    [{ output: { text: "hi" } }, { output: '{"text":"hi"}', error: null, isProgress: false }],
    [
      { output: "hi", stopPod: true },
      { output: '"hi"', error: null, isProgress: false },
    ],
    [{ error: "boom" }, { output: null, error: "boom", isProgress: false }],
    [{ error: { a: 1 } }, { output: null, error: '{"a":1}', isProgress: false }],
    [
      { status: "IN_PROGRESS", output: "50%" },
      { output: '"50%"', error: null, isProgress: true },
    ],
    [{ output: null }, { output: "null", error: null, isProgress: false }],
    [{}, { output: null, error: null, isProgress: false }],
  ])("reads %j although it is called form data", async (body, result) => {
    const { call, queue, id } = await taken();
    const answer = await call(`/v2/main/job-done/w1/${id}?gpu=x&isStream=false`, { headers: FORM, body });
    expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
    expect(queue.results).toEqual([{ jobId: id, result }]);
  });

  test.each([
    [
      '{"output": {"loss": NaN, "best": -Infinity, "text": "NaN \\"Infinity"}}',
      '{"loss":null,"best":null,"text":"NaN \\"Infinity"}',
    ],
    ['{"output": [Infinity, 1.5]}', "[null,1.5]"],
    ['{"output": NaN}', "null"],
  ])("keeps a result that Python wrote with numbers JSON has not: %s", async (body, output) => {
    const { call, queue, id } = await taken();
    const answer = await call(`/v2/main/job-done/w1/${id}?x&isStream=false`, { headers: FORM, body });
    expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
    const result = { output, error: null, isProgress: false, note: "non_finite_numbers" };
    expect(queue.results).toEqual([{ jobId: id, result }]);
  });

  test("keeps the digits of numbers that a double cannot hold", async () => {
    const { call, queue, id } = await taken();
    const body = '{"output":{"seed":12345678901234567891}}';
    await call(`/v2/main/job-done/w1/${id}?x&isStream=false`, { headers: FORM, body });
    expect(queue.results[0]?.result).toMatchObject({ output: '{"seed":12345678901234567891}' });
  });

  test("a late result is answered 200, so that it is not sent again, and is not taken", async () => {
    const { call, queue, id } = await taken();
    const answer = await call(`/v2/main/job-done/w2/${id}?x&isStream=false`, { headers: FORM, body: { output: 1 } });
    expect([answer.status, answer.json]).toEqual([200, { status: "stale" }]);
    expect(queue.results).toHaveLength(0);
  });

  test("what is no JSON object is 400", async () => {
    const { call, id } = await taken();
    expect((await call(`/v2/main/job-done/w1/${id}?x`, { headers: FORM, body: "output=1" })).status).toBe(400);
  });
});

test("job-stream adds one chunk, and one above the bound is 413", async () => {
  const { call, queue, id } = await taken();
  const path = `/v2/main/job-stream/w1/${id}?x&isStream=false`;
  expect((await call(path, { headers: FORM, body: { output: { n: 1 } } })).status).toBe(200);
  expect(queue.jobs.get(id)?.chunks).toEqual(['{"n":1}']);
  expect((await call(path, { body: formOf(CHUNK_BODY_BYTES_MAX) })).status).toBe(200);
  expect((await call(path, { body: formOf(CHUNK_BODY_BYTES_MAX + 1) })).status).toBe(413);
});

test("a result above its bound is 413, and one at the bound is kept", async () => {
  const { call, queue, id } = await taken();
  const path = `/v2/main/job-done/w1/${id}?x&isStream=false`;
  expect((await call(path, { body: formOf(RESULT_BODY_BYTES_MAX + 1) })).status).toBe(413);
  expect(queue.results).toHaveLength(0);
  expect((await call(path, { body: formOf(RESULT_BODY_BYTES_MAX) })).status).toBe(200);
  expect(queue.results).toHaveLength(1);
});

test("ping names the worker and what it runs", async () => {
  const { call, queue } = surface();
  await call("/v2/main/ping/w1?gpu=x&job_id=a-u1,b-u1&runpod_version=1.12.0", { method: "GET" });
  expect(queue.calls.at(-1)).toEqual(["ping", "w1", ["a-u1", "b-u1"]]);
  expect((await call("/v2/main/ping/w1", { method: "GET" })).status).toBe(200);
  expect(queue.calls.at(-1)).toEqual(["ping", "w1", []]);
});

test("job-stop is 204, or names the jobs", async () => {
  const { call, queue, id } = await taken();
  expect((await call("/v2/main/job-stop/w1?gpu=x", { method: "GET" })).status).toBe(204);
  queue.change(id, { status: "cancelled" });
  expect((await call("/v2/main/job-stop/w1?gpu=x", { method: "GET" })).json).toEqual({ jobsToStop: [id] });
});

test.each(["job-take", "job-stop", "ping"])("%s by a worker without a good id is 400", async (operation) => {
  expect((await surface().call(`/v2/main/${operation}/%20`, { method: "GET" })).status).toBe(400);
});
