/** What `warmpath init` makes of what servers said, and of another gateway's config. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { draftConfig, type DraftServer, poolId } from "../../../tools/cli/init/config-draft.ts";
import { readLitellm } from "../../../tools/cli/init/litellm.ts";
import { type Answers, type Seen, serverOf } from "../../../tools/cli/init/server-kind.ts";

const NOTHING: Seen = { status: 404, json: null };

const answers = (given: Partial<Answers>): Answers => ({
  models: NOTHING,
  health: NOTHING,
  props: NOTHING,
  ollama: NOTHING,
  sglang: NOTHING,
  ...given,
});

const ok = (json: unknown): Seen => ({ status: 200, json });
const listed = (...models: readonly object[]): Seen => ok({ object: "list", data: models });

const KEY = { id: "owner", tenant: "me", hmac: "a".repeat(64), scopes: ["infer"] };
const OPTIONS = { place: { lat: 50, lon: 8 }, model: "my-model" };

const server = (url: string, models: readonly string[], more: Partial<DraftServer> = {}): DraftServer => ({
  ...serverOf(url, answers({ models: listed(...models.map((id) => ({ id }))) })),
  keyEnv: null,
  alias: null,
  ...more,
});

describe("a server", () => {
  test.each([
    ["vLLM", answers({ models: listed({ id: "m", owned_by: "vllm" }) })],
    ["SGLang", answers({ models: listed({ id: "m", owned_by: "sglang" }) })],
    ["SGLang", answers({ models: listed({ id: "m" }), sglang: ok({ model_path: "m" }) })],
    ["llama.cpp", answers({ models: listed({ id: "m", owned_by: "llamacpp" }), props: ok({ total_slots: 4 }) })],
    ["Ollama", answers({ models: listed({ id: "m", owned_by: "library" }) })],
    [null, answers({ models: listed({ id: "m", owned_by: "somebody" }) })],
  ])("is told to be %s", (engine, seen) => {
    expect(serverOf("http://a", seen)).toMatchObject({ engine, state: "ready", models: ["m"] });
  });

  test("says how many slots it has, or it is not known", () => {
    expect(serverOf("http://a", answers({ props: ok({ total_slots: 4 }) })).slots).toBe(4);
    for (const total_slots of [0, -1, 1.5, "4", null]) {
      expect(serverOf("http://a", answers({ props: ok({ total_slots }) })).slots).toBeNull();
    }
  });

  test("that lists an adapter is not thought to serve a second model", () => {
    const seen = answers({ models: listed({ id: "base" }, { id: "lora", parent: "base" }) });
    expect(serverOf("http://a", seen).models).toEqual(["base"]);
  });

  test.each([
    ["silent", answers({ models: { status: null, json: null, why: "refused" } })],
    ["wants_key", answers({ models: { status: 401, json: null } })],
    ["loading", answers({ models: { status: 503, json: null } })],
    ["no_models", answers({ models: ok({ data: "no list" }) })],
    ["no_models", answers({ models: ok([1]) })],
  ] as const)("that serves no model yet is %s", (state, seen) => {
    expect(serverOf("http://a", seen)).toMatchObject({ state, models: [] });
  });
});

describe("the first config", () => {
  test("has a pool for the servers of one model, and is right", () => {
    const draft = draftConfig([server("http://a", ["org/M"]), server("http://b", ["org/M"])], KEY, OPTIONS);
    const config = parseConfig(draft.text);
    expect(config).toMatchObject({ ok: true });
    if (!config.ok) return;
    expect([...config.value.pools.values()].map(({ id, models, endpoints }) => [id, models, endpoints.length])).toEqual(
      [["m", ["org/M"], 2]],
    );
  });

  test("gives a model that two pools would have to the first, and says so", () => {
    const draft = draftConfig([server("http://a", ["x", "y"]), server("http://b", ["y", "z"])], KEY, OPTIONS);
    expect(parseConfig(draft.text)).toMatchObject({ ok: true });
    expect(draft.models).toEqual(["x", "y", "z"]);
    expect(draft.notes).toEqual(["y: served by two pools, kept in the first"]);
  });

  test("names a model for servers that do not say, and tells which they are", () => {
    const silent = server("https://abc.api.runpod.ai", [], { keyEnv: "RUNPOD_API_KEY", backend: "runpod-lb" });
    const draft = draftConfig([silent], KEY, OPTIONS);
    const config = parseConfig(draft.text);
    expect(config.ok && config.value.poolIdByModel.get("my-model")).toBe("my-model");
    expect(draft.notes).toHaveLength(1);
  });

  test("sends a server its own name where clients use another", () => {
    const draft = draftConfig([server("http://a", ["org/M"], { alias: "gpt" })], KEY, OPTIONS);
    const config = parseConfig(draft.text);
    expect(config.ok && config.value.pools.get("gpt")?.endpoints[0]?.model).toBe("org/M");
  });

  test("has ids that are right for every name that a model may have", () => {
    const names = ["A/B C", "///", "ünï", "x".repeat(300), "-a", "a", "A"];
    const draft = draftConfig(
      names.slice(0, 3).map((name, index) => server(`http://h${index}`, [name])),
      KEY,
      OPTIONS,
    );
    expect(new Set(names.map(poolId).map((id) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)))).toEqual(new Set([true]));
    expect(draft.text).toContain('"b-c"');
  });
});

describe("a LiteLLM config", () => {
  const text = `
model_list:
  - model_name: gpt-4o
    litellm_params: { model: azure/gpt-4o, api_base: https://x.azure.example, api_key: os.environ/AZURE }
  - model_name: llama
    litellm_params: { model: hosted_vllm/meta-llama/Llama-3.1-8B, api_base: "http://10.0.0.1:8000/v1", api_key: os.environ/VLLM_KEY, rpm: 60 }
  - model_name: llama
    litellm_params: { model: openai/meta-llama/Llama-3.1-8B, api_base: "http://10.0.0.2:8000/v1/", api_key: none }
  - model_name: written
    litellm_params: { model: openai/x, api_base: "http://10.0.0.3:8000", api_key: sk-live-key }
  - model_name: claude
    litellm_params: { model: anthropic/claude }
  - 7
router_settings: { routing_strategy: least-busy }
`;

  test("comes to endpoints by their model's name, and what has no counterpart is told", () => {
    const imported = readLitellm(parse(text));
    const found = imported?.servers.map(({ url, models, alias, keyEnv }) => [url, models, alias, keyEnv]);
    expect(found).toEqual([
      ["http://10.0.0.1:8000", ["meta-llama/Llama-3.1-8B"], "llama", "VLLM_KEY"],
      ["http://10.0.0.2:8000", ["meta-llama/Llama-3.1-8B"], "llama", null],
      ["http://10.0.0.3:8000", ["x"], "written", "GPU_KEY"],
    ]);
    const notes = imported?.notes.join("\n") ?? "";
    for (const word of ["azure", "api_base", "rpm", "not copied", "model_list[5]", "routing_strategy"])
      expect(notes).toContain(word);
    expect(notes).not.toContain("sk-live-key");
  });

  test("makes a config that is right, and holds no secret", () => {
    const { servers = [] } = readLitellm(parse(text)) ?? {};
    const draft = draftConfig(servers, KEY, OPTIONS);
    expect(parseConfig(draft.text)).toMatchObject({ ok: true });
    expect(draft.text).not.toContain("sk-live-key");
  });

  test.each([[null], [[]], ["text"], [{}], [{ model_list: {} }]])("is not taken for one: %j", (parsed) => {
    expect(readLitellm(parsed)).toBeNull();
  });
});
