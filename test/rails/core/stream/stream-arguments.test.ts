import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createArgumentsFilter, redactArguments } from "../../../../src/rails/core/stream/stream-arguments.ts";
import { cutBy, GITHUB_KEY, SETS } from "./stream-support.ts";

const ALL = SETS["all"] ?? [];

function show(pieces: readonly string[]): string {
  const filter = createArgumentsFilter(ALL);
  return pieces.map((piece) => filter.push(piece)).join("") + filter.flush();
}

describe("arguments of a tool call", () => {
  const value = {
    to: "jane.doe@example.com",
    note: `line\n"${GITHUB_KEY}"\tend \\ é 😀`,
    card: 4111111111111111,
    n: -1.5e3,
    list: [true, null, "415 555-0132"],
  };
  const raw = JSON.stringify(value).replace("@", String.raw`\u0040`);

  test("stay JSON when something in them is redacted, wherever they are cut", () => {
    const expected = show([raw]);
    expect(JSON.parse(expected)).toEqual({
      to: "[REDACTED:email]",
      note: 'line\n"[REDACTED:github_token]"\tend \\ é 😀',
      card: 4111111111111111,
      n: -1500,
      list: [true, null, "[REDACTED:phone]"],
    });
    for (let at = 1; at < raw.length; at += 1) expect(show([raw.slice(0, at), raw.slice(at)])).toBe(expected);
    expect(show(raw.split(""))).toBe(expected);
  });

  test("of any kind stay JSON, and pass as they were written when nothing is found", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("a@b.co", "4111 1111 1111 1111", `x\n${GITHUB_KEY}`, 'say "acme rocket"'),
    );
    const json = fc.oneof(
      text,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(text),
      fc.dictionary(text, text),
    );
    const property = fc.property(
      json,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
      (any, lengths) => {
        const written = JSON.stringify(any);
        const shown = show(cutBy(written, lengths));
        expect(() => JSON.parse(shown) as unknown).not.toThrow();
        expect(show([written])).toBe(shown);
        expect(redactArguments(written, () => [])).toBe(written);
      },
    );
    fc.assert(property, { numRuns: 400, seed: 3 });
  });

  test.each([
    ["half an escape", String.raw`{"a":"\u00`],
    ["a lone backslash", '{"a":"\\'],
    ["an escape that is none", String.raw`{"a":"\uzz"}`],
    ["no JSON at all", "just words, {and} ]brackets["],
  ])("that the model got wrong pass as they are: %s", (_name, broken) => {
    expect(show([broken])).toBe(broken);
    expect(show(broken.split(""))).toBe(broken);
  });
});
