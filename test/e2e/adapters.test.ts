/** Adapters (LoRA) of a model, each as vLLM has them: listed with their parent, told of in the metrics while they are at work. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { ADAPTER_FETCH_MS, ADAPTER_LOAD_MS } from "../../src/routing/core/cost/terms/adapter.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };
const at = (id: string, loraModules: readonly string[], model: unknown = "base") => ({
  id,
  region: "us-east" as const,
  config: { model, concurrencyPerWorker: 8 },
  simulator: { servedModelNames: ["base"], loraModules, engine },
});

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    keys: [{ id: "other" }],
    endpoints: [
      at("with-sql", ["sql", "style"]),
      at("with-law", ["law-v2", "style"], { chat: "base", law: "law-v2" }),
      at("bare", []),
    ],
    pool: { models: ["chat"], adapters: ["sql", "law", "style", "nowhere"] },
  });
  // Each is looked at, and tells which adapters it lists.
  await fleet.until(
    async () => (await fleet.shards(true)).flatMap(({ status }) => status?.endpoints ?? []),
    (endpoints) => endpoints.length === 3 && endpoints.every(({ adaptersListed }) => adaptersListed !== undefined),
  );
});
afterAll(() => fleet.close());

const ask = async (model: string, stream = false) => {
  const messages = [{ role: "user" as const, content: "x" }];
  const asking = openaiOf(fleet).chat.completions.create({ model, messages, max_tokens: 4, stream: false });
  if (!stream) {
    const { data, response } = await asking.withResponse();
    return { at: response.headers.get("x-warmpath-endpoint"), says: data.model };
  }
  const streamed = openaiOf(fleet).chat.completions.create({ model, messages, max_tokens: 4, stream: true });
  const { data, response } = await streamed.withResponse();
  const names = new Set<string>();
  for await (const chunk of data) names.add(chunk.model);
  return { at: response.headers.get("x-warmpath-endpoint"), says: [...names].join() };
};

describe("a request for an adapter", () => {
  test.each([
    ["sql", "with-sql", false],
    ["sql", "with-sql", true],
    ["law", "with-law", false],
    ["law", "with-law", true],
  ])("%s goes to %s, which lists it, and its answer says its name, stream %s", async (model, endpoint, stream) => {
    for (let nth = 0; nth < 8; nth += 1) expect(await ask(model, stream)).toEqual({ at: endpoint, says: model });
  });

  test("that two have goes to one of them, and to the one whose batch has it while that is so", async () => {
    const seen = new Set<string | null>();
    for (let nth = 0; nth < 12; nth += 1) seen.add((await ask("style")).at);
    expect(seen).not.toContain("bare");
    const leaving = new AbortController();
    const body = { model: "style", messages: [{ role: "user", content: "x" }], max_tokens: 4_000, stream: true };
    const headers = { "content-type": "application/json" };
    const { url } = fleet.simulator("with-law");
    await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    await fleet.until(
      async () => (await fleet.shards(true)).flatMap(({ status }) => status?.endpoints ?? []),
      (endpoints) => endpoints.some(({ id, adapters }) => id === "with-law" && adapters?.includes("style") === true),
    );
    for (let nth = 0; nth < 8; nth += 1) expect((await ask("style")).at).toBe("with-law");
    leaving.abort();
  });

  test("for the model itself is no adapter's, and goes wherever is best", async () => {
    const { at: endpoint, says } = await ask("chat");
    expect([says, ["bare", "with-law", "with-sql"].includes(endpoint ?? "")]).toEqual(["chat", true]);
  });

  test("is explained with what its adapter costs where", async () => {
    const explained = async (model: string) => {
      const response = await fleet.call("/admin/explain", { method: "POST", body: JSON.stringify({ model }) });
      const told = (await response.json()) as { candidates: { endpointId: string; terms: { cold: number } }[] };
      return Object.fromEntries(told.candidates.map(({ endpointId, terms }) => [endpointId, terms.cold]));
    };
    const listedThere = await explained("sql");
    expect(listedThere["bare"]).toBe(ADAPTER_FETCH_MS);
    expect(listedThere["with-sql"]).toBeLessThanOrEqual(ADAPTER_LOAD_MS);
    expect(await explained("chat")).toEqual({ "with-sql": 0, "with-law": 0, bare: 0 });
  });

  test("that no engine has is told in the engine's words", async () => {
    await expect(ask("nowhere")).rejects.toMatchObject({ status: 404, message: /`nowhere` does not exist/ });
  });
});

test("adapters are listed as models, with the model that they are of and its context", async () => {
  const models = await fleet.until(
    async () => (await openaiOf(fleet).models.list()).data as unknown as Readonly<Record<string, unknown>>[],
    (data) => data.every((model) => model["id"] === "nowhere" || model["context_length"] !== undefined),
  );
  expect(models.map(({ id, parent, context_length }) => [id, parent, context_length])).toEqual([
    ["chat", undefined, 32_768],
    ["sql", "chat", 32_768],
    ["law", "chat", 32_768],
    ["style", "chat", 32_768],
    ["nowhere", "chat", undefined],
  ]);
});
