import { expect, test } from "vitest";
import { remember } from "../../src/lib/recent.ts";

const MOST = 8;

/** What is left after these uses, the next to be forgotten first. */
function after(...keys: string[]): string[] {
  const map = new Map<string, number>();
  for (const [index, key] of keys.entries()) remember(map, key, index, MOST);
  return [...map.keys()];
}

const letters = (most: number) => Array.from({ length: most }, (_, index) => String.fromCodePoint(97 + index));

test("a map holds as many keys as it may, and with one more forgets the one that was used longest ago", () => {
  expect(after(...letters(MOST))).toEqual(letters(MOST));
  expect(after(...letters(MOST + 1))).toEqual(letters(MOST + 1).slice(1));
  expect(after(...letters(MOST), "a", "z")).toEqual([...letters(MOST).slice(2), "a", "z"]);
});

test("a key that was used while the map was half full is not forgotten before one that was not", () => {
  const used = [...letters(MOST / 2), "a", ...letters(MOST).slice(MOST / 2)];
  expect(after(...used, "z")).toEqual(["c", "d", "a", ...letters(MOST).slice(MOST / 2), "z"]);
});

test("what is remembered is what was said last", () => {
  const map = new Map([["a", 1]]);
  remember(map, "a", 2, MOST);
  expect([...map]).toEqual([["a", 2]]);
});
