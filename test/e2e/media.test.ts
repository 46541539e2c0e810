/**
 * Pictures, sound, moderations, ranks, scores and tokens through the router: with the published `openai` package where it
 * has them, with plain HTTP where only Cohere's, Jina's and vLLM's clients do.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiAt, openaiOf } from "../support/openai.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;

const model = "test-model";
let fleet: Fleet;
let usual: GpuSimulator;
beforeAll(async () => {
  usual = await startGpuSimulator({ model: "usual" });
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "us-b", region: "us-east" },
    ],
    pool: {
      models: [model],
      patienceMs: 5_000,
      rails: { input: ["size", { use: "secrets", action: "block" }] },
    },
    morePools: {
      // With the rails that a pool has by itself: they let pass, and record, what is no text.
      usual: {
        models: ["usual"],
        endpoints: [{ id: "us-c", region: "us-east", backend: "openai", url: usual.url, concurrencyPerWorker: 8 }],
      },
    },
    config: { routes: [{ path: "/detokenize", pool: "usual", upstreamPath: "/echo" }] },
  });
});
afterAll(async () => {
  await fleet.close();
  await usual.close();
});

const post = async (path: string, body: unknown): Promise<Response> =>
  fleet.call(path, { method: "POST", body: JSON.stringify(body) });
const json = async (path: string, body: unknown) => {
  const response = await post(path, body);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const isPng = (base64: string | undefined): boolean =>
  Buffer.from(base64 ?? "", "base64")
    .subarray(1, 4)
    .toString() === "PNG";

describe("with the openai package", () => {
  test("pictures are what the endpoint drew", async () => {
    const asked = { model, prompt: "a warm path", n: 2, size: "256x256" } as const;
    const routed = await openaiOf(fleet).images.generate(asked);
    expect(routed.data).toHaveLength(2);
    expect(routed.data?.map(({ b64_json: bytes }) => isPng(bytes))).toEqual([true, true]);
    expect(routed.data).toEqual((await openaiAt(fleet.simulator("us-a").url).images.generate(asked)).data);
  });

  test("a picture comes in pieces where that is asked for, larger ones than the router keeps of a stream", async () => {
    const stream = await openaiOf(fleet).images.generate({
      model,
      prompt: "a warm path",
      size: "512x128" as "auto",
      partial_images: 2,
      stream: true,
    });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      expect(isPng(event.b64_json)).toBe(true);
      expect(event.b64_json.length).toBeGreaterThan(65_536);
    }
    const partial = "image_generation.partial_image";
    expect(types).toEqual([partial, partial, "image_generation.completed"]);
  });

  test("a stream of pictures that is cut is an error, and no short answer", async () => {
    for (const simulator of fleet.simulators.values()) {
      simulator.setFault({ kind: "die_after_bytes", bytes: 12_000, times: 1 });
    }
    const asked = { model, prompt: "cut", size: "64x64" as "auto", partial_images: 3, stream: true } as const;
    const stream = await openaiOf(fleet).images.generate(asked);
    const read = async (): Promise<void> => {
      for await (const event of stream) expect(event.type).toBe("image_generation.partial_image");
    };
    await expect(read()).rejects.toThrow("broke off");
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
  });

  test("speech is the bytes that the endpoint made", async () => {
    const asked = { model, voice: "alloy", input: "Where is the warm path?", response_format: "wav" } as const;
    const routed = Buffer.from(await (await openaiOf(fleet).audio.speech.create(asked)).arrayBuffer());
    const direct = await openaiAt(fleet.simulator("us-a").url).audio.speech.create(asked);
    expect(routed.subarray(0, 4).toString()).toBe("RIFF");
    expect(routed.equals(Buffer.from(await direct.arrayBuffer()))).toBe(true);
  });

  test("speech comes while it is made", async () => {
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "slow", factor: 10 });
    const response = await openaiOf(fleet).audio.speech.create({
      model,
      voice: "alloy",
      input: "on and on ".repeat(400),
    });
    const reader = response.body?.getReader();
    expect(
      Buffer.from((await reader?.read())?.value ?? [])
        .subarray(0, 4)
        .toString(),
    ).toBe("RIFF");
    const active = () => [...fleet.simulators.values()].map(({ stats }) => stats.activeRequests);
    expect(active().toSorted()).toEqual([0, 1]);
    await reader?.cancel();
    await fleet.until(
      async () => active(),
      (now) => now.every((count) => count === 0),
    );
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
    expect(
      await fleet.until(
        async () => fleet.liveLeases(),
        (live) => live === 0,
      ),
    ).toBe(0);
  });

  test("speech never becomes a job, whose answer would be kept as text", async () => {
    const headers = { prefer: "respond-async" };
    const body = JSON.stringify({ model, voice: "alloy", input: "warm" });
    const response = await fleet.call("/v1/audio/speech", { method: "POST", headers, body });
    const sound = Buffer.from(await response.arrayBuffer());
    expect([response.status, sound.readUInt32LE(40)]).toEqual([200, sound.length - 44]);
    const drawn = JSON.stringify({ model, prompt: "warm" });
    const job = await fleet.call("/v1/images/generations", { method: "POST", headers, body: drawn });
    expect(job.status).toBe(202);
    const { id } = (await job.json()) as { readonly id: string };
    const ended = await fleet.call(`/v1/jobs/${id}`, { headers: { prefer: "wait=60" } });
    expect(await ended.json()).toMatchObject({ status: "completed" });
  });

  test("speech that is cut is a broken transfer, and no short sound", async () => {
    for (const simulator of fleet.simulators.values()) {
      simulator.setFault({ kind: "die_after_bytes", bytes: 10_000, times: 1 });
    }
    const input = "Where is the warm path? ".repeat(20);
    const response = await openaiOf(fleet).audio.speech.create({ model, voice: "alloy", input });
    await expect(response.arrayBuffer()).rejects.toThrow();
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
  });

  test("speech comes as events where that is asked for", async () => {
    const asked = { model, voice: "alloy", input: "Where is it?", stream_format: "sse" } as const;
    const response = await openaiOf(fleet).audio.speech.create(asked);
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(
      ([, data = ""]) => JSON.parse(data) as { readonly type: string; readonly audio?: string },
    );
    expect(events.at(-1)?.type).toBe("speech.audio.done");
    const sound = Buffer.concat(events.map(({ audio = "" }) => Buffer.from(audio, "base64")));
    expect(sound.readUInt32LE(40)).toBe(sound.length - 44);
  });

  test("moderations are the endpoint's", async () => {
    const { results } = await openaiOf(fleet).moderations.create({ model, input: ["a warm path", "I will kill it"] });
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true]);
  });
});

describe("with plain HTTP", () => {
  test.each(["/v1/rerank", "/v2/rerank", "/rerank"])("%s brings the documents in order", async (path) => {
    const documents = ["a cold road", { text: "the warm path" }, "warm"];
    const { status, body } = await json(path, { model, query: "warm path", documents, top_n: 2 });
    expect(status).toBe(200);
    expect((body["results"] as readonly { readonly index: number }[]).map(({ index }) => index)).toEqual([1, 2]);
  });

  test("scores say how near texts are", async () => {
    const { body } = await json("/v1/score", { model, text_1: "warm path", text_2: ["warm path", "cold"] });
    expect((body["data"] as readonly { readonly score: number }[]).map(({ score }) => score)).toEqual([1, 0]);
  });

  test("what was made tokens is made a text again", async () => {
    const { body } = await json("/v1/tokenize", { model, prompt: "the warm päth" });
    const back = await json("/v1/detokenize", { model: "usual", tokens: body["tokens"] });
    expect([body["count"], back.body]).toEqual([4, { prompt: "the warm päth" }]);
  });

  test("a path that the config declares is the config's", async () => {
    const { body } = await json("/detokenize", { tokens: [1] });
    expect(body["path"]).toBe("/echo");
    expect((await json("/tokenize", { model, prompt: "x" })).body["count"]).toBe(1);
  });

  test.each([
    ["no model", "/v1/rerank", { query: "x", documents: ["x"] }, 400, "model is required."],
    ["another model", "/v1/audio/speech", { model: "other", input: "x", voice: "v" }, 404, "No pool serves"],
    ["no object", "/v1/moderations", ["x"], 400, "must be a JSON object"],
    ["too many pictures", "/v1/images/generations", { model, prompt: "x", n: 129 }, 400, "n may be at most 128"],
  ])("%s is refused in OpenAI's form", async (_, path, body, status, says) => {
    const refused = await json(path, body);
    expect(refused.status).toBe(status);
    expect((refused.body["error"] as { readonly message: string }).message).toContain(says);
  });

  test("/v2/rerank is refused in OpenAI's form, and not in Runpod's", async () => {
    const refused = await json("/v2/rerank", { model: "other", query: "x", documents: ["x"] });
    expect([refused.status, typeof refused.body["error"]]).toEqual([404, "object"]);
  });

  test("GET is refused with what is allowed", async () => {
    const response = await fleet.call("/v1/moderations");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("the input rails read", () => {
  test.each([
    ["a picture's prompt", "/v1/images/generations", { prompt: SECRET }],
    ["what is to be said", "/v1/audio/speech", { voice: "alloy", input: SECRET }],
    ["how it is to be said", "/v1/audio/speech", { voice: "alloy", input: "x", instructions: SECRET }],
    ["what is to be judged", "/v1/moderations", { input: ["x", SECRET] }],
    ["a query", "/v1/rerank", { query: SECRET, documents: ["x"] }],
    ["a document", "/v2/rerank", { query: "x", documents: ["x", { text: SECRET }] }],
    ["a scored text", "/v1/score", { text_1: "x", text_2: ["x", SECRET] }],
    ["a text to be counted", "/tokenize", { messages: [{ role: "user", content: SECRET }] }],
  ])("%s", async (_, path, body) => {
    const { status, body: said } = await json(path, { model, ...body });
    expect([status, (said["error"] as { readonly code?: string }).code]).toEqual([400, "blocked_by_guardrail"]);
  });
});

describe("what one endpoint fails at another one answers", () => {
  test.each([
    ["/v1/rerank", { query: "x", documents: ["x"] }],
    ["/v1/images/generations", { prompt: "x" }],
    ["/v1/audio/speech", { voice: "alloy", input: "x" }],
    ["/v1/tokenize", { prompt: "x" }],
  ])("%s", async (path, body) => {
    const asked = async (): Promise<string> => {
      const answer = await post(path, { model, ...body });
      await answer.arrayBuffer();
      expect(answer.status).toBe(200);
      return answer.headers.get("x-warmpath-endpoint") ?? "";
    };
    const nearest = await asked();
    const { stats, setFault } = fleet.simulator(nearest);
    const before = stats.requests;
    setFault({ kind: "status", status: 500, times: 1 });
    // Until the one that fails was asked: two on one machine are nearly as near.
    for (let times = 0; stats.requests === before; times += 1) {
      expect(times).toBeLessThan(200);
      await asked();
    }
  });
});
