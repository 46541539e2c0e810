/** Runpod's job API, operation by operation: what goes into the queue, and what comes out on the wire. */
import { describe, expect, test } from "vitest";
import { DEFAULT_RATES } from "../../../src/jobs/core/rate.ts";
import { RUN_BODY_BYTES_MAX, RUNSYNC_BODY_BYTES_MAX } from "../../../src/jobs/wire/jobs-runpod.ts";
import { surface } from "./jobs-surface.ts";
import type { Call, Json } from "./jobs-surface.ts";

const run = async (body: unknown, path = "/v2/main/run", call: Call = {}) => {
  const made = surface();
  const answer = await made.call(path, { ...call, body });
  return { ...made, ...answer, submitted: made.queue.submitted() };
};

describe("run", () => {
  test("answers exactly 200 with an id in Runpod's form and IN_QUEUE", async () => {
    const { status, json } = await run({ input: { prompt: "hi" } });
    expect(status).toBe(200);
    expect(json).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}-u1$/), status: "IN_QUEUE" });
  });

  test("puts policy, webhook and s3Config into the queue", async () => {
    const policy = { executionTimeout: 5_000, ttl: 10_000, lowPriority: true };
    const s3Config = { accessId: "a", accessSecret: "b", bucketName: "c", endpointUrl: "https://s3.example.com" };
    const { submitted } = await run({ input: { a: 1 }, policy, webhook: "https://example.com/hook", s3Config });
    expect(submitted[0]).toMatchObject({
      tenant: "tests",
      policy: { executionTimeoutMs: 5_000, ttlMs: 10_000, priority: 9, attemptsMax: 3, retentionMs: 1_800_000 },
      webhook: { url: "https://example.com/hook", form: "runpod" },
      work: { kind: "runpod", path: "/runsync", body: '{"a":1}', s3Config: JSON.stringify(s3Config) },
    });
  });

  test.each([
    ["no object", [1], null],
    ["no input", {}, "input"],
    ["input null", { input: null }, "input"],
    ["a webhook that is no URL", { input: {}, webhook: "ftp://a" }, "webhook"],
    ["a policy that is no object", { input: {}, policy: 1 }, "policy"],
    ["an execution time-out below 5 s", { input: {}, policy: { executionTimeout: 4_999 } }, "policy.executionTimeout"],
    ["a ttl above 7 d", { input: {}, policy: { ttl: 604_800_001 } }, "policy.ttl"],
    ["a ttl below 10 s", { input: {}, policy: { ttl: 9_999 } }, "policy.ttl"],
    ["lowPriority that is no flag", { input: {}, policy: { lowPriority: 1 } }, "policy.lowPriority"],
    ["s3Config that is no object", { input: {}, s3Config: "x" }, "s3Config"],
    ["a route that leads elsewhere", { input: { openai_route: "//evil/x" } }, "input.openai_route"],
  ])("refuses %s, in Runpod's form with our object beside it", async (_, body, param) => {
    const { status, json, submitted } = await run(body);
    expect(status).toBe(400);
    expect(json).toMatchObject({ error: expect.any(String), errorDetail: { code: "invalid_request", param } });
    expect(submitted).toHaveLength(0);
  });

  test.each([
    ["run", RUN_BODY_BYTES_MAX],
    ["runsync", RUNSYNC_BODY_BYTES_MAX],
  ])("%s takes a body at its bound and refuses one byte more", async (operation, bytesMax) => {
    const around = '{"input":""}';
    // Spaces are no text: the rails' own bounds stay out of it.
    const body = (bytes: number) => around + " ".repeat(bytes - around.length);
    const path = `/v2/main/${operation}`;
    expect((await run(body(bytesMax), path)).status).toBe(200);
    const refused = await run(body(bytesMax + 1), path);
    expect([refused.status, refused.json["error"]]).toEqual([413, expect.stringContaining(String(bytesMax))]);
  });

  test("keeps the digits of numbers that a double cannot hold", async () => {
    const { submitted } = await run('{"input":{"seed":12345678901234567891,"x":1.5}}');
    expect(submitted[0]?.work.body).toBe('{"seed":12345678901234567891,"x":1.5}');
  });

  test("stores what a rail has redacted, and refuses what one blocks", async () => {
    const secret = `AKIA${"Q3EGRIZTDJ6XMLTU".slice(0, 16)}`;
    const redacted = await run({ input: { text: `my key is ${secret}` } });
    expect(redacted.status).toBe(200);
    expect(redacted.submitted[0]?.work.body).not.toContain(secret);
    const blocked = await run({ input: { text: `my key is ${secret}` } }, "/v2/strict/run");
    expect([blocked.status, blocked.json["errorDetail"]]).toEqual([
      400,
      expect.objectContaining({ code: "blocked_by_guardrail" }),
    ]);
    expect(blocked.submitted).toHaveLength(0);
  });

  test("no rail touches what is for this service and the GPU worker: the webhook, the S3 keys, the policy", async () => {
    const secret = `AKIA${"Q3EGRIZTDJ6XMLTU".slice(0, 16)}`;
    const webhook = `https://example.com/hook?key=${secret}`;
    const s3Config = { accessId: secret, accessSecret: secret, bucketName: "b", endpointUrl: "https://s3.example.com" };
    const { status, submitted } = await run({
      input: { text: `mine is ${secret}`, n: 12345678901234567891n.toString() },
      webhook,
      s3Config,
    });
    expect(status).toBe(200);
    expect(submitted[0]?.webhook?.url).toBe(webhook);
    expect(submitted[0]?.work.s3Config).toBe(JSON.stringify(s3Config));
    expect(submitted[0]?.work.body).not.toContain(secret);
    const strict = await run({ input: { text: "harmless" }, webhook, s3Config }, "/v2/strict/run");
    expect([strict.status, strict.submitted[0]?.webhook?.url]).toEqual([200, webhook]);
  });

  test.each([
    [{ kind: "conflict" }, 422],
    [{ kind: "limited", limit: "tenant", retryAfterMs: 2_000 }, 429],
    [{ kind: "limited", limit: "storage", retryAfterMs: 2_000 }, 507],
    [{ kind: "too_large", bytesMax: 7 }, 413],
    [{ kind: "paused" }, 503],
  ] as const)("says %j as %i", async (outcome, status) => {
    const { queue, call } = surface();
    queue.refuse(outcome);
    const answer = await call("/v2/main/run", { body: { input: 1 } });
    expect([answer.status, answer.json["error"]]).toEqual([status, expect.any(String)]);
    expect(answer.headers.has("retry-after")).toBe([429, 503, 507].includes(status));
  });
});

