import { describe, expect, test } from "vitest";
import { QUOTE_CHARS_MIN, QUOTED_BYTES_MAX, withoutQuotes } from "../../src/wire/without-quotes.ts";

const PROMPT = 'Our board will sell the "Bergedorf" plant in May.\nNobody may know: Schließung in Мае.';
const ascii = (text: string): string =>
  text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const bodyOf = (content: string) =>
  new TextEncoder().encode(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));

describe("what an endpoint says of its failure", () => {
  test.each([
    ["as it was", `ValueError: cannot tokenize ${PROMPT} (sorry)`],
    ["as JSON wrote it", `ValueError: cannot tokenize ${JSON.stringify(PROMPT)} (sorry)`],
    [
      "as an error in JSON wrote that",
      JSON.stringify(`ValueError: cannot tokenize ${JSON.stringify(PROMPT)} (sorry)`).slice(1, -1),
    ],
    ["in ASCII alone", `ValueError: cannot tokenize ${ascii(PROMPT)} (sorry)`],
    ["half of it", `ValueError: cannot tokenize ${PROMPT.slice(20)} (sorry)`],
    ["its middle", `ValueError: cannot tokenize …${PROMPT.slice(8, 60)}… (sorry)`],
    ["twice", `ValueError: cannot tokenize ${PROMPT}, ${PROMPT} (sorry)`],
  ])("loses what it quotes of the request, %s", (_, shown) => {
    const left = withoutQuotes(shown, bodyOf(PROMPT));
    for (const word of ["board", "Bergedorf", "Nobody", "Schließung", "Мае"]) expect(left).not.toContain(word);
    expect(left).toMatch(/^ValueError: cannot tokenize.*\[REDACTED:request\].*\(sorry\)$/s);
  });

  test("is left alone where it quotes nothing, and where there is no request", () => {
    const shown = "CUDA out of memory. Tried to allocate 2.00 GiB";
    expect(withoutQuotes(shown, bodyOf(PROMPT))).toBe(shown);
    expect(withoutQuotes(shown, null)).toBe(shown);
  });

  test("a run at the bound goes, one that is shorter may be anybody's", () => {
    const run = "abc1defghijklmnopqrstuvwxyz".slice(0, QUOTE_CHARS_MIN);
    for (let at = 0; at < 8; at++) {
      const body = bodyOf(`${"z".repeat(at)} ${run}`);
      expect(withoutQuotes(`<<${run}>>`, body)).toBe("<<[REDACTED:request]>>");
      expect(withoutQuotes(`<<${run.slice(1)}>>`, body)).toBe(`<<${run.slice(1)}>>`);
    }
  });

  test("of a long request both ends are compared", () => {
    const [first, last] = ["thus it all began", "and so it has ended"];
    const long = bodyOf(first + "0".repeat(3 * QUOTED_BYTES_MAX) + last);
    expect(withoutQuotes(`no: ${first}; ${last}`, long)).toBe("no: [REDACTED:request]; [REDACTED:request]");
  });
});
