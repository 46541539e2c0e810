import { describe, expect, test } from "vitest";
import { addUsage } from "../../../src/dispatch/core/realtime-usage.ts";

const done = (usage: unknown): string => JSON.stringify({ type: "response.done", response: { id: "r", usage } });

describe("what messages of Realtime say of tokens", () => {
  test("answers are added up, with what was cached", () => {
    const one = addUsage(null, done({ input_tokens: 6, output_tokens: 3, input_token_details: { cached_tokens: 2 } }));
    expect(addUsage(one, done({ input_tokens: 10, output_tokens: 1 }))).toEqual({
      promptTokens: 16,
      cachedTrue: 2,
      outputTokens: 4,
    });
  });

  test("a transcription counts its own", () => {
    const type = "conversation.item.input_audio_transcription.completed";
    const text = JSON.stringify({ type, usage: { type: "tokens", input_tokens: 5, output_tokens: 4 } });
    expect(addUsage(null, text)).toMatchObject({ promptTokens: 5, outputTokens: 4 });
  });

  test.each([
    ["another event", JSON.stringify({ type: "session.created", usage: { input_tokens: 5 } })],
    ["no JSON", '{"usage" and more'],
    ["a list", '["usage"]'],
    ["an answer without any", done(null)],
    ["null", 'null "usage"'],
    ["what is longer than any that counts", `${" ".repeat(1_048_576)}${done({ input_tokens: 5 })}`],
  ])("%s adds nothing", (_name, text) => {
    const sum = { promptTokens: 1, cachedTrue: 0, outputTokens: 1 };
    expect(addUsage(sum, text)).toBe(sum);
  });

  test.each([-1, 1e12, "7", null, Number.NaN, { toString: 1 }])("%j is no count", (input_tokens) => {
    expect(addUsage(null, done({ input_tokens, output_tokens: 2 }))).toMatchObject({
      promptTokens: 0,
      outputTokens: 2,
    });
  });
});
