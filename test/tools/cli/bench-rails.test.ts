/** What the benchmark of the rails measures is what it says; how fast they are, no test asks. */
import { describe, expect, test } from "vitest";
import { RAILS, RAIL_NAMES } from "../../../bench/rails.ts";
import { KB_UNITS, KINDS, promptOf, PUMPS, pumpOf } from "../../../bench/rails-texts.ts";
import { seededRng } from "../../../src/lib/rng.ts";

describe.each(KINDS)("a prompt of the kind %s", (kind) => {
  test.each([1, 8, 64])("has the size that its name says: %i KB", (kb) => {
    const { parts } = promptOf(kind, kb * KB_UNITS, seededRng(kb));
    expect(parts.reduce((total, { text }) => total + text.length, 0)).toBe(kb * KB_UNITS);
  });

  test("is a different one each time", () => {
    const rng = seededRng(1);
    expect(promptOf(kind, KB_UNITS, rng)).not.toEqual(promptOf(kind, KB_UNITS, rng));
  });

  // How often the model of injections errs is for `eval:rails` to say.
  test("is ordinary: no rail with rules finds anything in it", () => {
    const prompt = promptOf(kind, 8 * KB_UNITS, seededRng(2));
    for (const name of RAIL_NAMES.filter((rail) => rail !== "injection"))
      expect(RAILS[name](prompt).reasons, name).toEqual([]);
  });
});

test.each(Object.entries(PUMPS))("the pump of %s is as long as it was asked for", (_, piece) => {
  expect(pumpOf(piece, 1_000)).toHaveLength(1_000);
});
