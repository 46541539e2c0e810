import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addFound, piecesOf, unitOffsets } from "../../../src/rails/core/outside-texts.ts";
import type { FoundSpan } from "../../../src/rails/core/rail.ts";

const partsOf = (...texts: string[]) => texts.map((text, index) => ({ path: `p${index}`, role: "user", text }));
const textsOf = (texts: readonly string[], charsMax: number, piecesMax = 100) =>
  piecesOf(partsOf(...texts), charsMax, piecesMax).map(({ text }) => text);

describe("texts for a service that takes one at a time", () => {
  test.each<[string, string[], number, string[]]>([
    ["go together, apart", ["ab", "cd"], 6, ["ab\n\ncd"]],
    ["go one by one where they do not fit together", ["ab", "cd"], 5, ["ab", "cd"]],
    ["are cut at the bound", ["abcdef"], 4, ["abcd", "ef"]],
    ["are cut at a blank", ["ab cdef"], 4, ["ab", " cde", "f"]],
    ["are not cut in a character", ["abc\u{1f600}d"], 4, ["abc", "\u{1f600}d"]],
    ["that are empty are left out", ["", "ab", ""], 4, ["ab"]],
  ])("%s", (_, texts, charsMax, pieces) => {
    expect(textsOf(texts, charsMax)).toEqual(pieces);
  });

  test("are as many as it may be asked for, and not one more", () => {
    expect(textsOf(["aa", "bb"], 2, 2)).toHaveLength(2);
    expect(() => textsOf(["aa", "bb", "c"], 2, 2)).toThrow(/more than 2 calls/);
  });

  test("are all there, in order, within the bound, and each place is what it says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 20 })),
        fc.integer({ min: 2, max: 30 }),
        (texts, max) => {
          const parts = partsOf(...texts);
          const pieces = piecesOf(parts, max, 1_000);
          const read = new Map(parts.map(({ path }) => [path, ""]));
          for (const { text, places } of pieces) {
            expect(text.length).toBeLessThanOrEqual(max);
            for (const { path, at, from, length } of places) {
              const whole = parts.find((part) => part.path === path)?.text ?? "";
              expect(text.slice(at, at + length)).toBe(whole.slice(from, from + length));
              read.set(path, (read.get(path) ?? "") + text.slice(at, at + length));
            }
          }
          expect([...read.values()]).toEqual(texts);
        },
      ),
    );
  });
});

describe("a place in a piece", () => {
  const [piece] = piecesOf(partsOf("Ann and", "Bob"), 100, 1);
  const placed = (start: number, end: number) => {
    const spans = new Map<string, FoundSpan[]>();
    if (piece !== undefined) addFound(spans, piece, { start, end, type: "name" });
    return Object.fromEntries([...spans].map(([path, list]) => [path, list.map((span) => [span.start, span.end])]));
  };
  test.each<[string, [number, number], Record<string, number[][]>]>([
    ["lies in its text", [0, 3], { p0: [[0, 3]] }],
    ["lies in the second", [9, 12], { p1: [[0, 3]] }],
    ["that goes over two is in both", [4, 10], { p0: [[4, 7]], p1: [[0, 1]] }],
    ["between them is in none", [7, 9], {}],
  ])("%s", (_, [start, end], spans) => {
    expect(placed(start, end)).toEqual(spans);
  });
  test.each([
    [-1, 2],
    [3, 3],
    [0, 13],
    [0.5, 2],
    [Number.NaN, 2],
  ])("from %d to %d is none", (start, end) => {
    expect(() => placed(start, end)).toThrow(/beyond/);
  });
});

test("offsets in code points are the ones of Python, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const units = unitOffsets(text);
      const points = Array.from(text);
      for (let at = 0; at <= points.length; at += 1) expect(units(at)).toBe(points.slice(0, at).join("").length);
      expect(units(points.length + 1)).toBeNaN();
    }),
  );
});
