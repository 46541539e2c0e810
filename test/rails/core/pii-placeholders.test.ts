import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { createRestorer, placeholders, restorePlaceholders } from "../../../src/rails/core/pii-placeholders.ts";
import { findPii } from "../../../src/rails/detectors/pii/pii.ts";
import type { TextPart } from "../../../src/rails/core/rail.ts";
import { redact } from "../../../src/rails/core/spans.ts";

function redacted(texts: readonly string[]): { texts: string[]; originals: ReadonlyMap<string, string> } {
  const parts: TextPart[] = texts.map((text, index) => ({ path: `messages[${index}]`, role: "user", text }));
  const found = new Map(parts.map(({ path, text }) => [path, findPii(text)] as const));
  const { spans, originals } = placeholders(parts, found);
  const redactedTexts = parts.map(({ path, text }) =>
    redact(
      text,
      (spans.get(path) ?? []).map((span) => ({ ...span, rail: "pii", action: "redact" as const })),
    ),
  );
  return { texts: redactedTexts, originals };
}

describe("placeholders", () => {
  test("are numbered per type by first appearance over all parts, and one value keeps its own", () => {
    const { texts, originals } = redacted([
      "from b@example.com to a@example.com",
      "a@example.com has 4111111111111111, b@example.com has 10.0.0.1",
    ]);
    expect(texts).toEqual(["from [EMAIL_1] to [EMAIL_2]", "[EMAIL_2] has [CARD_1], [EMAIL_1] has [IP_1]"]);
    expect(originals.get("[EMAIL_2]")).toBe("a@example.com");
    expect(originals.size).toBe(4);
  });

  test("do not take a name that the request already contains", () => {
    const { texts } = redacted(["What does [EMAIL_1] mean?", "a@example.com"]);
    expect(texts).toEqual(["What does [EMAIL_1] mean?", "[EMAIL_2]"]);
  });

  test("are plain for merged types, and spans of unknown parts are left out", () => {
    const parts = [{ path: "a", role: "user", text: "xyz" }];
    const spans = new Map([
      ["a", [{ start: 0, end: 3, type: "email+phone" }]],
      ["b", [{ start: 0, end: 3, type: "email" }]],
    ]);
    const result = placeholders(parts, spans);
    expect([...result.originals]).toEqual([["[EMAIL_PHONE_1]", "xyz"]]);
    expect([...result.spans.keys()]).toEqual(["a"]);
  });

  test("give the original text back", () => {
    const texts = ["a@example.com [EMAIL_1] b@example.com", "call +1 212-555-0199 [[PHONE_1]"];
    const { texts: replaced, originals } = redacted(texts);
    expect(replaced.map((text) => restorePlaceholders(text, originals))).toEqual(texts);
  });
});

describe("restoring an answer", () => {
  const originals = new Map([
    ["[EMAIL_1]", "a@example.com"],
    ["[EMAIL_12]", "[EMAIL_1]"],
    ["[IP_1]", "10.0.0.1"],
  ]);

  /** Independent of the automaton: what a single global replacement gives. */
  function expected(text: string): string {
    return text.replaceAll(/\[(?:EMAIL_12|EMAIL_1|IP_1)\]/g, (name) => originals.get(name) ?? "");
  }

  test.each([
    ["Dear [EMAIL_1], ", "Dear a@example.com, "],
    ["[EMAIL_1][EMAIL_12][IP_1]", "a@example.com[EMAIL_1]10.0.0.1"],
    ["[[EMAIL_1]]", "[a@example.com]"],
    ["[EMAIL_[IP_1]", "[EMAIL_10.0.0.1"],
    ["[EMAIL_2] [email_1] EMAIL_1 [", "[EMAIL_2] [email_1] EMAIL_1 ["],
    ["[EMAIL_1", "[EMAIL_1"],
  ])("%s", (text, restored) => {
    expect(restorePlaceholders(text, originals)).toBe(restored);
  });

  const piece = fc.constantFrom(
    "[EMAIL_1]",
    "[EMAIL_12]",
    "[IP_1]",
    "[",
    "]",
    "[EMAIL_",
    "1",
    "2",
    "[IP_",
    "text ",
    "é",
  );
  const answer = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

  test("does not depend on how the answer was cut", () => {
    fc.assert(
      fc.property(answer, (text) => {
        for (let cut = 0; cut <= text.length; cut += 1) {
          const restorer = createRestorer(originals);
          const out = restorer.push(text.slice(0, cut)) + restorer.push(text.slice(cut)) + restorer.end();
          expect(out).toBe(expected(text));
        }
        const restorer = createRestorer(originals);
        const bySingle = Array.from({ length: text.length }, (_, at) => restorer.push(text.charAt(at))).join("");
        expect(bySingle + restorer.end()).toBe(expected(text));
      }),
    );
  });

  test("holds back exactly the tail that could still become a placeholder", () => {
    fc.assert(
      fc.property(answer, (text) => {
        const restorer = createRestorer(originals);
        restorer.push(text);
        const open = text.lastIndexOf("[");
        const tail = open < 0 ? "" : text.slice(open);
        const couldBecome = [...originals.keys()].some((name) => name !== tail && name.startsWith(tail));
        expect(restorer.end()).toBe(couldBecome ? tail : "");
      }),
    );
  });

  test("passes everything without placeholders", () => {
    const restorer = createRestorer(new Map());
    expect(restorer.push("[EMAIL_1")).toBe("[EMAIL_1");
    expect(restorer.end()).toBe("");
  });

  test("refuses names that are not one pair of brackets", () => {
    for (const name of ["", "[]", "EMAIL", "[A", "[A]]", "[A[B]"]) {
      expect(() => createRestorer(new Map([[name, "x"]]))).toThrow("invariant broken");
    }
  });
});
