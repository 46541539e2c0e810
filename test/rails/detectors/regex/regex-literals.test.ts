import { RE2JS } from "re2js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LITERALS_MAX, mayHold, requiredLiterals } from "../../../../src/rails/detectors/regex/regex-literals.ts";

describe("what a text must hold", () => {
  test.each([
    { pattern: "project[- ](falcon|osprey)", required: [["project"], ["falcon", "osprey"]] },
    { pattern: "\\bPRJ-[0-9]{4,6}\\b", required: [["prj-"]] },
    { pattern: "(?:strictly )?confidential:? internal", required: [["confidential"], [" internal"]] },
    { pattern: "(?P<name>hello)+", required: [["hello"]] },
    { pattern: "\\.corp\\.internal", required: [[".corp.internal"]] },
    { pattern: "(?i)(foo|barbaz)x?", required: [["foo", "barbaz"]] },
    { pattern: "abc+def", required: [["abc"], ["def"]] },
    { pattern: "[\\]]abc[]a]", required: [["abc"]] },
    { pattern: "\\x{41}bcd\\p{Greek}", required: [["bcd"]] },
    { pattern: "(?i)stra\u00dfe", required: [["stra"]] },
  ])("by $pattern is read from it", ({ pattern, required }) => {
    expect(requiredLiterals(pattern)).toEqual(required);
  });

  test.each(["ab?cd", "abc*", "(abc|d)", "a{2}bc", "\\d{3}-\\d{2}", "abc|", "x(?:yz1)?", "\\Qabc\\E", "(a(b(c", ""])(
    "by '%s' is nothing",
    (pattern) => {
      expect(requiredLiterals(pattern)).toEqual([]);
    },
  );

  test("is nothing beyond as many alternatives as are looked for", () => {
    const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join("|");
    expect(requiredLiterals(words(LITERALS_MAX))).toHaveLength(1);
    expect(requiredLiterals(words(LITERALS_MAX + 1))).toEqual([]);
  });
});

test("a text in which a pattern matches holds what the pattern requires, in any case", () => {
  const piece = fc.constantFrom(
    "abc",
    "Kls",
    "d?",
    "e*",
    "f+",
    "(gh|ij)",
    "(?:klm|nop)?",
    "[q-s]",
    ".",
    "\\.",
    "t{0,2}",
    "(uvw)",
    "\\b",
    "|",
  );
  const text = fc.array(
    fc.constantFrom(
      "abc",
      "KLS",
      "\u212als",
      "kl\u017f",
      "d",
      "e",
      "ff",
      "gh",
      "ij",
      "klm",
      "q",
      ".",
      "tt",
      "uvw",
      " ",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), text, fc.boolean(), (pieces, words, mindsCase) => {
      const pattern = pieces.join("");
      const whole = words.join("");
      const re = RE2JS.compile(pattern, mindsCase ? 0 : RE2JS.CASE_INSENSITIVE);
      if (re.matcher(whole).find()) expect(mayHold(whole.toLowerCase(), requiredLiterals(pattern))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
