import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APIUserAbortError, NotFoundError } from "openai";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace, openaiAt, openaiOf } from "../support/openai.ts";

/** Ten milliseconds a token: fast, and slow enough that a long answer is still under way when a client leaves. */
const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10 };

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine } },
      { id: "eu-a", region: "eu-west", simulator: { engine } },
    ],
    // A busy machine must not make the router decide alone: these tests look at the shard's decisions.
    pool: { models: ["test-model", "org/test-model-alias"], patienceMs: 5_000 },
  });
});
afterAll(() => fleet.close());

const question = {
  model: "test-model",
  max_tokens: 24,
  messages: [{ role: "user" as const, content: "Where is the warm path?" }],
};

describe("through the router the openai package sees what the endpoint sent", () => {
  test("a whole answer", async () => {
    const direct = await openaiAt(fleet.simulator("us-a").url).chat.completions.create(question);
    const routed = await openaiOf(fleet).chat.completions.create(question);
    expect(routed.choices).toEqual(direct.choices);
    expect(routed.usage).toEqual(direct.usage);
    expect(routed.choices[0]?.message.content?.length).toBeGreaterThan(20);
  });

  test("a stream, chunk by chunk, with its usage at the end", async () => {
    const streamed = { ...question, stream: true as const, stream_options: { include_usage: true } };
    const collect = async (client: ReturnType<typeof openaiAt>) => {
      const chunks = [];
      for await (const { choices, usage } of await client.chat.completions.create(streamed)) {
        chunks.push({ choices, usage });
      }
      return chunks;
    };
    const routed = await collect(openaiOf(fleet));
    expect(routed).toEqual(await collect(openaiAt(fleet.simulator("us-a").url)));
    expect(routed.at(-2)?.choices[0]?.finish_reason).toBe("length");
    expect(routed.at(-1)?.usage?.completion_tokens).toBe(question.max_tokens);
  });

  test("a stream arrives while it is made, not at its end", async () => {
    const stream = await openaiOf(fleet).chat.completions.create({ ...question, max_tokens: 5_000, stream: true });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    expect(fleet.simulator("us-a").stats.activeRequests).toBe(1);
    stream.controller.abort();
    await fleet.until(
      async () => fleet.simulator("us-a").stats.activeRequests,
      (active) => active === 0,
    );
  });

  test("a completion", async () => {
    const request = { model: "test-model", prompt: "Once upon a time", max_tokens: 8 };
    const direct = await openaiAt(fleet.simulator("us-a").url).completions.create(request);
    const routed = await openaiOf(fleet).completions.create(request);
    expect(routed.choices).toEqual(direct.choices);
  });

  test.each(["float", "base64"] as const)("embeddings as %s", async (encoding_format) => {
    const request = { model: "test-model", input: ["near", "far"], dimensions: 12, encoding_format };
    const direct = await openaiAt(fleet.simulator("us-a").url).embeddings.create(request);
    const routed = await openaiOf(fleet).embeddings.create(request);
    expect(routed.data).toEqual(direct.data);
    expect(routed.data).toHaveLength(2);
  });
});

describe("models", () => {
  test("the list has every name that selects a pool", async () => {
    const ids = [];
    for await (const { id } of openaiOf(fleet).models.list()) ids.push(id);
    expect(ids).toEqual(["test-model", "org/test-model-alias"]);
  });

  test.each(["test-model", "org/test-model-alias"])("%s is found by its name", async (id) => {
    expect((await openaiOf(fleet).models.retrieve(id)).id).toBe(id);
  });

  test("an unknown one is the package's NotFoundError", async () => {
    await expect(openaiOf(fleet).models.retrieve("nobody/knows-it")).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe("where a request goes", () => {
  test.each([
    ["us-east", "us-a"],
    ["eu-west", "eu-a"],
  ] as const)("a client in %s is served by %s, and the answer says so", async (region, endpointId) => {
    const client = openaiOf(fleet, { place: freshPlace(region) });
    const { response, request_id } = await client.chat.completions.create(question).withResponse();
    expect(response.headers.get("x-warmpath-endpoint")).toBe(endpointId);
    expect(response.headers.get("x-warmpath-region")).toBe(region);
    expect(response.headers.get("x-warmpath-reason")).toBe("nearest_warm");
    expect(response.headers.get("x-warmpath-attempts")).toBe("1");
    expect(Number(response.headers.get("x-warmpath-overhead-ms"))).toBeGreaterThanOrEqual(0);
    expect(response.headers.get("server-timing")).toMatch(/^router;dur=.*, upstream;dur=/);
    expect(request_id).toMatch(/^req_/);
    expect(fleet.simulator(endpointId).stats.dispatchedIds.at(-1)).toBe(request_id);
  });
});

describe("a client that stops reading", () => {
  const long = { ...question, max_tokens: 20_000, stream: true as const };
  const upstream = () => fleet.simulator("us-a").stats;

  test.each([
    ["aborts", (stream: { controller: AbortController }) => stream.controller.abort(), false],
    ["breaks out of its loop", () => {}, true],
  ] as const)("and %s: the endpoint's connection closes within a second, in-flight is 0", async (_, leave, breaks) => {
    const before = upstream().aborted;
    const stream = await openaiOf(fleet).chat.completions.create(long);
    let chunks = 0;
    for await (const chunk of stream) {
      chunks += chunk.choices.length;
      if (chunks === 3) leave(stream);
      if (chunks === 3 && breaks) break;
    }
    await fleet.until(
      async () => upstream().aborted,
      (aborted) => aborted === before + 1,
      1_000,
    );
    expect(upstream().activeRequests).toBe(0);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("a signal that aborts before the answer rejects the call", async () => {
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const leaving = new AbortController();
    const call = openaiOf(fleet).chat.completions.create(question, { signal: leaving.signal });
    const rejected = expect(call).rejects.toBeInstanceOf(APIUserAbortError);
    await fleet.until(
      async () => upstream().activeRequests,
      (active) => active === 1,
    );
    leaving.abort();
    await rejected;
  });
});

describe("the package's own retry", () => {
  test("waits as long as Retry-After says, and then succeeds", async () => {
    for (const id of ["us-a", "eu-a"]) fleet.simulator(id).setFault({ kind: "status", status: 429, times: 1 });
    const client = openaiOf(fleet, { place: freshPlace("us-east"), maxRetries: 1 });
    const answer = await client.chat.completions.create(question);
    expect(answer.choices[0]?.finish_reason).toBe("length");
  });
});
