import { STEPS_PER_PART } from "../../../../src/rails/core/budget.ts";
import type { RailInput } from "../../../../src/rails/core/rail.ts";
import { describe, expect, test } from "vitest";
import {
  checkPattern,
  checkRegexOptions,
  findRegex,
  PATTERN_CHARS_MAX,
  PATTERN_MATCHES_MAX,
  PATTERN_PROGRAM_MAX,
  PATTERNS_MAX,
  regexRail,
} from "../../../../src/rails/detectors/regex/regex.ts";

const one = (pattern: string, flags?: string) => ({
  patterns: [flags === undefined ? { name: "it", pattern } : { name: "it", pattern, flags }],
});
const found = (text: string, pattern: string, flags?: string) =>
  findRegex(text, one(pattern, flags)).map(({ start, end }) => text.slice(start, end));

describe("a pattern of the operator", () => {
  test.each([
    { text: "ticket ABC-123 and XYZ-9", pattern: "[A-Z]{3}-\\d+", is: ["ABC-123", "XYZ-9"] },
    { text: "Project Falcon", pattern: "falcon", flags: "i", is: ["Falcon"] },
    { text: "a\nb", pattern: "^b$", flags: "m", is: ["b"] },
    { text: "a\nb", pattern: "a.b", flags: "s", is: ["a\nb"] },
    { text: "😀 b", pattern: "b|x*", is: ["b"] },
    { text: "ＡＢ１", pattern: "AB1", is: ["ＡＢ１"] },
    { text: "se\u200bcret", pattern: "secret", is: ["se\u200bcret"] },
    { text: "①", pattern: "①", is: ["①"] },
  ])("finds $is in '$text'", ({ text, pattern, flags, is }) => {
    expect(found(text, pattern, flags)).toEqual(is);
  });

  test("is named by the spans and the reasons of the rail, and its text is not", () => {
    const parts = [
      { path: "prompt", role: "user", text: "Falcon flies" },
      { path: "suffix", role: "user", text: "nothing" },
    ];
    const options = { patterns: [{ name: "codename", pattern: "Falcon" }] };
    expect(regexRail({ parts, messageCount: 0, unseen: [] }, options)).toEqual({
      spans: new Map([["prompt", [{ start: 0, end: 6, type: "codename" }]]]),
      reasons: ["regex:codename"],
    });
  });

  test("takes what lies behind the last match it looks for as found", () => {
    const text = "a".repeat(PATTERN_MATCHES_MAX);
    expect(findRegex(text, one("a"))).toHaveLength(PATTERN_MATCHES_MAX);
    const spans = findRegex(`${text}aaa!`, one("a"));
    expect(spans).toHaveLength(PATTERN_MATCHES_MAX + 1);
    expect(spans.at(-1)).toEqual({ start: text.length, end: text.length + 4, type: "it" });
  });
});

describe("the check of a pattern", () => {
  test.each([
    { pattern: "(a+)+$", problem: null },
    { pattern: "a".repeat(PATTERN_CHARS_MAX), problem: null },
    { pattern: "(a", problem: "missing closing )" },
    { pattern: "(?=a)b", problem: "unsupported" },
    { pattern: "(a)\\1", problem: "invalid escape" },
    { pattern: "", problem: "empty" },
    { pattern: "a".repeat(PATTERN_CHARS_MAX + 1), problem: `more than ${PATTERN_CHARS_MAX}` },
    { pattern: "[ab]{900}[cd]{900}", problem: `more than ${PATTERN_PROGRAM_MAX}` },
  ])("says of $pattern: $problem", ({ pattern, problem }) => {
    if (problem === null) expect(checkPattern(pattern)).toBeNull();
    else expect(checkPattern(pattern)).toContain(problem);
  });

  test("knows the flags i, m and s", () => {
    expect(checkPattern("a", "ims")).toBeNull();
    expect(checkPattern("a", "g")).toContain('unknown flag "g"');
  });

  test("names the pattern, bounds their number and their names", () => {
    const many = (count: number) => ({ patterns: Array.from({ length: count }, () => ({ name: "x", pattern: "x" })) });
    expect(checkRegexOptions(many(PATTERNS_MAX))).toBeNull();
    expect(checkRegexOptions(many(PATTERNS_MAX + 1))).toContain(`at most ${PATTERNS_MAX}`);
    expect(checkRegexOptions({ patterns: [{ name: "bad", pattern: "(" }] })).toContain('pattern "bad"');
    expect(checkRegexOptions({ patterns: [{ name: "No Good", pattern: "a" }] })).toContain("name");
  });
});

describe("a pattern takes steps from the budget of its rail", () => {
  const input = (text: string): RailInput => ({
    parts: [{ path: "prompt", role: "user", text }],
    messageCount: 0,
    unseen: [],
  });
  const costOf = (pattern: string, text: string): number => {
    const budget = { stepsLeft: 1e9 };
    regexRail(input(text), { patterns: [{ name: "p", pattern }] }, budget);
    return 1e9 - budget.stepsLeft;
  };
  const text = "number 078-05-1120 of ".repeat(40);

  test("and reads at the bound what it does not read beyond", () => {
    const options = { patterns: [{ name: "id", pattern: "\\d{3}-\\d{2}-\\d{4}" }] };
    const steps = costOf("\\d{3}-\\d{2}-\\d{4}", text);
    const at = regexRail(input(text), options, { stepsLeft: steps });
    expect([at.isCut, at.reasons]).toEqual([undefined, ["regex:id"]]);
    expect(regexRail(input(text), options, { stepsLeft: steps - 1 })).toMatchObject({ isCut: true, reasons: [] });
  });

  test("more the larger it compiles, and next to none where its letters are not in the text", () => {
    expect(costOf("(?:a?){100}a{100}", text)).toBeGreaterThan(5 * costOf("\\d{3}-\\d{2}-\\d{4}", text));
    expect(costOf("(?:a?){100}zebra", text)).toBe(STEPS_PER_PART + text.length);
  });

  test("and what other patterns found counts", () => {
    const patterns = [
      { name: "first", pattern: "\\d{3}-\\d{2}" },
      { name: "dear", pattern: "(?:\\d?){300}z|number" },
    ];
    const stepsLeft = costOf("\\d{3}-\\d{2}", text) + 1;
    expect(regexRail(input(text), { patterns }, { stepsLeft })).toMatchObject({
      isCut: true,
      reasons: ["regex:first"],
    });
  });
});
