import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstNonEmptyToken } from "../../../src/dispatch/core/token-timing.ts";

describe("the first non-empty token", () => {
  const chunk = (delta: unknown): string =>
    JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta }] });

  test.each([
    { name: "content", data: chunk({ content: "Hi" }) },
    { name: "a space", data: chunk({ content: " " }) },
    { name: "role and content together", data: chunk({ role: "assistant", content: "H" }) },
    { name: "reasoning_content", data: chunk({ content: null, reasoning_content: "so" }) },
    { name: "reasoning", data: chunk({ content: "", reasoning: "so" }) },
    { name: "a refusal", data: chunk({ refusal: "No" }) },
    { name: "tool call arguments", data: chunk({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }) },
    {
      name: "a tool call's name",
      data: chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: "" } }] }),
    },
    { name: "a legacy function call", data: chunk({ function_call: { arguments: "{" } }) },
    { name: "completion text", data: JSON.stringify({ choices: [{ text: "x" }] }) },
    {
      name: "the second choice",
      data: JSON.stringify({ choices: [{ delta: { role: "assistant" } }, { delta: { content: "x" } }] }),
    },
    { name: "a vendor's text delta", data: chunk({ text: "x" }) },
  ])("is in a chunk with $name", ({ data }) => {
    expect(firstNonEmptyToken(data)).toBe(true);
  });

  test.each([
    { name: "a role-only chunk", data: chunk({ role: "assistant" }) },
    { name: "a role with empty content", data: chunk({ role: "assistant", content: "" }) },
    { name: "null content", data: chunk({ content: null, reasoning_content: null, tool_calls: null }) },
    {
      name: "an empty delta with a finish reason",
      data: JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }] }),
    },
    {
      name: "an empty tool call",
      data: chunk({ tool_calls: [{ index: 0, id: "c", function: { arguments: "" } }, null, 7] }),
    },
    { name: "empty completion text", data: JSON.stringify({ choices: [{ text: "" }] }) },
    { name: "a usage chunk", data: JSON.stringify({ choices: [], usage: { total_tokens: 3 } }) },
    { name: "an error", data: JSON.stringify({ error: { message: "no" } }) },
    { name: "the end mark", data: "[DONE]" },
    { name: "nothing", data: "" },
    { name: "half of a chunk", data: '{"choices":[{"delta":{"content":"a' },
    { name: "wrong shapes", data: '{"choices":{"0":{"delta":{"content":"a"}}}}' },
    { name: "a number as content", data: chunk({ content: 5 }) },
    { name: "an array as the chunk", data: '[{"choices":[{"delta":{"content":"a"}}]}]' },
    { name: "null", data: "null" },
    { name: "a text as the delta", data: chunk("content") },
    { name: "a hundred thousand brackets", data: "[".repeat(100_000) },
  ])("is not in $name", ({ data }) => {
    expect(firstNonEmptyToken(data)).toBe(false);
  });

  test("is decided without a throw for any text and any JSON", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"choices":[{"delta":${json}},${json}]}`),
        ),
        (data) => {
          expect(typeof firstNonEmptyToken(data)).toBe("boolean");
        },
      ),
    );
  });
});
