import { describe, expect, test } from "vitest";
import { LISTED_MAX, listedModels, onlyModel } from "../../src/wire/listed-models.ts";
import { MODEL_CHARS_MAX } from "../../src/wire/openai.ts";

const NOW_S = 1_800_000_000;
const read = (...data: unknown[]) => listedModels(JSON.stringify({ object: "list", data }), NOW_S);
const first = (model: object) => read({ id: "m", ...model })?.[0];

describe("what an endpoint lists", () => {
  test.each([
    ["vLLM", { max_model_len: 32_768 }, 32_768],
    ["OpenRouter", { context_length: 131_072 }, 131_072],
    ["Groq", { context_window: 8_192 }, 8_192],
    ["Mistral", { max_context_length: 4_096 }, 4_096],
    ["LM Studio", { loaded_context_length: 2_048, max_context_length: 0 }, 2_048],
    ["llama.cpp", { meta: { n_ctx: 16_384, n_ctx_train: 131_072 } }, 16_384],
    ["llama.cpp of before", { meta: { n_ctx_train: 131_072 } }, null],
    ["Ollama", { owned_by: "library" }, null],
    ["a text for a number", { max_model_len: "32768" }, null],
    ["no whole number", { max_model_len: 1.5 }, null],
    ["nothing", { max_model_len: null }, null],
  ])("has its context by %s's word", (_, said, contextTokens) => {
    expect(first(said)?.contextTokens).toBe(contextTokens);
  });

  test.each([
    [NOW_S - 61, NOW_S - 61],
    [NOW_S - 59, null],
    [NOW_S, null],
    [NOW_S + 5, null],
    [0, null],
    [undefined, null],
  ])("was made at %s, unless that is when it was asked", (created, createdAtS) => {
    expect(first({ created })?.createdAtS).toBe(createdAtS);
  });

  test.each(["", "no JSON", "[]", '{"data":{}}', '{"models":[]}', "null", "7"])("is no list: %s", (text) => {
    expect(listedModels(text, NOW_S)).toBeNull();
  });

  test("has what is a model, and leaves out what is none", () => {
    const long = "x".repeat(MODEL_CHARS_MAX);
    const ids = read(null, 7, {}, { id: 7 }, { id: "" }, { id: `${long}y` }, { id: long }, { id: "a" })?.map(
      ({ id }) => id,
    );
    expect(ids).toEqual([long, "a"]);
  });

  test.each([LISTED_MAX, LISTED_MAX + 1])("is read up to its bound: %i", (count) => {
    expect(read(...Array.from({ length: count }, (_, index) => ({ id: `m${index}` })))).toHaveLength(LISTED_MAX);
  });

  test.each([
    ["the only one", [{ id: "a", root: "a", parent: null }], "a"],
    ["the first name of one", [{ id: "a" }, { id: "b", root: "a" }], "a"],
    ["the one beside its adapters", [{ id: "lora", root: "/l", parent: "a" }, { id: "a" }], "a"],
    ["none of two", [{ id: "a" }, { id: "b" }], undefined],
    ["none", [], undefined],
  ])("means %s", (_, data, id) => {
    expect(onlyModel(read(...data) ?? [])?.id).toBe(id);
  });
});
