import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultReplacement, mergeSpans, mergeSpansByPath, redact } from "../../../src/rails/core/spans.ts";
import type { Span } from "../../../src/rails/core/spans.ts";

const span = (start: number, end: number, more: Partial<Span> = {}): Span => ({
  start,
  end,
  rail: "pii",
  type: "email",
  action: "redact",
  ...more,
});

const anySpan: fc.Arbitrary<Span> = fc
  .record({
    start: fc.integer({ min: -2, max: 25 }),
    length: fc.integer({ min: -1, max: 8 }),
    rail: fc.constantFrom("pii", "secrets"),
    type: fc.constantFrom("email", "phone", "key"),
    action: fc.constantFrom("redact", "redact", "flag", "block"),
    replacement: fc.constantFrom(undefined, undefined, "***", ""),
  })
  .map(({ length, replacement, ...rest }) => ({
    ...rest,
    end: rest.start + length,
    ...(replacement === undefined ? {} : { replacement }),
  }));

/** A list of spans and the same list in another order. */
const shuffled = fc.array(anySpan, { maxLength: 12 }).chain((spans) =>
  fc.record({
    spans: fc.constant(spans),
    other: fc.shuffledSubarray(spans, { minLength: spans.length, maxLength: spans.length }),
  }),
);

describe("merging spans", () => {
  test.each([
    { name: "overlapping ones", spans: [span(0, 5), span(3, 8)], merged: [span(0, 8)] },
    { name: "touching ones", spans: [span(0, 5), span(5, 8)], merged: [span(0, 8)] },
    { name: "nested ones", spans: [span(0, 9), span(3, 5)], merged: [span(0, 9)] },
    { name: "a chain", spans: [span(6, 9), span(0, 4), span(3, 7)], merged: [span(0, 9)] },
    { name: "equal ones", spans: [span(1, 2), span(1, 2)], merged: [span(1, 2)] },
    {
      name: "different types under both names",
      spans: [span(0, 5, { type: "phone" }), span(3, 8, { type: "key", rail: "secrets" })],
      merged: [span(0, 8, { type: "key+phone", rail: "pii+secrets" })],
    },
    {
      name: "equal replacements into the same",
      spans: [span(0, 5, { replacement: "***" }), span(3, 8, { replacement: "***" })],
      merged: [span(0, 8, { replacement: "***" })],
    },
    {
      name: "different replacements into none",
      spans: [span(0, 5, { replacement: "***" }), span(3, 8, { replacement: "#" }), span(7, 9, { replacement: "***" })],
      merged: [span(0, 9)],
    },
  ])("makes one redaction of $name", ({ spans, merged }) => {
    expect(mergeSpans(spans)).toEqual(merged);
  });

  test("keeps a gap of one character", () => {
    expect(mergeSpans([span(0, 5), span(6, 8)])).toEqual([span(0, 5), span(6, 8)]);
  });

  test("lists flags and blocks as they are, equal ones once", () => {
    const flag = span(0, 5, { action: "flag" });
    const block = span(0, 5, { action: "block" });
    expect(mergeSpans([flag, block, flag, span(2, 6)])).toEqual([block, flag, span(2, 6)]);
  });

  test.each([
    { name: "empty", start: 3, end: 3 },
    { name: "reversed", start: 4, end: 3 },
    { name: "negative", start: -1, end: 3 },
    { name: "fractional", start: 0.5, end: 3 },
    { name: "not a number", start: Number.NaN, end: 3 },
  ])("drops a span that is $name", ({ start, end }) => {
    expect(mergeSpans([span(start, end)])).toEqual([]);
  });

  test("does not depend on the order, and merging again changes nothing", () => {
    fc.assert(
      fc.property(shuffled, ({ spans, other }) => {
        expect(mergeSpans(other)).toEqual(mergeSpans(spans));
        expect(mergeSpans(mergeSpans(spans))).toEqual(mergeSpans(spans));
      }),
    );
  });

  test("leaves no two redactions that touch", () => {
    fc.assert(
      fc.property(fc.array(anySpan), (spans) => {
        const redactions = mergeSpans(spans).filter(({ action }) => action === "redact");
        for (const [index, { start }] of redactions.entries()) {
          expect(start).toBeGreaterThan(redactions[index - 1]?.end ?? -1);
        }
      }),
    );
  });

  test("works path by path and leaves out paths without findings", () => {
    const one = new Map([
      ["b", [span(0, 2)]],
      ["empty", []],
    ]);
    const other = new Map([
      ["a", [span(4, 5)]],
      ["b", [span(1, 3)]],
    ]);
    const merged = new Map([
      ["a", [span(4, 5)]],
      ["b", [span(0, 3)]],
    ]);
    expect(mergeSpansByPath([one, other])).toEqual(merged);
    expect([...mergeSpansByPath([other, one]).keys()]).toEqual(["a", "b"]);
  });
});

describe("redacting", () => {
  const text = "write to a@b.example now";

  test.each([
    { name: "the type in brackets", spans: [span(9, 20)], result: "write to [REDACTED:email] now" },
    { name: "the given text", spans: [span(9, 20, { replacement: "***" })], result: "write to *** now" },
    { name: "an empty text", spans: [span(9, 20, { replacement: "" })], result: "write to  now" },
    { name: "several places", spans: [span(0, 5), span(9, 20)], result: "[REDACTED:email] to [REDACTED:email] now" },
    { name: "the end, beyond it too", spans: [span(21, 99)], result: "write to a@b.example [REDACTED:email]" },
    { name: "the beginning, before it too", spans: [span(-5, 5)], result: "[REDACTED:email] to a@b.example now" },
    { name: "nothing outside of the text", spans: [span(24, 30), span(-5, 0)], result: text },
    {
      name: "nothing for flags and blocks",
      spans: [span(0, 5, { action: "flag" }), span(6, 8, { action: "block" })],
      result: text,
    },
    { name: "nothing without spans", spans: [], result: text },
  ])("puts $name", ({ spans, result }) => {
    expect(redact(text, spans)).toBe(result);
  });

  test.each([
    { start: 2, end: 3 },
    { start: 1, end: 2 },
  ])("takes the whole of a surrogate pair that $start to $end would cut", ({ start, end }) => {
    expect(redact("a😀b", [span(start, end, { replacement: "*" })])).toBe("a*b");
  });

  test("does not depend on the order, nor on whether the spans were merged before", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 25 }), shuffled, (any, { spans, other }) => {
        expect(redact(any, other)).toBe(redact(any, spans));
        const proper = spans.filter(({ start, end }) => start >= 0 && end <= any.length);
        expect(redact(any, mergeSpans(proper))).toBe(redact(any, proper));
      }),
    );
  });

  test("leaves no character of a redacted span and every other one in its order", () => {
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 8 }), (spans) => {
        const letters = "abcdefghijklmnopqrstuvwxyz";
        const gone = (at: number) =>
          spans.some(({ start, end, action }) => action === "redact" && start <= at && at < end);
        const kept = [...letters].filter((_, at) => !gone(at)).join("");
        const plain = spans.map((one) => ({ ...one, replacement: "" }));
        expect(redact(letters, plain)).toBe(kept);
      }),
    );
  });

  test("names the type by default", () => {
    expect(defaultReplacement("key+phone")).toBe("[REDACTED:key+phone]");
  });
});
