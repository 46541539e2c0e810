import { describe, expect, test } from "vitest";
import { redactAnswer } from "../../../../src/rails/core/stream/answer-redact.ts";
import { TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../../../../src/rails/core/text/text-bounds.ts";
import { piiScanner } from "../../../../src/rails/detectors/pii/stream-pii.ts";
import { topicsScanner } from "../../../../src/rails/detectors/topics/stream-topics.ts";
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
        { type: "tool_use", name: "f", input: { k: [R], card: 4111111111111111, n: 1 } },
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

describe("a number of an answer", () => {
  const body = {
    content: [{ type: "tool_use", name: "order", input: { id: 4111111111111111 } }],
    total: 4111111111111111,
  };

  test("is never written anew: it is left, and counted as a flag", () => {
    const result = redactAnswer(body, { format: "anthropic", scanners });
    expect(result.body).toBe(body);
    expect(result.record).toMatchObject({ verdict: "flag", findings: [{ rail: "pii", type: "card", count: 2 }] });
  });

  test("is blocked where the rail blocks", () => {
    const { blocked } = redactAnswer({ total: 4111111111111111 }, { format: "any", scanners: [piiScanner("block")] });
    expect(blocked).toEqual({ rail: "pii", reasons: ["pii:card"] });
  });

  test("that is a time, a count or a fraction is none that anybody looks for", () => {
    const answer = { created: 1_764_512_345, usage: { total_tokens: 9_999_999 }, embedding: [0.4111111111111111] };
    expect(redactAnswer(answer, { format: "any", scanners: [piiScanner("block")] }).record.verdict).toBe("allow");
  });
});

describe("beside the texts of its protocol", () => {
  const read = (body: unknown) => redactAnswer(body, { format: "chat", scanners });

  test("every string is read, and the names of members", () => {
    const { body } = read({ [`x ${K}`]: 1, choices: [{ message: { content: "ok", notes: [{ deep: [K] }] } }] });
    expect(body).toEqual({ [`x ${R}`]: 1, choices: [{ message: { content: "ok", notes: [{ deep: [R] }] } }] });
  });

  test("a secret is known by the name before it, as in arguments", () => {
    const { body } = read({ choices: [], state: { db_password: "Tr0ub4dor-8fk2Lq9x" } });
    expect(JSON.stringify(body)).not.toContain("Tr0ub4dor");
  });

  test("a text over the tokens of a list is put together, and the list goes", () => {
    const tokens = (K.match(/.{1,4}/g) ?? []).map((token) => ({ token, logprob: -1 }));
    const { body } = read({ choices: [{ message: { content: "ok" }, logprobs: { content: tokens } }] });
    expect(body).toEqual({ choices: [{ message: { content: "ok" }, logprobs: null }] });
  });

  test("bytes are a text too", () => {
    const bytes = Array.from(K, (char) => char.charCodeAt(0));
    expect(read({ choices: [], tail: bytes }).body).toEqual({ choices: [], tail: [] });
  });

  test.each([
    ["base64", (text: string) => btoa(text)],
    ["hexadecimal", (text: string) => Array.from(text, (char) => char.charCodeAt(0).toString(16)).join("")],
    ["percent signs", (text: string) => Array.from(text, (char) => `%${char.charCodeAt(0).toString(16)}`).join("")],
    ["escapes", (text: string) => Array.from(text, (char) => `\\u00${char.charCodeAt(0).toString(16)}`).join("")],
  ])("what is written in %s is read once", (_, write) => {
    const { body } = read({ choices: [], note: `see ${write(K)} there` });
    expect(body).toEqual({ choices: [], note: `see ${R} there` });
  });

  test("words of the protocol are no texts, and only as long as they are those", () => {
    const banned = [topicsScanner("block", { topics: { words: ["stop", "message", "assistant"] } })];
    const answer = (finish_reason: string) => ({
      choices: [{ message: { role: "assistant", content: "ok" }, finish_reason }],
    });
    expect(redactAnswer(answer("stop"), { format: "chat", scanners: banned }).blocked).toBe(null);
    expect(redactAnswer(answer("assistant"), { format: "chat", scanners: banned }).blocked).not.toBe(null);
  });
});

describe("what cannot be read is told", () => {
  const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => ({ text: inner }), "end");
  const file = btoa(Array.from({ length: 900 }, (_, at) => String.fromCharCode(128 + (at % 100))).join(""));

  test.each([
    ["too_deep", { choices: nested(TEXT_DEPTH_MAX + 1) }],
    ["too_many_parts", { choices: Array.from({ length: TEXT_PARTS_MAX + 1 }, () => "a") }],
    ["media", { choices: [], b64_json: file }],
    ["media", { choices: [{ message: { audio: { data: file } } }] }],
    ["token_ids", { choices: [], prompt_token_ids: [1, 2, 3] }],
  ])("%s", (reason, body) => {
    expect(redactAnswer(body, { format: "any", scanners }).record.unread).toEqual([reason]);
  });

  test.each([
    ["as deep as is read", { choices: nested(TEXT_DEPTH_MAX - 1) }],
    ["as many as are read", { choices: Array.from({ length: TEXT_PARTS_MAX }, () => "a") }],
    ["ids beside their text", { choices: [{ text: "a b", token_ids: [1, 2] }] }],
    ["a vector in base64", { data: [{ embedding: file }] }],
    ["reasoning that was taken out", { content: [{ type: "redacted_thinking", data: file }] }],
    ["a signature", { content: [{ signature: file }] }],
  ])("and nothing else: %s", (_, body) => {
    expect(redactAnswer(body, { format: "any", scanners }).record).toMatchObject({ verdict: "allow", unread: [] });
  });
});
