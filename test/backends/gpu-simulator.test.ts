import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { EMBEDDING_DIMENSIONS_MAX } from "../../backends/gpu-simulator/generation.ts";
import { DISPATCHED_IDS_MAX } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { chat, eventsOf, jsonOf, post, start, STUCK } from "./gpu-simulator-support.ts";

const sdk = (simulator: GpuSimulator, apiKey = "none"): OpenAI =>
  new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey, maxRetries: 0 });

describe("inference", () => {
  test("a chat streams a role, one chunk per token, the reason, the usage asked for, and [DONE]", async () => {
    const simulator = await start();
    const response = await chat(simulator, { stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = eventsOf(await response.text());
    expect(events.at(-1)).toBe("data: [DONE]");
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice("data: ".length)));
    expect(chunks[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.slice(1, 6).every((chunk) => chunk.choices[0].delta.content.length > 0)).toBe(true);
    expect(chunks[6].choices[0]).toMatchObject({ delta: {}, finish_reason: "length" });
    expect(chunks[7]).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    });
    expect(chunks).toHaveLength(8);
  });

  test("a stream counts as it goes where it is asked to, from what the prompt had on", async () => {
    const options = { include_usage: true, continuous_usage_stats: true };
    const response = await chat(await start(), { stream: true, stream_options: options });
    const chunks = eventsOf(await response.text())
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice("data: ".length)));
    const counted = chunks.map(({ usage }) => usage && [usage.prompt_tokens, usage.completion_tokens]);
    expect(counted).toEqual([[5, 0], [5, 1], [5, 2], [5, 3], [5, 4], [5, 5], undefined, [5, 5]]);
  });

  test("the tokens of a chat are counted without a turn of the engine", async () => {
    const simulator = await start({ engine: STUCK });
    const messages = [{ role: "user", content: "hello" }];
    expect(await jsonOf(post(simulator, "/tokenize", { messages }))).toMatchObject({ count: 2 });
    expect(simulator.engine.running).toHaveLength(0);
  });

  test("a stream's headers come before its first token", async () => {
    const simulator = await start({ engine: STUCK });
    const leave = new AbortController();
    const response = await chat(simulator, { stream: true }, { signal: leave.signal });
    expect(response.status).toBe(200);
    expect(simulator.engine.running).toHaveLength(1);
    leave.abort();
  });

  test("a chat and a completion answer whole, with the text that the stream of the same seed would have", async () => {
    const simulator = await start();
    const completion = await jsonOf(post(simulator, "/v1/completions", { prompt: "12345678", max_tokens: 3 }));
    expect(completion).toMatchObject({
      object: "text_completion",
      choices: [{ text: expect.stringMatching(/^\S+ \S+ \S+$/u), finish_reason: "length" }],
      usage: { prompt_tokens: 2, completion_tokens: 3 },
    });
    const answer = await jsonOf(chat(simulator));
    expect(answer).toMatchObject({ object: "chat.completion", choices: [{ message: { role: "assistant" } }] });
    const again = await jsonOf(chat(await start()));
    expect(again.choices).toEqual(answer.choices);
    const otherSeed = await jsonOf(chat(await start({ seed: 2 })));
    expect(otherSeed.choices).not.toEqual(answer.choices);
  });

  test("a streamed completion ends with its reason and [DONE]", async () => {
    const response = await post(await start(), "/v1/completions", { prompt: ["a"], max_tokens: 2, stream: true });
    const events = eventsOf(await response.text());
    expect(events).toHaveLength(4);
    expect(JSON.parse((events[2] ?? "").slice(6)).choices[0].finish_reason).toBe("length");
  });

  test("without a maximum the length is drawn from the seed, and the answer stops by itself", async () => {
    const lengths = await Promise.all(
      ["a", "b", "c"].map(async (content) => {
        const response = await chat(await start(), { messages: [{ role: "user", content }], max_tokens: undefined });
        const body = await jsonOf(response);
        expect(body.choices[0].finish_reason).toBe("stop");
        return body.usage.completion_tokens;
      }),
    );
    expect(new Set(lengths).size).toBeGreaterThan(1);
  });

  test("answers echo the request id, name the GPU worker, and report load when asked", async () => {
    const simulator = await start({ workerId: "w-7" });
    const headers = { "x-request-id": "r-1", "endpoint-load-metrics-format": "json" };
    const response = await chat(simulator, {}, { headers });
    expect(response.headers.get("x-request-id")).toBe("r-1");
    expect(response.headers.get("x-runpod-worker-id")).toBe("w-7");
    expect(response.headers.get("endpoint-load-metrics")).toBe(
      'JSON {"named_metrics":{"kv_cache_usage_perc":0,"num_requests_waiting":0}}',
    );
    const asText = await chat(simulator, {}, { headers: { "endpoint-load-metrics-format": "TEXT" } });
    expect(asText.headers.get("endpoint-load-metrics")).toBe(
      "TEXT named_metrics.kv_cache_usage_perc=0, named_metrics.num_requests_waiting=0",
    );
    expect((await chat(simulator)).headers.get("endpoint-load-metrics")).toBeNull();
    expect(simulator.stats.dispatchedIds[0]).toBe("r-1");
  });

  test.each([
    { name: "no JSON", path: "/v1/chat/completions", body: "{", status: 400 },
    { name: "no messages", path: "/v1/chat/completions", body: "{}", status: 400 },
    { name: "two choices", path: "/v1/completions", body: '{"prompt":"a","n":2}', status: 400 },
    { name: "two prompts", path: "/v1/completions", body: '{"prompt":["a","b"]}', status: 400 },
    { name: "another model", path: "/v1/completions", body: '{"prompt":"a","model":"x"}', status: 404 },
    {
      name: "a prompt as long as the context",
      path: "/v1/completions",
      body: `{"prompt":"${"a".repeat(40)}"}`,
      status: 400,
    },
    { name: "too many inputs", path: "/v1/embeddings", body: `{"input":["${"a".repeat(40)}"]}`, status: 400 },
    { name: "no route", path: "/v1/nothing", body: "{}", status: 404 },
  ])("$name is answered with $status", async ({ path, body, status }) => {
    const simulator = await start({ maxModelLen: 10 });
    const response = await fetch(simulator.url + path, { method: "POST", body });
    expect(response.status).toBe(status);
    expect(await response.json()).toBeTypeOf("object");
  });

  test("an answer is cut at the model's context", async () => {
    const simulator = await start({ maxModelLen: 10 });
    const body = await jsonOf(post(simulator, "/v1/completions", { prompt: "a".repeat(36), max_tokens: 50 }));
    expect(body.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 1 });
  });

  test("inference is POST", async () => {
    const response = await fetch(`${(await start()).url}/v1/chat/completions`);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });

  test("with no slot and no queue left, the next request gets a 429 with Retry-After", async () => {
    const simulator = await start({ engine: { ...STUCK, maxNumSeqs: 1, maxWaitingQueueLength: 0 } });
    const leave = new AbortController();
    await chat(simulator, { stream: true }, { signal: leave.signal });
    const second = await chat(simulator, { stream: true });
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    leave.abort();
  });

  test("a client that leaves frees its slot at once", async () => {
    const simulator = await start({ engine: { ...STUCK, maxNumSeqs: 1 } });
    const leave = new AbortController();
    await chat(simulator, { stream: true }, { signal: leave.signal });
    const unanswered = chat(simulator, {}, { signal: leave.signal });
    await expect.poll(() => simulator.engine.waiting.size).toBe(1);
    leave.abort();
    await expect(unanswered).rejects.toThrow("aborted");
    await expect.poll(() => simulator.stats).toMatchObject({ aborted: 2, answered: 0, activeRequests: 0 });
    expect(simulator.engine.running).toHaveLength(0);
    expect(simulator.engine.waiting.size).toBe(0);
  });

  test("a body at the limit is taken and one byte more gets 413", async () => {
    const simulator = await start({ maxRequestBodyBytes: 1000 });
    const send = async (bytes: number): Promise<number> =>
      (await fetch(`${simulator.url}/raw`, { method: "POST", body: Buffer.alloc(bytes) })).status;
    expect([await send(1000), await send(1001)]).toEqual([200, 413]);
  });

  test("the ids of requests are kept up to a bound, the newest ones", async () => {
    const simulator = await start();
    const { dispatchedIds } = simulator.stats;
    for (let count = 1; count < DISPATCHED_IDS_MAX; count += 1) dispatchedIds.push("old");
    await chat(simulator, {}, { headers: { "x-request-id": "at the bound" } });
    expect([dispatchedIds.length, dispatchedIds[0]]).toEqual([DISPATCHED_IDS_MAX, "old"]);
    await chat(simulator, {}, { headers: { "x-request-id": "beyond" } });
    expect([dispatchedIds.length, dispatchedIds.at(-1)]).toEqual([DISPATCHED_IDS_MAX, "beyond"]);
  });

  test.each([
    { dimensions: EMBEDDING_DIMENSIONS_MAX, status: 200 },
    { dimensions: EMBEDDING_DIMENSIONS_MAX + 1, status: 400 },
  ])("an embedding of $dimensions dimensions gets $status", async ({ dimensions, status }) => {
    expect((await post(await start(), "/v1/embeddings", { input: "a", dimensions })).status).toBe(status);
  });

  test("a key guards inference and models, not the probes", async () => {
    const simulator = await start({ apiKey: "k" });
    const statuses = await Promise.all(
      ["/v1/models", "/v2/x/health", "/echo", "/ping", "/metrics"].map(
        async (path) => (await fetch(simulator.url + path)).status,
      ),
    );
    expect(statuses).toEqual([401, 401, 401, 200, 200]);
    expect((await sdk(simulator, "k").models.list()).data).toHaveLength(1);
  });
});

