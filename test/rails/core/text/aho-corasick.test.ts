import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AhoCorasick, PATTERN_UNITS_MAX } from "../../../../src/rails/core/text/aho-corasick.ts";

/** Every occurrence, as "pattern@end", longest first at each end. */
function matches(automaton: AhoCorasick, patterns: readonly string[], text: string): string[] {
  const found: string[] = [];
  let node = automaton.root;
  for (let at = 0; at < text.length; at += 1) {
    node = automaton.step(node, text.charCodeAt(at));
    expect(automaton.hasOutput(node)).toBe(automaton.outputs(node).length > 0);
    for (const id of automaton.outputs(node)) found.push(`${patterns[id]}@${at + 1}`);
  }
  return found;
}

function matchesBySearch(patterns: readonly string[], text: string): string[] {
  const longestFirst = [...new Set(patterns)]
    .filter((one) => one !== "")
    .sort((one, other) => other.length - one.length);
  return Array.from({ length: text.length }, (_, index) => index + 1).flatMap((end) =>
    longestFirst.filter((pattern) => text.slice(0, end).endsWith(pattern)).map((pattern) => `${pattern}@${end}`),
  );
}

const anyWord = (maxLength: number) =>
  fc.array(fc.constantFrom("a", "b", "c", "я", "\ud83d", "\ude00"), { maxLength }).map((chars) => chars.join(""));

describe("the automaton", () => {
  test("finds what a search for each pattern finds", () => {
    fc.assert(
      fc.property(fc.array(anyWord(5), { maxLength: 12 }), anyWord(60), (patterns, text) => {
        expect(matches(new AhoCorasick(patterns), patterns, text)).toEqual(matchesBySearch(patterns, text));
      }),
    );
  });

  test("finds patterns inside and behind each other", () => {
    const patterns = ["he", "she", "his", "hers"];
    expect(matches(new AhoCorasick(patterns), patterns, "ushers")).toEqual(["she@4", "he@4", "hers@6"]);
  });

  test("finds nothing without patterns", () => {
    expect(matches(new AhoCorasick([]), [], "abc")).toEqual([]);
  });

  test.each([
    { name: "that almost matches everywhere", text: "a".repeat(50_000), patterns: [`${"a".repeat(500)}b`] },
    { name: "that fails late and often", text: `${"a".repeat(499)}c`.repeat(100), patterns: [`${"a".repeat(500)}b`] },
    { name: "of ordinary words", text: "the quick brown fox ".repeat(1_000), patterns: ["quiet", "fix", "then"] },
  ])("takes at most two steps a unit on a text $name", ({ text, patterns }) => {
    const automaton = new AhoCorasick(patterns);
    expect(matches(automaton, patterns, text)).toEqual([]);
    expect(automaton.steps).toBeLessThanOrEqual(2 * text.length);
  });

  test("takes patterns up to its bound and no more", () => {
    const half = "a".repeat(PATTERN_UNITS_MAX / 2);
    expect(() => new AhoCorasick([half, half])).not.toThrow();
    expect(() => new AhoCorasick([half, half, "a"])).toThrow("too many patterns");
  });
});
