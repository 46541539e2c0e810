import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as openai from "../../src/wire/openai.ts";

const chat = "/v1/chat/completions";

describe("a body is read for", () => {
  test.each<[string, unknown, openai.InferencePath, Partial<openai.InferenceRequest>]>([
    ["the model", { model: "m" }, chat, { model: "m", stream: false, maxTokens: null }],
    ["stream", { model: "m", stream: true }, chat, { stream: true }],
    ["stream null", { model: "m", stream: null }, chat, { stream: false }],
    ["max_tokens", { model: "m", max_tokens: 5 }, chat, { maxTokens: 5 }],
    ["a limit as a text", { model: "m", max_tokens: "5" }, chat, { maxTokens: 5 }],
    [
      "a limit of 15 digits as a text",
      { model: "m", max_tokens: "999999999999999" },
      chat,
      { maxTokens: 999999999999999 },
    ],
    ["no limit when it is negative, as a text", { model: "m", max_tokens: "-1" }, chat, { maxTokens: null }],
    ["max_completion_tokens first", { model: "m", max_tokens: 5, max_completion_tokens: 7 }, chat, { maxTokens: 7 }],
    [
      "max_tokens when the new name is null",
      { model: "m", max_tokens: 5, max_completion_tokens: null },
      chat,
      { maxTokens: 5 },
    ],
    ["no limit when it is negative", { model: "m", max_tokens: -1 }, chat, { maxTokens: null }],
    [
      "max_output_tokens of responses",
      { model: "m", max_output_tokens: 9, max_tokens: 1 },
      "/v1/responses",
      { maxTokens: 9 },
    ],
    ["max_tokens of messages", { model: "m", max_tokens: 9 }, "/v1/messages", { maxTokens: 9 }],
    ["no limit of a rank", { model: "m", max_tokens: 9 }, "/v1/rerank", { maxTokens: null }],
    ["events of speech", { model: "m", stream_format: "sse" }, "/v1/audio/speech", { stream: true }],
    ["bytes of speech", { model: "m", stream_format: "audio" }, "/v1/audio/speech", { stream: false }],
    ["no events of chat", { model: "m", stream_format: "sse" }, "/v1/chat/completions", { stream: false }],
    ["no limit of embeddings", { model: "m", max_tokens: 9 }, "/v1/embeddings", { maxTokens: null }],
    ["the longest model name", { model: "m".repeat(openai.MODEL_CHARS_MAX) }, chat, {}],
  ])("%s", (_, body, path, expected) => {
    expect(openai.readInferenceBody(body, path)).toMatchObject({ ok: true, value: expected });
  });

  test.each<[string, unknown, string | null]>([
    ["null", null, null],
    ["a list", [], null],
    ["a string", "{}", null],
    ["no model", {}, "model"],
    ["model null", { model: null }, "model"],
    ["a model that is a number", { model: 5 }, "model"],
    ["an empty model", { model: "" }, "model"],
    ["a model that is too long", { model: "m".repeat(openai.MODEL_CHARS_MAX + 1) }, "model"],
    ["stream as a string", { model: "m", stream: "true" }, "stream"],
    ["a limit in words", { model: "m", max_tokens: "five" }, "max_tokens"],
    ["a limit as an empty text", { model: "m", max_tokens: "" }, "max_tokens"],
    ["half a token as a text", { model: "m", max_tokens: "0.5" }, "max_tokens"],
    ["a limit of 16 digits as a text", { model: "m", max_tokens: "1000000000000000" }, "max_tokens"],
    ["half a token", { model: "m", max_completion_tokens: 0.5 }, "max_completion_tokens"],
  ])("%s is refused, and the member is named", (_, body, param) => {
    expect(openai.readInferenceBody(body, chat)).toMatchObject({
      ok: false,
      error: { param, problem: expect.stringMatching(/\.$/) },
    });
  });

  test("any value is answered, never thrown at", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...openai.INFERENCE_PATHS), (body, path) => {
        expect(typeof openai.readInferenceBody(body, path).ok).toBe("boolean");
      }),
    );
  });
});

test.each([
  [0, 0],
  [1, 1],
  [4, 1],
  [5, 2],
  [4_194_304, 1_048_576],
])("%d bytes are about %d tokens", (bytes, tokens) => {
  expect(openai.inputTokensEstimate(bytes)).toBe(tokens);
});

test("of a pool that the path has named needs no model where no answer is written in tokens", () => {
  const named = { model: null, stream: false, maxTokens: null };
  expect(openai.readInferenceBody({ query: "x" }, "/v1/rerank", true)).toEqual({ ok: true, value: named });
  expect(openai.readInferenceBody({ query: "x" }, "/v1/rerank", false)).toMatchObject({ ok: false });
  expect(openai.readInferenceBody({ messages: [] }, "/v1/chat/completions", true)).toMatchObject({ ok: false });
  expect(openai.readInferenceBody({ model: "" }, "/v1/rerank", true)).toMatchObject({ ok: false });
});
