import { describe, expect, test } from "vitest";
import { redactAnswer } from "../../../../src/rails/core/stream/answer-redact.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import type { StreamFormatName } from "../../../../src/rails/core/stream/stream-events.ts";
import { GITHUB_KEY, SETS } from "./stream-support.ts";

const scanners = SETS["all"] ?? [];
const K = GITHUB_KEY;
const R = "[REDACTED:github_token]";

const CASES: readonly { format: StreamFormatName; body: unknown; shown: unknown }[] = [
  {
    format: "chat",
    body: {
      id: "c",
      choices: [
        {
          index: 0,
          logprobs: { content: [{ token: K }] },
          message: {
            content: K,
            reasoning_content: K,
            refusal: null,
            tool_calls: [{ function: { name: "f", arguments: `{"k":"${K}\\n"}` } }],
          },
        },
      ],
    },
    shown: {
      id: "c",
      choices: [
        {
          index: 0,
          logprobs: null,
          message: {
            content: R,
            reasoning_content: R,
            refusal: null,
            tool_calls: [{ function: { name: "f", arguments: `{"k":"${R}\\n"}` } }],
          },
        },
      ],
    },
  },
  {
    format: "chat",
    body: { choices: [{ message: { content: [{ type: "text", text: K }] } }] },
    shown: { choices: [{ message: { content: [{ type: "text", text: R }] } }] },
  },
  {
    format: "completions",
    body: { choices: [{ text: `use ${K}` }, { text: "ok" }] },
    shown: { choices: [{ text: `use ${R}` }, { text: "ok" }] },
  },
  {
    format: "responses",
    body: {
      output: [
        { type: "message", content: [{ type: "output_text", text: K }] },
        { type: "function_call", arguments: `{"k":"${K}"}` },
        { type: "reasoning", summary: [{ text: K }] },
      ],
    },
    shown: {
      output: [
        { type: "message", content: [{ type: "output_text", text: R }] },
        { type: "function_call", arguments: `{"k":"${R}"}` },
        { type: "reasoning", summary: [{ text: R }] },
      ],
    },
  },
  {
    format: "anthropic",
    body: {
      content: [
        { type: "text", text: K },
        { type: "thinking", thinking: K },
        { type: "tool_use", name: "f", input: { k: [K], card: 4111111111111111, n: 1 } },
      ],
    },
    shown: {
      content: [
        { type: "text", text: R },
        { type: "thinking", thinking: R },
        { type: "tool_use", name: "f", input: { k: [R], card: 1111111111111111, n: 1 } },
      ],
    },
  },
];

describe.each(CASES)("an answer of $format", ({ format, body, shown }) => {
  test("has every generated text redacted, and the one given is not changed", () => {
    const before = JSON.stringify(body);
    const result = redactAnswer(body, { format, scanners });
    expect(result.body).toEqual(shown);
    expect(result.blocked).toBeNull();
    expect(result.record.verdict).toBe("redact");
    expect(JSON.stringify(body)).toBe(before);
  });

  test("is blocked as a whole", () => {
    const result = redactAnswer(body, { format, scanners: [secretsScanner("block")] });
    expect(result.blocked).toEqual({ rail: "secrets", reasons: ["secrets:github_token"] });
  });

  test("is the same object when nothing is found", () => {
    expect(redactAnswer(shown, { format, scanners: [secretsScanner("redact")] }).body).toBe(shown);
  });
});

test.each([null, [], "text", 3, {}, { choices: "no" }, { choices: [null, { message: 3 }] }])(
  "%j passes as it is",
  (body) => {
    for (const format of ["chat", "completions", "responses", "anthropic"] as const) {
      expect(redactAnswer(body, { format, scanners }).body).toBe(body);
    }
  },
);
