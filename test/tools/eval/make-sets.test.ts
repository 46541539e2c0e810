import { describe, expect, test } from "vitest";
import { goNames, goString, goTokens } from "../../../tools/eval/sets/go-strings.ts";
import { gitleaksTexts, halfOf, trufflehogTexts } from "../../../tools/eval/sets/scanner-tests.ts";

const valueOf = (source: string): string | null => {
  const tokens = goTokens(source);
  return goString(tokens, 0, goNames(tokens)).value;
};

describe("a string of Go source", () => {
  test.each([
    { source: '"a\\t\\x41\\u00e9\\""', is: 'a\tA\u00e9"' },
    { source: "`a\\t`", is: "a\\t" },
    { source: '"a" + `b` + "c"', is: "abc" },
    { source: 'fmt.Sprintf("%s=%s%%", "a", `b`)', is: "a=b%" },
    { source: 'fmt.Sprintf("%d", "a")', is: null },
    { source: '"a" + secrets.NewSecret("b")', is: null },
  ])("$source is $is", ({ source, is }) => {
    expect(valueOf(source)).toBe(is);
  });
});

describe("texts of scanners' tests", () => {
  test("are the literals that a rule of gitleaks must find and must not", () => {
    const source = `
      RuleID: "acme-token", // tps := []string{"no"}
      tps := utils.GenerateSampleSecrets("acme", secrets.NewSecret("[a-z]{4}"))
      tps = append(tps, \`one\`, "two" + generated(), map[string]string{"x": "y"}["x"])
      fps := []string{"three", \`four\`}
    `;
    expect(gitleaksTexts(source)).toEqual([
      { text: "one", label: 1, rule: "acme-token" },
      { text: "three", label: 0, rule: "acme-token" },
      { text: "four", label: 0, rule: "acme-token" },
    ]);
  });

  test("are the inputs of a detector of TruffleHog, by whether it wants something", () => {
    const source = `
      var ( key = "k1" )
      tests := []struct{ name string; input string; want []string }{
        { name: "valid", input: fmt.Sprintf("acme %s", key), want: []string{key} },
        { name: "invalid", input: "acme k", want: nil },
        { name: "none", input: "acme", want: []string{} },
      }
    `;
    expect(trufflehogTexts(source, "acme")).toEqual([
      { text: "acme k1", label: 1, rule: "acme" },
      { text: "acme k", label: 0, rule: "acme" },
      { text: "acme", label: 0, rule: "acme" },
    ]);
  });

  test("are split by the rule's name, always alike", () => {
    const halves = Array.from({ length: 200 }, (_, index) => halfOf(`rule-${index}`));
    expect(new Set(halves)).toEqual(new Set(["dev", "held"]));
    expect(halfOf("rule-1")).toBe(halfOf("rule-1"));
  });
});