describe("a route that the pool does not open", () => {
  test.each([
    ["that nobody has opened", { route: "/train", body: {} }, ["infer"], 403, "path_not_open"],
    [
      "that is opened, with a method that it has not",
      { route: "/v1/models", body: {} },
      ["infer"],
      405,
      "method_not_allowed",
    ],
    ["that operates the engine", { route: "/tools/flush_cache", body: {} }, ["infer"], 403, "forbidden"],
    ["that operates the engine, by a key that may", { route: "/tools/flush_cache" }, ["infer", "operate"], 200, null],
    ["that the pool opens", { openai_route: "/tools/any", openai_input: {} }, ["infer"], 200, null],
  ])("%s", async (_, input, scopes, status, code) => {
    const { queue, call } = surface();
    const answer = await call("/v2/tools/run", { body: { input }, scopes });
    expect([answer.status, (answer.json["errorDetail"] as Json | undefined)?.["code"] ?? null]).toEqual([status, code]);
    expect(queue.submitted()).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe("what an input calls", () => {
  const workOf = async (input: unknown, pool = "main") => (await run({ input }, `/v2/${pool}/run`)).submitted[0]?.work;

  test.each([
    [
      { openai_route: "/v1/embeddings", openai_input: { input: "x" } },
      { kind: "http", method: "POST", path: "/v1/embeddings", body: '{"model":"llama","input":"x"}', stream: false },
    ],
    [{ openai_route: "/v1/models" }, { kind: "http", method: "GET", path: "/v1/models", body: "" }],
    [
      { route: "/tokenize", body: { model: "m", stream: true } },
      { method: "POST", path: "/tokenize", stream: true },
    ],
    [
      { messages: [{ role: "user", content: "hi" }], sampling_params: { max_tokens: 5 }, stream: true },
      {
        path: "/v1/chat/completions",
        body: '{"model":"llama","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"stream":true}',
        stream: true,
      },
    ],
    [{ prompt: "hi" }, { path: "/v1/completions", body: '{"model":"llama","prompt":"hi"}' }],
    [{ anything: 1 }, { kind: "runpod", method: "POST", path: "/runsync", body: '{"anything":1}' }],
    ["text", { kind: "runpod", body: '"text"' }],
  ])("%j", async (input, expected) => {
    expect(await workOf(input)).toMatchObject(expected);
  });

  test("in a pool with a job path everything but an OpenAI route goes there", async () => {
    expect(await workOf({ prompt: "a cat" }, "images")).toMatchObject({
      kind: "runpod",
      path: "/predictions",
      body: '{"prompt":"a cat"}',
    });
    expect(await workOf({ openai_route: "/v1/models" }, "images")).toMatchObject({ kind: "http", path: "/v1/models" });
  });

  test("a pulling worker is given the input as it was", async () => {
    const { queue, call } = surface();
    await call("/v2/main/run", { body: { input: { prompt: "hi", sampling_params: { n: 1 } } } });
    const { json } = await call("/v2/main/job-take/w1?x=1&job_in_progress=0", { method: "GET" });
    expect(json).toEqual({ id: expect.any(String), input: { prompt: "hi", sampling_params: { n: 1 } } });
    expect(queue.calls.at(-1)).toEqual(["take", "w1", 1, 60_000]);
  });
});

describe("reading", () => {
  const ended = { status: "completed", startedMs: 1_824, endedMs: 5_215, delayMs: 824, executionMs: 3_391 } as const;

  async function withJob(changed: object = {}) {
    const made = surface();
    await made.call("/v2/main/run", { body: { input: 1 } });
    const id = [...made.queue.jobs.keys()][0] ?? "";
    made.queue.change(id, changed);
    return { ...made, id };
  }

  test("status has delay and execution time in ms, worker and output", async () => {
    const { call, id } = await withJob({ ...ended, workerId: "w1", output: '{"text":"hi"}' });
    expect((await call(`/v2/main/status/${id}`, { method: "GET" })).json).toEqual({
      id,
      status: "COMPLETED",
      delayTime: 824,
      executionTime: 3_391,
      workerId: "w1",
      output: { text: "hi" },
    });
  });

  test("status of a failed job has its error; a job that waits has no execution time", async () => {
    const { call, id } = await withJob({ status: "failed", endedMs: 2_000, error: "out of memory" });
    expect((await call(`/v2/main/status/${id}`, { method: "GET" })).json).toEqual({
      id,
      status: "FAILED",
      delayTime: 1_000,
      error: "out of memory",
    });
  });

  test("status with a ttl has the job deleted then; one out of range is refused", async () => {
    const { call, queue, id } = await withJob();
    expect((await call(`/v2/main/status/${id}?ttl=6000`, { method: "GET" })).status).toBe(200);
    expect(queue.calls).toContainEqual(["keepFor", "tests", id, 6_000]);
    expect((await call(`/v2/main/status/${id}?ttl=-1`, { method: "GET" })).status).toBe(400);
  });

  test.each([
    ["", 90_000],
    ["?wait=5", 1_000],
    ["?wait=2500", 2_500],
    ["?wait=999999", 90_000],
  ])("status-sync%s waits in the queue for %i ms", async (query, waitMs) => {
    const { call, queue, id } = await withJob();
    await call(`/v2/main/status-sync/${id}${query}`, { method: "GET" });
    expect(queue.calls.at(-1)).toEqual(["view", "tests", id, waitMs]);
  });

  test("runsync waits up to 300 s, and its id says that it was one", async () => {
    const { queue, call } = surface();
    const { json } = await call("/v2/main/runsync?wait=300001", { body: { input: 1 } });
    expect(json).toMatchObject({ id: expect.stringMatching(/^sync-[0-9a-f-]{36}-u1$/), status: "IN_QUEUE" });
    expect(queue.calls.at(-1)?.at(-1)).toBe(300_000);
    expect(queue.submitted()[0]?.policy.retentionMs).toBe(60_000);
  });

  test("stream drains, holds 25 s, and always has a list", async () => {
    const { call, queue, id } = await withJob({ status: "running" });
    queue.jobs.get(id)?.chunks.push('{"n":1}', "data: x\n\n");
    const read = async () => (await call(`/v2/main/stream/${id}`, { method: "GET" })).json;
    expect(await read()).toEqual({ status: "IN_PROGRESS", stream: [{ output: { n: 1 } }, { output: "data: x\n\n" }] });
    expect(queue.calls.at(-1)).toEqual(["stream", "tests", id, -1, 25_000]);
    expect(await read()).toEqual({ status: "IN_PROGRESS", stream: [] });
    queue.jobs.get(id)?.chunks.push('"last"');
    queue.change(id, ended);
    expect(await read()).toEqual({ status: "COMPLETED", stream: [{ output: "last" }] });
    expect(await read()).toEqual({ status: "COMPLETED", stream: [] });
  });

  test("the stream of a cancelled job ends for the client that does not know the word", async () => {
    const { call, queue, id } = await withJob({ status: "cancelled", endedMs: 2_000 });
    queue.jobs.get(id)?.chunks.push('"half"');
    const read = async () => (await call(`/v2/main/stream/${id}`, { method: "GET" })).json;
    expect(await read()).toEqual({ status: "CANCELLED", stream: [{ output: "half" }] });
    expect(await read()).toEqual({ status: "FAILED", stream: [] });
  });

  test.each(["status", "status-sync", "stream", "cancel", "retry"])(
    "%s of an unknown job, of another tenant's and of no id at all is 404",
    async (operation) => {
      const { call, id } = await withJob();
      const method = operation === "cancel" || operation === "retry" ? "POST" : "GET";
      for (const [name, tenant] of [
        ["nobody-u1", "tests"],
        [id, "others"],
        ["%20", "tests"],
      ] as const) {
        const answer = await call(`/v2/main/${operation}/${name}`, { method, tenant });
        expect([answer.status, answer.json["error"]]).toEqual([404, expect.stringContaining("no job")]);
      }
    },
  );

  test("cancel, retry, purge, health and requests have Runpod's shapes", async () => {
    const { call, queue, id } = await withJob();
    expect((await call(`/v2/main/cancel/${id}`, { body: {} })).json).toMatchObject({ id, status: "CANCELLED" });
    expect((await call(`/v2/main/retry/${id}`)).status).toBe(400);
    queue.change(id, { status: "failed" });
    expect((await call(`/v2/main/retry/${id}`)).json).toEqual({ id, status: "IN_QUEUE" });
    expect((await call("/v2/main/purge-queue", { body: {} })).json).toEqual({ removed: 1, status: "completed" });
    expect((await call("/v2/main/health", { method: "GET" })).json).toEqual({
      jobs: { completed: 1, failed: 2, inProgress: 3, inQueue: 4, retried: 5 },
      workers: { idle: 1, initializing: 2, ready: 3, running: 4, throttled: 5, unhealthy: 6 },
    });
    expect((await call("/v2/main/requests?limit=1", { method: "GET" })).json).toEqual({
      requests: [expect.objectContaining({ id })],
      offset: 0,
      limit: 1,
      hasMore: false,
    });
  });
});

describe("paths and rates", () => {
  test.each([
    ["/v2/nowhere/run", "POST", 404],
    ["/v2/main/nothing", "POST", 404],
    ["/v2/main/status", "GET", 404],
    ["/v2/main/status/a/b", "GET", 404],
    ["/v2/main/run", "GET", 405],
    ["/v2/main/batch/b/unknown", "GET", 404],
  ])("%s by %s is %i", async (path, method, status) => {
    const answer = await surface().call(path, { method });
    expect([answer.status, typeof answer.json["error"]]).toEqual([status, "string"]);
  });

  test("a key without the scope of a GPU worker pulls nothing", async () => {
    const { call, queue } = surface();
    expect((await call("/v2/main/job-take/w1", { method: "GET", scopes: ["infer"] })).status).toBe(403);
    expect((await call("/v2/main/run", { body: { input: 1 }, scopes: ["worker"] })).status).toBe(403);
    expect(queue.calls).toHaveLength(0);
  });

  test("one call more than Runpod's rate is 429 with a time, for this tenant only", async () => {
    const { call } = surface();
    const { callsPer10s } = DEFAULT_RATES["purge-queue"];
    // A tenant of its own: the counts are the isolate's.
    const purge = async (tenant: string) => (await call("/v2/main/purge-queue", { tenant })).status;
    const statuses: number[] = [];
    for (let count = 0; count <= callsPer10s; count++) statuses.push(await purge("eager"));
    expect(statuses).toEqual([...Array.from({ length: callsPer10s }, () => 200), 429]);
    expect(await purge("calm")).toBe(200);
  });
});
