import { describe, expect, test } from "vitest";
import {
  readGuardAnswer,
  readModerationAnswer,
  readWebhookAnswer,
  WEBHOOK_SPANS_MAX,
} from "../../../src/rails/core/outside-answers.ts";
import type { RailInput } from "../../../src/rails/core/rail.ts";

const input: RailInput = {
  parts: [{ path: "prompt", role: "user", text: "0123456789" }],
  messageCount: 0,
  unseen: [],
};
const span = { path: "prompt", start: 2, end: 4, type: "name" };

describe("a webhook's answer", () => {
  const read = (answer: unknown) => readWebhookAnswer(answer, input, "hook");

  test("gives its spans and its codes, and drops reasons that are no codes", () => {
    expect(read({ verdict: "redact", spans: [span], reasons: ["name", 4, "a\nb", "x".repeat(65)] })).toEqual({
      verdict: "redact",
      findings: {
        spans: new Map([["prompt", [{ start: 2, end: 4, type: "name" }]]]),
        reasons: ["hook:name"],
      },
    });
  });

  test.each([
    ["null", null],
    ["a list", []],
    ["no verdict", {}],
    ["an unknown verdict", { verdict: "ALLOW" }],
    ["a redaction of nothing", { verdict: "redact" }],
    ["spans that are no list", { verdict: "flag", spans: {} }],
    ["a span in another text", { verdict: "flag", spans: [{ ...span, path: "other" }] }],
    ["a span beyond the text", { verdict: "flag", spans: [{ ...span, end: 11 }] }],
    ["an empty span", { verdict: "flag", spans: [{ ...span, end: 2 }] }],
    ["a span at no whole number", { verdict: "flag", spans: [{ ...span, start: 0.5 }] }],
    ["a long replacement", { verdict: "redact", spans: [{ ...span, replacement: "x".repeat(201) }] }],
    ["too many spans", { verdict: "redact", spans: Array.from({ length: WEBHOOK_SPANS_MAX + 1 }, () => span) }],
  ])("is none if it is %s", (_, answer) => {
    expect(() => read(answer)).toThrow();
  });

  test("may have as many spans as the bound", () => {
    const spans = Array.from({ length: WEBHOOK_SPANS_MAX }, () => span);
    expect(read({ verdict: "redact", spans }).findings.spans.get("prompt")).toHaveLength(WEBHOOK_SPANS_MAX);
  });
});

describe("a moderation service's answer", () => {
  const result = { flagged: true, categories: { hate: true, violence: false }, category_scores: { hate: 0.4 } };

  test("is what it calls flagged, with the categories", () => {
    expect(readModerationAnswer({ results: [result] }, 1, null).findings.reasons).toEqual([
      "moderation:flagged",
      "moderation:hate",
    ]);
  });

  test("is what reaches the config's thresholds, whatever it calls flagged", () => {
    expect(readModerationAnswer({ results: [result] }, 1, { hate: 0.41 }).verdict).toBe("allow");
    expect(readModerationAnswer({ results: [{ ...result, flagged: false }] }, 1, { hate: 0.4 }).verdict).toBe("block");
  });

  test.each([
    ["no results", {}, null],
    ["fewer results than texts", { results: [result] }, null],
    ["a result that says nothing", { results: [{}, result] }, null],
    ["no score for a category of the config", { results: [result, result] }, { spam: 0.5 }],
  ])("is none with %s", (_, answer, thresholds) => {
    expect(() => readModerationAnswer(answer, 2, thresholds)).toThrow();
  });
});

describe("what a guard says", () => {
  test.each([
    ["safe", { response: "safe" }, null, "allow", []],
    ["a code", { response: "\n\nunsafe\nS1" }, null, "block", ["llama-guard:S1"]],
    ["codes", { response: "unsafe\nS9,S1" }, null, "block", ["llama-guard:S1", "llama-guard:S9"]],
    ["no code", { response: "unsafe" }, null, "block", ["llama-guard:unsafe"]],
    ["a code that does not count", { response: "unsafe\nS6" }, ["S1"], "allow", []],
    ["an object", { response: { safe: false, categories: ["S2"] } }, null, "block", ["llama-guard:S2"]],
    ["a completion", { choices: [{ message: { content: "safe" } }] }, null, "allow", []],
  ])("%s", (_, answer, counted, verdict, reasons) => {
    const said = readGuardAnswer(answer, counted);
    expect([said.verdict, said.findings.reasons]).toEqual([verdict, reasons]);
  });

  test.each([null, {}, { response: "" }, { response: "safe, I think" }, { choices: [] }, { response: "unsafely" }])(
    "is nothing that can be believed: %j",
    (answer) => {
      expect(() => readGuardAnswer(answer, null)).toThrow();
    },
  );
});
