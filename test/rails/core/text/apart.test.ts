import fc from "fast-check";
import { expect, test } from "vitest";
import { APART_MIN, mayBeApart, togetherRows } from "../../../../src/rails/core/text/apart.ts";

test.each([
  { name: "words of two letters behind one another", text: "So it is as he is in it, or is it at an end of it?" },
  { name: "a ruled line", text: `Title\n${"-".repeat(40)}\n${"=".repeat(40)}` },
  { name: "an indented line", text: `if (a) {\n${" ".repeat(40)}return b;\n}` },
  {
    name: "a row that is a letter too short",
    text: `${"abcdefghijklmnop"
      .slice(0, APART_MIN - 1)
      .split("")
      .join(" ")}.`,
  },
])("no letters are apart in $name", ({ text }) => {
  expect(mayBeApart(text)).toBe(false);
});

test("where no letters may be apart, no row is read", () => {
  const sign = fc.constantFrom(" ", "-", ".", ",", "\n", "\t");
  const piece = fc.string({ unit: fc.constantFrom(..."abcdef019 -.,"), minLength: 1, maxLength: 2 });
  const row = fc
    .tuple(sign, fc.array(piece, { minLength: APART_MIN - 3, maxLength: APART_MIN + 8 }))
    .map(([gap, pieces]) => pieces.join(gap));
  const even = fc
    .tuple(sign, fc.integer({ min: 1, max: 2 }), fc.string({ unit: fc.constantFrom(..."abcdef019-"), maxLength: 40 }))
    .map(([gap, width, text]) => (text.match(width === 1 ? /./g : /../g) ?? []).join(gap));
  const text = fc.array(fc.oneof(row, even, piece), { maxLength: 4 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (any) => {
      if (!mayBeApart(any)) expect(togetherRows(any)).toEqual([]);
    }),
    { numRuns: 5_000 },
  );
});