describe("the unmodified openai SDK", () => {
  test("streams, answers whole, embeds and lists models", async () => {
    const simulator = await start({ servedModelNames: ["first", "second"] });
    const client = sdk(simulator);
    const messages = [{ role: "user" as const, content: "hello" }];
    const whole = await client.chat.completions.create({ model: "second", messages, max_completion_tokens: 4 });
    let text = "";
    const stream = await client.chat.completions.create({
      model: "second",
      messages,
      max_completion_tokens: 4,
      stream: true,
    });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text.split(" ")).toHaveLength(4);
    expect(whole.choices[0]?.message.content?.split(" ")).toHaveLength(4);
    expect(whole.usage?.completion_tokens).toBe(4);
    const models = (await client.models.list()).data.map((model) => model.id);
    expect(models).toEqual(["first", "second"]);
  });

  test("asks for an adapter by its name, which the metrics tell while it is at work", async () => {
    const simulator = await start({ servedModelNames: ["base"], loraModules: ["sql", "law"] });
    const running = async () => {
      const text = await (await fetch(`${simulator.url}/metrics`)).text();
      return /running_lora_adapters="([^"]*)"/.exec(text)?.[1];
    };
    expect(await running()).toBe("");
    const stream = await sdk(simulator).chat.completions.create({
      model: "sql",
      messages: [{ role: "user", content: "hello" }],
      max_completion_tokens: 2_000,
      stream: true,
    });
    for await (const chunk of stream) {
      expect([chunk.model, await running()]).toEqual(["sql", "sql"]);
      break;
    }
    await expect.poll(running).toBe("");
    const { data } = await sdk(simulator).models.list();
    expect(data.map((model) => [model.id, (model as { parent?: unknown }).parent])).toEqual([
      ["base", null],
      ["sql", "base"],
      ["law", "base"],
    ]);
  });

  test("gets the same unit vector as base64, its default, and as numbers", async () => {
    const client = sdk(await start());
    const request = { model: "sim-model", input: ["a", "b"], dimensions: 8 };
    const packed = await client.embeddings.create(request);
    const plain = await client.embeddings.create({ ...request, encoding_format: "float" });
    expect(plain.data[1]?.embedding).toHaveLength(8);
    expect(Math.hypot(...(plain.data[1]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(packed.data.map((item) => [...item.embedding])).toEqual(plain.data.map((item) => item.embedding));
    expect(plain.data[0]?.embedding).not.toEqual(plain.data[1]?.embedding);
    expect(plain.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 });
  });
});

describe("pass-through", () => {
  test("echo tells method, path, query, headers and bytes", async () => {
    const simulator = await start();
    const body = Buffer.from([0, 255, 128, 10]);
    const headers = { "content-type": "application/x-bytes", "x-own": "1" };
    const response = await fetch(`${simulator.url}/echo/a%20b?x=1&y=2`, { method: "PUT", headers, body });
    expect(await response.json()).toMatchObject({
      method: "PUT",
      path: "/echo/a%20b",
      url: "/echo/a%20b?x=1&y=2",
      query: { x: "1", y: "2" },
      headers,
      bodyBytes: 4,
      bodyBase64: body.toString("base64"),
    });
  });

  test("raw gives the same bytes with the same type", async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const headers = { "content-type": "image/odd; a=b" };
    const response = await fetch(`${(await start()).url}/raw/x`, { method: "POST", headers, body });
    expect(response.headers.get("content-type")).toBe("image/odd; a=b");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
  });
});
