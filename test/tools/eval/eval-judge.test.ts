import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeSet } from "../../../tools/eval/eval-judge.ts";
import { mistakesOf, MISTAKES_SHOWN_MAX, SPAN_CHARS_MAX, SPANS_SHOWN_MAX } from "../../../tools/eval/eval-print.ts";
import { intervalsOf, ratesOf, wilson } from "../../../tools/eval/eval-rates.ts";
import { readSet, SET_BYTES_MAX } from "../../../tools/eval/eval-sets.ts";
import { matchSpans } from "../../../tools/eval/eval-spans.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "eval-judge-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the bounds of what is shown", () => {
  const spans = (count: number, chars: number) =>
    Array.from({ length: count }, () => ({ start: 0, end: chars, type: "email" }));
  const shown = (rows: number, count: number, chars: number): string => {
    const mistake = { line: 1, text: "x".repeat(chars), missed: spans(count, chars), wrong: [], verdict: null };
    return mistakesOf(
      "pii.a.jsonl",
      Array.from({ length: rows }, () => mistake),
    );
  };

  test.each<[string, (more: number) => string, string]>([
    ["rows of a set", (more) => shown(MISTAKES_SHOWN_MAX + more, 1, 1), "pii.a.jsonl: 1 more rows"],
    ["spans of a row", (more) => shown(1, SPANS_SHOWN_MAX + more, 1), ", and 1 more\n"],
    ["characters of a span", (more) => shown(1, 1, SPAN_CHARS_MAX + more), '…"'],
  ])("are for the %s: all at the bound, and beyond it a note", (_, show, note) => {
    expect(show(0)).not.toContain(note);
    expect(show(1)).toContain(note);
  });

  test.each([
    [SET_BYTES_MAX, "has no row"],
    [SET_BYTES_MAX + 1, "split it"],
  ])("are for a file of %i bytes, too: it %s", (bytes, problem) => {
    writeFileSync(join(folder, "pii.a.jsonl"), "");
    truncateSync(join(folder, "pii.a.jsonl"), bytes);
    const read = readSet(folder, { rail: "pii", name: "a", file: "pii.a.jsonl" });
    expect(read).toEqual({ ok: false, error: expect.stringContaining(problem) });
  });
});

describe("the arithmetic", () => {
  test.each([
    [0, 10, 0, 0.2775],
    [1, 10, 0.0179, 0.4042],
    [5, 10, 0.2366, 0.7634],
    [10, 10, 0.7225, 1],
  ])("gives %i of %i Wilson's interval", (hits, count, from, to) => {
    expect(wilson(hits, count)?.[0]).toBeCloseTo(from, 4);
    expect(wilson(hits, count)?.[1]).toBeCloseTo(to, 4);
  });

  test("has every rate within its interval, and null where there is no rate", () => {
    const count = fc.integer({ min: 0, max: 2000 });
    const check = fc.property(count, count, count, (right, wrong, missed) => {
      const [rates, intervals] = [ratesOf({ right, wrong, missed }), intervalsOf({ right, wrong, missed })];
      for (const name of ["precision", "recall", "f1"] as const) {
        const [rate, interval] = [rates[name], intervals[name]];
        expect(rate === null).toBe(interval === null);
        if (rate === null || interval === null) continue;
        expect(interval[0]).toBeGreaterThanOrEqual(0);
        expect(interval[0]).toBeLessThanOrEqual(rate + 1e-12);
        expect(interval[1]).toBeGreaterThanOrEqual(rate - 1e-12);
        expect(interval[1]).toBeLessThanOrEqual(1);
      }
    });
    fc.assert(check);
  });

  const at = (start: number, end: number) => ({ start, end, type: "a" });

  test.each<[string, number[][], number[][], number, number]>([
    [
      "one found span over two expected ones",
      [
        [0, 2],
        [3, 5],
      ],
      [[0, 5]],
      0,
      1,
    ],
    [
      "two found spans in one expected one",
      [[0, 5]],
      [
        [0, 2],
        [3, 5],
      ],
      0,
      1,
    ],
    [
      "the same span found twice",
      [[0, 5]],
      [
        [0, 5],
        [0, 5],
      ],
      1,
      0,
    ],
    [
      "an exact one before an overlapping one",
      [
        [0, 5],
        [2, 5],
      ],
      [
        [2, 5],
        [0, 4],
      ],
      1,
      1,
    ],
    ["spans that only touch", [[0, 2]], [[2, 4]], 0, 0],
  ])("pairs %s at most once", (_, expected, found, exact, overlapping) => {
    const spansOf = (ranges: number[][]) => ranges.map(([start = 0, end = 0]) => at(start, end));
    const match = matchSpans(spansOf(expected), spansOf(found), () => true);
    expect([match.exact.length, match.overlapping.length]).toEqual([exact, overlapping]);
  });

  test("leaves out a text on which the rail throws", () => {
    const rows = ["x", "bad"].map((text, index) => ({
      line: index + 1,
      text,
      role: "user",
      isPositive: false,
      spans: null,
    }));
    const set = { rail: "pii", name: "a", file: "pii.a.jsonl", hasSpans: false, rows, badLines: 0 };
    const inspect = (text: string) => {
      if (text === "bad") throw new Error("broken rail");
      return { isFound: false, spans: [], reasons: [] };
    };
    const judged = judgeSet(set, { inspect, spans: "ranges", ownType: (type) => type, strangeTypes: [] });
    expect(judged.failedLines).toEqual([2]);
    expect(judged.result).toMatchObject({ n: 1, fpr: 0 });
  });
});
