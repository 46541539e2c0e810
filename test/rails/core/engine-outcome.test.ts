import { describe, expect, test } from "vitest";
import { MASK, maskParts, redactBody } from "../../../src/rails/core/engine-outcome.ts";
import { findPii } from "../../../src/rails/detectors/pii/pii.ts";
import { extractTextParts } from "../../../src/rails/core/text/text-parts.ts";
import type { Span } from "../../../src/rails/core/spans.ts";

const span = (text: string, piece: string, fields: Partial<Span> = {}): Span => {
  const start = text.indexOf(piece);
  return { start, end: start + piece.length, rail: "pii", type: "email", action: "redact", ...fields };
};

describe("the body that is sent", () => {
  const one = "write to ann@example.com or bob@example.com";
  const two = "ann@example.com again";
  const body = { messages: [{ content: one }, { content: two }], seed: 1 };
  const input = extractTextParts(body);
  const verdict = (said: "redact" | "flag", more: readonly Span[] = []) => ({
    verdict: said,
    spans: new Map([
      ["messages[0].content", [span(one, "ann@example.com"), span(one, "bob@example.com"), ...more]],
      ["messages[1].content", [span(two, "ann@example.com")]],
    ]),
  });
  const personal = new Set(["pii"]);

  test("has one placeholder for one value, over all its texts, and says what it stands for", () => {
    const { body: sent, originals } = redactBody(body, input, verdict("redact"), personal);
    expect(sent).toEqual({
      messages: [{ content: "write to [EMAIL_1] or [EMAIL_2]" }, { content: "[EMAIL_1] again" }],
      seed: 1,
    });
    expect([...originals]).toEqual([
      ["[EMAIL_1]", "ann@example.com"],
      ["[EMAIL_2]", "bob@example.com"],
    ]);
  });

  test("never gives back what another rail has found as well", () => {
    const spans = new Map([["messages[1].content", [span(two, "ann@example.com", { rail: "pii+secrets" })]]]);
    const { body: sent, originals } = redactBody(body, input, { verdict: "redact", spans }, personal);
    expect(sent).toMatchObject({ messages: [{ content: one }, { content: "[REDACTED:email] again" }] });
    expect(originals.size).toBe(0);
  });

  test("is the same object if nothing is redacted", () => {
    expect(redactBody(body, input, verdict("flag"), personal).body).toBe(body);
  });

  test("keeps what a rail wants in place of its finding", () => {
    const extra = span(one, "write", { rail: "hook", replacement: "WRITE" });
    const { body: sent } = redactBody(body, input, verdict("redact", [extra]), personal);
    expect(sent).toMatchObject({ messages: [{ content: "WRITE to [EMAIL_1] or [EMAIL_2]" }, {}] });
  });
});

test("masked texts are as long as before, and hold nothing of what was found", () => {
  const text = "mail ann@example.com, please";
  const parts = [
    { path: "a", role: "user", text },
    { path: "b", role: "user", text: "nothing" },
  ];
  const spans = new Map([
    ["a", findPii(text).map((found): Span => ({ ...found, rail: "pii", action: "redact" }))],
    ["b", [span("nothing", "no", { action: "flag" })]],
  ]);
  const [masked, untouched] = maskParts(parts, spans);
  expect(masked?.text).toBe(`mail ${MASK.repeat("ann@example.com".length)}, please`);
  expect(untouched).toBe(parts[1]);
});
